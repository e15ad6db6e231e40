// Exact decimals and price ratios.
// Core: control. Allocates: never. Blocks: never. Clock: none.
#include "rating/compile/decimal.hpp"

#include "engine/base/money.hpp"
#include "rating/compile/compile.hpp"
#include "rating/price.hpp"

namespace levy::rating {
namespace {

constexpr std::int64_t digits_max = 900'000'000'000'000'000;  // 18 digits fit without overflow
constexpr int micros_places = 6;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

Int128 power_of_ten(int exponent) {
  Int128 power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

Int128 greatest_divisor(Int128 a, Int128 b) {
  while (b != 0) {
    const Int128 remainder = a % b;
    a = b;
    b = remainder;
  }
  return a;
}

}  // namespace

bool parse_decimal(std::string_view text, Decimal& decimal) {
  decimal = Decimal{};
  if (text.empty() || !is_digit(text.front()) || !is_digit(text.back())) return false;
  bool point = false;
  int zeros = 0;  // trailing zeros after the point, dropped unless a digit follows
  for (const char c : text) {
    if (c == '.') {
      if (point) return false;
      point = true;
      continue;
    }
    if (!is_digit(c)) return false;
    if (point && c == '0') {
      ++zeros;
      continue;
    }
    const int shift = point ? zeros + 1 : 1;
    if (shift > 18) return false;
    const Int128 next = Int128{decimal.digits} * power_of_ten(shift) + (c - '0');
    if (next > digits_max) return false;
    decimal.digits = static_cast<std::int64_t>(next);
    if (point) decimal.places += shift;
    zeros = 0;
  }
  return decimal.places <= 18;
}

bool price_ratio(const Decimal& amount, std::int64_t per_units, Price& price) {
  Int128 numerator = amount.digits;
  Int128 denominator = per_units;
  if (amount.places <= micros_places)
    numerator *= power_of_ten(micros_places - amount.places);
  else
    denominator *= power_of_ten(amount.places - micros_places);
  const Int128 divisor = greatest_divisor(numerator, denominator);
  numerator /= divisor;
  denominator /= divisor;
  if (numerator > limits::balance_micros_max || denominator > price_denominator_max) return false;
  price.numerator = static_cast<std::int64_t>(numerator);
  price.denominator = static_cast<std::int64_t>(denominator);
  return true;
}

bool parse_amount(std::string_view text, std::int64_t& micros) {
  Decimal decimal;
  if (!parse_decimal(text, decimal) || decimal.places > micros_places) return false;
  const Int128 value = Int128{decimal.digits} * power_of_ten(micros_places - decimal.places);
  if (value > limits::balance_micros_max) return false;
  micros = static_cast<std::int64_t>(value);
  return true;
}

}  // namespace levy::rating
