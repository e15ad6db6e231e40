// Shard: passes, the add-ons that a use buys by itself (a plan's key `pass`).
// Core: shard. Allocates: never. Blocks: never. Clock: in the request.
//
// A pass is bought in the Command that asks for the use, so that its allowances and services count
// at once; the Record of the charge says both. Who cannot pay its fees uses at the price that names
// the pass, where there is one.
#include "engine/shard/pools.hpp"

namespace levy::shard {

bool asks_for_use(const rating::ChargeRequest& request, const rating::MsccRequest& mscc) {
  using rating::RequestType;
  if (request.type == RequestType::event)
    return !request.has_requested_action ||
           request.requested_action == rating::RequestedAction::direct_debiting;
  return request.type != RequestType::termination && mscc.has_requested;
}

// false: there is no room.
bool Shard::buy_passes(Slot account_slot, const rating::ChargeInput& input, Outcome& outcome) {
  if (!input.plan->passes) return true;
  const auto now_s = static_cast<std::uint32_t>(input.now.seconds());
  bool bought = false;
  for (std::uint32_t i = 0; i < rating::charged_rows(*input.request); ++i) {
    const rating::MsccRequest& mscc = input.request->mscc[i];
    const bool asks = asks_for_use(*input.request, mscc);
    const std::uint16_t pass = asks ? rating::pass_for(input, mscc) : std::uint16_t{0};
    if (pass == 0 || find_product(accounts_[account_slot], pass, 0) != none) continue;
    const rating::Plan* plan = newest(pass);
    // A reload may have made something else of it.
    if (plan == nullptr || !plan->terms.addon || plan->currency != input.plan->currency) continue;
    if (!can_pay(accounts_[account_slot], *plan, first_fee(plan->terms, now_s))) continue;
    const Slot slot = add_product(account_slot, pass, now_s, 0, input.now);
    if (slot == none || start_product(account_slot, slot, *plan, 0, input.now, outcome) !=
                            OperatorResult::ok)
      return false;
    bought = true;
  }
  if (bought) note_due(account_slot);
  return true;
}

}  // namespace levy::shard
