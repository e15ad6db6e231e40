// Mutated Gy messages: nothing crashes or reads outside (run it under ASan), every refusal has a
// valid error answer, and what is accepted obeys the invariants that the shard relies on.
// Core: tests. Allocates: freely. Blocks: never. Clock: none.
//
// Deterministic: LEVY_FUZZ_SEED (default 1) and LEVY_FUZZ_ROUNDS (default 60000) repeat any run.
// Each message lies in a heap block of exactly its size, so that ASan sees the first byte beyond.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "diameter/app/gy.hpp"
#include "diameter/codec/print.hpp"
#include "tests/fuzz/mutations.hpp"
#include "tests/support/parse.hpp"

namespace levy::app {
namespace {

using codec::CodecError;
using codec::ResultCode;
using test::Bytes;
using test::Ccr;
using test::corpus;
using test::from_environment;
using test::Mscc;
using test::Mutator;

const LocalIdentity local{"levy.example.org", "example.org", 42};

void expect_within(std::string_view view, std::span<const std::uint8_t> message) {
  if (view.empty()) return;
  const char* begin = reinterpret_cast<const char*>(message.data());
  ASSERT_GE(view.data(), begin);
  ASSERT_LE(view.data() + view.size(), begin + message.size());
}

void expect_amounts(const rating::UnitAmounts& units) {
  for (const std::int64_t n : {units.octets, units.seconds, units.events}) {
    ASSERT_GE(n, 0);
    ASSERT_LE(n, limits::units_max);
  }
  ASSERT_GE(units.money.micros, 0);
  ASSERT_LE(units.money.micros, limits::balance_micros_max);
  ASSERT_LE(units.money_currency, 999);
}

// Everything that request.hpp promises.
void expect_invariants(const rating::ChargeRequest& r, std::span<const std::uint8_t> message) {
  ASSERT_GE(static_cast<int>(r.type), 1);
  ASSERT_LE(static_cast<int>(r.type), 4);
  ASSERT_TRUE(!r.session_id.empty() && r.session_id.size() <= limits::session_id_bytes_max);
  ASSERT_FALSE(r.origin_host.empty());
  ASSERT_FALSE(r.origin_realm.empty());
  ASSERT_LE(static_cast<int>(r.requested_action), 3);
  for (const std::string_view view :
       {r.session_id, r.origin_host, r.origin_realm, r.destination_host, r.service_context_id,
        r.called_station_id, r.charging_id, r.pdp_address}) {
    expect_within(view, message);
  }
  ASSERT_LE(r.identity_count, limits::identities_max);
  for (std::size_t i = 0; i < r.identity_count; ++i) {
    ASSERT_FALSE(r.identities[i].text.empty());
    expect_within(r.identities[i].text, message);
  }
  ASSERT_LE(r.mscc_count, limits::mscc_max);
  if (r.command_level) {
    ASSERT_LE(r.mscc_count, 1);
  }
  for (std::size_t i = 0; i < r.mscc_count; ++i) {
    const rating::MsccRequest& m = r.mscc[i];
    expect_amounts(m.requested);
    expect_amounts(m.used);
    ASSERT_LE(m.service_identifier_count, limits::service_identifiers_max);
    for (std::size_t k = 1; k < m.service_identifier_count; ++k) {
      ASSERT_LT(m.service_identifiers[k - 1], m.service_identifiers[k]);
    }
  }
}

void expect_error_answer(std::span<const std::uint8_t> message, const CodecError& error) {
  Bytes answer(limits::answer_bytes_max);
  answer.resize(encode_error(message, error, local, answer));
  ASSERT_EQ(answer.empty(), message.size() < codec::header_bytes);
  if (answer.empty()) return;
  const test::Parsed parsed = test::parse(answer);  // throws when malformed
  ASSERT_EQ(parsed.result_code(), static_cast<std::uint32_t>(error.code));
  ASSERT_EQ(parsed.error(), codec::is_protocol_error(error.code));
  ASSERT_FALSE(parsed.request());
  ASSERT_EQ(parsed.flags & 0x1f, 0);
  ASSERT_LE(parsed.all(279).size(), 1u);
}

struct Tally {
  std::size_t accepted = 0, refused = 0, printed = 0;
};

void run_one(const Bytes& bytes, Tally& tally) {
  const auto heap = std::make_unique<std::uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), heap.get());
  const std::span<const std::uint8_t> message(heap.get(), bytes.size());
  Peek peek;
  const CodecError peek_error = peek_route(message, "levy.example.org", peek);
  if (peek_error) expect_error_answer(message, peek_error);
  decode_result_code(message);
  if ((tally.accepted + tally.refused) % 16 == 0) {
    tally.printed += codec::print_message(message).size();
  }
  rating::ChargeRequest request;
  const CodecError error = decode_ccr(message, Dialect{}, request);
  if (error) {
    ++tally.refused;
    return expect_error_answer(message, error);
  }
  ++tally.accepted;
  ASSERT_FALSE(peek_error);  // the edge never refuses what the shard takes
  expect_invariants(request, message);
  rating::MsccOutcome outcomes[limits::mscc_max];
  Answer answer;
  answer.mscc_count = request.mscc_count;
  answer.mscc = outcomes;
  Bytes out(limits::answer_bytes_max);
  out.resize(encode_cca(message, request, answer, local, out));
  ASSERT_FALSE(out.empty());
  if (message[5] == 0 && message[6] == 1 && message[7] == 0x10) test::parse_cca(out);
}

