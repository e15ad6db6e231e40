"""Proves that tshark_judge.py can fail: plants one fault at a time in a stream of answers."""
import os
import struct
import sys
import tempfile

sys.dont_write_bytecode = True
import recorder  # noqa: E402
import tshark_judge  # noqa: E402

SUCCESS = struct.pack(">I", 2001)


def avp(code, octets, length=None, flags=0x40):
    head = struct.pack(">IB", code, flags) + (length or 8 + len(octets)).to_bytes(3, "big")
    return head + octets + bytes(-len(octets) % 4)


def answer(*avps, flags=0x40):
    """A Credit-Control-Answer that is complete, with `avps` behind."""
    body = b"".join([avp(263, b"gateway.test;1;1"), avp(268, SUCCESS), avp(264, b"levy.test"),
                     avp(296, b"test"), avp(258, struct.pack(">I", 4)),
                     avp(416, struct.pack(">I", 1)), avp(415, struct.pack(">I", 0)), *avps])
    return (b"\1" + (20 + len(body)).to_bytes(3, "big") + bytes([flags]) + (272).to_bytes(3, "big")
            + struct.pack(">III", 4, 1, 1) + body)


def judge(messages, at_least):
    with tempfile.TemporaryDirectory() as folder:
        source, pcap = os.path.join(folder, "a.hex"), os.path.join(folder, "a.pcap")
        with open(source, "w", encoding="ascii") as file:
            for message in messages:
                file.write("< " + message.hex() + "\n")
        recorder.write_hex(source, pcap)
        return tshark_judge.judge(pcap, at_least)[0]


CASES = [
    # name, messages, how many CCAs are wanted, whether the judge is to object
    ("two good answers in one stream", [answer(), answer()], 2, False),
    ("fewer answers than wanted", [answer()], 2, True),
    ("no answer at all", [], 1, True),
    ("a request is no answer", [answer(), answer(flags=0xC0)], 2, True),
    ("an AVP nobody knows", [answer(avp(999999, b"abcd"))], 1, True),
    ("a length beyond the message", [answer(avp(432, SUCCESS, length=64))], 1, True),
    ("a length below the header", [answer(avp(432, SUCCESS, length=4))], 1, True),
    ("an integer of three bytes", [answer(avp(432, b"abc"))], 1, True),
    ("a group with a broken member", [answer(avp(456, avp(432, SUCCESS, length=40)))], 1, True),
]


def main():
    wrong = 0
    for name, messages, wanted, object_ in CASES:
        faults = judge(messages, {"272A": wanted})
        if bool(faults) != object_:
            wrong += 1
            print(f"{name}: {'no objection' if object_ else faults}")
    print(f"judge_self_test: {len(CASES)} cases, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
