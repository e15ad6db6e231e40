// ProductsModel: what the contract says, from due date to due date.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/shard/products_model.hpp"

#include <algorithm>
#include <stdexcept>

namespace levy::shard::model {

using rating::PeriodUnit;
using rating::Terms;

// ---- the calendar ----------------------------------------------------------------------------

namespace {

struct Date {
  int year = 1970, month = 1, day = 1;
};

int days_in(int year, int month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Every day from 1970 on, one after the other.
const std::vector<Date>& days() {
  static const std::vector<Date> all = [] {
    std::vector<Date> made;
    for (Date d; d.year < 2104;) {
      made.push_back(d);
      if (++d.day <= days_in(d.year, d.month)) continue;
      d.day = 1;
      if (++d.month <= 12) continue;
      d.month = 1;
      ++d.year;
    }
    return made;
  }();
  return all;
}

constexpr Seconds day_seconds = 86400;

}  // namespace

Seconds later(const rating::Period& period, Seconds anchor, std::uint32_t periods) {
  const std::uint32_t n = periods * period.count;
  if (period.unit == PeriodUnit::hour) return anchor + n * 3600;
  if (period.unit == PeriodUnit::day) return anchor + n * day_seconds;
  if (period.unit == PeriodUnit::week) return anchor + n * 7 * day_seconds;
  std::size_t at = anchor / day_seconds;
  const int wanted = days()[at].day;
  // Month by month: over the first days, then back to the day of the anchor or the month's last.
  for (std::uint32_t i = 0; i < n * (period.unit == PeriodUnit::year ? 12 : 1); ++i) {
    do ++at;
    while (days()[at].day != 1);
  }
  const int length = days_in(days()[at].year, days()[at].month);
  if (n != 0) at += static_cast<std::size_t>(std::min(wanted, length)) - 1;
  return static_cast<Seconds>(at) * day_seconds + anchor % day_seconds;
}

Seconds calendar_begin(const rating::Period& period, Seconds at) {
  if (period.unit == PeriodUnit::hour) return at - at % 3600;
  std::size_t day = at / day_seconds;
  if (period.unit == PeriodUnit::week) {
    while (day % 7 != 4) --day;  // 1970-01-01 was a Thursday: day 4 a Monday
  } else if (period.unit != PeriodUnit::day) {
    const bool year = period.unit == PeriodUnit::year;
    while (days()[day].day != 1 || (year && days()[day].month != 1)) --day;
  }
  return static_cast<Seconds>(day) * day_seconds;
}

// ---- fees and allowances ---------------------------------------------------------------------

bool Model::can_pay(std::int64_t fee) const {
  if (fee == 0) return true;
  return wallet_ + credit_limit_ + plans_.at(base_)->credit_limit >= fee;
}

void Model::give(const Product& product, const rating::Allowance& allowance, std::int64_t amount,
                 Seconds ends_at) {
  if (amount == 0) return;
  ++grants_;
  buckets_.push_back(
      {++bucket_ids_, allowance.kind, product.number, allowance.unit, amount, 0, ends_at, 0, 0});
}

// The first period of every cycle that has none running: where it would begin in whole, where it
// does, where it ends.
void Model::plan_cycles(Product& product, Seconds at, std::vector<Span>& spans) {
  const Terms& t = terms(product.plan);
  product.cycles.resize(t.cycle_count);
  for (std::size_t c = 0; c < t.cycle_count; ++c) {
    spans.push_back({});
    if (product.cycles[c].at > at) continue;
    const Seconds anchor = t.calendar ? calendar_begin(t.cycles[c], at) : at;
    const Seconds next = later(t.cycles[c], anchor, 1);
    spans.back() = {anchor, at, next};
    product.cycles[c] = {t.cycles[c], next, anchor, 1};
  }
}

// At the start, and when it is resumed.
Model::Started Model::begin(Product& product, Seconds at) {
  const Terms& t = terms(product.plan);
  std::vector<Span> spans;
  Product next = product;
  plan_cycles(next, at, spans);
  const auto due_now = [&](std::uint8_t cycle) {
    return cycle == rating::cycle_once ? !product.started : spans[cycle].to != 0;
  };
  const auto share = [&](std::int64_t amount, std::int64_t step, std::uint8_t cycle) {
    if (cycle == rating::cycle_once || !t.prorate) return amount;
    const Span& s = spans[cycle];
    __extension__ typedef __int128 Wide;
    const Wide part = Wide{amount} * (s.to - s.from) / (s.to - s.whole_from);
    return s.from == s.whole_from ? amount : static_cast<std::int64_t>(part) / step * step;
  };
  std::int64_t fee = 0;
  for (std::size_t i = 0; i < t.fee_count; ++i)
    if (due_now(t.fees[i].cycle)) fee += share(t.fees[i].amount, 1, t.fees[i].cycle);
  if (t.unpaid_fee != rating::UnpaidFee::debt && !can_pay(fee)) {
    if (t.unpaid_fee == rating::UnpaidFee::refuse) return Started::refused;
    product.state = State::suspended;
    return Started::suspended;
  }
  pay(fee);
  if (!product.started) {
    next.starts_at = at;
    if (next.ends_at == 0 && t.lasts.unit != PeriodUnit::none) next.ends_at = later(t.lasts, at, 1);
  }
  for (std::size_t i = 0; i < t.allowance_count; ++i) {
    const rating::Allowance& a = t.allowances[i];
    if (!due_now(a.cycle)) continue;
    const Seconds once_until = a.lifetime == 0 ? next.ends_at : at + a.lifetime;
    give(next, a, share(a.amount, a.step, a.cycle),
         a.cycle == rating::cycle_once ? once_until : spans[a.cycle].to);
  }
  next.started = true;
  next.state = State::active;
  product = next;
  return Started::yes;
}

// What is free in the buckets of the period that ended at `at`.
void Model::roll_over(const Product& product, const rating::Allowance& allowance, Seconds at,
                      Seconds to) {
  std::vector<Bucket*> old;
  for (Bucket& b : buckets_) {
    if (b.product == product.number && b.kind == allowance.kind && b.ends_at == at &&
        b.rolled < allowance.rollover)
      old.push_back(&b);
  }
  std::sort(old.begin(), old.end(), [](const Bucket* a, const Bucket* b) {
    return a->rolled != b->rolled ? a->rolled < b->rolled : a->id > b->id;
  });
  std::int64_t room = allowance.rollover_max == 0 ? INT64_MAX : allowance.rollover_max;
  for (Bucket* b : old) {
    const std::int64_t carried = std::min(b->free, std::max<std::int64_t>(room - b->reserved, 0));
    if (carried == 0 && room - b->reserved <= 0) continue;
    room -= carried + b->reserved;
    b->free = carried;
    b->ends_at = to;
    b->rolled = static_cast<std::uint8_t>(b->rolled + 1);
    b->rank = allowance.rolled_first ? -1 : 1;
  }
}

void Model::renew(Product& product, std::size_t cycle, Seconds at) {
  const Terms& t = terms(product.plan);
  std::int64_t fee = 0;
  for (std::size_t i = 0; i < t.fee_count; ++i)
    if (t.fees[i].cycle == cycle) fee += t.fees[i].amount;
  if (t.unpaid_fee != rating::UnpaidFee::debt && !can_pay(fee)) {
    if (t.unpaid_fee == rating::UnpaidFee::refuse) return finish(product.number, at);
    product.state = State::suspended;
    return;
  }
  pay(fee);
  Product::Cycle& c = product.cycles[cycle];
  ++c.periods;
  c.at = later(c.period, c.anchor, c.periods);
  for (std::size_t i = 0; i < t.allowance_count; ++i)
    if (t.allowances[i].cycle == cycle) roll_over(product, t.allowances[i], at, c.at);
  for (std::size_t i = 0; i < t.allowance_count; ++i)
    if (t.allowances[i].cycle == cycle)
      give(product, t.allowances[i], t.allowances[i].amount, c.at);
}

void Model::finish(std::uint16_t number, Seconds at) {
  const Terms& t = terms(products_.at(number).plan);
  for (Bucket& b : buckets_) {
    if (b.product != number || !b.usable(at)) continue;
    if (t.keeps_allowances) b.product = 0;
    if (t.keeps_allowances) continue;
    b.free = 0;
    b.ends_at = at;
  }
  const Product gone = products_.at(number);
  products_.erase(number);
  for (auto& [other, p] : products_) {
    if (p.after != number) continue;
    // Behind one that never ran: what that one waited for.
    p.after = gone.state == State::waiting ? gone.after : 0;
    p.starts_at = gone.state == State::waiting ? gone.starts_at : at;
  }
}

// ---- time ------------------------------------------------------------------------------------

Seconds Model::due(const Product& p) {
  constexpr Seconds never = 0xffffffff;
  Seconds at = p.ends_at == 0 ? never : p.ends_at;
  if (p.state == State::waiting && p.starts_at != 0) at = std::min(at, p.starts_at);
  if (p.state == State::active)
    for (const Product::Cycle& c : p.cycles) at = std::min(at, c.at);
  return at;
}

void Model::step(Product& product, Seconds at) {
  if (product.ends_at == at) return finish(product.number, at);
  if (product.state == State::waiting) {
    if (begin(product, at) == Started::refused) finish(product.number, at);
    return;
  }
  for (std::size_t c = 0; c < product.cycles.size(); ++c)
    if (product.cycles[c].at == at) return renew(product, c, at);
}

void Model::settle(Seconds now) {
  for (;;) {
    Product* first = nullptr;
    for (auto& [number, p] : products_)
      if (first == nullptr || due(p) < due(*first)) first = &p;
    if (first == nullptr || due(*first) > now) break;
    step(*first, due(*first));
  }
  for (Bucket& b : buckets_)
    if (!b.usable(now)) b.free = 0;
  std::erase_if(buckets_, [&](const Bucket& b) { return !b.usable(now) && b.reserved == 0; });
}

// ---- what is asked ---------------------------------------------------------------------------

bool Model::open(std::uint16_t plan, Seconds now) {
  base_ = plan;
  if (!terms(plan).any()) return true;
  Product p;
  p.plan = plan;
  p.number = ++numbers_;
  if (begin(p, now) == Started::refused) return false;
  products_[p.number] = p;
  return true;
}

void Model::top_up(std::int64_t amount, Seconds now) {
  wallet_ += amount;
  resume(now);
}

// What could not be paid: those periods count from this moment.
void Model::resume(Seconds now) {
  std::vector<std::uint16_t> numbers;
  for (const auto& [number, p] : products_)
    if (p.state == State::suspended) numbers.push_back(number);
  for (const std::uint16_t number : numbers) begin(products_.at(number), now);
}

Bought Model::buy(std::uint16_t plan, Seconds starts_at, Seconds now) {
  const Terms& t = terms(plan);
  Product p;
  p.plan = plan;
  const Product* last = nullptr;
  for (const auto& [number, held] : products_)
    if (held.plan == plan) last = &held;
  if (last != nullptr && t.again == rating::BoughtAgain::refuse) return Bought::held;
  p.number = static_cast<std::uint16_t>(numbers_ + 1);
  p.starts_at = starts_at;
  if (last != nullptr && t.again == rating::BoughtAgain::queue) {
    p.after = last->number;
    p.starts_at = last->ends_at;
  } else if (t.at_first_use && starts_at == 0) {
    p.starts_at = 0;
  } else if (starts_at <= now) {
    if (begin(p, starts_at == 0 ? now : starts_at) == Started::refused) return Bought::insufficient;
  }
  products_[++numbers_] = p;
  return Bought::ok;
}

void Model::end(std::uint16_t number, bool with_period, Seconds now) {
  Product& p = products_.at(number);
  if (!with_period || p.cycles.empty()) return finish(number, now);
  Seconds last = 0;
  for (const Product::Cycle& c : p.cycles) last = std::max(last, c.at);
  p.ends_at = p.ends_at == 0 ? last : std::min(p.ends_at, last);
}

bool Model::set_plan(std::uint16_t plan, Seconds now) {
  Model before = *this;
  for (const auto& [number, p] : before.products_)
    if (p.plan == base_) finish(number, now);
  if (open(plan, now)) return true;
  *this = before;
  return false;
}

void Model::first_use(Seconds now, const std::vector<std::uint16_t>& numbers) {
  for (const std::uint16_t number : numbers)
    if (begin(products_.at(number), now) == Started::refused) finish(number, now);
}

bool Model::can_pay_for(std::uint16_t plan, rating::Unit used) const {
  for (std::size_t i = 0; i < terms(plan).allowance_count; ++i) {
    const rating::Unit unit = terms(plan).allowances[i].unit;
    if (unit == rating::Unit::money || unit == used) return true;
  }
  return false;
}

bool Model::anything_due(Seconds now) const {
  for (const auto& [number, p] : products_)
    if (due(p) <= now) return true;
  return false;
}

bool Model::base_suspended() const {
  for (const auto& [number, p] : products_)
    if (p.plan == base_ && p.state == State::suspended) return true;
  return false;
}

}  // namespace levy::shard::model
