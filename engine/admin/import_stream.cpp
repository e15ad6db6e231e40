// The import's stream cut into lines, and what it tells of itself (see import.hpp).
// Core: one admin thread. Allocates: yes. Blocks: for room. Clock: none.
#include <nlohmann/json.hpp>

#include "engine/admin/import.hpp"

namespace levy::admin {

bool Import::feed(std::string_view bytes) {
  while (!bytes.empty() && !stopped_) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    const bool whole = end != std::string_view::npos;
    bytes.remove_prefix(whole ? end + 1 : bytes.size());
    if (whole && partial_.empty() && !partial_too_long_) {
      take_line(part);
      continue;
    }
    if (partial_.size() + part.size() > line_bytes_max)
      partial_too_long_ = true;
    else
      partial_ += part;
    if (!whole) continue;
    if (partial_too_long_) partial_.assign(line_bytes_max + 1, ' ');
    take_line(partial_);
    partial_.clear();
    partial_too_long_ = false;
  }
  return !stopped_;
}

void Import::finish(bool whole) {
  if (!whole) stopped_ = true;  // what came of the last line may be a part of it: "10" of "100"
  if (!stopped_ && (!partial_.empty() || partial_too_long_)) {
    if (partial_too_long_) partial_.assign(line_bytes_max + 1, ' ');
    take_line(partial_);
    partial_.clear();
  }
  while (free_rows_.size() < rows_.size()) pump(true);
  if (!header_read_ && refusal_.empty()) refusal_ = "there is no header line";
  progress_.running = false;
}

std::string Import::progress_json(const ImportProgress& progress) {
  return nlohmann::ordered_json{
             {"running", progress.running.load()},     {"lines", progress.lines.load()},
             {"created", progress.created.load()},     {"updated", progress.updated.load()},
             {"unchanged", progress.unchanged.load()}, {"failed", progress.failed.load()}}
             .dump() +
         "\n";
}

std::string Import::summary_json() const {
  nlohmann::ordered_json errors = nlohmann::ordered_json::array();
  for (const LineError& error : errors_) {
    errors.push_back({{"line", error.line}, {"why", error.why}});
  }
  const nlohmann::ordered_json json = {{"created", progress_.created.load()},
                                       {"updated", progress_.updated.load()},
                                       {"unchanged", progress_.unchanged.load()},
                                       {"failed", progress_.failed.load()},
                                       {"lines", progress_.lines.load()},
                                       {"stopped", stopped_},
                                       {"errors", std::move(errors)}};
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace levy::admin
