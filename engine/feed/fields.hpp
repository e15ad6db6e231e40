// Fields: the fields of a part of a record, written one behind the other into a text: members of a
// JSON object, or cells of a CSV row. One description of a part serves both formats.
// Core: feed. Allocates: where the text grows. Blocks: never. Clock: none.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace levy::feed {

enum class Format : std::uint8_t { jsonl, csv };

// What a value looks like, in either format.
void append_number(std::string& out, std::integral auto value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, std::end(digits), value).ptr);
}
// Micros as a decimal number with 6 places.
void append_money(std::string& out, std::int64_t micros);
// Quoted and escaped; what is no UTF-8 becomes U+FFFD.
void append_json_text(std::string& out, std::string_view text);
// Quoted where it must be. A row is a line, and a zero would be taken for a hole in the file: line
// ends and zeros become spaces; what is no UTF-8 becomes U+FFFD.
void append_csv_text(std::string& out, std::string_view text);

// The name of a field: `,"name":`, made by the compiler.
class Key {
 public:
  consteval Key(const char* name) {
    text_[size_++] = ',';
    text_[size_++] = '"';
    while (*name != 0) text_[size_++] = *name++;
    text_[size_++] = '"';
    text_[size_++] = ':';
  }
  std::string_view member(bool first) const {
    return std::string_view(text_, size_).substr(first ? 1 : 0);
  }

 private:
  char text_[31] = {};
  std::uint8_t size_ = 0;
};

class Fields {
 public:
  Fields(std::string& out, Format format) : out_(out), csv_(format == Format::csv) {}
  // Words of CSV with a separator of their own: `before` the first and `between` them.
  Fields(std::string& out, char before, char between)
      : out_(out), csv_(true), before_(before), between_(between) {}

  // A field that does not `apply` is left out of JSON and an empty cell of CSV.
  void text(const Key& key, std::string_view value, bool applies) {
    if (begin(key, applies)) append(value);
  }
  void text(const Key& key, std::string_view value) { text(key, value, !value.empty()); }
  void number(const Key& key, std::integral auto value, bool applies = true) {
    if (begin(key, applies)) append_number(out_, value);
  }
  // Without a value: null in JSON.
  void number_or_null(const Key& key, std::integral auto value, bool has_value) {
    if (begin(key, has_value || !csv_) && !has_value) out_ += "null";
    if (has_value) append_number(out_, value);
  }
  void money(const Key& key, std::int64_t micros, bool applies = true) {
    if (!begin(key, applies)) return;
    quote();
    append_money(out_, micros);
    quote();
  }
  // UTC, to the microsecond.
  void time(const Key& key, std::int64_t micros, bool applies = true);
  void flag(const Key& key, bool value) {
    if (begin(key, true)) out_ += value ? "true" : "false";
  }
  // Words of our own: nothing in them is to be escaped.
  void plain(const Key& key, std::string_view value, bool applies = true) {
    if (!begin(key, applies)) return;
    quote();
    out_ += value;
    quote();
  }
  // A value without a word is a number as text.
  template <class Value, std::size_t n>
  void word(const Key& key, const char* const (&words)[n], Value value, bool applies = true) {
    const auto index = static_cast<std::size_t>(value);
    if (index < n) plain(key, words[index], applies);
    else plain(key, std::to_string(index), applies);
  }
  // Columns of other parts; nothing in JSON.
  void skip(std::size_t columns) {
    if (csv_) out_.append(columns, between_);
  }

 private:
  bool begin(const Key& key, bool applies) {
    if (csv_) {
      out_ += before_;
      before_ = between_;
      return applies;
    }
    if (!applies) return false;
    out_ += key.member(out_.back() == '{');
    return true;
  }
  void quote() {
    if (!csv_) out_ += '"';
  }
  void append(std::string_view value) {
    csv_ ? append_csv_text(out_, value) : append_json_text(out_, value);
  }

  std::string& out_;
  bool csv_;
  char before_ = ',', between_ = ',';
};

}  // namespace levy::feed
