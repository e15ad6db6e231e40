// framedump: Diameter messages, binary or in hex digits, as text.
// Core: none. Allocates: yes. Blocks: on its input. Clock: none.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "diameter/codec/print.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;
enum Exit : int { exit_ok = 0, exit_faulty = 1, exit_usage = 2 };
constexpr std::size_t header_bytes = 20;

bool read_all(const std::string& path, Bytes& bytes) {
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  std::uint8_t part[65536];
  for (std::size_t n; (n = std::fread(part, 1, sizeof part, file)) != 0;) {
    bytes.insert(bytes.end(), part, part + n);
  }
  const bool whole = std::ferror(file) == 0;
  if (file != stdin) std::fclose(file);
  return whole;
}

// false: `at` is the place of a character that is no digit, or of the digit without a second one.
bool from_hex(const Bytes& text, Bytes& bytes, std::size_t& at) {
  int high = -1;
  std::size_t high_at = 0;
  for (at = 0; at < text.size(); ++at) {
    const int c = text[at];
    if (std::isspace(c) != 0) continue;
    if (std::isxdigit(c) == 0) return false;
    const int digit = std::isdigit(c) != 0 ? c - '0' : std::tolower(c) - 'a' + 10;
    if (high < 0) {
      high = digit;
      high_at = at;
      continue;
    }
    bytes.push_back(static_cast<std::uint8_t>(high << 4 | digit));
    high = -1;
  }
  at = high_at;
  return high < 0;
}

int print_all(std::span<const std::uint8_t> left) {
  std::size_t at = 0;
  int result = exit_ok;
  while (!left.empty()) {
    const std::size_t size =
        left.size() < 4 ? 0 : std::size_t{left[1]} << 16 | std::size_t{left[2]} << 8 | left[3];
    if (size < header_bytes || size > left.size()) {
      std::fflush(stdout);
      fmt::print(stderr, "byte {}: {} bytes left, which are no whole message{}\n", at, left.size(),
                 size > left.size() ? fmt::format(": its length field says {}", size) : "");
      return exit_faulty;
    }
    const std::string text = levy::codec::print_message(left.first(size));
    fmt::print("{}{}", text, text.ends_with('\n') ? "" : "\n");
    if (text.find("\nfault ") != text.npos || text.starts_with("fault ")) result = exit_faulty;
    left = left.subspan(size);
    at += size;
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  std::string path = "-";
  bool hex = false;
  CLI::App app("Diameter messages as text", "framedump");
  app.add_option("FILE", path, "- for standard input")->capture_default_str();
  app.add_flag("--hex", hex, "the input is hex digits (found out when it does not begin with 01h)");
  app.footer("Exit codes: 0 every message is whole, 1 bytes that are none, 2 usage.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_ok : exit_usage;
  }
  Bytes input;
  if (!read_all(path, input)) {
    fmt::print(stderr, "{}: cannot be read\n", path);
    return exit_usage;
  }
  if (input.empty()) {
    fmt::print(stderr, "there is no message\n");
    return exit_faulty;
  }
  if (!hex && input.front() == 1) return print_all(input);
  Bytes bytes;
  std::size_t at = 0;
  if (!from_hex(input, bytes, at)) {
    fmt::print(stderr, "byte {}: not hex digits in pairs\n", at);
    return exit_faulty;
  }
  return print_all(bytes);
}
