"""explain on records of a real run (example.jsonl): whole outputs, planted faults, versions."""
import json
import os

from command import EXAMPLES, HERE, same

RECORDS = os.path.join(HERE, "example.jsonl")
SKEW = ("--event-time-skew", "172800")


def lines():
    with open(RECORDS, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def explain(files, *arguments, records=RECORDS, plans=EXAMPLES):
    skew = () if "--event-time-skew" in arguments else SKEW
    return files.levyctl_run("explain", records, *skew, *(("--plans", plans) if plans else ()),
                             *arguments)


def whole(files, wanted, *arguments):
    code, out, err = explain(files, *arguments)
    assert (code, err) == (0, ""), (code, out, err)
    same(out, wanted)


def planted(files, session, change):
    """The stored records with change(record) of those of one session; their path."""
    records = lines()
    for record in records:
        if record.get("session_id") == session:
            change(record)
    return files.write("planted.jsonl", "".join(json.dumps(r) + "\n" for r in records))


def test_a_data_session_over_the_end_of_a_tier(files):
    whole(files, """\
        record 2-6-0: termination 3 of session data;1
          when: Tue 2026-11-24 19:55:00 (Europe/Berlin), received Wed 2026-11-25 03:47:14
          where: network 26201, radio eutran, gateway pgw.test
          who: account account-1, plan prepaid-smart (version 1)
          the session ended: terminated
          Rating-Group 10: service internet, its own price (version 1)
            used 12345678 octets
            running total 1.991 GB -> 2003345678 octets
            rated as record 2-5-0 granted it, Tue 2026-11-24 19:55:00
            not world (plmn 26201 is not in world), eu (plmn 26201 is not in eu), night (time is not night)
            price: 3 EUR per GB, step 1 MB, up to 2 GB; then 2 EUR per GB, step 1 MB
            price of 2003345678 octets: 2000 steps of 1 MB x 0.003 EUR + 4 steps of 1 MB x 0.002 EUR = 6.008 EUR
            less that of 1.991 GB: 1991 steps of 1 MB x 0.003 EUR = 5.973 EUR
            6.008 - 5.973 = 0.035 EUR
            charged 0.035 EUR, 19 % tax of 0.005588 in it
          bucket wallet (0): release 0.035 EUR, spend 0.035 EUR, release 0.074 EUR; free +0.074 EUR

        1 record: 0.035 EUR charged
        """, "--record", "2-6-0")


def test_units_that_a_bundle_pays(files):
    whole(files, """\
        record 2-4-0: update 1 of session data;1
          when: Tue 2026-11-24 19:55:00 (Europe/Berlin), received Wed 2026-11-25 03:47:14
          where: network 26201, radio eutran, gateway pgw.test
          who: account account-1, plan prepaid-smart (version 1)
          Rating-Group 10: service internet, its own price (version 1)
            used 4 MB, 3 MB of them paid by month-bundle (3 MB)
            running total 0 octets -> 1 MB
            rated as record 2-3-0 granted it, Tue 2026-11-24 19:55:00
            not world (plmn 26201 is not in world), eu (plmn 26201 is not in eu), night (time is not night)
            price: 3 EUR per GB, step 1 MB, up to 2 GB; then 2 EUR per GB, step 1 MB
            price of 1 MB: 1 step of 1 MB x 0.003 EUR = 0.003 EUR
            charged 0.003 EUR, 19 % tax of 0.000478 in it
            granted 50 MB
          bucket month-bundle (1): release 1.5 MB, spend 3 MB; free -1.5 MB
          bucket wallet (0): spend 0.003 EUR, reserve 0.15 EUR; free -0.153 EUR

        1 record: 0.003 EUR charged
        """, "--record", "2-4-0")


def test_a_call_over_the_end_of_the_peak(files):
    """The fee once; each report under the rate of the grant that it consumes."""
    whole(files, """\
        record 0-54-0: initial 0 of session call;1
          when: Tue 2026-11-24 19:55:00 (Europe/Berlin), received Wed 2026-11-25 03:47:14
          where: called 493012345, gateway pgw.test
          who: account account-2, plan talk-contract (version 1)
          Rating-Group 20: service call, rate germany-peak (version 1)
            because called 493012345 is in germany, time is peak
            not emergency (called 493012345 is not in emergency), premium (called 493012345 is not in premium), on-net (called 493012345 is not in on-net)
            not to be told from the record: incoming (role is not in the record)
            price: 0.09 EUR per min, step 1 s, first 1 min
            granted 5 min
          bucket wallet (0): reserve 0.50 EUR; free -0.50 EUR

        record 0-55-0: update 1 of session call;1
          when: Tue 2026-11-24 20:00:00 (Europe/Berlin), received Wed 2026-11-25 03:47:14
          where: called 493012345, gateway pgw.test
          who: account account-2, plan talk-contract (version 1)
          Rating-Group 20: service call, rate germany-peak (version 1)
            used 5 min
            running total 0 s -> 5 min
            rated as record 0-54-0 granted it, Tue 2026-11-24 19:55:00
            because called 493012345 is in germany, time is peak
            not emergency (called 493012345 is not in emergency), premium (called 493012345 is not in premium), on-net (called 493012345 is not in on-net)
            not to be told from the record: incoming (role is not in the record)
            price: 0.09 EUR per min, step 1 s, first 1 min
            price of 5 min: 1 step of 1 min x 0.09 EUR + 240 steps of 1 s x 0.0015 EUR = 0.45 EUR
            0.45 + connect fee 0.05 = 0.50 EUR
            charged 0.50 EUR, 19 % tax of 0.079831 in it
            granted 5 min
          bucket wallet (0): release 0.50 EUR, spend 0.50 EUR, reserve 0.20 EUR; free -0.20 EUR

        record 0-56-0: termination 2 of session call;1
          when: Tue 2026-11-24 20:01:01 (Europe/Berlin), received Wed 2026-11-25 03:47:14
          where: called 493012345, gateway pgw.test
          who: account account-2, plan talk-contract (version 1)
          the session ended: terminated
          Rating-Group 20: service call, rate germany (version 1)
            used 61 s
            running total 5 min -> 361 s
            rated as record 0-55-0 granted it, Tue 2026-11-24 20:00:00
            because called 493012345 is in germany
            not emergency (called 493012345 is not in emergency), premium (called 493012345 is not in premium), on-net (called 493012345 is not in on-net), germany-peak (time is not peak)
            not to be told from the record: incoming (role is not in the record)
            price: 0.04 EUR per min, step 1 s, first 1 min
            price of 361 s: 1 step of 1 min x 0.04 EUR + 301 steps of 1 s x 0.000666666666… EUR = 0.240666666666… EUR, rounded up 0.240667 EUR
            less that of 5 min: 1 step of 1 min x 0.04 EUR + 240 steps of 1 s x 0.000666666666… EUR = 0.20 EUR
            0.240667 - 0.20 = 0.040667 EUR
            charged 0.040667 EUR, 19 % tax of 0.006493 in it
          bucket wallet (0): release 0.040667 EUR, spend 0.040667 EUR, release 0.159333 EUR; free +0.159333 EUR

        3 records: 0.540667 EUR charged
        """, "--session", "call;1")


def test_a_roaming_session(files):
    whole(files, """\
        record 2-8-0: update 1 of session roaming;1
          when: Tue 2026-11-24 19:55:00 (Europe/Berlin), received Wed 2026-11-25 03:47:14
          where: network 310410, radio eutran, gateway pgw.test
          who: account account-1, plan prepaid-smart (version 1)
          Rating-Group 10: service internet, rate world (version 1)
            used 1234567 octets
            running total 0 octets -> 1234567 octets
            rated as record 2-7-0 granted it, Tue 2026-11-24 19:55:00
            because plmn 310410 is in world
            price: 0.5 EUR per MB, step 100 kB, at most 60 EUR, then stop
            price of 1234567 octets: 13 steps of 100 kB x 0.05 EUR = 0.65 EUR
            charged 0.65 EUR, 19 % tax of 0.103781 in it
            granted 13365433 octets
          bucket wallet (0): release 0.65 EUR, spend 0.65 EUR, release 4.35 EUR, reserve 6.65 EUR; free -2.30 EUR

        1 record: 0.65 EUR charged
        """, "--record", "2-8-0")


def test_a_message(files):
    whole(files, """\
        record 0-60-0: event (direct_debiting) of session sms;1
          when: Tue 2026-11-24 18:55:00 (UTC), received Wed 2026-11-25 02:47:14
          where: gateway pgw.test
          who: account account-3, plan sms-a (version 1)
          Rating-Group 30: service sms, its own price (version 1)
            used 1 event
            price: 0.15 EUR per event
            price of 1 event: 1 step of 1 event x 0.15 EUR = 0.15 EUR
            charged 0.15 EUR
            granted 1 event
          bucket wallet (1): spend 0.15 EUR; free -0.15 EUR

        1 record: 0.15 EUR charged
        """, "--session", "sms;1")


def test_a_denied_message(files):
    whole(files, """\
        record 0-61-0: event (direct_debiting) of session sms;2
          when: Tue 2026-11-24 18:55:00 (UTC), received Wed 2026-11-25 02:47:14
          where: gateway pgw.test
          who: account account-3, plan sms-a (version 1)
          Rating-Group 30: service sms, its own price (version 1)
            price: 0.15 EUR per event
            no grant: the next step cannot be paid (4012)

        1 record: nothing charged
        """, "--session", "sms;2")


def test_a_minimum(files):
    whole(files, """\
        record 0-58-0: termination 1 of session short;1
          when: Tue 2026-11-24 19:55:05 (Europe/Berlin), received Wed 2026-11-25 03:47:14
          where: called 33123456, gateway pgw.test
          who: account account-2, plan talk-contract (version 1)
          the session ended: terminated
          Rating-Group 20: service call, rate eu (version 1)
            used 5 s
            running total 0 s -> 5 s
            rated as record 0-57-0 granted it, Tue 2026-11-24 19:55:00
            because called 33123456 is in eu
            not emergency (called 33123456 is not in emergency), premium (called 33123456 is not in premium), on-net (called 33123456 is not in on-net), germany-peak (called 33123456 is not in germany), germany (called 33123456 is not in germany)
            not to be told from the record: incoming (role is not in the record)
            price: 0.19 EUR per min, step 1 s, at least 0.1 EUR
            price of 5 s: 5 steps of 1 s x 0.003166666666… EUR = 0.015833333333… EUR, at least 0.10 EUR
            charged 0.10 EUR, 19 % tax of 0.015966 in it
          bucket wallet (0): release 0.10 EUR, spend 0.10 EUR, release 0.85 EUR; free +0.85 EUR

        1 record: 0.10 EUR charged
        """, "--record", "0-58-0")


def test_a_product_and_its_allowances(files):
    whole(files, """\
        record 3-2-0: operator's create_account by import
          when: Wed 2026-11-25 02:47:14 (UTC)
          who: account account-4
          product prepaid-month (1): started, due Wed 2026-11-25 02:47:14
            fee 15.00 EUR, 19 % tax of 2.394957 in it
          bucket wallet (0): credit 30.00 EUR, spend 15.00 EUR; free +15.00 EUR
          bucket welcome-money (1): credit 2.00 EUR; free +2.00 EUR
          bucket monthly-data (2): credit 10 GB; free +10 GB
          bucket night-data (3): credit 20 GB; free +20 GB

        1 record: 15.00 EUR charged
        """, "--record", "3-2-0")


def test_use_that_buckets_of_units_pay(files):
    whole(files, """\
        record 3-4-0: termination 1 of session month;1
          when: Tue 2026-11-24 19:55:00 (Europe/Berlin), received Wed 2026-11-25 03:47:14
          where: network 26201, radio eutran, gateway pgw.test
          who: account account-4, plan prepaid-month (version 1)
          the session ended: terminated
          Rating-Group 10: service internet, its own price (version 1)
            used 7 MB, all of them paid by monthly-data (7 MB)
            running total 0 octets -> 0 octets
            rated as record 3-3-0 granted it, Tue 2026-11-24 19:55:00
            not world (plmn 26201 is not in world)
            price: 5 EUR per GB, step 1 MB
            no money is due: buckets of units paid for all of it
          bucket monthly-data (2): release 7 MB, spend 7 MB, release 43 MB; free +43 MB

        1 record: nothing charged
        """, "--record", "3-4-0")


def test_a_planted_amount_is_found(files):
    def change(record):
        if record["request_type"] == "termination":
            record["mscc"][0]["charged"] = "0.050667"
    path = planted(files, "call;1", change)
    code, out, _ = explain(files, "--session", "call;1", records=path)
    assert code == 1 and "*** THE RECORD SAYS 0.050667 EUR" in out, out
    assert "*** THE BUCKETS PAID 0.040667, 0.00 could not be paid, and 0.050667 were charged" in out
    code, out, _ = explain(files, "--session", "call;1", records=path, plans=None)
    assert code == 1 and "THE BUCKETS PAID" in out and "THE RECORD SAYS" not in out, out
    code, out, _ = explain(files, "--session", "call;1", "--json", records=path)
    answer = json.loads(out)
    group = answer["records"][2]["groups"][0]
    assert code == 1 and answer["wrong"] == 2 and answer["charged"] == {"EUR": "0.550667"}, answer
    assert (group["computed"], group["charged"], group["agrees"]) == \
        ("0.040667", "0.050667", False), group


def test_a_planted_rate_is_found(files):
    """The amount is that of the rate, but the facts lead to another one."""
    def change(record):
        record["event_timestamp"] = "2026-11-24T21:00:00.000000Z"
        record["time"] = "2026-11-24T21:00:00.000000Z"
    code, out, _ = explain(files, "--session", "call;1",
                           records=planted(files, "call;1", change))
    assert code == 1 and "*** by the recorded facts the plans choose another rate: germany-peak " \
        "does not hold: time is not peak" in out, out


def test_another_skew_is_no_fault(files):
    """Event-Timestamps of the evening before count as the daemon was told, not as is guessed here."""
    code, out, _ = explain(files, "--session", "call;1", "--event-time-skew", "60")
    assert code == 0 and "by the time of its Event-Timestamp: the daemon's " \
        "sessions.event_time_skew_max is not the 60 s of --event-time-skew" in out, out


def test_plans_of_another_version(files):
    code, out, _ = explain(files, "--session", "call;1", "--plans-version", "7")
    assert code == 0 and "rated by version 1, and the plans are version 7: not checked" in out, out
    other = files.write("other.yaml", """\
        plan: talk-contract
        currency: EUR
        services:
          - {service: call, rating_groups: [20], unit: seconds, price: 0.10 EUR per min}
        """)
    code, out, _ = explain(files, "--session", "call;1", plans=other)
    assert code == 0 and "the plans given are of another version than the record: service call of " \
        "plan talk-contract has 0 rates in the plans, and rate 5 in the record" in out, out
    def change(record):
        if record["request_type"] == "termination":
            record["mscc"][0]["rated_version"] = 2
    path = planted(files, "call;1", change)
    code, out, err = explain(files, "--session", "call;1", records=path)
    assert code == 0 and "rated by 2 versions of the plans" in err and "price of" not in out, err
    code, out, err = explain(files, "--session", "call;1", "--plans-version", "2", records=path)
    assert "price of 361 s: " in out and "rated by version 1, and the plans are" in out, out


def test_a_session_whose_beginning_is_not_there(files):
    path = files.write("rest.jsonl", "".join(
        json.dumps(record) + "\n" for record in lines()
        if record.get("session_id") == "call;1" and record["request_type"] == "termination"))
    code, out, _ = explain(files, "--session", "call;1", records=path)
    assert code == 0 and "its grant is not among these records" in out and \
        "the session began before these records" in out, out


def test_what_is_found_and_what_is_not(files):
    code, _, err = explain(files, "--record", "9-9-9")
    assert code == 1 and "no such record" in err, err
    code, out, _ = explain(files, "--account", "account-2", "--since", "2020-01-01")
    assert code == 0 and out.endswith("5 records: 0.640667 EUR charged\n"), out[-80:]
    assert explain(files, "--account", "account-2", "--until", "2020-01-01")[0] == 1
    assert explain(files, "--account", "account-2", "--until", "tomorrow")[0] == 2
    assert explain(files)[0] == 2
    assert explain(files, "--account", "account-2", records="/nowhere")[0] == 1


def test_help_is_enough(files):
    code, out, _ = files.levyctl_run("explain", "--help")
    assert code == 0 and all(word in out for word in ("--plans-version", "APN", "Exit codes")), out
