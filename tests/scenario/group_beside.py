"""Beside the vectors: the orders, shapes and states that the rules of semantics.md decide."""
from decimal import Decimal

from registry import scenario
from replay import (END_USER_E164, END_USER_IMSI, END_USER_NAI, END_USER_PRIVATE, END_USER_SIP_URI,
                    FINAL, QHT, QUOTA_EXHAUSTED, TERMINATE, EMPTY, Mismatch, ask, denied,
                    eventually, granted, messages, octets, seconds, settled, subscription)

STEP = 1500000


@scenario()
def remainder_already_paid(world):
    account = world.account("data-a", "0.250000")
    session = account.session()
    session.initial(ask(rsu=EMPTY), want=[granted(octets(STEP), final=TERMINATE)])
    session.update(ask(usu=octets(1000000), rsu=EMPTY),
                   want=[granted(octets(500000), final=TERMINATE)])
    account.check("0")
    session.update(ask(usu=octets(500000), rsu=EMPTY), want=[denied(4012)])
    account.check("0")


@scenario()
def update_2_before_update_1(world):
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    session.update(ask(usu=octets(STEP), rsu=octets(STEP)), number=2, want=[granted(octets(STEP))])
    account.check("0.500000", "0.250000")
    session.update(ask(usu=octets(500000), rsu=octets(STEP)), number=1,
                   want=[granted(octets(STEP))])  # debited; the standing grant once more
    session.terminate(ask(usu=octets(1000000)), want=[settled()])
    account.check("0.500000")


@scenario()
def standing_grant_stays_reserved(world):
    """The late U(1) is debited; the gateway may still use U(2)'s grant, so up to 3,500,000 in all:
    reserved is price(total + grant) - price(total), as for every grant."""
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    session.update(ask(usu=octets(STEP), rsu=octets(STEP)), number=2, want=[granted(octets(STEP))])
    session.update(ask(usu=octets(500000), rsu=octets(STEP)), number=1,
                   want=[granted(octets(STEP))])
    account.check("0.250000", "0.250000")


@scenario()
def update_after_termination(world):
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    session.terminate(ask(usu=octets(STEP)), number=2, want=[settled()])
    account.check("0.750000")
    late = session.update(ask(usu=octets(STEP), rsu=octets(STEP)), number=1, code=5002)
    account.check("0.500000")
    session.again(late)
    session.again(late, world.gateway(which=1))
    account.check("0.500000")


@scenario()
def late_usage_is_a_session_of_its_own(world):
    """rating/charge.hpp: what comes after the end begins a running total of its own."""
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    session.terminate(ask(usu=octets(100000)), number=2, want=[settled()])
    account.check("0.750000")
    late, charged = world.metric("levy_late_usage_total"), world.metric("levy_charged_micros_total")
    session.update(ask(usu=octets(100000), rsu=octets(STEP)), number=1, code=5002)
    account.check("0.500000")
    if (world.metric("levy_late_usage_total"), world.metric("levy_charged_micros_total")) != (
            late + 1, charged + 250000):
        raise Mismatch("late usage is not counted")


@scenario()
def repeat_of_the_last_but_one(world):
    account = world.account("data-a", "0.750000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    first = session.update(ask(usu=octets(STEP), rsu=octets(STEP)), want=[granted(octets(STEP))])
    second = session.update(ask(usu=octets(STEP), rsu=octets(STEP)),
                            want=[granted(octets(STEP), final=TERMINATE)])
    session.again(first)
    session.again(second)
    account.check("0", "0.250000")
    last = session.terminate(ask(usu=octets(STEP)), want=[settled()])
    for sent in (first, second, last):
        session.again(sent)
    account.check("0")


@scenario()
def same_number_another_type(world):
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), number=7, want=[granted(octets(STEP))])
    session.update(ask(usu=octets(STEP), rsu=octets(STEP)), number=7, want=[granted(octets(STEP))])
    account.check("0.500000", "0.250000")
    session.terminate(ask(usu=octets(STEP)), number=7, want=[settled()])
    account.check("0.500000")


