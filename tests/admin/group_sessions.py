"""Sessions as an operator sees them; status, trace, reload."""
import os
import shutil
import subprocess
import threading

from levyd import HERE, find_program
from operator_world import (INITIAL, STEP, TERMINATION, UPDATE, World, eventually, results, service)


def listed(world, account):
    return world.call("GET", f"/v1/subscribers/account:{account}/sessions").ok()["sessions"]


def test_groups_of_a_session(world):
    name, imsi, _ = world.account("10.00")
    world.post("account:" + name, "topup", amount="1000000", bucket="bonus-octets").ok()
    session = world.session(imsi)
    session.send(INITIAL, service(1), service(2), service(10))
    session.send(UPDATE, service(1, used=1200000))
    one, = listed(world, name)
    assert one["session_id"] == session.name and one["state"] == "open"
    groups = {group["rating_group"]: group for group in one["groups"]}
    assert sorted(groups) == [1, 2, 10], groups
    assert groups[1]["used"] == 1200000 and groups[1]["granted"] > 0, groups[1]
    reserved = {}
    for group in groups.values():
        for part in group["reserved"]:
            reserved.setdefault(part["bucket"], []).append(float(part["amount"]))
    wallet = world.levyd.wallet("account:" + name)
    assert abs(sum(reserved["wallet"]) - float(wallet["reserved"])) < 1e-9, (reserved, wallet)
    code, out, _ = world.ctl("session", "list", name)
    assert code == 0 and out.count(session.name) == 4 and "1200000" in out, out
    session.send(TERMINATION, service(1, ask=False, used=0))
    assert listed(world, name)[0]["state"] == "ended"


def test_many_sessions_are_listed_whole(world):
    name, imsi, _ = world.account("900.00")
    sessions = [world.session(imsi, f"pgw.test;many;{i};" + "x" * (i % 200)) for i in range(60)]
    for session in sessions:
        assert results(session.send(INITIAL, service(1), service(2))) == (2001, [2001, 2001])
    rows = listed(world, name)
    assert {row["session_id"] for row in rows} == {session.name for session in sessions}
    assert len(rows) == 60 and all(len(row["groups"]) == 2 for row in rows)


def test_status_rules_usage(world):
    name, imsi, _ = world.account("10.00")
    session = world.session(imsi)
    assert results(session.send(INITIAL, service(1))) == (2001, [2001])
    world.post("account:" + name, "status", status="suspended").ok()
    assert world.gateway.next_push().value("Session-Id") == session.name
    answer = results(session.send(UPDATE, service(1, used=STEP)))
    assert 4010 in (answer[0], *answer[1]), answer
    world.post("account:" + name, "status", status="active").ok()
    assert world.gateway.next_push().value("Session-Id") == session.name
    assert results(session.send(UPDATE, service(1, used=0))) == (2001, [2001])
    session.send(TERMINATION, service(1, ask=False, used=0))
    world.post("account:" + name, "status", status="barred").ok()
    answer = results(world.session(imsi).send(INITIAL, service(1)))
    assert 4010 in (answer[0], *answer[1]), answer
    assert world.free(name) == "9.75"


def test_reauthorize_and_abort(world):
    name, imsi, _ = world.account("10.00")
    session = world.session(imsi)
    session.send(INITIAL, service(1))
    assert world.ctl("session", "reauthorize", session.name, "--rating-group", "1")[0] == 0
    push = world.gateway.next_push()
    assert push.value("Session-Id") == session.name and push.value("Rating-Group") == 1
    eventually(lambda: listed(world, name)[0]["reauth_acked"] == 1, "the RAA was not taken")
    code, out, _ = world.ctl("session", "show", session.name)
    assert code == 0 and out.startswith(f"account {name}\n") and out.count(session.name) == 2, out
    shown = world.call("GET", f"/v1/sessions/{session.name}").ok()
    assert shown == {"account": name, **listed(world, name)[0]}
    assert world.ctl("session", "show", "nobody;1")[0] == 1
    assert world.ctl("session", "abort", session.name, "--key", "a", "--why", "stuck")[0] == 0
    assert world.ctl("session", "abort", session.name, "--key", "a")[0] == 0  # unchanged
    assert world.call("GET", f"/v1/sessions/{session.name}").ok()["state"] == "lost"
    assert listed(world, name)[0]["state"] != "open" and world.free(name) == "10.00"
    assert world.ctl("session", "abort", session.name)[0] == 1
    assert world.ctl("session", "reauthorize", "nobody;1")[0] == 1


