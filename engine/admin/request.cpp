// Requests, targets and answers (see request.hpp).
// Core: admin threads. Allocates: yes. Blocks: run() waits for durability. Clock: steady, for
// waits.
#include "engine/admin/request.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/admin/amount.hpp"
#include "engine/base/hash.hpp"

namespace levy::admin {

namespace {

constexpr auto patience = std::chrono::seconds(30);

struct Prefix {
  std::string_view text;
  rating::IdentityType type;
  bool kept;  // the prefix is part of the identity
};
constexpr Prefix prefixes[] = {
    {"imsi:", rating::IdentityType::imsi, false},
    {"e164:", rating::IdentityType::e164, false},
    {"nai:", rating::IdentityType::nai, false},
    {"private:", rating::IdentityType::private_id, false},
    {"account:", rating::IdentityType::account_name, false},
    {"sip:", rating::IdentityType::sip_uri, true},
    {"sips:", rating::IdentityType::sip_uri, true},
    {"tel:", rating::IdentityType::sip_uri, true},
};

std::optional<Target> find_as(ControlDoor& door, rating::IdentityType type, std::string_view text) {
  std::string_view clean;
  if (!checked_identity(type, text, clean).empty()) return std::nullopt;
  const auto found = door.find(type, clean);
  if (!found || found->slot == none) return std::nullopt;
  Target target;
  target.shard = found->shard;
  (type == rating::IdentityType::account_name ? target.account : target.subscriber) = found->slot;
  target.identity = {type, std::string(clean)};
  return target;
}

}  // namespace

Answer error_answer(int status, std::string_view error, std::string_view detail,
                    std::string_view hint) {
  const nlohmann::ordered_json json = {{"error", error}, {"detail", detail}, {"hint", hint}};
  return {status, json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

Answer wrong_who(std::string_view said, std::string_view caller) {
  return error_answer(
      403, "wrong_who",
      "who \"" + std::string(said) + "\": the request comes from \"" + std::string(caller) + "\"",
      "leave \"who\" out: the caller's name is recorded");
}

bool refused(shard::OperatorResult result) {
  return result != shard::OperatorResult::ok && result != shard::OperatorResult::unchanged;
}

std::string_view result_text(shard::OperatorResult result) {
  switch (result) {
    case shard::OperatorResult::none:
      return "none";
    case shard::OperatorResult::ok:
      return "ok";
    case shard::OperatorResult::unchanged:
      return "unchanged";
    case shard::OperatorResult::not_found:
      return "not_found";
    case shard::OperatorResult::exists:
      return "exists";
    case shard::OperatorResult::invalid:
      return "invalid";
    case shard::OperatorResult::insufficient:
      return "insufficient";
    case shard::OperatorResult::full:
      return "full";
    case shard::OperatorResult::key_reused:
      return "key_reused";
    case shard::OperatorResult::busy:
      return "busy";
    case shard::OperatorResult::held:
      return "held";
    case shard::OperatorResult::not_offered:
      return "not_offered";
  }
  return "?";
}

Answer refusal(shard::OperatorResult result, std::string_view what) {
  const std::string subject(what);
  switch (result) {
    case shard::OperatorResult::not_found:
      return error_answer(
          404, "not_found", subject + ": there is no such thing",
          "check the id: `levyctl subscriber show ID`, for sessions `session list ID`");
    case shard::OperatorResult::exists:
      return error_answer(409, "exists", subject + ": it belongs to another account",
                          "remove it there first, or use another identity");
    case shard::OperatorResult::invalid:
      return error_answer(422, "invalid", subject + ": a value is out of its bounds");
    case shard::OperatorResult::insufficient:
      return error_answer(409, "insufficient", subject + ": the free credit does not suffice",
                          "reserved credit of open sessions is not free");
    case shard::OperatorResult::full:
      return error_answer(507, "full", subject + ": a pool is full",
                          "raise the capacity in the configuration and restart");
    case shard::OperatorResult::not_offered:
      return error_answer(409, "not_offered", subject + ": its plan does not offer that",
                          "a plan's `loan` says whether, and below which balance");
    case shard::OperatorResult::key_reused:
      return error_answer(409, "key_reused", subject + ": the key was used for another request",
                          "choose a new key for a new request");
    case shard::OperatorResult::busy:
      return error_answer(503, "busy", subject + ": the daemon cannot take it at this moment",
                          "try again with the same key: it counts once");
    case shard::OperatorResult::held:
      return error_answer(409, "held", subject + ": the product is held already",
                          "its plan says `again: refuse`: end the held one first");
    default:
      return error_answer(
          500, "internal",
          subject + ": unexpected answer of the Shard: " + std::string(result_text(result)));
  }
}

std::string_view checked_identity(rating::IdentityType type, std::string_view text,
                                  std::string_view& clean) {
  text = trimmed(text);
  const bool digits = type == rating::IdentityType::imsi || type == rating::IdentityType::e164;
  if (type == rating::IdentityType::e164 && !text.empty() && text.front() == '+') {
    text.remove_prefix(1);
  }
  if (text.empty()) return "the identity is empty";
  if (digits && (!is_digits(text) || text.size() > 15)) {
    return type == rating::IdentityType::imsi ? "an IMSI is 1 to 15 digits"
                                              : "an E.164 number is 1 to 15 digits";
  }
  if (type == rating::IdentityType::account_name && text.size() > limits::account_name_bytes_max) {
    return "an account name has at most 23 bytes";
  }
  if (text.size() > limits::identity_bytes_max) return "an identity has at most 127 bytes";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return "control characters in an identity";
  }
  clean = text;
  return {};
}

std::string_view identity_type_text(rating::IdentityType type) {
  switch (type) {
    case rating::IdentityType::e164:
      return "e164";
    case rating::IdentityType::imsi:
      return "imsi";
    case rating::IdentityType::sip_uri:
      return "sip";
    case rating::IdentityType::nai:
      return "nai";
    case rating::IdentityType::private_id:
      return "private";
    case rating::IdentityType::account_name:
      return "account";
  }
  return "?";
}

std::optional<rating::IdentityType> identity_type(std::string_view text) {
  using enum rating::IdentityType;
  for (const auto type : {e164, imsi, sip_uri, nai, private_id, account_name}) {
    if (identity_type_text(type) == text) return type;
  }
  return std::nullopt;
}

std::optional<Target> find_target(ControlDoor& door, std::string_view id) {
  for (const Prefix& prefix : prefixes) {
    if (id.substr(0, prefix.text.size()) != prefix.text) continue;
    return find_as(door, prefix.type, prefix.kept ? id : id.substr(prefix.text.size()));
  }
  using enum rating::IdentityType;
  for (const auto type : {account_name, imsi, e164, nai, private_id}) {
    if (auto target = find_as(door, type, id)) return target;
  }
  return std::nullopt;
}

Answer unknown_target(std::string_view id) {
  return error_answer(404, "not_found", "no account or subscriber \"" + std::string(id) + "\"",
                      "write an account name, or imsi:…, e164:…, nai:…, private:…, sip:…");
}

shard::OperatorRequest request_for(shard::OperatorKind kind, const Target& target) {
  shard::OperatorRequest request;
  request.kind = kind;
  request.subscriber = target.subscriber;
  request.account = target.account;
  if (target.identity.type == rating::IdentityType::account_name) {
    put_text(request.account_name, target.identity.text);
  } else if (put_identity(request.identities[0], target.identity.type, target.identity.text)) {
    request.identity_count = 1;
  }
  return request;
}

bool put_identity(shard::OperatorIdentity& field, rating::IdentityType type,
                  std::string_view text) {
  if (!put_text(field.text, text)) return false;
  field.type = type;
  field.size = static_cast<std::uint8_t>(text.size());
  return true;
}

ShardId home_shard(ControlDoor& door, std::string_view account_name) {
  return ShardId{static_cast<std::uint8_t>(stable_hash(account_name) % door.shard_count())};
}

shard::OperatorReply run(ControlDoor& door, ShardId shard, const shard::OperatorRequest& request,
                         std::function<void(const shard::OperatorReply&)> when_durable) {
  struct Waiting {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<shard::OperatorReply> reply;
  };
  const auto waiting = std::make_shared<Waiting>();  // outlives us when the answer comes too late
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const auto on_done = [waiting, act = std::move(when_durable)](const shard::OperatorReply& reply) {
    if (act) act(reply);
    const std::lock_guard lock(waiting->mutex);
    waiting->reply = reply;
    waiting->done.notify_all();
  };
  shard::OperatorReply busy;
  busy.result = shard::OperatorResult::busy;
  while (!door.submit(shard, request, on_done)) {
    if (std::chrono::steady_clock::now() > deadline) return busy;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::unique_lock lock(waiting->mutex);
  const bool answered =
      waiting->done.wait_until(lock, deadline, [&] { return waiting->reply.has_value(); });
  return answered ? *waiting->reply : busy;
}

}  // namespace levy::admin
