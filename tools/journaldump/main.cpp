// journaldump: the Records of a data directory, live or a copy, as text or JSON; says where it is
// damaged.
// Core: none. Allocates: yes. Blocks: on the disk. Clock: none.
//
// It reads only: no lock is taken, nothing is written.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/journal/directory.hpp"
#include "engine/journal/recovery.hpp"
#include "engine/journal/segment_files.hpp"
#include "tools/journaldump/names.hpp"
#include "tools/journaldump/record_json.hpp"

namespace {

namespace journal = levy::journal;
using Json = nlohmann::ordered_json;
using journaldump::Names;
using levy::Lsn;

enum Exit : int { exit_ok = 0, exit_damaged = 1, exit_usage = 2 };

struct Choice {
  std::string directory, session;
  std::uint64_t from = 0, to = UINT64_MAX;
  std::int64_t shard = -1, account = -1;
  bool json = false, blocks = false;
};

void say(const Json& json) {
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

bool chosen(const Choice& choice, Lsn lsn, const levy::shard::RecordView& record) {
  const levy::shard::RecordHeader& h = record.header;
  if (lsn.value < choice.from || lsn.value > choice.to) return false;
  if (choice.shard >= 0 && h.shard != choice.shard) return false;
  if (choice.account >= 0 && h.account != choice.account) return false;
  return choice.session.empty() || record.session_id.find(choice.session) != record.session_id.npos;
}

// false: the bytes are no Record.
bool show_record(const Choice& choice, Names& names, Lsn lsn, std::span<const std::byte> bytes) {
  levy::shard::RecordView record;
  // A Record lies in the journal at any byte, and its facts want their alignment: a copy has it.
  std::vector<std::uint64_t> words((bytes.size() + 7) / 8);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  const std::span<const std::uint8_t> octets{reinterpret_cast<const std::uint8_t*>(words.data()),
                                             bytes.size()};
  if (!levy::shard::read_record(octets, record)) {
    fmt::print(stderr, "LSN {}: {} bytes that are no Record of this version\n", lsn.value,
               bytes.size());
    return false;
  }
  names.note(record);
  if (!chosen(choice, lsn, record)) return true;
  const Json json = journaldump::record_json(lsn, record, names);
  if (choice.json) say(json);
  else fmt::print("{}", journaldump::record_text(json));
  return true;
}

// What levyd would replay.
int dump_records(const Choice& choice, journal::SegmentStore& store,
                 const journal::NodeDirectory& directory) {
  Lsn oldest{};
  if (const journal::Failure failure = journal::oldest_lsn(store, directory.node_id(), oldest)) {
    fmt::print(stderr, "{}\n", failure.text);
    return exit_damaged;
  }
  journal::RecoveryRequest request;
  request.node_id = directory.node_id();
  if (oldest.value != 0) request.start = oldest;
  bool readable = true, passed = false;
  Names names;
  names.load(directory);
  const journal::RecoveryResult result =
      journal::recover(store, request, [&](Lsn lsn, std::span<const std::byte> bytes) {
        passed = lsn.value > choice.to;
        if (!passed) readable = show_record(choice, names, lsn, bytes) && readable;
        return !passed;
      });
  if (result.status != journal::RecoveryStatus::ok && !passed) {
    fmt::print(stderr, "damage: {}\n", result.failure.text);
    return exit_damaged;
  }
  if (result.torn) fmt::print(stderr, "torn tail, no damage: {}\n", result.torn_text);
  return readable ? exit_ok : exit_damaged;
}

// Joins runs of equal faults, which are as many as a segment has places.
class Faults {
 public:
  explicit Faults(bool json) : json_(json) {}
  void put(const std::string& segment, std::uint64_t offset, journal::BlockFault fault) {
    if (places_ != 0 && fault == fault_ && segment == segment_) {
      ++places_;
      return;
    }
    end();
    segment_ = segment;
    offset_ = offset;
    fault_ = fault;
    places_ = 1;
  }
  void end() {
    if (places_ != 0) {
      const std::string what = journal::fault_text(fault_);
      if (json_) {
        fmt::print("{}\n", Json{{"segment", segment_}, {"offset", offset_}, {"fault", what},
                                {"places", places_}}.dump());
      } else {
        fmt::print("{} offset {}: {}, {} places of 4096 bytes\n", segment_, offset_, what, places_);
      }
    }
    places_ = 0;
  }

 private:
  bool json_;
  std::string segment_;
  std::uint64_t offset_ = 0, places_ = 0;
  journal::BlockFault fault_{};
};

void show_block(const Choice& choice, const std::string& segment,
                const journal::BlockSighting& sighting) {
  const journal::BlockHeader& h = sighting.header;
  if (choice.json) {
    return say(Json{{"segment", segment}, {"offset", sighting.place.offset},
                            {"epoch", h.epoch}, {"first_lsn", h.first_lsn},
                            {"records", h.record_count}, {"durable_lsn", h.durable_lsn},
                            {"flags", h.flags}});
  }
  fmt::print("{} offset {}: epoch {}, {} Records from LSN {}, durable {}{}{}\n", segment,
             sighting.place.offset, h.epoch, h.record_count, h.first_lsn, h.durable_lsn,
             (h.flags & journal::block_opening) != 0 ? ", opening" : "",
             (h.flags & journal::block_statement) != 0 ? ", statement" : "");
}

// Everything that lies there, whether levyd would replay it or not.
int dump_blocks(const Choice& choice, journal::SegmentStore& store,
                const journal::NodeDirectory& directory) {
  std::vector<journal::SegmentEntry> entries;
  if (const journal::Failure failure = store.list(entries)) {
    fmt::print(stderr, "{}\n", failure.text);
    return exit_damaged;
  }
  Faults faults(choice.json);
  Names names;
  names.load(directory);
  bool readable = true;
  for (const journal::SegmentEntry& entry : entries) {
    const std::string name = store.name(entry.sequence);
    const journal::Failure failure = journal::scan_segment(
        store, entry.sequence, entry.bytes, directory.node_id(),
        [&](const journal::BlockSighting& sighting) {
          if (sighting.fault != journal::BlockFault::none) {
            readable = readable && sighting.fault == journal::BlockFault::zero;
            faults.put(name, sighting.place.offset, sighting.fault);
            return true;
          }
          faults.end();
          show_block(choice, name, sighting);
          journal::RecordCursor cursor(sighting.header, sighting.block);
          Lsn lsn{};
          std::span<const std::byte> record;
          while (cursor.next(lsn, record)) {
            readable = show_record(choice, names, lsn, record) && readable;
          }
          return true;
        });
    if (failure) {
      fmt::print(stderr, "{}\n", failure.text);
      return exit_damaged;
    }
    faults.end();
  }
  return readable ? exit_ok : exit_damaged;
}

}  // namespace

int main(int argc, char** argv) {
  Choice choice;
  CLI::App app("The Records of a data directory, live or a copy; says where it is damaged",
               "journaldump");
  app.add_option("DATA-DIRECTORY", choice.directory)->required();
  app.add_option("--from", choice.from, "first LSN");
  app.add_option("--to", choice.to, "last LSN");
  app.add_option("--shard", choice.shard, "Records of this Shard only");
  app.add_option("--account", choice.account, "of this account slot only (slots are per Shard)");
  app.add_option("--session", choice.session, "whose Session-Id holds this text");
  app.add_flag("--json", choice.json, "one JSON object per line");
  app.add_flag("--blocks", choice.blocks,
               "every block and every fault, not only what recovery reads");
  app.footer("Exit codes: 0 read to the end, 1 damage or not readable, 2 usage.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_ok : exit_usage;
  }
  journal::NodeDirectory directory;
  if (const journal::Failure failure = directory.inspect(choice.directory)) {
    fmt::print(stderr, "{}\n", failure.text);
    return exit_damaged;
  }
  journal::SegmentFiles store(directory.journal_path());
  return choice.blocks ? dump_blocks(choice, store, directory)
                       : dump_records(choice, store, directory);
}
