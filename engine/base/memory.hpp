// Memory: every large table is taken once at start-up, touched, and then the corridor is sealed.
// Core: control at start-up. Allocates: here only. Blocks: page faults at start-up. Clock: none.
//
// Region maps zeroed pages (huge pages where the machine has any) and touches each, so that no
// page fault meets a message. seal_thread() marks the calling thread: from then on any operator
// new on it aborts (engine/base/memory.cpp replaces it; jemalloc serves the cold rest). Bare malloc
// is not guarded: wrapping it would change the allocator of every thread, so our own code has
// none (tools/lint asks `nm` of the pure libraries), and what the corridor calls of the C library
// (recv, send, epoll_wait, nanosleep, io_uring) takes no memory.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "engine/base/check.hpp"

namespace levy {

enum class HugePages { off, automatic };

// One mapping; unmapped by the destructor.
class Region {
 public:
  Region() = default;
  Region(std::size_t bytes, HugePages huge_pages);
  ~Region();
  Region(Region&& other) noexcept { swap(other); }
  Region& operator=(Region&& other) noexcept {
    swap(other);
    return *this;
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  void swap(Region& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// A fixed array of trivially copyable T in a Region of its own. All bytes start as zero and are
// then value-initialised.
template <class T>
class FixedArray {
 public:
  FixedArray() = default;
  FixedArray(std::size_t count, HugePages huge_pages)
      : region_(count * sizeof(T), huge_pages), count_(count) {
    T* items = reinterpret_cast<T*>(region_.data());
    for (std::size_t i = 0; i < count; ++i) ::new (static_cast<void*>(items + i)) T();
  }
  T* data() const { return reinterpret_cast<T*>(region_.data()); }
  std::size_t size() const { return count_; }
  T& operator[](std::size_t i) const { return data()[i]; }

 private:
  Region region_;
  std::size_t count_ = 0;
};

// From now on operator new on the calling thread aborts with `name`. Undone by unseal_thread()
// before the thread ends.
void seal_thread(const char* name);
void unseal_thread();

}  // namespace levy
