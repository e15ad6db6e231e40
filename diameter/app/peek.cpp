// peek_route and decode_result_code: what the edge reads of a message in one walk.
// Core: edge. Allocates: never. Blocks: never. Clock: none.
//
// Invariants: groups are not opened, but Subscription-Id; a Subscription-Id that cannot be read is
// passed over here and refused by decode_ccr, which is the authority.
#include <algorithm>

#include "diameter/app/gy.hpp"
#include "diameter/app/subscription_id.hpp"
#include "diameter/codec/names.hpp"

namespace levy::app {

using codec::Avp;
using codec::CodecError;
using codec::ResultCode;
namespace avp = codec::avp;

namespace {

CodecError refuse(ResultCode code, codec::Bytes offending = {}) {
  CodecError error;
  error.code = code;
  error.offending = offending;
  return error;
}

CodecError missing(codec::AvpDef def) {
  CodecError error = refuse(ResultCode::missing_avp);
  error.missing_code = def.code;
  error.missing_vendor = def.vendor;
  return error;
}

// DiameterIdentities are host names: case does not count.
bool same_host(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// The order in which identities are tried (house.md section 2, step 3).
int rank_of(rating::IdentityType type) {
  switch (type) {
    case rating::IdentityType::imsi: return 0;
    case rating::IdentityType::e164: return 1;
    case rating::IdentityType::nai: return 2;
    case rating::IdentityType::sip_uri: return 3;
    default: return 4;
  }
}

void add_identity(const Avp& group, Peek& peek) {
  if (peek.identity_count == limits::identities_max) return;
  codec::AvpCursor cursor(group.data);
  Avp one;
  std::uint32_t type = 0;
  std::string_view text;
  bool has_type = false;
  while (cursor.next(one)) {
    if (one.is(avp::subscription_id_type)) {
      has_type = codec::read_u32(one, type);
    } else if (one.is(avp::subscription_id_data)) {
      text = one.text();
    }
  }
  if (cursor.error() || !has_type || type > 4) return;
  const rating::Identity identity = subscription_identity(type, text);
  if (identity.text.empty() || identity.text.size() > limits::identity_bytes_max) return;
  std::size_t at = peek.identity_count++;
  for (; at > 0 && rank_of(peek.identities[at - 1].type) > rank_of(identity.type); --at) {
    peek.identities[at] = peek.identities[at - 1];
  }
  peek.identities[at] = identity;
}

}  // namespace

CodecError peek_route(std::span<const std::uint8_t> message, std::string_view own_host,
                      Peek& peek) {
  peek = Peek{};
  if (message.size() < codec::header_bytes) return refuse(ResultCode::invalid_message_length);
  const std::uint8_t* first = message.data() + codec::header_bytes;
  const bool request = (message[4] & codec::flag_request) != 0;
  const auto credit_control = static_cast<std::uint32_t>(codec::CommandCode::credit_control);
  peek.is_ccr = request && codec::load24(message.data() + 5) == credit_control;
  codec::AvpCursor cursor(message.subspan(codec::header_bytes));
  Avp one;
  while (cursor.next(one)) {
    if (one.vendor != 0) continue;
    switch (one.code) {
      case avp::session_id.code:
        if (!peek.session_id.empty()) break;  // a second one: decode_ccr's to refuse
        if (one.whole.data() != first) return missing(avp::session_id);  // RFC 6733 8.8
        peek.session_id = one.text();
        break;
      case avp::origin_host.code: peek.origin_host = one.text(); break;
      case avp::origin_realm.code: peek.origin_realm = one.text(); break;
      case avp::destination_host.code: peek.destination_host = one.text(); break;
      case avp::destination_realm.code: peek.destination_realm = one.text(); break;
      case avp::origin_state_id.code:
        peek.has_origin_state_id = codec::read_u32(one, peek.origin_state_id);
        break;
      case avp::cc_request_type.code: {
        std::uint32_t type = 0;
        if (codec::read_u32(one, type) && type >= 1 && type <= 4) {
          peek.type = static_cast<rating::RequestType>(type);
        }
        break;
      }
      case avp::subscription_id.code: add_identity(one, peek); break;
      case avp::route_record.code: peek.loop = peek.loop || same_host(one.text(), own_host); break;
      default: break;
    }
  }
  if (cursor.error()) return cursor.error();
  if (peek.session_id.empty()) return missing(avp::session_id);
  if (peek.origin_host.empty()) return missing(avp::origin_host);
  if (peek.origin_realm.empty()) return missing(avp::origin_realm);
  if (request && peek.destination_realm.empty()) return missing(avp::destination_realm);
  return CodecError{};
}

std::uint32_t decode_result_code(std::span<const std::uint8_t> message) {
  if (message.size() < codec::header_bytes) return 0;
  codec::AvpCursor cursor(message.subspan(codec::header_bytes));
  Avp one;
  std::uint32_t code = 0, experimental = 0;
  while (cursor.next(one)) {
    if (one.is(avp::result_code) && code == 0) {
      if (!codec::read_u32(one, code)) return 0;
    } else if (one.is(avp::experimental_result) && experimental == 0) {
      codec::AvpCursor inside(one.data);
      Avp inner;
      while (inside.next(inner)) {
        if (inner.is(avp::experimental_result_code) && !codec::read_u32(inner, experimental)) {
          return 0;
        }
      }
      if (inside.error()) return 0;
    }
  }
  if (cursor.error()) return 0;
  return code != 0 ? code : experimental;
}

}  // namespace levy::app
