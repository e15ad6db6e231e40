// Rings: every ring of the corridor, each with its one producer and one consumer.
// Core: control at start-up makes them. Allocates: at construction only. Blocks: never. Clock:
// none.
//
//   edge -> shard loop i     requests, push answers, push frames on their way home
//   control -> shard loop i  operators' requests
//   shard loop i -> journal  everything, in the order of apply()
//   journal -> edge          answers and pushes whose LSN is durable
//   journal -> control       operators' replies, likewise
//   journal -> shard loop i  frames of the loop's own slab that carried only a Record
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "engine/pipeline/loop.hpp"

namespace levy::pipeline {

// Slab numbers: who gets a frame back.
inline constexpr std::uint8_t slab_edge = 0;
inline constexpr std::uint8_t slab_control = 1;
inline constexpr std::uint8_t slab_shard_first = 2;

struct Rings {
  Rings(std::size_t shard_loops, std::size_t capacity, std::size_t everything)
      : journal_to_edge(everything), journal_to_control(everything) {
    for (std::size_t i = 0; i < shard_loops; ++i) {
      edge_to_shard.push_back(std::make_unique<FrameRing>(capacity));
      control_to_shard.push_back(std::make_unique<FrameRing>(capacity));
      shard_to_journal.push_back(std::make_unique<FrameRing>(capacity));
      journal_to_shard.push_back(std::make_unique<FrameRing>(everything));
    }
  }

  std::vector<std::unique_ptr<FrameRing>> edge_to_shard;
  std::vector<std::unique_ptr<FrameRing>> control_to_shard;
  std::vector<std::unique_ptr<FrameRing>> shard_to_journal;
  std::vector<std::unique_ptr<FrameRing>> journal_to_shard;
  // As large as all slabs together: the journal never waits for their consumers.
  FrameRing journal_to_edge;
  FrameRing journal_to_control;

  // Written by the journal loop: false stops admission before apply() (no segment is ready).
  alignas(64) std::atomic<bool> admission_open{true};
  // Written by the feed: false stops new sessions (records.backlog_max); open ones are charged.
  alignas(64) std::atomic<bool> sessions_open{true};
  // errno of a failed journal write; the daemon then closes everything and exits non-zero.
  alignas(64) std::atomic<int> journal_failed{0};
};

// Which loop drives a shard: fixed by placement.
struct ShardMap {
  std::uint32_t shards = 1;
  std::uint32_t loops = 1;
  std::uint32_t loop_of(ShardId shard) const { return shard.value % loops; }
};

}  // namespace levy::pipeline
