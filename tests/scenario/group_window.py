"""Beyond the duplicate window (V-101): 5002, nothing debited, a dispute is kept. Takes a minute."""
import time

from diameter import RETRANSMITTED
from registry import scenario
from replay import OPTIONS, TERMINATE, Mismatch, World, ask, granted, octets, settled
from levyd import merge

STEP = 1500000
WINDOW_S = 60  # the shortest that the configuration takes


@scenario("V-101", alone=True)
def after_the_life_of_the_tombstone(build):
    options = merge(OPTIONS, {"sessions": {"duplicate_window": f"{WINDOW_S} s"}})
    with World(build, options) as world:
        account = world.account("data-a", "1.000000")
        session = account.session()
        session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
        last = session.terminate(ask(usu=octets(STEP)), want=[settled()])
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
        fresh = account.session()
        fresh.initial(ask(rsu=octets(2 * STEP)), want=[granted(octets(2 * STEP), final=TERMINATE)])
        if account.open_sessions() != [fresh.id]:
            raise Mismatch(f"open: {account.open_sessions()}")
