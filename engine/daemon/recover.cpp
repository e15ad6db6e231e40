// recover: newest snapshot, then the journal from where its walk began.
// Core: control at start-up. Allocates: yes. Blocks: on the disk. Clock: none.
#include "engine/daemon/recover.hpp"

namespace levy::daemon {

Recovered recover(journal::SegmentStore& store, const std::string& snapshot_directory,
                  std::uint64_t node_id, std::uint64_t segment_bytes,
                  const std::function<shard::Shard&(std::uint8_t)>& shard_of, std::uint32_t shards,
                  const std::function<void()>& forget) {
  Recovered out;
  Lsn oldest{};
  if (const journal::Failure f = journal::oldest_lsn(store, node_id, oldest)) {
    out.failure = f.text;
    return out;
  }
  std::string refused;
  journal::SnapshotLoad loaded;
  journal::SnapshotReader reader(snapshot_directory, node_id);
  const journal::Failure snapshot_failure = reader.load(
      oldest, forget,
      [&](const journal::SnapshotChunk& c) {
        const shard::SnapshotChunk chunk{
            c.pool, c.first_slot, c.slot_bytes,
            c.slot_bytes == 0 ? 0 : static_cast<std::uint32_t>(c.bytes.size() / c.slot_bytes)};
        const std::span<const std::uint8_t> bytes{
            reinterpret_cast<const std::uint8_t*>(c.bytes.data()), c.bytes.size()};
        if (c.shard < shards && shard_of(c.shard).load_slots(chunk, bytes)) return true;
        refused = "the snapshot holds more than the configured capacity, or another layout";
        return false;
      },
      loaded);
  if (snapshot_failure) {
    out.failure = snapshot_failure.text + (refused.empty() ? "" : ": " + refused);
    return out;
  }
  for (const std::string& why : loaded.rejected) out.notes.push_back("snapshot not taken: " + why);
  if (loaded.found) out.notes.push_back("snapshot " + loaded.info.path);

  journal::RecoveryRequest request;
  request.node_id = node_id;
  if (loaded.found) {
    request.start = loaded.info.start;
    request.reach = loaded.info.end;
  }
  const journal::RecoveryResult result =
      journal::recover(store, request, [&](Lsn lsn, std::span<const std::byte> bytes) {
        shard::RecordView view;
        const std::span<const std::uint8_t> record{
            reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
        bool good = shard::read_record(record, view) && view.header.shard < shards;
        good = good && shard::for_each_image(view.images, [&](const shard::ImageHeader& header,
                                                              std::span<const std::uint8_t> words) {
                 return shard_of(view.header.shard).load_image(header, words);
               });
        if (!good)
          refused = "LSN " + std::to_string(lsn.value) +
                    ": the Record does not fit: a capacity is smaller than when it was written, "
                    "or another version of levyd wrote it";
        return good;
      });
  if (result.status != journal::RecoveryStatus::ok) {
    out.failure = result.failure.text + (refused.empty() ? "" : ": " + refused);
    return out;
  }
  if (result.torn) out.notes.push_back("torn tail cut: " + result.torn_text);
  out.records = result.records;
  out.segments = result.segments;
  if (const journal::Failure f = journal::open_for_append(store, result, node_id, segment_bytes,
                                                          out.start, out.next_sequence))
    out.failure = f.text;
  return out;
}

}  // namespace levy::daemon
