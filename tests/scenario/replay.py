"""The stage of the scenarios: a levyd, accounts, sessions, and the answer that each request must get.

A scenario says what it sends and what must come back, word by word:

    account = world.account("data-a", "0.250000")
    session = account.session()
    session.initial(ask(rsu=octets(1500000)), want=[granted(octets(1500000), final=TERMINATE)])
    account.check("0", "0.250000")

Every answer is compared as a whole tree: header, each AVP with code, vendor, flags and value, and
none besides. Within a group the order is free (RFC 6733 4.4), but Session-Id comes first and
Multiple-Services-Credit-Controls come in the order of the request. Amounts are exact.
"""
import itertools
import json
import os
import subprocess
import time
from decimal import Decimal

import diameter
import records_files
from diameter import Gateway, avps
from levyd import Levyd, find_program

HERE = os.path.dirname(os.path.abspath(__file__))
INITIAL, UPDATE, TERMINATION, EVENT = 1, 2, 3, 4
DIRECT_DEBITING, REFUND_ACCOUNT, CHECK_BALANCE, PRICE_ENQUIRY = 0, 1, 2, 3
THRESHOLD, QHT, FINAL, QUOTA_EXHAUSTED, VALIDITY_TIME = 0, 1, 2, 3, 4
RATING_CONDITION_CHANGE, FORCED_REAUTHORISATION = 6, 7
END_USER_E164, END_USER_IMSI, END_USER_SIP_URI, END_USER_NAI, END_USER_PRIVATE = range(5)
NTP_EPOCH_S = 2208988800  # from 1900 to 1970
EMPTY = []
EURO = 978
WAIT_S = 60


class Mismatch(Exception):
    """What came is not what must come."""


# ---- words of requests ---------------------------------------------------------------------------
def octets(amount):
    return [("CC-Total-Octets", amount)]


def seconds(amount):
    return [("CC-Time", amount)]


def messages(amount):
    return [("CC-Service-Specific-Units", amount)]


def network(rat=None, plmn=None, uli=None):
    """The Service-Information of a gateway that tells where and over what its user is."""
    ps = [] if rat is None else [("3GPP-RAT-Type", bytes([rat]))]
    ps += [] if plmn is None else [("3GPP-SGSN-MCC-MNC", plmn)]
    ps += [] if uli is None else [("3GPP-User-Location-Info", uli)]
    return ("Service-Information", [("PS-Information", ps)])


def call_to(number):
    return ("Service-Information", [("IMS-Information", [("Role-Of-Node", 0),
                                                         ("Called-Party-Address", number)])])


def ask(rg=1, rsu=None, usu=None, services=(), reason=None, usus=(), more=()):
    """The Multiple-Services-Credit-Control of a request. `rsu` None: no Requested-Service-Unit."""
    pairs = [] if rg is None else [("Rating-Group", rg)]
    pairs += [("Service-Identifier", service) for service in services]
    if rsu is not None:
        pairs.append(("Requested-Service-Unit", rsu))
    pairs += [("Used-Service-Unit", used) for used in ([] if usu is None else [usu]) + list(usus)]
    if reason is not None:
        pairs.append(("Reporting-Reason", reason))
    pairs += list(more)
    return ("Multiple-Services-Credit-Control", pairs)


def subscription(kind, text):
    return ("Subscription-Id", [("Subscription-Id-Type", kind), ("Subscription-Id-Data", text)])


# ---- words of answers ----------------------------------------------------------------------------
TERMINATE = [("Final-Unit-Action", 0)]
RESTRICT = [("Final-Unit-Action", 2)]


def triggers(*types):
    """The Trigger of a grant, for its `more`."""
    return [("Trigger", [("Trigger-Type", kind) for kind in types])]


def redirect(address, kind):
    server = [("Redirect-Address-Type", kind), ("Redirect-Server-Address", address)]
    return [("Final-Unit-Action", 1), ("Redirect-Server", server)]


