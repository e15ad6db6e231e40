// Population: the mix comes out as asked, nobody has two requests out, Zipf is Zipf; options.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include "perf/load/population.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

namespace levy::load {
namespace {

Options options_of(std::uint32_t subscribers, Mix mix) {
  Options o;
  o.shape.subscribers = subscribers;
  o.shape.connections = 3;
  o.shape.rating_groups = {1};
  o.mix = mix;
  return o;
}

AnswerFacts success() {
  AnswerFacts facts;
  facts.result = 2001;
  facts.granted_mask = 1;
  return facts;
}

void open_all(Population& p, std::uint32_t connections) {
  p.begin(Phase::opening);
  std::array<Request, 64> r;
  for (std::uint32_t c = 0; c < connections; ++c) {
    while (!p.exhausted(c)) {
      const std::size_t n = p.draw(c, r.size(), r.data());
      for (std::size_t i = 0; i < n; ++i) p.answered(r[i], success());
    }
  }
}

TEST(Population, SteadyStateHasTheMixAskedFromTheStart) {
  Population p(options_of(30'000, {1, 8, 1}), 1);
  open_all(p, 3);
  EXPECT_NEAR(static_cast<double>(p.open_sessions()), 27'000, 300);
  p.begin(Phase::steady);
  std::array<std::uint64_t, 3> by_type{};
  std::vector<std::uint32_t> next_number(30'000, 1), generation(30'000, 1);
  std::array<Request, 16> r;
  for (int turn = 0; turn < 20'000; ++turn) {
    const std::size_t n = p.draw(static_cast<std::uint32_t>(turn % 3), r.size(), r.data());
    ASSERT_EQ(n, r.size());
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_EQ(r[i].subscriber % 3, static_cast<std::uint32_t>(turn % 3));
      ++by_type[index_of(r[i].type)];
      if (r[i].type == RequestType::initial) {
        EXPECT_EQ(r[i].number, 0u);
        next_number[r[i].subscriber] = 1;
        generation[r[i].subscriber] = r[i].generation;
      } else {
        ASSERT_EQ(r[i].number, next_number[r[i].subscriber]++);
        ASSERT_EQ(r[i].generation, generation[r[i].subscriber]);
        EXPECT_EQ(r[i].used_mask, 1);
      }
      p.answered(r[i], success());
    }
  }
  EXPECT_NEAR(static_cast<double>(by_type[0]), 32'000, 1'000);
  EXPECT_NEAR(static_cast<double>(by_type[1]), 256'000, 2'000);
  EXPECT_NEAR(static_cast<double>(by_type[2]), 32'000, 1'000);
}

TEST(Population, NobodyHasTwoRequestsOut) {
  Population p(options_of(30, {1, 1, 1}), 1);
  p.begin(Phase::steady);
  std::array<Request, 64> r;
  const std::size_t n = p.draw(1, r.size(), r.data());
  EXPECT_LE(n, 10u);
  std::set<std::uint32_t> out;
  for (std::size_t i = 0; i < n; ++i) EXPECT_TRUE(out.insert(r[i].subscriber).second);
  EXPECT_GT(p.busy_draws(), 0u);
}

TEST(Population, RefusedAndUnknownSessionsAreGoneAndClosingEndsTheRest) {
  Population p(options_of(300, {1, 8, 1}), 1);
  open_all(p, 3);
  p.begin(Phase::steady);
  Request r;
  do {
    ASSERT_EQ(p.draw(0, 1, &r), 1u);
    if (r.type != RequestType::update) p.answered(r, success());
  } while (r.type != RequestType::update);
  const std::uint64_t before = p.open_sessions();
  AnswerFacts unknown;
  unknown.result = 5002;
  p.answered(r, unknown);
  EXPECT_EQ(p.open_sessions(), before - 1);
  p.begin(Phase::closing);
  std::array<Request, 64> all;
  for (std::uint32_t c = 0; c < 3; ++c) {
    while (!p.exhausted(c)) {
      const std::size_t n = p.draw(c, all.size(), all.data());
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_EQ(all[i].type, RequestType::termination);
        p.answered(all[i], success());
      }
    }
  }
  EXPECT_EQ(p.open_sessions(), 0u);
}

TEST(Population, AnAbortedSessionIsTerminatedNext) {
  Options o = options_of(3, {1, 8, 0});
  Population p(o, 1);
  open_all(p, 3);
  p.begin(Phase::steady);
  Request r;
  ASSERT_EQ(p.draw(0, 1, &r), 1u);
  p.answered(r, success());
  p.must_terminate(r.subscriber, r.generation);
  ASSERT_EQ(p.draw(0, 1, &r), 1u);
  EXPECT_EQ(r.type, RequestType::termination);
}

// Frequencies of the first ranks against the exact weights.
TEST(Zipf, FrequenciesFollowTheWeights) {
  for (const double exponent : {0.5, 0.99, 1.0, 1.5}) {
    constexpr std::uint64_t n = 10'000;
    constexpr int draws = 400'000;
    double sum = 0;
    for (std::uint64_t k = 1; k <= n; ++k) sum += std::pow(static_cast<double>(k), -exponent);
    Zipf zipf(n, exponent);
    Random random(11);
    std::array<double, 5> seen{};
    for (int i = 0; i < draws; ++i) {
      const std::uint64_t rank = zipf.draw(random);
      ASSERT_LT(rank, n);
      if (rank < seen.size()) ++seen[rank];
    }
    for (std::size_t k = 0; k < seen.size(); ++k) {
      const double expected = draws * std::pow(static_cast<double>(k + 1), -exponent) / sum;
      EXPECT_NEAR(seen[k], expected, 5 * std::sqrt(expected) + 1) << exponent << " rank " << k;
    }
  }
}

TEST(Options, EndpointsAndShapeLines) {
  std::string host, port;
  EXPECT_TRUE(parse_endpoint("127.0.0.1:3868", host, port));
  EXPECT_TRUE(parse_endpoint("[::1]:0", host, port));
  EXPECT_EQ(host, "::1");
  for (const char* bad : {"127.0.0.1", "::1:3868", "host:", "host:70000", ":1", "host:x"}) {
    EXPECT_FALSE(parse_endpoint(bad, host, port)) << bad;
  }
  Shape shape = options_of(77, {1, 8, 1}).shape, read;
  shape.rsu_empty = true;
  ASSERT_TRUE(parse_shape_line(shape_line(shape), read));
  EXPECT_EQ(shape_line(read), shape_line(shape));
  EXPECT_FALSE(parse_shape_line("connections=4", read));
  EXPECT_FALSE(parse_shape_line(shape_line(shape) + " colour=red", read));
}

}  // namespace
}  // namespace levy::load
