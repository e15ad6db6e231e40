// The catalogue of interned names, as far as a data directory still holds it.
// Core: none. Allocates: yes. Blocks: on the disk (load). Clock: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/journal/directory.hpp"
#include "engine/shard/record.hpp"

namespace journaldump {

class Names {
 public:
  // From the newest snapshot that can be read; without one there is only what note() sees.
  void load(const levy::journal::NodeDirectory& directory);
  // Names lie in the images of the Records that interned them.
  void note(const levy::shard::RecordView& record);
  // Empty: not known.
  std::string of(std::uint16_t id) const;

 private:
  std::map<levy::Slot, levy::shard::Name> names_;  // by slot: id - 1
};

}  // namespace journaldump
