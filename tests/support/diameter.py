"""A small Diameter of its own for Python tests: encoder, strict decoder, and a Gateway on TCP.

It shares nothing with diameter/codec, so a fault there cannot hide itself. The decoder is strict:
an AVP that DICTIONARY does not know, a wrong length, padding that is not zero or flags other than
the dictionary's raise Malformed, for everything that levyd sends is levyd's own doing.

    with Gateway(port, "pgw.test") as gateway:           # CER/CEA done, DWR answered by itself
        answer = gateway.request([("Session-Id", "s;1"), ...])          # CCR, application 4
        answer.value("Result-Code")                                     # 2001
        push = gateway.next_push()                                      # a RAR that levyd sent

AVPs are written and read as (name, value) pairs in a list; the value of a grouped AVP is such a
list. avps() makes decoded `Avp`s of them (code, vendor and flags from the dictionary), so that an
expectation and an answer compare as trees.
"""
import itertools
import queue
import socket
import struct
import threading
from typing import NamedTuple

CAPABILITIES, RE_AUTH, CREDIT_CONTROL, ABORT = 257, 258, 272, 274
WATCHDOG, DISCONNECT = 280, 282
REQUEST, PROXIABLE, ERROR, RETRANSMITTED = 0x80, 0x40, 0x20, 0x10
VENDOR, MANDATORY = 0x80, 0x40
GY = 4
VENDOR_3GPP = 10415
ANSWER_TIMEOUT_S = 60  # a machine that others load may stall

# name: (code, vendor, type, flags). u32 also for Enumerated; "address" is family and bytes.
M, V, VM = MANDATORY, VENDOR, VENDOR | MANDATORY
DICTIONARY = {
    "User-Name": (1, 0, "text", M),
    "Framed-IP-Address": (8, 0, "bytes", M),
    "Filter-Id": (11, 0, "text", M),
    "Called-Station-Id": (30, 0, "text", M),
    "Event-Timestamp": (55, 0, "u32", M),
    "Host-IP-Address": (257, 0, "address", M),
    "Auth-Application-Id": (258, 0, "u32", M),
    "Vendor-Specific-Application-Id": (260, 0, "group", M),
    "Session-Id": (263, 0, "text", M),
    "Origin-Host": (264, 0, "text", M),
    "Supported-Vendor-Id": (265, 0, "u32", M),
    "Vendor-Id": (266, 0, "u32", M),
    "Firmware-Revision": (267, 0, "u32", 0),
    "Result-Code": (268, 0, "u32", M),
    "Product-Name": (269, 0, "text", 0),
    "Disconnect-Cause": (273, 0, "u32", M),
    "Origin-State-Id": (278, 0, "u32", M),
    "Failed-AVP": (279, 0, "group", M),
    "Proxy-Host": (280, 0, "text", M),
    "Error-Message": (281, 0, "text", 0),
    "Route-Record": (282, 0, "text", M),
    "Destination-Realm": (283, 0, "text", M),
    "Proxy-Info": (284, 0, "group", M),
    "Proxy-State": (33, 0, "bytes", M),
    "Re-Auth-Request-Type": (285, 0, "u32", M),
    "Destination-Host": (293, 0, "text", M),
    "Termination-Cause": (295, 0, "u32", M),
    "Origin-Realm": (296, 0, "text", M),
    "Inband-Security-Id": (299, 0, "u32", M),
    "CC-Input-Octets": (412, 0, "u64", M),
    "CC-Money": (413, 0, "group", M),
    "CC-Output-Octets": (414, 0, "u64", M),
    "CC-Request-Number": (415, 0, "u32", M),
    "CC-Request-Type": (416, 0, "u32", M),
    "CC-Service-Specific-Units": (417, 0, "u64", M),
    "CC-Session-Failover": (418, 0, "u32", M),
    "CC-Time": (420, 0, "u32", M),
    "CC-Total-Octets": (421, 0, "u64", M),
    "Check-Balance-Result": (422, 0, "u32", M),
    "Cost-Information": (423, 0, "group", M),
    "Cost-Unit": (424, 0, "text", M),
    "Currency-Code": (425, 0, "u32", M),
    "Credit-Control-Failure-Handling": (427, 0, "u32", M),
    "Exponent": (429, 0, "i32", M),
    "Final-Unit-Indication": (430, 0, "group", M),
    "Granted-Service-Unit": (431, 0, "group", M),
    "Rating-Group": (432, 0, "u32", M),
    "Redirect-Address-Type": (433, 0, "u32", M),
    "Redirect-Server": (434, 0, "group", M),
    "Redirect-Server-Address": (435, 0, "text", M),
    "Requested-Action": (436, 0, "u32", M),
    "Requested-Service-Unit": (437, 0, "group", M),
    "Restriction-Filter-Rule": (438, 0, "text", M),
    "Service-Identifier": (439, 0, "u32", M),
    "Subscription-Id": (443, 0, "group", M),
    "Subscription-Id-Data": (444, 0, "text", M),
    "Unit-Value": (445, 0, "group", M),
    "Used-Service-Unit": (446, 0, "group", M),
    "Value-Digits": (447, 0, "i64", M),
    "Validity-Time": (448, 0, "u32", M),
    "Final-Unit-Action": (449, 0, "u32", M),
    "Subscription-Id-Type": (450, 0, "u32", M),
    "Tariff-Time-Change": (451, 0, "u32", M),
    "Tariff-Change-Usage": (452, 0, "u32", M),
    "G-S-U-Pool-Identifier": (453, 0, "u32", M),
    "CC-Unit-Type": (454, 0, "u32", M),
    "Multiple-Services-Indicator": (455, 0, "u32", M),
    "Multiple-Services-Credit-Control": (456, 0, "group", M),
    "G-S-U-Pool-Reference": (457, 0, "group", M),
    "Service-Context-Id": (461, 0, "text", M),
    "3GPP-Charging-Id": (2, VENDOR_3GPP, "bytes", VM),
    "3GPP-SGSN-MCC-MNC": (18, VENDOR_3GPP, "text", V),
    "3GPP-RAT-Type": (21, VENDOR_3GPP, "bytes", V),
    "3GPP-User-Location-Info": (22, VENDOR_3GPP, "bytes", V),
    "Role-Of-Node": (829, VENDOR_3GPP, "u32", VM),
    "Called-Party-Address": (832, VENDOR_3GPP, "text", VM),
    "Time-Quota-Threshold": (868, VENDOR_3GPP, "u32", VM),
    "Volume-Quota-Threshold": (869, VENDOR_3GPP, "u32", VM),
    "Trigger-Type": (870, VENDOR_3GPP, "u32", VM),
    "Quota-Holding-Time": (871, VENDOR_3GPP, "u32", VM),
    "Reporting-Reason": (872, VENDOR_3GPP, "u32", VM),
    "Service-Information": (873, VENDOR_3GPP, "group", VM),
    "PS-Information": (874, VENDOR_3GPP, "group", VM),
    "IMS-Information": (876, VENDOR_3GPP, "group", VM),
    "QoS-Information": (1016, VENDOR_3GPP, "group", VM),
    "QoS-Class-Identifier": (1028, VENDOR_3GPP, "u32", VM),
    "PDP-Address": (1227, VENDOR_3GPP, "address", VM),
    "Trigger": (1264, VENDOR_3GPP, "group", VM),
    "AoC-Request-Type": (2055, VENDOR_3GPP, "u32", VM),
}
NAMES = {(code, vendor): name for name, (code, vendor, _, _) in DICTIONARY.items()}
NUMBERS = {"u32": ">I", "i32": ">i", "u64": ">Q", "i64": ">q"}


