"""Group C of the vectors: what usage costs (V-45 … V-68)."""
from decimal import Decimal

from group_conditions import last, world_of_yesterday
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


TUESDAY, THURSDAY = 1, 3


def until(change_s):
    """A grant that ends where the price changes."""
    return [("Validity-Time", change_s)]


@scenario("V-47", alone=True)
def an_hour_over_the_end_of_the_day(build):
    with world_of_yesterday(build, 10) as world:
        account = world.account("workday", "5000")
        session = account.session()
        at = last(THURSDAY, 17, 30)
        session.initial(ask(rsu=seconds(3600)), at=at,
                        want=[granted(seconds(3600), more=until(1800))])
        account.check("1399", "3601")
        session.update(ask(usu=seconds(1800), rsu=seconds(1800)), at=at + 1800,
                       want=[granted(seconds(1800), more=until(6 * 3600))])
        account.check("2299", "900")
        session.terminate(ask(usu=seconds(1800)), at=at + 3600, want=[settled()])
        account.check("2299")
        session.check_records(["charge"] * 3, used=3600, charged="2701")


@scenario("V-48", alone=True)
def the_second_charge_of_a_session_has_no_fee(build):
    """The same hour, after half an hour that paid the fee."""
    with world_of_yesterday(build, 10) as world:
        account = world.account("workday", "6801")
        session = account.session()
        at = last(THURSDAY, 17, 30)
        session.initial(ask(rsu=seconds(1800)), at=at - 1800,
                        want=[granted(seconds(1800), more=until(3600))])
        account.check("5000", "1801")
        session.update(ask(usu=seconds(1800), rsu=seconds(3600)), at=at,
                       want=[granted(seconds(3600), more=until(1800))])
        account.check("1400", "3600")
        session.update(ask(usu=seconds(1800), rsu=seconds(1800)), at=at + 1800,
                       want=[granted(seconds(1800), more=until(6 * 3600))])
        account.check("2300", "900")
        session.terminate(ask(usu=seconds(1800)), at=at + 3600, want=[settled()])
        account.check("2300")
        session.check_records(["charge"] * 4, used=5400, charged="4501")


@scenario("V-50", alone=True)
def no_fee_at_midnight(build):
    with world_of_yesterday(build, 10) as world:
        account = world.account("workday", "5000")
        session = account.session()
        at = last(TUESDAY, 23, 50)
        session.initial(ask(rsu=seconds(2400)), at=at,
                        want=[granted(seconds(2400), more=until(600))])
        account.check("3800", "1200")
        session.update(ask(usu=seconds(600), rsu=seconds(1800)), at=at + 600,
                       want=[granted(seconds(1800), more=until(18 * 3600))])
        account.check("2900", "1800")
        session.terminate(ask(usu=seconds(1800)), at=at + 2400, want=[settled()])
        account.check("2900")
        session.check_records(["charge"] * 3, used=2400, charged="2100")


@scenario("V-54")
def a_long_first_step(world):
    for use, given, reserved, left in ((132, 132, "132", "68"), (65, 65, "65", "135"),
                                       (1, 60, "60", "140")):
        account = world.account("long-first-step", "200")
        session = account.session()
        session.initial(ask(rsu=seconds(use)), want=[granted(seconds(given))])
        account.check(left, reserved)
        session.terminate(ask(usu=seconds(use)), want=[settled()])
        account.check(left)
    account = world.account("long-first-step", "60")  # 1 s, then 59 that are paid already
    session = account.session()
    session.initial(ask(rsu=seconds(1)), want=[granted(seconds(60), final=TERMINATE)])
    session.update(ask(usu=seconds(1), rsu=seconds(60)),
                   want=[granted(seconds(59), final=TERMINATE)])
    account.check("0")
    session.terminate(ask(usu=seconds(59)), want=[settled()])
    account.check("0")
    account = world.account("long-first-step", "59")
    account.session().initial(ask(rsu=seconds(1)), want=[denied(4012)])
    account.check("59")


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
def stops_at_the_maximum(world):
    """With more than that on the account; what is used beyond it costs nothing more."""
    for overrun in (0, 5):
        account = world.account("ten-then-stop", "11")
        session = account.session()
        session.initial(ask(rsu=seconds(1800)), want=[granted(seconds(10), final=TERMINATE)])
        account.check("1", "10")
        session.update(ask(usu=seconds(10 + overrun), rsu=seconds(1800)), want=[denied(4012)])
        account.check("1")
        session.terminate(ask(usu=seconds(0)), want=[settled()])
        account.check("1")
        session.check_records(["charge"] * 3, used=10 + overrun, charged="10")


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
    """After the first request: wallet and minutes, free and reserved; after the use: what is left."""
    rows = [  # asked, money, granted, final; wallet, minutes; left: wallet, minutes
        (60, "1.00", 49, TERMINATE, ("0.09", "0.91"), (0, 40), "0.09", 0),
        (40, "1.00", 40, None, ("0.99", "0.01"), (0, 40), "0.99", 0),
        (5, "1.00", 5, None, ("0.99", "0.01"), (20, 20), "0.99", 20),
        (10, "10", 10, None, ("9.99", "0.01"), (20, 20), "9.99", 20)]
    for asked, money, given, final, wallet, minutes, left, minutes_left in rows:
        account = world.account("dime-with-fee", money, {"minutes-by-20": 40})
        session = account.session()
        session.initial(ask(rsu=seconds(asked)), want=[granted(seconds(given), final=final)])
        account.check(*wallet, minutes_by_20=minutes)
        session.terminate(ask(usu=seconds(given)), want=[settled()])
        account.check(left, minutes_by_20=minutes_left)
        session.check_records(["charge"] * 2, used=given, used_by_buckets=min(given, 40),
                              charged=Decimal(money) - Decimal(left))


