// BareShards: a ControlDoor over Shards without a corridor: each Command is applied at once, or by
// pump() in the order of submission. The directory is the real one.
// Core: test. Allocates: yes. Blocks: never. Clock: a fixed time.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "engine/admin/control_door.hpp"
#include "engine/shard/shard.hpp"

namespace levy::admin {

class BareShards final : public ControlDoor {
 public:
  explicit BareShards(std::uint32_t shards) {
    shard::Capacity capacity;
    for (std::uint32_t i = 0; i < shards; ++i) {
      shards_.push_back(std::make_unique<shard::Shard>(ShardId{static_cast<std::uint8_t>(i)},
                                                       capacity, shard::Options{}, HugePages::off,
                                                       scratch_));
    }
  }

  CallResult call(ShardId shard, const shard::OperatorRequest& request) override {
    shard::OperatorRequest stamped = request;
    stamped.now = Time{1'700'000'000'000'000};
    shards_[shard.value]->apply(stamped, tx_, record_, *outcome_);
    ++records_;
    CallResult result;
    std::memcpy(static_cast<void*>(&result.reply), tx_.data(), sizeof result.reply);
    const std::uint8_t* payload = tx_.data() + sizeof result.reply;
    result.payload.assign(payload, payload + result.reply.payload_bytes);
    return result;
  }
  bool submit(ShardId shard, const shard::OperatorRequest& request,
              std::function<void(const shard::OperatorReply&)> done) override {
    done(call(shard, request).reply);
    return true;
  }
  std::optional<Directory::Found> find(rating::IdentityType type, std::string_view text) override {
    if (blind_) return std::nullopt;
    const auto found = directory_.find(key(type, text));
    if (found.slot == none) return std::nullopt;
    return found;
  }
  bool publish(rating::IdentityType type, std::string_view text, ShardId shard,
               Slot slot) override {
    const auto held = directory_.find(key(type, text));
    if (held.slot != none && (held.shard != shard || held.slot != slot)) return false;
    return directory_.put(key(type, text), shard, slot);
  }
  void withdraw(rating::IdentityType type, std::string_view text) override {
    directory_.erase(key(type, text));
  }
  std::uint32_t shard_count() const override { return static_cast<std::uint32_t>(shards_.size()); }
  std::vector<PlanInfo> plans() override { return {{"p", 1, 978, 0}}; }
  std::vector<BucketKindInfo> bucket_kinds() override {
    return {{"bonus", 9, rating::Unit::octets}, {"minutes", 10, rating::Unit::seconds}};
  }
  std::string name_of(std::uint16_t) override { return "p"; }
  std::string status_json() override { return "{}"; }
  std::string metrics_text() override { return ""; }
  bool ready() override { return true; }
  bool trace(std::vector<Directory::Found>, std::function<bool(const TraceItem&)>) override {
    return false;
  }
  std::string reload(std::string_view, std::string_view) override { return ""; }

  // find() sees nothing: as for an operation that looked before another one published.
  void make_blind(bool blind) { blind_ = blind; }
  // What the directory would say if an entry outlived its subscriber.
  void plant(rating::IdentityType type, std::string_view text, ShardId shard, Slot slot) {
    directory_.put(key(type, text), shard, slot);
  }
  shard::Totals totals() const {
    shard::Totals sum;
    for (const auto& one : shards_) {
      const shard::Totals t = one->totals();
      sum.accounts += t.accounts;
      sum.buckets += t.buckets;
      sum.subscribers += t.subscribers;
      sum.free += t.free;
    }
    return sum;
  }
  std::size_t commands() const { return records_; }

 private:
  static std::uint64_t key(rating::IdentityType type, std::string_view text) {
    return Directory::key(static_cast<std::uint8_t>(type), text);
  }

  shard::Scratch scratch_;
  std::vector<std::unique_ptr<shard::Shard>> shards_;
  Directory directory_{4096, HugePages::off};
  std::array<std::uint8_t, limits::answer_bytes_max> tx_{};
  std::array<std::uint8_t, limits::record_bytes_max> record_{};
  std::unique_ptr<shard::Outcome> outcome_ = std::make_unique<shard::Outcome>();
  std::size_t records_ = 0;
  bool blind_ = false;
};

}  // namespace levy::admin
