"""Sessions whose gateway falls silent: Tcc is twice the Validity-Time (V-75, V-101).

The plans' Validity-Times are some seconds, so that a machine that stalls does not decide.
"""
import time

from registry import scenario
from replay import (TERMINATE, WAIT_S, Mismatch, World, ask, eventually, granted, octets,
                    settled)

STEP = 1500000
VALIDITY_S = 4  # of the plans lost-…
DOWN_S = 6.5    # more than Tcc of plan lost-in-3s, whose Validity-Time is 3 s


def open_one(account, amount, validity=VALIDITY_S, **more):
    session = account.session()
    session.initial(ask(rsu=octets(amount)),
                    want=[granted(octets(amount), more=[("Validity-Time", validity)], **more)])
    return session


def lost(account):
    eventually(lambda: not account.open_sessions(), f"Tcc of {account.name}")


@scenario("V-75", "V-101")
def silence(world):
    """One timeline for all: who is silent is lost after Tcc, not before; who reports is not."""
    assumed = world.account("lost-charge", "0", {"octets": 102400})
    released = world.account("lost-release", "0.250000")
    charged = world.account("lost-reserved", "1.000000")
    talking = world.account("lost-release", "1.000000")
    kept = open_one(talking, STEP)
    started = time.monotonic()
    guessed = open_one(assumed, 1024)
    assumed.check("0", octets=("101376", "1024"))
    silent = open_one(released, STEP, final=TERMINATE)
    settled_for = open_one(charged, 2 * STEP)
    charged.check("0.500000", "0.500000")
    time.sleep(VALIDITY_S + 0.5)
    released.check("0", "0.250000")  # past the Validity-Time, before Tcc
    while released.open_sessions():
        if time.monotonic() - started > WAIT_S:
            raise Mismatch("Tcc never came")
        kept.update(ask(usu=octets(0), rsu=octets(STEP)),
                    want=[granted(octets(STEP), more=[("Validity-Time", VALIDITY_S)])])
        time.sleep(0.2)
    if talking.open_sessions() != [kept.id]:
        raise Mismatch("a session that reports was lost")
    if time.monotonic() - started < 2 * VALIDITY_S - 1:  # deadlines are whole seconds
        raise Mismatch("Tcc came before twice the Validity-Time")
    kept.terminate(ask(usu=octets(STEP)), want=[settled()])
    talking.check("0.750000")
    lost(assumed)
    lost(charged)
    assumed.check("0", octets="100352")
    charged.check("0.500000")
    released.check("0.250000")
    late = silent.update(ask(usu=octets(STEP), rsu=octets(STEP)), code=5002)
    released.check("0")
    silent.again(late)
    released.check("0")
    # In the Records: who was lost, what was assumed, and the late report, once.
    silent.check_records(["charge", "session_lost", "late_usage"], used=STEP, charged="0.250000")
    lost_record = guessed.check_records(["charge", "session_lost"])[1]
    spent = [move["amount"] for move in lost_record["movements"] if move["kind"] == "spend"]
    if spent != [2048]:
        raise Mismatch(f"2,048 octets are to be in the Record: {lost_record}")
    # What a loss has charged stands for the use: a late report of it is kept, not debited.
    guessed.update(ask(usu=octets(2048)), code=5002)
    assumed.check("0", octets="100352")
    settled_for.terminate(ask(usu=octets(STEP)), code=5002)
    charged.check("0.500000")


@scenario(alone=True)
def downtime_does_not_count(build):
    """Down for longer than Tcc: the session is still there, and gets its time anew."""
    with World(build) as world:
        account = world.account("lost-in-3s", "1.000000")
        session = open_one(account, STEP, 3)
        world.levyd.kill()
        world.drop_gateways()
        time.sleep(DOWN_S)
        world.levyd.start()
        session.gateway = world.gateway()
        session.update(ask(usu=octets(STEP), rsu=octets(STEP)),
                       want=[granted(octets(STEP), more=[("Validity-Time", 3)])])
        account.check("0.500000", "0.250000")
        lost(account)
        account.check("0.750000")
