"""Runs one group of the plan tests: plan_test.py GROUP --build DIR."""
import contextlib
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
from command import Files  # noqa: E402
from group_runner import run_group  # noqa: E402


@contextlib.contextmanager
def files(build):
    with tempfile.TemporaryDirectory() as directory:
        yield Files(build, directory)


if __name__ == "__main__":
    sys.exit(run_group(__doc__, __file__, files))
