"""Peers that do not keep to the capabilities exchange, and peers of unusual kinds."""
import os
import socket
import time

import scene as scenes
import wire
from levyd import Levyd, LevydError, free_port


def before_cer(scene):
    """Whatever comes first and is no CER ends the connection without an answer."""
    charge = wire.charge(scene.session(), wire.INITIAL, 0, scenes.TARGET,
                         [wire.mscc(1, rsu=scenes.STEP)])
    firsts = {"HTTP": b"GET / HTTP/1.1\r\nHost: levy\r\n\r\n", "TLS": bytes.fromhex("16030100c8"),
              "zeros": bytes(64), "a CCR": wire.ccr(charge), "a DWR": wire.watchdog("gw.hostile"),
              "a CEA": wire.message(wire.CER, [wire.avp(268, 2001)], application=0, flags=0),
              "a CER for Gy": wire.message(wire.CER, [wire.avp(264, "gw.hostile")]),
              "a length below the header": b"\1\0\0\4" + bytes(40),
              "one octet, version 0": b"\0"}
    for name, octets in firsts.items():
        with wire.Peer(scene.levyd.port) as peer:
            peer.send(octets)
            scene.expect_gone(name, peer)
    scene.tick()


def refused_cer(scene):
    cases = (("no Origin-Host", {"drop": [264]}, 5005, [264]),
             ("no Origin-Realm", {"drop": [296]}, 5005, [296]),
             ("no Host-IP-Address", {"drop": [257]}, 5005, [257]),
             ("no Vendor-Id", {"drop": [266]}, 5005, [266]),
             ("no Product-Name", {"drop": [269]}, 5005, [269]),
             ("two Origin-Hosts", {"extra": [wire.avp(264, "b")]}, 5009, [264]),
             ("Origin-State-Id of 3 octets", {"drop": [278], "extra": [wire.avp(278, b"abc")]},
              5014, [278]),
             ("no common application", {"applications": [16777238]}, 5010, []),
             ("no application", {"applications": []}, 5010, []),
             ("TLS only", {"extra": [wire.avp(299, 1)]}, 5017, []),
             ("our own name", {}, 5012, []))
    for name, bent, result, failed in cases:
        host = "levy.test" if name == "our own name" else "x.hostile"
        with wire.Peer(scene.levyd.port, host) as peer:
            scene.expect_answer(name, peer.open(**bent), result, failed)
    with wire.Peer(scene.levyd.port) as peer:
        octets = bytearray(wire.capabilities(peer.host))
        octets[4] |= wire.ERROR
        scene.expect_answer("CER with E", peer.exchange(bytes(octets)), 3008)
    with wire.Peer(scene.levyd.port) as peer:
        peer.open(applications=[16777238])
        scene.expect_gone("after a refusal", peer)
    scene.tick()


def second_cer(scene):
    with scene.peer() as peer:
        scene.expect_answer("CER when open", peer.open(), 5012)
        scene.expect_answer("and a DWR", peer.exchange(wire.watchdog(peer.host)), 2001)
    scene.tick()


def after_dpr(scene):
    """After its own DPR a peer is not charged for what it still sends."""
    goodbye = wire.message(wire.DPR, [wire.avp(264, "gw.hostile"), wire.avp(296, "test"),
                                      wire.avp(273, 0)], application=0, flags=wire.REQUEST)
    charge = wire.charge(scene.session(), wire.INITIAL, 0, scenes.TARGET,
                         [wire.mscc(1, rsu=scenes.STEP)])
    with scene.peer() as peer:
        scene.expect_answer("DPR", peer.exchange(goodbye), 2001)
        peer.socket.sendall(wire.ccr(charge))
        try:
            got = peer.receive(0.3)
        except TimeoutError:
            got = None
        scene.expect(got is None, f"a CCR behind a DPR was answered: {got}")
    scene.tick()


