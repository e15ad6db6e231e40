// Generator: drives the connections: what to send when, what came back, what it took.
// Core: load. Allocates: at start-up (and for repeats waiting). Blocks: never in a phase, it spins.
// Clock: CLOCK_MONOTONIC once per turn.
//
// Latency runs from the intended send time to the turn in which recv returned the answer. In the
// closed loop the intended time is the time of sending; in the open loop it is the schedule's, and
// a request that had to wait is late from its intended time on (no coordinated omission).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "perf/load/answer.hpp"
#include "perf/load/ccr.hpp"
#include "perf/load/connection.hpp"
#include "perf/load/histogram.hpp"
#include "perf/load/ledger.hpp"
#include "perf/load/options.hpp"
#include "perf/load/population.hpp"

namespace levy::load {

// One second (about) of the measurement.
struct Second {
  double at_s = 0;
  std::uint64_t answers = 0, p50_ns = 0, p99_ns = 0, max_ns = 0;
};

struct Results {
  Histogram latency;   // from the intended send time
  Histogram service;   // from the actual send time; the same in the closed loop
  Tally tally;         // the whole run, opening and warm-up included
  std::array<std::uint64_t, request_types> measured_sent{};
  std::uint64_t measured_answers = 0;  // that arrived before sending stopped
  double measured_s = 0;
  double opening_s = 0;
  std::uint64_t opened = 0;            // sessions open when the measurement began
  std::uint64_t busy_draws = 0;
  std::uint64_t resumed = 0;           // requests of the ledger that were repeated
  std::uint64_t unanswered_lost = 0;   // outstanding when the connection was lost
  bool lost = false;
  std::string fault;                   // could not run at all
  std::vector<Second> seconds;
  std::array<std::size_t, request_types> message_bytes{};
  double rate() const {
    return measured_s > 0 ? static_cast<double>(measured_answers) / measured_s : 0;
  }
};

class Generator {
 public:
  explicit Generator(const Options& options);
  ~Generator();
  // Everything: connect, open, warm up, measure, close, disconnect.
  const Results& run();

 private:
  struct Slot {
    Request request;
    std::uint32_t hop_by_hop = 0;
    bool active = false;
    std::uint8_t session_bytes = 0;
    std::int64_t intended_ns = 0, sent_ns = 0;
    AnswerFacts first;  // of a repeat: what the first answer said; result 0 = not known
    char session[168];
  };
  struct Waiting {
    Request request;
    AnswerFacts first;
  };
  struct Line {
    Connection connection;
    std::vector<Slot> slots;
    std::vector<std::uint32_t> free;
    std::vector<Waiting> repeats;
    std::vector<Request> resume;  // taken from the back
    std::size_t resume_at = 0;
    double next_due_ns = 0;
    std::uint32_t hop_by_hop_high = 0;
  };
  // What one phase is bounded by.
  struct Bounds {
    std::int64_t end_ns = 0;        // 0 = none
    std::uint64_t requests = ~std::uint64_t{0};
    std::size_t window = 0;         // in flight per connection, at most the slots there are
    bool measured = false;
    bool paced = false;
  };

  bool prepare();
  bool connect_all();
  // Requests in flight per connection outside the measurement.
  std::size_t opening_window_of(std::size_t slots) const;
  bool prepare_resume();
  void run_phase(Phase phase, const Bounds& bounds);
  void receive_ready(std::int64_t now);
  void receive_from(Line& line, std::int64_t now);
  void on_answer(Line& line, std::span<const std::uint8_t> message, std::int64_t now);
  void settle(Line& line, const Slot& slot, const AnswerFacts& facts);
  void on_server_request(Arrived what, std::span<const std::uint8_t> message);
  void fill(std::uint32_t connection, std::int64_t now, const Bounds& bounds);
  std::size_t due(Line& line, std::size_t room, std::int64_t now) const;
  std::size_t draw(std::uint32_t connection, std::size_t room, Request* requests);
  void send(std::uint32_t connection, const Request& request, const AnswerFacts& first,
            std::int64_t intended, std::int64_t now);
  void flush_all();
  bool finished(Phase phase, const Bounds& bounds, std::int64_t now) const;
  void give_up(bool lost);
  void tick(std::int64_t now, bool final_tick);

  Options options_;
  Results results_;
  AnswerCheck check_;
  CcrTemplates templates_;
  Ledger ledger_;
  Random random_;
  std::unique_ptr<Population> population_;  // none when resuming
  std::vector<std::unique_ptr<Line>> lines_;
  Socket epoll_;
  std::size_t in_flight_ = 0;
  std::size_t repeats_waiting_ = 0;
  std::uint64_t phase_sent_ = 0;
  bool measuring_ = false;
  bool sending_ = false;
  std::uint32_t end_to_end_ = 0;
  std::uint32_t event_time_ = 0;
  std::int64_t last_progress_ns_ = 0;
  std::int64_t measure_start_ns_ = 0, second_start_ns_ = 0;
  Histogram second_;
};

}  // namespace levy::load
