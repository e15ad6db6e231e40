// ISO 4217: letters to number and back.
// Core: control and admin threads. Allocates: text only. Blocks: never. Clock: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace levy::admin {

// "EUR" -> 978; 0 when there is no such currency. Capitals only.
std::uint16_t currency_number(std::string_view letters);
// 978 -> "EUR"; the number in decimal when it is not in the list.
std::string currency_letters(std::uint16_t number);

}  // namespace levy::admin
