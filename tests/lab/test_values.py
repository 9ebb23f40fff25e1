# SPDX-License-Identifier: GPL-2.0
"""Values: what the kernel may hold comes back; what no clock, kernel or file can mean is refused, by
every option of every command, in timelines and in identities."""
import json
import re
import subprocess

import pytest

from guards import guards
from lab import HALFOPEN, Lab, run, wait_until
from test_apply import KEYS, apply, revert, values
from test_right_place import Host


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def call(*arguments, **keywords):
    return subprocess.run([HALFOPEN, *arguments], capture_output=True, text=True, errors="replace", timeout=60,
                          stdin=subprocess.DEVNULL, **keywords)


# ---- what the kernel holds ----

HELD = [(-1, 75, 9), (7200, -1, 9), (-2147483, -2147483, 0), (0, 0, 0), (2147483, 2147483, 255),
        (40000, 32768, 128)]


@pytest.mark.parametrize("held", HELD, ids=["/".join(map(str, h)) for h in HELD])
def test_whatever_the_kernel_holds_comes_back(lab, held):
    """As sysctl(8) writes and reads it."""
    for key, value in zip(KEYS, held):
        r = subprocess.run(["ip", "netns", "exec", lab.gateway.name, "sysctl", "-q", "-w",
                            f"net.ipv4.tcp_keepalive_{key}={value}"], capture_output=True, text=True)
        if r.returncode or values(lab.gateway)[KEYS.index(key)] != value:
            pytest.skip(f"this kernel does not take {value} for tcp_keepalive_{key}: {r.stderr}")
    for arguments in (["--idle", "120"], ["--interval", "20", "--probes", "4"], ["--probes", "3"],
                      ["--idle", "110", "--trial", "1h"]):
        r = apply(lab, *arguments, "--yes")
        assert r.returncode == 0, r
        assert "nan" not in r.stdout and "4294967" not in r.stdout, r.stdout
    r = revert(lab)
    assert r.returncode == 0 and values(lab.gateway) == held, r
    assert f"110 -> {held[0]}\n" in r.stdout, r.stdout
    wait_until(lambda: not guards(lab), 30, "the end of the trial's guards")


def test_what_is_held_is_told(lab):
    lab.gateway.sysctl(tcp_keepalive_time=-1)
    r = apply(lab, "--probes", "4", "--dry-run")
    assert r.returncode == 0 and "-1/75/4" in r.stdout, r
    lab.gateway.sysctl(tcp_keepalive_time=0, tcp_keepalive_intvl=0)
    gateway, _ = lab.connect()
    r = apply(lab, "--probes", "4", "--dry-run")
    assert r.returncode == 0 and "nan" not in r.stdout and "inf" not in r.stdout, r


def test_below_zero_is_told_as_it_is(lab):
    lab.gateway.sysctl(tcp_keepalive_time=-1, tcp_keepalive_intvl=-2)
    r = call("doctor", "--json")
    told = next(n for n in json.loads(r.stdout)["sysctl"] if n["netns"]["inode"] == lab.gateway.inode)
    assert (told["idle_s"], told["interval_s"], told["probes"]) == (-1, -2, 9)
    watch = lab.watch()
    told = next(n for n in watch.lines("meta")[0]["sysctl"] if n["netns"]["inode"] == lab.gateway.inode)
    assert (told["idle_s"], told["interval_s"], told["probes"]) == (-1, -2, 9)
    r = subprocess.run(["ip", "netns", "exec", lab.gateway.name, HALFOPEN, "doctor"], capture_output=True,
                       text=True, timeout=60)
    said = re.sub(r"\s+", " ", r.stdout)
    assert "= -1/-2/9 here: one of them is below 1" in said and "tcp_keepalive_time = -1 " in said, r.stdout


def test_below_zero_outlives_a_boot(lab):
    host = Host(lab)
    r = host.run("""sysctl -q -w net.ipv4.tcp_keepalive_time=-1
        halfopen apply --idle 240 --persist --yes >/dev/null; halfopen revert; keepalive""")
    assert "240 -> -1" in r.stdout and r.stdout.splitlines()[-1] == "-1 75 9"
    assert host.file() is None


# ---- what options take ----

SENSELESS = ["", "-1", "-5s", "+5s", "nan", "nans", "inf", "infinity", "0x10", "0x10s", ".9e999", ".5s",
             "1.5s", "1e3", "1e3s", "1e999s", " 5s", "5s ", "5 s", "5ss", "36501d", "18446744073s",
             "18446744073709551615", "18446744073709551616", "99999999999999999999999999s", "584y",
             "2305843009213693952B", "16777216TiB", "-1KiB", "\u0665s"]
