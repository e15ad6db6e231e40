#!/usr/bin/env python3
"""Writes recurrence_table.hpp: when periods begin, by Python's zoneinfo.

Nothing after 2037: compiled zone files, which the date library reads, end there.
Run by hand when a row is wanted: tests/unit/rating/recurrence_table.py > .../recurrence_table.hpp
"""
import calendar
import random
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe",
         "Asia/Kolkata", "America/Havana", "Pacific/Apia", "UTC"]
UNITS = ["hour", "day", "week", "month", "year"]


def local_of(at, zone):
    return datetime.fromtimestamp(at, timezone.utc).astimezone(zone).replace(tzinfo=None, fold=0)


def instant_of(local, zone):
    """The first instant with this local time; of a gap, its end."""
    first = int(local.replace(tzinfo=zone, fold=0).timestamp())
    if local_of(first, zone) == local:
        return first
    low = int(local.replace(tzinfo=zone, fold=1).timestamp())  # before the gap
    high = first
    while high - low > 1:
        middle = (low + high) // 2
        if local_of(middle, zone) > local:
            high = middle
        else:
            low = middle
    return high


def months_later(local, months):
    month = local.year * 12 + local.month - 1 + months
    year, month = month // 12, month % 12 + 1
    return local.replace(year=year, month=month,
                         day=min(local.day, calendar.monthrange(year, month)[1]))


def period_after(zone, unit, count, anchor, periods):
    if periods == 0:
        return anchor
    moved = count * periods
    local = local_of(anchor, zone)
    if unit == "hour":
        return anchor + 3600 * moved
    if unit == "day":
        return instant_of(local + timedelta(days=moved), zone)
    if unit == "week":
        return instant_of(local + timedelta(weeks=moved), zone)
    return instant_of(months_later(local, moved * (12 if unit == "year" else 1)), zone)


def calendar_start(zone, unit, at):
    local = local_of(at, zone)
    midnight = local.replace(hour=0, minute=0, second=0)
    if unit == "week":
        midnight -= timedelta(days=local.weekday())
    if unit == "month":
        midnight = midnight.replace(day=1)
    if unit == "year":
        midnight = midnight.replace(month=1, day=1)
    return instant_of(midnight, zone)


def stamp(zone, *fields):
    return instant_of(datetime(*fields), ZoneInfo(zone))


def rows():
    chance = random.Random(25)
    berlin, york = "Europe/Berlin", "America/New_York"
    chosen = [
        (berlin, "month", 1, stamp(berlin, 2026, 1, 31, 12), range(0, 15)),
        (berlin, "year", 1, stamp(berlin, 2024, 2, 29, 8, 30), range(0, 6)),
        (berlin, "day", 1, stamp(berlin, 2026, 3, 28, 2, 30), range(0, 4)),
        (berlin, "day", 1, stamp(berlin, 2026, 10, 24, 2, 30), range(0, 4)),
        (york, "week", 2, stamp(york, 2027, 3, 7, 2, 15), range(0, 4)),
        ("Australia/Lord_Howe", "day", 1, stamp("Australia/Lord_Howe", 2026, 10, 3, 2, 10),
         range(0, 4)),
        ("America/Havana", "day", 1, stamp("America/Havana", 2026, 3, 7), range(0, 4)),
        ("Pacific/Apia", "day", 1, stamp("Pacific/Apia", 2011, 12, 29, 10), range(0, 4)),
    ]
    for zone, unit, count, anchor, numbers in chosen:
        for n in numbers:
            yield zone, unit, count, anchor, n
    for _ in range(120):
        zone, unit = chance.choice(ZONES), chance.choice(UNITS)
        anchor = stamp(zone, 2026, 1, 1) + chance.randrange(0, 4 * 366 * 86400)
        yield zone, unit, chance.choice([1, 1, 1, 2, 3, 30]) if unit != "year" else 1, anchor, \
            chance.randrange(0, 7)


def main():
    print("// When periods begin, by Python's zoneinfo: made by recurrence_table.py, not by hand.")
    print("// Core: test. Allocates: never. Blocks: never. Clock: none.")
    print("#pragma once\n\n#include <cstdint>\n\n#include \"rating/plan.hpp\"\n")
    print("namespace levy::rating {\n")
    print("struct RecurrenceRow {\n  const char* zone;\n  PeriodUnit unit;\n  std::uint16_t count;")
    print("  std::uint32_t anchor, periods, begins;")
    print("  std::uint32_t calendar;  // begin of the single one that holds the anchor; 0 for hours")
    print("};\n")
    print("inline constexpr RecurrenceRow recurrence_rows[] = {")
    for zone, unit, count, anchor, n in rows():
        begins = period_after(ZoneInfo(zone), unit, count, anchor, n)
        start = 0 if unit == "hour" else calendar_start(ZoneInfo(zone), unit, anchor)
        print(f'    {{"{zone}", PeriodUnit::{unit}, {count}, {anchor}, {n}, {begins}, {start}}},')
    print("};\n\n}  // namespace levy::rating")


if __name__ == "__main__":
    main()
