"""engine/admin/openapi.yaml against the running daemon: its routes, and every answer of a tour."""
import json
import os
import re
import subprocess
import threading
import urllib.parse

import jsonschema
import yaml

from http_door import HttpWorld
from levyd import find_program
from operator_world import INITIAL, STEP, TERMINATION, service

EXAMPLES = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "config",
                                        "examples", "plans"))
METHODS = ("get", "post", "put", "patch", "delete")


class Document:
    """The document that a daemon serves; says whether a request and its answer are of it."""

    def __init__(self, text):
        self.tree = yaml.safe_load(text)
        self.told = set()  # (operation, status) that were checked

    def operations(self):
        for path, item in self.tree["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method.upper(), path, item[method]

    def follow(self, node):
        while "$ref" in node:
            found = self.tree
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            node = found
        return node

    def check(self, schema, value, what):
        """`value` must fit the schema."""
        whole = {**schema, "components": self.tree["components"]}
        faults = list(jsonschema.Draft202012Validator(whole).iter_errors(value))
        assert not faults, f"{what}: {faults[0].message} at {list(faults[0].absolute_path)}"

    def fits(self, schema, value):
        whole = {**schema, "components": self.tree["components"]}
        return jsonschema.Draft202012Validator(whole).is_valid(value)

    def operation(self, method, path):
        for known, pattern, operation in self.operations():
            if known == method and re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", pattern), path):
                return operation
        return None

    def answer(self, method, target, body, given):
        """The answer `given` must be as the document has it; a request that went well, too."""
        path, _, query = target.partition("?")
        operation = self.operation(method, path)
        what = f"{method} {target} {given.status}"
        assert operation is not None, what
        assert str(given.status) in operation["responses"], what + ": " + given.text
        response = self.follow(operation["responses"][str(given.status)])
        self.told.add((operation["operationId"], given.status))
        assert given.type in response["content"], f"{what}: {given.type}"
        schema = response["content"][given.type]["schema"]
        values = [given.text]
        if given.type == "application/json":
            values = [given.json]
        elif given.type == "application/x-ndjson":
            values = [json.loads(line) for line in given.text.splitlines() if line]
        for value in values:
            self.check(schema, value, what)
        if given.status >= 300:
            return
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content and body is not None:
            self.check(content["application/json"]["schema"], body, what + ": the request")
        known = {self.follow(p)["name"] for p in operation.get("parameters", ())
                 if self.follow(p)["in"] == "query"}
        assert set(urllib.parse.parse_qs(query, keep_blank_values=True)) <= known, what


class Tour:
    """Calls over TCP; each answer is checked."""

    def __init__(self, world, document):
        self.world, self.document = world, document

    def __call__(self, method, target, body=None, status=200, token="ada", headers=None,
                 begun=None):
        secret = getattr(self.world, token) if token in ("ada", "bob") else token
        given = self.world.over_tcp(method, target, body, secret, headers, begun=begun)
        assert given.status == status, f"{method} {target}: {given.status} {given.text}"
        self.document.answer(method, target, body if isinstance(body, dict) else None, given)
        return given


def routes(world):
    out = subprocess.run([find_program(world.build, "levyd"), "--routes"], capture_output=True,
                         check=True, timeout=60).stdout
    return json.loads(out)


def test_document_and_table_have_the_same_routes(world):
    document = Document(world.call("GET", "/v1/openapi.yaml").text)
    written = {(method, path): operation for method, path, operation in document.operations()}
    table = {(one["method"], one["path"]): one for one in routes(world)}
    assert written.keys() == table.keys(), written.keys() ^ table.keys()
    for where, route in table.items():
        operation = written[where]
        assert operation["operationId"] == route["operation"], where
        assert operation["summary"] == route["summary"], where
        parameters = [document.follow(one) for one in operation.get("parameters", ())]
        assert [p["name"] for p in parameters if p["in"] == "query"] == route["query"].split(), where
        assert [p["name"] for p in parameters if p["in"] == "path"] == re.findall(
            r"\{([^}]*)\}", where[1]), where
        security = operation.get("security", document.tree["security"])
        open_to_all = {"open": [], "monitor": [{}, {"token": []}, {"certificate": []}]}
        assert security == open_to_all.get(route["access"], document.tree["security"]), where
        assert ("403" in operation["responses"]) >= (route["access"] == "write"), where
        assert ("401" in operation["responses"]) == (route["access"] != "open"), where


def test_the_document_is_well_formed(world):
    tree = Document(world.call("GET", "/v1/openapi.yaml").text).tree
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "engine", "admin",
                           "openapi.yaml"), encoding="utf-8") as file:
        assert yaml.safe_load(file) == tree
    assert tree["openapi"].startswith("3.1.")
    used = set(re.findall(r"'\$ref': '#/components/(\w+)/(\w+)'", repr(tree)))
    kept = {(kind, name) for kind in ("schemas", "responses", "parameters")
            for name in tree["components"][kind]}
    assert used == kept, used ^ kept
    for schema in tree["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_what_is_refused_is_no_request_of_the_document(world):
    """Bodies that the schemas have not are refused by the daemon, key by key."""
    document = Document(world.call("GET", "/v1/openapi.yaml").text)
    name, _, _ = world.account()
    for method, path, operation in document.operations():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        schema = document.follow(content["schema"])
        target = path.replace("{id}", name)
        body = {key: "1" for key in schema.get("required", ())}
        for change in ({"colour": "red"}, *({key: "x" * 200} for key in ("key", "who", "why")
                                            if key in schema["properties"])):
            wrong = {**body, **change}
            assert not document.fits(content["schema"], wrong), (path, wrong)
            assert world.call(method, target, wrong).status == 400, (path, wrong)
        for key in schema.get("required", ()):
            less = {k: v for k, v in body.items() if k != key}
            assert world.call(method, target, less).status in (400, 404), (path, less)
        # Every key of the schema is known to the daemon.
        for key in schema["properties"]:
            given = world.call(method, target, {**body, key: "\0"}).text
            assert "unknown key" not in given, (path, key, given)


def reads(tour):
    for path in ("/healthz", "/readyz", "/metrics", "/v1/openapi.yaml", "/v1/status",
                 "/v1/plan-versions", "/v1/audit", "/v1/import"):
        tour("GET", path)
        tour("GET", path, token="bob")
    for path in ("/v1/plan-versions", "/v1/audit", "/v1/import", "/metrics", "/v1/status"):
        tour("GET", path, status=401, token="wrong")
    for path in ("/v1/plan-versions", "/v1/audit", "/v1/import"):
        tour("GET", path + "?colour=red", status=400)


def subscribers(tour):
    row = {"account": "tour", "imsi": "262017000000001", "e164": "491707000001", "plan": "data-a",
           "sip": "sip:tour@example.org", "wallet": "10.00", "buckets": "bonus-octets=5 MB",
           "own_wallet": "1", "key": "c1", "why": "a tour"}
    tour("POST", "/v1/subscribers", row, 201)
    tour("POST", "/v1/subscribers", row)
    tour("POST", "/v1/subscribers", {**row, "wallet": "11.00"}, 409)
    tour("POST", "/v1/subscribers", {**row, "key": "c2", "account": "other"}, 409)
    tour("POST", "/v1/subscribers", {"imsi": "1", "plan": "none"}, 422)
    tour("POST", "/v1/subscribers", {"colour": "red"}, 400)
    tour("POST", "/v1/subscribers", row, 403, token="bob")
    tour("POST", "/v1/subscribers", row, 401, token=None)
    tour("POST", "/v1/subscribers", b" " * (2 << 20), 413)
    tour("POST", "/v1/subscribers", b"--x--", 415,
         headers={"Content-Type": "multipart/form-data; boundary=x"})
    for query in ("imsi=262017000000001", "e164=%2B491707000001", "account=tour",
                  "sip=sip:tour@example.org"):
        assert tour("GET", "/v1/subscribers?" + query).json["account"] == "tour"
    for query, status in (("", 400), ("?imsi=1&account=2", 400), ("?colour=red", 400),
                          ("?nai=a@b", 404), ("?private=x", 404)):
        tour("GET", "/v1/subscribers" + query, status=status)
    tour("GET", "/v1/subscribers/tour", token="bob")
    tour("GET", "/v1/subscribers/sip:tour%40example.org")
    tour("GET", "/v1/subscribers/nobody", status=404)
    tour("GET", "/v1/subscribers/tour", status=401, token="wrong")


def changes(tour):
    path = "/v1/subscribers/tour/"
    good = (("topup", {"amount": "1.50", "currency": "EUR", "key": "k1", "who": "ada"}),
            ("topup", {"amount": "1.50", "currency": "EUR", "key": "k1", "who": "ada"}),
            ("topup", {"amount": "1 kB", "bucket": "bonus-octets", "ends_at": 4000000000}),
            ("topup", {"amount": 1, "currency": "EUR", "for": "imsi:262017000000001"}),
            ("adjust", {"amount": "-0.25", "currency": "EUR", "why": "w"}),
            ("status", {"status": "suspended"}), ("status", {"status": "active"}),
            ("plan", {"plan": "data-a"}), ("credit-limit", {"credit_limit": "2"}),
            ("friend", {"friend": "+4930123456", "key": "f1"}),
            ("friend", {"not_friend": "4930123456"}),
            ("segment", {"not_segment": "gold"}),
            ("validity", {"until": "2031-01-01"}), ("validity", {"until": "forever"}),
            ("swap-sim", {"new_imsi": "262017000000002"}),
            ("change-number", {"new_e164": "491707000002"}))
    for action, body in good:
        tour("POST", path + action, body)
    for action, body, status in (
            ("topup", {"amount": "2", "currency": "EUR", "key": "k1"}, 409),
            ("topup", {"amount": "2", "currency": "EUR", "who": "bob"}, 403),
            ("topup", {"amount": "0.0000001", "currency": "EUR"}, 400),
            ("topup", {"amount": "1", "currency": "EUR", "for": "imsi:1"}, 400),
            ("adjust", {"amount": "1", "currency": "USD", "why": "w"}, 404),
            ("status", {"status": "asleep"}, 400), ("plan", {"plan": "none"}, 400),
            ("credit-limit", {"credit_limit": "-1"}, 400),
            ("counter", {"counter": "none", "value": "1"}, 400),
            ("friend", {"friend": "x"}, 400), ("friend", {}, 400),
            ("segment", {"segment": "gold"}, 400),
            ("segment", {"segment": "gold", "not_segment": "gold"}, 400), ("loan", {}, 409),
            ("validity", {"until": "tomorrow"}, 400), ("swap-sim", {"new_imsi": "x"}, 400),
            ("change-number", {"new_e164": "x"}, 400)):
        tour("POST", path + action, body, status)
    for action in ("topup", "adjust", "status", "plan", "buy", "end", "credit-limit", "counter",
                   "validity", "swap-sim", "change-number", "segment", "friend", "loan"):
        tour("POST", path + action, {"colour": "red"}, 400)
        tour("POST", path + action, {}, 403, token="bob")
        tour("POST", path + action, {}, 401, token="wrong")
        tour("POST", path + action, b" " * (2 << 20), 413)


def money(tour, own):
    other, _, _ = own.account("1.00")
    order = {"from": "tour", "to": other, "amount": "2", "currency": "EUR"}
    tour("POST", "/v1/transfer", {**order, "key": "t1"})
    tour("POST", "/v1/transfer", {**order, "key": "t1"})
    tour("POST", "/v1/transfer", {**order, "key": "t1", "amount": "1"}, 409)
    tour("POST", "/v1/transfer", {**order, "amount": "1000"}, 409)
    tour("POST", "/v1/transfer", {**order, "to": "nobody"}, 404)
    tour("POST", "/v1/transfer", {**order, "amount": "x"}, 400)
    tour("POST", "/v1/transfer", order, 403, token="bob")
    tour("POST", "/v1/transfer", order, 401, token=None)


def imports(tour):
    tour("POST", "/v1/import?why=tour", b"imsi,plan\n262017100000001,data-a\nx,data-a\n")
    tour("POST", "/v1/import?format=ndjson&on_error=stop", b"{}\n", 422)
    tour("POST", "/v1/import?currency=EUR&set_balance=1", b"colour\nred\n", 422)
    for query in ("format=xml", "on_error=cry", "set_balance=2", "currency=eur", "colour=red",
                  "who=" + "x" * 40, "why=" + "x" * 100):
        tour("POST", "/v1/import?" + query, b"imsi\n", 400 if "who" not in query else 403)
    tour("POST", "/v1/import", b"imsi\n", 403, token="bob")
    tour("POST", "/v1/import", b"imsi\n", 401, token=None)


def sessions(tour, own):
    name, imsi, _ = own.account("10.00")
    session = own.session(imsi)
    session.send(INITIAL, service(1), service(2))
    escaped = urllib.parse.quote(session.name, safe="")
    tour("GET", f"/v1/subscribers/{name}/sessions", token="bob")
    assert tour("GET", f"/v1/sessions/{escaped}").json["account"] == name
    tour("GET", "/v1/sessions/none", status=404)
    wish = {"session_id": session.name, "rating_group": 1, "key": "r1", "why": "tour"}
    assert tour("POST", "/v1/sessions/reauthorize", wish).json["result"] == "ok"
    assert own.gateway.next_push().value("Session-Id") == session.name
    assert tour("POST", "/v1/sessions/reauthorize", wish).json["result"] == "unchanged"
    tour("POST", "/v1/sessions/reauthorize", {**wish, "rating_group": 2}, 409)
    trace, begun = {}, threading.Event()
    tracer = threading.Thread(target=lambda: trace.update(given=tour(
        "POST", f"/v1/trace/{name}?count=2&seconds=40", token="bob", begun=begun)))
    tracer.start()
    assert begun.wait(60), "the trace does not begin"
    tour("POST", f"/v1/trace/{name}", status=409, token="bob")
    session.send(TERMINATION, service(1, ask=False, used=STEP))
    tracer.join()
    assert len([line for line in trace["given"].text.splitlines() if line]) == 2
    again = own.session(imsi)
    again.send(INITIAL, service(1))
    end = {"session_id": again.name, "key": "a1"}
    assert tour("POST", "/v1/sessions/abort", end).json["result"] == "ok"
    assert tour("POST", "/v1/sessions/abort", end).json["result"] == "unchanged"
    tour("POST", "/v1/sessions/abort", {"session_id": again.name}, 404)
    for action in ("abort", "reauthorize"):
        tour("POST", "/v1/sessions/" + action, {}, 400)
        tour("POST", "/v1/sessions/" + action, end, 403, token="bob")
        tour("POST", "/v1/sessions/" + action, end, 401, token=None)
    tour("POST", "/v1/trace/nobody", status=404)
    tour("POST", f"/v1/trace/{name}?colour=red", status=400)
    tour("POST", f"/v1/trace/{name}", status=401, token=None)


def test_every_answer_of_a_tour_is_in_the_document(world):
    with HttpWorld(world.build) as own:
        document = Document(own.over_tcp("GET", "/v1/openapi.yaml").text)
        tour = Tour(own, document)
        reads(tour)
        subscribers(tour)
        changes(tour)
        money(tour, own)
        imports(tour)
        sessions(tour, own)
        tour("POST", "/v1/reload", {"why": "tour"})
        tour("POST", "/v1/reload", {"key": "x"}, 400)
        tour("POST", "/v1/reload", {}, 403, token="bob")
        tour("POST", "/v1/reload", {}, 401, token=None)
        tour("DELETE", "/v1/subscribers/tour", {"key": "d1", "why": "tour"})
        tour("DELETE", "/v1/subscribers/tour", {"colour": "red"}, 400)
        tour("DELETE", "/v1/subscribers/nobody", status=404)
        tour("DELETE", "/v1/subscribers/tour", {}, 403, token="bob")
        went_well = {name for name, status in document.told if status < 300}
        left = {one["operationId"] for _, _, one in document.operations()} - went_well
        assert left == {"setCounter", "buy", "end", "lend"}, left  # the next test's


def test_products_and_counters_in_the_document(world):
    """The same on the example plans, which have add-ons and counters."""
    with HttpWorld(world.build, plans=EXAMPLES) as own:
        document = Document(own.over_tcp("GET", "/v1/openapi.yaml").text)
        tour = Tour(own, document)
        row = {"account": "tour", "imsi": "262017000000001", "plan": "flat-family",
               "wallet": "100.00", "products": "music-flat"}
        tour("POST", "/v1/subscribers", row, 201)
        path = "/v1/subscribers/tour/"
        moved = tour("POST", path + "counter", {"counter": "spent", "value": "31", "key": "c"})
        assert moved.json["subscriber"]["counters"][0]["value"] == "31.00"
        tour("POST", path + "counter", {"counter": "spent", "value": "32", "key": "c"}, 409)
        poor = {"account": "poor", "imsi": "262017000000009", "plan": "prepaid-travel",
                "wallet": "0.10"}
        tour("POST", "/v1/subscribers", poor, 201)
        for action, body in (("loan", {"key": "l"}), ("loan", {"key": "l"}),
                             ("segment", {"segment": "insider"}), ("friend", {"friend": "4930"})):
            shown = tour("POST", "/v1/subscribers/poor/" + action, body)
        assert shown.json["subscriber"]["segments"] == ["insider"]
        assert shown.json["subscriber"]["friends"] == ["4930"]
        assert shown.json["subscriber"]["loan"] == "3.00"
        tour("POST", path + "buy", {"product": "roaming-day"})
        tour("POST", path + "buy", {"product": "talk-bundle", "starts": "now", "key": "b"})
        tour("POST", path + "buy", {"product": "talk-bundle"}, 409)
        tour("POST", path + "buy", {"product": "flat-family"}, 400)
        tour("POST", path + "buy", {"product": "talk-bundle", "running": "yes"}, 400)
        shown = tour("GET", "/v1/subscribers/tour").json
        assert {one["product"] for one in shown["products"]} >= {"music-flat", "talk-bundle"}
        tour("POST", path + "end", {"product": "talk-bundle", "with_period": True})
        tour("POST", path + "end", {"product": "music-flat", "number": 99}, 404)
        tour("POST", path + "end", {"product": "none"}, 400)
        # A create that is sent again buys nothing again, though what it bought has ended.
        keyed = {**row, "account": "again", "imsi": "262017000000002", "key": "once"}
        tour("POST", "/v1/subscribers", keyed, 201)
        tour("POST", "/v1/subscribers/again/end", {"product": "music-flat"})
        assert "music-flat" not in tour("POST", "/v1/subscribers", keyed).text
        assert own.free("again") == "97.00"
        tour("POST", "/v1/subscribers", {**keyed, "products": "talk-bundle"}, 409)
        assert own.free("again") == "97.00"