TEST(FuzzGy, Mutations) {
  const std::uint64_t seed = from_environment("LEVY_FUZZ_SEED", 1);
  const std::uint64_t rounds = from_environment("LEVY_FUZZ_ROUNDS", 60'000);
  const std::vector<Bytes> from = corpus();
  Mutator mutate(seed);
  Tally tally;
  for (const Bytes& message : from) run_one(message, tally);
  ASSERT_EQ(tally.accepted, from.size());  // the corpus itself is all good
  for (std::uint64_t round = 0; round < rounds && !HasFatalFailure(); ++round) {
    const Bytes message = mutate(from);
    try {
      run_one(message, tally);
    } catch (const std::exception& fault) {
      FAIL() << "answer malformed: " << fault.what() << "\n" << test::to_hex(message);
    }
    if (HasFatalFailure()) {
      std::printf("seed %llu round %llu\n%s\n", static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(round), test::to_hex(message).c_str());
    }
  }
  // The mutator must reach both sides, or this test would prove nothing.
  EXPECT_GT(tally.accepted, rounds / 50);
  EXPECT_GT(tally.refused, rounds / 10);
}

// Every prefix of every message of the corpus.
TEST(FuzzGy, Cuts) {
  Tally tally;
  for (const Bytes& message : corpus()) {
    for (std::size_t size = 0; size < message.size(); ++size) {
      run_one(Bytes(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size)), tally);
      ASSERT_FALSE(HasFatalFailure());
    }
  }
  EXPECT_GT(tally.refused, 1000u);
}

// decode(build(x)) == x for requests made of random parts.
TEST(FuzzGy, WhatIsBuiltIsRead) {
  std::mt19937_64 random(from_environment("LEVY_FUZZ_SEED", 1));
  const auto below = [&](std::uint64_t end) { return random() % end; };
  for (int round = 0; round < 3000; ++round) {
    const auto number = static_cast<std::uint32_t>(random());
    Ccr ccr = Ccr::update("s;" + std::to_string(round), number).imsi(std::to_string(random()));
    const std::size_t count = below(limits::mscc_max + 1);
    std::int64_t used[limits::mscc_max] = {}, requested[limits::mscc_max] = {};
    for (std::size_t i = 0; i < count; ++i) {
      Mscc m(static_cast<std::uint32_t>(i * 1000 + below(1000)));
      requested[i] = static_cast<std::int64_t>(below(std::uint64_t{1} << 48));
      m.rsu(static_cast<std::uint64_t>(requested[i]));
      for (std::size_t k = below(4); k > 0; --k) {
        const std::uint64_t in = below(std::uint64_t{1} << 44), out = below(1u << 30);
        used[i] += static_cast<std::int64_t>(in + out);
        m.usu(below(2) == 0 ? test::Units::octets(in + out) : test::Units::in_out(in, out));
      }
      ccr.mscc(std::move(m));
    }
    const Bytes bytes = ccr.bytes();
    rating::ChargeRequest request;
    ASSERT_EQ(decode_ccr(bytes, Dialect{}, request).code, ResultCode::none);
    ASSERT_EQ(request.request_number, number);
    ASSERT_EQ(request.session_id, ccr.session_id);
    ASSERT_EQ(request.identities[0].text, ccr.identities[0].second);
    ASSERT_EQ(request.mscc_count, count);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(request.mscc[i].rating_group, ccr.msccs[i].rating_group);
      ASSERT_EQ(request.mscc[i].requested.octets, requested[i]);
      ASSERT_EQ(request.mscc[i].used.octets, used[i]);
      ASSERT_EQ(request.mscc[i].has_used, !ccr.msccs[i].used_units.empty());
    }
  }
}

}  // namespace
}  // namespace levy::app