class Malformed(Exception):
    """Bytes that are no Diameter, or not what the dictionary says."""


class Closed(Exception):
    """The connection ended while an answer was awaited."""


class Avp(NamedTuple):
    name: str
    code: int
    vendor: int
    flags: int
    value: object  # int, str, bytes, or a tuple of Avps

    def lines(self, indent=0):
        head = "  " * indent + self.name
        if isinstance(self.value, tuple):
            return [head] + [line for avp in self.value for line in avp.lines(indent + 1)]
        return [f"{head} = {self.value!r}"]


def avps(pairs):
    """(name, value) pairs as Avps with the dictionary's code, vendor and flags."""
    made = []
    for name, value in pairs:
        code, vendor, kind, flags = DICTIONARY[name]
        made.append(Avp(name, code, vendor, flags, avps(value) if kind == "group" else value))
    return tuple(made)


def encode_value(name, value):
    kind = DICTIONARY[name][2]
    if kind == "group":
        return encode_avps(value)
    if kind in NUMBERS:
        return struct.pack(NUMBERS[kind], value)
    if kind == "address":
        return b"\0\1" + socket.inet_aton(value)
    return value.encode() if kind == "text" else value


def encode_avps(pairs):
    """Bytes of (name, value) pairs; a bytes element stands for itself (hand-made AVPs)."""
    octets = b""
    for pair in pairs:
        if isinstance(pair, bytes):
            octets += pair
            continue
        code, vendor, _, flags = DICTIONARY[pair[0]]
        body = encode_value(*pair)
        length = (12 if vendor else 8) + len(body)
        octets += struct.pack(">IB3s", code, flags, length.to_bytes(3, "big"))
        octets += struct.pack(">I", vendor) if vendor else b""
        octets += body + bytes(-length % 4)
    return octets


