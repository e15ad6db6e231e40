"""The naive second ledger of the crash tests: what every account must show, from what was sent.

`Book` holds the accounts over several runs of levyload; `Book.page(ledger)` computes those of the
run under way. Spent is the price of each session's running totals, reserved is the price of what
the last grants would add; both are computed here from the ledger alone.
"""
import dataclasses

from ledger import Fault, price_micros

KNOWN_RESULTS = {2001}
KNOWN_MSCC_RESULTS = {2001, 4012}


def micros(text):
    """"-12.50" -> -12500000, exactly."""
    sign = -1 if text.startswith("-") else 1
    whole, _, fraction = text.lstrip("-").partition(".")
    return sign * (int(whole) * 1_000_000 + int((fraction + "000000")[:6]))


@dataclasses.dataclass
class Session:
    imsi: str
    totals: dict = dataclasses.field(default_factory=dict)   # rating group -> octets used
    granted: dict = dataclasses.field(default_factory=dict)  # rating group -> octets
    state: str = ""   # "" until levyd took its first request; then as levyd shows it
    update_max: int = 0

    @property
    def is_open(self):
        return self.state == "open"

    def use(self, request):
        for rating_group, octets in request.used.items():
            self.totals[rating_group] = self.totals.get(rating_group, 0) + octets

    def take_answer(self, request):
        if not request.answer.is_verdict():
            return
        self.use(request)
        if request.kind == "U":
            self.update_max = max(self.update_max, request.number)
        if request.kind == "T":
            self.granted, self.state = {}, "ended"
            return
        self.state = "open"
        self.granted = {rg: granted for rg, (_, granted) in request.answer.mscc.items()}

    def spent(self):
        return sum(price_micros(rg, octets) for rg, octets in self.totals.items())

    def reserved_of(self, rating_group, granted):
        total = self.totals.get(rating_group, 0)
        return price_micros(rating_group, total + granted) - price_micros(rating_group, total)

    def reserved(self):
        return sum(self.reserved_of(rg, granted) for rg, granted in self.granted.items())


@dataclasses.dataclass
class Account:
    credits: int                # micros, all that was ever put in
    spent: int = 0              # by runs that are over
    left_reserved: int = 0      # by open sessions of earlier runs, until the sweep ends them
    left_open: int = 0


class Page:
    """One run: its sessions, and the requests without an answer."""

    def __init__(self, ledger):
        self.sessions = {}
        self.pending = {}  # imsi -> Request
        for request in ledger.requests.values():
            self._take(request)

    def _take(self, request):
        session = self.sessions.setdefault(request.session, Session(request.imsi))
        if request.answer is None:
            if request.imsi in self.pending:
                raise Fault(f"{request}: a second request under way for {request.imsi}")
            self.pending[request.imsi] = request
            return
        if request.answer.is_verdict() and request.answer.result not in KNOWN_RESULTS:
            raise Fault(f"{request}: Result-Code {request.answer.result}")
        for rating_group, (code, _) in request.answer.mscc.items():
            if request.answer.is_verdict() and code not in KNOWN_MSCC_RESULTS:
                raise Fault(f"{request}: rating group {rating_group} has Result-Code {code}")
        session.take_answer(request)
        if request.kind == "I" and session.is_open:
            self._supersede(request)

    def older_open(self, initial):
        """Open sessions that this request replaces: their termination was refused."""
        return [session for session_id, session in self.sessions.items()
                if session.imsi == initial.imsi and session.is_open and
                session_id != initial.session]

    def _supersede(self, initial):
        for older in self.older_open(initial):
            older.granted, older.state = {}, "superseded"


class Book:
    def __init__(self, wallets):
        self.accounts = {imsi: Account(credits) for imsi, credits in wallets.items()}

    def topped_up(self, imsi, amount_micros):
        self.accounts[imsi].credits += amount_micros

    def expected(self, page):
        """imsi -> [spent, reserved, open sessions] of everything answered."""
        sums = {imsi: [account.spent, 0, 0] for imsi, account in self.accounts.items()}
        for session in page.sessions.values():
            sums[session.imsi][0] += session.spent()
            sums[session.imsi][1] += session.reserved()
            sums[session.imsi][2] += session.is_open
        return sums

    def close(self, page):
        """The run is over: its open sessions stay until the gateway is seen to have restarted."""
        for imsi, (spent, reserved, count) in self.expected(page).items():
            account = self.accounts[imsi]
            account.spent, account.left_reserved, account.left_open = spent, reserved, count
