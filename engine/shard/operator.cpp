// Shard: operators' changes and reads of accounts, subscribers and sessions.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
//
// Every change is one Record, durable before its reply; a request key makes it idempotent.
#include <algorithm>

#include "engine/base/hash.hpp"
#include "engine/shard/pools.hpp"

namespace levy::shard {

using rating::MovementKind;
using Result = OperatorResult;

std::size_t Shard::apply(const OperatorRequest& request, std::span<std::uint8_t> reply_bytes,
                         std::span<std::uint8_t> record, Outcome& outcome) {
  outcome.reset();
  settled_grants_ = 0;
  Reply reply;
  Operation op{request, reply, outcome, reply_bytes.subspan(sizeof(Reply)), none, none};
  find_meant(op);
  if (!seen_request_key(op)) {
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
    const std::string_view who(request.who), why(request.why);
    char text[sizeof request.who + sizeof request.why];
    std::memcpy(text, who.data(), who.size());
    text[who.size()] = '\n';
    std::memcpy(text + who.size() + 1, why.data(), why.size());
    Facts facts;
    facts.kind = request.kind == OperatorKind::recovered ? RecordKind::recovered
                                                         : RecordKind::operator_change;
    facts.operator_kind = request.kind;
    facts.text = {text, who.size() + 1 + why.size()};
    write_record(facts, request.now, record, outcome);
    if (request.kind == OperatorKind::create_account)
      account_index_.insert(hash_bytes(request.account_name, 0), op.account);
  } else {
    transaction_.roll_back();
    keep_tombstones();
    for (std::uint32_t i = 0; i < outcome.push_count; ++i)
      runtime_[outcome.pushes[i].session].push_outstanding = false;
    outcome.charge.movement_count = 0;
    outcome.product_count = 0;
    outcome.counter_count = 0;
    outcome.push_count = 0;
  }
  std::memcpy(reply_bytes.data(), &reply, sizeof reply);
  return sizeof reply + reply.payload_bytes;
}

namespace {

constexpr std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
  return hash ^ (hash >> 32);
}

// Whether identities say what is asked; elsewhere they only say who is meant.
bool asks_identities(OperatorKind kind) {
  return kind == OperatorKind::create_account || kind == OperatorKind::create_subscriber ||
         kind == OperatorKind::change_identity;
}

// What was asked, for telling a repeat from a reuse of the key. By which name or slot the account
// was meant is not in it: the key is the account's own (request_key). A digest of the asker stands
// for all values: only it knows what the clock has added to them. `owner`: see owner_of().
std::uint64_t request_digest(const OperatorRequest& r, Slot owner) {
  std::uint64_t h = mixed(0, static_cast<std::uint64_t>(r.kind));
  if (owner != none) h = mixed(h, owner);
  h = mixed(h, stable_hash(r.to_account));
  if (r.digest != 0) return mixed(h, r.digest);
  for (const std::uint64_t value :
       {static_cast<std::uint64_t>(r.amount), static_cast<std::uint64_t>(r.credit_limit),
        std::uint64_t{r.currency}, std::uint64_t{r.bucket_kind}, std::uint64_t{r.plan},
        static_cast<std::uint64_t>(r.status), static_cast<std::uint64_t>(r.unit),
        std::uint64_t{r.starts_at}, std::uint64_t{r.ends_at}})
    h = mixed(h, value);
  if (r.kind == OperatorKind::set_segment || r.kind == OperatorKind::set_friend)
    h = mixed(mixed(h, stable_hash(r.name)), r.flag);
  for (std::size_t i = 0; i < r.bucket_count && r.kind == OperatorKind::create_account; ++i)
    h = mixed(mixed(h, r.buckets[i].kind + (r.buckets[i].own ? 0x10000u : 0u)),
              static_cast<std::uint64_t>(r.buckets[i].amount));
  for (std::size_t i = 0; i < r.identity_count && asks_identities(r.kind); ++i)
    h = mixed(
        h, stable_hash(r.identities[i].view()) + static_cast<std::uint64_t>(r.identities[i].type));
  return h;
}

// Keys are per account: no Shard knows the keys of another, so that a wider promise would hold or
// not by the place of the accounts. Never 0.
std::uint64_t request_key(const OperatorRequest& r, std::string_view account) {
  return mixed(stable_hash(account), stable_hash(r.request_key)) | 1;
}

}  // namespace

bool Shard::seen_request_key(Operation& op) {
  if (op.request.request_key[0] == 0 || op.account == none) return false;
  const std::uint64_t key = request_key(op.request, accounts_[op.account].name_text());
  for (Slot s = 0; s < request_keys_.capacity(); ++s) {
    const RequestKey& known = request_keys_[s];
    if (!known.live() || known.key != key) continue;
    const bool same = known.digest == request_digest(op.request, owner_of(op));
    op.reply.result = same ? Result::unchanged : Result::key_reused;
    return true;
  }
  return false;
}

