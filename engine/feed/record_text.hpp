// One charging Record as a line of JSON, or as rows of CSV: README.md says what every field means.
// Core: feed. Allocates: where its buffers grow. Blocks: never, but for Names. Clock: none (times
// come from the Records, UTC).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/feed/fields.hpp"
#include "engine/feed/names.hpp"
#include "engine/shard/record.hpp"

namespace levy::feed {

// Whether the Record belongs into the records: a charge, or anything that moved a bucket.
bool is_charging(const shard::RecordView& record);

// The lines of one Record, each with its line feed; line i has the index i.
struct Lines {
  std::string text;
  std::vector<std::size_t> ends;  // of each line in the text
};

class RecordText {
 public:
  explicit RecordText(Names& names) : names_(names) {}

  // Valid until the next call. `identities` null: not joined.
  const Lines& lines(Format format, Lsn lsn, const shard::RecordView& record,
                     const Identities* identities);

 private:
  void put_json(Lsn lsn, const shard::RecordView& record, const Identities* identities);
  void put_rows(Lsn lsn, const shard::RecordView& record, const Identities* identities);

  KnownNames names_;
  Lines lines_;
  std::string shared_;  // the cells that all rows of a Record have
};

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
}  // namespace levy::feed
