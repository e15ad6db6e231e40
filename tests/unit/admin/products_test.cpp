// Add-ons as operators name, buy, end, import and see them: over a door that was told its answers.
// Core: test. Allocates: yes. Blocks: never. Clock: system, for dates near now.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/admin/date.hpp"
#include "engine/admin/import.hpp"
#include "engine/admin/operations.hpp"
#include "tests/unit/admin/told_door.hpp"
#include "tools/levyctl/show.hpp"

namespace levy::admin {
namespace {

using shard::OperatorKind;
using shard::OperatorResult;

constexpr std::uint32_t nov_25 = 1'795'564'800;  // 2026-11-25 00:00 UTC

// 0 and the reason printed: it is no date.
std::uint32_t date(std::string_view text, std::span<const ZoneChange> zone = {}) {
  std::uint32_t seconds = 0;
  const std::string_view why = parse_date(text, zone, seconds);
  EXPECT_EQ(why.empty(), seconds != 0) << text << why;
  return why.empty() ? seconds : 0;
}

TEST(Date, CalendarAndSeconds) {
  EXPECT_EQ(date("2026-11-25"), nov_25);
  EXPECT_EQ(date("2026-11-25 13:45"), nov_25 + 13 * 3600 + 45 * 60);
  EXPECT_EQ(date("2026-11-25T13:45:30Z"), nov_25 + 13 * 3600 + 45 * 60 + 30);
  EXPECT_EQ(date("1795564800"), nov_25);
  EXPECT_NE(date("2028-02-29"), 0u);
  for (const char* bad : {"", "0", "now", "2026-11", "2026-13-01", "2026-02-29", "2026-11-25 24:00",
                          "2026-11-25 13", "2026-11-25 13:45x", "25.11.2026", "1960-01-01",
                          "2200-01-01", "99999999999", "2026-11-25ZZ"}) {
    EXPECT_EQ(date(bad), 0u) << bad;
  }
}

TEST(Date, LocalTimeOfThePlan) {
  const ToldDoor door;
  const auto zone = door.infos[1].changes();
  EXPECT_EQ(date("2026-11-25", zone), nov_25 - 3600);
  EXPECT_EQ(date("2026-07-01", zone), date("2026-07-01") - 7200);
  EXPECT_EQ(date("2020-01-01", zone), date("2020-01-01") - 3600);  // before the first change
  EXPECT_EQ(date("2026-11-25Z", zone), nov_25);
  EXPECT_EQ(date("2026-03-29 02:30", zone), 1'774'746'000u);         // skipped: the end of the gap
  EXPECT_EQ(date("2026-10-25 02:30", zone), 1'792'890'000u - 1800);  // repeated: the first
}

class Products : public ::testing::Test {
 protected:
  nlohmann::json refused(const Answer& answer, int status, const std::string& word) {
    EXPECT_EQ(answer.status, status) << answer.body;
    const auto json = nlohmann::json::parse(answer.body);
    EXPECT_EQ(json.value("error", ""), word) << answer.body;
    return json;
  }
  const shard::OperatorRequest& last() const { return door_.asked.back(); }
  shard::Product product(std::uint16_t plan, std::uint16_t number) const {
    shard::Product one;
    one.plan = plan;
    one.number = number;
    one.state = shard::ProductState::active;
    one.bought_at = one.starts_at = nov_25;
    return one;
  }
  static shard::Product::Due due(std::uint32_t at, rating::PeriodUnit unit, std::uint8_t count) {
    shard::Product::Due one;
    one.at = at;
    one.unit = static_cast<std::uint32_t>(unit) & 15u;
    one.count = count;
    return one;
  }
  nlohmann::json load(const std::string& text, bool json_lines = false) {
    ImportProgress progress;
    ImportOptions options;
    options.json_lines = json_lines;
    Import import(door_, options, progress);
    import.feed(text);
    import.finish();
    return nlohmann::json::parse(import.summary_json());
  }

  ToldDoor door_;
  Operations operations_{door_};
};

TEST_F(Products, BuyAsksTheShard) {
  ASSERT_TRUE(operations_.buy("a", R"({"product": "roaming-pass", "key": "k"})").ok());
  EXPECT_EQ(last().kind, OperatorKind::buy_product);
  EXPECT_EQ(last().plan, 2);
  EXPECT_EQ(last().starts_at, 0u);
  EXPECT_EQ(last().ends_at, 0u);
  EXPECT_FALSE(last().flag);
  EXPECT_STREQ(last().request_key, "k");
  const std::uint64_t digest = last().digest;
  ASSERT_NE(digest, 0u);
  const std::uint32_t now = unix_now();
  const std::string running = R"({"product": "roaming-pass", "running": true, "starts": ")" +
                              std::to_string(now - 1000) + R"(", "ends": ")" +
                              std::to_string(now + 5000) + R"("})";
  ASSERT_TRUE(operations_.buy("account:a", running).ok());
  EXPECT_TRUE(last().flag);
  EXPECT_EQ(last().starts_at, now - 1000);
  EXPECT_EQ(last().ends_at, now + 5000);
  EXPECT_NE(last().digest, digest);
  ASSERT_TRUE(operations_.buy("a", R"({"product": "roaming-pass", "starts": "now"})").ok());
  EXPECT_EQ(last().starts_at, 0u);
  door_.infos[1].at_first_use = true;  // then it says more than nothing does
  ASSERT_TRUE(operations_.buy("a", R"({"product": "roaming-pass", "starts": "now"})").ok());
  EXPECT_GE(last().starts_at, now);
  refused(operations_.buy("a", R"({"product": "roaming-pass", "running": true})"), 400,
          "bad_request");
}

TEST_F(Products, WhatCannotBeBoughtIsSaid) {
  auto why = refused(operations_.buy("a", R"({"product": "flying"})"), 400, "bad_request");
  EXPECT_NE(why["hint"].dump().find("roaming-pass usd-pass"), std::string::npos) << why;
  EXPECT_EQ(why["hint"].dump().find("month"), std::string::npos) << why;
  why = refused(operations_.buy("a", R"({"product": "month"})"), 400, "bad_request");
  EXPECT_NE(why["detail"].dump().find("base plan"), std::string::npos) << why;
  EXPECT_NE(why["hint"].dump().find("set ID plan"), std::string::npos) << why;
  why = refused(operations_.set_plan("a", R"({"plan": "usd-pass"})"), 400, "bad_request");
  EXPECT_NE(why["detail"].dump().find("add-on"), std::string::npos) << why;
  EXPECT_NE(why["hint"].dump().find("month plain"), std::string::npos) << why;
  refused(operations_.buy("nobody", R"({"product": "roaming-pass"})"), 404, "not_found");
  refused(operations_.buy("a", R"({"product": "roaming-pass", "running": "si"})"), 400,
          "bad_request");
  const std::uint32_t now = unix_now();
  const auto starting = [&](std::uint32_t starts, const char* more) {
    return operations_.buy("a", R"({"product": "roaming-pass", "starts": ")" +
                                    std::to_string(starts) + "\"" + more + "}");
  };
  why = refused(starting(now - 400 * 86400, ""), 400, "bad_request");
  EXPECT_NE(why["detail"].dump().find("one year"), std::string::npos) << why;
  EXPECT_TRUE(starting(now - 364 * 86400, "").ok());
  EXPECT_TRUE(starting(now + 9000, "").ok());
  refused(starting(now + 9000, R"(, "running": true)"), 400, "bad_request");
  refused(starting(now + 9000, R"(, "ends": "2026-01-01")"), 400, "bad_request");
  const std::size_t asked = door_.asked.size();
  EXPECT_EQ(asked, 2u);  // nothing refused here has reached a Shard
}

