// Recurrence: civil dates by std::chrono, local time by the plan's offsets.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
#include "rating/recurrence.hpp"

#include <algorithm>
#include <chrono>

#include "engine/base/money.hpp"

namespace levy::rating {
namespace {

constexpr std::int64_t hour_seconds = 3600;
constexpr std::int64_t day_seconds = 86400;
constexpr std::int64_t instant_max = 4'291'747'199;  // the last second of 2105, UTC
// More days, or months, than lie between any two instants; no date overflows by so many.
constexpr std::int64_t distance_max = 50'000;

using Days = std::chrono::days;
using Date = std::chrono::year_month_day;

// A local time as its day since 1970-01-01 and the second of that day.
struct Local {
  std::int64_t day = 0;
  std::int64_t second = 0;
};

// The offset that holds `at`, as its index; `terms` has offsets.
std::uint32_t offset_index(const Terms& terms, std::int64_t at) {
  const ZoneOffset* const end = terms.offsets + terms.offset_count;
  const ZoneOffset* const after = std::upper_bound(
      terms.offsets, end, at, [](std::int64_t time, const ZoneOffset& o) { return time < o.from; });
  return after == terms.offsets ? 0 : static_cast<std::uint32_t>(after - terms.offsets - 1);
}

bool in_utc(const Terms& terms) {
  return terms.offsets == nullptr || terms.offset_count == 0;
}

std::int64_t offset_at(const Terms& terms, std::int64_t at) {
  return in_utc(terms) ? 0 : terms.offsets[offset_index(terms, at)].seconds;
}

Local local_of(const Terms& terms, std::int64_t at) {
  const std::int64_t local = at + offset_at(terms, at);
  const std::int64_t day =
      local >= 0 ? local / day_seconds : -((day_seconds - 1 - local) / day_seconds);
  return {day, local - day * day_seconds};
}

// The first instant whose local time is not before `local`: that is the end of a gap, and the first
// of two.
std::int64_t instant_of(const Terms& terms, const Local& local) {
  const std::int64_t seconds = local.day * day_seconds + local.second;
  if (in_utc(terms)) return seconds;
  // The first offset that lasts beyond it. Local times at which offsets end ascend with them.
  std::uint32_t low = 0;
  for (std::uint32_t high = terms.offset_count - 1; low < high;) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (std::int64_t{terms.offsets[middle + 1].from} + terms.offsets[middle].seconds > seconds)
      high = middle;
    else
      low = middle + 1;
  }
  const std::int64_t at = seconds - terms.offsets[low].seconds;
  return low == 0 ? at : std::max<std::int64_t>(at, terms.offsets[low].from);
}

std::uint32_t narrowed(std::int64_t at) {
  if (at > instant_max) return 0;
  return static_cast<std::uint32_t>(std::max<std::int64_t>(at, 0));
}

Date date_of(std::int64_t day) {
  return Date{std::chrono::sys_days{Days{day}}};
}

std::int64_t day_of(const Date& date) {
  return std::chrono::sys_days{date}.time_since_epoch().count();
}

// Months since the year 0.
std::int64_t month_of(const Date& date) {
  return std::int64_t{static_cast<int>(date.year())} * 12 + static_cast<unsigned>(date.month()) - 1;
}

std::int64_t days_per(PeriodUnit unit) {
  return unit == PeriodUnit::week ? 7 : 1;
}

std::int64_t months_per(PeriodUnit unit) {
  return unit == PeriodUnit::year ? 12 : 1;
}

// The day `months` months after `day`: a day of the month that does not exist is its last one.
std::int64_t months_later(std::int64_t day, std::int64_t months) {
  const Date date = date_of(day);
  const std::int64_t month = month_of(date) + months;
  const std::chrono::year_month target{std::chrono::year{static_cast<int>(month / 12)},
                                       std::chrono::month{static_cast<unsigned>(month % 12) + 1}};
  const Date last{target / std::chrono::last};
  return day_of(Date{target.year(), target.month(), std::min(date.day(), last.day())});
}

// A guess of periods_between that lies near the truth.
std::int64_t guess_between(const Terms& terms, PeriodUnit unit, std::uint32_t anchor,
                           std::uint32_t at) {
  const std::int64_t from = local_of(terms, anchor).day;
  const std::int64_t to = local_of(terms, at).day;
  if (unit == PeriodUnit::month || unit == PeriodUnit::year)
    return (month_of(date_of(to)) - month_of(date_of(from))) / months_per(unit);
  return (to - from) / days_per(unit);
}

}  // namespace

