"""Wrong contents: AVPs missing, unknown, repeated, contradictory, out of range; routing."""
import struct

import scene as scenes
import wire

MISSING = ((263, "Session-Id"), (264, "Origin-Host"), (296, "Origin-Realm"),
           (283, "Destination-Realm"), (258, "Auth-Application-Id"), (461, "Service-Context-Id"),
           (416, "CC-Request-Type"), (415, "CC-Request-Number"))


class Requests:
    """Initial requests of the target, each with one thing wrong; all on one connection."""

    def __init__(self, scene):
        self.scene = scene
        self.peer = scene.peer()

    def avps(self, services=None):
        services = [wire.mscc(1, rsu=scenes.STEP)] if services is None else services
        return wire.charge(self.scene.session(), wire.INITIAL, 0, scenes.TARGET, services)

    def refused(self, name, avps, result, failed=None, **header):
        octets = wire.message(wire.CCR, list(avps.values()), **header)
        got = self.peer.exchange(octets)
        self.scene.expect_answer(name, got, result, failed)
        sent = wire.take_apart(avps[263])[0].data if 263 in avps else b""
        if got is not None and sent:
            echoed = got.one(263)
            self.scene.expect(echoed is not None and echoed.data == sent,
                              f"{name}: Session-Id is not repeated")
        return got

    def taken(self, name, avps):
        """Taken, and ended again: a grant that was never used costs nothing."""
        got = self.peer.exchange(wire.message(wire.CCR, list(avps.values())))
        self.scene.expect_answer(name, got, 2001)
        end = wire.charge("", wire.TERMINATION, 1, scenes.TARGET)
        end[263] = avps[263]
        self.scene.expect_answer(f"{name}, its end", self.peer.exchange(wire.ccr(end)), 2001)


def missing(requests):
    for code, name in MISSING:
        avps = requests.avps()
        del avps[code]
        got = requests.refused(f"no {name}", avps, 5005, [code])
        if got is not None and got.failed():
            data = got.failed()[0].data
            requests.scene.expect(not any(data), f"no {name}: the example is not zero-filled")
    avps = requests.avps()
    del avps[263]
    avps[263] = wire.avp(263, "x;1;1")
    requests.refused("Session-Id is not the first", avps, 5005, [263])
    event = {**requests.avps(), 416: wire.avp(416, wire.EVENT)}
    requests.refused("event without Requested-Action", event, 5005, [436])
    for code, rest in ((450, wire.avp(444, scenes.TARGET)), (444, wire.avp(450, 1))):
        avps = {**requests.avps(), 443: wire.avp(443, [rest])}
        requests.refused(f"Subscription-Id without {code}", avps, 5005, [code])
    money = wire.avp(437, [wire.avp(413, [wire.avp(425, 978)])])
    avps = requests.avps([wire.avp(456, [money, wire.avp(432, 1)])])
    requests.refused("CC-Money without Unit-Value", avps, 5005, [445])


def unknown(requests):
    alien = wire.avp(65000, "?")
    vendor = wire.avp(4000, "?", vendor=424242)
    optional = wire.avp(65000, "?", flags=0)
    units = wire.avp(421, struct.pack(">Q", scenes.STEP))
    in_units = wire.avp(456, [wire.avp(437, [units, alien]), wire.avp(432, 1)])
    in_group = {"flags": 0, "vendor": wire.VENDOR_3GPP}
    step = scenes.STEP
    requests.refused("unknown", {**requests.avps(), 0: alien}, 5001, [65000])
    requests.refused("unknown, of a vendor", {**requests.avps(), 0: vendor}, 5001, [4000])
    requests.refused("unknown in MSCC",
                     requests.avps([wire.mscc(1, rsu=step, extra=[alien])]), 5001, [65000])
    requests.refused("unknown in Requested-Service-Unit", requests.avps([in_units]), 5001, [65000])
    requests.taken("unknown without M", {**requests.avps(), 0: optional})
    requests.taken("unknown without M in MSCC",
                   requests.avps([wire.mscc(1, rsu=step, extra=[optional])]))
    requests.taken("unknown in an unknown group without M",
                   {**requests.avps(), 0: wire.avp(65001, [alien], flags=0)})
    # Supported-Features and User-Equipment-Info come without M.
    requests.taken("unknown in Supported-Features without M",
                   {**requests.avps(), 0: wire.avp(628, [alien], **in_group)})
    requests.taken("unknown in User-Equipment-Info without M",
                   {**requests.avps(), 0: wire.avp(458, [wire.avp(459, 0), alien], flags=0)})
    requests.refused("unknown in Service-Information",
                     {**requests.avps(), 0: wire.avp(873, [alien], vendor=wire.VENDOR_3GPP)},
                     5001, [65000])


