// CoreThread: pinning, sealing, idling.
// Core: the one it is pinned to. Allocates: at start only; then the thread is sealed. Blocks: only
// as the idle policy says. Clock: none.
#include "engine/daemon/threads.hpp"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "engine/base/memory.hpp"

namespace levy::daemon {

CoreThread::CoreThread(std::string name, int core, std::vector<pipeline::Loop*> loops,
                       config::Idle idle, std::int64_t idle_sleep_us)
    : name_(std::move(name)),
      core_(core),
      loops_(std::move(loops)),
      idle_(idle),
      idle_sleep_us_(idle_sleep_us) {}

CoreThread::~CoreThread() {
  stop();
}

void CoreThread::start() {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), name_.substr(0, 15).c_str());
  if (core_ < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core_, &set);
  pthread_setaffinity_np(thread_.native_handle(), sizeof set, &set);
}

void CoreThread::stop() {
  stopping_.store(true);
  if (thread_.joinable()) thread_.join();
}

void CoreThread::run() {
  // A few empty turns before giving the core away: a burst comes in parts.
  constexpr int idle_turns_before_sleep = 200;
  int idle_turns = 0;
  seal_thread(name_.c_str());
  while (!stopping_.load(std::memory_order_relaxed)) {
    std::size_t done = 0;
    for (pipeline::Loop* loop : loops_) done += loop->do_work();
    if (done != 0) {
      idle_turns = 0;
      continue;
    }
    if (idle_ == config::Idle::spin || ++idle_turns < idle_turns_before_sleep) {
      __builtin_ia32_pause();
    } else if (idle_ == config::Idle::yield) {
      sched_yield();
    } else {
      const timespec rest{0, idle_sleep_us_ * 1000};
      nanosleep(&rest, nullptr);
    }
  }
  unseal_thread();
}

}  // namespace levy::daemon
