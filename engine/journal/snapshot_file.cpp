// Snapshot files: see snapshot_file.hpp.
// Core: control. Allocates: yes. Blocks: on the disk. Clock: none.
#include "engine/journal/snapshot_file.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "engine/base/check.hpp"
#include "engine/base/crc32c.hpp"

namespace levy::journal {

namespace {

constexpr std::uint32_t head_magic = 0x4853564c;   // "LVSH"
constexpr std::uint32_t chunk_magic = 0x4353564c;  // "LVSC"
constexpr std::uint32_t tail_magic = 0x4653564c;   // "LVSF"
constexpr std::string_view suffix = ".snap";
constexpr std::string_view unfinished = "snapshot.new";
constexpr std::size_t buffer_bytes = 1024 * 1024;
// Synced this often while writing, so that the last sync is short and the page cache stays small.
constexpr std::uint64_t sync_bytes = 16 * 1024 * 1024;

struct Head {
  std::uint32_t magic = head_magic;
  std::uint16_t version = snapshot_version;
  std::uint16_t reserved = 0;
  std::uint64_t node_id = 0;
  std::uint64_t start_lsn = 0;
  std::uint8_t zeros[36]{};
  std::uint32_t crc = 0;  // of the 60 bytes before
};
static_assert(sizeof(Head) == 64 && offsetof(Head, crc) == 60);

struct ChunkHead {
  std::uint32_t magic = chunk_magic;
  std::uint8_t shard = 0;
  std::uint8_t pool = 0;
  std::uint16_t reserved = 0;
  std::uint32_t first_slot = 0;
  std::uint32_t slot_bytes = 0;
  std::uint64_t bytes = 0;
  std::uint32_t number = 0;  // 0, 1, 2 ... (low 32 bits): a chunk cannot be left out or moved
  std::uint32_t crc = 0;     // of the 28 bytes before and of the chunk's bytes
};
static_assert(sizeof(ChunkHead) == 32 && offsetof(ChunkHead, crc) == 28);

struct Tail {
  std::uint32_t magic = tail_magic;
  std::uint32_t metadata_crc = 0;
  std::uint64_t metadata_bytes = 0;
  std::uint64_t start_lsn = 0;
  std::uint64_t end_lsn = 0;
  std::uint64_t chunks = 0;
  std::uint64_t file_bytes = 0;  // with this tail
  std::uint64_t reserved = 0;
  std::uint32_t chunk_crcs = 0;
  std::uint32_t crc = 0;  // of the 60 bytes before
};
static_assert(sizeof(Tail) == 64 && offsetof(Tail, crc) == 60);

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}
template <class T>
std::span<std::byte> writable_bytes_of(T& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}
template <class T>
std::uint32_t crc_of(const T& value) {
  return crc32c(&value, offsetof(T, crc));
}
constexpr std::uint64_t padded(std::uint64_t bytes) { return (bytes + 7) & ~std::uint64_t{7}; }

std::string file_name(Lsn start) {
  char text[40];
  std::snprintf(text, sizeof text, "%016" PRIx64 "%.*s", start.value,
                static_cast<int>(suffix.size()), suffix.data());
  return text;
}

Failure damaged(const std::string& path, const std::string& what) {
  return {EINVAL, path + ": damaged, " + what};
}

}  // namespace

// ---- writing -------------------------------------------------------------------------------

SnapshotWriter::SnapshotWriter(std::string directory, std::uint64_t node_id)
    : directory_(std::move(directory)),
      path_(directory_ + "/" + std::string(unfinished)),
      node_id_(node_id) {
  buffered_.reserve(buffer_bytes);
}

SnapshotWriter::~SnapshotWriter() { abandon(); }

void SnapshotWriter::abandon() {
  if (!file_) return;
  file_.close();
  buffered_.clear();
  // What cannot be removed now is overwritten by the next begin() and never counts.
  (void)disk::remove_durably(directory_, std::string(unfinished));
}

