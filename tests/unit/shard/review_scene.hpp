// ReviewScene: one Shard with an account of 100 units of money and one subscriber, driven by hand.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/hash.hpp"
#include "engine/shard/shard.hpp"

namespace levy::shard {

inline constexpr std::int64_t review_start = 1'700'000'000;

// Rating group 1 (and 2): one micro per octet; group 9: one micro per event. Of lost sessions group
// 3 charges what was reserved, group 4 250 octets. Group 5 nobody can pay, and it redirects.
inline std::unique_ptr<rating::Plan> review_plan(bool with_group_2 = true) {
  auto plan = std::make_unique<rating::Plan>();
  plan->id = 1;
  plan->currency = 978;
  const auto add = [&](std::uint32_t group, rating::Unit unit) {
    rating::Service& s = plan->services[plan->service_count];
    s.unit = unit;
    s.price.numerator = 1;
    s.grant_first = s.grant_default = 1000;
    s.validity = 600;
    plan->entries[plan->entry_count++] = {group, plan->service_count++};
  };
  add(1, rating::Unit::octets);
  if (with_group_2) add(2, rating::Unit::octets);
  add(3, rating::Unit::octets);
  plan->services[plan->service_count - 1].on_lost = rating::OnLost::charge_reserved;
  add(4, rating::Unit::octets);
  plan->services[plan->service_count - 1].on_lost = rating::OnLost::charge_units;
  plan->services[plan->service_count - 1].lost_units = 250;
  add(5, rating::Unit::octets);
  plan->services[plan->service_count - 1].price.numerator = 1'000'000'000;
  plan->services[plan->service_count - 1].final_action = rating::FinalAction::redirect;
  add(9, rating::Unit::events);
  return plan;
}

class ReviewScene : public ::testing::Test {
 protected:
  explicit ReviewScene(Capacity capacity = {}) : capacity_(capacity) {
    add_plan_set(0, 1, review_plan());
    shard_ = std::make_unique<Shard>(ShardId{0}, capacity_, options_, HugePages::off, scratch_);
    shard_->set_plans(sets_.data(), static_cast<std::uint32_t>(sets_.size()));
    OperatorRequest r;
    r.kind = OperatorKind::switch_plan;
    r.plan_version = 1;
    operate(r);
    r = {};
    r.kind = OperatorKind::create_account;
    std::strcpy(r.account_name, "a");
    r.plan = 1;
    r.currency = 978;
    r.amount = 100'000'000;
    EXPECT_EQ(operate(r).result, OperatorResult::ok);
    r = {};
    r.kind = OperatorKind::create_subscriber;
    std::strcpy(r.account_name, "a");
    r.identity_count = 1;
    r.identities[0].type = rating::IdentityType::imsi;
    r.identities[0].size = static_cast<std::uint8_t>(imsi_.size());
    std::memcpy(r.identities[0].text, imsi_.data(), imsi_.size());
    const OperatorReply reply = operate(r);
    EXPECT_EQ(reply.result, OperatorResult::ok);
    subscriber_ = reply.subscriber;
  }

  void add_plan_set(std::size_t at, std::uint16_t version, std::unique_ptr<rating::Plan> plan) {
    plans_.push_back(std::move(plan));
    auto& pointers = pointers_[at];
    pointers = {nullptr, plans_.back().get()};
    set_storage_[at] = rating::PlanSet{version, pointers.data(), 2};
    sets_[at] = &set_storage_[at];
  }

  Time now() const { return Time::from_seconds(seconds_); }

  OperatorReply operate(OperatorRequest& r) {
    r.now = now();
    std::vector<std::uint8_t> reply(limits::answer_bytes_max);
    shard_->apply(r, reply, record_, outcome_);
    keep();
    OperatorReply out;
    std::memcpy(static_cast<void*>(&out), reply.data(), sizeof out);
    return out;
  }

