// Shard: top-ups, with the bonus that the base plan gives; money of other currencies; the plan's
// loan, and its repayment.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
//
// A loan is credit that goes again: what a top-up pays back leaves the wallet's credits as it came
// (`expire`), its fee is spent when it is given.
#include "engine/shard/pools.hpp"

namespace levy::shard {

using rating::MovementKind;
using Result = OperatorResult;

namespace {

Int128 worth_of(std::int64_t amount, const rating::ExchangeRate& rate) {
  return Int128{amount} * rate.numerator / rate.denominator;
}

}  // namespace

// What is free in the wallet of another currency goes into that of the plan's; what is reserved
// there stays until the next time. Both movements stand in the Record.
void Shard::exchange_wallet(Slot account_slot, const rating::Plan& plan,
                            const rating::ExchangeRate& rate, Outcome& outcome) {
  const Slot from = find_wallet(accounts_[account_slot], rate.currency);
  const std::int64_t free = from != none ? buckets_[from].free() : 0;
  if (free <= 0) return;
  const Int128 worth = worth_of(free, rate);
  const Slot to = find_or_open_wallet(account_slot, plan.currency);
  if (to == none || worth == 0 || worth > Int128{limits::balance_micros_max} - buckets_[to].credits)
    return;
  book(outcome, MovementKind::expire, from, free);
  book(outcome, MovementKind::credit, to, static_cast<std::int64_t>(worth));
}

// What a top-up has brought into the wallet of the plan's currency; 0: it stays in its own.
std::int64_t Shard::take_payment(Operation& op, const rating::Plan& plan) {
  const OperatorRequest& r = op.request;
  if (r.currency == plan.currency) return r.amount;
  for (std::uint32_t i = 0; i < plan.exchange_count; ++i) {
    if (plan.exchange[i].currency != r.currency) continue;
    const std::uint32_t moves = op.outcome.charge.movement_count;
    exchange_wallet(op.account, plan, plan.exchange[i], op.outcome);
    if (op.outcome.charge.movement_count == moves) return 0;
    return static_cast<std::int64_t>(worth_of(r.amount, plan.exchange[i]));
  }
  return 0;
}

// The bonus and the loan look at what comes into the account's wallet of its plan's currency.
void Shard::top_up(Operation& op, Slot owner) {
  const OperatorRequest& r = op.request;
  credit(op, r.bucket(), owner);
  const rating::Plan* plan = newest(accounts_[op.account].plan);
  if (op.reply.result != Result::ok || r.bucket_kind != 0 || owner != none || plan == nullptr ||
      r.amount <= 0)
    return;
  const std::int64_t paid = take_payment(op, *plan);
  if (paid == 0) return;
  const rating::TopupBonus* bonus = nullptr;
  for (std::uint32_t i = 0; i < plan->bonus_count && plan->bonuses[i].from <= paid; ++i)
    bonus = &plan->bonuses[i];
  if (bonus != nullptr) {
    const auto now_s = static_cast<std::uint32_t>(r.now.seconds());
    OperatorBucket what;
    what.amount = bonus->amount != 0 ? bonus->amount
                                     : static_cast<std::int64_t>(
                                           Int128{paid} * bonus->share_permille / 1000);
    what.step = bonus->step;
    what.ends_at = bonus->lifetime != 0 ? now_s + bonus->lifetime : 0;
    what.kind = bonus->kind;
    what.currency = bonus->currency;
    what.priority = bonus->priority;
    what.unit = bonus->unit;
    credit(op, what, none);
    if (op.reply.result != Result::ok) return;
  }
  Account& account = edit(accounts_, op.account);
  const std::int64_t repaid = std::min(account.loan, paid);
  if (repaid == 0) return;
  const Slot wallet = find_wallet(account, plan->currency);
  book(op.outcome, MovementKind::expire, wallet, repaid);
  account.loan -= repaid;
}

void Shard::lend(Operation& op) {
  const rating::Plan* plan = newest(accounts_[op.account].plan);
  if (plan == nullptr || plan->loan.amount == 0) {
    op.reply.result = Result::not_offered;
    return;
  }
  if (accounts_[op.account].loan != 0) {
    op.reply.result = Result::held;
    return;
  }
  const Slot wallet = find_or_open_wallet(op.account, plan->currency);
  if (wallet == none) {
    op.reply.result = Result::full;
    return;
  }
  const rating::Loan& loan = plan->loan;
  if (buckets_[wallet].free() >= loan.when_below) {
    op.reply.result = Result::not_offered;
    return;
  }
  if (buckets_[wallet].credits > limits::balance_micros_max - loan.amount) {
    op.reply.result = Result::invalid;
    return;
  }
  book(op.outcome, MovementKind::credit, wallet, loan.amount);
  book(op.outcome, MovementKind::spend, wallet, loan.fee);
  edit(accounts_, op.account).loan = loan.amount;
}

}  // namespace levy::shard
