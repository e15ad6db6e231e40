// Ledger: the only code that changes a bucket's sums, each change with its Movement; and the
// order in which an account's buckets are used.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
//
// Internal to rating/, but for apply_movement(), by which products change buckets too. Invariant:
// applying the movements in order to a copy of the buckets gives the buckets. A sum that would
// leave bucket_sum_max is not applied: `overflow` is set and the caller of charge() rolls
// everything back.
#pragma once

#include <array>
#include <cstdint>

#include "rating/charge.hpp"

namespace levy::rating {

// Bound of each of a bucket's five sums, so that free() cannot overflow 64 bits.
inline constexpr std::int64_t bucket_sum_max = std::int64_t{1} << 61;

class Ledger {
 public:
  Ledger(AccountView& account, ChargeResult& result, Time now);

  std::uint32_t bucket_count() const { return account_.bucket_count; }
  // The i-th bucket in the order of use: priority, rank, earliest end, oldest; main wallets
  // last, the account's before the user's own.
  const Bucket& bucket(std::uint32_t i) const { return *account_.buckets[order_[i]]; }
  Slot slot(std::uint32_t i) const { return account_.slots[order_[i]]; }
  std::uint16_t sponsor(std::uint32_t i) const { return account_.sponsors[order_[i]]; }
  AccountView& account() { return account_; }
  const AccountView& account() const { return account_; }
  std::int64_t account_credit_limit() const { return account_.credit_limit; }

  // Live, the account's or the user's own, started and not ended now; a main wallet has no term.
  bool usable(std::uint32_t i) const {
    const Bucket& b = bucket(i);
    return (b.flags & bucket_live) != 0 && (b.owner == none || b.owner == account_.user) &&
           ((b.flags & bucket_main_wallet) != 0 ||
            (b.starts_at <= now_ && (b.ends_at == 0 || now_ < b.ends_at)));
  }
  bool main_wallet(std::uint32_t i) const { return (bucket(i).flags & bucket_main_wallet) != 0; }
  // Of the wallets of one currency the last usable one owes what nobody can pay.
  bool owes(std::uint32_t i) const {
    if (!main_wallet(i) || !usable(i)) return false;
    for (std::uint32_t k = i + 1; k < bucket_count(); ++k)
      if (main_wallet(k) && usable(k) && bucket(k).currency == bucket(i).currency &&
          sponsor(k) == sponsor(i))
        return false;
    return true;
  }
  bool holds_money(std::uint32_t i, std::uint16_t currency) const {
    return bucket(i).unit == Unit::money && bucket(i).currency == currency;
  }
  std::int64_t now() const { return now_; }

  // Spends `amount`, out of the group's own reservation there first.
  void spend(std::uint32_t i, std::int64_t amount, Group& group, std::uint8_t mscc);
  void move(MovementKind kind, std::uint32_t i, std::int64_t amount, std::uint8_t mscc) {
    move_at(kind, order_[i], amount, mscc);
  }
  void overflow() { result_.overflow = true; }
  void note_version_gone() { result_.version_gone = true; }

 private:
  void move_at(MovementKind kind, std::uint32_t index, std::int64_t amount, std::uint8_t mscc);

  AccountView& account_;
  ChargeResult& result_;
  std::int64_t now_;  // unix seconds
  std::array<std::uint8_t, limits::view_buckets_max> order_;
};

// Applies one movement to its bucket and appends it to the result.
void apply_movement(Bucket& bucket, Slot slot, MovementKind kind, std::int64_t amount,
                    std::uint8_t mscc, ChargeResult& result);

// What the group holds reserved in the bucket of `slot`.
inline std::int64_t own_reserved(const Group& group, Slot slot) {
  std::int64_t sum = 0;
  for (const Reservation& r : group.reservations)
    if (r.amount != 0 && r.bucket == slot) sum += r.amount;
  return sum;
}

inline std::int64_t positive(std::int64_t value) {
  return value > 0 ? value : 0;
}

}  // namespace levy::rating
