// Base messages as gateways send them, and a reader for what comes back.
// Core: the test's. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diameter/codec/avp.hpp"
#include "diameter/peer/base_avp.hpp"
#include "diameter/peer/table.hpp"

namespace levy::test {

namespace base_avp = peer::base_avp;
using codec::avp_mandatory;
using codec::CommandCode;
using codec::ResultCode;
using Message = std::vector<std::uint8_t>;

struct Vsai {
  std::uint32_t vendor = 0;
  std::uint32_t auth = 0;
  std::uint32_t acct = 0;
};

// What a CER or CEA says; the defaults suit our default node.
struct Caps {
  std::string host = "gw1.example.net";
  std::string realm = "example.net";
  std::vector<std::uint32_t> auth{4};
  std::vector<std::uint32_t> acct{};
  std::vector<Vsai> vsai{};
  std::vector<std::uint32_t> inband{};
  std::uint32_t origin_state_id = 7;
  std::uint32_t result = 0;
  bool host_ip = true;
  bool vendor_id = true;
  bool product_name = true;
};

struct Head {
  std::uint8_t flags = codec::flag_request;
  std::uint32_t command = 0;
  std::uint32_t application = 0;
  std::uint32_t hop_by_hop = 0x11;
  std::uint32_t end_to_end = 0x22;
};

template <class Body>
Message build(const Head& head, Body&& body) {
  Message room(20000);
  codec::Writer writer(room);
  writer.begin_message();
  body(writer);
  codec::Header header;
  header.flags = head.flags;
  header.command = head.command;
  header.application = head.application;
  header.hop_by_hop = head.hop_by_hop;
  header.end_to_end = head.end_to_end;
  room.resize(writer.finish(header));
  return room;
}

inline void write_caps(codec::Writer& w, const Caps& caps) {
  if (caps.result != 0) w.u32(base_avp::result_code, 0, avp_mandatory, caps.result);
  if (!caps.host.empty()) w.text(base_avp::origin_host, 0, avp_mandatory, caps.host);
  if (!caps.realm.empty()) w.text(base_avp::origin_realm, 0, avp_mandatory, caps.realm);
  const std::uint8_t ip[] = {0, 1, 127, 0, 0, 1};
  if (caps.host_ip) w.bytes(base_avp::host_ip_address, 0, avp_mandatory, ip);
  if (caps.vendor_id) w.u32(base_avp::vendor_id, 0, avp_mandatory, 0);
  if (caps.product_name) w.text(base_avp::product_name, 0, 0, "test");
  if (caps.origin_state_id != 0) {
    w.u32(base_avp::origin_state_id, 0, avp_mandatory, caps.origin_state_id);
  }
  for (const auto id : caps.auth) w.u32(base_avp::auth_application_id, 0, avp_mandatory, id);
  for (const auto id : caps.acct) w.u32(base_avp::acct_application_id, 0, avp_mandatory, id);
  for (const auto id : caps.inband) w.u32(base_avp::inband_security_id, 0, avp_mandatory, id);
  for (const Vsai& v : caps.vsai) {
    const auto group = w.begin_group(base_avp::vendor_specific_application_id, 0, avp_mandatory);
    if (v.auth != 0) w.u32(base_avp::auth_application_id, 0, avp_mandatory, v.auth);
    if (v.acct != 0) w.u32(base_avp::acct_application_id, 0, avp_mandatory, v.acct);
    w.u32(base_avp::vendor_id, 0, avp_mandatory, v.vendor);
    w.end_group(group);
  }
}

inline Message cer(const Caps& caps = {}, Head head = {}) {
  head.command = 257;
  return build(head, [&](codec::Writer& w) { write_caps(w, caps); });
}

inline Message cea(Caps caps, std::uint32_t hop_by_hop) {
  if (caps.result == 0) caps.result = 2001;
  Head head;
  head.flags = 0;
  head.command = 257;
  head.hop_by_hop = hop_by_hop;
  return build(head, [&](codec::Writer& w) { write_caps(w, caps); });
}

inline void write_origin(codec::Writer& w) {
  w.text(base_avp::origin_host, 0, avp_mandatory, "gw1.example.net");
  w.text(base_avp::origin_realm, 0, avp_mandatory, "example.net");
}

inline Message dwr(std::uint32_t hop_by_hop = 0x31, std::uint32_t origin_state_id = 7) {
  return build(Head{codec::flag_request, 280, 0, hop_by_hop, hop_by_hop}, [&](codec::Writer& w) {
    write_origin(w);
    if (origin_state_id != 0) {
      w.u32(base_avp::origin_state_id, 0, avp_mandatory, origin_state_id);
    }
  });
}

inline Message dwa(std::uint32_t hop_by_hop, std::uint32_t origin_state_id = 7) {
  return build(Head{0, 280, 0, hop_by_hop, 0x22}, [&](codec::Writer& w) {
    w.u32(base_avp::result_code, 0, avp_mandatory, 2001);
    write_origin(w);
    if (origin_state_id != 0) {
      w.u32(base_avp::origin_state_id, 0, avp_mandatory, origin_state_id);
    }
  });
}

inline Message dpr(std::uint32_t cause = 0, std::uint32_t hop_by_hop = 0x41) {
  return build(Head{codec::flag_request, 282, 0, hop_by_hop, hop_by_hop}, [&](codec::Writer& w) {
    write_origin(w);
    w.u32(base_avp::disconnect_cause, 0, avp_mandatory, cause);
  });
}

inline Message dpa(std::uint32_t hop_by_hop) {
  return build(Head{0, 282, 0, hop_by_hop, 0x22}, [&](codec::Writer& w) {
    w.u32(base_avp::result_code, 0, avp_mandatory, 2001);
    write_origin(w);
  });
}

// A CCR with a Session-Id; its number is the Hop-by-Hop. `padding`: bytes of an extra AVP.
inline Message ccr(std::uint32_t number, std::size_t padding = 0, std::uint32_t application = 4) {
  return build(Head{codec::flag_request | codec::flag_proxiable, 272, application, number, number},
               [&](codec::Writer& w) {
                 w.text(base_avp::session_id, 0, avp_mandatory,
                        "gw1.example.net;1;" + std::to_string(number));
                 write_origin(w);
                 if (padding > 0) {
                   const Message filler(padding, 0x5a);
                   w.bytes(999, 10415, 0, filler);
                 }
               });
}

inline Message answer(std::uint32_t command, std::uint32_t hop_by_hop, std::uint32_t application) {
  return build(Head{codec::flag_proxiable, command, application, hop_by_hop, 0x22},
               [&](codec::Writer& w) {
                 w.text(base_avp::session_id, 0, avp_mandatory, "gw1.example.net;1;1");
                 w.u32(base_avp::result_code, 0, avp_mandatory, 2001);
                 write_origin(w);
               });
}

inline std::optional<codec::Avp> find(codec::Bytes message, std::uint32_t code) {
  codec::AvpCursor cursor(message.subspan(codec::header_bytes));
  codec::Avp avp;
  while (cursor.next(avp)) {
    if (avp.is(code)) return avp;
  }
  return std::nullopt;
}

// Value of a 32-bit AVP; 0 when absent.
inline std::uint32_t u32_of(codec::Bytes message, std::uint32_t code) {
  const auto avp = find(message, code);
  std::uint32_t value = 0;
  if (avp) codec::read_u32(*avp, value);
  return value;
}
inline std::uint32_t result_of(codec::Bytes message) {
  return u32_of(message, base_avp::result_code);
}

// Takes the whole messages off the front of `bytes`.
inline std::vector<Message> take_messages(std::vector<std::uint8_t>& bytes) {
  std::vector<Message> messages;
  std::size_t at = 0;
  while (bytes.size() - at >= 4) {
    const std::size_t length = codec::load24(bytes.data() + at + 1);
    if (length < 20 || bytes.size() - at < length) break;
    messages.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                          bytes.begin() + static_cast<std::ptrdiff_t>(at + length));
    at += length;
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
  return messages;
}

inline Message glue(std::initializer_list<Message> messages) {
  Message all;
  for (const Message& message : messages) all.insert(all.end(), message.begin(), message.end());
  return all;
}

// Settings of a node that serves Gy, with one known gateway per name given.
struct NodeSettings {
  std::vector<peer::PeerConfig> list;
  peer::Settings settings;

  explicit NodeSettings(std::string_view host = "ocs.example.net",
                        std::initializer_list<std::string_view> gateways = {"gw1.example.net"}) {
    settings.node.origin_host.assign(host);
    settings.node.origin_realm.assign("example.net");
    settings.node.origin_state_id = 42;
    settings.timers.tw_jitter_ms = 0;
    for (const std::string_view gateway : gateways) add(gateway);
  }
  NodeSettings(const NodeSettings&) = delete;
  NodeSettings& operator=(const NodeSettings&) = delete;
  void add(std::string_view gateway, std::uint32_t target = none, std::uint16_t dialect = 0) {
    peer::PeerConfig config;
    config.origin_host.assign(gateway);
    config.target = target;
    config.dialect = dialect;
    list.push_back(config);
    settings.peers = list;
  }
  void serve_gx() {
    settings.node.applications[settings.node.applications_count++] = {16777238, 10415};
  }
};

}  // namespace levy::test
