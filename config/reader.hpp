// Reader: walks a YAML mapping along its declarations and fills the owner.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// One Reader per file. A value that is at fault leaves its field's default and reading goes on, so
// that all faults of a file come out at once. Internal to config/.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "config/declaration.hpp"

namespace levy::config {

class Reader {
 public:
  Reader(std::string file, std::filesystem::path directory, Diagnostics& diagnostics)
      : file_(std::move(file)), directory_(std::move(directory)), diagnostics_(diagnostics) {}

  // Reads the mapping `node`, which stands at the key path `path` (empty = top), into `owner`.
  void read_section(const Section& section, const YamlNode& node, const std::string& path,
                    void* owner);
  // Reads one scalar by its declaration; false: a fault was reported.
  bool read_value(const Key& key, const YamlNode& node, const std::string& path, Value& value);
  // The items of a sequence; a fault and an empty list where it is none.
  const std::vector<const YamlNode*>& read_items(const YamlNode& node, const std::string& path,
                                                 std::string_view form);
  // The scalar's text; a fault and null where it is none.
  const std::string* read_scalar(const YamlNode& node, const std::string& path,
                                 std::string_view form);

  void fault(const YamlNode& node, const std::string& path, std::string problem,
             std::string allowed = {}, std::string advice = {});
  Place place(const YamlNode& node) const { return {file_, node.line, node.column}; }
  // Where the value of a key path stands; of the nearest enclosing path that was read.
  Place place_of(std::string path) const;
  // Whether the file gives the key.
  bool given(const std::string& path) const { return places_.contains(path); }
  std::string join(const std::string& path_text) const;
  Diagnostics& diagnostics() { return diagnostics_; }

 private:
  void read_key(const Key& key, const YamlNode& node, const std::string& path, void* owner);
  void report_unknown(const Section& section, const YamlNode& key, const std::string& path);
  bool take_work(const YamlNode& node);

  std::string file_;
  std::filesystem::path directory_;
  Diagnostics& diagnostics_;
  std::map<std::string, Place> places_;
  std::size_t work_ = 0;  // values read, aliases counted each time
};

// "diameter" + "peers" -> "diameter.peers"
std::string sub_path(const std::string& path, std::string_view name);
std::string item_path(const std::string& path, std::size_t index);

// Reads a list of mappings into `elements`, one Element per item.
template <class Element>
void read_list(Reader& reader, const YamlNode& node, const std::string& path,
               const Section& section, std::vector<Element>& elements) {
  const auto& items = reader.read_items(node, path, "a list of mappings");
  for (std::size_t i = 0; i < items.size(); ++i) {
    Element element;
    reader.read_section(section, *items[i], item_path(path, i), &element);
    elements.push_back(std::move(element));
  }
}

}  // namespace levy::config
