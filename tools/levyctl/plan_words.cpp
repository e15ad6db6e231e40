// Words for plans (see plan_words.hpp).
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#include "tools/levyctl/plan_words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace levyctl {

namespace {

struct Size {
  const char* name;
  std::int64_t octets;
};
constexpr Size decimal_sizes[] = {
    {"TB", 1'000'000'000'000}, {"GB", 1'000'000'000}, {"MB", 1'000'000}, {"kB", 1'000}};
constexpr Size binary_sizes[] = {
    {"TiB", 1LL << 40}, {"GiB", 1LL << 30}, {"MiB", 1LL << 20}, {"KiB", 1LL << 10}};

// value / 1000^k with at most three decimals, when that is exact.
bool decimal_size(std::int64_t octets, std::string& text) {
  for (const Size& size : decimal_sizes) {
    if (octets < size.octets) continue;
    if (octets % (size.octets / 1000) != 0) return false;
    const std::int64_t thousandths = octets / (size.octets / 1000);
    text = decimal_text(fmt::format("{}.{:03}", thousandths / 1000, thousandths % 1000)) + " " +
           size.name;
    return true;
  }
  return false;
}

std::string octets_text(std::int64_t octets) {
  std::string text;
  if (decimal_size(octets, text)) return text;
  for (const Size& size : binary_sizes) {
    if (octets >= size.octets && octets % size.octets == 0)
      return fmt::format("{} {}", octets / size.octets, size.name);
  }
  return fmt::format("{} octet{}", octets, octets == 1 ? "" : "s");
}

// "GB" for one of something, else "1.5 MB": what stands behind "per".
std::string per_text(std::int64_t number, const std::string& unit) {
  const std::string text = units_text(number, unit);
  return text.starts_with("1 ") ? text.substr(2) : text;
}

std::string tier_text(const rating::PriceSource& price, const std::string& unit,
                      const std::string& currency) {
  std::string text = fmt::format("{} {} per {}", decimal_text(price.amount), currency,
                                 per_text(price.per_units, unit));
  const std::int64_t step = price.step_units == 0 ? price.per_units : price.step_units;
  if (step != price.per_units) text += ", step " + units_text(step, unit);
  if (price.first_units != 0 && price.first_units != step)
    text += ", first " + units_text(price.first_units, unit);
  if (price.upto_units != 0) text += ", up to " + units_text(price.upto_units, unit);
  return text;
}

}  // namespace

std::string count_text(std::size_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& texts, const std::string& between) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : between) + text;
  return out;
}

std::string seconds_text(std::int64_t seconds) {
  if (seconds != 0 && seconds % 86'400 == 0) return fmt::format("{} d", seconds / 86'400);
  if (seconds != 0 && seconds % 3'600 == 0) return fmt::format("{} h", seconds / 3'600);
  if (seconds != 0 && seconds % 60 == 0) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} s", seconds);
}

std::string units_text(std::int64_t number, const std::string& unit) {
  if (unit == "octets") return octets_text(number);
  if (unit == "seconds") return seconds_text(number);
  if (unit == "events") return count_text(static_cast<std::size_t>(number), "event");
  return fmt::format("{}", number);
}

std::string period_text(const rating::PeriodSource& period) {
  return count_text(static_cast<std::size_t>(period.count), period.unit);
}

std::string every_text(const rating::Placed<rating::PeriodSource>& every) {
  if (!every.given) return "once";
  return "every " + (every.value.count == 1 ? every.value.unit : period_text(every.value));
}

std::string quantity_text(const rating::QuantitySource& quantity, const std::string& unit) {
  if (!quantity.amount.empty()) return decimal_text(quantity.amount) + " " + quantity.currency;
  return units_text(quantity.units, quantity.unit.empty() ? unit : quantity.unit);
}

std::string micros_text(std::int64_t micros) {
  std::string text = fmt::format("{}{}.{:06}", micros < 0 ? "-" : "", std::abs(micros) / 1'000'000,
                                 std::abs(micros) % 1'000'000);
  while (text.ends_with('0') && text[text.size() - 3] != '.') text.pop_back();
  return text;
}

std::string permille_text(std::int64_t permille) {
  return permille % 10 == 0 ? fmt::format("{} %", permille / 10)
                            : fmt::format("{}.{} %", permille / 10, permille % 10);
}

std::string decimal_text(const std::string& amount) {
  std::string text = amount;
  if (text.find('.') != std::string::npos) {
    while (text.ends_with('0')) text.pop_back();
    if (text.ends_with('.')) text.pop_back();
  }
  std::size_t zeros = 0;
  while (zeros + 1 < text.size() && text[zeros] == '0' && text[zeros + 1] != '.') ++zeros;
  return text.substr(zeros);
}

std::string price_text(const rating::Placed<rating::PriceSource>& price, const std::string& unit,
                       const std::string& currency) {
  if (!price.given) return "none";
  if (price.value.free) return "free";
  std::string text = tier_text(price.value, unit, currency);
  for (const rating::PriceSource& tier : price.value.further)
    text += "; then " + tier_text(tier, unit, currency);
  return text;
}

std::string tariff_text(const rating::TariffSource& tariff, const std::string& unit,
                        const std::string& currency) {
  std::string text = price_text(tariff.price, unit, currency);
  if (tariff.discount.given) text += ", less " + permille_text(tariff.discount.value);
  if (tariff.minimum.given)
    text += fmt::format(", at least {} {}", decimal_text(tariff.minimum.value), currency);
  if (tariff.maximum.given)
    text += fmt::format(", at most {} {}, then {}", decimal_text(tariff.maximum.value), currency,
                        tariff.at_maximum.value == "stop" ? "stop" : "free");
  if (tariff.rounding.given && tariff.rounding.value != "up")
    text += ", rounded " + tariff.rounding.value;
  if (tariff.decimals.given) text += fmt::format(", to {} decimals", tariff.decimals.value);
  if (tariff.pass.given) text += ", with pass " + tariff.pass.value;
  return text;
}

std::string condition_text(const rating::ConditionSource& condition) {
  std::vector<std::string> values;
  for (const auto& value : condition.values) values.push_back(value.value);
  std::sort(values.begin(), values.end());
  return condition.attribute.value + (condition.negated ? " is not " : " is ") +
         joined(values, " or ");
}

std::string conditions_text(const std::vector<rating::ConditionSource>& when) {
  std::vector<std::string> texts;
  for (const rating::ConditionSource& condition : when) texts.push_back(condition_text(condition));
  std::sort(texts.begin(), texts.end());
  return joined(texts, " and ");
}

}  // namespace levyctl
