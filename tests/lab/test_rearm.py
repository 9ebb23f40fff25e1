# SPDX-License-Identifier: GPL-2.0
"""apply --rearm harms nobody. Witnesses: the timers as ss shows them, nstat, getsockopt."""
import contextlib
import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest

from lab import HALFOPEN, Lab, TCP_USER_TIMEOUT, inside, run, wait_until

TCP_REPAIR, TCP_KEEPIDLE = 19, socket.TCP_KEEPIDLE


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def values(lab):
    out = run("ip", "netns", "exec", lab.gateway.name, "sysctl", "-n",
              *(f"net.ipv4.tcp_keepalive_{k}" for k in ("time", "intvl", "probes"))).stdout
    return tuple(int(v) for v in out.split())


def arguments(lab, *more):
    return [HALFOPEN, "apply", "--netns", lab.gateway.name, "--state", lab.path("state"), "--rearm",
            "--yes", *more]


def rearm(lab, *more, **keywords):
    keywords.setdefault("timeout", 120)
    return subprocess.run(arguments(lab, *more), capture_output=True, text=True, **keywords)


def begin(lab, *more, **keywords):
    keywords = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **keywords}
    process = subprocess.Popen(arguments(lab, *more), **keywords)
    return lab.end_process(process, signal.SIGKILL)


def keeper(lab, family=socket.AF_INET):
    """A connection that follows the sysctls: (the gateway's end, the device's)."""
    gateway, device = lab.connect(family)
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return gateway, device


def seconds(text):
    """28sec, 2min10sec, 4.130ms (which is 4.13 s), 130ms."""
    minutes, rest = re.fullmatch(r"(?:(\d+)min)?(.*)", text).groups()
    if rest.endswith("ms"):
        rest = rest[:-2] if "." in rest else int(rest[:-2]) / 1000
    else:
        rest = rest.removesuffix("sec") or 0
    return 60 * int(minutes or 0) + float(rest)


def run_out(lab):
    """When the keepalive timers run out, as ss tells it: port of the peer -> CLOCK_MONOTONIC."""
    found = {}
    before = time.monotonic()
    with inside(lab.gateway.path):
        out = run("ss", "-Htno").stdout
    for line in out.splitlines():
        timer = re.search(r"timer:\(keepalive,([^,]+),", line)
        if timer:
            found[int(line.split()[4].rsplit(":", 1)[1])] = before + seconds(timer[1])
    return found


def port(device):
    return device.getsockname()[1]


@pytest.mark.parametrize("spread", ["1s", "6s"])
def test_only_where_it_brings_the_next_probe_forward(lab, spread):
    """Whatever a timer's age, and in whichever second its turn comes: it never runs out later."""
    lab.gateway.sysctl(tcp_keepalive_time=120)
    groups = []
    for _ in range(4):
        groups.append([port(keeper(lab)[1]) for _ in range(10)])
        time.sleep(12)
    before = run_out(lab)
    process = begin(lab, "--idle", "66", "--spread", spread)
    wait_until(lambda: values(lab)[0] == 66, 20, "the new value")
    armed = wait_until(lambda: (now := run_out(lab)) and
                       all(now[p] < before[p] - 3 for p in groups[3]) and now, 30, "the youngest")
    for p in before:    # ss tells whole seconds
        assert armed[p] <= before[p] + 1.1, (p, before[p], armed[p])
    # 48 s old: 72 s to go, where arming anew would take 66 and up to an eighth more
    assert all(abs(armed[p] - before[p]) < 1.5 for p in groups[0])
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "runs out sooner as it is" in out, (out, err)


def test_evenly_within_the_spread(lab):
    for _ in range(60):
        keeper(lab)
    end = time.monotonic() + 7000
    process = begin(lab, "--idle", "600", "--spread", "15s")
    seen = set()
    while 60 not in seen and time.monotonic() < end - 6900:
        seen.add(sum(at < end for at in run_out(lab).values()))
        time.sleep(0.1)
    assert 60 in seen and len(seen - {0, 60}) > 1, seen     # not all at once
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert "60 sockets are to be armed anew within 15 s" in out and "60 sockets were armed anew" in out, (out, err)


