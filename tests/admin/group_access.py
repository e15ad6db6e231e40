"""Who may do what over TCP: tokens, certificates, the addresses that need them, garbage."""
import concurrent.futures
import json
import os
import random
import shutil
import socket
import ssl
import subprocess

from http_door import Certificates, HttpWorld, client_context, make_token, write_private
from levyd import LevydError, find_program, merge
from operator_world import World, eventually

TOPUP = {"amount": "1", "currency": "EUR"}


def dump(world, **wanted):
    """Records of the journal that have all of `wanted`."""
    code, out, err = world.program("journaldump", os.path.join(world.levyd.directory, "data"),
                                   "--json")
    assert code == 0, err
    rows = [json.loads(line) for line in out.splitlines()]
    return [row for row in rows if wanted.items() <= row.items()]


def test_tokens(world):
    with HttpWorld(world.build) as own:
        name, _, _ = own.account("10.00")
        path = f"/v1/subscribers/{name}"
        before = own.refusals("no_credentials"), own.refusals("bad_credentials")
        for token, headers, word in (
                (None, {}, "no_credentials"), ("wrong", {}, "bad_credentials"),
                (own.ada + "x", {}, "bad_credentials"), (own.ada[:-1], {}, "bad_credentials"),
                ("", {}, "bad_credentials"), ("x" * 4000, {}, "bad_credentials"),
                (None, {"Authorization": "Basic " + own.ada}, "bad_credentials"),
                (None, {"Authorization": own.ada}, "bad_credentials")):
            for method, where, body in (("GET", path, None), ("POST", path + "/topup", TOPUP),
                                        ("DELETE", path, None), ("POST", "/v1/reload", {})):
                answer = own.over_tcp(method, where, body, token, headers)
                answer.refused(401, word)
                assert "Bearer" in answer.headers["WWW-Authenticate"]
        assert own.refusals("no_credentials") == before[0] + 4
        assert own.refusals("bad_credentials") == before[1] + 28
        assert own.over_tcp("GET", path, token=own.bob).ok()["account"] == name
        own.over_tcp("POST", path + "/topup", TOPUP, own.bob).refused(403, "forbidden")
        assert own.refusals("forbidden") == 1
        own.over_tcp("POST", path + "/topup", {**TOPUP, "why": "gift"}, own.ada).ok()
        assert own.free(name) == "11.00"
        assert len(dump(own, who="ada", why="gift")) == 1
        own.over_tcp("POST", path + "/topup", {**TOPUP, "who": "ada"}, own.ada).ok()
        own.over_tcp("POST", path + "/topup", {**TOPUP, "who": "bob"}, own.ada).refused(
            403, "wrong_who")
        assert own.refusals("wrong_who") == 1 and own.free(name) == "12.00"
        own.over_tcp("POST", "/v1/import?who=bob", b"imsi\n1\n", own.ada).refused(403, "wrong_who")
        # Over the socket the body says who.
        own.post(name, "topup", **TOPUP, who="carla").ok()
        assert len(dump(own, who="carla")) == 1


