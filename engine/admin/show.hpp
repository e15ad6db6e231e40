// Payloads of the Shard's reads -> JSON text, and the facts that operations need from them.
// Core: admin threads. Allocates: yes. Blocks: subscriber_json() waits for its read. Clock: none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/admin/request.hpp"

namespace levy::admin {

// The pages of show_account put together.
struct AccountImage {
  shard::Account account{};
  std::vector<shard::Subscriber> subscribers;
  std::vector<rating::Bucket> buckets;
  std::vector<shard::Product> products;
  std::vector<shard::CounterShown> counters;
  std::vector<shard::OperatorIdentity> identities;  // other than IMSI and E.164
  std::uint32_t session_count = 0;
  std::vector<std::uint64_t> friends;  // shard::number_key()
};
// The whole account that `target` names, or the refusal. When it changes between two pages, it is
// read again from the start.
std::optional<Answer> read_account(ControlDoor& door, const Target& target, AccountImage& image);

// What its subscribers are known by.
std::vector<IdentityText> identity_texts(const AccountImage& image);

// Digits of a packed IMSI or E.164; empty when there are none.
std::string digits_text(std::uint64_t packed);

// The account (with its subscribers, products and buckets) that `target` names, as JSON, or the
// refusal.
Answer subscriber_json(ControlDoor& door, const Target& target);

// Every session of the account, as JSON, or the refusal.
Answer sessions_json(ControlDoor& door, const Target& target);

// The payload of show_session, with the account's name.
Answer one_session_json(ControlDoor& door, const CallResult& shown);

}  // namespace levy::admin
