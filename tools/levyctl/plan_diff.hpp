// levyctl plan diff: what two catalogues sell differently, in words.
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <string>
#include <vector>

#include "rating/plan_source.hpp"

namespace levyctl {

struct Difference {
  std::string what;    // "plan data-plus, service internet"
  std::string change;  // added | removed | changed
  std::string key;     // of a change; empty otherwise
  std::string before, after;
};

// In the order of the first catalogue, what is added last. A key that is not given counts as its
// default, so that writing a default out is no difference.
std::vector<Difference> differences(const levy::rating::Catalogue& before,
                                    const levy::rating::Catalogue& after);

// "plan data-plus, service internet: price 2 EUR per GB -> 1.5 EUR per GB"
std::string to_text(const Difference& difference);

}  // namespace levyctl
