// Exact decimals and the price ratio made of them; never through floating point.
// Core: control. Allocates: never. Blocks: never. Clock: none.
//
// Internal to rating/compile.
#pragma once

#include <cstdint>
#include <string_view>

#include "rating/plan.hpp"

namespace levy::rating {

struct Decimal {
  std::int64_t digits = 0;  // >= 0
  int places = 0;           // value = digits / 10^places, without trailing zeros
};

// Plain decimals only: digits, one point, digits ("12", "0.25"); no sign, no exponent.
bool parse_decimal(std::string_view text, Decimal& decimal);

// numerator / denominator = amount in micros per `per_units`, in lowest terms. false: the exact
// ratio leaves the bounds that keep the sums of rating/price.hpp inside 128 bits.
bool price_ratio(const Decimal& amount, std::int64_t per_units, Price& price);

}  // namespace levy::rating
