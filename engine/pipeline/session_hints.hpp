// SessionHints: a lossy memory of which Shard owns a session, for requests without Subscription-Id.
// Core: edge. Allocates: at construction only. Blocks: never. Clock: none.
//
// Wrong or missing hints cost time, never correctness: the Shard is the authority.
#pragma once

#include <cstdint>

#include "engine/base/ids.hpp"
#include "engine/base/memory.hpp"

namespace levy::pipeline {

class SessionHints {
 public:
  SessionHints(std::size_t entries, HugePages huge_pages) : entries_(entries, huge_pages) {}

  void remember(std::uint64_t session_hash, ShardId shard) {
    entries_[session_hash % entries_.size()] =
        Entry{static_cast<std::uint32_t>(session_hash >> 32), shard, true};
  }
  bool find(std::uint64_t session_hash, ShardId& shard) const {
    const Entry& e = entries_[session_hash % entries_.size()];
    if (!e.known || e.tag != static_cast<std::uint32_t>(session_hash >> 32)) return false;
    shard = e.shard;
    return true;
  }

 private:
  struct Entry {
    std::uint32_t tag = 0;
    ShardId shard{};
    bool known = false;
  };
  FixedArray<Entry> entries_;
};

}  // namespace levy::pipeline
