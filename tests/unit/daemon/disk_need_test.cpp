// What a configuration may need of the disk, and what is said of the disk that is there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/daemon/disk_need.hpp"
#include "engine/shard/state.hpp"

namespace levy::daemon {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;

config::Options options() {
  config::Options o;
  o.data.segment_bytes = 16 * static_cast<std::int64_t>(mib);
  o.data.snapshot_after_bytes = 1000 * static_cast<std::int64_t>(mib);
  return o;
}

TEST(DiskNeed, TwoPeriodsFourSegmentsThreeSnapshots) {
  const DiskNeed need = disk_need(options());
  ASSERT_LT(need.snapshot_bytes, 1000 * mib);
  EXPECT_EQ(need.segments, 125u + 4u);
  EXPECT_EQ(need.snapshots, 3u);
  EXPECT_EQ(need.total_bytes(), 129 * 16 * mib + 3 * need.snapshot_bytes);
  std::ostringstream text;
  describe(need, text);
  EXPECT_NE(text.str().find("129 segments x 16 MiB = 2064 MiB"), std::string::npos) << text.str();
  EXPECT_NE(text.str().find("together " + std::to_string(need.total_bytes() / mib) + " MiB\n"),
            std::string::npos)
      << text.str();
}

TEST(DiskNeed, PeriodsAreAsLongAsASnapshot) {
  config::Options o = options();
  o.data.snapshot_after_bytes = 64 * static_cast<std::int64_t>(mib);
  o.capacity.buckets_max = 100'000'000;
  const DiskNeed need = disk_need(o);
  EXPECT_GE(need.segments * need.segment_bytes, 2 * need.snapshot_bytes);
}

TEST(DiskNeed, SnapshotsGrowWithTheCapacity) {
  config::Options o = options();
  const std::uint64_t before = disk_need(o).snapshot_bytes;
  // At least the bare accounts, sessions and buckets.
  EXPECT_GT(before, 100'000 * sizeof(shard::Account) + 300'000 * sizeof(shard::Session));
  o.capacity.accounts_max *= 2;
  EXPECT_GE(disk_need(o).snapshot_bytes, before + 100'000 * sizeof(shard::Account));
  // The number of Shards only adds the room for chance.
  o = options();
  o.data.shards = 1;
  EXPECT_LT(disk_need(o).snapshot_bytes, before);
  EXPECT_GT(disk_need(o).snapshot_bytes, before / 2);
}

TEST(DiskNeed, Verdicts) {
  const DiskNeed need = disk_need(options());
  const auto judge = [&](std::uint64_t free, std::uint64_t own) {
    return judge_disk(need, DiskRoom{free, own});
  };
  EXPECT_TRUE(judge(need.total_bytes(), 0).text.empty());
  EXPECT_TRUE(judge(0, need.total_bytes()).text.empty());  // all of it is ours already
  const DiskVerdict little = judge(need.total_bytes() - 1 - mib, mib);
  EXPECT_TRUE(little.fits);
  EXPECT_NE(little.text.find("1 MiB in use"), std::string::npos) << little.text;
  EXPECT_NE(little.text.find("`data.snapshot.after`"), std::string::npos) << little.text;
  EXPECT_TRUE(judge(32 * mib, 0).fits);
  EXPECT_TRUE(judge(16 * mib, 16 * mib).fits);
  EXPECT_FALSE(judge(32 * mib - 1, 0).fits);
}

TEST(DiskNeed, RoomCountsOwnFiles) {
  namespace fs = std::filesystem;
  std::string pattern = (fs::temp_directory_path() / ("levy_disk_" + std::string(6, 'X'))).string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  const fs::path directory(pattern);
  DiskRoom room;
  ASSERT_TRUE(disk_room(directory.string(), room));  // a directory that is new
  EXPECT_GT(room.free_bytes, 0u);
  EXPECT_EQ(room.own_bytes, 0u);
  for (const char* part : {"journal", "snapshot", "plans"}) {
    fs::create_directory(directory / part);
    std::ofstream(directory / part / "file") << std::string(1000, 'x');
  }
  ASSERT_TRUE(disk_room(directory.string(), room));
  EXPECT_EQ(room.own_bytes, 2000u);
  EXPECT_FALSE(disk_room((directory / "nowhere").string(), room));
  fs::remove_all(directory);
}

}  // namespace
}  // namespace levy::daemon
