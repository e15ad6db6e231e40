// Products: fees, allowances, periods, rollover and ends, through the Shard's door.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include <map>

#include "tests/unit/shard/review_scene.hpp"

namespace levy::shard {
namespace {

using rating::Allowance;
using rating::Fee;
using rating::Period;
using rating::PeriodUnit;
using rating::Reason;
using rating::RequestType;
using rating::Unit;
using rating::UnpaidFee;

constexpr Period month{PeriodUnit::month, 1};
constexpr Period hour{PeriodUnit::hour, 1};
constexpr Period day{PeriodUnit::day, 1};
constexpr std::int64_t eur = 1'000'000;
constexpr std::int64_t jan_31 = 1'706'659'200;  // 2024-01-31 00:00:00 UTC

// Plans 2.. of version 1, made by hand; plan 1 is the scene's, without terms.
class Products : public ReviewScene {
 protected:
  Products() {
    plans_by_id_[1] = plans_[0].get();
    set_storage_[0] = rating::PlanSet{1, plans_by_id_.data(), 16};
  }

  rating::Plan& plan(std::uint16_t id, bool addon = false) {
    plans_.push_back(review_plan());
    rating::Plan& made = *plans_.back();
    made.id = id;
    made.terms.addon = addon;
    if (addon) made.service_count = made.entry_count = 0;
    plans_by_id_[id] = &made;
    return made;
  }
  static std::uint8_t cycle(rating::Plan& plan, const Period& period) {
    rating::Terms& t = plan.terms;
    for (std::uint8_t c = 0; c < t.cycle_count; ++c)
      if (t.cycles[c] == period) return c;
    t.cycles[t.cycle_count] = period;
    return t.cycle_count++;
  }
  void fee(rating::Plan& plan, std::int64_t amount, const Period& every = {}) {
    auto& fees = fees_[plan.id];
    fees.push_back(
        {amount, 0, every.unit == PeriodUnit::none ? rating::cycle_once : cycle(plan, every)});
    plan.terms.fees = fees.data();
    plan.terms.fee_count = static_cast<std::uint8_t>(fees.size());
  }
  Allowance& allowance(rating::Plan& plan, std::uint16_t kind, std::int64_t amount,
                       const Period& every = {}) {
    auto& list = allowances_[plan.id];
    Allowance fresh;
    fresh.amount = amount;
    fresh.kind = kind;
    fresh.priority = 5;
    fresh.cycle = every.unit == PeriodUnit::none ? rating::cycle_once : cycle(plan, every);
    list.push_back(fresh);
    plan.terms.allowances = list.data();
    plan.terms.allowance_count = static_cast<std::uint8_t>(list.size());
    return list.back();
  }

  OperatorRequest account_request(OperatorKind kind) const {
    OperatorRequest r;
    r.kind = kind;
    std::strcpy(r.account_name, account_name_);
    r.currency = 978;
    return r;
  }
  // Later requests go to this account.
  OperatorResult open_account(const char* name, std::uint16_t plan_id, std::int64_t amount) {
    account_name_ = name;
    OperatorRequest r = account_request(OperatorKind::create_account);
    r.plan = plan_id;
    r.amount = amount;
    imsi_ = "00101000000000" + std::string(1, name[0]);
    imsi_.back() = static_cast<char>('0' + name[0] % 10);
    r.identity_count = 1;
    r.identities[0].type = rating::IdentityType::imsi;
    r.identities[0].size = static_cast<std::uint8_t>(imsi_.size());
    std::memcpy(r.identities[0].text, imsi_.data(), imsi_.size());
    const OperatorReply reply = operate(r);
    if (reply.result == OperatorResult::ok) subscriber_ = reply.subscriber;
    session_id_ = "gw;" + std::string(name);
    return reply.result;
  }
  OperatorReply buy(std::uint16_t plan_id, std::int64_t starts_at = 0, bool running = false) {
    OperatorRequest r = account_request(OperatorKind::buy_product);
    r.plan = plan_id;
    r.starts_at = static_cast<std::uint32_t>(starts_at);
    r.flag = running;
    return operate(r);
  }
  OperatorResult end(std::uint16_t plan_id, bool with_period = false) {
    OperatorRequest r = account_request(OperatorKind::end_product);
    r.plan = plan_id;
    r.flag = with_period;
    return operate(r).result;
  }
  OperatorResult change_plan(std::uint16_t plan_id) {
    OperatorRequest r = account_request(OperatorKind::set_plan);
    r.plan = plan_id;
    return operate(r).result;
  }
  OperatorResult top_up(std::int64_t amount) {
    OperatorRequest r = account_request(OperatorKind::credit);
    r.amount = amount;
    return operate(r).result;
  }
  void settle_all() {
    for (int i = 0; i < 100 && due(); ++i) {
    }
  }

