// compile_catalogue: plans and bucket kinds with every fault at once; PlanVersion.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
#include "rating/compile/compile.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/check.hpp"
#include "engine/base/currency.hpp"
#include "rating/compile/calendar.hpp"
#include "rating/compile/checks.hpp"
#include "rating/compile/counters.hpp"
#include "rating/compile/rates.hpp"
#include "rating/compile/terms.hpp"
#include "rating/compile/zones.hpp"

namespace levy::rating {

std::uint16_t Checks::currency(const Placed<std::string>& value, const Place& owner) {
  if (!value.given) {
    absent(owner, "currency", "currency is missing; give three ISO 4217 letters, such as EUR");
    return 0;
  }
  const Currency* found = find_currency(value.value);
  if (found != nullptr) return found->numeric;
  fault(value.place, "currency is '" + value.value +
                         "'; allowed: the three upper-case letters of an ISO 4217 currency");
  return 0;
}

std::int64_t Checks::amount(const Placed<std::string>& value, std::string_view key) {
  std::int64_t micros = 0;
  if (value.given && !parse_amount(value.value, micros))
    fault(value.place, std::string(key) + " is '" + value.value +
                           "'; allowed: a decimal of at most 6 places, 0 to " +
                           std::to_string(limits::balance_micros_max / 1'000'000));
  return micros;
}

namespace {

constexpr std::int64_t session_ttl_min = 60;
constexpr std::int64_t life_seconds_max = 18'300ll * 86'400;  // 50 years
constexpr std::int64_t session_ttl_max = 30 * 86400;
constexpr std::int64_t boundary_spread_max = 3600;
constexpr std::int64_t lifetime_max =
    50LL * 366 * 86400;  // ends within the 32 bits of Bucket::ends_at

// Whether an MSCC could fall under both: they share a context, and a Service-Identifier where both
// ask for one. Beside a service that asks for none, one that asks is the more special.
bool overlap(const Service& a, const Service& b) {
  if ((a.contexts & b.contexts) == 0) return false;
  if ((a.service_identifier_count == 0) != (b.service_identifier_count == 0)) return false;
  if (a.service_identifier_count == 0) return true;
  for (std::uint32_t i = 0; i < a.service_identifier_count; ++i)
    for (std::uint32_t j = 0; j < b.service_identifier_count; ++j)
      if (a.service_identifiers[i] == b.service_identifiers[j]) return true;
  return false;
}

// One more thing that service `index` takes. Entries of the same key lie together, those that ask
// for Service-Identifiers first.
void take(Checks& checks, const Place& place, const std::string& what, RatingGroupEntry entry,
          Plan& plan) {
  const auto key = [](const RatingGroupEntry& e) { return std::pair(e.takes, e.rating_group); };
  auto at = plan.entries.begin();
  const auto end = at + plan.entry_count;
  while (at != end && key(*at) < key(entry)) ++at;
  const Service& service = plan.services[entry.service];
  for (auto same = at; same != end && key(*same) == key(entry); ++same) {
    if (!overlap(plan.services[same->service], service)) continue;
    checks.fault(place, what +
                            " stands twice in this plan; keep it in one service, or tell the "
                            "services apart by context or service_identifiers");
    return;
  }
  if (plan.entry_count == plan.entries.size()) {
    checks.fault(place, "a plan takes at most " + std::to_string(plan.entries.size()) +
                            " rating groups; split the plan or use rating_group: any");
    return;
  }
  if (service.service_identifier_count == 0)
    while (at != end && key(*at) == key(entry)) ++at;
  std::move_backward(at, end, end + 1);
  *at = entry;
  ++plan.entry_count;
}

void take_all(Checks& checks, const ServiceSource& source, std::uint16_t index, Plan& plan) {
  for (const Placed<std::uint32_t>& group : source.rating_groups)
    take(checks, group.place, "rating_group " + std::to_string(group.value),
         RatingGroupEntry{group.value, index, Takes::rating_group}, plan);
  if (source.any_rating_group.given && source.any_rating_group.value)
    take(checks, source.any_rating_group.place, "rating_group 'any'",
         RatingGroupEntry{0, index, Takes::any}, plan);
  if (source.without_rating_group.given && source.without_rating_group.value)
    take(checks, source.without_rating_group.place, "rating_group 'none'",
         RatingGroupEntry{0, index, Takes::without}, plan);
}

void compile_unmatched(const PlanSource& source, Checks& checks, Plan& plan) {
  static constexpr Choices<Unmatched, 3> words{{{"5031", Unmatched::rating_failed_5031},
                                                {"4010", Unmatched::denied_4010},
                                                {"rate_as", Unmatched::rate_as}}};
  const bool any = plan.entry_count != 0 && plan.entries[plan.entry_count - 1u].takes == Takes::any;
  plan.unmatched = checks.choice(source.unmatched, "unmatched", words,
                                 any ? Unmatched::rate_as : Unmatched::rating_failed_5031);
  if (plan.unmatched == Unmatched::rate_as && !any)
    checks.fault(source.unmatched.place,
                 "unmatched is 'rate_as' but no service has 'rating_group: any'; add one");
  if (plan.unmatched != Unmatched::rate_as && any)
    checks.fault(source.unmatched.place, "unmatched is '" + source.unmatched.value +
                                             "' but a service has 'rating_group: "
                                             "any' and takes everything; remove one of the two");
}

void compile_failure(const PlanSource& source, Checks& checks, Plan& plan) {
  static constexpr Choices<FailureHandling, 3> words{
      {{"terminate", FailureHandling::terminate},
       {"continue", FailureHandling::go_on},
       {"retry_and_terminate", FailureHandling::retry_and_terminate}}};
  plan.failure_handling = checks.choice(source.ccfh, "ccfh", words, FailureHandling::not_sent);
  if (source.failover.given)
    plan.failover = source.failover.value ? Failover::supported : Failover::not_supported;
}

// How long an account that has the plan is valid.
void compile_life(const PlanSource& source, Checks& checks, Plan& plan) {
  const auto seconds = [&](const Placed<std::int64_t>& key, const char* name, std::int64_t usual) {
    return static_cast<std::uint32_t>(checks.number(key, name, 0, life_seconds_max, usual));
  };
  plan.valid_for = seconds(source.valid_for, "valid_for", 0);
  plan.topup_extends = seconds(source.topup_extends, "topup_extends", plan.valid_for);
  plan.grace = seconds(source.grace, "grace", 0);
  if (source.valid_for.given) return;
  for (const auto& [key, name] :
       {std::pair{&source.topup_extends, "topup_extends"}, std::pair{&source.grace, "grace"}}) {
    if (key->given)
      checks.fault(key->place, std::string(name) +
                                   " has no effect without valid_for; add it, or remove this key");
  }
}

void compile_plan(const PlanSource& source, Checks& checks, RateCompiler& rates,
                  CompiledPlan& plan) {
  static constexpr Choices<Overrun, 2> overruns{
      {{"debt", Overrun::debt}, {"write_off", Overrun::write_off}}};
  plan.currency = checks.currency(source.currency, source.place);
  plan.overrun = checks.choice(source.overrun, "overrun", overruns, Overrun::debt);
  plan.session_ttl = static_cast<std::uint32_t>(
      checks.number(source.session_ttl, "session_ttl", session_ttl_min, session_ttl_max, 86400));
  compile_life(source, checks, plan);
  check_time_zone(source.time_zone, checks);
  static constexpr Choices<bool, 2> taxes{{{"included", false}, {"added", true}}};
  checks.choice(source.tax_is, "tax_is", taxes, false);
  plan.credit_limit = checks.amount(source.credit_limit, "credit_limit");
  plan.boundary_spread = static_cast<std::uint32_t>(
      checks.number(source.boundary_spread, "boundary_spread", 0, boundary_spread_max, 0));
  compile_failure(source, checks, plan);
  compile_sponsors(source, checks, plan);
  if (source.services.empty() && !is_addon(source))
    checks.absent(source.place, "services",
                  "plan '" + source.name.value + "' has no services; add one");
  std::vector<std::string> names;
  for (const ServiceSource& service : source.services) {
    checks.name(service.name, source.place, "service", names);
    if (plan.service_count == plan.services.size()) {
      checks.fault(service.name.place, "a plan takes at most " +
                                           std::to_string(plan.services.size()) +
                                           " services; split the plan");
      break;
    }
    const std::uint16_t index = plan.service_count++;
    compile_service(service, source.place, checks, rates, plan, plan.services[index]);
    take_all(checks, service, index, plan);
  }
  compile_unmatched(source, checks, plan);
}

BucketKind compile_bucket_kind(const BucketKindSource& source, Checks& checks) {
  static constexpr Choices<Unit, 4> units{{{"money", Unit::money},
                                           {"octets", Unit::octets},
                                           {"seconds", Unit::seconds},
                                           {"events", Unit::events}}};
  const Place& place = source.name.place;
  BucketKind kind;
  kind.name = source.name.value;
  if (!source.unit.given)
    checks.absent(
        place, "unit",
        "bucket kind '" + kind.name + "' has no unit; give money, octets, seconds or events");
  kind.unit = checks.choice(source.unit, "unit", units, Unit::octets);
  const bool money = kind.unit == Unit::money;
  if (money) kind.currency = checks.currency(source.currency, place);
  if (!money && source.currency.given)
    checks.fault(source.currency.place, "currency has no effect on a bucket of units; remove it");
  kind.priority = static_cast<std::int16_t>(
      checks.number(source.priority, "priority", INT16_MIN, INT16_MAX, 0));
  kind.step = static_cast<std::uint32_t>(checks.number(source.step, "step", 1, UINT32_MAX, 1));
  if (money && source.step.given)
    checks.fault(source.step.place,
                 "step has no effect on a bucket of money, which the price steps; remove it");
  kind.lifetime =
      static_cast<std::uint32_t>(checks.number(source.lifetime, "lifetime", 0, lifetime_max, 0));
  return kind;
}

// Names to ids, once nothing else can fail.
class Names {
 public:
  Names(const InternName& intern, Checks& checks) : intern_(intern), checks_(checks) {}

