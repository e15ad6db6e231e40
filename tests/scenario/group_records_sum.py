"""The sum over the charging records is the movement of the balances, to the smallest unit.

Random sessions over everything that moves a balance (plans_records.yaml): repeated, reordered, lost,
over the hours at which prices change, with changes of network and RAT, denials, and an operator who
tops up, transfers, sells products and changes plans in their middle; levyd is killed and started
again. Then the files of records alone (records_sum.py) must say what the admin API says, bucket by
bucket, and JSON lines and CSV the same.

LEVY_SCENARIO_SESSIONS=1000000 is the whole size; LEVY_SCENARIO_SEED repeats a run.
"""
import itertools
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from decimal import Decimal
from typing import Callable, NamedTuple

import diameter
from levyd import LevydError, find_program, merge
from records_files import FaultyRecords
from records_sum import FIELDS, Sums
from registry import scenario
from replay import (END_USER_IMSI, INITIAL, NTP_EPOCH_S, OPTIONS, RATING_CONDITION_CHANGE,
                    TERMINATION, UPDATE, Mismatch, World, ask, eventually, network, octets, seconds,
                    subscription)

DUPLICATED, REORDERED, LOST, CHANGED, ACTIONS = 0.05, 0.05, 0.02, 0.2, 0.06
BATCH = 200
SELF_TESTED = 400  # sessions after which the files, whole by then, are checked and spoilt
CHECK_EVERY = 20000
HOSTS = [("one.test", 0), ("one.test", 1), ("two.test", 0)]
HOME, NETWORKS = "26201", ["26201", "20801", "23415", "99999"]
RATS = [1, 2, 6, 10]
BOUNDARIES = [6, 7, 9, 12, 13, 17.5, 19.25, 22]  # hours of plans_records.yaml
CODES = {2001, 4010, 5002}  # of whole answers; groups also 4012, 5031
FORMATS = (".jsonl", ".csv")
EURO = 1000000


def euros(micros):
    return str(Decimal(micros) / EURO)


# ---- sessions ------------------------------------------------------------------------------------
class Request:
    """One message of a session; sent again it keeps its End-to-End."""

    def __init__(self, number, kind, at, where, msccs):
        self.number, self.kind, self.at, self.where, self.msccs = number, kind, at, where, msccs
        self.end_to_end = None


class Talk:
    """One session: its requests in rounds, those of one round under way at once."""
    numbers = itertools.count(1)

    def __init__(self, chance, account):
        self.account = account
        self.host = chance.choice(HOSTS)[0]
        self.id = f"{self.host};{next(Talk.numbers)};records"
        self.chance = chance
        self.groups = [chance.choice((1, 1, 1, 1, 1, 2, 2, None))]
        if chance.random() < 0.3:
            self.groups.append(chance.choice((2, 3, 5, 5, 7) if self.groups != [2] else (3, 5, 7)))
        self.at = int(time.time()) - chance.randrange(9 * 3600, 40 * 3600)
        self.where = (HOME if chance.random() < 0.8 else chance.choice(NETWORKS[1:]),
                      chance.choice(RATS))
        order = self._requests(chance)
        self.rounds = [[request] for request in order]
        for at, request in enumerate(order):
            if chance.random() < DUPLICATED:
                self.rounds[chance.randrange(at, len(order))].append(request)

    def _requests(self, chance):
        order = [self._request(0, INITIAL)]
        count = chance.randrange(1, 6)
        order += [self._request(number, UPDATE) for number in range(1, count)]
        order.append(self._request(count, UPDATE if chance.random() < LOST else TERMINATION))
        for at in range(1, len(order) - 1):
            if chance.random() < REORDERED:
                order[at], order[at + 1] = order[at + 1], order[at]
        return order

    def _request(self, number, kind):
        chance, before, changed = self.chance, self.at, False
        if kind != INITIAL:
            self.at += chance.randrange(60, 5400)
            changed = chance.random() < CHANGED
        if changed and chance.random() < 0.5:
            self.where = (chance.choice(NETWORKS), self.where[1])
        elif changed:
            self.where = (self.where[0], chance.choice(RATS))
        msccs = [self._mscc(group, kind, before, changed) for group in self.groups]
        return Request(number, kind, self.at, self.where, msccs)

    def _mscc(self, group, kind, before, changed):
        """What was used up to now, in two parts where prices changed meanwhile, and a wish."""
        chance = self.chance
        amount = seconds if group == 2 else octets
        rsu = None if kind == TERMINATION else \
            chance.choice(([], amount(chance.randrange(1, 90 if group == 2 else 2500000))))
        if kind == INITIAL:
            return ask(group, rsu=rsu)
        used = chance.choice((0, 1, chance.randrange(300 if group == 2 else 3000000)))
        parts = [used]
        if any(before < crossed <= self.at for crossed in boundaries(before)):
            first = chance.randrange(used + 1)
            parts = [first, used - first]
        reason = [("Reporting-Reason", RATING_CONDITION_CHANGE)] if changed else []
        usus = [reason + ([("Tariff-Change-Usage", i)] if len(parts) == 2 else []) + amount(part)
                for i, part in enumerate(parts)]
        return ask(group, rsu=rsu, usus=usus)

    def pairs(self, request):
        plmn, rat = request.where
        end = [("Termination-Cause", 1)] if request.kind == TERMINATION else []
        return [("Session-Id", self.id), ("Origin-Host", self.host), ("Origin-Realm", "test"),
                ("Origin-State-Id", 1), ("Destination-Realm", "test"),
                ("Auth-Application-Id", diameter.GY), ("Service-Context-Id", "32251@3gpp.org"),
                ("CC-Request-Type", request.kind), ("CC-Request-Number", request.number),
                ("Event-Timestamp", (request.at + NTP_EPOCH_S) % 2**32),
                subscription(END_USER_IMSI, self.account.imsi), *end,
                network(rat=rat, plmn=plmn), *request.msccs]


