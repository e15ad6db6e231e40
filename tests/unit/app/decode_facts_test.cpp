// decode_ccr: the facts that rates ask for, where gateways put them and in which forms.
// Core: tests. Allocates: freely. Blocks: never. Clock: none.
#include <gtest/gtest.h>

#include "diameter/app/gy.hpp"
#include "tests/support/messages.hpp"

namespace levy::app {
namespace {

using codec::ResultCode;
using rating::ChargeRequest;
using test::Build;
using test::Bytes;
using test::Ccr;
using test::flag_m;
using test::Mscc;
using test::v3gpp;

constexpr std::uint32_t service_information = 873, ps_information = 874, ims_information = 876;
constexpr std::uint32_t sms_information = 2000;

// The message lives as long as the request that points into it.
struct Decoded {
  explicit Decoded(const Ccr& ccr) : bytes(ccr.bytes()) {
    code = decode_ccr(bytes, Dialect{}, request).code;
  }
  Bytes bytes;
  ChargeRequest request;
  ResultCode code{};
};

Ccr with(const Build& extra) {
  Ccr ccr = Ccr::initial("gw;1;1").imsi("001010000000001").mscc(Mscc(1).rsu_empty());
  ccr.extra = extra;
  return ccr;
}

Build inside(std::uint32_t information, const Build& avps) {
  Build group, service;
  group.group(information, avps, flag_m, v3gpp);
  return service.group(service_information, group, flag_m, v3gpp);
}

const Bytes uli{130, 0x62, 0xf2, 0x10, 0x04, 0xd2, 0x62, 0xf2, 0x10, 0x00, 0x01, 0x86, 0x9f};
std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Build network_facts() {
  Build avps;
  return avps.bytes(21, {6}, 0, v3gpp)
      .text(18, "26201", 0, v3gpp)
      .bytes(22, uli, 0, v3gpp)
      .text(13, "0800", 0, v3gpp);
}

void expect_network_facts(const ChargeRequest& r) {
  EXPECT_EQ(r.rat_type, 7);  // EUTRAN is 6, and 0 is absent
  EXPECT_EQ(r.serving_plmn, "26201");
  EXPECT_EQ(r.user_location, text_of(uli));
  EXPECT_EQ(r.characteristics, "0800");
}

TEST(DecodeFacts, NetworkInPsInformation) {
  const Decoded d(with(inside(ps_information, network_facts())));
  ASSERT_EQ(d.code, ResultCode::none);
  expect_network_facts(d.request);
}

TEST(DecodeFacts, NetworkAtTheTopLevelAsNokiaSendsIt) {
  const Decoded d(with(network_facts()));
  ASSERT_EQ(d.code, ResultCode::none);
  expect_network_facts(d.request);
}

// freeDiameter's CSV marks the AVPs of TS 29.061 with M (Open5GS).
TEST(DecodeFacts, WithTheMandatoryBit) {
  Build avps;
  avps.bytes(21, {6}, flag_m, v3gpp)
      .text(18, "26201", flag_m, v3gpp)
      .bytes(22, uli, flag_m, v3gpp)
      .text(13, "0800", flag_m, v3gpp);
  const Decoded d(with(inside(ps_information, avps)));
  ASSERT_EQ(d.code, ResultCode::none);
  expect_network_facts(d.request);
}

TEST(DecodeFacts, TheFirstOfSeveralCounts) {
  Build avps = network_facts();
  avps.bytes(21, {1}, 0, v3gpp).text(18, "310410", 0, v3gpp).text(13, "0100", 0, v3gpp);
  Build top = inside(ps_information, avps);
  top.bytes(21, {2}, 0, v3gpp).bytes(22, {0}, 0, v3gpp);
  const Decoded d(with(top));
  ASSERT_EQ(d.code, ResultCode::none);
  expect_network_facts(d.request);
}

TEST(DecodeFacts, NothingIsLeftOfTheMessageBefore) {
  Decoded d(with(inside(ps_information, network_facts())));
  const Bytes bare = with({}).bytes();
  ASSERT_EQ(decode_ccr(bare, Dialect{}, d.request).code, ResultCode::none);
  EXPECT_EQ(d.request.rat_type, 0);
  EXPECT_TRUE(d.request.serving_plmn.empty());
  EXPECT_TRUE(d.request.user_location.empty());
  EXPECT_TRUE(d.request.characteristics.empty());
}

TEST(DecodeFacts, OddFormsArePassedOverAndNeverRefused) {
  Build avps;
  avps.bytes(21, {0, 0, 0, 6}, 0, v3gpp)       // an Unsigned32
      .text(18, "262", 0, v3gpp)               // no MNC
      .text(18, "2620112", 0, v3gpp)           // too long
      .bytes(18, {0x62, 0xf2, 0x10}, 0, v3gpp) // BCD
      .bytes(13, {0x08, 0x00}, 0, v3gpp)       // raw
      .bytes(22, {}, 0, v3gpp);
  const Decoded odd(with(inside(ps_information, avps)));
  ASSERT_EQ(odd.code, ResultCode::none);
  EXPECT_EQ(odd.request.rat_type, 0);
  EXPECT_TRUE(odd.request.serving_plmn.empty());
  EXPECT_TRUE(odd.request.characteristics.empty());
  EXPECT_TRUE(odd.request.user_location.empty());
  // What follows in the standard's form still counts.
  avps.append(network_facts());
  const Decoded d(with(inside(ps_information, avps)));
  ASSERT_EQ(d.code, ResultCode::none);
  expect_network_facts(d.request);
}

TEST(DecodeFacts, NumbersOfImsInTheirForms) {
  struct Row {
    const char* address;
    const char* number;
  };
  for (const Row& row : {Row{"tel:+4930123", "4930123"},
                         Row{"tel:4930123;phone-context=+49", "4930123"},
                         Row{"sip:+4930123@ims.example", "4930123"},
                         Row{"sips:4930123@ims.example;user=phone", "4930123"},
                         Row{"+4930123", "4930123"}, Row{"4930123", "4930123"},
                         Row{"sip:alice@ims.example", ""}, Row{"tel:911abc", ""}, Row{"", ""},
                         Row{"urn:service:sos", ""}, Row{"+", ""}}) {
    SCOPED_TRACE(row.address);
    Build avps;
    avps.u32(829, 1, flag_m, v3gpp)
        .text(831, row.address, flag_m, v3gpp)
        .text(832, row.address, flag_m, v3gpp);
    const Decoded d(with(inside(ims_information, avps)));
    ASSERT_EQ(d.code, ResultCode::none);
    EXPECT_EQ(d.request.called_party, row.number);
    EXPECT_EQ(d.request.calling_party, row.number);
    EXPECT_EQ(d.request.role_of_node, 2);  // terminating is 1, and 0 is absent
  }
}

TEST(DecodeFacts, RolesThatAreNeitherLegArePassedOver) {
  Build odd;
  odd.u32(829, 7, flag_m, v3gpp).bytes(829, {1}, flag_m, v3gpp);
  const Decoded neither(with(inside(ims_information, odd)));
  ASSERT_EQ(neither.code, ResultCode::none);
  EXPECT_EQ(neither.request.role_of_node, 0);
  Build originating;
  originating.u32(829, 0, flag_m, v3gpp);
  EXPECT_EQ(Decoded(with(inside(ims_information, originating))).request.role_of_node, 1);
}

// Recipient-Info 2026 {Recipient-Address 1201 {Address-Type 899, Address-Data 897}}
TEST(DecodeFacts, RecipientOfAShortMessage) {
  const auto recipient = [](std::uint32_t type, std::string_view data) {
    Build address, info, all;
    address.u32(899, type, flag_m, v3gpp).text(897, data, flag_m, v3gpp);
    info.group(1201, address, flag_m, v3gpp);
    return all.group(2026, info, flag_m, v3gpp);
  };
  Build avps;
  avps.append(recipient(0, "someone@example.org"));  // e-mail: no number
  avps.append(recipient(1, "491700000009")).append(recipient(1, "491700000010"));
  const Decoded d(with(inside(sms_information, avps)));
  ASSERT_EQ(d.code, ResultCode::none);
  EXPECT_EQ(d.request.called_party, "491700000009");
}

TEST(DecodeFacts, EquipmentAtTheTopLevelAndInPsInformation) {
  Build value, top;
  value.u32(459, 0, 0).text(460, "3534900698733153", 0);
  top.group(458, value, 0);
  EXPECT_EQ(Decoded(with(top)).request.equipment, "3534900698733153");
  EXPECT_EQ(Decoded(with(inside(ps_information, top))).request.equipment, "3534900698733153");
}

TEST(DecodeFacts, ClassOfTheBearer) {
  const auto qci = [](const Build& qos) {
    Mscc mscc(1);
    mscc.rsu_empty().extra.group(1016, qos, flag_m, v3gpp);
    Ccr ccr = Ccr::initial("gw;1;1").mscc(mscc);
    const Decoded d(ccr);
    EXPECT_EQ(d.code, ResultCode::none);
    return d.request.mscc[0].qci;
  };
  EXPECT_EQ(qci(Build().u32(1028, 9, flag_m, v3gpp)), 9);
  EXPECT_EQ(qci(Build().u32(1028, 256, flag_m, v3gpp)), 0);
  EXPECT_EQ(qci(Build().bytes(1028, {9}, flag_m, v3gpp)), 0);
  EXPECT_EQ(qci({}), 0);
}

// A fact's group that is no group is the message's fault, not an odd form.
TEST(DecodeFacts, BrokenGroupsAreRefused) {
  Build broken;
  broken.bytes(service_information, {0, 0, 3, 106, 0xc0, 0, 0, 99}, flag_m, v3gpp);
  EXPECT_EQ(Decoded(with(broken)).code, ResultCode::invalid_avp_length);
}

}  // namespace
}  // namespace levy::app
