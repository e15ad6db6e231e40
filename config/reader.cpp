// Reader: mappings along their declarations; unknown and missing keys; bounds.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Aliases are read once per use, so a file of many aliases could cost the square of its size:
// `values_max` bounds the values read in all.
#include "config/reader.hpp"

#include <algorithm>
#include <utility>

#include "config/limits.hpp"

namespace levy::config {
namespace {

constexpr std::size_t values_max = 500'000;

const std::vector<const YamlNode*> no_items;

// Paths of every section below `section` that has a key `name`; for advice only.
void find_key(const Section& section, std::string_view name, std::vector<std::string>& found) {
  for (const Key& key : section.keys) {
    if (key.name == name) found.emplace_back(section.path);
    if (key.section != nullptr) find_key(*key.section(), name, found);
  }
}

std::string parse_text(const Key& key, const std::string& text) {
  const auto bytes_max = static_cast<std::size_t>(key.max);
  switch (key.kind) {
    case Kind::name: return is_name(text) ? "" : "is not a name";
    case Kind::identity: return is_diameter_identity(text) ? "" : "is not a host name";
    case Kind::address: return is_ip_address(text) ? "" : "is not an IP address";
    default: break;
  }
  if (text.empty()) return "is empty";
  if (text.size() > bytes_max) return "is too long";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "has a control character";
  }
  return {};
}

Parsed parse_word(const Key& key, const std::string& text) {
  for (std::size_t i = 0; i < key.words.size(); ++i) {
    if (key.words[i] == text) return {static_cast<std::int64_t>(i), {}};
  }
  return {0, "is none of the words known here"};
}

Parsed parse_number(const Key& key, const std::string& text) {
  switch (key.kind) {
    case Kind::integer: return parse_integer(text);
    case Kind::size: return parse_size(text);
    case Kind::duration: return parse_duration(text, key.base_us);
    case Kind::permille: return parse_permille(text);
    case Kind::boolean: {
      if (text == "true") return {1, {}};
      if (text == "false") return {0, {}};
      return {0, "is neither true nor false"};
    }
    default: return parse_word(key, text);
  }
}

bool is_textual(Kind kind) {
  return kind == Kind::text || kind == Kind::name || kind == Kind::identity ||
         kind == Kind::path || kind == Kind::address;
}

bool is_bounded(Kind kind) {
  return kind == Kind::integer || kind == Kind::size || kind == Kind::duration ||
         kind == Kind::permille;
}

std::string_view type_text(const YamlNode& node) {
  switch (node.type) {
    case YamlNode::Type::null: return "nothing";
    case YamlNode::Type::scalar: return "a single value";
    case YamlNode::Type::sequence: return "a list";
    case YamlNode::Type::mapping: return "a mapping";
  }
  return "";
}

}  // namespace