std::uint32_t period_after(const Terms& terms, const Period& period, std::uint32_t anchor,
                           std::uint32_t periods) {
  if (period.unit == PeriodUnit::none) return 0;
  // Also where the anchor is the second of two equal local times.
  if (periods == 0) return anchor;
  const std::int64_t count = std::int64_t{periods} * period.count;
  if (period.unit == PeriodUnit::hour) return narrowed(anchor + count * hour_seconds);
  const bool by_month = period.unit == PeriodUnit::month || period.unit == PeriodUnit::year;
  const std::int64_t distance =
      count * (by_month ? months_per(period.unit) : days_per(period.unit));
  if (distance > distance_max) return 0;
  Local local = local_of(terms, anchor);
  local.day = by_month ? months_later(local.day, distance) : local.day + distance;
  return narrowed(instant_of(terms, local));
}

std::uint32_t calendar_start(const Terms& terms, const Period& period, std::uint32_t at) {
  Local local = local_of(terms, at);
  if (period.unit == PeriodUnit::hour) {
    // Of a repeated hour it is the one that holds `at`: hours are counted, not read off a clock. An
    // offset of half an hour may begin within it.
    const std::int64_t start = at - local.second % hour_seconds;
    if (in_utc(terms)) return narrowed(start);
    const std::uint32_t index = offset_index(terms, at);
    return narrowed(index == 0 ? start : std::max<std::int64_t>(start, terms.offsets[index].from));
  }
  const Date date = date_of(local.day);
  local.second = 0;
  if (period.unit == PeriodUnit::week)
    local.day -= std::chrono::weekday{std::chrono::sys_days{date}}.iso_encoding() - 1;
  else if (period.unit == PeriodUnit::month)
    local.day = day_of(Date{date.year(), date.month(), std::chrono::day{1}});
  else if (period.unit == PeriodUnit::year)
    local.day = day_of(Date{date.year(), std::chrono::January, std::chrono::day{1}});
  return narrowed(instant_of(terms, local));
}

std::uint32_t periods_between(const Terms& terms, const Period& period, std::uint32_t anchor,
                              std::uint32_t at) {
  if (at < anchor || period.unit == PeriodUnit::none || period.count == 0) return 0;
  if (period.unit == PeriodUnit::hour)
    return static_cast<std::uint32_t>((at - anchor) / (hour_seconds * period.count));
  const std::int64_t guess = guess_between(terms, period.unit, anchor, at) / period.count;
  auto n = static_cast<std::uint32_t>(std::max<std::int64_t>(guess, 0));
  const auto begun = [&](std::uint32_t periods) {
    const std::uint32_t start = period_after(terms, period, anchor, periods);
    return start != 0 && start <= at;
  };
  while (n > 0 && !begun(n)) --n;
  while (begun(n + 1)) ++n;  // a calendar that skips a day has two periods that begin together
  return n;
}

std::int64_t prorated(std::int64_t amount, std::int64_t step, std::uint32_t start,
                      std::uint32_t from, std::uint32_t to) {
  const std::int64_t whole = std::int64_t{to} - start;
  const std::int64_t part = std::int64_t{to} - std::max(from, start);
  if (whole <= 0 || part <= 0) return 0;
  const auto share = static_cast<std::int64_t>(Int128{amount} * part / whole);
  return step > 1 ? share / step * step : share;
}

}  // namespace levy::rating
