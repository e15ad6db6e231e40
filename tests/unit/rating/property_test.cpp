// Random plans, balances and messages against a naive model that goes unit by unit and micro by
// micro: same grants, same final flags, same buckets after every message, and money conserved.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include <algorithm>
#include <random>

#include "rating/price.hpp"
#include "tests/unit/rating/scene.hpp"

namespace levy::rating {
namespace {

using Random = std::mt19937_64;

std::int64_t pick(Random& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

// round(started steps * step * numerator / denominator), one step after the other.
std::int64_t naive_price(const Price& p, std::int64_t total) {
  std::int64_t exact = 0;  // times denominator
  for (std::int64_t at = 0; at < total; at += p.step) exact += p.step * p.numerator;
  std::int64_t rounded = 0;
  while ((rounded + 1) * p.denominator <= exact) ++rounded;
  const std::int64_t over = exact - rounded * p.denominator;
  if (p.rounding == Rounding::up && over > 0) ++rounded;
  if (p.rounding == Rounding::half_up && 2 * over >= p.denominator) ++rounded;
  if (p.rounding == Rounding::half_even &&
      (2 * over > p.denominator || (2 * over == p.denominator && rounded % 2 == 1)))
    ++rounded;
  return rounded;
}

struct NaiveGroup {
  std::int64_t total = 0, ahead = 0;
  bool unpaid = false;
  std::map<std::size_t, std::int64_t> held;  // bucket -> reserved
};

struct NaiveAnswer {
  bool refused = false, is_final = false;
  std::int64_t granted = 0;
};

// Buckets stand in the order of use; the last is the wallet.
struct Naive {
  const Service* service = nullptr;
  bool write_off = false;
  std::int64_t limit = 0;
  std::vector<Unit> unit;
  std::vector<std::int64_t> step, free;
  std::map<std::pair<int, std::uint32_t>, NaiveGroup> groups;

  std::size_t wallet() const { return free.size() - 1; }
  void take_one(NaiveGroup& g, std::size_t b) { g.held[b] > 0 ? --g.held[b] : --free[b]; }

  void debit(NaiveGroup& g, std::int64_t used) {
    std::int64_t rest = 0;
    for (; used > 0; --used) {
      for (std::size_t b = 0; g.ahead == 0 && b < wallet(); ++b) {
        if (unit[b] != service->unit || std::max<std::int64_t>(free[b], 0) + g.held[b] < step[b])
          continue;
        for (std::int64_t k = 0; k < step[b]; ++k) take_one(g, b);
        g.ahead = step[b];
      }
      g.ahead > 0 ? --g.ahead : ++rest;
    }
    const std::int64_t before = g.total;
    g.total += rest;
    if (rest == 0 || service->price.none) return;
    const std::int64_t due =
        naive_price(service->price, g.total) - naive_price(service->price, before);
    bool written = false;
    for (std::int64_t micro = 0; micro < due; ++micro) {
      std::size_t b = 0;
      while (b < wallet() && (unit[b] != Unit::money || (free[b] <= 0 && g.held[b] == 0))) ++b;
      if (b == wallet() && g.held[b] == 0 && free[b] + limit <= 0 && write_off)
        written = true;
      else
        take_one(g, b);
    }
    const bool boundary = g.total % service->price.step == 0;
    if (written && !boundary)
      g.unpaid = true;
    else if (boundary || due > 0)
      g.unpaid = false;
  }

  void release(NaiveGroup& g) {
    for (auto& [b, amount] : g.held) free[b] += amount;
    g.held.clear();
  }

  std::int64_t credit() const {
    std::int64_t sum = 0;
    for (std::size_t b = 0; b < free.size(); ++b)
      if (unit[b] == Unit::money)
        sum += std::max<std::int64_t>(free[b] + (b == wallet() ? limit : 0), 0);
    return sum;
  }
  // The end of the next step that money pays after `to`, or `to`.
  std::int64_t next_end(const NaiveGroup& g, std::int64_t to, std::int64_t spent) const {
    const Price& p = service->price;
    if (p.none || (free[wallet()] + limit < 0 && p.numerator != 0)) return to;
    std::int64_t end = to + 1;
    while (end % p.step != 0) ++end;
    if (to == g.total && g.unpaid && to % p.step != 0) end += p.step;
    return naive_price(p, end) - naive_price(p, to) + spent <= credit() ? end : to;
  }
  std::size_t unit_bucket() const {
    std::size_t b = 0;
    while (b < wallet() && (unit[b] != service->unit || free[b] < step[b])) ++b;
    return b;
  }

  NaiveAnswer grant(NaiveGroup& g, std::int64_t want) {
    NaiveAnswer answer;
    std::int64_t units = 0, ahead = g.ahead, to = g.total, cost = 0;
    const auto free_before = free;
    std::map<std::size_t, std::int64_t> held;
    while (units < want) {
      if (ahead > 0) {
        --ahead, ++units;
      } else if (const std::size_t b = unit_bucket(); b < wallet()) {
        free[b] -= step[b], held[b] += step[b], ahead = step[b];
      } else {
        std::int64_t end = next_end(g, to, cost);
        const bool beyond = units + end - to > service->grant_max;
        if (end == to || (beyond && units > 0 && !service->indivisible)) break;
        if (beyond && service->indivisible) end = to + want - units;
        cost += naive_price(service->price, end) - naive_price(service->price, to);
        units += end - to;
        to = end;
      }
    }
    if (units == 0 || (service->indivisible && units < want)) {
      free = free_before;
      answer.refused = true;
      return answer;
    }
    answer.is_final = ahead == 0 && unit_bucket() == wallet() && next_end(g, to, cost) == to;
    answer.granted = units;
    for (; cost > 0; --cost) {
      std::size_t b = 0;
      while (b < wallet() && (unit[b] != Unit::money || free[b] <= 0)) ++b;
      --free[b], ++held[b];
    }
    g.held = held;
    return answer;
  }
};

struct Trial {
  explicit Trial(std::uint64_t seed) : random(seed), scene(make_plan()) {
    model.service = &scene.plan->services[0];
    model.write_off = scene.plan->overrun == Overrun::write_off;
    scene.credit_limit = pick(random, 0, 1) * pick(random, 0, 30);
    model.limit = scene.credit_limit + scene.plan->credit_limit;
    const auto bucket = [&](Unit unit, std::int64_t amount, std::uint32_t step, bool wallet) {
      Bucket& b =
          unit == Unit::money ? scene.money(amount, wallet) : scene.units(unit, amount, step);
      b.ends_at =
          wallet ? 0 : static_cast<std::uint32_t>(scene.now + 1000 + 10 * model.free.size());
      model.unit.push_back(unit);
      model.step.push_back(step);
      model.free.push_back(amount);
    };
    for (std::int64_t n = pick(random, 0, 3); n > 0; --n)
      pick(random, 0, 1) != 0 ? bucket(Unit::octets, pick(random, 0, 60),
                                       static_cast<std::uint32_t>(pick(random, 1, 7)), false)
                              : bucket(Unit::money, pick(random, 0, 60), 1, false);
    bucket(Unit::money, pick(random, -10, 200), 1, true);
  }

  std::unique_ptr<Plan> make_plan() {
    Price price = price_per(pick(random, 0, 12), pick(random, 1, 9),
                            static_cast<Rounding>(pick(random, 0, 3)));
    price.step = pick(random, 1, 9);
    price.none = pick(random, 0, 9) == 0;
    Service service = service_of(Unit::octets, price, pick(random, 1, 30));
    service.grant_first = pick(random, 1, 30);
    service.indivisible = pick(random, 0, 5) == 0;
    service.grant_max = pick(random, 0, 1) != 0 ? limits::units_max : pick(random, 30, 45);
    auto plan = plan_of({{1, service}, {2, service}});
    plan->overrun = pick(random, 0, 1) != 0 ? Overrun::debt : Overrun::write_off;
    plan->credit_limit = pick(random, 0, 2) == 0 ? 15 : 0;
    return plan;
  }

  void message(RequestType type) {
    const int session = static_cast<int>(pick(random, 0, 1));
    std::vector<Row> rows{{static_cast<std::uint32_t>(pick(random, 1, 2))}};
    if (pick(random, 0, 2) == 0) rows.push_back({3 - rows[0].rating_group});
    for (Row& row : rows) {
      row.used = pick(random, 0, 3) == 0 ? absent : pick(random, 0, 25);
      row.requested = type == RequestType::termination ? absent : pick(random, absent, 30);
    }
    // What a first grant is must be known before the call changes it.
    std::vector<std::int64_t> wants;
    for (const Row& row : rows) {
      const bool first =
          type == RequestType::initial || scene.group(session, row.rating_group).plan == 0;
      wants.push_back(row.requested == absent ? absent
                      : row.requested > 0     ? row.requested
                      : first                 ? model.service->grant_first
                                              : model.service->grant_default);
    }
    const ChargeResult& result = scene.send(session, type, rows);
    ASSERT_FALSE(result.overflow);
    for (const Row& row : rows)
      model.debit(model.groups[{session, row.rating_group}], std::max<std::int64_t>(row.used, 0));
    for (const Row& row : rows) model.release(model.groups[{session, row.rating_group}]);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const MsccOutcome& o = result.mscc[i];
      charged += o.charged, unpaid += o.unpaid, by_buckets += o.used_by_buckets;
      if (wants[i] == absent) {
        ASSERT_EQ(o.granted, 0);
        continue;
      }
      const NaiveAnswer a = model.grant(model.groups[{session, rows[i].rating_group}], wants[i]);
      ASSERT_EQ(o.reason == Reason::no_credit, a.refused);
      ASSERT_EQ(o.granted, a.granted);
      ASSERT_EQ(final(o), a.is_final);
    }
    for (std::size_t b = 0; b < model.free.size(); ++b) {
      ASSERT_EQ(scene.buckets[b].free(), model.free[b]) << "bucket " << b;
      if (b < model.wallet()) {
        ASSERT_GE(scene.buckets[b].free(), 0);
      }
    }
  }

  void run() {
    const std::int64_t money_before = scene.balance();
    for (std::int64_t n = pick(random, 1, 25); n > 0; --n) {
      message(pick(random, 0, 9) == 0   ? RequestType::termination
              : pick(random, 0, 5) == 0 ? RequestType::initial
                                        : RequestType::update);
      if (::testing::Test::HasFatalFailure()) return;
    }
    scene.release(0);
    scene.release(1);
    EXPECT_EQ(scene.reserved(), 0);
    EXPECT_EQ(money_before - scene.balance(), charged - unpaid);
    std::int64_t spent = 0, ahead = 0;
    for (const Bucket& b : scene.buckets) spent += b.unit == Unit::octets ? b.spent : 0;
    for (const auto& [key, g] : scene.groups) ahead += g.bucket_ahead;
    EXPECT_EQ(spent, by_buckets + ahead);
  }

  Random random;
  Scene scene;
  Naive model;
  std::int64_t charged = 0, unpaid = 0, by_buckets = 0;
};

TEST(Property, AgreesWithTheNaiveModel) {
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    SCOPED_TRACE(seed);
    Trial(seed).run();
    if (HasFailure()) return;
  }
}

TEST(Property, PriceAndBoundaryAgreeWithSteps) {
  Random random(7);
  for (int n = 0; n < 4000; ++n) {
    Price price = price_per(pick(random, 0, 20), pick(random, 1, 30),
                            static_cast<Rounding>(pick(random, 0, 3)));
    price.step = pick(random, 1, 20);
    const std::int64_t total = pick(random, 0, 200);
    ASSERT_EQ(price_of(price, total), naive_price(price, total));
    const std::int64_t credit = pick(random, 0, 60);
    const std::int64_t first = boundary_at_or_after(price, total);
    const std::int64_t end = first + price.step * pick(random, 0, 30);
    std::int64_t furthest = first;
    while (furthest < end &&
           naive_price(price, furthest + price.step) - naive_price(price, total) <= credit)
      furthest += price.step;
    ASSERT_EQ(furthest_boundary(price, total, end, credit), furthest) << n;
  }
}

// The same law with numbers as large as the bounds allow: no product may leave 128 bits.
TEST(Property, LargestNumbersStayExact) {
  Random random(11);
  for (int n = 0; n < 2000; ++n) {
    Price price = price_per(
        pick(random, limits::balance_micros_max - 9, limits::balance_micros_max),
        pick(random, 1, price_denominator_max), static_cast<Rounding>(pick(random, 0, 3)));
    price.step = pick(random, 1, limits::units_max);
    const std::int64_t total = pick(random, 0, total_units_max);
    const Int128 credit = Int128{pick(random, 0, INT64_MAX)} * 16;
    const std::int64_t first = boundary_at_or_after(price, total);
    const std::int64_t end =
        boundary_at_or_after(price, total + pick(random, 0, limits::units_max));
    if (end > total_units_max) continue;
    const std::int64_t to = furthest_boundary(price, total, end, credit);
    ASSERT_GE(to, first);
    ASSERT_LE(to, end);
    ASSERT_LE(price_exact(price, to) - price_exact(price, total), credit);
    if (to < end) {
      ASSERT_GT(price_exact(price, to + price.step) - price_exact(price, total), credit);
    }
  }
}

}  // namespace
}  // namespace levy::rating