def answered(code, rg=1, units=None, final=None, services=(), more=()):
    """The Multiple-Services-Credit-Control of an answer; `more` are AVPs that the plan asks for."""
    pairs = [] if units is None else [("Granted-Service-Unit", units)]
    pairs += [] if rg is None else [("Rating-Group", rg)]
    pairs += [("Service-Identifier", service) for service in services]
    pairs += [] if final is None else [("Final-Unit-Indication", final)]
    return ("Multiple-Services-Credit-Control", pairs + [("Result-Code", code)] + list(more))


def granted(units, rg=1, final=None, services=(), more=()):
    return answered(2001, rg, units, final, services, more)


def settled(rg=1, services=(), more=()):
    """Debited, and nothing granted."""
    return answered(2001, rg, None, None, services, more)


def denied(code, rg=1, services=(), final=None, more=()):
    return answered(code, rg, None, final, services, more)


# ---- trees ---------------------------------------------------------------------------------------
def ordered(tree):
    """Groups in order of code: a stable sort, so equal ones keep their places."""
    inner = [avp._replace(value=ordered(avp.value)) if isinstance(avp.value, tuple) else avp
             for avp in tree]
    return tuple(sorted(inner, key=lambda avp: (avp.vendor, avp.code)))


def expect_message(got, want, what):
    """Compares two Messages; the hop-by-hop and end-to-end were matched by the Gateway."""
    problems = []
    for field in ("flags", "command", "application"):
        if getattr(got, field) != getattr(want, field):
            problems.append(f"{field} is {getattr(got, field):#x}, not {getattr(want, field):#x}")
    if not got.avps or got.avps[0].name != "Session-Id":
        problems.append("the first AVP is not Session-Id")
    if ordered(got.avps) != ordered(want.avps):
        problems.append("the AVPs differ")
    if problems:
        wanted = want._replace(avps=ordered(want.avps)).text()
        came = got._replace(avps=ordered(got.avps)).text()
        raise Mismatch(f"{what}: {'; '.join(problems)}\n--- expected\n{wanted}\n--- came\n{came}")


def eventually(condition, what, timeout=WAIT_S):
    """Waits until condition() is true."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise Mismatch(f"not within {timeout} s: {what}")
        time.sleep(0.02)


# ---- the stage -----------------------------------------------------------------------------------
OPTIONS = {
    "diameter": {
        "dialects": {"magma": {"no_credit_code": 4012}, "ergw": {"implicit_rsu": True},
                     "busy": {"raa_retry": [5012]}, "ends": {"asr": True},
                     "whole": {"rar_rating_group": False},
                     "tariffs": {"tariff_time_change": True}, "pools": {"pools": True},
                     "plain": {"triggers": False}},
        "peers": [{"identity": "magma.test", "dialect": "magma"},
                  {"identity": "ergw.test", "dialect": "ergw"},
                  {"identity": "busy.test", "dialect": "busy"},
                  {"identity": "ends.test", "dialect": "ends"},
                  {"identity": "tariffs.test", "dialect": "tariffs"},
                  {"identity": "pools.test", "dialect": "pools"},
                  {"identity": "whole.test", "dialect": "whole"},
                  {"identity": "plain.test", "dialect": "plain"}]},
    "sessions": {"push_retry": "1 s", "push_tries_max": 100, "abort_wait": "4 s"},
    "records": {"directory": "records"},
    "capacity": {"accounts_max": 2000, "identities_max": 8000, "buckets_max": 8000,
                 "sessions_max": 4000, "groups_max": 8000, "tombstones_max": 16000},
}


class World:
    """One levyd with plans.yaml and plans_tariffs.yaml, or other files of this folder."""
    numbers = itertools.count(1)

    def __init__(self, build, options=None, plans=("plans.yaml", "plans_tariffs.yaml")):
        files = [os.path.join(HERE, name) for name in plans]
        self.levyd = Levyd(build, options={**(options or OPTIONS), "plans": files})
        self.gateways = {}

    def gateway(self, host="pgw.test", which=0, **more):
        """The connection number `which` of this gateway; made at its first use."""
        key = (host, which)
        if key not in self.gateways:
            self.gateways[key] = Gateway(self.levyd.port, host, **more)
        return self.gateways[key]

    def charging_records(self, session_id):
        """Of the feed's files, once it has come to what is durable now."""
        durable = self.metric("levy_durable_lsn")
        eventually(lambda: self.metric("levy_charging_records_lsn") >= durable, "the feed")
        return [record for record in records_files.records(os.path.join(self.levyd.directory, "records"))
                if record.get("session_id") == session_id]

    def state_id(self):
        return self.gateway().cea.value("Origin-State-Id")

    def account(self, plan, money="0", buckets=None, **more):
        return Account(self, plan, money, buckets or {}, more)

    def metric(self, name):
        """The value of a counter, as /metrics writes it; a counter that is not there is a fault."""
        for line in self.levyd.metrics().splitlines():
            if line.startswith(name + " "):
                return int(line.split()[1])
        raise Mismatch(f"no metric {name}")

    def records(self, session):
        """What the journal holds of this session, in order, as journaldump reads it."""
        dump = subprocess.run([find_program(self.levyd.build, "journaldump"),
                               os.path.join(self.levyd.directory, "data"), "--json", "--session",
                               session.id], capture_output=True, text=True, check=True, timeout=60)
        found = [json.loads(line) for line in dump.stdout.splitlines()]
        return [record for record in found if record["session_id"] == session.id]

    def drop_gateways(self):
        for gateway in self.gateways.values():
            gateway.drop()
        self.gateways = {}

    def kill_and_start(self):
        """A power cut of the process, and its return."""
        self.levyd.kill()
        self.drop_gateways()
        self.levyd.start()

    def __enter__(self):
        self.levyd.__enter__()
        return self

    def __exit__(self, kind, value, trace):
        try:
            for gateway in self.gateways.values():
                if kind is None:
                    gateway.close()
                else:
                    gateway.drop()
        finally:
            self.levyd.__exit__(kind, value, trace)


