// Warnings: what is written and decides nothing (see plan_check.hpp).
// Core: none. Allocates: yes. Blocks: never. Clock: in the question.
//
// Only what can be decided from the files is said: a rate that no gateway of this network happens
// to reach is none of it. Services that hide each other are faults, which the compiler reports.
#include "tools/levyctl/plan_check.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "tools/levyctl/plan_words.hpp"

namespace levyctl {

namespace {

using levy::config::Place;
using rating::ConditionSource;
using rating::RateSource;
using rating::ServiceSource;
using Names = std::set<std::string>;

Names names_in(const ConditionSource& condition) {
  Names names;
  for (const auto& value : condition.values) names.insert(value.value);
  return names;
}

class Warner {
 public:
  Warner(const PlanFiles& files, std::int64_t now)
      : files_(files), catalogue_(files.catalogue()), now_(now) {}

  std::vector<Diagnostic> run() {
    for (std::size_t p = 0; p < catalogue_.plans.size(); ++p) {
      const rating::PlanSource& plan = catalogue_.plans[p];
      for (std::size_t s = 0; s < plan.services.size(); ++s) {
        where_ = "plan " + plan.name.value + ", service " + plan.services[s].name.value + ": ";
        compiled_ = files_.compiled.plans[p].get();
        visit(plan.services[s], compiled_->services[s]);
      }
    }
    for (const rating::BucketKindSource& kind : catalogue_.bucket_kinds)
      for (const ConditionSource& asked : kind.when) note(asked);
    unused();
    std::stable_sort(warnings_.begin(), warnings_.end(),
                     [](const Diagnostic& a, const Diagnostic& b) {
                       return std::tie(a.place.file, a.place.line, a.place.column) <
                              std::tie(b.place.file, b.place.line, b.place.column);
                     });
    return std::move(warnings_);
  }

 private:
  void warn(const Place& place, std::string text) {
    warnings_.push_back({place, "", "", "warning: " + std::move(text), "", ""});
  }

  void visit(const ServiceSource& source, const rating::Service& service) {
    if (service.barred || service.refused) closed(source);
    tiers(source, service.price);
    for (std::size_t r = 0; r < source.rates.size(); ++r) {
      const RateSource& rate = source.rates[r];
      const rating::Rate& made = compiled_->own_rates[service.first_rate + r];
      tiers(rate, made.price);
      for (std::size_t c = 0; c < rate.when.size(); ++c)
        condition(source, rate, rate.when[c], compiled_->own_conditions[made.first_condition + c]);
      complete(source, r);
    }
  }

  void closed(const ServiceSource& source) {
    if (!source.price.given && source.rates.empty()) return;
    warn(source.price.given ? source.price.place : source.rates.front().place,
         where_ + "access is " + source.access.value + ", so its prices never apply");
  }

  // Tiers behind the maximum: it is reached before they begin.
  void tiers(const rating::TariffSource& source, const rating::Price& price) {
    if (price.maximum == 0) return;
    for (std::uint32_t k = 0; k < price.further_tiers; ++k) {
      const levy::Int128 before = price.tiers[k].before / price.denominator;
      if (before < price.maximum) continue;
      warn(source.price.place, where_ + "the maximum is reached before the tier that begins at " +
                                   std::to_string(price.tiers[k].from) +
                                   " units, so its price never applies");
      return;
    }
  }

  // What a condition asks for is of use.
  Names note(const ConditionSource& source) {
    Names names = names_in(source);
    used_[source.attribute.value].insert(names.begin(), names.end());
    return names;
  }

  void condition(const ServiceSource& service, const RateSource& rate,
                 const ConditionSource& source, const rating::Condition& made) {
    const Names names = note(source);
    if (source.negated) return;
    if (source.attribute.value == "time") time(rate, source, made);
    for (const ConditionSource& other : rate.when) {
      if (!other.negated || other.attribute.value != source.attribute.value) continue;
      const Names not_these = names_in(other);
      if (std::includes(not_these.begin(), not_these.end(), names.begin(), names.end()))
        never(rate, source.attribute.value + " would have to be and not be the same");
    }
    // TS 32.299: numbers and the role are of IMS and of messages, never of packet data.
    const std::string& attribute = source.attribute.value;
    const bool data_only = service.contexts.size() == 1 && service.contexts[0].value == "data";
    if (data_only && (attribute == "called" || attribute == "calling" || attribute == "role"))
      never(rate, "no request in the context data names " + attribute);
  }

