// Plan versions under open sessions: who is asked to report after a reload, and who is counted.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include <map>

#include "tests/unit/shard/review_scene.hpp"

namespace levy::shard {
namespace {

using rating::OnNewVersion;
using rating::Reason;
using rating::RequestType;

class Versions : public ReviewScene {
 protected:
  Versions() { reload(2); }

  // Group 1 is pinned, group 2 asks for a report, the others move with their next one.
  static std::unique_ptr<rating::Plan> plan() {
    auto plan = review_plan();
    plan->services[0].on_new_version = OnNewVersion::pin;
    plan->services[1].on_new_version = OnNewVersion::reauthorize;
    return plan;
  }
  void switch_to(std::uint16_t version) {
    OperatorRequest r;
    r.kind = OperatorKind::switch_plan;
    r.plan_version = version;
    operate(r);
  }
  void reload(std::uint16_t version) {
    add_plan_set(version - 1u, version, plan());
    switch_to(version);
  }
  // Session `id` with a grant of each of the groups.
  void open(const char* id, std::vector<std::uint32_t> groups) {
    session_id_ = id;
    supersede_ = false;
    ASSERT_EQ(initial(groups[0]), Reason::ok);
    for (std::size_t i = 1; i < groups.size(); ++i)
      ASSERT_EQ(charge(request(RequestType::update, static_cast<std::uint32_t>(i), groups[i], 1000,
                               -1)),
                Reason::ok);
  }
  // The RAR of the next Record of the sweep; number 0: nobody is asked.
  Push asked() {
    if (!due()) return {};
    EXPECT_EQ(outcome_.record_kind, RecordKind::sweep);
    EXPECT_EQ(outcome_.push_count, 1u);
    return outcome_.pushes[0];
  }
  void answer(const Push& push) {
    PushAnswer a;
    a.now = now();
    a.session = push.session;
    a.check = static_cast<std::uint32_t>(shard_->session_hash(shard_->session(push.session)));
    a.number = push.number;
    a.result_code = 2001;
    shard_->apply(a, record_, outcome_);
    keep();
  }
  // version -> (sessions, groups), of all pages.
  std::map<std::uint16_t, std::pair<std::uint64_t, std::uint64_t>> use() {
    std::map<std::uint16_t, std::pair<std::uint64_t, std::uint64_t>> sum;
    OperatorRequest r;
    r.kind = OperatorKind::plan_use;
    while (r.cursor != none) {
      std::vector<std::uint8_t> reply(limits::answer_bytes_max);
      shard_->apply(r, reply, record_, outcome_);
      OperatorReply head;
      std::memcpy(static_cast<void*>(&head), reply.data(), sizeof head);
      for (std::uint32_t i = 0; i < head.payload_items; ++i) {
        VersionUse row;
        std::memcpy(static_cast<void*>(&row), reply.data() + sizeof head + i * sizeof row,
                    sizeof row);
        sum[row.version].first += row.sessions;
        sum[row.version].second += row.groups;
      }
      r.cursor = head.id;
    }
    return sum;
  }
};

TEST_F(Versions, OnlyWhoHoldsAnOlderGrantOfSuchAServiceIsAsked) {
  open("pinned", {1});
  open("moves", {3});
  open("asked", {1, 2});
  const Slot slot = outcome_.session;
  EXPECT_EQ(asked().number, 0u);
  reload(3);
  const Push push = asked();
  EXPECT_EQ(push.session, slot);
  EXPECT_TRUE(push.has_rating_group);
  EXPECT_EQ(push.rating_group, 2u);
  EXPECT_EQ(asked().number, 0u);
  answer(push);
  session_id_ = "asked";
  EXPECT_EQ(update(7, 100, 2), Reason::ok);
  EXPECT_EQ(outcome_.charge.mscc[0].rated_by.plan_version, 2);
  EXPECT_EQ(outcome_.charge.mscc[0].plan_version, 3);
  EXPECT_EQ(update(8, 100, 1), Reason::ok);
  EXPECT_EQ(outcome_.charge.mscc[0].plan_version, 2);
  switch_to(3);
  EXPECT_EQ(asked().number, 0u);  // what is newest costs nothing
}

TEST_F(Versions, AnUnansweredRarIsNotAskedForTwice) {
  open("a", {2});
  reload(3);
  const Push push = asked();
  EXPECT_EQ(push.number, 1u);
  reload(4);
  EXPECT_EQ(asked().number, 0u);
  answer(push);
  reload(5);
  EXPECT_EQ(asked().number, 2u);
}

TEST_F(Versions, ARestartWalksAgain) {
  open("a", {2});
  open("b", {2});
  reload(3);
  ASSERT_NE(asked().number, 0u);  // one of them, then it stops
  restart();
  recovered();
  std::vector<Slot> slots;  // the first: what was not acknowledged is pushed again
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(due());
    ASSERT_EQ(outcome_.push_count, 1u);
    slots.push_back(outcome_.pushes[0].session);
  }
  EXPECT_NE(slots[0], slots[1]);
  EXPECT_FALSE(due());
}

TEST_F(Versions, OpenSessionsAreCountedByTheVersionsOfTheirGroups) {
  open("old", {1, 3});
  open("ended", {1});
  EXPECT_EQ(terminate(5, 0), Reason::ok);
  reload(3);
  open("new", {1, 2, 3});
  session_id_ = "old";
  EXPECT_EQ(update(9, 0, 3), Reason::ok);
  const auto sum = use();
  EXPECT_EQ(sum.at(0), std::pair(std::uint64_t{1}, std::uint64_t{1}));
  EXPECT_EQ(sum.at(2), std::pair(std::uint64_t{1}, std::uint64_t{1}));
  EXPECT_EQ(sum.at(3), std::pair(std::uint64_t{2}, std::uint64_t{4}));
  EXPECT_EQ(sum.size(), 3u);
}

class ManySessions : public Versions {};

TEST_F(ManySessions, PagesEndAndLeaveNobodyOut) {
  std::vector<std::string> ids;
  for (int i = 0; i < 900; ++i) ids.push_back("s" + std::to_string(i));
  for (const std::string& id : ids) open(id.c_str(), {1, 2});
  reload(3);
  const auto sum = use();
  EXPECT_EQ(sum.at(2), std::pair(std::uint64_t{900}, std::uint64_t{1800}));
  EXPECT_EQ(sum.at(0), std::pair(std::uint64_t{900}, std::uint64_t{1800}));
  int asked_count = 0;
  while (asked().number != 0) ++asked_count;
  EXPECT_EQ(asked_count, 900);
}

}  // namespace
}  // namespace levy::shard
