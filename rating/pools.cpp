// Pools: whose reservation pays for whose use.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
#include "rating/pools.hpp"

#include <algorithm>

#include "rating/price.hpp"

namespace levy::rating {
namespace {

std::int64_t reserved_of(const Group& group) {
  std::int64_t sum = 0;
  for (const Reservation& part : group.reservations) sum += part.amount;
  return sum;
}

// What a pooled group's report costs beside unit buckets; pooled prices are linear (compile_pool).
Int128 cost_of(const Tariff& tariff, const Group& group, std::int64_t used) {
  const Price& price = *tariff.price();
  const std::int64_t total = group.running_total;
  if (used > limits::units_max || total > total_units_max - used) return 0;  // refused by debit()
  return price_exact(price, total + used) - price_exact(price, total);
}

// Takes up to `amount` of what `from` holds, into the same buckets of `to`. Returns what it took.
Int128 move_reservations(Group& from, Group& to, Int128 amount) {
  Int128 moved = 0;
  for (Reservation& part : from.reservations) {
    const auto taken = static_cast<std::int64_t>(std::min<Int128>(part.amount, amount - moved));
    if (taken <= 0) continue;
    Reservation* place = nullptr;
    for (Reservation& own : to.reservations) {
      if (own.amount != 0 && own.bucket != part.bucket) continue;
      if (place == nullptr || own.amount != 0) place = &own;
    }
    if (place == nullptr) continue;  // of too many buckets: what is free pays
    place->bucket = part.bucket;
    place->amount += taken;
    part.amount -= taken;
    if (part.amount == 0) part = Reservation{};
    moved += taken;
  }
  return moved;
}

// One report, or the need of a group that reports nothing (0).
struct Need {
  Group* group = nullptr;
  std::uint32_t pool = 0;
  const Price* price = nullptr;
  Int128 cost = 0;
  bool named = false;  // by a row of the message that is no overtaken one
};

}  // namespace

bool can_pool(const ChargeInput& input, const Tariff& tariff, const Group& group,
              const Ledger& ledger, const Offer& offer) {
  if (!input.pools || tariff.service->pool == 0 || group.bucket_ahead != 0) return false;
  const Price& price = *tariff.price();
  if (price.free || price.none || price.numerator == 0) return false;
  for (std::uint32_t k = 0; k < offer.part_count; ++k)
    if (ledger.bucket(offer.parts[k].bucket).unit != Unit::money) return false;
  return offer.part_count != 0;
}

void draw_from_pools(const ChargeInput& input, std::uint32_t count) {
  if (input.pooled_count == 0) return;
  std::array<Need, limits::groups_per_session_max> needs{};
  const MsccRequest nothing{};
  for (std::uint32_t k = 0; k < input.pooled_count; ++k) {
    Need& need = needs[k];
    need.group = input.pooled[k];
    const Tariff tariff = tariff_of_usage(input, *need.group, nothing);
    if (tariff.service == nullptr) continue;
    need.pool = tariff.service->pool;
    need.price = tariff.price();
    for (std::uint32_t i = 0; i < count; ++i) {
      if (input.groups[i] != need.group || !input.grant_allowed[i]) continue;
      need.named = true;
      need.cost += cost_of(tariff, *need.group,
                           used_units(input.request->mscc[i].used, *tariff.service));
    }
  }
  for (std::uint32_t k = 0; k < input.pooled_count; ++k) {
    Need& one = needs[k];
    Int128 missing = one.named && one.pool != 0 ? one.cost - reserved_of(*one.group) : 0;
    for (std::uint32_t j = 0; j < input.pooled_count && missing > 0; ++j) {
      Need& other = needs[j];
      if (j == k || other.pool != one.pool || other.price->numerator == 0) continue;
      const Int128 spare = reserved_of(*other.group) - other.cost;
      if (spare <= 0) continue;
      missing -= move_reservations(*other.group, *one.group, std::min(spare, missing));
      const Int128 pays = Int128{reserved_of(*other.group)} * other.price->denominator /
                          other.price->numerator;
      other.group->granted =
          static_cast<std::int64_t>(std::min<Int128>(other.group->granted, pays));
    }
  }
}

}  // namespace levy::rating
