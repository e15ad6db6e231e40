// Payers: which buckets pay for a tariff, and how many of their units for how many of its service.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
//
// Internal to rating/. A kind without rules in the tariff's plan pays for everything of its unit, 1
// to 1. Of one with rules, a rule of the service decides, under the conditions of the message; what
// a group has reserved there pays all the same, as it was reserved under the grant's conditions.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/money.hpp"
#include "rating/ledger.hpp"
#include "rating/tariff.hpp"

namespace levy::rating {

// `numerator` units of a bucket pay for `denominator` units of the service. Exact in 128 bits:
// amounts stay below 2^63, both numbers and steps below 2^32.
struct Weight {
  std::uint32_t numerator = 1;  // 0: it pays for nothing of the service
  std::uint32_t denominator = 1;
  bool free_too = true;  // also what is free there, not only the group's own reservation

  bool even() const { return numerator == denominator; }
  // Whole service units that `amount` of the bucket buys.
  Int128 buys(std::int64_t amount) const {
    return even() ? Int128{amount} : Int128{amount} * denominator / numerator;
  }
  // Whole steps of the bucket that `units` cost; the caller knows that they fit 63 bits.
  std::int64_t cost(std::int64_t units, std::int64_t step) const {
    if (even()) return (units + step - 1) / step * step;
    const Int128 exact = (Int128{units} * numerator + denominator - 1) / denominator;
    return static_cast<std::int64_t>((exact + step - 1) / step * step);
  }
  // The most whole steps of the bucket that buy no more than `units`.
  std::int64_t cost_below(Int128 units, std::int64_t step) const {
    const Int128 exact = even() ? units : ((units + 1) * numerator - 1) / denominator;
    return static_cast<std::int64_t>(std::min(exact, Int128{bucket_sum_max}) / step * step);
  }
};

class Payers {
 public:
  // `tariff` names a service. All three outlive it.
  Payers(const ChargeInput& input, const MsccRequest& mscc, const Tariff& tariff)
      : input_(input), mscc_(mscc), tariff_(tariff) {}

  const Tariff& tariff() const { return tariff_; }
  // The account's, for what it may owe; the tariff may be an add-on's.
  const Plan& base() const { return *input_.plan; }

  // Of a unit bucket; of one of money only `free_too` counts.
  Weight weight_of(const Bucket& bucket) const {
    const bool same = bucket.unit == Unit::money || bucket.unit == tariff_.service->unit;
    if (tariff_.plan->bucket_rule_count == 0 || bucket.kind == 0) return unruled(same);
    return by_rule(bucket, same);
  }

 private:
  static Weight unruled(bool same) { return {same ? 1u : 0u, 1, same}; }
  Weight by_rule(const Bucket& bucket, bool same) const;

  const ChargeInput& input_;
  const MsccRequest& mscc_;
  const Tariff& tariff_;
};

}  // namespace levy::rating
