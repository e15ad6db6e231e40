// Every fixed ceiling of Levy in one place, each with its unit and its reason.
// Core: any. Allocates: never. Blocks: never. Clock: none.
//
// A request or a file beyond a limit is a stated error, never truncated. Sizes that an operator
// may choose are options (config/options.hpp); these are the ones that shapes and formats rest on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace levy::limits {

// ---- messages ------------------------------------------------------------------------------
// Longest Diameter message taken, bytes: 16 MSCC with everything TS 32.299 allows are below 6 KiB.
inline constexpr std::size_t message_bytes_max = 16 * 1024;
// Longest answer or push that Levy writes, bytes (16 MSCC, each with triggers and filters of the
// final units, and 32 Proxy-Info fit).
inline constexpr std::size_t answer_bytes_max = 13 * 1024;
// Deepest nesting of grouped AVPs followed; 3GPP needs 5.
inline constexpr int avp_depth_max = 8;
// AVPs in one message, all levels together: a bound on the work of one message.
inline constexpr int avps_per_message_max = 512;
// Multiple-Services-Credit-Control groups in one request.
inline constexpr std::size_t mscc_max = 16;
// Service-Identifiers in one MSCC (they are part of the group's key).
inline constexpr std::size_t service_identifiers_max = 4;
// Subscription-Ids in one request: one per Subscription-Id-Type.
inline constexpr std::size_t identities_max = 8;
// Session-Id length in bytes; Huawei cuts at 127, 3GPP forms stay below 200.
inline constexpr std::size_t session_id_bytes_max = 255;
// Origin-Host, Origin-Realm and other DiameterIdentity values: the DNS bound.
inline constexpr std::size_t diameter_identity_bytes_max = 255;
// One Subscription-Id-Data: a SIP URI or NAI.
inline constexpr std::size_t identity_bytes_max = 127;
// Proxy-Info groups echoed.
inline constexpr std::size_t proxy_info_max = 32;

// ---- shards and accounts -------------------------------------------------------------------
// Shards of one data directory; fixed when it is made, so that cores can be added later.
inline constexpr std::size_t shards_max = 64;
// Account name, bytes (operators' own key for the balance owner).
inline constexpr std::size_t account_name_bytes_max = 23;
// Identities of one subscriber beside its IMSI and E.164: bounds the Record of its deletion.
inline constexpr std::size_t other_identities_max = 16;
// Buckets of one account: bounds the scan of one charge.
inline constexpr std::size_t buckets_per_account_max = 64;
// Products of one account, its base plan included: bounds what one touch settles.
inline constexpr std::size_t products_per_account_max = 32;
// Buckets that one grant may reserve from; a grant that would need more ends there.
inline constexpr std::size_t reservations_per_group_max = 4;
// Sponsors that one plan names, and wallets of sponsors that one charge may move.
inline constexpr std::size_t sponsors_per_plan_max = 8;
inline constexpr std::size_t bonuses_per_plan_max = 8;
inline constexpr std::size_t exchange_rates_max = 16;
inline constexpr std::size_t segments_per_account_max = 2;
inline constexpr std::size_t friends_per_account_max = 19;  // what one Text holds
inline constexpr std::size_t sponsor_wallets_max = 32;
inline constexpr std::size_t view_buckets_max = buckets_per_account_max + sponsor_wallets_max;
// Rating groups (MSCC keys) live in one session.
inline constexpr std::size_t groups_per_session_max = 32;
// Verdicts kept per open session for repeats (semantics.md "Sessions").
inline constexpr std::size_t verdicts_per_session_max = 8;
// Messages one Outcome may push.
inline constexpr std::size_t pushes_max = 4;
// Movements one Outcome may hold: every MSCC debits, releases and reserves a few buckets,
// and products expire, roll over and grant theirs.
inline constexpr std::size_t movements_max = 512;
// New buckets that one Record's settlement of products may make; what is due beyond that waits for
// the next one.
inline constexpr std::size_t grants_per_settlement_max = 48;
// Largest grant and largest used amount of one report, in units: 2^48 octets = 281 TB.
inline constexpr std::int64_t units_max = (std::int64_t{1} << 48) - 1;
// Largest balance in micros: 9.0 * 10^11 currency units, so that sums stay far from overflow.
inline constexpr std::int64_t balance_micros_max = 900'000'000'000'000'000;

// ---- plans ---------------------------------------------------------------------------------
inline constexpr std::size_t plan_versions_max = 16;
inline constexpr std::size_t plans_max = 4096;
inline constexpr std::size_t services_per_plan_max = 256;
// Tiers of one price, the first included.
inline constexpr std::size_t tiers_per_price_max = 8;
// Rates of one service beside its own price, conditions of one rate, named periods of one plan.
inline constexpr std::size_t rates_per_service_max = 64;
inline constexpr std::size_t conditions_per_rate_max = 12;
inline constexpr std::size_t times_per_plan_max = 64;
// Different recurrences of one plan's fees and allowances: each has its due date in the Product.
inline constexpr std::size_t cycles_per_plan_max = 4;
inline constexpr std::size_t fees_per_plan_max = 16;
inline constexpr std::size_t allowances_per_plan_max = 16;
// Hours, days, weeks, months or years of one period, "30 days": Product::Due counts them in a byte.
inline constexpr std::int64_t period_count_max = 255;
// Periods that what is left of an allowance is carried on: Bucket::rolled counts them in a byte.
inline constexpr std::int64_t rollover_periods_max = 250;
// Counters that one plan declares, levels of one, and counters that one account has.
inline constexpr std::size_t counters_per_plan_max = 16;
inline constexpr std::size_t levels_per_counter_max = 8;
inline constexpr std::size_t counters_per_account_max = 32;
// Counters with a limit that one grant may hold part of.
inline constexpr std::size_t counter_holds_per_group_max = 3;
// Kinds of bucket that one plan restricts or weighs.
inline constexpr std::size_t bucket_rules_per_plan_max = 256;
// Longest Validity-Time sent, seconds: 30 days, the longest that any gateway is known to take.
inline constexpr std::uint32_t validity_seconds_max = 30 * 86400;
inline constexpr std::size_t name_bytes_max = 63;  // plans, services, bucket kinds, peers

// ---- journal -------------------------------------------------------------------------------
// Every write starts on its own block of this size and is a multiple of it: no block is rewritten.
inline constexpr std::size_t journal_block_bytes = 4096;
// Longest Record, bytes: an initial of 16 MSCC that supersedes 32 groups, settles every product,
// moves every bucket of the account and gives up tombstones (engine/shard/tombstones.cpp has the
// sum).
inline constexpr std::size_t record_bytes_max = 63 * 1024;
// Longest single write, bytes.
inline constexpr std::size_t journal_write_bytes_max = 256 * 1024;
// Writes in flight at once.
inline constexpr std::size_t journal_writes_in_flight_max = 8;

}  // namespace levy::limits
