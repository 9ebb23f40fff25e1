# SPDX-License-Identifier: GPL-2.0
"""The kernel gives up, but nothing of ours ever left this host: its address, its route, its link or
its filter is to mend, and of the peer nothing is known. Who was asked, if only once, is another case."""
import contextlib
import errno
import fcntl
import os
import select
import socket
import struct
import threading
import time

import pytest

from ends import (CLOSE_WAIT, DEVICE, ESTABLISHED, FAMILIES, GATEWAY, Text, error_of, is_told_lost,
                  monotonic_ns, says_gone, state_of, wait_for_state)
from lab import (TCP_USER_TIMEOUT, Lab, cookie, inside, keepalive, mono_ns, unix_ns, wait_until, was_unseen)


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


class Tun:
    """A VPN between the two: a tun device in each, and a thread that carries packets across."""

    def __init__(self, lab):
        self.files = []
        for namespace in (lab.gateway, lab.device):
            with inside(namespace.path):
                file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
                fcntl.ioctl(file, 0x400454ca, struct.pack("16sH", b"tun0", 0x1001))  # TUN, NO_PI
            self.files.append(file)
        for number, namespace in ((1, lab.gateway), (2, lab.device)):
            namespace.ip("addr", "flush", "dev", "veth0")
            namespace.ip("addr", "add", f"10.77.0.{number}/16", "dev", "tun0")
            namespace.ip("addr", "add", f"fd77::{number}/64", "dev", "tun0", "nodad")
            namespace.ip("link", "set", "tun0", "up")
        self.running = True
        self.thread = threading.Thread(target=self.forward, daemon=True)
        self.thread.start()
        lab.cleanup.callback(self.stop)

    def forward(self):
        while self.running:
            for file in select.select(self.files, [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    os.write(self.files[file == self.files[0]], os.read(file, 65536))

    def stop(self):
        """Its program ends: the devices are gone, their addresses and routes too."""
        if self.running:
            self.running = False
            self.thread.join(10)
            for file in self.files:
                os.close(file)


# ---- how nothing leaves ----

def prefix(family):
    return "10.77.0.0/16" if family == socket.AF_INET else "fd77::/64"


def without_address(lab, family):
    lab.gateway.ip("addr", "del", GATEWAY[family] + prefix(family)[-3:], "dev", "veth0")


def without_route(lab, family):
    lab.gateway.ip("route", "del", prefix(family), "dev", "veth0")


def blackhole(lab, family):
    lab.gateway.ip("route", "add", "blackhole", DEVICE[family])


def prohibited(lab, family):
    lab.gateway.ip("route", "add", "prohibit", DEVICE[family])


def link_down(lab, family):
    lab.gateway.ip("link", "set", "veth0", "down")


def filtered(lab, family):
    lab.gateway.drop("output", "tcp sport 7000-7100")


def rejected(lab, family):
    """Our own filter even says so, by ICMP from ourselves."""
    lab.gateway.nft("table inet own { chain output { type filter hook output priority 0;\n"
                    " tcp sport 7000-7100 reject with icmpx type admin-prohibited; }\n}\n")


def vpn_gone(lab, family):
    lab.tun.stop()


WAYS = [without_address, without_route, blackhole, prohibited, link_down, filtered, rejected, vpn_gone]


# ---- what the kernel does then ----

def idle(gateway):
    keepalive(gateway, 1, 1, 3)


def idle_user_timeout(gateway):
    keepalive(gateway, 1, 1, 9, 2500)


def data(gateway):
    pass


def data_user_timeout(gateway):
    gateway.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 2000)


def fin(gateway):
    pass


def fin_in_close_wait(gateway):
    pass


MODES = {
    # (outcome where SO_ERROR is ETIMEDOUT, what fails, its event)
    idle: ("keepalive_timeout", "probes_failed", "probe_failed"),
    idle_user_timeout: ("user_timeout", "probes_failed", "probe_failed"),
    data: ("retransmit_timeout", "sends_failed", "send_failed"),
    data_user_timeout: ("user_timeout", "sends_failed", "send_failed"),
    fin: ("closed_locally", "sends_failed", "send_failed"),
    fin_in_close_wait: ("closed_by_peer", "sends_failed", "send_failed"),
}


@pytest.fixture(scope="module", params=[(way, family) for way in WAYS for family in DEVICE],
                ids=lambda p: f"{p[0].__name__}-{'ipv4' if p[1] == socket.AF_INET else 'ipv6'}")
def kept_in(request):
    """One of each mode, all at once: what was told of each, what its program was told, and which
    segments the witness saw leave."""
    way, family = request.param
    with Lab() as lab:
        lab.gateway.sysctl(tcp_retries2=3, tcp_orphan_retries=2)
        if way is vpn_gone:
            lab.tun = Tun(lab)
        watch, text, capture = lab.watch("--events"), Text(lab), lab.capture("any")
        sockets = {}
        for number, mode in enumerate(MODES):
            gateway, device = lab.connect(family, 7000 + number)
            sockets[mode] = gateway, cookie(gateway), device.getsockname()[1]
            if mode is fin_in_close_wait:
                device.shutdown(socket.SHUT_WR)
                wait_for_state(gateway, CLOSE_WAIT)
        time.sleep(0.3)     # a delayed ACK of the FIN leaves
        way(lab, family)
        cut = time.time_ns()
        for mode, (gateway, _, _) in sockets.items():
            mode(gateway)
            if mode in (data, data_user_timeout):
                gateway.send(b"unlock")
            elif mode in (fin, fin_in_close_wait):
                gateway.close()
        errors = {mode: error_of(gateway) for mode, (gateway, _, _) in sockets.items()
                  if mode not in (fin, fin_in_close_wait)}
        keys = [key for _, key, _ in sockets.values()]
        with contextlib.suppress(AssertionError):   # who was not told of fails below
            wait_until(lambda: all(any(t["final"] for t in watch.of(key)) for key in keys), 60, "all ends")
        told = {mode: (watch.of(key) or [None])[-1] for mode, (_, key, _) in sockets.items()}
        unseen = {mode for mode, t in told.items() if t and was_unseen(watch, t)}
        events = {mode: watch.events(key) for mode, (_, key, _) in sockets.items()}
        text.stop()
        lines = {mode: text.lines(port) for mode, (_, _, port) in sockets.items()}
        # Loopback carries what our own filter says to ourselves.
        left = capture.frames("tcp.srcport >= 7000 and tcp.srcport <= 7100 and not icmp and not icmpv6")
        left = [f for f in left if f[0] > cut]
        yield told, errors, events, lines, left, unseen


@pytest.mark.parametrize("mode", MODES, ids=lambda m: m.__name__)
def test_nothing_left(kept_in, mode):
    """The end has the name that the kernel's timer gives it, nobody is called gone, and what did
    not leave is counted and told."""
    told, errors, events, lines, left, unseen = kept_in
    t, (outcome, count, event) = told[mode], MODES[mode]
    assert not left, "the witness saw segments of ours"
    # Retransmission lets ICMP's word, or the route's, stand for the error.
    if mode in (data, data_user_timeout) and errors[mode] != errno.ETIMEDOUT:
        outcome = "unreachable"
    assert t and t["final"], ("its end was not told", errors.get(mode), lines[mode], events[mode])
    if mode in unseen:
        assert not [l for l in lines[mode] if says_gone(l)]
        return
    assert t["outcome"] == outcome
    assert "half_open" not in t and not is_told_lost(t), t
    assert t["outcome_detail"] == "unasked"
    assert t["counts"][count] > 0
    failures = [e for e in events[mode] if e["event"] == event]
    assert len(failures) == t["counts"][count]
    assert {e["why"] for e in failures} == {"dropped"}
    assert t["counts"]["probes_sent"] == t["counts"]["zero_window_probes"] == 0
    end, = [l for l in lines[mode] if outcome in l]
    assert not says_gone(end) and "left this host" in end, end


def test_no_probes_at_all(lab):
    """tcp_keepalive_probes=0 lets the timer kill a living idle peer unasked: it hears so itself."""
    text = Text(lab)
    watch, capture = lab.watch(), lab.capture()
    pairs = {family: lab.connect(family, 7000) for family in DEVICE}
    for gateway, _ in pairs.values():
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        gateway.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        gateway.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    time.sleep(1.5)     # asked once, and answered
    lab.gateway.sysctl(tcp_keepalive_probes=0)
    for gateway, device in pairs.values():
        assert error_of(gateway) == errno.ETIMEDOUT
        assert error_of(device) == errno.ECONNRESET
        t = watch.ending(cookie(gateway))
        assert t["outcome"] == "keepalive_timeout"
        assert "half_open" not in t and not is_told_lost(t), t
        assert t["outcome_detail"] == "unasked"
        assert t["counts"]["probes_failed"] == 0
        assert t["counts"]["probes_sent"] == t["counts"]["probes_answered"]
        assert not says_gone(text.line(device.getsockname()[1], "keepalive_timeout"))
    assert capture.count("tcp.flags.reset == 1 and tcp.srcport == 7000") == 2


# ---- who was asked, if only once ----

@FAMILIES
def test_only_the_first_probe_left(lab, family):
    """The path is cut, one probe meets nobody, and then our own filter keeps the others in."""
    watch, capture = lab.watch("--events"), lab.capture()
    gateway, _ = lab.connect(family)
    key = cookie(gateway)
    lab.gateway.drop("input", "tcp dport 7000")
    keepalive(gateway, 1, 1, 3)
    wait_until(lambda: lab.gateway.nstat("TcpExtTCPKeepAlive"), 10, "a probe, by nstat")
    lab.gateway.drop("output", "tcp sport 7000")
    assert error_of(gateway) == errno.ETIMEDOUT
    t = watch.ending(key)
    assert (t["outcome"], t["outcome_detail"]) == ("keepalive_timeout", "ETIMEDOUT")
    assert (t["counts"]["probes_sent"], t["counts"]["probes_failed"]) == (1, 2)
    probe, = capture.frames("tcp.analysis.keep_alive and tcp.srcport == 7000")
    h = t["half_open"]
    assert h["found_by"] == "keepalive"
    assert h["first_unanswered_at"] == h["last_unanswered_at"]
    assert abs(unix_ns(h["first_unanswered_at"]) - probe[0]) < 2_000_000


@FAMILIES
@pytest.mark.parametrize("way", [without_route, filtered], ids=["route", "filter"])
@pytest.mark.parametrize("user_timeout_ms", [0, 2000])
def test_only_the_first_transmission_left(lab, family, way, user_timeout_ms):
    """The data went out and met nobody; of the retransmissions none left. It was asked."""
    lab.gateway.sysctl(tcp_retries2=3)
    watch, capture = lab.watch("--events"), lab.capture()
    gateway, _ = lab.connect(family)
    key = cookie(gateway)
    gateway.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms)
    # A tail loss probe would leave within milliseconds: quicker than any filter.
    lab.gateway.sysctl(tcp_early_retrans=0)
    lab.gateway.drop("input", "tcp dport 7000")
    gateway.send(b"unlock")
    way(lab, family)
    error = error_of(gateway)
    t = watch.ending(key)
    data, = capture.frames("tcp.len > 0 and tcp.srcport == 7000")
    expected = ("user_timeout", "user_timeout") if user_timeout_ms and error == errno.ETIMEDOUT else \
        ("retransmit_timeout", "retransmit") if error == errno.ETIMEDOUT else \
        ("unreachable", "unreachable")
    assert (t["outcome"], t.get("half_open", {}).get("found_by")) == expected
    assert t["outcome_detail"] == errno.errorcode[error]
    assert t["counts"]["sends_failed"] > 0
    told = watch.events(key, "send_failed")
    assert len(told) == t["counts"]["sends_failed"] and {e["why"] for e in told} == {"dropped"}
    h = t["half_open"]
    assert abs(unix_ns(h["first_unanswered_at"]) - data[0]) < 250_000_000
    assert h["last_unanswered_at"] == h["first_unanswered_at"]


