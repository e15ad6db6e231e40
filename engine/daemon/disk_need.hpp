// DiskNeed: how much of the disk a configuration may come to use, and whether it is there.
// Core: control at start-up. Allocates: yes. Blocks: on the disk. Clock: none.
//
// The journal is kept from the start of the older of two snapshots on. A disk that holds less than
// that cannot recover by itself: no segment may go before a snapshot is written, and none can be.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "config/options.hpp"

namespace levy::daemon {

struct DiskNeed {
  std::uint64_t segment_bytes = 0;
  std::uint64_t segments = 0;        // two snapshot periods, the current one, those made ahead
  std::uint64_t snapshot_bytes = 0;  // one, with every pool full
  std::uint64_t snapshots = 0;       // the kept ones and the one being written
  std::uint64_t journal_bytes() const { return segments * segment_bytes; }
  std::uint64_t snapshots_bytes() const { return snapshots * snapshot_bytes; }
  std::uint64_t total_bytes() const { return journal_bytes() + snapshots_bytes(); }
};

DiskNeed disk_need(const config::Options& options);
// One line: the sum and its parts.
void describe(const DiskNeed& need, std::ostream& out);

// What the need finds: free space, and what its own files hold already.
struct DiskRoom {
  std::uint64_t free_bytes = 0;
  std::uint64_t own_bytes = 0;
  std::uint64_t bytes() const { return free_bytes + own_bytes; }
};
// Of an opened data directory; false: the file system does not say.
bool disk_room(const std::string& directory, DiskRoom& room);

struct DiskVerdict {
  bool fits = true;  // false: not even two segments, the start is refused
  std::string text;  // empty: all of the need is there
};
DiskVerdict judge_disk(const DiskNeed& need, const DiskRoom& room);

}  // namespace levy::daemon
