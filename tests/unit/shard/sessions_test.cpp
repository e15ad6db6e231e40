// Sessions: superseding, Tcc, and what is charged of lost ones.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/shard/review_scene.hpp"

namespace levy::shard {
namespace {

using rating::Reason;
using rating::RequestType;

class Sessions : public ReviewScene {
 protected:
  // An initial under `id` on the bearer with charging id "C".
  Reason open(const char* id, const char* context) {
    session_id_ = id;
    rating::ChargeRequest r = request(RequestType::initial, 0, 1, 1000, -1);
    r.service_context_id = context;
    r.called_station_id = "internet";
    r.charging_id = "C";
    return charge(r);
  }
  // The session of `group` is lost by its deadline.
  void lost(std::uint32_t group) {
    ASSERT_EQ(initial(group), Reason::ok);
    seconds_ += 1201;
    ASSERT_TRUE(due());
    ASSERT_TRUE(outcome_.events & event_session_lost);
    ASSERT_EQ(shard_->totals().reserved, 0);
  }
  std::uint32_t seconds_left() {
    return shard_->session(outcome_.session).deadline - static_cast<std::uint32_t>(seconds_);
  }
};

constexpr const char* data = "32251@3gpp.org";
constexpr const char* ims = "32260@3gpp.org";

TEST_F(Sessions, ANewOneOfTheSameBearerSupersedes) {
  EXPECT_EQ(open("1", data), Reason::ok);
  EXPECT_EQ(open("2", data), Reason::ok);
  EXPECT_TRUE(outcome_.events & event_superseded);
  EXPECT_EQ(shard_->totals().sessions_open, 1u);
}

TEST_F(Sessions, ADialectLetsThemLiveBesideEachOther) {
  supersede_ = false;
  EXPECT_EQ(open("1", data), Reason::ok);
  EXPECT_EQ(open("2", data), Reason::ok);
  EXPECT_FALSE(outcome_.events & event_superseded);
  EXPECT_EQ(shard_->totals().sessions_open, 2u);
}

TEST_F(Sessions, AnotherServiceContextNeverSupersedes) {
  EXPECT_EQ(open("1", data), Reason::ok);
  EXPECT_EQ(open("2", ims), Reason::ok);
  EXPECT_FALSE(outcome_.events & event_superseded);
  EXPECT_EQ(open("3", ""), Reason::ok);
  EXPECT_FALSE(outcome_.events & event_superseded);
  EXPECT_EQ(shard_->totals().sessions_open, 3u);
  EXPECT_EQ(open("4", ims), Reason::ok);
  EXPECT_TRUE(outcome_.events & event_superseded);
  session_id_ = "1";
  EXPECT_EQ(update(1, 10), Reason::ok);
}

// ---- Tcc

TEST_F(Sessions, AValidityTimeWithoutUnitsIsOutstandingToo) {
  EXPECT_EQ(initial(5), Reason::ok);  // redirected, no units (V-93)
  EXPECT_EQ(outcome_.charge.mscc[0].validity, 600u);
  EXPECT_EQ(outcome_.charge.mscc[0].granted, 0);
  EXPECT_EQ(seconds_left(), 1200u);
  EXPECT_EQ(update(1, 0, 5), Reason::ok);
  EXPECT_EQ(outcome_.charge.mscc[0].validity, 600u);
  EXPECT_EQ(seconds_left(), 1200u);
  EXPECT_EQ(update(2, 0, 1), Reason::ok);  // another group's answer leaves it outstanding
  EXPECT_EQ(charge(request(RequestType::update, 3, 1, -1, 10)), Reason::ok);
  EXPECT_EQ(seconds_left(), 1200u);
  // An answer without a Validity-Time ends it, as one without a grant ends a grant's.
  EXPECT_EQ(charge(request(RequestType::update, 4, 5, -1, 0)), Reason::ok);
  EXPECT_EQ(seconds_left(), 86'400u);
}

// ---- repeats

// A verdict's service is one of the plan version that gave it, whatever the account's plan is now.
TEST_F(Sessions, ARepeatNamesTheServiceOfThePlanThatWasAsked) {
  EXPECT_EQ(initial(5), Reason::ok);
  EXPECT_TRUE(outcome_.charge.mscc[0].flags & rating::outcome_redirect);
  EXPECT_EQ(outcome_.charge.mscc[0].plan, plans_[0].get());
  add_plan_set(1, 2, review_plan(false));  // its services count otherwise
  OperatorRequest r;
  r.kind = OperatorKind::switch_plan;
  r.plan_version = 2;
  operate(r);
  EXPECT_EQ(initial(5), Reason::ok);
  EXPECT_TRUE(outcome_.events & event_duplicate);
  EXPECT_EQ(outcome_.plan, plans_[1].get());
  const rating::MsccOutcome& m = outcome_.charge.mscc[0];
  EXPECT_EQ(m.plan, plans_[0].get());
  EXPECT_EQ(m.plan_version, 1);
  EXPECT_EQ(m.plan->services[m.service].final_action, rating::FinalAction::redirect);
  EXPECT_EQ(update(1, 0, 5), Reason::ok);
  EXPECT_EQ(outcome_.charge.mscc[0].plan, plans_[1].get());
  restart();  // it lies in the verdict's image
  recovered();
  EXPECT_EQ(initial(5), Reason::ok);
  EXPECT_EQ(outcome_.charge.mscc[0].plan, plans_[0].get());
  sets_[0] = nullptr;  // the version has gone
  EXPECT_EQ(initial(5), Reason::ok);
  EXPECT_EQ(outcome_.charge.mscc[0].plan, nullptr);
}

// ---- lost

TEST_F(Sessions, WhatALossReleasedIsDebitedOnceWhenReportedLate) {
  lost(1);
  EXPECT_EQ(spent(), 0);
  EXPECT_EQ(update(1, 700), Reason::unknown_session);
  EXPECT_EQ(outcome_.record_kind, RecordKind::late_usage);
  EXPECT_EQ(spent(), 700);
  EXPECT_EQ(update(1, 700), Reason::unknown_session);
  EXPECT_TRUE(outcome_.events & event_duplicate);
  EXPECT_EQ(spent(), 700);
}

TEST_F(Sessions, WhatALossChargedIsADisputeWhenReportedLate) {
  lost(3);
  EXPECT_EQ(spent(), 1000);
  for (const bool by_termination : {false, true}) {
    EXPECT_EQ(by_termination ? terminate(2, 700, 3) : update(1, 700, 3), Reason::unknown_session);
    EXPECT_EQ(outcome_.record_kind, RecordKind::dispute);
    EXPECT_TRUE(outcome_.events & event_dispute);
    RecordView view;
    ASSERT_TRUE(read_record(journal_.back(), view));
    EXPECT_EQ(view.session_id, session_id_);
    EXPECT_EQ(view.mscc[0].used, 700);
    EXPECT_EQ(view.header.movement_count, 0);
    EXPECT_EQ(spent(), 1000);
  }
  restart();  // the mark lies in the session's image
  recovered();
  EXPECT_EQ(update(3, 5, 3), Reason::unknown_session);
  EXPECT_EQ(outcome_.record_kind, RecordKind::dispute);
  EXPECT_EQ(spent(), 1000);
  EXPECT_EQ(initial(3), Reason::ok);  // its repeat is answered as ever
  EXPECT_TRUE(outcome_.events & event_duplicate);
}

TEST_F(Sessions, AnAssumedUseIsChargedOnceAsWell) {
  lost(4);
  EXPECT_EQ(spent(), 250);
  EXPECT_EQ(terminate(1, 700, 4), Reason::unknown_session);
  EXPECT_EQ(outcome_.record_kind, RecordKind::dispute);
  EXPECT_EQ(spent(), 250);
}

TEST_F(Sessions, ALossWithoutAGrantChargesNothing) {
  EXPECT_EQ(initial(3), Reason::ok);
  EXPECT_EQ(charge(request(RequestType::update, 1, 3, -1, 400)), Reason::ok);
  seconds_ += 86'401;
  ASSERT_TRUE(due());
  EXPECT_EQ(spent(), 400);
  EXPECT_EQ(update(2, 60, 3), Reason::unknown_session);
  EXPECT_EQ(outcome_.record_kind, RecordKind::late_usage);
  EXPECT_EQ(spent(), 460);
}

}  // namespace
}  // namespace levy::shard
