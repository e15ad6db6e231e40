// Setup: options as the operator wrote them -> the settings of each part.
// Core: control at start-up. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/options.hpp"
#include "diameter/edge/native_edge.hpp"
#include "diameter/peer/settings.hpp"
#include "engine/admin/api.hpp"
#include "engine/shard/shard.hpp"
#include "engine/transport/tcp.hpp"

namespace levy::daemon {

// Segments that are ready before they are needed: one is made while the other waits, so that a
// burst meets no wall.
inline constexpr std::size_t segments_ahead = 2;

// Slots of shard `number`: an even share and six standard deviations of a random spread.
shard::Capacity shard_capacity(const config::Options& options, std::uint32_t shards,
                               std::uint32_t number);
transport::TcpOptions transport_options(const config::Options& options);
// `peers` is what the settings point into.
peer::Settings peer_settings(const config::Options& options, std::vector<peer::PeerConfig>& peers,
                             std::uint32_t origin_state_id);
admin::HttpDoor http_door(const config::HttpOptions& options);
edge::NativeEdgeOptions edge_options(const config::Options& options);
// Lets this process open what it is configured for: raises the soft limit of open files to the hard
// one. Empty, or why that is not enough.
std::string raise_descriptor_limit(const config::Options& options);

}  // namespace levy::daemon
