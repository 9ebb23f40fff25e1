# SPDX-License-Identifier: GPL-2.0
"""Floods of forged segments against one connection: a bounded number of events, and none of the
others' are lost."""
import collections
import os
import random
import socket
import time

import pytest

import records
from forge import RST, SILENCED, SYN, Forger, raw_socket, segment
from lab import Lab, cookie, inside, keepalive, mono_ns, tcp_info, wait_until

# Its load would be seen by other tests at the same time.
pytestmark = pytest.mark.alone

SECONDS = 4


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


# Of every kind at most two events a second are told: what arguments of Forger.segment() give.
FLOODS = {
    "empty probes": {"seq": -1},
    "probes with garbage": {"seq": -1, "payload": b"\0"},
    "resets beside the mark": {"seq": 100, "flags": RST},
    "resets out of the window": {"seq": -10**9, "flags": RST},
    "data taken already": {"seq": -1000, "payload": b"x" * 8},
    "old data": {"seq": -10**9, "payload": b"x" * 8},
    "an old ACK": {"seq": -10**9},
    "SYNs": {"flags": SYN},
    "SYNs with other numbers": {"seq": 10**6, "flags": SYN},
    "timestamps ten days old": {"age_s": 864000},
    "data ten days old": {"age_s": 864000, "payload": b"x" * 8},
    "ACKs of what was never sent": {"ack": 1000},
    "data above the window": {"seq": 10**7, "payload": b"x" * 8},
    "no ACK flag": {"flags": 0},
}


def pour(lab, segments, seconds):
    """Sends a segment, or several in turn, again and again from the device for a while, in a
    process of its own; how many."""
    if isinstance(segments, bytes):
        segments = [segments]
    pid = os.fork()
    if not pid:
        sent = 0
        raw = raw_socket(lab)
        raw.connect(("10.77.0.1", 0))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(200):
                try:
                    raw.send(segments[sent % len(segments)])
                    sent += 1
                except OSError:
                    pass
        with open(lab.path("sent"), "w") as f:
            f.write(str(sent))
        os._exit(0)
    os.waitpid(pid, 0)
    return int(open(lab.path("sent")).read())


def cpu_of(watch):
    return sum(float(n) for n in open(f"/proc/{watch.process.pid}/stat").read().split()[13:15])


def facts(path):
    """When each socket's events came out of the kernel's ring, our own probes excepted."""
    of = collections.defaultdict(list)
    for e in records.events(path):
        if e.kind != records.HO_PROBE_SENT:
            of[e.cookie].append(e.mono_ns)
    return of


# Two of them at a time, against a connection each.
PAIRS = [tuple(FLOODS)[n:n + 2] for n in range(0, len(FLOODS), 2)]


@pytest.mark.parametrize("floods", PAIRS, ids=" and ".join)
def test_a_flood_against_one(lab, floods):
    innocent = [lab.connect() for _ in range(20)]
    recording = lab.path("flood.ho")
    watch = lab.watch("--all", "--events", "-w", recording, f"netns = {lab.gateway.inode}")
    for gateway, _ in innocent:
        keepalive(gateway, 1, 1, 5)
    pairs = [lab.connect() for _ in floods]
    keys = [cookie(gateway) for gateway, _ in pairs]
    segments = [Forger(lab, *pair).segment(**FLOODS[flood]) for flood, pair in zip(floods, pairs)]
    before, cpu_before = time.monotonic(), cpu_of(watch)
    sent = pour(lab, segments, SECONDS)
    seconds, cpu = time.monotonic() - before, cpu_of(watch)
    innocents = [cookie(g) for g, _ in innocent]
    for pair in innocent:
        for s in pair:
            s.close()
    endings = [watch.ending(k) for k in innocents]
    told = {flood: len(watch.of(key, "event")) for flood, key in zip(floods, keys)}
    # The connections live (a flood of probes is life), and the others' probes were all told.
    assert not [t for key in keys for t in watch.of(key) if t["final"]]
    assert watch.stop() == 0
    came = {flood: len(facts(recording)[key]) for flood, key in zip(floods, keys)}
    print(f"{sent / seconds:.0f} a second, {told} events told and {came} of the kernel "
          f"in {seconds:.1f} s, {(cpu - cpu_before) / seconds:.1f} % of a CPU")
    assert sent > 20000
    assert max(told.values()) <= 2 * seconds + 5, f"{told} events of {sent} forged segments"
    assert max(came.values()) <= 2 * seconds + 5, f"{came} events of the kernel of {sent} forged segments"
    assert not watch.counted_losses()
    for t in endings:
        assert t["counts"]["probes_sent"] >= seconds - 2 and t["counts"]["events_lost"] <= 1, t


