// Population: the subscribers, their sessions, and who sends what next.
// Core: load. Allocates: at start-up. Blocks: never. Clock: none.
//
// A subscriber has at most one request outstanding. One that is drawn while busy is passed over
// and another is drawn; at most `draws_max` times, then the place stays empty for this turn.
// The state decides the type: no session: CCR-I; a session: CCR-T with probability T/(U+T), else
// CCR-U. In the steady state the mix comes out as asked, sessions being geometrically long.
#pragma once

#include <cstdint>
#include <vector>

#include "perf/load/answer.hpp"
#include "perf/load/options.hpp"
#include "perf/load/request.hpp"

namespace levy::load {

// xoshiro256**, seeded by splitmix64: a few cycles a number, good enough for draws.
class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t next();
  // Uniform in [0, bound), bound > 0; the bias is below 2^-32 for the bounds used here.
  std::uint64_t below(std::uint64_t bound) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
  }
  // Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_[4];
};

// Zipf over ranks 0..n-1 with weight (rank+1)^-exponent, by rejection-inversion (Hoermann and
// Derflinger 1996): exact, without a table.
class Zipf {
 public:
  Zipf(std::uint64_t n, double exponent);
  std::uint64_t draw(Random& random) const;

 private:
  double integral(double x) const;
  double integral_inverse(double y) const;
  double weight(double x) const;
  double n_ = 1, exponent_ = 1, low_ = 0, high_ = 0, shortcut_ = 0;
};

enum class Phase : std::uint8_t { opening, steady, closing };

class Population {
 public:
  Population(const Options& options, std::uint64_t salt);

  void begin(Phase phase);
  // The next requests of a connection, at most `room`; returns how many. They are marked busy.
  std::size_t draw(std::uint32_t connection, std::size_t room, Request* requests);
  // The opening or closing has nothing more for this connection.
  bool exhausted(std::uint32_t connection) const;
  // Settles the subscriber's state by the answer.
  void answered(const Request& request, const AnswerFacts& facts);
  // The request will not be answered.
  void abandoned(const Request& request) { subscribers_[request.subscriber].busy = 0; }
  // The server ended the session (ASR): the next request is a CCR-T.
  void must_terminate(std::uint32_t subscriber, std::uint32_t generation);

  std::uint64_t open_sessions() const { return open_sessions_; }
  std::uint64_t busy_draws() const { return busy_draws_; }

 private:
  struct Subscriber {
    std::uint32_t generation = 0;
    std::uint32_t number = 0;  // of the next request
    std::uint8_t granted_mask = 0;
    std::uint8_t open : 1 = 0, busy : 1 = 0, terminate : 1 = 0;
  };

  std::uint64_t count_of(std::uint32_t connection) const;
  std::uint32_t subscriber_at(std::uint32_t connection, std::uint64_t rank) const;
  Request make(std::uint32_t subscriber);
  std::size_t draw_steady(std::uint32_t connection, std::size_t room, Request* requests);
  std::size_t draw_walk(std::uint32_t connection, std::size_t room, Request* requests);

  Shape shape_;
  Mix mix_;
  Random random_;
  std::uint64_t salt_;
  Distribution distribution_;
  std::vector<Zipf> zipf_;            // one per connection: their counts differ by one
  std::vector<std::uint64_t> stride_; // scatters ranks over a connection's subscribers
  std::vector<std::uint64_t> cursor_; // of the walk in opening and closing
  std::vector<Subscriber> subscribers_;
  double open_share_ = 0;             // of the opening
  Phase phase_ = Phase::steady;
  std::uint64_t open_sessions_ = 0, busy_draws_ = 0;
};

}  // namespace levy::load
