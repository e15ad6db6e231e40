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

// "0.25 EUR per 1500000 octets, step 1500000 octets": an exact decimal amount per units.
struct PriceSource {
  std::string amount;  // decimal text, e.g. "0.25"; never through floating point
  std::int64_t per_units = 1;
  std::int64_t step_units = 0;  // 0 = per_units
  bool free = false;
};

struct ServiceSource {
  Placed<std::string> name;
  std::vector<Placed<std::uint32_t>> rating_groups;
  Placed<bool> any_rating_group;      // rating_group: any
  Placed<bool> without_rating_group;  // rating_group: none
  Placed<std::string> unit;           // octets | seconds | events
  Placed<PriceSource> price;          // absent: unit buckets only
  Placed<std::string> rounding;       // up | down | half_up | half_even
  Placed<std::int64_t> grant_first, grant_default, grant_min, grant_max;
  Placed<std::int64_t> validity, quota_holding_time;  // seconds
  Placed<std::int64_t> threshold_permille, threshold_units;
  Placed<std::int64_t> low_credit_permille;
  Placed<bool> indivisible;
  Placed<std::string> access;    // open | barred | refused
  Placed<std::string> on_final;  // terminate | redirect | restrict_access
  Placed<std::string> redirect_to;
  Placed<std::string> on_lost;  // release | charge_reserved | charge
  Placed<std::int64_t> lost_units;
};

struct PlanSource {
  Placed<std::string> name;
  Placed<std::string> currency;      // ISO 4217 letters
  Placed<std::string> overrun;       // debt | write_off
  Placed<std::string> unmatched;     // 5031 | 4010 | rate_as
  Placed<std::string> credit_limit;  // decimal amount
  Placed<std::int64_t> session_ttl;  // seconds
  std::vector<ServiceSource> services;
  Place place;
};

// A kind of bucket that imports and top-ups may name.
struct BucketKindSource {
  Placed<std::string> name;
  Placed<std::string> unit;      // money | octets | seconds | events
  Placed<std::string> currency;  // for money
  Placed<std::int64_t> priority;
  Placed<std::int64_t> step;
  Placed<std::int64_t> lifetime;  // seconds from the credit, 0 = none
};

struct Catalogue {
  std::vector<PlanSource> plans;
  std::vector<BucketKindSource> bucket_kinds;
};

}  // namespace levy::rating
