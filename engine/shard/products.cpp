// Shard: products of an account fall due: their starts, periods and ends.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
//
// Everything due until `now` is done in the order of its due time, one step after the other, each
// whole or not at all: a step that has no room (buckets, movements, facts) waits, and whoever asked
// is told. An allowance has one bucket, filled again with every period; where the former period's
// is still reserved or rolls over, the next period gets one of its own.
#include <algorithm>

#include "engine/shard/pools.hpp"
#include "rating/ledger.hpp"
#include "rating/recurrence.hpp"

namespace levy::shard {

using rating::Allowance;
using rating::MovementKind;
using rating::Period;
using rating::Terms;
using rating::UnpaidFee;

namespace {

// One touch does at most so many steps; a year of missed hours is less.
constexpr int steps_max = 10'000;
// What settlement may take of an Outcome's movements; the charge that follows has the rest.
constexpr std::size_t movements_of_settlement = 192;

Period period_of(const Product::Due& due) {
  return {static_cast<rating::PeriodUnit>(due.unit), static_cast<std::uint16_t>(due.count)};
}

std::uint32_t first_of(std::uint32_t a, std::uint32_t b) {
  if (a == 0 || b == 0) return a + b;
  return std::min(a, b);
}

std::int64_t fees_of(const Terms& terms, std::uint8_t cycle) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < terms.fee_count; ++i)
    if (terms.fees[i].cycle == cycle) sum += terms.fees[i].amount;
  return sum;
}

}  // namespace

// One period of a cycle: [start, to) is the whole of it, of which [from, to) counts.
struct Shard::Span {
  std::uint32_t start = 0, from = 0, to = 0;
  bool whole = true;
  std::int64_t part(std::int64_t amount, std::int64_t step) const {
    return whole ? amount : rating::prorated(amount, step, start, from, to);
  }
  // The period that begins with a start or a resumption at `at`.
  static Span first(const Terms& terms, const Period& period, std::uint32_t at) {
    Span span{at, at, rating::period_after(terms, period, at, 1), true};
    if (!terms.calendar) return span;
    span.start = rating::calendar_start(terms, period, at);
    span.to = rating::period_after(terms, period, span.start, 1);
    span.whole = !terms.prorate || span.start == at;
    return span;
  }
};

// ---- when ------------------------------------------------------------------------------------

std::uint32_t Shard::due_at(const Product& product) const {
  std::uint32_t at = product.ends_at;
  if (product.state == ProductState::waiting && !product.queued())
    at = first_of(at, product.starts_at);
  if (product.state == ProductState::active)
    for (const Product::Due& due : product.due) at = first_of(at, due.at);
  return at;
}

// What the account waits for, after a change of its products. `arm`: it is looked at then.
void Shard::note_due(Slot account_slot, bool arm) {
  Account& account = edit(accounts_, account_slot);
  std::uint32_t at = 0;
  std::uint8_t flags = account.flags & (account_took_terms | account_room_came);
  // Sessions are told in a Record of its own: no charge has room for that.
  if ((flags & account_room_came) != 0) at = 1;
  for (Slot c = account.first_counter; c != none; c = counters_[c].next)
    at = first_of(at, counters_[c].resets_at);
  for (Slot p = account.first_product; p != none; p = products_[p].next) {
    const Product& product = products_[p];
    // One whose plan a reload has taken away is looked at again with the next touch of another.
    if (newest(product.plan) != nullptr) at = first_of(at, due_at(product));
    if (product.state == ProductState::suspended) flags |= account_waits_for_money;
    if (product.waits_for_use()) flags |= account_waits_for_use;
  }
  account.settle_at = at;
  account.flags = flags;
  if (at != 0 && arm) due_accounts_.set(account_slot, at);
}

// ---- money -----------------------------------------------------------------------------------

