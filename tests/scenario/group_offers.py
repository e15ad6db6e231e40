"""Passes that a use buys, segments, friends' lists, bonuses of top-ups and loans."""
from levyd import LevydError
from registry import scenario
from replay import (TERMINATE, Mismatch, World, ask, call_to, denied, eventually, granted, network,
                    octets, seconds, settled, triggers)

MB = 1000000
PLACES = triggers(30, 31)  # MCC and MNC: rates read the network
EU, OVERSEAS = network(plmn="20801"), network(plmn="310410")


def world_of_offers(build):
    return World(build, plans=["plans_offers.yaml"])


def products(account):
    return [product["product"] for product in
            account.world.levyd.subscriber("account:" + account.name)["products"]]


def refused(status, act, *arguments, **body):
    try:
        act(*arguments, **body)
    except LevydError as error:
        if f": {status} " in str(error):
            return str(error)
        raise
    raise Mismatch(f"{arguments} {body} was not refused with {status}")


@scenario(alone=True)
def day_pass_of_a_zone(build):
    """The first use of a day abroad buys the pass: once, whatever is repeated or cut off."""
    with world_of_offers(build) as world:
        account = world.account("offers", "10")
        home = account.session()
        home.initial(ask(1, rsu=octets(MB)), want=[granted(octets(MB), 1, more=PLACES)])
        if products(account):
            raise Mismatch("a use at home has bought a pass")
        home.terminate(ask(1, usu=octets(0)), extra=[EU], want=[settled(1)])
        if products(account):
            raise Mismatch("a last report has bought a pass")
        session = account.session()
        first = session.initial(ask(1, rsu=octets(MB)), extra=[EU],
                                want=[granted(octets(MB), 1, more=PLACES)])
        account.check("7", eu_data=(MB, MB))
        session.again(first)
        world.kill_and_start()
        session.gateway = world.gateway()
        session.again(first)
        account.check("7", eu_data=(MB, MB))
        second = account.session()  # the same day
        second.initial(ask(1, rsu=octets(MB)), extra=[EU],
                       want=[granted(octets(MB), 1, more=PLACES)])
        second.terminate(ask(1, usu=octets(MB)), extra=[EU], want=[settled(1)])
        session.update(ask(1, usu=octets(MB), rsu=octets(MB)), extra=[EU],
                       want=[granted(octets(MB), 1, more=PLACES)])
        account.check("2", "5", eu_data=0)  # used up, and held: the price of use without one
        session.terminate(ask(1, usu=octets(1000)), extra=[EU], want=[settled(1)])
        account.check("6.995")
        if products(account) != ["day-eu"]:
            raise Mismatch(f"{products(account)}")
        bought = [record for record in world.charging_records(session.id) if "products" in record]
        events = [(product["event"], product["fee"], product["tax"])
                  for record in bought for product in record["products"]]
        if events != [("started", "3.000000", "0.500000")] or len(bought) != 1:
            raise Mismatch(f"{bought}")


@scenario(alone=True)
def pass_that_cannot_be_paid(build):
    """Then the price of use without it holds, where there is one; no trace of a purchase stays."""
    with world_of_offers(build) as world:
        account = world.account("offers", "2")
        session = account.session()
        session.initial(ask(1, rsu=octets(MB)), extra=[EU], want=[
            granted(octets(400000), 1, final=TERMINATE, more=PLACES)])
        account.check("0", "2")
        session.terminate(ask(1, usu=octets(0)), extra=[EU], want=[settled(1)])
        far = account.session()
        far.initial(ask(1, rsu=octets(MB)), extra=[OVERSEAS], want=[denied(4012, 1)])
        if products(account):
            raise Mismatch(f"{products(account)}")
        account.topup("4.5")
        far.update(ask(1, rsu=octets(MB)), extra=[OVERSEAS],
                   want=[granted(octets(5 * MB), 1, more=PLACES)])
        account.check("0.5")
        far.terminate(ask(1, usu=octets(4 * MB)), extra=[OVERSEAS], want=[settled(1)])
        account.check("0.5")


