"""Rates under conditions: time of day (V-27), prefixes (V-33), and what changes in mid-session.

Used units cost what their grant was made under; the new grant is chosen by the message's conditions
(semantics.md "Conditions and clocks"), and names the changes at which the gateway is to report.
"""
import json
import os
import subprocess
import time

from levyd import find_program
from registry import scenario
from replay import (EMPTY, INITIAL, OPTIONS, RATING_CONDITION_CHANGE, TERMINATE, Mismatch, World,
                    ask, call_to, denied, granted, messages, network, octets, seconds, settled,
                    triggers)

MB = 1000000
UTRAN, EUTRAN = 1, 6
QOS, RAT, MCC, MNC, TAC, ECGI = 2, 4, 30, 31, 35, 36


def uli(tac, cell):
    """TAI and ECGI of network 262-01 (TS 29.061 16.4.7.2)."""
    plmn = b"\x62\xf2\x10"
    return b"\x82" + plmn + tac.to_bytes(2, "big") + plmn + cell.to_bytes(4, "big")


def changed(amount, rg, **more):
    """What was used up to the change, and a wish for more."""
    return ask(rg, usu=[("Reporting-Reason", RATING_CONDITION_CHANGE)] + octets(amount), rsu=EMPTY,
               **more)


def qos(qci):
    return [("QoS-Information", [("QoS-Class-Identifier", qci)])]


@scenario()
def rat_changes_in_mid_session(world):
    """0.10 per MB on LTE, 0.20 elsewhere."""
    account = world.account("by-network", "10")
    session = account.session()
    lte = session.initial(ask(1, rsu=EMPTY), extra=[network(rat=EUTRAN)],
                          want=[granted(octets(MB), 1, more=triggers(RAT))])
    account.check("9.9", "0.1")
    session.again(lte)
    session.update(changed(400000, 1), extra=[network(rat=UTRAN)],
                   want=[granted(octets(MB), 1, more=triggers(RAT))])
    account.check("9.76", "0.2")
    session.update(changed(MB, 1), extra=[network(rat=EUTRAN)],
                   want=[granted(octets(MB), 1, more=triggers(RAT))])
    account.check("9.66", "0.1")
    session.terminate(ask(1, usu=octets(500000)), want=[settled(1)], extra=[network(rat=UTRAN)])
    account.check("9.71")


@scenario()
def network_changes_in_mid_session(world):
    """0.10 per MB at home, 2.00 abroad; a gateway that does not say where is abroad."""
    account = world.account("by-network", "10")
    session = account.session()
    at = triggers(MCC, MNC)
    session.initial(ask(2, rsu=EMPTY), extra=[network(plmn="26201")],
                    want=[granted(octets(MB), 2, more=at)])
    account.check("9.9", "0.1")
    session.update(changed(100000, 2), extra=[network(plmn="20801")],
                   want=[granted(octets(MB), 2, more=at)])
    account.check("7.99", "2")
    session.update(changed(500000, 2), want=[granted(octets(MB), 2, more=at)])
    account.check("6.99", "2")
    session.update(changed(0, 2), extra=[network(plmn="26201")],
                   want=[granted(octets(MB), 2, more=at)])
    account.check("8.89", "0.1")
    session.terminate(ask(2, usu=octets(MB)), want=[settled(2)])
    account.check("8.89")


@scenario()
def place_changes_in_mid_session(world):
    """0.50 per MB in the stadium: a tracking area, and a cell that lies in another one."""
    account = world.account("by-network", "10")
    session = account.session()
    at = triggers(TAC, ECGI)
    session.initial(ask(3, rsu=EMPTY), extra=[network(uli=uli(1, 1))],
                    want=[granted(octets(MB), 3, more=at)])
    account.check("9.9", "0.1")
    session.update(changed(500000, 3), extra=[network(uli=uli(1234, 1))],
                   want=[granted(octets(MB), 3, more=at)])
    account.check("9.45", "0.5")
    session.update(changed(MB, 3), extra=[network(uli=uli(1, 99999))],
                   want=[granted(octets(MB), 3, more=at)])
    account.check("8.95", "0.5")
    session.update(changed(0, 3), extra=[network(uli=uli(1, 1))],
                   want=[granted(octets(MB), 3, more=at)])
    account.check("9.35", "0.1")


