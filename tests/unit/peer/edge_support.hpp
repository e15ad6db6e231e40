// A NativeEdge over the simulated network, with the caller's side of it.
// Core: the test's. Allocates: yes. Blocks: never. Clock: the network's.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "diameter/edge/native_edge.hpp"
#include "tests/support/sim_transport.hpp"
#include "tests/unit/peer/peer_support.hpp"

namespace levy::test {

using peer::EventKind;

inline constexpr Time start = Time::from_seconds(1'700'000'000);

struct Delivered {
  ConnectionRef connection;
  std::string host;
  std::uint32_t number = 0;  // Hop-by-Hop
  Time arrived{};
};

// One edge with its node and the caller's side of it.
struct Daemon {
  Daemon(SimNetwork& net, std::string_view host, std::initializer_list<std::string_view> gateways,
         edge::NativeEdgeOptions opts = {})
      : network(net), node(host, gateways), options(opts),
        transport(net, opts.connections_max) {}
  // After the settings are complete.
  void begin() {
    edge = std::make_unique<edge::NativeEdge<SimTransport>>(transport, node.settings, options);
  }
  void turn(bool flush = true) {
    edge->poll(network.now(), [this](ConnectionRef ref, const peer::PeerInfo& info,
                                     std::span<const std::uint8_t> message, Time arrived) {
      ++offered;
      if (slots == 0) return false;
      --slots;
      const codec::Header header = codec::read_header(message);
      delivered.push_back({ref, std::string(info.origin_host.view()), header.hop_by_hop, arrived});
      if (echo && header.is_request()) {
        edge->send(ref, answer(header.command, header.hop_by_hop, header.application));
      }
      return true;
    });
    if (flush) edge->flush(network.now());
    peer::Event event;
    while (edge->next_event(event)) events.push_back(event);
  }
  std::size_t count(EventKind kind) const {
    return static_cast<std::size_t>(std::count_if(
        events.begin(), events.end(), [kind](const peer::Event& e) { return e.kind == kind; }));
  }

  SimNetwork& network;
  NodeSettings node;
  edge::NativeEdgeOptions options;
  SimTransport transport;
  std::unique_ptr<edge::NativeEdge<SimTransport>> edge;
  std::vector<Delivered> delivered;
  std::vector<peer::Event> events;
  std::size_t slots = 1'000'000;  // messages that the caller still takes
  std::size_t offered = 0;
  bool echo = false;
};

inline edge::NativeEdgeOptions small_options() {
  edge::NativeEdgeOptions options;
  options.connections_max = 8;
  return options;
}

}  // namespace levy::test
