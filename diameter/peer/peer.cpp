// Peer: the transitions of one connection.
// Core: edge. Allocates: never. Blocks: never. Clock: in every call.
#include "diameter/peer/peer.hpp"

#include "diameter/peer/base_avp.hpp"
#include "diameter/peer/table.hpp"

namespace levy::peer {
namespace {

using codec::Bytes;
using codec::CodecError;
using codec::CommandCode;
using codec::Header;
using codec::ResultCode;

constexpr bool is_command(const Header& header, CommandCode command) {
  return header.command == static_cast<std::uint32_t>(command);
}

CodecError fault(ResultCode code) {
  CodecError error;
  error.code = code;
  return error;
}

// A peer that said BUSY or DO_NOT_WANT_TO_TALK_TO_YOU is not called again soon (RFC 6733 5.4); the
// pauses are freeDiameter's (interop.md c.2).
constexpr std::uint32_t disconnect_busy = 1;      // Disconnect-Cause
constexpr std::uint32_t disconnect_unwanted = 2;
constexpr std::uint32_t pause_when_busy = 10;     // Tc
constexpr std::uint32_t pause_when_unwanted = 200;

constexpr std::int64_t micros(std::uint32_t seconds) { return std::int64_t{seconds} * 1'000'000; }

}  // namespace

// ---- transport -----------------------------------------------------------------------------

void Peer::begin(const Settings&, std::uint64_t seed, State state) {
  *this = Peer{};
  state_ = state;
  random_ = seed;
  hop_by_hop_ = static_cast<std::uint32_t>(random());
  end_to_end_low_ = static_cast<std::uint32_t>(random());
}

void Peer::on_accepted(const Settings& settings, const HostAddress& local, std::uint64_t seed,
                       Time now) {
  begin(settings, seed, State::wait_cer);
  local_ = local;
  due_at_ = Time{now.micros + micros(settings.timers.cer_s)};
}

void Peer::on_connecting(const Settings& settings, std::uint32_t configured, std::uint64_t seed,
                         Time now) {
  begin(settings, seed, State::connecting);
  info_.configured = configured;
  info_.origin_host = settings.peers[configured].origin_host;
  info_.dialect = settings.peers[configured].dialect;
  info_.origin_state_counts = settings.peers[configured].origin_state_counts;
  info_.initiated = true;
  due_at_ = Time{now.micros + micros(settings.timers.connect_s)};
}

void Peer::on_connected(const Settings& settings, const HostAddress& local, Time now,
                        Action& action) {
  action.clear();
  local_ = local;
  state_ = State::wait_cea;
  awaited_hop_by_hop_ = next_hop_by_hop();
  action.tx_bytes = write_cer(action.room, settings.node, local_, awaited_hop_by_hop_,
                              next_end_to_end(now));
  due_at_ = Time{now.micros + micros(settings.timers.cea_s)};
}

void Peer::on_closed(Action& action) {
  action.clear();
  if (state_ >= State::open) action.note(EventKind::peer_down);
  // A connection that waited for ours to fail may now open.
  if (state_ == State::connecting || state_ == State::wait_cea) action.settle = true;
  state_ = State::closed;
}

// ---- helpers -------------------------------------------------------------------------------

// SplitMix64 over the seed the owner gave: the same seed gives the same jitter and identifiers.
std::uint64_t Peer::random() {
  random_ += 0x9e3779b97f4a7c15u;
  std::uint64_t z = random_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// RFC 6733 3: the low 12 bits of the time in seconds above, 20 random and counted bits below.
std::uint32_t Peer::next_end_to_end(Time now) {
  return static_cast<std::uint32_t>(now.seconds() << 20) | (end_to_end_low_++ & 0xfffffu);
}

// RFC 3539 3.4.1 SetWatchdog: a fresh jitter for every interval.
void Peer::arm_watchdog(const Settings& settings, Time now) {
  const std::int64_t jitter = std::int64_t{settings.timers.tw_jitter_ms} * 1000;
  watchdog_micros_ = micros(settings.timers.tw_s);
  if (jitter > 0) {
    const auto span = static_cast<std::uint64_t>(2 * jitter + 1);
    watchdog_micros_ += static_cast<std::int64_t>(random() % span) - jitter;
  }
  due_at_ = Time{now.micros + watchdog_micros_};
}

// Any message proves the connection alive (RFC 3539 3.4.1).
void Peer::heard(Time now, Action& action) {
  if (state_ != State::open) return;
  due_at_ = Time{now.micros + watchdog_micros_};
  if (suspect_) {
    suspect_ = false;
    action.note(EventKind::recovered);
  }
}

void Peer::note_origin_state(std::uint32_t id, PeerTable& table, Action& action) {
  // Absence is no change (interop.md c.3); the nodes of a cluster may have a value each.
  if (id == 0 || !info_.origin_state_counts) return;
  info_.origin_state_id = id;
  const std::uint32_t former = table.remember_origin_state(info_.origin_host.view(), id);
  if (former != 0 && id > former) {
    action.note(EventKind::origin_state_raised, ResultCode::none, former, id);
  }
}

void Peer::open_up(PeerTable& table, Time now, Action& action) {
  state_ = State::open;
  dwr_pending_ = false;
  suspect_ = false;
  info_.origin_host = capabilities_.origin_host;
  info_.origin_realm = capabilities_.origin_realm;
  const std::uint32_t known = info_.configured;
  info_.relay = capabilities_.relay || (known != none && table.settings().peers[known].relay);
  arm_watchdog(table.settings(), now);
  action.note(EventKind::peer_up, ResultCode::none, 0, capabilities_.origin_state_id);
  note_origin_state(capabilities_.origin_state_id, table, action);
}

// ---- messages ------------------------------------------------------------------------------

void Peer::refuse(const Settings& settings, Bytes message, const CodecError& error,
                  Action& action) {
  action.tx_bytes = write_error(action.room, settings.node, message, error);
  action.refused = true;
}

void Peer::refuse_cer(const Settings& settings, Bytes message, const CodecError& error,
                      Action& action) {
  refuse(settings, message, error, action);
  action.close = Close::after_sending;
  action.note(error.code == ResultCode::unknown_peer ? EventKind::unknown_peer : EventKind::refused,
              error.code);
}

// Rules for every message (RFC 6733 3, 7.1): false when it was dealt with.
bool Peer::header_acceptable(PeerTable& table, Bytes message, const Header& header,
                             Action& action) {
  ResultCode code = ResultCode::none;
  if ((header.flags & codec::flags_reserved) != 0) {
    code = ResultCode::invalid_bit_in_header;
  } else if (header.is_request() ? (header.flags & codec::flag_error) != 0
                                 : (header.flags & codec::flag_retransmit) != 0) {
    code = ResultCode::invalid_hdr_bits;
  }
  if (code == ResultCode::none) return true;
  if (header.is_request()) {
    refuse(table.settings(), message, fault(code), action);
  } else {
    action.discarded = true;  // nobody answers an answer
  }
  return false;
}

void Peer::on_frame(PeerTable& table, Bytes message, Time now, Action& action) {
  action.clear();
  const Header header = codec::read_header(message);
  if (state_ < State::open) {
    on_first_message(table, message, header, now, action);
    return;
  }
  if (!header_acceptable(table, message, header, action)) return;
  heard(now, action);
  if (!header.is_request()) {
    on_answer(table, message, header, action);
    return;
  }
  if (header.application == codec::application_base) {
    on_base_request(table, message, header, now, action);
  } else if (!table.settings().node.serves(header.application)) {
    refuse(table.settings(), message, fault(ResultCode::application_unsupported), action);
  } else if (!is_command(header, CommandCode::credit_control)) {
    refuse(table.settings(), message, fault(ResultCode::command_unsupported), action);
  } else if (state_ == State::dpr_received) {
    action.discarded = true;  // after its DPR a peer sends no requests (RFC 6733 5.4)
  } else {
    action.deliver = true;
  }
}

// Before the capabilities exchange only the one message that is awaited counts.
void Peer::on_first_message(PeerTable& table, Bytes message, const Header& header, Time now,
                            Action& action) {
  const bool capabilities = is_command(header, CommandCode::capabilities_exchange) &&
                            header.application == codec::application_base;
  if (state_ == State::wait_cer && capabilities && header.is_request()) {
    if (header_acceptable(table, message, header, action)) {
      on_cer(table, message, header, now, action);
    } else {
      action.close = Close::after_sending;
      action.note(EventKind::refused, (header.flags & codec::flags_reserved) != 0
                                          ? ResultCode::invalid_bit_in_header
                                          : ResultCode::invalid_hdr_bits);
    }
    return;
  }
  if (state_ == State::wait_cea && capabilities && !header.is_request() &&
      header.hop_by_hop == awaited_hop_by_hop_) {
    on_cea(table, message, header, now, action);
    return;
  }
  action.close = Close::now;
  action.note(EventKind::bad_first_message);
}

void Peer::on_cer(PeerTable& table, Bytes message, const Header& header, Time now,
                  Action& action) {
  const Settings& settings = table.settings();
  capabilities_ = Capabilities{};
  const CodecError error = read_capabilities(message, false, settings.node, capabilities_);
  info_.origin_host = capabilities_.origin_host;
  info_.origin_realm = capabilities_.origin_realm;
  if (error) {
    refuse_cer(settings, message, error, action);
    return;
  }
  const Admission admission = table.admit(*this, capabilities_);
  if (admission.code != ResultCode::none) {
    refuse_cer(settings, message, fault(admission.code), action);
    return;
  }
  info_.configured = admission.configured;
  info_.dialect = admission.dialect;
  info_.origin_state_counts = admission.origin_state_counts;
  if (admission.park) {
    state_ = State::wait_returns;
    parked_cer_ = header;
    // Our outbound connection decides within its own deadlines; this one only bounds them.
    due_at_ = Time{now.micros + micros(settings.timers.connect_s + settings.timers.cea_s + 1)};
    return;
  }
  action.close_other = admission.close_other;
  if (admission.close_other != none) action.note(EventKind::election_won);
  action.tx_bytes = write_cea(action.room, settings.node, local_, header, capabilities_);
  open_up(table, now, action);
}

void Peer::on_cea(PeerTable& table, Bytes message, const Header& header, Time now,
                  Action& action) {
  const Settings& settings = table.settings();
  if ((header.flags & (codec::flags_reserved | codec::flag_retransmit)) != 0) {
    action.close = Close::now;
    action.note(EventKind::connect_failed, ResultCode::invalid_hdr_bits);
    return;
  }
  capabilities_ = Capabilities{};
  const CodecError error = read_capabilities(message, true, settings.node, capabilities_);
  ResultCode code = error.code;
  if (code == ResultCode::none && capabilities_.result != ResultCode::success) {
    code = capabilities_.result;
  }
  // Whoever answers under another name is not the peer that we meant to reach.
  const Identity& realm = settings.peers[info_.configured].origin_realm;
  if (code == ResultCode::none &&
      (!same_identity(capabilities_.origin_host.view(), info_.origin_host.view()) ||
       (!realm.empty() &&
        !same_identity(capabilities_.origin_realm.view(), realm.view())))) {
    code = ResultCode::unknown_peer;
  }
  if (code == ResultCode::none && !capabilities_.any_common()) {
    code = ResultCode::no_common_application;
  }
  if (code != ResultCode::none) {
    if (code == ResultCode::too_busy) pause_tcs_ = pause_when_busy;
    action.close = Close::now;
    action.note(EventKind::connect_failed, code);
    return;
  }
  open_up(table, now, action);
  action.settle = true;
}

void Peer::on_base_request(PeerTable& table, Bytes message, const Header& header, Time now,
                           Action& action) {
  if (is_command(header, CommandCode::device_watchdog)) {
    on_dwr(table, message, header, action);
  } else if (is_command(header, CommandCode::disconnect_peer)) {
    on_dpr(table, message, header, now, action);
  } else if (is_command(header, CommandCode::capabilities_exchange)) {
    refuse(table.settings(), message, fault(ResultCode::unable_to_comply), action);
  } else {
    refuse(table.settings(), message, fault(ResultCode::command_unsupported), action);
  }
}

void Peer::on_dwr(PeerTable& table, Bytes message, const Header& header, Action& action) {
  BaseValues values;
  if (const CodecError error = read_base_values(message, values)) {
    refuse(table.settings(), message, error, action);
    return;
  }
  note_origin_state(values.origin_state_id, table, action);
  action.tx_bytes = write_success(action.room, table.settings().node, header);
}

void Peer::on_dpr(PeerTable& table, Bytes message, const Header& header, Time now,
                  Action& action) {
  BaseValues values;
  if (const CodecError error = read_base_values(message, values)) {
    refuse(table.settings(), message, error, action);
    return;
  }
  action.tx_bytes = write_success(action.room, table.settings().node, header);
  action.note(EventKind::disconnecting, ResultCode::none, 0, values.disconnect_cause);
  if (values.disconnect_cause == disconnect_busy) pause_tcs_ = pause_when_busy;
  if (values.disconnect_cause == disconnect_unwanted) pause_tcs_ = pause_when_unwanted;
  if (state_ == State::open) {
    state_ = State::dpr_received;
    due_at_ = Time{now.micros + micros(table.settings().timers.dpa_s)};
  }
}

void Peer::on_answer(PeerTable& table, Bytes message, const Header& header, Action& action) {
  if (is_command(header, CommandCode::device_watchdog) && dwr_pending_ &&
      header.hop_by_hop == dwr_hop_by_hop_) {
    dwr_pending_ = false;
    BaseValues values;
    if (!read_base_values(message, values)) {
      note_origin_state(values.origin_state_id, table, action);
    }
    return;
  }
  if (is_command(header, CommandCode::disconnect_peer) && state_ == State::wait_dpa &&
      header.hop_by_hop == awaited_hop_by_hop_) {
    action.close = Close::after_sending;
    return;
  }
  if (is_command(header, CommandCode::re_auth) || is_command(header, CommandCode::abort_session)) {
    action.deliver = true;
    return;
  }
  action.discarded = true;
}

void Peer::on_bad_framing(const Settings& settings, Bytes header, ResultCode code,
                          Action& action) {
  action.clear();
  action.close = Close::now;
  if (state_ == State::wait_cer) {
    action.note(EventKind::bad_first_message, code);
    return;
  }
  action.note(EventKind::bad_bytes, code);
  if (state_ < State::open || header.size() < codec::header_bytes) return;
  if (!codec::read_header(header).is_request()) return;
  refuse(settings, header.first(codec::header_bytes), fault(code), action);
  action.close = Close::after_sending;
}

// ---- time ----------------------------------------------------------------------------------

void Peer::on_time(const Settings& settings, Time now, Action& action) {
  action.clear();
  if (state_ == State::closed || now < due_at_) return;
  switch (state_) {
    case State::closed: break;
    case State::open: watchdog_elapsed(settings, now, action); break;
    case State::connecting:
    case State::wait_cea:
      action.close = Close::now;
      action.note(EventKind::connect_failed);
      break;
    case State::wait_cer:
    case State::wait_returns:
      action.close = Close::now;
      action.note(EventKind::cer_missing);
      break;
    case State::wait_dpa:
    case State::dpr_received: action.close = Close::now; break;
  }
}

// RFC 3539 3.4.1, OnTimerElapsed. One interval at a time: a clock that jumps far ahead costs the
// peer one step and not its connection.
void Peer::watchdog_elapsed(const Settings& settings, Time now, Action& action) {
  if (suspect_) {
    action.close = Close::now;
    action.note(EventKind::watchdog_expired);
    return;
  }
  if (dwr_pending_) {
    suspect_ = true;
    action.note(EventKind::suspect);
  } else {
    dwr_pending_ = true;
    dwr_hop_by_hop_ = next_hop_by_hop();
    action.tx_bytes =
        write_dwr(action.room, settings.node, dwr_hop_by_hop_, next_end_to_end(now));
  }
  arm_watchdog(settings, now);
}

// ---- owner's wishes ------------------------------------------------------------------------

void Peer::disconnect(const Settings& settings, std::uint32_t disconnect_cause, Time now,
                      Action& action) {
  action.clear();
  if (state_ != State::open) return;
  state_ = State::wait_dpa;
  awaited_hop_by_hop_ = next_hop_by_hop();
  action.tx_bytes = write_dpr(action.room, settings.node, disconnect_cause, awaited_hop_by_hop_,
                              next_end_to_end(now));
  due_at_ = Time{now.micros + micros(settings.timers.dpa_s)};
}

void Peer::settle(PeerTable& table, bool keep_inbound, Time now, Action& action) {
  action.clear();
  if (state_ != State::wait_returns) return;
  if (keep_inbound) {
    action.tx_bytes =
        write_cea(action.room, table.settings().node, local_, parked_cer_, capabilities_);
    open_up(table, now, action);
    return;
  }
  std::array<std::uint8_t, codec::header_bytes> header{};
  codec::write_header(header, parked_cer_);
  refuse(table.settings(), header, fault(ResultCode::election_lost), action);
  action.close = Close::after_sending;
  action.note(EventKind::election_lost, ResultCode::election_lost);
}

}  // namespace levy::peer
