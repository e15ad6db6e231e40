// Pool: fixed array of slots with a free list. Slots are stable; the free list is rebuilt, never
// saved. Core: shard. Allocates: at construction only. Blocks: never. Clock: none.
//
// T is trivially copyable, a multiple of 8 bytes, at most 512 (an image's bitmap has 64 words), and
// says by `bool live() const` whether its slot is in use.
#pragma once

#include <cstdint>
#include <type_traits>

#include "engine/base/check.hpp"
#include "engine/base/ids.hpp"
#include "engine/base/memory.hpp"

namespace levy {

template <class T>
class Pool {
  static_assert(std::is_trivially_copyable_v<T>);
  static_assert(sizeof(T) % 8 == 0 && sizeof(T) <= 512);

 public:
  Pool() = default;
  Pool(std::size_t capacity, HugePages huge_pages)
      : items_(capacity, huge_pages), free_(capacity, huge_pages) {
    rebuild();
  }

  T& operator[](Slot slot) {
    LEVY_CHECK(slot < items_.size(), slot, items_.size());
    return items_[slot];
  }
  const T& operator[](Slot slot) const {
    LEVY_CHECK(slot < items_.size(), slot, items_.size());
    return items_[slot];
  }
  T* raw(Slot slot) const { return items_.data() + slot; }

  // A free slot whose content is T(), or none when the pool is full.
  Slot take() { return free_count_ == 0 ? none : free_[--free_count_]; }
  // The caller has reset the slot to T().
  void give_back(Slot slot) { free_[free_count_++] = slot; }

  // After recovery or a snapshot: the free list follows from the slots.
  void rebuild() {
    free_count_ = 0;
    for (std::size_t i = items_.size(); i-- > 0;) {
      if (!items_[i].live()) free_[free_count_++] = static_cast<Slot>(i);
    }
  }

  std::size_t capacity() const { return items_.size(); }
  std::size_t used() const { return items_.size() - free_count_; }

 private:
  FixedArray<T> items_;
  FixedArray<Slot> free_;
  std::size_t free_count_ = 0;
};

}  // namespace levy
