// Request: everything that decides the bytes of one CCR, so that a repeat is the same message.
// Core: load. Allocates: never. Blocks: never. Clock: none.
//
// Session-Id: <origin-host>;<epoch>;<subscriber>;<generation>, three fixed decimal fields of 10
// digits, so that an answer or a ledger line leads back to the subscriber without a table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace levy::load {

// MSCC of one request that levyload writes; the state of a subscriber keeps one bit for each.
inline constexpr std::size_t mscc_max = 8;
inline constexpr std::size_t session_digits = 10;

// Values of CC-Request-Type, RFC 8506 8.3.
enum class RequestType : std::uint8_t { initial = 1, update = 2, termination = 3 };
inline constexpr std::size_t request_types = 3;
constexpr std::size_t index_of(RequestType type) { return static_cast<std::size_t>(type) - 1; }
constexpr char letter_of(RequestType type) { return "IUT"[index_of(type)]; }

struct Request {
  std::uint32_t subscriber = 0;  // counted from the first IMSI
  std::uint32_t generation = 0;  // which session of this subscriber
  std::uint32_t number = 0;      // CC-Request-Number
  std::uint32_t end_to_end = 0;
  std::uint32_t event_time = 0;  // seconds since 1900, as Event-Timestamp carries them
  RequestType type = RequestType::initial;
  std::uint8_t used_mask = 0;    // bit i: MSCC i reports used units (it had a grant)
  bool retransmit = false;       // the T flag
  bool repeat = false;           // the same request was answered (or sent) before
};

// Writes `value` as exactly `width` decimal digits, leading zeros kept.
inline void write_digits(char* at, std::size_t width, std::uint64_t value) {
  for (std::size_t i = width; i > 0; --i) {
    at[i - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

// False unless all of `text` is decimal digits and fits.
inline bool read_digits(std::string_view text, std::uint64_t& value) {
  if (text.empty() || text.size() > 19) return false;
  value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return true;
}

// Splits a Session-Id of ours; false when it is not one.
struct SessionName {
  std::string_view origin_host;
  std::uint64_t epoch = 0, subscriber = 0, generation = 0;
};
inline bool parse_session_id(std::string_view id, SessionName& name) {
  constexpr std::size_t tail = 3 * (session_digits + 1);
  if (id.size() <= tail) return false;
  name.origin_host = id.substr(0, id.size() - tail);
  const std::string_view rest = id.substr(id.size() - tail);
  const auto field = [&](std::size_t i, std::uint64_t& value) {
    const std::size_t at = i * (session_digits + 1);
    return rest[at] == ';' && read_digits(rest.substr(at + 1, session_digits), value);
  };
  return field(0, name.epoch) && field(1, name.subscriber) && field(2, name.generation);
}

}  // namespace levy::load
