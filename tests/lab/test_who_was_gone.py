# SPDX-License-Identifier: GPL-2.0
"""Whether a peer that had said goodbye, or that answers all the while, is called gone: not for
probes after its FIN, but for data or a FIN of ours that was never acknowledged."""
import errno
import socket
import time

import pytest

from ends import (CLOSE_WAIT, FAMILIES, FIN_WAIT2, Text, error_of, forget, is_told_lost, monotonic_ns,
                  says_gone, wait_for_probes, wait_for_state)
from lab import TCP_USER_TIMEOUT, Lab, cookie, keepalive, mono_ns, run, unix_ns, wait_until
from test_endings import persisting


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


MILLISECOND = 10**6
TICK = 10 * MILLISECOND      # of the kernel's clocks, at the slowest


# ---- probes to a peer that said goodbye ----

def leaves(lab, device, how):
    """The device closes; then it is silent, or its kernel knows nothing of the connection."""
    if how == "forgotten in time":      # FIN_WAIT2 of an orphan ends, as in any Linux
        lab.device.sysctl(tcp_fin_timeout=1)
        device.close()
    else:
        device.shutdown(socket.SHUT_WR)


def keeps_silent(lab, device, how):
    """Once our kernel has acknowledged its FIN: an RST to that would end it at once."""
    if how == "forgotten in time":
        return
    wait_for_state(device, FIN_WAIT2)
    if how == "silent":
        lab.gateway.drop("input", "tcp dport 7000")
    else:
        forget(device)


GOODBYES = {
    # what becomes of the device after its FIN: (SO_ERROR, outcome)
    "silent": (errno.ETIMEDOUT, "keepalive_timeout"),
    "rebooted": (errno.EPIPE, "reset_by_peer"),
    "forgotten in time": (errno.EPIPE, "reset_by_peer"),
}


@FAMILIES
@pytest.mark.parametrize("how", GOODBYES)
def test_probes_after_a_goodbye(lab, family, how):
    """Our program leaks the socket in CLOSE_WAIT. Who said goodbye is not missed: that nobody
    answers our probes, or that they are reset, tells of our program and of nobody's path."""
    watch, capture, text = lab.watch(), lab.capture(), Text(lab)
    gateway, device = lab.connect(family)
    key, port = cookie(gateway), device.getsockname()[1]
    keepalive(gateway, 2, 1, 2)
    time.sleep(0.2)
    leaves(lab, device, how)
    wait_for_state(gateway, CLOSE_WAIT)
    keeps_silent(lab, device, how)
    error, outcome = GOODBYES[how]
    assert error_of(gateway) == error
    t = watch.ending(key)
    assert t["outcome"] == outcome
    assert "half_open" not in t and not is_told_lost(t), t
    fin, = capture.frames(f"tcp.flags.fin == 1 and tcp.srcport == {port}")
    assert abs(unix_ns(t["half_closed_at"]) - fin[0]) < 5 * MILLISECOND
    assert not says_gone(text.line(port, outcome))


@FAMILIES
def test_data_before_the_goodbye(lab, family):
    """A report and a FIN in one go, and then silence to our probes: the same."""
    watch = lab.watch()
    gateway, device = lab.connect(family)
    keepalive(gateway, 1, 1, 2)
    device.send(b"a report")
    device.shutdown(socket.SHUT_WR)
    before = time.time_ns()
    wait_for_state(gateway, CLOSE_WAIT)
    lab.gateway.drop("input", "tcp dport 7000")
    t = watch.ending(cookie(gateway))
    assert t["outcome"] == "keepalive_timeout"
    assert "half_open" not in t and not is_told_lost(t), t
    assert abs(unix_ns(t["half_closed_at"]) - before) < 500 * MILLISECOND


def test_a_fin_that_came_before_its_data(lab):
    """The report before it is lost: the FIN is taken when that was sent once more."""
    watch, capture = lab.watch(), lab.capture()
    gateway, device = lab.connect()
    port = device.getsockname()[1]
    keepalive(gateway, 2, 1, 1)
    time.sleep(0.2)
    lab.gateway.drop("input", f"tcp sport {port}")
    device.send(b"a report")
    lab.gateway.mend()
    device.shutdown(socket.SHUT_WR)
    wait_for_state(gateway, CLOSE_WAIT)
    lab.gateway.drop("input", "tcp dport 7000")
    t = watch.ending(cookie(gateway))
    report = capture.frames(f"tcp.srcport == {port} and tcp.len > 0")[-1]
    fins = capture.frames(f"tcp.srcport == {port} and tcp.flags.fin == 1")
    taken = max(report[0], fins[0][0])
    assert abs(unix_ns(t["half_closed_at"]) - taken) < 5 * MILLISECOND
    assert "half_open" not in t, t


