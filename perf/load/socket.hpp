// Socket: the few kernel TCP calls that levyload and the echo floor need.
// Core: load. Allocates: at start-up. Blocks: only connect_tcp. Clock: none.
//
// Non-blocking, TCP_NODELAY, and an explicit congestion control (the system default may pace).
#pragma once

#include <cstdint>
#include <string>

namespace levy::load {

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Socket& operator=(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close(); }

  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void close();

 private:
  int fd_ = -1;
};

// Connects within the timeout, trying again while the port refuses; `fault` says why not.
Socket connect_tcp(const std::string& host, const std::string& port, double timeout_s,
                   const std::string& congestion, std::string& fault);

// Listens; port 0 takes a free one, told in `bound_port`.
Socket listen_tcp(const std::string& host, const std::string& port, std::uint16_t& bound_port,
                  std::string& fault);

// Makes an accepted or connected socket non-blocking and sets its options.
bool tune_tcp(int fd, const std::string& congestion, std::string& fault);

// Bytes moved; 0 = nothing now; -1 = the connection is gone.
std::int64_t receive_some(int fd, void* into, std::size_t size);
std::int64_t send_some(int fd, const void* from, std::size_t size);

// False when the core does not exist.
bool pin_to_core(int core);

}  // namespace levy::load
