// charge() over recorded use (see replay_pricer.hpp).
// Core: none. Allocates: yes. Blocks: never. Clock: in the records.
//
// The grants that the gateway got are asked for again at the same requests, so that a rate is
// chosen from the same facts at the same time and the next use consumes it (semantics.md
// "Conditions and clocks"). Units that buckets paid then are paid by a bucket of exactly so many
// here: balances are not in the records.
#include "tools/levyctl/replay_pricer.hpp"

#include <algorithm>

namespace levyctl {

namespace {

constexpr std::uint16_t version = 1;  // there is only one

rating::Unit unit_of(const std::string& unit) {
  return unit == "octets"    ? rating::Unit::octets
         : unit == "seconds" ? rating::Unit::seconds
                             : rating::Unit::events;
}

rating::UnitAmounts amounts_of(const GroupLine& line) {
  rating::UnitAmounts amounts;
  amounts.has_octets = line.unit == "octets";
  amounts.has_seconds = line.unit == "seconds";
  amounts.has_events = line.unit == "events";
  amounts.octets = amounts.has_octets ? line.used : 0;
  amounts.seconds = amounts.has_seconds ? line.used : 0;
  amounts.events = amounts.has_events ? line.used : 0;
  return amounts;
}

std::string refusal(rating::Reason reason) {
  switch (reason) {
    case rating::Reason::ok:
      return {};
    case rating::Reason::no_credit:
      return "no further grant (4012)";
    case rating::Reason::denied:
      return "denied (4010)";
    case rating::Reason::refused:
      return "refused (5003)";
    case rating::Reason::rating_failed:
      return "no price (5031)";
    default:
      return "not possible";
  }
}

}  // namespace

ReplayPricer::ReplayPricer(const PlanFiles& files, std::int64_t skew)
    : files_(files),
      skew_(skew),
      input_(std::make_unique<rating::ChargeInput>()),
      result_(std::make_unique<rating::ChargeResult>()) {
  for (std::size_t i = 0; i < files.compiled.plans.size(); ++i) {
    const rating::Plan* plan = files.compiled.plans[i].get();
    const rating::PlanSource& source = files.catalogue().plans[i];
    by_name_[source.name.value] = i;
    for (const auto& former : source.was) by_name_[former.value] = i;
    if (by_id_.size() <= plan->id) by_id_.resize(plan->id + 1u);
    by_id_[plan->id] = plan;
  }
  set_.version = version;
  set_.plans = by_id_.data();
  set_.plan_count = static_cast<std::uint32_t>(by_id_.size());
  set_.zones = files.compiled.zones.get();
  sets_[0] = &set_;
}

// A record does not say that a service is an add-on's: it is where the base plan has none of that
// name.
void ReplayPricer::add_addon(const GroupLine& line, const rating::PlanSource& base) {
  const auto named = [&](const rating::ServiceSource& service) {
    return service.name.value == line.service;
  };
  if (line.service.empty() || std::any_of(base.services.begin(), base.services.end(), named))
    return;
  for (std::size_t i = 0; i < files_.catalogue().plans.size(); ++i) {
    const rating::PlanSource& plan = files_.catalogue().plans[i];
    if (plan.kind.value != "addon" ||
        std::none_of(plan.services.begin(), plan.services.end(), named))
      continue;
    input_->addons[0] = {files_.compiled.plans[i].get(), set_.zones, version};
    input_->addon_count = 1;
    return;
  }
}

// Money without end, and what unit buckets paid then.
void ReplayPricer::fund(const rating::Plan& plan, const GroupLine& line) {
  wallet_ = rating::Bucket{};
  wallet_.flags = rating::bucket_live | rating::bucket_main_wallet;
  wallet_.currency = plan.currency;
  wallet_.credits = levy::limits::balance_micros_max;
  units_ = rating::Bucket{};
  units_.flags = rating::bucket_live;
  units_.unit = unit_of(line.unit);
  units_.credits = line.used_by_buckets;
  account_.buckets[0] = &wallet_;
  account_.slots[0] = 0;
  account_.buckets[1] = &units_;
  account_.slots[1] = 1;
  account_.bucket_count = line.used_by_buckets > 0 ? 2 : 1;
}

void ReplayPricer::ask(const RecordLine& record, const GroupLine& line, bool alone, bool more) {
  fill_message(record, line.key, message_);
  rating::ChargeRequest& request = message_.request;
  const bool ends = record.request_type == "termination" || record.kind == "session_lost";
  request.type = ends                               ? rating::RequestType::termination
                 : record.request_type == "initial" ? rating::RequestType::initial
                                                    : rating::RequestType::update;
  rating::MsccRequest& mscc = request.mscc[0];
  mscc.has_used = line.used > 0;
  mscc.used = amounts_of(line);
  mscc.has_requested = !ends && !alone && !more && line.granted > 0;
  input_->request = &request;
  input_->plan_sets = sets_;
  input_->plan_set_count = 1;
  input_->plan_version = version;
  input_->zones = set_.zones;
  input_->now = {record.time};
  input_->usage_time = usage_time(record, skew_);
  input_->late = record.kind == "late_usage";
}

// By what the use was rated: the group's grant before this request, else the tariff now.
void ReplayPricer::name(Repriced& answer) const {
  const rating::MsccOutcome& outcome = result_->mscc[0];
  if (outcome.rated_by.service == 0) return;
  for (std::size_t i = 0; i < files_.compiled.plans.size(); ++i) {
    const rating::CompiledPlan& plan = *files_.compiled.plans[i];
    for (std::size_t s = 0; s < plan.service_count; ++s) {
      if (plan.services[s].name != outcome.rated_by.service) continue;
      const rating::ServiceSource& service = files_.catalogue().plans[i].services[s];
      answer.service = service.name.value;
      if (outcome.rated_by.rate == 0) return;
      if (outcome.rated_by.rate > service.rates.size()) continue;
      answer.rate = service.rates[outcome.rated_by.rate - 1u].name.value;
      if (plan.rates[plan.services[s].first_rate + outcome.rated_by.rate - 1u].name ==
          outcome.rated_by.rate_name)
        return;
    }
  }
}

Repriced ReplayPricer::price(const RecordLine& record, const GroupLine& line, ReplayGroup* group,
                             bool more) {
  Repriced answer;
  const auto found = by_name_.find(record.plan);
  if (found == by_name_.end()) {
    answer.why = record.plan.empty() ? "the record names no plan"
                                     : "plan " + record.plan + " is not in the catalogue";
    return answer;
  }
  const rating::Plan& plan = *files_.compiled.plans[found->second];
  const rating::PlanSource& source = files_.catalogue().plans[found->second];
  *input_ = rating::ChargeInput{};
  result_->movement_count = 0;
  result_->overflow = false;
  ReplayGroup alone;
  ReplayGroup& of = group != nullptr ? *group : alone;
  fund(plan, line);
  ask(record, line, group == nullptr, more);
  input_->plan = &plan;
  of.group.flags |= rating::group_live;
  if (line.after_tariff_change) of.group.plan = 0;  // by the tariff when it was reported
  input_->groups[0] = &of.group;
  const bool update = message_.request.type == rating::RequestType::update;
  input_->grant_allowed[0] = !(update && (of.group.flags & rating::group_has_grant) != 0 &&
                               record.request_number < of.group.set_by_number);
  add_addon(line, source);
  answer.refused = of.refused;
  rating::charge(*input_, account_, *result_);
  of.group.reservations = {};  // of an account that is made anew for each request
  const rating::MsccOutcome& outcome = result_->mscc[0];
  if (message_.request.mscc[0].has_requested) of.refused = refusal(outcome.reason);
  if (record.request_type == "event") answer.refused = refusal(outcome.reason);
  answer.currency = source.currency.value;
  answer.charged = outcome.charged;
  answer.unrated = outcome.unrated;
  answer.priced = !result_->overflow;
  if (result_->overflow) answer.why = "the sums leave their range";
  if (line.used == 0) return answer;
  name(answer);
  if (outcome.plan != nullptr &&
      outcome.plan->services[outcome.service].accumulates != rating::Service::no_counter) {
    answer.priced = false;
    answer.why = "the prices of service " + answer.service +
                 " run over a counter, whose sum is not in the records";
  }
  if (outcome.rated_by.service != 0 && outcome.unit != unit_of(line.unit)) {
    answer.priced = false;
    answer.why =
        "service " + answer.service + " counts another unit than the records (" + line.unit + ")";
  }
  return answer;
}

}  // namespace levyctl
