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
import random
import shutil
import socket
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
import segments     # noqa: E402
from forge import MARK, SYN, Forger, every, sequence_numbers, vanish    # noqa: E402
from lab import (HALFOPEN, Lab, Watch, cookie, keepalive, mono_ns, run, tcp_info,   # noqa: E402
                 wait_until)
from router import Router   # noqa: E402

Watch.validate = False

PORT = 7000
SEGMENTS = 400
COUNTERS = ("TcpExtTCPKeepAlive", "TcpExtTCPAbortOnTimeout", "TcpExtTCPWinProbe")
LINGER_0 = struct.pack("ii", 1, 0)
TCP_LINGER2 = 8
ESTABLISHED, FIN_WAIT2, CLOSE, CLOSE_WAIT = 1, 5, 7, 8
PORT_UNREACHABLE = {socket.AF_INET: (3, 3), socket.AF_INET6: (1, 4)}
# What the kernel refuses, sent in the name of a device that is cut off.
REFUSED = {
    "refused_syn": {"seq": 10**6, "flags": SYN},
    "refused_old_ack": {"seq": -10**9},
    "refused_paws": {"age_s": 864000},
}
# Probed after a second of silence: the others are not.
ASKED = ("cut", "unacknowledged", "rebooted", "dropped_here", "window_closed", "closed_by_peer",
         "closed_locally", "goodbye", "goodbye_rebooted", "no_route", *REFUSED)
# A network of its own, so that its route can be taken away.
ELSEWHERE = "10.78.0"


# Far from one another: none looks like the next connection of another's device.
device_ports = itertools.cycle(range(20001, 60000, 97))


class Case:
    """One connection and what became of it."""

    def __init__(self, lab, fate, family=socket.AF_INET, address=None):
        self.lab, self.fate = lab, fate
        # a port of its own, whatever the family: rules and witnesses tell cases by it
        self.device_port = next(device_ports)
        self.gateway, self.device = lab.connect(family, PORT, self.device_port, address)
        self.facts = {"fate": fate, "cookie": cookie(self.gateway), "port": self.device_port,
                      "family": "ipv6" if family == socket.AF_INET6 else "ipv4",
                      "probe_seq": (sequence_numbers(self.device)[1] - 1) % 2**32}

    def wait_for_state(self, state, timeout=30):
        try:
            wait_until(lambda: tcp_info(self.gateway)["state"] == state, timeout,
                       f"state {state} of a socket that is {self.fate}")
        except AssertionError:
            print(tcp_info(self.gateway))
            for namespace in (self.lab.gateway, self.lab.device):
                print(run("ip", "netns", "exec", namespace.name, "sh", "-c",
                          f"ss -Htnaoie 'sport = {self.device_port} or dport = {self.device_port}';"
                          "nft list ruleset; nstat -asz").stdout)
            raise

    def note_ending(self):
        """Until the kernel has ended the gateway's side; SO_ERROR is its own word for why."""
        self.wait_for_state(CLOSE)
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


def ports(cases):
    return "{ " + ", ".join(str(case.device_port) for case in cases) + " }"


def arrived(sock, before):
    """What tcp_info says after the next segment, or the end."""
    info = tcp_info(sock)
    return info if info["segs_in"] > before["segs_in"] or info["state"] != before["state"] else None


