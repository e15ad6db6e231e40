// The Diameter header, RFC 6733 section 3: read from and written to 20 bytes.
// Core: edge, shard. Allocates: never. Blocks: never. Clock: none.
#pragma once

#include <cstdint>
#include <span>

namespace levy::codec {

inline constexpr std::size_t header_bytes = 20;

enum CommandFlags : std::uint8_t {
  flag_request = 0x80,
  flag_proxiable = 0x40,
  flag_error = 0x20,
  flag_retransmit = 0x10,
  flags_reserved = 0x0f,
};

enum class CommandCode : std::uint32_t {
  capabilities_exchange = 257,
  re_auth = 258,
  credit_control = 272,
  abort_session = 274,
  session_termination = 275,
  device_watchdog = 280,
  disconnect_peer = 282,
};

inline constexpr std::uint32_t application_base = 0;
inline constexpr std::uint32_t application_gy = 4;
inline constexpr std::uint32_t application_gx = 16777238;
inline constexpr std::uint32_t application_relay = 0xffffffff;
inline constexpr std::uint32_t vendor_3gpp = 10415;

struct Header {
  std::uint8_t version = 1;
  std::uint8_t flags = 0;
  std::uint32_t length = 0;   // bytes, header included
  std::uint32_t command = 0;
  std::uint32_t application = 0;
  std::uint32_t hop_by_hop = 0;
  std::uint32_t end_to_end = 0;
  bool is_request() const { return (flags & flag_request) != 0; }
};

inline std::uint32_t load24(const std::uint8_t* p) {
  return std::uint32_t{p[0]} << 16 | std::uint32_t{p[1]} << 8 | p[2];
}
inline std::uint32_t load32(const std::uint8_t* p) {
  return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
}
inline std::uint64_t load64(const std::uint8_t* p) {
  return std::uint64_t{load32(p)} << 32 | load32(p + 4);
}
inline void store24(std::uint8_t* p, std::uint32_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 16);
  p[1] = static_cast<std::uint8_t>(v >> 8);
  p[2] = static_cast<std::uint8_t>(v);
}
inline void store32(std::uint8_t* p, std::uint32_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 24);
  store24(p + 1, v);
}
inline void store64(std::uint8_t* p, std::uint64_t v) {
  store32(p, static_cast<std::uint32_t>(v >> 32));
  store32(p + 4, static_cast<std::uint32_t>(v));
}

// Reads the fixed fields; `bytes` holds at least header_bytes. Judges nothing.
inline Header read_header(std::span<const std::uint8_t> bytes) {
  const std::uint8_t* p = bytes.data();
  return Header{p[0], p[4], load24(p + 1), load24(p + 5), load32(p + 8), load32(p + 12),
                load32(p + 16)};
}

inline void write_header(std::span<std::uint8_t> bytes, const Header& h) {
  std::uint8_t* p = bytes.data();
  p[0] = h.version;
  store24(p + 1, h.length);
  p[4] = h.flags;
  store24(p + 5, h.command);
  store32(p + 8, h.application);
  store32(p + 12, h.hop_by_hop);
  store32(p + 16, h.end_to_end);
}

}  // namespace levy::codec