// One change of a bucket that no MSCC caused; those of one settlement are summed up.
void Shard::book(Outcome& outcome, MovementKind kind, Slot slot, std::int64_t amount) {
  if (amount == 0) return;
  rating::ChargeResult& c = outcome.charge;
  const std::uint32_t before = c.movement_count;
  rating::apply_movement(edit(buckets_, slot), slot, kind, amount, 0xff, c);
  if (c.movement_count == before) return;  // it overflows
  for (std::uint32_t i = 0; i < before; ++i) {
    rating::Movement& m = c.movements[i];
    if (m.kind != kind || m.bucket != slot || m.mscc != 0xff) continue;
    m.amount += amount;
    c.movement_count = before;
    return;
  }
}

// Whether the main wallet has a fee, or the plan's `unpaid_fee` lets it owe that.
bool Shard::can_pay(const Account& account, const rating::Plan& plan, std::int64_t fee) const {
  if (plan.terms.unpaid_fee == UnpaidFee::debt || fee == 0) return true;
  const rating::Plan* base = newest(account.plan);
  const std::int64_t limit = account.credit_limit + (base != nullptr ? base->credit_limit : 0);
  const Slot held = find_wallet(account, plan.currency);
  return (held != none ? buckets_[held].free() : 0) + limit >= fee;
}

// What a product costs that starts at `at`.
std::int64_t Shard::first_fee(const Terms& terms, std::uint32_t at) const {
  std::int64_t fee = fees_of(terms, rating::cycle_once);
  for (std::uint8_t c = 0; c < terms.cycle_count; ++c)
    fee += Span::first(terms, terms.cycles[c], at).part(fees_of(terms, c), 1);
  return fee;
}

// Takes a fee from the main wallet, if the plan's `unpaid_fee` lets it. false: it cannot be paid.
bool Shard::pay_fee(Slot account_slot, const rating::Plan& plan, std::int64_t fee,
                    Outcome& outcome) {
  if (fee == 0) return true;
  unpaid_fee_ = fee;
  if (!can_pay(edit(accounts_, account_slot), plan, fee)) return false;
  const Slot wallet = find_or_open_wallet(account_slot, plan.currency);
  if (wallet == none) return false;  // never: make_room() has seen to it
  book(outcome, MovementKind::spend, wallet, fee);
  return true;
}

// ---- steps -----------------------------------------------------------------------------------

// Whether a step at `at` gives the allowances of a cycle.
bool Shard::falls_due(const Product& product, const Terms& terms, std::uint8_t cycle,
                      std::uint32_t at) {
  if (cycle == rating::cycle_once) return (product.flags & product_started) == 0;
  for (const Product::Due& due : product.due)
    if (due.at != 0 && period_of(due) == terms.cycles[cycle]) return due.at <= at;
  return true;
}

// Calls on_owner(Slot) for each bucket that the allowance fills: of the account (none), or one of
// every subscriber.
template <class OnOwner>
void Shard::for_each_owner(const Account& account, const Allowance& allowance,
                           OnOwner&& on_owner) const {
  if (!allowance.per_subscriber) return on_owner(none);
  for (Slot s = account.first_subscriber; s != none; s = subscribers_[s].next) on_owner(s);
}

// Whether a former period's bucket of the allowance can be filled again at `at`.
bool Shard::has_reusable(const Account& account, const Product& product, const Allowance& allowance,
                         Slot owner, std::uint32_t at) const {
  for (Slot b = account.first_bucket; b != none; b = buckets_[b].next) {
    const rating::Bucket& bucket = buckets_[b];
    const bool rolls =
        bucket.ends_at == at && bucket.rolled < allowance.rollover && bucket.free() > 0;
    if (product.number != 0 && bucket.product == product.number && bucket.kind == allowance.kind &&
        bucket.owner == owner && bucket.unit == allowance.unit && bucket.ends_at != 0 &&
        bucket.ends_at <= at && bucket.reserved == 0 && bucket.in_transit == 0 && !rolls)
      return true;
  }
  return false;
}

