// Sink: see sink.hpp.
// Core: feed. Allocates: yes. Blocks: on the disk. Clock: the time comes in.
#include "engine/feed/sink.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

namespace levy::feed {

using journal::Failure;
namespace disk = journal::disk;

namespace {

constexpr std::string_view part_suffix = ".part";
constexpr std::size_t lsn_digits = 20;
constexpr std::size_t piece_bytes = 1024 * 1024;

std::string_view suffix_of(Format format) {
  return format == Format::jsonl ? ".jsonl" : ".csv";
}

}  // namespace

std::string Sink::name_of(std::uint64_t from, bool part) const {
  char number[24];
  std::snprintf(number, sizeof number, "%020llu", static_cast<unsigned long long>(from));
  std::string name = options_.node + "-" + number;
  name += suffix_of(options_.format);
  if (part) name += part_suffix;
  return name;
}

// This node's files of this format, in order.
Failure Sink::list(std::vector<Named>& files) const {
  files.clear();
  std::vector<std::string> names;
  if (Failure failure = disk::list(options_.directory, names)) return failure;
  const std::string prefix = options_.node + "-";
  for (const std::string& name : names) {
    std::string_view rest = name;
    if (!rest.starts_with(prefix)) continue;
    rest.remove_prefix(prefix.size());
    const bool part = rest.ends_with(part_suffix);
    if (part) rest.remove_suffix(part_suffix.size());
    if (!rest.ends_with(suffix_of(options_.format))) continue;
    rest.remove_suffix(suffix_of(options_.format).size());
    std::uint64_t from = 0;
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), from);
    if (rest.size() != lsn_digits || error != std::errc{} || stop != rest.data() + rest.size())
      continue;
    files.push_back({name, from, part});
  }
  std::sort(files.begin(), files.end(),
            [](const Named& a, const Named& b) { return a.from < b.from; });
  return {};
}

// One whole line of a file that is scanned; `ordered` turns false at the first that does not fit.
void Sink::take_line(std::string_view line, std::uint64_t end, std::uint64_t& good,
                     bool& ordered) {
  if (good == 0 && !heading(options_.format).empty()) {
    foreign_ = line != heading(options_.format);  // another version of levyd wrote the file
    ordered = line.starts_with("id,lsn,");
  } else {
    Position position;
    ordered = position_of(options_.format, line, position) && last_ < position;
    if (ordered) last_ = position;
    if (ordered) empty_ = false;
  }
  if (ordered) good = end;
}

// Reads a file from its front: `good` is where its last good line ends.
Failure Sink::scan(const std::string& path, const disk::File& file, std::uint64_t size,
                   std::uint64_t& good) {
  good = 0;
  empty_ = true;
  bool ordered = true;
  foreign_ = false;
  std::string line;
  std::vector<std::byte> piece(piece_bytes);
  for (std::uint64_t at = 0; at < size && ordered;) {
    const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, size - at));
    if (Failure failure = disk::read_at(file, path, at, {piece.data(), bytes})) return failure;
    std::string_view text(reinterpret_cast<const char*>(piece.data()), bytes);
    while (ordered && !text.empty()) {
      const std::size_t end = text.find('\n');
      line += text.substr(0, end);
      if (end == text.npos) break;
      text.remove_prefix(end + 1);
      take_line(line, at + bytes - text.size(), good, ordered);
      line.clear();
    }
    at += bytes;
  }
  return {};
}

Failure Sink::reopen(const Named& newest, Time now) {
  path_ = path_of(newest.name);
  disk::File file;
  if (Failure failure = newest.part ? disk::open_write(path_, disk::Caching::page_cache, file)
                                    : disk::open_read(path_, file))
    return failure;
  disk::File reading;
  std::uint64_t size = 0, good = 0;
  if (Failure failure = disk::open_read(path_, reading)) return failure;
  if (Failure failure = disk::size_of(reading, path_, size)) return failure;
  if (Failure failure = scan(path_, reading, size, good)) return failure;
  from_ = newest.from;
  if (!newest.part) return start(Lsn{empty_ ? newest.from : last_.lsn + 1}, now);
  if (good < size && ::ftruncate(file.descriptor(), static_cast<off_t>(good)) != 0)
    return disk::failure_of(errno, "cut the torn end of", path_);
  if (Failure failure = disk::sync(file, path_)) return failure;
  if (foreign_) {
    if (Failure failure = disk::rename_durably(options_.directory, newest.name,
                                               name_of(newest.from, false)))
      return failure;
    return start(Lsn{empty_ ? newest.from : last_.lsn}, now);
  }
  file_ = std::move(file);
  written_ = good;
  opened_at_ = now;
  if (good == 0 && !heading(options_.format).empty())
    pending_ = std::string(heading(options_.format)) + "\n";
  return {};
}

