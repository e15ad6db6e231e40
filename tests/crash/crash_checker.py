"""The checker of the crash tests must complain: a planted fault each, in the ledger or in levyd.

One short run under load is checked and found right; then its ledger is tampered with, so that levyd
looks as if it had lost, doubled or changed something, and every variant must be refused.
"""
import sys

import rig
from ledger import Fault, Ledger


def lines_of(path):
    with open(path, encoding="ascii") as file:
        return file.read().splitlines()


class Tampering:
    """Each method returns the lines of a ledger under which levyd is wrong."""

    def __init__(self, lines):
        self.lines = lines
        self.ledger = Ledger(lines)
        # The latest update of an open session, and one before it.
        by_session = {}
        for request in self.ledger.requests.values():
            by_session.setdefault(request.session, []).append(request)
        rows = next(rows for rows in by_session.values()
                    if len(rows) > 6 and all(r.kind != "T" and r.answer for r in rows) and
                    all(octets > 0 for r in rows[1:] for octets in r.used.values()))
        self.initial, self.earlier, self.latest = rows[0], rows[2], rows[-1]

    def without(self, request):
        gone = {f"S {request}", f"A {request}"}
        return [line for line in self.lines
                if " ".join(line.split(" ")[:4]) not in gone]

    def charge_without_request(self):
        return self.without(self.earlier)

    def lost_debit(self):
        number = self.earlier.number + 1_000_000
        extra = [line.replace(f" U {self.earlier.number} ", f" U {number} ", 1)
                 for line in (self.earlier.line, self.earlier.answer_line)]
        return self.lines + extra

    def lost_session(self):
        answer = self.initial.answer_line.rsplit(":", 1)[0] + ":5500000"
        more = [line.replace(self.initial.session, self.initial.session[:-1] + "x", 1)
                for line in (self.initial.line, answer)]
        return self.lines + more

    def other_units(self):
        # Two whole steps of the widest price: fewer octets may cost the same.
        before, octets = self.earlier.line.rsplit(":", 1)
        other = f"{before}:{int(octets) + 3_000_000}"
        return [other if line == self.earlier.line else line for line in self.lines]

    def other_grant(self):
        other = self.latest.answer_line.rsplit(":", 1)[0] + ":5500000"
        return [other if line == self.latest.answer_line else line for line in self.lines]

    def two_verdicts(self):
        other = self.latest.answer_line.rsplit(":", 1)[0] + ":5500000"
        return self.lines + [self.latest.line, other]

    def refused_but_charged(self):
        fields = self.earlier.answer_line.split(" ")
        fields[4] = "3004"
        other = " ".join(fields)
        return [other if line == self.earlier.answer_line else line for line in self.lines]


def refused(test, lines):
    """The faults of levyd under these lines; None when the checker is content."""
    try:
        page = rig.Page(Ledger(lines))
        test.checker.after_kill(page)
        test.checker.after_resume(page, {})
    except Fault as fault:
        return str(fault)
    return None


def main():
    args = rig.arguments(__doc__)
    test = rig.Rig(args)
    with test.levyd as levyd:
        levyd.start()
        test.fill()
        path = test.new_ledger()
        test.end_load(test.load(path, "--requests", 4000))
        lines = lines_of(path)
        fault = refused(test, lines)
        if fault is not None:
            raise Fault(f"the run as it was is refused: {fault}")
        tampering = Tampering(lines)
        for variant in (tampering.charge_without_request, tampering.lost_debit,
                        tampering.lost_session, tampering.other_units, tampering.other_grant,
                        tampering.two_verdicts, tampering.refused_but_charged):
            fault = refused(test, variant())
            if fault is None:
                raise Fault(f"{variant.__name__}: the checker did not see it")
            print(f"{variant.__name__}: {fault[:120]}")
        # A change in levyd that no request explains.
        levyd.api("POST", f"/v1/subscribers/imsi:{test.imsis[0]}/topup",
                  {"amount": "0.01", "currency": "EUR"})
        if refused(test, lines) is None:
            raise Fault("credit from nowhere: the checker did not see it")


if __name__ == "__main__":
    sys.exit(rig.run(main))