def decode_value(name, body):
    kind = DICTIONARY[name][2]
    if kind == "group":
        return decode_avps(body)
    if kind in NUMBERS:
        if len(body) != struct.calcsize(NUMBERS[kind]):
            raise Malformed(f"{name}: {len(body)} bytes of value")
        return struct.unpack(NUMBERS[kind], body)[0]
    if kind == "address":
        if (body[:2], len(body)) not in ((b"\0\1", 6), (b"\0\2", 18)):
            raise Malformed(f"{name}: {body.hex()}")
        return socket.inet_ntop(socket.AF_INET if len(body) == 6 else socket.AF_INET6, body[2:])
    return body.decode("utf-8") if kind == "text" else bytes(body)


def decode_avps(octets):
    found = []
    at = 0
    while at < len(octets):
        if len(octets) - at < 8:
            raise Malformed(f"{len(octets) - at} bytes are left over: {octets[at:].hex()}")
        code, flags, size = struct.unpack_from(">IB3s", octets, at)
        length = int.from_bytes(size, "big")
        head = 12 if flags & VENDOR else 8
        end = at + length
        if length < head or end > len(octets) or end + (-length % 4) > len(octets):
            raise Malformed(f"AVP {code}: length {length} of {len(octets) - at} bytes")
        vendor = struct.unpack_from(">I", octets, at + 8)[0] if head == 12 else 0
        name = NAMES.get((code, vendor))
        if name is None or flags != DICTIONARY[name][3]:
            raise Malformed(f"AVP {code} of vendor {vendor} with flags {flags:#x} ({name})")
        if octets[end:end + (-length % 4)].strip(b"\0"):
            raise Malformed(f"{name}: padding is not zero")
        value = decode_value(name, octets[at + head:end])
        found.append(Avp(name, code, vendor, flags, value))
        at = end + (-length % 4)
    return tuple(found)


class Message(NamedTuple):
    flags: int
    command: int
    application: int
    hop_by_hop: int
    end_to_end: int
    avps: tuple

    def all(self, name):
        return [avp.value for avp in self.avps if avp.name == name]

    def value(self, name):
        """The value of the one AVP of this name; None where there is none."""
        found = self.all(name)
        if len(found) > 1:
            raise Malformed(f"{len(found)} times {name}")
        return found[0] if found else None

    def text(self):
        head = f"command {self.command} application {self.application} flags {self.flags:#x}"
        return "\n".join([head] + [line for avp in self.avps for line in avp.lines(1)])


def encode(flags, command, application, hop_by_hop, end_to_end, pairs):
    body = encode_avps(pairs)
    return struct.pack(">I4sIII", 0x01000000 | (20 + len(body)),
                       bytes([flags]) + command.to_bytes(3, "big"), application, hop_by_hop,
                       end_to_end) + body


def decode(octets):
    first, kind, application, hop_by_hop, end_to_end = struct.unpack_from(">I4sIII", octets)
    if first >> 24 != 1 or first & 0xFFFFFF != len(octets) or len(octets) % 4:
        raise Malformed(f"header {octets[:20].hex()} of {len(octets)} bytes")
    if kind[0] & 0x0F:
        raise Malformed(f"reserved header bits {kind[0]:#x}")
    return Message(kind[0], int.from_bytes(kind[1:], "big"), application, hop_by_hop, end_to_end,
                   decode_avps(octets[20:]))


