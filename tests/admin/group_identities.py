"""One owner per identity; SIM swap, number change, recycling, deletion."""
from concurrent.futures import ThreadPoolExecutor

from operator_world import INITIAL, STEP, TERMINATION, UPDATE, results, service


def create(world, **row):
    return world.call("POST", "/v1/subscribers", {"plan": "data-a", "wallet": "1.00", **row})


def test_an_identity_has_one_owner(world):
    name, imsi, e164 = world.account()
    for row in ({"imsi": imsi}, {"imsi": "262019999999901", "e164": e164}):
        create(world, account="thief", **row).refused(409, "exists")
    world.show("account:thief").refused(404, "not_found")
    world.show("imsi:262019999999901").refused(404, "not_found")
    for identity in ("imsi:" + imsi, "e164:" + e164):
        assert world.show(identity).ok()["account"] == name
    create(world, account=name, imsi=imsi, e164=e164).ok(200)  # the same again changes nothing


def test_concurrent_creates_of_one_identity(world):
    imsi = "262018888888801"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: create(world, account=f"racer-{i}", imsi=imsi).status,
                                range(16)))
    assert sorted(answers) == [201] + [409] * 15, answers
    owner = world.show("imsi:" + imsi).ok()["account"]
    members = 0
    for i in range(16):
        shown = world.show(f"account:racer-{i}")
        members += len(shown.json.get("subscribers", [])) if shown.status == 200 else 0
    assert members == 1 and owner.startswith("racer-")
    world.levyd.kill()
    world.levyd.start()
    assert world.show("imsi:" + imsi).ok()["account"] == owner


def test_a_second_imsi_or_number_is_refused(world):
    name, imsi, e164 = world.account()
    for row in ({"e164": e164, "imsi": "262017777777701"}, {"imsi": imsi, "e164": "491737777701"}):
        create(world, account=name, **row).refused(422, "invalid")
    shown = world.show("account:" + name).ok()
    assert shown["subscribers"] == [{"imsi": imsi, "e164": e164}] and not shown["other_identities"]
    world.show("imsi:262017777777701").refused(404, "not_found")
    world.show("e164:491737777701").refused(404, "not_found")


def test_other_identities(world):
    name, imsi, _ = world.account(sip="sip:a@example.org", nai="a@example.net")
    for identity in ("sip:a@example.org", "nai:a@example.net"):
        assert world.show(identity).ok()["account"] == name
    create(world, account="thief", sip="sip:a@example.org").refused(409, "exists")
    world.delete("imsi:" + imsi).ok()
    world.show("sip:a@example.org").refused(404, "not_found")


def test_swaps_under_an_open_session(world):
    name, imsi, e164 = world.account("10.00")
    session = world.session(imsi)
    assert results(session.send(INITIAL, service(1))) == (2001, [2001])
    new_imsi, new_number = "262016666666601", "491736666601"
    world.post("imsi:" + imsi, "swap-sim", new_imsi=new_imsi).ok()
    world.post("imsi:" + new_imsi, "change-number", new_e164=new_number).ok()
    world.show("imsi:" + imsi).refused(404, "not_found")
    world.show("e164:" + e164).refused(404, "not_found")
    assert results(session.send(UPDATE, service(1, used=STEP))) == (2001, [2001])
    session.imsi = new_imsi
    assert results(session.send(TERMINATION, service(1, ask=False, used=STEP))) == (2001, [2001])
    assert world.free(name) == "9.50"
    assert results(world.session(imsi).send(INITIAL, service(1)))[0] == 5030
    other, other_imsi, _ = world.account()
    world.post("imsi:" + new_imsi, "swap-sim", new_imsi=other_imsi).refused(409, "exists")
    assert world.show("imsi:" + other_imsi).ok()["account"] == other
    assert world.show("imsi:" + new_imsi).ok()["account"] == name


def test_recycled_numbers(world):
    name, imsi, e164 = world.account()
    world.delete("imsi:" + imsi).ok()
    world.show("e164:" + e164).refused(404, "not_found")
    create(world, account="recycler", imsi="262015555555501", e164=e164).ok(201)
    assert world.show("e164:" + e164).ok()["account"] == "recycler"
    assert world.show("account:" + name).ok()["subscribers"] == []
    world.levyd.kill()
    world.levyd.start()
    world.gateway = None
    assert world.show("e164:" + e164).ok()["account"] == "recycler"


def test_no_deletion_under_an_open_session(world):
    _, imsi, _ = world.account()
    session = world.session(imsi)
    session.send(INITIAL, service(1))
    world.delete("imsi:" + imsi).refused(409, "busy")
    session.send(TERMINATION, service(1, ask=False, used=0))
    world.delete("imsi:" + imsi).ok()
    world.delete("imsi:" + imsi).refused(404, "not_found")


def test_deletion_in_a_group_names_the_subscriber(world):
    name, imsi, e164 = world.account()
    create(world, account=name, imsi="262014444444401").ok(201)
    world.delete("account:" + name).refused(409, "ambiguous")
    world.delete("imsi:" + imsi).ok()
    assert world.show("account:" + name).ok()["subscribers"] == [{"imsi": "262014444444401"}]
    world.show("e164:" + e164).refused(404, "not_found")


def test_a_repeat_of_a_swap_by_what_is_gone(world):
    name, imsi, e164 = world.account()
    fresh, number = "26299" + imsi[5:], "49199" + e164[5:]
    for _ in range(2):
        shown = world.post("imsi:" + imsi, "swap-sim", new_imsi=fresh, key="s").ok()
        assert shown["account"] == name and shown["subscribers"][0]["imsi"] == fresh
        shown = world.post(e164, "change-number", new_e164="+" + number, key="n").ok()
        assert shown["subscribers"] == [{"imsi": fresh, "e164": number}]
    for more in ({}, {"key": "t"}):
        world.post("imsi:" + imsi, "swap-sim", new_imsi=fresh, **more).refused(404, "not_found")


def test_a_delete_with_a_key_takes_one_subscriber(world):
    name, imsi, _ = world.account()
    second = {"account": name, "imsi": "26288" + imsi[5:]}
    create(world, **second).ok(201)
    path = "/v1/subscribers/imsi:"
    assert world.call("DELETE", path + imsi, {"key": "d", "why": "gone"}).ok()["result"] == "ok"
    world.call("DELETE", path + imsi, {"key": "d"}).refused(404, "not_found")
    world.call("DELETE", path + second["imsi"], {"key": "d"}).refused(409, "key_reused")
    assert world.call("DELETE", path + second["imsi"], {"key": "e"}).ok()["result"] == "ok"
