// TcpTransport: the Transport over kernel TCP: listeners, outbound connections, epoll.
// Core: edge. Allocates: in the constructor and open(). Blocks: in wait(), and in open() when it
// looks up a name. Clock: none.
//
// Invariants: every socket is non-blocking, with TCP_NODELAY, keep-alive and the configured
// congestion control; a generation is never given twice; an event of a slot's former connection
// always precedes those of the next; work per call is bounded.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/world.hpp"

namespace levy::transport {

// A numeric address ("127.0.0.1", "::1", "0.0.0.0", "::") and a port; 0 = one the kernel chooses.
// A target may be a name.
struct TcpAddress {
  std::string host = "127.0.0.1";
  std::uint16_t port = 3868;
};

struct TcpOptions {
  std::vector<TcpAddress> listeners;
  std::vector<TcpAddress> targets;       // outbound, by index; names are looked up by open()
  std::uint32_t connections_max = 256;
  int backlog = 512;
  std::uint32_t accepts_per_turn_max = 16;  // per listener
  // The machine's default may be bbr, which paces; empty: leave the default.
  std::string congestion_control = "cubic";
  int keepalive_idle_s = 60;
};

struct TcpCounters {
  std::uint64_t accepted = 0;
  std::uint64_t accept_errors = 0;   // EMFILE and its like
  int accept_error = 0;              // the latest of them
  std::uint64_t refused_full = 0;    // accepted and closed at once: connections_max reached
  std::uint64_t connect_errors = 0;  // could not even begin
  std::uint64_t congestion_control_refused = 0;  // the kernel kept its default
};

class TcpTransport {
 public:
  explicit TcpTransport(const TcpOptions& options);
  ~TcpTransport();
  TcpTransport(const TcpTransport&) = delete;
  TcpTransport& operator=(const TcpTransport&) = delete;

  // Binds and listens. Collects one line per listener or target that failed; empty = all well.
  std::vector<std::string> open();
  // The port that a listener really has.
  std::uint16_t listener_port(std::uint32_t listener) const { return listeners_[listener].port; }

  // ---- Transport
  std::size_t poll_events(TransportEvent* events, std::size_t count_max);
  std::size_t poll_readable(std::uint32_t* readable, std::size_t count_max);
  std::ptrdiff_t receive(ConnectionRef connection, std::span<std::uint8_t> into);
  std::ptrdiff_t send(ConnectionRef connection, std::span<const std::uint8_t> bytes);
  void close(ConnectionRef connection);

  // ---- ConnectingTransport
  ConnectionRef connect(std::uint32_t target);
  void stop_accepting();
  TransportRefusals refusals() const {
    return {counters_.refused_full, counters_.accept_errors, counters_.accept_error};
  }
  Endpoint local_endpoint(ConnectionRef connection) const;
  Endpoint peer_endpoint(ConnectionRef connection) const;

  // The idle policy's sleep: returns when a socket has news, or after timeout_ms.
  void wait(int timeout_ms);

  const TcpCounters& counters() const { return counters_; }
  std::uint32_t connections_open() const { return connections_open_; }

 private:
  struct Listener {
    int fd = -1;
    std::uint16_t port = 0;
    std::uint32_t paused_turns = 0;  // the kernel had no memory: rest before the next accept
  };
  struct Connection {
    int fd = -1;
    std::uint32_t generation = 0;
    bool connecting = false;
    std::uint32_t listener_or_target = 0;
    Slot next_free = none;
  };
  struct Target {
    std::vector<sockaddr_storage> addresses;  // tried in turn, one with each connect()
    std::uint32_t next = 0;
  };

  static constexpr std::size_t epoll_events_max = 256;
  static constexpr std::uint32_t pause_turns = 1024;

  void gather(int timeout_ms);
  void on_epoll(const epoll_event& event);
  void on_connect_result(Slot index);
  void accept_some(std::uint32_t listener);
  bool accept_one(std::uint32_t listener);
  void note_accept_error();
  bool refuse_one(int listener_fd);
  void adopt(int fd, std::uint32_t listener);
  void set_options(int fd);
  bool watch(int fd, std::uint64_t tag, std::uint32_t events, bool modify);
  Slot take_slot(int fd, std::uint32_t listener_or_target);
  void close_socket(Slot index);
  void free_slot(Slot index);
  void broken(TransportEventKind kind, Slot index, int error);
  void push_event(TransportEventKind kind, Slot index, int error);
  bool valid(ConnectionRef ref) const {
    return ref.index < connections_.size() && connections_[ref.index].fd >= 0 &&
           connections_[ref.index].generation == ref.generation;
  }

  TcpOptions options_;
  int epoll_ = -1;
  int spare_fd_ = -1;  // given up to accept and refuse when descriptors run out
  std::vector<Listener> listeners_;
  std::vector<Target> targets_;
  std::vector<Connection> connections_;
  Slot free_ = none;
  std::uint32_t connections_open_ = 0;
  std::uint32_t next_generation_ = 1;
  std::vector<epoll_event> gathered_;
  std::size_t gathered_count_ = 0;
  bool gathered_fresh_ = false;      // not all given out by poll_readable
  std::vector<std::uint32_t> readable_;
  std::size_t readable_count_ = 0;
  std::size_t readable_given_ = 0;
  std::vector<TransportEvent> events_;  // a circle
  std::size_t events_first_ = 0;
  std::size_t events_count_ = 0;
  TcpCounters counters_;
};

}  // namespace levy::transport
