"""Sessions whose gateway falls silent: Tcc is twice the Validity-Time (V-75, V-101)."""
import time

from registry import scenario
from replay import TERMINATE, Mismatch, World, ask, eventually, granted, octets, settled

STEP = 1500000
VALID = [("Validity-Time", 1)]


def open_one(account, amount, **more):
    session = account.session()
    session.initial(ask(rsu=octets(amount)), want=[granted(octets(amount), more=VALID, **more)])
    return session


def lost(account):
    eventually(lambda: not account.open_sessions(), f"Tcc of {account.name}")


@scenario("V-75")
def timeout_charges_an_assumed_use(world):
    account = world.account("lost-charge", "0", {"octets": 102400})
    open_one(account, 1024)
    account.check("0", octets=("101376", "1024"))
    lost(account)
    account.check("0", octets="100352")


@scenario("V-101")
def reservation_returns(world):
    account = world.account("lost-release", "0.250000")
    started = time.monotonic()
    session = open_one(account, STEP, final=TERMINATE)
    time.sleep(1.2)
    account.check("0", "0.250000")  # past the Validity-Time, before Tcc
    lost(account)
    if time.monotonic() - started < 1.9:
        raise Mismatch("Tcc came before twice the Validity-Time")
    account.check("0.250000")
    late = session.update(ask(usu=octets(STEP), rsu=octets(STEP)), code=5002)
    account.check("0")
    session.again(late)
    account.check("0")


@scenario()
def a_report_in_time_puts_tcc_off(world):
    account = world.account("lost-release", "1.000000")
    session = open_one(account, STEP)
    for _ in range(3):
        time.sleep(1.1)
        session.update(ask(usu=octets(0), rsu=octets(STEP)),
                       want=[granted(octets(STEP), more=VALID)])
    account.check("0.750000", "0.250000")
    session.terminate(ask(usu=octets(STEP)), want=[settled()])
    account.check("0.750000")


@scenario()
def reserved_amount_is_charged(world):
    account = world.account("lost-reserved", "1.000000")
    open_one(account, 2 * STEP)
    account.check("0.500000", "0.500000")
    lost(account)
    account.check("0.500000")


@scenario(alone=True)
def downtime_does_not_count(build):
    """Down for longer than Tcc: the session is still there, and gets its time anew."""
    with World(build) as world:
        account = world.account("lost-release", "1.000000")
        session = open_one(account, STEP)
        world.levyd.kill()
        world.drop_gateways()
        time.sleep(2.5)
        world.levyd.start()
        session.gateway = world.gateway()
        session.update(ask(usu=octets(STEP), rsu=octets(STEP)),
                       want=[granted(octets(STEP), more=VALID)])
        account.check("0.500000", "0.250000")
        lost(account)
        account.check("0.750000")
