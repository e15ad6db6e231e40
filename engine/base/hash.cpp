// The only file that includes xxhash.
// Core: any. Allocates: never. Blocks: never. Clock: none.
#include "engine/base/hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace levy {

namespace {
std::uint64_t process_key = 0x9e3779b97f4a7c15ull;
}

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed ^ process_key);
}

void set_hash_key(std::uint64_t key) {
  process_key = key;
}
std::uint64_t hash_key() {
  return process_key;
}

std::uint64_t stable_hash(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace levy
