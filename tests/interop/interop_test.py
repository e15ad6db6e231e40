"""Levy against real peers: freeDiameter's and Erlang/OTP's stacks, and Wireshark as judge.

usage: interop_test.py freediameter|erlang|tshark --build DIR
"""
import argparse
import os
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "hostile")]
import recorder  # noqa: E402
import tshark_judge  # noqa: E402
import wire  # noqa: E402
from gateway import Gateway  # noqa: E402
from levyd import Levyd, LevydError  # noqa: E402

IMSI = "001010000000001"
STEP = 1500000  # octets of one price step of plan data-a, 0.25 EUR


def expect_wallet(levyd, imsi, **wanted):
    wallet = levyd.wallet(f"imsi:{imsi}")
    for key, value in wanted.items():
        if round(float(wallet[key]) * 1000000) != round(value * 1000000):
            raise LevydError(f"wallet of {imsi}: {key} is {wallet[key]}, not {value}: {wallet}")


def subscriber(number, wallet):
    return {"account": f"account-{number}", "imsi": f"00101000000000{number}", "plan": "data-a",
            "wallet": wallet}


def until_final_and_topup(levyd, gateway):
    """One session from the first grant over FUI, 4012 and the top-up to its end."""
    gateway.play(f"""
        open s1 imsi={IMSI} rg=1 rsu={STEP}
        expect rc=2001 type=1 number=0 count=1 rg=1 mscc=2001 gsu={STEP} fui=none validity=600
        expect volume-threshold=300000
        update s1 rg=1 usu={STEP} rsu={STEP} rr=3
        expect rc=2001 mscc=2001 gsu={STEP} fui=none
        repeat s1
        expect rc=2001 mscc=2001 gsu={STEP} fui=none""")
    expect_wallet(levyd, IMSI, free=0.25, reserved=0.25, spent=0.25)
    gateway.play(f"""
        update s1 rg=1 usu={STEP} rsu={STEP} rr=3
        expect rc=2001 mscc=2001 gsu={STEP} fui=terminate volume-threshold=none
        update s1 rg=1 usu={STEP} rsu={STEP} rr=3
        expect rc=2001 mscc=4012 gsu=none""")
    expect_wallet(levyd, IMSI, free=0, reserved=0, spent=0.75)
    levyd.ctl("balance", "topup", f"imsi:{IMSI}", "1.00", "EUR")
    session = levyd.sessions(f"imsi:{IMSI}")[0]["session_id"]
    levyd.ctl("session", "reauthorize", session)
    gateway.play(f"""
        wait-rar s1
        update s1 rg=1 rsu={STEP} rr=7
        expect rc=2001 mscc=2001 gsu={STEP} fui=none
        close s1 rg=1 usu=1 rr=2
        expect rc=2001 mscc=2001 gsu=none""")
    expect_wallet(levyd, IMSI, free=0.75, reserved=0, spent=1.00)


def answers_that_are_no_grants(levyd, gateway):
    gateway.play(f"""
        open s2 imsi=001019999999999 rg=1 rsu={STEP}         # nobody
        expect rc=5030
        open s3 imsi=001010000000002 rg=1 rsu=empty / rg=99 rsu=empty / rg=200 rsu=empty
        expect rc=2001 count=3 failed-avp=432
        expect rg=1 mscc=2001 gsu={STEP} rg=99 mscc=5031 gsu=none rg=200 mscc=4010 gsu=none
        update s3 rg=1 usu=10                                # no RSU: debited, nothing granted
        expect rc=2001 rg=1 mscc=2001 gsu=none
        close s3
        expect rc=2001
        open s4 imsi=001010000000002 rsu={STEP}              # no Rating-Group, as Open5GS
        expect rc=2001 count=1 rg=none mscc=2001 gsu={STEP}
        close s4 usu=0
        expect rc=2001
        open s5 imsi=001010000000003 rg=10 rsu={STEP}        # no money, redirect
        expect rc=2001 rg=10 mscc=2001 gsu=none fui=redirect redirect=http://topup.test/
        close s5
        expect rc=2001""")
    expect_wallet(levyd, "001010000000002", reserved=0, spent=0.25)
    expect_wallet(levyd, "001010000000003", reserved=0, spent=0, free=0)


