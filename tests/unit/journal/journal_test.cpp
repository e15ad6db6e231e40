// Journal over the simulated disk: order, watermark, backpressure, segments, failures.
#include "engine/journal/journal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <span>
#include <vector>

#include "engine/journal/recovery.hpp"
#include "engine/journal/segment_keeper.hpp"
#include "tests/support/sim_storage.hpp"

namespace levy::journal {
namespace {

constexpr std::uint64_t node = 77;
constexpr std::uint64_t segment_bytes = 1024 * 1024;

std::vector<std::byte> record(std::size_t size, unsigned fill) {
  return std::vector<std::byte>(size, static_cast<std::byte>(fill));
}

// A Storage that finishes writes only when told, in the order told.
class HandDisk {
 public:
  bool submit(std::uint32_t, std::uint64_t offset, std::span<const std::byte> bytes,
              std::uint64_t tag) {
    if (refuse) return false;
    BlockHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    headers.push_back(header);
    offsets.push_back(offset);
    open.push_back(tag);
    return true;
  }
  std::size_t poll(StorageCompletion* completions, std::size_t count_max) {
    std::size_t count = 0;
    while (count < count_max && !done.empty()) {
      completions[count++] = done.front();
      done.pop_front();
    }
    return count;
  }
  void finish(std::uint64_t tag, int error = 0) {
    ASSERT_EQ(std::erase(open, tag), 1u);
    done.push_back({tag, error});
  }