@pytest.mark.parametrize("how", ["silent", "rebooted"])
def test_a_goodbye_before_the_watch(lab, how):
    """When the FIN came cannot be known; that it came can."""
    gateway, device = lab.connect()
    key, port = cookie(gateway), device.getsockname()[1]
    device.shutdown(socket.SHUT_WR)
    wait_for_state(gateway, CLOSE_WAIT)
    watch, text = lab.watch(), Text(lab)
    keepalive(gateway, 1, 1, 2)
    keeps_silent(lab, device, how)
    t = watch.ending(key)
    assert t["partial"] and t["outcome"] == GOODBYES[how][1]
    assert "half_open" not in t and not is_told_lost(t), t
    assert t["half_closed_at"] is None
    assert not says_gone(text.line(port, t["outcome"]))


def test_half_closed_while_open(lab):
    """Of an open socket, too, and of none that was not half-closed."""
    watch = lab.watch("--all", "--every", "1s")
    gateway, device = lab.connect()
    key = cookie(gateway)
    t = wait_until(lambda: watch.of(key), 5, "a timeline")[-1]
    assert "half_closed_at" not in t
    before = time.time_ns()
    device.shutdown(socket.SHUT_WR)
    wait_for_state(gateway, CLOSE_WAIT)
    after = time.time_ns()
    t = wait_until(lambda: [t for t in watch.of(key) if "half_closed_at" in t], 5,
                   "half_closed_at in an open timeline")[0]
    assert t["outcome"] == "open"
    assert before - MILLISECOND <= unix_ns(t["half_closed_at"]) <= after + MILLISECOND


# ---- data or a FIN of ours after it ----

@FAMILIES
@pytest.mark.parametrize("user_timeout_ms", [0, 2000])
def test_data_after_a_goodbye(lab, family, user_timeout_ms):
    """The device only said that it would send no more. It must acknowledge what we send."""
    lab.gateway.sysctl(tcp_retries2=3)
    watch, text = lab.watch(), Text(lab)
    gateway, device = lab.connect(family)
    port = device.getsockname()[1]
    gateway.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms)
    before = time.time_ns()
    device.shutdown(socket.SHUT_WR)
    wait_for_state(gateway, CLOSE_WAIT)
    after = time.time_ns()
    lab.gateway.drop("input", "tcp dport 7000")
    gateway.send(b"unlock")
    assert error_of(gateway) == errno.ETIMEDOUT
    t = watch.ending(cookie(gateway))
    expected = ("user_timeout", "user_timeout") if user_timeout_ms else \
        ("retransmit_timeout", "retransmit")
    assert (t["outcome"], t["half_open"]["found_by"]) == expected
    assert before - MILLISECOND <= unix_ns(t["half_closed_at"]) <= after + MILLISECOND
    assert says_gone(text.line(port, t["outcome"]))


@FAMILIES
@pytest.mark.parametrize("suspect", [False, True], ids=["idle", "suspect"])
def test_fin_never_acknowledged_in_last_ack(lab, family, suspect):
    """The device closed, our program closed, too; our FIN meets nobody. It was closed by the
    peer, which was gone when we closed: probes in vain before that are no more than a leak."""
    lab.gateway.sysctl(tcp_orphan_retries=2)
    watch, text = lab.watch(), Text(lab)
    gateway, device = lab.connect(family)
    key, port = cookie(gateway), device.getsockname()[1]
    device.shutdown(socket.SHUT_WR)
    wait_for_state(gateway, CLOSE_WAIT)
    lab.gateway.drop("input", "tcp dport 7000")
    if suspect:
        keepalive(gateway, 1, 1, 9)
        wait_for_probes(gateway, 3)
    before = mono_ns()
    gateway.close()
    after = mono_ns()
    t = watch.ending(key, 30)
    assert t["outcome"] == "closed_by_peer"
    assert t["half_open"]["found_by"] == "local_close"
    declared = monotonic_ns(t["half_open"]["declared_at"])
    assert before - TICK <= declared <= after + TICK
    assert t["episodes"][-1]["kind"] == ("mixed" if suspect else "fin")
    assert "half_closed_at" in t
    assert says_gone(text.line(port, "closed_by_peer"))


