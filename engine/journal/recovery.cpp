// Recovery: see recovery.hpp for the rule.
// Core: control, before the corridor starts. Allocates: yes. Blocks: on the disk. Clock: none.
#include "engine/journal/recovery.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <limits>
#include <memory>

#include "engine/base/check.hpp"
#include "engine/journal/segment_window.hpp"

namespace levy::journal {

namespace {

template <class... Args>
std::string text_of(const char* format, Args... args) {
  char line[512];
  std::snprintf(line, sizeof line, format, args...);
  return line;
}

bool all_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

// One recovery: a cursor over the segments and what the chain expects next.
class Reader {
 public:
  Reader(SegmentStore& store, const RecoveryRequest& request, const RecordVisitor& visit)
      : store_(store), request_(request), visit_(visit), window_(store) {}

  RecoveryResult run();

 private:
  struct Sound {
    BlockHeader header;
    std::span<const std::byte> block;
  };

  bool look(std::size_t index, std::uint64_t offset, BlockFault& fault, Sound& found);
  bool continues(const BlockHeader& header, std::uint64_t offset) const;
  bool choose_start();
  void follow_chain();
  bool step();
  bool take(std::size_t index, std::uint64_t offset, const Sound& found);
  void judge_tail();
  void close_ranges();
  bool refuse(RecoveryStatus status, Failure failure);
  bool refuse(RecoveryStatus status, std::string text) {
    return refuse(status, Failure{0, std::move(text)});
  }

  SegmentStore& store_;
  const RecoveryRequest& request_;
  const RecordVisitor& visit_;
  SegmentWindow window_;
  RecoveryResult result_;
  std::vector<SegmentEntry> entries_;
  std::size_t index_ = 0;      // segment of the cursor
  std::uint64_t offset_ = 0;   // behind the last good block
  std::uint64_t expected_ = 1; // LSN the next block must begin with
  std::uint32_t previous_crc_ = 0;
  std::uint32_t epoch_ = 0;
  std::uint32_t epoch_seen_ = 0;  // in the torn tail: never used again
  bool chained_ = false;       // false: the first block is yet to come, any crc and epoch will do
};

bool Reader::refuse(RecoveryStatus status, Failure failure) {
  result_.status = status;
  result_.failure = std::move(failure);
  return false;
}

// Checks the block at a place; false only if recovery must stop (unreadable, foreign, version).
bool Reader::look(std::size_t index, std::uint64_t offset, BlockFault& fault, Sound& found) {
  const SegmentEntry& entry = entries_[index];
  std::span<const std::byte> bytes;
  if (Failure failure = window_.view(entry, offset, bytes)) {
    return refuse(RecoveryStatus::failed, std::move(failure));
  }
  fault = check_block(bytes, {entry.sequence, offset}, request_.node_id, found.header);
  const std::string name = store_.name(entry.sequence);
  if (fault == BlockFault::foreign) {
    return refuse(RecoveryStatus::foreign,
                  text_of("%s at offset %" PRIu64 ": a block of node %016" PRIx64
                          ", but this directory belongs to node %016" PRIx64,
                          name.c_str(), offset, found.header.node_id, request_.node_id));
  }
  if (fault == BlockFault::version) {
    return refuse(RecoveryStatus::version,
                  text_of("%s at offset %" PRIu64
                          ": journal format version %u; this levyd reads %u to %u",
                          name.c_str(), offset, unsigned{found.header.version},
                          unsigned{format_version_oldest}, unsigned{format_version}));
  }
  if (fault == BlockFault::none) {
    found.block = bytes.first(block_bytes(found.header.payload_bytes));
  }
  return true;
}

bool Reader::continues(const BlockHeader& header, std::uint64_t offset) const {
  if (!chained_) {
    return header.first_lsn <= expected_ && offset == 0;
  }
  if (header.first_lsn != expected_ || header.previous_crc != previous_crc_) return false;
  if (header.epoch == epoch_) return (header.flags & block_opening) == 0;
  return header.epoch > epoch_ && (header.flags & block_opening) != 0 && offset == 0;
}

// The last segment whose first block begins at or below the start: older ones are not needed.
bool Reader::choose_start() {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].bytes == 0 || entries_[i].bytes % block_unit != 0) {
      return refuse(RecoveryStatus::damaged,
                    text_of("%s: %" PRIu64 " bytes is no size of a segment",
                            store_.name(entries_[i].sequence).c_str(), entries_[i].bytes));
    }
    BlockFault fault;
    Sound found;
    if (!look(i, 0, fault, found)) return false;
    if (fault == BlockFault::none && found.header.first_lsn <= request_.start.value) {
      index_ = i;
    }
    if (fault == BlockFault::none) {
      const bool first = result_.segments.empty();
      if (first || found.header.first_lsn >= result_.segments.back().first.value) {
        result_.segments.push_back(
            {entries_[i].sequence, Lsn{found.header.first_lsn}, Lsn{found.header.first_lsn - 1}});
      }
    }
  }
  return true;
}

