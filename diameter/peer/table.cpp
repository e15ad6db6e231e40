// PeerTable: who is open, elections, Origin-State-Ids.
// Core: edge. Allocates: never (its arrays belong to the edge). Blocks: never. Clock: none.
#include "diameter/peer/table.hpp"

namespace levy::peer {

using codec::ResultCode;

std::uint32_t PeerTable::find_configured(std::string_view origin_host) const {
  for (std::uint32_t i = 0; i < settings_.peers.size(); ++i) {
    if (same_identity(settings_.peers[i].origin_host.view(), origin_host)) return i;
  }
  return none;
}

std::uint32_t PeerTable::open_connections(std::string_view origin_host) const {
  std::uint32_t count = 0;
  for (const Peer& peer : peers_) {
    if (peer.open() && same_identity(peer.info().origin_host.view(), origin_host)) ++count;
  }
  return count;
}

Slot PeerTable::find_parked(std::string_view origin_host) const {
  for (const Peer& peer : peers_) {
    if (peer.state() == State::wait_returns &&
        same_identity(peer.info().origin_host.view(), origin_host)) {
      return index_of(peer);
    }
  }
  return none;
}

Admission PeerTable::admit(const Peer& self, const Capabilities& capabilities) const {
  Admission admission;
  const std::string_view host = capabilities.origin_host.view();
  admission.configured = find_configured(host);
  if (admission.configured != none) {
    const PeerConfig& known = settings_.peers[admission.configured];
    admission.dialect = known.dialect;
    admission.origin_state_counts = known.origin_state_counts;
    if (!known.origin_realm.empty() &&
        !same_identity(known.origin_realm.view(), capabilities.origin_realm.view())) {
      admission.code = ResultCode::unknown_peer;
      return admission;
    }
  } else if (settings_.accept_unknown) {
    admission.dialect = settings_.unknown_dialect;
    admission.origin_state_counts = settings_.unknown_origin_state_counts;
  } else {
    admission.code = ResultCode::unknown_peer;
    return admission;
  }
  if (!capabilities.any_common()) {
    admission.code = ResultCode::no_common_application;
    return admission;
  }
  if (!capabilities.security_acceptable()) {
    admission.code = ResultCode::no_common_security;
    return admission;
  }
  // An election between equal names has no winner: somebody else carries our identity.
  const int order = compare_identity(settings_.node.origin_host.view(), host);
  if (order == 0 || find_parked(host) != none ||
      open_connections(host) >= settings_.connections_per_host_max) {
    admission.code = ResultCode::unable_to_comply;
    return admission;
  }
  // Election (RFC 6733 5.6.4). While the outbound connection is still opening, the outcome is
  // the same as after its CER: the responder with the greater name keeps the inbound one.
  for (const Peer& peer : peers_) {
    if (&peer == &self) continue;
    if (peer.state() != State::connecting && peer.state() != State::wait_cea) continue;
    if (!same_identity(peer.info().origin_host.view(), host)) continue;
    if (order > 0) {
      admission.close_other = index_of(peer);
    } else {
      admission.park = true;
    }
    break;
  }
  return admission;
}

Slot PeerTable::find_connection(std::string_view origin_host, std::string_view origin_realm,
                                Slot preferred) const {
  // The connection of the session's latest request reaches its gateway, also through an agent.
  if (preferred < peers_.size() && peers_[preferred].open() && !peers_[preferred].suspect()) {
    return preferred;
  }
  // Lower is better: host 0, realm 2, relay 4; one more for suspect.
  Slot best = none;
  int best_rank = 6;
  for (const Peer& peer : peers_) {
    if (!peer.open()) continue;
    const PeerInfo& info = peer.info();
    int rank = 6;
    if (same_identity(info.origin_host.view(), origin_host)) {
      rank = 0;
    } else if (same_identity(info.origin_realm.view(), origin_realm)) {
      rank = 2;
    } else if (info.relay) {
      rank = 4;
    }
    if (peer.suspect()) ++rank;
    if (rank < best_rank) {
      best = index_of(peer);
      best_rank = rank;
    }
  }
  return best;
}

std::uint32_t PeerTable::remember_origin_state(std::string_view origin_host, std::uint32_t id) {
  HostRecord* oldest = nullptr;
  for (HostRecord& host : hosts_) {
    if (same_identity(host.origin_host.view(), origin_host)) {
      const std::uint32_t former = host.origin_state_id;
      if (id > former) host.origin_state_id = id;
      host.used_at = ++tick_;
      return former;
    }
    if (oldest == nullptr || host.used_at < oldest->used_at) oldest = &host;
  }
  if (oldest == nullptr || !oldest->origin_host.assign(origin_host)) return 0;
  oldest->origin_state_id = id;
  oldest->used_at = ++tick_;
  return 0;
}

}  // namespace levy::peer
