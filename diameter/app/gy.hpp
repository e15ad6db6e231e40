// Gy (RFC 8506, TS 32.299): Credit-Control requests in, answers out; RAR and ASR out, their answers
// in.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "diameter/app/dialect.hpp"
#include "diameter/codec/avp.hpp"
#include "diameter/codec/error.hpp"
#include "rating/charge.hpp"
#include "rating/plan.hpp"
#include "rating/request.hpp"

namespace levy::app {

// Bytes of all Proxy-Info of one message, padding included. With it and the limits of
// config/limits.hpp the longest answer fits limits::answer_bytes_max (gy_encode.cpp shows the sum).
inline constexpr std::size_t proxy_info_bytes_max = 1536;

// Who we are, for every message that we write.
struct LocalIdentity {
  std::string_view origin_host;
  std::string_view origin_realm;
  std::uint32_t origin_state_id = 0;
};

// Decodes a CCR with application 4. The header and base AVPs have been judged by the edge; this
// checks everything of the application. Views in `request` point into `message`; the elements of
// its arrays beyond their counts keep what they held. A message without MSCC has command_level and
// mscc_count 0, or 1 when it asks for something (units, a Service-Identifier, or any event).
codec::CodecError decode_ccr(std::span<const std::uint8_t> message, const Dialect& dialect,
                             rating::ChargeRequest& request);

// What a CCA says. `mscc[i]` answers request.mscc[i].
struct Answer {
  rating::Reason reason = rating::Reason::ok;  // command level
  std::uint8_t mscc_count = 0;
  const rating::MsccOutcome* mscc = nullptr;
  const rating::Plan* plan = nullptr;          // the base plan: for failure handling; may be null
  bool has_event_result = false;               // CHECK_BALANCE / PRICE_ENQUIRY
  rating::EventResult event{};
  bool triggers = true;                        // the peer's dialect takes them
  std::uint16_t currency = 0;                  // ISO 4217 numeric, of Cost-Information
};

// Writes the answer to `request` (whose frame bytes are `message`) under the message's own
// Hop-by-Hop and End-to-End, with its Proxy-Info. Returns its length, 0 when `into` is too small.
// Without `plan` REDIRECT becomes TERMINATE.
std::size_t encode_cca(std::span<const std::uint8_t> message, const rating::ChargeRequest& request,
                       const Answer& answer, const LocalIdentity& local,
                       std::span<std::uint8_t> into);

// An error answer to any request (base or application): Result-Code, Failed-AVP, Session-Id first
// when there is one, Proxy-Info; for a CCR also Auth-Application-Id, CC-Request-Type and -Number as
// far as they can be read; 3xxx with the E bit and without application AVPs.
std::size_t encode_error(std::span<const std::uint8_t> message, const codec::CodecError& error,
                         const LocalIdentity& local, std::span<std::uint8_t> into);

// A Re-Auth-Request, AUTHORIZE_ONLY, or an Abort-Session-Request (RFC 6733 8.5.1). Hop-by-Hop is 0
// and patched by the edge.
struct ServerRequest {
  bool abort = false;
  std::string_view session_id;
  std::string_view destination_host;
  std::string_view destination_realm;
  bool has_rating_group = false;
  std::uint32_t rating_group = 0;
  std::uint32_t end_to_end = 0;
};
std::size_t encode_server_request(const ServerRequest& request, const LocalIdentity& local,
                                  std::span<std::uint8_t> into);

// Result-Code (or Experimental-Result-Code) of an RAA or ASA; 0 when it has none or is malformed.
std::uint32_t decode_result_code(std::span<const std::uint8_t> message);

// What the edge needs to route and to shed, read in one walk of the top level.
struct Peek {
  bool is_ccr = false;
  rating::RequestType type{};        // of a CCR
  std::string_view session_id;
  std::uint8_t identity_count = 0;
  std::array<rating::Identity, limits::identities_max> identities{};
  std::string_view destination_host, destination_realm;
  std::string_view origin_host, origin_realm;
  bool has_origin_state_id = false;
  std::uint32_t origin_state_id = 0;
  bool loop = false;                 // `own_host` stands in a Route-Record
};
// Fails with the first structural fault of the top level, a missing or misplaced Session-Id, or a
// missing Origin-Host, Origin-Realm or (in a request) Destination-Realm. Identities come in the
// order in which they are tried: IMSI, E.164, NAI, SIP, private.
codec::CodecError peek_route(std::span<const std::uint8_t> message, std::string_view own_host,
                             Peek& peek);

}  // namespace levy::app
