// Peer: the state machine of one connection (RFC 6733 5.3-5.6, RFC 3539 watchdog).
// Core: edge. Allocates: never. Blocks: never. Clock: in every call.
//
// Bytes and time in, bytes and events out: the owner of the transport does what the Action says,
// in the order of its fields. Invariants: at most one message of ours per call; a message is
// delivered only when the peer is identified; nothing is done twice for the same frame.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "diameter/codec/header.hpp"
#include "diameter/peer/event.hpp"
#include "diameter/peer/messages.hpp"
#include "diameter/peer/settings.hpp"

namespace levy::peer {

class PeerTable;

enum class State : std::uint8_t {
  closed,        // no connection
  connecting,    // Wait-Conn-Ack: our outbound connection is opening
  wait_cer,      // accepted, nothing identified yet
  wait_cea,      // Wait-I-CEA: our CER is out
  wait_returns,  // their CER is read, the election waits for our outbound connection
  open,          // R-Open or I-Open
  wait_dpa,      // Closing: our DPR is out; their messages are still served
  dpr_received,  // Closing: our DPA is out, they close
};

// What is known of an identified peer.
struct PeerInfo {
  Identity origin_host;
  Identity origin_realm;
  std::uint32_t configured = none;  // index into the peers list; none: accepted as unknown
  std::uint16_t dialect = 0;
  bool relay = false;               // it announced the relay application, or is known to relay
  bool origin_state_counts = true;  // a raised Origin-State-Id means that sessions were lost
  bool initiated = false;           // we connected to it
  std::uint32_t origin_state_id = 0;
};

enum class Close : std::uint8_t {
  no,
  now,
  after_sending,  // once what is queued went out; the peer is then expected to close first
};

// What the owner must do. Cleared by every call except for `room`.
struct Action {
  explicit Action(std::span<std::uint8_t> into) : room(into) {}
  void clear() { *this = Action(room); }
  void note(EventKind kind, codec::ResultCode code = codec::ResultCode::none,
            std::uint32_t value_old = 0, std::uint32_t value_new = 0) {
    if (events_count < events.size()) events[events_count++] = {kind, code, value_old, value_new};
  }

  struct Note {
    EventKind kind = EventKind::none;
    codec::ResultCode code = codec::ResultCode::none;
    std::uint32_t value_old = 0;
    std::uint32_t value_new = 0;
  };

  std::span<std::uint8_t> room;   // message_out_bytes_max
  std::size_t tx_bytes = 0;       // a message of ours in `room`, to be sent
  bool deliver = false;           // the frame belongs to the application
  bool discarded = false;         // the frame was ignored (stray or malformed answer)
  bool refused = false;           // `room` holds an error answer
  Close close = Close::no;
  Slot close_other = none;        // connection of ours to close now (election won)
  bool settle = false;            // connections parked in wait_returns for this host: settle() each
  std::array<Note, 3> events{};
  std::uint32_t events_count = 0;
};

class Peer {
 public:
  // ---- transport
  // An inbound connection is open: a CER is expected.
  void on_accepted(const Settings& settings, const HostAddress& local, std::uint64_t seed,
                   Time now);
  // We begin to connect to settings.peers[configured].
  void on_connecting(const Settings& settings, std::uint32_t configured, std::uint64_t seed,
                     Time now);
  // Our outbound connection is open: the CER goes out.
  void on_connected(const Settings& settings, const HostAddress& local, Time now, Action& action);
  // The connection is gone, whoever ended it.
  void on_closed(Action& action);

  // ---- messages
  // `message` is one whole frame (its length field was checked by the cutter).
  void on_frame(PeerTable& table, codec::Bytes message, Time now, Action& action);
  // Framing cannot be trusted: `header` holds the 20 bytes received, or less when the fault shows
  // sooner; code is 5011 or 5015. Answers if it can and closes.
  void on_bad_framing(const Settings& settings, codec::Bytes header, codec::ResultCode code,
                      Action& action);

  // ---- time
  // Does what is due at `now`; due_at() says when to call next.
  void on_time(const Settings& settings, Time now, Action& action);
  Time due_at() const { return due_at_; }

  // ---- owner's wishes
  // Sends a DPR (open state only).
  void disconnect(const Settings& settings, std::uint32_t disconnect_cause, Time now,
                  Action& action);
  // Ends wait_returns: our outbound connection to that host opened (we lost: keep_inbound false)
  // or failed (keep_inbound true).
  void settle(PeerTable& table, bool keep_inbound, Time now, Action& action);

  State state() const { return state_; }
  // Identified and not being disconnected: may be sent requests.
  bool open() const { return state_ == State::open; }
  // May be sent answers.
  bool answerable() const { return state_ >= State::open; }
  bool suspect() const { return suspect_; }
  const PeerInfo& info() const { return info_; }
  std::uint32_t next_hop_by_hop() { return hop_by_hop_++; }
  // How many Tc to wait before we connect to it again.
  std::uint32_t pause_tcs() const { return pause_tcs_; }

 private:
  void begin(const Settings& settings, std::uint64_t seed, State state);
  std::uint32_t next_end_to_end(Time now);
  std::uint64_t random();
  void arm_watchdog(const Settings& settings, Time now);
  void heard(Time now, Action& action);
  void note_origin_state(std::uint32_t id, PeerTable& table, Action& action);
  void open_up(PeerTable& table, Time now, Action& action);

  bool header_acceptable(PeerTable& table, codec::Bytes message, const codec::Header& header,
                         Action& action);
  void on_first_message(PeerTable& table, codec::Bytes message, const codec::Header& header,
                        Time now, Action& action);
  void on_cer(PeerTable& table, codec::Bytes message, const codec::Header& header, Time now,
              Action& action);
  void on_cea(PeerTable& table, codec::Bytes message, const codec::Header& header, Time now,
              Action& action);
  void on_base_request(PeerTable& table, codec::Bytes message, const codec::Header& header,
                       Time now, Action& action);
  void on_dwr(PeerTable& table, codec::Bytes message, const codec::Header& header, Action& action);
  void on_dpr(PeerTable& table, codec::Bytes message, const codec::Header& header, Time now,
              Action& action);
  void on_answer(PeerTable& table, codec::Bytes message, const codec::Header& header,
                 Action& action);
  void refuse(const Settings& settings, codec::Bytes message, const codec::CodecError& error,
              Action& action);
  void refuse_cer(const Settings& settings, codec::Bytes message, const codec::CodecError& error,
                  Action& action);
  void watchdog_elapsed(const Settings& settings, Time now, Action& action);

  State state_ = State::closed;
  bool dwr_pending_ = false;
  bool suspect_ = false;
  std::uint32_t hop_by_hop_ = 0;
  std::uint32_t awaited_hop_by_hop_ = 0;  // of our CER or DPR
  std::uint32_t dwr_hop_by_hop_ = 0;
  std::uint32_t end_to_end_low_ = 0;
  std::uint32_t pause_tcs_ = 1;
  std::uint64_t random_ = 0;
  Time due_at_{};
  std::int64_t watchdog_micros_ = 0;  // the present interval, jitter included
  HostAddress local_{};
  PeerInfo info_{};
  // The CER that waits for the election, and what it said.
  codec::Header parked_cer_{};
  Capabilities capabilities_{};
};

}  // namespace levy::peer
