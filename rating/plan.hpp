// Plan: one compiled, immutable tariff. PlanSet: all plans of one version, as a Shard reads them.
// Core: shard (read only). Allocates: never. Blocks: never. Clock: none.
//
// Built by rating/compile from PlanSource; never changed afterwards, so any number of Shards read
// it at once. Sessions name (plan, version, service, rate), never pointers. What has no fixed size
// (calendars, prefix tables) lies in storage that the PlanVersion owns.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "config/limits.hpp"
#include "engine/base/money.hpp"
#include "rating/account.hpp"

namespace levy::rating {

// The price from `from` units of a running total on; its steps count from there. The first tier is
// the Price's own numerator and step.
struct Tier {
  std::int64_t from = 0;       // units; a multiple of the former tier's step beyond its own start
  std::int64_t numerator = 0;  // micros per Price::denominator units, >= 0
  std::int64_t step = 1;       // units, >= 1
  Int128 before = 0;           // micros * denominator: what the tiers before cost in full
};

// price(total) = clamp(round(sum over tiers of started steps * step * numerator / denominator)),
// micros, rounded to a multiple of `quantum`; 0 for a total of 0. The connect fee is due beside it,
// once per session and group, with the first unit used, whoever pays for the units.
struct Price {
  std::int64_t numerator = 0;    // micros, >= 0
  std::int64_t denominator = 1;  // units, > 0; of all tiers
  std::int64_t step = 1;         // units, >= 1: every started step is charged in full
  // micros, a power of 10: what amounts are multiples of; denominator * quantum is bounded as a
  // denominator alone is (price.hpp).
  std::int64_t quantum = 1;
  Rounding rounding = Rounding::up;
  bool free = false;  // zero-rated: no money is ever due
  bool none = false;  // no price: usage beyond the unit buckets is unrated overrun
  std::uint8_t further_tiers = 0;
  std::int64_t connect_fee = 0;  // micros
  std::int64_t minimum = 0;      // micros: the least that any use costs, without the fee
  std::int64_t maximum = 0;      // micros: the most that a session's use costs, 0 = no bound
  std::int64_t stop_at = 0;  // units: no grant goes beyond (maximum reached), 0 = free from there
  const Tier* tiers = nullptr;  // the further ones, owned by the PlanVersion
};

// What a rate's `when` may ask of a message, each with its own kind of value.
enum class Attribute : std::uint8_t {
  time = 0,            // index of a Plan's time pattern
  apn,                 // stable hash of the APN, lower case, operator's suffix cut
  rat,                 // 3GPP-RAT-Type
  plmn_zone,           // zone of the serving network's MCC and MNC
  location_zone,       // zone of the TAI, ECGI, SAI or CGI
  called_zone,         // zone of the called number, by longest prefix
  calling_zone,        // likewise of the calling one
  characteristics,     // 3GPP-Charging-Characteristics
  qci,                 // QoS-Class-Identifier
  role,                // Role-Of-Node: 0 originating, 1 terminating
  service_identifier,  // one of the MSCC's
  segment,             // segment_key() of one of the account's
  friends,             // 0 the called number, 1 the calling one is on the account's list
};

// What may change in mid-session and choose another rate, as bits: the gateway is asked to report
// when it does.
enum Change : std::uint16_t {
  change_rat = 1,
  change_qos = 2,
  change_plmn = 4,
  change_tai = 8,
  change_ecgi = 16,
  change_cgi = 32,
  change_location = 64,  // kinds of place that gateways have no trigger of their own for
};

// One condition: the message's value is (or, negated, is not) one of Plan::values[first, +count).
// A value that the message does not carry is none of them.
struct Condition {
  Attribute attribute{};
  bool negated = false;
  std::uint16_t count = 0;
  std::uint32_t first = 0;
};

// When a named period of time is on, as instants in order: compiled from weekdays, hours, holidays
// and dates in the plan's time zone, daylight saving included.
struct TimePattern {
  const std::uint32_t* edges = nullptr;  // unix seconds, ascending; on and off in turn
  std::uint32_t edge_count = 0;
  bool on_before = false;  // before the first edge

