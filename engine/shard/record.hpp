// Record: what one Outcome did, as it lies in the journal: facts, then images (the verdict is one
// of the images).
// Core: shard (writing), recovery and feed (reading). Allocates: never. Blocks: never. Clock: none.
//
//   RecordHeader | ChargeFacts (of a request) | MsccFact x mscc_count (those of the request, then
//   usage after a tariff change: outcome_after_change) | MsccFact x lost_count |
//   Movement x movement_count | BucketFact x bucket_count | ProductFact x product_count |
//   CounterFact x counter_count |
//   Slot x given_up | texts, padded to 8 | images
//
// Texts, without gaps: operator's who + '\n' + why, Session-Id, account, host, location, called.
//
// Little-endian, 8-byte aligned. Facts say who, where, when, what was used, which rule and every
// movement, for records, events, explain and the auditor, without the state or the plan of that
// time: whoever reads a Record later needs the catalogue of names beside it and nothing more.
// Images are all that recovery needs.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/shard/outcome.hpp"
#include "engine/shard/transaction.hpp"

namespace levy::shard {

inline constexpr std::uint8_t record_version = 5;
// User location and called party are kept up to this length.
inline constexpr std::size_t fact_bytes_max = 16;
// Buckets that one Record moves: of its account, and wallets of sponsors.
inline constexpr std::size_t bucket_facts_max = limits::buckets_per_account_max +
                                                limits::grants_per_settlement_max +
                                                limits::sponsor_wallets_max + 8;

struct RecordHeader {
  std::uint32_t bytes = 0;  // whole Record
  std::uint8_t version = record_version;
  std::uint8_t bucket_count = 0;
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
  std::uint8_t text_bytes = 0;
  std::uint8_t session_bytes = 0;
  std::uint16_t plan = 0;
  std::uint16_t plan_version = 0;
  std::uint8_t given_up = 0;  // sessions whose tombstones made room
  std::uint8_t lost_count = 0;
  std::uint8_t account_bytes = 0;
  std::uint8_t host_bytes = 0;  // 0: the host is what the Session-Id begins with (RFC 6733 8.8)
  std::uint8_t product_count = 0;
  std::uint8_t counter_count = 0;
  std::uint8_t unused[6] = {};
};
static_assert(sizeof(RecordHeader) == 72);

// Where and when, of a request.
struct ChargeFacts {
  std::uint32_t event_timestamp = 0;    // unix seconds, 0 = absent
  std::uint32_t serving_plmn = 0;       // MCC and MNC as a number | digits << 24, 0 = absent
  std::uint16_t rat_type = 0;           // 3GPP-RAT-Type + 1, 0 = absent
  std::uint16_t termination_cause = 0;  // 0 = absent, 65535 = that or more
  std::uint8_t context = 0;             // rating::ServiceContext, 0 = absent
  std::uint8_t action = 0;              // rating::RequestedAction + 1, of an event; 0 = absent
  std::uint8_t location_bytes = 0;
  std::uint8_t called_bytes = 0;
};
static_assert(sizeof(ChargeFacts) == 16);

// Of a rating group: what the usage cost and which rule made it so; what was granted.
struct MsccFact {
  std::uint32_t rating_group = 0;
  std::uint8_t has_rating_group = 0;
  rating::Reason reason{};
  std::uint8_t flags = 0;  // rating::MsccOutcomeFlags
  rating::Unit unit{};
  // Of the grant that the usage consumed; without usage, of what was granted.
  std::uint16_t service = 0;             // interned name, 0 = none
  std::uint16_t rate = 0;                // of the service, 0 = its own price
  std::uint16_t rate_name = 0;           // interned, 0 = none
  std::uint16_t plan_version = 0;        // 0 = none
  std::uint32_t service_identifier = 0;  // the first, where the count is not 0
  std::uint16_t tax_permille = 0;        // that `charged` includes
  std::uint8_t service_identifier_count = 0;
  std::uint8_t unused = 0;
  std::int64_t used = 0;
  std::int64_t used_by_buckets = 0;
  std::int64_t charged = 0;  // micros, the fee included
  std::int64_t fee = 0;
  std::int64_t unpaid = 0;
  std::int64_t unrated = 0;
  std::int64_t granted = 0;
};
static_assert(sizeof(MsccFact) == 80);

// What a bucket that moved is: its slot may be another's tomorrow.
struct BucketFact {
  Slot bucket = none;
  std::uint16_t kind = 0;           // interned, 0 = the plain wallet
  std::uint16_t currency : 10 = 0;  // ISO 4217 numeric
  std::uint16_t unit : 2 = 0;       // rating::Unit
  std::uint16_t main_wallet : 1 = 0;
  std::uint16_t unused : 3 = 0;
  std::uint16_t sponsor = 0;  // interned: not of the Record's account but of this sponsor's
  std::uint16_t unused_2 = 0;
  std::uint32_t unused_3 = 0;
};
static_assert(sizeof(BucketFact) == 16);

// A Record read back. Views into the bytes.
struct RecordView {
  RecordHeader header{};
  const ChargeFacts* charge = nullptr;  // null where there was no request
  std::span<const MsccFact> mscc{};     // in the order of the request, then its splits
  std::span<const MsccFact> lost{};     // charged for groups of a lost or superseded session
  std::span<const rating::Movement> movements{};
  std::span<const BucketFact> buckets{};  // each bucket of the movements once
  std::span<const ProductFact> products{};
  std::span<const CounterFact> counters{};
  std::span<const Slot> given_up{};
  std::string_view text{};        // the operator's who + '\n' + why
  std::string_view session_id{};  // empty where there is none
  std::string_view account{};
  std::string_view host{};      // Origin-Host of the gateway
  std::string_view location{};  // as sent, at most fact_bytes_max
  std::string_view called{};
  std::span<const std::uint8_t> images{};
};

// The DiameterIdentity that a Session-Id begins with.
std::string_view host_of_session_id(std::string_view session_id);

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
