// journal_floor: what one synced write costs on this disk, bare, and what the Journal makes of it.
// Core: any. Allocates: yes. Blocks: yes. Clock: steady.
//
//   journal_floor [--dir D] [--rounds N] [--writes N] [--idle spin|yield]
//
// Rows alternate within a round, so that the drift of a shared machine hits all of them; printed
// are the medians over the rounds and the ratio to the bare write of the same round.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/check.hpp"
#include "engine/journal/file_storage.hpp"
#include "engine/journal/journal.hpp"
#include "engine/journal/segment_files.hpp"

namespace levy::journal {
namespace {

constexpr std::uint64_t segment_bytes = 64ull * 1024 * 1024;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct Sample {
  double p50_us = 0;
  double p99_us = 0;
  double per_second = 0;  // writes
};

Sample sample_of(std::vector<std::int64_t>& latencies, std::int64_t elapsed_ns) {
  std::sort(latencies.begin(), latencies.end());
  const auto at = [&](double q) {
    const auto index = static_cast<std::size_t>(q * static_cast<double>(latencies.size() - 1));
    return static_cast<double>(latencies[index]) / 1e3;
  };
  return {at(0.50), at(0.99),
          static_cast<double>(latencies.size()) * 1e9 / static_cast<double>(elapsed_ns)};
}

// What a poll that found nothing does: `yield` lets the kernel's workers have a shared core.
bool idle_yields = false;
void idle() {
  if (idle_yields) ::sched_yield();
}

// One pwrite after the other: the floor.
Sample bare(int file, const std::byte* bytes, std::size_t size, int writes) {
  std::vector<std::int64_t> latencies;
  std::uint64_t offset = 0;
  const std::int64_t begin = now_ns();
  for (int i = 0; i < writes; ++i) {
    const std::int64_t from = now_ns();
    const ssize_t put = ::pwrite(file, bytes, size, static_cast<off_t>(offset));
    LEVY_CHECK(put == static_cast<ssize_t>(size), put, size);
    latencies.push_back(now_ns() - from);
    offset += size;
    if (offset + size > segment_bytes) offset = 0;
  }
  return sample_of(latencies, now_ns() - begin);
}

// `in_flight` writes at once through a FileStorage, polled as the journal core does.
Sample stored(FileStorage& storage, std::uint32_t file, const std::byte* bytes, std::size_t size,
              int writes, int in_flight) {
  std::vector<std::int64_t> latencies;
  std::vector<std::int64_t> started(static_cast<std::size_t>(writes));
  std::uint64_t offset = 0;
  int submitted = 0;
  const std::int64_t begin = now_ns();
  while (static_cast<int>(latencies.size()) < writes) {
    while (submitted < writes && submitted - static_cast<int>(latencies.size()) < in_flight) {
      const auto tag = static_cast<std::uint64_t>(submitted);
      started[tag] = now_ns();
      if (!storage.submit(file, offset, {bytes, size}, tag)) break;
      ++submitted;
      offset += size;
      if (offset + size > segment_bytes) offset = 0;
    }
    StorageCompletion completions[16];
    const std::size_t count = storage.poll(completions, 16);
    if (count == 0) idle();
    for (std::size_t i = 0; i < count; ++i) {
      LEVY_CHECK(completions[i].error == 0, completions[i].error);
      latencies.push_back(now_ns() - started[completions[i].tag]);
    }
  }
  return sample_of(latencies, now_ns() - begin);
}

// One Record of 300 bytes, durable before the next: what a lone request waits for.
Sample journaled(FileStorage& storage, const ReadySegment& segment, int writes) {
  SegmentSupply supply;
  JournalStart start;
  start.epoch = 1;
  start.segment = segment;
  Journal<FileStorage> journal(storage, supply, start, {});
  const std::vector<std::byte> record(300, std::byte{7});
  std::vector<std::int64_t> latencies;
  const std::int64_t begin = now_ns();
  for (int i = 0; i < writes; ++i) {
    const std::int64_t from = now_ns();
    LEVY_CHECK(journal.room(record.size()), i);
    const Lsn lsn = journal.append(record);
    journal.flush();
    while (journal.durable() < lsn) {
      if (journal.poll() == 0) idle();
    }
    latencies.push_back(now_ns() - from);
  }
  return sample_of(latencies, now_ns() - begin);
}

struct Row {
  std::string name;
  std::size_t floor;  // index of the row it is compared to
  std::function<Sample()> run;
  std::vector<Sample> samples{};
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print(const std::vector<Row>& rows) {
  std::printf("%-36s %9s %9s %10s   p50 / floor (min..max)\n", "row", "p50 us", "p99 us",
              "writes/s");
  for (const Row& row : rows) {
    std::vector<double> p50, p99, rate, ratio;
    for (std::size_t i = 0; i < row.samples.size(); ++i) {
      p50.push_back(row.samples[i].p50_us);
      p99.push_back(row.samples[i].p99_us);
      rate.push_back(row.samples[i].per_second);
      ratio.push_back(row.samples[i].p50_us / rows[row.floor].samples[i].p50_us);
    }
    std::printf("%-36s %9.1f %9.1f %10.0f   %.2f (%.2f..%.2f)\n", row.name.c_str(), median(p50),
                median(p99), median(rate), median(ratio),
                *std::min_element(ratio.begin(), ratio.end()),
                *std::max_element(ratio.begin(), ratio.end()));
  }
}

struct Options {
  std::string directory = ".";
  int rounds = 5;
  int writes = 400;
};

int run(const Options& options) {
  std::string folder = options.directory + "/journal_floor_" + std::string(6, 'X');
  if (::mkdtemp(folder.data()) == nullptr) {
    std::perror(folder.c_str());
    return 1;
  }
  SegmentFiles files(folder);
  FileStorage ring;
  FileStorage thread;
  std::array<ReadySegment, 4> segments;
  Failure failure = files.open_for_writing();
  for (std::uint32_t i = 0; i < segments.size() && !failure; ++i) {
    bool done = false;
    failure = files.prepare(i + 1, segment_bytes, segment_bytes, done, segments[i]);
  }
  if (!failure) failure = ring.open({});
  if (!failure) failure = thread.open({WriteMode::thread, 16});
  if (failure) {
    std::fprintf(stderr, "%s\n", failure.text.c_str());
    return 1;
  }
  const std::string way = ring.mode() == WriteMode::io_uring ? "io_uring" : "thread (fallback)";
  std::printf("%s, %s, idle %s, %d rounds of %d writes\n",
              files.direct() ? "O_DIRECT|O_DSYNC" : "O_DSYNC", way.c_str(),
              idle_yields ? "yield" : "spin", options.rounds, options.writes);
  constexpr std::size_t large = 52 * 1024;
  const std::unique_ptr<std::byte, void (*)(void*)> memory(
      static_cast<std::byte*>(std::aligned_alloc(4096, 64 * 1024)), std::free);
  std::memset(memory.get(), 0x5a, 64 * 1024);
  const std::byte* bytes = memory.get();
  const int writes = options.writes;
  const int bare_file = static_cast<int>(segments[0].file);
  std::vector<Row> rows;
  rows.push_back({"bare pwrite 4 KiB", 0, [&] { return bare(bare_file, bytes, 4096, writes); }});
  for (FileStorage* storage : {&ring, &thread}) {
    const std::string name = storage == &ring ? way : "thread";
    rows.push_back({name + " 4 KiB, 1 in flight", 0, [=] {
                      return stored(*storage, segments[1].file, bytes, 4096, writes, 1);
                    }});
    rows.push_back({name + " 4 KiB, 8 in flight", 0, [=] {
                      return stored(*storage, segments[1].file, bytes, 4096, writes, 8);
                    }});
  }
  const std::size_t large_floor = rows.size();
  rows.push_back({"bare pwrite 52 KiB", large_floor,
                  [&] { return bare(bare_file, bytes, large, writes); }});
  for (FileStorage* storage : {&ring, &thread}) {
    const std::string name = storage == &ring ? way : "thread";
    for (const int depth : {1, 2, 4, 8}) {
      rows.push_back({name + " 52 KiB, " + std::to_string(depth) + " in flight", large_floor, [=] {
                        return stored(*storage, segments[1].file, bytes, large, writes, depth);
                      }});
    }
  }
  rows.push_back({"Journal, one Record, " + way, 0,
                  [&] { return journaled(ring, segments[2], writes); }});
  rows.push_back({"Journal, one Record, thread", 0,
                  [&] { return journaled(thread, segments[3], writes); }});
  for (int round = 0; round < options.rounds; ++round) {
    for (Row& row : rows) row.samples.push_back(row.run());
  }
  print(rows);
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace levy::journal

int main(int argc, char** argv) {
  levy::journal::Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    const bool known =
        name == "--dir" || name == "--rounds" || name == "--writes" || name == "--idle";
    if (!known || i + 1 == argc) {
      std::fprintf(stderr,
                   "usage: journal_floor [--dir D] [--rounds N] [--writes N] "
                   "[--idle spin|yield]\n");
      return 2;
    }
    if (name == "--dir") options.directory = argv[i + 1];
    if (name == "--rounds") options.rounds = std::atoi(argv[i + 1]);
    if (name == "--idle") levy::journal::idle_yields = std::strcmp(argv[i + 1], "yield") == 0;
    if (name == "--writes") options.writes = std::atoi(argv[i + 1]);
  }
  if (options.rounds < 1 || options.writes < 1 || options.writes > 10'000) {
    std::fprintf(stderr, "rounds: at least 1; writes: 1 to 10000\n");
    return 2;
  }
  return levy::journal::run(options);
}
