// compile_counters: what a plan counts, its limits and levels; which prices run over a counter.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Names become ids in Names; until then a bucket kind is its index in the catalogue, plus one.
#include "rating/compile/counters.hpp"

#include <algorithm>
#include <map>

namespace levy::rating {
namespace {

constexpr Choices<Unit, 4> units{{{"octets", Unit::octets},
                                  {"seconds", Unit::seconds},
                                  {"events", Unit::events},
                                  {"money", Unit::money}}};

std::string_view word_of(Unit unit) {
  for (const auto& [word, meaning] : units)
    if (meaning == unit) return word;
  return {};
}

class CounterCompiler {
 public:
  CounterCompiler(const PlanSource& plan_source, const KindTable& kinds, Checks& checks,
                  RateCompiler& rates, CompiledPlan& plan)
      : plan_source_(plan_source), kinds_(kinds), checks_(checks), rates_(rates), plan_(plan) {}

  void run() {
    std::vector<std::string> names;
    for (const CounterSource& source : plan_source_.counters) {
      if (names.size() == limits::counters_per_plan_max) {
        checks_.fault(source.place, "a plan has at most " +
                                        std::to_string(limits::counters_per_plan_max) +
                                        " counters; join some of them");
        return;
      }
      checks_.name(source.name, source.place, "counter", names);
      counter(source);
    }
  }

 private:
  void counter(const CounterSource& source) {
    static constexpr Choices<bool, 2> owners{{{"account", false}, {"subscriber", true}}};
    CounterRule rule;
    rule.per_subscriber = checks_.choice(source.per, "per", owners, false);
    if (source.counts.given == source.bucket.given)
      checks_.absent(source.place, "counts",
                     "counter '" + source.name.value +
                         "' counts nothing, or two things; give it either counts (octets, seconds, "
                         "events, money) or the bucket kind whose use it tells");
    rule.unit = checks_.choice(source.counts, "counts", units, Unit::octets);
    if (source.bucket.given) bucket(source, rule);
    if (source.every.given) period(source, rule);
    services(source, rule);
    const Conditions when = rates_.conditions(source.when);
    rule.first_condition = when.first;
    rule.condition_count = when.count;
    if (source.limit.given) rule.limit = quantity(source.limit, rule.unit, "limit");
    levels(source, rule);
    plan_.own_counters.push_back(rule);
  }

  void bucket(const CounterSource& source, CounterRule& rule) {
    const auto kind =
        std::find_if(kinds_.made.begin(), kinds_.made.end(),
                     [&](const BucketKind& one) { return one.name == source.bucket.value; });
    if (kind == kinds_.made.end()) {
      checks_.fault(source.bucket.place, "bucket kind '" + source.bucket.value +
                                             "' is not declared; declare it under 'bucket_kinds'");
      return;
    }
    rule.unit = kind->unit;
    rule.bucket_kind = static_cast<std::uint16_t>(kind - kinds_.made.begin() + 1);
    const auto useless = [&](bool given, const Place& place, const char* key) {
      if (given)
        checks_.fault(place, std::string(key) +
                                 " has no effect on the counter of a bucket kind, which tells how "
                                 "much of it is used; remove it");
    };
    useless(source.every.given, source.every.place, "every");
    useless(source.limit.given, source.limit.place, "limit");
    useless(source.per.given, source.per.place, "per");
    if (!source.services.empty()) useless(true, source.services[0].place, "services");
    if (!source.when.empty()) useless(true, source.when[0].attribute.place, "when");
  }

  void period(const CounterSource& source, CounterRule& rule) {
    static constexpr Choices<PeriodUnit, 5> period_units{{{"hour", PeriodUnit::hour},
                                                          {"day", PeriodUnit::day},
                                                          {"week", PeriodUnit::week},
                                                          {"month", PeriodUnit::month},
                                                          {"year", PeriodUnit::year}}};
    const PeriodSource& every = source.every.value;
    const Placed<std::string> unit{every.unit, source.every.place, true};
    rule.every.unit = checks_.choice(unit, "every", period_units, PeriodUnit::month);
    const bool fits = every.count >= 1 && every.count <= limits::period_count_max;
    if (!fits)
      checks_.fault(source.every.place, "every has " + std::to_string(every.count) +
                                            " units; allowed: 1 to " +
                                            std::to_string(limits::period_count_max));
    rule.every.count = fits ? static_cast<std::uint16_t>(every.count) : std::uint16_t{1};
    if (plan_.terms.calendar && every.count != 1)
      checks_.fault(source.every.place,
                    "every has several units, but the plan's periods are the calendar's; give one, "
                    "or let periods be 'anniversary'");
  }

