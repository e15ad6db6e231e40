// Points in time as operators write them.
// Core: admin threads. Allocates: no. Blocks: never. Clock: system, in unix_now() alone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/admin/control_door.hpp"

namespace levy::admin {

std::uint32_t unix_now();

// "2026-11-25", "2026-11-25 13:45", with ":30" and "T" instead of the blank: local time of `zone`
// (none: UTC), or UTC where a "Z" ends it; a date alone is its first instant. Or unix seconds. What
// daylight saving repeats is the first of the two, what it skips the instant after the gap.
// Returns why not, or an empty text.
std::string_view parse_date(std::string_view text, std::span<const ZoneChange> zone,
                            std::uint32_t& seconds);

// When a product starts and ends, of an operator's words.
struct ProductDates {
  std::uint32_t starts_at = 0;  // 0 = as the plan says: when it is bought, or with its first use
  std::uint32_t ends_at = 0;    // exclusive, 0 = as the plan says
};
// `starts` may be "now", or up to a year ago; of one that is `running` already it is no later than
// `now`. Empty texts: 0. Returns why not, or an empty text.
std::string_view product_dates(std::string_view starts, std::string_view ends, bool running,
                               std::uint32_t now, std::span<const ZoneChange> zone,
                               ProductDates& dates);

}  // namespace levy::admin
