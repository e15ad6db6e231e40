"""Add-ons as an operator sees them: bought, shown, ended, imported, in the records and the counters."""
import contextlib
import json
import os
import re
import time

import records_files
from operator_world import INITIAL, UPDATE, World, eventually, results, service

DAY = 86400
PLANS = """
bucket_kinds:
  - {kind: data, unit: octets, priority: 20}
  - {kind: pass-data, unit: octets, priority: 30}
---
plan: plain
currency: EUR
services:
  - {service: use, rating_groups: [any], unit: octets, price: 0.25 EUR per 1500000 octets,
     grant: {default: 1500000}}
---
plan: month
currency: EUR
fees: [{fee: monthly, amount: 10 EUR, every: month}]
fee_tax: 19 %
allowances: [{allowance: data, amount: 5 MB, every: month}]
services:
  - {service: use, rating_groups: [any], unit: octets, price: 0.25 EUR per 1500000 octets,
     grant: {default: 1500000}}
---
plan: ninety
currency: EUR
valid_for: 90 d
topup_extends: 30 d
grace: 14 d
services:
  - {service: use, rating_groups: [any], unit: octets, price: 0.25 EUR per 1500000 octets,
     grant: {default: 1500000}}
  - {service: self-care, rating_groups: [9], unit: octets, price: free, in_grace: true}
---
plan: pass
kind: addon
currency: EUR
fees: [{fee: pass, amount: 2 EUR, every: "2 weeks"}]
fee_tax: 19 %
unpaid_fee: refuse
allowances: [{allowance: pass-data, amount: 1 MB, every: "2 weeks"}]
---
plan: once
kind: addon
again: refuse
currency: EUR
fees: [{fee: once, amount: 1 EUR}]
lasts: 30 days
---
plan: lazy
kind: addon
starts: first_use
currency: EUR
allowances: [{allowance: pass-data, amount: 2 MB}]
---
plan: dollars
kind: addon
currency: USD
fees: [{fee: dollars, amount: 1 USD}]
"""


