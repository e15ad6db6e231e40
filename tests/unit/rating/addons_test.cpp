// Add-ons: their services are asked first; what may be owed stays the base plan's.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/rating/scene.hpp"

namespace levy::rating {
namespace {

constexpr std::uint16_t base_version = 1;

std::unique_ptr<Plan> addon_of(std::uint16_t id,
                               std::vector<std::pair<std::uint32_t, Service>> services) {
  auto plan = plan_of(std::move(services));
  plan->id = id;
  plan->terms.addon = true;
  return plan;
}

Service priced(std::int64_t micros) {
  return service_of(Unit::octets, price_per(micros, 1), 10);
}

Service free_service() {
  Service service = priced(0);
  service.price.free = true;
  service.grant_max = 1'000;
  return service;
}

// A version that holds the given plans, by their ids.
struct Version {
  Version(std::uint16_t version, std::vector<const Plan*> plans) : by_id(8, nullptr) {
    for (const Plan* plan : plans) by_id[plan->id] = plan;
    set.version = version;
    set.plans = by_id.data();
    set.plan_count = static_cast<std::uint32_t>(by_id.size());
  }
  std::vector<const Plan*> by_id;
  PlanSet set;
};

TEST(Addons, TheFirstThatHasAServiceIsAskedAndTheBasePlanLast) {
  Scene scene(plan_of({{1, priced(5)}, {2, priced(5)}, {3, priced(5)}}));
  scene.money(100'000, true);
  const auto high = addon_of(2, {{0, priced(1)}, {1, priced(3)}});
  const auto low = addon_of(3, {{1, priced(2)}, {2, priced(2)}});
  scene.addons = {{high.get(), nullptr, 4}, {low.get(), nullptr, 5}};
  const ChargeResult& r = scene.send(0, RequestType::initial, {{1, 10}, {2, 10}, {3, 10}});
  EXPECT_EQ(scene.reserved(), 30 + 20 + 50);
  EXPECT_EQ(r.mscc[0].plan, high.get());
  EXPECT_EQ(r.mscc[0].plan_version, 4);
  EXPECT_EQ(r.mscc[0].service, 1);
  EXPECT_EQ(r.mscc[1].plan, low.get());
  EXPECT_EQ(r.mscc[2].plan, scene.plan.get());
  EXPECT_EQ(scene.group(0, 1).plan, 2);
  EXPECT_EQ(scene.group(0, 1).plan_version, 4);
  EXPECT_EQ(scene.group(0, 1).service, 1);
  EXPECT_EQ(scene.group(0, 3).plan, 1);
}

TEST(Addons, OneWhoseRatesDoNotHoldLeavesTheUseToTheNext) {
  Scene scene(plan_of({{1, priced(5)}}));
  scene.money(100'000, true);
  Service abroad = priced(1);
  abroad.price = Price{};
  abroad.price.none = true;
  abroad.rate_count = 1;
  abroad.changes = change_plmn;
  const auto pass = addon_of(2, {{1, abroad}});
  Rate rate;
  rate.price = price_per(1, 1);
  rate.condition_count = 1;
  Condition condition{Attribute::role, false, 1, 0};
  const std::uint64_t originating = 0;
  pass->rates = &rate;
  pass->conditions = &condition;
  pass->values = &originating;
  scene.addons = {{pass.get(), nullptr, 1}};
  const MsccOutcome& home = scene.send(0, RequestType::initial, {{1, 10}}).mscc[0];
  EXPECT_EQ(home.plan, scene.plan.get());
  EXPECT_EQ(home.changes, change_plmn);  // the gateway says when the pass could take over
  EXPECT_EQ(scene.reserved(), 50);
}

TEST(Addons, AZeroRatingOneLeavesMoneyAndBucketsAlone) {
  Scene scene(plan_of({{1, priced(5)}, {2, priced(5)}}));
  scene.units(Unit::octets, 50);
  scene.money(100, true);
  const auto social = addon_of(2, {{2, free_service()}});
  scene.addons = {{social.get(), nullptr, 1}};
  const MsccOutcome& o = scene.send(0, RequestType::initial, {{2, 10}}).mscc[0];
  EXPECT_EQ(o.granted, 1'000);
  EXPECT_FALSE(final(o));
  scene.send(0, RequestType::termination, {{2, absent, 900}});
  EXPECT_EQ(scene.buckets[0].spent + scene.buckets[1].spent, 0);
  EXPECT_EQ(scene.result.mscc[0].rated_by.plan_version, 1);
}

TEST(Addons, UsageIsRatedByTheGrantAlsoAfterTheAddonHasEnded) {
  Scene scene(plan_of({{1, priced(5)}}));
  scene.money(1'000, true);
  const auto addon = addon_of(2, {{1, priced(2)}});
  const Version version(base_version, {scene.plan.get(), addon.get()});
  scene.plan_sets = {&version.set};
  scene.addons = {{addon.get(), nullptr, base_version}};
  scene.initial(10);
  scene.addons.clear();
  const MsccOutcome& o = scene.update(10, 10);
  EXPECT_EQ(o.charged, 20);
  EXPECT_EQ(scene.reserved(), 50);  // the new grant is the base plan's
  EXPECT_EQ(o.plan, scene.plan.get());
  EXPECT_EQ(scene.terminate(10).charged, 50);
}

TEST(Addons, CreditLimitAndOverrunAreTheBasePlans) {
  Scene scene(plan_of({{1, priced(5)}}));
  scene.plan->credit_limit = 30;
  scene.plan->overrun = Overrun::write_off;
  scene.money(0, true);
  const auto addon = addon_of(2, {{1, priced(2)}});
  addon->credit_limit = 1'000'000;
  addon->overrun = Overrun::debt;
  scene.addons = {{addon.get(), nullptr, 1}};
  const MsccOutcome& o = scene.initial(100);
  EXPECT_EQ(o.granted, 15);
  EXPECT_TRUE(final(o));
  scene.terminate(40);
  EXPECT_EQ(scene.balance(), -30);
  EXPECT_EQ(scene.result.mscc[0].unpaid, 50);
}

TEST(Addons, ALostSessionOwesWhatTheBasePlanAllows) {
  Service lost = priced(2);
  lost.on_lost = OnLost::charge_units;
  lost.lost_units = 100;
  const auto addon = addon_of(2, {{1, lost}});
  Scene scene(plan_of({{1, priced(5)}}));
  scene.plan->overrun = Overrun::write_off;
  scene.money(50, true);
  scene.addons = {{addon.get(), nullptr, 1}};
  scene.initial(10);
  const std::vector<Bucket> before(scene.buckets.begin(), scene.buckets.end());
  scene.result = ChargeResult{};
  AccountView account = scene.view();
  MsccOutcome outcome;
  settle_lost_group(scene.group(0, 1), *addon, *scene.plan, account, Time::from_seconds(scene.now),
                    outcome, scene.result);
  scene.verify(before);
  EXPECT_EQ(scene.balance(), 0);
  EXPECT_EQ(outcome.charged, 200);
  EXPECT_EQ(outcome.unpaid, 150);
  EXPECT_EQ(outcome.plan, addon.get());
}

TEST(Addons, WhatNobodyHasFollowsTheBasePlan) {
  Scene scene(plan_of({{1, priced(5)}}));
  scene.plan->unmatched = Unmatched::denied_4010;
  scene.money(100, true);
  const auto addon = addon_of(2, {{2, priced(1)}});
  scene.addons = {{addon.get(), nullptr, 1}};
  EXPECT_EQ(scene.send(0, RequestType::initial, {{9, 10}}).mscc[0].reason, Reason::denied);
  EXPECT_EQ(scene.result.mscc[0].plan, nullptr);
  EXPECT_FALSE(has_service(scene.input, scene.request.mscc[0]));
  scene.send(1, RequestType::initial, {{2, 10}});
  EXPECT_TRUE(has_service(scene.input, scene.request.mscc[0]));
}

TEST(Addons, AGroupThatIsCountedByAnotherUnitStartsItsTotalsAnew) {
  Scene scene(plan_of({{1, priced(1)}}));
  scene.units(Unit::octets, 100, 100);
  scene.units(Unit::seconds, 60);
  scene.money(1'000, true);
  const auto addon = addon_of(2, {{1, voice_a()}});
  const Version version(base_version, {scene.plan.get(), addon.get()});
  scene.plan_sets = {&version.set};
  scene.initial(10);
  scene.addons = {{addon.get(), nullptr, base_version}};
  scene.send(0, RequestType::update, {{1, 60, 10, 0, Unit::octets}});
  EXPECT_EQ(scene.buckets[0].spent, 100);
  EXPECT_EQ(scene.group(0, 1).bucket_ahead, 0);  // 90 octets are no 90 seconds
}

TEST(Addons, ConcernsWhatItsServicesOrItsAllowancesWouldTake) {
  Service barred = priced(1);
  barred.barred = true;
  Scene scene(plan_of({{1, priced(5)}, {2, voice_a()}, {3, free_service()}, {4, barred}}));
  scene.money(1'000, true);
  const auto product = addon_of(2, {{7, priced(1)}});
  Allowance allowance;
  allowance.unit = Unit::octets;
  allowance.kind = 40;
  allowance.amount = 10;
  product->terms.allowances = &allowance;
  product->terms.allowance_count = 1;
  const auto concerned = [&](std::uint32_t rating_group) {
    scene.send(0, RequestType::initial, {{rating_group, 10}});
    return concerns(scene.input, scene.request.mscc[0], *product);
  };
  EXPECT_TRUE(concerned(1));
  EXPECT_FALSE(concerned(2));
  EXPECT_FALSE(concerned(3));  // free: no bucket is touched
  EXPECT_FALSE(concerned(4));
  EXPECT_TRUE(concerned(7));  // it prices it
  EXPECT_FALSE(concerned(9));
  BucketRule of_voice;
  of_voice.kind = 40;
  of_voice.service = 1;
  of_voice.denominator = 50;
  scene.rules({of_voice});
  EXPECT_FALSE(concerned(1));
  EXPECT_TRUE(concerned(2));
  scene.rules({});
  allowance.unit = Unit::money;
  allowance.currency = eur;
  EXPECT_TRUE(concerned(2));
  EXPECT_FALSE(concerned(3));
  allowance.currency = 840;
  EXPECT_FALSE(concerned(1));
  scene.send(0, RequestType::update, {{7}});  // asks for nothing and reports nothing
  EXPECT_FALSE(concerns(scene.input, scene.request.mscc[0], *product));
}

}  // namespace
}  // namespace levy::rating
