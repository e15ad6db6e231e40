// encode_error: the answer to a request that is refused before or instead of a decision.
// Core: edge, shard. Allocates: never. Blocks: never. Clock: none.
//
// Invariants: any request of at least a header gets a well-formed answer; it fits
// limits::answer_bytes_max whatever the request holds; nothing outside of the request is read.
#include <algorithm>

#include "diameter/app/answer_parts.hpp"
#include "diameter/codec/dictionary.hpp"

namespace levy::app {

using codec::Avp;
using codec::AvpType;
using codec::Bytes;
using codec::CodecError;
using codec::ResultCode;
using codec::Writer;
namespace avp = codec::avp;

namespace {

// A Session-Id beyond this is not repeated (the answer-message of RFC 6733 7.2 may lack it).
constexpr std::size_t session_id_echo_max = 1024;

// What of a refused request can still be read.
struct Readable {
  Bytes session_id{};
  bool has_type = false, has_number = false;
  std::uint32_t type = 0, number = 0;
};

Readable read_what_is_left(std::span<const std::uint8_t> message) {
  Readable found;
  codec::AvpCursor cursor(message.subspan(codec::header_bytes));
  Avp one;
  bool has_session_id = false;
  while (cursor.next(one)) {
    if (one.is(avp::session_id) && !has_session_id) {
      has_session_id = true;
      if (one.data.size() <= session_id_echo_max) found.session_id = one.data;
    } else if (one.is(avp::cc_request_type) && !found.has_type) {
      found.has_type = codec::read_u32(one, found.type);
    } else if (one.is(avp::cc_request_number) && !found.has_number) {
      found.has_number = codec::read_u32(one, found.number);
    }
  }
  return found;
}

// An AVP with a zero-filled value of the least size that its type has.
void write_example(Writer& writer, std::uint32_t code, std::uint32_t vendor, std::uint8_t flags) {
  static constexpr std::uint8_t zeros[8] = {};
  const std::size_t size = codec::data_bytes_min(codec::traits_of(code, vendor));
  writer.bytes(code, vendor, flags, Bytes{zeros, size});
}

// The header of an offending AVP (or what there is of it) over a zero-filled value.
void write_header_of(Writer& writer, Bytes offending) {
  std::uint8_t head[12] = {};
  std::copy_n(offending.begin(), std::min(offending.size(), sizeof head), head);
  const std::uint8_t flags = head[4] & (codec::avp_mandatory | codec::avp_protected);
  const bool has_vendor = (head[4] & codec::avp_vendor) != 0;
  write_example(writer, codec::load32(head), has_vendor ? codec::load32(head + 8) : 0, flags);
}

// The reserved bits are what 3009 complains of: repeated, they would be a fault of our answer.
void write_without_reserved(Writer& writer, Bytes whole) {
  const bool has_vendor = (whole[4] & codec::avp_vendor) != 0;
  const auto flags =
      static_cast<std::uint8_t>(whole[4] & (codec::avp_mandatory | codec::avp_protected));
  writer.bytes(codec::load32(whole.data()), has_vendor ? codec::load32(whole.data() + 8) : 0, flags,
               whole.subspan(has_vendor ? 12 : 8));
}

void write_offending(Writer& writer, ResultCode code, Bytes offending) {
  if (code == ResultCode::invalid_avp_length || offending.size() > failed_avp_bytes_max) {
    return write_header_of(writer, offending);
  }
  if (code == ResultCode::invalid_avp_bits) return write_without_reserved(writer, offending);
  writer.copy(offending);
}

void write_failed_avp(Writer& writer, const CodecError& error) {
  if (error.missing_code == 0 && error.offending.empty()) return;
  const std::size_t group = writer.begin_group(avp::failed_avp);
  if (error.missing_code != 0) {
    const auto* entry = codec::find_entry(error.missing_code, error.missing_vendor);
    const bool mandatory = entry == nullptr || entry->mandatory;
    write_example(writer, error.missing_code, error.missing_vendor,
                  mandatory ? codec::avp_mandatory : 0);
  } else {
    if (!error.other.empty()) write_offending(writer, error.code, error.other);
    write_offending(writer, error.code, error.offending);
  }
  writer.end_group(group);
}

}  // namespace

std::size_t encode_error(std::span<const std::uint8_t> message, const CodecError& error,
                         const LocalIdentity& local, std::span<std::uint8_t> into) {
  if (message.size() < codec::header_bytes) return 0;  // no identifiers to answer under
  const bool protocol_error = codec::is_protocol_error(error.code);
  const codec::Header header = answer_header(message, protocol_error);
  const Readable readable = read_what_is_left(message);
  Writer writer(into);
  writer.begin_message();
  if (!readable.session_id.empty()) writer.bytes(avp::session_id, readable.session_id);
  writer.u32(avp::result_code, static_cast<std::uint32_t>(error.code));
  write_origin(writer, local);
  const auto credit_control = static_cast<std::uint32_t>(codec::CommandCode::credit_control);
  if (header.command == credit_control && !protocol_error) {
    writer.u32(avp::auth_application_id, header.application);
    if (readable.has_type) writer.u32(avp::cc_request_type, readable.type);
    if (readable.has_number) writer.u32(avp::cc_request_number, readable.number);
  }
  write_origin_state_id(writer, local);
  write_failed_avp(writer, error);
  copy_proxy_infos(writer, message);
  return writer.finish(header);
}

}  // namespace levy::app
