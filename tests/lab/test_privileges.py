# SPDX-License-Identifier: GPL-2.0
"""What each verb needs, and what is left to those that run for long: no more than they use."""
import os
import re
import signal
import subprocess
import time

import pytest

from guards import guards
from lab import HALFOPEN, Lab, Namespace, cookie, wait_until
from test_addresses import Tenant
from test_apply import apply, halfopen, revert, values

NET_ADMIN, SYS_PTRACE, SYS_ADMIN, BPF = 1 << 12, 1 << 19, 1 << 21, 1 << 39
DAC_OVERRIDE = 1 << 1


@pytest.fixture
def lab():
    with Lab() as lab:
        os.chmod(lab.directory, 0o755)
        os.mkdir(lab.path("state"), 0o700)
        yield lab


def give_state_to(lab, uid):
    """Whose it is may trust it."""
    state = lab.path("state")
    for path in [state, *(os.path.join(state, name) for name in os.listdir(state))]:
        os.chown(path, uid, uid)


def as_nobody_with(*capabilities):
    """A plain user who has these, and can get no other."""
    these = ",".join(["-all", *("+" + c for c in capabilities)])
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
            f"--inh-caps={these}", f"--ambient-caps={these}", f"--bounding-set={these}"]


def here(lab, *wrapper):
    return ["ip", "netns", "exec", lab.gateway.name, *wrapper]


def left(pid):
    """As the kernel says: the sets by name, and no_new_privs."""
    with open(f"/proc/{pid}/status") as f:
        return {k: int(v, 16) for k, v in re.findall(r"^(Cap\w+|NoNewPrivs):\s+(\w+)$", f.read(), re.M)}


def expect_only(pid, allowed):
    sets = left(pid)
    for name in ("CapPrm", "CapEff", "CapBnd"):
        assert sets[name] & ~allowed == 0 and sets[name], (name, hex(sets[name]), hex(allowed))
    assert (sets["CapInh"], sets["CapAmb"], sets["NoNewPrivs"]) == (0, 0, 1), sets


# ---- what is left ----

def test_what_a_watch_is_left_with(lab):
    """And it still enters namespaces that come later, of other users, too, and tells who lives there."""
    watch, everybody = lab.watch("--all", "--events"), lab.watch("--all", "--every", "1s")
    for w in (watch, everybody):
        wait_until(lambda: left(w.process.pid)["NoNewPrivs"] == 1, 20, "no_new_privs")
        expect_only(w.process.pid, SYS_ADMIN | SYS_PTRACE | BPF)
    gateway, _ = lab.connect()
    wait_until(lambda: watch.events(cookie(gateway), "established"), 20, "a connection")
    owner = watch.events(cookie(gateway), "established")[0]["socket"].get("owner", {})
    assert owner.get("pid") in (None, os.getpid())
    tenant = Tenant(lab, b"pod-7")
    key = tenant.connects()

    def hosts():
        tenant.connects()
        time.sleep(0.2)
        everybody.read()
        with open(everybody.output) as f:
            return [l for l in f if f'"inode":{tenant.inode},' in l and '"host_name":"pod-7"' in l]
    wait_until(hosts, 30, "who lives there")
    named = Namespace(lab.gateway.name + "n")
    try:
        wait_until(lambda: os.path.exists(named.path), 5, "a name")
        assert key and watch.stop() == 0 and everybody.stop() == 0
    finally:
        named.delete()


def of_somebody_else(lab):
    """A directory that is somebody else's."""
    os.mkdir(lab.path("logs"), 0o700)
    os.chown(lab.path("logs"), 65534, 65534)
    return lab.path("logs/x.jsonl"), lab.path("logs/x.jsonl")


def below_somebody_elses(lab):
    of_somebody_else(lab)
    os.mkdir(lab.path("logs/deeper"))
    return lab.path("logs/deeper/x.jsonl"), lab.path("logs/deeper/x.jsonl")


def theirs(lab):
    """A link of our own into another user's directory."""
    os.mkdir(lab.path("theirs"), 0o700)
    os.chown(lab.path("theirs"), 65534, 65534)
    os.symlink(lab.path("theirs/x.jsonl"), lab.path("x.jsonl"))
    return lab.path("x.jsonl"), lab.path("theirs/x.jsonl")


