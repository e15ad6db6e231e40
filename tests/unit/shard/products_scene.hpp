// ProductsScene: plans with terms made by hand, and what operators do with them.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#pragma once

#include <map>

#include "tests/unit/shard/review_scene.hpp"

namespace levy::shard {

using rating::Allowance;
using rating::Fee;
using rating::Period;
using rating::PeriodUnit;
using rating::Reason;
using rating::RequestType;
using rating::Unit;
using rating::UnpaidFee;

inline constexpr Period month{PeriodUnit::month, 1};
inline constexpr Period hour{PeriodUnit::hour, 1};
inline constexpr Period day{PeriodUnit::day, 1};
inline constexpr std::int64_t eur = 1'000'000;
inline constexpr std::int64_t jan_31 = 1'706'659'200;  // 2024-01-31 00:00:00 UTC

// Plans 2.. of version 1, made by hand; plan 1 is the scene's, without terms.
class ProductsScene : public ReviewScene {
 protected:
  ProductsScene() {
    plans_by_id_[1] = plans_[0].get();
    set_storage_[0] = rating::PlanSet{1, plans_by_id_.data(), 16};
  }

  rating::Plan& plan(std::uint16_t id, bool addon = false) {
    plans_.push_back(review_plan());
    rating::Plan& made = *plans_.back();
    made.id = id;
    made.terms.addon = addon;
    if (addon) made.service_count = made.entry_count = 0;
    plans_by_id_[id] = &made;
    return made;
  }
  static std::uint8_t cycle(rating::Plan& plan, const Period& period) {
    rating::Terms& t = plan.terms;
    for (std::uint8_t c = 0; c < t.cycle_count; ++c)
      if (t.cycles[c] == period) return c;
    t.cycles[t.cycle_count] = period;
    return t.cycle_count++;
  }
  void fee(rating::Plan& plan, std::int64_t amount, const Period& every = {}) {
    auto& fees = fees_[plan.id];
    fees.push_back(
        {amount, 0, every.unit == PeriodUnit::none ? rating::cycle_once : cycle(plan, every)});
    plan.terms.fees = fees.data();
    plan.terms.fee_count = static_cast<std::uint8_t>(fees.size());
  }
  Allowance& allowance(rating::Plan& plan, std::uint16_t kind, std::int64_t amount,
                       const Period& every = {}) {
    auto& list = allowances_[plan.id];
    Allowance fresh;
    fresh.amount = amount;
    fresh.kind = kind;
    fresh.priority = 5;
    fresh.cycle = every.unit == PeriodUnit::none ? rating::cycle_once : cycle(plan, every);
    list.push_back(fresh);
    plan.terms.allowances = list.data();
    plan.terms.allowance_count = static_cast<std::uint8_t>(list.size());
    return list.back();
  }

  OperatorRequest account_request(OperatorKind kind) const {
    OperatorRequest r;
    r.kind = kind;
    std::strcpy(r.account_name, account_name_);
    r.currency = 978;
    return r;
  }
  // Later requests go to this account.
  OperatorResult open_account(const char* name, std::uint16_t plan_id, std::int64_t amount) {
    account_name_ = name;
    OperatorRequest r = account_request(OperatorKind::create_account);
    r.plan = plan_id;
    r.amount = amount;
    imsi_ = "00101000000000" + std::string(1, name[0]);
    imsi_.back() = static_cast<char>('0' + name[0] % 10);
    r.identity_count = 1;
    r.identities[0].type = rating::IdentityType::imsi;
    r.identities[0].size = static_cast<std::uint8_t>(imsi_.size());
    std::memcpy(r.identities[0].text, imsi_.data(), imsi_.size());
    const OperatorReply reply = operate(r);
    if (reply.result == OperatorResult::ok) subscriber_ = reply.subscriber;
    session_id_ = "gw;" + std::string(name);
    return reply.result;
  }
  OperatorReply buy(std::uint16_t plan_id, std::int64_t starts_at = 0, bool running = false) {
    OperatorRequest r = account_request(OperatorKind::buy_product);
    r.plan = plan_id;
    r.starts_at = static_cast<std::uint32_t>(starts_at);
    r.flag = running;
    return operate(r);
  }
  OperatorResult end(std::uint16_t plan_id, bool with_period = false) {
    OperatorRequest r = account_request(OperatorKind::end_product);
    r.plan = plan_id;
    r.flag = with_period;
    return operate(r).result;
  }
  OperatorResult change_plan(std::uint16_t plan_id) {
    OperatorRequest r = account_request(OperatorKind::set_plan);
    r.plan = plan_id;
    return operate(r).result;
  }
  OperatorResult top_up(std::int64_t amount) {
    OperatorRequest r = account_request(OperatorKind::credit);
    r.amount = amount;
    return operate(r).result;
  }
  void settle_all() {
    for (int i = 0; i < 100 && due(); ++i) {
    }
  }

  struct Shown {
    Account account;
    std::vector<rating::Bucket> buckets;
  };
  Shown show() {
    OperatorRequest r = account_request(OperatorKind::show_account);
    r.now = now();
    std::vector<std::uint8_t> reply(limits::answer_bytes_max);
    shard_->apply(r, reply, record_, outcome_);
    const std::uint8_t* at = reply.data() + sizeof(OperatorReply);
    ShowHeader header;
    std::memcpy(&header, at, sizeof header);
    Shown shown;
    std::memcpy(static_cast<void*>(&shown.account), at + sizeof header, sizeof(Account));
    at += sizeof header + sizeof(Account) + header.subscriber_count * sizeof(Subscriber) +
          header.identity_count * sizeof(OperatorIdentity);
    shown.buckets.resize(header.bucket_count);
    if (header.bucket_count != 0)
      std::memcpy(static_cast<void*>(shown.buckets.data()), at,
                  header.bucket_count * sizeof(rating::Bucket));
    return shown;
  }
  std::int64_t wallet() { return show().buckets.at(0).free(); }
  // Free units of a kind, all its buckets together.
  std::int64_t free_of(std::uint16_t kind) {
    std::int64_t sum = 0;
    for (const rating::Bucket& b : show().buckets) sum += b.kind == kind ? b.free() : 0;
    return sum;
  }
  std::vector<std::int64_t> each_of(std::uint16_t kind) {
    std::vector<std::int64_t> all;
    for (const rating::Bucket& b : show().buckets)
      if (b.kind == kind) all.push_back(b.free());
    return all;
  }

  const char* account_name_ = "a";
  std::array<const rating::Plan*, 16> plans_by_id_{};
  std::map<std::uint16_t, std::vector<Fee>> fees_;
  std::map<std::uint16_t, std::vector<Allowance>> allowances_;
};

}  // namespace levy::shard
