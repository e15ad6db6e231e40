// Money from one account to another, over any two Shards, as durable mail.
// Core: admin and control threads. Allocates: yes. Blocks: waits for durability. Clock: none.
//
// Four steps, each durable before the next: transfer_out (A owes), transfer_in (B has), then
// transfer_close (A forgets its debt), then transfer_forget (B forgets its mark). A crash between
// any two leaves mail that drive_mail() brings to its end; the receiver's mark makes a repeated
// transfer_in count once. drive_mail() never runs beside a transfer: mail that is being delivered
// must not be delivered from an old list after its mark is gone. Mail that the receiver refuses
// (its account is gone, or full) comes back to the sender.
#pragma once

#include "engine/admin/request.hpp"

namespace levy::admin {

struct TransferOrder {
  Target from;
  std::string to_account;  // name
  ShardId to_shard{};
  std::int64_t micros = 0;
  std::uint16_t currency = 0;
  std::string key, who, why;
};

enum class TransferState {
  none,       // transfer_out was refused, or did nothing (unchanged)
  delivered,  // the receiver has the money, durably
  came_back,  // the receiver refused it: the sender has it again
  open,       // drive_mail() brings it to its end
};
struct TransferResult {
  shard::OperatorResult result{};  // of transfer_out
  TransferState state = TransferState::none;
  std::uint64_t mail_sequence = 0;
  std::string why;  // of came_back and open
};
// The texts of `order` must fit their fields (checked by the caller).
TransferResult transfer(ControlDoor& door, const TransferOrder& order);

struct MailSummary {
  std::uint32_t found = 0;      // mail and marks that were left
  std::uint32_t finished = 0;   // those that came back included
  std::vector<std::string> came_back;  // refused by their receivers, and why
  std::vector<std::string> left;  // one line of why for each that could not be finished
};
// Brings every mail of every Shard to its end: after recovery, before service; and again whenever
// a transfer is left open.
MailSummary drive_mail(ControlDoor& door);

}  // namespace levy::admin
