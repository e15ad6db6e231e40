// Every counter and gauge of Levy: name, unit, owner and meaning in one table, and the block of
// cells that one thread writes.
// Core: any (one writer per block, readers anywhere). Allocates: never. Blocks: never. Clock: none.
//
// A CounterBlock has exactly one writing thread, so add() is a plain load and store and costs no
// bus lock; readers see each cell whole, and cells only approximately at the same instant. A
// counter never falls within a process life. The sum over all blocks is what is shown.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace levy::metrics {

enum class Kind : std::uint8_t { counter, gauge };
// How the cells of several blocks become one number.
enum class Combine : std::uint8_t { sum, max };
enum class Owner : std::uint8_t { edge, shard, journal, control, feed, admin };

// X(id, family, label name, label value, kind, combine, unit, owner, help). The exposed name is
// "levy_" + family; rows of one family stand together, and share kind and help.
#define LEVY_COUNTERS(X)                                                                           \
  X(messages_received, "messages_received_total", "", "", counter, sum, "messages", edge,          \
    "Diameter messages received")                                                                  \
  X(messages_sent, "messages_sent_total", "", "", counter, sum, "messages", edge,                  \
    "Diameter messages sent")                                                                      \
  X(ccr_initial, "ccr_total", "type", "initial", counter, sum, "requests", shard,                  \
    "Credit-Control-Requests by CC-Request-Type")                                                  \
  X(ccr_update, "ccr_total", "type", "update", counter, sum, "requests", shard,                    \
    "Credit-Control-Requests by CC-Request-Type")                                                  \
  X(ccr_termination, "ccr_total", "type", "termination", counter, sum, "requests", shard,          \
    "Credit-Control-Requests by CC-Request-Type")                                                  \
  X(ccr_event, "ccr_total", "type", "event", counter, sum, "requests", shard,                      \
    "Credit-Control-Requests by CC-Request-Type")                                                  \
  LEVY_COUNTERS_ANSWERS(X)                                                                         \
  LEVY_COUNTERS_SHARD(X)                                                                           \
  LEVY_COUNTERS_PRODUCTS(X)                                                                        \
  LEVY_COUNTERS_EDGE(X)                                                                            \
  LEVY_COUNTERS_JOURNAL(X)                                                                         \
  LEVY_COUNTERS_POOLS(X)                                                                           \
  LEVY_COUNTERS_LOOPS(X)                                                                           \
  LEVY_COUNTERS_HTTP(X)

#define LEVY_ANSWER(X, id, code)                                             \
  X(id, "answers_total", "result_code", code, counter, sum, "answers", shard, \
    "Answers by Result-Code of the command")

#define LEVY_COUNTERS_ANSWERS(X)               \
  LEVY_ANSWER(X, answers_2001, "2001")         \
  LEVY_ANSWER(X, answers_3004, "3004")         \
  LEVY_ANSWER(X, answers_4010, "4010")         \
  LEVY_ANSWER(X, answers_4012, "4012")         \
  LEVY_ANSWER(X, answers_5002, "5002")         \
  LEVY_ANSWER(X, answers_5003, "5003")         \
  LEVY_ANSWER(X, answers_5005, "5005")         \
  LEVY_ANSWER(X, answers_decode, "5xxx")       \
  LEVY_ANSWER(X, answers_5012, "5012")         \
  LEVY_ANSWER(X, answers_5030, "5030")         \
  LEVY_ANSWER(X, answers_5031, "5031")         \
  LEVY_ANSWER(X, answers_other, "other")

#define LEVY_PRODUCT(X, id, event)                                                \
  X(id, "products_total", "event", event, counter, sum, "products", shard,        \
    "Products of accounts by what became of them; of renewals, each period counts")

// In the order of shard::ProductEvent: products_bought + (event - 1) is the cell of `event`.
#define LEVY_COUNTERS_PRODUCTS(X)                                                                  \
  LEVY_PRODUCT(X, products_bought, "bought")                                                       \
  LEVY_PRODUCT(X, products_started, "started")                                                     \
  LEVY_PRODUCT(X, products_renewed, "renewed")                                                     \
  LEVY_PRODUCT(X, products_suspended, "suspended")                                                 \
  LEVY_PRODUCT(X, products_resumed, "resumed")                                                     \
  LEVY_PRODUCT(X, products_ended, "ended")                                                         \
  LEVY_PRODUCT(X, products_refused, "refused")                                                     \
  X(product_fees, "product_fees_micros_total", "", "", counter, sum, "micros", shard,              \
    "Fees of products charged, in 10^-6 currency units, all currencies")                           \
  X(counter_levels, "counter_levels_total", "", "", counter, sum, "changes", shard,                \
    "Changes of the level of a counter, up and down")

