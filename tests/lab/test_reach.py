# SPDX-License-Identifier: GPL-2.0
"""halfopen reach: can a peer hear a command now? What is true is known by the lab: whose segments the router
lets pass (its own sets), and which sockets the kernel still has (ss)."""
import contextlib
import fcntl
import heapq
import itertools
import json
import os
import random
import re
import resource
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest

import forge
import schema
from fleet import PORT, WORD, Middlebox
from lab import HALFOPEN, Lab, cookie, run, tcp_info, wait_or_kill, wait_until
from nat import SHARED


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def reach(*arguments, code=None, timeout=120, **keywords):
    r = subprocess.run([HALFOPEN, "reach", *arguments], capture_output=True, text=True, timeout=timeout, **keywords)
    assert code is None or r.returncode == code, (r.returncode, r.stdout, r.stderr)
    return r


def answers(*arguments, code=None):
    """The lines of --json; each is valid, and counted."""
    r = reach("--json", *arguments, code=code)
    lines = [json.loads(line) for line in r.stdout.splitlines()]
    for number, line in enumerate(lines):
        errors = list(schema.validator("reach").iter_errors(line))
        assert not errors, (errors[0].message, line)
        assert line["seq"] == number
    return lines


def here(lab):
    return "--filter", f"netns = {lab.gateway.name}"


def port_of(sock):
    return sock.getsockname()[1]


def old(lab, *pairs):
    """Until all were silent for more than a second."""
    def silent():
        return all(min(tcp_info(g)["last_data_recv_ms"], tcp_info(g)["last_ack_recv_ms"]) > 1100 for g, _ in pairs)
    wait_until(silent, 30, "a silence")


# ---- one peer ----

def test_a_peer_that_is_asked_and_answers(lab):
    gateway, device = lab.connect()
    old(lab, (gateway, device))
    sent, received = tcp_info(gateway)["segs_out"], tcp_info(gateway)["segs_in"]
    line, = answers(f"10.77.0.2:{port_of(device)}", *here(lab), code=0)
    assert line["answer"] == "reachable" and line["socket"]["cookie"] == cookie(gateway)
    assert line["target"] == f"10.77.0.2:{port_of(device)}" and 0 < line["rtt_us"] < 2e6
    assert line["heard_s"] > 1 and line["left_changed"] == [] and line["asks"] >= 1
    # the kernel's own counts: so many segments out, one in
    assert tcp_info(gateway)["segs_out"] >= sent + line["asks"]
    assert tcp_info(gateway)["segs_in"] > received
    # without a history, nothing is known of how likely it was
    assert line["probability"] is None and "history" in line["probability_why"]


def test_a_peer_that_was_just_heard_is_not_asked(lab):
    gateway, device = lab.connect()
    device.send(b"here")
    wait_until(lambda: tcp_info(gateway)["data_segs_in"], 20, "its data")
    sent = tcp_info(gateway)["segs_out"]
    line, = answers(f"10.77.0.2:{port_of(device)}", "--fresh", "1h", *here(lab), code=0)
    assert line["answer"] == "reachable" and "asks" not in line and "rtt_us" not in line
    assert line["heard_s"] < 60 and tcp_info(gateway)["segs_out"] == sent
    line, = answers(f"10.77.0.2:{port_of(device)}", "--fresh", "0s", *here(lab), code=0)
    assert line["answer"] == "reachable" and line["asks"] >= 1


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_silent_peer(lab, family):
    gateway, device = lab.connect(family)
    old(lab, (gateway, device))
    lab.device.drop("input", "tcp sport 7000")
    address = "10.77.0.2" if family == socket.AF_INET else "[fd77::2]"
    began = time.monotonic()
    line, = answers(f"{address}:{port_of(device)}", "--within", "1500ms", *here(lab), code=3)
    assert line["answer"] == "silent" and line["asks"] == 2 and line["within_s"] == 1.5
    assert time.monotonic() - began >= 1.5
    text = reach(f"{address}:{port_of(device)}", "--within", "1s", "--asks", "1", *here(lab), code=3).stdout
    assert re.fullmatch(r"silent +\S+ on :7000 \(\S+\) in \S+: asked once, no answer within 1s; "
                        r"last heard \S+ ago\n", text), text
    lab.device.mend()
    answers(f"{address}:{port_of(device)}", *here(lab), code=0)


