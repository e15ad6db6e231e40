"""Group B of the vectors: what Diameter carries (V-35 … V-40)."""
from registry import scenario
from replay import DIRECT_DEBITING, TERMINATE, ask, denied, granted, messages, octets, settled

HUNDRED = 100000000


@scenario("V-35")
def depletion_in_equal_steps(world):
    account = world.account("data-a", "0", {"octets": 3 * HUNDRED})
    session = account.session()
    session.initial(ask(rsu=octets(HUNDRED)), want=[granted(octets(HUNDRED))])
    session.update(ask(usu=octets(HUNDRED), rsu=octets(HUNDRED)), want=[granted(octets(HUNDRED))])
    session.update(ask(usu=octets(HUNDRED), rsu=octets(HUNDRED)),
                   want=[granted(octets(HUNDRED), final=TERMINATE)])
    account.check("0", octets=("0", HUNDRED))
    session.update(ask(usu=octets(HUNDRED), rsu=octets(HUNDRED)), want=[denied(4012)])
    account.check("0", octets="0")
    session.terminate(ask(), want=[settled()])
    account.check("0", octets="0")


@scenario("V-36")
def ecur_for_one_message(world):
    account = world.account("messages-only", "0", {"messages": 5})
    session = account.session()
    session.initial(ask(30, rsu=messages(1)), want=[granted(messages(1), 30)])
    account.check("0", messages=("4", "1"))
    session.terminate(ask(30, usu=messages(1)), want=[settled(30)])
    account.check("0", messages="4")


@scenario("V-37")
def ecur_refused(world):
    account = world.account("messages-only", "0", {"messages": 2})
    account.session().initial(ask(30, rsu=messages(5)), want=[denied(4012, 30)])
    account.check("0", messages="2")


@scenario("V-38")
def event_with_an_amount(world):
    account = world.account("messages-only", "0", {"messages": 5})
    account.session().event(DIRECT_DEBITING, ask(30, rsu=messages(1)),
                            want=[granted(messages(1), 30)])
    account.check("0", messages="4")


@scenario("V-39")
def event_without_an_amount(world):
    account = world.account("messages-only", "0", {"messages": 5})
    account.session().event(DIRECT_DEBITING, result=[("Granted-Service-Unit", messages(1))])
    account.check("0", messages="4")


@scenario("V-40")
def event_that_cannot_be_paid(world):
    account = world.account("message-1500", "0.000001")
    account.session().event(DIRECT_DEBITING, ask(30, rsu=messages(1)), want=[denied(4012, 30)])
    account.check("0.000001")
