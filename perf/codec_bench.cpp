// Micro benchmark of the Gy codec: peek, decode and encode of one message, in ns.
// Core: benchmark. Allocates: at start-up. Blocks: never. Clock: Google Benchmark's.
//
// The message is the Open5GS CCR-U of tests/support/gateways.cpp (its size and number of AVPs are
// printed as counters). The floor beside it walks the top-level AVP headers and reads nothing.
#include <benchmark/benchmark.h>

#include "diameter/app/gy.hpp"
#include "tests/support/gateways.hpp"
#include "tests/support/parse.hpp"

namespace levy::app {
namespace {

std::size_t count_avps(const std::vector<test::Node>& nodes) {
  std::size_t count = nodes.size();
  for (const test::Node& node : nodes) count += count_avps(node.children);
  return count;
}

void show_size(benchmark::State& state, const test::Bytes& message) {
  state.counters["bytes"] = static_cast<double>(message.size());
  state.counters["avps"] = static_cast<double>(count_avps(test::parse(message).root.children));
}

const test::Bytes& message_of(std::int64_t which) {
  static const test::Bytes messages[] = {test::open5gs_ccr(2, 1), test::ergw_ccr(2, 1),
                                         test::magma_ccr(2, 1), test::nokia_ccr(2, 1)};
  return messages[which];
}

void floor_walk(benchmark::State& state) {
  const test::Bytes& message = message_of(state.range(0));
  for (auto _ : state) {
    codec::AvpCursor cursor(codec::Bytes(message).subspan(codec::header_bytes));
    codec::Avp one;
    std::uint32_t sum = 0;
    while (cursor.next(one)) sum += one.code;
    benchmark::DoNotOptimize(sum);
  }
  show_size(state, message);
}
BENCHMARK(floor_walk)->DenseRange(0, 3);

void peek(benchmark::State& state) {
  const test::Bytes& message = message_of(state.range(0));
  Peek peeked;
  for (auto _ : state) {
    benchmark::DoNotOptimize(peek_route(message, "levy.localdomain", peeked));
    benchmark::DoNotOptimize(peeked);
  }
  show_size(state, message);
}
BENCHMARK(peek)->DenseRange(0, 3);

void decode(benchmark::State& state) {
  const test::Bytes& message = message_of(state.range(0));
  const Dialect dialect;
  rating::ChargeRequest request;
  for (auto _ : state) {
    const codec::CodecError error = decode_ccr(message, dialect, request);
    if (error) state.SkipWithError("refused");
    benchmark::DoNotOptimize(request);
  }
  show_size(state, message);
}
BENCHMARK(decode)->DenseRange(0, 3);

void encode(benchmark::State& state) {
  const test::Bytes& message = message_of(state.range(0));
  const Dialect dialect;
  const LocalIdentity local{"levy.localdomain", "localdomain", 1};
  rating::ChargeRequest request;
  if (decode_ccr(message, dialect, request)) return state.SkipWithError("refused");
  rating::MsccOutcome outcomes[limits::mscc_max];
  for (rating::MsccOutcome& outcome : outcomes) {
    outcome.flags = rating::outcome_granted;
    outcome.granted = 1'000'000;
    outcome.threshold = 200'000;
    outcome.validity = 3600;
  }
  Answer answer;
  answer.mscc_count = request.mscc_count;
  answer.mscc = outcomes;
  alignas(64) static std::uint8_t into[limits::answer_bytes_max];
  for (auto _ : state) {
    benchmark::DoNotOptimize(encode_cca(message, request, answer, local, into));
  }
}
BENCHMARK(encode)->DenseRange(0, 3);

}  // namespace
}  // namespace levy::app

BENCHMARK_MAIN();
