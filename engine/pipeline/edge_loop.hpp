// EdgeLoop: application messages of peers in, routed to their Shards; answers and pushes out.
// Core: edge. Allocates: at construction only. Blocks: never. Clock: read once per turn.
//
// Back-pressure: no free frame -> the message stays with its connection and TCP holds the peer; a
// full ring -> frames are parked up to a bound; beyond it requests are shed by type, new sessions
// first, terminations last, with the code that the peer's dialect wants. Watchdogs are answered in
// the Edge, ahead of all this.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "diameter/app/gy.hpp"
#include "diameter/peer/event.hpp"
#include "diameter/peer/peer.hpp"
#include "engine/base/directory.hpp"
#include "engine/metrics/counters.hpp"
#include "engine/pipeline/log_event.hpp"
#include "engine/pipeline/rings.hpp"
#include "engine/pipeline/session_hints.hpp"
#include "engine/pipeline/slab.hpp"
#include "engine/pipeline/traced.hpp"

namespace levy::pipeline {

// A traced message on its way to control.
struct TraceBuffer {
  Time at{};
  ConnectionRef connection{};
  bool from_gateway = false;
  std::uint32_t bytes = 0;
  std::uint8_t message[limits::message_bytes_max];
};

struct EdgeLoopOptions {
  ShardMap map;
  std::size_t frames = 2048;
  std::size_t frames_all = 4096;  // of every slab: what can wait for a ring at the very most
  std::size_t parking_max = 512;  // frames that wait for room in a ring, all rings together
  std::size_t pushes_max = 4096;  // pushes whose answer is awaited
  std::int64_t push_timeout_us = 10'000'000;
  std::size_t trace_buffers = 64;
  std::size_t session_hints = 1 << 18;  // sessions whose Shard is remembered (lossy)
  bool any_realm = false;
  std::vector<std::string> realms;  // lower case, served
  const std::vector<app::Dialect>* dialects = nullptr;
  app::LocalIdentity local;
};

template <class Edge>
class EdgeLoop final : public Loop {
 public:
  EdgeLoop(const EdgeLoopOptions& options, Edge& edge, Rings& rings, const Directory& directory,
           std::function<Time()> now, metrics::CounterBlock& counters, HugePages huge_pages);

  std::size_t do_work() override;
  const char* name() const override { return "edge"; }

  // Control -> edge wishes. Held: nothing is accepted or read; requests wait in their sockets.
  void hold(bool held) { held_.store(held, std::memory_order_release); }
  void ask_drain() { drain_wanted_.store(true, std::memory_order_release); }
  bool drained() const { return drained_.load(std::memory_order_acquire); }

  LogRing& log() { return log_; }
  Ring<peer::Event>& peer_events() { return peer_events_; }
  Ring<TraceBuffer*>& trace_full() { return trace_full_; }
  Ring<TraceBuffer*>& trace_empty() { return trace_empty_; }
  TracedSubscribers& traced() { return traced_; }

 private:
  struct Awaited {  // a push that went out
    PushTag tag{};
    ShardId shard{};
    std::uint16_t dialect = 0;
    ConnectionRef connection{};
    std::uint32_t hop_by_hop = 0;
    Time until{};
    bool open = false;
    bool traced = false;
  };
  struct Arrival {  // a message that has no frame
    ConnectionRef from{};
    std::span<const std::uint8_t> message;
    Time at{};
    bool traced = false;
  };

  bool on_message(const peer::PeerInfo& info, Arrival arrival);
  bool on_answer(const Arrival& arrival);
  codec::CodecError judge(const app::Peek& peek) const;
  void route(Frame& frame, const app::Peek& peek);
  bool refuse(const Arrival& arrival, const codec::CodecError& error);
  bool shed(const Arrival& arrival, const app::Dialect& dialect, rating::RequestType type);
  bool serves_realm(std::string_view realm) const;
  bool is_traced(const app::Peek& peek) const;
  void hand_on(Frame& frame);
  std::size_t unpark();
  std::size_t release();
  void send_answer(Frame& frame);
  void send_push(Frame& frame);
  void answer_push(const Awaited& awaited, std::span<const std::uint8_t> message);
  std::size_t check_awaited();
  void trace(Time at, ConnectionRef connection, bool from_gateway,
             std::span<const std::uint8_t> message);
  void pass_events();
  void watch_refusals();

  EdgeLoopOptions options_;
  Edge& edge_;
  Rings& rings_;
  const Directory& directory_;
  std::function<Time()> clock_;
  MonotoneTime time_;
  Time now_{};
  metrics::CounterBlock& counters_;
  Slab slab_;
  SessionHints hints_;
  FixedArray<Frame*> parked_;  // circle, in order of arrival
  std::size_t parked_first_ = 0;
  std::size_t parked_count_ = 0;
  FixedArray<Awaited> awaited_;  // circle, in order of sending
  std::size_t awaited_first_ = 0;
  std::size_t awaited_count_ = 0;
  LogRing log_{1024};
  Ring<peer::Event> peer_events_{1024};
  FixedArray<TraceBuffer> trace_buffers_;
  Ring<TraceBuffer*> trace_full_;
  Ring<TraceBuffer*> trace_empty_;
  TracedSubscribers traced_;
  static constexpr std::int64_t refusals_line_micros = 10'000'000;  // a crowd writes few lines
  TransportRefusals refusals_told_;
  Time refusals_line_at_{};
  std::atomic<bool> held_{false};
  std::atomic<bool> drain_wanted_{false};
  std::atomic<bool> drained_{false};
  bool draining_ = false;
  std::uint64_t peers_up_ = 0;
  std::uint8_t scratch_[limits::answer_bytes_max];
};

}  // namespace levy::pipeline

#include "engine/pipeline/edge_loop_impl.hpp"
