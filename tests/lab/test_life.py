# SPDX-License-Identifier: GPL-2.0
"""What is life, and what answers: segments that the kernel refuses, peers that probe and talk but
acknowledge nothing, probes that cross, answers that somebody else gave. The witnesses are
tcp_info's clocks, nstat, tshark and the lab's own clock of the cut."""
import contextlib
import errno
import os
import socket
import subprocess
import threading
import time

import pytest

from forge import ACK, PSH, SILENCED, SYN, Forger, every, vanish
from lab import Lab, cookie, keepalive, mono_ns, run, tcp_info, unix_ns, wait_until
from test_endings import fill

TCP_USER_TIMEOUT = 18
JIFFY_MS = 10       # the longest that a kernel has


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def on_gateway(lab):
    return f"netns = {lab.gateway.inode}"


def mono(at):
    """An instant told by halfopen, in nanoseconds of CLOCK_MONOTONIC."""
    return unix_ns(at) - (time.time_ns() - mono_ns())


def assert_interval_holds(t, cut, slack_ms=5):
    """The latency that the cut's own clock gives lies in what was told."""
    declared = mono(t["half_open"]["declared_at"])
    low, high = (declared - cut[1]) / 1e6 - slack_ms, (declared - cut[0]) / 1e6 + slack_ms
    bounds = t["half_open"]["latency_ms"]
    assert low <= bounds["max"], (low, high, bounds)
    assert bounds["min"] <= bounds["likely_min"] <= bounds["max"], bounds
    assert bounds["likely_min"] <= high, (low, high, bounds)


def assert_asked_in_vain(watch, key, since_ns, t, challenged=False):
    """From `since_ns` on every probe was one more ask of a single silence, which the socket died
    of. A challenge ACK that was answered by a reset may be told as one, too."""
    after = [e for e in watch.events(key) if mono(e["at"]) > since_ns]
    probes = [e["n"] for e in after if e["event"] == "probe_sent"]
    assert probes == list(range(1, len(probes) + 1)), probes
    assert not [e for e in after if e["event"] == "answered"], after
    asks = range(len(probes), len(probes) + 1 + challenged)
    assert [e["end"] for e in t["episodes"]] == ["died"], t["episodes"]
    assert t["episodes"][0]["asks"] in asks, (probes, t["episodes"])
    return len(probes)


# ---- what the kernel refuses is no life ----

REFUSED = {
    "an ACK far below": {"seq": -10**9},
    "data far below": {"seq": -10**9, "payload": b"x" * 8},
    "an ACK above the window": {"seq": 10**7},
    "data above the window": {"seq": 10**7, "payload": b"x" * 8},
    "an ACK ten days old": {"age_s": 864000},
    "data ten days old": {"age_s": 864000, "payload": b"x" * 8},
    "a probe ten days old": {"seq": -1, "age_s": 864000},
    "an ACK of what was never sent": {"ack": 1000},
    "data with an ACK of what was never sent": {"ack": 1000, "payload": b"x" * 8},
    "a probe with an ACK of what was never sent": {"seq": -1, "ack": 1000},
    "an ACK of long ago": {"ack": -10**9},
    "no flag at all": {"flags": 0},
    "data without ACK": {"flags": PSH, "payload": b"x" * 8},
    "a SYN": {"flags": SYN},
    "a SYN at another number": {"flags": SYN, "seq": 10**6},
    "a SYN with ACK": {"flags": SYN | ACK},
}
FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}


def refused_by_the_kernel(gateway, forger, what, cut):
    """Sends the segment and looks whether the kernel's clocks of the peer stood still."""
    came = tcp_info(gateway)["segs_in"]
    forger.send(**what)
    info = wait_until(lambda: (i := tcp_info(gateway))["segs_in"] > came and i, 5, "the segment")
    since_ms = (mono_ns() - cut[1]) / 1e6 - JIFFY_MS
    return info["state"] != 1 or \
        min(info["last_ack_recv_ms"], info["last_data_recv_ms"]) >= since_ms


