// The reference: what one account's sessions are granted and charged, by the plainest bookkeeping.
// Core: test. Allocates: yes. Blocks: never. Clock: in the message.
//
// From semantics.md "Units and grants" and config/keys.md: debit all, release the groups named,
// grant in message order; units from unit buckets by their steps, then priced steps as long as the
// credit pays.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "rating/charge.hpp"
#include "tests/unit/rating/naive_plan.hpp"

namespace levy::rating::naive {

struct NaiveBucket {
  Unit unit = Unit::money;
  bool wallet = false, usable = true;  // usable: of the plan's currency, begun and not ended
  std::int64_t step = 1, credits = 0, spent = 0, written_off = 0, reserved = 0;
  std::int64_t free() const { return credits - spent + written_off - reserved; }
};

struct NaiveGroup {
  std::int64_t total = 0;  // units that no unit bucket paid
  std::int64_t ahead = 0;  // units of a bucket's step that is paid and not used yet
  bool unpaid = false;     // the step that `total` stands in was written off
  bool connected = false;  // something was used
  bool granted_once = false;
  std::size_t service = 0, rate = 0;  // of the last grant
  std::int64_t granted_at = 0;
  std::map<std::size_t, std::int64_t> held;  // bucket: reserved
};

struct NaiveAnswer {
  Reason reason = Reason::ok;
  bool has_grant = false, is_final = false;
  std::size_t service = no_service, rate = 0;
  std::int64_t granted = 0, used = 0, used_by_buckets = 0, charged = 0, fee = 0, unpaid = 0,
               unrated = 0;
  std::int64_t validity_min = 0, validity_max = 0;  // of a grant: seconds, 0 = not sent
  bool maybe_a_month = false;  // a change may lie beyond the longest Validity-Time
  bool rate_known = false;     // there was usage or a grant
};

// How often something was exercised.
using Counts = std::map<std::string, std::int64_t>;

class NaiveAccount {
 public:
  NaiveAccount(NaivePlan& plan, Counts& counts) : plan_(plan), counts_(counts) {}
  std::vector<NaiveBucket> buckets;  // in the order of use, the main wallet last
  std::int64_t credit_limit = 0;     // of the account

  std::vector<NaiveAnswer> answer(int session, RequestType type, const Facts& facts,
                                  const std::vector<Units>& rows, std::int64_t usage_time);
  void end_session(int session);

 private:
  using Key = std::tuple<int, std::int64_t, std::vector<std::uint32_t>>;
  struct GrantSteps;

  void debit(NaiveGroup& group, NaivePrice& price, Unit unit, std::int64_t used,
             NaiveAnswer& answer);
  std::int64_t debit_buckets(NaiveGroup& group, Unit unit, std::int64_t used);
  std::int64_t pay(NaiveGroup& group, std::int64_t micros);  // returns what was written off
  void release(NaiveGroup& group);
  void grant(NaiveGroup& group, const Units& units, std::int64_t usage_time, NaiveAnswer& answer);
  bool take_grant(NaiveGroup& group, NaivePrice& price, const ServiceSource& service,
                  std::int64_t want, NaiveAnswer& answer);
  std::int64_t next_end(const NaiveGroup& group, NaivePrice& price, std::int64_t to,
                        std::int64_t cost);
  std::int64_t floor() const;
  std::int64_t credit() const;
  bool below_floor() const;
  std::size_t unit_bucket(Unit unit) const;
  void take(NaiveGroup& group, std::size_t bucket, std::int64_t amount);
  void reserve(NaiveGroup& group, std::size_t bucket, std::int64_t amount);
  void count_usage(const NaiveGroup& group, NaivePrice& price, std::int64_t before,
                   const NaiveAnswer& answer);

  NaivePlan& plan_;
  Counts& counts_;
  std::map<Key, NaiveGroup> groups_;
};

Unit unit_of(const std::string& word);
std::int64_t largest_grant(Unit unit);

}  // namespace levy::rating::naive
