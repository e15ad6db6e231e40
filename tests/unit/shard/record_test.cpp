// What a Record says by itself: who, where, which rule, which buckets, without the state beside it.
#include "engine/shard/record.hpp"

#include "tests/unit/shard/review_scene.hpp"

namespace levy::shard {
namespace {

class Facts : public ReviewScene {
 protected:
  RecordView last() {
    RecordView view;
    EXPECT_TRUE(read_record(journal_.back(), view));
    return view;
  }
};

TEST_F(Facts, EveryRecordOfASessionNamesSessionAccountAndHost) {
  initial();
  update(1, 100);
  const RecordView view = last();
  EXPECT_EQ(view.session_id, "gw;1");
  EXPECT_EQ(view.account, "a");
  EXPECT_EQ(view.host, "gw");
  EXPECT_EQ(view.header.host_bytes, 0);  // the Session-Id begins with it
  ASSERT_EQ(view.buckets.size(), 1u);
  EXPECT_EQ(view.buckets[0].bucket, view.movements[0].bucket);
  EXPECT_EQ(view.buckets[0].currency, 978);
  EXPECT_EQ(view.buckets[0].unit, static_cast<int>(rating::Unit::money));
  EXPECT_EQ(view.buckets[0].main_wallet, 1);
  EXPECT_EQ(view.mscc[0].plan_version, 1);
}

TEST_F(Facts, AHostThatTheSessionIdDoesNotNameIsWritten) {
  origin_host_ = "relayed.example";
  initial();
  EXPECT_EQ(last().host, "relayed.example");
  EXPECT_EQ(last().session_id, "gw;1");
}

TEST_F(Facts, WhereAndWhen) {
  auto r = request(rating::RequestType::initial, 0, 1, 1000, -1);
  r.has_event_timestamp = true;
  r.event_timestamp = now();
  r.serving_plmn = "00101";
  r.rat_type = 7;
  r.service_context_id = "32251@3gpp.org";
  r.user_location = "0123456789abcdefX";
  r.called_party = "4915112345678";
  charge(r);
  const RecordView view = last();
  ASSERT_NE(view.charge, nullptr);
  EXPECT_EQ(view.charge->event_timestamp, review_start);
  EXPECT_EQ(view.charge->serving_plmn, 101u | 5u << 24);
  EXPECT_EQ(view.charge->rat_type, 7);
  EXPECT_EQ(view.charge->context, rating::context_data);
  EXPECT_EQ(view.location, "0123456789abcdef");
  EXPECT_EQ(view.called, "4915112345678");
}

// The account has moved on to a plan version with other names; the usage was granted before.
TEST_F(Facts, UsageNamesTheTariffOfTheGrantThatItConsumed) {
  auto named = review_plan();
  named->services[0].name = 70;
  named->services[0].tax_permille = 190;
  add_plan_set(1, 2, std::move(named));
  auto later = review_plan();
  later->services[0].name = 71;
  add_plan_set(2, 3, std::move(later));
  const auto switch_to = [this](std::uint16_t version) {
    OperatorRequest r;
    r.kind = OperatorKind::switch_plan;
    r.plan_version = version;
    operate(r);
  };
  switch_to(2);
  initial();
  switch_to(3);
  update(1, 100);
  const MsccFact first = last().mscc[0];
  EXPECT_EQ(first.service, 70);
  EXPECT_EQ(first.plan_version, 2);
  EXPECT_EQ(first.tax_permille, 190);
  EXPECT_EQ(last().header.plan_version, 3);
  terminate(2, 100);
  EXPECT_EQ(last().mscc[0].service, 71);
  EXPECT_EQ(last().mscc[0].plan_version, 3);
}

TEST_F(Facts, WhatALostSessionIsChargedForIsToldByGroup) {
  plans_[0]->services[0].on_lost = rating::OnLost::charge_reserved;
  initial();
  seconds_ += 2000;
  ASSERT_TRUE(due());
  const RecordView view = last();
  EXPECT_EQ(view.header.kind, RecordKind::session_lost);
  EXPECT_EQ(view.session_id, "gw;1");
  ASSERT_EQ(view.lost.size(), 1u);
  EXPECT_EQ(view.lost[0].rating_group, 1u);
  EXPECT_EQ(view.lost[0].used, 1000);
  EXPECT_EQ(view.lost[0].charged, 1000);
}

TEST_F(Facts, TruncatedRecordsAreNone) {
  initial();
  const auto whole = journal_.back();
  RecordView view;
  EXPECT_FALSE(read_record({whole.data(), whole.size() - 8}, view));
  auto wrong = whole;
  wrong[offsetof(RecordHeader, session_bytes)] = 255;
  EXPECT_FALSE(read_record(wrong, view));
}

}  // namespace
}  // namespace levy::shard
