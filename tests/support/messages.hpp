// Test messages: a builder of Diameter bytes that shares no code with diameter/codec's Writer.
// Core: tests. Allocates: freely. Blocks: never. Clock: none.
//
// Three storeys: Build (any AVPs, also wrong ones), Ccr (a Credit-Control-Request by its meaning),
// and the base messages. What comes back from Levy is read with tests/support/parse.hpp.
//
//   Bytes ccr = Ccr::initial("gw;1;1").imsi("001010000000001").mscc(Mscc(10).rsu(1000)).bytes();
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace levy::test {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint32_t v3gpp = 10415;
inline constexpr std::uint8_t flag_m = 0x40;

// Bytes from "de ad be ef" (blanks, line ends and `# …` comments ignored), and back.
Bytes from_hex(std::string_view hex);
std::string to_hex(const Bytes& bytes);

// ---- any message --------------------------------------------------------------------------------
// Appends AVPs in call order. The V bit follows from `vendor`; `flags` is given without it.
class Build {
 public:
  Build& bytes(std::uint32_t code, const Bytes& data, std::uint8_t flags = flag_m,
               std::uint32_t vendor = 0);
  Build& text(std::uint32_t code, std::string_view data, std::uint8_t flags = flag_m,
              std::uint32_t vendor = 0);
  Build& u32(std::uint32_t code, std::uint32_t value, std::uint8_t flags = flag_m,
             std::uint32_t vendor = 0);
  Build& u64(std::uint32_t code, std::uint64_t value, std::uint8_t flags = flag_m,
             std::uint32_t vendor = 0);
  Build& group(std::uint32_t code, const Build& children, std::uint8_t flags = flag_m,
               std::uint32_t vendor = 0);
  Build& append(const Build& other);
  Build& raw(const Bytes& bytes);  // as it is: for malformed AVPs

  const Bytes& avps() const { return bytes_; }

  // The whole message; its length field is right.
  Bytes message(std::uint32_t command, std::uint32_t application, std::uint8_t command_flags,
                std::uint32_t hop_by_hop = 1, std::uint32_t end_to_end = 1) const;

 private:
  Bytes bytes_;
};

// ---- Credit-Control-Request ---------------------------------------------------------------------
// The numbers of a Requested- or Used-Service-Unit; what is not set is not sent.
struct Units {
  std::optional<std::uint32_t> seconds;                 // CC-Time
  std::optional<std::uint64_t> total, input, output;    // CC-Total-, -Input-, -Output-Octets
  std::optional<std::uint64_t> events;                  // CC-Service-Specific-Units
  std::optional<std::pair<std::int64_t, std::int32_t>> money;  // Value-Digits, Exponent
  std::uint32_t currency = 0;                           // Currency-Code, 0 = not sent
  std::vector<std::uint32_t> reasons;                   // Reporting-Reason inside the unit
  std::optional<std::uint32_t> tariff_change_usage;

  static Units octets(std::uint64_t n) { Units u; u.total = n; return u; }
  static Units in_out(std::uint64_t in, std::uint64_t out) {
    Units u; u.input = in; u.output = out; return u;
  }
  static Units time(std::uint32_t n) { Units u; u.seconds = n; return u; }
  static Units event(std::uint64_t n) { Units u; u.events = n; return u; }
  Units& reason(std::uint32_t r) { reasons.push_back(r); return *this; }
  Build avps() const;
};

struct Mscc {
  std::optional<std::uint32_t> rating_group;
  std::vector<std::uint32_t> service_identifiers;
  std::optional<Units> requested;
  std::vector<Units> used_units;
  std::vector<std::uint32_t> reasons;  // Reporting-Reason on MSCC level
  Build extra;                         // appended inside the group

  Mscc() = default;
  explicit Mscc(std::uint32_t rg) : rating_group(rg) {}
  Mscc& rsu(std::uint64_t octets) { requested = Units::octets(octets); return *this; }
  Mscc& rsu(Units units) { requested = std::move(units); return *this; }
  Mscc& rsu_empty() { requested = Units{}; return *this; }
  Mscc& usu(std::uint64_t octets) { used_units.push_back(Units::octets(octets)); return *this; }
  Mscc& usu(Units units) { used_units.push_back(std::move(units)); return *this; }
  Mscc& service(std::uint32_t id) { service_identifiers.push_back(id); return *this; }
  Mscc& reason(std::uint32_t r) { reasons.push_back(r); return *this; }
  Build avps() const;
};

// Every field may be changed before bytes(); an empty string or nullopt leaves the AVP out.
struct Ccr {
  std::uint32_t application = 4;
  std::uint8_t command_flags = 0xc0;  // R, P
  std::uint32_t hop_by_hop = 0x11111111;
  std::uint32_t end_to_end = 0x22222222;
  std::string session_id;
  std::string origin_host = "gw.example.org";
  std::string origin_realm = "example.org";
  std::string destination_realm = "levy.example.org";
  std::string destination_host;
  std::string service_context_id = "32251@3gpp.org";
  std::optional<std::uint32_t> auth_application_id = 4;
  std::optional<std::uint32_t> type;
  std::optional<std::uint32_t> number;
  std::optional<std::uint32_t> event_timestamp_ntp;  // seconds since 1900
  std::optional<std::uint32_t> origin_state_id;
  std::optional<std::uint32_t> requested_action;
  std::optional<std::uint32_t> termination_cause;
  std::vector<std::pair<std::uint32_t, std::string>> identities;  // Subscription-Id-Type, -Data
  std::vector<Mscc> msccs;
  // Command level units (no MSCC).
  std::optional<Units> command_requested;
  std::vector<Units> command_used;
  std::optional<std::uint32_t> command_service;
  // PS-Information; nothing is sent when all are empty.
  std::string called_station_id;
  Bytes charging_id;
  Bytes pdp_address;  // with its two bytes of address family
  Build extra;        // appended at the end, top level

  static Ccr initial(std::string_view session_id, std::uint32_t number = 0);
  static Ccr update(std::string_view session_id, std::uint32_t number);
  static Ccr termination(std::string_view session_id, std::uint32_t number);
  static Ccr event(std::string_view session_id, std::uint32_t requested_action,
                   std::uint32_t number = 0);

  Ccr& imsi(std::string_view text) { identities.emplace_back(1, text); return *this; }
  Ccr& e164(std::string_view text) { identities.emplace_back(0, text); return *this; }
  Ccr& identity(std::uint32_t id_type, std::string_view text) {
    identities.emplace_back(id_type, text);
    return *this;
  }
  Ccr& mscc(Mscc m) { msccs.push_back(std::move(m)); return *this; }
  Ccr& hop(std::uint32_t h) { hop_by_hop = h; return *this; }
  Ccr& end(std::uint32_t e) { end_to_end = e; return *this; }
  Ccr& from(std::string_view host, std::string_view realm) {
    origin_host = host;
    origin_realm = realm;
    return *this;
  }
  Ccr& to_host(std::string_view host) { destination_host = host; return *this; }
  Ccr& retransmitted() { command_flags |= 0x10; return *this; }
  Ccr& apn(std::string_view name) { called_station_id = name; return *this; }
  Ccr& timestamp(std::uint32_t ntp) { event_timestamp_ntp = ntp; return *this; }
  // Passes the message through `edit` before the call ends: for chains.
  Ccr& with(const std::function<void(Ccr&)>& edit) { edit(*this); return *this; }

  Build avps() const;
  Bytes bytes() const;
};

// Proxy-Info 284 {Proxy-Host, Proxy-State}, for Ccr::extra.
Build proxy_info(std::string_view host, std::string_view state);

// ---- base messages ------------------------------------------------------------------------------
struct Cer {
  std::string origin_host = "gw.example.org";
  std::string origin_realm = "example.org";
  Bytes host_ip{0, 1, 127, 0, 0, 1};  // Address: family, then bytes
  std::uint32_t vendor_id = 0;
  std::string product_name = "levy-test";
  std::optional<std::uint32_t> origin_state_id;
  std::vector<std::uint32_t> auth_applications{4};
  std::vector<std::uint32_t> vendor_specific;  // in Vendor-Specific-Application-Id{10415, app}
  std::vector<std::uint32_t> inband_security;  // Inband-Security-Id 299
  std::uint32_t hop_by_hop = 1, end_to_end = 1;
  Build extra;
  Bytes bytes() const;
};
Bytes dwr(std::string_view origin_host, std::string_view origin_realm,
          std::optional<std::uint32_t> origin_state_id = std::nullopt, std::uint32_t hop_by_hop = 2,
          std::uint32_t end_to_end = 2);
Bytes dpr(std::string_view origin_host, std::string_view origin_realm, std::uint32_t cause = 0,
          std::uint32_t hop_by_hop = 3, std::uint32_t end_to_end = 3);
// Answers to requests of ours: the identifiers are taken from the request's bytes.
Bytes dwa(const Bytes& request, std::string_view origin_host, std::string_view origin_realm,
          std::uint32_t result_code = 2001);
Bytes dpa(const Bytes& request, std::string_view origin_host, std::string_view origin_realm,
          std::uint32_t result_code = 2001);
Bytes raa(const Bytes& request, std::string_view session_id, std::string_view origin_host,
          std::string_view origin_realm, std::uint32_t result_code = 2001);

}  // namespace levy::test
