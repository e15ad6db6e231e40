// describe_schema: the declarations as a JSON Schema, for editors of the YAML.
// Core: control. Allocates: yes. Blocks: writes to the stream it is given. Clock: none.
//
// An editor types scalars by YAML 1.2 (5031 is a number there, "1.5 MB" a text), Levy reads text:
// so whatever looks like a number may be one. What a pattern cannot say (bounds of "30 s", names
// that must exist) stands in the description, and the loader says it in full.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <string>

#include "config/load.hpp"
#include "config/plan_reader.hpp"

namespace levy::config {
namespace {

using Json = nlohmann::ordered_json;

const std::string decimal = "[0-9][0-9_]*(\\.[0-9][0-9_]*)?";
const Json text_or_number = Json::array({"string", "number"});

bool is_number(std::string_view word) {
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Json one_of_words(const std::vector<std::string_view>& words) {
  Json list = Json::array();
  for (const std::string_view word : words) {
    list.push_back(std::string(word));
    if (is_number(word)) list.push_back(std::stoll(std::string(word)));
  }
  return {{"enum", list}};
}

Json matching(const std::string& pattern) {
  Json schema{{"type", text_or_number}};
  if (!pattern.empty()) schema["pattern"] = pattern;
  return schema;
}

// A text with a unit; 0 needs none, where it is allowed at all.
Json scaled(const Key& key, const std::string& units) {
  const std::string with_unit = decimal + " *(" + units + ")";
  if (key.min > 0) return {{"type", "string"}, {"pattern", "^" + with_unit + "$"}};
  return {{"type", Json::array({"string", "integer"})},
          {"pattern", "^(0|" + with_unit + ")$"},
          {"minimum", 0},
          {"maximum", 0}};
}

std::string reference(const Section& section) {
  std::string name;
  for (const char c : section.path.empty() ? section.prose : section.path) {
    if (c == '.' || c == ' ')
      name += '_';
    else if (std::string_view("[]<>").find(c) == std::string_view::npos)
      name += c;
  }
  return name;
}

Json refer(const Section& section) {
  return {{"$ref", "#/$defs/" + reference(section)}};
}

// Of one item of a custom key.
Json item_of(const Key& key) {
  if (key.section != nullptr) return refer(*key.section());
  const bool words_are_items = key.shape == Shape::one || key.shape == Shape::one_or_list;
  if (words_are_items && !key.words.empty() && key.pattern.empty()) return one_of_words(key.words);
  return matching(std::string(key.pattern));
}

Json custom_of(const Key& key) {
  const Json item = item_of(key);
  Json forms = Json::array();
  const bool alone = key.shape == Shape::list || key.section != nullptr;
  if (alone && !key.words.empty()) forms.push_back(one_of_words(key.words));
  if (key.shape == Shape::one || key.shape == Shape::one_or_list) forms.push_back(item);
  if (key.shape == Shape::list || key.shape == Shape::one_or_list)
    forms.push_back({{"type", "array"}, {"items", item}});
  if (key.shape == Shape::map)
    forms.push_back({{"type", "object"}, {"additionalProperties", item}});
  return forms.size() == 1 ? forms[0] : Json{{"anyOf", forms}};
}

Json value_of(const Key& key) {
  switch (key.kind) {
    case Kind::integer:
      return {{"type", Json::array({"integer", "string"})},
              {"minimum", key.min},
              {"maximum", key.max},
              {"pattern", "^-?[0-9][0-9_]*$"}};
    case Kind::size:
      return scaled(key, "B|[kMGT]B|[KMGT]iB");
    case Kind::duration:
      return scaled(key, "us|ms|s|min|h|d");
    case Kind::permille:
      return scaled(key, "%");
    case Kind::boolean:
      return {{"type", "boolean"}};
    case Kind::word:
      return one_of_words(key.words);
    case Kind::name:
      return matching("^[A-Za-z0-9._-]{1,63}$");
    case Kind::identity:
      return matching("^[A-Za-z0-9._-]{1,255}$");
    case Kind::address:
      return matching("^[0-9A-Fa-f:.]+$");
    case Kind::text:
    case Kind::path: {
      Json schema = matching("");
      schema["minLength"] = 1;
      schema["maxLength"] = key.max;
      return schema;
    }
    case Kind::section:
      return refer(*key.section());
    case Kind::custom:
      return custom_of(key);
  }
  return true;
}

std::string description_of(const Section& section, const Key& key) {
  std::string text(key.kind == Kind::section ? key.section()->prose : key.prose);
  if (key.kind == Kind::section) return text;
  text += "\nAllowed: " + allowed_text(key);
  const std::string otherwise = default_text(section, key);
  if (!otherwise.empty() && otherwise != "required") text += "\nDefault: " + otherwise;
  return text;
}

void add_section(const Section& section, Json& defs) {
  const std::string name = reference(section);
  if (defs.contains(name)) return;
  defs[name] = Json::object();  // its place, before those that it refers to
  Json properties = Json::object(), required = Json::array();
  for (const Key& key : section.keys) {
    Json value{{"description", description_of(section, key)}};
    value.update(value_of(key));
    properties[std::string(key.name)] = std::move(value);
    if (key.required) required.push_back(std::string(key.name));
    if (key.section != nullptr) add_section(*key.section(), defs);
  }
  Json schema{{"type", "object"}, {"description", std::string(section.prose)}};
  schema["properties"] = std::move(properties);
  schema["additionalProperties"] = false;
  if (!required.empty()) schema["required"] = std::move(required);
  defs[name] = std::move(schema);
}

}  // namespace

void describe_schema(SchemaOf what, std::ostream& out) {
  Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}};
  Json defs = Json::object();
  if (what == SchemaOf::options) {
    schema["title"] = "levyd.yaml";
    schema.update(refer(*root_section()));
    add_section(*root_section(), defs);
  } else {
    schema["title"] =
        "A plan file of Levy: each document is one plan, or lists of what plans share";
    schema["type"] = "object";
    schema["if"] = {{"required", Json::array({"plan"})}};
    schema["then"] = refer(*plan_section());
    schema["else"] = refer(*plan_file_section());
    add_section(*plan_file_section(), defs);
    add_section(*plan_section(), defs);
    // Its declaration cannot say it: services are required of a base plan alone.
    Json& plan = defs[reference(*plan_section())];
    plan["if"] = {{"properties", {{"kind", {{"const", "addon"}}}}},
                  {"required", Json::array({"kind"})}};
    plan["else"] = {{"required", Json::array({"services"})}};
  }
  schema["$defs"] = std::move(defs);
  out << schema.dump(2) << "\n";
}

}  // namespace levy::config
