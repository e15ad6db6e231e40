"""Diameter by hand: messages put together octet by octet, right or wrong, and taken apart strictly.

    avp(415, 0)                          an AVP: int -> Unsigned32, str, bytes, or a list: a group
    avp(415, 0, length=7)                the same with a lie in its length field
    message(CCR, [avp(...), ...])        a request; each keyword bends one field of its header
    Message(octets)                      taken apart; WireError where an octet is out of place
    with Peer(port) as peer: peer.open(); answer = peer.exchange(message(...))
"""
import itertools
import socket
import struct
import time

BASE, GY, RELAY = 0, 4, 0xFFFFFFFF
CER, CCR, RAR, DWR, DPR = 257, 272, 258, 280, 282
VENDOR_3GPP = 10415
REQUEST, PROXIABLE, ERROR, RETRANSMIT = 0x80, 0x40, 0x20, 0x10
MANDATORY, VENDOR = 0x40, 0x80
INITIAL, UPDATE, TERMINATION, EVENT = 1, 2, 3, 4

# Proxy-Info comes back as it was sent, so what is in it is not judged.
GROUPS = {279, 297, 443, 456, 437, 446, 431, 430, 434, 260}
identifiers = itertools.count(0x1000)
ANSWER_WITHIN_S = 30.0  # a bound, no promise: a machine that others load may stall


class WireError(Exception):
    """What came is no well-formed Diameter."""


def data_of(value):
    if isinstance(value, int):
        return struct.pack(">I", value)
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else b"".join(value)


def avp(code, value=b"", flags=MANDATORY, vendor=0, length=None, padding=None):
    data = data_of(value)
    head = 12 if vendor else 8
    flags |= VENDOR if vendor else 0
    length = head + len(data) if length is None else length
    padding = bytes(-len(data) % 4) if padding is None else padding
    return (struct.pack(">IB", code, flags) + (length & 0xFFFFFF).to_bytes(3, "big")
            + (struct.pack(">I", vendor) if vendor else b"") + data + padding)


def message(command, avps, application=GY, flags=REQUEST | PROXIABLE, hop=None, end=None,
            version=1, length=None):
    body = data_of(avps)
    number = next(identifiers)
    length = 20 + len(body) if length is None else length
    return (bytes([version]) + (length & 0xFFFFFF).to_bytes(3, "big") + bytes([flags])
            + command.to_bytes(3, "big")
            + struct.pack(">III", application, number if hop is None else hop,
                          number if end is None else end) + body)


class Avp:
    def __init__(self, code, vendor, flags, data):
        self.code, self.vendor, self.flags, self.data = code, vendor, flags, data

    def number(self):
        if len(self.data) not in (4, 8):
            raise WireError(f"AVP {self.code}: {len(self.data)} octets are no number")
        return int.from_bytes(self.data, "big")

    def inside(self):
        return take_apart(self.data)


def take_apart(octets):
    """All AVPs of a body or a group; every length, flag and padding octet must be right."""
    avps = []
    at = 0
    while at < len(octets):
        if len(octets) - at < 8:
            raise WireError(f"{len(octets) - at} octets behind the last AVP")
        code, flags = struct.unpack_from(">IB", octets, at)
        length = int.from_bytes(octets[at + 5:at + 8], "big")
        head = 12 if flags & VENDOR else 8
        end = at + length + -length % 4
        if length < head or end > len(octets):
            raise WireError(f"AVP {code}: length {length} of {len(octets) - at}")
        if flags & 0x1F:
            raise WireError(f"AVP {code}: reserved flags {flags:#x}")
        if any(octets[at + length:end]):
            raise WireError(f"AVP {code}: its padding is not zero")
        vendor = struct.unpack_from(">I", octets, at + 8)[0] if head == 12 else 0
        avps.append(Avp(code, vendor, flags, octets[at + head:at + length]))
        at = end
    return avps


class Message:
    def __init__(self, octets):
        self.octets = octets
        self.version, self.flags = octets[0], octets[4]
        self.length = int.from_bytes(octets[1:4], "big")
        self.command = int.from_bytes(octets[5:8], "big")
        self.application, self.hop, self.end = struct.unpack_from(">III", octets, 8)
        if self.version != 1 or self.length != len(octets) or self.flags & 0x0F:
            raise WireError(f"header {octets[:20].hex()}")
        self.avps = take_apart(octets[20:])
        for one in self.avps:
            if one.vendor == 0 and one.code in GROUPS and one.code != 279:
                one.inside()

    def all(self, code, vendor=0):
        return [a for a in self.avps if (a.code, a.vendor) == (code, vendor)]

    def one(self, code, vendor=0):
        found = self.all(code, vendor)
        if len(found) > 1:
            raise WireError(f"AVP {code} stands {len(found)} times")
        return found[0] if found else None

    @property
    def request(self):
        return bool(self.flags & REQUEST)

    @property
    def result(self):
        found = self.one(268)
        return found.number() if found else None

    def failed(self):
        """The AVPs in Failed-AVP."""
        found = self.one(279)
        return found.inside() if found else []

    def services(self):
        """Of each MSCC: {Rating-Group: (Result-Code, granted octets)}."""
        rows = {}
        for group in self.all(456):
            inner = {a.code: a for a in group.inside() if a.vendor == 0}
            granted = None
            if 431 in inner:
                granted = {a.code: a for a in inner[431].inside()}[421].number()
            key = inner[432].number() if 432 in inner else None
            rows[key] = (inner[268].number() if 268 in inner else None, granted)
        return rows

    def __str__(self):
        avps = " ".join(f"{a.code}={a.data[:24].hex()}" for a in self.avps)
        return (f"command {self.command} application {self.application} flags {self.flags:#x} "
                f"result {self.result}: {avps}")