// The bucket whose loss hurts least: one that has ended, else what was carried longest. Nobody
// holds anything of it. none: there is no such one.
Slot Shard::least_missed(const Account& account, std::uint32_t at) const {
  Slot least = none;
  for (Slot b = account.first_bucket; b != none; b = buckets_[b].next) {
    const rating::Bucket& bucket = buckets_[b];
    if ((bucket.flags & rating::bucket_main_wallet) != 0 || bucket.reserved != 0 ||
        bucket.in_transit != 0)
      continue;
    if (bucket.ends_at != 0 && bucket.ends_at < at) return b;
    if (bucket.rolled != 0 && (least == none || bucket.rolled > buckets_[least].rolled)) least = b;
  }
  return least;
}

// Makes what a step of the product needs: places for its new buckets, movements and facts. Where
// the account's buckets are all taken, what has ended goes, then what was carried longest. false:
// there is no room.
bool Shard::make_room(Slot account_slot, const Product& product, const rating::Plan& plan,
                      std::uint32_t at, Outcome& outcome) {
  Account& account = edit(accounts_, account_slot);
  const Terms& terms = plan.terms;
  std::size_t held = 0;
  std::size_t own = 0;
  for (Slot b = account.first_bucket; b != none; b = buckets_[b].next) {
    ++held;
    own += product.number != 0 && buckets_[b].product == product.number;
  }
  std::size_t fresh = find_wallet(account, plan.currency) == none;
  std::size_t grants = 0;
  for (std::size_t i = 0; i < terms.allowance_count; ++i) {
    const Allowance& allowance = terms.allowances[i];
    const bool due = falls_due(product, terms, allowance.cycle, at);
    for_each_owner(account, allowance, [&](Slot owner) {
      ++grants;
      fresh += due && !has_reusable(account, product, allowance, owner, at);
    });
  }
  std::size_t spare = buckets_.capacity() - buckets_.used();
  const std::size_t over = held + fresh > limits::buckets_per_account_max
                               ? held + fresh - limits::buckets_per_account_max
                               : 0;
  const std::size_t moves = own + grants + over + 2;
  if (outcome.product_count + 2 > outcome.products.size() ||
      settled_grants_ + fresh > limits::grants_per_settlement_max ||
      outcome.charge.movement_count + moves > movements_of_settlement)
    return false;
  while (held + fresh > limits::buckets_per_account_max || spare < fresh) {
    const Slot slot = least_missed(account, at);
    if (slot == none) return false;
    drop_bucket(account, slot, outcome);
    --held;
    ++spare;
  }
  return true;
}

ProductFact& Shard::note_product(const Product& product, const Terms* terms, ProductEvent event,
                                 std::uint32_t at, Outcome& outcome) const {
  // make_room() keeps two for each step; an operator's wish that finds none left is refused.
  if (outcome.product_count == outcome.products.size()) {
    outcome.charge.overflow = true;
    --outcome.product_count;
  }
  ProductFact& fact = outcome.products[outcome.product_count++];
  fact = ProductFact{};
  fact.plan = product.plan;
  fact.number = product.number;
  fact.event = event;
  fact.at = at;
  fact.tax_permille = terms != nullptr ? terms->tax_permille : 0;
  return fact;
}

// A renewal of the same cycle in the same settlement is one fact with it.
void Shard::note_renewal(const Product& product, const Terms& terms, const Product::Due& due,
                         std::uint32_t at, std::int64_t fee, Outcome& outcome) const {
  for (std::uint32_t i = 0; i < outcome.product_count; ++i) {
    ProductFact& known = outcome.products[i];
    if (known.event != ProductEvent::renewed || known.number != product.number ||
        known.plan != product.plan || static_cast<std::uint32_t>(known.unit) != due.unit ||
        known.unit_count != due.count)
      continue;
    known.at = at;
    known.periods = (known.periods + 1) & 0xffffff;
    known.fee += fee;
    return;
  }
  ProductFact& fact = note_product(product, &terms, ProductEvent::renewed, at, outcome);
  fact.unit = static_cast<rating::PeriodUnit>(due.unit);
  fact.unit_count = due.count;
  fact.fee = fee;
}

