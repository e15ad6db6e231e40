"""Exact amounts, request keys, transfers."""
from concurrent.futures import ThreadPoolExecutor


def test_amounts_are_exact_or_refused(world):
    name, imsi, _ = world.account("0.10")
    account = "account:" + name
    world.post(account, "topup", amount="0.000001", currency="EUR").ok()
    assert world.free(name) == "0.100001"
    world.post(account, "topup", amount="899999999.999999", currency="EUR").ok()
    assert world.free(name) == "900000000.10"
    world.post(account, "adjust", amount="-900000000.10", currency="EUR", why="back").ok()
    assert world.free(name) == "0.00"
    world.post("imsi:" + imsi, "adjust", amount="-3.25", currency="EUR", why="test").ok()
    assert world.free(name) == "-3.25"
    for amount in ("0.0000001", "1.2345678", "1,5", "1e3", "", " ", "0", "-1", "0x10", "1.", ".5",
                   "900000000000.000001", "9" * 40, "NaN", "1 EUR"):
        world.post(account, "topup", amount=amount, currency="EUR").refused(400, "bad_request")
    world.call("POST", f"/v1/subscribers/{account}/topup",
               b'{"amount": 1.5, "currency": "EUR"}').refused(400, "bad_request")
    world.post(account, "topup", amount="1", currency="eur").refused(400, "bad_request")
    world.post(account, "adjust", amount="1", currency="EUR").refused(400, "bad_request")  # no why
    world.post(account, "adjust", amount="1", currency="USD", why="x").refused(404, "not_found")
    assert world.free(name) == "-3.25"


def test_units_of_buckets(world):
    name, _, _ = world.account("0")
    world.post("account:" + name, "topup", amount="1.5 GB", bucket="bonus-octets").ok()
    world.post("account:" + name, "topup", amount="1", bucket="bonus-octets").ok()
    bucket = next(b for b in world.show("account:" + name).ok()["buckets"]
                  if b["kind"] == "bonus-octets")
    assert bucket["free"] == "1500000001", bucket
    for amount in ("1.5", "1 min", "2 parsec"):
        world.post("account:" + name, "topup", amount=amount,
                   bucket="bonus-octets").refused(400, "bad_request")
    world.post("account:" + name, "topup", amount="1", bucket="none").refused(400, "bad_request")


def test_request_keys_count_once_and_survive_a_crash(world):
    name, imsi, e164 = world.account("1.00")
    body = {"amount": "2.00", "currency": "EUR", "key": "order-1"}
    assert world.post("account:" + name, "topup", **body).ok()["result"] == "ok"
    # The same account by whichever name.
    for identity in ("account:" + name, "imsi:" + imsi, "e164:" + e164):
        assert world.post(identity, "topup", **body).ok()["result"] == "unchanged"
    world.post("account:" + name, "topup", **{**body, "amount": "2.01"}).refused(409, "key_reused")
    world.post("account:" + name, "adjust", why="w", **body).refused(409, "key_reused")
    world.post("account:" + name, "status", status="barred",
               key="order-1").refused(409, "key_reused")
    world.levyd.kill()
    world.levyd.start()
    assert world.post("imsi:" + imsi, "topup", **body).ok()["result"] == "unchanged"
    world.post("account:" + name, "topup", amount="2", bucket="bonus-octets",
               key="order-1").refused(409, "key_reused")
    assert world.free(name) == "3.00"
    other, _, _ = world.account("1.00")  # keys are per account, on whichever Shard
    assert world.post("account:" + other, "topup", **body).ok()["result"] == "ok"
    assert world.free(other) == "3.00"


def test_the_same_key_at_once(world):
    name, _, _ = world.account("0")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: world.post("account:" + name, "topup", amount="1",
                                                     currency="EUR", key="race").ok()["result"],
                                range(24)))
    assert sorted(answers) == ["ok"] + ["unchanged"] * 23, answers
    assert world.free(name) == "1.00"


def move(world, source, sink, amount, **more):
    return world.call("POST", "/v1/transfer", {"from": "account:" + source, "to": "account:" + sink,
                                               "amount": amount, "currency": "EUR", **more})


