#!/usr/bin/env python3
"""levyload against levy_echo: closed and open loop, echo of bytes, a killed server and its ledger.

Loopback, ephemeral ports, bounded; ends only the processes that it started.
"""
import argparse
import atexit
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time


class Echo:
    def __init__(self, program, mode="fixed-cca", listen="127.0.0.1:0"):
        self.process = subprocess.Popen([program, "--listen", listen, "--mode", mode],
                                        stdout=subprocess.PIPE, text=True)
        atexit.register(self.end)  # a failed check must not leave a spinning server behind
        self.port = int(self.process.stdout.readline().split()[1])

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=10)

    def kill(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=10)


def check(condition, what):
    if not condition:
        sys.exit(f"load_smoke: {what}")


def run(program, port, *extra, host="127.0.0.1"):
    command = [program, "--connect", f"{host}:{port}", *map(str, extra)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done, " ".join(command)


def run_json(program, port, folder, *extra, exit_code=0, **kw):
    file = pathlib.Path(folder) / "out.json"
    done, command = run(program, port, "--json", file, *extra, **kw)
    check(done.returncode == exit_code,
          f"exit code {done.returncode}, not {exit_code}: {command}\n{done.stdout}{done.stderr}")
    return json.loads(file.read_text())


def closed_and_open(args, folder):
    echo = Echo(args.echo)
    small = ["--subscribers", 2000, "--requests", 20000, "--seed", 7]
    closed = run_json(args.levyload, echo.port, folder, *small, "--close", "--duplicates", 3)
    sent = sum(closed["sent"].values())  # repeats that waited at the end come on top
    check(20000 <= sent <= 20100, f"sent {closed['sent']}")
    check(closed["latency"]["samples"] == sent, f"samples {closed['latency']['samples']}")
    check(closed["unexpected_sum"] == 0 and not closed["lost"], "unexpected answers")
    check(closed["repeats_sent"] > 300, f"repeats {closed['repeats_sent']}")
    check(closed["message_bytes"]["U"] == 732, f"CCR-U of {closed['message_bytes']['U']}")
    check(closed["sent_whole_run"]["I"] == closed["answered_whole_run"]["I"], "CCR-I without CCA")
    latency = closed["latency"]
    order = [latency[k] for k in ("p50_us", "p90_us", "p99_us", "p99.9_us", "p99.99_us", "max_us")]
    check(order == sorted(order) and order[0] > 0, f"percentiles {order}")
    check(sum(n for _, n in latency["buckets_upper_ns_count"]) == sent, "histogram's sum")
    for key in ("commit", "compiler", "command_line", "machine", "options"):
        check(closed[key], f"no {key} in the JSON")

    opened = run_json(args.levyload, echo.port, folder, *small, "--rate", 20000,
                      "--arrivals", "poisson", "--distribution", "zipf:0.99")
    check(opened["options"]["loop"] == "open", "not an open loop")
    check(0.8 < opened["measured_s"] < 3.0, f"20,000 at 20,000/s took {opened['measured_s']} s")
    check(opened["latency"]["p50_us"] >= opened["service"]["p50_us"], "intended after sending")

    many = run_json(args.levyload, echo.port, folder, *small, "--connections", 16, "--gateways", 4,
                    "--window", 8, "--mscc", 3, "--rsu", "empty", "--mix", "I:U:T=1:0:1")
    check(many["sent"]["U"] == 0 and many["mscc_granted"] > 0, f"mix {many['sent']}")
    # One server, many clients: it must have outlived them all.
    check(echo.process.poll() is None, "levy_echo ended")
    echo.kill()


def echo_of_bytes(args, folder):
    echo = Echo(args.echo, mode="bytes", listen="[::1]:0")
    out = run_json(args.levyload, echo.port, folder, "--peer", "echo", "--subscribers", 100,
                   "--requests", 2000, "--window", 4, host="[::1]")
    check(out["latency"]["samples"] == 2000, "samples of the byte echo")
    # A byte echo is no Diameter server: without --peer echo there is no CEA.
    done, _ = run(args.levyload, echo.port, "--connect-timeout", 2, host="[::1]")
    check(done.returncode == 2 and "CEA" in done.stderr, f"a byte echo passed: {done.stderr}")
    echo.kill()


def killed_server(args, folder):
    ledger = pathlib.Path(folder) / "run.ledger"
    echo = Echo(args.echo)
    load = subprocess.Popen([args.levyload, "--connect", f"127.0.0.1:{echo.port}", "--quiet",
                             "--subscribers", "5000", "--duration", "30", "--window", "64",
                             "--ledger", str(ledger), "--preopen", "0"], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (ledger.exists() and
                                               ledger.stat().st_size > 1_000_000):
        time.sleep(0.01)
    echo.kill(signal.SIGKILL)
    _, fault = load.communicate(timeout=20)
    check(load.returncode == 3, f"a lost connection gave {load.returncode}: {fault}")
    unanswered = find_unanswered(ledger)
    check(unanswered, "nothing was unanswered at the kill")
    again = Echo(args.echo, listen=f"127.0.0.1:{echo.port}")
    out = run_json(args.levyload, again.port, folder, "--resume-unanswered", ledger)
    check(out["resumed"] == len(unanswered), f"resumed {out['resumed']} of {len(unanswered)}")
    check(out["repeats_sent"] == 2 * len(unanswered), "each one with T and without")
    check(not find_unanswered(ledger), "the ledger still has unanswered requests")
    check("T" in kinds(ledger) and "R" in kinds(ledger), f"repeats in the ledger: {kinds(ledger)}")
    again.kill()


def find_unanswered(ledger):
    open_requests = set()
    for line in ledger.read_text().splitlines():
        field = line.split(" ")
        if field[0] == "S":
            open_requests.add(tuple(field[1:4]))
        elif field[0] == "A":
            open_requests.discard(tuple(field[1:4]))
    return open_requests


def kinds(ledger):
    return {line.split(" ")[8] for line in ledger.read_text().splitlines() if line[0] == "S"}


def refusals(args, folder):
    ledger = pathlib.Path(folder) / "run.ledger"
    for extra in (["--mix", "0:1:1"], ["--distribution", "zipf:x"], ["--gateways", "9"],
                  ["--message-bytes", "733"], ["--rating-groups", "1,1"], ["--imsi-first", "1"],
                  ["--rsu", "many"], ["--no-such-option"]):
        done, command = run(args.levyload, 1, *extra)
        check(done.returncode == 2, f"exit code {done.returncode}: {command}")
    check(ledger.exists(), "the crash test left no ledger")
    ledger.write_text("not a ledger\n")
    done, _ = run(args.levyload, 1, "--resume-unanswered", ledger)
    check(done.returncode == 2 and "head line" in done.stderr, f"read a broken ledger: {done}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--levyload", required=True)
    parser.add_argument("--echo", required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        closed_and_open(args, folder)
        echo_of_bytes(args, folder)
        killed_server(args, folder)
        refusals(args, folder)
    print("load_smoke: fine")


if __name__ == "__main__":
    main()
