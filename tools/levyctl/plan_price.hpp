// levyctl plan price: what some use would cost, step by step and why.
// Core: none. Allocates: yes. Blocks: reads files. Clock: in the question.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace levyctl {

// As on the command line; an empty text is absent.
struct PriceOptions {
  std::vector<std::string> paths;
  std::string plan, rating_group, context, service_identifier;
  std::string use, at, lasting;
  std::string apn, rat, plmn, called, calling, location, qci, role, characteristics;
  std::int64_t now = 0;  // unix seconds, where `at` is absent
};

// Prints the answer, as text or JSON; the exit code.
int run_price(const PriceOptions& options, bool json);

}  // namespace levyctl
