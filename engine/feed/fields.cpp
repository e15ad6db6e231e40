// Fields: see fields.hpp.
// Core: feed. Allocates: where the text grows. Blocks: never. Clock: none.
#include "engine/feed/fields.hpp"

#include <algorithm>
#include <chrono>

namespace levy::feed {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

struct Character {
  std::size_t bytes = 0;
  bool whole = false;  // false: the bytes begin a character at most, and another byte follows
};

// The UTF-8 character that a text begins with. The bounds of its second byte exclude overlong
// forms, surrogates and what lies beyond U+10FFFF.
Character first_character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xc2 || lead > 0xf4) return {1, false};
  const std::size_t bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  for (std::size_t i = 1; i < bytes; ++i) {
    if (i == text.size() || byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80;
    high = 0xbf;
  }
  return {bytes, true};
}

// A byte of 0x80 and more is a negative char, and never plain.
constexpr auto plain_in_json = [](char c) { return c >= 0x20 && c != '"' && c != '\\'; };
constexpr auto plain_in_csv = [](char c) {
  return c > 0 && c != '"' && c != '\r' && c != '\n' && c != ',';
};

// Whole characters and plain bytes as they are; `special` writes the other bytes below 0x80.
void append_characters(std::string& out, std::string_view text, auto plain, auto special) {
  while (true) {
    const auto stop = std::find_if_not(text.begin(), text.end(), plain);
    const auto run = static_cast<std::size_t>(stop - text.begin());
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (text.empty()) return;
    const Character c = first_character(text);
    if (!c.whole) out += replacement;
    else if (c.bytes == 1) special(out, text[0]);
    else out += text.substr(0, c.bytes);
    text.remove_prefix(c.bytes);
  }
}

void append_escaped(std::string& out, char c) {
  constexpr char digits[] = "0123456789abcdef";
  constexpr std::string_view special = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
  out += '\\';
  if (const std::size_t at = special.find(c); at != special.npos) {
    out += letters[at];
  } else {
    out += "u00";
    out += digits[c >> 4];
    out += digits[c & 15];
  }
}

void append_padded(std::string& out, std::uint64_t value, std::size_t places) {
  char digits[24];
  const auto size = static_cast<std::size_t>(
      std::to_chars(digits, std::end(digits), value).ptr - digits);
  if (size < places) out.append(places - size, '0');
  out.append(digits, size);
}

}  // namespace

void append_money(std::string& out, std::int64_t micros) {
  if (micros < 0) out += '-';
  const std::uint64_t size =
      micros < 0 ? 0 - static_cast<std::uint64_t>(micros) : static_cast<std::uint64_t>(micros);
  append_number(out, size / 1'000'000);
  out += '.';
  append_padded(out, size % 1'000'000, 6);
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  append_characters(out, text, plain_in_json, append_escaped);
  out += '"';
}

void append_csv_text(std::string& out, std::string_view text) {
  if (std::find_if_not(text.begin(), text.end(), plain_in_csv) == text.end()) {
    out += text;
    return;
  }
  const bool quoted = text.find_first_of("\",\r\n") != text.npos;
  if (quoted) out += '"';
  append_characters(out, text, plain_in_csv, [](std::string& row, char c) {
    row += c == ',' ? "," : c == '"' ? "\"\"" : " ";
  });
  if (quoted) out += '"';
}

void Fields::time(const Key& key, std::int64_t micros, bool applies) {
  if (!begin(key, applies)) return;
  using namespace std::chrono;
  const sys_time<microseconds> at{microseconds{micros}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<seconds>(at) - day};
  const auto part = [this](char before, auto value, std::size_t places) {
    out_ += before;
    append_padded(out_, static_cast<std::uint64_t>(value), places);
  };
  if (!csv_) out_ += '"';
  append_number(out_, int{date.year()});
  part('-', unsigned{date.month()}, 2);
  part('-', unsigned{date.day()}, 2);
  part('T', clock.hours().count(), 2);
  part(':', clock.minutes().count(), 2);
  part(':', clock.seconds().count(), 2);
  part('.', (at - floor<seconds>(at)).count(), 6);
  out_ += csv_ ? "Z" : "Z\"";
}

}  // namespace levy::feed
