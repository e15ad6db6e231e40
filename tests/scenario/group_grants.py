"""How large a grant is, when it is the last, and how a debt ends: the rules beside the vectors."""
from decimal import Decimal

from registry import scenario
from replay import (DIRECT_DEBITING, EMPTY, REFUND_ACCOUNT, TERMINATE, UPDATE, Mismatch, ask, denied,
                    granted, messages, octets, seconds, settled, subscription, END_USER_IMSI)

STEP = 1500000


@scenario()
def sizes_that_the_plan_states(world):
    """first 3 steps, default 2, min 2, max 4."""
    account = world.account("sizes", "100")
    session = account.session()
    session.initial(ask(rsu=EMPTY), want=[granted(octets(3 * STEP))])
    for asked, given in (([], 2), (octets(0), 2), (octets(1), 2), (octets(3 * STEP), 3),
                         (octets(9 * STEP), 4)):
        session.update(ask(rsu=asked), want=[granted(octets(given * STEP))])
        account.check(100 - given * Decimal("0.25"), given * Decimal("0.25"))


@scenario()
def final_and_then_a_top_up(world):
    account = world.account("data-a", "0.250000")
    session = account.session()
    session.initial(ask(rsu=EMPTY), want=[granted(octets(STEP), final=TERMINATE)])
    account.topup("0.250000")
    session.update(ask(rsu=EMPTY), want=[granted(octets(STEP))])
    session.update(ask(usu=octets(STEP), rsu=EMPTY), want=[granted(octets(STEP), final=TERMINATE)])
    session.update(ask(usu=octets(STEP), rsu=EMPTY), want=[denied(4012)])
    account.check("0")


@scenario()
def debt_must_be_paid_first(world):
    account = world.account("data-a", "0.250000")
    session = account.session()
    session.initial(ask(rsu=EMPTY), want=[granted(octets(STEP), final=TERMINATE)])
    session.update(ask(usu=octets(STEP + 1), rsu=EMPTY), want=[denied(4012)])
    account.check("-0.250000")
    account.topup("0.249999")
    session.update(ask(rsu=EMPTY), want=[denied(4012)])  # though its second step is begun
    account.topup("0.000001")
    session.update(ask(rsu=EMPTY), want=[granted(octets(STEP - 1), final=TERMINATE)])
    account.check("0")
    account.topup("0.250000")
    session.update(ask(usu=octets(STEP - 1), rsu=EMPTY),
                   want=[granted(octets(STEP), final=TERMINATE)])
    account.check("0", "0.250000")


@scenario()
def other_units_are_paid_by_nobody(world):
    """A voice plan's bucket of octets stays; only the unit that the plan prices is charged."""
    account = world.account("voice-a", "1", {"octets": 1000})
    session = account.session()
    session.initial(ask(rsu=seconds(60)), want=[granted(seconds(60))])
    session.terminate(ask(usu=seconds(60) + octets(1000)), want=[settled()])
    account.check("0.75", octets="1000")


@scenario()
def repeated_with_other_usage(world):
    """The key decides: the first verdict is given again, and the difference is counted."""
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(rsu=EMPTY), want=[granted(octets(STEP))])
    session.update(ask(usu=octets(STEP), rsu=EMPTY), want=[granted(octets(STEP))])
    before = world.metric("levy_duplicates_different_total")
    session.send(UPDATE, 1, [ask(usu=octets(2 * STEP), rsu=EMPTY)],
                 want=[granted(octets(STEP))]).check()
    account.check("0.500000", "0.250000")
    if world.metric("levy_duplicates_different_total") != before + 1:
        raise Mismatch("the difference is not counted")


@scenario()
def last_eight_verdicts(world):
    account = world.account("data-a", "100")
    session = account.session()
    session.initial(ask(rsu=EMPTY), want=[granted(octets(STEP))])
    updates = [session.update(ask(usu=octets(STEP), rsu=EMPTY), want=[granted(octets(STEP))])
               for _ in range(8)]
    for sent in reversed(updates):
        session.again(sent)
    account.check("97.75", "0.25")


@scenario()
def more_groups_than_there_is_room_for(world):
    """Seventeen: an error that says so, and nothing of it is done."""
    account = world.account("data-a", "100")
    session = account.session()
    sent = session.send(1, 0, [ask(rg, rsu=EMPTY) for rg in range(1, 18)])
    answer = sent.pending.wait()
    if answer.value("Result-Code") < 3000 or answer.all("Multiple-Services-Credit-Control"):
        raise Mismatch(answer.text())
    account.check("100")
    if account.open_sessions():
        raise Mismatch("a session was opened")


@scenario()
def events_that_are_refused(world):
    account = world.account("dime-per-second", "1")
    account.session().event(DIRECT_DEBITING, ask(99, rsu=messages(1)), want=[denied(5031, 99)],
                            failed=[("Rating-Group", 99)])
    account.check("1")
    account = world.account("message-15", "1")
    account.post("status", status="barred")
    account.session().event(DIRECT_DEBITING, ask(rsu=messages(1)), want=[denied(4010)])
    account.check("1")
    nobody = [subscription(END_USER_IMSI, "001999999999996")]
    account.session(identities=nobody).event(DIRECT_DEBITING, ask(rsu=messages(1)), code=5030)


@scenario()
def refund_of_messages(world):
    account = world.account("message-15", "1.00")
    account.session().event(DIRECT_DEBITING, ask(rsu=messages(3)), want=[granted(messages(3))])
    account.check("0.55")
    session = account.session()
    sent = session.event(REFUND_ACCOUNT, ask(rsu=messages(2)), want=[settled()])
    account.check("0.85")
    session.again(sent)
    account.check("0.85")


@scenario()
def new_sim_in_an_open_session(world):
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(rsu=EMPTY), want=[granted(octets(STEP))])
    fresh = "001040000000001"
    account.world.levyd.api("POST", f"/v1/subscribers/imsi:{account.imsi}/swap-sim",
                            {"new_imsi": fresh})
    account.session().initial(ask(rsu=EMPTY), code=5030)
    session.update(ask(usu=octets(STEP), rsu=EMPTY), want=[granted(octets(STEP))])
    other = account.session(imsi=fresh)
    other.initial(ask(rsu=EMPTY), want=[granted(octets(STEP))])
    account.check("0.250000", "0.500000")
