// CodecError: why bytes were refused, as the Result-Code and the AVP to report.
// Core: edge, shard. Allocates: never. Blocks: never. Clock: none.
#pragma once

#include <cstdint>
#include <span>

namespace levy::codec {

// Result-Code 268 values that the codec, the peer machine and the applications answer with
// (RFC 6733 7.1, RFC 8506 9). 0 = no error.
enum class ResultCode : std::uint32_t {
  none = 0,
  success = 2001,
  limited_success = 2002,
  command_unsupported = 3001,
  unable_to_deliver = 3002,
  realm_not_served = 3003,
  too_busy = 3004,
  loop_detected = 3005,
  application_unsupported = 3007,
  invalid_hdr_bits = 3008,
  invalid_avp_bits = 3009,
  unknown_peer = 3010,
  end_user_service_denied = 4010,
  credit_control_not_applicable = 4011,
  credit_limit_reached = 4012,
  election_lost = 4003,
  avp_unsupported = 5001,
  unknown_session_id = 5002,
  authorization_rejected = 5003,
  invalid_avp_value = 5004,
  missing_avp = 5005,
  contradicting_avps = 5007,
  avp_not_allowed = 5008,
  avp_occurs_too_many_times = 5009,
  no_common_application = 5010,
  unsupported_version = 5011,
  unable_to_comply = 5012,
  invalid_bit_in_header = 5013,
  invalid_avp_length = 5014,
  invalid_message_length = 5015,
  no_common_security = 5017,
  user_unknown = 5030,
  rating_failed = 5031,
};

// 3xxx answers carry the E bit and no application AVPs (RFC 6733 7.2).
constexpr bool is_protocol_error(ResultCode code) {
  return static_cast<std::uint32_t>(code) / 1000 == 3;
}

// A refusal. `offending` is the AVP as received (header and data, a view into the frame) when there
// is one; when `missing_code` != 0 the Failed-AVP is a zero-filled example of that AVP instead.
// For invalid_avp_length `offending` covers only what lies inside the message.
struct CodecError {
  ResultCode code = ResultCode::none;
  std::span<const std::uint8_t> offending{};
  std::uint32_t missing_code = 0;
  std::uint32_t missing_vendor = 0;
  std::span<const std::uint8_t> other{};  // of contradicting_avps: the AVP that it contradicts
  explicit operator bool() const { return code != ResultCode::none; }
};

}  // namespace levy::codec
