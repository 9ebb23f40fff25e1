# SPDX-License-Identifier: GPL-2.0
"""Exit codes and words at the edges: inputs and outputs that are not what they should be, limits, and
permissions that lack. A row of a table is a command, the code it must exit with, and the words that an
operator must find on standard error."""
import contextlib
import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import time

import pytest

from lab import HALFOPEN, Lab, cookie, keepalive, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDING = os.path.join(HERE, "..", "recordings", "gaps_end_in_loss.ho.zst")
PLAIN = os.path.join(HERE, "..", "recordings", "format2.ho")
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all",
          "--bounding-set=-all"]


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def halfopen(*arguments, wrapper=(), **keywords):
    keywords.setdefault("stdin", subprocess.DEVNULL)
    keywords.setdefault("timeout", 60)
    keywords.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([*wrapper, HALFOPEN, *arguments], stderr=subprocess.PIPE, text=True,
                          **keywords)


def open_the_way_to(directory):
    """For anybody."""
    while str(directory) != "/tmp":
        directory.chmod(0o755)
        directory = directory.parent


def expect(r, code, words):
    assert r.returncode == code and re.search(words, r.stderr), (r.returncode, r.stderr)


# ---- inputs ----

TIMELINES = ('{"schema":"halfopen.meta/1","gateway":"g","boot_id":"b","run_id":"r","seq":0,'
             '"all":true,"hz":250,"sysctl":[],"started_at":"2026-11-21T03:13:34.945356496Z"}\n')