  // Of any plan: a name that is no service's is a fault.
  void services(const CounterSource& source, CounterRule& rule) {
    const auto of_unit = [&](const ServiceSource& service) {
      return rule.unit == Unit::money || service.unit.value == word_of(rule.unit);
    };
    const auto counted = [&](const PlanSource& plan) {
      return std::any_of(plan.services.begin(), plan.services.end(), of_unit);
    };
    const auto& plans = kinds_.catalogue.plans;
    if (source.services.empty() && rule.bucket_kind == 0 && source.counts.given &&
        std::none_of(plans.begin(), plans.end(), counted))
      checks_.fault(source.counts.place, "counter '" + source.name.value +
                                             "' counts nothing: no service of any plan is in " +
                                             std::string(word_of(rule.unit)) + "; correct it");
    rule.first_service = static_cast<std::uint32_t>(plan_.own_values.size());
    for (const Placed<std::string>& name : source.services) {
      const auto twice = std::count_if(source.services.begin(), source.services.end(),
                                       [&](const auto& n) { return n.value == name.value; });
      if (twice > 1)
        checks_.fault(name.place, "service '" + name.value + "' stands twice; remove one");
      bool known = false, fits = false;
      for (const PlanSource& plan : kinds_.catalogue.plans) {
        for (const ServiceSource& service : plan.services) {
          if (service.name.value != name.value) continue;
          known = true;
          fits |= of_unit(service);
        }
      }
      if (!known)
        checks_.fault(name.place, "service '" + name.value + "' is none of any plan; correct it");
      else if (!fits)
        checks_.fault(name.place, "service '" + name.value + "' is not counted in " +
                                      std::string(word_of(rule.unit)) + "; remove it");
      plan_.own_values.push_back(0);  // its id, by Names
      ++rule.service_count;
    }
  }

  // Above 0, of the unit; 1 after a fault.
  std::int64_t quantity(const Placed<QuantitySource>& from, Unit unit, const char* key) {
    const QuantitySource& q = from.value;
    const bool money = !q.amount.empty();
    const std::string* currency = money ? &q.currency : nullptr;
    const bool of_unit =
        unit == Unit::money ? money : !money && (q.unit.empty() || q.unit == word_of(unit));
    if (!of_unit || (currency != nullptr && *currency != plan_source_.currency.value)) {
      checks_.fault(from.place, std::string(key) + " is not in " +
                                    (unit == Unit::money ? plan_source_.currency.value
                                                         : std::string(word_of(unit))) +
                                    ", in which the counter counts; correct it");
      return 1;
    }
    const std::int64_t value = money ? checks_.amount({q.amount, from.place, true}, key) : q.units;
    if (value > 0 && (money || value <= limits::units_max)) return value;
    checks_.fault(from.place, std::string(key) + " is out of bounds; allowed: above 0, at most " +
                                  std::to_string(limits::units_max) + " units");
    return 1;
  }

  void levels(const CounterSource& source, CounterRule& rule) {
    if (source.levels.empty()) return;
    std::vector<std::string> names;
    plan_.own_levels.push_back(std::make_unique<std::vector<Level>>());
    std::vector<Level>& made = *plan_.own_levels.back();
    for (const LevelSource& from : source.levels) {
      if (made.size() == limits::levels_per_counter_max) {
        checks_.fault(from.place, "a counter has at most " +
                                      std::to_string(limits::levels_per_counter_max) +
                                      " levels; remove some");
        break;
      }
      checks_.name(from.name, from.place, "level", names);
      Level level;
      if (from.at.given) {
        level.at = quantity(from.at, rule.unit, "at");
      } else if (from.at_permille.given) {
        level.permille =
            static_cast<std::uint16_t>(checks_.number(from.at_permille, "at", 1, 1000, 1000));
        if (rule.bucket_kind == 0) {
          if (!source.limit.given)
            checks_.absent(from.at_permille.place, "limit",
                           "at is a share of the counter's limit, and it has none; give it a "
                           "limit, or an amount here");
          // Reached with the first unit that makes up the share.
          level.at = static_cast<std::int64_t>((Int128{rule.limit} * level.permille + 999) / 1000);
          level.permille = 0;
        }
      } else {
        checks_.absent(from.place, "at",
                       "level '" + from.name.value +
                           "' is reached nowhere; "
                           "give it at: a share such as 80 %, or an amount");
      }
      const bool mixed = !made.empty() && (made.back().permille != 0) != (level.permille != 0);
      if (mixed || (!made.empty() && std::pair(made.back().permille, made.back().at) >=
                                         std::pair(level.permille, level.at)))
        checks_.fault(from.place, mixed
                                      ? "the levels of one counter are all shares or all amounts; "
                                        "write them alike"
                                      : "level '" + from.name.value +
                                            "' is not above the one before; put levels in "
                                            "ascending order");
      made.push_back(level);
    }
    rule.levels = made.data();
    rule.level_count = static_cast<std::uint8_t>(made.size());
  }

