# SPDX-License-Identifier: GPL-2.0
"""Who keeps whom waiting: nobody while somebody is asked, reads or prints; and whoever stands still never
holds up the end of a trial, or revert."""
import contextlib
import os
import pty
import re
import select
import signal
import socket
import subprocess
import time

import pytest

from at_work import at_work
from guards import guards, kill_guards
from lab import HALFOPEN, Lab, wait_until
from test_apply import apply, halfopen, revert, values
from test_trials import SOON, begin, idle, wait_for_the_end


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab
        kill_guards(lab)


class Prompt:
    """An apply that asks, on a terminal of its own."""

    def __init__(self, lab, *arguments):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(HALFOPEN, [HALFOPEN, "apply", "--netns", lab.gateway.name, "--state", lab.path("state"),
                                *arguments])
        self.said = b""
        self.ended = None
        lab.cleanup.callback(self.end)
        self.wait_for(b"apply? [y/N]")

    def wait_for(self, text):
        while text not in self.said:
            assert select.select([self.fd], [], [], SOON)[0], self.said
            self.said += os.read(self.fd, 4096)

    def answer(self, text):
        """Returns its exit code."""
        os.write(self.fd, text)
        with contextlib.suppress(OSError):      # EIO: its end of the terminal is closed
            while chunk := os.read(self.fd, 4096):
                self.said += chunk
        return self.end()

    def end(self):
        if self.ended is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGCONT)
            os.close(self.fd)
            self.ended = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.ended


@pytest.mark.parametrize("stopped", [False, True], ids=["waits", "stopped"])
def test_a_question_holds_up_nobody(lab, stopped):
    """Somebody went to lunch, or stopped it: another applies, reverts, and a trial ends."""
    prompt = Prompt(lab, "--idle", "120")
    if stopped:
        os.kill(prompt.pid, signal.SIGSTOP)
    began = time.monotonic()
    assert apply(lab, "--idle", "300", "--yes").returncode == 0
    assert revert(lab).returncode == 0 and idle(lab.gateway) == 7200
    begin(lab, "2s")
    wait_for_the_end(lab)
    assert apply(lab, "--idle", "300", "--yes").returncode == 0
    print(f"all that took {time.monotonic() - began:.1f} s")
    if stopped:
        os.kill(prompt.pid, signal.SIGCONT)
    assert prompt.answer(b"y\n") == 1
    assert b"was 7200 and is 300: somebody else changed it meanwhile; nothing is changed" in prompt.said
    assert values(lab.gateway) == (300, 75, 9)
    assert revert(lab).returncode == 0 and values(lab.gateway) == (7200, 75, 9)


def test_what_is_saved_changed_meanwhile(lab):
    """The values are what they were; but they are somebody's trial by now."""
    prompt = Prompt(lab, "--interval", "30")
    begin(lab, "10m")
    lab.gateway.sysctl(tcp_keepalive_time=7200)
    assert prompt.answer(b"y\n") == 1
    assert b"came meanwhile; nothing is changed" in prompt.said, prompt.said
    assert values(lab.gateway) == (7200, 75, 9)
    assert revert(lab).returncode == 0


def test_the_end_is_reckoned_from_the_answer(lab):
    """A trial of 30 s, answered after 10."""
    prompt = Prompt(lab, "--idle", "120", "--trial", "30s")
    time.sleep(10)
    os.write(prompt.fd, b"y\n")
    prompt.wait_for(b" keeps it")
    left = int(re.search(rb"applied until \S+ \S+ \S+ \(for (\d+) s\)", prompt.said)[1])
    assert left > 21, prompt.said
    assert prompt.answer(b"") == 0 and idle(lab.gateway) == 120
    assert apply(lab, "--idle", "120", "--trial", "1s", "--yes").returncode == 0
    wait_for_the_end(lab)


