// compile_terms: what holding a plan costs and gives; compile_bucket_rules: what bucket kinds pay
// for in each plan.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Internal to rating/compile. Until names have ids, a bucket kind is its index in the catalogue.
#pragma once

#include <vector>

#include "rating/compile/checks.hpp"

namespace levy::rating {

// The kinds as written and as compiled, by the same index.
struct KindTable {
  const Catalogue& catalogue;
  const std::vector<BucketKind>& made;
};

bool is_addon(const PlanSource& source);

void compile_terms(const PlanSource& source, const KindTable& kinds, Checks& checks,
                   CompiledPlan& plan);

// After all plans: a kind may name the services of any. `rates`: of the plans, in their order.
void compile_bucket_rules(const KindTable& kinds, std::vector<RateCompiler>& rates,
                          Compiled& compiled, Checks& checks);

// Indexes of kinds become their ids, and rules are sorted by them.
void kinds_to_ids(const std::vector<BucketKind>& kinds, CompiledPlan& plan);

// "2.5" as numerator / denominator in lowest terms. false: not a decimal > 0 that fits 32 bits.
bool parse_weight(std::string_view text, std::uint32_t& numerator, std::uint32_t& denominator);

}  // namespace levy::rating
