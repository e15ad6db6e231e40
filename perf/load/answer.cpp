// Answer: reads a CCA and judges it.
// Core: load. Allocates: never on the fast path. Blocks: never. Clock: none.
#include "perf/load/answer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "diameter/codec/avp.hpp"
#include "diameter/codec/header.hpp"

namespace levy::load {
namespace {

constexpr std::size_t examples_max = 8;
constexpr std::uint32_t success = 2001;

// The units of a Granted-Service-Unit: octets, seconds or service specific, whichever stands there.
bool read_units(codec::Bytes group, std::uint64_t& units) {
  codec::AvpCursor cursor(group);
  codec::Avp avp;
  while (cursor.next(avp)) {
    if (avp.vendor != 0) continue;
    std::uint32_t seconds = 0;
    if ((avp.code == 421 || avp.code == 417) && !codec::read_u64(avp, units)) return false;
    if (avp.code == 420) {
      if (!codec::read_u32(avp, seconds)) return false;
      units = seconds;
    }
  }
  return !cursor.error();
}

// Experimental-Result: its code.
bool read_experimental(codec::Bytes group, std::uint32_t& code) {
  codec::AvpCursor cursor(group);
  codec::Avp avp;
  while (cursor.next(avp)) {
    if (avp.is(298) && !codec::read_u32(avp, code)) return false;
  }
  return !cursor.error();
}

}  // namespace

const char* name_of(Unexpected kind) {
  constexpr std::array<const char*, unexpected_kinds> names = {
      "malformed",      "unknown_hop_by_hop", "end_to_end",       "session_id",
      "request_type",   "request_number",     "error_bit",        "result_missing",
      "result_code",    "mscc_missing",       "mscc_not_asked",   "mscc_twice",
      "mscc_result_code", "grant_missing",    "duplicate_differs", "unanswered"};
  return names[static_cast<std::size_t>(kind)];
}

std::uint64_t Tally::unexpected_sum() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : unexpected) sum += count;
  return sum;
}

void Tally::note(Unexpected kind, std::string_view session_id, std::uint64_t value) {
  ++unexpected[static_cast<std::size_t>(kind)];
  if (examples.size() < examples_max) {
    examples.push_back(fmt::format("{}: {} ({})", name_of(kind), value, session_id));
  }
}

AnswerCheck::AnswerCheck(const Options& options, Tally& tally)
    : allow_(options.allow), tally_(tally) {}

bool AnswerCheck::allowed(std::uint32_t code) const {
  return std::find(allow_.begin(), allow_.end(), code) != allow_.end();
}

bool AnswerCheck::read_mscc(std::span<const std::uint8_t> group, const Expectation& expected,
                            AnswerFacts& facts) {
  std::uint32_t rating_group = 0, result = success;
  std::uint64_t units = 0;
  bool has_rating_group = false, has_units = false;
  codec::AvpCursor cursor(group);
  codec::Avp avp;
  while (cursor.next(avp)) {
    if (avp.vendor != 0) continue;
    if (avp.code == 432) {
      if (!codec::read_u32(avp, rating_group)) return false;
      has_rating_group = true;
    } else if (avp.code == 268) {
      if (!codec::read_u32(avp, result)) return false;
    } else if (avp.code == 431) {
      if (!read_units(avp.data, units)) return false;
      has_units = true;
    }
  }
  if (cursor.error()) return false;
  for (std::size_t i = 0; has_rating_group && i < expected.mscc; ++i) {
    if (expected.rating_groups[i] != rating_group) continue;
    if (facts.mscc_result[i] != 0) {
      tally_.note(Unexpected::mscc_twice, expected.session_id, rating_group);
    }
    facts.mscc_result[i] = result;
    facts.granted[i] = units;
    if (has_units && units > 0) facts.granted_mask |= static_cast<std::uint8_t>(1u << i);
    return true;
  }
  tally_.note(Unexpected::mscc_not_asked, expected.session_id, rating_group);
  return true;
}

AnswerFacts AnswerCheck::judge(std::span<const std::uint8_t> message, const Expectation& expected) {
  AnswerFacts facts;
  const codec::Header header = codec::read_header(message);
  if (header.end_to_end != expected.request.end_to_end) {
    tally_.note(Unexpected::end_to_end, expected.session_id, header.end_to_end);
  }
  std::uint32_t type = 0, number = 0;
  bool has_session = false, has_number = false, well_formed = true;
  codec::AvpCursor cursor(message.subspan(codec::header_bytes));
  codec::Avp avp;
  while (well_formed && cursor.next(avp)) {
    if (avp.vendor != 0) continue;
    switch (avp.code) {
      case 263: has_session = avp.text() == expected.session_id; break;
      case 268: well_formed = codec::read_u32(avp, facts.result); break;
      case 297: well_formed = facts.result != 0 || read_experimental(avp.data, facts.result); break;
      case 415: well_formed = has_number = codec::read_u32(avp, number); break;
      case 416: well_formed = codec::read_u32(avp, type); break;
      case 456: well_formed = read_mscc(avp.data, expected, facts); break;
      default: break;
    }
  }
  if (!well_formed || cursor.error()) {
    tally_.note(Unexpected::malformed, expected.session_id, header.length);
    return facts;
  }
  if (!has_session) tally_.note(Unexpected::session_id, expected.session_id, 0);
  // A protocol error (E) need not repeat application AVPs (RFC 6733 7.2).
  if ((header.flags & codec::flag_error) == 0) {
    if (type != static_cast<std::uint32_t>(expected.request.type)) {
      tally_.note(Unexpected::request_type, expected.session_id, type);
    }
    if (!has_number || number != expected.request.number) {
      tally_.note(Unexpected::request_number, expected.session_id, number);
    }
  }
  judge_command(facts, header.flags, expected);
  return facts;
}

void AnswerCheck::judge_command(const AnswerFacts& facts, std::uint8_t flags,
                                const Expectation& expected) {
  const bool error_bit = (flags & codec::flag_error) != 0;
  if (error_bit != (facts.result / 1000 == 3) || (flags & codec::flag_request) != 0) {
    tally_.note(Unexpected::error_bit, expected.session_id, flags);
  }
  if (facts.result == success) {
    judge_groups(facts, expected);
    return;
  }
  if (facts.result == 0) {
    tally_.note(Unexpected::result_missing, expected.session_id, 0);
    return;
  }
  ++tally_.results[facts.result];
  if (!allowed(facts.result)) {
    tally_.note(Unexpected::result_code, expected.session_id, facts.result);
  }
}

void AnswerCheck::judge_groups(const AnswerFacts& facts, const Expectation& expected) {
  const bool asks_units = expected.request.type != RequestType::termination;
  for (std::size_t i = 0; i < expected.mscc; ++i) {
    const std::uint32_t result = facts.mscc_result[i];
    if (result == 0) {
      if (asks_units) {
        tally_.note(Unexpected::mscc_missing, expected.session_id, expected.rating_groups[i]);
      }
      continue;
    }
    if (result != success) {
      ++tally_.mscc_results[result];
      if (!allowed(result)) {
        tally_.note(Unexpected::mscc_result_code, expected.session_id, result);
      }
      continue;
    }
    if (!asks_units) continue;
    if ((facts.granted_mask >> i & 1) == 0) {
      tally_.note(Unexpected::grant_missing, expected.session_id, expected.rating_groups[i]);
    } else {
      ++tally_.mscc_granted;
    }
  }
}

}  // namespace levy::load
