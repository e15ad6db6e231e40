// What Levy wrote, as a tree and as a summary of a Credit-Control-Answer that tests compare.
// Core: tests. Allocates: freely. Blocks: never. Clock: none.
//
// Strict: a length, padding or header that RFC 6733 forbids throws std::runtime_error, so that a
// test which parses has already proven the structure. Shares no code with diameter/codec.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/messages.hpp"

namespace levy::test {

struct Node {
  std::uint32_t code = 0;
  std::uint32_t vendor = 0;
  std::uint8_t flags = 0;
  Bytes data;                  // without header and padding
  std::vector<Node> children;  // of the groups known to the parser (all of Gy, Gx and the base)

  std::uint32_t u32() const;  // throws when the size is not 4
  std::uint64_t u64() const;
  std::string text() const { return {data.begin(), data.end()}; }
  // First child with this code; null when there is none.
  const Node* find(std::uint32_t child, std::uint32_t of_vendor = 0) const;
  std::vector<const Node*> all(std::uint32_t child, std::uint32_t of_vendor = 0) const;
  bool operator==(const Node&) const = default;
};

struct Parsed {
  std::uint8_t flags = 0;
  std::uint32_t command = 0, application = 0, hop_by_hop = 0, end_to_end = 0;
  Node root;  // its children are the top level

  bool request() const { return (flags & 0x80) != 0; }
  bool proxiable() const { return (flags & 0x40) != 0; }
  bool error() const { return (flags & 0x20) != 0; }
  const Node* find(std::uint32_t code, std::uint32_t vendor = 0) const {
    return root.find(code, vendor);
  }
  std::vector<const Node*> all(std::uint32_t code, std::uint32_t vendor = 0) const {
    return root.all(code, vendor);
  }
  std::uint32_t result_code() const;  // Result-Code 268, 0 = none
  std::vector<std::uint32_t> codes() const;  // of the top level, in order
};
Parsed parse(const Bytes& message);

// One MSCC of an answer; what was not sent is nullopt.
struct MsccAnswer {
  std::optional<std::uint32_t> rating_group;
  std::vector<std::uint32_t> service_identifiers;
  std::uint32_t result_code = 0;
  bool granted = false;  // Granted-Service-Unit present
  std::optional<std::uint64_t> octets, events;
  std::optional<std::uint32_t> seconds;
  std::optional<std::uint32_t> validity, quota_holding_time;
  std::optional<std::uint32_t> threshold;     // whichever of 868, 869, 1226 was sent
  std::optional<std::uint32_t> final_action;  // Final-Unit-Action
  std::string redirect;                       // Redirect-Server-Address
  bool operator==(const MsccAnswer&) const = default;
};

struct Cca {
  std::uint32_t result_code = 0;
  std::string session_id, origin_host, origin_realm;
  std::uint32_t type = 0, number = 0;
  std::uint32_t hop_by_hop = 0, end_to_end = 0;
  bool error = false;                   // the E bit
  std::vector<MsccAnswer> msccs;
  std::optional<MsccAnswer> command;    // command level units, when there are any
  std::optional<std::uint32_t> check_balance_result;
  std::optional<std::int64_t> cost_digits;
  std::optional<std::int32_t> cost_exponent;
  std::vector<Node> failed;             // children of every Failed-AVP
  std::vector<Node> proxy_infos;
  bool operator==(const Cca&) const = default;

  const MsccAnswer* rating_group(std::uint32_t rg) const;
};
Cca parse_cca(const Bytes& message);

// An indented text of the tree, for failure messages.
std::string describe(const Parsed& message);

}  // namespace levy::test