@contextlib.contextmanager
def own_world(world):
    path = os.path.join(world.levyd.directory, "products.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(PLANS)
    options = {"records": {"directory": "records", "formats": ["jsonl", "csv"]}}
    with World(world.build, plans=path, options=options) as own:
        yield own


def products(own, account):
    return own.show("account:" + account).ok()["products"]


def buckets(own, account, kind):
    return [one for one in own.show("account:" + account).ok()["buckets"] if one["kind"] == kind]


def micros(text):
    return round(float(text) * 1e6)


def counter(own, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", own.levyd.metrics(), re.M)
    assert found, name
    return int(float(found.group(1)))


def test_buy_show_and_end(world):
    with own_world(world) as own:
        name, _, _ = own.account("20.00", plan="month")
        assert own.free(name) == "10.00"  # the first month's fee
        code, out, err = own.ctl("buy", name, "pass", "--key", "k", "--who", "ada", "--why", "asked")
        assert code == 0 and "pass" in out and "2 weeks" in out and "month" in out, (code, out, err)
        assert own.free(name) == "8.00"
        code, out, _ = own.ctl("buy", name, "pass", "--key", "k")
        assert code == 0 and "unchanged" in out and own.free(name) == "8.00", out
        base, bought = products(own, name)
        assert (base["product"], base["cycles"][0]["every"]) == ("month", "month"), base
        assert (bought["product"], bought["state"], bought["cycles"][0]["every"]) == \
            ("pass", "active", "2 weeks"), bought
        assert bought["cycles"][0]["next_due_at"] - bought["starts_at"] == 14 * DAY, bought
        granted, = buckets(own, name, "pass-data")
        assert (granted["product"], granted["product_number"], granted["rolled"], granted["free"]) \
            == ("pass", bought["number"], 0, "1000000"), granted
        assert granted["ends_at"] == bought["cycles"][0]["next_due_at"]
        assert own.ctl("buy", name, "pass")[0] == 0  # a further one
        code, out, _ = own.ctl("end", name, "pass", "--number", str(bought["number"]),
                               "--with-period")
        assert code == 0, out
        kept = [one for one in products(own, name) if one["number"] == bought["number"]][0]
        assert kept["ends_at"] == bought["cycles"][0]["next_due_at"], kept
        assert own.ctl("end", name, "pass", "--number", str(bought["number"]))[0] == 0
        assert own.ctl("end", name, "pass")[0] == 0
        assert [one["product"] for one in products(own, name)] == ["month"]
        left = buckets(own, name, "pass-data")  # until the next touch takes them away
        assert all(one["ends_at"] <= time.time() for one in left), left
        code, _, err = own.ctl("end", name, "pass")
        assert code == 1 and "holds no add-on" in err, err
        assert own.call("GET", "/v1/audit").ok()["holds"] is True


def test_refusals_say_what_to_do(world):
    with own_world(world) as own:
        name, _, _ = own.account("3.00", plan="plain")
        who = "account:" + name
        said = own.post(who, "buy", product="flying").refused(400, "bad_request")
        assert "pass once lazy dollars" in said["hint"] and "month" not in said["hint"], said
        said = own.post(who, "buy", product="month").refused(400, "bad_request")
        assert "base plan" in said["detail"] and "set ID plan" in said["hint"], said
        said = own.post(who, "plan", plan="pass").refused(400, "bad_request")
        assert "add-on" in said["detail"] and "levyctl buy" in said["hint"], said
        said = own.post(who, "end", product="plain").refused(400, "bad_request")
        assert "base plan" in said["detail"], said
        said = own.post(who, "buy", product="dollars").refused(422, "invalid")
        assert "USD" in said["detail"] and "EUR" in said["detail"], said
        old = str(int(time.time()) - 400 * DAY)
        said = own.post(who, "buy", product="pass", starts=old).refused(400, "bad_request")
        assert "one year" in said["detail"], said
        own.post(who, "buy", product="once").ok()
        own.post(who, "buy", product="once").refused(409, "held")
        own.post(who, "buy", product="pass").ok()
        own.post(who, "buy", product="pass").refused(409, "insufficient")
        assert own.free(name) == "0.00" and len(products(own, name)) == 2
        own.call("POST", "/v1/subscribers", {"account": "x", "plan": "pass"}).refused(422, "invalid")


def test_running_later_and_at_first_use(world):
    with own_world(world) as own:
        name, imsi, _ = own.account("5.00", plan="plain")
        now = int(time.time())
        code, _, err = own.ctl("buy", name, "pass", "--running", "--starts", str(now - 3 * DAY))
        assert code == 0, err
        running, = products(own, name)
        assert running["cycles"][0]["next_due_at"] == now + 11 * DAY, running
        assert own.free(name) == "5.00" and not buckets(own, name, "pass-data")
        code, out, _ = own.ctl("buy", name, "pass", "--running", "--starts", str(now - 3 * DAY))
        assert code == 0 and "unchanged" in out and len(products(own, name)) == 1
        assert own.ctl("buy", name, "once", "--starts", str(now + DAY), "--ends",
                       str(now + 3 * DAY))[0] == 0
        later = products(own, name)[1]
        assert (later["state"], later["why"], later["ends_at"]) == \
            ("waiting", "for its start", now + 3 * DAY), later
        assert own.free(name) == "5.00"
        assert own.ctl("buy", name, "lazy")[0] == 0
        table = own.ctl("subscriber", "show", name)[1]
        assert "waiting: for its first use" in table and "waiting: for its start" in table, table
        own.session(imsi).send(INITIAL, service(1))
        lazy = [one for one in products(own, name) if one["product"] == "lazy"][0]
        assert lazy["state"] == "active" and lazy["starts_at"] >= now, lazy


def test_import(world):
    with own_world(world) as own:
        now = int(time.time())
        since = now - 5 * DAY
        rows = ("account,imsi,plan,wallet,products\n"
                f"im-a,262031000000001,month@{since},20,pass@{since};once\n"
                "im-b,262031000000002,plain,20,\n"
                "im-c,262031000000003,plain,20,month\n"
                "im-d,262031000000004,pass,20,\n"
                "im-e,262031000000005,plain,0.50,once\n")
        path = os.path.join(own.levyd.directory, "rows.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write(rows)
        code, out, _ = own.ctl("--json", "subscriber", "import", path)
        summary = json.loads(out)
        why = {one["line"]: one["why"] for one in summary["errors"]}
        assert code == 1 and sorted(why) == [4, 5], summary
        assert "column plan" in why[4] and "column products" in why[5], why
        assert own.free("im-a") == "19.00"  # `once` alone is bought
        held = {one["product"]: one for one in products(own, "im-a")}
        assert held.keys() == {"month", "pass", "once"}
        assert held["pass"]["starts_at"] == held["month"]["starts_at"] == since
        assert held["pass"]["cycles"][0]["next_due_at"] == since + 14 * DAY
        again = json.loads(own.ctl("--json", "subscriber", "import", path)[1])
        assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 3), again
        assert own.free("im-a") == "19.00"
        rows = '{"account": "im-b", "products": ["once", "pass"]}\n'
        later = own.call("POST", "/v1/import?format=ndjson", rows.encode()).ok()
        assert later["updated"] == 1 and len(products(own, "im-b")) == 2, later


def test_records_counters_and_journaldump(world):
    with own_world(world) as own:
        name, _, _ = own.account("20.00", plan="month")
        own.post("account:" + name, "buy", product="pass").ok()
        own.post("account:" + name, "end", product="pass").ok()
        directory = os.path.join(own.levyd.directory, "records")

        def mine():
            return [one for one in records_files.records(directory)
                    if one.get("account") == name and "products" in one]
        eventually(lambda: len(mine()) == 3, "the records come")
        facts = [(one["event"], one["product"], one["fee"], one["tax"])
                 for record in mine() for one in record["products"]]
        assert facts == [("started", "month", "10.000000", "1.596638"),
                         ("started", "pass", "2.000000", "0.319327"),
                         ("ended", "pass", "0.000000", "0.000000")], facts
        for record in mine():
            fees = sum(micros(one["fee"]) for one in record["products"])
            spent = sum(micros(move["amount"]) for move in record["movements"]
                        if move["kind"] == "spend" and move["bucket_kind"] == "wallet")
            assert fees == spent, record
        rows = [row for row in records_files.rows(directory) if row["account"] == name]
        charged = sum(micros(row["charged"]) for row in rows if row["charged"])
        assert charged == 12_000_000, rows
        assert [row["product_event"] for row in rows if row["part"] == "product"] == \
            ["started", "started", "ended"]
        for event, count in (("started", 2), ("ended", 1), ("refused", 0)):
            assert counter(own, f'levy_products_total{{event="{event}"}}') == count, event
        assert counter(own, "levy_product_fees_micros_total") == 12_000_000
        # The pools are counted now and then.
        eventually(lambda: counter(own, 'levy_pool_used{pool="product"}') == 1, "the pool's gauge")
        code, out, _ = own.program("journaldump", os.path.join(own.levyd.directory, "data"))
        assert code == 0 and "product pass 2: started" in out and "2000000 micros" in out, out


def test_an_account_has_its_time(world):
    with own_world(world) as own:
        name, imsi, _ = own.account("20.00", plan="ninety")
        who = "account:" + name
        shown = own.show(who).ok()
        assert 90 * DAY - 60 < shown["valid_until"] - time.time() <= 90 * DAY, shown
        session = own.session(imsi)
        assert results(session.send(INITIAL, service(1), service(9))) == (2001, [2001, 2001])
        past = str(int(time.time()) - 5)
        assert own.ctl("subscriber", "set", name, "validity", past)[0] == 0  # its grace has begun
        assert own.gateway.next_push().value("Session-Id") == session.name
        assert results(session.send(UPDATE, service(1, used=0), service(9, used=0))) == \
            (2001, [4010, 2001])
        own.post(who, "validity", until=str(int(time.time()) - 15 * DAY)).ok()
        assert own.gateway.next_push().value("Session-Id") == session.name
        assert results(session.send(UPDATE, service(1, used=0), service(9, used=0))) == \
            (2001, [4010, 4010])
        assert own.free(name) == "20.00"  # what is in it stays
        own.post(who, "topup", amount="1", currency="EUR").ok()
        assert own.gateway.next_push().value("Session-Id") == session.name
        until = own.show(who).ok()["valid_until"]
        assert 30 * DAY - 60 < until - time.time() <= 30 * DAY, until
        assert results(session.send(UPDATE, service(1, used=0), service(9, used=0))) == \
            (2001, [2001, 2001])
        own.post(who, "validity", until="forever").ok()
        assert "valid_until" not in own.show(who).ok()
        own.post(who, "validity", until="tomorrow").refused(400, "bad_request")


def test_records_say_a_renamed_plan_by_its_newest_name(world):
    """The feed keeps names; a reload with `was` gives an id another one."""
    with own_world(world) as own:
        directory = os.path.join(own.levyd.directory, "records")
        name, _, _ = own.account("20.00", plan="month")

        def told():
            return [fact["product"] for record in records_files.records(directory)
                    if record.get("account") == name for fact in record.get("products", ())]
        own.post("account:" + name, "buy", product="pass").ok()
        eventually(lambda: told() == ["month", "pass"], "the records of the old name")
        with open(os.path.join(world.levyd.directory, "products.yaml"), "w", encoding="utf-8") as file:
            file.write(PLANS.replace("plan: pass\n", "plan: fast-pass\nwas: pass\n"))
        code, _, err = own.ctl("reload")
        assert code == 0, err
        own.post("account:" + name, "end", product="fast-pass").ok()
        eventually(lambda: told() == ["month", "pass", "fast-pass"], "the record of the new name")


def test_an_add_on_that_a_reload_has_made_a_base_plan(world):
    with own_world(world) as own:
        name, _, _ = own.account("20.00", plan="month")
        assert own.ctl("buy", name, "once")[0] == 0
        held = [one["product"] for one in products(own, name)]
        assert "once" in held, held
        path = os.path.join(world.levyd.directory, "products.yaml")
        changed = PLANS.replace("kind: addon\nagain: refuse\ncurrency: EUR\n", "currency: EUR\n"
                                ).replace("lasts: 30 days\n",
                                          "services:\n  - {service: any, rating_groups: [any], "
                                          "unit: octets, price: free}\n")
        assert changed != PLANS
        with open(path, "w", encoding="utf-8") as file:
            file.write(changed)
        code, _, err = own.ctl("reload")
        assert code == 0, err
        code, _, err = own.ctl("end", name, "once")
        assert code == 0, err
        assert "once" not in [one["product"] for one in products(own, name)]
