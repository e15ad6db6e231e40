// Segments: a journal of one segment in memory, which a feed can follow.
// Core: test, benchmark. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "engine/journal/block.hpp"
#include "engine/journal/segment_store.hpp"

namespace levy::feed {

// One segment in memory, block by block.
class Segments final : public journal::SegmentStore {
 public:
  static constexpr std::uint64_t node = 7;

  explicit Segments(std::size_t bytes = 1 << 20) : bytes_(bytes) {}
  void add(const std::vector<std::vector<std::uint8_t>>& records, Lsn first) {
    std::size_t payload = 0;
    for (const auto& r : records) payload += journal::framed_bytes(r.size());
    std::vector<std::byte> block(journal::block_bytes(payload));
    std::size_t at = journal::header_bytes;
    for (const auto& r : records) {
      const auto length = static_cast<std::uint32_t>(r.size());
      std::memcpy(block.data() + at, &length, sizeof length);
      std::memcpy(block.data() + at + sizeof length, r.data(), r.size());
      at += journal::framed_bytes(r.size());
    }
    journal::BlockHeader h;
    h.node_id = node;
    h.first_lsn = first.value;
    h.durable_lsn = first.value - 1;
    h.epoch = 1;
    h.record_count = static_cast<std::uint32_t>(records.size());
    h.payload_bytes = static_cast<std::uint32_t>(payload);
    h.previous_crc = crc_;
    h.segment = 1;
    h.position = static_cast<std::uint32_t>(used_ / journal::block_unit);
    crc_ = journal::seal_block(block, h);
    std::copy(block.begin(), block.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ += block.size();
  }
  journal::Failure list(std::vector<journal::SegmentEntry>& segments) override {
    segments = {{1, bytes_.size()}};
    return {};
  }
  journal::Failure read(std::uint32_t, std::uint64_t offset, std::span<std::byte> into) override {
    std::memcpy(into.data(), bytes_.data() + offset, into.size());
    return {};
  }
  journal::Failure prepare(std::uint32_t, std::uint64_t, std::uint64_t, bool&,
                           journal::ReadySegment&) override {
    return {1, "read only"};
  }
  journal::Failure write_now(std::uint32_t, std::uint64_t, std::span<const std::byte>) override {
    return {1, "read only"};
  }
  journal::Failure sync(std::uint32_t) override { return {}; }
  void release(const journal::ReadySegment&) override {}
  journal::Failure remove(std::uint32_t) override { return {1, "read only"}; }
  std::string name(std::uint32_t) const override { return "segment"; }

 private:
  std::vector<std::byte> bytes_;
  std::size_t used_ = 0;
  std::uint32_t crc_ = 0;
};

}  // namespace levy::feed
