"""A levyd on the example plans that writes records, and the use that the tests explain and replay.

    python3 tests/plan/recorded.py --build build/release > tests/plan/example.jsonl

makes the records that the whole outputs of group_explain are of: a real run, whose times of use are
given by Event-Timestamps of the evening before.
"""
import argparse
import itertools
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
import records_files  # noqa: E402
from diameter import Gateway  # noqa: E402
from levyd import Levyd  # noqa: E402

PLANS = os.path.normpath(os.path.join(HERE, "..", "..", "config", "examples", "plans"))
INITIAL, UPDATE, TERMINATION, EVENT = 1, 2, 3, 4
CONTEXTS = {"data": "32251@3gpp.org", "voice": "32260@3gpp.org", "sms": "32274@3gpp.org"}
NAMES = {"data": "CC-Total-Octets", "voice": "CC-Time", "sms": "CC-Service-Specific-Units"}
NTP_EPOCH_S = 2208988800
EUTRAN = 6
MB = 1000000


class Recorded:
    def __init__(self, build, plans=PLANS):
        options = {"records": {"directory": "records"},
                   "sessions": {"event_time_skew_max": "2 d"}}
        self.levyd = Levyd(build, plans=plans, options=options)
        self.directory = os.path.join(self.levyd.directory, "records")
        self.gateway = Gateway(self.levyd.port)
        self.numbers = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.gateway.drop()
        self.levyd.__exit__(*error)

    def account(self, plan, wallet, **buckets):
        number = next(self.numbers)
        row = {"account": f"account-{number}", "imsi": f"26201{number:010}", "plan": plan,
               "wallet": wallet, "buckets": {k.replace("_", "-"): v for k, v in buckets.items()}}
        self.levyd.import_subscribers([row])
        return row

    def records(self):
        """All that are due; the feed follows the journal."""
        def metric(name):
            return next(int(line.split()[1]) for line in self.levyd.metrics().splitlines()
                        if line.startswith(name + " "))
        durable = metric("levy_durable_lsn")
        deadline = time.monotonic() + 60
        while metric("levy_charging_records_lsn") < durable:
            assert time.monotonic() < deadline, "the feed does not follow"
            time.sleep(0.02)
        return records_files.records(self.directory)

    def session(self, account, context, name=None):
        return Session(self, account, context, name or f"pgw.test;{next(self.numbers)};1")


class Session:
    def __init__(self, world, account, context, name):
        self.world, self.account, self.context, self.name = world, account, context, name
        self.number = -1

    def send(self, kind, group, used=None, ask=True, at=None, plmn=None, rat=None, called=None):
        """One request of one rating group; whether it was granted units."""
        self.number += 1
        at = int(time.time() if at is None else at)
        gateway = self.world.gateway
        pairs = [("Session-Id", self.name), *gateway.origin(), ("Destination-Realm", "test"),
                 ("Auth-Application-Id", 4), ("Service-Context-Id", CONTEXTS[self.context]),
                 ("CC-Request-Type", kind), ("CC-Request-Number", self.number),
                 ("Event-Timestamp", (at + NTP_EPOCH_S) % 2**32),
                 ("Subscription-Id", [("Subscription-Id-Type", 1),
                                      ("Subscription-Id-Data", self.account["imsi"])])]
        if kind == EVENT:
            pairs.append(("Requested-Action", 0))
        else:
            pairs.append(("Multiple-Services-Indicator", 1))
        amount = [(NAMES[self.context], used)] if used is not None else []
        units = [("Requested-Service-Unit", amount if kind == EVENT else [])] if ask else []
        if used is not None and kind != EVENT:
            units.append(("Used-Service-Unit", amount))
        rating_group = [] if group is None else [("Rating-Group", group)]
        pairs.append(("Multiple-Services-Credit-Control", units + rating_group))
        information = []
        if called is not None:
            information.append(("IMS-Information", [("Role-Of-Node", 0),
                                                    ("Called-Party-Address", "tel:+" + called)]))
        network = [("3GPP-SGSN-MCC-MNC", plmn)] if plmn else []
        network += [("3GPP-RAT-Type", bytes([rat]))] if rat else []
        if network:
            information.append(("PS-Information", network))
        if information:
            pairs.append(("Service-Information", information))
        answer = gateway.request(pairs)
        return any(avp.name == "Granted-Service-Unit"
                   for one in answer.all("Multiple-Services-Credit-Control") for avp in one)

    def call(self, at, called, *seconds):
        """Reports of so many seconds each, the last one ends it."""
        facts = {"called": called}
        self.send(INITIAL, 20, at=at, **facts)
        for used in seconds[:-1]:
            at += used
            self.send(UPDATE, 20, used, at=at, **facts)
        self.send(TERMINATION, 20, seconds[-1], ask=False, at=at + seconds[-1], **facts)

    def download(self, group, at, *octets, **facts):
        self.send(INITIAL, group, at=at, **facts)
        for used in octets[:-1]:
            self.send(UPDATE, group, used, at=at, **facts)
        self.send(TERMINATION, group, octets[-1], ask=False, at=at, **facts)


