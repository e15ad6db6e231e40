// What a Subscription-Id names: read alike by the edge that routes and the Shard that charges.
// Core: edge, shard. Allocates: never. Blocks: never. Clock: none.
#pragma once

#include <cstdint>
#include <string_view>

#include "rating/request.hpp"

namespace levy::app {

// Some gateways write an E.164 with its international "+"; accounts are known without it.
inline rating::Identity subscription_identity(std::uint32_t type, std::string_view text) {
  const auto kind = static_cast<rating::IdentityType>(type);
  const bool plus = kind == rating::IdentityType::e164 && !text.empty() && text.front() == '+';
  return {kind, plus ? text.substr(1) : text};
}

}  // namespace levy::app