OPTIONS = {
    "watch": ["--every", "--for", "--idle-gap", "--suspect-after", "--ring", "--record-max", "--record-age"],
    "advise": ["--live", "--detect-within", "--budget", "--billing-increment", "--max-probes-per-s",
               "--evaluate"],
    "apply": ["--idle", "--interval", "--probes", "--trial", "--spread", "--stop-at-deaths"],
}


@pytest.mark.parametrize("verb,option", [(v, o) for v, options in OPTIONS.items() for o in options])
def test_no_option_takes_what_means_nothing(verb, option):
    for value in SENSELESS:
        r = call(verb, f"{option}={value}")
        assert r.returncode == 2 and option in r.stderr, (value, r)
        assert r.stdout == "" and (not value.isascii() or value.strip() in r.stderr), (value, r)


def test_what_options_take_at_most():
    r = call("watch", "--for", "36500d", "-r", "/dev/null")
    assert r.returncode == 2 and "-r takes a recording" in r.stderr     # the value was well
    r = call("apply", "--idle", "32767", "--interval", "32767", "--probes", "127", "--trial", "36500d",
             "--dry-run")
    assert r.returncode == 0 and "taken back after 3153600000 s" in r.stdout, r


@pytest.mark.parametrize("alone", [["--spread", "5m"], ["--stop-at-deaths", "1%"]])
def test_what_belongs_to_rearm(lab, alone):
    """With its default value, too."""
    r = apply(lab, "--idle", "120", *alone, "--yes")
    assert r.returncode == 2 and "--rearm" in r.stderr and values(lab.gateway)[0] == 7200, r


# ---- explain ----

REFUSED = ["linux:99999/75/9", "linux:32768/75/9", "linux:7200/32768/9", "linux:7200/75/128",
           "linux:0/75/9", "linux:7200/0/9", "linux:7200/75/0", "linux:1.5/75/9", "linux:0x10/75/9",
           "linux:1e3/75/9", "linux:nan/75/9", "linux:-1/75/9", "linux:7200/75/9/user_timeout=2147484",
           "linux:7200/75/9/user_timeout=0", "windows:.9e999/1/10", "bsd:99999999/75/8",
           "AT+SETSOCKOPT=0,6,4001,-75,4", "AT+SETSOCKOPT=0,6,4001,99999999999999999999,4",
           "AT+SETSOCKOPT=-1,6,4001,75,4", "AT+SETSOCKOPT=0,4294967302,4001,75,4",
           "wizfi210:.9e999", "astra:ping=1e400,timeout=1", "astra:ping=0x10,timeout=1"]


@pytest.mark.parametrize("spec", REFUSED)
def test_explain_refuses(spec):
    """What setsockopt(2) of the kernel, or a module, does not take."""
    r = call("explain", spec)
    assert r.returncode == 2 and f"'{spec}': expected" in r.stderr and r.stdout == "", r


def test_explain_takes_what_linux_takes():
    """The bounds are the kernel's own, as setsockopt(2) has them here."""
    import socket
    with socket.socket() as s:
        for option, most in ((socket.TCP_KEEPIDLE, 32767), (socket.TCP_KEEPINTVL, 32767),
                             (socket.TCP_KEEPCNT, 127)):
            s.setsockopt(socket.IPPROTO_TCP, option, most)
            with pytest.raises(OSError):
                s.setsockopt(socket.IPPROTO_TCP, option, most + 1)
        s.setsockopt(socket.IPPROTO_TCP, 18, 2147483000)
    r = call("explain", "linux:32767/32767/127/user_timeout=2147483")
    assert r.returncode == 0, r


@pytest.mark.parametrize("specs", [["nat=900"], ["nat=900", "nat=30"]])
def test_explain_needs_a_server(specs):
    r = call("explain", *specs)
    assert r.returncode == 2 and "a server is missing" in r.stderr and r.stdout == "", r


def test_explain_finds_the_server():
    first, later = call("explain", "linux:240/20/5", "nat=300"), call("explain", "nat=300", "linux:240/20/5")
    assert first.returncode == later.returncode == 0 and first.stdout == later.stdout
    r = call("explain", "AT+SETSOCKOPT=0,65535,8,0,4", "nat=300")
    assert r.returncode == 0 and "within 0s" not in r.stdout and "never" in r.stdout, r


# ---- times ----

