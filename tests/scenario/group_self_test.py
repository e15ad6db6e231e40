"""The suite judged: vectors.md says the truth, and a wrong answer does not pass."""
import glob
import importlib
import os
import re

import diameter
from registry import SCENARIOS, scenario
from replay import (HERE, TERMINATE, Mismatch, answered, avps, denied, expect_message, granted,
                    octets)

# The numbers of the charging vectors, group by group; a new vector is added here and in vectors.md.
VECTORS = (
    "01", "02", "03", "04", "06", "07", "08", "09", "11", "12", "14", "15", "20", "21", "22",
    "24", "25", "27", "29", "30", "33", "34", "35", "36", "37", "38", "39", "40", "44", "45",
    "46", "47", "48", "50", "54", "55", "57", "58", "63", "64", "65", "66", "67", "68", "69",
    "73", "75", "76", "78", "80", "81", "84", "85", "86", "87", "88", "89", "90", "91", "93",
    "94", "95", "97", "99", "101", "102", "104",
)
GROUPS = ("a", "b", "c", "d", "e", "f", "beside", "grants", "conditions", "procedures", "push",
          "restart", "lost", "products", "offers", "window", "conservation", "records_sum")
ROW = re.compile(r"^\| (V-\d+) \| (.*?) ?\| ?(.*?) ?\|$")


def table():
    """Rows of vectors.md: vector -> (scenarios, what is pending)."""
    rows = {}
    with open(os.path.join(HERE, "vectors.md"), encoding="utf-8") as file:
        for line in file:
            row = ROW.match(line.rstrip("\n"))
            if line.startswith("| V-") and row is None:
                raise Mismatch(f"a row that is none: {line}")
            if row and row[1] in rows:
                raise Mismatch(f"{row[1]} has two rows")
            if row:
                rows[row[1]] = (set(re.findall(r"`(\w+)`", row[2])), row[3])
    return rows


@scenario(alone=True)
def every_vector_has_its_row(_):
    for group in GROUPS:
        importlib.import_module("group_" + group)
    covered = {}
    for one in SCENARIOS:
        for vector in one.covers:
            covered.setdefault(vector, set()).add(one.name)
    names = [one.name for one in SCENARIOS]
    if len(set(names)) != len(names):
        raise Mismatch("two scenarios have one name")
    rows = table()
    wanted = {"V-" + number for number in VECTORS}
    if set(rows) != wanted or not set(covered) <= wanted:
        raise Mismatch(f"differ: {set(rows) ^ wanted}, {set(covered) - wanted}")
    for vector, (scenarios, pending) in rows.items():
        if scenarios != covered.get(vector, set()):
            raise Mismatch(f"{vector}: table {scenarios}, scenarios {covered.get(vector)}")
        if not scenarios and not pending:
            raise Mismatch(f"{vector} is neither replayed nor pending")


@scenario(alone=True)
def the_conformance_statement_names_tests_that_exist(_):
    for group in GROUPS:
        importlib.import_module("group_" + group)
    known = {one.name for one in SCENARIOS}
    for path in glob.glob(os.path.join(HERE, "..", "unit", "*", "*_test.cpp")):
        with open(path, encoding="utf-8") as file:
            for suite, name in re.findall(r"^TEST(?:_F)?\((\w+), (\w+)\)", file.read(), re.M):
                known.add(f"{suite}.{name}")
    rows = 0
    with open(os.path.join(HERE, "..", "..", "diameter", "CONFORMANCE.md"), encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not line.startswith("| ") or len(cells) != 5 or cells[4] == "Tests":
                continue
            rows += 1
            named = set(re.findall(r"`([\w.]+)`", cells[4]))
            if cells[2] not in ("yes", "partly", "no"):
                raise Mismatch(f"neither yes, partly nor no: {line}")
            if not named <= known:
                raise Mismatch(f"no such test: {named - known}")
            if cells[2] == "yes" and not named:
                raise Mismatch(f"said, and not shown: {line}")
    if rows < 80:
        raise Mismatch(f"only {rows} rows were read")


def answer(*pairs):
    return diameter.Message(diameter.PROXIABLE, diameter.CREDIT_CONTROL, diameter.GY, 0, 0,
                            avps([("Session-Id", "s"), ("Result-Code", 2001), *pairs]))


def objects(action, fault, what):
    try:
        action()
    except fault:
        return
    raise Mismatch(f"nobody objects: {what}")


@scenario(alone=True)
def a_wrong_answer_is_found(_):
    two = [granted(octets(1500000), final=TERMINATE), denied(4012, 2)]
    right = answer(*two)
    shuffled = [("Multiple-Services-Credit-Control", list(reversed(two[0][1]))), two[1]]
    expect_message(answer(*shuffled), right, "the order within a group is free")
    wrong = {
        "one unit less": answer(granted(octets(1499999), final=TERMINATE), two[1]),
        "no FUI": answer(granted(octets(1500000)), two[1]),
        "another group": answer(granted(octets(1500000), 3, TERMINATE), two[1]),
        "another code": answer(two[0], denied(4010, 2)),
        "one group missing": answer(two[0]),
        "one group more": answer(*two, answered(2001, 3)),
        "groups in another order": answer(two[1], two[0]),
        "an AVP more": answer(*two, ("Validity-Time", 600)),
        "an AVP twice": answer(*two, ("Result-Code", 2001)),
        "Session-Id second": right._replace(avps=right.avps[1::-1] + right.avps[2:]),
        "the E bit": right._replace(flags=right.flags | diameter.ERROR),
        "another command": right._replace(command=diameter.RE_AUTH),
    }
    for what, message in wrong.items():
        objects(lambda message=message: expect_message(message, right, what), Mismatch, what)


@scenario(alone=True)
def malformed_bytes_are_found(_):
    pairs = [("Session-Id", "abcde"), ("Result-Code", 2001), ("Origin-Host", "levy.test"),
             ("Multiple-Services-Credit-Control", [("Granted-Service-Unit", octets(5))])]
    good = diameter.encode(diameter.PROXIABLE, 272, 4, 1, 2, pairs)
    decoded = diameter.decode(good)
    if decoded.avps != avps(pairs) or decoded.hop_by_hop != 1 or decoded.end_to_end != 2:
        raise Mismatch(decoded.text())

    def changed(at, value):
        return good[:at] + bytes([value]) + good[at + 1:]

    wrong = {
        "padding": changed(20 + 13, 1),
        "flags of an AVP": changed(20 + 4, 0x00),
        "vendor bit": changed(20 + 4, 0xC0),
        "unknown code": changed(20 + 3, 0xFF),
        "length too long": changed(20 + 7, 0xFF),
        "length below the header": changed(20 + 7, 7),
        "number of five bytes": changed(36 + 7, 13),
        "version": changed(0, 2),
        "message length": changed(3, good[3] + 4),
        "reserved header bit": changed(4, good[4] | 1),
    }
    for what, octets_ in wrong.items():
        objects(lambda octets_=octets_: diameter.decode(octets_), diameter.Malformed, what)
