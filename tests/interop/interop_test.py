"""Levy against real peers: freeDiameter's and Erlang/OTP's stacks, and Wireshark as judge.

usage: interop_test.py freediameter|erlang|tshark --build DIR
"""
import argparse
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import recorder  # noqa: E402
import tshark_judge  # noqa: E402
from gateway import Gateway  # noqa: E402
from levyd import Levyd, LevydError  # noqa: E402

IMSI = "001010000000001"
STEP = 1500000  # octets of one price step of plan data-a, 0.25 EUR


def expect_wallet(levyd, imsi, **wanted):
    wallet = levyd.wallet(f"imsi:{imsi}")
    for key, value in wanted.items():
        if round(float(wallet[key]) * 1000000) != round(value * 1000000):
            raise LevydError(f"wallet of {imsi}: {key} is {wallet[key]}, expected {value}: {wallet}")


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
    levyd.ctl("topup", f"imsi:{IMSI}", "1.00", "EUR")
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


def start_levyd(build):
    levyd = Levyd(build)
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


def test_tshark(build):
    """Everything above once more through the recorder, judged by Wireshark's decoder."""
    with start_levyd(build) as levyd:
        pcap = os.path.join(levyd.directory, "interop.pcap")
        with recorder.Recorder(levyd.port, pcap) as relay:
            with Gateway(build, relay.port) as gateway:
                until_final_and_topup(levyd, gateway)
                answers_that_are_no_grants(levyd, gateway)
                unknown_session(gateway)
            run_erlang(relay.port)
        # Two CEAs, one RAR, and the answers that the scripts above count.
        faults, sent = tshark_judge.judge(pcap, {257: 2, 258: 1, 272: 20, 282: 2})
        print(f"Wireshark decoded {dict(sent)}")
        if faults:
            raise LevydError("Wireshark objects:\n" + "\n".join(faults))


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
