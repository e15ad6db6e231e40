"""What every crash test starts from: a levyd with small pools, subscribers, runs of levyload."""
import argparse
import os
import random
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

from levyd import Levyd, LevydError, find_program, merge  # noqa: E402
from book import Book, Page  # noqa: E402
from checker import Checker  # noqa: E402
from ledger import Fault, Ledger  # noqa: E402

IMSI_FIRST = 1010000000000
E164_FIRST = 4915000000000
LOAD_TIMEOUT_S = 60
LOST = 3  # levyload's exit code for a connection that went away

# Tombstones: each restart leaves about a hundred sessions with 8 verdicts of 3 rating groups, for a
# minute; the pool of verdicts is sized from them.
OPTIONS = {
    "data": {"shards": 4, "segment_size": "1 MiB", "snapshot": {"every": "1 s"}},
    "sessions": {"duplicate_window": "1 min"},
    "capacity": {"accounts_max": 200, "identities_max": 800, "buckets_max": 400,
                 "sessions_max": 2000, "groups_max": 8000, "tombstones_max": 80000},
    "overload": {"slots": 512, "parking_max": 64, "ring": 128},
    "memory": {"huge_pages": "off"},
}


def arguments(text, **defaults):
    """--build, --seed and what the test adds; the seed is printed so that a run can be repeated."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--build", required=True, help="build directory")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31),
                        help="of every choice of the test and of its load; default: a new one")
    for name, value in defaults.items():
        parser.add_argument("--" + name, type=type(value), default=value)
    args = parser.parse_args()
    args.build = os.path.abspath(args.build)
    print("seed", args.seed, flush=True)
    return args


class Rig:
    """A levyd with `count` subscribers, every eighth of them poor, and the book over them."""

    def __init__(self, args, options=None, count=64, directory_options=None):
        self.build = args.build
        self.random = random.Random(args.seed)
        self.levyload = find_program(args.build, "levyload")
        merged = merge(OPTIONS, options or {})
        self.levyd = Levyd(args.build, plans=os.path.join(HERE, "crash_plan.yaml"), options=merged,
                           start=False)
        if directory_options is not None:
            self.levyd.configure(merge(self.levyd.options, directory_options(self.levyd)))
        self.imsis = [f"{IMSI_FIRST + i:015d}" for i in range(count)]
        self.epoch = int(time.time())
        self.book = Book({imsi: self.wallet(i) * 1_000_000 for i, imsi in enumerate(self.imsis)})
        self.checker = Checker(self.levyd, self.book)
        self.ledgers = 0

    @staticmethod
    def wallet(index):
        return 15 if index % 8 == 7 else 1_000_000

    def fill(self):
        """Makes the subscribers; levyd runs."""
        self.levyd.import_subscribers(
            [{"account": f"account-{i}", "imsi": imsi, "e164": f"{E164_FIRST + i:013d}",
              "plan": "crash", "wallet": str(self.wallet(i))} for i, imsi in enumerate(self.imsis)])

    # -- load -----------------------------------------------------------------------------------
    def new_ledger(self):
        self.ledgers += 1
        return os.path.join(self.levyd.directory, f"run-{self.ledgers}.ledger")

    def command(self, *extra):
        return [self.levyload, "--connect", f"127.0.0.1:{self.levyd.port}", "--quiet",
                *[str(e) for e in extra]]

    def load(self, ledger, *extra, duration=60, pace=("--window", 16), allow="4012",
             duplicates=5):
        """Starts a run of three rating groups with repeats; the caller ends it or lets it end."""
        self.epoch += 1  # a new life of the gateway: its Session-Ids and its Origin-State-Id
        return subprocess.Popen(
            self.command("--ledger", ledger, "--epoch", self.epoch, "--subscribers",
                         len(self.imsis), "--connections", 2, *pace, "--mscc", 3,
                         "--rating-groups", "1,2,3", "--mix", "1:60:1", "--duplicates", duplicates,
                         "--allow", allow, "--seed", self.random.randrange(1 << 31),
                         "--duration", duration, *extra),
            stderr=subprocess.PIPE, text=True)

    def wait_traffic(self, process, ledger, octets=20_000):
        """Until the ledger shows that answers arrive."""
        deadline = time.monotonic() + 30
        while not (os.path.exists(ledger) and os.path.getsize(ledger) > octets):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise Fault(f"no traffic: {process.communicate()[1]}")
            time.sleep(0.002)

    def end_load(self, process, expected=(0,)):
        """Waits for its end; a code that is not expected is a fault."""
        try:
            fault = process.communicate(timeout=LOAD_TIMEOUT_S)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            raise Fault("levyload did not end") from None
        if process.returncode not in expected:
            raise Fault(f"levyload ended with {process.returncode}: {fault}")
        return process.returncode

    def resume(self, ledger, expected=(0,), flag="both"):
        """Every request without an answer again, over new connections: with T, then without."""
        process = subprocess.Popen(
            self.command("--resume-unanswered", ledger, "--resume-flag", flag, "--window", 16,
                         "--allow", "4012"),
            stderr=subprocess.PIPE, text=True)
        return self.end_load(process, expected)

    def repeat_answered(self, ledger, count=100):
        """Repeats answered requests, one of the last 8 of each session: the verdict must stand."""
        latest = {}
        for request in ledger.answered():
            if request.answer.is_verdict():
                latest.setdefault(request.session, []).append(request)
        chosen = [self.random.choice(of_session[-8:]) for of_session in latest.values()]
        chosen = self.random.sample(chosen, min(count, len(chosen)))
        path = self.new_ledger()
        ledger.write_without_answers(path, chosen)
        self.resume(path)
        for request in Ledger.read(path).requests.values():
            first = ledger.requests[request.key()].answer
            if request.answer != first:
                raise Fault(f"{request}: answered {first}, after the restart {request.answer}")
        return len(chosen)

    def settle(self, ledger_path):
        """After a restart: check, repeat what has no answer, check again. Returns the Page's run."""
        page = Page(Ledger.read(ledger_path))
        known = self.checker.after_kill(page)
        self.resume(ledger_path)
        return self.settled(ledger_path, known), known

    def settled(self, ledger_path, known):
        ledger = Ledger.read(ledger_path)
        page = Page(ledger)
        self.checker.after_resume(page, known)
        return ledger, page


def run(test):
    """Runs a test's main; faults end with code 1 and no traceback of ours."""
    try:
        test()
    except (Fault, LevydError) as fault:
        print(f"FAULT: {fault}", file=sys.stderr)
        return 1
    return 0