@pytest.mark.parametrize("side", ["FIN_WAIT1", "LAST_ACK"])
def test_fin_that_a_router_rejects(lab, side):
    """ICMP of every sort instead of an acknowledgement. The program has closed and cannot be told;
    the peer was gone, as it is where nobody says anything."""
    lab.gateway.sysctl(tcp_orphan_retries=2)
    lab.device.sysctl(icmp_ratelimit=0)
    watch = lab.watch()
    rejects = [(socket.AF_INET, "icmp", "host-unreachable"), (socket.AF_INET, "icmp", "port-unreachable"),
               (socket.AF_INET6, "icmpv6", "addr-unreachable"), (socket.AF_INET6, "icmpv6", "port-unreachable")]
    pairs = {}
    for number, (family, protocol, kind) in enumerate(rejects):
        gateway, device = lab.connect(family, 7000 + number)
        if side == "LAST_ACK":
            device.shutdown(socket.SHUT_WR)
            wait_for_state(gateway, CLOSE_WAIT)
        pairs[family, kind] = gateway, cookie(gateway)
    capture = lab.capture()
    lab.device.nft("table inet router {\n chain input { type filter hook input priority 0;\n" +
                   "".join(f"  tcp sport {7000 + n} reject with {p} type {k}\n"
                           for n, (_, p, k) in enumerate(rejects)) + " }\n}\n")
    before = mono_ns()
    for gateway, _ in pairs.values():
        gateway.close()
    after = mono_ns()
    told = {which: watch.ending(key, 60) for which, (_, key) in pairs.items()}
    outcome = "closed_locally" if side == "FIN_WAIT1" else "closed_by_peer"
    assert {which: (t["outcome"], t.get("half_open", {}).get("found_by")) for which, t in told.items()} \
        == dict.fromkeys(pairs, (outcome, "local_close"))
    for t in told.values():
        declared = monotonic_ns(t["half_open"]["declared_at"])
        assert before - TICK <= declared <= after + TICK
    # Our FINs were on the wire, and nothing but SYN-ACKs came before.
    assert capture.count("tcp.flags.fin == 1") >= 4 and capture.count("tcp.flags.reset == 1") == 0


# ---- orphans that were there before ----

@FAMILIES
@pytest.mark.parametrize("side", ["FIN_WAIT1", "LAST_ACK"])
def test_orphans_found_at_the_start(lab, family, side):
    """No program holds them any more, and their FIN asks already: they will notice, and had been
    closed when we first saw them."""
    lab.gateway.sysctl(tcp_orphan_retries=5)    # for 12 s, in which two watches begin
    gateway, device = lab.connect(family)
    key, port = cookie(gateway), device.getsockname()[1]
    if side == "LAST_ACK":
        device.shutdown(socket.SHUT_WR)
        wait_for_state(gateway, CLOSE_WAIT)
    lab.gateway.drop("input", "tcp dport 7000")
    gateway.close()
    wait_until(lambda: side.replace("_", "-").replace("T1", "T-1") in
               run("ip", "netns", "exec", lab.gateway.name, "ss", "-Htan").stdout, 5, "an orphan, by ss")
    watch, text = lab.watch(), Text(lab)
    assert "1 socket in 1 namespace; 0 would never notice a dead peer" in text.lines()[0], text.lines()
    t = watch.ending(key, 60)
    assert t["partial"]
    assert t["outcome"] == ("closed_locally" if side == "FIN_WAIT1" else "closed_by_peer")
    assert t["half_open"]["found_by"] == "local_close"
    assert t["half_open"]["declared_at"] <= t["first_seen_at"]
    if side == "LAST_ACK":
        assert t["half_closed_at"] is None
    assert t["episodes"][-1]["kind"] == "fin"
    text.line(port, t["outcome"])


# ---- a peer that answers all the while ----

@FAMILIES
@pytest.mark.parametrize("user_timeout_ms", [1500, 4000])
def test_user_timeout_behind_a_closed_window(lab, family, user_timeout_ms):
    """Nobody reads at the other end, whose kernel answers each zero-window probe: our patience
    ends, but the peer was there."""
    watch, capture, text = lab.watch("--events"), lab.capture(), Text(lab)
    gateway, device, key = persisting(watch, lab, family, at_least=2)
    gateway.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms)
    assert error_of(gateway) == errno.ETIMEDOUT
    t = watch.ending(key)
    assert t["outcome"] == "user_timeout"
    port = device.getsockname()[1]
    answers = capture.frames(f"tcp.srcport == {port} and tcp.window_size == 0")
    assert answers and t["counts"]["zero_window_probes"] == lab.gateway.nstat("TcpExtTCPWinProbe")
    assert "half_open" not in t and not is_told_lost(t), t
    # The last probe was answered at once; so the peer was last heard then.
    assert abs(unix_ns(t["last_heard_at"]) - answers[-1][0]) < 10 * MILLISECOND
    assert not says_gone(text.line(port, "user_timeout"))
