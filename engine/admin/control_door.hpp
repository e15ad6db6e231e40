// ControlDoor: how the admin API reaches the Shards. Implemented by engine/pipeline's control loop;
// tests implement it over bare Shards.
// Core: control and admin threads. Allocates: yes. Blocks: call() waits for durability. Clock:
// none.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/directory.hpp"
#include "engine/shard/command.hpp"

namespace levy::admin {

struct CallResult {
  shard::OperatorReply reply{};
  std::vector<std::uint8_t> payload;  // reply.payload_bytes bytes
};

// From `from` on (unix seconds; of the first one, before it, too) local time is UTC + `seconds`.
struct ZoneChange {
  std::uint32_t from = 0;
  std::int32_t seconds = 0;
};
// A plan name with its interned id and currency, of the current version.
struct PlanInfo {
  std::string name;
  std::uint16_t id = 0;
  std::uint16_t currency = 0;
  std::int64_t credit_limit = 0;
  bool addon = false;
  bool has_terms = false;     // whoever holds it has a Product of it
  bool at_first_use = false;  // starts with its first use
  struct Counter {
    std::string name;
    std::uint16_t id = 0;
    rating::Unit unit{};
    bool of_bucket = false;
  };
  std::vector<Counter> counters{};
  std::vector<std::string> segments{};  // that conditions of the catalogue name
  bool lends = false;                   // it has a loan
  struct Sponsor {
    std::string account;
    std::int64_t slice = 0;  // micros
  };
  std::vector<Sponsor> sponsors{};                        // accounts that pay for services of it
  std::shared_ptr<const std::vector<ZoneChange>> zone{};  // its time zone; null = UTC
  std::span<const ZoneChange> changes() const {
    return zone != nullptr ? std::span<const ZoneChange>(*zone) : std::span<const ZoneChange>{};
  }
};
// A version of the plans that is kept, or that a session's last grant still names.
struct PlanVersionInfo {
  std::uint16_t version = 0;
  std::string source;  // hash of its canonical source, 16 hex digits
  bool in_force = false;
  bool kept = true;  // false: what was granted under it is rated by the newest
};
struct BucketKindInfo {
  std::string name;
  std::uint16_t id = 0;
  rating::Unit unit{};
  std::uint16_t currency = 0;
  std::int16_t priority = 0;
  std::uint32_t step = 1;
  std::uint32_t lifetime = 0;  // seconds, 0 = none
};

// One request on its way to a Shard and back. It stays where it is, with whoever made it, until
// on_done() runs: nothing of it is copied but into the frame, and nothing is allocated for it.
class Errand {
 public:
  // Control thread: its Record is durable, or (busy) the daemon is stopping. May end the Errand.
  virtual void on_done(const shard::OperatorReply& reply, std::span<const std::uint8_t> payload,
                       Lsn lsn) = 0;

  // Control thread, a batch earlier: what on_done() will touch may be fetched.
  virtual void before_done() {}

  ShardId shard{};
  shard::OperatorRequest request;

 protected:
  ~Errand() = default;
};

class ControlDoor {
 public:
  virtual ~ControlDoor() = default;

  // Thread-safe. Runs one request on a Shard and returns when its Record is durable (a read: when
  // what it saw is durable). Throws nothing; a daemon that is stopping answers `busy`.
  virtual CallResult call(ShardId shard, const shard::OperatorRequest& request) = 0;
  // Thread-safe and pipelined: `done` runs on the control thread, in any order. Returns false when
  // too many are under way: wait and try again.
  virtual bool submit(ShardId shard, const shard::OperatorRequest& request,
                      std::function<void(const shard::OperatorReply&)> done) = 0;
  // The same for many: takes the first of them, as many as there is room for, and says how many.
  virtual std::size_t submit_batch(std::span<Errand* const> errands) {
    std::size_t taken = 0;
    for (Errand* errand : errands) {
      const auto done = [errand](const shard::OperatorReply& r) { errand->on_done(r, {}, Lsn{}); };
      if (!submit(errand->shard, errand->request, done)) break;
      ++taken;
    }
    return taken;
  }

  // Thread-safe: identity or account name -> place. Account names lead to account slots, all other
  // identities to subscriber slots.
  virtual std::optional<Directory::Found> find(rating::IdentityType type,
                                               std::string_view text) = 0;
  // A hint: it will be looked for soon, in a table far larger than the cache.
  virtual void expect(rating::IdentityType, std::string_view) {}
  // Control thread only (inside `done`) or through call(): publish after durability. false: another
  // place has it already (find() says which), or the directory is full.
  virtual bool publish(rating::IdentityType type, std::string_view text, ShardId shard,
                       Slot slot) = 0;
  virtual void withdraw(rating::IdentityType type, std::string_view text) = 0;

  virtual std::uint32_t shard_count() const = 0;
  virtual std::vector<PlanInfo> plans() = 0;
  virtual std::vector<BucketKindInfo> bucket_kinds() = 0;
  virtual std::string name_of(std::uint16_t interned_id) = 0;  // plan, service, bucket kind
  // Another number than before: an id has got another name.
  virtual std::uint64_t names_edition() { return 0; }
  // JSON text of the daemon's own status: version, uptime, connections, peers, watermark, versions.
  virtual std::string status_json() = 0;
  virtual std::string metrics_text() = 0;  // Prometheus exposition format
  virtual bool ready() = 0;                // recovered, plans loaded, listening
  // Starts a trace of an account's messages, or ends it (no `on_item`); items come to `on_item`
  // until it returns false. `subscribers`: its own, for the requests that no Shard gets to see.
  struct TraceItem {
    Time at{};
    bool from_gateway = false;
    std::vector<std::uint8_t> message;
    std::string peer;
  };
  virtual bool trace(std::vector<Directory::Found> subscribers,
                     std::function<bool(const TraceItem&)> on_item) = 0;
  virtual std::vector<PlanVersionInfo> plan_versions() { return {}; }  // those that are kept
  // Re-reads the plan files; empty string or the text of all faults. A plan with faults changes
  // nothing. Who asks and why goes into the log.
  virtual std::string reload(std::string_view who, std::string_view why) = 0;
};

}  // namespace levy::admin
