"""plan check: every fault in one run with its place, every warning, the last line."""
import json
import os

from command import EXAMPLES, HERE, same

PRODUCTS = os.path.join(HERE, "product_faults.yaml")
THIRTY = os.path.join(HERE, "thirty_faults.yaml")
# line, column, part of the text; what config refuses and what the compiler refuses, mixed.
PLANTED = (
    (1, 24, "holiday is '2026-02-30'"), (4, 29, "time is 'Mo-Xx'"),
    (5, 11, "time name 'peak' is used twice"), (6, 9, "time is '25:00-26:00'"),
    (9, 22, "plmn is '2620'"), (10, 14, "number is '49x'"),
    (12, 13, "plmn '26201' stands already in zone 'home'"), (13, 14, "place is 'tai 262-01'"),
    (17, 15, "value: 40000; allowed: -32768 to 32767"), (20, 15, "currency is 'EUX'"),
    (21, 16, "time_zone is 'Europe/Berlyn'"), (22, 22, "value: 2 h; allowed: 0 s to 1 h"),
    (27, 25, "context is 'dta'"), (29, 11, "every tier of a price but the last"),
    (31, 19, 'did you mean "up"?'), (32, 22, "in another currency than the plan"),
    (33, 14, "value: 101 %"), (36, 26, "zone 'nowhere' is not declared"),
    (36, 35, 'unknown key; allowed: time, apn'), (38, 22, "no effect on a free price"),
    (40, 25, "rat is '6g'"), (40, 34, "qci is '0'"), (40, 60, "characteristics is '08'"),
    (41, 20, 'has "stap 1 kB"'), (42, 19, "rate name 'fast' is used twice"),
    (43, 26, "role is 'both'"), (45, 22, "grant_min 5000000 is greater"),
    (50, 28, "rating_group 1 stands twice"), (53, 21, "at_maximum has no effect"),
    (54, 19, "value: 0 %; allowed: 0.1 % to 100 %"), (57, 26, "time 'evening' is not declared"),
    (60, 28, "zone 'abroad' names no numbers"), (65, 13, "rate 'never' never applies"),
)
# Of fees, allowances, periods, and of what bucket kinds pay for.
PLANTED_PRODUCTS = (
    (2, 53, "no plan has a service 'intranet'"),
    (3, 57, "service 'chat' has no price in any plan, so money never pays"),
    (4, 56, "weights have no effect on a bucket of money, which the price"),
    (5, 43, "service 'internet' counts in another unit than the bucket ki"),
    (5, 66, "time 'dawn' is not declared"), (5, 78, "role is 'both'"),
    (9, 16, "service 'internet' counts in another unit than the bucket ki"),
    (10, 15, "weights name the services already"), (10, 25, "weight is '0'"),
    (10, 34, "the value is not a decimal above 0; value: -1"),
    (10, 38, "no plan has a service 'internal'"), (11, 40, "the value is not a mapping; value: 5"),
    (11, 50, "unknown key"), (12, 49, "weight is '0.00000000001'"),
    (13, 54, "service 'internet' stands twice"), (17, 11, "priority is of add-ons alone"),
    (18, 9, "starts is of add-ons alone"),
    (19, 8, 'the value has an unknown period "d"; periods are hours, days'),
    (20, 10, "prorate has no effect without 'periods: calendar'"), (22, 22, "amount is '0'"),
    (22, 36, 'the value has an unknown period "fortnight"; periods are hou'),
    (23, 11, "fee name 'a' is used twice"),
    (23, 22, "the amount is in another currency than the plan; value: 1 US"),
    (24, 36, "the value is out of bounds: 1 to 255; value: 2000 days"),
    (25, 5, "this key is missing"), (30, 36, "a plan takes at most 4 different values of every"),
    (31, 10, "the value has no unit; units are %; value: 19"),
    (33, 17, "bucket kind 'unknown' is not declared"),
    (34, 31, "amount is of events, and the bucket kind 'data' holds octets"),
    (35, 33, "amount is 5"),
    (36, 31, 'the value has an unknown unit "parsecs"; it may be of octets'),
    (37, 31, "amount is in USD, and the plan in EUR"),
    (38, 17, "bucket kind 'money' is of another currency than the plan's E"),
    (39, 59, "rollover has no effect on an allowance that is granted once"),
    (40, 68, "the value is out of bounds; value: 251"),
    (40, 82, "at_most is of octets, and the bucket kind 'heavy' holds even"),
    (40, 93, "the value is none of the words known here; value: best"),
    (41, 60, "this key is missing"), (42, 17, "allowance 'twice' stands twice for the same time"),
    (43, 13, "the value is none of the words known here; value: forgive"),
    (48, 1, "this key is missing"),
    (50, 8, "lasts is of add-ons alone: an account keeps its base plan unt"),
    (51, 10, "fee_tax has no effect without fees"),
    (52, 10, "periods has no effect where nothing recurs"),
    (57, 9, "starts is 'first_use', and nothing can use an add-on without"),
    (58, 10, "overrun is the base plan's, and has no effect in an add-on"),
    (59, 14, "session_ttl is the base plan's, and has no effect in an add-"),
    (62, 42, "every is 2 months, and calendar periods count no higher than"),
    (63, 19, "allowances_after has no effect without allowances"),
    (66, 1, "add-on 'nothing' gives and costs nothing"),
    (69, 13, "unpaid_fee has no effect without fees"),
    (70, 8, "the value is none of the words known here; value: never"),
)