  const PlanSource& plan_source_;
  const KindTable& kinds_;
  Checks& checks_;
  RateCompiler& rates_;
  CompiledPlan& plan_;
};

}  // namespace

void compile_counters(const PlanSource& source, const KindTable& kinds, Checks& checks,
                      RateCompiler& rates, CompiledPlan& plan) {
  CounterCompiler(source, kinds, checks, rates, plan).run();
}

// Prices that run over a counter, and tiers that price a report whole.
void compile_accumulation(const PlanSource& source, Checks& checks, CompiledPlan& plan) {
  static constexpr Choices<bool, 2> words{{{"stepped", false}, {"whole", true}}};
  for (std::size_t s = 0; s < plan.service_count; ++s) {
    const ServiceSource& from = source.services[s];
    Service& service = plan.services[s];
    service.whole_tiers = checks.choice(from.tiers, "tiers", words, false);
    const auto bounded = [](const TariffSource& tariff) {
      return tariff.minimum.given || tariff.maximum.given;
    };
    bool tiers = !from.price.value.further.empty();
    bool bounds = bounded(from);
    for (const RateSource& rate : from.rates) {
      tiers |= !rate.price.value.further.empty();
      bounds |= bounded(rate);
    }
    if (service.whole_tiers && (!tiers || bounds))
      checks.fault(from.tiers.place,
                   bounds ? "tiers is 'whole', but the service has a minimum or maximum, which are "
                            "of one price; remove them"
                          : "tiers has no effect on a service whose prices have none; remove it");
    if (!from.accumulate.given) continue;
    const auto& all = source.counters;
    const auto found = std::find_if(all.begin(), all.end(), [&](const CounterSource& one) {
      return one.name.value == from.accumulate.value;
    });
    if (found == all.end()) {
      checks.fault(from.accumulate.place, "counter '" + from.accumulate.value +
                                              "' is not one of the plan's; declare it under "
                                              "'counters'");
      continue;
    }
    const auto index = static_cast<std::size_t>(found - all.begin());
    if (index >= plan.own_counters.size()) continue;
    const bool named = found->services.empty() ||
                       std::any_of(found->services.begin(), found->services.end(),
                                   [&](const auto& n) { return n.value == from.name.value; });
    if (found->bucket.given || plan.own_counters[index].unit != service.unit || !named ||
        !found->when.empty())
      checks.fault(from.accumulate.place,
                   "counter '" + from.accumulate.value +
                       "' does not count all use of this service in its unit; prices can run over "
                       "such a counter alone");
    service.accumulates = static_cast<std::uint16_t>(index);
  }
}

// One name means one thing in all plans: accounts keep it when they change their plan.
void check_counter_names(const Catalogue& catalogue, Checks& checks) {
  std::map<std::string, const CounterSource*> first;
  for (const PlanSource& plan : catalogue.plans) {
    for (const CounterSource& counter : plan.counters) {
      const auto [known, fresh] = first.try_emplace(counter.name.value, &counter);
      const CounterSource& other = *known->second;
      const auto same = [](const Placed<std::string>& a, const Placed<std::string>& b,
                           const char* usual) {
        return (a.given ? a.value : usual) == (b.given ? b.value : usual);
      };
      if (fresh ||
          (same(counter.counts, other.counts, "") && same(counter.bucket, other.bucket, "") &&
           same(counter.per, other.per, "account")))
        continue;
      checks.fault(counter.name.place,
                   "counter '" + counter.name.value + "' counts something else in another plan (" +
                       other.name.place.file + ":" + std::to_string(other.name.place.line) +
                       "); give one of them another name");
    }
  }
}

}  // namespace levy::rating