@scenario()
def two_groups_on_the_last_credit(world):
    account = world.account("data-a", "0.250000")
    session = account.session()
    session.initial(ask(1, rsu=octets(STEP)), ask(2, rsu=octets(STEP)),
                    want=[granted(octets(STEP), final=TERMINATE), denied(4012, 2)])
    account.check("0", "0.250000")
    # What the one gives back the other may have: debit and release come before every grant.
    session.update(ask(2, rsu=octets(STEP)), ask(1, usu=octets(0)),
                   want=[granted(octets(STEP), 2, final=TERMINATE), settled(1)])
    account.check("0", "0.250000")


@scenario()
def requested_units_absent(world):
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(1, rsu=octets(STEP)), ask(2, rsu=octets(STEP)),
                    want=[granted(octets(STEP)), granted(octets(STEP), 2)])
    session.update(ask(1, usu=octets(10)), want=[settled(1)])
    account.check("0.500000", "0.250000")


@scenario()
def requested_units_absent_with_a_reason(world):
    """Dialect implicit_rsu: the reason asks for the next grant; FINAL and QHT never do."""
    account = world.account("data-a", "1.000000")
    session = account.session(world.gateway("ergw.test"))
    session.initial(ask(rsu=EMPTY), want=[granted(octets(STEP))])
    exhausted = [("Reporting-Reason", QUOTA_EXHAUSTED)] + octets(STEP)
    session.update(ask(usu=exhausted), want=[granted(octets(STEP))])
    account.check("0.500000", "0.250000")
    session.update(ask(usu=octets(STEP), reason=QUOTA_EXHAUSTED), want=[granted(octets(STEP))])
    account.check("0.250000", "0.250000")
    for reason in (QHT, FINAL):
        session.update(ask(usu=[("Reporting-Reason", reason)] + octets(0)), want=[settled()])
        account.check("0.500000")


@scenario()
def total_and_both_directions(world):
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    both = [("CC-Total-Octets", STEP), ("CC-Input-Octets", 600000), ("CC-Output-Octets", 900000)]
    session.update(ask(usu=both), want=[settled()])
    account.check("0.750000")
    session.update(ask(usu=both[1:]), want=[settled()])  # as Open5GS: input + output
    account.check("0.500000")
    # Several Used-Service-Units are summed; other units than the plan's are not charged.
    session.update(ask(usus=[octets(1000000), octets(500000), seconds(600)]), want=[settled()])
    account.check("0.250000")
    session.terminate(ask(usu=messages(3)), want=[settled()])
    account.check("0.250000")


@scenario()
def shared_account_with_many_members(world):
    """The members' identities hash to every Shard; one purse pays for all."""
    account = world.account("data-a", "4.250000")
    members = [account.imsi] + [account.member() for _ in range(16)]
    sessions = [account.session(imsi=member) for member in members]
    for number, session in enumerate(sessions):
        session.initial(ask(rsu=octets(STEP)),
                        want=[granted(octets(STEP), final=TERMINATE if number == 16 else None)])
    account.check("0", "4.250000")
    sessions[0].terminate(ask(usu=octets(0)), want=[settled()])
    account.check("0.250000", "4.000000")
    for session in sessions[1:]:
        session.terminate(ask(usu=octets(1)), want=[settled()])
    account.check("0.250000")


@scenario()
def sixteen_groups_in_one_session(world):
    account = world.account("data-a", "100")
    session = account.session()
    groups = range(101, 117)
    session.initial(*[ask(rg, rsu=EMPTY) for rg in groups],
                    want=[granted(octets(STEP), rg) for rg in groups])
    account.check("96", "4")
    session.update(*[ask(rg, usu=octets(STEP), rsu=EMPTY) for rg in groups],
                   want=[granted(octets(STEP), rg) for rg in groups])
    account.check("92", "4")
    session.terminate(*[ask(rg, usu=octets(rg)) for rg in groups],
                      want=[settled(rg) for rg in groups])
    account.check("92")  # 1,500,000 and a little more: two started steps each


@scenario()
def groups_with_service_identifiers(world):
    """The key of a group is the Rating-Group with the set of Service-Identifiers; absent counts."""
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(1, rsu=EMPTY), ask(1, rsu=EMPTY, services=(7,)),
                    ask(1, rsu=EMPTY, services=(8, 9)),
                    want=[granted(octets(STEP)), granted(octets(STEP), services=(7,)),
                          granted(octets(STEP), services=(8, 9))])
    account.check("0.250000", "0.750000")
    session.update(ask(1, usu=octets(0), services=(9, 8)), want=[settled(services=(8, 9))])
    account.check("0.500000", "0.500000")


