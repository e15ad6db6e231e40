// Judge: unknown AVPs and groups that nobody reads.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
#include "diameter/codec/judge.hpp"

namespace levy::codec {

bool Judge::judge_rarer(const Avp& one, AvpType type, int depth) {
  if (type == AvpType::unknown) {
    if (!one.mandatory() || ignore_unknown_mandatory_) return true;
    return fail(ResultCode::avp_unsupported, one);
  }
  // limits::avp_depth_max bounds the recursion: a group at the deepest level may not hold more.
  if (depth + 1 >= limits::avp_depth_max && !one.data.empty()) {
    return fail(ResultCode::invalid_avp_value, one);
  }
  return walk_group(one, [&](const Avp& inner) { return unread(inner, depth + 1); });
}

}  // namespace levy::codec
