// Loop: an object with do_work(); placement decides which core runs it.
// Core: any. Allocates: never. Blocks: never. Clock: once per turn, never backwards.
#pragma once

#include <cstddef>

#include "diameter/edge/frame.hpp"
#include "engine/base/ring.hpp"
#include "engine/base/time.hpp"

namespace levy::pipeline {

class Loop {
 public:
  virtual ~Loop() = default;
  // One bounded turn. Returns how much was done; 0 lets the idle policy decide.
  virtual std::size_t do_work() = 0;
  virtual const char* name() const = 0;
};

// Frames change owner with the push (engine/base/ring.hpp).
using FrameRing = Ring<Frame*>;

// A clock that never runs backwards: the wall clock may.
class MonotoneTime {
 public:
  Time advance(Time now) {
    if (now.micros > latest_.micros) latest_ = now;
    return latest_;
  }

 private:
  Time latest_{};
};

}  // namespace levy::pipeline
