// LogEvent: something worth a log line, as the corridor says it; control writes the text.
// Core: any Loop writes its own ring, control reads. Allocates: never. Blocks: never. Clock:
// stamped.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/ring.hpp"
#include "engine/base/time.hpp"

namespace levy::pipeline {

enum class LogKind : std::uint8_t {
  none = 0,
  identity_conflict,  // a = Result-Code, text = the identities and the Session-Id
  duplicate_differs,  // text = Session-Id
  pool_full,          // a = shard
  decode_refused,     // a = Result-Code, text = Session-Id or empty
  push_failed,        // a = Result-Code (0 = timeout), text = Session-Id
  unroutable_push,    // text = Origin-Host
  dispute,            // text = Session-Id
  late_usage,         // text = Session-Id
  connections_refused,  // a = failed, detail = errno of the latest of them, b = over the maximum
  tombstones_given_up,  // a = how many since the last such line
};

struct LogEvent {
  LogKind kind = LogKind::none;
  std::uint8_t detail = 0;
  std::uint16_t text_bytes = 0;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  Time at{};
  char text[400] = {};  // two identities and what a line says around them

  void set_text(std::string_view s) {
    text_bytes = 0;
    add_text(s);
  }
  void add_text(std::string_view s) {  // long ones are cut: this is for people only
    const std::size_t room = sizeof text - text_bytes;
    text_bytes = static_cast<std::uint16_t>(text_bytes + s.copy(text + text_bytes, room));
  }
  std::string_view view() const { return {text, text_bytes}; }
};

using LogRing = Ring<LogEvent>;

}  // namespace levy::pipeline
