// Decimal text to exact integers and back: money in micros, units of buckets.
// Core: control and admin threads. Allocates: text only. Blocks: never. Clock: none.
//
// Never through floating point and never rounded: what does not fit exactly is a fault.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/shard/command.hpp"

namespace levy::admin {

enum class Sign { positive, any };

// "10", "10.5", "-3.25" (Sign::any) -> micros. Returns why not, or an empty text.
std::string_view parse_money(std::string_view text, Sign sign, std::int64_t& micros);

// "5000", "5 GB", "1.5MiB", "90 min", "3 events" -> units, whole. Returns why not, or empty.
std::string_view parse_units(std::string_view text, rating::Unit unit, Sign sign,
                             std::int64_t& units);

// A whole number 0..max. Returns why not, or empty.
std::string_view parse_number(std::string_view text, std::uint64_t max, std::uint64_t& number);

// 10500000 -> "10.50": at least two digits after the point, at most six, exact.
std::string money_text(std::int64_t micros);

std::string_view unit_text(rating::Unit unit);  // "money", "octets", "seconds", "events"

// Money or units as text, by the unit.
std::string amount_text(std::int64_t amount, rating::Unit unit);

// "EUR" -> 978; 0 when there is no such currency. Capitals only.
std::uint16_t currency_number(std::string_view letters);
// 978 -> "EUR"; the number in decimal when no currency has it.
std::string currency_letters(std::uint16_t number);

std::string_view trimmed(std::string_view text);
bool is_digits(std::string_view text);

}  // namespace levy::admin
