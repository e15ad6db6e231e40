// Exact money: integers, checked arithmetic and explicit rounding. No floating point anywhere.
// Core: any. Allocates: never. Blocks: never. Clock: none.
//
// Amounts are in 10^-6 of the currency unit ("micros", semantics.md "Money"). A price is an exact
// ratio of such micros to a number of units; it is rounded once per running total.
#pragma once

#include <compare>
#include <cstdint>

#include "engine/base/check.hpp"

namespace levy {

__extension__ typedef __int128 Int128;

enum class Rounding : std::uint8_t { up, down, half_up, half_even };

// A balance, a charge or a reservation in micros; may be negative (debt).
struct Money {
  std::int64_t micros = 0;
  constexpr auto operator<=>(const Money&) const = default;
};

inline std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t r;
  LEVY_CHECK(!__builtin_add_overflow(a, b, &r), a, b);
  return r;
}
inline std::int64_t checked_sub(std::int64_t a, std::int64_t b) {
  std::int64_t r;
  LEVY_CHECK(!__builtin_sub_overflow(a, b, &r), a, b);
  return r;
}
inline Money operator+(Money a, Money b) {
  return Money{checked_add(a.micros, b.micros)};
}
inline Money operator-(Money a, Money b) {
  return Money{checked_sub(a.micros, b.micros)};
}

// numerator / denominator (denominator > 0), rounded by `mode`; `up` is away from zero for
// positive values and towards positive infinity in general (a started unit is charged).
inline std::int64_t divide_rounded(Int128 numerator, Int128 denominator, Rounding mode) {
  LEVY_CHECK(denominator > 0);
  Int128 quotient = numerator / denominator;
  Int128 remainder = numerator % denominator;
  if (remainder < 0) {  // floor division
    remainder += denominator;
    quotient -= 1;
  }
  const Int128 twice = remainder * 2;
  switch (mode) {
    case Rounding::up:
      quotient += remainder != 0;
      break;
    case Rounding::down:
      break;
    case Rounding::half_up:
      quotient += twice >= denominator;
      break;
    case Rounding::half_even:
      quotient += twice > denominator || (twice == denominator && (quotient & 1) != 0);
      break;
  }
  LEVY_CHECK(quotient <= INT64_MAX && quotient >= INT64_MIN);
  return static_cast<std::int64_t>(quotient);
}

}  // namespace levy
