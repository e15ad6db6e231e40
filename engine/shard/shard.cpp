// Shard: construction, recovery, snapshot, totals.
// Core: shard. Allocates: at construction only. Blocks: never. Clock: in the command.
#include "engine/shard/shard.hpp"

#include "engine/base/hash.hpp"
#include "engine/shard/pools.hpp"

namespace levy::shard {

Shard::Shard(ShardId id, const Capacity& capacity, const Options& options, HugePages huge_pages,
             Scratch& scratch)
    : id_(id),
      options_(options),
      states_(1, HugePages::off),
      accounts_(capacity.accounts, huge_pages),
      buckets_(capacity.buckets, huge_pages),
      subscribers_(capacity.subscribers, huge_pages),
      sessions_(capacity.sessions, huge_pages),
      groups_(capacity.groups, huge_pages),
      verdicts_(capacity.verdicts, huge_pages),
      texts_(capacity.texts, huge_pages),
      hosts_(capacity.hosts, huge_pages),
      mails_(capacity.mails, huge_pages),
      request_keys_(capacity.request_keys, huge_pages),
      names_(capacity.names, huge_pages),
      products_(capacity.products, huge_pages),
      counters_(capacity.counters, huge_pages),
      ended_(capacity.sessions, huge_pages),
      ended_long_(capacity.sessions, huge_pages),
      session_index_(capacity.sessions, huge_pages),
      charging_index_(capacity.sessions, huge_pages),
      address_index_(capacity.sessions, huge_pages),
      account_index_(capacity.accounts, huge_pages),
      timers_(capacity.sessions, huge_pages),
      due_accounts_(capacity.accounts, huge_pages),
      runtime_(capacity.sessions, huge_pages),
      push_queue_(capacity.sessions + 1, huge_pages),
      audit_(capacity.buckets, huge_pages),
      audit_counters_(capacity.counters, huge_pages),
      scratch_(scratch),
      transaction_(scratch.transaction) {
  states_[0].in_use = 1;
  states_.rebuild();
}

void Shard::set_plans(const rating::PlanSet* const* sets, std::uint32_t count) {
  plan_sets_ = sets;
  plan_set_count_ = count;
}

std::uint32_t Shard::shard_seconds(Time t) const {
  return static_cast<std::uint32_t>(t.seconds()) - states_[0].downtime;
}

bool Shard::overdue(const Session& session, Time now, std::uint32_t& effective) const {
  const std::uint32_t restarts = std::uint32_t{states_[0].restarts} - session.restarts;
  effective = session.deadline + restarts * session.validity_longest;
  return effective <= shard_seconds(now);
}

// ---- recovery and snapshot -----------------------------------------------------------------

bool Shard::load_image(const ImageHeader& header, std::span<const std::uint8_t> words) {
  bool ok = false;
  for_each_pool([&](PoolId id, auto& pool) {
    if (static_cast<std::uint8_t>(id) != header.pool) return;
    using T = std::remove_reference_t<decltype(pool[0])>;
    if (header.words != sizeof(T) / 8 || header.slot >= pool.capacity()) return;
    if (header.words < 64 && (header.bitmap >> header.words) != 0) return;
    auto* item = reinterpret_cast<std::uint8_t*>(pool.raw(header.slot));
    const std::uint8_t* from = words.data();
    for (std::uint64_t left = header.bitmap; left != 0; left &= left - 1) {
      std::memcpy(item + __builtin_ctzll(left) * 8, from, 8);
      from += 8;
    }
    ok = true;
  });
  return ok;
}

bool Shard::load_slots(const SnapshotChunk& chunk, std::span<const std::uint8_t> bytes) {
  bool ok = false;
  for_each_pool([&](PoolId id, auto& pool) {
    if (static_cast<std::uint8_t>(id) != chunk.pool) return;
    using T = std::remove_reference_t<decltype(pool[0])>;
    if (chunk.slot_bytes != sizeof(T) || bytes.size() != chunk.count * sizeof(T) ||
        chunk.first > pool.capacity() || chunk.count > pool.capacity() - chunk.first)
      return;
    if (chunk.count != 0)
      std::memcpy(static_cast<void*>(pool.raw(chunk.first)), bytes.data(), bytes.size());
    ok = true;
  });
  return ok;
}

void Shard::arm_timers(Time now) {
  timers_.reset(shard_seconds(now));
  for (Slot s = 0; s < sessions_.capacity(); ++s) {
    if (!sessions_[s].live()) continue;
    std::uint32_t effective = 0;
    overdue(sessions_[s], now, effective);
    timers_.set(s, effective);
  }
}

void Shard::arm_accounts(Time now) {
  due_accounts_.reset(static_cast<std::uint32_t>(now.seconds()));
  for (Slot a = 0; a < accounts_.capacity(); ++a) {
    if (accounts_[a].live() && accounts_[a].settle_at != 0)
      due_accounts_.set(a, accounts_[a].settle_at);
  }
  plan_sweep_at_ = version_sweep_at_ = 0;  // the plans may have changed while nobody ran
}

void Shard::rebuild(Time now) {
  for_each_pool([](PoolId, auto& pool) { pool.rebuild(); });
  account_index_.clear();
  for (Slot a = 0; a < accounts_.capacity(); ++a) {
    if (accounts_[a].live()) account_index_.insert(hash_bytes(accounts_[a].name_text(), 0), a);
  }
  session_index_.clear();
  charging_index_.clear();
  address_index_.clear();
  arm_timers(now);
  arm_accounts(now);
  list_tombstones();
  push_head_ = push_tail_ = 0;
  sweep_at_ = states_[0].sweep_cursor;
  awaits_recovered_ = states_[0].time_micros != 0;
  for (Slot s = 0; s < sessions_.capacity(); ++s) {
    runtime_[s] = Runtime{};
    const Session& session = sessions_[s];
    if (!session.live()) continue;
    session_index_.insert(session_hash(session), s);
    know_bearer(s);
    if (session.state == SessionState::open && session.reauth_wanted != session.reauth_acked)
      queue_push(s, 0);  // not acknowledged before the stop: push again at once
  }
}

SnapshotChunk Shard::copy_slots(SnapshotCursor& cursor, std::span<std::uint8_t> into) const {
  SnapshotChunk chunk;
  bool moved_on = false;
  for_each_pool([&](PoolId id, const auto& pool) {
    if (static_cast<std::uint8_t>(id) != cursor.pool || moved_on) return;
    using T = std::remove_cvref_t<decltype(pool[0])>;
    Slot slot = cursor.slot;
    const auto end = static_cast<Slot>(pool.capacity());
    const Slot look_end = end - slot > 1024 ? slot + 1024 : end;  // bounded work per turn
    while (slot < look_end && !pool[slot].live()) ++slot;
    chunk = SnapshotChunk{cursor.pool, slot, sizeof(T), 0};
    while (slot < look_end && pool[slot].live() && (chunk.count + 1) * sizeof(T) <= into.size()) {
      std::memcpy(into.data() + chunk.count * sizeof(T), &pool[slot], sizeof(T));
      ++chunk.count;
      ++slot;
    }
    cursor.slot = slot;
    if (slot == end) {
      ++cursor.pool;
      cursor.slot = 0;
      moved_on = true;
    }
  });
  return chunk;
}

std::uint64_t Shard::digest() const {
  std::uint64_t sum = 0;
  for_each_pool([&](PoolId id, const auto& pool) {
    for (Slot s = 0; s < pool.capacity(); ++s) {
      if (!pool[s].live()) continue;
      const std::string_view bytes(reinterpret_cast<const char*>(&pool[s]), sizeof pool[s]);
      sum = sum * 0x9e3779b97f4a7c15ull +
            (stable_hash(bytes) ^ (std::uint64_t{s} << 8) ^ static_cast<std::uint64_t>(id));
    }
  });
  return sum;
}

Totals Shard::totals() const {
  Totals t;
  t.accounts = accounts_.used();
  t.subscribers = subscribers_.used();
  t.sessions_kept = sessions_.used();
  t.groups = groups_.used();
  t.verdicts = verdicts_.used();
  t.sequence = states_[0].sequence;
  for (Slot s = 0; s < sessions_.capacity(); ++s)
    t.sessions_open += sessions_[s].state == SessionState::open;
  for (std::size_t i = 0; i < audit_.size(); ++i) audit_[i] = 0;
  for (std::size_t i = 0; i < audit_counters_.size(); ++i) audit_counters_[i] = 0;
  for (Slot g = 0; g < groups_.capacity(); ++g) {
    if (!groups_[g].live()) continue;
    for (const rating::Reservation& r : groups_[g].reservations) {
      if (r.bucket != none) audit_[r.bucket] += r.amount;
    }
    for (std::size_t k = 0; k < groups_[g].hold_amounts.size(); ++k) {
      const Slot counter = groups_[g].hold_counters[k];
      if (counter != none) audit_counters_[counter] += groups_[g].hold_amounts[k];
    }
  }
  for (Slot c = 0; c < counters_.capacity(); ++c)
    t.law_violations += counters_[c].reserved != audit_counters_[c] ||
                        (!counters_[c].live() && counters_[c].reserved != 0);
  for (Slot b = 0; b < buckets_.capacity(); ++b) {
    const rating::Bucket& bucket = buckets_[b];
    if (!bucket.live()) {
      t.law_violations += audit_[b] != 0;
      continue;
    }
    ++t.buckets;
    t.law_violations += bucket.reserved != audit_[b];
    t.law_violations += bucket.free() < 0 && (bucket.flags & rating::bucket_main_wallet) == 0;
    if (bucket.unit != rating::Unit::money) continue;
    t.credits += bucket.credits;
    t.spent += bucket.spent;
    t.written_off += bucket.written_off;
    t.reserved += bucket.reserved;
    t.free += bucket.free();
    t.in_transit += bucket.in_transit;
  }
  return t;
}

void Shard::prefetch(std::uint64_t session_hash, Slot subscriber) const {
  session_index_.prefetch(session_hash);
  if (subscriber < subscribers_.capacity()) __builtin_prefetch(subscribers_.raw(subscriber));
}

void Shard::prefetch(const OperatorRequest& request) const {
  if (request.account_name[0] != 0) account_index_.prefetch(hash_bytes(request.account_name, 0));
}

bool Shard::traced(Slot account) const {
  for (std::uint32_t i = 0; i < traced_count_; ++i) {
    if (traced_[i] == account) return true;
  }
  return false;
}

}  // namespace levy::shard
