// Files of records in order (see record_files.hpp).
// Core: none. Allocates: yes. Blocks: reads files. Clock: steady, for progress.
//
// A reader may meet a record twice (engine/feed/README.md): within a node, LSNs ascend, so one that
// does not is a repetition. The last line of a file being written may be torn.
#include "tools/levyctl/record_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <tuple>

namespace levyctl {

namespace {

namespace fs = std::filesystem;

struct File {
  std::string node;  // the path, where the name is not of the feed's form
  std::uint64_t from = 0;
  std::string path;
  bool part = false;
};

// "<node>-<first LSN>.jsonl[.part]"
File file_of(const fs::path& path) {
  File file{path.string(), 0, path.string(), path.extension() == ".part"};
  const std::string name = path.filename().string();
  const std::string stem = name.substr(0, name.find(".jsonl"));
  const std::size_t dash = stem.rfind('-');
  if (dash == stem.npos || dash + 1 == stem.size() || stem.size() - dash > 21) return file;
  if (stem.find_first_not_of("0123456789", dash + 1) != stem.npos) return file;
  file.node = stem.substr(0, dash);
  file.from = std::stoull(stem.substr(dash + 1));
  return file;
}

void add_fault(RecordReading& reading, const std::string& fault) {
  ++reading.fault_count;
  if (reading.faults.size() < RecordReading::faults_max) reading.faults.push_back(fault);
}

std::vector<File> files_of(const std::vector<std::string>& paths, RecordReading& reading) {
  std::vector<File> files;
  for (const std::string& path : paths) {
    std::error_code error;
    const std::size_t before = files.size();
    if (!fs::is_directory(path, error)) {
      files.push_back(file_of(path));
      continue;
    }
    for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with(".jsonl") || name.ends_with(".jsonl.part"))
        files.push_back(file_of(entry.path()));
    }
    if (files.size() == before) add_fault(reading, path + ": no *.jsonl in this directory");
  }
  std::stable_sort(files.begin(), files.end(), [](const File& a, const File& b) {
    return std::tie(a.node, a.from) < std::tie(b.node, b.from);
  });
  return files;
}

class Progress {
 public:
  void at(std::uint64_t lines, const std::string& path) {
    if ((lines & 4095) != 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::seconds(3)) return;
    last_ = now;
    fmt::print(stderr, "{} records read, in {}\n", lines, path);
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace

RecordReading read_records(const std::vector<std::string>& paths,
                           const std::function<bool(const std::string&)>& wanted,
                           const std::function<void(const RecordLine&)>& take) {
  RecordReading reading;
  Progress progress;
  std::map<std::string, std::uint64_t> last;  // LSN, by node
  RecordLine record;
  std::string line;
  for (const File& file : files_of(paths, reading)) {
    std::ifstream in(file.path, std::ios::binary);
    if (!in) add_fault(reading, file.path + ": cannot be read");
    for (std::uint64_t number = 1; std::getline(in, line); ++number) {
      const bool torn = in.eof();  // no end of line
      progress.at(++reading.lines, file.path);
      if (line.empty() || (wanted && !wanted(line))) continue;
      const std::string fault = read_record(line, record);
      if (!fault.empty()) {
        if (!(torn && file.part))
          add_fault(reading, fmt::format("{}:{}: {}", file.path, number, fault));
        continue;
      }
      std::uint64_t& seen = last[file.node];
      if (record.lsn <= seen) {
        ++reading.repeated;
        continue;
      }
      seen = record.lsn;
      take(record);
    }
  }
  return reading;
}

void report_faults(const RecordReading& reading) {
  for (const std::string& fault : reading.faults) fmt::print(stderr, "{}\n", fault);
  if (reading.fault_count > reading.faults.size())
    fmt::print(stderr, "and {} more\n", reading.fault_count - reading.faults.size());
}

}  // namespace levyctl