UNUSED = """\
    holidays: 12-25
    bucket_kinds:
      - kind: minutes
        unit: seconds
      - kind: dollars
        unit: money
        currency: USD
    times:
      - time: unasked
        on: Mo
      - time: over
        on: 2020-01-01..2020-12-31
      - time: empty
        on: Mo
        except: Mo-Su
    zones:
      - zone: half
        plmns: ["262"]
        numbers: "49"
    plans:
      - plan: p
        currency: EUR
        services:
          - service: internet
            rating_groups: [1]
            context: data
            unit: octets
            price:
              - 1 EUR per MB, up to 100 MB
              - 2 EUR per MB
            maximum: 10 EUR
            rates:
              - rate: never
                when: {time: empty}
                price: free
              - rate: last-year
                when: {time: over}
                price: free
              - rate: spoken
                when: {role: terminating}
                price: free
              - rate: neither
                when: {plmn: half, not: {plmn: half}}
                price: free
              - rate: in
                when: {apn: a}
                price: free
              - rate: out
                when: {not: {apn: a}}
                price: 1 EUR per MB
              - rate: rest
                when: {qci: 1}
                price: free
          - service: closed
            rating_groups: [2]
            unit: octets
            access: barred
            price: 1 EUR per MB
    """


def planted(files, path, wanted, summary):
    """Exactly these faults, as text and as JSON."""
    code, out, err = files.run("check", path)
    assert code == 1 and not err, (code, err)
    lines = out.splitlines()
    assert len(wanted) >= 30 and len(lines) == len(wanted) + 1, out
    for line, (row, column, text) in zip(lines, wanted):
        assert line.startswith(f"{path}:{row}:{column}: ") and text in line, (line, row, text)
    assert lines[-1] == f"{summary}, {len(wanted)} faults", lines[-1]
    code, out, _ = files.run("check", path, "--json")
    faults = json.loads(out)["faults"]
    assert code == 1 and [(f["line"], f["column"]) for f in faults] == [p[:2] for p in wanted]
    assert all(f["file"] == path and p[2] in f["text"] for f, p in zip(faults, wanted))


def test_thirty_planted_faults_in_one_run(files):
    planted(files, THIRTY, PLANTED, "2 plans, 2 services, 7 rates")


def test_planted_faults_of_products(files):
    planted(files, PRODUCTS, PLANTED_PRODUCTS,
            "4 plans (2 add-ons), 2 services, 0 rates, 10 fees, 10 allowances")


def test_what_config_refused_is_not_absent_for_the_compiler(files):
    path = files.write("p.yaml", """\
        plans:
          - plan: p
            currency: euro
            services:
              - service: s
                rating_groups: [any]
                unit: octets
                price: 1 euro per MB
                rounding: down
                maximum: 1 EURO
                at_maximum: stop
        """)
    code, out, _ = files.run("check", path)
    places = [line.split(": ")[0][len(path) + 1:] for line in out.splitlines()[:-1]]
    assert code == 1 and places == ["3:15", "8:16", "10:18"], out


def test_a_catalogue_is_one_directory_or_several_paths(files):
    files.write("a/one.yaml", "plan: one\ncurrency: EUR\nservices:\n"
                "  - {service: s, rating_groups: any, unit: events, price: 1 EUR per event}\n")
    files.write("a/kinds.yaml", "bucket_kinds:\n  - {kind: k, unit: events}\n")
    directory = os.path.join(files.directory, "a")
    same(files.run("check", directory)[1], "1 plan, 1 service, 0 rates, no fault\n")
    again = files.write("two.yaml", "plan: one\ncurrency: EUR\nservices: []\n")
    code, out, _ = files.run("check", directory, again)
    assert code == 1 and out.count("\n") == 3, out
    assert f"{again}:1:1: plan 'one' has no services" in out, out
    assert "this name is given twice" in out and out.endswith("2 plans, 1 service, 0 rates, 2 faults\n")
    code, out, _ = files.run("check", os.path.join(files.directory, "none.yaml"))
    assert code == 1 and "there is no such file" in out, out
    assert files.run("check")[0] == 2


