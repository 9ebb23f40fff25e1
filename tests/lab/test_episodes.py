# SPDX-License-Identifier: GPL-2.0
"""Stretches of silence of every kind, and options that change under way: each made for real."""
import errno
import os
import socket
import subprocess
import time

import pytest

from ends import wait_for_probes
from lab import Lab, cookie, keepalive, mono_ns, unix_ns, wait_until


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def test_data_written_into_a_silence(lab):
    """Keepalive has begun to ask when the program writes: from then on retransmission decides,
    and keepalive's own limit no longer counts."""
    lab.gateway.sysctl(tcp_retries2=3)
    watch = lab.watch("--events")
    gateway, _ = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 4)
    before, after = lab.gateway.drop("input", "tcp dport 7000")
    wait_for_probes(gateway, 2)
    gateway.send(b"unlock")
    t = watch.ending(key, 30)
    assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT
    assert (t["outcome"], t["half_open"]["found_by"]) == ("retransmit_timeout", "retransmit")
    episode = t["episodes"][-1]
    assert (episode["kind"], episode["end"]) == ("mixed", "died")
    unanswered = t["counts"]["probes_sent"] - t["counts"]["probes_answered"]
    assert episode["asks"] == unanswered + 1 + len(watch.events(key, "retransmit"))
    declared = unix_ns(t["half_open"]["declared_at"]) - (time.time_ns() - mono_ns())
    bounds = t["half_open"]["latency_ms"]
    assert bounds["likely_min"] <= (declared - before) / 1e6
    assert (declared - after) / 1e6 <= bounds["max"]


def test_keepalive_in_fin_wait2(lab):
    """Our side has closed, the device still sends, and then is gone: keepalive goes on asking,
    where no segment of the peer's can be seen."""
    watch = lab.watch("--events")
    gateway, device = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 2)
    gateway.shutdown(socket.SHUT_WR)
    wait_until(lambda: len(watch.events(key, "probe_sent")) >= 2, 10, "probes in FIN_WAIT2")
    lab.gateway.drop("input", "tcp dport 7000")
    t = watch.ending(key, 20)
    assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT
    assert (t["outcome"], t["half_open"]["found_by"]) == ("keepalive_timeout", "keepalive")
    assert t["last_heard_is_lower_bound"]


@pytest.mark.parametrize("how", ["a filter on output", "the link down"])
def test_probes_that_never_left(lab, how):
    """This host keeps its own probes in. The kernel counts them as sent and gives up in time;
    nobody was asked, so nobody was found gone (see test_nobody_was_asked.py)."""
    watch, capture = lab.watch("--events"), lab.capture()
    gateway, device = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 3)
    wait_until(lambda: watch.events(key, "answered"), 10, "an answer")
    if how == "the link down":
        lab.gateway.ip("link", "set", "veth0", "down")
    else:
        lab.gateway.drop("output", "tcp sport 7000")
    t = watch.ending(key, 20)
    assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT
    counts = t["counts"]
    assert t["outcome"] == "keepalive_timeout"
    assert counts["probes_failed"] == 3
    assert {e["why"] for e in watch.events(key, "probe_failed")} == {"dropped"}
    assert lab.gateway.nstat("TcpExtTCPKeepAlive") == counts["probes_sent"] + counts["probes_failed"]
    assert t["outcome_detail"] == "unasked" and "half_open" not in t
    if how != "the link down":      # tcpdump ends with the link
        on_wire = capture.frames("tcp.analysis.keep_alive and tcp.srcport == 7000")
        assert len(on_wire) == counts["probes_sent"]


def test_a_stale_count(lab):
    """Data that arrives on the fast path leaves the kernel's count of probes: the next silence
    ends after fewer probes than the options say. What was asked since is what counts."""
    watch = lab.watch("--events")
    gateway, device = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 3)
    device.send(b"x" * 3000)    # unread: room for what follows is there without asking
    time.sleep(0.3)
    before = len(watch.events(key, "probe_sent"))
    lab.gateway.drop("input", "tcp dport 7000")
    wait_until(lambda: [e for e in watch.events(key, "probe_sent") if e["n"] == 2], 10,
               "two unanswered probes")
    # The device sends without having seen them.
    lab.device.drop("input", "tcp sport 7000")
    lab.gateway.mend()
    device.send(b"y" * 100)
    wait_until(lambda: watch.events(key, "answered"), 10, "the device's data")
    heard = watch.events(key, "answered")[-1]
    lab.gateway.drop("input", "tcp dport 7000")
    t = watch.ending(key, 20)
    asked = [e for e in watch.events(key, "probe_sent") if e["at"] > heard["at"]]
    assert t["outcome"] == "keepalive_timeout"
    assert t["counts"]["events_lost"] == 0 and not watch.counted_losses()
    assert t["episodes"][-1]["asks"] == len(asked) <= 3
    assert t["counts"]["probes_sent"] == lab.gateway.nstat("TcpExtTCPKeepAlive") > before


