// TcpTransport: sockets and epoll.
// Core: edge. Allocates: in the constructor and open(). Blocks: in wait(), and in open() when it
// looks up a name. Clock: none.
#include "engine/transport/tcp.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/base/check.hpp"

namespace levy::transport {
namespace {

// What an epoll tag points at: the kind in the upper half, the index in the lower.
constexpr std::uint64_t tag_connection = 0;
constexpr std::uint64_t tag_listener = std::uint64_t{1} << 32;

// Parses a numeric address; returns its length, 0 when it is none.
socklen_t parse(const TcpAddress& from, sockaddr_storage& into) {
  std::memset(&into, 0, sizeof into);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&into);
  if (inet_pton(AF_INET, from.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(from.port);
    return sizeof(sockaddr_in);
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&into);
  if (inet_pton(AF_INET6, from.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(from.port);
    return sizeof(sockaddr_in6);
  }
  return 0;
}

// The addresses of a target, by name or number; asked once, for the corridor may not wait for a
// name server. Returns what is wrong, or nothing.
std::string look_up(const TcpAddress& from, std::vector<sockaddr_storage>& into) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(from.port);
  const int error = getaddrinfo(from.host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) return from.host + " port " + port + ": " + gai_strerror(error);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    if (one->ai_family != AF_INET && one->ai_family != AF_INET6) continue;
    into.emplace_back();
    std::memcpy(&into.back(), one->ai_addr, one->ai_addrlen);
  }
  freeaddrinfo(found);
  return into.empty() ? from.host + " port " + port + ": no IP address" : std::string();
}

socklen_t sizeof_address(const sockaddr_storage& address) {
  return address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

Endpoint to_endpoint(const sockaddr_storage& from) {
  Endpoint endpoint;
  if (from.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    endpoint.family = 4;
    endpoint.port = ntohs(v4.sin_port);
    std::memcpy(endpoint.bytes, &v4.sin_addr, 4);
  } else if (from.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
    endpoint.family = 6;
    endpoint.port = ntohs(v6.sin6_port);
    std::memcpy(endpoint.bytes, &v6.sin6_addr, 16);
  }
  return endpoint;
}

void set_int(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

std::string describe(const TcpAddress& address, const char* what, int error) {
  return address.host + " port " + std::to_string(address.port) + ": " + what + ": " +
         std::strerror(error);
}

// A bound, listening socket; -1 with `what` and errno set.
int listen_on(const TcpAddress& address, int backlog, const char*& what) {
  sockaddr_storage storage;
  const socklen_t bytes = parse(address, storage);
  what = "not a numeric address";
  errno = EINVAL;
  if (bytes == 0) return -1;
  what = "socket";
  const int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  // An IPv4 peer on an IPv6 listener would show a mapped address in Host-IP-Address.
  if (storage.ss_family == AF_INET6) set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  what = "bind";
  bool ok = bind(fd, reinterpret_cast<sockaddr*>(&storage), bytes) == 0;
  if (ok) {
    what = "listen";
    ok = listen(fd, backlog) == 0;
  }
  if (ok) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

}  // namespace

TcpTransport::TcpTransport(const TcpOptions& options)
    : options_(options),
      listeners_(options.listeners.size()),
      targets_(options.targets.size()),
      connections_(options.connections_max),
      gathered_(epoll_events_max),
      readable_(epoll_events_max),
      // accept_some() and connect() stop at half, so that every open connection may still end.
      events_(std::size_t{4} * options.connections_max + 64) {
  LEVY_CHECK(options.connections_max > 0, options.connections_max);
  for (Slot i = options.connections_max; i-- > 0;) {
    connections_[i].next_free = free_;
    free_ = i;
  }
}

TcpTransport::~TcpTransport() {
  for (const Listener& listener : listeners_) {
    if (listener.fd >= 0) ::close(listener.fd);
  }
  for (const Connection& connection : connections_) {
    if (connection.fd >= 0) ::close(connection.fd);
  }
  if (spare_fd_ >= 0) ::close(spare_fd_);
  if (epoll_ >= 0) ::close(epoll_);
}

std::vector<std::string> TcpTransport::open() {
  std::vector<std::string> faults;
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return {std::string("epoll_create1: ") + std::strerror(errno)};
  spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) {
    const TcpAddress& address = options_.listeners[i];
    const char* what = nullptr;
    const int fd = listen_on(address, options_.backlog, what);
    if (fd < 0) {
      faults.push_back(describe(address, what, errno));
      continue;
    }
    sockaddr_storage storage{};
    socklen_t bytes = sizeof storage;
    getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &bytes);
    listeners_[i].fd = fd;
    listeners_[i].port = to_endpoint(storage).port;
    if (!watch(fd, tag_listener | i, EPOLLIN, false)) {
      faults.push_back(describe(address, "epoll_ctl", errno));
    }
  }
  for (std::uint32_t i = 0; i < targets_.size(); ++i) {
    const std::string fault = look_up(options_.targets[i], targets_[i].addresses);
    if (!fault.empty()) faults.push_back(fault);
  }
  return faults;
}

// ---- what happened -------------------------------------------------------------------------

// One epoll_wait serves one poll_events and one poll_readable, in either order.
void TcpTransport::gather(int timeout_ms) {
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) {
    Listener& listener = listeners_[i];
    if (listener.paused_turns > 0 && --listener.paused_turns == 0 && listener.fd >= 0) {
      watch(listener.fd, tag_listener | i, EPOLLIN, true);
    }
  }
  const int count = epoll_wait(epoll_, gathered_.data(), static_cast<int>(gathered_.size()),
                               timeout_ms);
  gathered_count_ = count > 0 ? static_cast<std::size_t>(count) : 0;
  readable_count_ = 0;
  readable_given_ = 0;
  for (std::size_t i = 0; i < gathered_count_; ++i) on_epoll(gathered_[i]);
  gathered_fresh_ = true;
}