@pytest.mark.parametrize("flags", ["ack", "syn"])
def test_a_stranger_speaks_in_the_name_of_a_dead_peer(lab, flags):
    """Who knows only the addresses: the kernel answers such a segment, and takes it for no sign of life."""
    gateway, device = lab.connect()
    old(lab, (gateway, device))
    lab.device.drop("input", "tcp sport 7000")
    raw, before = forge.raw_socket(lab), tcp_info(gateway)
    for _ in range(3):
        seq, ack = (random.getrandbits(32) for _ in range(2))
        made = forge.segment(port_of(device), seq, ack if flags == "ack" else 0,
                             forge.ACK if flags == "ack" else forge.SYN)
        raw.sendto(made, ("10.77.0.1", 0))
        time.sleep(0.2)
    assert tcp_info(gateway)["last_ack_recv_ms"] > before["last_ack_recv_ms"]
    assert tcp_info(gateway)["segs_in"] > before["segs_in"]
    line, = answers(f"10.77.0.2:{port_of(device)}", "--fresh", "1h", "--within", "1s", *here(lab), code=3)
    assert line["answer"] == "silent" and line["asks"] >= 1


def test_a_peer_that_forgot(lab):
    """Its host knows the connection no more, and resets it: silent, and not by a lack of an answer."""
    gateway, device = lab.connect()
    old(lab, (gateway, device))
    device.setsockopt(socket.IPPROTO_TCP, 19, 1)    # TCP_REPAIR
    device.close()
    line, = answers(f"10.77.0.2:{port_of_peer(gateway)}", *here(lab), code=3)
    assert line["answer"] == "silent" and line["reset"] is True


def port_of_peer(sock):
    return sock.getpeername()[1]


def test_nobody_and_who_cannot_be_asked(lab):
    gateway, device = lab.connect()
    line, = answers("192.0.2.77", *here(lab), code=5)
    assert line["answer"] == "unknown" and line["why"] == "no such connection" and "socket" not in line
    assert line["last_heard_at"] is None and line["probability"] is None
    device.shutdown(socket.SHUT_WR)
    wait_until(lambda: tcp_info(gateway)["state"] == 8, 20, "CLOSE_WAIT")
    line, = answers(f"10.77.0.2:{port_of(device)}", "--fresh", "1h", *here(lab), code=5)
    assert line["answer"] == "unknown" and "closing" in line["why"] and line["socket"]["cookie"] == cookie(gateway)
    text = reach("192.0.2.77", code=5).stdout
    assert text == "unknown    192.0.2.77: no such connection\n"


def test_several_peers_and_connections(lab):
    """Each has its lines, in order; the worst decides, and of one peer the best."""
    pairs = [lab.connect(port=7000 + n) for n in range(3)]
    lab.device.drop("input", "tcp sport 7001")
    old(lab, *pairs)
    pairs[2][1].send(b"here")
    wait_until(lambda: tcp_info(pairs[2][0])["data_segs_in"], 20, "its data")
    # one of its connections is dead: it can hear a command
    lines = answers("10.77.0.2", "--within", "1s", *here(lab), code=0)
    heard = [l["heard_s"] for l in lines]
    assert heard == sorted(heard) and lines[0]["socket"]["local"]["port"] == 7002, lines    # heard last
    by = {l["socket"]["local"]["port"]: l["heard_s"] for l in lines}
    # by the kernel's own clocks, between any two of them: they are looked at one after the other, and as of one moment
    since = {port: tcp_info(pairs[port - 7000][0])["last_data_recv_ms"] / 1000 for port in by}
    assert abs(by[7001] - by[7002] - (since[7001] - since[7002])) < 0.05, (by, since)
    assert {l["socket"]["local"]["port"]: l["answer"] for l in lines} == {
        7000: "reachable", 7001: "silent", 7002: "reachable"}
    both = f"10.77.0.2:{port_of(pairs[1][1])}", f"10.77.0.2:{port_of(pairs[0][1])}"
    lines = answers(*both, "--within", "1s", *here(lab), code=3)
    assert [(l["target"], l["answer"]) for l in lines] == list(zip(both, ("silent", "reachable")))
    answers(both[0], "192.0.2.77", "--within", "1s", *here(lab), code=3)
    answers(both[1], "192.0.2.77", *here(lab), code=5)
    answers("10.77.0.2", "--within", "1s", "--filter", f"netns = {lab.gateway.name} and sport = :7001", code=3)


