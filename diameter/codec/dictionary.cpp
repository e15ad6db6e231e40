// The dictionary's tables, made at compile time from the rows in dictionary_*.inc.
// Core: edge, shard, control, tools. Allocates: never. Blocks: never. Clock: none.
//
// Invariants, checked at compile time: each table ascends without repeats and fits its byte table.
#include "diameter/codec/dictionary.hpp"

#include <algorithm>

namespace levy::codec {

namespace {

struct Row {
  std::uint32_t code;
  AvpType type;
  bool mandatory;
  const char* name;
};
struct OtherRow {
  std::uint32_t code;
  std::uint32_t vendor;
  AvpType type;
  bool mandatory;
  const char* name;
};
struct EnumRow {
  std::uint32_t vendor;
  std::uint32_t code;
  std::uint32_t value;
  const char* name;
};

constexpr Row ietf_rows[] = {
#include "diameter/codec/dictionary_ietf.inc"
};
constexpr Row third_rows[] = {
#include "diameter/codec/dictionary_3gpp_low.inc"
#include "diameter/codec/dictionary_3gpp_high.inc"
};
constexpr OtherRow other_rows[] = {
#include "diameter/codec/dictionary_other.inc"
};
constexpr EnumRow enum_rows[] = {
#include "diameter/codec/dictionary_enums.inc"
};

template <std::size_t N>
constexpr std::array<DictionaryEntry, N> make_entries(const Row (&rows)[N], std::uint32_t vendor) {
  std::array<DictionaryEntry, N> out{};
  for (std::size_t i = 0; i < N; ++i) {
    out[i] = {rows[i].code, vendor, rows[i].type, rows[i].mandatory, rows[i].name};
  }
  return out;
}
template <std::size_t N>
constexpr std::array<DictionaryEntry, N> make_entries(const OtherRow (&rows)[N]) {
  std::array<DictionaryEntry, N> out{};
  for (std::size_t i = 0; i < N; ++i) {
    out[i] = {rows[i].code, rows[i].vendor, rows[i].type, rows[i].mandatory, rows[i].name};
  }
  return out;
}

constexpr bool before(const DictionaryEntry& a, const DictionaryEntry& b) {
  return a.vendor != b.vendor ? a.vendor < b.vendor : a.code < b.code;
}
template <std::size_t N>
constexpr bool ascends(const std::array<DictionaryEntry, N>& entries) {
  for (std::size_t i = 1; i < N; ++i) {
    if (!before(entries[i - 1], entries[i])) return false;
  }
  return true;
}

constexpr auto ietf_entries = make_entries(ietf_rows, 0);
constexpr auto third_entries = make_entries(third_rows, vendor_3gpp);
constexpr auto other_entries = make_entries(other_rows);
static_assert(ascends(ietf_entries) && ietf_entries.back().code < ietf_codes_end);
static_assert(ascends(third_entries) && third_entries.back().code < third_codes_end);
static_assert(ascends(other_entries));

template <std::size_t Size, std::size_t N>
constexpr std::array<AvpType, Size> make_types(const std::array<DictionaryEntry, N>& entries) {
  std::array<AvpType, Size> out{};
  for (const DictionaryEntry& entry : entries) out[entry.code] = entry.type;
  return out;
}

constexpr bool enum_before(const EnumRow& a, const EnumRow& b) {
  if (a.vendor != b.vendor) return a.vendor < b.vendor;
  if (a.code != b.code) return a.code < b.code;
  return a.value < b.value;
}

}  // namespace

constinit const std::array<AvpType, ietf_codes_end> ietf_types =
    make_types<ietf_codes_end>(ietf_entries);
constinit const std::array<AvpType, third_codes_end> third_types =
    make_types<third_codes_end>(third_entries);

AvpType other_vendor_type(std::uint32_t code, std::uint32_t vendor) {
  for (const DictionaryEntry& entry : other_entries) {
    if (entry.code == code && entry.vendor == vendor) return entry.type;
  }
  return AvpType::unknown;
}

std::span<const DictionaryEntry> dictionary_entries(std::uint32_t vendor) {
  if (vendor == 0) return ietf_entries;
  if (vendor == vendor_3gpp) return third_entries;
  return other_entries;
}

const DictionaryEntry* find_entry(std::uint32_t code, std::uint32_t vendor) {
  const DictionaryEntry wanted{code, vendor, AvpType::unknown, false, ""};
  const std::span<const DictionaryEntry> entries = dictionary_entries(vendor);
  const auto at = std::lower_bound(entries.begin(), entries.end(), wanted, before);
  return at != entries.end() && at->code == code && at->vendor == vendor ? &*at : nullptr;
}

std::string_view enumerated_name(std::uint32_t code, std::uint32_t vendor, std::uint32_t value) {
  const EnumRow wanted{vendor, code, value, ""};
  const auto* end = std::end(enum_rows);
  const auto* at = std::lower_bound(std::begin(enum_rows), end, wanted, enum_before);
  const bool found = at != end && !enum_before(wanted, *at);
  return found ? std::string_view(at->name) : std::string_view();
}

std::string_view command_name(std::uint32_t command) {
  switch (static_cast<CommandCode>(command)) {
    case CommandCode::capabilities_exchange: return "Capabilities-Exchange";
    case CommandCode::re_auth: return "Re-Auth";
    case CommandCode::credit_control: return "Credit-Control";
    case CommandCode::abort_session: return "Abort-Session";
    case CommandCode::session_termination: return "Session-Termination";
    case CommandCode::device_watchdog: return "Device-Watchdog";
    case CommandCode::disconnect_peer: return "Disconnect-Peer";
  }
  return {};
}

}  // namespace levy::codec