@pytest.fixture(scope="module")
def silenced():
    """For each kind of segment that the kernel refuses, and each family, a connection whose device
    is cut off; every 1.5 s one such segment arrives on it, until it has died."""
    with Lab() as lab:
        watch = lab.watch("--events", "--strict", "--idle-gap", "1s", on_gateway(lab))
        capture = lab.capture()
        runs = {}
        for number, (kind, family) in enumerate((k, f) for k in REFUSED for f in FAMILIES):
            # Ports far from one another: none looks like the next connection of another's device.
            gateway, device = lab.connect(FAMILIES[family], device_port=20000 + 997 * number)
            runs[kind, family] = {"gateway": gateway, "key": cookie(gateway), "kernel": [],
                                  "forger": Forger(lab, gateway, device)}
            keepalive(gateway, 2, 1, 5)
        cut = lab.device.drop("output", SILENCED)
        for number in range(1, 5):
            due = cut[1] + number * 1_500_000_000
            wait_until(lambda: mono_ns() >= due, 5, "the next segment's turn")
            for (kind, _), r in runs.items():
                r["kernel"].append(refused_by_the_kernel(r["gateway"], r["forger"], REFUSED[kind],
                                                         cut))
        for r in runs.values():
            wait_until(lambda: tcp_info(r["gateway"])["state"] == 7, 10, "state CLOSE")
            r["error"] = r["gateway"].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            r["told"] = watch.ending(r["key"])
            r["events"] = watch.events(r["key"])
        counted = lab.gateway.nstat("TcpExtTCPKeepAlive")
        for r in runs.values():
            r["on_wire"] = capture.count(
                f"tcp.srcport == 7000 && tcp.dstport == {r['forger'].port} && "
                f"tcp.flags.syn == 0 && "
                f"tcp.seq_raw == {(r['forger'].ack - 1) % 2**32}")
        yield {"runs": runs, "cut": cut, "watch": watch, "counted": counted}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", REFUSED)
def test_what_the_kernel_refuses_is_no_life(silenced, kind, family):
    r = silenced["runs"][kind, family]
    t, told = r["told"], {e["event"] for e in r["events"]}
    assert all(r["kernel"]) and r["error"] == errno.ETIMEDOUT, "not refused by this kernel"
    assert t["outcome"] == "keepalive_timeout" and t["half_open"]["found_by"] == "keepalive"
    assert mono(t["last_heard_at"]) <= silenced["cut"][1]
    assert_interval_holds(t, silenced["cut"])
    assert t["half_open"]["latency_ms"]["likely_min"] >= 4500
    assert not told & {"answered", "answered_run", "peer_probe", "heartbeat"}, told
    assert [(e["kind"], e["end"], e["asks"]) for e in t["episodes"]] == [("keepalive", "died", 5)]
    assert not t.get("gaps", {}).get("survived"), t["gaps"]
    counts = t["counts"]
    assert counts["probes_sent"] == r["on_wire"] == 5
    assert counts["probes_answered"] == counts["peer_probes"] == counts["heartbeats"] == 0
    assert counts["events_lost"] == 0


def test_nothing_is_lost_to_what_the_kernel_refuses(silenced):
    watch, runs = silenced["watch"], silenced["runs"].values()
    assert sum(r["told"]["counts"]["probes_sent"] for r in runs) == silenced["counted"]
    assert watch.stop() == 0, watch.lines("loss")
    assert not watch.lines("loss")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_device_that_lost_power_dials_again(lab, family):
    """From the same port, while it is silent under our probes: its SYNs answer nothing, and the
    reset that our challenge ACK provokes is the end."""
    watch = lab.watch("--events", "--idle-gap", "1s", on_gateway(lab))
    gateway, device = lab.connect(FAMILIES[family], device_port=40001)
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 9)
    wait_until(lambda: watch.events(key, "answered"), 10, "an answer")
    cut = lab.device.drop("input", "meta l4proto tcp")
    vanish(device)
    wait_until(lambda: tcp_info(gateway)["probes"] >= 2, 10, "two probes, by tcp_info")
    dialled = []
    dialling = threading.Thread(
        target=lambda: dialled.append(lab.connect(FAMILIES[family], device_port=40001)))
    dialling.start()
    wait_until(lambda: lab.gateway.nstat("TcpExtTCPChallengeACK") >= 3, 10,
               "three SYNs on the old connection")
    assert tcp_info(gateway)["state"] == 1
    lab.device.mend()
    t = watch.ending(key, 15)
    dialling.join(10)
    assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET
    assert dialled and cookie(dialled[0][0]) != key
    assert t["outcome"] == "reset_by_peer" and t["half_open"]["found_by"] == "reset"
    asked = assert_asked_in_vain(watch, key, cut[1], t, challenged=True)
    assert t["counts"]["probes_sent"] == lab.gateway.nstat("TcpExtTCPKeepAlive") >= asked >= 4
    assert mono(t["last_heard_at"]) <= cut[1]
    assert not [g for g in t["gaps"]["survived"] if g["ended_by"] == "peer"]
    assert_interval_holds(t, cut)


