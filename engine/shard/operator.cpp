// Shard: operators' changes and reads of accounts, subscribers and sessions.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
//
// Every change is one Record, durable before its reply; a request key makes it idempotent.
#include <algorithm>
#include <cstdio>

#include "engine/base/hash.hpp"
#include "engine/shard/pools.hpp"

namespace levy::shard {

using rating::MovementKind;
using Result = OperatorResult;

std::size_t Shard::apply(const OperatorRequest& request, std::span<std::uint8_t> reply_bytes,
                         std::span<std::uint8_t> record, Outcome& outcome) {
  outcome.reset();
  Reply reply;
  Operation op{request, reply, outcome, reply_bytes.subspan(sizeof(Reply)), none, none};
  const bool repeated = seen_request_key(op);
  if (!repeated) {
    operate(op);
    if (!transaction_.empty() && reply.result == Result::ok && !remember_request_key(op))
      reply.result = Result::full;
  }
  reply.account = op.account;
  reply.subscriber = op.subscriber;
  outcome.account = op.account;
  outcome.subscriber = op.subscriber;
  if (outcome.charge.overflow && reply.result == Result::ok) reply.result = Result::full;
  if (reply.result == Result::ok && !transaction_.empty()) {
    char text[sizeof request.who + sizeof request.why];
    const int size = std::snprintf(text, sizeof text, "%s%c%s", request.who, '\n', request.why);
    Facts facts;
    facts.kind = request.kind == OperatorKind::recovered ? RecordKind::recovered
                                                         : RecordKind::operator_change;
    facts.operator_kind = request.kind;
    facts.text = {text, static_cast<std::size_t>(size)};
    write_record(facts, request.now, record, outcome);
    if (request.kind == OperatorKind::create_account)
      account_index_.insert(hash_bytes(request.account_name, 0), op.account);
  } else {
    transaction_.roll_back();
    outcome.charge.movement_count = 0;
    outcome.push_count = 0;
  }
  std::memcpy(reply_bytes.data(), &reply, sizeof reply);
  return sizeof reply + reply.payload_bytes;
}

namespace {

// What was asked, for telling a repeat from a reuse of the key.
std::uint64_t request_digest(const OperatorRequest& r) {
  std::uint64_t h = stable_hash({r.account_name, std::strlen(r.account_name)}) ^ r.account ^
                    (std::uint64_t{r.subscriber} << 32);
  h = (h ^ static_cast<std::uint64_t>(r.amount)) * 0x9e3779b97f4a7c15ull;
  h = (h ^ r.currency ^ (std::uint64_t{r.bucket_kind} << 16)) * 0x9e3779b97f4a7c15ull;
  return h ^ (static_cast<std::uint64_t>(r.kind) << 56);
}

}  // namespace

bool Shard::seen_request_key(Operation& op) {
  if (op.request.request_key[0] == 0) return false;
  const std::uint64_t key = stable_hash(op.request.request_key) | 1;
  for (Slot s = 0; s < request_keys_.capacity(); ++s) {
    const RequestKey& known = request_keys_[s];
    if (!known.live() || known.key != key) continue;
    const bool same = known.digest == request_digest(op.request);
    op.reply.result = same ? Result::unchanged : Result::key_reused;
    return true;
  }
  return false;
}

// Keys are kept for a day; expired ones make room. false: all are fresh.
bool Shard::remember_request_key(Operation& op) {
  if (op.request.request_key[0] == 0) return true;
  const auto now = static_cast<std::uint32_t>(op.request.now.seconds());
  Slot slot = take(request_keys_);
  for (Slot s = 0; slot == none && s < request_keys_.capacity(); ++s) {
    if (request_keys_[s].live() && request_keys_[s].kept_until <= now) slot = s;
  }
  if (slot == none) return false;
  RequestKey& key = edit(request_keys_, slot);
  key.in_use = 1;
  key.key = stable_hash(op.request.request_key) | 1;
  key.digest = request_digest(op.request);
  key.kept_until = now + 86400;
  key.result = static_cast<std::uint8_t>(Result::ok);
  return true;
}

void Shard::operate(Operation& op) {
  const OperatorRequest& r = op.request;
  op.reply.result = Result::ok;
  if (operate_system(op)) return;
  if (r.kind == OperatorKind::create_account) return create_account(op);
  if (r.subscriber < subscribers_.capacity() && subscribers_[r.subscriber].live()) {
    op.subscriber = r.subscriber;
    op.account = subscribers_[r.subscriber].account;
  } else if (r.account < accounts_.capacity() && accounts_[r.account].live()) {
    op.account = r.account;
  } else if (r.account_name[0] != 0) {
    op.account = find_account(r.account_name);
  }
  if (op.account == none) {
    op.reply.result = Result::not_found;
    return;
  }
  if (!operate_account(op)) op.reply.result = Result::invalid;
}

bool Shard::operate_account(Operation& op) {
  const OperatorRequest& r = op.request;
  switch (r.kind) {
    case OperatorKind::create_subscriber: create_subscriber(op); return true;
    case OperatorKind::create_bucket: create_bucket(op); return true;
    case OperatorKind::delete_subscriber: delete_subscriber(op); return true;
    case OperatorKind::change_identity: change_identity(op); return true;
    case OperatorKind::credit: credit(op); return true;
    case OperatorKind::adjust: adjust(op); return true;
    case OperatorKind::set_wallet: set_wallet(op); return true;
    case OperatorKind::show_account: show_account(op); return true;
    case OperatorKind::list_sessions: list_sessions(op); return true;
    case OperatorKind::transfer_out: transfer_out(op); return true;
    case OperatorKind::set_status: edit(accounts_, op.account).status = r.status; return true;
    case OperatorKind::set_plan: edit(accounts_, op.account).plan = r.plan; return true;
    case OperatorKind::set_credit_limit:
      if (r.credit_limit < 0 || r.credit_limit > limits::balance_micros_max) return false;
      edit(accounts_, op.account).credit_limit = r.credit_limit;
      return true;
    case OperatorKind::trace: {
      Slot* end = std::remove(traced_, traced_ + traced_count_, op.account);
      traced_count_ = static_cast<std::uint32_t>(end - traced_);
      if (!r.flag) return true;
      if (traced_count_ == traced_max) op.reply.result = Result::full;
      else traced_[traced_count_++] = op.account;
      return true;
    }
    default: return false;
  }
}

// ---- accounts and subscribers --------------------------------------------------------------

void Shard::create_account(Operation& op) {
  const OperatorRequest& r = op.request;
  const std::string_view name(r.account_name);
  op.account = name.empty() ? none : find_account(name);
  if (op.account != none) {
    op.reply.result = Result::unchanged;
    return;
  }
  if (name.empty() || r.amount < -limits::balance_micros_max ||
      r.amount > limits::balance_micros_max || r.credit_limit < 0) {
    op.reply.result = Result::invalid;
    return;
  }
  const Slot slot = take(accounts_);
  if (slot == none) {
    op.reply.result = Result::full;
    return;
  }
  Account& account = accounts_[slot];
  account.in_use = 1;
  std::memcpy(account.name, name.data(), name.size());
  account.plan = r.plan;
  account.status = r.status;
  account.credit_limit = r.credit_limit;
  account.created_at = static_cast<std::uint32_t>(r.now.seconds());
  rating::Bucket wallet;
  wallet.flags = rating::bucket_main_wallet;
  wallet.currency = r.currency;
  wallet.credits = r.amount;
  wallet.priority = INT16_MIN;
  const Slot bucket = add_bucket(account, slot, wallet);
  if (bucket == none) {
    op.reply.result = Result::full;
    return;
  }
  if (r.amount != 0) move(op.outcome, MovementKind::credit, bucket, r.amount);
  op.account = slot;
}

// false: no room, or digits that are none.
bool Shard::set_identity(Subscriber& subscriber, const OperatorIdentity& identity) {
  using rating::IdentityType;
  const std::uint64_t packed = pack_digits(identity.view());
  if (identity.type == IdentityType::imsi && packed != 0 && subscriber.imsi == 0) {
    subscriber.imsi = packed;
    return true;
  }
  if (identity.type == IdentityType::e164 && packed != 0 && subscriber.e164 == 0) {
    subscriber.e164 = packed;
    return true;
  }
  if (identity.size == 0 || identity.type == IdentityType::account_name) return false;
  const Slot slot = take(texts_);
  if (slot == none) return false;
  Text& text = texts_[slot];
  text.in_use = 1;
  text.type = static_cast<std::uint8_t>(identity.type);
  text.size = identity.size;
  std::memcpy(text.bytes, identity.text, identity.size);
  text.next = subscriber.other;
  subscriber.other = slot;
  return true;
}

// false: the subscriber does not have it.
bool Shard::clear_identity(Subscriber& subscriber, const OperatorIdentity& identity) {
  using rating::IdentityType;
  const std::uint64_t packed = pack_digits(identity.view());
  if (identity.type == IdentityType::imsi && packed != 0 && subscriber.imsi == packed) {
    subscriber.imsi = 0;
    return true;
  }
  if (identity.type == IdentityType::e164 && packed != 0 && subscriber.e164 == packed) {
    subscriber.e164 = 0;
    return true;
  }
  Slot before = none;
  for (Slot t = subscriber.other; t != none; before = t, t = texts_[t].next) {
    if (texts_[t].type != static_cast<std::uint8_t>(identity.type) ||
        texts_[t].text() != identity.view())
      continue;
    if (before == none) subscriber.other = texts_[t].next;
    else edit(texts_, before).next = texts_[t].next;
    release(texts_, t);
    return true;
  }
  return false;
}

void Shard::create_subscriber(Operation& op) {
  const OperatorRequest& r = op.request;
  for (Slot s = accounts_[op.account].first_subscriber; s != none; s = subscribers_[s].next) {
    std::size_t held = 0;
    for (std::size_t i = 0; i < r.identity_count; ++i)
      held += has_identity(subscribers_[s], r.identities[i].type, r.identities[i].view());
    if (held == 0) continue;
    op.subscriber = s;
    if (held == r.identity_count) {
      op.reply.result = Result::unchanged;
      return;
    }
    Subscriber& known = edit(subscribers_, s);  // a line that adds an identity to a known one
    for (std::size_t i = 0; i < r.identity_count; ++i) {
      if (has_identity(known, r.identities[i].type, r.identities[i].view())) continue;
      if (!set_identity(known, r.identities[i])) op.reply.result = Result::invalid;
    }
    return;
  }
  const Slot slot = r.identity_count == 0 ? none : take(subscribers_);
  if (slot == none) {
    op.reply.result = r.identity_count == 0 ? Result::invalid : Result::full;
    return;
  }
  Subscriber& subscriber = subscribers_[slot];
  subscriber.in_use = 1;
  subscriber.account = op.account;
  for (std::size_t i = 0; i < r.identity_count; ++i) {
    if (!set_identity(subscriber, r.identities[i])) op.reply.result = Result::invalid;
  }
  Account& account = edit(accounts_, op.account);
  subscriber.next = account.first_subscriber;
  account.first_subscriber = slot;
  ++account.subscriber_count;
  op.subscriber = slot;
}

void Shard::delete_subscriber(Operation& op) {
  if (op.subscriber == none) {
    op.reply.result = Result::not_found;
    return;
  }
  Account& account = edit(accounts_, op.account);
  for (Slot s = account.first_session; s != none; s = sessions_[s].next) {
    if (sessions_[s].subscriber == op.subscriber && sessions_[s].state == SessionState::open) {
      op.reply.result = Result::busy;  // end the sessions first: their money is not settled
      return;
    }
  }
  Subscriber& subscriber = edit(subscribers_, op.subscriber);
  if (account.first_subscriber == op.subscriber) {
    account.first_subscriber = subscriber.next;
  } else {
    Slot before = account.first_subscriber;
    while (subscribers_[before].next != op.subscriber) before = subscribers_[before].next;
    edit(subscribers_, before).next = subscriber.next;
  }
  --account.subscriber_count;
  for (Slot t = subscriber.other; t != none;) {
    const Slot next = texts_[t].next;
    release(texts_, t);
    t = next;
  }
  release(subscribers_, op.subscriber);
}

void Shard::change_identity(Operation& op) {
  const OperatorRequest& r = op.request;
  if (op.subscriber == none || r.identity_count != 2) {
    op.reply.result = op.subscriber == none ? Result::not_found : Result::invalid;
    return;
  }
  Subscriber& subscriber = edit(subscribers_, op.subscriber);
  if (!clear_identity(subscriber, r.identities[0])) op.reply.result = Result::not_found;
  else if (!set_identity(subscriber, r.identities[1])) op.reply.result = Result::invalid;
}

// ---- money ---------------------------------------------------------------------------------

void Shard::create_bucket(Operation& op) {
  const OperatorRequest& r = op.request;
  for (Slot b = accounts_[op.account].first_bucket; b != none; b = buckets_[b].next) {
    if (r.bucket_kind != 0 && buckets_[b].kind == r.bucket_kind) {
      op.reply.result = Result::unchanged;
      return;
    }
  }
  credit(op);
}

// A top-up: into the wallet of `currency`, or into the bucket of `bucket_kind` with the same end
// (a new one when there is none).
void Shard::credit(Operation& op) {
  const OperatorRequest& r = op.request;
  const std::int64_t amount_max =
      r.unit == rating::Unit::money ? limits::balance_micros_max : limits::units_max;
  if (r.amount < 0 || r.amount > amount_max || r.step == 0) {
    op.reply.result = Result::invalid;
    return;
  }
  Slot target = none;
  if (r.bucket_kind == 0) {
    target = find_wallet(accounts_[op.account], r.currency);
  } else {
    for (Slot b = accounts_[op.account].first_bucket; b != none; b = buckets_[b].next) {
      const rating::Bucket& bucket = buckets_[b];
      if (bucket.kind == r.bucket_kind && bucket.ends_at == r.ends_at &&
          bucket.starts_at == r.starts_at)
        target = b;
    }
  }
  if (target == none) {
    rating::Bucket fresh;
    fresh.kind = r.bucket_kind;
    fresh.unit = r.unit;
    fresh.currency = r.unit == rating::Unit::money ? r.currency : std::uint16_t{0};
    fresh.priority = r.bucket_kind == 0 ? std::int16_t{INT16_MIN} : r.priority;
    fresh.step = r.step;
    fresh.starts_at = r.starts_at;
    fresh.ends_at = r.ends_at;
    if (r.bucket_kind == 0) fresh.flags = rating::bucket_main_wallet;
    target = add_bucket(accounts_[op.account], op.account, fresh);
    if (target == none) {
      op.reply.result = Result::full;
      return;
    }
  }
  rating::Bucket& bucket = edit(buckets_, target);
  if (bucket.credits > amount_max - r.amount) {
    op.reply.result = Result::invalid;
    return;
  }
  bucket.credits += r.amount;
  if (r.amount != 0) move(op.outcome, MovementKind::credit, target, r.amount);
}

// A signed correction of the main wallet; what is reserved stays reserved.
void Shard::adjust(Operation& op) {
  const std::int64_t amount = op.request.amount;
  const Slot wallet = find_wallet(accounts_[op.account], op.request.currency);
  if (wallet == none || amount > limits::balance_micros_max ||
      amount < -limits::balance_micros_max) {
    op.reply.result = wallet == none ? Result::not_found : Result::invalid;
    return;
  }
  rating::Bucket& bucket = edit(buckets_, wallet);
  const std::int64_t credits = checked_add(bucket.credits, amount);
  if (credits > limits::balance_micros_max || credits < -limits::balance_micros_max) {
    op.reply.result = Result::invalid;
    return;
  }
  bucket.credits = credits;
  if (amount > 0) move(op.outcome, MovementKind::credit, wallet, amount);
  if (amount < 0) move(op.outcome, MovementKind::expire, wallet, -amount);
}

// Import with "set balance": the free credit becomes `amount`, whatever it was.
void Shard::set_wallet(Operation& op) {
  const OperatorRequest& r = op.request;
  const Slot wallet = find_wallet(accounts_[op.account], r.currency);
  if (wallet == none) return credit(op);
  const std::int64_t change = checked_sub(r.amount, buckets_[wallet].free());
  if (change == 0) {
    op.reply.result = Result::unchanged;
    return;
  }
  rating::Bucket& bucket = edit(buckets_, wallet);
  bucket.credits = checked_add(bucket.credits, change);
  if (change > 0) move(op.outcome, MovementKind::credit, wallet, change);
  else move(op.outcome, MovementKind::expire, wallet, -change);
}

// ---- reads ---------------------------------------------------------------------------------

namespace {

// Appends one struct to the payload; false when it does not fit.
template <class T>
bool append(std::span<std::uint8_t> payload, OperatorReply& reply, const T& item) {
  if (payload.size() - reply.payload_bytes < sizeof item) return false;
  std::memcpy(payload.data() + reply.payload_bytes, &item, sizeof item);
  reply.payload_bytes += static_cast<std::uint32_t>(sizeof item);
  return true;
}

}  // namespace

void Shard::show_account(Operation& op) {
  const Account& account = accounts_[op.account];
  ShowHeader header;
  for (Slot s = account.first_session; s != none; s = sessions_[s].next)
    header.session_count += sessions_[s].state == SessionState::open;
  append(op.payload, op.reply, header);
  append(op.payload, op.reply, account);
  for (Slot s = account.first_subscriber; s != none && header.subscriber_count < 24;
       s = subscribers_[s].next)
    header.subscriber_count += append(op.payload, op.reply, subscribers_[s]);
  for (Slot b = account.first_bucket; b != none; b = buckets_[b].next)
    header.bucket_count += append(op.payload, op.reply, buckets_[b]);
  std::uint32_t shown = 0;
  for (Slot s = account.first_subscriber; s != none && shown < header.subscriber_count;
       s = subscribers_[s].next, ++shown) {
    for (Slot t = subscribers_[s].other; t != none; t = texts_[t].next) {
      OperatorIdentity identity;
      identity.type = static_cast<rating::IdentityType>(texts_[t].type);
      identity.size = static_cast<std::uint8_t>(texts_[t].size);
      std::memcpy(identity.text, texts_[t].bytes, identity.size);
      header.identity_count += append(op.payload, op.reply, identity);
    }
  }
  std::memcpy(op.payload.data(), &header, sizeof header);
  op.reply.payload_items = 1;
}

// From the cursor-th session on; reply.id: the next cursor, none at the end.
void Shard::list_sessions(Operation& op) {
  std::uint32_t at = 0;
  op.reply.id = none;
  for (Slot s = accounts_[op.account].first_session; s != none; s = sessions_[s].next, ++at) {
    if (at < op.request.cursor) continue;
    SessionRow row;
    row.session = s;
    row.state = sessions_[s];
    row.groups = row.state.group_count;
    if (row.state.id_tail != none) {
      const Text& tail = texts_[row.state.id_tail];
      row.id_tail_bytes = tail.size;
      std::memcpy(row.id_tail, tail.bytes, tail.size);
    }
    if (row.state.first_group != none) row.first_group = groups_[row.state.first_group];
    if (!append(op.payload, op.reply, row)) {
      op.reply.id = at;
      return;
    }
    ++op.reply.payload_items;
  }
}

void Shard::session_operation(Operation& op) {
  const OperatorRequest& r = op.request;
  Slot slot = none;
  for (const auto application : {std::uint8_t{1}, std::uint8_t{2}}) {
    if (slot == none)
      slot = find_session(hash_bytes(r.session_id, application), r.session_id, application);
  }
  if (slot == none || sessions_[slot].state != SessionState::open) {
    op.reply.result = Result::not_found;
    return;
  }
  op.account = sessions_[slot].account;
  op.subscriber = sessions_[slot].subscriber;
  op.outcome.session = slot;
  if (r.kind == OperatorKind::abort_session) {
    end_session(slot, SessionState::lost, r.now, op.outcome);
    return;
  }
  ask_push(slot, edit(sessions_, slot), r.flag, r.rating_group, r.now, op.outcome);
}

}  // namespace levy::shard
