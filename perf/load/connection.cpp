// Connection: buffers and base protocol.
// Core: load. Allocates: at start-up, and when the send buffer grows. Blocks: open, close_politely.
// Clock: their limits.
#include "perf/load/connection.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>

#include <cstring>

#include "diameter/codec/avp.hpp"

namespace levy::load {
namespace {

using codec::CommandCode;
constexpr std::uint8_t M = codec::avp_mandatory;
constexpr std::size_t in_bytes = 512 * 1024;
constexpr std::size_t out_bytes = 512 * 1024;
constexpr std::uint32_t message_bytes_max = 64 * 1024;

// Host-IP-Address of our end of the socket, as AVP data: family and address.
std::string local_address(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  std::string data("\0\1\x7f\0\0\1", 6);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return data;
  if (bound.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(bound);
    data.assign("\0\2", 2);
    data.append(reinterpret_cast<const char*>(&v6.sin6_addr), 16);
  } else {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(bound);
    data.assign("\0\1", 2);
    data.append(reinterpret_cast<const char*>(&v4.sin_addr), 4);
  }
  return data;
}

}  // namespace

std::string Connection::open(const Options& options, std::uint32_t index,
                             std::uint32_t origin_state_id) {
  std::string fault;
  origin_host_ = origin_host_of(options.shape, gateway_of(options.shape, index));
  origin_realm_ = options.shape.origin_suffix;
  origin_state_id_ = origin_state_id;
  diameter_ = options.peer == PeerKind::diameter;
  in_.resize(in_bytes);
  out_.resize(out_bytes);
  in_begin_ = in_end_ = out_begin_ = out_end_ = 0;
  socket_ = connect_tcp(options.host, options.port, options.connect_timeout_s, options.congestion,
                        fault);
  if (!socket_.is_open()) return fault;
  if (!diameter_) {
    peer_ = {"echo." + origin_realm_, origin_realm_};
    return "";
  }
  write_cer(local_address(socket_.fd()));
  if (!flush()) return "the peer closed the connection before the CER";
  return read_cea(options.connect_timeout_s);
}

void Connection::write_cer(std::string_view address) {
  codec::Writer w({reserve(1024), 1024});
  w.begin_message();
  w.text(264, 0, M, origin_host_);
  w.text(296, 0, M, origin_realm_);
  w.text(257, 0, M, address);
  w.u32(266, 0, M, codec::vendor_3gpp);
  w.text(269, 0, 0, "levyload");
  w.u32(278, 0, M, origin_state_id_);
  w.u32(265, 0, M, codec::vendor_3gpp);
  w.u32(258, 0, M, codec::application_gy);
  codec::Header header;
  header.flags = codec::flag_request;
  header.command = static_cast<std::uint32_t>(CommandCode::capabilities_exchange);
  header.hop_by_hop = header.end_to_end = origin_state_id_;
  commit(w.finish(header));
}

bool Connection::wait_readable(double seconds) {
  pollfd waiting{socket_.fd(), POLLIN, 0};
  return ::poll(&waiting, 1, static_cast<int>(seconds * 1000)) > 0;
}

std::string Connection::read_cea(double timeout_s) {
  for (;;) {
    if (!wait_readable(timeout_s)) return fmt::format("no CEA within {} s", timeout_s);
    if (!receive()) return "the peer closed the connection instead of a CEA";
    const std::size_t have = in_end_ - in_begin_;
    if (have < codec::header_bytes) continue;
    const codec::Header header = codec::read_header({in_.data() + in_begin_, have});
    if (header.length < codec::header_bytes || header.length > message_bytes_max ||
        header.command != static_cast<std::uint32_t>(CommandCode::capabilities_exchange)) {
      return "the peer's first message is no CEA";
    }
    if (have < header.length) continue;
    codec::AvpCursor cursor({in_.data() + in_begin_ + codec::header_bytes,
                             header.length - codec::header_bytes});
    codec::Avp avp;
    std::uint32_t result = 0;
    std::string message;
    while (cursor.next(avp)) {
      if (avp.is(268) && !codec::read_u32(avp, result)) return "malformed CEA";
      if (avp.is(264)) peer_.origin_host = avp.text();
      if (avp.is(296)) peer_.origin_realm = avp.text();
      if (avp.is(281)) message = avp.text();
    }
    in_begin_ += header.length;
    if (result != 2001) return fmt::format("CEA with Result-Code {} {}", result, message);
    if (peer_.origin_host.empty() || peer_.origin_realm.empty()) {
      return "CEA without Origin-Host or Origin-Realm";
    }
    return "";
  }
}

bool Connection::receive() {
  if (in_begin_ == in_end_) {
    in_begin_ = in_end_ = 0;
  } else if (in_.size() - in_end_ < message_bytes_max) {
    std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  const std::int64_t got = receive_some(socket_.fd(), in_.data() + in_end_, in_.size() - in_end_);
  if (got < 0) return false;
  in_end_ += static_cast<std::size_t>(got);
  return true;
}

Arrived Connection::next(std::span<const std::uint8_t>& message) {
  const std::size_t have = in_end_ - in_begin_;
  if (have < codec::header_bytes) return Arrived::nothing;
  const codec::Header header = codec::read_header({in_.data() + in_begin_, have});
  if (header.version != 1 || header.length < codec::header_bytes ||
      header.length > message_bytes_max) {
    return Arrived::closed;
  }
  if (have < header.length) return Arrived::nothing;
  message = {in_.data() + in_begin_, header.length};
  in_begin_ += header.length;
  const auto command = static_cast<CommandCode>(header.command);
  if (command == CommandCode::credit_control && (!header.is_request() || !diameter_)) {
    return Arrived::answer;
  }
  if (!header.is_request()) return Arrived::watchdog;  // a DWA or DPA: nothing waits for it
  answer_base(message, header);
  switch (command) {
    case CommandCode::re_auth: return Arrived::re_auth;
    case CommandCode::abort_session: return Arrived::abort;
    case CommandCode::disconnect_peer: return Arrived::closed;
    default: return Arrived::watchdog;
  }
}

void Connection::answer_base(std::span<const std::uint8_t> request, const codec::Header& header) {
  const auto command = static_cast<CommandCode>(header.command);
  const bool known = command == CommandCode::device_watchdog || command == CommandCode::re_auth ||
                     command == CommandCode::abort_session ||
                     command == CommandCode::disconnect_peer;
  const std::size_t room = request.size() + 512;
  codec::Writer w({reserve(room), room});
  w.begin_message();
  codec::AvpCursor sessions(request.subspan(codec::header_bytes));
  codec::Avp avp;
  while (sessions.next(avp)) {
    if (avp.is(263)) w.copy(avp.whole);
  }
  w.u32(268, 0, M, known ? 2001 : 3001);
  w.text(264, 0, M, origin_host_);
  w.text(296, 0, M, origin_realm_);
  w.u32(278, 0, M, origin_state_id_);
  codec::AvpCursor proxies(request.subspan(codec::header_bytes));
  while (proxies.next(avp)) {
    if (avp.is(284)) w.copy(avp.whole);
  }
  codec::Header answer = header;
  answer.flags = static_cast<std::uint8_t>((header.flags & codec::flag_proxiable) |
                                           (known ? 0 : codec::flag_error));
  commit(w.finish(answer));
}

std::uint8_t* Connection::reserve(std::size_t bytes) {
  if (out_begin_ == out_end_) out_begin_ = out_end_ = 0;
  if (out_.size() - out_end_ < bytes) {
    std::memmove(out_.data(), out_.data() + out_begin_, out_end_ - out_begin_);
    out_end_ -= out_begin_;
    out_begin_ = 0;
    if (out_.size() - out_end_ < bytes) out_.resize(out_.size() * 2 + bytes);
  }
  return out_.data() + out_end_;
}

bool Connection::flush() {
  if (out_begin_ == out_end_) return true;
  const std::int64_t sent =
      send_some(socket_.fd(), out_.data() + out_begin_, out_end_ - out_begin_);
  if (sent < 0) return false;
  out_begin_ += static_cast<std::size_t>(sent);
  return true;
}

void Connection::close_politely() {
  if (!socket_.is_open()) return;
  if (diameter_) {
    codec::Writer w({reserve(512), 512});
    w.begin_message();
    w.text(264, 0, M, origin_host_);
    w.text(296, 0, M, origin_realm_);
    w.u32(273, 0, M, 0);  // REBOOTING: the one cause that invites us back soon
    codec::Header header;
    header.flags = codec::flag_request;
    header.command = static_cast<std::uint32_t>(CommandCode::disconnect_peer);
    commit(w.finish(header));
    if (flush() && wait_readable(1.0)) receive();
  }
  socket_.close();
}

}  // namespace levy::load
