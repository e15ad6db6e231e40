// FileStorage: the Storage of a real disk: synced writes by io_uring, or by one writer thread where
// io_uring is not to be had.
// Core: journal. Allocates: at open only. Blocks: never (the writer thread does). Clock: none.
//
// Invariants: `file` is a descriptor opened O_DSYNC by SegmentFiles, so a completed write is
// durable; a short write is reported as EIO; which way writes go is never silent (mode()).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/journal/segment_store.hpp"
#include "engine/world.hpp"

namespace levy::journal {

enum class WriteMode : std::uint8_t {
  automatic,  // io_uring if the kernel lets us, else thread
  io_uring,
  thread,
};

struct FileStorageOptions {
  WriteMode mode = WriteMode::automatic;
  std::uint32_t queue_max = 16;  // writes taken at once
};

class FileStorage {
 public:
  FileStorage();
  ~FileStorage();
  FileStorage(const FileStorage&) = delete;
  FileStorage& operator=(const FileStorage&) = delete;

  // Once, before the first submit. In mode `automatic` it fails only if neither way works.
  Failure open(const FileStorageOptions& options);
  // The way in use: io_uring or thread, never automatic.
  WriteMode mode() const { return mode_; }
  // Why io_uring was not taken in mode `automatic`; empty if it was.
  const std::string& fallback_reason() const { return fallback_reason_; }

  bool submit(std::uint32_t file, std::uint64_t offset, std::span<const std::byte> bytes,
              std::uint64_t tag);
  std::size_t poll(StorageCompletion* completions, std::size_t count_max);

 private:
  struct Uring;
  class Writer;

  WriteMode mode_ = WriteMode::automatic;
  std::string fallback_reason_;
  std::unique_ptr<Uring> uring_;
  std::unique_ptr<Writer> writer_;
};

static_assert(Storage<FileStorage>);

}  // namespace levy::journal