def test_what_is_open(world):
    with HttpWorld(world.build) as own:
        assert own.over_tcp("GET", "/healthz").text == "ok\n"
        assert own.over_tcp("GET", "/readyz", token="wrong").text == "ready\n"
        assert own.over_tcp("GET", "/v1/openapi.yaml").text.startswith("openapi: 3.")
        assert "levy_http_refused_total" in own.over_tcp("GET", "/metrics").text
        assert own.over_tcp("GET", "/v1/status").ok()["ready"] is True
        own.over_tcp("GET", "/metrics", token="wrong").refused(401, "bad_credentials")
        for path in ("/v1/audit", "/v1/import", "/v1/plan-versions", "/v1/sessions/x"):
            own.over_tcp("GET", path).refused(401, "no_credentials")
        own.over_tcp("GET", "/v1/nothing").refused(404, "unknown_route")
        head = own.raw(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head


def test_without_credentials_nothing_of_subscribers_is_shown(world):
    with HttpWorld(world.build, tokens=False) as own:
        name, _, _ = own.account()
        for method, path in (("GET", f"/v1/subscribers/{name}"), ("GET", "/v1/audit"),
                             ("POST", f"/v1/subscribers/{name}/topup"), ("POST", "/v1/reload")):
            refusal = own.over_tcp(method, path, TOPUP if method == "POST" else None)
            assert "token_file" in refusal.refused(401, "no_credentials")["hint"]
        own.over_tcp("GET", "/v1/audit", token=own.ada).refused(401, "bad_credentials")


def test_writes_are_off_by_default(world):
    with HttpWorld(world.build, {"writes": False}) as own:
        name, _, _ = own.account("10.00")
        path = f"/v1/subscribers/{name}"
        refusal = own.over_tcp("POST", path + "/topup", TOPUP, own.ada).refused(403, "forbidden")
        assert "admin.http.writes" in refusal["hint"]
        assert own.over_tcp("GET", path, token=own.ada).ok()
        assert own.free(name) == "10.00"


def test_the_token_file_is_read_again(world):
    with HttpWorld(world.build) as own:
        new, line = make_token(own.build, "dora")
        own.over_tcp("GET", "/v1/audit", token=new).refused(401, "bad_credentials")
        with open(own.token_file, encoding="utf-8") as file:
            text = file.read()
        write_private(own.token_file, text + "oops\n")
        refusal = own.over_tcp("POST", "/v1/reload", {}, own.ada).refused(422, "invalid")
        assert f"{own.token_file}:4:" in refusal["detail"], refusal
        assert own.over_tcp("GET", "/v1/audit", token=own.ada).status == 200
        write_private(own.token_file, line + "\n")
        own.over_tcp("POST", "/v1/reload", {"why": "dora came"}, own.ada).ok()
        assert "asked by ada: dora came" in own.levyd.log_end(400)
        own.over_tcp("GET", "/v1/audit", token=own.ada).refused(401, "bad_credentials")
        assert own.over_tcp("GET", "/v1/audit", token=new).status == 200
        write_private(own.token_file, line + "\n", 0o644)
        own.over_tcp("POST", "/v1/reload", {}, new).refused(422, "invalid")


def test_refused_at_the_start(world):
    with World(world.build) as own:
        own.levyd.stop()
        folder = own.levyd.directory
        tokens, open_tokens = os.path.join(folder, "tokens"), os.path.join(folder, "open-tokens")
        write_private(tokens, make_token(own.build, "ada")[1] + "\n")
        write_private(open_tokens, make_token(own.build, "ada")[1] + "\n", 0o644)
        far = {"enabled": True, "address": "0.0.0.0", "port": 0}
        near = {"enabled": True, "port": 0}
        base = own.levyd.options
        for http, key, words in (
                (far, "address", ("no credentials", "levyctl token")),
                ({**far, "token_file": tokens}, "token_file", ("in clear", "plaintext_tokens")),
                ({**near, "writes": True}, "writes", ("no credentials",)),
                ({**near, "tls": {"certificate": "x"}}, "tls", ("it needs `key`",)),
                ({**near, "tls": {"client_ca": "x"}}, "tls", ("it needs `certificate`",)),
                ({**near, "token_file": "nowhere"}, None, ("nowhere",)),
                ({**near, "token_file": open_tokens}, None, ("chmod 640",)),
                ({**near, "tls": {"certificate": tokens, "key": tokens}}, None, (tokens,))):
            own.levyd.configure(merge(base, {"admin": {"http": http}}))
            check, _, said = own.program("levyd", "--check", "--config", own.levyd.config_path)
            try:
                own.levyd.start()
                raise AssertionError(f"it started with {http}")
            except LevydError as error:
                for text in (said, str(error)):
                    for word in words:
                        assert word in text, (word, text)
                if key is not None:
                    assert check == 1 and "levyd.yaml:" in said and f"admin.http.{key}" in said, said
        # What is stated is done.
        own.levyd.configure(merge(base, {"admin": {"http": {
            **far, "token_file": tokens, "plaintext_tokens": True}}}))
        own.levyd.start()
        own.levyd.configure(base)


def test_certificates(world):
    folder = os.path.join(world.levyd.directory, "certificates")
    os.mkdir(folder)
    ours, strangers = Certificates(folder), Certificates(folder, "stranger")
    cert, key = ours.issue("server", "/CN=levyd", server=True)
    tls = {"certificate": cert, "key": key, "client_ca": ours.ca, "writers": ["ada"]}
    with HttpWorld(world.build, {"tls": tls}) as own:
        name, _, _ = own.account("10.00")
        path = f"/v1/subscribers/{name}"

        def ask(given, *call, token=None):
            return own.over_tcp(*call, token=token, context=client_context(ours.ca, given))

        ada, joe = ours.issue("ada", "/CN=ada"), ours.issue("joe", "/O=Levy/CN=joe")
        assert ask(None, "GET", "/healthz").text == "ok\n"
        ask(None, "GET", path).refused(401, "no_credentials")
        assert ask(joe, "GET", path).ok()["account"] == name
        ask(joe, "POST", path + "/topup", TOPUP).refused(403, "forbidden")
        ask(ada, "POST", path + "/topup", {**TOPUP, "why": "by certificate"}).ok()
        assert dump(own, who="ada", why="by certificate")
        ask(ada, "POST", path + "/topup", {**TOPUP, "who": "joe"}).refused(403, "wrong_who")
        assert ask(None, "GET", path, token=own.bob).ok()
        ask(ada, "POST", path + "/topup", TOPUP, token=own.bob).refused(403, "forbidden")
        for subject in ("/O=nameless", "/CN=two/CN=ada", "/CN=a b", "/CN=" + "x" * 32):
            ask(ours.issue("odd", subject), "GET", path).refused(401, "bad_credentials")
        late = ours.issue("late", "/CN=ada", days="-1")
        for unknown in (strangers.issue("fake", "/CN=ada"), late):
            try:
                answer = ask(unknown, "POST", path + "/topup", TOPUP)
                raise AssertionError(f"{unknown}: {answer.status} {answer.text}")
            except (ssl.SSLError, OSError):
                pass
        assert own.free(name) == "11.00"
        old = ssl.create_default_context(cafile=ours.ca)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        try:
            own.over_tcp("GET", "/healthz", context=old)
            raise AssertionError("TLS 1.1 was taken")
        except (ssl.SSLError, OSError):
            pass
        assert not own.raw(b"GET /healthz HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")
        # A reload takes new certificates; faulty ones change nothing.
        replaced = strangers.issue("server-2", "/CN=levyd", server=True)
        with open(cert, "rb") as file:
            kept = file.read()
        shutil.copy(replaced[0], cert)
        refusal = own.call("POST", "/v1/reload", {}).refused(422, "invalid")
        assert "not the key of" in refusal["detail"], refusal
        assert ask(ada, "GET", path).status == 200
        own_key = key + ".kept"
        shutil.copy(key, own_key)
        shutil.copy(replaced[1], key)
        own.call("POST", "/v1/reload", {}).ok()
        assert own.over_tcp("GET", path, context=client_context(strangers.ca, ada)).status == 200
        with open(cert, "wb") as file:
            file.write(kept)
        shutil.copy(own_key, key)
        own.call("POST", "/v1/reload", {}).ok()
        assert own.refusals("handshake") >= 2
        code, out, err = own.ctl_tcp("--cacert", ours.ca, "--cert", ada[0], "--key-file", ada[1],
                                     "balance", "topup", name, "1", "EUR", scheme="https")
        assert code == 0 and "12.00" in out, (code, out, err)
        assert own.ctl_tcp("status", scheme="https")[0] == 3  # nobody vouches for the daemon
        assert own.ctl_tcp("--cacert", strangers.ca, "status", scheme="https")[0] == 3


def test_levyctl_over_tcp(world):
    with HttpWorld(world.build) as own:
        name, imsi, _ = own.account("10.00")
        token = os.path.join(own.folder, "ada.token")
        write_private(token, own.ada + "\n")
        for command in (["status"], ["balance", "show", name], ["reload", "--why", "w"],
                        ["balance", "topup", name, "1", "EUR", "--key", "k"],
                        ["balance", "topup", name, "1", "EUR", "--key", "k"],
                        ["subscriber", "import", "-", "--why", "more"],
                        ["subscriber", "delete", "imsi:" + imsi, "--why", "gone"]):
            code, out, err = own.ctl_tcp("--token-file", token, *command,
                                         given=b"imsi,plan\n262990000000001,data-a\n")
            assert code == 0, (command, code, out, err)
        assert own.free(name) == "11.00"
        assert dump(own, who="ada", why="more") and dump(own, who="ada", why="gone")
        code, _, err = own.ctl_tcp("balance", "show", name)
        assert code == 1 and "hint: " in err, err
        code, _, err = own.program("levyctl", "--url", "http://192.0.2.1:9", "--token-file", token,
                                   "status")
        assert code == 2 and "in clear" in err, (code, err)


def test_token_command(world):
    saved = os.path.join(world.levyd.directory, "saved.token")
    code, out, _ = world.program("levyctl", "token", "ada", "--read", "--save", saved)
    assert code == 0 and out.startswith("ada read sha256:") and out.count("\n") == 1, out
    assert os.stat(saved).st_mode & 0o777 == 0o600
    with open(saved, encoding="ascii") as file:
        assert file.read().startswith("levy_")
    assert world.program("levyctl", "token", "ada", "--save", saved)[0] == 2  # not replaced
    assert world.program("levyctl", "token", "a/b")[0] == 2
    assert len({world.program("levyctl", "token", "ada")[1] for _ in range(5)}) == 5


def test_large_bodies_of_strangers(world):
    with HttpWorld(world.build) as own:
        name, _, _ = own.account("10.00")
        for size in (1, 1 << 20, 8 << 20):
            for path in (f"/v1/subscribers/{name}/topup", "/v1/import"):
                own.over_tcp("POST", path, b" " * size, "wrong").refused(401, "bad_credentials")
                own.over_tcp("POST", path, b" " * size, own.bob).refused(403, "forbidden")
        own.over_tcp("POST", f"/v1/subscribers/{name}/topup", b" " * (2 << 20), own.ada).refused(
            413, "too_large")
        assert own.free(name) == "10.00"


def test_concurrent_writers(world):
    with HttpWorld(world.build) as own:
        name, _, _ = own.account("0.00")
        path = f"/v1/subscribers/{name}/topup"
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(
                lambda i: own.over_tcp("POST", path, {**TOPUP, "key": f"k{i // 2}"}, own.ada),
                range(120)))
        said = sorted(answer.ok()["result"] for answer in answers)
        assert said == ["ok"] * 60 + ["unchanged"] * 60 and own.free(name) == "60.00"


