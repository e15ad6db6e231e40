"""Restarts with another placement: one core, one thread per part, two Shard Loops; nothing changes.

Under traffic, with snapshots in between. After a quiet end (SIGTERM, or SIGKILL with nothing under
way) every account and session must read exactly as before; after a kill under load the ledger
decides, as in crash_loop.
"""
import json
import sys
import time

import rig
from ledger import Fault, Ledger

PLACEMENTS = {
    "one core": {"mode": "one_core", "idle": "sleep"},
    "two Shard Loops": {"mode": "spread", "edge_core": 0, "shard_cores": [0, 1],
                        "journal_core": 1, "idle": "sleep"},
    "one Shard Loop": {"mode": "spread", "edge_core": 0, "shard_cores": [1], "journal_core": 0,
                       "idle": "sleep"},
    "one core, pinned": {"mode": "one_core", "edge_core": 1, "idle": "yield"},
}
# How each life ends, and the next one's placement is another.
LIVES = [("one core", "SIGTERM"), ("two Shard Loops", "SIGTERM"), ("one core", "kill at rest"),
         ("two Shard Loops", "kill under load"), ("one Shard Loop", "kill at rest"),
         ("two Shard Loops", "kill at rest"), ("one core, pinned", "kill under load"),
         ("two Shard Loops", "SIGTERM"), ("one core", "SIGTERM")]


def dump_of(test):
    """Every account and session, as text."""
    return [json.dumps([test.levyd.subscriber("imsi:" + imsi),
                        test.levyd.sessions("imsi:" + imsi)], sort_keys=True)
            for imsi in test.imsis]


def expect_same(test, before, what):
    for one, other in zip(before, dump_of(test), strict=True):
        if one != other:
            raise Fault(f"{what}: an account changed:\n{one}\n{other}")


class Placements:
    def __init__(self, args):
        self.rig = rig.Rig(args, options={"sessions": {"duplicate_window": "15 min"}})
        self.levyd = self.rig.levyd
        self.snapshots = self.requests = 0

    def place(self, name):
        options = dict(self.levyd.options)
        options["placement"] = PLACEMENTS[name]
        self.levyd.configure(options)

    def snapshots_of(self):
        metrics = self.levyd.metrics().splitlines()
        return int(next(line for line in metrics
                        if line.startswith("levy_snapshots_total")).split()[1])

    def live(self, ending):
        """One run of load and the end of the daemon. Returns the dump, or the ledger's path."""
        path = self.rig.new_ledger()
        load = self.rig.load(path, duration=1.3, pace=("--rate", 3000))
        self.rig.wait_traffic(load, path)
        if ending == "kill under load":
            time.sleep(self.rig.random.uniform(0.1, 1.2))
            self.levyd.kill()
            self.rig.end_load(load, expected=(rig.LOST,))
            return path
        self.rig.end_load(load)
        page = rig.Page(Ledger.read(path))
        self.rig.checker.after_resume(page, {})
        self.requests += len(Ledger.read(path).requests)
        self.rig.book.close(page)
        self.snapshots += self.snapshots_of()
        before = dump_of(self.rig)
        if ending == "SIGTERM":
            self.levyd.stop()
        else:
            self.levyd.kill()
        return before

    def check(self, name, ending, left):
        """After the restart as `name`."""
        if ending != "kill under load":
            expect_same(self.rig, left, f"{ending}, then {name}")
            return
        (ledger, page), _ = self.rig.settle(left)
        for imsi in self.rig.random.sample(self.rig.imsis, 16):
            self.rig.checker.sessions(page, imsi)
        self.rig.repeat_answered(ledger)
        self.rig.settled(left, {})
        self.requests += len(ledger.requests)
        self.rig.book.close(page)

    def run(self):
        with self.levyd:
            self.place(LIVES[0][0])
            self.levyd.start()
            self.rig.fill()
            for (_, ending), (name, _) in zip(LIVES, LIVES[1:] + LIVES[:1]):
                left = self.live(ending)
                self.place(name)
                self.levyd.start()
                self.check(name, ending, left)
        print(f"{len(LIVES)} placements, {self.requests} requests, {self.snapshots} snapshots")
        if self.snapshots < 3:
            raise Fault("too few snapshots were taken in between")


def main():
    Placements(rig.arguments(__doc__)).run()


if __name__ == "__main__":
    sys.exit(rig.run(main))
