// Control: snapshots under traffic. The Shards copy their slots in small buffers between messages;
// control writes them. The snapshot counts only once the journal is durable past the walk's end.
// Core: control. Allocates: yes. Blocks: on disk and locks. Clock: system.
#include <algorithm>
#include <chrono>

#include "engine/clock.hpp"
#include "engine/daemon/control.hpp"
#include "engine/daemon/log.hpp"

namespace levy::daemon {

using metrics::Counter;

void Control::snapshot_turn() {
  switch (snapshot_state_) {
    case SnapshotState::idle: {
      const Time now = SystemClock().now();
      // What lies on the disk and is replayed: a lone Record takes a whole block.
      const std::uint64_t bytes = metrics::combined(parts_.counters, Counter::journal_bytes);
      parts_.own_counters->set(
          Counter::snapshot_age,
          static_cast<std::uint64_t>(micros_between(snapshot_at_, now) / 1'000'000));
      std::uint64_t done = 0;
      {
        const std::lock_guard lock(snapshot_mutex_);
        done = snapshots_done_;
      }
      const bool wanted = snapshots_wanted_.load() > done;
      // A snapshot writes all there is: were the next one due before as much was journaled as the
      // last one holds, a growing state would be written over and over.
      const std::uint64_t grown_bytes =
          std::max(static_cast<std::uint64_t>(parts_.snapshot_after_bytes), snapshot_bytes_);
      const bool grown = bytes - snapshot_journal_bytes_ >= grown_bytes;
      const bool aged = bytes != snapshot_journal_bytes_ &&
                        micros_between(snapshot_at_, now) >= parts_.snapshot_every_s * 1'000'000;
      if (wanted || (ready_.load() && (grown || aged))) {
        snapshot_journal_bytes_ = bytes;
        begin_snapshot();
      }
      return;
    }
    case SnapshotState::walking:
      return take_snapshot_buffers();
    case SnapshotState::ending:
      if (snapshot_barriers_left_.load() == 0) end_snapshot();
      return;
  }
}

void Control::begin_snapshot() {
  // What is durable now was applied before the walk begins: everything later is replayed over it.
  const Lsn start{metrics::combined(parts_.counters, Counter::durable_lsn) + 1};
  const journal::Failure failure = snapshot_writer_.begin(start);
  if (failure) return fail_snapshot(failure.text);
  snapshot_loops_left_ = parts_.shard_loops.size();
  for (pipeline::ShardLoop* loop : parts_.shard_loops)
    loop->snapshot().walks_wanted.fetch_add(1, std::memory_order_release);
  snapshot_state_ = SnapshotState::walking;
}

void Control::take_snapshot_buffers() {
  std::string failed;
  for (pipeline::ShardLoop* loop : parts_.shard_loops) {
    pipeline::SnapshotBuffer* buffers[8];
    const std::size_t n = loop->snapshot().full.pop(buffers, 8);
    for (std::size_t i = 0; i < n; ++i) {
      const pipeline::SnapshotBuffer& b = *buffers[i];
      if (b.last) --snapshot_loops_left_;
      if (b.chunk.count != 0 && snapshot_writer_.active()) {
        journal::SnapshotChunk chunk;
        chunk.shard = b.shard;
        chunk.pool = b.chunk.pool;
        chunk.first_slot = b.chunk.first;
        chunk.slot_bytes = b.chunk.slot_bytes;
        chunk.bytes =
            std::as_bytes(std::span(b.bytes, std::size_t{b.chunk.count} * b.chunk.slot_bytes));
        const journal::Failure failure = snapshot_writer_.add(chunk);
        if (failure) failed = failure.text;
      }
      loop->snapshot().empty.try_push(buffers[i]);
    }
  }
  if (!failed.empty()) {
    log::error("snapshot", failed);
    snapshot_writer_.abandon();  // the walk still has to end before the next may begin
  }
  if (snapshot_loops_left_ != 0) return;
  snapshot_state_ = SnapshotState::ending;
  snapshot_end_lsn_.store(0);
  snapshot_barriers_left_.store(parts_.map.loops);
  for (std::uint32_t loop = 0; loop < parts_.map.loops; ++loop) {
    shard::OperatorRequest read;
    read.kind = shard::OperatorKind::list_mail;
    const bool taken = enqueue(
        ShardId{static_cast<std::uint8_t>(loop)}, read,
        [this](const shard::OperatorReply&, std::span<const std::uint8_t>, Lsn lsn) {
          if (lsn.value > snapshot_end_lsn_.load()) snapshot_end_lsn_.store(lsn.value);
          snapshot_barriers_left_.fetch_sub(1);
        },
        1 << 20);
    if (!taken) return fail_snapshot("the daemon is stopping");
  }
}

void Control::end_snapshot() {
  if (!snapshot_writer_.active()) return fail_snapshot("writing it failed");
  const journal::Failure failure = snapshot_writer_.finish(Lsn{snapshot_end_lsn_.load()}, {});
  if (failure) return fail_snapshot(failure.text);
  const journal::Failure reading =
      journal::snapshot_needs_from(parts_.snapshot_directory, parts_.node_id, needed_from_);
  if (reading) log::warn("snapshot", reading.text);
  snapshot_bytes_ = snapshot_writer_.bytes_written();
  snapshot_state_ = SnapshotState::idle;
  snapshot_at_ = SystemClock().now();
  parts_.own_counters->add(Counter::snapshots);
  log::info("snapshot", "written, durable up to LSN " + std::to_string(snapshot_end_lsn_.load()));
  const std::lock_guard lock(snapshot_mutex_);
  snapshots_done_ = snapshots_wanted_.load();
  snapshot_failure_.clear();
  snapshot_news_.notify_all();
}

void Control::fail_snapshot(const std::string& why) {
  log::error("snapshot", "not written: " + why);
  snapshot_writer_.abandon();
  snapshot_state_ = SnapshotState::idle;
  snapshot_at_ = SystemClock().now();
  const std::lock_guard lock(snapshot_mutex_);
  snapshots_done_ = snapshots_wanted_.load();
  snapshot_failure_ = why;
  snapshot_news_.notify_all();
}

std::string Control::snapshot_now() {
  std::unique_lock lock(snapshot_mutex_);
  const std::uint64_t wanted = snapshots_wanted_.fetch_add(1) + 1;
  if (!snapshot_news_.wait_for(lock, std::chrono::minutes(10),
                               [&] { return snapshots_done_ >= wanted; }))
    return "it did not end within ten minutes";
  return snapshot_failure_;
}

}  // namespace levy::daemon
