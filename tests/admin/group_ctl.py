"""levyctl as a process: help, exit codes, JSON; levyd's own flags."""
import json
import os
import shutil
import subprocess

from levyd import HERE, find_program

UNIT = os.path.join(HERE, "..", "..", "tools", "levyd.service")

COMMANDS = (["subscriber"], ["balance"], ["buy"], ["end"], ["session"], ["status"], ["metrics"],
            ["reload"], ["versions"], ["audit"], ["token"], ["trace"], ["plan"],
            *(["subscriber", name] for name in (
                "show", "delete", "create", "import", "set", "suspend", "activate", "bar",
                "swap-sim", "change-number")),
            *(["balance", name] for name in ("show", "topup", "adjust", "transfer")),
            *(["session", name] for name in ("list", "show", "reauthorize", "abort")))


def test_every_command_has_help(world):
    for command in ([], *COMMANDS):
        code, out, err = world.ctl(*command, "--help")
        assert code == 0 and "Usage" in out and not err, (command, code, out, err)
    listed = world.ctl("--help")[1]
    for command in COMMANDS[:13]:
        assert command[0] in listed, command


def test_exit_codes(world):
    name, _, _ = world.account()
    assert world.ctl("status")[0] == 0
    assert world.ctl("balance", "show", name)[0] == 0
    code, _, err = world.ctl("balance", "show", "nobody")
    assert code == 1 and "nobody" in err and "hint" in err, err
    code, _, err = world.ctl("balance", "topup", name, "1.0000001", "EUR")
    assert code == 1 and "no rounding" in err, err
    for wrong in ([], ["fly"], ["balance", "topup", name], ["balance"],
                  ["subscriber", "import", "x", "--on-error", "cry"],
                  ["subscriber"], ["subscriber", "import", "/nonexistent/file"],
                  ["subscriber", "set", name, "counter", "one"],
                  ["subscriber", "set", name, "plan", "a", "b"],
                  ["subscriber", "set", name, "colour", "red"],
                  ["balance", "topup", name, "1", "EUR", "--bucket", "bonus-octets"],
                  ["--url", "levy.example", "status"], ["--url", "http://x:0", "status"],
                  ["--url", "http://127.0.0.1:1", "--token-file", "/nonexistent/file", "status"]):
        assert world.ctl(*wrong)[0] == 2, wrong
    code, _, err = world.program("levyctl", "--socket", "/nonexistent/levyd.sock", "status")
    assert code == 3 and "/nonexistent/levyd.sock" in err, err


def test_json_parses_and_tables_say_the_same(world):
    name, imsi, e164 = world.account("12.50")
    for command in (["status"], ["balance", "show", name], ["subscriber", "show", name],
                    ["session", "list", name], ["balance", "topup", name, "0.25", "EUR", "--key", "k"],
                    ["subscriber", "suspend", name], ["subscriber", "activate", name],
                    ["balance", "adjust", name, "--why", "w", "--", "-0.25", "EUR"],
                    ["subscriber", "set", name, "credit-limit", "3"],
                    ["subscriber", "set", name, "plan", "data-a"]):
        code, out, err = world.ctl("--json", *command)
        assert code == 0 and json.loads(out) is not None, (command, code, out, err)
    code, out, err = world.ctl("--json", "balance", "show", "nobody")
    assert code == 1 and json.loads(err)["error"] == "not_found" and not out
    table = world.ctl("subscriber", "show", "imsi:" + imsi)[1]
    for text in (name, imsi, e164, "12.50", "data-a", "active", "wallet"):
        assert text in table, (text, table)


def test_life_of_a_subscriber(world):
    code, out, _ = world.ctl("subscriber", "create", "--account", "life", "--imsi",
                             "262019000000001", "--e164", "491729000001", "--plan", "data-a",
                             "--wallet", "3", "--buckets", "bonus-octets=1 kB")
    assert code == 0 and "262019000000001" in out, out
    steps = (["subscriber", "bar", "life"], ["subscriber", "activate", "life"],
             ["subscriber", "swap-sim", "life", "262019000000002"],
             ["subscriber", "change-number", "life", "491729000002"],
             ["balance", "topup", "life", "5 kB", "--bucket", "bonus-octets"],
             ["subscriber", "delete", "imsi:262019000000002"])
    for step in steps:
        assert world.ctl(*step)[0] == 0, step
    assert world.ctl("subscriber", "show", "e164:491729000002")[0] == 1
    other, _, _ = world.account("1.00")
    assert world.ctl("balance", "transfer", "life", other, "2", "EUR")[0] == 0
    assert world.free(other) == "3.00"


def test_levyd_flags(world):
    code, out, _ = world.program("levyd", "--help")
    assert code == 0 and "Exit codes" in out
    code, out, _ = world.program("levyd", "--help-config")
    assert code == 0 and "origin_host" in out and "default: required" in out
    code, out, _ = world.program("levyd", "--version")
    assert code == 0 and out.startswith("levyd ")
    assert world.program("levyd")[0] == 2 and world.program("levyd", "--fly")[0] == 2


def test_levyd_check(world):
    code, out, err = world.program("levyd", "--check", "--config", world.levyd.config_path)
    assert code == 0 and "no fault" in out, (code, out, err)
    folder = os.path.join(world.levyd.directory, "faulty")
    shutil.copytree(os.path.join(HERE, "plans"), folder)
    plan = os.path.join(folder, "internet.yaml")
    with open(plan, encoding="utf-8") as file:
        text = file.read()
    with open(plan, "w", encoding="utf-8") as file:
        file.write(text.replace("price: 0.25 EUR", "price: 0.2x EUR", 1))
    line = text[:text.index("price: 0.25 EUR")].count("\n") + 1
    for change, place in (({"plans": folder}, f"{plan}:{line}:12"), ({"colour": "red"}, "colour")):
        path = os.path.join(world.levyd.directory, "faulty.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**world.levyd.options, **change}, file, indent=2)
        code, out, err = world.program("levyd", "--check", "--config", path)
        assert code == 1 and place in err, (code, out, err, place)


def test_the_unit_file_fits_the_programs(world):
    """What tools/levyd.service starts: the flags exist, and systemd itself finds no fault."""
    with open(UNIT, encoding="utf-8") as file:
        text = file.read()
    commands = [line.split("=", 1)[1].split() for line in text.splitlines()
                if line.startswith("Exec")]
    assert len(commands) == 3, commands
    for path, *arguments in commands:
        code, out, _ = world.program(os.path.basename(path), "--help")
        assert code == 0
        for word in arguments:
            assert not word.startswith("-") or f"{word} " in out, (path, word)
    starts = [command for command in commands if command[0].endswith("/levyd")]
    for _, *arguments in starts:  # as the unit says it, but with a configuration that is here
        given = [world.levyd.config_path if word.endswith(".yaml") else word for word in arguments]
        check = given if "--check" in given else [*given, "--check"]
        assert world.program("levyd", *check)[0] == 0, check
    if shutil.which("systemd-analyze") is None:
        return
    path = os.path.join(world.levyd.directory, "levyd.service")
    for name in ("levyd", "levyctl"):  # verify wants the programs to be where the unit says
        text = text.replace(f"/usr/bin/{name} ", find_program(world.build, name) + " ")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    run = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True,
                         text=True, check=False, timeout=60)
    complaints = [line for line in (run.stdout + run.stderr).splitlines() if "levyd.service" in line]
    assert run.returncode == 0 and not complaints, run.stderr
