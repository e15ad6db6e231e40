"""What Levy says must suit the pickiest client: interop.md b.6 (safe answers), c.2, c.3 and c.5.

freeDiameter drops an answer silently for one unknown AVP with M or one AVP too many, Open5GS reads
only CC-Total-Octets, Magma gives up after a second and puts the AVPs in an order of its own.
"""
import struct
import time

import scene as scenes
import wire

TGPP = wire.VENDOR_3GPP
# Every AVP that a Gy answer or RAR may hold, and whether it has the M bit: those of RFC 6733, 4006
# and TS 32.299 that freeDiameter's dictionaries know.
KNOWN = {(code, 0): True for code in (
    11, 263, 264, 268, 278, 279, 283, 285, 293, 296, 258, 415, 416, 418, 420, 421, 417, 422, 423,
    424, 425, 427, 429, 430, 431, 432, 433, 434, 435, 438, 439, 445, 447, 448, 449, 456)}
KNOWN.update({(code, TGPP): True for code in (868, 869, 870, 871, 1226, 1264)})
GROUPS = {(code, 0) for code in (423, 430, 431, 434, 445, 456)} | {(1264, TGPP)}
MAY_REPEAT = {(456, 0), (439, 0), (11, 0), (438, 0), (870, TGPP)}
APPLICATION_AVPS = (258, 415, 416, 431, 448, 456)
MAGMA_WITHIN_S = 1.0


class Answers:
    """Requests of the target on one connection, and the rules that every answer must keep."""

    def __init__(self, scene):
        self.scene = scene
        self.peer = scene.peer()
        self.state = self.peer.exchange(wire.watchdog(self.peer.host)).one(278).data

    def judge(self, name, got, session):
        """Session-Id first, the Origin-State-Id of the CEA, nothing unknown, nothing twice."""
        expect = self.scene.expect
        if not expect(got is not None, f"{name}: closed"):
            return
        first = got.avps[0]
        expect((first.code, first.data) == (263, session.encode()),
               f"{name}: Session-Id is not first")
        expect(got.one(278) is not None and got.one(278).data == self.state,
               f"{name}: another Origin-State-Id than in the CEA")
        if 3000 <= got.result < 4000:
            expect(not any(got.all(code) for code in APPLICATION_AVPS),
                   f"{name}: a protocol error with AVPs of the application: {got}")
        self.judge_avps(name, got.avps)

    def judge_avps(self, name, avps):
        keys = [(one.code, one.vendor) for one in avps]
        for one, key in zip(avps, keys):
            mandatory = bool(one.flags & wire.MANDATORY)
            self.scene.expect(KNOWN.get(key) == mandatory, f"{name}: AVP {key}, M {mandatory}")
            self.scene.expect(keys.count(key) == 1 or key in MAY_REPEAT, f"{name}: {key} repeated")
            if key in GROUPS:
                self.judge_avps(name, one.inside())

    def judge_rar(self, got):
        self.judge_avps("RAR", got.avps)
        values = {one.code: one.data for one in got.avps}
        wanted = {293: self.peer.host.encode(), 283: b"test", 258: wire.data_of(wire.GY),
                  285: wire.data_of(0), 264: b"levy.test", 278: self.state}
        self.scene.expect(got.avps[0].code == 263 and all(
            values.get(code) == data for code, data in wanted.items()), f"RAR {got}")
        self.scene.expect(got.flags == wire.REQUEST | wire.PROXIABLE, f"RAR flags {got.flags:#x}")

    def ask(self, name, session, kind, number, services=(), result=2001, extra=(), **header):
        avps = wire.charge(session, kind, number, scenes.TARGET, services)
        avps.update(extra)
        got = self.peer.exchange(wire.ccr(avps, **header))
        self.scene.expect_answer(name, got, result)
        self.judge(name, got, session)
        return got

    def end(self, session, number):
        self.ask("its end", session, wire.TERMINATION, number)


