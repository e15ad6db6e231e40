// What an operator may do to one account, subscriber or session: each is one Command (transfer:
// mail). Core: admin threads. Allocates: yes. Blocks: waits for durability. Clock: system, for
// lifetimes.
//
// Thread-safe. Operations that make or move identities run one at a time, and not beside an
// import: an identity belongs to one account, and only the order of Commands can keep it so.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string_view>
#include <vector>

#include "engine/admin/request.hpp"

namespace levy::admin {

class Operations {
 public:
  explicit Operations(ControlDoor& door) : door_(door) {}

  // Bodies are JSON objects; `id` as find_target() takes it.
  Answer show(std::string_view id);
  Answer sessions(std::string_view id);
  Answer session(std::string_view id);  // by its Session-Id
  Answer create(const Asked& asked);
  Answer credit(std::string_view id, const Asked& asked);  // top-up
  Answer adjust(std::string_view id, const Asked& asked);
  Answer set_status(std::string_view id, const Asked& asked);
  Answer set_plan(std::string_view id, const Asked& asked);
  // Add-ons: products.cpp.
  Answer buy(std::string_view id, const Asked& asked);
  Answer end(std::string_view id, const Asked& asked);
  Answer set_credit_limit(std::string_view id, const Asked& asked);
  Answer set_counter(std::string_view id, const Asked& asked);
  Answer set_segment(std::string_view id, const Asked& asked);
  Answer set_friend(std::string_view id, const Asked& asked);
  Answer lend(std::string_view id, const Asked& asked);
  Answer set_validity(std::string_view id, const Asked& asked);
  Answer change_identity(std::string_view id, const Asked& asked, rating::IdentityType type,
                         std::string_view key);
  Answer remove(std::string_view id, const Asked& asked);
  Answer transfer(const Asked& asked);
  // Sums of all Shards; `holds` is false when a bucket breaks the law of semantics.md "Money".
  Answer audit();
  // The version in force, and the open sessions on each.
  Answer plan_versions();
  Answer reauthorize(const Asked& asked);
  Answer abort_session(const Asked& asked);
  // Sets or clears the trace mark.
  Answer trace_mark(const Target& target, bool on);
  // Where the subscribers of the account that `target` names lie.
  std::vector<Directory::Found> subscribers_of(const Target& target);

  // Held by whoever makes or moves identities, the import included.
  std::timed_mutex& identity_mutex() { return identity_mutex_; }
  // Others' single operations are over within it, an import is not.
  static constexpr std::chrono::seconds identity_patience{5};

 private:
  // One Command; the account as it is after it.
  Answer change(std::string_view id, const shard::OperatorRequest& request, const Target& target);
  shard::OperatorResult try_change(const shard::OperatorRequest& request, const Target& target);
  Answer changed(shard::OperatorResult result, const Target& target);
  Answer money(std::string_view id, const Asked& asked, shard::OperatorKind kind);
  bool drive_left_mail();
  Answer on_every_shard(const shard::OperatorRequest& request, std::string_view what);

  ControlDoor& door_;
  std::timed_mutex identity_mutex_;
  std::atomic<bool> mail_left_{false};
};

}  // namespace levy::admin
