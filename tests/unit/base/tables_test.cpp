// Pool, Table, Directory and Ring against the plainest model of each.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/base/directory.hpp"
#include "engine/base/pool.hpp"
#include "engine/base/ring.hpp"
#include "engine/base/table.hpp"

namespace levy {
namespace {

struct Item {
  std::uint64_t in_use = 0;
  bool live() const { return in_use != 0; }
};

TEST(Pool, GivesEachSlotOnceAndFindsTheFreeOnesAgain) {
  Pool<Item> pool(5, HugePages::off);
  std::set<Slot> taken;
  for (int i = 0; i < 5; ++i) {
    const Slot s = pool.take();
    ASSERT_LT(s, 5u);
    EXPECT_TRUE(taken.insert(s).second);
    pool[s].in_use = 1;
  }
  EXPECT_EQ(pool.take(), none);
  EXPECT_EQ(pool.used(), 5u);
  pool[3] = Item{};
  pool.give_back(3);
  EXPECT_EQ(pool.take(), 3u);
  pool[1] = Item{};
  pool.rebuild();  // slot 3 was taken but is not live: free as well
  EXPECT_EQ(pool.used(), 3u);
  EXPECT_EQ((std::set<Slot>{pool.take(), pool.take()}), (std::set<Slot>{1, 3}));
}

// Few distinct hashes, so that runs collide, wrap around and shift back.
TEST(Table, BehavesAsAMapThroughEveryCollision) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random(seed);
    Table table(12, HugePages::off);
    std::map<Slot, std::uint64_t> model;
    for (int step = 0; step < 600; ++step) {
      const Slot slot = static_cast<Slot>(random() % 12);
      if (model.contains(slot)) {
        table.erase(model[slot], slot);
        model.erase(slot);
      } else {
        const std::uint64_t hash = 60 + random() % 6;  // at the end of 64 places
        table.insert(hash, slot);
        model[slot] = hash;
      }
      ASSERT_EQ(table.used(), model.size());
      for (Slot s = 0; s < 12; ++s) {
        const std::uint64_t hash = model.contains(s) ? model[s] : 61;
        const Slot found = table.find(hash, [s](Slot other) { return other == s; });
        ASSERT_EQ(found, model.contains(s) ? s : none) << "seed " << seed << " step " << step;
      }
    }
  }
}

TEST(Directory, PutsFindsReplacesErasesAndFillsUp) {
  Directory directory(4, HugePages::off);
  const auto key = [](int i) { return Directory::key(1, "00101" + std::to_string(i)); };
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(directory.put(key(i), ShardId{7}, static_cast<Slot>(i)));
  EXPECT_FALSE(directory.put(key(4), ShardId{7}, 4));
  EXPECT_TRUE(directory.put(key(2), ShardId{9}, 22));
  EXPECT_EQ(directory.find(key(2)).shard, ShardId{9});
  EXPECT_EQ(directory.find(key(2)).slot, 22u);
  EXPECT_EQ(directory.find(key(4)).slot, none);
  directory.erase(key(0));
  EXPECT_EQ(directory.find(key(0)).slot, none);
  EXPECT_EQ(directory.find(key(3)).slot, 3u);
  EXPECT_TRUE(directory.put(key(4), ShardId{1}, 4));
  EXPECT_EQ(directory.used(), 4u);
  EXPECT_NE(Directory::key(0, "1"), Directory::key(1, "1"));  // the type is part of the key
}

// Keys that share a place: erasing one must not hide the others, nor a grave make a second entry.
TEST(Directory, GravesHideNothing) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random(seed);
    Directory directory(10, HugePages::off);
    std::map<std::uint64_t, Slot> model;
    for (int step = 0; step < 600; ++step) {
      const std::uint64_t key = 125 + (random() % 5) * 128 + random() % 3;
      if (random() % 2 == 0) {
        directory.erase(key);
        model.erase(key);
      } else if (model.contains(key) || model.size() < 10) {
        const auto slot = static_cast<Slot>(random() % 100);
        ASSERT_TRUE(directory.put(key, ShardId{1}, slot));
        model[key] = slot;
      }
      ASSERT_EQ(directory.used(), model.size());
      for (std::uint64_t k = 125; k < 128 + 5 * 128; ++k) {
        const auto known = model.find(k);
        ASSERT_EQ(directory.find(k).slot, known == model.end() ? none : known->second);
      }
    }
  }
}

TEST(Ring, KeepsOrderAndSaysWhenItIsFull) {
  Ring<int> ring(3);
  EXPECT_EQ(ring.capacity(), 3u);
  int next_in = 0, next_out = 0;
  for (int round = 0; round < 50; ++round) {
    while (ring.try_push(next_in)) ++next_in;
    EXPECT_EQ(ring.free_slots(), 0u);
    EXPECT_EQ(ring.used_slots(), 3u);
    int out[2];
    const std::size_t n = ring.pop(out, static_cast<std::size_t>(round % 3));
    EXPECT_EQ(n, static_cast<std::size_t>(round % 3));
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(out[i], next_out++);
  }
}

}  // namespace
}  // namespace levy
