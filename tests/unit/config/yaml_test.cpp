// YAML itself: syntax faults at their place, anchors, duplicates, hostile texts.
#include <gtest/gtest.h>

#include <sstream>

#include "config/load.hpp"
#include "config/load_yaml.hpp"
#include "tests/unit/config/text_files.hpp"

namespace levy::config {
namespace {

std::string faults(const LoadedCatalogue& loaded) {
  std::ostringstream out;
  loaded.diagnostics.print(out);
  return out.str();
}

LoadedCatalogue parse(const std::string& text) { return parse_catalogue({{"p.yaml", text}}); }

TEST(Yaml, SyntaxFaultAtItsPlace) {
  const std::string fault = faults(parse("plan: p\ncurrency: EUR: x\nservices: []\n"));
  EXPECT_NE(fault.find("p.yaml:2:14: YAML syntax: "), std::string::npos) << fault;
  const std::string bracket = faults(parse("plans:\n  - [a\n  - b\n"));
  EXPECT_NE(bracket.find("p.yaml:"), std::string::npos);
  EXPECT_NE(bracket.find("YAML syntax: "), std::string::npos) << bracket;
  const std::string tab = faults(parse("plan: p\n\tcurrency: EUR\n"));
  EXPECT_NE(tab.find("YAML syntax: "), std::string::npos) << tab;
}

TEST(Yaml, SyntaxFaultDoesNotHideOtherFiles) {
  const LoadedCatalogue loaded =
      parse_catalogue({{"a.yaml", "plan: [\n"}, {"b.yaml", "plan: b\ncurency: EUR\n"}});
  bool saw_a = false, saw_b = false;
  for (const Diagnostic& item : loaded.diagnostics.items()) {
    saw_a |= item.place.file == "a.yaml";
    saw_b |= item.place.file == "b.yaml" && item.place.line == 2;
  }
  EXPECT_TRUE(saw_a);
  EXPECT_TRUE(saw_b);
}

TEST(Yaml, AnchorsAndAliases) {
  const LoadedCatalogue loaded = parse(R"(plans:
  - plan: a
    currency: EUR
    services: &common
      - {service: s, rating_groups: any, unit: octets, price: &cheap 1 EUR per GB}
  - plan: b
    currency: EUR
    services: *common
  - plan: c
    currency: EUR
    services: [{service: s, rating_groups: any, unit: octets, price: *cheap}]
)");
  ASSERT_TRUE(loaded.ok()) << faults(loaded);
  ASSERT_EQ(loaded.catalogue.plans.size(), 3u);
  const auto& price = loaded.catalogue.plans[2].services[0].price;
  EXPECT_EQ(price.value.per_units, 1'000'000'000);
  EXPECT_EQ(price.place.line, 5) << "an alias has the place of its value";
  EXPECT_EQ(loaded.catalogue.plans[1].services[0].name.value, "s");
}

TEST(Yaml, AliasInsideItsAnchorAndMergeKeys) {
  EXPECT_NE(faults(parse("plans: &a [*a]\n")).find("1:12: an alias stands inside"),
            std::string::npos)
      << faults(parse("plans: &a [*a]\n"));
  EXPECT_NE(faults(parse("x: &x {plan: a}\nplans:\n  - {<<: *x}\n")).find("unknown key"),
            std::string::npos);
  const std::string merge = faults(parse("plans:\n  - {<<: {}, plan: a}\n"));
  EXPECT_NE(merge.find("merge keys are not read"), std::string::npos) << merge;
}

TEST(Yaml, ScalarsKeepTheirText) {
  Diagnostics diagnostics;
  const YamlTree tree = parse_yaml("t", "[0x10, 1e3, yes, 007, \"5\", ~, 1_0]", diagnostics);
  ASSERT_TRUE(diagnostics.ok());
  const auto& items = tree.documents.at(0)->items;
  EXPECT_EQ(items[0]->text, "0x10");
  EXPECT_EQ(items[3]->text, "007");
  EXPECT_EQ(items[4]->column, 23);
  EXPECT_EQ(items[5]->type, YamlNode::Type::null);
  EXPECT_EQ(items[6]->text, "1_0");
}

TEST(Yaml, TagsAndStrangeKeysAreRefused) {
  EXPECT_NE(faults(parse("plan: !secret x\n")).find("tags have no meaning"),
            std::string::npos);
  EXPECT_NE(faults(parse("[a, b]: x\n")).find("a key must be a plain word"),
            std::string::npos);
}

TEST(Yaml, DeepNestingIsBounded) {
  for (const char* open : {"[", "{a: ", "- "}) {
    std::string text = "plans: \n ";
    for (int i = 0; i < 20'000; ++i) text += open;
    const std::string fault = faults(parse(text));
    EXPECT_NE(fault.find("nested too deeply"), std::string::npos) << open << fault.substr(0, 200);
    EXPECT_NE(fault.find("p.yaml:2:"), std::string::npos);
  }
}

TEST(Yaml, LargeFilesAreRefused) {
  TextFiles files;
  const std::string path = files.write("big.yaml", std::string(10 * 1024 * 1024, '#'));
  EXPECT_NE(faults(load_catalogue({path})).find("larger than 4194304 bytes"),
            std::string::npos);
  EXPECT_NE(faults(parse(std::string(10 * 1024 * 1024, '#'))).find("the file is too large"),
            std::string::npos);
}

TEST(Yaml, ManyValuesAreBounded) {
  std::string text = "plans: [";
  for (std::size_t i = 0; i < yaml_nodes_max; ++i) text += "a,";
  EXPECT_NE(faults(parse(text + "]\n")).find("too many values"), std::string::npos);
}

TEST(Yaml, BillionLaughsStaysSmall) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 9; ++j) text += ", " + last;
    text += "]\n";
  }
  const LoadedCatalogue loaded = parse(text + "plans: *a29\n");
  EXPECT_FALSE(loaded.ok());
  EXPECT_LT(loaded.diagnostics.count(), 100u);
}

TEST(Yaml, AliasesThatUnfoldAreBounded) {
  std::string text = "s: &s [";
  for (int i = 0; i < 200; ++i) text += "{service: s, rating_groups: any, unit: octets},";
  text += "]\np: &p {plan: p, currency: EUR, services: *s}\nplans: [";
  for (int i = 0; i < 20'000; ++i) text += "*p,";
  const LoadedCatalogue loaded = parse(text + "]\n");
  EXPECT_FALSE(loaded.ok());
  std::ostringstream all;
  loaded.diagnostics.print(all);
  EXPECT_LE(loaded.catalogue.plans.size(), 4096u);
}

TEST(Yaml, ArbitraryBytesNeverCrash) {
  std::uint64_t state = 1;
  const std::string alphabet = "ab:-[]{}&*!|>'\"%@`,?#\n\t \\0\xff\xc3";
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 60; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      text += alphabet[(state >> 33) % alphabet.size()];
    }
    const LoadedCatalogue loaded = parse(text);
    EXPECT_FALSE(loaded.ok()) << text;
  }
}

}  // namespace
}  // namespace levy::config
