// levyload: Gy load for Levy or any Diameter credit-control server.
// Core: one thread. Allocates: at start-up. Blocks: never while measuring. Clock: CLOCK_MONOTONIC.
#include <fmt/format.h>
#include <unistd.h>

#include "perf/load/generator.hpp"
#include "perf/load/options.hpp"
#include "perf/load/report.hpp"

int main(int argc, char** argv) {
  using namespace levy::load;
  Options options;
  switch (parse_options(argc, argv, options)) {
    case ParseResult::exit_ok: return exit_fine;
    case ParseResult::exit_error: return exit_setup;
    case ParseResult::run: break;
  }
  if (options.core >= 0 && !pin_to_core(options.core)) {
    fmt::print(stderr, "levyload: --core {}: no such core\n", options.core);
    return exit_setup;
  }
  options.progress = !options.quiet && (options.progress || ::isatty(2) != 0);
  Generator generator(options);
  const Results& results = generator.run();
  if (options.progress) fmt::print(stderr, "\n");
  const std::string report = text_report(options, results);
  const ExitCode code = exit_code_of(options, results);
  // A fault is told even when quiet.
  if (code != exit_fine) {
    fmt::print(stderr, "{}", report);
  } else if (!options.quiet) {
    fmt::print("{}", report);
  }
  if (!options.json_file.empty()) {
    const std::string fault = write_json(options, results);
    if (!fault.empty()) {
      fmt::print(stderr, "levyload: {}\n", fault);
      return exit_setup;
    }
  }
  return code;
}
