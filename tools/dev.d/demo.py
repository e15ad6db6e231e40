"""tools/dev demo: one charged session from the first grant to the top-up, told in plain words.

A real levyd with config/examples' plans and subscribers, a real gateway (freeDiameter), levyctl as
the operator. What is told is also checked: a wrong figure ends the demo with code 1.
usage: demo.py BUILD
"""
import os
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support"), os.path.join(ROOT, "tests", "interop")]
from gateway import Gateway  # noqa: E402
from levyd import Levyd, LevydError  # noqa: E402

EXAMPLES = os.path.join(ROOT, "config", "examples")
ALICE = "imsi:001010000000001"
IMSI = ALICE.split(":")[1]
BONUS = 300_000_000     # octets of alice's bonus bucket
REST = 60_000_000       # octets that 10 EUR buy: 40 steps of 1,500,000 at 0.25 EUR


def tell(text):
    print(f"\n{text}", flush=True)


def show_buckets(levyd):
    for bucket in levyd.subscriber(ALICE)["buckets"]:
        unit = bucket.get("currency", bucket["unit"])
        print(f"    {bucket['kind']}: free {bucket['free']}, reserved {bucket['reserved']}, "
              f"spent {bucket['spent']} {unit}", flush=True)


def require(levyd, kind, **wanted):
    for bucket in levyd.subscriber(ALICE)["buckets"]:
        if bucket["kind"] != kind:
            continue
        for key, value in wanted.items():
            if float(bucket[key]) != value:
                raise LevydError(f"{kind}: {key} is {bucket[key]}, expected {value}")
        return
    raise LevydError(f"alice has no bucket {kind}")


def session(levyd, gateway):
    tell(f"alice's phone attaches; the gateway asks for {BONUS:,} octets. The bonus pays.")
    gateway.play(f"open data imsi={IMSI} rg=1 rsu={BONUS}\nexpect rc=2001 mscc=2001 gsu={BONUS}")
    show_buckets(levyd)
    require(levyd, "bonus-octets", free=0, reserved=BONUS)

    tell("She has used it all; the gateway reports it and asks for 100,000,000 more. The wallet\n"
         f"holds 10 EUR, which buy {REST:,}: that is granted, as the final units.")
    gateway.play(f"update data rg=1 usu={BONUS} rsu=100000000 rr=3\n"
                 f"expect rc=2001 mscc=2001 gsu={REST} fui=terminate")
    show_buckets(levyd)
    require(levyd, "wallet", free=0, reserved=10)

    tell("The last grant is used too, and nothing is left: 4012 for the rating group.")
    gateway.play(f"update data rg=1 usu={REST} rsu=1500000 rr=3\nexpect rc=2001 mscc=4012 gsu=none")
    show_buckets(levyd)
    require(levyd, "wallet", free=0, reserved=0, spent=10)

    tell("The operator tops her up with 5 EUR and has the session asked again: levyd sends a\n"
         "Re-Auth-Request, the gateway answers it and reports anew.")
    levyd.ctl("topup", ALICE, "5.00", "EUR")
    levyd.ctl("session", "reauthorize", levyd.sessions(ALICE)[0]["session_id"])
    gateway.play("wait-rar data\nupdate data rg=1 rsu=1500000 rr=7\n"
                 "expect rc=2001 mscc=2001 gsu=1500000 fui=none")
    show_buckets(levyd)
    require(levyd, "wallet", free=4.75, reserved=0.25, spent=10)

    tell("She detaches after 1,000,000 octets. The started step is charged, the rest is free again.")
    gateway.play("close data rg=1 usu=1000000 rr=2\nexpect rc=2001 mscc=2001 gsu=none")
    show_buckets(levyd)
    require(levyd, "wallet", free=4.75, reserved=0, spent=10.25)


def main():
    build = sys.argv[1]
    tell("levyd starts with the plans of config/examples, in a directory of its own.")
    with Levyd(build, plans=os.path.join(EXAMPLES, "plans")) as levyd:
        tell("levyctl import: the subscribers of config/examples.")
        print(levyd.ctl("import", os.path.join(EXAMPLES, "subscribers.ndjson")).rstrip())
        print("  alice:")
        show_buckets(levyd)
        with Gateway(build, levyd.port) as gateway:
            session(levyd, gateway)
        tell("levyd is stopped by SIGTERM and started again: the account stands as it was.")
        levyd.restart()
        show_buckets(levyd)
        require(levyd, "wallet", free=4.75, reserved=0, spent=10.25)
    tell("levyd has stopped with exit code 0. The demo went as told.")


if __name__ == "__main__":
    try:
        main()
    except LevydError as error:
        sys.exit(f"demo: {error}")
