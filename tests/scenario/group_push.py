"""What Levy sends by itself: RAR, over which connection, and what its answer means."""
import queue

from registry import scenario
from replay import (EMPTY, Mismatch, World, ask, denied, eventually, granted, octets,
                    settled)

STEP = 1500000
FORCED = 7  # Reporting-Reason FORCED_REAUTHORISATION


def wanted(world, session):
    """Asks for a RAR without waiting for it."""
    world.levyd.api("POST", "/v1/sessions/reauthorize", {"session_id": session.id})


def wanted_of_group(world, session, rating_group):
    world.levyd.api("POST", "/v1/sessions/reauthorize",
                    {"session_id": session.id, "rating_group": rating_group})


def opened(account, gateway):
    session = account.session(gateway)
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    return session


def no_push(gateway, seconds):
    try:
        push = gateway.next_push(seconds)
    except queue.Empty:
        return
    raise Mismatch(f"a push that nobody wanted:\n{push.text()}")


@scenario()
def gateway_behind_a_relay(world):
    relay = world.gateway("relay.test", applications=(4, 0xFFFFFFFF))
    origin = [("Origin-Host", "pgw9.far"), ("Origin-Realm", "far.example")]
    relay.push_origin = origin
    account = world.account("data-a", "1.000000")
    session = account.session(relay, origin=origin,
                              extra=[("Route-Record", "pgw9.far"), ("Destination-Host", "levy.test")])
    session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
    session.reauthorize()
    session.update(ask(usu=octets(10), rsu=octets(STEP), reason=FORCED),
                   want=[granted(octets(2 * STEP - 10))])
    account.check("0.500000", "0.250000")


@scenario()
def session_that_the_gateway_does_not_know(world):
    """RAA 5002 ends the session here: its reservation returns."""
    account = world.account("data-a", "1.000000")
    session = opened(account, world.gateway("unknowing.test", push_result=5002))
    session.reauthorize()
    eventually(lambda: not account.open_sessions(), "RAA 5002 ends the session")
    account.check("1.000000")


@scenario()
def session_moves_to_another_connection(world):
    """A RAR goes over the connection of the latest CCR, else over any open one of that host."""
    first, second = world.gateway("two-ways.test", 0), world.gateway("two-ways.test", 1)
    account = world.account("data-a", "10")
    session = opened(account, first)
    session.update(ask(rsu=EMPTY), want=[granted(octets(STEP))], gateway=second)
    session.gateway = second
    session.reauthorize()
    no_push(first, 0.1)
    session.update(ask(rsu=EMPTY, reason=FORCED), want=[granted(octets(STEP))], gateway=second)
    second.close()
    del world.gateways[("two-ways.test", 1)]
    session.gateway = first
    session.reauthorize()
    session.update(ask(rsu=EMPTY, reason=FORCED), want=[granted(octets(STEP))])
    account.check("9.75", "0.25")


@scenario()
def groups_of_one_session(world):
    """A RAR for one Rating-Group, then one for the session: each says what it is for."""
    account = world.account("data-a", "10")
    session = opened(account, world.gateway("groups.test"))
    session.reauthorize(1)
    session.update(ask(rsu=EMPTY, reason=FORCED), want=[granted(octets(STEP))])
    session.reauthorize()
    session.update(ask(rsu=EMPTY, reason=FORCED), want=[granted(octets(STEP))])
    account.check("9.75", "0.25")


@scenario()
def gateway_too_busy_for_a_rar(world):
    """Dialect key `raa_retry`: RAA 5012 has the RAR sent again, until it is taken. Without the key
    5012 is the end of it, and with the key a code that it does not name."""
    account = world.account("data-a", "10")
    busy = world.gateway("busy.test", push_result=5012)
    session = opened(account, busy)
    wanted(world, session)
    session.expect_rar()
    session.expect_rar()  # after push_retry, one second here
    busy.push_result = 2001
    session.expect_rar()
    no_push(busy, 2.5)
    session.update(ask(rsu=EMPTY, reason=FORCED), want=[granted(octets(STEP))])
    for gateway in (world.gateway("plain.test", push_result=5012), busy):
        busy.push_result = 3002
        session = opened(account, gateway)
        wanted(world, session)
        session.expect_rar()
        no_push(gateway, 2.5)
    account.check("9.25", "0.75")


@scenario()
def gateway_that_takes_no_group_in_a_rar(world):
    """Dialect key `rar_rating_group: false`: what is wanted of one group is asked of the session."""
    account = world.account("data-a", "10")
    session = opened(account, world.gateway("whole.test"))
    world.levyd.api("POST", "/v1/sessions/reauthorize", {"session_id": session.id, "rating_group": 1})
    session.expect_rar()
    session.update(ask(rsu=EMPTY, reason=FORCED), want=[granted(octets(STEP))])
    account.check("9.75", "0.25")