@scenario()
def class_changes_in_mid_session(world):
    account = world.account("by-network", "10")
    session = account.session()
    session.initial(ask(4, rsu=EMPTY, more=qos(9)),
                    want=[granted(octets(MB), 4, more=triggers(QOS))])
    account.check("9.9", "0.1")
    session.update(changed(MB, 4, more=qos(1)), want=[granted(octets(MB), 4, more=triggers(QOS))])
    account.check("9.6", "0.3")


@scenario()
def every_change_that_a_rate_reads_is_named(world):
    account = world.account("by-network", "10")
    session = account.session()
    at = triggers(QOS, RAT, MCC, MNC, TAC, ECGI)
    session.initial(ask(5, rsu=EMPTY), ask(1, rsu=EMPTY),
                    want=[granted(octets(MB), 5, more=at),
                          granted(octets(MB), 1, more=triggers(RAT))])
    # Nothing granted, nothing to report at.
    session.update(ask(5, usu=octets(1000)), want=[settled(5)])


@scenario()
def a_gateway_that_takes_no_triggers(world):
    account = world.account("by-network", "10")
    session = account.session(world.gateway("plain.test"))
    session.initial(ask(1, rsu=EMPTY), extra=[network(rat=EUTRAN)],
                    want=[granted(octets(MB), 1)])
    session.update(changed(MB, 1), extra=[network(rat=UTRAN)], want=[granted(octets(MB), 1)])
    account.check("9.7", "0.2")


@scenario()
def a_change_alone_asks_for_the_next_grant(world):
    """Dialect implicit_rsu: the reason stands for the Requested-Service-Unit."""
    account = world.account("by-network", "10")
    session = account.session(world.gateway("ergw.test"))
    session.initial(ask(1, rsu=EMPTY), extra=[network(rat=EUTRAN)],
                    want=[granted(octets(MB), 1, more=triggers(RAT))])
    used = [("Reporting-Reason", RATING_CONDITION_CHANGE)] + octets(MB)
    session.update(ask(1, usu=used), extra=[network(rat=UTRAN)],
                   want=[granted(octets(MB), 1, more=triggers(RAT))])
    account.check("9.7", "0.2")


@scenario("V-33", "V-63")
def prices_by_prefix(world):
    account = world.account("by-prefix", "1000")
    unknown = account.session(context="32260@3gpp.org")
    unknown.initial(ask(rsu=EMPTY), extra=[call_to("tel:+9123456")], want=[denied(5031)],
                    failed=[("Rating-Group", 1)])
    account.check("1000")
    for number, granted_s, left in (("tel:+3123456", 300, "999.6"), ("sip:2123@test", 120, "999.4"),
                                    ("+1123", 60, "999.3")):
        session = account.session(context="32260@3gpp.org")
        session.initial(ask(rsu=EMPTY), extra=[call_to(number)],
                        want=[granted(seconds(granted_s))])
        session.terminate(ask(usu=seconds(1)), extra=[call_to(number)], want=[settled()])
        account.check(left)


def yesterday(hour, minute=0, second=0):
    day = int(time.time()) // 86400 - 1
    return day * 86400 + hour * 3600 + minute * 60 + second


def last(weekday, hour, minute=0):
    """On the latest such day (0: Monday) of which, and of the next day, nothing is to come."""
    day = int(time.time()) // 86400 - 2
    day -= (day + 3 - weekday) % 7  # day 0 was a Thursday
    return day * 86400 + hour * 3600 + minute * 60


def world_of_yesterday(build, days=2):
    """Event-Timestamps of yesterday are believed, or older ones."""
    return World(build, {**OPTIONS, "sessions": {"event_time_skew_max": f"{days} d"}})


@scenario("V-27", alone=True)
def time_of_day(build):
    """Peak 10 per started MB, 5 from 23:00 to 08:00."""
    with world_of_yesterday(build) as world:
        account = world.account("by-hour", "1000")
        for at, used, left in ((yesterday(7, 59, 59), 2500000, "985"),
                               (yesterday(12, 13, 14), 1000000, "975")):
            session = account.session()
            session.initial(at=at)
            session.terminate(ask(usu=octets(used)), at=at, want=[settled()])
            account.check(left)


