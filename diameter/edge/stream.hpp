// ReceiveStream and SendStream: the two byte buffers of one connection.
// Core: edge. Allocates: never (the memory is the edge's arena). Blocks: never. Clock: stamped.
//
// Invariants: the unread bytes lie in [begin, end) and the frames of [begin, scanned) were judged
// once: each is either parked for the application or marked as done. A message's version byte is
// always 1 after judgement, so 0 in our own copy is the mark. unread_since() is never later than
// the receive that brought the first unread byte.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "diameter/codec/error.hpp"
#include "diameter/codec/header.hpp"
#include "engine/base/time.hpp"

namespace levy::edge {

// When the bytes of a stream arrived, in a few marks: however long they wait, a byte passes for
// older than it is by an eighth of the longest wait at most (and `grain_min`), never for younger.
class ArrivalMarks {
 public:
  void clear() { count_ = 0; }
  // The stream has arrived up to position `end`.
  void arrived(std::uint64_t end, Time at) {
    if (count_ <= 1) grain_micros_ = grain_min;
    if (count_ == marks_max) {
      grain_micros_ = micros_between(marks_[0].at, at) / static_cast<std::int64_t>(marks_max / 2);
      thin();
    }
    if (count_ == 0 || micros_between(marks_[count_ - 1].at, at) >= grain_micros_) {
      marks_[count_++].at = at;
    }
    marks_[count_ - 1].end = end;
  }
  // Everything before `position` was read.
  void passed(std::uint64_t position) {
    std::size_t gone = 0;
    while (gone < count_ && marks_[gone].end <= position) ++gone;
    if (gone == 0) return;
    count_ -= gone;
    std::memmove(marks_, marks_ + gone, count_ * sizeof(Mark));
  }
  // Of the oldest byte that was not read; there is one.
  Time oldest() const { return marks_[0].at; }

 private:
  struct Mark {
    std::uint64_t end = 0;  // of the bytes that arrived from `at` on
    Time at{};
  };
  static constexpr std::size_t marks_max = 16;
  static constexpr std::int64_t grain_min = 1000;

  // Marks closer together than the grain become one, with the older time; about half remain.
  void thin() {
    std::size_t kept = 1;
    for (std::size_t i = 1; i < count_; ++i) {
      if (micros_between(marks_[kept - 1].at, marks_[i].at) >= grain_micros_) {
        marks_[kept++] = marks_[i];
      } else {
        marks_[kept - 1].end = marks_[i].end;
      }
    }
    count_ = kept;
  }

  Mark marks_[marks_max];
  std::size_t count_ = 0;
  std::int64_t grain_micros_ = grain_min;
};

class ReceiveStream {
 public:
  void reset(std::uint8_t* memory, std::size_t size) {
    memory_ = memory;
    size_ = size;
    clear();
  }
  void clear() {
    begin_ = scanned_ = end_ = 0;
    position_ = 0;
    marks_.clear();
  }

  // Room for the next receive; moves the unread bytes to the front when the back is used up.
  // A quarter of the buffer is enough for one receive, so that moves stay rare.
  std::span<std::uint8_t> room() {
    if (begin_ == end_) clear();
    if (size_ - end_ < size_ / 4 && begin_ > 0) {
      std::memmove(memory_, memory_ + begin_, end_ - begin_);
      end_ -= begin_;
      scanned_ -= begin_;
      begin_ = 0;
    }
    return {memory_ + end_, size_ - end_};
  }
  void received(std::size_t bytes, Time at) {
    end_ += bytes;
    marks_.arrived(position_ + unread(), at);
  }
  // When the oldest unread bytes came; there are some.
  Time unread_since() const { return marks_.oldest(); }

  // The frame at the front that was judged already (parked or done); empty when there is none.
  std::span<std::uint8_t> judged() const {
    if (begin_ == scanned_) return {};
    return {memory_ + begin_, codec::load24(memory_ + begin_ + 1)};
  }
  void drop_judged(std::size_t bytes) { pass(bytes); }

  // What is received behind the judged frames.
  std::span<std::uint8_t> unjudged() const { return {memory_ + scanned_, end_ - scanned_}; }
  // The frame at the front of unjudged() is judged: `parked` for the application, or done.
  void judge(std::size_t bytes, bool parked) {
    if (begin_ == scanned_ && !parked) {
      pass(bytes);
    } else if (!parked) {
      memory_[scanned_] = 0;
    }
    scanned_ += bytes;
  }

  std::size_t unread() const { return end_ - begin_; }
  std::size_t parked_bytes() const { return scanned_ - begin_; }

 private:
  void pass(std::size_t bytes) {
    begin_ += bytes;
    position_ += bytes;
    marks_.passed(position_);
  }

  std::uint8_t* memory_ = nullptr;
  std::size_t size_ = 0;
  std::size_t begin_ = 0;
  std::size_t scanned_ = 0;
  std::size_t end_ = 0;
  std::uint64_t position_ = 0;  // of begin_, in all that was received
  ArrivalMarks marks_;
};

class SendStream {
 public:
  void reset(std::uint8_t* memory, std::size_t size) {
    memory_ = memory;
    size_ = size;
    clear();
  }
  void clear() { begin_ = end_ = 0; }

  // false: it does not fit; nothing was taken.
  bool put(std::span<const std::uint8_t> bytes) {
    if (size_ - end_ < bytes.size()) {
      if (size_ - (end_ - begin_) < bytes.size()) return false;
      std::memmove(memory_, memory_ + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    std::memcpy(memory_ + end_, bytes.data(), bytes.size());
    end_ += bytes.size();
    return true;
  }
  std::span<const std::uint8_t> pending() const { return {memory_ + begin_, end_ - begin_}; }
  void sent(std::size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) clear();
  }
  bool empty() const { return begin_ == end_; }

 private:
  std::uint8_t* memory_ = nullptr;
  std::size_t size_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// The length of the frame at the front of `bytes`.
struct Cut {
  std::size_t length = 0;  // 0: not all of it is here yet (or fault is set)
  codec::ResultCode fault = codec::ResultCode::none;  // 5011 or 5015: framing is lost
};

// Judges version and length as soon as they are here, so that garbage never waits for more bytes.
inline Cut cut_frame(std::span<const std::uint8_t> bytes, std::size_t length_max) {
  if (bytes.empty()) return {};
  if (bytes[0] != 1) return {0, codec::ResultCode::unsupported_version};
  if (bytes.size() < 4) return {};
  const std::size_t length = codec::load24(bytes.data() + 1);
  if (length < codec::header_bytes || (length & 3) != 0 || length > length_max) {
    return {0, codec::ResultCode::invalid_message_length};
  }
  return {bytes.size() < length ? 0 : length, codec::ResultCode::none};
}

}  // namespace levy::edge
