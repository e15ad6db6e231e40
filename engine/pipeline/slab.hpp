// Slab: the Frames that one Loop lends. Taken and touched at start-up.
// Core: the lending Loop. Allocates: at construction only. Blocks: never. Clock: none.
#pragma once

#include "diameter/edge/frame.hpp"
#include "engine/base/memory.hpp"

namespace levy::pipeline {

class Slab {
 public:
  Slab(std::uint8_t number, std::size_t frames, HugePages huge_pages)
      : frames_(frames, huge_pages), free_(frames, huge_pages), number_(number) {
    for (std::size_t i = frames; i-- > 0;) {
      frames_[i].index = static_cast<std::uint32_t>(i);
      frames_[i].home = number;
      free_[free_count_++] = static_cast<std::uint32_t>(i);
    }
  }

  // nullptr: all are lent. The frame's routing part is fresh.
  Frame* take() {
    if (free_count_ == 0) return nullptr;
    Frame* frame = frames_.data() + free_[--free_count_];
    frame->protocol = Protocol::unset;
    frame->shard = {};
    frame->candidates_tried = 0;
    frame->flags = 0;
    frame->dialect = 0;
    frame->connection = {};
    frame->received_at = {};
    frame->subscriber = {};
    frame->other_subscriber = none;
    frame->known_identity = frame->other_identity = identity_none;
    frame->session_hash = 0;
    frame->push = {};
    frame->lsn = {};
    frame->rx_bytes = frame->tx_bytes = frame->record_bytes = 0;
    return frame;
  }
  void give_back(Frame* frame) {
    LEVY_CHECK(frame->home == number_, frame->home, number_);
    free_[free_count_++] = frame->index;
  }

  std::size_t free_frames() const { return free_count_; }
  std::size_t capacity() const { return frames_.size(); }
  std::uint8_t number() const { return number_; }

 private:
  FixedArray<Frame> frames_;
  FixedArray<std::uint32_t> free_;
  std::size_t free_count_ = 0;
  std::uint8_t number_;
};

}  // namespace levy::pipeline
