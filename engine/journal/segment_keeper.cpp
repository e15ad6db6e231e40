// SegmentKeeper: see segment_keeper.hpp.
// Core: control. Allocates: yes. Blocks: on the disk, one step per turn. Clock: none.
#include "engine/journal/segment_keeper.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/check.hpp"
#include "engine/journal/block.hpp"

namespace levy::journal {

SegmentKeeper::SegmentKeeper(SegmentStore& store, SegmentSupply& supply,
                             const KeeperOptions& options, std::vector<SegmentRange> existing,
                             std::uint32_t next_sequence)
    : store_(store),
      supply_(supply),
      options_(options),
      kept_(std::move(existing)),
      next_sequence_(next_sequence) {
  LEVY_CHECK(options_.ahead >= 1 && options_.ahead <= supply_.ready.capacity(), options_.ahead);
  LEVY_CHECK(options_.segment_bytes % block_unit == 0 &&
                 options_.segment_bytes >= limits::journal_write_bytes_max,
             options_.segment_bytes);
  // Those without Records were removed when the epoch was opened.
  std::erase_if(kept_, [](const SegmentRange& range) { return range.last < range.first; });
}

bool SegmentKeeper::busy() const {
  return supply_.ready.capacity() - supply_.ready.free_slots() < options_.ahead;
}

void SegmentKeeper::collect_retired() {
  RetiredSegment retired;
  while (supply_.retired.pop(&retired, 1) == 1) {
    store_.release(retired.segment);
    const Lsn first = kept_.empty() ? Lsn{1} : Lsn{kept_.back().last.value + 1};
    kept_.push_back({retired.segment.sequence, first, Lsn{retired.last_lsn}});
  }
}

Failure SegmentKeeper::remove_below(Lsn needed_from) {
  while (!kept_.empty() && kept_.front().last < needed_from) {
    if (Failure failure = store_.remove(kept_.front().sequence)) return failure;
    kept_.erase(kept_.begin());
  }
  return {};
}

Failure SegmentKeeper::make_next() {
  if (!busy()) return {};
  bool done = false;
  ReadySegment ready;
  if (Failure failure = store_.prepare(next_sequence_, options_.segment_bytes,
                                       options_.step_bytes, done, ready)) {
    return failure;
  }
  if (!done) return {};
  const bool pushed = supply_.ready.try_push(ready);
  LEVY_CHECK(pushed, next_sequence_);
  ++next_sequence_;
  return {};
}

Failure SegmentKeeper::turn(Lsn needed_from) {
  collect_retired();
  Failure removing = remove_below(needed_from);  // first: it may free the space the next one needs
  Failure making = make_next();
  return making ? making : removing;
}

}  // namespace levy::journal