  void time(const RateSource& rate, const ConditionSource& source, const rating::Condition& made) {
    bool over = true, ever = false;
    for (std::uint32_t v = 0; v < made.count; ++v) {
      const rating::TimePattern& pattern =
          compiled_->own_times[compiled_->own_values[made.first + v]];
      ever |= pattern.edge_count != 0 || pattern.on_before;
      over &= !pattern.on(now_) && pattern.next_edge(now_) == 0;
    }
    const std::string names = condition_text(source);
    if (!ever)
      never(rate, names + ", which is never on");
    else if (over)
      never(rate, names + ", which is over");
  }

  void never(const RateSource& rate, const std::string& reason) {
    warn(rate.name.place, where_ + "rate " + rate.name.value + " can never apply: " + reason);
  }

  // Two rates of one condition each, of which one holds where the other does not: nothing is left
  // for what follows them.
  void complete(const ServiceSource& source, std::size_t last) {
    const RateSource& rate = source.rates[last];
    if (rate.when.size() != 1) return;
    for (std::size_t r = 0; r < last; ++r) {
      const RateSource& other = source.rates[r];
      if (other.when.size() != 1 || other.when[0].negated == rate.when[0].negated ||
          other.when[0].attribute.value != rate.when[0].attribute.value)
        continue;
      const ConditionSource& is = rate.when[0].negated ? other.when[0] : rate.when[0];
      const ConditionSource& is_not = rate.when[0].negated ? rate.when[0] : other.when[0];
      const Names all = names_in(is), rest = names_in(is_not);
      if (!std::includes(all.begin(), all.end(), rest.begin(), rest.end())) continue;
      const std::string both =
          "rates " + other.name.value + " and " + rate.name.value + " take everything, so ";
      if (source.price.given)
        warn(source.price.place, where_ + both + "the service's own price never applies");
      for (std::size_t after = last + 1; after < source.rates.size(); ++after)
        never(source.rates[after], both.substr(0, both.size() - 5));
      return;
    }
  }

  void unused() {
    for (const rating::ZoneSource& zone : catalogue_.zones) {
      part(zone, zone.plmns.size(), "plmns", {"plmn"});
      part(zone, zone.numbers.size(), "numbers", {"called", "calling"});
      part(zone, zone.places.size(), "places", {"location"});
    }
    bool holidays = false;
    for (const rating::TimeSource& time : catalogue_.times) {
      for (const auto* list : {&time.on, &time.except})
        for (const auto& text : *list) holidays |= text.value.find("holidays") != std::string::npos;
      if (!used_["time"].contains(time.name.value))
        warn(time.name.place,
             "time " + time.name.value + ": no rate and no bucket kind asks for it");
    }
    if (!holidays && !catalogue_.holidays.empty())
      warn(catalogue_.holidays.front().place, "holidays: no time asks for them");
    for (std::size_t k = 0; k < catalogue_.bucket_kinds.size(); ++k) kind(k);
  }

  void part(const rating::ZoneSource& zone, std::size_t count, const std::string& what,
            const std::vector<std::string>& attributes) {
    if (count == 0) return;
    for (const std::string& attribute : attributes)
      if (used_[attribute].contains(zone.name.value)) return;
    warn(zone.name.place, "zone " + zone.name.value + ": no rate and no bucket kind asks for its " +
                              what + " (" + joined(attributes, ", ") + ")");
  }

  // Whether anybody has a bucket of the kind is not in the files: imports and top-ups name kinds,
  // too. One is of no use where no plan has a service that it could pay for.
  void kind(std::size_t index) {
    const rating::BucketKind& made = files_.compiled.bucket_kinds[index];
    const rating::BucketKindSource& source = catalogue_.bucket_kinds[index];
    if (!source.weights.empty()) return;  // their services exist
    for (const auto& plan : files_.compiled.plans) {
      if (made.unit == rating::Unit::money && plan->currency == made.currency) return;
      for (std::uint32_t s = 0; s < plan->service_count; ++s)
        if (plan->services[s].unit == made.unit) return;
    }
    warn(source.name.place,
         "bucket kind " + source.name.value + " can pay for nothing: no " +
             (made.unit == rating::Unit::money ? "plan is in " + source.currency.value
                                               : "service counts " + source.unit.value));
  }

  const PlanFiles& files_;
  const rating::Catalogue& catalogue_;
  const std::int64_t now_;
  const rating::CompiledPlan* compiled_ = nullptr;
  std::string where_;
  std::map<std::string, Names> used_;  // by attribute: values that conditions ask for
  std::vector<Diagnostic> warnings_;
};

}  // namespace

std::vector<Diagnostic> plan_warnings(const PlanFiles& files, std::int64_t now) {
  return Warner(files, now).run();
}

}  // namespace levyctl
