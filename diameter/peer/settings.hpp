// Settings: who we are, what we announce, whom we know, and the timers of the peer machine.
// Core: control writes at start-up; edges read. Allocates: never. Blocks: never. Clock: none.
//
// Invariants: constant while the process lives (Origin-State-Id above all: freeDiameter resets a
// connection whose DWR differs from its CER). The relay application is never announced.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "diameter/codec/header.hpp"
#include "diameter/peer/identity.hpp"
#include "engine/base/ids.hpp"

namespace levy::peer {

// One application that we serve. vendor 0: announced as a plain Auth-Application-Id; else in
// Vendor-Specific-Application-Id{Vendor-Id, Auth-Application-Id}.
struct AnnouncedApplication {
  std::uint32_t id = 0;
  std::uint32_t vendor = 0;
};

// Host-IP-Address as the Address type has it: family 1 = IPv4 (4 bytes), 2 = IPv6 (16 bytes).
struct HostAddress {
  std::uint8_t family = 0;
  std::array<std::uint8_t, 16> bytes{};
};

inline constexpr std::size_t announced_applications_max = 8;
inline constexpr std::size_t supported_vendors_max = 8;
inline constexpr std::size_t host_addresses_max = 8;

struct LocalNode {
  Identity origin_host;
  Identity origin_realm;
  Identity product_name;               // empty: "Levy"
  std::uint32_t vendor_id = 0;         // our enterprise number; 0 as freeDiameter sends it
  std::uint32_t firmware_revision = 1;
  std::uint32_t origin_state_id = 1;   // raised by the owner only when session state was lost
  // Gy alone by default; Gx is added by configuration.
  std::array<AnnouncedApplication, announced_applications_max> applications{
      AnnouncedApplication{codec::application_gy, 0}};
  std::uint32_t applications_count = 1;
  std::array<std::uint32_t, supported_vendors_max> supported_vendors{codec::vendor_3gpp};
  std::uint32_t supported_vendors_count = 1;
  // Announced Host-IP-Addresses; none: the local address of the connection.
  std::array<HostAddress, host_addresses_max> addresses{};
  std::uint32_t addresses_count = 0;

  bool serves(std::uint32_t application) const {
    for (std::uint32_t i = 0; i < applications_count; ++i) {
      if (applications[i].id == application) return true;
    }
    return false;
  }
};

// Seconds, except where said. The defaults are those of RFC 6733 12, RFC 3539 and interop.md c.2.
struct Timers {
  std::uint32_t tw_s = 30;           // watchdog interval; RFC 3539 forbids less than 6
  std::uint32_t tw_jitter_ms = 2000;  // each interval is tw +- this
  std::uint32_t cer_s = 20;          // an accepted connection brings its CER within
  std::uint32_t connect_s = 10;      // an outbound connection opens within
  std::uint32_t cea_s = 10;          // our CER is answered within
  // Our DPR is answered, or theirs is followed by their close, within.
  std::uint32_t dpa_s = 15;
  std::uint32_t tc_s = 30;           // between two attempts to reach a target
};

// One line of the peers list. A peer without a line is accepted only with accept_unknown.
struct PeerConfig {
  Identity origin_host;
  Identity origin_realm;         // empty: whatever its CER says
  std::uint16_t dialect = 0;     // index into the dialect table
  bool relay = false;            // passes on requests of others, though it may not announce so
  bool origin_state_counts = true;  // false: a raised Origin-State-Id of it means nothing
  // Index into the transport's outbound targets; none: it connects to us.
  std::uint32_t target = none;
};

struct Settings {
  LocalNode node;
  Timers timers;
  std::span<const PeerConfig> peers{};
  bool accept_unknown = false;
  std::uint16_t unknown_dialect = 0;
  bool unknown_origin_state_counts = true;
  // Open connections of one Origin-Host; 1 is RFC 6733 to the letter, Magma needs 2.
  std::uint32_t connections_per_host_max = 8;
};

}  // namespace levy::peer
