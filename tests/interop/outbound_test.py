"""Connections that Levy begins: `connect`, reconnection, elections, RAR, all over real TCP.

usage: outbound_test.py peer|election|freediameter|twins --build DIR
"""
import argparse
import os
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "hostile")]
import wire  # noqa: E402
from gateway import Gateway  # noqa: E402
from levyd import Levyd, LevydError, free_port  # noqa: E402

IMSI = "001010000000001"
STEP = 1500000      # octets of one price step of plan data-a, 0.25 EUR
TC_S = 1            # diameter.reconnect, the shortest there is
SOON_S = 10         # a machine that also compiles may stall


def expect(good, what):
    if not good:
        raise LevydError(str(what))


class Listener:
    """The port that Levy connects to; shut() and open() it as the peer goes and comes."""

    def __init__(self):
        self.port = free_port()
        self.socket = None
        self.open()

    def open(self):
        self.socket = socket.create_server(("127.0.0.1", self.port))

    def shut(self):
        self.socket.close()

    def accept(self, host, timeout=SOON_S):
        """The next connection of Levy and its CER."""
        self.socket.settimeout(timeout)
        connected, _ = self.socket.accept()
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = wire.Peer.accepted(connected, host)
        cer = peer.receive(SOON_S)
        expect(cer is not None and cer.request and cer.command == wire.CER, f"no CER but {cer}")
        return peer, cer

    def open_peer(self, host):
        peer, cer = self.accept(host)
        peer.send(wire.capabilities_answer(cer, host))
        return peer

    def silent_for(self, seconds):
        """Nobody connects within that time."""
        self.socket.settimeout(seconds)
        try:
            self.socket.accept()[0].close()
        except TimeoutError:
            return True
        return False


class Session:
    """One session over whichever connection the caller says; every report is one step."""
    count = 0

    def __init__(self, host):
        Session.count += 1
        self.id, self.host, self.number = f"{host};1;{Session.count}", host, 0

    def charge(self, peer, kind, usu=None, rsu=STEP):
        avps = wire.charge(self.id, kind, self.number, IMSI, [wire.mscc(1, rsu=rsu, usu=usu)],
                           host=self.host)
        got = peer.exchange(wire.ccr(avps), SOON_S)
        self.number += 1
        granted = {1: (2001, STEP if rsu else None)}
        expect(got is not None and got.result == 2001 and got.services() == granted,
               f"charge {kind}: {got}")

    def open(self, peer):
        self.charge(peer, wire.INITIAL)

    def report(self, peer):
        self.charge(peer, wire.UPDATE, usu=STEP)

    def close(self, peer):
        self.charge(peer, wire.TERMINATION, usu=0, rsu=None)


def start(build, peers):
    """A levyd that connects to peers: {Origin-Host: port}, by a name that it looks up."""
    known = [{"identity": host, "realm": "test", "connect": f"localhost:{port}"}
             for host, port in peers.items()]
    levyd = Levyd(build, options={"diameter": {
        "peers": known, "accept_unknown": False, "reconnect": f"{TC_S} s", "watchdog": "6 s"}})
    levyd.import_subscribers([{"account": "account-1", "imsi": IMSI, "plan": "data-a",
                               "wallet": "100.00"}])
    return levyd


def connections(levyd):
    return levyd.api("GET", "/v1/status")["connections"]


def expect_one_connection(levyd):
    """One is left soon, and no other is tried while it is open."""
    deadline = time.monotonic() + SOON_S
    while connections(levyd) != 1:
        expect(time.monotonic() < deadline, f"{connections(levyd)} connections stay")
        time.sleep(0.05)
    until = time.monotonic() + 2.5 * TC_S
    while time.monotonic() < until:
        expect(connections(levyd) == 1, f"{connections(levyd)} connections after the election")
        time.sleep(0.05)


