// Random: the one source of chance of a simulated world, and what a broken law is thrown as.
// Core: the simulator's only thread. Allocates: no. Blocks: never. Clock: none.
#pragma once

#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>

namespace levy::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  // 0 .. bound - 1; bound > 0.
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + below(high - low + 1);
  }
  bool percent(std::uint64_t chance) { return below(100) < chance; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  std::uint64_t next() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

// A law of house.md section 7 does not hold.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void require(bool holds, const std::string& what) {
  if (!holds) throw Violation(what);
}

}  // namespace levy::sim
