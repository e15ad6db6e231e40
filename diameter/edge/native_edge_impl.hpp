// NativeEdge's member functions; included by native_edge.hpp only.
// Core: edge. Allocates: at construction only. Blocks: never. Clock: in every call.
#pragma once

namespace levy::edge {

template <ConnectingTransport T>
NativeEdge<T>::NativeEdge(T& transport, const peer::Settings& settings,
                          const NativeEdgeOptions& options)
    : transport_(transport),
      settings_(settings),
      options_(options),
      peers_(options.connections_max),
      hosts_(options.hosts_max),
      table_(settings, peers_, hosts_),
      arena_(new std::uint8_t[options.memory_bytes()]),
      connections_(options.connections_max),
      work_(options.connections_max),
      // A connection may be queued anew while flush() still walks over its former entry.
      dirty_(std::size_t{2} * options.connections_max),
      // Every connection may come up and go down between two looks at the queue.
      events_(std::size_t{2} * options.connections_max + 256),
      scratch_(new std::uint8_t[peer::message_out_bytes_max]) {
  LEVY_CHECK(options.receive_buffer_bytes >= 2 * limits::message_bytes_max,
             options.receive_buffer_bytes);
  LEVY_CHECK(options.send_buffer_bytes >= 2 * limits::message_bytes_max,
             options.send_buffer_bytes);
  std::uint8_t* at = arena_.get();
  for (Connection& connection : connections_) {
    connection.rx.reset(at, options.receive_buffer_bytes);
    at += options.receive_buffer_bytes;
    connection.tx.reset(at, options.send_buffer_bytes);
    at += options.send_buffer_bytes;
  }
  for (std::uint32_t i = 0; i < settings.peers.size(); ++i) {
    if (settings.peers[i].target != none) outbound_.push_back(Outbound{i, false, Time{}});
  }
}

// ---- one turn ------------------------------------------------------------------------------

template <ConnectingTransport T>
template <class OnMessage>
std::size_t NativeEdge<T>::poll(Time now, OnMessage&& on_message) {
  now_ = now;
  take_events(now);
  receive_readable();
  std::size_t delivered = 0;
  const std::size_t count = work_count_;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Slot index = work_[i];
    if (process(index, on_message, delivered)) {
      work_[kept++] = index;
    } else {
      connections_[index].queued = false;
    }
  }
  LEVY_CHECK(work_count_ == count, work_count_, count);
  // The first one waits longest for the last slots: let another be first next time.
  const auto end = work_.begin() + static_cast<std::ptrdiff_t>(kept);
  if (kept > 1) std::rotate(work_.begin(), work_.begin() + 1, end);
  work_count_ = kept;
  if (now >= tick_at_) {
    tick_at_ = Time{now.micros + tick_micros};
    check_timers();
    start_outbound();
  }
  return delivered;
}

template <ConnectingTransport T>
void NativeEdge<T>::take_events(Time now) {
  std::array<TransportEvent, batch> events;
  const std::size_t count = transport_.poll_events(events.data(), events.size());
  for (std::size_t i = 0; i < count; ++i) on_transport_event(events[i], now);
}

template <ConnectingTransport T>
void NativeEdge<T>::on_transport_event(const TransportEvent& event, Time now) {
  const Slot index = event.connection.index;
  switch (event.kind) {
    case TransportEventKind::accepted: {
      if (draining_) {
        transport_.close(event.connection);
        return;
      }
      ++counters_.connections_accepted;
      open_connection(event.connection);
      peers_[index].on_accepted(settings_, local_address(event.connection),
                                options_.seed * 0x9e3779b97f4a7c15u + event.connection.generation,
                                now);
      return;
    }
    case TransportEventKind::connected: {
      if (!valid(event.connection)) return;
      ++counters_.connections_connected;
      peer::Action action({scratch_.get(), peer::message_out_bytes_max});
      peers_[index].on_connected(settings_, local_address(event.connection), now, action);
      perform(index, action);
      return;
    }
    case TransportEventKind::failed:
      if (!valid(event.connection)) return;
      ++counters_.connects_failed;
      drop(index, false, event.error);
      return;
    case TransportEventKind::closed:
      if (valid(event.connection)) drop(index, false, event.error);
      return;
  }
}

