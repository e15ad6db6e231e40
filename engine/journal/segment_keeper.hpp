// SegmentKeeper: the control thread's side of the journal's segments: the next ones are made in
// advance, the ones no longer needed are removed.
// Core: control. Allocates: yes. Blocks: on the disk, one step per turn. Clock: none.
//
// Invariants: segments are made in order of sequence and handed over in that order; a segment is
// removed only when its last write is complete and its last Record is below the given LSN.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/journal/recovery.hpp"
#include "engine/journal/segment_store.hpp"
#include "engine/journal/segment_supply.hpp"

namespace levy::journal {

struct KeeperOptions {
  std::uint64_t segment_bytes = 256ull * 1024 * 1024;
  std::uint64_t step_bytes = 8ull * 1024 * 1024;  // written per turn, so that control stays awake
  std::size_t ahead = 1;                          // segments ready before they are needed
};

class SegmentKeeper {
 public:
  // `existing`: RecoveryResult::segments; `next_sequence`: from open_for_append().
  SegmentKeeper(SegmentStore& store, SegmentSupply& supply, const KeeperOptions& options,
                std::vector<SegmentRange> existing, std::uint32_t next_sequence);

  // One step of work. A failure (a full disk, say) is for the operator; the next turn tries again.
  // `needed_from`: the first LSN that the older kept snapshot or a feed still needs.
  Failure turn(Lsn needed_from);
  // false: the next turn has nothing to do unless something is retired.
  bool busy() const;
  // Segments that hold Records and are neither current nor removed.
  const std::vector<SegmentRange>& kept() const { return kept_; }

 private:
  void collect_retired();
  Failure remove_below(Lsn needed_from);
  Failure make_next();

  SegmentStore& store_;
  SegmentSupply& supply_;
  KeeperOptions options_;
  std::vector<SegmentRange> kept_;
  std::uint32_t next_sequence_;
};

}  // namespace levy::journal
