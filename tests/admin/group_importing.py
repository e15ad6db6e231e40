"""The import: forms, faults, repeats, broken-off streams."""
import socket
import time

from operator_world import World, eventually

HEADER = "account,imsi,e164,plan,wallet,buckets\n"


def load(world, text, query=""):
    octets = text if isinstance(text, bytes) else text.encode()
    return world.call("POST", "/v1/import?" + query, octets)


def errors(summary):
    return {one["line"]: one["why"] for one in summary["errors"]}


def test_csv_with_quotes(world):
    text = "\ufeff" + HEADER + ('"quo""ted, name",262021000000001,+491721000001,data-a,"1.5",'
                               '"bonus-octets=5 MB"\r\n' "\r\n" "plain,,491721000002,data-a,,\n")
    summary = load(world, text).ok()
    assert (summary["created"], summary["failed"], summary["lines"]) == (2, 0, 2), summary
    shown = world.show("imsi:262021000000001").ok()
    assert shown["account"] == 'quo"ted, name'
    assert {b["kind"]: b["free"] for b in shown["buckets"]} == {"wallet": "1.50",
                                                               "bonus-octets": "5000000"}
    assert world.show("e164:491721000002").ok()["account"] == "plain"
    again = load(world, text).ok()
    assert (again["created"], again["unchanged"]) == (0, 2), again


def test_bad_lines_are_numbered_with_their_reason(world):
    text = HEADER + "\n".join([
        "bad-a,26202x,,data-a,1,", "bad-b,262022000000002,,nothing,1,",
        "bad-c,262022000000003,,data-a,1.0000001,", "good,262022000000004,,data-a,1,",
        "bad-d,262022000000005,,data-a,1", "bad-e,262022000000006,,data-a,1,,",
        'bad-f,"262022000000007,,data-a,1,', ",,,data-a,1,", "bad-g,262022000000009,,,1,",
        "a-name-that-is-longer-than-23,262022000000010,,data-a,1,",
        "bad-h,262022000000011,,data-a,1,coins=5", "x" * 20000, "last,262022000000012,,data-a,1,"])
    answer = load(world, text)
    summary = answer.ok()
    assert sorted(errors(summary)) == [2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13], summary
    assert (summary["created"], summary["failed"]) == (2, 11), summary
    assert "IMSI" in errors(summary)[2] and "plan" in errors(summary)[3]
    assert "16 KiB" in errors(summary)[13] and "no rounding" in errors(summary)[4]
    for name in "abcdefgh":
        world.show(f"account:bad-{name}").refused(404, "not_found")


def test_stop_on_error(world):
    lines = [f"stop-{i},2620230000{i:05},,data-a,1," for i in range(200)]
    lines[100] = "stop-100,none,,data-a,1,"
    answer = load(world, HEADER + "\n".join(lines), "on_error=stop")
    assert answer.status == 422 and answer.json["stopped"], answer.text
    assert answer.json["created"] == 100 and errors(answer.json).keys() == {102}
    world.show("account:stop-99").ok()
    world.show("account:stop-101").refused(404, "not_found")


def test_conflicts_within_one_stream(world):
    """Lines in flight together claim one identity: exactly one account gets it."""
    lines = [f"claim-{i},262024000000001,4917240000{i:02},data-a,1," for i in range(64)]
    summary = load(world, HEADER + "\n".join(lines)).ok()
    assert (summary["created"], summary["failed"]) == (1, 63), summary
    assert all("belong" in why for why in errors(summary).values())
    assert world.show("imsi:262024000000001").ok()["account"] == "claim-0"
    for i in range(1, 64):
        world.show(f"e164:4917240000{i:02}").refused(404, "not_found")


def test_json_lines(world):
    rows = ('{"account": "json-a", "imsi": "262025000000001", "plan": "data-a", "wallet": 2,'
            ' "buckets": {"bonus-octets": "1 kB"}}\n'
            '{"account": "json-b", "imsi": "262025000000002", "plan": "data-a", "wallet": 1.5}\n'
            '{"account": "json-c", "colour": "red"}\n[]\n{"account": "json-d"\n')
    summary = load(world, rows, "format=ndjson").ok()
    assert summary["created"] == 2 and sorted(errors(summary)) == [3, 4, 5], summary
    assert (world.free("json-a"), world.free("json-b")) == ("2.00", "1.50")


