"""plan diff: in words, every kind of difference; what means the same is none."""
import json

from command import EXAMPLES, same

BEFORE = """\
    holidays: [12-25]
    bucket_kinds:
      - {kind: bonus, unit: octets, priority: 5}
      - {kind: gone, unit: events}
    times:
      - {time: peak, on: Mo-Fr 08:00-20:00}
    zones:
      - {zone: eu, numbers: "33 34 39"}
    plans:
      - plan: data-plus
        currency: EUR
        services:
          - service: internet
            rating_groups: [1, 2]
            unit: octets
            price: 2 EUR per GB
            rates:
              - {rate: a, when: {time: peak}, price: 3 EUR per GB}
              - {rate: b, when: {called: eu}, price: free}
          - service: old
            rating_groups: [3]
            unit: octets
      - plan: retired
        currency: EUR
        services: [{service: s, rating_groups: any, unit: events, price: free}]
    """
AFTER = """\
    holidays: [12-25, 12-26]
    bucket_kinds:
      - {kind: bonus, unit: octets, priority: 7, lifetime: 30 d}
    times:
      - {time: peak, on: Mo-Fr 08:00-20:00, except: holidays}
    zones:
      - {zone: eu, numbers: "33 34 41"}
      - {zone: world, numbers: "1"}
    plans:
      - plan: data-plus
        currency: EUR
        overrun: debt
        credit_limit: 10.00
        services:
          - service: internet
            rating_groups: [2, 1]
            unit: octets
            price: 1.50 EUR per 1000 MB
            grant: {default: 50 MB}
            rates:
              - {rate: b, when: {called: [eu, world]}, price: free}
              - {rate: a, when: {time: peak}, price: 3.00 EUR per GB, discount: 10 %}
          - service: new
            rating_groups: [3]
            unit: octets
    """


def test_in_product_terms(files):
    a, b = files.write("a.yaml", BEFORE), files.write("b.yaml", AFTER)
    code, out, _ = files.run("diff", a, b)
    same(out, """\
        plan data-plus: credit_limit 0 -> 10 EUR
        plan data-plus, service internet: price 2 EUR per GB -> 1.5 EUR per GB
        plan data-plus, service internet: grant.default the usual -> 50 MB
        plan data-plus, service internet, rate a: discount none -> 10 %
        plan data-plus, service internet, rate b: when called is eu -> called is eu or world
        plan data-plus, service internet: order of rates a, b -> b, a
        plan data-plus, service old: removed
        plan data-plus, service new: added
        plan retired: removed
        bucket kind bonus: priority 5 -> 7
        bucket kind bonus: lifetime none -> 30 d
        bucket kind gone: removed
        time peak: except none -> holidays
        zone eu: numbers without 39 -> with 41
        zone world: added
        holidays: dates without nothing -> with 12-26
        """)
    assert code == 1
    code, out, _ = files.run("diff", a, b, "--json")
    items = json.loads(out)
    assert code == 1 and len(items) == 16
    assert items[1] == {"what": "plan data-plus, service internet", "change": "changed",
                        "key": "price", "before": "2 EUR per GB", "after": "1.5 EUR per GB"}
    assert items[8] == {"what": "plan retired", "change": "removed"}


TERMS_BEFORE = """\
    bucket_kinds:
      - {kind: data, unit: octets}
      - {kind: money, unit: money, currency: EUR, services: sms}
      - {kind: mixed, unit: events, weights: {sms: 1.0}}
    times:
      - {time: night, on: "22:00-06:00"}
    plans:
      - plan: pass
        kind: addon
        currency: EUR
        fees:
          - {fee: monthly, amount: 10 EUR, every: month}
          - {fee: old, amount: 1 EUR}
        allowances:
          - {allowance: data, amount: 1 GB, every: 1 month}
          - {allowance: mixed, amount: 5}
        services: [{service: sms, rating_groups: any, unit: events, price: 1 EUR per event}]
    """
