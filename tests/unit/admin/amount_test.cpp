// Tests of exact amounts, currencies and lines of an import.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include "engine/admin/amount.hpp"

#include <gtest/gtest.h>

#include "engine/admin/import_row.hpp"

namespace levy::admin {
namespace {

TEST(Amount, MoneyIsExactOrRefused) {
  std::int64_t micros = 0;
  EXPECT_EQ(parse_money("10.5", Sign::positive, micros), "");
  EXPECT_EQ(micros, 10'500'000);
  EXPECT_EQ(parse_money("0.000001", Sign::positive, micros), "");
  EXPECT_EQ(micros, 1);
  EXPECT_EQ(parse_money("-3.25", Sign::any, micros), "");
  EXPECT_EQ(micros, -3'250'000);
  EXPECT_EQ(parse_money("1.0000000", Sign::positive, micros), "");  // zeros lose nothing
  for (const char* bad : {"0.0000001", "", ".", "1.", ".5", "1e3", "1,5", "-1", "--1", "1.2.3",
                          "900000000001", "99999999999999999999"}) {
    EXPECT_NE(parse_money(bad, Sign::positive, micros), "") << bad;
  }
}

TEST(Amount, UnitsTakeSuffixes) {
  std::int64_t units = 0;
  EXPECT_EQ(parse_units("1.5 GB", rating::Unit::octets, Sign::positive, units), "");
  EXPECT_EQ(units, 1'500'000'000);
  EXPECT_EQ(parse_units("2min", rating::Unit::seconds, Sign::positive, units), "");
  EXPECT_EQ(units, 120);
  EXPECT_NE(parse_units("1.5 B", rating::Unit::octets, Sign::positive, units), "");
  EXPECT_NE(parse_units("5 GB", rating::Unit::seconds, Sign::positive, units), "");
}

TEST(Amount, MoneyText) {
  EXPECT_EQ(money_text(10'500'000), "10.50");
  EXPECT_EQ(money_text(-1), "-0.000001");
  EXPECT_EQ(money_text(INT64_MIN), "-9223372036854.775808");
}

TEST(Amount, Currencies) {
  EXPECT_EQ(currency_number("EUR"), 978);
  EXPECT_EQ(currency_number("AED"), 784);
  EXPECT_EQ(currency_number("ZMW"), 967);
  EXPECT_EQ(currency_number("eur"), 0);
  EXPECT_EQ(currency_letters(840), "USD");
  EXPECT_EQ(currency_letters(1), "1");
}

TEST(ImportRow, CsvQuotes) {
  CsvHeader header;
  ASSERT_EQ(header.read("account,imsi,buckets"), "");
  std::string line = "\"a,\"\"b\"\"\",262, data=1 ";
  RowTexts texts{};
  EXPECT_EQ(header.cut(line, texts), "");
  EXPECT_EQ(texts[0], "a,\"b\"");
  EXPECT_EQ(texts[1], "262");
  EXPECT_EQ(texts[10], "data=1");
  for (const char* bad : {"a,b", "a,b,c,d", "\"a,b,c", "\"a\"x,b,c", "a\"b,c,d"}) {
    line = bad;
    EXPECT_NE(header.cut(line, texts), "") << bad;
  }
  EXPECT_NE(header.read("account,colour"), "");
  EXPECT_NE(header.read("account,account"), "");
}

TEST(ImportRow, JsonKeepsNumbersAsWritten) {
  std::string line = R"({"imsi":"262011","wallet":10.500001,"buckets":{"data":"5 GB","sms":3}})";
  RowTexts texts{};
  EXPECT_EQ(cut_json(line, texts), "");
  EXPECT_EQ(texts[static_cast<std::size_t>(Column::wallet)], "10.500001");
  EXPECT_EQ(texts[static_cast<std::size_t>(Column::buckets)], "data=5 GB;sms=3");
  for (const char* bad :
       {"", "[]", "{", "5", "{\"colour\":1}", "{\"imsi\":[1]}", "{\"imsi\":{}}"}) {
    line = bad;
    EXPECT_NE(cut_json(line, texts), "") << bad;
  }
}

}  // namespace
}  // namespace levy::admin
