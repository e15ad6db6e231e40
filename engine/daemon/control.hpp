// Control: the one thread that sleeps. Carries operators' requests to the Shards and back, keeps
// segments and snapshots, writes the log, implements admin::ControlDoor.
// Core: control (run) and admin threads (the ControlDoor). Allocates: yes. Blocks: on disk and
// locks, never the corridor. Clock: system.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "engine/admin/control_door.hpp"
#include "engine/daemon/plans.hpp"
#include "engine/daemon/records.hpp"
#include "engine/journal/segment_keeper.hpp"
#include "engine/journal/snapshot_file.hpp"
#include "engine/metrics/counters.hpp"
#include "engine/metrics/prometheus.hpp"
#include "engine/pipeline/edge_loop.hpp"
#include "engine/pipeline/shard_loop.hpp"

namespace levy::daemon {

// Everything Control reaches into; all of it outlives Control.
struct ControlParts {
  pipeline::Rings* rings = nullptr;
  pipeline::ShardMap map;
  Directory* directory = nullptr;
  std::vector<pipeline::ShardLoop*> shard_loops;
  pipeline::LogRing* edge_log = nullptr;
  Ring<peer::Event>* peer_events = nullptr;
  Ring<pipeline::TraceBuffer*>* trace_full = nullptr;
  Ring<pipeline::TraceBuffer*>* trace_empty = nullptr;
  pipeline::TracedSubscribers* traced = nullptr;
  std::vector<const metrics::CounterBlock*> counters;
  metrics::CounterBlock* own_counters = nullptr;
  journal::SegmentKeeper* keeper = nullptr;
  journal::SegmentSupply* supply = nullptr;
  std::string snapshot_directory;
  std::uint64_t node_id = 0;
  std::int64_t snapshot_every_s = 900;
  std::int64_t snapshot_after_bytes = 1 << 30;
  std::string node_name;
  std::string origin_host;
  std::vector<std::string> listeners;  // "127.0.0.1:3868"
  std::string journal_mode;            // how it writes
  std::size_t frames = 512;            // requests under way at once
};

class Control final : public admin::ControlDoor {
 public:
  explicit Control(const ControlParts& parts);
  ~Control() override;

  void start();
  void stop();  // after the loops have stopped: pending calls answer `busy`
  void set_plans(Plans* plans) { plans_ = plans; }
  void set_reload(std::function<std::string()> reload) { reload_ = std::move(reload); }
  // Also keeps the segments that the records still need.
  void set_records(const Records* records) { records_ = records; }
  void set_ready(bool ready) { ready_.store(ready); }
  void set_version(std::uint16_t version) { version_.store(version); }
  void add_name(std::uint16_t id, std::string text);
  // Waits until every shard loop has passed a command; returns the highest LSN seen durable.
  Lsn barrier();
  // Writes a snapshot now and waits for it; empty or what went wrong.
  std::string snapshot_now();

  // ---- admin::ControlDoor
  admin::CallResult call(ShardId shard, const shard::OperatorRequest& request) override;
  bool submit(ShardId shard, const shard::OperatorRequest& request,
              std::function<void(const shard::OperatorReply&)> done) override;
  std::size_t submit_batch(std::span<admin::Errand* const> errands) override;
  std::optional<Directory::Found> find(rating::IdentityType type, std::string_view text) override;
  void expect(rating::IdentityType type, std::string_view text) override;
  bool publish(rating::IdentityType type, std::string_view text, ShardId shard, Slot slot) override;
  void withdraw(rating::IdentityType type, std::string_view text) override;
  std::uint32_t shard_count() const override { return parts_.map.shards; }
  std::vector<admin::PlanInfo> plans() override;
  // The same for whoever holds the plans already (a reload).
  std::vector<admin::PlanInfo> current_plans() const { return plans_->infos(version_.load()); }
  std::vector<admin::BucketKindInfo> bucket_kinds() override;
  std::string name_of(std::uint16_t interned_id) override;
  std::uint64_t names_edition() override { return names_edition_.load(std::memory_order_acquire); }
  std::string status_json() override;
  std::string metrics_text() override;
  bool ready() override { return ready_.load(); }
  bool trace(std::vector<Directory::Found> subscribers,
             std::function<bool(const TraceItem&)> on_item) override;
  std::vector<admin::PlanVersionInfo> plan_versions() override;
  std::string reload(std::string_view who, std::string_view why) override;

 private:
  using Done = std::function<void(const shard::OperatorReply&, std::span<const std::uint8_t>, Lsn)>;
  struct FunctionErrand;

  void run();
  bool enqueue(ShardId shard, const shard::OperatorRequest& request, Done done,
               std::size_t queue_max);
  std::size_t enqueue(std::span<admin::Errand* const> errands, std::size_t queue_max);
  std::size_t send_queued();
  std::size_t take_replies();
  void drain_logs();
  void write_log(const pipeline::LogEvent& event);
  void on_peer_event(const peer::Event& event);
  void host_restarted(const peer::Event& event);
  void pass_traces();
  void keep_segments();
  // A snapshot's steps; each returns soon.
  void snapshot_turn();
  void begin_snapshot();
  void take_snapshot_buffers();
  void end_snapshot();
  void fail_snapshot(const std::string& why);

  ControlParts parts_;
  pipeline::Slab slab_;
  std::vector<admin::Errand*> under_way_;  // by frame index
  std::mutex queue_mutex_;
  std::condition_variable queue_news_;
  std::deque<admin::Errand*> queue_;    // queue_mutex_
  std::deque<admin::Errand*> sending_;  // the control thread's part of it, older than all of queue_
  std::atomic<bool> stopping_{false};
  bool closed_ = false;  // queue_mutex_: no further calls
  std::thread thread_;

  std::mutex directory_mutex_;
  std::mutex names_mutex_;
  std::unordered_map<std::uint16_t, std::string> names_;
  std::atomic<std::uint64_t> names_edition_{0};
  const Records* records_ = nullptr;
  Plans* plans_ = nullptr;
  std::mutex plans_mutex_;
  std::function<std::string()> reload_;
  std::atomic<std::uint16_t> version_{0};
  std::atomic<bool> ready_{false};
  Time started_{};

  std::mutex peers_mutex_;
  struct PeerRow {
    std::string host, realm;
    int connections = 0;
    Time since{};
  };
  std::unordered_map<std::string, PeerRow> peers_;
  std::unordered_map<std::uint64_t, std::string> connection_peers_;

  std::mutex trace_mutex_;
  std::list<std::function<bool(const TraceItem&)>> tracers_;

  journal::SnapshotWriter snapshot_writer_;
  std::vector<std::unique_ptr<pipeline::SnapshotBuffer>> snapshot_buffers_;
  enum class SnapshotState { idle, walking, ending };
  SnapshotState snapshot_state_ = SnapshotState::idle;
  std::atomic<std::uint64_t> snapshot_barriers_left_{0};
  std::atomic<std::uint64_t> snapshot_end_lsn_{0};
  std::size_t snapshot_loops_left_ = 0;
  Time snapshot_at_{};
  std::uint64_t snapshot_journal_bytes_ = 0;  // journal before the latest
  std::uint64_t snapshot_bytes_ = 0;          // its size
  std::atomic<std::uint64_t> snapshots_wanted_{0};
  std::mutex snapshot_mutex_;
  std::condition_variable snapshot_news_;
  std::uint64_t snapshots_done_ = 0;  // snapshot_mutex_
  std::string snapshot_failure_;      // snapshot_mutex_: of the latest
  Lsn needed_from_{1};
  std::string keeper_failure_;
  Time keeper_tried_{};
};

}  // namespace levy::daemon
