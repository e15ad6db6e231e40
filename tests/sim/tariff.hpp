// The tariff of the simulated worlds, in the auditor's own words and with the auditor's own price
// function: shares no code with rating/.
// Core: the simulator's only thread. Allocates: yes. Blocks: never. Clock: none.
//
// Version 1 and 2 differ in their prices only. No bucket expires, no service has a share or a
// smallest grant: what the unit tests of rating/ enumerate is not repeated here.
#pragma once

#include <cstdint>
#include <map>

namespace levy::sim {

enum class Counts : std::uint8_t { octets = 1, seconds = 2, events = 3 };
enum class Round : std::uint8_t { up, down, half_up, half_even };

struct Rate {
  Counts counts = Counts::octets;
  std::int64_t micros = 0;  // per `per` units
  std::int64_t per = 1;
  std::int64_t step = 1;    // units: every started step is charged in full
  Round round = Round::up;
  bool free = false;        // zero-rated
  bool barred = false;      // 4010
  bool indivisible = false;
  std::int64_t first = 0;   // grant of the first request without a number
  std::int64_t later = 0;
  std::int64_t grant_max = (std::int64_t{1} << 48) - 1;
  std::uint32_t validity = 0;
  std::int64_t lost = 0;    // units charged of a lost session's grant; lost_reserved = all granted
};
inline constexpr std::int64_t lost_reserved = -1;

// Rating-Group -> Rate. Rating-Groups that are not here are unknown to the plan (5031).
using RateTable = std::map<std::uint32_t, Rate>;

const RateTable& rates(std::uint16_t version);
inline constexpr std::uint16_t versions = 2;
// Products, the same in both versions: an add-on with a fee at the start and by the hour, and an
// allowance by the hour in a currency that no service asks for, so that charging leaves it alone;
// and a base plan like the first, with a fee by the hour. Unpaid fees are a debt.
inline constexpr std::uint16_t base_plan = 1, addon_plan = 2, paid_plan = 3;
inline constexpr std::int64_t addon_start_fee = 30'001, addon_hour_fee = 20'002;
inline constexpr std::int64_t paid_hour_fee = 15'003;
inline constexpr std::int64_t allowance = 100, carried_max = 150;
inline constexpr std::uint8_t carried_periods = 2;
inline constexpr std::uint32_t hour = 3600;
inline constexpr std::uint32_t event_rating_group = 70;
inline constexpr std::uint32_t unknown_rating_group = 99;
inline constexpr std::uint32_t session_ttl = 300;  // seconds

// Money for `total` units of one session and Rating-Group: the started steps, times the price,
// rounded once.
std::int64_t naive_price(const Rate& rate, std::int64_t total);

}  // namespace levy::sim