bool Reader::take(std::size_t index, std::uint64_t offset, const Sound& found) {
  const BlockHeader& header = found.header;
  index_ = index;
  offset_ = offset + found.block.size();
  epoch_ = header.epoch;
  if (header.record_count != 0) {
    previous_crc_ = header.crc;
  } else if (!chained_) {
    previous_crc_ = header.previous_crc;
  }
  chained_ = true;
  expected_ = header.first_lsn + header.record_count;
  RecordCursor cursor(header, found.block);
  Lsn lsn;
  std::span<const std::byte> record;
  while (cursor.next(lsn, record)) {
    if (lsn < request_.start) continue;
    if (!visit_(lsn, record)) {
      return refuse(RecoveryStatus::stopped,
                    text_of("%s at offset %" PRIu64 ": the Record with LSN %" PRIu64
                            " was not taken",
                            store_.name(entries_[index].sequence).c_str(), offset, lsn.value));
    }
    ++result_.records;
  }
  return true;
}

// Takes the block that continues the chain, if there is one. false: the end, or a refusal.
bool Reader::step() {
  BlockFault fault;
  Sound found;
  if (offset_ < entries_[index_].bytes) {
    if (!look(index_, offset_, fault, found)) return false;
    if (fault == BlockFault::none && continues(found.header, offset_)) {
      return take(index_, offset_, found);
    }
  }
  if (!chained_) return false;
  for (std::size_t i = index_ + 1; i < entries_.size(); ++i) {
    if (!look(i, 0, fault, found)) return false;
    if (fault == BlockFault::none && continues(found.header, 0)) return take(i, 0, found);
  }
  return false;
}

void Reader::follow_chain() {
  while (step()) {
  }
}

// Behind the end: does any sound block prove that what should be here was durable once?
void Reader::judge_tail() {
  std::string bad = fault_text(BlockFault::zero);
  bool first = true;
  for (std::size_t i = index_; i < entries_.size(); ++i) {
    std::uint64_t at = i == index_ ? offset_ : 0;
    while (at < entries_[i].bytes) {
      BlockFault fault;
      Sound found;
      if (!look(i, at, fault, found)) return;
      if (first) bad = fault_text(fault);
      if (first && fault == BlockFault::none) bad = "a sound block that does not continue here";
      first = false;
      const BlockHeader& header = found.header;
      if (fault == BlockFault::none) epoch_seen_ = std::max(epoch_seen_, header.epoch);
      if (fault == BlockFault::none && header.epoch >= epoch_ &&
          header.durable_lsn >= expected_) {
        refuse(RecoveryStatus::damaged,
               text_of("%s at offset %" PRIu64 ": expected a block that begins with LSN %" PRIu64
                       " (epoch %u, previous crc %08x), found %s; yet %s at offset %" PRIu64
                       " states that all up to LSN %" PRIu64 " was durable",
                       store_.name(entries_[index_].sequence).c_str(), offset_, expected_, epoch_,
                       previous_crc_, bad.c_str(), store_.name(entries_[i].sequence).c_str(), at,
                       header.durable_lsn));
        return;
      }
      std::span<const std::byte> bytes;
      if (window_.view(entries_[i], at, bytes)) return;  // just read: cannot fail
      if (!result_.torn && !all_zero(bytes.first(block_unit))) {
        result_.torn = true;
        result_.torn_text = text_of(
            "%s at offset %" PRIu64 ": torn tail, %s after LSN %" PRIu64,
            store_.name(entries_[i].sequence).c_str(), at, fault_text(fault), expected_ - 1);
      }
      at += fault == BlockFault::none ? found.block.size() : block_unit;
    }
  }
}

// Last LSN of each segment, from the first of the next; those behind the end are dropped.
void Reader::close_ranges() {
  std::vector<SegmentRange>& ranges = result_.segments;
  const std::uint32_t end = result_.end_segment;
  std::erase_if(ranges, [&](const SegmentRange& r) { return r.sequence > end; });
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    ranges[i].last = i + 1 < ranges.size() ? Lsn{ranges[i + 1].first.value - 1} : result_.last;
  }
}

RecoveryResult Reader::run() {
  if (Failure failure = store_.list(entries_)) {
    refuse(RecoveryStatus::failed, std::move(failure));
    return result_;
  }
  expected_ = request_.start.value;
  if (!entries_.empty()) {
    if (!choose_start()) return result_;
    follow_chain();
    if (result_.status == RecoveryStatus::ok) judge_tail();
    if (result_.status != RecoveryStatus::ok) return result_;
    result_.end_segment = entries_[index_].sequence;
    result_.end_offset = offset_;
  }
  result_.last = Lsn{expected_ - 1};
  result_.epoch = std::max(epoch_, epoch_seen_);
  result_.previous_crc = previous_crc_;
  close_ranges();
  const std::uint64_t reach = std::max(request_.reach.value, request_.start.value - 1);
  if (result_.last.value < reach) {
    refuse(RecoveryStatus::damaged,
           text_of("the journal ends at LSN %" PRIu64
                   ", but the snapshot needs it up to LSN %" PRIu64,
                   result_.last.value, reach));
  }
  return result_;
}

}  // namespace

