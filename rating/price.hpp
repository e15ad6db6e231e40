// Prices of running totals, exact in 128 bits, and the furthest step boundary that a credit pays.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// Bounds (rating/compile keeps them): every tier's numerator <= limits::balance_micros_max (<
// 2^60), denominator * quantum <= price_denominator_max (< 2^50), step <= limits::units_max (<
// 2^48); totals stay below total_units_max (2^62) and credits below 2^67, so no product here
// reaches 2^127. Tiers begin on a step boundary of the tier before.
#pragma once

#include <cstdint>

#include "engine/base/money.hpp"
#include "rating/plan.hpp"

namespace levy::rating {

inline constexpr std::int64_t price_denominator_max = 1'000'000'000'000'000;
// Largest running or used total of one group, units: beyond it a charge reports overflow.
inline constexpr std::int64_t total_units_max = std::int64_t{1} << 62;

// The tier that the unit after `total` lies in.
inline Tier tier_at(const Price& price, std::int64_t total) {
  for (std::uint32_t k = price.further_tiers; k-- > 0;)
    if (total >= price.tiers[k].from) return price.tiers[k];
  return Tier{0, price.numerator, price.step, 0};
}

// The step boundary at or before, and at or after, `total`.
inline std::int64_t boundary_at_or_before(const Price& price, std::int64_t total) {
  const Tier tier = tier_at(price, total);
  return total - (total - tier.from) % tier.step;
}
inline std::int64_t boundary_at_or_after(const Price& price, std::int64_t total) {
  const Tier tier = tier_at(price, total);
  const std::int64_t over = (total - tier.from) % tier.step;
  return over == 0 ? total : total + (tier.step - over);
}
inline bool on_boundary(const Price& price, std::int64_t total) {
  return boundary_at_or_before(price, total) == total;
}

// Nothing is ever due for units.
inline bool costs_nothing(const Price& price) {
  if (price.free || price.none) return true;
  for (std::uint32_t k = 0; k < price.further_tiers; ++k)
    if (price.tiers[k].numerator != 0) return false;
  return price.numerator == 0 && price.minimum == 0;
}

// price(total), micros, never saturated. Without the connect fee.
Int128 price_exact(const Price& price, std::int64_t total);

// The furthest step boundary B with total <= B <= end and price(B) - price(total) <= credit, in
// closed form. `end` is a boundary at or after `total`; credit >= 0. At least the first boundary
// at or after `total` is returned: what stands before it is already due for `total`.
std::int64_t furthest_boundary(const Price& price, std::int64_t total, std::int64_t end,
                               Int128 credit);

}  // namespace levy::rating