def receive_rar(levyd, peer, session):
    """An operator's wish arrives on this connection and is answered."""
    levyd.ctl("session", "reauthorize", session.id)
    got = peer.receive(SOON_S)
    while got is not None and got.command == wire.DWR and got.request:
        answer_watchdog(peer, got)
        got = peer.receive(SOON_S)
    expect(got is not None and got.request and got.command == wire.RAR and
           got.one(263).data == session.id.encode() and
           got.one(293).data == session.host.encode(), f"no RAR but {got}")
    peer.send(wire.message(wire.RAR, [wire.avp(263, session.id), wire.avp(268, 2001),
                                      wire.avp(264, peer.host), wire.avp(296, "test")],
                           flags=wire.PROXIABLE, hop=got.hop, end=got.end))


def answer_watchdog(peer, got):
    peer.send(wire.message(wire.DWR, [wire.avp(268, 2001), wire.avp(264, peer.host),
                                      wire.avp(296, "test"), wire.avp(278, 7)],
                           application=wire.BASE, flags=0, hop=got.hop, end=got.end))


# ---- one peer that Levy connects to -------------------------------------------------------------

def judge_cer(cer):
    expect(cer.flags == wire.REQUEST and cer.application == wire.BASE, f"header of the CER: {cer}")
    values = {code: [a.data for a in cer.all(code)] for code in (264, 296, 257, 258, 266, 299)}
    wanted = {264: [b"levy.test"], 296: [b"test"], 257: [b"\0\1\x7f\0\0\1"],
              258: [wire.data_of(wire.GY)], 266: [wire.data_of(0)], 299: []}
    expect(values == wanted, f"CER: {values}")
    expect(cer.one(278) is not None and cer.one(269) is not None, f"CER: {cer}")


def judge_watchdogs(peer, state):
    """Both ways, with the Origin-State-Id of the CER (freeDiameter resets the connection else)."""
    dwa = peer.exchange(wire.watchdog(peer.host))
    expect(dwa.result == 2001 and dwa.one(278).data == state, f"DWA: {dwa}")
    got = peer.receive(12)  # 6 s, jittered by 2 s
    expect(got is not None and got.request and got.command == wire.DWR and
           got.one(278).data == state, f"no DWR but {got}")
    answer_watchdog(peer, got)


def away_and_back(listener, host, session, levyd):
    """Tc between two attempts, and not less; a session goes on over the new connection."""
    started = time.monotonic()
    attempts = 0
    while time.monotonic() - started < 3.5 * TC_S:  # it accepts and is gone: each time Tc more
        peer, _ = listener.accept(host)
        peer.close()
        attempts += 1
    expect(attempts <= 5, f"{attempts} attempts in {time.monotonic() - started:.1f} s")
    listener.shut()
    time.sleep(2.5 * TC_S)
    expect(levyd.running(), "levyd ended")
    listener.open()
    peer = listener.open_peer(host)
    receive_rar(levyd, peer, session)  # found by its host: no request came over it yet
    session.report(peer)
    return peer


def test_peer(build):
    listener = Listener()
    host = "pgw.test"
    with start(build, {host: listener.port}) as levyd:
        peer, cer = listener.accept(host)
        judge_cer(cer)
        peer.send(wire.capabilities_answer(cer, host))
        session = Session(host)
        session.open(peer)
        session.report(peer)
        judge_watchdogs(peer, cer.one(278).data)
        receive_rar(levyd, peer, session)
        session.report(peer)
        peer.close()
        peer = away_and_back(listener, host, session, levyd)
        session.close(peer)
        expect(float(levyd.wallet(f"imsi:{IMSI}")["spent"]) == 0.75, "three steps were used")
        refused_answers(listener, peer, host)
        quiet_when_asked(listener, host)
    listener.shut()


def refused_answers(listener, peer, host):
    """CEAs that Levy may not take: it closes, and tries again after Tc."""
    peer.close()
    for bent in ({"result": 5010}, {"applications": [16777238]}, {"realm": "elsewhere"}):
        peer, cer = listener.accept(host)
        peer.send(wire.capabilities_answer(cer, host, **bent))
        expect(peer.closed(), f"a CEA with {bent} was taken")
        peer.close()
    peer, cer = listener.accept(host)
    peer.send(wire.capabilities_answer(cer, "impostor.test"))
    expect(peer.closed(), "a CEA of another host was taken")
    peer.close()


