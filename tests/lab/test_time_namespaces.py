# SPDX-License-Identifier: GPL-2.0
"""halfopen in a time namespace, whose CLOCK_MONOTONIC and CLOCK_BOOTTIME are not the kernel's (a container
that was restored elsewhere has one). What is true is told by the lab's own clock, outside of it, by TCP_INFO
and by the cut that the lab made itself."""
import json
import os
import re
import socket
import subprocess
import time

import pytest

from guards import guards, kill_guards
from lab import HALFOPEN, Lab, cookie, keepalive, mono_ns, run, tcp_info, unix_ns, wait_until
from test_apply import apply, revert, values
from test_doctor import findings, doctor

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/timens_offsets"),
                                reason="this kernel has no time namespaces")

PEER = "10.77.0.2"
JIFFIES_NS = 10**8      # more than lies between a segment and its stamp, in jiffies
# A namespace's clock may not be negative: half of what this host has run.
BACK, AHEAD = -(mono_ns() // 2 // 10**9), 100000


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab
        kill_guards(lab)


@pytest.fixture(params=[(BACK, BACK), (AHEAD, AHEAD), (BACK, AHEAD), (AHEAD, 0)],
                ids=["back", "ahead", "apart", "monotonic-only"])
def inside(lab, request):
    """The command before a command that runs there: it becomes the command itself, without a fork."""
    path = lab.path("time")
    open(path, "w").close()
    monotonic, boottime = request.param
    run("unshare", f"--time={path}", "--monotonic", str(monotonic), "--boottime", str(boottime), "true")
    lab.cleanup.callback(run, "umount", path)
    wrapper = ["nsenter", f"--time={path}"]
    there = int(run(*wrapper, "python3", "-c", "import time; print(time.monotonic_ns())").stdout)
    assert abs(there - mono_ns() - monotonic * 10**9) < 10 * 10**9, "this time namespace has no clock of its own"
    return wrapper


def port_of(sock):
    return sock.getsockname()[1]


def heard_ms(sock):
    """How long ago its peer was heard, by the kernel."""
    info = tcp_info(sock)
    return min(info["last_data_recv_ms"], info["last_ack_recv_ms"])


def silent_for(ms, *sockets):
    wait_until(lambda: all(heard_ms(s) > ms for s in sockets), 30, f"a silence of {ms} ms")


def cut_and_living(lab):
    """Two connections, both silent for a while; the path of the first peer is cut."""
    cut, living = lab.connect(), lab.connect()
    lab.gateway.drop("input", f"tcp sport {port_of(cut[1])}")
    silent_for(1500, cut[0], living[0])
    return cut, living


def lines(*command):
    r = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return r.returncode, [json.loads(l) for l in r.stdout.splitlines()], r.stderr


def test_reach(lab, inside):
    cut, living = cut_and_living(lab)
    code, (dead, there), _ = lines(*inside, HALFOPEN, "reach", "--json", "--within", "2s", "--filter",
                                   f"netns = {lab.gateway.name}", *(f"{PEER}:{port_of(s)}" for _, s in (cut, living)))
    assert code == 3 and dead["answer"] == "silent" and dead["asks"] >= 1
    assert there["answer"] == "reachable" and there["asks"] >= 1 and 0 < there["rtt_us"] < 5e6
    assert 1.4 < dead["heard_s"] < heard_ms(cut[0]) / 1000 + 0.1


def test_a_time_to_come_is_no_sign_of_life(lab, inside):
    """Where the offset that is told is not the one that is (as of a file of another's), a peer is asked."""
    cut, _ = cut_and_living(lab)
    wrong = lab.path("offsets")
    with open(wrong, "w") as f:
        f.write(f"monotonic {AHEAD * 2} 0\nboottime {AHEAD * 2} 0\n")
    script = 'mount --bind "$0" /proc/$$/timens_offsets; exec "$@"'
    code, (dead,), _ = lines("unshare", "-m", *inside, "sh", "-ec", script, wrong, HALFOPEN, "reach", "--json", "--within", "2s",
                             "--filter", f"netns = {lab.gateway.name}", f"{PEER}:{port_of(cut[1])}")
    assert code == 3 and dead["answer"] == "silent" and dead["asks"] >= 1 and dead["heard_s"] > 1.4


def test_sockets(lab, inside):
    gateway, device = lab.connect()
    before_ns = time.time_ns()
    device.send(b"now")
    wait_until(lambda: tcp_info(gateway)["data_segs_in"], 20, "its data")
    after_ns = time.time_ns()
    silent_for(1500, gateway)
    code, (line,), _ = lines(*inside, HALFOPEN, "sockets", "--json", f"netns = {lab.gateway.name}")
    assert code == 0 and before_ns - JIFFIES_NS < unix_ns(line["last_heard_at"]) < after_ns + JIFFIES_NS
    assert 1.4 < line["silent_s"] < heard_ms(gateway) / 1000 + 0.1


def test_probe(lab, inside):
    cut, living = cut_and_living(lab)
    before_ns = time.time_ns()
    code, told, _ = lines(*inside, HALFOPEN, "probe", "--json", "--within", "2s", f"netns = {lab.gateway.name}")
    results = {l["socket"]["cookie"]: l["result"] for l in told[:-1]}
    assert code == 0 and results == {cookie(cut[0]): "unanswered", cookie(living[0]): "answered"}
    assert before_ns < unix_ns(told[-1]["at"]) < time.time_ns()


def test_watch_and_its_recording(lab, inside):
    """What was there before, what comes, and an end by keepalive at the time of the cut."""
    here = f"netns = {lab.gateway.inode}"
    old, _ = lab.connect()
    recording = lab.path("there.ho")
    watch = lab.watch("--all", "-w", recording, here, wrapper=inside)
    gateway, device = lab.connect()
    keepalive(gateway, 1, 1, 2)
    sent_ns = time.time_ns()
    device.send(b"here")
    wait_until(lambda: tcp_info(gateway)["data_segs_in"], 20, "its data")
    cutting_ns = time.time_ns()
    lab.gateway.drop("input", f"tcp sport {port_of(device)}")
    cut_ns = time.time_ns()
    told = watch.ending(cookie(gateway), 30)
    assert told["outcome"] == "keepalive_timeout", told
    assert sent_ns - JIFFIES_NS < unix_ns(told["last_heard_at"]) < cut_ns + JIFFIES_NS
    assert cutting_ns < unix_ns(told["ended_at"]) < time.time_ns()
    watch.stop()
    assert watch.of(cookie(old)) and not watch.counted_losses(), watch.counted_losses()
    _, again, _ = lines(HALFOPEN, "watch", "--json", "--all", "-r", recording)
    same, = (l for l in again if l["schema"] == "halfopen.timeline/1" and l["final"] and
             l["socket"]["cookie"] == cookie(gateway))
    assert {k: v for k, v in same.items() if k != "seq"} == {k: v for k, v in told.items() if k != "seq"}


def test_a_trial(lab, inside):
    """Its end is saved as the host's clock has it: so it is the same to whoever looks from elsewhere."""
    r = apply(lab, "--idle", "120", "--trial", "10m", "--yes", wrapper=inside)
    assert r.returncode == 0, r.stderr
    with open(lab.path(f"state/applied-{lab.gateway.inode}")) as f:
        until_s = int(re.search(r"(?m)^trial_until (\d+)$", f.read())[1])
    left_s = until_s - time.clock_gettime(time.CLOCK_BOOTTIME)
    assert 480 < left_s < 602
    assert guards(lab) and values(lab.gateway)[0] == 120
    assert revert(lab).returncode == 0 and values(lab.gateway)[0] == 7200


def test_a_short_trial_ends(lab, inside):
    assert apply(lab, "--idle", "120", "--trial", "2s", "--yes", wrapper=inside).returncode == 0
    wait_until(lambda: values(lab.gateway)[0] == 7200, 30, "the end of the trial")


def test_doctor(inside):
    """Time that this host did not sleep."""
    slept_s = time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    _, said = doctor(*inside)
    told = [int(re.search(r"slept for (\d+) s", f["what"])[1]) for f in findings(said, "suspend")]
    assert abs(sum(told) - slept_s) < 1.1, told