# ---- messages that are right --------------------------------------------------------------------

def capabilities(host, realm="test", applications=(GY,), address=b"\0\1\x7f\0\0\1", drop=(),
                 extra=()):
    avps = {264: avp(264, host), 296: avp(296, realm), 257: avp(257, address), 266: avp(266, 0),
            269: avp(269, "hostile", flags=0), 278: avp(278, 7)}
    body = [octets for code, octets in avps.items() if code not in drop]
    return message(CER, body + [avp(258, each) for each in applications] + list(extra),
                   application=BASE, flags=REQUEST)


def capabilities_answer(cer, host, realm="test", result=2001, applications=(GY,)):
    avps = [avp(268, result), avp(264, host), avp(296, realm), avp(257, b"\0\1\x7f\0\0\1"),
            avp(266, 0), avp(269, "hostile", flags=0), avp(278, 7)]
    return message(CER, avps + [avp(258, each) for each in applications], application=BASE,
                   flags=0, hop=cer.hop, end=cer.end)


def goodbye(host, cause=0, realm="test"):
    return message(DPR, [avp(264, host), avp(296, realm), avp(273, cause)], application=BASE,
                   flags=REQUEST)


def watchdog(host, realm="test"):
    return message(DWR, [avp(264, host), avp(296, realm)], application=BASE, flags=REQUEST)


def units(code, octets):
    """Requested- (437) or Used-Service-Unit (446)."""
    return avp(code, [avp(421, struct.pack(">Q", octets))] if octets is not None else b"")


def mscc(rating_group=1, rsu=None, usu=None, extra=()):
    parts = [units(446, usu)] if usu is not None else []
    parts += [units(437, rsu)] if rsu is not None else []
    return avp(456, parts + [avp(432, rating_group), *extra])


def charge(session, kind, number, imsi=None, services=(), host="gw.hostile"):
    """The AVPs of a CCR by code, in an order whose last one is needed: CC-Request-Number."""
    avps = {263: avp(263, session), 264: avp(264, host), 296: avp(296, "test"),
            283: avp(283, "test"), 258: avp(258, GY), 461: avp(461, "32251@3gpp.org"),
            416: avp(416, kind)}
    if imsi:
        avps[443] = avp(443, [avp(450, 1), avp(444, imsi)])
    if services:
        avps[456] = b"".join(services)
    avps[415] = avp(415, number)
    return avps


def ccr(avps, **header):
    return message(CCR, list(avps.values()), **header)


# ---- a connection -------------------------------------------------------------------------------

class Peer:
    """One connection. `host` is the Origin-Host that open() says."""

    def __init__(self, port, host="gw.hostile", address="127.0.0.1", receive_buffer=None):
        self.host = host
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(ANSWER_WITHIN_S)
        self.socket.connect((address, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    @classmethod
    def accepted(cls, connected, host):
        """The same over a connection that levyd began."""
        peer = cls.__new__(cls)
        peer.socket, peer.host, peer.buffer = connected, host, b""
        peer.socket.settimeout(ANSWER_WITHIN_S)
        return peer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def receive(self, timeout=ANSWER_WITHIN_S):
        """The next message; None when levyd closed the connection. TimeoutError: nothing came."""
        deadline = time.monotonic() + timeout
        while True:
            length = int.from_bytes(self.buffer[1:4], "big") if len(self.buffer) >= 20 else 0
            if length and length < 20:
                raise WireError(f"length {length} of a message of levyd")
            if length and len(self.buffer) >= length:
                octets, self.buffer = self.buffer[:length], self.buffer[length:]
                return Message(octets)
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("levyd sent nothing")
            self.socket.settimeout(left)
            try:
                octets = self.socket.recv(65536)
            except ConnectionError:
                octets = b""
            if not octets:
                if self.buffer:
                    raise WireError(f"levyd closed within a message: {self.buffer[:40].hex()}")
                return None
            self.buffer += octets

    def answer_to(self, hop, timeout=ANSWER_WITHIN_S):
        """The answer under that Hop-by-Hop; watchdogs of levyd that come before it are answered."""
        deadline = time.monotonic() + timeout
        while True:
            got = self.receive(deadline - time.monotonic())
            if got is None or (not got.request and got.hop == hop):
                return got
            if got.request and got.command == DWR:
                self.answer(got)
            else:
                raise WireError(f"unexpected: {got}")

    def answer(self, got, *more, session=()):
        """Answers a request of levyd with 2001; `session` comes first, `more` behind."""
        avps = [*session, avp(268, 2001), avp(264, self.host), avp(296, "test"), *more]
        self.send(message(got.command, avps, application=got.application,
                          flags=got.flags & PROXIABLE, hop=got.hop, end=got.end))

    def exchange(self, octets, timeout=ANSWER_WITHIN_S):
        self.send(octets)
        return self.answer_to(struct.unpack_from(">I", octets, 12)[0], timeout)

    def open(self, **bent):
        """Capabilities exchange; the CEA, whatever it says."""
        return self.exchange(capabilities(self.host, **bent))

    def closed(self, timeout=ANSWER_WITHIN_S):
        """Whether levyd closes the connection within that time, without another message."""
        try:
            return self.receive(timeout) is None
        except TimeoutError:
            return False
