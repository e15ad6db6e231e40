// SimDisk: a disk in memory that forgets, tears, reorders, rots and fills up, under one seed.
// Core: the simulator's only thread. Allocates: yes. Blocks: never. Clock: none.
//
// It is the Storage of a Journal and, through the SegmentStore interface, what recovery and the
// keeper work on, so the simulator runs the very code of the daemon.
//
// Invariants: a write whose completion was polled is on the disk for good; any other write is,
// after crash(), absent, whole or torn at 512-byte sectors, each write for itself. A seed repeats
// everything. Memory handed to submit() must stay untouched until its completion: checked.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.hpp"
#include "engine/base/crc32c.hpp"
#include "engine/journal/segment_store.hpp"
#include "engine/world.hpp"

namespace levy::sim {

struct SimDiskOptions {
  std::size_t queue_max = 64;           // writes taken before submit() refuses
  std::uint32_t complete_percent = 40;  // chance of each pending write to finish at a poll
  std::uint64_t space_bytes = UINT64_MAX;  // of all segments together: beyond is ENOSPC
  // The planted bug for proving checkers: completions are reported before the bytes are there.
  bool lies_about_completion = false;
};

class SimDisk final : public journal::SegmentStore {
 public:
  static constexpr std::size_t sector = 512;

  explicit SimDisk(std::uint64_t seed, const SimDiskOptions& options = {})
      : random_(seed), options_(options) {}

  // ---- Storage -----------------------------------------------------------------------------
  bool submit(std::uint32_t file, std::uint64_t offset, std::span<const std::byte> bytes,
              std::uint64_t tag) {
    if (pending_.size() + lies_.size() >= options_.queue_max) return false;
    LEVY_CHECK(open_.contains(file), file);
    const std::uint32_t sequence = open_.at(file);
    LEVY_CHECK(offset % 4096 == 0 && bytes.size() % 4096 == 0 && !bytes.empty(), offset,
               bytes.size());
    LEVY_CHECK(reinterpret_cast<std::uintptr_t>(bytes.data()) % 4096 == 0);
    LEVY_CHECK(offset + bytes.size() <= segments_.at(sequence).size(), offset, bytes.size());
    for (const Write& other : pending_) {
      LEVY_CHECK(other.sequence != sequence || offset >= other.offset + other.copy.size() ||
                     other.offset >= offset + bytes.size(),
                 offset, other.offset);
    }
    Write write{sequence, offset, bytes, {bytes.begin(), bytes.end()}, tag};
    if (options_.lies_about_completion) lies_.push_back(tag);
    pending_.push_back(std::move(write));
    ++writes_;
    return true;
  }

  std::size_t poll(StorageCompletion* completions, std::size_t count_max) {
    std::size_t count = 0;
    while (!lies_.empty() && count < count_max) {
      completions[count++] = {lies_.back(), 0};
      lies_.pop_back();
    }
    std::vector<std::size_t> order(pending_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random_);
    std::vector<bool> finished(pending_.size());
    for (const std::size_t i : order) {
      if (count >= count_max) break;
      if (!chance(options_.complete_percent)) continue;
      finished[i] = true;
      const int error = finish(pending_[i]);
      if (!options_.lies_about_completion) completions[count++] = {pending_[i].tag, error};
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      if (finished[i]) continue;
      if (kept != i) pending_[kept] = std::move(pending_[i]);
      ++kept;
    }
    pending_.resize(kept);
    return count;
  }

  // ---- faults ------------------------------------------------------------------------------
  // The power goes: unfinished writes are lost, done or torn; open files are closed; segments half
  // prepared are gone. Writes after power_off_after() count as unfinished too.
  void crash() {
    std::shuffle(pending_.begin(), pending_.end(), random_);
    for (const Write& write : pending_) tear(write.sequence, write.offset, write.copy);
    pending_.clear();
    lies_.clear();
    open_.clear();
    preparing_ = 0;
    power_left_ = UINT64_MAX;
  }
  // The n-th slow operation from now on (write_now, prepare, remove) fails, the failing write_now
  // torn, and all after it, until crash().
  void power_off_after(std::uint64_t operations) { power_left_ = operations; }
  // The next `count` writes that finish do so with `error`, nothing or a part of them written.
  void fail_writes(std::uint32_t count, int error) {
    failing_ = count;
    failing_error_ = error;
  }
  void set_space(std::uint64_t bytes) { options_.space_bytes = bytes; }
  void flip_bit(std::uint32_t sequence, std::uint64_t offset, unsigned bit) {
    segments_.at(sequence).at(offset) ^= static_cast<std::byte>(1u << (bit & 7));
  }
  // The bytes of a segment as they lie, for tests that build damage by hand.
  std::vector<std::byte>& raw(std::uint32_t sequence) { return segments_.at(sequence); }
  void put(std::uint32_t sequence, std::vector<std::byte> bytes) {
    segments_[sequence] = std::move(bytes);
  }
  bool exists(std::uint32_t sequence) const { return segments_.contains(sequence); }
  std::size_t pending() const { return pending_.size(); }
  std::uint64_t writes() const { return writes_; }
  std::size_t segment_count() const { return segments_.size(); }

