// sim_test: runs seeds, or one; prints the one command that repeats a failure.
// Core: one thread. Allocates: yes. Blocks: on snapshot files. Clock: steady, for the budget only.
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "tests/sim/world.hpp"

namespace {

using levy::sim::Statistics;

struct Choice {
  bool one = false;
  std::uint64_t seed = 1, steps = 8000, crashes = 10'000, seconds = 55, seeds_max = UINT64_MAX;
  bool verbose = false;
};

volatile std::uint64_t seed_now = 0;

// A failed check aborts: say how to see it again first.
void on_abort(int) {
  char text[96];
  const int size = std::snprintf(text, sizeof text, "FAILED. Repeat it with: tools/dev sim %llu\n",
                                 static_cast<unsigned long long>(seed_now));
  if (::write(2, text, static_cast<std::size_t>(size)) < 0) std::_Exit(3);
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

// Empty, or the broken law.
std::string run_seed(std::uint64_t seed, const Choice& choice, Statistics& sum,
                     std::uint64_t& hash) {
  seed_now = seed;
  levy::sim::World world(seed, levy::sim::Planted::nothing, choice.verbose);
  std::string broken;
  try {
    world.run(choice.steps);
  } catch (const std::exception& e) {
    broken = e.what();
  }
  sum += world.statistics();
  hash = world.hash();
  return broken;
}

void print(const Statistics& s, std::uint64_t seeds, double seconds) {
  const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
  std::printf(
      "%llu seeds, %llu steps, %llu crashes (%llu during recovery), %llu snapshots, %.1f s\n"
      "%llu charges recorded, %llu answers (%llu repeats answered equal), %lld micros charged\n"
      "%llu states compared after recovery, %llu with the journal alone; %llu transfers, "
      "%llu gateway restarts, %llu RARs, %llu failed writes\n",
      n(seeds), n(s.steps), n(s.crashes), n(s.recovery_crashes), n(s.snapshots), seconds,
      n(s.records), n(s.answers), n(s.repeats_equal), static_cast<long long>(s.charged),
      n(s.digests_compared), n(s.journal_replays), n(s.transfers), n(s.restarts), n(s.rars),
      n(s.failed_writes));
  std::string seen;
  for (const auto& [what, count] : s.seen) seen += ", " + what + " " + std::to_string(count);
  if (!seen.empty()) std::printf("seen: %s\n", seen.substr(2).c_str());
}

int fail(std::uint64_t seed, const std::string& what) {
  std::fprintf(stderr, "seed %llu: %s\nFAILED. Repeat it with: tools/dev sim %llu\n",
               static_cast<unsigned long long>(seed), what.c_str(),
               static_cast<unsigned long long>(seed));
  return 1;
}

double since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int run_many(const Choice& choice) {
  const auto start = std::chrono::steady_clock::now();
  Statistics sum;
  std::uint64_t seeds = 0;
  for (std::uint64_t seed = choice.seed; seeds < choice.seeds_max; ++seed) {
    std::uint64_t hash = 0;
    std::string broken = run_seed(seed, choice, sum, hash);
    if (!broken.empty()) return fail(seed, broken);
    if (seeds++ % 20 == 0) {
      Statistics again;
      std::uint64_t second = 0;
      broken = run_seed(seed, choice, again, second);
      if (!broken.empty() || second != hash) return fail(seed, "a second run ended otherwise");
    }
    if (sum.crashes >= choice.crashes && since(start) >= static_cast<double>(choice.seconds)) break;
  }
  print(sum, seeds, since(start));
  if (sum.crashes < 10'000) return 0;
  // Ten thousand crashes in which one of these never happened have not tried it.
  for (const char* what :
       {"MSCC 4010", "MSCC 4012", "MSCC 5031", "RAA 5002", "answered 3004", "answered 5002",
        "answered 5012", "dispute", "final grant", "late usage", "mail arrived", "mail came back",
        "older number", "paid by a unit bucket", "raised Origin-State-Id", "repeat answered",
        "session lost", "superseding", "sweep", "tombstone gone", "tombstone given up",
        "opened again", "loss charged", "dispute of a charged loss", "product event 2",
        "product event 3", "product event 6", "several periods at once", "settled"}) {
    if (sum.seen.contains(what)) continue;
    std::fprintf(stderr, "FAILED: no world saw this: %s\n", what);
    return 1;
  }
  return 0;
}

int run_one(const Choice& choice) {
  const auto start = std::chrono::steady_clock::now();
  Statistics sum;
  std::uint64_t hash = 0;
  const std::string broken = run_seed(choice.seed, choice, sum, hash);
  print(sum, 1, since(start));
  std::printf("hash %016llx\n", static_cast<unsigned long long>(hash));
  return broken.empty() ? 0 : fail(choice.seed, broken);
}

constexpr const char* usage =
    "sim_test [--seed N] [--steps M] [--verbose]\n"
    "         [--from N] [--seeds MOST] [--crashes LEAST] [--seconds LEAST]\n";

bool read_arguments(int count, char** arguments, Choice& choice) {
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    if (name == "--verbose") choice.verbose = true;
    else if (i + 1 == count) return false;
    else {
      const std::uint64_t value = std::strtoull(arguments[++i], nullptr, 10);
      if (name == "--seed") choice.seed = value, choice.one = true;
      else if (name == "--from") choice.seed = value;
      else if (name == "--steps") choice.steps = value;
      else if (name == "--seeds") choice.seeds_max = value;
      else if (name == "--crashes") choice.crashes = value;
      else if (name == "--seconds") choice.seconds = value;
      else return false;
    }
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  Choice choice;
  if (!read_arguments(count, arguments, choice)) {
    std::fputs(usage, stderr);
    return 2;
  }
  std::signal(SIGABRT, on_abort);
  // Thousands of lives take and free the same few megabytes: keep them.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  return choice.one ? run_one(choice) : run_many(choice);
}
