// Population: draws and session state.
// Core: load. Allocates: at start-up. Blocks: never. Clock: none.
#include "perf/load/population.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace levy::load {
namespace {

constexpr std::size_t draws_max = 64;     // per request, before the place stays empty
constexpr std::size_t prefetch_max = 32;  // subscribers fetched ahead at once

std::uint64_t splitmix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

constexpr std::uint64_t rotate_left(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

// An odd number near the golden section of n that shares no factor with it.
std::uint64_t stride_for(std::uint64_t n) {
  if (n < 3) return 1;
  auto stride = static_cast<std::uint64_t>(static_cast<double>(n) * 0.6180339887) | 1;
  while (std::gcd(stride, n) != 1) stride += 2;
  return stride % n;
}

}  // namespace

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) word = splitmix64(seed);
}

std::uint64_t Random::next() {
  const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

Zipf::Zipf(std::uint64_t n, double exponent)
    : n_(static_cast<double>(n)), exponent_(exponent) {
  low_ = integral(1.5) - 1.0;
  high_ = integral(n_ + 0.5);
  shortcut_ = 2.0 - integral_inverse(integral(2.5) - weight(2.0));
}

// Integral of x^-exponent; the exponent 1 is its limit.
double Zipf::integral(double x) const {
  const double k = 1.0 - exponent_;
  const double log_x = std::log(x);
  return std::abs(k * log_x) < 1e-8 ? log_x : std::expm1(k * log_x) / k;
}

double Zipf::integral_inverse(double y) const {
  const double k = 1.0 - exponent_;
  return std::exp(std::abs(k * y) < 1e-8 ? y : std::log1p(std::max(k * y, -1.0)) / k);
}

double Zipf::weight(double x) const { return std::exp(-exponent_ * std::log(x)); }

std::uint64_t Zipf::draw(Random& random) const {
  for (;;) {
    const double u = high_ + random.unit() * (low_ - high_);
    const double x = integral_inverse(u);
    const double k = std::clamp(std::floor(x + 0.5), 1.0, n_);
    if (k - x <= shortcut_ || u >= integral(k + 0.5) - weight(k)) {
      return static_cast<std::uint64_t>(k) - 1;
    }
  }
}

Population::Population(const Options& options, std::uint64_t salt)
    : shape_(options.shape), mix_(options.mix), random_(options.seed ^ (salt << 32)), salt_(salt),
      distribution_(options.distribution), cursor_(options.shape.connections, 0),
      subscribers_(options.shape.subscribers) {
  for (std::uint32_t c = 0; c < shape_.connections; ++c) {
    stride_.push_back(stride_for(count_of(c)));
    if (distribution_ == Distribution::zipf) zipf_.emplace_back(count_of(c), options.zipf_exponent);
  }
  const double total = mix_.total();
  open_share_ = options.preopen_auto
                    ? static_cast<double>(mix_.update + mix_.termination) / total
                    : static_cast<double>(options.preopen) / shape_.subscribers;
}

std::uint64_t Population::count_of(std::uint32_t connection) const {
  return (shape_.subscribers - connection + shape_.connections - 1) / shape_.connections;
}

std::uint32_t Population::subscriber_at(std::uint32_t connection, std::uint64_t rank) const {
  const std::uint64_t place = rank * stride_[connection] % count_of(connection);
  return static_cast<std::uint32_t>(place * shape_.connections + connection);
}

void Population::begin(Phase phase) {
  phase_ = phase;
  std::fill(cursor_.begin(), cursor_.end(), 0);
}

bool Population::exhausted(std::uint32_t connection) const {
  return phase_ != Phase::steady && cursor_[connection] >= count_of(connection);
}

std::size_t Population::draw(std::uint32_t connection, std::size_t room, Request* requests) {
  return phase_ == Phase::steady ? draw_steady(connection, room, requests)
                                 : draw_walk(connection, room, requests);
}

Request Population::make(std::uint32_t subscriber) {
  Subscriber& s = subscribers_[subscriber];
  Request request;
  request.subscriber = subscriber;
  s.busy = 1;
  const std::uint64_t weights = mix_.update + (mix_.termination > 0 ? mix_.termination
                                                                    : mix_.initial);
  const bool closing = phase_ == Phase::closing || s.terminate != 0;
  if (s.open != 0 && !closing && random_.below(std::max<std::uint64_t>(weights, 1)) < mix_.update) {
    request.type = RequestType::update;
  } else if (s.open != 0 && (closing || mix_.termination > 0)) {
    request.type = RequestType::termination;
  } else {
    request.type = RequestType::initial;  // over an open session: it supersedes that one
    ++s.generation;
    s.number = 0;
    s.granted_mask = 0;
  }
  request.generation = s.generation;
  request.number = s.number++;
  request.used_mask = s.granted_mask;
  return request;
}

std::size_t Population::draw_steady(std::uint32_t connection, std::size_t room,
                                    Request* requests) {
  const std::uint64_t count = count_of(connection);
  const bool may_open = mix_.initial > 0;
  std::array<std::uint32_t, prefetch_max> drawn;
  std::size_t made = 0, tries = room * draws_max;
  while (made < room && tries > 0) {
    const std::size_t batch = std::min({room - made, prefetch_max, tries});
    for (std::size_t i = 0; i < batch; ++i) {
      const std::uint64_t rank = distribution_ == Distribution::zipf
                                     ? zipf_[connection].draw(random_)
                                     : random_.below(count);
      drawn[i] = subscriber_at(connection, rank);
      __builtin_prefetch(&subscribers_[drawn[i]], 1);
    }
    tries -= batch;
    for (std::size_t i = 0; i < batch; ++i) {
      const Subscriber& s = subscribers_[drawn[i]];
      if (s.busy != 0 || (s.open == 0 && !may_open)) {
        ++busy_draws_;
        continue;
      }
      requests[made++] = make(drawn[i]);
    }
  }
  return made;
}

// Opening: every subscriber once, the share chosen by a hash. Closing: every open session.
std::size_t Population::draw_walk(std::uint32_t connection, std::size_t room, Request* requests) {
  const std::uint64_t count = count_of(connection);
  std::uint64_t& cursor = cursor_[connection];
  std::size_t made = 0;
  while (made < room && cursor < count) {
    const std::uint32_t subscriber = subscriber_at(connection, cursor++);
    const Subscriber& s = subscribers_[subscriber];
    if (s.busy != 0) continue;
    if (phase_ == Phase::opening) {
      std::uint64_t hash = subscriber ^ (salt_ << 32);
      const double place = static_cast<double>(splitmix64(hash) >> 11) * 0x1.0p-53;
      if (s.open != 0 || place >= open_share_) continue;
    } else if (s.open == 0) {
      continue;
    }
    requests[made++] = make(subscriber);
  }
  return made;
}

void Population::answered(const Request& request, const AnswerFacts& facts) {
  Subscriber& s = subscribers_[request.subscriber];
  s.busy = 0;
  s.granted_mask = facts.granted_mask;
  // A session is open after a successful CCR-I; it is gone after a CCR-T, a refused CCR-I, and when
  // the server does not know it (5002).
  const bool success = facts.result / 1000 == 2;
  bool open = s.open != 0;
  if (request.type == RequestType::initial) open = success;
  if (request.type == RequestType::termination || facts.result == 5002) open = false;
  if (open != (s.open != 0)) open_sessions_ += open ? 1 : std::uint64_t(-1);
  s.open = open ? 1 : 0;
  if (!open) s.terminate = 0;
}

void Population::must_terminate(std::uint32_t subscriber, std::uint32_t generation) {
  if (subscriber >= subscribers_.size()) return;
  Subscriber& s = subscribers_[subscriber];
  if (s.open != 0 && s.generation == generation) s.terminate = 1;
}

}  // namespace levy::load
