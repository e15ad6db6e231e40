// Identity: a DiameterIdentity (RFC 6733 4.3.1) held by value, compared without regard to case.
// Core: edge, control. Allocates: never. Blocks: never. Clock: none.
//
// Invariant: size() <= limits::diameter_identity_bytes_max; a longer one is refused, never cut.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "config/limits.hpp"

namespace levy::peer {

// DNS names compare in ASCII without case (RFC 6733 4.3.1, interop.md c.1).
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// < 0, 0, > 0 like strcasecmp: equality of identities, and the order that an election goes by.
constexpr int compare_identity(std::string_view a, std::string_view b) {
  const std::size_t shared = a.size() < b.size() ? a.size() : b.size();
  for (std::size_t i = 0; i < shared; ++i) {
    const auto x = static_cast<unsigned char>(lower(a[i]));
    const auto y = static_cast<unsigned char>(lower(b[i]));
    if (x != y) return x < y ? -1 : 1;
  }
  if (a.size() == b.size()) return 0;
  return a.size() < b.size() ? -1 : 1;
}
constexpr bool same_identity(std::string_view a, std::string_view b) {
  return a.size() == b.size() && compare_identity(a, b) == 0;
}

class Identity {
 public:
  Identity() = default;
  // false: empty or too long; the value is then unchanged.
  bool assign(std::string_view text) {
    if (text.empty() || text.size() > sizeof text_) return false;
    std::memcpy(text_, text.data(), text.size());
    size_ = static_cast<std::uint8_t>(text.size());
    return true;
  }
  void clear() { size_ = 0; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {text_, size_}; }

 private:
  std::uint8_t size_ = 0;
  char text_[limits::diameter_identity_bytes_max] = {};
};
static_assert(sizeof(Identity) == 256);

}  // namespace levy::peer
