"""plan price on the example catalogue: whole outputs; what is refused, and why."""
import json

from command import EXAMPLES, same

CALL = ("price", EXAMPLES, "--plan", "talk-contract", "--rating-group", "20", "--called",
        "493012345", "--use", "10 min", "--at", "2026-12-23 19:55")
DATA = (EXAMPLES, "--plan", "prepaid-smart", "--rating-group", "10")
IOT = (EXAMPLES, "--plan", "iot-meter", "--at", "2026-12-23 12:00")


def equal(got, wanted):
    assert got == wanted, f"{got!r} is not {wanted!r}"


def test_a_call_over_the_end_of_the_peak(files):
    code, out, err = files.run(*CALL)
    same(out, """\
        plan talk-contract, service call, Rating-Group 20: 10 min from Wed 2026-12-23 19:55:00 (Europe/Berlin)

        1. from Wed 2026-12-23 19:55:00: rate germany-peak
           because called 493012345 is in germany, time is peak
           not emergency (called 493012345 is not in emergency), incoming (role is not given), premium (called 493012345 is not in premium), on-net (called 493012345 is not in on-net)
           5 min at 0.09 EUR per min, step 1 s, first 1 min, connect fee 0.05 EUR: 0.50 EUR

        2. from Wed 2026-12-23 20:00:00: rate germany
           because called 493012345 is in germany
           not emergency (called 493012345 is not in emergency), incoming (role is not given), premium (called 493012345 is not in premium), on-net (called 493012345 is not in on-net), germany-peak (time is not peak)
           5 min at 0.04 EUR per min, step 1 s, first 1 min: 0.20 EUR

        total: 10 min, 0.70 EUR, 19 % tax included
        """)
    equal((code, err), (0, ""))


def test_the_same_as_json(files):
    code, out, _ = files.run(*CALL, "--json")
    answer = json.loads(out)
    equal(code, 0)
    first = answer["steps"][0]
    equal(first["from"], "2026-12-23T19:55:00+01:00")
    equal((first["rate"], first["because"]),
          ("germany-peak", ["called 493012345 is in germany", "time is peak"]))
    equal((first["units"], first["fee"], first["charge"]), (300, "0.05", "0.50"))
    equal({key: answer[key] for key in answer if key != "steps"},
          {"plan": "talk-contract", "service": "call", "context": "voice",
           "at": "2026-12-23T19:55:00+01:00", "unit": "seconds", "asked": 600, "cut": False,
           "used": 600, "total": "0.70", "currency": "EUR", "tax": "19 %", "refused": None})


def test_voice_and_messages(files):
    def cost(use, *more, group="20", at="2026-12-23 12:00"):
        answer = files.price(EXAMPLES, "--plan", "talk-contract", "--rating-group", group, "--use",
                             use, "--at", at, *more)
        return answer["total"], answer["steps"][0]["rate"]
    equal(cost("1 s", "--called", "+49 30 12345"), ("0.14", "germany-peak"))
    equal(cost("1 s", "--called", "493012345", at="2026-12-25 12:00"), ("0.09", "germany"))
    equal(cost("1 h", "--called", "4915112345"), ("0.00", "on-net"))
    equal(cost("61 s", "--called", "4990012345"), ("3.98", "premium"))
    equal(cost("5 s", "--called", "33123456"), ("0.10", "eu"))
    equal(cost("2 min", "--called", "33123456"), ("0.38", "eu"))
    equal(cost("61 s", "--called", "15551234"), ("1.98", None))
    equal(cost("5 min", "--called", "112"), ("0.00", "emergency"))
    equal(cost("5 min", "--role", "terminating"), ("0.00", "incoming"))
    equal(cost("3 events", "--called", "49301", group="30"), ("0.27", "national"))
    equal(cost("1 event", "--called", "331", group="30"), ("0.19", None))


def test_a_premium_call_stops_at_its_maximum(files):
    answer = files.price(EXAMPLES, "--plan", "talk-contract", "--rating-group", "20", "--use", "1 h",
                         "--called", "4990012345", "--at", "2026-12-23 12:00", code=1)
    equal((answer["used"], answer["total"], answer["refused"]),
          (16 * 60, "30.00", "4012: no further grant"))