Failure SnapshotWriter::give_up(Failure failure) {
  abandon();
  return failure;
}

Failure SnapshotWriter::flush() {
  if (Failure failure = disk::write_at(file_, path_, written_, buffered_)) return failure;
  written_ += buffered_.size();
  unsynced_ += buffered_.size();
  buffered_.clear();
  if (unsynced_ < sync_bytes) return {};
  unsynced_ = 0;
  return disk::sync(file_, path_);
}

Failure SnapshotWriter::put(std::span<const std::byte> bytes) {
  const std::size_t zeros = padded(bytes.size()) - bytes.size();
  while (!bytes.empty()) {
    const std::size_t part = std::min(bytes.size(), buffer_bytes - buffered_.size());
    buffered_.insert(buffered_.end(), bytes.begin(), bytes.begin() + static_cast<long>(part));
    bytes = bytes.subspan(part);
    if (buffered_.size() < buffer_bytes) continue;
    if (Failure failure = flush()) return failure;
  }
  buffered_.insert(buffered_.end(), zeros, std::byte{0});
  return {};
}

Failure SnapshotWriter::begin(Lsn start) {
  LEVY_CHECK(!file_ && start.value >= 1, start.value);
  if (Failure failure = disk::open_new(path_, disk::Caching::page_cache, file_)) return failure;
  buffered_.clear();
  written_ = unsynced_ = chunks_ = 0;
  chunk_crcs_ = 0;
  start_ = start;
  Head head;
  head.node_id = node_id_;
  head.start_lsn = start.value;
  head.crc = crc_of(head);
  if (Failure failure = put(bytes_of(head))) return give_up(std::move(failure));
  return {};
}

Failure SnapshotWriter::add(const SnapshotChunk& chunk) {
  LEVY_CHECK(static_cast<bool>(file_));
  LEVY_CHECK(!chunk.bytes.empty() && chunk.bytes.size() <= snapshot_chunk_bytes_max,
             chunk.bytes.size());
  LEVY_CHECK(chunk.slot_bytes == 0 || chunk.bytes.size() % chunk.slot_bytes == 0,
             chunk.bytes.size(), chunk.slot_bytes);
  ChunkHead head;
  head.shard = chunk.shard;
  head.pool = chunk.pool;
  head.first_slot = chunk.first_slot;
  head.slot_bytes = chunk.slot_bytes;
  head.bytes = chunk.bytes.size();
  head.number = static_cast<std::uint32_t>(chunks_);
  head.crc = crc32c(chunk.bytes.data(), chunk.bytes.size(), crc_of(head));
  if (Failure failure = put(bytes_of(head))) return give_up(std::move(failure));
  if (Failure failure = put(chunk.bytes)) return give_up(std::move(failure));
  chunk_crcs_ = crc32c(&head.crc, sizeof head.crc, chunk_crcs_);
  ++chunks_;
  return {};
}

Failure SnapshotWriter::finish(Lsn end, std::span<const std::byte> metadata) {
  LEVY_CHECK(static_cast<bool>(file_));
  LEVY_CHECK(end.value + 1 >= start_.value, end.value, start_.value);
  LEVY_CHECK(metadata.size() <= snapshot_metadata_bytes_max, metadata.size());
  if (Failure failure = put(metadata)) return give_up(std::move(failure));
  Tail tail;
  tail.metadata_crc = crc32c(metadata.data(), metadata.size());
  tail.metadata_bytes = metadata.size();
  tail.start_lsn = start_.value;
  tail.end_lsn = end.value;
  tail.chunks = chunks_;
  tail.file_bytes = written_ + buffered_.size() + sizeof tail;
  tail.chunk_crcs = chunk_crcs_;
  tail.crc = crc_of(tail);
  if (Failure failure = put(bytes_of(tail))) return give_up(std::move(failure));
  if (Failure failure = flush()) return give_up(std::move(failure));
  if (Failure failure = disk::sync(file_, path_)) return give_up(std::move(failure));
  if (Failure failure =
          disk::rename_durably(directory_, std::string(unfinished), file_name(start_))) {
    return give_up(std::move(failure));
  }
  file_.close();
  return prune();
}

