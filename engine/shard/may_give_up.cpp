// Which sessions may be given up early. Alone in its file, so that the simulator's planted variants
// can be linked in its place.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
#include "engine/shard/tombstones.hpp"

namespace levy::shard {

bool may_give_up(const Session& session) {
  return session.live() && session.state != SessionState::open &&
         (session.flags & session_event) == 0;
}

}  // namespace levy::shard
