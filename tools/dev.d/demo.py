"""tools/dev demo: one charged session from the first grant to the top-up, told in plain words.

A real levyd with config/examples' plans and subscribers, a real gateway (freeDiameter), levyctl as
the operator. What is told is also checked: a wrong figure ends the demo with code 1.
usage: demo.py BUILD
"""
import os
import re
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
STEP = 1_500_000
RESULTS = {"2001": "success", "4010": "denied", "4012": "credit limit reached"}
REQUESTS = {"open": "CCR initial", "update": "CCR update", "close": "CCR termination"}
FINAL = {"0": "then end the service", "1": "then redirect", "2": "then restrict"}


def tell(text):
    print(f"\n{text}", flush=True)


def show_account(levyd):
    for bucket in levyd.subscriber(ALICE)["buckets"]:
        unit = bucket.get("currency", bucket["unit"])
        amounts = [bucket[key] for key in ("free", "reserved", "spent")]
        if unit == "octets":
            amounts = [f"{int(amount):,}" for amount in amounts]
        print(f"    {bucket['kind'] + ',':13} {unit + ':':7} {amounts[0]:>12} free "
              f"{amounts[1]:>12} reserved {amounts[2]:>12} spent", flush=True)


def show_wire(lines):
    """What the gateway saw: `key=value` lines of gateway.cpp, `-` where there is nothing."""
    for line in lines:
        said = {k: v for k, v in re.findall(r"(\S+?)=(\S+)", line) if v != "-"}
        word = line.split()[0]
        if word == "rar":
            print("  levyd   -> RAR     report anew\n  gateway -> RAA     2001 success", flush=True)
        elif word == "mscc":
            code = said["mscc"]
            granted = f", {int(said['gsu']):,} octets granted" if "gsu" in said else ""
            final = f", the last ones: {FINAL[said['fui']]}" if "fui" in said else ""
            print(f"                     rating group {said.get('rg', 'none')}: {code} "
                  f"{RESULTS.get(code, '')}{granted}{final}", flush=True)
        else:
            print(f"  levyd   -> CCA     {said['rc']} {RESULTS.get(said['rc'], '')}", flush=True)


def exchange(gateway, command, script, what):
    print(f"  gateway -> {REQUESTS[command]}: {what}", flush=True)
    show_wire(gateway.play(script))


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
    tell("1. alice's phone attaches. Her bonus pays first; what is granted is reserved.")
    exchange(gateway, "open", f"open data imsi={IMSI} rg=1 rsu={BONUS}\n"
             f"expect rc=2001 mscc=2001 gsu={BONUS}", f"{BONUS:,} octets wanted")
    show_account(levyd)
    require(levyd, "bonus-octets", free=0, reserved=BONUS)

    tell(f"2. The bonus is used up. Her 10 EUR buy {REST:,} octets (0.25 EUR for {STEP:,}):\n"
         "   fewer than wanted are granted, and the gateway is told that they are the last.")
    exchange(gateway, "update", f"update data rg=1 usu={BONUS} rsu=100000000 rr=3\n"
             f"expect rc=2001 mscc=2001 gsu={REST} fui=terminate",
             f"{BONUS:,} octets used, 100,000,000 wanted")
    show_account(levyd)
    require(levyd, "wallet", free=0, reserved=10)

    tell("3. They are used too. The wallet is charged and empty: no more is granted.")
    exchange(gateway, "update", f"update data rg=1 usu={REST} rsu={STEP} rr=3\n"
             "expect rc=2001 mscc=4012 gsu=none", f"{REST:,} octets used, {STEP:,} wanted")
    show_account(levyd)
    require(levyd, "wallet", free=0, reserved=0, spent=10)
    top_up(levyd, gateway)

    tell("5. She detaches after 1,000,000 octets. The started step is charged, nothing stays\n"
         "   reserved.")
    exchange(gateway, "close", "close data rg=1 usu=1000000 rr=2\n"
             "expect rc=2001 mscc=2001 gsu=none", "1,000,000 octets used")
    show_account(levyd)
    require(levyd, "wallet", free=4.75, reserved=0, spent=10.25)


def top_up(levyd, gateway):
    """The operator's change reaches the live session: RAR, RAA, and the gateway's CCR update."""
    tell("4. The operator tops her up; levyd asks the gateway, which had to stop, to come again.\n"
         f"  $ levyctl balance topup {ALICE} 5.00 EUR")
    levyd.ctl("balance", "topup", ALICE, "5.00", "EUR")
    show_wire(gateway.play("wait-rar data"))
    exchange(gateway, "update", f"update data rg=1 rsu={STEP} rr=7\n"
             f"expect rc=2001 mscc=2001 gsu={STEP} fui=none", f"{STEP:,} octets wanted")
    show_account(levyd)
    require(levyd, "wallet", free=4.75, reserved=0.25, spent=10)
    acked = [line for line in levyd.metrics().splitlines()
             if line.startswith("levy_pushes_total") and '"acked"' in line]
    if [float(line.split()[-1]) for line in acked] != [1.0]:
        raise LevydError(f"levyd did not take the Re-Auth-Answer: {acked}")


def buy(levyd):
    """An add-on: its fee is taken from the wallet, and it is held until it ends."""
    tell("6. She buys an add-on: 3 EUR for 30 days, and music (rating group 12) is free.\n"
         f"  $ levyctl buy {ALICE} music-flat")
    levyd.ctl("buy", ALICE, "music-flat")
    show_products(levyd)
    require(levyd, "wallet", free=1.75, reserved=0, spent=13.25)


def show_products(levyd):
    for one in levyd.subscriber(ALICE)["products"]:
        days = round((one["ends_at"] - one["starts_at"]) / 86400)
        print(f"    {one['product']}: {one['state']}, for {days} days", flush=True)
    show_account(levyd)


def main():
    build = sys.argv[1]
    tell("levyd starts with the plans of config/examples, in a directory of its own.")
    with Levyd(build, plans=os.path.join(EXAMPLES, "plans")) as levyd:
        tell("  $ levyctl subscriber import config/examples/subscribers.ndjson")
        print("  " + levyd.ctl("subscriber", "import", os.path.join(EXAMPLES, "subscribers.ndjson")).rstrip())
        print("  What alice has:")
        show_account(levyd)
        with Gateway(build, levyd.port, show=False) as gateway:
            session(levyd, gateway)
        buy(levyd)
        tell("7. levyd is killed (kill -9) and started again: the account stands as it was.")
        levyd.kill()
        levyd.start()
        show_products(levyd)
        require(levyd, "wallet", free=1.75, reserved=0, spent=13.25)
    tell("levyd has stopped with exit code 0. The demo went as told.")


if __name__ == "__main__":
    try:
        main()
    except LevydError as error:
        sys.exit(f"demo: {error}")
