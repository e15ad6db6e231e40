"""The CERs of three stacks, as interop.md c.1 describes them, and the CEA to each, AVP by AVP."""
import struct

import scene as scenes
import wire

MAGMA_CEA_WITHIN_S = 1.0  # go-diameter gives up after a second
GX, RX, S6B = 16777238, 16777236, 16777272
ADDRESS = b"\0\1\x7f\0\0\1"


def vendor_specific(application, vendor_first):
    vendor, auth = wire.avp(266, wire.VENDOR_3GPP), wire.avp(258, application)
    return wire.avp(260, [vendor, auth] if vendor_first else [auth, vendor])


def freediameter():
    """As Open5GS runs it: VSAI with Auth-Application-Id first, app 4, and the relay application."""
    return [wire.avp(264, "smf.open5gs"), wire.avp(296, "test"), wire.avp(278, 1700000000),
            wire.avp(257, ADDRESS), wire.avp(257, b"\0\2" + bytes(15) + b"\1"), wire.avp(266, 0),
            wire.avp(269, "freeDiameter", flags=0), wire.avp(267, 10500, flags=0),
            wire.avp(299, 0), *(vendor_specific(a, False) for a in (GX, RX, S6B)),
            wire.avp(258, 4), wire.avp(258, wire.RELAY),
            *(wire.avp(265, v) for v in (10415, 5535, 193, 8164, 13019))]


def erlang():
    """As ergw runs OTP's diameter: each application plain and in a VSAI."""
    return [wire.avp(264, "ergw.aaa"), wire.avp(296, "test"), wire.avp(257, ADDRESS),
            wire.avp(266, 18681), wire.avp(269, "erGW-AAA", flags=0), wire.avp(278, 1700000001),
            *(wire.avp(265, v) for v in (10415, 13019, 18681)),
            *(wire.avp(258, a) for a in (1, 4, GX)),
            *(vendor_specific(a, True) for a in (1, 4, GX))]


def magma():
    """go-diameter's client: Gy only, plain and in a VSAI, and Inband-Security-Id 0."""
    return [wire.avp(264, "magma.fedgw"), wire.avp(296, "test"), wire.avp(257, ADDRESS),
            wire.avp(266, 10415), wire.avp(269, "go-diameter", flags=0), wire.avp(278, 1700000002),
            wire.avp(265, 10415), wire.avp(258, 4), wire.avp(299, 0), vendor_specific(4, False),
            wire.avp(267, 1, flags=0)]


def number(value):
    return struct.pack(">I", value)


def wanted(state, gy_in_vendor_specific):
    """The CEA: (code, flags, data). Never 0xffffffff, never an Inband-Security-Id but 0."""
    rows = [(268, 0x40, number(2001)), (264, 0x40, b"levy.test"), (296, 0x40, b"test"),
            (257, 0x40, ADDRESS), (266, 0x40, number(0)), (269, 0, b"Levy"), (278, 0x40, state),
            (265, 0x40, number(wire.VENDOR_3GPP)), (258, 0x40, number(wire.GY))]
    if gy_in_vendor_specific:
        rows.append((260, 0x40, vendor_specific(wire.GY, True)[8:]))
    return rows + [(267, 0, number(1))]


def run(build):
    stacks = (("smf.open5gs", freediameter, False), ("ergw.aaa", erlang, True),
              ("magma.fedgw", magma, True))
    with scenes.Scene(build) as scene:
        state = None
        for host, stack, in_vendor_specific in stacks:
            with wire.Peer(scene.levyd.port, host) as peer:
                octets = wire.message(wire.CER, stack(), application=0, flags=wire.REQUEST)
                got = peer.exchange(octets, timeout=MAGMA_CEA_WITHIN_S)
                scene.expect_answer(host, got, 2001)
                state = state or got.one(278).data
                seen = [(a.code, a.flags, a.data) for a in got.avps]
                rows = wanted(state, in_vendor_specific)
                scene.expect(seen == rows, f"CEA to {host}:\n    wanted {rows}\n    got    {seen}")
                scene.expect(got.flags == 0 and got.application == 0, f"CEA header to {host}")
                watch = peer.exchange(wire.watchdog(host))
                scene.expect(watch.one(278).data == state, f"{host}: DWA has another state id")
            scene.tick()
        scene.levyd.kill()  # nothing was lost: Origin-State-Id may not rise (interop.md c.3)
        scene.levyd.start()
        scene.steady.close()
        scene.steady = scene.peer("steady.test")
        got = scene.steady.exchange(wire.watchdog("steady.test"))
        scene.expect(got.one(278).data == state, "Origin-State-Id changes by a restart")
