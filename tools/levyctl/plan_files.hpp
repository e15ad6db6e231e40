// Plan files as an operator names them: read, compiled, with every fault of both in one order.
// Core: none. Allocates: yes. Blocks: reads files. Clock: none.
#pragma once

#include <string>
#include <vector>

#include "config/load.hpp"
#include "rating/compile/compile.hpp"

namespace levyctl {

using levy::config::Diagnostic;
namespace rating = levy::rating;

struct PlanFiles {
  levy::config::LoadedCatalogue loaded;
  rating::Compiled compiled;       // plans in the catalogue's order; empty where there is a fault
  std::vector<Diagnostic> faults;  // by place
  std::size_t fault_count = 0;     // those that are not shown included
  const rating::Catalogue& catalogue() const { return loaded.catalogue; }
  bool ok() const { return fault_count == 0; }
};

PlanFiles read_plan_files(const std::vector<std::string>& paths);

// One line each, and how many are not shown.
std::string faults_text(const PlanFiles& files);

}  // namespace levyctl