@scenario()
def update_that_crosses_the_rar(world):
    """Nobody answers the RAR, but a CCR-U comes: that satisfies it, so it is not sent again.
    Without the CCR-U it is (push_retry is one second here)."""
    gateway = world.gateway("crossing.test", push_result=0)
    account = world.account("data-a", "10")
    session = opened(account, gateway)
    wanted(world, session)
    session.expect_rar()
    session.expect_rar()  # the retry
    session.update(ask(rsu=EMPTY), want=[granted(octets(STEP))])
    while not gateway.pushes.empty():  # retries that were sent before the update came
        session.expect_rar()
    no_push(gateway, 2.5)
    account.check("9.75", "0.25")


@scenario()
def retried_rar_keeps_its_group(world):
    """A retry asks for the group that was wanted; a wish for another one widens it to all."""
    gateway = world.gateway("group.test", push_result=0)
    account = world.account("data-a", "10")
    session = opened(account, gateway)
    wanted_of_group(world, session, 1)
    session.expect_rar(1)
    session.expect_rar(1)  # the retry
    wanted_of_group(world, session, 2)
    eventually_wide(session, gateway)
    session.update(ask(rsu=EMPTY, reason=FORCED), want=[granted(octets(STEP))])
    account.check("9.75", "0.25")


def eventually_wide(session, gateway):
    """Retries of the former wish may be on their way; then the whole session is asked for."""
    for _ in range(3):
        try:
            return session.expect_rar()
        except Mismatch:
            continue
    raise Mismatch(f"no RAR for the whole of {session.id}")


@scenario(alone=True)
def rar_after_a_power_cut(build):
    """What no answer has satisfied is sent again, once the gateway is back."""
    with World(build) as world:
        account = world.account("data-a", "10")
        session = opened(account, world.gateway("cut.test", push_result=0))
        wanted(world, session)
        session.expect_rar()
        world.kill_and_start()
        session.gateway = world.gateway("cut.test")
        session.expect_rar()
        session.update(ask(usu=octets(1), rsu=EMPTY, reason=FORCED),
                       want=[granted(octets(2 * STEP - 1))])
        session.terminate(ask(usu=octets(0)), want=[settled()])
        account.check("9.75")


# ---- ASR -----------------------------------------------------------------------------------------
def aborted(world, session):
    return world.levyd.api("POST", "/v1/sessions/abort",
                           {"session_id": session.id, "who": "noc", "why": "fraud"})


@scenario()
def aborted_by_asr(world):
    """Dialect key `asr`: the gateway ends the session, and its CCR-T brings what was used. Until
    then nothing is granted, and a RAR would be out of place."""
    account = world.account("data-a", "10")
    session = opened(account, world.gateway("ends.test"))
    answer = aborted(world, session)
    if answer != {"result": "ok", "shard": answer["shard"], "asked_gateway": True}:
        raise Mismatch(f"abort: {answer}")
    session.expect_asr()
    again = aborted(world, session)
    if again != {"result": "unchanged", "shard": answer["shard"]}:
        raise Mismatch(f"abort again: {again}")
    wanted(world, session)
    account.topup("1")
    session.update(ask(usu=octets(10), rsu=octets(STEP)), want=[denied(4010)])
    account.check("10.75")  # charged, and nothing is reserved any more
    no_push(session.gateway, 1.5)
    session.terminate(ask(usu=octets(STEP)), want=[settled()])
    account.check("10.5")
    if account.open_sessions():
        raise Mismatch("the session is open")


@scenario()
def asr_that_is_refused(world):
    """A gateway that refuses the ASR, does not know the session or does not answer: it ends here."""
    for result in (3001, 5012, 5002):
        account = world.account("data-a", "10")
        session = opened(account, world.gateway("ends.test", push_result=result))
        aborted(world, session)
        session.expect_asr()
        eventually(lambda: not account.open_sessions(), f"ASA {result} ends the session here")
        account.check("10")
        closing = world.charging_records(session.id)[-1]["closing"]
        if closing != "operator":
            raise Mismatch(f"closing is {closing}")
        session.update(ask(usu=octets(10), rsu=octets(STEP)), code=5002)  # charged, once
        account.check("9.75")
        world.drop_gateways()


@scenario()
def asr_without_an_end(world):
    """The ASR is taken and no CCR-T comes: the session ends after `sessions.abort_wait`."""
    account = world.account("data-a", "10")
    session = opened(account, world.gateway("ends.test"))
    aborted(world, session)
    session.expect_asr()
    eventually(lambda: not account.open_sessions(), "abort_wait ends the session", 8)
    account.check("10")
    session.terminate(ask(usu=octets(10)), code=5002)
    account.check("9.75")


@scenario()
def asr_after_a_rar_and_over_a_restart(world):
    """A RAR is not answered while the end is asked for: the ASR follows, also after a kill -9."""
    account = world.account("data-a", "10")
    world.drop_gateways()  # one of them answers
    gateway = world.gateway("ends.test", push_result=0)
    session = opened(account, gateway)
    wanted(world, session)
    session.expect_rar()
    aborted(world, session)
    no_push(gateway, 0.5)  # one push at a time
    world.kill_and_start()
    session.gateway = world.gateway("ends.test")
    session.expect_asr()
    session.terminate(ask(usu=octets(10)), want=[settled()])
    account.check("9.75")