def read_only(lab):
    """What is root's own is as closed to root."""
    os.mkdir(lab.path("d"), 0o550)
    return lab.path("d/x.jsonl"), lab.path("d/x.jsonl")


def on_the_way(lab):
    """Its own directory is open, that above lets nobody through."""
    os.makedirs(lab.path("d/open"))
    os.chmod(lab.path("d"), 0o600)
    return lab.path("d/open/x.jsonl"), lab.path("d/open/x.jsonl")


@pytest.mark.parametrize("place", [of_somebody_else, below_somebody_elses, theirs, read_only, on_the_way])
def test_files_are_opened_anew_where_only_root_may(lab, place):
    """What that needs is kept, and nothing else."""
    path, file = place(lab)
    p = lab.end_process(subprocess.Popen([HALFOPEN, "watch", "--json", "-o", path],
                                         stderr=subprocess.PIPE, text=True))
    wait_until(lambda: os.path.exists(file) and os.path.getsize(file), 20, "the first line")
    wait_until(lambda: left(p.pid)["NoNewPrivs"] == 1, 20, "no_new_privs")
    expect_only(p.pid, SYS_ADMIN | SYS_PTRACE | BPF | DAC_OVERRIDE)
    os.rename(file, file + ".1")
    p.send_signal(signal.SIGHUP)
    wait_until(lambda: os.path.exists(file), 20, "the file anew")
    p.send_signal(signal.SIGTERM)
    _, said = p.communicate(timeout=60)
    assert p.returncode == 0 and "cannot" not in said, said


def test_a_recording_changes_files_where_only_root_may(lab):
    os.mkdir(lab.path("d"), 0o550)
    watch = lab.watch("-w", lab.path("d/r.ho"), "--record-age", "2s", f"netns = {lab.gateway.inode}")
    wait_until(lambda: os.path.exists(lab.path("d/r.old.ho")), 60, "an older half")
    assert watch.stop() == 0 and watch.stderr() == ""


def test_a_guard_ends_where_only_root_may_write(lab):
    """It removes what it knew, and is gone with it."""
    os.chmod(lab.path("state"), 0o555)
    assert apply(lab, "--idle", "120", "--trial", "3s", "--yes").returncode == 0
    wait_until(lambda: values(lab.gateway)[0] == 7200, 30, "the end of the trial")
    wait_until(lambda: not guards(lab), 30, "the end of its guards")
    assert not [n for n in os.listdir(lab.path("state")) if n.startswith("applied")]


def test_files_of_our_own_need_nothing_more(lab):
    path = lab.path("x.jsonl")
    p = lab.end_process(subprocess.Popen([HALFOPEN, "watch", "--json", "-o", path, "-w", lab.path("x.ho")]))
    wait_until(lambda: os.path.exists(path) and os.path.getsize(path), 20, "the first line")
    wait_until(lambda: left(p.pid)["NoNewPrivs"] == 1, 20, "no_new_privs")
    expect_only(p.pid, SYS_ADMIN | SYS_PTRACE | BPF)
    os.rename(path, path + ".1")
    p.send_signal(signal.SIGHUP)
    wait_until(lambda: os.path.exists(path), 20, "the file anew")
    p.send_signal(signal.SIGTERM)
    assert p.wait(60) == 0


def test_what_a_guard_is_left_with(lab):
    assert apply(lab, "--idle", "120", "--trial", "6s", "--yes").returncode == 0
    pids = wait_until(lambda: guards(lab), 10, "a guard")
    for pid in pids:
        try:
            wait_until(lambda: left(pid)["NoNewPrivs"] == 1, 5, "no_new_privs")
            expect_only(pid, NET_ADMIN | SYS_ADMIN | SYS_PTRACE)
        except FileNotFoundError:   # it had handed on by then
            continue
    wait_until(lambda: values(lab.gateway)[0] == 7200, 30, "the end of the trial")
    wait_until(lambda: not guards(lab), 30, "the end of its guards")


# ---- what is needed ----

