# SPDX-License-Identifier: GPL-2.0
"""Connections that are no sockets yet: TCP_DEFER_ACCEPT holds a request until the first data come.
ss shows them (state syn-recv), and so it judges how many there are."""
import re
import socket
import subprocess
import time

import pytest

from lab import HALFOPEN, Lab, inside, run, wait_until


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def listen(lab, port, defer, family=socket.AF_INET, backlog=64):
    with inside(lab.gateway.path):
        sock = lab.keep(socket.socket(family, socket.SOCK_STREAM))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, defer)
    sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
    sock.listen(backlog)


def dial(lab, port, family=socket.AF_INET):
    with inside(lab.device.path):
        sock = lab.keep(socket.socket(family, socket.SOCK_STREAM))
    sock.setblocking(False)
    sock.connect_ex(("fd77::1" if family == socket.AF_INET6 else "10.77.0.1", port))
    return sock


def by_ss(lab, expression):
    return len(run("ip", "netns", "exec", lab.gateway.name, "ss", "-Htn", "state", "syn-recv",
                   expression).stdout.splitlines())


def first_line(*arguments):
    return subprocess.run([HALFOPEN, "watch", "--for", "200ms", *arguments], check=True,
                          capture_output=True, text=True).stdout.splitlines()[0]


def told(line):
    found = re.search(r"; ([\d,]+) waits? for (?:its|their) first data \(TCP_DEFER_ACCEPT\)$", line)
    return int(found[1].replace(",", "")) if found else 0


def test_as_many_as_ss_shows(lab):
    # A v6 socket takes IPv4, too, unless it is told not to: then requests are of either family.
    listen(lab, 7001, 60)
    listen(lab, 7002, 60, socket.AF_INET6)
    listen(lab, 7003, 0, backlog=3)     # its queue overflows: those wait for something else
    ours = f"netns = {lab.gateway.inode}"
    assert not told(first_line(ours))
    for _ in range(12):
        dial(lab, 7001)
    for _ in range(3):
        dial(lab, 7002, socket.AF_INET6)
        dial(lab, 7002)
    # These begin while there is room for one in its queue, and their handshakes end when it is full.
    for _ in range(3):
        dial(lab, 7003)
    time.sleep(0.1)
    lab.gateway.drop("input", "tcp dport 7003 tcp flags & (syn | ack) == ack")
    for _ in range(3):
        dial(lab, 7003)
    lab.gateway.mend()
    wait_until(lambda: by_ss(lab, "sport = :7001 or sport = :7002") == 18 and
               by_ss(lab, "sport = :7003") == 2, 10, "requests")
    time.sleep(1.5)     # their SYN-ACK has been repeated, and acknowledged, by then
    for words, expression in (
            ("", "sport = :7001 or sport = :7002"), ("and sport = :7002", "sport = :7002"),
            ("and src 10.77.0.1", "src 10.77.0.1 and ( sport = :7001 or sport = :7002 )"),
            ("and src [fd77::1]:7002", "src [fd77::1]:7002"), ("and state syn-recv",
                                                             "sport = :7001 or sport = :7002"),
            ("and not sport = :7001", "sport = :7002")):
        assert told(first_line(f"{ours} {words}")) == by_ss(lab, expression) > 0, words
    # Whose peers, owners or state are asked for is not known of these, or is another.
    for words in ("and state established", "and dst 10.77.0.2", "and not dst 10.77.0.2",
                  "and dport != :1", "and comm = python3"):
        assert not told(first_line(f"{ours} {words}")), words
    assert not told(first_line(f"netns = {lab.device.inode}"))

    recording = lab.path("recording.ho")
    watch = lab.watch("-w", recording, ours)
    meta, = watch.lines("meta")
    assert meta["waiting_for_data"] == 18
    assert watch.stop() == 0
    assert told(first_line_of_replay(recording)) == 18
    with open(watch.output) as f:
        assert subprocess.run([HALFOPEN, "watch", "--json", "-r", recording], check=True,
                              capture_output=True, text=True).stdout == f.read()


def first_line_of_replay(recording):
    return subprocess.run([HALFOPEN, "watch", "-r", recording], check=True, capture_output=True,
                          text=True).stdout.splitlines()[0]


def test_a_socket_once_the_data_come(lab):
    listen(lab, 7001, 60)
    device, other = dial(lab, 7001), dial(lab, 7001)
    wait_until(lambda: by_ss(lab, "sport = :7001") == 2, 5, "two requests")
    device.send(b"at last")
    wait_until(lambda: by_ss(lab, "sport = :7001") == 1, 5, "one request")
    line = first_line(f"netns = {lab.gateway.inode}")
    assert line.startswith("1 socket in 1 namespace; ") and line.endswith(
        "; 1 waits for its first data (TCP_DEFER_ACCEPT)"), line
    other.close()
