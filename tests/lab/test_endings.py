# SPDX-License-Identifier: GPL-2.0
"""How sockets end: each ending is made for real, and SO_ERROR, ss or tshark agree."""
import contextlib
import errno
import os
import socket
import struct
import time

import pytest

from ends import wait_for_probes
from lab import (TCP_USER_TIMEOUT, Lab, cookie, inside, keepalive, mono_ns, run, unix_ns,
                 wait_until)


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


TCP_ESTABLISHED = 1
FAMILIES = pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6],
                                   ids=["ipv4", "ipv6"])


def reboot(lab, device):
    """The device forgets the connection without a word: TCP_REPAIR closes silently."""
    device.setsockopt(socket.IPPROTO_TCP, 19, 1)
    device.close()


@FAMILIES
def test_keepalive_timeout(lab, family):
    watch = lab.watch()
    gateway, _ = lab.connect(family)
    keepalive(gateway, 1, 1, 2)
    lab.gateway.drop("input", "tcp dport 7000")
    t = watch.ending(cookie(gateway))
    assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT
    assert (t["outcome"], t["outcome_detail"]) == ("keepalive_timeout", "ETIMEDOUT")
    assert t["half_open"]["found_by"] == "keepalive"
    assert t["socket"]["family"] == ("ipv6" if family == socket.AF_INET6 else "ipv4")
    assert t["counts"]["probes_sent"] == 2 and t["episodes"][0]["asks"] == 2


def test_v4_in_v6_socket_is_shown_as_v4(lab):
    watch = lab.watch()
    with inside(lab.gateway.path):
        listener = lab.keep(socket.socket(socket.AF_INET6, socket.SOCK_STREAM))
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", 7005))
    listener.listen()
    lab.listeners[socket.AF_INET, 7005] = listener
    gateway, _ = lab.connect(socket.AF_INET, 7005)
    keepalive(gateway, 1, 1, 1)
    lab.gateway.drop("input", "tcp dport 7005")
    s = watch.ending(cookie(gateway))["socket"]
    assert s["family"] == "ipv4"
    assert s["peer"]["address"] == "10.77.0.2" and s["local"]["address"] == "10.77.0.1"


@FAMILIES
def test_reset_that_answers_a_probe(lab, family):
    """The device rebooted: it answers our probe with a reset."""
    watch, capture = lab.watch(), lab.capture()
    gateway, device = lab.connect(family)
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 5)
    reboot(lab, device)
    t = watch.ending(key)
    assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET
    assert t["outcome"] == "reset_by_peer" and t["half_open"]["found_by"] == "reset"
    # On the wire: our probe, then a bare RST.
    assert len(capture.frames("tcp.flags.reset == 1 and tcp.flags.ack == 0")) == 1
    probe = capture.frames("tcp.analysis.keep_alive and tcp.srcport == 7000")[-1]
    took_ms = (unix_ns(t["half_open"]["declared_at"]) - probe[0]) / 1e6
    assert t["half_open"]["latency_ms"]["min"] <= took_ms + 1
    assert t["half_open"]["latency_ms"]["max"] >= 1000


@FAMILIES
def test_reset_that_answers_data(lab, family):
    watch = lab.watch()
    gateway, device = lab.connect(family)
    key = cookie(gateway)
    time.sleep(0.3)
    reboot(lab, device)
    gateway.send(b"unlock")
    t = watch.ending(key)
    assert t["outcome"] == "reset_by_peer" and t["half_open"]["found_by"] == "reset"
    assert t["episodes"][0]["kind"] == "retransmit"


@FAMILIES
def test_reset_without_an_ask(lab, family):
    """The device's program resets: linger 0. It was there, so nothing was half-open."""
    watch = lab.watch()
    gateway, device = lab.connect(family)
    key = cookie(gateway)
    keepalive(gateway, 30, 1, 5)
    device.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    device.close()
    t = watch.ending(key)
    assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET
    assert t["outcome"] == "reset_by_peer" and "half_open" not in t


