// Recovery: reads the journal back in order, tells a torn tail from damage, opens a new epoch.
// Core: control, before the corridor starts. Allocates: yes. Blocks: on the disk. Clock: none.
//
// The rule: the block that should follow the last good one is a torn tail exactly if no later
// sound block states a durable_lsn at or above the LSN it should have begun with. Otherwise
// Records that were durable are gone: damage, refused with the place.
//
// What follows the last good block: the next 4096-byte boundary of its segment or the front of a
// later segment; it must begin with the next LSN, carry the crc of the last Records and the same
// epoch, or be an opening block of a higher one. A stale block of an older epoch fails all three.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/journal/block.hpp"
#include "engine/journal/journal.hpp"
#include "engine/journal/segment_store.hpp"

namespace levy::journal {

struct RecoveryRequest {
  std::uint64_t node_id = 0;
  Lsn start{1};  // first Record to hand over: where the snapshot's walk began
  Lsn reach{0};  // the journal must go at least this far: where the snapshot's walk ended
};

enum class RecoveryStatus : std::uint8_t {
  ok,
  damaged,   // durable Records are missing or broken
  foreign,   // blocks of another node
  version,   // blocks of a format that is not read here
  failed,    // the store could not be read
  stopped,   // the visitor refused a Record
};

// Records of one segment, for the keeper. last < first: it holds none.
struct SegmentRange {
  std::uint32_t sequence = 0;
  Lsn first{};
  Lsn last{};
};

struct RecoveryResult {
  RecoveryStatus status = RecoveryStatus::ok;
  Failure failure;  // set unless ok: the file, the offset, what was expected and what was found
  Lsn last{};       // last Record of the journal; start - 1 if there is none
  std::uint32_t epoch = 0;
  std::uint32_t previous_crc = 0;
  std::uint64_t records = 0;  // handed over
  std::vector<SegmentRange> segments;  // those that hold Records
  // The end: the first byte behind the last good block; everything from there on is cut.
  std::uint32_t end_segment = 0;
  std::uint64_t end_offset = 0;
  bool torn = false;      // something was written behind the end
  std::string torn_text;  // where and what, for the log
};

// false: the Record cannot be taken, stop.
using RecordVisitor = std::function<bool(Lsn, std::span<const std::byte>)>;

RecoveryResult recover(SegmentStore& store, const RecoveryRequest& request,
                       const RecordVisitor& visit);

// After recover() said ok: cuts the tail, makes a fresh segment and writes the opening block of
// epoch + 1 there, all durable. A crash at any step leaves a journal that recovers to the same
// Records. `next_sequence` is for the keeper.
Failure open_for_append(SegmentStore& store, const RecoveryResult& recovered,
                        std::uint64_t node_id, std::uint64_t segment_bytes, JournalStart& start,
                        std::uint32_t& next_sequence);

// LSN of the oldest Record that is still in the journal; 0 if there is none.
Failure oldest_lsn(SegmentStore& store, std::uint64_t node_id, Lsn& oldest);

// One look at every place of a segment where a block could begin (journaldump). Runs of equal
// faults are not joined; behind a sound block the next place is its end.
struct BlockSighting {
  BlockPlace place;
  BlockFault fault = BlockFault::none;
  BlockHeader header;                  // meaningless for zero and magic
  std::span<const std::byte> block{};  // sound blocks only; valid during the call
};
Failure scan_segment(SegmentStore& store, std::uint32_t sequence, std::uint64_t bytes,
                     std::uint64_t node_id,
                     const std::function<bool(const BlockSighting&)>& on_sighting);

}  // namespace levy::journal
