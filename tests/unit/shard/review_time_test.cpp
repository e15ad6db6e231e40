// Faults found by review: deadlines, restarts, clocks that jump, pushes over a restart.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/shard/review_scene.hpp"

namespace levy::shard {
namespace {

using rating::Reason;

class ReviewTime : public ReviewScene {};

TEST_F(ReviewTime, NothingFallsDueBeforeTheDowntimeIsCounted) {
  EXPECT_EQ(initial(), Reason::ok);
  seconds_ += 86'400;
  restart();
  EXPECT_FALSE(due());
  recovered();
  EXPECT_FALSE(due());
  EXPECT_EQ(update(1, 10), Reason::ok);
  seconds_ += 1200 + 1;  // twice the validity, counted from the update
  EXPECT_TRUE(due());
  EXPECT_TRUE(outcome_.events & event_session_lost);
}

TEST_F(ReviewTime, ClockSetBackOverARestartDelaysNoDeadline) {
  EXPECT_EQ(initial(), Reason::ok);
  EXPECT_EQ(terminate(1, 10), Reason::ok);
  seconds_ -= 30 * 86'400;
  restart();
  recovered();
  seconds_ += options_.duplicate_window + 1;
  EXPECT_TRUE(due());
  EXPECT_EQ(shard_->totals().sessions_kept, 0u);
}

TEST_F(ReviewTime, PushNotAcknowledgedGoesOutAtOnceAfterALongDowntime) {
  EXPECT_EQ(initial(), Reason::ok);
  OperatorRequest r;
  r.kind = OperatorKind::reauthorize;
  std::strcpy(r.session_id, session_id_.c_str());
  EXPECT_EQ(operate(r).result, OperatorResult::ok);
  EXPECT_EQ(outcome_.push_count, 1u);
  seconds_ += 86'400;
  restart();
  recovered();
  EXPECT_TRUE(due());
  EXPECT_EQ(outcome_.push_count, 1u);
}

TEST_F(ReviewTime, DeadlinesSetBeforeTheFirstTurnAreKept) {
  EXPECT_EQ(initial(), Reason::ok);
  seconds_ += 365 * 86'400;  // the first look comes late, over many revolutions
  EXPECT_TRUE(due());
  EXPECT_TRUE(outcome_.events & event_session_lost);
}

TEST(ReviewTimers, EarlierDeadlineThanTheFirstIsNotLate) {
  Timers timers(4, HugePages::off);
  timers.set(0, 1'000'900);
  timers.set(1, 1'000'010);
  EXPECT_EQ(timers.take(1'000'009, 10'000), none);
  EXPECT_EQ(timers.take(1'000'010, 10'000), 1u);
  EXPECT_EQ(timers.take(1'000'899, 10'000), none);
  EXPECT_EQ(timers.take(1'000'900, 10'000), 0u);
}

TEST(ReviewTimers, JumpOfAYearCostsOneRevolution) {
  Timers timers(4, HugePages::off);
  timers.reset(1'000'000);
  timers.set(0, 1'000'500);
  timers.set(1, 40'000'000);
  const std::uint32_t later = 1'000'000 + 365 * 86'400;
  Slot got = none;
  for (std::uint32_t looks = 0; looks < Timers::places / 64 + 2 && got == none; ++looks)
    got = timers.take(later, 64);
  EXPECT_EQ(got, 0u);
  EXPECT_EQ(timers.take(later, 100'000), none);
  EXPECT_EQ(timers.take(40'000'000, 100'000), 1u);
}

}  // namespace
}  // namespace levy::shard
