"""journaldump on a live directory and a damaged copy; framedump."""
import json
import os
import shutil

import diameter
from operator_world import INITIAL, STEP, TERMINATION, World, service


def records(world, directory, *arguments):
    code, out, err = world.program("journaldump", directory, "--json", *arguments)
    assert code == 0, (code, err)
    return [json.loads(line) for line in out.splitlines()]


def test_journaldump(world):
    assert world.program("journaldump", "--help")[0] == 0
    assert world.program("journaldump")[0] == 2
    assert world.program("journaldump", "/nonexistent")[0] == 1
    name, imsi, _ = world.account("10.00")
    session = world.session(imsi)
    session.send(INITIAL, service(1))
    session.send(TERMINATION, service(1, ask=False, used=STEP))
    world.post("account:" + name, "adjust", amount="-1", currency="EUR", who="ada", why="test").ok()
    data = os.path.join(world.levyd.directory, "data")
    everything = records(world, data)
    lsns = [record["lsn"] for record in everything]
    assert lsns == list(range(lsns[0], lsns[0] + len(lsns)))
    mine = records(world, data, "--session", session.name)
    assert [one["request_type"] for one in mine] == ["initial", "termination"], mine
    assert mine[1]["mscc"][0]["used"] == STEP and mine[1]["mscc"][0]["charged_micros"] == 250000
    spent = [m for m in mine[1]["movements"] if m["kind"] == "spend"]
    assert [m["amount"] for m in spent] == [250000], mine[1]
    change = [one for one in everything if one.get("who") == "ada"]
    assert len(change) == 1 and change[0]["operator_kind"] == "adjust" and change[0]["why"] == "test"
    account, shard = mine[0]["account"], mine[0]["shard"]
    of_account = records(world, data, "--account", str(account), "--shard", str(shard))
    assert {one["account"] for one in of_account} == {account} and len(of_account) >= 4
    window = records(world, data, "--from", str(lsns[2]), "--to", str(lsns[4]))
    assert [one["lsn"] for one in window] == lsns[2:5]
    code, out, _ = world.program("journaldump", data)
    assert code == 0 and session.name in out and "rating_group 1" in out and "spend 250000" in out
    code, out, _ = world.program("journaldump", data, "--blocks")
    assert "opening" in out and "never written" in out or code == 0, out


def test_journaldump_says_where_the_damage_is(world):
    with World(world.build) as own:
        for _ in range(60):
            own.account("1.00")
        own.levyd.stop()
        copy = os.path.join(world.levyd.directory, "damaged")
        shutil.copytree(os.path.join(own.levyd.directory, "data"), copy)
        own.levyd.start()
    segment = sorted(os.listdir(os.path.join(copy, "journal")))[0]
    offset = 3 * 4096 + 100
    with open(os.path.join(copy, "journal", segment), "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x40]))
    code, _, err = world.program("journaldump", copy)
    assert code == 1 and "damage" in err and segment in err and "12288" in err, (code, err)
    code, out, _ = world.program("journaldump", copy, "--blocks")
    assert code == 1 and f"{segment} offset 12288:" in out, out
    assert out.count("create_account") > 30, "the Records behind the damage are not shown"


def test_framedump(world):
    assert world.program("framedump", "--help")[0] == 0
    message = diameter.encode(diameter.REQUEST, diameter.WATCHDOG, 0, 1, 2,
                              [("Origin-Host", "a.test"), ("Origin-Realm", "test")])
    code, out, _ = world.program("framedump", given=message + message)
    assert code == 0 and out.count("Origin-Host") == 2 and "a.test" in out, out
    pretty = " ".join(f"{byte:02X}" for byte in message).encode() + b"\n"
    assert world.program("framedump", given=pretty)[1] * 2 == out
    path = os.path.join(world.levyd.directory, "frame.bin")
    with open(path, "wb") as file:
        file.write(message)
    assert world.program("framedump", path)[0] == 0
    for wrong, place in ((message + message[:30], f"byte {len(message)}"), (b"01 0x", "byte 4"),
                         (b"010", "byte 2"), (b"", "no message"), (b"\1\0\0\4", "byte 0")):
        code, _, err = world.program("framedump", given=wrong)
        assert code == 1 and place in err, (wrong, code, err)
    assert world.program("framedump", "/nonexistent")[0] == 2
