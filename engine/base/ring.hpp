// Ring: one producer, one consumer, fixed capacity: the only door to Boost.Lockfree's spsc_queue.
// Core: any two. Allocates: at construction only. Blocks: never. Clock: none.
//
// A Ring joins exactly two Loops. Items are small trivially copyable descriptors; what they
// describe lies in a slot that changes owner with the push.
#pragma once

#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <type_traits>

namespace levy {

template <class T>
class Ring {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit Ring(std::size_t capacity) : queue_(capacity), capacity_(capacity) {}

  // Producer side. false: full, nothing was pushed.
  bool try_push(const T& item) { return queue_.push(item); }
  std::size_t free_slots() const { return queue_.write_available(); }

  // Consumer side. Returns how many items were popped into `out`.
  std::size_t pop(T* out, std::size_t count_max) { return queue_.pop(out, count_max); }
  std::size_t used_slots() const { return queue_.read_available(); }

  std::size_t capacity() const { return capacity_; }

 private:
  boost::lockfree::spsc_queue<T> queue_;
  std::size_t capacity_;
};

}  // namespace levy