def test_trace(world):
    name, imsi, _ = world.account("10.00")
    other, other_imsi, _ = world.account("10.00")
    pcap = os.path.join(world.levyd.directory, "trace.pcap")
    session, stranger = world.session(imsi), world.session(other_imsi)
    trace = subprocess.Popen([find_program(world.build, "levyctl"), "--socket", world.levyd.socket,
                              "trace", name, "--count", "8", "--seconds", "30", "--pcap", pcap],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    killer = threading.Timer(60, trace.kill)
    killer.start()
    assert b"tracing" in trace.stderr.readline()
    assert world.call("POST", f"/v1/trace/{name}").status == 409  # one at a time
    session.send(INITIAL, service(1))
    stranger.send(INITIAL, service(1))
    # Refused before any Shard sees it: the operator looks at the trace to learn why.
    for one in (session, stranger):
        refused = one.gateway.request(
            [pair for pair in one.pairs(UPDATE) if pair[0] != "CC-Request-Number"])
        assert refused.value("Result-Code") == 5005, refused.text()
    world.call("POST", "/v1/sessions/reauthorize", {"session_id": session.name}).ok()
    assert session.gateway.next_push().value("Session-Id") == session.name
    eventually(lambda: listed(world, name)[0]["reauth_acked"] == 1, "the RAA was not taken")
    session.send(TERMINATION, service(1, ask=False, used=STEP))
    out, err = trace.communicate(timeout=60)
    killer.cancel()
    text = out.decode()
    assert trace.returncode == 0, (trace.returncode, err)
    assert text.count(session.name) == 8 and stranger.name not in text, text
    for word in ("Rating-Group", "Granted-Service-Unit", "Used-Service-Unit", "5005",
                 "Re-Auth-Request-Type", imsi):
        assert word in text, (word, text)
    # Twice over: a second trace must not meet the remains of the first, nor harm the daemon.
    stranger.send(TERMINATION, service(1, ask=False, used=0))
    eventually(lambda: world.call("POST", f"/v1/trace/{other}?seconds=1").status == 200,
               "no second trace")
    assert world.levyd.running()
    if shutil.which("tshark"):
        shown = subprocess.run(["tshark", "-r", pcap, "-Y", "diameter", "-T", "fields", "-e",
                                "diameter.Session-Id", "-e", "diameter.cmd.code", "-e",
                                "diameter.Result-Code"],
                               capture_output=True, text=True, check=True, timeout=60).stdout
        wanted = [("272", ""), ("272", "2001"), ("272", ""), ("272", "5005"),
                  ("258", ""), ("258", "2001"), ("272", ""), ("272", "2001")]
        came = [line.split(",")[0] for line in shown.split("\n")]  # of the codes the command's
        assert came[:8] == ["\t".join((session.name, *row)) for row in wanted], shown
    assert world.call("POST", "/v1/trace/nobody").status == 404
    assert world.call("POST", f"/v1/trace/{name}?colour=1").status == 400


def change(path, before, after):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert before in text
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(before, after))


def test_reload(world):
    folder = os.path.join(world.levyd.directory, "reloaded-plans")
    shutil.copytree(os.path.join(HERE, "plans"), folder)
    plan = os.path.join(folder, "internet.yaml")
    with World(world.build, plans=folder) as own:
        name, imsi, _ = own.account("10.00")
        session = own.session(imsi)
        session.send(INITIAL, service(1))
        version = own.call("GET", "/v1/status").ok()["plan_version"]
        change(plan, "price: 0.25 EUR", "price: 0.2x EUR")
        refusal = own.call("POST", "/v1/reload", {}).refused(422, "invalid")
        with open(plan, encoding="utf-8") as file:
            line = file.read().split("price: 0.2x")[0].count("\n") + 1
        assert f"{plan}:{line}:" in refusal["detail"], refusal
        code, _, err = own.ctl("reload")
        assert code == 1 and f"{plan}:{line}:" in err, err
        assert own.call("GET", "/v1/status").ok()["plan_version"] == version
        change(plan, "price: 0.2x EUR", "price: 1 EUR")
        assert own.ctl("reload")[0] == 0
        assert own.call("GET", "/v1/status").ok()["plan_version"] != version
        # What was granted at 0.25 is rated at 0.25; what is granted next costs 1.
        session.send(UPDATE, service(1, used=STEP))
        assert own.levyd.wallet("account:" + name)["spent"] == "0.25"
        assert own.levyd.wallet("account:" + name)["reserved"] == "1.00"
        session.send(TERMINATION, service(1, ask=False, used=STEP))
        assert own.free(name) == "8.75"
        own.levyd.kill()
        own.levyd.start()
        assert own.free(name) == "8.75"