  void run(const Catalogue& catalogue, Compiled& compiled) {
    for (std::size_t p = 0; p < catalogue.plans.size(); ++p)
      of_plan(catalogue.plans[p], *compiled.plans[p]);
    for (std::size_t k = 0; k < catalogue.bucket_kinds.size(); ++k)
      compiled.bucket_kinds[k].id = id_of(NameKind::bucket_kind, catalogue.bucket_kinds[k].name);
    for (const std::unique_ptr<CompiledPlan>& plan : compiled.plans)
      kinds_to_ids(compiled.bucket_kinds, *plan);
    check_one_each(
        catalogue.plans, [&](std::size_t i) { return compiled.plans[i]->id; }, "plan");
    check_one_each(
        catalogue.bucket_kinds, [&](std::size_t i) { return compiled.bucket_kinds[i].id; },
        "bucket kind");
  }

 private:
  std::uint16_t id_of(NameKind kind, const Placed<std::string>& name) {
    const std::uint16_t id = intern_(kind, name.value);
    if (id == 0)
      checks_.fault(name.place, "the catalogue of names is full: no id left for '" + name.value +
                                    "'; reuse a name that was used before");
    return id;
  }

  // A name that an earlier version renamed means the other one for ever.
  template <class Parts, class IdOf>
  void check_one_each(const Parts& parts, const IdOf& id_of_part, const std::string& what) {
    std::map<std::uint16_t, std::size_t> owners;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto [owner, fresh] = owners.try_emplace(id_of_part(i), i);
      if (fresh || id_of_part(i) == 0) continue;
      checks_.fault(parts[i].name.place, what + " '" + parts[i].name.value + "' is the same as '" +
                                             parts[owner->second].name.value +
                                             "', for an earlier version renamed one to the other; "
                                             "choose a name that was never used");
    }
  }

