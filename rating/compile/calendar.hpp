// Calendar: named periods of local time as instants, so that the Shard knows no calendar at all.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Internal to rating/compile. Time zones come from the system's IANA database (tzdata).
#pragma once

#include <cstdint>
#include <vector>

#include "rating/compile/checks.hpp"

namespace levy::rating {

// Instants are compiled for these years; before and after them a period is off. Debian's tzdata
// lists changes of most zones up to 2037, and what it says of later years as a rule is not read by
// date::time_zone: from 2038 on those zones are taken to keep their winter time.
inline constexpr int calendar_first_year = 2010;
inline constexpr int calendar_last_year = 2050;

// The period in the zone (not given: UTC): `edges` ascending, on and off in turn. false: a fault,
// which the two checks below report.
// A local hour that daylight saving skips is empty, one that it repeats counts twice.
bool compile_time(const TimeSource& time, const std::vector<Placed<std::string>>& holidays,
                  const Placed<std::string>& time_zone, std::vector<std::uint32_t>& edges,
                  bool& on_before);

// The time zone of a plan, whether a rate asks for a time or not.
void check_time_zone(const Placed<std::string>& name, Checks& checks);

// The zone's offsets from UTC over these years, for the periods of products; none for UTC and where
// the zone is at fault.
void compile_offsets(const Placed<std::string>& time_zone, std::vector<ZoneOffset>& offsets);

// The faults of all periods and holidays, used by a plan or not.
void check_times(const Catalogue& catalogue, Checks& checks);

}  // namespace levy::rating
