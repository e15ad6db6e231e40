// Command: what Shard::apply() is asked. A charge, or an operator's change or read.
// Core: shard. Allocates: never. Blocks: never. Clock: stamped once per batch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/limits.hpp"
#include "engine/base/ids.hpp"
#include "engine/base/time.hpp"
#include "engine/shard/state.hpp"
#include "rating/request.hpp"

namespace levy::shard {

// Where a charge came from and what the directory said of it.
struct ChargeContext {
  Time now{};
  std::uint64_t session_hash = 0;  // hash_bytes(session_id, seed = application)
  std::uint8_t application = 1;    // Protocol
  bool last_candidate = true;      // false: an unknown session is not_mine, ask elsewhere
  bool identity_conflict = false;
  Slot subscriber = none;  // first known identity, by the directory
  Slot other_subscriber = none;
  std::uint64_t connection = 0;  // index | generation << 32
  std::uint16_t dialect = 0;
  bool implicit_rsu = false;
  bool no_credit_code_4012 = false;
  bool origin_state_counts = true;     // a raised Origin-State-Id ends the host's older sessions
  bool supersede = true;               // an initial ends an older open session of the same bearer
  bool tariff_time_change = false;     // a grant of octets may name the next change of price
  bool pools = false;                  // a grant may be of a credit pool
  bool takes_abort = false;            // the gateway ends a session by itself where it gets an ASR
  std::uint32_t duplicate_window = 0;  // seconds, of the dialect; 0 = the Shard's own
};

enum class OperatorKind : std::uint8_t {
  none = 0,
  create_account,     // name, plan, credit_limit, currency [amount] [buckets] [identities: with its
                      // first subscriber]; flag: the base plan runs since starts_at, and its
                      // running period is paid for (migration); exists: unchanged
  create_subscriber,  // account (by name) + identities
  create_bucket,  // kind, unit, amount, priority, step, starts_at, ends_at; a kind held: unchanged;
                  // own: kind 0 is a wallet of the subscriber's own
  delete_subscriber,
  change_identity,  // identities[0] -> identities[1] (SIM swap, number change); one alone: gone
  credit,           // top-up: amount into wallet (currency) or bucket kind
  adjust,           // signed correction with a reason
  set_wallet,       // import --set-balance: the free credit becomes `amount`
  set_status,
  set_plan,     // the base plan: the former one's product ends, the new one's starts
  buy_product,  // plan, [starts_at], [ends_at]; flag: its running period is paid for (migration),
                // and one held since the same starts_at: unchanged; cursor = unless_held: any held
                // one of the plan: unchanged
  end_product,  // plan, [cursor = number, else the latest]: at once, or (flag) with its running
                // period
  set_credit_limit,
  set_counter,    // bucket_kind = the counter's interned name, amount: where it stands from now on;
                  // by an identity: of one that each subscriber has
  set_validity,   // ends_at: the account is valid until then, 0 = for ever
  show_account,   // read: from `cursor`
  list_sessions,  // read: of an account, from `cursor`
  reauthorize,    // session by id, optional rating group
  abort_session,  // by an ASR, where the gateway takes one (reply.id 0); else at once, here alone:
                  // its reservations return (reply.id none)
  trace,          // set or clear the trace mark of an account (not journaled)
  transfer_out,   // money to an account of another Shard (or of this one)
  transfer_in,
  transfer_close,
  transfer_forget,  // the receiver drops its mark: the sender has closed
  list_mail,        // read: what is in transit (recovery drives it again)
  switch_plan,      // plan_version
  intern,           // Shard 0: a name of the catalogue; flag: only look for it; cursor = an id: a
                    // newer name of that one (exists: the name has another id)
  recovered,        // first Command after a start: deadlines move (house.md "Time")
  host_restarted,   // origin_host, origin_state_id: older sessions end, paced
  shard_totals,     // read: sums over the Shard, for status and the auditor
  set_segment,  // name: the account is in the segment, or (flag) no more
  set_friend,   // name: the number is on the account's list, or (flag) no more
  lend,         // the base plan's loan
  plan_use,         // read: open sessions by the plan version of their grants, from `cursor`
  show_session,     // read: session by id
};

enum class OperatorResult : std::uint8_t {
  none = 0,
  ok,
  unchanged,  // it was so already, or the same request key did it before
  not_found,
  exists,        // the identity or name belongs to another
  invalid,       // a value is out of bounds
  insufficient,  // not enough free credit
  full,          // a pool is full: raise the capacity
  key_reused,    // the request key was used for something else
  busy,
  held,  // the product is held already, and its plan says `again: refuse`; or a loan is owed
  not_offered,  // the plan does not offer it, or not to who has so much
};

struct OperatorIdentity {
  rating::IdentityType type{};
  std::uint8_t size = 0;
  char text[limits::identity_bytes_max + 1] = {};
  std::string_view view() const { return {text, size}; }
};

// A bucket that a new account begins with.
struct OperatorBucket {
  std::int64_t amount = 0;  // micros or units
  std::uint32_t step = 1, starts_at = 0, ends_at = 0;
  std::uint16_t kind = 0, currency = 0;
  std::int16_t priority = 0;
  rating::Unit unit = rating::Unit::money;
  bool own = false;  // of the account's first subscriber, not of the account
};

// Keys of what plans' conditions compare (rating/facts.hpp): a segment's name, never 0; a number of
// 1 to 15 digits, 0: it is none; and its digits again, at most 15.
std::uint32_t segment_key(std::string_view name);
std::uint64_t number_key(std::string_view digits);
std::size_t number_digits(std::uint64_t key, char* into);

// Lies in a Frame's rx. Fixed size; strings are zero-terminated.
struct OperatorRequest {
  static constexpr std::size_t buckets_max = 8;
  static constexpr std::uint32_t unless_held = 1;

