# SPDX-License-Identifier: GPL-2.0
"""Records that make no sense cost themselves alone: they are counted, told and skipped. A BPF program
of the test's own puts some into the ring of the running watch; others are written into a recording."""
import json
import os
import struct
import subprocess

import pytest

from lab import HALFOPEN, ROOT, Lab, cookie, keepalive, run, wait_until
from test_order import COOKIE, RECORD_EVENT, Holder, records

RECORD = struct.Struct("<IHHQ")
RECORD_EVENT_3 = 3      # of formats 1 to 4
HIGHEST = 2**64 - 2     # cookies that count down, as the kernel gives them within an interrupt

# Each says one thing that no kernel does.
SENSELESS = [{"KIND": 99}, {"KIND": 0}, {"COOKIE": 0}, {"STATE": 77},
             {"AHEAD_NS": "3600000000000ULL"}]


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def losses_in(output):
    return [l for l in map(json.loads, output.splitlines()) if l["schema"] == "halfopen.loss/1"]


@pytest.mark.quiet
def test_a_watch_goes_on(lab):
    """Its sockets are told as without them, and the loss by a replay of its recording, too."""
    recording = lab.path("watch.ho")
    watch = lab.watch("--events", "--strict", "-w", recording, f"netns = {lab.gateway.inode}")
    gateway, device = lab.connect()
    key = cookie(gateway)
    for says in SENSELESS:
        Holder(lab, watch, 0, **says).hold()
    Holder(lab, watch, 0, COOKIE=f"{HIGHEST}ULL").hold()
    wait_until(lambda: sum(l["count"] for l in watch.lines("loss") if l["reason"] == "senseless")
               == len(SENSELESS), 10, "the loss of all of them")
    keepalive(gateway, 1, 1, 3)
    wait_until(lambda: watch.events(key, "answered"), 10, "an answered probe")
    wait_until(lambda: watch.events(str(HIGHEST), "established"), 10, "the highest cookie")
    assert watch.stop() == 4    # --strict: events were lost
    assert "skipped" in watch.stderr()
    # what was skipped is not in the recording, but that it was
    assert {r[2] for r in records(recording) if r[0] == RECORD_EVENT} >= {int(key), HIGHEST}
    r = run(HALFOPEN, "watch", "--json", "--events", "-r", recording)
    assert losses_in(r.stdout) == watch.lines("loss")


def with_records(senseless, times=1):
    """A recording of another version, with records in its middle; and the place of the first."""
    with open(os.path.join(ROOT, "tests", "recordings", "format2.ho"), "rb") as f:
        data = f.read()
    at = 16
    while RECORD.unpack_from(data, at)[1] != RECORD_EVENT_3:
        at += RECORD.unpack_from(data, at)[0]
    at += RECORD.unpack_from(data, at)[0]
    return data[:at] + senseless * times + data[at:], at


def replay(tmp_path, data, *arguments):
    path = tmp_path / "some.ho"
    path.write_bytes(data)
    return subprocess.run([HALFOPEN, "watch", "--json", "--all", "-r", str(path), *arguments],
                          capture_output=True, text=True)


def without_seq(output):
    lines = [json.loads(l) for l in output.splitlines()]
    return [{k: v for k, v in l.items() if k != "seq"} for l in lines
            if l["schema"] != "halfopen.loss/1"]


EVENT = struct.pack("<QQ4B", 5, COOKIE, 99, 2, 1, 1).ljust(112, b"\0")


@pytest.mark.parametrize("kind,payload,why", [
    (RECORD_EVENT, EVENT, "an event of a kind that this version does not know"),
    (RECORD_EVENT, EVENT[:104], "an event of a size that this version does not know"),
    (RECORD_EVENT_3, EVENT[:104], "an event of a kind that this version does not know"),
    (RECORD_EVENT_3, EVENT[:96], "an event of a size that this version does not know"),
    (99, bytes(8), "a record of a type that this version does not know"),
    (8, bytes(32), "a loss for a reason that this version does not know"),
    (17, struct.pack("<Q", 7), "a record whose length does not fit its content"),
], ids=["kind", "size", "old-kind", "old-size", "type", "reason", "count"])
def test_a_recording_is_read_on(tmp_path, kind, payload, why):
    """Named with its place; and everything else is told as if it were not there."""
    senseless = RECORD.pack(RECORD.size + len(payload), kind, 0, 5) + payload
    data, at = with_records(senseless)
    sound = replay(tmp_path, with_records(b"")[0])
    r = replay(tmp_path, data)
    assert (sound.returncode, r.returncode) == (0, 0)
    assert f"some.ho: byte {at}: {why}: skipped" in r.stderr
    assert [(l["reason"], l["count"]) for l in losses_in(r.stdout)] == [("senseless", 1)]
    assert without_seq(r.stdout) == without_seq(sound.stdout)
    assert replay(tmp_path, data, "--strict").returncode == 4
    many = replay(tmp_path, with_records(senseless, 1000)[0])
    assert many.returncode == 0 and many.stderr.count("skipped") == 11
    assert "990 more" in many.stderr
    losses = losses_in(many.stdout)
    assert sum(l["count"] for l in losses) == 1000 and len(losses) < 10


def test_what_is_no_recording_is_bad_input(tmp_path):
    """Where no record begins nothing behind it is found; nor without a description of the run."""
    data, at = with_records(struct.pack("<IHHQ", 7, 3, 0, 5))
    r = replay(tmp_path, data)
    assert r.returncode == 2 and f"byte {at}: no record begins here" in r.stderr
    r = replay(tmp_path, data[:16] + data[16 + RECORD.unpack_from(data, 16)[0]:])
    assert r.returncode == 2 and "does not begin with a description of its run" in r.stderr
