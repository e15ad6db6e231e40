// YamlTree: yaml-cpp's events gathered into nodes with places.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// yaml-cpp's exceptions end here. TreeTooLarge is the one exception of our own: it leaves the
// parser's recursion, which offers no other way out, and is caught in parse_yaml().
#include "config/load_yaml.hpp"

#include <yaml-cpp/yaml.h>
#include <yaml-cpp/eventhandler.h>

#include <sstream>
#include <unordered_map>

namespace levy::config {
namespace {

struct TreeTooLarge {
  Place place;
  std::string problem;
  std::string allowed;
};

class Builder : public YAML::EventHandler {
 public:
  Builder(const std::string& file, YamlTree& tree, Diagnostics& diagnostics)
      : file_(file), tree_(tree), diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark&) override {
    anchors_.clear();
    open_.clear();
  }
  void OnDocumentEnd() override {
    if (root_ != nullptr) tree_.documents.push_back(root_);
    root_ = nullptr;
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(make(YamlNode::Type::null, mark, anchor));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode* node = make(YamlNode::Type::scalar, mark, anchor);
    node->text = value;
    refuse_tag(tag, *node);
    const bool plain = tag == "?" || tag.empty();
    if (plain && (value == "~" || value == "null")) node->type = YamlNode::Type::null;
    add(node);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const YamlNode* node = anchors_[anchor];
    if (node == nullptr || node->open) {
      diagnostics_.add({{file_, mark.line + 1, mark.column + 1},
                        "",
                        "",
                        "an alias stands inside the value that it names",
                        "",
                        "write the value out"});
      node = make(YamlNode::Type::null, mark, 0);
    }
    add(node);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(YamlNode::Type::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(YamlNode::Type::mapping, mark, tag, anchor);
  }
  void OnMapEnd() override {
    refuse_repeats(*open_.back().node);
    end();
  }

 private:
  struct Open {
    YamlNode* node;
    const YamlNode* key = nullptr;  // mapping: the key whose value comes next
  };

  Place place(const YamlNode& node) const { return {file_, node.line, node.column}; }

  YamlNode* make(YamlNode::Type type, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (tree_.nodes.size() >= yaml_nodes_max) {
      throw TreeTooLarge{{file_, mark.line + 1, mark.column + 1},
                         "the file holds too many values",
                         "at most " + std::to_string(yaml_nodes_max)};
    }
    YamlNode& node = tree_.nodes.emplace_back();
    node.type = type;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    if (anchor != 0) anchors_[anchor] = &node;
    return &node;
  }

  void add(const YamlNode* node) {
    if (open_.empty()) {
      root_ = node;
      return;
    }
    Open& top = open_.back();
    if (top.node->type == YamlNode::Type::sequence) {
      top.node->items.push_back(node);
    } else if (top.key == nullptr) {
      top.key = node;
    } else {
      top.node->entries.emplace_back(top.key, node);
      top.key = nullptr;
    }
  }

  void start(YamlNode::Type type, const YAML::Mark& mark, const std::string& tag,
             YAML::anchor_t anchor) {
    YamlNode* node = make(type, mark, anchor);
    if (open_.size() >= yaml_depth_max) {
      throw TreeTooLarge{place(*node), "the values are nested too deeply",
                         "at most " + std::to_string(yaml_depth_max) + " levels"};
    }
    refuse_tag(tag, *node);
    node->open = true;
    add(node);
    open_.push_back({node});
  }

  void end() {
    open_.back().node->open = false;
    open_.pop_back();
  }

  void refuse_tag(const std::string& tag, const YamlNode& node) {
    if (tag.empty() || tag == "?" || tag == "!" || tag.starts_with("tag:yaml.org,2002:")) return;
    diagnostics_.add({place(node), "", shown_value(tag), "tags have no meaning here", "",
                      "remove the tag"});
  }

  // Every key of a mapping is a scalar and stands once; of a repeated key the first is kept.
  void refuse_repeats(YamlNode& mapping) {
    std::unordered_map<std::string_view, const YamlNode*> seen;
    std::vector<std::pair<const YamlNode*, const YamlNode*>> kept;
    for (const auto& [key, value] : mapping.entries) {
      if (key->type != YamlNode::Type::scalar) {
        diagnostics_.add({place(*key), "", "", "a key must be a plain word", "", "rename it"});
        continue;
      }
      const auto [first, is_new] = seen.try_emplace(key->text, key);
      if (!is_new) {
        diagnostics_.add({place(*key), shown_value(key->text), "", "this key is given twice", "",
                          "keep one; the first is at line " + std::to_string(first->second->line)});
        continue;
      }
      kept.emplace_back(key, value);
    }
    mapping.entries = std::move(kept);
  }

  const std::string& file_;
  YamlTree& tree_;
  Diagnostics& diagnostics_;
  const YamlNode* root_ = nullptr;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, const YamlNode*> anchors_;
};

}  // namespace

YamlTree parse_yaml(const std::string& file, const std::string& text, Diagnostics& diagnostics) {
  YamlTree tree;
  if (text.size() > yaml_bytes_max) {
    diagnostics.add({{file, 0, 0}, "", std::to_string(text.size()) + " bytes",
                     "the file is too large",
                     "at most " + std::to_string(yaml_bytes_max) + " bytes",
                     "split it; `plans` takes several files"});
    return tree;
  }
  Builder builder(file, tree, diagnostics);
  std::istringstream stream(text);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const TreeTooLarge& fault) {
    diagnostics.add({fault.place, "", "", fault.problem, fault.allowed,
                     "nothing behind this place was read"});
  } catch (const YAML::Exception& fault) {
    diagnostics.add({{file, fault.mark.line + 1, fault.mark.column + 1},
                     "",
                     "",
                     "YAML syntax: " + fault.msg,
                     "",
                     "nothing behind this place was read"});
  }
  return tree;
}

}  // namespace levy::config