def test_devices_by_name(lab):
    pairs = [lab.connect() for _ in range(2)]
    with open(lab.path("devices"), "w") as f:
        for n, (_, device) in enumerate(pairs):
            f.write(json.dumps({"peer": f"10.77.0.2:{port_of(device)}", "device": f"scooter-{17 + n}"}) + "\n")
    arguments = ("--identities", lab.path("devices"), *here(lab))
    line, = answers("scooter-18", *arguments, code=0)
    assert line["socket"]["cookie"] == cookie(pairs[1][0]) and line["socket"]["device"] == "scooter-18"
    # by its name and its address at once, it is asked once
    old(lab, *pairs)
    sent = tcp_info(pairs[1][0])["segs_out"]
    lines = answers("scooter-18", f"10.77.0.2:{port_of(pairs[1][1])}", *arguments, code=0)
    assert [l["target"] for l in lines] == ["scooter-18", f"10.77.0.2:{port_of(pairs[1][1])}"]
    assert lines[0]["rtt_us"] == lines[1]["rtt_us"] and tcp_info(pairs[1][0])["segs_out"] == sent + lines[0]["asks"]
    line, = answers("scooter-99", *arguments, code=5)
    assert line["why"] == "no such connection"
    assert " scooter-17 on :7000" in reach("scooter-17", *arguments, code=0).stdout
    done = subprocess.run(f"{HALFOPEN} reach scooter-17 --identities {lab.path('devices')} --filter "
                          f"'netns = {lab.gateway.name}' >/dev/null && echo sent", shell=True, text=True,
                          capture_output=True)
    assert done.stdout == "sent\n", done.stderr


def test_bad_arguments(lab):
    for arguments, words in (((), "PEER is missing"), (("scooter-17",), "--identities"),
                             (("10.0.0.1:99999",), "ADDRESS:PORT"), (("10.0.0.1", "--within", "0s"), "1ms"),
                             (("10.0.0.1", "--asks", "0"), "1 to 10"), (("10.0.0.1", "--filter", "sport ="), "sport"),
                             (("10.0.0.1", "--groups", "x"), "--history"),
                             (("10.0.0.1", "--history", lab.path("none")), "none"),
                             (("x", "--identities", lab.path("none")), "none")):
        r = reach(*arguments, code=2)
        assert words in r.stderr and r.stdout == "", r.stderr
    with open(lab.path("empty"), "w") as f:
        f.write("")
    assert "it is empty" in reach("10.0.0.1", "--history", lab.path("empty"), code=2).stderr
    with open(lab.path("log"), "w") as f:
        f.write("a log\n")
    assert "expected" in reach("10.0.0.1", "--history", lab.path("log"), code=2).stderr


def test_without_capabilities():
    r = subprocess.run(["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--reuid", "65534", "--regid",
                        "65534", "--clear-groups", HALFOPEN, "reach", "10.0.0.1"], capture_output=True, text=True)
    assert r.returncode == 77 and "CAP_" in r.stderr and r.stdout == ""


def test_it_can_be_interrupted(lab):
    """What is known by then is told; the rest is unknown."""
    gateway, device = lab.connect()
    old(lab, (gateway, device))
    lab.device.drop("input", "tcp sport 7000")
    sent = tcp_info(gateway)["segs_out"]
    process = subprocess.Popen([HALFOPEN, "reach", "--json", f"10.77.0.2:{port_of(device)}", "--within", "1h", *here(lab)],
                               stdout=subprocess.PIPE, text=True)
    lab.end_process(process)
    wait_until(lambda: tcp_info(gateway)["segs_out"] > sent, 60, "the ask")
    process.send_signal(signal.SIGINT)
    assert wait_or_kill(process) == 5
    line = json.loads(process.stdout.read())
    assert line["answer"] == "unknown" and "interrupted" in line["why"]


