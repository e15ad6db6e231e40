// PlanSource: a rate plan as the operator wrote it, parsed but not compiled.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// config/ fills it from YAML and keeps the place of every value, so that compile_plan() can
// report a fault at its line and column without knowing YAML.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace levy::rating {

// Where a value stands: for messages only.
struct Place {
  std::string file;
  int line = 0;    // 1-based, 0 = unknown
  int column = 0;  // 1-based
};

template <class T>
struct Placed {
  T value{};
  Place place{};
  bool given = false;  // false: the default stands, place is that of the enclosing mapping
};

// "0.25 EUR per 1500000 octets, step 1500000 octets, first 3 MB, up to 1 GB": an exact decimal
// amount per units, for the units of a session up to `upto_units`; `further` prices what follows.
struct PriceSource {
  std::string amount;  // decimal text, e.g. "0.25"; never through floating point
  std::int64_t per_units = 1;
  std::int64_t step_units = 0;  // 0 = per_units
  bool free = false;
  std::int64_t first_units = 0;  // length of the first step, 0 = as the others
  std::int64_t upto_units = 0;   // of the session's running total; 0 in the last tier only
  std::vector<PriceSource> further{};
};

// What a service, or one of its rates, costs.
struct TariffSource {
  Placed<PriceSource> price;        // absent: unit buckets only
  Placed<std::string> rounding;     // up | down | half_up | half_even
  Placed<std::int64_t> decimals;    // 0 to 6: of what a running total is rounded to
  Placed<std::string> connect_fee;  // decimal amounts in the plan's currency
  Placed<std::string> minimum;      // the least that a session's use costs
  Placed<std::string> maximum;      // the most
  Placed<std::string> at_maximum;   // free | stop
  Placed<std::int64_t> discount;    // per mille, off the price
  Placed<std::string> pass;         // an add-on that a use under it buys
};

// One line of `when`: the attribute is (or, negated, is not) one of the values.
struct ConditionSource {
  Placed<std::string> attribute;  // time | apn | rat | plmn | location | called | calling |
                                  // characteristics | qci | role | service_identifier |
                                  // segment | friends
  bool negated = false;
  std::vector<Placed<std::string>> values;
};

struct RateSource : TariffSource {
  Placed<std::string> name;
  Placed<std::string> access;         // open | barred | refused
  std::vector<ConditionSource> when;  // all must hold
  Place place;
};

struct ServiceSource : TariffSource {
  Placed<std::string> name;
  std::vector<Placed<std::uint32_t>> rating_groups;
  Placed<bool> any_rating_group;              // rating_group: any
  Placed<bool> without_rating_group;          // rating_group: none
  std::vector<Placed<std::string>> contexts;  // data | voice | sms | mms | other; empty = any
  std::vector<Placed<std::uint32_t>> service_identifiers;  // empty = any
  Placed<std::string> unit;                                // octets | seconds | events
  std::vector<RateSource> rates;                           // in order: the first that fits
  Placed<std::string> accumulate;  // a counter of the plan: its sum is the prices' running total
  Placed<std::string> tiers;       // stepped | whole
  Placed<std::string> unpriced;    // 4012 | 5031, where none fits
  Placed<std::int64_t> tax;        // per mille, see PlanSource::tax_is
  Placed<std::int64_t> grant_first, grant_default, grant_min, grant_max;
  Placed<std::int64_t> validity, quota_holding_time;  // seconds
  Placed<std::int64_t> threshold_permille, threshold_units;
  Placed<std::int64_t> low_credit_permille;
  Placed<bool> indivisible;
  Placed<std::string> sponsor;  // one of the plan's
  Placed<bool> in_grace;
  Placed<std::int64_t> up_permille, down_permille;  // of octets; the larger is 1000
  Placed<std::int64_t> retry_after;                 // seconds
  Placed<std::string> access;                       // open | barred | refused | not_applicable
  Placed<std::string> on_final;                     // terminate | redirect | restrict_access
  Placed<std::string> redirect_to;
  std::vector<Placed<std::string>> filter_ids, filter_rules;  // of restrict_access
  Placed<std::string> on_lost;                                // release | charge_reserved | charge
  Placed<std::int64_t> lost_units;
  Placed<std::string> pool;            // services whose grants of one session are one quota
  Placed<std::string> on_new_version;  // pin | next_report | reauthorize; absent: by the unit
};

// "month", "2 weeks", "30 days": periods of the local calendar.
struct PeriodSource {
  std::int64_t count = 1;
  std::string unit;  // hour | day | week | month | year
};

// "10 GB", "2 EUR", "500": of a bucket kind, whose unit it must fit.
struct QuantitySource {
  std::int64_t units = 0;
  std::string unit;      // octets | seconds | events; empty with units: as the kind has it
  std::string amount;    // decimal, of money, and then there are no units
  std::string currency;  // of the amount
};

// What the plan costs beside usage: once, or at the beginning of every period.
struct FeeSource {
  Placed<std::string> name;
  Placed<std::string> amount;  // decimal, in the plan's currency
  Placed<PeriodSource> every;  // not given: once, when the product starts
  Place place;
};

// Units or money granted when the product starts or a period of it begins.
struct AllowanceSource {
  Placed<std::string> kind;  // a bucket kind
  Placed<QuantitySource> amount;
  Placed<PeriodSource> every;           // not given: once
  Placed<std::string> per;              // account | subscriber
  Placed<std::int64_t> rollover;        // periods that what is left lives on, 0 = none
  Placed<QuantitySource> rollover_max;  // carried at most, all periods together
  Placed<std::string> rollover_use;     // first | last: before or after the period's own
  Place place;
};

