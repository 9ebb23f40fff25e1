# SPDX-License-Identifier: GPL-2.0
"""A reset shows either that the peer had forgotten the connection, or that it was there. A device that
lost power and dials again from the same port is told by the reset that our challenge ACK draws."""
import errno
import socket
import struct
import time

import pytest

from ends import DEVICE, FAMILIES, GATEWAY, Text, error_of, forget, says_gone, tcp_socket
from lab import Lab, cookie, inside, keepalive, unix_ns, wait_until
from nat import NatLab
from test_signs_of_life import sequence_numbers

MILLISECOND = 10**6


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


# ---- back on the same port ----

def dial_again(lab, family, device, when):
    """From the same address and port; (gateway's socket, device's socket). This kernel repeats its
    SYN at once after a reset; older ones, and others, a second later."""
    port = device.getsockname()[1]
    forget(device)
    if when == "a second later":
        lab.gateway.nft("table inet slow { chain input { type filter hook input priority 0;\n"
                        " tcp flags & (syn | ack) == syn limit rate over 1/second burst 1 packets drop;\n"
                        "}\n}\n")
    again = tcp_socket(lab, lab.device, family, port, DEVICE[family])
    again.settimeout(10)
    again.connect((GATEWAY[family], 7000))
    return lab.keep(lab.listen(family).accept()[0]), again


@FAMILIES
@pytest.mark.parametrize("kept_alive", [True, False], ids=["keepalive", "no keepalive"])
@pytest.mark.parametrize("when", ["at once", "a second later"])
def test_back_on_the_same_port(lab, family, kept_alive, when):
    """No ask of ours is out. Its SYN draws a challenge ACK, which draws a bare RST: in hindsight that
    was the ask, and the old connection was half-open until then. The SYN after that opens the next."""
    watch, capture, text = lab.watch(), lab.capture(), Text(lab)
    old, device = lab.connect(family)
    key, port = cookie(old), device.getsockname()[1]
    if kept_alive:
        keepalive(old, 60, 1, 3)
    time.sleep(0.3)
    device.send(b"a report")
    assert old.recv(64) == b"a report"
    time.sleep(1.5)
    gone = time.time_ns()
    new, _ = dial_again(lab, family, device, when)
    assert error_of(old) == errno.ECONNRESET
    t = wait_until(lambda: [t for t in watch.of(key) if t["final"]], 15, "the old one's end")[0]
    assert lab.gateway.nstat("TcpExtTCPChallengeACK") >= 1
    reset, = capture.frames(f"tcp.flags.reset == 1 and tcp.srcport == {port}")
    report, = capture.frames(f"tcp.len > 0 and tcp.srcport == {port}")
    syns = capture.frames(f"tcp.flags.syn == 1 and tcp.srcport == {port}")
    assert capture.count("tcp.flags.reset == 1 and tcp.flags.ack == 0") == 1
    assert when == "at once" or syns[-1][0] - reset[0] > 500 * MILLISECOND
    assert t["outcome"] == "reset_by_peer"
    h = t["half_open"]
    assert h["found_by"] == "reset"
    declared, heard = unix_ns(h["declared_at"]), unix_ns(h["last_heard_at"])
    assert abs(declared - reset[0]) < 5 * MILLISECOND
    assert abs(heard - report[0]) < 10 * MILLISECOND and heard < gone
    assert abs(h["latency_ms"]["max"] - (declared - heard) / MILLISECOND) < 0.01
    assert (h["latency_ms"]["min"] or 0) <= (declared - gone) / MILLISECOND <= h["latency_ms"]["max"]
    by = h["superseded_by"]
    assert (by["cookie"], by["peer"]["port"]) == (cookie(new), port)
    assert abs(unix_ns(by["at"]) - syns[-1][0]) < 50 * MILLISECOND
    assert len([t for t in watch.of(key) if t["final"]]) == 1
    text.line(port, "reset_by_peer")


# ---- resets by who is there ----

def forge(lab, port, flags, seq):
    """A segment in the device's name, which its kernel knows nothing of."""
    scapy = pytest.importorskip("scapy.all")
    with inside(lab.device.path):
        raw = lab.keep(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW))
    raw.sendto(bytes(scapy.IP(src="10.77.0.2", dst="10.77.0.1") /
                     scapy.TCP(sport=port, dport=7000, flags=flags, seq=seq)), ("10.77.0.1", 0))


@pytest.mark.parametrize("challenged", [True, False])
def test_a_living_programs_abort(lab, challenged):
    """Linger 0 at the device sets the ACK flag: who does so knows the connection, even where
    somebody's forged SYN has drawn a challenge ACK out of us before."""
    watch, capture = lab.watch(), lab.capture()
    gateway, device = lab.connect()
    time.sleep(0.6)
    if challenged:
        forge(lab, device.getsockname()[1], "S", 12345)
        wait_until(lambda: lab.gateway.nstat("TcpExtTCPChallengeACK"), 5, "a challenge ACK, by nstat")
    device.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    device.close()
    assert error_of(gateway) == errno.ECONNRESET
    t = watch.ending(cookie(gateway))
    assert t["outcome"] == "reset_by_peer" and "half_open" not in t
    assert capture.count("tcp.flags.reset == 1 and tcp.flags.ack == 1") == 1


def test_a_bare_reset_that_answers_nothing(lab):
    """Small stacks abort without the ACK flag. Nothing of ours was out, nothing was challenged: it
    came of itself, from who knew the next sequence number."""
    watch, capture = lab.watch(), lab.capture()
    gateway, device = lab.connect()
    time.sleep(0.6)
    forge(lab, device.getsockname()[1], "R", sequence_numbers(device)[0])
    assert error_of(gateway) == errno.ECONNRESET
    t = watch.ending(cookie(gateway))
    assert t["outcome"] == "reset_by_peer" and "half_open" not in t
    assert capture.count("tcp.flags.reset == 1 and tcp.flags.ack == 0") == 1
    assert lab.gateway.nstat("TcpExtTCPChallengeACK") == 0


# ---- what people are told ----

def loses_mapping():
    return NatLab(without_mapping="reset", shared=1)


@pytest.mark.parametrize("asked_by", ["a probe", "data"])
@pytest.mark.parametrize("kind", [loses_mapping, Lab], ids=["a NAT forgot", "the device rebooted"])
def test_a_reset_does_not_say_who_forgot(kind, asked_by):
    """A NAT that has lost its mapping answers in the device's name, which sits there and waits: the
    text claims no more than that our ask was reset."""
    with kind() as lab:
        watch, text = lab.watch(), Text(lab)
        gateway, device = lab.dial(1) if kind is loses_mapping else lab.connect()
        port = gateway.getpeername()[1]
        time.sleep(0.3)
        if kind is loses_mapping:
            lab.forget(1)
        else:
            forget(device)
        if asked_by == "data":
            gateway.send(b"unlock")
        else:
            keepalive(gateway, 1, 1, 3)
        assert error_of(gateway) == errno.ECONNRESET
        t = watch.ending(cookie(gateway))
        assert (t["outcome"], t["half_open"]["found_by"]) == ("reset_by_peer", "reset")
        if kind is loses_mapping:   # the device does not know of it: it is there
            assert device.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            assert device.getpeername()
        line = text.line(port, "reset_by_peer")
        assert not says_gone(line.replace("half-open", "")), line