TEST_F(Products, TheShardsRefusalsHaveWords) {
  door_.answer = OperatorResult::insufficient;
  auto why = refused(operations_.buy("a", R"({"product": "roaming-pass"})"), 409, "insufficient");
  EXPECT_NE(why["detail"].dump().find("fees of roaming-pass"), std::string::npos) << why;
  door_.answer = OperatorResult::held;
  refused(operations_.buy("a", R"({"product": "roaming-pass"})"), 409, "held");
  door_.answer = OperatorResult::invalid;
  why = refused(operations_.buy("a", R"({"product": "usd-pass"})"), 422, "invalid");
  EXPECT_NE(why["detail"].dump().find("in USD"), std::string::npos) << why;
  door_.answer = OperatorResult::not_found;
  door_.products = {product(1, 1), product(3, 2), product(3, 5)};
  why = refused(operations_.end("a", R"({"product": "roaming-pass"})"), 404, "not_found");
  EXPECT_NE(why["hint"].dump().find("usd-pass 2, usd-pass 5"), std::string::npos) << why;
}

TEST_F(Products, EndAsksTheShard) {
  ASSERT_TRUE(operations_.end("a", R"({"product": "roaming-pass"})").ok());
  EXPECT_EQ(last().kind, OperatorKind::end_product);
  EXPECT_EQ(last().plan, 2);
  EXPECT_EQ(last().cursor, 0u);
  EXPECT_FALSE(last().flag);
  ASSERT_TRUE(
      operations_.end("a", R"({"product": "roaming-pass", "number": 3, "with_period": true})")
          .ok());
  EXPECT_EQ(last().cursor, 3u);
  EXPECT_TRUE(last().flag);
  refused(operations_.end("a", R"({"product": "roaming-pass", "number": 0})"), 400, "bad_request");
  refused(operations_.end("a", R"({"product": "month"})"), 400, "bad_request");
  refused(operations_.end("a", R"({"product": "retired-pass"})"), 400, "bad_request");
  door_.products = {product(9, 4)};  // its plan is gone from the files
  ASSERT_TRUE(operations_.end("a", R"({"product": "retired-pass"})").ok());
  EXPECT_EQ(last().plan, 9);
}

