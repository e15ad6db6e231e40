// Rules of bucket kinds: what a kind pays for, at which weights, under which conditions.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "rating/payers.hpp"

#include "tests/unit/rating/scene.hpp"

namespace levy::rating {
namespace {

constexpr std::uint16_t kind_a = 40, kind_b = 41;
constexpr std::uint16_t any_service = BucketRule::any_service;
constexpr auto broke = Reason::no_credit;

BucketRule rule(std::uint16_t kind, std::uint16_t service, std::uint32_t numerator = 1,
                std::uint32_t denominator = 1) {
  BucketRule r;
  r.kind = kind;
  r.service = service;
  r.numerator = numerator;
  r.denominator = denominator;
  return r;
}

Bucket& of_kind(Bucket& bucket, std::uint16_t kind) {
  bucket.kind = kind;
  return bucket;
}

// One time pattern that changes at `edge`, and conditions 0: it is on, 1: it is not.
struct Timed {
  explicit Timed(Plan& plan, std::uint32_t edge, bool on_before) : edges{edge} {
    pattern = TimePattern{edges, 1, on_before};
    conditions[0] = Condition{Attribute::time, false, 1, 0};
    conditions[1] = Condition{Attribute::time, true, 1, 0};
    plan.times = &pattern;
    plan.values = values;
    plan.conditions = conditions;
  }
  static BucketRule rule_when(BucketRule r, std::uint32_t condition) {
    r.condition_count = 1;
    r.first_condition = condition;
    r.by_time = true;
    return r;
  }
  std::uint32_t edges[1];
  std::uint64_t values[1] = {0};
  TimePattern pattern;
  Condition conditions[2];
};

// Octets in group 1, events in group 2, seconds in group 3, each a micro per unit.
std::unique_ptr<Plan> three_services() {
  return plan_of({{1, service_of(Unit::octets, price_per(1, 1), 100)},
                  {2, service_of(Unit::events, price_per(1, 1), 1)},
                  {3, service_of(Unit::seconds, price_per(1, 1), 60)}});
}

TEST(Payers, RankComesBeforeTheEndWithinAPriority) {
  Scene scene(three_services());
  const auto bucket = [&](std::int8_t rank, std::uint32_t ends_in) {
    Bucket& b = scene.units(Unit::octets, 10);
    b.rank = rank;
    b.ends_at = static_cast<std::uint32_t>(scene.now + ends_in);
  };
  bucket(1, 100), bucket(0, 300), bucket(-1, 400), bucket(0, 200);
  scene.initial(35);
  EXPECT_EQ(scene.buckets[2].reserved, 10);
  EXPECT_EQ(scene.buckets[3].reserved, 10);
  EXPECT_EQ(scene.buckets[1].reserved, 10);
  EXPECT_EQ(scene.buckets[0].reserved, 5);
  scene.terminate(0);
  scene.buckets[0].priority = 1;  // before any rank
  scene.initial(10, 1);
  EXPECT_EQ(scene.buckets[0].reserved, 10);
}

TEST(Payers, AKindWithRulesPaysForTheirServicesAlone) {
  Scene scene(plan_of({{1, data_a()}, {2, data_a()}}));
  of_kind(scene.units(Unit::octets, 2 * step_a), kind_a);
  of_kind(scene.units(Unit::octets, step_a), kind_b);  // no rules: for everything of its unit
  scene.money(500'000, true);
  scene.rules({rule(kind_a, 1)});
  EXPECT_EQ(scene.send(0, RequestType::initial, {{1, step_a}}).mscc[0].granted, step_a);
  EXPECT_EQ(scene.buckets[0].reserved, 0);
  EXPECT_EQ(scene.buckets[1].reserved, step_a);
  scene.send(1, RequestType::initial, {{2, 2 * step_a}});
  EXPECT_EQ(scene.buckets[0].reserved, 2 * step_a);
  scene.send(0, RequestType::termination, {{1, absent, 2 * step_a}});
  EXPECT_EQ(scene.buckets[1].spent, step_a);
  EXPECT_EQ(scene.buckets[2].spent, 250'000);
}

TEST(Payers, ARuleOfNothingAndOneOfAnotherUnit) {
  Scene scene(three_services());
  of_kind(scene.units(Unit::octets, 100), kind_a);
  of_kind(scene.units(Unit::seconds, 100), kind_b);
  scene.rules({rule(kind_a, any_service, 0), rule(kind_b, any_service)});
  EXPECT_EQ(scene.initial(10).reason, broke);
  EXPECT_EQ(scene.send(1, RequestType::initial, {{3, 10}}).mscc[0].granted, 10);
  EXPECT_EQ(scene.buckets[1].reserved, 10);
}

TEST(Payers, OneBundleForSmsAndVoiceAndData) {
  Scene scene(three_services());
  of_kind(scene.units(Unit::events, 10), kind_a);
  scene.rules({rule(kind_a, 0, 1, 1'000), rule(kind_a, 1), rule(kind_a, 2, 1, 50)});
  scene.send(0, RequestType::initial, {{3, 60}});  // voice at 0.02
  EXPECT_EQ(scene.reserved(), 2);
  scene.send(0, RequestType::update, {{3, 60, 60}});
  EXPECT_EQ(scene.buckets[0].spent, 2);
  EXPECT_EQ(scene.group(0, 3).bucket_ahead, 40);  // seconds of the second event
  EXPECT_EQ(scene.reserved(), 1);
  scene.send(0, RequestType::termination, {{3, absent, 41}});
  EXPECT_EQ(scene.buckets[0].spent, 3);
  scene.send(1, RequestType::initial, {{2, 1}});
  scene.send(1, RequestType::termination, {{2, absent, 1}});
  EXPECT_EQ(scene.buckets[0].spent, 4);
  const MsccOutcome& data = scene.send(2, RequestType::initial, {{1, 5'500}}).mscc[0];
  EXPECT_EQ(data.granted, 5'500);
  EXPECT_FALSE(final(data));  // 500 octets are paid beyond it
  EXPECT_EQ(scene.reserved(), 6);
  const MsccOutcome& last = scene.send(2, RequestType::update, {{1, 5'500, 5'500}}).mscc[0];
  EXPECT_EQ(last.granted, 500);
  EXPECT_TRUE(final(last));
  EXPECT_EQ(scene.buckets[0].free(), 0);
}

TEST(Payers, WhatBuysNoWholeUnitIsNotTaken) {
  Scene scene(three_services());
  Bucket& bucket = of_kind(scene.units(Unit::events, 8), kind_a);
  scene.rules({rule(kind_a, 0, 3, 1)});
  const MsccOutcome& o = scene.initial(10);
  EXPECT_EQ(o.granted, 2);
  EXPECT_TRUE(final(o));
  EXPECT_EQ(bucket.reserved, 6);
  scene.update(10, 1);
  EXPECT_EQ(bucket.spent, 6);
  bucket.step = 4;
  bucket.credits = 16;  // 10 are free, 8 in whole steps: 2 units, which cost 6
  EXPECT_EQ(scene.initial(10, 1).granted, 2);
  EXPECT_EQ(bucket.reserved, 8);
}

TEST(Payers, TheShareIsOfServiceUnitsAndNeverForbidsTheFirst) {
  Scene scene(three_services());
  scene.plan->services[0].low_credit_permille = 500;
  Bucket& bucket = of_kind(scene.units(Unit::events, 10), kind_a);
  scene.rules({rule(kind_a, 0, 2, 5)});
  EXPECT_EQ(scene.initial(100).granted, 12);  // of 25
  EXPECT_EQ(bucket.reserved, 5);
  scene.terminate(0);
  bucket.credits = 2;  // 5 units; half of them are less than one step buys
  bucket.step = 2;
  EXPECT_EQ(scene.initial(100, 1).granted, 5);
}

TEST(Payers, LargestWeightsStayInTheirBounds) {
  Scene scene(three_services());
  Bucket& bucket = of_kind(scene.units(Unit::events, bucket_sum_max, UINT32_MAX), kind_a);
  scene.rules({rule(kind_a, 0, 1, UINT32_MAX), rule(kind_a, 2, UINT32_MAX, 1)});
  EXPECT_EQ(scene.initial(limits::units_max).granted, limits::units_max);
  EXPECT_EQ(bucket.reserved, UINT32_MAX);
  scene.terminate(limits::units_max);
  EXPECT_EQ(bucket.spent, UINT32_MAX);
  EXPECT_FALSE(scene.result.overflow);
  const std::int64_t units =
      scene.send(1, RequestType::initial, {{3, limits::units_max}}).mscc[0].granted;
  EXPECT_EQ(units, (bucket_sum_max - std::int64_t{UINT32_MAX}) / UINT32_MAX);
  EXPECT_GE(bucket.free(), 0);
}

TEST(Payers, ConditionsOfTheMessageChooseAndTheOwnReservationPaysAllTheSame) {
  Scene scene(three_services());
  const auto edge = static_cast<std::uint32_t>(scene.now + 100);
  const Timed timed(*scene.plan, edge, true);
  Bucket& early = of_kind(scene.units(Unit::octets, 50), kind_a);
  Bucket& wallet = scene.money(1'000, true);
  scene.rules({Timed::rule_when(rule(kind_a, any_service), 0)});
  scene.initial(30);
  EXPECT_EQ(early.reserved, 30);
  scene.now += 200;
  scene.update(40, 5);  // 30 of them were reserved; the bucket's other 20 are out of time
  EXPECT_EQ(early.spent, 30);
  EXPECT_EQ(wallet.spent, 10);
  EXPECT_EQ(early.reserved, 0);
  EXPECT_EQ(wallet.reserved, 5);
}

TEST(Payers, GrantsEndWhereARuleOfAUsableBucketChanges) {
  Scene scene(three_services());
  const auto edge = static_cast<std::uint32_t>(scene.now + 100);
  const Timed timed(*scene.plan, edge, false);
  scene.plan->services[0].by_time = true;  // as compile sets it for rules too
  scene.money(1'000, true);
  scene.rules({Timed::rule_when(rule(kind_a, 0), 0)});
  EXPECT_EQ(scene.initial(30).validity, 0u);  // the account has no such bucket
  Bucket& later = of_kind(scene.units(Unit::octets, 50), kind_a);
  EXPECT_EQ(scene.update(0, 30).validity, 100u);  // not yet paid by it, but from then on
  EXPECT_EQ(later.reserved, 0);
  scene.plan->boundary_spread = 7;
  const std::uint32_t spread = scene.update(0, 30).validity;
  EXPECT_TRUE(spread >= 100 && spread < 107) << spread;
  scene.now += 100;
  EXPECT_EQ(scene.update(0, 30).validity, 0u);
  EXPECT_EQ(later.reserved, 30);
  later.ends_at = static_cast<std::uint32_t>(scene.now);
  scene.now -= 100;
  later.starts_at = static_cast<std::uint32_t>(scene.now + 50);
  EXPECT_EQ(scene.update(0, 30).validity, 0u);
}

// V-69: a fee of 0.4 and 0.2 per started minute; one purse for the morning, one for the rest.
TEST(Vectors, V69PursesValidByHour) {
  Service call = voice_a();
  call.price = price_per(200'000, 60);
  call.price.connect_fee = 400'000;
  for (const bool morning : {false, true}) {
    Scene scene(plan_of({{1, call}}));
    const auto noon = static_cast<std::uint32_t>(scene.now);
    const Timed timed(*scene.plan, noon, true);
    of_kind(scene.money(10'000'000), kind_a);
    of_kind(scene.money(10'000'000), kind_b);
    scene.money(0, true);
    scene.rules({Timed::rule_when(rule(kind_a, any_service), 0),
                 Timed::rule_when(rule(kind_b, any_service), 1)});
    scene.now += morning ? -3'593 : 3 * 3'600 + 7;  // 11:00:07, 15:00:07
    EXPECT_EQ(scene.initial(60).granted, 60);
    scene.terminate(58);
    EXPECT_EQ(scene.buckets[0].free(), morning ? 9'400'000 : 10'000'000);
    EXPECT_EQ(scene.buckets[1].free(), morning ? 10'000'000 : 9'400'000);
    EXPECT_EQ(scene.buckets[2].free(), 0);
  }
}

TEST(Payers, AMainWalletIsNeverRestricted) {
  Scene scene(three_services());
  of_kind(scene.money(100, true), kind_a);
  scene.rules({rule(kind_a, any_service, 0)});
  EXPECT_EQ(scene.initial(10).granted, 10);
  scene.terminate(120);
  EXPECT_EQ(scene.balance(), -20);
}

TEST(Payers, EventsTakeFromABundleAndCheckIt) {
  Scene scene(three_services());
  Bucket& bucket = of_kind(scene.units(Unit::events, 3), kind_a);
  scene.rules({rule(kind_a, 1, 3, 2)});
  scene.action = RequestedAction::check_balance;
  scene.send(0, RequestType::event, {{2, 2}});
  EXPECT_TRUE(scene.event.enough);
  scene.send(0, RequestType::event, {{2, 3}});
  EXPECT_FALSE(scene.event.enough);
  scene.action = RequestedAction::direct_debiting;
  EXPECT_EQ(scene.send(0, RequestType::event, {{2, 2}}).mscc[0].granted, 2);
  EXPECT_EQ(bucket.free(), 0);
}

// ---- buckets of one subscriber -----------------------------------------------------------------

TEST(Payers, OwnBucketsPayForTheirSubscriberAlone) {
  Scene scene(plan_of({{1, service_of(Unit::octets, price_per(1, 1), 100)}}));
  scene.units(Unit::octets, 40).owner = 7;
  scene.units(Unit::octets, 30);
  scene.money(0, true);
  scene.user = 8;
  EXPECT_EQ(scene.initial(100).granted, 30);
  scene.terminate(10);
  EXPECT_EQ(scene.buckets[0].free(), 40);
  scene.user = 7;
  EXPECT_EQ(scene.initial(100, 1).granted, 60);
  scene.user = none;  // a request that no subscriber is known of
  EXPECT_EQ(scene.initial(100, 2).granted, 0);
  scene.user = 7;
  scene.terminate(60, 1);
  EXPECT_EQ(scene.buckets[0].free(), 0);
  EXPECT_EQ(scene.buckets[1].free(), 0);
}

TEST(Payers, PriorityDecidesWhetherTheOwnBucketComesFirst) {
  for (const std::int16_t priority : {std::int16_t{-1}, std::int16_t{1}}) {
    Scene scene(plan_of({{1, service_of(Unit::octets, price_per(1, 1), 100)}}));
    scene.units(Unit::octets, 40);
    Bucket& own = scene.units(Unit::octets, 40);
    own.owner = 7;
    own.priority = priority;
    scene.user = 7;
    scene.initial(10);
    scene.terminate(10);
    EXPECT_EQ(own.free(), priority > 0 ? 30 : 40);
  }
}

TEST(Payers, AnOwnWalletOwesWhatTheGroupsCannotPay) {
  for (const bool own_first : {false, true}) {  // the order in the account does not matter
    Scene scene(plan_of({{1, service_of(Unit::octets, price_per(1, 1), 100)}}));
    scene.money(30, true).owner = own_first ? 7 : none;
    scene.money(30, true).owner = own_first ? none : 7;
    Bucket& own = scene.buckets[own_first ? 0 : 1];
    Bucket& group = scene.buckets[own_first ? 1 : 0];
    own.credits = 5;
    scene.credit_limit = 20;
    scene.user = 7;
    EXPECT_EQ(scene.initial(100).granted, 55);  // the limit is that of the wallet that owes
    EXPECT_EQ(group.reserved, 30);
    EXPECT_EQ(own.reserved, 25);
    scene.terminate(60);
    EXPECT_EQ(group.free(), 0);
    EXPECT_EQ(own.free(), -25);
    scene.user = 8;  // of another subscriber the group's wallet owes
    EXPECT_EQ(scene.initial(100, 1).granted, 20);
    scene.terminate(20, 1);
    EXPECT_EQ(group.free(), -20);
    EXPECT_EQ(own.free(), -25);
  }
}

TEST(Payers, ABalanceEnquiryCountsTheOwnBuckets) {
  Scene scene(plan_of({{1, service_of(Unit::octets, price_per(1, 1), 100)}}));
  scene.money(10, true);
  scene.money(10, true).owner = 7;
  scene.action = RequestedAction::check_balance;
  scene.user = 8;
  scene.send(0, RequestType::event, {{1, 20}});
  EXPECT_FALSE(scene.event.enough);
  scene.user = 7;
  scene.send(0, RequestType::event, {{1, 20}});
  EXPECT_TRUE(scene.event.enough);
}

}  // namespace
}  // namespace levy::rating
