// compile_counters: what a plan counts, with its limits and levels.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Internal to rating/compile.
#pragma once

#include "rating/compile/checks.hpp"
#include "rating/compile/rates.hpp"
#include "rating/compile/terms.hpp"

namespace levy::rating {

// After the plan's terms (its periods) and services.
void compile_counters(const PlanSource& source, const KindTable& kinds, Checks& checks,
                      RateCompiler& rates, CompiledPlan& plan);
void compile_accumulation(const PlanSource& source, Checks& checks, CompiledPlan& plan);
void check_counter_names(const Catalogue& catalogue, Checks& checks);

}  // namespace levy::rating
