// The dictionary: which AVPs are known, their data type, M rule and name. Data, not code.
// Core: edge, shard (traits_of), control and tools (the rest). Allocates: never. Blocks: never.
// Clock: none.
//
// Holds what Gy, Gx and base messages may carry (RFC 6733, 8506, 7155, TS 32.299, 29.061, 29.212).
// traits_of() is one load from a byte table, so the decoders may ask it for every AVP that they do
// not read themselves; names and binary searches are for people and for error answers.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "diameter/codec/avp.hpp"

namespace levy::codec {

// RFC 6733 section 4.2 and 4.3.
enum class AvpType : std::uint8_t {
  unknown = 0,
  octets,
  i32,
  i64,
  u32,
  u64,
  utf8,
  enumerated,
  time,
  address,
  identity,
  uri,
  filter,
  grouped,
};

inline constexpr std::uint32_t ietf_codes_end = 1024;   // vendor 0: codes below are tabulated
inline constexpr std::uint32_t third_codes_end = 4608;  // vendor 10415
extern const std::array<AvpType, ietf_codes_end> ietf_types;
extern const std::array<AvpType, third_codes_end> third_types;
AvpType other_vendor_type(std::uint32_t code, std::uint32_t vendor);

// The data type of an AVP; AvpType::unknown when the dictionary does not have it.
inline AvpType traits_of(std::uint32_t code, std::uint32_t vendor) {
  if (vendor == 0) return code < ietf_codes_end ? ietf_types[code] : AvpType::unknown;
  if (vendor == vendor_3gpp) return code < third_codes_end ? third_types[code] : AvpType::unknown;
  return other_vendor_type(code, vendor);
}

// The least number of data bytes that a value of this type has, as an example in a Failed-AVP:
// texts and octet strings have one, for decoders that take an empty one for a fault.
constexpr std::size_t data_bytes_min(AvpType type) {
  switch (type) {
    case AvpType::i32:
    case AvpType::u32:
    case AvpType::enumerated:
    case AvpType::time: return 4;
    case AvpType::i64:
    case AvpType::u64: return 8;
    case AvpType::address: return 6;  // family and an IPv4 address
    case AvpType::grouped:
    case AvpType::unknown: return 0;
    default: return 1;
  }
}

struct DictionaryEntry {
  std::uint32_t code = 0;
  std::uint32_t vendor = 0;
  AvpType type = AvpType::unknown;
  bool mandatory = false;  // M bit when Levy sends it
  const char* name = "";
};

// Null when unknown.
const DictionaryEntry* find_entry(std::uint32_t code, std::uint32_t vendor);
// Name of an enumerated value (also of Result-Code); empty when unknown.
std::string_view enumerated_name(std::uint32_t code, std::uint32_t vendor, std::uint32_t value);
// Name of a command without -Request or -Answer, e.g. "Credit-Control"; empty when unknown.
std::string_view command_name(std::uint32_t command);

// Every entry, ascending by (vendor, code): for tests and listings.
std::span<const DictionaryEntry> dictionary_entries(std::uint32_t vendor);

}  // namespace levy::codec
