// The AVP codes that base messages (RFC 6733) need, all of vendor 0.
// Core: edge. Allocates: never. Blocks: never. Clock: none.
#pragma once

#include <cstdint>

namespace levy::peer::base_avp {

inline constexpr std::uint32_t host_ip_address = 257;
inline constexpr std::uint32_t auth_application_id = 258;
inline constexpr std::uint32_t acct_application_id = 259;
inline constexpr std::uint32_t vendor_specific_application_id = 260;
inline constexpr std::uint32_t session_id = 263;
inline constexpr std::uint32_t origin_host = 264;
inline constexpr std::uint32_t supported_vendor_id = 265;
inline constexpr std::uint32_t vendor_id = 266;
inline constexpr std::uint32_t firmware_revision = 267;
inline constexpr std::uint32_t result_code = 268;
inline constexpr std::uint32_t product_name = 269;
inline constexpr std::uint32_t disconnect_cause = 273;
inline constexpr std::uint32_t origin_state_id = 278;
inline constexpr std::uint32_t failed_avp = 279;
inline constexpr std::uint32_t proxy_info = 284;
inline constexpr std::uint32_t origin_realm = 296;
inline constexpr std::uint32_t inband_security_id = 299;

}  // namespace levy::peer::base_avp
