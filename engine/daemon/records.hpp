// Records: the thread that runs the feed of charging records, and its alarms.
// Core: feed (run), control (everything else). Allocates: yes. Blocks: on the records' disk; never
// the corridor. Clock: system.
//
// It reads segments through a store of its own and tells control from which LSN on it needs them.
// Where its disk is full it waits; at `records.backlog_max` of journal new sessions stop.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "config/options.hpp"
#include "engine/admin/control_door.hpp"
#include "engine/feed/feed.hpp"
#include "engine/journal/segment_files.hpp"
#include "engine/metrics/counters.hpp"

namespace levy::daemon {

struct RecordsParts {
  config::RecordsOptions options;
  std::string node_name;
  std::uint64_t node_id = 0;
  std::string journal_directory;
  std::uint64_t segment_bytes = 0;
  const metrics::CounterBlock* journal = nullptr;  // proven_lsn, journal_bytes
  metrics::CounterBlock* own = nullptr;
  std::atomic<bool>* sessions_open = nullptr;
};

class Records final : public feed::Names {
 public:
  explicit Records(const RecordsParts& parts);
  ~Records() override;

  // Before anything is appended. Empty, or why not.
  std::string open(Lsn durable);
  // The names come from `control`, which outlives the thread.
  void start(admin::ControlDoor& control);
  // Writes what is durable by now, for a while at most; what is left comes after the next start.
  void finish();
  // Ends the thread, with whatever it has written.
  void stop();
  // Any thread.
  Lsn needed_from() const { return Lsn{needed_from_.load(std::memory_order_acquire)}; }

  // ---- feed::Names
  std::string name_of(std::uint16_t interned_id) override;
  std::uint64_t edition() override { return control_->names_edition(); }
  bool identities_of(ShardId shard, std::string_view account, Slot subscriber,
                     feed::Identities& identities) override;

 private:
  static constexpr std::size_t cached_max = 100'000;

  void run();
  bool turn();
  void watch(std::uint64_t backlog);
  bool ask_identities(ShardId shard, std::string_view account);

  RecordsParts parts_;
  journal::SegmentFiles segments_;
  std::unique_ptr<feed::Feed> feed_;
  admin::ControlDoor* control_ = nullptr;
  std::atomic<std::uint64_t> needed_from_{1};
  std::mutex mutex_;
  std::condition_variable news_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;

  // Bytes of journal not yet looked at: owed_ + sealed since - read since.
  std::uint64_t owed_ = 0, sealed_at_ = 0, read_at_ = 0;
  bool half_ = false, full_ = false;
  std::string failure_;
  std::unordered_map<std::uint64_t, feed::Identities> identities_;  // by shard and subscriber
  Time identities_at_{};
};

}  // namespace levy::daemon
