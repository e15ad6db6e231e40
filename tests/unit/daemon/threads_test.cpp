// CoreThread: turns its Loops, and seals its thread before the first turn.
#include "engine/daemon/threads.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <new>

namespace levy::daemon {
namespace {

class CountingLoop final : public pipeline::Loop {
 public:
  explicit CountingLoop(bool allocates) : allocates_(allocates) {}
  std::size_t do_work() override {
    if (allocates_) last_ = ::operator new(40);
    return turns.fetch_add(1) < 100 ? 1 : 0;
  }
  const char* name() const override { return "counting"; }
  std::atomic<int> turns{0};

 private:
  bool allocates_;
  void* volatile last_ = nullptr;
};

void run(CountingLoop& loop) {
  CoreThread thread("levy-core", -1, {&loop}, config::Idle::yield, 50);
  thread.start();
  for (int i = 0; i < 10'000 && loop.turns.load() < 200; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  thread.stop();
}

TEST(CoreThread, TurnsItsLoop) {
  CountingLoop loop(false);
  run(loop);
  EXPECT_GE(loop.turns.load(), 200);
}

TEST(CoreThread, ALoopThatAllocatesAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        CountingLoop loop(true);
        run(loop);
      },
      "allocation of 40 bytes on the sealed thread 'levy-core'");
}

}  // namespace
}  // namespace levy::daemon
