"""tools/dev bench: ns per CCR-U by stage, then levyload against levyd beside a bare echo, in turn.

A levyd of its own (one core, spinning) on example plans, once `synced` and once `relaxed`; the floor
(levy_echo) alternates with it in the same run, so that the ratios hold when the machine drifts.
Results: perf/results/levyd-<durability>.json.
usage: bench.py BUILD [--subscribers N] [--full]
"""
import argparse
import os
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from levyd import Levyd, find_program  # noqa: E402


def options(count, durability, core):
    return {
        "data": {"durability": durability, "segment_size": "256 MiB", "shards": 64},
        "capacity": {"accounts_max": count, "identities_max": 2 * count,
                     "buckets_max": 2 * count, "sessions_max": count, "groups_max": 3 * count,
                     "tombstones_max": 2_000_000},
        "sessions": {"duplicate_window": "1 min"},
        "placement": {"mode": "one_core", "edge_core": core, "idle": "yield"},
        "overload": {"slots": 4096, "ring": 1024, "parking_max": 1024, "batch": 64},
    }


def write_subscribers(path, count):
    with open(path, "w", encoding="ascii") as file:
        file.write("account,imsi,e164,plan,wallet\n")
        for i in range(count):
            file.write(f"a{i},{1010000000000 + i:015d},{4915000000000 + i},data-a,1000000.00\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build")
    parser.add_argument("--subscribers", type=int, default=100_000)
    parser.add_argument("--full", action="store_true", help="five rounds of five seconds")
    args = parser.parse_args()
    for bench in ("codec_bench", "rating_bench", "shard_bench"):
        print(f"\n== {bench}", flush=True)
        subprocess.run([find_program(args.build, bench), "--benchmark_min_time=0.1"], check=True,
                       stderr=subprocess.DEVNULL)
    core = os.cpu_count() - 1
    for durability in ("synced", "relaxed"):
        print(f"\n== levyd, {durability}, beside the echo of the same run", flush=True)
        plans = os.path.join(ROOT, "config", "examples", "plans")
        with Levyd(args.build, plans=plans,
                   options=options(args.subscribers, durability, core)) as levyd:
            path = os.path.join(levyd.directory, "subscribers.csv")
            write_subscribers(path, args.subscribers)
            print(levyd.ctl("subscriber", "import", path).rstrip(), flush=True)
            command = [sys.executable, os.path.join(ROOT, "perf", "run_bench.py"),
                       "--build", args.build, "--name", f"levyd-{durability}", "--no-micro",
                       "--subscribers", str(args.subscribers), "--load-core", "0",
                       "--server-core", str(core), "--rate", "40000", "--allow", "3004",
                       "--target",
                       f"levyd=127.0.0.1:{levyd.port}"]
            subprocess.run(command + ([] if args.full else ["--quick"]), check=True)


if __name__ == "__main__":
    main()
