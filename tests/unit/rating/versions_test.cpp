// on_new_version: under which plan version an open group's next grant is made.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/rating/scene.hpp"

namespace levy::rating {
namespace {

Service priced(std::int64_t micros, OnNewVersion on_new_version, Unit unit = Unit::octets) {
  Service service = service_of(unit, price_per(micros, 1), 10);
  service.on_new_version = on_new_version;
  return service;
}

// Version v of the base plan (id 1) costs v micros a unit; add-on (id 2) of version v 10 * v.
class Versions : public ::testing::Test {
 protected:
  explicit Versions(OnNewVersion how = OnNewVersion::pin) : scene(base(1, how)) {
    scene.money(1'000'000, true);
    keep(1, {scene.plan.get()});
  }

  static std::unique_ptr<Plan> base(std::int64_t version, OnNewVersion how) {
    return plan_of({{1, priced(version, how)}});
  }
  void keep(std::uint16_t version, std::vector<const Plan*> plans) {
    auto& by_id = by_ids.emplace_back(4, nullptr);
    for (const Plan* plan : plans) by_id[plan->id] = plan;
    PlanSet& set = sets.emplace_back();
    set.version = version;
    set.plans = by_id.data();
    set.plan_count = static_cast<std::uint32_t>(by_id.size());
    scene.plan_sets.push_back(&set);
  }
  // A reload: the base plan's next version.
  void reload(std::uint16_t version, std::unique_ptr<Plan> plan) {
    keep(version, {plan.get()});
    former.push_back(std::move(scene.plan));
    scene.plan = std::move(plan);
    scene.plan_version = version;
  }

  Scene scene;
  std::deque<std::vector<const Plan*>> by_ids;
  std::deque<PlanSet> sets;
  std::vector<std::unique_ptr<Plan>> former;
};

TEST_F(Versions, APinnedGroupGoesOnUnderTheVersionOfItsFirstGrant) {
  scene.initial(10);
  reload(2, base(2, OnNewVersion::pin));
  EXPECT_EQ(scene.update(10, 10).charged, 10);
  EXPECT_EQ(scene.result.mscc[0].plan_version, 1);
  EXPECT_EQ(scene.reserved(), 10);
  reload(3, base(3, OnNewVersion::next_report));
  EXPECT_EQ(scene.update(10, 10).charged, 10);
  EXPECT_EQ(scene.initial(10, 1).plan_version, 3);  // another session
  EXPECT_EQ(scene.terminate(10).charged, 10);
  EXPECT_FALSE(scene.result.version_gone);
}

TEST_F(Versions, WhenThatVersionIsGoneItGoesOnUnderTheNewestAndIsPinnedThere) {
  scene.initial(10);
  reload(2, base(2, OnNewVersion::pin));
  scene.plan_sets[0] = nullptr;
  EXPECT_EQ(scene.update(10, 10).charged, 20);
  EXPECT_TRUE(scene.result.version_gone);
  EXPECT_EQ(scene.group(0, 1).plan_version, 2);
  reload(3, base(3, OnNewVersion::pin));
  EXPECT_EQ(scene.update(10, 10).charged, 20);
  EXPECT_FALSE(scene.result.version_gone);
  EXPECT_EQ(scene.result.mscc[0].plan_version, 2);
}

TEST_F(Versions, TheGrantsOwnVersionSaysWhetherItIsPinned) {
  former.push_back(std::move(scene.plan));
  scene.plan = base(1, OnNewVersion::reauthorize);
  by_ids[0][1] = scene.plan.get();
  scene.initial(10);
  reload(2, base(2, OnNewVersion::pin));
  EXPECT_EQ(scene.update(10, 10).charged, 10);
  EXPECT_EQ(scene.reserved(), 20);
  reload(3, base(3, OnNewVersion::next_report));
  EXPECT_EQ(scene.update(10, 10).charged, 20);
  EXPECT_EQ(scene.reserved(), 20);  // of version 2, which pins
}

TEST_F(Versions, AGroupWithoutAGrantYetIsNotPinned) {
  scene.initial(absent);
  reload(2, base(2, OnNewVersion::pin));
  scene.update(absent, 10);
  EXPECT_EQ(scene.reserved(), 20);
}

TEST_F(Versions, AnotherPlanIsNeverOverruledByThePin) {
  scene.initial(10);
  auto other = base(7, OnNewVersion::pin);
  other->id = 3;
  reload(2, std::move(other));
  EXPECT_EQ(scene.update(10, 10).charged, 10);  // what was granted
  EXPECT_EQ(scene.reserved(), 70);
}

TEST_F(Versions, ABoughtAddonTakesEffectAtOnceAndIsPinnedItself) {
  scene.initial(10);
  const auto first = plan_of({{1, priced(10, OnNewVersion::pin)}});
  const auto second = plan_of({{1, priced(20, OnNewVersion::pin)}});
  first->id = second->id = 2;
  auto next = base(2, OnNewVersion::pin);
  former.push_back(std::move(scene.plan));
  scene.plan = std::move(next);
  scene.plan_version = 2;
  keep(2, {scene.plan.get(), first.get()});
  scene.addons = {{first.get(), nullptr, 2}};
  EXPECT_EQ(scene.update(10, 10).charged, 10);
  EXPECT_EQ(scene.reserved(), 100);
  keep(3, {scene.plan.get(), second.get()});
  scene.plan_version = 3;
  scene.addons = {{second.get(), nullptr, 3}};
  EXPECT_EQ(scene.update(10, 10).charged, 100);
  EXPECT_EQ(scene.reserved(), 100);
  scene.addons.clear();  // ended
  EXPECT_EQ(scene.update(10, 10).charged, 100);
  EXPECT_EQ(scene.reserved(), 20);
}

TEST_F(Versions, APinOutlivesItsServiceInTheNewest) {
  scene.initial(10);
  reload(2, plan_of({{9, priced(9, OnNewVersion::pin)}}));
  EXPECT_EQ(scene.update(10, 10).charged, 10);
  EXPECT_EQ(scene.reserved(), 10);
}

}  // namespace
}  // namespace levy::rating
