// Operators' changes to money, status and sessions (see operations.hpp); identities.cpp has the
// rest. Core: admin threads. Allocates: yes. Blocks: waits for durability. Clock: system, for
// lifetimes.
#include "engine/admin/operations.hpp"

#include <nlohmann/json.hpp>

#include "engine/admin/amount.hpp"
#include "engine/admin/date.hpp"
#include "engine/admin/fields.hpp"
#include "engine/admin/product_names.hpp"
#include "engine/admin/show.hpp"
#include "engine/admin/transfer.hpp"
#include "engine/base/hash.hpp"

namespace levy::admin {

namespace {

using Json = nlohmann::ordered_json;
using shard::OperatorKind;
using shard::OperatorResult;

std::string known_kinds(ControlDoor& door) {
  std::string text = "bucket kinds:";
  for (const BucketKindInfo& kind : door.bucket_kinds()) text += " " + kind.name;
  return text;
}

// Where the money or the units go: fields of the request from `currency` or `bucket`.
void put_purse(ControlDoor& door, Fields& fields, shard::OperatorRequest& request) {
  const std::string_view currency = fields.text("currency"), bucket = fields.text("bucket");
  if (currency.empty() == bucket.empty()) {
    return fields.fail("one of \"currency\" (the wallet) and \"bucket\" (a kind) is needed",
                       known_kinds(door));
  }
  if (!currency.empty()) {
    request.unit = rating::Unit::money;
    request.currency = currency_number(currency);
    if (request.currency == 0) {
      fields.fail("no currency \"" + std::string(currency) + "\"", "ISO 4217 letters, as EUR");
    }
    if (fields.has("ends_at")) fields.fail("a wallet does not end", "name a bucket kind");
    return;
  }
  for (const BucketKindInfo& kind : door.bucket_kinds()) {
    if (kind.name != bucket) continue;
    request.bucket_kind = kind.id;
    request.unit = kind.unit;
    request.currency = kind.currency;
    request.priority = kind.priority;
    request.step = kind.step;
    request.ends_at = static_cast<std::uint32_t>(fields.number("ends_at", UINT32_MAX));
    if (request.ends_at == 0 && kind.lifetime != 0) request.ends_at = unix_now() + kind.lifetime;
    return;
  }
  fields.fail("no bucket kind \"" + std::string(bucket) + "\"", known_kinds(door));
}

// The subscriber of the account whose own bucket is meant; the Shard looks whether it is one.
void put_owner(ControlDoor& door, Fields& fields, shard::OperatorRequest& request) {
  const std::string_view id = fields.text("for");
  if (id.empty()) return;
  const auto owner = find_target(door, id);
  if (!owner || owner->subscriber == none) {
    return fields.fail("for \"" + std::string(id) + "\": no such subscriber",
                       "one of the account: imsi:… or e164:…");
  }
  request.own = true;
  put_identity(request.identities[request.identity_count++], owner->identity.type,
               owner->identity.text);
}

}  // namespace

Answer Operations::show(std::string_view id) {
  const auto target = find_target(door_, id);
  return target ? subscriber_json(door_, *target) : unknown_target(id);
}

Answer Operations::sessions(std::string_view id) {
  const auto target = find_target(door_, id);
  return target ? sessions_json(door_, *target) : unknown_target(id);
}

OperatorResult Operations::try_change(const shard::OperatorRequest& request, const Target& target) {
  return door_.call(target.shard, request).reply.result;
}

Answer Operations::change(std::string_view id, const shard::OperatorRequest& request,
                          const Target& target) {
  const OperatorResult result = try_change(request, target);
  return refused(result) ? refusal(result, id) : changed(result, target);
}

Answer Operations::changed(OperatorResult result, const Target& target) {
  Json json = {{"result", result_text(result)}};
  const Answer after = subscriber_json(door_, target);
  if (after.ok()) json["subscriber"] = Json::parse(after.body);
  return {200, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"};
}

Answer Operations::money(std::string_view id, const Asked& asked, OperatorKind kind) {
  Fields fields(asked, {"amount", "currency", "bucket", "for", "key", "who", "why", "ends_at"});
  if (fields.fault()) return *fields.fault();
  const auto target = find_target(door_, id);
  if (!target) return unknown_target(id);
  shard::OperatorRequest request = request_for(kind, *target);
  put_purse(door_, fields, request);
  put_owner(door_, fields, request);
  put_reasons(fields, request);
  const std::string_view amount = fields.required("amount");
  if (kind == OperatorKind::adjust) {
    fields.required("why");
    if (fields.has("bucket")) fields.fail("only wallets are adjusted", "name a currency");
  }
  if (fields.fault()) return *fields.fault();
  const Sign sign = kind == OperatorKind::adjust ? Sign::any : Sign::positive;
  const std::string_view why = parse_units(amount, request.unit, sign, request.amount);
  if (!why.empty()) fields.fail("amount \"" + std::string(amount) + "\": " + std::string(why));
  if (request.amount == 0) fields.fail("the amount is zero");
  if (fields.fault()) return *fields.fault();
  // What was asked, without what the clock adds: a repeat of the key has the same digest. The
  // target is not in it: the same subscriber may be named by another of its identities.
  request.digest =
      stable_hash(std::to_string(static_cast<int>(kind)) + "|" + std::to_string(request.amount) +
                  "|" + std::to_string(request.currency) + "|" +
                  std::to_string(request.bucket_kind) + "|" + std::string(fields.text("ends_at")));
  const OperatorResult result = try_change(request, *target);
  if (result == OperatorResult::not_found && request.own) {
    return error_answer(404, "not_found",
                        std::string(fields.text("for")) + " is no subscriber of " +
                            std::string(id) + ", or has no wallet of its own",
                        "`levyctl subscriber show " + std::string(id) + "` lists both");
  }
  return refused(result) ? refusal(result, id) : changed(result, *target);
}

Answer Operations::credit(std::string_view id, const Asked& asked) {
  return money(id, asked, OperatorKind::credit);
}

Answer Operations::adjust(std::string_view id, const Asked& asked) {
  return money(id, asked, OperatorKind::adjust);
}

Answer Operations::set_status(std::string_view id, const Asked& asked) {
  Fields fields(asked, {"status", "key", "who", "why"});
  const std::string_view status = fields.required("status");
  const auto target = find_target(door_, id);
  if (!target) return fields.fault() ? *fields.fault() : unknown_target(id);
  shard::OperatorRequest request = request_for(OperatorKind::set_status, *target);
  put_reasons(fields, request);
  if (status == "active")
    request.status = shard::AccountStatus::active;
  else if (status == "suspended")
    request.status = shard::AccountStatus::suspended;
  else if (status == "barred")
    request.status = shard::AccountStatus::barred;
  else
    fields.fail("no status \"" + std::string(status) + "\"", "active, suspended or barred");
  request.digest = stable_hash("status|" + std::string(status));
  return fields.fault() ? *fields.fault() : change(id, request, *target);
}

Answer Operations::set_plan(std::string_view id, const Asked& asked) {
  Fields fields(asked, {"plan", "key", "who", "why"});
  const std::string_view plan = fields.required("plan");
  const auto target = find_target(door_, id);
  if (!target) return fields.fault() ? *fields.fault() : unknown_target(id);
  shard::OperatorRequest request = request_for(OperatorKind::set_plan, *target);
  put_reasons(fields, request);
  const std::vector<PlanInfo> plans = door_.plans();
  if (const PlanInfo* found = find_base(plans, plan, fields)) request.plan = found->id;
  request.digest = stable_hash("plan|" + std::string(plan));
  return fields.fault() ? *fields.fault() : change(id, request, *target);
}

Answer Operations::set_credit_limit(std::string_view id, const Asked& asked) {
  Fields fields(asked, {"credit_limit", "key", "who", "why"});
  const std::string_view limit = fields.required("credit_limit");
  const auto target = find_target(door_, id);
  if (!target) return fields.fault() ? *fields.fault() : unknown_target(id);
  shard::OperatorRequest request = request_for(OperatorKind::set_credit_limit, *target);
  put_reasons(fields, request);
  const std::string_view why = parse_money(limit, Sign::positive, request.credit_limit);
  if (!why.empty()) fields.fail("credit_limit \"" + std::string(limit) + "\": " + std::string(why));
  request.digest = stable_hash("limit|" + std::to_string(request.credit_limit));
  return fields.fault() ? *fields.fault() : change(id, request, *target);
}

Answer Operations::set_counter(std::string_view id, const Asked& asked) {
  Fields fields(asked, {"counter", "value", "key", "who", "why"});
  const std::string_view name = fields.required("counter"), value = fields.required("value");
  const auto target = find_target(door_, id);
  if (!target) return fields.fault() ? *fields.fault() : unknown_target(id);
  shard::OperatorRequest request = request_for(OperatorKind::set_counter, *target);
  put_reasons(fields, request);
  for (const PlanInfo& plan : door_.plans()) {
    for (const PlanInfo::Counter& counter : plan.counters) {
      if (counter.name != name) continue;
      if (counter.of_bucket)
        fields.fail("counter \"" + std::string(name) + "\" tells how much of a bucket is used",
                    "change the bucket: topup, adjust");
      request.bucket_kind = counter.id;
      request.unit = counter.unit;
    }
  }
  if (request.bucket_kind == 0) fields.fail("no plan has a counter \"" + std::string(name) + "\"");
  if (fields.fault()) return *fields.fault();
  const std::string_view why = parse_units(value, request.unit, Sign::positive, request.amount);
  if (!why.empty()) fields.fail("value \"" + std::string(value) + "\": " + std::string(why));
  request.digest =
      stable_hash("counter|" + std::string(name) + "|" + std::to_string(request.amount));
  return fields.fault() ? *fields.fault() : change(id, request, *target);
}

Answer Operations::set_validity(std::string_view id, const Asked& asked) {
  Fields fields(asked, {"until", "key", "who", "why"});
  const std::string_view until = fields.required("until");
  const auto target = find_target(door_, id);
  if (!target) return fields.fault() ? *fields.fault() : unknown_target(id);
  shard::OperatorRequest request = request_for(OperatorKind::set_validity, *target);
  put_reasons(fields, request);
  if (until != "forever") {
    const std::string_view why = parse_date(until, {}, request.ends_at);
    if (!why.empty()) fields.fail("until \"" + std::string(until) + "\": " + std::string(why));
  }
  request.digest = stable_hash("validity|" + std::to_string(request.ends_at));
  return fields.fault() ? *fields.fault() : change(id, request, *target);
}

Answer Operations::transfer(const Asked& asked) {
  Fields fields(asked, {"from", "to", "amount", "currency", "key", "who", "why"});
  const std::string_view from = fields.required("from"), to = fields.required("to");
  const std::string_view amount = fields.required("amount");
  const std::uint16_t currency = currency_number(fields.required("currency"));
  if (currency == 0) fields.fail("no such currency", "ISO 4217 letters, as EUR");
  TransferOrder order;
  order.currency = currency;
  const Reasons reasons = reasons_of(fields);
  order.key = reasons.key;
  order.who = reasons.who;
  order.why = reasons.why;
  const std::string_view why = parse_money(amount, Sign::positive, order.micros);
  if (!why.empty()) fields.fail("amount \"" + std::string(amount) + "\": " + std::string(why));
  if (order.micros == 0) fields.fail("the amount is zero");
  if (fields.fault()) return *fields.fault();
  const auto source = find_target(door_, from), sink = find_target(door_, to);
  if (!source) return unknown_target(from);
  if (!sink) return unknown_target(to);
  // The receiver by its account's name: that is what the mail carries.
  AccountImage image;
  if (auto fault = read_account(door_, *sink, image)) return *fault;
  order.from = *source;
  order.to_account = image.account.name_text();
  order.to_shard = sink->shard;
  if (mail_left_.exchange(false)) drive_left_mail();
  const TransferResult result = admin::transfer(door_, order);
  bool delivered = result.state == TransferState::delivered;
  // An earlier request with this key, or one whose answer is not known, may have left its mail.
  if (result.state == TransferState::open || result.result == OperatorResult::busy ||
      result.result == OperatorResult::unchanged) {
    delivered = drive_left_mail();
  }
  if (refused(result.result)) return refusal(result.result, from);
  if (result.state == TransferState::came_back) {
    return error_answer(409, "came_back", result.why, "the sender has the money again");
  }
  Json json = {{"result", result_text(result.result)},
               {"delivered", delivered},
               {"mail", result.mail_sequence}};
  if (!delivered) json["open"] = result.why;
  return {delivered ? 200 : 202, json.dump(2) + "\n"};
}

// true: no mail is left on any Shard.
bool Operations::drive_left_mail() {
  const bool done = drive_mail(door_).left.empty();
  if (!done) mail_left_ = true;
  return done;
}

// A session has no entry in the directory: its id is asked of one Shard after another.
Answer Operations::on_every_shard(const shard::OperatorRequest& request, std::string_view what) {
  OperatorResult best = OperatorResult::not_found;
  for (std::uint32_t i = 0; i < door_.shard_count(); ++i) {
    const auto reply = door_.call(ShardId{static_cast<std::uint8_t>(i)}, request).reply;
    if (!refused(reply.result)) {
      Json answer{{"result", result_text(reply.result)}, {"shard", i}};
      // Of a repeat nobody knows what came of the first one: it may have ended here meanwhile.
      if (request.kind == OperatorKind::abort_session && reply.result == OperatorResult::ok)
        answer["asked_gateway"] = reply.id != none;
      return {200, answer.dump(2) + "\n"};
    }
    if (reply.result != OperatorResult::not_found) best = reply.result;
  }
  return refusal(best, what);
}

Answer Operations::reauthorize(const Asked& asked) {
  Fields fields(asked, {"session_id", "rating_group", "key", "who", "why"});
  shard::OperatorRequest request;
  request.kind = OperatorKind::reauthorize;
  fields.required("session_id");
  const std::string_view id = fields.bounded("session_id", limits::session_id_bytes_max);
  put_text(request.session_id, id);
  request.flag = fields.has("rating_group");
  request.rating_group = static_cast<std::uint32_t>(fields.number("rating_group", UINT32_MAX));
  put_reasons(fields, request);
  request.digest = stable_hash("reauthorize|" + std::string(id) + "|" +
                               std::string(fields.text("rating_group")));
  return fields.fault() ? *fields.fault() : on_every_shard(request, id);
}

Answer Operations::session(std::string_view id) {
  shard::OperatorRequest request;
  request.kind = OperatorKind::show_session;
  if (!put_text(request.session_id, id)) return refusal(OperatorResult::not_found, id);
  OperatorResult best = OperatorResult::not_found;
  for (std::uint32_t i = 0; i < door_.shard_count(); ++i) {
    const CallResult result = door_.call(ShardId{static_cast<std::uint8_t>(i)}, request);
    if (!refused(result.reply.result)) return one_session_json(door_, result);
    if (result.reply.result != OperatorResult::not_found) best = result.reply.result;
  }
  return refusal(best, id);
}

Answer Operations::abort_session(const Asked& asked) {
  Fields fields(asked, {"session_id", "key", "who", "why"});
  shard::OperatorRequest request;
  request.kind = OperatorKind::abort_session;
  fields.required("session_id");
  const std::string_view id = fields.bounded("session_id", limits::session_id_bytes_max);
  put_text(request.session_id, id);
  put_reasons(fields, request);
  request.digest = stable_hash("abort|" + std::string(id));
  return fields.fault() ? *fields.fault() : on_every_shard(request, id);
}

Answer Operations::trace_mark(const Target& target, bool on) {
  shard::OperatorRequest request = request_for(OperatorKind::trace, target);
  request.flag = on;
  const auto reply = door_.call(target.shard, request).reply;
  if (refused(reply.result)) return refusal(reply.result, target.identity.text);
  return {200, "{}\n"};
}

std::vector<Directory::Found> Operations::subscribers_of(const Target& target) {
  std::vector<Directory::Found> found;
  AccountImage image;
  if (read_account(door_, target, image)) return found;
  for (const IdentityText& identity : identity_texts(image)) {
    const auto place = door_.find(identity.type, identity.text);
    if (place && place->shard == target.shard) found.push_back(*place);
  }
  return found;
}

}  // namespace levy::admin
