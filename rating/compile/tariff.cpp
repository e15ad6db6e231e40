// compile_tariff: what a service or a rate costs, tiers on a common denominator.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
#include <numeric>

#include "rating/compile/checks.hpp"
#include "rating/compile/decimal.hpp"
#include "rating/price.hpp"

namespace levy::rating {
namespace {

std::string text(std::int64_t number) {
  return std::to_string(number);
}

// One tier as written: its ratio in lowest terms, its step, where it begins.
struct Written {
  std::int64_t from = 0;
  std::int64_t step = 1;
  Price ratio;
};

// What is taken off a price, and then put on it, per mille.
struct Share {
  std::int64_t discount = 0;
  std::int64_t tax = 0;
};

// numerator / denominator with its discount and tax, in lowest terms; false: out of bounds.
bool apply_share(const Share& share, Price& ratio) {
  // Below 2^60 * 2^10 * 2^11, and 2^50 * 2^20.
  Int128 numerator = Int128{ratio.numerator} * (1000 - share.discount) * (1000 + share.tax);
  Int128 denominator = Int128{ratio.denominator} * 1'000'000;
  Int128 a = numerator, b = denominator;
  while (b != 0) {
    const Int128 remainder = a % b;
    a = b;
    b = remainder;
  }
  numerator /= a;
  denominator /= a;
  if (numerator > limits::balance_micros_max || denominator > price_denominator_max) return false;
  ratio.numerator = static_cast<std::int64_t>(numerator);
  ratio.denominator = static_cast<std::int64_t>(denominator);
  return true;
}

// One price as written into `tiers` (two where its first step is longer); false: a fault.
bool read_tier(const PriceSource& from, const Place& place, std::int64_t begin, const Share& share,
               Checks& checks, std::vector<Written>& tiers) {
  const std::int64_t step = from.step_units == 0 ? from.per_units : from.step_units;
  if (from.per_units < 1 || from.per_units > limits::units_max) {
    checks.fault(place, "price is per " + text(from.per_units) + " units; allowed: 1 to " +
                            text(limits::units_max));
    return false;
  }
  if (step < 1 || step > limits::units_max) {
    checks.fault(
        place, "price step is " + text(step) + " units; allowed: 1 to " + text(limits::units_max));
    return false;
  }
  Written tier{begin, step, {}};
  Decimal amount;
  if (!parse_decimal(from.amount, amount)) {
    checks.fault(place, "price amount is '" + from.amount +
                            "'; allowed: a plain decimal of at most 18 digits, such as 0.25");
    return false;
  }
  if (!price_ratio(amount, from.per_units, tier.ratio) || !apply_share(share, tier.ratio)) {
    checks.fault(place, "price " + from.amount + " per " + text(from.per_units) +
                            " units cannot be kept exactly: in lowest terms it may have at most " +
                            text(limits::balance_micros_max) + " micros per " +
                            text(price_denominator_max) +
                            " units; use fewer decimals or a smaller 'per'");
    return false;
  }
  if (from.first_units != 0 && from.first_units != step) {
    tiers.push_back({begin, from.first_units, tier.ratio});
    tier.from = begin + from.first_units;
  }
  tiers.push_back(tier);
  return true;
}

bool read_tiers(const Placed<PriceSource>& source, const Share& share, Checks& checks,
                std::vector<Written>& tiers) {
  std::vector<const PriceSource*> all{&source.value};
  for (const PriceSource& next : source.value.further) all.push_back(&next);
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const PriceSource& one = *all[i];
    const bool last = i + 1 == all.size();
    if (one.first_units != 0 && i != 0) {
      checks.fault(source.place,
                   "'first' stands in a later tier of the price; it is the length of "
                   "a session's first step, so keep it in the first tier");
      return false;
    }
    if (!read_tier(one, source.place, begin, share, checks, tiers)) return false;
    if (last != (one.upto_units == 0)) {
      checks.fault(source.place, last
                                     ? "the last tier of a price has no 'up to'; remove it, or add "
                                       "the price of what follows"
                                     : "every tier of a price but the last needs its 'up to'");
      return false;
    }
    if (last) break;
    const Written& tier = tiers.back();
    if (one.upto_units <= tier.from || (one.upto_units - tier.from) % tier.step != 0) {
      checks.fault(source.place, "a tier of the price ends at " + text(one.upto_units) +
                                     " units; it must end a whole number of steps of " +
                                     text(tier.step) + " after " + text(tier.from));
      return false;
    }
    begin = one.upto_units;
  }
  if (tiers.size() <= limits::tiers_per_price_max) return true;
  checks.fault(source.place, "the price has " + text(static_cast<std::int64_t>(tiers.size())) +
                                 " tiers; allowed: 1 to " + text(limits::tiers_per_price_max));
  return false;
}

// The tiers' numerators over one denominator; false: that leaves the bounds.
bool join(const std::vector<Written>& written, CompiledPlan& plan, Price& price) {
  Int128 common = 1;
  for (const Written& tier : written) {
    const std::int64_t divisor =
        std::gcd(static_cast<std::int64_t>(common), tier.ratio.denominator);
    common = common / divisor * tier.ratio.denominator;
    if (common * price.quantum > price_denominator_max) return false;
  }
  price.denominator = static_cast<std::int64_t>(common);
  std::vector<Tier> tiers;
  Int128 before = 0;
  for (std::size_t i = 0; i < written.size(); ++i) {
    const Int128 numerator =
        Int128{written[i].ratio.numerator} * (price.denominator / written[i].ratio.denominator);
    if (numerator > limits::balance_micros_max) return false;
    const Tier tier{written[i].from, static_cast<std::int64_t>(numerator), written[i].step, before};
    if (i + 1 < written.size()) before += numerator * (written[i + 1].from - tier.from);
    if (i == 0) {
      price.numerator = tier.numerator;
      price.step = tier.step;
    } else {
      tiers.push_back(tier);
    }
  }
  price.further_tiers = static_cast<std::uint8_t>(tiers.size());
  if (tiers.empty()) return true;
  plan.own_tiers.push_back(std::make_unique<std::vector<Tier>>(std::move(tiers)));
  price.tiers = plan.own_tiers.back()->data();
  return true;
}

// Minimum, maximum and what comes after it.
void compile_bounds(const TariffSource& source, std::int64_t tax, Checks& checks, Price& price) {
  enum class AtMaximum : std::uint8_t { free, stop };
  static constexpr Choices<AtMaximum, 2> words{
      {{"free", AtMaximum::free}, {"stop", AtMaximum::stop}}};
  price.connect_fee = with_tax(checks.amount(source.connect_fee, "connect_fee"), tax);
  price.minimum = with_tax(checks.amount(source.minimum, "minimum"), tax);
  const std::int64_t maximum = with_tax(checks.amount(source.maximum, "maximum"), tax);
  const AtMaximum after = checks.choice(source.at_maximum, "at_maximum", words, AtMaximum::free);
  if (source.at_maximum.given && !source.maximum.given)
    checks.absent(source.at_maximum.place, "maximum",
                  "at_maximum has no effect without maximum; give one");
  if (!source.maximum.given) return;
  if (maximum == 0 || maximum < price.minimum) {
    checks.fault(
        source.maximum.place,
        "maximum is below " + std::string(maximum == 0 ? "0.000001" : "minimum") + "; raise it");
    return;
  }
  if (costs_nothing(price)) {
    checks.fault(source.maximum.place, "maximum has no effect: the price never reaches it");
    return;
  }
  if (after == AtMaximum::stop) {
    const std::int64_t below =
        furthest_boundary(price, 0, boundary_at_or_before(price, limits::units_max), maximum - 1);
    price.stop_at = boundary_at_or_after(price, below + 1);
  }
  price.maximum = maximum;
}

}  // namespace

