// Regions, the seal, and the operator new that honours it.
// Core: control at start-up. Allocates: here only. Blocks: page faults at start-up. Clock: none.
#include "engine/base/memory.hpp"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <new>

namespace levy {

namespace {

thread_local const char* sealed_as = nullptr;

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

void* map_pages(std::size_t bytes, int extra_flags) {
  void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | extra_flags, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

}  // namespace

Region::Region(std::size_t bytes, HugePages huge_pages) {
  if (bytes == 0) return;
  const bool try_huge = huge_pages == HugePages::automatic && bytes >= huge_page_bytes;
  const std::size_t unit = try_huge ? huge_page_bytes : 4096;
  size_ = (bytes + unit - 1) / unit * unit;
  void* p = try_huge ? map_pages(size_, MAP_HUGETLB) : nullptr;
  if (p == nullptr) {
    p = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
      std::fprintf(stderr, "levyd: cannot take %zu bytes of memory: lower the capacities\n", size_);
      std::exit(1);
    }
    if (try_huge) ::madvise(p, size_, MADV_HUGEPAGE);
    // First touch costs microseconds a page: here, and never under a message.
    for (std::size_t at = 0; at < size_; at += 4096) {
      static_cast<volatile char*>(p)[at] = 0;
    }
  }
  data_ = static_cast<std::byte*>(p);
}

Region::~Region() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

void seal_thread(const char* name) {
  sealed_as = name;
}
void unseal_thread() {
  sealed_as = nullptr;
}

// Called by the replaced operator new below; the default one is malloc, which jemalloc provides
// in the executables.
static void* checked_allocate(std::size_t bytes, std::size_t alignment) {
  if (sealed_as != nullptr) [[unlikely]] {
    const char* name = sealed_as;
    sealed_as = nullptr;
    std::fprintf(stderr, "levyd: allocation of %zu bytes on the sealed thread '%s'\n", bytes, name);
    std::abort();
  }
  void* p = alignment <= alignof(std::max_align_t)
                ? std::malloc(bytes != 0 ? bytes : 1)
                : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

}  // namespace levy

void* operator new(std::size_t bytes) {
  return levy::checked_allocate(bytes, 1);
}
void* operator new[](std::size_t bytes) {
  return levy::checked_allocate(bytes, 1);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return levy::checked_allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return levy::checked_allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete[](void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::size_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}
