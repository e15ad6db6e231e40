// Local time of a plan's zone <-> instants, for questions and answers.
// Core: none. Allocates: yes. Blocks: reads the time zone database. Clock: none.
#pragma once

#include <cstdint>
#include <string>

namespace levyctl {

// "2026-12-24 17:30[:15]" in the zone ("" = UTC) to unix seconds; of an hour that daylight saving
// repeats, the first. Empty, or why there is no such time.
std::string parse_local(const std::string& text, const std::string& zone, std::int64_t& seconds);
// "Thu 2026-12-24 17:30:15" in the zone.
std::string local_text(std::int64_t seconds, const std::string& zone);
// "2026-12-24T17:30:15+01:00"
std::string iso_text(std::int64_t seconds, const std::string& zone);

}  // namespace levyctl
