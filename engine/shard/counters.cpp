// Shard: counters of accounts: made where a plan declares them, begun anew with each period, their
// levels told (COUNTERS.md).
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
#include "rating/counters.hpp"

#include <algorithm>

#include "engine/shard/pools.hpp"
#include "rating/recurrence.hpp"

namespace levy::shard {

using rating::Counter;
using rating::CounterRow;
using rating::CounterRule;

namespace {

rating::Period period_of(const Counter& counter) {
  return {static_cast<rating::PeriodUnit>(counter.every_unit),
          static_cast<std::uint16_t>(counter.every_count)};
}

// Whether the counter begins anew as the rule says, and knows when.
bool runs_by(const Counter& counter, const CounterRule& rule) {
  if (rule.every.unit == rating::PeriodUnit::none) return counter.every_unit == 0;
  return period_of(counter) == rule.every && counter.resets_at != 0;
}

// The counter's period becomes the one that holds `now`; what lies between is skipped.
void enter_period(const rating::Terms& terms, std::uint32_t now, Counter& counter) {
  const rating::Period period = period_of(counter);
  counter.resets_at = 0;
  if (period.unit == rating::PeriodUnit::none) return;
  if (terms.calendar) counter.anchor = rating::calendar_start(terms, period, now);
  counter.periods = rating::periods_between(terms, period, counter.anchor, now) & ((1u << 20) - 1);
  counter.resets_at =
      rating::period_after(terms, period, counter.anchor, std::uint32_t{counter.periods} + 1);
}

}  // namespace

// The plans whose rules the account is under: add-ons by priority, then the base plan.
void Shard::list_plans(const Account& account, PlanList& list) const {
  list.count = 0;
  for (Slot p = account.first_product; p != none; p = products_[p].next) {
    const Product& product = products_[p];
    const bool holds = product.state == ProductState::active && product.plan != account.plan;
    const rating::PlanSet* set = holds ? set_of(product.plan) : nullptr;
    if (set == nullptr) continue;
    const rating::Plan* plan = set->find(product.plan);
    std::uint32_t at = list.count++;
    for (; at > 0 && list.rows[at - 1].plan->terms.priority < plan->terms.priority; --at)
      list.rows[at] = list.rows[at - 1];
    list.rows[at] = {plan, set->zones};
  }
  const rating::PlanSet* set = set_of(account.plan);
  if (set != nullptr) list.rows[list.count++] = {set->find(account.plan), set->zones};
}

// The first of the plans that declares the counter says its rule; null: none does.
const CounterRule* Shard::rule_of(const PlanList& list, std::uint16_t name,
                                  const rating::Plan*& plan) {
  for (std::uint32_t i = 0; i < list.count; ++i) {
    plan = list.rows[i].plan;
    for (std::uint32_t k = 0; k < plan->counter_count; ++k)
      if (plan->counters[k].name == name) return &plan->counters[k];
  }
  return nullptr;
}

Slot Shard::find_counter(const Account& account, std::uint16_t name, Slot subscriber) const {
  for (Slot c = account.first_counter; c != none; c = counters_[c].next)
    if (counters_[c].name == name && counters_[c].subscriber == subscriber) return c;
  return none;
}

// One that no plan declares any more, and of which nothing is held, gives way; none: there is none.
Slot Shard::spare_counter(const Account& account) const {
  PlanList list;
  list_plans(account, list);
  for (Slot c = account.first_counter; c != none; c = counters_[c].next) {
    const rating::Plan* plan = nullptr;
    if (counters_[c].reserved == 0 && rule_of(list, counters_[c].name, plan) == nullptr) return c;
  }
  return none;
}

void Shard::drop_counter(Slot account_slot, Slot counter) {
  Account& account = edit(accounts_, account_slot);
  if (account.first_counter == counter) {
    account.first_counter = counters_[counter].next;
  } else {
    Slot before = account.first_counter;
    while (counters_[before].next != counter) before = counters_[before].next;
    edit(counters_, before).next = counters_[counter].next;
  }
  release(counters_, counter);
}

// A counter of the rule; none: no room.
Slot Shard::open_counter(Slot account_slot, const rating::Plan& plan, const CounterRule& rule,
                         Slot subscriber, Time now) {
  std::size_t count = 0;
  Slot last = none;
  for (Slot c = accounts_[account_slot].first_counter; c != none; c = counters_[c].next) ++count;
  if (count == limits::counters_per_account_max) {
    const Slot spare = spare_counter(accounts_[account_slot]);
    if (spare == none) return none;
    drop_counter(account_slot, spare);
  }
  for (Slot c = accounts_[account_slot].first_counter; c != none; c = counters_[c].next) last = c;
  const Slot slot = take(counters_);
  if (slot == none) return none;
  Counter& fresh = counters_[slot];
  fresh.in_use = 1;
  fresh.name = rule.name;
  fresh.subscriber = subscriber;
  follow_rule(account_slot, plan, rule, now, fresh);
  if (last == none)
    edit(accounts_, account_slot).first_counter = slot;
  else
    edit(counters_, last).next = slot;
  return slot;
}

// Takes up the rule's unit and period: at its making, and when a plan has changed them. A sum of
// another unit says nothing any more.
void Shard::follow_rule(Slot account_slot, const rating::Plan& plan, const CounterRule& rule,
                        Time now, Counter& counter) {
  const auto now_s = static_cast<std::uint32_t>(now.seconds());
  if (counter.unit != rule.unit) counter.value = 0;
  counter.unit = rule.unit;
  if (runs_by(counter, rule)) return;
  counter.every_unit = static_cast<std::uint32_t>(rule.every.unit) & 15u;
  counter.every_count = rule.every.count & 255u;
  if (rule.every.unit == rating::PeriodUnit::none) {
    counter.every_count = 0;
    counter.resets_at = 0;
    return;
  }
  const Account& account = accounts_[account_slot];
  counter.anchor = account.created_at;
  for (Slot p = account.first_product; p != none; p = products_[p].next)
    if (products_[p].plan == plan.id && products_[p].starts_at != 0)
      counter.anchor = products_[p].starts_at;
  enter_period(plan.terms, now_s, counter);
}

// Of the account: those whose period is over begin anew.
void Shard::reset_counters(Slot account_slot, Time now) {
  if (accounts_[account_slot].first_counter == none) return;
  PlanList list;
  list_plans(accounts_[account_slot], list);
  const auto now_s = static_cast<std::uint32_t>(now.seconds());
  for (Slot c = accounts_[account_slot].first_counter; c != none; c = counters_[c].next) {
    if (counters_[c].resets_at == 0 || counters_[c].resets_at > now_s) continue;
    Counter& counter = edit(counters_, c);
    const rating::Plan* plan = nullptr;
    const CounterRule* rule = rule_of(list, counter.name, plan);
    if (rule != nullptr && rule->limit != 0 && counter.value != 0)
      edit(accounts_, account_slot).flags |= account_room_came;
    counter.value = 0;
    counter.resets_at = 0;  // where no plan declares it, until one does again
    if (rule != nullptr) enter_period(plan->terms, now_s, counter);
  }
}

// Every counter of the account into the view, ready to change; those that a plan declares and the
// account has not yet are made. false: there is no room for one.
bool Shard::add_counters(Slot account_slot, Slot subscriber, Time now, rating::AccountView& view) {
  view.counter_count = 0;
  PlanList list;
  list_plans(accounts_[account_slot], list);
  bool room = true, due = false;
  for (std::uint32_t i = 0; i < list.count; ++i) {
    const rating::Plan& plan = *list.rows[i].plan;
    for (std::uint32_t k = 0; k < plan.counter_count; ++k) {
      const CounterRule& rule = plan.counters[k];
      const rating::Plan* owner = nullptr;
      const Slot whose = rule.per_subscriber ? subscriber : none;
      if (rule_of(list, rule.name, owner) != &rule || (rule.per_subscriber && whose == none) ||
          find_counter(accounts_[account_slot], rule.name, whose) != none)
        continue;
      const bool made = open_counter(account_slot, plan, rule, whose, now) != none;
      due |= made;
      room &= made;
    }
  }
  for (Slot c = accounts_[account_slot].first_counter; c != none; c = counters_[c].next) {
    CounterRow& row = view.counters[view.counter_count++];
    row = CounterRow{};
    row.counter = &edit(counters_, c);
    row.slot = c;
    const rating::Plan* plan = nullptr;
    const CounterRule* rule = rule_of(list, row.counter->name, plan);
    if (rule == nullptr || rule->per_subscriber != (row.counter->subscriber != none)) continue;
    row.rule = rule;
    row.plan = plan;
    for (std::uint32_t i = 0; i < list.count; ++i)
      if (list.rows[i].plan == plan) row.zones = list.rows[i].zones;
    row.of_request = !rule->per_subscriber || row.counter->subscriber == subscriber;
    if (row.counter->unit == rule->unit && runs_by(*row.counter, *rule)) continue;
    follow_rule(account_slot, *plan, *rule, now, *row.counter);
    due = true;
  }
  if (due) note_due(account_slot);
  return room;
}

// What a counter of a bucket kind stands at: of the live buckets that run now.
rating::Standing Shard::standing_of(const Account& account, const Counter& counter,
                                    const CounterRule& rule, Time now) const {
  if (rule.bucket_kind == 0) return {counter.value, 0};
  const auto now_s = static_cast<std::uint32_t>(now.seconds());
  rating::Standing standing;
  for (Slot b = account.first_bucket; b != none; b = buckets_[b].next) {
    const rating::Bucket& bucket = buckets_[b];
    const bool runs = bucket.starts_at <= now_s && (bucket.ends_at == 0 || now_s < bucket.ends_at);
    if (bucket.kind != rule.bucket_kind || !runs) continue;
    const std::int64_t used = bucket.spent - bucket.spent_before;
    standing.value += used;
    standing.credited += used + bucket.free() + bucket.reserved;
  }
  return standing;
}

// Before the Record of whatever touched the account: levels that have changed become facts.
void Shard::note_levels(Slot account_slot, Time now, Outcome& outcome) {
  const Account& account = accounts_[account_slot];
  PlanList list;
  list_plans(account, list);
  for (Slot c = account.first_counter; c != none; c = counters_[c].next) {
    const rating::Plan* plan = nullptr;
    const CounterRule* rule = rule_of(list, counters_[c].name, plan);
    if (rule == nullptr) continue;
    const rating::Standing standing = standing_of(account, counters_[c], *rule, now);
    const std::uint16_t level = rating::level_of(*rule, standing);
    if (level == counters_[c].level || outcome.counter_count == outcome.counters.size()) continue;
    Counter& counter = edit(counters_, c);
    CounterFact& fact = outcome.counters[outcome.counter_count++];
    fact = CounterFact{};
    fact.value = standing.value;
    fact.name = counter.name;
    fact.unit = rule->unit;
    fact.former_level = counter.level;
    fact.level = counter.level = level;
    fact.subscriber = counter.subscriber;
    fact.at = counter.level_since = static_cast<std::uint32_t>(now.seconds());
  }
}

// An operator's correction: `amount` is what it stands at from now on.
void Shard::set_counter(Operation& op) {
  const OperatorRequest& r = op.request;
  PlanList list;
  list_plans(accounts_[op.account], list);
  const rating::Plan* plan = nullptr;
  const CounterRule* rule = rule_of(list, r.bucket_kind, plan);
  if (rule == nullptr || (rule->per_subscriber && op.subscriber == none)) {
    op.reply.result = OperatorResult::not_found;
    return;
  }
  const std::int64_t amount_max =
      rule->unit == rating::Unit::money ? limits::balance_micros_max : limits::units_max;
  if (rule->bucket_kind != 0 || r.amount < 0 || r.amount > amount_max) {
    op.reply.result = OperatorResult::invalid;
    return;
  }
  const Slot whose = rule->per_subscriber ? op.subscriber : none;
  Slot slot = find_counter(accounts_[op.account], rule->name, whose);
  if (slot == none) {
    slot = open_counter(op.account, *plan, *rule, whose, r.now);
    if (slot != none) note_due(op.account);
  }
  if (slot == none) {
    op.reply.result = OperatorResult::full;
    return;
  }
  Counter& counter = edit(counters_, slot);
  if (counter.value == r.amount) {
    op.reply.result = OperatorResult::unchanged;
    return;
  }
  const bool room_came = rule->limit != 0 && r.amount < counter.value;
  counter.value = r.amount;
  if (room_came) wake_sessions(op.account, true, r.now, op.outcome);
}

}  // namespace levy::shard
