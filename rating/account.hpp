// The state that charging moves: buckets of an account and rating groups of a session.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// These structs lie in the Shard's pools and are journaled as images, so they are trivially
// copyable, without padding holes, and any change of their layout is a change of the journal's
// format version. Law (semantics.md "Money"), per bucket and in sum:
//   credits = spent - written_off + reserved + free + in_transit
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "config/limits.hpp"
#include "engine/base/ids.hpp"

namespace levy::rating {

// What a bucket holds and a service counts.
enum class Unit : std::uint8_t { money = 0, octets = 1, seconds = 2, events = 3 };

enum BucketFlags : std::uint8_t {
  bucket_live = 1,  // the slot is in use
  // One per currency, of the account or of one of its subscribers; wallets alone may go negative.
  bucket_main_wallet = 2,
};

struct Bucket {
  std::int64_t credits = 0;       // all that was ever put in, less what expired; micros or units
  std::int64_t spent = 0;         // all that usage cost, unpaid parts included
  std::int64_t written_off = 0;   // the part of `spent` that nobody paid (overrun: write_off)
  std::int64_t reserved = 0;      // sum of the live groups' reservations here
  std::int64_t in_transit = 0;    // debited, on its way to another Shard
  std::int64_t spent_before = 0;  // of `spent`: before the running period of its allowance
  std::uint32_t starts_at = 0;    // unix seconds, 0 = always
  std::uint32_t ends_at = 0;      // unix seconds (exclusive), 0 = never
  std::uint16_t kind = 0;         // interned bucket kind (catalogue), 0 = the plain wallet
  Unit unit = Unit::money;
  std::uint8_t flags = 0;
  std::int16_t priority = 0;   // higher is used first; ties: earliest end, then oldest
  std::uint16_t currency = 0;  // ISO 4217 numeric for money, else 0
  Slot next = none;            // next bucket of the account, oldest first
  std::uint32_t step = 1;      // units are taken in whole steps (semantics.md "Units and grants")
  std::uint16_t product = 0;   // number of the account's product that granted it, 0 = none
  std::uint8_t rolled = 0;     // times that it was carried into another period
  std::int8_t rank = 0;        // within a priority: lower is used first, before any look at the end
  Slot owner = none;           // subscriber whose sessions alone use it; none: the account's

  bool live() const { return (flags & bucket_live) != 0; }
  std::int64_t free() const { return credits - spent + written_off - reserved - in_transit; }
};
static_assert(sizeof(Bucket) == 80 && std::is_trivially_copyable_v<Bucket>);

struct Reservation {
  std::int64_t amount = 0;  // micros or units, >= 0
  Slot bucket = none;
  std::uint32_t unused = 0;
};

// Use that is counted, of an account or of one of its subscribers (rating/plan.hpp, CounterRule).
struct Counter {
  std::int64_t value = 0;       // units or micros, of the running period; of a bucket kind always 0
  std::int64_t reserved = 0;    // sum of what the live groups hold of its limit
  Slot next = none;             // of the account
  Slot subscriber = none;       // none: the account's
  std::uint32_t resets_at = 0;  // unix seconds: it begins anew, 0 = never
  std::uint32_t anchor = 0;     // what its periods count from
  std::uint32_t periods : 20 = 0;    // that have begun since
  std::uint32_t every_unit : 4 = 0;  // PeriodUnit
  std::uint32_t every_count : 8 = 0;
  std::uint32_t level_since = 0;  // unix seconds
  std::uint16_t name = 0;         // interned
  std::uint16_t level = 0;        // interned, 0 = none
  Unit unit = Unit::octets;
  std::uint8_t in_use = 0;
  std::uint8_t unused[2] = {};

  bool live() const { return in_use != 0; }
};
static_assert(sizeof(Counter) == 48 && std::is_trivially_copyable_v<Counter>);

enum GroupFlags : std::uint8_t {
  group_live = 1,
  group_has_rating_group = 2,
  group_has_grant = 4,   // a grant is outstanding
  group_final = 8,       // it carried a Final-Unit-Indication
  group_unpaid = 16,     // the price step that running_total stands in was not paid in full, so
                         // its remainder is not granted (overrun: write_off)
  group_pooled = 64,     // the standing grant is part of its service's pool
  group_connected = 32,  // something has been used: a connect fee is due no more
};

// One (Rating-Group, Service-Identifiers) of one session.
struct Group {
  std::uint32_t rating_group = 0;
  std::uint8_t flags = 0;
  std::uint8_t service_identifier_count = 0;
  std::uint16_t service = 0;  // index into the plan's services, of plan_version
  std::array<std::uint32_t, limits::service_identifiers_max> service_identifiers{};
  std::uint16_t plan = 0;           // interned plan
  std::uint16_t plan_version = 0;   // the version that the standing grant was made under
  std::uint32_t set_by_number = 0;  // CC-Request-Number that set the reservation
  std::int64_t running_total = 0;   // units of this session and group that no unit bucket paid
  std::int64_t bucket_ahead =
      0;  // units that unit buckets paid by rounding to their step, unused yet
  std::int64_t used_total = 0;   // all units used
  std::int64_t money_total = 0;  // micros charged for running_total
  std::int64_t granted = 0;      // units of the standing grant
  std::uint32_t granted_at = 0;  // unix seconds
  std::uint32_t validity = 0;    // Validity-Time given with it, seconds, 0 = none
  std::array<Reservation, limits::reservations_per_group_max> reservations{};
  // What the grant holds of counters' limits, released with the reservations.
  std::array<std::int64_t, limits::counter_holds_per_group_max> hold_amounts{};
  std::array<Slot, limits::counter_holds_per_group_max> hold_counters{none, none, none};
  Slot next = none;  // next group of the session
  // Of the service, that the standing or last grant was made under; and the one from the tariff
  // change on, where the grant named one.
  std::uint8_t rate = 0;
  std::uint8_t rate_after = 0;
  std::uint16_t sponsor =
      0;  // interned: in whose wallet its reservations are, 0 = the account's own
  std::uint32_t tariff_change = 0;  // unix seconds: Tariff-Time-Change of the grant, 0 = none

  bool live() const { return (flags & group_live) != 0; }
};
static_assert(limits::counter_holds_per_group_max == 3 && limits::rates_per_service_max < 256);
static_assert(sizeof(Group) == 192 && std::is_trivially_copyable_v<Group>);

}  // namespace levy::rating
