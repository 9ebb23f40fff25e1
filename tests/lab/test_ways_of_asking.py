# SPDX-License-Identifier: GPL-2.0
"""Three ways to ask the peer of an idle socket, each of 1,000 connections of which 137 are cut: what each
finds, and what it leaves changed (docs/DESIGN.md, Asking, has the table)."""
import socket
import struct
import subprocess
import time

import pytest

import forge
from lab import HALFOPEN, Lab, inside, keepalive, run, tcp_info, wait_until
from test_probe import options, read

ALL, CUT = 1000, 137
IDLE_S = 600    # net.ipv4.tcp_keepalive_time of the gateway


@pytest.fixture
def lab():
    with Lab() as lab:
        lab.gateway.sysctl(tcp_keepalive_time=IDLE_S)
        yield lab


class LeavingRepair:
    """halfopen probe."""

    def __init__(self, lab):
        self.lab = lab

    def ask(self, socks):
        r = subprocess.run([HALFOPEN, "probe", "--json", "--within", "3s", "--asks", "1", "--rate", "5000",
                            f"netns = {self.lab.gateway.name}"], capture_output=True, text=True, timeout=120)
        assert r.returncode == 0, r.stderr
        lines, self.summary = read(r.stdout)
        assert self.summary["unanswered"] == sum(l["result"] == "unanswered" for l in lines.values())


class KeepaliveIdle:
    """TCP_KEEPIDLE of one second makes the kernel probe at once; a second visit puts back what was."""

    def __init__(self, lab):
        pass

    def ask(self, socks):
        before = [(s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                   s.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)) for s in socks]
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        time.sleep(0.9)     # the interval between probes is longer: one leaves
        for sock, (on, idle) in zip(socks, before):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, on)


class RawSegment:
    """The same segment from a raw socket, with the numbers of the socket; the socket does not know."""

    def __init__(self, lab):
        with inside(lab.gateway.path):
            self.raw = lab.keep(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP))

    def ask(self, socks):
        for sock in socks:
            seq, ack = forge.sequence_numbers(sock)
            # reading them as this test does is not the way's fault
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            (local, port), (peer, peer_port) = sock.getsockname(), sock.getpeername()
            assert forge.has_timestamps(sock)
            option = forge.timestamp_option(forge.timestamp(sock), 0)
            header = struct.pack("!HHIIBBHHH", port, peer_port, seq - 1 & 0xffffffff, ack, 8 << 4, forge.ACK,
                                 512, 0, 0) + option
            pseudo = socket.inet_aton(local) + socket.inet_aton(peer) + struct.pack("!II", len(header), 6)
            sum_ = struct.pack("!H", forge.checksum(pseudo + header))
            self.raw.sendto(header[:16] + sum_ + header[18:], (peer, 0))


def connections(lab):
    """(followers of the sysctl with keepalive, all in order); every seventh is cut, after a silence."""
    socks = [lab.connect()[0] for _ in range(ALL)]
    for sock in socks[1::2]:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    cut = socks[::7][:CUT]
    ports = ", ".join(str(s.getpeername()[1]) for s in cut)
    lab.device.drop("input", f"tcp dport {{ {ports} }}")
    wait_until(lambda: min(tcp_info(s)["last_ack_recv_ms"] for s in socks) > 1100, 30, "a second of silence")
    return socks, cut


# What each leaves changed: the sockets that do not follow the sysctl any more, and the kernel's count of
# unanswered probes, by which it kills.
@pytest.mark.parametrize("way, pinned, counted, own_segments", [
    (LeavingRepair, 0, 0, True), (KeepaliveIdle, ALL, CUT, True), (RawSegment, 0, 0, False)])
def test_1000_connections_of_which_137_are_cut(lab, way, pinned, counted, own_segments):
    socks, cut = connections(lab)
    before = [options(s) for s in socks]
    sent = [tcp_info(s)["segs_out"] for s in socks]
    capture = lab.capture()
    asked = time.monotonic()
    asking = way(lab)
    asking.ask(socks)
    wait_until(lambda: sum(tcp_info(s)["last_ack_recv_ms"] < 1e3 * (time.monotonic() - asked) for s in socks)
               >= ALL - CUT, 20, "answers")
    unanswered = {s for s in socks if tcp_info(s)["last_ack_recv_ms"] > 1e3 * (time.monotonic() - asked) + 500}
    assert unanswered == set(cut)
    if way is LeavingRepair:
        assert (asking.summary["answered"], asking.summary["unanswered"]) == (ALL - CUT, CUT)
    # One segment each, of 52 bytes, and an answer of as many.
    asks = [w for w in capture.frames("ip.src == 10.77.0.1")]
    assert capture.dropped or len(asks) == ALL
    assert [options(s) for s in socks] == before
    # Those that set no idle time of their own follow the sysctl, but for one of the ways.
    lab.gateway.sysctl(tcp_keepalive_time=IDLE_S + 1)
    follow = sum(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == IDLE_S + 1 for s in socks)
    assert follow == ALL - pinned
    assert sum(tcp_info(s)["probes"] for s in socks) == counted
    assert all((tcp_info(s)["segs_out"] > n) == own_segments for s, n in zip(socks, sent))
    assert all(tcp_info(s)["state"] == 1 for s in socks)


@pytest.mark.parametrize("way, lives", [(LeavingRepair, True), (KeepaliveIdle, False), (RawSegment, True)])
def test_a_path_that_fails_for_a_moment(lab, way, lives):
    """An ask is lost, and then all is well: who counted it has the kernel kill a living peer's socket at its
    next keepalive, unasked (one probe is all that this program allows)."""
    gateway, device = lab.connect()
    keepalive(gateway, 20, 1, 1)
    wait_until(lambda: tcp_info(gateway)["last_ack_recv_ms"] > 1100, 20, "a second of silence")
    lab.gateway.drop("input", "tcp dport 7000")
    way(lab).ask([gateway])
    lab.gateway.mend()
    mended = time.monotonic()
    if lives:   # its own keepalive is answered
        wait_until(lambda: tcp_info(gateway)["last_ack_recv_ms"] < 1e3 * (time.monotonic() - mended) - 100, 60,
                   "a sign of life")
        assert tcp_info(gateway)["state"] == 1
        device.send(b"here")
        gateway.settimeout(20)
        assert gateway.recv(4) == b"here"
    else:
        wait_until(lambda: tcp_info(gateway)["state"] != 1, 60, "its end")
        with pytest.raises(TimeoutError):
            gateway.recv(4)
