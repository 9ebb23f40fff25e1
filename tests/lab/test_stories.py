# SPDX-License-Identifier: GPL-2.0
"""The watch in text, as a tired operator reads it: few lines, none of which wraps, and what they say is
what --json says of the same recording. Witnesses: ss, the JSON of a replay, tmux as the terminal."""
import collections
import fcntl
import json
import os
import pty
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest

from lab import HALFOPEN, Lab, keepalive, run, unix_ns, wait_until
from test_programs import need

COLOUR = re.compile(r"\x1b\[\d*m")
DURATION = r"(?:[\d.]+h)?(?:[\d.]+m)?(?:[\d.]+s)?"


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


class Terminal:
    """A program on a terminal of so many columns, and all that it wrote there; it need not be read."""

    def __init__(self, lab, arguments, columns, rows=24, **environment):
        self.fd, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.said, self.columns = b"", columns
        self.process = lab.end_process(subprocess.Popen(
            [str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
            env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, "TERM": "xterm",
                 "LC_ALL": "C.UTF-8", **environment}), signal.SIGINT)
        os.close(theirs)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while True:
            try:
                chunk = os.read(self.fd, 65536)
            except OSError:
                break
            if not chunk:
                break
            self.said += chunk
        os.close(self.fd)

    def resize(self, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def end(self, how=signal.SIGINT):
        if how:
            self.process.send_signal(how)
        code = self.process.wait(60)
        self.reader.join(60)
        return code

    def text(self):
        return COLOUR.sub("", self.said.decode()).replace("\r\n", "\n")

    def rows(self):
        """Each row as it was written, the status line's, too; replaced ones are apart."""
        return [r for r in re.split(r"\n|\r", re.sub(r"\x1b\[[KA]", "", self.text())) if r]

    def lines(self):
        """What stays on the screen, without what was cleared; a line of several rows is one."""
        rows = [l.split("\r\x1b[K")[-1] for l in self.text().split("\n")]
        return re.sub(r"\n {9,15}(?=\S)", " ", "\n".join(rows)).split("\n")


def seconds(text):
    parts = re.fullmatch(r"(?:([\d.]+)h)?(?:([\d.]+)m)?(?:([\d.]+)s)?", text)
    return sum(float(n or 0) * of for n, of in zip(parts.groups(), (3600, 60, 1)))


def deaths(lines, port):
    """(how many, gone from, to) of each story or single death by keepalive of this port's service."""
    found = []
    for line in lines:
        story = re.search(rf" :{port} +([\d,]+) keepalive_timeout in [\dhms.]+, gone "
                          rf"({DURATION}) to ({DURATION})(?:;|$)", line)
        one = re.search(rf":{port} .* keepalive_timeout, (?:peer gone unnoticed for|gone) ({DURATION}) to "
                        rf"({DURATION})", line)
        if story:
            found.append((int(story[1].replace(",", "")), seconds(story[2]), seconds(story[3])))
        elif one:
            found.append((1, seconds(one[1]), seconds(one[2])))
    return found


def ended(lines, port):
    """How many ended how, of this port's service, as the text tells it: {outcome: sockets}."""
    outcomes = r"(\w+_timeout|unknown|aborted_locally|closed_\w+|reset_by_peer)\b"
    found = collections.Counter()
    for line in lines:
        story = re.search(rf" :{port} +([\d,]+) {outcomes}", line)
        one = re.search(rf":{port} +\S+ +{outcomes}", line)
        if story:
            found[story[2]] += int(story[1].replace(",", ""))
        elif one:
            found[one[1]] += 1
    return found


def beats(text, port):
    """How many heartbeats of this port's service were told so far, line by line; the last ones may be told
    one by one."""
    return [int(n.replace(",", "")) for n in re.findall(rf" :{port} +([\d,]+) have heartbeats of their own, every ",
                                                        text)]


def beat(lab, devices, what):
    """Heartbeats of all, from now on. A period is known after three that are alike; where this machine stood
    still meanwhile, it begins anew with another length."""
    over, begun = threading.Event(), time.monotonic()
    lab.cleanup.callback(over.set)

    def run():
        while not over.wait(2.5):
            for device in devices:
                device.send(what * (1 + int((time.monotonic() - begun) / 30)))
    threading.Thread(target=run, daemon=True).start()


def ended_by_json(told, port):
    return collections.Counter(t["outcome"] for t in told if t["schema"] == "halfopen.timeline/1" and
                               t["final"] and t["socket"]["local"]["port"] == port)


def replay(recording, *options):
    r = subprocess.run([HALFOPEN, "watch", "--utc", "-r", recording, *options], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    return r.stdout


def established(lab, port):
    r = subprocess.run(["ip", "netns", "exec", lab.gateway.name, "ss", "-tnH", "state", "established",
                        f"sport = :{port}"], capture_output=True, text=True, check=True)
    return len(r.stdout.splitlines())


def fits(terminal):
    """Every row but those of messages on standard error."""
    wide = [r for r in terminal.rows() if len(r) > terminal.columns and not r.startswith("halfopen: ")]
    assert not wide, wide


def start_redis(lab, port=6399):
    return lab.end_process(lab.gateway.spawn(
        need("redis-server"), "--port", str(port), "--bind", "10.77.0.1", "--tcp-keepalive", "3", "--save", "",
        "--protected-mode", "no", "--dir", lab.directory))


def test_a_mass_death_is_a_few_lines(lab):
    """150 connections of a real redis die within a moment: few lines, no matter how wide the terminal, and
    the same numbers as --json tells of the same recording."""
    recording = lab.path("recording.ho")
    start_redis(lab)
    clients = [lab.device_dial(6399) for _ in range(150)]
    wait_until(lambda: established(lab, 6399) == 150, 30, "150 connections")
    watch = Terminal(lab, [HALFOPEN, "watch", "--utc", "-w", recording, f"netns = {lab.gateway.inode}"], 80)
    wait_until(lambda: "150 sockets in 1 namespace" in watch.text(), 60, "the summary")
    assert re.search(r"^redis-server +6399 +150 +0 +0$", watch.text(), re.MULTILINE), watch.text()
    lab.gateway.drop("input", "tcp dport 6399")
    # this host may lose events, and their sockets' ends are unknown then: each is told all the same
    wait_until(lambda: sum(ended(watch.lines(), 6399).values()) == 150, 60, "150 ends")
    wait_until(lambda: established(lab, 6399) == 0, 30, "their ends")
    assert watch.end() == 0
    assert len(clients) == 150
    fits(watch)
    lines = watch.lines()
    assert len([l for l in lines if " lost (" not in l]) < 24, lines
    assert "; 150 ended, " in " ".join(watch.text().split())

    told = [json.loads(l) for l in replay(recording, "--json").splitlines()]
    dead = [t["half_open"]["latency_ms"] for t in told if t["schema"] == "halfopen.timeline/1" and
            t["final"] and t["outcome"] == "keepalive_timeout"]
    by_json = ended_by_json(told, 6399)
    assert sum(by_json.values()) == 150 and dead, by_json
    if by_json["keepalive_timeout"] == 150:
        assert re.search(r"^redis-server +6399 +0 +0 +0 +150 ", watch.text(), re.MULTILINE), watch.text()
        assert "150 ended, 150 half-open (keepalive 150)" in " ".join(watch.text().split())
    text = replay(recording)
    assert text == replay(recording)
    for said in (lines, text.splitlines()):
        assert ended(said, 6399) == by_json
        found = deaths(said, 6399)
        assert abs(min(a for _, a, _ in found) - min(d["likely_min"] for d in dead) / 1e3) <= 0.051
        assert abs(max(b for _, _, b in found) - max(d["max"] for d in dead) / 1e3) <= 0.051
    each = replay(recording, "-v").splitlines()
    assert ended(each, 6399) == by_json and len([l for l in each if " keepalive_timeout, " in l]) == len(dead)
    for columns in (60, 100, 200):
        again = Terminal(lab, [HALFOPEN, "watch", "-r", recording], columns)
        assert again.end(None) == 0
        fits(again)
        assert ended(again.lines(), 6399) == by_json
    # a file has no escapes, and times with their offset
    assert "\x1b" not in text
    assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3}\+00:00  |[\d,]+ socket|watched for |PROGRAM |redis-server ", l)
               for l in text.splitlines()), text


