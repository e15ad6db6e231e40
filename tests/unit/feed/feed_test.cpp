// The feed over a hand-made journal and real files: what a crash leaves of them, rotation, rows.
#include "engine/feed/feed.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/unit/feed/segments.hpp"
#include "tests/unit/shard/review_scene.hpp"

namespace levy::feed {
namespace {

namespace fs = std::filesystem;
class Words final : public Names {
 public:
  std::string name_of(std::uint16_t id) override { return "name-" + std::to_string(id); }
  bool identities_of(ShardId, std::string_view, Slot, Identities& identities) override {
    identities = {"001010000000001", ""};
    return reachable;
  }
  bool reachable = true;
};

class FeedTest : public shard::ReviewScene {
 protected:
  FeedTest() {
    std::string name = "/tmp/levy-feed-" + std::string(6, 'X');
    directory_ = ::mkdtemp(name.data());
    options_feed_.sinks = {sink(Format::jsonl), sink(Format::csv)};
    // Two sessions of five Records each, one Record of each block in two.
    initial();
    for (std::uint32_t i = 1; i < 4; ++i) update(i, 100);
    terminate(4, 10);
    session_id_ = std::string("gw;2,\"odd\"\0\xff", 12);  // gateways may send any bytes
    initial();
    for (std::uint32_t i = 1; i < 4; ++i) update(i, 100);
    terminate(4, 10);
    for (std::size_t i = 0; i < journal_.size(); i += 2) {
      std::vector<std::vector<std::uint8_t>> block{journal_[i]};
      if (i + 1 < journal_.size()) block.push_back(journal_[i + 1]);
      segments_.add(block, Lsn{i + 1});
    }
    all_ = Lsn{journal_.size()};
  }
  ~FeedTest() override { fs::remove_all(directory_); }

