// Every declaration: its bounds hold at both ends, its default lies within; the key list.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "config/limits.hpp"
#include "config/load.hpp"
#include "config/plan_reader.hpp"
#include "tests/unit/config/text_files.hpp"

namespace levy::config {
namespace {

template <class Visit>
void visit_keys(const Section& section, const Visit& visit) {
  for (const Key& key : section.keys) {
    visit(section, key);
    if (key.section != nullptr) visit_keys(*key.section(), visit);
  }
}

template <class Visit>
void visit_all(const Visit& visit) {
  visit_keys(*root_section(), visit);
  visit_keys(*plan_file_section(), visit);
}

bool is_number(const Key& key) {
  return key.kind == Kind::integer || key.kind == Kind::size || key.kind == Kind::duration ||
         key.kind == Kind::permille;
}

// A number in the smallest unit of its kind, so that any value can be written.
std::string written(const Key& key, std::int64_t number) {
  switch (key.kind) {
    case Kind::size: return std::to_string(number) + " B";
    case Kind::duration: {
      const std::string base = key.base_us == 1 ? " us" : (key.base_us == 1'000 ? " ms" : " s");
      return std::to_string(number) + base;
    }
    case Kind::permille:
      return std::to_string(number / 10) + "." + std::to_string(number % 10) + " %";
    default: return std::to_string(number);
  }
}

// Reads one scalar by its declaration.
bool accepts(const Key& key, const std::string& text, std::int64_t* number = nullptr) {
  Diagnostics diagnostics;
  Reader reader("f", "", diagnostics);
  YamlNode node;
  node.type = YamlNode::Type::scalar;
  node.text = text;
  Value value;
  const bool read = reader.read_value(key, node, "key", value);
  EXPECT_EQ(read, diagnostics.ok());
  if (number != nullptr) *number = value.number;
  return read;
}

TEST(Declarations, BoundsHoldAtBothEnds) {
  int seen = 0;
  visit_all([&](const Section& section, const Key& key) {
    if (!is_number(key)) return;
    ++seen;
    SCOPED_TRACE(std::string(section.path) + "." + std::string(key.name));
    std::int64_t number = 0;
    EXPECT_TRUE(accepts(key, written(key, key.min), &number));
    EXPECT_EQ(number, key.min);
    EXPECT_TRUE(accepts(key, written(key, key.max), &number));
    EXPECT_EQ(number, key.max);
    EXPECT_TRUE(accepts(key, show_number(key, key.max), &number));
    EXPECT_EQ(number, key.max);
    EXPECT_FALSE(accepts(key, written(key, key.max + 1)));
    EXPECT_FALSE(accepts(key, written(key, key.min - 1)));
    EXPECT_LT(key.min, key.max);
  });
  EXPECT_GT(seen, 40);
}

TEST(Declarations, DefaultsLieWithinTheirBounds) {
  int seen = 0;
  visit_all([&](const Section& section, const Key& key) {
    SCOPED_TRACE(std::string(section.path) + "." + std::string(key.name));
    if (key.binding.number == nullptr) return;
    ++seen;
    const std::int64_t number = key.binding.number(section.defaults);
    if (key.kind == Kind::word) {
      EXPECT_LT(number, static_cast<std::int64_t>(key.words.size()));
    } else if (number != -1) {  // -1: a core that is not named
      EXPECT_GE(number, key.min);
      EXPECT_LE(number, key.max);
    }
  });
  EXPECT_GT(seen, 40);
}

TEST(Declarations, WordsAndBooleansTakeNothingElse) {
  visit_all([&](const Section&, const Key& key) {
    if (key.kind != Kind::word && key.kind != Kind::boolean) return;
    for (std::size_t i = 0; i < key.words.size(); ++i) {
      std::int64_t number = -1;
      EXPECT_TRUE(accepts(key, std::string(key.words[i]), &number));
      EXPECT_EQ(number, static_cast<std::int64_t>(i));
    }
    for (const char* bad : {"", "True", "yes", "1", "none of these"}) {
      EXPECT_FALSE(accepts(key, bad)) << key.name << ": " << bad;
    }
  });
}

TEST(Declarations, TextsAreBounded) {
  visit_all([&](const Section&, const Key& key) {
    if (key.kind != Kind::text && key.kind != Kind::path) return;
    EXPECT_TRUE(accepts(key, std::string(static_cast<std::size_t>(key.max), 'x')));
    EXPECT_FALSE(accepts(key, std::string(static_cast<std::size_t>(key.max) + 1, 'x')));
    EXPECT_FALSE(accepts(key, "a\nb"));
    if (key.kind == Kind::text) {
      EXPECT_FALSE(accepts(key, ""));
    }
  });
}

TEST(Declarations, EachKeyOnceWithProse) {
  std::set<std::string> seen;
  visit_all([&](const Section& section, const Key& key) {
    const std::string path = std::string(section.path.empty() ? section.prose : section.path) +
                             "." + std::string(key.name);
    EXPECT_TRUE(seen.insert(path).second) << path;
    if (key.kind == Kind::section) return;
    EXPECT_GT(key.prose.size(), 10u) << path;
    EXPECT_FALSE(allowed_text(key).empty()) << path;
    EXPECT_TRUE(key.binding.store != nullptr || key.read != nullptr) << path;
  });
  EXPECT_GT(seen.size(), 80u);
}

// A file with every scalar option at its upper bound must come back with those values: the binding
// of each key reaches its own field.
TEST(Declarations, EachKeyReachesAFieldOfItsOwn) {
  visit_all([&](const Section& section, const Key& key) {
    const bool is_element = section.path.find_first_of("[<") != section.path.npos;
    if (!is_number(key) || key.binding.number == nullptr || is_element) return;
    Options options;
    Value value;
    value.number = key.max - 1;
    key.binding.store(&options, value);
    EXPECT_EQ(key.binding.number(&options), key.max - 1) << key.name;
    int changed = 0;
    const Options untouched;
    visit_keys(*root_section(), [&](const Section& other, const Key& field) {
      if (other.defaults != section.defaults || field.binding.number == nullptr) return;
      changed += field.binding.number(&options) != field.binding.number(&untouched);
    });
    EXPECT_EQ(changed, 1) << section.path << "." << key.name;
  });
}

TEST(Describe, NamesEveryKey) {
  std::ostringstream text;
  describe(text);
  visit_all([&](const Section&, const Key& key) {
    if (key.kind == Kind::section) return;
    EXPECT_NE(text.str().find("  " + std::string(key.name) + ": "), std::string::npos) << key.name;
  });
}

TEST(Describe, KeyListIsCurrent) {
  std::ostringstream wanted;
  wanted << "# Keys\n\nMade from the declarations: `LEVY_WRITE_KEYS=1 test_config "
            "--gtest_filter=Describe.KeyListIsCurrent` writes it anew.\n\n";
  describe_markdown(wanted);
  const std::string path = repository_path("config/keys.md");
  if (std::getenv("LEVY_WRITE_KEYS") != nullptr) {
    std::ofstream(path, std::ios::binary) << wanted.str();
  }
  EXPECT_EQ(read_text(path), wanted.str());
}

TEST(Describe, SumsOfTheDefaults) {
  std::ostringstream text;
  describe_sums(Options{}, text);
  const std::int64_t slot_bytes =
      limits::message_bytes_max + limits::answer_bytes_max + limits::record_bytes_max;
  const std::string slots = "slots: 2048 x " + show_size(slot_bytes) + " = " +
                            show_size(2048 * slot_bytes);
  EXPECT_NE(text.str().find(slots), std::string::npos) << text.str();
  EXPECT_NE(text.str().find("ring and batch: 1152"), std::string::npos) << text.str();
}

}  // namespace
}  // namespace levy::config
