// Pools: groups of one session whose money a gateway spends as one (RFC 8506 5.1.2, annex A.9).
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
//
// Internal to rating/. A gateway that is told of a pool counts all of its groups' units, each times
// its multiplier, against the sum of their grants. So a report may exceed its group's own grant:
// the others' reservations have paid for it, and are moved to that group before anything else. It
// reports a group that has drawn on others before, or with, those that it gives back: what goes
// back to the account pays for nobody's use.
#pragma once

#include <cstdint>

#include "rating/charge.hpp"
#include "rating/quota.hpp"

namespace levy::rating {

// Whether a grant of this offer can stand in the service's pool: all of it paid by money.
bool can_pool(const ChargeInput& input, const Tariff& tariff, const Group& group,
              const Ledger& ledger, const Offer& offer);

// Moves reservations of input.pooled to the groups of rows [0, count) that have used more than
// their own pay for. No bucket changes: the sum of its groups' reservations stays. A group that
// gave keeps a grant of what the rest of its reservation pays for.
void draw_from_pools(const ChargeInput& input, std::uint32_t count);

}  // namespace levy::rating
