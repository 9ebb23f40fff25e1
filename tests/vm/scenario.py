#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What happens in each test machine: connections of every fate over a path with delay and loss,
halfopen watching, tcpdump and nstat as witnesses. Leaves everything in the directory that it is
given; test_kernels.py judges it outside, where tshark is.

    scenario.py OUT
"""
import contextlib
import fcntl
import itertools
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from lab import (HALFOPEN, Lab, Watch, cookie, keepalive, mono_ns, run, wait_until)  # noqa: E402

Watch.validate = False

PORT = 7000
COUNTERS = ("TcpExtTCPKeepAlive", "TcpExtTCPAbortOnTimeout", "TcpExtTCPWinProbe")
LINGER_0 = struct.pack("ii", 1, 0)


device_ports = itertools.count(20001)


class Case:
    """One connection and what became of it."""

    def __init__(self, lab, fate, family=socket.AF_INET):
        self.fate = fate
        # a port of its own, whatever the family: rules and witnesses tell cases by it
        self.device_port = next(device_ports)
        self.gateway, self.device = lab.connect(family, PORT, self.device_port)
        self.facts = {"fate": fate, "cookie": cookie(self.gateway), "port": self.device_port,
                      "family": "ipv6" if family == socket.AF_INET6 else "ipv4"}

    def note_ending(self, timeout=30):
        """Until the kernel has ended the gateway's side; SO_ERROR is its own word for why."""
        wait_until(lambda: self.gateway.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 7,
                   timeout, f"the end of a socket that is {self.fate}")
        self.facts["so_error"] = self.gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def netem(lab, action, *parameters):
    run("ip", "netns", "exec", lab.device.name, "tc", "qdisc", action, "dev", "veth0", "root",
        "netem", *parameters)


def fill(sock):
    """Writes as much as our own buffer takes now."""
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.send(b"x" * 65536)
    sock.setblocking(True)


def drained(case):
    """The device reads at last; has all of it been acknowledged?"""
    case.device.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while case.device.recv(1 << 20):
            pass
    return fcntl.ioctl(case.gateway, termios.TIOCOUTQ, b"    ") == bytes(4)


def lossy_path(lab):
    """Peers that are there, behind 20 ms and then a loss of every fifth of their segments: no
    false outcome."""
    cases = [Case(lab, "healthy") for _ in range(6)] + \
            [Case(lab, "healthy", socket.AF_INET6) for _ in range(2)]
    for case in cases:
        keepalive(case.gateway, 1, 1, 9)
    time.sleep(2.5)
    netem(lab, "change", "delay", "20ms", "loss", "20%")
    time.sleep(4)
    netem(lab, "change", "delay", "20ms")
    return cases


def fates(lab):
    """Every way to learn that a peer is gone, and two that it is not."""
    cases = [Case(lab, "cut") for _ in range(4)] + \
            [Case(lab, "cut", socket.AF_INET6) for _ in range(2)] + \
            [Case(lab, fate) for fate in ("user_timeout", "user_timeout", "unacknowledged",
                                          "unacknowledged", "rebooted", "rebooted",
                                          "dropped_here", "window_closed",
                                          "closed_by_peer", "closed_locally")]
    by_fate = {}
    for case in cases:
        by_fate.setdefault(case.fate, []).append(case)
        if case.fate == "user_timeout":
            keepalive(case.gateway, 1, 1, 9, 2500)
        else:
            keepalive(case.gateway, 1, 1, 3)
    started = time.monotonic()
    wait_until(lambda: fill(by_fate["window_closed"][0].gateway) or
               lab.gateway.nstat("TcpExtTCPWinProbe"), 20, "probes of a window that nobody opens")
    time.sleep(max(0, started + 2.5 - time.monotonic()))

    cut = [case for fate in ("cut", "user_timeout", "unacknowledged") for case in by_fate[fate]]
    before, after = lab.gateway.drop(
        "input", "tcp sport { " + ", ".join(str(c.device_port) for c in cut) + " }")
    for case in cut:
        case.facts["cut_mono_ns"] = [before, after]
    lab.gateway.drop("output", f"tcp dport {by_fate['dropped_here'][0].device_port}")
    for case in by_fate["unacknowledged"]:
        case.gateway.send(b"are you there?")
    # The device forgets: the reset that would tell of it is lost on its way.
    before, _ = lab.device.drop("output", "tcp flags & rst == rst")
    for case in by_fate["rebooted"]:
        case.device.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        case.device.close()
        case.facts["cut_mono_ns"] = [before, mono_ns()]
    lab.device.mend()
    for case in by_fate["closed_by_peer"]:
        case.device.close()
        case.gateway.recv(1)
        case.gateway.close()
    for case in by_fate["closed_locally"]:
        case.gateway.close()
        case.device.close()
    for fate in ("cut", "user_timeout", "unacknowledged", "rebooted", "dropped_here"):
        for case in by_fate[fate]:
            case.note_ending()
    return cases