@pytest.fixture
def many_files():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(16384, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_bad_night(lab, many_files):
    """2,000 connections of two services: 300 devices with heartbeats, 700 that keepalive finds dead, 300 that
    stay suspect, 100 that our program resets. All of it on two screens, and every number is right."""
    recording = lab.path("recording.ho")
    one, other = ([lab.connect(port=port) for _ in range(1000)] for port in (7000, 7001))
    for gateway, _ in other[:700]:
        keepalive(gateway, 2, 1, 3)
    for gateway, _ in other[700:]:
        keepalive(gateway, 2, 1, 100)
    beat(lab, [device for _, device in one[:300]], b"1")
    watch = Terminal(lab, [HALFOPEN, "watch", "--utc", "--idle-gap", "1s", "--all", "-w", recording,
                           f"netns = {lab.gateway.inode}"], 80)
    wait_until(lambda: "2,000 sockets in 1 namespace; 1,000 would never notice" in watch.text(), 60, "the summary")

    wait_until(lambda: beats(watch.text(), 7000), 240, "heartbeats")
    lab.gateway.drop("input", "tcp dport 7001")
    wait_until(lambda: sum(ended(watch.lines(), 7001).values()) == 700, 120, "700 deaths")
    for gateway, _ in one[300:400]:
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gateway.close()
    wait_until(lambda: sum(ended(watch.lines(), 7000).values()) == 100, 60, "100 aborted")
    assert watch.end() == 0
    fits(watch)
    each = len(re.findall(" has a heartbeat of its own: ", replay(recording, "-v")))
    assert each - 3 <= beats(watch.text(), 7000)[-1] <= each and each >= 100
    told = [json.loads(l) for l in replay(recording, "--json", "--all").splitlines()]
    for port in (7000, 7001):
        assert ended(watch.lines(), port) == ended_by_json(told, port)
        assert ended(replay(recording, "--all").splitlines(), port) == ended_by_json(told, port)
    suspects = sum(t["schema"] == "halfopen.timeline/1" and t["outcome"] == "suspect" for t in told)
    assert f"... and {suspects - 10} more suspect" in watch.text()
    assert "; 800 ended, " in " ".join(watch.text().split())
    lines = [l for l in watch.lines() if " open" not in l]
    assert len([l for l in lines if " lost (" not in l]) <= 48, lines


def test_suspects_by_their_silence(lab):
    """At the end those that were silent longest come first, and the others are counted."""
    pairs = [lab.connect() for _ in range(24)]
    for gateway, device in pairs:
        keepalive(gateway, 1, 1, 100)
    recording = lab.path("recording.ho")
    watch = Terminal(lab, [HALFOPEN, "watch", "--utc", "-w", recording, f"netns = {lab.gateway.inode}"], 80)
    wait_until(lambda: "24 sockets in 1 namespace" in watch.text(), 60, "the summary")
    lab.gateway.drop("input", "tcp dport 7000")

    def suspects():
        return sum(int(n) if n else 1 for n in re.findall(r" (?:(\d+) suspect in|suspect: )", watch.text()))
    wait_until(lambda: suspects() == 24, 60, "24 suspects")
    assert watch.end() == 0
    fits(watch)
    for said in ("\n".join(watch.lines()), replay(recording)):
        told = [seconds(s) for s in re.findall(rf"suspect, silent for ({DURATION})$", said, re.MULTILINE)]
        assert len(told) == 10 and told == sorted(told, reverse=True), said
        assert "... and 14 more suspect" in said
    told = [json.loads(l) for l in replay(recording, "--json").splitlines()]
    open_ones = [t for t in told if t["schema"] == "halfopen.timeline/1" and t["outcome"] == "suspect"]
    longest = max(unix_ns(t["verified_at"]) - unix_ns(t["last_heard_at"]) for t in open_ones) / 1e9
    first = seconds(re.search(rf"suspect, silent for ({DURATION})$", replay(recording), re.MULTILINE)[1])
    assert len(open_ones) == 24 and abs(first - longest) < 1.5
    each = replay(recording, "-v")
    assert len(re.findall(r"suspect, silent for ", each)) == 24 and "more suspect" not in each


def test_nothing_is_withheld_at_the_end(lab):
    """Ended by a signal while a story still waits for others: it is told."""
    pairs = [lab.connect() for _ in range(8)]
    out = lab.path("text")
    watch = lab.end_process(subprocess.Popen([HALFOPEN, "watch", "--all", "--utc", f"netns = {lab.gateway.inode}"],
                                             stdout=open(out, "w")))
    wait_until(lambda: os.path.getsize(out), 60, "the summary")
    for gateway, _ in pairs:
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gateway.close()
    watch.send_signal(signal.SIGTERM)
    assert watch.wait(60) == 0
    said = open(out).read()
    assert sum(ended(said.splitlines(), 7000).values()) == 8, said
    assert "8 ended, none half-open" in said.splitlines()[-1], said


def test_good_news_once_a_group(lab):
    """Forty devices of a real broker that ping: a handful of lines, not forty."""
    mosquitto = need("mosquitto")
    with open(lab.path("mosquitto.conf"), "w") as f:
        f.write("listener 1899 10.77.0.1\nallow_anonymous true\n")
    os.chmod(lab.directory, 0o755)
    os.chmod(lab.path("mosquitto.conf"), 0o644)
    lab.end_process(lab.gateway.spawn(mosquitto, "-c", lab.path("mosquitto.conf")))
    devices = [lab.device_dial(1899) for _ in range(40)]
    for n, device in enumerate(devices):
        device.send(bytes([0x10, 15, 0, 4]) + b"MQTT" + bytes([4, 2, 0, 60, 0, 3]) + b"s%02d" % n)
    beat(lab, devices, bytes([0xc0, 0]))
    text, recording = lab.path("text"), lab.path("recording.ho")
    watch = lab.end_process(subprocess.Popen(
        [HALFOPEN, "watch", "--utc", "--idle-gap", "1s", "-w", recording, f"netns = {lab.gateway.inode}"],
        stdout=open(text, "w")), signal.SIGINT)
    wait_until(lambda: beats(open(text).read(), 1899), 240, "heartbeats")
    watch.send_signal(signal.SIGINT)
    assert watch.wait(60) == 0
    said = open(text).read()
    assert said == replay(recording, "--idle-gap", "1s")
    each = len(re.findall(" has a heartbeat of its own: ", replay(recording, "-v")))
    assert each - 3 <= beats(said, 1899)[-1] <= each and each >= 10, said
    assert len([l for l in said.splitlines() if "heartbeat" in l]) <= 8, said


def test_the_status_line_stays(lab):
    """In tmux, as on any terminal: the last row, whatever was printed; it is gone at the end. After a resize
    the rows still fit."""
    tmux = shutil.which("tmux")
    if not tmux:
        pytest.skip("tmux is not installed")
    server = ["tmux", "-L", lab.tag, "-f", "/dev/null"]
    lab.cleanup.callback(subprocess.run, [*server, "kill-server"], capture_output=True)
    run(*server, "new-session", "-d", "-x", "80", "-y", "24", "env", "TERM=screen", "LC_ALL=C.UTF-8", HALFOPEN,
        "watch", "--utc", f"netns = {lab.gateway.inode}")
    run(*server, "set-option", "-g", "remain-on-exit", "on")

    def screen():
        return subprocess.run([*server, "capture-pane", "-p"], capture_output=True, text=True,
                              check=True).stdout.rstrip("\n").split("\n")
    wait_until(lambda: re.match(r"\d\d:\d\d:\d\d\+00:00 0 open, 0 suspect; ", screen()[-1]), 60, "the status")
    pairs = [lab.connect() for _ in range(12)]
    for gateway, _ in pairs:
        keepalive(gateway, 1, 1, 3)
    lab.gateway.drop("input", "tcp dport 7000")
    wait_until(lambda: " open, 0 suspect; so far 12 ended, " in screen()[-1], 60, "the status again")
    assert len([l for l in screen() if " open, " in l]) == 1, screen()
    run(*server, "resize-window", "-x", "50", "-y", "24")
    lab.gateway.mend()
    gateway, _ = lab.connect()
    lab.gateway.drop("input", "tcp dport 7000")
    keepalive(gateway, 1, 1, 3)
    wait_until(lambda: " open, 0 suspect; so far 13" in screen()[-1], 60, "the status")
    assert len([l for l in screen() if " open, " in l]) == 1 and len(screen()[-1]) < 50, screen()
    pid = subprocess.run([*server, "display-message", "-p", "#{pane_pid}"], capture_output=True, text=True,
                         check=True).stdout
    os.kill(int(pid), signal.SIGINT)
    wait_until(lambda: re.search(r"0\s+lost", "\n".join(screen())), 60, "the end")
    assert not [l for l in screen() if "so far" in l], screen()


def test_a_dumb_terminal_gets_plain_lines(lab):
    watch = Terminal(lab, [HALFOPEN, "watch", "--utc", f"netns = {lab.gateway.inode}"], 80, TERM="dumb")
    wait_until(lambda: "sockets in 0 namespaces" in watch.text(), 60, "the summary")
    gateway, _ = lab.connect()
    keepalive(gateway, 1, 1, 3)
    lab.gateway.drop("input", "tcp dport 7000")
    wait_until(lambda: "keepalive_timeout" in watch.text(), 60, "the end of the connection")
    assert watch.end() == 0
    assert b"\x1b" not in watch.said
    assert re.search(r"^\d\d:\d\d:\d\d\+00:00 \S+ :7000 +\S+  keepalive_timeout, gone\s", watch.text(), re.MULTILINE)
    fits(watch)


# ---- progress ----

def test_progress_of_rearming(lab):
    """On a terminal each second what was done and found; in a pipe nothing but the end."""
    alive, dead = [lab.connect() for _ in range(4)], [lab.connect(port=7001) for _ in range(6)]
    for gateway, _ in alive + dead:
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    time.sleep(0.2)
    lab.gateway.drop("input", "tcp dport 7001")
    command = [HALFOPEN, "apply", "--netns", lab.gateway.name, "--state", lab.path("state"), "--idle", "2",
               "--interval", "1", "--probes", "2", "--yes", "--rearm", "--spread", "8s", "--stop-at-deaths", "100%"]
    apply = Terminal(lab, command, 80)
    assert apply.end(None) == 0, apply.text()
    rows = [r for r in re.split(r"[\r\n]+", apply.text().replace("\x1b[K", ""))]
    shown = [r for r in rows if re.fullmatch(r"\d+ of 10 armed, \d+ answered; \d+ died, \d+ of them alive before; "
                                             r"at most [\dhms.]+ to go", r)]
    assert len(shown) >= 3 and any(re.search("; [1-6] died", r) for r in shown), apply.text()
    assert max(map(len, shown)) < 80
    assert apply.text().endswith("\n") and "10 of 10 armed" not in apply.lines()[-2], apply.lines()
    run(HALFOPEN, "revert", "--netns", lab.gateway.name, "--state", lab.path("state"))
    r = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "to go" not in r.stderr + r.stdout and "\x1b" not in r.stderr + r.stdout


def test_progress_of_reading(lab):
    """A large input that is read slowly: how much of it was read; nothing in a pipe or under -q."""
    fifo = lab.path("timelines")
    os.mkfifo(fifo)
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "recordings", "pool_random.ho.zst")
    lines = subprocess.run([HALFOPEN, "watch", "--json", "--all", "-r", here], capture_output=True,
                           check=True).stdout.splitlines(keepends=True)

    def write():
        with open(fifo, "wb") as f:
            for n in range(12):
                f.writelines(lines[n * len(lines) // 12:(n + 1) * len(lines) // 12])
                f.flush()
                time.sleep(0.2)
    for quiet in ((), ("-q",)):
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        with open(lab.path("advice"), "w") as out:
            advise = Terminal(lab, ["sh", "-c", f"exec {HALFOPEN} advise {' '.join(quiet)} {fifo} > {out.name}"],
                              80)
            advise.end(None)
        writer.join(60)
        assert bool(re.search(r"timelines: [\d.]+ [kM]B read\x1b\[K", advise.text())) == (not quiet), advise.text()
        fits(advise)
    with open(lab.path("advice")) as f:
        assert "\x1b" not in f.read()