@scenario("V-27", alone=True)
def a_grant_ends_where_prices_change(build):
    """Without Tariff-Time-Change: Validity-Time ends at the boundary, usage costs its grant's rate."""
    with world_of_yesterday(build) as world:
        account = world.account("by-hour", "1000")
        session = account.session()
        session.initial(ask(rsu=EMPTY), at=yesterday(7),
                        want=[granted(octets(MB), more=[("Validity-Time", 3600)])])
        account.check("995", "5")
        session.update(ask(usu=octets(MB), rsu=EMPTY), at=yesterday(8, 10),
                       want=[granted(octets(MB), more=[("Validity-Time", 53400)])])
        account.check("985", "10")
        session.terminate(ask(usu=octets(500000)), at=yesterday(23, 30), want=[settled()])
        account.check("985")


PLANS = [os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
         for name in ("plans.yaml", "plans_tariffs.yaml")]


def change_at(unix_seconds, units):
    """A grant that names the next change of price."""
    return [("Tariff-Time-Change", (unix_seconds + 2208988800) % 2**32)] + units


def part(amount, tariff_change_usage):
    return [("Tariff-Change-Usage", tariff_change_usage)] + octets(amount)


@scenario("V-27", alone=True)
def a_grant_names_the_change_of_price(build):
    """Dialect key `tariff_time_change`: reserved at the dearer price, each part at its own."""
    with world_of_yesterday(build) as world:
        gateway = world.gateway("tariffs.test")
        account = world.account("by-hour-exact", "1000")
        session = account.session(gateway)
        session.initial(ask(rsu=EMPTY), at=yesterday(7), want=[
            granted(change_at(yesterday(8), octets(MB)), more=[("Validity-Time", 57600)])])
        account.check("990", "10")
        split = session.update(
            ask(usus=[part(400000, 0), part(500000, 1), part(100000, 2)], rsu=EMPTY),
            at=yesterday(8, 10), want=[
                granted(change_at(yesterday(23), octets(MB)), more=[("Validity-Time", 85800)])])
        session.again(split)
        account.check("982.5", "10")  # 500,000 before (what is indeterminate, too), 500,000 after
        session.terminate(ask(usu=octets(100000)), at=yesterday(23, 30), want=[settled()])
        account.check("991.5")  # not split: the price before the change
        rows = world.charging_records(session.id)[1]["mscc"]
        parts = [(row["used"], row["charged"], row["rate"], "after_tariff_change" in row)
                 for row in rows]
        if parts != [(500000, "2.500000", 1, False), (500000, "5.000000", 0, True)]:
            raise Mismatch(f"{parts}")
        replayed = subprocess.run(
            [find_program(build, "levyctl"), "plan", "replay",
             os.path.join(world.levyd.directory, "records"), "--plans", *PLANS,
             "--event-time-skew", "172800", "--json"], capture_output=True, text=True, timeout=60)
        totals = json.loads(replayed.stdout)["totals"]["EUR"]
        if totals["then"] != totals["now"] or totals["then"] != "8.50":
            raise Mismatch(f"{totals}")
        poor = world.account("by-hour-exact", "5").session(gateway)
        poor.initial(ask(rsu=EMPTY), at=yesterday(7), want=[
            granted(change_at(yesterday(8), octets(MB // 2)), final=TERMINATE,
                    more=[("Validity-Time", 57600)])])
        poor.terminate(ask(usus=[part(300000, 1)]), at=yesterday(8, 1), want=[settled()])
        poor.account.check("2")  # nothing before the change
        other = world.account("by-hour-exact", "1000").session()  # without the dialect
        other.initial(ask(rsu=EMPTY), at=yesterday(7),
                      want=[granted(octets(MB), more=[("Validity-Time", 3600)])])
        other.terminate(ask(usus=[part(400000, 0), part(600000, 1)]), at=yesterday(8),
                        want=[settled()])
        other.account.check("995")  # of one grant and one price


def pool_of(answer, kind, digits, exponent, rating_group):
    """The pool that an answer names, and how: a unit of the service, in micros."""
    mscc = [avp for avp in answer.avps
            if avp.name == "Multiple-Services-Credit-Control"]
    for one in mscc:
        inner = {avp.name: avp.value for avp in one.value}
        if inner["Rating-Group"] == rating_group:
            number = inner["G-S-U-Pool-Reference"][0].value
    return number, [("G-S-U-Pool-Reference", [
        ("G-S-U-Pool-Identifier", number), ("CC-Unit-Type", kind),
        ("Unit-Value", [("Value-Digits", digits), ("Exponent", exponent)])])]


@scenario()
def credit_pools(world):
    """Dialect key `pools`: one group's use beyond its grant is paid by the other's reservation."""
    gateway = world.gateway("pools.test")
    both = [ask(1, rsu=octets(MB)), ask(2, rsu=seconds(1000)), ask(3, rsu=messages(3))]
    probe = world.account("pooled", "10").session(gateway)
    answer = probe.send(INITIAL, 0, both).pending.wait()
    data_pool, data = pool_of(answer, 2, 1, 0, 1)
    calls_pool, calls = pool_of(answer, 0, 1, 3, 2)
    third_pool, third = pool_of(answer, 5, 333333333334, -6, 3)
    if data_pool != calls_pool or third_pool == data_pool:
        raise Mismatch(f"pools {data_pool}, {calls_pool}, {third_pool}")
    probe.terminate(want=[])

    account = world.account("pooled", "2")
    session = account.session(gateway)
    session.initial(*both[:2], want=[
        granted(octets(MB), 1, more=data),
        granted(seconds(1000), 2, final=TERMINATE, more=calls)])
    account.check("0", "2")
    session.update(ask(1, usu=octets(1500000), rsu=octets(MB)), want=[denied(4012, 1)])
    account.check("0", "0.5")  # of what the calls had reserved, and no debt
    session.update(ask(1, rsu=octets(100)), want=[denied(4012, 1)])
    session.terminate(ask(2, usu=seconds(500)), want=[settled(2)])
    account.check("0")

    # Both report at once, the overdrawn one first.
    account = world.account("pooled", "2")
    session = account.session(gateway)
    session.initial(*both[:2], want=[
        granted(octets(MB), 1, more=data),
        granted(seconds(1000), 2, final=TERMINATE, more=calls)])
    session.terminate(ask(1, usu=octets(1700000)), ask(2, usu=seconds(300)),
                      want=[settled(1), settled(2)])
    account.check("0")

    # A gateway without the dialect is told of no pool.
    account = world.account("pooled", "2")
    session = account.session()
    session.initial(*both[:1], want=[granted(octets(MB), 1)])
    session.terminate(ask(1, usu=octets(10)), want=[settled(1)])
    account.check("1.99999")


@scenario()
def directions_barred_networks_and_back_off(world):
    """1.20 per MB from the user, a quarter of it to the user; a deny list of networks."""
    account = world.account("dear-uplink", "2.4")
    session = account.session()
    at = triggers(MCC, MNC)
    wait = [("Validity-Time", 300)]
    session.initial(ask(1, rsu=octets(MB)), want=[granted(octets(MB), 1, more=at)])
    account.check("1.2", "1.2")
    both = [("CC-Input-Octets", 300000), ("CC-Output-Octets", 700000)]  # counts for 475,000
    session.update(ask(1, usu=both, rsu=octets(MB)), want=[granted(octets(MB), 1, more=at)])
    account.check("0.63", "1.2")
    gone = session.update(ask(1, usu=octets(0), rsu=octets(MB)), extra=[network(plmn="99999")],
                          want=[denied(4010, 1, more=wait)])
    session.again(gone)
    account.check("1.83")
    session.update(ask(1, rsu=octets(2 * MB)),
                   want=[granted(octets(1525000), 1, final=TERMINATE, more=at)])
    session.update(ask(1, usu=octets(1525000), rsu=octets(MB)),
                   want=[denied(4012, 1, more=wait)])
    account.check("0")
