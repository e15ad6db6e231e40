// Calendar: spans of text, day by day, through the zone's rules, to edges.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
#include "rating/compile/calendar.hpp"

#include <date/tz.h>

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>

namespace levy::rating {
namespace {

using std::chrono::minutes;

constexpr int day_minutes = 24 * 60;

// One "Mo-Fr 08:00-20:00": on these days, between these minutes of the local day.
struct Span {
  std::uint8_t weekdays = 0x7f;  // bit 0 = Monday
  bool holidays = false;         // only on holidays
  int from = 0;                  // minutes of the day
  int until = day_minutes;       // beyond a day: it ends on the next one
  std::optional<date::sys_days> first, last;
};

struct Interval {
  std::int64_t begin, end;  // unix seconds
};

bool read_two(std::string_view text, int low, int high, int& value) {
  if (text.size() != 2 || text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
    return false;
  value = (text[0] - '0') * 10 + (text[1] - '0');
  return value >= low && value <= high;
}

// "08:00", also "24:00".
bool read_clock(std::string_view text, int& value) {
  int hours = 0, rest = 0;
  if (text.size() != 5 || text[2] != ':' || !read_two(text.substr(0, 2), 0, 24, hours) ||
      !read_two(text.substr(3), 0, 59, rest))
    return false;
  value = hours * 60 + rest;
  return value <= day_minutes;
}

bool read_date(std::string_view text, date::sys_days& day) {
  int century = 0, year = 0, month = 0, of_month = 0;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' ||
      !read_two(text.substr(0, 2), 0, 99, century) || !read_two(text.substr(2, 2), 0, 99, year) ||
      !read_two(text.substr(5, 2), 1, 12, month) || !read_two(text.substr(8), 1, 31, of_month))
    return false;
  const date::year_month_day whole{date::year(century * 100 + year),
                                   date::month(static_cast<unsigned>(month)),
                                   date::day(static_cast<unsigned>(of_month))};
  day = date::sys_days(whole);
  return whole.ok();
}

int weekday_of(std::string_view text) {
  static constexpr std::string_view names[] = {"Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"};
  for (int i = 0; i < 7; ++i)
    if (text == names[i]) return i;
  return -1;
}

// "Mo-Fr", "Sa,Su", "Mo,We-Fr".
bool read_weekdays(std::string_view text, std::uint8_t& days) {
  days = 0;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t dash = part.find('-');
    const int first = weekday_of(part.substr(0, dash));
    const int last = dash == std::string_view::npos ? first : weekday_of(part.substr(dash + 1));
    if (first < 0 || last < 0) return false;
    for (int day = first;; day = (day + 1) % 7) {
      days = static_cast<std::uint8_t>(days | 1u << day);
      if (day == last) break;
    }
  }
  return days != 0;
}

bool read_word(std::string_view word, Span& span) {
  if (word == "holidays") {
    span.holidays = true;
    return true;
  }
  const std::size_t dots = word.find("..");
  date::sys_days first, last;
  if (dots != std::string_view::npos) {
    if (!read_date(word.substr(0, dots), first) || !read_date(word.substr(dots + 2), last) ||
        last < first)
      return false;
    span.first = first;
    span.last = last;
    return true;
  }
  if (read_date(word, first)) {
    span.first = span.last = first;
    return true;
  }
  if (word.size() == 11 && word[5] == '-' && read_clock(word.substr(0, 5), span.from) &&
      read_clock(word.substr(6), span.until)) {
    if (span.from == day_minutes) return false;
    if (span.until <= span.from) span.until += day_minutes;
    return true;
  }
  return read_weekdays(word, span.weekdays);
}

bool read_span(std::string_view text, Span& span) {
  int words = 0;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    if (space != 0) {
      if (!read_word(text.substr(0, space), span)) return false;
      ++words;
    }
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return words > 0;
}

constexpr const char* span_form =
    "allowed: words such as 'Mo-Fr', 'Sa,Su', '08:00-20:00', '23:00-06:00', 'holidays', "
    "'2026-12-24..2026-12-26'";

bool read_spans(const std::vector<Placed<std::string>>& texts, Checks& checks,
                std::vector<Span>& spans) {
  bool good = true;
  for (const Placed<std::string>& text : texts) {
    Span span;
    if (read_span(text.value, span)) {
      spans.push_back(span);
      continue;
    }
    checks.fault(text.place, "time is '" + text.value + "'; " + span_form);
    good = false;
  }
  return good;
}

// Dates, and days of every year as month * 100 + day.
struct Holidays {
  std::set<date::sys_days> dates;
  std::set<unsigned> yearly;

