// compile_catalogue: what a plan source becomes, and each fault with its message and place.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "engine/base/currency.hpp"
#include "rating/charge.hpp"
#include "rating/compile/compile.hpp"
#include "tests/unit/rating/placed.hpp"

namespace levy::rating {
namespace {

PriceSource price_source(const char* amount, std::int64_t per, std::int64_t step = 0) {
  return PriceSource{amount, per, step, false};
}

Catalogue data_a_source() {
  Catalogue catalogue;
  PlanSource& plan = catalogue.plans.emplace_back();
  put(plan.name, "data-a");
  put(plan.currency, "EUR");
  ServiceSource& service = plan.services.emplace_back();
  put(service.name, "internet");
  put(service.rating_groups.emplace_back(), std::uint32_t{20});
  put(service.rating_groups.emplace_back(), std::uint32_t{10});
  put(service.unit, "octets");
  put(service.price, price_source("0.25", 1'500'000));
  return catalogue;
}

struct Interner {
  std::vector<std::string> names;
  std::uint16_t operator()(NameKind, std::string_view name) {
    names.emplace_back(name);
    return static_cast<std::uint16_t>(names.size());
  }
};

Compiled compile(const Catalogue& catalogue, Interner* interner = nullptr) {
  Interner own;
  return compile_catalogue(catalogue, std::ref(interner != nullptr ? *interner : own));
}

// Every fault must contain its text, in order; nothing may have been interned.
void expect_faults(const Catalogue& catalogue, const std::vector<std::string>& texts) {
  Interner interner;
  const Compiled compiled = compile(catalogue, &interner);
  EXPECT_TRUE(compiled.plans.empty());
  EXPECT_TRUE(interner.names.empty());
  std::string all;
  for (const CompileFault& fault : compiled.faults) all += fault.message + "\n";
  ASSERT_EQ(compiled.faults.size(), texts.size()) << all;
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_NE(compiled.faults[i].message.find(texts[i]), std::string::npos)
        << compiled.faults[i].message << " lacks " << texts[i];
}

TEST(Compile, DataA) {
  const Compiled compiled = compile(data_a_source());
  ASSERT_TRUE(compiled.faults.empty()) << compiled.faults[0].message;
  const Plan& plan = *compiled.plans.at(0);
  EXPECT_EQ(plan.id, 1);
  EXPECT_EQ(plan.currency, 978);
  EXPECT_EQ(plan.unmatched, Unmatched::rating_failed_5031);
  ASSERT_EQ(plan.entry_count, 2);
  EXPECT_EQ(plan.entries[0].rating_group, 10u);
  const Service& service = plan.services[0];
  EXPECT_EQ(service.name, 2);
  EXPECT_EQ(service.price.numerator, 1);  // 250000 / 1500000 in lowest terms
  EXPECT_EQ(service.price.denominator, 6);
  EXPECT_EQ(service.price.step, 1'500'000);
  EXPECT_EQ(price_of(service.price, 1'500'001), 500'000);
  EXPECT_EQ(service.grant_default, 1'500'000);
  EXPECT_FALSE(service.indivisible);
  MsccRequest mscc;
  mscc.has_rating_group = true;
  mscc.rating_group = 20;
  EXPECT_EQ(find_service(plan, ChargeRequest{}, mscc), 0);
  mscc.rating_group = 21;
  EXPECT_EQ(find_service(plan, ChargeRequest{}, mscc), 0xffff);
}

TEST(Compile, ExactPriceOfManyDecimals) {
  Catalogue catalogue = data_a_source();
  put(catalogue.plans[0].services[0].price, price_source("0.000000000123", 1));
  const Compiled compiled = compile(catalogue);
  ASSERT_TRUE(compiled.faults.empty());
  const Price& price = compiled.plans[0]->services[0].price;
  EXPECT_EQ(price.numerator, 123);
  EXPECT_EQ(price.denominator, 1'000'000);
  EXPECT_EQ(price_of(price, 1'000'000), 123);
}

TEST(Compile, PlanVersionFindsPlansById) {
  Compiled compiled = compile(data_a_source());
  const PlanVersion version(7, std::move(compiled.plans));
  EXPECT_EQ(version.set().version, 7);
  ASSERT_NE(version.set().find(1), nullptr);
  EXPECT_EQ(version.set().find(0), nullptr);
  EXPECT_EQ(version.set().find(2), nullptr);
}

TEST(Compile, CatchAllAndNone) {
  Catalogue catalogue = data_a_source();
  PlanSource& plan = catalogue.plans[0];
  ServiceSource& rest = plan.services.emplace_back();
  put(rest.name, "rest");
  put(rest.any_rating_group, true);
  put(rest.unit, "events");
  PriceSource free;
  free.free = true;
  put(rest.price, free);
  ServiceSource& command = plan.services.emplace_back();
  put(command.name, "command");
  put(command.without_rating_group, true);
  put(command.unit, "events");
  const Compiled compiled = compile(catalogue);
  ASSERT_TRUE(compiled.faults.empty()) << compiled.faults[0].message;
  EXPECT_EQ(compiled.plans[0]->unmatched, Unmatched::rate_as);
  MsccRequest mscc;
  EXPECT_EQ(find_service(*compiled.plans[0], ChargeRequest{}, mscc), 2);
  mscc.has_rating_group = true;
  mscc.rating_group = 999;
  EXPECT_EQ(find_service(*compiled.plans[0], ChargeRequest{}, mscc), 1);
  EXPECT_TRUE(compiled.plans[0]->services[1].price.free);
  EXPECT_TRUE(compiled.plans[0]->services[2].price.none);
  EXPECT_TRUE(compiled.plans[0]->services[2].indivisible);
}

TEST(Compile, EveryFaultAtOnceWithItsPlace) {
  Catalogue catalogue = data_a_source();
  PlanSource& plan = catalogue.plans[0];
  put(plan.currency, "EURO");
  put(plan.session_ttl, std::int64_t{5});
  ServiceSource& service = plan.services[0];
  put(service.unit, "bytes");
  put(service.rating_groups.emplace_back(), std::uint32_t{10});
  put(service.threshold_permille, std::int64_t{1000});
  expect_faults(catalogue,
                {"currency is 'EURO'", "session_ttl is 5; allowed: 60 to",
                 "unit is 'bytes'; allowed: octets, seconds, events",
                 "threshold_permille is 1000; allowed: 1 to 999", "rating_group 10 stands twice"});
  const Compiled compiled = compile(catalogue);
  EXPECT_EQ(compiled.faults[0].place.line, plan.currency.place.line);
  EXPECT_EQ(compiled.faults[0].place.file, "plan.yaml");
}

struct FaultRow {
  const char* expected;
  void (*spoil)(ServiceSource&);
};

const FaultRow service_faults[] = {
    {"amount is '1e3'", [](ServiceSource& s) { put(s.price, price_source("1e3", 1)); }},
    {"amount is '-1'", [](ServiceSource& s) { put(s.price, price_source("-1", 1)); }},
    {"amount is '.5'", [](ServiceSource& s) { put(s.price, price_source(".5", 1)); }},
    {"amount is '1.'", [](ServiceSource& s) { put(s.price, price_source("1.", 1)); }},
    {"amount is ''", [](ServiceSource& s) { put(s.price, price_source("", 1)); }},
    {"price is per 0 units", [](ServiceSource& s) { put(s.price, price_source("1", 0)); }},
    {"price step is -1", [](ServiceSource& s) { put(s.price, price_source("1", 1, -1)); }},
    {"cannot be kept exactly",
     [](ServiceSource& s) { put(s.price, price_source("0.000000000000000001", 10'001)); }},
    {"cannot be kept exactly",
     [](ServiceSource& s) { put(s.price, price_source("900000000001", 1)); }},
    {"rounding is 'nearest'", [](ServiceSource& s) { put(s.rounding, "nearest"); }},
    {"grant_min 9000000 is greater than grant_max 8000000",
     [](ServiceSource& s) {
       put(s.grant_min, std::int64_t{9'000'000});
       put(s.grant_max, std::int64_t{8'000'000});
     }},
    {"grant_max 1000 is smaller than one price step of 1500000",
     [](ServiceSource& s) { put(s.grant_max, std::int64_t{1'000}); }},
    {"grant_default is 5; allowed: from grant_min 10",
     [](ServiceSource& s) {
       put(s.grant_min, std::int64_t{10});
       put(s.grant_default, std::int64_t{5});
       put(s.grant_first, std::int64_t{10});
     }},
    {"quota_holding_time is 65536",
     [](ServiceSource& s) { put(s.quota_holding_time, std::int64_t{65'536}); }},
    {"low_credit_permille is 0",
     [](ServiceSource& s) { put(s.low_credit_permille, std::int64_t{0}); }},
    {"threshold_units has no effect on a free service",
     [](ServiceSource& s) {
       s.price.value.free = true;
       put(s.threshold_units, std::int64_t{1});
     }},
    {"on_final is 'redirect' but redirect_to is missing",
     [](ServiceSource& s) {
       put(s.on_final, "redirect");
       put(s.validity, std::int64_t{600});
     }},
    {"redirect_to is 'nowhere'",
     [](ServiceSource& s) {
       put(s.on_final, "redirect");
       put(s.redirect_to, "nowhere");
       put(s.validity, std::int64_t{600});
     }},
    {"but validity is missing", [](ServiceSource& s) { put(s.on_final, "restrict_access"); }},
    {"redirect_to has no effect", [](ServiceSource& s) { put(s.redirect_to, "http://x"); }},
    {"lost_units is missing", [](ServiceSource& s) { put(s.on_lost, "charge"); }},
    {"lost_units has no effect", [](ServiceSource& s) { put(s.lost_units, std::int64_t{5}); }},
    {"matches nothing", [](ServiceSource& s) { s.rating_groups.clear(); }},
    {"access is 'shut'", [](ServiceSource& s) { put(s.access, "shut"); }},
    {"has 64 bytes", [](ServiceSource& s) { put(s.name, std::string(64, 'x')); }},
    {"service has no name", [](ServiceSource& s) { s.name = {}; }},
};

TEST(Compile, ServiceFaults) {
  for (const FaultRow& row : service_faults) {
    SCOPED_TRACE(row.expected);
    Catalogue catalogue = data_a_source();
    row.spoil(catalogue.plans[0].services[0]);
    expect_faults(catalogue, {row.expected});
  }
}

TEST(Compile, PlanFaults) {
  Catalogue twice = data_a_source();
  twice.plans.push_back(twice.plans[0]);
  expect_faults(twice, {"plan name 'data-a' is used twice"});
  Catalogue rate_as = data_a_source();
  put(rate_as.plans[0].unmatched, "rate_as");
  expect_faults(rate_as, {"no service has 'rating_group: any'"});
  Catalogue both = data_a_source();
  put(both.plans[0].unmatched, "5031");
  put(both.plans[0].services[0].any_rating_group, true);
  expect_faults(both, {"unmatched is '5031' but a service has 'rating_group: any'"});
  Catalogue limit = data_a_source();
  put(limit.plans[0].credit_limit, "1.0000001");
  expect_faults(limit, {"credit_limit is '1.0000001'"});
  Catalogue empty = data_a_source();
  empty.plans[0].services.clear();
  expect_faults(empty, {"has no services"});
}

TEST(Compile, FullNameCatalogueIsAFault) {
  const Compiled compiled = compile_catalogue(
      data_a_source(), [](NameKind, std::string_view) { return std::uint16_t{0}; });
  ASSERT_EQ(compiled.faults.size(), 2u);
  EXPECT_NE(compiled.faults[0].message.find("is full"), std::string::npos);
  EXPECT_TRUE(compiled.plans.empty());
}

TEST(Compile, BucketKinds) {
  Catalogue catalogue = data_a_source();
  BucketKindSource& bonus = catalogue.bucket_kinds.emplace_back();
  put(bonus.name, "bonus");
  put(bonus.unit, "money");
  put(bonus.currency, "EUR");
  put(bonus.priority, std::int64_t{-7});
  BucketKindSource& minutes = catalogue.bucket_kinds.emplace_back();
  put(minutes.name, "minutes");
  put(minutes.unit, "seconds");
  put(minutes.step, std::int64_t{20});
  put(minutes.lifetime, std::int64_t{86'400});
  const Compiled compiled = compile(catalogue);
  ASSERT_TRUE(compiled.faults.empty()) << compiled.faults[0].message;
  EXPECT_EQ(compiled.bucket_kinds[0].currency, 978);
  EXPECT_EQ(compiled.bucket_kinds[0].priority, -7);
  EXPECT_EQ(compiled.bucket_kinds[1].step, 20u);
  EXPECT_EQ(compiled.bucket_kinds[1].lifetime, 86'400u);
  EXPECT_EQ(compiled.bucket_kinds[1].id, 4);
  put(minutes.currency, "EUR");
  put(catalogue.bucket_kinds[0].step, std::int64_t{2});
  put(catalogue.bucket_kinds[0].priority, std::int64_t{40'000});
  expect_faults(catalogue, {"priority is 40000", "step has no effect on a bucket of money",
                            "currency has no effect on a bucket of units"});
}

TEST(Compile, RedirectAddressTypes) {
  const std::pair<const char*, int> rows[] = {{"10.0.0.1", 0},       {"2001:db8::1", 1},
                                              {"http://top.up/", 2}, {"sip:help@example.org", 3},
                                              {"10.0.0.256", -1},    {"1.2.3", -1}};
  for (const auto& [to, type] : rows) {
    Catalogue catalogue = data_a_source();
    ServiceSource& service = catalogue.plans[0].services[0];
    put(service.on_final, "redirect");
    put(service.redirect_to, to);
    put(service.validity, std::int64_t{600});
    const Compiled compiled = compile(catalogue);
    EXPECT_EQ(compiled.faults.empty(), type >= 0) << to;
    if (type < 0 || compiled.plans.empty()) continue;
    EXPECT_EQ(compiled.plans[0]->services[0].redirect_type, type) << to;
    EXPECT_STREQ(compiled.plans[0]->services[0].redirect_address, to);
  }
}

TEST(Compile, RestrictionsAreBounded) {
  const auto restricted = [](std::vector<const char*> ids, std::vector<const char*> rules) {
    Catalogue catalogue = data_a_source();
    ServiceSource& service = catalogue.plans[0].services[0];
    put(service.on_final, "restrict_access");
    put(service.validity, std::int64_t{600});
    for (const char* id : ids) put(service.filter_ids.emplace_back(), id);
    for (const char* rule : rules) put(service.filter_rules.emplace_back(), rule);
    return catalogue;
  };
  const Compiled compiled = compile(restricted({"portal"}, {"permit out ip from 10.0.0.1 to any"}));
  ASSERT_TRUE(compiled.faults.empty()) << compiled.faults[0].message;
  const Plan& plan = *compiled.plans[0];
  ASSERT_EQ(plan.services[0].restriction_count, 2);
  EXPECT_TRUE(plan.restrictions[0].rule);
  EXPECT_EQ(plan.restrictions[1].text, "portal");
  for (const char* rule : {"permit all", "permit out ip from any", "allow out ip from any to any",
                           "permit both ip from any to any", ""})
    expect_faults(restricted({}, {rule}), {"permit|deny in|out"});
  expect_faults(restricted({""}, {}), {"filter_id is empty"});
  expect_faults(restricted({"1", "2", "3", "4", "5", "6", "7", "8", "9"}, {}), {"more than 8"});
  const std::string longest(249, 'x');
  expect_faults(restricted({longest.c_str()}, {}), {"256 bytes as sent"});
  Catalogue other = restricted({"portal"}, {});
  put(other.plans[0].services[0].on_final, "terminate");
  expect_faults(other, {"have no effect without"});
}

TEST(Compile, FailureHandling) {
  Catalogue catalogue = data_a_source();
  const Compiled silent = compile(catalogue);
  EXPECT_EQ(silent.plans[0]->failure_handling, FailureHandling::not_sent);
  EXPECT_EQ(silent.plans[0]->failover, Failover::not_sent);
  put(catalogue.plans[0].ccfh, "continue");
  put(catalogue.plans[0].failover, false);
  const Compiled said = compile(catalogue);
  EXPECT_EQ(said.plans[0]->failure_handling, FailureHandling::go_on);
  EXPECT_EQ(said.plans[0]->failover, Failover::not_supported);
  put(catalogue.plans[0].ccfh, "panic");
  expect_faults(catalogue, {"ccfh is 'panic'"});
}

TEST(Compile, NotApplicableIsFree) {
  Catalogue catalogue = data_a_source();
  ServiceSource& service = catalogue.plans[0].services[0];
  put(service.access, "not_applicable");
  expect_faults(catalogue, {"has a price, which nobody would pay"});
  service.price = {};
  const Compiled compiled = compile(catalogue);
  ASSERT_TRUE(compiled.faults.empty()) << compiled.faults[0].message;
  EXPECT_TRUE(compiled.plans[0]->services[0].not_applicable);
  EXPECT_TRUE(compiled.plans[0]->services[0].price.free);
}

TEST(Compile, ChangesAreWhatTheRatesOfAServiceAskFor) {
  const auto changes = [](std::vector<std::pair<const char*, const char*>> conditions,
                          std::vector<const char*> places, bool negated = false) {
    Catalogue catalogue = data_a_source();
    ZoneSource& zone = catalogue.zones.emplace_back();
    put(zone.name, "zone");
    put(zone.plmns.emplace_back(), "26201");
    put(zone.places.emplace_back(), "tai 262-01-1");
    ZoneSource& other = catalogue.zones.emplace_back();
    put(other.name, "other");
    for (const char* place : places) put(other.places.emplace_back(), place);
    RateSource& rate = catalogue.plans[0].services[0].rates.emplace_back();
    put(rate.name, "rate");
    put(rate.price, price_source("1", 1));
    for (const auto& [attribute, value] : conditions) {
      ConditionSource& condition = rate.when.emplace_back();
      put(condition.attribute, attribute);
      put(condition.values.emplace_back(), value);
      condition.negated = negated;
    }
    const Compiled compiled = compile(catalogue);
    EXPECT_TRUE(compiled.faults.empty()) << compiled.faults[0].message;
    return compiled.plans.at(0)->services[0].changes;
  };
  EXPECT_EQ(changes({{"apn", "internet"}}, {}), 0);
  EXPECT_EQ(changes({{"rat", "eutran"}}, {}), change_rat);
  EXPECT_EQ(changes({{"qci", "1"}, {"plmn", "zone"}}, {}), change_qos | change_plmn);
  EXPECT_EQ(changes({{"plmn", "zone"}}, {}, true), change_plmn);
  EXPECT_EQ(changes({{"location", "zone"}}, {}), change_tai);
  // A cell of another zone lies in this one's area.
  EXPECT_EQ(changes({{"location", "zone"}}, {"ecgi 262-01-7"}), change_tai | change_ecgi);
  EXPECT_EQ(changes({{"location", "zone"}}, {"cgi 262-01-1-7"}), change_tai | change_cgi);
  EXPECT_EQ(changes({{"location", "zone"}}, {"sai 262-01-1-7"}), change_tai | change_location);
}

TEST(Compile, UnpricedNeedsRatesAlone) {
  Catalogue catalogue = data_a_source();
  put(catalogue.plans[0].services[0].unpriced, "5031");
  expect_faults(catalogue, {"unpriced has no effect"});
}

TEST(Compile, OnNewVersionByUnitWhereItIsNotGiven) {
  for (const auto& [unit, given, expected] :
       {std::tuple("octets", "", OnNewVersion::next_report),
        std::tuple("seconds", "", OnNewVersion::pin), std::tuple("events", "", OnNewVersion::pin),
        std::tuple("octets", "pin", OnNewVersion::pin),
        std::tuple("seconds", "next_report", OnNewVersion::next_report),
        std::tuple("events", "reauthorize", OnNewVersion::reauthorize)}) {
    Catalogue catalogue = data_a_source();
    ServiceSource& service = catalogue.plans[0].services[0];
    put(service.unit, unit);
    if (*given != '\0') put(service.on_new_version, given);
    const Compiled compiled = compile(catalogue);
    ASSERT_TRUE(compiled.faults.empty()) << compiled.faults[0].message;
    EXPECT_EQ(compiled.plans[0]->services[0].on_new_version, expected) << unit << given;
  }
  Catalogue catalogue = data_a_source();
  put(catalogue.plans[0].services[0].on_new_version, "never");
  expect_faults(catalogue, {"on_new_version is 'never'; allowed: next_report, pin, reauthorize"});
}

TEST(Compile, FormerNamesAreGoneAndBecomeOneThing) {
  Catalogue catalogue = data_a_source();
  catalogue.plans.push_back(catalogue.plans[0]);
  put(catalogue.plans[1].name, "data-b");
  put(catalogue.plans[1].was.emplace_back(), "data-a");
  put(catalogue.bucket_kinds.emplace_back().name, "one");
  put(catalogue.bucket_kinds[0].unit, "octets");
  put(catalogue.bucket_kinds[0].was.emplace_back(), "old");
  catalogue.bucket_kinds.push_back(catalogue.bucket_kinds[0]);
  put(catalogue.bucket_kinds[1].name, "two");
  expect_faults(catalogue, {"was is 'old', which 'one' says too; one bucket kind becomes one",
                            "was is 'data-a', which is the name of a plan here"});
}

// A catalogue of names in which an earlier version has renamed one plan to the other.
TEST(Compile, TwoNamesOfOnePlanAreAFault) {
  Catalogue catalogue = data_a_source();
  catalogue.plans.push_back(catalogue.plans[0]);
  put(catalogue.plans[1].name, "data-b");
  const Compiled compiled = compile_catalogue(
      catalogue, [](NameKind kind, std::string_view) { return kind == NameKind::plan ? 7 : 8; });
  ASSERT_EQ(compiled.faults.size(), 1u);
  EXPECT_NE(compiled.faults[0].message.find("plan 'data-b' is the same as 'data-a'"),
            std::string::npos);
  EXPECT_TRUE(compiled.plans.empty());
}

// Every fault of counters and of prices over them, in the order of the source.
TEST(Compile, FaultsOfCounters) {
  Catalogue catalogue = data_a_source();
  PlanSource& plan = catalogue.plans[0];
  const auto counter = [&](const char* name, const char* counts) -> CounterSource& {
    CounterSource& made = plan.counters.emplace_back();
    put(made.name, name);
    if (counts != nullptr) put(made.counts, counts);
    return made;
  };
  const auto level = [](CounterSource& of, const char* name, std::int64_t permille) {
    LevelSource& made = of.levels.emplace_back();
    put(made.name, name);
    if (permille != 0) put(made.at_permille, permille);
  };
  counter("nothing", nullptr);
  counter("what", "litres");
  put(counter("kindless", nullptr).bucket, "gone");
  CounterSource& shares = counter("shares", "octets");
  put(shares.services.emplace_back(), "internet");
  put(shares.services.emplace_back(), "telegraphy");
  level(shares, "half", 500);
  CounterSource& order = counter("order", "octets");
  put(order.limit, QuantitySource{1000, "octets", "", ""});
  level(order, "late", 900);
  level(order, "early", 100);
  level(order, "nowhere", 0);
  put(counter("unit", "events").limit, QuantitySource{5, "seconds", "", ""});
  put(counter("money", "money").limit, QuantitySource{0, "", "5", "USD"});
  put(counter("zero", "octets").limit, QuantitySource{0, "octets", "", ""});
  put(plan.services[0].accumulate, "unit");
  put(plan.services[0].tiers, "whole");
  expect_faults(catalogue,
                {"counter 'nothing' counts nothing, or two things", "counts is 'litres'; allowed",
                 "bucket kind 'gone' is not declared", "service 'telegraphy' is none of any plan",
                 "at is a share of the counter's limit, and it has none",
                 "level 'early' is not above the one before", "level 'nowhere' is reached nowhere",
                 "level 'nowhere' is not above the one before",
                 "counter 'unit' counts nothing: no service of any plan is in events",
                 "limit is not in events, in which the counter counts",
                 "limit is not in EUR, in which the counter counts", "limit is out of bounds",
                 "tiers has no effect on a service whose prices have none",
                 "counter 'unit' does not count all use of this service in its unit"});
}

TEST(Compile, OneNameOfACounterMeansOneThing) {
  Catalogue catalogue = data_a_source();
  CounterSource& first = catalogue.plans[0].counters.emplace_back();
  put(first.name, "month");
  put(first.counts, "octets");
  catalogue.plans.push_back(catalogue.plans[0]);
  put(catalogue.plans[1].name, "other");
  EXPECT_TRUE(compile(catalogue).faults.empty());
  put(catalogue.plans[1].counters[0].counts, "money");
  expect_faults(catalogue, {"counter 'month' counts something else in another plan"});
}

TEST(Compile, Amounts) {
  std::int64_t micros = 0;
  EXPECT_TRUE(parse_amount("0.000001", micros) && micros == 1);
  EXPECT_TRUE(parse_amount("12.50", micros) && micros == 12'500'000);
  EXPECT_TRUE(parse_amount("1.1000000000", micros) && micros == 1'100'000);
  EXPECT_TRUE(parse_amount("900000000000", micros) && micros == limits::balance_micros_max);
  for (const char* text : {"900000000000.000001", "0.0000001", "", "1,5", "+1", "1.2.3", " 1"})
    EXPECT_FALSE(parse_amount(text, micros)) << text;
}

TEST(Compile, CurrenciesAreDistinctAndSorted) {
  std::set<int> numerics;
  for (const Currency& c : currencies) {
    EXPECT_EQ(c.letters.size(), 3u);
    EXPECT_TRUE(numerics.insert(c.numeric).second) << c.letters;
    EXPECT_LE(c.exponent, 4);
  }
  EXPECT_TRUE(
      std::is_sorted(currencies.begin(), currencies.end(),
                     [](const Currency& a, const Currency& b) { return a.letters < b.letters; }));
  EXPECT_EQ(find_currency("KWD")->exponent, 3);
  EXPECT_EQ(find_currency(std::uint16_t{840})->letters, "USD");
  EXPECT_EQ(find_currency("eur"), nullptr);
}

}  // namespace
}  // namespace levy::rating
