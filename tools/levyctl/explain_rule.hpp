// The rule of a catalogue that a record names, and what it makes of the recorded use.
// Core: none. Allocates: yes. Blocks: never. Clock: in the records.
#pragma once

#include <string>
#include <vector>

#include "tools/levyctl/explain_history.hpp"
#include "tools/levyctl/plan_files.hpp"
#include "tools/levyctl/record_message.hpp"

namespace levyctl {

// Service and rate by the names of the record.
struct Rule {
  std::string note;  // why there is none, or that the plans are of another version
  const rating::PlanSource* plan = nullptr;
  const rating::CompiledPlan* compiled = nullptr;
  std::size_t service = 0;
  std::uint32_t rate = 0;  // 0: the service's own price
  bool found() const { return note.empty(); }
  const rating::ServiceSource& service_source() const { return plan->services[service]; }
  const rating::TariffSource& tariff() const;
  const rating::Price& price() const;
};

// `plan`: the account's when the grant was made.
Rule find_rule(const PlanFiles& files, const std::string& plan, const GroupLine& line);

// Which conditions led to the rate, asked of the facts that came with the grant.
struct RuleWhy {
  std::vector<std::string> because, not_taken;
  std::vector<std::string> unknown;  // facts that records do not keep
  std::string contradiction;         // the facts lead to another rate
};
RuleWhy why_rule(const PlanFiles& files, const Rule& rule, const RecordLine& grant,
                 const GroupKey& key, std::int64_t skew);

// What the price makes of a running total, in words and exact.
struct PriceSteps {
  std::string text;  // "2000 steps of 1 MB x 0.003 EUR + …= 6.01 EUR"
  std::int64_t micros = 0;
};
PriceSteps price_steps(const rating::Price& price, std::int64_t total, const std::string& unit,
                       const std::string& currency);

struct RuleSum {
  std::int64_t before = 0, after = 0;  // units
  PriceSteps price_before, price_after;
  std::int64_t fee = 0;
  std::int64_t charged = 0;
};
RuleSum rule_sum(const Rule& rule, const GroupHistory& history, const GroupLine& line);

}  // namespace levyctl
