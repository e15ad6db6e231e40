// Recovery as a table: torn tail or damage, stale blocks, foreign blocks, other versions.
#include "engine/journal/recovery.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "engine/journal/journal.hpp"
#include "tests/support/sim_storage.hpp"

namespace levy::journal {
namespace {

constexpr std::uint64_t node = 0xfeed;
constexpr std::uint64_t segment_bytes = 256 * 1024;

// One block with `count` Records of 8 bytes, as a journal would write it.
std::vector<std::byte> block_of(BlockHeader header, std::uint32_t count) {
  header.record_count = count;
  header.payload_bytes = static_cast<std::uint32_t>(count * framed_bytes(8));
  std::vector<std::byte> bytes(block_bytes(header.payload_bytes));
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t length = 8;
    const std::uint64_t content = header.first_lsn + i + std::uint64_t{header.epoch} * 1'000'000;
    std::byte* at = bytes.data() + header_bytes + i * framed_bytes(8);
    std::memcpy(at, &length, 4);
    std::memcpy(at + 4, &content, 8);
  }
  seal_block(bytes, header);
  return bytes;
}

// Builds journals by hand, one block of two Records after the other.
class Disk : public ::testing::Test {
 protected:
  // Writes the next block of the chain; `written` false leaves a hole where it would lie.
  std::uint32_t write(std::uint64_t durable, bool written = true) {
    BlockHeader header;
    header.node_id = node_;
    header.version = version_;
    header.epoch = epoch_;
    header.first_lsn = next_;
    header.durable_lsn = durable;
    header.previous_crc = crc_;
    header.segment = segment_;
    header.position = static_cast<std::uint32_t>(offset_ / block_unit);
    const std::vector<std::byte> bytes = block_of(header, 2);
    std::memcpy(&header, bytes.data(), sizeof header);
    if (written) put(offset_, bytes);
    crc_ = header.crc;
    next_ += 2;
    offset_ += bytes.size();
    return header.crc;
  }
  void open(std::uint64_t first, std::uint64_t durable) {
    BlockHeader header;
    header.flags = block_opening;
    header.node_id = node_;
    header.epoch = epoch_;
    header.first_lsn = first;
    header.durable_lsn = durable;
    header.previous_crc = crc_;
    header.segment = segment_;
    put(0, block_of(header, 0));
    next_ = first;
    offset_ = block_unit;
  }
  void put(std::uint64_t offset, const std::vector<std::byte>& bytes) {
    if (!disk_.exists(segment_)) disk_.put(segment_, std::vector<std::byte>(segment_bytes));
    std::copy(bytes.begin(), bytes.end(),
              disk_.raw(segment_).begin() + static_cast<std::ptrdiff_t>(offset));
  }
  RecoveryResult run(Lsn start = Lsn{1}, Lsn reach = Lsn{0}) {
    contents_.clear();
    return recover(disk_, {0xfeed, start, reach}, [&](Lsn, std::span<const std::byte> bytes) {
      std::uint64_t content;
      std::memcpy(&content, bytes.data(), sizeof content);
      contents_.push_back(content);
      return true;
    });
  }

