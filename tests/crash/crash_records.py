"""kill -9 under load, again and again: what do the charging records say?

The sum over the records is the movement of the balances, to the smallest unit; every answered
request is in them exactly once; no id is missing or doubled, in JSON lines and in CSV alike. Then
the records' disk is full: charging goes on, new sessions stop at records.backlog_max, and nothing
is lost when there is room again.
"""
import collections
import json
import os
import random
import re
import sys
import time

import rig
from book import micros
from ledger import Fault, Ledger

import records_files

OPTIONS = {"records": {"directory": "records", "formats": ["jsonl", "csv"],
                       "rotate_bytes": "256 KiB", "rotate_every": "2 s", "backlog_max": "64 MiB"}}
SCHEMA = os.path.join(rig.HERE, "..", "..", "engine", "feed", "record.schema.json")
SIGNS = {"credits": {"credit": 1, "expire": -1, "arrive": -1}, "spent": {"spend": 1},
         "written_off": {"write_off": 1}, "reserved": {"reserve": 1, "release": -1},
         "in_transit": {"send": 1, "arrive": -1, "come_back": -1}}
KINDS = {"initial": "I", "update": "U", "termination": "T"}


def exact(text):
    return micros(text) if "." in text else int(text)


def sums_of(movements):
    """(account, bucket) -> field -> sum."""
    sums = collections.defaultdict(collections.Counter)
    for account, bucket, kind, amount in movements:
        for field, signs in SIGNS.items():
            sums[account, bucket][field] += signs.get(kind, 0) * amount
    return {place: {field: value for field, value in fields.items() if value}
            for place, fields in sums.items()}


def of_records(records):
    return sums_of((r["account"], m["bucket"], m["kind"], exact(m["amount"]))
                   for r in records for m in r["movements"])


def of_rows(rows):
    moves = []
    for row in rows:
        for text in filter(None, row["movements"].split("|")):
            kind, bucket, _, _, amount = text.split(":")
            moves.append((row["account"], int(bucket), kind, exact(amount)))
    return sums_of(moves)


def check_schema(records, count=400):
    try:
        import jsonschema  # pylint: disable=import-outside-toplevel
    except ImportError:
        print("no jsonschema here: the lines are not held against the schema")
        return
    with open(SCHEMA, encoding="utf-8") as file:
        validator = jsonschema.Draft202012Validator(json.load(file))
    kinds = {(r["kind"], r.get("request_type"), r.get("change")): r for r in records}
    for record in list(kinds.values()) + random.sample(records, min(count, len(records))):
        for error in validator.iter_errors(record):
            raise Fault(f"{record}: {error.message}")


