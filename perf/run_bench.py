#!/usr/bin/env python3
"""Runs the benchmarks: micro benchmarks, then levyload against levy_echo and levyd in turn.

Floor and Levy alternate (A B A B ...) in one run, ratios are taken pair by pair, and the noise of
the machine is written down. Method: perf/README.md. Everything lands in perf/results/<name>.json.
Ends only the processes that it started.

Examples:
  perf/run_bench.py --build build/release --name floor --quick
  perf/run_bench.py --build build/release --name durable --config /tmp/levyd.yaml \\
      --connect 127.0.0.1:3868 --socket /tmp/levyd.sock --import /tmp/subscribers.csv
  perf/run_bench.py --build build/release --name peers --target freediameter=127.0.0.1:3870
"""
import argparse
import atexit
import datetime
import json
import os
import pathlib
import platform
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PERF = pathlib.Path(__file__).resolve().parent
MEASURES = (("answers_per_s", lambda r: r["answers_per_s"]),
            ("p50_us", lambda r: r["latency"]["p50_us"]),
            ("p99_us", lambda r: r["latency"]["p99_us"]),
            ("p99.9_us", lambda r: r["latency"]["p99.9_us"]))
MICRO = ("codec_bench", "rating_bench", "shard_bench")


def cases_of(args):
    """Name -> arguments of levyload. The canonical load of performance.md."""
    many = ["--subscribers", args.subscribers, "--close"]
    cases = {
        "one_in_flight": ["--connections", 1, "--window", 1, *many],
        "peak_4x128": ["--connections", 4, "--window", 128, *many],
        "peak_4x128_zipf": ["--connections", 4, "--window", 128, "--distribution", "zipf:0.99",
                            *many],
        "curve_64x8_8_gateways": ["--connections", 64, "--gateways", 8, "--window", 8, *many],
        "peak_3_mscc": ["--connections", 4, "--window", 128, "--mscc", 3, *many],
        "open_loop": ["--connections", 4, "--rate", args.rate, *many],
    }
    wanted = args.cases.split(",") if args.cases else list(cases)
    unknown = [name for name in wanted if name not in cases]
    if unknown:
        sys.exit(f"run_bench: --cases: unknown {unknown}; there are {list(cases)}")
    return {name: [str(a) for a in cases[name]] for name in wanted}


def find_program(build, name):
    found = sorted(p for p in pathlib.Path(build).rglob(name)
                   if p.is_file() and os.access(p, os.X_OK))
    return found[0] if found else None


class Server:
    """A process of ours that is ended at exit."""

    def __init__(self, command, **kw):
        self.process = subprocess.Popen([str(c) for c in command], text=True, **kw)
        atexit.register(self.end)

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=10)

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1]
        utime, stime = fields.split()[11:13]
        return (int(utime) + int(stime)) / os.sysconf("SC_CLK_TCK")


def start_echo(program, core):
    server = Server([program, "--listen", "127.0.0.1:0", "--mode", "fixed-cca", "--core", core],
                    stdout=subprocess.PIPE)
    port = server.process.stdout.readline().split()[1]
    return server, f"127.0.0.1:{port}"


def start_levyd(args):
    levyd = find_program(args.build, "levyd")
    if levyd is None:
        sys.exit(f"run_bench: --config given, but there is no levyd in {args.build}")
    server = Server([levyd, "--config", args.config])
    host, port = args.connect.rsplit(":", 1)
    deadline = time.monotonic() + args.start_timeout
    while True:
        if server.process.poll() is not None:
            sys.exit(f"run_bench: levyd ended with {server.process.returncode}")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
            break
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"run_bench: levyd does not listen on {args.connect}")
            time.sleep(0.1)
    if args.import_file:
        levyctl = find_program(args.build, "levyctl")
        if levyctl is None:
            sys.exit("run_bench: --import needs levyctl")
        started = time.monotonic()
        subprocess.run([levyctl, "--socket", args.socket, "subscriber", "import", args.import_file], check=True)
        print(f"import: {time.monotonic() - started:.1f} s")
    return server


