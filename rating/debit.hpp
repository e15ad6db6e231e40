// Debit: usage of one group becomes movements, unit buckets first, then money.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
//
// Internal to rating/. Debits never fail for want of credit: what nobody pays is debt, written
// off, or unrated (semantics.md "Units and grants").
#pragma once

#include <cstdint>

#include "rating/charge.hpp"
#include "rating/ledger.hpp"
#include "rating/payers.hpp"

namespace levy::rating {

// Debits `used` units of the payers' tariff, with the connect fee where it is still due, and writes
// the facts of `outcome` (rated_by, used, used_by_buckets, charged, fee, unpaid, unrated). Whose
// debt it becomes, and how far, the base plan says.
void debit(Ledger& ledger, const Payers& payers, Group& group, std::int64_t used, std::uint8_t mscc,
           MsccOutcome& outcome);

// The number of `unit` in a report; an absent number is 0.
inline std::int64_t amount_of(const UnitAmounts& amounts, Unit unit) {
  switch (unit) {
    case Unit::octets:
      return amounts.has_octets ? amounts.octets : 0;
    case Unit::seconds:
      return amounts.has_seconds ? amounts.seconds : 0;
    case Unit::events:
      return amounts.has_events ? amounts.events : 0;
    case Unit::money:
      return amounts.has_money ? amounts.money.micros : 0;
  }
  return 0;
}

// The part of a report that came after the tariff change, and the one before.
inline UnitAmounts used_after(const MsccRequest& mscc) {
  UnitAmounts part = mscc.used;
  part.octets = mscc.after.octets;
  part.octets_up = mscc.after.octets_up;
  part.octets_down = mscc.after.octets_down;
  return part;
}
inline UnitAmounts used_before(const MsccRequest& mscc) {
  UnitAmounts part = mscc.used;
  part.octets -= mscc.after.octets;
  part.octets_up -= mscc.after.octets_up;
  part.octets_down -= mscc.after.octets_down;
  return part;
}

// What the service counts of a report, each direction by its share: whole octets, rounded up once
// per report. Octets of unknown direction count in full.
inline std::int64_t used_units(const UnitAmounts& used, const Service& service) {
  const bool even = service.up_permille == 1000 && service.down_permille == 1000;
  if (even || service.unit != Unit::octets || !used.has_octets || !used.has_directions)
    return amount_of(used, service.unit);
  const Int128 counted = Int128{used.octets_up} * service.up_permille +
                         Int128{used.octets_down} * service.down_permille;
  return static_cast<std::int64_t>((counted + 999) / 1000);
}

}  // namespace levy::rating
