// What charge() and charge_event() both ask of a request: which tariff, and whether access is open.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// Internal to rating/.
#pragma once

#include <cstdint>

#include "rating/charge.hpp"
#include "rating/debit.hpp"

namespace levy::rating {

// The tariff of the account's plan now, for new grants; `service` is its index or 0xffff.
inline Tariff current_tariff(const ChargeInput& input, const MsccRequest& mscc,
                             std::uint16_t& service) {
  service = find_service(*input.plan, mscc);
  if (service >= input.plan->service_count) {
    service = 0xffff;
    return Tariff{input.plan, nullptr};
  }
  return Tariff{input.plan, &input.plan->services[service]};
}

// The tariff that the group's standing or last grant was made under; usage consumes that grant
// (semantics.md "Conditions and clocks"). A version that is gone, or no grant yet: the plan now.
inline Tariff tariff_of_usage(const ChargeInput& input, const Group& group,
                              const MsccRequest& mscc) {
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
      return Tariff{plan, &plan->services[group.service]};
  }
  std::uint16_t service = 0xffff;
  return current_tariff(input, mscc, service);
}

inline Reason unmatched_reason(const Plan& plan) {
  return plan.unmatched == Unmatched::denied_4010 ? Reason::denied : Reason::rating_failed;
}

inline Reason access_reason(const ChargeInput& input, const Service& service) {
  if (service.refused) return Reason::refused;
  return input.account_barred || service.barred ? Reason::denied : Reason::ok;
}

// The unit of a report that no service prices: the first number there is.
inline Unit unit_reported(const UnitAmounts& amounts) {
  if (amounts.has_octets) return Unit::octets;
  return amounts.has_seconds ? Unit::seconds : Unit::events;
}

}  // namespace levy::rating
