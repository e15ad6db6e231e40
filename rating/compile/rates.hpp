// RateCompiler: a service's own price and its rates with their conditions, into one plan.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Internal to rating/compile.
#pragma once

#include <map>
#include <string>

#include "rating/compile/checks.hpp"

namespace levy::rating {

class RateCompiler {
 public:
  RateCompiler(const PlanSource& source, const Catalogue& catalogue, Checks& checks,
               CompiledPlan& plan)
      : source_(source), catalogue_(catalogue), checks_(checks), plan_(plan) {}

  void compile(const ServiceSource& source, const Place& place, Service& service);
  // The longest step of its price and its rates, units.
  std::int64_t widest_step(const Service& service) const;

 private:
  void compile_rate(const RateSource& source, Service& service);
  void compile_condition(const ConditionSource& source, Service& service);
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
