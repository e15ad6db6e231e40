"""Group A of the vectors: reservation and debit of one service (V-01 … V-44)."""
import time
from decimal import Decimal

from registry import scenario
from replay import EMPTY, TERMINATE, Mismatch, ask, denied, granted, octets, seconds, settled

STEP = 1500000


@scenario("V-01")
def exact_fit(world):
    account = world.account("data-a", "0.250000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP), final=TERMINATE)])
    account.check("0", "0.250000")
    session.terminate(ask(usu=octets(STEP)), want=[settled()])
    account.check("0")


@scenario("V-02")
def one_millionth_short(world):
    account = world.account("data-a", "0.249999")
    account.session().initial(ask(rsu=octets(STEP)), want=[denied(4012)])
    account.check("0.249999")


@scenario("V-03")
def two_sessions_one_credit(world):
    account = world.account("data-a", "0.250000")
    account.session().initial(ask(rsu=octets(STEP)),
                              want=[granted(octets(STEP), final=TERMINATE)])
    account.check("0", "0.250000")
    account.session().initial(ask(rsu=octets(STEP)), want=[denied(4012)])
    account.check("0", "0.250000")


@scenario("V-04")
def request_smaller_than_the_price_unit(world):
    account = world.account("data-a", "2.500000")
    account.session().initial(ask(rsu=octets(400000)), want=[granted(octets(STEP))])
    account.check("2.250000", "0.250000")


@scenario("V-06")
def expired_bucket_is_not_spendable(world):
    account = world.account("data-a", "0", {"money-1s": "100.000000"})
    account.check("0", money_1s="100")
    time.sleep(2.1)  # a lifetime is counted in whole seconds
    account.session().initial(ask(rsu=EMPTY), want=[denied(4012)])
    account.check("0")
    if "money-1s" in account.buckets():
        raise Mismatch(f"the expired bucket is still there: {account.buckets()}")


@scenario("V-07")
def expired_bucket_that_holds_a_reservation(world):
    account = world.account("data-a", "0.900000", {"money-4s": "1.500000"})
    former = account.session()
    former.initial(ask(rsu=octets(2 * STEP)), want=[granted(octets(2 * STEP))])
    account.check("0.900000", money_4s=("1.000000", "0.500000"))
    time.sleep(5.1)
    account.session().initial(ask(rsu=octets(800000)), want=[granted(octets(STEP))])
    account.check("0.650000", "0.250000")
    held = account.buckets()["money-4s"]
    if Decimal(held["reserved"]) != Decimal("0.5"):
        raise Mismatch(f"S0's reservation is gone: {held}")
    # S0's next report is paid by its reservation; what it asks for anew is not.
    former.update(ask(usu=octets(STEP), rsu=octets(STEP)), want=[granted(octets(STEP))])
    account.check("0.400000", "0.500000")
    left = account.buckets().get("money-4s", {"reserved": "0"})
    if Decimal(left["reserved"]) != 0:
        raise Mismatch(f"still reserved in a bucket that ended: {left}")
    former.terminate(ask(usu=octets(STEP)), want=[settled()])
    account.check("0.400000", "0.250000")
    if "money-4s" in account.buckets():
        raise Mismatch(f"the expired bucket is still there: {account.buckets()}")


@scenario("V-08")
def negative_balance_blocks(world):
    account = world.account("data-a", "-100.500000")
    account.session().initial(ask(rsu=EMPTY), want=[denied(4012)])
    account.check("-100.500000")


@scenario("V-09")
def reservation_replaces_never_adds(world):
    account = world.account("data-a", "2.000000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    account.check("1.750000", "0.250000")
    session.update(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    account.check("1.750000", "0.250000")


@scenario("V-11")
def update_when_everything_is_reserved(world):
    account = world.account("data-a", "0.250000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP), final=TERMINATE)])
    account.check("0", "0.250000")
    session.update(ask(rsu=octets(STEP)), want=[granted(octets(STEP), final=TERMINATE)])
    account.check("0", "0.250000")


@scenario("V-12")
def update_asks_for_more_than_can_be_paid(world):
    account = world.account("data-a", "0.400000")
    session = account.session()
    session.initial(ask(rsu=octets(900000)), want=[granted(octets(STEP), final=TERMINATE)])
    account.check("0.150000", "0.250000")
    session.update(ask(rsu=octets(3000000)), want=[granted(octets(STEP), final=TERMINATE)])
    account.check("0.150000", "0.250000")


@scenario("V-14")
def use_everything_exactly(world):
    account = world.account("data-a", "0.500000")
    session = account.session()
    session.initial(ask(rsu=EMPTY), want=[granted(octets(STEP))])
    account.check("0.250000", "0.250000")
    session.update(ask(usu=octets(STEP), rsu=EMPTY),
                   want=[granted(octets(STEP), final=TERMINATE)])
    account.check("0", "0.250000")


@scenario("V-15")
def one_octet_too_many(world):
    for plan, left, unpaid in (("data-a", "-0.250000", "0"),
                               ("data-a-write-off", "0", "0.250000")):
        account = world.account(plan, "0.250000")
        session = account.session()
        session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP), final=TERMINATE)])
        session.update(ask(usu=octets(STEP + 1), rsu=EMPTY), want=[denied(4012)])
        account.check(left)
        expect_written_off(account, unpaid)
        session.check_records(["charge", "charge"], used=STEP + 1, charged="0.500000", unpaid=unpaid)


def expect_written_off(account, unpaid):
    wallet = account.buckets()["wallet"]
    if Decimal(wallet["written_off"]) != Decimal(unpaid):
        raise Mismatch(f"written off is not {unpaid}: {wallet}")