def test_a_goodbye_is_no_death(lab):
    """The peer closed, was heard a moment ago, and resets what is asked now: the program leaks it."""
    lab.device.sysctl(tcp_fin_timeout=1)
    pairs = [keeper(lab) for _ in range(20)]
    for _, device in pairs[:5]:
        device.close()
    with inside(lab.device.path):
        wait_until(lambda: len(run("ss", "-Htna", "state", "connected").stdout.splitlines()) == 15, 20,
                   "the peer to forget them")
    r = rearm(lab, "--idle", "2", "--interval", "1", "--probes", "3", "--spread", "1s")
    assert r.returncode == 0 and "20 sockets were armed anew" in r.stdout, (r.stdout, r.stderr)
    assert "0 died" in r.stdout and values(lab)[0] == 2
    for gateway, _ in pairs[:5]:    # EPIPE: it was reset in CLOSE_WAIT
        assert gateway.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 32


GATEWAY = "10.77.0.1"


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def special_sockets(lab):
    """Whose timer is not to be touched: what is said of them -> port of the peer."""
    lab.gateway.sysctl(tcp_fin_timeout=360)
    found = {}

    def kind(name, **of):
        gateway, device = keeper(lab)
        found[name] = port(device)
        return gateway, device
    gateway, _ = kind("an orphan")      # in FIN_WAIT2: the timer is that state's
    gateway.close()
    gateway, _ = kind("a user timeout")
    gateway.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 30000)
    gateway, _ = kind("an idle time of its own")
    gateway.setsockopt(socket.IPPROTO_TCP, TCP_KEEPIDLE, 500)
    gateway, _ = kind("repair")
    gateway.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    gateway, _ = kind("no keepalive")
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
    # Any user's here, by one address or by two: they fall silent when he likes.
    for source, address in (("127.0.0.1", "127.0.0.1"), (GATEWAY, "127.0.0.1"), ("::1", "::1")):
        with inside(lab.gateway.path):
            listener = socket.create_server((address, 0), family=family_of(address))
            client = lab.keep(socket.create_connection(listener.getsockname()[:2],
                                                       source_address=(source, 0)))
        accepted = lab.keep(listener.accept()[0])
        listener.close()
        for end in (client, accepted):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        found[f"a peer of this host, {source}"] = port(client)
    gateway, device = kind("data under way")
    lab.gateway.drop("input", f"tcp sport {port(device)}")
    gateway.send(b"x")
    return found


def test_who_is_left_alone(lab):
    lab.gateway.sysctl(tcp_keepalive_time=500)
    plain, device = keeper(lab)
    special = special_sockets(lab)
    time.sleep(1)
    before = run_out(lab)
    assert special["an orphan"] in before and special["a user timeout"] in before
    process = begin(lab, "--idle", "100", "--spread", "1s")
    wait_until(lambda: run_out(lab)[port(device)] < before[port(device)] - 300, 30, "its turn")
    time.sleep(2)
    after = run_out(lab)
    for name, p in special.items():
        assert p not in before or abs(after[p] - before[p]) < 2, (name, before[p], after[p])
        assert p in before or p not in after, name
    assert plain.getsockopt(socket.IPPROTO_TCP, TCP_KEEPIDLE) == 100     # nothing is pinned
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert "1 socket is to be armed anew" in out, out
    for said in ("1 closed by their program", "1 without keepalive", "1 with an idle time of their own",
                 "6 whose peer is of this host", "2 with a user timeout, in repair", "1 that ask already or have data under way"):
        assert said in out, (said, out)
    assert process.returncode == 1 and "a signal asked for the end" in err and values(lab)[0] == 500


def test_mptcp_is_left_alone(lab):
    with inside(lab.gateway.path):
        try:
            listener = lab.keep(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262))
        except OSError as e:
            pytest.skip(f"this kernel makes no MPTCP socket: {e}")
        listener.bind(("0.0.0.0", 7001))
        listener.listen()
    with inside(lab.device.path):
        device = lab.keep(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262))
    device.connect(("10.77.0.1", 7001))
    gateway = lab.keep(listener.accept()[0])
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    before = run_out(lab)
    assert port(device) in before, before
    r = rearm(lab, "--idle", "5", "--interval", "1", "--spread", "1s")
    assert r.returncode == 0 and "no socket is to be armed anew" in r.stdout, r
    assert run_out(lab)[port(device)] > before[port(device)] - 60


