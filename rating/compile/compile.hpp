// compile_catalogue: rate plans as written (PlanSource) -> compiled Plans, or every fault at once.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Names become interned ids only when the whole catalogue is free of faults: an id is never
// reused, so a rejected file must not use any up.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rating/plan.hpp"
#include "rating/plan_source.hpp"

namespace levy::rating {

// The message names the value, what is allowed, and what to do.
struct CompileFault {
  Place place;
  std::string message;
  // The fault is that this key is not there: where config refused its value, that is no news.
  std::string_view absent_key{};
};

enum class NameKind : std::uint8_t {
  plan,
  service,
  bucket_kind,
  rate,
  fee,
  sponsor,
  counter,
  level
};

// The id of a name (1..65535), the same at every call; 0: the catalogue of names is full.
using InternName = std::function<std::uint16_t(NameKind, std::string_view)>;

struct BucketKind {
  std::uint16_t id = 0;
  Unit unit = Unit::money;
  std::int16_t priority = 0;
  std::uint16_t currency = 0;  // ISO 4217 numeric for money, else 0
  std::uint32_t step = 1;      // units
  std::uint32_t lifetime = 0;  // seconds from the credit, 0 = none
  std::string name;
};

// A Plan with what its pointers point into; its address is fixed.
struct CompiledPlan : Plan {
  std::vector<Rate> own_rates;
  std::vector<Condition> own_conditions;
  std::vector<std::uint64_t> own_values;
  std::vector<TimePattern> own_times;
  std::vector<std::unique_ptr<std::vector<std::uint32_t>>> own_edges;
  std::vector<std::unique_ptr<std::vector<Tier>>> own_tiers;
  std::vector<Restriction> own_restrictions;
  std::vector<BucketRule> own_bucket_rules;
  std::vector<ZoneOffset> own_offsets;
  std::vector<Fee> own_fees;
  std::vector<Allowance> own_allowances;
  std::vector<Sponsor> own_sponsors;
  std::vector<TopupBonus> own_bonuses;
  std::vector<ExchangeRate> own_exchange;
  std::vector<CounterRule> own_counters;
  std::vector<std::unique_ptr<std::vector<Level>>> own_levels;  // of those that have some
  std::vector<std::unique_ptr<std::string>> own_texts;
  void point_to_own() {
    rates = own_rates.data();
    conditions = own_conditions.data();
    values = own_values.data();
    times = own_times.data();
    restrictions = own_restrictions.data();
    bucket_rules = own_bucket_rules.data();
    counters = own_counters.data();
    counter_count = static_cast<std::uint32_t>(own_counters.size());
    exchange = own_exchange.data();
    exchange_count = static_cast<std::uint32_t>(own_exchange.size());
    bonuses = own_bonuses.data();
    bonus_count = static_cast<std::uint32_t>(own_bonuses.size());
    sponsors = own_sponsors.data();
    sponsor_count = static_cast<std::uint32_t>(own_sponsors.size());
    terms.offsets = own_offsets.data();
    terms.fees = own_fees.data();
    terms.allowances = own_allowances.data();
  }
};

struct CompiledZones : Zones {
  std::vector<PrefixTable::Entry> own_plmns, own_numbers, own_places;
};

struct Compiled {
  // In the catalogue's order; empty if there are faults.
  std::vector<std::unique_ptr<CompiledPlan>> plans;
  std::vector<BucketKind> bucket_kinds;  // likewise
  std::unique_ptr<CompiledZones> zones;  // null where the catalogue names none
  std::vector<CompileFault> faults;      // in the order of the file
};

// Names of segments that the plan's conditions, or those of bucket kinds, ask for; each once.
std::vector<std::string> segments_of(const Catalogue& catalogue, const PlanSource& plan);

Compiled compile_catalogue(const Catalogue& catalogue, const InternName& intern);

// An exact decimal amount ("0.25") in micros. false: not a plain decimal of at most 6 places
// within 0..limits::balance_micros_max.
bool parse_amount(std::string_view text, std::int64_t& micros);

// 3GPP-RAT-Type by its name or number: "nr", "6". false: neither.
bool parse_rat(std::string_view text, std::uint64_t& value);

// "tai 262-01-4660": kind, MCC, MNC, then area and cell as the kind has them. false: no such form.
struct Place3gpp;
bool parse_place(std::string_view text, Place3gpp& place);

// The plans of one version with the storage that PlanSet points into. Not copyable or movable:
// Shards keep the address of set().
class PlanVersion {
 public:
  PlanVersion(std::uint16_t version, std::vector<std::unique_ptr<CompiledPlan>> plans,
              std::unique_ptr<CompiledZones> zones = nullptr);
  PlanVersion(const PlanVersion&) = delete;
  PlanVersion& operator=(const PlanVersion&) = delete;
  const PlanSet& set() const { return set_; }

 private:
  std::vector<std::unique_ptr<CompiledPlan>> plans_;
  std::unique_ptr<CompiledZones> zones_;
  std::vector<const Plan*> by_id_;
  PlanSet set_;
};

}  // namespace levy::rating
