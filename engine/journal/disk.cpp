// disk: see disk.hpp.
// Core: control. Allocates: yes (paths, texts). Blocks: on the disk. Clock: none.
#include "engine/journal/disk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace levy::journal::disk {

namespace {

int flags_of(Caching caching) {
  switch (caching) {
    case Caching::page_cache: return 0;
    case Caching::synced: return O_DSYNC;
    case Caching::direct: return O_DIRECT;
    case Caching::direct_synced: return O_DIRECT | O_DSYNC;
  }
  return 0;
}

Failure open_with(const std::string& path, int flags, File& file) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0640);
  if (descriptor < 0) return failure_of(errno, "open", path);
  file = File(descriptor);
  return {};
}

}  // namespace

void File::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

Failure failure_of(int error, const std::string& what, const std::string& path) {
  return {error, path + ": cannot " + what + ": " + std::strerror(error)};
}

Failure open_read(const std::string& path, File& file) { return open_with(path, O_RDONLY, file); }

Failure open_write(const std::string& path, Caching caching, File& file) {
  return open_with(path, O_RDWR | flags_of(caching), file);
}

Failure open_new(const std::string& path, Caching caching, File& file) {
  return open_with(path, O_RDWR | O_CREAT | O_TRUNC | flags_of(caching), file);
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Failure size_of(const File& file, const std::string& path, std::uint64_t& bytes) {
  struct stat status {};
  if (::fstat(file.descriptor(), &status) != 0) return failure_of(errno, "stat", path);
  bytes = static_cast<std::uint64_t>(status.st_size);
  return {};
}

Failure read_at(const File& file, const std::string& path, std::uint64_t offset,
                std::span<std::byte> into) {
  while (!into.empty()) {
    const ssize_t got =
        ::pread(file.descriptor(), into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure_of(errno, "read", path);
    if (got == 0) return {EIO, path + ": the file ends at offset " + std::to_string(offset)};
    into = into.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

Failure write_at(const File& file, const std::string& path, std::uint64_t offset,
                 std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put =
        ::pwrite(file.descriptor(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failure_of(errno, "write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

Failure reserve(const File& file, const std::string& path, std::uint64_t bytes) {
  while (::fallocate(file.descriptor(), 0, 0, static_cast<off_t>(bytes)) != 0) {
    if (errno == EINTR) continue;
    if (errno == EOPNOTSUPP || errno == ENOSYS) return {};
    return failure_of(errno, "reserve " + std::to_string(bytes) + " bytes for it", path);
  }
  return {};
}

Failure sync(const File& file, const std::string& path) {
  if (::fsync(file.descriptor()) != 0) return failure_of(errno, "sync", path);
  return {};
}

Failure sync_directory(const std::string& path) {
  File directory;
  if (Failure failure = open_with(path, O_RDONLY | O_DIRECTORY, directory)) return failure;
  return sync(directory, path);
}

Failure make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0750) != 0 && errno != EEXIST) {
    return failure_of(errno, "make the directory", path);
  }
  return {};
}

Failure rename_durably(const std::string& directory, const std::string& from,
                       const std::string& to) {
  const std::string source = directory + "/" + from;
  const std::string target = directory + "/" + to;
  if (::rename(source.c_str(), target.c_str()) != 0) {
    return failure_of(errno, "rename to " + to, source);
  }
  return sync_directory(directory);
}

Failure remove_durably(const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failure_of(errno, "remove", path);
  return sync_directory(directory);
}

Failure list(const std::string& directory, std::vector<std::string>& names) {
  names.clear();
  const auto close = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close)> open(::opendir(directory.c_str()), close);
  if (!open) return failure_of(errno, "list", directory);
  errno = 0;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  if (errno != 0) return failure_of(errno, "list", directory);
  std::sort(names.begin(), names.end());
  return {};
}

Failure lock(const File& file, const std::string& path, bool& taken) {
  taken = ::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0;
  if (!taken && errno != EWOULDBLOCK) return failure_of(errno, "lock", path);
  return {};
}

Failure truncate(const File& file, const std::string& path) {
  if (::ftruncate(file.descriptor(), 0) != 0) return failure_of(errno, "truncate", path);
  return {};
}

int process_id() { return static_cast<int>(::getpid()); }

Failure random_number(std::uint64_t& number) {
  if (::getrandom(&number, sizeof number, 0) != sizeof number) {
    return failure_of(errno, "draw a random number", "getrandom");
  }
  return {};
}

}  // namespace levy::journal::disk
