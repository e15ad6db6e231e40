// YamlTree: a YAML text as nodes with places; the only door to yaml-cpp.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Scalars stay text: YAML's own typing (yes, 0x10, 1e3, ~) never changes a value. An alias is the
// node it names, not a copy, so a "billion laughs" file stays small; an alias inside its own anchor
// is refused, so the nodes form no cycle. Depth, nodes and bytes are bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "config/diagnostics.hpp"

namespace levy::config {

inline constexpr std::size_t yaml_bytes_max = 4 * 1024 * 1024;  // one file
inline constexpr std::size_t yaml_depth_max = 16;               // levyd.yaml and plans need 6
inline constexpr std::size_t yaml_nodes_max = 400'000;          // scalars, sequences and mappings

struct YamlNode {
  enum class Type : std::uint8_t { null, scalar, sequence, mapping };
  Type type = Type::null;
  bool open = false;  // still being read: its end has not been seen
  int line = 0;       // 1-based
  int column = 0;     // 1-based, in characters
  std::string text;   // scalar
  std::vector<const YamlNode*> items;                                  // sequence
  std::vector<std::pair<const YamlNode*, const YamlNode*>> entries;    // mapping, file order
};

struct YamlTree {
  std::deque<YamlNode> nodes;
  std::vector<const YamlNode*> documents;
};

// Reads `text`; every fault (syntax, a key given twice, a bound) goes to `diagnostics` as `file`'s.
// After a syntax fault the documents that ended before it remain.
YamlTree parse_yaml(const std::string& file, const std::string& text, Diagnostics& diagnostics);

}  // namespace levy::config