  OperatorKind kind = OperatorKind::none;
  std::uint8_t identity_count = 0;
  std::uint8_t bucket_count = 0;
  AccountStatus status = AccountStatus::active;
  rating::Unit unit = rating::Unit::money;
  NameKind name_kind = NameKind::none;
  bool flag = false;  // trace on, has rating group
  bool own = false;   // credit, adjust, create_bucket: a bucket of the subscriber of the account
                     // that has the last of `identities`, not the account's
  std::uint8_t from_shard = 0, to_shard = 0;
  Slot subscriber = none;  // by the directory, identities[0] says who; or
  Slot account = none;     // the account itself, account_name says which
  std::uint16_t plan = 0, bucket_kind = 0, currency = 0, plan_version = 0;
  std::int16_t priority = 0;
  std::uint32_t step = 1, starts_at = 0, ends_at = 0;
  std::uint32_t rating_group = 0, origin_state_id = 0, cursor = 0;
  std::int64_t amount = 0;  // micros or units
  std::int64_t credit_limit = 0;
  std::uint64_t digest = 0, mail_sequence = 0;
  Time now{};  // stamped by the Shard loop
  char account_name[24] = {};
  char to_account[24] = {};
  char name[64] = {};         // catalogue name, origin_host
  char request_key[64] = {};  // empty: none
  char who[32] = {};
  char why[96] = {};
  std::array<OperatorIdentity, 4> identities{};
  std::array<OperatorBucket, buckets_max> buckets{};
  char session_id[limits::session_id_bytes_max + 1] = {};   // of what is done with one session
  char host[limits::diameter_identity_bytes_max + 1] = {};  // host_restarted

  // What it says of one bucket. Kind 0: the wallet.
  OperatorBucket bucket() const {
    return {amount, step, starts_at, ends_at, bucket_kind, currency, priority, unit, own};
  }

