"""Runs the functions test_* of one file group_<GROUP>.py: SUITE_test.py GROUP --build DIR."""
import argparse
import contextlib
import importlib
import sys
import traceback


def run_group(about, script, arrange, lasting=False):
    """Runs each test with what arrange(build) gives, a context manager: one for all tests of the
    group where it is `lasting`, else one for each. After a failure the lasting one's log_end() is
    printed. Returns the exit code."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("group")
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", help="one test of the group")
    arguments = parser.parse_args()
    group = importlib.import_module("group_" + arguments.group)
    tests = [(name, test) for name, test in vars(group).items()
             if name.startswith("test_") and arguments.only in (None, name)]
    assert tests, "no such test"
    failed = []
    with contextlib.ExitStack() as stack:
        world = stack.enter_context(arrange(arguments.build)) if lasting else None
        for name, test in tests:
            try:
                with contextlib.ExitStack() as one:
                    test(world if lasting else one.enter_context(arrange(arguments.build)))
                print(f"ok {name}", flush=True)
            except Exception:  # one failure must not hide the next
                traceback.print_exc()
                failed.append(name)
        if failed and lasting:
            print(world.log_end(), file=sys.stderr)
    for name in failed:
        print(f"FAILED {name}: python3 {script} {arguments.group} --build {arguments.build} "
              f"--only {name}", file=sys.stderr)
    return 1 if failed else 0
