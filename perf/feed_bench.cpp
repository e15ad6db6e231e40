// Micro benchmark of the charging records: from the journal's bytes to written files, in Records
// per second (`items_per_second`).
// Core: benchmark. Allocates: yes. Blocks: on the disk. Clock: Google Benchmark's.
//
// Each iteration is a new feed over one journal in memory: 16,384 CCR-Us with one rating group that
// an allowance and the wallet pay, written to files in a temporary directory and not synced.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/check.hpp"
#include "engine/base/hash.hpp"
#include "engine/feed/feed.hpp"
#include "engine/shard/shard.hpp"
#include "tests/unit/feed/segments.hpp"

namespace levy::feed {
namespace {

constexpr std::uint32_t record_count = 16384, block_records = 32;
constexpr std::string_view imsi = "001010000000001";

// As the daemon has them: a table behind a mutex.
class CatalogueNames final : public Names {
 public:
  std::string name_of(std::uint16_t id) override {
    const std::lock_guard lock(mutex_);
    const auto found = names_.find(id);
    return found != names_.end() ? found->second : std::string();
  }
  bool identities_of(ShardId, std::string_view, Slot, Identities&) override { return true; }

 private:
  std::mutex mutex_;
  std::unordered_map<std::uint16_t, std::string> names_ = {
      {1, "prepaid-smart"}, {2, "internet"}, {3, "night"}, {9, "month-bundle"}};
};

// The journal of one session.
class Journal {
 public:
  Journal() : segments_(std::size_t{record_count} * 2048) {
    plan_.id = 1;
    plan_.currency = 978;
    rating::Service& service = plan_.services[plan_.service_count];
    service.name = 2;
    service.unit = rating::Unit::octets;
    service.price.numerator = 1;
    service.tax_permille = 190;
    service.grant_first = service.grant_default = 1000;
    plan_.entries[plan_.entry_count++] = {1, plan_.service_count++};
    plans_ = {nullptr, &plan_};
    set_ = rating::PlanSet{1, plans_.data(), 2};
    const rating::PlanSet* sets = &set_;
    shard_.set_plans(&sets, 1);
    subscribe();
    std::vector<std::vector<std::uint8_t>> block;
    for (std::uint32_t i = 0; i < record_count; ++i) {
      charge(i);
      block.emplace_back(record_.begin(),
                         record_.begin() + static_cast<std::ptrdiff_t>(outcome_.record_bytes));
      if (block.size() < block_records) continue;
      segments_.add(block, Lsn{i + 2 - block_records});
      block.clear();
    }
  }
  Segments& segments() { return segments_; }

 private:
  void subscribe() {
    shard::OperatorRequest r;
    r.kind = shard::OperatorKind::switch_plan;
    r.plan_version = 1;
    operate(r);
    r.kind = shard::OperatorKind::create_account;
    std::strcpy(r.account_name, "customer-4711");
    r.plan = 1;
    r.currency = 978;
    r.amount = 1'000'000'000'000;
    operate(r);
    r.kind = shard::OperatorKind::create_bucket;
    r.bucket_kind = 9;
    r.unit = rating::Unit::octets;
    r.priority = 5;
    r.amount = record_count * 500;  // of what is used: half by the bucket, half by the wallet
    operate(r);
    r.kind = shard::OperatorKind::create_subscriber;
    r.identity_count = 1;
    r.identities[0].type = rating::IdentityType::imsi;
    r.identities[0].size = static_cast<std::uint8_t>(imsi.size());
    imsi.copy(r.identities[0].text, imsi.size());
    operate(r);
  }
  void operate(shard::OperatorRequest& r) {
    r.now = now_;
    shard_.apply(r, answer_, record_, outcome_);
  }
  void charge(std::uint32_t number) {
    rating::ChargeRequest r;
    r.type = number == 0 ? rating::RequestType::initial : rating::RequestType::update;
    r.request_number = number;
    r.session_id = "pgw01.epc.mnc001.mcc001.3gppnetwork.org;1795342048;4711";
    r.origin_host = "pgw01.epc.mnc001.mcc001.3gppnetwork.org";
    r.origin_realm = "epc.mnc001.mcc001.3gppnetwork.org";
    r.service_context_id = "32251@3gpp.org";
    r.serving_plmn = "26201";
    r.rat_type = 7;
    r.has_event_timestamp = true;
    r.event_timestamp = now_;
    r.identity_count = 1;
    r.identities[0] = {rating::IdentityType::imsi, imsi};
    r.mscc_count = 1;
    rating::MsccRequest& m = r.mscc[0];
    m.has_rating_group = m.has_requested = true;
    m.rating_group = 1;
    m.has_used = number != 0;
    m.used.has_octets = m.used.has_events = m.has_used;
    m.used.octets = 1000;
    shard::ChargeContext context;
    now_.micros += 1000;
    context.now = now_;
    context.session_hash = hash_bytes(r.session_id, 1);
    context.subscriber = 0;
    shard_.apply(r, context, record_, outcome_);
    LEVY_CHECK(outcome_.reason == rating::Reason::ok && outcome_.record_bytes != 0, number);
  }

  rating::Plan plan_;
  std::array<const rating::Plan*, 2> plans_{};
  rating::PlanSet set_{};
  shard::Scratch scratch_;
  shard::Shard shard_{ShardId{0}, shard::Capacity{}, shard::Options{}, HugePages::off, scratch_};
  Time now_ = Time::from_seconds(1'800'000'000);
  std::vector<std::uint8_t> record_ = std::vector<std::uint8_t>(limits::record_bytes_max);
  std::vector<std::uint8_t> answer_ = std::vector<std::uint8_t>(limits::answer_bytes_max);
  shard::Outcome outcome_;
  Segments segments_;
};

void feed(benchmark::State& state, const std::vector<Format>& formats) {
  static const auto journal = std::make_unique<Journal>();
  CatalogueNames names;
  std::uintmax_t bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::string directory = "/tmp/levy-feed-bench-" + std::string(6, 'X');
    LEVY_CHECK(::mkdtemp(directory.data()) != nullptr);
    FeedOptions options;
    for (const Format format : formats)
      options.sinks.push_back({directory + "/r", "node", format});
    Feed one(options, journal->segments(), Segments::node, names);
    std::vector<std::string> notes;
    const Time now = Time::from_seconds(1'800'000'000);
    LEVY_CHECK(!one.open(Lsn{0}, now, notes));
    state.ResumeTiming();
    while (one.turn(Lsn{record_count}, now)) {
    }
    state.PauseTiming();
    LEVY_CHECK(one.records() == record_count && one.failure().empty(), one.records());
    for (const auto& file : std::filesystem::directory_iterator(directory + "/r"))
      bytes += file.file_size();
    std::filesystem::remove_all(directory);
    state.ResumeTiming();
  }
  const auto records = static_cast<double>(state.iterations()) * record_count;
  state.SetItemsProcessed(static_cast<std::int64_t>(records));
  state.counters["bytes_per_record"] = static_cast<double>(bytes) / records;
}

BENCHMARK_CAPTURE(feed, jsonl, {Format::jsonl})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(feed, csv, {Format::csv})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(feed, both, {Format::jsonl, Format::csv})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace levy::feed

BENCHMARK_MAIN();