  std::uint32_t edges_until(std::int64_t seconds) const {  // edges at or before
    std::uint32_t low = 0;
    for (std::uint32_t high = edge_count; low < high;) {
      const std::uint32_t middle = low + (high - low) / 2;
      if (edges[middle] <= seconds)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
  bool on(std::int64_t seconds) const { return ((edges_until(seconds) & 1) != 0) != on_before; }
  // The next change after `seconds`, 0 = none.
  std::uint32_t next_edge(std::int64_t seconds) const {
    const std::uint32_t at = edges_until(seconds);
    return at < edge_count ? edges[at] : 0;
  }
};

// Digits to zones by longest prefix: an open-addressed table, at most half full.
struct PrefixTable {
  struct Entry {
    std::uint64_t key = 0;  // prefix_key(), 0 = empty
    std::uint32_t zone = 0;
    std::uint32_t unused = 0;
  };
  const Entry* entries = nullptr;
  std::uint32_t mask = 0;        // entries - 1
  std::uint32_t length_max = 0;  // digits of the longest prefix, 0 = the table is empty

  static constexpr std::uint32_t no_zone = 0xffffffff;
  static constexpr std::uint32_t digits_max = 15;  // E.164
  // What a prefix of 1..digits_max digits is kept by: its digits as a number, and how many.
  static std::uint64_t prefix_key(std::uint64_t digits, std::uint32_t length) {
    return digits | std::uint64_t{length} << 56;
  }
  static std::uint64_t place_of(std::uint64_t key) {
    key *= 0x9e3779b97f4a7c15ull;
    return key ^ key >> 32;
  }
  std::uint32_t find_key(std::uint64_t key) const;           // no_zone: not there
  std::uint32_t find_number(std::string_view number) const;  // longest prefix of decimal digits
  std::uint32_t find_network(std::string_view plmn) const;   // MCC and MNC in full, else the MCC
};

// The zones of one plan version, shared by its plans.
struct Zones {
  PrefixTable plmns;    // MCC, or MCC and MNC
  PrefixTable numbers;  // international, without '+'
  PrefixTable places;   // packed locations, exact: location_key()
};

enum class Overrun : std::uint8_t { debt, write_off };
enum class Unmatched : std::uint8_t { rating_failed_5031, denied_4010, rate_as };
enum class FinalAction : std::uint8_t { terminate = 0, redirect = 1, restrict_access = 2 };
enum class OnLost : std::uint8_t { release, charge_reserved, charge_units };
// What new grants of an open session's group are made under once a newer version is in force. The
// service says so as the version of the group's last grant has it: what was promised stands.
enum class OnNewVersion : std::uint8_t {
  next_report = 0,  // the newest
  pin,              // the version of its first grant, as long as that lives
  reauthorize,      // the newest, and the gateway is asked to report now
};
// What the gateway is told to do when nobody answers it, and whether it may ask another server.
enum class FailureHandling : std::uint8_t { not_sent, terminate, go_on, retry_and_terminate };
enum class Failover : std::uint8_t { not_sent, not_supported, supported };

// What FinalAction::restrict_access leaves open: a filter that the gateway has by name, or a rule.
struct Restriction {
  std::string_view text;
  bool rule = false;  // an IPFilterRule (RFC 6733 4.3.1), else a Filter-Id
};
// Bounds of one service's restrictions; bytes as they are sent, each with its header and padding.
inline constexpr std::size_t restrictions_max = 8;
inline constexpr std::size_t restriction_bytes_max = 256;

// A price under conditions. The first of a service's rates whose conditions all hold is taken;
// where none does, the service's own price.
struct Rate {
  std::uint16_t name = 0;  // interned, 0 = none given
  std::uint16_t condition_count = 0;
  bool barred = false;                // under these conditions 4010
  bool refused = false;               // 5003
  std::uint16_t pass = 0;  // interned plan: an add-on that is bought with the first use, 0 = none
  std::uint32_t first_condition = 0;  // of Plan::conditions
  Price price;
};

// Kinds of Service-Context-Id, as bits.
enum ServiceContext : std::uint8_t {
  context_data = 1,   // 32251 (PS)
  context_voice = 2,  // 32260 (IMS), 32276 (VCS)
  context_sms = 4,    // 32274
  context_mms = 8,    // 32270
  context_other = 16,
  context_any = 31,
};

struct Service {
  static constexpr std::uint16_t no_counter = 0xffff;

  std::uint16_t name = 0;     // interned
  std::uint16_t sponsor = 0;  // interned: another account pays for it, one of Plan::sponsors
  Unit unit = Unit::octets;   // what the plan prices; other units of a report are ignored
  std::uint8_t contexts = context_any;
  std::uint8_t service_identifier_count = 0;  // 0 = whatever the MSCC names
  bool indivisible = false;                   // all or nothing
  bool barred = false;                        // 4010
  bool refused = false;                       // 5003
  bool in_grace = false;                      // granted while the account is in its grace period
  bool not_applicable = false;                // 4011, and free where it cannot be said
  FinalAction final_action = FinalAction::terminate;
  OnLost on_lost = OnLost::release;
  OnNewVersion on_new_version = OnNewVersion::next_report;
  Price price;                   // rate 0: where no other one applies
  std::uint32_t first_rate = 0;  // of Plan::rates: rate k >= 1 is rates[first_rate + k - 1]
  std::uint16_t rate_count = 0;
  std::uint16_t tax_permille = 0;  // rate of the tax that its price includes; for records
  bool unpriced_fails = false;     // where no rate holds and nothing pays: 5031, not 4012
  // A rate, or a bucket kind that pays for it, asks for the time: grants end at its next change.
  bool by_time = false;
  bool whole_tiers = false;  // a report is priced in the tier where its running total stands before
  std::uint16_t changes = 0;  // Change bits: what these ask for
  // Index of Plan::counters, whose sum is the running total of its prices; none: the session's own.
  std::uint16_t accumulates = no_counter;
  std::uint8_t restriction_count = 0;
  std::uint32_t first_restriction = 0;  // of Plan::restrictions
  std::array<std::uint32_t, limits::service_identifiers_max> service_identifiers{};
  std::int64_t grant_first = 0;    // units; grant of the first request without a number
  std::int64_t grant_default = 0;  // later ones
  std::int64_t grant_min = 0;      // a request below is raised to it
  std::int64_t grant_max = limits::units_max;
  std::int64_t lost_units = 0;           // for OnLost::charge_units
  std::uint32_t validity = 0;            // Validity-Time seconds, 0 = not sent
  std::uint32_t quota_holding_time = 0;  // seconds, 0 = not sent
  // Quota threshold: remaining units at which the gateway reports; per-mille of the grant and an
  // absolute ceiling, 0 = not sent. Never sent with a final grant.
  std::uint16_t threshold_permille = 0;
  std::int64_t threshold_units = 0;
  // What an octet from the user, and one to the user, counts for, per mille; the larger is 1000,
  // and grants are of it.
  std::uint16_t up_permille = 1000;
  std::uint16_t down_permille = 1000;
  // Validity-Time of a group that is denied (4010, 4012) without final units: not before that
  // should the gateway ask again. 0 = not sent. Nothing is outstanding, so it is not part of Tcc.
  std::uint32_t retry_after = 0;
  // G-S-U-Pool-Identifier: its groups of one session share their money; 0 = none.
  std::uint32_t pool = 0;
  std::uint16_t pass = 0;  // as of a Rate, where none holds
  // Low credit: no single group takes more than this share of the free credit, per mille; 1000 =
  // all.
  std::uint16_t low_credit_permille = 1000;
  char redirect_address[128] = {};  // zero-terminated, for FinalAction::redirect
  std::uint8_t redirect_type = 2;   // Redirect-Address-Type 433: 0 IPv4, 1 IPv6, 2 URL, 3 SIP URI
};

// What a bucket kind pays for under this plan, where the kind does not pay for all. Sorted by kind
// and, for one kind, by service, one rule each; a kind that has rules pays for none but these
// services. One that pays for nothing here (its services are of other plans) has a single rule, of
// any_service with a numerator of 0.
struct BucketRule {
  std::uint16_t kind = 0;               // interned
  std::uint16_t service = any_service;  // index into the plan's services
  std::uint16_t condition_count = 0;    // of Plan::conditions: all must hold
  std::uint16_t unused = 0;
  std::uint32_t first_condition = 0;
  // `numerator` units of the bucket pay for `denominator` units of the service. Not 1 to 1 only
  // where the bucket holds units. A rule of one service may be for another unit than the bucket's;
  // any_service means those of the bucket's unit.
  std::uint32_t numerator = 1;
  std::uint32_t denominator = 1;
  bool by_time = false;  // a condition asks for the time: grants end at its next change

  static constexpr std::uint16_t any_service = 0xffff;
  bool pays_nothing() const { return numerator == 0; }
};

// What holding the plan costs and gives, beside usage: of a base plan and of an add-on alike.
enum class PeriodUnit : std::uint8_t { none = 0, hour, day, week, month, year };
struct Period {
  PeriodUnit unit = PeriodUnit::none;
  std::uint16_t count = 1;
  friend bool operator==(const Period&, const Period&) = default;
};

// A time zone as its offsets from UTC, ascending, each other than the one before. Before the first
// one, that one's; beyond the years that are compiled (calendar.hpp), the last one's.
struct ZoneOffset {
  std::uint32_t from = 0;    // unix seconds
  std::int32_t seconds = 0;  // local = UTC + seconds
};

enum class UnpaidFee : std::uint8_t { debt, refuse, suspend };
enum class BoughtAgain : std::uint8_t { add, queue, refuse };

// `cycle` of a Fee or an Allowance: index of Terms::cycles, or once = when the product starts.
inline constexpr std::uint8_t cycle_once = 0xff;

struct Fee {
  std::int64_t amount = 0;  // micros of the plan's currency, > 0
  std::uint16_t name = 0;   // interned, 0 = none given
  std::uint8_t cycle = cycle_once;
};

struct Allowance {
  std::int64_t amount = 0;        // micros or units, > 0
  std::int64_t rollover_max = 0;  // carried at most, 0 = no bound
  std::uint32_t step = 1;
  std::uint32_t lifetime = 0;  // seconds, of one that is granted once: 0 = as long as the product
  std::uint16_t kind = 0;      // interned
  std::uint16_t currency = 0;
  std::int16_t priority = 0;
  Unit unit = Unit::octets;
  std::uint8_t cycle = cycle_once;
  std::uint8_t rollover = 0;    // further periods that what is left lives on
  bool rolled_first = true;     // what was carried is used before the period's own
  bool per_subscriber = false;  // each subscriber of the account gets a bucket of its own
};

struct Terms {
  bool addon = false;
  bool at_first_use = false;      // starts with the first use that it could pay for or price
  bool calendar = false;          // periods begin with the calendar's, not on the anniversary
  bool prorate = false;           // the first calendar period counts by its share of time
  bool keeps_allowances = false;  // after its end they live on until their own
  UnpaidFee unpaid_fee = UnpaidFee::debt;
  BoughtAgain again = BoughtAgain::add;
  std::uint8_t cycle_count = 0;
  std::uint8_t fee_count = 0;
  std::uint8_t allowance_count = 0;
  std::int16_t priority = 0;       // of its services, among add-ons; the base plan comes last
  std::uint16_t tax_permille = 0;  // that its fees include
  Period lasts;                    // none = until it is ended
  std::array<Period, limits::cycles_per_plan_max> cycles{};
  std::uint32_t offset_count = 0;
  // Owned by the PlanVersion.
  const ZoneOffset* offsets = nullptr;  // of the plan's time zone; null = UTC
  const Fee* fees = nullptr;
  const Allowance* allowances = nullptr;

  // Whether an account that holds the plan has a Product of it that can fall due.
  bool any() const { return addon || fee_count != 0 || allowance_count != 0; }
};

// What a unit of another currency is worth in the plan's: numerator / denominator.
struct ExchangeRate {
  std::int64_t numerator = 0, denominator = 1;  // below 2^60 and 2^60
  std::uint16_t currency = 0;                   // ISO 4217 numeric
};

// What a top-up of at least `from` gives beside itself: of a plan's, that with the highest `from`.
struct TopupBonus {
  std::int64_t from = 0;    // micros of the plan's currency
  std::int64_t amount = 0;  // micros or units; 0 = a share of the top-up
  std::uint32_t lifetime = 0;  // seconds, 0 = for ever
  std::uint32_t step = 1;
  std::uint16_t share_permille = 0;
  std::uint16_t kind = 0;  // interned; 0 = the wallet
  std::uint16_t currency = 0;
  std::int16_t priority = 0;
  Unit unit = Unit::money;
};

// An advance into the wallet, for who has less than `when_below`; amount 0: the plan gives none.
// The fee is taken from it at once, and top-ups pay back the amount before they count.
struct Loan {
  std::int64_t amount = 0, fee = 0, when_below = 0;  // micros
};

// A step of a counter, by name: reached as soon as the counter stands at `at` or beyond. The
// highest one reached is the counter's level.
struct Level {
  std::int64_t at = 0;         // units or micros, > 0; of a bucket kind: 0, and
  std::uint16_t permille = 0;  // of what the account's live buckets of the kind were credited
  std::uint16_t name = 0;      // interned
};

// What a plan counts of the use of an account that holds it, or of each of its subscribers.
// Counters are known by their interned names: the same name in another plan goes on counting. Where
// several products of an account declare one, the add-on of the highest priority says its rule, the
// base plan last.
struct CounterRule {
  std::uint16_t name = 0;           // interned
  Unit unit = Unit::octets;         // money: micros charged for use, connect fees included
  bool per_subscriber = false;      // one for each subscriber of the account
  std::uint16_t bucket_kind = 0;    // interned; != 0: no sum of its own, but what has been used of
                                    // the live buckets of the kind. Then no `every`, no `limit`
  std::uint16_t service_count = 0;  // interned names, of any plan; 0 = all, of its unit
  std::uint16_t condition_count = 0;  // of Plan::conditions: all must hold
  std::uint32_t first_service = 0;    // of Plan::values
  std::uint32_t first_condition = 0;
  Period every;            // it begins anew with each; none = never. As Terms::calendar says
  std::int64_t limit = 0;  // units or micros: no grant goes beyond, 0 = no bound
  std::uint8_t level_count = 0;
  const Level* levels = nullptr;  // ascending; owned by the PlanVersion
};

// An account that pays for services of other accounts' plans. It lies in one Shard; in each of the
// others a slice of it, an account of its own that is filled up to `slice`, pays there, so that a
// charge never waits for another Shard.
struct Sponsor {
  std::string_view account;  // its name, owned by the PlanVersion
  std::int64_t slice = 0;    // micros of the plan's currency
  std::uint16_t name = 0;    // interned
};
// The name of a sponsor's slice in another Shard is the sponsor's with this and the Shard's number.
inline constexpr char slice_mark = '#';

// Which MSCC a service takes: those of one Rating-Group, those without one, whatever no other
// takes.
enum class Takes : std::uint8_t { rating_group = 0, without, any };

// Ascending by (takes, rating_group); of equal ones the first that fits the MSCC is taken.
struct RatingGroupEntry {
  std::uint32_t rating_group = 0;
  std::uint16_t service = 0;
  Takes takes = Takes::rating_group;
};

struct Plan {
  std::uint16_t id = 0;        // interned plan; 0 = this slot of the set is empty
  std::uint16_t currency = 0;  // ISO 4217 numeric
  Overrun overrun = Overrun::debt;
  Unmatched unmatched = Unmatched::rating_failed_5031;
  FailureHandling failure_handling = FailureHandling::not_sent;
  Failover failover = Failover::not_sent;
  std::uint16_t service_count = 0;
  std::uint16_t entry_count = 0;
  std::uint32_t boundary_spread = 0;  // seconds over which grants end after a change of prices
  // Life cycle of an account that has it as base plan, seconds; 0 = it lives for ever.
  std::uint32_t valid_for = 0;      // from when it takes the plan
  std::uint32_t topup_extends = 0;  // at least so long after a top-up
  std::uint32_t grace = 0;          // then only services `in_grace` are granted; after it, none is
  std::uint32_t session_ttl = 86400;  // seconds: Tcc where no Validity-Time is outstanding
  std::int64_t credit_limit = 0;      // micros: the main wallet's floor is -credit_limit
  // Owned by the PlanVersion; null where the plan has none.
  const Rate* rates = nullptr;
  const Condition* conditions = nullptr;
  const std::uint64_t* values = nullptr;
  const TimePattern* times = nullptr;
  const Restriction* restrictions = nullptr;
  const BucketRule* bucket_rules = nullptr;
  const CounterRule* counters = nullptr;
  const Sponsor* sponsors = nullptr;
  std::uint32_t sponsor_count = 0;
  std::uint32_t bucket_rule_count = 0;
  std::uint32_t counter_count = 0;
  bool passes = false;  // a service or rate has one
  std::uint32_t bonus_count = 0;
  const TopupBonus* bonuses = nullptr;  // by `from`, ascending
  std::uint32_t exchange_count = 0;
  const ExchangeRate* exchange = nullptr;
  Loan loan;
  Terms terms;
  std::array<Service, limits::services_per_plan_max> services{};
  std::array<RatingGroupEntry, limits::services_per_plan_max * 4> entries{};
};

// The plans of one version, indexed by interned plan id (sparse: plans[id].id == 0 when absent).
struct PlanSet {
  std::uint16_t version = 0;  // 1.. ; 0 = none loaded
  const Plan* const* plans =
      nullptr;  // plan_count pointers, null where the id is of something else
  std::uint32_t plan_count = 0;
  const Zones* zones = nullptr;  // null where the catalogue names none

  const Plan* find(std::uint16_t plan_id) const {
    return plan_id < plan_count ? plans[plan_id] : nullptr;
  }
};

}  // namespace levy::rating
