# SPDX-License-Identifier: GPL-2.0
"""The command itself: signals, files, readers that go away, replays, and what it says when
something is missing."""
import bisect
import contextlib
import json
import os
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import time

import pytest

import schema
from lab import HALFOPEN, Lab, cookie, inside, keepalive, unix_ns, wait_until


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def halfopen(*arguments, **keywords):
    keywords.setdefault("timeout", 60)
    return subprocess.run([HALFOPEN, *arguments], capture_output=True, text=True, **keywords)


# ---- ending a watch ----

@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_with_open_sockets_and_0(lab, how):
    watch = lab.watch()
    silent, _ = lab.connect()
    healthy, _ = lab.connect()
    keepalive(silent, 1, 1, 9)
    lab.gateway.drop("input", f"tcp sport {silent.getpeername()[1]}")
    time.sleep(4)
    keys = cookie(silent), cookie(healthy)
    assert watch.stop(how) == 0
    t, = watch.of(keys[0])
    assert not t["final"] and t["outcome"] == "suspect"
    assert not watch.of(keys[1])    # it had nothing to tell


def tcp_info(sock):
    """(state, ms since the peer's last segment, bytes acknowledged, bytes received): the kernel's word."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    return (info[0], min(struct.unpack_from("=II", info, 52)), *struct.unpack_from("=QQ", info, 120))


def test_the_end_is_told_as_of_that_moment(lab):
    """What no event told of, data that was acknowledged at once, is in the last timelines all the same."""
    watch = lab.watch("--all", "--ring", "64KiB")
    pairs = [lab.connect() for _ in range(3)]
    time.sleep(2)
    for gateway, device in pairs[:2]:
        gateway.sendall(b"x" * 5000)
        device.recv(5000, socket.MSG_WAITALL)
    pairs[1][1].sendall(b"y" * 300)
    time.sleep(1)
    keys = [cookie(g) for g, _ in pairs]
    before, at = [tcp_info(g) for g, _ in pairs], time.time_ns()
    assert watch.stop(signal.SIGTERM) == 0
    for key, (state, heard_ms, acked, received) in zip(keys, before):
        t, = watch.of(key)
        assert state == 1 and t["outcome"] == "open"
        heard = unix_ns(t["last_heard_at"])
        assert abs(at - heard_ms * 10**6 - heard) < 60 * 10**6, (heard_ms, t)
        assert t["traffic"]["acked_bytes"] == acked
        assert t["traffic"]["received_bytes"] == received
    assert [b[2:] for b in before] == [(5000, 0), (5000, 300), (0, 0)]


def test_who_ended_unheard_is_not_told_as_open(lab):
    """Its end fell into a ring that was full, and the watch ends before two passes find that out."""
    watch = lab.watch("--all", "--ring", "4KiB", f"netns = {lab.gateway.inode}")
    there, gone = [lab.connect() for _ in range(5)], [lab.connect() for _ in range(5)]
    keys = [cookie(g) for g, _ in there], [cookie(g) for g, _ in gone]
    time.sleep(2)
    watch.process.send_signal(signal.SIGSTOP)
    for _ in range(60):
        for s in lab.connect():     # fills it
            s.close()
    for gateway, _ in gone:
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gateway.close()
    watch.process.send_signal(signal.SIGTERM)
    watch.process.send_signal(signal.SIGCONT)
    assert watch.process.wait(60) == 0
    for key in keys[0]:
        t, = watch.of(key)
        assert t["outcome"] == "open" and not t["final"]
    for key in keys[1]:
        t, = watch.of(key)
        assert t["final"] and t["outcome"] == "unknown", t
    assert not [t for t in watch.lines("timeline") if not t["final"] and
                t["socket"]["cookie"] not in keys[0]]


def test_all_tells_the_silent_too(lab):
    watch = lab.watch("--all")
    gateway, _ = lab.connect()
    time.sleep(0.5)
    assert watch.stop() == 0
    t, = watch.of(cookie(gateway))
    assert t["outcome"] == "open" and not t["partial"]


def test_for_ends_by_itself(lab):
    start = time.monotonic()
    r = halfopen("watch", "--json", "--for", "1s")
    assert r.returncode == 0 and 1 <= time.monotonic() - start < 10
    schema.check([json.loads(l) for l in r.stdout.splitlines()])


# ---- files ----

def test_output_file(lab):
    path = lab.path("out.jsonl")
    with open(path, "w") as f:
        f.write("of an earlier run\n" * 10000)
    os.unlink(path)
    assert halfopen("watch", "--json", "--for", "500ms", "-o", path).returncode == 0
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path) as f:
        schema.check([json.loads(l) for l in f])
    # An existing file is replaced, whatever its length.
    with open(path, "w") as f:
        f.write("of an earlier run\n" * 10000)
    assert halfopen("watch", "--json", "--for", "500ms", "-o", path).returncode == 0
    with open(path) as f:
        schema.check([json.loads(l) for l in f])


@contextlib.contextmanager
def small_disk(lab, size):
    path = lab.path("disk")
    os.mkdir(path)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


@pytest.mark.parametrize("option", ["-o", "-w"])
def test_a_full_disk(lab, option):
    """It ends with 1 and names the file; no line or record in it is torn."""
    # A recording begins with all sockets of the host, those of other tests, too.
    with small_disk(lab, "64k" if option == "-o" else "2m") as disk:
        path = os.path.join(disk, "file")
        watch = subprocess.Popen([HALFOPEN, "watch", "--json", "--events", option, path],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: os.path.exists(path) and os.path.getsize(path) > 0, 10, "a first line")
        deadline = time.monotonic() + 40
        while watch.poll() is None and time.monotonic() < deadline:
            for _ in range(20):
                gateway, device = lab.connect()
                gateway.close()
                device.close()
        assert watch.wait(60) == 1
        message = watch.stderr.read()
        watch.stderr.close()
        assert path in message and "No space left" in message, message
        if option == "-o":
            with open(path) as f:
                text = f.read()
            assert text.endswith("\n")
            schema.check([json.loads(l) for l in text.splitlines()])
        else:
            r = halfopen("watch", "-r", path, "--json")
            assert r.returncode == 0 and "cut off where its writer stood" in r.stderr, r.stderr


def test_unwritable_files_are_named():
    for option in ("-o", "-w"):
        r = halfopen("watch", "--json", option, "/nowhere/file")
        assert r.returncode == 2
        assert r.stderr == "halfopen: /nowhere/file: cannot be written: No such file or directory\n"


# ---- recordings ----

def test_a_replay_gives_the_same_lines(lab):
    """Byte for byte, as nobody in particular, wherever."""
    recording = lab.path("recording.ho")
    watch = lab.watch("--events", "-w", recording)
    for number in range(10):
        gateway, device = lab.connect()
        keepalive(gateway, 1, 1, 1 + number % 3)
        if number % 2:
            device.send(b"hello")
    time.sleep(2.5)
    lab.gateway.drop("input", "tcp dport 7000")
    wait_until(lambda: len([t for t in watch.lines("timeline") if t["final"]]) >= 10, 15, "ends")
    assert watch.stop() == 0
    os.chmod(recording, 0o644)
    os.chmod(lab.directory, 0o755)
    with open(watch.output) as f:
        live = f.read()
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
              "--bounding-set=-all"]
    replay = subprocess.run([*nobody, HALFOPEN, "watch", "--json", "--events", "-r", recording],
                            capture_output=True, text=True)
    if "Permission denied" in replay.stderr and not replay.stdout:
        pytest.skip("nobody may not reach the program in " + os.path.dirname(HALFOPEN))
    assert replay.returncode == 0, replay.stderr
    assert replay.stdout == live
    # Cut off anywhere, it reads up to the cut and says so.
    with open(recording, "rb") as f:
        whole = f.read()
    cut = subprocess.run([HALFOPEN, "watch", "--json", "-r", "-"], input=whole[:-5],
                         capture_output=True)
    assert cut.returncode == 2 and b"cut off in the record at byte" in cut.stderr
    foreign = subprocess.run([HALFOPEN, "watch", "-r", "-"], input=b"{\"a\":1}\n" * 9,
                             capture_output=True)
    assert foreign.returncode == 2
    assert foreign.stderr == b"halfopen: -: not a recording: it does not begin with HALFOPEN\n"
    assert halfopen("watch", "-r", "/nowhere").returncode == 2


# ---- losses ----

def test_a_ring_that_overflows(lab):
    """Losses are told and counted, exit code 4 under --strict, and nothing wrong is said."""
    watch = lab.watch("--all", "--strict", "--ring", "4KiB")
    keys = []
    for n in range(20):
        if n % 4 == 3:  # on a quiet host it keeps up otherwise
            watch.process.send_signal(signal.SIGSTOP)
        pairs = [lab.connect() for _ in range(50)]
        keys += [cookie(g) for g, _ in pairs]
        for pair in pairs:
            for s in pair:
                s.close()
        watch.process.send_signal(signal.SIGCONT)
    wait_until(lambda: watch.lines("loss"), 10, "a loss line")
    settled = [-1, time.monotonic()]

    def nobody_ended_for_a_while():     # two passes over all sockets follow a loss
        ended = len([t for t in watch.lines("timeline") if t["final"] and
                     t["socket"]["netns"]["inode"] == lab.gateway.inode])
        if ended != settled[0]:
            settled[:] = [ended, time.monotonic()]
        return time.monotonic() - settled[1] > 7
    wait_until(nobody_ended_for_a_while, 30, "the passes after the loss")
    assert watch.stop() == 4
    assert sum(l["count"] for l in watch.lines("loss")) > 0
    assert {l["reason"] for l in watch.counted_losses()} <= {"ring_full", "recursion"}
    told = {k: watch.of(k) for k in keys}
    assert any(t["counts"]["events_lost"] for ts in told.values() for t in ts)
    for timelines in told.values():
        for t in timelines:
            assert t["outcome"] in ("closed_locally", "unknown"), t
    # Nobody is left open: the pass found who is gone.
    assert not [t for ts in told.values() for t in ts if not t["final"]]


# ---- what lacks ----

def test_not_permitted():
    r = subprocess.run(["setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-all",
                        HALFOPEN, "watch"], capture_output=True, text=True)
    assert r.returncode == 77, r.stderr
    assert "CAP_BPF" in r.stderr and "CAP_PERFMON" not in r.stderr
    r = subprocess.run(["setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin", "--inh-caps=-all",
                        HALFOPEN, "watch"], capture_output=True, text=True)
    assert r.returncode == 77 and "CAP_BPF and CAP_PERFMON" in r.stderr


# ---- the command line ----

@pytest.mark.parametrize("arguments, said", [
    (["watch", "--for", "10"], "--for: '10' is no duration"),
    (["watch", "--every", "0s"], "--every: '0s' is no duration from 1s to 36500d"),
    (["watch", "--suspect-after", "0"], "--suspect-after: '0' is no number from 1 to 255"),
    (["watch", "--ring", "5000"], "--ring: '5000' is no power of two"),
    (["watch", "--nonsense"], "unrecognized option '--nonsense'"),
    (["watch", "sport", "=", "mqtt"], "column 9"),
    (["watch", "-r", "x", "-w", "y"], "belong to a live watch"),
    (["wach"], "there is no verb 'wach'"),
    ([], "Usage: halfopen VERB"),
])
def test_bad_arguments(arguments, said):
    r = halfopen(*arguments)
    assert r.returncode == 2 and said in r.stderr, r.stderr
    assert not r.stdout


def test_examples_of_help():
    """Of every verb: none is folded in the midst of a command. (Of other text argp now and then folds a word late.)"""
    said = halfopen("--help").stdout
    verbs = re.findall(r"^  ([a-z]+) ", said, re.MULTILINE)
    assert {"watch", "sockets", "top", "probe", "reach", "advise", "explain", "apply", "revert", "doctor"} <= set(verbs)
    for verb in verbs:
        text = halfopen(verb, "--help").stdout
        examples = re.search(r"^Examples:\n(.*?)(\n\n|\Z)", text, re.MULTILINE | re.DOTALL)[1]
        assert all(line.startswith("  ") and len(line) < 80 for line in examples.splitlines()), (verb, examples)


def test_help_is_laid_out():
    """Of every verb: no line is blank but for blanks, none wider than 80, and no paragraph is broken before it is
    full: then the next word had room."""
    verbs = re.findall(r"^  (\w+) ", halfopen("--help").stdout, re.MULTILINE)
    assert len(verbs) > 8, verbs
    for text in [halfopen("--help").stdout] + [halfopen(verb, "--help").stdout for verb in verbs]:
        lines = text.splitlines()
        assert all(not line or line.strip() and len(line) <= 80 for line in lines), text
        for line, following in zip(lines, lines[1:]):
            if not line or not following or line[0] in " '" or following[0] in " '" or line.startswith("Usage:"):
                continue
            assert len(line) + 1 + len(following.split()[0]) >= 79, (line, following)


def test_help_and_version():
    assert re.match(r"halfopen \d+\.\d+\.\d+\n$", halfopen("--version").stdout)
    assert "watch" in halfopen("--help").stdout
    text = halfopen("watch", "--help")
    assert text.returncode == 0 and "Examples:" in text.stdout
    for option in ("--json", "--events", "--all", "--every", "--for", "--suspect-after",
                   "--strict", "-o", "-w", "-r", "-q", "-v"):
        assert option in text.stdout


def test_text_for_people(lab):
    out = lab.path("text")
    watch = subprocess.Popen([HALFOPEN, "watch", "--utc"], stdout=open(out, "w"))
    wait_until(lambda: os.path.getsize(out), 10, "a summary")
    gateway, device = lab.connect()
    keepalive(gateway, 1, 1, 3)
    lab.gateway.drop("input", "tcp dport 7000")
    # Ours, by its port: other tests' devices have the same address.
    ending = (r"\d\d:\d\d:\d\d\.\d{3}\+00:00  \S+ +10\.77\.0\.1:7000 +10\.77\.0\.2:"
              rf"{device.getsockname()[1]} +keepalive_timeout, peer gone unnoticed for \d")
    wait_until(lambda: re.search(ending, open(out).read()), 10, "an ending")
    watch.send_signal(signal.SIGINT)
    assert watch.wait(60) == 0
    lines = open(out).read().splitlines()
    assert re.match(r"[\d,]+ sockets? in \d+ namespaces?; [\d,]+ would never notice", lines[0])
    assert any("suspect: 2 unanswered, silent for " in l for l in lines)
    assert re.match(r"watched for [\d.hms]+: [\d,]+ sockets? open, ", lines[-1])
    assert "half-open (" in lines[-1] and "unnoticed for up to " in lines[-1]
    assert "\033" not in open(out).read()


def times_of(lines):
    """The clock that begins a line of text (--utc), in seconds of the day; summaries have none."""
    found = [re.match(r"(\d\d):(\d\d):(\d\d\.\d{3})\+00:00 ", line) for line in lines]
    return [int(m[1]) * 3600 + int(m[2]) * 60 + float(m[3]) for m in found if m]


def longest_in_order(times):
    """How many remain if those that are out of order are left out."""
    tails = []      # [n]: the least last one of n + 1 in order
    for t in times:
        at = bisect.bisect_right(tails, t)
        tails[at:at + 1] = [t]
    return len(tails)


def test_lines_of_text_are_in_order_of_time(lab):
    """-v: each by itself. Sockets die one after the other, while others become suspect: an ending is told
    when what follows it is known, and what happened after it waits for it. What nothing has to come before
    waits for nothing: the first suspect is told before it is dead."""
    path = lab.path("text")
    watch = lab.end_process(subprocess.Popen([HALFOPEN, "watch", "-v", "--utc", f"netns = {lab.gateway.inode}"],
                                             stdout=open(path, "w"), stderr=subprocess.DEVNULL))

    def lines():
        with open(path) as f:
            return f.read().splitlines()
    wait_until(lines, 20, "the first line")
    pairs = [lab.connect() for _ in range(24)]
    lab.gateway.drop("input", "tcp dport 7000")
    for gateway, _ in pairs:
        keepalive(gateway, 1, 1, 9)     # six seconds from the suspicion to the end
        time.sleep(0.13)
    first = wait_until(lambda: (said := lines()) and [l for l in said if "suspect:" in l] and said, 20, "a suspect")
    assert not [l for l in first if "keepalive_timeout" in l], first
    wait_until(lambda: len([l for l in lines() if "keepalive_timeout" in l]) == 24, 20, "24 endings")
    watch.send_signal(signal.SIGINT)
    assert watch.wait(60) == 0
    said = lines()
    assert len([l for l in said if "suspect:" in l]) == 24
    # An ending that no program saw is told when a pass has found it, with the time at which it was.
    lost = sum(int(l.split()[1]) for l in said if re.search(r" events? lost \(", l))
    late = len(times_of(said)) - longest_in_order(times_of(said))
    assert late <= lost, "\n".join(said)
    assert "24 ended, 24 half-open" in said[-1]


def test_a_terminal(lab):
    """Colours and a status line in its place; NO_COLOR and --color are obeyed."""
    import pty
    told = {}
    for name, options, environment in (("plain", [], {"NO_COLOR": "1"}), ("auto", [], {}),
                                       ("never", ["--color", "never"], {}),
                                       ("always", ["--color=always"], {"NO_COLOR": "1"})):
        ours, theirs = pty.openpty()
        watch = subprocess.Popen(
            [HALFOPEN, "watch", "--utc", f"netns = {lab.gateway.inode}", *options], stdout=theirs,
            env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, "TERM": "xterm",
                 **environment})
        os.close(theirs)
        lab.cleanup.callback(os.close, ours)
        os.set_blocking(ours, False)
        told[name] = (lab.end_process(watch), ours, bytearray())

    def said_by_each(pattern):
        """Has each of them said it by now?"""
        for _, fd, said in told.values():
            with contextlib.suppress(OSError):      # nothing now, or the other end is closed
                while chunk := os.read(fd, 65536):
                    said += chunk
        return all(re.search(pattern, said) for _, _, said in told.values())
    wait_until(lambda: said_by_each(rb"sockets? in \d+ namespace"), 60, "the summaries")
    gateway, _ = lab.connect()
    keepalive(gateway, 1, 1, 3)
    lab.gateway.drop("input", "tcp dport 7000")
    wait_until(lambda: said_by_each(rb"keepalive_timeout"), 60, "the end of the connection")
    wait_until(lambda: said_by_each(rb"\d open, \d+ suspect; so far \d+ ended"), 60, "a status line")
    for watch, _, _ in told.values():
        watch.send_signal(signal.SIGINT)
    wait_until(lambda: said_by_each(rb"watched for .*\n"), 60, "the last summaries")
    for name, (watch, _, said) in told.items():
        assert watch.wait(60) == 0
        said = said.decode()
        coloured = "\033[31mkeepalive_timeout" in said
        assert coloured == (name in ("auto", "always")), (name, said)
        assert re.search(r"\d open, \d+ suspect; so far \d+ ended", said), said
        # The status makes way for the next line.
        assert "\r\033[Kwatched for" in said, said


def test_nothing_is_changed(lab):
    """Watching sets no option and no sysctl."""
    before = {}
    with inside(lab.gateway.path):
        for name in ("time", "intvl", "probes"):
            with open("/proc/sys/net/ipv4/tcp_keepalive_" + name) as f:
                before[name] = f.read()
    gateway, _ = lab.connect()
    watch = lab.watch("--all", "--events")
    time.sleep(1)
    assert watch.stop() == 0
    assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
    with inside(lab.gateway.path):
        for name in before:
            with open("/proc/sys/net/ipv4/tcp_keepalive_" + name) as f:
                assert f.read() == before[name]
