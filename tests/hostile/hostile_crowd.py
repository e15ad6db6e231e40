"""Crowds: ten thousand connections come and go, five hundred at once, more than are allowed."""
import os
import time

import scene as scenes
import wire

CONNECTIONS_MAX = 520
COMES_AND_GOES = 10_000
BOUND_S = 60
# What the allocator may keep for log lines and the peers' rows; a leak of 1 KiB a connection shows.
RSS_GROWTH_MAX = 6 << 20


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def wait_for(condition, seconds=10):
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
            got = peer.receive(10)
            scene.expect(got is not None and got.result == 2001, f"{peer.host}: {got}")
    too_many(scene)
    for peer in peers:
        peer.close()


def too_many(scene):
    """Beyond connections_max: closed at once, and those inside do not notice."""
    extra = [wire.Peer(scene.levyd.port) for _ in range(60)]
    scene.tick()
    shut = 0
    for peer in extra:
        try:
            shut += peer.receive(0.05) is None
        except TimeoutError:
            pass
    scene.expect(shut >= 60 - (CONNECTIONS_MAX - 501), f"only {shut} of 60 were shut out")
    for peer in extra:
        peer.close()
    scene.tick()


def run(build):
    # All sessions of one account lie in one of the four Shards.
    capacity = {"sessions_max": 8000, "groups_max": 16000, "tombstones_max": 16000}
    options = {"diameter": {"connections_max": CONNECTIONS_MAX}, "capacity": capacity}
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
