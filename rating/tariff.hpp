// Tariff: which service, rate and price of a plan an MSCC falls under, and until when.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
//
// Internal to rating/. A rate is chosen when a grant is made, from the conditions of the message
// that asks for it, and kept with the grant: usage is rated by the grant that it consumes
// (semantics.md "Conditions and clocks").
#pragma once

#include <cstdint>

#include "rating/charge.hpp"

namespace levy::rating {

// The plan, service and rate that price something; service is null where the plan names none.
struct Tariff {
  const Plan* plan = nullptr;
  const Service* service = nullptr;
  std::uint16_t rate = 0;
  std::uint16_t version = 0;  // of the plan

  // Not null where service is not.
  const Price* price() const { return price_of_rate(*plan, *service, rate); }
  static const Price* price_of_rate(const Plan& plan, const Service& service, std::uint16_t rate) {
    return rate == 0 || rate > service.rate_count
               ? &service.price
               : &plan.rates[service.first_rate + rate - 1u].price;
  }
  // service is not null.
  RatedBy rated_by() const {
    const bool own = rate == 0 || rate > service->rate_count;
    return {service->name, own ? std::uint16_t{0} : rate,
            own ? std::uint16_t{0} : plan->rates[service->first_rate + rate - 1u].name, version,
            service->tax_permille};
  }
};

// The tariff of the account's plan now, for new grants; `service` is its index or 0xffff.
Tariff current_tariff(const ChargeInput& input, const MsccRequest& mscc, std::uint16_t& service);

// Whether the message meets one condition of a rate of the plan, at input.usage_time.
bool holds(const ChargeInput& input, const MsccRequest& mscc, const Plan& plan,
           const Condition& condition);

// The tariff that the group's standing or last grant was made under; usage consumes that grant. A
// version that is gone, or no grant yet: the plan now.
Tariff tariff_of_usage(const ChargeInput& input, const Group& group, const MsccRequest& mscc);

// Seconds from input.usage_time to the end of a grant under `tariff`: the service's validity, cut
// at the next change of a time that its rates ask for, that spread over the plan's boundary_spread.
// 0 = no Validity-Time.
std::uint32_t validity_of_grant(const ChargeInput& input, const Tariff& tariff);

inline Reason unmatched_reason(const Plan& plan) {
  return plan.unmatched == Unmatched::denied_4010 ? Reason::denied : Reason::rating_failed;
}

inline Reason access_reason(const ChargeInput& input, const Service& service) {
  if (service.refused) return Reason::refused;
  return input.account_barred || service.barred ? Reason::denied : Reason::ok;
}

// Why nothing can pay: no credit; or the plan names no price, and says that this is a fault.
inline Reason credit_reason(const Tariff& tariff) {
  const bool unrated = tariff.price()->none && tariff.service->unpriced_fails;
  return unrated ? Reason::rating_failed : Reason::no_credit;
}

// When none of the `count` outcomes is under credit control, all of them say so; beside others such
// a service is a free one.
void say_not_applicable(const Plan& plan, std::uint32_t count, ChargeResult& result);

// The unit of a report that no service prices: the first number there is.
inline Unit unit_reported(const UnitAmounts& amounts) {
  if (amounts.has_octets) return Unit::octets;
  return amounts.has_seconds ? Unit::seconds : Unit::events;
}

}  // namespace levy::rating
