// Event: what happened to a peer, for control's log and for peer-up and peer-down Commands.
// Core: edge writes; its loop reads. Allocates: never. Blocks: never. Clock: stamped by the edge.
#pragma once

#include <cstdint>

#include "diameter/codec/error.hpp"
#include "diameter/peer/identity.hpp"
#include "engine/base/ids.hpp"
#include "engine/base/time.hpp"

namespace levy::peer {

enum class EventKind : std::uint8_t {
  none = 0,
  peer_up,               // capabilities exchanged; value_new = its Origin-State-Id (0 = none sent)
  peer_down,             // an open peer's connection is gone
  unknown_peer,          // CER of an Origin-Host that is in no list: add origin_host to `peers`
  refused,               // a CER of theirs was answered with `code`
  connect_failed,        // an outbound one did not open (error), or its CER was refused (code)
  origin_state_raised,   // value_old -> value_new: that host lost its sessions
  election_won,          // simultaneous open: our outbound connection was closed
  election_lost,         // simultaneous open: their connection was closed
  suspect,               // no DWA within Tw
  recovered,             // heard again after suspect
  watchdog_expired,      // still nothing: connection closed
  cer_missing,           // accepted, but no CER in time
  bad_first_message,     // the first message was no CER: connection closed
  bad_bytes,             // framing lost or wrong version (code): connection closed
  slow_reader,           // its send buffer was full: connection closed
  disconnecting,         // it sent DPR; value_new = Disconnect-Cause
};

struct Event {
  EventKind kind = EventKind::none;
  codec::ResultCode code = codec::ResultCode::none;
  int error = 0;                 // errno of the transport, or 0
  std::uint32_t value_old = 0;
  std::uint32_t value_new = 0;
  std::uint32_t configured = none;  // index into the peers list; none: not in it
  ConnectionRef connection{};
  Time at{};
  Identity origin_host;          // empty before a CER was read
  Identity origin_realm;
};

constexpr const char* name(EventKind kind) {
  switch (kind) {
    case EventKind::none: return "none";
    case EventKind::peer_up: return "peer_up";
    case EventKind::peer_down: return "peer_down";
    case EventKind::unknown_peer: return "unknown_peer";
    case EventKind::refused: return "refused";
    case EventKind::connect_failed: return "connect_failed";
    case EventKind::origin_state_raised: return "origin_state_raised";
    case EventKind::election_won: return "election_won";
    case EventKind::election_lost: return "election_lost";
    case EventKind::suspect: return "suspect";
    case EventKind::recovered: return "recovered";
    case EventKind::watchdog_expired: return "watchdog_expired";
    case EventKind::cer_missing: return "cer_missing";
    case EventKind::bad_first_message: return "bad_first_message";
    case EventKind::bad_bytes: return "bad_bytes";
    case EventKind::slow_reader: return "slow_reader";
    case EventKind::disconnecting: return "disconnecting";
  }
  return "?";
}

}  // namespace levy::peer
