"""The procedures of Gy beside sessions and quota: final units, failure handling, 4011, events."""
from registry import scenario
from replay import (CHECK_BALANCE, DIRECT_DEBITING, EMPTY, END_USER_IMSI, EURO, PRICE_ENQUIRY,
                    REFUND_ACCOUNT, Mismatch, ask, denied, granted, messages, octets, redirect,
                    seconds, settled, subscription)

STEP = 1500000
VALID = [("Validity-Time", 600)]
DOLLAR = 840


def cost(digits, exponent, unit=None):
    members = [("Unit-Value", [("Value-Digits", digits), ("Exponent", exponent)]),
               ("Currency-Code", EURO)]
    return ("Cost-Information", members + ([] if unit is None else [("Cost-Unit", unit)]))


def money(digits, exponent, currency=EURO):
    code = [] if currency is None else [("Currency-Code", currency)]
    value = [("Value-Digits", digits), ("Exponent", exponent)]
    return [("CC-Money", [("Unit-Value", value)] + code)]


# ---- final units ---------------------------------------------------------------------------------
@scenario()
def restricted_to_filters(world):
    account = world.account("filters", "0.25")
    left_open = [("Final-Unit-Action", 2),
                 ("Restriction-Filter-Rule", "permit out ip from 10.0.0.1 to any"),
                 ("Restriction-Filter-Rule", "permit in ip from any to 10.0.0.1"),
                 ("Filter-Id", "portal"), ("Filter-Id", "dns")]
    session = account.session()
    session.initial(ask(1, rsu=octets(STEP)),
                    want=[granted(octets(STEP), 1, final=left_open, more=VALID)])
    session.update(ask(1, usu=octets(STEP), rsu=octets(STEP)), want=[denied(4012, 1)])
    session = account.session()
    session.initial(ask(1, rsu=octets(STEP)), want=[granted(None, 1, final=left_open, more=VALID)])


@scenario()
def every_kind_of_redirect_address(world):
    account = world.account("filters", "0")
    for kind, address in enumerate(("192.0.2.1", "2001:db8::1", "https://topup.test/",
                                    "sip:topup@test")):
        rg = 10 + kind
        account.session().initial(
            ask(rg, rsu=octets(STEP)),
            want=[granted(None, rg, final=redirect(address, kind), more=VALID)])


# ---- what holds for the session -----------------------------------------------------------------
@scenario()
def failure_handling_is_said_when_the_session_opens(world):
    said = [("CC-Session-Failover", 1), ("Credit-Control-Failure-Handling", 2)]
    account = world.account("failure-handling", "10")
    session = account.session()
    first = session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))], result=said)
    session.again(first)
    session.update(ask(usu=octets(STEP), rsu=octets(STEP)), want=[granted(octets(STEP))])
    session.terminate(ask(usu=octets(STEP)), want=[settled()])
    account.session().initial(result=said)  # without any MSCC
    nobody = [subscription(END_USER_IMSI, "001999999999999")]
    account.session(identities=nobody).initial(ask(rsu=octets(STEP)), code=5030)


@scenario()
def the_answer_has_the_form_of_the_request(world):
    """Whatever Multiple-Services-Indicator says (Open5GS sends 0 with an MSCC)."""
    account = world.account("data-a", "10")
    for indicator in (0, 1):
        said = [("Multiple-Services-Indicator", indicator)]
        account.session().initial(ask(rsu=octets(STEP)), extra=said, want=[granted(octets(STEP))])
        account.session().initial(("Requested-Service-Unit", octets(STEP)), extra=said,
                                  result=[("Granted-Service-Unit", octets(STEP))])


# ---- 4011 ----------------------------------------------------------------------------------------
@scenario()
def no_credit_control_where_nothing_else_is_asked_for(world):
    account = world.account("not-applicable", "1")
    session = account.session()
    first = session.initial(ask(1, rsu=octets(STEP)), ask(2, rsu=EMPTY), code=4011)
    session.again(first)
    account.check("1")
    if account.open_sessions():
        raise Mismatch(f"credit control goes on: {account.open_sessions()}")
    account.session().initial(("Requested-Service-Unit", octets(STEP)), code=4011)
    account.session().event(DIRECT_DEBITING, ask(1, rsu=octets(STEP)), code=4011)
    account.check("1")


@scenario()
def no_credit_control_beside_others_is_free(world):
    account = world.account("not-applicable", "1")
    session = account.session()
    session.initial(ask(1, rsu=octets(STEP)), ask(3, rsu=octets(STEP)),
                    want=[granted(octets(20000000), 1), granted(octets(STEP), 3)])
    account.check("0.75", "0.25")
    # 4011 would end the credit control of group 3, too.
    session.update(ask(1, usu=octets(20000000), rsu=octets(STEP)),
                   want=[granted(octets(20000000), 1)])
    session.terminate(ask(1, usu=octets(5)), ask(3, usu=octets(STEP)),
                      want=[settled(1), settled(3)])
    account.check("0.75")


