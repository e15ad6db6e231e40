// Shard: sessions, their groups and verdicts, gateways, deadlines.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
#include <algorithm>

#include "engine/base/hash.hpp"
#include "engine/shard/pools.hpp"

namespace levy::shard {

using rating::RequestType;

// ---- Session-Id ----------------------------------------------------------------------------

bool Shard::session_id_is(const Session& session, std::string_view id) const {
  if (session.id_bytes != id.size()) return false;
  const std::size_t head = std::min(id.size(), session_id_head_bytes);
  if (std::memcmp(session.id_head, id.data(), head) != 0) return false;
  return head == id.size() || texts_[session.id_tail].text() == id.substr(head);
}

std::size_t Shard::copy_session_id(const Session& session, char* into) const {
  const std::size_t size = session.id_bytes;
  const std::size_t head = std::min(size, session_id_head_bytes);
  std::memcpy(into, session.id_head, head);
  if (head < size) std::memcpy(into + head, texts_[session.id_tail].bytes, size - head);
  return size;
}

std::uint64_t Shard::session_hash(const Session& session) const {
  char id[limits::session_id_bytes_max + 1];
  return hash_bytes({id, copy_session_id(session, id)}, session.application);
}

Slot Shard::find_session(std::uint64_t hash, std::string_view id, std::uint8_t application) const {
  return session_index_.find(hash, [&](Slot slot) {
    const Session& session = sessions_[slot];
    return session.application == application && session_id_is(session, id);
  });
}

bool Shard::knows_session(std::uint64_t hash, std::string_view id, std::uint8_t application) const {
  return find_session(hash, id, application) != none;
}

// ---- opening and ending --------------------------------------------------------------------

// none: a pool is full.
Slot Shard::open_session(const rating::ChargeRequest& request, const ChargeContext& context,
                         Slot subscriber) {
  const std::size_t head = std::min(request.session_id.size(), session_id_head_bytes);
  Slot tail = none;
  if (head < request.session_id.size()) {
    // Before the session's slot: a tombstone that leaves a text leaves its slot as well.
    tail = take_in_need(texts_, ended_long_, none);
    if (tail == none) return none;
    Text& text = texts_[tail];
    text.in_use = 1;
    text.size = static_cast<std::uint16_t>(request.session_id.size() - head);
    std::memcpy(text.bytes, request.session_id.data() + head, text.size);
  }
  const Slot slot = take_in_need(sessions_, ended_, none);
  if (slot == none) return none;
  Session& s = sessions_[slot];
  s.state = SessionState::open;
  s.application = context.application;
  s.id_bytes = static_cast<std::uint8_t>(request.session_id.size());
  std::memcpy(s.id_head, request.session_id.data(), head);
  s.id_tail = tail;
  s.subscriber = subscriber;
  s.account = subscribers_[subscriber].account;
  s.opened_at = static_cast<std::uint32_t>(context.now.seconds());
  s.initial_number = request.request_number;
  s.dialect = context.dialect;
  set_bearer(s, request);
  if (request.type == RequestType::event) s.flags |= session_event;
  s.host = find_or_open_host(request.origin_host, request.origin_realm, context.now);
  if (s.host == none) return none;

  Account& account = edit(accounts_, s.account);
  s.next = account.first_session;
  if (s.next != none) edit(sessions_, s.next).previous = slot;
  account.first_session = slot;
  return slot;
}

namespace {

// The type whose numbers a session keeps: updates, or events where it is an event's.
RequestType numbered_type(const Session& session) {
  return (session.flags & session_event) != 0 ? RequestType::event : RequestType::update;
}

}  // namespace

void Shard::note_number(Session& session, const rating::ChargeRequest& request) {
  if (request.type == RequestType::termination && (session.flags & session_terminated) == 0) {
    session.flags |= session_terminated;
    session.termination_number = request.request_number;
  }
  if (request.type != numbered_type(session)) return;
  if ((session.flags & session_has_updates) == 0) {
    session.flags |= session_has_updates;
    session.number_max = request.request_number;
    session.seen_updates = 1;
    return;
  }
  if (request.request_number > session.number_max) {
    const std::uint32_t shift = request.request_number - session.number_max;
    session.seen_updates = shift >= 64 ? 1 : (session.seen_updates << shift) | 1;
    session.number_max = request.request_number;
  } else {
    const std::uint32_t back = session.number_max - request.request_number;
    if (back < 64) session.seen_updates |= std::uint64_t{1} << back;
  }
}

// The gateway's latest address and state; a raised Origin-State-Id starts the sweep.
void Shard::touch_session(Session& session, const rating::ChargeRequest& request,
                          const ChargeContext& context, Outcome& outcome) {
  session.connection = context.connection;
  if (context.takes_abort)
    session.flags |= session_takes_abort;
  else
    session.flags &= static_cast<std::uint8_t>(~session_takes_abort);
  session.last_seen_at = static_cast<std::uint32_t>(context.now.seconds());
  const Host& known = hosts_[session.host];
  if (known.host() != request.origin_host || known.realm() != request.origin_realm) {
    const Slot host = find_or_open_host(request.origin_host, request.origin_realm, context.now);
    if (host != none) session.host = host;
  }
  if (!request.has_origin_state_id) return;
  // A value that does not count judges nothing: 0 keeps the session out of the sweep.
  session.origin_state_id = context.origin_state_counts ? request.origin_state_id : 0;
  if (!context.origin_state_counts) return;
  if (request.origin_state_id > hosts_[session.host].origin_state_id) {
    Host& host = edit(hosts_, session.host);
    if (host.origin_state_id != 0) {
      edit(states_, 0).sweep_cursor = sweep_at_ = 0;
      outcome.events |= event_origin_state_raised;
    }
    host.origin_state_id = request.origin_state_id;
  }
}

// `seconds` from now, rounded up: never early. Also remembers after which restart it was set.
void Shard::set_deadline(Slot slot, Session& session, std::uint32_t seconds, Time now) {
  session.deadline = shard_seconds(now) + seconds + (now.micros % 1'000'000 != 0 ? 1 : 0);
  session.restarts = states_[0].restarts;
  timers_.set(slot, session.deadline);
  note_tombstone(slot);
}

// Tcc (semantics.md "Sessions"): twice the longest Validity-Time outstanding; the session's time to
// live where there is none. A Validity-Time is outstanding until the next answer about its group,
// also where a Final-Unit-Indication came with it and no units (RFC 8506 8.34).
void Shard::set_tcc(Slot slot, Session& session, const rating::ChargeRequest& request, Time now,
                    const Outcome& outcome) {
  // Backwards: of several MSCC of one group the first is the one that was answered.
  for (std::size_t i = request.mscc_count; i-- > 0;) {
    const Slot g = scratch_.group_slots[i];
    if (g == none || (groups_[g].flags & rating::group_has_grant) != 0) continue;
    const rating::MsccOutcome& told = outcome.charge.mscc[i];
    groups_[g].validity = (told.flags & rating::outcome_retry) != 0 ? 0 : told.validity;
  }
  session.validity_longest = 0;
  for (Slot g = session.first_group; g != none; g = groups_[g].next)
    session.validity_longest = std::max(session.validity_longest, groups_[g].validity);
  const std::uint32_t ttl =
      outcome.plan->session_ttl != 0 ? outcome.plan->session_ttl : options_.session_ttl;
  set_deadline(slot, session, session.validity_longest != 0 ? 2 * session.validity_longest : ttl,
               now);
}

// Releases (or charges, by on_lost) every reservation of the session and frees its groups.
void Shard::settle_session(Slot slot, SessionState as, Time now, Outcome& outcome) {
  Session& session = edit(sessions_, slot);
  Account& account = accounts_[session.account];
  rating::AccountView& view = scratch_.view;
  make_view(account, session.subscriber, now, view, outcome);
  const rating::PlanSet* set = set_of(account.plan);
  std::size_t left = session.group_count;
  for (Slot g = session.first_group; g != none;) {
    rating::Group& group = edit(groups_, g);
    add_reserved(group, view, outcome);
    const Slot next = group.next;
    const rating::Plan* plan =
        as != SessionState::ended ? find_plan(group.plan, group.plan_version) : nullptr;
    // What on_lost may move must leave room for the releases of this group and those to come; an
    // account with very many buckets gets its reservations back instead.
    const std::size_t releases = limits::reservations_per_group_max * left--;
    const std::size_t moves = outcome.charge.movement_count + view.bucket_count + 1 + releases +
                              2 * limits::reservations_per_group_max;
    if (plan != nullptr && moves <= limits::movements_max) {
      rating::MsccOutcome assumed;
      // Whoever has lost its plan owes what the group's own one allows.
      const rating::Plan& base = set != nullptr ? *set->find(account.plan) : *plan;
      rating::settle_lost_group(group, *plan, base, view, now, assumed, outcome.charge);
      if (assumed.used != 0) note_lost(group, assumed, outcome);
      if (assumed.used > assumed.unrated && !plan->services[assumed.service].price.free)
        session.flags |= session_loss_charged;
    } else {
      rating::release_group(group, view, outcome.charge);
    }
    release(groups_, g);
    g = next;
  }
  session.first_group = none;
  session.group_count = 0;
  session.validity_longest = 0;
}

// For the Record: nothing else tells of which group the movements are.
void Shard::note_lost(const rating::Group& group, const rating::MsccOutcome& charged,
                      Outcome& outcome) const {
  if (outcome.lost_count == outcome.lost.size()) return;
  LostUsage& lost = outcome.lost[outcome.lost_count++];
  lost.rating_group = group.rating_group;
  lost.has_rating_group = (group.flags & rating::group_has_rating_group) != 0;
  lost.service_identifier_count = group.service_identifier_count;
  lost.service_identifier = group.service_identifiers[0];
  lost.outcome = charged;
}

// Open -> ended | lost | superseded: a tombstone that keeps its verdicts for the duplicate window.
void Shard::end_session(Slot slot, SessionState as, Time now, Outcome& outcome,
                        std::uint32_t window) {
  settle_session(slot, as, now, outcome);
  Session& session = edit(sessions_, slot);
  session.state = as;
  if (as == SessionState::lost && (session.flags & session_aborting) != 0)
    outcome.events |= event_aborted;
  session.reauth_acked = session.reauth_wanted;
  set_deadline(slot, session, std::max(window, options_.duplicate_window), now);
  outcome.events |= as == SessionState::ended ? event_session_closed : event_session_lost;
}

// ---- groups --------------------------------------------------------------------------------

// The group with the MSCC's key, ready to change; none: the session has none.
Slot Shard::find_group(const Session& session, const rating::MsccRequest& mscc) {
  for (Slot g = session.first_group; g != none; g = groups_[g].next) {
    const rating::Group& group = groups_[g];
    const bool has = (group.flags & rating::group_has_rating_group) != 0;
    if (has != mscc.has_rating_group || (has && group.rating_group != mscc.rating_group) ||
        group.service_identifier_count != mscc.service_identifier_count)
      continue;
    if (std::equal(mscc.service_identifiers.begin(),
                   mscc.service_identifiers.begin() + mscc.service_identifier_count,
                   group.service_identifiers.begin())) {
      edit(groups_, g);
      return g;
    }
  }
  return none;
}

// The same, made when it is not there; none: no room.
Slot Shard::find_or_open_group(Session& session, const rating::MsccRequest& mscc) {
  const Slot known = find_group(session, mscc);
  if (known != none) return known;
  Slot last = session.first_group;
  while (last != none && groups_[last].next != none) last = groups_[last].next;
  if (session.group_count >= limits::groups_per_session_max) return none;
  const Slot slot = take(groups_);
  if (slot == none) return none;
  rating::Group& group = groups_[slot];
  group.flags = rating::group_live;
  if (mscc.has_rating_group) group.flags |= rating::group_has_rating_group;
  group.rating_group = mscc.rating_group;
  group.service_identifier_count = mscc.service_identifier_count;
  group.service_identifiers = mscc.service_identifiers;
  if (last == none)
    session.first_group = slot;
  else
    edit(groups_, last).next = slot;
  ++session.group_count;
  return slot;
}

// ---- verdicts ------------------------------------------------------------------------------

namespace {

std::uint32_t request_digest(const rating::ChargeRequest& request) {
  std::uint64_t h = request.mscc_count;
  const auto mix = [&h](std::uint64_t v) {
    h = (h ^ v) * 0x9e3779b97f4a7c15ull;
    h ^= h >> 29;
  };
  for (std::size_t i = 0; i < request.mscc_count; ++i) {
    const rating::MsccRequest& m = request.mscc[i];
    mix(m.has_rating_group ? m.rating_group : ~std::uint64_t{0});
    for (const rating::UnitAmounts* u : {&m.used, &m.requested}) {
      mix(static_cast<std::uint64_t>(u->octets));
      mix(static_cast<std::uint64_t>(u->seconds));
      mix(static_cast<std::uint64_t>(u->events));
      mix(static_cast<std::uint64_t>(u->money.micros));
    }
    mix(m.has_requested);
  }
  return static_cast<std::uint32_t>(h ^ (h >> 32));
}

}  // namespace

void Shard::release_verdict_chain(Slot head) {
  while (head != none) {
    const Slot more = verdicts_[head].more;
    release(verdicts_, head);
    head = more;
  }
}

// Takes the oldest chain out of the session's list (it has one).
Slot Shard::detach_oldest_verdict(Session& session) {
  Slot before = none;
  Slot oldest = session.first_verdict;
  for (; verdicts_[oldest].next != none; oldest = verdicts_[oldest].next) before = oldest;
  if (before == none)
    session.first_verdict = none;
  else
    edit(verdicts_, before).next = none;
  --session.verdict_count;
  return oldest;
}

// A blank row: of the pool; where that is empty, of the oldest tombstones; where there are none, of
// the session's own oldest verdicts.
Slot Shard::take_verdict(Session& session, Slot& spare) {
  const auto own = static_cast<Slot>(&session - sessions_.raw(0));
  const Slot fresh = take_in_need(verdicts_, ended_, own);
  if (fresh != none) return fresh;
  if (spare == none && session.verdict_count != 0) spare = detach_oldest_verdict(session);
  if (spare == none) return none;
  const Slot slot = spare;
  Verdict& row = edit(verdicts_, slot);
  spare = row.more;
  row = Verdict{};
  return slot;
}

// Keeps what the request is answered; the oldest beyond the limit goes. false: no room.
bool Shard::add_verdict(Session& session, const rating::ChargeRequest& request,
                        const Outcome& outcome) {
  Slot head = none;
  Slot last = none;
  Slot spare = none;
  const std::size_t count = std::max<std::size_t>(outcome.mscc_count, 1);
  for (std::size_t i = 0; i < count; ++i) {
    const Slot slot = take_verdict(session, spare);
    if (slot == none) return false;
    Verdict& v = verdicts_[slot];
    v.in_use = 1;
    v.number = request.request_number;
    v.type = request.type;
    v.command_reason = outcome.reason;
    v.count = outcome.mscc_count;
    if (i < outcome.mscc_count) {
      const rating::MsccOutcome& m = outcome.charge.mscc[i];
      v.granted = m.granted;
      v.rating_group = request.mscc[i].rating_group;
      v.validity = m.validity;
      v.threshold = m.threshold;
      v.quota_holding_time = m.quota_holding_time;
      v.service = m.service;
      v.plan = m.plan != nullptr ? m.plan->id : std::uint16_t{0};
      v.plan_version = m.plan_version;
      v.changes = m.changes;
      v.rate = m.rate;
      v.tariff_change = m.tariff_change;
      v.reason = m.reason;
      v.outcome_flags = m.flags;
      v.unit = m.unit;
    }
    if (head == none) {
      head = slot;
      v.digest = request_digest(request);
      if (outcome.has_event_result) {
        v.flags = verdict_event_result;
        if (outcome.event.enough) v.flags |= verdict_enough;
        if (request.requested_action == rating::RequestedAction::price_enquiry)
          v.granted = outcome.event.cost.micros;
      }
    } else {
      verdicts_[last].more = slot;
    }
    last = slot;
  }
  verdicts_[head].next = session.first_verdict;
  session.first_verdict = head;
  release_verdict_chain(spare);
  if (++session.verdict_count > limits::verdicts_per_session_max)
    release_verdict_chain(detach_oldest_verdict(session));
  return true;
}

// true: the request is a repeat and `outcome` holds what it was answered (or why it cannot be).
bool Shard::answer_duplicate(Slot slot, const rating::ChargeRequest& request, Outcome& outcome) {
  const Session& session = sessions_[slot];
  const bool numbered = request.type == numbered_type(session);
  const bool fresh_update = numbered && ((session.flags & session_has_updates) == 0 ||
                                         request.request_number > session.number_max);
  if (fresh_update) return false;
  for (Slot v = session.first_verdict; v != none; v = verdicts_[v].next) {
    if (verdicts_[v].number != request.request_number || verdicts_[v].type != request.type)
      continue;
    outcome.events |= event_duplicate;
    if (verdicts_[v].digest != request_digest(request)) outcome.events |= event_duplicate_differs;
    repeat_verdict(verdicts_[v], request, outcome);
    return true;
  }
  bool known = false;
  if (request.type == RequestType::initial) {
    known = session.initial_number == request.request_number;
  } else if (request.type == RequestType::termination) {
    known = (session.flags & session_terminated) != 0 &&
            session.termination_number == request.request_number;
  } else if (numbered) {
    const std::uint32_t back = session.number_max - request.request_number;
    known = back >= 64 || ((session.seen_updates >> back) & 1) != 0;
  }
  if (!known) return false;
  outcome.events |= event_duplicate | event_duplicate_expired;
  outcome.reason = rating::Reason::unable_to_comply;
  return true;
}

void Shard::repeat_verdict(const Verdict& head, const rating::ChargeRequest& request,
                           Outcome& outcome) {
  outcome.reason = head.command_reason;
  outcome.mscc_count = std::min(head.count, request.mscc_count);
  const Account& account = accounts_[outcome.account];
  const rating::PlanSet* set = set_of(account.plan);
  outcome.plan = set != nullptr ? set->find(account.plan) : nullptr;
  outcome.currency = outcome.plan != nullptr ? outcome.plan->currency : std::uint16_t{0};
  const Verdict* v = &head;
  for (std::size_t i = 0; i < outcome.mscc_count; ++i) {
    if (v->rating_group != request.mscc[i].rating_group) {  // not what was asked then
      outcome.reason = rating::Reason::unable_to_comply;
      outcome.mscc_count = 0;
      return;
    }
    rating::MsccOutcome& m = outcome.charge.mscc[i];
    m = rating::MsccOutcome{};
    m.reason = v->reason;
    m.flags = v->outcome_flags;
    m.unit = v->unit;
    m.quota_holding_time = v->quota_holding_time;
    m.validity = v->validity;
    m.threshold = v->threshold;
    m.plan = find_plan(v->plan, v->plan_version);  // null: gone, and with it what it redirects to
    m.plan_version = v->plan_version;
    m.service = v->service;
    m.changes = v->changes;
    m.rate = v->rate;
    m.tariff_change = v->tariff_change;
    m.granted = v->granted;
    if (v->more == none) break;
    v = &verdicts_[v->more];
  }
  if ((head.flags & verdict_event_result) == 0) return;
  outcome.has_event_result = true;
  outcome.event.enough = (head.flags & verdict_enough) != 0;
  outcome.event.cost = Money{head.granted};
}

// ---- gateways ------------------------------------------------------------------------------

// none: no room, or the two names are too long together (limits: 496 bytes).
Slot Shard::find_or_open_host(std::string_view name, std::string_view realm, Time now) {
  for (Slot h = 0; h < hosts_.capacity() && h < hosts_.used() + 1; ++h) {
    if (hosts_[h].live() && hosts_[h].host() == name && hosts_[h].realm() == realm) return h;
  }
  if (name.size() + realm.size() > sizeof(Host::text)) return none;
  Slot slot = take(hosts_);
  if (slot == none) slot = idle_host(now);
  if (slot == none) return none;
  Host& host = hosts_[slot];
  host.in_use = 1;
  host.host_bytes = static_cast<std::uint16_t>(name.size());
  host.realm_bytes = static_cast<std::uint16_t>(realm.size());
  std::memcpy(host.text, name.data(), name.size());
  std::memcpy(host.text + name.size(), realm.data(), realm.size());
  return slot;
}

// The table is full: the place of a gateway without any session, blank. Looked for in vain once a
// second at most, since every session is looked at. Gateways whose names change (containers) would
// fill the table for good.
Slot Shard::idle_host(Time now) {
  if (hosts_searched_at_ == shard_seconds(now)) return none;
  constexpr std::size_t hosts_max = 4096;
  std::uint64_t held[hosts_max / 64] = {};
  for (Slot s = 0; s < sessions_.capacity(); ++s) {
    const Slot h = sessions_[s].host;
    if (sessions_[s].live() && h < hosts_max) held[h / 64] |= std::uint64_t{1} << (h % 64);
  }
  for (Slot h = 0; h < hosts_.capacity() && h < hosts_max; ++h) {
    if ((held[h / 64] >> (h % 64) & 1) != 0) continue;
    edit(hosts_, h) = Host{};
    return h;
  }
  hosts_searched_at_ = shard_seconds(now);
  return none;
}

// Sessions whose gateway has restarted since their latest request end here, a few per step.
bool Shard::sweep_step(Time now, std::span<std::uint8_t> record, Outcome& outcome) {
  Slot at = sweep_at_;
  const auto end = static_cast<Slot>(sessions_.capacity());
  for (int visits = 256; visits > 0 && at < end; --visits, ++at) {
    const Session& session = sessions_[at];
    if (session.state != SessionState::open || session.origin_state_id == 0 ||
        session.origin_state_id >= hosts_[session.host].origin_state_id)
      continue;
    outcome.session = at;
    outcome.account = session.account;
    outcome.subscriber = session.subscriber;
    end_session(at, SessionState::lost, now, outcome);
    edit(states_, 0).sweep_cursor = sweep_at_ = at + 1;
    Facts facts;
    facts.kind = RecordKind::session_lost;
    write_record(facts, now, record, outcome);
    return true;
  }
  // Progress alone needs no Record: after a restart the sweep goes on from the last one.
  if (at < end) {
    sweep_at_ = at;
    return false;
  }
  edit(states_, 0).sweep_cursor = sweep_at_ = none;
  Facts facts;
  facts.kind = RecordKind::sweep;
  write_record(facts, now, record, outcome);
  return true;
}

}  // namespace levy::shard
