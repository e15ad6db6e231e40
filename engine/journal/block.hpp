// Block: the drawing of one journal write as it lies on disk, and its check.
// Core: journal; control for reading. Allocates: never. Blocks: never. Clock: none.
//
// One write is one block: n x 4096 bytes that start on a 4096-byte boundary of a segment file and
// are never written again.
//
//    0  magic u32          "LVJB"
//    4  version u16        format_version of the writer
//    6  flags u16          BlockFlag
//    8  node_id u64        random, made with the data directory
//   16  first_lsn u64      LSN of the first Record (of the next one, if the block holds none)
//   24  durable_lsn u64    every Record up to here was durable when this block was sealed
//   32  epoch u32          raised by each recovery before its first append
//   36  record_count u32
//   40  payload_bytes u32  framed Records, paddings included
//   44  previous_crc u32   crc of the last block before it that holds Records, 0 if none
//   48  segment u32        sequence number of the segment file: a copy elsewhere is not valid
//   52  position u32       offset in the segment / 4096
//   56  reserved u32       0
//   60  crc u32            crc32c of all n x 4096 bytes but these four
//   64  Records            each: length u32, bytes, zeros up to a multiple of 8
//       zeros up to n x 4096
//
// Invariants: a Record never spans blocks; durable_lsn < first_lsn; integers are little-endian.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "config/limits.hpp"
#include "engine/base/ids.hpp"

namespace levy::journal {

static_assert(std::endian::native == std::endian::little, "the format is written as it lies");

inline constexpr std::uint32_t block_magic = 0x424a564c;  // "LVJB" as bytes
inline constexpr std::uint16_t format_version = 4;
// levyd reads its own format; versions 1 and 2 are no longer read.
inline constexpr std::uint16_t format_version_oldest = 4;

enum BlockFlag : std::uint16_t {
  block_opening = 1,    // no Records: the first block of an epoch, written before any append
  block_statement = 2,  // no Records: states durable_lsn (clean stop)
};

struct BlockHeader {
  std::uint32_t magic = block_magic;
  std::uint16_t version = format_version;
  std::uint16_t flags = 0;
  std::uint64_t node_id = 0;
  std::uint64_t first_lsn = 0;
  std::uint64_t durable_lsn = 0;
  std::uint32_t epoch = 0;
  std::uint32_t record_count = 0;
  std::uint32_t payload_bytes = 0;
  std::uint32_t previous_crc = 0;
  std::uint32_t segment = 0;
  std::uint32_t position = 0;
  std::uint32_t reserved = 0;
  std::uint32_t crc = 0;
};
static_assert(sizeof(BlockHeader) == 64);
static_assert(offsetof(BlockHeader, node_id) == 8);
static_assert(offsetof(BlockHeader, durable_lsn) == 24);
static_assert(offsetof(BlockHeader, epoch) == 32);
static_assert(offsetof(BlockHeader, previous_crc) == 44);
static_assert(offsetof(BlockHeader, segment) == 48);
static_assert(offsetof(BlockHeader, crc) == 60);

inline constexpr std::size_t block_unit = limits::journal_block_bytes;
inline constexpr std::size_t header_bytes = sizeof(BlockHeader);

// Bytes one Record takes inside a block.
constexpr std::size_t framed_bytes(std::size_t record_bytes) {
  return (sizeof(std::uint32_t) + record_bytes + 7) & ~std::size_t{7};
}
// Bytes of the write that carries `payload_bytes`.
constexpr std::size_t block_bytes(std::size_t payload_bytes) {
  return (header_bytes + payload_bytes + block_unit - 1) / block_unit * block_unit;
}
static_assert(block_bytes(framed_bytes(limits::record_bytes_max)) <=
              limits::journal_write_bytes_max);
static_assert(limits::journal_write_bytes_max % block_unit == 0);

// Writes header (its crc computed here) over the first 64 bytes of `block`, which holds the framed
// payload behind them and is block_bytes(header.payload_bytes) long. Returns the crc.
std::uint32_t seal_block(std::span<std::byte> block, BlockHeader& header);

enum class BlockFault : std::uint8_t {
  none,
  zero,      // never written (or cut): the header is all zeros
  magic,     // not a block
  length,    // longer than a write may be, or than the segment
  checksum,  // torn or rotten
  frame,     // checksum right, but Records do not fill it exactly: written by a faulty levyd
  version,   // a format this levyd does not read
  foreign,   // sound, but of another node
  misplaced  // sound, but written for another place
};
const char* fault_text(BlockFault fault);

struct BlockPlace {
  std::uint32_t segment = 0;
  std::uint64_t offset = 0;
};

// Checks the block at the front of `bytes` (everything readable from its place on, at least one
// block_unit). `header` is filled unless the fault is zero or magic.
BlockFault check_block(std::span<const std::byte> bytes, const BlockPlace& place,
                       std::uint64_t node_id, BlockHeader& header);

// Walks the Records of a block that check_block found sound.
class RecordCursor {
 public:
  RecordCursor(const BlockHeader& header, std::span<const std::byte> block)
      : payload_(block.subspan(header_bytes, header.payload_bytes)),
        lsn_(header.first_lsn),
        left_(header.record_count) {}

  // false: no more.
  bool next(Lsn& lsn, std::span<const std::byte>& record);

 private:
  std::span<const std::byte> payload_;
  std::uint64_t lsn_;
  std::uint32_t left_;
};

}  // namespace levy::journal
