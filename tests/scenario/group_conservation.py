"""Conservation (V-102): any order, loss and repetition; what was used is charged once, exactly.

LEVY_SCENARIO_SESSIONS=1000000 runs the vector's full size (the default is a small part of it).
LEVY_SCENARIO_SEED repeats a run; every run prints its seed.
"""
import os
import random
from decimal import Decimal

from levyd import merge
from registry import scenario
from replay import (INITIAL, OPTIONS, TERMINATION, UPDATE, Mismatch, World, ask, eventually,
                    octets)

STEP, PRICE = 1500000, Decimal("0.25")
BATCH = 200
DUPLICATED, REORDERED, LOST = 0.05, 0.05, 0.02


class Conversation:
    """One session's requests in rounds, those of one round under way at once; what it must cost."""

    def __init__(self, chance, account, connections, late):
        self.account = account
        self.connections = chance.choice(connections)  # all of one gateway
        self.session = account.session(self.connections[0])
        reports = [chance.randrange(0, 2 * STEP) for _ in range(chance.randrange(1, 6))]
        kinds = [UPDATE] * (len(reports) - 1) + [TERMINATION]
        if chance.random() < LOST:
            kinds[-1] = UPDATE
        order = list(zip(range(1, len(kinds) + 1), kinds, reports))
        for at in range(len(order) - 1):
            if chance.random() < REORDERED and (late or order[at + 1][1] == UPDATE):
                order[at], order[at + 1] = order[at + 1], order[at]
        after = [kind for _, kind, _ in order]
        ended = after.index(TERMINATION) + 1 if TERMINATION in after else len(order)
        self.late = [used for _, _, used in order[ended:]]  # each a session of its own
        self.rounds = [[request] for request in order]
        for at, request in enumerate(order):
            if chance.random() < DUPLICATED:
                again = chance.randrange(at, len(order))
                self.rounds[again].append(request)
        in_time = sum(used for _, _, used in order[:ended])
        self.cost = sum(-(-used // STEP) for used in [in_time] + self.late) * PRICE

    def send(self, chance, request):
        number, kind, used = request
        unit = ask(usu=octets(used), rsu=None if kind == TERMINATION else octets(STEP))
        return self.session.send(kind, number, [unit], gateway=chance.choice(self.connections))


def code(sent):
    return sent.pending.wait().value("Result-Code")


def play(chance, talks):
    """Plays all conversations side by side, round by round."""
    opened = [talk.session.send(INITIAL, 0, [ask(rsu=octets(STEP))]) for talk in talks]
    codes = {code(sent) for sent in opened}
    for turn in range(max(len(talk.rounds) for talk in talks)):
        requests = [(talk, request) for talk in talks for found in talk.rounds[turn:turn + 1]
                    for request in found]
        chance.shuffle(requests)
        under_way = [talk.send(chance, request) for talk, request in requests]
        codes |= {code(sent) for sent in under_way}
    if not codes <= ({2001, 5002} if any(talk.late for talk in talks) else {2001}):
        raise Mismatch(f"Result-Codes {codes}")


def run(build, late, default_amount):
    """Each account must have spent what its sessions cost. Returns how many reports came late."""
    amount = int(os.environ.get("LEVY_SCENARIO_SESSIONS", default_amount))
    seed = int(os.environ.get("LEVY_SCENARIO_SEED", random.randrange(2**32)))
    print(f"LEVY_SCENARIO_SEED={seed} LEVY_SCENARIO_SESSIONS={amount}", flush=True)
    chance = random.Random(seed)
    # Every session leaves a tombstone; the accounts are many enough that no Shard gets far more than
    # its part of them.
    account_count = min(max(40, amount // 500), 1000)
    # Those whose CCR-T is lost stay open to the end of the run.
    left_open = int(amount * LOST * 1.5)
    room = {"capacity": {"tombstones_max": amount * 3 // 2 + 16000,
                         "sessions_max": left_open + 8000, "groups_max": left_open + 16000}}
    with World(build, merge(OPTIONS, room)) as world:
        given = Decimal(10) * amount
        accounts = [world.account("conservation", str(given)) for _ in range(account_count)]
        connections = [[world.gateway("one.test", which, state_id=1) for which in (0, 1)],
                       [world.gateway("two.test", state_id=1)]]
        cost = {account.name: Decimal(0) for account in accounts}
        late_reports = 0
        for begin in range(0, amount, BATCH):
            talks = [Conversation(chance, chance.choice(accounts), connections, late)
                     for _ in range(min(BATCH, amount - begin))]
            play(chance, talks)
            for talk in talks:
                cost[talk.account.name] += talk.cost
                late_reports += len(talk.late)
        for host in ("one.test", "two.test"):  # both restart: whose CCR-T was lost is released
            world.gateway(host, 2, state_id=2)
        for account in accounts:
            eventually(lambda account=account: not account.open_sessions(), "every session ends")
            account.check(given - cost[account.name])  # nothing reserved, and the law
        charged = Decimal(world.metric("levy_charged_micros_total")) / 1000000
        if charged != sum(cost.values()):
            raise Mismatch(f"{charged} were charged by Levy's own account, not {sum(cost.values())}")
    return late_reports


@scenario("V-102", alone=True)
def conservation(build):
    run(build, False, 600)


@scenario("V-102", alone=True)
def conservation_with_reports_after_the_end(build):
    if not run(build, True, 600):
        raise Mismatch("no report was late: this run shows nothing")
