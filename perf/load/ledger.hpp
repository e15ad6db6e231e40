// Ledger: one line per request sent and per answer, for crash tests.
// Core: load. Allocates: its buffer. Blocks: write(2) to a file. Clock: none.
//
// A request's line is in the file before its bytes go to the socket (flush() stands before the
// send), an answer's line right after it arrived: what has no answer line may or may not have been
// charged, what has one must have been.
// Format (fields by one space; '#' starts a comment; format also in perf/README.md):
//   # levyload-ledger 1 <shape>
//   S <session-id> <I|U|T> <number> <imsi> <event-time> <end-to-end> <used-mask> <-|R|T>
//     <rg:used,...>                                                       (all on one line)
//   A <session-id> <I|U|T> <number> <result-code> <rg:result-code:granted,...>
// `-` is the first sending, R a repeat without the T flag, T one with it. An MSCC that the answer
// does not hold has result-code 0.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "perf/load/answer.hpp"
#include "perf/load/ccr.hpp"
#include "perf/load/options.hpp"
#include "perf/load/request.hpp"

namespace levy::load {

class Ledger {
 public:
  ~Ledger();
  // Empty text, or why not. Only a resumed ledger is continued: a file holds one run's shape.
  std::string open(const std::string& file, const Shape& shape, bool resuming);
  bool is_open() const { return fd_ >= 0; }
  void sent(const Request& request, std::string_view session_id, const CcrTemplates& templates);
  void answered(const Request& request, std::string_view session_id, const AnswerFacts& facts);
  // False when the file cannot take it: a ledger with holes proves nothing.
  bool flush();

 private:
  int fd_ = -1;
  Shape shape_;
  std::string buffer_;
};

// The requests of a ledger that have no answer, in the order in which they were sent.
struct Unanswered {
  Shape shape;
  std::vector<Request> requests;
  std::uint64_t sent = 0, answered = 0;
};
std::string read_unanswered(const std::string& file, Unanswered& found);

}  // namespace levy::load
