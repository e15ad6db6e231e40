// Local times (see plan_clock.hpp). Zones are those of the compiler: the IANA database.
// Core: none. Allocates: yes. Blocks: reads the time zone database. Clock: none.
#include "tools/levyctl/plan_clock.hpp"

#include <date/tz.h>

#include <sstream>

namespace levyctl {

namespace {

const date::time_zone* zone_of(const std::string& name) {
  return date::locate_zone(name.empty() ? "UTC" : name);
}

date::sys_seconds instant(std::int64_t seconds) {
  return date::sys_seconds(std::chrono::seconds(seconds));
}

}  // namespace

std::string parse_local(const std::string& text, const std::string& zone, std::int64_t& seconds) {
  date::local_seconds local;
  bool good = false;
  for (const char* form :
       {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
    std::istringstream in(text);
    in >> date::parse(form, local);
    good = !in.fail() && in.peek() == std::istringstream::traits_type::eof();
    if (good) break;
  }
  if (!good) return "'" + text + "' is no time; write it as 2026-12-24 17:30";
  const date::local_info info = zone_of(zone)->get_info(local);
  if (info.result == date::local_info::nonexistent)
    return text + " does not exist in " + zone + ": clocks are put forward over it";
  seconds = (local.time_since_epoch() - info.first.offset).count();
  return {};
}

std::string local_text(std::int64_t seconds, const std::string& zone) {
  return date::format("%a %F %T", date::make_zoned(zone_of(zone), instant(seconds)));
}

std::string iso_text(std::int64_t seconds, const std::string& zone) {
  return date::format("%FT%T%Ez", date::make_zoned(zone_of(zone), instant(seconds)));
}

}  // namespace levyctl