// Keys are kept for a day; expired ones make room. false: all are fresh.
bool Shard::remember_request_key(Operation& op) {
  if (op.request.request_key[0] == 0 || op.account == none) return true;
  const auto now = static_cast<std::uint32_t>(op.request.now.seconds());
  Slot slot = take(request_keys_);
  for (Slot s = 0; slot == none && s < request_keys_.capacity(); ++s) {
    if (request_keys_[s].live() && request_keys_[s].kept_until <= now) slot = s;
  }
  if (slot == none) return false;
  RequestKey& key = edit(request_keys_, slot);
  key.in_use = 1;
  key.key = request_key(op.request, accounts_[op.account].name_text());
  key.digest = request_digest(op.request, owner_of(op));
  key.kept_until = now + 86400;
  key.result = static_cast<std::uint8_t>(Result::ok);
  return true;
}

namespace {

// No other kind carries a session's id: what lies in the field is then another request's.
bool names_session(OperatorKind kind) {
  return kind == OperatorKind::reauthorize || kind == OperatorKind::abort_session ||
         kind == OperatorKind::show_session;
}

}  // namespace

// The session, account and subscriber that are meant. The directory's word for a slot is only a
// hint: the identity or name that led there must be held by what lies in the slot.
void Shard::find_meant(Operation& op) const {
  const OperatorRequest& r = op.request;
  if (names_session(r.kind)) {
    for (std::uint8_t application = 1; application <= 2 && op.session == none; ++application)
      op.session = find_session(hash_bytes(r.session_id, application), r.session_id, application);
    if (op.session == none) return;
    op.account = sessions_[op.session].account;
    op.subscriber = sessions_[op.session].subscriber;
    return;
  }
  if (r.subscriber < subscribers_.capacity()) {
    const Subscriber& subscriber = subscribers_[r.subscriber];
    if (!subscriber.live() || r.identity_count == 0 ||
        !has_identity(subscriber, r.identities[0].type, r.identities[0].view()))
      return;
    op.subscriber = r.subscriber;
    op.account = subscriber.account;
    return;
  }
  const std::string_view name(r.account_name);
  if (r.account < accounts_.capacity() && accounts_[r.account].live() &&
      accounts_[r.account].name_text() == name)
    op.account = r.account;
  else if (!name.empty())
    op.account = find_account(name);
}

namespace {

bool brings_money(OperatorKind kind) {
  return kind == OperatorKind::credit || kind == OperatorKind::create_bucket ||
         kind == OperatorKind::adjust || kind == OperatorKind::set_wallet ||
         kind == OperatorKind::set_credit_limit || kind == OperatorKind::lend;
}

}  // namespace

void Shard::operate(Operation& op) {
  const OperatorRequest& r = op.request;
  op.reply.result = Result::ok;
  if (operate_system(op)) return;
  if (r.kind == OperatorKind::create_account) return create_account(op);
  if (op.account == none) {
    op.reply.result = Result::not_found;
    return;
  }
  if (r.kind == OperatorKind::show_account || r.kind == OperatorKind::list_sessions ||
      r.kind == OperatorKind::trace) {
    operate_account(op);
    return;
  }
  // What is due comes before what is asked: a top-up must not pay for less than it would have
  // later. Where there is no room for all of it, what is asked may be what makes room.
  settle(op.account, r.now, op.outcome);
  if (!operate_account(op))
    op.reply.result = Result::invalid;
  else if (op.reply.result == Result::ok && brings_money(r.kind))
    money_came(op);
}