def boundaries(moment):
    """Of the day of a moment and the next one, in unix seconds."""
    day = moment // 86400 * 86400
    return [day + int(hour * 3600) + more for more in (0, 86400) for hour in BOUNDARIES]


# ---- the run -------------------------------------------------------------------------------------
class Run:
    def __init__(self, build, world, chance, amount):
        self.build, self.world, self.levyd, self.chance = build, world, world.levyd, chance
        self.directory = os.path.join(self.levyd.directory, "records")
        self.sums = {suffix: Sums() for suffix in FORMATS}
        self.given = Counter()    # account -> micros: what its wallet was given by us
        self.codes, self.refused, self.acts = Counter(), Counter(), Counter()
        self.life_charged = 0     # before this life of levyd
        self.dumped = 0           # LSN up to which journaldump was asked
        self.accounts = []
        self._fill(min(max(40, amount // 500), 1000))

    def _fill(self, count):
        """Every second one has little money, some have units or money beside the wallet."""
        chance = self.chance
        self._account("smart", 10**6 * EURO, name="tickets")
        eventually(lambda: self.slices() == 3, "the sponsor's slices")
        for _ in range(count):
            wallet = chance.choice((0, 300000, 2000000, 500 * EURO, 5000 * EURO, 10**5 * EURO))
            buckets = chance.choice(({}, {}, {"bundle": 20000000}, {"bonus": "1.234567"},
                                     {"bundle": 3333333, "bonus": "0.500001"}))
            self.accounts.append(self._account(chance.choice(("smart", "smart", "month")), wallet,
                                               buckets))

    def slices(self):
        """What other Shards hold of the sponsor's wallet."""
        held = self.shown()[0].get(("tickets", "wallet", "EUR"), ())
        return sum(free == 5 * EURO for free, _, _ in held)

    def _account(self, plan, wallet, buckets=None, name=None):
        more = {} if name is None else {"account": name}
        account = self.world.account(plan, euros(wallet), buckets, **more)
        account.name = name or account.name
        self.given[account.name] += wallet
        return account

    # -- what the gateways do
    def gateway(self, host, which):
        return self.world.gateway(host, which, state_id=1)

    def send(self, talk, request, flags=0):
        which = self.chance.choice([which for host, which in HOSTS if host == talk.host])
        pending = self.gateway(talk.host, which).send(
            talk.pairs(request), flags=diameter.REQUEST | diameter.PROXIABLE | flags,
            end_to_end=request.end_to_end)
        request.end_to_end = pending.end_to_end
        return pending

    def take(self, answer):
        code = answer.value("Result-Code")
        self.codes[code] += 1
        if code not in CODES:
            raise Mismatch(f"an answer with {code}:\n{answer.text()}")
        for mscc in answer.all("Multiple-Services-Credit-Control"):
            self.codes.update(avp.value for avp in mscc if avp.name == "Result-Code")

    def play(self, talks, kill):
        """All talks side by side; `kill`: in this round levyd is killed and started again."""
        for turn in range(max(len(talk.rounds) for talk in talks)):
            requests = [(talk, request) for talk in talks for found in talk.rounds[turn:turn + 1]
                        for request in found]
            self.chance.shuffle(requests)
            if turn == kill:
                under_way = self.send_and_kill(requests)
            else:
                under_way = [(talk, request, self.send(talk, request))
                             for talk, request in requests]
            for _, _, pending in under_way:
                self.take(pending.wait())
            for talk in talks:
                if self.chance.random() < ACTIONS:
                    self.act(talk.account)

    def send_and_kill(self, requests):
        """levyd is killed while they are sent; what has no answer is sent again, with the T flag.
        Returns these."""
        under_way, unanswered = [], []
        killed = self.chance.randrange(len(requests))
        for at, (talk, request) in enumerate(requests):
            if at == killed:
                self.levyd.kill()
            try:
                under_way.append((talk, request, self.send(talk, request)))
            except (diameter.Closed, OSError):
                unanswered.append((talk, request))
        for talk, request, pending in under_way:
            try:
                self.take(pending.wait())
            except (diameter.Closed, OSError):
                unanswered.append((talk, request))
        self.acts["unanswered at the kill"] += len(unanswered)
        self.world.drop_gateways()
        self.levyd.start()
        self.read_all()
        self.life_charged = self.sums[".jsonl"].asked_charged
        return [(talk, request, self.send(talk, request, diameter.RETRANSMITTED))
                for talk, request in unanswered]

    # -- what the operator does
    def act(self, account):
        what = self.chance.choice(("topup", "adjust", "transfer", "buy", "buy", "end", "end",
                                   "plan", "status"))
        self.acts[what] += 1
        try:
            getattr(self, what)(account)
        except LevydError as error:
            # 507: in a long run an account comes to hold all the products that it may.
            allowed = (404, 409, 422) + ((507,) if what in ("buy", "plan") else ())
            if not any(f": {status} " in str(error) for status in allowed):
                raise
            self.refused[what] += 1

    def topup(self, account):
        size = self.chance.randrange(1, 9 * EURO)
        account.topup(euros(size))
        self.given[account.name] += size

    def adjust(self, account):
        size = self.chance.randrange(-EURO, EURO) or 1
        account.post("adjust", amount=euros(size), currency="EUR", why="goodwill, \"or\"\nnot")
        self.given[account.name] += size

    def transfer(self, account):
        other, size = self.chance.choice(self.accounts), self.chance.randrange(1, EURO)
        self.levyd.api("POST", "/v1/transfer", {
            "from": "account:" + account.name, "to": "account:" + other.name,
            "amount": euros(size), "currency": "EUR"})
        self.given[account.name] -= size
        self.given[other.name] += size

    def buy(self, account):
        product = self.chance.choice(("pass", "hourly"))
        since = {} if product == "pass" else \
            {"starts": int(time.time()) - self.chance.randrange(5 * 3600)}
        account.post("buy", product=product, **since)

    def end(self, account):
        account.post("end", product=self.chance.choice(("pass", "hourly")))

    def plan(self, account):
        account.post("plan", plan=self.chance.choice(("smart", "month")))

    def status(self, account):
        account.post("status", status=self.chance.choice(("suspended", "active", "active")))

    # -- what the records say
    def durable(self):
        return self.world.metric("levy_durable_lsn")

    def quiet(self):
        """Waits until nothing is written any more; the LSN of the last Record."""
        while True:
            durable = self.durable()
            eventually(lambda: self.world.metric("levy_charging_records_lsn") >= durable, "the feed")
            time.sleep(0.1)
            if self.durable() == durable:
                return durable

    def read_all(self):
        durable = self.quiet()
        for suffix, sums in self.sums.items():
            sums.read(self.directory, suffix, durable)
        return durable

    def shown(self):
        """What the admin API says, in the shape of Sums.left(), and the sums of each place."""
        left, totals = {}, {}
        names = [account.name for account in self.accounts]
        for name in names + ["tickets"] + [f"tickets#{shard}" for shard in range(4)]:
            try:
                buckets = self.levyd.subscriber("account:" + name)["buckets"]
            except LevydError:
                if "#" in name:  # the sponsor's own Shard has no slice
                    continue
                raise
            for bucket in buckets:
                unit = bucket.get("currency", bucket["unit"])
                scale = EURO if "currency" in bucket else 1
                read = {key: int(Decimal(bucket[key]) * scale) for key in FIELDS + ("free",)}
                place = name.partition("#")[0], bucket["kind"], unit
                told = [read[key] for key in FIELDS]
                totals[place] = [a + b for a, b in zip(totals.get(place, [0] * 5), told)]
                one = read["free"], read["reserved"], read["in_transit"]
                if any(one):
                    left.setdefault(place, []).append(one)
        return {place: sorted(held) for place, held in left.items()}, totals

    def check(self):
        """Both formats against the admin API, at one moment."""
        while True:
            durable = self.read_all()
            shown, audit = self.shown(), self.levyd.api("GET", "/v1/audit")
            charged = self.world.metric("levy_charged_micros_total") + self.life_charged
            if self.durable() == durable:  # no fee fell due meanwhile
                break
        for sums in self.sums.values():
            judge(sums, shown, self.given)
            check_audit(sums, audit)
            if sums.asked_charged != charged:
                raise Mismatch(f"{sums.asked_charged} were charged, Levy counts {charged}")
        if self.sums[".jsonl"].digest != self.sums[".csv"].digest:
            raise Mismatch("the CSV does not say what the JSON lines say")
        dump = self.dump(durable)
        for sums in self.sums.values():
            check_gaps(sums, dump)
        self.dumped = durable
        return shown, dump, durable

    def dump(self, upto):
        """What journaldump shows of the Records since the last check: (shard, sequence) -> whether
        it belongs into the records. What fell due meanwhile is the next check's."""
        run = subprocess.run([find_program(self.build, "journaldump"),
                              os.path.join(self.levyd.directory, "data"), "--json", "--from",
                              str(self.dumped + 1), "--to", str(upto)],
                             capture_output=True, text=True, check=True, timeout=600)
        records = map(json.loads, run.stdout.splitlines())
        return {(one["shard"], one["sequence"]): belongs(one) for one in records if "shard" in one}

    def remove_read(self):
        """A long run has more files than disk; mediation would have taken them away as well."""
        for name in os.listdir(self.directory):
            path = os.path.join(self.directory, name)
            if not name.endswith(".part") and self.sums["." + name.split(".")[-1]].has_read(path):
                os.remove(path)


def belongs(record):
    """The feed's rule (engine/feed/README.md): what was charged, and what moved a bucket."""
    return record["kind"] in ("charge", "late_usage", "dispute", "session_lost", "superseded") or \
        any(record.get(part) for part in ("movements", "products", "counters"))


def judge(sums, shown, given):
    """The oracle: what the records leave is what the admin API shows, bucket by bucket."""
    left, totals = shown
    told = sums.left()
    for place in set(left) | set(told):
        if left.get(place) != told.get(place):
            raise Mismatch(f"{place}: free, reserved and in transit are {left.get(place)}, by the "
                           f"records {told.get(place)}")
    for place, fields in totals.items():  # of buckets that do not end: their whole life
        if place[1] in ("wallet", "bundle", "bonus") and sums.totals(place) != fields:
            raise Mismatch(f"{place}: {FIELDS} are {fields}, by the records {sums.totals(place)}")
    for account, micros in given.items():
        if sums.given.get(account, 0) != micros:
            raise Mismatch(f"{account} was given {micros}, by the records {sums.given.get(account)}")
    if sums.charged != sums.spent:
        raise Mismatch(f"{sums.charged} were charged, {sums.spent} were spent")


def check_audit(sums, audit):
    money = [place for place in sums.buckets if place[2] == "EUR"]
    for i, field in enumerate(FIELDS):
        told = sum(sums.totals(place)[i] for place in money)
        if audit["law_violations"] or Decimal(audit[field]) * EURO != told:
            raise Mismatch(f"{field}: by the records {told}, by the audit {audit}")


def check_gaps(sums, dump):
    """An id that no record has is that of a Record that moved nothing."""
    for place in sums.gaps:
        if dump.get(place, True):
            raise Mismatch(f"no record has the id {place}, and journaldump shows no Record that "
                           "the feed leaves out")
    sums.gaps.clear()
    for (shard, sequence), wanted in dump.items():
        last = sums.sequences.get(shard, 0)
        if wanted and sequence > last:
            raise Mismatch(f"no record has the id {shard}-{sequence}, one of the last")
    for shard, sequence in dump:  # those that were left out are known now
        sums.sequences[shard] = max(sums.sequences.get(shard, 0), sequence)


# ---- the judge judged ----------------------------------------------------------------------------
class Fault(NamedTuple):
    suffix: str
    what: str
    marker: str  # of the lines that can have it
    change: Callable
    beside: bool = False  # it moves nothing: found by whoever reads both formats


def missing(_):
    return []


def twice(line):
    return [line, line]


def one_more(marker):
    """Adds 1 to the last digit of the first number behind the marker."""
    def change(line):
        head, found, tail = line.partition(marker)
        end = next(i for i, char in enumerate(tail) if i and char not in "0123456789.")
        return [head + found + tail[:end - 1] + str((int(tail[end - 1]) + 1) % 10) + tail[end:]]
    return marker, change


def without(words):
    return words, lambda line: [line.replace(words, "", 1)]


FAULTS = [
    Fault(".jsonl", "a line is missing", '"kind":"spend"', missing),
    Fault(".jsonl", "a line that moved nothing is missing", '"movements":[]', missing),
    Fault(".jsonl", "a line is there twice", '"kind":"charge"', twice),
    Fault(".jsonl", "a movement is one micro more", *one_more('"currency":"EUR","amount":"')),
    Fault(".jsonl", "a movement is an octet more", *one_more('"unit":"octets","amount":"')),
    Fault(".jsonl", "a charge is one micro more", *one_more('"charged":"')),
    Fault(".jsonl", "a tax is one micro more", *one_more('"tax":"')),
    Fault(".jsonl", "a fee is one micro more", *one_more('"periods":1,"fee":"')),
    Fault(".jsonl", "the user pays in the sponsor's place", *without(',"payer":"tickets"')),
    Fault(".jsonl", "another account pays", '"kind":"spend"',
          lambda line: [line.replace('"account":"account-', '"account":"x-', 1)]),
    Fault(".csv", "a row is missing", "spend:", missing),
    Fault(".csv", "a row that moved nothing is missing", ",denied,,", missing, True),
    Fault(".csv", "a row is there twice", ",mscc,", twice),
    Fault(".csv", "a movement is one micro more", *one_more(":wallet:EUR:")),
    Fault(".csv", "a movement is an octet more", *one_more(":octets:")),
    Fault(".csv", "the user pays in the sponsor's place", *without(":tickets")),
]


def spoil(directory, fault, chance):
    """One line, of all that have the marker, is changed in the files of the directory."""
    found = []
    for name in sorted(os.listdir(directory)):
        if name.removesuffix(".part").endswith(fault.suffix):
            path = os.path.join(directory, name)
            with open(path, encoding="utf-8", newline="") as file:
                lines = file.readlines()
            found += [(path, lines, at) for at, line in enumerate(lines) if fault.marker in line]
    if not found:
        raise Mismatch(f"no line has {fault.marker}: this run shows nothing")
    path, lines, at = chance.choice(found)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.writelines(lines[:at] + fault.change(lines[at]) + lines[at + 1:])
    return lines[at]


def self_test(run, shown, dump, durable):
    """Faults planted in copies of the files: each is found by its own format alone, or `beside`."""
    for fault in FAULTS:
        with tempfile.TemporaryDirectory(prefix="levy-records-") as copied:
            shutil.copytree(run.directory, copied, dirs_exist_ok=True)
            line = spoil(copied, fault, run.chance)
            try:
                sums = Sums()
                sums.read(copied, fault.suffix, durable)
                judge(sums, shown, run.given)
                check_gaps(sums, dump)
            except (FaultyRecords, Mismatch):
                continue
            if fault.beside and sums.digest != run.sums[".jsonl"].digest:
                continue
        raise Mismatch(f"nobody finds that {fault.what}: {line}")


# ---- the scenario --------------------------------------------------------------------------------
def options(amount):
    # Every session leaves a tombstone; those whose CCR-T is lost stay open to the end of the run.
    left_open = int(amount * LOST * 1.5)
    large = amount > 5000
    return merge(OPTIONS, {
        "data": {"segment_size": "16 MiB" if large else "1 MiB",
                 "snapshot": {"after": "256 MiB"}},
        "capacity": {"tombstones_max": amount * 3 // 2 + 16000, "sessions_max": left_open + 8000,
                     "groups_max": 2 * left_open + 16000, "buckets_max": 20000 + amount // 5,
                     "products_max": 20000 + amount // 10, "counters_max": 20000},
        "sessions": {"event_time_skew_max": "3 d"},
        "records": {"directory": "records", "formats": ["jsonl", "csv"],
                    "rotate_bytes": "16 MiB" if large else "256 KiB"}})


def play_all(run, amount):
    """Kills in the middle of each part of 100,000 sessions; checks while it is going on."""
    tested = False
    for begin in range(0, amount, BATCH):
        count = min(BATCH, amount - begin)
        talks = [Talk(run.chance, run.chance.choice(run.accounts)) for _ in range(count)]
        middle = (begin // 100000 * 100000 + min(amount, 100000) // 2) // BATCH * BATCH
        run.play(talks, kill=2 if begin == middle else None)
        played = begin + count
        if not tested and played >= min(amount, SELF_TESTED):
            self_test(run, *run.check())
            tested = True
        elif played % CHECK_EVERY == 0:
            run.check()
            run.remove_read()
            print(f"{played} sessions, {run.sums['.jsonl'].records} records", flush=True)


def showed(run):
    """A run that had nothing of what it is to show is a fault, too."""
    seen, codes = run.sums[".jsonl"].seen, run.codes
    for what in ("charge", "late_usage", "session_lost", "change transfer_out", "change adjust",
                 "change buy_product", "product started", "mscc abroad", "mscc nights", "mscc rush",
                 "mscc lte", "lost noon" if run.sums[".jsonl"].records > 10**5 else "charge"):
        if not seen.get(what):
            raise Mismatch(f"no record of {what}: {seen}")
    for what in (4010, 4012, 5002):
        if not codes[what]:
            raise Mismatch(f"no answer with {what}: {codes}")
    if not run.acts["unanswered at the kill"]:
        raise Mismatch("every request had its answer at the kill")


@scenario("V-102", alone=True)
def the_records_sum_up_to_the_balances(build):
    amount = int(os.environ.get("LEVY_SCENARIO_SESSIONS", 400))
    seed = int(os.environ.get("LEVY_SCENARIO_SEED", random.randrange(2**32)))
    print(f"LEVY_SCENARIO_SEED={seed} LEVY_SCENARIO_SESSIONS={amount}", flush=True)
    began = time.monotonic()
    with World(build, options(amount), plans=["plans_records.yaml"]) as world:
        run = Run(build, world, random.Random(seed), amount)
        play_all(run, amount)
        for host in {host for host, _ in HOSTS}:  # both restart: whose CCR-T was lost is over
            world.gateway(host, 9, state_id=2)
        eventually(lambda: world.levyd.api("GET", "/v1/audit")["sessions_open"] == 0,
                   "every session ends")
        run.check()
        showed(run)
        sums = run.sums[".jsonl"]
        print(f"{amount} sessions, {sums.records} records, {euros(sums.charged)} EUR charged, all "
              f"in the balances; answers {dict(run.codes)}; acts {dict(run.acts)}, refused "
              f"{dict(run.refused)}; {time.monotonic() - began:.0f} s", flush=True)
