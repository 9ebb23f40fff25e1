# SPDX-License-Identifier: GPL-2.0
"""Many endings of every kind, one on top of the other: each is named, and none `unknown`."""
import collections
import os
import socket
import struct

import pytest

import schema
from lab import Lab, inside, keepalive, wait_until

# HALFOPEN_ENDINGS=100000 takes half a minute on a machine that does nothing else.
ENDINGS = int(os.environ.get("HALFOPEN_ENDINGS", 20000))
PORT = 7300
LINGER_0 = struct.pack("ii", 1, 0)


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def gateway_closes(gateway, device):
    gateway.close()
    device.close()


def device_closes(gateway, device):
    device.close()
    gateway.recv(1)
    gateway.close()


def half_by_half(gateway, device):
    gateway.shutdown(socket.SHUT_WR)
    device.recv(1)
    device.send(b"last words")
    device.close()
    while gateway.recv(64):
        pass
    gateway.close()


def gateway_aborts(gateway, device):
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
    gateway.close()
    device.close()


def device_aborts(gateway, device):
    device.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
    device.close()
    gateway.close()


def gateway_leaves_data_unread(gateway, device):
    device.send(b"report")
    gateway.recv(1, socket.MSG_PEEK)
    gateway.close()
    device.close()


# what happens: (how the gateway's side ends)
WAYS = {
    gateway_closes: "closed_locally", device_closes: "closed_by_peer",
    half_by_half: "closed_locally", gateway_aborts: "aborted_locally",
    device_aborts: "reset_by_peer", gateway_leaves_data_unread: "aborted_locally",
}
# and deaths: (port, what is done before the cut, how it ends)
DEATHS = [
    (PORT + 1, lambda s: keepalive(s, 1, 1, 1), "keepalive_timeout"),
    (PORT + 2, lambda s: keepalive(s, 1, 1, 9, 1500), "user_timeout"),
    (PORT + 3, lambda s: None, "retransmit_timeout"),
]


def connections(lab, port, count):
    listener = lab.listen(port=port)
    for _ in range(count):
        device = socket.socket()
        device.connect(("10.77.0.1", port))
        yield listener.accept()[0], device


def test_none_is_unknown(lab):
    lab.gateway.sysctl(tcp_retries2=2)
    for namespace in (lab.gateway, lab.device):
        namespace.sysctl(tcp_max_tw_buckets=1000, ip_local_port_range="2000 65000",
                         tcp_tw_reuse=1)
    watch = lab.watch("--all", "--ring", "64MiB")
    watch.validate = False      # a hundred thousand of them; some are, below
    expected = collections.Counter()
    dead = []
    deaths = min(ENDINGS // 20, 2500)   # open all at once
    for port, prepare, outcome in DEATHS:
        lab.listen(port=port)
    lab.listen(port=PORT)
    with inside(lab.device.path):
        for port, prepare, outcome in DEATHS:
            for gateway, device in connections(lab, port, deaths):
                prepare(gateway)
                dead.append((gateway, device))
            expected[outcome] += deaths
        ways = list(WAYS)
        for number, (gateway, device) in enumerate(
                connections(lab, PORT, ENDINGS - deaths * len(DEATHS))):
            way = ways[number % len(ways)]
            way(gateway, device)
            expected[WAYS[way]] += 1
    lab.gateway.drop("input", f"tcp dport {{ {PORT + 1}, {PORT + 2}, {PORT + 3} }}")
    for gateway, _ in dead[2 * deaths:]:
        gateway.send(b"unlock")
    for gateway, _ in dead:
        wait_until(lambda: gateway.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 7, 30,
                   "state CLOSE")
    for gateway, device in dead:
        gateway.close()
        device.close()

    def outcomes():
        with open(watch.output) as f:
            return sum('"final":true' in line and '"inode":%d' % lab.gateway.inode in line
                       for line in f)
    try:
        wait_until(lambda: outcomes() >= ENDINGS, 10, "all of them")
    except AssertionError:
        pass    # what is missing is told below
    watch.stop()
    timelines = [t for t in watch.lines("timeline")
                 if t["socket"]["netns"]["inode"] == lab.gateway.inode]
    for line in timelines[:: max(1, len(timelines) // 500)]:
        assert not list(schema.validator("timeline").iter_errors(line))
    said = collections.Counter(t["outcome"] for t in timelines)
    lost = sum(l["count"] for l in watch.lines("loss"))
    print(said, "lost:", lost)
    if lost:    # this host shows some moments to no program; then only those are unknown
        unknown = [t for t in timelines if t["outcome"] == "unknown"]
        assert all("lost" in t["outcome_detail"] for t in unknown), unknown[:1]
        assert not watch.counted_losses()
    else:
        assert said["unknown"] == 0
        assert said == expected
