// Journal: gathers Records into blocks, keeps several writes in flight and knows what is durable.
// Core: journal. Allocates: at construction only. Blocks: never. Clock: none.
//
// Invariants:
//  - LSNs are given without a gap; a Record lies whole in one block, a block whole in one segment.
//  - durable() moves only over a contiguous prefix of completed blocks, never past a failed one.
//  - The durable_lsn a block states is one that completions proved, also when `relaxed`.
//  - After a failed write nothing is accepted, submitted or called durable any more.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "config/limits.hpp"
#include "engine/base/check.hpp"
#include "engine/base/ids.hpp"
#include "engine/journal/block.hpp"
#include "engine/journal/segment_supply.hpp"
#include "engine/world.hpp"

namespace levy::journal {

// Where appending begins: what recovery and open_for_append() hand over.
struct JournalStart {
  std::uint64_t node_id = 0;
  std::uint32_t epoch = 0;
  Lsn next{1};  // everything below is durable
  std::uint32_t previous_crc = 0;
  ReadySegment segment{};
  std::uint64_t offset = 0;  // first free byte of the segment
};

struct JournalOptions {
  std::size_t in_flight_max = limits::journal_writes_in_flight_max;
  std::size_t write_bytes_max = limits::journal_write_bytes_max;
  // durable() then means "submitted": a crash of the machine may lose what is in flight (at most
  // in_flight_max writes) although its answers have left. Never the default.
  bool relaxed = false;
};

template <Storage S>
class Journal {
 public:
  Journal(S& storage, SegmentSupply& supply, const JournalStart& start,
          const JournalOptions& options);

  // Whether a Record of `bytes` can be appended now. false: no buffer or no segment is free; the
  // caller keeps the Record and asks again after poll().
  bool room(std::size_t bytes);
  // Copies the Record (1..record_bytes_max bytes). room(record.size()) must hold.
  Lsn append(std::span<const std::byte> record);
  // Ends a loop turn: seals and submits what was gathered, unless in_flight_max writes are under
  // way; then gathering goes on, and that is how the batch grows under load.
  void flush();
  // Collects completions; returns how many.
  std::size_t poll();

  Lsn durable() const { return Lsn{relaxed_ && failed_ == 0 ? submitted_ : durable_}; }
  // Completed writes only, also when `relaxed`.
  Lsn proven() const { return Lsn{durable_}; }
  Lsn appended() const { return Lsn{next_lsn_ - 1}; }
  // errno of the first failed write, 0 while all is well. Permanent: the caller stops the daemon.
  int failed() const { return failed_; }
  // Nothing gathered, nothing in flight.
  bool idle() const { return oldest_ == gathering_ && used_ == header_bytes; }
  // false: the current segment is half used and no next one is ready. New work should then stop
  // before it is applied; what is applied already is still taken while room() says so.
  bool admission_open();
  // When idle: writes an empty block that states durable(), so that a later fault in the last
  // Records is known as damage and not taken for a torn tail. For a clean stop; false: try later.
  bool state_durable();

  std::size_t in_flight() const { return in_flight_; }
  std::uint64_t blocks_written() const { return oldest_; }
  // Of the disk, whole blocks: many times those of the Records where each comes alone.
  std::uint64_t bytes_sealed() const { return bytes_sealed_; }
  std::uint32_t segment() const { return segment_.sequence; }

 private:
  struct Buffer {
    std::byte* bytes = nullptr;
    std::size_t size = 0;
    std::uint64_t offset = 0;
    std::uint64_t last_lsn = 0;  // durable up to here once this and all before are complete
    std::uint32_t file = 0;
    bool complete = false;
  };
  struct Retiring {
    RetiredSegment what;
    std::uint64_t blocks = 0;  // done when this many blocks are complete
  };
  struct FreeMemory {
    void operator()(std::byte* p) const { std::free(p); }
  };
  static constexpr std::size_t retiring_max = 16;

  Buffer& buffer(std::uint64_t number) { return buffers_[number % buffers_.size()]; }
  bool buffer_free(std::uint64_t number) const { return number - oldest_ < buffers_.size(); }
  bool gathered() const { return used_ > header_bytes; }
  bool next_segment_ready();
  void switch_segment();
  void seal(std::uint16_t flags);
  void submit_sealed();
  void retire();

  S& storage_;
  SegmentSupply& supply_;
  const std::uint64_t node_id_;
  const std::uint32_t epoch_;
  const std::size_t in_flight_max_;
  const std::size_t write_bytes_max_;
  const bool relaxed_;

