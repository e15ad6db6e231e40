// levyctl plan replay: recorded use under another catalogue, what was charged beside what would be.
// Core: none. Allocates: yes. Blocks: reads files. Clock: in the records.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace levyctl {

// As on the command line; an empty text is absent.
struct ReplayOptions {
  std::vector<std::string> records, plans, against;
  std::string account, since, until;
  std::uint32_t top = 10;
  std::int64_t event_time_skew = 3600;  // sessions.event_time_skew_max
};

// Prints the comparison, as text or JSON; the exit code.
int run_replay(const ReplayOptions& options, bool json);

// "2026-12-24 17:30" (UTC) to micros; empty: the default. The fault, or nothing.
std::string read_bound(const std::string& option, const std::string& text, std::int64_t& micros);

}  // namespace levyctl
