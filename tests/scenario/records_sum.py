"""What the charging records say, summed up as a mediation system would: from their files alone.

    sums = Sums()
    sums.read(directory, ".jsonl")     # or ".csv": the same sums, of rows
    sums.left()                        # what must be left, by the law of engine/feed/README.md

A file that breaks what the README promises raises FaultyRecords. All amounts are integers: micros
of money, units of the rest.
"""
import csv
import itertools
import json
import os
from typing import NamedTuple

from records_files import FaultyRecords

# free = credits - spent + written_off - reserved - in_transit
FIELDS = ("credits", "spent", "written_off", "reserved", "in_transit")
SIGNS = {"credit": (1, 0, 0, 0, 0), "expire": (-1, 0, 0, 0, 0), "spend": (0, 1, 0, 0, 0),
         "write_off": (0, 0, 1, 0, 0), "reserve": (0, 0, 0, 1, 0), "release": (0, 0, 0, -1, 0),
         "send": (0, 0, 0, 0, 1), "arrive": (-1, 0, 0, 0, -1), "come_back": (0, 0, 0, 0, -1)}


class Movement(NamedTuple):
    kind: str
    bucket: int
    bucket_kind: str
    unit: str     # EUR of money
    amount: int
    payer: str
    mscc: int     # -1: of no group


class Priced(NamedTuple):
    """A group of `mscc` or `lost`, or a product."""
    part: str
    unit: str
    by_buckets: int
    charged: int
    permille: int
    tax: int
    net: int
    rate: str


class Told(NamedTuple):
    """One Record, whichever format told of it."""
    shard: int
    sequence: int
    lsn: int
    kind: str
    account: str
    change: str
    request_type: str
    priced: tuple
    movements: tuple


def micros(text):
    if text[-7] != "." or not text.lstrip("-").replace(".", "").isdigit():
        raise FaultyRecords(f"an amount of money: {text}")
    return int(text[:-7] + text[-6:])


def amount(text, unit):
    return micros(text) if unit.isupper() else int(text)


# ---- JSON lines ----------------------------------------------------------------------------------
def of_group(part, group):
    return Priced(part, group["unit"], group["used_by_buckets"], micros(group["charged"]),
                  group["tax_permille"], micros(group["tax"]), micros(group["net"]),
                  group.get("rate_name", ""))


def of_product(product):
    return Priced("product", "", 0, micros(product["fee"]), product["tax_permille"],
                  micros(product["tax"]), micros(product["net"]), product["event"])


def of_movement(moved):
    unit = moved.get("currency") or moved["unit"]
    return Movement(moved["kind"], moved["bucket"], moved["bucket_kind"], unit,
                    amount(moved["amount"], unit), moved.get("payer", ""), moved.get("mscc", -1))


def of_line(line):
    record = json.loads(line)
    shard, sequence, index = record["id"].split("-")
    if index != "0":
        raise FaultyRecords(f"the index of a line of JSON: {record['id']}")
    priced = [of_group("mscc", group) for group in record["mscc"]]
    priced += [of_group("lost", group) for group in record.get("lost", ())]
    priced += [of_product(product) for product in record.get("products", ())]
    # In the order of the rows of CSV: by the group that caused them, those of none last.
    moved = sorted(map(of_movement, record["movements"]), key=lambda m: m.mscc % 256)
    return Told(int(shard), int(sequence), record["lsn"], record["kind"],
                record.get("account", ""), record.get("change", ""),
                record.get("request_type", ""), tuple(priced), tuple(moved))


def lines_told(lines):
    return map(of_line, lines)


# ---- rows of CSV ---------------------------------------------------------------------------------
def of_cell(cell, mscc):
    for text in cell.split("|") if cell else ():
        kind, bucket, bucket_kind, unit, told, *payer = text.split(":")
        yield Movement(kind, int(bucket), bucket_kind, unit, amount(told, unit),
                       payer[0] if payer else "", mscc)


def of_row(row):
    if row["part"] == "rest":
        return ()
    product = row["part"] == "product"
    return (Priced(row["part"], row["unit"], int(row["used_by_buckets"] or 0),
                   micros(row["charged"]), int(row["tax_permille"]), micros(row["tax"]),
                   micros(row["net"]), row["product_event"] if product else row["rate_name"]),)


def of_rows(rows):
    """The rows of one Record."""
    first = rows[0]
    shard, sequence, _ = first["id"].split("-")
    if [row["id"] for row in rows] != [f"{shard}-{sequence}-{i}" for i in range(len(rows))]:
        raise FaultyRecords(f"a row twice or missing: {[row['id'] for row in rows]}")
    priced, movements, group = (), (), 0
    for row in rows:
        priced += of_row(row)
        movements += tuple(of_cell(row["movements"], -1 if row["part"] == "rest" else group))
        group += row["part"] == "mscc"
    return Told(int(shard), int(sequence), int(first["lsn"]), first["kind"], first["account"],
                first["change"], first["request_type"], priced, movements)


def rows_told(lines):
    rows = []
    for row in csv.DictReader(lines):
        if None in row or None in row.values():
            raise FaultyRecords(f"not the columns of the heading: {row}")
        if rows and row["id"].rpartition("-")[0] != rows[0]["id"].rpartition("-")[0]:
            yield of_rows(rows)
            rows = []
        rows.append(row)
    if rows:
        yield of_rows(rows)


def lsn_of(line):
    """Of a line in either format; of one that is being written, that of no Record."""
    if not line.endswith(b"\n"):
        return EVERYTHING
    return int(line.split(b",", 2)[1].removeprefix(b'"lsn":'))


