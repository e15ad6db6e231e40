// Dates of operators (see date.hpp).
// Core: admin threads. Allocates: no. Blocks: never. Clock: system, in unix_now() alone.
#include "engine/admin/date.hpp"

#include <algorithm>
#include <chrono>

#include "engine/admin/amount.hpp"

namespace levy::admin {

namespace {

constexpr std::uint32_t start_age_max = 366 * 86400;
constexpr std::string_view date_form =
    "not a date: 2026-11-25, 2026-11-25 13:45 (of the plan's time zone, with Z of UTC), or "
    "unix seconds";

// Takes `digits` digits from the front; false: there are fewer.
bool take_number(std::string_view& text, std::size_t digits, int& number) {
  if (text.size() < digits || !is_digits(text.substr(0, digits))) return false;
  number = 0;
  for (const char c : text.substr(0, digits)) number = number * 10 + (c - '0');
  text.remove_prefix(digits);
  return true;
}

bool take_one_of(std::string_view& text, std::string_view signs) {
  if (text.empty() || signs.find(text.front()) == signs.npos) return false;
  text.remove_prefix(1);
  return true;
}

// The instant of a local time, which is given as if it were UTC.
std::int64_t instant_of(std::int64_t local, std::span<const ZoneChange> zone) {
  for (std::size_t i = 0; i < zone.size(); ++i) {
    const std::int64_t at = local - zone[i].seconds;
    if (i + 1 == zone.size() || at < zone[i + 1].from)
      return i == 0 ? at : std::max<std::int64_t>(at, zone[i].from);
  }
  return local;
}

// A calendar date, and the time of day that may follow it. false: it is none.
bool take_local(std::string_view& text, std::int64_t& local) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!take_number(text, 4, year) || !take_one_of(text, "-") || !take_number(text, 2, month) ||
      !take_one_of(text, "-") || !take_number(text, 2, day))
    return false;
  if (take_one_of(text, " T")) {
    if (!take_number(text, 2, hour) || !take_one_of(text, ":") || !take_number(text, 2, minute))
      return false;
    if (take_one_of(text, ":") && !take_number(text, 2, second)) return false;
  }
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return false;
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  local = days * 86400 + hour * 3600 + minute * 60 + second;
  return true;
}

}  // namespace

std::uint32_t unix_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

std::string_view parse_date(std::string_view text, std::span<const ZoneChange> zone,
                            std::uint32_t& seconds) {
  text = trimmed(text);
  if (std::uint64_t number = 0; is_digits(text)) {
    if (!parse_number(text, UINT32_MAX, number).empty() || number == 0) return date_form;
    seconds = static_cast<std::uint32_t>(number);
    return {};
  }
  std::int64_t at = 0;
  if (!take_local(text, at)) return date_form;
  if (!take_one_of(text, "Z")) at = instant_of(at, zone);
  if (!text.empty() || at <= 0 || at > UINT32_MAX) return date_form;
  seconds = static_cast<std::uint32_t>(at);
  return {};
}

std::string_view product_dates(std::string_view starts, std::string_view ends, bool running,
                               std::uint32_t now, std::span<const ZoneChange> zone,
                               ProductDates& dates) {
  dates = {};
  if (starts == "now") {
    dates.starts_at = now;
  } else if (!starts.empty()) {
    if (const auto why = parse_date(starts, zone, dates.starts_at); !why.empty()) return why;
    if (dates.starts_at + start_age_max < now) {
      return "a start may lie at most one year in the past: of a running product write its latest "
             "anniversary";
    }
    if (running && dates.starts_at > now) return "a running product has not started in the future";
  }
  if (ends.empty()) return {};
  if (const auto why = parse_date(ends, zone, dates.ends_at); !why.empty()) return why;
  return dates.ends_at > std::max(now, dates.starts_at)
             ? std::string_view{}
             : "the end must lie after the start, and in the future";
}

}  // namespace levy::admin