def test_prepaid_data(files):
    def cost(use, *more, at="2026-12-23 12:00", code=0):
        answer = files.price(*DATA, "--use", use, "--at", at, *more, code=code)
        return answer["total"], answer["steps"][0]["rate"]
    equal(cost("25 MB"), ("0.075", None))
    equal(cost("3 GB"), ("8.00", None))  # two at 3, one at 2
    equal(cost("1 GB", "--plmn", "20801"), ("3.00", "eu"))
    equal(cost("1 MB", "--plmn", "310410"), ("0.50", "world"))
    equal(cost("1 GB", "--plmn", "310410", code=1), ("60.00", "world"))
    equal(cost("1 GB", "--plmn", "26201", "--rat", "nr", at="2026-12-23 23:30"), ("1.50", "night"))
    equal(cost("1 GB", "--plmn", "26201", "--rat", "utran", at="2026-12-23 23:30"), ("3.00", None))
    free = files.price(EXAMPLES, "--plan", "prepaid-smart", "--rating-group", "11", "--use", "1 GB")
    equal((free["total"], free["service"]), ("0.00", "social"))


def test_use_that_takes_time_meets_the_end_of_the_night(files):
    """Daylight saving is over: 05:30 is local time of Berlin, +01:00."""
    answer = files.price(*DATA, "--use", "600 MB", "--lasting", "1 h", "--at", "2026-12-23 05:30",
                         "--plmn", "26201", "--rat", "eutran")
    equal([(s["from"], s["rate"], s["units"], s["charge"]) for s in answer["steps"]],
          [("2026-12-23T05:30:00+01:00", "night", 300_000_000, "0.45"),
           ("2026-12-23T06:00:00+01:00", None, 300_000_000, "0.90")])
    equal(answer["total"], "1.35")


def test_iot(files):
    def cost(use, *more):
        return files.price(*IOT, "--use", use, *more)["total"]
    equal(cost("25 kB"), "0.015")
    equal(cost("1 octet", "--rat", "nb_iot"), "0.001")
    equal(cost("3 MB", "--rat", "nb_iot"), "2.00")
    equal(cost("3 MB", "--rat", "nb_iot", "--apn", "update.iot"), "1.50")
    for place in ("tai 262-01-4660", "ecgi 262-01-19088743"):
        equal(cost("3 MB", "--apn", "METER.iot.mnc001.mcc262.gprs", "--location", place), "0.00")
    equal(cost("100 kB", "--apn", "meter.iot", "--location", "tai 262-01-4661"), "0.05")


def test_what_cannot_be_asked(files):
    for arguments, code, text in (
            (("--plan", "nobody", "--use", "1 MB"), 2, "no plan 'nobody'; there are: "),
            (("--use", "1 MB"), 2, "--plan is needed"),
            (("--plan", "sms-a", "--use", "1 MB"), 2, "service sms counts events"),
            (("--plan", "sms-a", "--use", "1 event", "--rating-group", "x"), 2, "--rating-group is"),
            (("--plan", "sms-a", "--use", "1 event", "--plmn", "262"), 2, "5 or 6 digits"),
            (("--plan", "sms-a", "--use", "1 event", "--at", "noon"), 2, "'noon' is no time"),
            (("--plan", "talk-contract", "--use", "1 min", "--at", "2026-03-29 02:30"), 2,
             "does not exist in Europe/Berlin"),
            (("--plan", "sms-a", "--use", "1 event", "--context", "fax"), 2, "--context is 'fax'"),
            (("--plan", "sms-a", "--use", "1 event", "--location", "here"), 2, "--location is"),
            (("--plan", "voice-contract", "--use", "1 min"), 1,
             "5031: no service of plan voice-contract takes a request without Rating-Group; there "
             "are: call (20)"),
            (("--plan", "data-plus", "--rating-group", "200", "--use", "1 MB"), 1, "4010: denied"),
            (("--plan", "data-plus", "--rating-group", "7", "--use", "1 MB"), 1, "4010: no service"),
    ):
        got, out, err = files.run("price", EXAMPLES, *arguments)
        assert got == code and text in out + err, (arguments, got, out, err)
    bad = files.write("bad.yaml", "plan: p\n")
    code, _, err = files.run("price", bad, "--use", "1 MB")
    assert code == 1 and f"{bad}:1:1: " in err, err


def test_help_is_enough(files):
    for command, words in (("check", ("file:line:column", "warnings", "Exit codes")),
                           ("price", ("--lasting", "local time", "Example: ", "Exit codes")),
                           ("diff", ("added or removed", "Exit codes")),
                           ("schema", ("yaml-language-server", "--levyd"))):
        code, out, _ = files.run(command, "--help")
        assert code == 0 and all(word in out for word in words), out
