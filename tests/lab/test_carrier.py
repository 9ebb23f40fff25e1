# SPDX-License-Identifier: GPL-2.0
"""What carriers and access points do to connections: mappings that are removed under traffic or
while idle, quietly or with notice, and clients that leave without a word."""
import socket
import threading
import time

import pytest

from lab import Lab, cookie, keepalive, mono_ns, unix_ns, wait_until
from nat import NatLab


def declared_after_ms(half_open, instant_ns):
    """What really passed between the loss and its declaration."""
    offset = time.time_ns() - mono_ns()
    return (unix_ns(half_open["declared_at"]) - offset - instant_ns) / 1e6


def check_interval(half_open, before_ns, after_ns):
    """It was lost between these two instants."""
    bounds = half_open["latency_ms"]
    longest, shortest = (declared_after_ms(half_open, t) for t in (before_ns, after_ns))
    assert (bounds["min"] or 0) <= longest and shortest <= bounds["max"] + 1, (longest, bounds)


EXPECTED = {
    # Nobody answers: retransmission decides.
    "quiet": ({"retransmit_timeout"}, "retransmit"),
    # The router answers what it has no mapping for, as a host that knows no connection.
    "reset": ({"reset_by_peer"}, "reset"),
    # It says so by ICMP, which counts once retransmission gives up.
    "unreachable": ({"unreachable"}, "unreachable"),
}


@pytest.mark.parametrize("notice", EXPECTED)
def test_handover_under_traffic(notice):
    """The mapping goes while the server sends: the device is elsewhere, or reachable no more."""
    with NatLab(without_mapping=notice, shared=1) as lab:
        lab.gateway.sysctl(tcp_retries2=3)
        watch = lab.watch("--events")
        gateway, device = lab.dial(1)
        key = cookie(gateway)
        stop = threading.Event()

        def serve():
            while not stop.wait(0.3):
                try:
                    gateway.send(b"a command")
                    device.recv(64, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    continue
                except OSError:
                    return
        thread = threading.Thread(target=serve)
        thread.start()
        time.sleep(1)
        before = mono_ns()
        lab.forget(1)
        lost = before, mono_ns()
        try:
            t = watch.ending(key, 25)
        finally:
            stop.set()
            thread.join(10)
        outcomes, found_by = EXPECTED[notice]
        assert t["outcome"] in outcomes and t["half_open"]["found_by"] == found_by, t
        check_interval(t["half_open"], *lost)
        # Nothing was idle when the path was lost.
        assert t["gaps"]["lost"]["within_s"] < 0.8, t["gaps"]


@pytest.mark.parametrize("notice", ["quiet", "reset"])
def test_dropped_while_idle(notice):
    """The carrier's own timeout: 3 s without traffic, and the next probe meets nobody."""
    with NatLab(without_mapping=notice, shared=1, timeout=3) as lab:
        watch = lab.watch("--events")
        gateway, _ = lab.dial(1)
        keepalive(gateway, 2, 1, 3)     # often enough: the mapping lives
        time.sleep(7)
        keepalive(gateway, 6, 1, 3)     # not any more
        t = watch.ending(cookie(gateway), 25)
        assert t["half_open"]["found_by"] == ("keepalive" if notice == "quiet" else "reset")
        gaps = t["gaps"]
        assert max(g["to_s"] for g in gaps["survived"]) < 3
        assert gaps["lost"]["after_s"] < 3 < gaps["lost"]["within_s"] < 7, gaps


def test_a_client_that_leaves_the_access_point():
    """Its address answers no more (no ARP): data meet nobody, and the kernel says so."""
    with Lab() as lab:
        lab.gateway.sysctl(tcp_retries2=4)
        watch = lab.watch("--events")
        gateway, device = lab.connect()
        key = cookie(gateway)
        before = mono_ns()
        lab.device.ip("link", "set", "veth0", "down")
        lost = before, mono_ns()
        lab.gateway.ip("neigh", "flush", "dev", "veth0")
        gateway.send(b"a command")
        t = watch.ending(key, 40)
        assert t["outcome"] in ("unreachable", "retransmit_timeout"), t
        assert t["half_open"]["found_by"] in ("unreachable", "retransmit")
        check_interval(t["half_open"], *lost)


def test_a_client_that_leaves_while_idle():
    """The same without data: keepalive finds it, though its probes wait for ARP."""
    with Lab() as lab:
        watch = lab.watch("--events")
        gateway, device = lab.connect()
        keepalive(gateway, 2, 1, 3)
        key = cookie(gateway)
        wait_until(lambda: watch.events(key, "answered"), 10, "an answered probe")
        before = mono_ns()
        lab.device.ip("addr", "flush", "dev", "veth0")
        lost = before, mono_ns()
        lab.gateway.ip("neigh", "flush", "dev", "veth0")
        t = watch.ending(key, 20)
        assert t["outcome"] == "keepalive_timeout"
        check_interval(t["half_open"], *lost)
