// Names: what a Record says in numbers, as the records say it in words.
// Core: feed. Allocates: yes. Blocks: as the implementation does. Clock: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.hpp"

namespace levy::feed {

struct Identities {
  std::string imsi, msisdn;  // empty: none, or not joined
};

class Names {
 public:
  virtual ~Names() = default;
  // Of the catalogue; empty: not known.
  virtual std::string name_of(std::uint16_t interned_id) = 0;
  // Another number than before: an id may have got another name (`was` in a plan).
  virtual std::uint64_t edition() { return 0; }
  // `records.identities: join`: of the subscriber as it is now. false: cannot be asked at present,
  // try again.
  virtual bool identities_of(ShardId shard, std::string_view account, Slot subscriber,
                             Identities& identities) = 0;
};

// The catalogue's names, each asked for once: the implementation may take a lock.
class KnownNames {
 public:
  explicit KnownNames(Names& names) : names_(names) {}

  // `#id` where the catalogue does not know it (yet: it is asked again). Valid until the next call.
  std::string_view of(std::uint16_t id) {
    if (id >= known_.size()) known_.resize(id + std::size_t{1});
    if (known_[id].empty()) known_[id] = names_.name_of(id);
    if (!known_[id].empty()) return known_[id];
    return unknown_ = "#" + std::to_string(id);
  }
  // To be called between Records.
  void refresh() {
    const std::uint64_t edition = names_.edition();
    if (edition != edition_) known_.clear();
    edition_ = edition;
  }

 private:
  Names& names_;
  std::uint64_t edition_ = 0;
  std::vector<std::string> known_;
  std::string unknown_;
};

}  // namespace levy::feed
