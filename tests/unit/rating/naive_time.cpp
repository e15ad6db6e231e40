// See naive_time.hpp.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/rating/naive_time.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace levy::rating::naive {
namespace {

bool leap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}
int days_in(int year, int month) {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && leap(year) ? 29 : days[month - 1];
}
// Monday is 0; 1970-01-01 was a Thursday.
int weekday_of(std::int64_t day) {
  return static_cast<int>((day + 3) % 7);
}

Date nth_sunday(int year, int month, int nth) {
  Date date{year, month, 1};
  while (weekday_of(days_of(date)) != 6) ++date.day;
  date.day += 7 * (nth - 1);
  return date;
}
Date last_sunday(int year, int month) {
  Date date{year, month, days_in(year, month)};
  while (weekday_of(days_of(date)) != 6) --date.day;
  return date;
}

constexpr std::int64_t hour = 3'600;

Date read_date(std::string_view text) {
  Date date;
  std::sscanf(std::string(text).c_str(), "%d-%d-%d", &date.year, &date.month, &date.day);
  return date;
}

void read_days(Period& period, const std::string& text) {
  constexpr std::string_view names[] = {"Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"};
  if (text == "holidays") {
    period.holidays = true;
  } else if (text[0] >= '0' && text[0] <= '9') {
    period.dated = true;
    const std::size_t dots = text.find("..");
    period.first_day = days_of(read_date(text.substr(0, dots)));
    period.last_day =
        dots == std::string::npos ? period.first_day : days_of(read_date(text.substr(dots + 2)));
  } else {
    period.has_weekdays = true;
    const auto index = [&](std::string_view name) {
      return std::find(std::begin(names), std::end(names), name) - std::begin(names);
    };
    auto day = index(text.substr(0, 2));
    const auto last = text.size() > 2 ? index(text.substr(3)) : day;
    for (;; day = (day + 1) % 7) {
      period.weekdays[day] = true;
      if (day == last) break;
    }
  }
}

}  // namespace

std::int64_t days_of(Date date) {
  static const std::vector<std::int64_t> year_starts = [] {
    std::vector<std::int64_t> starts;
    std::int64_t days = 0;
    for (int year = 1970; year <= 2100; ++year) {
      starts.push_back(days);
      days += leap(year) ? 366 : 365;
    }
    return starts;
  }();
  std::int64_t days = year_starts[static_cast<std::size_t>(date.year - 1970)];
  for (int month = 1; month < date.month; ++month) days += days_in(date.year, month);
  return days + date.day - 1;
}

Date date_of(std::int64_t days) {
  Date date{static_cast<int>(1970 + days / 366), 1, 1};
  while (days_of({date.year + 1, 1, 1}) <= days) ++date.year;
  std::int64_t rest = days - days_of(date);
  for (; rest >= days_in(date.year, date.month); ++date.month)
    rest -= days_in(date.year, date.month);
  date.day = static_cast<int>(rest) + 1;
  return date;
}

std::int64_t summer_begins(const std::string& zone, int year) {
  if (zone == "Europe/Berlin") return seconds_at(last_sunday(year, 3), 1, 0);  // 01:00 UTC
  if (zone == "America/New_York") return seconds_at(nth_sunday(year, 3, 2), 2, 0) + 5 * hour;
  if (zone == "Australia/Sydney") return seconds_at(nth_sunday(year, 10, 1), 2, 0) - 10 * hour;
  if (zone == "Australia/Lord_Howe")
    return seconds_at(nth_sunday(year, 10, 1), 2, 0) - 10 * hour - hour / 2;
  return 0;
}

std::int64_t summer_ends(const std::string& zone, int year) {
  if (zone == "Europe/Berlin") return seconds_at(last_sunday(year, 10), 1, 0);
  if (zone == "America/New_York") return seconds_at(nth_sunday(year, 11, 1), 2, 0) + 4 * hour;
  if (zone == "Australia/Sydney") return seconds_at(nth_sunday(year, 4, 1), 3, 0) - 11 * hour;
  if (zone == "Australia/Lord_Howe") return seconds_at(nth_sunday(year, 4, 1), 2, 0) - 11 * hour;
  return 0;
}

