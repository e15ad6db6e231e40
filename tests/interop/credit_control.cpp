// CreditControl: the AVPs of RFC 8506 and TS 32.299 that a P-GW sends, and those that it reads.
// Core: test program. Allocates: yes. Blocks: never. Clock: the system's, for Event-Timestamp.
#include "tests/interop/credit_control.hpp"

#include <ctime>

namespace levy::interop {
namespace {

constexpr std::uint32_t vendor_3gpp = 10415;
constexpr std::uint64_t ntp_epoch_offset = 2208988800;  // seconds from 1900 to 1970 (RFC 6733 4.3)
constexpr std::uint8_t flag_retransmitted = 0x10;
constexpr std::uint8_t flag_error = 0x20;

avp* add(void* parent, const char* name, const avp_value* value) {
  avp* made = nullptr;
  check_call(fd_msg_avp_new(Node::avp_model(name), 0, &made), name);
  if (value != nullptr) {
    avp_value copy = *value;
    check_call(fd_msg_avp_setvalue(made, &copy), name);
  }
  check_call(fd_msg_avp_add(parent, MSG_BRW_LAST_CHILD, made), name);
  return made;
}

avp* add_group(void* parent, const char* name) { return add(parent, name, nullptr); }

void add_text(void* parent, const char* name, const std::string& text) {
  avp_value value{};
  // The library copies the octets (setvalue), and takes them without const.
  value.os.data = reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  value.os.len = text.size();
  add(parent, name, &value);
}

void add_u32(void* parent, const char* name, std::uint32_t number) {
  avp_value value{};
  value.u32 = number;
  add(parent, name, &value);
}

void add_i32(void* parent, const char* name, std::int32_t number) {
  avp_value value{};
  value.i32 = number;
  add(parent, name, &value);
}

void add_u64(void* parent, const char* name, std::uint64_t number) {
  avp_value value{};
  value.u64 = number;
  add(parent, name, &value);
}

void add_units(avp* group, Unit unit, std::uint64_t units) {
  switch (unit) {
    case Unit::octets: add_u64(group, "CC-Total-Octets", units); break;
    case Unit::seconds: add_u32(group, "CC-Time", static_cast<std::uint32_t>(units)); break;
    case Unit::events: add_u64(group, "CC-Service-Specific-Units", units); break;
  }
}

void add_service(msg* message, const ServiceRequest& service) {
  avp* group = add_group(message, "Multiple-Services-Credit-Control");
  if (service.requested) {
    avp* units = add_group(group, "Requested-Service-Unit");
    if (*service.requested != 0) add_units(units, service.unit, *service.requested);
  }
  if (service.used) {
    avp* units = add_group(group, "Used-Service-Unit");
    add_units(units, service.unit, *service.used);
  }
  if (service.service_identifier) add_u32(group, "Service-Identifier", *service.service_identifier);
  if (service.rating_group) add_u32(group, "Rating-Group", *service.rating_group);
  if (service.reporting_reason) add_i32(group, "Reporting-Reason", *service.reporting_reason);
}

void add_subscription(msg* message, std::int32_t type, const std::string& identity) {
  avp* group = add_group(message, "Subscription-Id");
  add_i32(group, "Subscription-Id-Type", type);
  add_text(group, "Subscription-Id-Data", identity);
}

void add_timestamp(msg* message) {
  const auto now = static_cast<std::uint32_t>(static_cast<std::uint64_t>(std::time(nullptr)) +
                                              ntp_epoch_offset);
  const char bytes[4] = {static_cast<char>(now >> 24), static_cast<char>(now >> 16),
                         static_cast<char>(now >> 8), static_cast<char>(now)};
  add_text(message, "Event-Timestamp", std::string(bytes, sizeof bytes));
}

void add_service_information(msg* message, const Request& request) {
  avp* information = add_group(message, "Service-Information");
  avp* packet = add_group(information, "PS-Information");
  add_text(packet, "3GPP-Charging-Id", std::string("\x00\x00\x10\x01", 4));
  add_text(packet, "Called-Station-Id", request.access_point);
  add_text(packet, "3GPP-SGSN-MCC-MNC", "00101");
  add_text(packet, "3GPP-RAT-Type", "\x06");
}

std::string text_of(const avp_hdr& header) {
  return {reinterpret_cast<const char*>(header.avp_value->os.data), header.avp_value->os.len};
}

// Granted-Service-Unit: CC-Time 420, CC-Total-Octets 421, CC-Service-Specific-Units 417.
std::int64_t read_units(avp* group) {
  std::int64_t units = 0;
  each_child(group, [&](const avp_hdr& header, avp*) {
    if (header.avp_code == 420) units = header.avp_value->u32;
    if (header.avp_code == 421 || header.avp_code == 417) {
      units = static_cast<std::int64_t>(header.avp_value->u64);
    }
  });
  return units;
}

void read_final_unit(avp* group, ServiceAnswer& service) {
  each_child(group, [&](const avp_hdr& header, avp* child) {
    if (header.avp_code == 449) service.final_action = header.avp_value->i32;
    if (header.avp_code != 434) return;
    each_child(child, [&](const avp_hdr& inner, avp*) {
      if (inner.avp_code == 435) service.redirect = text_of(inner);
    });
  });
}

ServiceAnswer read_service(avp* group) {
  ServiceAnswer service;
  each_child(group, [&](const avp_hdr& header, avp* child) {
    if (header.avp_vendor == vendor_3gpp && header.avp_value != nullptr) {
      switch (header.avp_code) {
        case 868: service.time_threshold = header.avp_value->u32; break;
        case 869: service.volume_threshold = header.avp_value->u32; break;
        case 871: service.holding_time = header.avp_value->u32; break;
        default: break;
      }
      return;
    }
    switch (header.avp_code) {
      case 268: service.result = header.avp_value->u32; break;
      case 432: service.rating_group = header.avp_value->u32; break;
      case 439: service.service_identifier = header.avp_value->u32; break;
      case 448: service.validity = header.avp_value->u32; break;
      case 431: service.granted = read_units(child); break;
      case 430: read_final_unit(child, service); break;
      default: break;
    }
  });
  return service;
}

std::int64_t first_code(avp* group) {
  std::int64_t code = -1;
  each_child(group, [&](const avp_hdr& header, avp*) {
    if (code < 0) code = header.avp_code;
  });
  return code;
}

}  // namespace

msg* build(const Request& request, const NodeOptions& options) {
  msg* message = nullptr;
  dict_object* model = Node::find(DICT_COMMAND, CMD_BY_NAME, "Credit-Control-Request");
  check_call(fd_msg_new(model, MSGFL_ALLOC_ETEID, &message), "Credit-Control-Request");
  msg_hdr* header = nullptr;
  check_call(fd_msg_hdr(message, &header), "fd_msg_hdr");
  header->msg_appl = 4;
  if (request.repeated) header->msg_flags |= flag_retransmitted;

  add_text(message, "Session-Id", request.session_id);
  check_call(fd_msg_add_origin(message, 1), "fd_msg_add_origin");
  add_text(message, "Destination-Realm", options.peer_realm);
  add_u32(message, "Auth-Application-Id", 4);
  add_text(message, "Service-Context-Id", request.context);
  add_i32(message, "CC-Request-Type", request.type);
  add_u32(message, "CC-Request-Number", request.number);
  add_timestamp(message);
  if (!request.imsi.empty()) add_subscription(message, 1, request.imsi);
  if (!request.msisdn.empty()) add_subscription(message, 0, request.msisdn);
  if (request.type == 3) add_i32(message, "Termination-Cause", 1);
  if (request.action) add_i32(message, "Requested-Action", *request.action);
  add_i32(message, "Multiple-Services-Indicator", 1);
  for (const ServiceRequest& service : request.services) add_service(message, service);
  add_service_information(message, request);
  return message;
}

Answer read(msg* message) {
  Answer answer;
  msg_hdr* top = nullptr;
  check_call(fd_msg_hdr(message, &top), "fd_msg_hdr");
  answer.error_bit = (top->msg_flags & flag_error) != 0;
  each_child(message, [&](const avp_hdr& header, avp* child) {
    if (header.avp_vendor != 0) return;
    switch (header.avp_code) {
      case 263: answer.session_id = text_of(header); break;
      case 268: answer.result = header.avp_value->u32; break;
      case 279: answer.failed_avp = first_code(child); break;
      case 297:
        each_child(child, [&](const avp_hdr& inner, avp*) {
          if (inner.avp_code == 298) answer.experimental_result = inner.avp_value->u32;
        });
        break;
      case 415: answer.number = header.avp_value->u32; break;
      case 416: answer.type = header.avp_value->i32; break;
      case 422: answer.check_balance_result = header.avp_value->i32; break;
      case 456: answer.services.push_back(read_service(child)); break;
      default: break;
    }
  });
  return answer;
}

}  // namespace levy::interop