template <ConnectingTransport T>
typename NativeEdge<T>::Connection& NativeEdge<T>::open_connection(ConnectionRef ref) {
  LEVY_CHECK(ref.index < connections_.size(), ref.index);
  Connection& connection = connections_[ref.index];
  // The transport closed the former one of this slot and its event was taken before.
  LEVY_CHECK(connection.ref.index == none, ref.index, connection.ref.generation);
  connection.ref = ref;
  connection.rx.clear();
  connection.tx.clear();
  connection.lingering = false;
  connection.close_when_idle = false;
  connection.send_at = Time{};
  connection.full_since = Time{};
  connection.in_flight = 0;
  connection.outbound = none;
  ++open_count_;
  return connection;
}

template <ConnectingTransport T>
void NativeEdge<T>::receive_readable() {
  std::array<std::uint32_t, batch> readable;
  const std::size_t count = transport_.poll_readable(readable.data(), readable.size());
  for (std::size_t i = 0; i < count; ++i) {
    Connection& connection = connections_[readable[i]];
    if (connection.ref.index == none) continue;
    if (connection.lingering) connection.rx.clear();
    const std::span<std::uint8_t> room = connection.rx.room();
    if (room.empty()) {  // full of parked messages: TCP holds the rest back
      if (connection.full_since == Time{}) connection.full_since = now_;
      continue;
    }
    const std::ptrdiff_t bytes = transport_.receive(connection.ref, room);
    if (bytes <= 0) continue;    // nothing, or closed: then the event follows
    counters_.bytes_received += static_cast<std::uint64_t>(bytes);
    if (connection.lingering) continue;
    // What waited in the socket has waited as well.
    const bool waited = connection.full_since != Time{};
    connection.rx.received(static_cast<std::size_t>(bytes),
                           waited ? connection.full_since : now_);
    connection.full_since = Time{};
    queue_work(readable[i]);
  }
}

// Looks at the received frames of one connection. true: look again next turn.
template <ConnectingTransport T>
template <class OnMessage>
bool NativeEdge<T>::process(Slot index, OnMessage& on_message, std::size_t& delivered) {
  Connection& connection = connections_[index];
  const ConnectionRef ref = connection.ref;
  if (ref.index == none || connection.lingering) return false;
  bool stalled = !deliver_parked(connection, ref, on_message, delivered);
  if (!valid(ref)) return false;
  std::uint32_t budget = options_.messages_per_turn_max;
  while (budget-- > 0) {
    const std::span<std::uint8_t> bytes = connection.rx.unjudged();
    const Cut cut = cut_frame(bytes, limits::message_bytes_max);
    if (cut.fault != codec::ResultCode::none) {
      on_bad_framing(index, cut.fault);
      return false;
    }
    if (cut.length == 0) return stalled;
    const codec::Bytes message = bytes.first(cut.length);
    ++counters_.messages_received;
    peer::Action action({scratch_.get(), peer::message_out_bytes_max});
    peers_[index].on_frame(table_, message, now_, action);
    if (action.deliver) {
      const bool accepted = !stalled && deliver(connection, message, on_message, delivered);
      if (!valid(ref)) return false;
      if (!accepted) {
        stalled = true;
        ++counters_.messages_parked;
      }
      connection.rx.judge(cut.length, !accepted);
    } else {
      connection.rx.judge(cut.length, false);
      if (action.discarded) ++counters_.messages_discarded;
    }
    perform(index, action);
    if (!valid(ref) || connection.lingering) return false;
  }
  return true;
}

// Offers again what had to wait. false: still no slot.
template <ConnectingTransport T>
template <class OnMessage>
bool NativeEdge<T>::deliver_parked(Connection& connection, ConnectionRef ref,
                                   OnMessage& on_message, std::size_t& delivered) {
  for (std::span<std::uint8_t> message = connection.rx.judged(); !message.empty();
       message = connection.rx.judged()) {
    if (message[0] != 0 && !deliver(connection, message, on_message, delivered)) return false;
    if (!valid(ref)) return true;
    connection.rx.drop_judged(message.size());
  }
  return true;
}