namespace {

// The summer time of a zone in the year of an instant.
struct Summer {
  std::string zone;
  std::int64_t from = 0, to = 0;  // the year; a change is never near its turn
  std::int64_t begins = 0, ends = 0;
};

const Summer& summer_at(const std::string& zone, std::int64_t utc) {
  static thread_local Summer last;
  if (last.zone == zone && utc >= last.from && utc < last.to) return last;
  const int year = date_of(utc / 86'400).year;
  last = {zone, seconds_at({year, 1, 1}, 0, 0), seconds_at({year + 1, 1, 1}, 0, 0),
          summer_begins(zone, year), summer_ends(zone, year)};
  return last;
}

// The end of summer time less than a day before or after `utc`; 0: none.
std::int64_t put_back(const std::string& zone, std::int64_t utc) {
  const std::int64_t ends = summer_at(zone, utc).ends;
  return ends != 0 && std::abs(ends - utc) < 86'400 ? ends : 0;
}

}  // namespace

std::int64_t offset_at(const std::string& zone, std::int64_t utc) {
  std::int64_t winter = 0, more = hour;
  if (zone == "Europe/Berlin") winter = hour;
  if (zone == "America/New_York") winter = -5 * hour;
  if (zone == "Asia/Kolkata") winter = 5 * hour + hour / 2;
  if (zone == "Australia/Sydney") winter = 10 * hour;
  if (zone == "Australia/Lord_Howe") winter = 10 * hour + hour / 2, more = hour / 2;
  const Summer& summer = summer_at(zone, utc);
  if (summer.begins == 0) return winter;
  const bool north = summer.begins < summer.ends;
  const bool in_summer =
      north ? utc >= summer.begins && utc < summer.ends : utc >= summer.begins || utc < summer.ends;
  return in_summer ? winter + more : winter;
}

Period period_of(const std::string& text) {
  Period period;
  const std::size_t space = text.find(' ');
  const std::string first = text.substr(0, space);
  std::string hours = first;
  if (first.find(':') == std::string::npos) {
    read_days(period, first);
    hours = space == std::string::npos ? "" : text.substr(space + 1);
  }
  int from_hour = 0, from_minute = 0, to_hour = 24, to_minute = 0;
  if (!hours.empty())
    std::sscanf(hours.c_str(), "%d:%d-%d:%d", &from_hour, &from_minute, &to_hour, &to_minute);
  period.from = from_hour * 60 + from_minute;
  period.to = to_hour * 60 + to_minute;
  return period;
}

NamedTime::NamedTime(const TimeSource& source, const Catalogue& catalogue, std::string zone,
                     std::int64_t start)
    : zone_(std::move(zone)), walked_to_(start / 300 * 300) {
  for (const auto& text : source.on) on_.push_back(period_of(text.value));
  for (const auto& text : source.except) except_.push_back(period_of(text.value));
  for (const auto& text : catalogue.holidays)
    holidays_.push_back(read_date(text.value.size() == 5 ? "0-" + text.value : text.value));
  on_there_ = on(walked_to_);
}

bool NamedTime::holiday(std::int64_t day) const {
  const Date date = date_of(day);
  return std::any_of(holidays_.begin(), holidays_.end(), [&](const Date& h) {
    return h.month == date.month && h.day == date.day && (h.year == 0 || h.year == date.year);
  });
}

bool NamedTime::day_fits(const Period& period, std::int64_t day) const {
  if (period.holidays) return holiday(day);
  if (period.dated) return day >= period.first_day && day <= period.last_day;
  return !period.has_weekdays || period.weekdays[weekday_of(day)];
}

// Hours across midnight belong to the day on which they begin. Where the clock is put back, a
// period begins when it first shows the beginning and ends when it last shows the end.
bool NamedTime::within(const Period& period, const Clock& clock) const {
  const std::int64_t today = clock.shown / 86'400;
  for (const std::int64_t day : {today - 1, today, today + 1}) {
    const std::int64_t from = day * 86'400 + period.from * 60;
    const std::int64_t to = day * 86'400 + period.to * 60 + (period.to <= period.from ? 86'400 : 0);
    if (clock.latest_until_now >= from && clock.earliest_from_now < to && day_fits(period, day))
      return true;
  }
  return false;
}

NamedTime::Clock NamedTime::clock_at(std::int64_t utc) const {
  Clock clock;
  clock.shown = clock.latest_until_now = clock.earliest_from_now = utc + offset_at(zone_, utc);
  const std::int64_t back = put_back(zone_, utc);
  if (back == 0) return clock;
  if (utc >= back)
    clock.latest_until_now = std::max(clock.shown, back - 1 + offset_at(zone_, back - 1));
  else
    clock.earliest_from_now = std::min(clock.shown, back + offset_at(zone_, back));
  return clock;
}

bool NamedTime::any_within(const std::vector<Period>& periods, const Clock& clock) const {
  return std::any_of(periods.begin(), periods.end(),
                     [&](const Period& p) { return within(p, clock); });
}

bool NamedTime::excepted(std::int64_t utc) const {
  return any_within(except_, clock_at(utc));
}

bool NamedTime::on(std::int64_t utc) const {
  const Clock clock = clock_at(utc);
  return any_within(on_, clock) && !any_within(except_, clock);
}

bool NamedTime::by_holiday(std::int64_t utc) const {
  return on(utc) && std::any_of(on_.begin(), on_.end(), [&](const Period& p) {
           return p.holidays && within(p, clock_at(utc));
         });
}

bool NamedTime::after_midnight(std::int64_t utc) const {
  return on(utc) && std::any_of(on_.begin(), on_.end(), [&](const Period& p) {
           const Clock clock = clock_at(utc);
           return p.to <= p.from && within(p, clock) && clock.shown % 86'400 / 60 < p.to;
         });
}

// Walks on from where it stopped; what it finds it keeps.
std::int64_t NamedTime::next_change(std::int64_t utc, std::int64_t bound) {
  while (walked_to_ <= bound && (changes_.empty() || changes_.back() <= utc)) {
    walked_to_ += 300;  // the periods of these tests begin and end on fives of minutes
    if (on(walked_to_) == on_there_) continue;
    on_there_ = !on_there_;
    changes_.push_back(walked_to_);
  }
  const auto next = std::upper_bound(changes_.begin(), changes_.end(), utc);
  return next == changes_.end() || *next > bound ? bound + 1 : *next;
}

}  // namespace levy::rating::naive
