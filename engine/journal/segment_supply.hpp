// SegmentSupply: hands segments from the control thread to the journal core and back, by two Rings.
// Core: control and journal. Allocates: at construction only. Blocks: never. Clock: none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/ring.hpp"
#include "engine/journal/segment_store.hpp"

namespace levy::journal {

// A segment whose last write is complete.
struct RetiredSegment {
  ReadySegment segment;
  std::uint64_t last_lsn = 0;
};

struct SegmentSupply {
  Ring<ReadySegment> ready{8};       // keeper -> journal
  Ring<RetiredSegment> retired{64};  // journal -> keeper
};

}  // namespace levy::journal
