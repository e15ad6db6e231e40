"""A gateway that only connects: CER, then waits for what levyd says (RFC 6733 5.3, 5.4)."""
import socket
import struct

CER, DWR, DPR = 257, 280, 282
ORIGIN_HOST, ORIGIN_REALM, HOST_IP_ADDRESS = 264, 296, 257
VENDOR_ID, PRODUCT_NAME, AUTH_APPLICATION_ID = 266, 269, 258
RESULT_CODE, ORIGIN_STATE_ID, DISCONNECT_CAUSE = 268, 278, 273
MANDATORY, REQUEST = 0x40, 0x80


def avp(code, body, flags=MANDATORY):
    if isinstance(body, int):
        body = struct.pack(">I", body)
    elif isinstance(body, str):
        body = body.encode()
    head = struct.pack(">II", code, flags << 24 | 8 + len(body))
    return head + body + bytes(-len(body) % 4)


def numbers(message):
    """code -> the value of each AVP that holds 4 bytes."""
    found, at = {}, 20
    while at + 8 <= len(message):
        code, flags_length = struct.unpack_from(">II", message, at)
        length, head = flags_length & 0xFFFFFF, 12 if flags_length >> 31 else 8
        if length - head == 4:
            found[code] = struct.unpack_from(">I", message, at + head)[0]
        at += (length + 3) // 4 * 4
    return found


class Peer:
    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.names = avp(ORIGIN_HOST, "watcher.test") + avp(ORIGIN_REALM, "test")
        self._send(CER, REQUEST, 1, self.names + avp(HOST_IP_ADDRESS, b"\0\1\x7f\0\0\1") +
                   avp(VENDOR_ID, 0) + avp(PRODUCT_NAME, "watcher", flags=0) +
                   avp(AUTH_APPLICATION_ID, 4))
        self.cea = numbers(self._receive()[1])

    def _send(self, command, flags, hop_by_hop, body):
        self.socket.sendall(struct.pack(">IIIII", 1 << 24 | 20 + len(body), flags << 24 | command,
                                        0, hop_by_hop, hop_by_hop) + body)

    def _exactly(self, size):
        octets = b""
        while len(octets) < size:
            part = self.socket.recv(size - len(octets))
            if not part:
                raise ConnectionError("levyd closed the connection")
            octets += part
        return octets

    def _receive(self):
        """(command, message)."""
        head = self._exactly(20)
        length = struct.unpack_from(">I", head)[0] & 0xFFFFFF
        return struct.unpack_from(">I", head, 4)[0] & 0xFFFFFF, head + self._exactly(length - 20)

    def wait_disconnect(self):
        """The Disconnect-Cause of the DPR; it is answered, watchdogs before it too."""
        while True:
            command, message = self._receive()
            hop_by_hop = struct.unpack_from(">I", message, 12)[0]
            if command in (DWR, DPR):
                self._send(command, 0, hop_by_hop, avp(RESULT_CODE, 2001) + self.names)
            if command == DPR:
                return numbers(message).get(DISCONNECT_CAUSE)

    def close(self):
        self.socket.close()
