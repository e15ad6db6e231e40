// TombstoneList: ended sessions in the order in which they may be given up, oldest first.
// Core: shard. Allocates: at construction only. Blocks: never. Clock: none.
//
// A list through an array of session slots: a slot is in it once or not at all, and every call
// costs the same however many there are. Rebuilt after recovery, never saved.
#pragma once

#include "engine/base/check.hpp"
#include "engine/base/ids.hpp"
#include "engine/base/memory.hpp"
#include "engine/shard/state.hpp"

namespace levy::shard {

// Whether a session may go before its tombstone's time: never an open one, whose money is not
// settled, and never an event, whose repeat would be charged again.
bool may_give_up(const Session& session);

class TombstoneList {
 public:
  TombstoneList() = default;
  TombstoneList(std::size_t slots, HugePages huge_pages) : nodes_(slots, huge_pages) {}

  Slot front() const { return first_; }
  Slot next(Slot slot) const { return nodes_[slot].next; }

  // The youngest from now on; one that is here already moves.
  void push_back(Slot slot) {
    remove(slot);
    nodes_[slot] = Node{last_, none};
    (last_ == none ? first_ : nodes_[last_].next) = slot;
    last_ = slot;
  }
  // The oldest from now on.
  void push_front(Slot slot) {
    remove(slot);
    nodes_[slot] = Node{none, first_};
    (first_ == none ? last_ : nodes_[first_].previous) = slot;
    first_ = slot;
  }
  void remove(Slot slot) {
    const Node n = nodes_[slot];
    if (n.previous == not_here) return;
    (n.previous == none ? first_ : nodes_[n.previous].next) = n.next;
    (n.next == none ? last_ : nodes_[n.next].previous) = n.previous;
    nodes_[slot] = Node{};
  }
  void clear() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i] = Node{};
    first_ = last_ = none;
  }

 private:
  static constexpr Slot not_here = none - 1;
  struct Node {
    Slot previous = not_here;
    Slot next = none;
  };

  FixedArray<Node> nodes_;
  Slot first_ = none;
  Slot last_ = none;
};

}  // namespace levy::shard
