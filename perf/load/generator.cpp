// Generator: phases, pacing, sending, judging.
// Core: load. Allocates: at start-up. Blocks: never in a phase. Clock: once per turn.
#include "perf/load/generator.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "diameter/codec/avp.hpp"

namespace levy::load {
namespace {

constexpr std::uint32_t slot_bits = 16;
constexpr std::uint32_t slot_mask = (1u << slot_bits) - 1;
// Open loop: requests outstanding in all; what is due beyond waits, and its latency runs.
constexpr std::size_t open_loop_slots = 131'072;
constexpr std::size_t unsent_bytes_max = 256 * 1024;  // per connection, before filling pauses
// In flight while sessions are opened and closed, outside the measurement: with a window of 1 that
// would take longer than the measurement, with thousands a server rightly sheds.
constexpr std::size_t opening_window = 128;      // per connection, and
constexpr std::size_t opening_window_all = 512;  // over all connections
constexpr std::size_t draw_max = 128;            // requests made in one go
constexpr std::uint32_t epoll_from = 8;          // connections; below, plain recv is cheaper
constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::uint32_t seconds_1900_to_1970 = 2'208'988'800u;

std::int64_t now_ns() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * second_ns + t.tv_nsec;
}

std::uint32_t diameter_time() {
  timespec t;
  ::clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<std::uint32_t>(t.tv_sec) + seconds_1900_to_1970;
}

}  // namespace

Generator::Generator(const Options& options)
    : options_(options), check_(options, results_.tally), random_(options.seed * 7919 + 1) {}

Generator::~Generator() = default;

bool Generator::prepare() {
  const bool resuming = !options_.resume_file.empty();
  if (resuming && !prepare_resume()) return false;
  if (!connect_all()) return false;
  const std::string& file = resuming ? options_.resume_file : options_.ledger_file;
  if (!file.empty()) results_.fault = ledger_.open(file, options_.shape, resuming);
  if (!results_.fault.empty()) return false;
  if (!resuming) population_ = std::make_unique<Population>(options_, options_.shape.epoch);
  // Unique per Origin-Host for at least 4 minutes, also over a restart (RFC 6733 section 3).
  end_to_end_ = (options_.shape.epoch & 0xfff) << 20;
  event_time_ = diameter_time();
  return true;
}

bool Generator::prepare_resume() {
  Unanswered found;
  results_.fault = read_unanswered(options_.resume_file, found);
  if (!results_.fault.empty()) return false;
  options_.shape = found.shape;
  results_.resumed = found.requests.size();
  for (std::uint32_t c = 0; c < options_.shape.connections; ++c) {
    lines_.push_back(std::make_unique<Line>());
  }
  for (Request request : found.requests) {
    request.retransmit = options_.resume_flag != ResumeFlag::without_t;
    lines_[connection_of(options_.shape, request.subscriber)]->resume.push_back(request);
  }
  return true;
}

bool Generator::connect_all() {
  const std::uint32_t connections = options_.shape.connections;
  const std::size_t slots =
      options_.open_loop() ? std::clamp<std::size_t>(open_loop_slots / connections, 256, 65'536)
                           : std::max<std::size_t>(options_.window, opening_window);
  if (connections >= epoll_from) epoll_ = Socket(::epoll_create1(EPOLL_CLOEXEC));
  lines_.resize(connections);
  for (std::uint32_t c = 0; c < connections; ++c) {
    if (lines_[c] == nullptr) lines_[c] = std::make_unique<Line>();
    Line& line = *lines_[c];
    const std::string fault = line.connection.open(options_, c, options_.shape.epoch);
    if (!fault.empty()) {
      results_.fault = fmt::format("connection {}: {}", c + 1, fault);
      return false;
    }
    line.slots.resize(slots);
    for (std::size_t i = slots; i > 0; --i) line.free.push_back(static_cast<std::uint32_t>(i - 1));
    if (epoll_.is_open()) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u32 = c;
      if (::epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, line.connection.fd(), &event) != 0) {
        results_.fault = "epoll_ctl failed";
        return false;
      }
    }
  }
  const PeerIdentity& peer = lines_[0]->connection.peer();
  results_.fault =
      templates_.build(options_.shape, peer.origin_host, peer.origin_realm, options_.shape.epoch);
  for (std::size_t t = 0; t < request_types && results_.fault.empty(); ++t) {
    results_.message_bytes[t] = templates_.bytes_of(static_cast<RequestType>(t + 1));
  }
  return results_.fault.empty();
}