  // ---- SegmentStore ------------------------------------------------------------------------
  journal::Failure list(std::vector<journal::SegmentEntry>& segments) override {
    segments.clear();
    for (const auto& [sequence, bytes] : segments_) segments.push_back({sequence, bytes.size()});
    return {};
  }

  journal::Failure read(std::uint32_t sequence, std::uint64_t offset,
                        std::span<std::byte> into) override {
    const auto found = segments_.find(sequence);
    if (found == segments_.end() || offset + into.size() > found->second.size()) {
      return {EIO, name(sequence) + ": short read"};
    }
    std::memcpy(into.data(), found->second.data() + offset, into.size());
    return {};
  }

  journal::Failure prepare(std::uint32_t sequence, std::uint64_t bytes, std::uint64_t step_bytes,
                           bool& done, journal::ReadySegment& ready) override {
    done = false;
    if (!powered()) return {EIO, name(sequence) + ": power is off"};
    std::uint64_t total = bytes;
    for (const auto& [other, content] : segments_) total += content.size();
    if (total > options_.space_bytes) {
      preparing_ = 0;
      return {ENOSPC, name(sequence) + ": no space"};
    }
    LEVY_CHECK(!segments_.contains(sequence), sequence);
    preparing_ += std::min(step_bytes, bytes - preparing_);
    if (preparing_ < bytes) return {};
    preparing_ = 0;
    segments_[sequence].assign(bytes, std::byte{0});
    open_[next_file_] = sequence;
    ready = {sequence, next_file_++, bytes};
    done = true;
    return {};
  }

  journal::Failure write_now(std::uint32_t sequence, std::uint64_t offset,
                             std::span<const std::byte> bytes) override {
    if (power_left_ == 0) return {EIO, name(sequence) + ": power is off"};
    if (!powered()) {
      tear(sequence, offset, bytes);
      return {EIO, name(sequence) + ": power is off"};
    }
    std::copy(bytes.begin(), bytes.end(), segments_.at(sequence).begin() + at(offset));
    return {};
  }

  journal::Failure sync(std::uint32_t sequence) override {
    if (!segments_.contains(sequence)) return {ENOENT, name(sequence)};
    return {};
  }
  void release(const journal::ReadySegment& segment) override { open_.erase(segment.file); }
  journal::Failure remove(std::uint32_t sequence) override {
    if (!powered()) return {EIO, name(sequence) + ": power is off"};
    segments_.erase(sequence);
    return {};
  }
  std::string name(std::uint32_t sequence) const override {
    return "segment " + std::to_string(sequence);
  }

 private:
  struct Write {
    std::uint32_t sequence = 0;
    std::uint64_t offset = 0;
    std::span<const std::byte> given;
    std::vector<std::byte> copy;
    std::uint64_t tag = 0;
  };

  static std::ptrdiff_t at(std::uint64_t offset) { return static_cast<std::ptrdiff_t>(offset); }
  bool chance(std::uint32_t percent) { return random_() % 100 < percent; }
  // Counts one slow operation; false when it is the one during which the power goes, or later.
  bool powered() {
    if (power_left_ == 0) return false;
    if (power_left_ != UINT64_MAX) --power_left_;
    return power_left_ != 0;
  }

  int finish(const Write& write) {
    LEVY_CHECK(options_.lies_about_completion ||
                   std::equal(write.given.begin(), write.given.end(), write.copy.begin()),
               write.tag);
    if (failing_ > 0) {
      --failing_;
      tear(write.sequence, write.offset, write.copy);
      return failing_error_;
    }
    std::copy(write.copy.begin(), write.copy.end(),
              segments_.at(write.sequence).begin() + at(write.offset));
    return 0;
  }

  // Nothing, everything, or any set of sectors.
  void tear(std::uint32_t sequence, std::uint64_t offset, std::span<const std::byte> bytes) {
    const auto found = segments_.find(sequence);
    if (found == segments_.end()) return;
    const std::uint32_t kind = static_cast<std::uint32_t>(random_() % 4);
    const std::uint32_t percent = kind == 0 ? 0 : kind == 1 ? 100 : 10 + 80 * (kind - 2);
    for (std::size_t from = 0; from < bytes.size(); from += sector) {
      if (!chance(percent)) continue;
      const std::span<const std::byte> part = bytes.subspan(from, sector);
      std::copy(part.begin(), part.end(), found->second.begin() + at(offset + from));
    }
  }

  std::mt19937_64 random_;
  SimDiskOptions options_;
  std::map<std::uint32_t, std::vector<std::byte>> segments_;
  std::map<std::uint32_t, std::uint32_t> open_;  // file -> sequence
  std::vector<Write> pending_;
  std::vector<std::uint64_t> lies_;
  std::uint64_t preparing_ = 0;
  std::uint64_t power_left_ = UINT64_MAX;
  std::uint64_t writes_ = 0;
  std::uint32_t next_file_ = 1000;
  std::uint32_t failing_ = 0;
  int failing_error_ = 0;
};

static_assert(Storage<SimDisk>);

}  // namespace levy::sim
