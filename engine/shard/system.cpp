// Shard: money between Shards, the catalogue, plan switches, restarts.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
//
// A transfer is durable mail (house.md): A debits into in_transit and keeps a Mail; control carries
// it to B, which credits once per (A, sequence) and keeps a mark; A closes; B forgets. Each step is
// idempotent, so control may repeat any of them after a crash.
#include "engine/base/hash.hpp"
#include "engine/shard/pools.hpp"

namespace levy::shard {

using rating::MovementKind;
using Result = OperatorResult;

// true: the kind was one of these.
bool Shard::operate_system(Operation& op) {
  const OperatorRequest& r = op.request;
  switch (r.kind) {
    case OperatorKind::reauthorize:
    case OperatorKind::abort_session:
    case OperatorKind::show_session:
      session_operation(op);
      return true;
    case OperatorKind::transfer_in:
      transfer_in(op);
      return true;
    case OperatorKind::transfer_close:
      transfer_close(op);
      return true;
    case OperatorKind::transfer_forget:
      transfer_forget(op);
      return true;
    case OperatorKind::list_mail:
      list_mail(op);
      return true;
    case OperatorKind::intern:
      intern(op);
      return true;
    case OperatorKind::host_restarted:
      host_restarted(op);
      return true;
    case OperatorKind::switch_plan:
      if (states_[0].plan_version == r.plan_version)
        op.reply.result = Result::unchanged;
      else
        edit(states_, 0).plan_version = r.plan_version;
      plan_sweep_at_ = version_sweep_at_ = 0;
      return true;
    case OperatorKind::recovered: {
      ShardState& state = edit(states_, 0);
      // Modulo 2^32: a clock that was set back makes the gap negative, and shard seconds go on from
      // where they stood in either case.
      const std::int64_t gap = r.now.seconds() - state.time_micros / 1'000'000;
      if (state.time_micros != 0) state.downtime += static_cast<std::uint32_t>(gap);
      ++state.restarts;
      awaits_recovered_ = false;
      arm_timers(r.now);
      return true;
    }
    case OperatorKind::shard_totals: {
      const Totals t = totals();
      std::memcpy(op.payload.data(), &t, sizeof t);
      op.reply.payload_items = 1;
      op.reply.payload_bytes = sizeof t;
      return true;
    }
    case OperatorKind::plan_use:
      plan_use(op);
      return true;
    default:
      return false;
  }
}

Slot Shard::find_mail(MailState state, std::uint8_t from_shard, std::uint64_t sequence) const {
  for (Slot m = 0; m < mails_.capacity(); ++m) {
    if (mails_[m].state == state && mails_[m].from_shard == from_shard &&
        mails_[m].sequence == sequence)
      return m;
  }
  return none;
}

void Shard::transfer_out(Operation& op) {
  const OperatorRequest& r = op.request;
  const Slot wallet = find_wallet(accounts_[op.account], r.currency);
  if (r.amount <= 0 || r.amount > limits::balance_micros_max || r.to_account[0] == 0) {
    op.reply.result = Result::invalid;
    return;
  }
  if (wallet == none || buckets_[wallet].free() < r.amount) {
    op.reply.result = Result::insufficient;
    return;
  }
  const Slot slot = take(mails_);
  if (slot == none) {
    op.reply.result = Result::full;
    return;
  }
  edit(buckets_, wallet).in_transit += r.amount;
  move(op.outcome, MovementKind::send, wallet, r.amount);
  Mail& mail = mails_[slot];
  mail.state = MailState::sent;
  mail.sequence = ++edit(states_, 0).mail_sequence;
  mail.amount = r.amount;
  mail.bucket = wallet;
  mail.account = op.account;
  mail.currency = r.currency;
  mail.from_shard = id_.value;
  mail.to_shard = r.to_shard;
  std::memcpy(mail.to_account, r.to_account, sizeof mail.to_account);
  op.reply.mail = mail;
  op.reply.mail_sequence = mail.sequence;
}

void Shard::transfer_in(Operation& op) {
  const OperatorRequest& r = op.request;
  if (find_mail(MailState::received, r.from_shard, r.mail_sequence) != none) {
    op.reply.result = Result::unchanged;
    return;
  }
  op.account = find_account(r.to_account);
  if (op.account == none) {
    op.reply.result = Result::not_found;
    return;
  }
  if (!settle(op.account, r.now, op.outcome)) {
    op.reply.result = Result::full;
    return;
  }
  const Slot slot = take(mails_);
  if (slot == none) {
    op.reply.result = Result::full;
    return;
  }
  const Slot wallet = find_or_open_wallet(op.account, r.currency);
  if (wallet == none || buckets_[wallet].credits > limits::balance_micros_max - r.amount) {
    op.reply.result = wallet == none ? Result::full : Result::invalid;
    return;
  }
  edit(buckets_, wallet).credits += r.amount;
  move(op.outcome, MovementKind::credit, wallet, r.amount);
  Mail& mail = mails_[slot];
  mail.state = MailState::received;
  mail.sequence = r.mail_sequence;
  mail.from_shard = r.from_shard;
  mail.to_shard = id_.value;
  mail.amount = r.amount;
  mail.account = op.account;
  mail.bucket = wallet;
  mail.currency = r.currency;
  money_came(op);
}

// `flag`: the receiver refused it, so the money comes back.
void Shard::transfer_close(Operation& op) {
  const Slot slot = find_mail(MailState::sent, id_.value, op.request.mail_sequence);
  if (slot == none) {
    op.reply.result = Result::unchanged;
    return;
  }
  const Mail& mail = mails_[slot];
  op.account = mail.account;
  rating::Bucket& bucket = edit(buckets_, mail.bucket);
  bucket.in_transit -= mail.amount;
  if (!op.request.flag) bucket.credits -= mail.amount;
  move(op.outcome, op.request.flag ? MovementKind::come_back : MovementKind::arrive, mail.bucket,
       mail.amount);
  if (op.request.flag) wake_sessions(op.account, true, op.request.now, op.outcome);
  release(mails_, slot);
}

void Shard::transfer_forget(Operation& op) {
  const Slot slot = find_mail(MailState::received, op.request.from_shard, op.request.mail_sequence);
  if (slot == none)
    op.reply.result = Result::unchanged;
  else
    release(mails_, slot);
}

// From the cursor-th mail slot on; reply.id: where to go on, none at the end.
void Shard::list_mail(Operation& op) {
  op.reply.id = none;
  for (Slot m = op.request.cursor; m < mails_.capacity(); ++m) {
    if (!mails_[m].live()) continue;
    if (op.payload.size() - op.reply.payload_bytes < sizeof(Mail)) {
      op.reply.id = m;
      return;
    }
    std::memcpy(op.payload.data() + op.reply.payload_bytes, &mails_[m], sizeof(Mail));
    op.reply.payload_bytes += static_cast<std::uint32_t>(sizeof(Mail));
    ++op.reply.payload_items;
  }
}

// A name keeps its id for ever: slots of the catalogue are never given back. A newer name of an id
// is an entry beside the former one, so that both are understood from then on.
void Shard::intern(Operation& op) {
  const OperatorRequest& r = op.request;
  const std::string_view text(r.name);
  for (Slot n = 0; n < names_.capacity() && names_[n].live(); ++n) {
    if (names_[n].kind != r.name_kind || names_[n].view() != text) continue;
    op.reply.id = names_[n].renames != 0 ? names_[n].renames : n + 1;
    op.reply.result = r.cursor != 0 && r.cursor != op.reply.id ? Result::exists : Result::unchanged;
    return;
  }
  if (r.flag) {
    op.reply.result = Result::not_found;
    return;
  }
  const bool renames = r.cursor != 0;
  if (text.empty() || r.name_kind == NameKind::none ||
      (renames && (r.cursor > names_.capacity() || names_[r.cursor - 1].kind != r.name_kind ||
                   names_[r.cursor - 1].renames != 0))) {
    op.reply.result = Result::invalid;
    return;
  }
  const Slot slot = take(names_);
  if (slot == none || slot >= 0xfffe) {
    op.reply.result = Result::full;
    return;
  }
  Name& name = names_[slot];
  name.kind = r.name_kind;
  name.size = static_cast<std::uint8_t>(text.size());
  name.digest = r.digest;
  name.renames = static_cast<std::uint16_t>(r.cursor);
  std::memcpy(name.text, text.data(), text.size());
  op.reply.id = renames ? r.cursor : slot + 1;
}

// The gateway said so in a CER or DWR: its older sessions end in the sweep.
void Shard::host_restarted(Operation& op) {
  const OperatorRequest& r = op.request;
  op.reply.result = Result::unchanged;
  for (Slot h = 0; h < hosts_.used(); ++h) {
    if (!hosts_[h].live() || hosts_[h].host() != r.host ||
        hosts_[h].origin_state_id >= r.origin_state_id)
      continue;
    edit(hosts_, h).origin_state_id = r.origin_state_id;
    edit(states_, 0).sweep_cursor = sweep_at_ = 0;
    op.reply.result = Result::ok;
  }
}

}  // namespace levy::shard