def test_the_examples_have_no_warning(files):
    same(files.run("check", EXAMPLES)[1], "15 plans (4 add-ons), 24 services, 20 rates, "
         "6 fees, 5 allowances, no fault\n")


def test_what_a_bucket_kind_asks_for_is_used(files):
    path = files.write("kinds.yaml", """\
        times:
          - {time: night, on: "22:00-06:00"}
        zones:
          - {zone: abroad, plmns: [208]}
        bucket_kinds:
          - {kind: nightly, unit: octets, when: {time: night, not: {plmn: abroad}}}
          - {kind: mixed, unit: events, weights: {internet: 0.001}}
        plans:
          - plan: p
            currency: EUR
            services:
              - {service: internet, rating_groups: any, unit: octets, price: 1 EUR per GB}
        """)
    same(files.run("check", path)[1], "1 plan, 1 service, 0 rates, no fault\n")


def test_every_warning(files):
    path = files.write("unused.yaml", UNUSED)
    code, out, _ = files.run("check", path)
    assert code == 0, out
    rate = "plan p, service internet: rate {} can never apply: "
    wanted = [
        (1, 11, "holidays: no time asks for them"),
        (3, 11, "bucket kind minutes can pay for nothing: no service counts seconds"),
        (5, 11, "bucket kind dollars can pay for nothing: no plan is in USD"),
        (9, 11, "time unasked: no rate and no bucket kind asks for it"),
        (17, 11, "zone half: no rate and no bucket kind asks for its numbers (called, calling)"),
        (29, 11, "plan p, service internet: rates in and out take everything, so the service's own "
                 "price never applies"),
        (29, 11, "plan p, service internet: the maximum is reached before the tier that begins at "
                 "100000000 units, so its price never applies"),
        (33, 19, rate.format("never") + "time is empty, which is never on"),
        (36, 19, rate.format("last-year") + "time is over, which is over"),
        (39, 19, rate.format("spoken") + "no request in the context data names role"),
        (42, 19, rate.format("neither") + "plmn would have to be and not be the same"),
        (51, 19, rate.format("rest") + "rates in and out take everything"),
        (58, 16, "plan p, service closed: access is barred, so its prices never apply"),
    ]
    lines = [f"{path}:{line}:{column}: warning: {text}" for line, column, text in wanted]
    got = out.splitlines()
    assert sorted(got[:-1]) == sorted(lines), "\n".join(got)
    assert got[-1] == "1 plan, 2 services, 7 rates, no fault, 13 warnings", got[-1]


OFFERS = """\
currency: EUR
plan: base
exchange: {EUR: 2, USD: x}
topup_bonus:
  - {from: 10 EUR, gives: 10 %, kind: data}
  - {from: 10 EUR, gives: 1 GB}
  - {from: 0 EUR, gives: 1 EUR}
loan: {amount: 1 EUR, fee: 1 EUR}
services:
  - service: pooled
    rating_groups: [1]
    unit: octets
    pool: all
    connect_fee: 1 EUR
    price: 1 EUR per MB
  - service: gratis
    rating_groups: [2]
    unit: octets
    pool: all
    decimals: 1
    price: free
  - service: away
    rating_groups: [3]
    unit: octets
    price: 1 EUR per MB
    pass: base
---
plan: addon
kind: addon
currency: EUR
loan: {amount: 1 EUR}
fees:
  - {fee: x, amount: 1 EUR}
---
bucket_kinds:
  - {kind: data, unit: octets}
"""


def test_faults_of_offers_and_pools(files):
    code, out, _ = files.run("check", files.write("offers.yaml", OFFERS))
    assert code == 1, out
    for line, words in ((3, "exchange names EUR, which is the plan's own currency"),
                        (3, "exchange.USD is 'x'; allowed: a decimal above 0"),
                        (5, "the bucket kind 'data' holds octets; say how much of it"),
                        (6, "gives goes to the wallet, which holds EUR"),
                        (6, "from '10' stands twice"),
                        (7, "from is '0'; allowed"),
                        (8, "it is taken from it: lower it"),
                        (13, "pool needs prices that are the same for every unit"),
                        (19, "pool has no effect on a service that costs no money"),
                        (20, "decimals has no effect on a free price"),
                        (26, "pass 'base' is no add-on of this catalogue"),
                        (31, "loan is the base plan's, and has no effect in an add-on")):
        assert any(f"offers.yaml:{line}:" in row and words in row for row in out.splitlines()), \
            (line, words, out)