Failure SnapshotWriter::prune() {
  std::vector<SnapshotInfo> snapshots;
  std::vector<std::string> rejected;
  SnapshotReader reader(directory_, node_id_);
  if (Failure failure = reader.list(snapshots, rejected)) return failure;
  for (std::size_t i = snapshots_kept; i < snapshots.size(); ++i) {
    if (Failure failure = disk::remove_durably(directory_, file_name(snapshots[i].start))) {
      return failure;
    }
  }
  return {};
}

// ---- reading -------------------------------------------------------------------------------

SnapshotReader::SnapshotReader(std::string directory, std::uint64_t node_id)
    : directory_(std::move(directory)), node_id_(node_id) {}

// Head and tail only: what the tail promises is proved by read().
Failure SnapshotReader::inspect(const std::string& path, SnapshotInfo& info) {
  disk::File file;
  if (Failure failure = disk::open_read(path, file)) return failure;
  std::uint64_t bytes = 0;
  if (Failure failure = disk::size_of(file, path, bytes)) return failure;
  if (bytes < sizeof(Head) + sizeof(Tail)) return damaged(path, "too short");
  Head head;
  Tail tail;
  if (Failure failure = disk::read_at(file, path, 0, writable_bytes_of(head))) return failure;
  if (Failure failure =
          disk::read_at(file, path, bytes - sizeof tail, writable_bytes_of(tail))) {
    return failure;
  }
  if (head.magic != head_magic || head.crc != crc_of(head)) return damaged(path, "bad head");
  if (head.version < snapshot_version_oldest || head.version > snapshot_version) {
    return {EINVAL, path + ": snapshot version " + std::to_string(head.version) +
                        "; this levyd reads " + std::to_string(snapshot_version_oldest) + " to " +
                        std::to_string(snapshot_version)};
  }
  if (head.node_id != node_id_) return {EPERM, path + ": of another node"};
  const bool tail_good = tail.magic == tail_magic && tail.crc == crc_of(tail) &&
                         tail.file_bytes == bytes && tail.start_lsn == head.start_lsn &&
                         tail.metadata_bytes <= snapshot_metadata_bytes_max &&
                         padded(tail.metadata_bytes) + sizeof(Head) + sizeof(Tail) <= bytes;
  if (!tail_good) return damaged(path, "bad tail");
  info = {path, Lsn{head.start_lsn}, Lsn{tail.end_lsn}, tail.chunks, bytes};
  return {};
}

Failure SnapshotReader::list(std::vector<SnapshotInfo>& snapshots,
                             std::vector<std::string>& rejected) {
  snapshots.clear();
  std::vector<std::string> names;
  if (Failure failure = disk::list(directory_, names)) return failure;
  for (const std::string& name : names) {
    if (!name.ends_with(suffix)) continue;
    SnapshotInfo info;
    if (Failure failure = inspect(directory_ + "/" + name, info)) {
      rejected.push_back(failure.text);
    } else if (name != file_name(info.start)) {
      rejected.push_back(info.path + ": holds the snapshot that starts at LSN " +
                         std::to_string(info.start.value));
    } else {
      snapshots.push_back(std::move(info));
    }
  }
  std::sort(snapshots.begin(), snapshots.end(),
            [](const SnapshotInfo& a, const SnapshotInfo& b) { return a.start > b.start; });
  return {};
}