void TcpTransport::on_epoll(const epoll_event& event) {
  const auto index = static_cast<std::uint32_t>(event.data.u64);
  if ((event.data.u64 & tag_listener) != 0) {
    accept_some(index);
    return;
  }
  // A tag holds no generation: a socket closed within this gather leaves epoll with its
  // descriptor, so what is left of it can at worst cause one receive that finds nothing.
  if (connections_[index].fd < 0) return;
  if (connections_[index].connecting) {
    on_connect_result(index);
  } else {
    readable_[readable_count_++] = index;
  }
}

void TcpTransport::on_connect_result(Slot index) {
  Connection& connection = connections_[index];
  int error = 0;
  socklen_t bytes = sizeof error;
  getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
  if (error == 0 && !watch(connection.fd, tag_connection | index, EPOLLIN, true)) error = errno;
  if (error != 0) {
    broken(TransportEventKind::failed, index, error);
    return;
  }
  connection.connecting = false;
  push_event(TransportEventKind::connected, index, 0);
}

void TcpTransport::push_event(TransportEventKind kind, Slot index, int error) {
  LEVY_CHECK(events_count_ < events_.size(), events_count_, index);
  const Connection& connection = connections_[index];
  events_[(events_first_ + events_count_++) % events_.size()] =
      TransportEvent{kind, ConnectionRef{index, connection.generation}, error,
                     connection.listener_or_target};
}

std::size_t TcpTransport::poll_events(TransportEvent* events, std::size_t count_max) {
  if (!gathered_fresh_) gather(0);
  const std::size_t count = std::min(count_max, events_count_);
  for (std::size_t i = 0; i < count; ++i) {
    events[i] = events_[events_first_];
    events_first_ = (events_first_ + 1) % events_.size();
    const bool ended = events[i].kind == TransportEventKind::failed ||
                       events[i].kind == TransportEventKind::closed;
    if (ended) free_slot(events[i].connection.index);
  }
  events_count_ -= count;
  return count;
}

std::size_t TcpTransport::poll_readable(std::uint32_t* readable, std::size_t count_max) {
  if (!gathered_fresh_) gather(0);
  // What does not fit comes with the next call, before another gather: the kernel reports the same
  // sockets first again, and the last ones would starve.
  const std::size_t count = std::min(count_max, readable_count_ - readable_given_);
  std::copy_n(readable_.begin() + static_cast<std::ptrdiff_t>(readable_given_), count, readable);
  readable_given_ += count;
  gathered_fresh_ = readable_given_ < readable_count_;
  return count;
}

void TcpTransport::wait(int timeout_ms) {
  if (events_count_ > 0 || gathered_fresh_) return;
  gather(timeout_ms);
}

// ---- inbound -------------------------------------------------------------------------------

void TcpTransport::accept_some(std::uint32_t listener) {
  for (std::uint32_t i = 0; i < options_.accepts_per_turn_max; ++i) {
    if (events_count_ >= events_.size() / 2 || !accept_one(listener)) return;
  }
}

// false: nothing more to accept now.
bool TcpTransport::accept_one(std::uint32_t listener) {
  const int fd = accept4(listeners_[listener].fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    adopt(fd, listener);
    return true;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
  if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO) return true;
  note_accept_error();
  if ((errno == EMFILE || errno == ENFILE) && spare_fd_ >= 0) {
    return refuse_one(listeners_[listener].fd) && spare_fd_ >= 0;
  }
  // Level-triggered epoll would report the listener on every turn: rest for a while.
  listeners_[listener].paused_turns = pause_turns;
  watch(listeners_[listener].fd, tag_listener | listener, 0, true);
  return false;
}

void TcpTransport::note_accept_error() {
  ++counters_.accept_errors;
  counters_.accept_error = errno;
}

// Out of descriptors: a client left in the backlog would hang, one that is closed retries.
// false: nobody was waiting (accept4 looks for a descriptor before it looks for a client).
bool TcpTransport::refuse_one(int listener_fd) {
  ::close(spare_fd_);
  const int fd = accept4(listener_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) ::close(fd);
  spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  return fd >= 0;
}

