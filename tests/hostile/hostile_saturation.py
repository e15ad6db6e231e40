"""A levyd under as much load as fits: watchdogs and a good gateway beside it are answered.

Magma closes a connection whose DWA takes longer than a second (interop.md c.2): the bounds here are
for machines whose cores are busy with other things, so they tell a DWA that waits behind the load
(until its end, at worst) from one that does not, and are no measurement.
"""
import json
import os
import subprocess
import time

import scene as scenes
import wire
from levyd import LevydError, find_program

SUBSCRIBERS = 1000
LOAD_S = 6
DWA_MOSTLY_S = 2.0   # nine of ten
DWA_AT_LAST_S = 30.0


def run(build):
    # Small queues: the load must meet their ends, parking and all.
    options = {"overload": {"slots": 256, "ring": 64, "parking_max": 64},
               "capacity": {"accounts_max": 4000, "sessions_max": 40000, "groups_max": 80000,
                            "tombstones_max": 80000, "identities_max": 8000, "buckets_max": 8000}}
    with scenes.Scene(build, options) as scene:
        scene.levyd.import_subscribers(
            [{"account": f"load-{n}", "imsi": f"{1010000100000 + n:015d}", "plan": "data-a",
              "wallet": "100000.00"} for n in range(SUBSCRIBERS)])
        result = os.path.join(scene.levyd.directory, "load.json")
        load = subprocess.Popen(
            [find_program(build, "levyload"), "--connect", f"127.0.0.1:{scene.levyd.port}",
             "--connections", "16", "--gateways", "4", "--window", "256",
             "--subscribers", str(SUBSCRIBERS),
             "--imsi-first", "001010000100000", "--msisdn-first", "none", "--rsu", "1500000",
             "--origin-suffix", "test", "--allow", "3004", "--duration", str(LOAD_S), "--quiet",
             "--tolerate-errors", "--json", result])
        scene.overloaded = True  # 3004 is an answer now: a gateway asks again
        try:
            waits = watch(scene, load)
            code = load.wait(timeout=120)
        finally:
            if load.poll() is None:
                load.kill()
                load.wait()
        with open(result, encoding="utf-8") as file:
            told = json.load(file)
        print(f"  {len(waits)} watchdogs beside the load, the slowest {max(waits):.3f} s; the good "
              f"gateway was sent away {scene.sent_away} times; load: {told['sent']}")
        scene.expect(code == 0, f"levyload ended with code {code}")
        scene.expect(len(waits) >= 5, f"only {len(waits)} watchdogs beside the load")
        late = [each for each in waits if each > DWA_MOSTLY_S]
        scene.expect(len(late) <= max(1, len(waits) // 10), f"DWAs took {late} s")
        scene.expect(max(waits) <= DWA_AT_LAST_S, f"a DWA took {max(waits):.3f} s")


def watch(scene, load):
    """Seconds that each DWA took while the load ran."""
    waits = []
    with scene.peer("watch.hostile") as peer:
        deadline = time.monotonic() + LOAD_S + 120
        while load.poll() is None:
            if time.monotonic() > deadline:
                raise LevydError("the load does not end")
            started = time.monotonic()
            scene.expect_answer("DWR", peer.exchange(wire.watchdog(peer.host), 60), 2001)
            waits.append(time.monotonic() - started)
            scene.tick()
            time.sleep(0.05)
    return waits