// Carries what is left of the period that ended at `at` into the one that ends at `to`: youngest
// first, at most rollover_max, what is reserved counted.
void Shard::roll_over(const Account& account, const Product& product, const Allowance& allowance,
                      Slot owner, std::uint32_t at, std::uint32_t to, Outcome& outcome) {
  Slot ended[limits::buckets_per_account_max];
  std::size_t count = 0;
  for (Slot b = account.first_bucket; b != none; b = buckets_[b].next) {
    const rating::Bucket& bucket = buckets_[b];
    if (bucket.product != product.number || bucket.kind != allowance.kind ||
        bucket.owner != owner || bucket.ends_at != at || bucket.rolled >= allowance.rollover)
      continue;
    std::size_t place = count++;
    for (; place > 0 && buckets_[ended[place - 1]].rolled > bucket.rolled; --place)
      ended[place] = ended[place - 1];
    ended[place] = b;
  }
  std::int64_t room = allowance.rollover_max != 0 ? allowance.rollover_max : limits::units_max;
  if (allowance.rollover_max == 0 && allowance.unit == rating::Unit::money)
    room = limits::balance_micros_max;
  for (std::size_t i = 0; i < count; ++i) {
    rating::Bucket& bucket = edit(buckets_, ended[i]);
    const std::int64_t held = bucket.free() + bucket.reserved;
    if (held <= 0 || bucket.reserved >= room) continue;  // what is reserved ends with its report
    const std::int64_t cut = std::min(std::max<std::int64_t>(0, held - room), bucket.free());
    room = std::max<std::int64_t>(0, room - (held - cut));
    book(outcome, MovementKind::expire, ended[i], cut);
    if (held == cut) continue;
    bucket.ends_at = to;
    bucket.spent_before = bucket.spent;
    ++bucket.rolled;
    bucket.rank = allowance.rolled_first ? std::int8_t{-1} : std::int8_t{1};
  }
}

// A bucket for an allowance: the former period's, where nobody holds anything of it.
Slot Shard::allowance_bucket(Slot account_slot, const Product& product, const Allowance& allowance,
                             Slot owner, std::uint32_t at, Outcome& outcome) {
  Account& account = accounts_[account_slot];
  for (Slot b = account.first_bucket; b != none; b = buckets_[b].next) {
    const rating::Bucket& bucket = buckets_[b];
    if (bucket.product != product.number || bucket.kind != allowance.kind ||
        bucket.owner != owner || bucket.unit != allowance.unit || bucket.ends_at == 0 ||
        bucket.ends_at > at || bucket.reserved != 0 || bucket.in_transit != 0)
      continue;
    book(outcome, MovementKind::expire, b, std::max<std::int64_t>(0, bucket.free()));
    return b;
  }
  rating::Bucket fresh;
  fresh.kind = allowance.kind;
  fresh.unit = allowance.unit;
  fresh.product = product.number;
  fresh.owner = owner;
  ++settled_grants_;
  return add_bucket(account, account_slot, fresh);
}

void Shard::give(Slot account_slot, const Product& product, const Allowance& allowance, Slot owner,
                 std::int64_t amount, std::uint32_t at, std::uint32_t to, Outcome& outcome) {
  if (amount == 0) return;
  const Slot slot = allowance_bucket(account_slot, product, allowance, owner, at, outcome);
  LEVY_CHECK(slot != none, account_slot);  // make_room() has seen to it
  rating::Bucket& bucket = edit(buckets_, slot);
  bucket.currency = allowance.currency;
  bucket.priority = allowance.priority;
  bucket.step = allowance.step;
  bucket.starts_at = at;
  bucket.ends_at = to;
  bucket.spent_before = bucket.spent;
  bucket.rolled = 0;
  bucket.rank = 0;
  book(outcome, MovementKind::credit, slot, amount);
}

