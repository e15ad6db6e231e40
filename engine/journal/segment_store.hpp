// SegmentStore: the slow side of segment files (list, read, create, cut, remove), as an interface
// with the real directory (segment_files.hpp) and the simulated disk (tests/support) behind it.
// Core: control. Allocates: yes. Blocks: on the disk. Clock: none.
//
// Recovery and the keeper are written against this interface only, so that the simulator recovers
// with the very code the daemon uses. The fast side, writing Records, is the Storage concept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/ids.hpp"

namespace levy::journal {

// What went wrong outside of Levy, in words for the operator. Converts to true if something did.
struct Failure {
  int error = 0;  // an errno, 0 if there is none for it
  std::string text;
  explicit operator bool() const { return error != 0 || !text.empty(); }
};

struct SegmentEntry {
  std::uint32_t sequence = 0;
  std::uint64_t bytes = 0;
};

// A segment that is pre-written with zeros, durable in its directory and open for Storage::submit.
struct ReadySegment {
  std::uint32_t sequence = 0;
  std::uint32_t file = 0;  // what Storage::submit takes
  std::uint64_t bytes = 0;
};

class SegmentStore {
 public:
  virtual ~SegmentStore() = default;

  // Every segment there is, in order of sequence.
  virtual Failure list(std::vector<SegmentEntry>& segments) = 0;
  // Fills `into` completely, or fails.
  virtual Failure read(std::uint32_t sequence, std::uint64_t offset,
                       std::span<std::byte> into) = 0;
  // One step (at most `step_bytes` written) of making segment `sequence` of `bytes` zeros. `done`
  // with `ready` filled when it is durable and open. After a failure nothing of it is left and the
  // next call begins anew.
  virtual Failure prepare(std::uint32_t sequence, std::uint64_t bytes, std::uint64_t step_bytes,
                          bool& done, ReadySegment& ready) = 0;
  // Writes and syncs before returning (the opening of an epoch, the cut of a tail). Offset and size
  // are multiples of 4096 and the memory is aligned to it.
  virtual Failure write_now(std::uint32_t sequence, std::uint64_t offset,
                            std::span<const std::byte> bytes) = 0;
  // Makes durable whatever was read from the segment (it may have come from a cache).
  virtual Failure sync(std::uint32_t sequence) = 0;
  // Closes what prepare() opened; the file stays.
  virtual void release(const ReadySegment& segment) = 0;
  // Removes the file, durably.
  virtual Failure remove(std::uint32_t sequence) = 0;
  // How messages call a segment.
  virtual std::string name(std::uint32_t sequence) const = 0;
};

}  // namespace levy::journal
