// recover: snapshot and journal -> Shards, and the place where appending goes on.
// Core: control at start-up. Allocates: yes. Blocks: on the disk. Clock: none.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/journal/directory.hpp"
#include "engine/journal/recovery.hpp"
#include "engine/journal/segment_files.hpp"
#include "engine/journal/snapshot_file.hpp"
#include "engine/shard/shard.hpp"

namespace levy::daemon {

struct Recovered {
  std::string failure;  // empty: all well
  journal::JournalStart start;
  std::uint32_t next_sequence = 0;
  std::vector<journal::SegmentRange> segments;
  std::vector<std::string> notes;  // for the log
  std::uint64_t records = 0;
};

// `forget` makes the Shards empty again when a damaged snapshot has to be given up.
Recovered recover(journal::SegmentStore& store, const std::string& snapshot_directory,
                  std::uint64_t node_id, std::uint64_t segment_bytes,
                  const std::function<shard::Shard&(std::uint8_t)>& shard_of, std::uint32_t shards,
                  const std::function<void()>& forget);

}  // namespace levy::daemon
