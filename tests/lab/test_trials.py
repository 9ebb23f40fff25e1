# SPDX-License-Identifier: GPL-2.0
"""A trial ends, whatever happens: with systemd as process 1 (of a machine of the test's own) and
without. The witness is the kernel's own value, read in its namespace."""
import contextlib
import glob
import os
import pty
import re
import signal
import subprocess
import time

import pytest

from guards import guards, kill_guards
from lab import HALFOPEN, Lab, Namespace, bound, inside, run, wait_until
from machine import Machine, mounted
from test_apply import apply, halfopen, revert, values

# A guard looks once a second; the host may be busy.
SOON = 30


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab
        kill_guards(lab)


@pytest.fixture
def machine(tmp_path):
    with Machine(str(tmp_path)) as machine:
        yield machine


def idle(netns):
    return values(netns)[0]


def is_of_host(pid):
    """Process 1 may not let itself be looked at; /proc/PID/net has files of its own in each namespace."""
    return os.stat(f"/proc/{pid}/net/tcp").st_ino == os.stat("/proc/1/net/tcp").st_ino


def tell_to_end(lab):
    """All that are there now; their number."""
    for pid in (pids := guards(lab)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    time.sleep(0.2 if pids else 0)
    return len(pids)


def is_saved(lab):
    return [f for f in os.listdir(lab.path("state")) if f.startswith("applied")]


def begin(lab, trial, *more, **keywords):
    r = apply(lab, "--idle", "120", "--trial", trial, "--yes", *more, **keywords)
    assert r.returncode == 0 and "applied until" in r.stdout, r.stderr
    assert idle(lab.gateway) == 120 or trial != "10m"   # a short one may be over by now
    return r


def wait_past_the_end(lab, seconds):
    """Until so long after the instant that is saved."""
    with open(lab.path(f"state/applied-{lab.gateway.inode}")) as f:
        end = int(re.search(r"(?m)^trial_until (\d+)$", f.read())[1])
    wait_until(lambda: time.clock_gettime(time.CLOCK_BOOTTIME) > end + seconds, SOON, "the end and more")


def wait_for_the_end(lab, timeout=SOON):
    wait_until(lambda: idle(lab.gateway) == 7200, timeout, "the end of the trial")
    wait_until(lambda: not guards(lab), SOON, "the end of its guards")
    assert not is_saved(lab)


# ---- without systemd ----

def test_the_guard_says_what_it_is(lab):
    """Two processes, which hold nothing of ours and keep no namespace alive."""
    r = begin(lab, "10m")
    pair = guards(lab)
    assert len(pair) == 2
    assert f"depends on processes {pair[0]} and {pair[1]}: systemd does not run here" in r.stderr
    for pid in pair:
        assert is_of_host(pid)
        files = {int(fd): os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        assert [files[fd] for fd in (0, 1, 2)] == ["/dev/null"] * 3
        assert sorted(files[fd] for fd in files if fd > 2) == [lab.path("state"), lab.path("state/lock")], files
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert revert(lab).returncode == 0 and not guards(lab)


def test_from_inside_its_namespace(lab):
    """Begun in the namespace itself, as `ip netns exec` does: the guard does not sit in there."""
    r = subprocess.run(["ip", "netns", "exec", lab.gateway.name, HALFOPEN, "apply", "--idle", "120",
                        "--trial", "10m", "--yes", "--state", lab.path("state")], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    assert len(guards(lab)) == 2 and all(is_of_host(pid) for pid in guards(lab))
    assert revert(lab).returncode == 0


@pytest.mark.parametrize("what", ["fork", "exec"])
def test_a_guard_that_cannot_be_started(lab, what):
    """Then nothing is written."""
    inject = {"fork": "clone,clone3,fork,vfork:error=EAGAIN", "exec": "execve:error=ENOMEM"}[what]
    r = apply(lab, "--idle", "120", "--trial", "1h", "--yes", wrapper=[
        "strace", "-f", "-o", "/dev/null", "-e", f"trace={inject.split(':')[0]}", "-e", f"inject={inject}"])
    assert r.returncode == 1 and "nobody could be started to take the trial back" in r.stderr, r.stderr
    assert "nothing is changed" in r.stderr
    assert idle(lab.gateway) == 7200 and not is_saved(lab) and not guards(lab)


@pytest.mark.parametrize("room", [1, 2, 3])
def test_no_room_for_processes(lab, room):
    """pids.max, as of a container or a login: for apply alone, for one beside it; for two that is enough."""
    parent = next((m[1] for m in mounted() if m[2] == "cgroup" and "pids" in m[3].split(",")), None)
    if not parent:
        pytest.skip("no cgroup v1 hierarchy of pids here; test_a_guard_that_cannot_be_started has clone(2) fail")
    group = f"{parent}/{lab.gateway.name}"
    os.mkdir(group)
    try:
        with open(f"{group}/pids.max", "w") as f:
            f.write(str(room))
        r = apply(lab, "--idle", "120", "--trial", "10m", "--yes", wrapper=[
            "sh", "-c", f'echo 0 >{group}/cgroup.procs; exec "$0" "$@"'])
        found = guards(lab)
        assert revert(lab).returncode == 0
    finally:
        wait_until(lambda: not open(f"{group}/cgroup.procs").read(), SOON, "the end of all in there")
        os.rmdir(group)
    if room < 3:
        assert r.returncode == 1 and "nothing is changed" in r.stderr and not found, (r.stdout, r.stderr)
    else:
        assert r.returncode == 0 and found, (r.stdout, r.stderr)
    assert idle(lab.gateway) == 7200 and not is_saved(lab)


@pytest.mark.parametrize("how", ["relative", "nested"])
def test_a_relative_state_directory(lab, how):
    os.makedirs(lab.path("deep/er"))
    r = subprocess.run([HALFOPEN, "apply", "--netns", lab.gateway.name, "--idle", "120", "--trial", "2s", "--yes",
                        "--state", {"relative": "state", "nested": "../../state"}[how]],
                       cwd=lab.path({"relative": "", "nested": "deep/er"}[how]), capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    assert re.search(r"--state /\S+/state' keeps it", r.stdout), r.stdout
    wait_for_the_end(lab)


@pytest.mark.parametrize("name", ["a b", "50%n", "$HOME", "${PATH}", "-x", "it's", "new\nline", "\x1b[31m",
                                  "\u202e", "\udcff"])
def test_a_state_directory_of_any_name(lab, name):
    """Its guard finds it; and what is told to be pasted works."""
    os.mkdir(lab.path("sub"))
    r = subprocess.run([HALFOPEN, "apply", "--netns", lab.gateway.name, "--idle", "120", "--trial", "10m", "--yes",
                        f"--state={name}"], cwd=lab.path("sub"), capture_output=True, text=True)
    assert r.returncode == 0 and os.path.isdir(lab.path(f"sub/{name}")), r.stderr
    undo = re.search(r"keeps it, '(halfopen revert .*)' takes it back", r.stdout)
    assert undo and "\x1b" not in r.stdout and "\u202e" not in r.stdout, r.stdout
    bin_path = f"{os.path.dirname(os.path.realpath(HALFOPEN))}:{os.environ['PATH']}"
    p = subprocess.run(["bash", "-c", undo[1]], capture_output=True, text=True, env={**os.environ, "PATH": bin_path})
    assert p.returncode == 0 and "120 -> 7200" in p.stdout, (undo[1], p.stdout, p.stderr)
    assert idle(lab.gateway) == 7200


def test_a_state_directory_with_too_long_a_name(lab):
    for path, why in (("x/" * 128 + "state", "expected at most 255"), ("", "expected a directory")):
        for verb in (["apply", "--idle", "120", "--yes"], ["revert"]):
            r = subprocess.run([HALFOPEN, *verb, "--netns", lab.gateway.name, "--state", path], cwd=lab.path(""),
                               capture_output=True, text=True)
            assert r.returncode == 2 and why in r.stderr, r.stderr
    assert idle(lab.gateway) == 7200


def strace(pids, inject):
    """Attached to processes that run, until it is ended."""
    words = [w for pid in pids for w in ("-p", str(pid))]
    p = subprocess.Popen(["strace", "-f", "-q", "-o", "/dev/null", *words, "-e", f"trace={inject.split(':')[0]}",
                          "-e", f"inject={inject}"], stderr=subprocess.DEVNULL)

    def attached():
        assert p.poll() is None
        return all(re.search(r"TracerPid:\t[1-9]", open(f"/proc/{pid}/status").read()) for pid in pids)
    wait_until(attached, SOON, "strace")
    return p


@pytest.mark.parametrize("inject", ["openat:error=ENFILE", "setns:error=ENOMEM"])
def test_failures_at_the_end(lab, inject):
    """State, sysctls and namespace cannot be opened, or the namespace not entered, while it ends, and
    long after; then all is well again."""
    begin(lab, "10s")
    tracer = strace(guards(lab), inject)
    wait_past_the_end(lab, 5)
    assert idle(lab.gateway) == 120
    tracer.terminate()
    tracer.wait(SOON)
    wait_for_the_end(lab)


def test_killed_while_it_tries(lab):
    """Long after the end, as its directory is read-only: who is killed is replaced then, too; and what
    somebody else writes meanwhile is his."""
    os.mkdir(lab.path("state"))
    run("mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", lab.path("state"))
    try:
        begin(lab, "10s")
        run("mount", "-o", "remount,ro", lab.path("state"))
        wait_until(lambda: idle(lab.gateway) == 7200, SOON, "the values to be back")
        for which in (0, 1):
            pair = wait_until(lambda: len(guards(lab)) == 2 and guards(lab), 90, "two guards")
            os.kill(pair[which], signal.SIGKILL)
            wait_until(lambda: len(guards(lab)) == 2 and guards(lab) != pair, 90, "the next of them")
        lab.gateway.sysctl(tcp_keepalive_time=120)
        run("mount", "-o", "remount,rw", lab.path("state"))
        wait_until(lambda: not is_saved(lab), 90, "the end of what is saved")
        assert idle(lab.gateway) == 120
        wait_until(lambda: not guards(lab), 90, "the end of its guards")
    finally:
        run("umount", "-l", lab.path("state"))


def test_told_to_end_where_nobody_is(lab):
    """The namespace is hidden: the guard ends after a while, and what is saved stays for revert."""
    named = Namespace(lab.gateway.name + "x")
    with bound(lab, named.path) as path:
        named.delete()
        r = halfopen(lab, "apply", "--netns", path, "--idle", "120", "--trial", "10m", "--yes")
        assert r.returncode == 0, r.stderr
        with bound(lab, "/dev/null"):
            for pid in guards(lab):
                os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not guards(lab), 120, "the end of its guards")
            assert is_saved(lab)
        r = halfopen(lab, "revert", "--netns", path)
        assert r.returncode == 0 and "120 -> 7200" in r.stdout, (r.stdout, r.stderr)


def test_an_unreadable_state_in_the_middle(lab):
    """It is read again later; that it cannot be read now is no --keep."""
    begin(lab, "15s")
    tracer = strace(guards(lab), "openat:error=ENFILE")
    time.sleep(3)
    tracer.terminate()
    tracer.wait(SOON)
    assert len(guards(lab)) == 2
    wait_for_the_end(lab)


def test_a_state_that_is_gone(lab):
    """Removed by hand, file or directory: who knows it still ends the trial."""
    begin(lab, "10m")
    for name in is_saved(lab):
        os.unlink(lab.path(f"state/{name}"))
    wait_for_the_end(lab)
    begin(lab, "3s")
    subprocess.run(["rm", "-r", lab.path("state")], check=True)
    wait_until(lambda: idle(lab.gateway) == 7200, SOON + 20, "the end of the trial")
    # it goes on looking for what it may not believe is gone; told to end, it does
    for pid in guards(lab):
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not guards(lab), SOON, "the end of its guards")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end(lab, how):
    """It takes back, and then it ends."""
    begin(lab, "10m")
    os.kill(guards(lab)[0], how)
    wait_for_the_end(lab)


@pytest.mark.parametrize("which", [0, 1])
def test_one_that_stands_still(lab, which):
    """SIGSTOP of one of the two: the other ends it."""
    begin(lab, "10m")
    stopped = guards(lab)[which]
    os.kill(stopped, signal.SIGSTOP)
    assert apply(lab, "--idle", "120", "--trial", "1s", "--yes").returncode == 0
    wait_until(lambda: idle(lab.gateway) == 7200, SOON, "the end of the trial")
    os.kill(stopped, signal.SIGCONT)
    wait_for_the_end(lab)


def test_hang_up(lab):
    """SIGHUP, and a terminal that is closed, end no guard."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(HALFOPEN, [HALFOPEN, "apply", "--netns", lab.gateway.name, "--state", lab.path("state"),
                            "--idle", "120", "--trial", "12s", "--yes"])
    out = b""
    with contextlib.suppress(OSError):
        while b" keeps it" not in out:
            out += os.read(fd, 4096)
    pair = guards(lab)
    os.close(fd)
    os.waitpid(pid, 0)
    assert len(pair) == 2, out
    for guard in pair:
        os.kill(guard, signal.SIGHUP)
    time.sleep(1)
    assert guards(lab) == pair and idle(lab.gateway) == 120
    wait_for_the_end(lab)


def test_what_its_ancestors_ignored(lab):
    """Signals that are ignored are inherited: SIGCHLD, without which no child can be waited for, and those
    that end it."""
    begin(lab, "10m", preexec_fn=lambda: [signal.signal(s, signal.SIG_IGN) for s in
                                          (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)])
    first, second = guards(lab)
    os.kill(second, signal.SIGKILL)
    wait_until(lambda: len(guards(lab)) == 2 and second not in guards(lab), SOON, "the next of them")
    os.kill(first, signal.SIGTERM)
    wait_for_the_end(lab)


def test_in_another_time(lab):
    """A time namespace, in which the machine has been up for a year: --keep and guards agree all the same."""
    other = ["unshare", "-T", "--boottime", "31536000", "--fork"]
    if subprocess.run([*other, "true"]).returncode:
        pytest.skip("no time namespaces here")
    begin(lab, "3s", wrapper=other)
    wait_for_the_end(lab)
    begin(lab, "10m")
    r = apply(lab, "--keep", "--dry-run", wrapper=other)
    assert r.returncode == 0 and re.search(r"the trial ends in (600|5\d\d) s otherwise", r.stdout), r.stdout
    assert revert(lab).returncode == 0


def test_of_who_has_no_privileges(lab):
    """root of a user namespace of his own, in his own network namespace, with a directory of his own."""
    os.chmod(os.path.dirname(lab.path("x")), 0o755)
    os.mkdir(lab.path("state"))
    os.chown(lab.path("state"), 65534, 65534)
    script = """
        "$0" apply --idle 120 --trial 2s --yes --state "$1" >&2 || exit
        for try in $(seq 300); do
            sleep 0.1
            [ "$(cat /proc/sys/net/ipv4/tcp_keepalive_time)" = 120 ] || break
        done
        cat /proc/sys/net/ipv4/tcp_keepalive_time
    """
    r = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "unshare", "-Urn", "sh", "-c", script,
                        HALFOPEN, lab.path("state")], capture_output=True, text=True, timeout=120)
    if "unshare failed" in r.stderr:
        pytest.skip(f"no user namespaces here: {r.stderr}")
    assert r.stdout == "7200\n", r.stderr
    wait_until(lambda: not guards(lab), SOON, "the end of its guards")


def test_by_a_path_only(lab):
    """No process in there, no name: bound to a path. That the path cannot be followed for a while says
    nothing; and the state stays as long."""
    named = Namespace(lab.gateway.name + "x")
    with bound(lab, named.path) as path:
        named.delete()
        r = halfopen(lab, "apply", "--netns", path, "--idle", "120", "--trial", "4s", "--yes")
        assert r.returncode == 0, r.stderr
        tracer = strace(guards(lab), "openat:error=EACCES")
        time.sleep(7)
        tracer.terminate()
        tracer.wait(SOON)

        def value():
            with inside(path), open("/proc/sys/net/ipv4/tcp_keepalive_time") as f:
                return f.read()
        assert is_saved(lab) or value() == "7200\n"
        wait_until(lambda: value() == "7200\n", SOON, "the end of the trial")
        wait_until(lambda: not is_saved(lab) and not guards(lab), SOON, "the end of its guards")


def test_a_namespace_that_is_gone(lab):
    """Then so is the trial: its guards end, and keep nothing."""
    pod = Namespace(lab.gateway.name + "x")
    r = halfopen(lab, "apply", "--netns", pod.name, "--idle", "120", "--trial", "3s", "--yes")
    assert r.returncode == 0, r.stderr
    pod.delete()
    wait_until(lambda: not guards(lab) and not is_saved(lab), SOON, "the end of its guards")


def test_a_full_disk_at_the_end(lab):
    """An earlier change, then a trial; there is no room for a byte when that ends. The first can still be
    reverted, to what was there in the beginning."""
    os.mkdir(lab.path("state"))
    run("mount", "-t", "tmpfs", "-o", "mode=700,size=64k,nr_inodes=20", "tmpfs", lab.path("state"))
    try:
        assert apply(lab, "--idle", "300", "--yes").returncode == 0
        begin(lab, "3s")
        with contextlib.suppress(OSError), open(lab.path("state/full"), "wb") as f:
            f.write(b"x" * 1048576)
        for n in range(30):
            with contextlib.suppress(OSError):
                open(lab.path(f"state/inode{n}"), "w").close()
        wait_until(lambda: idle(lab.gateway) == 300, SOON, "the end of the trial")
        wait_until(lambda: not guards(lab), SOON, "the end of its guards")
        r = revert(lab)
        assert r.returncode == 0 and "300 -> 7200" in r.stdout, (r.stdout, r.stderr)
        assert idle(lab.gateway) == 7200 and not is_saved(lab)
    finally:
        run("umount", lab.path("state"))


def test_no_room_for_what_was_there(lab):
    """Then nothing is changed; and what an earlier change saved is as it was."""
    os.mkdir(lab.path("state"))
    run("mount", "-t", "tmpfs", "-o", "mode=700,size=64k", "tmpfs", lab.path("state"))
    try:
        assert apply(lab, "--idle", "300", "--yes").returncode == 0
        with contextlib.suppress(OSError), open(lab.path("state/full"), "wb") as f:
            f.write(b"x" * 1048576)
        for trial in ([], ["--trial", "1h"]):
            r = apply(lab, "--idle", "120", "--yes", *trial)
            assert r.returncode == 1 and "No space left" in r.stderr and "nothing is changed" in r.stderr, r.stderr
            assert idle(lab.gateway) == 300
        r = revert(lab)
        assert r.returncode == 0 and idle(lab.gateway) == 7200, (r.stdout, r.stderr)
    finally:
        run("umount", lab.path("state"))


@pytest.mark.parametrize("trial", [[], ["--trial", "10m"]], ids=["change", "trial"])
def test_revert_on_a_read_only_disk(lab, trial):
    os.mkdir(lab.path("state"))
    run("mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", lab.path("state"))
    try:
        assert apply(lab, "--idle", "120", "--yes", *trial).returncode == 0
        run("mount", "-o", "remount,ro", lab.path("state"))
        r = revert(lab)
        assert r.returncode == 0, r.stderr
        assert idle(lab.gateway) == 7200
        assert re.search(r"state/applied-\d+ stays there \(Read-only file system\)", r.stderr), r.stderr
        assert not guards(lab)
        r = revert(lab)     # once more harms nobody
        assert r.returncode == 0 and idle(lab.gateway) == 7200
        run("mount", "-o", "remount,rw", lab.path("state"))
        assert revert(lab).returncode == 0 and not is_saved(lab)
    finally:
        run("umount", lab.path("state"))


# ---- apply within a trial ----

def test_only_keep_confirms(lab):
    begin(lab, "10m")
    for more in (["--idle", "120"], ["--idle", "60"], ["--probes", "4"], ["--idle", "60", "--trial", "1h"],
                 ["--idle", "120", "--rearm"], ["--idle", "60", "--dry-run"]):
        r = apply(lab, *more, "--yes")
        assert r.returncode == 1 and "a trial is on here, of 120/75/9" in r.stderr, (more, r.stdout, r.stderr)
        assert values(lab.gateway) == (120, 75, 9)
    r = apply(lab, "--keep", "--dry-run")
    assert r.returncode == 0 and "120/75/9 would be kept" in r.stdout, r.stderr
    assert apply(lab, "--idle", "120", "--trial", "1s", "--yes").returncode == 0
    wait_for_the_end(lab)
    assert apply(lab, "--keep", "--dry-run").returncode == 1


def test_the_end_is_set_anew(lab):
    """By --trial with the same values, later or sooner."""
    begin(lab, "12s")
    pair = guards(lab)
    r = apply(lab, "--idle", "120", "--trial", "10m", "--yes")
    assert r.returncode == 0 and "ends anew" in r.stdout and "(for " in r.stdout, (r.stdout, r.stderr)
    time.sleep(14)
    assert idle(lab.gateway) == 120 and guards(lab) == pair
    r = apply(lab, "--idle", "120", "--trial", "1s", "--yes")
    assert r.returncode == 0, r.stderr
    wait_for_the_end(lab)


def test_a_new_end_for_a_trial_without_guards(lab):
    begin(lab, "10m")
    while guards(lab):
        for pid in guards(lab):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    r = apply(lab, "--idle", "120", "--trial", "2s", "--yes")
    assert r.returncode == 0, r.stderr
    assert len(guards(lab)) == 2
    wait_for_the_end(lab)


def test_nothing_to_try(lab):
    """Values that are there already: nothing is dropped without a word."""
    assert apply(lab, "--idle", "120", "--yes").returncode == 0
    r = apply(lab, "--idle", "120", "--trial", "1h", "--yes")
    assert r.returncode == 0 and "no trial begins: there is nothing to take back" in r.stderr, r.stderr
    assert not guards(lab)
    r = apply(lab, "--idle", "120", "--interval", "1", "--probes", "1", "--rearm", "--spread", "1s", "--yes",
              "--dry-run")
    assert r.returncode == 0
    assert revert(lab).returncode == 0 and idle(lab.gateway) == 7200


def test_the_values_are_there_and_are_armed(lab):
    lab.gateway.sysctl(tcp_keepalive_time=2, tcp_keepalive_intvl=1, tcp_keepalive_probes=2)
    r = apply(lab, "--idle", "2", "--interval", "1", "--probes", "2", "--rearm", "--spread", "1s", "--yes")
    assert r.returncode == 0 and "armed anew" in r.stdout, (r.stdout, r.stderr)
    assert values(lab.gateway) == (2, 1, 2)


@pytest.mark.parametrize("text", ["18446744073s", "18446744073709s", "0s", "999ms", "1", "-1s", "1e3s"])
def test_no_such_duration(lab, text):
    r = apply(lab, "--idle", "120", f"--trial={text}", "--yes")
    assert r.returncode == 2 and f"--trial: '{text}' is no duration" in r.stderr, (r.returncode, r.stderr)
    assert idle(lab.gateway) == 7200


@pytest.mark.parametrize("more", [["--idle", "120"], ["--trial", "1h"], ["--rearm"]])
def test_keep_takes_nothing_else(lab, more):
    r = apply(lab, "--keep", *more)
    assert r.returncode == 2 and "--keep takes no values" in r.stderr


def test_a_reboot_within_a_trial(lab):
    """What was permanent before is what the next boot sets; the trial is over with its boot."""
    state = os.path.join(lab.path("state"), f"applied-{lab.gateway.inode}")
    begin(lab, "10m")
    with open(state) as f:
        text = f.read()
    while guards(lab):
        for pid in guards(lab):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    with open(state, "w") as f:
        f.write(re.sub(r"(?m)^boot .*$", "boot 00000000-0000-0000-0000-000000000000", text))
    lab.gateway.sysctl(tcp_keepalive_time=7200)
    assert apply(lab, "--keep").returncode == 1
    assert apply(lab, "--idle", "300", "--yes").returncode == 0
    assert revert(lab).returncode == 0 and idle(lab.gateway) == 7200


# ---- killed at every step ----

@pytest.mark.parametrize("call", ["write", "rename", "fsync", "openat", "clone", "fcntl", "linkat"])
def test_killed_at_every_step_of_a_trial(lab, call):
    """Whichever of its calls apply dies in: either nothing was written, or a guard ends it."""
    number = died = 0
    r = None
    while r is None or r.returncode != 0:
        number += 1
        r = apply(lab, "--idle", "120", "--interval", "10", "--trial", "10m", "--yes", wrapper=[
            "strace", "-o", "/dev/null", "-e", f"trace={call}" + (",link" if call == "linkat" else ""), "-e",
            f"inject={call}" + (",link" if call == "linkat" else "") + f":signal=SIGKILL:when={number}"])
        now = values(lab.gateway)
        if now != (7200, 75, 9):
            assert guards(lab), now
            for pid in guards(lab):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            wait_until(lambda: values(lab.gateway) == (7200, 75, 9), SOON, "the end of the trial")
        else:
            assert revert(lab).returncode == 0
            wait_until(lambda: not guards(lab), SOON, "the end of a guard")
        died += r.returncode != 0
        assert number < 400
    print(f"killed in {call} {died} times")


def test_a_guard_that_is_killed_at_every_step(lab):
    """Both of them, at its end: another try (revert) finds everything that it needs."""
    for call in ("write", "rename", "unlink", "fsync"):
        for number in range(1, 4):
            assert apply(lab, "--interval", "30", "--yes").returncode == 0
            begin(lab, "10m")
            tracers = [strace([pid], f"{call}:signal=SIGKILL:when={number}") for pid in guards(lab)]
            wait_until(lambda: not tell_to_end(lab), SOON, "the end of both, and of who replaced one")
            for tracer in tracers:
                tracer.terminate()
                tracer.wait(SOON)
            r = revert(lab)
            assert r.returncode == 0, r.stderr
            assert values(lab.gateway) == (7200, 75, 9), (call, number, r.stdout)


# ---- with systemd as process 1 ----

def sysctl(machine):
    return int(machine.run("sysctl", "-n", "net.ipv4.tcp_keepalive_time").stdout)


def units(machine):
    out = machine.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "halfopen-trial-*").stdout
    return [line.split()[0] for line in out.splitlines()]


def begin_there(machine, trial, *more, wrapper=()):
    state = os.path.join(machine.directory, "state")
    r = machine.run(*wrapper, HALFOPEN, "apply", "--state", state, "--idle", "120", "--trial", trial, "--yes", *more)
    assert r.returncode == 0 and "applied until" in r.stdout, r.stderr
    assert sysctl(machine) == 120 or trial != "10m"     # a short one may be over by now
    return r


def wait_for_the_end_there(machine, timeout=SOON):
    wait_until(lambda: sysctl(machine) == 7200, timeout, "the end of the trial")
    wait_until(lambda: not units(machine), SOON, "the end of its service")
    assert not glob.glob(os.path.join(machine.directory, "state", "applied*"))


def main_pid(machine, unit):
    """As the machine numbers it; 0 between two."""
    return int(machine.run("systemctl", "show", "-P", "MainPID", unit).stdout)


def test_a_service_ends_it(machine):
    r = begin_there(machine, "3s")
    assert r.stderr == ""
    unit, = units(machine)
    shown = machine.run("systemctl", "show", unit).stdout.splitlines()
    for line in ("Type=notify", "ActiveState=active", "StartLimitIntervalUSec=0", "Restart=on-failure",
                 "SendSIGKILL=no", "IgnoreOnIsolate=no"):
        assert line in shown
    wait_for_the_end_there(machine)


def test_a_service_that_is_killed_ten_times_at_once(machine):
    begin_there(machine, "10m")
    unit, = units(machine)
    for _ in range(10):
        pid = wait_until(lambda: main_pid(machine, unit), SOON, "the next of them")
        assert machine.run("kill", "-KILL", str(pid)).returncode == 0
        wait_until(lambda: main_pid(machine, unit) != pid, SOON, "its end")
    wait_until(lambda: main_pid(machine, unit), SOON, "the last of them")
    begin_there(machine, "1s")      # its end anew
    assert units(machine) in ([unit], [])
    wait_for_the_end_there(machine)


@pytest.mark.parametrize("how", [["stop", "halfopen-trial-*"], ["isolate", "other.target"],
                                 ["start", "shutdown.target"]], ids=["stop", "isolate", "shutdown"])
def test_a_service_that_is_told_to_end(machine, how):
    """Each takes the trial back, and at once."""
    begin_there(machine, "10m")
    machine.run("systemctl", *how)
    wait_for_the_end_there(machine)


@pytest.mark.parametrize("pause", ["", "sleep 0.05;", "sleep 0.3;"], ids=["at once", "soon", "later"])
@pytest.mark.parametrize("killed", ["MainPID", "all"])
def test_a_service_that_is_killed_and_stopped(machine, killed, pause):
    """Whether the next process is there by then or not: the trial is taken back."""
    begin_there(machine, "10m")
    unit, = units(machine)
    kill = f"kill -KILL {main_pid(machine, unit)}" if killed == "MainPID" else f"systemctl kill -s KILL {unit}"
    r = machine.run("sh", "-c", f"{kill}; {pause} systemctl stop {unit}")
    assert r.returncode == 0, r.stderr
    wait_for_the_end_there(machine, 90)


def test_a_service_that_is_killed_and_goes_on(machine):
    """What waits beside the next process goes when that is there, and takes nothing back."""
    begin_there(machine, "10m")
    unit, = units(machine)
    assert machine.run("kill", "-KILL", str(main_pid(machine, unit))).returncode == 0
    time.sleep(30)
    assert sysctl(machine) == 120
    pids = machine.run("pgrep", "-f", "--", "--guard").stdout.split()
    assert pids == [str(main_pid(machine, unit))]


@pytest.mark.long
def test_a_service_that_stands_still(machine):
    """systemd's watchdog replaces it; one that lives on is left alone for longer than that takes."""
    begin_there(machine, "10m")
    unit, = units(machine)
    pid = main_pid(machine, unit)
    time.sleep(40)
    assert main_pid(machine, unit) == pid
    assert machine.run("kill", "-STOP", str(pid)).returncode == 0
    begin_there(machine, "1s")      # its end anew
    wait_for_the_end_there(machine, 120)


def test_daemon_reexec(machine):
    begin_there(machine, "4s")
    assert machine.run("systemctl", "daemon-reexec").returncode == 0
    wait_for_the_end_there(machine)


def test_read_only_sysctls_at_the_end(machine):
    """For four seconds, in the view of process 1; then it is stopped besides, and does not give up."""
    begin_there(machine, "8s")
    for command in ("mount --bind /proc/sys /proc/sys", "mount -o remount,ro,bind /proc/sys"):
        assert machine.run(*command.split()).returncode == 0
    time.sleep(12)
    assert sysctl(machine) == 120
    assert machine.run("systemctl", "stop", "--no-block", *units(machine)).returncode == 0
    time.sleep(1)
    assert machine.run("umount", "/proc/sys").returncode == 0
    wait_for_the_end_there(machine)


def test_a_session_that_ends(machine):
    """apply in a scope, as a login is one: what becomes of that does not matter."""
    begin_there(machine, "4s", wrapper=["systemd-run", "--quiet", "--scope", "--unit=session-1"])
    machine.run("systemctl", "kill", "--signal=KILL", "session-1.scope")
    machine.run("systemctl", "stop", "session-1.scope")
    wait_for_the_end_there(machine)


def test_a_session_that_ends_where_no_service_can_be_had(machine):
    """The guard leaves the session's control group, and says how much weaker it is."""
    script = """
        mkdir -p /run/hidden && mount --bind /run/hidden /run/systemd
        "$0" "$@" & wait $!; code=$?; sleep 300 <&- >&- 2>&- & exit $code
    """
    r = begin_there(machine, "15s", wrapper=["systemd-run", "--quiet", "--scope", "--unit=session-1", "unshare", "-m",
                                            "sh", "-c", script])
    assert "systemd does not run here" in r.stderr, r.stderr
    assert not units(machine)
    assert machine.run("systemctl", "is-active", "session-1.scope").stdout == "active\n"
    machine.run("systemctl", "kill", "--signal=KILL", "session-1.scope")
    wait_until(lambda: machine.run("systemctl", "is-active", "session-1.scope").stdout != "active\n", SOON,
               "the end of the session")
    assert sysctl(machine) == 120
    wait_for_the_end_there(machine)


@pytest.mark.parametrize("hidden", ["program", "state"])
def test_what_process_1_does_not_see(machine, hidden):
    """The program, or what it saved, in a mount namespace of ours (a private /tmp): systemd-run cannot do
    it, which is found before anything is written."""
    script = {"program": 'mount -t tmpfs tmpfs /mnt && cp "$0" /mnt/here && exec /mnt/here "$@"',
              "state": 'mount -t tmpfs tmpfs /mnt && shift 3 && exec "$0" apply --state /mnt/state "$@"'}[hidden]
    r = machine.run("unshare", "-m", "sh", "-c", script, HALFOPEN, "apply", "--state",
                    os.path.join(machine.directory, "state"), "--idle", "120", "--trial", "4s", "--yes")
    assert r.returncode == 0, r.stderr
    assert re.search(r"depends on processes \d+ and \d+: systemd could not start halfopen-trial-", r.stderr), r.stderr
    assert "applied until" in r.stdout and not units(machine)
    wait_for_the_end_there(machine)


def test_a_service_that_could_not_write(machine):
    """Process 1 sees a read-only /proc/sys, we do not: found beforehand, too."""
    for command in ("mount --bind /proc/sys /proc/sys", "mount -o remount,ro,bind /proc/sys"):
        assert machine.run(*command.split()).returncode == 0
    r = begin_there(machine, "3s", wrapper=["unshare", "-m", "sh", "-c", 'umount /proc/sys; exec "$0" "$@"'])
    assert "systemd could not start halfopen-trial-" in r.stderr, r.stderr
    wait_for_the_end_there(machine)


@pytest.mark.parametrize("name", ["a b", "50%n", "$HOME", '"', "\\", "a'$$;"])
def test_a_state_directory_of_any_name_there(machine, name):
    """What systemd makes of an argument is not what it was: then the service does not find it."""
    r = machine.run(HALFOPEN, "apply", "--state", os.path.join(machine.directory, name), "--idle", "120", "--trial",
                    "3s", "--yes")
    assert r.returncode == 0, r.stderr
    wait_for_the_end_there(machine)


def test_a_pod_of_the_machine(machine):
    """In a namespace with a name: the service sits in that of process 1, and ends with the pod."""
    assert machine.run("ip", "netns", "add", "pod-7").returncode == 0
    r = machine.run(HALFOPEN, "apply", "--netns", "pod-7", "--idle", "120", "--trial", "12s", "--yes")
    assert r.returncode == 0, r.stderr
    unit, = units(machine)
    inode = machine.run("stat", "-Lc", "%i", f"/proc/{main_pid(machine, unit)}/ns/net", "/proc/1/ns/net").stdout
    assert len(set(inode.split())) == 1
    time.sleep(1)
    assert machine.run("ip", "netns", "del", "pod-7").returncode == 0
    wait_until(lambda: not units(machine), SOON, "the end of its service")


def test_keep_there(machine):
    begin_there(machine, "8s")
    r = machine.run(HALFOPEN, "apply", "--keep", "--state", os.path.join(machine.directory, "state"))
    assert r.returncode == 0, r.stderr
    wait_until(lambda: not units(machine), SOON, "the end of its service")
    time.sleep(10)
    assert sysctl(machine) == 120


def test_another_systemd_run(machine):
    """Which root's PATH finds first: it is not run."""
    fake = os.path.join(machine.directory, "systemd-run")
    with open(fake, "w") as f:
        f.write(f"#!/bin/sh\n: >{machine.directory}/was-run\n")
    os.chmod(fake, 0o755)
    begin_there(machine, "10m", wrapper=["env", f"PATH={machine.directory}:/usr/bin:/bin"])
    assert len(units(machine)) == 1 and not os.path.exists(os.path.join(machine.directory, "was-run"))


def test_revert_there(machine):
    begin_there(machine, "10m")
    r = machine.run(HALFOPEN, "revert", "--state", os.path.join(machine.directory, "state"))
    assert r.returncode == 0 and "120 -> 7200" in r.stdout, r.stderr
    wait_for_the_end_there(machine)