Failure SnapshotReader::read(const SnapshotInfo& info,
                             const std::function<bool(const SnapshotChunk&)>& on_chunk,
                             std::vector<std::byte>& metadata) {
  disk::File file;
  if (Failure failure = disk::open_read(info.path, file)) return failure;
  Tail tail;
  const std::uint64_t tail_at = info.bytes - sizeof tail;
  if (Failure failure = disk::read_at(file, info.path, tail_at, writable_bytes_of(tail))) {
    return failure;
  }
  const std::uint64_t metadata_at = tail_at - padded(tail.metadata_bytes);
  std::uint64_t at = sizeof(Head);
  std::uint32_t crcs = 0;
  std::vector<std::byte> bytes;
  for (std::uint64_t number = 0; number < tail.chunks; ++number) {
    const std::string where =
        "chunk " + std::to_string(number) + " at offset " + std::to_string(at);
    ChunkHead head;
    if (at + sizeof head > metadata_at) return damaged(info.path, where + " is missing");
    if (Failure failure = disk::read_at(file, info.path, at, writable_bytes_of(head))) {
      return failure;
    }
    at += sizeof head;
    if (head.magic != chunk_magic || head.bytes > snapshot_chunk_bytes_max ||
        padded(head.bytes) > metadata_at - at ||
        head.number != static_cast<std::uint32_t>(number)) {
      return damaged(info.path, where + " has a bad header");
    }
    bytes.resize(head.bytes);
    if (Failure failure = disk::read_at(file, info.path, at, bytes)) return failure;
    if (head.crc != crc32c(bytes.data(), bytes.size(), crc_of(head))) {
      return damaged(info.path, where + " has a wrong crc");
    }
    at += padded(head.bytes);
    crcs = crc32c(&head.crc, sizeof head.crc, crcs);
    if (!on_chunk({head.shard, head.pool, head.first_slot, head.slot_bytes, bytes})) {
      return {EINVAL, info.path + ": " + where + " was not taken"};
    }
  }
  if (at != metadata_at || crcs != tail.chunk_crcs) {
    return damaged(info.path, "its chunks are not those the tail names");
  }
  metadata.resize(tail.metadata_bytes);
  if (Failure failure = disk::read_at(file, info.path, metadata_at, metadata)) return failure;
  if (crc32c(metadata.data(), metadata.size()) != tail.metadata_crc) {
    return damaged(info.path, "its metadata has a wrong crc");
  }
  return {};
}

Failure SnapshotReader::load(Lsn journal_from, const std::function<void()>& forget,
                             const std::function<bool(const SnapshotChunk&)>& on_chunk,
                             SnapshotLoad& loaded) {
  loaded = {};
  std::vector<SnapshotInfo> snapshots;
  if (Failure failure = list(snapshots, loaded.rejected)) return failure;
  bool tried = false;
  for (const SnapshotInfo& info : snapshots) {
    if (info.start < journal_from) {
      loaded.rejected.push_back(info.path + ": starts at LSN " + std::to_string(info.start.value) +
                                ", but the journal begins at LSN " +
                                std::to_string(journal_from.value));
      continue;
    }
    if (tried) forget();
    tried = true;
    Failure failure = read(info, on_chunk, loaded.metadata);
    if (!failure) {
      loaded.found = true;
      loaded.info = info;
      return {};
    }
    loaded.rejected.push_back(failure.text);
  }
  if (tried) forget();
  loaded.metadata.clear();
  // Without a snapshot the journal is enough exactly if it still has everything.
  if (loaded.rejected.empty() || journal_from.value == 1) return {};
  std::string text = directory_ + ": no snapshot can be taken";
  for (const std::string& reason : loaded.rejected) text += "; " + reason;
  return {EINVAL, text};
}

Failure snapshot_needs_from(const std::string& directory, std::uint64_t node_id,
                            Lsn& needed_from) {
  std::vector<SnapshotInfo> snapshots;
  std::vector<std::string> rejected;
  needed_from = Lsn{1};
  if (Failure failure = SnapshotReader(directory, node_id).list(snapshots, rejected)) {
    return failure;
  }
  if (snapshots.size() >= snapshots_kept) needed_from = snapshots[snapshots_kept - 1].start;
  return {};
}

}  // namespace levy::journal
