// Operations that make, move and remove subscribers and their identities (see operations.hpp).
// Core: admin threads. Allocates: yes. Blocks: waits for durability. Clock: none.
#include <nlohmann/json.hpp>

#include "engine/admin/fields.hpp"
#include "engine/admin/import.hpp"
#include "engine/admin/operations.hpp"
#include "engine/admin/show.hpp"
#include "engine/base/hash.hpp"

namespace levy::admin {

namespace {

using shard::OperatorKind;

// One subscriber with what it is known by.
struct Known {
  Target target;  // by subscriber slot
  AccountImage image;
  std::vector<IdentityText> identities;  // of this subscriber, as the directory confirms them
  std::string text(rating::IdentityType type) const {
    for (const IdentityText& identity : identities) {
      if (identity.type == type) return identity.text;
    }
    return {};
  }
};

// The subscriber that `id` names; an account's name does when it has just one.
std::optional<Answer> find_known(ControlDoor& door, std::string_view id, Known& known) {
  const auto target = find_target(door, id);
  if (!target) return unknown_target(id);
  if (auto fault = read_account(door, *target, known.image)) return fault;
  known.target = *target;
  for (IdentityText& identity : identity_texts(known.image)) {
    const auto found = door.find(identity.type, identity.text);
    if (!found || found->shard != target->shard || found->slot == none) continue;
    if (known.target.subscriber == none && known.image.subscribers.size() == 1) {
      known.target.subscriber = found->slot;
      known.target.account = none;
      known.target.identity = identity;
    }
    if (found->slot == known.target.subscriber) known.identities.push_back(std::move(identity));
  }
  if (known.target.subscriber != none) return std::nullopt;
  return error_answer(409, "ambiguous",
                      "\"" + std::string(id) + "\" is an account with " +
                          std::to_string(known.image.subscribers.size()) + " subscribers",
                      "name the subscriber: imsi:… or e164:…");
}

// Whether the same request has been done: what it named is gone, but the Shard knows its key.
bool asked_before(ControlDoor& door, Fields& fields, std::string_view id,
                  const IdentityText& fresh) {
  const std::string_view type = identity_type_text(fresh.type);
  const auto target = find_target(door, std::string(type) + ":" + fresh.text);
  if (fields.text("key").empty() || !target) return false;
  if (id.substr(0, type.size()) == type && id.substr(type.size(), 1) == ":")
    id.remove_prefix(type.size() + 1);
  std::string_view old;
  AccountImage image;
  shard::OperatorRequest request;
  if (!checked_identity(fresh.type, id, old).empty() || read_account(door, *target, image))
    return false;
  request.kind = OperatorKind::change_identity;
  put_text(request.account_name, image.account.name_text());
  request.identity_count = 2;
  put_identity(request.identities[0], fresh.type, old);
  put_identity(request.identities[1], fresh.type, fresh.text);
  put_reasons(fields, request);
  if (fields.fault()) return false;
  return door.call(target->shard, request).reply.result == shard::OperatorResult::unchanged;
}

Answer running_import() {
  return error_answer(503, "busy", "an import is running: identities do not move meanwhile",
                      "wait for its end: GET /v1/import");
}

}  // namespace

// An import of one line.
Answer Operations::create(const Asked& asked) {
  const std::unique_lock lock(identity_mutex_, identity_patience);
  if (!lock.owns_lock()) return running_import();
  Fields fields(asked, {"account", "imsi", "e164", "sip", "nai", "private", "plan", "currency",
                        "wallet", "credit_limit", "buckets", "own_wallet", "own_buckets",
                        "products", "status", "key", "who", "why"});
  const Reasons reasons = reasons_of(fields);
  if (fields.fault()) return *fields.fault();
  nlohmann::json line = nlohmann::json::object();
  for (std::size_t i = 0; i < column_count; ++i) {
    const std::string_view name = column_name(static_cast<Column>(i));
    if (fields.has(name)) line[std::string(name)] = fields.text(name);
  }
  ImportProgress progress;
  ImportOptions options;
  options.json_lines = true;
  options.window = 1;
  options.key = reasons.key;
  options.who = reasons.who;
  options.why = reasons.why;
  Import import(door_, options, progress);
  import.feed(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  import.finish();
  if (!import.errors().empty()) {
    const std::string& why = import.errors().front().why;
    if (why.find(Import::key_reused_text) != std::string::npos)
      return error_answer(409, "key_reused", why, "choose a new key for a new request");
    const bool conflict = why.find("belong") != std::string::npos;
    return error_answer(conflict ? 409 : 422, conflict ? "exists" : "invalid", why);
  }
  const std::string id = "account:" + std::string(fields.text("account").empty()
                                                      ? fields.text("imsi").empty()
                                                            ? fields.text("e164")
                                                            : fields.text("imsi")
                                                      : fields.text("account"));
  Answer shown = show(id);
  if (shown.ok()) shown.status = progress.created > 0 ? 201 : 200;
  return shown;
}

Answer Operations::change_identity(std::string_view id, const Asked& asked,
                                   rating::IdentityType type, std::string_view key) {
  const std::unique_lock lock(identity_mutex_, identity_patience);
  if (!lock.owns_lock()) return running_import();
  Fields fields(asked, {key, "key", "who", "why"});
  std::string_view clean;
  const std::string_view wanted = fields.required(key);
  if (!fields.fault()) {
    const std::string_view why = checked_identity(type, wanted, clean);
    if (!why.empty())
      fields.fail(std::string(key) + " \"" + std::string(wanted) + "\": " + std::string(why));
  }
  if (fields.fault()) return *fields.fault();
  Known known;
  const std::string now = std::string(identity_type_text(type)) + ":" + std::string(clean);
  if (auto fault = find_known(door_, id, known)) {
    return asked_before(door_, fields, id, {type, std::string(clean)}) ? show(now) : *fault;
  }
  const std::string old = known.text(type);
  if (old.empty()) {
    return error_answer(409, "not_found", "the subscriber has no " +
                        std::string(identity_type_text(type)) + " to change");
  }
  if (old == clean) return show(now);
  if (const auto owner = door_.find(type, clean); owner && owner->slot != none) {
    return error_answer(409, "exists", std::string(identity_type_text(type)) + " \"" +
                        std::string(clean) + "\" belongs to a subscriber already");
  }
  shard::OperatorRequest request = request_for(OperatorKind::change_identity, known.target);
  request.identity_count = 2;
  put_identity(request.identities[0], type, old);
  put_identity(request.identities[1], type, clean);
  put_reasons(fields, request);
  if (fields.fault()) return *fields.fault();
  const std::string fresh(clean);
  const ShardId shard = known.target.shard;
  const Slot slot = known.target.subscriber;
  ControlDoor& door = door_;
  const auto published = std::make_shared<std::atomic<bool>>(true);
  const auto reply = run(door_, shard, request,
                         [&door, type, old, fresh, shard, slot, published](const auto& done) {
                           if (done.result != shard::OperatorResult::ok) return;
                           *published = door.publish(type, fresh, shard, slot);
                           if (*published) door.withdraw(type, old);
                         });
  if (refused(reply.result)) return refusal(reply.result, id);
  if (!*published) {  // somebody else has it: the subscriber gets the old one back
    std::swap(request.identities[0], request.identities[1]);
    request.request_key[0] = 0;
    const auto undone = run(door_, shard, request, nullptr);
    if (refused(undone.result)) return refusal(undone.result, id);
    const bool taken = door_.find(type, fresh).has_value();
    return refusal(taken ? shard::OperatorResult::exists : shard::OperatorResult::full,
                   taken ? std::string_view(fresh) : "the directory");
  }
  return show(now);
}

Answer Operations::remove(std::string_view id, const Asked& asked) {
  const std::unique_lock lock(identity_mutex_, identity_patience);
  if (!lock.owns_lock()) return running_import();
  Fields fields(asked, {"key", "who", "why"});
  if (fields.fault()) return *fields.fault();
  Known known;
  if (auto fault = find_known(door_, id, known)) return *fault;
  ControlDoor& door = door_;
  shard::OperatorRequest request = request_for(OperatorKind::delete_subscriber, known.target);
  put_reasons(fields, request);
  if (fields.fault()) return *fields.fault();
  // The subscriber, by the same one of its identities whichever named it.
  std::string whom = "delete";
  if (!known.identities.empty())
    whom += "|" + std::string(identity_type_text(known.identities[0].type)) + ":" +
            known.identities[0].text;
  request.digest = stable_hash(whom);
  const auto reply = run(door_, known.target.shard, request,
                         [&door, identities = known.identities](const auto& done) {
                           if (done.result != shard::OperatorResult::ok) return;
                           for (const IdentityText& identity : identities) {
                             door.withdraw(identity.type, identity.text);
                           }
                         });
  if (reply.result == shard::OperatorResult::busy) {
    return error_answer(409, "busy", std::string(id) + ": the subscriber has open sessions",
                        "end them first: levyctl session list, levyctl session abort");
  }
  if (reply.result == shard::OperatorResult::insufficient) {
    return error_answer(
        409, "insufficient", std::string(id) + ": its own wallet is in debt",
        "pay or correct it first: levyctl balance topup or adjust ID --for " + std::string(id));
  }
  if (refused(reply.result)) return refusal(reply.result, id);
  return {200, "{\"result\": \"" + std::string(result_text(reply.result)) + "\"}\n"};
}

}  // namespace levy::admin
