// SimNetwork and SimTransport: the Transport in memory, with one seed for all its faults.
// Core: the test's. Allocates: yes (tests only). Blocks: never. Clock: given by set_now().
//
// A SimNetwork joins SimTransports (as levyd's edges) and SimClients (as scripted gateways). Bytes
// may arrive split, glued, late; connections may break. The same seed and calls give the same
// bytes at the same turns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "engine/base/check.hpp"
#include "engine/base/ids.hpp"
#include "engine/base/time.hpp"
#include "engine/world.hpp"

namespace levy::test {

struct SimFaults {
  double split = 0;            // a receive returns only a part of what is there
  double withhold = 0;         // a receive returns nothing though bytes are there (glues them)
  std::int64_t delay_micros_max = 0;  // each send arrives 0..max later, in order
  double drop_connection = 0;  // per send: the connection breaks, what is under way is lost
  double refuse_connect = 0;   // an outbound connection fails
  double partial_send = 0;     // a send takes only a part
  std::size_t window_bytes = 1 << 20;  // bytes under way per direction; then send takes 0
};

class SimNetwork;

// One direction of one connection.
struct SimPipe {
  struct Piece {
    Time at{};
    std::vector<std::uint8_t> bytes;
    std::size_t taken = 0;
  };
  std::deque<Piece> pieces;
  std::size_t bytes = 0;
  Time last_at{};  // pieces never overtake each other
  bool ended = false;  // the writer closed; the reader sees it after the bytes
};

// A connection: pipe[0] carries bytes of the end that connected, pipe[1] those of the other.
struct SimLink {
  SimPipe pipe[2];
  bool broken = false;  // both ends see an error, bytes under way are lost
};

class SimNetwork {
 public:
  explicit SimNetwork(std::uint64_t seed, const SimFaults& faults = {})
      : random_(seed), faults_(faults) {}

  void set_now(Time now) { now_ = now; }
  Time now() const { return now_; }
  SimFaults& faults() { return faults_; }

  bool chance(double probability) {
    if (probability <= 0) return false;
    return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
  }
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }

  // A listener is a number that a SimTransport owns and that others connect to.
  std::uint32_t add_listener() {
    pending_.emplace_back();
    open_.push_back(true);
    return static_cast<std::uint32_t>(pending_.size() - 1);
  }
  void close_listener(std::uint32_t listener) { open_[listener] = false; }
  // The listener's process is gone: connections that nobody accepted are reset.
  void abandon_listener(std::uint32_t listener) {
    close_listener(listener);
    for (const auto& link : pending_[listener]) link->broken = true;
    pending_[listener].clear();
  }
  // nullptr: refused.
  std::shared_ptr<SimLink> connect(std::uint32_t listener) {
    if (listener >= open_.size() || !open_[listener] || chance(faults_.refuse_connect)) {
      return nullptr;
    }
    auto link = std::make_shared<SimLink>();
    pending_[listener].push_back(link);
    return link;
  }
  std::shared_ptr<SimLink> accept(std::uint32_t listener) {
    if (pending_[listener].empty()) return nullptr;
    auto link = pending_[listener].front();
    pending_[listener].pop_front();
    return link;
  }

  // >= 0 bytes taken; < 0: broken.
  std::ptrdiff_t write(SimLink& link, int direction, std::span<const std::uint8_t> bytes) {
    SimPipe& pipe = link.pipe[direction];
    if (link.broken || pipe.ended || link.pipe[1 - direction].ended) return -1;
    if (chance(faults_.drop_connection)) {
      link.broken = true;
      return -1;
    }
    std::size_t room = faults_.window_bytes - std::min(faults_.window_bytes, pipe.bytes);
    room = std::min(room, bytes.size());
    if (room > 1 && chance(faults_.partial_send)) room = 1 + below(room - 1);
    if (room == 0) return 0;
    const auto delay_bound = static_cast<std::uint64_t>(faults_.delay_micros_max) + 1;
    Time at{now_.micros + static_cast<std::int64_t>(below(delay_bound))};
    at = std::max(at, pipe.last_at);
    pipe.last_at = at;
    const auto taken = bytes.first(room);
    pipe.pieces.push_back({at, {taken.begin(), taken.end()}, 0});
    pipe.bytes += room;
    return static_cast<std::ptrdiff_t>(room);
  }

