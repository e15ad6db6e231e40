// FixedCca: learning shapes and answering by them.
// Core: load. Allocates: when a new shape of message is seen. Blocks: never. Clock: none.
#include "perf/floors/fixed_cca.hpp"

#include <cstring>
#include <utility>

#include "diameter/codec/avp.hpp"
#include "diameter/codec/header.hpp"

namespace levy::floors {
namespace {

using codec::CommandCode;
constexpr std::uint8_t M = codec::avp_mandatory;
constexpr std::size_t shapes_max = 32;
constexpr std::size_t session_at = 28;  // data of a Session-Id that stands first
constexpr std::uint64_t granted_octets = 1'000'000;
constexpr std::uint32_t validity_s = 3600;

}  // namespace

FixedCca::FixedCca(std::string origin_host, std::string origin_realm)
    : origin_host_(std::move(origin_host)), origin_realm_(std::move(origin_realm)) {}

const FixedCca::Shape* FixedCca::find(std::span<const std::uint8_t> m) const {
  for (const Shape& shape : shapes_) {
    if (shape.message_bytes != m.size() ||
        codec::load24(m.data() + 25) != shape.session_bytes + 8 ||
        codec::load32(m.data() + shape.type - 8) != 416 ||
        codec::load32(m.data() + shape.number - 8) != 415) {
      continue;
    }
    std::size_t same = 0;
    while (same < shape.mscc && codec::load32(m.data() + shape.rating_group[same] - 8) == 432) {
      ++same;
    }
    if (same == shape.mscc) return &shape;
  }
  return nullptr;
}

bool FixedCca::locate(std::span<const std::uint8_t> message, Shape& shape) const {
  const auto place = [&](const codec::Avp& avp) {
    return static_cast<std::size_t>(avp.data.data() - message.data());
  };
  codec::AvpCursor cursor(message.subspan(codec::header_bytes));
  codec::Avp avp;
  while (cursor.next(avp)) {
    if (avp.is(263) && place(avp) == session_at) shape.session_bytes = avp.data.size();
    if (avp.is(416) && avp.data.size() == 4) shape.type = place(avp);
    if (avp.is(415) && avp.data.size() == 4) shape.number = place(avp);
    if (!avp.is(456)) continue;
    codec::AvpCursor members(avp.data);
    codec::Avp member;
    while (members.next(member)) {
      if (!member.is(432) || member.data.size() != 4) continue;
      if (shape.mscc == mscc_max) return false;
      shape.rating_group[shape.mscc++] = place(member);
    }
    if (members.error()) return false;
  }
  shape.message_bytes = message.size();
  return !cursor.error() && shape.session_bytes != 0 && shape.type != 0 && shape.number != 0;
}

void FixedCca::can(std::span<const std::uint8_t> message, Shape& shape) const {
  shape.canned.resize(answer_bytes_max);
  codec::Writer w(shape.canned);
  w.begin_message();
  w.bytes(263, 0, M, message.subspan(session_at, shape.session_bytes));
  w.u32(268, 0, M, 2001);
  w.text(264, 0, M, origin_host_);
  w.text(296, 0, M, origin_realm_);
  w.u32(258, 0, M, codec::application_gy);
  w.u32(416, 0, M, codec::load32(message.data() + shape.type));
  shape.canned_type = w.size() - 4;
  w.u32(415, 0, M, 0);
  shape.canned_number = w.size() - 4;
  for (std::size_t i = 0; i < shape.mscc; ++i) {
    const std::size_t group = w.begin_group(456, 0, M);
    const std::size_t granted = w.begin_group(431, 0, M);
    w.u64(421, 0, M, granted_octets);
    w.end_group(granted);
    w.u32(432, 0, M, 0);
    shape.canned_rating_group[i] = w.size() - 4;
    w.u32(448, 0, M, validity_s);
    w.u32(268, 0, M, 2001);
    w.end_group(group);
  }
  codec::Header header = codec::read_header(message);
  header.flags = header.flags & codec::flag_proxiable;
  shape.canned.resize(w.finish(header));
}

bool FixedCca::learn(std::span<const std::uint8_t> message) {
  Shape shape;
  if (!locate(message, shape)) return false;
  can(message, shape);
  if (shape.canned.empty()) return false;
  if (shapes_.size() < shapes_max) {
    shapes_.push_back(std::move(shape));
  } else {
    shapes_[next_shape_++ % shapes_max] = std::move(shape);
  }
  return true;
}

std::size_t FixedCca::answer(std::span<const std::uint8_t> message, std::uint8_t* out) {
  const codec::Header header = codec::read_header(message);
  if (!header.is_request()) return 0;
  if (header.command != static_cast<std::uint32_t>(CommandCode::credit_control)) {
    return answer_base(message, out);
  }
  if (message.size() < session_at) return 0;
  const Shape* shape = find(message);
  if (shape == nullptr) {
    if (!learn(message)) return 0;
    shape = find(message);
    if (shape == nullptr) return 0;
  }
  const std::uint8_t* in = message.data();
  std::memcpy(out, shape->canned.data(), shape->canned.size());
  std::memcpy(out + 12, in + 12, 8);  // Hop-by-Hop and End-to-End
  std::memcpy(out + session_at, in + session_at, shape->session_bytes);
  std::memcpy(out + shape->canned_type, in + shape->type, 4);
  std::memcpy(out + shape->canned_number, in + shape->number, 4);
  for (std::size_t i = 0; i < shape->mscc; ++i) {
    std::memcpy(out + shape->canned_rating_group[i], in + shape->rating_group[i], 4);
  }
  return shape->canned.size();
}

std::size_t FixedCca::answer_base(std::span<const std::uint8_t> message, std::uint8_t* out) const {
  codec::Header header = codec::read_header(message);
  const auto command = static_cast<CommandCode>(header.command);
  const bool known = command == CommandCode::capabilities_exchange ||
                     command == CommandCode::device_watchdog ||
                     command == CommandCode::disconnect_peer;
  codec::Writer w({out, answer_bytes_max});
  w.begin_message();
  w.u32(268, 0, M, known ? 2001 : 3001);
  w.text(264, 0, M, origin_host_);
  w.text(296, 0, M, origin_realm_);
  if (command == CommandCode::capabilities_exchange) {
    const std::uint8_t address[] = {0, 1, 127, 0, 0, 1};
    w.bytes(257, 0, M, address);
    w.u32(266, 0, M, codec::vendor_3gpp);
    w.text(269, 0, 0, "levy_echo");
    w.u32(258, 0, M, codec::application_gy);
  }
  header.flags = static_cast<std::uint8_t>((header.flags & codec::flag_proxiable) |
                                           (known ? 0 : codec::flag_error));
  return w.finish(header);
}

}  // namespace levy::floors
