// Faults found by review: charges. Repeats that were charged twice, usage that was free.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/shard/review_scene.hpp"

namespace levy::shard {
namespace {

using rating::Reason;
using rating::RequestType;

class ReviewCharge : public ReviewScene {};

TEST_F(ReviewCharge, TerminationRepeatedAfterItsVerdictIsGoneIsNotChargedAgain) {
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(terminate(1, 500), Reason::ok);
  for (std::uint32_t n = 10; n < 20; ++n) EXPECT_EQ(update(n, 1), Reason::unknown_session);
  EXPECT_EQ(spent(), 510);
  EXPECT_EQ(terminate(1, 500), Reason::unable_to_comply);
  EXPECT_EQ(spent(), 510);
}

TEST_F(ReviewCharge, EventRepeatedAfterItsVerdictIsGoneIsNotChargedAgain) {
  for (std::uint32_t n = 0; n < 12; ++n) EXPECT_EQ(event(n), Reason::ok);
  EXPECT_EQ(spent(), 12);
  EXPECT_EQ(event(0), Reason::unable_to_comply);
  EXPECT_EQ(event(11), Reason::ok);
  EXPECT_EQ(spent(), 12);
}

TEST_F(ReviewCharge, FurtherEventIsKnownForItsWholeWindow) {
  EXPECT_EQ(event(0), Reason::ok);
  seconds_ += options_.duplicate_window - 1;
  EXPECT_EQ(event(1), Reason::ok);
  seconds_ += 10;
  while (due()) {
  }
  EXPECT_EQ(event(1), Reason::ok);
  EXPECT_TRUE(outcome_.events & event_duplicate);
  EXPECT_EQ(spent(), 2);
}

TEST_F(ReviewCharge, EventUnderAnOpenSessionIsRefused) {
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(event(1), Reason::unable_to_comply);
  EXPECT_EQ(outcome_.record_bytes, 0u);
  EXPECT_EQ(shard_->totals().reserved, 1000);
}

TEST_F(ReviewCharge, UsageOfAGroupThatTheNewPlanLacksIsDebitedUnderItsOldPlan) {
  EXPECT_EQ(initial(2), Reason::ok);
  EXPECT_EQ(shard_->totals().reserved, 1000);
  // The old version lies behind an empty place, as after the oldest version has gone.
  add_plan_set(1, 2, review_plan(false));
  sets_[2] = sets_[0];
  sets_[0] = nullptr;
  OperatorRequest r;
  r.kind = OperatorKind::switch_plan;
  r.plan_version = 2;
  EXPECT_EQ(operate(r).result, OperatorResult::ok);
  EXPECT_EQ(update(1, 700, 2), Reason::ok);
  EXPECT_EQ(outcome_.charge.mscc[0].reason, Reason::rating_failed);
  EXPECT_EQ(spent(), 700);
  EXPECT_EQ(shard_->totals().reserved, 0);
}

TEST_F(ReviewCharge, RepeatThatNamesAnotherGroupGetsNoGrant) {
  EXPECT_EQ(initial(1), Reason::ok);
  EXPECT_EQ(initial(2), Reason::unable_to_comply);
  EXPECT_TRUE(outcome_.events & event_duplicate_differs);
  EXPECT_EQ(outcome_.mscc_count, 0);
}

TEST_F(ReviewCharge, RefusalLeavesNoEvents) {
  EXPECT_EQ(initial(), Reason::ok);
  for (std::uint32_t g = 0; g < limits::groups_per_session_max - 1; ++g) {
    rating::ChargeRequest r = request(RequestType::update, g + 1, 1, 10, -1);
    r.mscc[0].service_identifier_count = 1;
    r.mscc[0].service_identifiers[0] = g + 1;
    EXPECT_EQ(charge(r), Reason::ok);
  }
  rating::ChargeRequest r = request(RequestType::update, 90, 2, 10, -1);
  EXPECT_EQ(charge(r), Reason::unable_to_comply);
  EXPECT_EQ(outcome_.events, std::uint32_t{event_pool_full});
  // Its usage is not lost at the end: a termination needs no room.
  EXPECT_EQ(terminate(91, 40, 2), Reason::ok);
  EXPECT_EQ(spent(), 40);
  EXPECT_EQ(shard_->totals().reserved, 0);
}

Capacity few(std::size_t verdicts, std::size_t hosts) {
  Capacity c;
  c.verdicts = verdicts;
  c.hosts = hosts;
  c.sessions = 64;
  return c;
}

class ReviewFull : public ReviewScene {
 protected:
  ReviewFull() : ReviewScene(few(2, 2)) {}
};

TEST_F(ReviewFull, OpenSessionsGoOnWithoutFreeVerdicts) {
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(update(1, 10), Reason::ok);
  EXPECT_EQ(update(2, 10), Reason::ok);  // in the place of the oldest
  EXPECT_EQ(update(2, 10), Reason::ok);
  EXPECT_TRUE(outcome_.events & event_duplicate);
  EXPECT_EQ(update(1, 10), Reason::ok);
  EXPECT_EQ(initial(), Reason::unable_to_comply);  // known, its verdict is gone
  EXPECT_EQ(terminate(3, 10), Reason::ok);
  EXPECT_EQ(spent(), 30);
  session_id_ = "gw;2";
  EXPECT_EQ(initial(), Reason::ok);  // in the place of the tombstone
  EXPECT_EQ(outcome_.tombstones_given_up, 1u);
  EXPECT_EQ(update(1, 10), Reason::ok);
  session_id_ = "gw;3";
  EXPECT_EQ(initial(), Reason::unable_to_comply);  // a new session finds no room
  EXPECT_EQ(shard_->totals().sessions_kept, 1u);
}

TEST_F(ReviewFull, GatewaysWithoutSessionsMakeRoomForNewNames) {
  for (int i = 0; i < 5; ++i) {
    origin_host_ = "gw" + std::to_string(i);
    session_id_ = origin_host_ + ";1";
    ASSERT_EQ(initial(), Reason::ok) << i;
    EXPECT_EQ(shard_->host(shard_->session(outcome_.session).host).host(), origin_host_);
    EXPECT_EQ(terminate(1, 1), Reason::ok);
    seconds_ += options_.duplicate_window + 1;
    while (due()) {
    }
  }
}

TEST_F(ReviewFull, GatewaysWithSessionsKeepTheirNames) {
  for (const char* name : {"a", "b"}) {
    origin_host_ = name;
    session_id_ = origin_host_ + ";1";
    EXPECT_EQ(initial(), Reason::ok);
  }
  origin_host_ = "c";
  session_id_ = "c;1";
  EXPECT_EQ(initial(), Reason::unable_to_comply);
  EXPECT_EQ(shard_->host(0).host(), "a");
  EXPECT_EQ(shard_->host(1).host(), "b");
}

}  // namespace
}  // namespace levy::shard
