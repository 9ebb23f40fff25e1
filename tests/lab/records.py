# SPDX-License-Identifier: GPL-2.0
"""A recording (watch -w), read from its bytes without the program: the kernel's facts as they came
out of the ring. user/core/record.h and bpf/event.h say how they lie there."""
import struct
from collections import namedtuple

FILE_HEADER, RECORD_HEADER, RECORD_EVENT, RECORD_SNAPSHOT = 16, struct.Struct("<IHHQ"), 3, 9
HO_PROBE_SENT, HO_HEARD = 3, 5
SEGMENT_REFUSED = 3     # of the field `segment`: told, but no life

# Of struct ho_event; fields that a later version appends are left alone.
SMALL = struct.Struct("<QQB")
SEGMENT = struct.Struct("<iII4BBBB")
SEGMENT_AT = 164

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


def events(path):
    """Each event of the file; of a small one, what describes a segment is None."""
    with open(path, "rb") as f:
        data = f.read()
    assert data[:8] == b"HALFOPEN", data[:16]
    at = FILE_HEADER
    while at < len(data):
        size, kind, _, _ = RECORD_HEADER.unpack_from(data, at)
        assert at + size <= len(data) and size >= RECORD_HEADER.size, (at, size, len(data))
        body = at + RECORD_HEADER.size
        if kind == RECORD_EVENT:
            mono_ns, cookie, what = SMALL.unpack_from(data, body)
            described = (None,) * 5
            if at + size >= body + SEGMENT_AT + SEGMENT.size:
                seq_offset, payload, _, tcp_flags, _, _, _, _, segment, ttl = \
                    SEGMENT.unpack_from(data, body + SEGMENT_AT)
                described = seq_offset, payload, tcp_flags, segment, ttl
            yield Event(mono_ns, str(cookie), what, *described)
        at += size