def group_of(got, at):
    """The AVPs of the MSCC by code, in their order."""
    return {one.code: one for one in got.all(456)[at].inside()}


def one_mscc_for_each(answers):
    """The same groups in the same order, each with its keys echoed and its own Result-Code."""
    scene, session = answers.scene, answers.scene.session()
    only_used = wire.mscc(2, usu=0)
    with_service = wire.mscc(1, rsu=scenes.STEP, extra=[wire.avp(439, 7)])
    without_group = wire.avp(456, [wire.units(437, scenes.STEP)])
    barred = wire.mscc(200, rsu=scenes.STEP)
    got = answers.ask("five groups", session, wire.INITIAL, 0,
                      [barred, with_service, only_used, without_group,
                       wire.mscc(1, rsu=scenes.STEP)])
    rows = [group_of(got, at) for at in range(len(got.all(456)))]
    keys = [(row[432].number() if 432 in row else None,
             row[439].number() if 439 in row else None) for row in rows]
    scene.expect(keys == [(200, None), (1, 7), (2, None), (None, None), (1, None)], f"keys {keys}")
    codes = [row[268].number() for row in rows]
    scene.expect(codes == [4010, 2001, 2001, 2001, 2001], f"codes {codes}")
    scene.expect([431 in row for row in rows] == [False, True, False, True, True], "grants")
    got = answers.ask("all are denied", session, wire.UPDATE, 1, [barred])  # the command stays 2001
    scene.expect(group_of(got, 0)[268].number() == 4010, f"denied: {got}")
    answers.end(session, 2)


def grants_that_open5gs_reads(answers):
    """CC-Total-Octets alone, also when the request has the directions; a threshold below it."""
    scene, session = answers.scene, answers.scene.session()
    number = struct.pack(">Q", scenes.STEP // 2)
    directions = wire.avp(456, [wire.avp(437, [wire.avp(412, number), wire.avp(414, number)]),
                                wire.avp(432, 1)])
    got = answers.ask("two directions", session, wire.INITIAL, 0, [directions])
    row = group_of(got, 0)
    units = [(one.code, one.number()) for one in row[431].inside()]
    scene.expect(units == [(421, scenes.STEP)], f"granted {units}")
    threshold = {one.code: one.number() for one in got.all(456)[0].inside() if one.vendor == TGPP}
    scene.expect(0 < threshold.get(869, 0) < scenes.STEP, f"thresholds {threshold}")
    scene.expect(row[448].number() == 600, "Validity-Time")
    answers.end(session, 1)


def orders_and_oddities(answers):
    """What go-diameter and Magma send: its order of AVPs, odd prefixes, one list id twice."""
    scene = answers.scene
    session = scene.session()
    avps = wire.charge(session, wire.INITIAL, 0, scenes.TARGET, [wire.mscc(1, rsu=scenes.STEP)])
    order = (263, 456, 258, 416, 461, 415, 443, 283, 296, 264)
    got = answers.peer.exchange(wire.message(wire.CCR, [avps[code] for code in order]))
    scene.expect_answer("the order of Magma", got, 2001)
    answers.judge("the order of Magma", got, session)
    answers.end(session, 1)
    feature = wire.avp(628, [wire.avp(266, TGPP), wire.avp(629, 1, flags=0, vendor=TGPP),
                             wire.avp(630, 3, flags=0, vendor=TGPP)], flags=0, vendor=TGPP)
    for name, extra in (("a prefix of 8 octets", {97: wire.avp(97, bytes(8))}),
                        ("a prefix of 18 octets", {97: wire.avp(97, bytes(18))}),
                        ("an empty prefix", {97: wire.avp(97, b"")}),
                        ("Supported-Features twice", {628: feature * 2}),
                        ("Requested-Action in an initial request", {436: wire.avp(436, 0)})):
        session = scene.session()
        answers.ask(name, session, wire.INITIAL, 0, extra=extra)
        answers.end(session, 1)


def refusals_keep_the_rules(answers):
    """Errors of every layer: the header's, the edge's, the decoder's, the account's."""
    session = answers.scene.session()
    good = [wire.mscc(1, rsu=scenes.STEP)]
    answers_of = (
        ("application 99", 3007, {}, {"application": 99}),
        ("Gx", 3007, {}, {"application": 16777238}),
        ("R and E", 3008, {}, {"flags": wire.REQUEST | wire.ERROR}),
        ("reserved bit", 5013, {}, {"flags": 0xC1}),
        ("another host", 3002, {293: wire.avp(293, "elsewhere.test")}, {}),
        ("another realm", 3003, {283: wire.avp(283, "elsewhere")}, {}),
        ("Route-Record", 3005, {282: wire.avp(282, "levy.test")}, {}),
        ("nobody", 5030, {443: wire.avp(443, [wire.avp(450, 1), wire.avp(444, "1")])}, {}),
        ("no session", 5002, {416: wire.avp(416, wire.UPDATE)}, {}))
    for name, result, extra, header in answers_of:
        if name == "no session":
            extra = {**extra, 443: b""}
        avps = {**wire.charge(session, wire.INITIAL, 0, scenes.TARGET, good), **extra}
        got = answers.peer.exchange(wire.message(wire.CCR, list(avps.values()), **header))
        answers.scene.expect_answer(name, got, result)
        if got is None:
            continue
        answers.scene.expect(got.avps[0].code == 263, f"{name}: Session-Id is not first")
        echoed = got.one(278)
        answers.scene.expect(echoed is None or echoed.data == answers.state, f"{name}: state id")
        answers.scene.expect(result // 1000 != 3 or not any(
            got.all(code) for code in APPLICATION_AVPS), f"{name}: AVPs of the application: {got}")


