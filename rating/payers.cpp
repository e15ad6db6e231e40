// Payers: the rules of bucket kinds.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
#include "rating/payers.hpp"

#include "rating/price.hpp"

namespace levy::rating {

Int128 Weight::buys_uneven(std::int64_t amount) const {
  return Int128{amount} * denominator / numerator;
}

std::int64_t Weight::cost_uneven(std::int64_t units, std::int64_t step) const {
  const Int128 exact = (Int128{units} * numerator + denominator - 1) / denominator;
  return static_cast<std::int64_t>((exact + step - 1) / step * step);
}

std::int64_t Weight::cost_below_uneven(Int128 units, std::int64_t step) const {
  const Int128 exact = ((units + 1) * numerator - 1) / denominator;
  return static_cast<std::int64_t>(std::min(exact, Int128{bucket_sum_max}) / step * step);
}

// Where the account has no such counter yet (there was no room for it), the group's total stands.
void Payers::accumulate(const Ledger* ledger) {
  if (ledger == nullptr) return;
  const std::uint16_t name = tariff_.plan->counters[tariff_.service->accumulates].name;
  const AccountView& account = ledger->account();
  for (std::uint32_t i = 0; i < account.counter_count; ++i) {
    const CounterRow& row = account.counters[i];
    if (!row.of_request || row.counter->name != name) continue;
    total_ = row.counter->value;
    accumulates_ = true;
  }
}

// One tier alone, counted from 0: what a step that was begun costs telescopes within it.
void Payers::choose_tier() {
  const Price& price = *tariff_.price();
  if (price.further_tiers == 0) return;
  const Tier tier = tier_at(price, total_);
  tier_ = price;
  tier_->numerator = tier.numerator;
  tier_->step = tier.step;
  tier_->further_tiers = 0;
}

Weight Payers::by_rule(const Bucket& bucket, bool same) const {
  // The last to pay whatever is due: no rule restricts it.
  if ((bucket.flags & bucket_main_wallet) != 0) return unruled(same);
  bool ruled = false;
  const BucketRule* rule = find_rule(tariff_, bucket.kind, ruled);
  if (!ruled) return unruled(same);
  const bool of_any = rule != nullptr && rule->service == BucketRule::any_service;
  if (rule == nullptr || rule->numerator == 0 || (of_any && !same))
    return {same ? 1u : 0u, 1, false};
  const bool now = all_hold(input_, mscc_, tariff_, rule->first_condition, rule->condition_count);
  if (bucket.unit == Unit::money) return {1, 1, now};
  return {rule->numerator, rule->denominator, now};
}

bool concerns(const ChargeInput& input, const MsccRequest& mscc, const Plan& product) {
  if (!mscc.has_used && !mscc.has_requested) return false;
  if (find_service(product, *input.request, mscc) != 0xffff) return true;
  const Tariff tariff = current_tariff(input, mscc);
  if (tariff.service == nullptr || tariff.service->barred || tariff.service->refused) return false;
  const Price& price = *tariff.price();
  if (price.free) return false;  // buckets are left alone
  const Payers payers(input, mscc, tariff);
  if (payers.sponsor() != 0) return false;  // nothing of the account's pays for it
  for (std::uint32_t k = 0; k < product.terms.allowance_count; ++k) {
    const Allowance& allowance = product.terms.allowances[k];
    Bucket bucket;
    bucket.kind = allowance.kind;
    bucket.unit = allowance.unit;
    const bool of_use =
        bucket.unit != Unit::money || (allowance.currency == tariff.plan->currency &&
                                       (!costs_nothing(price) || price.connect_fee > 0));
    if (!of_use) continue;
    if (bucket.unit == Unit::money ? payers.may_pay(bucket) : payers.weight_of(bucket).free_too)
      return true;
  }
  return false;
}

}  // namespace levy::rating