#define LEVY_COUNTERS_SHARD(X)                                                                     \
  X(duplicates, "duplicates_total", "", "", counter, sum, "requests", shard,                       \
    "Requests answered again from their stored verdict")                                           \
  X(duplicates_different, "duplicates_different_total", "", "", counter, sum, "requests", shard,   \
    "Duplicates whose used or requested units differ from the first")                              \
  X(sessions_opened, "sessions_opened_total", "", "", counter, sum, "sessions", shard,             \
    "Sessions opened")                                                                             \
  X(sessions_closed, "sessions_closed_total", "", "", counter, sum, "sessions", shard,             \
    "Sessions ended by their gateway")                                                             \
  X(sessions_lost, "sessions_lost_total", "", "", counter, sum, "sessions", shard,                 \
    "Sessions ended by Tcc or by a restart of their gateway")                                      \
  X(sessions_superseded, "sessions_superseded_total", "", "", counter, sum, "sessions", shard,     \
    "Sessions replaced by a newer one of the same bearer")                                         \
  X(tombstones_given_up, "tombstones_given_up_total", "", "", counter, sum, "sessions", shard,     \
    "Ended sessions forgotten before their time to make room for new requests")                    \
  X(late_usage, "late_usage_total", "", "", counter, sum, "reports", shard,                        \
    "Usage reported for a session that was already lost, charged once")                            \
  X(disputes, "dispute_total", "", "", counter, sum, "reports", shard,                             \
    "Reports for sessions unknown or charged at their loss that were kept and not charged")        \
  X(identity_conflicts, "identity_conflict_total", "", "", counter, sum, "requests", shard,        \
    "Requests whose identities belong to different subscribers")                                   \
  X(unknown_users, "unknown_user_total", "", "", counter, sum, "requests", shard,                  \
    "Requests with no known identity")                                                             \
  X(not_mine, "not_mine_total", "", "", counter, sum, "requests", shard,                           \
    "Requests handed back because the session is on another Shard")                                \
  X(overrun, "overrun_micros_total", "", "", counter, sum, "micros", shard,                        \
    "Money due for usage beyond the granted credit, in 10^-6 currency units, all currencies")      \
  X(charged, "charged_micros_total", "", "", counter, sum, "micros", shard,                        \
    "Money charged, in 10^-6 currency units, all currencies")                                      \
  X(unrated_units, "unrated_units_total", "", "", counter, sum, "units", shard,                    \
    "Used units that no bucket and no price covered")                                              \
  X(event_times_distrusted, "event_time_distrusted_total", "", "", counter, sum, "requests", shard,\
    "Requests whose Event-Timestamp was too far off to choose a rate by")                          \
  X(plan_versions_gone, "plan_version_gone_total", "", "", counter, sum, "requests", shard,        \
    "Reports of grants whose plan version is kept no more, rated by the newest")                   \
  X(records, "records_total", "", "", counter, sum, "records", shard,                              \
    "Records handed to the journal")                                                               \
  X(record_bytes, "record_bytes_total", "", "", counter, sum, "bytes", shard,                      \
    "Bytes of the Records handed to the journal")

#define LEVY_SHED(X, id, type)                                          \
  X(id, "shed_total", "type", type, counter, sum, "requests", edge,     \
    "Requests refused under overload and when stopping, by CC-Request-Type")
#define LEVY_PUSH(X, id, event)                                         \
  X(id, "pushes_total", "event", event, counter, sum, "pushes", edge,   \
    "Server-initiated requests (RAR) by what became of them")

#define LEVY_REFUSED(X, id, reason)                                                       \
  X(id, "connections_refused_total", "reason", reason, counter, sum, "connections", edge, \
    "Inbound connections closed at once: the maximum is reached, or accepting failed")

#define LEVY_COUNTERS_EDGE(X)                                                                      \
  LEVY_SHED(X, shed_initial, "initial")                                                            \
  LEVY_SHED(X, shed_update, "update")                                                              \
  LEVY_SHED(X, shed_termination, "termination")                                                    \
  LEVY_PUSH(X, pushes_sent, "sent")                                                                \
  LEVY_PUSH(X, pushes_acked, "acked")                                                              \
  LEVY_PUSH(X, pushes_timeout, "timeout")                                                          \
  LEVY_PUSH(X, pushes_failed, "failed")                                                            \
  X(deadline_dropped, "deadline_dropped_total", "", "", counter, sum, "requests", edge,            \
    "Requests dropped because their answer would come too late")                                   \
  X(slow_readers, "slow_reader_total", "", "", counter, sum, "connections", edge,                  \
    "Connections closed because the peer did not read its answers")                                \
  X(bad_bytes, "bad_bytes_total", "", "", counter, sum, "connections", edge,                       \
    "Connections closed because no message could be cut from their bytes")                         \
  X(watchdog_failures, "watchdog_failures_total", "", "", counter, sum, "connections", edge,       \
    "Connections closed because the peer answered no watchdog")                                    \
  LEVY_REFUSED(X, refused_full, "full")                                                            \
  LEVY_REFUSED(X, refused_failed, "failed")                                                        \
  X(unknown_peers, "unknown_peer_total", "", "", counter, sum, "connections", edge,                \
    "Capabilities exchanges refused because the peer is not known")                                \
  X(peers_up, "peers_up", "", "", gauge, sum, "peers", edge, "Peers in state open")                \
  X(connections, "connections", "", "", gauge, sum, "connections", edge, "Connections open")       \
  X(frames_free, "frames_free", "", "", gauge, sum, "frames", edge, "Frame slots not lent")        \
  X(parked, "frames_parked", "", "", gauge, sum, "frames", edge,                                   \
    "Frames that wait for room in a Shard's ring")

