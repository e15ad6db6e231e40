// Tombstones under pressure: the oldest ended sessions make room, and nothing else does.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/shard/review_scene.hpp"

namespace levy::shard {
namespace {

using rating::Reason;
using rating::RequestType;

Capacity sized(std::size_t sessions, std::size_t texts = 8, std::size_t verdicts = 8192) {
  Capacity c;
  c.sessions = sessions;
  c.texts = texts;
  c.verdicts = verdicts;
  return c;
}

class Tombstones : public ReviewScene {
 protected:
  explicit Tombstones(Capacity capacity = sized(4)) : ReviewScene(capacity) {}

  Reason open(const std::string& id, std::uint32_t group = 1) {
    session_id_ = id;
    return initial(group);
  }
  // A session that ends with 100 octets used.
  void ended(const std::string& id) {
    ASSERT_EQ(open(id), Reason::ok) << id;
    ASSERT_EQ(terminate(1, 100), Reason::ok) << id;
    seconds_ += 1;
  }
  Reason again(const std::string& id) {
    session_id_ = id;
    return terminate(1, 100);
  }
  void has_tombstone(const std::string& id, bool has) {
    const std::int64_t before = spent();
    EXPECT_EQ(again(id), has ? Reason::ok : Reason::unknown_session) << id;
    EXPECT_EQ((outcome_.events & event_duplicate) != 0, has) << id;
    EXPECT_EQ(outcome_.record_kind == RecordKind::dispute, !has) << id;
    EXPECT_EQ(spent(), before) << id;
  }
};

TEST_F(Tombstones, TheOldestMakesRoomInTheSameRecord) {
  ended("a");
  ended("b");
  ended("c");
  EXPECT_EQ(open("d"), Reason::ok);
  EXPECT_EQ(outcome_.tombstones_given_up, 0u);
  const std::uint64_t sequence = shard_->state().sequence;
  EXPECT_EQ(open("e"), Reason::ok);
  EXPECT_EQ(outcome_.tombstones_given_up, 1u);
  EXPECT_TRUE(outcome_.events & event_tombstones_given_up);
  EXPECT_EQ(shard_->state().sequence, sequence + 1);
  RecordView view;
  ASSERT_TRUE(read_record(journal_.back(), view));
  ASSERT_EQ(view.given_up.size(), 1u);
  EXPECT_EQ(view.given_up[0], outcome_.session);  // the new session lies in its slot
  EXPECT_EQ(view.session_id, "e");
  has_tombstone("a", false);
  has_tombstone("b", true);
  has_tombstone("c", true);
  EXPECT_EQ(shard_->totals().sessions_open, 2u);
}

TEST_F(Tombstones, EventsAndOpenSessionsStay) {
  for (const char* id : {"x", "y"}) {
    session_id_ = id;
    EXPECT_EQ(event(0), Reason::ok);
  }
  EXPECT_EQ(open("o"), Reason::ok);
  ended("a");
  EXPECT_EQ(open("b"), Reason::ok);
  EXPECT_EQ(outcome_.tombstones_given_up, 1u);
  EXPECT_EQ(open("c"), Reason::unable_to_comply);
  EXPECT_TRUE(outcome_.events & event_pool_full);
  for (const char* id : {"x", "y"}) {
    session_id_ = id;
    EXPECT_EQ(event(0), Reason::ok);
    EXPECT_TRUE(outcome_.events & event_duplicate);
  }
  session_id_ = "o";
  EXPECT_EQ(update(1, 10), Reason::ok);
  EXPECT_EQ(spent(), 2 + 100 + 10);
}

TEST_F(Tombstones, AnEventTakesTheirPlaceToo) {
  for (const char* id : {"a", "b", "c", "d"}) ended(id);
  session_id_ = "x";
  EXPECT_EQ(event(0), Reason::ok);
  EXPECT_EQ(outcome_.tombstones_given_up, 1u);
  has_tombstone("a", false);
  has_tombstone("b", true);
}

TEST_F(Tombstones, ARefusedRequestGivesNothingUp) {
  for (const char* id : {"a", "b", "c", "d"}) ended(id);
  const std::uint64_t before = shard_->digest();
  const rating::PlanSet* const plans = sets_[0];
  sets_[0] = nullptr;
  EXPECT_EQ(open("e"), Reason::rating_failed);
  EXPECT_EQ(outcome_.events, 0u);
  EXPECT_EQ(outcome_.record_bytes, 0u);
  EXPECT_EQ(shard_->digest(), before);
  sets_[0] = plans;
  has_tombstone("a", true);
  EXPECT_EQ(open("e"), Reason::ok);
  has_tombstone("a", false);
  has_tombstone("b", true);
}

TEST_F(Tombstones, ALateReportMakesOneYoungAgain) {
  for (const char* id : {"a", "b", "c", "d"}) ended(id);
  session_id_ = "a";
  EXPECT_EQ(update(9, 5), Reason::unknown_session);
  EXPECT_TRUE(outcome_.events & event_late_usage);
  EXPECT_EQ(open("e"), Reason::ok);
  has_tombstone("a", true);
  has_tombstone("b", false);
}

TEST_F(Tombstones, AfterARestartTheEarliestDeadlineGoesFirst) {
  for (const char* id : {"a", "b", "c", "d"}) ended(id);
  session_id_ = "a";
  EXPECT_EQ(update(9, 5), Reason::unknown_session);
  restart();
  recovered();
  EXPECT_EQ(open("e"), Reason::ok);
  EXPECT_EQ(open("f"), Reason::ok);
  has_tombstone("b", false);
  has_tombstone("c", false);
  has_tombstone("d", true);
  has_tombstone("a", true);
}

TEST_F(Tombstones, TheNewSessionKeepsItsOwnDeadlineAndPushes) {
  for (const char* id : {"a", "b", "c", "d"}) ended(id);
  EXPECT_EQ(open("e"), Reason::ok);
  const Slot slot = outcome_.session;
  OperatorRequest r;
  r.kind = OperatorKind::reauthorize;
  std::strcpy(r.session_id, "e");
  EXPECT_EQ(operate(r).result, OperatorResult::ok);
  EXPECT_EQ(outcome_.push_count, 1u);
  seconds_ += options_.duplicate_window;  // past every tombstone, before Tcc
  while (due()) {
  }
  EXPECT_EQ(shard_->totals().sessions_kept, 1u);
  EXPECT_EQ(shard_->session(slot).state, SessionState::open);
  seconds_ += 1200;
  EXPECT_TRUE(due());
  EXPECT_TRUE(outcome_.events & event_session_lost);
}

TEST_F(Tombstones, AReplayedInitialOpensASessionThatTccReturns) {
  for (const char* id : {"a", "b", "c", "d"}) ended(id);
  EXPECT_EQ(open("e"), Reason::ok);
  EXPECT_EQ(terminate(1, 100), Reason::ok);
  const std::int64_t before = spent();
  EXPECT_EQ(open("a"), Reason::ok);
  EXPECT_EQ(shard_->totals().reserved, 1000);
  seconds_ += 1201;
  while (due()) {
  }
  EXPECT_EQ(shard_->totals().reserved, 0);
  EXPECT_EQ(spent(), before);
}

TEST_F(Tombstones, ManyRoundsEndInTheStateThatTheRecordsGive) {
  for (int i = 0; i < 200; ++i) {
    ended("s" + std::to_string(i) + (i % 3 == 0 ? std::string(120, 'x') : std::string()));
    if (i % 50 != 7) continue;
    const std::uint64_t live = shard_->digest();
    restart();
    ASSERT_EQ(shard_->digest(), live);
    recovered();
  }
  EXPECT_EQ(spent(), 200 * 100);
  EXPECT_EQ(shard_->totals().sessions_kept, 4u);
}

class FewTexts : public Tombstones {
 protected:
  FewTexts() : Tombstones(sized(16, 1)) {}
  static std::string tail(const char* id) { return id + std::string(120, 't'); }
};

TEST_F(FewTexts, OnlyTombstonesWithATextMakeRoomForOne) {
  ended("short");
  ended(tail("a"));
  EXPECT_EQ(open(tail("b")), Reason::ok);
  EXPECT_EQ(outcome_.tombstones_given_up, 1u);
  has_tombstone("short", true);
  has_tombstone(tail("a"), false);
  EXPECT_EQ(open(tail("c")), Reason::unable_to_comply);  // an open session holds the only one
  EXPECT_TRUE(outcome_.events & event_pool_full);
  session_id_ = tail("b");
  EXPECT_EQ(terminate(1, 1), Reason::ok);
  restart();
  recovered();
  EXPECT_EQ(open(tail("c")), Reason::ok);
}

class FewVerdicts : public Tombstones {
 protected:
  FewVerdicts() : Tombstones(sized(16, 8, 6)) {}
  rating::ChargeRequest three(RequestType type, std::uint32_t number) {
    rating::ChargeRequest r = request(type, number, 1, 10, -1);
    r.mscc_count = 3;
    for (std::uint32_t i = 1; i < 3; ++i) {
      r.mscc[i] = r.mscc[0];
      r.mscc[i].rating_group = i + 1;
    }
    return r;
  }
};

TEST_F(FewVerdicts, AsManyMakeRoomAsTheRequestHasRows) {
  for (const char* id : {"a", "b", "c"}) ended(id);  // two rows each
  session_id_ = "d";
  EXPECT_EQ(charge(three(RequestType::initial, 0)), Reason::ok);
  EXPECT_EQ(outcome_.tombstones_given_up, 2u);
  has_tombstone("a", false);
  has_tombstone("b", false);
  has_tombstone("c", true);
  // An open session's own verdicts go last.
  session_id_ = "d";
  EXPECT_EQ(charge(three(RequestType::update, 1)), Reason::ok);
  EXPECT_EQ(outcome_.tombstones_given_up, 1u);
  EXPECT_EQ(charge(three(RequestType::initial, 0)), Reason::ok);
  EXPECT_TRUE(outcome_.events & event_duplicate);
  EXPECT_EQ(charge(three(RequestType::update, 2)), Reason::ok);
  EXPECT_EQ(outcome_.tombstones_given_up, 0u);
  EXPECT_EQ(charge(three(RequestType::initial, 0)), Reason::unable_to_comply);
}

TEST_F(FewVerdicts, ALateReportNeverGivesUpItsOwnTombstone) {
  ended("a");
  EXPECT_EQ(open("b"), Reason::ok);
  for (std::uint32_t n = 1; n < 4; ++n) EXPECT_EQ(update(n, 1), Reason::ok);  // six rows
  session_id_ = "a";
  EXPECT_EQ(update(9, 5), Reason::unknown_session);
  EXPECT_TRUE(outcome_.events & event_late_usage);
  EXPECT_EQ(outcome_.tombstones_given_up, 0u);
  EXPECT_EQ(spent(), 100 + 3 + 5);
}

class LargestTombstone : public Tombstones {
 protected:
  LargestTombstone() : Tombstones(sized(1, 1)) {}
  rating::ChargeRequest widest(RequestType type, std::uint32_t number) {
    rating::ChargeRequest r = request(type, number, 1, 10, type == RequestType::initial ? -1 : 1);
    r.mscc_count = limits::mscc_max;
    for (std::uint32_t i = 1; i < r.mscc_count; ++i) {
      r.mscc[i] = r.mscc[0];
      r.mscc[i].service_identifier_count = 1;
      r.mscc[i].service_identifiers[0] = i;
    }
    return r;
  }
};

TEST_F(LargestTombstone, FitsTheRecordOfTheLargestInitial) {
  OperatorRequest r;
  r.kind = OperatorKind::credit;
  std::strcpy(r.account_name, "a");
  r.unit = rating::Unit::octets;
  r.amount = 7;
  for (std::uint16_t kind = 1; kind < limits::buckets_per_account_max; ++kind) {
    r.bucket_kind = kind;
    EXPECT_EQ(operate(r).result, OperatorResult::ok);
  }
  for (const std::string id : {"a", "b"}) {
    session_id_ = id + std::string(limits::session_id_bytes_max - 1, 'x');
    EXPECT_EQ(charge(widest(RequestType::initial, 0)), Reason::ok);
    EXPECT_EQ(outcome_.tombstones_given_up, id == "b" ? 1u : 0u);
    for (std::uint32_t n = 1; n < 9; ++n)
      EXPECT_EQ(charge(widest(RequestType::update, n)), Reason::ok);
    EXPECT_EQ(charge(widest(RequestType::termination, 9)), Reason::ok);
  }
}

}  // namespace
}  // namespace levy::shard
