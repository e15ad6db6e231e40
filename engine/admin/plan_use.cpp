// plan_use, and the answers that show it.
// Core: admin and control threads. Allocates: yes. Blocks: waits for durability. Clock: none.
#include "engine/admin/plan_use.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/admin/operations.hpp"

namespace levy::admin {

namespace {

using Json = nlohmann::ordered_json;

void add_page(const CallResult& page, PlanUse& sum) {
  for (std::size_t at = 0; at + sizeof(shard::VersionUse) <= page.payload.size();
       at += sizeof(shard::VersionUse)) {
    shard::VersionUse row;
    std::memcpy(static_cast<void*>(&row), page.payload.data() + at, sizeof row);
    shard::VersionUse& into = row.version == 0 ? sum.older : sum.versions[row.version];
    into.version = row.version;
    into.sessions += row.sessions;
    into.groups += row.groups;
  }
}

}  // namespace

PlanUse plan_use(ControlDoor& door) {
  PlanUse sum;
  for (std::uint32_t i = 0; i < door.shard_count(); ++i) {
    shard::OperatorRequest request;
    request.kind = shard::OperatorKind::plan_use;
    while (request.cursor != none) {
      const CallResult page = door.call(ShardId{static_cast<std::uint8_t>(i)}, request);
      if (refused(page.reply.result)) {
        sum.whole = false;
        break;
      }
      add_page(page, sum);
      request.cursor = page.reply.id;
    }
  }
  return sum;
}

Answer Operations::plan_versions() {
  const PlanUse use = plan_use(door_);
  if (!use.whole) return refusal(shard::OperatorResult::busy, "plan versions");
  std::vector<PlanVersionInfo> live = door_.plan_versions();
  for (const auto& [version, row] : use.versions) {
    const auto same = [version = version](const PlanVersionInfo& v) {
      return v.version == version;
    };
    if (std::none_of(live.begin(), live.end(), same)) {
      live.push_back({version, "", false, false});
    }
  }
  std::sort(live.begin(), live.end(), [](const PlanVersionInfo& a, const PlanVersionInfo& b) {
    return a.version < b.version;
  });
  Json out;
  out["result"] = "ok";
  Json list = Json::array();
  for (const PlanVersionInfo& v : live) {
    const auto found = use.versions.find(v.version);
    const shard::VersionUse row = found != use.versions.end() ? found->second : shard::VersionUse{};
    if (v.in_force) out["plan_version"] = v.version;
    Json item = {{"version", v.version}, {"in_force", v.in_force}, {"kept", v.kept}};
    if (!v.source.empty()) item["source"] = v.source;
    item["sessions"] = row.sessions;
    item["groups"] = row.groups;
    list.push_back(std::move(item));
  }
  out["sessions_on_older"] = use.older.sessions;
  out["groups_on_older"] = use.older.groups;
  out["versions"] = std::move(list);
  return {200, out.dump(2) + "\n"};
}

}  // namespace levy::admin