@scenario("V-20")
def overrun_leaves_a_debt(world):
    account = world.account("data-a", "0.400000")
    session = account.session()
    session.initial(ask(rsu=EMPTY), want=[granted(octets(STEP), final=TERMINATE)])
    session.update(ask(usu=octets(2000000), rsu=EMPTY), want=[denied(4012)])
    account.check("-0.100000")
    session.terminate(ask(usu=octets(700000)), want=[settled()])
    account.check("-0.100000")


@scenario("V-21")
def credit_ends_during_the_call(world):
    for plan, left, unpaid in (("voice-a", "-0.250000", "0"),
                               ("voice-a-write-off", "0", "0.250000")):
        account = world.account(plan, "0.500000")
        session = account.session()
        session.initial(ask(rsu=EMPTY), want=[granted(seconds(60))])
        session.update(ask(usu=seconds(150), rsu=EMPTY), want=[denied(4012)])
        account.check(left)
        expect_written_off(account, unpaid)
        session.check_records(["charge", "charge"], used=150, charged="0.750000", unpaid=unpaid)


@scenario("V-22")
def refund_of_a_unit_bucket(world):
    account = world.account("data-a", "0", {"octets": 6000000})
    first, second = account.session(), account.session()
    first.initial(ask(rsu=octets(1000000)), want=[granted(octets(1000000))])
    account.check("0", octets=("5000000", "1000000"))
    first.terminate(ask(usu=octets(400000)), want=[settled()])
    account.check("0", octets="5600000")
    second.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    second.update(ask(usu=octets(600000), rsu=octets(STEP)), want=[granted(octets(STEP))])
    account.check("0", octets=("3500000", "1500000"))
    second.terminate(ask(usu=octets(500000)), want=[settled()])
    account.check("0", octets="4500000")


@scenario("V-24")
def seconds_are_summed_before_rounding_up(world):
    account = world.account("voice-a", "2.100000")
    session = account.session()
    session.initial(ask(rsu=EMPTY), want=[granted(seconds(60))])
    account.check("1.850000", "0.250000")
    session.update(ask(usu=seconds(61), rsu=EMPTY), want=[granted(seconds(119))])
    account.check("1.350000", "0.250000")
    session.terminate(ask(usu=seconds(59)), want=[settled()])
    account.check("1.600000")
    account = world.account("voice-a", "2.100000")
    session = account.session()
    session.initial(ask(rsu=EMPTY), want=[granted(seconds(60))])
    session.update(ask(usu=seconds(50), rsu=EMPTY), want=[granted(seconds(70))])
    account.check("1.600000", "0.250000")
    session.terminate(ask(usu=seconds(80)), want=[settled()])
    account.check("1.350000")


@scenario("V-25")
def reserve_use_nothing_close(world):
    account = world.account("voice-10", "100.000000")
    session = account.session()
    session.initial(ask(rsu=seconds(60)), want=[granted(seconds(60))])
    account.check("90.000000", "10.000000")
    session.terminate(ask(), want=[settled()])
    account.check("100.000000")


@scenario("V-29")
def termination_without_mscc_frees_everything(world):
    account = world.account("allowance-first", "20000.000000", {"allowance": 150000000})
    session = account.session()
    session.initial(ask(6400, rsu=EMPTY), want=[granted(octets(100000000), 6400)])
    account.check("20000", allowance=("50000000", "100000000"))
    session.update(ask(6400, usu=octets(300000000), rsu=EMPTY),
                   want=[granted(octets(150000000), 6400)])
    account.check("17030", "990", allowance="0")
    session.update(ask(6400, usu=octets(15000000), rsu=EMPTY),
                   want=[granted(octets(135000000), 6400)])
    account.check("17030", "990", allowance="0")
    session.terminate()
    account.check("18020.000000", allowance="0")


@scenario("V-30")
def final_at_session_level_with_two_groups(world):
    account = world.account("data-a", "10.000000")
    session = account.session()
    session.initial(ask(32, rsu=EMPTY), ask(72, rsu=EMPTY),
                    want=[granted(octets(STEP), 32), granted(octets(STEP), 72)])
    account.check("9.500000", "0.500000")
    session.update(ask(32, usu=octets(1000), rsu=EMPTY), want=[granted(octets(2999000), 32)])
    account.check("9.250000", "0.500000")
    session.update(ask(65, rsu=EMPTY), want=[granted(octets(STEP), 65)])
    account.check("9.000000", "0.750000")
    session.terminate()
    account.check("9.750000")


@scenario("V-34")
def usage_paid_by_three_purses(world):
    account = world.account("data-a", "2.500000", {"money-a": "0.100000", "money-b": "0.050000"})
    session = account.session()
    session.initial(ask(rsu=EMPTY), want=[granted(octets(STEP))])
    account.check("2.400000", "0.100000", money_a=("0", "0.1"), money_b=("0", "0.05"))
    session.update(ask(usu=octets(2000000), rsu=EMPTY), want=[granted(octets(2500000))])
    account.check("1.900000", "0.250000", money_a="0", money_b="0")
    session.update(ask(usu=octets(1800000), rsu=EMPTY), want=[granted(octets(2200000))])
    account.check("1.650000", "0.250000", money_a="0", money_b="0")
    session.terminate(ask(usu=octets(900000)), want=[settled()])
    account.check("1.650000", money_a="0", money_b="0")
    spent = sum(Decimal(bucket["spent"]) for bucket in account.buckets().values())
    if spent != 1:
        raise Mismatch(f"1.000000 is to be spent: {account.buckets()}")
    session.check_records(["charge"] * 4, used=4700000, used_by_buckets=0, charged="1.000000",
                          unpaid=0)
