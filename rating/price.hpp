// Prices of running totals, exact in 128 bits, and the furthest step boundary that a credit pays.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// Bounds (rating/compile keeps them): numerator <= limits::balance_micros_max (< 2^60),
// denominator <= price_denominator_max (< 2^50), step <= limits::units_max (< 2^48); totals stay
// below total_units_max (2^62) and credits below 2^67, so no product here reaches 2^127.
#pragma once

#include <cstdint>

#include "engine/base/money.hpp"
#include "rating/plan.hpp"

namespace levy::rating {

inline constexpr std::int64_t price_denominator_max = 1'000'000'000'000'000;
// Largest running or used total of one group, units: beyond it a charge reports overflow.
inline constexpr std::int64_t total_units_max = std::int64_t{1} << 62;

// The first step boundary at or after `total`.
inline std::int64_t boundary_at_or_after(const Price& price, std::int64_t total) {
  const std::int64_t over = total % price.step;
  return over == 0 ? total : total + (price.step - over);
}

// price(total), micros, never saturated.
Int128 price_exact(const Price& price, std::int64_t total);

// The furthest step boundary B with total <= B <= end and price(B) - price(total) <= credit, in
// closed form. `end` is a boundary at or after `total`; credit >= 0. At least the first boundary
// at or after `total` is returned: what stands before it is already due for `total`.
std::int64_t furthest_boundary(const Price& price, std::int64_t total, std::int64_t end,
                               Int128 credit);

}  // namespace levy::rating
