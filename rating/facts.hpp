// Facts: the values that conditions compare, as keys made from the bytes of a message or, by the
// compiler, from the text of a plan. Both sides use these functions, so they cannot disagree.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// Internal to rating/ and rating/compile.
#pragma once

#include <cstdint>
#include <string_view>

#include "rating/plan.hpp"

namespace levy::rating {

// The kind of a Service-Context-Id: one ServiceContext bit, by the TS number before '@'
// (TS 32.299 7.2.x; prefixes such as "Rel.MCC.MNC." and suffixes vary by make).
std::uint8_t context_of(std::string_view service_context_id);

// Stable key of an APN: letters are lower case and ".mnc001.mcc262.gprs" is cut off.
std::uint64_t apn_key(std::string_view apn);
std::string_view apn_network(std::string_view apn);  // without the operator's suffix

// Stable key of a segment's name, never 0.
std::uint32_t segment_key(std::string_view name);

// A number of 1 to 15 digits as a key; 0: it is none.
std::uint64_t number_key(std::string_view digits);
// The digits of a key, at most 15; returns how many.
std::size_t number_digits(std::uint64_t key, char* into);

// 4 hex digits; false: other bytes.
bool characteristics_value(std::string_view text, std::uint64_t& value);

// A place as a key: PLMN, area and cell of TS 29.061 16.4.7.2.
enum class PlaceKind : std::uint8_t { cgi = 1, sai = 2, rai = 3, tai = 4, ecgi = 5, ncgi = 6 };
struct Place3gpp {
  PlaceKind kind{};
  std::uint16_t mcc = 0;
  std::uint16_t mnc = 0;        // as a number
  std::uint8_t mnc_digits = 2;  // 2 or 3
  std::uint32_t area = 0;       // LAC or TAC; 0 for ECGI and NCGI
  std::uint64_t cell = 0;       // CI, SAC, E-UTRAN or NR cell; 0 for TAI
};
std::uint64_t location_key(const Place3gpp& place);

// The places in a 3GPP-User-Location-Info: at most 2 (TAI and cell). Returns how many.
std::uint32_t places_of(std::string_view user_location, Place3gpp (&places)[2]);

// The zone of the first of them that has one, the cell before the area.
std::uint32_t location_zone(const Zones& zones, std::string_view user_location);

}  // namespace levy::rating
