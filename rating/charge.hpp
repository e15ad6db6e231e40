// rating::charge: the one door. Debits, releases and grants for all MSCC of one request.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
//
// Three passes over the message (semantics.md "Units and grants"): debit every Used-Service-Unit;
// release the old reservations of the groups named; grant in message order. Mutates the buckets
// and groups it is given (the Shard has saved their former images) and reports every movement, so
// that the auditor and the records can repeat the sums.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "config/limits.hpp"
#include "engine/base/time.hpp"
#include "rating/account.hpp"
#include "rating/plan.hpp"
#include "rating/request.hpp"

namespace levy::rating {

// The outcome of one MSCC or of a command, as a reason; diameter/app maps it to codes.
enum class Reason : std::uint8_t {
  ok = 0,            // 2001
  no_credit,         // 4012 CREDIT_LIMIT_REACHED
  denied,            // 4010 END_USER_SERVICE_DENIED (barred, suspended)
  not_applicable,    // 4011 CREDIT_CONTROL_NOT_APPLICABLE
  refused,           // 5003 AUTHORIZATION_REJECTED
  rating_failed,     // 5031, Failed-AVP{Rating-Group}
  user_unknown,      // 5030
  unknown_session,   // 5002
  unable_to_comply,  // 5012
};

enum MsccOutcomeFlags : std::uint8_t {
  outcome_granted = 1,   // Granted-Service-Unit is sent
  outcome_final = 2,     // Final-Unit-Indication is sent
  outcome_redirect = 4,  // its action is REDIRECT (else RESTRICT with 8, else TERMINATE)
  outcome_restrict = 8,
  outcome_retry = 16,  // `validity` is how long a denied group should not ask again
  outcome_pooled = 64,        // the grant is part of its service's pool
  outcome_after_change = 32,  // usage from the tariff change on (ChargeResult::splits)
};

// What rated a usage, in interned names, so that a record can say it without the plan at hand.
struct RatedBy {
  std::uint16_t service = 0;       // interned name, 0 = no service of the plan
  std::uint16_t rate = 0;          // of that service, 0 = its own price
  std::uint16_t rate_name = 0;     // interned, 0 = none given
  std::uint16_t plan_version = 0;  // of the grant that the usage consumed
  std::uint16_t tax_permille = 0;  // that the price includes
};

struct MsccOutcome {
  Reason reason = Reason::ok;
  std::uint8_t flags = 0;
  Unit unit = Unit::octets;
  std::uint16_t quota_holding_time = 0;  // seconds, 0 = not sent
  std::uint32_t validity = 0;            // seconds, 0 = not sent
  std::uint32_t threshold = 0;           // remaining units, 0 = not sent
  const Plan* plan = nullptr;            // whose service it is; null = none
  std::uint16_t plan_version = 0;        // of `plan`
  std::uint16_t changes = 0;             // Change bits that the gateway is asked to report
  std::uint16_t service = 0xffff;        // index into `plan`, for facts and for redirect address
  std::int64_t granted = 0;              // units
  std::uint16_t rate = 0;        // of the service, that the grant was made under
  std::uint32_t tariff_change = 0;  // unix seconds: Tariff-Time-Change of the grant, 0 = not sent
  // facts, for the record
  RatedBy rated_by;                  // the usage; without one, what was granted
  std::int64_t used = 0;             // units debited of the service's unit
  std::int64_t used_by_buckets = 0;  // of these, paid by unit buckets
  std::int64_t charged = 0;          // micros, the fee included
  std::int64_t fee = 0;              // micros: connect fee charged with this usage
  std::int64_t unpaid = 0;           // micros written off
  std::int64_t unrated = 0;          // units beyond every bucket that have no price
};

enum class MovementKind : std::uint8_t {
  credit,     // credits += amount (top-up, allowance, refund)
  expire,     // credits -= amount
  spend,      // spent += amount
  write_off,  // written_off += amount
  reserve,    // reserved += amount
  release,    // reserved -= amount
  send,       // in_transit += amount (money between Shards)
  arrive,     // in_transit -= amount, credits -= amount (the other Shard has it)
  come_back,  // in_transit -= amount (the other Shard refused it)
};

// One change of one bucket; amount > 0 always.
struct Movement {
  MovementKind kind{};
  std::uint8_t mscc = 0xff;  // index of the MSCC that caused it, 0xff = none
  std::uint16_t unused = 0;
  Slot bucket = none;
  std::int64_t amount = 0;
};

// One counter of the account as a charge sees it.
struct CounterRow {
  Counter* counter = nullptr;
  Slot slot = none;
  const CounterRule* rule = nullptr;  // null: no product of the account declares it now
  const Plan* plan = nullptr;         // whose rule it is
  const Zones* zones = nullptr;       // of that plan's version
  bool of_request = false;            // the account's, or the subscriber's whose request it is
};

// The buckets of one account in the order of use is made by charge(); these come in account order.
struct AccountView {
  std::array<Bucket*, limits::view_buckets_max> buckets{};
  std::array<Slot, limits::view_buckets_max> slots{};
  // Whose wallet it is: 0 = the account's own, else the interned name of the sponsor. A sponsored
  // service is paid by its sponsor's wallet alone, which pays for nothing else here.
  std::array<std::uint16_t, limits::view_buckets_max> sponsors{};
  std::uint32_t bucket_count = 0;
  std::int64_t credit_limit = 0;  // micros, of the account; charge() adds the plan's
  std::array<CounterRow, limits::counters_per_account_max> counters;
  std::uint32_t counter_count = 0;
  Slot user = none;               // subscriber that uses the service: its own buckets pay too
};

// Usage of mscc[mscc] from its tariff change on, which another rate priced.
struct SplitUsage {
  std::uint8_t mscc = 0;
  MsccOutcome outcome;
};

struct ChargeResult {
  std::array<MsccOutcome, limits::mscc_max> mscc{};
  // Their movements name them behind the rows of the request: mscc = charged_rows() + index.
  std::array<SplitUsage, limits::mscc_max> splits{};
  std::uint32_t split_count = 0;
  std::array<Movement, limits::movements_max> movements{};
  std::uint32_t movement_count = 0;
  // Movements did not fit, or a sum left its safe range (2^61 micros or units in a bucket, 2^62
  // units in a group): the Shard rolls back and answers 5012.
  bool overflow = false;
  bool version_gone = false;  // a report's grant was of a version that is live no more: rated now
};

// A product whose services are asked before the base plan's.
struct Addon {
  const Plan* plan = nullptr;
  const Zones* zones = nullptr;
  std::uint16_t plan_version = 0;
};

// One group per MSCC of the request: the group that it names, made (live, key filled) by the Shard
// before the call, or null where the request may not open one (an unknown service, a late message).
// `grant_allowed[i]` is false for a request whose number is lower than the one that set the group's
// reservation: it debits and the standing grant is repeated (semantics.md "Sessions").
struct ChargeInput {
  const ChargeRequest* request = nullptr;
  // The account's base plan now: new grants are made under it where no add-on has a service. What
  // may be owed, overrun and unmatched are its, also for an add-on's services.
  const Plan* plan = nullptr;
  const PlanSet* const* plan_sets =
      nullptr;  // all live versions, for the grants that usage consumes
  std::uint32_t plan_set_count = 0;
  std::uint16_t plan_version = 0;  // of `plan`
  Time now{};
  // When the usage took place and the new grant begins: the conditions of rates are read at it.
  // Event-Timestamp where it can be believed (semantics.md "Conditions and clocks"), else `now`.
  Time usage_time{};
  std::uint32_t spread_seed = 0;  // spreads the ends of grants over the plan's boundary_spread
  const Zones* zones = nullptr;   // of the plan's version
  std::array<std::uint32_t, limits::segments_per_account_max> segments{};  // keys, 0 = none
  std::array<std::uint64_t, limits::friends_per_account_max> friends;      // likewise, to its count
  std::uint32_t friend_count = 0;
  // By priority, higher first; only those that name services. Same currency as `plan`.
  std::array<Addon, limits::products_per_account_max> addons{};
  std::uint32_t addon_count = 0;
  std::array<Group*, limits::mscc_max> groups{};
  std::array<bool, limits::mscc_max> grant_allowed{};
  bool tariff_time_change = false;  // dialect: a grant of octets may go beyond a change of price
  bool pools = false;               // dialect: grants may be of a pool
  // All groups of the session whose grant is of a pool, where one of them has used more than it.
  std::array<Group*, limits::groups_per_session_max> pooled;  // filled up to its count
  std::uint32_t pooled_count = 0;
  bool implicit_rsu = false;  // dialect: grant without RSU for certain Reporting-Reasons
  bool late = false;          // a report after the session's end, which has charged the connect fee
  bool in_grace = false;      // only services that say so are granted
  std::uint32_t access_ends_at = 0;  // unix seconds: no grant lasts longer, 0 = no end
  bool account_barred = false;       // suspended or barred: usage is debited, nothing granted
  bool no_credit_code_4012 = false;  // dialect: 4012 even for REDIRECT and RESTRICT_ACCESS
};

// Rows of request.mscc that charge() and charge_event() read and answer: every MSCC; or row 0 for
// units at command level, and for an event that leaves all to the server (V-39).
inline std::uint32_t charged_rows(const ChargeRequest& request) {
  if (request.mscc_count != 0 || !request.command_level) return request.mscc_count;
  const MsccRequest& units = request.mscc[0];
  return request.type == RequestType::event || units.has_requested || units.has_used ? 1 : 0;
}

// All functions here append to result.movements, so that several may share one result; charge()
// and charge_event() write result.mscc[0 .. charged_rows(request)). A null group with usage of a
// known service (a late message) is debited as a session of its own and answered unknown_session.
void charge(const ChargeInput& input, AccountView& account, ChargeResult& result);

// Gives back every reservation of one group (termination, Tcc): the caller clears or frees the
// group.
void release_group(Group& group, AccountView& account, ChargeResult& result,
                   std::uint8_t mscc = 0xff);

// The reservations of a lost session's group become usage by its service's on_lost (semantics.md).
// `plan`: the group's own, which names the service; `base`: the account's, for what may be owed.
void settle_lost_group(Group& group, const Plan& plan, const Plan& base, AccountView& account,
                       Time now, MsccOutcome& outcome, ChargeResult& result);

// A bucket past its end that nobody holds reserved or in transit (never a main wallet): nothing of
// it can be used any more; the Shard removes it once expire_buckets() has taken its free amount.
inline bool bucket_ended(const Bucket& bucket, Time now) {
  return (bucket.flags & bucket_live) != 0 && (bucket.flags & bucket_main_wallet) == 0 &&
         bucket.ends_at != 0 && now.seconds() >= bucket.ends_at && bucket.reserved == 0 &&
         bucket.in_transit == 0;
}

// One `expire` movement for what is free in each ended bucket. charge() does not call it: the
// Shard calls it after charge(), which may have released the last reservation.
void expire_buckets(AccountView& account, Time now, ChargeResult& result);

// EVENT_REQUEST. direct_debiting: charges `mscc[i]` at once, no reservation; refund_account:
// credits CC-Money (or the price of the units); check_balance: `enough`; price_enquiry: `cost`.
struct EventResult {
  bool enough = false;  // Check-Balance-Result 422: ENOUGH_CREDIT
  Money cost{};         // Cost-Information 423
};
void charge_event(const ChargeInput& input, AccountView& account, ChargeResult& result,
                  EventResult& event);

// The units of an event: what it names, else one event, or the first grant of another unit.
// `named` tells which: a price of units that nobody named says for how many it is (Cost-Unit 424).
std::int64_t event_units(const MsccRequest& mscc, const Service& service, bool& named);

// Which service of the plan an MSCC of the request asks for; 0xffff = none.
std::uint16_t find_service(const Plan& plan, const ChargeRequest& request, const MsccRequest& mscc);
// Whether any product of the input, or its plan, has a service for the MSCC.
bool has_service(const ChargeInput& input, const MsccRequest& mscc);
// Whether the use that the MSCC asks for or reports is one that `product` (a plan with terms) could
// pay for by an allowance or price by a service: it starts a product that waits for its first use.
bool concerns(const ChargeInput& input, const MsccRequest& mscc, const Plan& product);

// The add-on (interned plan) that a use which the MSCC asks for buys first; 0 = none.
std::uint16_t pass_for(const ChargeInput& input, const MsccRequest& mscc);

// price(total) of rating/plan.hpp, micros, exact; INT64_MAX stands for anything beyond 64 bits.
std::int64_t price_of(const Price& price, std::int64_t total);

}  // namespace levy::rating
