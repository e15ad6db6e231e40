// NativeEdge: the Edge with our own peer machine: bytes of a Transport in, application messages of
// identified peers out, and back.
// Core: edge. Allocates: at construction only. Blocks: never. Clock: in every call.
//
// Invariants:
// - one receive and at most messages_per_turn_max frames per connection and turn, so that a busy
//   connection cannot starve the others; one send per connection and flush();
// - every frame is judged exactly once; base messages are answered even while application
//   messages before them wait for a slot;
// - application messages of one connection are delivered in the order of their arrival;
// - a ConnectionRef whose generation is gone never reaches another peer.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "diameter/codec/header.hpp"
#include "diameter/edge/stream.hpp"
#include "diameter/peer/table.hpp"
#include "engine/base/check.hpp"
#include "engine/base/ids.hpp"
#include "engine/base/time.hpp"
#include "engine/world.hpp"

namespace levy::edge {

struct NativeEdgeOptions {
  std::uint32_t connections_max = 256;               // as the transport's
  std::size_t receive_buffer_bytes = 64 * 1024;      // >= 2 * message_bytes_max
  std::size_t send_buffer_bytes = 256 * 1024;        // >= 2 * message_bytes_max
  std::uint32_t messages_per_turn_max = 256;         // per connection
  std::uint32_t hosts_max = 1024;                    // Origin-State-Ids remembered
  std::uint64_t seed = 1;                            // jitter and first identifiers

  // What construction takes, for `limits`.
  std::size_t memory_bytes() const {
    return connections_max * (receive_buffer_bytes + send_buffer_bytes);
  }
};

// One writer: the edge's loop.
struct NativeEdgeCounters {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_connected = 0;   // outbound
  std::uint64_t connections_closed = 0;
  std::uint64_t connects_failed = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t messages_received = 0;       // whole frames, of any kind
  std::uint64_t messages_delivered = 0;      // accepted by the caller
  std::uint64_t messages_parked = 0;         // had to wait for a slot
  std::uint64_t messages_discarded = 0;      // stray or malformed answers, requests after DPR
  std::uint64_t messages_lost_at_close = 0;  // parked when the connection ended
  std::uint64_t messages_sent = 0;           // the caller's
  std::uint64_t base_messages_sent = 0;      // ours: CER CEA DWR DWA DPR DPA
  std::uint64_t errors_answered = 0;         // refused at the header or the peer machine
  std::uint64_t bad_framing = 0;
  std::uint64_t slow_readers = 0;
  std::uint64_t watchdogs_expired = 0;
  std::uint64_t peers_unknown = 0;
  std::uint64_t events_lost = 0;             // the event queue was full
};

template <ConnectingTransport T>
class NativeEdge {
 public:
  // `settings` outlives the edge and does not change.
  NativeEdge(T& transport, const peer::Settings& settings, const NativeEdgeOptions& options);

  // One turn. on_message(ConnectionRef, const peer::PeerInfo&, std::span<const std::uint8_t>,
  // Time arrived) -> bool; false: no slot now, the message waits and comes again next turn, with
  // the same time of arrival (or an older one, see ArrivalMarks). It may call send(). Returns how
  // many messages were accepted.
  template <class OnMessage>
  std::size_t poll(Time now, OnMessage&& on_message);

  // Queues an answer or a request of ours. false: connection gone, not open, or just closed
  // because its peer does not read.
  bool send(ConnectionRef to, std::span<const std::uint8_t> message);
  // A delivered request of this connection will get no answer.
  void give_up_request(ConnectionRef from) {
    if (valid(from) && connections_[from.index].in_flight > 0) {
      --connections_[from.index].in_flight;
    }
  }
  // Hands what is queued to the transport. Returns how many connections still have bytes left.
  std::size_t flush(Time now);

  bool valid(ConnectionRef ref) const {
    return ref.index < connections_.size() && connections_[ref.index].ref == ref;
  }
  // The Hop-by-Hop for the next request on this connection; 0 when it is gone.
  std::uint32_t next_hop_by_hop(ConnectionRef ref) {
    return valid(ref) ? table_[ref.index].next_hop_by_hop() : 0;
  }
  // nullptr when the connection is gone.
  const peer::PeerInfo* peer_info(ConnectionRef ref) const {
    return valid(ref) ? &table_[ref.index].info() : nullptr;
  }
  // Where a request of ours should go (PeerTable::find_connection); index none: nowhere.
  ConnectionRef find_connection(std::string_view origin_host, std::string_view origin_realm,
                                ConnectionRef preferred) const;

