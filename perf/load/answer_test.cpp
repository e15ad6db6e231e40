// AnswerCheck: a right answer passes, and each way of being wrong is counted under its name.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include "perf/load/answer.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>

#include "diameter/codec/avp.hpp"
#include "perf/floors/fixed_cca.hpp"
#include "perf/load/ccr.hpp"

namespace levy::load {
namespace {

constexpr const char* session = "pgw01.load.example;0000000009;0000000004;0000000001";

struct Mscc {
  std::uint32_t rating_group, result;
  std::uint64_t granted;
};
struct Cca {
  std::string session_id = session;
  std::uint32_t result = 2001, type = 2, number = 3, end_to_end = 77;
  std::uint8_t flags = 0;
  bool with_result = true, with_number = true;
  std::vector<Mscc> mscc = {{1, 2001, 1000}, {2, 2001, 1000}};
  std::size_t cut = 0;  // bytes taken from the last AVP's data while its length stays
};

std::vector<std::uint8_t> encode(const Cca& a) {
  std::vector<std::uint8_t> out(2048);
  codec::Writer w(out);
  w.begin_message();
  w.text(263, 0, 0x40, a.session_id);
  if (a.with_result) w.u32(268, 0, 0x40, a.result);
  w.u32(416, 0, 0x40, a.type);
  if (a.with_number) w.u32(415, 0, 0x40, a.number);
  for (const Mscc& m : a.mscc) {
    const std::size_t group = w.begin_group(456, 0, 0x40);
    w.u32(432, 0, 0x40, m.rating_group);
    if (m.granted > 0) {
      const std::size_t granted = w.begin_group(431, 0, 0x40);
      w.u64(421, 0, 0x40, m.granted);
      w.end_group(granted);
    }
    w.u32(268, 0, 0x40, m.result);
    w.end_group(group);
  }
  codec::Header header;
  header.flags = a.flags;
  header.command = 272;
  header.end_to_end = a.end_to_end;
  out.resize(w.finish(header));
  out.resize(out.size() - a.cut);
  return out;
}

Expectation expectation() {
  Expectation e;
  e.request.type = RequestType::update;
  e.request.number = 3;
  e.request.end_to_end = 77;
  e.session_id = session;
  e.rating_groups = {1, 2};
  e.mscc = 2;
  return e;
}

Tally judge(const std::function<void(Cca&)>& change, std::vector<std::uint32_t> allow = {},
            RequestType type = RequestType::update) {
  Options options;
  options.allow = std::move(allow);
  Tally tally;
  AnswerCheck check(options, tally);
  Cca cca;
  change(cca);
  Expectation e = expectation();
  e.request.type = type;
  check.judge(encode(cca), e);
  return tally;
}

void expect_only(const Tally& tally, std::initializer_list<Unexpected> kinds) {
  std::array<std::uint64_t, unexpected_kinds> wanted{};
  for (const Unexpected kind : kinds) ++wanted[static_cast<std::size_t>(kind)];
  for (std::size_t i = 0; i < unexpected_kinds; ++i) {
    EXPECT_EQ(tally.unexpected[i], wanted[i]) << name_of(static_cast<Unexpected>(i));
  }
}

TEST(AnswerCheck, ARightAnswerPasses) {
  const Tally tally = judge([](Cca&) {});
  expect_only(tally, {});
  EXPECT_EQ(tally.mscc_granted, 2u);
}

TEST(AnswerCheck, EachFaultHasItsName) {
  using U = Unexpected;
  expect_only(judge([](Cca& a) { a.session_id.back() = '2'; }), {U::session_id});
  expect_only(judge([](Cca& a) { a.end_to_end = 78; }), {U::end_to_end});
  expect_only(judge([](Cca& a) { a.type = 1; }), {U::request_type});
  expect_only(judge([](Cca& a) { a.number = 4; }), {U::request_number});
  expect_only(judge([](Cca& a) { a.with_number = false; }), {U::request_number});
  expect_only(judge([](Cca& a) { a.with_result = false; }), {U::result_missing});
  expect_only(judge([](Cca& a) { a.result = 5030; }), {U::result_code});
  expect_only(judge([](Cca& a) { a.mscc.pop_back(); }), {U::mscc_missing});
  expect_only(judge([](Cca& a) { a.mscc.push_back({3, 2001, 5}); }), {U::mscc_not_asked});
  expect_only(judge([](Cca& a) { a.mscc.push_back({2, 2001, 5}); }), {U::mscc_twice});
  expect_only(judge([](Cca& a) { a.mscc[1] = {2, 4012, 0}; }), {U::mscc_result_code});
  expect_only(judge([](Cca& a) { a.mscc[1].granted = 0; }), {U::grant_missing});
  expect_only(judge([](Cca& a) { a.flags = codec::flag_error; }), {U::error_bit});
  expect_only(judge([](Cca& a) { a.result = 3004; }), {U::error_bit, U::result_code});
  expect_only(judge([](Cca& a) { a.flags = codec::flag_request; }), {U::error_bit});
  expect_only(judge([](Cca& a) { a.cut = 4; }), {U::malformed});
}

TEST(AnswerCheck, AllowedCodesAndTerminationsAreNoFaults) {
  expect_only(judge([](Cca& a) { a.mscc[1] = {2, 4012, 0}; }, {4012}), {});
  expect_only(judge([](Cca& a) { a.result = 5030; a.mscc.clear(); }, {5030}), {});
  const auto busy = [](Cca& a) {
    a.result = 3004;
    a.flags = codec::flag_error;
    a.mscc.clear();
  };
  expect_only(judge(busy, {3004}), {});
  // CCR-T asks for no units: an answer without MSCC or without a grant is right.
  expect_only(judge([](Cca& a) { a.type = 3; a.mscc.clear(); }, {}, RequestType::termination), {});
}

TEST(AnswerCheck, VerdictsOfRepeatsAreCompared) {
  AnswerFacts a, b;
  a.result = b.result = 2001;
  a.granted[0] = b.granted[0] = 5;
  EXPECT_TRUE(a.same_verdict(b));
  b.granted[0] = 6;
  EXPECT_FALSE(a.same_verdict(b));
}

TEST(FixedCca, AnswersEveryRequestOfLevyloadAsExpected) {
  Shape shape;
  shape.mscc = 3;
  shape.rating_groups = {7, 8, 9, 10};
  CcrTemplates templates;
  ASSERT_EQ(templates.build(shape, "echo.floor.example", "floor.example", 1), "");
  floors::FixedCca fixed("echo.floor.example", "floor.example");
  Options options;
  Tally tally;
  AnswerCheck check(options, tally);
  std::vector<std::uint8_t> ccr(templates.bytes_max()), cca(floors::FixedCca::answer_bytes_max);
  for (std::uint32_t i = 0; i < 300; ++i) {
    Expectation e;
    e.request.subscriber = i * 31;
    e.request.number = i;
    e.request.end_to_end = i * 7;
    e.request.type = static_cast<RequestType>(1 + i % 3);
    const std::size_t bytes = templates.encode(e.request, 0, i, ccr.data());
    e.session_id = {reinterpret_cast<const char*>(ccr.data()) + CcrTemplates::session_id_offset,
                    templates.session_id_bytes(0)};
    e.mscc = 3;
    for (std::size_t m = 0; m < 3; ++m) {
      e.rating_groups[m] = rating_group_of(shape, e.request.subscriber, m);
    }
    const std::size_t answer = fixed.answer({ccr.data(), bytes}, cca.data());
    ASSERT_GT(answer, codec::header_bytes);
    EXPECT_EQ(codec::read_header(cca).hop_by_hop, i);
    check.judge({cca.data(), answer}, e);
  }
  expect_only(tally, {});
  EXPECT_EQ(fixed.shapes(), 3u);
  // An answer, or a CCR without what must be echoed, is refused.
  EXPECT_EQ(fixed.answer({cca.data(), 300}, cca.data()), 0u);
}

}  // namespace
}  // namespace levy::load
