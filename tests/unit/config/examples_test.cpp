// The examples of config/examples load and compile, and say what the documents say they say.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <vector>

#include "config/load.hpp"
#include "rating/compile/compile.hpp"
#include "tests/unit/config/text_files.hpp"

namespace levy::config {
namespace {

std::string all_faults(const Diagnostics& diagnostics) {
  std::ostringstream out;
  diagnostics.print(out);
  return out.str();
}

Loaded load_example() {
  return load(example_path("levyd.yaml"), Machine{{0, 1}});
}

const rating::Plan& plan_named(const Loaded& loaded, const rating::Compiled& compiled,
                               const std::string& name) {
  for (std::size_t i = 0; i < loaded.catalogue.plans.size(); ++i) {
    if (loaded.catalogue.plans[i].name.value == name) return *compiled.plans[i];
  }
  ADD_FAILURE() << "no plan " << name;
  return *compiled.plans.front();
}

rating::Compiled compile(const rating::Catalogue& catalogue) {
  std::map<std::pair<rating::NameKind, std::string>, std::uint16_t> names;
  return rating::compile_catalogue(catalogue, [&](rating::NameKind kind, std::string_view name) {
    const auto next = static_cast<std::uint16_t>(names.size() + 1);
    return names.try_emplace({kind, std::string(name)}, next).first->second;
  });
}

TEST(Examples, LevydYamlLoads) {
  const Loaded loaded = load_example();
  ASSERT_TRUE(loaded.ok()) << all_faults(loaded.diagnostics);
  const Options& options = loaded.options;
  EXPECT_EQ(options.node_name, "levy-1");
  EXPECT_EQ(options.diameter.origin_host, "ocs.levy.example");
  EXPECT_TRUE(options.diameter.any_realm);
  ASSERT_EQ(options.diameter.listeners.size(), 2u);
  EXPECT_EQ(options.diameter.listeners[0].address, "127.0.0.1");
  EXPECT_EQ(options.diameter.listeners[1].address, "::1");
  EXPECT_EQ(options.diameter.listeners[1].port, 3868);
  ASSERT_EQ(options.diameter.dialects.size(), 2u);
  EXPECT_STREQ(options.diameter.dialects[0].name, "default");
  EXPECT_STREQ(options.diameter.dialects[1].name, "magma");
  EXPECT_TRUE(options.diameter.dialects[1].no_credit_code_4012);
  EXPECT_TRUE(options.diameter.dialects[1].raa_retry_3002);
  EXPECT_FALSE(options.diameter.dialects[1].raa_retry_5012);
  EXPECT_EQ(options.diameter.dialects[1].deadline_ms, 3000u);
  EXPECT_TRUE(options.diameter.dialects[1].supersede);
  ASSERT_EQ(options.diameter.peers.size(), 2u);
  EXPECT_EQ(options.diameter.peers[0].dialect_index, 0u);
  EXPECT_EQ(options.diameter.peers[1].dialect_index, 1u);
  EXPECT_EQ(options.data.segment_bytes, 16 * 1024 * 1024);
  EXPECT_EQ(options.data.shards, 64);
  EXPECT_EQ(options.capacity.accounts_max, 100'000);
  EXPECT_EQ(options.placement.idle, Idle::sleep);
  EXPECT_EQ(options.sessions.duplicate_window_s, 900);
  EXPECT_EQ(options.sessions.ttl_s, 86'400);
  EXPECT_EQ(options.admin.http.port, 9091);
}

TEST(Examples, PathsAreRelativeToTheFile) {
  const Loaded loaded = load_example();
  const std::filesystem::path here(example_path(""));
  EXPECT_EQ(loaded.options.data.directory, (here / "data").string());
  EXPECT_EQ(loaded.options.admin.socket, (here / "levyd.sock").string());
  ASSERT_EQ(loaded.options.plan_paths.size(), 1u);
  EXPECT_TRUE(std::filesystem::equivalent(loaded.options.plan_paths[0], here / "plans"));
  std::vector<std::string> names;
  for (const SourceText& source : loaded.sources)
    names.push_back(std::filesystem::path(source.path).filename().string());
  const std::vector<std::string> sorted{
      "fair-use.yaml", "internet.yaml", "iot.yaml",      "network.yaml", "offers.yaml",
      "postpaid.yaml", "prepaid.yaml",  "products.yaml", "sms.yaml",     "voice.yaml"};
  EXPECT_EQ(names, sorted);
  EXPECT_TRUE(std::filesystem::equivalent(loaded.sources[0].path, here / "plans/fair-use.yaml"));
}

TEST(Examples, PlansCompileToTheNumbersOfChargingMd) {
  const Loaded loaded = load_example();
  ASSERT_TRUE(loaded.ok()) << all_faults(loaded.diagnostics);
  const rating::Compiled compiled = compile(loaded.catalogue);
  for (const rating::CompileFault& fault : compiled.faults) {
    ADD_FAILURE() << fault.place.file << ":" << fault.place.line << ": " << fault.message;
  }
  ASSERT_TRUE(compiled.faults.empty());
  EXPECT_EQ(compiled.plans.size(), 15u);
  EXPECT_EQ(compiled.bucket_kinds.size(), 13u);
  const rating::Plan& data = plan_named(loaded, compiled, "data-a");
  EXPECT_EQ(data.currency, 978);
  EXPECT_EQ(data.overrun, rating::Overrun::debt);
  ASSERT_EQ(data.entry_count, 2);
  EXPECT_EQ(data.entries[0].takes, rating::Takes::without);
  EXPECT_EQ(data.entries[1].takes, rating::Takes::any);
  EXPECT_EQ(data.services[0].price.step, 1'500'000);
  EXPECT_EQ(data.services[0].price.numerator * 6, data.services[0].price.denominator);
  EXPECT_EQ(data.services[0].grant_first, 1'500'000);
  const rating::Plan& voice = plan_named(loaded, compiled, "voice-a");
  EXPECT_EQ(voice.services[0].unit, rating::Unit::seconds);
  EXPECT_EQ(voice.services[0].price.step, 60);
  EXPECT_EQ(voice.services[0].grant_default, 60);
  const rating::Plan& sms = plan_named(loaded, compiled, "sms-a");
  EXPECT_TRUE(sms.services[0].indivisible);
  EXPECT_EQ(sms.services[0].price.numerator, 150'000);
}

TEST(Examples, ProductsReachTheirFields) {
  const Loaded loaded = load_example();
  ASSERT_TRUE(loaded.ok()) << all_faults(loaded.diagnostics);
  const rating::Compiled compiled = compile(loaded.catalogue);
  ASSERT_TRUE(compiled.faults.empty());
  const rating::Plan& month = plan_named(loaded, compiled, "prepaid-month");
  const rating::Terms& base = month.terms;
  EXPECT_FALSE(base.addon);
  EXPECT_TRUE(base.any());
  EXPECT_EQ(base.unpaid_fee, rating::UnpaidFee::suspend);
  EXPECT_EQ(base.tax_permille, 190);
  ASSERT_EQ(base.cycle_count, 1);
  EXPECT_EQ(base.cycles[0], (rating::Period{rating::PeriodUnit::month, 1}));
  ASSERT_EQ(base.fee_count, 2);
  EXPECT_EQ(base.fees[0].cycle, rating::cycle_once);
  EXPECT_EQ(base.fees[1].amount, 10'000'000);
  ASSERT_EQ(base.allowance_count, 3);
  EXPECT_EQ(base.allowances[0].amount, 10'000'000'000);
  EXPECT_EQ(base.allowances[0].rollover, 1);
  EXPECT_EQ(base.allowances[0].rollover_max, 5'000'000'000);
  EXPECT_TRUE(base.allowances[0].rolled_first);
  EXPECT_EQ(base.allowances[2].lifetime, 30u * 86'400u);
  const rating::Terms& day = plan_named(loaded, compiled, "roaming-day").terms;
  EXPECT_TRUE(day.addon);
  EXPECT_TRUE(day.at_first_use);
  EXPECT_EQ(day.again, rating::BoughtAgain::queue);
  EXPECT_EQ(day.lasts, (rating::Period{rating::PeriodUnit::day, 1}));
  const rating::Terms& talk = plan_named(loaded, compiled, "talk-bundle").terms;
  EXPECT_TRUE(talk.calendar && talk.prorate && talk.keeps_allowances);
  EXPECT_EQ(plan_named(loaded, compiled, "music-flat").terms.priority, 10);
  // monthly-data, night-data and roaming-data pay for internet, the bundle for call and sms.
  std::vector<int> services;
  for (std::uint32_t r = 0; r < month.bucket_rule_count; ++r)
    services.push_back(month.bucket_rules[r].service);
  EXPECT_EQ(services, (std::vector<int>{0, 0, 0, 1, 2}));
  EXPECT_TRUE(month.services[0].by_time);
  EXPECT_EQ(month.services[0].changes, rating::change_plmn);
}

TEST(Examples, CountersReachTheirFields) {
  const Loaded loaded = load_example();
  ASSERT_TRUE(loaded.ok()) << all_faults(loaded.diagnostics);
  const rating::Compiled compiled = compile(loaded.catalogue);
  ASSERT_TRUE(compiled.faults.empty());
  const rating::Plan& flat = plan_named(loaded, compiled, "flat-family");
  ASSERT_EQ(flat.counter_count, 4u);
  const rating::CounterRule& fair = flat.counters[0];
  EXPECT_EQ(fair.every, (rating::Period{rating::PeriodUnit::month, 1}));
  ASSERT_EQ(fair.level_count, 2);
  EXPECT_EQ(fair.levels[1].at, 50'000'000'000);
  EXPECT_NE(fair.levels[0].name, 0);
  ASSERT_EQ(fair.service_count, 1);
  EXPECT_EQ(flat.values[fair.first_service], flat.services[0].name);
  const rating::CounterRule& spent = flat.counters[1];
  EXPECT_EQ(spent.unit, rating::Unit::money);
  EXPECT_EQ(spent.limit, 60'000'000);
  EXPECT_EQ(spent.levels[1].at, 48'000'000);
  EXPECT_TRUE(flat.counters[2].per_subscriber);
  EXPECT_EQ(flat.services[1].accumulates, 3);
  EXPECT_EQ(flat.services[1].up_permille, 500);
  EXPECT_EQ(flat.services[1].retry_after, 300u);
  ASSERT_EQ(flat.sponsor_count, 1u);
  EXPECT_EQ(flat.sponsors[0].account, "city-tickets");
  EXPECT_EQ(flat.sponsors[0].slice, 50'000'000);
  EXPECT_EQ(flat.services[2].sponsor, flat.sponsors[0].name);
  EXPECT_TRUE(flat.rates[flat.services[3].first_rate].barred);
  const rating::Plan& month = plan_named(loaded, compiled, "prepaid-month");
  ASSERT_EQ(month.counter_count, 1u);
  EXPECT_EQ(month.counters[0].bucket_kind, month.terms.allowances[0].kind);
  EXPECT_EQ(month.counters[0].levels[0].permille, 800);
}

TEST(Examples, SubscribersNameExistingPlansAndBuckets) {
  const Loaded loaded = load_example();
  std::istringstream rows(read_text(example_path("subscribers.csv")));
  std::string row;
  ASSERT_TRUE(std::getline(rows, row));
  EXPECT_EQ(row, "account,imsi,e164,plan,wallet,buckets");
  int count = 0;
  while (std::getline(rows, row)) {
    ++count;
    std::istringstream cells(row + ",");
    std::vector<std::string> cell;
    for (std::string text; std::getline(cells, text, ',');) cell.push_back(text);
    ASSERT_EQ(cell.size(), 6u) << row;
    EXPECT_TRUE(std::any_of(loaded.catalogue.plans.begin(), loaded.catalogue.plans.end(),
                            [&](const auto& plan) { return plan.name.value == cell[3]; }))
        << row;
    std::istringstream buckets(cell[5]);
    for (std::string bucket; std::getline(buckets, bucket, ';');) {
      const std::string kind = bucket.substr(0, bucket.find('='));
      const auto& kinds = loaded.catalogue.bucket_kinds;
      EXPECT_TRUE(std::any_of(kinds.begin(), kinds.end(), [&](const auto& known) {
        return known.name.value == kind;
      })) << row;
    }
  }
  EXPECT_EQ(count, 6);
}

TEST(Examples, ReloadReadsTheSamePlans) {
  const Loaded loaded = load_example();
  const LoadedCatalogue again = load_catalogue(loaded.options.plan_paths);
  ASSERT_TRUE(again.ok()) << all_faults(again.diagnostics);
  EXPECT_EQ(again.catalogue.plans.size(), loaded.catalogue.plans.size());
  const LoadedCatalogue kept = parse_catalogue(loaded.sources);
  ASSERT_TRUE(kept.ok()) << all_faults(kept.diagnostics);
  EXPECT_EQ(kept.catalogue.bucket_kinds.size(), loaded.catalogue.bucket_kinds.size());
}

}  // namespace
}  // namespace levy::config
