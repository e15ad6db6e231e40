// Products: fees, allowances, periods, rollover and ends, through the Shard's door.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/shard/products_scene.hpp"

namespace levy::shard {
namespace {

class Products : public ProductsScene {};

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

TEST_F(Products, AnAccountLivesItsPlansTimeAndATopUpProlongsIt) {
  rating::Plan& p = plan(2);
  p.valid_for = 1000;
  p.topup_extends = 500;
  p.grace = 200;
  p.services[1].in_grace = true;
  ASSERT_EQ(open_account("b", 2, eur), OperatorResult::ok);
  seconds_ += 990;
  initial(1);
  EXPECT_EQ(outcome_.charge.mscc[0].validity, 10u);  // the grant ends with its phase
  seconds_ += 10;
  update(1, 100, 1);
  EXPECT_EQ(outcome_.charge.mscc[0].reason, Reason::denied);
  EXPECT_EQ(outcome_.charge.mscc[0].charged, 100);
  update(2, 0, 2);
  EXPECT_EQ(outcome_.charge.mscc[0].granted, 1000);
  EXPECT_EQ(outcome_.charge.mscc[0].validity, 200u);
  seconds_ += 200;
  update(3, 0, 2);
  EXPECT_EQ(outcome_.charge.mscc[0].reason, Reason::denied);
  ASSERT_EQ(top_up(1), OperatorResult::ok);
  EXPECT_EQ(outcome_.push_count, 1u);
  EXPECT_EQ(show().account.valid_until, static_cast<std::uint32_t>(seconds_ + 500));
  update(4, 0, 1);
  EXPECT_EQ(outcome_.charge.mscc[0].granted, 1000);
  ASSERT_EQ(top_up(1), OperatorResult::ok);  // it never shortens
  EXPECT_EQ(show().account.valid_until, static_cast<std::uint32_t>(seconds_ + 500));
  seconds_ += 100;
  OperatorRequest transfer = account_request(OperatorKind::transfer_in);
  std::strcpy(transfer.to_account, "b");
  transfer.amount = 1;
  transfer.currency = 978;
  transfer.from_shard = 1;
  transfer.mail_sequence = 7;
  ASSERT_EQ(operate(transfer).result, OperatorResult::ok);  // as a top-up does
  EXPECT_EQ(show().account.valid_until, static_cast<std::uint32_t>(seconds_ + 500));
  OperatorRequest r = account_request(OperatorKind::set_validity);
  r.ends_at = static_cast<std::uint32_t>(seconds_ + 50);
  ASSERT_EQ(operate(r).result, OperatorResult::ok);
  EXPECT_EQ(show().account.valid_until, static_cast<std::uint32_t>(seconds_ + 50));
  plan(3);
  ASSERT_EQ(change_plan(3), OperatorResult::ok);
  EXPECT_EQ(show().account.valid_until, 0u);  // the new plan sets no end to it
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