  void of_plan(const PlanSource& source, CompiledPlan& plan) {
    plan.id = id_of(NameKind::plan, source.name);
    for (std::size_t s = 0; s < source.services.size(); ++s) {
      const ServiceSource& service = source.services[s];
      plan.services[s].name = id_of(NameKind::service, service.name);
      if (service.pass.given) plan.services[s].pass = id_of(NameKind::plan, service.pass);
      for (std::size_t r = 0; r < service.rates.size(); ++r) {
        const RateSource& from = service.rates[r];
        Rate& rate = plan.own_rates[plan.services[s].first_rate + r];
        rate.name = id_of(NameKind::rate, from.name);
        if (from.pass.given) rate.pass = id_of(NameKind::plan, from.pass);
      }
    }
    for (std::size_t f = 0; f < source.fees.size(); ++f)
      plan.own_fees[f].name = id_of(NameKind::fee, source.fees[f].name);
    counters(source, plan);
    for (std::size_t k = 0; k < source.sponsors.size(); ++k)
      plan.own_sponsors[k].name = id_of(NameKind::sponsor, source.sponsors[k].name);
    for (std::uint16_t s = 0; s < plan.service_count; ++s)
      if (std::uint16_t& sponsor = plan.services[s].sponsor; sponsor != 0)
        sponsor = plan.own_sponsors[sponsor - 1u].name;
  }

  void counters(const PlanSource& source, CompiledPlan& plan) {
    std::size_t with_levels = 0;
    for (std::size_t k = 0; k < source.counters.size(); ++k) {
      const CounterSource& from = source.counters[k];
      CounterRule& rule = plan.own_counters[k];
      rule.name = id_of(NameKind::counter, from.name);
      if (rule.bucket_kind != 0) rule.bucket_kind = id_of(NameKind::bucket_kind, from.bucket);
      for (std::size_t i = 0; i < from.services.size(); ++i)
        plan.own_values[rule.first_service + i] = id_of(NameKind::service, from.services[i]);
      for (std::size_t i = 0; i < from.levels.size(); ++i)
        (*plan.own_levels[with_levels])[i].name = id_of(NameKind::level, from.levels[i].name);
      with_levels += from.levels.empty() ? 0 : 1;
    }
  }

