// Transfers and the mail that recovery drives again (see transfer.hpp).
// Core: admin and control threads. Allocates: yes. Blocks: waits for durability. Clock: none.
#include "engine/admin/transfer.hpp"

#include <cstring>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <utility>

#include "engine/admin/amount.hpp"
#include "engine/base/hash.hpp"

namespace levy::admin {

namespace {

// Shared by transfers, taken alone by drive_mail().
std::shared_mutex& mail_mutex() {
  static std::shared_mutex mutex;
  return mutex;
}

shard::OperatorRequest mail_request(shard::OperatorKind kind, const shard::Mail& mail) {
  shard::OperatorRequest request;
  request.kind = kind;
  request.from_shard = mail.from_shard;
  request.to_shard = mail.to_shard;
  request.mail_sequence = mail.sequence;
  request.amount = mail.amount;
  request.currency = mail.currency;
  std::memcpy(request.to_account, mail.to_account, sizeof request.to_account);
  return request;
}

std::string name_of_mail(const shard::Mail& mail) {
  return "mail " + std::to_string(mail.from_shard) + "/" + std::to_string(mail.sequence) +
         " to \"" + mail.to_account + "\"";
}

// transfer_forget at the receiver. Empty, or why not.
std::string forget(ControlDoor& door, const shard::Mail& mail) {
  const auto reply =
      door.call(ShardId{mail.to_shard}, mail_request(shard::OperatorKind::transfer_forget, mail));
  const auto result = reply.reply.result;
  if (!refused(result) || result == shard::OperatorResult::not_found) return {};
  return name_of_mail(mail) + ": forget: " + std::string(result_text(result));
}

enum class Delivery { done, came_back, open };

// Steps 2 to 4; `why` says what came back or stayed open.
Delivery deliver(ControlDoor& door, const shard::Mail& mail, std::string& why) {
  shard::OperatorRequest request = mail_request(shard::OperatorKind::transfer_in, mail);
  std::memcpy(request.account_name, mail.to_account, sizeof request.account_name);
  auto result = door.call(ShardId{mail.to_shard}, request).reply.result;
  if (result == shard::OperatorResult::busy || result == shard::OperatorResult::none) {
    why = name_of_mail(mail) + ": transfer_in: " + std::string(result_text(result));
    return Delivery::open;
  }
  // A refusal is final: the Shard looks for the mark of an earlier delivery before anything else.
  const bool comes_back = refused(result);
  if (comes_back) {
    why = name_of_mail(mail) + " came back: " + std::string(result_text(result));
  }
  request = mail_request(shard::OperatorKind::transfer_close, mail);
  request.flag = comes_back;
  result = door.call(ShardId{mail.from_shard}, request).reply.result;
  // not_found: a close that was durable, its answer lost.
  if (refused(result) && result != shard::OperatorResult::not_found) {
    why = name_of_mail(mail) + ": close: " + std::string(result_text(result));
    return Delivery::open;
  }
  if (comes_back) return Delivery::came_back;
  why = forget(door, mail);
  return why.empty() ? Delivery::done : Delivery::open;
}

// Appends the mail of one Shard; empty, or why it could not be read.
std::string list_mail(ControlDoor& door, ShardId shard, std::vector<shard::Mail>& mails) {
  shard::OperatorRequest request;
  request.kind = shard::OperatorKind::list_mail;
  for (;;) {
    const CallResult result = door.call(shard, request);
    const std::string where = "Shard " + std::to_string(shard.value) + ": list_mail: ";
    if (refused(result.reply.result)) return where + std::string(result_text(result.reply.result));
    const std::size_t items = result.reply.payload_items;
    if (items * sizeof(shard::Mail) != result.payload.size()) return where + "unknown layout";
    const std::size_t before = mails.size();
    mails.resize(before + items);
    if (items > 0) std::memcpy(&mails[before], result.payload.data(), result.payload.size());
    if (result.reply.id == none) return {};
    if (items == 0 && result.reply.id <= request.cursor) return where + "the cursor does not move";
    request.cursor = result.reply.id;
  }
}

std::string list_all(ControlDoor& door, std::vector<shard::Mail>& mails) {
  for (std::uint32_t i = 0; i < door.shard_count(); ++i) {
    const std::string why = list_mail(door, ShardId{static_cast<std::uint8_t>(i)}, mails);
    if (!why.empty()) return why;
  }
  return {};
}

}  // namespace

TransferResult transfer(ControlDoor& door, const TransferOrder& order) {
  const std::shared_lock lock(mail_mutex());
  shard::OperatorRequest request = request_for(shard::OperatorKind::transfer_out, order.from);
  request.from_shard = order.from.shard.value;
  request.to_shard = order.to_shard.value;
  request.amount = order.micros;
  request.currency = order.currency;
  put_text(request.to_account, order.to_account);
  put_text(request.request_key, order.key);
  put_text(request.who, order.who);
  put_text(request.why, order.why);
  request.digest = stable_hash("transfer|" + std::to_string(order.micros) + "|" +
                               std::to_string(order.currency));
  const shard::OperatorReply out = door.call(order.from.shard, request).reply;
  TransferResult result;
  result.result = out.result;
  result.mail_sequence = out.mail.sequence != 0 ? out.mail.sequence : out.mail_sequence;
  // unchanged: an earlier request with this key made the mail; what is left of it is found by
  // drive_mail() alone, since the receiver's mark may be gone already.
  if (out.result != shard::OperatorResult::ok) return result;
  switch (deliver(door, out.mail, result.why)) {
    case Delivery::done: result.state = TransferState::delivered; break;
    case Delivery::came_back: result.state = TransferState::came_back; break;
    case Delivery::open: result.state = TransferState::open; break;
  }
  return result;
}

MailSummary drive_mail(ControlDoor& door) {
  const std::unique_lock lock(mail_mutex());
  MailSummary summary;
  std::vector<shard::Mail> mails;
  if (const std::string why = list_all(door, mails); !why.empty()) {
    summary.left.push_back(why);
    return summary;
  }
  std::set<std::pair<std::uint8_t, std::uint64_t>> sent;
  for (const shard::Mail& mail : mails) {
    if (mail.state == shard::MailState::sent) sent.emplace(mail.from_shard, mail.sequence);
  }
  for (const shard::Mail& mail : mails) {
    const bool is_sent = mail.state == shard::MailState::sent;
    // A mark whose mail is still at the sender goes with that mail.
    if (!is_sent && sent.count({mail.from_shard, mail.sequence}) != 0) continue;
    ++summary.found;
    std::string why;
    if (is_sent) {
      const Delivery delivery = deliver(door, mail, why);
      if (delivery == Delivery::came_back) summary.came_back.push_back(std::exchange(why, {}));
    } else {
      why = forget(door, mail);
    }
    if (why.empty()) ++summary.finished;
    else summary.left.push_back(why);
  }
  return summary;
}

}  // namespace levy::admin
