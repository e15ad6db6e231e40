"""Money between Shards while levyd is killed: the sum stands, nothing stays under way, and every
transfer, repeated with its key until it is answered, happened exactly once.

Transfers run side by side (levyctl and the admin API) between accounts of different Shards and of
the same one; SIGKILL comes at a random moment; after the restart no money may be in transit.
"""
import http.client
import json
import subprocess
import sys
import threading
import time

import rig
from book import micros
from levyd import LevydError, find_program
from ledger import Fault

ACCOUNTS = 12
WALLET = 1_000_000
CENT = 10_000


class Transfer:
    def __init__(self, key, source, sink, cents):
        self.key, self.source, self.sink, self.cents = key, source, sink, cents

    def body(self):
        return {"from": f"account-{self.source}", "to": f"account-{self.sink}",
                "amount": f"{self.cents / 100:.2f}", "currency": "EUR", "key": self.key}

    def by_api(self, levyd):
        """True: delivered. False: not known. A refusal is a fault."""
        octets = json.dumps(self.body()).encode()
        try:
            status, text = levyd._request("POST", "/v1/transfer", octets,
                                          {"Content-Type": "application/json"})
        except (OSError, http.client.HTTPException):
            return False
        return self.judge(status, text)

    def judge(self, status, text):
        if status in (202, 503) or '"busy"' in text:
            return False
        if status != 200:
            raise Fault(f"transfer {self.key}: {status} {text}")
        return True

    def by_levyctl(self, program, levyd):
        body = self.body()
        run = subprocess.run(
            [program, "--socket", levyd.socket, "--json", "balance", "transfer", body["from"], body["to"],
             body["amount"], "EUR", "--key", self.key],
            capture_output=True, text=True, check=False, timeout=60)
        if run.returncode == 3:  # no daemon, or it went away
            return False
        answer = run.stdout or run.stderr
        if run.returncode == 0:
            return json.loads(answer)["delivered"]
        return self.judge(422, answer)


class Transfers:
    def __init__(self, args):
        self.args = args
        self.rig = rig.Rig(args, count=ACCOUNTS)
        self.levyd = self.rig.levyd
        self.levyctl = find_program(args.build, "levyctl")
        self.balances = [WALLET * 1_000_000] * ACCOUNTS
        self.unknown, self.faults = [], []
        self.done = self.started = self.repeated = 0
        self.lock = threading.Lock()

    def next(self):
        with self.lock:
            source, sink = self.rig.random.sample(range(ACCOUNTS), 2)
            self.started += 1
            return Transfer(f"key-{self.started}", source, sink, self.rig.random.randrange(1, 500))

    def settle(self, transfer):
        with self.lock:
            self.done += 1
            self.balances[transfer.source] -= transfer.cents * CENT
            self.balances[transfer.sink] += transfer.cents * CENT

    def send(self, transfer, by_levyctl):
        delivered = (transfer.by_levyctl(self.levyctl, self.levyd) if by_levyctl
                     else transfer.by_api(self.levyd))
        if delivered:
            self.settle(transfer)
        return delivered

    def worker(self, by_levyctl, stop):
        """Transfers until the daemon is gone."""
        while not stop.is_set():
            transfer = self.next()
            try:
                if self.send(transfer, by_levyctl):
                    continue
            except (Fault, subprocess.TimeoutExpired, ValueError) as fault:
                self.faults.append(fault)
            with self.lock:
                self.unknown.append(transfer)

    def kill_while_busy(self):
        stop = threading.Event()
        workers = [threading.Thread(target=self.worker, args=(number == 0, stop))
                   for number in range(4)]
        for worker in workers:
            worker.start()
        time.sleep(self.rig.random.uniform(0.01, 0.15))
        stop.set()  # each worker ends with the transfer that it has under way
        self.levyd.kill()
        for worker in workers:
            worker.join()
        if self.faults:
            raise Fault(f"{self.faults[:3]}")

    def check_sums(self):
        """Nothing in transit after recovery; the sum is what was put in."""
        sums = self.levyd.api("GET", "/v1/audit")
        if not sums["holds"] or micros(sums["in_transit"]) != 0:
            raise Fault(f"after the recovery: {sums}")
        if micros(sums["credits"]) != ACCOUNTS * WALLET * 1_000_000:
            raise Fault(f"the sum is not conserved: {sums}")

    def repeat_unknown(self):
        """With the same key, some of them twice: each counts once."""
        for transfer in self.unknown:
            deadline = time.monotonic() + 10
            while not self.send(transfer, by_levyctl=False):
                if time.monotonic() > deadline:
                    raise Fault(f"{transfer.key}: not delivered within 10 s")
            if self.rig.random.random() < 0.5 and not transfer.by_api(self.levyd):
                raise Fault(f"{transfer.key}: its repeat is not delivered")
            self.repeated += 1
        self.unknown = []

    def check_balances(self):
        for number, balance in enumerate(self.balances):
            wallet = self.levyd.wallet(f"account:account-{number}")
            if micros(wallet["free"]) != balance or micros(wallet["in_transit"]) != 0:
                raise Fault(f"account-{number}: must have {balance}: {wallet}")

    def wait_no_mail(self):
        """Mail and marks are gone from every Shard (the gauge is counted now and then)."""
        deadline = time.monotonic() + 10
        while 'levy_pool_used{pool="mail"} 0' not in self.levyd.metrics():
            if time.monotonic() > deadline:
                raise Fault("mail is left in a Shard")
            time.sleep(0.1)

    def run(self):
        with self.levyd:
            self.levyd.start()
            self.levyd.import_subscribers(
                [{"account": f"account-{i}", "imsi": imsi, "plan": "crash", "wallet": str(WALLET)}
                 for i, imsi in enumerate(self.rig.imsis)])
            shards = {self.levyd.subscriber(f"account:account-{i}")["shard"]
                      for i in range(ACCOUNTS)}
            if len(shards) < 3:
                raise Fault(f"the accounts lie in Shards {shards} alone")
            for _ in range(self.args.restarts):
                self.kill_while_busy()
                self.levyd.start()
                self.check_sums()
                self.repeat_unknown()
                self.check_sums()
                self.check_balances()
            self.wait_no_mail()
        print(f"{self.args.restarts} restarts: {self.done} transfers over {len(shards)} Shards, "
              f"{self.repeated} of them repeated after a kill")
        if self.repeated == 0:
            raise Fault("no kill hit a transfer")


def main():
    args = rig.arguments(__doc__, restarts=40)
    try:
        Transfers(args).run()
    except LevydError as error:
        raise Fault(str(error)) from error


if __name__ == "__main__":
    sys.exit(rig.run(main))