// "warned at 80 %", "throttled at 10 GB": of a counter's limit, of a bucket kind, or absolute.
struct LevelSource {
  Placed<std::string> name;
  Placed<QuantitySource> at;         // either this
  Placed<std::int64_t> at_permille;  // or this
  Place place;
};

// What a plan counts of the use of its accounts (rating/plan.hpp, CounterRule).
struct CounterSource {
  Placed<std::string> name;
  Placed<std::string> counts;                 // octets | seconds | events | money; or
  Placed<std::string> bucket;                 // a bucket kind
  std::vector<Placed<std::string>> services;  // of any plan; empty = all of its unit
  std::vector<ConditionSource> when;          // all must hold
  Placed<std::string> per;                    // account | subscriber
  Placed<PeriodSource> every;                 // not given: it never begins anew
  Placed<QuantitySource> limit;
  std::vector<LevelSource> levels;
  Place place;
};

// Another account that pays for services of the plan.
struct SponsorSource {
  Placed<std::string> name;   // of the account
  Placed<std::string> slice;  // decimal, in the plan's currency: what a Shard beside its own holds
  Place place;
};

// What a top-up of at least `from` gives beside itself.
struct BonusSource {
  Placed<std::string> from;            // decimal, in the plan's currency
  Placed<QuantitySource> gives;        // either this
  Placed<std::int64_t> gives_permille; // or this share of the top-up
  Placed<std::string> kind;            // a bucket kind; not given: the wallet
  Place place;
};

// "0.92" of the plan's currency for one of another.
struct ExchangeSource {
  Placed<std::string> currency;  // ISO 4217 letters
  Placed<std::string> worth;     // decimal > 0
};

// An advance that the next top-ups pay back.
struct LoanSource {
  Placed<std::string> amount, fee, when_below;  // decimals, in the plan's currency
};

struct PlanSource {
  Placed<std::string> name;
  std::vector<Placed<std::string>> was;  // names that it had: what holds them holds it
  Placed<std::string> kind;              // base | addon
  Placed<std::int64_t> priority;         // of an add-on's services among the account's products
  Placed<std::string> starts;            // purchase | first_use
  Placed<PeriodSource> lasts;            // not given: until it is ended
  Placed<std::string> periods;           // anniversary | calendar
  Placed<bool> prorate;                  // the first calendar period by its share of time
  Placed<std::string> unpaid_fee;        // debt | refuse | suspend
  Placed<std::string> again;             // add | queue | refuse: bought while one is held
  Placed<std::string> allowances_after;  // expire | keep: what becomes of them when it ends
  Placed<std::int64_t> fee_tax;          // per mille, of its fees
  Placed<std::string> tax_is;            // included | added: in prices and fees as written
  std::vector<FeeSource> fees;
  std::vector<AllowanceSource> allowances;
  std::vector<CounterSource> counters;
  std::vector<SponsorSource> sponsors;
  std::vector<BonusSource> bonuses;
  Placed<LoanSource> loan;
  std::vector<ExchangeSource> exchange;
  Placed<std::string> currency;                          // ISO 4217 letters
  Placed<std::string> overrun;                           // debt | write_off
  Placed<std::string> unmatched;                         // 5031 | 4010 | rate_as
  Placed<std::string> credit_limit;                      // decimal amount
  Placed<std::int64_t> session_ttl;                      // seconds
  Placed<std::int64_t> valid_for, topup_extends, grace;  // seconds: of the account that has it
  Placed<std::string> time_zone;                         // of the IANA database; absent: UTC
  Placed<std::int64_t> boundary_spread;                  // seconds
  Placed<std::string> ccfh;  // terminate | continue | retry_and_terminate
  Placed<bool> failover;
  std::vector<ServiceSource> services;
  Place place;
};

// "1.5" units of the bucket for each unit of the service; the service's unit may be another one.
struct WeightSource {
  Placed<std::string> service;
  Placed<std::string> weight;  // decimal > 0
};

// A kind of bucket that imports, top-ups and allowances may name.
struct BucketKindSource {
  Placed<std::string> name;
  std::vector<Placed<std::string>> was;  // names that it had
  Placed<std::string> unit;              // money | octets | seconds | events
  Placed<std::string> currency;          // for money
  Placed<std::int64_t> priority;
  Placed<std::int64_t> step;
  Placed<std::int64_t> lifetime;  // seconds from the credit, 0 = none
  // What it pays for; nothing given: every service of its unit, or that money can pay.
  std::vector<Placed<std::string>> services;
  std::vector<ConditionSource> when;  // all must hold
  std::vector<WeightSource> weights;  // of unit buckets
};

// A named period: "Mo-Fr 08:00-20:00", "23:00-06:00", "holidays", "2026-12-24..2026-12-26
// 00:00-24:00".
struct TimeSource {
  Placed<std::string> name;
  std::vector<Placed<std::string>> on;      // any of these
  std::vector<Placed<std::string>> except;  // and none of these
};

// A named set of networks, numbers and places. Each kind is its own namespace: a number belongs to
// the zone of its longest prefix.
struct ZoneSource {
  Placed<std::string> name;
  std::vector<Placed<std::string>> plmns;    // "262", "26201"
  std::vector<Placed<std::string>> numbers;  // prefixes, international, without '+'
  std::vector<Placed<std::string>> places;   // "tai 262-01-1234", "ecgi 262-01-99999", "ncgi ...",
                                             // "sai 262-01-1234-7", "cgi 262-01-1234-7"
};

struct Catalogue {
  std::vector<PlanSource> plans;
  std::vector<BucketKindSource> bucket_kinds;
  std::vector<TimeSource> times;
  std::vector<ZoneSource> zones;
  std::vector<Placed<std::string>> holidays;  // "2026-12-25", or "12-25" of every year
};

}  // namespace levy::rating
