// Tests of the counter table, the blocks and the Prometheus text.
// Core: test. Allocates: yes. Blocks: joins threads. Clock: none.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "engine/metrics/prometheus.hpp"

namespace levy::metrics {
namespace {

// What `promtool check metrics` asks of a text: HELP and TYPE before the samples, each family
// once and in one piece, names and labels well formed, no sample twice, counters named _total.
struct Checked {
  std::vector<std::string> faults;
  std::map<std::string, double> samples;  // name with labels -> value
};

Checked check_exposition(const std::string& text) {
  Checked out;
  static const std::regex sample(
      R"(^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*",?)*\})? (\S+)$)");
  std::set<std::string> helped, closed;
  std::map<std::string, std::string> types;
  std::string open;
  if (text.empty() || text.back() != '\n') out.faults.push_back("does not end in a newline");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string mark, keyword, name, type;
    if (line.rfind("# ", 0) == 0) {
      words >> mark >> keyword >> name >> type;
      if (keyword == "HELP" && !helped.insert(name).second)
        out.faults.push_back("two HELP " + name);
      if (keyword == "HELP" && type.empty()) out.faults.push_back("empty HELP " + name);
      if (keyword == "TYPE" && !types.emplace(name, type).second)
        out.faults.push_back("two TYPE " + name);
      continue;
    }
    std::smatch match;
    if (!std::regex_match(line, match, sample)) {
      out.faults.push_back("malformed: " + line);
      continue;
    }
    name = match[1];
    if (!types.count(name) || !helped.count(name)) out.faults.push_back("no TYPE or HELP: " + name);
    if (name != open) {
      if (!closed.insert(name).second) out.faults.push_back("family in two pieces: " + name);
      open = name;
    }
    const bool total = name.size() > 6 && name.substr(name.size() - 6) == "_total";
    if (total != (types[name] == "counter"))
      out.faults.push_back("_total is for counters: " + name);
    const std::string key = name + match[2].str();
    if (!out.samples.emplace(key, std::stod(match[5])).second)
      out.faults.push_back("sample twice: " + key);
  }
  return out;
}

TEST(Metrics, TableIsConsistent) {
  std::map<std::string_view, std::size_t> last;
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (std::size_t i = 0; i < counter_count; ++i) {
    const CounterInfo& row = counter_table[i];
    EXPECT_TRUE(seen.emplace(row.family, row.value).second) << row.family << row.value;
    EXPECT_FALSE(row.unit.empty()) << row.family;
    EXPECT_EQ(row.label.empty(), row.value.empty()) << row.family;
    if (auto it = last.find(row.family); it != last.end()) {
      EXPECT_EQ(it->second, i - 1) << "rows apart: " << row.family;
      EXPECT_EQ(counter_table[it->second].kind, row.kind);
      EXPECT_EQ(counter_table[it->second].help, row.help);
    }
    last[row.family] = i;
  }
}

TEST(Metrics, PoolGaugesFollowPoolIds) {
  const auto used = static_cast<std::size_t>(Counter::pool_used_account);
  const auto capacity = static_cast<std::size_t>(Counter::pool_capacity_account);
  for (std::size_t i = 0; i < 11; ++i) {
    EXPECT_EQ(counter_table[used + i].family, "pool_used");
    EXPECT_EQ(counter_table[capacity + i].family, "pool_capacity");
    EXPECT_EQ(counter_table[used + i].value, counter_table[capacity + i].value);
  }
}

TEST(Metrics, ExpositionSumsBlocksAndIsWellFormed) {
  CounterBlock a, b;
  a.add(Counter::messages_received, 3);
  b.add(Counter::messages_received);
  a.add(Counter::answers_2001, 7);
  a.set(Counter::peers_up, 2);
  a.set(Counter::peers_up, 1);
  b.set(Counter::peers_up, 4);
  a.set(Counter::durable_lsn, 100);
  b.set(Counter::durable_lsn, 90);
  const CounterBlock* blocks[] = {&a, &b};
  const ExtraGauge extra[] = {{"build_info", "Version", {{"version", "1 \"x\"\\\n"}}, 1.0},
                              {"peer_up", "Per peer", {{"peer", "a"}}, 1.0},
                              {"peer_up", "Per peer", {{"peer", "b"}}, 0.0}};
  const Checked checked = check_exposition(exposition(blocks, extra));
  for (const std::string& fault : checked.faults) ADD_FAILURE() << fault;
  EXPECT_EQ(checked.samples.size(), counter_count + 3);
  EXPECT_EQ(checked.samples.at("levy_messages_received_total"), 4);
  EXPECT_EQ(checked.samples.at("levy_answers_total{result_code=\"2001\"}"), 7);
  EXPECT_EQ(checked.samples.at("levy_answers_total{result_code=\"5030\"}"), 0);
  EXPECT_EQ(checked.samples.at("levy_peers_up"), 5);
  EXPECT_EQ(checked.samples.at("levy_durable_lsn"), 100);
  EXPECT_EQ(checked.samples.at("levy_peer_up{peer=\"b\"}"), 0);
}

TEST(Metrics, CheckerFindsFaults) {  // the check above can fail
  EXPECT_FALSE(check_exposition("levy_x 1\n").faults.empty());
  EXPECT_FALSE(
      check_exposition("# HELP levy_x a\n# TYPE levy_x counter\nlevy_x 1\n").faults.empty());
  EXPECT_FALSE(check_exposition("# HELP a b\n# TYPE a gauge\na 1\na 2\n").faults.empty());
  EXPECT_FALSE(check_exposition("# HELP a b\n# TYPE a gauge\na 1").faults.empty());
}

TEST(Metrics, OneWriterManyReaders) {
  static CounterBlock block;
  const CounterBlock* blocks[] = {&block};
  std::thread writer([] {
    for (int i = 0; i < 200'000; ++i) block.add(Counter::turns);
  });
  std::uint64_t before = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t seen = combined(blocks, Counter::turns);
    EXPECT_GE(seen, before);
    before = seen;
  }
  writer.join();
  EXPECT_EQ(combined(blocks, Counter::turns), 200'000u);
}

TEST(Metrics, BlocksShareNoCacheLine) {
  EXPECT_EQ(alignof(CounterBlock), 64u);
  EXPECT_EQ(sizeof(CounterBlock) % 64, 0u);
}

}  // namespace
}  // namespace levy::metrics
