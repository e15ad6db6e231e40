// CcrTemplates: CCR bytes as a P-GW sends them, built once and patched for each request.
// Core: load. Allocates: when built. Blocks: never. Clock: none.
//
// One template per gateway and CC-Request-Type. Every variable field has a fixed width, so
// encoding is one copy and a dozen stores, and the same Request always gives the same bytes
// (but for Hop-by-Hop and the T flag): a repeat is a true repeat.
// AVPs and their order: RFC 8506, TS 32.299 6.4.2; 29.061 AVPs carry V without M.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "perf/load/options.hpp"
#include "perf/load/request.hpp"

namespace levy::load {

class CcrTemplates {
 public:
  // `destination_*`: who answered our CER. Returns an empty text, or why the shape is impossible.
  std::string build(const Shape& shape, const std::string& destination_host,
                    const std::string& destination_realm, std::uint32_t origin_state_id);

  // Writes the request for `gateway` to `out` (at least bytes_max()); returns its length.
  std::size_t encode(const Request& request, std::uint32_t gateway, std::uint32_t hop_by_hop,
                     std::uint8_t* out) const;

  std::size_t bytes_max() const { return bytes_max_; }
  std::size_t bytes_of(RequestType type) const { return of(0, type).bytes.size(); }
  // Where the Session-Id's data stands in every template, and its length.
  static constexpr std::size_t session_id_offset = 28;
  std::size_t session_id_bytes(std::uint32_t gateway) const {
    return of(gateway, RequestType::initial).session_id_bytes;
  }
  // Octets that each MSCC of the request reports.
  std::uint64_t used_of(const Request& request, std::size_t mscc) const {
    const bool reports = request.type != RequestType::initial;
    return reports && (request.used_mask >> mscc & 1) != 0 ? shape_.usu : 0;
  }

 private:
  struct MsccPlaces {
    std::size_t rating_group = 0;
    std::size_t used_time = 0, used_total = 0, used_input = 0, used_output = 0;  // 0: has none
  };
  struct Template {
    std::vector<std::uint8_t> bytes;
    std::size_t session_id_bytes = 0;
    std::size_t number = 0, event_time = 0, imsi = 0, msisdn = 0;
    std::size_t charging_id = 0, pdp_address = 0;
    std::array<MsccPlaces, mscc_max> mscc{};
  };
  struct Names {
    std::string origin_host, destination_host, destination_realm;
    std::uint32_t origin_state_id = 0;
  };

  const Template& of(std::uint32_t gateway, RequestType type) const {
    return templates_[gateway * request_types + index_of(type)];
  }
  Template make(RequestType type, const Names& names, std::size_t filler) const;

  Shape shape_;
  std::vector<Template> templates_;
  std::size_t bytes_max_ = 0;
};

}  // namespace levy::load
