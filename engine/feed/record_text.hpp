// One charging Record as a line of JSON, or as rows of CSV: README.md says what every field means.
// Core: feed. Allocates: yes. Blocks: never. Clock: none (times come from the Records, UTC).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/feed/names.hpp"
#include "engine/shard/record.hpp"

namespace levy::feed {

enum class Format : std::uint8_t { jsonl, csv };

// Whether the Record belongs into the records: a charge, or anything that moved a bucket.
bool is_charging(const shard::RecordView& record);

// The Record's lines, without their ends; line i has the index i.
struct Lines {
  std::vector<std::string> jsonl, csv;
  const std::vector<std::string>& of(Format format) const {
    return format == Format::jsonl ? jsonl : csv;
  }
};
// `identities` null: not joined.
Lines lines_of(Lsn lsn, const shard::RecordView& record, Names& names,
               const Identities* identities, bool jsonl, bool csv);

// The first line of a file; empty: none.
std::string_view heading(Format format);

// What a line begins with: which Record, and which of its lines. false: it is no whole line.
struct Position {
  std::uint64_t lsn = 0;
  std::uint32_t index = 0;
  friend bool operator<(const Position& a, const Position& b) {
    return a.lsn != b.lsn ? a.lsn < b.lsn : a.index < b.index;
  }
};
bool position_of(Format format, std::string_view line, Position& position);

// amount * rate / (1000 + rate), the tax that an amount of micros includes, cut towards zero.
std::int64_t tax_of(std::int64_t amount, std::uint16_t permille);

// Micros as a decimal number with 6 places.
std::string money_text(std::int64_t micros);

}  // namespace levy::feed
