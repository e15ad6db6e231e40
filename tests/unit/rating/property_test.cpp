// Random plans, balances and messages against a naive model that goes unit by unit and micro by
// micro: same grants, same final flags, same buckets after every message, and money conserved.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include <algorithm>
#include <array>
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
  const std::int64_t one = p.denominator * p.quantum;
  std::int64_t rounded = 0;
  while ((rounded + 1) * one <= exact) ++rounded;
  const std::int64_t over = exact - rounded * one;
  if (p.rounding == Rounding::up && over > 0) ++rounded;
  if (p.rounding == Rounding::half_up && 2 * over >= one) ++rounded;
  if (p.rounding == Rounding::half_even &&
      (2 * over > one || (2 * over == one && rounded % 2 == 1)))
    ++rounded;
  return rounded * p.quantum;
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

// How one bucket pays for one service: n of its units for d of the service's; n = 0: not at all.
struct NaiveRule {
  std::int64_t n = 0, d = 1;
  bool timed = false;  // only while Naive::on
};

// Buckets stand in the order of use; the last is the wallet. Service s has rating group s + 1.
struct Naive {
  const Service* service = nullptr;  // all are alike
  bool write_off = false, on = true;
  std::int64_t limit = 0;
  std::vector<Unit> unit;
  std::vector<std::int64_t> step, free;
  std::vector<std::array<NaiveRule, 2>> rules;  // bucket, service
  std::map<std::pair<int, std::uint32_t>, NaiveGroup> groups;

  std::size_t wallet() const { return free.size() - 1; }
  void take_one(NaiveGroup& g, std::size_t b) { g.held[b] > 0 ? --g.held[b] : --free[b]; }
  bool may(std::size_t b, std::size_t s) const {
    return rules[b][s].n != 0 && (on || !rules[b][s].timed);
  }
  std::int64_t may_take(std::size_t b, std::size_t s) const {
    return may(b, s) ? std::max<std::int64_t>(free[b], 0) : 0;
  }
  // Steps of b that one more unit needs beside `paid` for `bought` others.
  std::int64_t one_more(std::size_t b, std::size_t s, std::int64_t bought,
                        std::int64_t paid) const {
    std::int64_t more = 0;
    while ((paid + more) * rules[b][s].d < (bought + 1) * rules[b][s].n) more += step[b];
    return more;
  }
  bool pays_units(std::size_t b, std::size_t s) const {
    return b < wallet() && unit[b] != Unit::money && rules[b][s].n != 0;
  }

  // Buys up to `units` at bucket b, unit by unit; `take` moves one of its units. Returns how many.
  template <class Take>
  std::int64_t buy(std::size_t b, std::size_t s, std::int64_t units, std::int64_t has,
                   std::int64_t& ahead, Take take) {
    std::int64_t bought = 0, paid = 0;
    for (; bought < units; ++bought) {
      const std::int64_t more = one_more(b, s, bought, paid);
      if (paid + more > has) break;
      for (std::int64_t k = 0; k < more; ++k) take();
      paid += more;
    }
    while (bought > 0 && one_more(b, s, bought + ahead, paid) == 0) ++ahead;
    return bought;
  }