// The allowances of one cycle for the period [.., to) that begins at `at`.
void Shard::give_cycle(Slot account_slot, const Product& product, const Terms& terms,
                       std::uint8_t cycle, const Span& span, std::uint32_t at, Outcome& outcome) {
  for (std::size_t i = 0; i < terms.allowance_count; ++i) {
    const Allowance& allowance = terms.allowances[i];
    if (allowance.cycle != cycle) continue;
    std::uint32_t to = span.to;
    if (cycle == rating::cycle_once)
      to = allowance.lifetime != 0 ? at + allowance.lifetime : product.ends_at;
    std::uint32_t until = to;
    if (product.ends_at != 0 && !terms.keeps_allowances) until = first_of(to, product.ends_at);
    for_each_owner(accounts_[account_slot], allowance, [&](Slot owner) {
      if (cycle != rating::cycle_once && allowance.rollover != 0)
        roll_over(accounts_[account_slot], product, allowance, owner, at, to, outcome);
      give(account_slot, product, allowance, owner, span.part(allowance.amount, allowance.step), at,
           until, outcome);
    });
  }
}

// A row for each cycle of the plan: its own, or one that is free or of a cycle that the plan has no
// more.
void Shard::claim_rows(Product& product, const Terms& terms, Rows& rows) {
  std::array<bool, limits::cycles_per_plan_max> taken{};
  for (std::size_t c = 0; c < terms.cycle_count; ++c) {
    rows[c] = nullptr;
    for (std::size_t i = 0; i < product.due.size(); ++i) {
      if (product.due[i].at == 0 || !(period_of(product.due[i]) == terms.cycles[c])) continue;
      rows[c] = &product.due[i];
      taken[i] = true;
    }
  }
  for (std::size_t c = 0; c < terms.cycle_count; ++c) {
    for (std::size_t i = 0; i < product.due.size() && rows[c] == nullptr; ++i) {
      if (taken[i]) continue;
      rows[c] = &product.due[i];
      taken[i] = true;
    }
  }
}

// Whether the plan has a cycle that the product does not know, and the product none that the plan
// has no more: that one's period is paid for, and the new one begins after it.
bool Shard::misses_cycle(const Product& product, const Terms& terms) {
  std::size_t running = 0;
  std::size_t known = 0;
  for (const Product::Due& due : product.due) {
    if (due.at == 0) continue;
    ++running;
    for (std::size_t c = 0; c < terms.cycle_count; ++c) known += period_of(due) == terms.cycles[c];
  }
  return running == known && known < terms.cycle_count;
}

// Begins the cycles that stand still, and at the first start what is given once. false: the fees
// cannot be paid; nothing has changed.
bool Shard::begin(Slot account_slot, Slot product_slot, const rating::Plan& plan, std::uint32_t at,
                  Outcome& outcome) {
  Product& product = edit(products_, product_slot);
  const Terms& terms = plan.terms;
  const bool fresh = (product.flags & product_started) == 0;
  const bool resumes = product.state == ProductState::suspended;
  Rows rows{};
  claim_rows(product, terms, rows);
  std::array<bool, limits::cycles_per_plan_max> begins{};
  std::int64_t fee = fresh ? fees_of(terms, rating::cycle_once) : 0;
  for (std::uint8_t c = 0; c < terms.cycle_count; ++c) {
    const bool known = rows[c]->at != 0 && period_of(*rows[c]) == terms.cycles[c];
    begins[c] = !known || (resumes && rows[c]->at <= at);
    if (!begins[c]) continue;
    fee += Span::first(terms, terms.cycles[c], at).part(fees_of(terms, c), 1);
  }
  if (!pay_fee(account_slot, plan, fee, outcome)) return false;
  const ProductEvent event = fresh     ? ProductEvent::started
                             : resumes ? ProductEvent::resumed
                                       : ProductEvent::renewed;
  note_product(product, &terms, event, at, outcome).fee = fee;
  product.state = ProductState::active;
  product.flags |= product_started;
  if (fresh) {
    product.starts_at = at;
    if (terms.lasts.unit != rating::PeriodUnit::none)
      product.ends_at = first_of(product.ends_at, rating::period_after(terms, terms.lasts, at, 1));
    give_cycle(account_slot, product, terms, rating::cycle_once, Span{}, at, outcome);
  }
  for (std::uint8_t c = 0; c < terms.cycle_count; ++c) {
    if (!begins[c]) continue;
    const Span span = Span::first(terms, terms.cycles[c], at);
    *rows[c] = Product::Due{span.to, terms.calendar ? span.start : at, 1,
                            static_cast<std::uint32_t>(terms.cycles[c].unit) & 15u,
                            terms.cycles[c].count & 255u};
    give_cycle(account_slot, product, terms, c, span, at, outcome);
  }
  return true;
}