std::string sub_path(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

std::string item_path(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

std::string show_number(const Key& key, std::int64_t number) {
  const auto index = static_cast<std::size_t>(number);
  switch (key.kind) {
    case Kind::size: return show_size(number);
    case Kind::duration: return show_duration(number, key.base_us);
    case Kind::permille: return show_permille(number);
    case Kind::boolean: return number != 0 ? "true" : "false";
    case Kind::word: return index < key.words.size() ? std::string(key.words[index]) : "";
    default: return std::to_string(number);
  }
}

std::string allowed_text(const Key& key) {
  switch (key.kind) {
    case Kind::boolean: return "true, false";
    case Kind::name:
      return "1 to " + std::to_string(limits::name_bytes_max) +
             " letters, digits, '-', '_' or '.'";
    case Kind::identity: return "a host name of at most 255 letters, digits, '-', '_' and '.'";
    case Kind::address: return "an IPv4 or IPv6 address, e.g. 127.0.0.1 or ::1";
    case Kind::text:
    case Kind::path: return "1 to " + std::to_string(key.max) + " bytes";
    case Kind::section: return "a mapping";
    case Kind::custom: return std::string(key.form);
    case Kind::word: {
      std::string out;
      for (const std::string_view word : key.words) {
        out += (out.empty() ? "" : ", ") + std::string(word);
      }
      return out;
    }
    default: {
      std::string out = show_number(key, key.min) + " to " + show_number(key, key.max);
      return key.unit.empty() ? out : out + " " + std::string(key.unit);
    }
  }
}

bool Reader::take_work(const YamlNode& node) {
  if (work_ >= values_max) return false;
  if (++work_ < values_max) return true;
  fault(node, "", "the aliases of this file unfold to too many values",
        "at most " + std::to_string(values_max), "use fewer aliases");
  return false;
}

void Reader::fault(const YamlNode& node, const std::string& path, std::string problem,
                   std::string allowed, std::string advice) {
  std::string value = node.type == YamlNode::Type::scalar ? shown_value(node.text) : "";
  diagnostics_.add({place(node), path, std::move(value), std::move(problem), std::move(allowed),
                    std::move(advice)});
}

Place Reader::place_of(std::string path) const {
  while (true) {
    const auto found = places_.find(path);
    if (found != places_.end()) return found->second;
    const std::size_t cut = path.find_last_of(".[");
    if (cut == std::string::npos) return {file_, 1, 1};
    path.resize(cut);
  }
}

std::string Reader::join(const std::string& path_text) const {
  return (directory_ / path_text).lexically_normal().string();
}

const std::string* Reader::read_scalar(const YamlNode& node, const std::string& path,
                                       std::string_view form) {
  if (node.type == YamlNode::Type::scalar) return &node.text;
  fault(node, path, "expected one value, found " + std::string(type_text(node)), std::string(form),
        "write the value behind the key");
  return nullptr;
}

const std::vector<const YamlNode*>& Reader::read_items(const YamlNode& node,
                                                       const std::string& path,
                                                       std::string_view form) {
  places_.try_emplace(path, place(node));
  if (node.type == YamlNode::Type::sequence) return node.items;
  fault(node, path, "expected a list, found " + std::string(type_text(node)), std::string(form),
        "begin each item with \"- \", or write [] for none");
  return no_items;
}

bool Reader::read_value(const Key& key, const YamlNode& node, const std::string& path,
                        Value& value) {
  if (!take_work(node)) return false;
  places_.try_emplace(path, place(node));
  const std::string* text = read_scalar(node, path, allowed_text(key));
  if (text == nullptr) return false;
  value.place = place(node);
  value.text = key.kind == Kind::path ? join(*text) : *text;
  if (is_textual(key.kind)) {
    const std::string problem = parse_text(key, value.text);
    if (problem.empty()) return true;
    fault(node, path, "the value " + problem, allowed_text(key), "correct it");
    return false;
  }
  const Parsed parsed = parse_number(key, *text);
  if (!parsed.ok()) {
    const std::string_view near = nearest(*text, key.words);
    fault(node, path, "the value " + parsed.fault, allowed_text(key),
          near.empty() ? "correct it" : "did you mean \"" + std::string(near) + "\"?");
    return false;
  }
  if (is_bounded(key.kind) && (parsed.number < key.min || parsed.number > key.max)) {
    fault(node, path, "the value is out of bounds", allowed_text(key),
          parsed.number < key.min ? "raise it" : "lower it");
    return false;
  }
  value.number = parsed.number;
  return true;
}

void Reader::report_unknown(const Section& section, const YamlNode& key, const std::string& path) {
  std::vector<std::string_view> names;
  std::string list;
  for (const Key& known : section.keys) {
    names.push_back(known.name);
    list += (list.empty() ? "" : ", ") + std::string(known.name);
  }
  const std::string_view near = nearest(key.text, names);
  std::vector<std::string> elsewhere;
  if (near.empty()) {
    for (const Section* root : {root_section(), plan_file_section()}) {
      find_key(*root, key.text, elsewhere);
    }
  }
  std::string advice = "remove it";
  if (key.text == "<<") {
    advice = "merge keys are not read; repeat the keys, or use an alias for a whole value";
  } else if (!near.empty()) {
    advice = "did you mean \"" + std::string(near) + "\"?";
  } else if (!elsewhere.empty()) {
    advice = "that key belongs under " +
             (elsewhere.front().empty() ? "the top of the file" : elsewhere.front());
  }
  diagnostics_.add({place(key), sub_path(path, shown_value(key.text)), "", "unknown key", list,
                    advice});
}

void Reader::read_key(const Key& key, const YamlNode& node, const std::string& path, void* owner) {
  if (key.kind == Kind::section) {
    read_section(*key.section(), node, path, owner);
  } else if (key.kind == Kind::custom) {
    if (!take_work(node)) return;
    places_.try_emplace(path, place(node));
    key.read(*this, node, path, owner);
  } else {
    Value value;
    if (read_value(key, node, path, value)) key.binding.store(owner, value);
  }
}

void Reader::read_section(const Section& section, const YamlNode& node, const std::string& path,
                          void* owner) {
  if (!take_work(node)) return;
  places_.try_emplace(path, place(node));
  if (node.type != YamlNode::Type::mapping) {
    fault(node, path, "expected a mapping, found " + std::string(type_text(node)),
          "keys with values", "write \"key: value\" lines below it");
    return;
  }
  std::vector<const Key*> read;
  for (const auto& [key_node, value_node] : node.entries) {
    const auto found = std::find_if(section.keys.begin(), section.keys.end(),
                                    [&](const Key& key) { return key.name == key_node->text; });
    if (found == section.keys.end()) {
      report_unknown(section, *key_node, path);
      continue;
    }
    read.push_back(&*found);
    const std::string key_path = sub_path(path, found->name);
    if (value_node->type == YamlNode::Type::null) {
      places_.try_emplace(key_path, place(*key_node));
      diagnostics_.add({place(*key_node), key_path, "", "the key has no value",
                        allowed_text(*found),
                        "write a value, or remove the key to take the default"});
      continue;
    }
    read_key(*found, *value_node, key_path, owner);
  }
  for (const Key& key : section.keys) {
    if (!key.required || std::find(read.begin(), read.end(), &key) != read.end()) continue;
    diagnostics_.add({place(node), sub_path(path, key.name), "", "this key is missing",
                      allowed_text(key), "add it; it has no default"});
  }
}

}  // namespace levy::config
