// Rounding, exhaustively over small ratios, against a definition by distances.
#include "engine/base/money.hpp"

#include <gtest/gtest.h>

namespace levy {
namespace {

// floor(n / d) found by counting.
std::int64_t floor_of(std::int64_t n, std::int64_t d) {
  std::int64_t q = 0;
  while (q * d > n) --q;
  while ((q + 1) * d <= n) ++q;
  return q;
}

TEST(Money, DivideRoundedIsTheNearestByItsMode) {
  for (std::int64_t n = -60; n <= 60; ++n) {
    for (std::int64_t d = 1; d <= 12; ++d) {
      const std::int64_t low = floor_of(n, d);
      const std::int64_t over = n - low * d;  // 0 .. d - 1
      const std::int64_t high = low + (over != 0);
      EXPECT_EQ(divide_rounded(n, d, Rounding::down), low) << n << "/" << d;
      EXPECT_EQ(divide_rounded(n, d, Rounding::up), high) << n << "/" << d;
      const bool half = 2 * over == d;
      const std::int64_t nearest = 2 * over < d ? low : high;
      EXPECT_EQ(divide_rounded(n, d, Rounding::half_up), nearest) << n << "/" << d;
      const std::int64_t even = half ? (low % 2 == 0 ? low : high) : nearest;
      EXPECT_EQ(divide_rounded(n, d, Rounding::half_even), even) << n << "/" << d;
    }
  }
}

TEST(Money, WideProductsStayExact) {
  const Int128 n = Int128{INT64_MAX} * 1'000'003;
  EXPECT_EQ(divide_rounded(n, 1'000'003, Rounding::up), INT64_MAX);
  EXPECT_EQ(divide_rounded(n - 1, 1'000'003, Rounding::down), INT64_MAX - 1);
}

TEST(MoneyDeathTest, OverflowIsOurBugAndStops) {
  EXPECT_DEATH(checked_add(INT64_MAX, 1), "check failed");
  EXPECT_DEATH(checked_sub(INT64_MIN, 1), "check failed");
  EXPECT_DEATH(divide_rounded(Int128{INT64_MAX} * 2, 1, Rounding::up), "check failed");
  EXPECT_DEATH(divide_rounded(1, 0, Rounding::up), "check failed");
}

}  // namespace
}  // namespace levy