bool Shard::operate_account(Operation& op) {
  struct Act {
    OperatorKind kind;
    void (Shard::*member)(Operation&);
  };
  static constexpr Act acts[] = {
      {OperatorKind::create_subscriber, &Shard::create_subscriber},
      {OperatorKind::create_bucket, &Shard::create_bucket},
      {OperatorKind::delete_subscriber, &Shard::delete_subscriber},
      {OperatorKind::change_identity, &Shard::change_identity},
      {OperatorKind::adjust, &Shard::adjust},
      {OperatorKind::set_wallet, &Shard::set_wallet},
      {OperatorKind::show_account, &Shard::show_account},
      {OperatorKind::list_sessions, &Shard::list_sessions},
      {OperatorKind::transfer_out, &Shard::transfer_out},
      {OperatorKind::set_status, &Shard::set_status},
      {OperatorKind::set_plan, &Shard::set_plan},
      {OperatorKind::buy_product, &Shard::buy_product},
      {OperatorKind::end_product, &Shard::end_holding},
      {OperatorKind::set_counter, &Shard::set_counter},
      {OperatorKind::set_segment, &Shard::set_segment},
      {OperatorKind::set_friend, &Shard::set_friend},
      {OperatorKind::lend, &Shard::lend},
  };
  const OperatorRequest& r = op.request;
  for (const Act& act : acts) {
    if (act.kind != r.kind) continue;
    (this->*act.member)(op);
    return true;
  }
  switch (r.kind) {
    case OperatorKind::credit:
      if (Slot owner = none; find_owner(op, owner)) top_up(op, owner);
      return true;
    case OperatorKind::set_credit_limit:
      if (r.credit_limit < 0 || r.credit_limit > limits::balance_micros_max) return false;
      edit(accounts_, op.account).credit_limit = r.credit_limit;
      return true;
    case OperatorKind::set_validity:
      edit(accounts_, op.account).valid_until = r.ends_at != 0 ? r.ends_at : valid_for_ever;
      wake_sessions(op.account, false, r.now, op.outcome);
      return true;
    case OperatorKind::trace: {
      Slot* end = std::remove(traced_, traced_ + traced_count_, op.account);
      traced_count_ = static_cast<std::uint32_t>(end - traced_);
      if (!r.flag) return true;
      if (traced_count_ == traced_max)
        op.reply.result = Result::full;
      else
        traced_[traced_count_++] = op.account;
      return true;
    }
    default:
      return false;
  }
}

// ---- accounts and subscribers --------------------------------------------------------------

void Shard::create_account(Operation& op) {
  const OperatorRequest& r = op.request;
  const std::string_view name(r.account_name);
  if (op.account != none) {
    op.reply.result = Result::unchanged;
    return;
  }
  if (name.empty() || r.amount < -limits::balance_micros_max ||
      r.amount > limits::balance_micros_max || r.credit_limit < 0 ||
      r.credit_limit > limits::balance_micros_max || r.bucket_count > r.buckets.size()) {
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
  const Slot bucket = add_bucket(account, slot, wallet);
  if (bucket == none) {
    op.reply.result = Result::full;
    return;
  }
  if (r.amount != 0) move(op.outcome, MovementKind::credit, bucket, r.amount);
  op.account = slot;
  if (r.identity_count != 0) create_subscriber(op);
  for (std::size_t i = 0; i < r.bucket_count && op.reply.result == Result::ok; ++i) {
    const OperatorBucket& what = r.buckets[i];
    const Slot owner = what.own ? op.subscriber : none;
    if (what.own ? owner == none : what.kind == 0)
      op.reply.result = Result::invalid;  // nobody's; and the wallet has fields of its own
    else if (!holds_kind(accounts_[slot], what.kind, owner))
      credit(op, what, owner);
  }
  if (op.reply.result == Result::ok)  // `starts_at`: its running period is paid for since then
    op.reply.result = start_base_product(slot, r.starts_at, r.now, op.outcome);
}

// invalid: digits that are none, or a second IMSI or E.164 (another SIM is another subscriber).
OperatorResult Shard::set_identity(Subscriber& subscriber, const OperatorIdentity& identity) {
  using rating::IdentityType;
  if (identity.type == IdentityType::imsi || identity.type == IdentityType::e164) {
    std::uint64_t& digits = identity.type == IdentityType::imsi ? subscriber.imsi : subscriber.e164;
    const std::uint64_t packed = pack_digits(identity.view());
    if (packed == 0 || digits != 0) return Result::invalid;
    digits = packed;
    return Result::ok;
  }
  if (identity.size == 0 || identity.size > limits::identity_bytes_max ||
      identity.type == IdentityType::account_name)
    return Result::invalid;
  std::size_t held = 0;
  for (Slot t = subscriber.other; t != none; t = texts_[t].next) ++held;
  const Slot slot = held < limits::other_identities_max ? take(texts_) : none;
  if (slot == none) return Result::full;
  Text& text = texts_[slot];
  text.in_use = 1;
  text.type = static_cast<std::uint8_t>(identity.type);
  text.size = identity.size;
  std::memcpy(text.bytes, identity.text, identity.size);
  text.next = subscriber.other;
  subscriber.other = slot;
  return Result::ok;
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
    if (before == none)
      subscriber.other = texts_[t].next;
    else
      edit(texts_, before).next = texts_[t].next;
    release(texts_, t);
    return true;
  }
  return false;
}

// The subscriber of the account that has one of the identities; none: nobody there has any.
Slot Shard::find_holder(const Account& account, const OperatorIdentity& identity) const {
  for (Slot s = account.first_subscriber; s != none; s = subscribers_[s].next) {
    if (has_identity(subscribers_[s], identity.type, identity.view())) return s;
  }
  return none;
}

