# SPDX-License-Identifier: GPL-2.0
"""Recordings: the same lines again, compressed or not, after a crash, in bounded space."""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from lab import HALFOPEN, Lab, cookie, keepalive, wait_until


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def replay(path, *options, stdin=None):
    return subprocess.run([HALFOPEN, "watch", "-r", path, "--json", *options], stdin=stdin,
                          capture_output=True)


def live_a_little(lab, watch):
    """One that dies, one that is reset, one that is well."""
    pairs = [lab.connect() for _ in range(3)]
    for gateway, _ in pairs:
        keepalive(gateway, 1, 1, 3)
    keys = [cookie(gateway) for gateway, _ in pairs]
    lab.gateway.drop("input", f"tcp sport {pairs[0][1].getsockname()[1]}")
    pairs[1][1].setsockopt(socket.IPPROTO_TCP, 19, 1)   # TCP_REPAIR: it reboots
    pairs[1][1].close()
    for key in keys[:2]:
        watch.ending(key)
    return keys


@pytest.mark.parametrize("name", ["x.ho", "x.ho.zst"])
def test_the_same_lines_again(lab, name):
    path = lab.path(name)
    watch = lab.watch("--events", "--all", "-w", path)
    live_a_little(lab, watch)
    assert watch.stop() == 0
    said = open(watch.output, "rb").read()
    again = replay(path, "--events", "--all")
    assert again.returncode == 0 and again.stderr == b"" and again.stdout == said
    # From a pipe, which has no name, as well.
    with open(path, "rb") as f:
        assert replay("-", "--events", "--all", stdin=f).stdout == said
    if name.endswith(".zst") and shutil.which("zstd"):
        subprocess.run(["zstd", "-t", "-q", path], check=True)
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_cut_anywhere(lab):
    """A prefix of the file gives a prefix of what happened, and a warning that says where."""
    path, cut = lab.path("x.ho.zst"), lab.path("cut")
    watch = lab.watch("--events", "--all", "-w", path)
    live_a_little(lab, watch)
    assert watch.stop() == 0
    def events_of(said):
        """But for judgements, which a cut brings forward."""
        return [re.sub(rb'"seq":\d+,', b"", l) for l in said.splitlines()
                if b'"halfopen.event/1"' in l and b'"superseded"' not in l]
    events = events_of(open(watch.output, "rb").read())
    whole = open(path, "rb").read()
    longest, codes = 0, []
    for length in range(1, len(whole), max(1, len(whole) // 60)):
        with open(cut, "wb") as f:
            f.write(whole[:length])
        r = replay(cut, "--events", "--all")
        told = events_of(r.stdout)
        # Where a cut falls between two blocks, it is as if the writer had been killed there.
        assert r.returncode in (0, 2), r.stderr
        assert told == events[:len(told)]
        assert len(told) >= longest
        longest = len(told)
        # Behind the last record only the end of the compressed frame may lack.
        if length > 8 and (r.stderr or r.returncode or told != events):
            said = b"cut off where its writer stood" if r.returncode == 0 else \
                b"read up to there|ends before the watch began|its end is cut off"
            assert re.search(said, r.stderr), r.stderr
        codes.append(r.returncode)
    assert codes.count(2) > 0.8 * len(codes)
    # Cut off half way, half is there: it was settled every two seconds.
    assert longest > 0.3 * len(events)
    damaged = bytearray(whole)
    damaged[len(damaged) * 2 // 3] ^= 0x55
    with open(cut, "wb") as f:
        f.write(damaged)
    r = replay(cut, "--events", "--all")
    # Seen by the checksum of the compressed data, or before that by what comes out of it.
    assert r.returncode == 2 and re.search(b"damaged|no record begins here", r.stderr), r.stderr


@pytest.mark.parametrize("name", ["x.ho", "x.ho.zst"])
def test_killed(lab, name):
    """What had happened two seconds before a SIGKILL can be read."""
    path = lab.path(name)
    watch = lab.watch("--events", "--all", "-w", path)
    keys = live_a_little(lab, watch)
    time.sleep(2.5)
    watch.process.kill()
    watch.process.wait()
    r = replay(path, "--all")
    assert r.returncode == 0 and b"cut off" in r.stderr
    final = {l["socket"]["cookie"]: l for l in map(json.loads, r.stdout.splitlines())
             if l["schema"] == "halfopen.timeline/1" and l["final"]}
    assert final[keys[0]]["outcome"] == "keepalive_timeout"
    assert final[keys[1]]["half_open"]["found_by"] == "reset"


def inode_of(path):
    """None between two files."""
    with contextlib.suppress(FileNotFoundError):
        return os.stat(path).st_ino


def bytes_of(*paths):
    """Of all these files together: one that is renamed from one path to the other meanwhile counts once."""
    sizes = {}
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            s = os.stat(path)
            sizes[s.st_ino] = s.st_size
    return sum(sizes.values())


@pytest.mark.parametrize("bound", [["--record-max", "512KiB"], ["--record-age", "8s"]],
                         ids=["size", "age"])
def test_bounded(lab, bound):
    """The older half in a file of its own; each is a recording by itself: who was there, whose
    they were, what became of them."""
    path, old = lab.path("x.ho"), lab.path("x.old.ho")
    gateway, _ = lab.connect()
    keepalive(gateway, 1, 1, 3)
    watch = lab.watch("--all", "-w", path, *bound, f"netns = {lab.gateway.inode}")
    changed, inode = [], None
    end = time.monotonic() + 240

    def lasted_s():
        """The shorter one of the two halves that are there."""
        return min(time.monotonic() - changed[-1], changed[-1] - changed[-2])
    # Until either half is long enough for two probes, however fast this machine fills one.
    while (len(changed) < 4 or lasted_s() < 2.5) and time.monotonic() < end:
        for pair in [lab.connect() for _ in range(20)]:
            for s in pair:
                s.close()
        time.sleep(0.1 if len(changed) < 3 else 0.3)
        now = inode_of(path)
        if now not in (None, inode):
            inode = now
            changed.append(time.monotonic())
        if bound[0] == "--record-max":   # and what comes within the second that a new half needs
            assert bytes_of(path, old) < 1.5 * 524288
    key = cookie(gateway)
    assert watch.stop() == 0
    assert len(changed) >= 4, "it was replaced twice at most"
    assert sorted(glob.glob(lab.path("x*.ho"))) == [path, old] or \
        sorted(glob.glob(lab.path("x*.ho"))) == [old, path]
    for part in (path, old):
        r = replay(part, "--all")
        assert r.returncode == 0 and r.stderr == b"", r.stderr
        lines = [json.loads(l) for l in r.stdout.splitlines()]
        assert lines[0]["schema"] == "halfopen.meta/1" and lines[0]["kernel"]
        mine = [l for l in lines[1:] if l.get("socket", {}).get("cookie") == key]
        assert mine and mine[-1]["socket"]["owner"]["pid"] == os.getpid(), mine
        assert mine[-1]["socket"]["netns"]["name"] == lab.gateway.name
        assert mine[-1]["counts"]["probes_sent"] >= 1


def rotating(lab, path, *options):
    """A watch of the lab's sockets that changes files every second or so."""
    return lab.watch("-w", path, *options, "--record-age", "2s", f"netns = {lab.gateway.inode}")


@pytest.mark.parametrize("name", ["d.ho", "d.ho.zst"])
def test_moved_by_somebody_else(lab, name):
    """What is put there instead is no half of ours: it stays, and so does what was moved."""
    path, old = lab.path(name), lab.path(name.replace("d.", "d.old."))
    watch = rotating(lab, path)
    wait_until(lambda: bytes_of(old), 60, "an older half")
    os.rename(path, lab.path("moved-" + name))
    with open(path, "w") as f:
        f.write("precious")
    wait_until(lambda: "not ours" in watch.stderr(), 60, "a word")
    assert watch.stop() == 0
    assert watch.stderr().count("not ours") == 1 and watch.stderr().startswith(f"halfopen: {path}: ")
    with open(path) as f:
        assert f.read() == "precious"
    for part in (old, lab.path("moved-" + name)):
        r = replay(part, "--all")
        assert r.returncode == 0 and r.stderr == b"", r.stderr


def test_removed_by_somebody_else(lab):
    path, old = lab.path("d.ho"), lab.path("d.old.ho")
    watch = rotating(lab, path)
    wait_until(lambda: bytes_of(old), 60, "an older half")
    for _ in range(2):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        wait_until(lambda: bytes_of(path), 60, "another file")
    assert watch.stop() == 0 and watch.stderr() == ""
    assert replay(path, "--all").returncode == 0


def test_a_half_that_cannot_be_put_away(lab):
    """It is said once, and the recording goes on; and it is put away again as soon as it can be."""
    path, old = lab.path("d.ho"), lab.path("d.old.ho")
    watch = rotating(lab, path)
    wait_until(lambda: bytes_of(old), 60, "an older half")
    while not os.path.isdir(old):   # it may come back between
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            os.unlink(old)
            os.mkdir(old)
    wait_until(lambda: "is a directory" in watch.stderr(), 60, "a word")
    before = bytes_of(path)
    wait_until(lambda: bytes_of(path) > before, 60, "more of it")
    assert watch.stop() == 0
    assert watch.stderr().count("\n") == 1 and watch.stderr().startswith(f"halfopen: {old}: ")
    r = replay(path, "--all")
    assert r.returncode == 0 and r.stderr == b"", r.stderr


@pytest.mark.parametrize("name", ["d.ho", "d.ho.zst"])
def test_what_the_older_half_would_replace(tmp_path, name):
    path, old = str(tmp_path / name), tmp_path / name.replace("d.", "d.old.")
    for make in (lambda: old.write_text("precious"), old.mkdir):
        make()
        r = subprocess.run([HALFOPEN, "watch", "-w", path, "--record-max", "512KiB", "--for", "1s"],
                           capture_output=True, text=True)
        assert r.returncode == 2 and r.stderr.startswith(f"halfopen: {old}: is ") and \
            "expected a recording, or nothing" in r.stderr, r.stderr
        assert not os.path.exists(path)
        if old.is_file():
            assert old.read_text() == "precious"
            old.unlink()


def test_bad_bounds():
    for options, said in ((["--record-max", "64KiB"], "-w FILE is missing"),
                          (["-w", "x", "--record-max", "1KiB"], "at least 64KiB"),
                          (["-w", "x", "--record-age", "1s"], "no duration from 2s")):
        r = subprocess.run([HALFOPEN, "watch", *options], capture_output=True, text=True)
        assert r.returncode == 2 and said in r.stderr, r.stderr