@FAMILIES
@pytest.mark.parametrize("side", ["gateway", "device"])
def test_orderly_close(lab, family, side):
    """From either side; told under --all alone."""
    watch, quiet = lab.watch("--all"), lab.watch()
    gateway, device = lab.connect(family)
    ours, theirs = cookie(gateway), cookie(device)
    first, second = (gateway, device) if side == "gateway" else (device, gateway)
    first.close()
    assert second.recv(1) == b""
    second.close()
    outcomes = watch.ending(ours)["outcome"], watch.ending(theirs)["outcome"]
    assert outcomes == (("closed_locally", "closed_by_peer") if side == "gateway" else
                        ("closed_by_peer", "closed_locally"))
    assert "half_open" not in watch.ending(ours)
    assert quiet.stop() == 0
    assert not quiet.of(ours) and not quiet.of(theirs)


@FAMILIES
def test_local_close_while_suspect(lab, family):
    """The program loses patience before keepalive does; its FIN is never acknowledged."""
    lab.gateway.sysctl(tcp_orphan_retries=2)
    watch = lab.watch()
    gateway, _ = lab.connect(family)
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 9)
    lab.gateway.drop("input", "tcp dport 7000")
    info = wait_for_probes(gateway, 3)
    gateway.close()
    t = watch.ending(key, 30)
    assert t["outcome"] == "closed_locally"
    assert t["half_open"]["found_by"] == "local_close"
    # Declared is the close(), not the orphan's end.
    assert t["half_open"]["declared_at"] < t["ended_at"]
    slack_us = max(info["rtt_us"] + 4 * info["rttvar_us"], t.get("rtt_us", {}).get("max", 0))
    assert t["half_open"]["latency_ms"]["likely_min"] >= 1990 - slack_us / 1000


@FAMILIES
def test_fin_never_acknowledged(lab, family):
    """A healthy-looking socket is closed (as a broker does with a silent client): only the
    FIN tells that nobody was there."""
    lab.gateway.sysctl(tcp_orphan_retries=2)
    watch = lab.watch()
    gateway, _ = lab.connect(family)
    key = cookie(gateway)
    time.sleep(0.5)
    lab.gateway.drop("input", "tcp dport 7000")
    gateway.close()
    t = watch.ending(key, 30)
    assert t["outcome"] == "closed_locally" and t["half_open"]["found_by"] == "local_close"
    assert t["episodes"][0]["kind"] == "fin"


def test_close_while_suspect_of_a_peer_that_is_there(lab):
    """The path mends before the FIN: it is acknowledged, so nothing was half-open then."""
    watch = lab.watch()
    gateway, device = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 9)
    lab.gateway.drop("input", "tcp dport 7000")
    wait_for_probes(gateway, 3)
    lab.gateway.mend()
    gateway.close()
    assert device.recv(1) == b""
    device.close()
    t = watch.ending(key)
    assert t["outcome"] == "closed_locally" and "half_open" not in t
    assert t["episodes"][0]["end"] == "recovered"


@FAMILIES
@pytest.mark.parametrize("how", ["unread data", "linger 0"])
def test_aborted_locally(lab, family, how):
    watch = lab.watch()
    gateway, device = lab.connect(family)
    key = cookie(gateway)
    if how == "unread data":
        device.send(b"report")
        wait_until(lambda: gateway.recv(1, socket.MSG_PEEK), 5, "data")
    else:
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gateway.close()
    t = watch.ending(key)
    assert t["outcome"] == "aborted_locally" and "half_open" not in t
    # The kernel's own reason; with linger 0 it is tcp_disconnect() that resets, for TCP_STATE.
    assert t["outcome_detail"] == ("TCP_ABORT_ON_CLOSE" if how == "unread data" else "linger_0")


