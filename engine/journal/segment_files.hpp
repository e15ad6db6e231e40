// SegmentFiles: the SegmentStore of a real directory: <dir>/<sequence, 16 hex digits>.seg.
// Core: control. Allocates: yes. Blocks: on the disk. Clock: none.
//
// A segment is made under the name *.new, written full with zeros, synced and only then renamed:
// a *.seg file is always whole, and writing into it never changes its metadata (a growing file
// costs twice as much per synced write).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/journal/disk.hpp"
#include "engine/journal/segment_store.hpp"

namespace levy::journal {

class SegmentFiles final : public SegmentStore {
 public:
  explicit SegmentFiles(std::string directory);
  ~SegmentFiles() override;

  // Finds out whether the file system takes O_DIRECT and removes what an earlier daemon left
  // half made. Call once, with the data directory locked, before prepare() or write_now().
  // Only reading (journaldump) needs no call.
  Failure open_for_writing();
  // false: the file system refuses O_DIRECT (tmpfs) and writes go O_DSYNC through the page cache.
  bool direct() const { return direct_; }

  Failure list(std::vector<SegmentEntry>& segments) override;
  Failure read(std::uint32_t sequence, std::uint64_t offset, std::span<std::byte> into) override;
  Failure prepare(std::uint32_t sequence, std::uint64_t bytes, std::uint64_t step_bytes,
                  bool& done, ReadySegment& ready) override;
  Failure write_now(std::uint32_t sequence, std::uint64_t offset,
                    std::span<const std::byte> bytes) override;
  Failure sync(std::uint32_t sequence) override;
  void release(const ReadySegment& segment) override;
  Failure remove(std::uint32_t sequence) override;
  std::string name(std::uint32_t sequence) const override;

 private:
  static constexpr std::size_t zeros_bytes = 1024 * 1024;
  struct FreeMemory {
    void operator()(std::byte* p) const;
  };

  std::string unfinished(std::uint32_t sequence) const;
  Failure prepare_step(std::uint32_t sequence, std::uint64_t bytes, std::uint64_t step_bytes,
                       bool& done, ReadySegment& ready);

  std::string directory_;
  bool direct_ = false;
  disk::File reading_;
  std::uint32_t reading_sequence_ = 0;
  disk::File making_;
  std::uint32_t making_sequence_ = 0;
  std::uint64_t made_ = 0;
  std::unique_ptr<std::byte, FreeMemory> zeros_;
  std::vector<std::uint32_t> handed_out_;  // descriptors the Storage writes to
};

}  // namespace levy::journal
