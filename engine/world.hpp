// World: the three doors by which all chance enters Levy: Clock (time), Transport (network) and
// Storage (disk), as concepts with a real and a simulated implementation each.
// Core: edge, journal. Allocates: never. Blocks: never. Clock: this is it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/base/ids.hpp"
#include "engine/base/time.hpp"

namespace levy {

// ---- Clock ---------------------------------------------------------------------------------
// now() is wall-clock UTC; loops read it once per turn and never let it run backwards.
template <class C>
concept Clock = requires(C& clock) {
  { clock.now() } -> std::same_as<Time>;
};

// ---- Storage -------------------------------------------------------------------------------
// Asynchronous writes into pre-written segment files. A completed write is durable (the file is
// opened O_DSYNC or the simulator says so). Completions come in any order.
struct StorageCompletion {
  std::uint64_t tag = 0;  // the tag given to submit
  int error = 0;          // 0, or an errno: the bytes are then of unknown state
};

template <class S>
concept Storage = requires(S& storage, std::uint32_t file, std::uint64_t offset,
                           std::span<const std::byte> bytes, std::uint64_t tag,
                           StorageCompletion* completions, std::size_t count_max) {
  // Writes `bytes` (size and offset multiples of limits::journal_block_bytes, memory aligned to
  // it, untouched until completion) to segment `file`. false: too many in flight, try later.
  { storage.submit(file, offset, bytes, tag) } -> std::same_as<bool>;
  // Collects finished writes without waiting; returns how many.
  { storage.poll(completions, count_max) } -> std::same_as<std::size_t>;
};

// ---- Transport -----------------------------------------------------------------------------
// Bytes of connections. `index` of a ConnectionRef is below connections_max.
enum class TransportEventKind : std::uint8_t {
  accepted,   // an inbound connection is open
  connected,  // an outbound connection is open
  failed,     // an outbound connection could not be opened (error says why)
  closed,     // the peer closed, or the connection broke (error = errno or 0)
};

struct TransportEvent {
  TransportEventKind kind{};
  ConnectionRef connection{};
  int error = 0;
  std::uint32_t listener_or_target = 0;  // index into the configured listeners / outbound targets
};

// One end of a connection, for Host-IP-Address and for logs. Addresses in network byte order.
struct Endpoint {
  std::uint8_t family = 0;  // 4, 6, or 0 = unknown
  std::uint16_t port = 0;
  std::uint8_t bytes[16] = {};
};

// Inbound connections that came to nothing, since the start.
struct TransportRefusals {
  std::uint64_t full = 0;    // connections_max was reached: accepted and closed at once
  std::uint64_t failed = 0;  // the system had no descriptor or memory for them
  int error = 0;             // errno of the latest failed one
};

template <class T>
concept Transport = requires(T& transport, ConnectionRef connection, std::span<std::uint8_t> into,
                             std::span<const std::uint8_t> bytes, TransportEvent* events,
                             std::uint32_t* readable, std::size_t count_max) {
  // Connections that were opened or closed since the last call.
  { transport.poll_events(events, count_max) } -> std::same_as<std::size_t>;
  // Indexes of connections that may have bytes to receive (level-triggered).
  { transport.poll_readable(readable, count_max) } -> std::same_as<std::size_t>;
  // > 0: bytes received; 0: nothing now; < 0: closed (the event follows).
  { transport.receive(connection, into) } -> std::same_as<std::ptrdiff_t>;
  // >= 0: bytes taken (0: the socket is full, try later); < 0: closed.
  { transport.send(connection, bytes) } -> std::same_as<std::ptrdiff_t>;
  // Closes now; no event follows for it.
  {transport.close(connection)};
};

// What an Edge with peers of its own needs besides.
template <class T>
concept ConnectingTransport = Transport<T> && requires(T& transport, ConnectionRef connection) {
  // Begins to open outbound target `target`; `connected` or `failed` follows. index none: not now.
  { transport.connect(std::uint32_t{}) } -> std::same_as<ConnectionRef>;
  // Inbound connections are refused from now on.
  {transport.stop_accepting()};
  { transport.refusals() } -> std::same_as<TransportRefusals>;
  { transport.local_endpoint(connection) } -> std::same_as<Endpoint>;
  { transport.peer_endpoint(connection) } -> std::same_as<Endpoint>;
};

}  // namespace levy
