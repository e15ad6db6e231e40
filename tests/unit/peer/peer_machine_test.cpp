// The peer state machine, every state with every kind of message (RFC 6733 5.6).
#include <gtest/gtest.h>

#include "tests/unit/peer/peer_machine.hpp"

namespace levy::test {
namespace {

using peer::Action;
using peer::Close;
using peer::EventKind;
using peer::State;

// ---- capabilities exchange -------------------------------------------------------------------

TEST_F(PeerMachine, CeaFollowsTheTemplate) {
  node.serve_gx();
  Caps caps;
  caps.auth = {};
  caps.vsai = {{10415, 4, 0}, {10415, 16777238, 0}};
  open(0, caps);
  std::vector<std::uint32_t> codes;
  codec::AvpCursor cursor(sent().subspan(codec::header_bytes));
  codec::Avp avp;
  while (cursor.next(avp)) codes.push_back(avp.code);
  ASSERT_FALSE(cursor.error());
  // Result-Code first; Gy plainly and, as the CER had it so, in a VSAI; Gx in a VSAI.
  EXPECT_EQ(codes, (std::vector<std::uint32_t>{268, 264, 296, 257, 266, 269, 278, 265, 258, 260,
                                               260, 267}));
  EXPECT_EQ(u32_of(sent(), base_avp::origin_state_id), 42u);
  EXPECT_EQ(find(sent(), base_avp::origin_host)->text(), "ocs.example.net");
  const codec::Header header = codec::read_header(sent());
  EXPECT_EQ(header.flags, 0);
  EXPECT_EQ(header.hop_by_hop, 0x11u);
  EXPECT_EQ(header.end_to_end, 0x22u);
  EXPECT_TRUE(noted(EventKind::peer_up));
}

TEST_F(PeerMachine, GyInVendorSpecificOnlyWhenTheCerHadItSo) {
  open(0);
  EXPECT_FALSE(find(sent(), base_avp::vendor_specific_application_id).has_value());
  EXPECT_EQ(u32_of(sent(), base_avp::auth_application_id), 4u);
}

struct CerCase {
  const char* name;
  Caps caps;
  std::uint32_t result;
};

class CerTable : public PeerMachine, public ::testing::WithParamInterface<CerCase> {};

TEST_P(CerTable, IsAnsweredWith) {
  accept(0);
  frame(0, cer(GetParam().caps));
  EXPECT_EQ(result_of(sent()), GetParam().result);
  const bool ok = GetParam().result == 2001;
  EXPECT_EQ(table[0].state(), ok ? State::open : State::wait_cer);
  EXPECT_EQ(action.close, ok ? Close::no : Close::after_sending);
  EXPECT_EQ((codec::read_header(sent()).flags & codec::flag_error) != 0,
            GetParam().result / 1000 == 3);
  EXPECT_EQ(noted(EventKind::unknown_peer), GetParam().result == 3010);
}

CerCase cer_case(const char* name, std::uint32_t result, void (*change)(Caps&)) {
  CerCase one{name, {}, result};
  change(one.caps);
  return one;
}

INSTANTIATE_TEST_SUITE_P(
    All, CerTable,
    ::testing::Values(
        cer_case("plain", 2001, [](Caps&) {}),
        cer_case("case_of_host", 2001, [](Caps& c) { c.host = "GW1.Example.NET"; }),
        cer_case("acct", 2001, [](Caps& c) { c.auth = {}; c.acct = {4}; }),
        cer_case("vsai_any_vendor", 2001, [](Caps& c) { c.auth = {}; c.vsai = {{0, 4, 0}}; }),
        cer_case("vsai_acct", 2001, [](Caps& c) { c.auth = {}; c.vsai = {{10415, 0, 4}}; }),
        cer_case("relay", 2001, [](Caps& c) { c.auth = {0xffffffff}; }),
        cer_case("inband_none", 2001, [](Caps& c) { c.inband = {1, 0}; }),
        cer_case("no_origin_state", 2001, [](Caps& c) { c.origin_state_id = 0; }),
        cer_case("unknown", 3010, [](Caps& c) { c.host = "gw2.example.net"; }),
        cer_case("other_app", 5010, [](Caps& c) { c.auth = {16777238}; }),
        cer_case("no_app", 5010, [](Caps& c) { c.auth = {}; }),
        cer_case("only_tls", 5017, [](Caps& c) { c.inband = {1}; }),
        cer_case("no_host", 5005, [](Caps& c) { c.host = ""; }),
        cer_case("no_realm", 5005, [](Caps& c) { c.realm = ""; }),
        cer_case("no_host_ip", 5005, [](Caps& c) { c.host_ip = false; }),
        cer_case("no_vendor", 5005, [](Caps& c) { c.vendor_id = false; }),
        cer_case("no_product", 5005, [](Caps& c) { c.product_name = false; })),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(PeerMachine, MissingAvpIsNamed) {
  accept(0);
  Caps caps;
  caps.realm = "";
  frame(0, cer(caps));
  const auto failed = find(sent(), base_avp::failed_avp);
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(codec::load32(failed->data.data()), base_avp::origin_realm);
}

TEST_F(PeerMachine, SecondOriginHostIs5009) {
  accept(0);
  frame(0, build(Head{codec::flag_request, 257, 0, 1, 1}, [](codec::Writer& w) {
          write_caps(w, {});
          w.text(base_avp::origin_host, 0, avp_mandatory, "other.example.net");
        }));
  EXPECT_EQ(result_of(sent()), 5009u);
  EXPECT_EQ(action.close, Close::after_sending);
}

TEST_F(PeerMachine, UnknownPeerIsNamedAndMayBeAccepted) {
  accept(0);
  Caps caps;
  caps.host = "new.example.net";
  frame(0, cer(caps));
  EXPECT_TRUE(noted(EventKind::unknown_peer));
  EXPECT_EQ(table[0].info().origin_host.view(), "new.example.net");
  node.settings.accept_unknown = true;
  node.settings.unknown_dialect = 3;
  open(1, caps);
  EXPECT_EQ(table[1].info().configured, none);
  EXPECT_EQ(table[1].info().dialect, 3);
}

TEST_F(PeerMachine, ConnectionsPerHost) {
  node.settings.connections_per_host_max = 2;
  open(0);
  open(1);
  accept(2);
  frame(2, cer());
  EXPECT_EQ(result_of(sent()), 5012u);
  EXPECT_EQ(action.close, Close::after_sending);
  table[0].on_closed(action);
  EXPECT_TRUE(noted(EventKind::peer_down));
  open(2);
}

TEST_F(PeerMachine, OurOwnNameIsRefused) {
  node.add("ocs.example.net");
  accept(0);
  Caps caps;
  caps.host = "OCS.example.net";
  frame(0, cer(caps));
  EXPECT_EQ(result_of(sent()), 5012u);
}

// ---- every state and every message -----------------------------------------------------------

enum class Expect { nothing, discard, deliver, close, reply };

struct Kind {
  const char* name;
  Message (*make)();
  Expect open;           // in state open
  std::uint32_t result;  // of the reply
};

const Kind kinds[] = {
    {"cer", [] { return cer(); }, Expect::reply, 5012},
    {"cea", [] { return cea({}, 0x99); }, Expect::discard, 0},
    {"dwr", [] { return dwr(); }, Expect::reply, 2001},
    {"dwa", [] { return dwa(0x99); }, Expect::discard, 0},
    {"dpr", [] { return dpr(); }, Expect::reply, 2001},
    {"dpa", [] { return dpa(0x99); }, Expect::discard, 0},
    {"ccr_gy", [] { return ccr(5); }, Expect::deliver, 0},
    {"cca", [] { return answer(272, 5, 4); }, Expect::discard, 0},
    {"raa", [] { return answer(258, 5, 4); }, Expect::deliver, 0},
    {"asa", [] { return answer(274, 5, 4); }, Expect::deliver, 0},
    {"ccr_gx_not_served", [] { return ccr(5, 0, 16777238); }, Expect::reply, 3007},
    {"acr", [] { return build(Head{0xc0, 271, 3, 1, 1}, write_origin); }, Expect::reply, 3007},
    {"rar", [] { return build(Head{0xc0, 258, 4, 1, 1}, write_origin); }, Expect::reply, 3001},
    {"str", [] { return build(Head{0xc0, 275, 4, 1, 1}, write_origin); }, Expect::reply, 3001},
    {"base_unknown", [] { return build(Head{0x80, 999, 0, 1, 1}, write_origin); }, Expect::reply,
     3001},
    {"error_request", [] { return build(Head{0xe0, 272, 4, 1, 1}, write_origin); }, Expect::reply,
     3008},
    {"reserved_bit", [] { return build(Head{0xc8, 272, 4, 1, 1}, write_origin); }, Expect::reply,
     5013},
    {"answer_with_t", [] { return build(Head{0x50, 258, 4, 1, 1}, write_origin); },
     Expect::discard, 0},
    {"answer_reserved", [] { return build(Head{0x41, 258, 4, 1, 1}, write_origin); },
     Expect::discard, 0},
    {"retransmitted_ccr", [] { return build(Head{0xd0, 272, 4, 1, 1}, write_origin); },
     Expect::deliver, 0},
};

class EveryMessage : public PeerMachine, public ::testing::WithParamInterface<Kind> {
 protected:
  void expect(Expect what, std::uint32_t result) {
    EXPECT_EQ(action.deliver, what == Expect::deliver);
    EXPECT_EQ(action.discarded, what == Expect::discard);
    EXPECT_EQ(action.close != Close::no, what == Expect::close);
    if (what == Expect::reply) {
      ASSERT_GT(action.tx_bytes, 0u);
      EXPECT_EQ(result_of(sent()), result);
      const codec::Header header = codec::read_header(sent());
      EXPECT_EQ((header.flags & codec::flag_error) != 0, result / 1000 == 3);
      EXPECT_FALSE(header.is_request());
      EXPECT_EQ(u32_of(sent(), base_avp::origin_state_id) % 42, 0u);  // ours, where it stands
    } else {
      EXPECT_EQ(action.tx_bytes, 0u);
    }
  }
};

TEST_P(EveryMessage, Open) {
  open(0);
  frame(0, GetParam().make());
  expect(GetParam().open, GetParam().result);
  const bool goodbye = std::string_view(GetParam().name) == "dpr";
  EXPECT_EQ(table[0].state(), goodbye ? State::dpr_received : State::open);
}

TEST_P(EveryMessage, WaitCer) {
  accept(0);
  frame(0, GetParam().make());
  if (std::string_view(GetParam().name) == "cer") {
    EXPECT_EQ(table[0].state(), State::open);
    return;
  }
  expect(Expect::close, 0);
  EXPECT_EQ(action.close, Close::now);
  EXPECT_TRUE(noted(EventKind::bad_first_message));
}

TEST_P(EveryMessage, WaitCea) {
  connect(0);
  frame(0, GetParam().make());  // none of them has our CER's Hop-by-Hop
  expect(Expect::close, 0);
}

TEST_P(EveryMessage, WaitReturns) {
  NodeSettings& n = node;
  n.settings.node.origin_host.assign("aaa.example.net");  // loses against gw1
  connect(0);
  accept(1);
  frame(1, cer());
  ASSERT_EQ(table[1].state(), State::wait_returns);
  EXPECT_EQ(action.tx_bytes, 0u);
  frame(1, GetParam().make());
  expect(Expect::close, 0);
}

TEST_P(EveryMessage, WaitDpa) {
  open(0);
  table[0].disconnect(node.settings, 0, start, action);
  ASSERT_EQ(table[0].state(), State::wait_dpa);
  frame(0, GetParam().make());
  expect(GetParam().open, GetParam().result);  // what is under way is still served
  EXPECT_EQ(table[0].state(), State::wait_dpa);
}

TEST_P(EveryMessage, DprReceived) {
  open(0);
  frame(0, dpr());
  frame(0, GetParam().make());
  const bool request = codec::read_header(GetParam().make()).is_request();
  const bool late_request = request && GetParam().open == Expect::deliver;
  expect(late_request ? Expect::discard : GetParam().open, GetParam().result);
}

INSTANTIATE_TEST_SUITE_P(All, EveryMessage, ::testing::ValuesIn(kinds),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_F(PeerMachine, ErrorAnswerKeepsSessionIdAndProxyInfo) {
  open(0);
  frame(0, build(Head{0xc0, 272, 16777238, 0x77, 0x88}, [](codec::Writer& w) {
          w.text(base_avp::session_id, 0, avp_mandatory, "s;1;2");
          write_origin(w);
          for (const char* state : {"one", "three"}) {
            const auto group = w.begin_group(base_avp::proxy_info, 0, avp_mandatory);
            w.text(280, 0, avp_mandatory, "proxy");
            w.text(33, 0, avp_mandatory, state);
            w.end_group(group);
          }
        }));
  const codec::Header header = codec::read_header(sent());
  EXPECT_EQ(header.flags, codec::flag_proxiable | codec::flag_error);
  EXPECT_EQ(header.application, 16777238u);
  EXPECT_EQ(header.hop_by_hop, 0x77u);
  EXPECT_EQ(header.end_to_end, 0x88u);
  codec::AvpCursor cursor(sent().subspan(codec::header_bytes));
  codec::Avp avp;
  std::vector<std::uint32_t> codes;
  while (cursor.next(avp)) codes.push_back(avp.code);
  EXPECT_FALSE(cursor.error());
  EXPECT_EQ(codes.front(), base_avp::session_id);
  EXPECT_EQ(std::count(codes.begin(), codes.end(), base_avp::proxy_info), 2);
}

TEST_F(PeerMachine, BrokenAvpInDwrIs5014WithFailedAvp) {
  open(0);
  Message message = dwr();
  codec::store24(message.data() + codec::header_bytes + 5, 4000);  // Origin-Host runs past the end
  frame(0, message);
  EXPECT_EQ(result_of(sent()), 5014u);
  codec::AvpCursor cursor(find(sent(), base_avp::failed_avp)->data);
  codec::Avp inner;
  ASSERT_TRUE(cursor.next(inner));
  EXPECT_EQ(inner.code, base_avp::origin_host);
}

TEST_F(PeerMachine, BadFraming) {
  const Message message = ccr(1);
  const codec::Bytes bytes{message};
  accept(0);
  table[0].on_bad_framing(node.settings, bytes.first(20), ResultCode::unsupported_version, action);
  EXPECT_EQ(action.close, Close::now);  // no CER yet: no answer
  EXPECT_EQ(action.tx_bytes, 0u);
  open(1);
  table[1].on_bad_framing(node.settings, bytes.first(20), ResultCode::unsupported_version, action);
  EXPECT_EQ(result_of(sent()), 5011u);
  EXPECT_EQ(action.close, Close::after_sending);
  EXPECT_TRUE(noted(EventKind::bad_bytes));
  open(2);
  table[2].on_bad_framing(node.settings, bytes.first(3), ResultCode::invalid_message_length,
                          action);
  EXPECT_EQ(action.tx_bytes, 0u);
  EXPECT_EQ(action.close, Close::now);
}

TEST_F(PeerMachine, HeaderFaultInTheCerIsAnsweredAndCloses) {
  accept(0);
  frame(0, cer({}, Head{codec::flag_request | 0x04}));
  EXPECT_EQ(result_of(sent()), 5013u);
  EXPECT_EQ(action.close, Close::after_sending);
}

// ---- initiator and election ------------------------------------------------------------------

TEST_F(PeerMachine, InitiatorOpens) {
  const std::uint32_t hop_by_hop = connect(0);
  EXPECT_TRUE(codec::read_header(sent()).is_request());
  EXPECT_EQ(codec::read_header(sent()).command, 257u);
  EXPECT_EQ(u32_of(sent(), base_avp::origin_state_id), 42u);
  frame(0, cea({}, hop_by_hop));
  EXPECT_EQ(table[0].state(), State::open);
  EXPECT_TRUE(noted(EventKind::peer_up));
  EXPECT_TRUE(table[0].info().initiated);
}

TEST_F(PeerMachine, InitiatorRefusesWhatItDidNotMean) {
  struct Case {
    Caps caps;
    ResultCode code;
  };
  std::vector<Case> cases(4);
  cases[0].caps.result = 3010;
  cases[0].code = ResultCode::unknown_peer;
  cases[1].caps.host = "impostor.example.net";
  cases[1].code = ResultCode::unknown_peer;
  cases[2].caps.auth = {1};
  cases[2].code = ResultCode::no_common_application;
  cases[3].caps.host = "";
  cases[3].code = ResultCode::missing_avp;
  for (const Case& one : cases) {
    const std::uint32_t hop_by_hop = connect(0);
    frame(0, cea(one.caps, hop_by_hop));
    EXPECT_EQ(action.close, Close::now);
    ASSERT_EQ(action.events_count, 1u);
    EXPECT_EQ(action.events[0].kind, EventKind::connect_failed);
    EXPECT_EQ(action.events[0].code, one.code);
    EXPECT_NE(table[0].state(), State::open);
  }
}

TEST_F(PeerMachine, InitiatorWantsTheConfiguredRealm) {
  node.list[0].origin_realm.assign("elsewhere.net");
  frame(0, cea({}, connect(0)));
  EXPECT_EQ(action.close, Close::now);
  EXPECT_EQ(action.events[0].code, ResultCode::unknown_peer);
  node.list[0].origin_realm.assign("EXAMPLE.net");
  frame(0, cea({}, connect(0)));
  EXPECT_EQ(table[0].state(), State::open);
}

// Whoever does not want to talk is not called again after one Tc (interop.md c.2).
TEST_F(PeerMachine, PauseBeforeTheNextConnection) {
  struct Case {
    std::uint32_t cause, pause;
  };
  for (const Case one : {Case{0, 1}, Case{1, 10}, Case{2, 200}, Case{3, 1}}) {
    frame(0, cea({}, connect(0)));
    ASSERT_EQ(table[0].state(), State::open);
    frame(0, dpr(one.cause));
    table[0].on_closed(action);
    EXPECT_EQ(table[0].pause_tcs(), one.pause) << one.cause;
  }
  Caps busy;
  busy.result = 3004;
  frame(0, cea(busy, connect(0)));
  EXPECT_EQ(table[0].pause_tcs(), 10u);
  connect(0);
  EXPECT_EQ(table[0].pause_tcs(), 1u);
}

TEST_F(PeerMachine, ElectionWon) {
  // "ocs" > "gw1": the responder, we, keeps the inbound connection.
  connect(0);
  accept(1);
  frame(1, cer());
  EXPECT_EQ(action.close_other, 0u);
  EXPECT_EQ(result_of(sent()), 2001u);
  EXPECT_EQ(table[1].state(), State::open);
  EXPECT_TRUE(noted(EventKind::election_won));
}

TEST_F(PeerMachine, ElectionLostThenOutboundOpens) {
  node.settings.node.origin_host.assign("AAA.example.net");
  const std::uint32_t hop_by_hop = connect(0);
  accept(1);
  frame(1, cer());
  EXPECT_EQ(table[1].state(), State::wait_returns);
  frame(0, cea({}, hop_by_hop));
  EXPECT_TRUE(action.settle);
  EXPECT_EQ(table.find_parked("gw1.example.net"), 1u);
  table[1].settle(table, false, start, action);
  EXPECT_EQ(result_of(sent()), 4003u);
  EXPECT_EQ(codec::read_header(sent()).hop_by_hop, 0x11u);
  EXPECT_EQ(action.close, Close::after_sending);
}

TEST_F(PeerMachine, ElectionLostThenOutboundFails) {
  node.settings.node.origin_host.assign("aaa.example.net");
  connect(0);
  accept(1);
  frame(1, cer());
  table[0].on_closed(action);
  EXPECT_TRUE(action.settle);
  table[1].settle(table, true, start, action);
  EXPECT_EQ(result_of(sent()), 2001u);
  EXPECT_EQ(table[1].state(), State::open);
  EXPECT_TRUE(noted(EventKind::peer_up));
}

// ---- time ------------------------------------------------------------------------------------

TEST_F(PeerMachine, CerDeadline) {
  accept(0);
  EXPECT_EQ(table[0].due_at(), start + Seconds{20});
  table[0].on_time(node.settings, start + Seconds{19}, action);
  EXPECT_EQ(action.close, Close::no);
  table[0].on_time(node.settings, start + Seconds{20}, action);
  EXPECT_EQ(action.close, Close::now);
  EXPECT_TRUE(noted(EventKind::cer_missing));
}

TEST_F(PeerMachine, ConnectAndCeaDeadlines) {
  table[0].on_connecting(node.settings, 0, 1, start);
  table[0].on_time(node.settings, start + Seconds{10}, action);
  EXPECT_EQ(action.close, Close::now);
  connect(1);
  table[1].on_time(node.settings, start + Seconds{10}, action);
  EXPECT_EQ(action.close, Close::now);
  EXPECT_TRUE(noted(EventKind::connect_failed));
}

TEST_F(PeerMachine, WatchdogAsksSuspectsAndCloses) {
  open(0);
  table[0].on_time(node.settings, start + Seconds{29}, action);
  EXPECT_EQ(action.tx_bytes, 0u);
  table[0].on_time(node.settings, start + Seconds{30}, action);
  ASSERT_GT(action.tx_bytes, 0u);
  EXPECT_EQ(codec::read_header(sent()).command, 280u);
  EXPECT_EQ(u32_of(sent(), base_avp::origin_state_id), 42u);
  table[0].on_time(node.settings, start + Seconds{60}, action);
  EXPECT_TRUE(noted(EventKind::suspect));
  EXPECT_TRUE(table[0].suspect());
  EXPECT_EQ(action.tx_bytes, 0u);
  table[0].on_time(node.settings, start + Seconds{90}, action);
  EXPECT_EQ(action.close, Close::now);
  EXPECT_TRUE(noted(EventKind::watchdog_expired));
}

TEST_F(PeerMachine, AnyMessageRecoversASuspect) {
  open(0);
  table[0].on_time(node.settings, start + Seconds{30}, action);
  table[0].on_time(node.settings, start + Seconds{60}, action);
  frame(0, ccr(1), start + Seconds{70});
  EXPECT_TRUE(noted(EventKind::recovered));
  EXPECT_FALSE(table[0].suspect());
  EXPECT_EQ(table[0].due_at(), start + Seconds{100});
}

TEST_F(PeerMachine, DwaClearsThePendingWatchdog) {
  open(0);
  table[0].on_time(node.settings, start + Seconds{30}, action);
  const std::uint32_t hop_by_hop = codec::read_header(sent()).hop_by_hop;
  frame(0, dwa(hop_by_hop), start + Seconds{31});
  EXPECT_FALSE(action.discarded);
  table[0].on_time(node.settings, start + Seconds{61}, action);
  EXPECT_GT(action.tx_bytes, 0u);  // asks again instead of suspecting
  EXPECT_FALSE(table[0].suspect());
}

TEST_F(PeerMachine, JitterStaysInItsBoundsAndFollowsTheSeed) {
  node.settings.timers.tw_jitter_ms = 2000;
  std::int64_t least = 1 << 30;
  std::int64_t most = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::int64_t twice[2];
    for (std::int64_t& micros : twice) {
      table[0].on_accepted(node.settings, local, seed, start);
      frame(0, cer());
      micros = micros_between(start, table[0].due_at());
    }
    EXPECT_EQ(twice[0], twice[1]);
    least = std::min(least, twice[0]);
    most = std::max(most, twice[0]);
  }
  EXPECT_GE(least, 28'000'000);
  EXPECT_LE(most, 32'000'000);
  EXPECT_GT(most - least, 2'000'000);
}

TEST_F(PeerMachine, DisconnectSaysRebootingAndClosesOnDpa) {
  open(0);
  table[0].disconnect(node.settings, 0, start, action);
  const codec::Header header = codec::read_header(sent());
  EXPECT_EQ(header.command, 282u);
  ASSERT_TRUE(find(sent(), base_avp::disconnect_cause).has_value());
  EXPECT_EQ(u32_of(sent(), base_avp::disconnect_cause), 0u);
  frame(0, dpa(header.hop_by_hop));
  EXPECT_EQ(action.close, Close::after_sending);
}

TEST_F(PeerMachine, DisconnectWithoutDpaEndsByItself) {
  open(0);
  table[0].disconnect(node.settings, 0, start, action);
  table[0].on_time(node.settings, start + Seconds{15}, action);
  EXPECT_EQ(action.close, Close::now);
  open(1);
  frame(1, dpr());
  table[1].on_time(node.settings, start + Seconds{15}, action);
  EXPECT_EQ(action.close, Close::now);
}

}  // namespace
}  // namespace levy::test
