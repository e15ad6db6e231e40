// See naive_model.hpp.
// Core: test. Allocates: yes. Blocks: never. Clock: in the message.
#include "tests/unit/rating/naive_model.hpp"

#include <algorithm>

namespace levy::rating::naive {

Unit unit_of(const std::string& word) {
  return word == "octets" ? Unit::octets : word == "seconds" ? Unit::seconds : Unit::events;
}

// CC-Time has 32 bits; else what 2^48 - 1 units are.
std::int64_t largest_grant(Unit unit) {
  return unit == Unit::seconds ? 2'147'483'647 : limits::units_max;
}

std::int64_t NaiveAccount::floor() const {
  const Placed<std::string>& limit = plan_.source().credit_limit;
  return -(credit_limit + (limit.given ? nanos_of(limit.value) / 1'000 : 0));
}

std::int64_t NaiveAccount::credit() const {
  std::int64_t sum = 0;
  for (const NaiveBucket& b : buckets)
    if (b.unit == Unit::money && b.usable)
      sum += std::max<std::int64_t>(b.free() - (b.wallet ? floor() : 0), 0);
  return sum;
}

bool NaiveAccount::below_floor() const {
  return buckets.back().free() < floor();
}

std::size_t NaiveAccount::unit_bucket(Unit unit) const {
  std::size_t b = 0;
  while (b < buckets.size() &&
         !(buckets[b].unit == unit && buckets[b].usable && buckets[b].free() >= buckets[b].step))
    ++b;
  return b;
}

// Usage takes from what the group holds first, then from what is free.
void NaiveAccount::take(NaiveGroup& group, std::size_t bucket, std::int64_t amount) {
  const std::int64_t held = std::min(group.held[bucket], amount);
  group.held[bucket] -= held;
  buckets[bucket].reserved -= held;
  buckets[bucket].spent += amount;
}

void NaiveAccount::reserve(NaiveGroup& group, std::size_t bucket, std::int64_t amount) {
  group.held[bucket] += amount;
  buckets[bucket].reserved += amount;
}

void NaiveAccount::release(NaiveGroup& group) {
  for (const auto& [bucket, amount] : group.held) buckets[bucket].reserved -= amount;
  group.held.clear();
}

std::int64_t NaiveAccount::pay(NaiveGroup& group, std::int64_t micros) {
  const bool debt = plan_.source().overrun.value != "write_off";
  for (std::size_t b = 0; b < buckets.size() && micros > 0; ++b) {
    const NaiveBucket& bucket = buckets[b];
    if (bucket.unit != Unit::money || !bucket.usable) continue;
    const std::int64_t free = bucket.free() - (bucket.wallet ? floor() : 0);
    std::int64_t can = group.held[b] + std::max<std::int64_t>(free, 0);
    if (bucket.wallet && debt) can = micros;
    const std::int64_t part = std::min(can, micros);
    if (part > 0) take(group, b, part);
    micros -= part;
  }
  if (micros > 0) {  // spent all the same, and written off
    buckets.back().spent += micros;
    buckets.back().written_off += micros;
  }
  return micros;
}

// Unit by unit; returns how many the buckets paid.
std::int64_t NaiveAccount::debit_buckets(NaiveGroup& group, Unit unit, std::int64_t used) {
  std::int64_t paid = 0;
  while (paid < used) {
    if (group.ahead > 0) {
      const std::int64_t now = std::min(group.ahead, used - paid);
      group.ahead -= now, paid += now;
      continue;
    }
    std::size_t b = 0;
    for (; b < buckets.size(); ++b) {
      const NaiveBucket& bucket = buckets[b];
      if (bucket.unit == unit && bucket.usable &&
          std::max<std::int64_t>(bucket.free(), 0) + group.held[b] >= bucket.step)
        break;
    }
    if (b == buckets.size()) break;
    take(group, b, buckets[b].step);
    group.ahead = buckets[b].step;
  }
  return paid;
}

void NaiveAccount::debit(NaiveGroup& group, NaivePrice& price, Unit unit, std::int64_t used,
                         NaiveAnswer& answer) {
  answer.used = used;
  if (used == 0) return;
  answer.rate_known = true;
  answer.fee = group.connected ? 0 : price.fee;
  group.connected = true;
  if (!price.free) answer.used_by_buckets = debit_buckets(group, unit, used);
  const std::int64_t rest = used - answer.used_by_buckets;
  const std::int64_t before = group.total;
  group.total += rest;
  if (price.none) answer.unrated = rest;
  const std::int64_t priced = price.cost(group.total) - price.cost(before);
  answer.charged = answer.fee + priced;
  answer.unpaid = pay(group, answer.charged);
  // After a write-off, be it of the fee, the started step's remainder is never granted alone;
  // use that has no price pays for no step.
  if (!price.free && !price.none && price.on_boundary(group.total))
    group.unpaid = false;
  else if (answer.charged > 0)
    group.unpaid = answer.unpaid > 0;
  count_usage(group, price, before, answer);
}

// The end of the next priced step after `to` that the credit pays beside `cost`; `to`: none.
std::int64_t NaiveAccount::next_end(const NaiveGroup& group, NaivePrice& price, std::int64_t to,
                                    std::int64_t cost) {
  if (price.none || (below_floor() && !price.costs_nothing())) return to;
  std::int64_t end = price.boundary_after(to);
  if (to == group.total && group.unpaid && !price.on_boundary(to)) end = price.boundary_after(end);
  if (price.stopped_beyond(end)) return to;
  return price.cost(end) - price.cost(to) + cost <= credit() ? end : to;
}

// One grant of about `want` units; false: nothing can be granted.
bool NaiveAccount::take_grant(NaiveGroup& group, NaivePrice& price, const ServiceSource& service,
                              std::int64_t want, NaiveAnswer& answer) {
  const Unit unit = unit_of(service.unit.value);
  const bool whole = service.indivisible.given ? service.indivisible.value : unit == Unit::events;
  const std::int64_t most = service.grant_max.given ? service.grant_max.value : largest_grant(unit);
  std::int64_t cost = group.connected ? 0 : price.fee;
  if (cost > 0 && (below_floor() || cost > credit())) return false;
  std::int64_t units = 0, ahead = group.ahead, to = group.total;
  if (price.free) units = most;
  while (units < want && !price.free) {
    if (ahead > 0) {
      const std::int64_t now = std::min(ahead, want - units);
      ahead -= now, units += now;
    } else if (const std::size_t b = unit_bucket(unit); b < buckets.size()) {
      reserve(group, b, buckets[b].step);
      ahead = buckets[b].step;
    } else {
      std::int64_t end = next_end(group, price, to, cost);
      const bool beyond = units + end - to > most;
      if (end == to || (beyond && units > 0 && !whole)) break;
      if (beyond && whole) end = to + want - units;
      cost += price.cost(end) - price.cost(to);
      units += end - to;
      to = end;
    }
  }
  if (units == 0 || (whole && units < want)) {
    release(group);
    return false;
  }
  answer.granted = units;
  answer.is_final = !price.free && ahead == 0 && unit_bucket(unit) == buckets.size() &&
                    next_end(group, price, to, cost) == to;
  for (std::size_t b = 0; b < buckets.size() && cost > 0; ++b) {
    const NaiveBucket& bucket = buckets[b];
    if (bucket.unit != Unit::money || !bucket.usable) continue;
    const std::int64_t free = bucket.free() - (bucket.wallet ? floor() : 0);
    const std::int64_t part = std::min(cost, std::max<std::int64_t>(free, 0));
    if (part > 0) reserve(group, b, part);
    cost -= part;
  }
  return true;
}

void NaiveAccount::grant(NaiveGroup& group, const Units& units, std::int64_t usage_time,
                         NaiveAnswer& answer) {
  const ServiceSource& service = plan_.service(answer.service);
  NaivePrice& price = plan_.price(answer.service, answer.rate);
  const auto given = [](const Placed<std::int64_t>& field, std::int64_t otherwise) {
    return field.given ? field.value : otherwise;
  };
  const Unit unit = unit_of(service.unit.value);
  // rating/compile/README.md: one price step; 10 MB, 60 s or one event where that is a single unit
  // or there is no price.
  const std::int64_t step = plan_.price(answer.service, 0).step();
  const std::int64_t common = unit == Unit::octets ? 10'000'000 : unit == Unit::seconds ? 60 : 1;
  const std::int64_t later = given(service.grant_default, step > 1 ? step : common);
  std::int64_t want = units.requested;
  if (want == 0) want = group.granted_once ? later : given(service.grant_first, later);
  want = std::max(want, given(service.grant_min, 1));
  want = std::min(want, given(service.grant_max, largest_grant(unit)));
  if (!take_grant(group, price, service, want, answer)) {
    answer.reason = Reason::no_credit;
    return;
  }
  answer.has_grant = answer.rate_known = true;
  group.granted_once = true;
  group.service = answer.service;
  group.rate = answer.rate;
  group.granted_at = usage_time;
  const std::int64_t validity = service.validity.given ? service.validity.value : 0;
  const std::int64_t spread =
      plan_.source().boundary_spread.given ? plan_.source().boundary_spread.value : 0;
  answer.validity_min = answer.validity_max = validity;
  const std::int64_t change = plan_.next_change(answer.service, usage_time);
  if (change == 0) {
    answer.maybe_a_month = validity == 0;
    return;
  }
  const std::int64_t left = change - usage_time;
  if (validity != 0 && validity <= left) return;
  answer.validity_min = left;
  answer.validity_max = validity == 0 ? left + spread : std::min(validity, left + spread);
  ++counts_["Validity-Time cut at a change of times"];
}

std::vector<NaiveAnswer> NaiveAccount::answer(int session, RequestType type, const Facts& facts,
                                              const std::vector<Units>& rows,
                                              std::int64_t usage_time) {
  std::vector<NaiveAnswer> answers(rows.size());
  std::vector<NaiveGroup*> named(rows.size(), nullptr);
  std::vector<std::size_t> now(rows.size(), 0);  // the rate of the message's conditions
  for (std::size_t i = 0; i < rows.size(); ++i) {
    NaiveAnswer& a = answers[i];
    a.service = plan_.service_of(facts, rows[i]);
    if (a.service == no_service) {
      a.used = a.unrated = rows[i].has_used ? rows[i].used : 0;
      // An MSCC that names no group and no units asks for nothing that could be unknown.
      if (rows[i].rating_group || rows[i].has_used || rows[i].has_requested)
        a.reason =
            plan_.source().unmatched.value == "4010" ? Reason::denied : Reason::rating_failed;
      continue;
    }
    const std::int64_t rating_group = rows[i].rating_group ? *rows[i].rating_group : -1;
    NaiveGroup& group = groups_[{session, rating_group, rows[i].identifiers}];
    named[i] = &group;
    now[i] = plan_.rate_of(a.service, facts, rows[i], usage_time);
    const std::size_t service = group.granted_once ? group.service : a.service;
    a.rate = group.granted_once ? group.rate : now[i];
    if (rows[i].has_used)
      debit(group, plan_.price(service, a.rate), unit_of(plan_.service(service).unit.value),
            rows[i].used, a);
    if (rows[i].has_used && rows[i].used > 0 && group.granted_once && group.granted_at != 0) {
      const std::int64_t change = plan_.next_change(a.service, group.granted_at);
      if (change != 0 && change <= usage_time) ++counts_["usage across a change of times"];
      if (now[i] != group.rate) ++counts_["usage of a rate that no longer holds"];
    }
  }
  for (NaiveGroup* group : named)
    if (group != nullptr) release(*group);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    NaiveAnswer& a = answers[i];
    if (named[i] == nullptr || type == RequestType::termination) continue;
    const std::string access = plan_.service(a.service).access.value;
    if (access == "barred" || access == "refused") {
      a.reason = access == "barred" ? Reason::denied : Reason::refused;
      continue;
    }
    const bool last = (rows[i].reasons & (reason_final | reason_qht)) != 0;
    if (!rows[i].has_requested || last) continue;
    const std::size_t of_usage = a.rate;
    a.rate = now[i];
    grant(*named[i], rows[i], usage_time, a);
    if (a.reason != Reason::ok) a.rate = of_usage;
  }
  return answers;
}

void NaiveAccount::end_session(int session) {
  for (auto it = groups_.begin(); it != groups_.end();) {
    if (std::get<0>(it->first) == session) {
      release(it->second);
      it = groups_.erase(it);
    } else {
      ++it;
    }
  }
}

void NaiveAccount::count_usage(const NaiveGroup& group, NaivePrice& price, std::int64_t before,
                               const NaiveAnswer& answer) {
  const auto count = [&](bool holds, const char* what) {
    if (holds) ++counts_[what];
  };
  ++counts_["usages"];
  count(answer.used_by_buckets > 0, "paid by a unit bucket");
  count(answer.used_by_buckets > 0 && answer.charged > answer.fee, "bucket and money together");
  count(answer.fee > 0, "connect fee");
  count(answer.unpaid > 0, "written off");
  count(answer.unrated > 0, "without a price");
  count(price.free, "free");
  count(below_floor(), "left the wallet below its floor");
  if (price.free || price.none || group.total == before) return;
  const std::int64_t total = group.total;
  count(price.tier_of(before) != price.tier_of(total), "crossed a tier");
  count(price.tier_of(total) > 0, "ended in a later tier");
  count(price.maximum != 0 && price.unbounded(total) > price.maximum, "beyond the maximum");
  count(price.maximum != 0 && price.stops && price.cost(total) == price.maximum,
        "at a maximum that stops");
  count(price.unbounded(total) < price.minimum, "below the minimum");
  count(!price.on_boundary(total), "ended within a step");
}

}  // namespace levy::rating::naive