@pytest.mark.parametrize("seq", [0, 10**6], ids=["the next number", "another number"])
def test_a_stray_syn_on_a_live_connection(lab, seq):
    """The gateway challenges it, the device's socket is there and says nothing."""
    watch, capture = lab.watch("--all", "--idle-gap", "1s", on_gateway(lab)), lab.capture()
    gateway, device = lab.connect()
    key, forger = cookie(gateway), Forger(lab, gateway, device)
    keepalive(gateway, 2, 1, 5)
    begun = mono_ns()
    for number in range(1, 5):
        due = begun + number * 1_500_000_000
        wait_until(lambda: mono_ns() >= due, 5, "the next SYN's turn")
        forger.send(seq=seq, flags=SYN, ttl=99)
    assert lab.gateway.nstat("TcpExtTCPChallengeACK") == 4 and tcp_info(gateway)["state"] == 1
    # No probe falls between the readings.
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
    gateway.close()
    assert device.recv(1) == b""
    device.close()
    t = watch.ending(key)
    answers = capture.count(f"tcp.srcport == {forger.port} && ip.ttl == 64 && tcp.len == 0 && "
                            f"tcp.seq_raw == {forger.seq} && tcp.ack_raw == {forger.ack} && "
                            "tcp.flags.fin == 0") - 1
    assert t["outcome"] == "closed_locally" and "half_open" not in t and not t["episodes"]
    counts = t["counts"]
    assert counts["probes_sent"] == lab.gateway.nstat("TcpExtTCPKeepAlive") == answers >= 2
    assert counts["probes_answered"] == answers
    assert counts["peer_probes"] == counts["heartbeats"] == counts["events_lost"] == 0
    survived = t["gaps"]["survived"]
    assert {g["ended_by"] for g in survived} == {"us"}, survived
    assert sum(g["count"] for g in survived) == answers, survived


# ---- keepalive at both ends ----

def test_probes_that_cross(lab):
    """Both ends probe at the same instant: the answers are answers, the probes are probes."""
    watch, capture = lab.watch("--all", on_gateway(lab)), lab.capture()
    pairs = [lab.connect() for _ in range(8)]
    keys = {gateway: cookie(gateway) for gateway, _ in pairs}
    for pair in pairs:
        for sock in pair:
            keepalive(sock, 1, 1, 9)
    wait_until(lambda: lab.gateway.nstat("TcpExtTCPKeepAlive") >= 6 * len(pairs), 20,
               "six probes of each")
    for pair in pairs:
        for sock in pair:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
    ports = {gateway: device.getsockname()[1] for gateway, device in pairs}
    for gateway, device in pairs:
        gateway.close()
        assert device.recv(1) == b""
        device.close()
    told = [watch.ending(keys[gateway]) for gateway, _ in pairs]
    # Who probes next by the number of its own: relative to the SYN, a probe has 0, an answer 1.
    pure = "tcp.flags == 0x10 && tcp.len == 0 && tcp.ack == 1"
    for (gateway, _), t in zip(pairs, told):
        port, counts = ports[gateway], t["counts"]
        answers = capture.count(f"tcp.srcport == {port} && tcp.seq == 1 && {pure}") - 1
        probes = capture.count(f"tcp.srcport == {port} && tcp.seq == 0 && {pure}")
        asked = capture.count(f"tcp.dstport == {port} && tcp.seq == 0 && {pure}")
        assert counts["probes_sent"] == asked >= 5 and probes >= 5, (counts, asked, probes)
        assert counts["probes_answered"] == answers, (counts, answers)
        assert counts["peer_probes"] == probes, (counts, probes)
        assert "half_open" not in t and not t["episodes"], t["episodes"]


