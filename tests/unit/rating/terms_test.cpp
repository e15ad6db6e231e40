// compile_terms and compile_bucket_rules: what plans cost and give, and what bucket kinds pay for,
// as tables.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "rating/compile/compile.hpp"
#include "rating/compile/terms.hpp"
#include "tests/unit/rating/placed.hpp"

namespace levy::rating {
namespace {

PeriodSource every(std::int64_t count, const char* unit) {
  return {count, unit};
}
QuantitySource octets(std::int64_t units) {
  return {units, "octets", "", ""};
}

void add_service(PlanSource& plan, const char* name, const char* unit, std::uint32_t group,
                 bool priced = true) {
  ServiceSource& service = plan.services.emplace_back();
  put(service.name, name);
  put(service.rating_groups.emplace_back(), group);
  put(service.unit, unit);
  if (priced) put(service.price, PriceSource{"1", 1});
}

BucketKindSource& add_kind(Catalogue& catalogue, const char* name, const char* unit) {
  BucketKindSource& kind = catalogue.bucket_kinds.emplace_back();
  put(kind.name, name);
  put(kind.unit, unit);
  if (std::string(unit) == "money") put(kind.currency, "EUR");
  return kind;
}

FeeSource& add_fee(PlanSource& plan, const char* name, const char* amount) {
  FeeSource& fee = plan.fees.emplace_back();
  put(fee.name, name);
  put(fee.amount, amount);
  return fee;
}

AllowanceSource& add_allowance(PlanSource& plan, const char* kind, QuantitySource amount) {
  AllowanceSource& allowance = plan.allowances.emplace_back();
  put(allowance.kind, kind);
  put(allowance.amount, std::move(amount));
  return allowance;
}

ConditionSource condition(const char* attribute, const char* value) {
  ConditionSource made;
  put(made.attribute, attribute);
  put(made.values.emplace_back(), value);
  return made;
}

// A base plan in Berlin with data, calls, messages and a service without a price; an add-on in UTC
// without services.
Catalogue two_plans() {
  Catalogue catalogue;
  catalogue.plans.reserve(4);
  catalogue.bucket_kinds.reserve(16);
  PlanSource& base = catalogue.plans.emplace_back();
  put(base.name, "month");
  put(base.currency, "EUR");
  put(base.time_zone, "Europe/Berlin");
  add_service(base, "internet", "octets", 1);
  add_service(base, "call", "seconds", 2);
  add_service(base, "sms", "events", 3);
  add_service(base, "portal", "octets", 4, false);
  PlanSource& addon = catalogue.plans.emplace_back();
  put(addon.name, "pass");
  put(addon.kind, "addon");
  put(addon.currency, "EUR");
  add_fee(addon, "pass", "5.99");
  add_kind(catalogue, "data", "octets");
  return catalogue;
}

// Ids: descending for bucket kinds, so that their order is not that of the file.
std::uint16_t id_of(NameKind kind, std::string_view name) {
  static std::map<std::pair<NameKind, std::string>, std::uint16_t> ids;
  const auto next = static_cast<std::uint16_t>(kind == NameKind::bucket_kind ? 60'000 - ids.size()
                                                                             : 1 + ids.size());
  return ids.try_emplace({kind, std::string(name)}, next).first->second;
}

Compiled compile(const Catalogue& catalogue) {
  Compiled compiled = compile_catalogue(catalogue, id_of);
  for (const CompileFault& fault : compiled.faults) ADD_FAILURE() << fault.message;
  return compiled;
}

void expect_faults(const Catalogue& catalogue, const std::vector<std::string>& texts) {
  const Compiled compiled = compile_catalogue(catalogue, id_of);
  std::string all;
  for (const CompileFault& fault : compiled.faults) all += fault.message + "\n";
  ASSERT_EQ(compiled.faults.size(), texts.size()) << all;
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_NE(compiled.faults[i].message.find(texts[i]), std::string::npos)
        << compiled.faults[i].message << " lacks " << texts[i];
}

TEST(Terms, APlanWithoutThemHasNone) {
  Catalogue catalogue = two_plans();
  const Compiled compiled = compile(catalogue);
  const Terms& terms = compiled.plans.at(0)->terms;
  EXPECT_FALSE(terms.any());
  EXPECT_FALSE(terms.addon);
  EXPECT_EQ(terms.cycle_count, 0);
  EXPECT_EQ(terms.lasts.unit, PeriodUnit::none);
  EXPECT_EQ(compiled.plans[0]->bucket_rule_count, 0u);
}

TEST(Terms, FeesAndAllowancesShareCycles) {
  Catalogue catalogue = two_plans();
  add_kind(catalogue, "minutes", "seconds");
  BucketKindSource& money = add_kind(catalogue, "gift", "money");
  put(money.lifetime, std::int64_t{86'400});
  put(money.priority, std::int64_t{-3});
  PlanSource& plan = catalogue.plans[0];
  add_fee(plan, "activation", "5");
  put(add_fee(plan, "monthly", "9.99").every, every(1, "month"));
  put(add_fee(plan, "tax", "0.000001").every, every(2, "week"));
  AllowanceSource& data = add_allowance(plan, "data", octets(10'000'000'000));
  put(data.every, every(1, "month"));
  put(data.rollover, std::int64_t{2});
  put(data.rollover_max, octets(5'000'000'000));
  put(data.rollover_use, "last");
  put(add_allowance(plan, "minutes", {600, "", "", ""}).every, every(30, "day"));
  add_allowance(plan, "gift", {0, "", "2.50", "EUR"});
  put(plan.fee_tax, std::int64_t{190});
  const Compiled compiled = compile(catalogue);
  const Terms& terms = compiled.plans.at(0)->terms;
  ASSERT_EQ(terms.cycle_count, 3);
  EXPECT_EQ(terms.cycles[0], (Period{PeriodUnit::month, 1}));
  EXPECT_EQ(terms.cycles[1], (Period{PeriodUnit::week, 2}));
  EXPECT_EQ(terms.cycles[2], (Period{PeriodUnit::day, 30}));
  ASSERT_EQ(terms.fee_count, 3);
  EXPECT_EQ(terms.fees[0].cycle, cycle_once);
  EXPECT_EQ(terms.fees[0].name, id_of(NameKind::fee, "activation"));
  EXPECT_EQ(terms.fees[1].cycle, 0);
  EXPECT_EQ(terms.fees[1].amount, 9'990'000);
  EXPECT_EQ(terms.fees[2].cycle, 1);
  EXPECT_EQ(terms.tax_permille, 190);
  ASSERT_EQ(terms.allowance_count, 3);
  const Allowance& first = terms.allowances[0];
  EXPECT_EQ(first.kind, id_of(NameKind::bucket_kind, "data"));
  EXPECT_EQ(first.cycle, 0);
  EXPECT_EQ(first.rollover, 2);
  EXPECT_EQ(first.rollover_max, 5'000'000'000);
  EXPECT_FALSE(first.rolled_first);
  EXPECT_EQ(terms.allowances[1].amount, 600);
  EXPECT_EQ(terms.allowances[1].unit, Unit::seconds);
  EXPECT_EQ(terms.allowances[1].cycle, 2);
  const Allowance& gift = terms.allowances[2];
  EXPECT_EQ(gift.amount, 2'500'000);
  EXPECT_EQ(gift.currency, 978);
  EXPECT_EQ(gift.priority, -3);
  EXPECT_EQ(gift.cycle, cycle_once);
  EXPECT_EQ(gift.lifetime, 86'400u);
}

TEST(Terms, OffsetsOfTheZone) {
  const Compiled compiled = compile(two_plans());
  const Terms& berlin = compiled.plans.at(0)->terms;
  // Twice a year, to 2037 (what Debian's tzdata lists) or to 2050.
  ASSERT_TRUE(berlin.offset_count == 1u + 2u * 28u || berlin.offset_count == 1u + 2u * 41u)
      << berlin.offset_count;
  EXPECT_EQ(berlin.offsets[0].from, 1'262'304'000u);  // 1 Jan 2010
  EXPECT_EQ(berlin.offsets[0].seconds, 3'600);
  EXPECT_EQ(berlin.offsets[1].from, 1'269'738'000u);  // 28 Mar 2010, 01:00 UTC
  EXPECT_EQ(berlin.offsets[1].seconds, 7'200);
  for (std::uint32_t i = 1; i < berlin.offset_count; ++i) {
    EXPECT_LT(berlin.offsets[i - 1].from, berlin.offsets[i].from);
    EXPECT_NE(berlin.offsets[i - 1].seconds, berlin.offsets[i].seconds);
  }
  const Terms& utc = compiled.plans[1]->terms;
  EXPECT_EQ(utc.offset_count, 0u);
  EXPECT_EQ(utc.offsets, nullptr);
  Catalogue catalogue = two_plans();
  put(catalogue.plans[0].time_zone, "Asia/Kolkata");
  const Compiled india = compile(catalogue);
  ASSERT_EQ(india.plans[0]->terms.offset_count, 1u);
  EXPECT_EQ(india.plans[0]->terms.offsets[0].seconds, 19'800);
}

TEST(Terms, OfAnAddon) {
  Catalogue catalogue = two_plans();
  PlanSource& addon = catalogue.plans[1];
  put(addon.priority, std::int64_t{-5});
  put(addon.starts, "first_use");
  put(addon.lasts, every(1, "day"));
  put(addon.again, "queue");
  put(addon.unpaid_fee, "refuse");
  put(addon.allowances_after, "keep");
  put(addon.periods, "calendar");
  put(addon.prorate, true);
  put(add_allowance(addon, "data", octets(1)).every, every(1, "month"));
  const Compiled compiled = compile(catalogue);
  const Terms& terms = compiled.plans.at(1)->terms;
  EXPECT_TRUE(terms.addon && terms.at_first_use && terms.calendar && terms.prorate);
  EXPECT_TRUE(terms.keeps_allowances && terms.any());
  EXPECT_EQ(terms.priority, -5);
  EXPECT_EQ(terms.lasts, (Period{PeriodUnit::day, 1}));
  EXPECT_EQ(terms.again, BoughtAgain::queue);
  EXPECT_EQ(terms.unpaid_fee, UnpaidFee::refuse);
}

TEST(Terms, Bounds) {
  Catalogue many = two_plans();
  for (int i = 0; i < 17; ++i) add_fee(many.plans[0], ("f" + std::to_string(i)).c_str(), "1");
  expect_faults(many, {"at most 16 fees"});
  Catalogue kinds = two_plans();
  kinds.bucket_kinds.reserve(32);
  for (int i = 0; i < 18; ++i) {
    const std::string name = "k" + std::to_string(i);
    add_kind(kinds, name.c_str(), "octets");
    add_allowance(kinds.plans[0], name.c_str(), octets(1));
  }
  expect_faults(kinds, {"at most 16 allowances"});
  Catalogue cycles = two_plans();
  for (int i = 1; i <= 5; ++i)
    put(add_fee(cycles.plans[0], ("f" + std::to_string(i)).c_str(), "1").every, every(i, "day"));
  expect_faults(cycles, {"at most 4 different values of every"});
  Catalogue counts = two_plans();
  put(add_fee(counts.plans[0], "a", "900000000000.000001").every, every(256, "day"));
  put(add_fee(counts.plans[0], "b", "0").every, every(1, "eon"));
  expect_faults(counts, {"amount is '900000000000.000001'", "every is 256; allowed: 1 to 255",
                         "amount is '0'", "every is 'eon'; allowed: hour, day, week"});
}

TEST(Terms, ABasePlanNeitherEndsNorIsRefused) {
  Catalogue catalogue = two_plans();
  put(catalogue.plans[0].unpaid_fee, std::string("refuse"));
  put(catalogue.plans[0].lasts, every(1, "month"));
  add_fee(catalogue.plans[0], "monthly", "1");
  expect_faults(catalogue, {"lasts is of add-ons alone", "unpaid_fee is 'refuse'"});
}

TEST(Terms, OneKindGivenTwice) {
  Catalogue catalogue = two_plans();
  PlanSource& plan = catalogue.plans[0];
  add_allowance(plan, "data", octets(1));
  AllowanceSource& monthly = add_allowance(plan, "data", octets(2));
  put(monthly.every, every(1, "month"));
  compile(catalogue);  // once and monthly: told apart by their ends
  put(plan.allowances[1].rollover, std::int64_t{1});
  expect_faults(catalogue, {"could not be told apart"});
  plan.allowances[1].rollover = {};
  plan.allowances[1].every = {};
  expect_faults(catalogue, {"stands twice for the same time"});
}

TEST(BucketRules, OneForEachServiceThatAKindPaysFor) {
  Catalogue catalogue = two_plans();
  TimeSource& night = catalogue.times.emplace_back();
  put(night.name, "night");
  put(night.on.emplace_back(), "22:00-06:00");
  ZoneSource& abroad = catalogue.zones.emplace_back();
  put(abroad.name, "abroad");
  put(abroad.plmns.emplace_back(), "208");
  put(add_kind(catalogue, "net", "octets").services.emplace_back(), "internet");
  add_kind(catalogue, "nightly", "octets").when.push_back(condition("time", "night"));
  BucketKindSource& bundle = add_kind(catalogue, "bundle", "events");
  bundle.weights.resize(2);
  put(bundle.weights[0].service, "sms");
  put(bundle.weights[0].weight, "1.0");
  put(bundle.weights[1].service, "call");
  put(bundle.weights[1].weight, "0.02");
  add_kind(catalogue, "cash", "money").when.push_back(condition("plmn", "abroad"));
  const Compiled compiled = compile(catalogue);
  const Plan& plan = *compiled.plans.at(0);
  // Kinds in the order of their ids, which descends here.
  struct Row {
    const char* kind;
    std::uint16_t service;
    std::uint32_t numerator, denominator;
    std::uint16_t conditions;
  };
  const Row rows[] = {{"cash", 0, 1, 1, 1},    {"cash", 1, 1, 1, 1},   {"cash", 2, 1, 1, 1},
                      {"bundle", 1, 1, 50, 0}, {"bundle", 2, 1, 1, 0}, {"nightly", 0, 1, 1, 1},
                      {"nightly", 3, 1, 1, 1}, {"net", 0, 1, 1, 0}};
  ASSERT_EQ(plan.bucket_rule_count, std::size(rows));
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    SCOPED_TRACE(i);
    const BucketRule& rule = plan.bucket_rules[i];
    EXPECT_EQ(rule.kind, id_of(NameKind::bucket_kind, rows[i].kind));
    EXPECT_EQ(rule.service, rows[i].service);
    EXPECT_EQ(rule.numerator, rows[i].numerator);
    EXPECT_EQ(rule.denominator, rows[i].denominator);
    EXPECT_EQ(rule.condition_count, rows[i].conditions);
    EXPECT_EQ(rule.by_time, std::string(rows[i].kind) == "nightly");
  }
  const Condition& asked = plan.conditions[plan.bucket_rules[5].first_condition];
  EXPECT_EQ(asked.attribute, Attribute::time);
  // 22:00 in Berlin, 1 Jan 2010.
  EXPECT_EQ(plan.times[plan.values[asked.first]].edges[0], 1'262'304'000u + 21 * 3'600u);
  EXPECT_TRUE(plan.services[0].by_time && plan.services[3].by_time);
  EXPECT_FALSE(plan.services[1].by_time || plan.services[2].by_time);
  EXPECT_EQ(plan.services[2].changes, change_plmn);
  EXPECT_EQ(plan.services[3].changes, 0);
  // The add-on has no services: none of the four pays there, and no calendar is kept.
  const Plan& addon = *compiled.plans[1];
  ASSERT_EQ(addon.bucket_rule_count, 4u);
  for (std::uint32_t i = 0; i < addon.bucket_rule_count; ++i) {
    EXPECT_EQ(addon.bucket_rules[i].service, BucketRule::any_service);
    EXPECT_TRUE(addon.bucket_rules[i].pays_nothing());
  }
  EXPECT_TRUE(compiled.plans[1]->own_times.empty());
}

TEST(BucketRules, AConditionAtFaultIsSaidOnce) {
  Catalogue catalogue = two_plans();
  add_service(catalogue.plans[1], "internet", "octets", 1);
  add_kind(catalogue, "nightly", "octets").when.push_back(condition("time", "night"));
  expect_faults(catalogue, {"time 'night' is not declared"});
  catalogue.plans.clear();
  expect_faults(catalogue, {"time 'night' is not declared"});
}

TEST(BucketRules, Bounds) {
  Catalogue catalogue = two_plans();
  catalogue.bucket_kinds.reserve(400);
  for (int i = 0; i < 257; ++i)
    put(add_kind(catalogue, ("k" + std::to_string(i)).c_str(), "octets").services.emplace_back(),
        "internet");
  expect_faults(catalogue, {"meet 257 services of plan 'month'; allowed: 0 to 256",
                            "meet 257 services of plan 'pass'"});
}

TEST(BucketRules, Weights) {
  const std::tuple<const char*, std::uint32_t, std::uint32_t> good[] = {
      {"1", 1, 1},
      {"1.50", 3, 2},
      {"0.02", 1, 50},
      {"4294967295", 4'294'967'295u, 1},
      {"0.000001", 1, 1'000'000},
      {"0.333333333", 333'333'333, 1'000'000'000}};
  for (const auto& [text, numerator, denominator] : good) {
    std::uint32_t n = 0, d = 0;
    EXPECT_TRUE(parse_weight(text, n, d)) << text;
    EXPECT_EQ(n, numerator) << text;
    EXPECT_EQ(d, denominator) << text;
  }
  std::uint32_t n = 0, d = 0;
  for (const char* text : {"0", "0.0", "-1", "", "1e3", "4294967296", "0.3333333333", "half"})
    EXPECT_FALSE(parse_weight(text, n, d)) << text;
}

}  // namespace
}  // namespace levy::rating
