// compile_catalogue: plans and bucket kinds with every fault at once; PlanVersion.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
#include "rating/compile/compile.hpp"

#include <algorithm>

#include "engine/base/check.hpp"
#include "engine/base/currency.hpp"
#include "rating/compile/checks.hpp"

namespace levy::rating {

std::uint16_t Checks::currency(const Placed<std::string>& value, const Place& owner) {
  if (!value.given) {
    fault(owner, "currency is missing; give three ISO 4217 letters, such as EUR");
    return 0;
  }
  const Currency* found = find_currency(value.value);
  if (found != nullptr) return found->numeric;
  fault(value.place, "currency is '" + value.value +
                         "'; allowed: the three upper-case letters of an ISO 4217 currency");
  return 0;
}

namespace {

constexpr std::int64_t session_ttl_min = 60;
constexpr std::int64_t session_ttl_max = 30 * 86400;
constexpr std::int64_t lifetime_max =
    50LL * 366 * 86400;  // ends within the 32 bits of Bucket::ends_at

// The catch-all and the service without Rating-Group, each at most once in a plan.
void take_role(Checks& checks, const Placed<bool>& given, const char* word, std::uint16_t index,
               std::uint16_t& role) {
  if (!given.given || !given.value) return;
  if (role != 0xffff)
    checks.fault(given.place, std::string("rating_group '") + word +
                                  "' stands in two services of this plan; keep one");
  else
    role = index;
}

void take_rating_groups(Checks& checks, const ServiceSource& source, std::uint16_t index,
                        Plan& plan) {
  for (const Placed<std::uint32_t>& group : source.rating_groups) {
    const auto end = plan.entries.begin() + plan.entry_count;
    const auto at = std::lower_bound(
        plan.entries.begin(), end, group.value,
        [](const RatingGroupEntry& e, std::uint32_t value) { return e.rating_group < value; });
    if (at != end && at->rating_group == group.value) {
      checks.fault(group.place, "rating_group " + std::to_string(group.value) +
                                    " stands twice in this plan; keep it in one service");
      continue;
    }
    if (plan.entry_count == plan.entries.size()) {
      checks.fault(group.place, "a plan takes at most " + std::to_string(plan.entries.size()) +
                                    " rating groups; split the plan or use rating_group: any");
      return;
    }
    std::move_backward(at, end, end + 1);
    *at = RatingGroupEntry{group.value, index};
    ++plan.entry_count;
  }
}

void compile_unmatched(const PlanSource& source, Checks& checks, Plan& plan) {
  static constexpr Choices<Unmatched, 3> words{{{"5031", Unmatched::rating_failed_5031},
                                                {"4010", Unmatched::denied_4010},
                                                {"rate_as", Unmatched::rate_as}}};
  const bool any = plan.any_service != 0xffff;
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

void compile_plan(const PlanSource& source, Checks& checks, Plan& plan) {
  static constexpr Choices<Overrun, 2> overruns{
      {{"debt", Overrun::debt}, {"write_off", Overrun::write_off}}};
  plan.currency = checks.currency(source.currency, source.place);
  plan.overrun = checks.choice(source.overrun, "overrun", overruns, Overrun::debt);
  plan.session_ttl = static_cast<std::uint32_t>(
      checks.number(source.session_ttl, "session_ttl", session_ttl_min, session_ttl_max, 86400));
  if (source.credit_limit.given && !parse_amount(source.credit_limit.value, plan.credit_limit))
    checks.fault(source.credit_limit.place,
                 "credit_limit is '" + source.credit_limit.value +
                     "'; allowed: a decimal of at most 6 places, 0 to " +
                     std::to_string(limits::balance_micros_max / 1'000'000));
  if (source.services.empty())
    checks.fault(source.place, "plan '" + source.name.value + "' has no services; add one");
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
    compile_service(service, source.place, checks, plan.services[index]);
    take_rating_groups(checks, service, index, plan);
    take_role(checks, service.any_rating_group, "any", index, plan.any_service);
    take_role(checks, service.without_rating_group, "none", index, plan.without_group_service);
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
    checks.fault(place, "bucket kind '" + kind.name +
                            "' has no unit; give money, octets, seconds or events");
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
void intern_names(const Catalogue& catalogue, const InternName& intern, Checks& checks,
                  Compiled& compiled) {
  const auto id_of = [&](NameKind kind, const Placed<std::string>& name) {
    const std::uint16_t id = intern(kind, name.value);
    if (id == 0)
      checks.fault(name.place, "the catalogue of names is full: no id left for '" + name.value +
                                   "'; reuse a name that was used before");
    return id;
  };
  for (std::size_t p = 0; p < catalogue.plans.size(); ++p) {
    Plan& plan = *compiled.plans[p];
    plan.id = id_of(NameKind::plan, catalogue.plans[p].name);
    for (std::size_t s = 0; s < catalogue.plans[p].services.size(); ++s)
      plan.services[s].name = id_of(NameKind::service, catalogue.plans[p].services[s].name);
  }
  for (std::size_t k = 0; k < catalogue.bucket_kinds.size(); ++k)
    compiled.bucket_kinds[k].id = id_of(NameKind::bucket_kind, catalogue.bucket_kinds[k].name);
}

}  // namespace

Compiled compile_catalogue(const Catalogue& catalogue, const InternName& intern) {
  Compiled compiled;
  Checks checks(compiled.faults);
  std::vector<std::string> names;
  if (catalogue.plans.size() > limits::plans_max)
    checks.fault(catalogue.plans.back().place,
                 "there are " + std::to_string(catalogue.plans.size()) + " plans; allowed: 0 to " +
                     std::to_string(limits::plans_max));
  for (const PlanSource& source : catalogue.plans) {
    checks.name(source.name, source.place, "plan", names);
    compiled.plans.push_back(std::make_unique<Plan>());
    compile_plan(source, checks, *compiled.plans.back());
  }
  names.clear();
  for (const BucketKindSource& source : catalogue.bucket_kinds) {
    checks.name(source.name, source.name.place, "bucket kind", names);
    compiled.bucket_kinds.push_back(compile_bucket_kind(source, checks));
  }
  if (compiled.faults.empty()) intern_names(catalogue, intern, checks, compiled);
  if (!compiled.faults.empty()) {
    compiled.plans.clear();
    compiled.bucket_kinds.clear();
  }
  return compiled;
}

PlanVersion::PlanVersion(std::uint16_t version, std::vector<std::unique_ptr<Plan>> plans)
    : plans_(std::move(plans)) {
  for (const std::unique_ptr<Plan>& plan : plans_) {
    LEVY_CHECK(plan->id != 0);
    if (by_id_.size() <= plan->id) by_id_.resize(plan->id + std::size_t{1}, nullptr);
    by_id_[plan->id] = plan.get();
  }
  set_ = PlanSet{version, by_id_.data(), static_cast<std::uint32_t>(by_id_.size())};
}

}  // namespace levy::rating
