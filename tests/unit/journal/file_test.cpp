// The real files: FileStorage in both ways, segments, the data directory, a disk that fills up.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "engine/journal/directory.hpp"
#include "engine/journal/file_storage.hpp"
#include "engine/journal/journal.hpp"
#include "engine/journal/recovery.hpp"
#include "engine/journal/segment_files.hpp"
#include "engine/journal/segment_keeper.hpp"

namespace levy::journal {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t segment_bytes = 1024 * 1024;

// A folder of its own beside the test executable: /tmp may be a tmpfs without O_DIRECT.
class Folder {
 public:
  Folder() {
    std::string pattern = fs::current_path() / ("levy_journal_test_" + std::string(6, 'X'));
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

DirectoryRequest request(const std::string& path, const std::string& node = "ocs1") {
  return {path, node, 8, Time::from_seconds(1'700'000'000), true, false};
}

RecordVisitor ignore() {
  return [](Lsn, std::span<const std::byte>) { return true; };
}

class BothWays : public ::testing::TestWithParam<WriteMode> {};

TEST_P(BothWays, RecordsSurviveAReopenedDirectory) {
  Folder folder;
  NodeDirectory directory;
  ASSERT_FALSE(directory.open(request(folder.path() + "/data")));
  std::uint64_t lsn = 0;
  for (int life = 0; life < 3; ++life) {
    SegmentFiles files(directory.journal_path());
    ASSERT_FALSE(files.open_for_writing());
    std::uint64_t seen = 0;
    const RecoveryResult recovered = recover(
        files, {directory.node_id(), Lsn{1}, Lsn{0}},
        [&](Lsn at, std::span<const std::byte> bytes) {
          ++seen;
          return at.value == seen && bytes.size() == 1 + at.value % 2000 &&
                 bytes[0] == static_cast<std::byte>(at.value);
        });
    ASSERT_EQ(recovered.status, RecoveryStatus::ok) << recovered.failure.text;
    EXPECT_EQ(seen, lsn);
    EXPECT_FALSE(recovered.torn) << recovered.torn_text;
    JournalStart start;
    std::uint32_t next = 0;
    const Failure opened =
        open_for_append(files, recovered, directory.node_id(), segment_bytes, start, next);
    ASSERT_FALSE(opened) << opened.text;
    FileStorage storage;
    const Failure failure = storage.open({GetParam(), 16});
    if (failure && GetParam() == WriteMode::io_uring) GTEST_SKIP() << failure.text;
    ASSERT_FALSE(failure) << failure.text;
    EXPECT_EQ(storage.mode(), GetParam());
    SegmentSupply supply;
    SegmentKeeper keeper(files, supply, {segment_bytes, 256 * 1024, 1}, recovered.segments, next);
    Journal<FileStorage> journal(storage, supply, start, {});
    const std::uint64_t goal = lsn + 1500;
    while (journal.durable().value < goal) {
      ASSERT_FALSE(keeper.turn(Lsn{1}));
      for (int i = 0; i < 20 && lsn < goal; ++i) {
        const std::vector<std::byte> record(1 + (lsn + 1) % 2000, static_cast<std::byte>(lsn + 1));
        if (!journal.room(record.size())) break;
        EXPECT_EQ(journal.append(record).value, ++lsn);
      }
      journal.flush();
      journal.poll();
      ASSERT_EQ(journal.failed(), 0) << std::strerror(journal.failed());
    }
    EXPECT_GT(journal.segment(), start.segment.sequence);
  }
}

TEST_P(BothWays, AWriteThatFailsIsReported) {
  FileStorage storage;
  const Failure failure = storage.open({GetParam(), 4});
  if (failure && GetParam() == WriteMode::io_uring) GTEST_SKIP() << failure.text;
  ASSERT_FALSE(failure);
  alignas(4096) static std::byte bytes[4096];
  ASSERT_TRUE(storage.submit(9999, 0, bytes, 42));  // no such descriptor
  StorageCompletion completion;
  for (int i = 0; i < 20'000 && storage.poll(&completion, 1) == 0; ++i) ::usleep(100);
  EXPECT_EQ(completion.tag, 42u);
  EXPECT_EQ(completion.error, EBADF);
}

TEST_P(BothWays, TakesNoMoreThanItsQueue) {
  Folder folder;
  SegmentFiles files(folder.path());
  ASSERT_FALSE(files.open_for_writing());
  bool done = false;
  ReadySegment segment;
  ASSERT_FALSE(files.prepare(1, segment_bytes, segment_bytes, done, segment));
  ASSERT_TRUE(done);
  FileStorage storage;
  const Failure failure = storage.open({GetParam(), 2});
  if (failure && GetParam() == WriteMode::io_uring) GTEST_SKIP() << failure.text;
  alignas(4096) static std::byte bytes[4096];
  EXPECT_TRUE(storage.submit(segment.file, 0, bytes, 1));
  EXPECT_TRUE(storage.submit(segment.file, 4096, bytes, 2));
  EXPECT_FALSE(storage.submit(segment.file, 8192, bytes, 3));
  StorageCompletion completions[4];
  std::size_t count = 0;
  for (int i = 0; i < 20'000 && count < 2; ++i) {
    count += storage.poll(completions + count, 4 - count);
    ::usleep(100);
  }
  EXPECT_EQ(count, 2u);
  EXPECT_TRUE(storage.submit(segment.file, 8192, bytes, 3));
  while (storage.poll(completions, 1) == 0) ::usleep(100);
}

INSTANTIATE_TEST_SUITE_P(FileStorage, BothWays,
                         ::testing::Values(WriteMode::io_uring, WriteMode::thread));

TEST(FileStorage, AutomaticNamesItsWay) {
  FileStorage storage;
  ASSERT_FALSE(storage.open({}));
  EXPECT_NE(storage.mode(), WriteMode::automatic);
  EXPECT_EQ(storage.fallback_reason().empty(), storage.mode() == WriteMode::io_uring);
}

TEST(SegmentFiles, AreWholeOrNotThere) {
  Folder folder;
  {
    SegmentFiles files(folder.path());
    ASSERT_FALSE(files.open_for_writing());
    bool done = false;
    ReadySegment segment;
    ASSERT_FALSE(files.prepare(1, segment_bytes, 64 * 1024, done, segment));
    EXPECT_FALSE(done);
    std::vector<SegmentEntry> entries;
    ASSERT_FALSE(files.list(entries));
    EXPECT_TRUE(entries.empty());
  }
  SegmentFiles files(folder.path());
  ASSERT_FALSE(files.open_for_writing());  // removes the half one
  EXPECT_TRUE(fs::is_empty(folder.path()));
  bool done = false;
  ReadySegment segment;
  int steps = 0;
  for (; !done; ++steps) ASSERT_FALSE(files.prepare(1, segment_bytes, 100 * 4096, done, segment));
  EXPECT_EQ(steps, 3);
  std::vector<SegmentEntry> entries;
  ASSERT_FALSE(files.list(entries));
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].bytes, segment_bytes);
  std::ofstream(folder.path() + "/12.seg") << "x";
  EXPECT_EQ(files.list(entries).error, EINVAL);
}

// A file system of 3 MiB: segments run out, Records wait, and go on when there is space again.
TEST(SegmentFiles, AFullDiskStopsAdmissionAndNothingElse) {
  Folder folder;
  if (::mount("none", folder.path().c_str(), "tmpfs", 0, "size=3m") != 0) {
    GTEST_SKIP() << "no right to mount a small file system: " << std::strerror(errno);
  }
  struct Unmount {
    const std::string& path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } unmount{folder.path()};
  SegmentFiles files(folder.path());
  ASSERT_FALSE(files.open_for_writing());
  JournalStart start;
  std::uint32_t next = 0;
  ASSERT_FALSE(open_for_append(files, recover(files, {1, Lsn{1}, Lsn{0}}, ignore()), 1,
                               segment_bytes, start, next));
  std::ofstream filler(folder.path() + "/filler");
  filler << std::string(3 * segment_bytes / 2, 'x') << std::flush;
  FileStorage storage;
  ASSERT_FALSE(storage.open({}));
  SegmentSupply supply;
  SegmentKeeper keeper(files, supply, {segment_bytes, segment_bytes, 1}, {}, next);
  Journal<FileStorage> journal(storage, supply, start, {});
  const std::vector<std::byte> record(16 * 1024, std::byte{5});
  bool told = false;
  for (int idle = 0; idle < 3;) {
    const Failure failure = keeper.turn(Lsn{1});
    EXPECT_EQ(failure.error, ENOSPC);
    told = told || failure.text.find("No space left") != std::string::npos;
    const bool room = journal.room(record.size());
    if (room) journal.append(record);
    idle = room || !journal.idle() ? 0 : idle + 1;
    journal.flush();
    journal.poll();
  }
  EXPECT_TRUE(told);
  EXPECT_FALSE(journal.admission_open());
  EXPECT_EQ(journal.failed(), 0);
  EXPECT_EQ(journal.durable(), journal.appended());
  EXPECT_GE(journal.appended().value, 51u);  // a block of 20 KiB each
  filler.close();
  fs::remove(folder.path() + "/filler");
  const Failure failure = keeper.turn(Lsn{1});
  EXPECT_FALSE(failure) << failure.text;
  EXPECT_TRUE(journal.admission_open());
  ASSERT_TRUE(journal.room(record.size()));
  journal.append(record);
  journal.flush();
  while (!journal.idle()) journal.poll();
  EXPECT_EQ(journal.durable(), journal.appended());
  EXPECT_EQ(recover(files, {1, Lsn{1}, journal.durable()}, ignore()).status, RecoveryStatus::ok);
}

// ---- the data directory ----------------------------------------------------------------------

TEST(NodeDirectory, IsMadeOnceAndKnowsWhoItIs) {
  Folder folder;
  const std::string path = folder.path() + "/data";
  std::uint64_t id = 0;
  {
    NodeDirectory directory;
    ASSERT_FALSE(directory.open(request(path)));
    EXPECT_TRUE(directory.fresh());
    EXPECT_NE(directory.node_id(), 0u);
    EXPECT_TRUE(fs::is_directory(directory.journal_path()));
    EXPECT_TRUE(fs::is_directory(directory.snapshot_path()));
    EXPECT_TRUE(fs::is_directory(directory.plans_path()));
    id = directory.node_id();
  }
  NodeDirectory directory;
  DirectoryRequest other = request(path);
  other.shards = 16;  // what the directory says is right
  ASSERT_FALSE(directory.open(other));
  EXPECT_FALSE(directory.fresh());
  EXPECT_EQ(directory.node_id(), id);
  EXPECT_EQ(directory.shards(), 8u);
  EXPECT_EQ(directory.node_name(), "ocs1");
  EXPECT_EQ(directory.created(), Time::from_seconds(1'700'000'000));
}

TEST(NodeDirectory, AnothersNeedsAdopt) {
  Folder folder;
  DirectoryRequest theirs = request(folder.path() + "/data", "theirs");
  std::uint64_t id = 0;
  {
    NodeDirectory directory;
    ASSERT_FALSE(directory.open(theirs));
    id = directory.node_id();
  }
  DirectoryRequest ours = request(folder.path() + "/data", "ours");
  {
    NodeDirectory directory;
    const Failure failure = directory.open(ours);
    EXPECT_EQ(failure.error, EPERM);
    EXPECT_NE(failure.text.find("'theirs'"), std::string::npos) << failure.text;
  }
  ours.adopt = true;
  {
    NodeDirectory directory;
    ASSERT_FALSE(directory.open(ours));
    EXPECT_EQ(directory.adopted_from(), "theirs");
    EXPECT_EQ(directory.node_id(), id);  // its journal stays readable
  }
  NodeDirectory directory;
  EXPECT_EQ(directory.open(theirs).error, EPERM);
}

TEST(NodeDirectory, OneDaemonAtATime) {
  Folder folder;
  NodeDirectory first;
  ASSERT_FALSE(first.open(request(folder.path() + "/data")));
  NodeDirectory second;
  const Failure failure = second.open(request(folder.path() + "/data"));
  EXPECT_EQ(failure.error, EBUSY);
  EXPECT_NE(failure.text.find("process " + std::to_string(::getpid())), std::string::npos)
      << failure.text;
  NodeDirectory reader;
  EXPECT_FALSE(reader.inspect(folder.path() + "/data"));  // tools need no lock
}

TEST(NodeDirectory, RefusesWhatItCannotTrust) {
  Folder folder;
  const std::string path = folder.path() + "/data";
  {
    NodeDirectory directory;
    ASSERT_FALSE(directory.open(request(path)));
  }
  std::ifstream in(path + "/LEVY");
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  const auto opens_with = [&](const std::string& text) {
    std::ofstream(path + "/LEVY") << text;
    NodeDirectory directory;
    return directory.open(request(path));
  };
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_TRUE(opens_with(bad)) << at;
  }
  for (std::size_t size = 0; size + 1 < good.size(); ++size) {  // the last byte is a line's end
    EXPECT_TRUE(opens_with(good.substr(0, size))) << size;
  }
  std::string newer = good;
  newer.replace(newer.find("format 1"), 8, "format 9");
  EXPECT_NE(opens_with(newer).text.find("format 9"), std::string::npos);
  EXPECT_FALSE(opens_with(good));

  fs::remove(path + "/LEVY");
  std::ofstream(path + "/journal/0000000000000001.seg") << "x";
  NodeDirectory directory;
  EXPECT_EQ(directory.open(request(path)).error, ENOTEMPTY);
}

TEST(NodeDirectory, BadRequests) {
  Folder folder;
  DirectoryRequest bad = request(folder.path() + "/data");
  bad.shards = 65;
  EXPECT_EQ(NodeDirectory().open(bad).error, EINVAL);
  bad = request(folder.path() + "/data2", "two words");
  EXPECT_EQ(NodeDirectory().open(bad).error, EINVAL);
  bad = request(folder.path() + "/data3");
  bad.create = false;
  EXPECT_EQ(NodeDirectory().open(bad).error, ENOENT);
  fs::create_directory(folder.path() + "/full");
  std::ofstream(folder.path() + "/full/notes.txt") << "mine";
  EXPECT_EQ(NodeDirectory().open(request(folder.path() + "/full")).error, ENOTEMPTY);
}

}  // namespace
}  // namespace levy::journal
