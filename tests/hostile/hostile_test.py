"""Hostile input against a running levyd, over raw sockets.

usage: hostile_test.py PART --build DIR [--seed N]      PART: a module of this folder that has run()
"""
import argparse
import importlib
import os
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
PARTS = ("bytes", "avps", "capabilities", "peers", "restarts", "answers", "streams",
         "crowd", "saturation", "fuzz")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--build", required=True)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    started = time.monotonic()
    part = importlib.import_module(f"hostile_{options.part}")
    if options.seed is None:
        part.run(options.build)
    else:
        part.run(options.build, options.seed)
    print(f"hostile {options.part}: levyd stood it, {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
