"""Group C of the vectors: what usage costs (V-45 … V-69), as far as plans can say it."""
from decimal import Decimal

from registry import scenario
from replay import (DIRECT_DEBITING, INITIAL, TERMINATE, TERMINATION, Mismatch, ask, denied, granted,
                    messages, octets, seconds, settled, subscription, END_USER_IMSI)


def used(account, units, rg=1):
    """One session that reports all it used at its end."""
    session = account.session()
    session.initial()
    session.terminate(ask(rg, usu=units), want=[settled(rg)])


@scenario("V-45")
def one_per_second(world):
    account = world.account("one-per-second", "100")
    used(account, seconds(90))
    account.check("10")
    used(account, seconds(0))
    account.check("10")


@scenario("V-46")
def messages_and_data(world):
    account = world.account("message-005", "1")
    account.session().event(DIRECT_DEBITING, ask(rsu=messages(1)), want=[granted(messages(1))])
    account.check("0.995")
    account = world.account("data-per-10", "1")
    used(account, octets(20))
    account.check("0.996")


@scenario("V-55")
def a_price_that_does_not_end_costs_exactly(world):
    account = world.account("dime-per-minute", "1")
    session = account.session()
    session.initial(ask(rsu=seconds(180)), want=[granted(seconds(180))])
    account.check("0.700000", "0.300000")
    for _ in range(18):  # each report alone would round 1/60 up
        session.update(ask(usu=seconds(10)), want=[settled()])
    account.check("0.700000")
    session.terminate()
    account.check("0.700000")


@scenario()
def rounding_once_per_running_total(world):
    """0.1 per 60 s: 1 s is 0.001666…, 2 s are 0.003333…; up and down at the sixth decimal."""
    for rg, after_one, after_two in ((1, "0.998333", "0.996666"), (2, "0.998334", "0.996667")):
        account = world.account("thirds", "1")
        session = account.session()
        session.initial()
        session.update(ask(rg, usu=seconds(1)), want=[settled(rg)])
        account.check(after_one)
        session.update(ask(rg, usu=seconds(1)), want=[settled(rg)])
        account.check(after_two)


@scenario("V-57")
def the_exact_part_of_a_rounded_price(world):
    for rg in (1, 2):
        account = world.account("thirty-three", "1")
        used(account, seconds(10), rg)
        account.check("0.670000")


@scenario("V-58")
def asks_for_much_more_than_there_is(world):
    account = world.account("one-per-second", "10")
    session = account.session()
    session.initial(ask(rsu=seconds(1800)), want=[granted(seconds(10), final=TERMINATE)])
    account.check("0", "10")
    session.terminate(ask(usu=seconds(10)), want=[settled()])
    account.check("0")


@scenario("V-63")
def unknown_destination_and_unknown_subject(world):
    account = world.account("dime-per-second", "10")
    account.session().initial(ask(99, rsu=seconds(1)), want=[denied(5031, 99)],
                              failed=[("Rating-Group", 99)])
    account.check("10")
    nobody = [subscription(END_USER_IMSI, "001999999999999")]
    account.session(identities=nobody).initial(ask(1, rsu=seconds(1)), code=5030)


@scenario("V-64")
def a_large_amount(world):
    account = world.account("data-per-10000", "30000")
    used(account, octets(256000000))
    account.check("4400")


@scenario("V-65")
def free_minutes_first_then_money(world):
    """The vector without its fee of 0.01, which plans cannot say yet."""
    rows = [  # asked, rating group, money, granted, final, minutes left, money left
        (60, 1, "1.00", 50, TERMINATE, 0, "0"),
        (100, 2, "1.00", None, None, 40, "1.00"),
        (40, 1, "1.00", 40, None, 0, "1.00"),
        (5, 1, "1.00", 5, None, 20, "1.00"),
        (10, 1, "10", 10, None, 20, "10")]
    for asked, rg, money, given, final, minutes, left in rows:
        account = world.account("dime-per-second", money, {"minutes-by-20": 40})
        session = account.session()
        if given is None:
            session.initial(ask(rg, rsu=seconds(asked)), want=[denied(4012, rg)])
            account.check(left, minutes_by_20=minutes)
            continue
        session.initial(ask(rg, rsu=seconds(asked)),
                        want=[granted(seconds(given), rg, final=final)])
        session.terminate(ask(rg, usu=seconds(given)), want=[settled(rg)])
        account.check(left, minutes_by_20=minutes)


@scenario("V-66")
def shared_purse(world):
    account = world.account("half-per-second", "10")
    member = account.member()
    session = account.session(imsi=member)
    session.initial(ask(rsu=seconds(5)), want=[granted(seconds(5))])
    session.terminate(ask(usu=seconds(5)), want=[settled()])
    account.check("7.5")


@scenario("V-67")
def postpaid(world):
    account = world.account("half-per-second", "0", credit_limit="10")
    for left in ("-2.5", "-5"):
        session = account.session()
        session.initial(ask(rsu=seconds(5)), want=[granted(seconds(5))])
        session.terminate(ask(usu=seconds(5)), want=[settled()])
        account.check(left)
    session = account.session()
    session.initial(ask(rsu=seconds(60)), want=[granted(seconds(10), final=TERMINATE)])
    account.check("-10", "5")


@scenario("V-68")
def parallel_debits(world):
    """50 debits of 60 under way at once (the vector's 59 and its fee of 1 together)."""
    account = world.account("one-per-second", "10000")
    gateways = [world.gateway(f"parallel-{number}.test") for number in range(5)]
    sessions = [account.session(gateways[number % 5]) for number in range(50)]
    opened = [session.send(INITIAL, 0, [ask(rsu=seconds(60))], want=[granted(seconds(60))])
              for session in sessions]
    for sent in opened:
        sent.check()
    account.check("7000", "3000")
    closed = [session.send(TERMINATION, 1, [ask(usu=seconds(60))], want=[settled()])
              for session in sessions]
    for sent in closed:
        sent.check()
    account.check("7000")
    if Decimal(account.buckets()["wallet"]["spent"]) != 3000:
        raise Mismatch(f"spent is not 3000: {account.buckets()}")
    if account.open_sessions():
        raise Mismatch(f"sessions are left: {account.open_sessions()}")
