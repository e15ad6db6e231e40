// Exact numbers from text: integers, scaled decimals, prices, addresses and names.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// A decimal is a mantissa of at most 18 digits and a scale of at most 18: with factors below 2^41
// the product stays below 2^101, so 128-bit arithmetic never overflows.
#include "config/values.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "config/limits.hpp"
#include "engine/base/money.hpp"

namespace levy::config {
namespace {

// A volume is told in octets too; a size of memory or disk is not: its table is the rest of this.
constexpr std::array<UnitName, 11> octet_unit_names{{
    {"octets", 1},
    {"octet", 1},
    {"B", 1},
    {"kB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
    {"KiB", 1LL << 10},
    {"MiB", 1LL << 20},
    {"GiB", 1LL << 30},
    {"TiB", 1LL << 40},
}};
constexpr std::span<const UnitName> size_unit_names = std::span(octet_unit_names).subspan(2);
constexpr std::array<UnitName, 6> duration_unit_names{{
    {"us", 1},
    {"ms", 1'000},
    {"s", 1'000'000},
    {"min", 60'000'000},
    {"h", 3'600'000'000},
    {"d", 86'400'000'000},
}};
constexpr std::array<UnitName, 6> second_unit_names{{
    {"s", 1},
    {"second", 1},
    {"seconds", 1},
    {"min", 60},
    {"h", 3'600},
    {"d", 86'400},
}};
constexpr std::array<UnitName, 2> event_unit_names{{{"event", 1}, {"events", 1}}};
constexpr std::array<UnitName, 1> percent_unit_names{{{"%", 10}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

struct Decimal {
  Int128 mantissa = 0;
  Int128 scale = 1;  // the value is mantissa / scale
  std::size_t length = 0;  // characters consumed, 0 = no number stands here
  bool too_long = false;
};

// Reads digits['.'digits], "_" only between digits.
Decimal read_decimal(std::string_view text) {
  Decimal out;
  int digits = 0;
  bool in_fraction = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    const bool between = i > 0 && is_digit(text[i - 1]) && i + 1 < text.size() &&
                         is_digit(text[i + 1]);
    if (c == '_' && between) continue;
    if (c == '.' && between && !in_fraction) {
      in_fraction = true;
      continue;
    }
    if (!is_digit(c)) break;
    if (digits > 0 || c != '0') ++digits;
    if (in_fraction) out.scale *= 10;
    if (digits > 18 || out.scale > Int128{1'000'000'000'000'000'000}) {
      out.too_long = true;
      return out;
    }
    out.mantissa = out.mantissa * 10 + (c - '0');
  }
  out.length = i;
  return out;
}

std::string unit_list(std::span<const UnitName> units) {
  std::string out;
  for (const UnitName& unit : units) {
    if (!out.empty()) out += ", ";
    out += unit.name;
  }
  return out;
}

std::string show_scaled(std::int64_t value, std::span<const UnitName> units) {
  const UnitName* best = &units.front();
  for (const UnitName& unit : units) {
    if (value != 0 && value % unit.factor == 0 && unit.factor > best->factor) best = &unit;
  }
  return std::to_string(value / best->factor) + " " + std::string(best->name);
}

// Splits at the first " word " of `text`; false: it does not occur.
bool split_at(std::string_view text, std::string_view word, std::string_view& left,
              std::string_view& right) {
  const std::size_t at = text.find(word);
  if (at == std::string_view::npos) return false;
  left = trim(text.substr(0, at));
  right = trim(text.substr(at + word.size()));
  return true;
}

// "60 s", "1500000 octets", "event" (one): what a price is for.
Parsed parse_price_units(std::string_view text, std::string_view unit) {
  if (!text.empty() && is_letter(text.front())) {
    return parse_units("1 " + std::string(text), unit);
  }
  Parsed parsed = parse_units(text, unit);
  if (parsed.ok() && (text.empty() || is_digit(text.back()))) {
    parsed.fault = "the price does not say what its " + std::string(text) + " are; write \"" +
                   std::string(text) + " " + std::string(unit) + "\"";
  }
  return parsed;
}

}  // namespace

std::span<const UnitName> size_units() { return size_unit_names; }
std::span<const UnitName> duration_units() { return duration_unit_names; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Parsed parse_integer(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  const std::string_view digits = negative ? text.substr(1) : text;
  const Decimal decimal = read_decimal(digits);
  if (decimal.too_long) return {0, "has more than 18 digits"};
  if (decimal.length == 0 || decimal.length != digits.size() || decimal.scale != 1) {
    return {0, "is not a whole number"};
  }
  const auto value = static_cast<std::int64_t>(decimal.mantissa);
  return {negative ? -value : value, {}};
}

Parsed parse_scaled(std::string_view text, std::span<const UnitName> units,
                    std::int64_t bare_factor, std::string_view base_name) {
  const Decimal decimal = read_decimal(text);
  if (decimal.too_long) return {0, "has more than 18 digits"};
  if (decimal.length == 0) return {0, "is not a number"};
  const std::string_view name = trim(text.substr(decimal.length));
  std::int64_t factor = 0;
  if (name.empty()) {
    if (bare_factor == 0 && decimal.mantissa != 0) {
      return {0, "has no unit; units are " + unit_list(units)};
    }
    factor = bare_factor == 0 ? 1 : bare_factor;
  }
  for (const UnitName& unit : units) {
    if (unit.name == name) factor = unit.factor;
  }
  if (factor == 0) {
    return {0, "has an unknown unit \"" + std::string(name.substr(0, 20)) + "\"; units are " +
                   unit_list(units)};
  }
  const Int128 product = decimal.mantissa * factor;
  if (product % decimal.scale != 0) {
    return {0, "is not a whole number of " + std::string(base_name)};
  }
  const Int128 value = product / decimal.scale;
  if (value > INT64_MAX) return {0, "is too large"};
  return {static_cast<std::int64_t>(value), {}};
}

Parsed parse_octets(std::string_view text) {
  return parse_scaled(text, octet_unit_names, 1, "octets");
}

Parsed parse_size(std::string_view text) { return parse_scaled(text, size_unit_names, 0, "bytes"); }

Parsed parse_duration(std::string_view text, std::int64_t base_us) {
  const std::string_view base_name =
      base_us == 1 ? "microseconds" : (base_us == 1'000 ? "milliseconds" : "seconds");
  Parsed parsed = parse_scaled(text, duration_unit_names, 0, "microseconds");
  if (!parsed.ok()) return parsed;
  if (parsed.number % base_us != 0) {
    return {0, "is not a whole number of " + std::string(base_name)};
  }
  parsed.number /= base_us;
  return parsed;
}

Parsed parse_permille(std::string_view text) {
  return parse_scaled(text, percent_unit_names, 0, "tenths of a per cent");
}

Parsed parse_units(std::string_view text, std::string_view unit) {
  if (unit == "octets") return parse_octets(text);
  if (unit == "seconds") return parse_scaled(text, second_unit_names, 1, "seconds");
  if (unit == "events") return parse_scaled(text, event_unit_names, 1, "events");
  return {0, "cannot be read without the service's unit"};
}

bool is_decimal(std::string_view text, bool allow_negative) {
  if (allow_negative && !text.empty() && text.front() == '-') text.remove_prefix(1);
  const Decimal decimal = read_decimal(text);
  return !decimal.too_long && decimal.length > 0 && decimal.length == text.size();
}

ParsedAmount parse_money(std::string_view text) {
  ParsedAmount out;
  const Decimal decimal = read_decimal(text);
  const std::string_view currency = trim(text.substr(decimal.length));
  if (decimal.too_long || decimal.length == 0) {
    out.fault = "does not begin with an amount of at most 18 digits";
  } else if (currency.size() != 3) {
    out.fault = "does not name a currency of three letters after the amount";
  }
  if (!out.ok()) return out;
  for (const char c : text.substr(0, decimal.length)) {
    if (c != '_') out.amount += c;
  }
  out.currency = std::string(currency);
  return out;
}

ParsedPeriod parse_period(std::string_view text) {
  constexpr std::array<std::string_view, 5> units{"hour", "day", "week", "month", "year"};
  ParsedPeriod out;
  std::string_view name = text;
  if (!text.empty() && !is_letter(text.front())) {
    const Decimal number = read_decimal(text);
    name = trim(text.substr(number.length));
    const Parsed count = parse_integer(text.substr(0, number.length));
    if (number.length == 0 || !count.ok()) {
      out.fault = "does not begin with a whole number or the name of a period";
      return out;
    }
    if (count.number < 1 || count.number > limits::period_count_max) {
      out.fault = "is out of bounds: 1 to " + std::to_string(limits::period_count_max);
      return out;
    }
    out.period.count = count.number;
  }
  std::string_view one = name;
  if (one.ends_with('s')) one.remove_suffix(1);
  for (const std::string_view unit : units)
    if (one == unit) out.period.unit = unit;
  if (out.period.unit.empty())
    out.fault = "has an unknown period \"" + std::string(name.substr(0, 20)) +
                "\"; periods are hours, days, weeks, months and years";
  return out;
}

ParsedQuantity parse_quantity(std::string_view text) {
  ParsedQuantity out;
  const std::string_view unit = trim(text.substr(read_decimal(text).length));
  const bool is_money = unit.size() == 3 && std::all_of(unit.begin(), unit.end(), [](char c) {
                          return c >= 'A' && c <= 'Z';
                        });
  if (is_money) {
    ParsedAmount money = parse_money(text);
    out.fault = money.fault;
    out.quantity.amount = std::move(money.amount);
    out.quantity.currency = std::move(money.currency);
    return out;
  }
  for (const std::string_view family : {"octets", "seconds", "events"}) {
    const Parsed parsed = parse_units(text, family);
    out.fault = parsed.fault;
    if (parsed.fault.starts_with("has an unknown unit")) continue;
    out.quantity.units = parsed.number;
    if (!unit.empty()) out.quantity.unit = family;
    if (parsed.ok() && (parsed.number < 1 || parsed.number > limits::units_max))
      out.fault = "is out of bounds: 1 to " + std::to_string(limits::units_max);
    return out;
  }
  out.fault = "has an unknown unit \"" + std::string(unit.substr(0, 20)) +
              "\"; it may be of octets, seconds or events, or a currency";
  return out;
}

namespace {

// ", step 1 s", ", first 60 s", ", up to 1 h" behind a price, each at most once.
std::string parse_price_parts(std::string_view text, std::string_view unit,
                              rating::PriceSource& price) {
  while (!text.empty()) {
    std::string_view part = text.substr(0, text.find(", "));
    text.remove_prefix(std::min(part.size() + 2, text.size()));
    std::int64_t* number = nullptr;
    for (const auto& [word, field] :
         {std::pair<std::string_view, std::int64_t*>{"step ", &price.step_units},
          {"first ", &price.first_units},
          {"up to ", &price.upto_units}}) {
      if (!part.starts_with(word)) continue;
      part.remove_prefix(word.size());
      number = field;
    }
    if (number == nullptr)
      return "has \"" + std::string(part) + "\" where only step, first and up to may stand";
    if (*number != 0) return "says the same twice";
    const Parsed parsed = parse_price_units(part, unit);
    if (!parsed.ok()) return "after a comma: " + parsed.fault;
    if (parsed.number < 1 || parsed.number > limits::units_max)
      return "is for 0 units or for more than " + std::to_string(limits::units_max);
    *number = parsed.number;
  }
  return {};
}

}  // namespace

ParsedPrice parse_price(std::string_view text, std::string_view unit) {
  ParsedPrice out;
  if (text == "free") {
    out.price.free = true;
    return out;
  }
  std::string_view amount, units, parts;
  if (!split_at(text, " per ", amount, units)) {
    out.fault = "is not a price";
    return out;
  }
  std::string_view per = units;
  split_at(units, ", ", per, parts);
  ParsedAmount money = parse_money(amount);
  out.fault = money.fault;
  if (!out.ok()) return out;
  out.price.amount = std::move(money.amount);
  out.currency = std::move(money.currency);
  const Parsed per_units = parse_price_units(per, unit);
  if (!per_units.ok()) {
    out.fault = "after \"per\": " + per_units.fault;
  } else if (per_units.number < 1 || per_units.number > limits::units_max) {
    out.fault = "is for 0 units or for more than " + std::to_string(limits::units_max);
  } else {
    out.price.per_units = per_units.number;
    out.fault = parse_price_parts(parts, unit, out.price);
  }
  return out;
}

bool is_ip_address(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return false;  // c_str() would end there
  const std::string copy(text);
  std::array<unsigned char, 16> bytes{};
  return inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1;
}

ParsedEndpoint parse_endpoint(std::string_view text) {
  ParsedEndpoint out;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    out.fault = "has no port";
    return out;
  }
  std::string_view host = text.substr(0, colon);
  const Parsed port = parse_integer(text.substr(colon + 1));
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool has_colon = host.find(':') != std::string_view::npos;
  if (has_colon != bracketed || (has_colon && !is_ip_address(host)) ||
      (!has_colon && !is_diameter_identity(host))) {
    out.fault = "has no valid host before the port";
  } else if (!port.ok() || port.number < 1 || port.number > 65'535) {
    out.fault = "has a port that is not 1 to 65535";
  }
  out.host = std::string(host);
  out.port = port.number;
  return out;
}

bool is_diameter_identity(std::string_view text) {
  if (text.empty() || text.size() > limits::diameter_identity_bytes_max) return false;
  std::size_t label = 0;
  for (const char c : text) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    if (!is_digit(c) && !is_letter(c) && c != '-' && c != '_') return false;
    if (++label > 63) return false;
  }
  return label > 0;
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > limits::name_bytes_max) return false;
  for (const char c : text) {
    if (!is_digit(c) && !is_letter(c) && c != '-' && c != '_' && c != '.') return false;
  }
  return true;
}

std::string show_size(std::int64_t bytes) {
  constexpr std::array<UnitName, 5> binary{
      {{"B", 1}, {"KiB", 1LL << 10}, {"MiB", 1LL << 20}, {"GiB", 1LL << 30}, {"TiB", 1LL << 40}}};
  return show_scaled(bytes, binary);
}

std::string show_duration(std::int64_t value, std::int64_t base_us) {
  if (value == 0) return base_us == 1 ? "0 us" : (base_us == 1'000 ? "0 ms" : "0 s");
  return show_scaled(value * base_us, duration_unit_names);
}

std::string show_permille(std::int64_t permille) {
  std::string out = std::to_string(permille / 10);
  if (permille % 10 != 0) out += "." + std::to_string(permille % 10);
  return out + " %";
}

}  // namespace levy::config
