// rating_bench: charge() alone, in the shapes that a data session takes.
// Core: any. Allocates: at set-up only. Blocks: never. Clock: Google Benchmark's.
//
// Each iteration is one Credit-Control-Request's worth of rating: the state returns to a similar
// one every time, and the balance is large enough never to run out.
#include <benchmark/benchmark.h>

#include <memory>

#include "rating/charge.hpp"

namespace levy::rating {
namespace {

constexpr std::int64_t start_seconds = 1'800'000'000;

struct Bench {
  explicit Bench(int groups, int money_buckets, int unit_buckets) {
    plan->id = 1;
    plan->currency = 978;
    for (int g = 0; g < groups; ++g) add_service(static_cast<std::uint32_t>(g + 1));
    for (int b = 0; b < unit_buckets; ++b) add_bucket(Unit::octets, 0);
    for (int b = 0; b < money_buckets; ++b)
      add_bucket(Unit::money, b == 0 ? bucket_main_wallet : 0);
    request.mscc_count = static_cast<std::uint8_t>(groups);
    input.request = &request;
    input.plan = plan.get();
    input.plan_version = 1;
    input.now = Time::from_seconds(start_seconds);
    for (int g = 0; g < groups; ++g) {
      MsccRequest& mscc = request.mscc[static_cast<std::size_t>(g)];
      mscc.has_rating_group = mscc.has_requested = mscc.has_used = true;
      mscc.rating_group = static_cast<std::uint32_t>(g + 1);
      mscc.used.has_octets = true;
      mscc.used.octets = 1'000'000;
      input.groups[static_cast<std::size_t>(g)] = &group[static_cast<std::size_t>(g)];
      input.grant_allowed[static_cast<std::size_t>(g)] = true;
    }
  }

  void add_service(std::uint32_t rating_group) {
    Service& service = plan->services[plan->service_count];
    service.price.numerator = 1;
    service.price.denominator = 6;
    service.price.step = 1'500'000;
    service.grant_first = service.grant_default = 10'000'000;
    plan->entries[plan->entry_count++] = {rating_group, plan->service_count++};
  }

  void add_bucket(Unit unit, int extra_flags) {
    Bucket& b = bucket[account.bucket_count];
    b.unit = unit;
    b.currency = unit == Unit::money ? 978 : 0;
    b.credits = unit == Unit::money ? 1'000'000'000'000'000 : 1'000'000'000'000'000'000;
    b.flags = static_cast<std::uint8_t>(bucket_live | extra_flags);
    account.buckets[account.bucket_count] = &b;
    account.slots[account.bucket_count] = account.bucket_count;
    ++account.bucket_count;
  }

  void charge_update() {
    request.type = RequestType::update;
    ++request.request_number;
    result.movement_count = 0;
    charge(input, account, result);
    // Long runs would carry the sums to their bounds: usage returns to where it began.
    for (std::uint32_t b = 0; b < account.bucket_count; ++b) bucket[b].spent = 0;
    for (Group& g : group) g.running_total = g.used_total = g.money_total = 0;
  }

  std::unique_ptr<Plan> plan = std::make_unique<Plan>();
  std::array<Bucket, limits::buckets_per_account_max> bucket{};
  std::array<Group, limits::mscc_max> group{};
  AccountView account;
  ChargeRequest request;
  ChargeInput input;
  ChargeResult result;
};

// Arguments: rating groups, money buckets, unit buckets.
void charge_updates(benchmark::State& state) {
  const auto bench =
      std::make_unique<Bench>(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)),
                              static_cast<int>(state.range(2)));
  for (auto _ : state) {
    bench->charge_update();
    benchmark::DoNotOptimize(bench->result.mscc[0].granted);
    if (bench->result.overflow || bench->result.mscc[0].granted == 0) {
      state.SkipWithError("no grant");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(charge_updates)
    ->ArgNames({"groups", "money", "units"})
    ->Args({1, 1, 0})
    ->Args({1, 1, 1})
    ->Args({1, 3, 2})
    ->Args({4, 1, 1})
    ->Args({16, 1, 1})
    ->Args({1, 32, 32});

void price_of_total(benchmark::State& state) {
  Price price;
  price.numerator = 1;
  price.denominator = 6;
  price.step = 1'500'000;
  std::int64_t total = 0;
  for (auto _ : state) {
    total = (total + 999'983) & 0xffffffffff;
    benchmark::DoNotOptimize(price_of(price, total));
  }
}
BENCHMARK(price_of_total);

}  // namespace
}  // namespace levy::rating

BENCHMARK_MAIN();