# ---- deaths ----

def abort_on_timeout(lab, count):
    """Connections that die of TCP_USER_TIMEOUT, as anybody can make them."""
    dead = []
    for _ in range(count):
        gateway, device = lab.connect(port=7002)
        dead.append(gateway)
        gateway.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 500)
    lab.gateway.drop("input", "tcp dport 7002")
    for gateway in dead:
        gateway.send(b"x")
    wait_until(lambda: lab.gateway.nstat("TcpExtTCPAbortOnTimeout") >= count, 30, "their deaths")


def test_deaths_of_others_stop_nothing(lab):
    for _ in range(10):
        keeper(lab)
    process = begin(lab, "--idle", "12", "--interval", "1", "--probes", "3", "--spread", "1s")
    wait_until(lambda: values(lab)[0] == 12, 20, "the new value")
    abort_on_timeout(lab, 5)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    assert "10 were heard, 0 died" in out and values(lab)[0] == 12


def test_the_living_that_die_stop_it(lab):
    pairs = [keeper(lab) for _ in range(40)]
    ports = ", ".join(str(port(device)) for _, device in pairs[:10])
    lab.gateway.drop("input", f"tcp sport {{ {ports} }}")
    r = rearm(lab, "--idle", "2", "--interval", "1", "--probes", "2", "--spread", "2s",
              "--stop-at-deaths", "5%")
    assert r.returncode == 1 and values(lab) == (7200, 75, 9), (r.stdout, r.stderr)
    died, of = map(int, re.search(r"(\d+) connections died since, of (\d+) armed anew that were alive",
                                  r.stderr).groups())
    assert 2 <= died <= lab.gateway.nstat("TcpExtTCPAbortOnTimeout") and of <= 40
    assert died / of >= 0.05


def test_resets_that_answer_a_probe_are_deaths(lab):
    """A middlebox that forgot the connection, or the peer."""
    pairs = [keeper(lab) for _ in range(20)]
    for _, device in pairs[:5]:     # its host knows nothing of it any more
        device.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        device.close()
    r = rearm(lab, "--idle", "2", "--interval", "1", "--probes", "9", "--spread", "1s")
    assert r.returncode == 1 and "connections died since" in r.stderr, (r.stdout, r.stderr)
    assert lab.gateway.nstat("TcpExtTCPAbortOnTimeout") == 0 and values(lab)[0] == 7200


@pytest.mark.parametrize("how", ["hangup", "pipe"])
def test_who_waits_for_deaths_goes_on_without_a_terminal(lab, how):
    """The session is gone: it is stepped back from all the same."""
    pairs = [keeper(lab) for _ in range(20)]
    read, write = os.pipe()
    lab.gateway.drop("input", "tcp dport 7000")
    process = begin(lab, "--idle", "4", "--interval", "1", "--probes", "2", "--spread", "1s",
                    stdout=write, stderr=write)
    os.close(write)
    wait_until(lambda: values(lab)[0] == 4, 20, "the new value")
    if how == "hangup":
        for _ in range(3):
            process.send_signal(signal.SIGHUP)
    else:
        os.close(read)
    process.wait(90)
    assert process.returncode == 1 and values(lab) == (7200, 75, 9)
    assert lab.gateway.nstat("TcpExtTCPAbortOnTimeout") >= 2 and pairs
    if how == "hangup":
        os.close(read)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("spread", ["1s", "5m"])
def test_a_signal_stops_it(lab, how, spread):
    pairs = [keeper(lab) for _ in range(10)]
    process = begin(lab, "--idle", "60", "--spread", spread)
    wait_until(lambda: values(lab)[0] == 60, 20, "the new value")
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and values(lab) == (7200, 75, 9), err
    assert "--rearm was interrupted: a signal asked for the end" in err and "stepped back" in err and pairs


def test_values_that_somebody_else_changed_stop_it(lab):
    pairs = [keeper(lab) for _ in range(10)]
    process = begin(lab, "--idle", "60", "--spread", "5m")
    wait_until(lambda: values(lab)[0] == 60, 20, "the new value")
    lab.gateway.sysctl(tcp_keepalive_time=333)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "somebody else changed them" in err and pairs
    assert values(lab)[0] == 333 and "stepped back" not in err