Failure Sink::open(Time now, bool& fresh) {
  if (Failure failure = disk::make_directory(options_.directory)) return failure;
  std::vector<Named> files;
  if (Failure failure = list(files)) return failure;
  fresh = files.empty();
  return fresh ? Failure{} : reopen(files.back(), now);
}

Failure Sink::start(Lsn from, Time now) {
  const std::string path = path_of(name_of(from.value, true));
  disk::File file;
  if (Failure failure = disk::open_new(path, disk::Caching::page_cache, file)) return failure;
  if (Failure failure = disk::sync_directory(options_.directory)) return failure;
  file_ = std::move(file);
  path_ = path;
  from_ = from.value;
  written_ = 0;
  empty_ = true;
  opened_at_ = now;
  pending_.clear();
  if (!heading(options_.format).empty())
    pending_ = std::string(heading(options_.format)) + "\n";
  return {};
}

Lsn Sink::resume() const {
  return Lsn{std::max(from_, last_.lsn)};
}

void Sink::append(Lsn lsn, const Lines& lines) {
  if (lsn.value < from_) return;  // another format is behind this one
  std::size_t begin = 0;
  for (std::uint32_t i = 0; i < lines.ends.size(); ++i) {
    const std::size_t end = lines.ends[i];
    const Position position{lsn.value, i};
    if (last_ < position) {
      pending_.append(lines.text, begin, end - begin);
      last_ = position;
      empty_ = false;
      ++lines_;
    }
    begin = end;
  }
}

Failure Sink::flush() {
  if (!file_) {  // rotated, and the next file could not be made
    if (Failure failure = start(begin_at_, opened_at_)) return failure;
  }
  if (pending_.empty()) return {};
  const std::span<const char> bytes(pending_.data(), pending_.size());
  if (Failure failure = disk::write_at(file_, path_, written_, std::as_bytes(bytes)))
    return failure;
  written_ += pending_.size();
  pending_.clear();
  return {};
}

Failure Sink::sync() {
  if (Failure failure = flush()) return failure;
  return disk::sync(file_, path_);
}

Failure Sink::rotate(Lsn from, Time now) {
  if (empty_ && from.value == from_) return {};
  if (Failure failure = sync()) return failure;
  if (empty_) {
    if (Failure failure = disk::rename_durably(options_.directory, name_of(from_, true),
                                               name_of(from.value, true)))
      return failure;
    from_ = from.value;
    path_ = path_of(name_of(from_, true));
    opened_at_ = now;
    return {};
  }
  // A crash here leaves rotated files alone: the newest one's end says where to go on.
  if (Failure failure = disk::rename_durably(options_.directory, name_of(from_, true),
                                             name_of(from_, false)))
    return failure;
  file_.close();
  begin_at_ = from;
  opened_at_ = now;
  return start(from, now);
}

bool Sink::rotation_due(Time now) const {
  if (empty_) return false;
  return written_ >= static_cast<std::uint64_t>(options_.rotate_bytes) ||
         now.seconds() - opened_at_.seconds() >= options_.rotate_every_s;
}

Failure Sink::expire(Time now) {
  if (options_.retention_s == 0) return {};
  std::vector<Named> files;
  if (Failure failure = list(files)) return failure;
  for (const Named& file : files) {
    struct stat about {};
    if (file.part || ::stat(path_of(file.name).c_str(), &about) != 0) continue;
    if (now.seconds() - about.st_mtime < options_.retention_s) continue;
    if (Failure failure = disk::remove_durably(options_.directory, file.name)) return failure;
  }
  return {};
}

}  // namespace levy::feed
