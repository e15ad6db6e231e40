// Histogram: bucket bounds, percentiles against a sorted list, range.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include "perf/load/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace levy::load {
namespace {

TEST(Histogram, BucketsAreContiguousAndErrorIsBelowOnePercent) {
  for (std::size_t i = 0; i + 1 < Histogram::bucket_count; ++i) {
    const std::uint64_t upper = Histogram::upper_ns(i);
    ASSERT_EQ(Histogram::bucket_of(upper), i);
    ASSERT_EQ(Histogram::bucket_of(upper + 1), i + 1);
    const std::uint64_t lower = i == 0 ? 0 : Histogram::upper_ns(i - 1) + 1;
    ASSERT_LE(static_cast<double>(upper - lower), 0.01 * static_cast<double>(lower) + 1e-9) << i;
  }
}

TEST(Histogram, SixtySecondsAreInRangeAndBeyondIsCounted) {
  Histogram h;
  h.record(60'000'000'000);
  EXPECT_EQ(h.above_range(), 0u);
  EXPECT_EQ(h.percentile_ns(50), 60'000'000'000u);
  h.record(100'000'000'000);
  EXPECT_EQ(h.above_range(), 1u);
  EXPECT_EQ(h.max_ns(), 100'000'000'000u);
  EXPECT_EQ(h.percentile_ns(100), 100'000'000'000u);
}

TEST(Histogram, PercentilesAgreeWithTheSortedSamples) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> distribution(10.0, 1.5);
  Histogram h;
  std::vector<std::uint64_t> samples;
  for (int i = 0; i < 100'000; ++i) {
    const auto ns = static_cast<std::uint64_t>(distribution(random));
    samples.push_back(ns);
    h.record(static_cast<std::int64_t>(ns));
  }
  std::sort(samples.begin(), samples.end());
  for (const double percent : {0.001, 1.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto rank = static_cast<std::size_t>(
        std::ceil(percent / 100.0 * static_cast<double>(samples.size())));
    const std::uint64_t exact = samples[std::max<std::size_t>(rank, 1) - 1];
    EXPECT_GE(h.percentile_ns(percent), exact) << percent;
    EXPECT_LE(static_cast<double>(h.percentile_ns(percent)), 1.01 * static_cast<double>(exact) + 1)
        << percent;
  }
  EXPECT_EQ(h.count(), samples.size());
  EXPECT_EQ(h.max_ns(), samples.back());
  EXPECT_EQ(h.min_ns(), samples.front());
}

TEST(Histogram, AddIsTheSumAndEmptyIsZero) {
  Histogram a, b, both;
  EXPECT_EQ(a.percentile_ns(99), 0u);
  EXPECT_EQ(a.min_ns(), 0u);
  for (int i = 0; i < 1000; ++i) {
    a.record(i * 17);
    both.record(i * 17);
    b.record(i * 1000);
    both.record(i * 1000);
  }
  a.add(b);
  for (std::size_t i = 0; i < Histogram::bucket_count; ++i) {
    ASSERT_EQ(a.in_bucket(i), both.in_bucket(i));
  }
  EXPECT_DOUBLE_EQ(a.mean_ns(), both.mean_ns());
  EXPECT_EQ(a.max_ns(), both.max_ns());
}

TEST(Histogram, NegativeDurationsCountAsZero) {
  Histogram h;
  h.record(-5);
  EXPECT_EQ(h.in_bucket(0), 1u);
  EXPECT_EQ(h.max_ns(), 0u);
}

}  // namespace
}  // namespace levy::load
