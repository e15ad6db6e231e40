// Trace lines (see trace.hpp).
// Core: admin and control threads. Allocates: yes. Blocks: next() waits. Clock: steady, for waits.
#include "engine/admin/trace.hpp"

#include <nlohmann/json.hpp>

namespace levy::admin {

bool TraceQueue::put(const ControlDoor::TraceItem& item) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(item.message.size() * 2);
  for (const std::uint8_t byte : item.message) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  const nlohmann::ordered_json json = {{"at", item.at.micros},
                                       {"direction", item.from_gateway ? "in" : "out"},
                                       {"peer", item.peer},
                                       {"hex", hex}};
  std::string line = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  const std::lock_guard lock(mutex_);
  if (over_) return false;
  if (lines_.size() >= items_max) ++lost_;
  else lines_.push_back(std::move(line));
  filled_.notify_one();
  return true;
}

std::string TraceQueue::next(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  filled_.wait_for(lock, patience, [&] { return over_ || lost_ > 0 || !lines_.empty(); });
  if (!lines_.empty()) {
    std::string line = std::move(lines_.front());
    lines_.pop_front();
    return line;
  }
  if (lost_ == 0) return {};
  const std::string line = "{\"lost\":" + std::to_string(lost_) + "}\n";
  lost_ = 0;
  return line;
}

void TraceQueue::end() {
  const std::lock_guard lock(mutex_);
  over_ = true;
  filled_.notify_one();
}

}  // namespace levy::admin
