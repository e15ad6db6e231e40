// CRC-32C by instruction, or by table.
// Core: any. Allocates: never. Blocks: never. Clock: none.
#include "engine/base/crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

namespace levy {

#if defined(__SSE4_2__)

std::uint32_t crc32c(const void* bytes, std::size_t size, std::uint32_t previous) {
  const auto* p = static_cast<const unsigned char*>(bytes);
  std::uint64_t crc = ~previous;
  while (size >= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    crc = _mm_crc32_u64(crc, word);
    p += 8;
    size -= 8;
  }
  auto crc32 = static_cast<std::uint32_t>(crc);
  while (size-- > 0) crc32 = _mm_crc32_u8(crc32, *p++);
  return ~crc32;
}

#else

namespace {
constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1u) ? 0x82f63b78u ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}
constexpr auto table = make_table();
}  // namespace

std::uint32_t crc32c(const void* bytes, std::size_t size, std::uint32_t previous) {
  const auto* p = static_cast<const unsigned char*>(bytes);
  std::uint32_t crc = ~previous;
  while (size-- > 0) crc = table[(crc ^ *p++) & 0xffu] ^ (crc >> 8);
  return ~crc;
}

#endif

}  // namespace levy
