// CcrDecoder: the state of one decode_ccr call. Private to gy_decode*.cpp.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "diameter/app/gy.hpp"
#include "diameter/codec/judge.hpp"
#include "diameter/codec/names.hpp"

namespace levy::app {

class CcrDecoder {
 public:
  CcrDecoder(const Dialect& dialect, rating::ChargeRequest& request)
      : request_(request), judge_(dialect.ignore_unknown_mandatory) {}

  codec::CodecError decode(codec::Bytes message);

 private:
  // AVPs that RFC 8506 3.1 and TS 32.299 6.4.2 allow once at the top level of a CCR.
  enum Seen : std::uint32_t {
    seen_session_id = 1u << 0,
    seen_origin_host = 1u << 1,
    seen_origin_realm = 1u << 2,
    seen_destination_realm = 1u << 3,
    seen_destination_host = 1u << 4,
    seen_auth_application_id = 1u << 5,
    seen_service_context_id = 1u << 6,
    seen_cc_request_type = 1u << 7,
    seen_cc_request_number = 1u << 8,
    seen_origin_state_id = 1u << 9,
    seen_event_timestamp = 1u << 10,
    seen_termination_cause = 1u << 11,
    seen_requested_action = 1u << 12,
    seen_multiple_services_indicator = 1u << 13,
    seen_service_identifier = 1u << 14,
    seen_user_name = 1u << 15,
    seen_acct_multi_session_id = 1u << 16,
    seen_cc_correlation_id = 1u << 17,
    seen_user_equipment_info = 1u << 18,
    seen_service_information = 1u << 19,
    seen_aoc_request_type = 1u << 20,
  };

  bool on_ietf(const codec::Avp& one);
  bool on_number(const codec::Avp& one);
  bool on_third(const codec::Avp& one);
  bool on_session_id(const codec::Avp& one);
  bool on_proxy_info(const codec::Avp& one);
  bool on_subscription_id(const codec::Avp& one);
  bool called_station(const codec::Avp& one);
  bool judge_whole();
  bool judge_absent();

  // gy_decode_facts.cpp
  bool on_service_information(const codec::Avp& one);
  bool on_ps_avp(const codec::Avp& one);
  bool on_third_ps_avp(const codec::Avp& one);
  bool on_ims_avp(const codec::Avp& one);
  bool on_sms_avp(const codec::Avp& one);
  bool on_recipient(const codec::Avp& one);
  bool on_equipment(const codec::Avp& one, int depth);

  // gy_decode_units.cpp
  bool qos_of(const codec::Avp& group, rating::MsccRequest& mscc);
  bool on_mscc(const codec::Avp& one);
  bool judge_key(const codec::Avp& one, std::size_t index);
  bool units(const codec::Avp& group, rating::UnitAmounts& into, rating::MsccRequest* reasons,
             std::uint32_t* tariff_change_usage);
  bool used_units(const codec::Avp& group, rating::MsccRequest& mscc);
  bool service_identifier(const codec::Avp& one, rating::MsccRequest& mscc);
  bool reporting_reason(const codec::Avp& one, rating::MsccRequest& mscc);
  bool money(const codec::Avp& group, rating::UnitAmounts& into);
  bool unit_value(const codec::Avp& group, Money& into);

  bool once(std::uint32_t bit, const codec::Avp& one) {
    if ((seen_ & bit) != 0) [[unlikely]] {
      return judge_.fail(codec::ResultCode::avp_occurs_too_many_times, one);
    }
    seen_ |= bit;
    return true;
  }
  bool u32(const codec::Avp& one, std::uint32_t& value) {
    if (codec::read_u32(one, value)) [[likely]] return true;
    return judge_.fail(codec::ResultCode::invalid_avp_length, one);
  }
  // DiameterIdentity and the like: 1..limits::diameter_identity_bytes_max bytes.
  bool name(const codec::Avp& one, std::string_view& into) {
    if (one.data.empty() || one.data.size() > limits::diameter_identity_bytes_max) [[unlikely]] {
      return judge_.fail(codec::ResultCode::invalid_avp_value, one);
    }
    into = one.text();
    return true;
  }

  rating::ChargeRequest& request_;
  codec::Judge judge_;
  const std::uint8_t* first_avp_ = nullptr;
  std::uint32_t seen_ = 0;
  std::uint32_t requested_action_ = 0;
  std::size_t proxy_info_count_ = 0;
  std::size_t proxy_info_bytes_ = 0;
  rating::MsccRequest command_{};       // the command's own units
  codec::Bytes command_avp_{};          // the last of them
  codec::Bytes requested_action_avp_{};
  std::array<codec::Bytes, limits::identities_max> identity_avps_{};
  std::array<codec::Bytes, limits::mscc_max> mscc_avps_{};
};

}  // namespace levy::app