class Records:
    def __init__(self, args):
        self.args = args
        self.rig = rig.Rig(args, options=OPTIONS)
        self.levyd = self.rig.levyd
        self.directory = os.path.join(self.levyd.directory, "records")
        self.ledgers = []

    def metric(self, name):
        return int(float(re.search(rf"^levy_{name} (\S+)$", self.levyd.metrics(), re.M).group(1)))

    def caught_up(self, seconds=60):
        durable = self.metric("durable_lsn")
        deadline = time.monotonic() + seconds
        while self.metric("charging_records_lsn") < durable:
            if time.monotonic() > deadline:
                raise Fault(f"the feed does not follow:\n{self.levyd.log_end()}")
            time.sleep(0.02)

    def kill_under_load(self):
        path = self.rig.new_ledger()
        load = self.rig.load(path)
        self.rig.wait_traffic(load, path, octets=self.rig.random.choice((1, 2_000, 30_000)))
        time.sleep(self.rig.random.uniform(0, self.args.load))
        self.levyd.kill()
        self.rig.end_load(load, expected=(rig.LOST,))
        self.ledgers.append(path)

    def check_balances(self, records, rows):
        """Every bucket of every account against the sums of both formats."""
        json_sums, csv_sums = of_records(records), of_rows(rows)
        if json_sums != csv_sums:
            raise Fault("the CSV and the JSON lines have other sums")
        by_account = collections.defaultdict(collections.Counter)
        for (account, _), fields in json_sums.items():
            by_account[account].update(fields)
        for i, imsi in enumerate(self.rig.imsis):
            shown = collections.Counter()
            for bucket in self.levyd.subscriber("imsi:" + imsi)["buckets"]:
                read = micros if bucket.get("currency") else int
                shown.update({field: read(bucket[field]) for field in SIGNS})
            told = by_account[f"account-{i}"]
            for field in SIGNS:
                if shown[field] != told[field]:
                    raise Fault(f"account-{i}: {field} is {shown[field]}, the records sum up to "
                                f"{told[field]}")

    def check_requests(self, records):
        """Each answered request once, with what it used."""
        told = collections.defaultdict(list)
        for record in records:
            if "request_type" in record:
                key = (record["session_id"], KINDS[record["request_type"]],
                       record["request_number"])
                told[key].append(record)
        answered = 0
        for path in self.ledgers:
            for request in Ledger.read(path).answered():
                if not request.answer.is_verdict():
                    continue
                found = told[request.key()]
                if len(found) != 1:
                    raise Fault(f"{request}: {len(found)} records")
                used = {group["rating_group"]: group["used"] for group in found[0]["mscc"]}
                if any(used[group] != octets for group, octets in request.used.items()):
                    raise Fault(f"{request}: used {request.used}, the record says {used}")
                answered += 1
        return answered

    def check(self):
        self.caught_up()
        records = records_files.records(self.directory)
        rows = records_files.rows(self.directory)
        if [r["lsn"] for r in records] != list(dict.fromkeys(int(r["lsn"]) for r in rows)):
            raise Fault("the CSV and the JSON lines have other Records")
        self.check_balances(records, rows)
        answered = self.check_requests(records)
        check_schema(records)
        return len(records), len(rows), answered

    # The directory becomes a file that nothing can be made in: rotation fails at once, as on a
    # full disk. (crash_disk.py has real ones; here it is the feed's own failure that counts.)
    def full_disk(self):
        aside = self.directory + ".aside"
        os.rename(self.directory, aside)
        with open(self.directory, "w", encoding="utf-8"):
            pass
        try:
            path = self.rig.new_ledger()
            load = self.rig.load(path, allow="4012,3004,5012", duration=300)
            deadline = time.monotonic() + 240
            while self.metric("charging_records_stop_sessions") == 0:
                if time.monotonic() > deadline or load.poll() is not None:
                    raise Fault(f"new sessions were never stopped:\n{self.levyd.log_end()}")
                time.sleep(0.1)
            load.terminate()
            load.communicate()
        finally:
            os.remove(self.directory)
            os.rename(aside, self.directory)
        deadline = time.monotonic() + 60
        while self.metric("charging_records_stop_sessions") != 0:
            if time.monotonic() > deadline:
                raise Fault(f"new sessions stay stopped:\n{self.levyd.log_end()}")
            time.sleep(0.1)
        for words in ("half full", "new sessions stop", "new sessions are taken again"):
            with open(self.levyd.log_path, encoding="utf-8") as log:
                if words not in log.read():
                    raise Fault(f"the log does not say: {words}")

    def run(self):
        started = time.monotonic()
        with self.levyd:
            self.levyd.start()
            self.rig.fill()
            for restart in range(self.args.restarts):
                self.kill_under_load()
                self.levyd.start()
                if restart % 5 == 4:
                    self.check()
            counts = self.check()
            self.full_disk()
            self.check()
            self.levyd.stop()
            parts = [name for name in os.listdir(self.directory) if name.endswith(".part")]
            if len(parts) != 2:
                raise Fault(f"files being written after the stop: {parts}")
            self.levyd.start()
            self.check()
        print(f"{self.args.restarts} kills in {time.monotonic() - started:.0f} s: {counts[0]} "
              f"records, {counts[1]} rows, {counts[2]} answered requests found in them")


def main():
    Records(rig.arguments(__doc__, restarts=20, load=0.5)).run()


if __name__ == "__main__":
    sys.exit(rig.run(main))
