"""Products: V-08, V-44, V-69 with fees and allowances; reports and RARs around their changes."""
import calendar
import datetime
import time
from decimal import Decimal

from group_conditions import world_of_yesterday, yesterday
from registry import scenario
from replay import EMPTY, TERMINATE, Mismatch, World, ask, denied, eventually, granted, network, octets, \
    seconds, settled, triggers


def products(account):
    return account.world.levyd.subscriber("account:" + account.name)["products"]


def free(account, kind="wallet"):
    return Decimal(account.buckets()[kind]["free"])


def months_before(moment):
    """The nearest earlier month that has the same day, and how many months before it is."""
    date = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
    for count in (1, 2):
        years, month = divmod(date.year * 12 + date.month - 1 - count, 12)
        if calendar.monthrange(years, month + 1)[1] >= date.day:
            return int(date.replace(year=years, month=month + 1).timestamp()), count
    raise AssertionError("of two months in a row one has 31 days, but for July and August")


@scenario("V-08")
def monthly_fee_without_money_blocks(world):
    account = world.account("monthly-100", "0")
    account.check("-100.500000")
    account.session().initial(ask(rsu=EMPTY), want=[denied(4012)])
    account.check("-100.500000")


@scenario("V-44")
def one_time_and_recurring_charges(world):
    for product, left in (("once-twice", "-0.002000"), ("bundle", "-0.003000"),
                          ("once-with-allowance", "-0.001000"), ("month-and-hour", "-0.003000"),
                          ("month-hour-and-year", "-0.004000")):
        account = world.account("data-a", "0")
        account.post("buy", product=product)
        account.check(left)
        if product == "once-with-allowance":
            account.check(left, allowance=100_000_000_000)


@scenario("V-44")
def the_next_month_falls_due(world):
    account = world.account("data-a", "0")
    due = int(time.time()) + 6
    since, months = months_before(due)
    account.post("buy", product="month-with-allowance", starts=since)
    account.check(Decimal("-0.004245") - (months - 1) * Decimal("0.001250"), allowance=100_000_000)
    if products(account)[0]["cycles"][0]["next_due_at"] != due:
        raise Mismatch(f"due at another time than {due}: {products(account)}")
    account.topup("10")
    left = Decimal("9.994505") - (months - 1) * Decimal("0.001250")
    eventually(lambda: free(account) == left, "the next month's fee")
    account.check(left, allowance=100_000_000)
    next_due = products(account)[0]["cycles"][0]["next_due_at"]
    if not 28 <= (next_due - due) / 86400 <= 31 or (next_due - due) % 86400 != 0:
        raise Mismatch(f"after {due} the next month is due at {next_due}")


@scenario("V-69", alone=True)
def purses_valid_by_the_hour(build):
    with world_of_yesterday(build) as world:
        for hour, until, left in ((15, 24, ("10", "9.4")), (11, 12, ("9.4", "10"))):
            account = world.account("voice-by-hour", "0", {"purse-1": "10", "purse-2": "10"})
            session = account.session()
            at = yesterday(hour) + 7
            change = [("Validity-Time", (until - hour) * 3600 - 7)]
            session.initial(ask(rsu=seconds(60)), at=at, want=[granted(seconds(60), more=change)])
            session.terminate(ask(usu=seconds(60)), at=at + 60, want=[settled()])
            account.check("0", purse_1=left[0], purse_2=left[1])


@scenario()
def a_report_after_a_renewal(world):
    """It consumes what it had reserved of the old period's bucket."""
    account = world.account("data-a", "0")
    account.post("buy", product="hourly", starts=int(time.time()) + 5 - 3600)
    session = account.session()
    session.initial(ask(rsu=octets(400_000)), want=[granted(octets(400_000))])
    account.check("0", hour_data=(600_000, 400_000))
    eventually(lambda: any(Decimal(b["free"]) == 1_000_000 for b in account.buckets().values()),
               "the next hour's allowance")
    session.update(ask(usu=octets(400_000), rsu=octets(300_000)), want=[granted(octets(300_000))])
    account.check("0", hour_data=(700_000, 300_000))
    session.terminate(ask(usu=octets(300_000)), want=[settled()])
    account.check("0", hour_data=700_000)


@scenario("V-93")
def changes_that_wake_a_session(world):
    account = world.account("data-a", "0.250000")
    session = account.session()
    session.initial(ask(rsu=octets(1500000)), want=[granted(octets(1500000), final=TERMINATE)])
    account.topup("1")  # group 1 holds a final grant
    session.expect_rar(rg=1)
    session.update(ask(rsu=octets(1500000)), want=[granted(octets(1500000))])
    account.post("buy", product="once-with-allowance")
    session.expect_rar()
    session.update(ask(rsu=octets(1500000)), want=[granted(octets(1500000))])
    account.check("1.249000", allowance=(100_000_000_000 - 1_500_000, 1_500_000))
    account.post("plan", plan="data-a-write-off")
    session.expect_rar()
    account.post("status", status="suspended")
    session.expect_rar()
    session.terminate(ask(usu=octets(0)), want=[settled()])


@scenario(alone=True)
def a_pass_starts_with_its_first_use_abroad(build):
    with World(build, plans=["plans_abroad.yaml"]) as world:
        account = world.account("data-a", "5")
        account.post("buy", product="away-pass")
        home, away = [network(plmn="26201")], [network(plmn="20801")]
        change = triggers(30, 31)
        session = account.session()
        session.initial(ask(rsu=octets(1500000)), extra=home,
                        want=[granted(octets(1500000), more=change)])
        session.terminate(ask(usu=octets(1500000)), extra=home, want=[settled()])
        account.check("4.750000")
        if [(one["state"], one.get("starts_at")) for one in products(account)] != \
                [("waiting", None)]:
            raise Mismatch(f"use at home started the pass: {products(account)}")
        session = account.session()
        session.initial(ask(rsu=octets(1000000)), extra=away,
                        want=[granted(octets(1000000), more=change)])
        account.check("2.750000", away_data=(4000000, 1000000))
        session.terminate(ask(usu=octets(400000)), extra=away, want=[settled()])
        account.check("2.750000", away_data=4600000)
        if products(account)[0]["state"] != "active":
            raise Mismatch(f"use abroad did not start the pass: {products(account)}")