TEST_F(Products, ShowTellsStateDatesAndReasons) {
  shard::Product active = product(2, 2), waiting = product(2, 3), unpaid = product(9, 4);
  active.ends_at = nov_25 + 86400;
  active.due[0] = due(nov_25 + 30, rating::PeriodUnit::month, 1);
  active.due[1] = due(nov_25 + 20, rating::PeriodUnit::week, 2);
  waiting.state = shard::ProductState::waiting;
  waiting.starts_at = 0;
  unpaid.state = shard::ProductState::suspended;
  unpaid.due[3] = due(nov_25, rating::PeriodUnit::day, 30);
  door_.infos[1].at_first_use = true;
  door_.products = {active, waiting, unpaid};
  rating::Bucket wallet, granted, orphan;
  granted.kind = orphan.kind = 20;
  granted.unit = orphan.unit = rating::Unit::octets;
  granted.product = 2;
  granted.rolled = 1;
  orphan.product = 77;
  door_.buckets = {wallet, granted, orphan};
  const std::string text = operations_.show("a").body;
  const auto json = nlohmann::json::parse(text);
  const auto& products = json["products"];
  ASSERT_EQ(products.size(), 3u) << text;
  EXPECT_EQ(products[0]["product"], "roaming-pass");
  EXPECT_EQ(products[0]["number"], 2);
  EXPECT_EQ(products[0]["state"], "active");
  EXPECT_EQ(products[0]["ends_at"], nov_25 + 86400);
  EXPECT_FALSE(products[0].contains("why"));
  EXPECT_EQ(products[0]["cycles"][0]["every"], "month");
  EXPECT_EQ(products[0]["cycles"][1]["every"], "2 weeks");
  EXPECT_EQ(products[0]["cycles"][1]["next_due_at"], nov_25 + 20);
  EXPECT_EQ(products[1]["why"], "for its first use");
  EXPECT_EQ(products[2]["state"], "suspended");
  EXPECT_EQ(products[2]["why"], "its fees could not be paid");
  EXPECT_EQ(products[2]["cycles"][0]["every"], "30 days");
  const auto& buckets = json["buckets"];
  EXPECT_FALSE(buckets[0].contains("product_number"));
  EXPECT_EQ(buckets[1]["product"], "roaming-pass");
  EXPECT_EQ(buckets[1]["product_number"], 2);
  EXPECT_EQ(buckets[1]["rolled"], 1);
  EXPECT_FALSE(buckets[2].contains("product"));
  EXPECT_EQ(buckets[2]["product_number"], 77);

  const std::string table = levyctl::table(text, levyctl::View::subscriber);
  for (const char* part :
       {"waiting: for its first use", "suspended: its fees could not be paid",
        "month 2026-11-25 00:00:30Z, 2 weeks 2026-11-25 00:00:20Z", "30 days 2026-11-25",
        "2026-11-26 00:00:00Z", "roaming-pass 2", "ROLLED"}) {
    EXPECT_NE(table.find(part), std::string::npos) << part << "\n" << table;
  }
  door_.products.clear();
  door_.buckets = {wallet};
  const std::string plain = levyctl::table(operations_.show("a").body, levyctl::View::subscriber);
  EXPECT_EQ(plain.find("PRODUCT"), std::string::npos) << plain;
}

