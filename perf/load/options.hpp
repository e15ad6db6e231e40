// Options of levyload: what to send, to whom, how fast, what to accept.
// Core: start-up. Allocates: yes. Blocks: never. Clock: none.
//
// Out of bounds is an error with the allowed range, never a silent correction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace levy::load {

enum class Distribution : std::uint8_t { uniform, zipf };
enum class Arrivals : std::uint8_t { constant, poisson };
enum class PeerKind : std::uint8_t { diameter, echo };
// How --resume-unanswered repeats: with T, without, or with T and then once more without.
enum class ResumeFlag : std::uint8_t { with_t, without_t, both };

struct Mix {
  std::uint32_t initial = 1, update = 8, termination = 1;
  std::uint32_t total() const { return initial + update + termination; }
};

// The part that decides the bytes of the requests; a ledger's head line carries it.
struct Shape {
  std::uint32_t connections = 4;
  std::uint32_t gateways = 1;
  std::uint32_t subscribers = 100'000;
  std::uint64_t imsi_first = 1010000000000;   // 001010000000000: 15 digits, leading zeros written
  std::uint64_t msisdn_first = 4915000000000; // 0 = no E.164 identity
  std::uint32_t epoch = 0;                    // middle part of the Session-Ids
  std::uint32_t mscc = 1;
  std::vector<std::uint32_t> rating_groups;   // at least `mscc`
  bool rsu_empty = false;
  std::uint64_t rsu = 1'000'000;              // octets
  std::uint64_t usu = 500'000;                // octets
  std::uint32_t message_bytes = 0;            // of the CCR-U; 0 = as long as its AVPs
  std::string origin_suffix = "load.example"; // hosts are pgw01.<suffix>, the realm is <suffix>
};

struct Options {
  Shape shape;
  std::string host = "127.0.0.1";
  std::string port = "3868";
  PeerKind peer = PeerKind::diameter;
  std::uint32_t window = 128;       // closed loop, in flight per connection
  double rate = 0;                  // open loop, requests per second; 0 = closed loop
  Arrivals arrivals = Arrivals::constant;
  double duration_s = 10;
  std::uint64_t requests = 0;       // 0 = by duration
  double warmup_s = 0;
  Mix mix;
  Distribution distribution = Distribution::uniform;
  double zipf_exponent = 0.99;
  bool preopen_auto = true;
  std::uint64_t preopen = 0;        // sessions opened before the measurement
  bool close_at_end = false;
  std::uint64_t seed = 1;
  double duplicates_percent = 0;
  double answer_timeout_s = 10;
  double connect_timeout_s = 5;
  std::string congestion = "reno";
  int core = -1;
  std::vector<std::uint32_t> allow; // Result-Codes that are not errors
  bool expect_no_errors = true;
  std::string json_file;
  std::string ledger_file;
  std::string resume_file;
  ResumeFlag resume_flag = ResumeFlag::both;
  bool quiet = false;
  bool progress = false;
  std::string command_line;

  bool open_loop() const { return rate > 0; }
};

enum class ParseResult : std::uint8_t { run, exit_ok, exit_error };
// Reads the command line; prints help or the fault itself.
ParseResult parse_options(int argc, const char* const* argv, Options& options);

// Everything that one option alone cannot tell. Empty = fine.
std::string validate(const Options& options);

// The shape as one line of words and back (the head of a ledger).
std::string shape_line(const Shape& shape);
bool parse_shape_line(const std::string& line, Shape& shape);

// "HOST:PORT" or "[IPV6]:PORT".
bool parse_endpoint(const std::string& text, std::string& host, std::string& port);

std::string origin_host_of(const Shape& shape, std::uint32_t gateway);
inline std::uint32_t connection_of(const Shape& shape, std::uint32_t subscriber) {
  return subscriber % shape.connections;
}
inline std::uint32_t gateway_of(const Shape& shape, std::uint32_t connection) {
  return connection % shape.gateways;
}
// The i-th rating group of a subscriber: a longer list is dealt out in turn.
inline std::uint32_t rating_group_of(const Shape& shape, std::uint32_t subscriber, std::size_t i) {
  return shape.rating_groups[(subscriber + i) % shape.rating_groups.size()];
}

}  // namespace levy::load