# ---- a link that is down for a while ----

@FAMILIES
@pytest.mark.parametrize("pending", ["sent while down", "sent before"])
def test_own_link_down_for_four_seconds(lab, family, pending):
    """Data waits meanwhile, and is acknowledged at last: nobody was gone, what failed to leave is
    told, and the peer was last heard when TCP_INFO says so."""
    with inside(lab.gateway.path), open("/proc/sys/net/ipv6/conf/veth0/keep_addr_on_down", "w") as f:
        f.write("1")
    watch, text = lab.watch("--all", "--events"), Text(lab)
    gateway, device = lab.connect(family)
    key, port = cookie(gateway), device.getsockname()[1]
    time.sleep(0.3)
    lab.gateway.drop("input", "tcp dport 7000")
    if pending == "sent before":
        gateway.send(b"lock")
    lab.gateway.ip("link", "set", "veth0", "down")
    lab.gateway.mend()
    if pending == "sent while down":
        gateway.send(b"lock")
    down = time.monotonic()
    wait_until(lambda: watch.events(key, "send_failed"), 10, "a send that failed")
    time.sleep(max(0, down + 4 - time.monotonic()))
    lab.gateway.ip("link", "set", "veth0", "up")
    assert device.recv(64) == b"lock"
    wait_until(lambda: acknowledged(gateway), 20, "an acknowledgement, by TCP_INFO")
    at, ago_ms = mono_ns(), last_ack_ms(gateway)
    assert state_of(gateway) == ESTABLISHED
    watch.stop()
    t = watch.of(key)[-1]
    assert t["outcome"] == "open" and "half_open" not in t and not is_told_lost(t), t
    told = watch.events(key, "send_failed")
    assert t["counts"]["sends_failed"] == len(told) >= 2
    for key in ("last_heard_at", "last_acknowledged_at"):
        assert abs(monotonic_ns(t[key]) - (at - ago_ms * 10**6)) < 15 * 10**6, (key, t)
    assert not [l for l in text.stop() if f":{port} " in l + " " and says_gone(l)]


def acknowledged(sock):
    """Nothing of ours is under way, by TCP_INFO (tcpi_unacked)."""
    return struct.unpack_from("I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 24)[0] == 0


def last_ack_ms(sock):
    """tcpi_last_ack_recv"""
    return struct.unpack_from("I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 56)[0]