std::size_t Generator::opening_window_of(std::size_t slots) const {
  const std::size_t share = opening_window_all / options_.shape.connections;
  const std::size_t wanted = std::max<std::size_t>(options_.window, share);
  return std::clamp<std::size_t>(wanted, 1, std::min(slots, opening_window));
}

const Results& Generator::run() {
  if (!prepare()) return results_;
  const auto ns = [](double seconds) { return static_cast<std::int64_t>(seconds * 1e9); };
  const std::int64_t start = now_ns();
  const std::size_t slots = lines_[0]->slots.size();
  const std::size_t window = options_.open_loop() ? slots : options_.window;
  if (population_ != nullptr) {
    Bounds opening;
    opening.window = opening_window_of(slots);
    run_phase(Phase::opening, opening);
    results_.opening_s = static_cast<double>(now_ns() - start) / 1e9;
    results_.opened = population_->open_sessions();
    if (options_.warmup_s > 0 && !results_.lost) {
      Bounds warmup;
      warmup.end_ns = now_ns() + ns(options_.warmup_s);
      warmup.paced = options_.open_loop();
      warmup.window = window;
      run_phase(Phase::steady, warmup);
    }
  }
  if (!results_.lost) {
    Bounds bounds;
    bounds.measured = true;
    bounds.window = window;
    bounds.paced = population_ != nullptr && options_.open_loop();
    if (options_.requests > 0) {
      bounds.requests = options_.requests;
    } else if (population_ != nullptr) {
      bounds.end_ns = now_ns() + ns(options_.duration_s);
    }
    run_phase(Phase::steady, bounds);
  }
  if (population_ != nullptr) {
    results_.busy_draws = population_->busy_draws();
    if (options_.close_at_end && !results_.lost) {
      Bounds closing;
      closing.window = opening_window_of(slots);
      run_phase(Phase::closing, closing);
    }
  }
  for (auto& line : lines_) line->connection.close_politely();
  if (ledger_.is_open() && !ledger_.flush()) results_.fault = "the ledger cannot be written";
  return results_;
}

bool Generator::finished(Phase phase, const Bounds& bounds, std::int64_t now) const {
  if (bounds.end_ns != 0 && now >= bounds.end_ns) return true;
  if (phase_sent_ >= bounds.requests) return true;
  for (std::uint32_t c = 0; c < lines_.size(); ++c) {
    if (population_ == nullptr) {
      if (lines_[c]->resume_at < lines_[c]->resume.size()) return false;
    } else if (phase == Phase::steady || !population_->exhausted(c)) {
      return false;
    }
  }
  return true;
}

void Generator::run_phase(Phase phase, const Bounds& bounds) {
  std::int64_t now = now_ns();
  if (population_ != nullptr) population_->begin(phase);
  phase_sent_ = 0;
  sending_ = true;
  measuring_ = bounds.measured;
  last_progress_ns_ = now;
  measure_start_ns_ = second_start_ns_ = now;
  second_.clear();
  const double interval = bounds.paced ? 1e9 / options_.rate : 0;
  for (std::size_t c = 0; c < lines_.size(); ++c) {
    lines_[c]->next_due_ns = static_cast<double>(now) + interval * static_cast<double>(c);
  }
  const auto timeout = static_cast<std::int64_t>(options_.answer_timeout_s * 1e9);
  for (;;) {
    receive_ready(now);
    if (results_.lost) return give_up(true);
    if (sending_ && finished(phase, bounds, now)) {
      sending_ = false;
      if (measuring_) results_.measured_s = static_cast<double>(now - measure_start_ns_) / 1e9;
    }
    for (std::uint32_t c = 0; c < lines_.size(); ++c) fill(c, now, bounds);
    flush_all();
    if (results_.lost) return give_up(true);
    if (!sending_ && in_flight_ == 0 && repeats_waiting_ == 0) break;
    if (in_flight_ > 0 && now - last_progress_ns_ > timeout) {
      give_up(false);
      break;
    }
    now = now_ns();
    if (now - second_start_ns_ >= second_ns) tick(now, false);
  }
  if (measuring_) tick(now, true);
  measuring_ = false;
}

