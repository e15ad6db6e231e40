// Tariff: which service, rate and price of a plan an MSCC falls under, and until when.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
//
// Internal to rating/. A rate is chosen when a grant is made, from the conditions of the message
// that asks for it, and kept with the grant: usage is rated by the grant that it consumes
// (semantics.md "Conditions and clocks").
#pragma once

#include <cstdint>

#include "rating/charge.hpp"
#include "rating/ledger.hpp"

namespace levy::rating {

// The plan, service and rate that price something: of an add-on or of the base plan. Service is
// null where none of them names one; the plan is the base plan then. What the account may owe, and
// what becomes of an overrun, are the base plan's (ChargeInput::plan) whatever the tariff is.
struct Tariff {
  const Plan* plan = nullptr;
  const Service* service = nullptr;
  std::uint16_t rate = 0;
  std::uint16_t version = 0;     // of the plan
  const Zones* zones = nullptr;  // of that version
  std::uint16_t changes = 0;     // Change bits: what may choose another one, add-ons' included

  // The others expect that service is not null.
  std::uint16_t index() const {
    return service == nullptr ? std::uint16_t{0xffff}
                              : static_cast<std::uint16_t>(service - plan->services.data());
  }
  const Rate* chosen() const {  // null: the service's own price
    return rate == 0 || rate > service->rate_count ? nullptr
                                                   : &plan->rates[service->first_rate + rate - 1u];
  }
  const Price* price() const {
    const Rate* one = chosen();
    return one != nullptr ? &one->price : &service->price;
  }
  // The add-on that a use buys (interned), 0 = none.
  std::uint16_t pass() const {
    const Rate* one = chosen();
    return one != nullptr ? one->pass : service->pass;
  }
  RatedBy rated_by() const {
    const Rate* one = chosen();
    return {service->name, one != nullptr ? rate : std::uint16_t{0},
            one != nullptr ? one->name : std::uint16_t{0}, version, service->tax_permille};
  }
};

// Says in the outcome whose service it is.
inline void name_service(const Tariff& tariff, MsccOutcome& outcome) {
  outcome.service = tariff.index();
  outcome.plan = tariff.service != nullptr ? tariff.plan : nullptr;
  outcome.changes = tariff.changes;
  outcome.plan_version = tariff.service != nullptr ? tariff.version : std::uint16_t{0};
}

// The tariff now, for a group's first grant: of the first add-on that has a service for the MSCC,
// else of the base plan.
Tariff current_tariff(const ChargeInput& input, const MsccRequest& mscc);

// The same for any grant. `group` may be null, or pinned (OnNewVersion::pin) to the version of its
// plan that its last grant was made under: that one speaks in its plan's place then. A plan that
// the account no longer has has no place, and what comes before the pinned one is asked before it,
// so another plan and a bought add-on take effect at once.
Tariff tariff_of_grant(const ChargeInput& input, const Group* group, const MsccRequest& mscc);

// Whether the message meets one condition of the plan, at input.usage_time.
bool holds(const ChargeInput& input, const MsccRequest& mscc, const Plan& plan, const Zones* zones,
           const Condition& condition);
// Whether it meets `count` of them, from `first` on.
bool all_hold(const ChargeInput& input, const MsccRequest& mscc, const Tariff& tariff,
              std::uint32_t first, std::uint32_t count);

// By which rule buckets of the kind pay for the tariff's service; null: by none. `ruled`: the kind
// has rules in the tariff's plan, so that without one it does not pay.
const BucketRule* find_rule(const Tariff& tariff, std::uint16_t kind, bool& ruled);

// The tariff that the group's standing or last grant was made under; usage consumes that grant. A
// version that is gone, or no grant yet: the tariff now.
Tariff tariff_of_usage(const ChargeInput& input, const Group& group, const MsccRequest& mscc);

// Seconds from input.usage_time to the end of a grant under `tariff`: the service's validity, cut
// at the next change of a time that its rates ask for, or the rule of a bucket that could pay; that
// spread over the base plan's boundary_spread. `told` (unix seconds, 0 = none): a change that the
// grant names itself, so that it goes on to the one after. 0 = no Validity-Time.
std::uint32_t validity_of_grant(const ChargeInput& input, const Tariff& tariff,
                                const Ledger& ledger, std::uint32_t told);

// The change of price that a grant under `tariff` can name (Tariff-Time-Change), and what prices
// its use from then on. at 0: none; its Validity-Time ends at the change, where there is one.
struct TariffChange {
  std::uint32_t at = 0;  // unix seconds
  Tariff after;
};
TariffChange tariff_change(const ChargeInput& input, const MsccRequest& mscc, const Group& group,
                           const Tariff& tariff, const Ledger& ledger);

inline Reason unmatched_reason(const Plan& plan) {
  return plan.unmatched == Unmatched::denied_4010 ? Reason::denied : Reason::rating_failed;
}

inline Reason access_reason(const ChargeInput& input, const Tariff& tariff) {
  const Service& service = *tariff.service;
  const Rate* one = tariff.chosen();
  if (service.refused || (one != nullptr && one->refused)) return Reason::refused;
  const bool closed = input.account_barred || (input.in_grace && !service.in_grace);
  const bool barred = service.barred || (one != nullptr && one->barred);
  return closed || barred ? Reason::denied : Reason::ok;
}

// Why nothing can pay: no credit; or the plan names no price, and says that this is a fault.
inline Reason credit_reason(const Tariff& tariff) {
  const bool unrated = tariff.price()->none && tariff.service->unpriced_fails;
  return unrated ? Reason::rating_failed : Reason::no_credit;
}

// When none of the `count` outcomes is under credit control, all of them say so; beside others such
// a service is a free one.
void say_not_applicable(std::uint32_t count, ChargeResult& result);

// The unit of a report that no service prices: the first number there is.
inline Unit unit_reported(const UnitAmounts& amounts) {
  if (amounts.has_octets) return Unit::octets;
  return amounts.has_seconds ? Unit::seconds : Unit::events;
}

}  // namespace levy::rating
