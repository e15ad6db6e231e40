// World: one seed: a machine whose daemon is killed and recovered again and again under the traffic
// of gateways and operators, and the auditor who looks on.
// Core: the simulator's only thread. Allocates: yes. Blocks: on snapshot files. Clock: its own.
//
// Invariant: everything that happens follows from the seed; hash() tells two runs apart.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rating/compile/compile.hpp"
#include "tests/sim/auditor.hpp"
#include "tests/sim/daemon.hpp"
#include "tests/sim/gateway.hpp"
#include "tests/sim/operators.hpp"

namespace levy::sim {

// Bugs put in on purpose: the auditor has to find them.
enum class Planted { nothing, lying_disk, early_release, gives_up_events, gives_up_open };

struct Statistics {
  std::uint64_t steps = 0, lives = 0, crashes = 0, recovery_crashes = 0, snapshots = 0;
  std::uint64_t records = 0, answers = 0, repeats_equal = 0, digests_compared = 0;
  std::uint64_t journal_replays = 0, transfers = 0, restarts = 0, rars = 0, pushes_acked = 0;
  std::uint64_t failed_writes = 0, full_disks = 0;
  std::int64_t charged = 0;
  std::map<std::string, std::uint64_t> seen;  // Auditor::seen()
  void operator+=(const Statistics& other);
};

class World {
 public:
  World(std::uint64_t seed, Planted planted, bool verbose);
  ~World();

  // Runs `steps` steps, then lets every session end and checks the books. Throws Violation.
  void run(std::uint64_t steps);
  std::uint64_t hash() const { return hash_; }
  Statistics statistics() const;

 private:
  void choose_settings(Planted planted);
  void start_life();
  bool try_start();
  void settle();
  void call_each_shard(shard::OperatorRequest request);
  bool step();
  bool turn_something();
  void turn_shard(std::size_t loop);
  void advance_time();
  void note_digests();
  void compare_digests(const std::vector<const shard::Shard*>& shards);
  void crash();
  void deliver_rest();
  void audit_journal();
  void compare_with_journal_alone();
  void silence();
  std::uint64_t sessions_open() const;
  void finish();
  void say(const std::string& text) const;

  const std::uint64_t seed_;
  const bool verbose_;
  Random random_;
  SimDisk disk_;
  test::SimNetwork network_;
  Time clock_;                     // the daemon's wall clock; may jump back
  Machine machine_;
  DaemonSettings settings_;
  std::vector<std::unique_ptr<rating::PlanVersion>> plans_;
  std::vector<const rating::PlanSet*> sets_;
  std::uint16_t version_ = 1;
  Auditor auditor_;
  Field field_;
  std::unique_ptr<Operators> operators_;
  std::vector<std::unique_ptr<Gateway>> gateways_;
  std::unique_ptr<Daemon> daemon_;
  std::map<std::pair<std::uint8_t, std::uint64_t>, std::uint64_t> digests_;  // (shard, sequence)
  std::uint64_t steps_left_ = 0;   // of this life
  std::uint64_t shard_share_ = 22; // percent of the steps: small, and requests pile up at the edge
  bool in_call_ = false, finishing_ = false, serving_ = false, quiet_ = false, fresh_ = true;
  std::uint64_t hash_ = 0;
  Statistics statistics_;
};

}  // namespace levy::sim
