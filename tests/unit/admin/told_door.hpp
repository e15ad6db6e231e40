// ToldDoor: a ControlDoor that answers what it was told, and remembers what it was asked.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <cstring>
#include <vector>

#include "engine/admin/control_door.hpp"

namespace levy::admin {

class ToldDoor final : public ControlDoor {
 public:
  ToldDoor() {
    account.in_use = 1;
    account.plan = 1;
    std::strcpy(account.name, "a");
    PlanInfo base{"month", 1, 978, 0}, pass{"roaming-pass", 2, 978, 0}, usd{"usd-pass", 3, 840, 0};
    base.has_terms = pass.has_terms = usd.has_terms = true;
    pass.addon = usd.addon = true;
    // As Europe/Berlin in 2026.
    pass.zone = std::make_shared<const std::vector<ZoneChange>>(std::vector<ZoneChange>{
        {1'761'440'400, 3600}, {1'774'746'000, 7200}, {1'792'890'000, 3600}});
    infos = {base, pass, usd, {"plain", 4, 978, 0}};
  }

  CallResult call(ShardId, const shard::OperatorRequest& request) override {
    CallResult result;
    result.reply.result = shard::OperatorResult::ok;
    result.reply.id = none;
    if (request.kind == shard::OperatorKind::show_account) {
      result.payload = account_payload();
      return result;
    }
    asked.push_back(request);
    result.reply.result = answer;
    return result;
  }
  bool submit(ShardId shard, const shard::OperatorRequest& request,
              std::function<void(const shard::OperatorReply&)> done) override {
    done(call(shard, request).reply);
    return true;
  }
  std::optional<Directory::Found> find(rating::IdentityType type, std::string_view text) override {
    if (type != rating::IdentityType::account_name || text != account.name_text())
      return std::nullopt;
    return Directory::Found{ShardId{0}, 0};
  }
  bool publish(rating::IdentityType, std::string_view, ShardId, Slot) override { return true; }
  void withdraw(rating::IdentityType, std::string_view) override {}
  std::uint32_t shard_count() const override { return 1; }
  std::vector<PlanInfo> plans() override { return infos; }
  std::vector<BucketKindInfo> bucket_kinds() override { return {}; }
  std::string name_of(std::uint16_t id) override {
    for (const PlanInfo& info : infos) {
      if (info.id == id) return info.name;
    }
    return id == 9 ? "retired-pass" : "other";
  }
  std::string status_json() override { return "{}"; }
  std::string metrics_text() override { return ""; }
  bool ready() override { return true; }
  bool trace(std::vector<Directory::Found>, std::function<bool(const TraceItem&)>) override {
    return false;
  }
  std::string reload(std::string_view, std::string_view) override { return ""; }

  shard::OperatorResult answer = shard::OperatorResult::ok;
  shard::Account account;
  std::vector<rating::Bucket> buckets;
  std::vector<shard::Product> products;
  std::vector<PlanInfo> infos;
  std::vector<shard::OperatorRequest> asked;  // changes, not reads

 private:
  std::vector<std::uint8_t> account_payload() const {
    shard::ShowHeader header;
    header.bucket_count = static_cast<std::uint32_t>(buckets.size());
    header.product_count = static_cast<std::uint32_t>(products.size());
    std::vector<std::uint8_t> bytes;
    const auto put = [&](const void* part, std::size_t size) {
      const auto* first = static_cast<const std::uint8_t*>(part);
      bytes.insert(bytes.end(), first, first + size);
    };
    put(&header, sizeof header);
    put(&account, sizeof account);
    put(buckets.data(), buckets.size() * sizeof(rating::Bucket));
    put(products.data(), products.size() * sizeof(shard::Product));
    return bytes;
  }
};

}  // namespace levy::admin
