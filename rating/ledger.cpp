// Ledger: order of use, movements, releases, expiry.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
#include "rating/ledger.hpp"

#include <algorithm>

#include "engine/base/check.hpp"
#include "rating/counters.hpp"

namespace levy::rating {
namespace {

bool used_before(const Bucket& a, const Bucket& b) {
  const bool a_wallet = (a.flags & bucket_main_wallet) != 0;
  const bool b_wallet = (b.flags & bucket_main_wallet) != 0;
  if (a_wallet != b_wallet) return b_wallet;
  if (a_wallet && (a.owner == none) != (b.owner == none)) return a.owner == none;
  if (a.priority != b.priority) return a.priority > b.priority;
  if (a.rank != b.rank) return a.rank < b.rank;
  const std::uint32_t a_end = a.ends_at == 0 ? UINT32_MAX : a.ends_at;
  const std::uint32_t b_end = b.ends_at == 0 ? UINT32_MAX : b.ends_at;
  return a_end < b_end;
}

std::uint32_t index_of(const AccountView& account, Slot slot) {
  std::uint32_t i = 0;
  while (i < account.bucket_count && account.slots[i] != slot) ++i;
  LEVY_CHECK(i < account.bucket_count, slot,
             account.bucket_count);  // a reservation pins its bucket
  return i;
}

}  // namespace

Ledger::Ledger(AccountView& account, ChargeResult& result, Time now)
    : account_(account), result_(result), now_(now.seconds()) {
  LEVY_CHECK(account.bucket_count <= limits::view_buckets_max, account.bucket_count);
  // Insertion sort: stable, so ties stay oldest first; accounts hold a handful of buckets.
  for (std::uint32_t i = 0; i < account.bucket_count; ++i) {
    const Bucket& next = *account.buckets[i];
    std::uint32_t at = i;
    for (; at > 0 && used_before(next, *account.buckets[order_[at - 1]]); --at)
      order_[at] = order_[at - 1];
    order_[at] = static_cast<std::uint8_t>(i);
  }
}

void Ledger::move_at(MovementKind kind, std::uint32_t index, std::int64_t amount,
                     std::uint8_t mscc) {
  apply_movement(*account_.buckets[index], account_.slots[index], kind, amount, mscc, result_);
}

void Ledger::spend(std::uint32_t i, std::int64_t amount, Group& group, std::uint8_t mscc) {
  std::int64_t left = amount;
  for (Reservation& r : group.reservations) {
    if (r.bucket != slot(i) || r.amount == 0 || left == 0) continue;
    const std::int64_t part = std::min(r.amount, left);
    move(MovementKind::release, i, part, mscc);
    r.amount -= part;
    if (r.amount == 0) r.bucket = none;
    left -= part;
  }
  move(MovementKind::spend, i, amount, mscc);
}

void apply_movement(Bucket& bucket, Slot slot, MovementKind kind, std::int64_t amount,
                    std::uint8_t mscc, ChargeResult& result) {
  LEVY_CHECK(amount > 0, amount);
  std::int64_t* sum = nullptr;
  std::int64_t sign = 1;
  switch (kind) {
    case MovementKind::credit:
      sum = &bucket.credits;
      break;
    case MovementKind::expire:
      sum = &bucket.credits;
      sign = -1;
      break;
    case MovementKind::spend:
      sum = &bucket.spent;
      break;
    case MovementKind::write_off:
      sum = &bucket.written_off;
      break;
    case MovementKind::reserve:
      sum = &bucket.reserved;
      break;
    case MovementKind::release:
      sum = &bucket.reserved;
      sign = -1;
      break;
    case MovementKind::send:
      sum = &bucket.in_transit;
      break;
    case MovementKind::arrive:
    case MovementKind::come_back:
      sum = &bucket.in_transit;
      sign = -1;
      break;
  }
  if (amount > bucket_sum_max || (sign > 0 && *sum > bucket_sum_max - amount) ||
      result.movement_count == limits::movements_max) {
    result.overflow = true;
    return;
  }
  *sum += sign * amount;
  if (kind == MovementKind::arrive) bucket.credits -= amount;
  result.movements[result.movement_count++] = Movement{kind, mscc, 0, slot, amount};
}

void release_group(Group& group, AccountView& account, ChargeResult& result, std::uint8_t mscc) {
  for (Reservation& r : group.reservations) {
    if (r.amount == 0) continue;
    Bucket& bucket = *account.buckets[index_of(account, r.bucket)];
    LEVY_CHECK(bucket.reserved >= r.amount, bucket.reserved, r.amount);
    apply_movement(bucket, r.bucket, MovementKind::release, r.amount, mscc, result);
    r = Reservation{};
  }
  release_holds(account, group);
  group.granted = 0;
  group.flags = static_cast<std::uint8_t>(group.flags &
                                          ~(group_has_grant | group_final | group_pooled));
}

void expire_buckets(AccountView& account, Time now, ChargeResult& result) {
  for (std::uint32_t i = 0; i < account.bucket_count; ++i) {
    Bucket& b = *account.buckets[i];
    if (!bucket_ended(b, now) || b.free() <= 0) continue;
    apply_movement(b, account.slots[i], MovementKind::expire, b.free(), 0xff, result);
  }
}

}  // namespace levy::rating