def test_a_peer_that_takes_nothing(lab):
    """Its window is closed: it answers, and a command would wait behind what waits already (by SIOCOUTQNSD)."""
    gateway, device = lab.connect()
    gateway.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            gateway.send(b"x" * 65536)

    def unsent():
        return struct.unpack("i", fcntl.ioctl(gateway, 0x894B, bytes(4)))[0]     # SIOCOUTQNSD

    wait_until(lambda: unsent() and tcp_info(gateway)["unacked"] == 0, 20, "a closed window")
    # a window below a segment is not closed, and filled by the persist timer
    line = wait_until(lambda: next((l for l in answers(f"10.77.0.2:{port_of(device)}", "--fresh", "0s", *here(lab), code=0)
                                    if "window_closed" in l), None), 60, "a closed window")
    assert line["answer"] == "reachable" and line["window_closed"] is True and line["unsent_bytes"] == unsent(), line
    text = reach(f"10.77.0.2:{port_of(device)}", *here(lab), code=0).stdout
    assert text.endswith(f"; but its window is closed: {unsent():,} bytes of ours wait\n"), text


def on_a_terminal(columns, *arguments):
    """What it shows there, a line each."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([HALFOPEN, "reach", *arguments], stdout=slave, stderr=subprocess.PIPE)
    os.close(slave)
    said = b""
    with contextlib.suppress(OSError):      # EIO: it has ended
        while chunk := os.read(master, 4096):
            said += chunk
    os.close(master)
    process.communicate(timeout=60)
    return said.decode().replace("\r\n", "\n").splitlines()


def test_lines_fit_a_terminal(lab):
    """Broken at blanks, answer, device and silence first; whole in a file."""
    pairs = [lab.connect(family) for family in (socket.AF_INET6, socket.AF_INET)]
    with open(lab.path("devices"), "w") as f:
        f.write(json.dumps({"peer": f"[fd77::2]:{port_of(pairs[0][1])}", "device": "scooter-17"}) + "\n")
    old(lab, *pairs)
    lab.device.drop("input", "tcp sport 7000")
    arguments = ("scooter-17", f"10.77.0.2:{port_of(pairs[1][1])}", "--identities", lab.path("devices"), "--within",
                 "200ms", *here(lab))
    for columns in (60, 80, 100):
        lines = on_a_terminal(columns, *arguments)
        assert max(map(len, lines)) <= columns, lines
        assert re.match(r"silent     scooter-17, last heard \S+ ago", lines[0]), lines
        assert {len(l) - len(l.lstrip()) for l in lines} == {0, 11}, lines
    assert len(reach(*arguments, code=3).stdout.splitlines()) == 2
    assert len(on_a_terminal(400, *arguments)) == 2


# ---- a thousand behind two carriers ----

DEVICES, CUT = 1000, 137
TIMERS = 6, 20      # seconds, of the two carriers
HISTORY_S = 30
ONLINE_S = 600 * TIMERS[0] / 900    # ten minutes, where a carrier's quarter of an hour is six seconds


class Carriers:
    """Devices behind one of two carriers by their number; a third speak by themselves, the others are asked
    at random ages."""

    def __init__(self):
        self.middlebox = Middlebox({"timer_s": TIMERS, "data_only": False, "resets_late_ask": False,
                                    "changes_after": 0, "from_one_address": True, "devices": DEVICES})
        self.lab, self.rng = self.middlebox.lab, random.Random(os.getpid())
        self.plan, self.order = [], itertools.count()
        self.pairs, self.cut = [], set()

    def begin(self):
        self.middlebox.begin()
        self.lab.router.nft("flush chain ip carrier nat\nadd rule ip carrier nat oifname up0 snat to ip saddr & "
                            f"0.0.0.1 map {{ 0.0.0.0 : {SHARED}1, 0.0.0.1 : {SHARED}2 }}\n")
        self.lab.router.nft("table ip cut {\n set cut { type ipv4_addr; }\n"
                            " chain forward { type filter hook forward priority 20;\n"
                            "  ip saddr @cut drop\n  ip daddr @cut drop\n }\n}\n")
        self.lab.listen(port=PORT)
        for number in range(DEVICES):
            self.pairs.append(self.lab.dial(number, port=PORT))
            for sock in self.pairs[-1]:
                sock.setblocking(False)
        now = time.monotonic()
        for number in range(DEVICES):
            self.at(now + self.pause(number), number)
        for number in self.rng.sample(range(DEVICES), CUT):
            self.at(now + self.rng.uniform(0, HISTORY_S), number, cut=True)

    def at(self, when, number, cut=False):
        heapq.heappush(self.plan, (when, next(self.order), number, cut))

    def pause(self, number):
        if number % 3 == 0:     # every three seconds, more or less: this process may be late itself
            return 3 * self.rng.uniform(0.7, 1.3)
        return 1.2 * 12 ** self.rng.random()

    def play(self, until):
        while not until():
            when, _, number, cut = heapq.heappop(self.plan)
            time.sleep(max(0, when - time.monotonic()))
            if cut:
                self.cut.add(number)
                self.lab.router.nft(f"add element ip cut cut {{ {self.lab.address(number)} }}")
            else:
                self.speak(number)

    def speak(self, number):
        """The device, if it speaks by itself, else its server."""
        gateway, device = self.pairs[number]
        try:
            (device if number % 3 == 0 else gateway).send(WORD)
        except OSError:
            return      # it was found dead
        self.at(time.monotonic() + self.pause(number), number)

    def finish(self, process):
        """Its lines. The devices go on meanwhile."""
        said = []
        taking = threading.Thread(target=lambda: said.extend(process.communicate()[0].splitlines()))
        taking.start()
        self.play(lambda: not taking.is_alive())
        assert process.returncode in (0, 3, 5), process.returncode
        return said

    def run(self, *arguments):
        return self.finish(subprocess.Popen([HALFOPEN, *arguments], stdout=subprocess.PIPE, text=True))

    def remembered(self):
        """The ends of those that the router has in its sets."""
        found = set()
        for name in self.middlebox.sets:
            said = run("ip", "netns", "exec", self.lab.router.name, "nft", "-j", "list", "set", "ip", "timers", name)
            for o in json.loads(said.stdout)["nftables"]:
                for e in o.get("set", {}).get("elem", ()):
                    found.add(tuple(e["elem"]["val"]["concat"]))
        return found

    def there(self, remembered):
        return {number for number, (_, device) in enumerate(self.pairs)
                if device.getsockname() in remembered and number not in self.cut}

    def freeze(self):
        """From now on whoever is remembered stays so, whoever is not does not, and nobody is cut. Returns the
        devices whose segments pass."""
        self.plan = [entry for entry in self.plan if not entry[3]]
        heapq.heapify(self.plan)
        remembered = self.remembered()
        each = ", ".join(f"{address} . {port}" for address, port in remembered)
        self.lab.router.nft(
            "flush chain ip timers forward\nadd set ip timers frozen { type ipv4_addr . inet_service; }\n"
            f"add element ip timers frozen {{ {each} }}\n"
            "add rule ip timers forward iifname down0 ip saddr . tcp sport != @frozen drop\n"
            "add rule ip timers forward iifname up0 ip daddr . tcp dport != @frozen drop\n")
        return self.there(remembered)


def targets(carriers):
    """PEERs of the connections that the kernel still has -> numbers of their devices."""
    names = {}
    for number, (gateway, _) in enumerate(carriers.pairs):
        with contextlib.suppress(OSError):      # it was found dead, and ended
            names["%s:%d" % gateway.getpeername()] = number
    return names


class Fed:
    """halfopen VERB --history -, which has read all of it, and looks at sockets once finish() lets it."""

    def __init__(self, carriers, history, verb, *arguments):
        self.carriers = carriers
        self.process = subprocess.Popen([HALFOPEN, verb, "--json", "--history", "-", "--groups",
                                         carriers.lab.path("carriers"), *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        carriers.lab.end_process(self.process)
        with open(history, "rb") as f:
            feeding = threading.Thread(target=lambda: self.process.stdin.write(f.read()))
            feeding.start()
            carriers.play(lambda: not feeding.is_alive())
            feeding.join()

    def finish(self):
        return [json.loads(line) for line in self.carriers.finish(self.process)]


class Played:
    """lines of reach by device's number, as `there` were; those of sockets, between two such moments."""

    def __init__(self, carriers):
        self.carriers = carriers


