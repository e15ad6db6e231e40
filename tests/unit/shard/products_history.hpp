// ProductsHistory: one Shard with one account and random plans, and the model beside it.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#pragma once

#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "engine/shard/shard.hpp"
#include "tests/unit/shard/products_model.hpp"

namespace levy::shard::model {

template <class... T>
std::string say(const T&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

struct Chance {
  std::mt19937_64 engine;
  std::uint64_t below(std::uint64_t n) { return engine() % n; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool percent(std::uint64_t n) { return below(100) < n; }
};

// A plan and what its terms point to. Made anew for each history: Plan is large.
struct Tariff {
  rating::Plan plan;
  std::vector<rating::Fee> fees;
  std::vector<rating::Allowance> allowances;
  std::string words;  // what its terms are, for a failed history
};
void make_tariff(Chance& chance, std::uint16_t id, bool addon, Tariff& into);

inline constexpr std::uint16_t base_plans = 3, plans = 8;  // ids 1..3 base, 4..8 add-ons

class History {
 public:
  explicit History(std::uint64_t seed);
  // "" or what differs from the model, with all that was done.
  std::string run();

 private:
  struct Open {  // a session
    std::uint32_t group = 1, number = 0;
    std::string id;
    std::int64_t granted = 0;
  };
  using Pools = std::map<Slot, rating::Bucket>;

  std::uint32_t now_s() const { return static_cast<std::uint32_t>(seconds_); }
  void start();
  void step();
  void wait();
  void operate(OperatorRequest& request);
  void buy();
  void end();
  void change_plan();
  void top_up();
  void charge();
  void charge_session(rating::ChargeRequest& request);
  // `uses`: it starts what waits for its first use.
  void send(const rating::ChargeRequest& request, bool uses);
  void restart();
  void drain();
  void keep_record();
  void note(const std::string& what) { log_ += "  " + what + "\n"; }
  void fail(const std::string& what) {
    if (failure_.empty()) failure_ = what;
  }
  template <class T>
  std::map<Slot, T> slots_of(PoolId pool) const;
  Bucket* bucket_of(Slot slot, const Pools& after);
  void take_movements(const Pools& after);
  void check_order(const Bucket& used);
  void compare();
  void compare_buckets(const Pools& real, const std::map<Slot, shard::Product>& products);
  void compare_products(const std::map<Slot, shard::Product>& products);
  void check_sums(const Pools& after);

  std::uint64_t seed_;
  Chance chance_;
  std::int64_t seconds_ = 0;
  std::unique_ptr<Shard> shard_;
  std::unique_ptr<Model> model_;
  std::int64_t wallet_reserved_ = 0;
  std::map<Slot, std::uint32_t> ids_;  // of the model's buckets
  std::map<Slot, rating::Bucket> sums_;
  std::int64_t fees_ = 0, fees_named_ = 0;
  Slot subscriber_ = none, wallet_slot_ = none;
  std::vector<Open> open_;
  std::uint32_t sessions_ = 0;
  std::vector<std::uint8_t> record_;
  std::unique_ptr<Outcome> outcome_ = std::make_unique<Outcome>();
  std::vector<std::vector<std::uint8_t>> journal_;
  std::vector<rating::Movement> charged_;  // movements of charging since the last comparison
  OperatorResult result_ = OperatorResult::none;
  std::string log_, failure_;
};

}  // namespace levy::shard::model
