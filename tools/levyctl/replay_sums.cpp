// Sums of a replay (see replay_sums.hpp).
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#include "tools/levyctl/replay_sums.hpp"

#include <algorithm>
#include <cstdlib>

#include "engine/base/money.hpp"

namespace levyctl {

void Amounts::add(const Amounts& other) {
  then = levy::checked_add(then, other.then);
  against = levy::checked_add(against, other.against);
  now = levy::checked_add(now, other.now);
}

void ReplaySums::take_session(const ReplaySession& session, std::size_t top) {
  if (session.amounts.difference() == 0 || top == 0) return;
  const auto larger = [](const ReplaySession& a, const ReplaySession& b) {
    const std::int64_t x = std::abs(a.amounts.difference()), y = std::abs(b.amounts.difference());
    return x != y ? x > y : a.id < b.id;
  };
  if (most.size() == top && !larger(session, most.back())) return;
  most.insert(std::upper_bound(most.begin(), most.end(), session, larger), session);
  if (most.size() > top) most.pop_back();
}

}  // namespace levyctl
