"""A reload a second under load: no failed answer, and no use priced by another version than its own.

Each plan version charges (k mod 7 + 1) times the base prices. levyload runs sessions of three rating
groups (pin, next_report, reauthorize); beside it a gateway of ours holds a session that lives from
the first version to the end, and opens one more after each reload, so that in the end more versions
are in use than levyd keeps. The oracle reads nothing but the charging records and the times of the
reloads: it follows each session's groups grant by grant, knows which version every grant must be of,
and works out what each use must have cost, price_v(after) - price_v(before), to the micro.

LEVY_RELOAD_SECONDS says how long (10; the long form is 60), LEVY_RELOAD_RATE the requests a second.
"""
import collections
import json
import os
import queue
import random
import re
import sys
import time

import rig
from book import micros
from ledger import Fault

import records_files
from diameter import Gateway, RE_AUTH

PIN, NEXT, ASK, VOICE = 1, 2, 3, 4
HOW = {PIN: "pin", NEXT: "next_report", ASK: "reauthorize", VOICE: None}  # voice: pin by default
EARLY_RELOADS = 10  # before the load, so that the short form has more versions than are kept, too
RECORD_SLACK_S = 0.05  # a Shard's clock is read once per batch
WALLET = 20_000_000
VERSIONS_KEPT = 16
OPTIONS = {"records": {"directory": "records", "formats": ["jsonl"], "rotate_bytes": "64 MiB",
                       "rotate_every": "60 s", "backlog_max": "256 MiB"}}


def factor(number):
    return number % 7 + 1