  const InternName& intern_;
  Checks& checks_;
};

// What was renamed is there no more, and has become one thing.
template <class Parts>
void check_former_names(const Parts& parts, const std::string& what, Checks& checks) {
  std::map<std::string, std::string> became;
  for (const auto& part : parts) {
    for (const Placed<std::string>& former : part.was) {
      for (const auto& other : parts)
        if (other.name.value == former.value)
          checks.fault(former.place, "was is '" + former.value + "', which is the name of a " +
                                         what + " here; remove one of the two");
      const auto [owner, fresh] = became.try_emplace(former.value, part.name.value);
      if (!fresh)
        checks.fault(former.place, "was is '" + former.value + "', which '" + owner->second +
                                       "' says too; one " + what + " becomes one");
    }
  }
}

}  // namespace

std::vector<std::string> segments_of(const Catalogue& catalogue, const PlanSource& plan) {
  std::set<std::string> names;
  const auto add = [&](const std::vector<ConditionSource>& when) {
    for (const ConditionSource& condition : when)
      for (const Placed<std::string>& value : condition.values)
        if (condition.attribute.value == "segment") names.insert(value.value);
  };
  for (const ServiceSource& service : plan.services)
    for (const RateSource& rate : service.rates) add(rate.when);
  for (const CounterSource& counter : plan.counters) add(counter.when);
  for (const BucketKindSource& kind : catalogue.bucket_kinds) add(kind.when);
  return {names.begin(), names.end()};
}

Compiled compile_catalogue(const Catalogue& catalogue, const InternName& intern) {
  Compiled compiled;
  Checks checks(compiled.faults);
  std::vector<std::string> names;
  check_times(catalogue, checks);
  compiled.zones = compile_zones(catalogue, checks);
  if (catalogue.plans.size() > limits::plans_max)
    checks.fault(catalogue.plans.back().place,
                 "there are " + std::to_string(catalogue.plans.size()) + " plans; allowed: 0 to " +
                     std::to_string(limits::plans_max));
  for (const BucketKindSource& source : catalogue.bucket_kinds) {
    checks.name(source.name, source.name.place, "bucket kind", names);
    compiled.bucket_kinds.push_back(compile_bucket_kind(source, checks));
  }
  check_former_names(catalogue.bucket_kinds, "bucket kind", checks);
  check_former_names(catalogue.plans, "plan", checks);
  names.clear();
  const KindTable kinds{catalogue, compiled.bucket_kinds};
  std::vector<RateCompiler> rates;
  for (const PlanSource& source : catalogue.plans) {
    checks.name(source.name, source.place, "plan", names);
    CompiledPlan& plan = *compiled.plans.emplace_back(std::make_unique<CompiledPlan>());
    compile_plan(source, checks, rates.emplace_back(source, catalogue, checks, plan), plan);
    compile_terms(source, kinds, checks, plan);
    compile_counters(source, kinds, checks, rates.back(), plan);
    compile_accumulation(source, checks, plan);
  }
  check_counter_names(catalogue, checks);
  check_hashes(catalogue, checks);
  compile_bucket_rules(kinds, rates, compiled, checks);
  for (const std::unique_ptr<CompiledPlan>& plan : compiled.plans) plan->point_to_own();
  if (compiled.faults.empty()) Names(intern, checks).run(catalogue, compiled);
  if (!compiled.faults.empty()) {
    compiled.plans.clear();
    compiled.zones.reset();
    compiled.bucket_kinds.clear();
  }
  return compiled;
}

PlanVersion::PlanVersion(std::uint16_t version, std::vector<std::unique_ptr<CompiledPlan>> plans,
                         std::unique_ptr<CompiledZones> zones)
    : plans_(std::move(plans)), zones_(std::move(zones)) {
  for (const std::unique_ptr<CompiledPlan>& plan : plans_) {
    LEVY_CHECK(plan->id != 0);
    if (by_id_.size() <= plan->id) by_id_.resize(plan->id + std::size_t{1}, nullptr);
    by_id_[plan->id] = plan.get();
  }
  set_ = PlanSet{version, by_id_.data(), static_cast<std::uint32_t>(by_id_.size()), zones_.get()};
}

}  // namespace levy::rating