void TcpTransport::adopt(int fd, std::uint32_t listener) {
  if (free_ == none) {
    ++counters_.refused_full;
    ::close(fd);
    return;
  }
  set_options(fd);
  const Slot index = take_slot(fd, listener);
  if (!watch(fd, tag_connection | index, EPOLLIN, false)) {
    note_accept_error();
    close_socket(index);
    free_slot(index);
    return;
  }
  ++counters_.accepted;
  push_event(TransportEventKind::accepted, index, 0);
}

void TcpTransport::stop_accepting() {
  for (Listener& listener : listeners_) {
    if (listener.fd >= 0) ::close(listener.fd);
    listener.fd = -1;
  }
}

// ---- sockets -------------------------------------------------------------------------------

void TcpTransport::set_options(int fd) {
  set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, options_.keepalive_idle_s);
  const std::string& name = options_.congestion_control;
  if (!name.empty() && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(),
                                  static_cast<socklen_t>(name.size())) != 0) {
    ++counters_.congestion_control_refused;
  }
}

bool TcpTransport::watch(int fd, std::uint64_t tag, std::uint32_t events, bool modify) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return epoll_ctl(epoll_, modify ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0;
}

Slot TcpTransport::take_slot(int fd, std::uint32_t listener_or_target) {
  const Slot index = free_;
  Connection& connection = connections_[index];
  free_ = connection.next_free;
  connection.fd = fd;
  connection.generation = next_generation_++;
  LEVY_CHECK(next_generation_ != 0);  // 2^32 connections: a generation would come again
  connection.connecting = false;
  connection.listener_or_target = listener_or_target;
  ++connections_open_;
  return index;
}

void TcpTransport::close_socket(Slot index) {
  ::close(connections_[index].fd);
  connections_[index].fd = -1;
  --connections_open_;
}

void TcpTransport::free_slot(Slot index) {
  connections_[index].next_free = free_;
  free_ = index;
}

// The slot is free for another connection only after its owner took the event.
void TcpTransport::broken(TransportEventKind kind, Slot index, int error) {
  push_event(kind, index, error);
  close_socket(index);
}

// ---- outbound ------------------------------------------------------------------------------

ConnectionRef TcpTransport::connect(std::uint32_t target_index) {
  Target& target = targets_[target_index];
  if (target.addresses.empty() || free_ == none || events_count_ >= events_.size() / 2) {
    ++counters_.connect_errors;
    return {};
  }
  const sockaddr_storage& address = target.addresses[target.next++ % target.addresses.size()];
  const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    ++counters_.connect_errors;
    return {};
  }
  set_options(fd);
  const Slot index = take_slot(fd, target_index);
  Connection& connection = connections_[index];
  connection.connecting = true;
  const ConnectionRef ref{index, connection.generation};
  const int result =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof_address(address));
  int error = result == 0 || errno == EINPROGRESS ? 0 : errno;
  // A connection that is open at once is found writable by the next gather as well.
  if (error == 0 && !watch(fd, tag_connection | index, EPOLLOUT, false)) error = errno;
  if (error != 0) {
    broken(TransportEventKind::failed, index, error);
  }
  return ref;
}

// ---- bytes ---------------------------------------------------------------------------------

std::ptrdiff_t TcpTransport::receive(ConnectionRef ref, std::span<std::uint8_t> into) {
  if (!valid(ref)) return -1;
  for (;;) {
    const ssize_t bytes = recv(connections_[ref.index].fd, into.data(), into.size(), 0);
    if (bytes > 0) return bytes;
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return 0;
    if (into.empty()) return 0;
    broken(TransportEventKind::closed, ref.index, bytes == 0 ? 0 : errno);
    return -1;
  }
}

std::ptrdiff_t TcpTransport::send(ConnectionRef ref, std::span<const std::uint8_t> bytes) {
  if (!valid(ref) || connections_[ref.index].connecting) return -1;
  for (;;) {
    const ssize_t taken =
        ::send(connections_[ref.index].fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (taken >= 0) return taken;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    broken(TransportEventKind::closed, ref.index, errno);
    return -1;
  }
}

void TcpTransport::close(ConnectionRef ref) {
  if (!valid(ref)) return;
  close_socket(ref.index);
  free_slot(ref.index);
}

Endpoint TcpTransport::local_endpoint(ConnectionRef ref) const {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;
  if (!valid(ref) || getsockname(connections_[ref.index].fd,
                                 reinterpret_cast<sockaddr*>(&storage), &bytes) != 0) {
    return {};
  }
  return to_endpoint(storage);
}

Endpoint TcpTransport::peer_endpoint(ConnectionRef ref) const {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;
  if (!valid(ref) || getpeername(connections_[ref.index].fd,
                                 reinterpret_cast<sockaddr*>(&storage), &bytes) != 0) {
    return {};
  }
  return to_endpoint(storage);
}

static_assert(ConnectingTransport<TcpTransport>);

}  // namespace levy::transport
