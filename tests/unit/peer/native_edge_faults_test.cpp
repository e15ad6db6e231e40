// NativeEdge over a faulty network, and its outbound connections: retries and elections.
#include <gtest/gtest.h>

#include "tests/unit/peer/edge_support.hpp"

namespace levy::test {
namespace {

// ---- outbound ----------------------------------------------------------------------------------

TEST(EdgeOutbound, RetriesAfterTc) {
  SimNetwork network(1);
  network.set_now(start);
  Daemon daemon(network, "ocs.example.net", {}, small_options());
  const std::uint32_t listener = network.add_listener();
  network.close_listener(listener);
  daemon.transport.add_target(listener);
  daemon.node.add("gw1.example.net", 0);
  daemon.begin();
  for (int second = 0; second <= 61; ++second) {
    network.set_now(start + Seconds{second});
    daemon.turn();
    daemon.turn();
  }
  EXPECT_EQ(daemon.count(EventKind::connect_failed), 3u);  // at 0, 30 and 60 s
  EXPECT_EQ(daemon.events[0].error, 111);
  EXPECT_EQ(daemon.events[0].origin_host.view(), "gw1.example.net");
  EXPECT_EQ(daemon.edge->connections_open(), 0u);
}

TEST(EdgeOutbound, OpensAndComesBackAfterALoss) {
  SimNetwork network(1);
  network.set_now(start);
  Daemon daemon(network, "ocs.example.net", {}, small_options());
  const std::uint32_t listener = network.add_listener();
  daemon.transport.add_target(listener);
  daemon.node.add("gw1.example.net", 0);
  daemon.begin();
  for (int round = 0; round < 2; ++round) {
    network.set_now(start + Seconds{round * 40});
    daemon.turn();
    daemon.turn();
    SimClient client(network);
    ASSERT_TRUE(client.accept(listener));
    std::vector<std::uint8_t> bytes;
    client.receive(bytes);
    auto messages = take_messages(bytes);
    ASSERT_EQ(messages.size(), 1u);
    client.send(cea({}, codec::read_header(messages[0]).hop_by_hop));
    client.send(ccr(static_cast<std::uint32_t>(round) + 1));
    daemon.turn();
    EXPECT_EQ(daemon.count(EventKind::peer_up), static_cast<std::size_t>(round) + 1);
    EXPECT_EQ(daemon.delivered.size(), static_cast<std::size_t>(round) + 1);
    client.close();
    daemon.turn();
    daemon.turn();
    EXPECT_EQ(daemon.count(EventKind::peer_down), static_cast<std::size_t>(round) + 1);
  }
}

// DO_NOT_WANT_TO_TALK_TO_YOU, on the connection that we began and on one that it began.
TEST(EdgeOutbound, IsQuietWhenThePeerWantsIt) {
  for (const bool inbound : {false, true}) {
    SimNetwork network(1);
    network.set_now(start);
    Daemon daemon(network, "ocs.example.net", {}, small_options());
    const std::uint32_t listener = network.add_listener();
    daemon.transport.add_target(listener);
    daemon.node.add("gw1.example.net", 0);
    daemon.begin();
    SimClient client(network);
    if (inbound) {
      client.connect(daemon.transport.listener());
      client.send(cer());
    }
    daemon.turn();
    daemon.turn();
    SimClient called(network);
    if (!inbound) {
      ASSERT_TRUE(called.accept(listener));
      std::vector<std::uint8_t> bytes;
      called.receive(bytes);
      called.send(cea({}, codec::read_header(take_messages(bytes).at(0)).hop_by_hop));
    }
    SimClient& peer = inbound ? client : called;
    daemon.turn();
    ASSERT_EQ(daemon.count(EventKind::peer_up), 1u) << inbound;
    peer.send(dpr(2));
    daemon.turn();
    peer.close();
    std::size_t calls = 0;
    for (int second = 1; second < 2 * 6000; ++second) {
      network.set_now(start + Seconds{second});
      daemon.turn();
      SimClient next(network);
      if (!next.accept(listener)) continue;
      ++calls;
      EXPECT_GE(second, 6000) << inbound;  // 200 Tc
      next.close();
    }
    EXPECT_GT(calls, 0u) << inbound;
  }
}

// Two nodes that connect to each other at once: exactly one connection remains, the one that the
// node with the greater name accepted (RFC 6733 5.6.4).
TEST(EdgeOutbound, ElectionBothWays) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SimFaults faults;
    faults.delay_micros_max = 5000;
    faults.split = 0.3;
    SimNetwork network(seed, faults);
    network.set_now(start);
    Daemon low(network, "aaa.example.net", {}, small_options());
    Daemon high(network, "zzz.example.net", {}, small_options());
    low.transport.add_target(high.transport.listener());
    high.transport.add_target(low.transport.listener());
    low.node.add("zzz.example.net", 0);
    high.node.add("aaa.example.net", 0);
    // To the letter of RFC 6733 (one connection per host), or with room for a CER that comes when
    // the election is over: its connection is already closed at the other end.
    const bool strict = seed % 2 == 0;
    if (strict) {
      low.node.settings.connections_per_host_max = 1;
      high.node.settings.connections_per_host_max = 1;
    }
    low.begin();
    high.begin();
    for (int turn = 0; turn < 4000; ++turn) {
      network.set_now(Time{start.micros + turn * 1000});
      if (network.below(3) != 0) low.turn();
      if (network.below(3) != 0) high.turn();
    }
    ASSERT_EQ(low.edge->connections_open(), 1u) << seed;
    ASSERT_EQ(high.edge->connections_open(), 1u) << seed;
    const ConnectionRef at_high = high.edge->find_connection("aaa.example.net", "", {});
    const ConnectionRef at_low = low.edge->find_connection("zzz.example.net", "", {});
    ASSERT_TRUE(high.edge->valid(at_high)) << seed;
    ASSERT_TRUE(low.edge->valid(at_low)) << seed;
    if (strict) {
      EXPECT_EQ(low.count(EventKind::peer_up), 1u) << seed;
      EXPECT_EQ(high.count(EventKind::peer_up), 1u) << seed;
    }
    EXPECT_NE(high.edge->peer_info(at_high)->initiated, low.edge->peer_info(at_low)->initiated);
  }
}

