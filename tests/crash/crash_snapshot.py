"""Snapshots under traffic, damaged files, a second daemon, backup and restore, the clean stop.

Each scene runs on a levyd of its own with a snapshot every second.
"""
import os
import shutil
import signal
import struct
import subprocess
import sys
import time

import rig
from crash_placement import dump_of, expect_same
from ledger import Fault, Ledger
from levyd import free_port
from peer import ORIGIN_STATE_ID, Peer

BLOCK = 4096
REPLAYED_MAX = 32  # Records after a clean stop: what the stop itself writes, whatever the load was
REBOOTING = 0      # Disconnect-Cause


def data_path(levyd, *names):
    return os.path.join(levyd.directory, "data", *names)


def snapshots(levyd):
    """Paths of the complete ones, newest first; a name is the start LSN."""
    folder = data_path(levyd, "snapshot")
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder), reverse=True)
            if name.endswith(".snap")]


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


def refused_start(levyd, *words, extra=()):
    """levyd must not start, with code 1 and a text that holds the words."""
    run = subprocess.run([levyd.program, "--config", levyd.config_path, *extra],
                         capture_output=True, text=True, check=False, timeout=60)
    text = run.stdout + run.stderr
    missing = [word for word in words if word not in text]
    if run.returncode != 1 or missing:
        raise Fault(f"code {run.returncode}, must be 1; not in its text: {missing}\n{text}")


def log_since(levyd, place):
    with open(levyd.log_path, encoding="utf-8") as file:
        file.seek(place)
        return file.read()


def run_load(test, duration):
    """A run to its end, checked against its ledger."""
    path = test.new_ledger()
    test.end_load(test.load(path, duration=duration, pace=("--rate", 4000)))
    page = rig.Page(Ledger.read(path))
    test.checker.after_resume(page, {})
    test.book.close(page)


def kill_under_load(test, moment, killed):
    """Load, SIGKILL when moment() returns, killed(), restart, and all is as the ledger says."""
    path = test.new_ledger()
    load = test.load(path)
    test.wait_traffic(load, path)
    moment()
    test.levyd.kill()
    killed()
    test.end_load(load, expected=(rig.LOST,))
    test.levyd.start()
    (_, page), _ = test.settle(path)
    test.book.close(page)


# ---- scenes ------------------------------------------------------------------------------------

def kill_in_a_snapshot(test):
    """SIGKILL while the file is being written: it does not count, and is no harm."""
    unfinished = data_path(test.levyd, "snapshot", "snapshot.new")
    hits = tries = 0

    def begun():
        deadline = time.monotonic() + 10
        while not os.path.exists(unfinished):
            if time.monotonic() > deadline:
                raise Fault("no snapshot begins under load")
        time.sleep(test.random.uniform(0, 0.003))

    def killed():
        nonlocal hits
        hits += os.path.exists(unfinished)

    while hits < 5:
        tries += 1
        if tries > 20:
            raise Fault(f"{hits} of 20 kills hit the writing of a snapshot")
        kill_under_load(test, begun, killed)
    print(f"kill in a snapshot: {hits} of {tries} hit")


