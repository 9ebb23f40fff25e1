# SPDX-License-Identifier: GPL-2.0
"""A recording (watch -w), read from its bytes without the program: the kernel's facts as they came
out of the ring. user/stream/record.h and bpf/event.h say how they lie there."""
import struct
from collections import namedtuple

FILE_HEADER, RECORD_HEADER = 16, struct.Struct("<IHHQ")
RECORD_LOSS, RECORD_SNAPSHOT, RECORD_SILENT, RECORD_HOLDER, RECORD_EVENT = 8, 9, 17, 18, 19
HO_PROBE_SENT, HO_HEARD = 3, 5
SEGMENT_REFUSED = 3     # of the field `segment`: told, but no life

# Of struct ho_event; fields that a later version appends are left alone.
SMALL = struct.Struct("<QQB")
SEGMENT = struct.Struct("<iII4BBBB")
SEGMENT_AT = 172

Event = namedtuple("Event", "mono_ns cookie kind seq_offset payload tcp_flags segment ttl")


def passes(path):
    """How many passes over all sockets have ended, by a file that may still be written to."""
    with open(path, "rb") as f:
        data = f.read()
    at, count = FILE_HEADER, 0
    while at + RECORD_HEADER.size <= len(data):
        size, kind, _, _ = RECORD_HEADER.unpack_from(data, at)
        count += kind == RECORD_SNAPSHOT
        at += size
    return count


def records(path):
    """The type and the payload of each record."""
    with open(path, "rb") as f:
        data = f.read()
    assert data[:8] == b"HALFOPEN", data[:16]
    at = FILE_HEADER
    while at < len(data):
        size, kind, _, _ = RECORD_HEADER.unpack_from(data, at)
        assert at + size <= len(data) and size >= RECORD_HEADER.size, (at, size, len(data))
        yield kind, data[at + RECORD_HEADER.size:at + size]
        at += size


def events(path):
    """Each event of the file; of a small one, what describes a segment is None."""
    for kind, body in records(path):
        if kind != RECORD_EVENT:
            continue
        mono_ns, cookie, what = SMALL.unpack_from(body)
        described = (None,) * 5
        if len(body) >= SEGMENT_AT + SEGMENT.size:
            seq_offset, payload, _, tcp_flags, _, _, _, _, segment, ttl = \
                SEGMENT.unpack_from(body, SEGMENT_AT)
            described = seq_offset, payload, tcp_flags, segment, ttl
        yield Event(mono_ns, str(cookie), what, *described)


def holders(path):
    """(process id, cookie) of each socket that a process was recorded to hold."""
    for kind, body in records(path):
        if kind == RECORD_HOLDER:
            _, pid, count, events = struct.unpack_from("<4I", body)
            assert not events
            for cookie in struct.unpack_from(f"<{count}Q", body, 16):
                yield pid, str(cookie)


def sockets(path):
    """The cookies that any record names, whatever it tells of them; 0 is everybody's losses."""
    found = set()
    for kind, body in records(path):
        words = [word for word, in struct.iter_unpack("<Q", body[:len(body) // 8 * 8])]
        if kind == RECORD_EVENT:
            found.add(words[1])
        elif kind == RECORD_LOSS:
            found.add(words[0])
        elif kind == RECORD_SILENT:     # their number, their cookies, their seconds
            found.update(words[1:1 + words[0]])
    return {str(cookie) for cookie in found - {0}} | {cookie for _, cookie in holders(path)}
