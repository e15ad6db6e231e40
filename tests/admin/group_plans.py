"""Plans that change under accounts: more versions than are kept, files in another order.

What an account holds is known by interned numbers, not by places in a file: neither may move it.
"""
import json
import os

from operator_world import INITIAL, STEP, TERMINATION, UPDATE, World, results, service

# Two units and two currencies, so that a bucket that took another's place would be seen.
KINDS = [{"kind": "bonus", "unit": "octets", "priority": 10},
         {"kind": "night", "unit": "octets", "priority": 5, "lifetime": "30 d"},
         {"kind": "minutes", "unit": "seconds", "priority": 7},
         {"kind": "gift", "unit": "money", "currency": "EUR", "priority": 3},
         {"kind": "roaming", "unit": "money", "currency": "USD", "priority": 3}]
HELD = {"bonus": "4000000", "night": "5000000", "minutes": "600", "gift": "1.25", "roaming": "7.50"}
BUCKETS = ";".join(f"{kind}={amount}" for kind, amount in HELD.items())  # as a row says it


def plan(name, price, currency="EUR", unit="octets", per=STEP):
    counted = {"octets": f"{per} octets", "seconds": f"{per} s"}[unit]
    return {"plan": name, "currency": currency, "services": [
        {"service": "use", "rating_groups": ["any"], "unit": unit,
         "price": f"{price} {currency} per {counted}", "grant": {"default": per}}]}


PLANS = [plan("data-a", "0.25"), plan("data-b", "0.50"), plan("data-usd", "0.75", "USD"),
         plan("voice", "0.10", unit="seconds", per=60)]


def write(path, kinds, plans):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"bucket_kinds": kinds, "plans": plans}, file, indent=1)  # JSON is YAML


def own_world(world, name, kinds, plans):
    """A levyd whose plans are a file of its own."""
    path = os.path.join(world.levyd.directory, name + ".yaml")
    write(path, kinds, plans)
    return path, World(world.build, plans=path)


def held(world, name):
    """What stands in each bucket, by kind and currency."""
    return {(bucket["kind"], bucket.get("currency")):
            {key: bucket[key] for key in ("free", "reserved", "spent", "credits")}
            for bucket in world.show("account:" + name).ok()["buckets"]}


def test_more_reloads_than_versions_are_kept(world):
    """A version that an open session uses is the last to make room, over a restart as well."""
    path, own = own_world(world, "many-versions", KINDS, PLANS)
    with own:
        name, imsi, _ = own.account("1000")
        holder, holder_imsi, _ = own.account("1000", buckets=BUCKETS)
        old, late, holding = own.session(imsi), own.session(imsi), own.session(holder_imsi)
        assert results(old.send(INITIAL, service(1))) == (2001, [2001])  # at 0.25
        holding.send(INITIAL, service(1))
        before = held(own, holder)
        for turn in range(1, 21):  # 16 versions are kept
            write(path, KINDS, [plan("data-a", f"{turn}.00"), *PLANS[1:]])
            code, out, _ = own.ctl("--json", "reload")
            told = json.loads(out)
            assert code == 0 and told["sessions_on_older"] == (2 if turn <= 10 else 3), told
            kept = {row["version"]: row for row in told["versions"] if row["kept"]}
            assert len(kept) == min(turn + 1, 16), told
            assert kept[told["plan_version"]]["in_force"] and \
                sum(row["sessions"] for row in kept.values()) == told["sessions_on_older"], told
            if turn == 10:
                late.send(INITIAL, service(1))  # at 10.00, a version that is kept to the end
            if turn == 18:
                own.levyd.kill()
                own.gateway.drop()
                own.gateway = None
                own.levyd.start()
                old.gateway = late.gateway = holding.gateway = own.session(imsi).gateway
            assert held(own, holder) == before, turn
        assert own.levyd.wallet("account:" + name)["reserved"] == "10.25"
        for session, spent in ((old, "0.25"), (late, "10.25")):
            session.send(UPDATE, service(1, used=STEP))
            assert own.levyd.wallet("account:" + name)["spent"] == spent
        assert own.levyd.wallet("account:" + name)["reserved"] == "40.00"
        for session in (old, late):
            session.send(TERMINATION, service(1, ask=False, used=0))
        holding.send(TERMINATION, service(1, ask=False, used=STEP))
        now = held(own, holder)
        assert now.pop(("bonus", None))["free"] == "2500000", now
        before.pop(("bonus", None))
        assert now == before and own.free(name) == "989.75", now
        assert own.call("GET", "/v1/audit").ok()["holds"] is True


