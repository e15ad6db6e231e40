// disk: the operating system's file calls, wrapped once for everything slow in this folder.
// Core: control. Allocates: yes (paths, texts). Blocks: on the disk. Clock: none.
//
// Every call returns a Failure that names the path and says what was tried; none throws. Besides
// file_storage.cpp this is the only file of engine/journal that calls the operating system.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/journal/segment_store.hpp"

namespace levy::journal::disk {

// An open file descriptor, closed with its owner.
class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~File() { close(); }

  void close();
  // Gives the descriptor away.
  int release() { return std::exchange(descriptor_, -1); }
  int descriptor() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

enum class Caching : std::uint8_t {
  page_cache,  // plain
  synced,      // O_DSYNC through the page cache
  direct,      // O_DIRECT, sync it yourself
  direct_synced,
};

Failure failure_of(int error, const std::string& what, const std::string& path);

Failure open_read(const std::string& path, File& file);
// Existing file, for writing.
Failure open_write(const std::string& path, Caching caching, File& file);
// New file, or an old one emptied.
Failure open_new(const std::string& path, Caching caching, File& file);
bool exists(const std::string& path);
Failure size_of(const File& file, const std::string& path, std::uint64_t& bytes);
// Fills `into`; the end of the file before that is a Failure.
Failure read_at(const File& file, const std::string& path, std::uint64_t offset,
                std::span<std::byte> into);
Failure write_at(const File& file, const std::string& path, std::uint64_t offset,
                 std::span<const std::byte> bytes);
// Reserves the blocks, so that a full disk is known before anything is written. A file system that
// cannot is no failure.
Failure reserve(const File& file, const std::string& path, std::uint64_t bytes);
Failure sync(const File& file, const std::string& path);
Failure sync_directory(const std::string& path);
Failure make_directory(const std::string& path);  // no failure if it is there
// Durable: the directory is synced. Both lie in the same directory.
Failure rename_durably(const std::string& directory, const std::string& from,
                       const std::string& to);
Failure remove_durably(const std::string& directory, const std::string& name);
// Plain names in the directory, sorted, "." and ".." left out.
Failure list(const std::string& directory, std::vector<std::string>& names);
// Takes the exclusive lock of an open file; `taken` false: another process has it.
Failure lock(const File& file, const std::string& path, bool& taken);
Failure truncate(const File& file, const std::string& path);
int process_id();
Failure random_number(std::uint64_t& number);

}  // namespace levy::journal::disk
