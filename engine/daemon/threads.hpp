// CoreThread: one pinned thread that drives some Loops in turn, with the idle policy.
// Core: the one it is pinned to. Allocates: at start only; then the thread is sealed. Blocks: only
// as the idle policy says. Clock: none.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "config/options.hpp"
#include "engine/pipeline/loop.hpp"

namespace levy::daemon {

class CoreThread {
 public:
  // `core` < 0: not pinned.
  CoreThread(std::string name, int core, std::vector<pipeline::Loop*> loops, config::Idle idle,
             std::int64_t idle_sleep_us);
  ~CoreThread();
  void start();
  void stop();

 private:
  void run();

  std::string name_;
  int core_;
  std::vector<pipeline::Loop*> loops_;
  config::Idle idle_;
  std::int64_t idle_sleep_us_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace levy::daemon