RecoveryResult recover(SegmentStore& store, const RecoveryRequest& request,
                       const RecordVisitor& visit) {
  LEVY_CHECK(request.start.value >= 1);
  return Reader(store, request, visit).run();
}

namespace {

// Zeroes every written page of the end segment behind the end.
Failure cut_segment(SegmentStore& store, const SegmentEntry& entry, std::uint64_t from) {
  alignas(block_unit) static constexpr std::byte zeros[block_unit]{};
  SegmentWindow window(store);
  for (std::uint64_t at = from; at < entry.bytes; at += block_unit) {
    std::span<const std::byte> bytes;
    if (Failure failure = window.view(entry, at, bytes)) return failure;
    if (all_zero(bytes.first(block_unit))) continue;
    if (Failure failure = store.write_now(entry.sequence, at, zeros)) return failure;
  }
  return store.sync(entry.sequence);
}

struct AlignedBlock {
  alignas(block_unit) std::byte bytes[block_unit]{};
};

Failure write_opening(SegmentStore& store, const RecoveryResult& recovered, std::uint64_t node_id,
                      const ReadySegment& segment) {
  BlockHeader header;
  header.flags = block_opening;
  header.node_id = node_id;
  header.first_lsn = recovered.last.value + 1;
  header.durable_lsn = recovered.last.value;
  header.epoch = recovered.epoch + 1;
  header.previous_crc = recovered.previous_crc;
  header.segment = segment.sequence;
  auto block = std::make_unique<AlignedBlock>();
  seal_block(block->bytes, header);
  return store.write_now(segment.sequence, 0, block->bytes);
}

}  // namespace

Failure open_for_append(SegmentStore& store, const RecoveryResult& recovered,
                        std::uint64_t node_id, std::uint64_t segment_bytes, JournalStart& start,
                        std::uint32_t& next_sequence) {
  LEVY_CHECK(recovered.status == RecoveryStatus::ok);
  std::vector<SegmentEntry> entries;
  if (Failure failure = store.list(entries)) return failure;
  std::uint32_t sequence = 1;
  for (const SegmentEntry& entry : entries) {
    sequence = std::max(sequence, entry.sequence + 1);
    const bool holds_good_blocks = entry.sequence < recovered.end_segment ||
                                   (entry.sequence == recovered.end_segment &&
                                    recovered.end_offset != 0);
    if (!holds_good_blocks) {
      if (Failure failure = store.remove(entry.sequence)) return failure;
      continue;
    }
    if (entry.sequence == recovered.end_segment) {
      if (Failure failure = cut_segment(store, entry, recovered.end_offset)) return failure;
    } else if (Failure failure = store.sync(entry.sequence)) {
      return failure;
    }
  }
  bool done = false;
  while (!done) {
    if (Failure failure = store.prepare(sequence, segment_bytes,
                                        std::numeric_limits<std::uint64_t>::max(), done,
                                        start.segment)) {
      return failure;
    }
  }
  if (Failure failure = write_opening(store, recovered, node_id, start.segment)) return failure;
  // Epochs that ended before their first Record: a daemon that restarts in a circle fills no disk.
  for (const SegmentRange& range : recovered.segments) {
    if (range.last >= range.first) continue;
    if (Failure failure = store.remove(range.sequence)) return failure;
  }
  start.node_id = node_id;
  start.epoch = recovered.epoch + 1;
  start.next = Lsn{recovered.last.value + 1};
  start.previous_crc = recovered.previous_crc;
  start.offset = block_unit;
  next_sequence = sequence + 1;
  return {};
}

Failure scan_segment(SegmentStore& store, std::uint32_t sequence, std::uint64_t bytes,
                     std::uint64_t node_id,
                     const std::function<bool(const BlockSighting&)>& on_sighting) {
  SegmentWindow window(store);
  const SegmentEntry entry{sequence, bytes};
  for (std::uint64_t at = 0; at + block_unit <= bytes;) {
    std::span<const std::byte> view;
    if (Failure failure = window.view(entry, at, view)) return failure;
    BlockSighting sighting;
    sighting.place = {sequence, at};
    sighting.fault = check_block(view, sighting.place, node_id, sighting.header);
    std::uint64_t size = block_unit;
    if (sighting.fault == BlockFault::none) {
      size = block_bytes(sighting.header.payload_bytes);
      sighting.block = view.first(size);
    }
    if (!on_sighting(sighting)) return {};
    at += size;
  }
  return {};
}

Failure oldest_lsn(SegmentStore& store, std::uint64_t node_id, Lsn& oldest) {
  oldest = Lsn{0};
  std::vector<SegmentEntry> entries;
  if (Failure failure = store.list(entries)) return failure;
  for (const SegmentEntry& entry : entries) {
    Failure failure = scan_segment(store, entry.sequence, entry.bytes, node_id,
                                   [&](const BlockSighting& sighting) {
                                     if (sighting.fault != BlockFault::none) return false;
                                     if (sighting.header.record_count == 0) return true;
                                     oldest = Lsn{sighting.header.first_lsn};
                                     return false;
                                   });
    if (failure || oldest.value != 0) return failure;
  }
  return {};
}

}  // namespace levy::journal