// The next period of one cycle. false: its fee cannot be paid; nothing has changed.
bool Shard::renew(Slot account_slot, Slot product_slot, const rating::Plan& plan, Product::Due& due,
                  Outcome& outcome) {
  Product& product = products_[product_slot];
  const Terms& terms = plan.terms;
  const Period period = period_of(due);
  const std::uint32_t at = due.at;
  std::uint8_t cycle = 0;
  while (cycle < terms.cycle_count && !(terms.cycles[cycle] == period)) ++cycle;
  if (cycle == terms.cycle_count) {  // a reload has taken it out: what came instead begins now
    due = Product::Due{};
    return !misses_cycle(product, terms) || begin(account_slot, product_slot, plan, at, outcome);
  }
  const std::int64_t fee = fees_of(terms, cycle);
  if (!pay_fee(account_slot, plan, fee, outcome)) return false;
  note_renewal(product, terms, due, at, fee, outcome);
  due.periods = (due.periods + 1) & 0xfffff;
  due.at = rating::period_after(terms, period, due.anchor, due.periods);
  give_cycle(account_slot, product, terms, cycle, Span{at, at, due.at, true}, at, outcome);
  return true;
}

// The product leaves the account at `at`; what it granted ends, unless its plan lets it live on.
void Shard::end_product(Slot account_slot, Slot product_slot, std::uint32_t at, ProductEvent event,
                        Outcome& outcome) {
  Account& account = edit(accounts_, account_slot);
  const Product product = products_[product_slot];
  const rating::Plan* plan = newest(product.plan);
  note_product(product, plan != nullptr ? &plan->terms : nullptr, event, at, outcome);
  for (Slot b = account.first_bucket, next = none; b != none; b = next) {
    next = buckets_[b].next;
    if (buckets_[b].product != product.number) continue;
    rating::Bucket& bucket = edit(buckets_, b);
    bucket.product = 0;
    if (plan != nullptr && plan->terms.keeps_allowances) continue;
    bucket.ends_at = first_of(bucket.ends_at, std::max(at, 1u));
    if (bucket.reserved == 0 && bucket.in_transit == 0)
      drop_bucket(account, b, outcome);
    else
      book(outcome, MovementKind::expire, b, std::max<std::int64_t>(0, bucket.free()));
  }
  if (account.first_product == product_slot) {
    account.first_product = product.next;
  } else {
    Slot before = account.first_product;
    while (products_[before].next != product_slot) before = products_[before].next;
    edit(products_, before).next = product.next;
  }
  release(products_, product_slot);
  if (product.queued()) return;  // who waits behind it still waits
  for (Slot p = account.first_product; p != none; p = products_[p].next) {
    if (products_[p].plan != product.plan || !products_[p].queued()) continue;
    Product& next = edit(products_, p);
    next.flags = static_cast<std::uint8_t>(next.flags & ~product_queued);
    next.starts_at = at;
    break;
  }
}

