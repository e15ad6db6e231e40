// Money as Diameter writes it.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
#include "diameter/app/currency.hpp"

#include "engine/base/currency.hpp"

namespace levy::app {

Decimal to_decimal(Money money, std::uint16_t currency) {
  Decimal decimal{money.micros, -6};
  while (decimal.exponent < -std::int32_t{currency_exponent(currency)} &&
         decimal.digits % 10 == 0) {
    decimal.digits /= 10;
    ++decimal.exponent;
  }
  return decimal;
}

}  // namespace levy::app