  // One MSCC of `group`; negative numbers are absent.
  rating::ChargeRequest request(rating::RequestType type, std::uint32_t number,
                                std::uint32_t group, std::int64_t asked, std::int64_t used) {
    rating::ChargeRequest r;
    r.type = type;
    r.request_number = number;
    r.session_id = session_id_;
    r.origin_host = origin_host_;
    r.origin_realm = "realm";
    r.identity_count = 1;
    r.identities[0] = {rating::IdentityType::imsi, imsi_};
    r.mscc_count = 1;
    rating::MsccRequest& m = r.mscc[0];
    m.has_rating_group = true;
    m.rating_group = group;
    const auto put = [&](rating::UnitAmounts& into, std::int64_t n) {
      if (group == 9) into.has_events = true, into.events = n;
      else into.has_octets = true, into.octets = n;
    };
    if (asked >= 0) m.has_requested = true, put(m.requested, asked);
    if (used >= 0) m.has_used = true, put(m.used, used);
    return r;
  }

  rating::Reason charge(const rating::ChargeRequest& r) {
    ChargeContext context;
    context.now = now();
    context.session_hash = hash_bytes(r.session_id, 1);
    context.subscriber = subscriber_;
    context.supersede = supersede_;
    shard_->apply(r, context, record_, outcome_);
    keep();
    return outcome_.reason;
  }
  rating::Reason initial(std::uint32_t group = 1) {
    return charge(request(rating::RequestType::initial, 0, group, 1000, -1));
  }
  rating::Reason update(std::uint32_t number, std::int64_t used, std::uint32_t group = 1) {
    return charge(request(rating::RequestType::update, number, group, 1000, used));
  }
  rating::Reason terminate(std::uint32_t number, std::int64_t used, std::uint32_t group = 1) {
    return charge(request(rating::RequestType::termination, number, group, -1, used));
  }
  rating::Reason event(std::uint32_t number, std::int64_t events = 1) {
    auto r = request(rating::RequestType::event, number, 9, events, -1);
    r.has_requested_action = true;
    return charge(r);
  }
  // The next due thing; a turn looks at a few places of the wheel only.
  bool due() {
    bool any = false;
    for (int turns = 0; turns < 200 && !any; ++turns)
      any = shard_->apply_due(now(), record_, outcome_);
    keep();
    return any;
  }
  std::int64_t spent() const { return shard_->totals().spent; }

  // A second Shard from the Records, as recovery makes it.
  void restart() {
    shard_ = std::make_unique<Shard>(ShardId{0}, capacity_, options_, HugePages::off, scratch_);
    shard_->set_plans(sets_.data(), static_cast<std::uint32_t>(sets_.size()));
    for (const auto& bytes : journal_) {
      RecordView view;
      ASSERT_TRUE(read_record(bytes, view));
      ASSERT_TRUE(for_each_image(view.images, [&](const ImageHeader& h, auto words) {
        return shard_->load_image(h, words);
      }));
    }
    shard_->rebuild(now());
  }
  void recovered() {
    OperatorRequest r;
    r.kind = OperatorKind::recovered;
    operate(r);
  }
  void TearDown() override {
    EXPECT_EQ(shard_->totals().law_violations, 0u);
    const std::uint64_t live = shard_->digest();
    restart();
    EXPECT_EQ(shard_->digest(), live);
  }

  void keep() {
    if (outcome_.record_bytes != 0)
      journal_.emplace_back(record_.begin(),
                            record_.begin() + static_cast<std::ptrdiff_t>(outcome_.record_bytes));
  }

  Capacity capacity_;
  Options options_;
  Scratch scratch_;
  std::int64_t seconds_ = review_start;
  std::string imsi_ = "001010000000001";
  std::string session_id_ = "gw;1";
  std::string origin_host_ = "gw";
  Slot subscriber_ = none;
  bool supersede_ = true;
  std::vector<std::unique_ptr<rating::Plan>> plans_;
  std::array<std::array<const rating::Plan*, 2>, limits::plan_versions_max> pointers_{};
  std::array<rating::PlanSet, limits::plan_versions_max> set_storage_{};
  std::array<const rating::PlanSet*, limits::plan_versions_max> sets_{};
  std::vector<std::uint8_t> record_ = std::vector<std::uint8_t>(limits::record_bytes_max);
  std::vector<std::vector<std::uint8_t>> journal_;
  Outcome outcome_;
  std::unique_ptr<Shard> shard_;
};

}  // namespace levy::shard