def quiet_when_asked(listener, host):
    """REBOOTING: called again after Tc. DO_NOT_WANT_TO_TALK_TO_YOU: not so soon."""
    for cause, comes in ((0, True), (2, False)):
        peer = listener.open_peer(host)
        got = peer.exchange(wire.goodbye(host, cause))
        expect(got is not None and got.result == 2001, f"DPA: {got}")
        peer.close()
        if comes:
            continue
        expect(listener.silent_for(4 * TC_S), "called again though it does not want to talk")


# ---- elections: both connect at once ------------------------------------------------------------

def begin_election(build, host):
    """levyd's CER is out on one connection, ours on the other."""
    listener = Listener()
    levyd = start(build, {host: listener.port})
    try:
        theirs, cer = listener.accept(host)
        ours = wire.Peer(levyd.port, host)
        ours.send(wire.capabilities(host))
    except BaseException:
        levyd.__exit__(*sys.exc_info())
        raise
    return listener, levyd, theirs, cer, ours


def election_we_win(build):
    """levy.test > alpha.test: Levy keeps what it accepted and closes what it began."""
    listener, levyd, theirs, _, ours = begin_election(build, "alpha.test")
    with levyd:
        got = ours.receive()
        expect(got is not None and got.result == 2001, f"CEA of the winner: {got}")
        expect(theirs.closed(), "the winner closes the connection that it began")
        charge_over(levyd, ours)
        expect(listener.silent_for(2.5 * TC_S), "it connects although it is connected")


def election_we_lose(build):
    """levy.test < zulu.test: Levy keeps what it began; the other CER gets 4003."""
    _, levyd, theirs, cer, ours = begin_election(build, "zulu.test")
    with levyd:
        try:
            got = ours.receive(0.5)
        except TimeoutError:
            got = "nothing"
        expect(got == "nothing", f"the CER that lost was answered before the other: {got}")
        theirs.send(wire.capabilities_answer(cer, "zulu.test"))
        got = ours.receive()
        expect(got is not None and got.result == 4003 and not got.flags & wire.ERROR,
               f"CEA of the loser: {got}")
        expect(ours.closed(), "a lost connection is closed")
        charge_over(levyd, theirs)


def election_winner_fails(build):
    """The winner breaks the connection that it should keep: the other one opens."""
    _, levyd, theirs, _, ours = begin_election(build, "zulu.test")
    with levyd:
        theirs.close()
        got = ours.receive()
        expect(got is not None and got.result == 2001, f"CEA of the one that is left: {got}")
        charge_over(levyd, ours)


def election_other_says_lost(build):
    """A peer that counts otherwise answers our CER with 4003: then its own connection opens."""
    _, levyd, theirs, cer, ours = begin_election(build, "zulu.test")
    with levyd:
        theirs.send(wire.capabilities_answer(cer, "zulu.test", result=4003))
        got = ours.receive()
        expect(got is not None and got.result == 2001, f"CEA of the one that is left: {got}")
        charge_over(levyd, ours)


def charge_over(levyd, peer):
    expect_one_connection(levyd)
    session = Session(peer.host)
    session.open(peer)
    receive_rar(levyd, peer, session)
    session.report(peer)
    session.close(peer)


def test_election(build):
    for part in (election_we_win, election_we_lose, election_winner_fails,
                 election_other_says_lost):
        part(build)


# ---- freeDiameter -------------------------------------------------------------------------------

class Gate:
    """A TCP relay that holds the first bytes back until release(), so that both CERs cross."""

    def __init__(self, target):
        self.target = target
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.came = threading.Event()
        self.released = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def release(self):
        self.released.set()

    def _serve(self):
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(near,), daemon=True).start()

    def _relay(self, near):
        try:
            first = near.recv(65536)
            self.came.set()
            self.released.wait(60)
            far = socket.create_connection(("127.0.0.1", self.target))
            far.sendall(first)
        except OSError:
            near.close()
            return
        back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
        back.start()
        self._pump(near, far)
        back.join()
        near.close()
        far.close()

    @staticmethod
    def _pump(source, sink):
        try:
            while octets := source.recv(65536):
                sink.sendall(octets)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.server.close()


