// When periods begin: a table made by Python's zoneinfo, and what must hold for any of them.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include "rating/recurrence.hpp"

#include <date/tz.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/rating/recurrence_table.hpp"

namespace levy::rating {
namespace {

constexpr Period hourly{PeriodUnit::hour, 1};
constexpr Period daily{PeriodUnit::day, 1};
constexpr Period weekly{PeriodUnit::week, 1};
constexpr Period monthly{PeriodUnit::month, 1};
constexpr Period yearly{PeriodUnit::year, 1};

// Terms in a time zone, with its offsets from 2010 to 2050 as the compiler makes them.
struct Place {
  explicit Place(const char* name) {
    using std::chrono::seconds;
    const date::time_zone* const zone = date::locate_zone(name);
    date::sys_seconds at{seconds{1'262'304'000}};
    while (at < date::sys_seconds{seconds{2'524'608'000}}) {
      const date::sys_info info = zone->get_info(at);
      offsets.push_back({static_cast<std::uint32_t>(at.time_since_epoch().count()),
                         static_cast<std::int32_t>(info.offset.count())});
      at = info.end;
    }
    terms.offsets = offsets.data();
    terms.offset_count = static_cast<std::uint32_t>(offsets.size());
  }
  Place(const Place&) = delete;

  std::uint32_t instant(int year, unsigned month, unsigned day, int hour = 0, int minute = 0) {
    const std::int64_t local = seconds_of(year, month, day, hour, minute);
    std::int64_t offset = offsets.front().seconds;
    for (const ZoneOffset& o : offsets)
      if (o.from <= local - o.seconds) offset = o.seconds;
    return static_cast<std::uint32_t>(local - offset);
  }
  static std::int64_t seconds_of(int year, unsigned month, unsigned day, int hour, int minute) {
    const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                           std::chrono::day{day}};
    const auto days = std::chrono::sys_days{date}.time_since_epoch().count();
    return std::int64_t{days} * 86400 + hour * 3600 + minute * 60;
  }

  std::vector<ZoneOffset> offsets;
  Terms terms;
};

TEST(Recurrence, BeginsWherePythonsZoneinfoSaysSo) {
  for (const RecurrenceRow& row : recurrence_rows) {
    const Place place(row.zone);
    const Period period{row.unit, row.count};
    SCOPED_TRACE(testing::Message()
                 << row.zone << " unit " << static_cast<int>(row.unit) << " * " << row.count
                 << " anchor " << row.anchor << " n " << row.periods);
    EXPECT_EQ(period_after(place.terms, period, row.anchor, row.periods), row.begins);
    if (row.calendar == 0) continue;
    EXPECT_EQ(calendar_start(place.terms, Period{row.unit, 1}, row.anchor), row.calendar);
  }
}

TEST(Recurrence, TheLastDayOfAShortMonthAndTheAnchorsDayAgain) {
  Place berlin("Europe/Berlin");
  const std::uint32_t anchor = berlin.instant(2026, 1, 31, 12);
  EXPECT_EQ(period_after(berlin.terms, monthly, anchor, 1), berlin.instant(2026, 2, 28, 12));
  EXPECT_EQ(period_after(berlin.terms, monthly, anchor, 2), berlin.instant(2026, 3, 31, 12));
  EXPECT_EQ(period_after(berlin.terms, monthly, anchor, 25), berlin.instant(2028, 2, 29, 12));
  const std::uint32_t leap = berlin.instant(2024, 2, 29);
  EXPECT_EQ(period_after(berlin.terms, yearly, leap, 1), berlin.instant(2025, 2, 28));
  EXPECT_EQ(period_after(berlin.terms, yearly, leap, 4), berlin.instant(2028, 2, 29));
}

TEST(Recurrence, DaysOf23And25Hours) {
  Place berlin("Europe/Berlin");
  const std::uint32_t spring = berlin.instant(2026, 3, 29), autumn = berlin.instant(2026, 10, 25);
  EXPECT_EQ(period_after(berlin.terms, daily, spring, 1) - spring, 23u * 3600);
  EXPECT_EQ(period_after(berlin.terms, daily, autumn, 1) - autumn, 25u * 3600);
  EXPECT_EQ(period_after(berlin.terms, hourly, spring, 24) - spring, 24u * 3600);
  EXPECT_EQ(period_after(berlin.terms, weekly, spring, 1) - spring, 7u * 86400 - 3600);
  // 02:30 is skipped: 03:00 CEST, the first instant after; the next day it is 02:30 again.
  const std::uint32_t gap = berlin.instant(2026, 3, 28, 2, 30);
  EXPECT_EQ(period_after(berlin.terms, daily, gap, 1), spring + 2 * 3600u);
  EXPECT_EQ(period_after(berlin.terms, daily, gap, 2), berlin.instant(2026, 3, 30, 2, 30));
  // 02:30 comes twice: the first, of summer time.
  const std::uint32_t twice = berlin.instant(2026, 10, 24, 2, 30);
  EXPECT_EQ(period_after(berlin.terms, daily, twice, 1), twice + 86400u);
  EXPECT_EQ(period_after(berlin.terms, daily, twice, 2), twice + 2 * 86400u + 3600);
  // An anchor in the second of the two stays where it is.
  const std::uint32_t second = twice + 86400 + 3600;
  EXPECT_EQ(period_after(berlin.terms, daily, second, 0), second);
  EXPECT_EQ(periods_between(berlin.terms, daily, second, second), 0u);
  EXPECT_EQ(calendar_start(berlin.terms, hourly, second), second - 1800);
}

TEST(Recurrence, SouthernSummerAndHalfHours) {
  Place sydney("Australia/Sydney");
  const std::uint32_t spring = sydney.instant(2026, 10, 4), autumn = sydney.instant(2027, 4, 4);
  EXPECT_EQ(period_after(sydney.terms, daily, spring, 1) - spring, 23u * 3600);
  EXPECT_EQ(period_after(sydney.terms, daily, autumn, 1) - autumn, 25u * 3600);
  EXPECT_EQ(period_after(sydney.terms, monthly, spring, 6), autumn);
  Place kolkata("Asia/Kolkata");
  const std::uint32_t noon = kolkata.instant(2026, 7, 1, 12);
  EXPECT_EQ(calendar_start(kolkata.terms, hourly, noon + 1799), noon);
  EXPECT_EQ(calendar_start(kolkata.terms, weekly, noon), kolkata.instant(2026, 6, 29));
}

TEST(Recurrence, CalendarStartsHoldTheirInstant) {
  Place berlin("Europe/Berlin");
  const std::uint32_t at = berlin.instant(2028, 2, 29, 17, 45);
  EXPECT_EQ(calendar_start(berlin.terms, hourly, at), berlin.instant(2028, 2, 29, 17));
  EXPECT_EQ(calendar_start(berlin.terms, daily, at), berlin.instant(2028, 2, 29));
  EXPECT_EQ(calendar_start(berlin.terms, weekly, at), berlin.instant(2028, 2, 28));
  EXPECT_EQ(calendar_start(berlin.terms, monthly, at), berlin.instant(2028, 2, 1));
  EXPECT_EQ(calendar_start(berlin.terms, yearly, at), berlin.instant(2028, 1, 1));
  EXPECT_EQ(calendar_start(Terms{}, daily, 86400 * 3 + 5), 86400u * 3);
}

TEST(Recurrence, NothingBeginsBeyond2105) {
  const Terms utc;
  const auto last = static_cast<std::uint32_t>(Place::seconds_of(2105, 12, 31, 0, 0));
  EXPECT_EQ(period_after(utc, yearly, last, 1), 0u);
  EXPECT_EQ(period_after(utc, daily, last, 1), 0u);
  EXPECT_EQ(period_after(utc, hourly, last, 23), last + 23 * 3600u);
  EXPECT_EQ(period_after(utc, hourly, last, 24), 0u);
  for (const PeriodUnit unit :
       {PeriodUnit::hour, PeriodUnit::day, PeriodUnit::week, PeriodUnit::month, PeriodUnit::year}) {
    EXPECT_EQ(period_after(utc, Period{unit, 65535}, last, UINT32_MAX), 0u);
    EXPECT_EQ(period_after(utc, Period{unit, 65535}, 1'800'000'000, 70'000), 0u);
  }
  EXPECT_EQ(period_after(utc, Period{}, 1'800'000'000, 1), 0u);
  EXPECT_EQ(periods_between(utc, yearly, 1'800'000'000, UINT32_MAX), 78u);
}

TEST(Recurrence, PeriodsBetweenIsTheInverseOfPeriodAfter) {
  std::mt19937_64 chance(7);
  for (const char* zone : {"Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Pacific/Apia",
                           "America/Sao_Paulo"}) {
    const Place place(zone);
    for (int trial = 0; trial < 4000; ++trial) {
      const Period period{static_cast<PeriodUnit>(1 + chance() % 5),
                          static_cast<std::uint16_t>(1 + chance() % (trial % 2 == 0 ? 1 : 40))};
      const auto anchor = static_cast<std::uint32_t>(1'290'000'000 + chance() % 800'000'000);
      const auto n = static_cast<std::uint32_t>(chance() % 400);
      const std::uint32_t begins = period_after(place.terms, period, anchor, n);
      if (begins == 0) continue;
      ASSERT_GE(begins, anchor);
      // At a period's begin, just before it, and wherever the instant may lie: the greatest n.
      for (const std::uint32_t at : {begins, begins - 1, begins + 1,
                                     begins + static_cast<std::uint32_t>(chance() % 90'000)}) {
        const std::uint32_t between = periods_between(place.terms, period, anchor, at);
        if (at < anchor) {
          ASSERT_EQ(between, 0u);
          continue;
        }
        ASSERT_LE(period_after(place.terms, period, anchor, between), at) << zone << " " << anchor;
        const std::uint32_t next = period_after(place.terms, period, anchor, between + 1);
        ASSERT_TRUE(next == 0 || next > at) << zone << " " << anchor << " " << at;
      }
      if (period.unit == PeriodUnit::hour) continue;
      const Period single{period.unit, 1};
      const std::uint32_t start = calendar_start(place.terms, single, begins);
      ASSERT_LE(start, begins);
      ASSERT_EQ(calendar_start(place.terms, single, start), start) << zone << " " << begins;
      const std::uint32_t next = period_after(place.terms, single, start, 1);
      ASSERT_TRUE(next == 0 || next > begins) << zone << " " << begins;
    }
  }
}

TEST(Recurrence, AShareOfTimeIsRoundedDownToWholeSteps) {
  EXPECT_EQ(prorated(10'000'000, 1, 0, 0, 30), 10'000'000);
  EXPECT_EQ(prorated(10'000'000, 1, 0, 10, 30), 6'666'666);
  EXPECT_EQ(prorated(10'000'000, 1024, 0, 10, 30), 6'666'666 / 1024 * 1024);
  EXPECT_EQ(prorated(10, 1, 0, 30, 30), 0);
  EXPECT_EQ(prorated(10, 1, 5, 5, 5), 0);
  EXPECT_EQ(prorated(limits::balance_micros_max, 1, 0, 1, 4'000'000'000),
            static_cast<std::int64_t>(Int128{limits::balance_micros_max} * 3'999'999'999 /
                                      4'000'000'000));
}

}  // namespace
}  // namespace levy::rating
