// Snapshot files: the state of all Shards as the walk saw it, written by the control thread.
// Core: control. Allocates: yes. Blocks: on the disk. Clock: none.
//
//   <dir>/<start LSN, 16 hex digits>.snap
//   head    64 bytes: magic "LVSH", version, node id, start LSN, crc
//   chunks  each a 32-byte header {magic "LVSC", shard, pool, first slot, slot bytes, bytes, crc of
//           header and bytes}, the bytes, zeros up to a multiple of 8
//   tail    metadata bytes, zeros up to a multiple of 8, 64 bytes: magic "LVSF", metadata bytes and
//           crc, end LSN, chunk count, file bytes, crc of all chunk crcs, crc
//
// Invariants: a *.snap file was complete and synced before it got that name; replay starts at its
// start LSN; it counts only if the journal reaches its end LSN (RecoveryRequest::reach).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/journal/disk.hpp"
#include "engine/journal/segment_store.hpp"

namespace levy::journal {

inline constexpr std::uint16_t snapshot_version = 1;
inline constexpr std::uint16_t snapshot_version_oldest = 1;
inline constexpr std::size_t snapshots_kept = 2;
// Largest chunk, so that a rotten length cannot ask for all memory.
inline constexpr std::size_t snapshot_chunk_bytes_max = 16 * 1024 * 1024;
inline constexpr std::size_t snapshot_metadata_bytes_max = 64 * 1024 * 1024;

// `bytes` holds whole slots of a Pool, or whatever the writer gave with slot_bytes 0.
struct SnapshotChunk {
  std::uint8_t shard = 0;
  std::uint8_t pool = 0;
  std::uint32_t first_slot = 0;
  std::uint32_t slot_bytes = 0;
  std::span<const std::byte> bytes{};
};

class SnapshotWriter {
 public:
  SnapshotWriter(std::string directory, std::uint64_t node_id);
  ~SnapshotWriter();

  // `start`: the LSN at which replay over this snapshot begins.
  Failure begin(Lsn start);
  Failure add(const SnapshotChunk& chunk);
  // `end`: last LSN whose effects the walk may hold; the journal must be durable past it before
  // this is called. Makes the file count and removes all but the newest snapshots_kept.
  Failure finish(Lsn end, std::span<const std::byte> metadata);
  // Gives up what was begun; also done by a failure and by the destructor.
  void abandon();

  bool active() const { return static_cast<bool>(file_); }
  std::uint64_t bytes_written() const { return written_ + buffered_.size(); }

 private:
  Failure put(std::span<const std::byte> bytes);
  Failure flush();
  Failure give_up(Failure failure);
  Failure prune();

  std::string directory_;
  std::string path_;
  std::uint64_t node_id_;
  disk::File file_;
  std::vector<std::byte> buffered_;
  std::uint64_t written_ = 0;
  std::uint64_t unsynced_ = 0;
  Lsn start_{};
  std::uint64_t chunks_ = 0;
  std::uint32_t chunk_crcs_ = 0;
};

struct SnapshotInfo {
  std::string path;
  Lsn start{};
  Lsn end{};
  std::uint64_t chunks = 0;
  std::uint64_t bytes = 0;
};

struct SnapshotLoad {
  bool found = false;  // false: there is none, replay the journal from its first Record
  SnapshotInfo info;
  std::vector<std::byte> metadata;
  std::vector<std::string> rejected;  // newer ones that were not taken, and why
};

class SnapshotReader {
 public:
  SnapshotReader(std::string directory, std::uint64_t node_id);

  // Snapshots with a sound head and tail, newest first; the others' faults in `rejected`.
  Failure list(std::vector<SnapshotInfo>& snapshots, std::vector<std::string>& rejected);
  // Reads one from front to end. A Failure may come after chunks were handed over.
  Failure read(const SnapshotInfo& info,
               const std::function<bool(const SnapshotChunk&)>& on_chunk,
               std::vector<std::byte>& metadata);
  // Loads the newest sound one. `forget` is called before every attempt but the first: everything
  // taken so far is void. `journal_from`: oldest LSN the journal still has (oldest_lsn(); 0 if it
  // has none): a snapshot that starts below it cannot be replayed and is rejected.
  // Fails if snapshots exist but none can be taken.
  Failure load(Lsn journal_from, const std::function<void()>& forget,
               const std::function<bool(const SnapshotChunk&)>& on_chunk, SnapshotLoad& loaded);

 private:
  Failure inspect(const std::string& path, SnapshotInfo& info);

  std::string directory_;
  std::uint64_t node_id_;
};

// Smallest start LSN of the kept snapshots, for SegmentKeeper::turn; Lsn{1} if there are fewer than
// two, for then the journal is still all there is to fall back to.
Failure snapshot_needs_from(const std::string& directory, std::uint64_t node_id, Lsn& needed_from);

}  // namespace levy::journal
