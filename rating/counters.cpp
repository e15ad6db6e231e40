// Counters: counting, holding, levels.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
#include "rating/counters.hpp"

#include <algorithm>

#include "engine/base/check.hpp"

namespace levy::rating {

bool counts(const CounterRow& row, const Payers& payers) {
  const CounterRule* rule = row.rule;
  if (rule == nullptr || !row.of_request || rule->bucket_kind != 0) return false;
  const Tariff& tariff = payers.tariff();
  if (rule->unit != Unit::money && rule->unit != tariff.service->unit) return false;
  const std::uint64_t* names = row.plan->values + rule->first_service;
  if (rule->service_count != 0 && std::find(names, names + rule->service_count,
                                            tariff.service->name) == names + rule->service_count)
    return false;
  for (std::uint32_t c = 0; c < rule->condition_count; ++c)
    if (!holds(payers.input(), payers.mscc(), *row.plan, row.zones,
               row.plan->conditions[rule->first_condition + c]))
      return false;
  return true;
}

void count_use(Ledger& ledger, const Payers& payers, std::int64_t used, std::int64_t charged) {
  AccountView& account = ledger.account();
  for (std::uint32_t i = 0; i < account.counter_count; ++i) {
    CounterRow& row = account.counters[i];
    if (!counts(row, payers)) continue;
    const std::int64_t amount = row.rule->unit == Unit::money ? charged : used;
    if (row.counter->value > bucket_sum_max - amount) return ledger.overflow();
    row.counter->value += amount;
  }
}

Room room_of(const Ledger& ledger, const Payers& payers) {
  Room room;
  const AccountView& account = ledger.account();
  for (std::uint32_t i = 0; i < account.counter_count; ++i) {
    const CounterRow& row = account.counters[i];
    if (row.rule == nullptr || row.rule->limit == 0 || !counts(row, payers)) continue;
    const std::int64_t left =
        positive(row.rule->limit - row.counter->value - row.counter->reserved);
    std::int64_t& bound = row.rule->unit == Unit::money ? room.money : room.units;
    bound = std::min(bound, left);
  }
  return room;
}

void hold(Ledger& ledger, const Payers& payers, Group& group, std::int64_t units,
          std::int64_t money) {
  AccountView& account = ledger.account();
  std::size_t held = 0;
  for (std::uint32_t i = 0; i < account.counter_count; ++i) {
    CounterRow& row = account.counters[i];
    if (row.rule == nullptr || row.rule->limit == 0 || !counts(row, payers)) continue;
    const std::int64_t amount = row.rule->unit == Unit::money ? money : units;
    if (amount == 0) continue;
    if (held == group.hold_amounts.size()) return;
    group.hold_amounts[held] = amount;
    group.hold_counters[held++] = row.slot;
    row.counter->reserved += amount;
  }
}

void release_holds(AccountView& account, Group& group) {
  for (std::size_t k = 0; k < group.hold_amounts.size(); ++k) {
    const std::int64_t amount = group.hold_amounts[k];
    if (amount == 0) continue;
    const Slot slot = group.hold_counters[k];
    std::uint32_t i = 0;
    while (i < account.counter_count && account.counters[i].slot != slot) ++i;
    LEVY_CHECK(i < account.counter_count, slot, account.counter_count);  // a hold pins its counter
    account.counters[i].counter->reserved -= amount;
    group.hold_amounts[k] = 0;
    group.hold_counters[k] = none;
  }
}

std::uint16_t level_of(const CounterRule& rule, const Standing& standing) {
  for (std::uint32_t k = rule.level_count; k-- > 0;) {
    const Level& level = rule.levels[k];
    const bool reached = level.permille != 0 ? standing.credited > 0 &&
                                                   Int128{standing.value} * 1000 >=
                                                       Int128{standing.credited} * level.permille
                                             : standing.value >= level.at;
    if (reached) return level.name;
  }
  return 0;
}

}  // namespace levy::rating