class Pending:
    """A request under way."""

    def __init__(self, octets, hop_by_hop, end_to_end):
        self.octets, self.hop_by_hop, self.end_to_end = octets, hop_by_hop, end_to_end
        self.answers = queue.Queue()

    def wait(self, timeout=ANSWER_TIMEOUT_S):
        """The answer. Closed when the connection ended, queue.Empty when none came in time."""
        answer = self.answers.get(timeout=timeout)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Gateway:
    """One connection of a Diameter client to levyd, with the capabilities exchange done.

    `push_result` is the Result-Code of the answers to RAR and ASR (0: they are not answered), and
    `push_origin` whose answers they are (a relay passes on another's); pushes are kept for
    next_push().
    """
    end_to_end = itertools.count(0x5C000000)  # one sequence for all: unique per Origin-Host too

    def __init__(self, port, host="pgw.test", realm="test", state_id=None, applications=(GY,),
                 push_result=2001):
        self.host, self.realm, self.state_id = host, realm, state_id
        self.push_result, self.push_origin = push_result, None
        self.hop_by_hop = itertools.count(0x1000)
        self.pending = {}
        self.pushes = queue.Queue()
        self.lock = threading.Lock()
        self.faults = []
        self.watchdogs = 0
        self.closing = False
        self.stream = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT_S)
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream.settimeout(None)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.cea = self._exchange_capabilities(applications)

    def _exchange_capabilities(self, applications):
        pairs = self.origin() + [("Host-IP-Address", "127.0.0.1"), ("Vendor-Id", 0),
                                 ("Product-Name", "scenario"), ("Supported-Vendor-Id", VENDOR_3GPP)]
        pairs += [("Auth-Application-Id", application) for application in applications]
        cea = self.send(pairs, CAPABILITIES, 0, flags=REQUEST).wait()
        if cea.value("Result-Code") != 2001:
            raise Malformed(f"no capabilities in common:\n{cea.text()}")
        return cea

    def origin(self):
        state = [] if self.state_id is None else [("Origin-State-Id", self.state_id)]
        return [("Origin-Host", self.host), ("Origin-Realm", self.realm)] + state

    # -- requests ---------------------------------------------------------------------------------
    def send(self, pairs, command=CREDIT_CONTROL, application=GY, flags=REQUEST | PROXIABLE,
             end_to_end=None):
        """Sends a request; wait() of what it returns gives the answer."""
        hop_by_hop = next(self.hop_by_hop)
        end_to_end = next(Gateway.end_to_end) if end_to_end is None else end_to_end
        octets = encode(flags, command, application, hop_by_hop, end_to_end, pairs)
        pending = Pending(octets, hop_by_hop, end_to_end)
        with self.lock:
            if self.closing:
                raise Closed(f"{self.host} is closed")
            self.pending[hop_by_hop] = pending
            self.stream.sendall(octets)
        return pending

    def request(self, pairs, command=CREDIT_CONTROL, application=GY,
                flags=REQUEST | PROXIABLE, end_to_end=None):
        """Sends a request and returns its answer."""
        return self.send(pairs, command, application, flags, end_to_end).wait()

    def next_push(self, timeout=ANSWER_TIMEOUT_S):
        """The next RAR or ASR, which has been answered with `push_result` already."""
        return self.pushes.get(timeout=timeout)

    def watchdog(self):
        """Sends a DWR; its DWA."""
        return self.request(self.origin(), WATCHDOG, 0, REQUEST)

    # -- what levyd sends ---------------------------------------------------------------------------
    def _read(self):
        buffer = b""
        why = Closed(f"{self.host}: levyd closed the connection")
        try:
            while True:
                received = self.stream.recv(65536)
                if not received:
                    break
                buffer += received
                while len(buffer) >= 4:
                    length = int.from_bytes(buffer[1:4], "big")
                    if length < 20:
                        raise Malformed(f"message length {length}")
                    if len(buffer) < length:
                        break
                    octets, buffer = buffer[:length], buffer[length:]
                    self._take(decode(octets))
        except (OSError, Malformed, ValueError, struct.error) as error:
            why = error
            if not self.closing:
                self.faults.append(error)
        with self.lock:
            self.closing = True
            waiting, self.pending = list(self.pending.values()), {}
        for pending in waiting:
            pending.answers.put(why)

    def _take(self, message):
        if message.flags & REQUEST:
            self._take_request(message)
            return
        with self.lock:
            pending = self.pending.pop(message.hop_by_hop, None)
        if pending is None or pending.end_to_end != message.end_to_end:
            raise Malformed(f"an answer to nothing that was asked:\n{message.text()}")
        pending.answers.put(message)

    def _take_request(self, message):
        pairs = [("Result-Code", 2001)] + self.origin()
        if message.command == WATCHDOG:
            self.watchdogs += 1
        elif message.command in (RE_AUTH, ABORT):
            pairs = [("Session-Id", message.value("Session-Id")),
                     ("Result-Code", self.push_result)] + (self.push_origin or self.origin())
        elif message.command != DISCONNECT:
            raise Malformed(f"a request that no gateway serves:\n{message.text()}")
        octets = encode(message.flags & PROXIABLE, message.command, message.application,
                        message.hop_by_hop, message.end_to_end, pairs)
        if message.command not in (RE_AUTH, ABORT) or self.push_result:
            with self.lock:
                self.stream.sendall(octets)
        if message.command in (RE_AUTH, ABORT):
            self.pushes.put(message)

    # -- the end --------------------------------------------------------------------------------
    def close(self):
        """DPR and DPA where the connection is still open; a fault of levyd's bytes raises here."""
        if not self.closing:
            dpr = self.origin() + [("Disconnect-Cause", 0)]
            try:
                dpa = self.request(dpr, DISCONNECT, 0, REQUEST)
                if dpa.value("Result-Code") != 2001:
                    self.faults.append(Malformed(dpa.text()))
            except Closed as error:
                self.faults.append(error)
        self.drop()
        if self.faults:
            raise self.faults[0]

    def drop(self):
        """Closes the socket without a word."""
        with self.lock:
            self.closing = True
        try:
            self.stream.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.stream.close()
        self.reader.join(timeout=ANSWER_TIMEOUT_S)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()
        else:
            self.drop()
