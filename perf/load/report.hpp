// Report: the results as a table for people and as JSON for programs.
// Core: after the run. Allocates: yes. Blocks: writes a file. Clock: none.
#pragma once

#include <string>

#include "perf/load/generator.hpp"
#include "perf/load/options.hpp"

namespace levy::load {

// Exit codes of levyload, as --help tells them.
enum ExitCode : int { exit_fine = 0, exit_unexpected = 1, exit_setup = 2, exit_lost = 3 };
ExitCode exit_code_of(const Options& options, const Results& results);

std::string text_report(const Options& options, const Results& results);
// Empty, or why the file could not be written.
std::string write_json(const Options& options, const Results& results);

}  // namespace levy::load
