// Operators: wishes, asked until they are confirmed.
// Core: the simulator's only thread. Allocates: yes. Blocks: never. Clock: none.
#include "tests/sim/operators.hpp"

#include <algorithm>

#include "engine/admin/request.hpp"
#include "engine/admin/transfer.hpp"
#include "engine/base/hash.hpp"

namespace levy::sim {

using shard::OperatorKind;
using shard::OperatorResult;

namespace {

constexpr std::uint16_t currency = 978;

ShardId shard_of(const std::string& account, std::uint32_t shards) {
  return ShardId{static_cast<std::uint8_t>(stable_hash(account) % shards)};
}

}  // namespace

Operators::Operators(Field& field, std::uint32_t shards) : field_(field), shards_(shards) {
  for (std::size_t i = 0; i < field_.subscribers.size(); ++i) {
    const Field::Subscriber& who = field_.subscribers[i];
    Operation op;
    op.kind = OperationKind::create;
    op.account = who.account;
    op.amount = static_cast<std::int64_t>(field_.random.below(6)) * 1'000'000 + ++cents_;
    Wish& wish = add(op, OperatorKind::create_account);
    wish.subscriber = i;
    wish.keyed = true;
    wish.request.plan = 1;
    wish.request.amount = op.amount;
    wish.request.identity_count = 1;
    admin::put_identity(wish.request.identities[0], rating::IdentityType::imsi, who.imsi);
  }
}

Operators::Wish& Operators::add(const Operation& operation, OperatorKind kind) {
  auto wish = std::make_shared<Wish>();
  wish->operation = field_.auditor.begin_operation(operation);
  wish->shard = shard_of(operation.account, shards_);
  wish->request.kind = kind;
  wish->request.currency = currency;
  admin::put_text(wish->request.account_name, operation.account);
  admin::put_text(wish->request.why, "op " + std::to_string(wish->operation));
  wishes_.push_back(wish);
  return *wish;
}

void Operators::on_crash() {
  for (auto& wish : wishes_) wish->under_way = false;
  // Without a key nobody asks again: it might be done twice.
  std::erase_if(wishes_, [](const auto& wish) { return !wish->keyed; });
}

bool Operators::finished() const { return wishes_.empty(); }

const Field::Subscriber* Operators::some_ready() {
  const Field::Subscriber& who = field_.subscribers[field_.random.below(field_.subscribers.size())];
  return who.ready ? &who : nullptr;
}

void Operators::turn(Daemon& daemon, std::vector<std::unique_ptr<Gateway>>& gateways,
                     bool finishing, bool calls) {
  if (!finishing && field_.random.percent(30)) {
    if (calls && field_.random.percent(25)) return transfer(daemon);
    invent(gateways);
  }
  for (const auto& wish : wishes_) {
    if (wish->under_way) continue;
    return ask(daemon, wish);
  }
}

void Operators::ask(Daemon& daemon, const std::shared_ptr<Wish>& wish) {
  wish->under_way = true;
  const bool taken = daemon.submit(
      wish->shard, wish->request,
      [this, wish, &daemon](const shard::OperatorReply& reply) { on_reply(daemon, wish, reply); });
  if (!taken) wish->under_way = false;
}

void Operators::on_reply(Daemon& daemon, const std::shared_ptr<Wish>& wish,
                         const shard::OperatorReply& reply) {
  wish->under_way = false;
  if (reply.result == OperatorResult::busy) return;
  std::erase(wishes_, wish);
  if (admin::refused(reply.result)) {
    require(wish->request.kind != OperatorKind::create_account, "an account was refused");
    return;
  }
  // It had that plan already: nothing to record.
  const bool plan_set = wish->request.kind == OperatorKind::set_plan;
  if (plan_set && reply.result == OperatorResult::unchanged) return;
  field_.auditor.confirm(wish->operation);
  if (wish->request.kind != OperatorKind::create_account) return;
  Field::Subscriber& who = field_.subscribers[wish->subscriber];
  if (reply.result == OperatorResult::ok) {
    daemon.publish(rating::IdentityType::account_name, who.account, wish->shard, reply.account);
    daemon.publish(rating::IdentityType::imsi, who.imsi, wish->shard, reply.subscriber);
  }
  who.ready = true;
}

void Operators::invent(std::vector<std::unique_ptr<Gateway>>& gateways) {
  const Field::Subscriber* who = some_ready();
  if (who == nullptr || wishes_.size() > 8) return;
  Random& random = field_.random;
  Operation op;
  op.account = who->account;
  const std::uint64_t what = random.below(100);
  if (what < 60) {
    op.kind = what < 45 ? OperationKind::credit_wallet : OperationKind::credit_octets;
    op.amount = static_cast<std::int64_t>(random.between(1, 30)) * 100'000 + ++cents_;
    Wish& wish = add(op, OperatorKind::credit);
    wish.keyed = true;
    wish.request.amount = op.amount;
    admin::put_text(wish.request.request_key, "key " + std::to_string(wish.operation));
    if (op.kind == OperationKind::credit_wallet) return;
    wish.request.bucket_kind = 5;
    wish.request.unit = rating::Unit::octets;
    return;
  }
  if (what < 72) return invent_product(op, what);
  if (what < 80) {
    op.kind = OperationKind::status;
    op.status = random.percent(70) ? shard::AccountStatus::active : shard::AccountStatus::suspended;
    add(op, OperatorKind::set_status).request.status = op.status;
    return;
  }
  const std::string session = gateways[random.below(gateways.size())]->some_session(op.account);
  if (session.empty()) return;
  const bool abort = what >= 97;
  op.kind = abort ? OperationKind::abort : OperationKind::reauthorize;
  Wish& wish = add(op, abort ? OperatorKind::abort_session : OperatorKind::reauthorize);
  admin::put_text(wish.request.session_id, session);
}

// Bought now, or some hours ago: several periods are due at once, or soon.
void Operators::invent_product(Operation op, std::uint64_t what) {
  Random& random = field_.random;
  if (what < 66) {
    op.kind = OperationKind::buy;
    Wish& wish = add(op, OperatorKind::buy_product);
    wish.keyed = true;
    wish.request.plan = addon_plan;
    if (random.percent(60))
      wish.request.starts_at = static_cast<std::uint32_t>(
          Time::from_seconds(1'700'000'000).seconds() - random.below(6 * hour));
    admin::put_text(wish.request.request_key, "key " + std::to_string(wish.operation));
    return;
  }
  if (what < 69) {
    op.kind = OperationKind::end_product;
    Wish& wish = add(op, OperatorKind::end_product);
    wish.keyed = true;
    wish.request.plan = addon_plan;
    wish.request.cursor = static_cast<std::uint32_t>(random.between(1, 4));
    admin::put_text(wish.request.request_key, "key " + std::to_string(wish.operation));
    return;
  }
  op.kind = OperationKind::set_plan;
  add(op, OperatorKind::set_plan).request.plan = random.percent(50) ? base_plan : paid_plan;
}

// Durable mail between Shards, by the daemon's own code (engine/admin/transfer.cpp).
void Operators::transfer(Daemon& daemon) {
  const Field::Subscriber* from = some_ready();
  const Field::Subscriber* to = some_ready();
  if (from == nullptr || to == nullptr) return;
  const auto target = admin::find_target(daemon, "account:" + from->account);
  require(target.has_value(), from->account + ": confirmed, but not in the directory");
  Operation op;
  op.kind = OperationKind::transfer;
  op.account = from->account;
  op.to_account = to->account;
  op.amount = static_cast<std::int64_t>(field_.random.between(1, 20)) * 50'000 + ++cents_;
  const std::size_t number = field_.auditor.begin_operation(op);
  admin::TransferOrder order;
  order.from = *target;
  order.to_account = to->account;
  order.to_shard = shard_of(to->account, shards_);
  order.micros = op.amount;
  order.currency = currency;
  order.key = "key " + std::to_string(number);
  order.why = "op " + std::to_string(number);
  const admin::TransferResult result = admin::transfer(daemon, order);
  if (result.result == OperatorResult::ok) {
    field_.auditor.confirm(number);
    ++transfers_;
  }
}

}  // namespace levy::sim