  // > 0 bytes; 0 nothing now; < 0 ended or broken.
  std::ptrdiff_t read(SimLink& link, int direction, std::span<std::uint8_t> into) {
    SimPipe& pipe = link.pipe[direction];
    if (link.broken) return -1;
    if (!readable(link, direction)) return 0;
    if (pipe.pieces.empty()) return -1;  // ended
    if (chance(faults_.withhold)) return 0;
    std::size_t limit = into.size();
    if (limit > 1 && chance(faults_.split)) limit = 1 + below(std::min<std::size_t>(limit, 64));
    std::size_t got = 0;
    while (got < limit && !pipe.pieces.empty() && pipe.pieces.front().at <= now_) {
      SimPipe::Piece& piece = pipe.pieces.front();
      const std::size_t part = std::min(limit - got, piece.bytes.size() - piece.taken);
      std::copy_n(piece.bytes.begin() + static_cast<std::ptrdiff_t>(piece.taken), part,
                  into.begin() + static_cast<std::ptrdiff_t>(got));
      got += part;
      piece.taken += part;
      if (piece.taken == piece.bytes.size()) pipe.pieces.pop_front();
    }
    pipe.bytes -= got;
    return static_cast<std::ptrdiff_t>(got);
  }

  bool readable(const SimLink& link, int direction) const {
    const SimPipe& pipe = link.pipe[direction];
    if (link.broken) return true;
    if (pipe.pieces.empty()) return pipe.ended;
    return pipe.pieces.front().at <= now_;
  }

 private:
  std::mt19937_64 random_;
  SimFaults faults_;
  Time now_{};
  std::vector<std::deque<std::shared_ptr<SimLink>>> pending_;
  std::vector<bool> open_;
};

// The Transport that a NativeEdge runs on. Its targets are listeners of the same network.
class SimTransport {
 public:
  SimTransport(SimNetwork& network, std::uint32_t connections_max, std::uint32_t listeners = 1)
      : network_(network), slots_(connections_max) {
    for (std::uint32_t i = 0; i < listeners; ++i) listeners_.push_back(network.add_listener());
    for (std::uint32_t i = connections_max; i-- > 0;) free_.push_back(i);
  }
  std::uint32_t listener(std::uint32_t i = 0) const { return listeners_[i]; }
  void add_target(std::uint32_t listener) { targets_.push_back(listener); }

  std::size_t poll_events(TransportEvent* events, std::size_t count_max) {
    for (std::uint32_t i = 0; i < listeners_.size(); ++i) accept_all(i);
    std::size_t count = 0;
    while (count < count_max && !events_.empty()) {
      events[count] = events_.front();
      events_.pop_front();
      const TransportEvent& event = events[count++];
      if (event.kind == TransportEventKind::closed || event.kind == TransportEventKind::failed) {
        free_.push_back(event.connection.index);
      }
    }
    return count;
  }

  std::size_t poll_readable(std::uint32_t* readable, std::size_t count_max) {
    std::size_t count = 0;
    const auto slots = static_cast<std::uint32_t>(slots_.size());
    for (std::uint32_t n = 0; n < slots && count < count_max; ++n) {
      const std::uint32_t i = (cursor_ + n) % slots;
      if (slots_[i].link && network_.readable(*slots_[i].link, 1 - slots_[i].direction)) {
        readable[count++] = i;
      }
    }
    if (count == count_max) cursor_ = (readable[count - 1] + 1) % slots;
    return count;
  }

  std::ptrdiff_t receive(ConnectionRef ref, std::span<std::uint8_t> into) {
    if (!valid(ref)) return -1;
    Connection& connection = slots_[ref.index];
    if (into.empty()) return 0;
    const std::ptrdiff_t bytes = network_.read(*connection.link, 1 - connection.direction, into);
    if (bytes < 0) broken(ref.index);
    return bytes;
  }

  std::ptrdiff_t send(ConnectionRef ref, std::span<const std::uint8_t> bytes) {
    if (!valid(ref)) return -1;
    Connection& connection = slots_[ref.index];
    const std::ptrdiff_t taken = network_.write(*connection.link, connection.direction, bytes);
    if (taken < 0) broken(ref.index);
    return taken;
  }

  void close(ConnectionRef ref) {
    if (!valid(ref)) return;
    end(ref.index);
    free_.push_back(ref.index);
  }

  ConnectionRef connect(std::uint32_t target) {
    if (free_.empty()) return {};
    auto link = network_.connect(targets_[target]);
    const ConnectionRef ref = take(link, 0);
    if (link) {
      events_.push_back({TransportEventKind::connected, ref, 0, target});
    } else {
      events_.push_back({TransportEventKind::failed, ref, 111, target});
    }
    return ref;
  }

