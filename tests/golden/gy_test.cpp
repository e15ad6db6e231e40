// Golden frames of Gy: what four gateways send, and what Levy answers, byte for byte.
// Core: tests. Allocates: freely. Blocks: on files. Clock: none.
//
// frames/<gateway>_<i|u|t>.hex is the request, frames/<gateway>_<i|u|t>_answer.hex the answer to it
// under the outcome of outcome_of(). A changed byte is a changed contract with the gateways: edit
// the file by hand, with the reason in the commit.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "diameter/app/gy.hpp"
#include "tests/support/gateways.hpp"
#include "tests/support/parse.hpp"

namespace levy::app {
namespace {

using test::Bytes;

struct Gateway {
  const char* name;
  Bytes (*ccr)(std::uint32_t type, std::uint32_t number);
};
constexpr Gateway gateways[] = {{"open5gs", test::open5gs_ccr},
                                {"ergw", test::ergw_ccr},
                                {"magma", test::magma_ccr},
                                {"nokia", test::nokia_ccr}};
constexpr char letters[] = {'i', 'u', 't'};

Bytes read_frame(const std::string& name) {
  std::ifstream in(std::string(LEVY_GOLDEN_DIR) + "/" + name + ".hex");
  EXPECT_TRUE(in.good()) << name;
  std::stringstream text;
  text << in.rdbuf();
  return test::from_hex(text.str());
}

std::string frame_name(const Gateway& gateway, std::uint32_t type) {
  return std::string(gateway.name) + "_" + letters[type - 1];
}

// I: a grant with threshold and validity; U: the final grant; T: nothing but the code.
rating::MsccOutcome outcome_of(std::uint32_t type) {
  rating::MsccOutcome outcome;
  if (type == 3) return outcome;
  outcome.flags = rating::outcome_granted;
  outcome.granted = 1'500'000;
  outcome.validity = 3600;
  if (type == 1) {
    outcome.threshold = 300'000;
    outcome.quota_holding_time = 120;
  } else {
    outcome.flags |= rating::outcome_final;
  }
  return outcome;
}

TEST(GoldenGy, TheBuildersStillWriteTheRecordedRequests) {
  for (const Gateway& gateway : gateways) {
    for (std::uint32_t type = 1; type <= 3; ++type) {
      const std::string name = frame_name(gateway, type);
      EXPECT_EQ(test::to_hex(read_frame(name)), test::to_hex(gateway.ccr(type, type - 1))) << name;
    }
  }
}

TEST(GoldenGy, AnswersAreTheRecordedBytes) {
  const LocalIdentity local{"levy.example.org", "example.org", 1700000000};
  for (const Gateway& gateway : gateways) {
    for (std::uint32_t type = 1; type <= 3; ++type) {
      const std::string name = frame_name(gateway, type);
      const Bytes message = read_frame(name);
      rating::ChargeRequest request;
      ASSERT_EQ(decode_ccr(message, Dialect{}, request).code, codec::ResultCode::none) << name;
      rating::MsccOutcome outcomes[limits::mscc_max];
      for (rating::MsccOutcome& outcome : outcomes) outcome = outcome_of(type);
      Answer answer;
      answer.mscc_count = request.mscc_count;
      answer.mscc = outcomes;
      Bytes bytes(limits::answer_bytes_max);
      bytes.resize(encode_cca(message, request, answer, local, bytes));
      EXPECT_EQ(test::to_hex(bytes), test::to_hex(read_frame(name + "_answer"))) << name;
    }
  }
}

struct Expected {
  const char* frame;
  const char* session_id;
  const char* imsi;
  const char* apn;
  std::string_view charging_id;
  std::string_view pdp_address;
  std::size_t mscc_count;
  bool has_rating_group;
  std::uint32_t rating_group;
  std::int64_t used;
  std::uint16_t reasons;
};
const Expected expected[] = {
    {"open5gs_u", "smf.localdomain;1700000000;7;app_gy", "001010000000001", "internet",
     {"\0\0\0\x11", 4}, {"\x0a\x2d\0\x02", 4}, 1, false, 0, 1'000'000,
     rating::reason_quota_exhausted},
    {"ergw_u", "ergw.example.net;1700000001;42;abc", "001010000000002", "internet",
     {"\0\0\0\x22", 4}, {"\x0a\x2d\0\x03", 4}, 2, true, 3000, 1500, rating::reason_validity_time},
    {"magma_u", "feg.magma;12345;67890;IMSI001010000000003", "001010000000003", "magma.ipv4",
     "IMSI001010000000003-776655", {"\x0a\x2d\0\x04", 4}, 1, true, 1, 4'000'000,
     rating::reason_threshold},
    {"magma_t", "feg.magma;12345;67890;IMSI001010000000003", "001010000000003", "magma.ipv4",
     "IMSI001010000000003-776655", {"\x0a\x2d\0\x04", 4}, 1, true, 1, 4'000'000,
     rating::reason_final},
    {"nokia_u", "bng1.nokia.net;1700000004;1;1", "001010000000004", "internet.nokia",
     {"\0\0\0\x44", 4}, {"\x0a\x2d\0\x05", 4}, 1, true, 400, 30, rating::reason_validity_time},
};

TEST(GoldenGy, RequestsMeanTheSameForEveryGateway) {
  for (const Expected& row : expected) {
    SCOPED_TRACE(row.frame);
    const Bytes message = read_frame(row.frame);
    rating::ChargeRequest request;
    ASSERT_EQ(decode_ccr(message, Dialect{}, request).code, codec::ResultCode::none);
    EXPECT_EQ(request.session_id, row.session_id);
    EXPECT_EQ(request.called_station_id, row.apn);
    EXPECT_EQ(request.charging_id, row.charging_id);
    EXPECT_EQ(request.pdp_address, row.pdp_address);
    ASSERT_EQ(request.mscc_count, row.mscc_count);
    EXPECT_EQ(request.mscc[0].has_rating_group, row.has_rating_group);
    EXPECT_EQ(request.mscc[0].rating_group, row.rating_group);
    EXPECT_EQ(request.mscc[0].used.octets, row.used);
    EXPECT_EQ(request.mscc[0].reporting_reasons, row.reasons);
    Peek peek;
    ASSERT_EQ(peek_route(message, "levy", peek).code, codec::ResultCode::none);
    EXPECT_EQ(peek.session_id, row.session_id);
    ASSERT_GE(peek.identity_count, 1);
    EXPECT_EQ(peek.identities[0].text, row.imsi);
  }
}

}  // namespace
}  // namespace levy::app