ADVICE = '{"schema":"halfopen.advice/1","gateway":"g","scope":{},"verdict":"none"}\n'
PCAP = b"\xd4\xc3\xb2\xa1\x02\0\x04\0" + bytes(16)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A directory with one of each kind of thing that a name may stand for."""
    d = tmp_path_factory.mktemp("inputs")
    whole, plain = open(RECORDING, "rb").read(), open(PLAIN, "rb").read()
    unpacked = subprocess.run(["zstd", "-dcq", RECORDING], capture_output=True, check=True).stdout
    contents = {
        "empty": b"", "day.jsonl": TIMELINES.encode(), "advice.json": ADVICE.encode(), "x.pcap": PCAP,
        "text": b"Nov 26 02:14:10 gw sshd[1]: hello\n", "x.gz": b"\x1f\x8b\x08\0" + bytes(30),
        "cut.ho.zst": whole[:len(whole) * 2 // 3], "cut.ho": unpacked[:len(unpacked) - 5],
        "early.ho": plain[:16], "early.ho.zst": whole[:60], "magic.ho": plain[:11],
        "boundary.ho": unpacked[:-16], "cut.jsonl": TIMELINES.encode() + TIMELINES.encode()[:40],
    }
    for name, content in contents.items():
        (d / name).write_bytes(content)
    os.mkdir(d / "directory")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(d / "socket"))
    yield d
    listener.close()


A_DIRECTORY = "directory: is a directory: expected "
INPUTS = [
    # a recording
    ("watch -r {}/directory", 2, A_DIRECTORY + "a recording"),
    ("watch -r {}/nowhere", 2, "nowhere: No such file or directory: expected a recording"),
    ("watch -r {}/socket", 2, "socket: is a socket: expected a recording"),
    ("watch -r {}/empty", 2, "empty: not a recording: it is empty"),
    ("watch -r /dev/null", 2, "/dev/null: not a recording: it is empty"),
    ("watch -r /dev/zero", 2, "/dev/zero: not a recording: it does not begin with HALFOPEN"),
    ("watch -r -", 2, "not a recording: it is empty"),
    ("watch -r {}/day.jsonl", 2, "not a recording: .*these are timelines.*'halfopen advise'"),
    ("watch -r {}/advice.json", 2, "not a recording: .*halfopen.advice/1.*'halfopen apply'"),
    ("watch -r {}/x.pcap", 2, "not a recording: .*a capture of packets"),
    ("watch -r {}/x.gz", 2, "not a recording: .*gzip"),
    ("watch -r {}/cut.ho.zst", 2, "cut off in the record at byte \\d+ \\(decompressed\\)"),
    ("watch -r {}/cut.ho", 2, "cut off in the record at byte \\d+"),
    ("watch -r {}/magic.ho", 2, "magic.ho: .*cut off"),
    ("watch -r {}/early.ho", 2, "early.ho: it ends before the watch began: expected "),
    ("watch -r {}/early.ho.zst", 2, "early.ho.zst: "),
    ("watch -r {}/boundary.ho", 0, "cut off where its writer stood: the watch was killed"),
    # timelines or a recording
    ("advise {}/directory", 2, A_DIRECTORY + "timelines .* or a recording"),
    ("advise {}/nowhere", 2, "nowhere: No such file or directory: expected timelines"),
    ("advise {}/socket", 2, "socket: is a socket: expected timelines"),
    ("advise {}/empty", 2, "empty: .*it is empty: expected timelines .* or a recording"),
    ("advise /dev/null", 2, "/dev/null: .*it is empty"),
    ("advise -", 2, "standard input: .*it is empty"),
    ("advise {}/advice.json", 2, "advice.json: .*halfopen.advice/1.*'halfopen apply'"),
    ("advise {}/x.pcap", 2, "x.pcap: .*a capture of packets"),
    ("advise {}/x.gz", 2, "x.gz: .*gzip"),
    ("advise {}/text", 2, "text: line 1, column \\d+: expected a line of halfopen's JSON"),
    ("advise {}/cut.jsonl", 2, "cut.jsonl: .*cut off in line 2"),
    ("advise {}/cut.ho", 2, "cut.ho: .*cut off in the record at byte"),
    ("advise {}/cut.ho.zst", 2, "cut.ho.zst: .*cut off in the record at byte"),
    ("advise - -", 2, "'-'.*once"),
    ("advise --compare - -", 2, "'-'.*once"),
    ("advise --groups {}/directory {}/day.jsonl", 2, A_DIRECTORY),
    ("advise --groups {}/nowhere {}/day.jsonl", 2, "nowhere: No such file"),
    # advice
    ("apply --dry-run {}/directory", 2, A_DIRECTORY + "advice"),
    ("apply --dry-run {}/empty", 2, "empty: .*it is empty"),
    ("apply --dry-run {}/day.jsonl", 2, "day.jsonl:1: schema: expected halfopen.advice/1"),
    ("apply --dry-run {}/socket", 2, "socket: is a socket: expected advice"),
    # identities
    ("watch --for 1s --identities {}/directory", 2, A_DIRECTORY + "identities"),
    ("watch --for 1s --identities {}/socket", 2, "socket: is a socket: expected .*unix:"),
    ("watch --for 1s --identities /dev/zero", 2, "/dev/zero: is a device: expected identities"),
    # a key
    ("watch --for 1s --peers pseudonym --peers-key {}/directory", 2, A_DIRECTORY + "a key"),
    ("watch --for 1s --peers pseudonym --peers-key {}/empty", 2, "a key of at least 16 bytes"),
    # what cannot be two things at once
    ("watch -w - --for 1s", 2, "standard output.*-o"),
    ("watch -o {}/same -w {}/same --for 1s", 2, "same.*both"),
    ("watch -r {}/boundary.ho -o {}/boundary.ho", 2, "boundary.ho.*both"),
]


@pytest.mark.parametrize("command,code,words", INPUTS, ids=[c for c, _, _ in INPUTS])
def test_inputs(inputs, command, code, words):
    r = halfopen(*command.format(*[inputs] * 3).split())
    expect(r, code, words)
    for name in ("boundary.ho", "day.jsonl"):
        assert os.path.getsize(inputs / name) > 0, "an input was written over"


def test_what_was_before_the_cut_is_told(inputs):
    for name, option in (("cut.ho", "--json"), ("cut.ho.zst", "--json")):
        r = halfopen("watch", "--all", option, "-r", inputs / name)
        lines = [json.loads(l)["schema"] for l in r.stdout.splitlines()]
        assert r.returncode == 2 and lines[0] == "halfopen.meta/1" and len(lines) > 1
    r = halfopen("advise", "--json", inputs / "cut.ho")
    assert r.returncode == 2 and '"halfopen.advice/1"' in r.stdout, r.stdout


UNREADABLE = [
    ("watch -r {}/x", "Permission denied: expected a recording"),
    ("advise {}/x", "Permission denied: expected timelines"),
    ("apply --dry-run {}/x --dry-run", "Permission denied: expected advice"),
    ("watch --peers pseudonym --peers-key {}/x", "Permission denied: expected a key"),
]


@pytest.mark.parametrize("command,words", UNREADABLE, ids=[c for c, _ in UNREADABLE])
def test_unreadable_for_somebody_else(tmp_path, command, words):
    path = tmp_path / "x"
    path.write_bytes(open(PLAIN, "rb").read())
    path.chmod(0)
    open_the_way_to(tmp_path)
    expect(halfopen(*command.format(tmp_path).split(), wrapper=NOBODY), 2, words)


FIFOS = [("watch --json -r {}", RECORDING, 0), ("advise {}", RECORDING, 0),
         ("apply --dry-run {}", None, 2)]


@pytest.mark.parametrize("command,content,code", FIFOS, ids=[c for c, _, _ in FIFOS])
def test_a_fifo_without_a_writer(tmp_path, command, content, code):
    """It is waited for with a word, and read once somebody writes."""
    path = str(tmp_path / "fifo")
    os.mkfifo(path)
    words = f"halfopen: waiting for a writer of {path}\n"
    for write in (True, False):
        p = subprocess.Popen([HALFOPEN, *command.format(path).split()], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        assert p.stderr.readline() == words
        if write:
            with open(path, "wb") as f:
                f.write(open(content, "rb").read() if content else ADVICE.encode())
            _, said = p.communicate(timeout=60)
            assert p.returncode == code, said
        else:
            p.send_signal(signal.SIGINT)    # ends the wait, quietly
            out, said = p.communicate(timeout=60)
            assert said == "" and out == "" and p.returncode == -signal.SIGINT


def test_a_fifo_without_a_reader(tmp_path):
    path = str(tmp_path / "fifo")
    os.mkfifo(path)
    p = subprocess.Popen([HALFOPEN, "watch", "--json", "-r", RECORDING, "-o", path],
                         stderr=subprocess.PIPE, text=True)
    assert p.stderr.readline() == f"halfopen: waiting for a reader of {path}\n"
    with open(path) as f:
        assert f.readline().startswith('{"schema":"halfopen.meta/1"')
        f.read()
    assert p.wait(60) == 0
    p.stderr.close()


# ---- outputs ----

FULL = "standard output: No space left on device"
OUTPUTS = [
    ("--version", FULL), ("--help", FULL), ("help", FULL), ("watch --help", FULL), ("apply --help", FULL),
    ("explain linux:7200/75/9 nat=900", FULL), ("doctor", FULL), ("doctor --json", FULL),
    ("advise {recording}", FULL), ("advise --json {recording}", FULL),
    ("watch -r {recording}", FULL), ("watch --json -r {recording}", FULL),
    ("watch --json -r {recording} -o /dev/full", "/dev/full: No space left on device"),
    ("watch --json --for 1s -o /dev/full", "/dev/full: No space left on device"),
    ("watch --for 2s -w /dev/full -o /dev/null", "/dev/full: No space left on device"),
    ("watch --for 2s -w - -o /dev/null", FULL),
    ("apply --dry-run --idle 240", FULL + "; nothing is changed"), ("revert --state {state}", FULL),
]


@pytest.mark.parametrize("command,words", OUTPUTS, ids=[c for c, _ in OUTPUTS])
def test_full_outputs(tmp_path, command, words):
    with open("/dev/full", "w") as full:
        r = halfopen(*command.format(recording=RECORDING, state=tmp_path / "state").split(),
                     stdout=full)
    assert r.returncode == 1 and r.stderr == f"halfopen: {words}\n", (r.returncode, r.stderr)


CLOSED = ["--version", "explain linux", "watch --json -r {}", "advise {}", "revert --state {}x"]


@pytest.mark.parametrize("command", CLOSED)
def test_a_standard_output_that_is_closed(tmp_path, command):
    """It is not the next file that is opened."""
    r = subprocess.run(["sh", "-c", '"$0" "$@" >&-', HALFOPEN, *command.format(RECORDING).replace(
        RECORDING + "x", str(tmp_path / "state")).split()], stderr=subprocess.PIPE, text=True)
    assert r.returncode == 1 and r.stderr == "halfopen: standard output: Bad file descriptor\n", r


def test_nothing_is_applied_that_nobody_can_read(lab, tmp_path):
    with open("/dev/full", "w") as full:
        r = halfopen("apply", "--idle", "77", "--yes", "--netns", lab.gateway.name, "--state",
                     str(tmp_path), stdout=full)
    expect(r, 1, "standard output: No space left on device; nothing is changed")
    value = subprocess.run(["ip", "netns", "exec", lab.gateway.name, "cat",
                            "/proc/sys/net/ipv4/tcp_keepalive_time"], capture_output=True, text=True)
    assert value.stdout == "7200\n"


GONE = ["--help", "doctor", "advise {}", "watch --json -r {}", "watch --events --all -r {}"]


@pytest.mark.parametrize("command", GONE)
def test_a_reader_that_is_gone(command):
    read, write = os.pipe()
    os.close(read)
    r = halfopen(*command.format(RECORDING).split(), stdout=write)
    os.close(write)
    assert r.returncode == 0 and r.stderr == "", r


def start(*arguments, stdout, **keywords):
    return subprocess.Popen([HALFOPEN, "watch", *arguments], stdout=stdout, stderr=subprocess.PIPE,
                            text=True, **keywords)


@pytest.mark.parametrize("form", [["--json"], []])
def test_a_reader_that_goes_away_ends_the_watch(lab, form):
    """Even where nothing more is to be written: nothing happens in this namespace."""
    watch = start(*form, f"netns = {lab.gateway.inode}", stdout=subprocess.PIPE)
    watch.stdout.readline()
    watch.stdout.close()
    assert watch.wait(60) == 0 and watch.stderr.read() == ""
    watch.stderr.close()


def test_a_recording_goes_on_without_a_reader(lab):
    path = lab.path("x.ho")
    watch = lab.end_process(start("--json", "--events", "-w", path, f"netns = {lab.gateway.inode}",
                                  stdout=subprocess.PIPE))
    watch.stdout.readline()
    watch.stdout.close()
    gateway, device = lab.connect()
    key = cookie(gateway)
    time.sleep(1)
    assert watch.poll() is None
    device.close()
    gateway.close()
    time.sleep(1)
    watch.send_signal(signal.SIGTERM)
    assert watch.wait(60) == 0 and watch.stderr.read() == ""
    watch.stderr.close()
    r = halfopen("watch", "--json", "--all", "-r", path)
    assert r.returncode == 0 and f'"cookie":"{key}"' in r.stdout and r.stderr == ""


# ---- signals ----

@contextlib.contextmanager
def standing_reader(lab, kind):
    """(what is written to, how to read what arrived): a reader that reads nothing, and has little room."""
    if kind == "socket":
        ours, theirs = socket.socketpair()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        read, write = ours.detach(), theirs.detach()
    elif kind == "terminal":
        read, write = os.openpty()
    else:
        read, write = os.pipe()
        import fcntl
        fcntl.fcntl(write, 1031, 4096)      # F_SETPIPE_SZ
    yield read, write
    os.close(read)


@pytest.mark.parametrize("how,kind", [(signal.SIGINT, "pipe"), (signal.SIGTERM, "pipe"),
                                      (signal.SIGTERM, "socket"), (signal.SIGTERM, "terminal"),
                                      (None, "pipe")])
def test_a_reader_that_stands_still(lab, how, kind):
    """Signals are heard, and the end of --for: 5 s later it ends with 1, and says what is missing."""
    with standing_reader(lab, kind) as (read, write):
        watch = lab.end_process(start("--json", "--events", "--all", f"netns = {lab.gateway.inode}",
                                      *([] if how else ["--for", "4s"]), stdout=write))
        os.close(write)
        assert select.select([read], [], [], 20)[0]
        for _ in range(400):
            for s in lab.connect():
                s.close()
        time.sleep(2 if how else 4)
        assert watch.poll() is None
        began = time.monotonic()
        if how:
            watch.send_signal(how)
        assert watch.wait(60) == 1
        assert time.monotonic() - began < 12
        said = watch.stderr.read()
        watch.stderr.close()
        unwritten = int(re.fullmatch(r"halfopen: standard output: its reader stands still: (\d+) "
                                     r"lines were not written\n", said)[1])
        arrived = b""
        with contextlib.suppress(OSError):
            while chunk := os.read(read, 65536):
                arrived += chunk
    lines = arrived.split(b"\n")[:-1]
    for number, line in enumerate(lines):   # to the last whole one
        assert json.loads(line)["seq"] == number
    # opened and closed, and told at the end
    assert len(lines) + unwritten >= 3 * 400, (len(lines), unwritten)


def test_a_slow_reader_is_waited_for(lab):
    """One that goes on reading gets all there is."""
    with standing_reader(lab, "pipe") as (read, write):
        watch = lab.end_process(start("--json", "--events", "--all", f"netns = {lab.gateway.inode}",
                                      stdout=write))
        os.close(write)
        assert select.select([read], [], [], 20)[0]
        for _ in range(100):
            for s in lab.connect():
                s.close()
        time.sleep(1.5)
        watch.send_signal(signal.SIGINT)
        time.sleep(3)
        arrived = b""
        while chunk := os.read(read, 4096):
            arrived += chunk
        assert watch.wait(60) == 0, watch.stderr.read()
        watch.stderr.close()
    seqs = [json.loads(line)["seq"] for line in arrived.splitlines()]
    assert seqs == list(range(len(seqs))) and len(seqs) >= 300


def schemas(path):
    with open(path) as f:
        return [json.loads(line)["schema"].split(".")[1] for line in f]


def test_sighup_opens_the_files_anew(lab):
    out, recording = lab.path("out.jsonl"), lab.path("x.ho")
    watch = lab.end_process(start("--json", "--events", "--all", "-o", out, "-w", recording,
                                  f"netns = {lab.gateway.inode}", stdout=subprocess.DEVNULL,
                                  start_new_session=True))
    wait_until(lambda: os.path.exists(out) and os.path.getsize(out), 20, "the first line")

    def live():
        gateway, device = lab.connect()
        key = cookie(gateway)
        device.close()
        gateway.close()
        return key

    def told(key, path):
        with open(path) as f:
            return f'"cookie":"{key}"' in f.read()
    before = live()
    wait_until(lambda: told(before, out), 10, "the first life")
    watch.send_signal(signal.SIGHUP)    # nobody moved them: nothing is lost
    time.sleep(0.5)
    between = live()
    wait_until(lambda: told(between, out), 10, "the second life")
    assert told(before, out)
    for path in (out, recording):
        os.rename(path, path + ".1")
    watch.send_signal(signal.SIGHUP)
    wait_until(lambda: os.path.exists(out) and os.path.exists(recording), 10, "new files")
    time.sleep(1.5)
    after = live()
    wait_until(lambda: told(after, out), 10, "the third life")
    assert not told(before, out) and told(before, out + ".1") and told(between, out + ".1")
    assert os.stat(out).st_mode & 0o777 == 0o600
    watch.send_signal(signal.SIGTERM)
    assert watch.wait(60) == 0 and watch.stderr.read() == ""
    watch.stderr.close()
    for path, here, elsewhere in ((recording + ".1", before, after), (recording, after, before)):
        r = halfopen("watch", "--json", "--all", "-r", path)
        assert r.returncode == 0 and r.stderr == "", r.stderr
        assert f'"cookie":"{here}"' in r.stdout and f'"cookie":"{elsewhere}"' not in r.stdout


def test_sighup_ends_what_has_no_files(lab):
    watch = lab.end_process(start("--json", f"netns = {lab.gateway.inode}", stdout=subprocess.PIPE))
    watch.stdout.readline()
    watch.send_signal(signal.SIGHUP)
    watch.communicate(timeout=60)
    assert watch.returncode == 0


@pytest.mark.parametrize("nohup", [False, True])
def test_a_terminal_that_hangs_up(lab, nohup):
    """It ends the watch that it began, though there is a file; but not under nohup(1)."""
    import pty
    import termios
    out = lab.path("out.jsonl")
    pid, terminal = pty.fork()
    if not pid:     # the leader of a session, as a shell is; the watch is its child
        if nohup:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.execv(HALFOPEN, [HALFOPEN, "watch", "--json", "-o", out, f"netns = {lab.gateway.inode}"])
    try:
        wait_until(lambda: os.path.exists(out) and os.path.getsize(out), 20, "the first line")
        os.close(terminal)
        if nohup:
            time.sleep(2)
            assert os.waitpid(pid, os.WNOHANG) == (0, 0)
        else:
            ended = wait_until(lambda: (w := os.waitpid(pid, os.WNOHANG))[0] and w, 10, "its end")
            pid = 0
            assert os.waitstatus_to_exitcode(ended[1]) == 0
    finally:
        if pid:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)


# ---- limits ----

@pytest.mark.parametrize("files", [8, 10, 12, 16, 20, 30, 40, 45])
def test_too_few_open_files(files):
    r = halfopen("watch", "--for", "1s", wrapper=["prlimit", f"--nofile={files}"])
    expect(r, 1, f"^halfopen: .*: Too many open files: the limit is {files}, and 64 are needed")
    assert "kernel does not take" not in r.stderr and len(r.stderr.splitlines()) == 1, r.stderr


def test_enough_open_files():
    assert halfopen("watch", "--for", "1s", wrapper=["prlimit", "--nofile=64"]).returncode == 0


def test_a_limit_of_the_size_of_files(lab):
    path = lab.path("x.ho")
    pairs = [lab.connect() for _ in range(50)]
    r = halfopen("watch", "-w", path, "--for", "5s", wrapper=["prlimit", "--fsize=8192"])
    assert r.returncode == 1 and r.stderr == f"halfopen: {path}: File too large\n" and pairs, r


def test_doctor_with_too_few_open_files():
    r = halfopen("doctor", "--json", wrapper=["prlimit", "--nofile=40"])
    finding, = [f for f in json.loads(r.stdout)["findings"] if f["id"] == "open_files"]
    assert r.returncode == 3 and finding["level"] == "problem" and "is 40, and 64" in finding["what"]


def test_a_bound_that_holds_no_more_than_who_is_open(lab):
    """Known at the start: it is refused, with what it would have to be."""
    pairs = [lab.connect() for _ in range(200)]
    r = halfopen("watch", "--json", "-w", lab.path("x.ho"), "--record-max", "128KiB", "--for", "3s",
                 f"netns = {lab.gateway.inode}")
    expect(r, 2, "--record-max: 128KiB would hold little more than who is open now: expected at "
                 "least \\d+KiB")
    assert r.stdout == "" and pairs
    least = re.search(r"at least (\S+)", r.stderr)[1]
    r = halfopen("watch", "--json", "-w", lab.path("x.ho"), "--record-max", least, "--for", "1s",
                 f"netns = {lab.gateway.inode}")
    assert r.returncode == 0, r.stderr


def test_a_bound_that_becomes_too_small(lab):
    """More sockets come than it has room for: that is said once, and files are not changed for ever."""
    path = lab.path("x.ho")
    watch = lab.watch("-w", path, "--record-max", "256KiB", f"netns = {lab.gateway.inode}")
    pairs = [lab.connect() for _ in range(400)]
    for _ in range(300):
        for s in lab.connect():
            s.close()
    inodes, end = set(), time.monotonic() + 8
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError):
            inodes.add(os.stat(path).st_ino)
        time.sleep(0.05)
    assert watch.stop() == 0 and pairs
    said = watch.stderr()
    assert len(inodes) <= 3, inodes
    assert re.fullmatch(rf"halfopen: {path}: there are more open sockets than --record-max has room "
                        r"for: from now on the recording takes up to \d+KiB instead of 256KiB\n", said)


# ---- permissions ----

def without(*capabilities):
    names = ",".join("-" + c for c in capabilities)
    return ["setpriv", f"--bounding-set={names}", f"--inh-caps={names}"]


HOST = "CAP_BPF and CAP_PERFMON in the host's user namespace"
PERMISSIONS = [
    (NOBODY, "watch", 77, "not permitted: watching needs CAP_BPF and CAP_PERFMON"),
    (NOBODY, "advise --live 1s", 77, "not permitted: watching needs CAP_BPF and CAP_PERFMON"),
    (NOBODY, "apply --idle 240 --yes", 77, "--state|CAP_NET_ADMIN"),
    (NOBODY, "apply --idle 240 --yes --state {}", 77, "needs CAP_NET_ADMIN"),
    (NOBODY, "apply --idle 240 --netns {netns} --yes --state {}", 77, "CAP_SYS_ADMIN"),
    (NOBODY, "apply --idle 240 --netns 1 --yes --state {}", 77, "CAP_SYS_PTRACE"),
    (NOBODY, "apply --idle 240 --dry-run", 0, "^$"),
    (NOBODY, "revert", 77, "--state"),
    (NOBODY, "explain linux", 0, "^$"),
    (["unshare", "-Ur"], "watch", 77, HOST),
    (["unshare", "-Ur"], "advise --live 1s", 77, HOST),
    (without("sys_admin"), "watch --for 1s netns = {netns}", 77,
     "not permitted: 'netns = {netns}' needs CAP_SYS_ADMIN"),
    (without("sys_admin"), "watch --for 1s not ( sport = :1 or netns != {netns} )", 77, "CAP_SYS_ADMIN"),
    (without("sys_admin"), "watch --for 1s netns = {inode}", 0, "^$"),
    (without("sys_admin"), "watch --for 1s", 0, "^$"),
    (without("sys_admin"), "apply --idle 240 --netns {netns} --yes --state {}", 77,
     "not permitted: entering namespace \\S*{netns} needs CAP_SYS_ADMIN"),
    (without("sys_admin", "net_admin"), "apply --idle 240 --yes --state {}", 0, "^$"),
]


@pytest.mark.parametrize("wrapper,command,code,words", PERMISSIONS,
                         ids=[f"{w[0]}{len(w[1])}-{c}" for w, c, _, _ in PERMISSIONS])
def test_permissions(lab, tmp_path, wrapper, command, code, words):
    names = {"netns": lab.gateway.name, "inode": lab.gateway.inode}
    state = tmp_path / "state"
    state.mkdir()
    open_the_way_to(tmp_path)
    state.chmod(0o700)
    if wrapper is NOBODY:
        os.chown(state, 65534, 65534)
    command = command.format(state, **names)
    if wrapper is not NOBODY and "--idle 240 --yes" in command:     # a namespace of the lab's own
        wrapper = ["ip", "netns", "exec", lab.gateway.name, *wrapper]
    expect(halfopen(*command.split(), wrapper=wrapper), code, words.format(**names))
