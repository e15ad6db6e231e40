// Strong integer ids: two ids of different kinds never mix by accident.
// Core: any. Allocates: never. Blocks: never. Clock: none.
#pragma once

#include <compare>
#include <cstdint>

namespace levy {

template <class Tag, class Rep>
struct Id {
  Rep value{};
  constexpr auto operator<=>(const Id&) const = default;
};

// One of the shards fixed when the data directory is made (limits::shards_max at most).
using ShardId = Id<struct ShardIdTag, std::uint8_t>;

// Log sequence number: the position of a Record in the journal; 0 = none, the first Record is 1.
using Lsn = Id<struct LsnTag, std::uint64_t>;

// A slot of a Pool. Stable for the object's life; none = no slot.
using Slot = std::uint32_t;
inline constexpr Slot none = 0xffffffffu;

// One TCP connection: `index` is reused, `generation` never within a process life.
struct ConnectionRef {
  std::uint32_t index = none;
  std::uint32_t generation = 0;
  constexpr bool operator==(const ConnectionRef&) const = default;
};

}  // namespace levy
