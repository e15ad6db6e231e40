// Key, Section: the declaration of each configuration key, once, with everything known about it.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// The reader, the messages, the key list and the tests of bounds all run off these tables, so a
// key cannot exist without a unit, bounds and prose. Internal to config/.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "config/values.hpp"
#include "config/load_yaml.hpp"

namespace levy::config {

class Reader;
struct Section;

enum class Kind : std::uint8_t {
  integer,   // min..max
  size,      // bytes, with unit
  duration,  // of base_us microseconds, with unit
  permille,  // "20 %"
  boolean,   // true | false
  word,      // one of `words`
  text,      // 1..max bytes
  name,      // is_name()
  identity,  // is_diameter_identity()
  path,      // 1..max bytes, joined to the file's directory
  address,   // IPv4 or IPv6 literal
  section,   // a mapping with keys of its own, same owner
  custom,    // `read` says; `form` documents it
};

// How a custom value is built. With words: where it is a list or a mapping they may stand alone in
// its place, else they are what an item may be. With a section: an item is such a mapping.
enum class Shape : std::uint8_t { one, list, one_or_list, map };

// What one scalar became. `text` is as written (a path: joined).
struct Value {
  std::int64_t number = 0;
  std::string text;
  Place place;
};

// How a value reaches its field, and how the field's default is read back for the key list.
struct Binding {
  void (*store)(void* owner, const Value& value) = nullptr;
  // The field as a number; words and booleans count from 0. Not for text.
  std::int64_t (*number)(const void* owner) = nullptr;
  std::string (*text)(const void* owner) = nullptr;
};

// Reads what is more than one scalar; reports its faults itself.
using ReadKey = void (*)(Reader& reader, const YamlNode& node, const std::string& path,
                         void* owner);

struct Key {
  std::string_view name;
  Kind kind{};
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::string_view prose{};
  Binding binding{};
  std::int64_t base_us = 1'000'000;           // duration
  std::string_view unit{};                    // integer: what is counted
  std::vector<std::string_view> words{};      // word; custom: see Shape
  std::string_view form{};                    // custom: how it is written
  std::string_view default_text{};            // when the field cannot say it
  bool required = false;
  const Section* (*section)() = nullptr;      // section, and the element of a custom list or map
  ReadKey read = nullptr;
  Shape shape = Shape::one;    // custom
  std::string_view pattern{};  // custom: of an item (ECMA 262), empty = any text
};

struct Section {
  std::string_view path;   // as the key list shows it, e.g. diameter.peers[]
  std::string_view prose{};
  const void* defaults;    // an owner holding the defaults
  std::vector<Key> keys;
  bool repeats = false;  // its keys stand in the key list already, under another section
};

template <class T>
struct PlacedValue {
  using type = void;
};
template <class T>
struct PlacedValue<rating::Placed<T>> {
  using type = T;
};

template <class T>
void assign(T& field, const Value& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    field = value.text;
  } else if constexpr (std::is_same_v<T, bool>) {
    field = value.number != 0;
  } else {
    field = static_cast<T>(value.number);
  }
}

// Binds the field that `Access` finds in an Owner.
template <class Owner, auto Access>
Binding bind() {
  using Field = std::remove_reference_t<std::invoke_result_t<decltype(Access), Owner&>>;
  using Inner = typename PlacedValue<Field>::type;
  Binding binding;
  if constexpr (std::is_void_v<Inner>) {
    binding.store = [](void* owner, const Value& value) {
      assign(Access(*static_cast<Owner*>(owner)), value);
    };
    if constexpr (std::is_same_v<Field, std::string>) {
      binding.text = [](const void* owner) {
        return Access(*const_cast<Owner*>(static_cast<const Owner*>(owner)));
      };
    } else {
      binding.number = [](const void* owner) {
        return static_cast<std::int64_t>(
            Access(*const_cast<Owner*>(static_cast<const Owner*>(owner))));
      };
    }
  } else {
    binding.store = [](void* owner, const Value& value) {
      Field& field = Access(*static_cast<Owner*>(owner));
      assign(field.value, value);
      field.place = value.place;
      field.given = true;
    };
  }
  return binding;
}

// The binding of Owner's member `path`.
#define LEVY_FIELD(Owner, path) (bind<Owner, [](Owner & owner) -> auto& { return owner.path; }>())

// ---- constructors of Key, so that a declaration is one line of data and one of prose
inline Key integer(std::string_view name, std::int64_t min, std::int64_t max, std::string_view unit,
                   Binding binding, std::string_view prose) {
  Key key{name, Kind::integer, min, max, prose, binding};
  key.unit = unit;
  return key;
}
inline Key size(std::string_view name, std::int64_t min, std::int64_t max, Binding binding,
                std::string_view prose) {
  return {name, Kind::size, min, max, prose, binding};
}
// Bounds in the unit that the field holds: base_us 1'000'000 seconds, 1'000 ms, 1 us.
inline Key duration(std::string_view name, std::int64_t base_us, std::int64_t min,
                    std::int64_t max, Binding binding, std::string_view prose) {
  return {name, Kind::duration, min, max, prose, binding, base_us};
}
inline Key boolean(std::string_view name, Binding binding, std::string_view prose) {
  return {name, Kind::boolean, 0, 1, prose, binding};
}
// `words` in the order of the enumeration that the field holds.
inline Key word(std::string_view name, std::vector<std::string_view> words, Binding binding,
                std::string_view prose) {
  Key key{name, Kind::word, 0, 0, prose, binding};
  key.words = std::move(words);
  return key;
}
// text, name, identity, path, address; `bytes_max` is read for text and path.
inline Key textual(std::string_view name, Kind kind, std::int64_t bytes_max, Binding binding,
                   std::string_view prose) {
  return {name, kind, 1, bytes_max, prose, binding};
}
inline Key nested(std::string_view name, const Section* (*section)()) {
  Key key{name, Kind::section};
  key.section = section;
  return key;
}
inline Key custom(std::string_view name, std::string_view form, ReadKey read,
                  std::string_view default_text, std::string_view prose) {
  Key key{name, Kind::custom, 0, 0, prose};
  key.form = form;
  key.read = read;
  key.default_text = default_text;
  return key;
}
inline Key shaped(Key key, Shape shape, std::string_view pattern = {},
                  std::vector<std::string_view> words = {}) {
  key.shape = shape;
  key.pattern = pattern;
  key.words = std::move(words);
  return key;
}
inline Key of_section(Key key, Shape shape, const Section* (*section)(),
                      std::vector<std::string_view> words = {}) {
  key.section = section;
  return shaped(std::move(key), shape, {}, std::move(words));
}
inline Key required(Key key) {
  key.required = true;
  return key;
}
inline Key without_default(Key key, std::string_view default_text) {
  key.default_text = default_text;
  return key;
}

// The declarations themselves: declarations.cpp and {plan,tariff,product}_declarations.cpp.
const Section* root_section();         // levyd.yaml
const Section* listener_section();
const Section* peer_section();
const Section* dialect_section();
const Section* plan_file_section();    // a plan file with `plans` or `bucket_kinds`
const Section* plan_section();
const Section* service_section();
const Section* bucket_kind_section();

// "6 s to 300 s", "one of: synced, relaxed", "an IPv4 or IPv6 address" …
std::string allowed_text(const Key& key);
// The default as the key list shows it; "required" where there is none.
std::string default_text(const Section& section, const Key& key);
// A number of the key's kind as an operator would write it.
std::string show_number(const Key& key, std::int64_t number);

}  // namespace levy::config
