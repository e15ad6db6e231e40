// peek_route and decode_result_code.
// Core: tests. Allocates: freely. Blocks: never. Clock: none.
#include <gtest/gtest.h>

#include "diameter/app/gy.hpp"
#include "tests/support/messages.hpp"

namespace levy::app {
namespace {

using codec::CodecError;
using codec::ResultCode;
using test::Build;
using test::Bytes;
using test::Ccr;

TEST(PeekRoute, ReadsTheTopLevel) {
  Ccr ccr = Ccr::update("gw;1;1", 4).e164("49170").imsi("00101").identity(3, "nai");
  ccr.to_host("levy1");
  ccr.origin_state_id = 9;
  ccr.extra.text(282, "relay1").text(282, "LEVY1.example.org");
  const Bytes bytes = ccr.bytes();
  Peek peek;
  ASSERT_EQ(peek_route(bytes, "levy2.example.org", peek).code, ResultCode::none);
  EXPECT_TRUE(peek.is_ccr);
  EXPECT_EQ(peek.type, rating::RequestType::update);
  EXPECT_EQ(peek.session_id, "gw;1;1");
  EXPECT_EQ(peek.destination_host, "levy1");
  EXPECT_EQ(peek.destination_realm, "levy.example.org");
  EXPECT_EQ(peek.origin_host, "gw.example.org");
  EXPECT_EQ(peek.origin_realm, "example.org");
  EXPECT_TRUE(peek.has_origin_state_id);
  EXPECT_EQ(peek.origin_state_id, 9u);
  EXPECT_FALSE(peek.loop);
  ASSERT_EQ(peek.identity_count, 3);
  EXPECT_EQ(peek.identities[0].text, "00101");  // IMSI first, whatever the order was
  EXPECT_EQ(peek.identities[1].text, "49170");
  EXPECT_EQ(peek.identities[2].text, "nai");
  ASSERT_EQ(peek_route(bytes, "levy1.example.org", peek).code, ResultCode::none);
  EXPECT_TRUE(peek.loop);
}

TEST(PeekRoute, PassesOverWhatOnlyTheShardJudges) {
  Ccr ccr = Ccr::initial("s").identity(9, "x").identity(0, "").imsi("00101");
  ccr.extra.group(443, Build().raw({0, 0, 0, 1, 0, 0, 0, 99}));
  ccr.type = 9;
  Peek peek;
  const Bytes bytes = ccr.bytes();
  ASSERT_EQ(peek_route(bytes, "levy", peek).code, ResultCode::none);
  ASSERT_EQ(peek.identity_count, 1);
  EXPECT_EQ(peek.identities[0].text, "00101");
  EXPECT_EQ(peek.type, rating::RequestType{});
}

TEST(PeekRoute, AnE164HasNoPlus) {
  const Bytes bytes =
      Ccr::initial("s").e164("+49170").identity(4, "+49170").e164("+").bytes();
  Peek peek;
  ASSERT_EQ(peek_route(bytes, "levy", peek).code, ResultCode::none);
  ASSERT_EQ(peek.identity_count, 2);
  EXPECT_EQ(peek.identities[0].text, "49170");
  EXPECT_EQ(peek.identities[1].text, "+49170");  // a private identity is any text
  rating::ChargeRequest request;
  const Bytes good = Ccr::initial("s").e164("+49170").e164("49170").identity(4, "+49170").bytes();
  ASSERT_EQ(decode_ccr(good, Dialect{}, request).code, ResultCode::none);
  ASSERT_EQ(request.identity_count, 2);
  EXPECT_EQ(request.identities[0].text, "49170");
  EXPECT_EQ(request.identities[1].text, "+49170");
}

TEST(PeekRoute, NoMoreIdentitiesThanTheLimit) {
  Ccr ccr = Ccr::initial("s");
  for (int i = 0; i < 20; ++i) ccr.imsi(std::to_string(i));
  Peek peek;
  const Bytes bytes = ccr.bytes();
  ASSERT_EQ(peek_route(bytes, "levy", peek).code, ResultCode::none);
  EXPECT_EQ(peek.identity_count, limits::identities_max);
}

TEST(PeekRoute, Refuses) {
  struct Row {
    ResultCode code;
    std::uint32_t missing;
    void (*edit)(Ccr&);
  };
  const Row rows[] = {
      {ResultCode::missing_avp, 263, [](Ccr& c) { c.session_id.clear(); }},
      {ResultCode::missing_avp, 263,
       [](Ccr& c) {
         c.session_id.clear();
         c.extra.text(263, "late");
       }},
      {ResultCode::missing_avp, 264, [](Ccr& c) { c.origin_host.clear(); }},
      {ResultCode::missing_avp, 296, [](Ccr& c) { c.origin_realm.clear(); }},
      {ResultCode::missing_avp, 283, [](Ccr& c) { c.destination_realm.clear(); }},
      {ResultCode::invalid_avp_length, 0, [](Ccr& c) { c.extra.raw({0, 0, 0, 1}); }},
      {ResultCode::invalid_avp_bits, 0,
       [](Ccr& c) { c.extra.raw({0, 0, 0, 1, 0x50, 0, 0, 8}); }},
  };
  for (const Row& row : rows) {
    Ccr ccr = Ccr::initial("s");
    row.edit(ccr);
    Peek peek;
    const Bytes bytes = ccr.bytes();
    const CodecError error = peek_route(bytes, "levy", peek);
    EXPECT_EQ(error.code, row.code);
    EXPECT_EQ(error.missing_code, row.missing);
  }
  Peek peek;
  EXPECT_EQ(peek_route(Bytes(19), "levy", peek).code, ResultCode::invalid_message_length);
}

TEST(PeekRoute, AnswersNeedNoDestinationRealm) {
  const Bytes rar = Build().text(263, "s").message(258, 4, 0xc0);
  const Bytes raa = test::raa(rar, "s", "gw", "realm");
  Peek peek;
  ASSERT_EQ(peek_route(raa, "levy", peek).code, ResultCode::none);
  EXPECT_FALSE(peek.is_ccr);
  EXPECT_EQ(peek.session_id, "s");
}

TEST(ResultCodeOf, AnAnswer) {
  const Bytes rar = Build().text(263, "s").message(258, 4, 0xc0);
  EXPECT_EQ(decode_result_code(test::raa(rar, "s", "gw", "realm", 2002)), 2002u);
  const Build experimental = Build().group(297, Build().u32(266, 10415).u32(298, 4144));
  EXPECT_EQ(decode_result_code(experimental.message(258, 4, 0)), 4144u);
  Build both = experimental;
  both.u32(268, 5012);
  EXPECT_EQ(decode_result_code(both.message(258, 4, 0)), 5012u);
  EXPECT_EQ(decode_result_code(Build().text(263, "s").message(258, 4, 0)), 0u);
  EXPECT_EQ(decode_result_code(Build().u64(268, 2001).message(258, 4, 0)), 0u);
  EXPECT_EQ(decode_result_code(Build().u32(268, 2001).raw({1, 2}).message(258, 4, 0)), 0u);
  EXPECT_EQ(decode_result_code(Bytes(4)), 0u);
}

}  // namespace
}  // namespace levy::app
