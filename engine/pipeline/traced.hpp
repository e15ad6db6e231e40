// TracedSubscribers: whose messages the edge copies although no Shard will see them.
// Core: control writes, edge reads. Allocates: at construction only. Blocks: never. Clock: none.
//
// A Shard marks what it applies itself; a request that is refused before has only its subscriber.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "engine/base/directory.hpp"

namespace levy::pipeline {

class TracedSubscribers {
 public:
  // Of an account with more, the refused requests of the others are not traced.
  static constexpr std::size_t subscribers_max = 1024;

  // Control. A message that passes meanwhile may be judged by a part of the list.
  void set(std::span<const Directory::Found> subscribers) {
    const std::size_t count = subscribers.size() < subscribers_max ? subscribers.size()
                                                                   : subscribers_max;
    count_.store(0, std::memory_order_release);
    for (std::size_t i = 0; i < count; ++i) {
      cells_[i].store(pack(subscribers[i]), std::memory_order_relaxed);
    }
    count_.store(count, std::memory_order_release);
  }

  // Edge.
  bool any() const { return count_.load(std::memory_order_relaxed) != 0; }
  bool contains(const Directory::Found& subscriber) const {
    const std::size_t count = count_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < count; ++i) {
      if (cells_[i].load(std::memory_order_relaxed) == pack(subscriber)) return true;
    }
    return false;
  }

 private:
  static std::uint64_t pack(const Directory::Found& subscriber) {
    return std::uint64_t{subscriber.shard.value} << 32 | subscriber.slot;
  }

  std::atomic<std::size_t> count_{0};
  std::atomic<std::uint64_t> cells_[subscribers_max] = {};
};

}  // namespace levy::pipeline
