// Running totals of sessions from their records (see explain_history.hpp).
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#include "tools/levyctl/explain_history.hpp"

namespace levyctl {

namespace {

// What debit() adds up of a group's use.
void add_use(const GroupLine& line, GroupHistory& group) {
  if (line.used == 0 || line.service.empty()) return;
  if (group.unit != line.unit) group.total = 0;  // another service counts it by another unit
  group.unit = line.unit;
  group.total += line.used - line.used_by_buckets;
  group.charged += line.charged;
  group.connected = true;
}

}  // namespace

bool stands_alone(const RecordLine& record) {
  return record.request_type == "event" || record.kind == "late_usage";
}

GroupHistory SessionHistory::before(const RecordLine& record, const GroupLine& line) const {
  GroupHistory group;
  group.known = true;
  group.unit = line.unit;
  if (stands_alone(record)) {
    group.connected = record.kind == "late_usage";
    return group;
  }
  const auto session = open_.find(record.session_id);
  if (session == open_.end()) {
    group.known = record.request_type == "initial";
    return group;
  }
  const auto found = session->second.groups.find(line.key);
  if (found != session->second.groups.end()) {
    group = found->second;
    if (group.unit != line.unit) group.total = 0;
  }
  group.known = session->second.known;
  // The same group named twice by one record: what stands before counts.
  for (const GroupLine& other : record.mscc) {
    if (&other == &line) break;
    if (other.key == line.key) add_use(other, group);
  }
  return group;
}

void SessionHistory::take(const RecordLine& record) {
  if (record.session_id.empty() || stands_alone(record) || record.kind == "dispute") return;
  const auto [at, begins] = open_.try_emplace(record.session_id);
  Session& session = at->second;
  if (begins) session.known = record.request_type == "initial";
  std::shared_ptr<const RecordLine> copy;
  for (const GroupLine& line : record.mscc) {
    GroupHistory& group = session.groups[line.key];
    add_use(line, group);
    if (line.after_tariff_change) continue;
    const bool overtaken = record.request_type == "update" && group.outstanding &&
                           record.request_number < group.grant_number;
    if (overtaken) continue;
    group.outstanding = line.granted > 0;
    if (!group.outstanding) continue;
    if (copy == nullptr) copy = std::make_shared<RecordLine>(record);
    group.grant = copy;
    group.grant_service = line.service;
    group.grant_number = record.request_number;
  }
  const bool refused = record.request_type == "initial" && record.reason != "ok";
  if (refused || (!record.closing.empty() && record.closing != "supersedes")) open_.erase(at);
}

}  // namespace levyctl
