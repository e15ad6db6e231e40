// Tariff: services by what they take, rates by their conditions, zones by prefix.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
#include "rating/tariff.hpp"

#include <algorithm>
#include <span>

#include "rating/facts.hpp"

namespace levy::rating {
namespace {

bool fits(const Service& service, std::uint8_t context, const MsccRequest& mscc) {
  if ((service.contexts & context) == 0) return false;
  if (service.service_identifier_count == 0) return true;
  for (std::uint32_t i = 0; i < service.service_identifier_count; ++i)
    for (std::uint32_t j = 0; j < mscc.service_identifier_count; ++j)
      if (service.service_identifiers[i] == mscc.service_identifiers[j]) return true;
  return false;
}

// The first service of one (takes, rating_group) that fits; 0xffff: none.
std::uint16_t first_fitting(const Plan& plan, Takes takes, std::uint32_t rating_group,
                            std::uint8_t context, const MsccRequest& mscc) {
  const auto end = plan.entries.begin() + plan.entry_count;
  auto at = std::lower_bound(plan.entries.begin(), end, rating_group,
                             [takes](const RatingGroupEntry& e, std::uint32_t group) {
                               return e.takes != takes ? e.takes < takes : e.rating_group < group;
                             });
  for (; at != end && at->takes == takes && at->rating_group == rating_group; ++at)
    if (fits(plan.services[at->service], context, mscc)) return at->service;
  return 0xffff;
}

// What a message carries of one attribute; false: nothing.
bool value_of(const ChargeInput& input, const MsccRequest& mscc, const Zones* zones,
              Attribute attribute, std::uint64_t& value) {
  const ChargeRequest& request = *input.request;
  const auto zone = [&](std::uint32_t found) {
    value = found;
    return found != PrefixTable::no_zone;
  };
  switch (attribute) {
    case Attribute::apn:
      value = apn_key(request.called_station_id);
      return !request.called_station_id.empty();
    case Attribute::rat:
      value = request.rat_type - 1u;
      return request.rat_type != 0;
    case Attribute::plmn_zone:
      return zones != nullptr && zone(zones->plmns.find_network(request.serving_plmn));
    case Attribute::location_zone:
      return zones != nullptr && zone(location_zone(*zones, request.user_location));
    case Attribute::called_zone:
      return zones != nullptr && zone(zones->numbers.find_number(request.called_party));
    case Attribute::calling_zone:
      return zones != nullptr && zone(zones->numbers.find_number(request.calling_party));
    case Attribute::characteristics:
      return characteristics_value(request.characteristics, value);
    case Attribute::qci:
      value = mscc.qci;
      return mscc.qci != 0;
    case Attribute::role:
      value = request.role_of_node - 1u;
      return request.role_of_node != 0;
    case Attribute::time:
    case Attribute::service_identifier:
    case Attribute::segment:
    case Attribute::friends:
      return false;  // not one value: holds() looks at them itself
  }
  return false;
}

bool is_friend(const ChargeInput& input, std::string_view number) {
  const std::uint64_t key = number_key(number);
  const auto end = input.friends.begin() + input.friend_count;
  return key != 0 && std::find(input.friends.begin(), end, key) != end;
}

}  // namespace

bool holds(const ChargeInput& input, const MsccRequest& mscc, const Plan& plan, const Zones* zones,
           const Condition& condition) {
  const std::span<const std::uint64_t> values(plan.values + condition.first, condition.count);
  bool found = false;
  if (condition.attribute == Attribute::time) {
    for (const std::uint64_t index : values) {
      found = found || plan.times[index].on(input.usage_time.seconds());
    }
  } else if (condition.attribute == Attribute::service_identifier) {
    for (std::uint32_t i = 0; i < mscc.service_identifier_count; ++i)
      found = found ||
              std::find(values.begin(), values.end(), mscc.service_identifiers[i]) != values.end();
  } else if (condition.attribute == Attribute::segment) {
    for (const std::uint32_t segment : input.segments)
      found = found || (segment != 0 &&
                        std::find(values.begin(), values.end(), segment) != values.end());
  } else if (condition.attribute == Attribute::friends) {
    for (const std::uint64_t calling : values)
      found = found || is_friend(input, calling != 0 ? input.request->calling_party
                                                     : input.request->called_party);
  } else {
    std::uint64_t value = 0;
    found = value_of(input, mscc, zones, condition.attribute, value) &&
            std::find(values.begin(), values.end(), value) != values.end();
  }
  return found != condition.negated;
}

bool all_hold(const ChargeInput& input, const MsccRequest& mscc, const Tariff& tariff,
              std::uint32_t first, std::uint32_t count) {
  for (std::uint32_t c = 0; c < count; ++c)
    if (!holds(input, mscc, *tariff.plan, tariff.zones, tariff.plan->conditions[first + c]))
      return false;
  return true;
}

const BucketRule* find_rule(const Tariff& tariff, std::uint16_t kind, bool& ruled) {
  const BucketRule* const end = tariff.plan->bucket_rules + tariff.plan->bucket_rule_count;
  const BucketRule* at =
      std::lower_bound(tariff.plan->bucket_rules, end, kind,
                       [](const BucketRule& rule, std::uint16_t k) { return rule.kind < k; });
  ruled = at != end && at->kind == kind;
  const std::uint16_t index = tariff.index();
  for (; at != end && at->kind == kind; ++at)  // any_service, the largest, comes last
    if (at->service == index || at->service == BucketRule::any_service) return at;
  return nullptr;
}

namespace {

std::uint16_t choose_rate(const ChargeInput& input, const MsccRequest& mscc, const Tariff& tariff) {
  for (std::uint16_t k = 1; k <= tariff.service->rate_count; ++k) {
    const Rate& rate = tariff.plan->rates[tariff.service->first_rate + k - 1u];
    if (all_hold(input, mscc, tariff, rate.first_condition, rate.condition_count)) return k;
  }
  return 0;
}

// Lowers `next` (unix seconds, 0 = none) to the next change of a time that the conditions ask for.
void lower_to_change(const Plan& plan, std::uint32_t first, std::uint32_t count,
                     std::int64_t seconds, std::uint32_t& next) {
  for (std::uint32_t c = 0; c < count; ++c) {
    const Condition& condition = plan.conditions[first + c];
    if (condition.attribute != Attribute::time) continue;
    for (std::uint32_t v = 0; v < condition.count; ++v) {
      const std::uint32_t edge = plan.times[plan.values[condition.first + v]].next_edge(seconds);
      if (edge != 0 && (next == 0 || edge < next)) next = edge;
    }
  }
}

// The next change of a time that the service's rates ask for, unix seconds; 0 = none.
std::uint32_t next_rate_change(const Tariff& tariff, std::int64_t seconds) {
  const Plan& plan = *tariff.plan;
  std::uint32_t next = 0;
  for (std::uint32_t k = 0; k < tariff.service->rate_count; ++k) {
    const Rate& rate = plan.rates[tariff.service->first_rate + k];
    lower_to_change(plan, rate.first_condition, rate.condition_count, seconds, next);
  }
  return next;
}

// The same of the rules of usable buckets.
std::uint32_t next_rule_change(const Tariff& tariff, const Ledger& ledger, std::int64_t seconds) {
  const Plan& plan = *tariff.plan;
  std::uint32_t next = 0;
  if (plan.bucket_rule_count == 0) return next;
  for (std::uint32_t i = 0; i < ledger.bucket_count(); ++i) {
    if (ledger.bucket(i).kind == 0 || !ledger.usable(i)) continue;
    bool ruled = false;
    const BucketRule* rule = find_rule(tariff, ledger.bucket(i).kind, ruled);
    if (rule != nullptr && rule->by_time)
      lower_to_change(plan, rule->first_condition, rule->condition_count, seconds, next);
  }
  return next;
}

std::uint32_t next_change(const Tariff& tariff, const Ledger& ledger, std::int64_t seconds) {
  const std::uint32_t rate = next_rate_change(tariff, seconds);
  const std::uint32_t rule = next_rule_change(tariff, ledger, seconds);
  return rate == 0 || (rule != 0 && rule < rate) ? rule : rate;
}

// The tariff of one plan for the MSCC; service is null where the plan names none.
Tariff tariff_of_plan(const ChargeInput& input, const MsccRequest& mscc, const Plan& plan,
                      std::uint16_t version, const Zones* zones) {
  Tariff tariff{&plan, nullptr, 0, version, zones};
  const std::uint16_t service = find_service(plan, *input.request, mscc);
  if (service >= plan.service_count) return tariff;
  tariff.service = &plan.services[service];
  tariff.rate = choose_rate(input, mscc, tariff);
  return tariff;
}

// The plan that the group's grant was made under, without service; its plan is null: gone.
Tariff plan_of_grant(const ChargeInput& input, const Group& group) {
  if (group.plan == input.plan->id && group.plan_version == input.plan_version)
    return {input.plan, nullptr, 0, input.plan_version, input.zones};
  for (std::uint32_t k = 0; k < input.plan_set_count; ++k) {
    const PlanSet* set = input.plan_sets[k];  // null where no version is loaded
    if (set == nullptr || set->version != group.plan_version) continue;
    return {set->find(group.plan), nullptr, 0, set->version, set->zones};
  }
  for (std::uint32_t k = 0; k < input.addon_count; ++k) {
    const Addon& addon = input.addons[k];
    if (addon.plan->id == group.plan && addon.plan_version == group.plan_version)
      return {addon.plan, nullptr, 0, addon.plan_version, addon.zones};
  }
  return {};
}

// The tariff that the group is pinned to, with the rate that the message meets there; its plan is
// null: it is not pinned, or its version is gone or the base plan's own.
Tariff pinned_tariff(const ChargeInput& input, const Group& group, const MsccRequest& mscc) {
  if (group.plan == 0 || (group.plan == input.plan->id && group.plan_version == input.plan_version))
    return {};
  Tariff tariff = plan_of_grant(input, group);
  if (tariff.plan == nullptr || group.service >= tariff.plan->service_count) return {};
  tariff.service = &tariff.plan->services[group.service];
  if (tariff.service->on_new_version != OnNewVersion::pin) return {};
  tariff.rate = choose_rate(input, mscc, tariff);
  return tariff;
}

}  // namespace

std::uint16_t find_service(const Plan& plan, const ChargeRequest& request,
                           const MsccRequest& mscc) {
  const std::uint8_t context = context_of(request.service_context_id);
  std::uint16_t found =
      mscc.has_rating_group
          ? first_fitting(plan, Takes::rating_group, mscc.rating_group, context, mscc)
          : first_fitting(plan, Takes::without, 0, context, mscc);
  if (found == 0xffff) found = first_fitting(plan, Takes::any, 0, context, mscc);
  return found;
}

bool has_service(const ChargeInput& input, const MsccRequest& mscc) {
  for (std::uint32_t k = 0; k < input.addon_count; ++k)
    if (find_service(*input.addons[k].plan, *input.request, mscc) != 0xffff) return true;
  return find_service(*input.plan, *input.request, mscc) != 0xffff;
}

Tariff current_tariff(const ChargeInput& input, const MsccRequest& mscc) {
  return tariff_of_grant(input, nullptr, mscc);
}

// An add-on's service whose rates do not hold here, and that has no price of its own, leaves the
// use to the next product; the gateway is asked to report what would have made them hold.
Tariff tariff_of_grant(const ChargeInput& input, const Group* group, const MsccRequest& mscc) {
  const Tariff pinned = group != nullptr ? pinned_tariff(input, *group, mscc) : Tariff{};
  const auto tariff_of = [&](const Plan& plan, std::uint16_t version, const Zones* zones) {
    const bool stands = pinned.plan != nullptr && pinned.plan->id == plan.id;
    return stands ? pinned : tariff_of_plan(input, mscc, plan, version, zones);
  };
  std::uint16_t passed = 0;
  for (std::uint32_t k = 0; k < input.addon_count; ++k) {
    const Addon& addon = input.addons[k];
    Tariff tariff = tariff_of(*addon.plan, addon.plan_version, addon.zones);
    if (tariff.service == nullptr) continue;
    passed |= tariff.service->changes;
    if (tariff.price()->none && tariff.service->rate_count != 0) continue;
    tariff.changes = passed;
    return tariff;
  }
  Tariff tariff = tariff_of(*input.plan, input.plan_version, input.zones);
  if (tariff.service != nullptr) tariff.changes = passed | tariff.service->changes;
  return tariff;
}

Tariff tariff_of_usage(const ChargeInput& input, const Group& group, const MsccRequest& mscc) {
  if (group.plan != 0) {
    Tariff tariff = plan_of_grant(input, group);
    if (tariff.plan != nullptr && group.service < tariff.plan->service_count) {
      tariff.service = &tariff.plan->services[group.service];
      tariff.rate = group.rate;
      tariff.changes = tariff.service->changes;
      return tariff;
    }
  }
  return current_tariff(input, mscc);
}

std::uint16_t pass_for(const ChargeInput& input, const MsccRequest& mscc) {
  const Tariff tariff = current_tariff(input, mscc);
  if (tariff.service == nullptr || access_reason(input, tariff) != Reason::ok) return 0;
  return tariff.pass();
}

void say_not_applicable(std::uint32_t count, ChargeResult& result) {
  const auto applies = [](const MsccOutcome& outcome) {
    return outcome.reason != Reason::ok || outcome.plan == nullptr ||
           !outcome.plan->services[outcome.service].not_applicable;
  };
  const auto end = result.mscc.begin() + count;
  if (count == 0 || std::any_of(result.mscc.begin(), end, applies)) return;
  for (auto outcome = result.mscc.begin(); outcome != end; ++outcome) {
    outcome->reason = Reason::not_applicable;
    outcome->flags = 0;
    outcome->granted = 0;
    outcome->validity = outcome->threshold = outcome->quota_holding_time = 0;
  }
}

TariffChange tariff_change(const ChargeInput& input, const MsccRequest& mscc, const Group& group,
                           const Tariff& tariff, const Ledger& ledger) {
  TariffChange change;
  const Service& service = *tariff.service;
  if (!input.tariff_time_change || !service.by_time || service.unit != Unit::octets) return change;
  if (input.pools && service.pool != 0) return change;  // a multiplier is of one price
  const std::int64_t from = input.usage_time.seconds();
  const std::uint32_t at = next_rate_change(tariff, from);
  // Where other buckets pay from then on, or before, the grant ends there.
  const std::uint32_t rule = next_rule_change(tariff, ledger, from);
  if (rule != 0 && rule <= at) return change;
  const auto beyond = [&](std::int64_t end) { return end != 0 && at >= end; };
  if (at == 0 || beyond(input.access_ends_at) ||
      beyond(service.validity == 0 ? 0 : from + service.validity) ||
      beyond(from + limits::validity_seconds_max))
    return change;
  ChargeInput later = input;
  later.usage_time = Time{std::int64_t{at} * 1'000'000};
  change.after = tariff_of_grant(later, &group, mscc);
  if (change.after.plan != tariff.plan || change.after.service != tariff.service ||
      change.after.rate == tariff.rate || change.after.price()->none ||
      access_reason(later, change.after) != Reason::ok)
    return change;
  change.at = at;
  return change;
}

std::uint32_t validity_of_grant(const ChargeInput& input, const Tariff& tariff,
                                const Ledger& ledger, std::uint32_t told) {
  const Service& service = *tariff.service;
  const std::int64_t from = input.usage_time.seconds();
  std::int64_t left = 0;  // 0 = nothing cuts it
  if (service.by_time) {
    const std::uint32_t change = next_change(tariff, ledger, told != 0 ? told : from);
    if (change != 0) left = change - from;
    if (left != 0 && input.plan->boundary_spread != 0)
      left += input.spread_seed % input.plan->boundary_spread;
  }
  if (input.access_ends_at > from && !(service.in_grace && !input.in_grace)) {
    const std::int64_t access = input.access_ends_at - from;
    left = left == 0 ? access : std::min(left, access);
  }
  if (left == 0 || (service.validity != 0 && service.validity <= left)) return service.validity;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(left, limits::validity_seconds_max));
}

}  // namespace levy::rating
