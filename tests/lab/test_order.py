# SPDX-License-Identifier: GPL-2.0
"""The order of records. A BPF program of the test's own reserves one in the ring of the running watch
and submits it later, as happens to ours when a virtual CPU is taken away between the two."""
import glob
import os
import struct
import threading
import time

import pytest

from lab import ROOT, Lab, mono_ns, run

# It takes one CPU for a while.
pytestmark = pytest.mark.alone

RECORD_EVENT, RECORD_TICK, COOKIE = 19, 4, 0xbad00000000


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def map_of(pid):
    """What the kernel says of the ring buffer that a process has open (BPF_MAP_TYPE_RINGBUF is 27)."""
    for name in glob.glob(f"/proc/{pid}/fdinfo/*"):
        with open(name) as f:
            facts = dict(line.rstrip().split(":\t", 1) for line in f if ":\t" in line)
        if facts.get("map_type") == "27":
            return facts
    raise AssertionError("the watch has no ring buffer")


class Holder:
    """held_record.bpf.c, loaded onto the ring of a watch; `says` are its macros."""

    loaded = 0

    def __init__(self, lab, watch, held_ms, **says):
        Holder.loaded += 1
        self.lab, self.pinned = lab, lab.path(f"bpf{Holder.loaded}")
        os.mkdir(self.pinned)
        run("mount", "-t", "bpf", "bpf", self.pinned)
        lab.cleanup.callback(run, "umount", self.pinned)
        run("clang", "-g", "-O2", "-target", "bpf", "-I" + os.path.join(ROOT, "bpf"),
            "-I" + os.path.join(ROOT, "vmlinux", os.uname().machine),
            f"-DHELD_MS={held_ms}", f"-DNETNS={lab.gateway.inode}U",
            *(f"-D{name}={value}" for name, value in says.items()),
            "-c", os.path.join(ROOT, "tests", "lab", "held_record.bpf.c"), "-o", lab.path("held.o"))
        run("bpftool", "prog", "load", lab.path("held.o"), self.pinned + "/hold", "type", "tc",
            "map", "name", "events", "id", map_of(watch.process.pid)["map_id"])
        with open(lab.path("frame"), "wb") as f:
            f.write(bytes(64))

    def hold(self):
        """Returns when the record was reserved at the earliest and submitted at the latest."""
        before = mono_ns()
        out = run("bpftool", "prog", "run", "pinned", self.pinned + "/hold", "data_in",
                  self.lab.path("frame")).stdout
        assert "Return value: 0" in out, out
        return before, mono_ns()


def records(path):
    """(type, time, cookie if it is an event) of each record of a recording."""
    data, at, found = open(path, "rb").read(), 16, []
    while at < len(data):
        size, kind, _, when = struct.unpack_from("<IHHQ", data, at)
        cookie = struct.unpack_from("<Q", data, at + 24)[0] if kind == RECORD_EVENT else None
        found.append((kind, when, cookie))
        at += size
    return found


def out_of_order(found):
    late, latest = [], 0
    for record in found:
        if record[1] < latest:
            late.append((record, latest - record[1]))
        latest = max(latest, record[1])
    return late


def connect_meanwhile(lab, until):
    while not until.is_set():
        for s in lab.connect():
            s.close()
        time.sleep(0.01)


def play(lab, held_ms):
    """A record is held while other things happen; what was recorded, and how long it was held."""
    recording = lab.path("recording.ho")
    watch = lab.watch("--events", "-w", recording, f"netns = {lab.gateway.inode}")
    holder = Holder(lab, watch, held_ms)
    done = threading.Event()
    others = threading.Thread(target=connect_meanwhile, args=(lab, done))
    others.start()
    try:
        time.sleep(0.5)
        before, after = holder.hold()
        time.sleep(0.5)
    finally:
        done.set()
        others.join()
    with open(f"/proc/{watch.process.pid}/stat") as f:
        ticks = f.read().rsplit(")", 1)[1].split()[11:13]
    watch.cpu_s = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    assert watch.stop() == 0
    found = records(recording)
    held = [r for r in found if r[2] == COOKIE]
    assert len(held) == 1 and before <= held[0][1] <= after
    return watch, found, (after - held[0][1]) / 1e9


def test_a_record_that_is_submitted_late(lab):
    """What was reserved behind it waits for it, and so do ticks and passes: all in order of time."""
    watch, found, held_s = play(lab, 400)
    assert 0.4 <= held_s < 1, held_s
    assert not out_of_order(found)
    assert "was not submitted" not in watch.stderr()


def test_one_that_is_never_submitted(lab):
    """As good as never: for longer than anybody waits. The stream goes on, and it was said."""
    watch, found, held_s = play(lab, 4000)
    at = [r[2] for r in found].index(COOKIE)
    ticks = [when for kind, when, _ in found[:at] if kind == RECORD_TICK]
    assert held_s >= 4 and max(ticks) > found[at][1] + 3e9
    assert not [r for r, _ in out_of_order(found) if r[1] < found[at][1]]
    assert watch.stderr().count("was not submitted for 2 s") == 1
    # while it waited it did not spin
    assert watch.cpu_s < 2


def test_the_end_of_a_watch_waits_for_it(lab):
    recording = lab.path("recording.ho")
    watch = lab.watch("-w", recording, f"netns = {lab.gateway.inode}")
    holder = Holder(lab, watch, 600)
    holding = threading.Thread(target=holder.hold)
    holding.start()
    time.sleep(0.3)
    assert watch.stop() == 0
    holding.join()
    assert COOKIE in [r[2] for r in records(recording)]
