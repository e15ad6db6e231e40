"""Byte streams that are legal and unkind: drop by drop, glued, never read, broken off."""
import socket
import struct
import time

import scene as scenes
import wire


def opened(scene, peer, services=True):
    session = scene.session()
    rows = [wire.mscc(1, rsu=scenes.STEP)] if services else []
    avps = wire.charge(session, wire.INITIAL, 0, scenes.TARGET, rows, host=peer.host)
    return session, wire.ccr(avps)


def ended(session, number, host):
    return wire.ccr(wire.charge(session, wire.TERMINATION, number, scenes.TARGET, host=host))


def drop_by_drop(scene):
    """CER, CCR-I and CCR-T, each octet in a segment of its own; the good gateway goes on."""
    with wire.Peer(scene.levyd.port, "drip.hostile") as peer:
        for number, octets in enumerate((wire.capabilities(peer.host), None, None)):
            if number == 1:
                session, octets = opened(scene, peer)
            elif number == 2:
                octets = ended(session, 1, peer.host)
            for at in range(len(octets)):
                peer.send(octets[at:at + 1])
                if at % 100 == 50:
                    scene.tick()
            hop = struct.unpack_from(">I", octets, 12)[0]
            scene.expect_answer(f"drop by drop, message {number}", peer.answer_to(hop), 2001)


def glued(scene):
    """A thousand requests in one send, cut anywhere: each is answered once, under its own ids."""
    with scene.peer("glue.hostile") as peer:
        session, first = opened(scene, peer)
        rounds = [first]
        for number in range(1, 999):
            avps = wire.charge(session, wire.UPDATE, number, scenes.TARGET,
                               [wire.mscc(1, rsu=scenes.STEP)], host=peer.host)
            rounds.append(wire.ccr(avps))
        rounds.append(ended(session, 999, peer.host))
        peer.send(b"".join(rounds))
        wanted = [struct.unpack_from(">II", octets, 12) for octets in rounds]
        answers = [peer.receive(10) for _ in rounds]
        scene.expect(sorted((a.hop, a.end) for a in answers) == sorted(wanted),
                     "glued requests: the answers have other identifiers")
        wrong = [a for a in answers if a.result != 2001]
        scene.expect(not wrong, f"glued requests: {wrong[:1]}")
        numbers = [a.one(415).number() for a in answers]
        scene.expect(numbers == list(range(1000)), "glued requests are answered out of order")
    scene.tick()


def never_reads(scene):
    """A peer that asks and never reads is cut off and counted; nobody else waits for it."""
    before = counter(scene, "levy_slow_reader_total")
    with scene.peer("deaf.hostile", receive_buffer=4096) as peer:
        session, first = opened(scene, peer, services=False)
        block = first * 200  # repeats of one request: answered from the stored verdict
        peer.socket.setblocking(False)
        deadline = time.monotonic() + 30
        broken = False
        sent = 0
        while not broken and time.monotonic() < deadline:
            try:
                sent += peer.socket.send(block[sent % len(first):])
            except BlockingIOError:
                time.sleep(0.01)
            except (ConnectionError, socket.error):
                broken = True
            if sent % 64 == 0:
                scene.tick()
        scene.expect(broken, f"a peer that never reads is still connected after {sent} octets")
    count = counter(scene, "levy_slow_reader_total") - before
    scene.expect(count == 1, f"slow readers counted: {count}")
    with scene.peer("deaf.hostile") as peer:
        got = peer.exchange(ended(session, 1, peer.host))
        scene.expect_answer("its session, later", got, 2001)
    scene.tick()


def counter(scene, name):
    """The sum of a counter over its labels."""
    lines = [one for one in scene.levyd.metrics().splitlines() if one.startswith(name)]
    scene.expect(lines, f"no counter {name}")
    return sum(float(one.rsplit(" ", 1)[1]) for one in lines)


def reset(scene):
    """RST with requests under way: their charges stand, the session goes on elsewhere."""
    with scene.peer("reset.hostile") as peer:
        session, first = opened(scene, peer)
        peer.send(first)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    scene.tick()
    with scene.peer("reset.hostile") as peer:
        got = peer.exchange(ended(session, 1, peer.host))
        # Whether the request was read before the reset is not ours to say.
        scene.expect(got is not None and got.result in (2001, 5002), f"after a reset: {got}")


def run(build):
    with scenes.Scene(build, {"diameter": {"send_buffer": "32 KiB"}}) as scene:
        for part in (drop_by_drop, glued, never_reads, reset):
            part(scene)
