// Names: see names.hpp.
// Core: none. Allocates: yes. Blocks: on the disk (load). Clock: none.
#include "tools/journaldump/names.hpp"

#include <cstring>

#include "engine/journal/snapshot_file.hpp"

namespace journaldump {

using levy::shard::Name;

void Names::load(const levy::journal::NodeDirectory& directory) {
  levy::journal::SnapshotReader reader(directory.snapshot_path(), directory.node_id());
  levy::journal::SnapshotLoad loaded;
  const levy::journal::Failure failure = reader.load(
      levy::Lsn{0}, [this] { names_.clear(); },
      [this](const levy::journal::SnapshotChunk& chunk) {
        const auto names = static_cast<std::uint8_t>(levy::shard::PoolId::name);
        if (chunk.shard != 0 || chunk.pool != names || chunk.slot_bytes != sizeof(Name))
          return true;
        for (std::size_t i = 0; i < chunk.bytes.size() / sizeof(Name); ++i) {
          Name& name = names_[chunk.first_slot + static_cast<levy::Slot>(i)];
          std::memcpy(static_cast<void*>(&name), chunk.bytes.data() + i * sizeof(Name),
                      sizeof(Name));
        }
        return true;
      },
      loaded);
  if (failure) names_.clear();  // numbers instead of names
}

void Names::note(const levy::shard::RecordView& record) {
  if (record.header.operator_kind != levy::shard::OperatorKind::intern) return;
  levy::shard::for_each_image(record.images, [this](const levy::shard::ImageHeader& image,
                                                    std::span<const std::uint8_t> words) {
    if (image.pool != static_cast<std::uint8_t>(levy::shard::PoolId::name)) return true;
    auto* bytes = reinterpret_cast<std::uint8_t*>(&names_[image.slot]);
    for (std::size_t word = 0; word < sizeof(Name) / 8; ++word) {
      if ((image.bitmap >> word & 1) == 0) continue;
      std::memcpy(bytes + word * 8, words.data(), 8);
      words = words.subspan(8);
    }
    return true;
  });
}

std::string Names::of(std::uint16_t id) const {
  std::string latest;
  if (id == 0) return latest;
  for (const auto& [slot, name] : names_)
    if (slot + 1u == id || name.renames == id) latest = name.view();
  return latest;
}

}  // namespace journaldump