@pytest.fixture(scope="module")
def played():
    resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
    carriers = Carriers()
    with carriers.lab as lab:
        history = lab.path("history.jsonl")
        with open(lab.path("carriers"), "w") as f:
            f.write(f"{SHARED}1/32 carrier-a\n{SHARED}2/32 carrier-b\n")
        watch = subprocess.Popen([HALFOPEN, "watch", "--json", "--all", "--idle-gap", "1s", "-o", history,
                                  f"netns = {lab.gateway.name}"], stderr=subprocess.DEVNULL)
        lab.end_process(watch)
        wait_until(lambda: os.path.exists(history) and os.path.getsize(history), 60, "the watch")
        carriers.begin()
        end = time.monotonic() + HISTORY_S
        carriers.play(lambda: time.monotonic() > end)
        watch.send_signal(signal.SIGINT)
        carriers.play(lambda: watch.poll() is not None)
        assert watch.returncode == 0
        played = Played(carriers)
        listed = Fed(carriers, history, "sockets", f"netns = {lab.gateway.name}")
        played.there_before = carriers.there(carriers.remembered())
        played.listed = listed.finish()
        played.there_after = carriers.there(carriers.remembered())
        played.open_then = set(targets(carriers).values())
        counted = "sockets", "--summary", "--history", history, f"netns = {lab.gateway.name}"
        played.summary, = carriers.run(*counted, "--json")
        played.list = carriers.run("sockets", "--history", history, "--sort", "dead", "-n", "20",
                                   f"netns = {lab.gateway.name}")
        played.text = "\n".join(carriers.run(*counted, "--groups", lab.path("carriers")))
        names = targets(carriers)
        asked = Fed(carriers, history, "reach", *names, "--within", "8s", "--fresh", "0s", *here(lab))
        played.there = carriers.freeze()
        played.lines = {names[l["target"]]: l for l in asked.finish()}
        played.open = set(names.values())
        yield played


