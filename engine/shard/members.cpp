// Shard: what a product gives to each subscriber of its account, for one that joins later.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
//
// Whoever is there when a period begins is given its buckets by products.cpp. Who joins in the
// middle is given those of the running periods here, once: with the Command that makes it.
#include <algorithm>

#include "engine/shard/pools.hpp"
#include "rating/recurrence.hpp"

namespace levy::shard {

using rating::Allowance;
using rating::Terms;

namespace {

std::uint32_t first_of(std::uint32_t a, std::uint32_t b) {
  return a == 0 || b == 0 ? a + b : std::min(a, b);
}

// The running period of the allowance: its end, 0 = none. false: it has none that runs at `at`.
bool running_period(const Product& product, const Terms& terms, const Allowance& allowance,
                    std::uint32_t at, std::uint32_t& to) {
  if (allowance.cycle == rating::cycle_once) {
    to = allowance.lifetime != 0 ? at + allowance.lifetime : product.ends_at;
    return true;
  }
  const rating::Period& period = terms.cycles[allowance.cycle];
  for (const Product::Due& due : product.due) {
    if (due.at <= at || due.count != period.count ||
        due.unit != static_cast<std::uint32_t>(period.unit))
      continue;
    to = due.at;
    return true;
  }
  return false;
}

// What a member that joins at `at` is given for the period that ends at `to`.
std::int64_t amount_of(const Terms& terms, const Allowance& allowance, std::uint32_t at,
                       std::uint32_t to) {
  if (allowance.cycle == rating::cycle_once || !terms.calendar || !terms.prorate)
    return allowance.amount;
  const std::uint32_t start = rating::calendar_start(terms, terms.cycles[allowance.cycle], at);
  return rating::prorated(allowance.amount, allowance.step, start, at, to);
}

}  // namespace

// false: there is no room for the buckets of `member`.
bool Shard::give_member(Slot account_slot, Slot member, Time now, Outcome& outcome) {
  const auto now_s = static_cast<std::uint32_t>(now.seconds());
  for (Slot p = accounts_[account_slot].first_product; p != none; p = products_[p].next) {
    const Product& product = products_[p];
    const rating::Plan* plan = newest(product.plan);
    const bool started = (product.flags & product_started) != 0;
    if (plan == nullptr || !started || product.state == ProductState::waiting) continue;
    if (!give_member_of(account_slot, member, product, plan->terms, now_s, outcome)) return false;
  }
  return true;
}

bool Shard::give_member_of(Slot account_slot, Slot member, const Product& product,
                           const Terms& terms, std::uint32_t at, Outcome& outcome) {
  for (std::size_t i = 0; i < terms.allowance_count; ++i) {
    const Allowance& allowance = terms.allowances[i];
    std::uint32_t to = 0;
    if (!allowance.per_subscriber || !running_period(product, terms, allowance, at, to)) continue;
    const std::int64_t amount = amount_of(terms, allowance, at, to);
    if (product.ends_at != 0 && !terms.keeps_allowances) to = first_of(to, product.ends_at);
    std::size_t held = 0;
    for (Slot b = accounts_[account_slot].first_bucket; b != none; b = buckets_[b].next) ++held;
    if (held >= limits::buckets_per_account_max || buckets_.used() == buckets_.capacity() ||
        settled_grants_ >= limits::grants_per_settlement_max)
      return false;
    give(account_slot, product, allowance, member, amount, at, to, outcome);
  }
  return true;
}

}  // namespace levy::shard