TIMES = ["2262-04-12T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z",
         "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T00:00:00.9e999Z",
         "2026-11-21T00:00:00.0x10Z", "2026-11-21T00:00:00.nanZ", "2026-11-21T00:00:00.-5Z",
         "2026-11-21T00:00:00.Z", "2026-11-21T00:00:00", "2026-11-21", "-2026-11-21T00:00:00Z", "now"]


@pytest.mark.parametrize("when", TIMES)
def test_times_that_no_clock_tells(lab, when):
    line = {"schema": "halfopen.timeline/1", "gateway": "gw", "boot_id": "b", "run_id": "r", "revision": 1,
            "final": True, "outcome": "closed_by_peer",
            "socket": {"cookie": "1", "netns": {"inode": 11, "cookie": "1"},
                       "local": {"address": "192.0.2.1", "port": 1}, "peer": {"address": "192.0.2.2", "port": 2}},
            "first_seen_at": "2026-11-21T00:00:00Z", "last_heard_at": when,
            "ended_at": "2026-11-21T05:00:00.000000000Z", "counts": {}}
    path = lab.path("day.jsonl")
    with open(path, "w") as f:
        f.write(json.dumps(line) + "\n")
    r = call("advise", path)
    assert r.returncode == 2 and re.search(r"line 1: last_heard_at: expected a time", r.stderr), r
    with open(lab.path("identities"), "w") as f:
        f.write(json.dumps({"peer": "192.0.2.2", "device": "d", "at": when}) + "\n")
    r = call("watch", "--for", "1s", "--identities", lab.path("identities"))
    assert r.returncode == 2 and re.search(r"line 1.*\"at\" was expected to be an RFC 3339 time", r.stderr), r


def test_times_of_all_kinds(lab):
    """Offsets and fractions, as RFC 3339 has them."""
    with open(lab.path("identities"), "w") as f:
        for when in ("2026-11-21T09:42:48Z", "2026-11-21T09:42:48.5Z", "2026-11-21T09:42:48.1234567891234Z",
                     "2026-11-21T10:42:48+01:00", "2026-11-21T10:42:48-0130", "2024-02-29T23:59:60Z",
                     "2261-12-31T00:00:00Z"):
            f.write(json.dumps({"peer": "192.0.2.2", "device": "d", "at": when}) + "\n")
    r = call("watch", "--for", "1s", "--identities", lab.path("identities"))
    assert r.returncode == 0, r


# ---- files ----

ADVISED = '{"schema":"halfopen.advice/1","verdict":"keep","scope":{}}\n'


@pytest.mark.parametrize("content,words", [
    (b"", "it is empty"), (b"\n", "expected a line of 'advise --json'"), (b"HALFOPEN\1\0\0\0", "a recording"),
    (b'{"schema":"halfopen.timeline/1"}\n', "expected halfopen.advice/1"), (b"\0" * 5000, "expected"),
    (b'{"schema":"halfopen.doctor/1"}\n', "expected halfopen.advice/1"), (b"[]\n", "expected halfopen.advice/1"),
    (b"\x28\xb5\x2f\xfd\x24", "zstd"), (b"\x1f\x8b\x08\0", "gzip"), (ADVISED.encode() + b'{"sch', ":2:"),
    (ADVISED.encode(), "it advises no change of namespace")])
def test_what_apply_does_not_take(lab, content, words):
    with open(lab.path("file"), "wb") as f:
        f.write(content)
    r = apply(lab, lab.path("file"), "--yes")
    assert r.returncode == 2 and words in r.stderr and lab.path("file") in r.stderr, r
    assert values(lab.gateway) == (7200, 75, 9)


