// Block: sealing and checking of the drawing in block.hpp.
// Core: journal; control for reading. Allocates: never. Blocks: never. Clock: none.
#include "engine/journal/block.hpp"

#include <algorithm>
#include <cstring>

#include "engine/base/check.hpp"
#include "engine/base/crc32c.hpp"

namespace levy::journal {

namespace {

std::uint32_t block_crc(std::span<const std::byte> block) {
  const std::uint32_t head = crc32c(block.data(), offsetof(BlockHeader, crc));
  return crc32c(block.data() + header_bytes, block.size() - header_bytes, head);
}

bool frames_fill(const BlockHeader& header, std::span<const std::byte> block) {
  std::size_t at = header_bytes;
  const std::size_t end = header_bytes + header.payload_bytes;
  for (std::uint32_t i = 0; i < header.record_count; ++i) {
    if (end - at < sizeof(std::uint32_t)) return false;
    std::uint32_t length;
    std::memcpy(&length, block.data() + at, sizeof length);
    if (length == 0 || length > limits::record_bytes_max) return false;
    if (end - at < framed_bytes(length)) return false;
    at += framed_bytes(length);
  }
  return at == end;
}

}  // namespace

std::uint32_t seal_block(std::span<std::byte> block, BlockHeader& header) {
  LEVY_CHECK(block.size() == block_bytes(header.payload_bytes), block.size(),
             header.payload_bytes);
  LEVY_CHECK(header.durable_lsn < header.first_lsn, header.durable_lsn, header.first_lsn);
  std::memcpy(block.data(), &header, sizeof header);
  header.crc = block_crc(block);
  std::memcpy(block.data(), &header, sizeof header);
  return header.crc;
}

const char* fault_text(BlockFault fault) {
  switch (fault) {
    case BlockFault::none: return "a sound block";
    case BlockFault::zero: return "zeros";
    case BlockFault::magic: return "no block magic";
    case BlockFault::length: return "a block length out of bounds";
    case BlockFault::checksum: return "a block with a wrong checksum";
    case BlockFault::frame: return "a block whose Records do not fill it";
    case BlockFault::version: return "a block of a format version that is not read here";
    case BlockFault::foreign: return "a block of another node";
    case BlockFault::misplaced: return "a block written for another place";
  }
  return "an unknown fault";
}

BlockFault check_block(std::span<const std::byte> bytes, const BlockPlace& place,
                       std::uint64_t node_id, BlockHeader& header) {
  LEVY_CHECK(bytes.size() >= block_unit, bytes.size());
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != block_magic) {
    const bool zero = std::all_of(bytes.begin(), bytes.begin() + header_bytes,
                                  [](std::byte b) { return b == std::byte{0}; });
    return zero ? BlockFault::zero : BlockFault::magic;
  }
  const bool readable =
      header.version <= format_version && header.version >= format_version_oldest;
  // The first block of a segment was durable before anything followed: a version that cannot be
  // read there is another format, whatever its header looks like behind the version.
  if (!readable && place.offset == 0) return BlockFault::version;
  if (header.payload_bytes > limits::journal_write_bytes_max - header_bytes ||
      block_bytes(header.payload_bytes) > bytes.size()) {
    return BlockFault::length;
  }
  const std::span<const std::byte> block = bytes.first(block_bytes(header.payload_bytes));
  if (block_crc(block) != header.crc) return BlockFault::checksum;
  if (!readable) return BlockFault::version;
  if (header.node_id != node_id) return BlockFault::foreign;
  if (header.segment != place.segment || header.position != place.offset / block_unit) {
    return BlockFault::misplaced;
  }
  if (header.first_lsn == 0 || header.durable_lsn >= header.first_lsn ||
      !frames_fill(header, block)) {
    return BlockFault::frame;
  }
  return BlockFault::none;
}

bool RecordCursor::next(Lsn& lsn, std::span<const std::byte>& record) {
  if (left_ == 0) return false;
  std::uint32_t length;
  std::memcpy(&length, payload_.data(), sizeof length);
  record = payload_.subspan(sizeof length, length);
  payload_ = payload_.subspan(framed_bytes(length));
  lsn = Lsn{lsn_};
  ++lsn_;
  --left_;
  return true;
}

}  // namespace levy::journal