def test_reading_holds_up_nobody(lab):
    """FILE is a pipe, whose writer takes his time."""
    os.mkfifo(lab.path("advice"))
    p = subprocess.Popen([HALFOPEN, "apply", lab.path("advice"), "--netns", lab.gateway.name, "--yes", "--state",
                          lab.path("state")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with open(lab.path("advice"), "w") as f:
        assert apply(lab, "--idle", "300", "--yes").returncode == 0
        assert revert(lab).returncode == 0 and idle(lab.gateway) == 7200
        begin(lab, "2s")
        wait_for_the_end(lab)
        f.write("{]\n")
    out, said = p.communicate(timeout=60)
    assert p.returncode == 2 and ":1:" in said, said


def test_one_namespace_does_not_wait_for_another(lab):
    with at_work(lab.path("state"), lab.gateway.inode):
        r = halfopen(lab, "apply", "--netns", lab.device.name, "--idle", "120", "--yes")
        assert r.returncode == 0 and "waiting" not in r.stderr, r.stderr
        assert halfopen(lab, "revert", "--netns", lab.device.name).returncode == 0


def test_who_is_waited_for_is_named(lab):
    with at_work(lab.path("state"), lab.gateway.inode) as holder:
        p = subprocess.Popen([HALFOPEN, "apply", "--netns", lab.gateway.name, "--idle", "120", "--yes", "--state",
                              lab.path("state")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = p.stderr.readline()
        started = time.strftime("%Y-%m-%d %H:", time.localtime())
        assert re.match(rf"halfopen: waiting for pid {holder.pid} \(python3, since {started[:10]} \d\d:\d\d:\d\d\), "
                        r"which changes this namespace", line), line
        assert idle(lab.gateway) == 7200 and p.poll() is None
    out, said = p.communicate(timeout=60)
    assert p.returncode == 0, said
    assert idle(lab.gateway) == 120
    assert revert(lab).returncode == 0


def test_who_stands_still_is_not_waited_for_for_ever(lab):
    """apply gives up, with a name; revert does what it must."""
    assert apply(lab, "--idle", "120", "--yes").returncode == 0
    with at_work(lab.path("state"), lab.gateway.inode) as holder:
        there = [subprocess.Popen([HALFOPEN, *verb, "--netns", lab.gateway.name, "--state", lab.path("state")],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                 for verb in (["apply", "--idle", "60", "--yes"], ["revert"])]
        said = [p.communicate(timeout=120)[1] for p in there]
        assert there[0].returncode == 1 and "stands still; nothing is changed" in said[0], said
        assert there[1].returncode == 0 and "does not wait any longer" in said[1], said
        assert all(f"pid {holder.pid} (python3" in s for s in said), said
    assert idle(lab.gateway) == 7200


def test_the_end_of_a_trial_does_not_wait_for_ever(lab):
    begin(lab, "2s")
    with at_work(lab.path("state"), lab.gateway.inode):
        wait_for_the_end(lab, 90)


def stopped_in(lab, call, number, *arguments):
    """An apply that is stopped (SIGSTOP) in the middle of its work, and its process id."""
    trace = lab.path("trace")
    p = subprocess.Popen(["strace", "-o", trace, "-e", f"trace={call}", "-e",
                          f"inject={call}:signal=SIGSTOP:when={number}", HALFOPEN, "apply", "--netns",
                          lab.gateway.name, "--state", lab.path("state"), "--yes", *arguments],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: os.path.exists(trace) and "stopped by SIGSTOP" in open(trace).read(), SOON,
               "apply to stand still")
    with open(f"/proc/{p.pid}/task/{p.pid}/children") as f:
        return p, int(f.read())


def test_stopped_in_the_middle_of_its_work(lab):
    """With the lock held, when all is saved: revert goes on without it; what was stopped finds out when it
    goes on, and leaves no value of its own."""
    p, pid = stopped_in(lab, "fsync", 2, "--idle", "120", "--interval", "30")
    r = subprocess.run([HALFOPEN, "revert", "--netns", lab.gateway.name, "--state", lab.path("state")],
                       capture_output=True, text=True, timeout=120)
    assert r.returncode == 0 and f"pid {pid} (halfopen, since" in r.stderr, r.stderr
    assert values(lab.gateway) == (7200, 75, 9)
    os.kill(pid, signal.SIGCONT)
    out, said = p.communicate(timeout=60)
    assert p.returncode == 1 and "took it back meanwhile" in said, (out, said)
    assert values(lab.gateway) == (7200, 75, 9)
    assert "nothing was applied" in revert(lab).stdout


def test_a_hung_terminal_holds_no_lock(lab):
    """Nobody reads what apply and revert say: a pipe that is full. The work was done before."""
    r, w = os.pipe()
    os.set_blocking(w, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(w, b"x" * 4096)
    os.set_blocking(w, True)
    command = [HALFOPEN, "apply", "--netns", lab.gateway.name, "--state", lab.path("state"), "--idle", "120", "--yes"]
    apply_there = subprocess.Popen(command, stdout=w, stderr=w)
    try:
        begin(lab, "2s")        # which comes first: that one tells what it is going to do before
        wait_for_the_end(lab)
    finally:
        apply_there.kill()
        apply_there.wait()
        os.close(r)
        os.close(w)


def test_a_hung_terminal_of_revert(lab):
    """The same on a terminal, where each line is written at once: the values are back, and nobody waits."""
    assert apply(lab, "--idle", "120", "--interval", "10", "--yes").returncode == 0
    master, slave = pty.openpty()
    os.set_blocking(slave, False)
    for size in (64, 1) * 10:       # the kernel moves what was written on, which makes room
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(slave, b"x" * size)
        time.sleep(0.1)
    os.set_blocking(slave, True)
    p = subprocess.Popen([HALFOPEN, "revert", "--netns", lab.gateway.name, "--state", lab.path("state")],
                         stdout=slave, stderr=slave)
    try:
        wait_until(lambda: values(lab.gateway) == (7200, 75, 9), SOON, "the values to be back")
        r = apply(lab, "--idle", "300", "--yes")
        assert r.returncode == 0 and "waiting" not in r.stderr, r.stderr
        print("it hung" if p.poll() is None else "the terminal had room")
    finally:
        p.kill()
        p.wait()
        os.close(master)
        os.close(slave)
    assert revert(lab).returncode == 0


# ---- --rearm ----

def idle_sockets(lab, number=10):
    pairs = [lab.connect() for _ in range(number)]
    for gateway, _ in pairs:
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return pairs


def rearming(lab, *arguments):
    """One that takes half an hour."""
    p = subprocess.Popen([HALFOPEN, "apply", "--netns", lab.gateway.name, "--state", lab.path("state"), "--idle",
                          "600", "--rearm", "--spread", "30m", "--yes", *arguments],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lab.end_process(p, signal.SIGKILL)
    wait_until(lambda: idle(lab.gateway) == 600 or p.poll() is not None, SOON, "its change")
    assert p.poll() is None, p.communicate()
    return p


def test_revert_interrupts_a_rearm(lab):
    idle_sockets(lab)
    p = rearming(lab)
    r = apply(lab, "--probes", "4", "--yes")
    assert r.returncode == 1 and re.search(rf"pid {p.pid} \(halfopen, since .*\) arms the sockets of this "
                                           r"namespace anew; nothing is changed", r.stderr), r.stderr
    r = revert(lab)
    assert r.returncode == 0 and f"pid {p.pid} (halfopen" in r.stdout and "interrupted" in r.stdout, r
    assert values(lab.gateway) == (7200, 75, 9)
    out, said = p.communicate(timeout=60)
    assert p.returncode == 1 and "interrupted" in said, said
    assert values(lab.gateway) == (7200, 75, 9)
    assert "nothing was applied" in revert(lab).stdout


def test_a_trial_ends_while_sockets_are_armed(lab):
    idle_sockets(lab)
    p = rearming(lab, "--trial", "12s")
    wait_for_the_end(lab)
    out, said = p.communicate(timeout=60)
    assert p.returncode == 1 and "interrupted" in said, said
    assert values(lab.gateway) == (7200, 75, 9)


def test_a_trial_is_kept_while_sockets_are_armed(lab):
    """Which goes on."""
    idle_sockets(lab)
    p = rearming(lab, "--trial", "10m")
    r = apply(lab, "--keep")
    assert r.returncode == 0, r.stderr
    wait_until(lambda: not guards(lab), SOON, "the end of its guards")
    time.sleep(2)
    assert p.poll() is None and idle(lab.gateway) == 600
    assert revert(lab).returncode == 0
    p.communicate(timeout=60)
    assert idle(lab.gateway) == 7200


def test_a_rearm_that_was_killed_holds_up_nobody(lab):
    idle_sockets(lab)
    p = rearming(lab)
    p.kill()
    p.wait()
    assert apply(lab, "--idle", "120", "--yes").returncode == 0
    assert revert(lab).returncode == 0 and idle(lab.gateway) == 7200


def test_revert_interrupts_a_rearm_that_changed_nothing(lab):
    """The values were there before."""
    idle_sockets(lab)
    lab.gateway.sysctl(tcp_keepalive_time=600)
    p = rearming(lab)
    wait_until(lambda: "--rearm" in open(f"/proc/{p.pid}/cmdline").read().split("\0"), SOON, "")
    wait_until(lambda: revert(lab) and p.poll() is not None, SOON, "its end")
    assert idle(lab.gateway) == 600


# ---- another user ----

def test_a_stranger_at_the_state_directory(lab):
    """Who is not root neither holds the lock nor signals whoever does."""
    begin(lab, "10m")
    stranger = ["setpriv", "--reuid", "65534", "--clear-groups"]
    os.chmod(os.path.dirname(lab.path("x")), 0o755)
    for command in (["cat", lab.path("state/lock")], ["ls", lab.path("state")],
                    ["sh", "-c", f"kill {guards(lab)[0]}"], ["rm", "-rf", lab.path("state")]):
        assert subprocess.run([*stranger, *command], capture_output=True).returncode != 0, command
    for verb in (["apply", "--keep"], ["revert"], ["apply", "--idle", "5", "--yes"]):
        r = subprocess.run([*stranger, HALFOPEN, *verb, "--state", lab.path("state")], capture_output=True, text=True)
        assert r.returncode in (1, 77), r
    assert idle(lab.gateway) == 120 and len(guards(lab)) == 2
    assert revert(lab).returncode == 0 and idle(lab.gateway) == 7200


def test_a_lock_that_is_a_link(lab):
    os.mkdir(lab.path("state"))
    with open(lab.path("victim"), "w") as f:
        f.write("whole")
    os.symlink(lab.path("victim"), lab.path("state/lock"))
    r = apply(lab, "--idle", "120", "--yes")
    assert r.returncode == 1 and "state" in r.stderr, r.stderr
    assert open(lab.path("victim")).read() == "whole" and idle(lab.gateway) == 7200
