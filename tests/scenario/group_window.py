"""Beyond the duplicate window (V-101): 5002, nothing debited, a dispute is kept. Takes a minute.

A gateway whose dialect has a longer window is remembered through it.
"""
import time

from diameter import RETRANSMITTED
from registry import scenario
from replay import OPTIONS, TERMINATE, Mismatch, World, ask, granted, octets, settled
from levyd import merge

STEP = 1500000
WINDOW_S = 60  # the shortest that the configuration takes
LONGER = {"diameter": {"dialects": {"replaying": {"duplicate_window": "10 min"}},
                       "peers": [{"identity": "replaying.test", "dialect": "replaying"}]}}


def opened_and_ended(account, gateway):
    """A session over one step; what was sent last."""
    session = account.session(gateway)
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    return session, session.terminate(ask(usu=octets(STEP)), want=[settled()])


@scenario("V-101", alone=True)
def after_the_life_of_the_tombstone(build):
    options = merge(OPTIONS, {**LONGER, "sessions": {"duplicate_window": f"{WINDOW_S} s"}})
    with World(build, options) as world:
        account = world.account("data-a", "1.000000")
        session, last = opened_and_ended(account, world.gateway())
        other = world.account("data-a", "1.000000")
        remembered, remembered_last = opened_and_ended(other, world.gateway("replaying.test"))
        session.update(ask(usu=octets(STEP), rsu=octets(STEP)), code=5002)
        account.check("0.500000")
        disputes = world.metric("levy_dispute_total")
        time.sleep(WINDOW_S + 3)
        session.update(ask(usu=octets(STEP), rsu=octets(STEP)), number=1, code=5002)
        replayed = session.send(3, last.number, [ask(usu=octets(STEP))], code=5002,
                                extra=[("Termination-Cause", 1)], flags=RETRANSMITTED)
        replayed.check()
        account.check("0.500000")
        if world.metric("levy_dispute_total") != disputes + 2:
            raise Mismatch("the usage is not kept as a dispute")
        kept = [record["kind"] for record in session.check_records(charged="0.500000")]
        if kept != ["charge", "charge", "late_usage", "tombstone_gone", "dispute", "dispute"]:
            raise Mismatch(f"the Records of the session: {kept}")
        remembered.again(remembered_last, flags=RETRANSMITTED)
        remembered.update(ask(usu=octets(STEP), rsu=octets(STEP)), code=5002)
        other.check("0.500000")  # a report within the window is debited
        fresh = account.session()
        fresh.initial(ask(rsu=octets(2 * STEP)), want=[granted(octets(2 * STEP), final=TERMINATE)])
        if account.open_sessions() != [fresh.id]:
            raise Mismatch(f"open: {account.open_sessions()}")