  struct Shown {
    Account account;
    std::vector<rating::Bucket> buckets;
  };
  Shown show() {
    OperatorRequest r = account_request(OperatorKind::show_account);
    r.now = now();
    std::vector<std::uint8_t> reply(limits::answer_bytes_max);
    shard_->apply(r, reply, record_, outcome_);
    const std::uint8_t* at = reply.data() + sizeof(OperatorReply);
    ShowHeader header;
    std::memcpy(&header, at, sizeof header);
    Shown shown;
    std::memcpy(static_cast<void*>(&shown.account), at + sizeof header, sizeof(Account));
    at += sizeof header + sizeof(Account) + header.subscriber_count * sizeof(Subscriber) +
          header.identity_count * sizeof(OperatorIdentity);
    shown.buckets.resize(header.bucket_count);
    if (header.bucket_count != 0)
      std::memcpy(static_cast<void*>(shown.buckets.data()), at,
                  header.bucket_count * sizeof(rating::Bucket));
    return shown;
  }
  std::int64_t wallet() { return show().buckets.at(0).free(); }
  // Free units of a kind, all its buckets together.
  std::int64_t free_of(std::uint16_t kind) {
    std::int64_t sum = 0;
    for (const rating::Bucket& b : show().buckets) sum += b.kind == kind ? b.free() : 0;
    return sum;
  }
  std::vector<std::int64_t> each_of(std::uint16_t kind) {
    std::vector<std::int64_t> all;
    for (const rating::Bucket& b : show().buckets)
      if (b.kind == kind) all.push_back(b.free());
    return all;
  }

