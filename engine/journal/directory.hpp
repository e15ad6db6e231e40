// NodeDirectory: the one place on disk that belongs to a node: made once, locked while in use.
// Core: control. Allocates: yes. Blocks: on the disk. Clock: none (the time comes in).
//
//   <path>/LEVY        who this is: text, one "key value" per line, the last line its crc32c
//   <path>/lock        locked by the daemon that runs on it, holds its process id
//   <path>/journal/    segments
//   <path>/snapshot/   snapshots
//   <path>/plans/      plan sources
//
// Invariants: the node id never changes; the shard count never changes; one process at a time.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/time.hpp"
#include "engine/journal/disk.hpp"
#include "engine/journal/segment_store.hpp"

namespace levy::journal {

inline constexpr std::uint32_t directory_format = 1;
inline constexpr std::uint32_t directory_format_oldest = 1;

struct DirectoryRequest {
  std::string path;
  std::string node_name;     // 1..63 characters without blanks; a directory of another is refused
  std::uint32_t shards = 0;  // used when it is made; otherwise what the directory says is right
  Time now{};                // for "created"
  bool create = true;        // false: it must exist (tools)
  bool adopt = false;        // take over a directory of another node: it is renamed to ours
};

class NodeDirectory {
 public:
  // Makes the directory if there is none, locks it and reads who it is.
  Failure open(const DirectoryRequest& request);
  // Reads LEVY without a lock and without changing anything (tools on a copy or a live directory).
  Failure inspect(const std::string& path);

  const std::string& path() const { return path_; }
  std::string journal_path() const { return path_ + "/journal"; }
  std::string snapshot_path() const { return path_ + "/snapshot"; }
  std::string plans_path() const { return path_ + "/plans"; }
  std::uint64_t node_id() const { return node_id_; }
  const std::string& node_name() const { return node_name_; }
  std::uint32_t shards() const { return shards_; }
  Time created() const { return created_; }
  bool fresh() const { return fresh_; }  // made by this open()
  // Name it had before --adopt took it over; empty otherwise.
  const std::string& adopted_from() const { return adopted_from_; }

 private:
  Failure take_lock();
  Failure make(const DirectoryRequest& request);
  Failure write_identity();
  Failure read_identity();
  Failure parse_identity(const std::string& text);

  std::string path_;
  disk::File lock_;
  std::uint64_t node_id_ = 0;
  std::string node_name_;
  std::uint32_t shards_ = 0;
  Time created_{};
  bool fresh_ = false;
  std::string adopted_from_;
};

}  // namespace levy::journal
