// SystemClock: the real Clock, wall-clock UTC that never steps back.
// Core: any. Allocates: never. Blocks: never. Clock: this is it.
//
// Time is CLOCK_MONOTONIC plus an offset that only grows: where the wall clock is ahead, the offset
// follows it; where somebody set it back, time goes on from where it was, instead of standing still
// until the wall clock has caught up (no deadline would pass meanwhile).
#pragma once

#include <atomic>
#include <ctime>

#include "engine/base/time.hpp"

namespace levy {

struct SystemClock {
  Time now() const {
    const std::int64_t monotonic = read(CLOCK_MONOTONIC);
    const std::int64_t ahead = read(CLOCK_REALTIME) - monotonic;
    std::int64_t offset = offset_.load(std::memory_order_relaxed);
    while (ahead > offset &&
           !offset_.compare_exchange_weak(offset, ahead, std::memory_order_relaxed)) {
    }
    return Time{monotonic + (ahead > offset ? ahead : offset)};
  }

 private:
  static std::int64_t read(clockid_t clock) {
    timespec t;
    ::clock_gettime(clock, &t);
    return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
  }
  static inline std::atomic<std::int64_t> offset_{INT64_MIN};
};

}  // namespace levy