@scenario()
def proxy_info_comes_back(world):
    proxies = [("Proxy-Info", [("Proxy-Host", f"p{number}.test"),
                               ("Proxy-State", bytes(range(number)))]) for number in (1, 6)]
    account = world.account("data-a", "1.000000")
    session = account.session()
    first = session.initial(ask(rsu=octets(STEP)), extra=proxies, want=[granted(octets(STEP))],
                            result=proxies)
    session.again(first)
    nobody = [subscription(END_USER_IMSI, "001999999999998")]
    account.session(identities=nobody).initial(ask(rsu=EMPTY), extra=proxies, result=proxies,
                                               code=5030)


@scenario()
def updates_without_a_subscription(world):
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    session.update(ask(usu=octets(STEP), rsu=octets(STEP)), identities=[],
                   want=[granted(octets(STEP))])
    account.check("0.500000", "0.250000")
    session.update(ask(usu=octets(STEP), rsu=octets(STEP)), identities=[],
                   gateway=world.gateway(which=1), want=[granted(octets(STEP))])
    session.terminate(ask(usu=octets(0)), identities=[], want=[settled()])
    account.check("0.500000")


@scenario()
def requests_without_mscc(world):
    account = world.account("data-a", "0.500000")
    session = account.session()
    rsu = ("Requested-Service-Unit", octets(STEP))
    usu = ("Used-Service-Unit", octets(STEP))
    session.initial(rsu, result=[("Granted-Service-Unit", octets(STEP))])
    account.check("0.250000", "0.250000")
    session.update(usu, rsu, result=[("Granted-Service-Unit", octets(STEP)),
                                     ("Final-Unit-Indication", TERMINATE)])
    account.check("0", "0.250000")
    session.update(usu, rsu, code=4012)
    account.check("0")
    session.terminate(("Used-Service-Unit", octets(0)))
    account.check("0")
    account = world.account("dime-per-second", "1")  # knows no requests without a Rating-Group
    account.session().initial(("Requested-Service-Unit", seconds(1)), code=5031,
                              failed=[("Rating-Group", 0)])  # an example of what is missing


@scenario()
def requests_that_ask_for_nothing(world):
    account = world.account("data-a", "0.500000")
    session = account.session()
    session.initial()
    session.update()
    session.update(ask(rsu=EMPTY), want=[granted(octets(STEP))])
    account.check("0.250000", "0.250000")
    session.terminate()
    account.check("0.500000")


@scenario()
def mscc_without_rating_group(world):
    """As Open5GS: Multiple-Services-Indicator 0, Requested-Action in every request."""
    account = world.account("data-a", "0.500000")
    extra = [("Requested-Action", 0), ("AoC-Request-Type", 1), ("Multiple-Services-Indicator", 0)]
    session = account.session(extra=extra)
    session.initial(ask(None, rsu=octets(1000000)), want=[granted(octets(STEP), None)])
    used = [("Reporting-Reason", QUOTA_EXHAUSTED), ("CC-Time", 3), ("CC-Input-Octets", 500000),
            ("CC-Output-Octets", 1000000)]
    session.update(ask(None, rsu=octets(1000000), usu=used),
                   want=[granted(octets(STEP), None, final=TERMINATE)])
    account.check("0", "0.250000")
    session.terminate(ask(None, usu=used[1:3], reason=FINAL), want=[settled(None)])
    account.check("0")


@scenario()
def identities_of_two_accounts(world):
    first, second = world.account("data-a", "1"), world.account("data-a", "1", e164="491700009001")
    both = [subscription(END_USER_IMSI, first.imsi), subscription(END_USER_E164, "491700009001")]
    refused = first.session(identities=both)
    refused.initial(ask(rsu=EMPTY), code=5030)
    line = (f"imsi:{first.imsi} and e164:491700009001, session {refused.id}: "
            "two identities of one request belong to two accounts, answered 5030")
    eventually(lambda: line in world.levyd.log_end(), f"the log does not say: {line}")
    first.check("1")
    second.check("1")
    # The known one counts beside one that nobody has.
    known = [subscription(END_USER_IMSI, "001999999999997"),
             subscription(END_USER_E164, "491700009001")]
    session = second.session(identities=known)
    session.initial(ask(rsu=EMPTY), want=[granted(octets(STEP))])
    second.check("0.75", "0.25")