// A new member of the account, or further identities of a known one.
void Shard::create_subscriber(Operation& op) {
  const OperatorRequest& r = op.request;
  Slot holder = none;
  std::size_t held = 0;
  for (std::size_t i = 0; i < r.identity_count; ++i) {
    const Slot s = find_holder(accounts_[op.account], r.identities[i]);
    if (s == none) continue;
    if (holder != none && holder != s) {
      op.reply.result = Result::exists;  // they belong to different members
      return;
    }
    holder = s;
    ++held;
  }
  op.subscriber = holder;
  if (r.identity_count == 0 || held == r.identity_count) {
    op.reply.result = r.identity_count == 0 ? Result::invalid : Result::unchanged;
    return;
  }
  if (holder == none) {
    op.subscriber = take(subscribers_);
    if (op.subscriber == none) {
      op.reply.result = Result::full;
      return;
    }
    Subscriber& fresh = subscribers_[op.subscriber];
    Account& account = edit(accounts_, op.account);
    fresh.in_use = 1;
    fresh.account = op.account;
    fresh.next = account.first_subscriber;
    account.first_subscriber = op.subscriber;
    ++account.subscriber_count;
    if (!give_member(op.account, op.subscriber, r.now, op.outcome)) {
      op.reply.result = Result::full;
      return;
    }
  }
  Subscriber& subscriber = edit(subscribers_, op.subscriber);
  for (std::size_t i = 0; i < r.identity_count && op.reply.result == Result::ok; ++i) {
    if (!has_identity(subscriber, r.identities[i].type, r.identities[i].view()))
      op.reply.result = set_identity(subscriber, r.identities[i]);
  }
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
  for (Slot b = account.first_bucket; b != none; b = buckets_[b].next) {
    if (buckets_[b].owner == op.subscriber && buckets_[b].free() < 0) {
      op.reply.result = Result::insufficient;  // a debt of its own wallet: nobody would pay it
      return;
    }
  }
  for (Slot b = account.first_bucket, next = none; b != none; b = next) {
    next = buckets_[b].next;
    if (buckets_[b].owner == op.subscriber) drop_bucket(account, b, op.outcome);
  }
  Subscriber& subscriber = edit(subscribers_, op.subscriber);
  if (account.first_subscriber == op.subscriber) {
    account.first_subscriber = subscriber.next;
  } else {
    Slot before = account.first_subscriber;
    while (subscribers_[before].next != op.subscriber) before = subscribers_[before].next;
    edit(subscribers_, before).next = subscriber.next;
  }
  for (Slot c = account.first_counter; c != none;) {
    const Slot next = counters_[c].next;
    if (counters_[c].subscriber == op.subscriber) drop_counter(op.account, c);
    c = next;
  }
  --account.subscriber_count;
  for (Slot t = subscriber.other; t != none;) {
    const Slot next = texts_[t].next;
    release(texts_, t);
    t = next;
  }
  release(subscribers_, op.subscriber);
}

// identities[0] -> identities[1]; with one alone it is taken away, unless it is the last.
void Shard::change_identity(Operation& op) {
  const OperatorRequest& r = op.request;
  if (op.subscriber == none || r.identity_count < 1 || r.identity_count > 2) {
    op.reply.result = op.subscriber == none ? Result::not_found : Result::invalid;
    return;
  }
  if (r.identity_count == 2 && find_holder(accounts_[op.account], r.identities[1]) != none) {
    op.reply.result = Result::exists;
    return;
  }
  Subscriber& subscriber = edit(subscribers_, op.subscriber);
  if (!clear_identity(subscriber, r.identities[0]))
    op.reply.result = Result::not_found;
  else if (r.identity_count == 2)
    op.reply.result = set_identity(subscriber, r.identities[1]);
  else if (subscriber.imsi == 0 && subscriber.e164 == 0 && subscriber.other == none)
    op.reply.result = Result::invalid;
}

// ---- sessions ------------------------------------------------------------------------------

void Shard::session_operation(Operation& op) {
  const OperatorRequest& r = op.request;
  const Slot slot = op.session;
  if (r.kind == OperatorKind::show_session && slot != none) return show_session(op);
  if (slot == none || sessions_[slot].state != SessionState::open) {
    op.reply.result = Result::not_found;
    return;
  }
  op.outcome.session = slot;
  if (r.kind == OperatorKind::abort_session) {
    op.reply.id = 0;
    if ((sessions_[slot].flags & session_aborting) != 0) {  // the gateway has been told already
      op.reply.result = Result::unchanged;
    } else if (!ask_abort(slot, edit(sessions_, slot), r.now, op.outcome)) {
      op.reply.id = none;
      end_session(slot, SessionState::lost, r.now, op.outcome);
    }
    return;
  }
  ask_push(slot, edit(sessions_, slot), r.flag, r.rating_group, r.now, op.outcome);
}

}  // namespace levy::shard