def test_transfers(world):
    names = [world.account("10.00")[0] for _ in range(8)]
    shards = {name: world.show("account:" + name).ok()["shard"] for name in names}
    same = next((a, b) for a in names for b in names if a != b and shards[a] == shards[b])
    apart = next((a, b) for a in names for b in names if shards[a] != shards[b])
    balance = {name: 1000 for name in names}
    for source, sink in (same, apart):
        answer = move(world, source, sink, "0.25", key=f"gift-{source}-{sink}").ok()
        assert answer["delivered"] and answer["result"] == "ok"
        again = move(world, source, sink, "0.25", key=f"gift-{source}-{sink}").ok()
        assert again["result"] == "unchanged", again
        move(world, source, sink, "0.26", key=f"gift-{source}-{sink}").refused(409, "key_reused")
        third = next(n for n in names if n not in (source, sink))
        move(world, source, third, "0.25", key=f"gift-{source}-{sink}").refused(409, "key_reused")
        move(world, source, sink, "1000").refused(409, "insufficient")
        balance[source] -= 25
        balance[sink] += 25
    for name, cents in balance.items():
        assert world.free(name) == f"{cents // 100}.{cents % 100:02}", name
        wallet = world.levyd.wallet("account:" + name)
        assert wallet["in_transit"] == "0.00", wallet
    world.call("POST", "/v1/transfer", {"from": "account:" + names[0], "to": "account:nobody",
                                        "amount": "1", "currency": "EUR"}).refused(404, "not_found")
    move(world, names[0], names[1], "0").refused(400, "bad_request")
    move(world, names[0], names[1], "-1").refused(400, "bad_request")
    move(world, names[0], names[1], "1", currency="EUX").refused(400, "bad_request")


def test_a_transfer_that_cannot_arrive_comes_back(world):
    source, _, _ = world.account("10.00")
    sink, _, _ = world.account("0")
    world.post("account:" + sink, "topup", amount="899999999999.999999", currency="EUR").ok()
    move(world, source, sink, "5").refused(409, "came_back")
    wallet = world.levyd.wallet("account:" + source)
    assert wallet["free"] == "10.00" and wallet["in_transit"] == "0.00", wallet
    assert world.free(sink) == "899999999999.999999"


def test_limits_plans_and_status(world):
    name, _, _ = world.account("1.00")
    account = "account:" + name
    world.post(account, "credit-limit", credit_limit="20.5").ok()
    world.post(account, "status", status="suspended").ok()
    shown = world.show(account).ok()
    assert shown["credit_limit"] == "20.50" and shown["status"] == "suspended"
    world.post(account, "credit-limit", credit_limit="-1").refused(400, "bad_request")
    world.post(account, "status", status="asleep").refused(400, "bad_request")
    world.post(account, "plan", plan="nothing").refused(400, "bad_request")
    world.post(account, "plan", plan="data-a").ok()


def test_a_subscriber_has_purses_of_its_own(world):
    name, imsi, _ = world.account("1.00")
    account = "account:" + name
    other = "9" + imsi[1:]
    row = {"account": name, "imsi": other, "currency": "EUR", "own_wallet": "0.50",
           "own_buckets": "bonus-octets=1 kB"}
    world.call("POST", "/v1/subscribers", row).ok(201)

    def purses():
        return {(b["kind"], b.get("owner")): b["free"] for b in world.show(account).ok()["buckets"]}
    own = "imsi:" + other
    assert purses() == {("wallet", None): "1.00", ("wallet", own): "0.50",
                        ("bonus-octets", own): "1000"}, purses()
    body = {"amount": "2", "currency": "EUR", "key": "own-1"}
    assert world.post(account, "topup", **body, **{"for": own}).ok()["result"] == "ok"
    # Named by whichever identity of the account, the same subscriber's; not another one's.
    assert world.post("imsi:" + imsi, "topup", **body, **{"for": own}).ok()["result"] == "unchanged"
    world.post(account, "topup", **body).refused(409, "key_reused")
    world.post(account, "topup", amount="5", bucket="bonus-octets", **{"for": own}).ok()
    world.post(account, "adjust", amount="-2.75", currency="EUR", why="w", **{"for": own}).ok()
    assert purses() == {("wallet", None): "1.00", ("wallet", own): "-0.25",
                        ("bonus-octets", own): "1005"}, purses()
    world.post(account, "adjust", amount="1", currency="EUR", why="w",
               **{"for": "imsi:" + imsi}).refused(404, "not_found")  # it has none of its own
    stranger, stranger_imsi, _ = world.account("1.00")
    world.post(account, "topup", amount="1", currency="EUR",
               **{"for": "imsi:" + stranger_imsi}).refused(404, "not_found")
    world.post(account, "topup", amount="1", currency="EUR",
               **{"for": account}).refused(400, "bad_request")
    world.delete(own).refused(409, "insufficient")
    world.post(account, "topup", amount="0.25", currency="EUR", **{"for": own}).ok()
    world.delete(own).ok()
    assert purses() == {("wallet", None): "1.00"}, purses()
    code, _, errors = world.ctl("subscriber", "create", "--account", name, "--imsi", other,
                                "--own-wallet", "3", "--currency", "EUR")
    assert code == 0, (code, errors)
    code, out, errors = world.ctl("balance", "topup", account, "1", "EUR", "--for", own)
    assert code == 0 and own in out and "4.00" in out, (out, errors)