template <ConnectingTransport T>
template <class OnMessage>
bool NativeEdge<T>::deliver(Connection& connection, std::span<const std::uint8_t> message,
                            OnMessage& on_message, std::size_t& delivered) {
  const bool request = (message[4] & codec::flag_request) != 0;
  // Counted before the call: the caller may answer within it.
  if (request) ++connection.in_flight;
  const ConnectionRef ref = connection.ref;
  if (!on_message(ref, peers_[ref.index].info(), message, connection.rx.unread_since())) {
    if (request && valid(ref)) --connection.in_flight;
    return false;
  }
  ++delivered;
  ++counters_.messages_delivered;
  return true;
}

template <ConnectingTransport T>
void NativeEdge<T>::on_bad_framing(Slot index, codec::ResultCode fault) {
  ++counters_.bad_framing;
  peer::Action action({scratch_.get(), peer::message_out_bytes_max});
  peers_[index].on_bad_framing(settings_, connections_[index].rx.unjudged(), fault, action);
  perform(index, action);
}

// ---- what the peer machine wants -----------------------------------------------------------

template <ConnectingTransport T>
void NativeEdge<T>::perform(Slot index, const peer::Action& action) {
  Connection& connection = connections_[index];
  const ConnectionRef ref = connection.ref;
  push_events(index, action, 0);
  if (action.close_other != none) drop(action.close_other, true);
  if (action.tx_bytes > 0) {
    ++(action.refused ? counters_.errors_answered : counters_.base_messages_sent);
    if (!queue_bytes(index, {scratch_.get(), action.tx_bytes})) return;
  }
  if (action.settle) {
    const peer::Identity host = peers_[index].info().origin_host;
    settle_parked(host, false);
  }
  if (action.close == peer::Close::no || !valid(ref)) return;
  if (action.close == peer::Close::now) {
    drop(index, true);
    return;
  }
  const bool said_goodbye = peers_[index].state() == peer::State::wait_dpa;
  connection.lingering = true;
  connection.close_when_idle = said_goodbye;
  connection.close_at = Time{
      now_.micros +
      (said_goodbye ? std::int64_t{settings_.timers.dpa_s} * 1'000'000 : linger_micros)};
  connection.rx.clear();
}

template <ConnectingTransport T>
void NativeEdge<T>::push_events(Slot index, const peer::Action& action, int error) {
  for (std::uint32_t i = 0; i < action.events_count; ++i) {
    const auto& note = action.events[i];
    if (note.kind == peer::EventKind::unknown_peer) ++counters_.peers_unknown;
    if (note.kind == peer::EventKind::watchdog_expired) ++counters_.watchdogs_expired;
    peer::Event event;
    event.kind = note.kind;
    event.code = note.code;
    event.error = error;
    event.value_old = note.value_old;
    event.value_new = note.value_new;
    event.configured = peers_[index].info().configured;
    event.connection = connections_[index].ref;
    event.at = now_;
    event.origin_host = peers_[index].info().origin_host;
    event.origin_realm = peers_[index].info().origin_realm;
    push_event(event);
  }
}

template <ConnectingTransport T>
void NativeEdge<T>::push_event(const peer::Event& event) {
  // What the log alone wants may fill half of the queue; peers that come and go always fit when
  // the owner takes the events once per turn.
  const bool must = event.kind == peer::EventKind::peer_up ||
                    event.kind == peer::EventKind::peer_down ||
                    event.kind == peer::EventKind::origin_state_raised;
  if (events_count_ >= (must ? events_.size() : events_.size() / 2)) {
    ++counters_.events_lost;
    return;
  }
  events_[(events_first_ + events_count_++) % events_.size()] = event;
}

template <ConnectingTransport T>
bool NativeEdge<T>::next_event(peer::Event& event) {
  if (events_count_ == 0) return false;
  event = events_[events_first_];
  events_first_ = (events_first_ + 1) % events_.size();
  --events_count_;
  return true;
}

template <ConnectingTransport T>
void NativeEdge<T>::settle_parked(const peer::Identity& host, bool keep_inbound) {
  const Slot parked = table_.find_parked(host.view());
  if (parked == none) return;
  peer::Action action({scratch_.get(), peer::message_out_bytes_max});
  peers_[parked].settle(table_, keep_inbound, now_, action);
  perform(parked, action);
}

// ---- sending -------------------------------------------------------------------------------

