# SPDX-License-Identifier: GPL-2.0
"""Floods of forged segments against one connection: a bounded number of events, and none of the
others' are lost."""
import os
import random
import socket
import time

import pytest

from forge import segment, sequence_numbers
from lab import Lab, cookie, inside, keepalive, wait_until

# Its load would be seen by other tests at the same time.
pytestmark = pytest.mark.alone

SECONDS = 6


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


FLOODS = {
    "empty probes": lambda port, seq, ack: segment(port, seq - 1, ack, 0x10),
    "probes with garbage": lambda port, seq, ack: segment(port, seq - 1, ack, 0x10, b"\0"),
    "resets beside the mark": lambda port, seq, ack: segment(port, seq + 100, 0, 0x04),
    "resets out of the window": lambda port, seq, ack: segment(port, seq - 10**9, 0, 0x04),
    "old data": lambda port, seq, ack: segment(port, seq - 1000, ack, 0x10, b"x" * 8),
}


def pour(lab, segments):
    """Sends them again and again from the device for a while, in a process of its own; how many."""
    pid = os.fork()
    if not pid:
        sent = 0
        with inside(lab.device.path):
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        raw.connect(("10.77.0.1", 0))
        end = time.monotonic() + SECONDS
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


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_against_one(lab, flood):
    innocent = [lab.connect() for _ in range(20)]
    watch = lab.watch("--all", "--events", f"netns = {lab.gateway.inode}")
    for gateway, _ in innocent:
        keepalive(gateway, 1, 1, 5)
    gateway, device = lab.connect()
    key, port = cookie(gateway), device.getsockname()[1]
    seq, ack = sequence_numbers(device)
    before, cpu_before = time.monotonic(), cpu_of(watch)
    sent = pour(lab, [FLOODS[flood](port, seq, ack)])
    seconds, cpu = time.monotonic() - before, cpu_of(watch)
    innocents = [cookie(g) for g, _ in innocent]
    for pair in innocent:
        for s in pair:
            s.close()
    endings = [watch.ending(k) for k in innocents]
    told = len(watch.of(key, "event"))
    print(f"{flood}: {sent / seconds:.0f} a second, {told} events in {seconds:.1f} s, "
          f"{(cpu - cpu_before) / seconds:.1f} % of a CPU")
    assert sent > 20000
    assert told <= 12 * seconds + 10, f"{told} events of {sent} forged segments"
    assert not watch.counted_losses()
    # The connection lives (a flood of probes is life), and the others' probes were all told.
    assert not [t for t in watch.of(key) if t["final"]]
    for t in endings:
        assert t["counts"]["probes_sent"] >= seconds - 2 and t["counts"]["events_lost"] <= 1, t


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
    syns = [segment(20000 + n, random.getrandbits(32), 0, 0x02) for n in range(4096)]
    before, cpu_before = time.monotonic(), cpu_of(watch)
    sent = pour(lab, syns)
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
