// Debit: unit buckets by their steps, then money by the price of the running total.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
#include "rating/debit.hpp"

#include <algorithm>

#include "rating/counters.hpp"
#include "rating/price.hpp"

namespace levy::rating {
namespace {

// What bucket i has for this group: its free amount while the bucket runs and may pay, and the
// group's own reservation always. Other groups' reservations are out of reach.
std::int64_t available(const Ledger& ledger, std::uint32_t i, const Group& group, bool free_too) {
  const std::int64_t own = own_reserved(group, ledger.slot(i));
  return own + (free_too && ledger.usable(i) ? positive(ledger.bucket(i).free()) : 0);
}

// Pays units from unit buckets; returns the units that none of them paid.
std::int64_t debit_units(Ledger& ledger, const Payers& payers, Group& group, std::int64_t used,
                         std::uint8_t mscc) {
  const std::int64_t ahead = std::min(group.bucket_ahead, used);
  group.bucket_ahead -= ahead;
  std::int64_t rest = used - ahead;
  for (std::uint32_t i = 0; i < ledger.bucket_count() && rest > 0; ++i) {
    if (payers.out_of_question(ledger.bucket(i))) continue;
    const Weight weight = payers.weight_of(ledger.bucket(i));
    if (weight.numerator == 0) continue;
    const std::int64_t step = std::max<std::int64_t>(ledger.bucket(i).step, 1);
    const std::int64_t whole = available(ledger, i, group, weight.free_too) / step * step;
    const auto paid = static_cast<std::int64_t>(std::min(weight.buys(whole), Int128{rest}));
    if (paid == 0) continue;
    const std::int64_t taken = weight.cost(paid, step);
    ledger.spend(i, taken, group, mscc);
    rest -= paid;
    // Bounded for one step of a weight beyond reason: no session uses so many units.
    group.bucket_ahead =
        static_cast<std::int64_t>(std::min(weight.buys(taken) - paid, Int128{total_units_max}));
  }
  return rest;
}

// The main wallet pays what no other bucket could; what lies beyond its floor follows `overrun`.
void debit_wallet(Ledger& ledger, const Payers& payers, std::uint32_t wallet, std::int64_t due,
                  Group& group, std::uint8_t mscc, MsccOutcome& outcome) {
  const std::int64_t own = own_reserved(group, ledger.slot(wallet));
  const std::int64_t payable =
      own + positive(ledger.bucket(wallet).free() + payers.credit_limit(ledger));
  ledger.spend(wallet, due, group, mscc);
  const bool writes_off = payers.sponsor() == 0 && payers.base().overrun == Overrun::write_off;
  if (writes_off && due > payable) {
    ledger.move(MovementKind::write_off, wallet, due - payable, mscc);
    outcome.unpaid += due - payable;
  }
}

// In the tariff's currency, which an account that has changed its plan may hold beside the base
// plan's.
void debit_money(Ledger& ledger, const Payers& payers, std::int64_t due, Group& group,
                 std::uint8_t mscc, MsccOutcome& outcome) {
  std::int64_t rest = due;
  for (std::uint32_t i = 0; i < ledger.bucket_count() && rest > 0; ++i) {
    if (!payers.may_ask(ledger, i)) continue;
    if (ledger.owes(i)) {  // the last of its currency in the order of use
      debit_wallet(ledger, payers, i, rest, group, mscc, outcome);
      rest = 0;
      break;
    }
    const bool free_too = payers.may_pay(ledger.bucket(i));
    const std::int64_t taken = std::min(available(ledger, i, group, free_too), rest);
    if (taken == 0) continue;
    ledger.spend(i, taken, group, mscc);
    rest -= taken;
  }
  outcome.unpaid += rest;  // only for an account that has no main wallet
}

// What `rest` more units than `total` cost beside the connect fee; false: out of range.
bool charge_units(const Price& price, Group& group, std::int64_t total, std::int64_t rest,
                  std::int64_t fee, std::int64_t& charged) {
  group.running_total += rest;
  const Int128 due = price_exact(price, total + rest) - price_exact(price, total) + fee;
  if (due > limits::balance_micros_max ||
      group.money_total > bucket_sum_max - static_cast<std::int64_t>(due))
    return false;
  charged = static_cast<std::int64_t>(due);
  return true;
}

// false: out of range.
bool debit_use(Ledger& ledger, const Payers& payers, Group& group, std::int64_t used,
               std::uint8_t mscc, MsccOutcome& outcome) {
  const Price& price = payers.price();
  if (used > limits::units_max || group.used_total > total_units_max - used ||
      group.running_total > total_units_max - used) {
    return false;
  }
  group.used_total += used;
  const std::int64_t fee = (group.flags & group_connected) == 0 ? price.connect_fee : 0;
  group.flags |= group_connected;
  const std::int64_t rest = price.free ? used : debit_units(ledger, payers, group, used, mscc);
  outcome.used_by_buckets += used - rest;
  if (price.free || price.none) {
    group.running_total += rest;
    if (price.none) outcome.unrated += rest;
    return true;
  }
  if (rest == 0 && fee == 0) return true;
  outcome.fee += fee;
  std::int64_t charged = 0;
  const std::int64_t total = payers.total() + (payers.accumulates() ? used - rest : 0);
  if (!charge_units(price, group, total, rest, fee, charged)) return false;
  const std::int64_t unpaid_before = outcome.unpaid;
  debit_money(ledger, payers, charged, group, mscc, outcome);
  outcome.charged += charged;
  group.money_total += charged;
  if (rest == 0) return true;
  const bool whole_steps = on_boundary(price, total + rest);
  if (outcome.unpaid > unpaid_before && !whole_steps)
    group.flags |= group_unpaid;
  else if (whole_steps || charged > 0)
    group.flags = static_cast<std::uint8_t>(group.flags & ~group_unpaid);
  return true;
}

}  // namespace

void debit(Ledger& ledger, const Payers& payers, Group& group, std::int64_t used, std::uint8_t mscc,
           MsccOutcome& outcome) {
  if (used <= 0) return;
  outcome.used += used;
  if (payers.tariff().service == nullptr) {
    outcome.unrated += used;
    return;
  }
  outcome.rated_by = payers.tariff().rated_by();
  const std::int64_t charged_before = outcome.charged;
  if (!debit_use(ledger, payers, group, used, mscc, outcome)) return ledger.overflow();
  count_use(ledger, payers, used, outcome.charged - charged_before);
}

}  // namespace levy::rating