def test_malformed_heads(world):
    with HttpWorld(world.build) as own:
        name, _, _ = own.account("10.00")
        body = json.dumps(TOPUP).encode()
        start = (f"POST /v1/subscribers/{name}/topup HTTP/1.1\r\nHost: x\r\n"
                 f"Authorization: Bearer {own.ada}\r\n").encode()
        size = b"Content-Length: %d\r\n" % len(body)
        for head, status in (
                (size + size, 400), (b"Content-Length: 1x\r\n", 400), (b"Content-Length: -1\r\n", 400),
                (b"Content-Length: 99999999999999999999\r\n", 400), (b"Content-Length:\r\n", 400),
                (size + b"Transfer-Encoding: chunked\r\n", 400),
                (b"Transfer-Encoding: gzip, chunked\r\n", 400),
                (size + b"Content-Type: multipart/form-data; boundary=x\r\n", 415),
                (size + b"Authorization: Bearer other\r\n", 401)):
            answer = own.raw(start + head + b"\r\n" + body)
            assert answer.startswith(b"HTTP/1.1 %d " % status), (head, answer)
        for garbage in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02",
                        b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET /%zz HTTP/1.1\r\n\r\n",
                        b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n",
                        b"GET / HTTP/1.1\r\nX: " + b"a" * 200000 + b"\r\n\r\n"):
            assert b" 200 " not in own.raw(garbage).split(b"\r\n")[0], garbage[:40]
        # Long, though within bounds: neither the stack nor the answer grows with it.
        for middle in (b"/" + b"a" * 8000, b"/v1/openapi.yaml"):
            answer = own.raw(b"GET " + middle + b" HTTP/1.1\r\nHost: x\r\nrAnge: bytes=0-" +
                             b",0-" * 2600 + b"\r\n\r\n")
            assert answer[9:12] in (b"200", b"404") and len(answer) < 100000, answer[:200]
        # A body behind a GET is no second request.
        hidden = start + size + b"\r\n" + body
        answer = own.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
                         % len(hidden) + hidden)
        assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1") == 1, answer
        assert own.free(name) == "10.00" and own.over_tcp("GET", "/healthz").status == 200
        # A POST without a length has no body, and is not waited for.
        with socket.create_connection(("127.0.0.1", own.http_port), timeout=10) as one:
            one.sendall(start + b"\r\n")
            assert one.recv(100).startswith(b"HTTP/1.1 400 ")