def unix_minus_mono_ns():
    """To microseconds: the tightest of a few readings."""
    def read():
        before = mono_ns()
        wall = time.time_ns()
        after = mono_ns()
        return after - before, wall - (before + after) // 2
    return min(read() for _ in range(20))[1]


def step_clock(lab, watch):
    """The machine's clock is nobody else's: it is set, with connections before and after."""
    def connect():
        for s in lab.connect(port=PORT + 1):
            s.close()
    connect()
    offsets, before = [unix_minus_mono_ns()], mono_ns()
    time.clock_settime_ns(time.CLOCK_REALTIME, time.time_ns() + 1234567891234)
    after = mono_ns()
    offsets.append(unix_minus_mono_ns())
    for _ in range(20):
        time.sleep(0.05)
        connect()
    wait_until(lambda: any(l.get("event") == "clock_step" for l in watch.lines()), 10, "the step")
    return {"mono_ns": [before, after], "unix_minus_mono_ns": offsets}


def doctor():
    done = subprocess.run([HALFOPEN, "doctor", "--json"], capture_output=True, text=True)
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr}


def main(out):
    started = time.monotonic()
    facts = {"release": os.uname().release}
    with Lab() as lab:
        # An RTO death within seconds: retransmissions 0.2, 0.4, 0.8 and 1.6 s after each other.
        lab.gateway.sysctl(tcp_retries2=3)
        netem(lab, "add", "delay", "20ms")
        recording = lab.path("recording.ho")
        watch, capture = lab.watch("--events", "--all", "-w", recording), lab.capture()
        before = {name: lab.gateway.nstat(name) for name in COUNTERS}
        cases = lossy_path(lab)
        cases += fates(lab)
        for case in cases:      # so that no probe falls between the readings
            if case.fate == "healthy":
                case.gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
            elif case.fate == "window_closed":
                wait_until(lambda: drained(case), 20, "an empty send queue")
                case.gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
        time.sleep(0.5)
        capture.stop()
        facts["unix_minus_mono_ns"] = unix_minus_mono_ns()
        facts["step"] = step_clock(lab, watch)
        watch.stop()
        facts["capture_dropped"] = capture.dropped
        facts["watch_code"] = watch.process.returncode
        facts["counted"] = {name: lab.gateway.nstat(name) - before[name] for name in COUNTERS}
        facts["gateway_netns"] = lab.gateway.inode
        for name, path in (("watch.jsonl", watch.output), ("watch.err", watch.output + ".err"),
                           ("recording.ho", recording), ("capture.pcap", capture.file)):
            shutil.copy(path, os.path.join(out, name))
    facts["cases"] = [case.facts for case in cases]
    facts["doctor"] = doctor()
    facts["took_s"] = time.monotonic() - started
    with open(os.path.join(out, "facts.json"), "w") as f:
        json.dump(facts, f, indent=1)


if __name__ == "__main__":
    main(sys.argv[1])
