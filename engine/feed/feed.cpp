// Feed: see feed.hpp.
// Core: feed. Allocates: yes. Blocks: on the disk. Clock: the time comes in.
#include "engine/feed/feed.hpp"

#include <algorithm>
#include <cstring>

namespace levy::feed {

using journal::Failure;

Feed::Feed(const FeedOptions& options, journal::SegmentStore& store, std::uint64_t node_id,
           Names& names)
    : names_(names),
      text_(names),
      follower_(store, node_id),
      join_identities_(options.join_identities),
      restate_bytes_(options.restate_bytes) {
  for (const SinkOptions& sink : options.sinks) sinks_.push_back(std::make_unique<Sink>(sink));
}

Failure Feed::open(Lsn durable, Time now, std::vector<std::string>& notes) {
  std::vector<bool> fresh(sinks_.size());
  Lsn from{durable.value + 1};
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    bool none = false;
    if (Failure failure = sinks_[i]->open(now, none)) return failure;
    fresh[i] = none;
    if (!none) from = std::min(from, sinks_[i]->resume());
  }
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    if (!fresh[i]) continue;
    if (Failure failure = sinks_[i]->start(Lsn{durable.value + 1}, now)) return failure;
  }
  for (const auto& sink : sinks_) {
    if (sink->resume().value > durable.value + 1)
      return {0, "the records go up to LSN " + std::to_string(sink->resume().value - 1) +
                     ", but the journal ends at LSN " + std::to_string(durable.value) +
                     ": the data directory is older than the records, or another one's; move the "
                     "files away to begin anew"};
  }
  if (Failure failure = follower_.seek(from)) return failure;
  if (follower_.next() > from)
    notes.push_back("charging records of LSN " + std::to_string(from.value) + " to " +
                    std::to_string(follower_.next().value - 1) +
                    " are missing: the journal no longer has them (was `records` switched off?)");
  needed_from_ = follower_.next();
  synced_at_ = expired_at_ = now;
  return {};
}

// false: not now; the Record comes again.
bool Feed::take(Lsn lsn, std::span<const std::byte> bytes) {
  shard::RecordView record;
  aligned_.resize((bytes.size() + 7) / 8);
  std::memcpy(aligned_.data(), bytes.data(), bytes.size());
  const std::span<const std::uint8_t> octets{
      reinterpret_cast<const std::uint8_t*>(aligned_.data()), bytes.size()};
  if (!shard::read_record(octets, record)) {
    refused_ = "LSN " + std::to_string(lsn.value) + ": not a Record that this levyd can read";
    return false;
  }
  if (!is_charging(record)) return true;
  Identities identities;
  const bool join = join_identities_ && record.header.subscriber != none;
  if (join && !names_.identities_of(ShardId{record.header.shard}, record.account,
                                    record.header.subscriber, identities))
    return false;
  for (auto& sink : sinks_)
    sink->append(lsn, text_.lines(sink->format(), lsn, record, join ? &identities : nullptr));
  unsynced_ = true;
  ++records_;
  return true;
}

bool Feed::write(Lsn durable, Time now) {
  for (auto& sink : sinks_) {
    if (Failure failure = sink->flush()) return failure_ = failure.text, false;
  }
  // After a failure nothing more is read before its cause is gone: what waits stays in the journal.
  if (!failure_.empty()) {
    if (Failure failure = tidy(now)) return failure_ = failure.text, false;
  }
  bool unread = false;
  const Lsn before = follower_.next();
  refused_.clear();
  Failure failure = follower_.read(
      durable, step_bytes,
      [this](Lsn lsn, std::span<const std::byte> bytes) { return take(lsn, bytes); }, unread);
  unread_turns_ = unread && follower_.next() == before ? unread_turns_ + 1 : 0;
  if (!failure && !refused_.empty()) failure.text = refused_;
  if (!failure && unread_turns_ > unread_turns_max)
    failure.text = follower_.place() + ": the Record with LSN " +
                   std::to_string(follower_.next().value) + " is durable but cannot be read";
  for (auto& sink : sinks_) {
    if (Failure writing = sink->flush()) failure = writing;
  }
  if (!failure) failure = tidy(now);
  failure_ = failure.text;
  return !failure && follower_.next() != before && follower_.next() <= durable;
}

bool Feed::turn(Lsn durable, Time now) {
  return write(durable, now);
}

// Rotation, syncs and retention, as their times come.
Failure Feed::tidy(Time now) {
  const Lsn next = follower_.next();
  const bool restate = follower_.bytes_read() - stated_bytes_ >= restate_bytes_;
  for (auto& sink : sinks_) {
    if (!restate && !sink->rotation_due(now)) continue;
    // A file that has just got its last line is not cut short for the sake of its name.
    if (restate && !sink->rotation_due(now) && sink->resume().value + 1 >= next.value) continue;
    if (Failure failure = sink->rotate(next, now)) return failure;
  }
  if (restate) stated_bytes_ = follower_.bytes_read();
  if (unsynced_ || restate) {
    if (micros_between(synced_at_, now) >= 1'000'000 || restate) {
      for (auto& sink : sinks_) {
        if (Failure failure = sink->sync()) return failure;
      }
      unsynced_ = false;
      synced_at_ = now;
    }
  }
  if (!unsynced_) {
    needed_from_ = next;
    for (const auto& sink : sinks_) needed_from_ = std::min(needed_from_, sink->resume());
  }
  if (micros_between(expired_at_, now) >= 60'000'000) {
    expired_at_ = now;
    for (auto& sink : sinks_) {
      if (Failure failure = sink->expire(now)) return failure;
    }
  }
  return {};
}

void Feed::settle() {
  for (auto& sink : sinks_) {
    if (Failure failure = sink->sync()) failure_ = failure.text;
  }
}

}  // namespace levy::feed
