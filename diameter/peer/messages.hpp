// Base messages of RFC 6733 section 5: CER, CEA, DWR, DWA, DPR, DPA and error answers.
// Core: edge. Allocates: never. Blocks: never. Clock: none.
//
// Every writer returns the message's length in `room`, which holds message_out_bytes_max. Every
// base message carries the same Origin-State-Id.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "diameter/codec/avp.hpp"
#include "diameter/codec/header.hpp"
#include "diameter/peer/identity.hpp"
#include "diameter/peer/settings.hpp"

namespace levy::peer {

// An error answer may repeat Session-Id, Proxy-Info and one AVP of the longest request, beside our
// own AVPs: nothing of it is ever cut.
inline constexpr std::size_t message_out_bytes_max = limits::message_bytes_max + 4096;

// What a CER or CEA said. Application ids are the union of Auth-Application-Id,
// Acct-Application-Id and the contents of Vendor-Specific-Application-Id.
struct Capabilities {
  Identity origin_host;
  Identity origin_realm;
  std::uint32_t origin_state_id = 0;  // 0: not sent
  codec::ResultCode result = codec::ResultCode::none;  // of a CEA
  bool relay = false;
  bool inband_security_seen = false;
  bool inband_security_none = false;  // NO_INBAND_SECURITY offered
  // Per announced application of ours: named at all, and named inside a VSAI of 3GPP.
  std::array<bool, announced_applications_max> common{};
  std::array<bool, announced_applications_max> in_vendor_specific{};

  bool any_common() const {
    if (relay) return true;
    for (const bool one : common) {
      if (one) return true;
    }
    return false;
  }
  bool security_acceptable() const { return !inband_security_seen || inband_security_none; }
};

// Reads a CER (is_answer false) or CEA. An error names the AVP for Failed-AVP.
codec::CodecError read_capabilities(codec::Bytes message, bool is_answer, const LocalNode& node,
                                    Capabilities& capabilities);

// Origin-State-Id, Result-Code and Disconnect-Cause of a DWR, DWA, DPR or DPA; 0 = absent.
struct BaseValues {
  std::uint32_t origin_state_id = 0;
  std::uint32_t result_code = 0;
  std::uint32_t disconnect_cause = 0;
};
codec::CodecError read_base_values(codec::Bytes message, BaseValues& values);

std::size_t write_cer(std::span<std::uint8_t> room, const LocalNode& node, const HostAddress& local,
                      std::uint32_t hop_by_hop, std::uint32_t end_to_end);
// The CEA of interop.md c.1. `theirs` decides only whether Gy is repeated in a VSAI.
std::size_t write_cea(std::span<std::uint8_t> room, const LocalNode& node, const HostAddress& local,
                      const codec::Header& cer, const Capabilities& theirs);
std::size_t write_dwr(std::span<std::uint8_t> room, const LocalNode& node,
                      std::uint32_t hop_by_hop, std::uint32_t end_to_end);
std::size_t write_dpr(std::span<std::uint8_t> room, const LocalNode& node,
                      std::uint32_t disconnect_cause, std::uint32_t hop_by_hop,
                      std::uint32_t end_to_end);
// DWA or DPA with 2001.
std::size_t write_success(std::span<std::uint8_t> room, const LocalNode& node,
                          const codec::Header& request);
// The answer to a request that cannot be served: Session-Id and Proxy-Info as received, E for
// 3xxx, Failed-AVP where the error names one. `message` may be the header alone.
std::size_t write_error(std::span<std::uint8_t> room, const LocalNode& node, codec::Bytes message,
                        const codec::CodecError& error);

}  // namespace levy::peer