void Generator::give_up(bool lost) {
  if (measuring_ && sending_) {
    results_.measured_s = static_cast<double>(now_ns() - measure_start_ns_) / 1e9;
  }
  measuring_ = sending_ = false;
  for (auto& line : lines_) {
    for (std::uint32_t i = 0; i < line->slots.size(); ++i) {
      Slot& slot = line->slots[i];
      if (!slot.active) continue;
      slot.active = false;
      line->free.push_back(i);
      if (population_ != nullptr) population_->abandoned(slot.request);
      if (lost) {
        ++results_.unanswered_lost;
      } else {
        results_.tally.note(Unexpected::unanswered, {slot.session, slot.session_bytes},
                            slot.request.number);
      }
    }
    line->repeats.clear();
    if (lost) line->connection.drop();
  }
  in_flight_ = repeats_waiting_ = 0;
}

void Generator::receive_ready(std::int64_t now) {
  if (!epoll_.is_open()) {
    for (auto& line : lines_) receive_from(*line, now);
    return;
  }
  std::array<epoll_event, 64> events;
  const int ready = ::epoll_wait(epoll_.fd(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < ready; ++i) {
    receive_from(*lines_[events[static_cast<std::size_t>(i)].data.u32], now);
  }
}

void Generator::receive_from(Line& line, std::int64_t now) {
  if (!line.connection.receive()) {
    results_.lost = true;
    return;
  }
  std::span<const std::uint8_t> message;
  std::int64_t received = 0;  // stamped when there is something to stamp
  for (;;) {
    const Arrived what = line.connection.next(message);
    if (what == Arrived::nothing) return;
    if (received == 0) received = std::max(now, now_ns());
    last_progress_ns_ = received;
    if (what == Arrived::answer) {
      on_answer(line, message, received);
    } else if (what == Arrived::closed) {
      results_.lost = true;
      return;
    } else {
      on_server_request(what, message);
    }
  }
}

void Generator::on_server_request(Arrived what, std::span<const std::uint8_t> message) {
  if (what == Arrived::watchdog) ++results_.tally.watchdogs;
  if (what == Arrived::re_auth) ++results_.tally.re_auths;
  if (what != Arrived::abort) return;
  ++results_.tally.aborts;
  codec::AvpCursor cursor(message.subspan(codec::header_bytes));
  codec::Avp avp;
  SessionName name;
  while (cursor.next(avp)) {
    if (avp.is(263) && population_ != nullptr && parse_session_id(avp.text(), name)) {
      population_->must_terminate(static_cast<std::uint32_t>(name.subscriber),
                                  static_cast<std::uint32_t>(name.generation));
    }
  }
}

void Generator::on_answer(Line& line, std::span<const std::uint8_t> message, std::int64_t now) {
  const codec::Header header = codec::read_header(message);
  const std::uint32_t place = header.hop_by_hop & slot_mask;
  if (place >= line.slots.size() || !line.slots[place].active ||
      line.slots[place].hop_by_hop != header.hop_by_hop) {
    results_.tally.note(Unexpected::unknown_hop_by_hop, "", header.hop_by_hop);
    return;
  }
  Slot& slot = line.slots[place];
  AnswerFacts facts;
  if (options_.peer == PeerKind::diameter) {
    Expectation expected;
    expected.request = slot.request;
    expected.session_id = {slot.session, slot.session_bytes};
    expected.mscc = static_cast<std::uint8_t>(options_.shape.mscc);
    for (std::size_t i = 0; i < expected.mscc; ++i) {
      expected.rating_groups[i] = rating_group_of(options_.shape, slot.request.subscriber, i);
    }
    facts = check_.judge(message, expected);
  } else {
    facts.result = 2001;
    facts.granted_mask = 0xff;
  }
  ++results_.tally.answered[index_of(slot.request.type)];
  second_.record(now - slot.intended_ns);
  if (measuring_) {
    results_.latency.record(now - slot.intended_ns);
    results_.service.record(now - slot.sent_ns);
    if (sending_) ++results_.measured_answers;
  }
  if (ledger_.is_open()) {
    ledger_.answered(slot.request, {slot.session, slot.session_bytes}, facts);
  }
  slot.active = false;
  --in_flight_;
  line.free.push_back(place);
  settle(line, slot, facts);
}

// What follows an answer: a repeat of the same request, or the subscriber is free again.
void Generator::settle(Line& line, const Slot& slot, const AnswerFacts& facts) {
  const Request& request = slot.request;
  if (slot.first.result != 0 && !facts.same_verdict(slot.first)) {
    results_.tally.note(Unexpected::duplicate_differs, {slot.session, slot.session_bytes},
                        facts.result);
  }
  const bool resume_again = population_ == nullptr && slot.first.result == 0 && facts.result != 0 &&
                            options_.resume_flag == ResumeFlag::both;
  // A 3xxx is no verdict: the server did not take the request.
  const bool duplicate = !request.repeat && options_.duplicates_percent > 0 && facts.result != 0 &&
                         facts.result / 1000 != 3 &&
                         random_.unit() * 100 < options_.duplicates_percent;
  if (resume_again || duplicate) {
    Waiting waiting{request, facts};
    waiting.request.repeat = true;
    waiting.request.retransmit = duplicate;
    line.repeats.push_back(waiting);
    ++repeats_waiting_;
  } else if (population_ != nullptr) {
    population_->answered(request, facts);
  }
}

// How many requests of the schedule are due by now, at most `room`.
std::size_t Generator::due(Line& line, std::size_t room, std::int64_t now) const {
  const double interval = 1e9 / options_.rate * static_cast<double>(lines_.size());
  const double waiting = static_cast<double>(now) - line.next_due_ns;
  if (waiting < 0) return 0;
  if (options_.arrivals == Arrivals::poisson) return 1;  // the next gap is drawn when it is sent
  return std::min(room, static_cast<std::size_t>(waiting / interval) + 1);
}

std::size_t Generator::draw(std::uint32_t connection, std::size_t room, Request* requests) {
  if (population_ != nullptr) return population_->draw(connection, room, requests);
  Line& line = *lines_[connection];
  const std::size_t take = std::min(room, line.resume.size() - line.resume_at);
  std::copy_n(line.resume.begin() + static_cast<std::ptrdiff_t>(line.resume_at), take, requests);
  line.resume_at += take;
  return take;
}

void Generator::fill(std::uint32_t connection, std::int64_t now, const Bounds& bounds) {
  Line& line = *lines_[connection];
  const std::size_t taken = line.slots.size() - bounds.window;  // slots that this phase leaves
  while (!line.repeats.empty() && line.free.size() > taken) {
    const Waiting waiting = line.repeats.back();
    line.repeats.pop_back();
    --repeats_waiting_;
    send(connection, waiting.request, waiting.first, now, now);
  }
  if (!sending_) return;
  const double interval =
      bounds.paced ? 1e9 / options_.rate * static_cast<double>(lines_.size()) : 0;
  std::array<Request, draw_max> requests;
  while (line.free.size() > taken && line.connection.unsent() < unsent_bytes_max) {
    std::size_t room = std::min(line.free.size() - taken, draw_max);
    room = static_cast<std::size_t>(
        std::min<std::uint64_t>(room, bounds.requests - std::min(bounds.requests, phase_sent_)));
    if (bounds.paced) room = due(line, room, now);
    if (room == 0) return;
    const std::size_t made = draw(connection, room, requests.data());
    for (std::size_t i = 0; i < made; ++i) {
      Request& request = requests[i];
      if (!request.repeat) {
        request.end_to_end = end_to_end_++;
        request.event_time = event_time_;
      }
      std::int64_t intended = now;
      if (bounds.paced) {
        intended = static_cast<std::int64_t>(line.next_due_ns);
        line.next_due_ns += options_.arrivals == Arrivals::poisson
                                ? -std::log(1.0 - random_.unit()) * interval
                                : interval;
      }
      send(connection, request, AnswerFacts{}, intended, now);
    }
    if (made < room) return;
  }
}

void Generator::send(std::uint32_t connection, const Request& request, const AnswerFacts& first,
                     std::int64_t intended, std::int64_t now) {
  Line& line = *lines_[connection];
  const std::uint32_t place = line.free.back();
  line.free.pop_back();
  Slot& slot = line.slots[place];
  slot.request = request;
  slot.first = first;
  slot.active = true;
  slot.intended_ns = intended;
  slot.sent_ns = now;
  slot.hop_by_hop = (++line.hop_by_hop_high << slot_bits) | place;
  const std::uint32_t gateway = gateway_of(options_.shape, connection);
  std::uint8_t* out = line.connection.reserve(templates_.bytes_max());
  const std::size_t bytes = templates_.encode(request, gateway, slot.hop_by_hop, out);
  slot.session_bytes = static_cast<std::uint8_t>(templates_.session_id_bytes(gateway));
  std::memcpy(slot.session, out + CcrTemplates::session_id_offset, slot.session_bytes);
  line.connection.commit(bytes);
  if (in_flight_++ == 0) last_progress_ns_ = now;
  ++phase_sent_;
  ++results_.tally.sent[index_of(request.type)];
  if (request.repeat) ++results_.tally.repeats_sent;
  if (measuring_) ++results_.measured_sent[index_of(request.type)];
  if (ledger_.is_open()) {
    ledger_.sent(request, {slot.session, slot.session_bytes}, templates_);
  }
}

void Generator::flush_all() {
  if (ledger_.is_open() && !ledger_.flush()) {
    results_.fault = "the ledger cannot be written";
    results_.lost = true;
    return;
  }
  for (auto& line : lines_) {
    if (!line->connection.flush()) results_.lost = true;
  }
}

// Once a second: the event time, a row of the timeline, the progress line.
void Generator::tick(std::int64_t now, bool final_tick) {
  event_time_ = diameter_time();
  const double length_s = static_cast<double>(now - second_start_ns_) / 1e9;
  second_start_ns_ = now;
  if (measuring_ && second_.count() > 0) {
    results_.seconds.push_back({static_cast<double>(now - measure_start_ns_) / 1e9, second_.count(),
                                second_.percentile_ns(50), second_.percentile_ns(99),
                                second_.max_ns()});
  }
  if (options_.progress && !final_tick) {
    fmt::print(stderr,
               "\r{:7.0f} answers/s  p50 {:8.1f} us  p99 {:8.1f} us  in flight {:6}  "
               "sessions {:9}  unexpected {:6}{}",
               length_s > 0 ? static_cast<double>(second_.count()) / length_s : 0.0,
               static_cast<double>(second_.percentile_ns(50)) / 1e3,
               static_cast<double>(second_.percentile_ns(99)) / 1e3, in_flight_,
               population_ != nullptr ? population_->open_sessions() : 0,
               results_.tally.unexpected_sum(), ::isatty(2) != 0 ? "" : "\n");
  }
  second_.clear();
}

}  // namespace levy::load
