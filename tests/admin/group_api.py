"""Routes, bodies, listeners, the socket's file, large accounts."""
import http.client
import json
import os
import socket
import stat
import urllib.request

from levyd import LevydError
from operator_world import Answer, World, eventually


def test_unknown_routes_and_methods(world):
    for method, path in (("GET", "/"), ("GET", "/v1/nothing"), ("POST", "/v1/status"),
                         ("PUT", "/v1/transfer"), ("DELETE", "/v1/transfer"), ("POST", "/metrics"),
                         ("POST", "/v1/subscribers/x/explode"), ("PATCH", "/v1/subscribers/x")):
        answer = world.call(method, path, b"{}" if method != "GET" else None)
        assert answer.status == 404 and answer.json["error"] == "unknown_route", (method, path,
                                                                                  answer.text)
    world.call("GET", "/v1/subscribers").refused(400, "bad_request")
    world.call("GET", "/v1/subscribers/nobody").refused(404, "not_found")


def test_bodies(world):
    name, _, _ = world.account()
    path = f"/v1/subscribers/account:{name}/topup"
    for body in (b"", b"{", b"[]", b"null", b'"text"', b'{"amount": null}', b'{"amount": {}}',
                 b'{"amount": "1", "currency": "EUR", "colour": "red"}', b"\xff\xfe",
                 b'{"amount": "1", "currency": "EUR"} x', b'{"amount": true, "currency": "EUR"}'):
        world.call("POST", path, body).refused(400, "bad_request")
    for key, size in (("key", 64), ("who", 32), ("why", 96)):
        body = {"amount": "1", "currency": "EUR", key: "x" * size}
        world.call("POST", path, body).refused(400, "bad_request")
        world.call("POST", path, {**body, key: "x" * (size - 1)}).ok()
    for size, status in ((1 << 20, 400), ((1 << 20) + 1, 413), (20 << 20, 413)):
        assert world.call("POST", path, b" " * size).status == status, size
        assert world.call("POST", "/v1/nothing", b" " * size).status == (404 if status == 400
                                                                         else 413), size
    assert world.free(name) == "13.00"


def test_reads(world):
    assert world.call("GET", "/healthz").text == "ok\n"
    assert world.call("GET", "/readyz").text == "ready\n"
    assert "levy_" in world.call("GET", "/metrics").text
    status = world.call("GET", "/v1/status").ok()
    assert status["version"], status
    assert world.call("GET", "/v1/import").ok()["running"] is False
    name, imsi, e164 = world.account()
    for query in (f"imsi={imsi}", f"e164=%2B{e164}", f"account={name}"):
        assert world.call("GET", "/v1/subscribers?" + query).ok()["account"] == name


def test_large_accounts_are_shown_whole(world):
    name, imsi, _ = world.account("1.00")
    members = [{"account": name, "imsi": f"26203{i:010}", "sip": f"sip:member-{i}@example.org"}
               for i in range(100)]
    world.levyd.import_subscribers(members)
    for i in range(63):
        ends_at = 4000000000 + i
        world.post("account:" + name, "topup", amount=str(i + 1), bucket="bonus-octets",
                   ends_at=ends_at).ok()
    world.post("account:" + name, "topup", amount="1", bucket="bonus-octets",
               ends_at=3999999999).refused(507, "full")
    shown = world.show("imsi:" + members[50]["imsi"]).ok()
    assert len(shown["subscribers"]) == 101 and len(shown["buckets"]) == 64
    assert {one["imsi"] for one in shown["subscribers"]} == {imsi, *(m["imsi"] for m in members)}
    assert {one["text"] for one in shown["other_identities"]} == {m["sip"] for m in members}
    units = sorted(int(b["free"]) for b in shown["buckets"] if b["kind"] == "bonus-octets")
    assert units == list(range(1, 64))


def test_socket_file(world):
    assert stat.S_IMODE(os.stat(world.levyd.socket).st_mode) == 0o600
    world.levyd.kill()  # leaves the file behind
    assert os.path.exists(world.levyd.socket)
    world.levyd.start()
    # A second daemon must not take the socket of a live one.
    options = {**world.levyd.options, "data": {**world.levyd.options["data"], "directory": "other"}}
    with World(world.build) as other:
        other.levyd.stop()
        options["admin"] = {**options["admin"], "socket": world.levyd.socket}
        options["diameter"] = other.levyd.options["diameter"]
        other.levyd.configure(options)
        try:
            other.levyd.start()
            raise AssertionError("the second daemon started on a live socket")
        except LevydError as error:
            assert world.levyd.socket in str(error), error
        assert world.call("GET", "/healthz").status == 200
        other.levyd.configure({**options, "admin": {**options["admin"],
                                                    "socket": other.levyd.socket}})
        with open(other.levyd.socket, "w", encoding="ascii") as file:
            file.write("not a socket")
        try:
            other.levyd.start()
            raise AssertionError("a file that is no socket was replaced")
        except LevydError as error:
            assert other.levyd.socket in str(error), error
        os.remove(other.levyd.socket)
        other.levyd.start()


def test_tcp_without_credentials_serves_no_accounts(world):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {"admin": {"http": {"enabled": True, "address": "127.0.0.1", "port": port}}}
    with World(world.build, options) as tcp:
        def call(method, path, body=None):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request(method, path, body)
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            return Answer(answer.status, text)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            assert b"levy_" in answer.read()
        assert call("GET", "/v1/status").ok()["version"]
        assert call("GET", "/readyz").status == 200
        name, _, _ = tcp.account()
        body = json.dumps({"amount": "1", "currency": "EUR"})
        for method, path in (("POST", f"/v1/subscribers/{name}/topup"), ("POST", "/v1/subscribers"),
                             ("DELETE", f"/v1/subscribers/{name}"), ("POST", "/v1/reload"),
                             ("POST", "/v1/import"), ("POST", "/v1/transfer"),
                             ("GET", f"/v1/subscribers/{name}")):
            call(method, path, None if method == "GET" else body).refused(401, "no_credentials")
        assert tcp.free(name) == "10.00"


def test_a_connection_that_stays_silent_harms_nobody(world):
    sockets = []
    try:
        for _ in range(8):
            one = socket.socket(socket.AF_UNIX)
            one.connect(world.levyd.socket)
            one.sendall(b"POST /v1/transfer HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            sockets.append(one)
        assert world.call("GET", "/healthz").status == 200
    finally:
        for one in sockets:
            one.close()
    eventually(lambda: world.call("GET", "/healthz").status == 200, "no answer after broken bodies")
