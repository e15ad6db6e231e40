// Shard: services that another account pays for.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// The sponsor's wallet stands in the view beside the account's own buckets, under the sponsor's
// name; rating asks it for the services that name it, and for nothing else. Where the sponsor's
// account lies in another Shard, its slice here pays (rating::Sponsor).
#include <algorithm>
#include <charconv>
#include <cstring>

#include "engine/shard/pools.hpp"

namespace levy::shard {

// The sponsor's account in this Shard, or its slice here; none: there is neither.
Slot Shard::sponsor_account(std::string_view name) const {
  const Slot itself = find_account(name);
  if (itself != none) return itself;
  char text[sizeof(Account::name)];
  if (name.size() + 3 >= sizeof text) return none;
  std::memcpy(text, name.data(), name.size());
  text[name.size()] = rating::slice_mark;
  const auto end = std::to_chars(text + name.size() + 1, text + sizeof text, id_.value).ptr;
  return find_account({text, static_cast<std::size_t>(end - text)});
}

void Shard::add_wallet(Slot bucket, std::uint16_t sponsor, rating::AccountView& view,
                       Outcome& outcome) {
  for (std::uint32_t i = 0; i < view.bucket_count; ++i)
    if (view.slots[i] == bucket && view.sponsors[i] == sponsor) return;
  const auto end = outcome.sponsors.begin() + outcome.sponsor_count;
  const bool noted = std::any_of(outcome.sponsors.begin(), end,
                                 [&](const SponsorWallet& w) { return w.bucket == bucket; });
  // More sponsors than one charge can name: the last ones pay nothing.
  if (view.bucket_count == view.buckets.size()) return;
  if (!noted) {
    if (outcome.sponsor_count == outcome.sponsors.size()) return;
    outcome.sponsors[outcome.sponsor_count++] = {bucket, sponsor};
  }
  view.buckets[view.bucket_count] = &edit(buckets_, bucket);
  view.slots[view.bucket_count] = bucket;
  view.sponsors[view.bucket_count++] = sponsor;
}

// The wallets that pay for what the plan leaves to sponsors.
void Shard::add_sponsors(const rating::Plan& plan, rating::AccountView& view, Outcome& outcome) {
  for (std::uint32_t i = 0; i < plan.sponsor_count; ++i) {
    const Slot account = sponsor_account(plan.sponsors[i].account);
    if (account == none) continue;
    const Slot wallet = find_wallet(accounts_[account], plan.currency);
    if (wallet != none) add_wallet(wallet, plan.sponsors[i].name, view, outcome);
  }
}

void Shard::add_sponsors(const rating::ChargeInput& input, rating::AccountView& view,
                         Outcome& outcome) {
  add_sponsors(*input.plan, view, outcome);
  for (std::uint32_t i = 0; i < input.addon_count; ++i)
    add_sponsors(*input.addons[i].plan, view, outcome);
}

// The wallets that pay for what the group used under its last grant, and those in which it holds
// something reserved, though its plan may be gone.
void Shard::add_reserved(const rating::Group& group, rating::AccountView& view, Outcome& outcome) {
  if (group.sponsor == 0) return;
  const rating::Plan* plan = find_plan(group.plan, group.plan_version);
  if (plan != nullptr) add_sponsors(*plan, view, outcome);
  for (const rating::Reservation& r : group.reservations)
    if (r.amount != 0) add_wallet(r.bucket, group.sponsor, view, outcome);
}

}  // namespace levy::shard
