// Scene: one account and its sessions, driven through charge() as a Shard would, for tests.
// After every call it replays the movements on a copy of the buckets and checks that the buckets'
// reservations are exactly those of the live groups.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "rating/charge.hpp"

namespace levy::rating {

inline constexpr std::int64_t absent = -1;  // no such AVP; 0 is present and empty
inline constexpr std::uint16_t eur = 978;
inline constexpr std::int64_t step_a = 1'500'000;

inline Price price_per(std::int64_t micros, std::int64_t units, Rounding rounding = Rounding::up) {
  Price price;
  price.numerator = micros;
  price.denominator = units;
  price.step = units;
  price.rounding = rounding;
  return price;
}

inline Service service_of(Unit unit, Price price, std::int64_t grant) {
  Service service;
  service.unit = unit;
  service.price = price;
  service.grant_first = grant;
  service.grant_default = grant;
  return service;
}

// DATA-A and VOICE-A of the vectors.
inline Service data_a() {
  return service_of(Unit::octets, price_per(250'000, step_a), step_a);
}
inline Service voice_a() {
  return service_of(Unit::seconds, price_per(250'000, 60), 60);
}

inline std::unique_ptr<Plan> plan_of(std::vector<std::pair<std::uint32_t, Service>> services) {
  auto plan = std::make_unique<Plan>();
  plan->id = 1;
  plan->currency = eur;
  for (const auto& [rating_group, service] : services) {
    plan->entries[plan->entry_count++] = {rating_group, plan->service_count};
    plan->services[plan->service_count++] = service;
  }
  return plan;
}

struct Row {
  std::uint32_t rating_group = 1;
  std::int64_t requested = absent;
  std::int64_t used = absent;
  std::uint16_t reasons = 0;
  Unit unit = Unit::money;  // of the numbers; money: that of the service now
};

inline UnitAmounts amounts_of(Unit unit, std::int64_t number) {
  UnitAmounts amounts;
  if (number <= 0) return amounts;
  if (unit == Unit::octets) amounts.has_octets = true, amounts.octets = number;
  if (unit == Unit::seconds) amounts.has_seconds = true, amounts.seconds = number;
  if (unit == Unit::events) amounts.has_events = true, amounts.events = number;
  return amounts;
}

inline auto sums_of(const Bucket& b) {
  return std::tuple(b.credits, b.spent, b.written_off, b.reserved, b.in_transit);
}

// The movements as charge.hpp explains them, naively.
inline void replay(const ChargeResult& result, std::vector<Bucket>& buckets) {
  for (std::uint32_t m = 0; m < result.movement_count; ++m) {
    const Movement& move = result.movements[m];
    ASSERT_GT(move.amount, 0);
    ASSERT_LT(move.bucket, buckets.size());
    Bucket& b = buckets[move.bucket];
    switch (move.kind) {
      case MovementKind::credit:
        b.credits += move.amount;
        break;
      case MovementKind::expire:
        b.credits -= move.amount;
        break;
      case MovementKind::spend:
        b.spent += move.amount;
        break;
      case MovementKind::write_off:
        b.written_off += move.amount;
        break;
      case MovementKind::reserve:
        b.reserved += move.amount;
        break;
      case MovementKind::release:
        b.reserved -= move.amount;
        break;
      case MovementKind::send:
        b.in_transit += move.amount;
        break;
      case MovementKind::arrive:
        b.in_transit -= move.amount;
        b.credits -= move.amount;
        break;
      case MovementKind::come_back:
        b.in_transit -= move.amount;
        break;
    }
  }
}

class Scene {
 public:
  explicit Scene(std::unique_ptr<Plan> plan_in) : plan(std::move(plan_in)) {}
  Scene(Service service, std::int64_t wallet_micros) : plan(plan_of({{1, service}})) {
    money(wallet_micros, true);
  }

  Bucket& money(std::int64_t micros, bool wallet = false, std::int16_t priority = 0) {
    Bucket& b = buckets.emplace_back();
    b.credits = micros;
    b.currency = eur;
    b.priority = priority;
    b.flags = static_cast<std::uint8_t>(bucket_live | (wallet ? bucket_main_wallet : 0));
    return b;
  }
  Bucket& units(Unit unit, std::int64_t amount, std::uint32_t step = 1) {
    Bucket& b = buckets.emplace_back();
    b.credits = amount;
    b.unit = unit;
    b.step = step;
    b.flags = bucket_live;
    return b;
  }
  void rules(std::vector<BucketRule> list) {  // sorted by kind, then service
    bucket_rules = std::move(list);
    plan->bucket_rules = bucket_rules.data();
    plan->bucket_rule_count = static_cast<std::uint32_t>(bucket_rules.size());
  }

  AccountView view() {
    AccountView account;
    for (Bucket& b : buckets) {
      account.buckets[account.bucket_count] = &b;
      account.slots[account.bucket_count] = account.bucket_count;
      ++account.bucket_count;
    }
    account.credit_limit = credit_limit;
    account.user = user;
    return account;
  }

  Group& group(int session, std::uint32_t rating_group) {
    Group& g = groups[{session, rating_group}];
    g.flags |= group_live | group_has_rating_group;
    g.rating_group = rating_group;
    return g;
  }

  const ChargeResult& send(int session, RequestType type, const std::vector<Row>& rows) {
    const std::vector<Bucket> before(buckets.begin(), buckets.end());
    request = ChargeRequest{};
    request.type = type;
    request.request_number = number >= 0 ? static_cast<std::uint32_t>(number) : next_number++;
    request.mscc_count = static_cast<std::uint8_t>(rows.size());
    input = ChargeInput{};
    input.request = &request;
    input.plan = plan.get();
    for (const Addon& addon : addons) input.addons[input.addon_count++] = addon;
    for (std::size_t i = 0; i < rows.size(); ++i) fill(session, i, rows[i]);
    input.plan_version = plan_version;
    input.plan_sets = plan_sets.data();
    input.plan_set_count = static_cast<std::uint32_t>(plan_sets.size());
    input.now = input.usage_time = Time::from_seconds(now);
    input.zones = zones;
    input.implicit_rsu = implicit_rsu;
    input.pools = pools;
    for (auto& [key, g] : groups)
      if (key.first == session && (g.flags & group_pooled) != 0)
        input.pooled[input.pooled_count++] = &g;
    input.account_barred = barred;
    input.no_credit_code_4012 = code_4012;
    result = ChargeResult{};
    AccountView account = view();
    if (type == RequestType::event)
      charge_event(input, account, result, event);
    else
      charge(input, account, result);
    verify(before);
    return result;
  }
  const MsccOutcome& initial(std::int64_t requested, int session = 0) {
    return send(session, RequestType::initial, {{1, requested, absent, 0}}).mscc[0];
  }
  const MsccOutcome& update(std::int64_t used, std::int64_t requested, int session = 0) {
    return send(session, RequestType::update, {{1, requested, used, 0}}).mscc[0];
  }
  const MsccOutcome& terminate(std::int64_t used, int session = 0) {
    return send(session, RequestType::termination, {{1, absent, used, 0}}).mscc[0];
  }
  const MsccOutcome& one_event(RequestedAction requested_action, std::int64_t requested) {
    action = requested_action;
    return send(0, RequestType::event, {{1, requested, absent, 0}}).mscc[0];
  }
  void release(int session) {
    const std::vector<Bucket> before(buckets.begin(), buckets.end());
    result = ChargeResult{};
    AccountView account = view();
    for (auto& [key, g] : groups)
      if (key.first == session) release_group(g, account, result);
    verify(before);
  }
  void verify(const std::vector<Bucket>& before) {
    std::vector<Bucket> copy = before;
    replay(result, copy);
    std::vector<std::int64_t> reserved(buckets.size(), 0);
    for (const auto& [key, g] : groups)
      for (const Reservation& r : g.reservations)
        if (r.amount != 0) reserved.at(r.bucket) += r.amount;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      EXPECT_EQ(sums_of(copy[i]), sums_of(buckets[i])) << "bucket " << i;
      EXPECT_EQ(reserved[i] + foreign_reserved, buckets[i].reserved) << "bucket " << i;
    }
  }

  std::int64_t balance() const {  // of all money, reserved money taken out
    std::int64_t sum = 0;
    for (const Bucket& b : buckets) sum += b.unit == Unit::money ? b.free() : 0;
    return sum;
  }
  std::int64_t reserved() const {
    std::int64_t sum = 0;
    for (const Bucket& b : buckets) sum += b.reserved;
    return sum;
  }

  std::unique_ptr<Plan> plan;
  const Zones* zones = nullptr;
  std::deque<Bucket> buckets;
  std::map<std::pair<int, std::uint32_t>, Group> groups;
  std::vector<const PlanSet*> plan_sets;
  std::vector<Addon> addons;
  std::vector<BucketRule> bucket_rules;
  std::uint16_t plan_version = 1;
  std::int64_t now = 1'800'000'000;
  std::int64_t credit_limit = 0;
  Slot user = none;          // subscriber that the next request is of
  std::int64_t number = -1;  // of the next request; -1: one more than the last
  std::int64_t foreign_reserved = 0;
  std::uint32_t next_number = 0;
  bool implicit_rsu = false, pools = false, barred = false, code_4012 = false, grant_allowed = true;
  RequestedAction action = RequestedAction::direct_debiting;
  ChargeRequest request;
  ChargeInput input;
  ChargeResult result;
  EventResult event;

 private:
  Unit unit_now(const MsccRequest& mscc) const {  // of the service that the MSCC falls under
    for (const Addon& addon : addons)
      if (const std::uint16_t k = find_service(*addon.plan, request, mscc); k != 0xffff)
        return addon.plan->services[k].unit;
    const std::uint16_t k = find_service(*plan, request, mscc);
    return k != 0xffff ? plan->services[k].unit : Unit::octets;
  }
  void fill(int session, std::size_t i, const Row& row) {
    MsccRequest& mscc = request.mscc[i];
    request.has_requested_action = true;
    request.requested_action = action;
    mscc.has_rating_group = true;
    mscc.rating_group = row.rating_group;
    mscc.reporting_reasons = row.reasons;
    mscc.has_requested = row.requested != absent;
    mscc.has_used = row.used != absent;
    // One that the plan names no longer is still found, as in the Shard.
    if (has_service(input, mscc) || groups.contains({session, row.rating_group}))
      input.groups[i] = &group(session, row.rating_group);
    const Unit unit = row.unit != Unit::money ? row.unit : unit_now(mscc);
    mscc.requested = amounts_of(unit, row.requested);
    mscc.used = amounts_of(unit, row.used);
    input.grant_allowed[i] = grant_allowed;
  }
};

inline bool granted(const MsccOutcome& o) {
  return (o.flags & outcome_granted) != 0;
}
inline bool final(const MsccOutcome& o) {
  return (o.flags & outcome_final) != 0;
}

}  // namespace levy::rating
