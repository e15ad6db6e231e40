"""Group D of the vectors: sessions that correct what they reserved (V-73 … V-81)."""
from decimal import Decimal

from group_conditions import last, world_of_yesterday
from registry import scenario
from replay import (DIRECT_DEBITING, TERMINATE, ask, denied, granted, messages, octets, seconds,
                    settled)


@scenario("V-73")
def data_with_one_correction(world):
    account = world.account("octets-only", "0", {"octets": 102400})
    session = account.session()
    session.initial(ask(rsu=octets(5120)), want=[granted(octets(5120))])
    account.check("0", octets=("97280", "5120"))
    session.update(ask(usu=octets(4096), rsu=octets(5120)), want=[granted(octets(5120))])
    account.check("0", octets=("93184", "5120"))
    session.terminate(ask(usu=octets(0)), want=[settled()])
    account.check("0", octets="98304")


@scenario("V-76")
def a_dear_first_minute(world):
    account = world.account("dear-first-minute", "10.00")
    session = account.session()
    session.initial(ask(rsu=seconds(90)), want=[granted(seconds(90))])
    account.check("8.70", "1.30")
    session.terminate(ask(usu=seconds(60)), want=[settled()])
    account.check("8.80")
    session.check_records(["charge"] * 2, used=60, charged="1.20")


@scenario()
def tiers_have_their_own_steps(world):
    """Begun: 30 s of the first minute, 10 s after it; 0.2 / 6 is 0.033333…, rounded up once."""
    for use, given, left in ((1, 30, "9.000000"), (31, 60, "8.800000"), (61, 70, "8.766666"),
                             (75, 80, "8.733333")):
        account = world.account("dear-first-minute", "10.00")
        session = account.session()
        session.initial(ask(rsu=seconds(use)), want=[granted(seconds(given))])
        account.check(left, 10 - Decimal(left))
        session.update(ask(usu=seconds(1)), want=[settled()])
        session.terminate(ask(usu=seconds(use - 1)), want=[settled()])
        account.check(left)


@scenario("V-78", alone=True)
def full_refund_of_a_session_at_the_weekend(build):
    with world_of_yesterday(build, 10) as world:
        account = world.account("weekend", "10.65")
        session = account.session()
        at = last(5, 12)
        session.initial(ask(rsu=seconds(120)), at=at,
                        want=[granted(seconds(120), more=[("Validity-Time", 36 * 3600)])])
        account.check("10.30", "0.35")
        session.terminate(ask(usu=seconds(0)), at=at + 120, want=[settled()])
        account.check("10.65")
        session.check_records(["charge"] * 2, used=0, charged="0")


@scenario("V-78")
def full_refund_of_an_unused_session(world):
    account = world.account("seconds-only", "0", {"seconds": 5})
    session = account.session()
    session.initial(ask(rsu=seconds(2)), want=[granted(seconds(2))])
    account.check("0", seconds=("3", "2"))
    session.terminate(ask(usu=seconds(0)), want=[settled()])
    account.check("0", seconds="5")


@scenario("V-80")
def interim_of_one_second(world):
    for plan, money, buckets in (("one-per-second", "10", {}), ("seconds-only", "0", {"seconds": 10})):
        account = world.account(plan, money, buckets)
        session = account.session()
        session.initial(ask(rsu=seconds(1)), want=[granted(seconds(1))])
        session.update(ask(rsu=seconds(1)), want=[granted(seconds(1))])
        for number in range(2, 12):
            want = granted(seconds(1), final=TERMINATE if number == 10 else None)
            session.update(ask(usu=seconds(1), rsu=seconds(1)),
                           want=[denied(4012) if number == 11 else want])
        for _ in range(12, 30):
            session.update(ask(usu=seconds(0), rsu=seconds(1)), want=[denied(4012)])
        session.terminate(ask(usu=seconds(0)), want=[settled()])
        account.check("0", **({kind: "0" for kind in buckets}))


@scenario("V-81")
def diameter_voice(world):
    account = world.account("voice-a", "10")
    session = account.session()
    session.initial(ask(rsu=seconds(300)), want=[granted(seconds(300))])
    session.update(ask(usu=seconds(300), rsu=seconds(300)), want=[granted(seconds(300))])
    account.check("7.5", "1.25")
    session.terminate(ask(usu=seconds(250)), want=[settled()])
    account.check("7.5")  # 550 s are ten started minutes
    session.check_records(["charge"] * 3, used=550, charged="2.5")
    account = world.account("message-15", "0.45")
    for _ in range(2):
        event = account.session()
        event.event(DIRECT_DEBITING, ask(rsu=messages(1)), want=[granted(messages(1))])
        event.check_records(["charge"], used=1, charged="0.15")
    account.check("0.15")
    account = world.account("whole-call", "10")
    account.session().initial(ask(rsu=seconds(3000000000)), want=[denied(4012)])
    account.check("10")