def unknown_session(gateway):
    """A session that only the gateway knows: closed, then reported on again."""
    gateway.play(f"""
        open s6 imsi=001010000000002 rg=1 rsu={STEP}
        close s6
        update s6 rg=1 usu=1 rsu={STEP}
        expect rc=5002""")


def start_levyd(build, options=None):
    levyd = Levyd(build, options=options)
    levyd.import_subscribers([subscriber(1, "0.75"), subscriber(2, "10.00"), subscriber(3, "0.00")])
    return levyd


def test_freediameter(build):
    with start_levyd(build) as levyd:
        with Gateway(build, levyd.port) as gateway:
            until_final_and_topup(levyd, gateway)
            answers_that_are_no_grants(levyd, gateway)
            unknown_session(gateway)
            levyd.restart()  # the gateway must find its way back, and the state be there
            gateway.play(f"""
                wait-open
                open s7 imsi=001010000000002 rg=1 rsu={STEP}
                expect rc=2001 mscc=2001 gsu={STEP}
                close s7""")


def test_erlang(build):
    with start_levyd(build) as levyd:
        run_erlang(levyd.port)
        expect_wallet(levyd, "001010000000002", reserved=0, spent=0.50)


def run_erlang(port):
    subprocess.run(["escript", os.path.join(HERE, "erlang_client.escript"),
                    os.path.join(HERE, "credit_control.dia"), str(port), "001010000000002",
                    str(STEP)], check=True, timeout=60)


def refusals(port):
    """Messages that must be refused, by hand: freeDiameter would not send them. {what: code}"""
    charge = wire.charge("raw.test;1;1", wire.INITIAL, 0, IMSI, [wire.mscc(1, rsu=STEP)])
    # Ericsson's SSO-Status: Wireshark knows it, Levy does not.
    unknown = wire.avp(280, 1, vendor=193)
    short = {**charge, 415: wire.avp(415, b"abc")}
    wrong = {**charge, 416: wire.avp(416, 9)}
    twice = {**charge, 456: wire.mscc(1, rsu=STEP) * 2}
    cases = [
        (3001, wire.message(271, list(charge.values()))),  # Accounting
        (3002, wire.ccr({**charge, 293: wire.avp(293, "elsewhere.test")})),
        (3003, wire.ccr({**charge, 283: wire.avp(283, "elsewhere")})),
        (3005, wire.ccr({**charge, 282: wire.avp(282, "levy.test")})),
        (3007, wire.ccr(charge, application=16777238)),
        (3008, wire.ccr(charge, flags=wire.REQUEST | wire.ERROR)),
        (3009, wire.ccr({**charge, 461: wire.avp(461, "32251@3gpp.org", flags=0x41)})),
        (5001, wire.ccr({**charge, 0: unknown})),
        (5002, wire.ccr({**charge, 416: wire.avp(416, wire.UPDATE)})),
        (5004, wire.ccr(wrong)),
        (5005, wire.ccr({code: one for code, one in charge.items() if code != 461})),
        (5007, wire.ccr(twice)),
        (5009, wire.ccr({**charge, 264: charge[264] * 2})),
        (5012, wire.capabilities("raw.test")),
        (5013, wire.ccr(charge, flags=0xC1)),
        (5014, wire.ccr(short)),
        (5030, wire.ccr({**charge, 443: wire.avp(443, [wire.avp(450, 1), wire.avp(444, "1")])})),
        (5015, wire.ccr(charge, length=22)),
    ]
    with wire.Peer(port, "raw.test") as peer:
        peer.open()
        for code, octets in cases:
            got = peer.exchange(octets)
            if got is None or got.result != code:
                raise LevydError(f"refusal {code}: got {got}")
    for code, host, how in ((5010, "relay.test", {"applications": [1]}),
                            (5005, "raw.test", {"drop": [257]}),
                            (5005, "raw.test", {"drop": [266]}),
                            (5005, "raw.test", {"drop": [269]}),
                            (5017, "raw.test", {"extra": [wire.avp(299, 1)]})):
        with wire.Peer(port, host) as peer:
            got = peer.open(**how)
            if got is None or got.result != code:
                raise LevydError(f"CER, {code}: got {got}")
    return len(cases) - 1  # one answers a CER


