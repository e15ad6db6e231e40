// SegmentFiles: see segment_files.hpp.
// Core: control. Allocates: yes. Blocks: on the disk. Clock: none.
#include "engine/journal/segment_files.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "config/limits.hpp"
#include "engine/base/check.hpp"

namespace levy::journal {

namespace {

constexpr std::string_view suffix = ".seg";
constexpr std::string_view unfinished_suffix = ".new";
constexpr std::size_t digits = 16;

std::string file_name(std::uint32_t sequence, std::string_view ending) {
  char text[40];
  std::snprintf(text, sizeof text, "%016x%.*s", sequence, static_cast<int>(ending.size()),
                ending.data());
  return text;
}

}  // namespace

void SegmentFiles::FreeMemory::operator()(std::byte* p) const { std::free(p); }

SegmentFiles::SegmentFiles(std::string directory) : directory_(std::move(directory)) {}

SegmentFiles::~SegmentFiles() {
  for (const std::uint32_t descriptor : handed_out_) disk::File(static_cast<int>(descriptor));
}

std::string SegmentFiles::name(std::uint32_t sequence) const {
  return directory_ + "/" + file_name(sequence, suffix);
}

std::string SegmentFiles::unfinished(std::uint32_t sequence) const {
  return directory_ + "/" + file_name(sequence, unfinished_suffix);
}

Failure SegmentFiles::open_for_writing() {
  std::vector<std::string> names;
  if (Failure failure = disk::list(directory_, names)) return failure;
  for (const std::string& found : names) {
    if (!found.ends_with(unfinished_suffix)) continue;
    if (Failure failure = disk::remove_durably(directory_, found)) return failure;
  }
  const std::string probe = unfinished(0);
  disk::File file;
  Failure direct = disk::open_new(probe, disk::Caching::direct_synced, file);
  if (direct && direct.error != EINVAL) return direct;  // EINVAL: tmpfs and the like
  direct_ = !direct;
  if (!zeros_) {
    zeros_.reset(static_cast<std::byte*>(
        std::aligned_alloc(limits::journal_block_bytes, zeros_bytes)));
    LEVY_CHECK(zeros_ != nullptr);
    std::memset(zeros_.get(), 0, zeros_bytes);
  }
  return disk::remove_durably(directory_, file_name(0, unfinished_suffix));
}

Failure SegmentFiles::list(std::vector<SegmentEntry>& segments) {
  segments.clear();
  std::vector<std::string> names;
  if (Failure failure = disk::list(directory_, names)) return failure;
  for (const std::string& found : names) {
    if (!found.ends_with(suffix)) continue;
    std::uint64_t sequence = 0;
    const char* end = found.data() + found.size() - suffix.size();
    const auto [stop, error] = std::from_chars(found.data(), end, sequence, 16);
    if (found.size() != digits + suffix.size() || error != std::errc{} || stop != end ||
        sequence == 0 || sequence > UINT32_MAX) {
      return {EINVAL, directory_ + "/" + found + ": not the name of a segment"};
    }
    disk::File file;
    std::uint64_t bytes = 0;
    const std::string path = directory_ + "/" + found;
    if (Failure failure = disk::open_read(path, file)) return failure;
    if (Failure failure = disk::size_of(file, path, bytes)) return failure;
    segments.push_back({static_cast<std::uint32_t>(sequence), bytes});
  }
  return {};
}

Failure SegmentFiles::read(std::uint32_t sequence, std::uint64_t offset,
                           std::span<std::byte> into) {
  if (!reading_ || reading_sequence_ != sequence) {
    reading_.close();
    if (Failure failure = disk::open_read(name(sequence), reading_)) return failure;
    reading_sequence_ = sequence;
  }
  return disk::read_at(reading_, name(sequence), offset, into);
}

Failure SegmentFiles::prepare(std::uint32_t sequence, std::uint64_t bytes,
                              std::uint64_t step_bytes, bool& done, ReadySegment& ready) {
  LEVY_CHECK(zeros_ != nullptr);
  LEVY_CHECK(!making_ || making_sequence_ == sequence, making_sequence_, sequence);
  done = false;
  Failure failure = prepare_step(sequence, bytes, step_bytes, done, ready);
  if (!failure) return {};
  making_.close();
  made_ = 0;
  const Failure removed =
      disk::remove_durably(directory_, file_name(sequence, unfinished_suffix));
  if (removed) failure.text += "; " + removed.text;
  return failure;
}

Failure SegmentFiles::prepare_step(std::uint32_t sequence, std::uint64_t bytes,
                                   std::uint64_t step_bytes, bool& done, ReadySegment& ready) {
  const std::string path = unfinished(sequence);
  if (!making_) {
    const auto caching = direct_ ? disk::Caching::direct : disk::Caching::page_cache;
    if (Failure failure = disk::open_new(path, caching, making_)) return failure;
    making_sequence_ = sequence;
    made_ = 0;
    if (Failure failure = disk::reserve(making_, path, bytes)) return failure;
  }
  for (std::uint64_t left = std::min(step_bytes, bytes - made_); left > 0;) {
    const std::uint64_t part = std::min<std::uint64_t>(left, zeros_bytes);
    if (Failure failure = disk::write_at(making_, path, made_,
                                         {zeros_.get(), static_cast<std::size_t>(part)})) {
      return failure;
    }
    made_ += part;
    left -= part;
  }
  if (made_ < bytes) return {};
  if (Failure failure = disk::sync(making_, path)) return failure;
  if (Failure failure = disk::rename_durably(directory_, file_name(sequence, unfinished_suffix),
                                             file_name(sequence, suffix))) {
    return failure;
  }
  making_.close();
  made_ = 0;
  disk::File file;
  const auto caching = direct_ ? disk::Caching::direct_synced : disk::Caching::synced;
  if (Failure failure = disk::open_write(name(sequence), caching, file)) {
    const Failure removed = remove(sequence);  // so that the next try begins anew
    if (removed) failure.text += "; " + removed.text;
    return failure;
  }
  const auto descriptor = static_cast<std::uint32_t>(file.release());
  handed_out_.push_back(descriptor);
  ready = {sequence, descriptor, bytes};
  done = true;
  return {};
}

Failure SegmentFiles::write_now(std::uint32_t sequence, std::uint64_t offset,
                                std::span<const std::byte> bytes) {
  disk::File file;
  const auto caching = direct_ ? disk::Caching::direct_synced : disk::Caching::synced;
  if (Failure failure = disk::open_write(name(sequence), caching, file)) return failure;
  return disk::write_at(file, name(sequence), offset, bytes);
}

Failure SegmentFiles::sync(std::uint32_t sequence) {
  disk::File file;
  if (Failure failure = disk::open_write(name(sequence), disk::Caching::page_cache, file)) {
    return failure;
  }
  return disk::sync(file, name(sequence));
}

void SegmentFiles::release(const ReadySegment& segment) {
  const auto found = std::find(handed_out_.begin(), handed_out_.end(), segment.file);
  LEVY_CHECK(found != handed_out_.end(), segment.file, segment.sequence);
  handed_out_.erase(found);
  disk::File(static_cast<int>(segment.file)).close();
}

Failure SegmentFiles::remove(std::uint32_t sequence) {
  if (reading_sequence_ == sequence) reading_.close();
  return disk::remove_durably(directory_, file_name(sequence, suffix));
}

}  // namespace levy::journal
