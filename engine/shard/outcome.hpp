// Outcome: what one apply() decided, in reasons and never in Diameter codes.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
#pragma once

#include <array>
#include <cstdint>

#include "config/limits.hpp"
#include "engine/shard/command.hpp"
#include "rating/charge.hpp"

namespace levy::shard {

enum class RecordKind : std::uint8_t {
  none = 0,
  charge = 1,        // a Credit-Control-Request
  late_usage = 2,    // U or T on an ended session: debited once, answered 5002
  dispute = 3,       // usage of a session nobody knows: nothing debited
  session_lost = 4,  // Tcc ran out, or the gateway restarted, or an operator ended it
  tombstone_gone = 5,
  superseded = 6,
  operator_change = 7,
  push_answer = 8,
  recovered = 9,
  sweep = 10,
  settled = 11,  // products of an account fell due while nobody asked
};

// What the Loop counts (the pure zone counts nothing itself).
enum OutcomeEvent : std::uint32_t {
  event_duplicate = 1u << 0,
  event_duplicate_differs = 1u << 1,  // same key, other used units
  event_duplicate_expired = 1u << 2,  // known repeat whose verdict is gone
  event_identity_conflict = 1u << 3,
  event_session_opened = 1u << 4,
  event_session_closed = 1u << 5,
  event_session_lost = 1u << 6,
  event_superseded = 1u << 7,
  event_late_usage = 1u << 8,
  event_dispute = 1u << 9,
  event_pool_full = 1u << 10,
  event_overrun = 1u << 11,
  event_unrated = 1u << 12,
  event_out_of_order = 1u << 13,
  event_traced = 1u << 14,
  event_origin_state_raised = 1u << 15,
  event_bucket_expired = 1u << 16,
  event_time_distrusted = 1u << 17,  // Event-Timestamp too far off: rated at the time of arrival
  event_tombstones_given_up = 1u << 18,  // before their time, to make room
  event_version_gone = 1u << 19,         // usage of a grant whose plan version is live no more
  event_aborted = 1u << 20,              // a session ended without a CCR-T as an operator wished
};

// A message to push: the session's identity and addressing are read by the encoder.
struct Push {
  Slot session = none;
  std::uint16_t number = 0;
  bool has_rating_group = false;
  bool abort = false;  // an ASR, not a RAR
  std::uint32_t rating_group = 0;
};

// What a session that its gateway left is charged for by its plan's on_lost.
struct LostUsage {
  std::uint32_t rating_group = 0;
  std::uint32_t service_identifier = 0;  // the first one
  std::uint8_t service_identifier_count = 0;
  bool has_rating_group = false;
  rating::MsccOutcome outcome{};
};

// What became of a product, and what that cost and gave (the movements say from which bucket).
enum class ProductEvent : std::uint8_t {
  bought = 1,     // held, and waits for its start
  started = 2,    // with the fees and allowances of its first periods
  renewed = 3,    // `periods` of one cycle have begun
  suspended = 4,  // a fee of `fee` could not be paid
  resumed = 5,
  ended = 6,
  refused = 7,  // ended because a fee could not be paid (unpaid_fee: refuse)
};
struct ProductFact {
  std::uint16_t plan = 0;    // interned
  std::uint16_t number = 0;  // within the account
  ProductEvent event{};
  rating::PeriodUnit unit{};       // of a renewal's cycle, else none
  std::uint16_t tax_permille = 0;  // that the fee includes
  std::uint32_t at = 0;            // unix seconds: when it was due (the latest of several periods)
  std::uint32_t periods : 24 = 1;  // renewed in one go
  std::uint32_t unit_count : 8 = 1;  // of the cycle: "2 weeks"
  std::int64_t fee = 0;              // micros, of all of them; see fee_unpaid()

  bool fee_unpaid() const {
    return event == ProductEvent::suspended || event == ProductEvent::refused;
  }
  // What of `fee` has been spent: the sum of the settlement's fee movements.
  std::int64_t charged() const { return fee_unpaid() ? 0 : fee; }
};
static_assert(sizeof(ProductFact) == 24);

// A counter whose level has changed.
struct CounterFact {
  std::int64_t value = 0;   // where it stands: units or micros
  std::uint16_t name = 0;   // interned
  std::uint16_t level = 0;  // interned; 0 = below every level
  std::uint16_t former_level = 0;
  rating::Unit unit = rating::Unit::octets;
  std::uint8_t unused = 0;
  Slot subscriber = none;  // whose it is; none: the account's
  std::uint32_t at = 0;    // unix seconds
};
static_assert(sizeof(CounterFact) == 24);

// A wallet of another account that the charge could move (Service::sponsor).
struct SponsorWallet {
  Slot bucket = none;
  std::uint16_t sponsor = 0;  // interned
};

struct Outcome {
  RecordKind record_kind = RecordKind::none;  // none: nothing changed, no Record
  bool answer = true;                         // false: drop, or not_mine
  bool not_mine = false;
  std::uint32_t events = 0;
  rating::Reason reason = rating::Reason::ok;  // command level
  std::uint8_t mscc_count = 0;
  bool has_event_result = false;
  std::uint16_t currency = 0;
  rating::EventResult event{};
  const rating::Plan* plan = nullptr;  // the account's base plan, in the version that was read
  std::uint16_t plan_version = 0;
  Slot session = none;
  Slot account = none;
  Slot subscriber = none;
  std::size_t record_bytes = 0;  // of the Record written, 0 = none
  std::uint32_t tombstones_given_up = 0;
  std::uint32_t push_count = 0;
  std::array<Push, limits::pushes_max> pushes{};
  rating::ChargeResult charge;  // MSCC outcomes and movements
  std::uint32_t lost_count = 0;
  std::array<LostUsage, limits::groups_per_session_max> lost{};
  std::uint32_t counter_count = 0;
  std::array<CounterFact, limits::counters_per_account_max> counters{};
  std::uint32_t sponsor_count = 0;
  std::array<SponsorWallet, limits::sponsor_wallets_max> sponsors{};
  static constexpr std::size_t product_facts_max = 64;
  std::uint32_t product_count = 0;
  std::array<ProductFact, product_facts_max> products{};

  // Makes it ready for the next apply without touching the large arrays.
  void reset() {
    record_kind = RecordKind::none;
    answer = true;
    not_mine = false;
    events = 0;
    reason = rating::Reason::ok;
    mscc_count = 0;
    has_event_result = false;
    currency = 0;
    event = {};
    plan = nullptr;
    plan_version = 0;
    session = account = subscriber = none;
    record_bytes = 0;
    tombstones_given_up = 0;
    push_count = 0;
    charge.movement_count = 0;
    charge.split_count = 0;
    charge.overflow = charge.version_gone = false;
    lost_count = 0;
    product_count = 0;
    sponsor_count = 0;
    counter_count = 0;
  }
};

}  // namespace levy::shard
