// Exact prices: the sums behind price.hpp and price_of() of charge.hpp.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
#include "rating/price.hpp"

#include <algorithm>

#include "engine/base/check.hpp"
#include "rating/charge.hpp"

namespace levy::rating {
namespace {

// numerator / denominator for values >= 0, rounded by `mode`; the quotient may exceed 64 bits.
Int128 divide_wide(Int128 numerator, Int128 denominator, Rounding mode) {
  Int128 quotient;
  Int128 remainder;
  if (numerator <= INT64_MAX) {  // denominator is always below 2^63: one machine division
    const auto n = static_cast<std::uint64_t>(numerator);
    const auto d = static_cast<std::uint64_t>(denominator);
    quotient = n / d;
    remainder = n % d;
  } else {
    quotient = numerator / denominator;
    remainder = numerator % denominator;
  }
  const Int128 twice = remainder * 2;
  switch (mode) {
    case Rounding::up:
      return quotient + (remainder != 0);
    case Rounding::down:
      return quotient;
    case Rounding::half_up:
      return quotient + (twice >= denominator);
    case Rounding::half_even:
      return quotient + (twice > denominator || (twice == denominator && (quotient & 1) != 0));
  }
  return quotient;
}

// Micros * denominator as micros.
Int128 rounded(const Price& price, Int128 exact) {
  return divide_wide(exact, Int128{price.denominator} * price.quantum, price.rounding) *
         price.quantum;
}

// The tiers up to a boundary or started step, micros * denominator.
Int128 tiers_cost(const Price& price, std::int64_t total) {
  if (total == 0) return 0;
  const Tier tier = tier_at(price, total - 1);  // of the last unit
  const std::int64_t steps = (total - tier.from + tier.step - 1) / tier.step;
  return tier.before + Int128{steps} * tier.step * tier.numerator;
}

// The largest k with round((base + k * per_step) / denominator) <= micros, solved for each
// rounding; negative where not even base fits.
Int128 steps_within(const Price& price, Int128 base, Int128 per_step, Int128 micros) {
  const Int128 den = Int128{price.denominator} * price.quantum;
  const Int128 limit = micros / price.quantum;
  const auto floor_div = [](Int128 a, Int128 b) { return a >= 0 ? a / b : -((-a + b - 1) / b); };
  switch (price.rounding) {
    case Rounding::up:
      return floor_div(limit * den - base, per_step);
    case Rounding::down:
      return floor_div((limit + 1) * den - 1 - base, per_step);
    case Rounding::half_up:
      return floor_div((2 * limit + 1) * den - 1 - 2 * base, 2 * per_step);
    case Rounding::half_even:  // an exact half goes to the even neighbour: `limit` when it is even
      return floor_div((2 * limit + 1) * den - (limit & 1) - 2 * base, 2 * per_step);
  }
  return 0;
}

}  // namespace

Int128 price_exact(const Price& price, std::int64_t total) {
  LEVY_CHECK(total >= 0 && total <= total_units_max + limits::units_max, total);
  if (price.free || price.none || total == 0) return 0;
  Int128 cost = rounded(price, tiers_cost(price, total));
  if (cost < price.minimum) cost = price.minimum;
  if (price.maximum != 0 && cost > price.maximum) cost = price.maximum;
  return cost;
}

std::int64_t price_of(const Price& price, std::int64_t total) {
  const Int128 exact = price_exact(price, total);
  return exact > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(exact);
}

std::int64_t furthest_boundary(const Price& price, std::int64_t total, std::int64_t end,
                               Int128 credit) {
  const Int128 limit = credit + price_exact(price, total);
  const std::int64_t first = boundary_at_or_after(price, total);
  if (price.maximum != 0 && limit >= price.maximum) return end;
  if (limit < price.minimum) return first;
  // From the last tier backwards: the first in which something can be paid holds the boundary.
  for (std::uint32_t k = price.further_tiers + 1u; k-- > 0;) {
    const Tier tier = k == 0 ? Tier{0, price.numerator, price.step, 0} : price.tiers[k - 1];
    if (tier.from >= end && k != 0) continue;
    const Int128 per_step = Int128{tier.step} * tier.numerator;
    const std::int64_t stop = k < price.further_tiers ? std::min(price.tiers[k].from, end) : end;
    Int128 steps = 0;
    if (per_step == 0) {  // free up to its end, where what lies before it can be paid
      if (rounded(price, tier.before) > limit) continue;
      return stop;
    }
    steps = steps_within(price, tier.before, per_step, limit);
    if (steps < 0) continue;
    const Int128 boundary = tier.from + steps * tier.step;
    const std::int64_t found = boundary < stop ? static_cast<std::int64_t>(boundary) : stop;
    return std::max(found, first);
  }
  return first;
}

}  // namespace levy::rating
