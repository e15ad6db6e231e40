"""The daemon's log: lines of JSON, the least severity, the file that is reopened on SIGHUP."""
import json
import os
import signal
import socket
import struct

import diameter
from operator_world import World, eventually


def log_options(path, **more):
    return {"log": {"file": path, **more}, "diameter": {
        "accept_unknown": False, "peers": [{"identity": "known.test"}]}}


def lines_of(path):
    """Every line as JSON; the file is read as bytes, for what a peer said may stand in it."""
    with open(path, "rb") as file:
        return [json.loads(line) for line in file.read().splitlines()]


def knock(world, host):
    """A CER of a peer that nobody knows: refused with 3010, and a warning in the log."""
    pairs = [("Origin-Realm", "test"), ("Host-IP-Address", "127.0.0.1"), ("Vendor-Id", 0),
             ("Product-Name", "knock"), ("Auth-Application-Id", 4)]
    name = struct.pack(">IB3s", 264, 0x40, (8 + len(host)).to_bytes(3, "big")) + host
    octets = diameter.encode(diameter.REQUEST, diameter.CAPABILITIES, 0, 1, 1,
                             [name + bytes(-len(host) % 4), *pairs])
    with socket.create_connection(("127.0.0.1", world.levyd.port), timeout=20) as stream:
        stream.sendall(octets)
        while stream.recv(4096):
            pass


def test_json(world):
    path = os.path.join(world.levyd.directory, "json.log")
    with World(world.build, log_options(path, format="json", level="debug")) as own:
        for host in (b"stranger.test", b'quo"te\\n.test', b"line\nbreak.test", b"\xff\xfe\x00.test"):
            knock(own, host)
        eventually(lambda: b"stranger.test" in open(path, "rb").read(), "no word on the peer")
        own.levyd.stop()
        lines = lines_of(path)
        own.levyd.start()
    assert len(lines) > 5, lines
    for line in lines:
        assert list(line) == ["at", "level", "event", "text"], line
        assert line["at"].endswith("Z") and line["level"] in ("debug", "info", "warning", "error")
    assert {"ready", "stopped", "peer"} <= {line["event"] for line in lines}, lines
    warned = [line["text"] for line in lines if line["level"] == "warning"]
    assert any("stranger.test" in text and "3010" in text for text in warned), warned


def test_level(world):
    path = os.path.join(world.levyd.directory, "warn.log")
    with World(world.build, log_options(path, format="json", level="warn")) as own:
        knock(own, b"stranger.test")
        eventually(lambda: b"stranger.test" in open(path, "rb").read(), "no word on the peer")
    lines = lines_of(path)
    assert lines and {line["level"] for line in lines} == {"warning"}, lines


def test_hangup_opens_the_file_anew(world):
    path = os.path.join(world.levyd.directory, "turned.log")
    with World(world.build, log_options(path)) as own:
        knock(own, b"line\nbreak.test")  # a peer's name makes no line of its own
        knock(own, b"first.test")
        eventually(lambda: b"first.test" in open(path, "rb").read(), "no word on the first peer")
        os.rename(path, path + ".1")
        knock(own, b"second.test")  # until the signal the renamed file takes it
        eventually(lambda: b"second.test" in open(path + ".1", "rb").read(), "no word on the second")
        assert not os.path.exists(path)
        own.levyd.process.send_signal(signal.SIGHUP)
        eventually(lambda: os.path.exists(path), "SIGHUP did not make the file")
        knock(own, b"third.test")
        eventually(lambda: b"third.test" in open(path, "rb").read(), "no word on the third peer")
        with open(path + ".1", "rb") as file:
            assert b"third.test" not in file.read()
        for name in (path, path + ".1"):
            with open(name, encoding="utf-8") as file:
                for line in file:
                    assert line.split()[0].endswith("Z"), f"a line without a time: {line}"
        assert own.levyd.running()
