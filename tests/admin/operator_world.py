"""A levyd with an operator before it and a gateway behind it."""
import itertools
import json
import subprocess
import time
import urllib.parse

from diameter import Gateway
from levyd import Levyd, find_program

INITIAL, UPDATE, TERMINATION = 1, 2, 3
STEP = 1500000  # octets of one price step of plan data-a, 0.25 EUR


class Answer:
    def __init__(self, status, text):
        self.status, self.text = status, text

    @property
    def json(self):
        return json.loads(self.text)

    def refused(self, status, word):
        """It is the refusal `word`; its JSON."""
        assert self.status == status, f"{self.status} {self.text}"
        assert self.json["error"] == word and self.json["detail"], self.text
        return self.json

    def ok(self, status=200):
        assert self.status == status, f"{self.status} {self.text}"
        return self.json


class Session:
    """A Gy session of one IMSI, one or more rating groups."""

    def __init__(self, gateway, name, imsi):
        self.gateway, self.name, self.imsi, self.number = gateway, name, imsi, -1

    def pairs(self, kind):
        """The AVPs of its next request that every type has."""
        return [("Session-Id", self.name), *self.gateway.origin(), ("Destination-Realm", "test"),
                ("Auth-Application-Id", 4), ("Service-Context-Id", "32251@3gpp.org"),
                ("CC-Request-Type", kind), ("CC-Request-Number", self.number),
                ("Subscription-Id", [("Subscription-Id-Type", 1),
                                     ("Subscription-Id-Data", self.imsi)])]

    def send(self, kind, *services):
        self.number += 1
        pairs = self.pairs(kind)
        if kind == INITIAL:
            pairs.append(("Multiple-Services-Indicator", 1))
        return self.gateway.request(pairs + list(services))


def service(group, ask=True, used=None):
    parts = []
    if ask:
        parts.append(("Requested-Service-Unit", []))
    if used is not None:
        parts.append(("Used-Service-Unit", [("CC-Total-Octets", used)]))
    return ("Multiple-Services-Credit-Control", [*parts, ("Rating-Group", group)])


def results(answer):
    """The command's Result-Code and those of its services."""
    codes = answer.all("Multiple-Services-Credit-Control")
    inner = [next(a.value for a in one if a.name == "Result-Code") for one in codes]
    return answer.value("Result-Code"), inner


class World:
    def __init__(self, build, options=None, plans=None):
        self.build = build
        self.levyd = Levyd(build, options=options, plans=plans)
        self.numbers = itertools.count(1)
        self.gateway = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.gateway is not None:
            self.gateway.drop()
        self.levyd.__exit__(*_)

    def log_end(self):
        return self.levyd.log_end()

    # -- the API ----------------------------------------------------------------------------------
    def call(self, method, path, body=None, headers=None):
        """Any bytes as body; the answer whatever its status."""
        octets = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        return Answer(*self.levyd._request(method, path, octets, headers or {}))

    def post(self, identity, action, **body):
        return self.call("POST", f"/v1/subscribers/{urllib.parse.quote(identity, safe=':')}/{action}",
                         body)

    def show(self, identity):
        return self.call("GET", "/v1/subscribers/" + urllib.parse.quote(identity, safe=":"))

    def delete(self, identity):
        return self.call("DELETE", "/v1/subscribers/" + urllib.parse.quote(identity, safe=":"))

    def account(self, wallet="10.00", **more):
        """A new account; its name, IMSI and E.164."""
        number = next(self.numbers)
        row = {"account": f"acc-{number}", "imsi": f"26201{number:010}", "e164": f"49170{number:07}",
               "plan": "data-a", "wallet": wallet, **more}
        row = {key: value for key, value in row.items() if value is not None}
        self.call("POST", "/v1/subscribers", row).ok(201)
        return row["account"], row.get("imsi"), row.get("e164")

    def free(self, account, currency="EUR"):
        return self.levyd.wallet("account:" + account, currency)["free"]

    # -- programs ---------------------------------------------------------------------------------
    def program(self, name, *arguments, given=None):
        """(code, output, errors) of a program of ours."""
        run = subprocess.run([find_program(self.build, name), *arguments], input=given,
                             capture_output=True, check=False, timeout=120)
        return run.returncode, run.stdout.decode(), run.stderr.decode()

    def ctl(self, *arguments, given=None):
        return self.program("levyctl", "--socket", self.levyd.socket, *arguments, given=given)

    # -- the gateway ------------------------------------------------------------------------------
    def session(self, imsi, name=None):
        if self.gateway is None:
            self.gateway = Gateway(self.levyd.port)
        return Session(self.gateway, name or f"pgw.test;{next(self.numbers)};1", imsi)


def eventually(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
