// What Levy wrote: the strict parser and the summary.
// Core: tests. Allocates: freely. Blocks: never. Clock: none.
#include "tests/support/parse.hpp"

#include <algorithm>
#include <stdexcept>

namespace levy::test {

namespace {

std::uint32_t get(const Bytes& in, std::size_t at, int bytes) {
  std::uint32_t v = 0;
  for (int i = 0; i < bytes; ++i) v = v << 8 | in.at(at + static_cast<std::size_t>(i));
  return v;
}

// Proxy-Info is left closed: it is the proxy's own, repeated byte for byte.
bool is_group(std::uint32_t code, std::uint32_t vendor) {
  static constexpr std::uint32_t base[] = {260, 297, 413, 423, 430, 431, 434, 437,
                                           440, 443, 445, 446, 456, 457, 458, 653, 659, 665};
  static constexpr std::uint32_t third[] = {628,  873,  874,  1001, 1003, 1016, 1018, 1022,
                                            1034, 1049, 1058, 1067, 1085, 1264, 1266, 1270};
  if (vendor == 0) return std::find(std::begin(base), std::end(base), code) != std::end(base);
  return vendor == v3gpp && std::find(std::begin(third), std::end(third), code) != std::end(third);
}

// `strict_groups` is false inside Failed-AVP: what a peer did wrong is repeated there.
std::vector<Node> parse_list(const Bytes& in, std::size_t at, std::size_t end, bool strict_groups) {
  std::vector<Node> out;
  while (at < end) {
    if (end - at < 8) throw std::runtime_error("AVP header cut");
    Node node;
    node.code = get(in, at, 4);
    node.flags = in.at(at + 4);
    const std::size_t length = get(in, at + 5, 3);
    const std::size_t head = (node.flags & 0x80) != 0 ? 12 : 8;
    const std::size_t padded = (length + 3) / 4 * 4;
    if (length < head) throw std::runtime_error("AVP length below its header");
    if (padded > end - at) throw std::runtime_error("AVP beyond its enclosure");
    if (strict_groups && (node.flags & 0x1f) != 0) throw std::runtime_error("reserved AVP bits");
    if (head == 12) node.vendor = get(in, at + 8, 4);
    const auto begin = in.begin() + static_cast<std::ptrdiff_t>(at);
    node.data.assign(begin + static_cast<std::ptrdiff_t>(head),
                     begin + static_cast<std::ptrdiff_t>(length));
    for (std::size_t i = length; i < padded; ++i) {
      if (in.at(at + i) != 0) throw std::runtime_error("padding is not zero");
    }
    if (node.code == 279 && node.vendor == 0) {
      node.children = parse_list(in, at + head, at + length, false);
    } else if (strict_groups && is_group(node.code, node.vendor)) {
      node.children = parse_list(in, at + head, at + length, true);
    }
    out.push_back(std::move(node));
    at += padded;
  }
  return out;
}

std::optional<std::uint32_t> optional_u32(const Node* node) {
  return node == nullptr ? std::nullopt : std::optional(node->u32());
}
std::optional<std::uint64_t> optional_u64(const Node* node) {
  return node == nullptr ? std::nullopt : std::optional(node->u64());
}

// MSCC and command level share the names of what is granted.
MsccAnswer read_units(const Node& from) {
  MsccAnswer m;
  if (const Node* gsu = from.find(431)) {
    m.granted = true;
    m.octets = optional_u64(gsu->find(421));
    m.seconds = optional_u32(gsu->find(420));
    m.events = optional_u64(gsu->find(417));
  }
  m.validity = optional_u32(from.find(448));
  if (const Node* fui = from.find(430)) {
    m.final_action = optional_u32(fui->find(449));
    if (const Node* server = fui->find(434)) {
      if (const Node* address = server->find(435)) m.redirect = address->text();
    }
  }
  for (const std::uint32_t code : {868u, 869u, 1226u}) {
    if (const Node* node = from.find(code, v3gpp)) m.threshold = node->u32();
  }
  m.quota_holding_time = optional_u32(from.find(871, v3gpp));
  return m;
}

void describe_list(const std::vector<Node>& nodes, int depth, std::string& out) {
  for (const Node& node : nodes) {
    out.append(static_cast<std::size_t>(depth) * 2, ' ');
    out += std::to_string(node.code) + (node.vendor != 0 ? "v" + std::to_string(node.vendor) : "");
    out += (node.flags & 0x40) != 0 ? " M" : " -";
    if (node.children.empty()) {
      out += " " + to_hex(node.data);
      const bool printable = std::all_of(node.data.begin(), node.data.end(),
                                         [](std::uint8_t c) { return c >= 32 && c < 127; });
      if (printable && !node.data.empty()) out += " \"" + node.text() + "\"";
    }
    out += '\n';
    describe_list(node.children, depth + 1, out);
  }
}

}  // namespace

std::uint32_t Node::u32() const {
  if (data.size() != 4) throw std::runtime_error("AVP " + std::to_string(code) + " is not 4 bytes");
  return get(data, 0, 4);
}

std::uint64_t Node::u64() const {
  if (data.size() != 8) throw std::runtime_error("AVP " + std::to_string(code) + " is not 8 bytes");
  return std::uint64_t{get(data, 0, 4)} << 32 | get(data, 4, 4);
}

const Node* Node::find(std::uint32_t child, std::uint32_t of_vendor) const {
  for (const Node& node : children) {
    if (node.code == child && node.vendor == of_vendor) return &node;
  }
  return nullptr;
}

std::vector<const Node*> Node::all(std::uint32_t child, std::uint32_t of_vendor) const {
  std::vector<const Node*> out;
  for (const Node& node : children) {
    if (node.code == child && node.vendor == of_vendor) out.push_back(&node);
  }
  return out;
}

std::uint32_t Parsed::result_code() const {
  const Node* node = find(268);
  return node == nullptr ? 0 : node->u32();
}

std::vector<std::uint32_t> Parsed::codes() const {
  std::vector<std::uint32_t> out;
  for (const Node& node : root.children) out.push_back(node.code);
  return out;
}

Parsed parse(const Bytes& message) {
  if (message.size() < 20) throw std::runtime_error("shorter than a header");
  if (message[0] != 1) throw std::runtime_error("version");
  if (get(message, 1, 3) != message.size()) throw std::runtime_error("length field");
  if (message.size() % 4 != 0) throw std::runtime_error("length not a multiple of 4");
  Parsed out;
  out.flags = message[4];
  if ((out.flags & 0x0f) != 0) throw std::runtime_error("reserved command bits");
  out.command = get(message, 5, 3);
  out.application = get(message, 8, 4);
  out.hop_by_hop = get(message, 12, 4);
  out.end_to_end = get(message, 16, 4);
  out.root.children = parse_list(message, 20, message.size(), true);
  return out;
}

const MsccAnswer* Cca::rating_group(std::uint32_t rg) const {
  for (const MsccAnswer& m : msccs) {
    if (m.rating_group == rg) return &m;
  }
  return nullptr;
}

Cca parse_cca(const Bytes& message) {
  const Parsed p = parse(message);
  if (p.request() || p.command != 272) throw std::runtime_error("not a Credit-Control-Answer");
  Cca cca;
  cca.result_code = p.result_code();
  cca.error = p.error();
  cca.hop_by_hop = p.hop_by_hop;
  cca.end_to_end = p.end_to_end;
  if (const Node* n = p.find(263)) cca.session_id = n->text();
  if (const Node* n = p.find(264)) cca.origin_host = n->text();
  if (const Node* n = p.find(296)) cca.origin_realm = n->text();
  if (const Node* n = p.find(416)) cca.type = n->u32();
  if (const Node* n = p.find(415)) cca.number = n->u32();
  for (const Node* n : p.all(456)) {
    MsccAnswer m = read_units(*n);
    m.rating_group = optional_u32(n->find(432));
    for (const Node* id : n->all(439)) m.service_identifiers.push_back(id->u32());
    if (const Node* code = n->find(268)) m.result_code = code->u32();
    cca.msccs.push_back(std::move(m));
  }
  MsccAnswer command = read_units(p.root);
  if (command != MsccAnswer{}) cca.command = std::move(command);
  cca.check_balance_result = optional_u32(p.find(422));
  if (const Node* cost = p.find(423)) {
    if (const Node* value = cost->find(445)) {
      if (const Node* n = value->find(447)) cca.cost_digits = static_cast<std::int64_t>(n->u64());
      if (const Node* n = value->find(429)) cca.cost_exponent = static_cast<std::int32_t>(n->u32());
    }
  }
  for (const Node* n : p.all(279)) {
    cca.failed.insert(cca.failed.end(), n->children.begin(), n->children.end());
  }
  for (const Node* n : p.all(284)) cca.proxy_infos.push_back(*n);
  return cca;
}

std::string describe(const Parsed& message) {
  std::string out = "command " + std::to_string(message.command) + " flags " +
                    std::to_string(message.flags) + " application " +
                    std::to_string(message.application) + '\n';
  describe_list(message.root.children, 1, out);
  return out;
}

}  // namespace levy::test
