// Record: what one Outcome did, as it lies in the journal: facts, then images (the verdict is one
// of the images).
// Core: shard (writing), recovery and feed (reading). Allocates: never. Blocks: never. Clock: none.
//
//   RecordHeader | MsccFact x mscc_count | Movement x movement_count | Slot x given_up | session id
//   text (padded to 8) | images
//
// Little-endian, 8-byte aligned. Facts say who, when, what was used, which rule and every movement,
// for records, events, explain and the auditor; images are all that recovery needs.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/shard/outcome.hpp"
#include "engine/shard/transaction.hpp"

namespace levy::shard {

inline constexpr std::uint16_t record_version = 1;

struct RecordHeader {
  std::uint32_t bytes = 0;  // whole Record
  std::uint16_t version = record_version;
  std::uint8_t shard = 0;
  RecordKind kind = RecordKind::none;
  std::uint64_t sequence = 0;  // of this Shard, from 1 without gaps
  std::int64_t time_micros = 0;
  std::uint32_t images_at = 0;  // offset of the images
  std::uint16_t movement_count = 0;
  std::uint8_t mscc_count = 0;
  OperatorKind operator_kind = OperatorKind::none;
  Slot account = none;
  Slot subscriber = none;
  Slot session = none;
  std::uint32_t request_number = 0;
  std::uint32_t events = 0;  // OutcomeEvent
  rating::RequestType request_type{};
  rating::Reason reason{};
  std::uint16_t text_bytes = 0;  // session id, or the operator's who + '\0' + why
  std::uint16_t plan = 0;
  std::uint16_t plan_version = 0;
  std::uint16_t given_up = 0;  // sessions whose tombstones made room (0 in Records of older levyds)
  std::uint16_t unused = 0;
};
static_assert(sizeof(RecordHeader) == 64);

struct MsccFact {
  std::uint32_t rating_group = 0;
  std::uint8_t has_rating_group = 0;
  rating::Reason reason{};
  std::uint8_t flags = 0;  // rating::MsccOutcomeFlags
  rating::Unit unit{};
  std::int64_t used = 0;
  std::int64_t used_by_buckets = 0;
  std::int64_t charged = 0;
  std::int64_t unpaid = 0;
  std::int64_t unrated = 0;
  std::int64_t granted = 0;
};
static_assert(sizeof(MsccFact) == 56);

// A Record read back. Views into the bytes.
struct RecordView {
  RecordHeader header{};
  std::span<const MsccFact> mscc{};
  std::span<const rating::Movement> movements{};
  std::span<const Slot> given_up{};
  std::string_view text{};
  std::span<const std::uint8_t> images{};
};

// false: the bytes are not a Record of this version (damage that the CRC did not see is our bug).
bool read_record(std::span<const std::uint8_t> bytes, RecordView& view);

// Calls on_image(PoolId, Slot, bitmap, words) for each image; false when malformed.
template <class OnImage>
bool for_each_image(std::span<const std::uint8_t> images, OnImage&& on_image) {
  std::size_t at = 0;
  while (at < images.size()) {
    ImageHeader header;
    if (images.size() - at < sizeof header) return false;
    std::memcpy(&header, images.data() + at, sizeof header);
    const auto count = static_cast<std::size_t>(__builtin_popcountll(header.bitmap));
    at += sizeof header;
    if (header.pool >= pool_count || header.bitmap == 0 || images.size() - at < count * 8)
      return false;
    if (!on_image(header, images.subspan(at, count * 8))) return false;
    at += count * 8;
  }
  return true;
}

}  // namespace levy::shard