  std::unique_ptr<std::byte, FreeMemory> memory_;
  std::vector<Buffer> buffers_;
  // Blocks are numbered from 0: [oldest_, to_submit_) in flight, [to_submit_, gathering_) sealed.
  std::uint64_t oldest_ = 0;
  std::uint64_t to_submit_ = 0;
  std::uint64_t gathering_ = 0;
  std::size_t in_flight_ = 0;

  std::size_t used_ = header_bytes;  // of the gathering block
  std::size_t capacity_ = 0;         // of the gathering block once it holds a Record
  std::uint32_t count_ = 0;
  std::uint64_t first_lsn_ = 0;

  ReadySegment segment_;
  std::uint64_t position_;
  std::uint64_t bytes_sealed_ = 0;
  ReadySegment next_segment_{};
  bool next_taken_ = false;
  std::array<Retiring, retiring_max> retiring_{};
  std::size_t retiring_count_ = 0;

  std::uint64_t next_lsn_;
  std::uint64_t durable_;
  std::uint64_t submitted_;
  std::uint32_t previous_crc_;
  int failed_ = 0;
};

template <Storage S>
Journal<S>::Journal(S& storage, SegmentSupply& supply, const JournalStart& start,
                    const JournalOptions& options)
    : storage_(storage),
      supply_(supply),
      node_id_(start.node_id),
      epoch_(start.epoch),
      in_flight_max_(options.in_flight_max),
      write_bytes_max_(options.write_bytes_max),
      relaxed_(options.relaxed),
      buffers_(options.in_flight_max + 2),
      segment_(start.segment),
      position_(start.offset),
      next_lsn_(start.next.value),
      durable_(start.next.value - 1),
      submitted_(start.next.value - 1),
      previous_crc_(start.previous_crc) {
  LEVY_CHECK(in_flight_max_ >= 1 && in_flight_max_ <= limits::journal_writes_in_flight_max,
             in_flight_max_);
  LEVY_CHECK(write_bytes_max_ % block_unit == 0 &&
                 write_bytes_max_ >= block_bytes(framed_bytes(limits::record_bytes_max)) &&
                 write_bytes_max_ <= limits::journal_write_bytes_max,
             write_bytes_max_);
  LEVY_CHECK(start.next.value >= 1 && position_ % block_unit == 0 && position_ <= segment_.bytes,
             position_, segment_.bytes);
  const std::size_t total = buffers_.size() * write_bytes_max_;
  memory_.reset(static_cast<std::byte*>(std::aligned_alloc(block_unit, total)));
  LEVY_CHECK(memory_ != nullptr, total);
  std::memset(memory_.get(), 0, total);  // touched here, not on the first Records
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    buffers_[i].bytes = memory_.get() + i * write_bytes_max_;
  }
}

template <Storage S>
bool Journal<S>::next_segment_ready() {
  if (!next_taken_) next_taken_ = supply_.ready.pop(&next_segment_, 1) == 1;
  return next_taken_ && retiring_count_ < retiring_max;
}

template <Storage S>
bool Journal<S>::admission_open() {
  return failed_ == 0 && (position_ * 2 < segment_.bytes || next_segment_ready());
}

template <Storage S>
bool Journal<S>::room(std::size_t bytes) {
  if (failed_ != 0) return false;
  const std::size_t framed = framed_bytes(bytes);
  std::uint64_t position = position_;
  if (gathered()) {
    if (used_ + framed <= capacity_) return true;
    if (!buffer_free(gathering_ + 1)) return false;
    position += block_bytes(used_ - header_bytes);
  } else if (!buffer_free(gathering_)) {
    return false;
  }
  return segment_.bytes - position >= header_bytes + framed || next_segment_ready();
}

template <Storage S>
Lsn Journal<S>::append(std::span<const std::byte> record) {
  LEVY_CHECK(!record.empty() && record.size() <= limits::record_bytes_max, record.size());
  LEVY_CHECK(failed_ == 0, failed_);
  const std::size_t framed = framed_bytes(record.size());
  if (gathered() && used_ + framed > capacity_) seal(0);
  if (!gathered()) {
    LEVY_CHECK(buffer_free(gathering_), gathering_, oldest_);
    if (segment_.bytes - position_ < header_bytes + framed) switch_segment();
    capacity_ = static_cast<std::size_t>(
        std::min<std::uint64_t>(write_bytes_max_, segment_.bytes - position_));
    LEVY_CHECK(header_bytes + framed <= capacity_, framed, capacity_);
    first_lsn_ = next_lsn_;
  }
  std::byte* at = buffer(gathering_).bytes + used_;
  const auto length = static_cast<std::uint32_t>(record.size());
  std::memset(at + framed - 8, 0, 8);  // the padding, before the bytes may cover it
  std::memcpy(at, &length, sizeof length);
  std::memcpy(at + sizeof length, record.data(), record.size());
  used_ += framed;
  ++count_;
  return Lsn{next_lsn_++};
}

