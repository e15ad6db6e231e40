// decode_ccr: what is read, what is tolerated, and a table of every refusal.
// Core: tests. Allocates: freely. Blocks: never. Clock: none.
#include <gtest/gtest.h>

#include "diameter/app/gy.hpp"
#include "tests/support/messages.hpp"
#include "tests/support/parse.hpp"

namespace levy::app {
namespace {

using codec::CodecError;
using codec::ResultCode;
using rating::ChargeRequest;
using test::Build;
using test::Bytes;
using test::Ccr;
using test::Mscc;
using test::Units;
using test::v3gpp;

constexpr std::uint8_t no_flags = 0;

Ccr initial() {
  return Ccr::initial("gw;1;1").imsi("001010000000001");
}

// The message lives as long as the request that points into it.
struct Decoded {
  Bytes bytes;
  ChargeRequest request;
  CodecError error;
};
void decode(const Ccr& ccr, Decoded& out, const Dialect& dialect = {}) {
  out.bytes = ccr.bytes();
  out.error = decode_ccr(out.bytes, dialect, out.request);
}

TEST(DecodeCcr, ReadsTheHead) {
  Ccr ccr = initial().e164("491700000001").to_host("levy1").apn("internet").timestamp(0xe8000000);
  ccr.origin_state_id = 77;
  ccr.termination_cause = 1;
  ccr.charging_id = {1, 2, 3, 4};
  ccr.pdp_address = {0, 1, 10, 0, 0, 7};
  ccr.retransmitted();
  Decoded d;
  decode(ccr, d);
  ASSERT_EQ(d.error.code, ResultCode::none);
  const ChargeRequest& r = d.request;
  EXPECT_EQ(r.type, rating::RequestType::initial);
  EXPECT_TRUE(r.retransmitted);
  EXPECT_EQ(r.request_number, 0u);
  EXPECT_EQ(r.session_id, "gw;1;1");
  EXPECT_EQ(r.origin_host, "gw.example.org");
  EXPECT_EQ(r.origin_realm, "example.org");
  EXPECT_EQ(r.destination_host, "levy1");
  EXPECT_EQ(r.service_context_id, "32251@3gpp.org");
  EXPECT_EQ(r.called_station_id, "internet");
  EXPECT_EQ(r.charging_id, std::string_view("\1\2\3\4"));
  EXPECT_EQ(r.pdp_address, std::string_view("\x0a\0\0\7", 4));
  EXPECT_TRUE(r.has_origin_state_id);
  EXPECT_EQ(r.origin_state_id, 77u);
  EXPECT_TRUE(r.has_termination_cause);
  ASSERT_EQ(r.identity_count, 2);
  EXPECT_EQ(r.identities[0].type, rating::IdentityType::imsi);
  EXPECT_EQ(r.identities[1].text, "491700000001");
  EXPECT_TRUE(r.has_event_timestamp);
  EXPECT_EQ(r.event_timestamp.seconds(), std::int64_t{0xe8000000} - ntp_offset_seconds);
  EXPECT_TRUE(r.command_level);
  EXPECT_EQ(r.mscc_count, 0);
}

// rating::charged_rows reads row 0 of a message without MSCC: what another session reported just
// before must not be there.
TEST(DecodeCcr, NothingIsLeftOfTheMessageBefore) {
  Decoded d;
  decode(Ccr::update("gw;1;1", 1).mscc(Mscc(1).usu(Units::octets(10)).rsu_empty()), d);
  ASSERT_EQ(d.request.mscc_count, 1);
  decode(Ccr::termination("gw;1;2", 1), d);
  ASSERT_EQ(d.error.code, ResultCode::none);
  EXPECT_TRUE(d.request.command_level);
  EXPECT_EQ(d.request.mscc_count, 0);
  EXPECT_FALSE(d.request.mscc[0].has_used);
  EXPECT_FALSE(d.request.mscc[0].has_requested);
  EXPECT_FALSE(d.request.mscc[0].has_rating_group);
}

TEST(DecodeCcr, TimeOfTheNextEraFollowsThe2036Wrap) {
  Decoded d;
  decode(initial().timestamp(0), d);
  ASSERT_EQ(d.error.code, ResultCode::none);
  EXPECT_EQ(d.request.event_timestamp.seconds(), 2085978496);  // 2036-02-07T06:28:16Z
}

TEST(DecodeCcr, ReadsUnitsOfSeveralGroups) {
  Mscc first(10);
  first.rsu(Units::octets(5'000'000)).service(9).service(3).service(9);
  first.usu(Units::octets(100)).usu(Units::in_out(30, 12).reason(3)).reason(4);
  Mscc second(20);
  second.rsu_empty().usu(Units{});
  Units all = Units::octets(7);
  all.input = 100;
  all.output = 200;
  all.seconds = 60;
  all.events = 2;
  Mscc third(30);
  third.usu(all);
  Decoded d;
  decode(Ccr::update("gw;1;1", 3).mscc(first).mscc(second).mscc(third), d);
  ASSERT_EQ(d.error.code, ResultCode::none);
  const ChargeRequest& r = d.request;
  ASSERT_EQ(r.mscc_count, 3);
  EXPECT_FALSE(r.command_level);
  const rating::MsccRequest& a = r.mscc[0];
  EXPECT_EQ(a.rating_group, 10u);
  EXPECT_EQ(a.requested.octets, 5'000'000);
  EXPECT_EQ(a.used.octets, 142);
  EXPECT_TRUE(a.used.has_octets);
  EXPECT_FALSE(a.used.has_seconds);
  EXPECT_EQ(a.reporting_reasons, rating::reason_quota_exhausted | rating::reason_validity_time);
  ASSERT_EQ(a.service_identifier_count, 2);
  EXPECT_EQ(a.service_identifiers[0], 3u);
  EXPECT_EQ(a.service_identifiers[1], 9u);
  const rating::MsccRequest& b = r.mscc[1];
  EXPECT_TRUE(b.has_requested);
  EXPECT_TRUE(b.has_used);
  EXPECT_FALSE(b.requested.has_octets);
  EXPECT_FALSE(b.used.has_octets);
  const rating::MsccRequest& c = r.mscc[2];
  EXPECT_EQ(c.used.octets, 7);  // never both
  EXPECT_EQ(c.used.seconds, 60);
  EXPECT_EQ(c.used.events, 2);
}

TEST(DecodeCcr, KnowsTheDirectionsOfAllOctetsOrOfNone) {
  const auto used = [](std::vector<Units> reports) {
    Mscc mscc(10);
    for (const Units& report : reports) mscc.usu(report);
    Decoded d;
    decode(Ccr::update("gw;1;1", 3).mscc(mscc), d);
    EXPECT_EQ(d.error.code, ResultCode::none);
    return d.request.mscc[0].used;
  };
  Units total = Units::in_out(30, 12);
  total.total = 42;
  Units seconds;
  seconds.seconds = 5;
  for (const auto& both :
       {used({Units::in_out(20, 5), Units::in_out(10, 7)}), used({total}),
        used({seconds, Units::in_out(30, 12)}), used({Units::in_out(30, 12), seconds})}) {
    EXPECT_TRUE(both.has_directions);
    EXPECT_EQ(both.octets_up, 30);
    EXPECT_EQ(both.octets_down, 12);
    EXPECT_EQ(both.octets, 42);
  }
  total.total = 50;
  EXPECT_FALSE(used({total}).has_directions);
  EXPECT_FALSE(used({Units::in_out(1, 1), Units::octets(1)}).has_directions);
  EXPECT_FALSE(used({Units::octets(1), Units::in_out(1, 1)}).has_directions);
  EXPECT_FALSE(used({seconds}).has_directions);
}

TEST(DecodeCcr, MoneyIsExact) {
  struct Row {
    std::int64_t digits;
    std::int32_t exponent;
    std::int64_t micros;  // -1: refused with 5004
  };
  static constexpr Row rows[] = {
      {30, -2, 300'000},
      {5, 0, 5'000'000},
      {1, -6, 1},
      {10, -7, 1},
      {1, -7, -1},
      {0, 99, 0},
      {-5, 0, -1},
      {9, 11, 900'000'000'000'000'000},
      {10, 11, -1},
      {9, 12, -1},
      {1, 2147483647, -1},
      {1, -2147483647 - 1, -1},
      {900'000'000'000'000'001, -6, -1},
      {9'000'000'000'000'000'000, -7, 900'000'000'000'000'000},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::to_string(row.digits) + "e" + std::to_string(row.exponent));
    Units units;
    units.money = {row.digits, row.exponent};
    units.currency = 978;
    Decoded d;
    Ccr ccr = Ccr::event("gw;1;1", 1).imsi("1");
    ccr.command_requested = units;
    decode(ccr, d);
    if (row.micros < 0) {
      EXPECT_EQ(d.error.code, ResultCode::invalid_avp_value);
    } else {
      ASSERT_EQ(d.error.code, ResultCode::none);
      EXPECT_EQ(d.request.mscc[0].requested.money.micros, row.micros);
      EXPECT_EQ(d.request.mscc[0].requested.money_currency, 978);
    }
  }
}

TEST(DecodeCcr, CommandLevelUnitsBecomeTheFirstMscc) {
  Ccr ccr = Ccr::event("gw;1;1", 0).imsi("1");
  Decoded d;
  decode(ccr, d);
  ASSERT_EQ(d.error.code, ResultCode::none);
  EXPECT_TRUE(d.request.command_level);
  EXPECT_EQ(d.request.mscc_count, 1);  // an event always asks
  EXPECT_FALSE(d.request.mscc[0].has_requested);

  ccr = Ccr::update("gw;1;1", 1);
  ccr.command_requested = Units::time(60);
  ccr.command_used = {Units::time(10), Units::time(5)};
  ccr.command_service = 8;
  decode(ccr, d);
  ASSERT_EQ(d.error.code, ResultCode::none);
  ASSERT_EQ(d.request.mscc_count, 1);
  EXPECT_EQ(d.request.mscc[0].requested.seconds, 60);
  EXPECT_EQ(d.request.mscc[0].used.seconds, 15);
  EXPECT_EQ(d.request.mscc[0].service_identifiers[0], 8u);
}

// ---- what real gateways do and must be let do (interop.md b and g) ------------------------------
struct Tolerated {
  const char* what;
  void (*edit)(Ccr&);
};
const Tolerated tolerated[] = {
    {"MSCC without Rating-Group", [](Ccr& c) { c.mscc(Mscc().rsu(1'000'000)); }},
    {"empty MSCC", [](Ccr& c) { c.mscc(Mscc()); }},
    {"Requested-Action in an initial request", [](Ccr& c) { c.requested_action = 0; }},
    {"odd Requested-Action in an initial request", [](Ccr& c) { c.requested_action = 77; }},
    {"no Subscription-Id", [](Ccr& c) { c.identities.clear(); }},
    {"the same Subscription-Id twice", [](Ccr& c) { c.imsi("001010000000001"); }},
    {"Framed-IPv6-Prefix of 8 bytes", [](Ccr& c) { c.extra.bytes(97, Bytes(8)); }},
    {"Framed-IPv6-Prefix of 18 bytes", [](Ccr& c) { c.extra.bytes(97, Bytes(18)); }},
    {"Framed-IPv6-Prefix of no bytes", [](Ccr& c) { c.extra.bytes(97, {}); }},
    {"3GPP-RAT-Type of 4 bytes with M", [](Ccr& c) { c.extra.u32(21, 6, test::flag_m, v3gpp); }},
    {"3GPP-RAT-Type of 1 byte", [](Ccr& c) { c.extra.bytes(21, {6}, no_flags, v3gpp); }},
    {"3GPP-IMSI at top level", [](Ccr& c) { c.extra.text(1, "00101", no_flags, v3gpp); }},
    {"free-form charging id", [](Ccr& c) { c.charging_id = Bytes(40, 'x'); }},
    {"two Supported-Features with one list id",
     [](Ccr& c) {
       const Build one = Build().u32(266, v3gpp).u32(629, 2, 0, v3gpp).u32(630, 3, 0, v3gpp);
       c.extra.group(628, one, no_flags, v3gpp).group(628, one, no_flags, v3gpp);
     }},
    {"unknown AVP without M", [](Ccr& c) { c.extra.text(9999, "x", no_flags, 6527); }},
    {"unknown group without M that holds an unknown AVP with M",
     [](Ccr& c) { c.extra.group(9999, Build().u32(9998, 1, test::flag_m, 7), no_flags, 7); }},
    {"wrong length of an Unsigned32 that nobody reads",
     [](Ccr& c) { c.extra.bytes(1009, {1}, test::flag_m, v3gpp); }},
    {"29.061 AVPs with and without M in PS-Information",
     [](Ccr& c) {
       const Build ps = Build()
                            .text(8, "00101", test::flag_m, v3gpp)
                            .text(9, "00101", no_flags, v3gpp)
                            .bytes(22, {130, 1, 2}, test::flag_m, v3gpp)
                            .bytes(23, {1, 2}, no_flags, v3gpp);
       c.extra.group(873, Build().group(874, ps, test::flag_m, v3gpp), test::flag_m, v3gpp);
     }},
    {"Reporting-Reason UNUSED_QUOTA_TIMER", [](Ccr& c) { c.mscc(Mscc(1).reason(9)); }},
    {"Rating-Group twice in different Service-Identifiers",
     [](Ccr& c) { c.mscc(Mscc(1).service(1)).mscc(Mscc(1).service(2)).mscc(Mscc(1)); }},
    {"32 Proxy-Infos",
     [](Ccr& c) {
       for (int i = 0; i < 32; ++i) c.extra.append(test::proxy_info("p", "s"));
     }},
};

TEST(DecodeCcr, Tolerates) {
  for (const Tolerated& row : tolerated) {
    SCOPED_TRACE(row.what);
    Ccr ccr = initial();
    row.edit(ccr);
    Decoded d;
    decode(ccr, d);
    EXPECT_EQ(d.error.code, ResultCode::none);
  }
}

TEST(DecodeCcr, AnyOrderAfterSessionId) {
  // Magma: MSCC before CC-Request-Type, Origin-* and Destination-* last.
  const Bytes message = Build()
                            .text(263, "gw;1;1")
                            .group(456, Mscc(1).rsu(5).avps())
                            .u32(258, 4)
                            .u32(416, 1)
                            .text(461, "32251@3gpp.org")
                            .u32(415, 0)
                            .text(264, "gw")
                            .text(296, "realm")
                            .text(283, "levy")
                            .message(272, 4, 0xc0);
  ChargeRequest request;
  EXPECT_EQ(decode_ccr(message, Dialect{}, request).code, ResultCode::none);
  EXPECT_EQ(request.mscc[0].requested.octets, 5);
  EXPECT_EQ(request.origin_host, "gw");
}

// ---- refusals -----------------------------------------------------------------------------------
struct Refused {
  const char* what;
  ResultCode code;
  std::uint32_t failed;  // code of the AVP in the Failed-AVP
  void (*edit)(Ccr&);
};
const Refused refused[] = {
    {"no Session-Id", ResultCode::missing_avp, 263, [](Ccr& c) { c.session_id.clear(); }},
    {"Session-Id not first", ResultCode::missing_avp, 263,
     [](Ccr& c) {
       c.session_id.clear();
       c.extra.text(263, "late");
     }},
    {"no Origin-Host", ResultCode::missing_avp, 264, [](Ccr& c) { c.origin_host.clear(); }},
    {"no Origin-Realm", ResultCode::missing_avp, 296, [](Ccr& c) { c.origin_realm.clear(); }},
    {"no Destination-Realm", ResultCode::missing_avp, 283,
     [](Ccr& c) { c.destination_realm.clear(); }},
    {"no Auth-Application-Id", ResultCode::missing_avp, 258,
     [](Ccr& c) { c.auth_application_id.reset(); }},
    {"no Service-Context-Id", ResultCode::missing_avp, 461,
     [](Ccr& c) { c.service_context_id.clear(); }},
    {"no CC-Request-Type", ResultCode::missing_avp, 416, [](Ccr& c) { c.type.reset(); }},
    {"no CC-Request-Number", ResultCode::missing_avp, 415, [](Ccr& c) { c.number.reset(); }},
    {"event without Requested-Action", ResultCode::missing_avp, 436, [](Ccr& c) { c.type = 4; }},
    {"Session-Id twice", ResultCode::avp_occurs_too_many_times, 263,
     [](Ccr& c) { c.extra.text(263, "again"); }},
    {"CC-Request-Number twice", ResultCode::avp_occurs_too_many_times, 415,
     [](Ccr& c) { c.extra.u32(415, 1); }},
    {"Service-Information twice", ResultCode::avp_occurs_too_many_times, 873,
     [](Ccr& c) { c.apn("x").extra.group(873, Build(), test::flag_m, v3gpp); }},
    {"Auth-Application-Id of Gx", ResultCode::invalid_avp_value, 258,
     [](Ccr& c) { c.auth_application_id = 16777238; }},
    {"CC-Request-Type 0", ResultCode::invalid_avp_value, 416, [](Ccr& c) { c.type = 0; }},
    {"CC-Request-Type 5", ResultCode::invalid_avp_value, 416, [](Ccr& c) { c.type = 5; }},
    {"Requested-Action 4 in an event", ResultCode::invalid_avp_value, 436,
     [](Ccr& c) {
       c.type = 4;
       c.requested_action = 4;
     }},
    {"Multiple-Services-Indicator 2", ResultCode::invalid_avp_value, 455,
     [](Ccr& c) { c.extra.u32(455, 2); }},
    {"Session-Id of 256 bytes", ResultCode::invalid_avp_value, 263,
     [](Ccr& c) { c.session_id = std::string(256, 's'); }},
    {"Origin-Host of 256 bytes", ResultCode::invalid_avp_value, 264,
     [](Ccr& c) { c.origin_host = std::string(256, 'h'); }},
    {"Subscription-Id-Type 5", ResultCode::invalid_avp_value, 450,
     [](Ccr& c) { c.identity(5, "x"); }},
    {"empty Subscription-Id-Data", ResultCode::invalid_avp_value, 444,
     [](Ccr& c) { c.identity(2, ""); }},
    {"Subscription-Id-Data +", ResultCode::invalid_avp_value, 444, [](Ccr& c) { c.e164("+"); }},
    {"Subscription-Id-Data of 128 bytes", ResultCode::invalid_avp_value, 444,
     [](Ccr& c) { c.identity(2, std::string(128, 'x')); }},
    {"two IMSIs", ResultCode::contradicting_avps, 443, [](Ccr& c) { c.imsi("999"); }},
    {"Subscription-Id without type", ResultCode::missing_avp, 450,
     [](Ccr& c) { c.extra.group(443, Build().text(444, "1")); }},
    {"Subscription-Id without data", ResultCode::missing_avp, 444,
     [](Ccr& c) { c.extra.group(443, Build().u32(450, 2)); }},
    {"two MSCC of one key", ResultCode::contradicting_avps, 456,
     [](Ccr& c) { c.mscc(Mscc(1).service(2).service(3)).mscc(Mscc(1).service(3).service(2)); }},
    {"two MSCC without Rating-Group", ResultCode::contradicting_avps, 456,
     [](Ccr& c) { c.mscc(Mscc()).mscc(Mscc()); }},
    {"units in MSCC and in the command", ResultCode::contradicting_avps, 437,
     [](Ccr& c) {
       c.mscc(Mscc(1));
       c.command_requested = Units::octets(1);
     }},
    {"17 MSCC", ResultCode::avp_occurs_too_many_times, 456,
     [](Ccr& c) {
       for (std::uint32_t i = 0; i < 17; ++i) c.mscc(Mscc(i));
     }},
    {"5 Service-Identifiers", ResultCode::invalid_avp_value, 439,
     [](Ccr& c) { c.mscc(Mscc(1).service(1).service(2).service(3).service(4).service(5)); }},
    {"Rating-Group twice", ResultCode::avp_occurs_too_many_times, 432,
     [](Ccr& c) {
       Mscc m(1);
       m.extra.u32(432, 2);
       c.mscc(m);
     }},
    {"Requested-Service-Unit twice", ResultCode::avp_occurs_too_many_times, 437,
     [](Ccr& c) {
       Mscc m(1);
       m.rsu(1).extra.group(437, Build());
       c.mscc(m);
     }},
    {"more octets than the limit", ResultCode::invalid_avp_value, 421,
     [](Ccr& c) { c.mscc(Mscc(1).usu(std::uint64_t{1} << 48)); }},
    {"all bits of octets", ResultCode::invalid_avp_value, 412,
     [](Ccr& c) { c.mscc(Mscc(1).usu(Units::in_out(~std::uint64_t{0}, 1))); }},
    {"input and output beyond the limit together", ResultCode::invalid_avp_value, 446,
     [](Ccr& c) {
       c.mscc(Mscc(1).usu(Units::in_out(std::uint64_t{1} << 47, std::uint64_t{1} << 47)));
     }},
    {"several units beyond the limit together", ResultCode::invalid_avp_value, 446,
     [](Ccr& c) { c.mscc(Mscc(1).usu((std::uint64_t{1} << 48) - 1).usu(1)); }},
    {"CC-Time of 8 bytes", ResultCode::invalid_avp_length, 420,
     [](Ccr& c) { c.mscc(Mscc(1)).msccs[0].extra.group(446, Build().u64(420, 1)); }},
    {"CC-Total-Octets of 4 bytes", ResultCode::invalid_avp_length, 421,
     [](Ccr& c) { c.mscc(Mscc(1)).msccs[0].extra.group(446, Build().u32(421, 1)); }},
    {"Reporting-Reason 10", ResultCode::invalid_avp_value, 872,
     [](Ccr& c) { c.mscc(Mscc(1).usu(Units::octets(1).reason(10))); }},
    {"Tariff-Change-Usage 3", ResultCode::invalid_avp_value, 452,
     [](Ccr& c) {
       Units u = Units::octets(1);
       u.tariff_change_usage = 3;
       c.mscc(Mscc(1).usu(u));
     }},
    {"CC-Request-Number of 2 bytes", ResultCode::invalid_avp_length, 415,
     [](Ccr& c) {
       c.number.reset();
       c.extra.bytes(415, {0, 1});
     }},
    {"unknown AVP with M", ResultCode::avp_unsupported, 9999, [](Ccr& c) { c.extra.u32(9999, 1); }},
    {"unknown vendor's AVP with M", ResultCode::avp_unsupported, 9999,
     [](Ccr& c) { c.extra.u32(9999, 1, test::flag_m, 6527); }},
    {"unknown AVP with M in MSCC", ResultCode::avp_unsupported, 9999,
     [](Ccr& c) { c.mscc(Mscc(1)).msccs[0].extra.u32(9999, 1); }},
    {"unknown AVP with M in PS-Information", ResultCode::avp_unsupported, 9999,
     [](Ccr& c) {
       const Build ps = Build().u32(9999, 1, test::flag_m, v3gpp);
       c.extra.group(873, Build().group(874, ps, test::flag_m, v3gpp), test::flag_m, v3gpp);
     }},
    {"unknown AVP with M in a group nobody reads", ResultCode::avp_unsupported, 9999,
     [](Ccr& c) { c.extra.group(1016, Build().u32(9999, 1), test::flag_m, v3gpp); }},
    {"CC-Sub-Session-Id", ResultCode::avp_unsupported, 419, [](Ccr& c) { c.extra.u64(419, 1); }},
    {"AVP shorter than its header", ResultCode::invalid_avp_length, 1,
     [](Ccr& c) { c.extra.raw(test::from_hex("00000001 40000007")); }},
    {"AVP beyond the message", ResultCode::invalid_avp_length, 1,
     [](Ccr& c) { c.extra.raw(test::from_hex("00000001 40000010 61626364")); }},
    {"AVP with reserved bits", ResultCode::invalid_avp_bits, 1,
     [](Ccr& c) { c.extra.raw(test::from_hex("00000001 4100000c 61626364")); }},
    {"AVP of a group beyond the group", ResultCode::invalid_avp_length, 432,
     [](Ccr& c) {
       c.mscc(Mscc(1)).msccs[0].extra.raw(test::from_hex("000001b0 40000010 00000001"));
     }},
    {"33 Proxy-Infos", ResultCode::avp_occurs_too_many_times, 284,
     [](Ccr& c) {
       for (int i = 0; i < 33; ++i) c.extra.append(test::proxy_info("p", "s"));
     }},
    {"Proxy-Infos longer than an answer holds", ResultCode::invalid_avp_value, 284,
     [](Ccr& c) { c.extra.append(test::proxy_info("p", std::string(1600, 's'))); }},
    {"currency of four digits", ResultCode::invalid_avp_value, 425,
     [](Ccr& c) {
       Units u;
       u.money = {1, 0};
       u.currency = 1000;
       c.mscc(Mscc(1).usu(u));
     }},
    {"CC-Money without Unit-Value", ResultCode::missing_avp, 445,
     [](Ccr& c) { c.mscc(Mscc(1)).msccs[0].extra.group(446, Build().group(413, Build())); }},
};

const LocalIdentity local{"levy.example.org", "example.org", 42};

TEST(DecodeCcr, RefusesWithTheRightCodeAndFailedAvp) {
  for (const Refused& row : refused) {
    SCOPED_TRACE(row.what);
    Ccr ccr = initial();
    row.edit(ccr);
    Decoded d;
    decode(ccr, d);
    EXPECT_EQ(d.error.code, row.code);
    if (!d.error) continue;
    Bytes answer(limits::answer_bytes_max);
    answer.resize(encode_error(d.bytes, d.error, local, answer));
    const test::Cca cca = test::parse_cca(answer);
    EXPECT_EQ(cca.result_code, static_cast<std::uint32_t>(row.code));
    EXPECT_EQ(cca.error, codec::is_protocol_error(row.code));
    ASSERT_FALSE(cca.failed.empty());
    EXPECT_EQ(cca.failed.back().code, row.failed);
    EXPECT_EQ(cca.failed.size(), row.code == ResultCode::contradicting_avps ? 2u : 1u);
  }
}

TEST(DecodeCcr, TheDialectMayIgnoreUnknownMandatoryAvps) {
  Ccr ccr = initial();
  ccr.extra.u32(9999, 1).group(1016, Build().u32(9999, 1), test::flag_m, v3gpp);
  Dialect dialect;
  dialect.ignore_unknown_mandatory = true;
  Decoded d;
  decode(ccr, d, dialect);
  EXPECT_EQ(d.error.code, ResultCode::none);
}

TEST(DecodeCcr, BoundsDepthAndNumberOfAvps) {
  Build deep;
  for (int i = 0; i < limits::avp_depth_max + 2; ++i) {
    Build outer;
    outer.group(1016, deep, test::flag_m, v3gpp);
    deep = outer;
  }
  Ccr ccr = initial();
  ccr.extra = deep;
  Decoded d;
  decode(ccr, d);
  EXPECT_EQ(d.error.code, ResultCode::invalid_avp_value);

  Build many;
  for (int i = 0; i < limits::avps_per_message_max; ++i) many.u32(9999, 1, no_flags, 7);
  ccr.extra = many;
  decode(ccr, d);
  EXPECT_EQ(d.error.code, ResultCode::avp_occurs_too_many_times);
}

TEST(DecodeCcr, ARequestThatIsUsedAgainKeepsNothing) {
  Decoded d;
  Ccr full = Ccr::termination("gw;1;1", 9).imsi("1").apn("x").mscc(Mscc(1).usu(5).rsu(6));
  full.origin_state_id = 5;
  decode(full, d);
  ASSERT_EQ(d.error.code, ResultCode::none);
  decode(Ccr::initial("gw;2;2").mscc(Mscc()), d);
  ASSERT_EQ(d.error.code, ResultCode::none);
  EXPECT_FALSE(d.request.has_origin_state_id);
  EXPECT_EQ(d.request.identity_count, 0);
  EXPECT_TRUE(d.request.called_station_id.empty());
  EXPECT_FALSE(d.request.mscc[0].has_rating_group);
  EXPECT_FALSE(d.request.mscc[0].has_used);
  EXPECT_EQ(d.request.mscc[0].used.octets, 0);
}

TEST(DecodeCcr, ShorterThanAHeader) {
  ChargeRequest request;
  const Bytes bytes(19, 1);
  EXPECT_EQ(decode_ccr(bytes, Dialect{}, request).code, ResultCode::invalid_message_length);
}

}  // namespace
}  // namespace levy::app
