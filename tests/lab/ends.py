# SPDX-License-Identifier: GPL-2.0
"""What tests of endings share: how a device goes, and what others than halfopen say of the end."""
import os
import signal
import socket
import subprocess
import time

import pytest

from lab import HALFOPEN, inside, mono_ns, tcp_info, unix_ns, wait_until

TCP_REPAIR = 19
ESTABLISHED, SYN_RECV, FIN_WAIT2, CLOSE, CLOSE_WAIT = 1, 3, 5, 7, 8
FAMILIES = pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6],
                                   ids=["ipv4", "ipv6"])
GATEWAY = {socket.AF_INET: "10.77.0.1", socket.AF_INET6: "fd77::1"}
DEVICE = {socket.AF_INET: "10.77.0.2", socket.AF_INET6: "fd77::2"}


def forget(sock):
    """Its kernel loses the connection without a word: TCP_REPAIR closes silently."""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    sock.close()


def state_of(sock):
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def wait_for_state(sock, state, timeout=20):
    wait_until(lambda: state_of(sock) == state, timeout, f"state {state} in tcp_info")


def wait_for_probes(sock, count, timeout=30):
    """Until so many probes in a row are unanswered, by tcp_info; those before a path was cut are none."""
    return wait_until(lambda: (i := tcp_info(sock))["probes"] >= count and i, timeout,
                      f"{count} unanswered probes")


def error_of(sock, timeout=30):
    """What the kernel tells the program, once it has given up."""
    wait_for_state(sock, CLOSE, timeout)
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def monotonic_ns(text):
    """CLOCK_MONOTONIC of an RFC 3339 time of halfopen's."""
    return unix_ns(text) - (time.time_ns() - mono_ns())


def is_told_lost(timeline):
    """Does it say that the path, or the peer, was lost in an idle gap?"""
    return "lost" in timeline.get("gaps", {})


class Text:
    """halfopen watch for people, of this lab's gateway alone, each happening in a line of its own."""

    def __init__(self, lab, *arguments):
        self.file = lab.path(f"text{time.monotonic_ns()}")
        self.process = lab.end_process(subprocess.Popen(
            [HALFOPEN, "watch", "--utc", "-v", *arguments, f"netns = {lab.gateway.inode}"],
            stdout=open(self.file, "w"), stderr=subprocess.DEVNULL), signal.SIGINT)
        wait_until(lambda: os.path.getsize(self.file), 60, "the summary of halfopen watch")

    def lines(self, port=None):
        """What was said, of the peer with this port alone if there is one."""
        with open(self.file) as f:
            return [l.rstrip("\n") for l in f if port is None or f":{port} " in l + " "]

    def line(self, port, word, timeout=15):
        """The line about the peer with this port that has this word."""
        return wait_until(lambda: [l for l in self.lines(port) if word in l], timeout,
                          f"a line with {word} of port {port}")[0]

    def stop(self):
        """Everything it said, the summary at its end included."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0
        return self.lines()


def says_gone(line):
    """Does it claim that the peer was not there any more?"""
    return any(word in line for word in ("gone", "half-open", "dead"))


def tcp_socket(lab, namespace, family=socket.AF_INET, port=0, address=None):
    """A socket inside the namespace, bound, on a port that may have been used just now."""
    with inside(namespace.path):
        sock = lab.keep(socket.socket(family, socket.SOCK_STREAM))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address or ("::" if family == socket.AF_INET6 else "0.0.0.0"), port))
    return sock
