// Test messages: the builders.
// Core: tests. Allocates: freely. Blocks: never. Clock: none.
#include "tests/support/messages.hpp"

#include <cctype>
#include <stdexcept>

namespace levy::test {

namespace {

void put32(Bytes& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(v >> shift));
}
void put24(Bytes& out, std::uint32_t v) {
  for (int shift = 16; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(v >> shift));
}
std::uint32_t get32(const Bytes& in, std::size_t at) {
  return std::uint32_t{in.at(at)} << 24 | std::uint32_t{in.at(at + 1)} << 16 |
         std::uint32_t{in.at(at + 2)} << 8 | in.at(at + 3);
}
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int lower = std::tolower(static_cast<unsigned char>(c));
  if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  throw std::invalid_argument("not a hex digit");
}

}  // namespace

Bytes from_hex(std::string_view hex) {
  Bytes out;
  int high = -1;
  bool comment = false;
  for (const char c : hex) {
    if (c == '#') comment = true;
    if (c == '\n') comment = false;
    if (comment || std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    const int digit = hex_digit(c);
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<std::uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  if (high >= 0) throw std::invalid_argument("odd number of hex digits");
  return out;
}

std::string to_hex(const Bytes& bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i != 0 && i % 4 == 0) out += i % 32 == 0 ? '\n' : ' ';
    out += digits[bytes[i] >> 4];
    out += digits[bytes[i] & 15];
  }
  return out;
}

Build& Build::bytes(std::uint32_t code, const Bytes& data, std::uint8_t flags,
                    std::uint32_t vendor) {
  const std::size_t head = vendor != 0 ? 12 : 8;
  put32(bytes_, code);
  bytes_.push_back(static_cast<std::uint8_t>(flags | (vendor != 0 ? 0x80 : 0)));
  put24(bytes_, static_cast<std::uint32_t>(head + data.size()));
  if (vendor != 0) put32(bytes_, vendor);
  bytes_.insert(bytes_.end(), data.begin(), data.end());
  while (bytes_.size() % 4 != 0) bytes_.push_back(0);
  return *this;
}

Build& Build::text(std::uint32_t code, std::string_view data, std::uint8_t flags,
                   std::uint32_t vendor) {
  return bytes(code, Bytes(data.begin(), data.end()), flags, vendor);
}

Build& Build::u32(std::uint32_t code, std::uint32_t value, std::uint8_t flags,
                  std::uint32_t vendor) {
  Bytes data;
  put32(data, value);
  return bytes(code, data, flags, vendor);
}

Build& Build::u64(std::uint32_t code, std::uint64_t value, std::uint8_t flags,
                  std::uint32_t vendor) {
  Bytes data;
  put32(data, static_cast<std::uint32_t>(value >> 32));
  put32(data, static_cast<std::uint32_t>(value));
  return bytes(code, data, flags, vendor);
}

Build& Build::group(std::uint32_t code, const Build& children, std::uint8_t flags,
                    std::uint32_t vendor) {
  return bytes(code, children.bytes_, flags, vendor);
}

Build& Build::append(const Build& other) { return raw(other.bytes_); }

