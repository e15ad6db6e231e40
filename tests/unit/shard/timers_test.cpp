// Timers against a sorted list: nothing fires early, everything fires, a far deadline too.
#include "engine/shard/timers.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace levy::shard {
namespace {

// Takes everything that is due at `now`, however many calls it needs.
std::map<Slot, int> take_all(Timers& timers, std::uint32_t now) {
  std::map<Slot, int> taken;
  for (int quiet = 0; quiet < 400;) {  // a turn may end in the middle of many empty places
    const Slot slot = timers.take(now, 64);
    if (slot == none) ++quiet;
    else ++taken[slot], quiet = 0;
  }
  return taken;
}

TEST(Timers, FireOnceWhenDueAndNotBefore) {
  Timers timers(4, HugePages::off);
  timers.reset(100);
  timers.set(0, 105);
  timers.set(1, 105);
  timers.set(2, 90);  // overdue already
  EXPECT_EQ(take_all(timers, 100), (std::map<Slot, int>{{2, 1}}));
  EXPECT_EQ(take_all(timers, 104), (std::map<Slot, int>{}));
  EXPECT_EQ(take_all(timers, 105), (std::map<Slot, int>{{0, 1}, {1, 1}}));
  EXPECT_EQ(take_all(timers, 5000), (std::map<Slot, int>{}));
}

TEST(Timers, AnEarlierDeadlineMovesALaterOneIsFoundAgain) {
  Timers timers(2, HugePages::off);
  timers.reset(0);
  timers.set(0, 50);
  timers.set(0, 20);  // earlier: moved
  EXPECT_EQ(take_all(timers, 20).count(0), 1u);
  timers.set(0, 30);
  timers.set(0, 500);  // later: comes up at 30, the caller puts it again
  EXPECT_EQ(take_all(timers, 30).count(0), 1u);
  timers.set(0, 500);
  timers.cancel(0);
  EXPECT_TRUE(take_all(timers, 1000).empty());
}

TEST(Timers, ADeadlineBeyondOneRevolutionWaitsForItsOwn) {
  Timers timers(2, HugePages::off);
  timers.reset(10);
  timers.set(0, 10 + Timers::places);
  timers.set(1, 10 + 2 * Timers::places + 5);
  EXPECT_TRUE(take_all(timers, 10 + Timers::places - 1).empty());
  EXPECT_EQ(take_all(timers, 10 + Timers::places).count(0), 1u);
  EXPECT_TRUE(take_all(timers, 10 + 2 * Timers::places + 4).empty());
  EXPECT_EQ(take_all(timers, 10 + 2 * Timers::places + 5).count(1), 1u);
}

TEST(Timers, AgreeWithASortedListUnderChance) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    Timers timers(30, HugePages::off);
    std::map<Slot, std::uint32_t> model;
    std::uint32_t now = 1000;
    timers.reset(now);
    for (int step = 0; step < 300; ++step) {
      const auto slot = static_cast<Slot>(random() % 30);
      if (random() % 4 == 0) {
        timers.cancel(slot);
        model.erase(slot);
      } else {
        const std::uint64_t reach = random() % 10 == 0 ? 20'000 : 40;
        const auto at = now + static_cast<std::uint32_t>(random() % reach);
        timers.set(slot, at);
        if (!model.contains(slot) || at < model[slot]) model[slot] = at;
      }
      now += static_cast<std::uint32_t>(random() % 6);
      for (const auto& [fired, times] : take_all(timers, now)) {
        ASSERT_EQ(times, 1);
        ASSERT_TRUE(model.contains(fired)) << "seed " << seed;
        ASSERT_LE(model[fired], now) << "seed " << seed;
        model.erase(fired);
      }
      for (const auto& [waiting, at] : model) ASSERT_GT(at, now) << "seed " << seed;
    }
  }
}

// The first look comes before the first deadline; what is set for earlier then must not be late.
TEST(Timers, WhatIsSetBeforeTheFirstLookDoesNotHoldUpWhatIsEarlier) {
  Timers timers(4, HugePages::off);
  timers.set(0, 5000);
  EXPECT_EQ(timers.take(100, 64), none);
  timers.set(1, 110);
  EXPECT_EQ(timers.take(109, 64), none);
  EXPECT_EQ(timers.take(110, 64), 1u);
}

}  // namespace
}  // namespace levy::shard
