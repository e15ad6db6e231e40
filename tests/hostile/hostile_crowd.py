"""Crowds: ten thousand connections come and go, two thousand at once, more than are allowed."""
import os
import resource
import time

import scene as scenes
import wire
from levyd import Levyd, LevydError

CONNECTIONS_MAX = 520
COMES_AND_GOES = 10_000
BOUND_S = 300  # takes some 5 s on idle cores: only one that stands still takes so long
PATIENCE_S = 60
AT_ONCE = 2000
# What the allocator may keep for log lines and the peers' rows; a leak of 1 KiB a connection shows.
RSS_GROWTH_MAX = 6 << 20


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def wait_for(condition, seconds=PATIENCE_S):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def comes_and_goes(scene, count):
    """Two of three say nothing, the third one says CER and waits for the CEA."""
    for number in range(count):
        with wire.Peer(scene.levyd.port, f"come{number % 50}.hostile") as peer:
            if number % 3 == 0:
                answer = peer.open()
                scene.expect(answer is not None and answer.result == 2001,
                             f"connection {number}: {answer}")
        if number % 500 == 0:
            scene.tick()


def ten_thousand(scene):
    pid = scene.levyd.process.pid
    comes_and_goes(scene, 600)  # every slot and page was used once
    time.sleep(0.1)  # the last of them are seen leaving
    before_fds = descriptors(pid)
    before_rss = resident(pid)
    started = time.monotonic()
    comes_and_goes(scene, COMES_AND_GOES)
    took = time.monotonic() - started
    scene.expect(took < BOUND_S, f"{COMES_AND_GOES} connections took {took:.1f} s")
    scene.expect(wait_for(lambda: descriptors(pid) <= before_fds),
                 f"descriptors: {before_fds} before, {descriptors(pid)} after")
    growth = resident(pid) - before_rss
    scene.expect(growth < RSS_GROWTH_MAX, f"resident memory grew by {growth} bytes")
    print(f"  {COMES_AND_GOES} connections in {took:.1f} s, "
          f"resident memory {growth / 1024:+.0f} KiB")


def five_hundred(scene):
    """All open, all charged, in turn and then each once more from behind."""
    # A Shard keeps 256 Origin-Hosts (engine/daemon/setup.cpp), so a hundred gateways share them.
    peers = [scene.peer(f"crowd{number % 100}.hostile") for number in range(500)]
    sessions = [scene.session() for _ in peers]
    scene.tick()
    for kind, order in ((wire.INITIAL, 1), (wire.TERMINATION, -1)):
        rows = [wire.mscc(1, rsu=scenes.STEP)] if kind == wire.INITIAL else []
        for peer, session in list(zip(peers, sessions))[::order]:
            avps = wire.charge(session, kind, kind, scenes.TARGET, rows, host=peer.host)
            peer.send(wire.ccr(avps))
        for peer in peers:
            got = peer.receive(PATIENCE_S)
            scene.expect(got is not None and got.result == 2001, f"{peer.host}: {got}")
    too_many(scene)
    for peer in peers:
        peer.close()


def too_many(scene):
    """Beyond connections_max: closed at once, and those inside do not notice."""
    extra = [wire.Peer(scene.levyd.port) for _ in range(60)]
    room = CONNECTIONS_MAX - 501
    inside = list(extra)
    deadline = time.monotonic() + PATIENCE_S
    while len(inside) > room and time.monotonic() < deadline:
        inside = [peer for peer in inside if not shut(peer)]
    scene.expect(len(inside) <= room, f"only {60 - len(inside)} of 60 were shut out")
    for peer in extra:
        peer.close()
    scene.tick()


def shut(peer):
    try:
        return peer.receive(0.01) is None
    except TimeoutError:
        return False


def metric(levyd, name):
    rows = [line.split(" ")[1] for line in levyd.metrics().splitlines()
            if line.startswith(name + " ")]
    return int(rows[0])


def two_thousand(build):
    """All open at once, though the process began with fewer descriptors; with too few for good it
    says so and does not start."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < AT_ONCE + 500:
        print(f"  left out: {hard} descriptors are too few for {AT_ONCE} connections")
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    options = {"diameter": {"connections_max": AT_ONCE, "connections_per_peer_max": 32,
                            "watchdog": "5 min", "receive_buffer": "32 KiB",
                            "send_buffer": "32 KiB"}}
    levyd = Levyd(build, options=options, start=False)
    with levyd:
        levyd.open_files = (256, AT_ONCE)
        try:
            levyd.start()
            raise AssertionError("it started with too few descriptors")
        except LevydError as error:
            if f"the hard limit of this process is {AT_ONCE}" not in str(error):
                raise
        levyd.open_files = (256, hard)
        levyd.start()
        peers = []
        for number in range(AT_ONCE):
            peer = wire.Peer(levyd.port, f"crowd{number % 100}.hostile")
            answer = peer.open()
            if answer is None or answer.result != 2001:
                raise LevydError(f"connection {number}: {answer}")
            peers.append(peer)
        for peer in peers:
            peer.send(wire.watchdog(peer.host))
        for number, peer in enumerate(peers):
            answer = peer.receive(PATIENCE_S)
            if answer is None or answer.result != 2001:
                raise LevydError(f"DWA of connection {number}: {answer}")
        one_more = wire.Peer(levyd.port)
        wait_for(lambda: shut(one_more))
        refused = 'levy_connections_refused_total{reason="full"}'
        wait_for(lambda: metric(levyd, refused) > 0)
        told = "`diameter.connections_max` is reached"
        if metric(levyd, refused) != 1 or not wait_for(lambda: told in levyd.log_end()):
            raise LevydError(f"the refused connection is not told:\n{levyd.log_end()}")
        one_more.close()
        for peer in peers:
            peer.close()
    print(f"  {AT_ONCE} connections at once")


def run(build):
    # All sessions of one account lie in one of the four Shards.
    capacity = {"sessions_max": 8000, "groups_max": 16000, "tombstones_max": 16000}
    options = {"diameter": {"connections_max": CONNECTIONS_MAX}, "capacity": capacity}
    two_thousand(build)
    with scenes.Scene(build, options) as scene:
        ten_thousand(scene)
        five_hundred(scene)
        scene.expect(wait_for(lambda: open_again(scene)), "no connection is taken any more")


def open_again(scene):
    try:
        with scene.peer("late.hostile"):
            return True
    except Exception:  # a slot is free as soon as levyd saw the others leave
        return False
