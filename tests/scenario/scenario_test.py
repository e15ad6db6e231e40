"""The charging vectors (vectors.md is the table), replayed against a levyd over TCP.

usage: scenario_test.py a|b|c|d|e|f|beside|grants|conditions|procedures|push|restart|lost|offers|window|
           conservation|self_test --build DIR [--only NAME]

A group is the module group_<name>.py; its scenarios are the functions marked @scenario. All of a
group share one levyd, for accounts are independent; those marked `alone` start their own.
"""
import argparse
import importlib
import os
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from registry import SCENARIOS  # noqa: E402
from replay import World  # noqa: E402

GROUPS = ("a", "b", "c", "d", "e", "f", "beside", "grants", "conditions", "procedures",
          "push", "restart", "lost", "products", "offers", "window", "conservation", "records_sum", "self_test")


def run(scenario, stage):
    started = time.monotonic()
    try:
        scenario.function(stage)
    except Exception:  # noqa: BLE001: one scenario's fault is not the end of the others
        print(f"FAILED {scenario.name} (covers {', '.join(scenario.covers) or 'no vector'})")
        traceback.print_exc(file=sys.stdout)
        return False
    print(f"ok     {scenario.name}  {time.monotonic() - started:.2f} s")
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("group", choices=GROUPS)
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", help="one scenario by its name")
    options = parser.parse_args()
    importlib.import_module("group_" + options.group)
    chosen = [scenario for scenario in SCENARIOS if options.only in (None, scenario.name)
              and scenario.function.__module__ == "group_" + options.group]
    if not chosen:
        sys.exit(f"no scenario {options.only} in group {options.group}")
    failed = [scenario.name for scenario in chosen
              if scenario.alone and not run(scenario, options.build)]
    shared = [scenario for scenario in chosen if not scenario.alone]
    if shared:
        with World(options.build) as world:
            failed += [scenario.name for scenario in shared if not run(scenario, world)]
    print(f"{len(chosen) - len(failed)} of {len(chosen)} scenarios hold", flush=True)
    if failed:
        print("repeat one: " + " ".join([sys.executable, os.path.abspath(__file__), options.group,
                                         "--build", options.build, "--only", failed[0]]))
        sys.exit(1)


if __name__ == "__main__":
    main()
