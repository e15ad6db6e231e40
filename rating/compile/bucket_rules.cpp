// compile_bucket_rules: what a bucket kind pays for, service by service of every plan.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
#include <algorithm>
#include <numeric>
#include <tuple>

#include "rating/compile/decimal.hpp"
#include "rating/compile/rates.hpp"
#include "rating/compile/terms.hpp"

namespace levy::rating {
namespace {

bool is_restricted(const BucketKindSource& kind) {
  return !kind.services.empty() || !kind.when.empty() || !kind.weights.empty();
}

class RulesCompiler {
 public:
  RulesCompiler(const KindTable& kinds, std::vector<RateCompiler>& rates, Compiled& compiled,
                Checks& checks)
      : kinds_(kinds), rates_(rates), compiled_(compiled), checks_(checks) {}

  void run() {
    const std::vector<BucketKindSource>& sources = kinds_.catalogue.bucket_kinds;
    const std::size_t before = compiled_.faults.size();
    const PlanSource no_plan;
    CompiledPlan scratch;  // a condition at fault is one also where no plan meets it
    RateCompiler anywhere(no_plan, kinds_.catalogue, checks_, scratch);
    for (std::size_t k = 0; k < sources.size(); ++k) {
      check(sources[k], kinds_.made[k]);
      anywhere.conditions(sources[k].when);
    }
    for (std::size_t p = 0; p < compiled_.plans.size(); ++p) {
      for (std::size_t k = 0; k < sources.size(); ++k)
        if (is_restricted(sources[k])) of_plan(k, p);
      const std::size_t count = compiled_.plans[p]->own_bucket_rules.size();
      const PlanSource& plan = kinds_.catalogue.plans[p];
      compiled_.plans[p]->bucket_rule_count = static_cast<std::uint32_t>(count);
      if (count > limits::bucket_rules_per_plan_max)
        checks_.fault(plan.name.place, "the bucket kinds with services, when or weights meet " +
                                           std::to_string(count) + " services of plan '" +
                                           plan.name.value + "'; allowed: 0 to " +
                                           std::to_string(limits::bucket_rules_per_plan_max) +
                                           "; restrict fewer kinds, or split the plan");
    }
    forget_repeats(before);
  }

 private:
  // What is wrong with a kind whatever the plan.
  void check(const BucketKindSource& source, const BucketKind& kind) {
    if (!source.services.empty() && !source.weights.empty())
      checks_.fault(source.weights.front().service.place,
                    "weights name the services already; remove 'services' or 'weights'");
    if (kind.unit == Unit::money && !source.weights.empty())
      checks_.fault(source.weights.front().service.place,
                    "weights have no effect on a bucket of money, which the price converts; name "
                    "'services' instead");
    if (source.when.size() > limits::conditions_per_rate_max)
      checks_.fault(source.when.back().attribute.place,
                    "a bucket kind takes at most " +
                        std::to_string(limits::conditions_per_rate_max) +
                        " conditions; use named zones and times");
    std::vector<std::string> names;
    for (const Placed<std::string>& service : source.services)
      check_service(service, kind, source.unit.given, names);
    names.clear();
    for (const WeightSource& weight : source.weights) {
      check_service(weight.service, kind, false, names);
      std::uint32_t numerator = 0, denominator = 0;
      if (!parse_weight(weight.weight.value, numerator, denominator))
        checks_.fault(weight.weight.place,
                      "weight is '" + weight.weight.value +
                          "'; allowed: a decimal above 0, such as 0.02, that is in lowest terms a "
                          "fraction of two numbers of at most 4294967295");
    }
  }

  void check_service(const Placed<std::string>& name, const BucketKind& kind, bool same_unit,
                     std::vector<std::string>& names) {
    if (std::find(names.begin(), names.end(), name.value) != names.end())
      checks_.fault(name.place, "service '" + name.value + "' stands twice; name it once");
    names.push_back(name.value);
    bool known = false;
    for (std::size_t p = 0; p < compiled_.plans.size(); ++p) {
      const std::vector<ServiceSource>& services = kinds_.catalogue.plans[p].services;
      for (std::size_t s = 0; s < compiled_.plans[p]->service_count; ++s) {
        if (services[s].name.value != name.value) continue;
        known = true;
        if (!same_unit || can_pay(kind, compiled_.plans[p]->services[s])) return;
      }
    }
    if (!known)
      checks_.fault(name.place, "no plan has a service '" + name.value +
                                    "'; name one that a plan has, or add it");
    else if (kind.unit == Unit::money)
      checks_.fault(name.place, "service '" + name.value +
                                    "' has no price in any plan, so money "
                                    "never pays for it; give it a price, or remove it here");
    else
      checks_.fault(name.place, "service '" + name.value +
                                    "' counts in another unit than the "
                                    "bucket kind '" +
                                    kind.name +
                                    "'; give its weight under "
                                    "'weights' instead");
  }