@pytest.mark.parametrize("kind", ["Linux", "Windows"])
def test_a_peer_that_probes_and_hears_nothing(lab, kind):
    """Our direction is dead while the peer's own probes go on arriving: they are life and no
    answers. A Linux peer's are empty, and the kernel goes on counting; those of Windows carry a
    byte, and each sets the kernel's count back."""
    watch, capture = lab.watch("--events", "--every", "1s", on_gateway(lab)), lab.capture()
    gateway, device = lab.connect()
    key, forger = cookie(gateway), Forger(lab, gateway, device)
    keepalive(gateway, 1, 1, 5)
    if kind == "Linux":
        keepalive(device, 1, 1, 100)
    wait_until(lambda: lab.gateway.nstat("TcpExtTCPKeepAlive") >= 2 and
               not tcp_info(gateway)["probes"], 10, "two answered probes, by nstat and tcp_info")
    cut = lab.device.drop("input", "tcp sport 7000")
    if kind == "Windows":
        lab.device.drop("output", SILENCED)
        for _ in range(4):
            wait_until(lambda: tcp_info(gateway)["probes"] == 2, 10, "two probes, by tcp_info")
            forger.send(seq=-1, payload=b"\0")
            wait_until(lambda: tcp_info(gateway)["probes"] == 0, 5, "the kernel's count set back")
    t = watch.ending(key, 20)
    counted = lab.gateway.nstat("TcpExtTCPKeepAlive")
    declared = unix_ns(t["half_open"]["declared_at"])
    assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT
    assert (t["outcome"], t["half_open"]["found_by"]) == ("keepalive_timeout", "keepalive")
    assert assert_asked_in_vain(watch, key, cut[1], t) == (13 if kind == "Windows" else 5)
    assert [s for s in watch.of(key) if s["outcome"] == "suspect"]
    assert t["counts"]["probes_sent"] == counted
    probes = [at for at, _, port, _ in capture.frames("tcp.analysis.keep_alive && ip.ttl == 64")
              if port == forger.port and at < declared]
    assert t["counts"]["peer_probes"] == len(probes) == len(watch.events(key, "peer_probe"))
    assert abs(unix_ns(t["last_heard_at"]) - probes[-1]) < 20_000_000
    bounds = t["half_open"]["latency_ms"]
    assert 0 <= bounds["min"] <= bounds["likely_min"] <= bounds["max"], bounds


# ---- life that acknowledges nothing ----

@contextlib.contextmanager
def talking(gateway, say, period_s):
    """The device says something every `period_s`, and the gateway's program reads it; gives the
    list of errors that it met."""
    errors = []

    def talk(number):
        say(number)
        try:
            gateway.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        except OSError as error:
            errors.append(error.errno)
        return errors
    with every(period_s, talk):
        yield errors


def acknowledged(sock):
    return wait_until(lambda: not tcp_info(sock)["unacked"], 10, "its acknowledgement, by tcp_info")


def cut_our_data(lab, way):
    """Our direction dead altogether, the device's kernel silent and forged data in its place; or
    a path that is black for large segments alone."""
    if way == "one direction":
        lab.device.drop("output", SILENCED)
        return lab.device.drop("input", "tcp sport 7000")
    return lab.device.drop("input", "tcp sport 7000 ip length > 500")


@pytest.mark.parametrize("period_s", [0.05, 0.4])
@pytest.mark.parametrize("way, found_by", [("one direction", "retransmit"),
                                           ("one direction", "user_timeout"),
                                           ("large segments", "retransmit"),
                                           ("large segments", "user_timeout")])
