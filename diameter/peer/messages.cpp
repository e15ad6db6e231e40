// Base messages: writing and reading CER, CEA, DWR, DWA, DPR, DPA and error answers.
// Core: edge. Allocates: never. Blocks: never. Clock: none.
#include "diameter/peer/messages.hpp"

#include "diameter/peer/base_avp.hpp"

namespace levy::peer {
namespace {

using codec::Avp;
using codec::avp_mandatory;
using codec::AvpCursor;
using codec::Bytes;
using codec::CodecError;
using codec::Header;
using codec::ResultCode;
using codec::Writer;

CodecError refuse(ResultCode code, const Avp& avp) {
  CodecError error;
  error.code = code;
  error.offending = avp.whole;
  return error;
}

CodecError missing(std::uint32_t code) {
  CodecError error;
  error.code = ResultCode::missing_avp;
  error.missing_code = code;
  return error;
}

// Notes one application id that the peer named.
void note_application(std::uint32_t id, bool in_vendor_specific, const LocalNode& node,
                      Capabilities& capabilities) {
  if (id == codec::application_relay) capabilities.relay = true;
  for (std::uint32_t i = 0; i < node.applications_count; ++i) {
    if (node.applications[i].id != id) continue;
    capabilities.common[i] = true;
    if (in_vendor_specific) capabilities.in_vendor_specific[i] = true;
  }
}

// Vendor-Specific-Application-Id: members in any order (freeDiameter puts Auth-Application-Id
// first), any vendor, Auth or Acct alike.
CodecError read_vendor_specific(const Avp& group, const LocalNode& node,
                                Capabilities& capabilities) {
  AvpCursor cursor(group.data);
  Avp avp;
  while (cursor.next(avp)) {
    if (!avp.is(base_avp::auth_application_id) && !avp.is(base_avp::acct_application_id)) continue;
    std::uint32_t id = 0;
    if (!codec::read_u32(avp, id)) return refuse(ResultCode::invalid_avp_length, avp);
    note_application(id, true, node, capabilities);
  }
  return cursor.error();
}

CodecError read_identity(const Avp& avp, Identity& identity) {
  if (!identity.empty()) return refuse(ResultCode::avp_occurs_too_many_times, avp);
  if (!identity.assign(avp.text())) return refuse(ResultCode::invalid_avp_value, avp);
  return {};
}

CodecError read_inband_security(const Avp& avp, Capabilities& capabilities) {
  std::uint32_t id = 0;
  if (!codec::read_u32(avp, id)) return refuse(ResultCode::invalid_avp_length, avp);
  capabilities.inband_security_seen = true;
  if (id == 0) capabilities.inband_security_none = true;
  return {};
}

// The AVPs that a CER and a successful CEA must hold (RFC 6733 5.3.1, 5.3.2).
struct Seen {
  bool host_ip_address = false;
  bool vendor_id = false;
  bool product_name = false;
};

CodecError read_capability(const Avp& avp, const LocalNode& node, Capabilities& capabilities,
                           Seen& seen) {
  std::uint32_t value = 0;
  if (avp.vendor != 0) return {};
  switch (avp.code) {
    case base_avp::origin_host: return read_identity(avp, capabilities.origin_host);
    case base_avp::origin_realm: return read_identity(avp, capabilities.origin_realm);
    case base_avp::origin_state_id:
      if (!codec::read_u32(avp, capabilities.origin_state_id)) break;
      return {};
    case base_avp::result_code:
      if (!codec::read_u32(avp, value)) break;
      capabilities.result = static_cast<ResultCode>(value);
      return {};
    case base_avp::auth_application_id:
    case base_avp::acct_application_id:
      if (!codec::read_u32(avp, value)) break;
      note_application(value, false, node, capabilities);
      return {};
    case base_avp::vendor_specific_application_id:
      return read_vendor_specific(avp, node, capabilities);
    case base_avp::inband_security_id: return read_inband_security(avp, capabilities);
    case base_avp::host_ip_address: seen.host_ip_address = true; return {};
    case base_avp::vendor_id:
      if (!codec::read_u32(avp, value)) break;
      if (seen.vendor_id) return refuse(ResultCode::avp_occurs_too_many_times, avp);
      seen.vendor_id = true;
      return {};
    case base_avp::product_name:
      if (seen.product_name) return refuse(ResultCode::avp_occurs_too_many_times, avp);
      seen.product_name = true;
      return {};
    default: return {};
  }
  return refuse(ResultCode::invalid_avp_length, avp);
}

void origin(Writer& writer, const LocalNode& node) {
  writer.text(base_avp::origin_host, 0, avp_mandatory, node.origin_host.view());
  writer.text(base_avp::origin_realm, 0, avp_mandatory, node.origin_realm.view());
}

void address(Writer& writer, const HostAddress& host) {
  std::array<std::uint8_t, 18> bytes{0, host.family};
  const std::size_t size = host.family == 2 ? 16 : 4;
  std::memcpy(bytes.data() + 2, host.bytes.data(), size);
  writer.bytes(base_avp::host_ip_address, 0, avp_mandatory, Bytes{bytes.data(), 2 + size});
}

// Our applications; `theirs` (when answering) says which plain ones came in a VSAI as well.
void applications(Writer& writer, const LocalNode& node, const Capabilities* theirs) {
  for (std::uint32_t i = 0; i < node.applications_count; ++i) {
    const AnnouncedApplication& app = node.applications[i];
    if (app.vendor == 0) {
      writer.u32(base_avp::auth_application_id, 0, avp_mandatory, app.id);
      if (theirs == nullptr || !theirs->in_vendor_specific[i]) continue;
    }
    const std::uint32_t vendor = app.vendor != 0 ? app.vendor : codec::vendor_3gpp;
    const auto group =
        writer.begin_group(base_avp::vendor_specific_application_id, 0, avp_mandatory);
    writer.u32(base_avp::vendor_id, 0, avp_mandatory, vendor);
    writer.u32(base_avp::auth_application_id, 0, avp_mandatory, app.id);
    writer.end_group(group);
  }
}

// The body that CER and CEA share, from Origin-Host on.
void capabilities_body(Writer& writer, const LocalNode& node, const HostAddress& local,
                       const Capabilities* theirs) {
  origin(writer, node);
  for (std::uint32_t i = 0; i < node.addresses_count; ++i) address(writer, node.addresses[i]);
  if (node.addresses_count == 0) address(writer, local);
  writer.u32(base_avp::vendor_id, 0, avp_mandatory, node.vendor_id);
  writer.text(base_avp::product_name, 0, 0,
              node.product_name.empty() ? "Levy" : node.product_name.view());
  writer.u32(base_avp::origin_state_id, 0, avp_mandatory, node.origin_state_id);
  for (std::uint32_t i = 0; i < node.supported_vendors_count; ++i) {
    writer.u32(base_avp::supported_vendor_id, 0, avp_mandatory, node.supported_vendors[i]);
  }
  applications(writer, node, theirs);
  writer.u32(base_avp::firmware_revision, 0, 0, node.firmware_revision);
}

Header request_header(codec::CommandCode command, std::uint32_t hop_by_hop,
                      std::uint32_t end_to_end) {
  Header header;
  header.flags = codec::flag_request;
  header.command = static_cast<std::uint32_t>(command);
  header.hop_by_hop = hop_by_hop;
  header.end_to_end = end_to_end;
  return header;
}

// Keeps command, application, identifiers and the P bit.
Header answer_header(const Header& request) {
  Header header = request;
  header.version = 1;
  header.flags = request.flags & codec::flag_proxiable;
  return header;
}

void failed_avp(Writer& writer, const CodecError& error) {
  if (error.missing_code == 0 && error.offending.empty()) return;
  const auto group = writer.begin_group(base_avp::failed_avp, 0, avp_mandatory);
  if (error.missing_code != 0) {
    // The example of a missing AVP is zero-filled with the least length of its kind: an address,
    // a number, or a text, which decoders (Wireshark's) take for faulty when it is empty.
    const std::array<std::uint8_t, 6> zeros{};
    const bool number = error.missing_code == base_avp::vendor_id ||
                        error.missing_code == base_avp::result_code;
    const std::size_t size = error.missing_code == base_avp::host_ip_address ? 6 : number ? 4 : 1;
    writer.bytes(error.missing_code, error.missing_vendor, avp_mandatory,
                 Bytes{zeros.data(), size});
  } else if (error.code == ResultCode::invalid_avp_length && error.offending.size() < 8) {
    // Less than an AVP header was there: send what came, filled up to a header.
    std::array<std::uint8_t, 8> head{};
    std::memcpy(head.data(), error.offending.data(), error.offending.size());
    codec::store24(head.data() + 5, 8);
    writer.copy(Bytes{head.data(), head.size()});
  } else if (error.code == ResultCode::invalid_avp_length) {
    // RFC 6733 7.1.5: the header as received, with a length that the rest of the answer can be
    // read by, and a zero-filled payload of the least length.
    const Bytes& whole = error.offending;
    const bool vendor = (whole[4] & codec::avp_vendor) != 0 && whole.size() >= 12;
    std::array<std::uint8_t, 12> head{};
    const std::size_t head_bytes = vendor ? 12 : 8;
    std::memcpy(head.data(), whole.data(), head_bytes);
    if (!vendor) head[4] = static_cast<std::uint8_t>(head[4] & ~codec::avp_vendor);
    codec::store24(head.data() + 5, static_cast<std::uint32_t>(head_bytes));
    writer.copy(Bytes{head.data(), head_bytes});
  } else if (error.code == ResultCode::invalid_avp_bits) {
    // The reserved bits are what 3009 complains of: repeated, they would be a fault of our answer.
    const Bytes& whole = error.offending;
    const bool vendor = (whole[4] & codec::avp_vendor) != 0;
    writer.bytes(codec::load32(whole.data()), vendor ? codec::load32(whole.data() + 8) : 0,
                 static_cast<std::uint8_t>(whole[4] & (avp_mandatory | codec::avp_protected)),
                 whole.subspan(vendor ? 12 : 8));
  } else {
    writer.copy(error.offending);
  }
  writer.end_group(group);
}

// A leading Session-Id goes first into an answer (RFC 6733 8.8).
void session_id(Writer& writer, Bytes body) {
  AvpCursor cursor(body);
  Avp avp;
  if (cursor.next(avp) && avp.is(base_avp::session_id)) writer.copy(avp.whole);
}

// Proxy-Info comes back unchanged and in order (RFC 6733 6.2).
void proxy_info(Writer& writer, Bytes body) {
  AvpCursor cursor(body);
  Avp avp;
  while (cursor.next(avp)) {
    if (avp.is(base_avp::proxy_info)) writer.copy(avp.whole);
  }
}

}  // namespace

CodecError read_capabilities(Bytes message, bool is_answer, const LocalNode& node,
                             Capabilities& capabilities) {
  AvpCursor cursor(message.subspan(codec::header_bytes));
  Avp avp;
  Seen seen;
  while (cursor.next(avp)) {
    if (CodecError error = read_capability(avp, node, capabilities, seen)) return error;
  }
  if (cursor.error()) return cursor.error();
  if (is_answer) {
    if (capabilities.result == ResultCode::none) return missing(base_avp::result_code);
    // A refusal need not carry more than its code.
    if (capabilities.result != ResultCode::success) return {};
  }
  if (capabilities.origin_host.empty()) return missing(base_avp::origin_host);
  if (capabilities.origin_realm.empty()) return missing(base_avp::origin_realm);
  if (!seen.host_ip_address) return missing(base_avp::host_ip_address);
  if (!seen.vendor_id) return missing(base_avp::vendor_id);
  if (!seen.product_name) return missing(base_avp::product_name);
  return {};
}

CodecError read_base_values(Bytes message, BaseValues& values) {
  AvpCursor cursor(message.subspan(codec::header_bytes));
  Avp avp;
  while (cursor.next(avp)) {
    if (avp.vendor != 0) continue;
    std::uint32_t* value = nullptr;
    if (avp.code == base_avp::origin_state_id) value = &values.origin_state_id;
    if (avp.code == base_avp::result_code) value = &values.result_code;
    if (avp.code == base_avp::disconnect_cause) value = &values.disconnect_cause;
    if (value != nullptr && !codec::read_u32(avp, *value)) {
      return refuse(ResultCode::invalid_avp_length, avp);
    }
  }
  return cursor.error();
}

std::size_t write_cer(std::span<std::uint8_t> room, const LocalNode& node, const HostAddress& local,
                      std::uint32_t hop_by_hop, std::uint32_t end_to_end) {
  Writer writer(room);
  writer.begin_message();
  capabilities_body(writer, node, local, nullptr);
  return writer.finish(
      request_header(codec::CommandCode::capabilities_exchange, hop_by_hop, end_to_end));
}

std::size_t write_cea(std::span<std::uint8_t> room, const LocalNode& node, const HostAddress& local,
                      const Header& cer, const Capabilities& theirs) {
  Writer writer(room);
  writer.begin_message();
  writer.u32(base_avp::result_code, 0, avp_mandatory,
             static_cast<std::uint32_t>(ResultCode::success));
  capabilities_body(writer, node, local, &theirs);
  return writer.finish(answer_header(cer));
}

std::size_t write_dwr(std::span<std::uint8_t> room, const LocalNode& node,
                      std::uint32_t hop_by_hop, std::uint32_t end_to_end) {
  Writer writer(room);
  writer.begin_message();
  origin(writer, node);
  writer.u32(base_avp::origin_state_id, 0, avp_mandatory, node.origin_state_id);
  return writer.finish(
      request_header(codec::CommandCode::device_watchdog, hop_by_hop, end_to_end));
}

std::size_t write_dpr(std::span<std::uint8_t> room, const LocalNode& node,
                      std::uint32_t disconnect_cause, std::uint32_t hop_by_hop,
                      std::uint32_t end_to_end) {
  Writer writer(room);
  writer.begin_message();
  origin(writer, node);
  writer.u32(base_avp::disconnect_cause, 0, avp_mandatory, disconnect_cause);
  return writer.finish(
      request_header(codec::CommandCode::disconnect_peer, hop_by_hop, end_to_end));
}

std::size_t write_success(std::span<std::uint8_t> room, const LocalNode& node,
                          const Header& request) {
  Writer writer(room);
  writer.begin_message();
  writer.u32(base_avp::result_code, 0, avp_mandatory,
             static_cast<std::uint32_t>(ResultCode::success));
  origin(writer, node);
  // DPA (RFC 6733 5.4.2) has no Origin-State-Id in its grammar, and freeDiameter's rules agree.
  if (request.command == static_cast<std::uint32_t>(codec::CommandCode::device_watchdog)) {
    writer.u32(base_avp::origin_state_id, 0, avp_mandatory, node.origin_state_id);
  }
  return writer.finish(answer_header(request));
}

std::size_t write_error(std::span<std::uint8_t> room, const LocalNode& node, Bytes message,
                        const CodecError& error) {
  const Header request = codec::read_header(message);
  const Bytes body = message.subspan(codec::header_bytes);
  Writer writer(room);
  writer.begin_message();
  session_id(writer, body);
  writer.u32(base_avp::result_code, 0, avp_mandatory, static_cast<std::uint32_t>(error.code));
  origin(writer, node);
  const bool watch_or_capabilities =
      request.command == static_cast<std::uint32_t>(codec::CommandCode::device_watchdog) ||
      request.command == static_cast<std::uint32_t>(codec::CommandCode::capabilities_exchange);
  if (watch_or_capabilities || codec::is_protocol_error(error.code)) {
    writer.u32(base_avp::origin_state_id, 0, avp_mandatory, node.origin_state_id);
  }
  failed_avp(writer, error);
  proxy_info(writer, body);
  Header header = answer_header(request);
  if (codec::is_protocol_error(error.code)) header.flags |= codec::flag_error;
  return writer.finish(header);
}

}  // namespace levy::peer
