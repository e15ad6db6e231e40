// Transaction: roll back leaves no trace; images, applied anywhere, give the same state.
#include "engine/shard/transaction.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "engine/shard/record.hpp"

namespace levy::shard {
namespace {

using Mails = Pool<Mail>;

std::vector<Mail> content(const Mails& pool) {
  std::vector<Mail> out;
  for (Slot s = 0; s < pool.capacity(); ++s) out.push_back(pool[s]);
  return out;
}

bool same(const std::vector<Mail>& a, const std::vector<Mail>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(Mail)) == 0;
}

void load(std::span<const std::uint8_t> images, Mails& pool) {
  const auto put = [&](const ImageHeader& h, std::span<const std::uint8_t> words) {
    auto* at = reinterpret_cast<std::uint8_t*>(pool.raw(h.slot));
    std::size_t from = 0;
    for (unsigned w = 0; w < h.words; ++w) {
      if ((h.bitmap >> w & 1) == 0) continue;
      std::memcpy(at + w * 8, words.data() + from, 8);
      from += 8;
    }
    return from == words.size();
  };
  ASSERT_TRUE(for_each_image(images, put));
}

struct Bench {
  std::unique_ptr<Transaction> transaction = std::make_unique<Transaction>();
  Mails pool{8, HugePages::off};
  std::mt19937_64 random;

  // A few takes, changes and releases.
  void change() {
    for (int n = static_cast<int>(random() % 10); n >= 0; --n) {
      const auto slot = static_cast<Slot>(random() % 8);
      if (random() % 3 == 0) {
        const Slot fresh = transaction->take(PoolId::mail, pool);
        if (fresh == none) continue;
        pool[fresh].state = MailState::sent;
        pool[fresh].sequence = random();
      } else if (!pool[slot].live()) {
        continue;
      } else if (random() % 3 == 0) {
        transaction->release(PoolId::mail, pool, slot);
      } else {
        Mail& mail = transaction->edit(PoolId::mail, pool, slot);
        mail.amount = static_cast<std::int64_t>(random() % 3);
        mail.to_account[random() % 24] = static_cast<char>(random());
      }
    }
  }
};

TEST(Transaction, RollBackRestoresSlotsAndTheFreeList) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Bench bench;
    bench.random.seed(seed);
    bench.change();
    bench.transaction->commit();
    const std::vector<Mail> before = content(bench.pool);
    const std::size_t used = bench.pool.used();
    bench.change();
    bench.transaction->roll_back();
    EXPECT_TRUE(bench.transaction->empty());
    ASSERT_TRUE(same(before, content(bench.pool))) << "seed " << seed;
    ASSERT_EQ(bench.pool.used(), used) << "seed " << seed;
    std::size_t free = 0;  // every free slot comes exactly once
    for (Slot s = bench.pool.take(); s != none; s = bench.pool.take(), ++free)
      ASSERT_FALSE(bench.pool[s].live()) << "seed " << seed;
    ASSERT_EQ(free, bench.pool.capacity() - used) << "seed " << seed;
  }
}

TEST(Transaction, ASlotReleasedHereIsTakenAgainOnlyWhenThePoolIsEmpty) {
  Bench b;
  Transaction& t = *b.transaction;
  for (int i = 0; i < 7; ++i) b.pool[t.take(PoolId::mail, b.pool)].state = MailState::sent;
  t.commit();
  const std::vector<Mail> before = content(b.pool);
  t.release(PoolId::mail, b.pool, 3);
  EXPECT_EQ(t.take(PoolId::mail, b.pool), 7u);
  EXPECT_EQ(t.take(PoolId::mail, b.pool), 3u);
  EXPECT_EQ(t.take(PoolId::mail, b.pool), none);
  t.release(PoolId::mail, b.pool, 7);
  EXPECT_EQ(t.take(PoolId::mail, b.pool), 7u);
  b.pool[3].amount = b.pool[7].amount = 5;
  t.roll_back();
  EXPECT_TRUE(same(content(b.pool), before));
  EXPECT_EQ(b.pool.used(), 7u);
  t.release(PoolId::mail, b.pool, 3);
  EXPECT_EQ(t.take(PoolId::mail, b.pool), 7u);
  EXPECT_EQ(t.take(PoolId::mail, b.pool), 3u);
  b.pool[3].state = b.pool[7].state = MailState::received;
  t.commit();
  EXPECT_EQ(b.pool.used(), 8u);
  EXPECT_EQ(b.pool.take(), none);
}

TEST(Transaction, ImagesGiveTheSameStateOnceTwiceAndOverANewerCopy) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Bench bench;
    bench.random.seed(seed);
    Mails once(8, HugePages::off), twice(8, HugePages::off), ahead(8, HugePages::off);
    std::vector<std::vector<std::uint8_t>> records;
    for (int step = 0; step < 12; ++step) {
      bench.change();
      std::vector<std::uint8_t> bytes(8 * (sizeof(Mail) + sizeof(ImageHeader)));
      bytes.resize(bench.transaction->write_images(bytes));
      bench.transaction->commit();
      load(bytes, once);
      load(bytes, twice);
      load(bytes, twice);
      records.push_back(bytes);
      ASSERT_TRUE(same(content(bench.pool), content(once))) << "seed " << seed;
      ASSERT_TRUE(same(content(bench.pool), content(twice))) << "seed " << seed;
    }
    // As a snapshot's walk: slots copied late, then all the Records from the start.
    for (Slot s = 0; s < 8; s += 2) *ahead.raw(s) = bench.pool[s];
    for (const auto& record : records) load(record, ahead);
    ASSERT_TRUE(same(content(bench.pool), content(ahead))) << "seed " << seed;
  }
}

TEST(Transaction, SaysWhenImagesDoNotFit) {
  Bench bench;
  const Slot slot = bench.transaction->take(PoolId::mail, bench.pool);
  bench.pool[slot].state = MailState::sent;
  std::uint8_t small[16];
  EXPECT_EQ(bench.transaction->write_images(small), 0u);
  bench.transaction->roll_back();
  EXPECT_EQ(bench.pool.used(), 0u);
}

}  // namespace
}  // namespace levy::shard