def lengths_are_shown_over_zeros(answers):
    """5014: the header of the AVP over a zero-filled value of the least size (RFC 6733 7.1.5)."""
    for code, broken, size in ((415, wire.avp(415, b"abc"), 4), (278, wire.avp(278, b"abcdef"), 4),
                               (55, wire.avp(55, bytes([7]) * 9), 4)):
        avps = wire.charge(answers.scene.session(), wire.INITIAL, 0, scenes.TARGET)
        got = answers.peer.exchange(wire.ccr({**avps, code: broken}))
        answers.scene.expect_answer(f"length of {code}", got, 5014, [code])
        if got is not None and got.failed():
            data = got.failed()[0].data
            answers.scene.expect(data == bytes(size), f"5014 of {code} shows {data.hex()}")


def watchdogs_in_a_row(scene):
    """Three DWRs at once, as freeDiameter sends them before it trusts a connection again (REOPEN);
    each is answered in order, and within Magma's second, also glued between requests."""
    with scene.peer() as peer:
        for between in (b"", wire.ccr(wire.charge(scene.session(), wire.INITIAL, 0))):
            octets = [wire.watchdog(peer.host) for _ in range(3)]
            started = time.monotonic()
            peer.send(between.join(octets))
            wanted = [struct.unpack_from(">I", each, 12)[0] for each in octets]
            seen = []
            while len(seen) < 3:
                got = peer.receive()
                if got.command == wire.DWR and not got.request:
                    scene.expect(got.result == 2001, f"DWA {got}")
                    seen.append(got.hop)
            scene.expect(seen == wanted, f"DWAs {seen}, not {wanted}")
            scene.expect(time.monotonic() - started < MAGMA_WITHIN_S, "three DWAs took too long")


