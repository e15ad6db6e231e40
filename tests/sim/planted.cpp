// sim_planted_test: bugs put in on purpose, each in worlds of its own: the auditor must find them.
// Core: one thread. Allocates: yes. Blocks: on snapshot files. Clock: none.
//
// What may be given up early is decided in engine/shard/may_give_up.cpp; here stands the wrong
// decision in its place, since nothing else of levyd would make it.
#include <malloc.h>

#include <cstdio>
#include <exception>
#include <string>

#include "engine/shard/tombstones.hpp"
#include "tests/sim/world.hpp"

namespace {

using levy::sim::Planted;

Planted planted = Planted::nothing;

constexpr std::uint64_t seeds = 20;
constexpr std::uint64_t steps = 8000;

struct Bug {
  Planted what{};
  const char* name = "";
};
constexpr Bug bugs[] = {{Planted::lying_disk, "a disk that lies"},
                        {Planted::early_release, "release before sync"},
                        {Planted::gives_up_events, "events given up"},
                        {Planted::gives_up_open, "open sessions given up"}};

// Empty, or the broken law.
std::string run_seed(std::uint64_t seed) {
  levy::sim::World world(seed, planted, false);
  try {
    world.run(steps);
  } catch (const std::exception& e) {
    return e.what();
  }
  return {};
}

}  // namespace

namespace levy::shard {

bool may_give_up(const Session& session) {
  const bool open = session.state == SessionState::open;
  const bool event = (session.flags & session_event) != 0;
  return session.live() && (!open || planted == Planted::gives_up_open) &&
         (!event || planted == Planted::gives_up_events);
}

}  // namespace levy::shard

// Each must be found by most seeds.
int main() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  for (const Bug& bug : bugs) {
    planted = bug.what;
    std::uint64_t caught = 0;
    std::string first;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      const std::string broken = run_seed(seed);
      caught += broken.empty() ? 0 : 1;
      if (first.empty()) first = broken;
    }
    std::printf("%s: caught by %llu of %llu seeds, e.g. \"%s\"\n", bug.name,
                static_cast<unsigned long long>(caught), static_cast<unsigned long long>(seeds),
                first.c_str());
    if (caught * 10 >= seeds * 8) continue;
    std::fprintf(stderr, "FAILED: the auditor does not see a planted bug\n");
    return 1;
  }
  return 0;
}
