// Names: what a Record says in numbers, as the records say it in words.
// Core: feed. Allocates: yes. Blocks: as the implementation does. Clock: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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
  // `records.identities: join`: of the subscriber as it is now. false: cannot be asked at present,
  // try again.
  virtual bool identities_of(ShardId shard, std::string_view account, Slot subscriber,
                             Identities& identities) = 0;
};

}  // namespace levy::feed
