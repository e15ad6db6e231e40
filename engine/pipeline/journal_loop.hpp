// JournalLoop: gathers Records into blocks, moves the watermark, releases answers in LSN order.
// Core: journal. Allocates: at construction only. Blocks: never. Clock: none.
//
// No answer leaves before its Record is durable; one without a Record of its own (a duplicate, a
// refusal, a read) waits for the LSN of the state it saw. Release order is the order of the ring.
#pragma once

#include <span>

#include "engine/journal/journal.hpp"
#include "engine/metrics/counters.hpp"
#include "engine/pipeline/rings.hpp"

namespace levy::pipeline {

template <Storage S>
class JournalLoop final : public Loop {
 public:
  // `frames_max`: frames of all slabs together, which bounds what can wait for release.
  JournalLoop(journal::Journal<S>& journal, Rings& rings, std::size_t frames_max,
              metrics::CounterBlock& counters)
      : journal_(journal),
        rings_(rings),
        counters_(counters),
        waiting_(frames_max + 1, HugePages::off) {}

  std::size_t do_work() override {
    std::size_t done = journal_.poll();
    if (journal_.failed() != 0) {  // never carry on: what is not durable is not answered
      rings_.journal_failed.store(journal_.failed(), std::memory_order_release);
      return done;
    }
    for (auto& ring : rings_.shard_to_journal) done += gather(*ring);
    journal_.flush();
    done += release();
    const bool open = journal_.admission_open();
    if (open != admission_open_) {
      admission_open_ = open;
      rings_.admission_open.store(open, std::memory_order_release);
      if (!open) counters_.add(metrics::Counter::journal_stalls);
    }
    counters_.set(metrics::Counter::durable_lsn, journal_.durable().value);
    counters_.set(metrics::Counter::proven_lsn, journal_.proven().value);
    counters_.set(metrics::Counter::appended_lsn, journal_.appended().value);
    counters_.set(metrics::Counter::journal_in_flight, journal_.in_flight());
    count_writes();
    counters_.add(metrics::Counter::turns);
    if (done != 0) counters_.add(metrics::Counter::busy_turns);
    return done;
  }
  const char* name() const override { return "journal"; }

  // Nothing waits and nothing is in flight: safe to stop.
  bool idle() const { return head_ == tail_ && held_ == nullptr && journal_.idle(); }

 private:
  static constexpr std::size_t batch_max = 64;

  std::size_t gather(FrameRing& ring) {
    std::size_t done = 0;
    if (held_ != nullptr) {  // a frame whose Record found no room: strictly before all later ones
      if (held_from_ != &ring || !take(held_)) return 0;
      held_ = nullptr;
      ++done;
    }
    Frame* frames[batch_max];
    // One at a time once room may end: a popped frame cannot go back.
    while (done < batch_max && journal_.room(limits::record_bytes_max)) {
      const std::size_t n = ring.pop(frames, 1);
      if (n == 0) break;
      if (!take(frames[0])) {
        held_ = frames[0];
        held_from_ = &ring;
        break;
      }
      ++done;
    }
    return done;
  }

  bool take(Frame* frame) {
    if (frame->record_bytes != 0) {
      if (!journal_.room(frame->record_bytes)) return false;
      frame->lsn = journal_.append(std::as_bytes(std::span(frame->record, frame->record_bytes)));
    } else {
      frame->lsn = journal_.appended();
    }
    waiting_[tail_] = frame;
    tail_ = tail_ + 1 == waiting_.size() ? 0 : tail_ + 1;
    LEVY_CHECK(tail_ != head_);
    return true;
  }

  std::size_t release() {
    const Lsn durable = journal_.durable();
    std::size_t done = 0;
    while (head_ != tail_ && waiting_[head_]->lsn <= durable) {
      Frame* frame = waiting_[head_];
      head_ = head_ + 1 == waiting_.size() ? 0 : head_ + 1;
      FrameRing* to = nullptr;
      if (frame->home == slab_edge || (frame->flags & frame_push) != 0)
        to = &rings_.journal_to_edge;
      else if (frame->home == slab_control)
        to = &rings_.journal_to_control;
      else
        to = rings_.journal_to_shard[frame->home - slab_shard_first].get();
      const bool pushed = to->try_push(frame);
      LEVY_CHECK(pushed, to->capacity());
      ++done;
    }
    return done;
  }

  void count_writes() {
    const std::uint64_t writes = journal_.blocks_written();
    counters_.add(metrics::Counter::journal_writes, writes - writes_counted_);
    writes_counted_ = writes;
    counters_.set(metrics::Counter::journal_bytes, journal_.bytes_sealed());
  }

  journal::Journal<S>& journal_;
  Rings& rings_;
  metrics::CounterBlock& counters_;
  FixedArray<Frame*> waiting_;  // ring: stamped, not yet durable
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  Frame* held_ = nullptr;
  FrameRing* held_from_ = nullptr;
  bool admission_open_ = true;
  std::uint64_t writes_counted_ = 0;
};

}  // namespace levy::pipeline
