// Shard: operators put money and units into an account, and correct what is in it.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
#include <algorithm>

#include "engine/shard/pools.hpp"

namespace levy::shard {

using rating::MovementKind;
using Result = OperatorResult;

// Whether the account, or (owner) one of its subscribers, has a bucket of the kind.
bool Shard::holds_kind(const Account& account, std::uint16_t kind, Slot owner) const {
  for (Slot b = account.first_bucket; b != none; b = buckets_[b].next) {
    if (kind != 0 && buckets_[b].kind == kind && buckets_[b].owner == owner) return true;
  }
  return false;
}

// The subscriber whose bucket the request means; none: the account's, or it has no such one.
Slot Shard::owner_of(const Operation& op) const {
  const OperatorRequest& r = op.request;
  if (!r.own || r.identity_count == 0 || r.identity_count > r.identities.size()) return none;
  return find_holder(accounts_[op.account], r.identities[r.identity_count - 1u]);
}

// false: the account has no such subscriber.
bool Shard::find_owner(Operation& op, Slot& owner) const {
  owner = owner_of(op);
  if (op.request.own && owner == none) op.reply.result = Result::not_found;
  return !op.request.own || owner != none;
}

void Shard::create_bucket(Operation& op) {
  const OperatorRequest& r = op.request;
  Slot owner = none;
  if (!find_owner(op, owner)) return;
  const Account& account = accounts_[op.account];
  const bool own_wallet = r.own && r.bucket_kind == 0;
  if (own_wallet ? find_wallet(account, r.currency, owner) != none
                 : holds_kind(account, r.bucket_kind, owner))
    op.reply.result = Result::unchanged;
  else
    credit(op, r.bucket(), owner);
}

// A top-up: into the wallet of its currency, or into the bucket of its kind with the same end (a
// new one when there is none); the account's, or those of `owner`.
void Shard::credit(Operation& op, const OperatorBucket& what, Slot owner) {
  const std::int64_t amount_max =
      what.unit == rating::Unit::money ? limits::balance_micros_max : limits::units_max;
  if (what.amount < 0 || what.amount > amount_max || what.step == 0) {
    op.reply.result = Result::invalid;
    return;
  }
  Slot target = none;
  if (what.kind == 0) {
    target = find_wallet(accounts_[op.account], what.currency, owner);
  } else {
    for (Slot b = accounts_[op.account].first_bucket; b != none; b = buckets_[b].next) {
      const rating::Bucket& bucket = buckets_[b];
      if (bucket.kind == what.kind && bucket.ends_at == what.ends_at &&
          bucket.starts_at == what.starts_at && bucket.owner == owner)
        target = b;
    }
  }
  if (target == none) {
    rating::Bucket fresh;
    fresh.kind = what.kind;
    fresh.unit = what.unit;
    fresh.currency = what.unit == rating::Unit::money ? what.currency : std::uint16_t{0};
    fresh.priority = what.kind == 0 ? std::int16_t{0} : what.priority;
    fresh.step = what.step;
    fresh.starts_at = what.starts_at;
    fresh.ends_at = what.ends_at;
    fresh.owner = owner;
    if (what.kind == 0) fresh.flags = rating::bucket_main_wallet;
    target = add_bucket(accounts_[op.account], op.account, fresh);
    if (target == none) {
      op.reply.result = Result::full;
      return;
    }
  }
  rating::Bucket& bucket = edit(buckets_, target);
  if (bucket.credits > amount_max - what.amount) {
    op.reply.result = Result::invalid;
    return;
  }
  bucket.credits += what.amount;
  if (what.amount != 0) move(op.outcome, MovementKind::credit, target, what.amount);
}

// A signed correction of a wallet; what is reserved stays reserved.
void Shard::adjust(Operation& op) {
  const std::int64_t amount = op.request.amount;
  Slot owner = none;
  if (!find_owner(op, owner)) return;
  const Slot wallet = find_wallet(accounts_[op.account], op.request.currency, owner);
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
  if (r.amount > limits::balance_micros_max || r.amount < -limits::balance_micros_max) {
    op.reply.result = Result::invalid;
    return;
  }
  const Slot wallet = find_wallet(accounts_[op.account], r.currency);
  if (wallet == none) return credit(op, r.bucket(), none);
  const std::int64_t change = checked_sub(r.amount, buckets_[wallet].free());
  if (change == 0) {
    op.reply.result = Result::unchanged;
    return;
  }
  rating::Bucket& bucket = edit(buckets_, wallet);
  bucket.credits = checked_add(bucket.credits, change);
  if (change > 0)
    move(op.outcome, MovementKind::credit, wallet, change);
  else
    move(op.outcome, MovementKind::expire, wallet, -change);
}

// Suspended products go on, and sessions that had to stop for want of credit are asked to come
// back.
void Shard::money_came(Operation& op) {
  const rating::Plan* plan = newest(accounts_[op.account].plan);
  const bool topped_up = (op.request.kind == OperatorKind::credit && op.request.bucket_kind == 0 &&
                          op.request.amount > 0) ||
                         op.request.kind == OperatorKind::transfer_in;
  const bool expired =
      life_of(accounts_[op.account], plan, op.request.now).phase != LifePhase::valid;
  if (topped_up && plan != nullptr && accounts_[op.account].valid_until != 0)
    extend_life(op.account, plan->topup_extends, op.request.now);
  if (!resume_products(op.account, op.request.now, op.outcome)) op.reply.result = Result::full;
  wake_sessions(op.account, !expired, op.request.now, op.outcome);
}

}  // namespace levy::shard
