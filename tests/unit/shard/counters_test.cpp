// Counters: what they add up, what their limits leave, when they begin anew and tell their level.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include <random>

#include "tests/unit/shard/review_scene.hpp"

namespace levy::shard {
namespace {

using rating::Counter;
using rating::Reason;
using rating::RequestType;
using rating::Unit;

constexpr std::uint16_t data = 41, cap = 42, spend = 43, of_kind = 44;  // counters
constexpr std::uint16_t warned = 51, reached = 52;                      // levels
constexpr std::uint16_t kind = 60;                                      // of buckets
const rating::Level halves[] = {{1'000, 0, warned}, {2'000, 0, reached}};
const rating::Level shares[] = {{0, 800, warned}, {0, 1000, reached}};

class Counters : public ReviewScene {
 protected:
  explicit Counters(Capacity capacity = {}) : ReviewScene(capacity) {
    plan().counters = rules_.data();
  }

  rating::Plan& plan() { return *plans_[0]; }
  rating::CounterRule& declare(std::uint16_t name, Unit unit, std::int64_t limit = 0) {
    rating::CounterRule& rule = rules_.at(plan().counter_count++);
    rule = rating::CounterRule{};
    rule.name = name;
    rule.unit = unit;
    rule.limit = limit;
    return rule;
  }

  // The counter as show_account tells it; the subscriber's of two.
  CounterShown shown(std::uint16_t name) {
    OperatorRequest r;
    r.kind = OperatorKind::show_account;
    std::strcpy(r.account_name, "a");
    r.now = now();
    std::vector<std::uint8_t> reply(limits::answer_bytes_max);
    shard_->apply(r, reply, record_, outcome_);
    ShowHeader header;
    std::memcpy(&header, reply.data() + sizeof(OperatorReply), sizeof header);
    const OperatorReply* head = reinterpret_cast<const OperatorReply*>(reply.data());
    const std::uint8_t* end = reply.data() + sizeof(OperatorReply) + head->payload_bytes;
    for (std::uint32_t i = 1; i <= header.counter_count; ++i) {
      CounterShown one;
      std::memcpy(static_cast<void*>(&one), end - i * sizeof one, sizeof one);
      if (one.counter.name == name) return one;
    }
    ADD_FAILURE() << "no counter " << name;
    return {};
  }
  std::int64_t value(std::uint16_t name) { return shown(name).value; }
  const rating::MsccOutcome& answer() const { return outcome_.charge.mscc[0]; }
  bool final() const { return (answer().flags & rating::outcome_final) != 0; }

  // (counter, former level, level) of the last Record.
  std::vector<std::array<int, 3>> told() const {
    RecordView view;
    EXPECT_TRUE(read_record(journal_.back(), view));
    std::vector<std::array<int, 3>> facts;
    for (const CounterFact& fact : view.counters)
      facts.push_back({fact.name, fact.former_level, fact.level});
    return facts;
  }
  using Told = std::vector<std::array<int, 3>>;

  OperatorResult set(std::uint16_t name, std::int64_t amount) {
    OperatorRequest r;
    r.kind = OperatorKind::set_counter;
    std::strcpy(r.account_name, "a");
    r.bucket_kind = name;
    r.amount = amount;
    return operate(r).result;
  }