def test_net_admin_is_enough_at_home(lab):
    """In the namespace where we are, by each of its addresses; nothing is entered."""
    give_state_to(lab, 65534)
    wrapper = here(lab, *as_nobody_with("net_admin"))
    for address in ([], ["--netns", lab.gateway.name], ["--netns", lab.gateway.path]):
        r = halfopen(lab, "apply", *address, "--idle", "120", "--yes", wrapper=wrapper)
        assert r.returncode == 0, r
        assert values(lab.gateway)[0] == 120
        r = halfopen(lab, "revert", *address, wrapper=wrapper)
        assert r.returncode == 0 and values(lab.gateway)[0] == 7200, r


def test_nothing_is_needed_for_a_dry_run(lab):
    r = halfopen(lab, "apply", "--idle", "120", "--dry-run", wrapper=here(lab, *as_nobody_with()))
    assert r.returncode == 0 and "7200 -> 120" in r.stdout, r
    r = halfopen(lab, "apply", "--idle", "120", "--dry-run", wrapper=here(
        lab, "strace", "-f", "-o", lab.path("trace"), "-e", "trace=setns,openat,flock"))
    assert r.returncode == 0, r
    with open(lab.path("trace")) as f:
        calls = f.read()
    assert "setns" not in calls and "flock" not in calls and "/proc/sys/net/ipv4/tcp_keepalive" in calls
    assert not re.search(r'/proc/sys/net[^"]*", O_(WRONLY|RDWR)', calls)


def test_77_names_what_lacks(lab):
    name, nobody = lab.gateway.name, as_nobody_with()
    give_state_to(lab, 65534)
    sleeper = lab.end_process(lab.gateway.spawn("sleep", "100"))
    wait_until(lambda: os.path.exists(f"/proc/{sleeper.pid}/ns/net"), 5, "a process")
    for wrapper, arguments, words in (
            (here(lab, *nobody), ["apply", "--idle", "120", "--yes"], "CAP_NET_ADMIN"),
            (nobody, ["apply", "--netns", name, "--idle", "120", "--yes"], "CAP_SYS_ADMIN"),
            (nobody, ["revert", "--netns", name], "CAP_SYS_ADMIN"),
            (nobody, ["apply", "--netns", str(sleeper.pid), "--idle", "120", "--dry-run"], "CAP_SYS_PTRACE"),
            (nobody, ["revert", "--netns", f"/proc/{sleeper.pid}/ns/net"], "CAP_SYS_PTRACE")):
        r = halfopen(lab, *arguments, wrapper=wrapper)
        assert r.returncode == 77 and words in r.stderr, (arguments, r)
    give_state_to(lab, 0)
    assert halfopen(lab, "apply", "--idle", "120", "--yes", wrapper=here(lab)).returncode == 0
    r = halfopen(lab, "revert", wrapper=here(lab, *nobody))
    assert r.returncode == 77 and "Permission denied" in r.stderr, r
    r = halfopen(lab, "apply", "--probes", "5", "--dry-run", wrapper=here(lab, *nobody))
    assert r.returncode == 0 and "9 -> 5" in r.stdout and "as if nothing" in r.stderr, r
    give_state_to(lab, 65534)
    r = halfopen(lab, "revert", wrapper=here(lab, *nobody))
    assert r.returncode == 77 and "CAP_NET_ADMIN" in r.stderr and values(lab.gateway)[0] == 120, r
    give_state_to(lab, 0)
    assert revert(lab).returncode == 0


def test_a_hidden_process(lab):
    """With hidepid=2 it seems not to be there."""
    sleeper = lab.end_process(lab.gateway.spawn("sleep", "100"))
    script = 'mount -t proc -o hidepid=2 proc /proc && shift 1 && exec "$0" "$@"'
    for pid, code in ((sleeper.pid, 77), (999999999, 2)):
        r = halfopen(lab, "apply", "--netns", str(pid), "--idle", "120", "--dry-run",
                     wrapper=["unshare", "-m", "sh", "-c", script, as_nobody_with()[0], "x",
                              *as_nobody_with()[1:]])
        assert r.returncode == code, (pid, r)


@pytest.mark.parametrize("path", ["/etc/passwd", "/dev/null", "/proc/self/ns/mnt", "/", "/etc/shadow"])
def test_what_is_no_namespace(lab, path):
    for wrapper in ([], as_nobody_with()):
        r = halfopen(lab, "apply", "--netns", path, "--idle", "120", "--dry-run", wrapper=wrapper)
        assert r.returncode == 2 and "addresses no network namespace" in r.stderr, r