  sim::SimDisk disk_{1};
  std::uint64_t node_ = node;
  std::uint16_t version_ = format_version;
  std::uint32_t epoch_ = 1;
  std::uint32_t segment_ = 1;
  std::uint64_t offset_ = 0;
  std::uint64_t next_ = 1;
  std::uint32_t crc_ = 0;
  std::vector<std::uint64_t> contents_;
};
using Recovery = Disk;

TEST_F(Recovery, NothingIsAnEmptyJournal) {
  const RecoveryResult result = run();
  EXPECT_EQ(result.status, RecoveryStatus::ok);
  EXPECT_EQ(result.last, Lsn{0});
  EXPECT_FALSE(result.torn);
}

TEST_F(Recovery, AHoleBeforeABlockThatStatesLessIsATornTail) {
  open(1, 0);
  write(0);
  write(2, false);
  write(2);  // submitted together with the lost one
  const RecoveryResult result = run();
  EXPECT_EQ(result.status, RecoveryStatus::ok) << result.failure.text;
  EXPECT_EQ(result.last, Lsn{2});
  EXPECT_TRUE(result.torn);
  EXPECT_EQ(result.end_offset, 2 * block_unit);
}

TEST_F(Recovery, AHoleThatALaterBlockCallsDurableIsDamage) {
  open(1, 0);
  write(0);
  write(2, false);
  write(3);  // states LSN 3, the first of the hole, durable
  const RecoveryResult result = run();
  EXPECT_EQ(result.status, RecoveryStatus::damaged);
  EXPECT_NE(result.failure.text.find("segment 1 at offset 8192"), std::string::npos)
      << result.failure.text;
  EXPECT_NE(result.failure.text.find("begins with LSN 3"), std::string::npos);
  EXPECT_NE(result.failure.text.find("at offset 12288"), std::string::npos);
}

TEST_F(Recovery, EveryFlippedBitBelowAStatementIsDamageAndIsFoundInTheLastBlockToo) {
  open(1, 0);
  write(0);
  write(2);
  write(4);
  for (std::uint64_t at = 0; at < 4 * block_unit; at += 37) {
    disk_.flip_bit(1, at, static_cast<unsigned>(at));
    const RecoveryResult result = run();
    const bool last_block = at >= 3 * block_unit;
    if (last_block) {
      EXPECT_EQ(result.status, RecoveryStatus::ok) << at;
      EXPECT_EQ(result.last, Lsn{4}) << at;
      EXPECT_TRUE(result.torn) << at;
    } else {
      EXPECT_NE(result.status, RecoveryStatus::ok) << at;
    }
    disk_.flip_bit(1, at, static_cast<unsigned>(at));
  }
  EXPECT_EQ(run().last, Lsn{6});
}

TEST_F(Recovery, ALaterSegmentMayProveTheDamage) {
  open(1, 0);
  write(0);
  write(2);
  segment_ = 2;
  offset_ = 0;
  write(4);
  disk_.flip_bit(1, 2 * block_unit + 100, 3);
  const RecoveryResult result = run();
  EXPECT_EQ(result.status, RecoveryStatus::damaged);
  EXPECT_NE(result.failure.text.find("segment 2 at offset 0"), std::string::npos)
      << result.failure.text;
}

TEST_F(Recovery, AMissingSegmentIsDamage) {
  open(1, 0);
  write(0);
  for (segment_ = 2; segment_ <= 3; ++segment_) {
    offset_ = 0;
    write(next_ - 1);
  }
  EXPECT_EQ(run().last, Lsn{6});
  ASSERT_FALSE(disk_.remove(2));
  EXPECT_EQ(run().status, RecoveryStatus::damaged);
  ASSERT_FALSE(disk_.remove(1));
  EXPECT_EQ(run().status, RecoveryStatus::damaged);
  EXPECT_EQ(run(Lsn{5}).status, RecoveryStatus::ok);  // a snapshot that starts there needs no more
}

// The heart of the cut: after a torn tail the same LSNs are given again, to other Records, in a
// new epoch; sound blocks of the old epoch still lie behind the tail when the cut does not happen.
TEST_F(Recovery, StaleBlocksOfAnOlderEpochAreNeverTaken) {
  open(1, 0);
  write(0);
  const std::uint32_t end_crc = crc_;
  const std::uint64_t end = offset_;
  write(2, false);
  write(2);  // LSN 5, 6: sound, of epoch 1, never durable
  ASSERT_EQ(run().last, Lsn{2});
  // A new epoch in a new segment, the tail of the first left as it is.
  segment_ = 2;
  epoch_ = 2;
  crc_ = end_crc;
  open(3, 2);
  write(2);  // LSN 3, 4 again
  ASSERT_EQ(run().last, Lsn{4});
  EXPECT_EQ(contents_, (std::vector<std::uint64_t>{1'000'001, 1'000'002, 2'000'003, 2'000'004}));
  write(4);  // LSN 5, 6 of epoch 2
  EXPECT_EQ(run().last, Lsn{6});
  EXPECT_EQ(contents_.back(), 2'000'006u);
  // The stale block, put right behind the end with the right LSN but the old epoch: not taken.
  write(6, false);
  BlockHeader stale;
  stale.node_id = node;
  stale.epoch = 1;
  stale.first_lsn = 7;
  stale.durable_lsn = 2;
  stale.previous_crc = crc_;
  stale.segment = 2;
  stale.position = 3;
  put(3 * block_unit, block_of(stale, 2));
  EXPECT_EQ(run().last, Lsn{6});
  EXPECT_EQ(end, 2 * block_unit);
}

TEST_F(Recovery, TheCutLeavesNothingBehindTheEnd) {
  open(1, 0);
  write(0);
  write(2, false);
  write(2);
  segment_ = 2;
  offset_ = 0;
  write(2);  // a torn tail that reaches into the next segment
  const RecoveryResult result = run();
  ASSERT_EQ(result.last, Lsn{2});
  JournalStart start;
  std::uint32_t next = 0;
  ASSERT_FALSE(open_for_append(disk_, result, node, segment_bytes, start, next));
  const std::vector<std::byte>& raw = disk_.raw(1);
  EXPECT_TRUE(std::all_of(raw.begin() + static_cast<std::ptrdiff_t>(result.end_offset), raw.end(),
                          [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_FALSE(disk_.exists(2));
  EXPECT_EQ(start.segment.sequence, 3u);
  EXPECT_EQ(next, 4u);
  EXPECT_EQ(start.epoch, 2u);
  EXPECT_EQ(start.next, Lsn{3});
  const RecoveryResult again = run();
  EXPECT_EQ(again.last, Lsn{2});
  EXPECT_FALSE(again.torn);
  EXPECT_EQ(again.epoch, 2u);
  // From here on a fault in what was recovered is damage: the opening states it durable.
  disk_.flip_bit(1, block_unit + 70, 1);
  EXPECT_EQ(run().status, RecoveryStatus::damaged);
}

TEST_F(Recovery, RestartsWithoutRecordsPileUpNoSegmentsAndAlwaysRaiseTheEpoch) {
  open(1, 0);
  write(0);
  std::uint32_t epoch = 1;
  for (int i = 0; i < 5; ++i) {
    const RecoveryResult result = run();
    ASSERT_EQ(result.status, RecoveryStatus::ok) << result.failure.text;
    ASSERT_EQ(result.last, Lsn{2});
    JournalStart start;
    std::uint32_t next = 0;
    ASSERT_FALSE(open_for_append(disk_, result, node, segment_bytes, start, next));
    EXPECT_EQ(start.epoch, ++epoch);
    EXPECT_EQ(disk_.segment_count(), 2u);
  }
}

TEST_F(Recovery, AnotherNodesBlocksAreRefused) {
  node_ = 0xbad;
  open(1, 0);
  const RecoveryResult result = run();
  EXPECT_EQ(result.status, RecoveryStatus::foreign);
  EXPECT_NE(result.failure.text.find("0000000000000bad"), std::string::npos);
}

TEST_F(Recovery, AFormatThatIsNotReadIsNamed) {
  open(1, 0);
  version_ = format_version + 1;
  write(0);
  const RecoveryResult result = run();
  EXPECT_EQ(result.status, RecoveryStatus::version);
  EXPECT_NE(result.failure.text.find("version " + std::to_string(format_version + 1)),
            std::string::npos)
      << result.failure.text;
}

TEST_F(Recovery, ACopiedBlockIsNotTaken) {
  open(1, 0);
  write(0);
  std::vector<std::byte>& raw = disk_.raw(1);
  std::copy_n(raw.begin() + block_unit, block_unit, raw.begin() + 2 * block_unit);
  const RecoveryResult result = run();
  EXPECT_EQ(result.status, RecoveryStatus::ok);
  EXPECT_EQ(result.last, Lsn{2});
}

TEST_F(Recovery, TheSnapshotsEndMustBeReached) {
  open(1, 0);
  write(0);
  EXPECT_EQ(run(Lsn{1}, Lsn{2}).status, RecoveryStatus::ok);
  EXPECT_EQ(run(Lsn{1}, Lsn{3}).status, RecoveryStatus::damaged);
  EXPECT_EQ(run(Lsn{3}, Lsn{2}).status, RecoveryStatus::ok);
  EXPECT_EQ(run(Lsn{4}, Lsn{3}).status, RecoveryStatus::damaged);
}

TEST_F(Recovery, AVisitorMayRefuse) {
  open(1, 0);
  write(0);
  const RecoveryResult result =
      recover(disk_, {node, Lsn{1}, Lsn{0}},
              [](Lsn lsn, std::span<const std::byte>) { return lsn < Lsn{2}; });
  EXPECT_EQ(result.status, RecoveryStatus::stopped);
  EXPECT_NE(result.failure.text.find("LSN 2"), std::string::npos);
}

// A statement at a clean stop makes a later fault in the last Records damage.
TEST_F(Recovery, AStatementProtectsTheLastRecords) {
  JournalStart start;
  std::uint32_t next = 0;
  ASSERT_FALSE(open_for_append(disk_, run(), node, segment_bytes, start, next));
  SegmentSupply supply;
  Journal<sim::SimDisk> journal(disk_, supply, start, {});
  const std::vector<std::byte> record(100, std::byte{7});
  journal.append(record);
  journal.flush();
  while (!journal.idle()) journal.poll();
  ASSERT_TRUE(journal.state_durable());
  while (!journal.idle()) journal.poll();
  journal.append(record);  // and the chain goes on over it
  journal.flush();
  while (!journal.idle()) journal.poll();
  EXPECT_EQ(run().last, Lsn{2});
  disk_.raw(1)[3 * block_unit] ^= std::byte{1};  // the second Record's block: torn, as far as known
  EXPECT_EQ(run().last, Lsn{1});
  disk_.raw(1)[block_unit + 80] ^= std::byte{1};  // the first: stated durable
  EXPECT_EQ(run().status, RecoveryStatus::damaged);
}

TEST_F(Recovery, ScanShowsEveryPlace) {
  open(1, 0);
  write(0);
  write(2);
  disk_.flip_bit(1, 2 * block_unit + 99, 0);
  std::vector<BlockFault> faults;
  ASSERT_FALSE(scan_segment(disk_, 1, segment_bytes, node, [&](const BlockSighting& sighting) {
    faults.push_back(sighting.fault);
    return faults.size() < 4;
  }));
  EXPECT_EQ(faults, (std::vector<BlockFault>{BlockFault::none, BlockFault::none,
                                             BlockFault::checksum, BlockFault::zero}));
}

}  // namespace
}  // namespace levy::journal
