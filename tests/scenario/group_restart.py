"""What a power cut may not change: duplicates, open sessions, balances, identities."""
from diameter import RETRANSMITTED
from registry import scenario
from replay import EMPTY, TERMINATE, Mismatch, World, ask, granted, octets, settled
from replay import INITIAL

STEP = 1500000


@scenario("V-94", alone=True)
def power_cut(build):
    with World(build) as world:
        state_id = world.state_id()
        account = world.account("data-a", "1.000000")
        session, ended = account.session(), account.session()
        session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
        first = session.update(ask(usu=octets(STEP), rsu=octets(STEP)),
                               want=[granted(octets(STEP))])
        ended.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
        last = ended.terminate(ask(usu=octets(STEP)), want=[settled()])
        account.check("0.250000", "0.250000")
        world.kill_and_start()
        session.gateway = ended.gateway = world.gateway()
        if world.state_id() != state_id:
            raise Mismatch("Origin-State-Id changed though nothing was lost")
        account.check("0.250000", "0.250000")
        session.again(first, flags=RETRANSMITTED)
        ended.again(last, flags=RETRANSMITTED)
        account.check("0.250000", "0.250000")
        # Without a Subscription-Id: the session itself says whose it is.
        session.update(ask(usu=octets(STEP), rsu=octets(STEP)), identities=[],
                       want=[granted(octets(STEP), final=TERMINATE)])
        account.check("0", "0.250000")
        late = ended.update(ask(usu=octets(1), rsu=EMPTY), number=9, code=5002)
        account.check("-0.250000", "0.250000")
        world.kill_and_start()
        session.gateway = ended.gateway = world.gateway()
        ended.again(late)
        session.terminate(ask(usu=octets(0)), want=[settled()])
        account.check("0")


@scenario(alone=True)
def import_file_differs_from_the_journal(build):
    with World(build) as world:
        account = world.account("data-a", "1.000000", {"octets": 3000000})
        session = account.session()
        session.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
        session.update(ask(usu=octets(STEP), rsu=octets(STEP)), want=[granted(octets(STEP))])
        world.kill_and_start()
        session.gateway = world.gateway()
        member = "001030000000001"
        rows = [{**account.row, "wallet": "77", "plan": "voice-a",
                 "buckets": {"octets": "99", "messages": "5"}},
                {"account": account.name, "imsi": member, "plan": "data-a"}]
        world.levyd.import_subscribers(rows)
        account.check("1.000000", octets=("0", STEP), messages="5")
        if world.levyd.subscriber("account:" + account.name)["plan"] != "data-a":
            raise Mismatch("the import changed the plan of an account that exists")
        session.update(ask(usu=octets(STEP), rsu=octets(STEP)), want=[granted(octets(STEP))])
        account.check("0.750000", "0.250000", octets="0")
        other = account.session(imsi=member)
        other.initial(ask(rsu=octets(STEP)), want=[granted(octets(STEP))])
        account.check("0.500000", "0.500000", octets="0")


@scenario(alone=True)
def many_sessions_over_a_restart(build):
    """Sessions of every Shard, answered just before the cut."""
    with World(build) as world:
        accounts = [world.account("data-a", "0.750000") for _ in range(24)]
        sessions = [account.session() for account in accounts]
        opened = [session.send(INITIAL, 0, [ask(rsu=octets(STEP))], want=[granted(octets(STEP))])
                  for session in sessions]
        for sent in opened:
            sent.check()
        world.kill_and_start()
        for account, session, sent in zip(accounts, sessions, opened):
            session.gateway, session.number = world.gateway(), 1
            session.again(sent)
            account.check("0.500000", "0.250000")
            session.update(ask(usu=octets(STEP), rsu=octets(STEP)), identities=[],
                           want=[granted(octets(STEP))])
            session.terminate(ask(usu=octets(STEP)), want=[settled()])
            account.check("0.250000")
