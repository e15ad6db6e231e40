// CRC-32C (Castagnoli), as in iSCSI and ext4; hardware instruction where there is one.
// Core: any. Allocates: never. Blocks: never. Clock: none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace levy {

// crc32c of `size` bytes, continuing from `previous` (0 for the first part).
std::uint32_t crc32c(const void* bytes, std::size_t size, std::uint32_t previous = 0);

}  // namespace levy