@scenario()
def every_type_of_identity_pays(world):
    """Each alone finds its account; an E.164 also with the "+" that some gateways send."""
    account = world.account("data-a", "10", sip="sip:a@ims.test", nai="a@nai.test",
                            private="line-0x9101")
    other = world.account("data-a", "10", sip="sip:b@ims.test", nai="b@nai.test",
                          private="line-0x9102")
    for owner, e164 in ((account, "491700009101"), (other, "+491700009102")):
        world.levyd.import_subscribers([{"account": owner.name, "e164": e164, "plan": "data-a"}])
    sent = [(END_USER_E164, "491700009101"), (END_USER_E164, "+491700009101"),
            (END_USER_SIP_URI, "sip:a@ims.test"), (END_USER_NAI, "a@nai.test"),
            (END_USER_PRIVATE, "line-0x9101")]
    for number, (kind, text) in enumerate(sent, 1):
        session = account.session(identities=[subscription(kind, text)])
        session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
        session.update(ask(usu=octets(STEP), rsu=octets(STEP)), want=[granted(octets(STEP))])
        session.terminate(ask(usu=octets(0)), want=[settled()])
        account.check(str(10 - Decimal("0.25") * number))
    for kind, text in ((END_USER_E164, "+491700009199"), (END_USER_SIP_URI, "sip:A@ims.test"),
                       (END_USER_NAI, "491700009101"), (END_USER_PRIVATE, "+491700009101")):
        account.session(identities=[subscription(kind, text)]).initial(ask(rsu=EMPTY), code=5030)
    other.check("10")


def service_information(charging_id):
    inner = [("3GPP-Charging-Id", charging_id), ("PDP-Address", "10.1.2.3"),
             ("Called-Station-Id", "internet")]
    return [("Service-Information", [("PS-Information", inner)])]


@scenario()
def superseded_session(world):
    account = world.account("data-a", "0.500000")
    extra = service_information(b"\1\2\3\4")
    former, other = account.session(extra=extra), account.session()
    former.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    other.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP), final=TERMINATE)])
    account.check("0", "0.500000")
    latter = account.session(extra=extra)  # same IMSI, APN and charging id: the former is gone
    latter.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP), final=TERMINATE)])
    account.check("0", "0.500000")
    former.update(ask(usu=octets(STEP), rsu=octets(STEP)), code=5002)
    account.check("-0.250000", "0.500000")
    if set(account.open_sessions()) != {other.id, latter.id}:
        raise Mismatch(f"open: {account.open_sessions()}")


@scenario()
def superseded_behind_many_ended_sessions(world):
    """Ended sessions and events in between, as a busy bearer leaves them, hide nothing."""
    account = world.account("data-a", "0.500000")
    extra = service_information(b"\5\6\7\x08")
    former = account.session(extra=extra)
    former.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    for _ in range(70):
        between = account.session()
        between.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP), final=TERMINATE)])
        between.terminate(ask(usu=octets(0)), want=[settled()])
    latter = account.session(extra=extra)
    latter.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    account.check("0.250000", "0.250000")
    if set(account.open_sessions()) != {latter.id}:
        raise Mismatch(f"open: {account.open_sessions()}")


@scenario()
def superseded_by_address_alone(world):
    """APN and address are the bearer where no charging id is sent; another address is another one."""
    account = world.account("data-a", "1")
    def at(address):
        return [("Called-Station-Id", "internet"), ("Framed-IP-Address", address)]
    former = account.session(extra=at(b"\x0a\x00\x00\x01"))
    former.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    beside = account.session(extra=at(b"\x0a\x00\x00\x02"))
    beside.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    latter = account.session(extra=at(b"\x0a\x00\x00\x01"))
    latter.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    account.check("0.500000", "0.500000")
    if set(account.open_sessions()) != {beside.id, latter.id}:
        raise Mismatch(f"open: {account.open_sessions()}")