def proc_stat():
    fields = [int(x) for x in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    tick = os.sysconf("SC_CLK_TCK")
    idle = fields[3] + fields[4]
    return {"busy_s": (sum(fields[:7]) - idle) / tick, "steal_s": fields[7] / tick}


def children_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(levyload, address, case, args, server, round_number):
    """One run of levyload; its JSON without the buckets, plus the noise around it."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [str(levyload), "--connect", address, "--core", str(args.load_core), "--quiet",
                   "--duration", str(args.seconds), "--warmup", str(args.warmup),
                   "--seed", str(round_number + 1), "--json", out.name, *case]
        if args.allow:
            command += ["--allow", args.allow]
        before, own = proc_stat(), children_cpu() + (server.cpu_seconds() if server else 0)
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"run_bench: exit code {done.returncode}: {' '.join(command)}\n{done.stderr}")
        wall = time.monotonic() - started
        after, own_after = proc_stat(), children_cpu() + (server.cpu_seconds() if server else 0)
        result = json.load(open(out.name))
    result["noise"] = {
        "wall_s": wall,
        "steal_s": after["steal_s"] - before["steal_s"],
        # CPU that neither levyload nor the server (when it is ours) used.
        "foreign_cpu_s": max(0.0, after["busy_s"] - before["busy_s"] - (own_after - own)),
        "load_average": os.getloadavg()[0],
    }
    return result


def spread(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def compare(floor, other):
    """Ratios other/floor, pair by pair."""
    return {name: spread([get(b) / get(a) for a, b in zip(floor, other) if get(a) > 0])
            for name, get in MEASURES}


def show(case, runs, ratios):
    print(f"\n{case}", flush=True)
    for target, results in runs.items():
        cells = []
        for name, get in MEASURES:
            s = spread([get(r) for r in results])
            cells.append(f"{name} {s['median']:.1f} [{s['min']:.1f} .. {s['max']:.1f}]")
        print(f"  {target:<12} " + "  ".join(cells))
    for target, ratio in ratios.items():
        cells = [f"{name} x{s['median']:.3f} [{s['min']:.3f} .. {s['max']:.3f}]"
                 for name, s in ratio.items()]
        print(f"  {target}/echo  " + "  ".join(cells))
    noise = [r["noise"] for results in runs.values() for r in results]
    steal = sum(n["steal_s"] for n in noise) / sum(n["wall_s"] for n in noise) * 100
    foreign = sum(n["foreign_cpu_s"] for n in noise) / sum(n["wall_s"] for n in noise) * 100
    print(f"  noise: steal {steal:.1f} % of one core, foreign CPU {foreign:.1f} % of one core"
          + ("  << NOT A QUIET RUN" if foreign > 10 or steal > 5 else ""), flush=True)


def run_micro(args):
    results = {}
    for name in MICRO:
        program = find_program(args.build, name)
        if program is None:
            continue
        with tempfile.NamedTemporaryFile(suffix=".json") as out:
            subprocess.run([program, f"--benchmark_out={out.name}",
                            "--benchmark_out_format=json",
                            f"--benchmark_repetitions={3 if args.quick else 7}",
                            "--benchmark_report_aggregates_only=true"], check=True)
            results[name] = json.load(open(out.name))
    return results


def commit_of():
    done = subprocess.run(["git", "-C", str(PERF), "describe", "--always", "--dirty"],
                          capture_output=True, text=True)
    return done.stdout.strip() or "none"


def parse():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True, help="build directory")
    p.add_argument("--name", required=True, help="perf/results/NAME.json")
    p.add_argument("--results", default=PERF / "results", type=pathlib.Path)
    p.add_argument("--rounds", type=int, default=0, help="pairs; default 5, quick 3")
    p.add_argument("--seconds", type=float, default=0, help="of one run; default 5, quick 1")
    p.add_argument("--warmup", type=float, default=0.5)
    p.add_argument("--subscribers", type=int, default=0, help="default 10 M, quick 100,000")
    p.add_argument("--rate", type=float, default=100_000, help="of the open loop, per second")
    p.add_argument("--cases", default="", help="comma separated; default all")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--no-micro", action="store_true")
    p.add_argument("--load-core", type=int, default=min(1, os.cpu_count() - 1))
    p.add_argument("--server-core", type=int, default=0, help="of levy_echo")
    p.add_argument("--allow", default="", help="Result-Codes that are no error")
    p.add_argument("--config", help="levyd's configuration; without it no levyd is measured")
    p.add_argument("--connect", default="127.0.0.1:3868", help="where that levyd listens")
    p.add_argument("--socket", default="", help="its control socket, for --import")
    p.add_argument("--import", dest="import_file", default="", help="subscribers for levyctl subscriber import")
    p.add_argument("--start-timeout", type=float, default=120)
    p.add_argument("--target", action="append", default=[], metavar="NAME=HOST:PORT",
                   help="a server that runs already (a peer), measured in the same turn")
    args = p.parse_args()
    args.rounds = args.rounds or (3 if args.quick else 5)
    args.seconds = args.seconds or (1 if args.quick else 5)
    args.subscribers = args.subscribers or (100_000 if args.quick else 10_000_000)
    return args


def main():
    args = parse()
    # SIGTERM must end the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cases = cases_of(args)
    levyload, echo = (find_program(args.build, n) for n in ("levyload", "levy_echo"))
    if levyload is None or echo is None:
        sys.exit(f"run_bench: levyload and levy_echo are not built in {args.build}")
    out = {"name": args.name, "commit": commit_of(),
           "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
           "command": " ".join(sys.argv), "kernel": platform.release(), "cores": os.cpu_count(),
           "levyd_config": pathlib.Path(args.config).read_text() if args.config else None,
           "micro": {} if args.no_micro else run_micro(args), "cases": {}}
    targets = {name: (None, address) for name, address in (t.split("=", 1) for t in args.target)}
    if args.config:
        targets["levyd"] = (start_levyd(args), args.connect)
    for case, arguments in cases.items():
        runs = {"echo": [], **{name: [] for name in targets}}
        for round_number in range(args.rounds):
            # A spinning server takes its core from the others: the echo lives for its turn only.
            server, address = start_echo(echo, args.server_core)
            runs["echo"].append(measure(levyload, address, arguments, args, server, round_number))
            server.end()
            for name, (process, where) in targets.items():
                runs[name].append(measure(levyload, where, arguments, args, process, round_number))
        ratios = {name: compare(runs["echo"], runs[name]) for name in targets}
        show(case, runs, ratios)
        out["cases"][case] = {"ratios_to_echo": ratios, "runs": runs}
    args.results.mkdir(parents=True, exist_ok=True)
    file = args.results / f"{args.name}.json"
    file.write_text(json.dumps(out, indent=1) + "\n")
    print(f"\nwritten: {file}")


if __name__ == "__main__":
    main()
