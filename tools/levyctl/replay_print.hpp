// The answer of a replay, for people and for programs.
// Core: none. Allocates: yes. Blocks: on standard output. Clock: none.
#pragma once

#include "tools/levyctl/plan_replay.hpp"
#include "tools/levyctl/record_files.hpp"
#include "tools/levyctl/replay_sums.hpp"

namespace levyctl {

void print_replay_text(const ReplayOptions& options, const ReplaySums& sums,
                       const RecordReading& reading);
void print_replay_json(const ReplayOptions& options, const ReplaySums& sums,
                       const RecordReading& reading);

}  // namespace levyctl
