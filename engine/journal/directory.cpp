// NodeDirectory: see directory.hpp.
// Core: control. Allocates: yes. Blocks: on the disk. Clock: none (the time comes in).
#include "engine/journal/directory.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "config/limits.hpp"
#include "engine/base/crc32c.hpp"

namespace levy::journal {

namespace {

constexpr std::size_t identity_bytes_max = 4096;

bool good_name(const std::string& name) {
  return !name.empty() && name.size() <= limits::name_bytes_max &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

template <class T>
bool parse_number(const std::string& text, T& value, int base) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  return error == std::errc{} && stop == end;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

Failure NodeDirectory::open(const DirectoryRequest& request) {
  path_ = request.path;
  if (!good_name(request.node_name)) {
    return {EINVAL, "node name '" + request.node_name + "': 1 to " +
                        std::to_string(limits::name_bytes_max) +
                        " printable characters without blanks are needed"};
  }
  const bool there = disk::exists(path_ + "/LEVY");
  if (!there) {
    if (!request.create) return {ENOENT, path_ + ": no data directory of Levy"};
    if (Failure failure = disk::make_directory(path_)) return failure;
  }
  if (Failure failure = take_lock()) return failure;
  if (!disk::exists(path_ + "/LEVY")) return make(request);
  if (Failure failure = read_identity()) return failure;
  if (node_name_ == request.node_name) return {};
  if (!request.adopt) {
    return {EPERM, path_ + ": belongs to node '" + node_name_ + "', not to '" +
                       request.node_name + "'; --adopt takes it over"};
  }
  adopted_from_ = node_name_;
  node_name_ = request.node_name;
  return write_identity();
}

Failure NodeDirectory::inspect(const std::string& path) {
  path_ = path;
  return read_identity();
}

Failure NodeDirectory::take_lock() {
  const std::string path = path_ + "/lock";
  if (!disk::exists(path)) {
    disk::File made;
    // Two daemons may both come here; only the lock below decides between them.
    if (Failure failure = disk::open_new(path, disk::Caching::page_cache, made)) return failure;
  }
  disk::File file;
  if (Failure failure = disk::open_write(path, disk::Caching::page_cache, file)) return failure;
  bool taken = false;
  if (Failure failure = disk::lock(file, path, taken)) return failure;
  if (!taken) {
    std::uint64_t bytes = 0;
    if (Failure failure = disk::size_of(file, path, bytes)) return failure;
    std::string holder(std::min<std::size_t>(bytes, 32), '\0');
    const auto into = std::as_writable_bytes(std::span(holder.data(), holder.size()));
    if (Failure failure = disk::read_at(file, path, 0, into)) return failure;
    const auto end = std::find_if(holder.begin(), holder.end(),
                                  [](char c) { return c < '0' || c > '9'; });
    holder.erase(end, holder.end());
    return {EBUSY, path_ + ": in use by " +
                       (holder.empty() ? "another process" : "process " + holder)};
  }
  const std::string mine = std::to_string(disk::process_id()) + "\n";
  if (Failure failure = disk::truncate(file, path)) return failure;
  if (Failure failure = disk::write_at(file, path, 0, bytes_of(mine))) return failure;
  lock_ = std::move(file);
  return {};
}

Failure NodeDirectory::make(const DirectoryRequest& request) {
  if (request.shards < 1 || request.shards > limits::shards_max) {
    return {EINVAL, path_ + ": " + std::to_string(request.shards) + " shards; 1 to " +
                        std::to_string(limits::shards_max) + " are possible"};
  }
  std::vector<std::string> names;
  if (Failure failure = disk::list(path_, names)) return failure;
  // What an interrupted make leaves is taken up again; anything else is not ours to fill.
  for (const std::string& name : names) {
    const bool ours = name == "lock" || name == "LEVY.new" || name == "journal" ||
                      name == "snapshot" || name == "plans" || name == "lost+found";
    if (!ours) return {ENOTEMPTY, path_ + ": not empty (" + name + "), and no LEVY file in it"};
    if (name != "journal") continue;
    std::vector<std::string> segments;
    if (Failure failure = disk::list(journal_path(), segments)) return failure;
    if (!segments.empty()) {
      return {ENOTEMPTY, path_ + ": holds a journal, but its LEVY file is missing"};
    }
  }
  for (const std::string& folder : {journal_path(), snapshot_path(), plans_path()}) {
    if (Failure failure = disk::make_directory(folder)) return failure;
  }
  if (Failure failure = disk::sync_directory(path_)) return failure;
  if (Failure failure = disk::random_number(node_id_)) return failure;
  node_name_ = request.node_name;
  shards_ = request.shards;
  created_ = request.now;
  fresh_ = true;
  if (Failure failure = write_identity()) return failure;
  const std::size_t slash = path_.find_last_of('/');
  const std::string parent = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path_.substr(0, slash);
  return disk::sync_directory(parent);
}

Failure NodeDirectory::write_identity() {
  char text[512];
  std::snprintf(text, sizeof text,
                "levy data directory\nformat %u\nnode_id %016" PRIx64
                "\nnode_name %s\nshards %u\ncreated %" PRId64 "\n",
                directory_format, node_id_, node_name_.c_str(), shards_, created_.seconds());
  std::string content = text;
  std::snprintf(text, sizeof text, "crc %08x\n", crc32c(content.data(), content.size()));
  content += text;
  const std::string path = path_ + "/LEVY.new";
  disk::File file;
  if (Failure failure = disk::open_new(path, disk::Caching::page_cache, file)) return failure;
  if (Failure failure = disk::write_at(file, path, 0, bytes_of(content))) return failure;
  if (Failure failure = disk::sync(file, path)) return failure;
  return disk::rename_durably(path_, "LEVY.new", "LEVY");
}

Failure NodeDirectory::read_identity() {
  const std::string path = path_ + "/LEVY";
  disk::File file;
  if (Failure failure = disk::open_read(path, file)) return failure;
  std::uint64_t bytes = 0;
  if (Failure failure = disk::size_of(file, path, bytes)) return failure;
  if (bytes > identity_bytes_max) return {EINVAL, path + ": too long to be a LEVY file"};
  std::string text(static_cast<std::size_t>(bytes), '\0');
  const auto into = std::as_writable_bytes(std::span(text.data(), text.size()));
  if (Failure failure = disk::read_at(file, path, 0, into)) return failure;
  return parse_identity(text);
}

Failure NodeDirectory::parse_identity(const std::string& text) {
  const std::string path = path_ + "/LEVY";
  std::map<std::string, std::string> values;
  std::size_t crc_at = std::string::npos;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    const std::size_t blank = std::min(line.find(' '), line.size() - 1);
    values[line.substr(0, blank)] = line.substr(blank + 1);
    if (line.starts_with("crc ")) crc_at = at;
    at = end + 1;
  }
  std::uint32_t format = 0;
  if (!parse_number(values["format"], format, 10)) {
    return {EINVAL, path + ": states no format"};
  }
  if (format < directory_format_oldest || format > directory_format) {
    return {EINVAL, path + ": format " + std::to_string(format) + "; this levyd reads " +
                        std::to_string(directory_format_oldest) + " to " +
                        std::to_string(directory_format)};
  }
  std::uint32_t crc = 0;
  if (crc_at == std::string::npos || !parse_number(values["crc"], crc, 16) ||
      crc != crc32c(text.data(), crc_at)) {
    return {EINVAL, path + ": damaged, its crc is wrong"};
  }
  std::int64_t created = 0;
  node_name_ = values["node_name"];
  if (!parse_number(values["node_id"], node_id_, 16) || !good_name(node_name_) ||
      !parse_number(values["shards"], shards_, 10) || shards_ < 1 ||
      shards_ > limits::shards_max || !parse_number(values["created"], created, 10)) {
    return {EINVAL, path + ": a value in it is missing or out of bounds"};
  }
  created_ = Time::from_seconds(created);
  return {};
}

}  // namespace levy::journal
