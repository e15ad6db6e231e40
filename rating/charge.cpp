// rating::charge: the three passes over a message, lost sessions, and which service is meant.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
#include "rating/charge.hpp"

#include <algorithm>

#include "engine/base/check.hpp"
#include "rating/counters.hpp"
#include "rating/debit.hpp"
#include "rating/ledger.hpp"
#include "rating/pools.hpp"
#include "rating/quota.hpp"
#include "rating/tariff.hpp"

namespace levy::rating {
namespace {

constexpr std::uint16_t implicit_reasons = reason_threshold | reason_quota_exhausted |
                                           reason_validity_time | reason_rating_condition_change |
                                           reason_forced_reauthorisation;

// Rating groups of the message that name the group of an earlier one count as that one's.
bool named_before(const ChargeInput& input, std::uint32_t i) {
  for (std::uint32_t j = 0; j < i; ++j)
    if (input.groups[j] == input.groups[i]) return true;
  return false;
}

// Usage from the tariff change on, at the rate that the grant foresaw: an outcome of its own.
void debit_after(const ChargeInput& input, Ledger& ledger, std::uint32_t i, Tariff tariff,
                 Group& group, ChargeResult& result) {
  const MsccRequest& mscc = input.request->mscc[i];
  tariff.rate = group.rate_after;
  const std::uint32_t row = charged_rows(*input.request) + result.split_count;
  SplitUsage& split = result.splits[result.split_count++];
  split.mscc = static_cast<std::uint8_t>(i);
  split.outcome = MsccOutcome{};
  split.outcome.flags = outcome_after_change;
  split.outcome.unit = tariff.service->unit;
  debit(ledger, Payers(input, mscc, tariff, &ledger, &group), group,
        used_units(used_after(mscc), *tariff.service), static_cast<std::uint8_t>(row),
        split.outcome);
}

void debit_used(const ChargeInput& input, Ledger& ledger, std::uint32_t i, ChargeResult& result) {
  MsccOutcome& outcome = result.mscc[i];
  const MsccRequest& mscc = input.request->mscc[i];
  if (!mscc.has_used) return;
  Group alone{};  // a late message: no session keeps its total
  Group& group = input.groups[i] != nullptr ? *input.groups[i] : alone;
  if (input.late) group.flags |= group_connected;
  const Tariff tariff = tariff_of_usage(input, group, mscc);
  if (group.plan != 0 && (tariff.plan->id != group.plan || tariff.version != group.plan_version))
    ledger.note_version_gone();
  const Unit unit = tariff.service != nullptr ? tariff.service->unit : unit_reported(mscc.used);
  outcome.unit = unit;
  // A request overtaken by a later one pays from the free credit: the standing grant, which its
  // answer repeats, keeps its whole reservation.
  const bool overtaken = !input.grant_allowed[i] && input.request->type != RequestType::termination;
  const auto kept = group.reservations;
  if (overtaken) group.reservations = {};
  const bool of_grant = tariff.plan->id == group.plan && tariff.version == group.plan_version;
  const bool split = group.tariff_change != 0 && mscc.after.octets != 0 && of_grant;
  const UnitAmounts reported = split ? used_before(mscc) : mscc.used;
  const std::int64_t used = tariff.service != nullptr ? used_units(reported, *tariff.service)
                                                      : amount_of(reported, unit);
  debit(ledger, Payers(input, mscc, tariff, &ledger, &group), group, used,
        static_cast<std::uint8_t>(i), outcome);
  if (split) debit_after(input, ledger, i, tariff, group, result);
  if (overtaken) group.reservations = kept;
}

// Units to ask for, 0 = no grant. A request's number is raised to grant_min, capped at grant_max.
std::int64_t wanted_units(const ChargeInput& input, const MsccRequest& mscc, const Tariff& tariff,
                          const Group& group) {
  const Service& service = *tariff.service;
  if ((mscc.reporting_reasons & (reason_final | reason_qht)) != 0) return 0;
  if (!mscc.has_requested) {
    const bool implied = input.implicit_rsu && (mscc.reporting_reasons & implicit_reasons) != 0;
    if (!implied) return 0;
  }
  if (tariff.price()->free) return service.grant_max;  // zero-rated: the maximum grant
  const std::int64_t number = mscc.has_requested ? amount_of(mscc.requested, service.unit) : 0;
  if (number > 0)
    return std::clamp(number, std::min(service.grant_min, service.grant_max), service.grant_max);
  const bool first =
      mscc.has_requested && (input.request->type == RequestType::initial || group.plan == 0);
  return first ? service.grant_first : service.grant_default;
}

std::uint8_t final_flags(const Service& service) {
  switch (service.final_action) {
    case FinalAction::terminate:
      return outcome_final;
    case FinalAction::redirect:
      return outcome_final | outcome_redirect;
    case FinalAction::restrict_access:
      return outcome_final | outcome_restrict;
  }
  return outcome_final;
}

// Remaining units at which the gateway reports; below the grant, else it is not sent.
std::uint32_t threshold_of(const Service& service, std::int64_t granted) {
  if (service.threshold_permille == 0 && service.threshold_units == 0) return 0;
  std::int64_t threshold = service.threshold_units;
  if (service.threshold_permille != 0) {
    const auto part =
        static_cast<std::int64_t>(Int128{granted} * service.threshold_permille / 1000);
    threshold = threshold == 0 ? part : std::min(threshold, part);
  }
  return threshold < granted
             ? static_cast<std::uint32_t>(std::min<std::int64_t>(threshold, UINT32_MAX))
             : 0;
}

void describe_grant(const Service& service, const Group& group, MsccOutcome& outcome) {
  const bool final = (group.flags & group_final) != 0;
  const bool pooled = (group.flags & group_pooled) != 0;
  outcome.flags = static_cast<std::uint8_t>(outcome_granted | (final ? final_flags(service) : 0) |
                                            (pooled ? outcome_pooled : 0));
  outcome.unit = service.unit;
  outcome.granted = group.granted;
  outcome.rate = group.rate;
  outcome.validity = group.validity;
  outcome.tariff_change = group.tariff_change;
  outcome.quota_holding_time = static_cast<std::uint16_t>(service.quota_holding_time);
  outcome.threshold = final ? 0 : threshold_of(service, group.granted);
}

// A late report gets the standing grant again, as its own plan version describes it.
void repeat_grant(const ChargeInput& input, std::uint32_t i, MsccOutcome& outcome) {
  const Group& group = *input.groups[i];
  if ((group.flags & group_has_grant) == 0) return;
  const Tariff tariff = tariff_of_usage(input, group, input.request->mscc[i]);
  if (tariff.service == nullptr) return;
  name_service(tariff, outcome);
  describe_grant(*tariff.service, group, outcome);
}

// 4012; or, before the first grant of a group that redirects or restricts, 2001 with the
// Final-Unit-Indication and Validity-Time alone (RFC 8506 8.34), by dialect 4012 with them.
void refuse_for_credit(const ChargeInput& input, const Tariff& tariff, Group& group,
                       MsccOutcome& outcome) {
  const Service& service = *tariff.service;
  outcome.reason = credit_reason(tariff);
  if (outcome.reason != Reason::no_credit) return;
  if (group.plan != 0 || service.final_action == FinalAction::terminate) return;
  if (!input.no_credit_code_4012) outcome.reason = Reason::ok;
  outcome.flags = final_flags(service);
  outcome.validity = service.validity;
  group.validity = service.validity;
  group.granted_at = static_cast<std::uint32_t>(input.now.seconds());
}

void reserve(Ledger& ledger, const Offer& offer, Group& group, std::uint8_t mscc) {
  LEVY_CHECK(offer.part_count <= group.reservations.size(), offer.part_count);
  for (std::uint32_t k = 0; k < offer.part_count; ++k) {
    const Part& part = offer.parts[k];
    ledger.move(MovementKind::reserve, part.bucket, part.amount, mscc);
    group.reservations[k] = Reservation{part.amount, ledger.slot(part.bucket), 0};
  }
}

std::int64_t money_of(const Ledger& ledger, const Offer& offer) {
  std::int64_t money = 0;
  for (std::uint32_t k = 0; k < offer.part_count; ++k)
    if (ledger.bucket(offer.parts[k].bucket).unit == Unit::money) money += offer.parts[k].amount;
  return money;
}

// Of two offers for the same wish: the one that reaches less far, or takes more money for it
// (semantics.md: a grant over a tariff change is reserved at the worse price).
bool worse(const Ledger& ledger, const Offer& one, const Offer& other) {
  if (one.units != other.units) return one.units < other.units;
  return money_of(ledger, one) > money_of(ledger, other);
}

// An add-on, or another plan, may count the group by another unit: no total of the former one, and
// nothing that a bucket paid ahead, says anything of it.
void follow_unit(const ChargeInput& input, const MsccRequest& mscc, const Tariff& tariff,
                 Group& group) {
  if (group.plan == 0 || (group.plan == tariff.plan->id && group.service == tariff.index() &&
                          group.plan_version == tariff.version))
    return;
  const Tariff former = tariff_of_usage(input, group, mscc);
  if (former.service == nullptr || former.service->unit == tariff.service->unit) return;
  group.bucket_ahead = group.running_total = 0;
  group.flags = static_cast<std::uint8_t>(group.flags & ~group_unpaid);
}

void grant(const ChargeInput& input, Ledger& ledger, std::uint32_t i, const Tariff& tariff,
           std::int64_t units, MsccOutcome& outcome) {
  Group& group = *input.groups[i];
  follow_unit(input, input.request->mscc[i], tariff, group);
  const Payers payers(input, input.request->mscc[i], tariff, &ledger, &group);
  const Service& service = *tariff.service;
  const TariffChange change =
      tariff_change(input, input.request->mscc[i], group, tariff, ledger);
  if (change.at != 0)
    units = std::min(units, wanted_units(input, input.request->mscc[i], change.after, group));
  const Wish wish{units, service.grant_max, service.indivisible, service.low_credit_permille};
  Offer offer;
  make_offer(ledger, payers, group, wish, offer);
  if (change.at != 0) {
    const Payers later(input, input.request->mscc[i], change.after, &ledger, &group);
    Offer other;
    make_offer(ledger, later, group, wish, other);
    if (worse(ledger, other, offer)) offer = other;
  }
  if (offer.units == 0) {
    refuse_for_credit(input, tariff, group, outcome);
    return;
  }
  hold(ledger, payers, group, offer.units, money_of(ledger, offer));
  reserve(ledger, offer, group, static_cast<std::uint8_t>(i));
  group.sponsor = payers.sponsor();
  group.granted = offer.units;
  group.granted_at = static_cast<std::uint32_t>(input.now.seconds());
  group.tariff_change = change.at;
  group.rate_after = change.at != 0 ? static_cast<std::uint8_t>(change.after.rate) : 0;
  group.validity = validity_of_grant(input, tariff, ledger, change.at);
  group.rate = static_cast<std::uint8_t>(tariff.rate);
  group.plan = tariff.plan->id;
  group.plan_version = tariff.version;
  group.service = tariff.index();
  group.set_by_number = input.request->request_number;
  group.flags |= group_has_grant;
  if (can_pool(input, tariff, group, ledger, offer)) group.flags |= group_pooled;
  if (!offer.next_payable) group.flags |= group_final;
  describe_grant(service, group, outcome);
}

// Pass 3 for one MSCC: its reason, and its grant where there is one.
void decide(const ChargeInput& input, Ledger& ledger, std::uint32_t i, MsccOutcome& outcome) {
  const MsccRequest& mscc = input.request->mscc[i];
  const Tariff tariff = tariff_of_grant(input, input.groups[i], mscc);
  name_service(tariff, outcome);
  const bool termination = input.request->type == RequestType::termination;
  if (tariff.service == nullptr) {
    if (mscc.has_used || mscc.has_requested || mscc.has_rating_group)
      outcome.reason = unmatched_reason(*input.plan);
    return;
  }
  if (!mscc.has_used) outcome.unit = tariff.service->unit;
  if (outcome.used == 0) outcome.rated_by = tariff.rated_by();
  if (termination) return;
  outcome.reason = access_reason(input, tariff);
  if (outcome.reason != Reason::ok) return;
  if (input.groups[i] == nullptr) {
    if (mscc.has_used || mscc.has_requested) outcome.reason = Reason::unknown_session;
    return;
  }
  if (!input.grant_allowed[i]) {
    repeat_grant(input, i, outcome);
    return;
  }
  if (named_before(input, i)) return;
  const std::int64_t units = wanted_units(input, mscc, tariff, *input.groups[i]);
  if (units > 0) grant(input, ledger, i, tariff, units, outcome);
}

void tell_when_to_retry(MsccOutcome& outcome) {
  const bool denied = outcome.reason == Reason::no_credit || outcome.reason == Reason::denied;
  if (!denied || outcome.plan == nullptr || outcome.validity != 0) return;
  outcome.validity = outcome.plan->services[outcome.service].retry_after;
  if (outcome.validity != 0) outcome.flags |= outcome_retry;
}

}  // namespace

void charge(const ChargeInput& input, AccountView& account, ChargeResult& result) {
  const ChargeRequest& request = *input.request;
  const std::uint32_t count = charged_rows(request);
  LEVY_CHECK(count <= limits::mscc_max, count);
  Ledger ledger(account, result, input.now);
  result.split_count = 0;
  draw_from_pools(input, count);
  for (std::uint32_t i = 0; i < count; ++i) {
    result.mscc[i] = MsccOutcome{};
    debit_used(input, ledger, i, result);
  }
  const bool termination = request.type == RequestType::termination;
  for (std::uint32_t i = 0; i < count; ++i)
    if (input.groups[i] != nullptr && (input.grant_allowed[i] || termination))
      release_group(*input.groups[i], account, result, static_cast<std::uint8_t>(i));
  for (std::uint32_t i = 0; i < count; ++i) {
    decide(input, ledger, i, result.mscc[i]);
    if (!request.command_level) tell_when_to_retry(result.mscc[i]);
  }
  // Only where it ends nothing else: other groups of an open session stay under credit control.
  if (request.type == RequestType::initial) say_not_applicable(count, result);
}

void settle_lost_group(Group& group, const Plan& plan, const Plan& base, AccountView& account,
                       Time now, MsccOutcome& outcome, ChargeResult& result) {
  if ((group.flags & group_has_grant) != 0 && group.service < plan.service_count) {
    const Service& service = plan.services[group.service];
    const Tariff tariff{&plan, &service, group.rate, group.plan_version, nullptr};
    name_service(tariff, outcome);
    outcome.unit = service.unit;
    const std::int64_t used = service.on_lost == OnLost::charge_reserved ? group.granted
                              : service.on_lost == OnLost::charge_units  ? service.lost_units
                                                                         : 0;
    Ledger ledger(account, result, now);
    // No message: conditions beside the time meet nothing that it would carry.
    const ChargeRequest nothing{};
    ChargeInput input;
    input.request = &nothing;
    input.plan = &base;
    input.now = input.usage_time = now;
    debit(ledger, Payers(input, nothing.mscc[0], tariff, &ledger, &group), group, used, 0xff,
          outcome);
  }
  release_group(group, account, result);
}

}  // namespace levy::rating
