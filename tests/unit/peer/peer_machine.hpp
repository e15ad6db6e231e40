// PeerMachine: fixture of the peer machine tests: a table whose Actions are looked at one by one.
// one.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/peer/peer_support.hpp"

namespace levy::test {

inline constexpr Time start = Time::from_seconds(1'700'000'000);
inline constexpr peer::HostAddress local{1, {127, 0, 0, 1}};

// A table of four connections whose Actions are looked at one by one.
class PeerMachine : public ::testing::Test {
 protected:
  peer::Action& frame(Slot index, const Message& message, Time now = start) {
    table[index].on_frame(table, message, now, action);
    return action;
  }
  void accept(Slot index, Time now = start) {
    table[index].on_accepted(node.settings, local, 1000 + index, now);
  }
  void open(Slot index, const Caps& caps = {}) {
    accept(index);
    frame(index, cer(caps));
    ASSERT_EQ(table[index].state(), peer::State::open);
    ASSERT_EQ(result_of(sent()), 2001u);
  }
  // Our outbound connection to the one configured peer, up to the CER.
  std::uint32_t connect(Slot index) {
    table[index].on_connecting(node.settings, 0, 2000 + index, start);
    table[index].on_connected(node.settings, local, start, action);
    return codec::read_header(sent()).hop_by_hop;
  }
  codec::Bytes sent() const { return {room.data(), action.tx_bytes}; }
  bool noted(peer::EventKind kind) const {
    for (std::uint32_t i = 0; i < action.events_count; ++i) {
      if (action.events[i].kind == kind) return true;
    }
    return false;
  }

  NodeSettings node;
  std::vector<peer::Peer> peers{4};
  std::vector<peer::HostRecord> hosts{4};
  peer::PeerTable table{node.settings, peers, hosts};
  std::vector<std::uint8_t> room = std::vector<std::uint8_t>(peer::message_out_bytes_max);
  peer::Action action{room};
};

}  // namespace levy::test
