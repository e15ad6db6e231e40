"""Services that another account pays for, wherever the accounts lie."""
import json
import os
import time

from operator_world import INITIAL, TERMINATION, UPDATE, World, eventually, results, service

SHARDS = 4
MB = 1000000


def write(path, services, slice_="2 EUR"):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"plans": [{"plan": "data-a", "currency": "EUR",
                              "sponsors": [{"sponsor": "acme", "slice": slice_}],
                              "services": services}]}, file)


def priced(group, sponsor=None):
    made = {"service": f"use-{group}", "rating_groups": [group], "unit": "octets",
            "price": "0.10 EUR per MB", "grant": {"default": "1 MB"}}
    return made if sponsor is None else {**made, "sponsor": sponsor}


def sponsored_world(world, slice_="2 EUR"):
    path = os.path.join(world.levyd.directory, f"sponsors-{time.monotonic_ns()}.yaml")
    write(path, [priced(1), priced(2, "acme")], slice_)
    return path, World(world.build, plans=path)


def wallets(own):
    """Free, spent and reserved of the sponsor and its slices, as far as they are there."""
    found = {}
    for name in ["acme"] + [f"acme#{shard}" for shard in range(SHARDS)]:
        shown = own.show("account:" + name)
        if shown.status == 200:
            wallet = shown.ok()["buckets"][0]
            found[name] = {key: float(wallet[key]) for key in ("free", "spent", "reserved")}
    return found


def total(own, key):
    return round(sum(wallet[key] for wallet in wallets(own).values()), 6)


def test_the_sponsor_pays_in_every_shard(world):
    """Sixteen users over four Shards: the sponsor's slices pay and are filled again; users never."""
    _, own = sponsored_world(world)
    with own:
        first, imsi, _ = own.account("1.00")
        session = own.session(imsi)
        assert results(session.send(INITIAL, service(2))) == (2001, [4012])  # nobody pays yet
        session.send(TERMINATION)
        own.account("100", account="acme", imsi=None, e164=None)
        eventually(lambda: len(wallets(own)) == SHARDS, "no slices")
        eventually(lambda: all(wallet["free"] == 2 for name, wallet in wallets(own).items()
                               if "#" in name), "slices are not filled")
        users = [(first, imsi)] + [own.account("1.00")[:2] for _ in range(15)]
        sessions = [own.session(imsi) for _, imsi in users]
        for session in sessions:
            assert results(session.send(INITIAL, service(1), service(2))) == (2001, [2001, 2001])
        assert total(own, "reserved") == 1.6
        for _ in range(9):
            for session in sessions:
                if results(session.send(UPDATE, service(2, used=MB)))[1] != [2001]:
                    eventually(lambda s=session: results(s.send(UPDATE, service(2)))[1] == [2001],
                               "the slice stays empty")
        for session in sessions:
            session.send(TERMINATION, service(1, ask=False, used=MB), service(2, ask=False, used=MB))
        assert total(own, "spent") == 16.0 and total(own, "reserved") == 0, wallets(own)
        assert total(own, "free") == 84.0, wallets(own)
        assert sum(wallet["spent"] > 0 for wallet in wallets(own).values()) > 1, wallets(own)
        for name, _ in users:
            wallet = own.levyd.wallet("account:" + name)
            assert (wallet["free"], wallet["spent"]) == ("0.90", "0.10"), (name, wallet)
        assert own.call("GET", "/v1/audit").ok()["holds"] is True


def test_a_sponsor_that_is_empty_or_withdrawn(world):
    """No money: 4012. A plan without it: what is out is settled where it was reserved."""
    path, own = sponsored_world(world, "0.10 EUR")
    with own:
        own.account("0.50", account="acme", imsi=None, e164=None)
        users = [own.account("1.00") for _ in range(8)]
        eventually(lambda: [wallet["free"] for wallet in wallets(own).values()] == [0.2, 0.1, 0.1, 0.1],
                   "no slices")
        granted = []
        for name, imsi, _ in users:
            session = own.session(imsi)
            if results(session.send(INITIAL, service(2)))[1] == [2001]:
                granted.append((name, session))
        assert 1 <= len(granted) <= 5, granted
        assert total(own, "reserved") == len(granted) / 10, wallets(own)
        write(path, [priced(1), priced(2)])
        assert own.ctl("reload")[0] == 0
        own.levyd.kill()
        own.levyd.start()
        own.gateway = None
        for name, session in granted:
            session.gateway = own.session("0").gateway
            # Used beyond the grant, under the former plan: the sponsor's debt, not the user's.
            reply = session.send(UPDATE, service(2, used=2 * MB))
            assert results(reply) == (2001, [2001]), reply
            assert own.levyd.wallet("account:" + name)["reserved"] == "0.10"
            session.send(TERMINATION, service(2, ask=False, used=MB))
            assert own.free(name) == "0.90"
        assert total(own, "spent") == 0.2 * len(granted) and total(own, "reserved") == 0
        assert own.call("GET", "/v1/audit").ok()["holds"] is True


def test_names_of_slices_are_not_for_accounts(world):
    refusal = world.call("POST", "/v1/subscribers", {"account": "acme#1", "plan": "data-a"})
    assert "#" in refusal.refused(422, "invalid")["detail"], refusal.text
