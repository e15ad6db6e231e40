// NativeEdge over kernel TCP: the whole way from a socket to a delivered message and back.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "diameter/edge/native_edge.hpp"
#include "engine/transport/tcp.hpp"
#include "tests/unit/peer/peer_support.hpp"

namespace levy::test {
namespace {

using transport::TcpOptions;
using transport::TcpTransport;

constexpr Time start = Time::from_seconds(1'700'000'000);

// A blocking gateway socket; reads end after five seconds.
class Gateway {
 public:
  explicit Gateway(std::uint16_t port, bool v6 = false) {
    fd_ = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    const timeval limit{5, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_addr = in6addr_loopback;
    six.sin6_port = htons(port);
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    four.sin_port = htons(port);
    ok = v6 ? ::connect(fd_, reinterpret_cast<sockaddr*>(&six), sizeof six) == 0
            : ::connect(fd_, reinterpret_cast<sockaddr*>(&four), sizeof four) == 0;
  }
  ~Gateway() { end(); }
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  void end() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void send(const Message& message) {
    ASSERT_EQ(::send(fd_, message.data(), message.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(message.size()));
  }
  // Reads what is there without waiting.
  void read_available() {
    std::uint8_t buffer[65536];
    ssize_t bytes = 0;
    while ((bytes = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
      in.insert(in.end(), buffer, buffer + bytes);
    }
    if (bytes == 0) ended = true;
    for (Message& message : take_messages(in)) messages.push_back(std::move(message));
  }

  bool ok = false;
  bool ended = false;
  std::vector<std::uint8_t> in;
  std::vector<Message> messages;

 private:
  int fd_ = -1;
};

class EdgeTcp : public ::testing::Test {
 protected:
  void begin(TcpOptions tcp_options) {
    tcp = std::make_unique<TcpTransport>(tcp_options);
    const auto faults = tcp->open();
    ASSERT_TRUE(faults.empty()) << faults[0];
    edge::NativeEdgeOptions options;
    options.connections_max = tcp_options.connections_max;
    edge = std::make_unique<edge::NativeEdge<TcpTransport>>(*tcp, node.settings, options);
  }
  static TcpOptions loopback(std::uint32_t connections_max) {
    TcpOptions options;
    options.listeners = {{"127.0.0.1", 0}, {"::1", 0}};
    options.connections_max = connections_max;
    return options;
  }
  void turn() {
    now.micros += 1000;
    edge->poll(now, [this](ConnectionRef ref, const peer::PeerInfo&,
                           std::span<const std::uint8_t> message, Time) {
      ++delivered;
      const codec::Header header = codec::read_header(message);
      edge->send(ref, answer(header.command, header.hop_by_hop, header.application));
      return true;
    });
    edge->flush(now);
  }
  bool until(const std::function<bool()>& done, Gateway* gateway = nullptr) {
    for (int i = 0; i < 2000; ++i) {
      if (gateway != nullptr) gateway->read_available();
      if (done()) return true;
      tcp->wait(1);
      turn();
    }
    return false;
  }

  NodeSettings node;
  Time now = start;
  std::unique_ptr<TcpTransport> tcp;
  std::unique_ptr<edge::NativeEdge<TcpTransport>> edge;
  std::size_t delivered = 0;
};

TEST_F(EdgeTcp, OpensChargesAndShowsItsAddress) {
  begin(loopback(8));
  for (const bool v6 : {false, true}) {
    Gateway gateway(tcp->listener_port(v6 ? 1 : 0), v6);
    ASSERT_TRUE(gateway.ok);
    gateway.send(glue({cer(), ccr(1), ccr(2), dwr()}));
    ASSERT_TRUE(until([&] { return gateway.messages.size() == 4; }, &gateway));
    EXPECT_EQ(result_of(gateway.messages[0]), 2001u);
    const auto address = find(gateway.messages[0], base_avp::host_ip_address);
    ASSERT_TRUE(address.has_value());
    EXPECT_EQ(address->data.size(), v6 ? 18u : 6u);
    EXPECT_EQ(address->data[1], v6 ? 2 : 1);
    EXPECT_EQ(address->data[v6 ? 17 : 2], v6 ? 1 : 127);
    gateway.end();
    ASSERT_TRUE(until([&] { return edge->connections_open() == 0; }));
  }
  EXPECT_EQ(delivered, 4u);
}

TEST_F(EdgeTcp, GarbageBeforeCer) {
  begin(loopback(8));
  Gateway gateway(tcp->listener_port(0));
  const std::string text = "GET / HTTP/1.1\r\n\r\n";
  gateway.send(Message(text.begin(), text.end()));
  ASSERT_TRUE(until([&] { return gateway.ended || edge->counters().connections_closed == 1; },
                    &gateway));
  EXPECT_TRUE(gateway.messages.empty());
  EXPECT_EQ(edge->connections_open(), 0u);
}

TEST_F(EdgeTcp, RefusalArrivesThoughMoreWasSent) {
  begin(loopback(8));
  Gateway gateway(tcp->listener_port(0));
  Caps caps;
  caps.host = "stranger.example.net";
  gateway.send(glue({cer(caps), ccr(1, 9000), ccr(2, 9000)}));
  ASSERT_TRUE(until([&] { return gateway.messages.size() == 1; }, &gateway));
  EXPECT_EQ(result_of(gateway.messages[0]), 3010u);
  gateway.end();
  EXPECT_TRUE(until([&] { return edge->connections_open() == 0; }));
}

TEST_F(EdgeTcp, HundredPeersAtOnce) {
  node.settings.accept_unknown = true;
  begin(loopback(128));
  std::vector<std::unique_ptr<Gateway>> gateways;
  for (int i = 0; i < 100; ++i) {
    gateways.push_back(std::make_unique<Gateway>(tcp->listener_port(0)));
    Caps caps;
    caps.host = "gw" + std::to_string(i) + ".example.net";
    gateways.back()->send(cer(caps));
    for (std::uint32_t n = 0; n < 20; ++n) gateways.back()->send(ccr(n, 700));
    turn();
  }
  for (auto& gateway : gateways) {
    ASSERT_TRUE(until([&] { return gateway->messages.size() == 21; }, gateway.get()));
  }
  EXPECT_EQ(delivered, 2000u);
  EXPECT_EQ(edge->connections_open(), 100u);
  for (auto& gateway : gateways) gateway->end();
  EXPECT_TRUE(until([&] { return edge->connections_open() == 0; }));
}

TEST_F(EdgeTcp, AThousandPeersComeAndGo) {
  begin(loopback(16));
  for (int i = 0; i < 1000; ++i) {
    Gateway gateway(tcp->listener_port(0));
    ASSERT_TRUE(gateway.ok) << i;
    gateway.send(glue({cer(), ccr(1)}));
    if (i % 4 != 0) {  // every fourth leaves without waiting for anything
      ASSERT_TRUE(until([&] { return gateway.messages.size() == 2; }, &gateway)) << i;
    }
    gateway.end();
    ASSERT_TRUE(until([&] { return edge->connections_open() < 8; })) << i;
    peer::Event event;
    while (edge->next_event(event)) {
    }
  }
  ASSERT_TRUE(until([&] { return edge->counters().connections_closed == 1000; }));
  EXPECT_EQ(edge->connections_open(), 0u);
  EXPECT_EQ(tcp->connections_open(), 0u);
  EXPECT_EQ(edge->counters().connections_accepted, 1000u);
  EXPECT_EQ(edge->counters().events_lost, 0u);
}

TEST_F(EdgeTcp, OutboundRetriesUntilTheTargetIsThere) {
  // Two edges: one calls, the other is opened only after the first attempt failed.
  std::uint16_t port = 0;
  {
    TcpTransport reserve(loopback(1));
    ASSERT_TRUE(reserve.open().empty());
    port = reserve.listener_port(0);
  }
  NodeSettings caller_node("caller.example.net", {});
  caller_node.add("ocs.example.net", 0);
  TcpOptions caller_options;
  caller_options.targets = {{"127.0.0.1", port}};
  caller_options.connections_max = 4;
  TcpTransport caller_tcp(caller_options);
  ASSERT_TRUE(caller_tcp.open().empty());
  edge::NativeEdgeOptions options;
  options.connections_max = 4;
  edge::NativeEdge<TcpTransport> caller(caller_tcp, caller_node.settings, options);
  Time clock = start;
  const auto caller_turn = [&] {
    caller_tcp.wait(1);
    caller.poll(clock, [](ConnectionRef, const peer::PeerInfo&, std::span<const std::uint8_t>,
                          Time) { return true; });
    caller.flush(clock);
  };
  for (int i = 0; i < 500 && caller.counters().connects_failed == 0; ++i) {
    clock.micros += 1000;
    caller_turn();
  }
  ASSERT_EQ(caller.counters().connects_failed, 1u);
  node.add("caller.example.net");
  TcpOptions late = loopback(4);
  late.listeners = {{"127.0.0.1", port}};
  begin(late);
  clock = clock + Seconds{29};
  for (int i = 0; i < 20; ++i) caller_turn();
  EXPECT_EQ(caller.connections_open(), 0u);  // not before Tc
  clock = clock + Seconds{2};
  const auto reached = [&] {
    return caller.valid(caller.find_connection("ocs.example.net", "", {}));
  };
  for (int i = 0; i < 500 && !reached(); ++i) {
    clock.micros += 1000;
    caller_turn();
    turn();
  }
  EXPECT_TRUE(caller.valid(caller.find_connection("ocs.example.net", "", {})));
  caller.drain(clock);
  for (int i = 0; i < 500 && !caller.drained(); ++i) {
    clock.micros += 1000;
    caller_turn();
    turn();
  }
  EXPECT_TRUE(caller.drained());
}

}  // namespace
}  // namespace levy::test