def damaged_snapshot(test):
    """The newest is damaged: the older one and more of the journal. Both: refused, said why."""
    levyd = test.levyd
    for _ in range(2):
        run_load(test, 1.2)
    deadline = time.monotonic() + 10
    while len(snapshots(levyd)) < 2:
        if time.monotonic() > deadline:
            raise Fault("two snapshots must be kept")
        time.sleep(0.05)
    before = dump_of(test)
    levyd.kill()
    newest, older = snapshots(levyd)
    flip(newest, os.path.getsize(newest) // 2)
    place = os.path.getsize(levyd.log_path)
    levyd.start()
    text = log_since(levyd, place)
    if f"snapshot not taken: {newest}" not in text or f"recovery: snapshot {older}" not in text:
        raise Fault(f"it must fall back to {older}:\n{text}")
    expect_same(test, before, "from the older snapshot")
    levyd.kill()
    for path in snapshots(levyd):
        flip(path, os.path.getsize(path) // 3)
    left = snapshots(levyd)
    refused_start(levyd, "no snapshot can be taken", *left)
    for path in left:
        flip(path, os.path.getsize(path) // 3)
    levyd.start()
    expect_same(test, before, "with a sound snapshot again")


def blocks(path):
    """(offset, Records) of the blocks of a segment: engine/journal/block.hpp."""
    with open(path, "rb") as file:
        octets = file.read()
    at = 0
    while at + 64 <= len(octets) and octets[at:at + 4] == b"LVJB":
        records, payload = struct.unpack_from("<II", octets, at + 36)
        yield at, records
        at += (64 + payload + BLOCK - 1) // BLOCK * BLOCK


def damaged_journal(test):
    """A byte in the middle: no start, with file and offset, and nothing is touched."""
    levyd = test.levyd
    run_load(test, 1.5)
    before = dump_of(test)
    levyd.kill()
    folder = data_path(levyd, "journal")
    found = [(os.path.join(folder, name), offset) for name in sorted(os.listdir(folder))
             for offset, records in blocks(os.path.join(folder, name))
             if records]
    if len(found) < 20:
        raise Fault(f"only {len(found)} blocks")
    path, offset = found[test.random.randrange(len(found) // 4, len(found) // 2)]
    flip(path, offset + 100)
    for _ in range(2):
        refused_start(levyd, path, f"offset {offset}")
    flip(path, offset + 100)
    levyd.start()
    expect_same(test, before, "with the byte as it was")


def second_daemon(test):
    """On the same directory: refused with the holder's process id; the first goes on."""
    levyd = test.levyd
    options = rig.merge(levyd.options, {
        "admin": {"socket": "other.sock"},
        "diameter": {"listeners": [{"address": "127.0.0.1", "port": free_port()}]}})
    mine = levyd.options
    levyd.configure(options)
    refused_start(levyd, "in use by process " + str(levyd.process.pid))
    levyd.configure(mine)
    run_load(test, 0.3)


def restore(levyd, source):
    shutil.rmtree(data_path(levyd))
    shutil.copytree(source, data_path(levyd))


def backup_and_restore(test):
    """A copy of the stopped directory, and one of a frozen moment under load."""
    levyd = test.levyd
    backup = os.path.join(levyd.directory, "backup")
    run_load(test, 1)
    before = dump_of(test)
    levyd.stop()
    shutil.copytree(data_path(levyd), backup)
    levyd.start()
    path = test.new_ledger()  # what comes after the backup is gone with the restore
    test.end_load(test.load(path, duration=0.5))
    levyd.stop()
    restore(levyd, backup)
    levyd.start()
    expect_same(test, before, "restored")
    # Frozen in one moment, as a snapshot of the file system: like a power cut.
    path = test.new_ledger()
    load = test.load(path)
    test.wait_traffic(load, path)
    time.sleep(test.random.uniform(0.2, 1.2))
    os.kill(levyd.process.pid, signal.SIGSTOP)
    time.sleep(0.3)  # writes that were submitted end; nothing is answered any more
    frozen = os.path.join(levyd.directory, "frozen")
    shutil.copytree(data_path(levyd), frozen)
    at_copy = test.new_ledger()
    shutil.copy(path, at_copy)
    os.kill(levyd.process.pid, signal.SIGCONT)
    levyd.kill()
    test.end_load(load, expected=(rig.LOST,))
    restore(levyd, frozen)
    # Another machine: its name does not fit, unless the operator says so.
    levyd.configure(rig.merge(levyd.options, {"node": {"name": "restored"}}))
    refused_start(levyd, "--adopt")
    adopt(levyd)
    (_, page), _ = test.settle(at_copy)
    test.book.close(page)


def adopt(levyd):
    """Takes the directory over: a start with --adopt, ended again; the next start needs no flag."""
    with open(levyd.log_path, "ab") as log:
        process = subprocess.Popen([levyd.program, "--config", levyd.config_path, "--adopt"],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    levyd.process = process
    levyd._wait_ready()
    levyd.kill()
    levyd.start()


def clean_stop(test):
    """SIGTERM under load: DPR, a last snapshot, code 0; the next start has nothing to replay."""
    levyd = test.levyd
    watcher = Peer(levyd.port)
    origin_state_id = watcher.cea[ORIGIN_STATE_ID]
    path = test.new_ledger()
    load = test.load(path)
    test.wait_traffic(load, path)
    time.sleep(test.random.uniform(0.2, 0.8))
    process = levyd.process
    process.send_signal(signal.SIGTERM)
    cause = watcher.wait_disconnect()
    if cause != REBOOTING:
        raise Fault(f"Disconnect-Cause {cause} in the DPR of a stop")
    watcher.close()
    code = process.wait(timeout=20)
    levyd.process = None
    test.end_load(load, expected=(0, 1, rig.LOST))
    text = levyd.log_end()
    if code != 0 or "snapshot: written" not in text or "stopped: durable" not in text:
        raise Fault(f"a stop under load: code {code}\n{text}")
    place = os.path.getsize(levyd.log_path)
    levyd.start()
    replayed = [line for line in log_since(levyd, place).splitlines() if "replayed" in line]
    count = int(replayed[0].split("recovery: ")[1].split(" ")[0])
    if count > REPLAYED_MAX:
        raise Fault(f"after a clean stop: {replayed[0]}")
    again = Peer(levyd.port)
    if again.cea[ORIGIN_STATE_ID] != origin_state_id:
        raise Fault("another Origin-State-Id: gateways would give up their sessions")
    again.close()
    (_, page), known = test.settle(path)
    test.book.close(page)
    print(f"clean stop: {count} Records replayed, {len(known)} requests were under way")


# Time between snapshots of each scene.
SCENES = [(kill_in_a_snapshot, "1 s"), (damaged_snapshot, "1 s"), (damaged_journal, "1 h"),
          (second_daemon, "1 h"), (backup_and_restore, "1 s"), (clean_stop, "1 s")]


def main():
    args = rig.arguments(__doc__)
    for scene, every in SCENES:
        started = time.monotonic()
        test = rig.Rig(args, options={"sessions": {"duplicate_window": "15 min"},
                                      "data": {"snapshot": {"every": every}}})
        with test.levyd as levyd:
            levyd.start()
            test.fill()
            try:
                scene(test)
            except Fault as fault:
                raise Fault(f"{scene.__name__}: {fault}") from fault
        print(f"{scene.__name__}: {time.monotonic() - started:.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(rig.run(main))
