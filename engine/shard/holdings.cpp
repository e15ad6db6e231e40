// Shard: products come to an account and leave it by an operator's wish or with its plan.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
#include <algorithm>

#include "engine/shard/pools.hpp"
#include "rating/recurrence.hpp"

namespace levy::shard {

using rating::BoughtAgain;
using rating::Terms;
using rating::UnpaidFee;
using Result = OperatorResult;

namespace {

// Sessions that one Record asks to re-authorise, newest first; older ones of an account with more
// report when their Validity-Time ends.
constexpr std::size_t wakes_max = 128;

// One that was bought as of some time ago, and whose start could not be paid.
bool never_started(const Outcome& outcome, std::uint16_t plan, std::uint32_t number) {
  bool started = false;
  bool refused = false;
  for (std::uint32_t i = 0; i < outcome.product_count; ++i) {
    const ProductFact& fact = outcome.products[i];
    if (fact.plan != plan || fact.number != number) continue;
    started |= fact.event == ProductEvent::started;
    refused |= fact.event == ProductEvent::refused;
  }
  return refused && !started;
}

// Whether an MSCC asks for units or reports some; a bare end does not.
bool is_use(const rating::ChargeRequest& request, const rating::MsccRequest& mscc) {
  if (asks_for_use(request, mscc)) return true;
  if (request.type == rating::RequestType::event) return false;
  return mscc.used.octets > 0 || mscc.used.seconds > 0 || mscc.used.events > 0;
}

}  // namespace

// The account's products of `plan`: the oldest with number `number`, or (0) the latest; none: it
// holds none.
Slot Shard::find_product(const Account& account, std::uint16_t plan, std::uint32_t number) const {
  Slot found = none;
  for (Slot p = account.first_product; p != none; p = products_[p].next) {
    if (products_[p].plan != plan) continue;
    if (number == 0 || products_[p].number == number) found = p;
  }
  return found;
}

// Appends a product that waits for `starts_at` (0: its first use). none: there is no room.
Slot Shard::add_product(Slot account_slot, std::uint16_t plan, std::uint32_t starts_at,
                        std::uint32_t ends_at, Time now) {
  Account& account = edit(accounts_, account_slot);
  std::size_t held = 0;
  Slot last = none;
  for (Slot p = account.first_product; p != none; p = products_[p].next) {
    last = p;
    ++held;
  }
  if (held >= limits::products_per_account_max) return none;
  const Slot slot = take(products_);
  if (slot == none) return none;
  const auto number_in_use = [&](std::uint16_t number) {
    if (number == 0) return true;
    for (Slot p = account.first_product; p != none; p = products_[p].next)
      if (products_[p].number == number) return true;
    return false;
  };
  do ++account.product_number;
  while (number_in_use(account.product_number));
  Product& product = products_[slot];
  product.state = ProductState::waiting;
  product.plan = plan;
  product.number = account.product_number;
  product.bought_at = static_cast<std::uint32_t>(now.seconds());
  product.starts_at = starts_at;
  product.ends_at = ends_at;
  if (last == none)
    account.first_product = slot;
  else
    edit(products_, last).next = slot;
  return slot;
}

// Starts a product now, or takes it up as one whose running period is paid for since `since`.
Result Shard::start_product(Slot account_slot, Slot product_slot, const rating::Plan& plan,
                            std::uint32_t since, Time now, Outcome& outcome) {
  const auto now_s = static_cast<std::uint32_t>(now.seconds());
  if (!make_room(account_slot, products_[product_slot], plan, now_s, outcome)) return Result::full;
  if (since != 0) {
    run_since(edit(products_, product_slot), plan.terms, since, now_s);
    note_product(products_[product_slot], &plan.terms, ProductEvent::started, since, outcome);
  } else if (!begin(account_slot, product_slot, plan, now_s, outcome)) {
    if (plan.terms.unpaid_fee == UnpaidFee::refuse) return Result::insufficient;
    not_paid(account_slot, product_slot, plan, now_s, outcome);
  }
  return outcome.charge.overflow ? Result::full : Result::ok;
}

// What another system has begun: nothing is due before the next period.
void Shard::run_since(Product& product, const Terms& terms, std::uint32_t since,
                      std::uint32_t now_s) const {
  product.state = ProductState::active;
  product.flags |= product_started;
  product.starts_at = since;
  if (terms.lasts.unit != rating::PeriodUnit::none)
    product.ends_at = rating::period_after(terms, terms.lasts, since, 1);
  for (std::size_t c = 0; c < terms.cycle_count; ++c) {
    const rating::Period& period = terms.cycles[c];
    Product::Due& due = product.due[c];
    due.anchor = terms.calendar ? rating::calendar_start(terms, period, since) : since;
    due.unit = static_cast<std::uint32_t>(period.unit) & 15u;
    due.count = period.count & 255u;
    due.periods = (rating::periods_between(terms, period, due.anchor, now_s) + 1) & 0xfffff;
    due.at = rating::period_after(terms, period, due.anchor, due.periods);
  }
}

// The base plan's product, where the plan has terms. `since`: see start_product().
Result Shard::start_base_product(Slot account_slot, std::uint32_t since, Time now,
                                 Outcome& outcome) {
  const std::uint16_t plan_id = accounts_[account_slot].plan;
  const rating::Plan* plan = newest(plan_id);
  if (plan != nullptr) extend_life(account_slot, plan->valid_for, now);
  if (plan == nullptr || !plan->terms.any()) return Result::ok;
  if (plan->terms.addon) return Result::invalid;
  const auto now_s = static_cast<std::uint32_t>(now.seconds());
  const Slot slot = add_product(account_slot, plan_id, now_s, 0, now);
  if (slot == none) return Result::full;
  edit(accounts_, account_slot).flags |= account_took_terms;
  const Result result = start_product(account_slot, slot, *plan, since, now, outcome);
  note_due(account_slot);
  return result;
}

// `plan`: its base plan, null where that is gone.
Life Shard::life_of(const Account& account, const rating::Plan* plan, Time now) {
  if (account.valid_until == 0 || account.valid_until == valid_for_ever ||
      (plan != nullptr && plan->valid_for == 0))
    return {};
  const auto now_s = static_cast<std::uint32_t>(now.seconds());
  if (now_s < account.valid_until) return {LifePhase::valid, account.valid_until};
  const std::uint32_t end = account.valid_until + (plan != nullptr ? plan->grace : 0);
  if (now_s < end) return {LifePhase::grace, end};
  return {LifePhase::expired, 0};
}

// The account is valid for at least so long from now on; 0: its plan sets no end to it.
void Shard::extend_life(Slot account_slot, std::uint32_t seconds, Time now) {
  if (seconds == 0) return;
  const std::uint32_t until = static_cast<std::uint32_t>(now.seconds()) + seconds;
  if (accounts_[account_slot].valid_until < until)
    edit(accounts_, account_slot).valid_until = until;
}

// After a reload: an account whose base plan has got terms takes them up (what is due once at the
// start is not), and products begin the cycles that their plans have got.
void Shard::take_up_terms(Slot account_slot, Time now, Outcome& outcome) {
  const Account& account = accounts_[account_slot];
  const auto now_s = static_cast<std::uint32_t>(now.seconds());
  const rating::Plan* base = newest(account.plan);
  if (base != nullptr && account.valid_until == 0) extend_life(account_slot, base->valid_for, now);
  if (!settle(account_slot, now, outcome)) return;
  if (base != nullptr && !base->terms.addon && base->terms.cycle_count != 0 &&
      (account.flags & account_took_terms) == 0) {
    const Slot slot = add_product(account_slot, account.plan, now_s, 0, now);
    if (slot == none) return;
    edit(accounts_, account_slot).flags |= account_took_terms;
    products_[slot].flags |= product_started;
    products_[slot].state = ProductState::active;
  }
  for (Slot p = account.first_product, next = none; p != none; p = next) {
    next = products_[p].next;
    const rating::Plan* plan = newest(products_[p].plan);
    if (products_[p].state != ProductState::active || plan == nullptr ||
        !misses_cycle(products_[p], plan->terms) ||
        !make_room(account_slot, products_[p], *plan, now_s, outcome))
      continue;
    if (!begin(account_slot, p, *plan, now_s, outcome))
      not_paid(account_slot, p, *plan, now_s, outcome);
  }
}

// Whether one of the plan may be bought, beside what is held; `queued`: it starts after that.
bool Shard::may_buy(const Account& account, const rating::Plan& plan, bool& queued) const {
  if (plan.terms.again == BoughtAgain::add) return true;
  const Slot held = find_product(account, plan.id, 0);
  if (held == none) return true;
  if (plan.terms.again == BoughtAgain::refuse) return false;
  queued = true;
  return true;
}

void Shard::buy_product(Operation& op) {
  const OperatorRequest& r = op.request;
  const auto now_s = static_cast<std::uint32_t>(r.now.seconds());
  const rating::Plan* plan = newest(r.plan);
  const rating::Plan* base = newest(accounts_[op.account].plan);
  if (plan == nullptr || base == nullptr || !plan->terms.addon ||
      plan->currency != base->currency || (r.flag && (r.starts_at == 0 || r.starts_at > now_s)) ||
      (r.ends_at != 0 && r.ends_at <= std::max(now_s, r.starts_at))) {
    op.reply.result = Result::invalid;
    return;
  }
  const bool unless_held = r.cursor == OperatorRequest::unless_held;
  for (Slot p = accounts_[op.account].first_product; p != none; p = products_[p].next) {
    const bool same = unless_held || (r.flag && products_[p].starts_at == r.starts_at);
    if (products_[p].plan != r.plan || !same) continue;
    op.reply.result = Result::unchanged;
    op.reply.id = products_[p].number;
    return;
  }
  bool queued = false;
  if (!r.flag && !may_buy(accounts_[op.account], *plan, queued)) {
    op.reply.result = Result::held;
    return;
  }
  take_purchase(op, *plan, queued);
  if (op.reply.result != Result::ok) return;
  if (!settle(op.account, r.now, op.outcome)) op.reply.result = Result::full;
  if (never_started(op.outcome, r.plan, op.reply.id)) op.reply.result = Result::insufficient;
  wake_sessions(op.account, false, r.now, op.outcome);
}

// The product of a purchase that may be made: started, or waiting for what starts it.
void Shard::take_purchase(Operation& op, const rating::Plan& plan, bool queued) {
  const OperatorRequest& r = op.request;
  const auto now_s = static_cast<std::uint32_t>(r.now.seconds());
  const bool at_use = r.starts_at == 0 && plan.terms.at_first_use;
  const bool at_once = !queued && !at_use && !r.flag && (r.starts_at == 0 || r.starts_at == now_s);
  const std::uint32_t starts_at = queued ? 0 : at_once ? now_s : r.starts_at;
  const Slot slot = add_product(op.account, r.plan, starts_at, r.ends_at, r.now);
  if (slot == none) {
    op.reply.result = Result::full;
    return;
  }
  op.reply.id = products_[slot].number;
  if (queued) products_[slot].flags |= product_queued;
  if (r.flag) {
    op.reply.result = start_product(op.account, slot, plan, r.starts_at, r.now, op.outcome);
    if (r.ends_at != 0) edit(products_, slot).ends_at = r.ends_at;
  } else if (at_once) {
    op.reply.result = start_product(op.account, slot, plan, 0, r.now, op.outcome);
  } else {  // later, after another, at its first use, or since a while: settled period by period
    note_product(products_[slot], &plan.terms, ProductEvent::bought, now_s, op.outcome);
  }
  note_due(op.account);
}

// When what is paid for is over: the longest period that runs, though hours may be paid as well; of
// a product without periods its own end, else that of its last allowance. 0: nothing has an end.
std::uint32_t Shard::end_of_period(const Account& account, const Product& product) const {
  std::uint32_t at = 0;
  for (const Product::Due& due : product.due) at = std::max(at, due.at);
  if (at != 0 && product.ends_at != 0) return std::min(at, product.ends_at);
  if (at == 0) at = product.ends_at;
  for (Slot b = account.first_bucket; b != none && at == 0; b = buckets_[b].next)
    if (buckets_[b].product == product.number) at = std::max(at, buckets_[b].ends_at);
  return at;
}

// One of the account's add-ons: `cursor` is its number, 0 = the latest. `flag`: with its period.
void Shard::end_holding(Operation& op) {
  const OperatorRequest& r = op.request;
  const Slot slot = find_product(accounts_[op.account], r.plan, r.cursor);
  if (slot == none) {
    op.reply.result = Result::not_found;
    return;
  }
  if (r.plan == accounts_[op.account].plan) {  // a base plan ends with another one
    op.reply.result = Result::invalid;
    return;
  }
  op.reply.id = products_[slot].number;
  if (r.flag && products_[slot].state == ProductState::active) {
    const std::uint32_t at = end_of_period(accounts_[op.account], products_[slot]);
    if (at != 0) {
      if (products_[slot].ends_at == at) op.reply.result = Result::unchanged;
      edit(products_, slot).ends_at = at;
      note_due(op.account);
      return;
    }
  }
  end_product(op.account, slot, static_cast<std::uint32_t>(r.now.seconds()), ProductEvent::ended,
              op.outcome);
  note_due(op.account);
  if (!settle(op.account, r.now, op.outcome)) op.reply.result = Result::full;  // one queued behind
  wake_sessions(op.account, false, r.now, op.outcome);
}

// The former base plan's product ends with what it granted, the new one's starts.
void Shard::set_plan(Operation& op) {
  const OperatorRequest& r = op.request;
  const rating::Plan* plan = newest(r.plan);
  if (plan == nullptr || plan->terms.addon) {
    op.reply.result = Result::invalid;
    return;
  }
  Account& account = edit(accounts_, op.account);
  if (account.plan == r.plan) {
    op.reply.result = Result::unchanged;
    return;
  }
  const Slot former = find_product(account, account.plan, 0);
  if (former != none)
    end_product(op.account, former, static_cast<std::uint32_t>(r.now.seconds()),
                ProductEvent::ended, op.outcome);
  account.plan = r.plan;
  if (plan->valid_for == 0) account.valid_until = 0;  // the new plan sets no end to it
  account.flags = static_cast<std::uint8_t>(account.flags & ~account_took_terms);
  for (std::uint32_t i = 0; i < plan->exchange_count; ++i)
    exchange_wallet(op.account, *plan, plan->exchange[i], op.outcome);
  op.reply.result = start_base_product(op.account, 0, r.now, op.outcome);
  note_due(op.account);
  wake_sessions(op.account, false, r.now, op.outcome);
}

// A status that changes is told to every session: what is granted stands until it is asked for.
void Shard::set_status(Operation& op) {
  const bool same = accounts_[op.account].status == op.request.status;
  edit(accounts_, op.account).status = op.request.status;
  if (!same) wake_sessions(op.account, false, op.request.now, op.outcome);
}

// Asks the gateways of the account's open sessions to come again; `for_credit`: only where a final
// grant or none at all is out, so that money would change the answer.
void Shard::wake_sessions(Slot account_slot, bool for_credit, Time now, Outcome& outcome) {
  std::size_t woken = 0;
  for (Slot s = accounts_[account_slot].first_session; s != none && woken < wakes_max;
       s = sessions_[s].next) {
    if (sessions_[s].state != SessionState::open) continue;
    Concerned concerned;
    for (Slot g = sessions_[s].first_group; g != none && for_credit; g = groups_[g].next) {
      if ((groups_[g].flags & rating::group_has_grant) == 0 ||
          (groups_[g].flags & rating::group_final) != 0)
        concerned.add(groups_[g]);
    }
    if (for_credit && concerned.count == 0) continue;
    ask_push(s, edit(sessions_, s), concerned.one(), concerned.rating_group(), now, outcome);
    if (!runtime_[s].push_outstanding) queue_push(s, shard_seconds(now));
    ++woken;
  }
}

// A product that waits for its first use starts with a request that concerns it. false: no room.
bool Shard::start_at_use(Slot account_slot, const rating::ChargeInput& input, Outcome& outcome) {
  if ((accounts_[account_slot].flags & account_waits_for_use) == 0) return true;
  bool started = false;
  for (Slot p = accounts_[account_slot].first_product; p != none;) {
    const Slot next = products_[p].next;  // it may end here: unpaid_fee: refuse
    const rating::Plan* plan = newest(products_[p].plan);
    bool concerned = false;
    if (products_[p].waits_for_use() && plan != nullptr) {
      for (std::uint32_t i = 0; i < rating::charged_rows(*input.request); ++i)
        concerned |= is_use(*input.request, input.request->mscc[i]) &&
                     rating::concerns(input, input.request->mscc[i], *plan);
    }
    if (concerned) {
      const auto now_s = static_cast<std::uint32_t>(input.now.seconds());
      if (!make_room(account_slot, products_[p], *plan, now_s, outcome)) return false;
      if (!begin(account_slot, p, *plan, now_s, outcome))
        not_paid(account_slot, p, *plan, now_s, outcome);
      started = true;
    }
    p = next;
  }
  if (started) note_due(account_slot);
  return true;
}

// The add-ons whose services come before the base plan's, by priority; and whether the base plan's
// product is suspended.
void Shard::add_products(const Account& account, rating::ChargeInput& input) const {
  for (Slot p = account.first_product; p != none; p = products_[p].next) {
    const Product& product = products_[p];
    if (product.plan == account.plan) {
      input.account_barred |= product.state == ProductState::suspended;
      continue;
    }
    const rating::PlanSet* set =
        product.state == ProductState::active ? set_of(product.plan) : nullptr;
    if (set == nullptr) continue;
    const rating::Plan& plan = *set->find(product.plan);
    if (plan.service_count == 0) continue;
    std::uint32_t at = input.addon_count++;
    for (; at > 0 && input.addons[at - 1].plan->terms.priority < plan.terms.priority; --at)
      input.addons[at] = input.addons[at - 1];
    input.addons[at] = rating::Addon{&plan, set->zones, set->version};
  }
}

}  // namespace levy::shard
