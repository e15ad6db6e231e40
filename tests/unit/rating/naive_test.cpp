// Random plans and usages: charge() on the compiled tables against a reference written from the
// language's documentation alone (config/keys.md, semantics.md) without sight of the compiler.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
//
// LEVY_NAIVE_PLANS (1000) and LEVY_NAIVE_USAGES (1000, of each plan) scale it: the full size is the
// default and takes 10 s in a release build. LEVY_NAIVE_SEED (1) is the first plan's.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "tests/unit/rating/naive_trial.hpp"

namespace levy::rating::naive {
namespace {

std::int64_t setting(const char* name, std::int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

// What at least one of a hundred usages must have met, and one of a thousand.
const char* const common[] = {"crossed a tier",
                              "ended in a later tier",
                              "ended within a step",
                              "beyond the maximum",
                              "at a maximum that stops",
                              "below the minimum",
                              "connect fee",
                              "free",
                              "without a price",
                              "paid by a unit bucket",
                              "bucket and money together",
                              "left the wallet below its floor",
                              "refused for want of credit",
                              "final grant",
                              "granted less than asked for",
                              "default grant asked for",
                              "nothing asked for",
                              "of no service",
                              "service by context",
                              "service by identifier",
                              "service that takes any group",
                              "service without a group",
                              "grant by time",
                              "grant by apn",
                              "grant by rat",
                              "grant by plmn",
                              "grant by location",
                              "grant by called",
                              "grant by calling",
                              "grant by characteristics",
                              "grant by qci",
                              "grant by role",
                              "grant by service_identifier",
                              "grant by a negated condition",
                              "grant by a longer prefix",
                              "grant past midnight of a night's time",
                              "within a day of a DST change",
                              "usage across a change of times",
                              "usage of a rate that no longer holds",
                              "Validity-Time cut at a change of times"};
const char* const rare[] = {"written off", "grant in a holiday's time", "grant in an exception",
                            "grant by a network beside its country"};

TEST(Naive, ChargeOnCompiledTablesAgrees) {
  const std::int64_t plans = setting("LEVY_NAIVE_PLANS", 1'000);
  const std::int64_t usages = setting("LEVY_NAIVE_USAGES", 1'000);
  const std::int64_t first = setting("LEVY_NAIVE_SEED", 1);
  Counts counts;
  std::int64_t differing = 0;
  for (std::int64_t seed = first; seed < first + plans; ++seed) {
    Trial trial(static_cast<std::uint64_t>(seed), counts);
    const std::string difference = trial.run(usages);
    if (difference.empty()) continue;
    ++differing;
    if (differing <= 3) ADD_FAILURE() << difference;
  }
  EXPECT_EQ(differing, 0) << "plans of " << plans;
  const std::int64_t all = counts["usages"];
  if (std::getenv("LEVY_NAIVE_COUNTS") != nullptr)
    for (const auto& [what, count] : counts) std::cout << "  " << what << ": " << count << "\n";
  if (all < 100'000) return;  // too few to expect something of everything
  for (const char* what : common) EXPECT_GT(counts[what] * 100, all) << what;
  for (const char* what : rare) EXPECT_GT(counts[what] * 1'000, all) << what;
}

}  // namespace
}  // namespace levy::rating::naive