class Fates:
    """Every way to learn that a peer is gone, and those in which it is not, or nobody knows."""

    def __init__(self, lab):
        self.lab, self.cases = lab, []
        for host, namespace in ((1, lab.gateway), (2, lab.device)):
            namespace.ip("addr", "add", f"{ELSEWHERE}.{host}/24", "dev", "veth0")
        for fate, count in (("cut", 4), ("user_timeout", 2), ("unacknowledged", 2), ("rebooted", 2)):
            self.add(fate, count)
        for fate in ("cut", "cut", "redialled", "port_unreachable", "goodbye", "refused_paws"):
            self.add(fate, family=socket.AF_INET6)
        for fate in ("dropped_here", "dropped_here_data", "window_closed", "closed_by_peer",
                     "closed_locally", "redialled", "redialled_while_asked", "goodbye",
                     "goodbye_rebooted", "port_unreachable", "talking", *REFUSED):
            self.add(fate)
        for fate in ("no_route", "no_route_data"):
            self.add(fate, address=f"{ELSEWHERE}.1")

    def add(self, fate, count=1, **more):
        self.cases += [Case(self.lab, fate, **more) for _ in range(count)]

    def of(self, *names):
        return [case for case in self.cases if case.fate in names]

    def cut(self, cases, how, *rule):
        """By how(*rule), between two instants."""
        before = mono_ns()
        how(*rule)
        for case in cases:
            case.facts["cut_mono_ns"] = [before, mono_ns()]

    def play(self):
        for case in self.cases:
            if case.fate == "user_timeout":
                keepalive(case.gateway, 1, 1, 9, 2500)
            elif case.fate == "redialled_while_asked":
                keepalive(case.gateway, 1, 1, 9)
            else:
                keepalive(case.gateway, 1 if case.fate in ASKED else 60, 1, 3)
        started = time.monotonic()
        window, = self.of("window_closed")
        wait_until(lambda: fill(window.gateway) or self.lab.gateway.nstat("TcpExtTCPWinProbe"), 20,
                   "probes of a window that nobody opens")
        talking, = self.of("talking")
        talking.gateway.send(b"poll")
        talking.device.recv(16)
        wait_until(lambda: not tcp_info(talking.gateway)["unacked"], 10, "its acknowledgement")
        time.sleep(max(0, started + 2.5 - time.monotonic()))

        self.reboot()
        self.say_goodbye()
        self.close()
        self.cut_off()
        for case in self.of(*REFUSED):
            case.facts["refused"] = []
        with every(0.4, self.speak):
            self.redial()
            for case in self.cases:
                if case.fate not in ("window_closed", "closed_by_peer", "closed_locally"):
                    case.note_ending()
        return self.cases

    def reboot(self):
        """The device forgets: the reset that would tell of it is lost on its way."""
        before, _ = self.lab.device.drop("output", "tcp flags & rst == rst")
        for case in self.of("rebooted"):
            case.device.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
            case.device.close()
            case.facts["cut_mono_ns"] = [before, mono_ns()]
        self.lab.device.mend()

    def say_goodbye(self):
        """And our program leaks the socket."""
        for case in self.of("goodbye", "goodbye_rebooted"):
            case.device.shutdown(socket.SHUT_WR)
            case.wait_for_state(CLOSE_WAIT)
        for case in self.of("goodbye_rebooted"):
            wait_until(lambda: tcp_info(case.device)["state"] == FIN_WAIT2, 10, "FIN_WAIT2")
            vanish(case.device)

    def close(self):
        for case in self.of("closed_by_peer"):
            case.device.close()
            case.gateway.recv(1)
            case.gateway.close()
        for case in self.of("closed_locally"):
            case.gateway.close()
            case.device.close()

    def cut_off(self):
        lab, silent = self.lab, self.of("talking", *REFUSED)
        self.forgers = {case: Forger(lab, case.gateway, case.device) for case in silent}
        self.cut(silent, lab.device.drop, "output", f"meta mark != {MARK} tcp sport {ports(silent)}")
        cut = self.of("cut", "user_timeout", "unacknowledged", "goodbye")
        self.cut(cut, lab.gateway.drop, "input", f"tcp sport {ports(cut)}")
        kept_in = self.of("dropped_here", "dropped_here_data")
        self.cut(kept_in, lab.gateway.drop, "output", f"tcp dport {ports(kept_in)}")
        self.cut(self.of("no_route", "no_route_data"), lab.gateway.ip, "route", "del",
                 f"{ELSEWHERE}.0/24", "dev", "veth0")
        unreachable = self.of("port_unreachable")
        Router(lab, {(case.gateway.family, case.device_port): PORT_UNREACHABLE[case.gateway.family]
                     for case in unreachable})
        self.cut(unreachable, lab.device.drop, "input", f"tcp dport {ports(unreachable)}")
        for case in self.of("unacknowledged", "dropped_here_data", "no_route_data",
                            "port_unreachable", "talking"):
            case.gateway.send(b"are you there?")

    def speak(self, number):
        """In the place of devices that are cut off: what is refused, and what is not."""
        for case, forger in self.forgers.items():
            if case.fate == "talking":
                forger.send(seq=8 * number, payload=b"position")
                continue
            before = tcp_info(case.gateway)
            if before["state"] != ESTABLISHED:
                continue
            forger.send(**REFUSED[case.fate])
            after = wait_until(lambda: arrived(case.gateway, before), 5, "the segment")
            if after["state"] == ESTABLISHED:
                case.facts["refused"].append(not segments.moved(before, after))

    def redial(self):
        """From the ports that they had, some while they are asked in vain."""
        lab, asked = self.lab, self.of("redialled_while_asked")
        lab.device.nft("table inet asleep {\n chain input { type filter hook input priority 0;\n"
                       f"  tcp dport {ports(asked)} drop\n }}\n}}\n")
        self.cut(asked, lambda: [vanish(case.device) for case in asked])
        wait_until(lambda: all(tcp_info(case.gateway)["probes"] >= 2 for case in asked), 10,
                   "two probes, by tcp_info")
        lab.device.nft("delete table inet asleep")
        cases = self.of("redialled")
        self.cut(cases, lambda: [vanish(case.device) for case in cases])
        for case in cases + asked:
            gateway, _ = lab.connect(case.gateway.family, PORT, case.device_port)
            case.facts["next_cookie"] = cookie(gateway)