  void stop_accepting() {
    for (const std::uint32_t listener : listeners_) network_.close_listener(listener);
  }
  TransportRefusals refusals() const { return refusals_; }
  // As if the kernel or connections_max had turned connections away.
  void set_refusals(const TransportRefusals& refusals) { refusals_ = refusals; }
  Endpoint local_endpoint(ConnectionRef) const { return {4, 3868, {10, 0, 0, 1}}; }
  Endpoint peer_endpoint(ConnectionRef) const { return {4, 40000, {10, 0, 0, 2}}; }

  // The process ends as by kill -9: its kernel closes every connection behind the bytes already
  // sent, or resets it.
  void power_off(bool resets) {
    for (const std::uint32_t listener : listeners_) network_.abandon_listener(listener);
    for (Connection& connection : slots_) {
      if (!connection.link) continue;
      if (resets) connection.link->broken = true;
      else connection.link->pipe[connection.direction].ended = true;
      connection.link.reset();
    }
  }
  // Cuts a connection as a broken network would.
  void break_connection(std::uint32_t index) {
    if (slots_[index].link) slots_[index].link->broken = true;
  }
  std::size_t connections_open() const {
    return static_cast<std::size_t>(
        std::count_if(slots_.begin(), slots_.end(), [](const Connection& c) { return c.link; }));
  }

 private:
  struct Connection {
    std::shared_ptr<SimLink> link;
    int direction = 0;  // the pipe that this end writes
    std::uint32_t generation = 0;
  };

  bool valid(ConnectionRef ref) const {
    return ref.index < slots_.size() && slots_[ref.index].link &&
           slots_[ref.index].generation == ref.generation;
  }
  ConnectionRef take(std::shared_ptr<SimLink> link, int direction) {
    const std::uint32_t index = free_.back();
    free_.pop_back();
    slots_[index] = Connection{std::move(link), direction, ++generation_};
    return {index, generation_};
  }
  void accept_all(std::uint32_t listener) {
    while (!free_.empty()) {
      auto link = network_.accept(listeners_[listener]);
      if (!link) return;
      events_.push_back({TransportEventKind::accepted, take(std::move(link), 1), 0, listener});
    }
  }
  void end(std::uint32_t index) {
    slots_[index].link->pipe[slots_[index].direction].ended = true;
    slots_[index].link.reset();
  }
  void broken(std::uint32_t index) {
    events_.push_back({TransportEventKind::closed, {index, slots_[index].generation}, 0, 0});
    end(index);
  }

  SimNetwork& network_;
  std::vector<Connection> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> listeners_;
  std::vector<std::uint32_t> targets_;
  std::deque<TransportEvent> events_;
  std::uint32_t generation_ = 0;
  std::uint32_t cursor_ = 0;
  TransportRefusals refusals_;
};
static_assert(ConnectingTransport<SimTransport>);

// A scripted far end: a gateway that a test plays by hand.
class SimClient {
 public:
  explicit SimClient(SimNetwork& network) : network_(network) {}

  // Connects to a listener; false: refused.
  bool connect(std::uint32_t listener) {
    link_ = network_.connect(listener);
    direction_ = 0;
    return link_ != nullptr;
  }
  // Takes a connection that a SimTransport opened to this listener of network.add_listener().
  bool accept(std::uint32_t listener) {
    link_ = network_.accept(listener);
    direction_ = 1;
    return link_ != nullptr;
  }
  // How many of the bytes were taken; < 0 when the other end is gone.
  std::ptrdiff_t send(std::span<const std::uint8_t> bytes) {
    return link_ ? network_.write(*link_, direction_, bytes) : -1;
  }
  // Appends what arrived. false: the other end closed.
  bool receive(std::vector<std::uint8_t>& into) {
    if (!link_) return false;
    std::uint8_t buffer[4096];
    for (;;) {
      const std::ptrdiff_t bytes = network_.read(*link_, 1 - direction_, buffer);
      if (bytes < 0) return false;
      if (bytes == 0) return true;
      into.insert(into.end(), buffer, buffer + bytes);
    }
  }
  void close() {
    if (link_) link_->pipe[direction_].ended = true;
    link_.reset();
  }
  void reset() {
    if (link_) link_->broken = true;
    link_.reset();
  }
  bool connected() const { return link_ != nullptr; }

 private:
  SimNetwork& network_;
  std::shared_ptr<SimLink> link_;
  int direction_ = 0;
};

}  // namespace levy::test
