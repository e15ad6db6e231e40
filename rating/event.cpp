// charge_event: one-time charging (EVENT_REQUEST, RFC 8506 section 6) without any reservation.
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
//
// An event has no session: every MSCC is priced from a running total of 0. What cannot be paid
// changes nothing (V-40).
#include <algorithm>

#include "engine/base/check.hpp"
#include "rating/debit.hpp"
#include "rating/ledger.hpp"
#include "rating/price.hpp"
#include "rating/quota.hpp"
#include "rating/tariff.hpp"

namespace levy::rating {
namespace {

// What `units` cost that nobody else pays for, the fee included.
Int128 event_price(const Price& price, std::int64_t units) {
  return price_exact(price, units) + (units > 0 && !price.free ? price.connect_fee : 0);
}

// How many of `units` the account can pay now: all, none, or (divisible services) some.
std::int64_t payable_units(const Ledger& ledger, const Payers& payers, std::int64_t units) {
  Wish wish;
  wish.units = units;
  wish.units_max = limits::units_max;
  wish.all_or_nothing = payers.tariff().service->indivisible;
  wish.buckets_max = limits::buckets_per_account_max;
  const Group alone{};
  Offer offer;
  make_offer(ledger, payers, alone, wish, offer);
  return std::min(offer.units, units);
}

void debit_event(Ledger& ledger, const Payers& payers, std::int64_t units, std::uint8_t mscc,
                 MsccOutcome& outcome) {
  const std::int64_t payable = units > 0 ? payable_units(ledger, payers, units) : 0;
  if (payable == 0) {
    outcome.reason = credit_reason(payers.tariff());
    return;
  }
  Group alone{};
  debit(ledger, payers, alone, payable, mscc, outcome);
  outcome.granted = payable;
  outcome.flags = outcome_granted;
}

// CC-Money, else the price of the units, goes to the main wallet; `charged` is then negative, so
// that the sum of all charges stays the balance's decrease.
void refund(const ChargeInput& input, Ledger& ledger, const Tariff& tariff, std::uint8_t index,
            MsccOutcome& outcome) {
  const MsccRequest& mscc = input.request->mscc[index];
  const std::uint16_t currency = input.plan->currency;
  const UnitAmounts& amounts = mscc.requested.has_money ? mscc.requested : mscc.used;
  Int128 amount = 0;
  if (amounts.has_money) {
    const bool same = amounts.money_currency == 0 || amounts.money_currency == currency;
    amount = same ? amounts.money.micros : -1;
  } else if (tariff.service == nullptr) {
    outcome.reason = unmatched_reason(*input.plan);
    return;
  } else {
    bool named = false;
    const std::int64_t units = event_units(mscc, *tariff.service, named);
    amount = tariff.price()->none || units > limits::units_max
                 ? Int128{-1}
                 : event_price(*tariff.price(), units);
  }
  std::uint32_t wallet = 0;
  const std::uint16_t payer =
      tariff.service != nullptr ? tariff.service->sponsor : std::uint16_t{0};
  while (wallet < ledger.bucket_count() &&
         !(ledger.main_wallet(wallet) && ledger.usable(wallet) &&
           ledger.holds_money(wallet, currency) && ledger.sponsor(wallet) == payer))
    ++wallet;
  if (amount < 0 || amount > limits::balance_micros_max || wallet == ledger.bucket_count() ||
      ledger.bucket(wallet).free() > limits::balance_micros_max - amount) {
    outcome.reason = Reason::unable_to_comply;
    return;
  }
  if (amount == 0) return;
  ledger.move(MovementKind::credit, wallet, static_cast<std::int64_t>(amount), index);
  outcome.charged = -static_cast<std::int64_t>(amount);
}

void charge_one(const ChargeInput& input, Ledger& ledger, std::uint8_t i, MsccOutcome& outcome,
                EventResult& event) {
  const MsccRequest& mscc = input.request->mscc[i];
  const RequestedAction action = input.request->requested_action;
  const Tariff tariff = current_tariff(input, mscc);
  name_service(tariff, outcome);
  if (tariff.service != nullptr) {
    outcome.unit = tariff.service->unit;
    outcome.rated_by = tariff.rated_by();
  }
  if (action == RequestedAction::refund_account) {
    refund(input, ledger, tariff, i, outcome);
    return;
  }
  if (tariff.service == nullptr) {
    outcome.reason = unmatched_reason(*input.plan);
    event.enough = false;
    return;
  }
  outcome.reason = access_reason(input, tariff);
  if (outcome.reason != Reason::ok) {
    event.enough = false;
    return;
  }
  bool named = false;
  const std::int64_t units = event_units(mscc, *tariff.service, named);
  const Payers payers(input, mscc, tariff, &ledger);
  if (action == RequestedAction::direct_debiting) {
    debit_event(ledger, payers, units, i, outcome);
  } else if (action == RequestedAction::check_balance) {
    event.enough &= units > 0 && payable_units(ledger, payers, units) == units;
  } else if (action == RequestedAction::price_enquiry) {
    const Int128 cost = event_price(*tariff.price(), units) + event.cost.micros;
    if (tariff.price()->none)
      outcome.reason = Reason::rating_failed;
    else if (cost > limits::balance_micros_max)
      outcome.reason = Reason::unable_to_comply;
    else
      event.cost.micros = static_cast<std::int64_t>(cost);
  }
}

}  // namespace

std::int64_t event_units(const MsccRequest& mscc, const Service& service, bool& named) {
  std::int64_t units = amount_of(mscc.requested, service.unit);
  if (units <= 0) units = amount_of(mscc.used, service.unit);
  named = units > 0;
  if (named) return units;
  return service.unit == Unit::events ? 1 : service.grant_first;
}

void charge_event(const ChargeInput& input, AccountView& account, ChargeResult& result,
                  EventResult& event) {
  const std::uint32_t count = charged_rows(*input.request);
  LEVY_CHECK(count <= limits::mscc_max, count);
  Ledger ledger(account, result, input.now);
  event = EventResult{};
  event.enough = count > 0 && input.request->requested_action == RequestedAction::check_balance;
  for (std::uint32_t i = 0; i < count; ++i) {
    result.mscc[i] = MsccOutcome{};
    charge_one(input, ledger, static_cast<std::uint8_t>(i), result.mscc[i], event);
  }
  if (input.request->requested_action == RequestedAction::direct_debiting)
    say_not_applicable(count, result);
}

}  // namespace levy::rating
