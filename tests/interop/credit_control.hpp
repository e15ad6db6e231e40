// CreditControl: Credit-Control-Requests built by freeDiameter's dictionary, answers read by it.
// Core: test program. Allocates: yes. Blocks: never. Clock: the system's, for Event-Timestamp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/interop/node.hpp"

namespace levy::interop {

enum class Unit : std::uint8_t { octets, seconds, events };

// One Multiple-Services-Credit-Control of a request.
struct ServiceRequest {
  std::optional<std::uint32_t> rating_group;
  std::optional<std::uint32_t> service_identifier;
  std::optional<std::uint64_t> requested;   // 0 = an empty Requested-Service-Unit
  std::optional<std::uint64_t> used;        // Used-Service-Unit
  std::optional<std::int32_t> reporting_reason;
  Unit unit = Unit::octets;
};

struct Request {
  std::string session_id;
  std::string imsi;
  std::string msisdn;                   // empty = none
  std::string access_point = "internet";
  std::string context = "32251@3gpp.org";
  std::int32_t type = 1;                // CC-Request-Type
  std::uint32_t number = 0;
  std::optional<std::int32_t> action;   // Requested-Action
  bool repeated = false;                // the T flag
  std::vector<ServiceRequest> services;
};

// One Multiple-Services-Credit-Control of an answer; -1 = the AVP is not there.
struct ServiceAnswer {
  std::int64_t rating_group = -1, service_identifier = -1, result = -1;
  std::int64_t granted = -1;            // of whichever unit the Granted-Service-Unit carries
  std::int64_t validity = -1, volume_threshold = -1, time_threshold = -1, holding_time = -1;
  std::int64_t final_action = -1;       // Final-Unit-Action
  std::string redirect;                 // Redirect-Server-Address
};

struct Answer {
  std::string session_id;
  std::int64_t result = -1, experimental_result = -1, type = -1, number = -1;
  std::int64_t check_balance_result = -1;
  std::int64_t failed_avp = -1;         // code of the AVP in Failed-AVP
  bool error_bit = false;
  std::vector<ServiceAnswer> services;
};

msg* build(const Request& request, const NodeOptions& options);
Answer read(msg* answer);

}  // namespace levy::interop
