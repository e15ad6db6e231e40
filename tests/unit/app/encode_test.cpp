// encode_cca, encode_error, encode_server_request: what Levy writes, read back with the strict test
// parser.
// Core: tests. Allocates: freely. Blocks: never. Clock: none.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "diameter/app/currency.hpp"
#include "diameter/app/gy.hpp"
#include "tests/support/messages.hpp"
#include "tests/support/parse.hpp"

namespace levy::app {
namespace {

using codec::CodecError;
using codec::ResultCode;
using rating::MsccOutcome;
using rating::Reason;
using test::Build;
using test::Bytes;
using test::Ccr;
using test::Mscc;
using test::v3gpp;

const LocalIdentity local{"levy.example.org", "example.org", 42};

struct Case {
  explicit Case(const Ccr& ccr) : bytes(ccr.bytes()) {
    EXPECT_EQ(decode_ccr(bytes, dialect, request).code, ResultCode::none);
    answer.mscc_count = request.mscc_count;
    answer.mscc = outcomes;
  }
  Bytes encode(std::size_t room = limits::answer_bytes_max) {
    Bytes out(room);
    out.resize(encode_cca(bytes, request, answer, local, out));
    return out;
  }
  test::Cca cca() { return test::parse_cca(encode()); }

  Bytes bytes;
  Dialect dialect;
  rating::ChargeRequest request;
  MsccOutcome outcomes[limits::mscc_max];
  Answer answer;
};

MsccOutcome granted(rating::Unit unit, std::int64_t units) {
  MsccOutcome o;
  o.unit = unit;
  o.granted = units;
  o.flags = rating::outcome_granted;
  return o;
}

TEST(EncodeCca, GrantInTheOrderThatEveryClientTakes) {
  const Mscc asked = Mscc(10).rsu(5).service(3);
  Case c(Ccr::initial("gw;1;1", 7).hop(0xaabbccdd).end(0x01020304).mscc(asked));
  c.outcomes[0] = granted(rating::Unit::octets, 1'000'000);
  c.outcomes[0].validity = 600;
  c.outcomes[0].threshold = 200'000;
  c.outcomes[0].quota_holding_time = 30;
  const test::Parsed p = test::parse(c.encode());
  EXPECT_EQ(p.codes(), (std::vector<std::uint32_t>{263, 268, 264, 296, 258, 416, 415, 278, 456}));
  EXPECT_EQ(p.hop_by_hop, 0xaabbccdd);
  EXPECT_EQ(p.end_to_end, 0x01020304u);
  EXPECT_TRUE(p.proxiable());
  EXPECT_FALSE(p.request());
  EXPECT_EQ(p.result_code(), 2001u);
  const test::Node& mscc = *p.find(456);
  std::vector<std::uint32_t> codes;
  for (const test::Node& n : mscc.children) codes.push_back(n.code);
  EXPECT_EQ(codes, (std::vector<std::uint32_t>{431, 439, 432, 448, 268, 869, 871}));
  const test::MsccAnswer m = c.cca().msccs.at(0);
  EXPECT_EQ(m.octets, 1'000'000u);
  EXPECT_EQ(m.rating_group, 10u);
  EXPECT_EQ(m.service_identifiers, std::vector<std::uint32_t>{3});
  EXPECT_EQ(m.validity, 600u);
  EXPECT_EQ(m.threshold, 200'000u);
  EXPECT_EQ(m.quota_holding_time, 30u);
  EXPECT_EQ(m.result_code, 2001u);
  EXPECT_EQ(c.cca().number, 7u);
}

TEST(EncodeCca, EveryUnitHasItsAvpAndThreshold) {
  Case c(Ccr::initial("s").mscc(Mscc(1)).mscc(Mscc(2)).mscc(Mscc(3)).mscc(Mscc(4)));
  c.outcomes[0] = granted(rating::Unit::seconds, 60);
  c.outcomes[0].threshold = 5;
  c.outcomes[1] = granted(rating::Unit::events, 3);
  c.outcomes[1].threshold = 1;
  c.outcomes[2] = granted(rating::Unit::seconds, limits::units_max);
  c.outcomes[3] = granted(rating::Unit::money, 1'250'000);
  c.answer.currency = 978;
  const test::Parsed p = test::parse(c.encode());
  const auto msccs = p.all(456);
  ASSERT_EQ(msccs.size(), 4u);
  EXPECT_EQ(msccs[0]->find(868, v3gpp)->u32(), 5u);
  EXPECT_EQ(msccs[1]->find(1226, v3gpp)->u32(), 1u);
  const test::Cca cca = c.cca();
  EXPECT_EQ(cca.msccs[0].seconds, 60u);
  EXPECT_EQ(cca.msccs[1].events, 3u);
  EXPECT_EQ(cca.msccs[2].seconds, 0xffffffffu);
  const test::Node* money = msccs[3]->find(431)->find(413);
  ASSERT_NE(money, nullptr);
  EXPECT_EQ(money->find(445)->find(447)->u64(), 125u);
  EXPECT_EQ(static_cast<std::int32_t>(money->find(445)->find(429)->u32()), -2);
  EXPECT_EQ(money->find(425)->u32(), 978u);
}

TEST(EncodeCca, RatingGroupOnlyWhenReceived) {
  Case c(Ccr::initial("s").mscc(Mscc().rsu(1)));
  c.outcomes[0] = granted(rating::Unit::octets, 1);
  EXPECT_EQ(c.cca().msccs.at(0).rating_group, std::nullopt);
}

TEST(EncodeCca, FinalUnitActions) {
  const auto plan = std::make_unique<rating::Plan>();
  plan->service_count = 1;
  std::strcpy(plan->services[0].redirect_address, "http://top.up/");
  Case c(Ccr::initial("s").mscc(Mscc(1)).mscc(Mscc(2)).mscc(Mscc(3)));
  for (MsccOutcome& o : c.outcomes) {
    o.flags = rating::outcome_final;
    o.plan = plan.get();
    o.service = 0;
  }
  c.outcomes[1].flags |= rating::outcome_redirect;
  c.outcomes[2].flags |= rating::outcome_restrict;
  const auto base = std::make_unique<rating::Plan>();  // the service is of another one: an add-on's
  c.answer.plan = base.get();
  test::Cca cca = c.cca();
  EXPECT_EQ(cca.msccs[0].final_action, 0u);
  EXPECT_FALSE(cca.msccs[0].granted);
  EXPECT_EQ(cca.msccs[1].final_action, 1u);
  EXPECT_EQ(cca.msccs[1].redirect, "http://top.up/");
  EXPECT_EQ(cca.msccs[2].final_action, 2u);
  c.outcomes[1].plan = nullptr;  // nothing to redirect to
  EXPECT_EQ(c.cca().msccs[1].final_action, 0u);
}

TEST(EncodeCca, RestrictionsStandInTheFinalUnitIndication) {
  static constexpr rating::Restriction open[] = {
      {"never sent", false}, {"permit out ip from 10.0.0.1 to any", true}, {"portal", false}};
  const auto plan = std::make_unique<rating::Plan>();
  plan->service_count = 1;
  plan->restrictions = open;
  plan->services[0].first_restriction = 1;
  plan->services[0].restriction_count = 2;
  Case c(Ccr::initial("s").mscc(Mscc(1)));
  c.outcomes[0].flags = rating::outcome_final | rating::outcome_restrict;
  c.outcomes[0].service = 0;
  c.outcomes[0].plan = plan.get();
  const test::Parsed p = test::parse(c.encode());
  const test::Node* final_units = p.find(456)->find(430);
  ASSERT_NE(final_units, nullptr);
  ASSERT_EQ(final_units->children.size(), 3u);
  EXPECT_EQ(final_units->find(449)->u32(), 2u);
  EXPECT_EQ(final_units->find(438)->text(), open[1].text);
  EXPECT_EQ(final_units->find(11)->text(), "portal");
  c.outcomes[0].flags = rating::outcome_final;  // TERMINATE restricts nothing
  EXPECT_EQ(test::parse(c.encode()).find(456)->find(430)->children.size(), 1u);
}

TEST(EncodeCca, TriggersAreWhatTheRatesAskForAndGoWithAGrant) {
  const auto plan = std::make_unique<rating::Plan>();
  plan->service_count = 1;
  Case c(Ccr::update("s", 1).mscc(Mscc(1)));
  c.outcomes[0] = granted(rating::Unit::octets, 5);
  c.outcomes[0].service = 0;
  c.outcomes[0].plan = plan.get();
  const auto types = [&c] {
    std::vector<std::uint32_t> found;
    const test::Parsed p = test::parse(c.encode());
    const test::Node* trigger = p.find(456)->find(1264, v3gpp);
    if (trigger != nullptr)
      for (const test::Node& n : trigger->children) found.push_back(n.u32());
    return found;
  };
  using Types = std::vector<std::uint32_t>;
  const std::pair<std::uint16_t, Types> rows[] = {
      {0, {}},
      {rating::change_rat, {4}},
      {rating::change_qos, {2}},
      {rating::change_plmn, {30, 31}},
      {rating::change_tai, {35}},
      {rating::change_ecgi, {36}},
      {rating::change_cgi, {33, 34}},
      {rating::change_location, {3}},
      {rating::change_tai | rating::change_ecgi | rating::change_rat, {4, 35, 36}}};
  for (const auto& [changes, wanted] : rows) {
    c.outcomes[0].changes = changes;
    EXPECT_EQ(types(), wanted);
  }
  c.answer.triggers = false;
  EXPECT_EQ(types(), Types{});
  c.answer.triggers = true;
  c.outcomes[0].flags = 0;
  EXPECT_EQ(types(), Types{});
}

TEST(EncodeCca, FailureHandlingOpensASession) {
  const auto plan = std::make_unique<rating::Plan>();
  const auto codes = [&](const Ccr& ccr, Reason reason = Reason::ok) {
    Case c(ccr);
    c.answer.plan = plan.get();
    c.answer.reason = reason;
    const test::Parsed p = test::parse(c.encode());
    const auto value = [&p](std::uint32_t code) {
      return p.find(code) == nullptr ? -1 : static_cast<int>(p.find(code)->u32());
    };
    return std::pair(value(418), value(427));
  };
  EXPECT_EQ(codes(Ccr::initial("s")), std::pair(-1, -1));
  plan->failover = rating::Failover::not_supported;
  plan->failure_handling = rating::FailureHandling::go_on;
  EXPECT_EQ(codes(Ccr::initial("s")), std::pair(0, 1));
  EXPECT_EQ(codes(Ccr::initial("s"), Reason::not_applicable), std::pair(-1, -1));
  EXPECT_EQ(codes(Ccr::update("s", 1)), std::pair(-1, -1));
  EXPECT_EQ(codes(Ccr::event("s", 0)), std::pair(-1, -1));
  plan->failover = rating::Failover::supported;
  plan->failure_handling = rating::FailureHandling::terminate;
  EXPECT_EQ(codes(Ccr::initial("s")), std::pair(1, 0));
}

TEST(EncodeCca, ReasonsOfGroupsLeaveTheCommandAt2001) {
  struct Row {
    Reason reason;
    std::uint32_t code;
  };
  static constexpr Row rows[] = {{Reason::ok, 2001},
                                 {Reason::no_credit, 4012},
                                 {Reason::denied, 4010},
                                 {Reason::refused, 5003},
                                 {Reason::rating_failed, 5031}};
  for (const Row& row : rows) {
    Case c(Ccr::update("s", 1).mscc(Mscc(1)).mscc(Mscc(7)));
    c.outcomes[1].reason = row.reason;
    const test::Cca cca = c.cca();
    EXPECT_EQ(cca.result_code, 2001u);
    EXPECT_EQ(cca.msccs.at(0).result_code, 2001u);
    EXPECT_EQ(cca.msccs.at(1).result_code, row.code);
    ASSERT_EQ(cca.failed.size(), row.reason == Reason::rating_failed ? 1u : 0u);
    if (!cca.failed.empty()) {
      EXPECT_EQ(cca.failed[0].u32(), 7u);
    }
  }
}

TEST(EncodeCca, WithoutMsccTheCommandCarriesTheOutcome) {
  Ccr ccr = Ccr::update("s", 1);
  ccr.command_requested = test::Units::time(60);
  for (const auto& [reason, code] : {std::pair{Reason::ok, 2001u},
                                     {Reason::no_credit, 4012u},
                                     {Reason::denied, 4010u},
                                     {Reason::rating_failed, 5031u}}) {
    Case c(ccr);
    c.outcomes[0].reason = reason;
    c.answer.reason = reason;
    EXPECT_EQ(c.cca().result_code, code);
    EXPECT_EQ(c.cca().failed.empty(), reason != Reason::rating_failed);
    EXPECT_TRUE(c.cca().msccs.empty());
  }
  Case c(ccr);
  c.outcomes[0] = granted(rating::Unit::seconds, 60);
  c.outcomes[0].validity = 30;
  c.outcomes[0].flags |= rating::outcome_final;
  const test::Cca cca = c.cca();
  ASSERT_TRUE(cca.command.has_value());
  EXPECT_EQ(cca.command->seconds, 60u);
  EXPECT_EQ(cca.command->validity, 30u);
  EXPECT_EQ(cca.command->final_action, 0u);
}

TEST(EncodeCca, CommandReasonsHaveNoMscc) {
  for (const auto& [reason, code] : {std::pair{Reason::user_unknown, 5030u},
                                     {Reason::unknown_session, 5002u},
                                     {Reason::unable_to_comply, 5012u},
                                     {Reason::not_applicable, 4011u}}) {
    Case c(Ccr::update("s", 1).mscc(Mscc(1)));
    c.answer.reason = reason;
    const test::Cca cca = c.cca();
    EXPECT_EQ(cca.result_code, code);
    EXPECT_TRUE(cca.msccs.empty());
    EXPECT_EQ(cca.type, 2u);
    EXPECT_EQ(cca.number, 1u);
  }
  Case c(Ccr::update("s", 1).mscc(Mscc(1)));
  c.outcomes[0].reason = Reason::not_applicable;
  EXPECT_EQ(c.cca().result_code, 4011u);
}

TEST(EncodeCca, Events) {
  Case price(Ccr::event("s", 3));
  price.answer.has_event_result = true;
  price.answer.event.cost = Money{300'000};
  price.answer.currency = 978;
  test::Cca cca = price.cca();
  EXPECT_EQ(cca.cost_digits, 30);
  EXPECT_EQ(cca.cost_exponent, -2);
  EXPECT_EQ(cca.check_balance_result, std::nullopt);

  for (const bool enough : {false, true}) {
    Case balance(Ccr::event("s", 2));
    balance.answer.has_event_result = true;
    balance.answer.event.enough = enough;
    cca = balance.cca();
    EXPECT_EQ(cca.check_balance_result, enough ? 0u : 1u);
    EXPECT_EQ(cca.cost_digits, std::nullopt);
  }
  Case debit(Ccr::event("s", 0));
  debit.outcomes[0] = granted(rating::Unit::events, 1);
  EXPECT_EQ(debit.cca().command->events, 1u);
}

TEST(EncodeCca, ProxyInfosAreEchoedInOrderAndUnchanged) {
  Ccr ccr = Ccr::initial("s");
  ccr.extra.append(test::proxy_info("p1", "abc")).append(test::proxy_info("p2", "d"));
  Case c(ccr);
  const test::Parsed request = test::parse(c.bytes);
  const test::Cca cca = c.cca();
  ASSERT_EQ(cca.proxy_infos.size(), 2u);
  EXPECT_EQ(cca.proxy_infos[0], *request.all(284)[0]);
  EXPECT_EQ(cca.proxy_infos[1], *request.all(284)[1]);
}

// The longest Session-Id, all MSCC with all their Service-Identifiers, all Proxy-Infos.
Ccr longest_request() {
  Ccr ccr = Ccr::initial(std::string(255, 's'));
  for (std::uint32_t i = 0; i < limits::mscc_max; ++i) {
    ccr.mscc(Mscc(i).service(1).service(2).service(3).service(4));
  }
  for (int i = 0; i < 32; ++i) ccr.extra.append(test::proxy_info("proxy.ex.org", "12345678"));
  return ccr;
}

// Every MSCC a final grant of money with all that an answer can carry; `action`: an outcome flag.
void grant_longest(Case& c, const rating::Plan& plan, std::uint8_t action) {
  for (MsccOutcome& o : c.outcomes) {
    o = granted(rating::Unit::money, 123'456);
    o.flags |= static_cast<std::uint8_t>(rating::outcome_final | action);
    o.service = 0;
    o.plan = &plan;
    o.validity = 1;
    o.quota_holding_time = 1;
  }
  c.answer.currency = 978;
  c.answer.plan = &plan;
}

TEST(EncodeCca, TheLongestAnswerFitsAndAShortBufferIsRefused) {
  const auto plan = std::make_unique<rating::Plan>();
  plan->service_count = 1;
  std::memset(plan->services[0].redirect_address, 'a', 128);  // not even terminated
  Case c(longest_request());
  grant_longest(c, *plan, rating::outcome_redirect);
  const Bytes whole = c.encode();
  ASSERT_FALSE(whole.empty());
  EXPECT_EQ(test::parse_cca(whole).msccs.at(15).redirect.size(), 128u);
  for (std::size_t room = 0; room < whole.size(); room += 97) EXPECT_TRUE(c.encode(room).empty());
  EXPECT_TRUE(c.encode(whole.size() - 1).empty());
  EXPECT_EQ(c.encode(whole.size()), whole);
}

TEST(EncodeCca, TheLongestFiltersAndAllTriggersFit) {
  const auto plan = std::make_unique<rating::Plan>();
  plan->service_count = 1;
  const std::string rule(rating::restriction_bytes_max - 8, 'p');
  const rating::Restriction one{rule, true};
  plan->restrictions = &one;
  plan->services[0].restriction_count = 1;
  plan->failover = rating::Failover::supported;
  plan->failure_handling = rating::FailureHandling::go_on;
  Case c(longest_request());
  grant_longest(c, *plan, rating::outcome_restrict);
  for (MsccOutcome& o : c.outcomes) o.changes = 0xffff;
  const test::Parsed p = test::parse(c.encode());
  ASSERT_EQ(p.all(456).size(), limits::mscc_max);
  EXPECT_EQ(p.all(456)[15]->find(1264, v3gpp)->children.size(), 9u);
  EXPECT_EQ(p.all(456)[15]->find(430)->find(438)->text(), rule);
}

TEST(EncodeCca, TheTFlagAndTheRFlagAreNeverInAnAnswer) {
  Ccr ccr = Ccr::initial("s").retransmitted();
  ccr.command_flags &= 0xbf;  // not proxiable
  Case c(ccr);
  EXPECT_EQ(test::parse(c.encode()).flags, 0);
}

// ---- encode_error -------------------------------------------------------------------------------
Bytes error_answer(const Bytes& message, const CodecError& error) {
  Bytes out(limits::answer_bytes_max);
  out.resize(encode_error(message, error, local, out));
  return out;
}

TEST(EncodeError, ProtocolErrorsHaveTheEBitAndNoApplicationAvps) {
  CodecError error;
  error.code = ResultCode::realm_not_served;
  Ccr ccr = Ccr::initial("s");
  ccr.extra = test::proxy_info("p", "x");
  const test::Parsed p = test::parse(error_answer(ccr.bytes(), error));
  EXPECT_TRUE(p.error());
  EXPECT_EQ(p.codes(), (std::vector<std::uint32_t>{263, 268, 264, 296, 278, 284}));
}

TEST(EncodeError, MissingAvpIsShownZeroFilledWithItsLeastSize) {
  struct Row {
    std::uint32_t code, vendor;
    std::size_t size;
  };
  for (const Row& row : {Row{415, 0, 4}, Row{421, 0, 8}, Row{264, 0, 1}, Row{257, 0, 6},
                         Row{456, 0, 0}, Row{872, v3gpp, 4}, Row{999'999, 0, 0}}) {
    CodecError error;
    error.code = ResultCode::missing_avp;
    error.missing_code = row.code;
    error.missing_vendor = row.vendor;
    const test::Cca cca = test::parse_cca(error_answer(Ccr::initial("s").bytes(), error));
    ASSERT_EQ(cca.failed.size(), 1u);
    EXPECT_EQ(cca.failed[0].code, row.code);
    EXPECT_EQ(cca.failed[0].vendor, row.vendor);
    EXPECT_EQ(cca.failed[0].data, Bytes(row.size, 0));
  }
}

TEST(EncodeError, ALongOffendingAvpIsNamedByItsHeader) {
  Ccr ccr = Ccr::initial("s");
  ccr.extra.text(9999, std::string(9000, 'x'), test::flag_m, 77);
  const Bytes bytes = ccr.bytes();
  rating::ChargeRequest request;
  const CodecError error = decode_ccr(bytes, Dialect{}, request);
  ASSERT_EQ(error.code, ResultCode::avp_unsupported);
  const test::Cca cca = test::parse_cca(error_answer(bytes, error));
  ASSERT_EQ(cca.failed.size(), 1u);
  EXPECT_EQ(cca.failed[0].code, 9999u);
  EXPECT_EQ(cca.failed[0].vendor, 77u);
  EXPECT_TRUE(cca.failed[0].data.empty());
}

TEST(EncodeError, ReservedBitsAreNotRepeated) {
  for (const std::uint32_t vendor : {0u, v3gpp}) {
    Ccr ccr = Ccr::initial("s");
    ccr.extra.text(9999, "abcde", test::flag_m | 1, vendor);
    const Bytes bytes = ccr.bytes();
    rating::ChargeRequest request;
    const CodecError error = decode_ccr(bytes, Dialect{}, request);
    ASSERT_EQ(error.code, ResultCode::invalid_avp_bits);
    const test::Cca cca = test::parse_cca(error_answer(bytes, error));
    ASSERT_EQ(cca.failed.size(), 1u);
    EXPECT_EQ(cca.failed[0].code, 9999u);
    EXPECT_EQ(cca.failed[0].vendor, vendor);
    EXPECT_EQ(cca.failed[0].flags & 0x7f, test::flag_m);
    EXPECT_EQ(cca.failed[0].text(), "abcde");
  }
}

TEST(EncodeError, AnHonestCopyOfAnUnknownAvp) {
  Ccr ccr = Ccr::initial("s");
  ccr.extra.text(9999, "abcde");
  const Bytes bytes = ccr.bytes();
  rating::ChargeRequest request;
  const test::Cca cca = test::parse_cca(error_answer(bytes, decode_ccr(bytes, Dialect{}, request)));
  ASSERT_EQ(cca.failed.size(), 1u);
  EXPECT_EQ(cca.failed[0].text(), "abcde");
  EXPECT_EQ(cca.session_id, "s");
  EXPECT_EQ(cca.type, 1u);
}

TEST(EncodeError, RequestsOfOtherCommandsAndWithoutSessionId) {
  CodecError error;
  error.code = ResultCode::command_unsupported;
  const Bytes message = Build().text(264, "x").message(999, 4, 0xc0, 8, 9);
  const test::Parsed p = test::parse(error_answer(message, error));
  EXPECT_EQ(p.command, 999u);
  EXPECT_EQ(p.hop_by_hop, 8u);
  EXPECT_EQ(p.codes(), (std::vector<std::uint32_t>{268, 264, 296, 278}));
  EXPECT_TRUE(error_answer(Bytes(19), error).empty());
}

// ---- encode_server_request ----------------------------------------------------------------------
TEST(EncodeRar, HoldsWhatFreeDiameterRequires) {
  ServerRequest rar;
  rar.session_id = "gw;1;1";
  rar.destination_host = "gw";
  rar.destination_realm = "realm";
  rar.end_to_end = 5;
  Bytes out(1024);
  out.resize(encode_server_request(rar, local, out));
  test::Parsed p = test::parse(out);
  EXPECT_EQ(p.codes(), (std::vector<std::uint32_t>{263, 264, 296, 283, 293, 258, 285, 278}));
  EXPECT_EQ(p.flags, 0xc0);
  EXPECT_EQ(p.command, 258u);
  EXPECT_EQ(p.application, 4u);
  EXPECT_EQ(p.hop_by_hop, 0u);
  EXPECT_EQ(p.end_to_end, 5u);
  EXPECT_EQ(p.find(285)->u32(), 0u);
  rar.has_rating_group = true;
  rar.rating_group = 12;
  out.assign(1024, 0);
  out.resize(encode_server_request(rar, local, out));
  EXPECT_EQ(test::parse(out).find(432)->u32(), 12u);
  Bytes small(100);
  EXPECT_EQ(encode_server_request(rar, local, small), 0u);
}

TEST(EncodeAsr, HoldsWhatRfc6733Requires) {
  ServerRequest asr;
  asr.abort = true;
  asr.session_id = "gw;1;1";
  asr.destination_host = "gw";
  asr.destination_realm = "realm";
  asr.end_to_end = 5;
  asr.has_rating_group = true;  // of a RAR that waited: an ASR has none
  Bytes out(1024);
  out.resize(encode_server_request(asr, local, out));
  test::Parsed p = test::parse(out);
  EXPECT_EQ(p.codes(), (std::vector<std::uint32_t>{263, 264, 296, 283, 293, 258, 278}));
  EXPECT_EQ(p.flags, 0xc0);
  EXPECT_EQ(p.command, 274u);
  EXPECT_EQ(p.application, 4u);
}

TEST(Decimal, ExactWithTheExponentOfTheCurrency) {
  struct Row {
    std::int64_t micros;
    std::uint16_t currency;
    std::int64_t digits;
    std::int32_t exponent;
  };
  for (const Row& row : {Row{300'000, 978, 30, -2}, Row{1, 978, 1, -6}, Row{0, 978, 0, -2},
                         Row{5'000'000, 392, 5, 0}, Row{1'500, 414, 15, -4},
                         Row{2'000'000, 414, 2000, -3}, Row{-250'000, 840, -25, -2}}) {
    const Decimal d = to_decimal(Money{row.micros}, row.currency);
    EXPECT_EQ(d.digits, row.digits);
    EXPECT_EQ(d.exponent, row.exponent);
  }
}

}  // namespace
}  // namespace levy::app
