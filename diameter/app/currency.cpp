// Money as Diameter writes it.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
#include "diameter/app/currency.hpp"

namespace levy::app {

namespace {

// Minor units of ISO 4217, by numeric code; every currency not named here has 2.
std::int32_t minor_units(std::uint16_t currency) {
  switch (currency) {
    case 108:  // BIF
    case 152:  // CLP
    case 174:  // KMF
    case 262:  // DJF
    case 324:  // GNF
    case 352:  // ISK
    case 392:  // JPY
    case 410:  // KRW
    case 548:  // VUV
    case 600:  // PYG
    case 646:  // RWF
    case 704:  // VND
    case 800:  // UGX
    case 940:  // UYI
    case 950:  // XAF
    case 952:  // XOF
    case 953:  // XPF
      return 0;
    case 48:   // BHD
    case 368:  // IQD
    case 400:  // JOD
    case 414:  // KWD
    case 434:  // LYD
    case 512:  // OMR
    case 788:  // TND
      return 3;
    case 927:  // UYW
    case 990:  // CLF
      return 4;
    default: return 2;
  }
}

}  // namespace

Decimal to_decimal(Money money, std::uint16_t currency) {
  Decimal decimal{money.micros, -6};
  while (decimal.exponent < -minor_units(currency) && decimal.digits % 10 == 0) {
    decimal.digits /= 10;
    ++decimal.exponent;
  }
  return decimal;
}

}  // namespace levy::app
