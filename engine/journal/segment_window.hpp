// SegmentWindow: reads a SegmentStore in large aligned pieces and shows any block in them.
// Core: control. Allocates: at construction. Blocks: on the disk. Clock: none.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "config/limits.hpp"
#include "engine/base/check.hpp"
#include "engine/journal/segment_store.hpp"

namespace levy::journal {

class SegmentWindow {
 public:
  // Large enough that a block at the front of a window is whole in it.
  static constexpr std::size_t window_bytes = 2 * 1024 * 1024;
  static_assert(window_bytes >= 2 * limits::journal_write_bytes_max);

  explicit SegmentWindow(SegmentStore& store)
      : store_(store),
        memory_(static_cast<std::byte*>(
            std::aligned_alloc(limits::journal_block_bytes, window_bytes))) {
    LEVY_CHECK(memory_ != nullptr);
  }

  // Everything from `offset` on, at least one largest write or up to the segment's end.
  // `offset` is a multiple of 4096 below the segment's size. The span is valid until the next call.
  Failure view(const SegmentEntry& segment, std::uint64_t offset,
               std::span<const std::byte>& bytes) {
    const std::uint64_t needed =
        std::min<std::uint64_t>(limits::journal_write_bytes_max, segment.bytes - offset);
    const bool inside = valid_ && segment.sequence == sequence_ && offset >= from_ &&
                        offset + needed <= from_ + size_;
    if (!inside) {
      valid_ = false;
      const std::uint64_t size = std::min<std::uint64_t>(window_bytes, segment.bytes - offset);
      if (Failure failure = store_.read(segment.sequence, offset, {memory_.get(), size})) {
        return failure;
      }
      sequence_ = segment.sequence;
      from_ = offset;
      size_ = size;
      valid_ = true;
    }
    const std::uint64_t skip = offset - from_;
    bytes = {memory_.get() + skip, static_cast<std::size_t>(size_ - skip)};
    return {};
  }

 private:
  struct FreeMemory {
    void operator()(std::byte* p) const { std::free(p); }
  };
  SegmentStore& store_;
  std::unique_ptr<std::byte, FreeMemory> memory_;
  std::uint32_t sequence_ = 0;
  std::uint64_t from_ = 0;
  std::uint64_t size_ = 0;
  bool valid_ = false;
};

}  // namespace levy::journal