@pytest.mark.parametrize("asked", [False, True], ids=["idle for 10 s", "asked in vain"])
def test_floods_against_a_silent_one(lab, asked):
    """Whoever waits for a sign of life looks at each segment: at those of the flood, too. One after
    another against a connection each."""
    recording = lab.path("flood.ho")
    watch = lab.watch("--all", "--events", "-w", recording, f"netns = {lab.gateway.inode}")
    pairs = {flood: lab.connect() for flood in FLOODS}
    forgers = {flood: Forger(lab, *pair) for flood, pair in pairs.items()}
    keys = {flood: cookie(gateway) for flood, (gateway, _) in pairs.items()}
    if asked:
        lab.device.drop("output", SILENCED)
        for gateway, _ in pairs.values():
            keepalive(gateway, 1, 5, 100)
    wait_until(lambda: all(tcp_info(gateway)["probes"] if asked else
                           min(i["last_ack_recv_ms"], i["last_data_recv_ms"]) > 10_100
                           for gateway, _ in pairs.values() if (i := tcp_info(gateway))), 20,
               "silence, by tcp_info")
    poured = {}
    for flood, what in FLOODS.items():
        begun = mono_ns()
        sent = pour(lab, forgers[flood].segment(**what), 1)
        poured[flood] = sent, begun, mono_ns()
        assert sent > 5000
    assert watch.stop() == 0
    loud, of = {}, facts(recording)
    for flood, (sent, begun, ended) in poured.items():
        came = sum(begun <= at <= ended for at in of[keys[flood]])
        told = [e for e in watch.of(keys[flood], "event") if e["event"] != "probe_sent" and
                begun <= int(e["mono_ns"]) <= ended]
        if max(came, len(told)) > 2 * (ended - begun) / 1e9 + 5:
            loud[flood] = f"{len(told)} told, {came} events of the kernel, {sent} segments"
    assert not loud, loud
    assert not watch.counted_losses()


def test_a_million_connects_a_minute(lab):
    """As many as this machine makes: nothing is lost, and memory stays where it was."""
    watch = lab.watch(f"netns = {lab.gateway.inode}")

    def resident():
        with open(f"/proc/{watch.process.pid}/status") as f:
            return int(next(l for l in f if l.startswith("VmRSS")).split()[1])
    from test_losses import churn
    start = time.monotonic()
    children = [churn(lab, 7200 + n, 15000) for n in range(2)]
    time.sleep(0.5)
    early = resident()
    for pid in children:
        os.waitpid(pid, 0)
    seconds = time.monotonic() - start
    print(f"30000 connects in {seconds:.1f} s ({30000 * 60 / seconds:.0f} a minute), resident "
          f"{early} then {resident()} KiB")
    # A ring of arrivals (7 MB), and what waits a tenth of a second to be put in order.
    assert resident() < early + 16384
    assert not watch.counted_losses() or \
        {l["reason"] for l in watch.counted_losses()} == {"recursion"}


def test_a_storm_of_syns(lab):
    """Thousands of ports ask for connections, and the device's kernel resets each answer: nothing
    comes of it, and so nothing is told."""
    gateway, _ = lab.connect()
    watch = lab.watch("--all", "--events", f"netns = {lab.gateway.inode}")
    keepalive(gateway, 1, 1, 5)
    syns = [segment(20000 + n, random.getrandbits(32), 0, SYN) for n in range(4096)]
    before, cpu_before = time.monotonic(), cpu_of(watch)
    sent = pour(lab, syns, SECONDS)
    seconds, cpu = time.monotonic() - before, cpu_of(watch)
    others = [l for l in watch.lines() if "socket" in l and l["socket"]["cookie"] != cookie(gateway)]
    print(f"{sent / seconds:.0f} SYNs a second, {len(others)} lines of others, "
          f"{(cpu - cpu_before) / seconds:.1f} % of a CPU")
    assert sent > 20000 and not others and not watch.counted_losses()
    assert (cpu - cpu_before) / seconds < 10
    key = cookie(gateway)
    gateway.close()
    assert watch.ending(key)["counts"]["probes_sent"] >= seconds - 2


def test_a_crowd_behind_one_address(lab):
    """A proxy's connections, all from one address: who supersedes whom cannot be told, and asking
    each pair would take a gigabyte."""
    watch = lab.watch(f"netns = {lab.gateway.inode}")
    listener = lab.listen(port=7100)
    listener.listen(1024)
    crowd = []
    with inside(lab.device.path):
        for _ in range(6000):
            device = socket.create_connection(("10.77.0.1", 7100))
            crowd += [device, listener.accept()[0]]
    time.sleep(3)
    with open(f"/proc/{watch.process.pid}/status") as f:
        peak = int(next(l for l in f if l.startswith("VmHWM")).split()[1])
    for s in crowd:
        s.close()
    assert watch.stop() == 0
    print(f"6000 connections from one address: resident at most {peak} KiB")
    assert peak < 81920
