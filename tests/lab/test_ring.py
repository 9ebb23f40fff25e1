# SPDX-License-Identifier: GPL-2.0
"""The size of the ring buffer, which is chosen once, against the sockets that the host has later. The
kernel's own figures judge: /proc/net/sockstat, and what fdinfo says of the map."""
import os
import signal
import socket
import time

import pytest

from lab import Lab, wait_until
from test_order import map_of

# Tens of thousands of sockets.
pytestmark = pytest.mark.alone

EVENT_BYTES, MIB = 240, 1 << 20     # HO_EVENT_MAX


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def sockets_of_host():
    with open("/proc/net/sockstat") as f:
        words = next(line for line in f if line.startswith("TCP:")).split()
    return int(words[words.index("alloc") + 1])


def add_sockets(lab, count):
    """TCP sockets that do nothing, in processes that hold 10,000 each at most."""
    for first in range(0, count, 10000):
        ready, done = os.pipe()
        pid = os.fork()
        if not pid:
            held = [socket.socket() for _ in range(min(10000, count - first))]
            os.write(done, b"%d" % len(held))
            signal.pause()
        lab.cleanup.callback(os.waitpid, pid, 0)
        lab.cleanup.callback(os.kill, pid, signal.SIGKILL)
        assert os.read(ready, 16)
        os.close(ready)
        os.close(done)


def test_a_host_that_outgrows_it(lab):
    watch, by_hand = lab.watch(), lab.watch("--ring", "64KiB")
    of_few = lab.watch(f"netns = {lab.gateway.name}")
    ring = int(map_of(watch.process.pid)["max_entries"])
    if sockets_of_host() * EVENT_BYTES > ring * 0.9:
        pytest.skip("this host has too many sockets of others")

    def warnings(of=watch):
        return [line for line in of.stderr().splitlines() if "ring buffer" in line]
    time.sleep(1.5)
    assert not warnings()
    add_sockets(lab, int(ring * 1.1) // EVENT_BYTES - sockets_of_host())
    wait_until(warnings, 5, "a warning")
    said, = warnings()
    told = int(said.split(" TCP sockets")[0].split()[-1].replace(",", ""))
    assert abs(told - sockets_of_host()) < 500, said
    assert f" {ring // MIB} MiB" in said and f"--ring {2 * ring // MIB}MiB" in said
    # Only when it has doubled since.
    add_sockets(lab, int(ring * 1.8) // EVENT_BYTES - sockets_of_host())
    time.sleep(2.5)
    assert len(warnings()) == 1
    add_sockets(lab, int(ring * 2.1) // EVENT_BYTES - sockets_of_host())
    wait_until(lambda: len(warnings()) == 2, 5, "another warning")
    assert f"--ring {4 * ring // MIB}MiB" in warnings()[1]
    assert f" {told:,} TCP sockets" in said and "may overflow" in said
    assert not warnings(by_hand) and not warnings(of_few)   # few are told of there, however many others there are
    assert watch.stop() == 0 == by_hand.stop() == of_few.stop()
