// ShardLoop: drives some Shards: decode, apply, encode for each frame; due work in between.
// Core: shard. Allocates: at construction only. Blocks: never. Clock: read once per turn.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "diameter/app/gy.hpp"
#include "engine/metrics/counters.hpp"
#include "engine/pipeline/log_event.hpp"
#include "engine/pipeline/rings.hpp"
#include "engine/pipeline/slab.hpp"
#include "engine/shard/shard.hpp"

namespace levy::pipeline {

// A buffer of a snapshot's walk on its way to control.
struct SnapshotBuffer {
  static constexpr std::size_t bytes_max = 64 * 1024;
  std::uint8_t shard = 0;
  bool last = false;  // the walk of this loop has ended; nothing in `bytes`
  shard::SnapshotChunk chunk{};
  alignas(64) std::uint8_t bytes[bytes_max];
};

// control -> loop: empty buffers, and by a null pointer the wish to begin; loop -> control: full
// ones.
struct SnapshotRings {
  Ring<SnapshotBuffer*> empty{16};
  Ring<SnapshotBuffer*> full{16};
  std::atomic<std::uint64_t> walks_wanted{0};
};

struct ShardLoopOptions {
  std::uint32_t number = 0;  // of this loop
  ShardMap map;
  std::size_t push_frames = 256;  // own slab: pushes and Records of due work
  std::size_t batch_max = 16;     // frames per ring and turn
  std::size_t due_max = 8;        // due things per turn
  const std::vector<app::Dialect>* dialects = nullptr;
  app::LocalIdentity local;
};

class ShardLoop final : public Loop {
 public:
  // `now` reads the wall clock. `shards`: those with shard % loops == number, ascending.
  ShardLoop(const ShardLoopOptions& options, std::vector<shard::Shard*> shards, Rings& rings,
            std::function<Time()> now, metrics::CounterBlock& counters, HugePages huge_pages);

  std::size_t do_work() override;
  const char* name() const override { return "shard"; }

  SnapshotRings& snapshot() { return snapshot_; }
  LogRing& log() { return log_; }

 private:
  shard::Shard& shard_of(ShardId id) { return *shards_[id.value / options_.map.loops]; }
  std::size_t take(FrameRing& ring, std::size_t room, Time now);
  void process(Frame& frame, Time now);
  void process_request(Frame& frame, Time now);
  void process_operator(Frame& frame, Time now);
  void process_push_answer(Frame& frame, Time now);
  bool find_by_session(Frame& frame, const rating::ChargeRequest& request);
  void send_pushes(shard::Shard& shard);
  void encode_push(shard::Shard& shard, const shard::Push& push, Frame& frame);
  void hand_on(Frame& frame);
  void count(const Frame& frame, const rating::ChargeRequest& request);
  void count_products();
  void count_pools();
  std::size_t do_due(Time now, std::size_t due_max);
  std::size_t do_snapshot();
  void say(LogKind kind, std::uint32_t a, std::string_view text);
  void say(LogEvent& event);
  void say_conflict(const Frame& frame, const rating::ChargeRequest& request);
  void say_given_up(std::uint32_t count);

  ShardLoopOptions options_;
  std::vector<shard::Shard*> shards_;
  Rings& rings_;
  FrameRing& out_;
  std::function<Time()> clock_;
  MonotoneTime time_;
  metrics::CounterBlock& counters_;
  Slab slab_;
  SnapshotRings snapshot_;
  std::uint64_t snapshot_walks_ = 0;
  std::size_t snapshot_shard_ = 0;
  bool snapshot_active_ = false;
  shard::SnapshotCursor snapshot_cursor_;
  static constexpr std::uint32_t lines_per_second_max = 10;  // of one kind
  struct Said {
    std::int64_t second = 0;
    std::uint32_t lines = 0;
  };
  Said said_[16];
  static constexpr std::int64_t given_up_line_seconds = 60;
  std::int64_t given_up_said_ = 0;  // second of the last line about tombstones given up
  std::uint32_t given_up_unsaid_ = 0;
  LogRing log_{1024};
  std::size_t due_shard_ = 0;
  std::uint64_t turns_ = 0;
  std::uint32_t end_to_end_ = 0;
  rating::ChargeRequest request_;
  shard::Outcome outcome_;
};

}  // namespace levy::pipeline
