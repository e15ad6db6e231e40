"""Runs one group of the admin tests: admin_test.py GROUP --build DIR."""
import argparse
import importlib
import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
from operator_world import World  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("group")
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", help="one test of the group")
    arguments = parser.parse_args()
    group = importlib.import_module("group_" + arguments.group)
    tests = [(name, test) for name, test in vars(group).items()
             if name.startswith("test_") and arguments.only in (None, name)]
    assert tests, "no such test"
    failed = []
    with World(arguments.build) as world:
        for name, test in tests:
            try:
                test(world)
                print(f"ok {name}", flush=True)
            except Exception:  # one failure must not hide the next
                traceback.print_exc()
                failed.append(name)
        if failed:
            print(world.levyd.log_end(), file=sys.stderr)
    for name in failed:
        print(f"FAILED {name}: python3 {__file__} {arguments.group} --build {arguments.build} "
              f"--only {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
