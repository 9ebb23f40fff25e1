# SPDX-License-Identifier: GPL-2.0
"""Bytes that strangers chose, through every name they can choose, into everything that we write: no
terminal obeys, reorders or hides any of it, no line is torn, and JSON reads back as it was. Judged by
Python's Unicode tables."""
import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import unicodedata

import pytest

from lab import HALFOPEN, Lab, inside, run, wait_until
from test_addresses import Tenant

# Invisible without being of a category that says so (Default_Ignorable_Code_Point).
IGNORABLE = {0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x3164, 0xffa0, *range(0x180b, 0x1810),
             *range(0xfe00, 0xfe10), *range(0xe0100, 0xe01f0)}
OUR_COLOURS = re.compile(r"\x1b\[(0|2|31|32|33)m")
# A program's name has fifteen bytes.
COMM = b"\x1b[31mX\"\n\xff\xc2\x9b%s\r"
EVIL = b"\x1b[2J\r\n\x07\x7f\xff\xc0\x8a\xed\xa0\x80" + \
    "\u009b31m\u202e\u2066\u200b\u2028\ufeff\U000e0041\u061c%s%n".encode()


def hidden(text):
    return {hex(ord(c)) for c in text if c != "\n" and (
        unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") or ord(c) in IGNORABLE)}


def harmless(said):
    """Text of `said`, which a terminal may show."""
    text = said.decode() if isinstance(said, bytes) else said
    assert not hidden(text), (hidden(text), text)
    return text


def halfopen(*arguments, **keywords):
    r = subprocess.run([HALFOPEN, *arguments], capture_output=True, timeout=120, **keywords)
    harmless(r.stderr)
    harmless(r.stdout)
    return r


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


# ---- arguments, files and what is in them ----

VERBS = {
    "verb": [EVIL], "option": ["watch", b"--" + EVIL], "short option": ["watch", b"-q" + EVIL],
    "no option's value": ["advise", b"--x=" + EVIL], "value of several": ["apply", b"--s=" + EVIL],
    "value": ["watch", b"--for=" + EVIL], "filter": ["watch", EVIL], "filter word": ["watch", b"comm = 'x' " + EVIL],
    "replayed": ["watch", "-r", b"/nonexistent/" + EVIL], "written": ["watch", "-o", b"/nonexistent/" + EVIL, "-r", "/dev/null"],
    "recorded": ["watch", "-w", b"/nonexistent/" + EVIL], "identities": ["watch", "--identities", b"/nonexistent/" + EVIL],
    "identities' socket": ["watch", "--identities", b"unix:/nonexistent/" + EVIL],
    "key": ["watch", "--peers-key", b"/nonexistent/" + EVIL, "--peers", "pseudonym"],
    "spec": ["explain", b"linux:" + EVIL], "second spec": ["explain", "linux", EVIL],
    "timelines": ["advise", b"/nonexistent/" + EVIL], "groups": ["advise", "--groups", b"/nonexistent/" + EVIL, "x"],
    "budget": ["advise", "--budget", EVIL, "x"], "advice": ["apply", b"/nonexistent/" + EVIL],
    "idle": ["apply", "--idle", EVIL], "netns": ["apply", "--idle", "9", "--dry-run", "--netns", EVIL],
    "netns path": ["apply", "--idle", "9", "--dry-run", "--netns", b"/nonexistent/" + EVIL],
    "revert": ["revert", "--netns", EVIL], "extra": ["revert", EVIL], "doctor": ["doctor", EVIL],
}


@pytest.mark.parametrize("arguments", VERBS.values(), ids=VERBS)
def test_arguments_are_echoed_harmless(arguments, tmp_path):
    state = ["--state", str(tmp_path)] if arguments[0] in ("apply", "revert") else []
    r = halfopen(*arguments, *state)
    assert r.returncode == 2, r
    assert rb"\x1b[2J\x0d\x0a\x07\x7f\xff\xc0\x8a\xed\xa0\x80\u009b31m\u202e" in r.stderr, r
    # the line, and argp's "Try ... --help", in two lines at most
    assert len(r.stderr.splitlines()) <= (5 if b"column" in r.stderr else 3), r.stderr


@pytest.mark.parametrize("length", [600, 60000])
def test_a_long_argument_is_cut(length):
    r = halfopen("watch", "--for=" + "\u00e9" * length)
    said = r.stderr.decode().split("'")
    assert r.returncode == 2 and len(said[1]) == min(length, 1024)
    assert (said[1][-3:] == "...") == (length > 1024)


def test_files_are_quoted_harmless(lab):
    """Of lines that are none of ours little is said, and that is harmless; so is the file's name."""
    for n, content in enumerate((EVIL, b"{" + EVIL, b'{"schema": "' + EVIL, b'{"schema": "x\\u001b[2J"}\n',
                                 b"HALFOPEN" + EVIL * 10, EVIL * 1000, b"\n", b"")):
        path = os.path.join(lab.directory.encode(), b"%d" % n + EVIL)
        with open(path, "wb") as f:
            f.write(content)
        for arguments in (["advise"], ["watch", "-r"], ["watch", "--for", "1s", "--identities"],
                          ["apply", "--dry-run", "--netns", lab.gateway.name, "--state", lab.path("s")]):
            halfopen(*arguments, path)


def test_timelines_of_a_stranger(lab):
    """Every name that a timeline may hold, into both forms of advice."""
    from test_pasted import day
    evil = EVIL.decode(errors="replace")
    lines = day({"inode": 11, "cookie": "11", "name": evil, "host_name": evil}, gateway=evil,
                boot=evil, run=evil)
    for n, line in enumerate(lines[1:]):
        line["socket"]["owner"] = {"pid": 1, "comm": evil, "cgroup": evil, "container_id": evil}
        line["socket"]["device"] = evil
        line["keepalive"]["enabled"] = n % 3 > 0
        line["keepalive"]["from"]["idle"] = "socket" if n % 3 == 1 else "sysctl"
    lines[0]["all"] = False
    lines.append({"schema": "halfopen.loss/1", "run_id": evil, "count": 3})
    path = lab.path("day.jsonl")
    with open(path, "w") as f:
        f.writelines(json.dumps(l) + "\n" for l in lines)
    with open(lab.path("later.jsonl"), "w") as f:
        f.writelines(json.dumps(dict(l, ended_at="2027-01-01T00:00:00Z")) + "\n" for l in lines)
    with open(lab.path("groups"), "wb") as f:
        f.write(b"203.0.113.0/24 " + EVIL.replace(b"\n", b"").replace(b" ", b"") + b"\n")
    for more in ([], ["--policy"], ["--compare", lab.path("later.jsonl")], ["--groups", lab.path("groups")],
                 ["--policy", "--groups", lab.path("groups")]):
        r = halfopen("advise", "--detect-within", "5m", *more, path)
        assert r.returncode in (0, 3) and r.stdout, r
    text = halfopen("advise", "--detect-within", "5m", path).stdout.decode()
    assert r"(named '\x1b[2J" in text and "do: halfopen apply --idle 207" in text
    assert all(re.match(r"$|  \S|\S.*: \d+ sockets?, ", l) for l in text.splitlines()), text
    r = halfopen("advise", "--detect-within", "5m", "--json", path)
    advice = json.loads(r.stdout.splitlines()[0])
    assert advice["scope"]["gateway"] == advice["scope"]["host_name"] == evil
    comm = advice["evidence"]["without_keepalive_of"][0]["comm"]
    assert comm.startswith("\x1b[2J\r\n\x07\x7f\ufffd")   # of fifteen bytes, as programs have


@pytest.mark.parametrize("content", [b"", b"{}", b'{"netns": 1, "name": "' + EVIL + b'"}', EVIL * 100])
def test_state_that_is_not_ours(lab, content):
    """What lies where apply keeps what was there, in a directory of such a name."""
    state = os.path.join(lab.directory.encode(), b"s" + EVIL)
    os.mkdir(state)
    with open(os.path.join(state, b"applied-%d" % lab.gateway.inode), "wb") as f:
        f.write(content)
    for arguments in (["revert", "--netns", lab.gateway.name], ["revert", "--all"],
                      ["apply", "--netns", lab.gateway.name, "--idle", "120", "--dry-run"]):
        halfopen(*arguments, "--state", state)


def test_the_way_back_through_such_a_directory(lab):
    """What is printed to be pasted is harmless, whole, and leads there."""
    state = os.path.join(lab.directory.encode(), b"it's \x1b[2J\nhere\xff $(touch x)")
    r = halfopen("apply", "--netns", lab.gateway.name, "--idle", "120", "--yes", "--state", state)
    assert r.returncode == 0 and os.listdir(state), r
    undo = re.search(r"'(halfopen revert .*)' takes it back", r.stdout.decode())[1]
    r = subprocess.run(["sh", "-c", f'halfopen() {{ "{HALFOPEN}" "$@"; }}; {undo}'], cwd=lab.directory,
                       capture_output=True, text=True, timeout=60)
    assert r.returncode == 0 and "120 -> 7200" in r.stdout, (undo, r)
    assert not os.path.exists(lab.path("x"))


# ---- names of what runs here ----

HOLDER = r"""
import ctypes, socket, sys
ctypes.CDLL(None).prctl(15, bytes.fromhex(sys.argv[1]))
listener = socket.create_server(("127.0.0.1", 7100))
client = None
for line in sys.stdin:
    if client:
        client.close()
        server.close()
    client = socket.create_connection(("127.0.0.1", 7100))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    server, _ = listener.accept()
    print(client.getsockname()[1], flush=True)
"""


class Holder:
    """A program whose name is COMM, with a connection to itself in the gateway's namespace."""

    def __init__(self, lab, wrapper=()):
        self.process = lab.end_process(subprocess.Popen(
            [*wrapper, "nsenter", f"--net={lab.gateway.path}", sys.executable, "-c", HOLDER, COMM.hex()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True), signal.SIGKILL)
        self.connects()

    def connects(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


def make_cgroup(lab, name):
    """A cgroup of this name, to the end of the test; None where none can be made."""
    with open("/proc/mounts", errors="surrogateescape") as f:
        mounts = [l.split() for l in f]
    for root in [m[1] for kind in ("cgroup2", "cgroup") for m in mounts if m[2] == kind]:
        path = os.path.join(root.encode(), name)

        def is_removed(path=path):
            with contextlib.suppress(OSError):
                os.rmdir(path)
            return not os.path.exists(path)
        with contextlib.suppress(OSError):
            os.mkdir(path)
            lab.cleanup.callback(wait_until, is_removed, 20, "the cgroup's end")
            return path
    print("no cgroup could be made here: its name is not tried")
    return None


def say_who(lab, ids, port):
    """The device of the connection from this port, and of the one to it."""
    device = (EVIL + b"d" * 150)[:200].decode(errors="replace")
    with open(ids, "a") as f:
        for end in (port, 7100):
            f.write(json.dumps({"peer": f"127.0.0.1:{end}", "device": device}) + "\n")
    return device


def read_all(fd, until):
    """What comes out of a terminal until `until()`."""
    said, end = b"", time.monotonic() + 120
    while not until(said):
        assert time.monotonic() < end, said
        if select.select([fd], [], [], 0.2)[0]:
            try:
                said += os.read(fd, 65536)
            except OSError:
                break
    return said


def test_text_to_a_file_and_a_terminal(lab):
    """Columns, happenings, a summary, a status, with colours and without."""
    holder, tenant = Holder(lab), Tenant(lab, EVIL[:60])
    ids = lab.path("ids")
    open(ids, "w").close()
    wanted = f"netns = {lab.gateway.inode} or netns = {tenant.inode}"
    with open(lab.path("text"), "wb") as out:
        to_file = lab.end_process(subprocess.Popen(
            [HALFOPEN, "watch", "--all", "--events", "--utc", "--identities", ids, wanted], stdout=out,
            stderr=subprocess.PIPE), signal.SIGINT)
    ours, theirs = pty.openpty()
    lab.cleanup.callback(os.close, ours)
    to_terminal = lab.end_process(subprocess.Popen(
        [HALFOPEN, "watch", "--all", "--events", "--utc", "--identities", ids, wanted],
        stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm", "NO_COLOR": ""}), signal.SIGINT)
    os.close(theirs)
    said = read_all(ours, lambda said: b"would never notice" in said)
    wait_until(lambda: os.path.getsize(lab.path("text")), 30, "the summary")
    for _ in range(3):
        say_who(lab, ids, holder.connects())
        tenant.connects()
        time.sleep(0.5)
    said += read_all(ours, lambda said: b" so far " in said)    # the status
    holder.connects()
    said += read_all(ours, lambda said: b"established" in said)
    for process in (to_file, to_terminal):
        process.send_signal(signal.SIGINT)
    said += read_all(ours, lambda said: b"watched for" in said and said.endswith(b"\n"))
    assert to_file.wait(60) == 0 and to_terminal.wait(60) == 0
    with open(lab.path("text"), "rb") as f:
        texts = [harmless(f.read())]
    harmless(to_file.stderr.read())
    said = said.decode().replace("\r\n", "\n").replace("\r\x1b[K", "\n")
    assert OUR_COLOURS.search(said)
    texts.append(harmless(OUR_COLOURS.sub("", said)))
    for text in texts:
        comm = r'\x1b[31mX"\x0a\xff\u009b%s\x0d'
        assert f"{comm}/{holder.process.pid}@{lab.gateway.name}" in text, text
        assert "would never notice a dead peer" in text.splitlines()[0]
        assert re.search(r" \(\\x1b\[2J\\x0d\\x0a\\x07\\x7f\\ufffd|\(\\x1b\[2J\\x0d\\x0a\\x07\\x7f", text), text
        assert r"(host \x1b\x5b2J\x0d\x0a" in text
        lines = [l for l in text.splitlines() if l]
        torn = [l for l in lines if not re.match(
            r"\d\d:\d\d:\d\d\.\d{3}\+00:00  \S|watched for |[\d,]+ sockets? in |"
            r"\d\d:\d\d:\d\d\+00:00 \d+ open, |PROGRAM +PORT |\S+ +(\d+|out) ", l)]
        assert not torn, torn
        # no name of a device is shown in full length
        assert "d" * 65 not in text and "... )" not in text and "...)" in text


def test_json_reads_back_as_it_was(lab):
    """A program, its cgroup, a device; and where the tenant lives. The recording and its replay, too."""
    name = f"halfopen-{os.getpid()}-".encode() + EVIL.replace(b"/", b"").replace(b"\n", b"")
    group = make_cgroup(lab, name)
    holder, tenant = Holder(lab), Tenant(lab, EVIL[:60])
    ids, recording = lab.path("ids"), lab.path("r.ho")
    open(ids, "w").close()
    if group:
        with open(os.path.join(group, b"cgroup.procs"), "w") as f:
            f.write(str(holder.process.pid))
    watch = lab.watch("--all", "--events", "-w", recording, "--identities", ids,
                      f"netns = {lab.gateway.inode} or netns = {tenant.inode}")
    for _ in range(3):
        device = say_who(lab, ids, holder.connects())
        tenant.connects()
        time.sleep(0.7)

    def named():
        return [t["socket"] for t in watch.lines("timeline") if t["socket"].get("owner", {}).get(
            "pid") == holder.process.pid and t["socket"].get("device")]
    wait_until(lambda: holder.connects() and named(), 60, "an owner and a device")
    assert watch.stop() == 0
    with open(watch.output, "rb") as f:
        said = f.read()
    harmless(said)
    replayed = halfopen("watch", "--json", "--all", "--events", "-r", recording).stdout
    harmless(replayed)
    for lines in (said, replayed):
        sockets = [l["socket"] for l in map(json.loads, lines.splitlines()) if "socket" in l]
        mine = [s for s in sockets if s.get("owner", {}).get("pid") == holder.process.pid]
        assert {s["owner"]["comm"] for s in mine} == {COMM.decode(errors="replace")}
        assert {s["device"] for s in mine if "device" in s} == {device}
        if group:
            assert any(name.decode(errors="replace") in s["owner"].get("cgroup", "") for s in mine), mine
        theirs = [s for s in sockets if s["netns"]["inode"] == tenant.inode]
        assert theirs and {s["netns"]["host_name"] for s in theirs} == {EVIL[:60].decode(errors="replace")}
    harmless(halfopen("watch", "--all", "--events", "-r", recording).stdout)


def test_doctor_and_apply_name_strangers(lab):
    """A name of `ip netns` that is none to us, a host name, a program."""
    Holder(lab)
    tenant = Tenant(lab, EVIL[:60])
    odd = f"ho{os.getpid()}".encode() + EVIL.replace(b"/", b"")
    run(b"ip", b"netns", b"add", odd)
    lab.cleanup.callback(run, b"ip", b"netns", b"del", odd)
    for path in (b"/run/netns/" + odd, tenant.path.encode(), lab.gateway.path.encode()):
        with inside(path), open("/proc/sys/net/ipv4/tcp_keepalive_time", "w") as f:
            f.write("4321")
    text = halfopen("doctor").stdout.decode()
    assert all(re.match(r"(ok|note|warning|problem) +\S|  +(unknown|do): |\S+.* see above$|watching works", l)
               for l in text.splitlines()), text
    for line in halfopen("doctor", "--json").stdout.splitlines():
        told = {n["netns"]["inode"]: n["netns"] for n in json.loads(line)["sysctl"]}
        assert told[tenant.inode]["host_name"] == EVIL[:60].decode(errors="replace")
        assert "name" not in told[os.stat(b"/run/netns/" + odd).st_ino]
    state = ["--state", lab.path("state")]
    r = halfopen("apply", "--dry-run", "--netns", lab.gateway.name, "--idle", "120", *state)
    assert r.returncode == 0 and rb'changes 1 socket (\x1b[31mX"\x0a\xff\u009b%s\x0d: 1)' in r.stdout, r
    for there in (b"/run/netns/" + odd, tenant.path, EVIL[:60].split(b"\n")[0], odd):
        for command in (["apply", "--idle", "120", "--yes"], ["revert"]):
            halfopen(*command, "--netns", there, *state)
    with inside(tenant.path):
        assert open("/proc/sys/net/ipv4/tcp_keepalive_time").read() == "4321\n"
