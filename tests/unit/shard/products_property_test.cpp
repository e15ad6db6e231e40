// Products against the model: random histories of one account; each is repeated by its seed.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
//
//   PRODUCTS_SEED=17 tests/test_shard --gtest_filter='ProductsModel.*'       one history
//   PRODUCTS_HISTORIES=100000 ...                                       more of them
//
// Of each kind of difference (what was found, without its numbers) the shortest history is shown.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/unit/shard/products_history.hpp"

namespace levy::shard::model {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// The first line without its numbers: one text for all differences of a kind.
std::string kind_of(const std::string& found) {
  std::string kind;
  for (const char c : found.substr(found.find(':') + 1)) {
    if (c == '\n' || c == '[') break;
    if (c < '0' || c > '9') kind += c;
  }
  return kind;
}

std::ptrdiff_t steps_of(const std::string& found) {
  return std::count(found.begin(), found.end(), '\n');
}

TEST(ProductsModel, AgreesInEveryHistory) {
  const std::uint64_t one = from_environment("PRODUCTS_SEED", 0);
  const std::uint64_t count = from_environment("PRODUCTS_HISTORIES", 2000);
  std::map<std::string, std::pair<std::uint64_t, std::string>> kinds;
  for (std::uint64_t seed = one != 0 ? one : 1; seed <= (one != 0 ? one : count); ++seed) {
    const std::string found = History(seed).run();
    if (found.empty()) continue;
    auto& [times, shortest] = kinds[kind_of(found)];
    ++times;
    if (shortest.empty() || steps_of(found) < steps_of(shortest)) shortest = found;
  }
  for (const auto& [kind, found] : kinds)
    ADD_FAILURE() << found.first << " of " << count << " histories, the shortest:\n"
                  << found.second;
}

}  // namespace
}  // namespace levy::shard::model
