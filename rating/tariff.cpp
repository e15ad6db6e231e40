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
bool value_of(const ChargeInput& input, const MsccRequest& mscc, Attribute attribute,
              std::uint64_t& value) {
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
      return input.zones != nullptr && zone(input.zones->plmns.find_network(request.serving_plmn));
    case Attribute::location_zone:
      return input.zones != nullptr && zone(location_zone(*input.zones, request.user_location));
    case Attribute::called_zone:
      return input.zones != nullptr && zone(input.zones->numbers.find_number(request.called_party));
    case Attribute::calling_zone:
      return input.zones != nullptr &&
             zone(input.zones->numbers.find_number(request.calling_party));
    case Attribute::characteristics:
      return characteristics_value(request.characteristics, value);
    case Attribute::qci:
      value = mscc.qci;
      return mscc.qci != 0;
    case Attribute::role:
      value = request.role_of_node - 1u;
      return request.role_of_node != 0;
    case Attribute::segment:
      value = input.segment;
      return input.segment != 0;
    case Attribute::time:
    case Attribute::service_identifier:
      return false;  // not one value: holds() looks at them itself
  }
  return false;
}

}  // namespace

bool holds(const ChargeInput& input, const MsccRequest& mscc, const Plan& plan,
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
  } else {
    std::uint64_t value = 0;
    found = value_of(input, mscc, condition.attribute, value) &&
            std::find(values.begin(), values.end(), value) != values.end();
  }
  return found != condition.negated;
}

namespace {

std::uint16_t choose_rate(const ChargeInput& input, const MsccRequest& mscc, const Plan& plan,
                          const Service& service) {
  for (std::uint16_t k = 1; k <= service.rate_count; ++k) {
    const Rate& rate = plan.rates[service.first_rate + k - 1u];
    bool all = true;
    for (std::uint32_t c = 0; c < rate.condition_count && all; ++c)
      all = holds(input, mscc, plan, plan.conditions[rate.first_condition + c]);
    if (all) return k;
  }
  return 0;
}

// The next change of a time that the service's rates ask for, unix seconds; 0 = none.
std::uint32_t next_change(const Plan& plan, const Service& service, std::int64_t seconds) {
  std::uint32_t next = 0;
  for (std::uint32_t k = 0; k < service.rate_count; ++k) {
    const Rate& rate = plan.rates[service.first_rate + k];
    for (std::uint32_t c = 0; c < rate.condition_count; ++c) {
      const Condition& condition = plan.conditions[rate.first_condition + c];
      if (condition.attribute != Attribute::time) continue;
      for (std::uint32_t v = 0; v < condition.count; ++v) {
        const std::uint32_t edge = plan.times[plan.values[condition.first + v]].next_edge(seconds);
        if (edge != 0 && (next == 0 || edge < next)) next = edge;
      }
    }
  }
  return next;
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

Tariff current_tariff(const ChargeInput& input, const MsccRequest& mscc, std::uint16_t& service) {
  service = find_service(*input.plan, *input.request, mscc);
  if (service >= input.plan->service_count) {
    service = 0xffff;
    return Tariff{input.plan, nullptr};
  }
  const Service& found = input.plan->services[service];
  return Tariff{input.plan, &found, choose_rate(input, mscc, *input.plan, found),
                input.plan_version};
}

Tariff tariff_of_usage(const ChargeInput& input, const Group& group, const MsccRequest& mscc) {
  if (group.plan != 0) {
    const Plan* plan = nullptr;
    if (group.plan == input.plan->id && group.plan_version == input.plan_version) {
      plan = input.plan;
    } else {
      for (std::uint32_t k = 0; k < input.plan_set_count && plan == nullptr; ++k) {
        const PlanSet* set = input.plan_sets[k];  // null where no version is loaded
        if (set != nullptr && set->version == group.plan_version) plan = set->find(group.plan);
      }
    }
    if (plan != nullptr && group.service < plan->service_count)
      return Tariff{plan, &plan->services[group.service], group.rate, group.plan_version};
  }
  std::uint16_t service = 0xffff;
  return current_tariff(input, mscc, service);
}

void say_not_applicable(const Plan& plan, std::uint32_t count, ChargeResult& result) {
  const auto applies = [&](const MsccOutcome& outcome) {
    return outcome.reason != Reason::ok || outcome.service >= plan.service_count ||
           !plan.services[outcome.service].not_applicable;
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

std::uint32_t validity_of_grant(const ChargeInput& input, const Tariff& tariff) {
  const Service& service = *tariff.service;
  if (!service.by_time) return service.validity;
  const std::int64_t from = input.usage_time.seconds();
  const std::uint32_t change = next_change(*tariff.plan, service, from);
  if (change == 0) return service.validity;
  std::int64_t left = change - from;
  if (tariff.plan->boundary_spread != 0) left += input.spread_seed % tariff.plan->boundary_spread;
  if (service.validity != 0 && service.validity <= left) return service.validity;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(left, limits::validity_seconds_max));
}

}  // namespace levy::rating
