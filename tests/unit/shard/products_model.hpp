// ProductsModel: one account's products as the contract says them, written plainly.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
//
// Shares no code with engine/shard or rating/recurrence: it steps from due date to due date, and
// its calendar (UTC) is a table made day by day. It knows nothing of sessions: what charging moved
// is told to it (move()), and it says what the products make of the account beside.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rating/plan.hpp"

namespace levy::shard::model {

using Seconds = std::uint32_t;  // unix

// UTC, by a table of days.
Seconds later(const rating::Period& period, Seconds anchor, std::uint32_t periods);
Seconds calendar_begin(const rating::Period& period, Seconds at);

struct Bucket {
  std::uint32_t id = 0;  // ascending: older ones are lower
  std::uint16_t kind = 0;
  std::uint16_t product = 0;
  rating::Unit unit = rating::Unit::money;
  std::int64_t free = 0, reserved = 0;
  Seconds ends_at = 0;  // 0 = never
  std::uint8_t rolled = 0;
  int rank = 0;
  bool usable(Seconds now) const { return ends_at == 0 || ends_at > now; }
};

enum class State : std::uint8_t { waiting = 1, active = 2, suspended = 3 };

struct Product {
  struct Cycle {
    rating::Period period;
    Seconds at = 0, anchor = 0;
    std::uint32_t periods = 0;
  };
  std::uint16_t plan = 0, number = 0;
  State state = State::waiting;
  bool started = false;
  Seconds starts_at = 0;    // 0 = at first use
  Seconds ends_at = 0;      // 0 = when it is ended
  std::uint16_t after = 0;  // queued behind the product of this number
  std::vector<Cycle> cycles;
};

enum class Bought : std::uint8_t { ok, insufficient, held };

class Model {
 public:
  using Plans = std::map<std::uint16_t, const rating::Plan*>;
  Model(Plans plans, std::int64_t money, std::int64_t credit_limit)
      : plans_(std::move(plans)), wallet_(money), credit_limit_(credit_limit) {}

  // ---- what is asked of the account
  bool open(std::uint16_t plan, Seconds now);     // with its base plan
  void settle(Seconds now);                       // all that is due
  void top_up(std::int64_t amount, Seconds now);  // and what was suspended is tried again
  Bought buy(std::uint16_t plan, Seconds starts_at, Seconds now);
  void end(std::uint16_t number, bool with_period, Seconds now);
  bool set_plan(std::uint16_t plan, Seconds now);
  void resume(Seconds now);
  void first_use(Seconds now, const std::vector<std::uint16_t>& numbers);

  // ---- what there is
  std::vector<Bucket>& buckets() { return buckets_; }
  const std::map<std::uint16_t, Product>& products() const { return products_; }
  std::int64_t& wallet() { return wallet_; }  // free, of the main wallet
  std::int64_t fees() const { return fees_; }
  std::uint16_t base() const { return base_; }
  bool base_suspended() const;
  bool anything_due(Seconds now) const;
  // Whether an allowance of the plan could pay for such use: it starts with it.
  bool can_pay_for(std::uint16_t plan, rating::Unit used) const;
  std::uint32_t grants() const { return grants_; }
  const rating::Terms& terms(std::uint16_t plan) const { return plans_.at(plan)->terms; }

 private:
  enum class Started : std::uint8_t { yes, refused, suspended };
  struct Span {  // of a first period
    Seconds whole_from = 0, from = 0, to = 0;
  };
  bool can_pay(std::int64_t fee) const;
  void pay(std::int64_t fee) { wallet_ -= fee, fees_ += fee; }
  Started begin(Product& product, Seconds at);
  void plan_cycles(Product& product, Seconds at, std::vector<Span>& spans);
  void give(const Product& product, const rating::Allowance& allowance, std::int64_t amount,
            Seconds ends_at);
  void renew(Product& product, std::size_t cycle, Seconds at);
  void roll_over(const Product& product, const rating::Allowance& allowance, Seconds at,
                 Seconds to);
  void finish(std::uint16_t number, Seconds at);
  static Seconds due(const Product& product);
  void step(Product& product, Seconds at);

  Plans plans_;
  std::map<std::uint16_t, Product> products_;  // by number: oldest first
  std::vector<Bucket> buckets_;
  std::int64_t wallet_ = 0, credit_limit_ = 0, fees_ = 0;
  std::uint32_t bucket_ids_ = 0, grants_ = 0;
  std::uint16_t numbers_ = 0, base_ = 0;
};

}  // namespace levy::shard::model