def test_garbage_leaves_it_healthy(world):
    seed = int(os.environ.get("LEVY_SEED", "1"))
    chance = random.Random(seed)
    with HttpWorld(world.build) as own:
        name, _, _ = own.account("10.00")
        samples = [f"POST /v1/subscribers/{name}/topup HTTP/1.1\r\nHost: x\r\nContent-Length: 36\r\n"
                   f"Authorization: Bearer {own.bob}\r\n\r\n".encode() + json.dumps(TOPUP).encode(),
                   b"POST /v1/import?format=csv HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                   b"5\r\nimsi\n\r\n0\r\n\r\n",
                   b"GET /v1/sessions/%41;1?x=y HTTP/1.1\r\nRange: bytes=0-5,7-\r\n\r\n"]
        for turn in range(400):
            octets = bytearray(chance.choice(samples))
            for _ in range(chance.randint(1, 12)):
                at = chance.randrange(len(octets))
                how = chance.randrange(4)
                if how == 0:
                    octets[at] = chance.randrange(256)
                elif how == 1:
                    del octets[at:at + chance.randint(1, 20)]
                elif how == 2:
                    octets[at:at] = chance.randbytes(chance.randint(1, 40))
                else:
                    octets[at:at] = octets[at:] * chance.randint(1, 3)
                if not octets:
                    octets = bytearray(b"\0")
            assert own.raw(bytes(octets)) is not None, (seed, turn)
            assert own.levyd.running(), (seed, turn)
        assert own.over_tcp("GET", "/healthz").status == 200
        assert own.free(name) == "10.00"
        eventually(lambda: own.over_tcp("GET", "/v1/audit", token=own.bob).ok()["holds"], "no audit")


def test_silent_connections_leave_the_socket_alone(world):
    with HttpWorld(world.build) as own:
        def descriptors():
            return len(os.listdir(f"/proc/{own.levyd.process.pid}/fd"))
        before, held = descriptors(), []
        for _ in range(60):
            one = socket.socket()
            one.settimeout(0.1)  # those beyond what is accepted wait in the kernel
            one.connect_ex(("127.0.0.1", own.http_port))
            held.append(one)
        assert own.call("GET", "/healthz").status == 200
        assert descriptors() <= before + 40, (before, descriptors())
        for one in held:
            one.close()
        eventually(lambda: own.over_tcp("GET", "/healthz").status == 200, "no answer over TCP")


def test_routes_flag(world):
    out = subprocess.run([find_program(world.build, "levyd"), "--routes"], capture_output=True,
                         check=True, timeout=60).stdout
    routes = json.loads(out)
    assert {"method", "path", "access", "operation", "summary", "query"} == set(routes[0])
    assert all(one["access"] == "write" or one["method"] == "GET" or "trace" in one["path"]
               for one in routes), routes
