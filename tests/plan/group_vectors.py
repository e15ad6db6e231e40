"""Group C of the charging vectors, V-27 and V-33: from YAML text to money."""
from command import os, HERE

PLANS = os.path.join(HERE, "vectors.yaml")


def ask(files, plan, use, at="2012-02-02 12:00", *more, code=0):
    return files.price(PLANS, "--plan", plan, "--use", use, "--at", at, *more, code=code)


def costs(files, plan, use, at="2012-02-02 12:00", *more):
    answer = ask(files, plan, use, at, *more)
    assert answer["used"] == answer["asked"] and answer["refused"] is None, answer
    return answer["total"]


def equal(got, wanted):
    assert got == wanted, f"{got!r} is not {wanted!r}"


def test_the_plans_are_without_fault(files):
    code, out, err = files.run("check", PLANS)
    equal((code, out, err), (0, "10 plans, 12 services, 5 rates, no fault\n", ""))


def test_v27_time_of_day(files):
    equal(costs(files, "time-of-day", "2500000", "2026-03-02 07:59:59"), "15.00")
    equal(costs(files, "time-of-day", "1000000", "2026-03-02 12:13:14"), "10.00")
    equal(costs(files, "time-of-day", "1 MB", "2026-03-02 23:00"), "5.00")
    equal(costs(files, "time-of-day", "1 MB", "2026-03-02 08:00"), "10.00")


def test_v33_prices_by_prefix(files):
    for number, use, cost in (("3000", "300 s", "0.40"), ("3000", "1 s", "0.40"),
                              ("1555", "61 s", "0.20"), ("2", "2 min", "0.20")):
        equal(costs(files, "by-prefix", use, "2012-02-02 12:00", "--called", number), cost)


def test_v33_v63_unknown_destination(files):
    answer = ask(files, "by-prefix", "300 s", "2012-02-02 12:00", "--called", "9000", code=1)
    equal((answer["used"], answer["total"], answer["refused"]), (0, "0.00", "5031: no price"))
    refused = files.price(PLANS, "--plan", "per-ten-thousand", "--use", "1 MB", "--rating-group",
                          "7", code=1)
    equal(refused["refused"], "5031: no service of plan per-ten-thousand takes Rating-Group 7; "
                              "there are: internet (1)")


def test_v45_by_the_second(files):
    equal(costs(files, "one-per-second", "90 s"), "90.00")
    equal(costs(files, "one-per-second", "0 s"), "0.00")


def test_v46_small_amounts(files):
    equal(costs(files, "small", "1 event", "2012-02-02 12:00", "--rating-group", "1"), "0.005")
    equal(costs(files, "small", "20 octets", "2012-02-02 12:00", "--rating-group", "2"), "0.004")


def test_v47_fee_and_the_end_of_the_day(files):
    answer = ask(files, "workday", "1 h", "2012-02-02 17:30")
    equal(answer["total"], "2701.00")
    steps = [(s["from"], s["rate"], s["units"], s["fee"], s["charge"]) for s in answer["steps"]]
    equal(steps, [("2012-02-02T17:30:00+00:00", "day", 1800, "1.00", "1801.00"),
                  ("2012-02-02T18:00:00+00:00", None, 1800, "0.00", "900.00")])


def test_v48_the_fee_is_due_once_in_a_session(files):
    """The second charge of a session is what follows the first hour of a longer one."""
    first = ask(files, "workday", "30 min", "2012-02-02 17:00")
    whole = ask(files, "workday", "90 min", "2012-02-02 17:00")
    equal((first["total"], whole["total"]), ("1801.00", "4501.00"))  # 2700 more, no fee again
    equal([s["fee"] for s in whole["steps"]], ["1.00", "0.00"])


def test_v50_no_fee_at_midnight(files):
    equal(costs(files, "workday", "40 min", "2012-02-07 23:50"), "2100.00")


def test_v54_a_long_first_step(files):
    for use, cost in (("132 s", "132.00"), ("65 s", "65.00"), ("1 s", "60.00")):
        equal(costs(files, "long-first-step", use), cost)


def test_v55_no_rounding_by_the_second(files):
    equal(costs(files, "dime-per-minute", "180 s"), "0.30")
    equal(costs(files, "dime-per-minute", "1 s"), "0.001667")


def test_v57_exact_where_peers_round(files):
    for group in ("1", "2"):
        equal(costs(files, "thirty-three", "10 s", "2012-02-02 12:00", "--rating-group", group),
              "0.33")


def test_v58_stops_at_the_maximum(files):
    answer = ask(files, "ten-then-stop", "1800 s", "2026-03-02 06:00", code=1)
    equal((answer["used"], answer["total"]), (10, "10.00"))
    equal(answer["refused"], "4012: no further grant")


def test_v64_a_large_amount(files):
    equal(costs(files, "per-ten-thousand", "256000000 octets", "2012-02-02 12:00",
                "--rating-group", "1"), "25600.00")
