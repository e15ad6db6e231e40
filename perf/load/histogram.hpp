// Histogram: counts of durations in log-linear buckets, after the idea of HdrHistogram.
// Core: load. Allocates: never. Blocks: never. Clock: none.
//
// Every power of two is cut into 128 buckets, so a reported percentile is at most 1/128 (0.8 %)
// above the true value and never below it; values under 128 ns, the mean and the maximum are exact.
// Range: 0 ns to 68 s (2^36 ns), which holds the 60 s bound of the method; longer values are
// counted in the last bucket and in above_range(), and their maximum is still exact.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace levy::load {

class Histogram {
 public:
  static constexpr int sub_bits = 7;
  static constexpr std::uint64_t sub_count = 1u << sub_bits;
  static constexpr int range_bits = 36;
  static constexpr std::size_t bucket_count = (range_bits - sub_bits + 1) * sub_count;

  static constexpr std::size_t bucket_of(std::uint64_t ns) {
    if (ns < sub_count) return static_cast<std::size_t>(ns);
    const int shift = static_cast<int>(std::bit_width(ns)) - 1 - sub_bits;
    const std::size_t index =
        (static_cast<std::size_t>(shift) << sub_bits) + static_cast<std::size_t>(ns >> shift);
    return std::min(index, bucket_count - 1);
  }

  // Largest value that falls into the bucket, ns.
  static constexpr std::uint64_t upper_ns(std::size_t bucket) {
    if (bucket < sub_count) return bucket;
    const std::size_t shift = (bucket >> sub_bits) - 1;
    const std::uint64_t sub = bucket - (shift << sub_bits);
    return ((sub + 1) << shift) - 1;
  }

  void record(std::int64_t duration_ns) {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(duration_ns, 0));
    ++buckets_[bucket_of(ns)];
    ++count_;
    sum_ns_ += ns;
    max_ns_ = std::max(max_ns_, ns);
    min_ns_ = std::min(min_ns_, ns);
    if ((ns >> range_bits) != 0) ++above_range_;
  }

  void add(const Histogram& other) {
    for (std::size_t i = 0; i < bucket_count; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ns_ += other.sum_ns_;
    max_ns_ = std::max(max_ns_, other.max_ns_);
    min_ns_ = std::min(min_ns_, other.min_ns_);
    above_range_ += other.above_range_;
  }

  void clear() { *this = Histogram{}; }

  // The value that at least `percent` of the samples do not exceed, ns; 0 without samples.
  std::uint64_t percentile_ns(double percent) const {
    if (count_ == 0) return 0;
    const double rank = std::ceil(percent / 100.0 * static_cast<double>(count_));
    const auto wanted = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(rank), 1, count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < bucket_count; ++i) {
      seen += buckets_[i];
      if (seen >= wanted) return i + 1 == bucket_count ? max_ns_ : std::min(upper_ns(i), max_ns_);
    }
    return max_ns_;
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t max_ns() const { return max_ns_; }
  std::uint64_t min_ns() const { return count_ == 0 ? 0 : min_ns_; }
  std::uint64_t above_range() const { return above_range_; }
  std::uint64_t in_bucket(std::size_t bucket) const { return buckets_[bucket]; }
  double mean_ns() const {
    return count_ == 0 ? 0.0 : static_cast<double>(sum_ns_) / static_cast<double>(count_);
  }

 private:
  std::array<std::uint64_t, bucket_count> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ns_ = 0;
  std::uint64_t max_ns_ = 0;
  std::uint64_t min_ns_ = ~std::uint64_t{0};
  std::uint64_t above_range_ = 0;
};

}  // namespace levy::load
