// A server of the library whose connections cannot hurt it: there are only so many, each serves one
// request, its head has at most so many bytes and must come within so many seconds, and so must a
// TLS handshake.
// Core: admin threads. Allocates: yes. Blocks: for the peer, within bounds. Clock: steady.
//
// The library itself reads lines of any length for as long as somebody sends them.
#pragma once

#include <httplib.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/admin/tls.hpp"

namespace levy::admin {

inline constexpr std::size_t head_bytes_max = 64 * 1024;
inline constexpr std::chrono::seconds head_patience{10};  // of the handshake, and of the head

// Every request has this `path`, what it asks for is in its `target`: the library matches paths by
// std::regex, whose stack grows with what a stranger sends.
inline constexpr const char* path_of_all = "/";

// Why no request came to be of a connection.
enum class Lost { handshake, head };

// What a connection may ask for.
struct Bounds {
  std::chrono::seconds read_patience, write_patience;  // of one read or write
  std::function<bool()> stopping;                      // nothing more is waited for
};

// Bytes of one connection, over TLS where `ssl` is set. The socket does not block.
class Connection final : public httplib::Stream {
 public:
  using Clock = std::chrono::steady_clock;

  Connection(int socket, SSL* ssl, Bounds bounds)
      : socket_(socket), ssl_(ssl), bounds_(std::move(bounds)) {}

  bool handshake();
  // The head of a request lies in the buffer, whole or as far as its sender went.
  enum class Head { come, nothing, too_long, too_slow };
  Head read_head();
  // Says that no more comes, and waits a little for the peer to have read it all.
  void end();

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* into, std::size_t size) override;
  ssize_t write(const char* from, std::size_t size) override;  // all of it, or -1
  void get_remote_ip_and_port(std::string& address, int& port) const override;
  void get_local_ip_and_port(std::string& address, int& port) const override;
  int socket() const override { return socket_; }

 private:
  void hide_ranges(std::size_t end);
  bool wait(short events, Clock::time_point until) const;
  // Waits for what TLS asks for; false: an error, or it took too long.
  bool wait_for_tls(int result, Clock::time_point until) const;
  ssize_t receive(char* into, std::size_t size, Clock::time_point until);

  const int socket_;
  SSL* const ssl_;
  const Bounds bounds_;
  std::string buffer_;     // received; read are
  std::size_t taken_ = 0;  // so many of it
};

// Threads that serve, and as many connections that wait for one of them: more are not accepted, so
// that strangers cannot take the descriptors that gateways and journal need.
class BoundedPool final : public httplib::TaskQueue {
 public:
  BoundedPool(std::size_t threads, std::size_t waiting_max);
  ~BoundedPool() override { shutdown(); }

  void enqueue(std::function<void()> task) override;  // waits for room
  void shutdown() override;                           // what has been taken is served first

 private:
  void work();

  const std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool over_ = false;
  std::vector<std::thread> threads_;
};

class Guarded final : public httplib::Server {
 public:
  // `context` gives that of the next connection; null: no TLS.
  Guarded(std::function<TlsContext()> context, std::function<void(Lost)> lost)
      : context_(std::move(context)), lost_(std::move(lost)) {}

 private:
  bool process_and_close_socket(socket_t socket) override;

  const std::function<TlsContext()> context_;
  const std::function<void(Lost)> lost_;
};

}  // namespace levy::admin