class Account:
    def __init__(self, world, plan, money, buckets, more):
        self.world = world
        number = next(World.numbers)
        self.name = f"account-{number}"
        self.imsi = f"00101{number:010d}"
        self.row = {"account": self.name, "imsi": self.imsi, "plan": plan,
                    **({} if money is None else {"wallet": money}),
                    "buckets": {kind: str(amount) for kind, amount in buckets.items()}, **more}
        world.levyd.import_subscribers([self.row])

    def member(self, **own):
        """Another subscriber of this account: its IMSI. `own`: own_wallet, own_buckets."""
        imsi = f"00102{next(World.numbers):010d}"
        row = {"account": self.name, "imsi": imsi, "plan": self.row["plan"], **own}
        self.world.levyd.import_subscribers([row])
        return imsi

    def session(self, gateway=None, imsi=None, **more):
        return Session(self, gateway or self.world.gateway(), imsi or self.imsi, **more)

    def buckets(self):
        """By kind; a wallet in another currency is `wallet-USD`, a member's own `own-wallet`."""
        held = self.world.levyd.subscriber("account:" + self.name)["buckets"]

        def name(bucket):
            currency = bucket.get("currency", "EUR")
            return (("own-" if "owner" in bucket else "") + bucket["kind"] +
                    ("" if currency == "EUR" else f"-{currency}"))
        return {name(bucket): bucket for bucket in held}

    def check(self, bal=None, res="0", **others):
        """Free and reserved of the wallet; `kind=free` or `kind=(free, reserved)` of the others.
        What every bucket was given must be what became of it (the law of semantics.md)."""
        held = self.buckets()
        wanted = {} if bal is None else {"wallet": (bal, res)}
        for kind, amounts in others.items():
            wanted[kind.replace("_", "-")] = amounts if isinstance(amounts, tuple) else (amounts, 0)
        for kind, (free, reserved) in wanted.items():
            if kind not in held:
                raise Mismatch(f"{self.name} has no bucket {kind}: {held}")
            came = (Decimal(held[kind]["free"]), Decimal(held[kind]["reserved"]))
            if came != (Decimal(free), Decimal(reserved)):
                raise Mismatch(f"{self.name}, {kind}: free {came[0]}, reserved {came[1]}; "
                               f"expected {free} and {reserved}")
        for bucket in held.values():
            credits, spent, written_off, reserved, free, in_transit = [Decimal(bucket[key]) for key in (
                "credits", "spent", "written_off", "reserved", "free", "in_transit")]
            if credits != spent - written_off + reserved + free + in_transit:
                raise Mismatch(f"{self.name}: the law does not hold: {bucket}")

    def open_sessions(self):
        """The Session-Ids that are not ended."""
        listed = self.world.levyd.sessions("account:" + self.name)
        return [session["session_id"] for session in listed if session["state"] == "open"]

    def post(self, action, **body):
        return self.world.levyd.api("POST", f"/v1/subscribers/account:{self.name}/{action}", body)

    def topup(self, amount, currency="EUR"):
        return self.post("topup", amount=amount, currency=currency)

    def topup_units(self, amount, bucket):
        return self.post("topup", amount=str(amount), bucket=bucket)


