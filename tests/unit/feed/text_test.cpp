// Text of records: what bytes from outside become, and names that are kept.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "engine/feed/record_text.hpp"

namespace levy::feed {
namespace {

std::string json_text(std::string_view text) {
  std::string out;
  append_json_text(out, text);
  return out;
}

// As nlohmann writes it, whose line the record used to be.
std::string library_text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

TEST(FeedText, EveryByteBesideEveryByte) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text{'x', static_cast<char>(a), static_cast<char>(b), 'y'};
      ASSERT_EQ(json_text(text), library_text(text)) << a << " " << b;
    }
  }
}

TEST(FeedText, BrokenCharactersOfEveryLength) {
  std::mt19937 random(1);
  const std::string bytes =
      "\x41\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc2\xdf\xe0\xe1\xed\xef\xf0\xf4\xf5";
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    for (auto n = random() % 7; n > 0; --n) text += bytes[random() % bytes.size()];
    ASSERT_EQ(json_text(text), library_text(text)) << i;
  }
}

class Words final : public Names {
 public:
  std::string name_of(std::uint16_t id) override { return ++asked, names[id]; }
  std::uint64_t edition() override { return renames; }
  bool identities_of(ShardId, std::string_view, Slot, Identities&) override { return true; }
  std::map<std::uint16_t, std::string> names;
  std::uint64_t renames = 0;
  int asked = 0;
};

TEST(FeedText, ANameIsAskedForOnce) {
  Words words;
  KnownNames known(words);
  EXPECT_EQ(known.of(7), "#7");  // told later: not kept
  words.names[7] = "prepaid";
  EXPECT_EQ(known.of(7), "prepaid");
  EXPECT_EQ(known.of(7), "prepaid");
  EXPECT_EQ(words.asked, 2);
  words.names[7] = "prepaid-2";
  known.refresh();
  EXPECT_EQ(known.of(7), "prepaid");
  ++words.renames;
  known.refresh();
  EXPECT_EQ(known.of(7), "prepaid-2");
}

}  // namespace
}  // namespace levy::feed
