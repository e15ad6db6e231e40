// Counters: what use adds up to, how much a limit leaves, and which level is reached.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
//
// Internal to rating/, but for level_of(). A counter moves with the debit that it counts and with
// the grant that it limits, so that it is right whenever the buckets are.
#pragma once

#include <cstdint>

#include "rating/ledger.hpp"
#include "rating/payers.hpp"

namespace levy::rating {

// Whether the row's rule counts the use of the payers' service, under the message's conditions.
bool counts(const CounterRow& row, const Payers& payers);

// Adds use to every counter that counts it: `used` units of the service, `charged` micros for them.
void count_use(Ledger& ledger, const Payers& payers, std::int64_t used, std::int64_t charged);

// What the limits leave for a new grant: units of the service, and micros for their price.
struct Room {
  std::int64_t units = INT64_MAX;
  std::int64_t money = INT64_MAX;
};
Room room_of(const Ledger& ledger, const Payers& payers);

// The grant of `units`, for which `money` is reserved, takes its part of every limit. Of more
// limits than a group can hold parts of, the last ones bound what is granted by what has been used
// alone.
void hold(Ledger& ledger, const Payers& payers, Group& group, std::int64_t units,
          std::int64_t money);
// Gives back what the group holds.
void release_holds(AccountView& account, Group& group);

// Where a counter stands: its sum, or for one of a bucket kind what of that is used, and what the
// account was credited there.
struct Standing {
  std::int64_t value = 0;
  std::int64_t credited = 0;
};
// The interned name of the highest level reached; 0 = none.
std::uint16_t level_of(const CounterRule& rule, const Standing& standing);

}  // namespace levy::rating
