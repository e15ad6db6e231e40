// Feed: follows the durable journal and writes what was charged to the sinks, exactly once.
// Core: feed. Allocates: yes. Blocks: on the disk. Clock: the time comes in.
//
// Its place is what the newest files contain, so no crash can part the two: after a restart it goes
// on behind the last line. needed_from() never passes what is durable in every sink.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/feed/names.hpp"
#include "engine/feed/sink.hpp"
#include "engine/journal/follower.hpp"

namespace levy::feed {

struct FeedOptions {
  std::vector<SinkOptions> sinks;  // one per format
  bool join_identities = false;
  // Of journal without any charge, after which the files are renamed to state a later place.
  std::uint64_t restate_bytes = 16 * 1024 * 1024;
};

class Feed {
 public:
  Feed(const FeedOptions& options, journal::SegmentStore& store, std::uint64_t node_id,
       Names& names);

  // `durable`: of the journal at this start; where no files are yet, the records begin behind it.
  // `notes`: what the operator should know (Records that are missing).
  journal::Failure open(Lsn durable, Time now, std::vector<std::string>& notes);
  // One step. true: there may be more to do at once. A failure is for the operator; the next turn
  // tries again.
  bool turn(Lsn durable, Time now);
  // Everything written so far is durable.
  void settle();

  // The first LSN that the feed still needs of the journal.
  Lsn needed_from() const { return needed_from_; }
  // Behind which everything has been looked at.
  Lsn next() const { return follower_.next(); }
  std::uint64_t bytes_read() const { return follower_.bytes_read(); }
  journal::Failure bytes_ahead(std::uint64_t& bytes) { return follower_.bytes_ahead(bytes); }
  std::uint64_t records() const { return records_; }  // written since open()
  // Empty: all is well.
  const std::string& failure() const { return failure_; }

 private:
  static constexpr std::size_t step_bytes = 1024 * 1024;
  static constexpr int unread_turns_max = 200;

  bool take(Lsn lsn, std::span<const std::byte> bytes);
  bool write(Lsn durable, Time now);
  journal::Failure tidy(Time now);

  Names& names_;
  RecordText text_;
  journal::Follower follower_;
  bool join_identities_;
  std::uint64_t restate_bytes_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  Lsn needed_from_{1};
  std::uint64_t records_ = 0;
  std::uint64_t stated_bytes_ = 0;  // bytes_read() when the files last stated a place
  bool unsynced_ = false;
  int unread_turns_ = 0;
  Time synced_at_{};
  Time expired_at_{};
  std::string refused_;  // why a Record was not taken
  std::string failure_;
  std::vector<std::uint64_t> aligned_;  // the Record at hand: its facts want their alignment
};

}  // namespace levy::feed
