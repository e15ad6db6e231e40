// Shard: one Credit-Control-Request, from the session to the verdict.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
//
// Order: duplicate? its stored verdict. Open session: charge. Tombstone: debit once, 5002. No
// session: an initial or an event opens one; anything else is a dispute, or not ours.
#include <algorithm>

#include "engine/base/hash.hpp"
#include "engine/shard/pools.hpp"

namespace levy::shard {

using rating::Reason;
using rating::RequestType;

namespace {

// Rating says it of all groups or of none, and it is a command's outcome: credit control ends.
void raise_not_applicable(Outcome& outcome) {
  if (outcome.mscc_count != 0 && outcome.charge.mscc[0].reason == Reason::not_applicable)
    outcome.reason = Reason::not_applicable;
}

}  // namespace

void Shard::refuse(Reason reason, Outcome& outcome) {
  transaction_.roll_back();
  keep_tombstones();
  outcome.reason = reason;
  outcome.mscc_count = 0;
  outcome.charge.movement_count = 0;
  outcome.charge.split_count = 0;
  outcome.lost_count = 0;
  outcome.product_count = 0;
  outcome.counter_count = 0;
  outcome.events &= event_identity_conflict;  // the rest did not happen
}

void Shard::pool_full(Outcome& outcome) {
  refuse(Reason::unable_to_comply, outcome);
  outcome.events |= event_pool_full;
}

void Shard::apply(const rating::ChargeRequest& request, const ChargeContext& context,
                  std::span<std::uint8_t> record, Outcome& outcome) {
  outcome.reset();
  settled_grants_ = 0;
  const Slot slot = find_session(context.session_hash, request.session_id, context.application);
  Facts facts;
  facts.request = &request;
  if (slot != none) {
    const Session& session = sessions_[slot];
    outcome.session = slot;
    outcome.account = session.account;
    outcome.subscriber = session.subscriber;
    if (answer_duplicate(slot, request, outcome)) {
      if (traced(outcome.account)) outcome.events |= event_traced;
      return;
    }
    if (session.state == SessionState::open) {
      facts.kind = RecordKind::charge;
      charge_open(slot, request, context, outcome);
    } else if ((session.flags & session_event) != 0 && request.type == RequestType::event) {
      facts.kind = RecordKind::charge;
      charge_further_event(slot, request, context, outcome);
    } else {
      facts.kind = RecordKind::late_usage;
      charge_late(slot, request, context, outcome);
    }
    if ((outcome.events & event_dispute) != 0) facts.kind = RecordKind::dispute;
  } else {
    facts.kind = RecordKind::charge;
    charge_unknown(request, context, outcome);
    if (outcome.not_mine) return;
    if ((outcome.events & event_dispute) != 0) facts.kind = RecordKind::dispute;
  }
  if (traced(outcome.account)) outcome.events |= event_traced;
  if (transaction_.empty() && facts.kind != RecordKind::dispute) return;
  if (outcome.plan != nullptr) {
    facts.plan = outcome.plan->id;
    facts.plan_version = outcome.plan_version;
  }
  write_record(facts, context.now, record, outcome);
  if ((outcome.events & event_session_opened) == 0) return;
  session_index_.insert(context.session_hash, outcome.session);
  know_bearer(outcome.session);
}

// ---- who -----------------------------------------------------------------------------------

bool Shard::has_identity(const Subscriber& subscriber, rating::IdentityType type,
                         std::string_view text) const {
  if (type == rating::IdentityType::imsi && subscriber.imsi != 0)
    if (subscriber.imsi == pack_digits(text)) return true;
  if (type == rating::IdentityType::e164 && subscriber.e164 != 0)
    if (subscriber.e164 == pack_digits(text)) return true;
  for (Slot t = subscriber.other; t != none; t = texts_[t].next) {
    if (texts_[t].type == static_cast<std::uint8_t>(type) && texts_[t].text() == text) return true;
  }
  return false;
}

bool Shard::matches_identity(const Subscriber& subscriber,
                             const rating::ChargeRequest& request) const {
  for (std::size_t i = 0; i < request.identity_count; ++i) {
    if (has_identity(subscriber, request.identities[i].type, request.identities[i].text))
      return true;
  }
  return false;
}

// The subscriber that the directory named, if it still has one of the request's identities.
Slot Shard::resolve_subscriber(const rating::ChargeRequest& request, const ChargeContext& context,
                               Outcome& outcome) const {
  if (context.identity_conflict) {
    outcome.events |= event_identity_conflict;
    return none;
  }
  const auto valid = [&](Slot s) {
    return s < subscribers_.capacity() && subscribers_[s].live() &&
           matches_identity(subscribers_[s], request);
  };
  if (!valid(context.subscriber)) return none;
  if (context.other_subscriber != none && valid(context.other_subscriber) &&
      subscribers_[context.other_subscriber].account != subscribers_[context.subscriber].account) {
    outcome.events |= event_identity_conflict;
    return none;
  }
  return context.subscriber;
}

// ---- the charge itself ---------------------------------------------------------------------

// What rating reads of the account, the message and the clock. Null: the account's plan is gone.
const rating::Plan* Shard::prepare_charge(const Account& account,
                                          const rating::ChargeRequest& request,
                                          const ChargeContext& context, rating::ChargeInput& input,
                                          Outcome& outcome) const {
  input.request = &request;
  input.plan_sets = plan_sets_;
  input.plan_set_count = plan_set_count_;
  input.now = input.usage_time = context.now;
  if (request.has_event_timestamp) {
    // A gateway's seconds are cut off, and its clock may be a little ahead: never beyond arrival.
    const std::int64_t late = context.now.seconds() - request.event_timestamp.seconds();
    const std::int64_t skew = options_.event_time_skew_max;
    if (late > skew || -late > skew)
      outcome.events |= event_time_distrusted;
    else if (late > 0)
      input.usage_time = request.event_timestamp;
  }
  input.spread_seed = static_cast<std::uint32_t>(context.session_hash >> 32);
  input.tariff_time_change = context.tariff_time_change;
  input.pools = context.pools;
  input.implicit_rsu = context.implicit_rsu;
  input.no_credit_code_4012 = context.no_credit_code_4012;
  input.account_barred = account.status != AccountStatus::active;
  const rating::PlanSet* set = set_of(account.plan);
  outcome.plan = nullptr;
  if (set == nullptr) return nullptr;
  outcome.plan = input.plan = set->find(account.plan);
  outcome.plan_version = input.plan_version = set->version;
  outcome.currency = input.plan->currency;
  const Life life = life_of(account, input.plan, context.now);
  input.account_barred |= life.phase == LifePhase::expired;
  input.in_grace = life.phase == LifePhase::grace;
  input.access_ends_at = life.ends_at;
  input.zones = set->zones;
  input.segments = account.segments;
  if (account.friends != none) {
    const Text& text = texts_[account.friends];
    input.friend_count = text.size / sizeof(std::uint64_t);
    std::memcpy(input.friends.data(), text.bytes, text.size);
  }
  return input.plan;
}

// The account's products as they are now: what is due settled, what waited for this use started.
// false: there is no room for that.
bool Shard::prepare_products(Slot account, rating::ChargeInput& input, Outcome& outcome) {
  if (accounts_[account].first_product == none && !input.plan->passes) return true;
  const bool settled =
      settle(account, input.now, outcome) && resume_products(account, input.now, outcome);
  add_products(accounts_[account], input);
  if (!settled) return false;
  if (input.account_barred || input.in_grace) return true;
  for (const auto start : {&Shard::start_at_use, &Shard::buy_passes}) {
    const std::uint32_t facts = outcome.product_count;
    if (!(this->*start)(account, input, outcome)) return false;
    if (outcome.product_count == facts) continue;
    input.addon_count = 0;  // they are more now
    add_products(accounts_[account], input);
  }
  return true;
}

// Fills outcome.charge and makes the groups' changes; `grants` false: debit only. false: refused,
// rolled back.
bool Shard::run_charge(Session& session, Account& account, const rating::ChargeRequest& request,
                       const ChargeContext& context, bool grants, Outcome& outcome) {
  rating::ChargeInput input;
  if (prepare_charge(account, request, context, input, outcome) == nullptr) {
    refuse(Reason::rating_failed, outcome);
    return false;
  }
  input.late = !grants;
  input.account_barred |= !grants || (session.flags & session_aborting) != 0;
  // What was used is charged, though there be no room to settle products first.
  const bool must = request.type == RequestType::termination || !grants;
  if (!prepare_products(session.account, input, outcome) && !must) {
    pool_full(outcome);
    return false;
  }
  for (std::size_t i = 0; i < request.mscc_count; ++i) {
    input.groups[i] = nullptr;
    input.grant_allowed[i] = true;
    scratch_.group_slots[i] = none;
    // A group that the plan no longer names still has its grant to settle, under that grant's plan.
    const bool known = rating::has_service(input, request.mscc[i]);
    const Slot g =
        known ? find_or_open_group(session, request.mscc[i]) : find_group(session, request.mscc[i]);
    if (!known && g == none) continue;
    // A termination is never refused for want of room: its usage is priced on its own.
    if (g == none && request.type == RequestType::termination) continue;
    if (g == none) {
      pool_full(outcome);
      return false;
    }
    rating::Group& group = groups_[g];
    scratch_.group_slots[i] = g;
    input.groups[i] = &group;
    if (request.type == RequestType::update && (group.flags & rating::group_has_grant) != 0 &&
        request.request_number < group.set_by_number) {
      input.grant_allowed[i] = false;
      outcome.events |= event_out_of_order;
    }
  }
  if (!make_view(account, session.subscriber, context.now, scratch_.view, outcome) && !must) {
    pool_full(outcome);
    return false;
  }
  add_sponsors(input, scratch_.view, outcome);
  for (std::size_t i = 0; i < request.mscc_count; ++i)
    if (input.groups[i] != nullptr) add_reserved(*input.groups[i], scratch_.view, outcome);
  add_pooled(session, request, input, outcome);
  rating::charge(input, scratch_.view, outcome.charge);
  if (outcome.charge.version_gone) outcome.events |= event_version_gone;
  outcome.mscc_count = request.mscc_count;
  for (std::size_t i = 0; i < request.mscc_count; ++i) {
    if (outcome.charge.mscc[i].unpaid != 0) outcome.events |= event_overrun;
    if (outcome.charge.mscc[i].unrated != 0) outcome.events |= event_unrated;
  }
  // A request without MSCC carries its outcome as the command's (semantics.md "Result codes").
  if (request.command_level && request.mscc_count == 1)
    outcome.reason = outcome.charge.mscc[0].reason;
  raise_not_applicable(outcome);
  if (!outcome.charge.overflow) return true;
  pool_full(outcome);
  return false;
}

// The session's pooled groups, where one of them reports more than was granted to it alone.
void Shard::add_pooled(Session& session, const rating::ChargeRequest& request,
                       rating::ChargeInput& input, Outcome& outcome) {
  bool exceeds = false;
  for (std::size_t i = 0; i < request.mscc_count && !exceeds; ++i) {
    const rating::Group* group = input.groups[i];
    if (group == nullptr || (group->flags & rating::group_pooled) == 0) continue;
    const rating::UnitAmounts& used = request.mscc[i].used;
    exceeds = std::max({used.octets, used.seconds, used.events}) > group->granted;
  }
  if (!exceeds) return;
  for (Slot g = session.first_group; g != none; g = groups_[g].next) {
    if ((groups_[g].flags & rating::group_pooled) == 0) continue;
    rating::Group& group = edit(groups_, g);
    add_reserved(group, scratch_.view, outcome);
    input.pooled[input.pooled_count++] = &group;
  }
}

void Shard::charge_open(Slot slot, const rating::ChargeRequest& request,
                        const ChargeContext& context, Outcome& outcome) {
  // An event has a Session-Id of its own; here it would be reserved and never debited.
  if (request.type == RequestType::event) return refuse(Reason::unable_to_comply, outcome);
  Session& session = edit(sessions_, slot);
  Account& account = edit(accounts_, session.account);
  touch_session(session, request, context, outcome);
  note_number(session, request);
  if (!run_charge(session, account, request, context, true, outcome)) return;
  if (request.type == RequestType::termination) {
    end_session(slot, SessionState::ended, context.now, outcome, context.duplicate_window);
  } else if ((session.flags & session_aborting) == 0) {
    set_tcc(slot, session, request, context.now, outcome);
  }
  const bool satisfies = request.type == RequestType::update &&
                         session.reauth_wanted != session.reauth_acked &&
                         (session.flags & session_aborting) == 0;
  if (satisfies) session.reauth_acked = session.reauth_wanted;  // an update that crosses the RAR
  if (outcome.charge.overflow || !add_verdict(session, request, outcome)) return pool_full(outcome);
  if (satisfies) runtime_[slot].push_outstanding = false;
}

// U or T after T or after Tcc: debited once, answered 5002 (semantics.md "Sessions"); kept as a
// dispute where the loss has charged already.
void Shard::charge_late(Slot slot, const rating::ChargeRequest& request,
                        const ChargeContext& context, Outcome& outcome) {
  if (request.type == RequestType::initial || request.type == RequestType::event) {
    refuse(Reason::unable_to_comply, outcome);  // a Session-Id is never used again (RFC 6733 8.8)
    return;
  }
  // What its loss has charged stands for this use: debited here, it would be paid twice.
  if ((sessions_[slot].flags & session_loss_charged) != 0) return dispute(request, outcome);
  Session& session = edit(sessions_, slot);
  Account& account = edit(accounts_, session.account);
  note_number(session, request);
  if (!run_charge(session, account, request, context, false, outcome)) return;
  settle_session(slot, SessionState::ended, context.now, outcome);
  outcome.reason = Reason::unknown_session;
  outcome.mscc_count = 0;
  outcome.events |= event_late_usage;
  set_deadline(slot, session, window_of(context), context.now);
  if (outcome.charge.overflow || !add_verdict(session, request, outcome)) pool_full(outcome);
}

void Shard::charge_unknown(const rating::ChargeRequest& request, const ChargeContext& context,
                           Outcome& outcome) {
  const bool needs_session =
      request.type == RequestType::update || request.type == RequestType::termination;
  const Slot subscriber = resolve_subscriber(request, context, outcome);
  // A session stays where it was opened, also when its identity has moved to another Shard since.
  const bool elsewhere = needs_session || request.identity_count == 0;
  if (!context.last_candidate && elsewhere && (needs_session || subscriber == none) &&
      (outcome.events & event_identity_conflict) == 0) {
    outcome.not_mine = true;
    outcome.answer = false;
    return;
  }
  if (subscriber != none) {
    outcome.subscriber = subscriber;
    outcome.account = subscribers_[subscriber].account;
  }
  if (needs_session) return dispute(request, outcome);
  if (subscriber == none) {
    outcome.reason = Reason::user_unknown;
    return;
  }
  charge_first(request, context, subscriber, outcome);
}

// Usage of a session that nobody knows, or that its loss has charged: nothing is debited, the usage
// is kept on record.
void Shard::dispute(const rating::ChargeRequest& request, Outcome& outcome) {
  outcome.reason = Reason::unknown_session;
  for (std::size_t i = 0; i < request.mscc_count; ++i) {
    const rating::UnitAmounts& used = request.mscc[i].used;
    rating::MsccOutcome& m = outcome.charge.mscc[i];
    m = rating::MsccOutcome{};
    m.reason = Reason::unknown_session;
    m.unit = used.has_octets    ? rating::Unit::octets
             : used.has_seconds ? rating::Unit::seconds
                                : rating::Unit::events;
    m.used = used.has_octets ? used.octets : used.has_seconds ? used.seconds : used.events;
    if (request.mscc[i].has_used) outcome.events |= event_dispute;
  }
}

// An initial or an event under a new Session-Id.
void Shard::charge_first(const rating::ChargeRequest& request, const ChargeContext& context,
                         Slot subscriber, Outcome& outcome) {
  const Slot slot = open_session(request, context, subscriber);
  if (slot == none) return pool_full(outcome);
  outcome.session = slot;
  Session& session = sessions_[slot];
  Account& account = edit(accounts_, session.account);
  touch_session(session, request, context, outcome);
  if (request.type == RequestType::event) {
    run_event(account, request, context, outcome);
    if (transaction_.empty()) return;
    session.state = SessionState::ended;
    note_number(session, request);
    set_deadline(slot, session, window_of(context), context.now);
    if (!add_verdict(session, request, outcome)) return pool_full(outcome);
    outcome.events |= event_session_opened;
    return;
  }
  if (context.supersede) supersede_older(slot, context.now, outcome);
  if (!run_charge(session, account, request, context, true, outcome)) return;
  if (outcome.reason != Reason::ok) {
    // Refused as a command: the gateway will send no termination. The tombstone answers repeats.
    settle_session(slot, SessionState::ended, context.now, outcome);
    session.state = SessionState::ended;
    set_deadline(slot, session, window_of(context), context.now);
  } else {
    set_tcc(slot, session, request, context.now, outcome);
  }
  if (outcome.charge.overflow || !add_verdict(session, request, outcome)) {
    return pool_full(outcome);
  }
  outcome.events |= event_session_opened;
}

// One more event under a Session-Id that carried one before.
void Shard::charge_further_event(Slot slot, const rating::ChargeRequest& request,
                                 const ChargeContext& context, Outcome& outcome) {
  const Slot account = sessions_[slot].account;
  const Slot subscriber = resolve_subscriber(request, context, outcome);
  if (subscriber != none && subscribers_[subscriber].account != account) {
    outcome.events |= event_identity_conflict;  // the same Session-Id for another payer
    return refuse(Reason::unable_to_comply, outcome);
  }
  Session& session = edit(sessions_, slot);
  run_event(edit(accounts_, account), request, context, outcome);
  if (transaction_.empty()) return;
  note_number(session, request);
  set_deadline(slot, session, window_of(context), context.now);
  if (!add_verdict(session, request, outcome)) pool_full(outcome);
}

void Shard::run_event(Account& account, const rating::ChargeRequest& request,
                      const ChargeContext& context, Outcome& outcome) {
  rating::ChargeInput input;
  if (prepare_charge(account, request, context, input, outcome) == nullptr)
    return refuse(Reason::rating_failed, outcome);
  if (!prepare_products(outcome.account, input, outcome)) return pool_full(outcome);
  if (!make_view(account, outcome.subscriber, context.now, scratch_.view, outcome))
    return pool_full(outcome);
  add_sponsors(input, scratch_.view, outcome);
  rating::charge_event(input, scratch_.view, outcome.charge, outcome.event);
  if (outcome.charge.overflow) return pool_full(outcome);
  for (std::size_t i = 0; i < request.mscc_count; ++i) {
    // A refund that no wallet can take: 5012 is a command's code, and then nothing happens.
    if (outcome.charge.mscc[i].reason == Reason::unable_to_comply)
      return refuse(Reason::unable_to_comply, outcome);
  }
  outcome.mscc_count = request.mscc_count;
  outcome.has_event_result = request.has_requested_action &&
                             (request.requested_action == rating::RequestedAction::check_balance ||
                              request.requested_action == rating::RequestedAction::price_enquiry);
  if (request.command_level && request.mscc_count == 1)
    outcome.reason = outcome.charge.mscc[0].reason;
  raise_not_applicable(outcome);
}

}  // namespace levy::shard