def repeated(requests):
    for code in (264, 296, 283, 258, 461, 416, 415, 263):
        avps = requests.avps()
        avps[code] *= 2
        requests.refused(f"{code} twice", avps, 5009, [code])
    for code, one in ((293, wire.avp(293, "levy.test")), (278, wire.avp(278, 7)),
                      (55, wire.avp(55, 0xE8000000)), (295, wire.avp(295, 1)),
                      (455, wire.avp(455, 1)), (436, wire.avp(436, 0))):
        requests.refused(f"{code} twice", {**requests.avps(), code: one * 2}, 5009, [code])
    once = wire.avp(432, 1)
    total = wire.avp(421, bytes(8))
    for name, parts, code in (
            ("Rating-Group twice", [wire.units(437, 1), once, once], 432),
            ("Requested-Service-Unit twice", [wire.units(437, 1), wire.units(437, 1), once], 437),
            ("CC-Total-Octets twice", [wire.avp(446, [total, total]), once], 421)):
        requests.refused(name, requests.avps([wire.avp(456, parts)]), 5009, [code])
    services = [wire.mscc(number, rsu=1) for number in range(17)]
    requests.refused("17 MSCC", requests.avps(services), 5009, [456])


def contradictory(requests):
    step = scenes.STEP
    requests.refused("two MSCC of one Rating-Group",
                     requests.avps([wire.mscc(1, rsu=step), wire.mscc(1, rsu=step)]), 5007,
                     [456, 456])
    requests.refused("units in and beside an MSCC",
                     {**requests.avps(), 437: wire.units(437, step)}, 5007, [456, 437])
    two = b"".join(wire.avp(443, [wire.avp(450, 1), wire.avp(444, imsi)])
                   for imsi in (scenes.TARGET, scenes.STEADY))
    requests.refused("two IMSIs", {**requests.avps(), 443: two}, 5007, [443, 443])


def out_of_range(requests):
    for name, code, value in (("CC-Request-Type 0", 416, 0), ("CC-Request-Type 5", 416, 5),
                              ("Auth-Application-Id of Gx", 258, 16777238),
                              ("Session-Id too long", 263, "x" * 256),
                              ("Session-Id empty", 263, ""),
                              ("Origin-Host too long", 264, "h" * 256)):
        requests.refused(name, {**requests.avps(), code: wire.avp(code, value)}, 5004
                         if name != "Session-Id empty" else 5005, [code])
    huge = [wire.mscc(1, rsu=1 << 63)]
    requests.refused("2^63 octets", requests.avps(huge), 5004, [421])
    many = [wire.avp(456, [wire.units(446, (1 << 48) - 1)] * 3 + [wire.avp(432, 1)])]
    requests.refused("octets that overflow as a sum", requests.avps(many), 5004, [446])
    kind = wire.avp(443, [wire.avp(450, 9), wire.avp(444, "1")])
    requests.refused("Subscription-Id-Type 9", {**requests.avps(), 443: kind}, 5004, [450])
    bits = wire.avp(461, "32251@3gpp.org", flags=0x41)
    requests.refused("reserved AVP flags", {**requests.avps(), 461: bits}, 3009, [461])
    in_group = [wire.avp(456, [wire.avp(432, 1, flags=0x50)])]
    requests.refused("reserved AVP flags in a group", requests.avps(in_group), 3009, [432])


def routing(requests):
    base = requests.avps
    requests.refused("unknown application", base(), 3007, application=99)
    requests.refused("Gx", base(), 3007, application=16777238)
    requests.refused("another host", {**base(), 293: wire.avp(293, "elsewhere.test")}, 3002)
    requests.refused("another realm", {**base(), 283: wire.avp(283, "elsewhere")}, 3003)
    requests.refused("our own Route-Record", {**base(), 282: wire.avp(282, "LEVY.test")}, 3005)
    requests.taken("our own host, other case", {**base(), 293: wire.avp(293, "Levy.TEST")})
    requests.taken("our own realm, other case", {**base(), 283: wire.avp(283, "TEST")})
    requests.taken("Route-Records of others", {**base(), 282: wire.avp(282, "agent.test") * 2})
    for command in (1, 271, 274, 275, 999, 0xFFFFFF):
        octets = wire.message(command, list(base().values()))
        requests.scene.expect_answer(f"command {command}", requests.peer.exchange(octets), 3001)
    octets = wire.message(999, [wire.avp(264, "gw.hostile")], application=0)
    requests.scene.expect_answer("base command 999", requests.peer.exchange(octets), 3001)


def run(build):
    with scenes.Scene(build) as scene:
        requests = Requests(scene)
        for part in (missing, unknown, repeated, contradictory, out_of_range, routing):
            part(requests)
            scene.tick()
        requests.peer.close()