def berlin_evening(now=None):
    """18:55 UTC of the day before: 19:55 in Berlin in winter, five minutes before the peak ends."""
    now = int(time.time() if now is None else now)
    return now - now % 86400 - 86400 + 18 * 3600 + 55 * 60


def make_example(world):
    at = berlin_evening()
    smart = world.account("prepaid-smart", "20.00", month_bundle="3000000")
    world.session(smart, "data", "data;1").download(
        10, at, 4 * MB, 1990 * MB, 12345678, plmn="26201", rat=EUTRAN)
    world.session(smart, "data", "roaming;1").download(10, at, 1234567, 50000, plmn="310410",
                                                       rat=EUTRAN)
    talk = world.account("talk-contract", "0.00")
    world.session(talk, "voice", "call;1").call(at, "493012345", 300, 61)
    world.session(talk, "voice", "short;1").call(at, "33123456", 5)
    poor = world.account("sms-a", "0.20")
    for number in (1, 2):
        world.session(poor, "sms", f"sms;{number}").send(EVENT, 30, 1, at=at)
    month = world.account("prepaid-month", "30.00")
    world.session(month, "data", "month;1").download(10, at, 7 * MB, plmn="26201", rat=EUTRAN)


def make_random(world, seed, count):
    """Sessions of every kind that the examples have, with facts that change within them."""
    draw = random.Random(seed)
    now = int(time.time())
    for _ in range(count):
        plan, context, group = draw.choice(
            [("prepaid-smart", "data", 10), ("prepaid-smart", "data", 11), ("data-plus", "data", 1),
             ("talk-contract", "voice", 20), ("prepaid-month", "data", 10),
             ("iot-meter", "data", None)])
        bundle = {"month_bundle": str(draw.randrange(1, 30) * MB)} if draw.random() < 0.4 else {}
        account = world.account(plan, draw.choice(["0.30", "5.00", "500.00"]), **bundle)
        session = world.session(account, context)
        at = now - draw.randrange(0, 86400)
        last = draw.randrange(1, 6)
        for number in range(last + 1):
            used = draw.choice([0, 1, draw.randrange(1, 2000),
                                draw.randrange(1, 300 * MB if context == "data" else 900)])
            kind = INITIAL if number == 0 else TERMINATION if number == last else UPDATE
            facts = {"called": draw.choice(["493012345", "33123456", "4990012345", "15551234"])} \
                if context == "voice" else \
                {"plmn": draw.choice([None, "26201", "20801", "310410"]),
                 "rat": draw.choice([None, 1, EUTRAN, 8])}
            session.send(kind, group, used if number else None, ask=kind != TERMINATION and
                         draw.random() < 0.9, at=at, **facts)
            at += draw.randrange(0, 3600)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    with Recorded(parser.parse_args().build) as world:
        make_example(world)
        world.records()
        for name in sorted(os.listdir(world.directory)):
            with open(os.path.join(world.directory, name), encoding="utf-8") as file:
                sys.stdout.write(file.read())


if __name__ == "__main__":
    main()
