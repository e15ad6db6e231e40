// Plan: one compiled, immutable tariff. PlanSet: all plans of one version, as a Shard reads them.
// Core: shard (read only). Allocates: never. Blocks: never. Clock: none.
//
// Built by rating/compile from PlanSource; never changed afterwards, so any number of Shards read
// it at once. First storey: services by Rating-Group, one flat price each. The plan language grows
// by new fields here and new rows in price(); sessions name (plan, version), never pointers.
#pragma once

#include <array>
#include <cstdint>

#include "config/limits.hpp"
#include "engine/base/money.hpp"
#include "rating/account.hpp"

namespace levy::rating {

// price(total) = round(ceil(total / step) * step * numerator / denominator), micros.
struct Price {
  std::int64_t numerator = 0;    // micros, >= 0
  std::int64_t denominator = 1;  // units, > 0
  std::int64_t step = 1;         // units, >= 1: every started step is charged in full
  Rounding rounding = Rounding::up;
  bool free = false;  // zero-rated: no money is ever due
  bool none = false;  // no price: usage beyond the unit buckets is unrated overrun
};

enum class Overrun : std::uint8_t { debt, write_off };
enum class Unmatched : std::uint8_t { rating_failed_5031, denied_4010, rate_as };
enum class FinalAction : std::uint8_t { terminate = 0, redirect = 1, restrict_access = 2 };
enum class OnLost : std::uint8_t { release, charge_reserved, charge_units };

struct Service {
  std::uint16_t name = 0;             // interned
  Unit unit = Unit::octets;           // what the plan prices; other units of a report are ignored
  bool any_rating_group = false;      // matches whatever no other service names (`rate_as`)
  bool without_rating_group = false;  // matches an MSCC (or a command) that has no Rating-Group
  bool indivisible = false;           // all or nothing
  bool barred = false;                // 4010
  bool refused = false;               // 5003
  FinalAction final_action = FinalAction::terminate;
  OnLost on_lost = OnLost::release;
  Price price;
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
  // Low credit: no single group takes more than this share of the free credit, per mille; 1000 =
  // all.
  std::uint16_t low_credit_permille = 1000;
  char redirect_address[128] = {};  // zero-terminated, for FinalAction::redirect
  std::uint8_t redirect_type = 2;   // Redirect-Address-Type 433: 0 IPv4, 1 IPv6, 2 URL, 3 SIP URI
};

// rating_group -> index into services, ascending by rating_group.
struct RatingGroupEntry {
  std::uint32_t rating_group = 0;
  std::uint16_t service = 0;
};

struct Plan {
  std::uint16_t id = 0;        // interned plan; 0 = this slot of the set is empty
  std::uint16_t currency = 0;  // ISO 4217 numeric
  Overrun overrun = Overrun::debt;
  Unmatched unmatched = Unmatched::rating_failed_5031;
  std::uint16_t service_count = 0;
  std::uint16_t entry_count = 0;
  std::uint16_t any_service = 0xffff;            // index of the any_rating_group service, or 0xffff
  std::uint16_t without_group_service = 0xffff;  // index, or 0xffff
  std::uint32_t session_ttl = 86400;  // seconds: Tcc where no Validity-Time is outstanding
  std::int64_t credit_limit = 0;      // micros: the main wallet's floor is -credit_limit
  // Unit buckets (by interned kind) may pay only for these; empty = any service of their unit.
  std::array<Service, limits::services_per_plan_max> services{};
  std::array<RatingGroupEntry, limits::services_per_plan_max * 4> entries{};
};

// The plans of one version, indexed by interned plan id (sparse: plans[id].id == 0 when absent).
struct PlanSet {
  std::uint16_t version = 0;  // 1.. ; 0 = none loaded
  const Plan* const* plans =
      nullptr;  // plan_count pointers, null where the id is of something else
  std::uint32_t plan_count = 0;

  const Plan* find(std::uint16_t plan_id) const {
    return plan_id < plan_count ? plans[plan_id] : nullptr;
  }
};

}  // namespace levy::rating