def rars_are_told_apart(answers):
    """Hop-by-Hop and End-to-End of our requests: never one twice; and what makes them valid."""
    scene, peer = answers.scene, answers.peer
    sessions = [scene.session() for _ in range(8)]
    for session in sessions:
        answers.ask("open", session, wire.INITIAL, 0, [wire.mscc(1, rsu=scenes.STEP)])
    for session in sessions:
        scene.levyd.api("POST", "/v1/sessions/reauthorize", {"session_id": session})
    seen = []
    while len(seen) < len(sessions):
        got = peer.receive()
        scene.expect(got.command == wire.RAR and got.request, f"no RAR but {got}")
        seen.append(got)
        answers.judge_rar(got)
        peer.send(wire.message(wire.RAR, [wire.avp(263, got.avps[0].data), wire.avp(268, 2002),
                                          wire.avp(264, peer.host), wire.avp(296, "test")],
                               flags=wire.PROXIABLE, hop=got.hop, end=got.end))
    for what in ("hop", "end"):
        values = {getattr(one, what) for one in seen}
        scene.expect(len(values) == len(seen), f"{what} is used twice")
    scene.expect({one.one(263).data.decode() for one in seen} == set(sessions), "a RAR for each")
    for session in sessions:
        answers.end(session, 1)


def retried_by_dialect(build):
    """RAA 3002 (Magma: its local gateway is away): sent again where the dialect says so."""
    diameter = {"peers": [{"identity": "feg.hostile", "dialect": "magma"}],
                "dialects": {"magma": {"raa_retry": [3002]}}}
    options = {"diameter": diameter, "sessions": {"push_retry": "1 s"}}
    with scenes.Scene(build, options) as scene:
        for host, comes in (("feg.hostile", True), ("gw.hostile", False)):
            with scene.peer(host) as peer:
                session = scene.session()
                avps = wire.charge(session, wire.INITIAL, 0, scenes.TARGET,
                                   [wire.mscc(1, rsu=scenes.STEP)], host=host)
                scene.expect_answer("open", peer.exchange(wire.ccr(avps)), 2001)
                scene.levyd.api("POST", "/v1/sessions/reauthorize", {"session_id": session})
                refuse_rar(peer)
                try:
                    again = peer.receive(5 if comes else 3).command
                except TimeoutError:
                    again = None
                scene.expect(again == (wire.RAR if comes else None), f"{host}: {again} after 3002")
                end = wire.charge(session, wire.TERMINATION, 1, scenes.TARGET, host=host)
                scene.expect_answer("its end", peer.exchange(wire.ccr(end)), 2001)


def refuse_rar(peer):
    got = peer.receive()
    peer.send(wire.message(wire.RAR, [wire.avp(263, got.avps[0].data), wire.avp(268, 3002),
                                      wire.avp(264, peer.host), wire.avp(296, "test")],
                           flags=wire.PROXIABLE | wire.ERROR, hop=got.hop, end=got.end))


def full_table(build):
    """5012 for what does not fit; the sessions that are there go on, and room is used again."""
    capacity = {"sessions_max": 20, "tombstones_max": 20, "groups_max": 20, "accounts_max": 20,
                "identities_max": 40, "buckets_max": 20}
    with scenes.Scene(build, {"capacity": capacity, "data": {"shards": 1}}) as scene:
        with scene.peer() as peer:
            opened = []
            for _ in range(400):
                session = scene.session()
                avps = wire.charge(session, wire.INITIAL, 0, scenes.TARGET,
                                   [wire.mscc(1, rsu=scenes.STEP)])
                got = peer.exchange(wire.ccr(avps))
                if got.result != 2001:
                    break
                opened.append(session)
            scene.expect_answer("one too many", got, 5012)
            scene.expect(len(opened) >= 20, f"{len(opened)} sessions fit")
            scene.tick()
            for session in opened:
                end = wire.charge(session, wire.TERMINATION, 1, scenes.TARGET)
                scene.expect_answer("its end", peer.exchange(wire.ccr(end)), 2001)


def run(build):
    with scenes.Scene(build) as scene:
        answers = Answers(scene)
        for part in (one_mscc_for_each, grants_that_open5gs_reads, orders_and_oddities,
                     refusals_keep_the_rules, lengths_are_shown_over_zeros, rars_are_told_apart):
            part(answers)
            scene.tick()
        answers.peer.close()
        watchdogs_in_a_row(scene)
    retried_by_dialect(build)
    full_table(build)
