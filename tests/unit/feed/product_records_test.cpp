// Facts of products as records and as journaldump shows them.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/feed/record_text.hpp"
#include "tools/journaldump/record_json.hpp"

namespace levy::feed {
namespace {

class Words final : public Names {
 public:
  std::string name_of(std::uint16_t id) override { return "name-" + std::to_string(id); }
  bool identities_of(ShardId, std::string_view, Slot, Identities&) override { return true; }
};

// A settlement: a renewal of three periods at 2 each, and an add-on that cannot be paid.
class ProductRecords : public ::testing::Test {
 protected:
  ProductRecords() {
    renewed_.plan = 7;
    renewed_.number = 2;
    renewed_.event = shard::ProductEvent::renewed;
    renewed_.unit = rating::PeriodUnit::week;
    renewed_.unit_count = 2;
    renewed_.tax_permille = 190;
    renewed_.at = 1'795'564'800;
    renewed_.periods = 3;
    renewed_.fee = 6'000'000;
    unpaid_ = renewed_;
    unpaid_.number = 3;
    unpaid_.event = shard::ProductEvent::suspended;
    unpaid_.unit = rating::PeriodUnit::none;
    facts_ = {renewed_, unpaid_};
    wallet_.bucket = 4;
    wallet_.currency = 978;
    spend_.kind = rating::MovementKind::spend;
    spend_.bucket = 4;
    spend_.amount = 6'000'000;
    spend_.mscc = 0xff;
    record_.header.kind = shard::RecordKind::settled;
    record_.header.sequence = 5;
    record_.header.time_micros = 1'795'564'801'000'000;
    record_.account = "a";
    record_.products = facts_;
    record_.movements = {&spend_, 1};
    record_.buckets = {&wallet_, 1};
  }
  std::vector<std::string> lines_of(Format format) {
    std::istringstream in(text_.lines(format, Lsn{9}, record_, nullptr).text);
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }
  std::vector<std::string> cells(const std::string& row) const {
    std::vector<std::string> out;
    std::istringstream in(row + ',');
    for (std::string cell; std::getline(in, cell, ',');) out.push_back(cell);
    return out;
  }
  // The cell of a row under a heading.
  std::string cell(const std::string& row, const std::string& column) const {
    const auto names = cells(std::string(heading(Format::csv)));
    const auto found = std::find(names.begin(), names.end(), column);
    EXPECT_NE(found, names.end()) << column;
    const auto values = cells(row);
    EXPECT_EQ(values.size(), names.size()) << row;
    return values.at(static_cast<std::size_t>(found - names.begin()));
  }

  Words words_;
  RecordText text_{words_};
  shard::ProductFact renewed_, unpaid_;
  std::vector<shard::ProductFact> facts_;
  shard::BucketFact wallet_;
  rating::Movement spend_;
  shard::RecordView record_;
};

TEST_F(ProductRecords, JsonSaysWhatWasChargedAndWhatWasNot) {
  const auto lines = lines_of(Format::jsonl);
  ASSERT_EQ(lines.size(), 1u);
  const auto json = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(json["kind"], "settled");
  ASSERT_EQ(json["products"].size(), 2u);
  const nlohmann::json wanted = {{"product", "name-7"},
                                 {"number", 2},
                                 {"event", "renewed"},
                                 {"every", "2 weeks"},
                                 {"due", "2026-11-25T00:00:00.000000Z"},
                                 {"periods", 3},
                                 {"fee", "6.000000"},
                                 {"tax_permille", 190},
                                 {"tax", "0.957983"},
                                 {"net", "5.042017"}};
  EXPECT_EQ(json["products"][0], wanted);
  const auto& unpaid = json["products"][1];
  EXPECT_EQ(unpaid["event"], "suspended");
  EXPECT_FALSE(unpaid.contains("every"));
  EXPECT_EQ(unpaid["fee"], "0.000000");
  EXPECT_EQ(unpaid["tax"], "0.000000");
  EXPECT_EQ(unpaid["unpaid_fee"], "6.000000");
  EXPECT_EQ(json["movements"][0]["amount"], json["products"][0]["fee"]);
}

TEST_F(ProductRecords, CsvHasARowOfEachAndTheMovementsOnce) {
  const auto rows = lines_of(Format::csv);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(cell(rows[0], "id"), "0-5-0");
  EXPECT_EQ(cell(rows[0], "part"), "product");
  EXPECT_EQ(cell(rows[0], "product"), "name-7");
  EXPECT_EQ(cell(rows[0], "product_number"), "2");
  EXPECT_EQ(cell(rows[0], "product_event"), "renewed");
  EXPECT_EQ(cell(rows[0], "product_every"), "2 weeks");
  EXPECT_EQ(cell(rows[0], "product_due"), "2026-11-25T00:00:00.000000Z");
  EXPECT_EQ(cell(rows[0], "product_periods"), "3");
  EXPECT_EQ(cell(rows[0], "fee"), "6.000000");
  EXPECT_EQ(cell(rows[0], "charged"), "6.000000");
  EXPECT_EQ(cell(rows[0], "movements"), "");
  EXPECT_EQ(cell(rows[1], "charged"), "0.000000");
  EXPECT_EQ(cell(rows[1], "product_unpaid_fee"), "6.000000");
  EXPECT_EQ(cell(rows[2], "part"), "rest");
  EXPECT_EQ(cell(rows[2], "product"), "");
  EXPECT_EQ(cell(rows[2], "movements"), "spend:4:wallet:EUR:6.000000");
}

TEST_F(ProductRecords, AProductThatMovesNothingIsARecordToo) {
  record_.movements = {};
  EXPECT_TRUE(is_charging(record_));
  record_.products = {};
  EXPECT_FALSE(is_charging(record_));
  record_.header.kind = shard::RecordKind::charge;
  const auto lines = lines_of(Format::jsonl);
  EXPECT_EQ(lines[0].find("products"), std::string::npos);
}

TEST_F(ProductRecords, JournaldumpPrintsThem) {
  const journaldump::Names names;
  const auto json = journaldump::record_json(Lsn{9}, record_, names);
  EXPECT_EQ(json["kind"], "settled");
  EXPECT_EQ(json["products"][0]["product"], 7);  // its name is not known here
  EXPECT_EQ(json["products"][0]["fee_micros"], 6'000'000);
  EXPECT_EQ(json["products"][1]["unpaid_fee_micros"], 6'000'000);
  const std::string text = journaldump::record_text(json);
  EXPECT_NE(text.find("product 7 2: renewed every 2 weeks, due 1795564800, 3 periods, "
                      "6000000 micros\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("product 7 3: suspended, due 1795564800, 3 periods, 6000000 micros unpaid"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace levy::feed
