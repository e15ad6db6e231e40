// Definitions of EdgeLoop's members. Core: edge. Allocates: at construction only. Blocks: never.
// Clock: as edge_loop.hpp says. Included by edge_loop.hpp only.
#pragma once

#include <algorithm>
#include <cstring>

#include "engine/base/hash.hpp"

namespace levy::pipeline {

template <class Edge>
EdgeLoop<Edge>::EdgeLoop(const EdgeLoopOptions& options, Edge& edge, Rings& rings,
                         const Directory& directory, std::function<Time()> now,
                         metrics::CounterBlock& counters, HugePages huge_pages)
    : options_(options),
      edge_(edge),
      rings_(rings),
      directory_(directory),
      clock_(std::move(now)),
      counters_(counters),
      slab_(slab_edge, options.frames, huge_pages),
      hints_(options.session_hints, huge_pages),
      parked_(options.frames_all, huge_pages),
      awaited_(options.pushes_max, huge_pages),
      trace_buffers_(options.trace_buffers, huge_pages),
      trace_full_(options.trace_buffers),
      trace_empty_(options.trace_buffers) {
  for (std::size_t i = 0; i < options.trace_buffers; ++i) trace_empty_.try_push(&trace_buffers_[i]);
}

template <class Edge>
std::size_t EdgeLoop<Edge>::do_work() {
  if (held_.load(std::memory_order_acquire)) return 0;
  now_ = time_.advance(clock_());
  if (!draining_ && drain_wanted_.load(std::memory_order_acquire)) {
    draining_ = true;
    edge_.drain(now_);
  }
  std::size_t done = release();
  done += unpark();
  done += edge_.poll(now_, [this](ConnectionRef from, const peer::PeerInfo& info,
                                  std::span<const std::uint8_t> message, Time arrived) {
    return on_message(info, Arrival{from, message, arrived, false});
  });
  done += check_awaited();
  edge_.flush(now_);
  pass_events();
  watch_refusals();
  if (draining_ && edge_.drained()) drained_.store(true, std::memory_order_release);
  const auto& c = edge_.counters();
  counters_.set(metrics::Counter::messages_received, c.messages_received);
  counters_.set(metrics::Counter::messages_sent, c.messages_sent + c.base_messages_sent);
  counters_.set(metrics::Counter::slow_readers, c.slow_readers);
  counters_.set(metrics::Counter::bad_bytes, c.bad_framing);
  counters_.set(metrics::Counter::watchdog_failures, c.watchdogs_expired);
  counters_.set(metrics::Counter::unknown_peers, c.peers_unknown);
  counters_.set(metrics::Counter::connections, edge_.connections_open());
  counters_.set(metrics::Counter::frames_free, slab_.free_frames());
  counters_.set(metrics::Counter::parked, parked_count_);
  counters_.add(metrics::Counter::turns);
  if (done != 0) counters_.add(metrics::Counter::busy_turns);
  return done;
}

// ---- in ------------------------------------------------------------------------------------

template <class Edge>
bool EdgeLoop<Edge>::serves_realm(std::string_view realm) const {
  if (options_.any_realm) return true;
  return std::any_of(options_.realms.begin(), options_.realms.end(), [&](const std::string& r) {
    return r.size() == realm.size() &&
           std::equal(r.begin(), r.end(), realm.begin(), [](char a, char b) {
             return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
           });
  });
}

template <class Edge>
bool EdgeLoop<Edge>::refuse(const Arrival& arrival, const codec::CodecError& error) {
  using codec::ResultCode;
  using metrics::Counter;
  const std::size_t bytes = app::encode_error(arrival.message, error, options_.local, scratch_);
  if (arrival.traced) {
    trace(arrival.at, arrival.from, true, arrival.message);
    if (bytes != 0) trace(now_, arrival.from, false, {scratch_, bytes});
  }
  if (bytes != 0) edge_.send(arrival.from, {scratch_, bytes});
  counters_.add(error.code == ResultCode::too_busy           ? Counter::answers_3004
                : error.code == ResultCode::unable_to_comply ? Counter::answers_5012
                                                             : Counter::answers_decode);
  return true;
}

// Answers (or drops) what is not taken, under overload and when stopping, as the dialect says.
template <class Edge>
bool EdgeLoop<Edge>::shed(const Arrival& arrival, const app::Dialect& dialect,
                          rating::RequestType type) {
  using metrics::Counter;
  using rating::RequestType;
  const bool update = type == RequestType::update;
  const bool termination = type == RequestType::termination;
  counters_.add(termination ? Counter::shed_termination
                : update    ? Counter::shed_update
                            : Counter::shed_initial);
  const app::OverloadAnswer how = termination ? dialect.overload_termination
                                  : update    ? dialect.overload_update
                                              : dialect.overload_initial;
  if (how == app::OverloadAnswer::drop) {
    edge_.give_up_request(arrival.from);
    if (arrival.traced) trace(arrival.at, arrival.from, true, arrival.message);
    return true;
  }
  codec::CodecError error;
  error.code = how == app::OverloadAnswer::too_busy_3004 ? codec::ResultCode::too_busy
                                                         : codec::ResultCode::unable_to_comply;
  return refuse(arrival, error);
}

// What the message's route says against it.
template <class Edge>
codec::CodecError EdgeLoop<Edge>::judge(const app::Peek& peek) const {
  codec::CodecError error;
  const auto same = [](char a, char b) { return (a | 32) == (b | 32); };
  if (peek.loop)
    error.code = codec::ResultCode::loop_detected;
  else if (!peek.destination_host.empty() &&
           !std::equal(peek.destination_host.begin(), peek.destination_host.end(),
                       options_.local.origin_host.begin(), options_.local.origin_host.end(), same))
    error.code = codec::ResultCode::unable_to_deliver;
  else if (!serves_realm(peek.destination_realm))
    error.code = codec::ResultCode::realm_not_served;
  else if (!peek.is_ccr)
    error.code = codec::ResultCode::command_unsupported;
  return error;
}

template <class Edge>
bool EdgeLoop<Edge>::on_message(const peer::PeerInfo& info, Arrival arrival) {
  using rating::RequestType;
  const std::span<const std::uint8_t> message = arrival.message;
  const codec::Header header = codec::read_header(message);
  if (!header.is_request()) return on_answer(arrival);
  app::Peek peek;
  codec::CodecError error = app::peek_route(message, options_.local.origin_host, peek);
  if (!error) error = judge(peek);
  if (traced_.any()) [[unlikely]]
    arrival.traced = is_traced(peek);
  if (error) return refuse(arrival, error);
  const app::Dialect& dialect = (*options_.dialects)[info.dialect];
  if (draining_) return shed(arrival, dialect, peek.type);
  const bool fresh = peek.type == RequestType::initial || peek.type == RequestType::event;
  if (fresh && !rings_.sessions_open.load(std::memory_order_acquire)) [[unlikely]]
    return shed(arrival, dialect, peek.type);
  const std::size_t full = options_.parking_max;
  const std::size_t bound = peek.type == RequestType::termination ? full
                            : peek.type == RequestType::update    ? full * 3 / 4
                                                                  : full / 2;
  if (parked_count_ >= bound && parked_count_ != 0) return shed(arrival, dialect, peek.type);
  Frame* frame = slab_.take();
  if (frame == nullptr) return false;
  frame->protocol = Protocol::gy;
  frame->connection = arrival.from;
  frame->dialect = info.dialect;
  // Only the host itself, or an agent on its way, knows of its restart.
  const bool of_peer = peer::same_identity(peek.origin_host, info.origin_host.view());
  if (info.origin_state_counts && (of_peer || info.relay)) frame->flags |= frame_origin_state;
  frame->received_at = arrival.at;
  if (arrival.traced) frame->flags |= frame_traced;
  frame->rx_bytes = static_cast<std::uint32_t>(message.size());
  std::memcpy(frame->rx, message.data(), message.size());
  route(*frame, peek);
  hand_on(*frame);
  return true;
}

// Identities in the order of house.md; the first known one counts. Without one, the hint; without a
// hint, each shard loop in turn.
template <class Edge>
void EdgeLoop<Edge>::route(Frame& frame, const app::Peek& peek) {
  using rating::IdentityType;
  frame.session_hash = hash_bytes(peek.session_id, static_cast<std::uint64_t>(frame.protocol));
  static constexpr IdentityType order[] = {IdentityType::imsi, IdentityType::e164,
                                           IdentityType::nai, IdentityType::sip_uri,
                                           IdentityType::private_id};
  for (const IdentityType type : order) {
    for (std::size_t i = 0; i < peek.identity_count; ++i) {
      if (peek.identities[i].type != type) continue;
      const Directory::Found found =
          directory_.find(Directory::key(static_cast<std::uint8_t>(type), peek.identities[i].text));
      if (found.slot == none) continue;
      const auto named = static_cast<std::uint8_t>(type);
      if (frame.subscriber.slot == none) {
        frame.subscriber = SubscriberRef{found.shard, found.slot};
        frame.known_identity = named;
      } else if (found.shard != frame.subscriber.shard) {
        frame.flags |= frame_identity_conflict;
        frame.other_identity = named;
      } else if (found.slot != frame.subscriber.slot) {
        frame.other_subscriber = found.slot;
        if ((frame.flags & frame_identity_conflict) == 0) frame.other_identity = named;
      }
    }
  }
  if (frame.subscriber.slot != none) {
    frame.shard = frame.subscriber.shard;
  } else if (!hints_.find(frame.session_hash, frame.shard)) {
    frame.shard = ShardId{static_cast<std::uint8_t>(frame.session_hash % options_.map.shards)};
  }
  frame.candidates_tried = 1;
  if (options_.map.loops == 1) frame.flags |= frame_last_candidate;
}

// To the loop that drives frame.shard; a frame of a shard's slab finds its loop by its home.
template <class Edge>
void EdgeLoop<Edge>::hand_on(Frame& frame) {
  const std::size_t loop = options_.map.loop_of(frame.shard);
  if (parked_count_ == 0 && rings_.edge_to_shard[loop]->try_push(&frame)) return;
  parked_[(parked_first_ + parked_count_++) % parked_.size()] = &frame;
}

// In order of arrival over all rings: a later request of a session never overtakes an earlier one.
template <class Edge>
std::size_t EdgeLoop<Edge>::unpark() {
  std::size_t done = 0;
  while (parked_count_ != 0) {
    Frame* frame = parked_[parked_first_];
    if (!rings_.edge_to_shard[options_.map.loop_of(frame->shard)]->try_push(frame)) break;
    parked_first_ = (parked_first_ + 1) % parked_.size();
    --parked_count_;
    ++done;
  }
  return done;
}

// ---- out -----------------------------------------------------------------------------------

template <class Edge>
std::size_t EdgeLoop<Edge>::release() {
  Frame* frames[64];
  std::size_t done = 0;
  for (int batches = 0; batches < 8; ++batches) {
    const std::size_t n = rings_.journal_to_edge.pop(frames, 64);
    for (std::size_t i = 0; i < n; ++i) {
      Frame& frame = *frames[i];
      if ((frame.flags & frame_push) != 0)
        send_push(frame);
      else if ((frame.flags & frame_not_mine) != 0) {
        frame.flags &= static_cast<std::uint16_t>(~frame_not_mine);
        frame.subscriber = {};
        frame.other_subscriber = none;
        const std::uint32_t next = (options_.map.loop_of(frame.shard) + 1) % options_.map.loops;
        frame.shard = ShardId{static_cast<std::uint8_t>(next)};
        if (++frame.candidates_tried >= options_.map.loops) frame.flags |= frame_last_candidate;
        hand_on(frame);
      } else {
        send_answer(frame);
      }
    }
    done += n;
    if (n < 64) break;
  }
  return done;
}

template <class Edge>
void EdgeLoop<Edge>::send_answer(Frame& frame) {
  if (frame.tx_bytes != 0) {
    edge_.send(frame.connection, frame.answer());
    if (frame.session_hash != 0) hints_.remember(frame.session_hash, frame.shard);
  } else if ((frame.flags & frame_push_answer) == 0) {
    edge_.give_up_request(frame.connection);  // too late for its gateway
  }
  if ((frame.flags & frame_traced) != 0) {
    trace(frame.received_at, frame.connection, true, frame.request());
    if (frame.tx_bytes != 0) trace(now_, frame.connection, false, frame.answer());
  }
  slab_.give_back(&frame);
}

// The frame goes home through the ring that brings its Shard requests; when nothing could be sent
// it carries that news itself.
template <class Edge>
void EdgeLoop<Edge>::send_push(Frame& frame) {
  const char* host = reinterpret_cast<const char*>(frame.rx);
  const char* realm = host + std::strlen(host) + 1;
  Awaited awaited{frame.push, frame.shard, frame.dialect, {}, 0, {}, true, false};
  awaited.connection = edge_.find_connection(host, realm, frame.connection);
  if (awaited.connection.index == none || awaited_count_ == awaited_.size()) {
    LogEvent event;
    event.kind = LogKind::unroutable_push;
    event.at = now_;
    event.set_text(host);
    if (!log_.try_push(event)) counters_.add(metrics::Counter::log_lost);
    frame.flags = frame_push_answer;
    frame.rx_bytes = frame.tx_bytes = 0;
    return hand_on(frame);
  }
  awaited.hop_by_hop = edge_.next_hop_by_hop(awaited.connection);
  codec::store32(frame.tx + 12, awaited.hop_by_hop);
  awaited.until = Time{now_.micros + options_.push_timeout_us};
  awaited.traced = (frame.flags & frame_traced) != 0;
  if (awaited.traced) trace(now_, awaited.connection, false, frame.answer());
  if (edge_.send(awaited.connection, frame.answer())) {
    awaited_[(awaited_first_ + awaited_count_++) % awaited_.size()] = awaited;
    counters_.add(metrics::Counter::pushes_sent);
    frame.flags = 0;
  } else {
    frame.flags = frame_push_answer;
    frame.rx_bytes = frame.tx_bytes = 0;
  }
  hand_on(frame);
}

// Tells the Shard what became of a push; no message: nothing came.
template <class Edge>
void EdgeLoop<Edge>::answer_push(const Awaited& awaited, std::span<const std::uint8_t> message) {
  Frame* frame = slab_.take();  // the callers have looked
  LEVY_CHECK(frame != nullptr);
  frame->flags = frame_push_answer;
  frame->protocol = Protocol::gy;
  frame->shard = awaited.shard;
  frame->dialect = awaited.dialect;
  frame->push = awaited.tag;
  frame->rx_bytes = static_cast<std::uint32_t>(message.size());
  if (!message.empty()) std::memcpy(frame->rx, message.data(), message.size());
  hand_on(*frame);
}

template <class Edge>
bool EdgeLoop<Edge>::on_answer(const Arrival& arrival) {
  const codec::Header header = codec::read_header(arrival.message);
  for (std::size_t i = 0; i < awaited_count_; ++i) {
    Awaited& a = awaited_[(awaited_first_ + i) % awaited_.size()];
    if (!a.open || a.hop_by_hop != header.hop_by_hop || !(a.connection == arrival.from)) continue;
    if (slab_.free_frames() == 0) return false;  // comes again next turn
    a.open = false;
    if (a.traced) trace(arrival.at, arrival.from, true, arrival.message);
    answer_push(a, arrival.message);
    return true;
  }
  return true;  // after its timeout, or to nothing of ours: ignored
}

template <class Edge>
std::size_t EdgeLoop<Edge>::check_awaited() {
  std::size_t done = 0;
  while (awaited_count_ != 0) {
    const Awaited& a = awaited_[awaited_first_];
    if (a.open && a.until > now_ && edge_.valid(a.connection)) break;
    if (a.open) {
      if (slab_.free_frames() == 0) break;
      answer_push(a, {});
    }
    awaited_first_ = (awaited_first_ + 1) % awaited_.size();
    --awaited_count_;
    ++done;
  }
  return done;
}

// ---- beside the corridor -------------------------------------------------------------------

// Whether an identity of a request that may be refused here leads to a traced subscriber.
template <class Edge>
bool EdgeLoop<Edge>::is_traced(const app::Peek& peek) const {
  for (std::size_t i = 0; i < peek.identity_count; ++i) {
    const Directory::Found found = directory_.find(Directory::key(
        static_cast<std::uint8_t>(peek.identities[i].type), peek.identities[i].text));
    if (found.slot != none && traced_.contains(found)) return true;
  }
  return false;
}

template <class Edge>
void EdgeLoop<Edge>::trace(Time at, ConnectionRef connection, bool from_gateway,
                           std::span<const std::uint8_t> message) {
  TraceBuffer* buffer = nullptr;
  if (trace_empty_.pop(&buffer, 1) == 0) {
    counters_.add(metrics::Counter::trace_lost);
    return;
  }
  buffer->at = at;
  buffer->connection = connection;
  buffer->from_gateway = from_gateway;
  buffer->bytes = static_cast<std::uint32_t>(message.size());
  std::memcpy(buffer->message, message.data(), message.size());
  trace_full_.try_push(buffer);
}

template <class Edge>
void EdgeLoop<Edge>::pass_events() {
  peer::Event event;
  while (peer_events_.free_slots() != 0 && edge_.next_event(event)) {
    peers_up_ += event.kind == peer::EventKind::peer_up;
    peers_up_ -= event.kind == peer::EventKind::peer_down && peers_up_ != 0;
    peer_events_.try_push(event);
  }
  counters_.set(metrics::Counter::peers_up, peers_up_);
}

template <class Edge>
void EdgeLoop<Edge>::watch_refusals() {
  const TransportRefusals refusals = edge_.refusals();
  counters_.set(metrics::Counter::refused_failed, refusals.failed);
  counters_.set(metrics::Counter::refused_full, refusals.full);
  const std::uint64_t failed = refusals.failed - refusals_told_.failed;
  const std::uint64_t full = refusals.full - refusals_told_.full;
  if ((failed == 0 && full == 0) || now_ < refusals_line_at_) return;
  refusals_line_at_ = Time{now_.micros + refusals_line_micros};
  refusals_told_ = refusals;
  LogEvent event;
  event.kind = LogKind::connections_refused;
  event.at = now_;
  event.a = static_cast<std::uint32_t>(failed);
  event.b = static_cast<std::uint32_t>(full);
  event.detail = static_cast<std::uint8_t>(refusals.error);
  if (!log_.try_push(event)) counters_.add(metrics::Counter::log_lost);
}

}  // namespace levy::pipeline
