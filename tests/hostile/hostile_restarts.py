"""Origin-State-Ids: whose raised value ends whose sessions (RFC 6733 8.16, interop.md c.3)."""
import time

import scene as scenes
import wire

DIAMETER = {
    "peers": [{"identity": "proxy.hostile", "relay": True},
              {"identity": "cluster.hostile", "dialect": "cluster"}],
    "dialects": {"cluster": {"origin_state_id": "ignore"}}, "accept_unknown": True}
ENDS_WITHIN_S = 10


def connect(scene, host, state, applications=(wire.GY,)):
    peer = wire.Peer(scene.levyd.port, host)
    got = peer.open(drop=[278], extra=[wire.avp(278, state)], applications=applications)
    scene.expect_answer(f"CER of {host}", got, 2001)
    return peer


class Session:
    """A session of `host`, whichever connection its messages take."""

    def __init__(self, scene, host):
        self.scene, self.host, self.id, self.number = scene, host, scene.session(), 0

    def send(self, peer, kind, state, result=2001):
        services = [] if kind == wire.TERMINATION else [wire.mscc(1, rsu=scenes.STEP)]
        avps = wire.charge(self.id, kind, self.number, scenes.TARGET, services, host=self.host)
        if state is not None:
            avps[278] = wire.avp(278, state)
        self.number += 1
        self.scene.expect_answer(f"{self.host}, type {kind}, state {state}",
                                 peer.exchange(wire.ccr(avps)), result)

    def open(self, peer, state):
        self.send(peer, wire.INITIAL, state)
        return self

    def close(self, peer):
        self.send(peer, wire.TERMINATION, None)


def live(scene):
    return {row["session_id"] for row in scene.levyd.sessions(f"imsi:{scenes.TARGET}")
            if row.get("state", "open") == "open"}


def expect_live(scene, name, sessions):
    """Exactly these are open: at once for those that stay, soon for those that end."""
    wanted = {session.id for session in sessions}
    deadline = time.monotonic() + ENDS_WITHIN_S
    while live(scene) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)  # what must not end would end now
    scene.expect(live(scene) == wanted, f"{name}: {live(scene)} are open, not {wanted}")


def by_the_host_itself(scene):
    """In a CCR and in a DWR of the connected peer."""
    with connect(scene, "gw.hostile", 7) as peer:
        old = Session(scene, "gw.hostile").open(peer, 7)
        expect_live(scene, "the same value", [old])
        new = Session(scene, "gw.hostile").open(peer, 8)
        expect_live(scene, "raised in a CCR", [new])
        octets = wire.message(wire.DWR, [wire.avp(264, "gw.hostile"), wire.avp(296, "test"),
                                         wire.avp(278, 9)], application=wire.BASE,
                              flags=wire.REQUEST)
        scene.expect_answer("DWR", peer.exchange(octets), 2001)
        expect_live(scene, "raised in a DWR", [])


def by_a_stranger(scene):
    """A gateway that speaks in another's name cannot end the other's sessions."""
    with connect(scene, "victim.hostile", 7) as victim, \
            connect(scene, "liar.hostile", 7) as liar:
        session = Session(scene, "victim.hostile").open(victim, 7)
        forged = Session(scene, "victim.hostile").open(liar, 0xFFFFFFFF)
        expect_live(scene, "raised by a stranger", [session, forged])
        session.send(victim, wire.UPDATE, 7)
        again = Session(scene, "victim.hostile").open(victim, 8)  # the true restart is seen
        expect_live(scene, "raised by itself", [forged, again])
        forged.close(liar)
        again.close(victim)


def by_agents(scene):
    """What an agent passes on counts, whether it announces itself or the configuration says so."""
    for agent, applications in (("dra.hostile", (wire.RELAY,)), ("proxy.hostile", (wire.GY,))):
        host = f"behind.{agent}"
        with connect(scene, agent, 500, applications) as peer:
            old = Session(scene, host).open(peer, 7)
            own = Session(scene, agent).open(peer, 500)
            new = Session(scene, host).open(peer, 8)
            expect_live(scene, f"raised through {agent}", [own, new])
            own.close(peer)
            new.close(peer)
            old.send(peer, wire.UPDATE, 7, result=5002)


def by_nodes_of_a_cluster(scene):
    """One Origin-Host, a value for each node: neither ends what is the other's."""
    with connect(scene, "cluster.hostile", 100) as low:
        first = Session(scene, "cluster.hostile").open(low, 100)
        with connect(scene, "cluster.hostile", 200) as high:
            second = Session(scene, "cluster.hostile").open(high, 200)
            third = Session(scene, "cluster.hostile").open(low, 100)
            first.send(high, wire.UPDATE, 200)  # a session moves to the other node
            expect_live(scene, "two nodes", [first, second, third])
            with connect(scene, "gw.hostile", 20) as other:  # another host's sweep passes them by
                Session(scene, "gw.hostile").open(other, 20)
                last = Session(scene, "gw.hostile").open(other, 21)
                expect_live(scene, "beside a sweep", [first, second, third, last])
                last.close(other)
            for session in (first, second, third):
                session.close(high)


def run(build):
    with scenes.Scene(build, {"diameter": DIAMETER}) as scene:
        for part in (by_the_host_itself, by_a_stranger, by_agents, by_nodes_of_a_cluster):
            part(scene)
            scene.tick()
