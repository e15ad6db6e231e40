#!/usr/bin/env python3
"""Imports N subscribers into a levyd of its own, beside the floor of the same run.

Floor: read the same file, split every line at its commas, and write as many bytes to the same disk
with one sync. Both are taken in turn, round by round, and ratios are taken pair by pair: the floor
drifts with the machine as the import does. levyd runs in a temporary directory, which is removed.
Fails when a line was not taken, or when --seconds-max is given and the fastest round needs longer.

usage: import_bench.py BUILD [--lines N] [--rounds N] [--plans DIR] [--seconds-max S]
"""
import argparse
import json
import os
import statistics
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from levyd import Levyd, find_program  # noqa: E402


def options(lines):
    room = lines + lines // 20 + 10_000  # the Shards get theirs by chance, not evenly
    return {
        "data": {"segment_size": "64 MiB", "shards": 64, "snapshot": {"after": "256 MiB"}},
        "capacity": {"accounts_max": room, "identities_max": 2 * room, "buckets_max": 2 * room,
                     "sessions_max": 50_000, "groups_max": 100_000, "tombstones_max": 100_000},
        "placement": {"mode": "one_core", "idle": "sleep", "idle_sleep": "50 us"},
    }


def write_subscribers(path, lines):
    """The canonical import: account, two identities, plan, wallet and one bucket."""
    with open(path, "w", encoding="ascii") as file:
        file.write("account,imsi,e164,plan,wallet,buckets\n")
        for i in range(lines):
            file.write(f"a{i},00101{i:010d},49{i:010d},data-a,10.00,bonus-octets=300000000\n")


def floor_seconds(path, directory):
    started = time.monotonic()
    fields = 0
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        for line in file:
            fields += len(line.split(b","))
    assert fields % 6 == 0, fields
    block = b"\0" * (1 << 20)
    with tempfile.NamedTemporaryFile(dir=directory) as out:
        for at in range(0, size, len(block)):
            out.write(block[:size - at])
        out.flush()
        os.fsync(out.fileno())
    return time.monotonic() - started


def cpu_seconds(levyd):
    with open(f"/proc/{levyd.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def import_seconds(args, path):
    """Wall and CPU seconds of one import into an empty levyd."""
    with Levyd(args.build, plans=args.plans, options=options(args.lines)) as levyd:
        levyctl = find_program(args.build, "levyctl")
        before, started = cpu_seconds(levyd), time.monotonic()
        # Without a bound of time: ten million lines take what they take.
        with os.popen(f"'{levyctl}' --json --socket '{levyd.socket}' subscriber import '{path}'") as run:
            summary = json.load(run)
        wall, cpu = time.monotonic() - started, cpu_seconds(levyd) - before
    if summary["created"] != args.lines:
        sys.exit(f"import_bench: {summary['created']} of {args.lines} lines made an account: "
                 f"{summary['errors'][:3]}")
    return wall, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plans", default=os.path.join(ROOT, "config", "examples", "plans"))
    parser.add_argument("--seconds-max", type=float)
    args = parser.parse_args()
    walls, ratios = [], []
    with tempfile.TemporaryDirectory(prefix="levy-import-") as directory:
        path = os.path.join(directory, "subscribers.csv")
        write_subscribers(path, args.lines)
        for _ in range(args.rounds):
            floor = floor_seconds(path, directory)
            wall, cpu = import_seconds(args, path)
            walls.append(wall)
            ratios.append(wall / floor)
            print(f"{args.lines} lines: {wall:.2f} s, {args.lines / wall:,.0f} lines/s, levyd "
                  f"{cpu / args.lines * 1e6:.2f} us of CPU per line; floor {floor:.2f} s, "
                  f"ratio {wall / floor:.2f}; load {os.getloadavg()[0]:.1f}", flush=True)
    print(f"import/floor: {min(ratios):.2f} .. {statistics.median(ratios):.2f} .. "
          f"{max(ratios):.2f}; fastest {args.lines / min(walls):,.0f} lines/s")
    if args.seconds_max is not None and min(walls) > args.seconds_max:
        sys.exit(f"import_bench: {min(walls):.1f} s; at most {args.seconds_max:.1f} s are wanted")


if __name__ == "__main__":
    main()
