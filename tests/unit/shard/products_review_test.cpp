// Products: what the review of 25 Nov 2026 found.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/shard/products_scene.hpp"

namespace levy::shard {
namespace {

class ProductsReview : public ProductsScene {};

TEST_F(ProductsReview, AFullAccountRenewsInPlaceAndItsProductsEnd) {
  rating::Plan& pack = plan(3, true);
  for (std::uint16_t k = 0; k < 16; ++k)
    allowance(pack, static_cast<std::uint16_t>(20 + k), 5, day);
  plan(2);
  ASSERT_EQ(open_account("b", 2, 1000), OperatorResult::ok);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(buy(3).result, OperatorResult::ok);
  seconds_ += 86400;
  initial();
  EXPECT_EQ(outcome_.reason, Reason::ok);
  EXPECT_EQ(show().buckets.size(), 49u);
  EXPECT_EQ(end(3), OperatorResult::ok);
  EXPECT_EQ(show().buckets.size(), 33u);
}

TEST_F(ProductsReview, WhatIsCarriedLongestGivesWayWhereThereIsNoRoom) {
  allowance(plan(2), 7, 500, day).rollover = 250;
  ASSERT_EQ(open_account("b", 2, 0), OperatorResult::ok);
  for (int i = 0; i < 100; ++i) {
    seconds_ += 86400;
    settle_all();
  }
  EXPECT_EQ(free_of(7), 63 * 500);  // beside the wallet
  initial();
  EXPECT_EQ(outcome_.charge.mscc[0].granted, 1000);
}

TEST_F(ProductsReview, ForEverOutlivesAReload) {
  plan(2).valid_for = 1000;
  ASSERT_EQ(open_account("b", 2, 0), OperatorResult::ok);
  OperatorRequest r = account_request(OperatorKind::set_validity);
  ASSERT_EQ(operate(r).result, OperatorResult::ok);
  shard_->rebuild(now());
  recovered();
  settle_all();
  EXPECT_EQ(show().account.valid_until, valid_for_ever);
}

TEST_F(ProductsReview, ACycleThatAReloadExchangesGoesOnAfterWhatIsPaidFor) {
  rating::Plan& p = plan(2);
  fee(p, 1000, day);
  ASSERT_EQ(open_account("b", 2, 10'000), OperatorResult::ok);
  p.terms.cycles[0] = Period{PeriodUnit::hour, 24};
  shard_->rebuild(now());
  recovered();
  settle_all();
  EXPECT_EQ(wallet(), 9000);
  seconds_ += 86400;
  settle_all();
  EXPECT_EQ(wallet(), 8000);
  fee(p, 1, hour);  // a further one begins at the reload
  shard_->rebuild(now());
  recovered();
  settle_all();
  EXPECT_EQ(wallet(), 7999);
  seconds_ += 86400;
  settle_all();
  EXPECT_EQ(wallet(), 7999 - 1000 - 24);
}

TEST_F(ProductsReview, WhatASessionReleasesCanPayASuspendedFee) {
  rating::Plan& p = plan(2);
  p.terms.unpaid_fee = UnpaidFee::suspend;
  fee(p, 5000, day);
  ASSERT_EQ(open_account("b", 2, 10'500), OperatorResult::ok);
  initial();  // 1000 reserved
  seconds_ += 86400;
  update(1, 10);
  EXPECT_EQ(outcome_.charge.mscc[0].reason, Reason::denied);
  update(2, 0);
  EXPECT_EQ(outcome_.charge.mscc[0].granted, 490);
}

TEST_F(ProductsReview, WhatIsNoUseStartsNothing) {
  rating::Plan& pack = plan(3, true);
  pack.terms.at_first_use = true;
  fee(pack, 100);
  allowance(pack, 7, 500);
  allowance(pack, 8, 5).unit = Unit::events;
  plan(2);
  ASSERT_EQ(open_account("b", 2, 1000), OperatorResult::ok);
  ASSERT_EQ(buy(3).result, OperatorResult::ok);
  auto enquiry = request(RequestType::event, 0, 9, 1, -1);
  enquiry.has_requested_action = true;
  enquiry.requested_action = rating::RequestedAction::price_enquiry;
  charge(enquiry);
  EXPECT_EQ(wallet(), 1000);
  session_id_ = "gw;none";
  initial();
  EXPECT_EQ(free_of(7), 0);  // started, and reserved
}

TEST_F(ProductsReview, AnEndWithThePeriodOfAPackWithoutPeriodsIsItsOwn) {
  rating::Plan& pack = plan(3, true);
  pack.terms.lasts = month;
  allowance(pack, 7, 500);
  plan(2);
  ASSERT_EQ(open_account("b", 2, 0), OperatorResult::ok);
  ASSERT_EQ(buy(3).result, OperatorResult::ok);
  EXPECT_EQ(end(3, true), OperatorResult::unchanged);
  EXPECT_EQ(free_of(7), 500);
}

}  // namespace
}  // namespace levy::shard
