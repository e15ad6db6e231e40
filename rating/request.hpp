// ChargeRequest: what one Credit-Control-Request asks, free of Diameter's bytes.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
//
// Filled by diameter/app/gy from the frame; string_views point into the frame, which outlives the
// request. The simulator and the what-if tools fill it by hand. Source: RFC 8506 section 8,
// TS 32.299 section 7; `has_x` mirrors the presence of the optional AVP x.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "config/limits.hpp"
#include "engine/base/money.hpp"
#include "engine/base/time.hpp"

namespace levy::rating {

// CC-Request-Type 416.
enum class RequestType : std::uint8_t { initial = 1, update = 2, termination = 3, event = 4 };

// Requested-Action 436 (EVENT_REQUEST only).
enum class RequestedAction : std::uint8_t {
  direct_debiting = 0,
  refund_account = 1,
  check_balance = 2,
  price_enquiry = 3,
};

// Subscription-Id-Type 450; `account_name` is Levy's own kind, for operators' commands.
enum class IdentityType : std::uint8_t {
  e164 = 0,
  imsi = 1,
  sip_uri = 2,
  nai = 3,
  private_id = 4,
  account_name = 15,
};

struct Identity {
  IdentityType type{};
  std::string_view text;  // 1..limits::identity_bytes_max bytes
};

// Reporting-Reason 872 (TS 32.299), as bits so that several reports of one MSCC can be joined.
enum ReportingReason : std::uint16_t {
  reason_threshold = 1u << 0,
  reason_qht = 1u << 1,
  reason_final = 1u << 2,
  reason_quota_exhausted = 1u << 3,
  reason_validity_time = 1u << 4,
  reason_other_quota_type = 1u << 5,
  reason_rating_condition_change = 1u << 6,
  reason_forced_reauthorisation = 1u << 7,
  reason_pool_exhausted = 1u << 8,
};

// The numbers of a Requested-, Used- or Granted-Service-Unit. An absent number is not a zero.
struct UnitAmounts {
  bool has_octets = false;   // CC-Total-Octets, else CC-Input- + CC-Output-Octets (never both)
  bool has_seconds = false;  // CC-Time
  bool has_events = false;   // CC-Service-Specific-Units
  bool has_money = false;    // CC-Money
  std::int64_t octets = 0;   // 0..limits::units_max
  // CC-Input-Octets (from the user) and CC-Output-Octets, where these are all of `octets`.
  bool has_directions = false;
  std::int64_t octets_up = 0;
  std::int64_t octets_down = 0;
  std::int64_t seconds = 0;
  std::int64_t events = 0;
  Money money{};  // converted to micros; more digits than that are refused at decode
  std::uint16_t money_currency = 0;  // Currency-Code 425 (ISO 4217 numeric), 0 = absent
};

// Octets of an MSCC's Used-Service-Units that came after the tariff change: those whose Tariff-
// Change-Usage 452 is UNIT_AFTER_TARIFF_CHANGE. A part of `used`; directions as there.
struct OctetsAfter {
  std::int64_t octets = 0;
  std::int64_t octets_up = 0;
  std::int64_t octets_down = 0;
};

// One Multiple-Services-Credit-Control, or the command-level units where there is none.
struct MsccRequest {
  bool has_rating_group = false;
  std::uint8_t service_identifier_count = 0;
  bool has_requested = false;           // Requested-Service-Unit present, maybe empty
  bool has_used = false;                // at least one Used-Service-Unit present, maybe empty
  std::uint16_t reporting_reasons = 0;  // ReportingReason bits, MSCC level and inside the USUs
  std::uint32_t rating_group = 0;
  // Ascending and without repeats: the key of a group is (Rating-Group, this set).
  std::array<std::uint32_t, limits::service_identifiers_max> service_identifiers{};
  std::uint8_t qci = 0;  // QoS-Class-Identifier of its QoS-Information, 0 = absent
  UnitAmounts requested;
  UnitAmounts used;  // the sum of all Used-Service-Units of this MSCC
  OctetsAfter after;
};

struct ChargeRequest {
  RequestType type{};
  bool retransmitted = false;  // the T flag: a hint only
  bool command_level = false;  // no MSCC in the message; mscc[0] holds the command's units
  bool has_requested_action = false;
  RequestedAction requested_action{};  // meaningful for events only (Open5GS sends it always)
  bool has_event_timestamp = false;
  bool has_origin_state_id = false;
  bool has_termination_cause = false;
  std::uint8_t identity_count = 0;
  std::uint8_t mscc_count = 0;
  std::uint32_t request_number = 0;  // CC-Request-Number 415
  std::uint32_t origin_state_id = 0;
  std::uint32_t termination_cause = 0;
  Time event_timestamp{};
  std::string_view session_id;  // in full, 1..limits::session_id_bytes_max
  std::string_view origin_host;
  std::string_view origin_realm;
  std::string_view destination_host;  // empty when absent
  std::string_view service_context_id;
  std::string_view called_station_id;  // the APN; empty when absent
  std::string_view charging_id;        // 3GPP-Charging-Id bytes as sent; empty when absent
  std::string_view pdp_address;  // first PDP-Address or Framed-IP(v6): raw bytes; may be empty
  // What a plan's rates may ask for (TS 32.299 clause 7); each empty or 0 when absent.
  std::string_view serving_plmn;     // 3GPP-SGSN-MCC-MNC 18: 5 or 6 decimal digits
  std::string_view user_location;    // 3GPP-User-Location-Info 22: raw bytes (TS 29.061 16.4.7)
  std::string_view characteristics;  // 3GPP-Charging-Characteristics 13: 4 hex digits
  std::string_view called_party;     // digits without '+': Called-Party-Address, an SMS's recipient
  std::string_view calling_party;
  std::string_view equipment;     // User-Equipment-Info-Value 460: IMEI(SV) digits or raw bytes
  std::uint16_t rat_type = 0;     // 3GPP-RAT-Type 21, + 1: 0 = absent
  std::uint8_t role_of_node = 0;  // Role-Of-Node 829, + 1: 0 = absent
  std::array<Identity, limits::identities_max> identities{};
  std::array<MsccRequest, limits::mscc_max> mscc{};
};

}  // namespace levy::rating
