// Socket: kernel TCP.
// Core: load. Allocates: at start-up. Blocks: only connect_tcp. Clock: connect_tcp's time limit.
#include "perf/load/socket.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

namespace levy::load {
namespace {

using Clock = std::chrono::steady_clock;

struct Addresses {
  addrinfo* list = nullptr;
  ~Addresses() {
    if (list != nullptr) freeaddrinfo(list);
  }
};

bool resolve(const std::string& host, const std::string& port, bool passive, Addresses& found,
             std::string& fault) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0);
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found.list);
  if (error != 0) fault = fmt::format("{}: {}", host, gai_strerror(error));
  return error == 0;
}

// One attempt; returns 0 or the errno.
int try_connect(int fd, const addrinfo& address, int timeout_ms) {
  if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd waiting{fd, POLLOUT, 0};
  if (::poll(&waiting, 1, timeout_ms) == 0) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Socket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool tune_tcp(int fd, const std::string& congestion, std::string& fault) {
  const int one = 1;
  const int flags = ::fcntl(fd, F_GETFL, 0);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) {
    fault = fmt::format("socket options: {}", std::strerror(errno));
    return false;
  }
  if (::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion.data(),
                   static_cast<socklen_t>(congestion.size())) != 0) {
    fault = fmt::format("congestion control {}: {}", congestion, std::strerror(errno));
    return false;
  }
  return true;
}

Socket connect_tcp(const std::string& host, const std::string& port, double timeout_s,
                   const std::string& congestion, std::string& fault) {
  Addresses found;
  if (!resolve(host, port, false, found, fault)) return {};
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(timeout_s));
  for (;;) {
    for (const addrinfo* a = found.list; a != nullptr; a = a->ai_next) {
      Socket socket(::socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (!socket.is_open()) {
        fault = fmt::format("socket: {}", std::strerror(errno));
        continue;
      }
      if (!tune_tcp(socket.fd(), congestion, fault)) return {};
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - Clock::now()).count();
      const int error = try_connect(socket.fd(), *a, left > 0 ? static_cast<int>(left) : 0);
      if (error == 0) return socket;
      fault = fmt::format("connect {} port {}: {}", host, port, std::strerror(error));
    }
    if (Clock::now() >= deadline) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Socket listen_tcp(const std::string& host, const std::string& port, std::uint16_t& bound_port,
                  std::string& fault) {
  Addresses found;
  if (!resolve(host, port, true, found, fault)) return {};
  Socket socket(::socket(found.list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int one = 1;
  if (!socket.is_open() ||
      ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
      ::bind(socket.fd(), found.list->ai_addr, found.list->ai_addrlen) != 0 ||
      ::listen(socket.fd(), 1024) != 0) {
    fault = fmt::format("listen {} port {}: {}", host, port, std::strerror(errno));
    return {};
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    fault = fmt::format("getsockname: {}", std::strerror(errno));
    return {};
  }
  // sin_port and sin6_port stand at the same place.
  bound_port = ntohs(reinterpret_cast<const sockaddr_in&>(bound).sin_port);
  return socket;
}

std::int64_t receive_some(int fd, void* into, std::size_t size) {
  const ssize_t got = ::recv(fd, into, size, 0);
  if (got > 0) return got;
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return -1;
}

std::int64_t send_some(int fd, const void* from, std::size_t size) {
  const ssize_t sent = ::send(fd, from, size, MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

bool pin_to_core(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(core), &set);
  return ::sched_setaffinity(0, sizeof set, &set) == 0;
}

}  // namespace levy::load
