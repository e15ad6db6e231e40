// PeerTable: all connections of one edge as peers: admission, election, look-up by host and realm.
// Core: edge. Allocates: never (its arrays belong to the edge). Blocks: never. Clock: none.
//
// The index of a Peer is the index of its ConnectionRef. The last Origin-State-Id of each host is
// remembered beyond its connections, so that a gateway that restarted is noticed at its next CER.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "diameter/peer/peer.hpp"

namespace levy::peer {

// The last Origin-State-Id seen of a host.
struct HostRecord {
  Identity origin_host;
  std::uint32_t origin_state_id = 0;
  std::uint64_t used_at = 0;  // a tick, for replacing the oldest
};

// What becomes of a CER that could be read.
struct Admission {
  codec::ResultCode code = codec::ResultCode::none;  // none: admitted (perhaps parked)
  bool park = false;          // wait for our outbound connection
  Slot close_other = none;    // our outbound connection loses
  std::uint32_t configured = none;
  std::uint16_t dialect = 0;
  bool origin_state_counts = true;
};

class PeerTable {
 public:
  PeerTable(const Settings& settings, std::span<Peer> peers, std::span<HostRecord> hosts)
      : settings_(settings), peers_(peers), hosts_(hosts) {}

  const Settings& settings() const { return settings_; }
  Peer& operator[](Slot index) { return peers_[index]; }
  const Peer& operator[](Slot index) const { return peers_[index]; }
  Slot index_of(const Peer& peer) const { return static_cast<Slot>(&peer - peers_.data()); }

  // Judges an inbound CER: known, secure, a common application, election, connections per host.
  Admission admit(const Peer& self, const Capabilities& capabilities) const;

  // Index into the peers list; none when the host is not in it.
  std::uint32_t find_configured(std::string_view origin_host) const;
  // Open connections of the host.
  std::uint32_t open_connections(std::string_view origin_host) const;
  // A connection parked in wait_returns for this host; none when there is none.
  Slot find_parked(std::string_view origin_host) const;
  // Where to send a request of ours: `preferred` while it is open and healthy, else an open
  // connection of the host, else of the realm, else a relay; healthy ones before suspect ones.
  Slot find_connection(std::string_view origin_host, std::string_view origin_realm,
                       Slot preferred) const;

  // Remembers the id; returns the former one (0 = none known). Keeps the greater of both.
  std::uint32_t remember_origin_state(std::string_view origin_host, std::uint32_t id);

 private:
  const Settings& settings_;
  std::span<Peer> peers_;
  std::span<HostRecord> hosts_;
  std::uint64_t tick_ = 0;
};

}  // namespace levy::peer
