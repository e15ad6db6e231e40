// Shard: pushes of sessions: asked for, retried, answered.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
//
// At most one push of a session is outstanding and at most one entry of a slot lies in the queue,
// so that the queue never overflows; `wanted`, `acked` and the group are in the images, the rest is
// rebuilt. Wishes for different groups that wait together are one for the whole session.
#include "engine/shard/pools.hpp"

namespace levy::shard {

// Wanted is journaled with the caller's Record; at most one push of a session is outstanding.
void Shard::ask_push(Slot slot, Session& session, bool has_rating_group, std::uint32_t rating_group,
                     Time now, Outcome& outcome) {
  if ((session.flags & session_aborting) != 0) return;  // its end is wanted, and nothing else
  const bool waits = session.reauth_wanted != session.reauth_acked;
  const bool same = has_rating_group && (session.flags & session_reauth_group) != 0 &&
                    session.reauth_rating_group == rating_group;
  if (has_rating_group && (!waits || same)) {
    session.flags |= session_reauth_group;
    session.reauth_rating_group = rating_group;
  } else {
    session.flags = static_cast<std::uint8_t>(session.flags & ~session_reauth_group);
    session.reauth_rating_group = 0;
  }
  ++session.reauth_wanted;
  Runtime& run = runtime_[slot];
  if (run.push_outstanding || outcome.push_count == outcome.pushes.size()) return;
  run.push_outstanding = true;
  run.push_tries = 1;
  run.push_at = shard_seconds(now);
  outcome.pushes[outcome.push_count++] = push_of(slot);
}

Push Shard::push_of(Slot slot) const {
  const Session& session = sessions_[slot];
  return Push{slot, session.reauth_wanted, (session.flags & session_reauth_group) != 0,
              (session.flags & session_aborting) != 0, session.reauth_rating_group};
}

// The gateway is told to end it, and its CCR-T brings what was used. Who does not take an ASR, or
// does not end it in time, leaves it to end here (PushAnswer, due_session).
bool Shard::ask_abort(Slot slot, Session& session, Time now, Outcome& outcome) {
  if ((session.flags & session_takes_abort) == 0) return false;
  ask_push(slot, session, false, 0, now, outcome);
  session.flags |= session_aborting;
  for (std::uint32_t i = 0; i < outcome.push_count; ++i)
    if (outcome.pushes[i].session == slot) outcome.pushes[i] = push_of(slot);
  const std::uint32_t until = shard_seconds(now) + options_.abort_wait;
  if (session.deadline > until) set_deadline(slot, session, options_.abort_wait, now);
  return true;
}

void Shard::requeue_push(Slot slot, Time now) {
  Runtime& run = runtime_[slot];
  run.push_outstanding = false;
  queue_push(slot, shard_seconds(now) + options_.push_retry);
}

void Shard::queue_push(Slot slot, std::uint32_t at) {
  Runtime& run = runtime_[slot];
  if (run.push_queued) return;
  run.push_queued = true;
  run.push_at = at;
  push_queue_[push_tail_] = slot;
  push_tail_ = (push_tail_ + 1) % push_queue_.size();
}

// One push of the retry queue whose time has come.
bool Shard::due_push(Time now, std::span<std::uint8_t> record, Outcome& outcome) {
  for (int visits = 16; visits > 0 && push_head_ != push_tail_; --visits) {
    const Slot slot = push_queue_[push_head_];
    Runtime& run = runtime_[slot];
    if (run.push_queued && run.push_at > shard_seconds(now)) return false;
    push_head_ = (push_head_ + 1) % push_queue_.size();
    if (!run.push_queued) continue;
    run.push_queued = false;
    const Session& session = sessions_[slot];
    if (session.state != SessionState::open || session.reauth_wanted == session.reauth_acked ||
        run.push_outstanding)
      continue;
    run.push_outstanding = true;
    ++run.push_tries;
    outcome.session = slot;
    outcome.account = session.account;
    outcome.pushes[outcome.push_count++] = push_of(slot);
    (void)record;  // nothing changed: the push rides without a Record of its own
    return true;
  }
  return false;
}

void Shard::apply(const PushAnswer& answer, std::span<std::uint8_t> record, Outcome& outcome) {
  outcome.reset();
  settled_grants_ = 0;
  outcome.answer = false;
  if (answer.session >= sessions_.capacity()) return;
  const Session& known = sessions_[answer.session];
  if (known.state != SessionState::open ||
      static_cast<std::uint32_t>(session_hash(known)) != answer.check ||
      !runtime_[answer.session].push_outstanding)
    return;
  Runtime& run = runtime_[answer.session];
  run.push_outstanding = false;
  outcome.session = answer.session;
  outcome.account = known.account;
  outcome.subscriber = known.subscriber;
  const bool success = answer.result_code / 1000 == 2;
  // A RAR that was under way when the end was asked for: whatever came of it, the ASR is next.
  const bool overtaken =
      (known.flags & session_aborting) != 0 && answer.number != known.reauth_wanted;
  const bool again = !success && answer.result_code != 5002 &&
                     (answer.result_code == 0 || answer.retry) &&
                     run.push_tries < options_.push_tries_max;
  Session& session = edit(sessions_, answer.session);
  const bool refuses = !success && !again && !overtaken;
  if (answer.result_code == 5002 || (refuses && (session.flags & session_aborting) != 0)) {
    // The gateway does not know it, or does not end it: it ends here.
    end_session(answer.session, SessionState::lost, answer.now, outcome);
  } else if (overtaken) {
    run.push_tries = 0;
  } else if (!again) {
    session.reauth_acked = success ? answer.number : session.reauth_wanted;
    run.push_tries = 0;
  }
  if (session.state == SessionState::open && session.reauth_wanted != session.reauth_acked)
    queue_push(answer.session, shard_seconds(answer.now) + (again ? options_.push_retry : 0));
  Facts facts;
  facts.kind = RecordKind::push_answer;
  write_record(facts, answer.now, record, outcome);
}

}  // namespace levy::shard