std::int64_t added_tax(const PlanSource& plan, const Placed<std::int64_t>& tax) {
  return plan.tax_is.given && plan.tax_is.value == "added" && tax.given && tax.value >= 0 &&
                 tax.value <= 1000
             ? tax.value
             : 0;
}

std::int64_t with_tax(std::int64_t micros, std::int64_t tax) {
  return static_cast<std::int64_t>((Int128{micros} * (1000 + tax) + 500) / 1000);
}

void compile_tariff(const TariffSource& source, const Place& owner, std::int64_t tax,
                    Checks& checks, CompiledPlan& plan, Price& price) {
  static constexpr Choices<Rounding, 4> words{{{"up", Rounding::up},
                                               {"down", Rounding::down},
                                               {"half_up", Rounding::half_up},
                                               {"half_even", Rounding::half_even}}};
  price.rounding = checks.choice(source.rounding, "rounding", words, Rounding::up);
  const std::int64_t decimals = checks.number(source.decimals, "decimals", 0, 6, 6);
  for (std::int64_t k = decimals; k < 6; ++k) price.quantum *= 10;
  price.none = !source.price.given;
  price.free = source.price.given && source.price.value.free;
  if (price.none || price.free) {
    const std::string without = price.none
                                    ? " has no effect without a price; remove it or give the "
                                      "service a price"
                                    : " has no effect on a free price; remove it";
    const auto useless = [&](const auto& given, const char* key) {
      if (!given.given) return;
      if (price.none)
        checks.absent(given.place, "price", key + without);
      else
        checks.fault(given.place, key + without);
    };
    if (price.none) useless(source.rounding, "rounding");
    useless(source.decimals, "decimals");
    useless(source.connect_fee, "connect_fee");
    useless(source.minimum, "minimum");
    useless(source.maximum, "maximum");
    useless(source.discount, "discount");
    if (price.free && !source.price.value.further.empty())
      checks.fault(source.price.place, "a free price has no tiers; write '0 EUR per ...' for one");
    return;
  }
  const Share share{checks.number(source.discount, "discount", 1, 1000, 0), tax};
  std::vector<Written> tiers;
  if (!read_tiers(source.price, share, checks, tiers)) return;
  if (!join(tiers, plan, price)) {
    checks.fault(source.price.given ? source.price.place : owner,
                 "the tiers of this price, or its 'decimals', leave no common denominator of at "
                 "most " +
                     text(price_denominator_max) + "; use amounts of fewer decimals");
    return;
  }
  compile_bounds(source, tax, checks, price);
}

}  // namespace levy::rating
