// Shard: accounts, their buckets and the view that rating works on.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
#include <algorithm>

#include "engine/base/hash.hpp"
#include "engine/shard/pools.hpp"

namespace levy::shard {

using rating::MovementKind;

std::uint64_t pack_digits(std::string_view digits) {
  if (digits.empty() || digits.size() > 15) return 0;
  std::uint64_t packed = digits.size();
  for (const char c : digits) {
    if (c < '0' || c > '9') return 0;
    packed = packed << 4 | static_cast<unsigned>(c - '0');
  }
  return packed << (4 * (15 - digits.size()));
}

std::size_t unpack_digits(std::uint64_t packed, char* into) {
  const std::size_t size = packed >> 60;
  for (std::size_t i = 0; i < size; ++i)
    into[i] = static_cast<char>('0' + ((packed >> (56 - 4 * i)) & 15));
  return size;
}

// The newest live version that has the plan; null when none does.
const rating::PlanSet* Shard::set_of(std::uint16_t plan) const {
  const rating::PlanSet* best = nullptr;
  for (std::uint32_t i = 0; i < plan_set_count_; ++i) {
    const rating::PlanSet* set = plan_sets_[i];
    if (set == nullptr || set->find(plan) == nullptr) continue;
    if (set->version == states_[0].plan_version) return set;
    if (best == nullptr || set->version > best->version) best = set;
  }
  return best;
}

const rating::Plan* Shard::newest(std::uint16_t plan) const {
  const rating::PlanSet* set = set_of(plan);
  return set != nullptr ? set->find(plan) : nullptr;
}

// A plan in one version; null where that is no longer live, or has no such plan.
const rating::Plan* Shard::find_plan(std::uint16_t id, std::uint16_t version) const {
  for (std::uint32_t i = 0; i < plan_set_count_; ++i)
    if (plan_sets_[i] != nullptr && plan_sets_[i]->version == version)
      return plan_sets_[i]->find(id);
  return nullptr;
}

void Shard::move(Outcome& outcome, MovementKind kind, Slot bucket, std::int64_t amount) {
  rating::ChargeResult& c = outcome.charge;
  if (c.movement_count == c.movements.size()) {
    c.overflow = true;
    return;
  }
  c.movements[c.movement_count++] = rating::Movement{kind, 0xff, 0, bucket, amount};
}

// Every bucket and counter of the account, ready to change, when its products are settled; expired
// ones that hold nothing go. `user`: the subscriber of the session at hand, whose own buckets pay
// and whose counters count beside the account's. false: a product or a counter found no room (the
// view is good all the same), or there are more buckets than a view holds (import and top-up keep
// that from happening).
bool Shard::make_view(Account& account, Slot user, Time now, rating::AccountView& view,
                      Outcome& outcome) {
  const auto account_slot = static_cast<Slot>(&account - accounts_.raw(0));
  const bool settled = settle(account_slot, now, outcome);
  // A session that has ended may outlive its subscriber, whose slot may be another's.
  const bool member =
      user != none && subscribers_[user].live() && subscribers_[user].account == account_slot;
  view.user = member ? user : none;
  view.bucket_count = 0;
  view.credit_limit = account.credit_limit;
  const auto now_s = static_cast<std::uint32_t>(now.seconds());
  for (Slot b = account.first_bucket; b != none;) {
    rating::Bucket& bucket = edit(buckets_, b);
    const Slot next = bucket.next;
    const bool expired = bucket.ends_at != 0 && bucket.ends_at <= now_s &&
                         (bucket.flags & rating::bucket_main_wallet) == 0;
    const bool waits = !settled && bucket.product != 0;  // it may still roll over
    if (expired && !waits && bucket.reserved == 0 && bucket.in_transit == 0) {
      drop_bucket(account, b, outcome);
      outcome.events |= event_bucket_expired;
    } else {
      if (view.bucket_count == limits::buckets_per_account_max) return false;
      view.buckets[view.bucket_count] = &bucket;
      view.sponsors[view.bucket_count] = 0;
      view.slots[view.bucket_count++] = b;
    }
    b = next;
  }
  const bool counted = add_counters(account_slot, view.user, now, view);
  if (!counted) outcome.events |= event_pool_full;
  return settled && counted;
}

Slot Shard::find_account(std::string_view name) const {
  return account_index_.find(hash_bytes(name, 0),
                             [&](Slot a) { return accounts_[a].name_text() == name; });
}

Slot Shard::find_wallet(const Account& account, std::uint16_t currency, Slot owner) const {
  for (Slot b = account.first_bucket; b != none; b = buckets_[b].next) {
    if ((buckets_[b].flags & rating::bucket_main_wallet) != 0 && buckets_[b].owner == owner &&
        buckets_[b].currency == currency)
      return b;
  }
  return none;
}

// The account's wallet of the currency, made when it has none; none: no room.
Slot Shard::find_or_open_wallet(Slot account, std::uint16_t currency) {
  const Slot known = find_wallet(accounts_[account], currency);
  if (known != none) return known;
  rating::Bucket fresh;
  fresh.flags = rating::bucket_main_wallet;
  fresh.currency = currency;
  return add_bucket(accounts_[account], account, fresh);
}

// Appends a bucket (oldest first); none: the pool is full or the account has as many as it may.
Slot Shard::add_bucket(Account&, Slot account_slot, const rating::Bucket& bucket) {
  Account& account = edit(accounts_, account_slot);
  std::size_t count = 0;
  Slot last = none;
  for (Slot b = account.first_bucket; b != none; b = buckets_[b].next) {
    last = b;
    ++count;
  }
  if (count >= limits::buckets_per_account_max) return none;
  const Slot slot = take(buckets_);
  if (slot == none) return none;
  rating::Bucket& fresh = buckets_[slot];
  fresh = bucket;
  fresh.flags |= rating::bucket_live;
  fresh.next = none;
  if (last == none)
    account.first_bucket = slot;
  else
    edit(buckets_, last).next = slot;
  return slot;
}

void Shard::unlink_bucket(Account& account_in, Slot bucket) {
  const Slot next = buckets_[bucket].next;
  if (account_in.first_bucket == bucket) {
    const auto slot = static_cast<Slot>(&account_in - accounts_.raw(0));
    edit(accounts_, slot).first_bucket = next;
    return;
  }
  Slot before = account_in.first_bucket;
  while (buckets_[before].next != bucket) before = buckets_[before].next;
  edit(buckets_, before).next = next;
}

// A bucket that nobody holds anything of leaves the account; what is free in it expires.
void Shard::drop_bucket(Account& account, Slot bucket, Outcome& outcome) {
  book(outcome, MovementKind::expire, bucket, std::max<std::int64_t>(0, buckets_[bucket].free()));
  unlink_bucket(account, bucket);
  release(buckets_, bucket);
}

}  // namespace levy::shard
