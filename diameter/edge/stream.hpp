// ReceiveStream and SendStream: the two byte buffers of one connection.
// Core: edge. Allocates: never (the memory is the edge's arena). Blocks: never. Clock: none.
//
// Invariants: the unread bytes lie in [begin, end) and the frames of [begin, scanned) were judged
// once: each is either parked for the application or marked as done. A message's version byte is
// always 1 after judgement, so 0 in our own copy is the mark.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "diameter/codec/error.hpp"
#include "diameter/codec/header.hpp"

namespace levy::edge {

class ReceiveStream {
 public:
  void reset(std::uint8_t* memory, std::size_t size) {
    memory_ = memory;
    size_ = size;
    clear();
  }
  void clear() { begin_ = scanned_ = end_ = 0; }

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
  void received(std::size_t bytes) { end_ += bytes; }

  // The frame at the front that was judged already (parked or done); empty when there is none.
  std::span<std::uint8_t> judged() const {
    if (begin_ == scanned_) return {};
    return {memory_ + begin_, codec::load24(memory_ + begin_ + 1)};
  }
  void drop_judged(std::size_t bytes) { begin_ += bytes; }

  // What is received behind the judged frames.
  std::span<std::uint8_t> unjudged() const { return {memory_ + scanned_, end_ - scanned_}; }
  // The frame at the front of unjudged() is judged: `parked` for the application, or done.
  void judge(std::size_t bytes, bool parked) {
    if (begin_ == scanned_ && !parked) {
      begin_ += bytes;
    } else if (!parked) {
      memory_[scanned_] = 0;
    }
    scanned_ += bytes;
  }

  std::size_t unread() const { return end_ - begin_; }
  std::size_t parked_bytes() const { return scanned_ - begin_; }

 private:
  std::uint8_t* memory_ = nullptr;
  std::size_t size_ = 0;
  std::size_t begin_ = 0;
  std::size_t scanned_ = 0;
  std::size_t end_ = 0;
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