@scenario(alone=True)
def segments_and_friends(build):
    with world_of_offers(build) as world:
        account = world.account("offers", "10")
        session = account.session()
        session.initial(ask(1, rsu=octets(MB)), want=[granted(octets(MB), 1, more=PLACES)])
        account.check("9", "1")
        if "gold" not in refused(400, account.post, "segment", segment="golden"):
            raise Mismatch("the refusal names no segment that there is")
        account.post("segment", segment="gold")
        session.expect_rar()  # what it costs may have changed
        session.update(ask(1, usu=octets(0), rsu=octets(MB)),
                       want=[granted(octets(MB), 1, more=PLACES)])
        account.check("9.5", "0.5")
        shown = world.levyd.subscriber("account:" + account.name)
        if shown["segments"] != ["gold"] or "friends" in shown:
            raise Mismatch(f"{shown}")
        world.kill_and_start()
        session.gateway = world.gateway()
        if account.post("segment", segment="gold")["result"] != "unchanged":
            raise Mismatch("twice in one segment")
        account.post("segment", not_segment="gold")
        session.expect_rar()
        session.terminate(ask(1, usu=octets(MB)), want=[settled(1)])
        account.check("9.5")

        refused(400, account.post, "friend", friend="+49 30")
        refused(400, account.post, "friend", friend="4930", not_friend="4931")
        for number in range(19):
            account.post("friend", friend=f"+4930123{number}")
        refused(507, account.post, "friend", friend="4930999")
        world.kill_and_start()
        for number, left in (("tel:+49301234", "9.44"), ("tel:+49301299", "8.84")):
            call = account.session(context="32260@3gpp.org")
            call.initial(ask(2, rsu=seconds(60)), extra=[call_to(number)],
                         want=[granted(seconds(60), 2)])
            call.terminate(ask(2, usu=seconds(60)), want=[settled(2)])
            account.check(left)
        for number in range(19):
            account.post("friend", not_friend=f"4930123{number}")
        if "friends" in world.levyd.subscriber("account:" + account.name):
            raise Mismatch("the list is not empty")


@scenario(alone=True)
def bonuses_of_topups(build):
    """Of several, the highest that the top-up reaches; of the wallet's own currency alone."""
    with world_of_offers(build) as world:
        account = world.account("offers", "0")
        account.topup("9.99")
        account.check("9.99")
        answer = account.post("topup", amount="10", currency="EUR", key="k")
        account.check("20.99")
        again = account.post("topup", amount="10", currency="EUR", key="k")
        if (answer["result"], again["result"]) != ("ok", "unchanged"):
            raise Mismatch(f"{answer} {again}")
        account.topup("25")
        account.topup("20")
        account.topup("50", "USD")
        free = sum(int(bucket["free"]) for bucket in
                   world.levyd.subscriber("account:" + account.name)["buckets"]
                   if bucket["kind"] == "bonus-data")
        if free != 2000 * MB:
            raise Mismatch(f"{free} octets of bonus")
        account.check("65.99")
        account.topup("10", "CHF")  # 10.50, and a bonus of 1.05
        account.check("77.54")
        account.topup("163", "JPY")  # 0.9943
        account.check("78.5343", **{"wallet_CHF": 0, "wallet_JPY": 0, "wallet_USD": "50"})
        account.post("plan", plan="in-tenths")  # which takes USD
        account.check("124.5343", **{"wallet_USD": 0})


@scenario("V-57", alone=True)
def amounts_in_tenths(build):
    """`decimals: 1`: what a running total costs is rounded to 0.1."""
    with world_of_offers(build) as world:
        account = world.account("in-tenths", "1")
        for group, cost in ((2, "0.6"), (3, "0.3")):
            session = account.session(context="32260@3gpp.org")
            session.initial(ask(group, rsu=seconds(10)), want=[granted(seconds(10), group)])
            session.terminate(ask(group, usu=seconds(10)), want=[settled(group)])
            account.check(cost)
        account.check("0.3")
        session = account.session(context="32260@3gpp.org")
        session.initial(ask(2, rsu=seconds(60)), want=[
            granted(seconds(9), 2, final=TERMINATE)])  # 0.297, rounded up to 0.3
        account.check("0", "0.3")
        session.update(ask(2, usu=seconds(3)), want=[settled(2)])  # 0.099
        account.check("0.2")


@scenario(alone=True)
def emergency_loan(build):
    """Given once, to who has little; its fee is taken at once, and top-ups pay it back first."""
    with world_of_offers(build) as world:
        refused(409, world.account("offers", "1").post, "loan")
        account = world.account("offers", "0.5")
        session = account.session()
        session.initial(ask(1, rsu=octets(MB)), want=[
            granted(octets(500000), 1, final=TERMINATE, more=PLACES)])
        account.post("loan", key="l", why="asked by *100#")
        session.expect_rar(1)
        account.check("1.8", "0.5")
        if account.post("loan", key="l")["result"] != "unchanged":
            raise Mismatch("a repeated request lends again")
        refused(409, account.post, "loan")
        world.kill_and_start()
        session.gateway = world.gateway()
        account.topup("0.75")
        account.check("1.8", "0.5")
        account.topup("3")
        account.check("3.55", "0.5")  # 1.25 were still owed
        if "loan" in world.levyd.subscriber("account:" + account.name):
            raise Mismatch("a loan is still owed")
        session.terminate(ask(1, usu=octets(500000)), want=[settled(1)])
        account.check("3.55")
        eventually(lambda: world.levyd.api("GET", "/v1/audit")["holds"], "the audit", 2)