def read_all(fd):
    said = b""
    with contextlib.suppress(OSError):      # EIO: it has ended
        while chunk := os.read(fd, 4096):
            said += chunk
    os.close(fd)
    return said


def terminal(columns):
    """(our end, theirs) of a terminal."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    return ours, theirs


def test_progress_on_a_terminal_alone(lab):
    for _ in range(10):
        keeper(lab)
    ours, theirs = os.openpty()
    process = begin(lab, "--idle", "3", "--interval", "1", "--spread", "2s", stderr=theirs)
    os.close(theirs)
    said = read_all(ours)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert re.search(rb"\r\d+ of 10 armed, \d+ answered; 0 died, 0 of them alive before;", said), said
    assert "\r" not in out
    r = rearm(lab, "--idle", "2", "--interval", "1", "--spread", "1s")
    assert r.returncode == 0 and "\r" not in r.stdout + r.stderr and "of 10 armed" not in r.stderr


def test_lines_break_between_words(lab):
    """What is said on a terminal of 60 columns is what is said in a pipe, in lines of no more."""
    pairs = [keeper(lab) for _ in range(3)] + [lab.connect()]
    options = ["--idle", "3", "--interval", "1", "--spread", "1s"]
    ours, theirs = terminal(60)
    process = begin(lab, *options, stdout=theirs)
    os.close(theirs)
    lines = read_all(ours).decode().replace("\r", "").splitlines()
    assert process.wait(60) == 0 and pairs, lines
    for begins, ends in (("3 sockets are to be", "s at most"), ("left alone: ", "without keepalive"),
                         ("3 sockets were armed", "0 died")):
        first = next(n for n, line in enumerate(lines) if line.startswith(begins))
        last = next(n for n, line in enumerate(lines) if n >= first and line.endswith(ends))
        assert all(len(line) <= 60 for line in lines[first:last + 1]), lines
    joined = " ".join(lines)
    assert re.search(r"3 sockets were armed anew, 3 of them heard within the last 5 minutes; since then 3 were heard, "
                     "0 died", joined), lines


def silent(lab, count):
    pairs = [keeper(lab) for _ in range(count)]
    return pairs, ", ".join(str(port(device)) for _, device in pairs)


def dial_again(lab, pairs, process):
    """Each device that was reset, or timed out, opens another connection from its address."""
    open_ends = [gateway for gateway, _ in pairs]
    while process.poll() is None:
        for gateway in select.select(open_ends, [], [], 0.2)[0]:
            open_ends.remove(gateway)
            lab.connect()


@pytest.mark.long
def test_where_most_were_silent_for_long():
    """After more than five minutes: dead ones are what one wants to find; whose peers dial again when
    they have died were alive; who answers is alive."""
    quick = ["--idle", "2", "--interval", "1", "--probes", "2", "--spread", "2s"]
    with Lab() as dead, Lab() as forgotten, Lab() as living:
        pairs = {lab: silent(lab, 50) for lab in (dead, forgotten, living)}
        began = time.monotonic()
        dead.gateway.drop("input", f"tcp sport {{ {pairs[dead][1]} }}")
        forgotten.gateway.drop("input", f"tcp sport {{ {pairs[forgotten][1]} }}")
        time.sleep(301 - (time.monotonic() - began))
        heard = [keeper(dead) for _ in range(20)]
        ours, theirs = terminal(140)
        processes = {lab: begin(lab, *quick, **({"stderr": theirs} if lab is dead else {})) for lab in pairs}
        os.close(theirs)
        shown = []
        reader = threading.Thread(target=lambda: shown.append(read_all(ours).decode()))
        reader.start()
        dial_again(forgotten, pairs[forgotten][0], processes[forgotten])
        said = {lab: p.communicate(timeout=120) for lab, p in processes.items()}

        out, err = said[dead]
        assert processes[dead].returncode == 0 and values(dead) == (2, 1, 2), (out, err)
        assert "2 are armed first" in out and "70 sockets were armed anew, 20 of them heard" in out, out
        assert "20 were heard, 50 died" in out and "50 of the dead had been silent for longer" in out
        assert dead.gateway.nstat("TcpExtTCPAbortOnTimeout") == 50 and heard
        reader.join()
        progress = re.findall(r"; (.*?), at most (\d+)s to go|at most (\d+)s to go", shown[0])
        left = [int(a or b) for _, a, b in progress]
        waiting = [int(s) for s in re.findall(r"50 died, all silent for long before; waiting whether the dead dial "
                                              r"again, at most (\d+)s to go", shown[0])]
        assert left[0] > 2 + 6 + 10, shown      # what comes after the first few, too
        assert len(set(waiting)) >= 3 and waiting[-1] < waiting[0] <= 11, shown

        out, err = said[forgotten]
        assert processes[forgotten].returncode == 1 and values(forgotten) == (7200, 75, 9), (out, err)
        assert "2 sockets were armed anew, 0 of them heard" in out, out
        assert "2 connections died since, of 2 armed anew that were alive" in err, err
        assert "2 of them had been silent for longer, but when they had died their peers dialled again" in err, err
        assert forgotten.gateway.nstat("TcpExtTCPAbortOnTimeout") == 2

        out, err = said[living]
        assert processes[living].returncode == 0 and values(living) == (2, 1, 2), (out, err)
        assert "50 sockets were armed anew, 0 of them heard" in out and "50 were heard, 0 died" in out, out


# ---- the command line ----

NUMBERS = [
    (["--idle", "5", "--rearm", "--spread", "4294967296s"], "--spread: '4294967296s' is no duration from 1s"),
    (["--idle", "5", "--rearm", "--spread", "18446744073s"], "is no duration from 1s"),
    (["--idle", "5", "--rearm", "--spread", "18446744073709551616s"], "is no duration from 1s"),
    (["--idle", "5", "--rearm", "--spread", "86401s"], "is no duration from 1s to 1d"),
    (["--idle", "5", "--rearm", "--spread", "999ms"], "is no duration from 1s"),
    (["--idle", "5", "--rearm", "--spread", "-1s"], "is no duration from 1s"),
    (["--idle", "5", "--rearm", "--spread", "5"], "is no duration from 1s"),
    (["--idle", "5", "--spread", "5m"], "belong to --rearm"),
    (["--idle", "5", "--stop-at-deaths", "1%"], "belong to --rearm"),
    *((["--idle", "5", "--rearm", "--stop-at-deaths", share], "is no share of more than 0%")
      for share in ("0%", "-1%", "nan%", "inf%", "101%", "1", "%", "0x1%", "1e1%", " 1%", "1..2%")),
    (["--keep", "--rearm"], "--keep takes no values"),
]


@pytest.mark.parametrize("words,said", NUMBERS, ids=[" ".join(n[0]) for n in NUMBERS])
def test_numbers_at_their_bounds(lab, words, said):
    r = subprocess.run([HALFOPEN, "apply", "--netns", lab.gateway.name, "--state", lab.path("state"),
                        "--yes", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert r.returncode == 2 and said in r.stderr, (r.returncode, r.stderr)
    assert values(lab) == (7200, 75, 9) and not os.path.exists(lab.path("state"))


def test_no_probes_would_kill_the_living(lab):
    gateway, _ = keeper(lab)
    lab.gateway.sysctl(tcp_keepalive_probes=0)
    r = rearm(lab, "--idle", "2", "--spread", "1s")
    assert r.returncode == 2 and "kills living peers unasked" in r.stderr, r.stderr
    assert values(lab) == (7200, 75, 0) and gateway.fileno() >= 0


def test_values_that_are_there_already(lab):
    """Applied before, without --rearm: the sockets can still take them."""
    gateway, device = keeper(lab)
    lab.gateway.sysctl(tcp_keepalive_time=3, tcp_keepalive_intvl=1)
    r = rearm(lab, "--idle", "3", "--interval", "1", "--spread", "1s")
    assert r.returncode == 0 and "1 socket was armed anew" in r.stdout, (r.stdout, r.stderr)
    assert lab.gateway.nstat("TcpExtTCPKeepAlive") >= 1 and gateway and device
