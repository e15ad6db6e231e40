// Rules of semantics.md "Units and grants" that no vector covers, and every limit's edge.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "rating/debit.hpp"
#include "tests/unit/rating/scene.hpp"

namespace levy::rating {
namespace {

constexpr std::int64_t q = 250'000;
constexpr auto ok = Reason::ok;
constexpr auto broke = Reason::no_credit;

TEST(Rules, ARemainderAlreadyPaidIsGrantedWithoutMoney) {
  Scene scene(data_a(), q);
  scene.initial(step_a);
  const MsccOutcome& o = scene.update(1'000'000, 400'000);
  EXPECT_EQ(o.reason, ok);
  EXPECT_EQ(o.granted, 500'000);
  EXPECT_TRUE(final(o));
  EXPECT_EQ(scene.reserved(), 0);
}

TEST(Rules, ARemainderInDebtIsNotGrantedUntilTheTopUp) {
  Scene scene(data_a(), q);
  scene.initial(step_a);
  EXPECT_EQ(scene.update(1'600'000, 0).reason, broke);
  scene.buckets[0].credits += q;  // the debt is paid, and with it the remainder
  const MsccOutcome& o = scene.update(0, 0);
  EXPECT_EQ(o.granted, 1'400'000);
  EXPECT_TRUE(final(o));
}

TEST(Rules, AWrittenOffRemainderIsNeverGrantedAlone) {
  Scene scene(data_a(), q);
  scene.plan->overrun = Overrun::write_off;
  scene.initial(step_a);
  EXPECT_EQ(scene.update(1'600'000, 0).reason, broke);
  EXPECT_EQ(scene.update(0, 0).reason, broke);
  scene.buckets[0].credits += q;
  const MsccOutcome& o = scene.update(0, 0);
  EXPECT_EQ(o.granted, 1'400'000 + step_a);
  EXPECT_TRUE(final(o));
  EXPECT_EQ(scene.reserved(), q);
}

TEST(Rules, TwoGroupsOnTheLastEuro) {
  Scene scene(plan_of({{1, data_a()}, {2, data_a()}}));
  scene.money(q, true);
  const ChargeResult& result = scene.send(0, RequestType::initial, {{1, 0}, {2, 0}});
  EXPECT_EQ(result.mscc[0].granted, step_a);
  EXPECT_TRUE(final(result.mscc[0]));
  EXPECT_EQ(result.mscc[1].reason, broke);
  // All old reservations are released before any grant: message order decides again.
  const ChargeResult& swapped = scene.send(0, RequestType::update, {{2, 0, 0}, {1, 0, 0}});
  EXPECT_EQ(swapped.mscc[0].granted, step_a);
  EXPECT_EQ(swapped.mscc[1].reason, broke);
}

TEST(Rules, LowCreditShareLeavesCreditForTheSecondGroup) {
  Service half = data_a();
  half.low_credit_permille = 500;
  Scene scene(plan_of({{1, half}, {2, half}}));
  scene.money(4 * q, true);
  const ChargeResult& result =
      scene.send(0, RequestType::initial, {{1, 10 * step_a}, {2, 10 * step_a}});
  EXPECT_EQ(result.mscc[0].granted, 2 * step_a);
  EXPECT_FALSE(final(result.mscc[0]));
  EXPECT_EQ(result.mscc[1].granted, step_a);
  Scene last(half, q);  // the share never forbids the first step
  EXPECT_EQ(last.initial(0).granted, step_a);
  Scene bucket(half, 0);
  bucket.units(Unit::octets, 1'000);
  EXPECT_EQ(bucket.initial(900).granted, 500);
  EXPECT_FALSE(final(bucket.result.mscc[0]));
}

TEST(Rules, RequestedUnitAbsentDebitsAndReleases) {
  Scene scene(data_a(), 4 * q);
  scene.initial(step_a);
  const MsccOutcome o = scene.update(1'000, absent);
  EXPECT_EQ(o.reason, ok);
  EXPECT_FALSE(granted(o));
  EXPECT_EQ(scene.reserved(), 0);
  EXPECT_EQ(scene.balance(), 3 * q);
}

TEST(Rules, ImplicitRequestByDialectAndReason) {
  Scene scene(data_a(), 100 * q);
  scene.implicit_rsu = true;
  const auto report = [&](std::uint16_t reasons, std::int64_t requested) {
    return granted(scene.send(0, RequestType::update, {{1, requested, 10, reasons}}).mscc[0]);
  };
  for (const std::uint16_t reason : {reason_threshold, reason_quota_exhausted, reason_validity_time,
                                     reason_rating_condition_change, reason_forced_reauthorisation})
    EXPECT_TRUE(report(reason, absent)) << reason;
  EXPECT_FALSE(report(0, absent));
  EXPECT_FALSE(report(reason_pool_exhausted, absent));
  EXPECT_FALSE(report(reason_final, 0));
  EXPECT_FALSE(report(reason_qht, step_a));
  EXPECT_FALSE(report(reason_threshold | reason_final, absent));
  scene.implicit_rsu = false;
  EXPECT_FALSE(report(reason_threshold, absent));
}

TEST(Rules, OnlyThePricedUnitIsCharged) {
  Scene scene(data_a(), 4 * q);
  scene.initial(0);
  scene.request.type = RequestType::update;
  MsccRequest& mscc = scene.request.mscc[0];
  mscc.has_used = mscc.has_requested = true;
  mscc.used.has_seconds = mscc.used.has_events = true;  // no octets: counts 0
  mscc.used.seconds = mscc.used.events = 1'000'000'000;
  mscc.requested.has_seconds = true;
  mscc.requested.seconds = 7;  // a number of another unit only: the default size
  AccountView account = scene.view();
  charge(scene.input, account, scene.result);
  EXPECT_EQ(scene.result.mscc[0].used, 0);
  EXPECT_EQ(scene.result.mscc[0].granted, step_a);
  mscc.used.has_octets = true;
  mscc.used.octets = 1;
  charge(scene.input, account, scene.result);
  EXPECT_EQ(scene.result.mscc[0].charged, q);
}

TEST(Rules, SixteenGroupsAreOneEffect) {
  std::vector<std::pair<std::uint32_t, Service>> services;
  std::vector<Row> rows;
  for (std::uint32_t rg = 1; rg <= limits::mscc_max; ++rg) {
    services.push_back({rg, data_a()});
    rows.push_back({rg, 0});
  }
  Scene scene(plan_of(services));
  scene.money(10 * q, true);
  scene.send(0, RequestType::initial, rows);
  for (std::size_t i = 0; i < limits::mscc_max; ++i)
    EXPECT_EQ(scene.result.mscc[i].reason, i < 10 ? ok : broke) << i;
  EXPECT_TRUE(final(scene.result.mscc[9]));
  for (Row& row : rows) row.used = step_a;  // six of them have no grant: debt
  scene.send(0, RequestType::update, rows);
  for (std::size_t i = 0; i < limits::mscc_max; ++i) EXPECT_EQ(scene.result.mscc[i].reason, broke);
  EXPECT_EQ(scene.balance(), -6 * q);
}

TEST(Rules, GrantSizes) {
  Service service = service_of(Unit::octets, price_per(1, 1), 1'000);
  service.grant_first = 300;
  service.grant_min = 200;
  service.grant_max = 5'000;
  Scene scene(service, 1'000'000);
  EXPECT_EQ(scene.initial(0).granted, 300);
  EXPECT_EQ(scene.update(0, 0).granted, 1'000);
  EXPECT_EQ(scene.update(0, 1).granted, 200);
  EXPECT_EQ(scene.update(0, 6'000).granted, 5'000);
  EXPECT_EQ(scene.update(absent, 0, 1).granted, 300);  // a group never granted before
}

TEST(Rules, GrantMaxHoldsAgainstTheBoundary) {
  Service service = voice_a();
  service.grant_max = 90;
  Scene scene(service, 100 * q);
  EXPECT_EQ(scene.initial(90).granted, 60);  // 120 would be the next boundary
  EXPECT_EQ(scene.update(50, 90).granted, 70);
}

TEST(Rules, Thresholds) {
  Service service = service_of(Unit::octets, price_per(1, 1), 1'000);
  service.threshold_permille = 200;
  service.validity = 3'600;
  service.quota_holding_time = 120;
  Scene scene(service, 1'200);
  EXPECT_EQ(scene.initial(0).threshold, 200u);
  EXPECT_EQ(scene.result.mscc[0].validity, 3'600u);
  EXPECT_EQ(scene.result.mscc[0].quota_holding_time, 120);
  scene.plan->services[0].threshold_units = 150;
  EXPECT_EQ(scene.update(0, 0).threshold, 150u);
  scene.plan->services[0].threshold_permille = 0;
  EXPECT_EQ(scene.update(0, 100).threshold, 0u);  // not below the grant: not sent
  const MsccOutcome& last = scene.update(500, 0);
  EXPECT_TRUE(final(last));
  EXPECT_EQ(last.threshold, 0u);
}

TEST(Rules, ALateReportDebitsAndRepeatsTheStandingGrant) {
  Service service = data_a();
  service.validity = 77;
  Scene scene(service, 2 * q);
  scene.initial(0);
  scene.update(step_a, 0);  // final, 0.25 reserved
  scene.grant_allowed = false;
  scene.number = 0;
  const MsccOutcome& o = scene.update(0, 3 * step_a);
  EXPECT_EQ(o.reason, ok);
  EXPECT_EQ(o.granted, step_a);
  EXPECT_EQ(o.validity, 77u);
  EXPECT_TRUE(final(o));
  EXPECT_EQ(scene.reserved(), q);
  EXPECT_EQ(scene.group(0, 1).set_by_number, 1u);
  scene.update(10, 0);  // debited from the free credit: the standing grant stays reserved
  EXPECT_EQ(scene.reserved(), q);
  EXPECT_EQ(scene.balance(), -q);
}

TEST(Rules, DeniedAndRefusedStillDebit) {
  for (const int kind : {0, 1, 2}) {
    Scene scene(data_a(), 4 * q);
    scene.initial(0);
    scene.barred = kind == 0;
    scene.plan->services[0].barred = kind == 1;
    scene.plan->services[0].refused = kind == 2;
    const MsccOutcome& o = scene.update(step_a, 0);
    EXPECT_EQ(o.reason, kind == 2 ? Reason::refused : Reason::denied);
    EXPECT_FALSE(granted(o));
    EXPECT_EQ(o.charged, q);
    EXPECT_EQ(scene.reserved(), 0);
    EXPECT_EQ(scene.balance(), 3 * q);
    EXPECT_EQ(scene.terminate(0).reason, ok);
  }
}

TEST(Rules, DirectionsCountByTheirShare) {
  Service service = data_a();
  service.up_permille = 333;
  UnitAmounts used;
  used.has_octets = used.has_directions = true;
  used.octets_up = 100;
  used.octets_down = 50;
  used.octets = 150;
  EXPECT_EQ(used_units(used, service), 84);  // 33.3 + 50, up
  service.down_permille = 0;
  service.up_permille = 1000;
  EXPECT_EQ(used_units(used, service), 100);
  used.has_directions = false;
  EXPECT_EQ(used_units(used, service), 150);
  service.unit = Unit::seconds;
  EXPECT_EQ(used_units(used, service), 0);
}

TEST(Rules, TheDeniedAreToldWhenToAskAgain) {
  Service service = data_a();
  service.retry_after = 300;
  service.validity = 60;
  Scene scene(service, q);
  EXPECT_EQ(scene.initial(0).validity, 60u);
  const MsccOutcome& empty = scene.update(step_a, 0);
  EXPECT_EQ(empty.reason, Reason::no_credit);
  EXPECT_EQ(empty.validity, 300u);
  EXPECT_EQ(empty.flags, outcome_retry);
  scene.barred = true;
  const MsccOutcome& denied = scene.update(0, 0);
  EXPECT_EQ(denied.reason, Reason::denied);
  EXPECT_EQ(denied.validity, 300u);
  EXPECT_EQ(scene.terminate(0).validity, 0u);
}

TEST(Rules, UnmatchedGroups) {
  Scene scene(data_a(), 4 * q);
  const auto report = [&] { return scene.send(0, RequestType::update, {{9, 0, 500}}).mscc[0]; };
  EXPECT_EQ(report().reason, Reason::rating_failed);
  EXPECT_EQ(report().unrated, 500);
  scene.plan->unmatched = Unmatched::denied_4010;
  EXPECT_EQ(report().reason, Reason::denied);
  scene.plan->unmatched = Unmatched::rate_as;
  scene.plan->entries[scene.plan->entry_count++] = {0, 0, Takes::any};
  EXPECT_EQ(report().granted, 2 * step_a - 500);  // the started step's remainder and one more
  EXPECT_EQ(scene.balance(), 2 * q);
}

TEST(Rules, ZeroRatedAndUnpriced) {
  Service zero = data_a();
  zero.price = Price{};
  zero.price.free = true;
  zero.grant_max = 50'000'000;
  Scene free(zero, 0);
  Bucket& untouched = free.units(Unit::octets, 1'000);
  EXPECT_EQ(free.initial(10).granted, 50'000'000);
  EXPECT_FALSE(final(free.result.mscc[0]));
  free.update(9'000'000, 0);
  EXPECT_EQ(untouched.free(), 1'000);
  EXPECT_EQ(free.group(0, 1).used_total, 9'000'000);

  Service unpriced = data_a();
  unpriced.price = Price{};
  unpriced.price.none = true;
  Scene bundle(unpriced, 100 * q);
  bundle.units(Unit::octets, 1'000);
  EXPECT_EQ(bundle.initial(0).granted, 1'000);
  const MsccOutcome& over = bundle.update(1'300, 0);
  EXPECT_EQ(over.unrated, 300);
  EXPECT_EQ(over.charged, 0);
  EXPECT_EQ(over.reason, broke);
  EXPECT_EQ(bundle.balance(), 100 * q);
}

TEST(Rules, BucketStepIsPaidAheadAndMoneyFollows) {
  // V-65 without its fee: 40 s in steps of 20, then 0.10 per second.
  const Service call = service_of(Unit::seconds, price_per(100'000, 1), 60);
  Scene five(call, 1'000'000);
  Bucket& minutes = five.units(Unit::seconds, 40, 20);
  EXPECT_EQ(five.initial(5).granted, 5);
  five.update(5, 10);
  EXPECT_EQ(minutes.credits - minutes.spent, 20);
  EXPECT_EQ(five.group(0, 1).bucket_ahead, 15);
  EXPECT_EQ(five.result.mscc[0].granted, 10);
  EXPECT_EQ(minutes.reserved, 0);
  Scene sixty(call, 900'000);
  sixty.units(Unit::seconds, 50, 20);  // the last 10 are less than a step
  EXPECT_EQ(sixty.initial(60).granted, 49);
  EXPECT_TRUE(final(sixty.result.mscc[0]));
  Scene whole(call, 900'000);
  whole.units(Unit::seconds, 40, 20);
  whole.plan->services[0].indivisible = true;
  EXPECT_EQ(whole.initial(100).reason, broke);
  EXPECT_EQ(whole.reserved(), 0);
}

TEST(Rules, OrderOfUse) {
  Scene scene(plan_of({{1, service_of(Unit::octets, price_per(1, 1), 100)}}));
  scene.money(1'000, true, 100);  // the main wallet is last in spite of its priority
  scene.money(10);
  scene.money(10).ends_at = static_cast<std::uint32_t>(scene.now + 50);
  scene.money(10).ends_at = static_cast<std::uint32_t>(scene.now + 20);
  scene.money(10, false, 5);
  scene.money(10).starts_at = static_cast<std::uint32_t>(scene.now + 1);  // not yet
  scene.money(10).currency = 840;
  scene.update(45, absent);
  const std::int64_t expected[] = {5, 10, 10, 10, 10, 0, 0};
  for (std::size_t i = 0; i < std::size(expected); ++i)
    EXPECT_EQ(scene.buckets[i].spent, expected[i]) << i;
  ASSERT_EQ(scene.result.movement_count, 5u);
  const Slot order[] = {4, 3, 2, 1, 0};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(scene.result.movements[i].bucket, order[i]);
}

TEST(Rules, AGrantReservesFromFourBucketsAtMost) {
  Scene scene(plan_of({{1, service_of(Unit::octets, price_per(1, 1), 100)}}));
  for (int i = 0; i < 6; ++i) scene.money(10);
  scene.money(1'000, true);
  EXPECT_EQ(scene.initial(100).granted, 40);
  EXPECT_FALSE(final(scene.result.mscc[0]));
  scene.release(0);
  scene.plan->services[0].price = price_per(90, 1);  // four tens do not pay one step
  EXPECT_EQ(scene.initial(1, 1).granted, 1);
  EXPECT_EQ(scene.group(1, 1).reservations[3].bucket, 6u);
}

TEST(Rules, UsageIsRatedUnderThePlanOfItsGrant) {
  Scene scene(data_a(), 100 * q);
  scene.initial(0);
  const auto old = std::move(scene.plan);
  const Plan* plans[] = {nullptr, old.get()};
  const PlanSet set{1, plans, 2};
  scene.plan_sets = {&set};
  scene.plan = plan_of({{0, voice_a()}, {1, service_of(Unit::octets, price_per(1, 1), 10)}});
  scene.plan_version = 2;
  EXPECT_EQ(scene.update(step_a, 0).charged, q);
  EXPECT_EQ(scene.result.mscc[0].granted, 10);
  EXPECT_EQ(scene.group(0, 1).plan_version, 2);
  EXPECT_EQ(scene.group(0, 1).service, 1);
  EXPECT_EQ(scene.update(5, 0).charged, 5);
  scene.group(0, 1).plan_version = 9;  // a version that is gone: the plan now
  EXPECT_EQ(scene.update(5, 0).charged, 5);
}

TEST(Rules, ARepeatedKeyInOneMessageIsGrantedOnce) {
  Scene scene(data_a(), 8 * q);
  const ChargeResult& result = scene.send(0, RequestType::update, {{1, 0, 100}, {1, 0, 100}});
  EXPECT_TRUE(granted(result.mscc[0]));
  EXPECT_FALSE(granted(result.mscc[1]));
  EXPECT_EQ(scene.group(0, 1).used_total, 200);
}

TEST(Rules, ALateMessageWithoutASessionIsDebited) {
  Scene scene(data_a(), 8 * q);
  scene.initial(0);
  scene.release(0);
  scene.input.groups[0] = nullptr;
  scene.request.type = RequestType::update;
  scene.request.mscc[0].has_used = true;
  scene.request.mscc[0].used = amounts_of(Unit::octets, 100);
  AccountView account = scene.view();
  charge(scene.input, account, scene.result);
  EXPECT_EQ(scene.result.mscc[0].reason, Reason::unknown_session);
  EXPECT_EQ(scene.result.mscc[0].charged, q);
  EXPECT_EQ(scene.reserved(), 0);
}

TEST(Rules, ReservationsOfOthersAreNeverEaten) {
  Scene scene(plan_of({{1, data_a()}, {2, data_a()}}));
  scene.money(2 * q);
  scene.money(0, true);
  scene.send(0, RequestType::initial, {{1, 0}, {2, 0}});
  scene.send(0, RequestType::update, {{1, absent, 4 * step_a}});
  EXPECT_EQ(scene.buckets[0].reserved, q);  // group 2's
  EXPECT_EQ(scene.buckets[0].free(), 0);
  EXPECT_EQ(scene.buckets[1].free(), -3 * q);
}

TEST(Rules, SumsBeyondTheirBoundsOverflowInsteadOfWrapping) {
  Scene scene(service_of(Unit::seconds, price_per(1'000'000'000'000, 1), 1), 0);
  EXPECT_TRUE(scene.update(limits::units_max, 0).charged == 0);
  EXPECT_TRUE(scene.result.overflow);
  Scene many(service_of(Unit::octets, price_per(0, 1), 1), 0);
  many.group(0, 1).running_total = std::int64_t{1} << 62;
  many.update(1, 0);
  EXPECT_TRUE(many.result.overflow);
}

TEST(Rules, MoreMovementsThanFitIsOverflow) {
  std::vector<std::pair<std::uint32_t, Service>> services;
  std::vector<Row> rows;
  for (std::uint32_t rg = 1; rg <= limits::mscc_max; ++rg) {
    services.push_back({rg, service_of(Unit::octets, price_per(1, 1), 1)});
    rows.push_back({rg, absent, 100});
  }
  Scene scene(plan_of(services));
  for (int i = 0; i < 63; ++i) scene.money(1);
  scene.money(100'000, true);
  scene.result = ChargeResult{};
  scene.send(0, RequestType::update, rows);
  EXPECT_FALSE(scene.result.overflow);  // 63 + 16 spends fit
  ChargeResult& result = scene.result;
  result.movement_count = limits::movements_max - 1;
  AccountView account = scene.view();
  charge(scene.input, account, result);
  EXPECT_TRUE(result.overflow);
  EXPECT_EQ(result.movement_count, limits::movements_max);
}

}  // namespace
}  // namespace levy::rating
