# SPDX-License-Identifier: GPL-2.0
"""Probes, answers and deaths, against tshark, nstat and the instant of the cut."""
import errno
import random
import socket
import subprocess
import time

import pytest

from ends import wait_for_probes
from lab import Lab, cookie, keepalive, mono_ns, unix_ns, wait_until, was_unseen


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def assert_same_times(ours, theirs, what):
    untold = [t for t in theirs if not any(abs(t - o) < 2_000_000 for o in ours)]
    assert len(ours) == len(theirs), \
        f"{what}: {len(ours)} told, {len(theirs)} on the wire, not told {untold}"
    for a, b in zip(sorted(ours), sorted(theirs)):
        assert abs(a - b) < 2_000_000, f"{what}: {abs(a - b) / 1e6:.3f} ms apart"


def probes_and_answers(lab, port):
    """40 connections, half of them cut; what was told, what was on the wire, what the kernel
    counted."""
    watch, capture = lab.watch("--events"), lab.capture()
    before = lab.gateway.nstat("TcpExtTCPKeepAlive")
    pairs = [lab.connect(port=port) for _ in range(40)]
    watch.keys = {gateway: cookie(gateway) for gateway, _ in pairs}
    for number, (gateway, _) in enumerate(pairs):
        keepalive(gateway, 1 + number % 3, 1 + number % 2, 3)
    time.sleep(4.5)
    cut_ports = {device.getsockname()[1] for _, device in pairs[:20]}
    lab.gateway.drop("input", "tcp sport { " + ", ".join(map(str, cut_ports)) + " }")
    cut_unix_ns = time.time_ns()
    for gateway, _ in pairs[:20]:
        wait_until(lambda: gateway.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 7,
                   20, "state CLOSE in tcp_info")
        assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT
    # Stop the rest, so that no probe falls between the readings.
    for gateway, _ in pairs[20:]:
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
    time.sleep(0.5)
    capture.stop()
    watch.stop()
    events = [e for g, _ in pairs for e in watch.of(watch.keys[g], "event")]
    told = {name: [unix_ns(e["at"]) for e in events if e["event"] == name]
            for name in ("probe_sent", "answered", "probe_failed")}
    wire = [f[0] for f in capture.frames("tcp.analysis.keep_alive and ip.src == 10.77.0.1")]
    # The capture sits before nftables: what the cut dropped is on the wire, and in no socket.
    acks = [at for at, _, port, _ in
            capture.frames("tcp.analysis.keep_alive_ack and ip.src == 10.77.0.2")
            if at < cut_unix_ns or port not in cut_ports]
    counted = lab.gateway.nstat("TcpExtTCPKeepAlive") - before
    endings = [watch.ending(watch.keys[g])["outcome"] for g, _ in pairs[:20]]
    return watch, told, wire, acks, counted, endings


def test_every_probe_and_answer_is_on_the_wire(lab):
    """One to one with tshark and to 2 ms; the kernel's counter is sent + failed.

    There are hosts that run no BPF program at all while a certain task of theirs is current (a
    sandbox's agent; ftrace sees those timers expire, BPF does not, and no counter tells). A round
    that such a moment fell into is recognised by the kernel's own count, shown, and repeated."""
    for attempt in range(4):
        watch, told, wire, acks, counted, endings = probes_and_answers(lab, 7100 + attempt)
        sent, answered = told["probe_sent"], told["answered"]
        if counted == len(sent) + len(told["probe_failed"]) and len(answered) == len(acks):
            break
        print(f"round {attempt}: {counted} counted by the kernel, {len(sent)} told; "
              f"losses told: {watch.lines('loss')}")
    assert len(sent) > 100
    assert counted == len(sent) + len(told["probe_failed"])
    assert_same_times(sent, wire, "probes")
    assert_same_times(answered, acks, "answers")
    assert endings == ["keepalive_timeout"] * 20
    assert not watch.counted_losses()