@FAMILIES
def test_killed_by_ss(lab, family):
    watch = lab.watch()
    gateway, device = lab.connect(family)
    key = cookie(gateway)
    port = device.getsockname()[1]
    out = run("ip", "netns", "exec", lab.gateway.name, "ss", "-K", "-Htn", "dport", "=",
              f":{port}").stdout
    if str(port) not in out:
        pytest.skip("this kernel has no CONFIG_INET_DIAG_DESTROY for ss -K")
    t = watch.ending(key)
    assert t["outcome"] == "aborted_locally" and t["outcome_detail"] == "ECONNABORTED"


@FAMILIES
@pytest.mark.parametrize("user_timeout_ms", [0, 3000])
def test_retransmission_takes_over(lab, family, user_timeout_ms):
    """Unacknowledged data suspends keepalive: the retransmission timer decides."""
    lab.gateway.sysctl(tcp_retries2=4)
    watch = lab.watch()
    gateway, _ = lab.connect(family)
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 2, user_timeout_ms)
    lab.gateway.drop("input", "tcp dport 7000")
    gateway.send(b"unlock")
    expiries, state = 0, TCP_ESTABLISHED
    while state == TCP_ESTABLISHED:
        state, _, counted = gateway.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 3)
        expiries = max(expiries, counted)
        time.sleep(0.05)
    t = watch.ending(key, 30)
    assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT
    expected = ("user_timeout", "user_timeout") if user_timeout_ms else \
        ("retransmit_timeout", "retransmit")
    assert (t["outcome"], t["half_open"]["found_by"]) == expected
    assert t["episodes"][-1]["kind"] == "retransmit" and t["counts"]["retransmits"] >= 3
    told = [e for e in t["events"] if e["event"] == "retransmit"]
    # The kernel's own total; a tail loss probe within a second of the last segment is in it alone.
    assert len(told) <= t["counts"]["retransmits"] <= len(told) + 1
    assert told[-1]["n"] == expiries and len(told) - expiries in (0, 1)


def test_the_peers_own_probes(lab):
    """They count as last heard, though the kernel's own clocks do not see them."""
    watch = lab.watch("--events")
    gateway, device = lab.connect()
    key = cookie(gateway)
    keepalive(device, 1, 1, 9)
    wait_until(lambda: len(watch.events(key, "peer_probe")) >= 3, 10, "three probes of the peer")
    assert all(e["garbage_bytes"] == 0 for e in watch.events(key, "peer_probe"))
    keepalive(device, 60, 60, 9)
    last = watch.events(key, "peer_probe")[-1]["at"]
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gateway.close()
    t = watch.ending(key)
    assert t["counts"]["peer_probes"] >= 3 and t["last_heard_at"] >= last


def test_close_wait_and_fin_wait2(lab):
    """Keepalive goes on in CLOSE_WAIT, where the receive path is not watched: answers are
    known from the kernel's clocks, and last heard is a lower bound. Who said goodbye and then does
    not answer is not called gone (see test_who_was_gone.py)."""
    watch = lab.watch("--events")
    gateway, device = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 2)
    device.shutdown(socket.SHUT_WR)
    wait_until(lambda: len(watch.events(key, "probe_sent")) >= 3, 10, "probes in CLOSE_WAIT")
    assert all(e["n"] == 1 for e in watch.events(key, "probe_sent"))
    lab.gateway.drop("input", "tcp dport 7000")
    t = watch.ending(key)
    assert t["outcome"] == "keepalive_timeout" and t["last_heard_is_lower_bound"]
    assert t["episodes"][-1]["asks"] == 2 and "half_open" not in t


def test_a_program_that_exits(lab):
    """exit() closes: orderly, and the owner was known."""
    watch = lab.watch("--all")
    gateway, device = lab.connect()
    key = cookie(device)
    pid = os.fork()
    if pid == 0:
        gateway.close()
        time.sleep(3)
        os._exit(0)
    device.close()
    os.waitpid(pid, 0)
    assert gateway.recv(1) == b""
    gateway.close()
    t = watch.ending(key)
    assert t["outcome"] == "closed_locally"
    assert t["socket"]["owner"]["pid"] in (pid, os.getpid())


