// Snapshot files: what was written comes back, damage is found, the older one is the fallback.
#include "engine/journal/snapshot_file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace levy::journal {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t node = 5;

class Snapshot : public ::testing::Test {
 protected:
  Snapshot() {
    std::string pattern = fs::current_path() / ("levy_snapshot_test_" + std::string(6, 'X'));
    path_ = ::mkdtemp(pattern.data());
  }
  ~Snapshot() override { fs::remove_all(path_); }

  static std::vector<std::byte> content(unsigned chunk, std::uint64_t start) {
    return std::vector<std::byte>(24 * (1 + chunk * 700), static_cast<std::byte>(chunk + start));
  }
  void write(std::uint64_t start, std::uint64_t end) {
    SnapshotWriter writer(path_, node);
    ASSERT_FALSE(writer.begin(Lsn{start}));
    for (unsigned i = 0; i < 80; ++i) {
      const std::vector<std::byte> bytes = content(i, start);
      ASSERT_FALSE(writer.add({static_cast<std::uint8_t>(i % 64), 3, i * 10, 24, bytes}));
    }
    const std::vector<std::byte> metadata(13, static_cast<std::byte>(start));
    ASSERT_FALSE(writer.finish(Lsn{end}, metadata));
    EXPECT_FALSE(writer.active());
  }
  Failure load(std::uint64_t journal_from, SnapshotLoad& loaded) {
    taken_.clear();
    return SnapshotReader(path_, node).load(
        Lsn{journal_from}, [this] { taken_.clear(); },
        [this](const SnapshotChunk& chunk) {
          EXPECT_EQ(chunk.slot_bytes, 24u);
          EXPECT_EQ(chunk.pool, 3u);
          taken_[chunk.first_slot] = {chunk.bytes.begin(), chunk.bytes.end()};
          return true;
        },
        loaded);
  }
  void expect_all(std::uint64_t start) {
    ASSERT_EQ(taken_.size(), 80u);
    for (unsigned i = 0; i < 80; ++i) EXPECT_EQ(taken_[i * 10], content(i, start));
  }
  std::string file(std::uint64_t start) const {
    char name[32];
    std::snprintf(name, sizeof name, "/%016llx.snap", static_cast<unsigned long long>(start));
    return path_ + name;
  }
  void flip(const std::string& path, std::streamoff at) {
    std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(at);
    const char byte = static_cast<char>(stream.get() ^ 4);
    stream.seekp(at);
    stream.put(byte);
  }

  std::string path_;
  std::map<std::uint32_t, std::vector<std::byte>> taken_;
};

TEST_F(Snapshot, NoneIsNoFault) {
  SnapshotLoad loaded;
  EXPECT_FALSE(load(1, loaded));
  EXPECT_FALSE(loaded.found);
}

TEST_F(Snapshot, ComesBackAsItWas) {
  write(101, 150);
  SnapshotLoad loaded;
  ASSERT_FALSE(load(1, loaded));
  ASSERT_TRUE(loaded.found);
  EXPECT_EQ(loaded.info.start, Lsn{101});
  EXPECT_EQ(loaded.info.end, Lsn{150});
  EXPECT_EQ(loaded.metadata, std::vector<std::byte>(13, std::byte{101}));
  EXPECT_TRUE(loaded.rejected.empty());
  expect_all(101);
}

TEST_F(Snapshot, TheLastTwoAreKept) {
  Lsn needed;
  write(10, 20);
  ASSERT_FALSE(snapshot_needs_from(path_, node, needed));
  EXPECT_EQ(needed, Lsn{1});
  write(30, 40);
  write(50, 60);
  EXPECT_FALSE(fs::exists(file(10)));
  EXPECT_TRUE(fs::exists(file(30)));
  EXPECT_TRUE(fs::exists(file(50)));
  ASSERT_FALSE(snapshot_needs_from(path_, node, needed));
  EXPECT_EQ(needed, Lsn{30});
}

TEST_F(Snapshot, ADamagedNewestFallsBackToThePreviousAndSaysSo) {
  write(30, 40);
  write(50, 60);
  const auto size = static_cast<std::streamoff>(fs::file_size(file(50)));
  for (const std::streamoff at : {std::streamoff{3}, std::streamoff{17}, std::streamoff{70},
                                  std::streamoff{99}, size / 2, size - 70, size - 30}) {
    flip(file(50), at);
    SnapshotLoad loaded;
    ASSERT_FALSE(load(30, loaded)) << at;
    EXPECT_EQ(loaded.info.start, Lsn{30}) << at;
    ASSERT_EQ(loaded.rejected.size(), 1u) << at;
    EXPECT_NE(loaded.rejected[0].find(file(50)), std::string::npos);
    expect_all(30);
    // The journal no longer reaches the previous one: refused, never half of a state.
    EXPECT_TRUE(load(31, loaded)) << at;
    EXPECT_FALSE(loaded.found);
    EXPECT_TRUE(taken_.empty());
    flip(file(50), at);
  }
  SnapshotLoad loaded;
  ASSERT_FALSE(load(31, loaded));
  EXPECT_EQ(loaded.info.start, Lsn{50});
}

TEST_F(Snapshot, EveryFlippedByteIsFound) {
  SnapshotWriter writer(path_, node);
  ASSERT_FALSE(writer.begin(Lsn{7}));
  const std::vector<std::byte> bytes(48, std::byte{9});
  ASSERT_FALSE(writer.add({1, 3, 0, 24, bytes}));
  ASSERT_FALSE(writer.add({2, 3, 8, 24, bytes}));
  ASSERT_FALSE(writer.finish(Lsn{9}, bytes));
  const auto size = static_cast<std::streamoff>(fs::file_size(file(7)));
  for (std::streamoff at = 0; at < size; ++at) {
    flip(file(7), at);
    SnapshotLoad loaded;
    EXPECT_TRUE(load(2, loaded)) << at;
    flip(file(7), at);
  }
  SnapshotLoad loaded;
  EXPECT_FALSE(load(2, loaded));
}

TEST_F(Snapshot, WhatWasNotFinishedDoesNotCount) {
  write(30, 40);
  {
    SnapshotWriter writer(path_, node);
    ASSERT_FALSE(writer.begin(Lsn{50}));
    const std::vector<std::byte> bytes(24);
    ASSERT_FALSE(writer.add({0, 3, 0, 24, bytes}));
  }
  SnapshotLoad loaded;
  ASSERT_FALSE(load(1, loaded));
  EXPECT_EQ(loaded.info.start, Lsn{30});
  EXPECT_EQ(std::distance(fs::directory_iterator(path_), fs::directory_iterator()), 1);
}

TEST_F(Snapshot, OfAnotherNodeIsRejected) {
  write(30, 40);
  SnapshotLoad loaded;
  const auto none = [] {};
  const auto take = [](const SnapshotChunk&) { return true; };
  EXPECT_TRUE(SnapshotReader(path_, node + 1).load(Lsn{2}, none, take, loaded));
  EXPECT_NE(loaded.rejected.at(0).find("another node"), std::string::npos);
}

}  // namespace
}  // namespace levy::journal