def many_of_one_host(scene):
    """Up to connections_per_peer_max of one Origin-Host; a session may change connections."""
    peers = [scene.peer("twin.hostile") for _ in range(8)]
    with wire.Peer(scene.levyd.port, "twin.hostile") as ninth:
        scene.expect_answer("the ninth connection", ninth.open(), 5012)
    session = scene.session()
    for number, peer in enumerate(peers):
        kind = (wire.INITIAL if number == 0 else
                wire.TERMINATION if number == len(peers) - 1 else wire.UPDATE)
        services = [wire.mscc(1, rsu=scenes.STEP)] if kind != wire.TERMINATION else []
        avps = wire.charge(session, kind, number, scenes.TARGET, services, host="twin.hostile")
        scene.expect_answer(f"connection {number}", peer.exchange(wire.ccr(avps)), 2001)
    for peer in peers:
        peer.close()
    again = scene.peer("twin.hostile")  # closed ones do not count
    again.close()
    scene.tick()


def relay(scene):
    """An agent announces 0xffffffff: taken, and it forwards requests of hosts behind it."""
    with wire.Peer(scene.levyd.port, "agent.hostile") as agent:
        answer = agent.open(applications=[wire.RELAY])
        scene.expect_answer("CER of a relay", answer, 2001)
        announced = [a.number() for a in answer.all(258)]
        scene.expect(announced == [wire.GY], f"a relay is told of {announced}")
        session = scene.session()
        for number, kind in enumerate((wire.INITIAL, wire.TERMINATION)):
            avps = wire.charge(session, kind, number, scenes.TARGET, host="behind.hostile")
            avps[282] = wire.avp(282, "behind.hostile")
            avps[284] = wire.avp(284, [wire.avp(280, "agent.hostile"), wire.avp(33, b"\1\2\3")])
            got = agent.exchange(wire.ccr(avps))
            scene.expect_answer("a forwarded CCR", got, 2001)
            scene.expect([a.data for a in got.all(284)] == [avps[284][8:]] and not got.all(282),
                         f"Proxy-Info comes back as it was, Route-Record does not: {got}")
    scene.tick()


def unknown_peer(build):
    """Without accept_unknown: 3010, the end, and a log line that says what to do."""
    diameter = {"accept_unknown": False, "peers": [{"identity": "steady.test"}],
                "capabilities_timeout": "1 s"}
    with scenes.Scene(build, {"diameter": diameter}) as scene:
        with wire.Peer(scene.levyd.port, "Stranger.Hostile") as peer:
            scene.expect_answer("a stranger", peer.open(), 3010)
            scene.expect_gone("a stranger", peer)
        time.sleep(0.3)  # the log is written beside the corridor
        line = [one for one in scene.levyd.log_end().splitlines() if "3010" in one]
        scene.expect(len(line) == 1 and "Stranger.Hostile" in line[0], f"log of a stranger: {line}")
        scene.tick()
        silent(scene)


def silent(scene):
    """Connections without a whole CER: closed after capabilities_timeout, 1 s here."""
    peers = [wire.Peer(scene.levyd.port) for _ in range(20)]
    peers[0].send(wire.capabilities("steady.test")[:30])
    started = time.monotonic()
    scene.tick()
    for peer in peers:
        scene.expect_gone("a silent connection", peer)
        peer.close()
    waited = time.monotonic() - started
    scene.expect(0.5 < waited < 10.0, f"silent connections were closed after {waited:.2f} s")
    scene.tick()


def ipv6(build):
    port = free_port()
    listeners = [{"address": "::1", "port": port}]
    levyd = Levyd(build, options={"diameter": {"listeners": listeners}})
    with levyd:
        with wire.Peer(port, address="::1") as peer:
            answer = peer.open(address=b"\0\2" + socket.inet_pton(socket.AF_INET6, "::1"))
            address = answer.one(257).data
            if answer.result != 2001 or address != b"\0\2" + bytes(15) + b"\1":
                raise LevydError(f"over IPv6: {answer}")


def run(build):
    with scenes.Scene(build) as scene:
        for part in (before_cer, refused_cer, second_cer, after_dpr, many_of_one_host, relay):
            part(scene)
    unknown_peer(build)
    if os.path.exists("/proc/net/if_inet6"):
        ipv6(build)
    else:
        print("  this machine has no IPv6: that part was left out")
