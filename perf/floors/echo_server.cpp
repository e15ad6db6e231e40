// EchoServer: the loop.
// Core: load. Allocates: per connection. Blocks: never. Clock: none.
#include "perf/floors/echo_server.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "diameter/codec/header.hpp"

namespace levy::floors {
namespace {

constexpr std::size_t buffer_bytes = 512 * 1024;
constexpr std::size_t message_bytes_max = 64 * 1024;
constexpr std::size_t epoll_from = 8;         // connections; below, plain recv is cheaper
constexpr std::uint64_t accept_every = 1024;  // turns: a look at the listener costs a system call

}  // namespace

std::string EchoServer::listen(const std::string& host, const std::string& port, EchoMode mode,
                               const std::string& congestion) {
  std::string fault;
  mode_ = mode;
  congestion_ = congestion;
  listener_ = load::listen_tcp(host, port, port_, fault);
  if (!listener_.is_open()) return fault;
  epoll_ = load::Socket(::epoll_create1(EPOLL_CLOEXEC));
  return epoll_.is_open() ? "" : fmt::format("epoll_create1: {}", std::strerror(errno));
}

void EchoServer::accept_one() {
  load::Socket socket(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket.is_open()) return;
  std::string fault;
  if (!load::tune_tcp(socket.fd(), congestion_, fault)) {
    fmt::print(stderr, "levy_echo: {}\n", fault);
    return;
  }
  auto line = std::make_unique<Line>();
  line->in.resize(buffer_bytes);
  line->out.resize(buffer_bytes);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = line.get();
  if (::epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, socket.fd(), &event) != 0) return;
  line->socket = std::move(socket);
  lines_.push_back(std::move(line));
}

bool EchoServer::turn() {
  // With nobody connected every turn looks; with load, seldom: it is no part of the floor.
  if (lines_.empty() || ++turns_ % accept_every == 0) accept_one();
  const std::uint64_t before = messages_;
  if (lines_.size() < epoll_from) {
    for (auto& line : lines_) line->serving = serve(*line);
  } else {
    poll_ready();
  }
  std::erase_if(lines_, [](const auto& line) { return !line->serving; });
  return messages_ != before;
}

bool EchoServer::poll_ready() {
  std::array<epoll_event, 64> events;
  const int ready = ::epoll_wait(epoll_.fd(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < ready; ++i) {
    Line& line = *static_cast<Line*>(events[static_cast<std::size_t>(i)].data.ptr);
    line.serving = serve(line);
  }
  // What a full socket buffer left behind.
  for (auto& line : lines_) {
    if (line->serving && line->out_begin != line->out_end) line->serving = flush(*line);
  }
  return ready > 0;
}

bool EchoServer::serve(Line& line) {
  if (line.in_begin == line.in_end) {
    line.in_begin = line.in_end = 0;
  } else if (line.in.size() - line.in_end < message_bytes_max) {
    std::memmove(line.in.data(), line.in.data() + line.in_begin, line.in_end - line.in_begin);
    line.in_end -= line.in_begin;
    line.in_begin = 0;
  }
  if (line.in_end < line.in.size()) {
    const std::int64_t got = load::receive_some(line.socket.fd(), line.in.data() + line.in_end,
                                                line.in.size() - line.in_end);
    if (got < 0) return false;
    line.in_end += static_cast<std::size_t>(got);
  }
  return answer_all(line) && flush(line);
}

// Answers what lies in the buffer, as far as the answers fit.
bool EchoServer::answer_all(Line& line) {
  if (line.out_begin == line.out_end) line.out_begin = line.out_end = 0;
  if (mode_ == EchoMode::bytes) {
    const std::size_t take = std::min(line.in_end - line.in_begin, line.out.size() - line.out_end);
    if (take == 0) return true;
    std::memcpy(line.out.data() + line.out_end, line.in.data() + line.in_begin, take);
    line.in_begin += take;
    line.out_end += take;
    ++messages_;
    return true;
  }
  while (line.in_end - line.in_begin >= codec::header_bytes &&
         line.out.size() - line.out_end >= FixedCca::answer_bytes_max) {
    const std::uint8_t* at = line.in.data() + line.in_begin;
    const std::size_t length = codec::load24(at + 1);
    if (length < codec::header_bytes || length > message_bytes_max) return false;
    if (length > line.in_end - line.in_begin) break;
    const std::size_t bytes = fixed_.answer({at, length}, line.out.data() + line.out_end);
    if (bytes == 0) return false;
    line.in_begin += length;
    line.out_end += bytes;
    ++messages_;
  }
  return true;
}

bool EchoServer::flush(Line& line) {
  if (line.out_begin == line.out_end) return true;
  const std::int64_t sent = load::send_some(line.socket.fd(), line.out.data() + line.out_begin,
                                            line.out_end - line.out_begin);
  if (sent < 0) return false;
  line.out_begin += static_cast<std::size_t>(sent);
  return true;
}

}  // namespace levy::floors
