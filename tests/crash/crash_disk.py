"""A full disk and a failing one.

Small: levyd refuses to start where not even two segments fit, and warns where a full disk could
stop it for good.
Full: the data directory lies on a small tmpfs (in a mount namespace of this test, so that nothing is
left behind). Under load the space is taken away: levyd lives on, answers nothing that is not durable,
refuses what it cannot take, says so, and goes on by itself when the space is back. Killed while the
disk is full, it refuses to start and says why; with space it starts and nothing is lost or doubled.
Failing: a limit on the file size makes a write of the journal fail at a random moment (short write,
EFBIG); levyd must end with code 3 without an answer more, and the restart must be consistent.
"""
import os
import re
import resource
import subprocess
import sys
import time

import rig
from levyd import LevydError
from ledger import Fault, Ledger

DISK_MIB = 128    # room for the journal of two snapshots when all that waited comes at once
MIB = 1 << 20
STALL_S = 20      # within which a full disk must have stopped the journal
RECOVER_S = 10    # within which it must go on once there is space
WAITING = 400     # subscribers: more than ring and parking hold, so that some are refused


def in_own_namespace():
    """Runs this program again where it may mount, and where the mounts end with it."""
    if os.environ.get("LEVY_CRASH_DISK_NAMESPACE"):
        return
    os.environ["LEVY_CRASH_DISK_NAMESPACE"] = "1"
    unshare = ["unshare", "--mount"]
    if os.geteuid() != 0:
        unshare += ["--user", "--map-root-user"]
    os.execvp("unshare", unshare + [sys.executable, *sys.argv])


def metric(levyd, name):
    """The sum of a family's rows."""
    return sum(float(line.rsplit(" ", 1)[1]) for line in levyd.metrics().splitlines()
               if line.startswith(name) and line[len(name)] in " {")


def sum_of(levyd):
    """MiB that `levyd --check` says may be needed."""
    run = subprocess.run([levyd.program, "--config", levyd.config_path, "--check"],
                         capture_output=True, text=True, check=True, timeout=60)
    return int(re.search(r"^disk .* together (\d+) MiB$", run.stdout, re.MULTILINE).group(1))


