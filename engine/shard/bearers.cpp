// Shard: which open session a bearer has, so that a gateway that forgot it finds it superseded.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// Two indexes over open sessions, by charging id and by address; rebuilt after recovery. They
// change once the Record stands, as the index by Session-Id does.
#include "engine/base/hash.hpp"
#include "engine/shard/pools.hpp"

namespace levy::shard {
namespace {

// Non-zero hash of service context, APN and a third part, 0 when the third part is not there. One
// bearer carries sessions of several contexts (data, IMS, SMS): they live beside each other.
std::uint32_t bearer_key(const rating::ChargeRequest& request, std::string_view part,
                         std::uint64_t seed) {
  if (part.empty()) return 0;
  std::uint64_t h = stable_hash(part) + seed;
  h = (h ^ stable_hash(request.service_context_id)) * 0x9e3779b97f4a7c15ull;
  for (const char c : request.called_station_id) {  // case folded
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    h = (h ^ static_cast<unsigned char>(lower)) * 0x100000001b3ull;
  }
  const auto folded = static_cast<std::uint32_t>(h ^ (h >> 32));
  return folded == 0 ? 1 : folded;
}

// Bearers belong to a subscriber: an address that several share binds nobody.
std::uint64_t index_hash(const Session& session, std::uint32_t key) {
  return (std::uint64_t{session.subscriber} << 32 | key) * 0x9e3779b97f4a7c15ull;
}

}  // namespace

void Shard::set_bearer(Session& session, const rating::ChargeRequest& request) {
  session.apn_charging = bearer_key(request, request.charging_id, 1);
  session.apn_address = bearer_key(request, request.pdp_address, 2);
}

void Shard::know_bearer(Slot slot) {
  const Session& session = sessions_[slot];
  if (session.state != SessionState::open || runtime_[slot].bearer_known) return;
  runtime_[slot].bearer_known = true;
  if (session.apn_charging != 0)
    charging_index_.insert(index_hash(session, session.apn_charging), slot);
  if (session.apn_address != 0)
    address_index_.insert(index_hash(session, session.apn_address), slot);
}

void Shard::forget_bearer(Slot slot) {
  if (!runtime_[slot].bearer_known) return;
  const Session& session = sessions_[slot];
  runtime_[slot].bearer_known = false;
  if (session.apn_charging != 0)
    charging_index_.erase(index_hash(session, session.apn_charging), slot);
  if (session.apn_address != 0)
    address_index_.erase(index_hash(session, session.apn_address), slot);
}

// A CCR-I with the same subscriber, service context, APN and charging id (or address) and a new
// Session-Id: the gateway has forgotten the old session (semantics.md "Sessions").
void Shard::supersede_older(Slot slot, Time now, Outcome& outcome) {
  const Session& fresh = sessions_[slot];
  const auto older = [&](const Table& index, std::uint32_t Session::*key) {
    if (fresh.*key == 0) return none;
    return index.find(index_hash(fresh, fresh.*key), [&](Slot s) {
      const Session& old = sessions_[s];
      return s != slot && old.state == SessionState::open && old.subscriber == fresh.subscriber &&
             old.application == fresh.application && old.*key == fresh.*key;
    });
  };
  Slot old = older(charging_index_, &Session::apn_charging);
  if (old == none) old = older(address_index_, &Session::apn_address);
  if (old == none) return;
  end_session(old, SessionState::superseded, now, outcome);
  outcome.events |= event_superseded;
}

}  // namespace levy::shard
