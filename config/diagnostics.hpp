// Diagnostics: every fault of the configuration, each with its place and what to do about it.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Loading collects all faults before it refuses: an operator repairs a file in one pass. At most
// `shown_max` are kept, so that a hostile file cannot fill the memory; the rest are counted.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "rating/plan_source.hpp"

namespace levy::config {

using rating::Place;

struct Diagnostic {
  Place place;          // of the value; of the enclosing mapping when a key is missing
  std::string key;      // path, e.g. diameter.listeners[0].port; empty for the file as a whole
  std::string value;    // as written; empty when there is none
  std::string problem;  // what is wrong
  std::string allowed;  // range, words or form; empty when it would say nothing
  std::string advice;   // what to do
};

// "levyd.yaml:12:13: diameter.watchdog: out of bounds; value: 5 s; allowed: 6 s to 300 s; …"
std::string to_string(const Diagnostic& diagnostic);

class Diagnostics {
 public:
  static constexpr std::size_t shown_max = 1000;

  void add(Diagnostic diagnostic);
  bool ok() const { return count_ == 0; }
  std::size_t count() const { return count_; }  // those beyond shown_max included
  const std::vector<Diagnostic>& items() const { return items_; }
  // Moves the faults of another run of checks behind the own ones.
  void append(Diagnostics other);
  // Ordered by file, line and column; stable.
  void sort();
  // One line each, then how many are not shown.
  void print(std::ostream& out) const;

 private:
  std::vector<Diagnostic> items_;
  std::size_t count_ = 0;
};

// Of `known`, the one with the smallest edit distance to `word` (swap of neighbours counts one),
// if it is near enough to be a slip of the keyboard; else empty.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

// At most `bytes_max` bytes of a value, control characters shown as '?', "…" where it was cut.
std::string shown_value(std::string_view text, std::size_t bytes_max = 80);

}  // namespace levy::config