@pytest.mark.quiet      # a thousand connections whose devices speak at times that matter
def test_every_answer_is_true(played):
    lines, there, carriers = played.lines, played.there, played.carriers
    assert set(lines) == played.open and len(carriers.cut) > CUT * 0.9
    counts = {"reachable": 0, "silent": 0, "unknown": 0}
    for number, line in lines.items():
        counts[line["answer"]] += 1
        if line["answer"] == "unknown":     # its own timer ended it meanwhile
            assert number not in there, line
        else:
            assert (line["answer"] == "reachable") == (number in there), (number, line)
    print(counts, len(carriers.cut), "cut")
    assert counts["reachable"] > 100 and counts["silent"] > 15, counts


def brier(chances):
    return sum((p - t) ** 2 for p, t in chances) / len(chances)


@pytest.mark.quiet      # a thousand connections whose devices speak at times that matter
def test_how_likely_they_are_there(played):
    """By Brier's score, of what was known before they were asked: better than the base rate, which nobody knows
    beforehand, and than whom was heard within ten minutes."""
    lines, there = played.lines, played.there
    known = [(l["probability_before"], number in there, l["heard_s"]) for number, l in lines.items()
             if l["probability_before"] is not None]
    assert len(known) > 0.9 * len(lines)
    share = sum(t for _, t, _ in known) / len(known)
    ours = brier([(p, t) for p, t, _ in known])
    base, online = share * (1 - share), brier([(heard_s < ONLINE_S, t) for _, t, heard_s in known])
    print(f"{len(known)} of {len(lines)}, {share:.0%} there: {ours:.4f}, base rate {base:.4f}, last ten minutes "
          f"{online:.4f}")
    assert ours < base and ours < online
    # and once they were asked, little is left open
    assert brier([(l["probability"], number in there) for number, l in lines.items()
                  if l["probability"] is not None]) < ours


