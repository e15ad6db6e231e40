// What a plan says, in words: amounts of units, prices, conditions. One wording for every command.
// Core: none. Allocates: yes. Blocks: never. Clock: none.
//
// Two sources that mean the same have the same words: "2.00 EUR per 1000 MB" and "2 EUR per GB".
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "rating/plan_source.hpp"

namespace levyctl {

namespace rating = levy::rating;

// Whether the part has the name, or had it (`was`).
template <class Part>
bool is_called(const Part& part, const std::string& name) {
  if (part.name.value == name) return true;
  if constexpr (requires { part.was; })
    for (const auto& former : part.was)
      if (former.value == name) return true;
  return false;
}

// "1.5 MB", "10 min", "3 events", exact.
std::string units_text(std::int64_t number, const std::string& unit);
// "2 min", "30 s"
std::string seconds_text(std::int64_t seconds);
// "0.25", "2.00": micros, exact, two decimals at least.
std::string micros_text(std::int64_t micros);
// "12.5 %"
std::string permille_text(std::int64_t permille);
// "0.80" without what does not count: "0.8"; "010" -> "10".
std::string decimal_text(const std::string& amount);

// "2 EUR per GB, step 1 MB", tiers joined by "then"; "free"; "none".
std::string price_text(const rating::Placed<rating::PriceSource>& price, const std::string& unit,
                       const std::string& currency);
// The price with discount, bounds and rounding, as one line. The fee has a word of its own.
std::string tariff_text(const rating::TariffSource& tariff, const std::string& unit,
                        const std::string& currency);
// "time is peak or evening", "plmn is not home"
std::string condition_text(const rating::ConditionSource& condition);
// Conditions in a fixed order, joined by "and".
std::string conditions_text(const std::vector<rating::ConditionSource>& when);

// "every month", "every 2 weeks"; "once" where nothing is given.
std::string every_text(const rating::Placed<rating::PeriodSource>& every);
// "2 weeks", "1 month"
std::string period_text(const rating::PeriodSource& period);
// "10 GB", "2 EUR"; `unit`: of the bucket kind.
std::string quantity_text(const rating::QuantitySource& quantity, const std::string& unit);

// "3 plans", "1 plan"
std::string count_text(std::size_t count, const std::string& what);
std::string joined(const std::vector<std::string>& texts, const std::string& between);

}  // namespace levyctl