  void debit(NaiveGroup& g, std::size_t s, std::int64_t used) {
    std::int64_t rest = used;
    for (; rest > 0 && g.ahead > 0; --rest) --g.ahead;
    for (std::size_t b = 0; b < wallet(); ++b)
      if (pays_units(b, s))
        rest -= buy(b, s, rest, may_take(b, s) + g.held[b], g.ahead, [&] { take_one(g, b); });
    const std::int64_t before = g.total;
    g.total += rest;
    if (rest == 0 || service->price.none) return;
    const std::int64_t due =
        naive_price(service->price, g.total) - naive_price(service->price, before);
    bool written = false;
    for (std::int64_t micro = 0; micro < due; ++micro) {
      std::size_t b = 0;
      while (b < wallet() && (unit[b] != Unit::money || may_take(b, s) + g.held[b] == 0)) ++b;
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

  std::int64_t credit(std::size_t s) const {
    std::int64_t sum = std::max<std::int64_t>(free[wallet()] + limit, 0);
    for (std::size_t b = 0; b < wallet(); ++b)
      if (unit[b] == Unit::money) sum += may_take(b, s);
    return sum;
  }
  // The end of the next step that money pays after `to`, or `to`.
  std::int64_t next_end(const NaiveGroup& g, std::size_t s, std::int64_t to,
                        std::int64_t spent) const {
    const Price& p = service->price;
    if (p.none || (free[wallet()] + limit < 0 && p.numerator != 0)) return to;
    std::int64_t end = to + 1;
    while (end % p.step != 0) ++end;
    if (to == g.total && g.unpaid && to % p.step != 0) end += p.step;
    return naive_price(p, end) - naive_price(p, to) + spent <= credit(s) ? end : to;
  }
  bool units_left(std::size_t s) const {
    for (std::size_t b = 0; b < wallet(); ++b)
      if (pays_units(b, s) && one_more(b, s, 0, 0) <= may_take(b, s)) return true;
    return false;
  }

  NaiveAnswer grant(NaiveGroup& g, std::size_t s, std::int64_t want) {
    NaiveAnswer answer;
    std::int64_t units = 0, ahead = g.ahead, to = g.total, cost = 0;
    const auto free_before = free;
    std::map<std::size_t, std::int64_t> held;
    for (; units < want && ahead > 0; ++units) --ahead;
    for (std::size_t b = 0; b < wallet(); ++b)
      if (pays_units(b, s))
        units += buy(b, s, want - units, may_take(b, s), ahead, [&] { --free[b], ++held[b]; });
    while (units < want) {
      std::int64_t end = next_end(g, s, to, cost);
      const bool beyond = units + end - to > service->grant_max;
      if (end == to || (beyond && units > 0 && !service->indivisible)) break;
      if (beyond && service->indivisible) end = to + want - units;
      cost += naive_price(service->price, end) - naive_price(service->price, to);
      units += end - to;
      to = end;
    }
    if (units == 0 || (service->indivisible && units < want)) {
      free = free_before;
      answer.refused = true;
      return answer;
    }
    answer.is_final = ahead == 0 && !units_left(s) && next_end(g, s, to, cost) == to;
    answer.granted = units;
    for (; cost > 0; --cost) {
      std::size_t b = 0;
      while (b < wallet() && (unit[b] != Unit::money || may_take(b, s) == 0)) ++b;
      --free[b], ++held[b];
    }
    g.held = held;
    return answer;
  }
};

struct Trial {
  explicit Trial(std::uint64_t seed)
      : random(seed), scene(make_plan()), random_rules(pick(random, 0, 2) != 0) {
    model.service = &scene.plan->services[0];
    model.write_off = scene.plan->overrun == Overrun::write_off;
    scene.credit_limit = pick(random, 0, 1) * pick(random, 0, 30);
    model.limit = scene.credit_limit + scene.plan->credit_limit;
    for (std::int64_t n = pick(random, 0, 3); n > 0; --n) {
      const bool money = pick(random, 0, 1) == 0;
      const auto step = money ? 1u : static_cast<std::uint32_t>(pick(random, 1, 7));
      add_bucket(money ? Unit::money : Unit::octets, pick(random, 0, 60), step, false);
    }
    add_bucket(Unit::money, pick(random, -10, 200), 1, true);
    edge = static_cast<std::uint32_t>(scene.now + 50);
    times = TimePattern{&edge, 1, true};
    scene.plan->times = &times;
    scene.plan->values = &values;
    scene.plan->conditions = &condition;
    scene.rules(kinds);
  }

  void add_bucket(Unit unit, std::int64_t amount, std::uint32_t step, bool wallet) {
    Bucket& b = unit == Unit::money ? scene.money(amount, wallet) : scene.units(unit, amount, step);
    b.ends_at = wallet ? 0 : static_cast<std::uint32_t>(scene.now + 1000 + 10 * model.free.size());
    std::array<NaiveRule, 2> rules{NaiveRule{1, 1}, NaiveRule{1, 1}};
    if (!wallet && random_rules) rules = restrict(b);
    model.unit.push_back(b.unit);
    model.step.push_back(step);
    model.free.push_back(amount);
    model.rules.push_back(rules);
  }

  // Rules for a kind of the bucket's own, as the plan and as the model have them.
  std::array<NaiveRule, 2> restrict(Bucket& bucket) {
    std::array<NaiveRule, 2> naive{};
    BucketRule rule;
    rule.kind = bucket.kind = static_cast<std::uint16_t>(10 + model.free.size());
    rule.condition_count = static_cast<std::uint16_t>(pick(random, 0, 1));
    const bool timed = rule.condition_count != 0;
    if (pick(random, 0, 3) == 0) {  // for every service, or for none
      rule.numerator = pick(random, 0, 2) == 0 ? 0 : 1;
      kinds.push_back(rule);
      naive[0] = naive[1] = NaiveRule{rule.numerator, 1, timed};
      return naive;
    }
    const bool weighed = bucket.unit != Unit::money && pick(random, 0, 2) != 0;
    if (weighed) bucket.unit = static_cast<Unit>(pick(random, 1, 3));
    const std::int64_t which = pick(random, 0, 2);
    for (std::uint16_t s = 0; s < 2; ++s) {
      if (which == s) continue;  // that service is not named
      rule.service = s;
      rule.numerator = weighed ? static_cast<std::uint32_t>(pick(random, 1, 7)) : 1;
      rule.denominator = weighed ? static_cast<std::uint32_t>(pick(random, 1, 7)) : 1;
      kinds.push_back(rule);
      naive[s] = NaiveRule{rule.numerator, rule.denominator, timed};
    }
    return naive;
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
    if (random_rules && pick(random, 0, 2) == 0) {
      model.on = !model.on;
      scene.now += model.on ? -100 : 100;
    }
    const ChargeResult& result = scene.send(session, type, rows);
    ASSERT_FALSE(result.overflow);
    for (const Row& row : rows)
      model.debit(model.groups[{session, row.rating_group}], row.rating_group - 1,
                  std::max<std::int64_t>(row.used, 0));
    for (const Row& row : rows) model.release(model.groups[{session, row.rating_group}]);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const MsccOutcome& o = result.mscc[i];
      charged += o.charged, unpaid += o.unpaid, by_buckets += o.used_by_buckets;
      if (wants[i] == absent) {
        ASSERT_EQ(o.granted, 0);
        continue;
      }
      const NaiveAnswer a = model.grant(model.groups[{session, rows[i].rating_group}],
                                        rows[i].rating_group - 1, wants[i]);
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
    if (random_rules) return;  // a bundle's units are not the service's
    std::int64_t spent = 0, ahead = 0;
    for (const Bucket& b : scene.buckets) spent += b.unit == Unit::octets ? b.spent : 0;
    for (const auto& [key, g] : scene.groups) ahead += g.bucket_ahead;
    EXPECT_EQ(spent, by_buckets + ahead);
  }

  Random random;
  Scene scene;
  bool random_rules;
  Naive model;
  std::vector<BucketRule> kinds;
  std::uint32_t edge = 0;
  std::uint64_t values = 0;
  TimePattern times{};
  Condition condition{Attribute::time, false, 1, 0};
  std::int64_t charged = 0, unpaid = 0, by_buckets = 0;
};

TEST(Property, AgreesWithTheNaiveModel) {
  for (std::uint64_t seed = 1; seed <= 8000; ++seed) {
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
    for (std::int64_t k = pick(random, 0, 6); k > 0; --k)
      if (price.denominator <= price_denominator_max / price.quantum / 10) price.quantum *= 10;
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
