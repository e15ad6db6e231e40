// The reference's price: started steps added up one after the other, rounded once, bounded.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
//
// From config/keys.md: every started step is charged in full; `first` is the length of the first
// step; a tier's steps count from where it begins; the discount comes off the price exactly; a
// running total is rounded to micros; minimum and maximum bound what the priced use costs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/money.hpp"
#include "rating/plan_source.hpp"

namespace levy::rating::naive {

std::int64_t nanos_of(const std::string& amount);  // decimal text of at most 9 places

class NaivePrice {
 public:
  explicit NaivePrice(const TariffSource& source);

  bool free = false, none = false, stops = false;
  std::int64_t fee = 0, minimum = 0, maximum = 0;  // micros; maximum 0: no bound

  std::int64_t cost(std::int64_t total);       // micros, without the fee
  std::int64_t unbounded(std::int64_t total);  // before minimum and maximum
  bool on_boundary(std::int64_t total);
  std::int64_t boundary_after(std::int64_t total);
  std::size_t tier_of(std::int64_t total) const;  // that the unit after `total` lies in
  bool costs_nothing() const;
  bool reaches(std::int64_t micros);  // some use costs so much, were there no bounds
  std::int64_t longest_step() const;
  std::int64_t step() const { return tiers_.empty() ? 1 : tiers_[0].step; }
  // Where `at_maximum: stop` ends grants: the first boundary at which the maximum is due.
  bool stopped_beyond(std::int64_t end);

 private:
  struct NaiveTier {
    std::int64_t from, to, step, first, nanos, per;
  };
  struct Step {
    std::int64_t end;
    Int128 sum;  // times divisor_
  };
  const Step& step_with(std::int64_t total);  // the step that ends at or after `total`

  std::vector<NaiveTier> tiers_;
  std::vector<Step> steps_;
  std::string rounding_;
  std::int64_t discount_ = 0;
  Int128 common_ = 1;   // of all tiers' `per`
  Int128 divisor_ = 1;  // sum / divisor = micros
};

}  // namespace levy::rating::naive
