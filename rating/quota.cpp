// Quota: unit buckets in whole steps, then money up to the furthest step boundary it pays.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
#include "rating/quota.hpp"

#include <algorithm>

#include "rating/counters.hpp"
#include "rating/price.hpp"

namespace levy::rating {
namespace {

void add_part(Offer& offer, std::uint32_t bucket, std::int64_t amount) {
  for (std::uint32_t k = 0; k < offer.part_count; ++k) {
    if (offer.parts[k].bucket != bucket) continue;
    offer.parts[k].amount += amount;  // the fee stands there already
    return;
  }
  offer.parts[offer.part_count++] = Part{bucket, amount};
}

// A unit bucket that can pay: what it has in whole steps, and the service units that this buys.
// Without initial values: an array of it is filled up to its count only.
struct Store {
  std::uint32_t bucket;  // in the ledger's order of use
  Weight weight;
  std::int64_t step;
  std::int64_t whole;
  Int128 buys;  // > 0
};
struct Stores {
  std::uint32_t count = 0;
  Int128 buys = 0;  // the sum
  std::array<Store, limits::buckets_per_account_max> rows;
};

void open_stores(const Ledger& ledger, const Payers& payers, Stores& stores) {
  for (std::uint32_t i = 0; i < ledger.bucket_count(); ++i) {
    const Bucket& bucket = ledger.bucket(i);
    if (payers.out_of_question(bucket) || !ledger.usable(i)) continue;
    const Weight weight = payers.weight_of(bucket);
    if (!weight.free_too) continue;
    const std::int64_t step = std::max<std::int64_t>(bucket.step, 1);
    const std::int64_t whole = positive(bucket.free()) / step * step;
    const Int128 buys = weight.buys(whole);
    if (buys == 0) continue;
    stores.rows[stores.count++] = Store{i, weight, step, whole, buys};
    stores.buys += buys;
  }
}

// Takes `rest` units from unit buckets, no more than the share; true: more could be bought there.
bool offer_units(const Ledger& ledger, const Payers& payers, const Wish& wish, std::int64_t& rest,
                 Offer& offer) {
  Stores stores;
  open_stores(ledger, payers, stores);
  const Int128 total = stores.buys;  // service units
  const Int128 share = wish.all_or_nothing ? total : total * wish.share_permille / 1000;
  Int128 bought_sum = 0;
  Int128 left = total;
  for (std::uint32_t k = 0; k < stores.count && rest > 0; ++k) {
    const Store& store = stores.rows[k];
    if (offer.part_count == wish.buckets_max) break;
    const Weight& weight = store.weight;
    auto paid = static_cast<std::int64_t>(std::min(store.buys, Int128{rest}));
    std::int64_t taken = weight.cost(paid, store.step);
    const Int128 allowed = share - bought_sum;
    const bool capped = weight.buys(taken) > allowed;
    if (capped) {  // the share never forbids the first step
      const std::int64_t below = weight.cost_below(allowed, store.step);
      paid = static_cast<std::int64_t>(std::min(weight.buys(below), Int128{paid}));
      if (paid == 0 && bought_sum == 0 && offer.units == 0) {
        taken = weight.cost(1, store.step);
        paid = static_cast<std::int64_t>(std::min(weight.buys(taken), Int128{rest}));
      }
      if (paid == 0) break;
      taken = weight.cost(paid, store.step);
    }
    add_part(offer, store.bucket, taken);
    const Int128 bought = weight.buys(taken);
    bought_sum += bought;
    left -= store.buys - weight.buys(store.whole - taken);
    rest -= paid;
    offer.units += paid;
    offer.next_payable |= bought > paid;
    if (capped) break;
  }
  return left > 0;
}

// The money buckets that can pay, in order of use.
struct Purse {
  std::uint32_t count = 0;
  std::array<Part, limits::buckets_per_account_max> parts;  // amount: what is free there
  Int128 all = 0;                                           // their sum
  bool in_debt = false;  // the main wallet lies below its floor: nothing more until a top-up
};

// No more than `money_max` in sum.
void open_purse(const Ledger& ledger, const Payers& payers, std::int64_t money_max, Purse& purse) {
  for (std::uint32_t i = 0; i < ledger.bucket_count(); ++i) {
    if (!payers.may_ask(ledger, i) || !ledger.usable(i)) continue;
    if (!payers.may_pay(ledger.bucket(i))) continue;
    std::int64_t free = ledger.bucket(i).free();
    if (ledger.owes(i)) {
      free += payers.credit_limit(ledger);
      purse.in_debt |= free < 0;
    }
    free = static_cast<std::int64_t>(std::min<Int128>(free, money_max - purse.all));
    if (free <= 0) continue;
    purse.parts[purse.count++] = Part{i, free};
    purse.all += free;
  }
}

// Keeps the first `count` parts, or, where those are too small, the `count` largest in order.
Int128 narrow(Purse& purse, std::uint32_t count, bool largest) {
  while (purse.count > count) {
    std::uint32_t out = purse.count - 1;
    if (largest)
      for (std::uint32_t i = 0; i < purse.count; ++i)
        if (purse.parts[i].amount < purse.parts[out].amount) out = i;
    for (std::uint32_t i = out; i + 1 < purse.count; ++i) purse.parts[i] = purse.parts[i + 1];
    --purse.count;
  }
  Int128 sum = 0;
  for (std::uint32_t i = 0; i < purse.count; ++i) sum += purse.parts[i].amount;
  return sum;
}

// The first boundary after `total` that money can buy. A remainder already paid is one; the
// remainder of a step that was written off is not.
std::int64_t first_boundary(const Price& price, std::int64_t total, bool unpaid) {
  const std::int64_t first = boundary_at_or_after(price, total + 1);
  return unpaid && !on_boundary(price, total) ? boundary_at_or_after(price, first + 1) : first;
}

// How far money carries the running total: a boundary at or after first, or `total` for nothing.
std::int64_t money_end(const Price& price, std::int64_t total, std::int64_t first,
                       std::int64_t rest, Int128 reachable, Int128 share, const Wish& wish,
                       const Offer& offer) {
  std::int64_t end = std::max(boundary_at_or_after(price, total + rest), first);
  if (price.stop_at != 0 && end > price.stop_at) {
    end = price.stop_at;
    if (end < first) return total;
  }
  if (wish.all_or_nothing) {
    const std::int64_t to = furthest_boundary(price, total, end, reachable);
    if (to < total + rest || to < first) return total;
    return offer.units + (to - total) <= wish.units_max ? to : total + rest;
  }
  std::int64_t to = furthest_boundary(price, total, end, std::min(reachable, share));
  if (to < first && offer.units == 0)  // the share never forbids the first step
    to = furthest_boundary(price, total, first, reachable);
  if (to < first) return total;
  const std::int64_t room = wish.units_max - offer.units;
  if (to - total <= room) return to;
  const std::int64_t capped = boundary_at_or_before(price, total + positive(room));
  if (capped >= first) return capped;
  return offer.units > 0 ? total : first;  // a step wider than grant_max is granted whole
}

// Takes the fee out of the purse, in order of use; false: it does not fit.
bool offer_fee(std::int64_t fee, const Wish& wish, Purse& purse, Offer& offer) {
  if (purse.in_debt || purse.all < fee) return false;
  purse.all -= fee;
  for (std::uint32_t i = 0; i < purse.count && fee > 0; ++i) {
    if (offer.part_count == wish.buckets_max) return false;
    const std::int64_t taken = std::min(fee, purse.parts[i].amount);
    add_part(offer, purse.parts[i].bucket, taken);
    purse.parts[i].amount -= taken;
    fee -= taken;
  }
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < purse.count; ++i)
    if (purse.parts[i].amount > 0) purse.parts[kept++] = purse.parts[i];
  purse.count = kept;
  return true;
}

// Places for the parts of `chosen` beside those that the offer has: its own buckets need none.
std::uint32_t places_left(const Purse& purse, const Wish& wish, const Offer& offer) {
  std::uint32_t places = wish.buckets_max - offer.part_count;
  for (std::uint32_t k = 0; k < offer.part_count && purse.count != 0; ++k)
    if (offer.parts[k].bucket == purse.parts[0].bucket) ++places;  // the fee's last, used first
  return places;
}

void offer_money(const Payers& payers, const Group& group, const Wish& wish, std::int64_t rest,
                 Purse& purse, Offer& offer) {
  const Price& price = payers.price();
  const std::int64_t total = payers.total() + (payers.accumulates() ? offer.units : 0);
  const bool unpaid = (group.flags & group_unpaid) != 0;
  const std::int64_t first = first_boundary(price, total, unpaid);
  if (purse.in_debt && !costs_nothing(price)) return;
  std::int64_t to = total;
  if (rest > 0) {
    const std::uint32_t places = places_left(purse, wish, offer);
    const Int128 share = purse.all * wish.share_permille / 1000;
    Purse chosen = purse;
    to = money_end(price, total, first, rest, narrow(chosen, places, false), share, wish, offer);
    if (to == total && purse.count > places && (wish.all_or_nothing || offer.units == 0)) {
      chosen = purse;
      const Int128 reachable = narrow(chosen, wish.buckets_max - offer.part_count, true);
      to = money_end(price, total, first, rest, reachable, share, wish, offer);
    }
    Int128 cost = price_exact(price, to) - price_exact(price, total);
    purse.all -= cost;
    for (std::uint32_t i = 0; i < chosen.count && cost > 0; ++i) {
      const Int128 taken = std::min<Int128>(cost, chosen.parts[i].amount);
      add_part(offer, chosen.parts[i].bucket, static_cast<std::int64_t>(taken));
      cost -= taken;
    }
    offer.units += to - total;
  }
  const std::int64_t next = to == total ? first : first_boundary(price, to, false);
  if (price.stop_at != 0 && next > price.stop_at) return;
  offer.next_payable |= price_exact(price, next) - price_exact(price, to) <= purse.all;
}

}  // namespace