// A fee that cannot be paid: the product ends, or waits for money.
void Shard::not_paid(Slot account_slot, Slot product_slot, const rating::Plan& plan,
                     std::uint32_t at, Outcome& outcome) {
  if (plan.terms.unpaid_fee == UnpaidFee::refuse) {
    end_product(account_slot, product_slot, at, ProductEvent::refused, outcome);
    outcome.products[outcome.product_count - 1].fee = unpaid_fee_;
    return;
  }
  Product& product = edit(products_, product_slot);
  if (product.state == ProductState::suspended) return;
  product.state = ProductState::suspended;
  note_product(product, &plan.terms, ProductEvent::suspended, at, outcome).fee = unpaid_fee_;
}

// The step of one product that is due at `at`.
void Shard::step(Slot account_slot, Slot product_slot, const rating::Plan& plan, std::uint32_t at,
                 Outcome& outcome) {
  Product& product = edit(products_, product_slot);
  if (product.ends_at != 0 && product.ends_at <= at)
    return end_product(account_slot, product_slot, at, ProductEvent::ended, outcome);
  if (product.state == ProductState::waiting) {
    if (!begin(account_slot, product_slot, plan, at, outcome))
      not_paid(account_slot, product_slot, plan, at, outcome);
    return;
  }
  for (Product::Due& due : product.due) {
    if (due.at == 0 || due.at > at) continue;
    if (!renew(account_slot, product_slot, plan, due, outcome))
      not_paid(account_slot, product_slot, plan, at, outcome);
    return;
  }
}

// The product of the account that falls due first, by `now_s`; none: nothing is due.
Slot Shard::first_due(const Account& account, std::uint32_t now_s, std::uint32_t& at) const {
  Slot first = none;
  for (Slot p = account.first_product; p != none; p = products_[p].next) {
    const std::uint32_t due = due_at(products_[p]);
    if (due == 0 || due > now_s || (first != none && due >= at)) continue;
    if (newest(products_[p].plan) == nullptr) continue;  // a reload has taken its plan away
    first = p;
    at = due;
  }
  return first;
}

// Everything that is due of the account's products. false: there was no room for all of it, and the
// rest is due still.
bool Shard::settle(Slot account_slot, Time now, Outcome& outcome) {
  const auto now_s = static_cast<std::uint32_t>(now.seconds());
  const Account& account = accounts_[account_slot];
  if (account.settle_at == 0 || account.settle_at > now_s) return true;
  reset_counters(account_slot, now);
  std::uint32_t at = 0;
  int steps = 0;
  Slot next = first_due(account, now_s, at);
  for (; next != none && steps < steps_max; ++steps) {
    const rating::Plan& plan = *newest(products_[next].plan);
    const Product& product = products_[next];
    const bool ends = product.ends_at != 0 && product.ends_at <= at;
    if (!ends && !make_room(account_slot, product, plan, at, outcome)) break;
    if (outcome.product_count + 2 > outcome.products.size()) break;
    step(account_slot, next, plan, at, outcome);
    next = first_due(account, now_s, at);
  }
  note_due(account_slot, next == none);
  return next == none;
}

// Money has come in, or a limit was raised: suspended products whose fees can be paid go on.
bool Shard::resume_products(Slot account_slot, Time now, Outcome& outcome) {
  if ((accounts_[account_slot].flags & account_waits_for_money) == 0) return true;
  const auto now_s = static_cast<std::uint32_t>(now.seconds());
  for (Slot p = accounts_[account_slot].first_product; p != none; p = products_[p].next) {
    if (products_[p].state != ProductState::suspended) continue;
    const rating::Plan* plan = newest(products_[p].plan);
    if (plan == nullptr) continue;
    if (!make_room(account_slot, products_[p], *plan, now_s, outcome)) return false;
    begin(account_slot, p, *plan, now_s, outcome);
  }
  note_due(account_slot);
  return true;
}

}  // namespace levy::shard
