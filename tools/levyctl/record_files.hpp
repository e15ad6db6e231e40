// The files of charging records, as an operator names them: read line by line, in order.
// Core: none. Allocates: yes. Blocks: reads files. Clock: steady, for progress.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/levyctl/record_line.hpp"

namespace levyctl {

struct RecordReading {
  std::vector<std::string> faults;  // "file:line: why", at most faults_max of them
  std::uint64_t fault_count = 0;
  std::uint64_t lines = 0;
  std::uint64_t repeated = 0;  // of a file given twice, or copied: left out
  static constexpr std::size_t faults_max = 20;
  bool ok() const { return fault_count == 0; }
};

// Files, and directories of *.jsonl and *.jsonl.part, by node and first LSN, whatever their order
// on the command line. `wanted` sees each line and says whether it is worth reading (empty: all
// are); `take` gets the records. More than a few seconds of it show on standard error.
RecordReading read_records(const std::vector<std::string>& paths,
                           const std::function<bool(const std::string&)>& wanted,
                           const std::function<void(const RecordLine&)>& take);

// Prints the faults to standard error.
void report_faults(const RecordReading& reading);

}  // namespace levyctl
