// Values: exact numbers with units, prices, addresses; every refusal.
#include <gtest/gtest.h>

#include <tuple>

#include "config/values.hpp"

namespace levy::config {
namespace {

void expect_number(const Parsed& parsed, std::int64_t number) {
  EXPECT_TRUE(parsed.ok()) << parsed.fault;
  EXPECT_EQ(parsed.number, number);
}

TEST(Values, Integers) {
  expect_number(parse_integer("0"), 0);
  expect_number(parse_integer("10_000_000"), 10'000'000);
  expect_number(parse_integer("-5"), -5);
  expect_number(parse_integer("999999999999999999"), 999'999'999'999'999'999);
  for (const char* bad : {"", "-", "+1", "1.0", "1e3", "0x10", "_1", "1_", "1__0", "1 000", "1k",
                          "1000000000000000000", "99999999999999999999999999", " 1"}) {
    EXPECT_FALSE(parse_integer(bad).ok()) << bad;
  }
}

TEST(Values, SizesAndOctets) {
  expect_number(parse_size("64 KiB"), 65'536);
  expect_number(parse_size("256MiB"), 268'435'456);
  expect_number(parse_size("1 GB"), 1'000'000'000);
  expect_number(parse_size("1.5 KiB"), 1'536);
  expect_number(parse_size("0"), 0);
  expect_number(parse_octets("1500000"), 1'500'000);
  expect_number(parse_octets("5 GB"), 5'000'000'000);
  expect_number(parse_octets("1 GiB"), 1'073'741'824);
  expect_number(parse_octets("1.5 MB"), 1'500'000);
  expect_number(parse_octets("0.000001 MB"), 1);
  expect_number(parse_octets("1500000 octets"), 1'500'000);
  for (const char* bad : {"64", "64 kib", "64 KB", "1.0001 kB", "KiB", "-1 B", "1 B B", ".5 MB",
                          "5. MB", "9999999999999 TB", "1,5 MB"}) {
    EXPECT_FALSE(parse_size(bad).ok()) << bad;
  }
}

TEST(Values, Durations) {
  expect_number(parse_duration("30 s", 1'000'000), 30);
  expect_number(parse_duration("15 min", 1'000'000), 900);
  expect_number(parse_duration("2 h", 1'000'000), 7'200);
  expect_number(parse_duration("1 d", 1'000'000), 86'400);
  expect_number(parse_duration("1500 ms", 1'000), 1'500);
  expect_number(parse_duration("1.5 s", 1'000), 1'500);
  expect_number(parse_duration("0.1 min", 1'000'000), 6);
  expect_number(parse_duration("50 us", 1), 50);
  for (const char* bad : {"30", "30 sec", "1500 ms", "1.5 s", "s", "30 S", "-1 s", "1 week"}) {
    EXPECT_FALSE(parse_duration(bad, 1'000'000).ok()) << bad;
  }
  EXPECT_FALSE(parse_duration("999999999999999999 d", 1'000'000).ok());
}

TEST(Values, Shares) {
  expect_number(parse_permille("20 %"), 200);
  expect_number(parse_permille("12.5%"), 125);
  expect_number(parse_permille("0.1 %"), 1);
  EXPECT_FALSE(parse_permille("0.05 %").ok());
  EXPECT_FALSE(parse_permille("0.2").ok());
}

TEST(Values, ShownFormsReadBack) {
  for (const std::int64_t bytes : {1LL, 1023LL, 1024LL, 65'536LL, 268'435'456LL, 1LL << 46}) {
    expect_number(parse_size(show_size(bytes)), bytes);
  }
  for (const std::int64_t seconds : {0LL, 1LL, 59LL, 60LL, 3'600LL, 86'400LL, 86'401LL}) {
    expect_number(parse_duration(show_duration(seconds, 1'000'000), 1'000'000), seconds);
  }
  for (std::int64_t permille = 1; permille <= 1000; ++permille) {
    expect_number(parse_permille(show_permille(permille)), permille);
  }
}

void expect_price(const ParsedPrice& parsed, const char* amount, std::int64_t per,
                  std::int64_t step) {
  ASSERT_TRUE(parsed.ok()) << parsed.fault;
  EXPECT_EQ(parsed.price.amount, amount);
  EXPECT_EQ(parsed.currency, "EUR");
  EXPECT_EQ(parsed.price.per_units, per);
  EXPECT_EQ(parsed.price.step_units, step);
  EXPECT_FALSE(parsed.price.free);
}

TEST(Values, Prices) {
  expect_price(parse_price("0.25 EUR per 1500000 octets, step 1500000 octets", "octets"), "0.25",
               1'500'000, 1'500'000);
  expect_price(parse_price("0.05 EUR per 60 s", "seconds"), "0.05", 60, 0);
  expect_price(parse_price("0.09 EUR per min, step 1 s", "seconds"), "0.09", 60, 1);
  expect_price(parse_price("0.15 EUR per event", "events"), "0.15", 1, 0);
  expect_price(parse_price("1 EUR per 10 events", "events"), "1", 10, 0);
  expect_price(parse_price("2 EUR per GB, step 1 MB", "octets"), "2", 1'000'000'000, 1'000'000);
  expect_price(parse_price("1_000.00000000000001 EUR per TiB", "octets"), "1000.00000000000001",
               1LL << 40, 0);
  EXPECT_TRUE(parse_price("free", "octets").price.free);
  for (const char* bad :
       {"", "0.25", "0.25 EUR", "EUR 0.25 per GB", "0.25 per GB", "0.25 EURO per GB",
        "0.25 EUR per 60 s", "0.25 EUR per 1500000", "0.25 EUR per 0 octets", "-1 EUR per GB",
        "0.25 EUR per GB, step 0 B", "0.25 EUR per GB, step", "0.25 EUR per GB step 1 MB",
        "0.25 EUR per event", "1e2 EUR per GB", "Free", "0.25 EUR per 999 TiB"}) {
    EXPECT_FALSE(parse_price(bad, "octets").ok()) << bad;
  }
}

TEST(Values, Decimals) {
  EXPECT_TRUE(is_decimal("10.00", false));
  EXPECT_TRUE(is_decimal("-10", true));
  for (const char* bad : {"", "-10", ".5", "5.", "1.2.3", "1,5", "ten", "1e3"}) {
    EXPECT_FALSE(is_decimal(bad, false)) << bad;
  }
}

TEST(Values, Addresses) {
  for (const char* good : {"127.0.0.1", "0.0.0.0", "::1", "::", "2001:db8::5"}) {
    EXPECT_TRUE(is_ip_address(good)) << good;
  }
  for (const char* bad : {"", "localhost", "256.0.0.1", "1.2.3", "[::1]", "::1%eth0", "::1 "}) {
    EXPECT_FALSE(is_ip_address(bad)) << bad;
  }
  EXPECT_FALSE(is_ip_address(std::string_view("::1\0x", 5)));
  const ParsedEndpoint v6 = parse_endpoint("[2001:db8::1]:3868");
  ASSERT_TRUE(v6.ok()) << v6.fault;
  EXPECT_EQ(v6.host, "2001:db8::1");
  EXPECT_EQ(v6.port, 3868);
  EXPECT_EQ(parse_endpoint("smf.example:3868").host, "smf.example");
  for (const char* bad : {"", "a", "a:", "a:0", "a:65536", ":3868", "::1:3868", "[::1]", "[x]:1",
                          "a b:1", "[1.2.3.4:1"}) {
    EXPECT_FALSE(parse_endpoint(bad).ok()) << bad;
  }
}

TEST(Values, NamesAndIdentities) {
  EXPECT_TRUE(is_name("data-a"));
  EXPECT_TRUE(is_name(std::string(63, 'n')));
  EXPECT_FALSE(is_name(std::string(64, 'n')));
  EXPECT_FALSE(is_name("a b"));
  EXPECT_FALSE(is_name(""));
  EXPECT_TRUE(is_diameter_identity("ocs.levy.example"));
  for (const char* bad : {"", ".", "a..b", "a.", ".a", "a b", "aaa://x", "a,b"}) {
    EXPECT_FALSE(is_diameter_identity(bad)) << bad;
  }
  EXPECT_FALSE(is_diameter_identity(std::string(64, 'x') + ".example"));
}

TEST(Values, Periods) {
  const std::tuple<const char*, std::int64_t, const char*> good[] = {
      {"month", 1, "month"},  {"1 month", 1, "month"},      {"2 weeks", 2, "week"},
      {"30 days", 30, "day"}, {"255 hours", 255, "hour"}, {"years", 1, "year"}};
  for (const auto& [text, count, unit] : good) {
    const ParsedPeriod parsed = parse_period(text);
    EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.fault;
    EXPECT_EQ(parsed.period.count, count) << text;
    EXPECT_EQ(parsed.period.unit, unit) << text;
  }
  for (const char* text : {"", "0 days", "256 days", "-1 day", "30 d", "fortnight", "1.5 days",
                           "2", "2 weeks 3 days", "months s", "99999999999999999999 days"})
    EXPECT_FALSE(parse_period(text).ok()) << text;
}

TEST(Values, Quantities) {
  const std::tuple<const char*, std::int64_t, const char*> units[] = {
      {"10 GB", 10'000'000'000, "octets"}, {"1 KiB", 1024, "octets"}, {"90 min", 5400, "seconds"},
      {"100 events", 100, "events"},       {"500", 500, ""},          {"1 s", 1, "seconds"}};
  for (const auto& [text, number, unit] : units) {
    const ParsedQuantity parsed = parse_quantity(text);
    EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.fault;
    EXPECT_EQ(parsed.quantity.units, number) << text;
    EXPECT_EQ(parsed.quantity.unit, unit) << text;
    EXPECT_TRUE(parsed.quantity.amount.empty()) << text;
  }
  const ParsedQuantity money = parse_quantity("1_000.50 EUR");
  ASSERT_TRUE(money.ok()) << money.fault;
  EXPECT_EQ(money.quantity.amount, "1000.50");
  EXPECT_EQ(money.quantity.currency, "EUR");
  for (const char* text : {"", "0", "-1 GB", "1.5 events", "5 parsecs", "EUR", "1 EURO", "GB",
                           "281474976710656", "0 MB"})
    EXPECT_FALSE(parse_quantity(text).ok()) << text;
}

}  // namespace
}  // namespace levy::config
