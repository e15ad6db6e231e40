// decode_ccr: one walk over the bytes of a Credit-Control-Request.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// Invariants: views in the request point into the message; nothing is read outside of it; the first
// fault in message order decides the Result-Code, absent AVPs come last. What is tolerated and why:
// README.md of this folder.
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "diameter/app/ccr_decoder.hpp"
#include "diameter/app/subscription_id.hpp"

namespace levy::app {

using codec::Avp;
using codec::CodecError;
using codec::ResultCode;
namespace avp = codec::avp;

namespace {

// Everything in front of the two arrays is set from here; the arrays' elements when they are used.
const rating::ChargeRequest blank_request{};
constexpr std::size_t head_bytes = offsetof(rating::ChargeRequest, identities);
static_assert(std::is_trivially_copyable_v<rating::ChargeRequest>);
static_assert(std::is_standard_layout_v<rating::ChargeRequest>);
static_assert(offsetof(rating::ChargeRequest, mscc) > head_bytes);

// Time (RFC 6733 4.3.1): seconds since 1900; values without the top bit lie after February 2036.
Time from_ntp(std::uint32_t seconds) {
  std::int64_t since_1900 = seconds;
  if ((seconds & 0x80000000u) == 0) since_1900 += std::int64_t{1} << 32;
  return Time::from_seconds(since_1900 - ntp_offset_seconds);
}

}  // namespace

codec::CodecError decode_ccr(std::span<const std::uint8_t> message, const Dialect& dialect,
                             rating::ChargeRequest& request) {
  return CcrDecoder(dialect, request).decode(message);
}

CodecError CcrDecoder::decode(codec::Bytes message) {
  std::memcpy(static_cast<void*>(&request_), &blank_request, head_bytes);
  if (message.size() < codec::header_bytes) {
    CodecError error;
    error.code = ResultCode::invalid_message_length;
    return error;
  }
  first_avp_ = message.data() + codec::header_bytes;
  request_.retransmitted = (message[4] & codec::flag_retransmit) != 0;
  const bool read = judge_.walk(message.subspan(codec::header_bytes), [this](const Avp& one) {
    if (one.vendor == 0) [[likely]] return on_ietf(one);
    if (one.vendor == codec::vendor_3gpp) return on_third(one);
    return judge_.unread(one, 0);
  });
  if (read && judge_whole()) return CodecError{};
  return judge_.error();
}

// AVPs of vendor 0 at the top level.
bool CcrDecoder::on_ietf(const Avp& one) {
  switch (one.code) {
    case avp::session_id.code: return on_session_id(one);
    case avp::origin_host.code:
      return once(seen_origin_host, one) && name(one, request_.origin_host);
    case avp::origin_realm.code:
      return once(seen_origin_realm, one) && name(one, request_.origin_realm);
    case avp::destination_host.code:
      return once(seen_destination_host, one) && name(one, request_.destination_host);
    case avp::destination_realm.code: {
      std::string_view unused;
      return once(seen_destination_realm, one) && name(one, unused);
    }
    case avp::service_context_id.code:
      return once(seen_service_context_id, one) && name(one, request_.service_context_id);
    case avp::called_station_id.code: return called_station(one);
    case avp::framed_ip_address.code:
    case avp::framed_ipv6_prefix.code:
      if (request_.pdp_address.empty()) request_.pdp_address = one.text();
      return true;
    case avp::multiple_services_credit_control.code: return on_mscc(one);
    case avp::subscription_id.code: return on_subscription_id(one);
    case avp::proxy_info.code: return on_proxy_info(one);
    case avp::requested_service_unit.code:
      if (command_.has_requested) return judge_.fail(ResultCode::avp_occurs_too_many_times, one);
      command_avp_ = one.whole;
      command_.has_requested = true;
      command_.requested = rating::UnitAmounts{};
      return units(one, command_.requested, nullptr, nullptr);
    case avp::used_service_unit.code:
      command_avp_ = one.whole;
      return used_units(one, command_);
    case avp::service_identifier.code:
      if (!once(seen_service_identifier, one)) return false;
      return service_identifier(one, command_);
    case avp::user_name.code: return once(seen_user_name, one);
    case avp::acct_multi_session_id.code: return once(seen_acct_multi_session_id, one);
    case avp::cc_correlation_id.code: return once(seen_cc_correlation_id, one);
    case avp::user_equipment_info.code:
      return once(seen_user_equipment_info, one) && on_equipment(one, 0);
    case avp::cc_sub_session_id.code:
      // Sub-sessions are not kept apart; taking them for one session would mix up their numbers.
      return judge_.fail(ResultCode::avp_unsupported, one);
    default: return on_number(one);
  }
}

// The Unsigned32 and Enumerated AVPs of the top level.
bool CcrDecoder::on_number(const Avp& one) {
  std::uint32_t value = 0;
  switch (one.code) {
    case avp::auth_application_id.code:
      if (!once(seen_auth_application_id, one) || !u32(one, value)) return false;
      return value == codec::application_gy || judge_.fail(ResultCode::invalid_avp_value, one);
    case avp::cc_request_type.code:
      if (!once(seen_cc_request_type, one) || !u32(one, value)) return false;
      if (value < 1 || value > 4) return judge_.fail(ResultCode::invalid_avp_value, one);
      request_.type = static_cast<rating::RequestType>(value);
      return true;
    case avp::cc_request_number.code:
      return once(seen_cc_request_number, one) && u32(one, request_.request_number);
    case avp::origin_state_id.code:
      request_.has_origin_state_id = true;
      return once(seen_origin_state_id, one) && u32(one, request_.origin_state_id);
    case avp::event_timestamp.code:
      if (!once(seen_event_timestamp, one) || !u32(one, value)) return false;
      request_.has_event_timestamp = true;
      request_.event_timestamp = from_ntp(value);
      return true;
    case avp::termination_cause.code:
      request_.has_termination_cause = true;
      return once(seen_termination_cause, one) && u32(one, request_.termination_cause);
    case avp::requested_action.code:
      // Judged at the end: outside of events its value says nothing (Open5GS sends it always).
      if (!once(seen_requested_action, one) || !u32(one, requested_action_)) return false;
      request_.has_requested_action = true;
      requested_action_avp_ = one.whole;
      return true;
    case avp::multiple_services_indicator.code:
      if (!once(seen_multiple_services_indicator, one) || !u32(one, value)) return false;
      return value <= 1 || judge_.fail(ResultCode::invalid_avp_value, one);
    default: return judge_.unread(one, 0);
  }
}

// AVPs of 3GPP at the top level: Nokia sends those of PS-Information here.
bool CcrDecoder::on_third(const Avp& one) {
  switch (one.code) {
    case avp::service_information.code:
      return once(seen_service_information, one) && on_service_information(one);
    case avp::aoc_request_type.code: return once(seen_aoc_request_type, one);
    case avp::third_charging_id.code:
    case avp::third_charging_characteristics.code:
    case avp::third_sgsn_mcc_mnc.code:
    case avp::third_rat_type.code:
    case avp::third_user_location_info.code:
    case avp::pdp_address.code: return on_ps_avp(one);
    default: return judge_.unread(one, 0);
  }
}

bool CcrDecoder::on_session_id(const Avp& one) {
  if (!once(seen_session_id, one)) return false;
  if (one.whole.data() != first_avp_) return judge_.missing(avp::session_id);  // RFC 6733 8.8
  if (one.data.empty() || one.data.size() > limits::session_id_bytes_max) {
    return judge_.fail(ResultCode::invalid_avp_value, one);
  }
  request_.session_id = one.text();
  return true;
}

bool CcrDecoder::on_proxy_info(const Avp& one) {
  if (++proxy_info_count_ > limits::proxy_info_max) {
    return judge_.fail(ResultCode::avp_occurs_too_many_times, one);
  }
  proxy_info_bytes_ += (one.whole.size() + 3) & ~std::size_t{3};
  if (proxy_info_bytes_ > proxy_info_bytes_max) {
    return judge_.fail(ResultCode::invalid_avp_value, one);
  }
  return judge_.unread(one, 0);
}

// Subscription-Id 443 {Subscription-Id-Type, Subscription-Id-Data}; an identical one is dropped.
bool CcrDecoder::on_subscription_id(const Avp& one) {
  bool has_type = false, has_data = false;
  std::uint32_t type = 0;
  std::string_view data;
  codec::Bytes data_avp{};
  const bool read = judge_.walk(one.data, [&](const Avp& inner) {
    if (inner.is(avp::subscription_id_type)) {
      if (has_type) return judge_.fail(ResultCode::avp_occurs_too_many_times, inner);
      has_type = true;
      if (!u32(inner, type)) return false;
      return type <= 4 || judge_.fail(ResultCode::invalid_avp_value, inner);
    }
    if (inner.is(avp::subscription_id_data)) {
      if (has_data) return judge_.fail(ResultCode::avp_occurs_too_many_times, inner);
      has_data = true;
      data = inner.text();
      data_avp = inner.whole;
      if (!data.empty() && data.size() <= limits::identity_bytes_max) return true;
      return judge_.fail(ResultCode::invalid_avp_value, inner);
    }
    return judge_.unread(inner, 1);
  });
  if (!read) return false;
  if (!has_type) return judge_.missing(avp::subscription_id_type);
  if (!has_data) return judge_.missing(avp::subscription_id_data);
  const rating::Identity identity = subscription_identity(type, data);
  if (identity.text.empty()) {
    return judge_.fail(ResultCode::invalid_avp_value, Avp{.whole = data_avp});
  }
  for (std::size_t i = 0; i < request_.identity_count; ++i) {
    if (request_.identities[i].type != identity.type) continue;
    if (request_.identities[i].text == identity.text) return true;
    return judge_.contradict(identity_avps_[i], one.whole);
  }
  identity_avps_[request_.identity_count] = one.whole;
  request_.identities[request_.identity_count++] = identity;
  return true;
}

bool CcrDecoder::called_station(const Avp& one) {
  if (one.data.size() > limits::diameter_identity_bytes_max) {
    return judge_.fail(ResultCode::invalid_avp_value, one);
  }
  if (request_.called_station_id.empty()) request_.called_station_id = one.text();
  return true;
}

// What only the whole message can tell: absent AVPs, events, units at two levels.
bool CcrDecoder::judge_whole() {
  constexpr std::uint32_t needed = seen_session_id | seen_origin_host | seen_origin_realm |
                                   seen_destination_realm | seen_auth_application_id |
                                   seen_service_context_id | seen_cc_request_type |
                                   seen_cc_request_number;
  if ((seen_ & needed) != needed) [[unlikely]] return judge_absent();
  const bool event = request_.type == rating::RequestType::event;
  if (event && !request_.has_requested_action) return judge_.missing(avp::requested_action);
  if (request_.has_requested_action) {
    if (requested_action_ <= 3) {
      request_.requested_action = static_cast<rating::RequestedAction>(requested_action_);
    } else if (event) {
      return judge_.fail(ResultCode::invalid_avp_value, Avp{.whole = requested_action_avp_});
    }
  }
  if (request_.mscc_count != 0) {
    if (command_avp_.empty()) return true;
    return judge_.contradict(mscc_avps_[0], command_avp_);
  }
  request_.command_level = true;
  const bool asks = command_.has_requested || command_.has_used ||
                    command_.service_identifier_count != 0 || event;
  // Also when nothing is asked: row 0 tells rating::charged_rows so, and must not hold the units of
  // the message that was decoded before.
  request_.mscc[0] = command_;
  if (!asks) return true;
  request_.mscc_count = 1;
  return true;
}

bool CcrDecoder::judge_absent() {
  struct Needed {
    std::uint32_t bit;
    codec::AvpDef def;
  };
  static constexpr Needed order[] = {
      {seen_session_id, avp::session_id},
      {seen_origin_host, avp::origin_host},
      {seen_origin_realm, avp::origin_realm},
      {seen_destination_realm, avp::destination_realm},
      {seen_auth_application_id, avp::auth_application_id},
      {seen_service_context_id, avp::service_context_id},
      {seen_cc_request_type, avp::cc_request_type},
      {seen_cc_request_number, avp::cc_request_number},
  };
  for (const Needed& one : order) {
    if ((seen_ & one.bit) == 0) return judge_.missing(one.def);
  }
  return true;
}

}  // namespace levy::app