@scenario()
def raised_origin_state_id(world):
    account = world.account("data-a", "2.000000")
    old = world.gateway("state.test", which=0, state_id=100)
    bystander = account.session()
    bystander.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    for _ in range(2):
        account.session(old).initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    account.check("1.250000", "0.750000")
    new = world.gateway("state.test", which=1, state_id=101)
    session = account.session(new)
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    eventually(lambda: len(account.open_sessions()) == 2, "the older sessions are released")
    account.check("1.500000", "0.500000")
    if set(account.open_sessions()) != {bystander.id, session.id}:
        raise Mismatch(f"open: {account.open_sessions()}")
    session.update(ask(usu=octets(STEP), rsu=octets(STEP)), want=[granted(octets(STEP))])
    account.check("1.250000", "0.500000")


@scenario()
def barred_and_suspended(world):
    account = world.account("data-a", "1.000000")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    for status in ("suspended", "barred"):
        account.post("status", status=status)
        account.session().initial(ask(rsu=octets(STEP)), want=[denied(4010)])
        account.session().initial(("Requested-Service-Unit", octets(STEP)), code=4010)
    session.update(ask(usu=octets(STEP), rsu=octets(STEP)), want=[denied(4010)])
    account.check("0.750000")  # what was used is debited all the same
    account.post("status", status="active")
    session.update(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    account.check("0.500000", "0.250000")


@scenario()
def unknown_rating_groups(world):
    account = world.account("dime-per-second", "1")
    account.session().initial(ask(77, rsu=seconds(1)), ask(1, rsu=seconds(1)),
                              want=[denied(5031, 77), granted(seconds(1))],
                              failed=[("Rating-Group", 77)])
    account.check("0.9", "0.1")
    account = world.account("unmatched-4010", "1")
    account.session().initial(ask(77, rsu=octets(1)), want=[denied(4010, 77)])
    account.check("1")


@scenario()
def low_credit(world):
    account = world.account("low-credit", "1.000000")
    session = account.session()
    session.initial(*[ask(rg, rsu=octets(4 * STEP)) for rg in (1, 2, 3)],
                    want=[granted(octets(2 * STEP), 1), granted(octets(STEP), 2),
                          granted(octets(STEP), 3, final=TERMINATE)])
    account.check("0", "1.000000")


@scenario()
def thresholds_and_holding_time(world):
    account = world.account("thresholds", "1.250000")
    session = account.session()
    volume = [("Validity-Time", 600), ("Quota-Holding-Time", 90)]
    session.initial(ask(1, rsu=EMPTY), ask(2, rsu=EMPTY),
                    want=[granted(octets(2 * STEP), 1,
                                  more=volume + [("Volume-Quota-Threshold", 500000)]),
                          granted(seconds(60), 2, more=[("Quota-Holding-Time", 30),
                                                        ("Time-Quota-Threshold", 12)])])
    account.check("0.500000", "0.750000")
    session.update(ask(1, usu=octets(2 * STEP), rsu=octets(STEP)),
                   want=[granted(octets(STEP), 1, more=volume + [("Volume-Quota-Threshold",
                                                                  300000)])])
    account.check("0.250000", "0.500000")
    session.update(ask(1, usu=octets(STEP), rsu=octets(STEP)),
                   want=[granted(octets(STEP), 1, final=TERMINATE, more=volume)])
    account.check("0", "0.500000")


@scenario()
def watchdog_between_requests(world):
    gateway = world.gateway()
    answer = gateway.watchdog()
    if (answer.flags, answer.value("Result-Code")) != (0, 2001):
        raise Mismatch(answer.text())
    if answer.value("Origin-State-Id") != gateway.cea.value("Origin-State-Id"):
        raise Mismatch("Origin-State-Id differs between CEA and DWA")


@scenario()
def wallets_of_two_currencies(world):
    """Only the plan's currency pays: what is left in the other is no credit."""
    account = world.account("data-a", "0.500000")
    account.topup("7.000000", "USD")
    session = account.session()
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    session.update(ask(usu=octets(STEP), rsu=octets(STEP)),
                   want=[granted(octets(STEP), final=TERMINATE)])
    account.check("0", "0.250000", wallet_USD="7.000000")
    session.update(ask(usu=octets(STEP), rsu=octets(STEP)), want=[denied(4012)])
    account.session().initial(ask(rsu=EMPTY), want=[denied(4012)])
    account.check("0", wallet_USD="7.000000")
    session.terminate(ask(usu=octets(STEP)), want=[settled()])  # the debt, too, is one of EUR
    account.check("-0.250000", wallet_USD="7.000000")
