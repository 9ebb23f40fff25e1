# SPDX-License-Identifier: GPL-2.0
"""Forged segments, sent from the device's namespace by a raw socket: any sequence number, flag,
option and TTL. What the device's own socket holds is read by TCP_REPAIR, which sends nothing.

Forged segments carry a mark, so that a filter on the device's output can drop what its kernel
sends and let them pass (SILENCED)."""
import contextlib
import socket
import struct
import threading
import time

from lab import inside

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

SO_MARK = 36
MARK = 0x77
# What the device's kernel sends to the gateway, forged segments excepted (nft, on output).
SILENCED = f"meta mark != {MARK} meta l4proto tcp"

TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_TIMESTAMP, TCP_REPAIR_WINDOW = 19, 20, 21, 24, 29
TCP_REPAIR_ON, TCP_REPAIR_OFF_WITHOUT_PROBE = 1, -1
TCP_RECV_QUEUE, TCP_SEND_QUEUE = 1, 2
TCPI_OPT_TIMESTAMPS = 1
TCPI_RCV_WND_END = 236

GATEWAY = {socket.AF_INET: "10.77.0.1", socket.AF_INET6: "fd77::1"}
DEVICE = {socket.AF_INET: "10.77.0.2", socket.AF_INET6: "fd77::2"}


# ---- a live socket's numbers ----

def sequence_numbers(sock):
    """snd_nxt and rcv_nxt of a quiet socket, by TCP_REPAIR."""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON)
    numbers = []
    for queue in (TCP_SEND_QUEUE, TCP_RECV_QUEUE):
        sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
        numbers.append(struct.unpack("I", sock.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ, 4))[0])
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_WITHOUT_PROBE)
    return numbers


def tells_window(sock):
    """Has this kernel's tcp_info tcpi_rcv_wnd? (6.2)"""
    return len(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCPI_RCV_WND_END)) == \
        TCPI_RCV_WND_END


def receive_window(sock):
    """The same by TCP_REPAIR, which all kernels have."""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON)
    window = struct.unpack("5I", sock.getsockopt(socket.IPPROTO_TCP, TCP_REPAIR_WINDOW, 20))[3]
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_WITHOUT_PROBE)
    return window


def timestamp(sock):
    """What the socket would write into its timestamp option now (milliseconds, RFC 7323)."""
    return struct.unpack("I", sock.getsockopt(socket.IPPROTO_TCP, TCP_TIMESTAMP, 4))[0]


def has_timestamps(sock):
    return bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 6)[5] & TCPI_OPT_TIMESTAMPS)


def vanish(device):
    """The device forgets the connection: a close in repair mode sends nothing. What its kernel
    answers from then on is for the caller's filter to drop (SILENCED)."""
    device.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON)
    device.close()


@contextlib.contextmanager
def every(period_s, say):
    """Meanwhile a thread calls say(0), say(1) and so on, until one of them gives True."""
    stop = threading.Event()

    def work():
        number = 0
        while not stop.wait(period_s) and not say(number):
            number += 1
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


# ---- segments ----

def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def segment(port, seq, ack, flags, payload=b"", options=b"", window=512, family=socket.AF_INET,
            gateway_port=7000):
    """A TCP header and its payload, from the device's `port` to the gateway; seq and ack are
    taken modulo 2^32, options as long as a multiple of four."""
    header = struct.pack("!HHIIBBHHH", port, gateway_port, seq & 0xffffffff, ack & 0xffffffff,
                         5 + len(options) // 4 << 4, flags, window, 0, 0) + options
    pseudo = socket.inet_pton(family, DEVICE[family]) + socket.inet_pton(family, GATEWAY[family]) \
        + struct.pack("!II", len(header) + len(payload), socket.IPPROTO_TCP)
    whole = pseudo + header + payload + b"\0" * (len(payload) % 2)
    return header[:16] + struct.pack("!H", checksum(whole)) + header[18:] + payload


def timestamp_option(value, echo):
    return struct.pack("!BBBBII", 1, 1, 8, 10, value & 0xffffffff, echo & 0xffffffff)


def raw_socket(lab, family=socket.AF_INET):
    """In the device's namespace, for segments without their IP header."""
    with inside(lab.device.path):
        raw = lab.keep(socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP))
    raw.setsockopt(socket.SOL_SOCKET, SO_MARK, MARK)
    return raw


class Forger:
    """Speaks in the place of the device on one connection, from the numbers that its socket has
    now. `raw` may be shared by many."""

    def __init__(self, lab, gateway, device, raw=None):
        self.family = gateway.family
        self.raw = raw or raw_socket(lab, self.family)
        self.port, self.gateway_port = device.getsockname()[1], gateway.getsockname()[1]
        self.timestamps = has_timestamps(device)
        self.read(gateway, device)

    def read(self, gateway, device):
        self.seq, self.ack = sequence_numbers(device)
        # The lowest bit of what the kernel gives says something else; never older than its last.
        self.ours_ms, self.theirs_ms = timestamp(gateway), timestamp(device) | 1
        self.read_at = time.monotonic()

    def clocks(self):
        """The device's timestamp and the gateway's, as they must be by now."""
        since = int((time.monotonic() - self.read_at) * 1000)
        return self.theirs_ms + since, self.ours_ms + since

    def segment(self, seq=0, ack=0, flags=ACK, payload=b"", age_s=0, timestamps=None, window=512,
                value=None):
        """`seq` and `ack` as distances from what the gateway expects next and has sent; the
        timestamp is `value`, else `age_s` seconds old, and there is none where `timestamps` is
        False (by default as the connection has it)."""
        options = b""
        if self.timestamps if timestamps is None else timestamps:
            now, echo = self.clocks()
            options = timestamp_option(now - round(age_s * 1000) if value is None else value,
                                       echo if flags & ACK else 0)
        return segment(self.port, self.seq + seq, self.ack + ack if flags & ACK else 0, flags,
                       payload, options, window, self.family, self.gateway_port)

    def send(self, *what, ttl=64, **more):
        self.send_made(self.segment(*what, **more), ttl)

    def send_made(self, made, ttl=64):
        level, name = (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT) \
            if self.family == socket.AF_INET6 else (socket.IPPROTO_IP, socket.IP_TTL)
        self.raw.sendmsg([made], [(level, name, struct.pack("i", ttl))], 0,
                         (GATEWAY[self.family], 0))
