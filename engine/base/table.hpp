// Table: open addressing from a 64-bit keyed hash to a Slot; linear probing, no tombstones.
// Core: shard. Allocates: at construction only. Blocks: never. Clock: none.
//
// The table keeps 32 bits of the hash; the caller's predicate compares the full key. Twice as many
// places as entries; erasing shifts the run back, so that probes stay short for ever.
#pragma once

#include <bit>
#include <cstdint>

#include "engine/base/check.hpp"
#include "engine/base/ids.hpp"
#include "engine/base/memory.hpp"

namespace levy {

class Table {
 public:
  Table() = default;
  Table(std::size_t entries_max, HugePages huge_pages)
      : entries_(std::bit_ceil(entries_max * 2 + 16), huge_pages),
        mask_(static_cast<std::uint32_t>(entries_.size() - 1)) {}

  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&entries_[fold(hash) & mask_]); }

  // The slot with this hash for which matches(slot) holds, or none.
  template <class Matches>
  Slot find(std::uint64_t hash, Matches&& matches) const {
    const std::uint32_t tag = fold(hash);
    for (std::uint32_t i = tag & mask_;; i = (i + 1) & mask_) {
      const Entry& e = entries_[i];
      if (e.slot == none) return none;
      if (e.tag == tag && matches(e.slot)) return e.slot;
    }
  }

  void insert(std::uint64_t hash, Slot slot) {
    LEVY_CHECK(used_ * 2 <= entries_.size(), used_, entries_.size());
    const std::uint32_t tag = fold(hash);
    std::uint32_t i = tag & mask_;
    while (entries_[i].slot != none) i = (i + 1) & mask_;
    entries_[i] = Entry{tag, slot};
    ++used_;
  }

  // The entry must be there.
  void erase(std::uint64_t hash, Slot slot) {
    std::uint32_t i = fold(hash) & mask_;
    while (entries_[i].slot != slot) {
      LEVY_CHECK(entries_[i].slot != none, slot);
      i = (i + 1) & mask_;
    }
    for (std::uint32_t j = (i + 1) & mask_; entries_[j].slot != none; j = (j + 1) & mask_) {
      const std::uint32_t home = entries_[j].tag & mask_;
      if (((j - home) & mask_) >= ((j - i) & mask_)) {
        entries_[i] = entries_[j];
        i = j;
      }
    }
    entries_[i] = Entry{};
    --used_;
  }

  void clear() {
    for (std::size_t i = 0; i < entries_.size(); ++i) entries_[i] = Entry{};
    used_ = 0;
  }
  std::size_t used() const { return used_; }

 private:
  struct Entry {
    std::uint32_t tag = 0;
    Slot slot = none;
  };
  static std::uint32_t fold(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash ^ (hash >> 32));
  }

  FixedArray<Entry> entries_;
  std::uint32_t mask_ = 0;
  std::size_t used_ = 0;
};

}  // namespace levy