class FullDisk:
    def __init__(self, args):
        self.rig = rig.Rig(args, count=WAITING, options={
            "capacity": {"accounts_max": 500, "identities_max": 1500, "buckets_max": 800},
            "data": {"directory": "disk/data"}})
        self.levyd = self.rig.levyd
        self.mount = os.path.join(self.levyd.directory, "disk")
        self.filler = os.path.join(self.mount, "filler")

    def fill_up(self):
        """Takes every byte that is free now."""
        chunk = bytes(64 * 1024)
        with open(self.filler, "ab", buffering=0) as file:
            try:
                while file.write(chunk):
                    pass
            except OSError:
                pass

    def load(self, path):
        return self.rig.load(path, "--answer-timeout", 30, pace=("--rate", 5000),
                             allow="4012,3004", duplicates=0)

    def wait_stall(self, load):
        """Fills the disk, again and again, until the journal has stopped."""
        deadline = time.monotonic() + STALL_S
        stalls = metric(self.levyd, "levy_journal_stall_total")
        while metric(self.levyd, "levy_journal_stall_total") == stalls:
            self.fill_up()
            if time.monotonic() > deadline or load.poll() is not None:
                raise Fault(f"the journal did not stop on a full disk:\n{self.levyd.log_end()}")
            time.sleep(0.01)
        # What is under way ends; then requests wait and nothing moves.
        before, still = 0, 0
        for _ in range(200):
            self.fill_up()
            durable = metric(self.levyd, "levy_durable_lsn")
            waits = metric(self.levyd, "levy_frames_parked") > 0
            still = still + 1 if waits and durable == before else 0
            if still == 3:
                return
            before = durable
            time.sleep(0.1)
        raise Fault("the journal goes on although the disk is full")

    def wait_quiet(self):
        """Until what was received is charged, though nobody waits for the answers any more."""
        before = -1
        while (durable := metric(self.levyd, "levy_durable_lsn")) != before:
            before = durable
            time.sleep(0.3)

    def check_refusals(self, path):
        """While full: no answer but 3004, and levyd says why."""
        lines = sum(1 for _ in open(path, "rb"))
        refused = metric(self.levyd, 'levy_shed_total')
        time.sleep(0.3)
        if not self.levyd.running():
            raise Fault(f"levyd ended:\n{self.levyd.log_end()}")
        with open(path, encoding="ascii") as file:
            late = [line for line in file.read().splitlines()[lines:] if line.startswith("A ")]
        taken = [line for line in late if line.split(" ")[4] != "3004"]
        if taken:
            raise Fault(f"answered while nothing could be written: {taken[:3]}")
        if not late or metric(self.levyd, 'levy_shed_total') == refused:
            raise Fault("nothing was refused while the disk was full")
        if "cannot prepare the next segment" not in self.levyd.log_end(400):
            raise Fault("the log does not say that the disk is full")
        return len(late)

    def without_restart(self):
        """Full for a while, then free again."""
        path = self.rig.new_ledger()
        load = self.load(path)
        self.rig.wait_traffic(load, path)
        self.wait_stall(load)
        refused = self.check_refusals(path)
        durable = metric(self.levyd, "levy_durable_lsn")
        os.remove(self.filler)
        deadline = time.monotonic() + RECOVER_S
        while metric(self.levyd, "levy_durable_lsn") <= durable + 100:
            if time.monotonic() > deadline:
                raise Fault(f"it does not go on with space:\n{self.levyd.log_end()}")
            time.sleep(0.05)
        load.kill()  # its ledger holds each request before its bytes were sent
        load.communicate()
        self.wait_quiet()
        (_, page), _ = self.rig.settle(path)
        if "segments can be prepared again" not in self.levyd.log_end(400):
            raise Fault("the log does not say that the disk is well again")
        self.rig.book.close(page)
        print(f"full disk: {len(page.sessions)} sessions, {refused} refusals in 0.3 s, went on")

    def killed_while_full(self):
        path = self.rig.new_ledger()
        load = self.load(path)
        self.rig.wait_traffic(load, path)
        self.wait_stall(load)
        self.levyd.kill()
        self.rig.end_load(load, expected=(rig.LOST,))
        self.fill_up()
        try:
            self.levyd.start()
        except LevydError as error:
            if "code 1" not in str(error) or "No space left on device" not in str(error):
                raise Fault(f"the start on a full disk: {error}") from error
        else:
            raise Fault("it started on a full disk")
        os.remove(self.filler)
        self.levyd.start()
        (_, page), known = self.rig.settle(path)
        print(f"killed while full: {len(known)} requests without an answer, "
              f"{sum(charged for charged, _ in known.values())} charged")
        self.rig.book.close(page)

    def resize(self, mib):
        subprocess.run(["mount", "-o", f"remount,size={mib}m", self.mount], check=True)

    def too_small(self):
        """1 MiB holds no two segments of 1 MiB; DISK_MIB hold them, but not what may come."""
        self.resize(1)
        try:
            self.levyd.start()
        except LevydError as error:
            if "code 1" not in str(error) or "not even two segments" not in str(error):
                raise Fault(f"the start on a tiny disk: {error}") from error
        else:
            raise Fault("it started where not even two segments fit")
        self.resize(DISK_MIB)
        self.levyd.start()
        line = [one for one in self.levyd.log_end().splitlines() if "lower `data.snapshot" in one]
        need = sum_of(self.levyd)
        if len(line) != 1 or f"together {need} MiB" not in line[0] or need <= DISK_MIB:
            raise Fault(f"no warning of {need} MiB:\n{self.levyd.log_end()}")
        print(f"small disk: {need} MiB may be needed, {DISK_MIB} are there: warned")

    def run(self):
        os.mkdir(self.mount)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "levy-crash-disk",
                        self.mount], check=True)
        try:
            with self.levyd:
                self.too_small()
                self.rig.fill()
                self.without_restart()
                self.killed_while_full()
                self.levyd.stop()
                subprocess.run(["umount", self.mount], check=True)
                self.levyd.process = None
        finally:
            if os.path.ismount(self.mount):
                self.levyd.process = None
                subprocess.run(["umount", "--lazy", self.mount], check=False)


def failing_disk(args, write_mode, tries):
    """The journal cannot be written beyond a random place of its segments."""
    test = rig.Rig(args, options={"data": {"write_mode": write_mode}})
    with test.levyd as levyd:
        levyd.start()
        test.fill()
        for _ in range(tries):
            path = test.new_ledger()
            load = test.load(path)
            test.wait_traffic(load, path)
            limit = test.random.randrange(300 * 1024, MIB)
            resource.prlimit(levyd.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
            try:
                code = levyd.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                raise Fault(f"a failed write did not end levyd:\n{levyd.log_end()}") from None
            levyd.process = None
            test.end_load(load, expected=(rig.LOST,))
            if code != 3 or "a write failed" not in levyd.log_end():
                raise Fault(f"{write_mode}: code {code} after a failed write:\n{levyd.log_end()}")
            levyd.start()
            (ledger, page), known = test.settle(path)
            test.repeat_answered(ledger)
            test.settled(path, {})
            test.book.close(page)
            print(f"failing disk, {write_mode}: code 3, {len(known)} requests without an answer, "
                  f"{sum(charged for charged, _ in known.values())} charged")


def main():
    in_own_namespace()
    args = rig.arguments(__doc__)
    FullDisk(args).run()
    failing_disk(args, "thread", tries=3)
    failing_disk(args, "auto", tries=3)


if __name__ == "__main__":
    sys.exit(rig.run(main))
