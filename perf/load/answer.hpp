// Answer: reads a CCA and judges it against the request it should answer.
// Core: load. Allocates: only for rare codes (a map) and examples. Blocks: never. Clock: none.
//
// Every answer is judged in full: identifiers, Session-Id, CC-Request-Type and -Number, codes, one
// MSCC per rating group asked, and units in it. What is not as asked is counted by kind.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "perf/load/options.hpp"
#include "perf/load/request.hpp"

namespace levy::load {

enum class Unexpected : std::uint8_t {
  malformed,           // not a Diameter message, or AVP lengths that do not add up
  unknown_hop_by_hop,  // answers nothing that is outstanding here
  end_to_end,
  session_id,
  request_type,
  request_number,
  error_bit,           // E set without a 3xxx code, or the reverse; or R set
  result_missing,
  result_code,         // command level, neither 2001 nor allowed
  mscc_missing,        // a rating group that was asked for units has no MSCC
  mscc_not_asked,
  mscc_twice,
  mscc_result_code,    // neither 2001 nor allowed
  grant_missing,       // 2001 and units asked, but none granted
  duplicate_differs,   // the repeat of a request got another verdict
  unanswered,          // no answer within --answer-timeout
  count
};
inline constexpr std::size_t unexpected_kinds = static_cast<std::size_t>(Unexpected::count);
const char* name_of(Unexpected kind);

// What a CCA says, as far as levyload looks.
struct AnswerFacts {
  std::uint32_t result = 0;  // Result-Code or Experimental-Result-Code
  std::uint8_t granted_mask = 0;
  std::array<std::uint32_t, mscc_max> mscc_result{};  // 0: no MSCC for it
  std::array<std::uint64_t, mscc_max> granted{};      // units
  // What a repeat must get again.
  bool same_verdict(const AnswerFacts& other) const {
    return result == other.result && mscc_result == other.mscc_result && granted == other.granted;
  }
};

// Counts of one run.
struct Tally {
  std::array<std::uint64_t, request_types> sent{};
  std::array<std::uint64_t, request_types> answered{};
  std::uint64_t repeats_sent = 0;
  std::uint64_t re_auths = 0, aborts = 0, watchdogs = 0;
  std::uint64_t mscc_granted = 0;
  std::array<std::uint64_t, unexpected_kinds> unexpected{};
  std::map<std::uint32_t, std::uint64_t> results;       // command level, all but 2001
  std::map<std::uint32_t, std::uint64_t> mscc_results;  // all but 2001
  std::vector<std::string> examples;                    // of the first unexpected answers

  std::uint64_t unexpected_sum() const;
  void note(Unexpected kind, std::string_view session_id, std::uint64_t value);
};

// What the answer must match.
struct Expectation {
  Request request;
  std::string_view session_id;
  std::array<std::uint32_t, mscc_max> rating_groups{};
  std::uint8_t mscc = 0;
};

class AnswerCheck {
 public:
  AnswerCheck(const Options& options, Tally& tally);
  // Judges `message` (whole, its header already matched by Hop-by-Hop).
  AnswerFacts judge(std::span<const std::uint8_t> message, const Expectation& expected);

 private:
  void judge_command(const AnswerFacts& facts, std::uint8_t flags, const Expectation& expected);
  void judge_groups(const AnswerFacts& facts, const Expectation& expected);
  bool read_mscc(std::span<const std::uint8_t> group, const Expectation& expected,
                 AnswerFacts& facts);
  bool allowed(std::uint32_t code) const;

  std::vector<std::uint32_t> allow_;
  Tally& tally_;
};

}  // namespace levy::load
