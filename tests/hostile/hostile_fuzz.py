"""Mutated messages for ten seconds, from a seed: levyd answers or closes, and stays right.

A failure is repeated by `hostile_test.py fuzz --build DIR --seed N`; the seed is printed.
"""
import random
import struct
import time

import scene as scenes
import wire
from levyd import LevydError

DURATION_S = 10
INTERESTING = (0, 1, 7, 8, 12, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0xFFFFFF, 0x80000000, 0xFFFFFFFF)
FUZZED = "001010000000002"  # the target: pays for mutations that are still good requests


def samples(session, number):
    """Good messages of every kind that a gateway sends."""
    rows = [wire.mscc(1, rsu=scenes.STEP, usu=1000), wire.mscc(10, rsu=10, usu=0)]
    update = wire.charge(session, wire.UPDATE, number, FUZZED, rows)
    update[873] = wire.avp(873, [wire.avp(874, [
        wire.avp(2, b"\0\0\0\1", vendor=10415), wire.avp(30, "internet"),
        wire.avp(1227, b"\0\1\x0a\0\0\1", vendor=10415)], vendor=10415)], vendor=10415)
    update[284] = wire.avp(284, [wire.avp(280, "agent"), wire.avp(33, b"state")])
    event = wire.charge(session, wire.EVENT, number, FUZZED, rows)
    event[436] = wire.avp(436, 0)
    return [wire.ccr(wire.charge(session, wire.INITIAL, number, FUZZED, rows)), wire.ccr(update),
            wire.ccr(wire.charge(session, wire.TERMINATION, number, FUZZED, rows)),
            wire.ccr(event), wire.watchdog("fuzz.hostile"), wire.capabilities("fuzz.hostile"),
            wire.message(wire.RAR, [wire.avp(263, session), wire.avp(268, 2001)], flags=0)]


def mutate(chance, octets):
    """One to four changes: octets, whole numbers, lengths, parts taken out, doubled or moved."""
    data = bytearray(octets)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        kind = chance.randrange(7)
        if kind == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[at] = chance.randrange(256)
        elif kind == 2:
            at &= ~3
            data[at:at + 4] = struct.pack(">I", chance.choice(INTERESTING))
        elif kind == 3:
            del data[at & ~3:(at & ~3) + 4 * chance.randint(1, 8)]
        elif kind == 4:
            part = data[at & ~3:(at & ~3) + 4 * chance.randint(1, 16)]
            data[at & ~3:at & ~3] = part
        elif kind == 5:
            data[at & ~3:at & ~3] = bytes(chance.randrange(256) for _ in range(4))
        else:
            data[at:at + 1] = bytes([chance.choice(INTERESTING) & 0xFF])
        if len(data) < 20:
            return bytes(octets)
    if chance.random() < 0.9:  # mostly the framing holds, so that more is looked at
        data[0] = 1
        data[1:4] = len(data).to_bytes(3, "big")
    return bytes(data)


class Fuzzer:
    def __init__(self, scene, seed):
        self.scene = scene
        self.chance = random.Random(seed)
        self.sent = self.answered = self.connections = 0
        self.peer = None

    def connected(self):
        if self.peer is None:
            self.connections += 1
            self.peer = self.scene.peer("fuzz.hostile")
        return self.peer

    def drop(self):
        if self.peer is not None:
            self.peer.close()
            self.peer = None

    def burst(self, number):
        """Some mutated messages and a DWR behind them: its answer says that all were looked at."""
        peer = self.connected()
        session = f"fuzz;{number // 3};1"
        messages = [mutate(self.chance, self.chance.choice(samples(session, number % 4)))
                    for _ in range(self.chance.randint(1, 8))]
        mark = wire.watchdog(peer.host)
        hop = struct.unpack_from(">I", mark, 12)[0]
        try:
            peer.send(b"".join(messages) + mark)
            self.sent += len(messages)
            self.collect(peer, hop)
        except (ConnectionError, TimeoutError):
            self.drop()  # framing was lost, or a mutation waits for the rest of itself

    def collect(self, peer, hop):
        while True:
            got = peer.receive(0.2)
            if got is None:
                self.drop()
                return
            self.scene.expect(not got.request, f"a request of levyd: {got}")
            self.answered += 1
            error_bit = bool(got.flags & wire.ERROR)
            self.scene.expect(error_bit == (3000 <= (got.result or 0) < 4000), f"E bit: {got}")
            if got.hop == hop and got.command == wire.DWR:
                return


def law_holds(scene):
    wallet = {key: round(float(value) * 1_000_000) for key, value in
              scene.levyd.wallet(f"imsi:{FUZZED}").items()
              if key in ("free", "reserved", "credits", "spent", "written_off", "in_transit")}
    right = (wallet["spent"] - wallet["written_off"] + wallet["reserved"] + wallet["free"]
             + wallet["in_transit"])
    scene.expect(wallet["credits"] == right, f"the law of money is broken: {wallet}")
    return wallet


def run(build, seed=None):
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    print(f"  --seed {seed}", flush=True)
    with scenes.Scene(build) as scene:
        scene.target_judged_here = True
        fuzzer = Fuzzer(scene, seed)
        started = time.monotonic()
        number = 0
        while time.monotonic() - started < DURATION_S:
            number += 1
            try:
                fuzzer.burst(number)
            except (wire.WireError, LevydError) as error:
                scene.expect(False, f"burst {number}: {error}")
                fuzzer.drop()
            if number % 20 == 0:
                scene.tick()
            if not scene.levyd.running() or len(scene.faults) > 20:
                break
        fuzzer.drop()
        print(f"  {fuzzer.sent} mutated messages, {fuzzer.answered} answers, "
              f"{fuzzer.connections} connections")
        scene.expect(fuzzer.answered > 500, f"only {fuzzer.answered} answers")
        wallet = law_holds(scene)
        scene.levyd.kill()  # and what the journal holds is what was said
        scene.levyd.start()
        scene.expect(law_holds(scene) == wallet, "a restart changes the fuzzed account")
        scene.steady.close()
        scene.steady = scene.peer("steady.test")
