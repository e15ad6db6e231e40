// Daemon: levyd on a simulated machine: the parts of engine/daemon/daemon.cpp, joined in the same
// way, without threads. One object is one life of the process; the Machine outlives it.
// Core: the simulator's only thread. Allocates: yes. Blocks: on snapshot files. Clock: the world's.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "diameter/edge/native_edge.hpp"
#include "engine/admin/control_door.hpp"
#include "engine/daemon/recover.hpp"
#include "engine/journal/segment_keeper.hpp"
#include "engine/pipeline/edge_loop.hpp"
#include "engine/pipeline/journal_loop.hpp"
#include "engine/pipeline/shard_loop.hpp"
#include "tests/sim/random.hpp"
#include "tests/support/sim_storage.hpp"
#include "tests/support/sim_transport.hpp"

namespace levy::sim {

inline constexpr std::uint64_t node_id = 0x51eeb;
inline constexpr std::uint64_t segment_bytes = 256 * 1024;

// What a crash does not take away.
struct Machine {
  SimDisk& disk;
  test::SimNetwork& network;
  std::string snapshot_path;
  std::function<Time()> now;
};

// Sizes; the same in every life except `loops`.
struct DaemonSettings {
  std::uint32_t shards = 2;
  std::uint32_t loops = 1;  // another placement at every start
  shard::Capacity capacity;
  shard::Options options;
  std::size_t frames = 8;        // of the edge
  std::size_t push_frames = 8;   // of each shard loop
  std::size_t ring = 16;
  bool relaxed = false;          // a planted bug: answers leave before they are durable
  bool keep_all_segments = false;
  Lsn keep_from{1};              // what the auditor has not read yet is kept as well
};

class Daemon final : public admin::ControlDoor {
 public:
  static constexpr std::size_t actors_max = 6;

  Daemon(Machine& machine, const DaemonSettings& settings, Random& random);
  ~Daemon() override;

  // Recovers and builds everything; empty, or why it did not come up.
  std::string start(const rating::PlanSet* const* sets, std::uint32_t set_count);
  // One turn of one Loop, or of control.
  void turn_edge() { edge_loop_->do_work(); }
  void turn_shard(std::size_t loop) { shard_loops_[loop]->do_work(); }
  void turn_journal() { journal_loop_->do_work(); }
  void turn_control();
  void hold(bool held) { edge_loop_->hold(held); }
  void ask_snapshot() { snapshot_wanted_ = true; }
  // Called by call() again and again until the answer is there; false: the daemon is to die now.
  void set_pump(std::function<bool()> pump) { pump_ = std::move(pump); }

  bool failed() const { return rings_->journal_failed.load() != 0; }
  // Nothing is under way in any Loop or ring.
  bool idle() const;
  // The process is gone; what the kernel still has of it may be delivered.
  void kill(bool reset_connections);

  std::vector<const shard::Shard*> shards() const;
  std::size_t loops() const { return shard_loops_.size(); }
  std::uint32_t listener() const { return transport_->listener(); }
  const daemon::Recovered& recovered() const { return recovered_; }
  std::uint64_t snapshots() const { return snapshots_; }
  std::uint64_t pushes_acked() const;

  // ---- admin::ControlDoor
  admin::CallResult call(ShardId shard, const shard::OperatorRequest& request) override;
  bool submit(ShardId shard, const shard::OperatorRequest& request,
              std::function<void(const shard::OperatorReply&)> done) override;
  std::optional<Directory::Found> find(rating::IdentityType type, std::string_view text) override;
  bool publish(rating::IdentityType type, std::string_view text, ShardId shard, Slot slot) override;
  void withdraw(rating::IdentityType type, std::string_view text) override;
  std::uint32_t shard_count() const override { return settings_.shards; }
  std::vector<admin::PlanInfo> plans() override { return {}; }
  std::vector<admin::BucketKindInfo> bucket_kinds() override { return {}; }
  std::string name_of(std::uint16_t) override { return {}; }
  std::string status_json() override { return {}; }
  std::string metrics_text() override { return {}; }
  bool ready() override { return true; }
  bool trace(std::vector<Directory::Found>, std::function<bool(const TraceItem&)>) override {
    return false;
  }
  std::string reload(std::string_view, std::string_view) override { return {}; }

 private:
  using Done = std::function<void(const shard::OperatorReply&, std::span<const std::uint8_t>, Lsn)>;
  struct Pending {
    ShardId shard{};
    shard::OperatorRequest request;
    Done done;
  };
  enum class Walk { idle, walking, ending };

  void make_shards();
  void make_directory();
  void make_pipeline();
  void enqueue(ShardId shard, const shard::OperatorRequest& request, Done done);
  void send_queued();
  void take_replies();
  void watch_peers();
  void snapshot_turn();
  void begin_snapshot();
  void take_buffers();
  void end_snapshot();

  Machine& machine_;
  DaemonSettings settings_;
  Random& random_;
  std::vector<std::unique_ptr<shard::Scratch>> scratch_;
  std::vector<std::unique_ptr<shard::Shard>> shards_;
  daemon::Recovered recovered_;
  journal::SegmentSupply supply_;
  std::unique_ptr<journal::SegmentKeeper> keeper_;
  std::unique_ptr<journal::Journal<SimDisk>> journal_;
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<pipeline::Rings> rings_;
  pipeline::ShardMap map_;
  std::vector<app::Dialect> dialects_;
  std::unique_ptr<metrics::CounterBlock[]> counters_;
  std::unique_ptr<test::SimTransport> transport_;
  peer::Settings peer_settings_;
  std::unique_ptr<edge::NativeEdge<test::SimTransport>> edge_;
  std::vector<std::unique_ptr<pipeline::ShardLoop>> shard_loops_;
  std::unique_ptr<pipeline::JournalLoop<SimDisk>> journal_loop_;
  std::unique_ptr<pipeline::EdgeLoop<edge::NativeEdge<test::SimTransport>>> edge_loop_;

  std::unique_ptr<pipeline::Slab> slab_;
  std::vector<Done> under_way_;
  std::deque<Pending> queue_;
  std::function<bool()> pump_;

  std::unique_ptr<journal::SnapshotWriter> writer_;
  std::vector<std::unique_ptr<pipeline::SnapshotBuffer>> buffers_;
  Walk walk_ = Walk::idle;
  bool snapshot_wanted_ = false;
  std::size_t walks_left_ = 0, barriers_left_ = 0;
  Lsn walk_end_{};
  Lsn needed_from_{1};
  std::uint64_t snapshots_ = 0;
};

}  // namespace levy::sim