template <Storage S>
void Journal<S>::switch_segment() {
  LEVY_CHECK(next_segment_ready(), segment_.sequence, retiring_count_);
  retiring_[retiring_count_++] =
      Retiring{RetiredSegment{segment_, next_lsn_ - 1}, gathering_};
  segment_ = next_segment_;
  position_ = 0;
  next_taken_ = false;
}

template <Storage S>
void Journal<S>::seal(std::uint16_t flags) {
  Buffer& block = buffer(gathering_);
  const std::size_t payload = used_ - header_bytes;
  block.size = block_bytes(payload);
  LEVY_CHECK(position_ + block.size <= segment_.bytes, position_, block.size);
  std::memset(block.bytes + used_, 0, block.size - used_);
  BlockHeader header;
  header.flags = flags;
  header.node_id = node_id_;
  header.first_lsn = count_ == 0 ? next_lsn_ : first_lsn_;
  header.durable_lsn = durable_;
  header.epoch = epoch_;
  header.record_count = count_;
  header.payload_bytes = static_cast<std::uint32_t>(payload);
  header.previous_crc = previous_crc_;
  header.segment = segment_.sequence;
  header.position = static_cast<std::uint32_t>(position_ / block_unit);
  const std::uint32_t crc = seal_block({block.bytes, block.size}, header);
  if (count_ != 0) previous_crc_ = crc;
  block.offset = position_;
  block.file = segment_.file;
  block.last_lsn = next_lsn_ - 1;
  block.complete = false;
  position_ += block.size;
  bytes_sealed_ += block.size;
  used_ = header_bytes;
  count_ = 0;
  ++gathering_;
  submit_sealed();
}

template <Storage S>
void Journal<S>::submit_sealed() {
  while (failed_ == 0 && to_submit_ < gathering_ && in_flight_ < in_flight_max_) {
    const Buffer& block = buffer(to_submit_);
    if (!storage_.submit(block.file, block.offset, {block.bytes, block.size}, to_submit_)) return;
    submitted_ = block.last_lsn;
    ++to_submit_;
    ++in_flight_;
  }
}

template <Storage S>
void Journal<S>::flush() {
  submit_sealed();
  if (failed_ == 0 && gathered() && to_submit_ == gathering_ && in_flight_ < in_flight_max_) {
    seal(0);
  }
}

template <Storage S>
std::size_t Journal<S>::poll() {
  std::array<StorageCompletion, limits::journal_writes_in_flight_max> done;
  const std::size_t count = in_flight_ == 0 ? 0 : storage_.poll(done.data(), done.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t number = done[i].tag;
    LEVY_CHECK(number >= oldest_ && number < to_submit_, number, oldest_);
    Buffer& block = buffer(number);
    LEVY_CHECK(!block.complete, number);
    --in_flight_;
    if (done[i].error != 0) {
      if (failed_ == 0) failed_ = done[i].error;
    } else {
      block.complete = true;
    }
  }
  if (failed_ != 0) return count;
  while (oldest_ < to_submit_ && buffer(oldest_).complete) {
    durable_ = buffer(oldest_).last_lsn;
    ++oldest_;
  }
  if (retiring_count_ != 0) retire();
  submit_sealed();
  return count;
}

template <Storage S>
void Journal<S>::retire() {
  std::size_t gone = 0;
  while (gone < retiring_count_ && retiring_[gone].blocks <= oldest_ &&
         supply_.retired.try_push(retiring_[gone].what)) {
    ++gone;
  }
  if (gone == 0) return;
  std::copy(retiring_.begin() + gone, retiring_.begin() + retiring_count_, retiring_.begin());
  retiring_count_ -= gone;
}

template <Storage S>
bool Journal<S>::state_durable() {
  if (failed_ != 0 || !idle()) return false;
  if (segment_.bytes - position_ < block_unit) {
    if (!next_segment_ready()) return false;
    switch_segment();
  }
  seal(block_statement);
  return true;
}

}  // namespace levy::journal