template <ConnectingTransport T>
bool NativeEdge<T>::send(ConnectionRef to, std::span<const std::uint8_t> message) {
  LEVY_CHECK(message.size() >= codec::header_bytes, message.size());
  if (!valid(to)) return false;
  Connection& connection = connections_[to.index];
  const bool request = (message[4] & codec::flag_request) != 0;
  const peer::Peer& peer = peers_[to.index];
  if (request ? !peer.open() : !peer.answerable()) return false;
  if (connection.lingering && (request || !connection.close_when_idle)) return false;
  if (!request && connection.in_flight > 0) --connection.in_flight;
  if (!queue_bytes(to.index, message)) return false;
  ++counters_.messages_sent;
  return true;
}

template <ConnectingTransport T>
bool NativeEdge<T>::queue_bytes(Slot index, std::span<const std::uint8_t> message) {
  Connection& connection = connections_[index];
  // A full buffer may only mean that flush() did not run yet.
  if (!connection.tx.put(message)) {
    const bool broken = !send_some(connection);
    if (broken || !connection.tx.put(message)) {
      give_up(index, broken);
      return false;
    }
  }
  if (!connection.dirty) {
    connection.dirty = true;
    dirty_[dirty_count_++] = index;
  }
  return true;
}

// Ends a connection that cannot take what it asked for.
template <ConnectingTransport T>
void NativeEdge<T>::give_up(Slot index, bool broken) {
  if (!broken) {
    ++counters_.slow_readers;
    peer::Action action({scratch_.get(), peer::message_out_bytes_max});
    action.note(peer::EventKind::slow_reader);
    push_events(index, action, 0);
  }
  drop(index, true);
}

// One send. false: the connection is broken (its event follows).
template <ConnectingTransport T>
bool NativeEdge<T>::send_some(Connection& connection) {
  const std::ptrdiff_t bytes = transport_.send(connection.ref, connection.tx.pending());
  if (bytes < 0) {
    connection.tx.clear();
    return false;
  }
  counters_.bytes_sent += static_cast<std::uint64_t>(bytes);
  connection.tx.sent(static_cast<std::size_t>(bytes));
  if (bytes == 0) connection.send_at = Time{now_.micros + send_retry_micros};
  return true;
}

template <ConnectingTransport T>
std::size_t NativeEdge<T>::flush(Time now) {
  now_ = now;
  const std::size_t count = dirty_count_;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Slot index = dirty_[i];
    Connection& connection = connections_[index];
    const bool open = connection.ref.index != none;
    if (open && !connection.tx.empty() && now >= connection.send_at) send_some(connection);
    const bool idle = connection.tx.empty() && connection.in_flight == 0;
    if (open && connection.close_when_idle && idle) drop(index, true);
    if (connection.ref.index != none && !connection.tx.empty()) {
      dirty_[kept++] = index;
    } else {
      connection.dirty = false;
    }
  }
  // A drop above may have queued the CEA of a connection that waited for it.
  for (std::size_t i = count; i < dirty_count_; ++i) dirty_[kept++] = dirty_[i];
  dirty_count_ = kept;
  return kept;
}

// ---- life of connections -------------------------------------------------------------------

template <ConnectingTransport T>
void NativeEdge<T>::drop(Slot index, bool tell_transport, int error) {
  Connection& connection = connections_[index];
  if (connection.ref.index == none) return;
  peer::Action action({scratch_.get(), peer::message_out_bytes_max});
  const bool opening = peers_[index].state() == peer::State::connecting ||
                       peers_[index].state() == peer::State::wait_cea;
  peers_[index].on_closed(action);
  if (opening && !tell_transport) action.note(peer::EventKind::connect_failed);
  push_events(index, action, error);
  for (auto message = connection.rx.judged(); !message.empty(); message = connection.rx.judged()) {
    if (message[0] != 0) ++counters_.messages_lost_at_close;
    connection.rx.drop_judged(message.size());
  }
  if (tell_transport) transport_.close(connection.ref);
  postpone_outbound(index);
  connection.ref = ConnectionRef{};
  connection.tx.clear();
  connection.rx.clear();
  --open_count_;
  ++counters_.connections_closed;
  if (action.settle) {
    const peer::Identity host = peers_[index].info().origin_host;
    settle_parked(host, true);
  }
}

