// Shard: work whose time has come while nobody asked.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
#include "engine/shard/pools.hpp"

namespace levy::shard {

namespace {

// An account whose products found no room is tried again after so many seconds.
constexpr std::uint32_t full_retry = 10;

}  // namespace

bool Shard::apply_due(Time now, std::span<std::uint8_t> record, Outcome& outcome) {
  outcome.reset();
  settled_grants_ = 0;
  outcome.answer = false;
  if (awaits_recovered_) return false;  // the downtime is not counted yet: nothing is late
  if (due_push(now, record, outcome)) return true;
  if (sweep_at_ != none && sweep_step(now, record, outcome)) return true;
  if (due_session(now, record, outcome)) return true;
  if (due_account(now, record, outcome)) return true;
  if (plan_sweep_at_ != none && plan_sweep_step(now, record, outcome)) return true;
  return version_sweep_at_ != none && version_sweep_step(now, record, outcome);
}

// A session whose deadline is over, or a tombstone's.
bool Shard::due_session(Time now, std::span<std::uint8_t> record, Outcome& outcome) {
  const std::uint32_t seconds = shard_seconds(now);
  for (int tries = 0; tries < 4; ++tries) {
    const Slot slot = timers_.take(seconds, 64);
    if (slot == none) return false;
    const Session& session = sessions_[slot];
    if (!session.live()) continue;
    std::uint32_t effective = 0;
    if (!overdue(session, now, effective)) {
      timers_.set(slot, effective);
      continue;
    }
    outcome.session = slot;
    outcome.account = session.account;
    outcome.subscriber = session.subscriber;
    Facts facts;
    if (session.state == SessionState::open) {
      facts.kind = RecordKind::session_lost;
      end_session(slot, SessionState::lost, now, outcome);
    } else {
      facts.kind = RecordKind::tombstone_gone;
      free_session(slot);
    }
    write_record(facts, now, record, outcome);
    return true;
  }
  return false;
}

// The Record of a settlement that nobody asked for; false: there was nothing to write.
bool Shard::write_settled(Slot account, Time now, std::span<std::uint8_t> record,
                          Outcome& outcome) {
  outcome.account = account;
  const bool settled = make_view(edit(accounts_, account), none, now, scratch_.view, outcome);
  if ((accounts_[account].flags & account_room_came) != 0) {
    edit(accounts_, account).flags &= static_cast<std::uint8_t>(~account_room_came);
    note_due(account);
    wake_sessions(account, true, now, outcome);
  }
  const bool whole = settled && !outcome.charge.overflow;
  const bool progress = !outcome.charge.overflow && outcome.product_count != 0;
  if (!whole)  // one Record has not held all of it, or there is no room
    due_accounts_.set(account,
                      static_cast<std::uint32_t>(now.seconds()) + (progress ? 0 : full_retry));
  if (outcome.charge.overflow || !transaction_.changed()) {
    transaction_.roll_back();
    outcome.reset();
    outcome.answer = false;
    return false;
  }
  Facts facts;
  facts.kind = RecordKind::settled;
  write_record(facts, now, record, outcome);
  return true;
}

bool Shard::due_account(Time now, std::span<std::uint8_t> record, Outcome& outcome) {
  const auto now_s = static_cast<std::uint32_t>(now.seconds());
  for (int tries = 0; tries < 4; ++tries) {
    const Slot slot = due_accounts_.take(now_s, 64);
    if (slot == none) return false;
    const Account& account = accounts_[slot];
    if (!account.live() || account.settle_at == 0) continue;
    if (account.settle_at > now_s) {
      due_accounts_.set(slot, account.settle_at);
      continue;
    }
    if (write_settled(slot, now, record, outcome)) return true;
  }
  return false;
}

// After a change of the plans: what falls due under them, and base plans that have got terms. An
// account that nothing changes for costs no Record.
bool Shard::plan_sweep_step(Time now, std::span<std::uint8_t> record, Outcome& outcome) {
  const auto end = static_cast<Slot>(accounts_.capacity());
  for (int visits = 256; visits > 0 && plan_sweep_at_ < end; --visits) {
    const Slot slot = plan_sweep_at_++;
    if (!accounts_[slot].live()) continue;
    outcome.account = slot;
    take_up_terms(slot, now, outcome);
    note_due(slot);
    if (outcome.charge.overflow || !transaction_.changed()) {
      transaction_.roll_back();
      outcome.reset();
      outcome.answer = false;
      continue;
    }
    Facts facts;
    facts.kind = RecordKind::settled;
    write_record(facts, now, record, outcome);
    return true;
  }
  if (plan_sweep_at_ >= end) plan_sweep_at_ = none;
  return false;
}

}  // namespace levy::shard