@pytest.mark.quiet      # a thousand connections whose devices speak at times that matter
def test_how_many_are_dead(played):
    """By sockets --history, which asks nobody: whoever is surely dead is forgotten by the router, and as many as it
    estimates are gone, of those whose carriers the history knows."""
    numbers = {"%s:%d" % sock.getpeername(): number for number, (sock, _) in enumerate(played.carriers.pairs)
               if is_connected(sock)}
    listed = {numbers.get("%s:%d" % (l["socket"]["peer"]["address"], l["socket"]["peer"]["port"])): l
              for l in played.listed}
    listed.pop(None, None)      # they have ended since
    assert all("ended_at" not in l for l in listed.values())
    for line in listed.values():
        errors = list(schema.validator("socket").iter_errors(line))
        assert not errors, (errors[0].message, line)
    known = {number: l["dead_probability"] for number, l in listed.items() if l["dead_probability"] is not None}
    assert len(known) > 0.9 * len(listed)
    surely = {number for number, p in known.items() if p == 1}
    assert surely and not surely & played.there_after, surely & played.there_after
    gone = [sum(number not in there for number in known) for there in (played.there_before, played.there_after)]
    estimate = sum(known.values())
    print(f"{len(listed)} listed, {len(surely)} surely dead, about {estimate:.0f}; gone {gone}")
    assert gone[0] / 2 - 15 < estimate < 2 * gone[1] + 25
    share = gone[1] / len(known)
    assert brier([(1 - p, number in played.there_after) for number, p in known.items()]) < share * (1 - share)


@pytest.mark.quiet      # a thousand connections whose devices speak at times that matter
def test_how_many_are_dead_in_the_summary(played):
    """The same, counted."""
    said = json.loads(played.summary)
    errors = list(schema.validator("summary").iter_errors(said))
    assert not errors, errors[0].message
    dead = said["total"]["estimated_dead"]
    assert 0 < dead["of"] <= said["total"]["sockets"]
    assert 0 <= dead["low"] <= dead["estimate"] <= dead["high"] <= dead["of"]
    gone = len(played.open_then - played.there_after)
    print(f"{dead}, {gone} gone")
    assert gone / 2 - 15 < dead["estimate"] < 2 * gone + 25
    print(played.text)
    assert re.search(r"^about [\d,]+ dead by the history, between [\d,]+ and [\d,]+, of [\d,]+", played.text,
                     re.MULTILINE)
    assert re.search(r"^[\d,]+ surely dead: silent for longer than their path remembers", played.text, re.MULTILINE)
    head, *lines = played.list
    at = head.split().index("DEAD")
    assert len(lines) == 20 and {l.split()[at] for l in lines} <= {"100%", ">99%"}, played.list
    # by carrier, whose devices are forgotten after six seconds or twenty
    assert re.search(r" carrier-a +\d+ ", played.text) and re.search(r" carrier-b +\d+ ", played.text)


def is_connected(sock):
    with contextlib.suppress(OSError):
        return bool(sock.getpeername())
    return False


# ---- where nothing is known ----

def test_a_history_that_says_nothing(lab):
    """Of other networks, or too little: null, and why."""
    gateway, device = lab.connect()
    watch = lab.watch("--all", f"netns = {lab.gateway.name}")
    old(lab, (gateway, device))
    watch.stop()
    line, = answers(f"10.77.0.2:{port_of(device)}", "--history", watch.output, *here(lab), code=0)
    assert line["probability"] is None and "too few" in line["probability_why"]
    r = reach(f"10.77.0.2:{port_of(device)}", "--history", watch.output, *here(lab), code=0)
    assert "how likely it is there is not known: too few" in r.stderr, r.stderr
    r = subprocess.run([HALFOPEN, "sockets", "--json", "--history", watch.output, f"netns = {lab.gateway.name}"],
                       capture_output=True, text=True, check=True)
    line, = map(json.loads, r.stdout.splitlines())
    assert line["dead_probability"] is None and "too few" in line["why"]
    r = subprocess.run([HALFOPEN, "sockets", "--summary", "--history", watch.output, f"netns = {lab.gateway.name}"],
                       capture_output=True, text=True, check=True)
    assert "\nsurely dead: nothing is known" in r.stdout and \
        "\ndead: nothing is known: too few connections of its group are in the history\n" in r.stdout
