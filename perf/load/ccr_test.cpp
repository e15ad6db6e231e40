// CcrTemplates and the ledger: what the bytes say, and that a repeat is a repeat.
// Core: test. Allocates: yes. Blocks: file I/O. Clock: none.
#include "perf/load/ccr.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include "diameter/codec/avp.hpp"
#include "perf/load/ledger.hpp"

namespace levy::load {
namespace {

Shape shape_of(std::uint32_t mscc, std::uint32_t bytes) {
  Shape shape;
  shape.gateways = 2;
  shape.epoch = 1'795'339'200;
  shape.mscc = mscc;
  shape.rating_groups = {10, 20, 30};
  shape.message_bytes = bytes;
  return shape;
}

Request update_of(std::uint32_t subscriber) {
  Request r;
  r.subscriber = subscriber;
  r.generation = 7;
  r.number = 3;
  r.end_to_end = 0xabcdef01;
  r.event_time = 4'000'000'000;
  r.type = RequestType::update;
  r.used_mask = 0b101;
  return r;
}

// All AVPs of a message by code, groups opened; fails the test on a structural fault.
void walk(codec::Bytes bytes, std::multimap<std::uint32_t, codec::Avp>& found) {
  codec::AvpCursor cursor(bytes);
  codec::Avp avp;
  while (cursor.next(avp)) {
    found.emplace(avp.code, avp);
    const bool group = avp.is(443) || avp.is(456) || avp.is(437) || avp.is(446) ||
                       avp.is(873, codec::vendor_3gpp) || avp.is(874, codec::vendor_3gpp);
    if (group) walk(avp.data, found);
  }
  EXPECT_FALSE(cursor.error());
}

TEST(CcrTemplates, UpdateHasTheLengthAskedAndEveryField) {
  CcrTemplates templates;
  ASSERT_EQ(templates.build(shape_of(1, 732), "ocs01.example", "example", 5), "");
  std::vector<std::uint8_t> out(templates.bytes_max());
  ASSERT_EQ(templates.encode(update_of(42), 1, 0x11223344, out.data()), 732u);
  const codec::Header header = codec::read_header(out);
  EXPECT_EQ(header.length, 732u);
  EXPECT_EQ(header.command, 272u);
  EXPECT_EQ(header.flags, codec::flag_request | codec::flag_proxiable);
  EXPECT_EQ(header.hop_by_hop, 0x11223344u);
  EXPECT_EQ(header.end_to_end, 0xabcdef01u);
  std::multimap<std::uint32_t, codec::Avp> avps;
  walk({out.data() + codec::header_bytes, 732 - codec::header_bytes}, avps);
  EXPECT_EQ(avps.find(263)->second.text(),
            "pgw02.load.example;1795339200;0000000042;0000000007");
  SessionName name;
  ASSERT_TRUE(parse_session_id(avps.find(263)->second.text(), name));
  EXPECT_EQ(name.origin_host, "pgw02.load.example");
  EXPECT_EQ(name.subscriber, 42u);
  EXPECT_EQ(name.generation, 7u);
  EXPECT_EQ(avps.find(264)->second.text(), "pgw02.load.example");
  EXPECT_EQ(avps.find(293)->second.text(), "ocs01.example");
  const auto ids = avps.equal_range(444);
  EXPECT_EQ(ids.first->second.text(), "001010000000042");
  EXPECT_EQ(std::next(ids.first)->second.text(), "4915000000042");
  EXPECT_EQ(codec::load32(avps.find(415)->second.data.data()), 3u);
  EXPECT_EQ(codec::load32(avps.find(432)->second.data.data()), 10u + 10 * (42 % 3));
  EXPECT_EQ(codec::load64(avps.find(412)->second.data.data()) +
                codec::load64(avps.find(414)->second.data.data()),
            500'000u);
  EXPECT_GE(avps.size(), 37u);
}

TEST(CcrTemplates, EveryTypeAndMsccCountIsWellFormed) {
  for (std::uint32_t mscc = 1; mscc <= 3; ++mscc) {
    CcrTemplates templates;
    ASSERT_EQ(templates.build(shape_of(mscc, 0), "ocs01.example", "example", 5), "");
    std::vector<std::uint8_t> out(templates.bytes_max());
    for (const RequestType type :
         {RequestType::initial, RequestType::update, RequestType::termination}) {
      Request request = update_of(5);
      request.type = type;
      const std::size_t bytes = templates.encode(request, 0, 1, out.data());
      ASSERT_EQ(bytes, templates.bytes_of(type));
      std::multimap<std::uint32_t, codec::Avp> avps;
      walk({out.data() + codec::header_bytes, bytes - codec::header_bytes}, avps);
      EXPECT_EQ(avps.count(456), mscc);
      EXPECT_EQ(avps.count(437), type == RequestType::termination ? 0 : mscc);
      EXPECT_EQ(avps.count(446), type == RequestType::initial ? 0 : mscc);
      EXPECT_EQ(avps.count(295), type == RequestType::termination ? 1u : 0u);
    }
  }
}

TEST(CcrTemplates, ARepeatDiffersOnlyInHopByHopAndT) {
  CcrTemplates templates;
  ASSERT_EQ(templates.build(shape_of(3, 0), "ocs01.example", "example", 5), "");
  std::vector<std::uint8_t> first(templates.bytes_max()), again(templates.bytes_max());
  Request request = update_of(9);
  templates.encode(request, 0, 100, first.data());
  templates.encode(update_of(10), 0, 101, again.data());
  request.retransmit = request.repeat = true;
  templates.encode(request, 0, 102, again.data());
  EXPECT_EQ(again[4], first[4] | codec::flag_retransmit);
  again[4] = first[4];
  codec::store32(again.data() + 12, 100);
  EXPECT_EQ(first, again);
}

TEST(CcrTemplates, AnImpossibleLengthIsRefused) {
  CcrTemplates templates;
  EXPECT_NE(templates.build(shape_of(1, 400), "ocs01.example", "example", 5), "");
  ASSERT_EQ(templates.build(shape_of(1, 0), "ocs01.example", "example", 5), "");
  const auto natural = static_cast<std::uint32_t>(templates.bytes_of(RequestType::update));
  EXPECT_NE(templates.build(shape_of(1, natural + 4), "ocs01.example", "example", 5), "");
  EXPECT_NE(templates.build(shape_of(1, natural + 8), "ocs01.example", "example", 5), "");
  for (std::uint32_t extra = 12; extra <= 400; extra += 4) {
    ASSERT_EQ(templates.build(shape_of(1, natural + extra), "ocs01.example", "example", 5), "");
    ASSERT_EQ(templates.bytes_of(RequestType::update), natural + extra);
  }
}

TEST(Ledger, FindsWhatHasNoAnswer) {
  const auto file = std::filesystem::path(testing::TempDir()) /
                    ("levy_ledger_" + std::to_string(::getpid()));
  const Shape shape = shape_of(3, 0);
  CcrTemplates templates;
  ASSERT_EQ(templates.build(shape, "ocs01.example", "example", 5), "");
  AnswerFacts facts;
  facts.result = 2001;
  facts.mscc_result = {2001, 4012, 2001};
  facts.granted = {1000, 0, 1000};
  const auto session = [](const Request& r) {
    char text[80];
    std::snprintf(text, sizeof text, "pgw01.load.example;%010u;%010u;%010u", 1'795'339'200u,
                  r.subscriber, r.generation);
    return std::string(text);
  };
  {
    Ledger ledger;
    ASSERT_EQ(ledger.open(file, shape, false), "");
    for (std::uint32_t s = 0; s < 4; ++s) {
      ledger.sent(update_of(s), session(update_of(s)), templates);
    }
    ledger.answered(update_of(1), session(update_of(1)), facts);
    Request repeat = update_of(3);
    repeat.retransmit = true;
    ledger.sent(repeat, session(repeat), templates);
    ledger.answered(repeat, session(repeat), facts);
  }
  Unanswered found;
  ASSERT_EQ(read_unanswered(file, found), "");
  ASSERT_EQ(found.requests.size(), 2u);
  EXPECT_EQ(found.requests[0].subscriber, 0u);
  EXPECT_EQ(found.requests[1].subscriber, 2u);
  EXPECT_EQ(found.sent, 5u);
  EXPECT_EQ(found.answered, 2u);
  EXPECT_EQ(shape_line(found.shape), shape_line(shape));
  // The repeat of one that was read back is the same message.
  std::vector<std::uint8_t> first(templates.bytes_max()), again(templates.bytes_max());
  templates.encode(update_of(2), 0, 1, first.data());
  templates.encode(found.requests[1], 0, 1, again.data());
  EXPECT_EQ(first, again);
  EXPECT_NE(Ledger{}.open(file, shape, false), "");  // one run per file
  std::ofstream(file, std::ios::app) << "S nonsense\n";
  EXPECT_NE(read_unanswered(file, found), "");
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace levy::load
