// Follower: see follower.hpp.
// Core: feed. Allocates: yes. Blocks: on the disk. Clock: none.
#include "engine/journal/follower.hpp"

#include <algorithm>
#include <cstring>

namespace levy::journal {

namespace {

// At the end of a journal small pieces, so that what is not written yet is not read; far behind it
// large ones.
constexpr std::size_t piece_small = 64 * 1024;
constexpr std::size_t piece_large = 1024 * 1024;
constexpr std::uint64_t records_behind_far = 2000;
static_assert(piece_large >= limits::journal_write_bytes_max);

}  // namespace

Follower::Follower(SegmentStore& store, std::uint64_t node_id)
    : store_(store), node_id_(node_id), buffer_(piece_large), piece_(piece_small) {}

std::string Follower::place() const {
  return store_.name(segment_.sequence) + " at offset " + std::to_string(offset_);
}

// At least `bytes` from `offset` on in the buffer, or all there are in the segment.
Failure Follower::fill(const SegmentEntry& entry, std::uint64_t offset, std::size_t bytes) {
  const auto left = static_cast<std::size_t>(
      std::min<std::uint64_t>(entry.bytes - offset, buffer_.size()));
  const std::size_t needed = std::min(bytes, left);
  if (buffered_segment_ == entry.sequence && offset >= buffered_from_ &&
      offset + needed <= buffered_from_ + buffered_)
    return {};
  const std::size_t size = std::min(std::max(needed, piece_), left);
  buffered_ = 0;
  if (Failure failure = store_.read(entry.sequence, offset, {buffer_.data(), size})) return failure;
  buffered_segment_ = entry.sequence;
  buffered_from_ = offset;
  buffered_ = size;
  return {};
}

// The block at a place, if a sound one lies there. What was read before it was written is read
// again.
Failure Follower::look(const SegmentEntry& entry, std::uint64_t offset, bool& sound, Sound& found) {
  sound = false;
  for (int tries = 0; tries < 2 && !sound; ++tries) {
    if (tries != 0) buffered_ = 0;
    if (Failure failure = fill(entry, offset, block_unit)) return failure;
    BlockHeader header;
    std::memcpy(&header, buffer_.data() + (offset - buffered_from_), sizeof header);
    if (header.magic != block_magic ||
        header.payload_bytes > limits::journal_write_bytes_max - header_bytes)
      continue;
    if (Failure failure = fill(entry, offset, block_bytes(header.payload_bytes))) return failure;
    const std::size_t at = offset - buffered_from_;
    const std::span<const std::byte> bytes{buffer_.data() + at, buffered_ - at};
    const BlockFault fault = check_block(bytes, {entry.sequence, offset}, node_id_, found.header);
    sound = fault == BlockFault::none;
    if (sound) found.block = bytes.first(block_bytes(found.header.payload_bytes));
  }
  return {};
}

bool Follower::continues(const BlockHeader& header, std::uint64_t offset) const {
  if (!chained_) return offset == 0 && header.first_lsn <= expected_;
  if (header.first_lsn != expected_ || header.previous_crc != previous_crc_) return false;
  if (header.epoch == epoch_) return (header.flags & block_opening) == 0;
  return header.epoch > epoch_ && (header.flags & block_opening) != 0 && offset == 0;
}

Failure Follower::seek(Lsn next) {
  std::vector<SegmentEntry> entries;
  if (Failure failure = store_.list(entries)) return failure;
  bool chosen = false;
  std::uint64_t oldest = 0;
  for (const SegmentEntry& entry : entries) {
    bool sound = false;
    Sound found;
    if (Failure failure = look(entry, 0, sound, found)) return failure;
    if (!sound) continue;  // made in advance, or empty
    if (chosen && found.header.first_lsn > next.value) continue;
    if (!chosen) oldest = found.header.first_lsn;
    chosen = true;
    segment_ = entry;
  }
  if (!chosen) return {0, "the journal has no segment to follow"};
  offset_ = 0;
  next_ = expected_ = std::max(next.value, oldest);
  chained_ = false;
  bytes_read_ = 0;
  return {};
}

// The block that continues the chain: here, or at the front of a later segment.
Failure Follower::find_next(bool& found, Sound& block) {
  found = false;
  if (offset_ < segment_.bytes) {
    if (Failure failure = look(segment_, offset_, found, block)) return failure;
    found = found && continues(block.header, offset_);
    if (found) return {};
  }
  if (!chained_) return {};
  std::vector<SegmentEntry> entries;
  if (Failure failure = store_.list(entries)) return failure;
  for (const SegmentEntry& entry : entries) {
    if (entry.sequence <= segment_.sequence) continue;
    if (Failure failure = look(entry, 0, found, block)) return failure;
    found = found && continues(block.header, 0);
    if (!found) continue;
    segment_ = entry;
    offset_ = 0;
    return {};
  }
  return {};
}

// false: stopped inside the block; it stays the next one.
bool Follower::hand_over(const Sound& found, Lsn durable, const RecordVisitor& visit) {
  RecordCursor cursor(found.header, found.block);
  Lsn lsn;
  std::span<const std::byte> record;
  while (cursor.next(lsn, record)) {
    if (lsn.value < next_) continue;
    if (lsn > durable || !visit(lsn, record)) return false;
    next_ = lsn.value + 1;
  }
  return true;
}

Failure Follower::read(Lsn durable, std::size_t bytes_max, const RecordVisitor& visit,
                       bool& unread) {
  unread = false;
  std::size_t done = 0;
  while (next_ <= durable.value && done < bytes_max) {
    piece_ = durable.value - next_ > records_behind_far ? piece_large : piece_small;
    bool sound = false;
    Sound found;
    if (Failure failure = find_next(sound, found)) return failure;
    if (!sound) {
      unread = true;
      return {};
    }
    const BlockHeader& header = found.header;
    if (!hand_over(found, durable, visit)) return {};
    done += found.block.size();
    bytes_read_ += found.block.size();
    offset_ += found.block.size();
    epoch_ = header.epoch;
    if (header.record_count != 0 || !chained_)
      previous_crc_ = header.record_count != 0 ? header.crc : header.previous_crc;
    chained_ = true;
    expected_ = header.first_lsn + header.record_count;
  }
  return {};
}

Failure Follower::bytes_ahead(std::uint64_t& bytes) {
  std::vector<SegmentEntry> entries;
  if (Failure failure = store_.list(entries)) return failure;
  bytes = 0;
  for (const SegmentEntry& entry : entries) {
    if (entry.sequence < segment_.sequence) continue;
    std::uint64_t at = entry.sequence == segment_.sequence ? offset_ : 0;
    while (at < entry.bytes) {
      BlockHeader header;
      if (Failure failure =
              store_.read(entry.sequence, at, std::as_writable_bytes(std::span(&header, 1))))
        return failure;
      if (header.magic != block_magic || header.node_id != node_id_ ||
          header.segment != entry.sequence || header.position != at / block_unit)
        break;  // not written yet
      at += block_bytes(header.payload_bytes);
      bytes += block_bytes(header.payload_bytes);
    }
  }
  return {};
}

}  // namespace levy::journal
