// Operations::audit: the sums of every Shard, and whether the law of semantics.md "Money" holds.
// Core: admin threads. Allocates: yes. Blocks: waits for durability. Clock: none.
//
// Each Shard is summed in one turn of its own. A bucket's free credit is what the law leaves, so
// what can break is a reservation that no group holds, or a debt outside a main wallet: those are
// counted. Credit on its way between Shards stands at both until the sender's mail is closed: for
// a sum over all Shards, `credits` less `in_transit` is exact when nothing is under way.
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/admin/amount.hpp"
#include "engine/admin/operations.hpp"

namespace levy::admin {

namespace {

using Json = nlohmann::ordered_json;

void add(shard::Totals& sum, const shard::Totals& t) {
  sum.accounts += t.accounts;
  sum.subscribers += t.subscribers;
  sum.sessions_open += t.sessions_open;
  sum.sessions_kept += t.sessions_kept;
  sum.credits += t.credits;
  sum.spent += t.spent;
  sum.written_off += t.written_off;
  sum.reserved += t.reserved;
  sum.free += t.free;
  sum.in_transit += t.in_transit;
  sum.sequence += t.sequence;
  sum.buckets += t.buckets;
  sum.groups += t.groups;
  sum.verdicts += t.verdicts;
  sum.law_violations += t.law_violations;
}

Json totals_json(const shard::Totals& t) {
  Json out;
  out["accounts"] = t.accounts;
  out["subscribers"] = t.subscribers;
  out["buckets"] = t.buckets;
  out["sessions_open"] = t.sessions_open;
  out["sessions_kept"] = t.sessions_kept;
  out["groups"] = t.groups;
  out["verdicts"] = t.verdicts;
  out["records"] = t.sequence;
  out["credits"] = money_text(t.credits);
  out["spent"] = money_text(t.spent);
  out["written_off"] = money_text(t.written_off);
  out["reserved"] = money_text(t.reserved);
  out["free"] = money_text(t.free);
  out["in_transit"] = money_text(t.in_transit);
  return out;
}

}  // namespace

Answer Operations::audit() {
  shard::Totals sum;
  Json faulty = Json::array();
  shard::OperatorRequest request;
  request.kind = shard::OperatorKind::shard_totals;
  for (std::uint32_t i = 0; i < door_.shard_count(); ++i) {
    const CallResult result = door_.call(ShardId{static_cast<std::uint8_t>(i)}, request);
    if (refused(result.reply.result)) {
      return refusal(result.reply.result, "shard " + std::to_string(i));
    }
    shard::Totals t;
    if (result.payload.size() != sizeof t) {
      return error_answer(500, "internal", "shard_totals: the payload has an unknown layout");
    }
    std::memcpy(static_cast<void*>(&t), result.payload.data(), sizeof t);
    if (t.law_violations != 0) {
      Json row = totals_json(t);
      row["shard"] = i;
      row["law_violations"] = t.law_violations;
      faulty.push_back(std::move(row));
    }
    add(sum, t);
  }
  Json out = {{"holds", faulty.empty()}, {"law_violations", sum.law_violations}};
  out.update(totals_json(sum));
  out["shards"] = door_.shard_count();
  out["faulty_shards"] = std::move(faulty);
  return {200, out.dump(2) + "\n"};
}

}  // namespace levy::admin