class Sent:
    """A request, the answer that it must get, and what is under way for it."""

    def __init__(self, pairs, want, end_to_end, pending, what):
        self.pairs, self.want, self.end_to_end = pairs, want, end_to_end
        self.pending, self.what = pending, what
        self.number = dict(pair for pair in pairs if isinstance(pair, tuple))["CC-Request-Number"]

    def check(self):
        answer = self.pending.wait()
        expect_message(answer, self.want, self.what)
        return answer


class Session:
    """One Session-Id of one gateway; numbers its requests by itself."""

    def __init__(self, account, gateway, imsi, origin=None, identities=None, extra=(),
                 context="32251@3gpp.org"):
        self.account, self.world, self.gateway = account, account.world, gateway
        self.origin = origin or gateway.origin()
        self.id = f"{self.origin[0][1]};{next(World.numbers)};scenario"
        self.identities = [subscription(END_USER_IMSI, imsi)] if identities is None else identities
        self.extra = list(extra)
        self.context = context
        self.number = 0

    def send(self, kind, number, msccs, want=(), code=2001, extra=(), result=(), identities=None,
             gateway=None, flags=0, end_to_end=None, failed=None, at=None):
        """Sends and does not wait. `result`: AVPs of the answer besides the MSCCs; `extra`: of the
        request; `failed`: members of the Failed-AVP; `at`: its Event-Timestamp, unix seconds."""
        gateway = gateway or self.gateway
        pairs = [("Session-Id", self.id), *self.origin, ("Destination-Realm", "test"),
                 ("Auth-Application-Id", diameter.GY), ("Service-Context-Id", self.context),
                 ("CC-Request-Type", kind), ("CC-Request-Number", number),
                 ("Event-Timestamp", (int(at or time.time()) + NTP_EPOCH_S) % 2**32),
                 *(self.identities if identities is None else identities),
                 *self.extra, *extra, *msccs]
        wanted = [("Session-Id", self.id), ("Result-Code", code), ("Origin-Host", "levy.test"),
                  ("Origin-Realm", "test"), ("Auth-Application-Id", diameter.GY),
                  ("CC-Request-Type", kind), ("CC-Request-Number", number),
                  ("Origin-State-Id", self.world.state_id()), *want, *result]
        if failed is not None:
            wanted.append(("Failed-AVP", failed))
        answer = diameter.Message(diameter.PROXIABLE, diameter.CREDIT_CONTROL, diameter.GY, 0, 0,
                                  avps(wanted))
        return self._send(pairs, answer, gateway, flags, end_to_end,
                          f"CC-Request-Type {kind}, number {number} of {self.id}")

    def _send(self, pairs, answer, gateway, flags, end_to_end, what):
        pending = gateway.send(pairs, flags=diameter.REQUEST | diameter.PROXIABLE | flags,
                               end_to_end=end_to_end)
        return Sent(pairs, answer, pending.end_to_end, pending, what)

    def ask(self, kind, msccs, number=None, **more):
        number = self.number if number is None else number
        self.number = max(self.number, number + 1)
        sent = self.send(kind, number, msccs, **more)
        sent.check()
        return sent

    def initial(self, *msccs, **more):
        return self.ask(INITIAL, msccs, **more)

    def update(self, *msccs, **more):
        return self.ask(UPDATE, msccs, **more)

    def terminate(self, *msccs, **more):
        extra = [("Termination-Cause", 1), *more.pop("extra", [])]
        return self.ask(TERMINATION, msccs, extra=extra, **more)

    def event(self, action, *msccs, **more):
        extra = [("Requested-Action", action), *more.pop("extra", [])]
        return self.ask(EVENT, msccs, extra=extra, **more)

    def check_records(self, kinds=None, **sums):
        """The kinds of the session's Records where they are given; sums over their facts: `used`,
        `used_by_buckets`, `charged` and `unpaid` (both as amounts)."""
        records = self.world.records(self)
        if kinds is not None and [record["kind"] for record in records] != kinds:
            raise Mismatch(f"Records of {self.id}: {[record['kind'] for record in records]}, "
                           f"expected {kinds}")
        facts = [fact for record in records for fact in record["mscc"]]
        for name, wanted in sums.items():
            key, scale = (name + "_micros", 10**6) if name in ("charged", "unpaid") else (name, 1)
            came = Decimal(sum(fact[key] for fact in facts)) / scale
            if came != Decimal(wanted):
                raise Mismatch(f"Records of {self.id}: {name} {came}, expected {wanted}: {facts}")
        self.check_charging_records(records)
        return records

    def check_charging_records(self, records):
        """The files of the feed hold every one of these Records that is a charge, once, and say the
        same."""
        charges = [record for record in records
                   if record["kind"] in ("charge", "late_usage", "dispute", "session_lost") or
                   record["kind"] == "operator_change" and record["movements"]]
        written = self.world.charging_records(self.id)
        if [record["kind"] for record in written] != [record["kind"] for record in charges]:
            raise Mismatch(f"charging records of {self.id}: {written}, expected {charges}")
        for record, charge in zip(written, charges):
            told = [(group["used"], Decimal(group["charged"]) * 10**6)
                    for group in record["mscc"] + record.get("lost", [])]
            facts = [(fact["used"], fact["charged_micros"])
                     for fact in charge["mscc"] + charge.get("lost", [])]
            moved = [Decimal(move["amount"]) * (10**6 if move["unit"] == "money" else 1)
                     for move in record["movements"]]
            if record["lsn"] != charge["lsn"] or told != facts or \
                    moved != [move["amount"] for move in charge["movements"]]:
                raise Mismatch(f"{record} is not {charge}")

    def again(self, sent, gateway=None, flags=0, end_to_end=None):
        """The same request once more, with its End-to-End; it must get the same answer."""
        repeated = self._send(sent.pairs, sent.want, gateway or self.gateway, flags,
                              sent.end_to_end if end_to_end is None else end_to_end,
                              "repeat of " + sent.what)
        repeated.check()
        return repeated

    def reauthorize(self, rg=None):
        """The operator asks for a RAR; it must come, and be this."""
        body = {"session_id": self.id} if rg is None else {"session_id": self.id,
                                                           "rating_group": rg}
        self.world.levyd.api("POST", "/v1/sessions/reauthorize", body)
        self.expect_rar(rg)

    def expect_asr(self):
        want = diameter.Message(
            diameter.REQUEST | diameter.PROXIABLE, diameter.ABORT, diameter.GY, 0, 0,
            avps([("Session-Id", self.id), ("Origin-Host", "levy.test"), ("Origin-Realm", "test"),
                  ("Destination-Realm", self.origin[1][1]), ("Destination-Host", self.origin[0][1]),
                  ("Auth-Application-Id", diameter.GY),
                  ("Origin-State-Id", self.world.state_id())]))
        expect_message(self.gateway.next_push(), want, f"ASR of {self.id}")

    def expect_rar(self, rg=None, gateway=None, host=None):
        push = (gateway or self.gateway).next_push()
        wanted = [("Session-Id", self.id), ("Origin-Host", "levy.test"), ("Origin-Realm", "test"),
                  ("Destination-Realm", self.origin[1][1]),
                  ("Destination-Host", host or self.origin[0][1]),
                  ("Auth-Application-Id", diameter.GY), ("Re-Auth-Request-Type", 0),
                  ("Origin-State-Id", self.world.state_id())]
        wanted += [] if rg is None else [("Rating-Group", rg)]
        want = diameter.Message(diameter.REQUEST | diameter.PROXIABLE, diameter.RE_AUTH,
                                diameter.GY, 0, 0, avps(wanted))
        expect_message(push, want, f"RAR of {self.id}")
