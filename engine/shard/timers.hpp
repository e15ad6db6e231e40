// Timers: a hashed wheel of one-second places over session slots; logical time only.
// Core: shard. Allocates: at construction only. Blocks: never. Clock: the caller's.
//
// A deadline that moves later stays where it is and is put again when its place comes up; one that
// moves earlier is moved. A place is visited once per revolution, so a far deadline costs one visit
// per `places` seconds. Rebuilt after recovery, never saved.
#pragma once

#include <cstdint>

#include "engine/base/check.hpp"
#include "engine/base/ids.hpp"
#include "engine/base/memory.hpp"

namespace levy::shard {

class Timers {
 public:
  static constexpr std::uint32_t places = 8192;

  Timers() = default;
  Timers(std::size_t slots, HugePages huge_pages)
      : nodes_(slots, huge_pages), heads_(places, huge_pages) {
    for (std::size_t i = 0; i < places; ++i) heads_[i] = none;
  }

  // Puts or moves `slot` to `at` (any unit of whole ticks).
  void set(Slot slot, std::uint32_t at) {
    Node& n = nodes_[slot];
    if (n.armed && n.at <= at) return;  // found again when its place comes up
    if (n.armed) unlink(slot);
    if (!started_) {  // the wheel begins at the earliest deadline
      position_ = seeded_ && position_ < at ? position_ : at;
      seeded_ = true;
    }
    link(slot, at < position_ ? position_ : at);
  }

  void cancel(Slot slot) {
    if (nodes_[slot].armed) unlink(slot);
  }

  // Forgets everything; the next take() starts at `now`.
  void reset(std::uint32_t now) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i] = Node{};
    for (std::size_t i = 0; i < places; ++i) heads_[i] = none;
    position_ = now;
    at_ = none;
    started_ = seeded_ = true;
  }

  // One slot whose put time has come (it is unlinked), or none. Looks at most at `visits` entries
  // and places, so that a turn stays bounded.
  Slot take(std::uint32_t now, int visits) {
    if (!started_) position_ = seeded_ && position_ < now ? position_ : now;
    started_ = true;
    // A long jump: one revolution visits every place, more would only repeat it.
    if (now > position_ && now - position_ > places) {
      position_ = now - places;
      at_ = none;
    }
    while (visits-- > 0 && position_ <= now) {
      if (at_ == none) at_ = heads_[position_ % places];
      if (at_ == none) {
        if (position_ == now) return none;
        ++position_;
        continue;
      }
      const Slot slot = at_;
      at_ = nodes_[slot].next;
      if (nodes_[slot].at <= now) {
        unlink(slot);
        return slot;
      }
      if (at_ == none) {  // the place is done
        if (position_ == now) return none;
        ++position_;
      }
    }
    return none;
  }

 private:
  struct Node {
    Slot next = none;
    Slot previous = none;
    std::uint32_t at = 0;
    bool armed = false;
  };

  void link(Slot slot, std::uint32_t at) {
    Slot& head = heads_[at % places];
    nodes_[slot] = Node{head, none, at, true};
    if (head != none) nodes_[head].previous = slot;
    head = slot;
  }
  void unlink(Slot slot) {
    const Node n = nodes_[slot];
    if (at_ == slot) at_ = n.next;
    if (n.previous != none)
      nodes_[n.previous].next = n.next;
    else
      heads_[n.at % places] = n.next;
    if (n.next != none) nodes_[n.next].previous = n.previous;
    nodes_[slot] = Node{};
  }

  FixedArray<Node> nodes_;
  FixedArray<Slot> heads_;
  std::uint32_t position_ = 0;  // the place being visited
  Slot at_ = none;              // next entry of that place to look at
  bool started_ = false;        // take() has run: the position only grows
  bool seeded_ = false;         // the position means something
};

}  // namespace levy::shard
