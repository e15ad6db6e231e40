// Quota: what an account can afford next, as an offer that the caller reserves or spends.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
//
// Internal to rating/. Reads buckets and the group, changes nothing. Expects that the group's own
// reservation has been released (pass 2 of charge()). A connect fee that is still due is paid for
// before any unit: where it cannot be, nothing is offered.
#pragma once

#include <array>
#include <cstdint>

#include "rating/debit.hpp"
#include "rating/ledger.hpp"
#include "rating/payers.hpp"

namespace levy::rating {

struct Wish {
  std::int64_t units = 0;      // 1..limits::units_max
  std::int64_t units_max = 0;  // the service's grant_max
  bool all_or_nothing = false;
  std::uint16_t share_permille = 1000;  // of the free credit, for one grant
  std::uint32_t buckets_max = limits::reservations_per_group_max;
  std::int64_t money_max = INT64_MAX;  // what may be reserved of money (a counter's limit)
};

// Without initial values: arrays of it are filled up to their count only.
struct Part {
  std::uint32_t bucket;  // in the ledger's order of use
  std::int64_t amount;   // micros or units, > 0
};

struct Offer {
  std::int64_t units = 0;     // 0: nothing can be granted
  bool next_payable = false;  // a further step could be paid after this grant
  std::uint32_t part_count = 0;
  std::array<Part, limits::buckets_per_account_max> parts;
};

// Counters' limits lower what is wished for; where nothing is left of one, nothing is offered.
void make_offer(const Ledger& ledger, const Payers& payers, const Group& group, const Wish& wish,
                Offer& offer);

}  // namespace levy::rating
