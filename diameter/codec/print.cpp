// print_message: the text of one message.
// Core: control and tools, never the corridor. Allocates: the text. Blocks: never. Clock: none.
#include "diameter/codec/print.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "config/limits.hpp"
#include "diameter/codec/avp.hpp"
#include "diameter/codec/dictionary.hpp"

namespace levy::codec {

namespace {

constexpr std::size_t hex_bytes_shown_max = 64;

template <class... Values>
void put(std::string& out, const char* format, Values... values) {
  char line[160];
  const int size = std::snprintf(line, sizeof line, format, values...);
  out.append(line, std::min<std::size_t>(size < 0 ? 0 : static_cast<std::size_t>(size),
                                         sizeof line - 1));
}

bool printable(Bytes data) {
  return std::all_of(data.begin(), data.end(),
                     [](std::uint8_t c) { return c >= 0x20 && c != 0x7f; });
}

void put_hex(std::string& out, Bytes data) {
  out += "0x";
  const std::size_t shown = std::min(data.size(), hex_bytes_shown_max);
  for (std::size_t i = 0; i < shown; ++i) put(out, "%02x", unsigned{data[i]});
  if (shown < data.size()) put(out, "… (%zu bytes)", data.size());
}

void put_text(std::string& out, Bytes data) {
  if (!printable(data)) return put_hex(out, data);
  out += '"';
  for (const std::uint8_t c : data) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<char>(c);
  }
  out += '"';
}

void put_address(std::string& out, Bytes data) {
  if (data.size() == 6 && data[0] == 0 && data[1] == 1) {
    return put(out, "%u.%u.%u.%u", unsigned{data[2]}, unsigned{data[3]}, unsigned{data[4]},
               unsigned{data[5]});
  }
  if (data.size() != 18 || data[0] != 0 || data[1] != 2) return put_hex(out, data);
  for (std::size_t i = 2; i < 18; i += 2) {
    put(out, i == 2 ? "%x" : ":%x", unsigned{data[i]} << 8 | data[i + 1]);
  }
}

void put_value(std::string& out, const Avp& one, AvpType type) {
  const bool four = one.data.size() == 4;
  const bool eight = one.data.size() == 8;
  switch (type) {
    case AvpType::u32: {
      if (!four) break;
      const std::uint32_t value = load32(one.data.data());
      put(out, "%" PRIu32, value);
      const std::string_view name = enumerated_name(one.code, one.vendor, value);
      if (!name.empty()) out.append(" ").append(name);
      return;
    }
    case AvpType::enumerated: {
      if (!four) break;
      const std::uint32_t value = load32(one.data.data());
      put(out, "%" PRId32, static_cast<std::int32_t>(value));
      const std::string_view name = enumerated_name(one.code, one.vendor, value);
      if (!name.empty()) out.append(" ").append(name);
      return;
    }
    case AvpType::i32:
      if (!four) break;
      return put(out, "%" PRId32, static_cast<std::int32_t>(load32(one.data.data())));
    case AvpType::u64:
      if (!eight) break;
      return put(out, "%" PRIu64, load64(one.data.data()));
    case AvpType::i64:
      if (!eight) break;
      return put(out, "%" PRId64, static_cast<std::int64_t>(load64(one.data.data())));
    case AvpType::time:
      if (!four) break;
      return put(out, "%" PRIu32 " s since 1900", load32(one.data.data()));
    case AvpType::address: return put_address(out, one.data);
    case AvpType::utf8:
    case AvpType::identity:
    case AvpType::uri:
    case AvpType::filter: return put_text(out, one.data);
    default: break;
  }
  put_hex(out, one.data);
}

void put_fault(std::string& out, const CodecError& error, int depth) {
  out.append(static_cast<std::size_t>(depth) * 2, ' ');
  const auto code = static_cast<std::uint32_t>(error.code);
  put(out, "fault %u ", code);
  out.append(enumerated_name(268, 0, code)).append(" at ");
  put_hex(out, error.offending);
  out += '\n';
}

void put_list(std::string& out, Bytes bytes, int depth) {
  AvpCursor cursor(bytes);
  Avp one;
  while (cursor.next(one)) {
    const DictionaryEntry* entry = find_entry(one.code, one.vendor);
    const AvpType type = entry == nullptr ? AvpType::unknown : entry->type;
    out.append(static_cast<std::size_t>(depth) * 2, ' ');
    out += entry == nullptr ? "Unknown" : entry->name;
    put(out, " %" PRIu32, one.code);
    if (one.vendor != 0) put(out, "/%" PRIu32, one.vendor);
    if (one.mandatory()) out += " M";
    if ((one.flags & avp_protected) != 0) out += " P";
    if (type == AvpType::grouped && depth < limits::avp_depth_max) {
      out += '\n';
      put_list(out, one.data, depth + 1);
      continue;
    }
    out += " = ";
    put_value(out, one, type);
    out += '\n';
  }
  if (cursor.error()) put_fault(out, cursor.error(), depth);
}

}  // namespace

std::string print_message(std::span<const std::uint8_t> message) {
  std::string out;
  if (message.size() < header_bytes) {
    CodecError error;
    error.code = ResultCode::invalid_message_length;
    error.offending = message;
    put_fault(out, error, 0);
    return out;
  }
  const Header header = read_header(message);
  const std::string_view name = command_name(header.command);
  out.append(name.empty() ? "Unknown" : name);
  out += header.is_request() ? "-Request" : "-Answer";
  put(out, " %" PRIu32 " application %" PRIu32, header.command, header.application);
  if ((header.flags & flag_proxiable) != 0) out += " P";
  if ((header.flags & flag_error) != 0) out += " E";
  if ((header.flags & flag_retransmit) != 0) out += " T";
  if ((header.flags & flags_reserved) != 0) put(out, " reserved-bits 0x%x", header.flags & 0x0fu);
  put(out, " hop-by-hop 0x%08" PRIx32 " end-to-end 0x%08" PRIx32, header.hop_by_hop,
      header.end_to_end);
  if (header.version != 1) put(out, " version %u", unsigned{header.version});
  put(out, " length %" PRIu32, header.length);
  if (header.length != message.size()) put(out, " (of %zu bytes)", message.size());
  out += '\n';
  put_list(out, message.subspan(header_bytes), 1);
  return out;
}

}  // namespace levy::codec