  SinkOptions sink(Format format) const { return {directory_ + "/r", "n", format}; }
  Time at(std::int64_t seconds) const { return Time::from_seconds(1'700'000'000 + seconds); }

  // A life of the feed: `durable` at its start, then up to `upto`; no tidy end.
  void live(Lsn durable, Lsn upto, std::int64_t seconds = 0) {
    Feed feed(options_feed_, segments_, Segments::node, words_);
    std::vector<std::string> notes;
    const journal::Failure failure = feed.open(durable, at(seconds), notes);
    ASSERT_FALSE(failure) << failure.text;
    EXPECT_TRUE(notes.empty());
    while (feed.turn(upto, at(seconds))) {
    }
    EXPECT_EQ(feed.failure(), "");
    needed_ = feed.needed_from();
  }

  std::vector<std::string> files(const std::string& suffix) const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(directory_ + "/r")) {
      const std::string path = entry.path();
      if (path.ends_with(suffix)) found.push_back(path);
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  static std::string text(const std::string& path) {
    std::ifstream in(path);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }
  // All lines of a format, closed files first, each file's heading left out.
  std::vector<std::string> lines(const std::string& format) const {
    std::vector<std::string> paths = files("." + format), out;
    for (const std::string& part : files("." + format + ".part")) paths.push_back(part);
    for (const std::string& path : paths) {
      std::istringstream in(text(path));
      for (std::string line; std::getline(in, line);)
        if (!line.starts_with("id,")) out.push_back(line);
    }
    return out;
  }
  void expect_whole(const std::vector<std::string>& json, const std::vector<std::string>& csv) {
    EXPECT_EQ(lines("jsonl"), json);
    EXPECT_EQ(lines("csv"), csv);
  }

  std::string directory_;
  FeedOptions options_feed_;
  Segments segments_;
  Words words_;
  Lsn all_{}, needed_{};
};

TEST_F(FeedTest, EveryMovementIsInTheRecordsOnce) {
  live(Lsn{0}, all_);
  std::int64_t spent_json = 0;
  std::map<std::string, int> ids;
  for (const std::string& line : lines("jsonl")) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(++ids[json["id"]], 1);
    for (const auto& m : json["movements"])
      if (m["kind"] == "spend") spent_json += std::stoll(m["amount"].get<std::string>().substr(2));
  }
  EXPECT_EQ(spent_json, spent());  // all below one unit of money: the digits behind "0."
  std::int64_t spent_csv = 0;
  for (const std::string& row : lines("csv")) {
    Position position;  // a restart cuts a file where a line has none
    EXPECT_TRUE(position_of(Format::csv, row, position)) << row;
    for (std::size_t p = row.find("spend:"); p != row.npos; p = row.find("spend:", p + 1))
      spent_csv += std::stoll(row.substr(row.find("EUR:0.", p) + 6, 6));
  }
  EXPECT_EQ(spent_csv, spent());
  EXPECT_NE(lines("csv").back().find("\"gw;2,\"\"odd\"\" \xef\xbf\xbd\""), std::string::npos);
}

TEST_F(FeedTest, BeginsBehindWhatWasDurableWhenItWasSwitchedOn) {
  live(Lsn{5}, all_);
  EXPECT_EQ(nlohmann::json::parse(lines("jsonl").front())["lsn"], 6);
}

// The newest files cut at every byte: the next life makes them whole again.
TEST_F(FeedTest, ATornEndIsCutAndWrittenAgain) {
  live(Lsn{0}, all_);
  const auto json = lines("jsonl"), csv = lines("csv");
  ASSERT_GT(json.size(), 8u);
  for (const std::string format : {"jsonl", "csv"}) {
    const std::string path = files("." + format + ".part").at(0);
    const std::string whole = text(path);
    for (std::size_t bytes = 0; bytes < whole.size(); bytes += bytes + 97 < whole.size() ? 97 : 1) {
      fs::resize_file(path, bytes);
      live(all_, all_);
      ASSERT_EQ(text(path), whole) << format << " cut at " << bytes;
    }
    // A page that never reached the disk: everything from it on is written again.
    std::fstream hole(path, std::ios::in | std::ios::out);
    hole.seekp(static_cast<std::streamoff>(whole.size() / 2));
    hole.write(std::string(40, '\0').data(), 40);
    hole.close();
    live(all_, all_);
    ASSERT_EQ(text(path), whole);
  }
  expect_whole(json, csv);
}

TEST_F(FeedTest, RotationLosesAndDoublesNothing) {
  live(Lsn{0}, all_);
  const auto json = lines("jsonl"), csv = lines("csv");
  fs::remove_all(directory_ + "/r");
  for (SinkOptions& sink : options_feed_.sinks) sink.rotate_bytes = 1000, sink.retention_s = 0;
  live(Lsn{0}, Lsn{2});
  for (std::uint64_t upto = 3; upto <= all_.value; ++upto) live(Lsn{upto}, Lsn{upto}, 10);
  EXPECT_GT(files(".jsonl").size(), 3u);
  EXPECT_EQ(files(".jsonl.part").size(), 1u);
  expect_whole(json, csv);
  // Between the two steps of a rotation: the newest file is closed, the next one not made.
  fs::remove(files(".jsonl.part").at(0));
  live(all_, all_, 20);
  expect_whole(json, csv);
}

TEST_F(FeedTest, OnlyClosedFilesThatAreOldEnoughAreRemoved) {
  for (SinkOptions& sink : options_feed_.sinks) sink.rotate_bytes = 1000, sink.retention_s = 100;
  live(Lsn{0}, Lsn{4});
  live(Lsn{4}, all_);
  ASSERT_FALSE(files(".jsonl").empty());
  Feed feed(options_feed_, segments_, Segments::node, words_);
  std::vector<std::string> notes;
  const std::int64_t later = 400'000'000;  // beyond the files' own times
  ASSERT_FALSE(feed.open(all_, at(later), notes));
  feed.turn(all_, at(later + 61));
  EXPECT_TRUE(files(".jsonl").empty());
  EXPECT_EQ(files(".jsonl.part").size(), 1u);
}

TEST_F(FeedTest, NeverAsksForLessThanItsFilesNeed) {
  Feed feed(options_feed_, segments_, Segments::node, words_);
  std::vector<std::string> notes;
  ASSERT_FALSE(feed.open(Lsn{0}, at(0), notes));
  feed.turn(Lsn{4}, at(0));
  EXPECT_EQ(feed.needed_from().value, 1u);  // written, not synced yet
  feed.turn(Lsn{4}, at(2));
  EXPECT_EQ(feed.needed_from().value, 4u);
  EXPECT_EQ(feed.next().value, 5u);
}

TEST_F(FeedTest, RecordsAheadOfTheJournalAreRefused) {
  live(Lsn{0}, all_);
  Feed feed(options_feed_, segments_, Segments::node, words_);
  std::vector<std::string> notes;
  EXPECT_TRUE(feed.open(Lsn{3}, at(0), notes));
}

TEST_F(FeedTest, WaitsForIdentities) {
  options_feed_.join_identities = true;
  words_.reachable = false;
  live(Lsn{0}, all_);
  const std::size_t without = lines("jsonl").size();
  words_.reachable = true;
  live(all_, all_);
  EXPECT_LT(without, lines("jsonl").size());
  EXPECT_NE(lines("jsonl").back().find("\"imsi\":\"001010000000001\""), std::string::npos);
}

TEST(RecordText, TaxIsCutTowardsZero) {
  EXPECT_EQ(tax_of(1'190'000, 190), 190'000);
  EXPECT_EQ(tax_of(100, 190), 15);  // 15.966…
  EXPECT_EQ(tax_of(-100, 190), -15);
  EXPECT_EQ(tax_of(900'000'000'000'000'000, 1000), 450'000'000'000'000'000);
  std::string money;
  append_money(money, -1);
  append_money(money += ' ', INT64_MIN);
  EXPECT_EQ(money, "-0.000001 -9223372036854.775808");
}

}  // namespace
}  // namespace levy::feed
