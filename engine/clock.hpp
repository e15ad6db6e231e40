// SystemClock: the real Clock, wall-clock UTC.
// Core: any. Allocates: never. Blocks: never. Clock: this is it.
#pragma once

#include <ctime>

#include "engine/base/time.hpp"

namespace levy {

struct SystemClock {
  Time now() const {
    timespec t;
    ::clock_gettime(CLOCK_REALTIME, &t);
    return Time{std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000};
  }
};

}  // namespace levy