def busy_windows(lab):
    """Windows that nobody opens, of sockets that the program holds most of the time: the timers
    find them owned."""
    cases = [Case(lab, "busy_window") for _ in range(6)]
    for case in cases:
        keepalive(case.gateway, 60, 1, 3)
    wait_until(lambda: not [c for c in cases if not is_closed(c.gateway)], 20, "closed windows")
    children = [os.fork() for _ in range(2)]
    if not all(children):
        hold([case.gateway for case in cases], 3)
        os._exit(0)
    for child in children:
        os.waitpid(child, 0)
    for case in cases:
        case.gateway.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        case.gateway.close()
    return cases


def is_closed(sock):
    """Nothing is under way, and what we have written waits?"""
    fill(sock)
    info = tcp_info(sock)
    return info["notsent"] and not info["unacked"]


def hold(sockets, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for sock in sockets:
            sock.setsockopt(socket.IPPROTO_TCP, TCP_LINGER2, 60)
            with contextlib.suppress(BlockingIOError):
                sock.send(b"x", socket.MSG_DONTWAIT)


def strangers(out):
    """Random segments, and the kernel's word of each (tests/lab/segments.py), in namespaces of
    their own, where nothing is delayed."""
    seed = random.randrange(2**32)
    crew = [(name, pause) for name in ("idle", "without timestamps", "unread data", "closed window")
            for pause in [segments.HASTY_S] * 12 + [segments.PATIENT_S] * 6]
    with Lab() as lab:
        begun = time.monotonic()
        judged = segments.bombard(lab, crew, SEGMENTS, random.Random(seed))
        with open(os.path.join(out, "segments.json"), "w") as f:
            json.dump({"seed": seed, "judged": judged, "took_s": time.monotonic() - begun}, f)


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


def probe():
    """halfopen probe asks three peers, in a lab of its own: one is there, one cut off, one has forgotten."""
    with Lab() as lab:
        socks = {fate: lab.connect(port=7000 + n) for n, fate in enumerate(("there", "cut", "forgotten"))}
        vanish(socks["forgotten"][1])
        lab.gateway.drop("input", "tcp dport 7001")
        done = subprocess.run([HALFOPEN, "probe", "--json", "--within", "8s", f"netns = {lab.gateway.name}"],
                              capture_output=True, text=True)
        return {"code": done.returncode, "out": done.stdout, "err": done.stderr,
                "cookies": {cookie(gateway): fate for fate, (gateway, _) in socks.items()},
                "asks": lab.gateway.nstat("TcpExtTCPWinProbe"),
                "reuse": [g.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) for g, _ in socks.values()]}


def main(out):
    started = time.monotonic()
    facts = {"release": os.uname().release}
    with Lab() as lab:
        # An RTO death within seconds: retransmissions 0.2, 0.4, 0.8 and 1.6 s after each other.
        lab.gateway.sysctl(tcp_retries2=3)
        netem(lab, "add", "delay", "20ms")
        recording = lab.path("recording.ho")
        # The shortest silence whose end is told, for the strangers; timelines of who is suspect.
        facts["watch"] = ["--events", "--all", "--idle-gap", "1s", "--every", "2s"]
        watch, capture = lab.watch(*facts["watch"], "-w", recording), lab.capture()
        before = {name: lab.gateway.nstat(name) for name in COUNTERS}
        cases = lossy_path(lab)
        cases += Fates(lab).play()
        cases += busy_windows(lab)
        for case in cases:      # so that no probe falls between the readings
            if case.fate == "healthy":
                case.gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
            elif case.fate == "window_closed":
                wait_until(lambda: drained(case), 20, "an empty send queue")
                case.gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
        time.sleep(0.5)
        capture.stop()
        facts["unix_minus_mono_ns"] = unix_minus_mono_ns()
        strangers(out)
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
    facts["probe"] = probe()
    facts["took_s"] = time.monotonic() - started
    with open(os.path.join(out, "facts.json"), "w") as f:
        json.dump(facts, f, indent=1)


if __name__ == "__main__":
    main(sys.argv[1])
