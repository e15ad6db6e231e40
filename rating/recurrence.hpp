// Recurrence: when the periods of a product begin, in its plan's local time.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// Hours are 3600 s. Days, weeks, months and years are those of the local calendar: a period begins
// at the anchor's local time of day; a day of the month that a month does not have is its last one,
// and the 31st is the anchor's again where there is one. A local time that daylight saving skips is
// the first instant after the gap; one that it repeats is the first of the two.
#pragma once

#include <cstdint>

#include "rating/plan.hpp"

namespace levy::rating {

// The instant `periods` periods after `anchor`, unix seconds; 0 = beyond the year 2105.
std::uint32_t period_after(const Terms& terms, const Period& period, std::uint32_t anchor,
                           std::uint32_t periods);

// The beginning of the calendar's hour, day, week (Monday), month or year that holds `at`;
// period.count is 1.
std::uint32_t calendar_start(const Terms& terms, const Period& period, std::uint32_t at);

// How many whole periods lie between `anchor` and `at`: the greatest n with
// period_after(anchor, n) <= at; 0 where at < anchor.
std::uint32_t periods_between(const Terms& terms, const Period& period, std::uint32_t anchor,
                              std::uint32_t at);

// `amount` by the share that [from, to) has of [start, to), rounded down to whole steps.
std::int64_t prorated(std::int64_t amount, std::int64_t step, std::uint32_t start,
                      std::uint32_t from, std::uint32_t to);

}  // namespace levy::rating