  // Ends one connection with a DPR, REBOOTING: the only cause after which peers come back soon.
  void disconnect(ConnectionRef ref, Time now);
  // Refuses new connections and says DPR to every peer.
  void drain(Time now);
  bool drained() const { return draining_ && open_count_ == 0; }

  bool next_event(peer::Event& event);
  const NativeEdgeCounters& counters() const { return counters_; }
  TransportRefusals refusals() const { return transport_.refusals(); }
  std::uint32_t connections_open() const { return open_count_; }
  // Whether a turn without new bytes would still find something to do at once.
  bool busy() const { return work_count_ > 0 || dirty_count_ > 0 || events_count_ > 0; }

 private:
  struct Connection {
    ConnectionRef ref{};               // index none: free
    ReceiveStream rx;
    SendStream tx;
    bool queued = false;               // in work_
    bool dirty = false;                // in dirty_
    bool lingering = false;            // input is ignored; closed by the peer or at close_at
    bool close_when_idle = false;      // after DPA: once every answer went out
    Time close_at{};
    Time send_at{};                    // the socket was full: not before
    Time full_since{};                 // rx has no room for what the socket holds; 0: it has
    std::uint32_t in_flight = 0;       // requests delivered and not answered
    std::uint32_t outbound = none;     // index into outbound_
  };
  struct Outbound {
    std::uint32_t configured = none;   // index into settings.peers
    bool connecting_or_open = false;
    Time next_attempt_at{};
  };

  static constexpr std::int64_t tick_micros = 1000;         // between two looks at the timers
  static constexpr std::int64_t linger_micros = 1'000'000;  // for the peer to read and close
  static constexpr std::int64_t send_retry_micros = 100;
  static constexpr std::size_t batch = 64;

  void take_events(Time now);
  void on_transport_event(const TransportEvent& event, Time now);
  Connection& open_connection(ConnectionRef ref);
  void receive_readable();
  template <class OnMessage>
  bool process(Slot index, OnMessage& on_message, std::size_t& delivered);
  template <class OnMessage>
  bool deliver_parked(Connection& connection, ConnectionRef ref, OnMessage& on_message,
                      std::size_t& delivered);
  template <class OnMessage>
  bool deliver(Connection& connection, std::span<const std::uint8_t> message,
               OnMessage& on_message, std::size_t& delivered);
  void on_bad_framing(Slot index, codec::ResultCode fault);

  void perform(Slot index, const peer::Action& action);
  void push_events(Slot index, const peer::Action& action, int error);
  void push_event(const peer::Event& event);
  void settle_parked(const peer::Identity& host, bool keep_inbound);
  bool queue_bytes(Slot index, std::span<const std::uint8_t> message);
  bool send_some(Connection& connection);
  void give_up(Slot index, bool broken);
  void drop(Slot index, bool tell_transport, int error = 0);
  void postpone_outbound(Slot index);
  void check_timers();
  void check_connection(Slot index);
  void start_outbound();
  peer::HostAddress local_address(ConnectionRef ref);
  void queue_work(Slot index) {
    if (connections_[index].queued) return;
    connections_[index].queued = true;
    work_[work_count_++] = index;
  }

  T& transport_;
  const peer::Settings& settings_;
  NativeEdgeOptions options_;
  std::vector<peer::Peer> peers_;
  std::vector<peer::HostRecord> hosts_;
  peer::PeerTable table_;
  std::unique_ptr<std::uint8_t[]> arena_;
  std::vector<Connection> connections_;
  std::vector<Outbound> outbound_;
  std::vector<Slot> work_;     // connections with bytes to look at
  std::size_t work_count_ = 0;
  std::vector<Slot> dirty_;    // connections with bytes to send
  std::size_t dirty_count_ = 0;
  std::vector<peer::Event> events_;  // a circle
  std::size_t events_first_ = 0;
  std::size_t events_count_ = 0;
  std::unique_ptr<std::uint8_t[]> scratch_;  // one message of ours
  Time now_{};
  Time tick_at_{};
  Slot timer_cursor_ = 0;
  std::uint32_t open_count_ = 0;
  bool draining_ = false;
  NativeEdgeCounters counters_;
};

}  // namespace levy::edge

#include "diameter/edge/native_edge_impl.hpp"