def price(rating_group, number, total):
    """Of a running total under the number-th catalogue, in micros."""
    if rating_group == PIN:
        return -(-total // 300_000) * 300_000 * factor(number)
    if rating_group == VOICE:
        return total * 1000 * factor(number)
    return total * factor(number)


def write_plan(path, number):
    k = factor(number)
    prices = {PIN: f"{3 * k // 10}.{3 * k % 10} EUR per 300000 octets",
              NEXT: f"{k} EUR per 1000000 octets, step 1 octets",
              ASK: f"{k} EUR per 1000000 octets, step 1 octets",
              VOICE: f"{k} EUR per 1000 s, step 1 s"}
    services = []
    for rating_group, how in HOW.items():
        one = {"service": f"group-{rating_group}", "rating_groups": [rating_group],
               "unit": "seconds" if rating_group == VOICE else "octets",
               "price": prices[rating_group], "rounding": "up", "validity": "10 min"}
        if how not in (None, "next_report"):
            one["on_new_version"] = how
        services.append(one)
    plan = {"plan": "crash", "currency": "EUR", "overrun": "debt", "services": services}
    with open(path + ".new", "w", encoding="utf-8") as file:
        # The comment makes each catalogue another version, also where its prices came before.
        file.write(f"# catalogue {number}\n{json.dumps(plan, indent=1)}\n")
    os.rename(path + ".new", path)


class Session:
    """A session of our own gateway, which reports some use of each group at every turn."""

    def __init__(self, gateway, name, imsi, groups):
        self.gateway, self.name, self.imsi, self.groups = gateway, name, imsi, groups
        self.number = -1
        self.asked = 0

    def send(self, kind, used=None, groups=None):
        self.number += 1
        pairs = [("Session-Id", self.name), *self.gateway.origin(), ("Destination-Realm", "test"),
                 ("Auth-Application-Id", 4), ("Service-Context-Id", "32251@3gpp.org"),
                 ("CC-Request-Type", kind), ("CC-Request-Number", self.number),
                 ("Subscription-Id", [("Subscription-Id-Type", 1),
                                      ("Subscription-Id-Data", self.imsi)])]
        if kind == 1:
            pairs.append(("Multiple-Services-Indicator", 1))
        for group in groups or self.groups:
            parts = [] if kind == 3 else [("Requested-Service-Unit", [])]
            if used is not None:
                unit = "CC-Time" if group == VOICE else "CC-Total-Octets"
                parts.append(("Used-Service-Unit", [(unit, used)]))
            pairs.append(("Multiple-Services-Credit-Control", [*parts, ("Rating-Group", group)]))
        answer = self.gateway.request(pairs)
        codes = [answer.value("Result-Code")]
        for one in answer.all("Multiple-Services-Credit-Control"):
            codes += [avp.value for avp in one if avp.name == "Result-Code"]
        if set(codes) != {2001}:
            raise Fault(f"{self.name} request {self.number}: {answer.text()}")


class Reload:
    def __init__(self, number, began, ended, answer):
        self.number, self.began, self.ended = number, began, ended
        self.version = answer["plan_version"]
        self.kept = {row["version"] for row in answer["versions"] if row["kept"]}
        self.older = answer["sessions_on_older"]
        self.in_use = {row["version"] for row in answer["versions"] if row["sessions"]}


class Oracle:
    """The records in order against the reloads."""

    def __init__(self, reloads):
        self.reloads = reloads
        self.number = {r.version: r.number for r in reloads}
        self.groups = {}  # (session, rating group) -> [version of the grant, total, granted yet]
        self.counts = collections.Counter()
        self.versions = set()
        self.sessions = set()
        self.at = 0

    def states(self, at):
        """The reloads whose plans may be in force at this time: the last before it, any under way."""
        while self.at + 1 < len(self.reloads) and \
                self.reloads[self.at + 1].ended + RECORD_SLACK_S < at - 5:
            self.at += 1
        found = []
        for reload in self.reloads[self.at:]:
            if reload.began - RECORD_SLACK_S > at:
                break
            if reload.ended + RECORD_SLACK_S < at:
                found = []
            found.append(reload)
        return found

    def take(self, record):
        kind = record["kind"]
        if kind not in ("charge", "late_usage") or "request_type" not in record:
            if kind in ("dispute",):
                raise Fault(f"a dispute: {record}")
            return
        if record["reason"] != "ok":
            raise Fault(f"a failed answer: {record}")
        self.counts["requests"] += 1
        self.sessions.add(record["session_id"])
        at = seconds_of(record["time"])
        states = self.states(at)
        in_force = record["plan_version"]
        if in_force not in {r.version for r in states}:
            raise Fault(f"version {in_force} at {record['time']}; in force: "
                        f"{[(r.version, r.began, r.ended) for r in states]}")
        self.versions.add(in_force)
        for mscc in record["mscc"]:
            self.take_group(record, mscc, in_force, states)
        if record["request_type"] == "termination":
            for mscc in record["mscc"]:
                self.groups.pop((record["session_id"], mscc["rating_group"]), None)

    def kept(self, version, states):
        """True, False, or None where a reload that drops it may be just before or behind."""
        known = {version in r.kept for r in states}
        return known.pop() if len(known) == 1 else None

    def take_group(self, record, mscc, in_force, states):
        rating_group, used = mscc["rating_group"], mscc["used"]
        if mscc["reason"] != "ok":
            raise Fault(f"a failed answer: {record}")
        key = record["session_id"], rating_group
        state = self.groups.setdefault(key, [0, 0])
        rated = mscc["rated_version"]
        if used:
            allowed = self.grant_versions(state[0], in_force, states)
            if rated not in allowed:
                raise Fault(f"{key} request {record['request_number']}: its grant is of version "
                            f"{state[0]}, rated by {rated}, in force {in_force}")
            number = self.number[rated]
            due = price(rating_group, number, state[1] + used) - price(rating_group, number, state[1])
            if micros(mscc["charged"]) != due:
                raise Fault(f"{key} request {record['request_number']}: {used} from {state[1]} under "
                            f"catalogue {number} is {due} micros, charged {mscc['charged']}")
            state[1] += used
            self.counts["uses"] += 1
            self.counts["uses of an older version"] += rated != in_force
            self.counts["uses of a version that was gone"] += rated != state[0]
            if rated != state[0]:
                state[0] = 0  # pinned no more
        if mscc["granted"]:
            pinned = rating_group in (PIN, VOICE) and state[0] != 0
            if not pinned or self.kept(state[0], states) is False:
                state[0] = in_force
            if not used and rated != state[0]:
                raise Fault(f"{key} request {record['request_number']}: granted under {rated}, not "
                            f"{state[0]}")

    def grant_versions(self, version, in_force, states):
        kept = self.kept(version, states)
        if kept is None:
            return {version, in_force}
        return {version} if kept else {in_force}


def seconds_of(text):
    """Unix seconds of "2026-11-25T03:04:05.123456Z"."""
    head, _, fraction = text.rstrip("Z").partition(".")
    whole = calendar_seconds(head)
    return whole + (int(fraction) / 10 ** len(fraction) if fraction else 0)


def calendar_seconds(head, known={}):  # pylint: disable=dangerous-default-value
    if head not in known:
        import calendar  # pylint: disable=import-outside-toplevel
        known[head] = calendar.timegm(time.strptime(head, "%Y-%m-%dT%H:%M:%S"))
    return known[head]


class Test:
    def __init__(self, args):
        self.rig = rig.Rig(args, options=OPTIONS)
        self.rig.wallet = lambda index: WALLET
        self.levyd = self.rig.levyd
        self.plan_path = os.path.join(self.levyd.directory, "plan.yaml")
        self.levyd.configure({**self.levyd.options, "plans": self.plan_path})
        self.records = os.path.join(self.levyd.directory, "records")
        self.reloads = []
        self.sessions = []
        self.random = random.Random(args.seed)

    def reload(self):
        number = len(self.reloads)
        write_plan(self.plan_path, number)
        began = time.time()
        answer = json.loads(self.levyd.ctl("--json", "reload"))
        self.reloads.append(Reload(number, began, time.time(), answer))

    def open(self):
        """One more session that stays; those of an IMSI of its own, which levyload does not use."""
        name = f"held.test;{len(self.sessions)}"
        session = Session(self.gateway, name, self.rig.imsis[-1 - len(self.sessions) % 8],
                          [PIN, NEXT, ASK, VOICE])
        session.send(1)
        self.sessions.append(session)

    def turn(self):
        """Use of every held session, and the answer to whoever is asked for."""
        for session in self.sessions:
            session.send(2, used=self.random.randrange(1, 2000))
        self.take_pushes()

    def take_pushes(self):
        known = {session.name: session for session in self.sessions}
        while True:
            try:
                push = self.gateway.next_push(timeout=0)
            except queue.Empty:
                return
            session = known[push.value("Session-Id")]
            if push.command != RE_AUTH or push.value("Rating-Group") != ASK:
                raise Fault(f"not what a reload asks for:\n{push.text()}")
            session.asked += 1
            session.send(2, used=1, groups=[ASK])

    def settle_pushes(self):
        """After a reload each session that held an older grant of the group is asked for it."""
        before = {session.name: session.asked for session in self.sessions}
        deadline = time.monotonic() + 20
        while any(session.asked == before[session.name] for session in self.sessions):
            self.take_pushes()
            if time.monotonic() > deadline:
                raise Fault("sessions were never asked to report")
            time.sleep(0.005)

    def check_status(self):
        shown = json.loads(self.levyd.ctl("--json", "versions"))
        if shown["plan_version"] != self.reloads[-1].version or \
                shown["sessions_on_older"] < len(self.sessions) - 2:
            raise Fault(f"versions: {shown}")

    def load(self, seconds, result):
        rate = float(os.environ.get("LEVY_RELOAD_RATE", "1000"))
        self.rig.imsis, every = self.rig.imsis[:-8], self.rig.imsis
        load = self.rig.load(self.rig.new_ledger(), "--usu", 100_000, "--rsu", 200_000, "--json",
                             result, duration=seconds, pace=("--rate", rate), allow="2001",
                             duplicates=2)
        self.rig.imsis = every
        return load

    def run(self):
        seconds = float(os.environ.get("LEVY_RELOAD_SECONDS", "10"))
        write_plan(self.plan_path, 0)
        with self.levyd:
            self.levyd.start()
            self.rig.fill()
            self.reload()
            with Gateway(self.levyd.port, "held.test") as self.gateway:
                self.open()
                for _ in range(EARLY_RELOADS):
                    self.reload()
                    self.settle_pushes()
                    self.open()
                result = os.path.join(self.levyd.directory, "load.json")
                load = self.load(seconds, result)
                began, turns = time.monotonic(), 0
                while time.monotonic() < began + seconds and load.poll() is None:
                    turns += 1
                    self.reload()
                    self.open()
                    self.turn()
                    time.sleep(max(0.0, began + turns - time.monotonic()))
                self.rig.end_load(load)
                self.check_status()
                self.turn()
                for session in self.sessions:
                    session.send(3, used=1)
            self.check(result)

    def check(self, result):
        deadline = time.monotonic() + 120
        metric = lambda name: int(float(re.search(rf"^levy_{name} (\S+)$", self.levyd.metrics(),
                                                  re.M).group(1)))
        durable = metric("durable_lsn")
        while metric("charging_records_lsn") < durable:
            if time.monotonic() > deadline:
                raise Fault("the records do not follow")
            time.sleep(0.05)
        oracle = Oracle(self.reloads)
        for path in records_files._files(self.records, ".jsonl"):  # pylint: disable=protected-access
            with open(path, encoding="utf-8") as file:
                for line in file:
                    if line.endswith("\n"):
                        oracle.take(json.loads(line))
        with open(result, encoding="utf-8") as file:
            load = json.load(file)
        answered = sum(load["answered_whole_run"].values()) - load["repeats_sent"]
        ours = sum(session.number + 1 for session in self.sessions)
        if oracle.counts["requests"] < answered + ours:
            raise Fault(f"{oracle.counts['requests']} requests in the records, {answered} answers to "
                        f"levyload and {ours} of ours")
        gone = metric("plan_version_gone_total")
        if len(self.reloads) > VERSIONS_KEPT and gone == 0:
            raise Fault("more versions in use than are kept, and none was dropped")
        if self.levyd.api("GET", "/v1/audit")["holds"] is not True:
            raise Fault("the law does not hold")
        print(f"{len(self.reloads)} reloads, {oracle.counts['requests']} requests of "
              f"{len(oracle.sessions)} sessions ({len(self.sessions)} held through), "
              f"{len(oracle.versions)} versions seen; {oracle.counts['uses']} uses, "
              f"{oracle.counts['uses of an older version']} of an older version, "
              f"{oracle.counts['uses of a version that was gone']} of one that was gone; "
              f"RARs to ours: {sum(s.asked for s in self.sessions)}, to levyload: "
              f"{load.get('re_auth_requests')}")
        slowest = max(r.ended - r.began for r in self.reloads)
        print(f"slowest reload {slowest * 1000:.0f} ms; levyload p99 "
              f"{load['latency']['p99_us']} us, max {load['latency']['max_us']} us")


def main():
    Test(rig.arguments(__doc__)).run()


if __name__ == "__main__":
    sys.exit(rig.run(main))
