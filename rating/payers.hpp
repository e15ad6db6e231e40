// Payers: which buckets pay for a tariff, and how many of their units for how many of its service.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
//
// Internal to rating/. A kind without rules in the tariff's plan pays for everything of its unit, 1
// to 1. Of one with rules, a rule of the service decides, under the conditions of the message; what
// a group has reserved there pays all the same, as it was reserved under the grant's conditions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "engine/base/money.hpp"
#include "rating/ledger.hpp"
#include "rating/tariff.hpp"

namespace levy::rating {

// `numerator` units of a bucket pay for `denominator` units of the service. Exact in 128 bits:
// amounts stay below 2^63, both numbers and steps below 2^32. Without initial values, for arrays.
struct Weight {
  std::uint32_t numerator;  // 0: it pays for nothing of the service
  std::uint32_t denominator;
  bool free_too;  // also what is free there, not only the group's own reservation

  bool even() const { return numerator == denominator; }
  // Whole service units that `amount` of the bucket buys.
  Int128 buys(std::int64_t amount) const { return even() ? Int128{amount} : buys_uneven(amount); }
  // Whole steps of the bucket that `units` cost; the caller knows that they fit 63 bits.
  std::int64_t cost(std::int64_t units, std::int64_t step) const {
    if (even()) return (units + step - 1) / step * step;
    return cost_uneven(units, step);
  }
  // The most whole steps of the bucket that buy no more than `units`.
  std::int64_t cost_below(Int128 units, std::int64_t step) const {
    return even() ? static_cast<std::int64_t>(units / step) * step : cost_below_uneven(units, step);
  }

  // Apart, so that the 1 to 1 of most buckets stays as short as it was.
  Int128 buys_uneven(std::int64_t amount) const;
  std::int64_t cost_uneven(std::int64_t units, std::int64_t step) const;
  std::int64_t cost_below_uneven(Int128 units, std::int64_t step) const;
};

class Payers {
 public:
  // `tariff` names a service. All of them outlive it; `ledger` may be null where no price is asked
  // for. `group`: whose running total is priced, null = a new one.
  Payers(const ChargeInput& input, const MsccRequest& mscc, const Tariff& tariff,
         const Ledger* ledger = nullptr, const Group* group = nullptr)
      : input_(input),
        mscc_(mscc),
        tariff_(tariff),
        unit_(tariff.service != nullptr ? tariff.service->unit : Unit::money),
        sponsor_(tariff.service != nullptr ? tariff.service->sponsor : std::uint16_t{0}),
        ruled_(tariff.plan->bucket_rule_count != 0),
        total_(group != nullptr ? group->running_total : 0) {
    if (tariff.service != nullptr && tariff.service->accumulates != Service::no_counter)
      accumulate(ledger);
    if (tariff.service != nullptr && tariff.service->whole_tiers) choose_tier();
  }

  const Tariff& tariff() const { return tariff_; }
  const ChargeInput& input() const { return input_; }
  const MsccRequest& mscc() const { return mscc_; }
  // The running total that the next units are priced from: the group's, or a counter's sum, which
  // units that buckets pay raise as well.
  std::int64_t total() const { return total_; }
  bool accumulates() const { return accumulates_; }
  // The tariff's price, or of whole tiers the one that the total stands in.
  const Price& price() const { return tier_ ? *tier_ : *tariff_.price(); }
  // The account's, for what it may owe; the tariff may be an add-on's.
  const Plan& base() const { return *input_.plan; }

  // The account's own buckets (0), or one sponsor's wallet.
  std::uint16_t sponsor() const { return sponsor_; }
  // What the main wallet that pays may be spent down to, below zero, micros.
  std::int64_t credit_limit(const Ledger& ledger) const {
    if (sponsor_ != 0) return 0;
    return positive(base().credit_limit) + positive(ledger.account_credit_limit());
  }

  // Whether a bucket of units cannot pay, before any look at rules: most plans have none.
  bool out_of_question(const Bucket& bucket) const {
    return sponsor_ != 0 || (bucket.unit != unit_ && (!ruled_ || bucket.unit == Unit::money));
  }
  // Whether a bucket of money is one of those that may be asked.
  bool may_ask(const Ledger& ledger, std::uint32_t i) const {
    return ledger.sponsor(i) == sponsor_ && ledger.holds_money(i, tariff_.plan->currency);
  }
  // Of a unit bucket.
  Weight weight_of(const Bucket& bucket) const {
    const bool same = bucket.unit == unit_;
    if (!ruled_ || bucket.kind == 0) return unruled(same);
    return by_rule(bucket, same);
  }
  // Whether what is free in a bucket of the tariff's money may pay.
  bool may_pay(const Bucket& money) const {
    return !ruled_ || money.kind == 0 || by_rule(money, true).free_too;
  }

 private:
  static Weight unruled(bool same) { return {same ? 1u : 0u, 1, same}; }
  Weight by_rule(const Bucket& bucket, bool same) const;
  void accumulate(const Ledger* ledger);
  void choose_tier();

  const ChargeInput& input_;
  const MsccRequest& mscc_;
  const Tariff& tariff_;
  Unit unit_;
  std::uint16_t sponsor_;
  bool ruled_;
  bool accumulates_ = false;
  std::int64_t total_;
  std::optional<Price> tier_;  // of whole tiers alone: hot paths do not pay for it
};

}  // namespace levy::rating
