// Money as Diameter writes it: Value-Digits and Exponent (RFC 8506 8.8).
// Core: shard. Allocates: never. Blocks: never. Clock: none.
#pragma once

#include <cstdint>

#include "engine/base/money.hpp"

namespace levy::app {

struct Decimal {
  std::int64_t digits = 0;
  std::int32_t exponent = 0;  // value = digits * 10^exponent
};

// Exact. The exponent is the currency's own (ISO 4217: 2 for most), finer where the amount needs.
Decimal to_decimal(Money money, std::uint16_t currency);

}  // namespace levy::app
