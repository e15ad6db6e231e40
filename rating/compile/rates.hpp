// RateCompiler: a service's own price and its rates, and all conditions, into one plan.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Internal to rating/compile.
#pragma once

#include <map>
#include <string>

#include "rating/compile/checks.hpp"

namespace levy::rating {

// A list of conditions in the plan's tables, and what may turn them over.
struct Conditions {
  std::uint32_t first = 0;  // of Plan::conditions
  std::uint16_t count = 0;
  bool by_time = false;
  std::uint16_t changes = 0;  // Change bits
};

class RateCompiler {
 public:
  RateCompiler(const PlanSource& source, const Catalogue& catalogue, Checks& checks,
               CompiledPlan& plan)
      : source_(source), catalogue_(catalogue), checks_(checks), plan_(plan) {}

  const PlanSource& plan_source() const { return source_; }

  void compile(const ServiceSource& source, const Place& place, Service& service);
  // The conditions that have no fault, of a rate or of a bucket kind.
  Conditions conditions(const std::vector<ConditionSource>& when);
  // The longest step of its price and its rates, units.
  std::int64_t widest_step(const Service& service) const;

 private:
  void check_pass(const TariffSource& source);
  void compile_rate(const RateSource& source, std::int64_t tax, Service& service);
  void compile_condition(const ConditionSource& source, Conditions& into);
  bool value_of(const ConditionSource& condition, Attribute attribute,
                const Placed<std::string>& value, std::vector<std::uint64_t>& values);
  bool time_of(const Placed<std::string>& name, std::uint64_t& index);
  bool zone_of(const Placed<std::string>& name, Attribute attribute, std::uint64_t& zone);

  const PlanSource& source_;
  const Catalogue& catalogue_;
  Checks& checks_;
  CompiledPlan& plan_;
  std::map<std::string, std::uint64_t> times_;  // by name: index in the plan
};

}  // namespace levy::rating
