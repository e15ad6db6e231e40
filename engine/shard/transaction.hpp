// Transaction: the slots that one apply() touches, with their former images.
// Core: shard. Allocates: never (fixed scratch). Blocks: never. Clock: none.
//
// edit() saves a slot before its first change. write_images() writes what changed as absolute
// 8-byte words under a bitmap: applying an image twice, or over a newer copy followed by the later
// images, ends in the same state. roll_back() restores everything, so a refused request leaves no
// trace. A slot released here may be taken again here, once its pool has no other.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "engine/base/check.hpp"
#include "engine/base/pool.hpp"
#include "engine/shard/state.hpp"

namespace levy::shard {

// On disk, little-endian, followed by popcount(bitmap) words.
struct ImageHeader {
  std::uint8_t pool = 0;
  std::uint8_t words = 0;  // size of the slot in words: a check against another layout
  std::uint16_t unused = 0;
  std::uint32_t slot = 0;
  std::uint64_t bitmap = 0;
};
static_assert(sizeof(ImageHeader) == 16);

class Transaction {
 public:
  static constexpr std::size_t slots_max = 1024;
  static constexpr std::size_t scratch_bytes = 128 * 1024;

  // The slot for changing. The pool's element may be changed until commit() or roll_back().
  template <class T>
  T& edit(PoolId id, Pool<T>& pool, Slot slot) {
    T& item = pool[slot];
    for (std::size_t i = count_; i-- > 0;) {
      if (touched_[i].slot == slot && touched_[i].pool == id) return item;
    }
    LEVY_CHECK(count_ < slots_max && used_ + sizeof(T) <= scratch_bytes, count_, used_);
    touched_[count_++] =
        Touched{&item, slot, static_cast<std::uint32_t>(used_), id, sizeof(T) / 8, Life::kept};
    std::memcpy(scratch_ + used_, &item, sizeof(T));
    used_ += sizeof(T);
    return item;
  }

  // A fresh slot, or none when the pool is full (the caller then refuses and rolls back).
  template <class T>
  Slot take(PoolId id, Pool<T>& pool) {
    const Slot slot = pool.take();
    if (slot == none) return take_released(id);
    edit(id, pool, slot);
    touched_[count_ - 1].life = Life::taken;
    touched_[count_ - 1].give_back = &give_back<T>;
    touched_[count_ - 1].owner = &pool;
    return slot;
  }

  // The slot becomes T() now and free at commit().
  template <class T>
  void release(PoolId id, Pool<T>& pool, Slot slot) {
    T& item = edit(id, pool, slot);
    item = T();
    for (std::size_t i = count_; i-- > 0;) {
      Touched& t = touched_[i];
      if (t.slot != slot || t.pool != id) continue;
      t.life = t.life == Life::taken ? Life::taken_and_released : Life::released;
      t.give_back = &give_back<T>;
      t.owner = &pool;
      return;
    }
  }

  // The slot before its first change here, null where it has not changed.
  template <class T>
  const T* former(PoolId id, Slot slot, T& into) const {
    for (std::size_t i = 0; i < count_; ++i) {
      if (touched_[i].slot != slot || touched_[i].pool != id) continue;
      std::memcpy(static_cast<void*>(&into), scratch_ + touched_[i].saved, sizeof(T));
      return &into;
    }
    return nullptr;
  }

  // Bytes written to `into`, 0 when they do not fit. Slots that did not change are left out.
  std::size_t write_images(std::span<std::uint8_t> into) const {
    std::size_t at = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const Touched& t = touched_[i];
      const auto* now = static_cast<const std::uint8_t*>(t.item);
      const std::uint8_t* before = scratch_ + t.saved;
      ImageHeader header{static_cast<std::uint8_t>(t.pool), t.words, 0, t.slot, 0};
      std::uint8_t* out = into.data() + at + sizeof header;
      if (at + sizeof header + t.words * 8u > into.size()) return 0;
      for (unsigned w = 0; w < t.words; ++w) {
        if (std::memcmp(now + w * 8, before + w * 8, 8) == 0) continue;
        header.bitmap |= std::uint64_t{1} << w;
        std::memcpy(out, now + w * 8, 8);
        out += 8;
      }
      if (header.bitmap == 0) continue;
      std::memcpy(into.data() + at, &header, sizeof header);
      at = static_cast<std::size_t>(out - into.data());
    }
    return at;
  }

  // Released slots go back to their pools; forgets the former images.
  void commit() {
    for (std::size_t i = 0; i < count_; ++i) {
      const Touched& t = touched_[i];
      if (t.life == Life::released || t.life == Life::taken_and_released)
        t.give_back(t.owner, t.slot);
    }
    count_ = used_ = 0;
  }

  void roll_back() {
    for (std::size_t i = count_; i-- > 0;) {
      const Touched& t = touched_[i];
      std::memcpy(t.item, scratch_ + t.saved, t.words * 8u);
      if (t.life == Life::taken || t.life == Life::taken_and_released) t.give_back(t.owner, t.slot);
    }
    count_ = used_ = 0;
  }

  bool empty() const { return count_ == 0; }
  // Whether any slot differs from what it was.
  bool changed() const {
    for (std::size_t i = 0; i < count_; ++i) {
      if (std::memcmp(touched_[i].item, scratch_ + touched_[i].saved, touched_[i].words * 8u) != 0)
        return true;
    }
    return false;
  }
  std::size_t mark() const { return count_; }

 private:
  enum class Life : std::uint8_t { kept, taken, released, taken_and_released };

  // It is T() since its release. What was live before and is live again is simply changed.
  Slot take_released(PoolId id) {
    for (std::size_t i = 0; i < count_; ++i) {
      Touched& t = touched_[i];
      const bool free = t.life == Life::released || t.life == Life::taken_and_released;
      if (t.pool != id || !free) continue;
      t.life = t.life == Life::released ? Life::kept : Life::taken;
      return t.slot;
    }
    return none;
  }
  struct Touched {
    void* item = nullptr;
    Slot slot = none;
    std::uint32_t saved = 0;
    PoolId pool{};
    std::uint8_t words = 0;
    Life life = Life::kept;
    void (*give_back)(void*, Slot) = nullptr;
    void* owner = nullptr;
  };
  template <class T>
  static void give_back(void* pool, Slot slot) {
    static_cast<Pool<T>*>(pool)->give_back(slot);
  }

  Touched touched_[slots_max];
  std::size_t count_ = 0;
  std::size_t used_ = 0;
  alignas(64) std::uint8_t scratch_[scratch_bytes];
};

}  // namespace levy::shard
