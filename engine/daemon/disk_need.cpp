// DiskNeed: the sum, and the question to the file system.
// Core: control at start-up. Allocates: yes. Blocks: on the disk. Clock: none.
#include "engine/daemon/disk_need.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "config/values.hpp"
#include "engine/daemon/setup.hpp"
#include "engine/journal/snapshot_file.hpp"
#include "engine/shard/state.hpp"

namespace levy::daemon {

namespace {

// Beside the two periods: the segment that the older one began in, the one that was taken, and
// those made ahead.
constexpr std::uint64_t segments_beside = 2 + segments_ahead;

// Of one Shard whose pools are full; chunk headers and padding are below a thousandth.
std::uint64_t shard_bytes(const shard::Capacity& c) {
  static_assert(shard::pool_count == 14, "a new pool belongs into this sum");
  return sizeof(shard::ShardState) + c.accounts * sizeof(shard::Account) +
         c.subscribers * sizeof(shard::Subscriber) + c.buckets * sizeof(rating::Bucket) +
         c.sessions * sizeof(shard::Session) + c.groups * sizeof(rating::Group) +
         c.verdicts * sizeof(shard::Verdict) + c.texts * sizeof(shard::Text) +
         c.hosts * sizeof(shard::Host) + c.mails * sizeof(shard::Mail) +
         c.request_keys * sizeof(shard::RequestKey) + c.names * sizeof(shard::Name) +
         c.products * sizeof(shard::Product) + c.counters * sizeof(rating::Counter);
}

std::string shown(std::uint64_t bytes) {
  constexpr std::uint64_t mib = 1024 * 1024;
  return bytes < mib ? config::show_size(static_cast<std::int64_t>(bytes))
                     : std::to_string(bytes / mib) + " MiB";
}

std::string sum(const DiskNeed& need) {
  return std::to_string(need.segments) + " segments x " + shown(need.segment_bytes) + " = " +
         shown(need.journal_bytes()) + " (" + std::to_string(journal::snapshots_kept) +
         " x the larger of data.snapshot.after and a snapshot, or records.backlog_max, and " +
         std::to_string(segments_beside) + " more), " + std::to_string(need.snapshots) +
         " snapshots x " + shown(need.snapshot_bytes) + " = " + shown(need.snapshots_bytes()) +
         " (every pool full), together " + shown(need.total_bytes());
}

}  // namespace

DiskNeed disk_need(const config::Options& options) {
  DiskNeed need;
  need.segment_bytes = static_cast<std::uint64_t>(options.data.segment_bytes);
  const auto shards = static_cast<std::uint32_t>(options.data.shards);
  for (std::uint32_t s = 0; s < shards; ++s)
    need.snapshot_bytes += shard_bytes(shard_capacity(options, shards, s));
  need.snapshot_bytes += need.snapshot_bytes / 1000;
  need.snapshots = journal::snapshots_kept + 1;
  // The next snapshot waits for as much journal as the last one is long (control_snapshot.cpp).
  const std::uint64_t period =
      std::max(static_cast<std::uint64_t>(options.data.snapshot_after_bytes), need.snapshot_bytes);
  std::uint64_t kept = journal::snapshots_kept * period;
  if (!options.records.directory.empty())
    kept = std::max(kept, static_cast<std::uint64_t>(options.records.backlog_max_bytes));
  need.segments = (kept + need.segment_bytes - 1) / need.segment_bytes + segments_beside;
  return need;
}

void describe(const DiskNeed& need, std::ostream& out) {
  out << "disk (data.directory), at most: " << sum(need) << "\n";
}

bool disk_room(const std::string& directory, DiskRoom& room) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(directory, error);
  if (error) return false;
  room.free_bytes = space.available;
  for (const char* part : {"/journal", "/snapshot"}) {
    const std::string folder = directory + part;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error)) {
      std::error_code gone;  // a file that went away meanwhile holds nothing
      const std::uintmax_t bytes = at->file_size(gone);
      if (!gone) room.own_bytes += bytes;
    }
  }
  return true;
}

DiskVerdict judge_disk(const DiskNeed& need, const DiskRoom& room) {
  DiskVerdict verdict;
  if (room.bytes() >= need.total_bytes()) return verdict;
  const std::string there =
      shown(room.free_bytes) + " are free and " + shown(room.own_bytes) + " in use by us";
  verdict.fits = room.bytes() >= 2 * need.segment_bytes;
  if (!verdict.fits) {
    verdict.text = "not even two segments (`data.segment_size`) fit: " + there;
    return verdict;
  }
  const bool mostly_snapshots = need.snapshots_bytes() > need.journal_bytes();
  verdict.text = there + ", but " + sum(need) +
                 " may be needed; a disk that fills up before a snapshot is written stops all new "
                 "work for good: lower `data.snapshot.after`" +
                 (mostly_snapshots ? " and `capacity`" : "") + ", or give it more space";
  return verdict;
}

}  // namespace levy::daemon
