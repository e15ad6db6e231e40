// See naive_price.hpp.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include "tests/unit/rating/naive_price.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace levy::rating::naive {

std::int64_t nanos_of(const std::string& amount) {
  std::int64_t nanos = 0;
  int places = -1;
  for (const char c : amount) {
    if (c == '.') {
      places = 0;
    } else {
      nanos = nanos * 10 + (c - '0');
      if (places >= 0) ++places;
    }
  }
  for (places = std::max(places, 0); places < 9; ++places) nanos *= 10;
  return nanos;
}

NaivePrice::NaivePrice(const TariffSource& source) {
  const auto micros = [](const Placed<std::string>& amount) {
    return amount.given ? nanos_of(amount.value) / 1'000 : 0;
  };
  fee = micros(source.connect_fee);
  minimum = micros(source.minimum);
  maximum = micros(source.maximum);
  stops = source.at_maximum.given && source.at_maximum.value == "stop";
  rounding_ = source.rounding.given ? source.rounding.value : "up";
  discount_ = source.discount.given ? source.discount.value : 0;
  none = !source.price.given;
  free = !none && source.price.value.free;
  if (none || free) return;
  std::vector<PriceSource> written{source.price.value};
  for (const PriceSource& further : source.price.value.further) written.push_back(further);
  std::int64_t from = 0, per = 1;
  for (const PriceSource& p : written) {
    const std::int64_t to =
        p.upto_units == 0 ? std::numeric_limits<std::int64_t>::max() : p.upto_units;
    tiers_.push_back({from, to, p.step_units == 0 ? p.per_units : p.step_units, p.first_units,
                      nanos_of(p.amount), p.per_units});
    per = std::lcm(per, p.per_units);
    from = to;
  }
  common_ = per;
  divisor_ = common_ * 1'000 * 1'000;  // nanos to micros, and the discount's per mille
  steps_.push_back({0, 0});
}

const NaivePrice::Step& NaivePrice::step_with(std::int64_t total) {
  while (steps_.back().end < total) {
    const Step last = steps_.back();
    const NaiveTier& tier = tiers_[tier_of(last.end)];
    const std::int64_t length = last.end == 0 && tier.first != 0 ? tier.first : tier.step;
    const Int128 price = Int128{length} * tier.nanos * (common_ / tier.per) * (1'000 - discount_);
    steps_.push_back({last.end + length, last.sum + price});
  }
  return *std::lower_bound(steps_.begin(), steps_.end(), total,
                           [](const Step& s, std::int64_t at) { return s.end < at; });
}

std::int64_t NaivePrice::unbounded(std::int64_t total) {
  if (free || none) return 0;
  const Int128 sum = step_with(total).sum;
  Int128 whole = sum / divisor_;
  const Int128 over = sum - whole * divisor_;
  if (rounding_ == "up" && over > 0) ++whole;
  if (rounding_ == "half_up" && 2 * over >= divisor_) ++whole;
  if (rounding_ == "half_even" && (2 * over > divisor_ || (2 * over == divisor_ && whole % 2 == 1)))
    ++whole;
  return static_cast<std::int64_t>(whole);
}

std::int64_t NaivePrice::cost(std::int64_t total) {
  if (free || none || total == 0) return 0;
  const std::int64_t least = std::max(unbounded(total), minimum);
  return maximum == 0 ? least : std::min(least, maximum);
}

bool NaivePrice::on_boundary(std::int64_t total) {
  return free || none || step_with(total).end == total;
}

std::int64_t NaivePrice::boundary_after(std::int64_t total) {
  return step_with(total + 1).end;
}

std::size_t NaivePrice::tier_of(std::int64_t total) const {
  std::size_t k = 0;
  while (k + 1 < tiers_.size() && total >= tiers_[k].to) ++k;
  return k;
}

bool NaivePrice::costs_nothing() const {
  const bool zero = std::all_of(tiers_.begin(), tiers_.end(),
                                [](const NaiveTier& tier) { return tier.nanos == 0; });
  return free || none || ((zero || discount_ == 1'000) && minimum == 0);
}

bool NaivePrice::reaches(std::int64_t micros) {
  if (costs_nothing() || discount_ == 1'000) return false;
  return tiers_.back().nanos != 0 || unbounded(tiers_.back().from) >= micros;
}

std::int64_t NaivePrice::longest_step() const {
  std::int64_t longest = 1;
  for (const NaiveTier& tier : tiers_) longest = std::max({longest, tier.step, tier.first});
  return longest;
}

bool NaivePrice::stopped_beyond(std::int64_t end) {
  if (!stops || maximum == 0) return false;
  // The step before `end` has reached the maximum already.
  const Step& last = step_with(end);
  return &last != &steps_.front() && cost((&last - 1)->end) >= maximum;
}

}  // namespace levy::rating::naive
