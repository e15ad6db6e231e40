// Sink: the files of one format. What a file contains says how far the feed has come.
// Core: feed. Allocates: yes. Blocks: on the disk. Clock: the time comes in.
//
//   <directory>/<node>-<first LSN, 20 digits>.jsonl.part   being written
//   <directory>/<node>-<first LSN, 20 digits>.jsonl        rotated: complete, never changed again
//
// Invariants: every Record below the LSN in the newest file's name is in older files or is no
// charging Record; lines of a file, and of files in the order of their names, ascend by (LSN,
// index); a rotated file ends with a whole Record.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/feed/record_text.hpp"
#include "engine/journal/disk.hpp"

namespace levy::feed {

struct SinkOptions {
  std::string directory;
  std::string node;
  Format format = Format::jsonl;
  std::int64_t rotate_every_s = 3600;
  std::int64_t rotate_bytes = 64 * 1024 * 1024;
  std::int64_t retention_s = 0;  // 0: files are never removed
};

class Sink {
 public:
  explicit Sink(const SinkOptions& options) : options_(options) {}

  // Finds the newest file, cuts what is torn and goes on behind it. `fresh`: there was none, and
  // start() must say where the records begin.
  journal::Failure open(Time now, bool& fresh);
  journal::Failure start(Lsn from, Time now);

  // The first Record that the files may lack: the last one in them counts, as some of its lines
  // may be missing.
  Lsn resume() const;
  // Keeps the lines that the files do not have yet until flush().
  void append(Lsn lsn, const Lines& lines);
  // Writes; after a failure the same bytes are written again by the next call.
  journal::Failure flush();
  // Durable; resume() before it is what a restart may find.
  journal::Failure sync();
  // Closes the file under its final name and begins one at `from`; an empty one is only renamed.
  // Everything below `from` is in the files.
  journal::Failure rotate(Lsn from, Time now);
  bool rotation_due(Time now) const;
  // Removes rotated files that are older than the retention.
  journal::Failure expire(Time now);

  bool pending() const { return !pending_.empty(); }
  Format format() const { return options_.format; }
  std::uint64_t lines() const { return lines_; }  // written since open()

 private:
  struct Named {
    std::string name;
    std::uint64_t from = 0;
    bool part = false;
  };
  journal::Failure list(std::vector<Named>& files) const;
  std::string name_of(std::uint64_t from, bool part) const;
  std::string path_of(const std::string& name) const { return options_.directory + "/" + name; }
  journal::Failure scan(const std::string& path, const journal::disk::File& file,
                        std::uint64_t size, std::uint64_t& good);
  void take_line(std::string_view line, std::uint64_t end, std::uint64_t& good, bool& ordered);
  journal::Failure reopen(const Named& newest, Time now);

  SinkOptions options_;
  journal::disk::File file_;
  std::string path_;
  std::uint64_t from_ = 0;     // of the file's name
  std::uint64_t written_ = 0;  // bytes of the file
  bool empty_ = true;          // no line of a Record in it
  bool foreign_ = false;       // its heading is another one
  Lsn begin_at_{};             // of the next file, where there is none open
  Time opened_at_{};
  std::string pending_;
  Position last_{};  // last line kept or written, lsn 0 = none
  std::uint64_t lines_ = 0;
};

}  // namespace levy::feed