// ---- faults ------------------------------------------------------------------------------------

// Whatever the network does to the bytes, what is delivered is a prefix of what was sent, in
// order, and every DWR is answered once.
TEST(EdgeFaults, PrefixInOrder) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SimFaults faults;
    faults.split = 0.5;
    faults.withhold = 0.3;
    faults.partial_send = 0.3;
    faults.delay_micros_max = 3000;
    faults.drop_connection = seed % 3 == 0 ? 0.002 : 0;
    SimNetwork network(seed, faults);
    network.set_now(start);
    Daemon daemon(network, "ocs.example.net", {"gw1.example.net"}, small_options());
    daemon.begin();
    SimClient client(network);
    ASSERT_TRUE(client.connect(daemon.transport.listener()));
    Message out = cer();
    std::uint32_t sent = 0;
    std::uint32_t watchdogs = 0;
    std::vector<std::uint8_t> in;
    std::size_t answers = 0;
    bool broken = false;
    for (int turn = 0; turn < 3000; ++turn) {
      network.set_now(Time{start.micros + turn * 200});
      if (sent < 300 && network.below(2) == 0) {
        const Message one =
            network.below(5) == 0 ? dwr(++watchdogs) : ccr(++sent, network.below(3000));
        out.insert(out.end(), one.begin(), one.end());
      }
      const std::ptrdiff_t taken = client.send(out);
      if (taken < 0) {
        broken = true;
      } else {
        out.erase(out.begin(), out.begin() + taken);
      }
      daemon.slots = network.below(4);
      daemon.turn();
      client.receive(in);
      answers += take_messages(in).size();
    }
    for (std::uint32_t i = 0; i < daemon.delivered.size(); ++i) {
      ASSERT_EQ(daemon.delivered[i].number, i + 1) << seed;
    }
    if (!broken && daemon.edge->connections_open() == 1) {
      EXPECT_EQ(daemon.delivered.size(), sent) << seed;
      EXPECT_EQ(answers, watchdogs + 1) << seed;
    } else {
      EXPECT_NE(faults.drop_connection, 0) << seed;
    }
  }
}

TEST(EdgeFaults, ConnectionsComeAndGoWithoutLeak) {
  SimFaults faults;
  faults.drop_connection = 0.05;
  faults.delay_micros_max = 2000;
  SimNetwork network(7, faults);
  network.set_now(start);
  Daemon daemon(network, "ocs.example.net", {"gw1.example.net"}, small_options());
  daemon.echo = true;
  daemon.begin();
  std::vector<SimClient> clients(6, SimClient(network));
  for (int turn = 0; turn < 20000; ++turn) {
    network.set_now(Time{start.micros + turn * 500});
    SimClient& client = clients[network.below(clients.size())];
    if (!client.connected()) {
      client.connect(daemon.transport.listener());
      client.send(cer());
    } else if (client.send(ccr(1)) < 0 || network.below(20) == 0) {
      network.below(2) == 0 ? client.close() : client.reset();
    }
    daemon.turn();
  }
  for (SimClient& client : clients) client.reset();
  for (int i = 0; i < 10; ++i) daemon.turn();
  EXPECT_EQ(daemon.edge->connections_open(), 0u);
  EXPECT_EQ(daemon.transport.connections_open(), 0u);
  const auto& counters = daemon.edge->counters();
  EXPECT_GT(counters.connections_accepted, 200u);
  EXPECT_EQ(counters.connections_accepted, counters.connections_closed);
  EXPECT_EQ(daemon.count(EventKind::peer_up), daemon.count(EventKind::peer_down));
  EXPECT_EQ(counters.events_lost, 0u);
}

}  // namespace
}  // namespace levy::test