void make_offer(const Ledger& ledger, const Payers& payers, const Group& group, const Wish& asked,
                Offer& offer) {
  const Price& price = payers.price();
  const Room room = room_of(ledger, payers);
  Wish wish = asked;
  wish.units = std::min(asked.units, room.units);
  wish.money_max = std::min(asked.money_max, room.money);
  offer.units = 0;
  offer.part_count = 0;
  offer.next_payable = price.free && wish.units < room.units;
  if (wish.units == 0 || (wish.all_or_nothing && wish.units < asked.units)) return;
  if (price.free) {
    offer.units = wish.units;
    return;
  }
  const std::int64_t fee = (group.flags & group_connected) == 0 ? price.connect_fee : 0;
  Purse purse;
  if (!price.none) open_purse(ledger, payers, wish.money_max, purse);
  if (fee != 0 && !offer_fee(fee, wish, purse, offer)) {
    offer.part_count = 0;
    return;
  }
  offer.units = std::min(group.bucket_ahead, wish.units);  // already paid by a bucket's step
  offer.next_payable = group.bucket_ahead > offer.units;
  std::int64_t rest = wish.units - offer.units;
  const bool steps_left = offer_units(ledger, payers, wish, rest, offer);
  offer.next_payable |= steps_left;
  if (!price.none && !steps_left) offer_money(payers, group, wish, rest, purse, offer);
  if (offer.units == 0 || (wish.all_or_nothing && offer.units < wish.units)) {
    offer.units = 0;
    offer.part_count = 0;
  }
  // A step that goes beyond a limit is paid in full and granted in part.
  if (offer.units < room.units) return;
  offer.units = room.units;
  offer.next_payable = false;
}

}  // namespace levy::rating
