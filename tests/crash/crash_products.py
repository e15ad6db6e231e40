#!/usr/bin/env python3
"""Purchases and ends of products under kill -9: each is done once for its request key.

One operator buys an add-on and ends it, over and over, each with a key of its own; levyd is killed
at any moment; after the start the operator asks again, under the same key, for what it was not told.
In the end the account has paid for every purchase once and holds none.

    crash_products.py --build build/release [--kills 25] [--seed 1]
"""
import argparse
import http.client
import os
import random
import sys
import threading
import time
from decimal import Decimal

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from levyd import Levyd, LevydError  # noqa: E402

PLANS = """
plan: base
currency: EUR
services:
  - {service: use, rating_groups: [any], unit: octets, price: 1 EUR per 1000000 octets}
---
plan: pass
kind: addon
currency: EUR
fees:
  - {fee: pass, amount: 0.25 EUR}
  - {fee: hourly, amount: 0.05 EUR, every: hour}
unpaid_fee: refuse
"""
MONEY, PRICE = Decimal(100000), Decimal("0.30")


class Operator:
    """Each step is a purchase, or the end of the product that the last one bought."""

    def __init__(self, levyd):
        self.levyd = levyd
        self.done = 0
        self.stopped = False

    def step(self):
        body = {"product": "pass", "key": f"step {self.done}"}
        action = "end" if self.done % 2 else "buy"
        self.levyd.api("POST", f"/v1/subscribers/account:one/{action}", body)
        self.done += 1

    def run(self):
        while not self.stopped:
            try:
                self.step()
            except (OSError, http.client.HTTPException):  # it was killed: the step is asked again by its key
                return
            except LevydError as refused:
                raise SystemExit(f"step {self.done}: {refused}") from refused

    def check(self):
        """What the steps that were confirmed cost; one more may have been done."""
        shown = self.levyd.subscriber("account:one")
        wallet, = shown["buckets"]
        bought = (self.done + 1) // 2
        held = len(shown["products"])
        spent = Decimal(wallet["spent"])
        if spent != bought * PRICE or Decimal(wallet["free"]) != MONEY - spent:
            raise SystemExit(f"{self.done} steps: {spent} is spent instead of {bought * PRICE}")
        if held != self.done % 2:
            raise SystemExit(f"{self.done} steps: {held} products are held")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with Levyd(options.build, start=False) as levyd:
        path = os.path.join(levyd.directory, "products.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(PLANS)
        levyd.configure(levyd.defaults(path))
        levyd.start()
        levyd.import_subscribers([{"account": "one", "imsi": "001010000000001", "plan": "base",
                                   "wallet": str(MONEY)}])
        operator = Operator(levyd)
        for _ in range(options.kills):
            thread = threading.Thread(target=operator.run)
            thread.start()
            time.sleep(chance.uniform(0.02, 0.3))
            levyd.kill()
            thread.join()
            levyd.start()
            operator.step()  # what was under way, under its key
            operator.check()
        print(f"{options.kills} kills, {operator.done} steps, each done once")


if __name__ == "__main__":
    main()
