"""A real levyd on the example plans: random sessions are explained, and replay to the same sums."""
import json
import os
import random

from command import EXAMPLES
from group_replay import micros, naive
from recorded import Recorded, make_random

SESSIONS = int(os.environ.get("LEVY_RECORDED_SESSIONS", "60"))


def test_random_sessions(files):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    with Recorded(files.build) as world:
        make_random(world, seed, SESSIONS)
        records = world.records()
        skew = ("--event-time-skew", "172800")
        code, out, err = files.run("replay", world.directory, "--plans", EXAMPLES, "--against",
                                   EXAMPLES, "--json", *skew)
        assert code == 0, (out, err)
        totals = json.loads(out)["totals"]["EUR"]
        assert totals["difference"] == "0.00" and totals["then"] == totals["now"], totals
        assert micros(totals["then"]) == naive(records)
        for account in sorted({record["account"] for record in records}):
            code, out, err = files.levyctl_run("explain", world.directory, "--account", account,
                                               "--plans", EXAMPLES, *skew)
            assert code == 0 and "***" not in out, (account, out, err)