@scenario("V-65")
def free_minutes_that_are_refused(world):
    """All of 100 s, which there are not; and 10 s whose fee cannot be paid."""
    account = world.account("dime-with-fee", "1.00", {"minutes-by-20": 40})
    account.session().initial(ask(2, rsu=seconds(100)), want=[denied(4012, 2)])
    account.check("1.00", minutes_by_20=40)
    account = world.account("dime-with-fee", "0", {"minutes-by-20": 40})
    account.session().initial(ask(rsu=seconds(10)), want=[denied(4012)])
    account.check("0", minutes_by_20=40)
    account = world.account("dime-with-fee", None, {"minutes-by-20": 40}, currency="USD")
    account.session().initial(ask(rsu=seconds(10)), want=[denied(4012)])
    account.check(None, minutes_by_20=40)
    if "wallet" in account.buckets():
        raise Mismatch(f"there is a purse of euros: {account.buckets()}")


@scenario("V-66")
def shared_purse(world):
    """X and Y are subscribers of one account; what X has reserved, Y has not."""
    account = world.account("half-per-second", "10")
    session = account.session(imsi=account.member())
    session.initial(ask(rsu=seconds(5)), want=[granted(seconds(5))])
    account.check("7.5", "2.5")
    other = account.session()
    other.initial(ask(rsu=seconds(60)), want=[granted(seconds(15), final=TERMINATE)])
    account.check("0", "10")
    session.terminate(ask(usu=seconds(5)), want=[settled()])
    account.check("0", "7.5")
    other.terminate(ask(usu=seconds(0)), want=[settled()])
    account.check("7.5")


@scenario("V-66")
def an_empty_purse_of_its_own_beside_the_groups(world):
    """X has 0 of its own; what Y has put into the group's purse pays for X."""
    account = world.account("half-per-second", "10")
    session = account.session(imsi=account.member(own_wallet="0"))
    account.check("10", own_wallet="0")
    session.initial(ask(rsu=seconds(5)), want=[granted(seconds(5))])
    account.check("7.5", "2.5", own_wallet="0")
    session.terminate(ask(usu=seconds(5)), want=[settled()])
    account.check("7.5", own_wallet="0")


@scenario("V-67")
def postpaid(world):
    account = world.account("half-per-second", "0", credit_limit="10")
    for left in ("-2.5", "-5"):
        session = account.session()
        session.initial(ask(rsu=seconds(5)), want=[granted(seconds(5))])
        account.check(left, "2.5")
        session.terminate(ask(usu=seconds(5)), want=[settled()])
        account.check(left)
    session = account.session()
    session.initial(ask(rsu=seconds(60)), want=[granted(seconds(10), final=TERMINATE)])
    account.check("-10", "5")


@scenario("V-67")
def an_empty_purse_before_the_wallet(world):
    """Both of one account, used by its second subscriber."""
    account = world.account("half-per-second", "0", {"money-a": 1}, credit_limit="10")
    first = account.session()
    first.initial(ask(rsu=seconds(2)), want=[granted(seconds(2))])
    account.check("0", money_a=("0", "1"))
    first.terminate(ask(usu=seconds(2)), want=[settled()])
    account.check("0", money_a="0")
    session = account.session(imsi=account.member())
    session.initial(ask(rsu=seconds(5)), want=[granted(seconds(5))])
    account.check("-2.5", "2.5", money_a="0")
    session.terminate(ask(usu=seconds(5)), want=[settled()])
    account.check("-2.5", money_a="0")


@scenario("V-67")
def an_empty_group_before_the_own_default(world):
    """The group's purse has nothing: the subscriber's own wallet owes."""
    account = world.account("half-per-second", "0", credit_limit="10")
    session = account.session(imsi=account.member(own_wallet="0"))
    session.initial(ask(rsu=seconds(5)), want=[granted(seconds(5))])
    account.check("0", own_wallet=("-2.5", "2.5"))
    session.terminate(ask(usu=seconds(5)), want=[settled()])
    account.check("0", own_wallet="-2.5")
    other = account.session()  # Y has no purse of its own: the group's wallet owes what it uses
    other.initial(ask(rsu=seconds(1)), want=[granted(seconds(1))])
    other.terminate(ask(usu=seconds(1)), want=[settled()])
    account.check("-0.5", own_wallet="-2.5")


@scenario("V-68")
def parallel_debits(world):
    """50 debits of 59 s under way at once, each with its fee of 1."""
    account = world.account("second-and-fee", "10000")
    gateways = [world.gateway(f"parallel-{number}.test") for number in range(5)]
    sessions = [account.session(gateways[number % 5]) for number in range(50)]
    opened = [session.send(INITIAL, 0, [ask(rsu=seconds(59))], want=[granted(seconds(59))])
              for session in sessions]
    for sent in opened:
        sent.check()
    account.check("7000", "3000")
    closed = [session.send(TERMINATION, 1, [ask(usu=seconds(59))], want=[settled()])
              for session in sessions]
    for sent in closed:
        sent.check()
    account.check("7000")
    if Decimal(account.buckets()["wallet"]["spent"]) != 3000:
        raise Mismatch(f"spent is not 3000: {account.buckets()}")
    if account.open_sessions():
        raise Mismatch(f"sessions are left: {account.open_sessions()}")
