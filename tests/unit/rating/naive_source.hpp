// Random catalogues of one plan, free of compile faults by construction, and random messages that
// fall under them.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/rating/naive_plan.hpp"

namespace levy::rating::naive {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  bool chance(int percent) { return pick(1, 100) <= percent; }
  template <class T>
  const T& of(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(pick(0, static_cast<std::int64_t>(values.size()) - 1))];
  }
  std::string word(std::initializer_list<const char*> words) {
    return words.begin()[pick(0, static_cast<std::int64_t>(words.size()) - 1)];
  }

 private:
  std::mt19937_64 random_;
};

struct NaiveSource {
  Catalogue catalogue;
  std::int64_t start = 0;   // when its messages begin, unix seconds: often near a change of DST
  std::int64_t unit = 1;    // length of a typical step, in octets; 1 for seconds and events
  std::int64_t micros = 1;  // of a typical step
};
NaiveSource random_source(Dice& dice);

Facts random_facts(Dice& dice);
// Rating-Group and identifiers of a group; the amounts are the caller's.
Units random_key(Dice& dice);
int random_qci(Dice& dice);

}  // namespace levy::rating::naive
