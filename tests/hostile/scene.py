"""A levyd, a gateway that behaves well on it, and a subscriber that hostile messages name.

    with Scene(build) as scene:
        scene.expect(2 > 1, "what is wrong otherwise")   # all faults are told together, at the end
        scene.tick()                                     # the good gateway: one more step, charged
    # left: the good session ended and cost what it had to, nobody else paid, SIGTERM gives code 0
"""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from levyd import Levyd, LevydError, merge  # noqa: E402
import wire  # noqa: E402

STEP = 1500000      # octets of one price step of plan data-a: 0.25 EUR
STEADY = "001010000000001"
TARGET = "001010000000002"
WALLET = "10000.00"
# The good gateway's bounds: that levyd lives, not how fast it is. A machine that also compiles may
# hold one sync of the disk for seconds, so one answer (or 5 % of them) may be late, but never later
# than the second bound.
ANSWER_WITHIN_S = 5.0
ANSWER_AT_LAST_S = 60.0


class Scene:
    def __init__(self, build, options=None):
        self.faults = []
        base = {"diameter": {"realms_served": ["test"]}}
        self.levyd = Levyd(build, options=merge(base, options or {}))
        self.steps = 0
        self.sessions = 0
        self.overloaded = False
        self.sent_away = 0
        self.waits = []  # seconds that each answer to the good gateway took
        self.target_judged_here = False  # the part looks at the target's wallet itself

    def __enter__(self):
        try:
            self.levyd.import_subscribers(
                [{"account": name, "imsi": imsi, "plan": "data-a", "wallet": WALLET}
                 for name, imsi in (("steady", STEADY), ("target", TARGET))])
            self.steady = self.peer("steady.test")
            self._open_steady()
        except BaseException:
            self.levyd.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, *rest):
        if kind is None:
            try:
                self._finish()
            except BaseException:
                self.levyd.__exit__(*sys.exc_info())
                raise
        self.levyd.__exit__(kind, *rest)

    # -- what is expected -------------------------------------------------------------------------
    def expect(self, good, text):
        if not good:
            self.faults.append(str(text))
            print(f"  wrong: {text}", flush=True)
        return good

    def expect_answer(self, name, got, result, failed=None):
        """The answer's Result-Code and the codes in its Failed-AVP; header and E bit fit."""
        if got is None:
            return self.expect(False, f"{name}: closed, {result} wanted")
        codes = [a.code for a in got.failed()]
        good = self.expect(got.result == result and not got.request,
                           f"{name}: {result} wanted, got {got}")
        good &= self.expect(failed is None or codes == list(failed),
                            f"{name}: Failed-AVP {failed} wanted, got {codes}")
        error_bit = bool(got.flags & wire.ERROR)
        good &= self.expect(error_bit == (3000 <= (got.result or 0) < 4000),
                            f"{name}: E bit {error_bit} with {got.result}")
        return good

    def expect_gone(self, name, peer):
        return self.expect(peer.closed(), f"{name}: the connection is to be closed")

    # -- peers ------------------------------------------------------------------------------------
    def peer(self, host="gw.hostile", **how):
        """An open connection."""
        peer = wire.Peer(self.levyd.port, host, **how)
        answer = peer.open()
        if answer is None or answer.result != 2001:
            raise LevydError(f"no capabilities exchange of {host}: {answer}")
        return peer

    def session(self):
        """A Session-Id that was never used."""
        self.sessions += 1
        return f"gw.hostile;{self.sessions};{id(self)}"

    # -- the gateway that behaves well ------------------------------------------------------------
    def _charge(self, kind, number, usu, rsu):
        avps = wire.charge(self.steady_id, kind, number, STEADY,
                           [wire.mscc(1, rsu=rsu, usu=usu)], host="steady.test")
        got = self._exchange(avps)
        granted = (2001, STEP if rsu else None)
        good = got is not None and got.result == 2001 and got.services() == {1: granted}
        self.expect(good, f"the good gateway was answered {got}")

    def _exchange(self, avps):
        """Asks again after 3004 where the part overloads levyd; how often stands in `sent_away`."""
        flags = wire.REQUEST | wire.PROXIABLE
        for _ in range(1000):
            started = time.monotonic()
            got = self.steady.exchange(wire.ccr(avps, flags=flags), ANSWER_AT_LAST_S)
            self.waits.append(time.monotonic() - started)
            if not self.overloaded or got is None or got.result != 3004:
                return got
            self.sent_away += 1
            flags |= wire.RETRANSMIT
            time.sleep(0.01)
        return got

    def _open_steady(self):
        self.steady_id = "steady.test;1;1"
        self._charge(wire.INITIAL, 0, None, STEP)

    def tick(self):
        """The good gateway reports one step and gets the next one, in time."""
        self.steps += 1
        self._charge(wire.UPDATE, self.steps, STEP, STEP)

    def _finish(self):
        self.expect(self.levyd.running(), "levyd is alive")
        self.tick()
        self._charge(wire.TERMINATION, self.steps + 1, 0, None)
        self.steady.close()
        self._expect_wallet(STEADY, 0.25 * self.steps)
        late = sorted(each for each in self.waits if each > ANSWER_WITHIN_S)
        self.expect(len(late) <= max(1, len(self.waits) // 20),
                    f"{len(late)} of {len(self.waits)} answers to the good gateway: late, {late}")
        if not self.target_judged_here:
            self._expect_wallet(TARGET, 0.0)
        if self.faults:
            raise LevydError(f"{len(self.faults)} faults:\n  " + "\n  ".join(self.faults))

    def _expect_wallet(self, imsi, spent):
        wallet = {key: float(value) for key, value in
                  self.levyd.wallet(f"imsi:{imsi}").items()
                  if key in ("free", "reserved", "credits", "spent", "written_off", "in_transit")}
        wanted = {"credits": float(WALLET), "spent": spent, "reserved": 0.0, "written_off": 0.0,
                  "in_transit": 0.0, "free": float(WALLET) - spent}
        self.expect(wallet == wanted, f"wallet of {imsi}: {wanted} wanted, it is {wallet}")
