// CcrTemplates: builds the templates and patches them.
// Core: load. Allocates: when built. Blocks: never. Clock: none.
#include "perf/load/ccr.hpp"

#include <fmt/format.h>

#include <cstring>
#include <string_view>

#include "diameter/codec/avp.hpp"
#include "diameter/codec/header.hpp"

namespace levy::load {
namespace {

using codec::avp_mandatory;
using codec::Bytes;
using codec::vendor_3gpp;
using codec::Writer;

constexpr std::uint8_t M = avp_mandatory;
constexpr std::size_t template_bytes_max = 16 * 1024;
constexpr std::size_t imsi_digits = 15;
constexpr std::size_t msisdn_digits = 13;
constexpr std::size_t filler_name_bytes = 60;

// Writes an AVP and tells where its data stands.
std::size_t put_text(Writer& w, std::uint32_t code, std::uint32_t vendor, std::uint8_t flags,
                     std::string_view text) {
  w.text(code, vendor, flags, text);
  return w.size() - ((text.size() + 3) & ~std::size_t{3});
}
std::size_t put_u32(Writer& w, std::uint32_t code, std::uint32_t vendor, std::uint8_t flags,
                    std::uint32_t value) {
  w.u32(code, vendor, flags, value);
  return w.size() - 4;
}
std::size_t put_u64(Writer& w, std::uint32_t code, std::uint32_t vendor, std::uint8_t flags,
                    std::uint64_t value) {
  w.u64(code, vendor, flags, value);
  return w.size() - 8;
}

// Address (RFC 6733 4.3.1): family 1 and four bytes.
std::size_t put_ipv4(Writer& w, std::uint32_t code, std::uint32_t address) {
  std::uint8_t data[6] = {0, 1};
  codec::store32(data + 2, address);
  w.bytes(code, vendor_3gpp, M, data);
  return w.size() - 6;  // 2 of family, 4 of address, 2 of padding: the address
}

std::size_t put_subscription(Writer& w, std::uint32_t type, std::string_view digits) {
  const std::size_t group = w.begin_group(443, 0, M);
  w.u32(450, 0, M, type);
  const std::size_t place = put_text(w, 444, 0, M, digits);
  w.end_group(group);
  return place;
}

// Charging-Rule-Base-Name AVPs of together `bytes`, which is 0 or at least 12.
void put_filler(Writer& w, std::size_t bytes) {
  const std::string name(filler_name_bytes, 'r');
  while (bytes > 0) {
    std::size_t take = std::min(bytes, 12 + filler_name_bytes);
    if (bytes - take != 0 && bytes - take < 12) take -= 12;
    w.text(1004, vendor_3gpp, M, std::string_view(name).substr(0, take - 12));
    bytes -= take;
  }
}

// Service-Information{PS-Information}: the bearer as a P-GW describes it (TS 32.299 7.2.158).
struct ServicePlaces {
  std::size_t charging_id = 0, pdp_address = 0;
};
ServicePlaces put_service_information(Writer& w, std::size_t filler) {
  ServicePlaces places;
  const std::size_t service = w.begin_group(873, vendor_3gpp, M);
  const std::size_t ps = w.begin_group(874, vendor_3gpp, M);
  places.charging_id = put_u32(w, 2, vendor_3gpp, 0, 0);
  places.pdp_address = put_ipv4(w, 1227, 0);
  put_ipv4(w, 1228, 0xc0000201);                     // SGSN-Address 192.0.2.1
  put_ipv4(w, 847, 0xc0000202);                      // GGSN-Address 192.0.2.2
  w.text(30, 0, M, "internet");                      // Called-Station-Id
  w.text(18, vendor_3gpp, 0, "00101");               // 3GPP-SGSN-MCC-MNC
  const std::uint8_t zone[] = {0x40, 0x00};
  w.bytes(23, vendor_3gpp, 0, zone);                 // 3GPP-MS-TimeZone
  const std::uint8_t location[] = {0x82, 0x00, 0xf1, 0x10, 0x00, 0x01,
                                   0x00, 0xf1, 0x10, 0x00, 0x00, 0x01, 0x01};
  w.bytes(22, vendor_3gpp, 0, location);             // 3GPP-User-Location-Info TAI and ECGI
  const std::uint8_t eutran[] = {6};
  w.bytes(21, vendor_3gpp, 0, eutran);               // 3GPP-RAT-Type
  put_filler(w, filler);
  w.end_group(ps);
  w.end_group(service);
  return places;
}

}  // namespace

CcrTemplates::Template CcrTemplates::make(RequestType type, const Names& names,
                                          std::size_t filler) const {
  std::vector<std::uint8_t> buffer(template_bytes_max);
  Writer w(buffer);
  Template t;
  w.begin_message();
  const std::string session = fmt::format("{};{:010};{:010};{:010}", names.origin_host,
                                          shape_.epoch, 0, 0);
  put_text(w, 263, 0, M, session);
  t.session_id_bytes = session.size();
  w.text(264, 0, M, names.origin_host);
  w.text(296, 0, M, shape_.origin_suffix);
  w.text(283, 0, M, names.destination_realm);
  w.u32(258, 0, M, codec::application_gy);
  w.text(461, 0, M, "32251@3gpp.org");
  w.u32(416, 0, M, static_cast<std::uint32_t>(type));
  t.number = put_u32(w, 415, 0, M, 0);
  if (type != RequestType::initial) w.text(293, 0, M, names.destination_host);
  w.u32(278, 0, M, names.origin_state_id);
  t.event_time = put_u32(w, 55, 0, M, 0);
  t.imsi = put_subscription(w, 1, std::string(imsi_digits, '0'));
  if (shape_.msisdn_first != 0) {
    t.msisdn = put_subscription(w, 0, std::string(msisdn_digits, '0'));
  }
  if (type == RequestType::termination) w.u32(295, 0, M, 1);  // DIAMETER_LOGOUT
  w.u32(455, 0, M, 1);                                        // MULTIPLE_SERVICES_SUPPORTED
  for (std::size_t i = 0; i < shape_.mscc; ++i) {
    MsccPlaces& places = t.mscc[i];
    const std::size_t group = w.begin_group(456, 0, M);
    if (type != RequestType::termination) {
      const std::size_t rsu = w.begin_group(437, 0, M);
      if (!shape_.rsu_empty) w.u64(421, 0, M, shape_.rsu);
      w.end_group(rsu);
    }
    if (type != RequestType::initial) {
      const std::size_t usu = w.begin_group(446, 0, M);
      places.used_time = put_u32(w, 420, 0, M, 0);
      places.used_total = put_u64(w, 421, 0, M, 0);
      places.used_input = put_u64(w, 412, 0, M, 0);
      places.used_output = put_u64(w, 414, 0, M, 0);
      w.end_group(usu);
    }
    places.rating_group = put_u32(w, 432, 0, M, 0);
    // FINAL with the last report, else QUOTA_EXHAUSTED (TS 32.299 7.2.175).
    if (type != RequestType::initial) {
      w.u32(872, vendor_3gpp, M, type == RequestType::termination ? 2 : 3);
    }
    w.end_group(group);
  }
  const ServicePlaces service = put_service_information(w, filler);
  t.charging_id = service.charging_id;
  t.pdp_address = service.pdp_address;
  codec::Header header;
  header.flags = codec::flag_request | codec::flag_proxiable;
  header.command = static_cast<std::uint32_t>(codec::CommandCode::credit_control);
  header.application = codec::application_gy;
  buffer.resize(w.finish(header));
  t.bytes = std::move(buffer);
  return t;
}

std::string CcrTemplates::build(const Shape& shape, const std::string& destination_host,
                                const std::string& destination_realm,
                                std::uint32_t origin_state_id) {
  shape_ = shape;
  templates_.clear();
  bytes_max_ = 0;
  for (std::uint32_t gateway = 0; gateway < shape.gateways; ++gateway) {
    const Names names{origin_host_of(shape, gateway), destination_host, destination_realm,
                      origin_state_id};
    const std::size_t natural = make(RequestType::update, names, 0).bytes.size();
    std::size_t filler = 0;
    if (shape.message_bytes != 0) {
      if (shape.message_bytes < natural) {
        return fmt::format("--message-bytes {}: the AVPs of this CCR-U take {} (0 = natural size)",
                           shape.message_bytes, natural);
      }
      filler = shape.message_bytes - natural;
      if (filler != 0 && filler < 12) {
        return fmt::format("--message-bytes {}: {} or at least {} can be made", shape.message_bytes,
                           natural, natural + 12);
      }
    }
    for (const RequestType type :
         {RequestType::initial, RequestType::update, RequestType::termination}) {
      templates_.push_back(make(type, names, filler));
      bytes_max_ = std::max(bytes_max_, templates_.back().bytes.size());
    }
  }
  return "";
}

std::size_t CcrTemplates::encode(const Request& request, std::uint32_t gateway,
                                 std::uint32_t hop_by_hop, std::uint8_t* out) const {
  const Template& t = of(gateway, request.type);
  std::memcpy(out, t.bytes.data(), t.bytes.size());
  if (request.retransmit) out[4] |= codec::flag_retransmit;
  codec::store32(out + 12, hop_by_hop);
  codec::store32(out + 16, request.end_to_end);
  auto* const text = reinterpret_cast<char*>(out);
  char* const session_end = text + session_id_offset + t.session_id_bytes;
  write_digits(session_end - 2 * session_digits - 1, session_digits, request.subscriber);
  write_digits(session_end - session_digits, session_digits, request.generation);
  codec::store32(out + t.number, request.number);
  codec::store32(out + t.event_time, request.event_time);
  write_digits(text + t.imsi, imsi_digits, shape_.imsi_first + request.subscriber);
  if (t.msisdn != 0) {
    write_digits(text + t.msisdn, msisdn_digits, shape_.msisdn_first + request.subscriber);
  }
  // 10.0.0.0/8 has room for 16 M addresses; beyond that they repeat, as behind real NAT pools.
  codec::store32(out + t.pdp_address, 0x0a000000u | (request.subscriber & 0x00ffffffu));
  codec::store32(out + t.charging_id, request.subscriber * 2654435761u + request.generation);
  for (std::size_t i = 0; i < shape_.mscc; ++i) {
    const MsccPlaces& places = t.mscc[i];
    codec::store32(out + places.rating_group, rating_group_of(shape_, request.subscriber, i));
    const std::uint64_t used = used_of(request, i);
    if (used == 0 || places.used_total == 0) continue;
    codec::store32(out + places.used_time, 60);
    codec::store64(out + places.used_total, used);
    codec::store64(out + places.used_input, used / 4);
    codec::store64(out + places.used_output, used - used / 4);
  }
  return t.bytes.size();
}

}  // namespace levy::load
