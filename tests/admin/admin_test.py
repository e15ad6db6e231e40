"""Runs one group of the admin tests: admin_test.py GROUP --build DIR."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
from group_runner import run_group  # noqa: E402
from operator_world import World  # noqa: E402

if __name__ == "__main__":
    sys.exit(run_group(__doc__, __file__, World, lasting=True))
