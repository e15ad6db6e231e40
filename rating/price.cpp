// Exact prices: the sums behind price.hpp and price_of() of charge.hpp.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
#include "rating/price.hpp"

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

}  // namespace

Int128 price_exact(const Price& price, std::int64_t total) {
  LEVY_CHECK(total >= 0 && total <= total_units_max + limits::units_max, total);
  if (price.free || price.none) return 0;
  const Int128 units = boundary_at_or_after(price, total);
  return divide_wide(units * price.numerator, price.denominator, price.rounding);
}

std::int64_t price_of(const Price& price, std::int64_t total) {
  const Int128 exact = price_exact(price, total);
  return exact > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(exact);
}

std::int64_t furthest_boundary(const Price& price, std::int64_t total, std::int64_t end,
                               Int128 credit) {
  const Int128 per_step = Int128{price.step} * price.numerator;
  if (per_step == 0) return end;
  // The largest k with round(k * per_step / denominator) <= limit, solved for each rounding.
  const Int128 limit = credit + price_exact(price, total);
  const Int128 den = price.denominator;
  Int128 steps = 0;
  switch (price.rounding) {
    case Rounding::up:
      steps = limit * den / per_step;
      break;
    case Rounding::down:
      steps = ((limit + 1) * den - 1) / per_step;
      break;
    case Rounding::half_up:
      steps = ((2 * limit + 1) * den - 1) / (2 * per_step);
      break;
    case Rounding::half_even:  // an exact half goes to the even neighbour: `limit` when it is even
      steps = ((2 * limit + 1) * den - (limit & 1)) / (2 * per_step);
      break;
  }
  const Int128 boundary = steps * price.step;
  return boundary < end ? static_cast<std::int64_t>(boundary) : end;
}

}  // namespace levy::rating
