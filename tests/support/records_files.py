"""The files of charging records (engine/feed/README.md), read as a mediation system would.

    records("…/records")  # every record of the .jsonl files in order; a fault is a FaultyRecords
    rows("…/records")     # every row of the .csv files, as dicts
"""
import csv
import glob
import json
import os


class FaultyRecords(Exception):
    """The files break what engine/feed/README.md promises."""


def _files(directory, suffix):
    """In the order of their first LSN; only the last one may be under way."""
    paths = sorted(glob.glob(os.path.join(directory, "*" + suffix)) +
                   glob.glob(os.path.join(directory, "*" + suffix + ".part")))
    for path in paths[:-1]:
        if path.endswith(".part"):
            raise FaultyRecords(f"{path} is not the newest file and not closed")
    return paths


def _first_lsn(path):
    return int(os.path.basename(path).split(".")[0].rsplit("-", 1)[1])


def _lines(path):
    """Whole lines; a newest file may end in the middle of one, being written."""
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    whole, _, rest = text.rpartition("\n")
    if rest and not path.endswith(".part"):
        raise FaultyRecords(f"{path} is closed and ends in the middle of a line")
    return whole.split("\n") if whole else []


def _ordered(parts, suffix):
    """The rule of ids: ascending by (LSN, index), each once, none below its file's name."""
    last, sequences = (0, -1), {}
    for path, part in parts:
        shard, sequence, index = (int(number) for number in part["id"].split("-"))
        place = int(part["lsn"]), index
        if place <= last or place[0] < _first_lsn(path):
            raise FaultyRecords(f"{path}: {part['id']} at LSN {place[0]} after {last} ({suffix})")
        if sequence < sequences.get(shard, 0) or \
                (sequence == sequences.get(shard) and place[0] != last[0]):
            raise FaultyRecords(f"{path}: {part['id']} after sequence {sequences[shard]}")
        last, sequences[shard] = place, sequence


def _read(directory, suffix):
    """(path, lines) of every file; anew where one was closed, and so renamed, meanwhile."""
    while True:
        try:
            return [(path, _lines(path)) for path in _files(directory, suffix)]
        except FileNotFoundError:
            pass


def records(directory):
    parts = [(path, json.loads(line)) for path, lines in _read(directory, ".jsonl")
             for line in lines]
    _ordered(parts, "jsonl")
    return [record for _, record in parts]


def rows(directory):
    parts = []
    for path, lines in _read(directory, ".csv"):
        parts += [(path, row) for row in csv.DictReader(lines)]
    _ordered(parts, "csv")
    return [row for _, row in parts]