# ---- events --------------------------------------------------------------------------------------
@scenario("V-97")
def enquiries_without_an_amount(world):
    """The connect fee is in the cost; Cost-Unit says for what it is where the enquiry does not."""
    account = world.account("message-with-fee", "10")
    for units in (None, EMPTY):
        account.session().event(PRICE_ENQUIRY, ask(1, rsu=units), want=[settled(1)],
                                result=[cost(20, -2, "event")])
        account.session().event(PRICE_ENQUIRY, ask(2, rsu=units), want=[settled(2)],
                                result=[cost(25, -2, "60 seconds")])
    account.session().event(PRICE_ENQUIRY, result=[cost(20, -2, "event")])
    account.session().event(PRICE_ENQUIRY, ("Requested-Service-Unit", EMPTY),
                            result=[cost(20, -2, "event")])
    account.session().event(PRICE_ENQUIRY, ("Requested-Service-Unit", messages(3)),
                            result=[cost(50, -2)])
    account.session().event(PRICE_ENQUIRY, ask(1, rsu=messages(2)), ask(2, rsu=seconds(61)),
                            want=[settled(1), settled(2)], result=[cost(85, -2)])
    account.session().event(PRICE_ENQUIRY, ask(3, rsu=messages(1)), want=[denied(5031, 3)],
                            failed=[("Rating-Group", 3)])
    account.check("10")


@scenario("V-97")
def refunds(world):
    account = world.account("message-with-fee", "1")
    account.session().event(REFUND_ACCOUNT, ask(1, rsu=money(30, -2)), want=[settled(1)])
    account.check("1.3")
    account.session().event(REFUND_ACCOUNT, ask(1, usu=money(3, -1, None)), want=[settled(1)])
    account.check("1.6")
    account.session().event(REFUND_ACCOUNT, ask(1, rsu=messages(2)), want=[settled(1)])
    account.check("1.95")  # the fee comes back with its event
    account.session().event(REFUND_ACCOUNT, ask(2, usu=seconds(60)), want=[settled(2)])
    account.check("2.2")
    account.session().event(REFUND_ACCOUNT, ask(1, rsu=money(1, 0)), ask(2, rsu=seconds(120)),
                            want=[settled(1), settled(2)])
    account.check("3.7")
    account.session().event(REFUND_ACCOUNT, ask(1), want=[settled(1)])  # one event
    account.check("3.9")
    # A currency that the account does not have: nothing happens, of the other group neither.
    account.session().event(REFUND_ACCOUNT, ask(2, rsu=seconds(60)),
                            ask(1, rsu=money(30, -2, DOLLAR)), code=5012)
    account.check("3.9")


@scenario("V-97")
def refunds_at_command_level(world):
    account = world.account("message-with-fee", "1")
    sent = account.session()
    first = sent.event(REFUND_ACCOUNT, ("Requested-Service-Unit", money(30, -2)))
    sent.again(first)
    account.check("1.3")
    account.session().event(REFUND_ACCOUNT, ("Used-Service-Unit", messages(1)))
    account.check("1.5")
    account.session().event(REFUND_ACCOUNT, ("Requested-Service-Unit", money(30, -2, DOLLAR)),
                            code=5012)
    account.check("1.5")


@scenario("V-97")
def balance_checked_for_several(world):
    account = world.account("message-with-fee", "0.45")
    enough, too_little = [("Check-Balance-Result", 0)], [("Check-Balance-Result", 1)]
    both = (ask(1, rsu=messages(1)), ask(2, rsu=seconds(60)))
    account.session().event(CHECK_BALANCE, *both, want=[settled(1), settled(2)], result=enough)
    account.session().event(CHECK_BALANCE, ask(1), want=[settled(1)], result=enough)
    account.session().event(CHECK_BALANCE, ask(2, rsu=EMPTY), want=[settled(2)], result=enough)
    account.session().event(CHECK_BALANCE, ask(2, rsu=seconds(61)), want=[settled(2)],
                            result=too_little)
    account.session().event(CHECK_BALANCE, result=enough)
    account.session().event(CHECK_BALANCE, ("Requested-Service-Unit", messages(3)),
                            result=too_little)
    account.check("0.45")


@scenario("V-97")
def debits_that_are_refused(world):
    account = world.account("message-with-fee", "0.20")
    account.session().event(DIRECT_DEBITING, ask(2, rsu=seconds(60)), want=[denied(4012, 2)])
    account.session().event(DIRECT_DEBITING, ("Requested-Service-Unit", messages(2)), code=4012)
    account.session().event(DIRECT_DEBITING, ask(9, rsu=messages(1)), want=[denied(5031, 9)],
                            failed=[("Rating-Group", 9)])
    account.check("0.2")
    account.session().event(DIRECT_DEBITING, ask(1, rsu=messages(1)), ask(2, rsu=seconds(60)),
                            want=[granted(messages(1), 1), denied(4012, 2)])
    account.check("0")
    account.topup("0.20")
    account.session().event(DIRECT_DEBITING, result=[("Granted-Service-Unit", messages(1))])
    account.check("0")
