// levyctl explain: why something was charged, step by step, from the charging records.
// Core: none. Allocates: yes. Blocks: reads files. Clock: in the records.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace levyctl {

// As on the command line; an empty text is absent.
struct ExplainOptions {
  std::vector<std::string> records, plans;
  std::string session, record, account, since, until;
  std::uint32_t plans_version = 0;      // what `levyctl status` calls the plans, 0 = not said
  std::int64_t event_time_skew = 3600;  // sessions.event_time_skew_max
};

// Prints the explanation, as text or JSON; the exit code.
int run_explain(const ExplainOptions& options, bool json);

}  // namespace levyctl