  std::array<rating::CounterRule, 4> rules_{};
};

TEST_F(Counters, CountUnitsAndMoneyAndTellTheirLevelsOnce) {
  rating::CounterRule& rule = declare(data, Unit::octets);
  rule.levels = halves;
  rule.level_count = 2;
  declare(spend, Unit::money);
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(update(1, 999), Reason::ok);
  EXPECT_EQ(told(), Told{});
  EXPECT_EQ(update(2, 1), Reason::ok);
  EXPECT_EQ(told(), (Told{{data, 0, warned}}));
  EXPECT_EQ(update(2, 1), Reason::ok);  // a repeat
  EXPECT_EQ(value(data), 1'000);
  EXPECT_EQ(update(3, 500), Reason::ok);
  EXPECT_EQ(told(), Told{});
  EXPECT_EQ(terminate(4, 600), Reason::ok);
  EXPECT_EQ(told(), (Told{{data, warned, reached}}));
  EXPECT_EQ(update(5, 7), Reason::unknown_session);  // late: debited once, and counted
  EXPECT_EQ(value(data), 2'107);
  EXPECT_EQ(value(spend), 2'107);  // a micro per octet
  EXPECT_EQ(event(0, 3), Reason::unable_to_comply);
  session_id_ = "gw;e";
  EXPECT_EQ(event(0, 3), Reason::ok);  // of another unit
  EXPECT_EQ(value(data), 2'107);
  EXPECT_EQ(value(spend), 2'110);
}

TEST_F(Counters, ALimitBoundsAllSessionsTogether) {
  declare(cap, Unit::octets, 2'500);
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(answer().granted, 1'000);
  EXPECT_FALSE(final());
  session_id_ = "gw;2";
  EXPECT_EQ(initial(), Reason::ok);
  session_id_ = "gw;3";
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(answer().granted, 500);
  EXPECT_TRUE(final());
  session_id_ = "gw;4";
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(answer().reason, Reason::no_credit);
  EXPECT_EQ(shown(cap).counter.reserved, 2'500);
  session_id_ = "gw;2";
  EXPECT_EQ(terminate(1, 200), Reason::ok);  // gives 800 back
  session_id_ = "gw;4";
  EXPECT_EQ(update(1, 0), Reason::ok);
  EXPECT_EQ(answer().granted, 800);
  EXPECT_TRUE(final());
  EXPECT_EQ(update(2, 900), Reason::ok);  // beyond the grant: counted, and nothing is left
  EXPECT_EQ(answer().reason, Reason::no_credit);
  EXPECT_EQ(value(cap), 1'100);
  EXPECT_EQ(shown(cap).counter.reserved, 1'500);
}

TEST_F(Counters, ALimitOfMoneyBoundsWhatIsReserved) {
  declare(spend, Unit::money, 1'200);
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(update(1, 1'000), Reason::ok);
  EXPECT_EQ(answer().granted, 200);
  EXPECT_TRUE(final());
  EXPECT_EQ(shown(spend).counter.reserved, 200);
  EXPECT_EQ(update(2, 200), Reason::ok);
  EXPECT_EQ(answer().reason, Reason::no_credit);
}

TEST_F(Counters, ALostSessionGivesBackWhatItHeldAndCountsWhatItIsCharged) {
  declare(cap, Unit::octets, 2'500);
  EXPECT_EQ(initial(3), Reason::ok);  // charges what was reserved
  session_id_ = "gw;2";
  EXPECT_EQ(initial(1), Reason::ok);
  seconds_ += 1'201;
  EXPECT_TRUE(due());
  EXPECT_TRUE(due());
  EXPECT_EQ(value(cap), 1'000);
  EXPECT_EQ(shown(cap).counter.reserved, 0);
}

TEST_F(Counters, AStepBeyondALimitIsGrantedInPart) {
  plan().services[0].price.step = 700;
  declare(cap, Unit::octets, 1'000);
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(answer().granted, 1'000);
  EXPECT_TRUE(final());
  EXPECT_EQ(shown(cap).counter.reserved, 1'000);
  EXPECT_EQ(shard_->totals().reserved, 1'400);
}

TEST_F(Counters, BeginAnewWithTheirPeriodInTheBackgroundAndWakeSessions) {
  rating::CounterRule& rule = declare(cap, Unit::octets, 1'000);
  rule.levels = halves;
  rule.level_count = 1;
  rule.every = {rating::PeriodUnit::day, 1};
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(shown(cap).counter.resets_at, review_start + 86'400);
  seconds_ += 300;
  EXPECT_EQ(update(1, 1'000), Reason::ok);
  EXPECT_EQ(answer().reason, Reason::no_credit);
  EXPECT_EQ(told(), (Told{{cap, 0, warned}}));
  session_id_ = "gw;keep";  // the first session's Tcc is its plan's day
  seconds_ = review_start + 86'399;
  while (due()) {
  }
  EXPECT_EQ(value(cap), 1'000);
  seconds_ += 1;
  const std::size_t before = journal_.size();
  EXPECT_TRUE(due());
  EXPECT_GT(journal_.size(), before);
  EXPECT_EQ(told(), (Told{{cap, warned, 0}}));
  EXPECT_EQ(value(cap), 0);
  EXPECT_EQ(shown(cap).counter.resets_at, review_start + 2 * 86'400);
  seconds_ += 3 * 86'400;  // periods that pass while nobody uses anything
  while (due()) {
  }
  EXPECT_EQ(shown(cap).counter.resets_at, review_start + 5 * 86'400);
}

TEST_F(Counters, TheRestOfAPeriodIsSettledByTheNextRequestToo) {
  declare(cap, Unit::octets, 1'000).every = {rating::PeriodUnit::hour, 1};
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(update(1, 1'000), Reason::ok);
  EXPECT_EQ(answer().reason, Reason::no_credit);
  seconds_ += 3'600;
  EXPECT_EQ(update(2, 10), Reason::ok);
  EXPECT_EQ(answer().granted, 990);
  EXPECT_EQ(value(cap), 10);
  while (due()) {  // the account's sessions are told in a Record of its own
  }
  EXPECT_EQ(value(cap), 10);
}

TEST_F(Counters, EachSubscriberHasItsOwn) {
  declare(cap, Unit::octets, 1'500).per_subscriber = true;
  declare(data, Unit::octets);
  OperatorRequest r;
  r.kind = OperatorKind::create_subscriber;
  std::strcpy(r.account_name, "a");
  r.identity_count = 1;
  r.identities[0].type = rating::IdentityType::imsi;
  r.identities[0].size = 15;
  std::memcpy(r.identities[0].text, "001010000000002", 15);
  const OperatorReply child = operate(r);
  ASSERT_EQ(child.result, OperatorResult::ok);
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(update(1, 1'400), Reason::ok);
  EXPECT_EQ(answer().granted, 100);
  EXPECT_EQ(terminate(2, 0), Reason::ok);
  const auto first = std::pair(imsi_, subscriber_);
  imsi_ = "001010000000002";
  subscriber_ = child.subscriber;
  session_id_ = "gw;child";
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(answer().granted, 1'000);
  EXPECT_EQ(update(1, 300), Reason::ok);
  EXPECT_EQ(value(data), 1'700);
  EXPECT_EQ(terminate(2, 0), Reason::ok);
  r.kind = OperatorKind::delete_subscriber;
  r.subscriber = child.subscriber;
  EXPECT_EQ(operate(r).result, OperatorResult::ok);
  EXPECT_EQ(value(cap), 1'400);  // the child's is gone
  std::tie(imsi_, subscriber_) = first;
}

TEST_F(Counters, OfABucketKindFollowTheBuckets) {
  rating::CounterRule& rule = declare(of_kind, Unit::octets);
  rule.bucket_kind = kind;
  rule.levels = shares;
  rule.level_count = 2;
  const auto top_up = [&](std::int64_t amount) {
    OperatorRequest r;
    r.kind = OperatorKind::credit;
    std::strcpy(r.account_name, "a");
    r.bucket_kind = kind;
    r.unit = Unit::octets;
    r.amount = amount;
    EXPECT_EQ(operate(r).result, OperatorResult::ok);
  };
  top_up(1'000);
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(update(1, 799), Reason::ok);
  EXPECT_EQ(told(), Told{});
  EXPECT_EQ(update(2, 1), Reason::ok);
  EXPECT_EQ(told(), (Told{{of_kind, 0, warned}}));
  EXPECT_EQ(update(3, 500), Reason::ok);
  EXPECT_EQ(told(), (Told{{of_kind, warned, reached}}));
  top_up(1'000);  // 1000 of 2000
  EXPECT_EQ(told(), (Told{{of_kind, reached, 0}}));
  EXPECT_EQ(value(of_kind), 1'000);
  EXPECT_EQ(shown(of_kind).credited, 2'000);
}

TEST_F(Counters, PricesRunOverThem) {
  declare(data, Unit::octets);
  plan().services[0].accumulates = 0;
  const rating::Tier cheaper{1'000, 0, 1, 1'000};
  plan().services[0].price.tiers = &cheaper;
  plan().services[0].price.further_tiers = 1;
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(terminate(1, 700), Reason::ok);
  EXPECT_EQ(spent(), 700);
  session_id_ = "gw;2";
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(shard_->totals().reserved, 300);
  EXPECT_EQ(terminate(1, 900), Reason::ok);
  EXPECT_EQ(spent(), 1'000);
  plan().services[0].whole_tiers = true;
  EXPECT_EQ(set(data, 999), OperatorResult::ok);
  session_id_ = "gw;3";
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(terminate(1, 50), Reason::ok);  // all of it in the tier where it begins
  EXPECT_EQ(spent(), 1'050);
}

TEST_F(Counters, AnOperatorCorrectsThem) {
  rating::CounterRule& rule = declare(cap, Unit::octets, 1'000);
  rule.levels = halves;
  rule.level_count = 1;
  EXPECT_EQ(set(cap, 1'000), OperatorResult::ok);
  EXPECT_EQ(told(), (Told{{cap, 0, warned}}));
  EXPECT_EQ(set(cap, 1'000), OperatorResult::unchanged);
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(answer().reason, Reason::no_credit);
  EXPECT_EQ(set(cap, 400), OperatorResult::ok);
  EXPECT_EQ(told(), (Told{{cap, warned, 0}}));
  EXPECT_EQ(set(cap, -1), OperatorResult::invalid);
  EXPECT_EQ(set(data, 5), OperatorResult::not_found);
  EXPECT_EQ(update(1, 0), Reason::ok);
  EXPECT_EQ(answer().granted, 600);
}

// Its period ends while no plan declares it: it begins anew, and its periods go on once one does.
TEST_F(Counters, GoOnWithTheirPeriodsAfterAPlanHadForgottenThem) {
  declare(cap, Unit::octets, 1'500).every = {rating::PeriodUnit::hour, 1};
  declare(data, Unit::octets);  // for ever: nothing of it falls due
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(update(1, 400), Reason::ok);
  plan().counter_count = 0;
  seconds_ += 3'600;
  EXPECT_EQ(update(2, 100), Reason::ok);
  EXPECT_EQ(shown(cap).counter.value, 0);
  plan().counter_count = 2;
  EXPECT_EQ(update(3, 200), Reason::ok);
  EXPECT_EQ(value(cap), 200);
  EXPECT_EQ(shown(cap).counter.resets_at, review_start + 2 * 3'600);
  seconds_ += 3'600;
  EXPECT_EQ(update(4, 10), Reason::ok);
  EXPECT_EQ(value(cap), 10);
  EXPECT_EQ(value(data), 610);
  EXPECT_EQ(shown(data).counter.resets_at, 0u);
}

// "month" of a calendar plan: the first of each, by local time, whenever the account came.
TEST_F(Counters, CountByTheCalendarWhereThePlanDoes) {
  plan().terms.calendar = true;
  declare(cap, Unit::octets, 1'500).every = {rating::PeriodUnit::month, 1};
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(shown(cap).counter.resets_at, 1'701'388'800u);  // 2023-12-01
  seconds_ = 1'704'067'200 + 86'400;                        // 2024-01-02
  while (due()) {
  }
  EXPECT_EQ(shown(cap).counter.resets_at, 1'706'745'600u);  // 2024-02-01
}

class CountersFull : public Counters {
 protected:
  static Capacity one() {
    Capacity capacity;
    capacity.counters = 1;
    return capacity;
  }
  CountersFull() : Counters(one()) {}
};

// Never past a limit that cannot be counted: requests wait for room, what was used is charged.
TEST_F(CountersFull, RefuseRequestsAndChargeTerminations) {
  declare(data, Unit::octets);
  EXPECT_EQ(initial(), Reason::ok);
  declare(cap, Unit::octets, 500);
  EXPECT_EQ(update(1, 100), Reason::unable_to_comply);
  EXPECT_TRUE(outcome_.events & event_pool_full);
  EXPECT_EQ(spent(), 0);
  session_id_ = "gw;2";
  EXPECT_EQ(initial(), Reason::unable_to_comply);
  session_id_ = "gw;1";
  EXPECT_EQ(terminate(2, 300), Reason::ok);
  EXPECT_EQ(spent(), 300);
  EXPECT_EQ(value(data), 300);
}

// The sessions that a limit has stopped are told when a request of another one begins the period.
TEST_F(Counters, WakeOtherSessionsAfterARequestThatBeginsThePeriod) {
  declare(cap, Unit::octets, 1'000).every = {rating::PeriodUnit::hour, 1};
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(update(1, 1'000), Reason::ok);
  EXPECT_EQ(answer().reason, Reason::no_credit);
  seconds_ += 3'600;
  session_id_ = "gw;2";
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(answer().granted, 1'000);
  bool told_first = false;
  while (due())
    for (std::uint32_t i = 0; i < outcome_.push_count; ++i)
      told_first |= shard_->session(outcome_.pushes[i].session).id_head[3] == '1';
  EXPECT_TRUE(told_first);
}

// What another version no longer declares stays as it is, and goes on when one does again.
TEST_F(Counters, OutliveAPlanThatForgetsThem) {
  declare(cap, Unit::octets, 1'500);
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(update(1, 400), Reason::ok);
  plan().counter_count = 0;
  EXPECT_EQ(update(2, 100), Reason::ok);
  EXPECT_EQ(shown(cap).counter.value, 400);
  EXPECT_EQ(shown(cap).counter.reserved, 0);
  plan().counter_count = 1;
  EXPECT_EQ(update(3, 1'000), Reason::ok);
  EXPECT_EQ(value(cap), 1'400);
  EXPECT_EQ(answer().granted, 100);
}

// Random sessions against sums kept beside them; the law and recovery are checked in TearDown.
TEST_F(Counters, AgreeWithANaiveSum) {
  declare(cap, Unit::octets, 20'000);
  declare(spend, Unit::money, 30'000);
  std::mt19937 random(7);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  struct Open {
    std::uint32_t number = 0;
    std::int64_t granted = 0;
    int generation = 0;  // a Session-Id is never used again
  };
  std::map<int, Open> open;
  int generation = 0;
  std::int64_t used_sum = 0;
  for (int step = 0; step < 1'500; ++step) {
    const int session = pick(12);
    const auto found = open.find(session);
    const bool known = found != open.end();
    session_id_ = "gw;" + std::to_string(known ? found->second.generation : ++generation);
    if (pick(400) == 0) {
      used_sum = pick(10'000);
      const OperatorResult result = set(cap, used_sum);
      EXPECT_TRUE(result == OperatorResult::ok || result == OperatorResult::unchanged);
      EXPECT_NE(set(spend, used_sum), OperatorResult::invalid);
    }
    if (!known) {
      EXPECT_EQ(initial(), Reason::ok);
      open[session] = {0, answer().granted, generation};
      continue;
    }
    const std::int64_t used = pick(static_cast<int>(found->second.granted) + 20) / 4;
    if (pick(5) == 0) {
      EXPECT_EQ(terminate(++found->second.number, used), Reason::ok);
      open.erase(found);
    } else {
      EXPECT_EQ(update(++found->second.number, used), Reason::ok);
      found->second.granted = answer().granted;
    }
    used_sum += used;
    const Counter counter = shown(cap).counter;
    ASSERT_EQ(counter.value, used_sum) << step;
    ASSERT_EQ(value(spend), used_sum) << step;
    if (counter.reserved > 0) {
      ASSERT_LE(counter.reserved, 20'000);
    }
  }
}

}  // namespace
}  // namespace levy::shard
