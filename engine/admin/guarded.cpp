// Connections with bounds (see guarded.hpp).
// Core: admin threads. Allocates: yes. Blocks: for the peer, within bounds. Clock: steady.
#include "engine/admin/guarded.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>

#include "engine/admin/request.hpp"

namespace levy::admin {

namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::chrono::milliseconds end_patience{1000};
constexpr std::chrono::milliseconds look_round{100};  // how soon a stop is noticed

int clamped(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

}  // namespace

bool Connection::wait(short events, Clock::time_point until) const {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    pollfd one{socket_, events, 0};
    const auto turn = std::clamp(left, std::chrono::milliseconds(0), look_round);
    const int ready = ::poll(&one, 1, static_cast<int>(turn.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (left <= turn || bounds_.stopping()) return false;
  }
}

bool Connection::wait_for_tls(int result, Clock::time_point until) const {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return wait(POLLIN, until);
    case SSL_ERROR_WANT_WRITE:
      return wait(POLLOUT, until);
    default:
      return false;
  }
}

bool Connection::handshake() {
  if (ssl_ == nullptr) return true;
  const auto until = Clock::now() + head_patience;
  SSL_set_fd(ssl_, socket_);
  for (;;) {
    ERR_clear_error();
    const int result = SSL_accept(ssl_);
    if (result == 1) return true;
    if (!wait_for_tls(result, until)) return false;
  }
}

// As recv().
ssize_t Connection::receive(char* into, std::size_t size, Clock::time_point until) {
  for (;;) {
    if (ssl_ != nullptr) {
      ERR_clear_error();
      const int result = SSL_read(ssl_, into, clamped(size));
      if (result > 0) return result;
      if (SSL_get_error(ssl_, result) == SSL_ERROR_ZERO_RETURN) return 0;
      if (!wait_for_tls(result, until)) return -1;
      continue;
    }
    const ssize_t result = ::recv(socket_, into, size, 0);
    if (result >= 0) return result;
    if (errno == EINTR) continue;
    if ((errno != EAGAIN && errno != EWOULDBLOCK) || !wait(POLLIN, until)) return -1;
  }
}

Connection::Head Connection::read_head() {
  const auto until = Clock::now() + head_patience;
  char part[4096];
  for (;;) {
    const ssize_t size = receive(part, sizeof part, until);
    if (size < 0) return Head::too_slow;
    if (size == 0) return buffer_.empty() ? Head::nothing : Head::come;
    const std::size_t before = buffer_.size();
    buffer_.append(part, static_cast<std::size_t>(size));
    const std::size_t from = before < head_end.size() ? 0 : before - head_end.size();
    const std::size_t end = buffer_.find(head_end, from);
    if (end != std::string::npos ? end > head_bytes_max : buffer_.size() > head_bytes_max)
      return Head::too_long;
    if (end == std::string::npos) continue;
    hide_ranges(end);
    return Head::come;
  }
}

// A Range may be ignored (RFC 9110, 14.2); the library would send as many copies as it asks for.
void Connection::hide_ranges(std::size_t end) {
  constexpr std::string_view name = "\nrange";
  for (std::size_t at = 0; at + name.size() < end; ++at) {
    std::size_t same = 0;
    while (same < name.size() && std::tolower(buffer_[at + same]) == name[same]) ++same;
    if (same == name.size()) buffer_[at + 1] = 'X';
  }
}

void Connection::end() {
  if (ssl_ != nullptr) SSL_shutdown(ssl_);
  ::shutdown(socket_, SHUT_WR);
  // What the peer still sends would reset the connection, and the answer with it.
  const auto until = Clock::now() + end_patience;
  char part[4096];
  while (wait(POLLIN, until) && Clock::now() < until) {
    const ssize_t size = ::recv(socket_, part, sizeof part, 0);
    if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) return;
  }
}

bool Connection::is_readable() const {
  return taken_ < buffer_.size() || (ssl_ != nullptr && SSL_pending(ssl_) > 0) ||
         wait(POLLIN, Clock::now() + bounds_.read_patience);
}

// Also whether the peer is still there: an answer that goes on for long ends with it.
bool Connection::is_writable() const {
  char byte = 0;
  if (::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) return false;
  return wait(POLLOUT, Clock::now() + bounds_.write_patience);
}

ssize_t Connection::read(char* into, std::size_t size) {
  if (taken_ == buffer_.size()) return receive(into, size, Clock::now() + bounds_.read_patience);
  const std::size_t part = std::min(size, buffer_.size() - taken_);
  std::memcpy(into, buffer_.data() + taken_, part);
  taken_ += part;
  return static_cast<ssize_t>(part);
}

ssize_t Connection::write(const char* from, std::size_t size) {
  const auto until = Clock::now() + bounds_.write_patience;
  for (std::size_t sent = 0; sent < size;) {
    if (ssl_ != nullptr) {
      ERR_clear_error();
      const int result = SSL_write(ssl_, from + sent, clamped(size - sent));
      if (result > 0)
        sent += static_cast<std::size_t>(result);
      else if (!wait_for_tls(result, until))
        return -1;
      continue;
    }
    const ssize_t result = ::send(socket_, from + sent, size - sent, MSG_NOSIGNAL);
    if (result >= 0)
      sent += static_cast<std::size_t>(result);
    else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait(POLLOUT, until)) return -1;
    } else if (errno != EINTR) {
      return -1;
    }
  }
  return static_cast<ssize_t>(size);
}

void Connection::get_remote_ip_and_port(std::string& address, int& port) const {
  address.clear();
  port = 0;
}

void Connection::get_local_ip_and_port(std::string& address, int& port) const {
  address.clear();
  port = 0;
}

BoundedPool::BoundedPool(std::size_t threads, std::size_t waiting_max) : waiting_max_(waiting_max) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

void BoundedPool::enqueue(std::function<void()> task) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return tasks_.size() < waiting_max_ || over_; });
  tasks_.push_back(std::move(task));
  changed_.notify_all();
}

void BoundedPool::shutdown() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void BoundedPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return over_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    changed_.notify_all();
    lock.unlock();
    task();
    lock.lock();
  }
}

bool Guarded::process_and_close_socket(socket_t socket) {
  const TlsContext context = context_();
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(
      context != nullptr ? SSL_new(context.get()) : nullptr, SSL_free);
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
  Connection connection(
      socket, ssl.get(),
      {std::chrono::seconds(read_timeout_sec_), std::chrono::seconds(write_timeout_sec_),
       [this] { return svr_sock_ == INVALID_SOCKET; }});
  const bool safe = (context == nullptr || ssl != nullptr) && connection.handshake();
  const auto head = safe ? connection.read_head() : Connection::Head::nothing;
  bool closed = false;
  if (head == Connection::Head::come) {
    process_request(connection, /*close_connection=*/true, closed,
                    [&](httplib::Request& request) {
                      request.ssl = ssl.get();
                      request.path = path_of_all;  // whoever serves looks at the target
                    });
  }
  if (head == Connection::Head::too_long) {
    const Answer answer = error_answer(431, "bad_request", "the request's head is too long");
    const std::string text =
        "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: " +
        std::to_string(answer.body.size()) + "\r\n\r\n" + answer.body;
    connection.write(text.data(), text.size());
  }
  if (!safe)
    lost_(Lost::handshake);
  else if (head == Connection::Head::too_long || head == Connection::Head::too_slow)
    lost_(Lost::head);
  connection.end();
  ::close(socket);
  return true;
}

}  // namespace levy::admin