def answers_to_events(port):
    """Answers that a P-GW does not ask for: Proxy-Info, CHECK_BALANCE, PRICE_ENQUIRY, time."""
    with wire.Peer(port, "raw.test") as peer:
        peer.open()
        for number, action in enumerate((0, 2, 3)):
            event = wire.charge(f"raw.test;event;{number}", wire.EVENT, number,
                                "001010000000002", [wire.mscc(1, rsu=STEP)])
            event[436] = wire.avp(436, action)
            event[284] = wire.avp(284, [wire.avp(280, "agent.test"), wire.avp(33, b"state")])
            got = peer.exchange(wire.ccr(event))
            if got is None or got.result != 2001 or len(got.all(284)) != 1:
                raise LevydError(f"event, Requested-Action {action}: got {got}")
    return 3


def everything_that_a_plan_can_have_sent(levyd, port):
    """Triggers, filters, failure handling; then 4011 of the command."""
    row = {**subscriber(4, "0.25"), "plan": "all-avps"}
    levyd.import_subscribers([row])
    with wire.Peer(port, "raw.test") as peer:
        peer.open()
        for number, (rating_group, code) in enumerate(((1, 2001), (2, 4011))):
            got = peer.exchange(wire.ccr(wire.charge(f"raw.test;all;{number}", wire.INITIAL, 0,
                                                     "001010000000004",
                                                     [wire.mscc(rating_group, rsu=STEP)])))
            if got is None or got.result != code:
                raise LevydError(f"Rating-Group {rating_group}: got {got}")
            if code == 2001 and (len(got.all(418)), len(got.all(427))) != (1, 1):
                raise LevydError(f"no failure handling: {got}")
            inside = {one.code for service in got.all(456) for one in service.inside()}
            if code == 2001 and not {430, 431, 871, 1264} <= inside:
                raise LevydError(f"of the plan's AVPs only {inside}")
    return 2


def watchdog_and_drain(levyd, port):
    """levyd asks an idle peer (DWR), answers its DWR, and says DPR when it is stopped."""
    with wire.Peer(port, "raw.test") as peer, wire.Peer(port, "leaving.test") as leaving:
        peer.open()
        leaving.open()
        got = peer.receive()  # due after 6 s, jittered by 2 s at most
        if got is None or not got.request or got.command != wire.DWR:
            raise LevydError(f"a DWR was due: got {got}")
        peer.answer(got)
        if peer.exchange(wire.watchdog("raw.test")).result != 2001:
            raise LevydError("a DWR was not answered with 2001")
        goodbye = [wire.avp(264, "leaving.test"), wire.avp(296, "test"), wire.avp(273, 0)]
        octets = wire.message(wire.DPR, goodbye, application=0, flags=wire.REQUEST)
        if leaving.exchange(octets).result != 2001:
            raise LevydError("a DPR was not answered with 2001")
        drained(levyd, peer)


def drained(levyd, peer):
    """SIGTERM: levyd says DPR (REBOOTING) to the peer, closes after the DPA, ends with code 0."""
    levyd.process.terminate()
    got = peer.receive()
    if got is None or got.command != wire.DPR or got.one(273).number() != 0:
        raise LevydError(f"a DPR, REBOOTING, was due: got {got}")
    peer.answer(got)
    if not peer.closed():
        raise LevydError("the connection stays open after the DPA")
    code = levyd.process.wait(timeout=60)
    levyd.process = None
    if code != 0:
        raise LevydError(f"levyd drained with code {code}")