def test_renamed_plans_and_kinds_keep_what_accounts_hold(world):
    """`was`: accounts, buckets and open sessions go on under the new name, over a kill, too."""
    path, own = own_world(world, "renamed", KINDS, PLANS)
    with own:
        name, imsi, _ = own.account("1000", buckets=BUCKETS)
        session = own.session(imsi)
        assert results(session.send(INITIAL, service(1))) == (2001, [2001])
        before = held(own, name)

        def renamed(new_plan, was_plan, new_kind, was_kind):
            plans = [dict(PLANS[0], plan=new_plan, was=was_plan), *PLANS[1:]]
            write(path, [dict(KINDS[0], kind=new_kind, was=was_kind), *KINDS[1:]], plans)

        def moved(kind):
            return {(kind if key[0] == "bonus" else key[0], key[1]): row
                    for key, row in before.items()}

        renamed("home-data", "data-a", "extra", "bonus")
        for turn in range(3):
            code, _, err = own.ctl("reload")
            assert code == 0, err
            assert own.show("account:" + name).ok()["plan"] == "home-data", turn
            assert held(own, name) == moved("extra"), turn
            if turn == 0:
                own.levyd.kill()
                own.gateway = None
                own.levyd.start()
                session.gateway = own.session(imsi).gateway
        renamed("net", ["home-data", "data-a"], "more", ["extra"])  # a second time
        assert own.ctl("reload")[0] == 0
        assert own.show("account:" + name).ok()["plan"] == "net"
        assert held(own, name) == moved("more")
        session.send(TERMINATION, service(1, ask=False, used=STEP))
        now = held(own, name)
        assert now["more", None]["free"] == "2500000" and now["more", None]["reserved"] == "0", now

        # Both names have been used for different plans: accounts may hold either.
        renamed("data-b2", "data-b", "more", ["extra"])
        write(path, [dict(KINDS[0], kind="more")] + KINDS[1:],
              [dict(PLANS[0], plan="net"), dict(PLANS[2], was=["data-b"]), PLANS[3]])
        code, _, err = own.ctl("reload")
        assert code != 0 and "was is 'data-b', but plan 'data-usd' is known beside it" in err, err
        # What was renamed cannot be a plan of its own again.
        write(path, [dict(KINDS[0], kind="more")] + KINDS[1:],
              [dict(PLANS[0], plan="net"), plan("data-a", "9.00"), *PLANS[1:]])
        code, _, err = own.ctl("reload")
        assert code != 0 and "plan 'data-a' is the same as 'net'" in err, err
        assert own.show("account:" + name).ok()["plan"] == "net"
        assert own.call("GET", "/v1/audit").ok()["holds"] is True


def test_versions_say_who_goes_on_as_before(world):
    """levyctl versions: one row a version, with its open sessions; a terminated one counts no more."""
    path, own = own_world(world, "versions", KINDS, PLANS)
    with own:
        _, imsi, _ = own.account("1000")
        session = own.session(imsi)
        session.send(INITIAL, service(1), service(2))
        write(path, KINDS, [plan("data-a", "3.00"), *PLANS[1:]])
        assert own.ctl("reload")[0] == 0
        first, second = json.loads(own.ctl("--json", "versions")[1])["versions"]
        assert (first["sessions"], first["groups"], first["in_force"]) == (1, 2, False), first
        assert (second["sessions"], second["groups"], second["in_force"]) == (0, 0, True), second
        assert len(first["source"]) == 16 and first["kept"] is True, first
        session.send(UPDATE, service(1, used=STEP))
        told = own.call("GET", "/v1/plan-versions").ok()
        assert (told["sessions_on_older"], told["groups_on_older"]) == (1, 1), told
        assert [row["sessions"] for row in told["versions"]] == [1, 1], told
        session.send(TERMINATION, service(1, ask=False, used=0))
        assert own.call("GET", "/v1/plan-versions").ok()["sessions_on_older"] == 0


def test_restart_with_the_files_in_another_order(world):
    """Reversed plans and bucket kinds, after a kill and after a stop: everything stays attached."""
    path, own = own_world(world, "reversed", KINDS, PLANS)
    with own:
        accounts = {each["plan"]: own.account("100", plan=each["plan"], buckets=BUCKETS)
                    for each in PLANS}
        sessions = {name: own.session(imsi) for name, (_, imsi, _) in accounts.items()}
        for session in sessions.values():
            session.send(INITIAL, service(1))
        before = {name: held(own, account) for name, (account, _, _) in accounts.items()}
        reserved = {name: [key[0] for key, bucket in rows.items() if float(bucket["reserved"])]
                    for name, rows in before.items()}
        assert reserved == {"data-a": ["bonus"], "data-b": ["bonus"], "data-usd": ["bonus"],
                            "voice": ["minutes"]}, before
        for end, backwards in ((own.levyd.kill, True), (own.levyd.stop, False),
                               (own.levyd.stop, True)):
            end()
            step = -1 if backwards else 1
            write(path, KINDS[::step], PLANS[::step])
            own.levyd.start()
            for name, (account, _, _) in accounts.items():
                assert held(own, account) == before[name], (name, backwards)
                assert own.show("account:" + account).ok()["plan"] == name
        own.gateway = None
        for name, session in sessions.items():
            session.gateway = own.session(session.imsi).gateway
            if name != "voice":
                session.send(TERMINATION, service(1, ask=False, used=STEP))
        for name in ("data-a", "data-b", "data-usd"):
            now = held(own, accounts[name][0])
            assert now["bonus", None]["free"] == "2500000", (name, now)
            assert now["bonus", None]["reserved"] == "0", (name, now)
            rest = {key: row for key, row in now.items() if key[0] != "bonus"}
            assert rest == {key: row for key, row in before[name].items() if key[0] != "bonus"}
        fresh, _, _ = own.account("1", buckets=BUCKETS)  # what is made now has the right kinds, too
        for kind, amount in HELD.items():
            currency = {"gift": "EUR", "roaming": "USD"}.get(kind)
            assert float(held(own, fresh)[kind, currency]["free"]) == float(amount), kind
        assert own.call("GET", "/v1/audit").ok()["holds"] is True
