"""plan replay on the stored records: sums against naive ones, what is reported apart, and filters."""
import json
import os
import re

from command import EXAMPLES, ROOT
from group_explain import RECORDS, SKEW, lines

NAIVE = "7.448667"  # the sum of `charged` of the stored records


def replay(files, *arguments, code=0, records=RECORDS):
    got, out, err = files.run("replay", records, *SKEW, "--json", *arguments)
    assert got == code, (arguments, got, out, err)
    return json.loads(out)


def catalogue(files, change):
    """The example catalogue with change(text) of every file; its directory."""
    folder = os.path.join(ROOT, EXAMPLES)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".yaml"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                files.write(os.path.join("changed", name), change(file.read()))
    return os.path.join(files.directory, "changed")


def doubled(text):
    """Twice every amount of a price, and what belongs to one."""
    def twice(match):
        return match.group(1) + str(round(float(match.group(2)) * 2, 6)) + match.group(3)
    text = re.sub(r"()(\d+(?:\.\d+)?)( EUR per )", twice, text)
    return re.sub(r"((?:connect_fee|minimum|maximum): )(\d+(?:\.\d+)?)( EUR)", twice, text)


def micros(text):
    whole, _, parts = text.lstrip("-").partition(".")
    value = int(whole) * 1000000 + int(parts.ljust(6, "0"))
    return -value if text.startswith("-") else value


def naive(records):
    return sum(micros(group["charged"]) for record in records for group in record["mscc"])


def test_a_catalogue_against_itself(files):
    answer = replay(files, "--plans", EXAMPLES)
    assert answer["totals"] == {"EUR": {"then": NAIVE, "now": NAIVE, "difference": "0.00"}}, answer
    assert micros(NAIVE) == naive(lines()) and answer["changed_most"] == []
    assert (answer["records"], answer["sessions"], answer["events"]) == (19, 5, 2), answer
    assert answer["not_compared"]["fees"] == {"EUR": "15.00"} and \
        answer["not_compared"]["denied_then"] == 1, answer["not_compared"]
    again = replay(files, "--plans", EXAMPLES, "--against", EXAMPLES)
    assert again["totals"]["EUR"] == {"then": NAIVE, "against": NAIVE, "now": NAIVE,
                                      "difference": "0.00"}, again


def test_twice_the_price(files):
    answer = replay(files, "--plans", catalogue(files, doubled))
    assert micros(answer["totals"]["EUR"]["now"]) == 2 * naive(lines()), answer["totals"]
    by_rate = {(row["service"], row["rate"]): row for row in answer["rows"]}
    for key in (("internet", None), ("internet", "world"), ("sms", None), ("call", "eu"),
                ("call", "germany-peak")):
        row = by_rate[key]
        assert micros(row["now"]) == 2 * micros(row["then"]), row
    most = answer["changed_most"]
    assert most[0]["session"] == "data;1" and most[0]["difference"] == "6.008", most
    assert [abs(micros(one["difference"])) for one in most] == \
        sorted((abs(micros(one["difference"])) for one in most), reverse=True)
    one = replay(files, "--plans", os.path.join(files.directory, "changed"), "--top", "1")
    assert one["changed_most"] == most[:1]


def test_another_rate_is_named(files):
    """Where the network is in no zone, roaming is charged at the service's own price."""
    answer = replay(files, "--plans",
                    catalogue(files, lambda text: text.replace("plmns: [310, 311", "plmns: [330, 334")))
    row = next(row for row in answer["rows"] if row["rate"] == "world")
    assert row["rate_now"] is None and row["then"] == "0.65" and row["now"] == "0.006", row


def test_what_has_no_price(files):
    def changed(text):
        text = text.replace("plan: sms-a", "plan: sms-b")
        return text.replace("    context: voice\n    unit: seconds\n",
                            "    context: voice\n    unit: seconds\n    access: barred\n")
    answer = replay(files, "--plans", catalogue(files, changed), code=1)
    assert [(one["why"], one["then"]) for one in answer["not_priced"]] == \
        [("plan sms-a is not in the catalogue", "0.15")], answer["not_priced"]
    assert {(one["service"], one["why"]) for one in answer["denied"]} == \
        {("call", "denied (4010)")}, answer["denied"]
    assert micros(answer["totals"]["EUR"]["then"]) == micros(NAIVE) - 150000


def test_filters_and_files(files):
    assert replay(files, "--plans", EXAMPLES, "--account", "account-2")["totals"]["EUR"]["then"] \
        == "0.640667"
    assert replay(files, "--plans", EXAMPLES, "--until", "2020-01-01")["records"] == 0
    text = "".join(json.dumps(record) + "\n" for record in lines())
    files.write("n-00000000000000000001.jsonl", text)
    files.write("n-00000000000000000100.jsonl.part", text + '{"id":"2-')
    both = replay(files, "--plans", EXAMPLES, records=files.directory)
    assert both["repeated"] == 19 and both["totals"]["EUR"]["then"] == NAIVE, both
    files.write("n-00000000000000000001.jsonl", text + "what\n")
    got, _, err = files.run("replay", files.directory, "--plans", EXAMPLES)
    assert got == 1 and "n-00000000000000000001.jsonl:20: " in err, err


def test_help_says_what_it_cannot_know(files):
    _, out, _ = files.run("replay", "--help")
    assert all(word in out for word in ("cannot know", "balances", "APN", "Exit codes")), out