  bool on(date::sys_days day) const {
    const date::year_month_day ymd(day);
    return dates.contains(day) ||
           yearly.contains(unsigned(ymd.month()) * 100 + unsigned(ymd.day()));
  }
};

bool read_holidays(const std::vector<Placed<std::string>>& texts, Checks& checks,
                   Holidays& holidays) {
  bool good = true;
  for (const Placed<std::string>& text : texts) {
    date::sys_days day;
    if (read_date(text.value, day)) {
      holidays.dates.insert(day);
    } else if (text.value.size() == 5 && read_date("2024-" + text.value, day)) {
      const date::year_month_day ymd(day);
      holidays.yearly.insert(unsigned(ymd.month()) * 100 + unsigned(ymd.day()));
    } else {
      checks.fault(text.place, "holiday is '" + text.value +
                                   "'; allowed: a date, 2026-12-25, or 12-25 for every year");
      good = false;
    }
  }
  return good;
}

std::int64_t instant(const date::time_zone* zone, date::sys_days day, int minute, bool latest) {
  const date::local_seconds local =
      date::local_days(day.time_since_epoch()) + minutes(minute) + std::chrono::seconds(0);
  if (zone == nullptr) return local.time_since_epoch().count();
  date::sys_seconds at = zone->to_sys(local, date::choose::earliest);
  if (latest) {
    const date::sys_seconds second = zone->to_sys(local, date::choose::latest);
    // An end at which a repeated hour begins is not within it: 22:00-02:00 ends when the clock
    // first shows 02:00, though it is then put back from 03:00 to 02:00.
    if (zone->get_info(second).begin != second) at = second;
  }
  return at.time_since_epoch().count();
}

// All intervals of the spans, in order and apart from each other.
std::vector<Interval> intervals_of(const std::vector<Span>& spans, const Holidays& holidays,
                                   const date::time_zone* zone) {
  std::vector<Interval> all;
  const date::sys_days first{date::year(calendar_first_year) / 1 / 1};
  const date::sys_days last{date::year(calendar_last_year) / 12 / 31};
  for (date::sys_days day = first; day <= last; day += date::days(1)) {
    const unsigned weekday = date::weekday(day).iso_encoding() - 1;
    for (const Span& span : spans) {
      if ((span.weekdays >> weekday & 1) == 0) continue;
      if (span.first && (day < *span.first || day > *span.last)) continue;
      if (span.holidays && !holidays.on(day)) continue;
      const Interval one{instant(zone, day, span.from, false),
                         instant(zone, day, span.until, true)};
      if (one.begin < one.end) all.push_back(one);
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
  std::vector<Interval> joined;
  for (const Interval& one : all) {
    if (!joined.empty() && one.begin <= joined.back().end)
      joined.back().end = std::max(joined.back().end, one.end);
    else
      joined.push_back(one);
  }
  return joined;
}

// a without b; both in order and apart.
std::vector<Interval> without(const std::vector<Interval>& a, const std::vector<Interval>& b) {
  std::vector<Interval> left;
  std::size_t at = 0;
  for (Interval one : a) {
    while (at < b.size() && b[at].end <= one.begin) ++at;
    for (std::size_t k = at; k < b.size() && b[k].begin < one.end; ++k) {
      if (b[k].begin > one.begin) left.push_back({one.begin, b[k].begin});
      one.begin = std::max(one.begin, b[k].end);
    }
    if (one.begin < one.end) left.push_back(one);
  }
  return left;
}

const date::time_zone* find_zone(const Placed<std::string>& name, Checks& checks, bool& good) {
  good = true;
  if (!name.given || name.value == "UTC") return nullptr;
  try {
    return date::locate_zone(name.value);
  } catch (const std::runtime_error&) {
    checks.fault(name.place, "time_zone is '" + name.value +
                                 "'; allowed: a name of the IANA database, such as Europe/Berlin "
                                 "(is the package tzdata installed?)");
    good = false;
    return nullptr;
  }
}

}  // namespace

bool compile_time(const TimeSource& time, const std::vector<Placed<std::string>>& holidays,
                  const Placed<std::string>& time_zone, std::vector<std::uint32_t>& edges,
                  bool& on_before) {
  // check_times() and check_time_zone() have reported what is wrong with the texts themselves.
  std::vector<CompileFault> known;
  Checks quiet(known);
  std::vector<Span> on, except;
  Holidays days;
  bool good = false;
  const date::time_zone* zone = find_zone(time_zone, quiet, good);
  if (!read_spans(time.on, quiet, on) || !read_spans(time.except, quiet, except) ||
      !read_holidays(holidays, quiet, days) || !good)
    return false;
  on_before = false;
  for (const Interval& one :
       without(intervals_of(on, days, zone), intervals_of(except, days, zone))) {
    edges.push_back(static_cast<std::uint32_t>(one.begin));
    edges.push_back(static_cast<std::uint32_t>(one.end));
  }
  return true;
}

void check_time_zone(const Placed<std::string>& name, Checks& checks) {
  bool good = false;
  find_zone(name, checks, good);
}

void compile_offsets(const Placed<std::string>& time_zone, std::vector<ZoneOffset>& offsets) {
  std::vector<CompileFault> known;
  Checks quiet(known);
  bool good = false;
  const date::time_zone* zone = find_zone(time_zone, quiet, good);
  if (zone == nullptr) return;
  const date::sys_days first{date::year(calendar_first_year) / 1 / 1};
  const date::sys_days end{date::year(calendar_last_year + 1) / 1 / 1};
  for (date::sys_seconds at = first; at < end;) {
    const date::sys_info info = zone->get_info(at);
    const auto seconds = static_cast<std::int32_t>(info.offset.count());
    // A zone may change its name, or what it calls summer, and keep its offset.
    if (offsets.empty() || offsets.back().seconds != seconds)
      offsets.push_back({static_cast<std::uint32_t>(at.time_since_epoch().count()), seconds});
    at = info.end;
  }
}

void check_times(const Catalogue& catalogue, Checks& checks) {
  std::vector<std::string> names;
  Holidays days;
  read_holidays(catalogue.holidays, checks, days);
  if (catalogue.times.size() > limits::times_per_plan_max)
    checks.fault(catalogue.times.back().name.place,
                 "there are " + std::to_string(catalogue.times.size()) + " times; allowed: 0 to " +
                     std::to_string(limits::times_per_plan_max));
  for (const TimeSource& time : catalogue.times) {
    checks.name(time.name, time.name.place, "time", names);
    std::vector<Span> spans;
    bool good = read_spans(time.on, checks, spans);
    if (time.on.empty()) {
      checks.absent(time.name.place, "on",
                    "time '" + time.name.value + "' is never on; give it 'on'");
      good = false;
    }
    std::vector<Span> except;
    good &= read_spans(time.except, checks, except);
    for (const Span& span : spans)
      if (good && span.holidays && catalogue.holidays.empty())
        checks.fault(time.name.place, "time '" + time.name.value +
                                          "' asks for holidays but there are none; list them "
                                          "under 'holidays'");
  }
}

}  // namespace levy::rating