def test_members_and_balances(world):
    text = HEADER + "family,262026000000001,,data-a,5,\nfamily,262026000000002,,,,\n"
    summary = load(world, text).ok()
    assert summary["failed"] == 0, summary
    assert len(world.show("account:family").ok()["subscribers"]) == 2
    summary = load(world, HEADER + "family,,,,9,\n").ok()
    assert "currency" in errors(summary)[2], summary  # 9 of what?
    load(world, HEADER + "family,,,data-a,9,\n").ok()
    assert world.free("family") == "5.00"
    load(world, HEADER + "family,,,,9,\n", "set_balance=1&currency=EUR").ok()
    assert world.free("family") == "9.00"


def test_streams_that_are_none(world):
    for text in ("", "account,colour\n", "account,account\n"):
        load(world, text).refused(422, "invalid")
    for query in ("format=xml", "on_error=cry", "set_balance=2", "currency=XYZ", "colour=red"):
        load(world, HEADER, query).refused(400, "bad_request")


def test_a_body_that_breaks_off(world):
    whole = "broken-0,262027000000000,,data-a,1,\n"
    part = "broken-1,262027000000001,,data-a,10"  # of 1000, perhaps
    body = (HEADER + whole + part).encode()
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(world.levyd.socket)
        stream.sendall(b"POST /v1/import HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
                       + body)
        time.sleep(0.3)
        stream.shutdown(socket.SHUT_WR)
        stream.settimeout(20)
        while stream.recv(65536):
            pass
    world.show("account:broken-0").ok()
    world.show("account:broken-1").refused(404, "not_found")
    assert load(world, HEADER + whole).ok()["unchanged"] == 1  # the next import may run


def test_levyctl_import(world, count=1000):
    text = HEADER + "".join(f"ctl-{i},26202800{i:07},,data-a,1.25,\n" for i in range(count))
    code, out, _ = world.ctl("--json", "subscriber", "import", "-", given=text.encode())
    assert code == 0 and f'"created": {count}' in out, (code, out)
    code, out, _ = world.ctl("subscriber", "import", "-", given=text.encode())
    assert code == 0 and f"{count} unchanged" in out, (code, out)
    assert world.free(f"ctl-{count - 1}") == "1.25"
    code, out, _ = world.ctl("subscriber", "import", "-", "--format", "csv",
                             given=(HEADER + "x,1a,,data-a,1,\n").encode())
    assert code == 1 and "line 2" in out, (code, out)


def test_buckets_come_with_their_account(world):
    """One Record: an account never stands there without its buckets; a repeat adds what is not held."""
    text = HEADER + "whole,262029000000001,,data-a,1,bonus-octets=1 kB\n"
    assert load(world, text).ok()["created"] == 1
    assert load(world, text).ok()["unchanged"] == 1
    load(world, HEADER + "late,262029000000002,,data-a,1,\n").ok()
    summary = load(world, HEADER + "late,262029000000002,,data-a,1,bonus-octets=2 kB\n").ok()
    assert (summary["created"], summary["updated"]) == (0, 1), summary
    held = {name: [b["free"] for b in world.show(f"account:{name}").ok()["buckets"]
                   if b["kind"] == "bonus-octets"] for name in ("whole", "late")}
    assert held == {"whole": ["1000"], "late": ["2000"]}, held


def test_progress_while_it_runs(world, count=6000):
    """The counters of an import under way, as `levyctl subscriber import` shows them."""
    lines = [f"slow-{i},26202900{i:07},,data-a,1,\n".encode() for i in range(count)]
    size = len(HEADER) + sum(map(len, lines))
    seen = []

    def counted(least):
        seen.append(own.call("GET", "/v1/import").ok())
        return seen[-1]["lines"] >= least

    room = {name: 4 * count for name in ("accounts_max", "identities_max", "buckets_max")}
    with World(world.build, {"capacity": room}) as own:
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(own.levyd.socket)
            stream.sendall(b"POST /v1/import HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                           + f"Content-Length: {size}\r\n\r\n{HEADER}".encode())
            for part in (slice(0, 2000), slice(2000, 4000), slice(4000, count)):
                stream.sendall(b"".join(lines[part]))
                if part.stop < count:  # what has arrived is counted, but for the last lines
                    eventually(lambda part=part: counted(part.stop - 1000), "lines are not counted")
                    assert seen[-1]["running"] is True, seen[-1]
            stream.settimeout(60)
            while stream.recv(65536):
                pass
        polled = [one["lines"] for one in seen]
        assert polled == sorted(polled) and 0 < polled[-1] < count, polled
        done = own.call("GET", "/v1/import").ok()
        assert (done["running"], done["lines"], done["created"]) == (False, count, count), done
