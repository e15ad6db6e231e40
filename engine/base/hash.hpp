// Keyed 64-bit hash of bytes (XXH3 from Debian's libxxhash): the only door to xxhash.
// Core: any. Allocates: never. Blocks: never. Clock: none.
//
// The key is drawn once per process at start-up, so that no peer can choose identities or
// Session-Ids that collide. Hashes are therefore never stored on disk: indexes are rebuilt.
#pragma once

#include <cstdint>
#include <string_view>

namespace levy {

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed);

// Sets the process key before any table is built (tests and the simulator set a fixed one).
void set_hash_key(std::uint64_t key);
std::uint64_t hash_key();

// Unkeyed and stable across processes and releases: placement of an account on its shard
// and digests kept in the journal.
std::uint64_t stable_hash(std::string_view bytes);

}  // namespace levy
