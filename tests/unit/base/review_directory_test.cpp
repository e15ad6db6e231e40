// Faults found by review: a Directory whose identities change for years.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>

#include "engine/base/directory.hpp"

namespace levy {
namespace {

TEST(ReviewDirectory, ErasedKeysLeaveRoomAndOthersAreFound) {
  Directory directory(64, HugePages::off);
  std::mt19937_64 random(1);
  std::map<std::uint64_t, Slot> model;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t key = 2 + random() % 200;
    if (random() % 2 == 0) {
      if (model.count(key) != 0 || model.size() < 64) {
        ASSERT_TRUE(directory.put(key, ShardId{3}, static_cast<Slot>(i)));
        model[key] = static_cast<Slot>(i);
      }
    } else {
      directory.erase(key);
      model.erase(key);
    }
    ASSERT_EQ(directory.used(), model.size());
    const std::uint64_t probe = 2 + random() % 200;
    const auto known = model.find(probe);
    ASSERT_EQ(directory.find(probe).slot, known == model.end() ? none : known->second);
  }
}

// Without empty places every unknown identity is sought in the whole table: minutes, not moments.
TEST(ReviewDirectory, UnknownKeysStayCheapAfterManyChanges) {
  constexpr std::size_t entries = 1 << 16;
  Directory directory(entries, HugePages::off);
  std::mt19937_64 random(2);
  for (std::size_t i = 0; i < 8 * entries; ++i) {
    const std::uint64_t key = random() | 2;
    ASSERT_TRUE(directory.put(key, ShardId{0}, 1));
    directory.erase(key);
  }
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < entries; ++i) ASSERT_EQ(directory.find(random() | 2).slot, none);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
}  // namespace levy