def test_an_advice_that_was_compressed_and_cut(lab):
    """Of timelines and recordings, by advise: bad input, and what it is."""
    with open(lab.path("day.jsonl"), "w") as f:
        f.write('{"schema":"halfopen.meta/1","run_id":"r","sysctl":[]}\n' * 2000)
    run("zstd", "-q", lab.path("day.jsonl"))
    with open(lab.path("day.jsonl.zst"), "rb") as f:
        whole = f.read()
    for length in (0, 3, 5, len(whole) // 2, len(whole) - 1):
        with open(lab.path("cut.zst"), "wb") as f:
            f.write(whole[:length])
        r = call("advise", lab.path("cut.zst"))
        assert r.returncode == 2 and "cut.zst: " in r.stderr, (length, r)
        r = apply(lab, lab.path("cut.zst"), "--yes")
        assert r.returncode == 2 and "cut.zst" in r.stderr, (length, r)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/full"])
def test_devices_without_an_end(device):
    for arguments in (["apply", "--dry-run", device], ["advise", device],
                      ["advise", "--groups", device, "/dev/null"]):
        r = call(*arguments)
        assert r.returncode == 2 and f"{device}: is a device without an end: expected" in r.stderr, r


# ---- files of lines that others wrote ----

@pytest.mark.parametrize("content,words", [
    (b"10.77.0.0/16 name with blanks\n", ":1: expected nothing behind CIDR NAME"),
    (b"# T\n10.0.0.0/8 T Mobile\n10.1.0.0/16 T Systems\n", ":2: expected nothing behind CIDR NAME"),
    (b"10.0.0.0/8 a # the first\n", ":1: expected nothing behind CIDR NAME"),
    (b"10.0.0.0/8 a\n192.168.0.0/16 c\n\n10.0.0.0/8 b\n", ":4: expected one name for a network: this one is "
     "'b' here, and 'a' in line 1"),
    (b"10.0.0.0/8 a\n::ffff:10.0.0.0/104 b\n", ":2: expected one name for a network"),
    (b"10/8 a\n10.0.0.0/8 b\n", ":2: expected one name for a network"),
    (b"10.0.0.0/8 a\n\0\n", ":2: expected text"), (b"10.0.0.0/8 a\0b\n", ":1: expected text"),
    (b"\0" * 9000, ":1: expected"),
    (b"10.0.0.0/8 " + b"a" * 5000 + b"\n", ":1: expected a line of CIDR NAME, of 512 bytes at most"),
    (b"10.0.0.0/8 a\n" + b" " * 600 + b"10.1.0.0/16 b\n", ":2: expected a line of CIDR NAME, of 512"),
    (b"10.0.0.0/8\n", ":1: expected CIDR NAME"), (b"10.0.0.1/8 a\n", ":1: expected no bits set beyond"),
    (b"", ": no network is named in it: expected lines of CIDR NAME"), (b"# none yet\n\n", ": no network is named")],
    ids=lambda v: v[:30] if isinstance(v, str) else "")
def test_groups_that_are_not_taken(lab, content, words):
    """With the line that is wrong, by each verb that has --groups."""
    groups = lab.path("groups")
    with open(groups, "wb") as f:
        f.write(content)
    for arguments in (["sockets", "--summary"], ["advise", "/dev/null"],
                      ["reach", "--history", "/dev/null", "10.0.0.1"]):
        r = call(*arguments, "--groups", groups)
        assert r.returncode == 2 and groups + words in r.stderr and not r.stdout, r


def test_groups_of_nothing():
    r = call("sockets", "--summary", "--groups", "/dev/null")
    assert r.returncode == 2 and "/dev/null: no network is named" in r.stderr, r


def test_groups_as_they_are_written(lab):
    """A file of another system's line ends, the same line twice, and a last one without its end."""
    with open(lab.path("groups"), "wb") as f:
        f.write(b"# ours\r\n\r\n  10.77.0.0/16\tcarrier-a \r\n10.77.0.0/16 carrier-a\n10.0.0.0/8 rest")
    lab.connect()
    r = call("sockets", "--summary", "--json", "--groups", lab.path("groups"), f"netns = {lab.device.name}")
    assert r.returncode == 0 and '"carrier-a"' in r.stdout and "\\r" not in r.stdout, r


def test_files_that_cannot_be_read_to_their_end():
    """The file has an error of its own, which is no fault of what is in it."""
    memory = "/proc/self/mem"       # nothing is at its beginning
    for arguments in (["sockets", "--summary", "--probed", memory], ["sockets", "--summary", "--groups", memory],
                      ["sockets", "--history", memory], ["apply", "--dry-run", memory], ["advise", memory]):
        r = call(*arguments)
        assert r.returncode == 1 and f"{memory}: Input/output error" in r.stderr, (arguments, r)


def test_a_line_without_an_end(lab):
    """64 MiB of one line: it does not fill the memory."""
    path = lab.path("long")
    with open(path, "wb") as f:
        for _ in range(64):
            f.write(b"[" + b" " * ((1 << 20) - 1))
    for arguments in (["sockets", "--summary", "--probed", path], ["sockets", "--history", path],
                      ["apply", "--dry-run", path], ["advise", path]):
        r = subprocess.run(["sh", "-c", 'ulimit -v 600000; exec "$@"', "sh", HALFOPEN, *arguments], capture_output=True,
                           text=True, timeout=120)
        assert r.returncode == 2 and "16 MiB" in r.stderr and path in r.stderr, (arguments, r)


@pytest.mark.parametrize("held", [(0, 1, 255, 2147483647), (1e300, 1e300, 1e300, 1e300), (1e300, 1, 0, 0),
                                  (0, 0, 0, 0), (7200, 0, 9, 5000)])
def test_settings_beyond_all_measure(lab, held):
    """A user timeout of years with a probe a second, and what no kernel holds: predicted soon, or not."""
    idle, interval, probes, user_timeout = held
    lines = [{"schema": "halfopen.meta/1", "gateway": "gw", "boot_id": "b", "run_id": "r", "all": True,
              "hz": 250, "started_at": "2026-11-21T00:00:00.000000000Z", "sysctl": [
                  {"netns": {"inode": 11, "cookie": "1"}, "idle_s": idle, "interval_s": interval,
                   "probes": probes}]}]
    lines += [{"schema": "halfopen.timeline/1", "gateway": "gw", "boot_id": "b", "run_id": "r", "revision": 1,
               "final": True, "partial": False, "outcome": "closed_by_peer",
               "socket": {"cookie": str(5 + n), "netns": {"inode": 11, "cookie": "1"},
                          "local": {"address": "192.0.2.1", "port": 1883},
                          "peer": {"address": f"203.0.113.{n}", "port": 5000}},
               "keepalive": {"enabled": True, "idle_s": idle, "interval_s": interval, "probes": probes,
                             "user_timeout_ms": user_timeout,
                             "from": {"idle": "sysctl", "interval": "sysctl", "probes": "sysctl"}},
               "first_seen_at": "2026-11-21T00:00:00Z", "last_heard_at": f"2026-11-21T0{n % 10}:00:00Z",
               "ended_at": "2026-11-21T10:00:00Z", "counts": {}} for n in range(100)]
    with open(lab.path("day.jsonl"), "w") as f:
        f.writelines(json.dumps(l) + "\n" for l in lines)
    for more in ([], ["--json"], ["--detect-within", "5m"], ["--evaluate", "240/20/5"]):
        r = call("advise", *more, lab.path("day.jsonl"))
        assert r.returncode in (0, 3) and not re.search(r"\b-?(nan|inf)\b", r.stdout), (more, r)


def test_nothing_is_told_as_no_number(lab):
    """An evidence of nothing: 0 of 0 is no share."""
    lines = [{"schema": "halfopen.meta/1", "gateway": "gw", "boot_id": "b", "run_id": "r", "all": True, "hz": 0,
              "started_at": "2026-11-21T00:00:00.000000000Z", "sysctl": [
                  {"netns": {"inode": 11, "cookie": "1"}, "idle_s": i, "interval_s": i, "probes": i}]}
             for i in (0, -1, 4294967295)]
    for line in lines:
        timeline = {"schema": "halfopen.timeline/1", "gateway": "gw", "boot_id": "b", "run_id": "r",
                    "revision": 1, "final": True, "partial": False, "outcome": "keepalive_timeout",
                    "socket": {"cookie": "5", "netns": {"inode": 11, "cookie": "1"},
                               "local": {"address": "192.0.2.1", "port": 1883},
                               "peer": {"address": "203.0.113.1", "port": 5000}},
                    "keepalive": {"enabled": True, "idle_s": 0, "interval_s": 0, "probes": 0,
                                  "user_timeout_ms": 0, "from": {"idle": "sysctl", "interval": "sysctl",
                                                                 "probes": "sysctl"}},
                    "first_seen_at": "2026-11-21T00:00:00.000000000Z",
                    "last_heard_at": "2026-11-21T00:00:00.000000000Z",
                    "ended_at": "2026-11-21T00:00:00.000000000Z", "counts": {}}
        with open(lab.path("day.jsonl"), "w") as f:
            f.write(json.dumps(line) + "\n" + json.dumps(timeline) + "\n")
        with open(lab.path("later.jsonl"), "w") as f:
            f.write(json.dumps(line) + "\n" + json.dumps(dict(
                timeline, last_heard_at="2026-11-21T00:00:01.000000000Z")) + "\n")
        for more in ([], ["--json"], ["--detect-within", "5m"], ["--evaluate", "240/20/5"], ["--hold-open"],
                     ["--compare", lab.path("later.jsonl")]):
            r = call("advise", *more, lab.path("day.jsonl"))
            assert r.returncode in (0, 3), r
            assert not re.search(r"\b-?(nan|inf)\b", r.stdout), (more, r.stdout)