TEST_F(Products, EachProductOfALineIsACommand) {
  const std::string since = std::to_string(unix_now() - 86400);
  const std::string row = "a,month,roaming-pass; usd-pass@" + since + "\n";
  door_.answer = OperatorResult::unchanged;
  EXPECT_EQ(load("account,plan,products\n" + row)["unchanged"], 1);
  ASSERT_EQ(door_.asked.size(), 2u);
  EXPECT_EQ(door_.asked[0].kind, OperatorKind::buy_product);
  EXPECT_EQ(door_.asked[0].plan, 2);
  EXPECT_EQ(door_.asked[0].cursor, shard::OperatorRequest::unless_held);
  EXPECT_FALSE(door_.asked[0].flag);
  EXPECT_EQ(door_.asked[1].plan, 3);
  EXPECT_EQ(std::to_string(door_.asked[1].starts_at), since);
  EXPECT_TRUE(door_.asked[1].flag);
  EXPECT_EQ(door_.asked[1].cursor, 0u);
  door_.answer = OperatorResult::ok;
  EXPECT_EQ(load("account,plan,products\n" + row)["updated"], 1);
  const std::string json =
      R"({"account": "a", "products": ["roaming-pass", "usd-pass@)" + since + "\"]}\n";
  door_.asked.clear();
  EXPECT_EQ(load(json, true)["updated"], 1);
  EXPECT_EQ(door_.asked.size(), 2u);
}

TEST_F(Products, ANewAccountsPlanMayRunAlready) {
  const std::uint32_t since = unix_now() - 86400;
  EXPECT_EQ(load("account,plan\nb,month@" + std::to_string(since) + "\n")["created"], 1);
  EXPECT_EQ(last().kind, OperatorKind::create_account);
  EXPECT_EQ(last().plan, 1);
  EXPECT_EQ(last().starts_at, since);
  EXPECT_TRUE(last().flag);
  EXPECT_EQ(load("account,plan\nc,month\n")["created"], 1);
  EXPECT_FALSE(last().flag);
}

TEST_F(Products, FaultyProductsOfALineAreSaid) {
  const auto why = [&](const std::string& plan, const std::string& products) {
    const auto summary = load("account,plan,products\na," + plan + "," + products + "\n");
    EXPECT_EQ(summary["failed"], 1) << summary;
    return summary["errors"].empty() ? std::string() : summary["errors"][0]["why"].dump();
  };
  EXPECT_NE(why("month", "flying").find("add-ons: roaming-pass usd-pass"), std::string::npos);
  EXPECT_NE(why("month", "month").find("column plan"), std::string::npos);
  EXPECT_NE(why("usd-pass", "").find("column products"), std::string::npos);
  EXPECT_NE(why("month", "usd-pass@").find("no date"), std::string::npos);
  EXPECT_NE(why("month", "usd-pass@2001-01-01").find("one year"), std::string::npos);
  EXPECT_NE(why("month", "usd-pass@4000000000").find("future"), std::string::npos);
  EXPECT_NE(why("plain@1795564800", "").find("periods"), std::string::npos);
  EXPECT_NE(why("month",
                "usd-pass;usd-pass;usd-pass;usd-pass;usd-pass;usd-pass;usd-pass;usd-pass;"
                "usd-pass")
                .find("more than 8"),
            std::string::npos);
  EXPECT_TRUE(door_.asked.empty());
  door_.answer = OperatorResult::insufficient;
  EXPECT_NE(why("month", "usd-pass").find("fees cannot be paid"), std::string::npos);
  for (const char* bad : {R"({"account": "a", "imsi": ["1"]})",
                          R"({"account": "a", "products":)"
                          R"( [["usd-pass"]]})",
                          R"({"account": "a", "products": [{"usd-pass": 1}]})"}) {
    EXPECT_EQ(load(std::string(bad) + "\n", true)["failed"], 1) << bad;
  }
}

}  // namespace
}  // namespace levy::admin
