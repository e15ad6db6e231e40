// plan_use: how many open sessions stand on each plan version.
// Core: admin and control threads. Allocates: yes. Blocks: waits for durability. Clock: none.
#pragma once

#include <map>

#include "engine/admin/control_door.hpp"

namespace levy::admin {

struct PlanUse {
  std::map<std::uint16_t, shard::VersionUse> versions;
  shard::VersionUse older;  // of all that are not in force; each session once
  bool whole = true;        // false: a Shard did not answer
};

// Page by page, so that no Shard looks at many sessions in one turn: the sum is of no single
// moment.
PlanUse plan_use(ControlDoor& door);

}  // namespace levy::admin
