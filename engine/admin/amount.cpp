// Exact amounts (see amount.hpp).
// Core: control and admin threads. Allocates: text only. Blocks: never. Clock: none.
#include "engine/admin/amount.hpp"

#include <array>

#include "engine/base/currency.hpp"

namespace levy::admin {

namespace {

constexpr std::size_t digits_max = 18;  // 10^18 < 2^63, so that a sum of digits cannot overflow

// text = [sign] digits [ "." digits ] times `scale`, exact and within the balance bound.
std::string_view parse_scaled(std::string_view text, std::int64_t scale, Sign sign,
                              std::string_view too_fine, std::int64_t& value) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (negative && sign == Sign::positive) return "the amount must not be negative";
  Int128 number = 0;
  Int128 divisor = 1;
  std::size_t digits = 0;
  bool point = false, digit_since_point = false;
  for (const char c : text) {
    if (c == '.' && !point && digits > 0) {
      point = true;
      digit_since_point = false;
      continue;
    }
    if (c < '0' || c > '9') return "not a decimal number (digits with at most one point)";
    if (++digits > digits_max) return "more digits than an amount can have";
    number = number * 10 + (c - '0');
    if (point) divisor *= 10;
    digit_since_point = true;
  }
  if (digits == 0 || !digit_since_point) {
    return "not a decimal number (digits with at most one point)";
  }
  number *= scale;
  if (number % divisor != 0) return too_fine;
  number /= divisor;
  if (number > limits::balance_micros_max) return "beyond the largest balance";
  value = static_cast<std::int64_t>(negative ? -number : number);
  return {};
}

struct Scale {
  std::string_view name;
  rating::Unit unit;
  std::int64_t factor;
};

constexpr auto scales = std::to_array<Scale>({
    {"B", rating::Unit::octets, 1},
    {"octets", rating::Unit::octets, 1},
    {"kB", rating::Unit::octets, 1'000},
    {"MB", rating::Unit::octets, 1'000'000},
    {"GB", rating::Unit::octets, 1'000'000'000},
    {"TB", rating::Unit::octets, 1'000'000'000'000},
    {"KiB", rating::Unit::octets, std::int64_t{1} << 10},
    {"MiB", rating::Unit::octets, std::int64_t{1} << 20},
    {"GiB", rating::Unit::octets, std::int64_t{1} << 30},
    {"TiB", rating::Unit::octets, std::int64_t{1} << 40},
    {"s", rating::Unit::seconds, 1},
    {"seconds", rating::Unit::seconds, 1},
    {"min", rating::Unit::seconds, 60},
    {"h", rating::Unit::seconds, 3'600},
    {"d", rating::Unit::seconds, 86'400},
    {"events", rating::Unit::events, 1},
});

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_digits(std::string_view text) {
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return !text.empty();
}

std::string_view parse_money(std::string_view text, Sign sign, std::int64_t& micros) {
  return parse_scaled(trimmed(text), 1'000'000, sign,
                      "more than 6 digits after the point: no rounding is done", micros);
}

std::string_view parse_units(std::string_view text, rating::Unit unit, Sign sign,
                             std::int64_t& units) {
  if (unit == rating::Unit::money) return parse_money(text, sign, units);
  text = trimmed(text);
  std::size_t number_end = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ') {
      number_end = i;
      break;
    }
  }
  const std::string_view name = trimmed(text.substr(number_end));
  std::int64_t factor = name.empty() ? 1 : 0;
  for (const Scale& scale : scales) {
    if (scale.unit == unit && scale.name == name) factor = scale.factor;
  }
  if (factor == 0) return "the unit is not one of this bucket (octets: B kB MB GB TB KiB MiB GiB "
                          "TiB; seconds: s min h d; events)";
  return parse_scaled(text.substr(0, number_end), factor, sign,
                      "not a whole number of units: no rounding is done", units);
}

std::string_view parse_number(std::string_view text, std::uint64_t max, std::uint64_t& number) {
  if (!is_digits(text) || text.size() > 19) return "not a whole number";
  std::uint64_t value = 0;
  for (const char c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  if (value > max) return "the number is too large";
  number = value;
  return {};
}

std::string money_text(std::int64_t micros) {
  const bool negative = micros < 0;
  const std::uint64_t value = negative ? std::uint64_t{0} - static_cast<std::uint64_t>(micros)
                                       : static_cast<std::uint64_t>(micros);
  std::string fraction = std::to_string(value % 1'000'000);
  fraction.insert(0, 6 - fraction.size(), '0');
  while (fraction.size() > 2 && fraction.back() == '0') fraction.pop_back();
  return (negative ? "-" : "") + std::to_string(value / 1'000'000) + "." + fraction;
}

std::uint16_t currency_number(std::string_view letters) {
  const Currency* found = find_currency(letters);
  return found != nullptr ? found->numeric : std::uint16_t{0};
}

std::string currency_letters(std::uint16_t number) {
  const Currency* found = find_currency(number);
  return found != nullptr ? std::string(found->letters) : std::to_string(number);
}

std::string_view unit_text(rating::Unit unit) {
  switch (unit) {
    case rating::Unit::money: return "money";
    case rating::Unit::octets: return "octets";
    case rating::Unit::seconds: return "seconds";
    case rating::Unit::events: return "events";
  }
  return "?";
}

std::string amount_text(std::int64_t amount, rating::Unit unit) {
  return unit == rating::Unit::money ? money_text(amount) : std::to_string(amount);
}

}  // namespace levy::admin