def test_a_peer_that_talks_and_acknowledges_nothing(lab, way, found_by, period_s):
    """Our data are never acknowledged while the device's own go on arriving: it lives, and
    answers nothing."""
    lab.gateway.sysctl(tcp_retries2=4)
    watch, capture = lab.watch("--events", "--every", "1s", on_gateway(lab)), lab.capture()
    gateway, device = lab.connect()
    key, port = cookie(gateway), device.getsockname()[1]
    gateway.send(b"poll")
    assert device.recv(16) == b"poll" and acknowledged(gateway)
    if found_by == "user_timeout":
        gateway.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 4000)
    forger, data = Forger(lab, gateway, device), b"x" * 1000
    say = (lambda number: forger.send(seq=8 * number, payload=b"position")) \
        if way == "one direction" else (lambda number: device.send(b"position"))
    cut = cut_our_data(lab, way)
    with talking(gateway, say, period_s) as errors:
        wait_until(lambda: tcp_info(gateway)["bytes_received"] >= 16, 5, "the device's data")
        wrote = mono_ns()
        gateway.send(data)
        t = watch.ending(key, 30)
    assert errors == [errno.ETIMEDOUT]
    assert t["outcome"] == ("user_timeout" if found_by == "user_timeout" else "retransmit_timeout")
    h, bounds = t["half_open"], t["half_open"]["latency_ms"]
    assert h["found_by"] == found_by
    assert not watch.events(key, "answered") and t["counts"]["peer_probes"] == 0
    # A tail loss probe need not be told.
    on_wire = capture.count(f"tcp.dstport == {port} && tcp.len == {len(data)}")
    lost_tail = lab.gateway.nstat("TcpExtTCPLossProbes")
    assert [(e["kind"], e["end"]) for e in t["episodes"]] == [("retransmit", "died")]
    assert on_wire - lost_tail <= t["episodes"][0]["asks"] <= on_wire, (on_wire, t["episodes"])
    assert [s for s in watch.of(key) if s["outcome"] == "suspect"]
    assert mono(h["first_unanswered_at"]) >= wrote - JIFFY_MS * 1_000_000
    # Heard to the end, and long since acknowledged nothing.
    declared, heard = mono(h["declared_at"]), mono(t["last_heard_at"])
    assert declared - heard <= (period_s + 0.2) * 1e9
    assert mono(t["last_acknowledged_at"]) <= cut[1]
    assert heard - mono(t["last_acknowledged_at"]) >= 3_000_000_000
    assert bounds["min"] <= bounds["likely_min"] <= bounds["max"], bounds
    assert (declared - heard) / 1e6 <= bounds["max"] + 1


@pytest.mark.parametrize("period_s", [0.05, 0.4])
def test_large_segments_pass_again(lab, period_s):
    """The acknowledgement ends the episode, though the device had been talking all the time."""
    watch = lab.watch("--events", "--every", "1s", on_gateway(lab))
    gateway, device = lab.connect()
    key = cookie(gateway)
    cut_our_data(lab, "large segments")
    with talking(gateway, lambda number: device.send(b"position"), period_s):
        gateway.send(b"x" * 1000)
        wait_until(lambda: [t for t in watch.of(key) if t["outcome"] == "suspect"], 10,
                   "the suspicion")
        assert tcp_info(gateway)["unacked"] and tcp_info(gateway)["retransmits"] >= 2
        mended = mono_ns()
        lab.device.mend()
        acknowledged(gateway)
        seen = mono_ns()
        t = wait_until(lambda: [t for t in watch.of(key) if t["outcome"] == "open" and
                                t["episodes"] and t["episodes"][-1]["end"] != "open"], 5, "a timeline that suspects nothing")[-1]
        assert (mono_ns() - seen) / 1e9 < 4
    episode = t["episodes"][-1]
    assert (episode["kind"], episode["end"]) == ("retransmit", "recovered")
    assert mended <= mono(episode["ended_at"]) <= seen + 2_000_000_000
    assert "half_open" not in t


def test_a_peer_that_repeats_what_was_taken(lab):
    """Our acknowledgements do not arrive: its retransmissions are life and answer no probe."""
    watch, capture = lab.watch("--events", "--idle-gap", "1s", on_gateway(lab)), lab.capture()
    gateway, device = lab.connect()
    key, port = cookie(gateway), device.getsockname()[1]
    keepalive(gateway, 1, 1, 3)
    cut = lab.device.drop("input", "tcp sport 7000")
    device.send(b"position")
    t = watch.ending(key, 30)
    assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT
    repeats = [at for at, _, source, _ in capture.frames("tcp.len == 8")
               if source == port and at < unix_ns(t["half_open"]["declared_at"])]
    assert len(repeats) >= 5
    assert abs(unix_ns(t["last_heard_at"]) - repeats[-1]) < 20_000_000
    assert t["outcome"] == "keepalive_timeout"
    assert assert_asked_in_vain(watch, key, cut[1], t) >= 4
    assert t["counts"]["probes_sent"] == lab.gateway.nstat("TcpExtTCPKeepAlive")
    assert t["counts"]["peer_probes"] == t["counts"]["probes_answered"] == 0


