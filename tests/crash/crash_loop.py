"""kill -9 of levyd at random moments under load, again and again, in one thread and in several.

After each restart every answered debit is there exactly once, every unanswered one at most once,
reservations and sessions stand, the law holds; every unanswered request is then sent again with and
without T over other connections, and everything is there exactly once, with the verdicts that were
journaled. Some kills hit the recovery itself or the repeats; they come on top of those under load.
Every other life runs with placement `spread`: each restart finds what the other placement left.
"""
import subprocess
import sys
import time

import rig
from ledger import Fault, Ledger

# In turns: Loops of a thread each reach the disk in other orders than Loops that take turns.
PLACEMENTS = [{"mode": "one_core", "idle": "sleep"},
              {"mode": "spread", "edge_core": 0, "shard_cores": [0, 1], "journal_core": 1,
               "idle": "sleep"}]


class Loop:
    def __init__(self, args):
        self.args = args
        self.rig = rig.Rig(args)
        self.levyd = self.rig.levyd
        self.random = self.rig.random
        self.kills = {placement["mode"]: 0 for placement in PLACEMENTS}  # under load
        self.restarts = self.answered = self.pending = self.charged = self.repeated = 0

    def place(self):
        """The next life takes the placement that was killed less often."""
        placement = min(PLACEMENTS, key=lambda one: self.kills[one["mode"]])
        self.levyd.configure({**self.levyd.options, "placement": placement})

    def start(self):
        """A start; one in six is itself killed before it is ready."""
        if self.random.random() < 1 / 6:
            with open(self.levyd.log_path, "ab") as log:
                process = subprocess.Popen([self.levyd.program, "--config", self.levyd.config_path],
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            time.sleep(self.random.uniform(0, 0.25))
            if process.poll() is not None:
                raise Fault(f"levyd ended at its start:\n{self.levyd.log_end()}")
            process.kill()
            process.wait()
            self.restarts += 1
        self.levyd.start()
        self.restarts += 1

    def kill_under_load(self):
        path = self.rig.new_ledger()
        load = self.rig.load(path)
        self.rig.wait_traffic(load, path, octets=self.random.choice((1, 2_000, 30_000)))
        time.sleep(self.random.uniform(0, self.args.load))
        self.levyd.kill()
        self.rig.end_load(load, expected=(rig.LOST,))  # it was sending until the kill
        self.kills[self.levyd.options["placement"]["mode"]] += 1
        return path

    def repeat_pending(self, path):
        """One time in six the repeats, too, are cut by a kill."""
        if self.random.random() < 1 / 6:
            repeats = subprocess.Popen(
                self.rig.command("--resume-unanswered", path, "--allow", "4012"),
                stderr=subprocess.PIPE, text=True)
            time.sleep(self.random.uniform(0, 0.05))
            self.levyd.kill()
            self.rig.end_load(repeats, expected=(0, 2, rig.LOST))
            self.start()
        self.rig.resume(path)

    def turn(self):
        path = self.kill_under_load()
        self.place()
        self.start()
        page = rig.Page(Ledger.read(path))
        known = self.rig.checker.after_kill(page)
        self.repeat_pending(path)
        ledger, page = self.rig.settled(path, known)
        for imsi in self.random.sample(self.rig.imsis, 4):
            self.rig.checker.sessions(page, imsi)
        self.repeated += self.rig.repeat_answered(ledger)
        self.rig.settled(path, {})
        self.rig.book.close(page)
        self.answered += len(ledger.requests)
        self.pending += len(known)
        self.charged += sum(charged for charged, _ in known.values())
        self.top_up()

    def top_up(self):
        """A little for one of the poor, so that they pass their limit more than once."""
        imsi = self.random.choice(self.rig.imsis[7::8])
        self.levyd.api("POST", f"/v1/subscribers/imsi:{imsi}/topup",
                       {"amount": "5", "currency": "EUR"})
        self.rig.book.topped_up(imsi, 5_000_000)

    def run(self):
        started = time.monotonic()
        with self.levyd:
            self.place()
            self.levyd.start()
            self.rig.fill()
            while sum(self.kills.values()) < self.args.kills:
                try:
                    self.turn()
                except Fault as fault:
                    raise Fault(f"after kills {self.kills}: {fault}") from fault
            if "holds" not in self.levyd.ctl("audit"):  # its exit code says whether the law holds
                raise Fault("levyctl audit does not tell the sums")
        print(f"{sum(self.kills.values())} kills under load {self.kills}, {self.restarts} restarts "
              f"in {time.monotonic() - started:.0f} s: {self.answered} requests, "
              f"{self.pending} without an answer at a kill ({self.charged} of them "
              f"charged), {self.repeated} answered ones repeated")
        if self.charged == 0 or self.pending == self.charged:
            raise Fault("the kills never hit a request before and after it was charged")


def main():
    args = rig.arguments(__doc__, kills=100, load=0.25)
    Loop(args).run()


if __name__ == "__main__":
    sys.exit(rig.run(main))