Build& Build::raw(const Bytes& bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

Bytes Build::message(std::uint32_t command, std::uint32_t application, std::uint8_t command_flags,
                     std::uint32_t hop_by_hop, std::uint32_t end_to_end) const {
  Bytes out;
  out.push_back(1);
  put24(out, static_cast<std::uint32_t>(20 + bytes_.size()));
  out.push_back(command_flags);
  put24(out, command);
  put32(out, application);
  put32(out, hop_by_hop);
  put32(out, end_to_end);
  out.insert(out.end(), bytes_.begin(), bytes_.end());
  return out;
}

Build Units::avps() const {
  Build b;
  for (const std::uint32_t r : reasons) b.u32(872, r, flag_m, v3gpp);
  if (tariff_change_usage) b.u32(452, *tariff_change_usage);
  if (seconds) b.u32(420, *seconds);
  if (money) {
    Build value;
    value.u64(447, static_cast<std::uint64_t>(money->first));
    if (money->second != 0) value.u32(429, static_cast<std::uint32_t>(money->second));
    Build cc_money;
    cc_money.group(445, value);
    if (currency != 0) cc_money.u32(425, currency);
    b.group(413, cc_money);
  }
  if (total) b.u64(421, *total);
  if (input) b.u64(412, *input);
  if (output) b.u64(414, *output);
  if (events) b.u64(417, *events);
  return b;
}

Build Mscc::avps() const {
  Build b;
  if (requested) b.group(437, requested->avps());
  for (const Units& units : used_units) b.group(446, units.avps());
  for (const std::uint32_t id : service_identifiers) b.u32(439, id);
  if (rating_group) b.u32(432, *rating_group);
  for (const std::uint32_t r : reasons) b.u32(872, r, flag_m, v3gpp);
  b.append(extra);
  return b;
}

namespace {

Ccr make_ccr(std::string_view session_id, std::uint32_t type, std::uint32_t number) {
  Ccr ccr;
  ccr.session_id = session_id;
  ccr.type = type;
  ccr.number = number;
  return ccr;
}

}  // namespace

Ccr Ccr::initial(std::string_view id, std::uint32_t number) { return make_ccr(id, 1, number); }
Ccr Ccr::update(std::string_view id, std::uint32_t number) { return make_ccr(id, 2, number); }
Ccr Ccr::termination(std::string_view id, std::uint32_t number) { return make_ccr(id, 3, number); }
Ccr Ccr::event(std::string_view id, std::uint32_t action, std::uint32_t number) {
  Ccr ccr = make_ccr(id, 4, number);
  ccr.requested_action = action;
  return ccr;
}

Build Ccr::avps() const {
  Build b;
  if (!session_id.empty()) b.text(263, session_id);
  if (!origin_host.empty()) b.text(264, origin_host);
  if (!origin_realm.empty()) b.text(296, origin_realm);
  if (!destination_realm.empty()) b.text(283, destination_realm);
  if (auth_application_id) b.u32(258, *auth_application_id);
  if (!service_context_id.empty()) b.text(461, service_context_id);
  if (type) b.u32(416, *type);
  if (number) b.u32(415, *number);
  if (!destination_host.empty()) b.text(293, destination_host);
  if (origin_state_id) b.u32(278, *origin_state_id);
  if (event_timestamp_ntp) b.u32(55, *event_timestamp_ntp);
  for (const auto& [id_type, data] : identities) {
    b.group(443, Build().u32(450, id_type).text(444, data));
  }
  if (termination_cause) b.u32(295, *termination_cause);
  if (requested_action) b.u32(436, *requested_action);
  if (command_requested) b.group(437, command_requested->avps());
  for (const Units& units : command_used) b.group(446, units.avps());
  if (command_service) b.u32(439, *command_service);
  if (!msccs.empty()) b.u32(455, 1);
  for (const Mscc& m : msccs) b.group(456, m.avps());
  Build ps;
  if (!charging_id.empty()) ps.bytes(2, charging_id, 0, v3gpp);
  if (!pdp_address.empty()) ps.bytes(1227, pdp_address, flag_m, v3gpp);
  if (!called_station_id.empty()) ps.text(30, called_station_id);
  if (!ps.avps().empty()) {
    b.group(873, Build().group(874, ps, flag_m, v3gpp), flag_m, v3gpp);
  }
  b.append(extra);
  return b;
}

Bytes Ccr::bytes() const {
  return avps().message(272, application, command_flags, hop_by_hop, end_to_end);
}

Build proxy_info(std::string_view host, std::string_view state) {
  return Build().group(284, Build().text(280, host).text(33, state));
}

Bytes Cer::bytes() const {
  Build b;
  b.text(264, origin_host).text(296, origin_realm).bytes(257, host_ip);
  b.u32(266, vendor_id).text(269, product_name, 0);
  if (origin_state_id) b.u32(278, *origin_state_id);
  for (const std::uint32_t id : inband_security) b.u32(299, id);
  for (const std::uint32_t app : vendor_specific) {
    b.group(260, Build().u32(266, v3gpp).u32(258, app));
  }
  for (const std::uint32_t app : auth_applications) b.u32(258, app);
  b.append(extra);
  return b.message(257, 0, 0x80, hop_by_hop, end_to_end);
}

Bytes dwr(std::string_view origin_host, std::string_view origin_realm,
          std::optional<std::uint32_t> origin_state_id, std::uint32_t hop_by_hop,
          std::uint32_t end_to_end) {
  Build b;
  b.text(264, origin_host).text(296, origin_realm);
  if (origin_state_id) b.u32(278, *origin_state_id);
  return b.message(280, 0, 0x80, hop_by_hop, end_to_end);
}

Bytes dpr(std::string_view origin_host, std::string_view origin_realm, std::uint32_t cause,
          std::uint32_t hop_by_hop, std::uint32_t end_to_end) {
  Build b;
  b.text(264, origin_host).text(296, origin_realm).u32(273, cause);
  return b.message(282, 0, 0x80, hop_by_hop, end_to_end);
}

Bytes dwa(const Bytes& request, std::string_view origin_host, std::string_view origin_realm,
          std::uint32_t result_code) {
  Build b;
  b.u32(268, result_code).text(264, origin_host).text(296, origin_realm);
  return b.message(280, 0, 0, get32(request, 12), get32(request, 16));
}

Bytes dpa(const Bytes& request, std::string_view origin_host, std::string_view origin_realm,
          std::uint32_t result_code) {
  Build b;
  b.u32(268, result_code).text(264, origin_host).text(296, origin_realm);
  return b.message(282, 0, 0, get32(request, 12), get32(request, 16));
}

Bytes raa(const Bytes& request, std::string_view session_id, std::string_view origin_host,
          std::string_view origin_realm, std::uint32_t result_code) {
  Build b;
  b.text(263, session_id).u32(268, result_code).text(264, origin_host).text(296, origin_realm);
  return b.message(258, get32(request, 8), request.at(4) & 0x40, get32(request, 12),
                   get32(request, 16));
}

}  // namespace levy::test
