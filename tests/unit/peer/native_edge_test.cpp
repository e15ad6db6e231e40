// NativeEdge over the simulated network: framing, parking, back-pressure, drain, elections.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/peer/edge_support.hpp"

namespace levy::test {
namespace {

class Edge : public ::testing::Test {
 protected:
  Edge()
      : daemon(network, "ocs.example.net", {"gw1.example.net", "gw2.example.net"},
               small_options()) {
    network.set_now(start);
    daemon.begin();
  }
  void at(Seconds seconds) { network.set_now(start + seconds); }
  std::vector<Message> take(SimClient& client) {
    std::vector<std::uint8_t> bytes;
    still_open = client.receive(bytes);
    return take_messages(bytes);
  }
  void open(SimClient& client, std::string host = "gw1.example.net") {
    ASSERT_TRUE(client.connect(daemon.transport.listener()));
    Caps caps;
    caps.host = std::move(host);
    client.send(cer(caps));
    daemon.turn();
    daemon.turn();
    const auto messages = take(client);
    ASSERT_EQ(messages.size(), 1u);
    ASSERT_EQ(result_of(messages[0]), 2001u);
  }

  SimNetwork network{1};
  Daemon daemon;
  bool still_open = true;
};

TEST_F(Edge, ByteByByte) {
  SimClient client(network);
  ASSERT_TRUE(client.connect(daemon.transport.listener()));
  const Message all = glue({cer(), ccr(1), dwr(0x51), ccr(2, 5000), ccr(3)});
  std::vector<Message> answers;
  for (const std::uint8_t byte : all) {
    client.send({&byte, 1});
    daemon.turn();
    for (Message& message : take(client)) answers.push_back(std::move(message));
  }
  ASSERT_EQ(daemon.delivered.size(), 3u);
  EXPECT_EQ(daemon.delivered[0].number, 1u);
  EXPECT_EQ(daemon.delivered[2].number, 3u);
  EXPECT_EQ(daemon.delivered[0].host, "gw1.example.net");
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(codec::read_header(answers[1]).hop_by_hop, 0x51u);
}

TEST_F(Edge, GluedAtEveryCut) {
  const Message all = glue({cer(), ccr(1), dwr(0x51), ccr(2), dwr(0x52)});
  for (std::size_t cut = 1; cut < all.size(); cut += 7) {
    SimClient client(network);
    ASSERT_TRUE(client.connect(daemon.transport.listener()));
    daemon.delivered.clear();
    client.send(std::span(all).first(cut));
    daemon.turn();
    client.send(std::span(all).subspan(cut));
    daemon.turn();
    ASSERT_EQ(daemon.delivered.size(), 2u) << cut;
    ASSERT_EQ(take(client).size(), 3u) << cut;
    client.close();
    daemon.turn();
    daemon.turn();
    ASSERT_EQ(daemon.edge->connections_open(), 0u);
  }
  EXPECT_EQ(daemon.count(EventKind::peer_up), daemon.count(EventKind::peer_down));
}

TEST_F(Edge, WatchdogBehindParkedMessagesIsAnsweredOnce) {
  SimClient client(network);
  open(client);
  daemon.slots = 0;
  client.send(glue({ccr(1), dwr(0x51), ccr(2), dwr(0x52), cer(), ccr(3)}));
  for (int i = 0; i < 5; ++i) daemon.turn();
  EXPECT_TRUE(daemon.delivered.empty());
  auto answers = take(client);
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(codec::read_header(answers[0]).hop_by_hop, 0x51u);
  EXPECT_EQ(codec::read_header(answers[1]).hop_by_hop, 0x52u);
  EXPECT_EQ(result_of(answers[2]), 5012u);
  EXPECT_EQ(daemon.edge->counters().messages_parked, 3u);
  // More arrives behind them; one slot, then the rest: the order holds, nothing comes twice.
  client.send(glue({dwr(0x53), ccr(4)}));
  daemon.slots = 1;
  daemon.turn();
  ASSERT_EQ(daemon.delivered.size(), 1u);
  EXPECT_EQ(take(client).size(), 1u);
  daemon.slots = 100;
  daemon.turn();
  daemon.turn();
  ASSERT_EQ(daemon.delivered.size(), 4u);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(daemon.delivered[i].number, i + 1);
  EXPECT_TRUE(take(client).empty());
  EXPECT_FALSE(daemon.edge->busy());
}

TEST_F(Edge, ParkingHoldsTheSenderBackAndLosesNothing) {
  network.faults().window_bytes = 64 * 1024;
  SimClient client(network);
  open(client);
  daemon.slots = 0;
  std::uint32_t number = 0;
  Message left;
  const std::uint32_t total = 400;
  for (int turn = 0; turn < 5000 && daemon.delivered.size() < total; ++turn) {
    if (left.empty() && number < total) left = ccr(++number, 900);
    const std::ptrdiff_t taken = client.send(left);
    ASSERT_GE(taken, 0);
    left.erase(left.begin(), left.begin() + taken);
    if (turn > 300) daemon.slots = 1;
    daemon.turn();
    if (turn == 300) {  // one full receive buffer and one full window, and no more
      EXPECT_LT(number, 160u);
      EXPECT_GT(number, 100u);
    }
  }
  ASSERT_EQ(daemon.delivered.size(), total);
  for (std::uint32_t i = 0; i < total; ++i) ASSERT_EQ(daemon.delivered[i].number, i + 1);
}

TEST_F(Edge, AMessageIsAsOldAsItsBytes) {
  SimClient client(network);
  open(client);
  daemon.slots = 0;
  const Time first = network.now();
  client.send(ccr(1));
  daemon.turn();
  network.set_now(Time{first.micros + 2'000'000});
  client.send(ccr(2));
  daemon.turn();
  network.set_now(Time{first.micros + 5'000'000});
  daemon.slots = 10;
  client.send(ccr(3));
  daemon.turn();
  ASSERT_EQ(daemon.delivered.size(), 3u);
  EXPECT_EQ(daemon.delivered[0].arrived, first);
  EXPECT_EQ(daemon.delivered[1].arrived.micros, first.micros + 2'000'000);
  EXPECT_EQ(daemon.delivered[2].arrived, network.now());
}

// A part of the next message always waits: that must not make the whole ones old.
TEST_F(Edge, AStreamThatNeverEndsStaysYoung) {
  SimClient client(network);
  open(client);
  Message stream;
  for (std::uint32_t i = 1; i <= 500; ++i) {
    const Message one = ccr(i);
    stream.insert(stream.end(), one.begin(), one.end());
    const auto most = stream.size() - one.size() / 2;
    client.send({stream.data(), most});
    stream.erase(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(most));
    const std::size_t before = daemon.delivered.size();
    daemon.turn();
    for (std::size_t d = before; d < daemon.delivered.size(); ++d)
      ASSERT_LE(micros_between(daemon.delivered[d].arrived, network.now()), 11'000) << i;
    network.set_now(Time{network.now().micros + 10'000});
  }
  EXPECT_EQ(daemon.delivered.size(), 499u);
}

// After a long stall the marks are coarse: ages are never too low, and too high by an eighth.
TEST_F(Edge, AgesAfterAStallAreNearTheTruth) {
  SimClient client(network);
  open(client);
  daemon.slots = 0;
  const Time first = network.now();
  for (std::uint32_t i = 1; i <= 300; ++i) {
    client.send(ccr(i));
    daemon.turn();
    network.set_now(Time{network.now().micros + 100'000});
  }
  daemon.slots = 1000;
  daemon.turn();
  daemon.turn();
  ASSERT_EQ(daemon.delivered.size(), 300u);
  for (std::uint32_t i = 0; i < 300; ++i) {
    const std::int64_t truth = first.micros + std::int64_t{i} * 100'000;
    ASSERT_LE(daemon.delivered[i].arrived.micros, truth) << i;
    ASSERT_GE(daemon.delivered[i].arrived.micros, truth - 30'000'000 / 8 - 1000) << i;
  }
}

TEST_F(Edge, TheSocketBehindAFullBufferAges) {
  SimClient client(network);
  open(client);
  daemon.slots = 0;
  const Time first = network.now();
  for (std::uint32_t i = 1; i <= 100; ++i) client.send(ccr(i, 900));
  for (int i = 0; i < 3; ++i) daemon.turn();
  network.set_now(Time{first.micros + 5'000'000});
  daemon.slots = 1000;
  for (int i = 0; i < 5; ++i) daemon.turn();
  ASSERT_EQ(daemon.delivered.size(), 100u);
  for (const Delivered& one : daemon.delivered) EXPECT_EQ(one.arrived, first);
}

TEST_F(Edge, GarbageBeforeCerClosesAtOnce) {
  const Message garbage[] = {
      {'G', 'E', 'T', ' ', '/'},
      {0x16, 0x03, 0x01, 0x02, 0x00},
      {1, 0, 0, 8, 0x80, 0, 1, 1},        // length below a header
      {1, 0, 0, 22, 0x80, 0, 1, 1},       // not a multiple of four
      {1, 0xff, 0xff, 0xfc, 0x80, 0, 1, 1},  // longer than any message
      dwr(),
      ccr(1),
  };
  for (const Message& bytes : garbage) {
    SimClient client(network);
    ASSERT_TRUE(client.connect(daemon.transport.listener()));
    client.send(bytes);
    daemon.turn();
    EXPECT_TRUE(take(client).empty());
    EXPECT_FALSE(still_open);
    EXPECT_EQ(daemon.edge->connections_open(), 0u);
  }
  EXPECT_EQ(daemon.count(EventKind::bad_first_message), std::size(garbage));
  EXPECT_TRUE(daemon.delivered.empty());
}

TEST_F(Edge, LostFramingIsAnsweredAndCloses) {
  for (const bool version : {true, false}) {
    SimClient client(network);
    open(client);
    Message bad = ccr(9);
    if (version) {
      bad[0] = 2;
    } else {
      codec::store24(bad.data() + 1, 23);
    }
    client.send(glue({ccr(8), bad, ccr(10)}));
    daemon.turn();
    const auto answers = take(client);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(result_of(answers[0]), version ? 5011u : 5015u);
    EXPECT_EQ(codec::read_header(answers[0]).version, 1);
    EXPECT_EQ(daemon.delivered.back().number, 8u);
    at(Seconds{version ? 2 : 4});
    daemon.turn();  // it lingers for a second, then it is gone
    EXPECT_EQ(daemon.edge->connections_open(), 0u);
  }
}

TEST_F(Edge, RefusedCerIsReadableBeforeTheClose) {
  SimClient client(network);
  ASSERT_TRUE(client.connect(daemon.transport.listener()));
  Caps caps;
  caps.host = "stranger.example.net";
  client.send(cer(caps));
  client.send(ccr(1));
  daemon.turn();
  const auto answers = take(client);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(result_of(answers[0]), 3010u);
  EXPECT_TRUE(still_open);
  client.send(ccr(2));
  daemon.turn();
  EXPECT_TRUE(daemon.delivered.empty());
  client.close();
  daemon.turn();
  daemon.turn();
  EXPECT_EQ(daemon.edge->connections_open(), 0u);
  ASSERT_EQ(daemon.count(EventKind::unknown_peer), 1u);
  EXPECT_EQ(daemon.events[0].origin_host.view(), "stranger.example.net");
  EXPECT_EQ(daemon.edge->counters().peers_unknown, 1u);
}

TEST_F(Edge, SilentConnectionIsClosedAfterTwentySeconds) {
  SimClient silent(network);
  SimClient dripping(network);
  ASSERT_TRUE(silent.connect(daemon.transport.listener()));
  ASSERT_TRUE(dripping.connect(daemon.transport.listener()));
  const Message message = cer();
  for (int second = 0; second < 20; ++second) {
    at(Seconds{second});
    dripping.send({&message[static_cast<std::size_t>(second)], 1});
    daemon.turn();
  }
  EXPECT_EQ(daemon.edge->connections_open(), 2u);
  at(Seconds{21});
  daemon.turn();
  EXPECT_EQ(daemon.edge->connections_open(), 0u);
  EXPECT_EQ(daemon.count(EventKind::cer_missing), 2u);
}

TEST_F(Edge, SlowReaderIsCutOffAndOthersAreServed) {
  network.faults().window_bytes = 32 * 1024;
  SimClient slow(network);
  SimClient good(network);
  open(slow);
  open(good, "gw2.example.net");
  daemon.echo = true;
  std::size_t answered = 0;
  for (std::uint32_t i = 1; i < 8000 && daemon.edge->connections_open() == 2; ++i) {
    slow.send(ccr(i));
    good.send(ccr(i));
    daemon.turn();
    network.set_now(Time{network.now().micros + 200});
    answered += take(good).size();
    EXPECT_EQ(answered, i);
  }
  EXPECT_EQ(daemon.edge->connections_open(), 1u);
  EXPECT_EQ(daemon.edge->counters().slow_readers, 1u);
  EXPECT_EQ(daemon.count(EventKind::slow_reader), 1u);
  EXPECT_EQ(daemon.count(EventKind::peer_down), 1u);
  EXPECT_GT(answered, 2000u);
}

TEST_F(Edge, BusyConnectionDoesNotStarveAnother) {
  daemon.options.messages_per_turn_max = 4;
  daemon.begin();
  SimClient busy(network);
  SimClient other(network);
  open(busy);
  open(other, "gw2.example.net");
  Message many;
  for (std::uint32_t i = 0; i < 100; ++i) {
    const Message one = ccr(i);
    many.insert(many.end(), one.begin(), one.end());
  }
  busy.send(many);
  other.send(ccr(1000));
  daemon.turn();
  EXPECT_EQ(daemon.delivered.size(), 5u);
  EXPECT_TRUE(std::any_of(daemon.delivered.begin(), daemon.delivered.end(),
                          [](const Delivered& d) { return d.number == 1000; }));
  for (int i = 0; i < 30; ++i) daemon.turn();
  EXPECT_EQ(daemon.delivered.size(), 101u);
}

TEST_F(Edge, LastSlotsGoRound) {
  SimClient one(network);
  SimClient two(network);
  open(one);
  open(two, "gw2.example.net");
  daemon.slots = 0;
  for (std::uint32_t i = 1; i <= 20; ++i) {
    one.send(ccr(i));
    two.send(ccr(i));
  }
  for (int i = 0; i < 10; ++i) {
    daemon.slots = 1;
    daemon.turn();
  }
  const auto ones = std::count_if(daemon.delivered.begin(), daemon.delivered.end(),
                                  [](const Delivered& d) { return d.host == "gw1.example.net"; });
  EXPECT_EQ(daemon.delivered.size(), 10u);
  EXPECT_EQ(ones, 5);
}

TEST_F(Edge, WatchdogOverTheNetwork) {
  SimClient client(network);
  open(client);
  at(Seconds{31});
  daemon.turn();
  auto messages = take(client);
  ASSERT_EQ(messages.size(), 1u);
  const codec::Header header = codec::read_header(messages[0]);
  EXPECT_EQ(header.command, 280u);
  client.send(dwa(header.hop_by_hop));
  daemon.turn();
  at(Seconds{62});
  daemon.turn();
  EXPECT_EQ(take(client).size(), 1u);
  at(Seconds{93});
  daemon.turn();
  EXPECT_EQ(daemon.count(EventKind::suspect), 1u);
  at(Seconds{124});
  daemon.turn();
  EXPECT_EQ(daemon.edge->connections_open(), 0u);
  EXPECT_EQ(daemon.edge->counters().watchdogs_expired, 1u);
}

TEST_F(Edge, StaleReferenceReachesNobody) {
  SimClient first(network);
  open(first);
  first.send(ccr(1));
  daemon.turn();
  const ConnectionRef old = daemon.delivered[0].connection;
  first.close();
  daemon.turn();
  daemon.turn();
  SimClient second(network);
  open(second);
  EXPECT_FALSE(daemon.edge->send(old, answer(272, 1, 4)));
  EXPECT_EQ(daemon.edge->next_hop_by_hop(old), 0u);
  EXPECT_EQ(daemon.edge->peer_info(old), nullptr);
  daemon.turn();
  EXPECT_TRUE(take(second).empty());
}

TEST_F(Edge, PushesGoToTheRightConnection) {
  SimClient one(network);
  SimClient two(network);
  open(one);
  open(two, "gw2.example.net");
  const ConnectionRef to = daemon.edge->find_connection("gw2.example.net", "example.net", {});
  ASSERT_TRUE(daemon.edge->valid(to));
  const std::uint32_t hop_by_hop = daemon.edge->next_hop_by_hop(to);
  EXPECT_EQ(daemon.edge->next_hop_by_hop(to), hop_by_hop + 1);
  EXPECT_TRUE(daemon.edge->send(to, build(Head{0xc0, 258, 4, hop_by_hop, 1}, write_origin)));
  daemon.turn();
  EXPECT_TRUE(take(one).empty());
  ASSERT_EQ(take(two).size(), 1u);
  two.send(answer(258, hop_by_hop, 4));
  daemon.turn();
  ASSERT_EQ(daemon.delivered.size(), 1u);
  EXPECT_EQ(daemon.delivered[0].number, hop_by_hop);
  // After their DPR no request of ours goes out, but answers still do.
  two.send(dpr());
  daemon.turn();
  EXPECT_FALSE(daemon.edge->send(to, build(Head{0xc0, 258, 4, 1, 1}, write_origin)));
  EXPECT_TRUE(daemon.edge->send(to, answer(272, 1, 4)));
  EXPECT_EQ(daemon.edge->find_connection("gw2.example.net", "other.net", to).index, none);
}

TEST_F(Edge, DrainWaitsForAnswersAndDpa) {
  SimClient client(network);
  SimClient halfway(network);
  open(client);
  ASSERT_TRUE(halfway.connect(daemon.transport.listener()));
  daemon.turn();
  client.send(ccr(1));
  daemon.turn();
  daemon.edge->drain(network.now());
  daemon.turn();
  EXPECT_FALSE(SimClient(network).connect(daemon.transport.listener()));
  auto messages = take(client);
  ASSERT_EQ(messages.size(), 1u);
  const codec::Header header = codec::read_header(messages[0]);
  EXPECT_EQ(header.command, 282u);
  EXPECT_EQ(u32_of(messages[0], base_avp::disconnect_cause), 0u);
  client.send(ccr(2));  // crossed the DPR
  client.send(dpa(header.hop_by_hop));
  daemon.turn();
  EXPECT_EQ(daemon.delivered.size(), 2u);
  EXPECT_FALSE(daemon.edge->drained());
  for (const Delivered& one : daemon.delivered) {
    EXPECT_TRUE(daemon.edge->send(one.connection, answer(272, one.number, 4)));
  }
  daemon.turn();
  EXPECT_EQ(take(client).size(), 2u);
  daemon.turn();
  EXPECT_TRUE(daemon.edge->drained());
  EXPECT_EQ(daemon.transport.connections_open(), 0u);
}

TEST_F(Edge, DrainEndsWithoutDpa) {
  SimClient client(network);
  open(client);
  daemon.edge->drain(network.now());
  daemon.turn();
  at(Seconds{14});
  daemon.turn();
  EXPECT_FALSE(daemon.edge->drained());
  at(Seconds{16});
  daemon.turn();
  EXPECT_TRUE(daemon.edge->drained());
}

TEST_F(Edge, ParkedMessagesAreCountedWhenTheConnectionBreaks) {
  SimClient client(network);
  open(client);
  daemon.slots = 0;
  client.send(glue({ccr(1), dwr(), ccr(2)}));
  daemon.turn();
  client.reset();
  daemon.turn();
  daemon.turn();
  EXPECT_EQ(daemon.edge->counters().messages_lost_at_close, 2u);
  EXPECT_EQ(daemon.edge->connections_open(), 0u);
  daemon.slots = 10;
  daemon.turn();
  EXPECT_TRUE(daemon.delivered.empty());
}

}  // namespace
}  // namespace levy::test
