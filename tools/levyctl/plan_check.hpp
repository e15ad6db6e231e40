// What a faultless catalogue holds that can have no effect, as warnings by place.
// Core: none. Allocates: yes. Blocks: never. Clock: in the question.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/levyctl/plan_files.hpp"

namespace levyctl {

// Zones, times and bucket kinds that nothing refers to; rates and prices that can never apply.
// `now`: unix seconds; a time that is over by then is never on.
std::vector<Diagnostic> plan_warnings(const PlanFiles& files, std::int64_t now);

}  // namespace levyctl