// When a lost connection is tried again: after Tc, and later where the peer asked for it, on
// whichever connection it did.
template <ConnectingTransport T>
void NativeEdge<T>::postpone_outbound(Slot index) {
  const peer::Peer& peer = peers_[index];
  const Time next{now_.micros +
                  std::int64_t{settings_.timers.tc_s} * peer.pause_tcs() * 1'000'000};
  const std::uint32_t own = connections_[index].outbound;
  if (own != none) {
    outbound_[own].connecting_or_open = false;
    outbound_[own].next_attempt_at = next;
    return;
  }
  if (peer.pause_tcs() == 1) return;
  for (Outbound& outbound : outbound_) {
    if (outbound.configured == peer.info().configured) outbound.next_attempt_at = next;
  }
}

template <ConnectingTransport T>
void NativeEdge<T>::disconnect(ConnectionRef ref, Time now) {
  now_ = now;
  if (!valid(ref)) return;
  if (peers_[ref.index].state() > peer::State::open) return;  // goodbye was said
  if (!peers_[ref.index].open()) {
    drop(ref.index, true);
    return;
  }
  peer::Action action({scratch_.get(), peer::message_out_bytes_max});
  peers_[ref.index].disconnect(settings_, 0, now, action);
  perform(ref.index, action);
}

template <ConnectingTransport T>
void NativeEdge<T>::drain(Time now) {
  if (!draining_) transport_.stop_accepting();
  draining_ = true;
  for (Slot index = 0; index < connections_.size(); ++index) {
    const Connection& connection = connections_[index];
    if (connection.ref.index == none || connection.lingering) continue;
    disconnect(connection.ref, now);
  }
}

// Looks at a few connections per tick, so that thousands of them cost no stall; each one is seen
// at least every 64 ticks.
template <ConnectingTransport T>
void NativeEdge<T>::check_timers() {
  const std::size_t slots = connections_.size();
  const std::size_t visits = std::min(slots, std::max<std::size_t>(32, slots / 64));
  for (std::size_t i = 0; i < visits; ++i) {
    check_connection(timer_cursor_);
    timer_cursor_ = timer_cursor_ + 1 < slots ? timer_cursor_ + 1 : 0;
  }
}

template <ConnectingTransport T>
void NativeEdge<T>::check_connection(Slot index) {
  Connection& connection = connections_[index];
  if (connection.ref.index == none) return;
  if (connection.lingering) {
    const bool idle = connection.tx.empty() && connection.in_flight == 0;
    if (now_ >= connection.close_at || (connection.close_when_idle && idle)) drop(index, true);
    return;
  }
  if (now_ < peers_[index].due_at()) return;
  peer::Action action({scratch_.get(), peer::message_out_bytes_max});
  peers_[index].on_time(settings_, now_, action);
  perform(index, action);
}

template <ConnectingTransport T>
void NativeEdge<T>::start_outbound() {
  if (draining_) return;
  for (std::uint32_t i = 0; i < outbound_.size(); ++i) {
    Outbound& outbound = outbound_[i];
    if (outbound.connecting_or_open || now_ < outbound.next_attempt_at) continue;
    outbound.next_attempt_at = Time{now_.micros + std::int64_t{settings_.timers.tc_s} * 1'000'000};
    const peer::PeerConfig& config = settings_.peers[outbound.configured];
    if (table_.open_connections(config.origin_host.view()) > 0) continue;
    const ConnectionRef ref = transport_.connect(config.target);
    if (ref.index == none) {
      ++counters_.connects_failed;
      continue;
    }
    open_connection(ref).outbound = i;
    outbound.connecting_or_open = true;
    peers_[ref.index].on_connecting(settings_, outbound.configured,
                                    options_.seed * 0x9e3779b97f4a7c15u + ref.generation, now_);
  }
}

template <ConnectingTransport T>
peer::HostAddress NativeEdge<T>::local_address(ConnectionRef ref) {
  const Endpoint endpoint = transport_.local_endpoint(ref);
  peer::HostAddress address;
  address.family = endpoint.family == 6 ? 2 : 1;
  std::copy(std::begin(endpoint.bytes), std::end(endpoint.bytes), address.bytes.begin());
  return address;
}

template <ConnectingTransport T>
ConnectionRef NativeEdge<T>::find_connection(std::string_view origin_host,
                                             std::string_view origin_realm,
                                             ConnectionRef preferred) const {
  const Slot found =
      table_.find_connection(origin_host, origin_realm, valid(preferred) ? preferred.index : none);
  return found == none ? ConnectionRef{} : connections_[found].ref;
}

}  // namespace levy::edge
