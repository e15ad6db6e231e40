"""Counters: over the socket, in what operators see and change, in the records, over a kill."""
import csv
import glob
import json
import os
import time

from operator_world import INITIAL, TERMINATION, UPDATE, World, eventually, results, service

MB = 1000000
PLAN = {"plan": "data-a", "currency": "EUR",
        "counters": [
            {"counter": "month", "counts": "octets", "every": "month", "limit": "5 MB",
             "levels": [{"level": "warned", "at": "60 %"}, {"level": "full", "at": "100 %"}]},
            {"counter": "spent", "counts": "money", "levels": [{"level": "half", "at": "0.20 EUR"}]},
            {"counter": "mine", "counts": "octets", "per": "subscriber"},
            {"counter": "bonus-used", "bucket": "bonus", "levels": [{"level": "gone", "at": "100 %"}]}],
        "services": [{"service": "use", "rating_groups": ["any"], "unit": "octets",
                      "price": "0.10 EUR per MB", "grant": {"default": "2 MB"}}]}


def write(path, plan):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"bucket_kinds": [{"kind": "bonus", "unit": "octets", "priority": 5}],
                   "plans": [plan]}, file)


def own_world(world):
    folder = os.path.join(world.levyd.directory, f"counters-{time.monotonic_ns()}")
    os.makedirs(folder)
    path = os.path.join(folder, "plans.yaml")
    write(path, PLAN)
    records = os.path.join(folder, "records")
    os.makedirs(records)
    return path, records, World(world.build, plans=path, options={
        "records": {"directory": records, "formats": ["jsonl", "csv"]}})


def counters(own, name):
    return {row["counter"]: row for row in own.show("account:" + name).ok().get("counters", [])}


def told(records):
    """(counter, former level, level, value) of all lines of JSON, in their order."""
    rows = []
    for path in sorted(glob.glob(records + "/*.jsonl*")):
        with open(path, encoding="utf-8") as file:
            for line in file:
                rows += [(c["counter"], c.get("former_level"), c.get("level"), c["value"])
                         for c in json.loads(line).get("counters", [])] if line.endswith("\n") else []
    return rows


def cells(records):
    found = []
    for path in sorted(glob.glob(records + "/*.csv*")):
        with open(path, encoding="utf-8", newline="") as file:
            found += [row["counters"] for row in csv.DictReader(file) if row.get("counters")]
    return found


def test_a_limit_from_the_first_grant_to_the_next_month(world):
    path, records, own = own_world(world)
    with own:
        name, imsi, _ = own.account("10", buckets="bonus=1000000")
        session = own.session(imsi)
        assert results(session.send(INITIAL, service(1))) == (2001, [2001])
        assert counters(own, name)["month"]["reserved"] == "2000000"
        answer = session.send(UPDATE, service(1, used=3 * MB))
        granted = next(a.value for a in answer.all("Multiple-Services-Credit-Control")[0]
                       if a.name == "Granted-Service-Unit")
        assert granted[0].value == 2 * MB, answer
        shown = counters(own, name)
        assert (shown["month"]["value"], shown["month"]["level"]) == ("3000000", "warned"), shown
        assert shown["month"]["limit"] == "5000000" and shown["month"]["resets_at"] > time.time()
        assert (shown["spent"]["value"], shown["spent"]["level"]) == ("0.20", "half"), shown
        assert (shown["mine"]["value"], shown["mine"]["subscriber"]) == ("3000000", imsi), shown
        assert (shown["bonus-used"]["value"], shown["bonus-used"]["of"],
                shown["bonus-used"]["level"]) == ("1000000", "1000000", "gone"), shown
        assert results(session.send(UPDATE, service(1, used=2 * MB))) == (2001, [4012])
        own.levyd.kill()
        own.gateway = None
        own.levyd.start()
        session.gateway = own.session(imsi).gateway
        assert counters(own, name)["month"]["level"] == "full"
        assert results(session.send(UPDATE, service(1)))[1] == [4012]

        code, out, err = own.ctl("subscriber", "set", imsi, "counter", "month", "1MB", "--key", "k1")
        assert code == 0, err
        assert "month" in out and "1000000" in out, out
        assert results(session.send(UPDATE, service(1)))[1] == [2001]
        assert own.ctl("subscriber", "set", imsi, "counter", "month", "1MB", "--key", "k1")[0] == 0
        code, _, err = own.ctl("subscriber", "set", imsi, "counter", "month", "2MB", "--key", "k1")
        assert code != 0 and "key" in err, err
        code, _, err = own.ctl("subscriber", "set", imsi, "counter", "months", "1MB")
        assert code != 0 and 'no plan has a counter "months"' in err, err
        code, _, err = own.ctl("subscriber", "set", imsi, "counter", "bonus-used", "1MB")
        assert code != 0 and "how much of a bucket is used" in err, err

        write(path, {**PLAN, "counters": [{**PLAN["counters"][0], "limit": "50 MB"},
                                          *PLAN["counters"][1:]]})
        assert own.ctl("reload")[0] == 0
        session.send(TERMINATION, service(1, ask=False, used=4 * MB))
        shown = counters(own, name)["month"]
        assert (shown["value"], shown["limit"], shown.get("level")) == \
            ("5000000", "50000000", None), shown
        wanted = [("spent", None, "half", "0.200000"), ("bonus-used", None, "gone", "1000000"),
                  ("month", None, "warned", "3000000"), ("month", "warned", "full", "5000000"),
                  ("month", "full", None, "1000000")]
        eventually(lambda: sorted(told(records), key=str) == sorted(wanted, key=str),
                   f"not {wanted}", 20)
        eventually(lambda: "month:full::1000000" in cells(records), "not in the CSV", 20)
        assert own.call("GET", "/v1/audit").ok()["holds"] is True


def test_a_plan_with_faults_changes_nothing(world):
    path, _, own = own_world(world)
    with own:
        name, imsi, _ = own.account("10")
        session = own.session(imsi)
        session.send(INITIAL, service(1))
        session.send(TERMINATION, service(1, ask=False, used=MB))
        write(path, {**PLAN, "counters": [{"counter": "month", "counts": "octets",
                                           "levels": [{"level": "x", "at": "50 %"}]}]})
        code, _, err = own.ctl("reload")
        assert code != 0 and "at is a share of the counter's limit, and it has none" in err, err
        assert counters(own, name)["month"]["value"] == "1000000"