# ---- the persist timer ----

def fill(gateway):
    """Writes until the peer's window and our buffer are full: nobody reads at the other end."""
    gateway.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            gateway.send(b"x" * 65536)
    gateway.setblocking(True)


def persisting(watch, lab, family=socket.AF_INET, at_least=1):
    """A connection behind a closed window whose peer answers its probes."""
    gateway, device = lab.connect(family)
    fill(gateway)
    wait_until(lambda: lab.gateway.nstat("TcpExtTCPWinProbe") >= at_least, 10,
               "zero-window probes, by nstat")
    return gateway, device, cookie(gateway)


@FAMILIES
@pytest.mark.parametrize("user_timeout_ms", [0, 4000])
def test_zero_window_timeout(lab, family, user_timeout_ms):
    lab.gateway.sysctl(tcp_retries2=3)
    watch = lab.watch()
    gateway, device, key = persisting(watch, lab, family)
    gateway.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms)
    before, after = lab.gateway.drop("input", "tcp dport 7000")
    t = watch.ending(key, 40)
    error = gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    expected = "user_timeout" if user_timeout_ms else "zero_window_timeout"
    found = "user_timeout" if user_timeout_ms else "zero_window"
    assert error == errno.ETIMEDOUT
    assert (t["outcome"], t["half_open"]["found_by"]) == (expected, found)
    assert t["counts"]["zero_window_probes"] == lab.gateway.nstat("TcpExtTCPWinProbe")
    assert t["counts"]["probes_sent"] == 0
    assert t["episodes"][-1]["kind"] == "zero_window" and t["episodes"][-1]["end"] == "died"
    declared = unix_ns(t["half_open"]["declared_at"]) - (time.time_ns() - mono_ns())
    bounds = t["half_open"]["latency_ms"]
    assert bounds["likely_min"] <= (declared - before) / 1e6
    assert (declared - after) / 1e6 <= bounds["max"]


def test_a_closed_window_is_no_death(lab):
    """The peer answers each probe: it is there, and slow."""
    watch = lab.watch("--events", "--all")
    gateway, device, key = persisting(watch, lab, at_least=3)
    wait_until(lambda: watch.events(key, "answered"), 10, "an answer")
    device.setblocking(False)

    def drained():
        with contextlib.suppress(BlockingIOError):
            while device.recv(1 << 20):
                pass
        out = run("ip", "netns", "exec", lab.gateway.name, "ss", "-Htn", "state",
                  "established", "sport", "=", ":7000").stdout.split()
        return out and out[1] == "0"
    wait_until(drained, 20, "an empty send queue, by ss")
    gateway.close()
    device.close()
    t = watch.ending(key)
    assert t["outcome"] == "closed_locally" and "half_open" not in t
    assert t["counts"]["zero_window_probes"] == lab.gateway.nstat("TcpExtTCPWinProbe") >= 3
    assert all(e["end"] == "recovered" for e in t["episodes"])


def test_window_shrunk_with_data_in_flight(lab):
    """The peer takes back the window that it had offered: what is under way is asked about again
    and again, without a count, until two RTO_MAX have passed since it was heard."""
    try:
        lab.gateway.sysctl(tcp_rto_max_ms=1000)     # 6.15; before, this takes four minutes
    except FileNotFoundError:
        pytest.skip("this kernel has no tcp_rto_max_ms: the timeout would be 240 s")
    watch = lab.watch("--events")
    gateway, device = lab.connect()
    key = cookie(gateway)
    device.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    fill(gateway)
    wait_until(lambda: len(watch.events(key, "retransmit")) >= 3, 15, "retransmissions")
    lab.gateway.drop("input", "tcp dport 7000")
    t = watch.ending(key, 30)
    assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT
    assert (t["outcome"], t["half_open"]["found_by"]) == ("zero_window_timeout", "zero_window")


