// Pools: a gateway that spends the grants of one pool as one never spends what nobody reserved.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include <algorithm>
#include <random>

#include "tests/unit/rating/scene.hpp"

namespace levy::rating {
namespace {

using Random = std::mt19937_64;

std::int64_t pick(Random& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

Service pooled(Unit unit, std::int64_t micros, std::uint32_t pool) {
  Service service = service_of(unit, price_per(micros, 1), 100);
  service.grant_max = 1000;
  service.pool = pool;
  return service;
}

// What a gateway knows of one rating group: RFC 8506 A.9, its pool's credit counted in micros.
struct Told {
  std::int64_t granted = 0;  // units
  std::int64_t used = 0;     // since the last report
};

class PoolGateway {
 public:
  PoolGateway(Scene& scene, Random& random, std::vector<std::int64_t> prices)
      : scene_(scene), random_(random), prices_(std::move(prices)), told_(prices_.size()) {}

  // Uses units of any group as long as the pool pays for them.
  void use() {
    for (int i = 0; i < 4; ++i) {
      const auto g = static_cast<std::size_t>(pick(random_, 0, std::ssize(prices_) - 1));
      const std::int64_t most = credit() / prices_[g];
      if (most > 0 && told_[g].granted > 0) told_[g].used += pick(random_, 0, most);
    }
  }
  void report(RequestType type) {
    std::vector<Row> rows;
    for (std::size_t g = 0; g < prices_.size(); ++g) {
      const bool ends = type == RequestType::termination;
      // Whoever has drawn on the others is reported with them (RFC 8506 5.1.2).
      const bool drew = told_[g].used > told_[g].granted;
      if (!ends && type != RequestType::initial && !drew && pick(random_, 0, 2) == 0) continue;
      Row row{static_cast<std::uint32_t>(g + 1)};
      if (type != RequestType::initial) row.used = told_[g].used;
      if (!ends) row.requested = pick(random_, 0, 3) == 0 ? 0 : pick(random_, 1, 400);
      spent_ += told_[g].used * prices_[g];
      // What it drew on the others stays theirs, until new grants replace all of them.
      if (drew) drawn_ += (told_[g].used - told_[g].granted) * prices_[g];
      told_[g] = {};
      rows.push_back(row);
    }
    if (rows.size() == prices_.size()) drawn_ = 0;
    std::shuffle(rows.begin(), rows.end(), random_);
    const ChargeResult& result = scene_.send(0, type, rows);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(result.mscc[i].unpaid, 0);
      if ((result.mscc[i].flags & outcome_granted) == 0) continue;
      EXPECT_NE(result.mscc[i].flags & outcome_pooled, 0);
      told_[rows[i].rating_group - 1].granted = result.mscc[i].granted;
    }
  }
  std::int64_t spent() const { return spent_; }

 private:
  std::int64_t credit() const {
    std::int64_t sum = -drawn_;
    for (std::size_t g = 0; g < prices_.size(); ++g)
      sum += (told_[g].granted - told_[g].used) * prices_[g];
    return sum;
  }

  Scene& scene_;
  Random& random_;
  std::vector<std::int64_t> prices_;
  std::vector<Told> told_;
  std::int64_t spent_ = 0, drawn_ = 0;  // micros
};

TEST(Pools, NoGatewayThatKeepsToItsPoolLeavesDebt) {
  std::uint64_t borrowed = 0;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<std::pair<std::uint32_t, Service>> services;
    std::vector<std::int64_t> prices;
    const std::int64_t count = pick(random, 2, 4);
    for (std::int64_t g = 0; g < count; ++g) {
      prices.push_back(pick(random, 1, 40));
      services.emplace_back(g + 1, pooled(static_cast<Unit>(pick(random, 1, 3)), prices.back(), 7));
    }
    Scene scene(plan_of(services));
    scene.plan->overrun = pick(random, 0, 1) == 0 ? Overrun::debt : Overrun::write_off;
    scene.pools = true;
    std::int64_t money = 0;
    for (std::int64_t b = pick(random, 1, 3); b-- > 0;) {
      const std::int64_t amount = pick(random, 0, 8000);
      money += amount;
      scene.money(amount, b == 0, static_cast<std::int16_t>(b));
    }
    PoolGateway gateway(scene, random, prices);
    gateway.report(RequestType::initial);
    for (std::int64_t rounds = pick(random, 0, 8); rounds-- > 0;) {
      gateway.use();
      gateway.report(RequestType::update);
      borrowed += scene.input.pooled_count;
    }
    gateway.use();
    gateway.report(RequestType::termination);
    std::int64_t free = 0, spent = 0;
    for (const Bucket& bucket : scene.buckets) {
      EXPECT_EQ(bucket.reserved, 0);
      EXPECT_GE(bucket.free(), 0);
      free += bucket.free();
      spent += bucket.spent;
    }
    EXPECT_EQ(spent, gateway.spent());
    EXPECT_EQ(free, money - gateway.spent());
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(borrowed, 1000u) << "no gateway has used more than a grant: this shows nothing";
}

// Group 1 used what group 2's grant had reserved; the rest of that reservation still stands.
TEST(Pools, WhoGaveKeepsAGrantOfTheRest) {
  Scene scene(plan_of({{1, pooled(Unit::octets, 2, 7)}, {2, pooled(Unit::seconds, 10, 7)}}));
  scene.pools = true;
  scene.money(1000, true);
  scene.send(0, RequestType::initial, {{1, 100}, {2, 80}});
  EXPECT_EQ(scene.buckets[0].free(), 0);
  scene.send(0, RequestType::update, {{1, 10, 300}});  // 600: 200 of its own, 400 of the other's
  EXPECT_EQ(scene.result.mscc[0].reason, Reason::no_credit);
  EXPECT_EQ(scene.buckets[0].spent, 600);
  EXPECT_EQ(scene.buckets[0].reserved, 400);
  EXPECT_EQ(scene.group(0, 2).granted, 40);
}

// Another pool, or none, lends nothing: what was used beyond the grant is owed.
TEST(Pools, OtherPoolsAreOutOfReach) {
  for (const std::uint32_t other : {0u, 9u}) {
    Scene scene(plan_of({{1, pooled(Unit::octets, 2, 7)}, {2, pooled(Unit::seconds, 10, other)}}));
    scene.pools = true;
    scene.money(1000, true);
    scene.send(0, RequestType::initial, {{1, 100}, {2, 80}});
    scene.send(0, RequestType::update, {{1, absent, 300}});
    EXPECT_EQ(scene.buckets[0].reserved, 800);
    EXPECT_EQ(scene.buckets[0].free(), 1000 - 600 - 800);
  }
}

}  // namespace
}  // namespace levy::rating
