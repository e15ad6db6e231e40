// The text of one value -> an exact number: integers, sizes, durations, shares, money, prices.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Never through floating point and never rounded: "1.5 MB" is 1500000, "1.5 B" is a fault.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "rating/plan_source.hpp"

namespace levy::config {

// A number or the reason why there is none (one of the two; `fault` empty = good).
struct Parsed {
  std::int64_t number = 0;
  std::string fault;
  bool ok() const { return fault.empty(); }
};

// One unit of a family: its value in base units is `factor`; `bare` = the base when no unit stands.
struct UnitName {
  std::string_view name;
  std::int64_t factor;
};

// Base: bytes (octets). B, kB, MB, GB, TB are powers of 10^3; KiB … TiB of 2^10.
std::span<const UnitName> size_units();
// Base: microseconds. us, ms, s, min, h, d.
std::span<const UnitName> duration_units();

// Digits with an optional sign; "_" may stand between digits.
Parsed parse_integer(std::string_view text);
// "<decimal> <unit>" in base units, exact; `bare_factor` 0 = the unit must be written (but for 0).
Parsed parse_scaled(std::string_view text, std::span<const UnitName> units,
                    std::int64_t bare_factor, std::string_view base_name);
// Octets: "1500000", "1.5 MB", "1 GiB", "1500000 octets".
Parsed parse_octets(std::string_view text);
// Bytes; the unit must be written.
Parsed parse_size(std::string_view text);
// "30 s", "15 min" in units of `base_us` microseconds (1, 1000 or 1000000); the unit must be
// written, and the value must be a whole number of the base.
Parsed parse_duration(std::string_view text, std::int64_t base_us);
// "20 %", "12.5 %" -> per mille.
Parsed parse_permille(std::string_view text);
// Units of a service: octets, seconds ("60", "60 s", "2 min") or events ("5", "5 events").
Parsed parse_units(std::string_view text, std::string_view unit);

// "0.25", "10": digits with an optional fraction; `allow_negative` admits a leading "-".
bool is_decimal(std::string_view text, bool allow_negative);

// "<amount> <CUR>", exact; the amount without its underscores.
struct ParsedAmount {
  std::string amount;
  std::string currency;
  std::string fault;
  bool ok() const { return fault.empty(); }
};
ParsedAmount parse_money(std::string_view text);

// "month", "2 weeks", "30 days".
struct ParsedPeriod {
  rating::PeriodSource period;
  std::string fault;
  bool ok() const { return fault.empty(); }
};
ParsedPeriod parse_period(std::string_view text);

// "10 GB", "90 min", "100 events", "2 EUR", or a number of a unit that stands elsewhere.
struct ParsedQuantity {
  rating::QuantitySource quantity;
  std::string fault;
  bool ok() const { return fault.empty(); }
};
ParsedQuantity parse_quantity(std::string_view text);

// "<amount> <CUR> per <units>[, step <units>][, first <units>][, up to <units>]" or "free". `unit`
// is the service's.
struct ParsedPrice {
  rating::PriceSource price;
  std::string currency;  // as written; empty for free
  std::string fault;
  bool ok() const { return fault.empty(); }
};
ParsedPrice parse_price(std::string_view text, std::string_view unit);

// An IPv4 or IPv6 literal (no brackets, no zone).
bool is_ip_address(std::string_view text);
// "host:port", "1.2.3.4:3868", "[::1]:3868".
struct ParsedEndpoint {
  std::string host;
  std::int64_t port = 0;
  std::string fault;
  bool ok() const { return fault.empty(); }
};
ParsedEndpoint parse_endpoint(std::string_view text);

// DiameterIdentity: a host name in ASCII letters, digits, '-', '_' and '.', 1..255 bytes, labels
// of 1..63 bytes.
bool is_diameter_identity(std::string_view text);
// Names of plans, services, bucket kinds, dialects: letters, digits, '-', '_', '.'; 1..63 bytes.
bool is_name(std::string_view text);

// The shortest exact form of a number of base units, for messages and the key list.
std::string show_size(std::int64_t bytes);
std::string show_duration(std::int64_t value, std::int64_t base_us);
std::string show_permille(std::int64_t permille);

std::string_view trim(std::string_view text);

}  // namespace levy::config