  // How much of it its kind reads, from the front: what is carried to the Shard. An import carries
  // millions, and half of the bytes are texts that three kinds have.
  std::size_t bytes() const;
};

inline std::size_t OperatorRequest::bytes() const {
  switch (kind) {
    case OperatorKind::reauthorize:
    case OperatorKind::abort_session:
    case OperatorKind::show_session:
    case OperatorKind::host_restarted:
      return sizeof *this;
    default:
      break;
  }
  if (bucket_count != 0) return offsetof(OperatorRequest, session_id);
  return offsetof(OperatorRequest, identities) + identity_count * sizeof identities[0];
}

// The answer to one of our pushes, or its timeout (result_code 0).
struct PushAnswer {
  Time now{};
  Slot session = none;
  std::uint32_t check = 0;
  std::uint16_t number = 0;
  std::uint32_t result_code = 0;
  bool retry = false;  // the dialect says that this result is worth another try
};

// Lies at the start of a Frame's tx; `payload_bytes` of payload follow (as each kind says).
struct OperatorReply {
  OperatorResult result = OperatorResult::none;
  std::uint8_t unused[3] = {};
  Slot subscriber = none;
  Slot account = none;
  std::uint32_t payload_items = 0;
  std::uint32_t payload_bytes = 0;
  std::uint32_t id = 0;  // interned id, cursor to go on from (none = end), mail slot
  std::uint64_t mail_sequence = 0;
  Mail mail{};  // transfer_out: what to carry
};

// Payload of show_account: this, then Account, Subscriber[], OperatorIdentity[] (those of every
// subscriber that are no digits), Bucket[], Product[], CounterShown[]. The counts are of this page;
// reply.id is the cursor of the next one, none at the end. Products and counters stand on the
// first.
struct ShowHeader {
  std::uint32_t subscriber_count = 0;
  std::uint32_t identity_count = 0;  // other than IMSI and E.164
  std::uint32_t bucket_count = 0;
  std::uint32_t session_count = 0;  // open ones of the account
  std::uint32_t product_count = 0;
  std::uint32_t counter_count = 0;
  std::uint32_t friend_count = 0;
  std::uint32_t unused = 0;
  std::array<std::uint64_t, limits::friends_per_account_max> friends{};  // rating's number_key()
};

// A counter with its rule as it stands now.
struct CounterShown {
  rating::Counter counter{};
  std::int64_t value = 0;     // units or micros; of a bucket kind, what of it is used
  std::int64_t credited = 0;  // of a bucket kind
  std::int64_t limit = 0;     // 0 = none
  std::uint64_t imsi =
      0;  // packed: of the subscriber whose it is, else its E.164; 0 = of the account
  bool declared = false;  // by a product that the account holds
  bool of_bucket = false;
  std::uint8_t unused[6] = {};
};

// Payload of shard_totals.
struct Totals {
  std::uint64_t accounts = 0, subscribers = 0, sessions_open = 0, sessions_kept = 0;
  std::int64_t credits = 0, spent = 0, written_off = 0, reserved = 0, free = 0, in_transit = 0;
  std::uint64_t sequence = 0;
  std::uint64_t buckets = 0, groups = 0, verdicts = 0;
  std::uint64_t law_violations =
      0;  // buckets for which the law, or reserved = sum of groups, fails
};

// Payload of plan_use: what stands on each plan version, in no order. The first item, of version 0,
// is of all that are not in force: a session with groups of several versions counts in each, and
// there once. Sums over all pages. reply.id is the cursor of the next page, none at the end.
struct VersionUse {
  std::uint16_t version = 0;
  std::uint16_t unused[3] = {};
  std::uint64_t sessions = 0;  // open ones with a group whose last grant is of the version
  std::uint64_t groups = 0;    // such groups
};

// Payload item of list_sessions: this, then GroupRow[group_count]. reply.id is the cursor of the
// next page, none at the end. show_session: its Account, then one such item.
struct SessionRow {
  Slot session = none;
  std::uint32_t group_count = 0;
  Session state{};
  char id_tail[152] = {};
  std::uint16_t id_tail_bytes = 0;
  std::uint16_t unused[3] = {};
};

// One group, and what each of its reservations is made of.
struct GroupRow {
  rating::Group group{};
  struct Purse {
    std::uint16_t kind = 0;  // bucket kind, 0 = a wallet
    std::uint16_t currency = 0;
    rating::Unit unit{};
    std::uint8_t unused[3] = {};
  };
  std::array<Purse, limits::reservations_per_group_max> purses{};
};

}  // namespace levy::shard
