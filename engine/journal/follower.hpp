// Follower: reads the Records of a journal that goes on being written, up to what is durable.
// Core: feed. Allocates: yes. Blocks: on the disk. Clock: none.
//
// It only reads, through a SegmentStore of its own, so the journal never waits for it. Whoever uses
// it keeps the segments from next() on (SegmentKeeper::turn). It follows the same chain as
// recovery: the next LSN, the crc of the block before, an opening block where the epoch rises.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/journal/block.hpp"
#include "engine/journal/recovery.hpp"
#include "engine/journal/segment_store.hpp"

namespace levy::journal {

class Follower {
 public:
  Follower(SegmentStore& store, std::uint64_t node_id);

  // The next Record to read is `next`, or the oldest there still is where that is later.
  Failure seek(Lsn next);
  // Hands over Records up to `durable`; stops after the block that passes `bytes_max`, or when
  // `visit` says false: that Record comes again. `unread` is set where a durable Record could not
  // be found: a write that is complete but not visible yet, or damage if it stays so.
  Failure read(Lsn durable, std::size_t bytes_max, const RecordVisitor& visit, bool& unread);

  Lsn next() const { return Lsn{next_}; }
  // Bytes of blocks read since seek().
  std::uint64_t bytes_read() const { return bytes_read_; }
  // Bytes of blocks that lie ahead, by their headers alone.
  Failure bytes_ahead(std::uint64_t& bytes);
  // Where it reads, for messages.
  std::string place() const;

 private:
  struct Sound {
    BlockHeader header;
    std::span<const std::byte> block;
  };
  Failure fill(const SegmentEntry& entry, std::uint64_t offset, std::size_t bytes);
  Failure look(const SegmentEntry& entry, std::uint64_t offset, bool& sound, Sound& found);
  bool continues(const BlockHeader& header, std::uint64_t offset) const;
  Failure find_next(bool& found, Sound& block);
  bool hand_over(const Sound& found, Lsn durable, const RecordVisitor& visit);

  SegmentStore& store_;
  const std::uint64_t node_id_;
  std::vector<std::byte> buffer_;
  std::uint32_t buffered_segment_ = 0;
  std::uint64_t buffered_from_ = 0;
  std::size_t buffered_ = 0;
  std::size_t piece_ = 0;  // read at once

  SegmentEntry segment_;
  std::uint64_t offset_ = 0;    // of the block that holds next_, or should
  std::uint64_t expected_ = 1;  // first LSN of that block
  std::uint64_t next_ = 1;
  std::uint32_t previous_crc_ = 0;
  std::uint32_t epoch_ = 0;
  bool chained_ = false;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace levy::journal