def test_the_interval_holds_the_cut(lab):
    """48 random cuts: options, data and direction at random. The instant after which nothing
    of the peer's could reach us lies in [min, max], and not after likely_min's."""
    rng = random.Random(2)
    lab.gateway.sysctl(tcp_retries2=4, tcp_keepalive_time=3, tcp_keepalive_intvl=1,
                       tcp_keepalive_probes=3)
    watch = lab.watch()
    runs = []
    for number in range(48):
        family = rng.choice([socket.AF_INET, socket.AF_INET6])
        gateway, device = lab.connect(family, 7000 + number % 3)
        gateway.setblocking(False)
        if rng.random() < 0.8:
            keepalive(gateway, rng.randint(1, 4), rng.randint(1, 2), rng.randint(1, 4),
                      rng.choice([0, 0, 0, rng.randint(1500, 6000)]))
        else:
            gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        way = rng.choice(["in", "in", "both", "out"])
        # Cut on the way out alone, a device that probes, or that retransmits what it could not
        # get acknowledged, would go on reaching us.
        if way != "out" and rng.random() < 0.5:
            keepalive(device, 1, 1, 9)
        runs.append({"gateway": gateway, "device": device, "key": cookie(gateway),
                     "cut_at": rng.uniform(1, 6), "way": way,
                     "write_after": rng.choice([None, None, rng.uniform(0, 4)]),
                     "chatter": rng.random() < 0.5, "cut": None, "wrote": False})
    start = time.monotonic()
    while time.monotonic() - start < 11:
        now = time.monotonic() - start
        for r in runs:
            if r["cut"] is None and now >= r["cut_at"]:
                ours, theirs = r["gateway"].getsockname()[1], r["device"].getsockname()[1]
                # Both ports and the family: the device may use a port twice.
                family = "ipv6" if r["gateway"].family == socket.AF_INET6 else "ipv4"
                out = f"meta nfproto {family} tcp sport {ours} tcp dport {theirs}"
                if r["way"] == "out":
                    r["cut"] = lab.device.drop("input", out)
                else:
                    r["cut"] = lab.gateway.drop(
                        "input", f"meta nfproto {family} tcp sport {theirs} tcp dport {ours}")
                if r["way"] == "both":
                    lab.device.drop("input", out)
            elif r["cut"] is None and r["chatter"] and rng.random() < 0.02:
                who = rng.choice(["gateway", "device"]) if r["way"] != "out" else "gateway"
                r[who].send(b"x" * rng.randint(1, 100))
                for end in ("gateway", "device"):
                    try:
                        r[end].setblocking(False)
                        r[end].recv(4096)
                    except OSError:
                        pass
            elif r["cut"] and not r["wrote"] and r["write_after"] is not None and \
                    now >= r["cut_at"] + r["write_after"]:
                r["wrote"] = True
                try:
                    r["gateway"].send(b"unlock")
                except OSError:
                    pass
        time.sleep(0.02)
    outcomes = {}
    for r in runs:
        try:
            t = watch.ending(r["key"], 30)
        except AssertionError:
            r["gateway"].setblocking(False)
            print(r, watch.of(r["key"]))
            print(subprocess.run(["ip", "netns", "exec", lab.gateway.name, "ss", "-Htnoiea"],
                                 capture_output=True, text=True).stdout)
            raise
        outcomes[t["outcome"]] = outcomes.get(t["outcome"], 0) + 1
        h = t["half_open"]
        offset = time.time_ns() - mono_ns()
        declared = unix_ns(h["declared_at"]) - offset
        # The rule took hold between the two instants of the cut; one network delay is 5 ms.
        low = (declared - r["cut"][1]) / 1e6 - 5
        high = (declared - r["cut"][0]) / 1e6 + 5
        bounds = h["latency_ms"]
        assert t["outcome"] in ("keepalive_timeout", "user_timeout", "retransmit_timeout"), t
        assert low <= bounds["max"], (r["way"], low, high, t)
        if bounds["min"] is not None:
            assert bounds["min"] <= bounds["likely_min"] <= bounds["max"], t
            assert bounds["min"] <= high, (r["way"], low, high, t)
            assert bounds["likely_min"] <= high, (r["way"], low, high, t)
    print("outcomes:", outcomes)
    assert outcomes["keepalive_timeout"] >= 10
    assert outcomes.get("retransmit_timeout", 0) + outcomes.get("user_timeout", 0) >= 3
    assert not watch.counted_losses()