  // Whether the kind's buckets could pay for the service at 1 to 1.
  static bool can_pay(const BucketKind& kind, const Service& service) {
    if (kind.unit != Unit::money) return kind.unit == service.unit;
    return !service.price.none || service.rate_count != 0;
  }

  void of_plan(std::size_t k, std::size_t p) {
    const BucketKindSource& source = kinds_.catalogue.bucket_kinds[k];
    CompiledPlan& plan = *compiled_.plans[p];
    const std::vector<ServiceSource>& services = kinds_.catalogue.plans[p].services;
    std::vector<BucketRule> met;
    for (std::uint16_t s = 0; s < plan.service_count; ++s) {
      BucketRule rule;
      rule.service = s;
      if (meets(source, kinds_.made[k], services[s].name.value, plan.services[s], rule))
        met.push_back(rule);
    }
    // Where it pays for nothing its calendar, which may be large, is left out.
    Conditions when;
    if (met.empty())
      met.emplace_back().numerator = 0;
    else
      when = rates_[p].conditions(source.when);
    for (BucketRule& rule : met) {
      rule.kind = static_cast<std::uint16_t>(k);
      rule.condition_count = when.count;
      rule.first_condition = when.first;
      rule.by_time = when.by_time;
      if (rule.service != BucketRule::any_service) {
        plan.services[rule.service].by_time |= when.by_time;
        plan.services[rule.service].changes |= when.changes;
      }
      plan.own_bucket_rules.push_back(rule);
    }
  }

  // Whether it pays for the service, and at which weight.
  static bool meets(const BucketKindSource& source, const BucketKind& kind, const std::string& name,
                    const Service& service, BucketRule& rule) {
    for (const WeightSource& weight : source.weights)
      if (weight.service.value == name)
        return parse_weight(weight.weight.value, rule.numerator, rule.denominator);
    if (!source.weights.empty()) return false;
    const bool named = std::any_of(source.services.begin(), source.services.end(),
                                   [&](const auto& one) { return one.value == name; });
    return (source.services.empty() || named) && can_pay(kind, service);
  }

  // What is at fault in a condition is so in every plan.
  void forget_repeats(std::size_t from) {
    std::vector<CompileFault>& faults = compiled_.faults;
    const auto key = [](const CompileFault& f) {
      return std::tie(f.place.file, f.place.line, f.place.column, f.message);
    };
    for (std::size_t i = from; i < faults.size(); ++i)
      faults.erase(std::remove_if(faults.begin() + i + 1, faults.end(),
                                  [&](const CompileFault& f) { return key(f) == key(faults[i]); }),
                   faults.end());
  }

  const KindTable& kinds_;
  std::vector<RateCompiler>& rates_;
  Compiled& compiled_;
  Checks& checks_;
};

}  // namespace

bool parse_weight(std::string_view text, std::uint32_t& numerator, std::uint32_t& denominator) {
  Decimal decimal;
  if (!parse_decimal(text, decimal) || decimal.digits == 0) return false;
  std::int64_t scale = 1;  // at most 10^18
  for (int i = 0; i < decimal.places; ++i) scale *= 10;
  const std::int64_t divisor = std::gcd(decimal.digits, scale);
  if (decimal.digits / divisor > UINT32_MAX || scale / divisor > UINT32_MAX) return false;
  numerator = static_cast<std::uint32_t>(decimal.digits / divisor);
  denominator = static_cast<std::uint32_t>(scale / divisor);
  return true;
}

void compile_bucket_rules(const KindTable& kinds, std::vector<RateCompiler>& rates,
                          Compiled& compiled, Checks& checks) {
  RulesCompiler(kinds, rates, compiled, checks).run();
}

void kinds_to_ids(const std::vector<BucketKind>& kinds, CompiledPlan& plan) {
  for (BucketRule& rule : plan.own_bucket_rules) rule.kind = kinds[rule.kind].id;
  for (Allowance& allowance : plan.own_allowances) allowance.kind = kinds[allowance.kind].id;
  for (TopupBonus& bonus : plan.own_bonuses)  // one more than its index; 0 is the wallet
    if (bonus.kind != 0) bonus.kind = kinds[bonus.kind - 1u].id;
  std::sort(plan.own_bucket_rules.begin(), plan.own_bucket_rules.end(),
            [](const BucketRule& a, const BucketRule& b) {
              return std::tie(a.kind, a.service) < std::tie(b.kind, b.service);
            });
}

}  // namespace levy::rating
