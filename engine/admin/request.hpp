// What every admin operation needs: who is meant, a request with checked texts, an answer.
// Core: admin threads. Allocates: yes. Blocks: run() waits for durability. Clock: none.
//
// No text is ever cut: one that does not fit its field of OperatorRequest is an Answer 400.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/admin/control_door.hpp"

namespace levy::admin {

// An HTTP status and its text.
struct Answer {
  int status = 200;
  std::string body;
  const char* type = "application/json";
  bool ok() const { return status >= 200 && status < 300; }
};

// The body of a request, and who sends it, as far as the door knows: over the Unix socket it does
// not, and the body's own "who" is taken.
struct Asked {
  Asked(std::string_view the_body, std::string_view the_caller = {})
      : body(the_body), caller(the_caller) {}
  Asked(const std::string& the_body) : body(the_body) {}
  Asked(const char* the_body) : body(the_body) {}

  std::string_view body, caller;
};

// {error, detail, hint}: `error` is one word for programs, the others are for people.
Answer error_answer(int status, std::string_view error, std::string_view detail,
                    std::string_view hint = {});
Answer wrong_who(std::string_view said, std::string_view caller);
// The refusal of a Shard. ok and unchanged are no refusals.
Answer refusal(shard::OperatorResult result, std::string_view what);
bool refused(shard::OperatorResult result);
std::string_view result_text(shard::OperatorResult result);

struct IdentityText {
  rating::IdentityType type{};
  std::string text;
};

// The text of an identity as messages carry it: E.164 without its "+". Returns why it is none.
std::string_view checked_identity(rating::IdentityType type, std::string_view text,
                                  std::string_view& clean);
std::string_view identity_type_text(rating::IdentityType type);
std::optional<rating::IdentityType> identity_type(std::string_view text);

// An operator's id -> place. "imsi:…", "e164:…", "nai:…", "private:…", "account:…", "sip:…" (the
// URI itself); anything else is tried as account name, then (digits) IMSI and E.164, then NAI.
struct Target {
  ShardId shard{};
  Slot subscriber = none;  // or
  Slot account = none;
  IdentityText identity;   // by which it was found
};
std::optional<Target> find_target(ControlDoor& door, std::string_view id);
Answer unknown_target(std::string_view id);

// A request that names `target`.
shard::OperatorRequest request_for(shard::OperatorKind kind, const Target& target);

// Copies a text into a fixed, zero-terminated field; false: it does not fit.
template <std::size_t n>
bool put_text(char (&field)[n], std::string_view text) {
  if (text.size() >= n || text.find('\0') != std::string_view::npos) return false;
  text.copy(field, text.size());
  field[text.size()] = 0;
  return true;
}
bool put_identity(shard::OperatorIdentity& field, rating::IdentityType type, std::string_view text);

// The Shard of a new account.
ShardId home_shard(ControlDoor& door, std::string_view account_name);

// Submits, runs `when_durable` on the control thread (publish and withdraw belong there), waits.
// A door that takes nothing within the patience of some seconds, or never answers, gives `busy`.
shard::OperatorReply run(ControlDoor& door, ShardId shard, const shard::OperatorRequest& request,
                         std::function<void(const shard::OperatorReply&)> when_durable);

}  // namespace levy::admin
