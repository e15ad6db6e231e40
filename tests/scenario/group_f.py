"""Group F of the vectors: from the RFC (V-93 … V-104)."""
from diameter import RETRANSMITTED
from registry import scenario
from replay import (CHECK_BALANCE, DIRECT_DEBITING, EURO, FORCED_REAUTHORISATION, PRICE_ENQUIRY,
                    REFUND_ACCOUNT, TERMINATE, UPDATE, ask, denied, granted, messages, octets,
                    redirect, settled)

STEP = 1500000
VALID = [("Validity-Time", 600)]
TO_PAGE = redirect("http://topup.test/", 2)


def cost(digits, exponent):
    return ("Cost-Information", [("Unit-Value", [("Value-Digits", digits), ("Exponent", exponent)]),
                                 ("Currency-Code", EURO)])


@scenario("V-93")
def redirect_with_an_empty_account(world):
    account = world.account("enforcement", "0")
    gateway = world.gateway("v93.test", push_result=2002)
    session = account.session(gateway)
    session.initial(ask(6, rsu=octets(STEP)), want=[granted(None, 6, final=TO_PAGE, more=VALID)])
    account.check("0")
    account.topup("10")
    session.expect_rar(6)
    session.update(ask(6, rsu=octets(STEP), reason=FORCED_REAUTHORISATION),
                   want=[granted(octets(STEP), 6, more=VALID)])
    account.check("9.75", "0.25")


@scenario("V-94")
def duplicate_update(world):
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    account.check("0.750000", "0.250000")
    first = session.update(ask(usu=octets(STEP), rsu=octets(STEP)), want=[granted(octets(STEP))])
    account.check("0.500000", "0.250000")
    session.again(first, world.gateway(which=1), RETRANSMITTED)
    session.again(first, world.gateway(which=1))
    session.again(first)
    session.again(first, end_to_end=first.end_to_end + 0x01000000)
    account.check("0.500000", "0.250000")


@scenario("V-94")
def duplicate_while_the_first_is_in_work(world):
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    under_way = [session.send(UPDATE, 1, [ask(usu=octets(STEP), rsu=octets(STEP))],
                              want=[granted(octets(STEP))], gateway=world.gateway(which=turn % 2),
                              flags=RETRANSMITTED if turn else 0) for turn in range(6)]
    for sent in under_way:
        sent.check()
    account.check("0.500000", "0.250000")


@scenario("V-95")
def retransmission_overtakes_the_original(world):
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    first = session.update(ask(usu=octets(STEP), rsu=octets(STEP)), want=[granted(octets(STEP))],
                           gateway=world.gateway(which=1), flags=RETRANSMITTED)
    session.again(first)
    account.check("0.500000", "0.250000")


@scenario("V-97")
def events(world):
    account = world.account("message-15", "10.00")
    account.session().event(CHECK_BALANCE, ask(rsu=messages(1)), want=[settled()],
                            result=[("Check-Balance-Result", 0)])
    account.check("10.00")
    account.session().event(PRICE_ENQUIRY, ask(rsu=messages(2)), want=[settled()],
                            result=[cost(30, -2)])
    account.check("10.00")
    account.session().event(DIRECT_DEBITING, ask(rsu=messages(2)), want=[granted(messages(2))])
    account.check("9.70")
    money = [("CC-Money", [("Unit-Value", [("Value-Digits", 30), ("Exponent", -2)]),
                           ("Currency-Code", EURO)])]
    account.session().event(REFUND_ACCOUNT, ask(rsu=money), want=[settled()])
    account.check("10.00")
    account = world.account("message-15", "0.10")
    account.session().event(CHECK_BALANCE, ask(rsu=messages(1)), want=[settled()],
                            result=[("Check-Balance-Result", 1)])
    account.check("0.10")


@scenario("V-97")
def events_at_command_level(world):
    account = world.account("message-15", "10.00")
    account.session().event(CHECK_BALANCE, ("Requested-Service-Unit", messages(1)),
                            result=[("Check-Balance-Result", 0)])
    account.session().event(PRICE_ENQUIRY, ("Requested-Service-Unit", messages(2)),
                            result=[cost(30, -2)])
    account.check("10.00")
    account.session().event(DIRECT_DEBITING, ("Requested-Service-Unit", messages(2)),
                            result=[("Granted-Service-Unit", messages(2))])
    account.check("9.70")


@scenario("V-94", "V-97")
def duplicate_event(world):
    account = world.account("message-15", "10.00")
    session = account.session()
    first = session.event(DIRECT_DEBITING, ask(rsu=messages(2)), want=[granted(messages(2))])
    session.again(first, world.gateway(which=1), RETRANSMITTED)
    session.again(first)
    account.check("9.70")


@scenario("V-99")
def denial_still_charges(world):
    account = world.account("data-a", "0.250000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP), final=TERMINATE)])
    account.check("0", "0.250000")
    session.update(ask(usu=octets(STEP), rsu=octets(STEP)), want=[denied(4012)])
    account.check("0")


@scenario("V-104")
def unit_cost_with_decimals(world):
    account = world.account("message-50", "10")
    account.session().event(PRICE_ENQUIRY, ask(rsu=messages(10)), want=[settled()],
                            result=[cost(500, -2)])
    account.session().event(DIRECT_DEBITING, ask(rsu=messages(10)), want=[granted(messages(10))])
    account.check("5")
