"""Group E of the vectors: what a real gateway expects of the answer (V-84 … V-90)."""
from registry import scenario
from replay import (FINAL, FORCED_REAUTHORISATION, QUOTA_EXHAUSTED, RESTRICT, TERMINATE, THRESHOLD,
                    VALIDITY_TIME, ask, denied, granted, octets, redirect, settled)

MB = 1024 * 1024
STEP = 1500000
VALID = [("Validity-Time", 600)]


def reported(amount, reason, rsu=None, rg=1):
    """Used-Service-Unit with its Reporting-Reason inside."""
    return ask(rg, usu=[("Reporting-Reason", reason)] + octets(amount), rsu=rsu)


@scenario("V-84")
def exhaust_with_update(world):
    account = world.account("octets-only", "0", {"octets": 15 * MB // 2})
    session = account.session()
    session.initial(ask(rsu=octets(5 * MB)), want=[granted(octets(5 * MB))])
    session.update(reported(9 * MB // 2, THRESHOLD, octets(5 * MB)),
                   want=[granted(octets(3 * MB), final=TERMINATE)])
    account.check("0", octets=("0", 3 * MB))
    session.terminate(reported(4 * MB, FINAL), want=[settled()])
    account.check("0", octets="0")


@scenario("V-85")
def exhaust_at_once(world):
    account = world.account("octets-only", "0", {"octets": 4 * MB})
    session = account.session()
    session.initial(ask(rsu=octets(5 * MB)), want=[granted(octets(4 * MB), final=TERMINATE)])
    session.terminate(reported(10 * MB, FINAL), want=[settled()])
    account.check("0", octets="0")


@scenario("V-86")
def validity(world):
    account = world.account("validity-3s", "0", {"octets": 20 * MB})
    session = account.session()
    more = [("Validity-Time", 3)]
    session.initial(ask(rsu=octets(5 * MB)), want=[granted(octets(5 * MB), more=more)])
    session.update(reported(500000, VALIDITY_TIME, octets(5 * MB)),
                   want=[granted(octets(5 * MB), more=more)])
    account.check("0", octets=(15 * MB - 500000, 5 * MB))
    session.terminate(reported(0, FINAL), want=[settled()])
    account.check("0", octets=20 * MB - 500000)


@scenario("V-87")
def redirected(world):
    account = world.account("enforcement", "0", {"octets": MB})
    gateway = world.gateway("v87.test", push_result=2002)
    session = account.session(gateway)
    session.initial(ask(1, rsu=octets(MB)),
                    want=[granted(octets(MB), final=redirect("2.2.2.2", 0), more=VALID)])
    account.topup_units(20 * MB, "octets")
    session.expect_rar(1)
    session.update(reported(2 * MB, FORCED_REAUTHORISATION, octets(MB)),
                   want=[granted(octets(MB), more=VALID)])
    account.check("0", octets=(18 * MB, MB))
    session.terminate(reported(0, FINAL), want=[settled()])
    account.check("0", octets=19 * MB)


@scenario("V-88")
def restricted_at_zero(world):
    account = world.account("enforcement", "0", {"octets": 0})
    session = account.session(world.gateway("magma.test", push_result=2002))
    session.initial(ask(2, rsu=octets(MB)), want=[denied(4012, 2, final=RESTRICT, more=VALID)])
    account.topup_units(20 * MB, "octets")
    session.expect_rar(2)
    session.update(reported(0, FORCED_REAUTHORISATION, octets(10 * MB), 2),
                   want=[granted(octets(10 * MB), 2, more=VALID)])
    account.check("0", octets=(10 * MB, 10 * MB))


@scenario("V-88")
def restricted_at_zero_by_default(world):
    account = world.account("enforcement", "0")
    account.session().initial(ask(2, rsu=octets(MB)),
                              want=[granted(None, 2, final=RESTRICT, more=VALID)])
    account.check("0")


@scenario("V-89")
def one_group_suspended(world):
    account = world.account("data-a", "0.500000")
    gateway = world.gateway("v89.test", push_result=2002)
    session = account.session(gateway)
    session.initial(ask(1, rsu=octets(STEP)), ask(2, rsu=octets(STEP)),
                    want=[granted(octets(STEP)), granted(octets(STEP), 2, final=TERMINATE)])
    session.update(reported(STEP, QUOTA_EXHAUSTED, octets(STEP)), want=[denied(4012)])
    account.check("0", "0.250000")
    account.topup("1.000000")
    session.expect_rar()  # the other group holds a final grant: the money is news to both
    session.update(reported(0, FORCED_REAUTHORISATION, octets(STEP)), want=[granted(octets(STEP))])
    account.check("0.750000", "0.500000")


@scenario("V-90")
def refused_for_good(world):
    account = world.account("enforcement", "10")
    session = account.session()
    session.initial(ask(3, rsu=octets(STEP)), ask(4, rsu=octets(STEP)), ask(5, rsu=octets(STEP)),
                    want=[denied(5003, 3), denied(4010, 4), granted(octets(20000000), 5)])
    account.check("10")
    session.terminate(ask(3), ask(4), ask(5, usu=octets(30000000)),
                      want=[settled(3), settled(4), settled(5)])
    account.check("10")