@pytest.mark.quiet     # hundreds of cuts in ten seconds
def test_cuts_that_mend(lab):
    """160 random cuts, of either direction or both, each mended after a while: who lived to see
    it was never half-open, who did not was so for as long as the interval says."""
    rng = random.Random(5)
    lab.gateway.sysctl(tcp_retries2=3)
    # What is lost on the way out is lost beyond this host: what its own filter keeps in asks nobody.
    for namespace, match in ((lab.gateway, "sport"), (lab.device, "dport")):
        namespace.nft("table inet paths {\n set cut { type inet_service; }\n"
                      f" chain input {{ type filter hook input priority 0; tcp {match} @cut drop; }}\n}}")

    def set_cut(r, action):
        before = mono_ns()
        for namespace in {"in": [lab.gateway], "out": [lab.device],
                          "both": [lab.gateway, lab.device]}[r["way"]]:
            namespace.nft(f"{action} element inet paths cut {{ {r['port']} }}")
        return before, mono_ns()
    watch = lab.watch("--all")
    runs = []
    for number in range(160):
        gateway, device = lab.connect()
        keepalive(gateway, rng.randint(1, 3), rng.randint(1, 2), rng.randint(1, 5),
                  rng.choice([0, 0, rng.randint(1500, 6000)]))
        cut_at = rng.uniform(0.5, 6)
        runs.append({"gateway": gateway, "key": cookie(gateway), "device": device,
                     "port": device.getsockname()[1], "way": rng.choice(["in", "out", "both"]),
                     "cut_at": cut_at, "mend_at": cut_at + rng.uniform(0.3, 5),
                     "write_at": cut_at + rng.uniform(0, 2) if rng.random() < 0.3 else None})
    agenda = sorted([(r["cut_at"], 0, r) for r in runs] + [(r["mend_at"], 1, r) for r in runs] +
                    [(r["write_at"], 2, r) for r in runs if r["write_at"]],
                    key=lambda entry: entry[:2])
    start = time.monotonic()
    for when, what, r in agenda:
        time.sleep(max(0, start + when - time.monotonic()))
        if what == 2:
            try:
                r["gateway"].send(b"unlock")
            except OSError:
                pass    # it had died by then
        else:
            r["cut" if what == 0 else "mend"] = set_cut(r, "add" if what == 0 else "delete")
    time.sleep(4)   # retransmissions and probes find a mended path
    alive = [r for r in runs
             if r["gateway"].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 1]
    for r in alive:
        r["gateway"].close()
        r["device"].close()
    outcomes, unseen = {}, 0
    offset = time.time_ns() - mono_ns()
    for r in runs:
        t = watch.ending(r["key"], 30, may_be_unseen=True)
        outcomes[t["outcome"]] = outcomes.get(t["outcome"], 0) + 1
        if r in alive:
            assert t["outcome"] == "closed_locally" and "half_open" not in t, (r, t)
            assert all(e["end"] == "recovered" for e in t["episodes"]), (r, t)
            continue
        if was_unseen(watch, t):
            unseen += 1
            continue
        assert t["outcome"] in ("keepalive_timeout", "user_timeout", "retransmit_timeout"), (r, t)
        declared = unix_ns(t["half_open"]["declared_at"]) - offset
        bounds = t["half_open"]["latency_ms"]
        low, high = (declared - r["cut"][1]) / 1e6 - 5, (declared - r["cut"][0]) / 1e6 + 5
        assert low <= bounds["max"], (r, t)
        if bounds["min"] is not None:
            assert bounds["min"] <= bounds["likely_min"] <= bounds["max"], t
            assert bounds["likely_min"] <= high, (r, low, high, t)
    print("outcomes:", outcomes)
    assert unseen <= len(runs) // 20, f"the ends of {unseen} were unseen"
    assert len(alive) >= 30 and len(runs) - len(alive) >= 30, outcomes
    assert not watch.counted_losses()


def test_recovery_after_unanswered_probes(lab):
    watch = lab.watch("--events")
    gateway, device = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 9)
    lab.gateway.drop("input", "tcp dport 7000")
    wait_for_probes(gateway, 4)
    lab.gateway.mend()
    wait_until(lambda: [e for e in watch.events(key, "answered") if e["n"] >= 4], 5, "an answer")
    gateway.close()
    device.close()
    t = watch.ending(key)
    assert t["outcome"] == "closed_locally"
    assert "half_open" not in t
    episode, = t["episodes"]
    assert (episode["kind"], episode["end"]) == ("keepalive", "recovered")
    assert episode["asks"] >= 4
    answer = [e for e in t["events"] if e["event"] == "answered"][0]
    assert answer["n"] == episode["asks"] and answer["rtt_us"] is None


def test_suspect_while_open(lab):
    """--every tells open sockets; one whose asks stay unanswered is suspect."""
    watch = lab.watch("--every", "1s")
    gateway, _ = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 9)
    lab.gateway.drop("input", "tcp dport 7000")
    t = wait_until(lambda: [t for t in watch.of(key) if t["outcome"] == "suspect"], 10,
                   "a suspect")[0]
    assert not t["final"] and "ended_at" not in t
    assert t["episodes"][-1]["end"] == "open"
    revisions = [t["revision"] for t in watch.of(key)]
    assert revisions == sorted(set(revisions))