EVERYTHING = 2**64
READERS = {".jsonl": lines_told, ".csv": rows_told}


# ---- sums ----------------------------------------------------------------------------------------
class Sums:
    def __init__(self):
        self.buckets = {}       # (account, bucket kind, unit) -> (shard, bucket) -> sums as FIELDS
        self.sequences = {}     # shard -> the last one
        self.gaps = set()       # (shard, sequence) that no record has
        self.lsn = 0
        self.records = 0
        self.digest = 0         # of everything told, in its order
        self.charged = 0        # of groups and products
        self.asked_charged = 0  # of groups of requests: what Levy's own counter counts
        self.spent = 0          # money
        self.given = {}         # account -> what operators put into its wallet, or took
        self.seen = {}          # what happened -> how often
        self.done = {}          # file -> how far it was read

    def note(self, *words):
        for word in words:
            self.seen[word] = self.seen.get(word, 0) + 1

    def read(self, directory, suffix, upto=EVERYTHING):
        """What the files have, up to an LSN, that was not read yet."""
        names = sorted(name for name in os.listdir(directory)
                       if name.removesuffix(".part").endswith(suffix))
        if [name for name in names[:-1] if name.endswith(".part")]:
            raise FaultyRecords(f"not the newest file and not closed: {names}")
        try:
            for name in names:
                self.read_file(os.path.join(directory, name), suffix, upto)
        except FileNotFoundError:  # it was closed meanwhile, and so has another name
            self.read(directory, suffix, upto)

    def read_file(self, path, suffix, upto):
        """A closed file is the one that was under way by another name."""
        key = os.path.basename(path).removesuffix(".part")
        with open(path, "rb") as file:
            heading = [file.readline()] if suffix == ".csv" else []
            at = max(self.done.get(key, 0), file.tell())
            file.seek(at)
            lines = list(itertools.takewhile(lambda line: lsn_of(line) <= upto, file))
        if lines and not lines[-1].endswith(b"\n"):
            raise FaultyRecords(f"{path} ends in the middle of a line")
        self.done[key] = at + sum(map(len, lines))
        for told in READERS[suffix](line.decode() for line in heading + lines):
            self.take(told)

    def has_read(self, path):
        return self.done.get(os.path.basename(path)) == os.path.getsize(path)

    def take(self, told):
        self._take_id(told)
        charged = 0
        for part in told.priced:
            self._check_tax(part, told)
            charged += part.charged
            if part.part == "mscc":
                self.asked_charged += part.charged
            self.note(f"{part.part} {part.rate}")
        self.charged += charged
        spent, by_buckets = self._move(told)
        if charged != spent:
            raise FaultyRecords(f"{told}: {charged} were charged, {spent} were spent")
        for i, part in enumerate(told.priced):
            group = i if part.part == "mscc" else -1
            by_buckets[group] = by_buckets.get(group, 0) - part.by_buckets
        if any(by_buckets.values()):
            raise FaultyRecords(f"{told}: used by buckets and spent differ by {by_buckets}")
        self.spent += spent
        self.records += 1
        self.note(told.kind, f"change {told.change}")
        self.digest = hash((self.digest, told))

    def _take_id(self, told):
        last = self.sequences.get(told.shard, 0)
        if told.sequence <= last or told.lsn <= self.lsn:
            raise FaultyRecords(f"{told.shard}-{told.sequence} at LSN {told.lsn} comes after "
                                f"{last} and LSN {self.lsn}")
        self.gaps.update((told.shard, missing) for missing in range(last + 1, told.sequence))
        self.sequences[told.shard] = told.sequence
        self.lsn = told.lsn

    @staticmethod
    def _check_tax(part, told):
        size = abs(part.charged) * part.permille // (1000 + part.permille)
        if part.tax != (size if part.charged >= 0 else -size) or part.tax + part.net != part.charged:
            raise FaultyRecords(f"{told}: tax {part.tax} and net {part.net} of {part.charged}")

    def _move(self, told):
        """Money that was spent, and units by the group that they were spent for."""
        spent, by_buckets = 0, {}
        for kind, bucket, bucket_kind, unit, size, payer, mscc in told.movements:
            if size <= 0:
                raise FaultyRecords(f"{told}: an amount of {size}")
            place = (payer or told.account).partition("#")[0], bucket_kind, unit
            sums = self.buckets.setdefault(place, {}).setdefault((told.shard, bucket), [0] * 5)
            for i, sign in enumerate(SIGNS[kind]):
                sums[i] += sign * size
            if kind == "spend" and unit.isupper():
                spent += size
            elif kind == "spend":
                by_buckets[mscc] = by_buckets.get(mscc, 0) + size
            if told.change and bucket_kind == "wallet" and SIGNS[kind][0]:
                self.given[place[0]] = self.given.get(place[0], 0) + SIGNS[kind][0] * size
        return spent, by_buckets

    def left(self):
        """(account, bucket kind, unit) -> sorted (free, reserved, in_transit) of its buckets that
        are not empty: an ended bucket leaves nothing, and its slot may be another's."""
        left = {}
        for place, buckets in self.buckets.items():
            held = sorted((credits - spent + written_off - reserved - transit, reserved, transit)
                          for credits, spent, written_off, reserved, transit in buckets.values())
            left[place] = [one for one in held if any(one)]
        return {place: held for place, held in left.items() if held}

    def totals(self, place):
        """The sums of one account's buckets of a kind, as FIELDS."""
        return [sum(column) for column in zip(*self.buckets.get(place, {}).values())] or [0] * 5
