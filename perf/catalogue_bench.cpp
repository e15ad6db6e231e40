// A large catalogue from YAML text to tables: 200,000 prefixes of one zone, read and compiled.
// Core: perf. Allocates: yes. Blocks: never. Clock: Google Benchmark's.
//
// What an operator waits for at `levyctl reload`; the corridor goes on meanwhile. Two ways to write
// the prefixes, since a list has a node each and a text is one.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "config/load.hpp"
#include "rating/compile/compile.hpp"

namespace {

namespace config = levy::config;
namespace rating = levy::rating;

constexpr int line_prefixes = 12;

// Distinct prefixes of 7 digits.
std::string prefix(std::int64_t index) {
  return std::to_string(1'000'000 + index * 37);
}

std::string zone_text(std::int64_t prefixes, bool as_list) {
  std::string text = "zones:\n  - zone: far\n    numbers:";
  if (!as_list) text += " >-";
  for (std::int64_t i = 0; i < prefixes; ++i) {
    if (as_list)
      text += "\n      - \"" + prefix(i) + "\"";
    else
      text += (i % line_prefixes == 0 ? "\n      " : " ") + prefix(i);
  }
  return text +
         "\nplans:\n  - plan: p\n    currency: EUR\n    services:\n      - service: call\n"
         "        rating_groups: any\n        unit: seconds\n        price: 1 EUR per min\n"
         "        rates:\n          - {rate: far, when: {called: far}, price: 2 EUR per min}\n";
}

void stop(const std::string& why) {
  std::cerr << why << "\n";
  std::exit(1);
}

config::LoadedCatalogue read(const std::string& text) {
  config::LoadedCatalogue loaded = config::parse_catalogue({{"bench.yaml", text}});
  if (!loaded.ok()) stop(to_string(loaded.diagnostics.items().front()));
  return loaded;
}

rating::Compiled compile(const rating::Catalogue& catalogue) {
  std::uint16_t id = 0;
  rating::Compiled compiled = rating::compile_catalogue(
      catalogue, [&](rating::NameKind, std::string_view) { return ++id; });
  if (!compiled.faults.empty()) stop(compiled.faults.front().message);
  return compiled;
}

void read_and_compile(benchmark::State& state) {
  const std::string text = zone_text(state.range(0), state.range(1) != 0);
  for (auto _ : state) {
    const config::LoadedCatalogue loaded = read(text);
    benchmark::DoNotOptimize(compile(loaded.catalogue).zones->numbers.mask);
  }
  state.counters["prefixes"] = static_cast<double>(state.range(0));
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}

void compile_alone(benchmark::State& state) {
  const config::LoadedCatalogue loaded = read(zone_text(state.range(0), false));
  for (auto _ : state) benchmark::DoNotOptimize(compile(loaded.catalogue).zones->numbers.mask);
  state.counters["prefixes"] = static_cast<double>(state.range(0));
}

BENCHMARK(read_and_compile)
    ->ArgNames({"prefixes", "list"})
    ->Args({200'000, 0})
    ->Args({200'000, 1})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(compile_alone)->ArgNames({"prefixes"})->Arg(200'000)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
