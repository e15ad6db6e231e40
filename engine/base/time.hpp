// Time: microseconds since 1970-01-01T00:00:00Z (UTC, no leap seconds), and durations in seconds.
// Core: any. Allocates: never. Blocks: never. Clock: none (values only; engine/clock.hpp reads
// clocks).
#pragma once

#include <compare>
#include <cstdint>

namespace levy {

struct Time {
  std::int64_t micros = 0;
  constexpr auto operator<=>(const Time&) const = default;
  constexpr std::int64_t seconds() const { return micros / 1'000'000; }
  static constexpr Time from_seconds(std::int64_t s) { return Time{s * 1'000'000}; }
};

// Whole seconds: validity, thresholds, holding times.
struct Seconds {
  std::int64_t value = 0;
  constexpr auto operator<=>(const Seconds&) const = default;
};

constexpr Time operator+(Time t, Seconds s) {
  return Time{t.micros + s.value * 1'000'000};
}
constexpr Time operator-(Time t, Seconds s) {
  return Time{t.micros - s.value * 1'000'000};
}
constexpr std::int64_t micros_between(Time from, Time to) {
  return to.micros - from.micros;
}

// Seconds between 1900-01-01 (NTP, the Diameter Time type, RFC 6733 4.3.1) and 1970-01-01.
inline constexpr std::int64_t ntp_offset_seconds = 2'208'988'800;

}  // namespace levy
