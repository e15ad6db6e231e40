// A raised Origin-State-Id: it counts, or judges nothing.
#include "tests/unit/shard/review_scene.hpp"

namespace levy::shard {
namespace {

class OriginState : public ReviewScene {
 protected:
  // Opens (or updates) `session` with that value.
  void say(const char* session, std::uint32_t value, bool counts,
           rating::RequestType type = rating::RequestType::initial) {
    rating::ChargeRequest r = request(type, number_++, 1, 1000, -1);
    r.session_id = session;
    r.has_origin_state_id = true;
    r.origin_state_id = value;
    ChargeContext context;
    context.now = now();
    context.session_hash = hash_bytes(r.session_id, 1);
    context.subscriber = subscriber_;
    context.origin_state_counts = counts;
    shard_->apply(r, context, record_, outcome_);
    keep();
    EXPECT_EQ(outcome_.reason, rating::Reason::ok);
    raised_ = (outcome_.events & event_origin_state_raised) != 0;
  }
  // Everything that is due now; how many sessions were lost by it.
  int lost() {
    int count = 0;
    while (due()) count += (outcome_.events & event_session_lost) != 0;
    return count;
  }
  std::uint32_t number_ = 0;
  bool raised_ = false;
};

TEST_F(OriginState, RaisedEndsTheOlderSessions) {
  say("a", 7, true);
  say("b", 7, true);
  EXPECT_FALSE(raised_);
  EXPECT_EQ(lost(), 0);
  say("c", 8, true);
  EXPECT_TRUE(raised_);
  EXPECT_EQ(lost(), 2);
}

TEST_F(OriginState, ValueThatDoesNotCountRaisesNothing) {
  say("a", 7, true);
  say("b", 4'000'000'000, false);
  EXPECT_FALSE(raised_);
  EXPECT_EQ(lost(), 0);
  // The host itself raises it by one: `b`, of whom nothing is known, stays.
  say("c", 8, true);
  EXPECT_TRUE(raised_);
  EXPECT_EQ(lost(), 1);
}

TEST_F(OriginState, NodesOfAClusterKeepTheirSessions) {
  say("a", 100, false);
  say("b", 200, false);
  say("c", 100, false);
  say("a", 200, false, rating::RequestType::update);
  EXPECT_EQ(lost(), 0);
  // The operator's configuration changed to `ignore` while `d` was open: at its next report the
  // value that it was opened with is forgotten.
  say("d", 5, true);
  say("d", 6, false, rating::RequestType::update);
  say("e", 6, true);
  EXPECT_TRUE(raised_);
  EXPECT_EQ(lost(), 0);
}

}  // namespace
}  // namespace levy::shard
