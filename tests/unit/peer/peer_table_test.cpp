// Origin-State-Ids, relays, and where a request of ours goes.
#include <gtest/gtest.h>

#include "tests/unit/peer/peer_machine.hpp"

namespace levy::test {
namespace {

using peer::EventKind;

TEST_F(PeerMachine, RaisedOriginStateId) {
  open(0);
  frame(0, dwr(1, 7));
  EXPECT_FALSE(noted(EventKind::origin_state_raised));
  frame(0, dwr(1, 0));
  EXPECT_FALSE(noted(EventKind::origin_state_raised));
  frame(0, dwr(1, 6));
  EXPECT_FALSE(noted(EventKind::origin_state_raised));
  frame(0, dwr(1, 9));
  ASSERT_TRUE(noted(EventKind::origin_state_raised));
  EXPECT_EQ(action.events[0].value_old, 7u);
  EXPECT_EQ(action.events[0].value_new, 9u);
  // Beyond the connection, and whatever the case of the name.
  table[0].on_closed(action);
  Caps caps;
  caps.host = "GW1.example.net";
  caps.origin_state_id = 12;
  accept(1);
  frame(1, cer(caps));
  EXPECT_TRUE(noted(EventKind::origin_state_raised));
}

// The nodes of a cluster share a name and not a value.
TEST_F(PeerMachine, OriginStateIdThatDoesNotCount) {
  node.list[0].origin_state_counts = false;
  open(0);
  EXPECT_FALSE(table[0].info().origin_state_counts);
  frame(0, dwr(1, 9));
  EXPECT_FALSE(noted(EventKind::origin_state_raised));
  EXPECT_EQ(result_of(sent()), 2001u);
  // Nor for those that no line names, when the default dialect says so.
  node.settings.accept_unknown = true;
  node.settings.unknown_origin_state_counts = false;
  Caps stranger;
  stranger.host = "stranger.example.net";
  open(1, stranger);
  frame(1, dwr(1, 9));
  EXPECT_FALSE(noted(EventKind::origin_state_raised));
  // Ours to begin with.
  frame(2, cea({}, connect(2)));
  EXPECT_FALSE(table[2].info().origin_state_counts);
}

TEST_F(PeerMachine, RelayByAnnouncementOrByItsLine) {
  open(0);
  EXPECT_FALSE(table[0].info().relay);
  node.list[0].relay = true;
  open(1);
  EXPECT_TRUE(table[1].info().relay);
  node.list[0].relay = false;
  Caps agent;
  agent.auth = {0xffffffff};
  open(2, agent);
  EXPECT_TRUE(table[2].info().relay);
}

TEST_F(PeerMachine, FindConnection) {
  node.settings.accept_unknown = true;
  Caps other_host;
  other_host.host = "gw2.example.net";
  Caps agent;
  agent.host = "dra.transit.net";
  agent.realm = "transit.net";
  agent.auth = {0xffffffff};
  EXPECT_EQ(table.find_connection("gw1.example.net", "example.net", none), none);
  open(2, agent);
  EXPECT_EQ(table.find_connection("gw1.example.net", "example.net", none), 2u);
  open(1, other_host);
  EXPECT_EQ(table.find_connection("gw1.example.net", "example.net", none), 1u);
  open(0);
  EXPECT_EQ(table.find_connection("gw1.example.net", "example.net", none), 0u);
  EXPECT_EQ(table.find_connection("gw1.example.net", "example.net", 2), 2u);
  EXPECT_EQ(table.find_connection("x.other.net", "other.net", none), 2u);
  // A suspect one only when nothing else is there of its rank; one that left never.
  open(3);
  table[0].on_time(node.settings, start + Seconds{30}, action);
  table[0].on_time(node.settings, start + Seconds{60}, action);
  EXPECT_EQ(table.find_connection("gw1.example.net", "example.net", 0), 3u);
  table[3].on_closed(action);
  EXPECT_EQ(table.find_connection("gw1.example.net", "example.net", 0), 0u);
  table[2].on_closed(action);
  EXPECT_EQ(table.find_connection("x.other.net", "other.net", none), none);
}

}  // namespace
}  // namespace levy::test
