// Daemon: owns every part; start, drain and stop order.
// Core: control. Allocates: yes, until the loops are sealed. Blocks: yes. Clock: system.
#pragma once

#include <memory>
#include <string>

#include "config/load.hpp"

namespace levy::daemon {

struct DaemonRequest {
  config::Loaded config;
  std::string config_path;  // read again by reload
  bool adopt = false;       // take over another node's data directory
};

class Daemon {
 public:
  explicit Daemon(DaemonRequest request);
  ~Daemon();

  // Recovers, starts the loops and listens. Empty, or why it cannot run.
  std::string start();
  // Waits until `stop_wanted()` or until the journal fails; then drains, writes a final snapshot
  // and stops. Returns the exit code. Whenever `reopen_wanted()` the log file is opened anew.
  int run(bool (*stop_wanted)(), bool (*reopen_wanted)());

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace levy::daemon
