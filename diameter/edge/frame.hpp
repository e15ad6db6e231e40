// Frame: one message lying in a buffer slot, on its way through the corridor.
// Core: whoever owns it; exactly one owner at any moment, changed by a ring push.
// Allocates: never. Blocks: never. Clock: none (stamps are carried).
//
// A slot carries the received message, the answer (or push) and the Record made from it, so that
// the rings pass only a pointer. `home` tells which slab it goes back to.
#pragma once

#include <cstdint>
#include <span>

#include "config/limits.hpp"
#include "engine/base/ids.hpp"
#include "engine/base/time.hpp"

namespace levy {

enum class Protocol : std::uint8_t { unset = 0, gy = 1, gx = 2 };

enum FrameFlags : std::uint16_t {
  frame_identity_conflict = 1,  // two Subscription-Ids of the request lie on two shards
  frame_last_candidate = 2,     // no other shard can own it: answer, do not say not_mine
  frame_traced = 4,             // the edge copies request and answer to the trace
  frame_not_mine = 8,           // on the way back: try the next candidate
  frame_push = 16,              // tx holds a request of ours
  frame_push_answer = 32,       // rx holds the answer to a push, or nothing after its timeout
  frame_operator = 64,          // rx holds a shard::OperatorRequest, tx its reply
  frame_origin_state = 128,     // a raised Origin-State-Id in it counts
};

// A subscriber as the identity directory names it: slot of the Shard's subscriber pool.
struct SubscriberRef {
  ShardId shard{};
  Slot slot = none;
  constexpr bool operator==(const SubscriberRef&) const = default;
};

// A request of ours on its way out, and what its answer comes back with.
struct PushTag {
  Slot session = none;
  std::uint32_t check = 0;   // low bits of the session's hash: the slot may hold another by now
  std::uint16_t number = 0;  // push number of that session
  std::uint16_t tries = 0;
};

inline constexpr std::uint8_t identity_none = 255;  // no IdentityType

struct Frame {
  // ---- routing, written by the edge (or by the shard for a push)
  std::uint32_t index = 0;        // within the home slab
  std::uint8_t home = 0;          // slab number (edges first, then shard loops, then control)
  Protocol protocol = Protocol::unset;
  ShardId shard{};                // owner, or the candidate being asked
  std::uint8_t candidates_tried = 0;
  std::uint16_t flags = 0;        // FrameFlags
  std::uint16_t dialect = 0;      // index into the dialect table, of the peer
  ConnectionRef connection{};     // whence it came; for a push, where it should go
  Time received_at{};             // its bytes; the wait for this slot counts
  SubscriberRef subscriber{};     // first known identity; slot none = no identity is known
  Slot other_subscriber = none;   // another identity of the request names this one (same shard)
  std::uint8_t known_identity = identity_none;  // IdentityType by which `subscriber` was found
  std::uint8_t other_identity = identity_none;  // and that which names somebody else
  std::uint64_t session_hash = 0; // hash_bytes(session id, application)
  PushTag push{};
  Lsn lsn{};                      // stamped by the journal: release when durable
  // ---- lengths of the three parts, bytes
  std::uint32_t rx_bytes = 0;
  std::uint32_t tx_bytes = 0;
  std::uint32_t record_bytes = 0;

  alignas(64) std::uint8_t rx[limits::message_bytes_max];
  alignas(64) std::uint8_t tx[limits::answer_bytes_max];
  alignas(64) std::uint8_t record[limits::record_bytes_max];

  std::span<const std::uint8_t> request() const { return {rx, rx_bytes}; }
  std::span<const std::uint8_t> answer() const { return {tx, tx_bytes}; }
};

}  // namespace levy
