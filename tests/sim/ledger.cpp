// Auditor: the naive ledger's rules, step by step as semantics.md tells them, and the comparison
// of the recovered Shards with it.
// Core: the simulator's only thread. Allocates: yes. Blocks: never. Clock: none.
#include <algorithm>

#include "tests/sim/auditor.hpp"

namespace levy::sim {

// What this group has reserved pays first; unit buckets before money; the wallet may go negative.
void Auditor::debit(Book& book, Share& share, const Rate& rate, std::int64_t used,
                    Expected& expected) {
  expected.used += used;
  std::int64_t rest = used;
  if (rate.counts == Counts::octets && book.has_octets && !rate.free) {
    const std::int64_t free = std::max<std::int64_t>(book.octets.free(), 0);
    const std::int64_t paid = std::min(rest, share.units + free);
    const std::int64_t own = std::min(paid, share.units);
    share.units -= own;
    book.octets.reserved -= own;
    book.octets.spent += paid;
    expected.by_bucket += paid;
    rest -= paid;
  }
  const std::int64_t due =
      naive_price(rate, share.total + rest) - naive_price(rate, share.total);
  share.total += rest;
  const std::int64_t own = std::min(due, share.money);
  share.money -= own;
  book.wallet.reserved -= own;
  book.wallet.spent += due;
  expected.charged += due;
}

void Auditor::release(Book& book, Share& share) {
  book.wallet.reserved -= share.money;
  book.octets.reserved -= share.units;
  share.money = share.units = share.granted = 0;
  share.standing = share.final = false;
}

// Boundary by boundary, as far as the free credit goes.
void Auditor::grant(Book& book, Share& share, const Rate& rate, std::int64_t wanted,
                    Expected& expected) {
  std::int64_t from_bucket = 0;
  bool next_payable = rate.free;
  std::int64_t to = share.total;
  std::int64_t cost = 0;
  if (rate.free) {
    to += wanted;
  } else {
    if (rate.counts == Counts::octets && book.has_octets) {
      from_bucket = std::min(wanted, std::max<std::int64_t>(book.octets.free(), 0));
      next_payable = book.octets.free() > from_bucket;
    }
    const std::int64_t rest = wanted - from_bucket;
    const std::int64_t credit = book.wallet.free();
    const auto price = [&](std::int64_t total) { return naive_price(rate, total); };
    const std::int64_t first = (share.total / rate.step + 1) * rate.step;
    if (!next_payable && credit >= 0) {
      for (std::int64_t b = first; rest > 0 && price(b) - price(share.total) <= credit;
           b += rate.step) {
        to = b;
        if (b - share.total >= rest) break;
      }
      cost = price(to) - price(share.total);
      const std::int64_t next = to == share.total ? first : to + rate.step;
      next_payable = price(next) - price(to) <= credit - cost;
    }
  }
  const std::int64_t units = from_bucket + (to - share.total);
  if (units == 0) {
    expected.reason = rating::Reason::no_credit;
    return;
  }
  share.units = from_bucket;
  share.money = cost;
  book.octets.reserved += from_bucket;
  book.wallet.reserved += cost;
  share.granted = units;
  share.standing = true;
  share.final = !next_payable;
  expected.sent = true;
  expected.granted = units;
  expected.final = share.final;
}

// An update that a later one has overtaken: that one's grant stands.
bool Auditor::older(const Request& request, const Share& share) {
  return request.type == 2 && share.standing && request.number < share.set_by;
}

// Pass 3 for one MSCC.
void Auditor::decide(Instance& instance, Book& book, const Request& request, std::size_t i,
                     std::uint16_t version, Expected& expected) {
  const Request::Row& row = request.rows[i];
  const RateTable& table = rates(version);
  if (!table.contains(row.rating_group)) {
    expected.reason = rating::Reason::rating_failed;
    return;
  }
  if (request.type == 3) return;
  const Rate& rate = table.at(row.rating_group);
  if (!book.active || rate.barred) {
    expected.reason = rating::Reason::denied;
    return;
  }
  Share& share = share_of(instance, row.rating_group);
  if (older(request, share)) {
    expected.sent = true;  // an older number: the standing grant again
    expected.granted = share.granted;
    expected.final = share.final;
    return;
  }
  if (row.asked == not_sent) return;
  std::int64_t wanted = std::min(row.asked, rate.grant_max);
  if (rate.free) wanted = rate.grant_max;
  else if (wanted == 0) wanted = request.type == 1 || share.version == 0 ? rate.first : rate.later;
  grant(book, share, rate, wanted, expected);
  if (!share.standing) return;
  share.version = version;
  share.set_by = request.number;
}

void Auditor::work_out_event(Book& book, const Request& request, std::uint16_t version,
                             std::vector<Expected>& expected) {
  const Rate& rate = rates(version).at(request.rows[0].rating_group);
  const std::int64_t units = std::max<std::int64_t>(request.rows[0].asked, 1);
  if (!book.active) {
    expected[0].reason = rating::Reason::denied;
  } else if (naive_price(rate, units) > book.wallet.free()) {
    expected[0].reason = rating::Reason::no_credit;
  } else {
    Share alone;
    debit(book, alone, rate, units, expected[0]);
    expected[0].sent = true;
    expected[0].granted = units;
  }
}

// The group's share, made at its first mention.
Auditor::Share& Auditor::share_of(Instance& instance, std::uint32_t rating_group) {
  const auto [found, fresh] = instance.shares.try_emplace(rating_group);
  if (fresh) found->second.place = instance.shares.size();
  return found->second;
}

std::vector<Auditor::Expected> Auditor::work_out(Instance& instance, Book& book,
                                                 const Request& request, std::uint16_t version) {
  std::vector<Expected> expected(request.rows.size());
  if (request.type == 4) {
    work_out_event(book, request, version, expected);
    return expected;
  }
  for (std::size_t i = 0; i < request.rows.size(); ++i) {
    const Request::Row& row = request.rows[i];
    if (rates(version).contains(row.rating_group)) share_of(instance, row.rating_group);
    if (row.used <= 0) continue;
    if (!rates(version).contains(row.rating_group)) {
      expected[i].used = row.used;  // recorded as unrated
      continue;
    }
    Share& share = share_of(instance, row.rating_group);
    // Usage is rated under the version of the grant that it consumes.
    const std::uint16_t under = share.version == 0 ? version : share.version;
    // An older number leaves the standing grant its whole reservation: the free credit pays.
    Share kept = share;
    if (older(request, share)) share.money = share.units = 0;
    debit(book, share, rates(under).at(row.rating_group), row.used, expected[i]);
    if (!older(request, kept)) continue;
    share.money = kept.money;
    share.units = kept.units;
  }
  for (const Request::Row& row : request.rows) {
    const auto share = instance.shares.find(row.rating_group);
    if (share == instance.shares.end()) continue;
    if (!older(request, share->second)) release(book, share->second);
  }
  for (std::size_t i = 0; i < request.rows.size(); ++i)
    decide(instance, book, request, i, version, expected[i]);
  return expected;
}

// ---- the recovered state ---------------------------------------------------------------------

namespace {

// All live slots of one pool, by the walk that snapshots use.
template <class T>
std::map<Slot, T> slots_of(const shard::Shard& shard, shard::PoolId pool) {
  std::map<Slot, T> found;
  alignas(64) std::uint8_t bytes[8192];
  shard::SnapshotCursor cursor{static_cast<std::uint8_t>(pool), 0};
  while (cursor.pool == static_cast<std::uint8_t>(pool)) {
    const shard::SnapshotChunk chunk = shard.copy_slots(cursor, bytes);
    for (std::uint32_t i = 0; i < chunk.count; ++i) {
      T item;
      std::memcpy(static_cast<void*>(&item), bytes + i * sizeof(T), sizeof(T));
      found.emplace(chunk.first + i, item);
    }
  }
  return found;
}

Purse purse_of(const rating::Bucket& b) {
  return {b.credits, b.spent, b.reserved, b.in_transit};
}

std::string text_of(const Purse& p) {
  return "credits " + std::to_string(p.credits) + " spent " + std::to_string(p.spent) +
         " reserved " + std::to_string(p.reserved) + " in transit " + std::to_string(p.in_transit);
}

}  // namespace

// The sums of the Records' movements are the bucket.
void Auditor::check_bucket(std::uint8_t shard, Slot slot, const rating::Bucket& bucket) const {
  const auto found = moved_.find({shard, slot});
  const Purse moved = found == moved_.end() ? Purse{} : purse_of(found->second);
  require(moved == purse_of(bucket), "the movements of a bucket are not its sums: " +
                                         text_of(moved) + " against " + text_of(purse_of(bucket)));
}

void Auditor::check_state(const std::vector<const shard::Shard*>& shards) const {
  std::size_t accounts = 0;
  for (const shard::Shard* shard : shards) {
    const std::uint8_t number = shard->id().value;
    require(shard->totals().law_violations == 0, "the law does not hold in a recovered Shard");
    const auto buckets = slots_of<rating::Bucket>(*shard, shard::PoolId::bucket);
    const auto products = slots_of<shard::Product>(*shard, shard::PoolId::product);
    for (const auto& [slot, bucket] : buckets) check_bucket(number, slot, bucket);
    for (const auto& [slot, account] : slots_of<shard::Account>(*shard, shard::PoolId::account)) {
      const std::string name(account.name_text());
      const auto book = books_.find(name);
      require(book != books_.end() && book->second.shard == number && book->second.slot == slot,
              name + ": an account that the ledger does not have");
      ++accounts;
      Purse wallet, octets;
      std::vector<rating::Bucket> allowances;
      for (Slot b = account.first_bucket; b != none; b = buckets.at(b).next) {
        const rating::Bucket& bucket = buckets.at(b);
        if (bucket.product != 0) allowances.push_back(bucket);
        else (bucket.unit == rating::Unit::money ? wallet : octets) = purse_of(bucket);
      }
      std::map<std::uint16_t, shard::Product> held;
      for (Slot p = account.first_product; p != none; p = products.at(p).next)
        held[products.at(p).number] = products.at(p);
      check_products(name, book->second, held, allowances);
      require(wallet == book->second.wallet,
              name + ": the wallet is " + text_of(wallet) + ", the naive ledger says " +
                  text_of(book->second.wallet));
      require(octets == book->second.octets,
              name + ": the octets are " + text_of(octets) + ", the naive ledger says " +
                  text_of(book->second.octets));
      require((account.status == shard::AccountStatus::active) == book->second.active,
              name + ": another status");
    }
    std::size_t sessions = 0;
    for (const auto& [slot, session] : slots_of<shard::Session>(*shard, shard::PoolId::session)) {
      const auto found = instances_.find({number, slot});
      require(found != instances_.end(), "a session that the ledger does not have");
      require((session.state == shard::SessionState::open) == found->second.open,
              found->second.session + ": open in one ledger only");
      ++sessions;
    }
    require(sessions == static_cast<std::size_t>(std::count_if(
                            instances_.begin(), instances_.end(),
                            [&](const auto& i) { return i.first.first == number; })),
            "a session of the ledger is missing");
  }
  require(accounts == books_.size(), "an account of the ledger is missing");
}

void Auditor::check_settled() const {
  for (const auto& [name, book] : books_) {
    require(book.wallet.reserved == 0 && book.octets.reserved == 0,
            name + ": money stays reserved though every session has ended");
    require(book.wallet.in_transit == 0, name + ": money stays in transit");
  }
}

}  // namespace levy::sim
