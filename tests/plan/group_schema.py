"""The JSON Schemas for editors: current, valid, true to the loader for every example."""
import copy
import glob
import json
import os
import re

import jsonschema
import yaml

from command import HERE, ROOT

PLAN_FILES = sorted(glob.glob(os.path.join(ROOT, "config", "examples", "plans", "*.yaml")) +
                    glob.glob(os.path.join(ROOT, "tests", "support", "plans", "*.yaml")) +
                    [os.path.join(ROOT, "tests", "scenario", "plans.yaml"),
                     os.path.join(ROOT, "tests", "scenario", "plans_tariffs.yaml"),
                     os.path.join(HERE, "vectors.yaml")])


class Yaml12(yaml.SafeLoader):
    """Types scalars as editors do (YAML 1.2, core schema): no dates, no sexagesimal numbers."""
    yaml_implicit_resolvers = {}


for tag, pattern, first in (("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
                            ("null", "null|Null|NULL|~|", ["n", "N", "~", ""]),
                            ("int", "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
                            ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?",
                             "-+.0123456789")):
    Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"),
                                 list(first))


def schema_of(files, *flags):
    code, out, err = files.run("schema", *flags)
    assert code == 0, err
    schema = json.loads(out)
    jsonschema.Draft202012Validator.check_schema(schema)
    return out, jsonschema.Draft202012Validator(schema)


def documents(path):
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.load_all(file, Yaml12) if document is not None]


def faults(validator, document):
    return [f"{'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(document)]


def test_the_files_are_current(files):
    for name, flags in (("plan", ()), ("levyd", ("--levyd",))):
        path = os.path.join(ROOT, "config", f"{name}.schema.json")
        with open(path, encoding="utf-8") as file:
            current = file.read()
        assert current == schema_of(files, *flags)[0], \
            f"levyctl plan schema {' '.join(flags)} > config/{name}.schema.json"


def test_every_example_validates(files):
    _, plan = schema_of(files)
    assert len(PLAN_FILES) >= 10
    for path in PLAN_FILES:
        for document in documents(path):
            assert not faults(plan, document), (path, faults(plan, document))
    _, options = schema_of(files, "--levyd")
    path = os.path.join(ROOT, "config", "examples", "levyd.yaml")
    for document in documents(path):
        assert not faults(options, document), faults(options, document)


def mappings(value, at=()):
    """Every mapping below a document whose keys are declared, with its path."""
    if isinstance(value, dict):
        if at[-1:] not in (("dialects",), ("weights",)):  # their keys are names
            yield at
        for key, inner in value.items():
            yield from mappings(inner, at + (key,))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from mappings(inner, at + (index,))


def changed(document, at, change):
    copied = copy.deepcopy(document)
    inner = copied
    for part in at:
        inner = inner[part]
    change(inner)
    return copied


def test_an_unknown_key_fails_wherever_it_stands(files):
    cases = [(schema_of(files)[1], path) for path in PLAN_FILES]
    cases.append((schema_of(files, "--levyd")[1],
                  os.path.join(ROOT, "config", "examples", "levyd.yaml")))
    planted = 0
    for validator, path in cases:
        for document in documents(path):
            for at in mappings(document):
                wrong = changed(document, at, lambda inner: inner.update(unknown_key=1))
                assert faults(validator, wrong), (path, at)
                planted += 1
    assert planted > 150, planted


def test_values_that_the_loader_refuses(files):
    _, plan = schema_of(files)
    document = documents(os.path.join(ROOT, "config", "examples", "plans", "postpaid.yaml"))[0]
    assert not faults(plan, document)
    call = ("services", 0)
    for at, key, value in (((), "currency", "euro"), ((), "overrun", "debit"),
                           ((), "boundary_spread", "30"), ((), "credit_limit", "-1"),
                           (call, "unit", "minutes"), (call, "context", "fax"),
                           (call, "price", "0.99 EUR each"), (call, "tax", "19"),
                           (call, "rating_groups", ["all"]), (call, "validity", 600),
                           (call, "on_lost", "charge"), (call, "on_new_version", "later"),
                           (call, "rates", {}),
                           (call + ("grant",), "default", "5 parsecs"),
                           (call + ("rates", 0), "connect_fee", "0.05"),
                           (call + ("rates", 1, "when"), "role", "both"),
                           (call + ("rates", 1, "when"), "qci", "high")):
        wrong = changed(document, at, lambda inner: inner.update({key: value}))
        assert faults(plan, wrong), (at, key, value)
    for at, key in (((), "currency"), (call, "unit"), (call + ("rates", 0), "when")):
        wrong = changed(document, at, lambda inner: inner.pop(key))
        assert faults(plan, wrong), (at, key)


def test_products_that_the_loader_refuses(files):
    _, plan = schema_of(files)
    kinds, base, addon = documents(os.path.join(ROOT, "config", "examples", "plans",
                                                "products.yaml"))[:3]
    fee, allowance, rollover = ("fees", 1), ("allowances", 0), ("allowances", 0, "rollover")
    night, bundle = ("bucket_kinds", 1), ("bucket_kinds", 3)
    for document, at, key, value in (
            (base, (), "kind", "add-on"), (base, (), "lasts", "30 d"), (base, (), "prorate", "yes"),
            (base, (), "fee_tax", "19"), (base, (), "unpaid_fee", "forgive"),
            (base, fee, "amount", "10"), (base, fee, "every", "mnth"),
            (base, allowance, "amount", "much"), (base, allowance, "rollover", 1),
            (base, rollover, "periods", 251), (base, rollover, "use", "never"),
            (addon, (), "again", "maybe"), (addon, (), "starts", "later"),
            (addon, (), "priority", 32768), (kinds, bundle, "weights", {"sms": "heavy"}),
            (kinds, night, "when", "always"), (kinds, night + ("when",), "plmns", "eu")):
        wrong = changed(document, at, lambda inner: inner.update({key: value}))
        assert faults(plan, wrong), (at, key, value)
    for document, at, key in ((base, (), "services"), (base, fee, "fee"), (base, fee, "amount"),
                              (base, allowance, "allowance"), (base, rollover, "periods")):
        wrong = changed(document, at, lambda inner: inner.pop(key))
        assert faults(plan, wrong), (at, key)
    assert "services" not in addon and not faults(plan, addon)


def test_examples_name_their_schema(files):
    for path in PLAN_FILES + [os.path.join(ROOT, "config", "examples", "levyd.yaml")]:
        with open(path, encoding="utf-8") as file:
            first = file.readline()
        if os.path.join("config", "examples") not in path and HERE not in path:
            continue
        found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)\n", first)
        assert found, (path, first)
        assert os.path.exists(os.path.join(os.path.dirname(path), found.group(1))), path
