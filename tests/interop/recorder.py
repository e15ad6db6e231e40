"""A TCP relay that records both directions of Diameter into a pcap, without any privilege.

Used as a module (Recorder) by the tests, or alone:
    recorder.py --to PORT --pcap FILE [--listen PORT]      relays until SIGTERM or SIGINT
    recorder.py --hex FILE --pcap FILE                     no relay: each line of FILE is `> HEX`
                                                           (gateway to Levy) or `< HEX` (Levy to it)
The packets have made-up IPv4 and TCP headers: the gateway is 10.0.0.1, Levy is 10.0.0.2, and who was
connected to has port 3868, whatever the real ports are, so that every decoder takes the stream for
Diameter.
"""
import argparse
import select
import signal
import socket
import struct
import threading
import time

GATEWAY = bytes([10, 0, 0, 1])
LEVY = bytes([10, 0, 0, 2])
DIAMETER_PORT = 3868
SEGMENT_MAX = 32768
FIN, SYN, PSH, ACK = 1, 2, 8, 16
LINKTYPE_RAW = 101


class Pcap:
    """A pcap file that is written packet by packet; safe to call from several threads."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINKTYPE_RAW))
        self.lock = threading.Lock()
        self.identification = 0

    def packet(self, source, source_port, target, target_port, sequence, acknowledged, flags, body):
        tcp = struct.pack(">HHIIBBHHH", source_port, target_port, sequence & 0xFFFFFFFF,
                          acknowledged & 0xFFFFFFFF, 5 << 4, flags, 65535, 0, 0)
        with self.lock:
            self.identification = (self.identification + 1) & 0xFFFF
            head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(body), self.identification,
                               0x4000, 64, 6, 0, source, target)
            head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
            now = time.time()
            total = head + tcp + body
            self.file.write(struct.pack("<IIII", int(now), int(now % 1 * 1e6), len(total),
                                        len(total)) + total)

    def close(self):
        with self.lock:
            self.file.close()


def checksum(head):
    total = sum(struct.unpack(f">{len(head) // 2}H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


class Stream:
    """One TCP connection in the pcap; `port` is that of the side that connected."""

    def __init__(self, pcap, port, levy_connects=False):
        self.pcap = pcap
        ports = (DIAMETER_PORT, port) if levy_connects else (port, DIAMETER_PORT)
        self.ends = list(zip((GATEWAY, LEVY), ports))
        self.sent = {True: 1, False: 1}  # by from_gateway: the next sequence number
        self.lock = threading.Lock()
        self._write(not levy_connects, SYN, b"", sequence=0, acknowledged=0)
        self._write(levy_connects, SYN | ACK, b"", sequence=0, acknowledged=1)
        self._write(not levy_connects, ACK, b"")

    def _write(self, from_gateway, flags, body, sequence=None, acknowledged=None):
        ends = self.ends if from_gateway else self.ends[::-1]
        (source, source_port), (target, target_port) = ends
        sequence = self.sent[from_gateway] if sequence is None else sequence
        acknowledged = self.sent[not from_gateway] if acknowledged is None else acknowledged
        self.pcap.packet(source, source_port, target, target_port, sequence, acknowledged, flags,
                         body)

    def write(self, from_gateway, octets):
        with self.lock:
            for at in range(0, len(octets), SEGMENT_MAX):
                part = octets[at:at + SEGMENT_MAX]
                self._write(from_gateway, PSH | ACK, part)
                self.sent[from_gateway] += len(part)

    def close(self):
        with self.lock:
            self._write(True, FIN | ACK, b"")


class Recorder:
    """with Recorder(port_of_levyd, "x.pcap") as recorder: connect to recorder.port instead.
    With `levy_connects` it is levyd that connects to it, and `to_port` is the gateway's."""

    def __init__(self, to_port, pcap_path, listen_port=0, levy_connects=False):
        self.to_port = to_port
        self.levy_connects = levy_connects
        self.pcap = Pcap(pcap_path)
        self.listener = socket.create_server(("127.0.0.1", listen_port))
        self.port = self.listener.getsockname()[1]
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(timeout=5)
        self.listener.close()
        self.pcap.close()

    def _accept(self):
        while not self.stopping.is_set():
            if not select.select([self.listener], [], [], 0.1)[0]:
                continue
            near, address = self.listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self.to_port))
            except OSError:
                near.close()  # who connected sees what it would see without us: no peer
                continue
            thread = threading.Thread(target=self._relay, args=(near, far, address[1]), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _relay(self, near, far, near_port):
        stream = Stream(self.pcap, near_port, self.levy_connects)
        gateway = far if self.levy_connects else near
        with near, far:
            while not self.stopping.is_set():
                for end in select.select([near, far], [], [], 0.1)[0]:
                    try:
                        octets = end.recv(65536)
                        if octets:
                            stream.write(end is gateway, octets)
                            (far if end is near else near).sendall(octets)
                    except ConnectionError:
                        octets = b""
                    if not octets:
                        stream.close()
                        return
        stream.close()


def write_hex(source, pcap_path):
    pcap = Pcap(pcap_path)
    stream = Stream(pcap, 50000)
    with open(source, encoding="ascii") as file:
        for number, line in enumerate(file, 1):
            if not line.strip() or line.startswith("#"):
                continue
            if line[0] not in "<>":
                raise SystemExit(f"{source}:{number}: a line begins with `>` or `<`")
            stream.write(line[0] == ">", bytes.fromhex(line[1:]))
    stream.close()
    pcap.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", type=int)
    parser.add_argument("--listen", type=int, default=0)
    parser.add_argument("--hex")
    parser.add_argument("--pcap", required=True)
    options = parser.parse_args()
    if options.hex:
        write_hex(options.hex, options.pcap)
        return
    with Recorder(options.to, options.pcap, options.listen) as recorder:
        print(f"listening on 127.0.0.1:{recorder.port}", flush=True)
        # A shell's background job ignores SIGINT: both signals end the relay and complete the file.
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        ended.wait()


if __name__ == "__main__":
    main()
