# SPDX-License-Identifier: GPL-2.0
"""apply and revert: what is written, what was saved before, and the way back whatever happens."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from guards import guards
from lab import HALFOPEN, Lab, Namespace, run, wait_until

KEYS = ("time", "intvl", "probes")


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def values(netns):
    out = run("ip", "netns", "exec", netns.name, "sysctl", "-n",
              *(f"net.ipv4.tcp_keepalive_{k}" for k in KEYS)).stdout
    return tuple(int(v) for v in out.split())


def halfopen(lab, *arguments, wrapper=(), **keywords):
    return subprocess.run([*wrapper, HALFOPEN, *arguments, "--state", lab.path("state")],
                          capture_output=True, text=True, timeout=60, **keywords)


def apply(lab, *arguments, **keywords):
    return halfopen(lab, "apply", "--netns", lab.gateway.name, *arguments, **keywords)


def revert(lab, **keywords):
    return halfopen(lab, "revert", "--netns", lab.gateway.name, **keywords)


def test_there_and_back(lab):
    before = values(lab.gateway)
    r = apply(lab, "--idle", "120", "--probes", "4", "--yes")
    assert r.returncode == 0, r.stderr
    assert values(lab.gateway) == (120, before[1], 4)
    assert "tcp_keepalive_time: 7200 -> 120" in r.stdout and "intvl" not in r.stdout
    r = apply(lab, "--idle", "120", "--yes")
    assert r.returncode == 0 and "nothing to change" in r.stdout
    assert apply(lab, "--idle", "60", "--yes").returncode == 0
    r = revert(lab)     # to what was there before the first of them
    assert r.returncode == 0 and "60 -> 7200" in r.stdout
    assert values(lab.gateway) == before
    assert "nothing was applied" in revert(lab).stdout


def test_who_is_touched(lab):
    gateway, _ = lab.connect()
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    lab.connect()
    r = apply(lab, "--idle", "100", "--dry-run")
    assert r.returncode == 0, r.stderr
    assert re.search(r"changes 1 socket \(\S+: 1\); unchanged: 1 without keepalive\n", r.stdout), r.stdout
    assert "noticed within 775 s" in r.stdout
    assert values(lab.gateway)[0] == 7200 and not os.path.exists(lab.path("state"))


@pytest.mark.parametrize("call", ["write", "rename", "fsync", "openat"])
def test_killed_at_every_step(lab, call):
    """Whichever of its calls it dies in: what was written can be taken back, and nothing is written
    that was not saved before."""
    before, number, died = values(lab.gateway), 0, 0
    while True:
        number += 1
        r = apply(lab, "--idle", "120", "--interval", "10", "--probes", "4", "--yes", wrapper=[
            "strace", "-o", lab.path("trace"), "-e", f"trace={call}", "-e",
            f"inject={call}:signal=SIGKILL:when={number}"])
        now = values(lab.gateway)
        assert all(n in (b, a) for n, b, a in zip(now, before, (120, 10, 4))), now
        saved = [f for f in os.listdir(lab.path("state")) if re.fullmatch(r"applied-\d+", f)] \
            if os.path.exists(lab.path("state")) else []
        assert saved or now == before
        back = revert(lab)
        assert back.returncode == 0, back.stderr
        assert values(lab.gateway) == before
        if r.returncode == 0:
            break
        died += 1
        assert number < 400
    print(f"killed in {call} {died} times")
    assert died


def test_others_are_left_alone(lab):
    assert apply(lab, "--idle", "120", "--interval", "10", "--yes").returncode == 0
    lab.gateway.sysctl(tcp_keepalive_time=300)
    r = apply(lab, "--idle", "60", "--yes")
    assert r.returncode == 1 and "somebody else changed it" in r.stderr
    assert values(lab.gateway)[:2] == (300, 10)
    r = revert(lab)
    assert r.returncode == 0 and "left at 300" in r.stdout and "10 -> 75" in r.stdout
    assert values(lab.gateway) == (300, 75, 9)


def test_a_trial_ends_by_itself(lab):
    """Whoever began it is gone by then, killed with its whole process group."""
    before = values(lab.gateway)
    assert apply(lab, "--interval", "30", "--yes").returncode == 0
    r = apply(lab, "--idle", "120", "--trial", "4s", "--yes", start_new_session=True)
    assert r.returncode == 0, r.stderr
    began = time.monotonic()
    assert values(lab.gateway) == (120, 30, 9)
    wait_until(lambda: values(lab.gateway) == (7200, 30, 9), 10, "the end of the trial")
    assert time.monotonic() - began > 2.5
    assert revert(lab).returncode == 0      # of the change that was no trial
    assert values(lab.gateway) == before


def test_a_trial_that_was_good(lab):
    assert apply(lab, "--idle", "120", "--trial", "3s", "--yes").returncode == 0
    r = apply(lab, "--keep")
    assert r.returncode == 0, r.stderr
    time.sleep(4.5)
    assert values(lab.gateway)[0] == 120
    assert apply(lab, "--keep").returncode == 1
    assert revert(lab).returncode == 0 and values(lab.gateway)[0] == 7200


@pytest.mark.parametrize("which", [0, 1])
def test_a_trial_whose_guard_was_killed(lab, which):
    """Either of the two, more than once: it ends all the same, and so do they."""
    assert apply(lab, "--idle", "120", "--trial", "20s", "--yes").returncode == 0
    for _ in range(2):
        pair = wait_until(lambda: len(pair := guards(lab)) == 2 and pair, 30, "two guards")
        os.kill(pair[which], signal.SIGKILL)
        # Still there for a moment; and who kills the other one as well kills both (below).
        wait_until(lambda: pair[which] not in guards(lab), 30, "the end of the one that was killed")
    wait_until(lambda: values(lab.gateway)[0] == 7200, 40, "the end of the trial")
    wait_until(lambda: not guards(lab), 30, "the end of its guards")


def test_a_trial_whose_guards_were_killed(lab):
    """Both at once: nobody takes it back then; doctor says so."""
    assert apply(lab, "--idle", "120", "--trial", "2s", "--yes").returncode == 0
    wait_until(lambda: guards(lab), 30, "a guard")
    while guards(lab):
        for pid in guards(lab):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    time.sleep(9)
    assert values(lab.gateway)[0] == 120
    r = subprocess.run(["unshare", "-m", "sh", "-c", 'mkdir -p /var/lib/halfopen && mount --bind "$1" '
                        '/var/lib/halfopen && "$0" doctor', HALFOPEN, lab.path("state")],
                       capture_output=True, text=True)
    assert re.search(r"trial of 'halfopen apply' in namespace\s+" + lab.gateway.name,
                     re.sub(r"\s+", " ", r.stdout)), r.stdout
    assert revert(lab).returncode == 0 and values(lab.gateway)[0] == 7200


BAD = [
    (["--idle", "0"], 2, "'0' is no whole number from 1 to 32767 (seconds)"),
    (["--idle", "40000"], 2, "'40000' is no whole number from 1 to 32767"),
    (["--probes", "128"], 2, "from 1 to 127"),
    (["--interval", "5m"], 2, "'5m' is no whole number"),
    ([], 2, "nothing to apply"),
    (["--idle", "5", "--trial", "1h", "--persist"], 2, "exclude each other"),
    (["--idle", "5"], 2, "--yes is needed"),
    (["--idle", "5", "--persist", "--yes"], 2, "sysctl.d is of the host's own namespace"),
    (["--idle", "5", "--spread", "3s"], 2, "belong to --rearm"),
    (["/nonexistent.json"], 2, "/nonexistent.json: No such file"),
]


@pytest.mark.parametrize("arguments,code,said", BAD, ids=[" ".join(b[0]) for b in BAD])
def test_bad_input_changes_nothing(lab, arguments, code, said):
    r = apply(lab, *arguments, stdin=subprocess.DEVNULL)
    assert r.returncode == code and said in r.stderr, (r.returncode, r.stderr)
    assert values(lab.gateway) == (7200, 75, 9)


def test_a_namespace_that_is_gone(lab):
    gone = Namespace(lab.gateway.name + "x")
    gone.delete()
    r = halfopen(lab, "apply", "--netns", gone.name, "--idle", "5", "--yes")
    assert r.returncode == 2 and f"there is no namespace '{gone.name}'" in r.stderr


def test_read_only_sysctls(lab):
    """As in most containers."""
    r = apply(lab, "--idle", "120", "--yes", wrapper=[
        "unshare", "-m", "sh", "-c",
        'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$0" "$@"'])
    assert r.returncode == 1 and "Read-only file system" in r.stderr, r.stderr
    assert values(lab.gateway)[0] == 7200


def test_without_permission(lab):
    os.chmod(os.path.dirname(lab.path("x")), 0o1777)
    r = apply(lab, "--idle", "120", "--yes", wrapper=["setpriv", "--reuid", "65534", "--clear-groups"])
    assert r.returncode == 77, (r.returncode, r.stderr)
    assert values(lab.gateway)[0] == 7200


def test_over_a_reboot(lab):
    """In a mount namespace with an empty /etc/sysctl.d, and a network namespace of its own."""
    script = """
        mount -t tmpfs none /etc/sysctl.d
        echo net.ipv4.tcp_keepalive_time = 99 > /etc/sysctl.d/99-other.conf
        "$0" apply --idle 120 --persist --yes --state "$1" >/dev/null
        cat /etc/sysctl.d/90-halfopen.conf
        sysctl -q -w net.ipv4.tcp_keepalive_time=7 && sysctl -q -p /etc/sysctl.d/90-halfopen.conf
        sysctl -n net.ipv4.tcp_keepalive_time
        "$0" revert --state "$1" >/dev/null
        ls /etc/sysctl.d; sysctl -n net.ipv4.tcp_keepalive_time
    """
    r = subprocess.run(["unshare", "-n", "-m", "sh", "-c", script, HALFOPEN, lab.path("state")],
                       capture_output=True, text=True)
    lines = r.stdout.splitlines()
    assert lines[1:2] == ["net.ipv4.tcp_keepalive_time = 120"], (lines, r.stderr)
    assert lines[2:] == ["120", "99-other.conf", "7200"]
    assert "99-other.conf:1 sets net.ipv4.tcp_keepalive_time to 99" in r.stderr


def test_what_was_advised(lab):
    advice = {"schema": "halfopen.advice/1", "id": "change-1", "verdict": "change",
              "scope": {"kind": "namespace", "gateway": "here", "netns": lab.gateway.name},
              "proposed": {"idle_s": 240, "interval_s": 20, "probes": 5}}
    path = lab.path("advice.json")
    with open(path, "w") as f:
        f.write(json.dumps(advice) + "\n")
    assert apply(lab, path, "--gateway", "elsewhere", "--yes").returncode == 2
    r = apply(lab, path, "--gateway", "here", "--yes")
    assert r.returncode == 0, r.stderr
    assert values(lab.gateway) == (240, 20, 5)
    advice["proposed"]["probes"] = 300
    with open(path, "w") as f:
        f.write(json.dumps(advice) + "\n")
    r = apply(lab, path, "--gateway", "here", "--yes")
    assert r.returncode == 2 and ":1: proposed.probes: expected" in r.stderr
    with open(path, "w") as f:
        f.write("{]\n")
    r = apply(lab, path, "--gateway", "here", "--yes")
    assert r.returncode == 2 and re.search(r"advice.json:1:\d+: expected", r.stderr), r.stderr
    assert values(lab.gateway) == (240, 20, 5)


def test_idle_sockets_take_it_now(lab):
    """Armed for two hours; probed within seconds of --rearm, as nstat counts, and nothing pinned."""
    pairs = [lab.connect() for _ in range(40)]
    for gateway, _ in pairs:
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    own, _ = lab.connect()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    own.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5000)
    r = apply(lab, "--idle", "2", "--interval", "1", "--probes", "3", "--rearm", "--spread", "3s", "--yes")
    assert r.returncode == 0, r.stderr
    assert "40 sockets were armed anew" in r.stdout
    assert lab.gateway.nstat("TcpExtTCPKeepAlive") >= 40
    for gateway, _ in pairs:    # it follows the sysctls as before
        assert gateway.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 2
    assert revert(lab).returncode == 0
    assert pairs[0][0].getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 7200


def test_too_many_die(lab):
    pairs = [lab.connect() for _ in range(40)]
    for gateway, _ in pairs:
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    ports = ", ".join(str(device.getsockname()[1]) for _, device in pairs[:10])
    lab.gateway.drop("input", f"tcp sport {{ {ports} }}")
    r = apply(lab, "--idle", "2", "--interval", "1", "--probes", "2", "--rearm", "--spread", "2s",
              "--stop-at-deaths", "5%", "--yes")
    assert r.returncode == 1 and "connections died since" in r.stderr, (r.stdout, r.stderr)
    assert "stepped back" in r.stderr and values(lab.gateway) == (7200, 75, 9)
    assert "nothing was applied" in revert(lab).stdout


# ---- whose state it is ----

NOBODY = 65534


def make_state(lab, before=300):
    """As apply leaves it, of a change that would be taken back to `before`."""
    assert apply(lab, "--idle", "120", "--yes").returncode == 0
    name, = (f for f in os.listdir(lab.path("state")) if f.startswith("applied-"))
    path = lab.path("state/" + name)
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace("before 7200", f"before {before}"))
    return path


def of_another_directory(lab, path):
    os.chown(lab.path("state"), NOBODY, NOBODY)


def writable_by_others(lab, path):
    os.chmod(lab.path("state"), 0o777)


def anothers_link_to_it(lab, path):
    os.rename(lab.path("state"), lab.path("real"))
    os.symlink(lab.path("real"), lab.path("state"))
    os.lchown(lab.path("state"), NOBODY, NOBODY)


def put_into(lab, directory):
    """What the path leads to lies in there by now."""
    os.mkdir(lab.path(directory), 0o755)
    os.rename(lab.path("state"), lab.path(directory + "/sub"))
    os.symlink(lab.path(directory + "/sub"), lab.path("state"))


def in_anothers_directory(lab, path):
    put_into(lab, "theirs")
    os.chown(lab.path("theirs"), NOBODY, NOBODY)


def where_others_may_write(lab, path):
    put_into(lab, "everybodys")
    os.chmod(lab.path("everybodys"), 0o777)


def by_anothers_link(lab, path):
    put_into(lab, "ours")
    os.remove(lab.path("state"))
    os.symlink(lab.path("ours"), lab.path("link"))
    os.lchown(lab.path("link"), NOBODY, NOBODY)
    os.symlink(lab.path("link/sub"), lab.path("state"))


@pytest.mark.parametrize("verb", ["revert", "apply"])
@pytest.mark.parametrize("whose", [of_another_directory, writable_by_others, anothers_link_to_it,
                                   in_anothers_directory, where_others_may_write, by_anothers_link])
def test_a_directory_of_somebody_else_is_not_believed(lab, verb, whose):
    whose(lab, make_state(lab))
    r = revert(lab) if verb == "revert" else apply(lab, "--idle", "99", "--yes")
    assert r.returncode == 2 and "--state: " + lab.path("state") in r.stderr, r
    assert "expected a directory of our own" in r.stderr and values(lab.gateway)[0] == 120


def with_state(lab, verb, directory, *more):
    return subprocess.run([HALFOPEN, verb, "--netns", lab.gateway.name, "--state", directory, *more],
                          capture_output=True, text=True, timeout=60)


def test_a_directory_that_somebody_else_put_away(lab):
    """That nothing is there says nothing, where he may rename it."""
    directory = lab.path("theirs/sub")
    os.makedirs(directory, 0o755)
    os.chown(lab.path("theirs"), NOBODY, NOBODY)
    for path in (directory, directory + "/", lab.path("theirs/../theirs/sub"), lab.path("theirs/gone")):
        r = with_state(lab, "revert", path)
        assert r.returncode == 2 and f"{lab.path('theirs')} belongs to another user" in r.stderr.replace(
            "/theirs/..", ""), r


def test_no_directory(lab):
    with open(lab.path("file"), "w"):
        pass
    for path in ("file", "file/sub"):
        r = with_state(lab, "revert", lab.path(path))
        assert r.returncode == 2 and lab.path(path) + " is no directory" in r.stderr, r


def test_a_directory_of_ours_where_everybody_may_write(lab):
    """As in /tmp: nobody else may put it away. Our links are followed."""
    os.mkdir(lab.path("shared"))
    os.chmod(lab.path("shared"), 0o1777)
    os.mkdir(lab.path("shared/ours"), 0o755)
    os.symlink("shared/ours", lab.path("to-ours"))
    r = with_state(lab, "apply", lab.path("to-ours/sub"), "--idle", "120", "--yes")
    assert r.returncode == 0 and values(lab.gateway)[0] == 120, r
    r = with_state(lab, "revert", lab.path("shared/ours/sub"))
    assert r.returncode == 0 and values(lab.gateway)[0] == 7200, r
    os.chown(lab.path("shared/ours"), NOBODY, NOBODY)
    r = with_state(lab, "revert", lab.path("shared/ours/sub"))
    assert r.returncode == 2 and "shared/ours belongs to another user" in r.stderr, r


def of_another(lab, path):
    os.chown(path, NOBODY, NOBODY)


def others_may_write(lab, path):
    os.chmod(path, 0o666)


def link(lab, path):
    os.rename(path, lab.path("elsewhere"))
    os.symlink(lab.path("elsewhere"), path)


def second_name(lab, path):
    os.link(path, lab.path("elsewhere"))


def fifo(lab, path):
    os.unlink(path)
    os.mkfifo(path)


@pytest.mark.parametrize("whose", [of_another, others_may_write, link, second_name, fifo])
def test_a_file_of_somebody_else_is_not_believed(lab, whose):
    path = make_state(lab)
    whose(lab, path)
    r = revert(lab)
    assert r.returncode != 0 and path in r.stderr, r
    assert values(lab.gateway)[0] == 120


def test_revert_makes_nothing(lab):
    """Where nothing was ever saved: no directory, no file."""
    state = lab.path("mistyped")
    for more in (["--netns", lab.gateway.name], ["--all"]):
        r = subprocess.run([HALFOPEN, "revert", "--state", state, *more], capture_output=True, text=True)
        assert r.returncode == 0 and "nothing was applied" in r.stdout, r
        assert not os.path.exists(state)