# ---- what the network answers ----

@FAMILIES
def test_unreachable(lab, family):
    """A router says that the host is gone while data is under way."""
    lab.gateway.sysctl(tcp_retries2=3)
    watch = lab.watch()
    gateway, _ = lab.connect(family)
    key = cookie(gateway)
    lab.device.nft("table inet router {\n chain input { type filter hook input priority 0;\n"
                   "  tcp dport != 1 reject with icmpx type host-unreachable\n }\n}\n")
    gateway.send(b"unlock")
    t = watch.ending(key, 60)
    assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in (errno.EHOSTUNREACH,
                                                                      errno.ENETUNREACH)
    assert t["outcome"] == "unreachable" and t["half_open"]["found_by"] == "unreachable"
    assert t["outcome_detail"] in ("EHOSTUNREACH", "ENETUNREACH")


# ---- programs ----

@FAMILIES
def test_aborted_while_suspect(lab, family):
    """The program resets a connection that has not answered for a while."""
    watch = lab.watch()
    gateway, _ = lab.connect(family)
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 9)
    lab.gateway.drop("input", "tcp dport 7000")
    wait_for_probes(gateway, 3)
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gateway.close()
    t = watch.ending(key)
    assert t["outcome"] == "aborted_locally" and t["half_open"]["found_by"] == "local_close"


def test_killed_while_suspect(lab):
    """Somebody else's tcp_abort() of a connection that has not answered for a while."""
    watch = lab.watch()
    gateway, device = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 9)
    lab.gateway.drop("input", "tcp dport 7000")
    wait_for_probes(gateway, 3)
    port = device.getsockname()[1]
    out = run("ip", "netns", "exec", lab.gateway.name, "ss", "-K", "-Htn", "dport", "=",
              f":{port}").stdout
    if str(port) not in out:
        pytest.skip("this kernel has no CONFIG_INET_DIAG_DESTROY for ss -K")
    t = watch.ending(key)
    assert t["outcome"] == "aborted_locally" and t["outcome_detail"] == "ECONNABORTED"


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "not cut"])
def test_mosquitto_closes_a_silent_client(lab, cut):
    """The broker gives up at one and a half times the client's keep alive and sends a FIN. Only
    whether that is acknowledged tells a device that is gone from one that is merely silent."""
    lab.gateway.sysctl(tcp_orphan_retries=2)
    with open(lab.path("mosquitto.conf"), "w") as f:
        f.write("listener 1899 10.77.0.1\nallow_anonymous true\nuser root\n")
    lab.end_process(lab.gateway.spawn("mosquitto", "-c", lab.path("mosquitto.conf")))
    watch = lab.watch("--all")
    client = lab.device_dial(1899)
    # CONNECT, MQTT 3.1.1, keep alive 2 s, client id "s17"
    client.send(bytes([0x10, 15, 0, 4]) + b"MQTT" + bytes([4, 2, 0, 2, 0, 3]) + b"s17")
    assert client.recv(4) == bytes([0x20, 2, 0, 0])
    if cut:
        lab.gateway.drop("input", "tcp dport 1899")
    else:
        assert client.recv(1) == b""    # the broker's FIN
        client.close()

    def ended():
        return [t for t in watch.lines("timeline") if t["final"] and
                t["socket"]["netns"]["inode"] == lab.gateway.inode and
                t["socket"]["local"]["port"] == 1899]
    t = wait_until(ended, 60, "the end of mosquitto's socket")[0]
    assert t["outcome"] == "closed_locally"
    assert t.get("half_open", {}).get("found_by") == ("local_close" if cut else None)
    if cut:
        assert t["episodes"][-1]["kind"] == "fin"
        assert t["half_open"]["declared_at"] < t["ended_at"]
