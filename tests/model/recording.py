# SPDX-License-Identifier: GPL-2.0
"""Recordings as halfopen writes them, in format 5, and as it wrote them in format 3, as which events are
made here, and in format 1 of its first versions."""
import struct

MS, S = 10**6, 10**9
SMALL, FULL_1 = 104, 184        # bytes of an orderly opening or closing; of an event of format 1
FLAGS_1 = 0x1ff                 # those that format 1 had
JUDGED = 181                    # where the segment's verdict and its time to live lie
BACKOFF, NET = 177, 188         # ... what format 5 has no more, and the half of a cookie
NET_COOKIE = 1 << 32

EVENT = struct.Struct("<QQBBBBI16s16sHHHHIIIIIIIIIBBBB" "QQQIIIIIIIIIiIIBBBBBBBx" "II" "QiIII" "QII")
assert EVENT.size == 232

NAMES = ("mono cookie kind family state old netns local peer lport pport flags error jiffies rcv "
         "lrcv srtt idle intvl nidle nintvl ut probes nprobes po ca tx acked received lsnd chrono "
         "rto flying unsent dout din rtx mdev seq size reason tcp backoff retr pending busy "
         "segment ttl bound net delivered ack segs oow retms acked_at ts_recent pad").split()
KINDS = ("", "seen", "state", "probe", "probe_failed", "heard", "retransmit", "reset_sent",
         "reset", "error", "gone", "window_probe", "send_failed")
LEFT_OUT = ("mono cookie kind family netns local peer lport pport srtt idle intvl nidle nintvl ut "
            "probes nprobes mdev ttl net acked_at ts_recent pad").split()


def text_of(event):
    """For a reader: what is not 0."""
    fields = dict(zip(NAMES, EVENT.unpack(event.ljust(EVENT.size, b"\0"))))
    for clock in ("rcv", "lrcv", "lsnd", "chrono", "oow"):
        fields[clock] = (fields[clock] - fields["jiffies"] + 2**31) % 2**32 - 2**31
    fields["tx"] = (fields["tx"] - fields["mono"]) / S
    fields["delivered"] = fields["delivered"] and (fields["delivered"] - fields["mono"]) / S
    return KINDS[fields["kind"]] + " " + " ".join(
        f"{k}={v:.3f}" if isinstance(v, float) else f"{k}={v:x}" if k == "flags" else f"{k}={v}"
        for k, v in fields.items() if v and k not in LEFT_OUT)


def record(kind, mono_ns, payload):
    payload += bytes(-len(payload) % 8)
    return struct.pack("<IHHQ", 16 + len(payload), kind, 0, mono_ns) + payload


def as_format_1(event):
    if len(event) == SMALL:
        old = bytearray(event)
    else:
        old = bytearray(event[:FULL_1])
        old[JUDGED:] = bytes(FULL_1 - JUDGED)
    flags, = struct.unpack_from("<H", old, 60)
    struct.pack_into("<H", old, 60, flags & FLAGS_1)
    return bytes(old)


def as_format_5(event):
    """The whole cookie of the namespace ends a small one; what was never read of others is left out."""
    net_cookie = NET_COOKIE + 1     # no longer a half of it
    new = bytearray(event[:SMALL])
    new[SMALL - 1] = 0              # ca
    new += struct.pack("<Q", net_cookie)
    if len(event) > SMALL:
        rest = bytearray(event[SMALL:])
        rest[BACKOFF - SMALL] = 0
        rest[NET - SMALL:NET - SMALL + 4] = bytes(4)
        new += rest
    return bytes(new)


RECORDED_AS = {1: (3, as_format_1), 3: (3, bytes), 5: (19, as_format_5)}


def write(path, lives, hz, version=5, late=None):
    """`late` is a random generator where some records are to be passed on out of order."""
    text = lambda *words: b"".join(w.encode() + b"\0" for w in words)   # noqa: E731
    events = []
    for life in lives:
        for at, event in life.records:
            passed_on = at
            if late and late.random() < 0.01:
                passed_on += late.randint(1, 300) * MS
            events.append((passed_on, at, event))
    events.sort(key=lambda e: e[0])
    with open(path, "wb") as f:
        f.write(b"HALFOPEN" + struct.pack("<II", version, 0x01020304))
        f.write(record(1, 0, struct.pack("<I", hz) + text("1", "model", "b", "r", "model")))
        f.write(record(5, 0, struct.pack("<Q", 1_700_000_000 * S)))
        f.write(record(2, 0, text("tcp_probe timer_expire_exit")))
        tick = 0
        for passed_on, at, event in events:
            if passed_on > tick:
                f.write(record(4, passed_on, b""))
                tick = passed_on + S
            kind, form = RECORDED_AS[version]
            f.write(record(kind, at, form(event)))
        f.write(record(11, events[-1][0] + 10 * S, b""))