  bool refuse = false;
  std::vector<std::uint64_t> open;
  std::deque<StorageCompletion> done;
  std::vector<BlockHeader> headers;
  std::vector<std::uint64_t> offsets;
};
static_assert(Storage<HandDisk>);

JournalStart start_at(std::uint64_t next = 1) {
  return {node, 4, Lsn{next}, 0xabc, {1, 1, segment_bytes}, block_unit};
}

TEST(Journal, WatermarkMovesOnlyOverAContiguousPrefix) {
  HandDisk disk;
  SegmentSupply supply;
  Journal<HandDisk> journal(disk, supply, start_at(), {});
  for (unsigned i = 1; i <= 4; ++i) {
    EXPECT_EQ(journal.append(record(100, i)), Lsn{i});
    journal.flush();
  }
  ASSERT_EQ(disk.open.size(), 4u);
  disk.finish(1);
  disk.finish(3);
  EXPECT_EQ(journal.poll(), 2u);
  EXPECT_EQ(journal.durable(), Lsn{0});
  disk.finish(0);
  journal.poll();
  EXPECT_EQ(journal.durable(), Lsn{2});
  disk.finish(2);
  journal.poll();
  EXPECT_EQ(journal.durable(), Lsn{4});
  EXPECT_TRUE(journal.idle());
  // Every write began on a block of its own, and stated what was durable then.
  EXPECT_EQ(disk.offsets, (std::vector<std::uint64_t>{4096, 8192, 12288, 16384}));
  journal.append(record(1, 9));
  journal.flush();
  EXPECT_EQ(disk.headers.back().durable_lsn, 4u);
  EXPECT_EQ(disk.headers.back().first_lsn, 5u);
  EXPECT_EQ(disk.headers.back().epoch, 4u);
  EXPECT_EQ(disk.headers.back().previous_crc, disk.headers[3].crc);
  EXPECT_EQ(disk.headers[0].previous_crc, 0xabcu);
}

TEST(Journal, GathersWhileEverythingIsInFlight) {
  HandDisk disk;
  SegmentSupply supply;
  JournalOptions options;
  options.in_flight_max = 2;
  Journal<HandDisk> journal(disk, supply, start_at(), options);
  for (unsigned i = 0; i < 5; ++i) {
    journal.append(record(200, i));
    journal.flush();
  }
  ASSERT_EQ(disk.headers.size(), 2u);  // the other three wait together
  disk.finish(0);
  journal.poll();
  journal.flush();
  ASSERT_EQ(disk.headers.size(), 3u);
  EXPECT_EQ(disk.headers[2].record_count, 3u);
}

TEST(Journal, NoRoomWhenBuffersAreFullAndRoomAgainAfterCompletion) {
  HandDisk disk;
  SegmentSupply supply;
  JournalOptions options;
  options.in_flight_max = 1;
  options.write_bytes_max = 64 * 1024;
  Journal<HandDisk> journal(disk, supply, start_at(), options);
  std::uint64_t taken = 0;
  while (journal.room(limits::record_bytes_max)) {
    journal.append(record(limits::record_bytes_max, 1));
    ASSERT_LT(++taken, 100u);
  }
  EXPECT_EQ(taken, 3u);  // one in flight, one sealed, one gathering
  EXPECT_TRUE(journal.room(100));  // a small one still fits the gathering block
  disk.finish(0);
  journal.poll();
  EXPECT_TRUE(journal.room(limits::record_bytes_max));
  EXPECT_EQ(disk.open.size(), 1u);
}

TEST(Journal, AStorageThatRefusesIsAskedAgain) {
  HandDisk disk;
  SegmentSupply supply;
  Journal<HandDisk> journal(disk, supply, start_at(), {});
  disk.refuse = true;
  journal.append(record(10, 1));
  journal.flush();
  EXPECT_FALSE(journal.idle());
  EXPECT_TRUE(disk.open.empty());
  disk.refuse = false;
  journal.flush();
  ASSERT_EQ(disk.open.size(), 1u);
  disk.finish(0);
  journal.poll();
  EXPECT_EQ(journal.durable(), Lsn{1});
}

TEST(Journal, AFailedWriteIsForEver) {
  HandDisk disk;
  SegmentSupply supply;
  Journal<HandDisk> journal(disk, supply, start_at(), {});
  for (unsigned i = 0; i < 3; ++i) {
    journal.append(record(10, i));
    journal.flush();
  }
  disk.finish(0);
  journal.poll();
  disk.finish(1, EIO);
  disk.finish(2);
  journal.poll();
  EXPECT_EQ(journal.failed(), EIO);
  EXPECT_EQ(journal.durable(), Lsn{1});
  EXPECT_FALSE(journal.room(1));
  EXPECT_FALSE(journal.admission_open());
  EXPECT_FALSE(journal.state_durable());
  journal.flush();
  EXPECT_EQ(disk.headers.size(), 3u);
}

TEST(Journal, RelaxedCallsDurableWhatIsSubmittedButStatesTheTruth) {
  HandDisk disk;
  SegmentSupply supply;
  JournalOptions options;
  options.relaxed = true;
  Journal<HandDisk> journal(disk, supply, start_at(), options);
  journal.append(record(10, 1));
  EXPECT_EQ(journal.durable(), Lsn{0});
  journal.flush();
  EXPECT_EQ(journal.durable(), Lsn{1});
  journal.append(record(10, 2));
  journal.flush();
  EXPECT_EQ(disk.headers[1].durable_lsn, 0u);
  disk.finish(0, EIO);
  journal.poll();
  EXPECT_EQ(journal.durable(), Lsn{0});  // after a failure only what was proved
}

TEST(Journal, AdmissionStopsAtHalfASegmentAndRoomAtItsEnd) {
  sim::SimDisk disk(5);
  RecoveryResult recovered = recover(disk, {node, Lsn{1}, Lsn{0}},
                                     [](Lsn, std::span<const std::byte>) { return true; });
  JournalStart start;
  std::uint32_t next = 0;
  ASSERT_FALSE(open_for_append(disk, recovered, node, segment_bytes, start, next));
  disk.set_space(segment_bytes);  // the disk is full now
  SegmentSupply supply;
  SegmentKeeper keeper(disk, supply, {segment_bytes, segment_bytes, 1}, {}, next);
  Journal<sim::SimDisk> journal(disk, supply, start, {});
  EXPECT_TRUE(journal.admission_open());
  std::uint64_t bytes = 0;
  while (true) {
    const Failure failure = keeper.turn(Lsn{1});
    EXPECT_EQ(failure.error, ENOSPC);
    if (!journal.room(4000)) {
      journal.flush();
      while (!journal.idle()) journal.poll();
      if (!journal.room(4000)) break;
    }
    journal.append(record(4000, 3));
    bytes += 4000;
    ASSERT_LT(bytes, 2 * segment_bytes);
    if (bytes > segment_bytes * 2 / 3) {
      EXPECT_FALSE(journal.admission_open());
    }
  }
  EXPECT_GT(bytes, segment_bytes * 9 / 10);
  EXPECT_EQ(journal.durable(), journal.appended());
  EXPECT_EQ(journal.failed(), 0);
  const std::uint64_t before = journal.appended().value;

  disk.set_space(UINT64_MAX);  // space returns
  EXPECT_FALSE(keeper.turn(Lsn{1}));
  EXPECT_TRUE(journal.admission_open());
  ASSERT_TRUE(journal.room(4000));
  EXPECT_EQ(journal.append(record(4000, 4)).value, before + 1);
  journal.flush();
  while (!journal.idle()) journal.poll();
  EXPECT_EQ(journal.segment(), start.segment.sequence + 1);

  // The first segment retires, and goes once nobody needs its Records.
  EXPECT_FALSE(keeper.turn(Lsn{before}));
  EXPECT_TRUE(disk.exists(start.segment.sequence));
  ASSERT_EQ(keeper.kept().size(), 1u);
  EXPECT_EQ(keeper.kept()[0].last.value, before);
  EXPECT_FALSE(keeper.turn(Lsn{before + 1}));
  EXPECT_FALSE(disk.exists(start.segment.sequence));

  // What is left begins behind the removed Records: enough for a snapshot that starts there.
  disk.crash();
  std::uint64_t seen = 0;
  recovered = recover(disk, {node, Lsn{before + 1}, Lsn{before + 1}},
                      [&](Lsn lsn, std::span<const std::byte>) { return seen = lsn.value, true; });
  EXPECT_EQ(recovered.status, RecoveryStatus::ok) << recovered.failure.text;
  EXPECT_EQ(seen, before + 1);
  Lsn oldest;
  EXPECT_FALSE(oldest_lsn(disk, node, oldest));
  EXPECT_EQ(oldest.value, before + 1);
  // ... and not for one that starts earlier.
  recovered = recover(disk, {node, Lsn{before}, Lsn{0}},
                      [](Lsn, std::span<const std::byte>) { return true; });
  EXPECT_EQ(recovered.status, RecoveryStatus::damaged);
}

TEST(Journal, ManyRecordsOverManySegmentsComeBackAsTheyWere) {
  sim::SimDisk disk(11);
  JournalStart start;
  std::uint32_t next = 0;
  ASSERT_FALSE(open_for_append(
      disk, recover(disk, {node, Lsn{1}, Lsn{0}},
                    [](Lsn, std::span<const std::byte>) { return true; }),
      node, 256 * 1024, start, next));
  SegmentSupply supply;
  SegmentKeeper keeper(disk, supply, {256 * 1024, 256 * 1024, 1}, {}, next);
  Journal<sim::SimDisk> journal(disk, supply, start, {});
  constexpr std::uint64_t total = 3000;
  for (std::uint64_t lsn = 1; lsn <= total;) {
    ASSERT_FALSE(keeper.turn(Lsn{1}));
    const std::size_t size = 1 + (lsn * 37) % 900;
    if (journal.room(size)) {
      journal.append(record(size, static_cast<unsigned>(lsn)));
      ++lsn;
    }
    if (lsn % 5 == 0) journal.flush();
    journal.poll();
  }
  while (!journal.idle()) {
    journal.flush();
    journal.poll();
  }
  EXPECT_EQ(journal.durable().value, total);
  ASSERT_GT(disk.segment_count(), 4u);
  std::uint64_t expected = 0;
  const RecoveryResult recovered =
      recover(disk, {node, Lsn{1}, Lsn{total}}, [&](Lsn lsn, std::span<const std::byte> bytes) {
        ++expected;
        return lsn.value == expected && bytes.size() == 1 + (lsn.value * 37) % 900 &&
               bytes.back() == static_cast<std::byte>(lsn.value);
      });
  EXPECT_EQ(recovered.status, RecoveryStatus::ok) << recovered.failure.text;
  EXPECT_EQ(recovered.records, total);
  EXPECT_EQ(expected, total);
  // Ranges are complete and without overlap.
  std::uint64_t lsn = 1;
  for (const SegmentRange& range : recovered.segments) {
    EXPECT_EQ(range.first.value, lsn);
    lsn = range.last.value + 1;
  }
  EXPECT_EQ(lsn, total + 1);
  // A later start hands over only the rest.
  const RecoveryResult rest = recover(disk, {node, Lsn{2500}, Lsn{total}},
                                      [](Lsn at, std::span<const std::byte>) {
                                        return at.value >= 2500;
                                      });
  EXPECT_EQ(rest.status, RecoveryStatus::ok) << rest.failure.text;
  EXPECT_EQ(rest.records, total - 2500 + 1);
}

}  // namespace
}  // namespace levy::journal