#define LEVY_COUNTERS_JOURNAL(X)                                                                   \
  X(journal_writes, "journal_writes_total", "", "", counter, sum, "writes", journal,               \
    "Writes submitted to the journal's files")                                                     \
  X(journal_bytes, "journal_bytes_total", "", "", counter, sum, "bytes", journal,                  \
    "Bytes of the journal's blocks: what `data.snapshot.after` counts")                            \
  X(journal_stalls, "journal_stall_total", "", "", counter, sum, "stalls", journal,                \
    "Times that the journal could take no Record")                                                 \
  X(journal_in_flight, "journal_in_flight", "", "", gauge, sum, "writes", journal,                 \
    "Journal writes under way")                                                                    \
  X(durable_lsn, "durable_lsn", "", "", gauge, max, "lsn", journal, "Highest durable LSN")         \
  X(proven_lsn, "proven_lsn", "", "", gauge, max, "lsn", journal,                                  \
    "Highest LSN on disk; below levy_durable_lsn only while `data.durability` is relaxed")         \
  X(appended_lsn, "appended_lsn", "", "", gauge, max, "lsn", journal, "Highest LSN given out")     \
  X(segments_ready, "segments_ready", "", "", gauge, sum, "segments", control,                     \
    "Journal segments written in advance")                                                         \
  X(snapshots, "snapshots_total", "", "", counter, sum, "snapshots", control,                      \
    "Snapshots completed")                                                                         \
  X(snapshot_age, "snapshot_age_seconds", "", "", gauge, max, "seconds", control,                  \
    "Age of the latest complete snapshot")                                                         \
  X(records_written, "charging_records_total", "", "", counter, sum, "records", feed,              \
    "Charging records written to files since the start")                                           \
  X(records_lsn, "charging_records_lsn", "", "", gauge, max, "lsn", feed,                          \
    "LSN up to which the journal has been looked at for charging records")                         \
  X(records_backlog, "charging_records_backlog_bytes", "", "", gauge, sum, "bytes", feed,          \
    "Journal that waits for the charging records: `records.backlog_max` is the bound")             \
  X(records_failing, "charging_records_failing", "", "", gauge, max, "flag", feed,                 \
    "1 while charging records cannot be written")                                                  \
  X(records_stop_sessions, "charging_records_stop_sessions", "", "", gauge, max, "flag", feed,     \
    "1 while new sessions are refused because the backlog is full")

#define LEVY_POOL_USED(X, id, pool)                                      \
  X(id, "pool_used", "pool", pool, gauge, sum, "slots", shard,           \
    "Slots in use of each pool, all Shards together")
#define LEVY_POOL_CAPACITY(X, id, pool)                                  \
  X(id, "pool_capacity", "pool", pool, gauge, sum, "slots", shard,       \
    "Slots of each pool, all Shards together")