def test_options_and_their_sources(lab):
    """The options in force are those that getsockopt gives, each with its source."""
    lab.gateway.sysctl(tcp_keepalive_time=40, tcp_keepalive_intvl=5, tcp_keepalive_probes=7)
    watch = lab.watch("--all")
    gateway, device = lab.connect()
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    gateway.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3)
    options = [gateway.getsockopt(socket.IPPROTO_TCP, o) for o in
               (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)]
    key, other = cookie(gateway), cookie(device)
    gateway.close()
    device.close()
    k = watch.ending(key)["keepalive"]
    assert [k["idle_s"], k["interval_s"], k["probes"]] == options == [40, 3, 7]
    assert k["from"] == {"idle": "sysctl", "interval": "socket", "probes": "sysctl"}
    assert k["enabled"] and k["detects_within_s"] == 61
    off = watch.ending(other)["keepalive"]
    assert not off["enabled"] and off["detects_within_s"] is None


def test_first_seen_in_the_middle_of_an_episode(lab):
    gateway, _ = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 1, 1, 12)
    lab.gateway.drop("input", "tcp dport 7000")

    def probed():
        out = subprocess.run(["ip", "netns", "exec", lab.gateway.name, "ss", "-Htno",
                              "sport", "=", ":7000"], capture_output=True, text=True).stdout
        return "timer:(keepalive" in out and any(f",{n})" in out for n in "3456789")
    wait_until(probed, 10, "three unanswered probes, seen by ss")
    watch = lab.watch()
    cut_seen = mono_ns()
    t = watch.ending(key, 30)
    assert t["partial"] and t["outcome"] == "keepalive_timeout"
    episode, = t["episodes"]
    assert episode["asks"] == 12 and episode["end"] == "died"
    declared = unix_ns(t["half_open"]["declared_at"]) - (time.time_ns() - mono_ns())
    assert t["half_open"]["latency_ms"]["likely_min"] * 1e6 > declared - cut_seen
    assert 11_900 < t["half_open"]["latency_ms"]["max"] < 14_500


def test_probe_that_never_left(lab):
    """Local congestion: the timer fires, nothing leaves, the socket never dies of it."""
    if subprocess.run(["ip", "netns", "exec", lab.gateway.name, "tc", "qdisc", "add", "dev",
                       "veth0", "root", "tbf", "rate", "1kbit", "burst", "10", "limit", "1"],
                      capture_output=True).returncode:
        pytest.skip("this kernel has no tbf qdisc to drop probes with")
    subprocess.run(["ip", "netns", "exec", lab.gateway.name, "tc", "qdisc", "del", "dev",
                    "veth0", "root"], check=True)
    watch = lab.watch("--events", f"netns = {lab.gateway.inode}")
    gateway, _ = lab.connect()
    key = cookie(gateway)
    subprocess.run(["ip", "netns", "exec", lab.gateway.name, "tc", "qdisc", "add", "dev",
                    "veth0", "root", "tbf", "rate", "1kbit", "burst", "10", "limit", "1"],
                   check=True)
    before = lab.gateway.nstat("TcpExtTCPKeepAlive")
    keepalive(gateway, 1, 1, 3)
    wait_until(lambda: len(watch.events(key, "probe_failed")) >= 3, 10, "failed probes")
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
    counted = lab.gateway.nstat("TcpExtTCPKeepAlive") - before      # the last: its timer is gone

    def told():
        return len(watch.events(key, "probe_failed", "probe_sent"))
    wait_until(lambda: told() >= counted, 60, f"{counted} probes, as nstat has it")
    assert told() == counted


def test_first_seen_in_the_midst_of_retransmissions(lab):
    """The data went out seconds before the watch began: the kernel knows when, so it is told."""
    lab.gateway.sysctl(tcp_retries2=5)
    capture = lab.capture()
    gateway, _ = lab.connect()
    key = cookie(gateway)
    time.sleep(0.3)
    cut = lab.gateway.drop("input", "tcp dport 7000")
    gateway.send(b"unlock")
    wait_until(lambda: lab.gateway.nstat("TcpRetransSegs") >= 4, 20, "four retransmissions")
    watch = lab.watch()
    t = watch.ending(key, 60)
    assert t["partial"] and t["outcome"] == "retransmit_timeout"
    first = capture.frames("tcp.len == 6 and tcp.srcport == 7000")[0][0]
    h = t["half_open"]
    assert abs(unix_ns(h["first_unanswered_at"]) - first) < 5_000_000
    assert h["first_unanswered_at"] < t["first_seen_at"]
    declared = unix_ns(h["declared_at"]) - (time.time_ns() - mono_ns())
    assert h["latency_ms"]["likely_min"] <= (declared - cut[0]) / 1e6
    assert (declared - cut[1]) / 1e6 <= h["latency_ms"]["max"] + 5
