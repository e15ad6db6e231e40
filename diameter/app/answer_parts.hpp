// The parts that every answer of ours shares. Private to gy_encode.cpp and error_answer.cpp.
// Core: edge, shard. Allocates: never. Blocks: never. Clock: none.
#pragma once

#include <span>

#include "diameter/app/gy.hpp"
#include "diameter/codec/names.hpp"

namespace levy::app {

// Largest copy of one offending AVP in a Failed-AVP; a longer one is named by its header over a
// zero-filled value of the least size (RFC 6733 7.5 asks for no more of an AVP that is too long).
inline constexpr std::size_t failed_avp_bytes_max = 1024;

// The answer's header: P, Hop-by-Hop and End-to-End of the request, never R or T.
inline codec::Header answer_header(std::span<const std::uint8_t> message, bool protocol_error) {
  codec::Header header = codec::read_header(message);
  header.version = 1;
  header.flags = static_cast<std::uint8_t>((header.flags & codec::flag_proxiable) |
                                           (protocol_error ? codec::flag_error : 0));
  return header;
}

inline void write_origin(codec::Writer& writer, const LocalIdentity& local) {
  writer.text(codec::avp::origin_host, local.origin_host);
  writer.text(codec::avp::origin_realm, local.origin_realm);
}

inline void write_origin_state_id(codec::Writer& writer, const LocalIdentity& local) {
  if (local.origin_state_id != 0) writer.u32(codec::avp::origin_state_id, local.origin_state_id);
}

// Every Proxy-Info of the request, unchanged and in order (RFC 6733 6.2.1), as far as its structure
// can be read and within limits::proxy_info_max and proxy_info_bytes_max.
inline void copy_proxy_infos(codec::Writer& writer, std::span<const std::uint8_t> message) {
  codec::AvpCursor cursor(message.subspan(codec::header_bytes));
  codec::Avp one;
  std::size_t count = 0, bytes = 0;
  while (cursor.next(one)) {
    if (!one.is(codec::avp::proxy_info)) continue;
    bytes += (one.whole.size() + 3) & ~std::size_t{3};
    if (++count > limits::proxy_info_max || bytes > proxy_info_bytes_max) return;
    writer.copy(one.whole);
  }
}

}  // namespace levy::app
