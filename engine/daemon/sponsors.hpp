// Sponsors: the thread that keeps the slices of sponsors filled, so that a charge never waits for
// another Shard.
// Core: control (a thread of its own). Allocates: yes. Blocks: waits for durability. Clock: system.
//
// In every Shard but the one where the sponsor's account lies there is a slice of it: an account
// NAME#SHARD, made here, which is filled up by a transfer (durable mail) when less than half of it
// is left. Several plans may name one sponsor: the largest slice counts.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "engine/admin/control_door.hpp"

namespace levy::daemon {

class Sponsors {
 public:
  // `door` outlives the thread.
  explicit Sponsors(admin::ControlDoor& door) : door_(door) {}
  ~Sponsors() { stop(); }

  void start();
  void stop();

 private:
  using Wanted = std::map<std::pair<std::string, std::uint16_t>, std::int64_t>;  // -> slice

  void turn();  // one look at every slice
  void fill(const std::string& sponsor, std::uint16_t currency, std::int64_t slice);
  void tell_once(const std::string& sponsor, const std::string& what);

  admin::ControlDoor& door_;
  std::mutex mutex_;
  std::condition_variable news_;
  bool stopping_ = false;
  std::set<std::string> told_;  // what the log has said already
  std::thread thread_;
};

}  // namespace levy::daemon
