"""Runs one group of the plan tests: plan_test.py GROUP --build DIR."""
import argparse
import importlib
import os
import sys
import tempfile
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)
from command import Files  # noqa: E402


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
    for name, test in tests:
        with tempfile.TemporaryDirectory() as directory:
            try:
                test(Files(arguments.build, directory))
                print(f"ok {name}", flush=True)
            except Exception:  # one failure must not hide the next
                traceback.print_exc()
                failed.append(name)
    for name in failed:
        print(f"FAILED {name}: python3 {__file__} {arguments.group} --build {arguments.build} "
              f"--only {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
