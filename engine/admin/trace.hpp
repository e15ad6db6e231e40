// A trace on its way from the control thread to one HTTP response: bounded, the oldest stays.
// Core: admin and control threads. Allocates: yes. Blocks: next() waits. Clock: steady, for waits.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

#include "engine/admin/control_door.hpp"

namespace levy::admin {

class TraceQueue {
 public:
  static constexpr std::size_t items_max = 4096;

  // Control thread. false: the reader is gone. A message that finds the queue full is counted.
  bool put(const ControlDoor::TraceItem& item);
  // The next line, {at, direction, peer, hex} or {lost}, with its newline; empty when none came
  // within `patience` or the trace is over.
  std::string next(std::chrono::milliseconds patience);
  void end();

 private:
  std::mutex mutex_;  // guards all below
  std::condition_variable filled_;
  std::deque<std::string> lines_;
  std::uint64_t lost_ = 0;
  bool over_ = false;
};

}  // namespace levy::admin
