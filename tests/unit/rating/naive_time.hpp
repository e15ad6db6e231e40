// The reference's own calendar: dates, daylight saving of five zones and the named periods of a
// catalogue, written from config/keys.md by plain rules, walked through in steps of five minutes.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rating/plan_source.hpp"

namespace levy::rating::naive {

struct Date {
  int year = 1970, month = 1, day = 1;
};
std::int64_t days_of(Date date);  // since 1970-01-01
Date date_of(std::int64_t days);
inline std::int64_t seconds_at(Date date, int hour, int minute, int second = 0) {
  return days_of(date) * 86'400 + hour * 3'600 + minute * 60 + second;
}

// Seconds east of UTC: UTC (also ""), Europe/Berlin, America/New_York, Asia/Kolkata,
// Australia/Sydney, Australia/Lord_Howe; as their rules stand since 2008.
std::int64_t offset_at(const std::string& zone, std::int64_t utc);
// The instants in `year` at which its summer time begins and ends; 0 where it has none.
std::int64_t summer_begins(const std::string& zone, int year);
std::int64_t summer_ends(const std::string& zone, int year);

// "Mo-Fr 23:00-06:00" and its like.
struct Period {
  bool holidays = false, dated = false, has_weekdays = false;
  bool weekdays[7] = {};  // Monday first
  std::int64_t first_day = 0, last_day = 0;
  int from = 0, to = 1'440;  // minutes of the day; to <= from: of the next one
};
Period period_of(const std::string& text);

// One of `times`, in the zone of a plan.
class NamedTime {
 public:
  // `start`: no earlier instant is asked for a next change.
  NamedTime(const TimeSource& source, const Catalogue& catalogue, std::string zone,
            std::int64_t start);
  bool on(std::int64_t utc) const;
  // The first instant after `utc` and at most `bound` at which it goes on or off; `bound` + 1:
  // none.
  std::int64_t next_change(std::int64_t utc, std::int64_t bound);

  // What decides at `utc`, for the count of what was exercised.
  bool excepted(std::int64_t utc) const;
  bool by_holiday(std::int64_t utc) const;
  bool after_midnight(std::int64_t utc) const;

 private:
  struct Clock {  // local, seconds since 1970-01-01 of the local calendar
    std::int64_t shown = 0, latest_until_now = 0, earliest_from_now = 0;
  };
  Clock clock_at(std::int64_t utc) const;
  bool holiday(std::int64_t day) const;
  bool day_fits(const Period& period, std::int64_t day) const;
  bool within(const Period& period, const Clock& clock) const;
  bool any_within(const std::vector<Period>& periods, const Clock& clock) const;

  std::string zone_;
  std::vector<Period> on_, except_;
  std::vector<Date> holidays_;         // year 0: every year
  std::vector<std::int64_t> changes_;  // up to walked_to_
  std::int64_t walked_to_;
  bool on_there_ = false;
};

}  // namespace levy::rating::naive
