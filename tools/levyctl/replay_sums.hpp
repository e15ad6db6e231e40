// The sums of a replay: per currency, per plan, service and rate, and the sessions that change
// most. Core: none. Allocates: yes (as much as there are rates, not records). Blocks: never. Clock:
// none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace levyctl {

// Micros: as recorded, under --against (else as recorded), under the new catalogue.
struct Amounts {
  std::int64_t then = 0, against = 0, now = 0;
  std::int64_t difference() const { return now - against; }
  void add(const Amounts& other);
};

struct ReplayRow {
  std::string plan, service, rate;  // as they rated it then
  std::string service_now, rate_now;
  std::string unit, currency;
  friend auto operator<=>(const ReplayRow&, const ReplayRow&) = default;
};

struct ReplayUse {
  std::int64_t units = 0;
  std::uint64_t reports = 0;
  Amounts amounts;
};

struct ReplaySession {
  std::string id, account, plan, currency;
  Amounts amounts;
};

// Why some use has no price, or would not have been granted.
struct ReplayTrouble {
  std::string why, plan, service, unit, currency;
  friend auto operator<=>(const ReplayTrouble&, const ReplayTrouble&) = default;
};

struct ReplaySums {
  std::uint64_t records = 0, sessions = 0, events = 0;
  std::uint64_t begun_before = 0;         // sessions whose beginning is not in the records
  std::uint64_t disputes = 0;             // reports that were debited nothing
  std::uint64_t denied_then = 0;          // groups and events that got no grant: nothing to price
  std::int64_t first = 0, last = 0;       // micros, of the records that count
  std::map<std::string, Amounts> totals;  // by currency, what is priced
  std::map<ReplayRow, ReplayUse> rows;
  std::map<ReplayTrouble, ReplayUse> unpriced, denied, unrated;
  std::map<std::string, std::int64_t> refunds, fees, superseded;  // by currency, taken as they were
  std::vector<ReplaySession> most;  // by the size of the difference, the largest first

  void take_session(const ReplaySession& session, std::size_t top);
};

}  // namespace levyctl