def play_session(levyd, gateway, name, wait=""):
    gateway.play(f"""
        {wait}
        open {name} imsi={IMSI} rg=1 rsu={STEP}
        expect rc=2001 mscc=2001 gsu={STEP}
        update {name} rg=1 usu={STEP} rsu={STEP} rr=3
        expect rc=2001 mscc=2001 gsu={STEP}""")
    levyd.ctl("session", "reauthorize", levyd.sessions(f"imsi:{IMSI}")[0]["session_id"])
    gateway.play(f"""
        wait-rar {name}
        update {name} rg=1 rsu={STEP} rr=7
        expect rc=2001 mscc=2001 gsu={STEP}
        close {name} rg=1 usu=1 rr=2
        expect rc=2001""")


def freediameter_is_called(build):
    """freeDiameter as a pure server; it comes later, goes, and Levy goes and comes."""
    port = free_port()
    with start(build, {"gateway.test": port}) as levyd:
        for life in ("a", "b"):
            with Gateway(build, 0, "--listen", str(port), "--timeout", "20") as gateway:
                play_session(levyd, gateway, life)
                expect_one_connection(levyd)
                if life == "a":
                    levyd.restart()
                    play_session(levyd, gateway, "again", "wait-open")


def freediameter_elects(build, host, ours_first):
    """Both CERs are under way when the first of them arrives."""
    port = free_port()
    to_gateway = Gate(port)
    with start(build, {host: to_gateway.port}) as levyd:
        to_levyd = Gate(levyd.port)
        with Gateway(build, to_levyd.port, "--listen", str(port), "--host", host,
                     "--timeout", "30") as gateway:
            expect(to_gateway.came.wait(30) and to_levyd.came.wait(30), "two CERs were due")
            gates = (to_gateway, to_levyd) if ours_first else (to_levyd, to_gateway)
            for gate in gates:
                gate.release()
                time.sleep(0.3)
            play_session(levyd, gateway, "elected")
            expect_one_connection(levyd)
            play_session(levyd, gateway, "still")
        to_levyd.close()
    to_gateway.close()


def test_freediameter(build):
    freediameter_is_called(build)
    for host in ("gateway.test", "zulu.test"):
        for ours_first in (True, False):
            print(f"election with {host}, {'our' if ours_first else 'its'} CER first", flush=True)
            freediameter_elects(build, host, ours_first)


# ---- two levyds ---------------------------------------------------------------------------------

def test_twins(build):
    """Two levyds that connect to each other: one connection, whoever starts or restarts."""
    diameter = {"accept_unknown": False, "reconnect": f"{TC_S} s"}
    first, second = free_port(), free_port()
    names = {"alpha.test": (first, "omega.test", second), "omega.test": (second, "alpha.test", first)}
    twins = []
    try:
        for name, (port, other, target) in names.items():
            twins.append(Levyd(build, options={"diameter": {
                **diameter, "origin_host": name,
                "listeners": [{"address": "127.0.0.1", "port": port}],
                "peers": [{"identity": other, "connect": f"127.0.0.1:{target}"}]}}))
        for restarted in (None, 0, 1):
            if restarted is not None:
                twins[restarted].restart()
            for twin in twins:
                expect_one_connection(twin)
    except BaseException:
        for twin in twins:
            twin.__exit__(*sys.exc_info())
        raise
    for twin in twins:
        twin.__exit__(None, None, None)


def main():
    tests = {"peer": test_peer, "election": test_election, "freediameter": test_freediameter,
             "twins": test_twins}
    parser = argparse.ArgumentParser()
    parser.add_argument("test", choices=tests)
    parser.add_argument("--build", required=True)
    options = parser.parse_args()
    tests[options.test](options.build)
    print(f"outbound {options.test}: as expected")


if __name__ == "__main__":
    main()
