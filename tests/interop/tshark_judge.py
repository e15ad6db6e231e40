"""Wireshark's decoder as judge of what Levy sends.

usage: tshark_judge.py FILE.pcap [--at-least COMMAND{R|A}=N ...]
Fails when tshark finds a malformed Diameter message from Levy (10.0.0.2, see recorder.py), or an
expert warning or error in one: an unknown AVP, a wrong length, a value outside its enumeration.
So that silence is not taken for praise, every message that lies in the stream must have been
decoded, and --at-least says how many requests or answers of a command must be there (272A=3: three
CCAs, 257R=1: a CER).
"""
import argparse
import collections
import subprocess
import sys

LEVY = "10.0.0.2"
WARNING = 0x600000  # tshark's severities: chat, note, warning 0x600000, error 0x800000
FIELDS = ("frame.number", "ip.src", "diameter.cmd.code", "diameter.flags.request",
          "_ws.expert.severity", "_ws.expert.message", "_ws.malformed", "tcp.stream", "tcp.payload")


def decode(path):
    """One dictionary per packet, each field a list of its occurrences."""
    command = ["tshark", "-n", "-r", path, "-o", "tcp.check_checksum:FALSE",
               "-o", "tcp.desegment_tcp_streams:TRUE", "-T", "fields", "-E", "separator=/t",
               "-E", "aggregator=|"]
    for field in FIELDS:
        command += ["-e", field]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [dict(zip(FIELDS, (column.split("|") if column else [] for column in line.split("\t"))))
            for line in output.splitlines()]


def count_messages(packets):
    """Messages that Levy sent, by command and R bit, cut from the bytes without tshark's decoder."""
    streams = collections.defaultdict(bytearray)
    for packet in packets:
        if packet["ip.src"] == [LEVY] and packet["tcp.payload"]:
            octets = packet["tcp.payload"][0].replace(":", "")
            streams[packet["tcp.stream"][0]] += bytes.fromhex(octets)
    count = collections.Counter()
    for octets in streams.values():
        while len(octets) >= 20:
            length = int.from_bytes(octets[1:4], "big")
            if length < 20 or length > len(octets):
                break
            count[f"{int.from_bytes(octets[5:8], 'big')}{'R' if octets[4] & 0x80 else 'A'}"] += 1
            del octets[:length]
        if octets:
            raise SystemExit("tshark_judge: Levy's stream does not end with a whole message")
    return count


def judge(path, at_least):
    """The faults, and what Levy sent: how many of each kind, as in `at_least` ("272A": 3)."""
    packets = decode(path)
    faults = []
    decoded = collections.Counter()
    for packet in packets:
        if packet["ip.src"] != [LEVY]:
            continue
        requests = packet["diameter.flags.request"]
        decoded.update(code + ("R" if is_request in ("1", "True") else "A")
                       for code, is_request in zip(packet["diameter.cmd.code"], requests, strict=True))
        bad = [int(s, 0) for s in packet["_ws.expert.severity"] if int(s, 0) >= WARNING]
        if bad or packet["_ws.malformed"]:
            said = "; ".join(packet["_ws.expert.message"])
            faults.append(f"packet {packet['frame.number'][0]} (commands "
                          f"{packet['diameter.cmd.code']}): {said}")
    sent = count_messages(packets)
    if sent != decoded:
        faults.append(f"sent {dict(sent)}, tshark decoded {dict(decoded)}")
    for kind, wanted in at_least.items():
        if sent[kind] < wanted:
            faults.append(f"{kind}: {sent[kind]} messages of Levy, {wanted} wanted")
    return faults, sent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pcap")
    parser.add_argument("--at-least", nargs="*", default=[], metavar="COMMAND{R|A}=N")
    options = parser.parse_args()
    at_least = {kind: int(n) for kind, n in (pair.split("=") for pair in options.at_least)}
    faults, sent = judge(options.pcap, at_least)
    for fault in faults:
        print(f"tshark_judge: {fault}")
    print(f"tshark_judge: {sum(sent.values())} messages of Levy, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