def test_window_probes_of_the_peer(lab):
    """Our program does not read; the device asks for the window in the form of a keepalive probe.
    That is life, and no keepalive of the peer's."""
    listener = lab.listen()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    watch = lab.watch("--events", "--all", "--every", "1s", on_gateway(lab))
    capture = lab.capture()
    gateway, device = lab.connect()
    key, port = cookie(gateway), device.getsockname()[1]
    fill(device)
    wait_until(lambda: lab.device.nstat("TcpExtTCPWinProbe") >= 5, 20, "five window probes")
    # The sixth comes only after seven seconds.
    before = len(watch.of(key))
    t = wait_until(lambda: watch.of(key)[before + 1:], 5, "the next timelines")[-1]
    capture.stop()
    probes = [at for at, _, source, _ in capture.frames("tcp.len <= 1 && tcp.flags == 0x10")
              if source == port]
    assert lab.device.nstat("TcpExtTCPWinProbe") == 5
    assert capture.count("tcp.analysis.zero_window && tcp.srcport == 7000") >= 5
    assert t["counts"]["peer_probes"] == 0 and not watch.events(key, "peer_probe")
    assert abs(unix_ns(t["last_heard_at"]) - probes[-1]) < 20_000_000


# ---- answers that somebody else gave ----

DISGUISES = {"another TTL": {"ttl": 200}, "no timestamps": {"timestamps": False}}


def after_a_report(lab, family):
    """A connection whose device sent data after a pause, by which its TTL is known."""
    watch = lab.watch("--all", "--events", "--idle-gap", "1s", on_gateway(lab))
    gateway, device = lab.connect(FAMILIES[family])
    wait_until(lambda: tcp_info(gateway)["last_ack_recv_ms"] > 1200, 5, "a pause")
    device.send(b"position")
    assert gateway.recv(16) == b"position"
    keepalive(gateway, 1, 1, 5)
    return watch, gateway, device


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_middlebox_that_answers_for_a_dead_device(lab, disguise, family):
    watch, gateway, device = after_a_report(lab, family)
    key, forger = cookie(gateway), Forger(lab, gateway, device)
    lab.device.drop("output", SILENCED)
    lab.device.drop("input", "tcp sport 7000")
    vanish(device)
    for _ in range(4):
        wait_until(lambda: tcp_info(gateway)["probes"] == 1, 5, "a probe, by tcp_info")
        forger.send(**DISGUISES[disguise])
        wait_until(lambda: tcp_info(gateway)["probes"] == 0, 5, "the kernel takes the answer")
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    gateway.close()
    t = watch.ending(key)
    assert t["counts"]["probes_answered"] == lab.gateway.nstat("TcpExtTCPKeepAlive") == 4
    assert 1 <= t["answered_by_another"]["count"] <= 4, t.get("answered_by_another")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_device_that_answers_itself(lab, family):
    watch, gateway, device = after_a_report(lab, family)
    key = cookie(gateway)
    wait_until(lambda: len(watch.events(key, "answered")) >= 4, 10, "four answers")
    gateway.close()
    assert device.recv(1) == b""
    device.close()
    t = watch.ending(key)
    assert t["counts"]["probes_answered"] >= 4 and "answered_by_another" not in t


# ---- a busy program ----

def keep_busy(lab, sockets, seconds):
    """A process with two threads that lock these sockets all the time, by TCP_LINGER2 and writes
    that find no room."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "keep_busy.c")
    run("cc", "-O2", "-pthread", "-o", lab.path("keep_busy"), source)
    descriptors = [s.fileno() for s in sockets]
    subprocess.run([lab.path("keep_busy"), str(seconds), *map(str, descriptors)], check=True,
                   pass_fds=descriptors)


@pytest.mark.alone
def test_window_probes_of_busy_sockets(lab):
    """The write timer often finds its socket owned by the program, which then sends the probe when
    it lets go: those are told, too."""
    watch = lab.watch("--all", "--strict", on_gateway(lab))
    pairs = [lab.connect() for _ in range(8)]
    keys = [cookie(gateway) for gateway, _ in pairs]
    for gateway, _ in pairs:
        fill(gateway)
    keep_busy(lab, [gateway for gateway, _ in pairs], 20)
    # Nothing is asked between the readings: the backoff of the youngest is seconds by now.
    counted = lab.gateway.nstat("TcpExtTCPWinProbe")
    for gateway, _ in pairs:
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        gateway.close()
    told = [watch.ending(key)["counts"] for key in keys]
    assert lab.gateway.nstat("TcpExtTCPWinProbe") == counted >= 40
    said = sum(c["zero_window_probes"] for c in told)
    assert said == counted, f"{said} told, {counted} counted by the kernel: {told}"
    assert not watch.lines("loss") and not any(c["events_lost"] for c in told)
    assert watch.stop() == 0