// In the order of shard::PoolId: pool_used_account + (id - 1) is the cell of pool `id`.
#define LEVY_COUNTERS_POOLS(X)                                    \
  LEVY_POOL_USED(X, pool_used_account, "account")                 \
  LEVY_POOL_USED(X, pool_used_bucket, "bucket")                   \
  LEVY_POOL_USED(X, pool_used_subscriber, "subscriber")           \
  LEVY_POOL_USED(X, pool_used_session, "session")                 \
  LEVY_POOL_USED(X, pool_used_group, "group")                     \
  LEVY_POOL_USED(X, pool_used_verdict, "verdict")                 \
  LEVY_POOL_USED(X, pool_used_text, "text")                       \
  LEVY_POOL_USED(X, pool_used_host, "host")                       \
  LEVY_POOL_USED(X, pool_used_mail, "mail")                       \
  LEVY_POOL_USED(X, pool_used_request_key, "request_key")         \
  LEVY_POOL_USED(X, pool_used_name, "name")                       \
  LEVY_POOL_USED(X, pool_used_product, "product")                 \
  LEVY_POOL_USED(X, pool_used_counter, "counter")                 \
  LEVY_POOL_CAPACITY(X, pool_capacity_account, "account")         \
  LEVY_POOL_CAPACITY(X, pool_capacity_bucket, "bucket")           \
  LEVY_POOL_CAPACITY(X, pool_capacity_subscriber, "subscriber")   \
  LEVY_POOL_CAPACITY(X, pool_capacity_session, "session")         \
  LEVY_POOL_CAPACITY(X, pool_capacity_group, "group")             \
  LEVY_POOL_CAPACITY(X, pool_capacity_verdict, "verdict")         \
  LEVY_POOL_CAPACITY(X, pool_capacity_text, "text")               \
  LEVY_POOL_CAPACITY(X, pool_capacity_host, "host")               \
  LEVY_POOL_CAPACITY(X, pool_capacity_mail, "mail")               \
  LEVY_POOL_CAPACITY(X, pool_capacity_request_key, "request_key") \
  LEVY_POOL_CAPACITY(X, pool_capacity_name, "name")               \
  LEVY_POOL_CAPACITY(X, pool_capacity_product, "product")         \
  LEVY_POOL_CAPACITY(X, pool_capacity_counter, "counter")

#define LEVY_COUNTERS_LOOPS(X)                                                                     \
  X(turns, "loop_turns_total", "", "", counter, sum, "turns", shard,                               \
    "Turns of the busy-polling Loops, every kind of Loop")                                         \
  X(busy_turns, "loop_busy_turns_total", "", "", counter, sum, "turns", shard,                     \
    "Turns that found work, every kind of Loop")                                                   \
  X(trace_lost, "trace_lost_total", "", "", counter, sum, "messages", control,                     \
    "Traced messages dropped because the reader was slow")                                         \
  X(log_lost, "log_lost_total", "", "", counter, sum, "lines", control,                            \
    "Log lines dropped because the writer was slow")

#define LEVY_HTTP_REFUSED(X, id, reason)                                           \
  X(id, "http_refused_total", "reason", reason, counter, sum, "requests", admin, \
    "HTTP requests refused before anything was done")

#define LEVY_COUNTERS_HTTP(X)                                                \
  LEVY_HTTP_REFUSED(X, http_refused_no_credentials, "no_credentials")        \
  LEVY_HTTP_REFUSED(X, http_refused_bad_credentials, "bad_credentials")      \
  LEVY_HTTP_REFUSED(X, http_refused_forbidden, "forbidden")                  \
  LEVY_HTTP_REFUSED(X, http_refused_who, "wrong_who")                        \
  LEVY_HTTP_REFUSED(X, http_refused_malformed, "malformed")                  \
  LEVY_HTTP_REFUSED(X, http_refused_handshake, "handshake")

enum class Counter : std::uint16_t {
#define LEVY_X(id, family, label, value, kind, combine, unit, owner, help) id,
  LEVY_COUNTERS(LEVY_X)
#undef LEVY_X
};

struct CounterInfo {
  std::string_view family;       // exposed as "levy_" + family
  std::string_view label, value; // empty: the family has one row
  Kind kind{};
  Combine combine{};
  std::string_view unit;
  Owner owner{};                 // whose block it is in; control sums over all blocks in any case
  std::string_view help;
};

inline constexpr CounterInfo counter_table[] = {
#define LEVY_X(id, family, label, value, kind, combine, unit, owner, help) \
  {family, label, value, Kind::kind, Combine::combine, unit, Owner::owner, help},
    LEVY_COUNTERS(LEVY_X)
#undef LEVY_X
};
inline constexpr std::size_t counter_count = sizeof counter_table / sizeof counter_table[0];

constexpr const CounterInfo& info(Counter counter) {
  return counter_table[static_cast<std::size_t>(counter)];
}

// The cells of one writing thread, on cache lines of their own.
class alignas(64) CounterBlock {
 public:
  CounterBlock() = default;
  CounterBlock(const CounterBlock&) = delete;
  CounterBlock& operator=(const CounterBlock&) = delete;

  // The writing thread only.
  void add(Counter counter, std::uint64_t by = 1) {
    std::atomic<std::uint64_t>& c = cell(counter);
    c.store(c.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  void set(Counter gauge, std::uint64_t value) {
    cell(gauge).store(value, std::memory_order_relaxed);
  }

  // Any thread.
  std::uint64_t get(Counter counter) const {
    return cells_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t>& cell(Counter c) { return cells_[static_cast<std::size_t>(c)]; }
  std::array<std::atomic<std::uint64_t>, counter_count> cells_{};
};

}  // namespace levy::metrics
