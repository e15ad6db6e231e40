"""A ledger of levyload (perf/README.md) as objects, and the prices of crash_plan.yaml.

What has an answer must have been charged once; what has none may have been, at most once. Faults of
the ledger itself (two verdicts for one request, a repeat with other units) are faults of levyd.
"""
import dataclasses

HEAD = "# levyload-ledger 1 "


class Fault(Exception):
    """What levyd says does not agree with the ledger."""


def price_micros(rating_group, octets):
    """Price of a running total, in 10^-6 EUR: the three services of crash_plan.yaml."""
    if rating_group == 1:
        return -(-octets // 1_500_000) * 250_000
    if rating_group == 2:
        return -(-octets // 100_000) * 10_000
    if rating_group == 3:
        return (octets * 6 + 7) // 14  # 3/7 micros each, half up
    raise Fault(f"rating group {rating_group} is not in crash_plan.yaml")


@dataclasses.dataclass
class Answer:
    result: int
    mscc: dict  # rating group -> (Result-Code, octets granted)

    def is_verdict(self):
        """A 3xxx is none: the server did not take the request."""
        return self.result // 1000 != 3


@dataclasses.dataclass
class Request:
    session: str
    kind: str      # I, U or T
    number: int
    imsi: str
    used: dict     # rating group -> octets
    line: str      # of its first sending
    sendings: int = 1
    answer: Answer = None
    answer_line: str = ""

    def key(self):
        return self.session, self.kind, self.number

    def __str__(self):
        return f"{self.session} {self.kind} {self.number}"


def _octets(text):
    return {int(rg): int(used) for rg, used in (part.split(":") for part in text.split(","))}


def _answer(fields):
    mscc = {}
    for part in fields[5].split(","):
        rating_group, code, granted = part.split(":")
        mscc[int(rating_group)] = int(code), int(granted)
    return Answer(int(fields[4]), mscc)


class Ledger:
    """Requests in the order in which they were first sent."""

    def __init__(self, lines):
        if not lines or not lines[0].startswith(HEAD):
            raise Fault("the ledger has no head line")
        self.head = lines[0]
        self.requests = {}
        for line in lines[1:]:
            fields = line.split(" ")
            if fields[0] == "S" and len(fields) == 10:
                self._sent(fields, line)
            elif fields[0] == "A" and len(fields) == 6:
                self._answered(fields, line)
            else:
                raise Fault(f"not a line of a ledger: {line}")

    @classmethod
    def read(cls, path):
        with open(path, encoding="ascii") as file:
            return cls(file.read().splitlines())

    def _sent(self, fields, line):
        request = Request(fields[1], fields[2], int(fields[3]), fields[4], _octets(fields[9]), line)
        known = self.requests.get(request.key())
        if known is None:
            self.requests[request.key()] = request
            return
        if known.used != request.used:
            raise Fault(f"{request}: repeated with other units")
        known.sendings += 1

    def _answered(self, fields, line):
        request = self.requests.get((fields[1], fields[2], int(fields[3])))
        if request is None:
            raise Fault(f"an answer to nothing: {line}")
        answer = _answer(fields)
        if request.answer is None or not request.answer.is_verdict():
            request.answer, request.answer_line = answer, line
        elif answer.is_verdict() and answer != request.answer:
            raise Fault(f"{request}: answered {request.answer}, its repeat {answer}")

    def unanswered(self):
        return [r for r in self.requests.values() if r.answer is None]

    def answered(self):
        return [r for r in self.requests.values() if r.answer is not None]

    def write_without_answers(self, path, requests):
        """A ledger in which these lack their answers: --resume-unanswered sends them again."""
        with open(path, "w", encoding="ascii") as file:
            file.write(self.head + "\n")
            for request in requests:
                file.write(request.line + "\n")
