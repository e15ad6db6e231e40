"""Compares levyd's accounts and sessions (admin API) with the book; every difference is a Fault."""
import time

from book import micros
from ledger import Fault, price_micros

SWEEP_S = 10  # within which the open sessions of a restarted gateway must have ended


def row_of(subscriber):
    """(spent, reserved, open sessions) of an account, and that its wallet adds up."""
    wallet, = [b for b in subscriber["buckets"] if b["kind"] == "wallet"]
    credits, spent, reserved, free = (micros(wallet[k])
                                      for k in ("credits", "spent", "reserved", "free"))
    if micros(wallet["in_transit"]) != 0 or micros(wallet["written_off"]) != 0:
        raise Fault(f"{subscriber['account']}: in transit or written off without a reason: {wallet}")
    if free != credits - spent - reserved:
        raise Fault(f"{subscriber['account']}: credits are not spent + reserved + free: {wallet}")
    return credits, (spent, reserved, subscriber["sessions_open"])


class Checker:
    def __init__(self, levyd, book):
        self.levyd = levyd
        self.book = book

    def row(self, imsi):
        credits, row = row_of(self.levyd.subscriber("imsi:" + imsi))
        if credits != self.book.accounts[imsi].credits:
            raise Fault(f"{imsi}: credits {credits}, put in {self.book.accounts[imsi].credits}")
        return row

    def session(self, imsi, session_id):
        """None when levyd does not know it."""
        for row in self.levyd.sessions("imsi:" + imsi):
            if row["session_id"] == session_id:
                return row
        return None

    def audit(self):
        """The law, and the sums over all Shards against the book."""
        sums = self.levyd.api("GET", "/v1/audit")
        if not sums["holds"]:
            raise Fault(f"the law is broken: {sums}")
        put_in = sum(account.credits for account in self.book.accounts.values())
        if micros(sums["credits"]) != put_in or micros(sums["in_transit"]) != 0:
            raise Fault(f"credits {sums['credits']}, in transit {sums['in_transit']}, "
                        f"put in {put_in}")
        return sums

    # -- after a kill: every answered request once, the others at most once ---------------------
    def after_kill(self, page):
        """imsi -> (was it charged, the row), for every account with a request under way."""
        expected = self.book.expected(page)
        known = {}
        for imsi, (spent, reserved, count) in expected.items():
            row = self.row(imsi)
            request = page.pending.get(imsi)
            if request is None:
                self._without(imsi, row, (spent, reserved, count))
            else:
                known[imsi] = self._pending(page, request, row, (spent, reserved, count)), row
        self.audit()
        return known

    def _without(self, imsi, row, expected):
        """Nothing is under way: equal, or with the leftovers of the run before."""
        account = self.book.accounts[imsi]
        left = (expected[0], expected[1] + account.left_reserved, expected[2] + account.left_open)
        if row not in (expected, left):
            raise Fault(f"{imsi}: (spent, reserved, open sessions) is {row}, must be {expected} "
                        f"or, before the sweep, {left}")

    def _pending(self, page, request, row, expected):
        """Charged or not: by the session's state, and then every figure must say the same."""
        session = page.sessions[request.session]
        shown = self.session(request.imsi, request.session)
        charged = was_taken(request, session, shown)
        if not charged:
            self._without(request.imsi, row, expected)
            return False
        session_spent = session.spent()
        before = session.reserved()
        session.use(request)
        more, after = session.spent() - session_spent, shown_groups(session, shown)
        for rating_group, octets in request.used.items():  # the page is as it was
            session.totals[rating_group] -= octets
        count = expected[2] - session.is_open + (request.kind != "T")
        for older in page.older_open(request) if request.kind == "I" else ():
            before, count = before + older.reserved(), count - 1
        self._without(request.imsi, row, (expected[0] + more, expected[1] - before + after, count))
        return True

    # -- after every request has been sent again: every one exactly once ------------------------
    def after_resume(self, page, known):
        if page.pending:
            raise Fault(f"without an answer after the repeats: {list(page.pending.values())}")
        for imsi, (spent, reserved, count) in self.book.expected(page).items():
            row = self._swept(imsi, (spent, reserved, count))
            if row != (spent, reserved, count):
                raise Fault(f"{imsi}: (spent, reserved, open sessions) is {row}, "
                            f"must be {(spent, reserved, count)}")
            charged, before = known.get(imsi, (False, None))
            account = self.book.accounts[imsi]
            same = before in (row, (row[0], row[1] + account.left_reserved,
                                    row[2] + account.left_open))
            if charged and not same:
                raise Fault(f"{imsi}: charged before the restart, and its repeat changed "
                            f"{before} to {row}")
        self.audit()

    def _swept(self, imsi, expected):
        """The row, once the sessions of the gateway's earlier life have ended."""
        deadline = time.monotonic() + SWEEP_S
        row = self.row(imsi)
        while self.book.accounts[imsi].left_open and row != expected:
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
            row = self.row(imsi)
        return row

    def sessions(self, page, imsi):
        """State, number and first group of each session of the run, as the ledger has them."""
        shown = {row["session_id"]: row for row in self.levyd.sessions("imsi:" + imsi)}
        for session_id, session in page.sessions.items():
            if session.imsi != imsi or not session.state:
                continue
            row = shown.get(session_id)
            if row is None:
                raise Fault(f"{session_id} is not known any more")
            if (row["state"], row["highest_request_number"]) != (session.state,
                                                                  session.update_max):
                raise Fault(f"{session_id}: must be {session.state} at {session.update_max}: {row}")
            if session.is_open:
                shown_groups(session, row)
                granted = {group["rating_group"]: group["granted"] for group in row["groups"]}
                if granted != session.granted:
                    raise Fault(f"{session_id}: granted {session.granted}, shown {granted}")


def was_taken(request, session, shown):
    """Whether levyd's state holds this request that has no answer."""
    if request.kind == "I":
        return shown is not None
    if shown is None:
        raise Fault(f"{request}: its session is not known any more")
    if request.kind == "T":
        if shown["state"] not in ("open", "ended"):
            raise Fault(f"{request}: its session is {shown['state']}")
        return shown["state"] == "ended"
    number = shown["highest_request_number"]
    if shown["state"] != "open" or number not in (session.update_max, request.number):
        raise Fault(f"{request}: its session is {shown['state']} at number {number}")
    return number == request.number


def shown_groups(session, shown):
    """Micros that its rating groups hold; totals, charges and prices must be the ledger's."""
    reserved = 0
    for group in shown["groups"]:
        rating_group, used = group["rating_group"], session.totals.get(group["rating_group"], 0)
        held = sum(micros(part["amount"]) for part in group["reserved"])
        if group["used"] != used or micros(group["charged"]) != price_micros(rating_group, used):
            raise Fault(f"{shown['session_id']}: sent {session.totals}, shown {group}")
        if held != session.reserved_of(rating_group, group["granted"]):
            raise Fault(f"{shown['session_id']}: the reservation of {group} is not its price")
        reserved += held
    return reserved
