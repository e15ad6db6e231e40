// TcpTransport over real loopback sockets: both families, outbound, refusals, descriptors run out.
#include "engine/transport/tcp.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace levy::transport {
namespace {

// A blocking client socket that closes itself; reads end after five seconds.
class Client {
 public:
  explicit Client(std::uint16_t port, bool v6 = false) {
    fd_ = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    const timeval limit{5, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (v6) {
      sockaddr_in6 to{};
      to.sin6_family = AF_INET6;
      to.sin6_addr = in6addr_loopback;
      to.sin6_port = htons(port);
      ok_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    } else {
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      to.sin_port = htons(port);
      ok_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
  }
  Client(Client&& other) noexcept : fd_(other.fd_), ok_(other.ok_) { other.fd_ = -1; }
  ~Client() { end(); }
  void end() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void reset() {
    const linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    end();
  }
  bool ok() const { return ok_; }
  int fd() const { return fd_; }
  bool write(const std::string& text) {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  // What one read gives; "" at the end of the stream.
  std::string read() {
    char buffer[4096];
    const ssize_t bytes = ::recv(fd_, buffer, sizeof buffer, 0);
    return bytes > 0 ? std::string(buffer, static_cast<std::size_t>(bytes)) : "";
  }

 private:
  int fd_ = -1;
  bool ok_ = false;
};

class Tcp : public ::testing::Test {
 protected:
  void start(TcpOptions options) {
    transport = std::make_unique<TcpTransport>(options);
    const auto faults = transport->open();
    ASSERT_TRUE(faults.empty()) << faults[0];
  }
  static TcpOptions loopback(std::uint32_t connections_max = 64) {
    TcpOptions options;
    options.listeners = {{"127.0.0.1", 0}};
    options.connections_max = connections_max;
    return options;
  }
  void gather() {
    transport->wait(20);
    TransportEvent batch[64];
    for (std::size_t n; (n = transport->poll_events(batch, 64)) > 0;) {
      events.insert(events.end(), batch, batch + n);
      if (n < 64) break;
    }
  }
  // Turns until `done`, at most two seconds.
  bool until(const std::function<bool()>& done) {
    for (int i = 0; i < 100; ++i) {
      if (done()) return true;
      gather();
      std::uint32_t readable[64];
      readable_count = transport->poll_readable(readable, 64);
      for (std::size_t n = 0; n < readable_count; ++n) {
        for (const TransportEvent& e : events) {
          if (e.connection.index != readable[n]) continue;
          std::uint8_t bytes[4096];
          const std::ptrdiff_t got = transport->receive(e.connection, bytes);
          if (got <= 0) continue;
          received.append(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(got));
        }
      }
    }
    return done();
  }
  std::size_t count(TransportEventKind kind) const {
    std::size_t n = 0;
    for (const TransportEvent& e : events) n += e.kind == kind;
    return n;
  }

  std::unique_ptr<TcpTransport> transport;
  std::vector<TransportEvent> events;
  std::string received;
  std::size_t readable_count = 0;
};

TEST_F(Tcp, AcceptsReceivesAnswersAndSeesTheEnd) {
  start(loopback());
  Client client(transport->listener_port(0));
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE(until([&] { return count(TransportEventKind::accepted) == 1; }));
  const ConnectionRef ref = events[0].connection;
  EXPECT_EQ(events[0].listener_or_target, 0u);
  const Endpoint local = transport->local_endpoint(ref);
  EXPECT_EQ(local.family, 4);
  EXPECT_EQ(local.port, transport->listener_port(0));
  EXPECT_EQ(local.bytes[0], 127);
  EXPECT_NE(transport->peer_endpoint(ref).port, 0);
  client.write("hello");
  ASSERT_TRUE(until([&] { return received == "hello"; }));
  const std::uint8_t answer[] = {'h', 'i'};
  EXPECT_EQ(transport->send(ref, answer), 2);
  EXPECT_EQ(client.read(), "hi");
  client.end();
  ASSERT_TRUE(until([&] { return count(TransportEventKind::closed) == 1; }));
  EXPECT_EQ(events.back().connection, ref);
  EXPECT_EQ(transport->receive(ref, std::span<std::uint8_t>{}), -1);
  EXPECT_EQ(transport->send(ref, answer), -1);
  EXPECT_EQ(transport->connections_open(), 0u);
}

TEST_F(Tcp, BytesBeforeTheCloseAreNotLost) {
  start(loopback());
  Client client(transport->listener_port(0));
  client.write("last words");
  client.end();
  ASSERT_TRUE(until([&] { return count(TransportEventKind::closed) == 1; }));
  EXPECT_EQ(received, "last words");
}

TEST_F(Tcp, ResetIsAClose) {
  start(loopback());
  Client client(transport->listener_port(0));
  ASSERT_TRUE(until([&] { return count(TransportEventKind::accepted) == 1; }));
  client.reset();
  ASSERT_TRUE(until([&] { return count(TransportEventKind::closed) == 1; }));
  EXPECT_EQ(events.back().error, ECONNRESET);
}

TEST_F(Tcp, SeveralListenersOfBothFamilies) {
  TcpOptions options = loopback();
  options.listeners = {{"127.0.0.1", 0}, {"::1", 0}, {"127.0.0.2", 0}};
  start(options);
  Client v6(transport->listener_port(1), true);
  ASSERT_TRUE(v6.ok());
  ASSERT_TRUE(until([&] { return count(TransportEventKind::accepted) == 1; }));
  EXPECT_EQ(events[0].listener_or_target, 1u);
  const Endpoint local = transport->local_endpoint(events[0].connection);
  EXPECT_EQ(local.family, 6);
  EXPECT_EQ(local.bytes[15], 1);
  v6.write("six");
  EXPECT_TRUE(until([&] { return received == "six"; }));
  Client v4(transport->listener_port(0));
  ASSERT_TRUE(until([&] { return count(TransportEventKind::accepted) == 2; }));
  EXPECT_EQ(events.back().listener_or_target, 0u);
}

TEST_F(Tcp, OpenNamesEveryFault) {
  TcpOptions options = loopback();
  start(options);
  TcpOptions other;
  other.listeners = {{"127.0.0.1", transport->listener_port(0)}, {"gw.example.net", 3868}};
  other.targets = {{"no where", 1}};
  TcpTransport second(other);
  const auto faults = second.open();
  ASSERT_EQ(faults.size(), 3u);
  EXPECT_NE(faults[0].find("bind"), std::string::npos);
  EXPECT_NE(faults[1].find("gw.example.net"), std::string::npos);
  EXPECT_NE(faults[2].find("no where"), std::string::npos);
}

TEST_F(Tcp, SocketOptions) {
  start(loopback());
  Client client(transport->listener_port(0));
  ASSERT_TRUE(until([&] { return count(TransportEventKind::accepted) == 1; }));
  // The accepted socket is the only one here whose peer is the client.
  int found = -1;
  sockaddr_in mine{};
  socklen_t bytes = sizeof mine;
  getsockname(client.fd(), reinterpret_cast<sockaddr*>(&mine), &bytes);
  for (int fd = 3; fd < 256 && found < 0; ++fd) {
    sockaddr_in peer{};
    bytes = sizeof peer;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &bytes) == 0 &&
        peer.sin_family == AF_INET && peer.sin_port == mine.sin_port) {
      found = fd;
    }
  }
  ASSERT_GE(found, 0);
  const auto option = [&](int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    getsockopt(found, level, name, &value, &size);
    return value;
  };
  EXPECT_NE(option(IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_NE(option(SOL_SOCKET, SO_KEEPALIVE), 0);
  char name[16] = {};
  bytes = sizeof name;
  getsockopt(found, IPPROTO_TCP, TCP_CONGESTION, name, &bytes);
  // The kernel may refuse the choice; then it says so in the counter and keeps its default.
  EXPECT_EQ(std::strcmp(name, "cubic") == 0, transport->counters().congestion_control_refused == 0);
}

TEST_F(Tcp, OutboundOpensAndCarriesBytes) {
  start(loopback());
  TcpOptions options;
  options.targets = {{"127.0.0.1", transport->listener_port(0)}};
  options.connections_max = 4;
  TcpTransport caller(options);
  ASSERT_TRUE(caller.open().empty());
  const ConnectionRef ref = caller.connect(0);
  ASSERT_NE(ref.index, none);
  TransportEvent event;
  std::size_t got = 0;
  for (int i = 0; i < 100 && got == 0; ++i) {
    caller.wait(20);
    got = caller.poll_events(&event, 1);
  }
  ASSERT_EQ(got, 1u);
  EXPECT_EQ(event.kind, TransportEventKind::connected);
  EXPECT_EQ(event.connection, ref);
  const std::uint8_t bytes[] = {'o', 'k'};
  EXPECT_EQ(caller.send(ref, bytes), 2);
  EXPECT_TRUE(until([&] { return received == "ok"; }));
  // The other side closes: an event, and the slot is used again under another generation.
  transport->close(events[0].connection);
  got = 0;
  for (int i = 0; i < 100 && got == 0; ++i) {
    caller.wait(20);
    std::uint32_t readable[4];
    if (caller.poll_readable(readable, 4) > 0) {
      std::uint8_t into[8];
      EXPECT_EQ(caller.receive(ref, into), -1);
    }
    got = caller.poll_events(&event, 1);
  }
  ASSERT_EQ(got, 1u);
  EXPECT_EQ(event.kind, TransportEventKind::closed);
  const ConnectionRef next = caller.connect(0);
  EXPECT_EQ(next.index, ref.index);
  EXPECT_NE(next.generation, ref.generation);
}

TEST_F(Tcp, OutboundRefusedFails) {
  std::uint16_t port = 0;
  {
    TcpTransport gone(loopback());
    ASSERT_TRUE(gone.open().empty());
    port = gone.listener_port(0);
  }
  TcpOptions options;
  options.targets = {{"127.0.0.1", port}};
  start(options);
  const ConnectionRef ref = transport->connect(0);
  ASSERT_NE(ref.index, none);
  ASSERT_TRUE(until([&] { return count(TransportEventKind::failed) == 1; }));
  EXPECT_EQ(events[0].error, ECONNREFUSED);
  EXPECT_EQ(events[0].connection, ref);
  EXPECT_EQ(transport->connections_open(), 0u);
}

TEST_F(Tcp, OneMoreThanTheMaximumIsClosedAtOnce) {
  start(loopback(3));
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(transport->listener_port(0));
  ASSERT_TRUE(until([&] { return transport->counters().refused_full == 1; }));
  EXPECT_EQ(count(TransportEventKind::accepted), 3u);
  EXPECT_EQ(clients[3].read(), "");
  clients[0].end();
  ASSERT_TRUE(until([&] { return count(TransportEventKind::closed) == 1; }));
  Client again(transport->listener_port(0));
  EXPECT_TRUE(until([&] { return count(TransportEventKind::accepted) == 4; }));
}

TEST_F(Tcp, StopAcceptingKeepsWhatIsOpen) {
  start(loopback());
  Client client(transport->listener_port(0));
  ASSERT_TRUE(until([&] { return count(TransportEventKind::accepted) == 1; }));
  const std::uint16_t port = transport->listener_port(0);
  transport->stop_accepting();
  EXPECT_FALSE(Client(port).ok());
  client.write("still here");
  EXPECT_TRUE(until([&] { return received == "still here"; }));
}

TEST_F(Tcp, FullSocketTakesNothingAndLosesNothing) {
  start(loopback());
  Client client(transport->listener_port(0));
  ASSERT_TRUE(until([&] { return count(TransportEventKind::accepted) == 1; }));
  const ConnectionRef ref = events[0].connection;
  const std::vector<std::uint8_t> block(65536, 'x');
  std::size_t sent = 0;
  std::ptrdiff_t taken = 1;
  while (taken > 0 && sent < (64u << 20)) {
    taken = transport->send(ref, block);
    if (taken > 0) sent += static_cast<std::size_t>(taken);
  }
  EXPECT_EQ(taken, 0);
  std::size_t got = 0;
  while (got < sent) {
    const std::string part = client.read();
    ASSERT_FALSE(part.empty());
    got += part.size();
  }
  EXPECT_EQ(got, sent);
}

TEST_F(Tcp, OutOfDescriptorsRefusesWithoutSpinning) {
  start(loopback());
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) clients.emplace_back(transport->listener_port(0));  // in the backlog
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int highest = dup(clients[0].fd());
  ::close(highest);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(highest);  // no new descriptor can be had
  setrlimit(RLIMIT_NOFILE, &tight);
  for (int i = 0; i < 20; ++i) gather();
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(count(TransportEventKind::accepted), 0u);
  EXPECT_GE(transport->counters().accept_errors, 3u);
  EXPECT_LE(transport->counters().accept_errors, 6u);  // 20 turns, no error per turn
  for (Client& client : clients) EXPECT_EQ(client.read(), "");
  Client later(transport->listener_port(0));
  ASSERT_TRUE(later.ok());
  EXPECT_TRUE(until([&] { return count(TransportEventKind::accepted) == 1; }));
}

TEST_F(Tcp, AThousandConnectionsComeAndGo) {
  start(loopback(16));
  std::uint32_t last_generation = 0;
  for (int i = 0; i < 1000; ++i) {
    events.clear();
    Client client(transport->listener_port(0));
    ASSERT_TRUE(client.ok()) << i;
    ASSERT_TRUE(until([&] { return count(TransportEventKind::accepted) == 1; })) << i;
    EXPECT_GT(events[0].connection.generation, last_generation);
    last_generation = events[0].connection.generation;
    if (i % 3 == 0) {
      transport->close(events[0].connection);
      EXPECT_EQ(client.read(), "");
    } else if (i % 3 == 1) {
      client.reset();
      ASSERT_TRUE(until([&] { return count(TransportEventKind::closed) == 1; })) << i;
    } else {
      client.end();
      ASSERT_TRUE(until([&] { return count(TransportEventKind::closed) == 1; })) << i;
    }
    ASSERT_EQ(transport->connections_open(), 0u) << i;
  }
}

}  // namespace
}  // namespace levy::transport
