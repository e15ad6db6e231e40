// Directory: identity -> subscriber (or account name -> account), one table for the whole daemon.
// Core: control writes, edges read. Allocates: at construction only. Blocks: never. Clock: none.
//
// Written by the control thread after the Shard's Record is durable, read by the edges without
// locks, rebuilt by recovery. It holds 64 keyed bits of each identity, not the identity: the Shard
// is the authority and compares in full. One writer; entries are published by one atomic store.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <string_view>

#include "engine/base/hash.hpp"
#include "engine/base/ids.hpp"
#include "engine/base/memory.hpp"

namespace levy {

class Directory {
 public:
  struct Found {
    ShardId shard{};
    Slot slot = none;
  };

  Directory(std::size_t entries_max, HugePages huge_pages)
      : entries_(std::bit_ceil(entries_max * 2 + 64), huge_pages),
        mask_(entries_.size() - 1),
        entries_max_(entries_max) {}

  // `type`: rating::IdentityType as a number.
  static std::uint64_t key(std::uint8_t type, std::string_view text) {
    const std::uint64_t h = hash_bytes(text, type);
    return h < 2 ? h + 2 : h;  // 0 = empty, 1 = erased
  }

  void prefetch(std::uint64_t key) const { __builtin_prefetch(&entries_[key & mask_]); }

  // Any thread.
  Found find(std::uint64_t key) const {
    for (std::size_t i = key & mask_, probes = 0; probes <= mask_; i = (i + 1) & mask_, ++probes) {
      const Entry& e = entries_[i];
      const std::uint64_t k = e.key.load(std::memory_order_acquire);
      if (k == 0) break;
      if (k != key) continue;
      const std::uint64_t v = e.value.load(std::memory_order_acquire);
      if (e.key.load(std::memory_order_acquire) != key) continue;  // erased meanwhile
      return {ShardId{static_cast<std::uint8_t>(v >> 32)}, static_cast<Slot>(v)};
    }
    return {};
  }

  // The writer. false: the table is full.
  bool put(std::uint64_t key, ShardId shard, Slot slot) {
    const std::uint64_t value = std::uint64_t{shard.value} << 32 | slot;
    std::size_t grave = entries_.size();
    for (std::size_t i = key & mask_, probes = 0; probes <= mask_; i = (i + 1) & mask_, ++probes) {
      Entry& e = entries_[i];
      const std::uint64_t k = e.key.load(std::memory_order_relaxed);
      if (k == key) {
        e.value.store(value, std::memory_order_release);
        return true;
      }
      if (k == 1 && grave == entries_.size()) grave = i;
      if (k != 0) continue;
      if (used_ >= entries_max_) return false;
      Entry& into = grave == entries_.size() ? e : entries_[grave];
      into.value.store(value, std::memory_order_relaxed);
      into.key.store(key, std::memory_order_release);
      ++used_;
      return true;
    }
    return false;
  }

  void erase(std::uint64_t key) {
    for (std::size_t i = key & mask_, probes = 0; probes <= mask_; i = (i + 1) & mask_, ++probes) {
      Entry& e = entries_[i];
      const std::uint64_t k = e.key.load(std::memory_order_relaxed);
      if (k == 0) return;
      if (k != key) continue;
      e.key.store(1, std::memory_order_release);
      --used_;
      clear_graves(i);
      return;
    }
  }

  std::size_t used() const { return used_; }
  std::size_t capacity() const { return entries_max_; }

 private:
  struct Entry {
    std::atomic<std::uint64_t> key{0};
    std::atomic<std::uint64_t> value{0};
  };

  // Graves at the end of a run are empty places: no probe that passes them finds anything. Without
  // this, years of changed identities would leave no empty place and unknown ones would be sought
  // in the whole table.
  void clear_graves(std::size_t last) {
    if (entries_[(last + 1) & mask_].key.load(std::memory_order_relaxed) != 0) return;
    for (std::size_t i = last; entries_[i].key.load(std::memory_order_relaxed) == 1;
         i = (i - 1) & mask_)
      entries_[i].key.store(0, std::memory_order_release);
  }

  FixedArray<Entry> entries_;
  std::size_t mask_;
  std::size_t entries_max_;
  std::size_t used_ = 0;
};

}  // namespace levy
