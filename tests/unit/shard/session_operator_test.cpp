// What an operator does with one session: read, re-authorise, abort; each counts once by its key.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/shard/review_scene.hpp"

namespace levy::shard {
namespace {

using rating::Reason;

class SessionOperator : public ReviewScene {
 protected:
  OperatorReply ask(OperatorKind kind, const char* id, const char* key = "",
                    std::uint64_t digest = 0) {
    OperatorRequest r;
    r.kind = kind;
    r.digest = digest;
    std::strcpy(r.session_id, id);
    std::strcpy(r.request_key, key);
    std::strcpy(r.who, "ada");
    return operate(r);
  }
};

TEST_F(SessionOperator, ShowHasTheAccountTheSessionAndItsGroups) {
  ASSERT_EQ(initial(), Reason::ok);
  OperatorRequest r;
  r.kind = OperatorKind::show_session;
  EXPECT_EQ(r.bytes(), sizeof r) << "the id lies at the end of the request";
  std::strcpy(r.session_id, session_id_.c_str());
  std::vector<std::uint8_t> reply(limits::answer_bytes_max);
  const std::size_t size = shard_->apply(r, reply, record_, outcome_);
  OperatorReply head;
  std::memcpy(static_cast<void*>(&head), reply.data(), sizeof head);
  EXPECT_EQ(head.result, OperatorResult::ok);
  ASSERT_EQ(size, sizeof head + sizeof(Account) + sizeof(SessionRow) + sizeof(GroupRow));
  Account account;
  SessionRow row;
  std::memcpy(static_cast<void*>(&account), reply.data() + sizeof head, sizeof account);
  std::memcpy(static_cast<void*>(&row), reply.data() + sizeof head + sizeof account, sizeof row);
  EXPECT_EQ(account.name_text(), "a");
  EXPECT_EQ(row.state.state, SessionState::open);
  EXPECT_EQ(row.group_count, 1u);
  EXPECT_EQ(ask(OperatorKind::show_session, "nobody").result, OperatorResult::not_found);
}

TEST_F(SessionOperator, AnAbortWithAKeyCountsOnce) {
  ASSERT_EQ(initial(), Reason::ok);
  const std::string id = session_id_;
  const std::size_t before = journal_.size();
  EXPECT_EQ(ask(OperatorKind::abort_session, id.c_str(), "k", 1).result, OperatorResult::ok);
  EXPECT_EQ(journal_.size(), before + 1);
  EXPECT_EQ(ask(OperatorKind::abort_session, id.c_str(), "k", 1).result, OperatorResult::unchanged);
  EXPECT_EQ(ask(OperatorKind::abort_session, id.c_str(), "k", 2).result,
            OperatorResult::key_reused);
  EXPECT_EQ(ask(OperatorKind::reauthorize, id.c_str(), "k", 1).result, OperatorResult::key_reused);
  EXPECT_EQ(ask(OperatorKind::abort_session, id.c_str()).result, OperatorResult::not_found);
  restart();
  EXPECT_EQ(ask(OperatorKind::abort_session, id.c_str(), "k", 1).result, OperatorResult::unchanged);
  EXPECT_EQ(journal_.size(), before + 1);
}

TEST_F(SessionOperator, AReauthorizationWithAKeyPushesOnce) {
  ASSERT_EQ(initial(), Reason::ok);
  const std::string id = session_id_;
  EXPECT_EQ(ask(OperatorKind::reauthorize, id.c_str(), "k", 1).result, OperatorResult::ok);
  EXPECT_EQ(outcome_.push_count, 1u);
  EXPECT_EQ(ask(OperatorKind::reauthorize, id.c_str(), "k", 1).result, OperatorResult::unchanged);
  EXPECT_EQ(outcome_.push_count, 0u);
}

}  // namespace
}  // namespace levy::shard
