// Sponsors: slices made and filled (see sponsors.hpp).
// Core: control (a thread of its own). Allocates: yes. Blocks: waits for durability. Clock: system.
#include "engine/daemon/sponsors.hpp"

#include <algorithm>
#include <chrono>

#include "engine/admin/request.hpp"
#include "engine/admin/show.hpp"
#include "engine/admin/transfer.hpp"
#include "engine/daemon/log.hpp"

namespace levy::daemon {

namespace {

constexpr std::chrono::milliseconds period{250};
constexpr auto by_name = rating::IdentityType::account_name;

// What is free in the main wallet; 0 where there is none.
bool wallet_free(admin::ControlDoor& door, const admin::Target& account, std::uint16_t currency,
                 std::int64_t& free) {
  admin::AccountImage image;
  if (admin::read_account(door, account, image)) return false;
  free = 0;
  for (const rating::Bucket& bucket : image.buckets)
    if ((bucket.flags & rating::bucket_main_wallet) != 0 && bucket.currency == currency)
      free = bucket.free();
  return true;
}

// The slice's account, made where there is none; false: its Shard has no room, or somebody else has
// the name.
bool open_slice(admin::ControlDoor& door, ShardId shard, const std::string& name,
                std::uint16_t currency) {
  const auto found = door.find(by_name, name);
  if (found) return found->shard == shard;
  shard::OperatorRequest request;
  request.kind = shard::OperatorKind::create_account;
  request.currency = currency;
  admin::put_text(request.account_name, name);
  admin::put_text(request.who, "levyd");
  admin::put_text(request.why, "slice of a sponsor");
  bool published = false;
  const shard::OperatorReply reply =
      admin::run(door, shard, request, [&](const shard::OperatorReply& done) {
        if (!admin::refused(done.result))
          published = door.publish(by_name, name, shard, done.account);
      });
  return !admin::refused(reply.result) && published;
}

}  // namespace

void Sponsors::start() {
  thread_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      lock.unlock();
      turn();
      lock.lock();
      news_.wait_for(lock, period, [this] { return stopping_; });
    }
  });
}

void Sponsors::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  news_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Sponsors::turn() {
  Wanted wanted;
  for (const admin::PlanInfo& plan : door_.plans())
    for (const admin::PlanInfo::Sponsor& sponsor : plan.sponsors) {
      std::int64_t& slice = wanted[{sponsor.account, plan.currency}];
      slice = std::max(slice, sponsor.slice);
    }
  for (const auto& [who, slice] : wanted) fill(who.first, who.second, slice);
}

void Sponsors::tell_once(const std::string& sponsor, const std::string& what) {
  if (told_.insert(sponsor + ' ' + what).second)
    log::warn("sponsors", "sponsor " + sponsor + ": " + what);
}

void Sponsors::fill(const std::string& sponsor, std::uint16_t currency, std::int64_t slice) {
  const auto itself = door_.find(by_name, sponsor);
  if (!itself)
    return tell_once(sponsor,
                     "there is no such account, so its services are not granted; "
                     "make it with levyctl subscriber create");
  const admin::Target from{itself->shard, none, itself->slot, {by_name, sponsor}};
  std::int64_t left = 0;
  if (!wallet_free(door_, from, currency, left)) return;
  for (std::uint32_t s = 0; s < door_.shard_count(); ++s) {
    const ShardId shard{static_cast<std::uint8_t>(s)};
    if (shard == itself->shard) continue;
    const std::string name = sponsor + rating::slice_mark + std::to_string(s);
    if (!open_slice(door_, shard, name, currency)) {
      tell_once(sponsor, "no account " + name +
                             " could be made in its Shard: raise `capacity`, "
                             "or rename whoever has that name");
      continue;
    }
    const auto there = door_.find(by_name, name);
    const admin::Target to{shard, none, there ? there->slot : none, {by_name, name}};
    std::int64_t free = 0;
    if (!there || !wallet_free(door_, to, currency, free) || free > slice / 2) continue;
    const std::int64_t amount = std::min(slice - free, left);
    if (amount <= 0) continue;  // it has nothing left: its services end as any credit does
    admin::TransferOrder order{from, name, shard, amount, currency, "", "levyd", "slice"};
    const admin::TransferResult result = admin::transfer(door_, order);
    if (result.state == admin::TransferState::delivered) left -= amount;
    if (result.state == admin::TransferState::open) admin::drive_mail(door_);
    if (result.state == admin::TransferState::came_back)
      tell_once(sponsor, "its slice " + name + " takes no money: " + result.why);
  }
}

}  // namespace levy::daemon