TERMS_AFTER = """\
    bucket_kinds:
      - {kind: data, unit: octets, when: {time: night}}
      - {kind: money, unit: money, currency: EUR}
      - {kind: mixed, unit: events, weights: {sms: 1.5}}
    times:
      - {time: night, on: "22:00-06:00"}
    plans:
      - plan: pass
        kind: addon
        priority: 7
        lasts: 30 days
        currency: EUR
        fees:
          - {fee: monthly, amount: 9.50 EUR, every: 1 month}
          - {fee: new, amount: 1 EUR}
        unpaid_fee: suspend
        allowances:
          - {allowance: data, amount: 1000 MB, every: month, rollover: {periods: 2, at_most: 5 GB}}
          - {allowance: mixed, amount: 5 events}
          - {allowance: mixed, amount: 2, every: week}
        services: [{service: sms, rating_groups: any, unit: events, price: 1 EUR per event}]
    """


def test_terms_and_what_kinds_pay_for(files):
    a, b = files.write("a.yaml", TERMS_BEFORE), files.write("b.yaml", TERMS_AFTER)
    same(files.run("diff", a, b)[1], """\
        plan pass: priority 0 -> 7
        plan pass: lasts until it is ended -> 30 days
        plan pass: unpaid_fee debt -> suspend
        plan pass, fee monthly: amount 10 EUR -> 9.5 EUR
        plan pass, fee old: removed
        plan pass, fee new: added
        plan pass, allowance data every month: rollover none -> 2 periods, at most 5 GB, used first
        plan pass, allowance mixed every week: added
        bucket kind data: when always -> time is night
        bucket kind money: services sms -> all
        bucket kind mixed: weights sms 1 -> sms 1.5
        """)


def test_what_open_sessions_do(files):
    plan = ("plan: p\ncurrency: EUR\nservices:\n"
            "  - {{service: data, rating_groups: [1], unit: octets{}}}\n"
            "  - {{service: call, rating_groups: [2], unit: seconds{}}}\n")
    a = files.write("a.yaml", plan.format("", ", on_new_version: pin"))
    b = files.write("b.yaml", plan.format(", on_new_version: reauthorize", ""))
    same(files.run("diff", a, b)[1],
         "plan p, service data: on_new_version next_report -> reauthorize\n")


def test_what_is_counted_and_what_was_renamed(files):
    plan = ("plan: {}\ncurrency: EUR\ncounters:\n"
            "  - {{counter: month, counts: octets, every: month, limit: {}}}\n"
            "services:\n  - {{service: data, rating_groups: [1], unit: octets,\n"
            "     price: 1 EUR per GB{}}}\n")
    a = files.write("a.yaml", plan.format("p", "5 GB", ""))
    b = files.write("b.yaml", plan.format("q\nwas: p", "6 GB", ", accumulate: month"))
    same(files.run("diff", a, b)[1], """\
        plan p: name p -> q
        plan p, counter month: limit 5 GB -> 6 GB
        plan p, service data: accumulate none -> month
        """)


def test_same_and_faulty(files):
    same(files.run("diff", EXAMPLES, EXAMPLES)[1], "no difference\n")
    one = "plan: p\ncurrency: EUR\n{}services:\n  - {{service: s, rating_groups: [{}], unit: octets, {}}}\n"
    a = files.write("a.yaml", one.format("", "1, 2", "price: 0.50 EUR per 1000000 octets"))
    b = files.write("b.yaml", one.format("overrun: debt\nsession_ttl: 24 h\ntime_zone: UTC\n", "2, 1",
                                         "access: open, price: '0.5 EUR per MB, step 1 MB', tax: 0 %"))
    assert files.run("diff", a, b)[:2] == (0, "no difference\n")
    bad = files.write("bad.yaml", "plan: p\n")
    code, out, err = files.run("diff", a, bad)
    assert code == 2 and not out and f"{bad}:1:1: currency: this key is missing" in err, err
