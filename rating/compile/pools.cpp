// compile_pool: services whose money a session's gateway may spend as one.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
#include <map>

#include "engine/base/hash.hpp"
#include "rating/compile/checks.hpp"
#include "rating/facts.hpp"

namespace levy::rating {
namespace {

// A multiplier stands for the price only where every unit costs the same.
bool linear(const Price& price) {
  return price.further_tiers == 0 && price.connect_fee == 0 && price.quantum == 1 &&
         price.minimum == 0 && price.maximum == 0;
}

void check_apart(const Placed<std::string>& name, std::uint32_t hash, const char* what,
                 std::map<std::uint32_t, std::string>& known, Checks& checks) {
  const auto [first, fresh] = known.try_emplace(hash, name.value);
  if (!fresh && first->second != name.value)
    checks.fault(name.place, std::string(what) + " '" + name.value + "' cannot be told from '" +
                                 first->second + "'; choose another name");
}

std::uint32_t pool_identifier(std::string_view name) {
  return static_cast<std::uint32_t>(stable_hash(name)) | 1u;
}

}  // namespace

void check_hashes(const Catalogue& catalogue, Checks& checks) {
  std::map<std::uint32_t, std::string> pools, segments;
  const auto conditions = [&](const std::vector<ConditionSource>& when) {
    for (const ConditionSource& condition : when)
      for (const Placed<std::string>& value : condition.values)
        if (condition.attribute.value == "segment")
          check_apart(value, segment_key(value.value), "segment", segments, checks);
  };
  for (const PlanSource& plan : catalogue.plans) {
    for (const ServiceSource& service : plan.services) {
      if (service.pool.given)
        check_apart(service.pool, pool_identifier(service.pool.value), "pool", pools, checks);
      for (const RateSource& rate : service.rates) conditions(rate.when);
    }
    for (const CounterSource& counter : plan.counters) conditions(counter.when);
  }
  for (const BucketKindSource& kind : catalogue.bucket_kinds) conditions(kind.when);
}

// The pool's identifier is made of its name, so that the services of several plans, and a name
// that a reload keeps, mean the same pool.
void compile_pool(const ServiceSource& source, Checks& checks, const CompiledPlan& plan,
                  Service& service) {
  if (!source.pool.given) return;
  if (source.pool.value.empty() || source.pool.value.size() > limits::name_bytes_max) {
    checks.fault(source.pool.place, "pool is '" + source.pool.value +
                                        "'; allowed: a name of 1 to " +
                                        std::to_string(limits::name_bytes_max) + " bytes");
    return;
  }
  service.pool = pool_identifier(source.pool.value);
  bool priced = !service.price.free && !service.price.none;
  bool simple = linear(service.price);
  for (std::uint16_t k = 0; k < service.rate_count; ++k) {
    const Price& price = plan.own_rates[service.first_rate + k].price;
    priced |= !price.free && !price.none;
    simple &= linear(price);
  }
  if (!priced)
    checks.fault(source.pool.place,
                 "pool has no effect on a service that costs no money; remove it");
  if (!simple || source.accumulate.given)
    checks.fault(source.pool.place,
                 "pool needs prices that are the same for every unit: no connect_fee, minimum, "
                 "maximum, decimals, tiers or accumulate; remove those, or the pool");
  if (source.sponsor.given)
    checks.fault(source.pool.place,
                 "pool shares the account's money, and 'sponsor' pays with another's; remove one");
  if (service.indivisible)
    checks.fault(source.pool.place,
                 "pool has no effect where units are granted all or nothing; remove it, or set "
                 "'indivisible: false'");
}

}  // namespace levy::rating