def requests_of_ours(levyd, peer):
    """What levyd asks over a connection that it made itself: CER, RAR, DWR, DPR."""
    got = peer.receive()
    if got is None or not got.request or got.command != wire.CER:
        raise LevydError(f"a CER was due: got {got}")
    peer.answer(got, wire.avp(257, b"\0\1\x7f\0\0\1"), wire.avp(266, 0),
                wire.avp(269, "accepting", flags=0), wire.avp(258, wire.GY))
    session = "accepting.test;1;1"
    charge = wire.charge(session, wire.INITIAL, 0, "001010000000002", [wire.mscc(1, rsu=STEP)],
                         host="accepting.test")
    got = peer.exchange(wire.ccr(charge))
    if got is None or got.result != 2001 or got.services() != {1: (2001, STEP)}:
        raise LevydError(f"a grant was due: got {got}")
    for more in ([], ["--rating-group", "1"]):
        levyd.ctl("session", "reauthorize", session, *more)
        got = peer.receive()
        if got is None or got.command != wire.RAR or len(got.all(432)) != len(more) // 2:
            raise LevydError(f"a RAR was due: got {got}")
        peer.answer(got, session=[wire.avp(263, session)])
    got = peer.receive()  # due after 6 s, jittered by 2 s at most
    if got is None or not got.request or got.command != wire.DWR:
        raise LevydError(f"a DWR was due: got {got}")
    peer.answer(got)
    drained(levyd, peer)


def levyd_connects(build):
    """Wireshark's word on the requests of ours; levyd makes the connection, through the recorder."""
    with socket.create_server(("127.0.0.1", 0)) as listener, \
            tempfile.TemporaryDirectory() as folder:
        pcap = os.path.join(folder, "requests.pcap")
        port = listener.getsockname()[1]
        with recorder.Recorder(port, pcap, levy_connects=True) as relay:
            options = {"diameter": {"watchdog": "6 s", "reconnect": "1 s", "peers": [
                {"identity": "accepting.test", "connect": f"127.0.0.1:{relay.port}"}]}}
            with start_levyd(build, options) as levyd:
                listener.settimeout(30)
                with wire.Peer.accepted(listener.accept()[0], "accepting.test") as peer:
                    requests_of_ours(levyd, peer)
        return tshark_judge.judge(pcap, {"257R": 1, "258R": 2, "272A": 1, "280R": 1, "282R": 1})


def test_tshark(build):
    """Everything above once more through the recorder, judged by Wireshark's decoder."""
    options = {"diameter": {"watchdog": "6 s", "realms_served": ["test"]}}
    with start_levyd(build, options) as levyd:
        pcap = os.path.join(levyd.directory, "interop.pcap")
        with recorder.Recorder(levyd.port, pcap) as relay:
            with Gateway(build, relay.port) as gateway:
                until_final_and_topup(levyd, gateway)
                answers_that_are_no_grants(levyd, gateway)
                unknown_session(gateway)
            run_erlang(relay.port)
            charged = 22 + refusals(relay.port) - 1  # one refused message is no CCR
            charged += answers_to_events(relay.port)
            charged += everything_that_a_plan_can_have_sent(levyd, relay.port)
            watchdog_and_drain(levyd, relay.port)
        faults, sent = tshark_judge.judge(
            pcap, {"257A": 13, "258R": 1, "272A": charged, "280R": 1, "280A": 1, "282R": 1,
                   "282A": 1})
    more, of_ours = levyd_connects(build)
    print(f"Wireshark decoded {dict(sent)}, and over a connection of Levy's {dict(of_ours)}")
    if faults or more:
        raise LevydError("Wireshark objects:\n" + "\n".join(faults + more))


def main():
    tests = {"freediameter": test_freediameter, "erlang": test_erlang, "tshark": test_tshark}
    parser = argparse.ArgumentParser()
    parser.add_argument("test", choices=tests)
    parser.add_argument("--build", required=True)
    options = parser.parse_args()
    tests[options.test](options.build)
    print(f"interop {options.test}: as expected")


if __name__ == "__main__":
    main()
