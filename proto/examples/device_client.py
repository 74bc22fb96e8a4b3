#!/usr/bin/env python3
"""A complete device in about 100 lines: hello, proof, blocks, acknowledgements, resume.

usage: device_client.py HOST PORT DEVICE_ID [SECONDS [HEXKEY]]

Sends one lead II of 250 samples per second (a made-up pulse) in blocks of 40 ms, keeps every block
until it is acknowledged, and comes back after a cut with the same epoch: nothing is lost.
Standard library only. See DEVICE-HOWTO.md.
"""
import collections, hashlib, hmac, math, select, socket, struct, sys, time

RATE, COUNT = 250, 10  # samples per second, samples a block (at most 250 ms)

# -- protobuf by hand: a field is varint(number << 3 | type) and then its value
def varint(v):
    out = bytearray()
    while v > 0x7F:
        out.append(v & 0x7F | 0x80)
        v >>= 7
    return bytes(out + bytes([v]))
def num(field, v): return varint(field << 3) + varint(v) if v else b""
def sint(field, v): return num(field, (v << 1) ^ (v >> 31))
def fixed32(field, v): return varint(field << 3 | 5) + struct.pack("<I", v)
def fixed64(field, v): return varint(field << 3 | 1) + struct.pack("<Q", v)
def msg(field, data): return varint(field << 3 | 2) + varint(len(data)) + data
def text(field, s): return msg(field, s.encode())

def fields(data):
    """Yields (number, value) of a message; values are int or bytes."""
    at = 0
    def take():
        nonlocal at
        v = shift = 0
        while True:
            b = data[at]; at += 1
            v |= (b & 0x7F) << shift; shift += 7
            if b < 0x80: return v
    while at < len(data):
        tag = take()
        if tag & 7 == 0: value = take()
        else:
            n = {1: 8, 2: None, 5: 4}[tag & 7]
            n = take() if n is None else n
            value = data[at:at + n]; at += n
        yield tag >> 3, value

CRC = [0] * 256
for i in range(256):
    c = i
    for _ in range(8): c = c >> 1 ^ (0x82F63B78 if c & 1 else 0)
    CRC[i] = c
def crc32c(data):
    c = 0xFFFFFFFF
    for b in data: c = c >> 8 ^ CRC[(c ^ b) & 0xFF]
    return c ^ 0xFFFFFFFF

def sample(i): return int(800 * math.exp(-((i % RATE - 60) / 4) ** 2)) + 25  # 1 beat a second
def block(first):
    x = [sample(first + i) for i in range(COUNT)]
    return num(1, 0) + num(2, first) + num(3, COUNT) + num(4, 1) + fixed32(
        5, crc32c(struct.pack("<%di" % COUNT, *x))) + msg(6, struct.pack("<%dh" % COUNT, *x))

def hello(device, epoch):
    channel = (text(1, "II") + text(2, "mV") + msg(3, num(1, 1000) + num(2, 1)) + sint(6, -32768)
               + sint(7, 32767))
    signal = num(2, 1) + msg(3, num(1, RATE) + num(2, 1)) + msg(4, channel)  # signal 0, ECG
    return msg(1, num(1, 1) + text(2, device) + text(3, "example") + text(4, "1")
               + fixed64(5, epoch) + num(6, 1) + msg(7, signal))

def main():
    host, port, device = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    total = int(float(sys.argv[4]) * RATE) // COUNT * COUNT if len(sys.argv) > 4 else 0
    key = bytes.fromhex(sys.argv[5]) if len(sys.argv) > 5 else b""
    epoch = time.time_ns()  # our index starts at 0 now
    kept = collections.OrderedDict()  # first -> block, until it is acknowledged
    begin, taken, acked = time.monotonic(), 0, 0
    while not total or acked < total:
        try:
            s = socket.create_connection((host, port), 5)
        except OSError:
            time.sleep(1)  # samples are taken meanwhile: see below
            continue
        send = lambda m: s.sendall(varint(len(m)) + m)
        data, live, heard, said = b"", False, time.monotonic(), time.monotonic()
        try:
            send(hello(device, epoch))
            while not total or acked < total:
                now = time.monotonic()
                while (not total or taken < total) and taken + COUNT <= (now - begin) * RATE:
                    kept[taken] = block(taken)  # what the converter gives; kept whatever the link does
                    if live: send(msg(3, kept[taken])); said = now
                    taken += COUNT
                if now - said > 5: send(msg(8, num(1, int(now * 1e6)))); said = now  # ping
                if now - heard > 15: raise OSError("nothing heard")
                if not select.select([s], [], [], 0.01)[0]: continue
                got = s.recv(65536)
                if not got: raise OSError("closed")
                data, heard = data + got, now
                while data:
                    n = shift = at = 0
                    while at < len(data):
                        n |= (data[at] & 0x7F) << shift; shift += 7; at += 1
                        if data[at - 1] < 0x80: break
                    if at == 0 or data[at - 1] >= 0x80 or len(data) < at + n: break
                    message, data = data[at:at + n], data[at + n:]
                    for kind, body in fields(message):
                        f = list(fields(body))
                        if kind == 1:  # challenge: prove that we have the key
                            nonce = dict(f)[1]
                            send(msg(2, msg(1, hmac.new(key, b"xw-device-1" + nonce + device.encode(),
                                                        hashlib.sha256).digest())))
                        if kind in (3, 4):  # accepted, acknowledgement: what is held
                            held = [dict(fields(v)) for n_, v in f if n_ == (2 if kind == 3 else 1)]
                            acked = max(acked, held[0].get(2, 0))
                            while kept and next(iter(kept)) + COUNT <= acked: kept.popitem(last=False)
                        if kind == 3:  # resume: everything that is not held, oldest first
                            live = True
                            for b in kept.values(): send(msg(3, b))
                        if kind == 5: print("fault:", dict(f).get(2, b"").decode(), file=sys.stderr)
            send(msg(9, text(1, "done")))
        except OSError as e:
            print("connection:", e, file=sys.stderr)
            time.sleep(1)
        s.close()
    print("acknowledged", acked)

main()
