"""Wrong bytes: cut at every offset, lengths that lie, headers out of order, groups too deep."""
import struct

import scene as scenes
import wire

SESSION = "gw.hostile;bytes;1"


def good_request(**header):
    avps = wire.charge(SESSION, wire.INITIAL, 0, scenes.TARGET,
                       [wire.mscc(1, rsu=scenes.STEP)])
    return wire.ccr(avps, **header)



def cut_at_every_offset(scene):
    """The first n octets alone, then the end of the stream: nobody is answered or charged."""
    octets = good_request()
    for n in range(len(octets)):
        with wire.Peer(scene.levyd.port) as peer:
            peer.open()
            peer.send(octets[:n])
    scene.tick()


def cut_and_length_to_match(scene):
    """A message that ends after n octets and says so: never taken, since the last AVP is needed."""
    octets = good_request()
    peer = scene.peer()
    for n in range(20, len(octets)):
        cut = octets[:1] + n.to_bytes(3, "big") + octets[4:n]
        if n % 4:
            got = peer.exchange(cut)
            scene.expect_answer(f"cut at {n}", got, 5015)
            if n == 21:  # levyd gives the peer a second to read and close: once is enough
                scene.expect_gone(f"cut at {n}", peer)
            peer.close()
            peer = scene.peer()
        else:
            got = peer.exchange(cut)
            result = got.result if got else None
            scene.expect(result in (5005, 5014) and got.failed(), f"cut at {n}: got {got}")
    peer.close()
    scene.tick()


def sizes(scene):
    """16 KiB are taken; four octets more, less than a header, and 16 MiB are not."""
    start = good_request()
    filler = wire.avp(999999, bytes(16384 - len(start) - 8), flags=0)
    with scene.peer() as peer:
        largest = start[:1] + (16384).to_bytes(3, "big") + start[4:] + filler
        avps = wire.charge(SESSION, wire.TERMINATION, 1, scenes.TARGET)
        scene.expect_answer("16 KiB", peer.exchange(largest), 2001)
        scene.expect_answer("its end", peer.exchange(wire.ccr(avps)), 2001)
    for length in (0, 4, 16, 19, 21, 22, 23, 16388, 65536, 0xFFFFFC):
        with scene.peer() as peer:
            peer.send(start[:1] + length.to_bytes(3, "big") + start[4:] + bytes(64))
            scene.expect_answer(f"length {length}", peer.receive(), 5015)
    scene.tick()


def headers(scene):
    with scene.peer() as peer:
        for name, flags, result in (("R and E", 0xE0, 3008), ("reserved 1", 0xC1, 5013),
                                    ("reserved 8", 0xC8, 5013), ("reserved all", 0xCF, 5013)):
            scene.expect_answer(name, peer.exchange(good_request(flags=flags)), result)
        answer = wire.message(wire.CCR, [wire.avp(268, 2001)], flags=0x10)
        peer.send(answer)  # T on an answer, and an answer that nobody waits for: ignored
        peer.send(wire.message(wire.RAR, [wire.avp(268, 2001)], flags=0))
        scene.expect_answer("behind stray answers", peer.exchange(wire.watchdog(peer.host)), 2001)
    for version in (0, 2, 255):
        with scene.peer() as peer:
            got = peer.exchange(good_request(version=version))
            scene.expect_answer(f"version {version}", got, 5011)
            scene.expect_gone(f"version {version}", peer)
    scene.tick()


def lengths_of_avps(scene):
    """Each AVP whose length lies: 5014, with the header of the AVP over zeros."""
    number = struct.pack(">I", 1)
    inner = wire.units(437, scenes.STEP)
    cases = {
        "length 0": (wire.avp(432, 1, length=0), None),
        "length 7": (wire.avp(415, 1, length=7), 415),
        "length 8 of a number": (wire.avp(415, b""), 415),
        "length 11 of a number": (wire.avp(415, b"abc"), 415),
        "length 16 of a number": (wire.avp(415, bytes(8)), 415),
        "beyond the message": (wire.avp(415, 1, length=16), 415),
        "far beyond the message": (wire.avp(415, 1, length=0xFFFFFF), 415),
        "V bit without the room": (wire.avp(415, b"", flags=0xC0), 415),
        "padding is missing": (wire.avp(461, b"abcde", padding=b""), 461),
        "five octets are left": (wire.avp(415, 1) + b"\0\0\1\x9f\x40", None),
        "beyond its group": (wire.avp(456, [inner, wire.avp(432, 1, length=16)]), 432),
        "zero in a group": (wire.avp(456, [inner, wire.avp(432, 1, length=0)]), 432),
        "seven in a group": (wire.avp(456, [inner, wire.avp(432, 1, length=7)]), 432),
        "three octets at a group's end": (wire.avp(456, [inner, b"\0\0\1"]), None),
        "a group in a group": (wire.avp(456, [wire.avp(437, [wire.avp(421, number)])]), 421),
        "a group with a lie inside": (
            wire.avp(456, [wire.avp(437, [wire.avp(421, bytes(8), length=200)])]), 421),
        "a Subscription-Id": (
            wire.avp(443, [wire.avp(450, 1), wire.avp(444, "1", length=99)]), 444),
    }
    with scene.peer() as peer:
        for name, (broken, code) in cases.items():
            avps = wire.charge(scene.session(), wire.INITIAL, 0, scenes.TARGET)
            del avps[415]
            tail = b"" if code in (415, 461) or code is None else wire.avp(415, 0)
            octets = wire.message(wire.CCR, [*avps.values(), tail, broken])
            if len(octets) % 4:  # the message's own length must not be what is refused
                octets = wire.message(wire.CCR, [*avps.values(), tail, broken + bytes(
                    -len(octets) % 4)])
            wanted = None if code is None else [code]
            if name == "padding is missing":
                octets, wanted = padding_missing()
            got = peer.exchange(octets)
            scene.expect_answer(name, got, 5014, wanted)
    scene.tick()


def padding_missing():
    """The last AVP of a group ends with it, unpadded, so the group's length is odd."""
    avps = wire.charge(SESSION, wire.INITIAL, 0)
    odd = wire.avp(444, b"abcde", padding=b"")
    avps[443] = wire.avp(443, [wire.avp(450, 1), odd])
    return wire.ccr(avps), [444]


def too_deep(scene):
    """Groups in groups beyond the limit of 8, and more AVPs than 512: refused, and at once."""
    deep = b""
    for _ in range(40):
        deep = wire.avp(297, [wire.avp(266, 0), wire.avp(298, 1), deep])
    wide = wire.avp(284, [wire.avp(280, "a"), wire.avp(33, "b")]) * 600
    many = wire.avp(999999, b"", flags=0) * 600
    with scene.peer() as peer:
        for name, extra, result in (("40 groups deep", deep, 5004), ("600 Proxy-Info", wide, 5009),
                                    ("600 unknown AVPs", many, 5009)):
            avps = wire.charge(scene.session(), wire.INITIAL, 0, scenes.TARGET)
            octets = wire.message(wire.CCR, [*avps.values(), extra])
            if len(octets) > 16384:
                octets = wire.message(wire.CCR, [*avps.values(), extra[:12000 // 40 * 40]])
            scene.expect_answer(name, peer.exchange(octets), result)
    scene.tick()


def run(build):
    with scenes.Scene(build) as scene:
        cut_at_every_offset(scene)
        cut_and_length_to_match(scene)
        sizes(scene)
        headers(scene)
        lengths_of_avps(scene)
        too_deep(scene)
