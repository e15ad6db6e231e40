// The Shard's state: every struct that lies in a pool and is journaled as an image.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// Trivially copyable, multiples of 8 bytes, at most 512; a slot that is not live is all T(). The
// numbers of PoolId and the layouts are part of the journal's format version. Indexes (hash tables,
// free lists, timers) are rebuilt from these and never saved.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "config/limits.hpp"
#include "engine/base/ids.hpp"
#include "rating/account.hpp"
#include "rating/charge.hpp"
#include "rating/request.hpp"

namespace levy::shard {

enum class PoolId : std::uint8_t {
  shard_state = 0,
  account = 1,
  bucket = 2,
  subscriber = 3,
  session = 4,
  group = 5,
  verdict = 6,
  text = 7,
  host = 8,
  mail = 9,
  request_key = 10,
  name = 11,
  product = 12,
  counter = 13,
};
inline constexpr std::size_t pool_count = 14;

enum class AccountStatus : std::uint8_t { active = 0, suspended = 1, barred = 2 };

// The balance owner.
struct Account {
  char name[24] = {};        // operators' key, zero-terminated
  Slot first_bucket = none;  // oldest first
  Slot first_subscriber = none;
  Slot first_session = none;  // newest first, ended ones included until their tombstone goes
  std::uint32_t subscriber_count = 0;
  std::int64_t credit_limit = 0;  // micros, beside the plan's
  std::uint32_t created_at = 0;   // unix seconds
  std::uint16_t plan = 0;         // interned: the base plan
  AccountStatus status = AccountStatus::active;
  std::uint8_t in_use = 0;
  Slot first_product = none;    // oldest first
  std::uint32_t settle_at = 0;  // unix seconds: when something of a product falls due, 0 = never
  std::uint16_t product_number = 0;  // of the latest product
  std::uint8_t flags = 0;            // AccountFlags
  std::uint8_t unused = 0;
  std::uint32_t valid_until = 0;  // unix seconds, 0 = for ever; then its plan's grace begins
  Slot first_counter = none;      // oldest first
  Slot friends = none;            // Text of rating's number_key()s: `friends` of plans' conditions
  std::int64_t loan = 0;          // micros of its plan's currency that top-ups pay back first
  std::array<std::uint32_t, limits::segments_per_account_max> segments{};  // rating's segment_key()
  bool live() const { return in_use != 0; }
  std::string_view name_text() const { return name; }
};
static_assert(sizeof(Account) == 96);

enum AccountFlags : std::uint8_t {
  account_waits_for_use = 1,    // a product starts with the first use that concerns it
  account_waits_for_money = 2,  // a product is suspended until its fee can be paid
  account_took_terms =
      4,  // its base plan's terms have begun once: they never begin by themselves again
  account_room_came = 8,  // a limit leaves room again: sessions are to be told
};

inline constexpr std::uint32_t valid_for_ever = 0xffffffff;  // Account::valid_until by an operator

// Where an account stands in its life: a function of its dates and its base plan.
enum class LifePhase : std::uint8_t { valid = 0, grace = 1, expired = 2 };
struct Life {
  LifePhase phase = LifePhase::valid;
  std::uint32_t ends_at = 0;  // of the phase, unix seconds; 0 = never
};

// A product that an account holds: its base plan, where that has terms, or an add-on.
enum class ProductState : std::uint8_t {
  free = 0,
  waiting = 1,  // for starts_at, or (starts_at 0) for its first use
  active = 2,
  suspended = 3,  // a fee could not be paid: it gives and prices nothing until it is
};
enum ProductFlags : std::uint8_t {
  product_started = 1,  // what is due once, at the start, has been taken and given
  product_queued = 2,   // starts when the one of its plan before it ends
};
struct Product {
  // One cycle of the plan's terms, known by its Period, so that a reload may reorder them:
  // `periods` have begun since `anchor`, the next begins at `at`.
  struct Due {
    std::uint32_t at = 0;      // unix seconds, 0 = not in use
    std::uint32_t anchor = 0;  // what anniversaries count from: the start, or the latest resumption
    std::uint32_t periods : 20 = 0;
    std::uint32_t unit : 4 = 0;   // rating::PeriodUnit
    std::uint32_t count : 8 = 0;  // units in one period
  };
  Slot next = none;             // of the account
  std::uint16_t plan = 0;       // interned
  std::uint16_t number = 0;     // within the account, from 1; Bucket::product
  std::uint32_t bought_at = 0;  // unix seconds
  std::uint32_t starts_at = 0;  // 0 = not known yet (first use)
  std::uint32_t ends_at = 0;    // exclusive, 0 = when it is ended
  ProductState state = ProductState::free;
  std::uint8_t flags = 0;  // ProductFlags
  std::uint8_t unused[2] = {};
  std::array<Due, limits::cycles_per_plan_max> due{};
  bool live() const { return state != ProductState::free; }
  bool queued() const { return (flags & product_queued) != 0; }
  bool waits_for_use() const {
    return state == ProductState::waiting && starts_at == 0 && !queued();
  }
};
static_assert(sizeof(Product) == 72);

// One SIM or user. E.164 and IMSI are packed: length in the top 4 bits, then BCD digits.
struct Subscriber {
  std::uint64_t imsi = 0;
  std::uint64_t e164 = 0;
  Slot account = none;
  Slot next = none;   // of the account
  Slot other = none;  // Text chain: identities of other types
  std::uint8_t in_use = 0;
  std::uint8_t unused[3] = {};
  bool live() const { return in_use != 0; }
};
static_assert(sizeof(Subscriber) == 32);

// 0 when the text is not 1..15 decimal digits.
std::uint64_t pack_digits(std::string_view digits);
// Writes at most 15 digits to `into`, returns the count.
std::size_t unpack_digits(std::uint64_t packed, char* into);

enum class SessionState : std::uint8_t { free = 0, open = 1, ended = 2, lost = 3, superseded = 4 };

struct Session {
  std::uint64_t seen_updates = 0;  // bit i: update number (number_max - i) was taken
  std::uint64_t connection = 0;    // ConnectionRef of the latest request: index | generation << 32
  Slot account = none;
  Slot subscriber = none;
  Slot previous = none;  // in the account's list
  Slot next = none;
  Slot first_group = none;
  Slot first_verdict = none;       // newest first
  Slot id_tail = none;             // Text with the rest of a long Session-Id
  Slot host = none;                // Host: Origin-Host and -Realm of the gateway
  std::uint32_t deadline = 0;      // shard seconds (see ShardState): Tcc, or the tombstone's end
  std::uint32_t opened_at = 0;     // unix seconds
  std::uint32_t last_seen_at = 0;  // unix seconds
  std::uint32_t number_max = 0;    // highest CC-Request-Number taken by an update
  std::uint32_t initial_number = 0;
  std::uint32_t origin_state_id = 0;   // of the latest request, 0 = none sent
  std::uint32_t apn_charging = 0;      // hash of APN + charging id, 0 = not known: supersede key
  std::uint32_t apn_address = 0;       // hash of APN + address, 0 = not known
  std::uint32_t validity_longest = 0;  // seconds, of the grants outstanding
  std::uint16_t restarts = 0;          // of the shard, when the deadline was set
  std::uint16_t reauth_wanted = 0;     // pushes that somebody asked for
  std::uint16_t reauth_acked = 0;      // ... and that the gateway has confirmed
  std::uint16_t dialect = 0;
  SessionState state = SessionState::free;
  std::uint8_t application = 0;  // Protocol
  std::uint8_t verdict_count = 0;
  std::uint8_t group_count = 0;
  std::uint8_t id_bytes = 0;  // of the whole Session-Id
  std::uint8_t flags = 0;
  std::uint8_t unused[2] = {};
  std::uint32_t termination_number = 0;   // of the first termination taken (session_terminated)
  std::uint32_t reauth_rating_group = 0;  // of the pushes not confirmed yet (session_reauth_group)
  std::uint32_t unused_2 = 0;
  char id_head[104] = {};
  bool live() const { return state != SessionState::free; }
};
static_assert(sizeof(Session) == 216 && sizeof(Session) % 8 == 0);

// seen_updates and number_max count the updates of a session, and the events of an event's.
enum SessionFlags : std::uint8_t {
  session_has_updates = 1,
  session_event = 2,
  session_terminated = 4,
  session_loss_charged = 8,   // its loss charged an assumed use: a late report is not charged again
  session_reauth_group = 16,  // only reauth_rating_group is wanted, else the whole session
  session_takes_abort = 32,   // its gateway's dialect takes an ASR
  session_aborting = 64,      // an operator ends it: the push is an ASR, and nothing is granted
};

inline constexpr std::size_t session_id_head_bytes = sizeof(Session::id_head);

// What one request was answered, enough to encode the answer again. A request with several MSCC
// is a chain by `more`.
struct Verdict {
  std::int64_t granted = 0;  // units; for an event: its cost in micros
  std::uint32_t number = 0;  // CC-Request-Number
  std::uint32_t digest = 0;  // of the units used and asked: a repeat should carry the same
  std::uint32_t rating_group = 0;
  std::uint32_t validity = 0;
  std::uint32_t threshold = 0;
  std::uint16_t quota_holding_time = 0;
  std::uint16_t service = 0xffff;
  Slot next = none;  // older verdict of the session
  Slot more = none;  // next MSCC of the same request
  rating::RequestType type{};
  rating::Reason reason{};          // of this MSCC
  rating::Reason command_reason{};  // of the command
  std::uint8_t outcome_flags = 0;   // rating::MsccOutcomeFlags
  rating::Unit unit{};
  std::uint8_t count = 0;  // MSCC of the request (head of the chain)
  std::uint8_t flags = 0;  // VerdictFlags
  std::uint8_t in_use = 0;
  std::uint16_t plan = 0;  // interned, whose service it is
  std::uint16_t plan_version = 0;
  std::uint16_t changes = 0;  // rating::Change bits
  std::uint16_t rate = 0;     // of the service, that was granted under
  std::uint32_t tariff_change = 0;  // unix seconds: Tariff-Time-Change, 0 = none
  std::uint32_t unused_2 = 0;
  bool live() const { return in_use != 0; }
};
static_assert(sizeof(Verdict) == 64);

enum VerdictFlags : std::uint8_t { verdict_enough = 1, verdict_event_result = 2 };

// Bytes that do not fit elsewhere: Session-Id tails, identities that are no digits, lists of
// numbers.
struct Text {
  std::uint8_t in_use = 0;
  std::uint8_t type = 0;  // rating::IdentityType for an identity
  std::uint16_t size = 0;
  Slot next = none;
  char bytes[152] = {};
  bool live() const { return in_use != 0; }
  std::string_view text() const { return {bytes, size}; }
};
static_assert(sizeof(Text) == 160);

// A gateway as this Shard knows it.
struct Host {
  std::uint8_t in_use = 0;
  std::uint8_t unused[3] = {};
  std::uint16_t host_bytes = 0;
  std::uint16_t realm_bytes = 0;
  std::uint32_t origin_state_id = 0;  // highest seen
  std::uint32_t unused_2 = 0;
  char text[496] = {};  // Origin-Host, then Origin-Realm
  bool live() const { return in_use != 0; }
  std::string_view host() const { return {text, host_bytes}; }
  std::string_view realm() const { return {text + host_bytes, realm_bytes}; }
};
static_assert(sizeof(Host) == 512);

// Money on its way between Shards. At the sender until the receiver's Record is durable; at the
// receiver until the sender has closed it, so that a repeated delivery credits once.
enum class MailState : std::uint8_t { free = 0, sent = 1, received = 2 };
struct Mail {
  std::uint64_t sequence = 0;  // of the sending Shard: (from_shard, sequence) is the mail's name
  std::int64_t amount = 0;     // micros
  Slot bucket = none;          // sender: the wallet debited
  Slot account = none;         // sender's account here, or receiver's account there
  char to_account[24] = {};
  std::uint16_t currency = 0;
  std::uint8_t from_shard = 0;
  std::uint8_t to_shard = 0;
  MailState state = MailState::free;
  std::uint8_t unused[3] = {};
  bool live() const { return state != MailState::free; }
};
static_assert(sizeof(Mail) == 56);

// The key of an operator's change: the same key again changes nothing and answers the same.
struct RequestKey {
  std::uint64_t key = 0;         // stable_hash of the key text, never 0
  std::uint64_t digest = 0;      // stable_hash of what was asked
  std::uint32_t kept_until = 0;  // unix seconds
  std::uint8_t result = 0;       // shard::OperatorResult
  std::uint8_t in_use = 0;
  std::uint8_t unused[2] = {};
  bool live() const { return in_use != 0; }
};
static_assert(sizeof(RequestKey) == 24);

// One name of the catalogue (Shard 0 only): its slot + 1 is the interned id.
enum class NameKind : std::uint8_t {
  none = 0,
  plan = 1,
  service = 2,
  bucket_kind = 3,
  plan_version = 4,
  rate = 5,
  fee = 6,
  counter = 7,
  level = 8,
  sponsor = 10,  // the name of an account that pays for others
};
struct Name {
  NameKind kind = NameKind::none;
  std::uint8_t size = 0;
  std::uint16_t renames = 0;  // the id that this is a newer name of (`was`), 0 = one of its own
  std::uint32_t unused = 0;
  std::uint64_t digest = 0;  // plan_version: hash of its canonical source
  char text[64] = {};
  bool live() const { return kind != NameKind::none; }
  std::string_view view() const { return {text, size}; }
};
static_assert(sizeof(Name) == 80);

// One per Shard, slot 0. Shard seconds = unix seconds - downtime: deadlines are kept in them, so
// that downtime does not count; a session whose deadline was set before the last restart gets its
// longest validity on top (house.md "Time").
struct ShardState {
  std::uint64_t sequence = 0;    // Records of this Shard
  std::int64_t time_micros = 0;  // of the latest Record
  std::uint64_t mail_sequence = 0;
  std::uint32_t downtime = 0;  // seconds
  std::uint16_t restarts = 0;
  std::uint16_t plan_version = 0;  // current
  std::uint32_t sweep_cursor =
      none;  // next session to visit for raised Origin-State-Ids; none = idle
  std::uint8_t in_use = 0;
  std::uint8_t unused[3] = {};
  bool live() const { return in_use != 0; }
};
static_assert(sizeof(ShardState) == 40);

}  // namespace levy::shard
