// Shard: open sessions and the plan versions that their grants are of.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
//
// New grants move to the newest version by themselves (rating/tariff.hpp). Here is what asks for
// that to happen now, and what tells how many sessions have not moved yet.
#include <algorithm>

#include "engine/shard/pools.hpp"

namespace levy::shard {

namespace {

// Session slots and groups that one step of the sweep, or one page of plan_use, looks at: some tens
// of microseconds.
constexpr std::size_t sweep_visits = 256;
constexpr std::size_t page_visits = 1024;

// Rows of one page of plan_use, in order of arrival; the first is the sum of all older versions.
struct UseRows {
  std::array<VersionUse, 64> rows{};
  std::size_t count = 1;

  bool room() const { return rows.size() - count >= limits::groups_per_session_max; }
  VersionUse& of(std::uint16_t version) {
    const auto end = rows.begin() + static_cast<std::ptrdiff_t>(count);
    const auto at = std::find_if(rows.begin() + 1, end,
                                 [&](const VersionUse& row) { return row.version == version; });
    if (at != end) return *at;
    rows[count].version = version;
    return rows[count++];
  }
};
static_assert(sizeof(OperatorReply) + sizeof(UseRows::rows) <= limits::answer_bytes_max);

}  // namespace

// The groups of the session with a grant of an older version whose service wants to be asked for.
Shard::Concerned Shard::groups_to_ask(const Session& session) const {
  Concerned concerned;
  for (Slot g = session.first_group; g != none; g = groups_[g].next) {
    const rating::Group& group = groups_[g];
    if ((group.flags & rating::group_has_grant) == 0 ||
        group.plan_version == states_[0].plan_version)
      continue;
    const rating::PlanSet* newest_set = set_of(group.plan);
    if (newest_set == nullptr || newest_set->version == group.plan_version) continue;
    const rating::Plan* plan = find_plan(group.plan, group.plan_version);
    if (plan == nullptr || group.service >= plan->service_count ||
        plan->services[group.service].on_new_version != rating::OnNewVersion::reauthorize)
      continue;
    concerned.add(group);
  }
  return concerned;
}

// false: the session holds nothing to ask for, or has been asked for as much and not answered yet.
bool Shard::ask_for_new_version(Slot slot, Time now, Outcome& outcome) {
  const Concerned concerned = groups_to_ask(sessions_[slot]);
  if (concerned.count == 0) return false;
  const Session& known = sessions_[slot];
  if ((known.flags & session_aborting) != 0) return false;
  const bool of_group = (known.flags & session_reauth_group) != 0;
  if (known.reauth_wanted != known.reauth_acked &&
      (!of_group || (concerned.one() && known.reauth_rating_group == concerned.rating_group())))
    return false;
  ask_push(slot, edit(sessions_, slot), concerned.one(), concerned.rating_group(), now, outcome);
  return true;
}

// After a change of the plans, beside plan_sweep_step(): one session and one Record at a time. It
// starts anew after a restart: who has reported since holds nothing of an older version.
bool Shard::version_sweep_step(Time now, std::span<std::uint8_t> record, Outcome& outcome) {
  const auto end = static_cast<Slot>(sessions_.capacity());
  for (std::size_t visits = 0; visits < sweep_visits && version_sweep_at_ < end; ++visits) {
    const Slot slot = version_sweep_at_++;
    if (sessions_[slot].state != SessionState::open) continue;
    visits += sessions_[slot].group_count;
    if (!ask_for_new_version(slot, now, outcome)) continue;
    outcome.session = slot;
    outcome.account = sessions_[slot].account;
    outcome.subscriber = sessions_[slot].subscriber;
    Facts facts;
    facts.kind = RecordKind::sweep;
    write_record(facts, now, record, outcome);
    return true;
  }
  if (version_sweep_at_ >= end) version_sweep_at_ = none;
  return false;
}

// From the cursor-th session slot on; reply.id: where to go on, none at the end. Slots do not move:
// a session that is open all the while is counted once.
void Shard::plan_use(Operation& op) const {
  UseRows use;
  const auto end = static_cast<Slot>(sessions_.capacity());
  Slot at = op.request.cursor;
  std::size_t live = 0;
  for (std::size_t visits = 0; visits < page_visits && at < end && use.room(); ++visits, ++at) {
    // Free slots are taken from the front, so that a pool that was never full ends early.
    if (op.request.cursor == 0 && live == sessions_.used()) at = end - 1;
    const Session& session = sessions_[at];
    live += session.live();
    if (session.state != SessionState::open) continue;
    visits += session.group_count;
    std::array<std::uint16_t, limits::groups_per_session_max> seen{};
    std::size_t seen_count = 0;
    bool older = false;
    for (Slot g = session.first_group; g != none; g = groups_[g].next) {
      const std::uint16_t version = groups_[g].plan_version;
      if (version == 0) continue;  // never granted anything
      VersionUse& row = use.of(version);
      ++row.groups;
      const auto seen_end = seen.begin() + static_cast<std::ptrdiff_t>(seen_count);
      if (std::find(seen.begin(), seen_end, version) == seen_end) {
        seen[seen_count++] = version;
        ++row.sessions;
      }
      if (version == states_[0].plan_version) continue;
      older = true;
      ++use.rows[0].groups;
    }
    use.rows[0].sessions += older;
  }
  op.reply.id = at < end ? at : none;
  op.reply.payload_items = static_cast<std::uint32_t>(use.count);
  op.reply.payload_bytes = static_cast<std::uint32_t>(use.count * sizeof(VersionUse));
  std::memcpy(op.payload.data(), use.rows.data(), op.reply.payload_bytes);
}

}  // namespace levy::shard