  const char* account_name_ = "a";
  std::array<const rating::Plan*, 16> plans_by_id_{};
  std::map<std::uint16_t, std::vector<Fee>> fees_;
  std::map<std::uint16_t, std::vector<Allowance>> allowances_;
};

TEST_F(Products, V08ANegativeBalanceBlocks) {
  fee(plan(2), 100'500'000, month);
  ASSERT_EQ(open_account("b", 2, 0), OperatorResult::ok);
  EXPECT_EQ(wallet(), -100'500'000);
  initial();
  EXPECT_EQ(outcome_.charge.mscc[0].reason, Reason::no_credit);
  EXPECT_EQ(wallet(), -100'500'000);
}

TEST_F(Products, V44OneTimeAndRecurringFees) {
  rating::Plan& once = plan(2);
  fee(once, 1900);
  fee(once, 100);
  ASSERT_EQ(open_account("b", 2, 0), OperatorResult::ok);
  EXPECT_EQ(wallet(), -2000);

  rating::Plan& bundle = plan(3);
  for (const int amount : {1900, 100, 1000}) fee(bundle, amount);
  ASSERT_EQ(open_account("c", 3, 0), OperatorResult::ok);
  EXPECT_EQ(wallet(), -3000);

  rating::Plan& with_allowance = plan(4);
  fee(with_allowance, 1000);
  allowance(with_allowance, 7, 100'000'000'000);
  ASSERT_EQ(open_account("d", 4, 0), OperatorResult::ok);
  EXPECT_EQ(wallet(), -1000);
  EXPECT_EQ(free_of(7), 100'000'000'000);

  rating::Plan& two = plan(5);
  fee(two, 2995, month);
  fee(two, 5, hour);
  ASSERT_EQ(open_account("e", 5, 0), OperatorResult::ok);
  EXPECT_EQ(wallet(), -3000);
  fee(two, 1000, Period{PeriodUnit::year, 1});
  ASSERT_EQ(open_account("f", 5, 0), OperatorResult::ok);
  EXPECT_EQ(wallet(), -4000);
}

TEST_F(Products, V44TheNextMonthCountsFromTheFormerDueDate) {
  seconds_ = jan_31 + 3600;
  rating::Plan& p = plan(2);
  fee(p, 2995);
  fee(p, 1250, month);
  allowance(p, 7, 100'000'000'000, month);
  ASSERT_EQ(open_account("b", 2, 0), OperatorResult::ok);
  EXPECT_EQ(wallet(), -4245);
  ASSERT_EQ(top_up(10'000'000), OperatorResult::ok);
  seconds_ = jan_31 + 29 * 86400 + 3599;
  settle_all();
  EXPECT_EQ(wallet(), 9'995'755);
  ++seconds_;  // 29 February, the last day of the month
  settle_all();
  EXPECT_EQ(wallet(), 9'994'505);
  EXPECT_EQ(each_of(7), std::vector<std::int64_t>{100'000'000'000});
  EXPECT_EQ(show().account.settle_at, jan_31 + 60 * 86400 + 3600);  // 31 March
}

TEST_F(Products, WhatIsDueIsSettledByTheRequestThatFindsIt) {
  rating::Plan& p = plan(2);
  fee(p, 1000, day);
  allowance(p, 7, 500, day);
  ASSERT_EQ(open_account("b", 2, eur), OperatorResult::ok);
  initial();
  EXPECT_EQ(outcome_.charge.mscc[0].granted, 1000);  // 500 of the bucket, 500 of money
  seconds_ += 86400;
  update(1, 800);
  EXPECT_EQ(outcome_.product_count, 1u);
  EXPECT_EQ(outcome_.products[0].event, ProductEvent::renewed);
  EXPECT_EQ(outcome_.products[0].fee, 1000);
  // 500 of the former day's bucket, which was reserved, and 300 of the new day's.
  EXPECT_EQ(outcome_.charge.mscc[0].used_by_buckets, 800);
  EXPECT_EQ(outcome_.charge.mscc[0].charged, 0);
  terminate(2, 0);
  EXPECT_EQ(each_of(7), std::vector<std::int64_t>{200});
  EXPECT_EQ(wallet(), eur - 2000);
}

TEST_F(Products, AMissedDayIsChargedAndLeavesNothing) {
  rating::Plan& p = plan(2);
  fee(p, 1000, day);
  allowance(p, 7, 500, day);
  ASSERT_EQ(open_account("b", 2, eur), OperatorResult::ok);
  seconds_ += 10 * 86400 + 5;
  settle_all();
  EXPECT_EQ(wallet(), eur - 11 * 1000);
  EXPECT_EQ(each_of(7), std::vector<std::int64_t>{500});
}

TEST_F(Products, RolloverIsCappedAndEndsAfterItsPeriods) {
  rating::Plan& p = plan(2);
  Allowance& a = allowance(p, 7, 500, day);
  a.rollover = 2;
  a.rollover_max = 700;
  ASSERT_EQ(open_account("b", 2, 0), OperatorResult::ok);
  seconds_ += 86400;
  settle_all();
  EXPECT_EQ(free_of(7), 1000);  // 500 carried
  seconds_ += 86400;
  settle_all();
  EXPECT_EQ(free_of(7), 1200);  // 700 carried at most: 500 of yesterday's, 200 of the older
  seconds_ += 86400;
  settle_all();
  EXPECT_EQ(free_of(7), 1200);
}

TEST_F(Products, WhatWasCarriedIsUsedFirstOrLast) {
  for (const bool first : {true, false}) {
    const std::uint16_t id = first ? 2 : 3;
    Allowance& a = allowance(plan(id), 7, 500, day);
    a.rollover = 1;
    a.rolled_first = first;
    ASSERT_EQ(open_account(first ? "b" : "c", id, 0), OperatorResult::ok);
    seconds_ += 86400;
    settle_all();
    initial();
    terminate(1, 100);
    EXPECT_EQ(each_of(7), first ? (std::vector<std::int64_t>{400, 500})
                                : (std::vector<std::int64_t>{500, 400}));
  }
}

TEST_F(Products, ACalendarMonthIsProrated) {
  seconds_ = jan_31 + 43'200;  // half of the last of 31 days is left
  rating::Plan& p = plan(2);
  p.terms.calendar = p.terms.prorate = true;
  fee(p, 62'000'001, month);
  allowance(p, 7, 62'000'001, month).step = 1000;
  ASSERT_EQ(open_account("b", 2, 0), OperatorResult::ok);
  EXPECT_EQ(wallet(), -1'000'000);
  EXPECT_EQ(free_of(7), 1'000'000);
  seconds_ = jan_31 + 86400;
  settle_all();
  EXPECT_EQ(wallet(), -63'000'001);
  EXPECT_EQ(each_of(7), std::vector<std::int64_t>{62'000'001});
}

TEST_F(Products, AFeeThatMustBePaidRefusesThePurchaseAndEndsTheRenewal) {
  rating::Plan& pack = plan(3, true);
  pack.terms.unpaid_fee = UnpaidFee::refuse;
  fee(pack, 1000, day);
  allowance(pack, 7, 500, day);
  plan(2);
  ASSERT_EQ(open_account("b", 2, 999), OperatorResult::ok);
  EXPECT_EQ(buy(3).result, OperatorResult::insufficient);
  EXPECT_EQ(wallet(), 999);
  ASSERT_EQ(top_up(1001), OperatorResult::ok);
  EXPECT_EQ(buy(3).result, OperatorResult::ok);
  EXPECT_EQ(wallet(), 1000);
  seconds_ += 86400;
  settle_all();
  EXPECT_EQ(wallet(), 0);
  seconds_ += 86400;
  settle_all();
  EXPECT_EQ(wallet(), 0);
  EXPECT_EQ(each_of(7), std::vector<std::int64_t>{});
  EXPECT_EQ(show().account.first_product, none);
}

TEST_F(Products, ASuspendedPlanDeniesUntilItIsPaidAndCountsAnew) {
  rating::Plan& p = plan(2);
  p.terms.unpaid_fee = UnpaidFee::suspend;
  fee(p, 1000, day);
  allowance(p, 7, 5000, day);
  ASSERT_EQ(open_account("b", 2, 1500), OperatorResult::ok);
  initial();
  EXPECT_EQ(outcome_.charge.mscc[0].granted, 1000);
  seconds_ += 86400;
  update(1, 100);
  EXPECT_EQ(outcome_.charge.mscc[0].reason, Reason::denied);
  EXPECT_EQ(wallet(), 500);
  seconds_ += 5000;
  ASSERT_EQ(top_up(500), OperatorResult::ok);
  EXPECT_EQ(outcome_.push_count, 1u);  // the session may go on
  EXPECT_EQ(wallet(), 0);
  EXPECT_EQ(show().account.settle_at, static_cast<std::uint32_t>(seconds_ + 86400));
  update(2, 0);
  EXPECT_EQ(outcome_.charge.mscc[0].granted, 1000);
}

TEST_F(Products, PurchasesQueueOrAreRefused) {
  rating::Plan& pack = plan(3, true);
  pack.terms.lasts = day;
  pack.terms.again = rating::BoughtAgain::queue;
  allowance(pack, 7, 500);
  plan(2);
  ASSERT_EQ(open_account("b", 2, 0), OperatorResult::ok);
  EXPECT_EQ(buy(3).result, OperatorResult::ok);
  EXPECT_EQ(buy(3).result, OperatorResult::ok);
  EXPECT_EQ(free_of(7), 500);
  pack.terms.again = rating::BoughtAgain::refuse;
  EXPECT_EQ(buy(3).result, OperatorResult::held);
  seconds_ += 86400;
  settle_all();
  EXPECT_EQ(free_of(7), 500);  // the second one's
  seconds_ += 86400;
  settle_all();
  EXPECT_EQ(free_of(7), 0);
  EXPECT_EQ(show().account.first_product, none);
}

TEST_F(Products, ARunningProductIsTakenUpWithoutFeeAndOnce) {
  rating::Plan& pack = plan(3, true);
  fee(pack, 1000, day);
  plan(2);
  ASSERT_EQ(open_account("b", 2, 5000), OperatorResult::ok);
  const std::int64_t since = seconds_ - 3 * 86400 - 100;
  EXPECT_EQ(buy(3, since, true).result, OperatorResult::ok);
  EXPECT_EQ(buy(3, since, true).result, OperatorResult::unchanged);
  EXPECT_EQ(wallet(), 5000);
  EXPECT_EQ(show().account.settle_at, static_cast<std::uint32_t>(since + 4 * 86400));
  seconds_ = since + 4 * 86400;
  settle_all();
  EXPECT_EQ(wallet(), 4000);
}

TEST_F(Products, APurchaseSinceAWhileSettlesItsPeriods) {
  rating::Plan& pack = plan(3, true);
  fee(pack, 1000, day);
  allowance(pack, 7, 500, day);
  plan(2);
  ASSERT_EQ(open_account("b", 2, 10'000), OperatorResult::ok);
  EXPECT_EQ(buy(3, seconds_ - 2 * 86400 + 1).result, OperatorResult::ok);
  EXPECT_EQ(wallet(), 8000);
  EXPECT_EQ(each_of(7), std::vector<std::int64_t>{500});
}

TEST_F(Products, AnEndTakesItsAllowancesUnlessTheyAreKept) {
  for (const bool keep : {false, true}) {
    const std::uint16_t id = keep ? 4 : 3;
    rating::Plan& pack = plan(id, true);
    pack.terms.keeps_allowances = keep;
    allowance(pack, 7, 500, day);
    plan(2);
    ASSERT_EQ(open_account(keep ? "c" : "b", 2, 0), OperatorResult::ok);
    EXPECT_EQ(end(id), OperatorResult::not_found);
    ASSERT_EQ(buy(id).result, OperatorResult::ok);
    EXPECT_EQ(end(id), OperatorResult::ok);
    initial();
    EXPECT_EQ(outcome_.charge.mscc[0].granted, keep ? 500 : 0);
    EXPECT_EQ(show().account.settle_at, 0u);
  }
}

TEST_F(Products, AnEndWithItsPeriodWaitsForIt) {
  rating::Plan& pack = plan(3, true);
  fee(pack, 1000, day);
  plan(2);
  ASSERT_EQ(open_account("b", 2, 10'000), OperatorResult::ok);
  ASSERT_EQ(buy(3).result, OperatorResult::ok);
  EXPECT_EQ(end(3, true), OperatorResult::ok);
  EXPECT_NE(show().account.first_product, none);
  seconds_ += 86400;
  settle_all();
  EXPECT_EQ(wallet(), 9000);
  EXPECT_EQ(show().account.first_product, none);
}

TEST_F(Products, AChangeOfPlanEndsTheOneAndStartsTheOther) {
  rating::Plan& first = plan(2);
  fee(first, 1000, day);
  allowance(first, 7, 500, day);
  rating::Plan& second = plan(3);
  fee(second, 10);
  fee(second, 2000, day);
  allowance(second, 8, 600, day);
  ASSERT_EQ(open_account("b", 2, 10'000), OperatorResult::ok);
  initial();
  EXPECT_EQ(change_plan(3), OperatorResult::ok);
  EXPECT_EQ(outcome_.push_count, 1u);
  EXPECT_EQ(change_plan(3), OperatorResult::unchanged);
  EXPECT_EQ(wallet(), 10'000 - 1000 - 10 - 2000 - 500);  // 500 reserved
  update(1, 500);
  EXPECT_EQ(outcome_.charge.mscc[0].used_by_buckets, 500);  // what was reserved of the former plan
  EXPECT_EQ(free_of(8) + 600, 600);                         // 600 reserved for the new grant
  terminate(2, 0);
  EXPECT_EQ(free_of(7), 0);
  EXPECT_EQ(free_of(8), 600);
  rating::Plan& pack = plan(4, true);
  pack.terms.addon = true;
  EXPECT_EQ(change_plan(4), OperatorResult::invalid);
}

TEST_F(Products, APlanThatGetsTermsIsTakenUpByItsAccounts) {
  rating::Plan& p = plan(2);
  ASSERT_EQ(open_account("b", 2, 10'000), OperatorResult::ok);
  fee(p, 5000);
  fee(p, 1000, day);
  set_storage_[1] = rating::PlanSet{2, plans_by_id_.data(), 16};
  sets_[1] = &set_storage_[1];
  OperatorRequest r;
  r.kind = OperatorKind::switch_plan;
  r.plan_version = 2;
  ASSERT_EQ(operate(r).result, OperatorResult::ok);
  settle_all();
  EXPECT_EQ(wallet(), 9000);
  seconds_ += 86400;
  settle_all();
  EXPECT_EQ(wallet(), 8000);
}

TEST_F(Products, AStatusAndATopUpWakeTheSessions) {
  plan(2);
  ASSERT_EQ(open_account("b", 2, 1000), OperatorResult::ok);
  initial();
  EXPECT_TRUE(outcome_.charge.mscc[0].flags & rating::outcome_final);
  OperatorRequest r = account_request(OperatorKind::set_status);
  r.status = AccountStatus::barred;
  ASSERT_EQ(operate(r).result, OperatorResult::ok);
  EXPECT_EQ(outcome_.push_count, 1u);
  ASSERT_EQ(top_up(5000), OperatorResult::ok);
  EXPECT_EQ(outcome_.push_count, 0u);  // one is on its way
}

TEST_F(Products, TheBucketsOfManyProductsStopAtTheAccountsBound) {
  rating::Plan& pack = plan(3, true);
  for (std::uint16_t k = 0; k < 16; ++k) allowance(pack, static_cast<std::uint16_t>(20 + k), 5);
  plan(2);
  ASSERT_EQ(open_account("b", 2, 0), OperatorResult::ok);
  OperatorResult last = OperatorResult::ok;
  std::size_t bought = 0;
  for (; bought < 10 && last == OperatorResult::ok; ++bought) last = buy(3).result;
  EXPECT_EQ(last, OperatorResult::full);
  EXPECT_EQ(show().buckets.size(), 1 + 16 * (bought - 1));
}

}  // namespace
}  // namespace levy::shard