# ---- options as they are ----

def test_options_changed_in_mid_life(lab):
    """Told with the socket's next event; what it then takes to notice follows."""
    watch = lab.watch("--events", "--every", "1s")
    gateway, _ = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 9)
    wait_until(lambda: watch.events(key, "answered"), 10, "an answer")
    assert not watch.events(key, "option_change")   # set right after accept(): no change
    gateway.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
    gateway.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 2)
    gateway.setsockopt(socket.IPPROTO_TCP, 18, 30000)
    wait_until(lambda: watch.events(key, "option_change"), 10, "the change")
    t = wait_until(lambda: [t for t in watch.of(key) if t["keepalive"]["probes"] == 4], 10,
                   "a timeline with it")[-1]
    assert (t["keepalive"]["idle_s"], t["keepalive"]["user_timeout_ms"]) == (2, 30000)
    assert t["keepalive"]["detects_within_s"] == 30
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
    gateway.close()
    t = watch.ending(key)
    assert not t["keepalive"]["enabled"] and t["keepalive"]["detects_within_s"] is None
    assert len([e for e in t["events"] if e["event"] == "option_change"]) == 2


def test_sysctls_changed_under_the_watch(lab):
    """A namespace's sockets follow its sysctls, though they say nothing themselves; sockets with
    values of their own, and other namespaces, do not."""
    lab.gateway.sysctl(tcp_keepalive_time=400, tcp_keepalive_intvl=5, tcp_keepalive_probes=7)
    watch = lab.watch("--events", "--all", "--every", "1s")
    follows, other_end = lab.connect()
    own, _ = lab.connect()
    for sock in (follows, own, other_end):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    keepalive(own, 100, 5, 7)
    keys = cookie(follows), cookie(own), cookie(other_end)
    wait_until(lambda: [t for t in watch.of(keys[0]) if t["keepalive"]["enabled"]], 10,
               "options as they were set")
    assert watch.of(keys[0])[-1]["keepalive"]["detects_within_s"] == 435
    lab.gateway.sysctl(tcp_keepalive_time=60, tcp_keepalive_probes=3)
    t = wait_until(lambda: [t for t in watch.of(keys[0]) if t["keepalive"]["idle_s"] == 60], 20,
                   "the namespace's new values")[-1]
    assert t["keepalive"]["detects_within_s"] == 75 and t["keepalive"]["probes"] == 3
    assert len(watch.events(keys[0], "option_change")) == 1
    assert follows.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
    assert not watch.events(keys[1], "option_change")
    assert not watch.events(keys[2], "option_change")


@pytest.mark.alone      # its processor is busy
def test_sysctls_changed_on_a_busy_host(lab):
    """A watch that gets one part in seventy of its processor reads them as often: a pass that waited
    cost nobody anything."""
    lab.gateway.sysctl(tcp_keepalive_time=400)
    watch = lab.watch("--all", "--every", "1s", f"netns = {lab.gateway.inode}")
    follows, _ = lab.connect()
    follows.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    key, processor = cookie(follows), min(os.sched_getaffinity(0))
    lab.end_process(subprocess.Popen(["taskset", "-c", str(processor), "sh", "-c", "while :; do :; done"]))
    os.setpriority(os.PRIO_PROCESS, watch.process.pid, 19)
    os.sched_setaffinity(watch.process.pid, {processor})
    for idle_s in (300, 200):      # each pass puts off the next
        lab.gateway.sysctl(tcp_keepalive_time=idle_s)
        changed = time.monotonic()
        wait_until(lambda: [t for t in watch.of(key) if t["keepalive"]["idle_s"] == idle_s], 60,
                   f"the namespace's new idle time, {idle_s} s")
        print(f"{time.monotonic() - changed:.1f} s")
    os.sched_setaffinity(watch.process.pid, os.sched_getaffinity(0))
