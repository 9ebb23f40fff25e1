# SPDX-License-Identifier: GPL-2.0
"""halfopen sockets: what each connection is like now, by ss, getsockopt, tcp_info and what then happens."""
import fcntl
import json
import math
import os
import pty
import re
import resource
import select
import shutil
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest

import schema
from lab import (HALFOPEN, TCP_USER_TIMEOUT, Lab, cookie, hold_only, inside, keepalive, mono_ns, run, tcp_info,
                 unix_ns, wait_until)


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def halfopen(*arguments, **keywords):
    return subprocess.run([HALFOPEN, "sockets", *arguments], capture_output=True, text=True, timeout=60,
                          **keywords)


def listed(*arguments):
    """The lines of --json, by cookie; each is valid, and counted."""
    r = halfopen("--json", *arguments)
    assert r.returncode == 0, r.stderr
    lines = [json.loads(line) for line in r.stdout.splitlines()]
    for number, line in enumerate(lines):
        errors = list(schema.validator("socket").iter_errors(line))
        assert not errors, (errors[0].message, line)
        assert line["seq"] == number
    assert len({l["socket"]["cookie"] for l in lines}) == len(lines)
    return {l["socket"]["cookie"]: l for l in lines}


def of(lab, *arguments):
    return listed(f"netns = {lab.gateway.name}", *arguments)


def one(lab, sock):
    return of(lab)[cookie(sock)]


def ss(lab, *arguments):
    """By cookie: the words of a line of ss, and of the next, which it indents."""
    out = run("ip", "netns", "exec", lab.gateway.name, "ss", "-Htneoi", *arguments).stdout
    lines = {}
    for line in out.splitlines():
        if not line[0].isspace():
            key = str(int(re.search(r"sk:([0-9a-f]+)", line)[1], 16))
            lines[key] = line
        else:
            lines[key] += line
    return lines


def ss_timer(line):
    """(kind, seconds, count) of timer:(keepalive,944ms,0); None: there is none."""
    found = re.search(r"timer:\((\w+),([\d.]+)(ms|sec|min)(?:([\d.]+)(sec|ms))?,(\d+)\)", line)
    if not found:
        return None
    unit = {"ms": 1e-3, "sec": 1, "min": 60}
    seconds = float(found[2].rstrip(".")) * unit[found[3]]
    if found[4]:
        seconds += float(found[4].rstrip(".")) * unit[found[5]]
    return found[1], seconds, int(found[6])


NAMES_OF_SS = {"ESTAB": "ESTABLISHED", "CLOSE-WAIT": "CLOSE_WAIT", "FIN-WAIT-1": "FIN_WAIT1",
               "FIN-WAIT-2": "FIN_WAIT2", "LAST-ACK": "LAST_ACK", "SYN-SENT": "SYN_SENT", "SYN-RECV": "SYN_RECV",
               "CLOSING": "CLOSING"}


def test_the_same_sockets_as_ss(lab):
    """All of both families and several states, with ss's words for them and its ends."""
    pairs = [lab.connect(port=7000 + n % 3) for n in range(9)]
    pairs += [lab.connect(socket.AF_INET6, port=7003) for _ in range(3)]
    pairs[0][1].close()         # CLOSE_WAIT
    pairs[1][0].shutdown(socket.SHUT_WR)    # FIN_WAIT2
    wait_until(lambda: "CLOSE-WAIT" in str(ss(lab)) and "FIN-WAIT-2" in str(ss(lab)), 20, "their states")
    theirs, ours = ss(lab, "state", "connected"), of(lab)
    assert set(ours) == set(theirs) and {cookie(g) for g, _ in pairs} <= set(ours)
    for key, line in theirs.items():
        state, _, _, local, peer = line.split()[:5]
        s = ours[key]["socket"]
        assert ours[key]["state"] == NAMES_OF_SS[state]
        for end, by_ss in (("local", local), ("peer", peer)):
            address, _, port = by_ss.rpartition(":")
            assert (s[end]["address"], s[end]["port"]) == (address.strip("[]"), int(port)), line
        assert s["netns"]["inode"] == lab.gateway.inode and s["netns"]["name"] == lab.gateway.name
        assert s["owner"]["pid"] == os.getpid(), line
        assert ("half_closed_at" in ours[key]) == (state == "CLOSE-WAIT"), line


def test_options_in_force(lab):
    """By getsockopt; where each comes from, by what the test set; the timer by ss."""
    lab.gateway.sysctl(tcp_keepalive_time=600, tcp_keepalive_intvl=11, tcp_keepalive_probes=4)
    off, _ = lab.connect()
    sysctl, _ = lab.connect()
    own, _ = lab.connect()
    mixed, _ = lab.connect()
    sysctl.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    keepalive(own, 50, 7, 3)
    mixed.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    mixed.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 90)
    mixed.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 120000)
    ours, theirs = of(lab), ss(lab)
    for sock, sources, within in ((off, ["sysctl"] * 3, None), (sysctl, ["sysctl"] * 3, 600 + 4 * 11),
                                  (own, ["socket"] * 3, 50 + 3 * 7),
                                  (mixed, ["socket", "sysctl", "sysctl"], 90 + 3 * 11)):
        s, k = ours[cookie(sock)], ours[cookie(sock)]["keepalive"]
        assert [sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)] + [
            sock.getsockopt(socket.IPPROTO_TCP, option) for option in
            (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, TCP_USER_TIMEOUT)] == [
            k["enabled"], k["idle_s"], k["interval_s"], k["probes"], k["user_timeout_ms"]]
        assert [k["from"][name] for name in ("idle", "interval", "probes")] == sources
        assert k["detects_within_s"] == within
        timer = ss_timer(theirs[cookie(sock)])
        if not k["enabled"]:
            assert (s["next_probe_in_s"], s["dies_in_s"], timer) == (None, None, None)
            continue
        # ss looked later; it cuts to whole seconds or minutes where those are many
        assert timer[0] == "keepalive" and timer[1] - 1 <= s["next_probe_in_s"] <= timer[1] + 90, s
        assert s["dies_in_s"] == pytest.approx(s["next_probe_in_s"] + within - k["idle_s"], abs=0.01)
        assert (s["unanswered"], s["suspect"], s["exposed"]) == (0, False, True)


def died(sock, timeout):
    """The instant at which its program hears of its death."""
    poll = select.poll()
    poll.register(sock, 0)
    assert poll.poll(timeout * 1000), "it did not die"
    return mono_ns()


def test_probes_that_nobody_answers(lab):
    """The count is the kernel's (tcp_info), the silence the lab's clock's, and it dies when that was
    said."""
    gateway, _ = lab.connect()
    keepalive(gateway, 2, 2, 6)
    healthy, _ = lab.connect(port=7001)
    keepalive(healthy, 2, 2, 6)
    before_cut, after_cut = lab.gateway.drop("input", "tcp dport 7000")
    wait_until(lambda: tcp_info(gateway)["probes"] >= 3, 40, "three probes")
    before = tcp_info(gateway)["probes"]
    looked = mono_ns()
    s = one(lab, gateway)
    seen = mono_ns()
    after = tcp_info(gateway)["probes"]
    assert before - 1 <= s["unanswered"] <= after - 1 and s["suspect"]
    # Heard at the cut at the latest, and at most an idle time before that.
    assert (looked - after_cut) / 1e9 - 0.02 <= s["silent_s"] <= (seen - before_cut) / 1e9 + 3
    assert not one(lab, healthy)["suspect"]
    end = died(gateway, 60)
    said = s["dies_in_s"]
    # The timer wheel's lateness is an eighth at most of each interval; the host's own comes on top.
    assert (end - looked) / 1e9 >= said - 0.1 and said >= (end - seen) / 1e9 / 1.2 - 6, (said, end - seen)


def test_data_that_nobody_acknowledges(lab):
    """Retransmission suspends keepalive: what is due next is its timer, and what ends it tcp_retries2."""
    lab.gateway.sysctl(tcp_retries2=5)
    gateway, _ = lab.connect()
    keepalive(gateway, 50, 7, 3)
    lab.gateway.drop("input", "tcp dport 7000")
    gateway.send(b"into the silence")
    wait_until(lambda: tcp_info(gateway)["retransmits"] >= 2, 20, "retransmissions")
    s, line = one(lab, gateway), ss(lab)[cookie(gateway)]
    seen = mono_ns()
    assert s["unanswered"] >= 2 and s["suspect"]
    assert ss_timer(line)[0] == "on" and s["next_probe_in_s"] <= 10
    assert s["dies_in_s"] <= 60
    end = died(gateway, 90)
    assert s["dies_in_s"] == pytest.approx((end - seen) / 1e9, rel=0.3, abs=6)


def test_it_is_alive_again(lab):
    """Data on the fast path leave the kernel's count of probes as it was: that is no silence."""
    gateway, device = lab.connect()
    keepalive(gateway, 1, 1, 9)
    before, _ = lab.gateway.drop("input", "tcp dport 7000")
    wait_until(lambda: tcp_info(gateway)["probes"] >= 3, 40, "three probes")
    assert one(lab, gateway)["suspect"]
    lab.gateway.mend()
    device.send(b"here")
    wait_until(lambda: gateway.recv(4, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"here" or None
               if select.select([gateway], [], [], 0)[0] else None, 20, "its data")
    s = wait_until(lambda: (lambda s: s["unanswered"] == 0 and s)(one(lab, gateway)), 20, "no suspicion")
    assert not s["suspect"] and s["silent_s"] < 20


def test_a_program_that_does_not_read(lab):
    lab.listen().setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    gateway, device = lab.connect()
    assert one(lab, gateway)["receive_window"] > 0
    device.setblocking(False)

    def is_full():
        try:
            while True:
                device.send(b"x" * 4096)
        except BlockingIOError:
            return tcp_info(gateway)["rcv_wnd"] == 0 or one(lab, gateway)["receive_window"] == 0
    wait_until(is_full, 30, "a closed window")
    assert wait_until(lambda: one(lab, gateway)["receive_window"] == 0, 20, "window 0")
    # The device asks for the window: by ss, its timer is that of zero-window probes.
    out = run("ip", "netns", "exec", lab.device.name, "ss", "-Htno").stdout
    asks = wait_until(lambda: re.search(r"timer:\(persist", run(
        "ip", "netns", "exec", lab.device.name, "ss", "-Htno").stdout), 20, out)
    assert asks
    theirs = listed(f"netns = {lab.device.name}")[cookie(device)]
    assert theirs["next_probe_in_s"] is not None and theirs["dies_in_s"] > theirs["next_probe_in_s"]


def test_a_peer_of_this_host_is_no_exposure(lab):
    with inside(lab.gateway.path):
        listeners = [socket.create_server(("127.0.0.1", 7100)), socket.create_server(("10.77.0.1", 7101)),
                     socket.create_server(("::1", 7102), family=socket.AF_INET6)]
        clients = [lab.keep(socket.create_connection(l.getsockname()[:2])) for l in listeners]
    for listener, client in zip(map(lab.keep, listeners), clients):
        server = lab.keep(listener.accept()[0])
        for end in (server, client):
            assert one(lab, end)["exposed"] is False
    remote, _ = lab.connect()
    assert one(lab, remote)["exposed"] is True


def test_who_has_no_owner(lab):
    """Waiting for accept(), closed by its program, under way in a queue: each is told as what it is, by ss (processes,
    the listener's queue)."""
    listener = lab.listen(port=7020)
    with inside(lab.device.path):
        for port in (7020, 7021, 7022):
            if port != 7020:
                lab.listen(port=port)
            lab.keep(socket.create_connection(("10.77.0.1", port)))
    lab.gateway.drop("output", "tcp sport 7021 tcp flags fin")
    lab.listen(port=7021).accept()[0].close()
    queue = [lab.keep(s) for s in socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)]
    passed = lab.listen(port=7022).accept()[0]
    socket.send_fds(queue[0], [b"x"], [passed.fileno()])
    passed.close()
    held, _ = lab.connect(port=7023)

    def told():
        return {l["socket"]["local"]["port"]: (l.get("no_owner"), l["socket"].get("owner", {}).get("pid"))
                for l in of(lab).values()}

    expected = {7020: ("not_accepted", None), 7021: ("closed", None), 7022: ("unseen", None), 7023: (None, os.getpid())}
    assert wait_until(lambda: told() == expected or None, 20, told()) and held
    shown = run("ip", "netns", "exec", lab.gateway.name, "ss", "-Htnp").stdout
    assert {int(line.split()[3].rpartition(":")[2]) for line in shown.splitlines() if "users:" in line} == {7023}, shown
    waiting = run("ip", "netns", "exec", lab.gateway.name, "ss", "-Hltn", "sport = 7020").stdout
    assert waiting.split()[1] == "1", waiting   # of a listener: connections in its queue
    rows = {line.split()[2].rpartition(":")[2]: line for line in halfopen(f"netns = {lab.gateway.name}").stdout.splitlines()}
    name = lab.gateway.name
    assert f" (not accepted)@{name} " in rows["7020"] and f" -@{name} " in rows["7021"], rows
    assert f" ?@{name} " in rows["7022"] and f"/{os.getpid()}@{name} " in rows["7023"], rows
    accepted = lab.keep(listener.accept()[0])
    assert one(lab, accepted)["socket"]["owner"]["pid"] == os.getpid() and "no_owner" not in one(lab, accepted)


def test_nothing_can_match(lab):
    """An empty list, exit 0, and which test no connection passes now."""
    lab.connect()
    here = f"netns = {lab.gateway.name}"
    for words, said in (("comm = mosqitto", "no process called 'mosqitto' holds a TCP connection"),
                        ("netns = nosuch", "no network namespace 'nosuch'"),
                        (f"{here} and sport = :9", "address, port or state"),
                        ("pid = 4194303", "no process with such an id"),
                        ("device = tracker-1", "no device is named"),
                        (f"{here} and comm = nobody-at-all", "no process called 'nobody-at-all'")):
        r = halfopen("--json", words)
        assert (r.returncode, r.stdout) == (0, ""), r
        assert said in r.stderr, r.stderr
    r = halfopen(f"{here} and sport = :7000 and dport = :7000 or {here} and sport != :7000 and dport = :7000")
    assert r.returncode == 0 and "FILTER" in r.stderr
    r = halfopen("sport =")
    assert r.returncode == 2 and "FILTER, column" in r.stderr


def test_a_namespace_that_cannot_be_entered(lab):
    """Said apart from one that is not there, by its inode; by its name nothing can be looked for (77)."""
    other = lab.namespace("o")

    def asked(*arguments):
        return subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps",
                               "+bpf,+perfmon", "--ambient-caps", "+bpf,+perfmon", HALFOPEN, "sockets", *arguments],
                              capture_output=True, text=True, timeout=60)
    assert "CAP_SYS_ADMIN" in asked(f"netns = {other.name}").stderr
    assert asked(f"comm = nobody-at-all or netns = {other.name}").returncode == 77
    r = asked("--json", f"netns = {other.inode}")
    assert (r.returncode, r.stdout) == (0, "") and f"'{other.inode}' cannot be entered" in r.stderr, r
    r = asked("--json", "netns = 4294967295")
    assert (r.returncode, r.stdout) == (0, "") and "there is no network namespace '4294967295'" in r.stderr, r
    r = asked("--check", "suspect>0", f"netns = {other.inode} or comm = nobody-at-all")
    assert r.returncode == 0 and r.stdout == "ok suspect 0 <= 0\n", r      # connections may come there
    assert f"'{other.inode}' cannot be entered" in r.stderr and "'nobody-at-all'" in r.stderr, r
    assert asked("--check", "suspect>0", "netns = 4294967295").returncode == 1


def on_terminal(width, *arguments):
    """Lines on a terminal of so many columns."""
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        os.execve(HALFOPEN, [HALFOPEN, "sockets", *arguments], {**os.environ, "TERM": "xterm", "NO_COLOR": "1"})
    said = b""
    try:
        while chunk := os.read(fd, 65536):
            said += chunk
    except OSError:
        pass
    os.close(fd)
    assert os.waitpid(pid, 0)[1] == 0, said
    return said.decode().replace("\r", "").splitlines()


def test_messages_on_a_narrow_terminal():
    """A terminal breaks a line wherever it is full: we break it between words, and a pipe has it whole."""
    told = halfopen("netns = no-such-namespace-here").stderr
    lines = on_terminal(40, "netns = no-such-namespace-here")
    said = lines[next(n for n, line in enumerate(lines) if line.startswith("halfopen: ")):]
    assert len(told.splitlines()) == 1 and " ".join(said) == told.strip(), (told, lines)
    assert len(said) > 2 and max(map(len, said)) <= 40, said


@pytest.mark.parametrize("width", [80, 132, 200])
def test_columns_that_line_up_and_fit(lab, width):
    suspect, _ = lab.connect()
    keepalive(suspect, 1, 1, 120)
    for port in (7001, 7002):
        for family in (socket.AF_INET, socket.AF_INET6):
            keepalive(lab.connect(family, port=port)[0], 7000, 75, 9, 20000)
    lab.gateway.drop("input", "tcp dport 7000")
    wait_until(lambda: tcp_info(suspect)["probes"] >= 4, 40, "probes")
    lines = on_terminal(width, f"netns = {lab.gateway.name}")
    assert all(len(line) <= width for line in lines), max(map(len, lines))
    head, first = lines[0], lines[1]
    assert first.split()[0] == "ESTAB" and ":7000" in first, lines   # the suspect, before the others
    names = ["PEER", "LOCAL", "OWNER", "KEEPALIVE", "SILENT", "ASKS", "NEXT", "DIES"]
    for name in names + ["NOTICES"] * (width > 80):
        at = head.index(name)
        assert all(line[at - 1] == " " and line[at] != " " for line in lines), (name, lines)
    for line in lines[1:]:      # ports are never cut off
        assert re.search(r":\d+ ", line)
    whole = halfopen(f"netns = {lab.gateway.name}").stdout.splitlines()
    assert len(whole) == len(lines) == 6 and "[fd77::2]:" in "".join(whole)


def shown_as(peer, cell):
    """Is the cell of a list this end, as ss writes it, or what is left of it without its middle?"""
    head, dots, tail = cell.partition("..")
    return peer == cell or bool(dots) and peer.startswith(head) and peer.endswith(tail) and len(cell) > 20


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_which_peer_and_whose_at_80_columns(lab, family):
    """Whatever state others are in, and whatever is wrong with them: each row is one peer's by ss, the program
    stands in each, and when it is asked and given up."""
    ours, theirs = lab.gateway, lab.device
    long = "2001:db8:1234:5678:9abc:def0:1234:" if family == socket.AF_INET6 else "198.51.100."
    size = 64 if family == socket.AF_INET6 else 24
    ours.ip("addr", "add", f"{long}101/{size}", "dev", "veth0", *(["nodad"] if size == 64 else []))
    hosts = [f"{long}{n}" for n in (201, 202, 203, 204)]
    for host in hosts:
        theirs.ip("addr", "add", f"{host}/{size}", "dev", "veth0", *(["nodad"] if size == 64 else []))
    listener = lab.listen(family, port=7001)
    pairs = []
    for host in hosts:
        with inside(theirs.path):
            dialled = lab.keep(socket.socket(family))
        dialled.bind((host, 0))
        dialled.connect((f"{long}101", 7001))
        pairs.append((lab.keep(listener.accept()[0]), dialled))
        keepalive(pairs[-1][0], 7200, 75, 9)
    pairs[1][0].shutdown(socket.SHUT_WR)
    pairs[2][1].shutdown(socket.SHUT_WR)
    closed, writer = pairs[3]
    writer.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            writer.send(b"x" * 65536)
    here = f"netns = {ours.name}"
    wait_until(lambda: "window_closed" in halfopen(here).stdout, 60, "a closed window")
    by_ss = [words[4] for words in map(str.split, run("ip", "netns", "exec", ours.name, "ss", "-Htn").stdout.splitlines())]
    head, *rows = on_terminal(80, here)
    assert len(rows) == len(by_ss) == 4 and all(len(row) <= 80 for row in rows), rows
    cells = [row.split()[1] for row in rows]
    for peer in by_ss:
        assert sum(shown_as(peer, cell) for cell in cells) == 1, (peer, rows)
    for name in ("STATE", "OWNER", "SILENT", "NEXT", "DIES", "FAULT"):
        assert name in head.split(), (head, rows)
    at = head.index("OWNER")
    assert all(row[at:].startswith(("python", "pytest", "pyt")) for row in rows), rows
    assert {row.split()[0] for row in rows} == {"ESTAB", "FIN-W-2", "CLOSE-W"}, rows


def test_the_narrowest_terminal(lab):
    """Columns are left away until peers alone are there: their ports, in the end."""
    lab.connect()
    keepalive(lab.connect(socket.AF_INET6, port=7001)[0], 7000, 75, 9, 20000)
    for width in (6, 9, 14, 15, 20, 24, 32, 33, 40, 47, 50, 55, 56, 60, 70):
        lines = on_terminal(width, f"netns = {lab.gateway.name}", "--path-forgets", "1h")
        assert len(lines) == 3 and all(len(line) <= width for line in lines), (width, lines)
        assert all(re.search(r":\d+( |$)", line) for line in lines[1:]), (width, lines)
        assert "SILENT" in lines[0] or width < 24, (width, lines)


def test_a_program_with_an_empty_name(lab):
    """It is '' wherever it is named, and never "-", which nobody is; names with blanks are quoted in hints."""
    nameless, spaced, _ = [lab.connect(port=7000 + n)[0] for n in range(3)]
    program(lab, "", nameless)
    program(lab, "a b, c", spaced)
    here = f"netns = {lab.gateway.name}"
    owners = {l.split()[2].rsplit(":")[-1]: l.split()[3] for l in halfopen(here).stdout.splitlines()[1:]}
    assert re.match(r"''/\d+@", owners["7000"]) and re.match(r"python3|pytest", owners["7002"]), owners
    rows = {l.split()[1]: l.split()[0] for l in halfopen("--summary", here).stdout.splitlines() if ":" not in l}
    assert rows["7000"] == "''", rows
    with open(lab.path("x.prom"), "w"):
        pass
    assert halfopen("--prom", lab.path("x.prom"), here).returncode == 0
    with open(lab.path("x.prom")) as f:
        assert "group=\"'':7000\"" in f.read()
    r = halfopen(f"{here} and comm = mosqitto")
    told = re.search("programs that do: (.*)", r.stderr)[1]
    assert "a b" not in told or "'a b, c'" in told, told
    assert "''" in told.split(", ") or len(told.split(", ")) >= 5, told


def test_programs_that_are_called_like_escapes(lab):
    """Two programs, one of which is called what the other's name is shown as: two rows, two owners, two groups."""
    names = ["x\x1b", "x\\x1b"]
    for name in names:
        program(lab, name, lab.connect()[0])
    here = f"netns = {lab.gateway.name}"
    shown = {"x\\x1b", "x\\x5cx1b"}
    rows = [l.split()[0] for l in halfopen("--summary", here).stdout.splitlines() if " 7000 " in l]
    assert len(rows) == 2 and set(rows) == shown, rows
    owners = [l.split()[3].partition("/")[0] for l in halfopen(here).stdout.splitlines() if ":7000 " in l]
    assert len(owners) == 2 and set(owners) == shown, owners
    assert {l["socket"]["owner"]["comm"] for l in of(lab).values()} == set(names)
    path = lab.path("escapes.prom")
    assert halfopen("--prom", path, here).returncode == 0
    with open(path) as f:
        groups = set(re.findall(r'^halfopen_sockets\{group="(.*?)",', f.read(), re.MULTILINE))
    assert groups == {name.replace("\\", "\\\\") + ":7000" for name in shown}, groups


def test_an_order_that_nothing_is_known_of():
    r = halfopen("--sort", "dead")
    assert r.returncode == 2 and "--path-forgets" in r.stderr and "--history" in r.stderr and not r.stdout, r


def test_order(lab):
    pairs = [lab.connect(port=7000 + n, device_port=40000 + n)[0] for n in range(4)]
    keepalive(pairs[0], 600, 75, 9)
    keepalive(pairs[2], 60, 5, 2)
    # each is heard later than the one before it
    for number in (3, 1, 0, 2):
        pairs[number].setblocking(False)
    here = f"netns = {lab.gateway.name}"

    def ports(*arguments):
        lines = listed(here, *arguments).values()
        return [l["socket"]["local"]["port"] for l in lines]
    assert ports("--sort", "local") == [7000, 7001, 7002, 7003]
    assert ports("--sort", "dies")[:2] == [7002, 7000]
    assert ports("--sort", "notices")[-2:] == [7000, 7002]
    assert ports("--sort", "peer") == [7000, 7001, 7002, 7003]
    assert ports("-n", "2", "--sort", "local") == [7000, 7001]
    silent = [l["silent_s"] for l in listed(here, "--sort", "silent").values()]
    assert silent == sorted(silent, reverse=True)
    for key in ("next", "owner", "state", "unanswered", "suspect"):
        assert len(ports("--sort", key)) == 4
    r = halfopen("--sort", "colour")
    assert r.returncode == 2 and "colour" in r.stderr and "notices" in r.stderr


def be_orphans(lab, count, port):
    """Sockets that their program has closed, and whose last byte nobody acknowledges."""
    pairs = [lab.connect(port=port) for _ in range(count)]

    def close():
        for gateway, _ in pairs:
            gateway.send(b"x")
            gateway.close()
    return close


def test_suspects_that_a_program_holds_come_first(lab):
    """However many orphans are silent for longer: those end by themselves, and nobody can do anything about them."""
    close = be_orphans(lab, 4, 7000)
    held, device = lab.connect(port=7001)
    keepalive(held, 1, 1, 120)

    def is_heard_later():
        device.send(b"x")
        silent = {c: l["silent_s"] for c, l in of(lab).items()}
        return silent.pop(cookie(held)) < min(silent.values())
    wait_until(is_heard_later, 60, "that it is heard later than the others")
    lab.gateway.drop("input", "tcp dport 7000-7001")
    close()

    def suspects():
        lines = list(of(lab).values())
        return lines if len(lines) == 5 and all(l["unanswered"] >= 2 for l in lines) else None
    lines = wait_until(suspects, 60, "five suspects")
    assert [l["socket"].get("owner") is not None for l in lines] == [True] + [False] * 4, lines
    assert lines[0]["socket"]["cookie"] == cookie(held)
    silent = [l["silent_s"] for l in lines[1:]]      # of rows, which are read one after another
    assert all(a >= b - 0.02 for a, b in zip(silent, silent[1:])) and silent[-1] >= lines[0]["silent_s"] - 0.02


def test_without_capabilities():
    r = subprocess.run(["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--reuid", "65534", "--regid",
                        "65534", "--clear-groups", HALFOPEN, "sockets"], capture_output=True, text=True)
    assert r.returncode == 77 and "CAP_BPF" in r.stderr and r.stdout == ""


def test_it_changes_nothing(lab):
    """No segment leaves, no option and no timer is another afterwards."""
    gateway, _ = lab.connect()
    keepalive(gateway, 600, 75, 9)

    def state():
        info = tcp_info(gateway)
        return info["segs_out"], info["segs_in"], info["probes"], [
            gateway.getsockopt(socket.IPPROTO_TCP, option) for option in
            (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)]
    before = state()
    for _ in range(3):
        assert cookie(gateway) in of(lab)
    assert state() == before
    assert ss_timer(ss(lab)[cookie(gateway)])[1] <= 600


# ---- counts ----

def summary(*arguments):
    r = halfopen("--summary", "--json", *arguments)
    assert r.returncode == 0, r.stderr
    line, = r.stdout.splitlines()
    said = json.loads(line)
    errors = list(schema.validator("summary").iter_errors(said))
    assert not errors, errors[0].message
    for name in ("sockets", "with_keepalive", "suspect", "never_notice"):
        assert said["total"][name] == sum(g[name] for g in said["groups"])
    return said


def program(lab, name, *sockets):
    """A process of this name holds them, too, and no other; who has the lower id is told as the owner."""
    pid = os.fork()
    if pid == 0:
        hold_only(name, *sockets)
        time.sleep(600)
        os._exit(0)

    def end():
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    lab.cleanup.callback(end)
    for sock in sockets:
        sock.close()
    wait_until(lambda: open(f"/proc/{pid}/comm").read().strip() == name, 20, "its name")
    return pid


def test_counts_by_program_and_port(lab):
    """What ss lists, added up by what the test knows."""
    pairs = {port: [lab.connect(port=port) for _ in range(n)] for port, n in ((7000, 5), (7001, 3), (7002, 2))}
    for gateway, _ in pairs[7001]:
        keepalive(gateway, 600, 75, 9)
    program(lab, "broker-one", *(g for g, _ in pairs[7000]))
    here = f"netns = {lab.gateway.name}"
    with open(lab.path("carriers"), "w") as f:
        f.write("10.77.0.0/16 carrier-a\n10.77.0.2/32 carrier-b\n192.0.2.0/24 elsewhere\n")
    said = summary(here, "--groups", lab.path("carriers"))
    assert said["total"]["sockets"] == len(ss(lab, "state", "established")) == 10
    assert said["total"]["with_keepalive"] == 3 and said["total"]["never_notice"] == 7
    assert said["namespaces"] == 1
    of_port = {g["port"]: g for g in said["groups"]}
    assert {port: g["sockets"] for port, g in of_port.items()} == {7000: 5, 7001: 3, 7002: 2}
    assert of_port[7000]["program"] == "broker-one" and of_port[7001]["never_notice"] == 0
    assert {g["carrier"] for g in said["groups"]} == {"carrier-b"}
    assert {g["netns"]["name"] for g in said["groups"]} == {lab.gateway.name}
    # From the device's side they were made, each from a port of its own: one group.
    said = summary(f"netns = {lab.device.name}")
    group, = said["groups"]
    assert "port" not in group and group["sockets"] == 10 and "carrier" not in group
    text = halfopen("--summary", here).stdout
    assert re.search(r"^broker-one +7000 .* 5 +0 +5 ", text, re.MULTILINE), text
    assert text.startswith("10 sockets in 1 namespace: 3 with keepalive, 0 suspect\n"
                           "7 would never notice a dead peer\n0 silent for over 15m, the longest for ")
    assert "\ndead: not known, " in text


def test_counts_that_fit_the_terminal(lab):
    """Long names, IPv6, a carrier, the dead: nothing is wider than 80, columns line up, and a file has all of it."""
    held = [lab.connect(port=61883)[0] for _ in range(3)]
    off = [lab.connect(socket.AF_INET6, port=61884)[0] for _ in range(2)]
    lab.gateway.sysctl(tcp_keepalive_probes=0)
    for sock in off:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    program(lab, "größte-broker", *held)
    with open(lab.path("c"), "w") as f:
        f.write("10.0.0.0/8 a-carrier-of-a-long-name\nfd77::/64 another-carrier-of-a-name\n")
    here = [f"netns = {lab.gateway.name}", "--summary", "--groups", lab.path("c"), "--path-forgets", "1ms"]
    whole, lines = halfopen(*here).stdout, on_terminal(80, *here)
    assert max(map(len, lines)) <= 80, lines
    for text in (whole.splitlines(), lines):
        at = next(n for n, line in enumerate(text) if line.startswith("PROGRAM"))
        for head in ("SOCKETS", "NEVER", "DEAD"):
            end = text[at].index(head) + len(head)
            assert [line[end - 1].isdigit() and line[end] == " " for line in text[at + 1:at + 3]] == [True] * 2, text
    assert "größte-broker" in whole and "a-carrier-of-a-long-name" in whole and lab.gateway.name in whole
    mend = next(line for line in whole.splitlines() if line.startswith("to mend"))
    assert len(mend) > 80 and " ".join(lines).endswith(mend), (mend, lines)
    lists = on_terminal(80, here[0])
    assert max(map(len, lists)) <= 80 and "7200/75/0" in " ".join(lists), lists
    assert all(re.search(r":\d+ +(größte|py)", line) for line in lists[1:]), lists


def test_silent_beyond_what_the_path_remembers(lab):
    """By --path-forgets they are surely dead; without, nothing is known of it."""
    old = [lab.connect()[0] for _ in range(3)]
    wait_until(lambda: min(s["silent_s"] for s in of(lab).values()) > 12, 60, "twelve seconds of silence")
    _, lively = lab.connect(port=7001)
    here = f"netns = {lab.gateway.name}"

    def of_those(ask, *arguments):
        lively.send(b"here")
        return ask(*arguments)
    said = of_those(summary, here, "--silent", "12s")["total"]
    assert said["silent"] == {"over_s": 12, "count": 3} and said["surely_dead"]["count"] is None
    assert said["oldest_silence_s"] > 12
    said = of_those(summary, here, "--path-forgets", "12s")["total"]
    assert said["surely_dead"]["count"] == 3
    lines = of_those(of, lab, "--path-forgets", "12s")
    assert {key for key, s in lines.items() if s["dead_probability"] == 1} == {cookie(sock) for sock in old}
    assert summary(here, "--path-forgets", "aws-nlb")["total"]["surely_dead"]["count"] == 0
    assert "surely dead" in halfopen("--summary", here, "--path-forgets", "12s").stdout


def test_a_peer_that_said_goodbye_is_not_dead(lab):
    """CLOSE_WAIT, by ss: its program has to close it, and nobody is gone. Nor does a history say so. Data that stay unacknowledged after that make it dead."""
    here = f"netns = {lab.gateway.name}"
    gone, cut = [lab.connect(port=7001) for _ in range(4)], lab.connect(port=7001)
    for _, device in (*gone, cut):
        device.shutdown(socket.SHUT_WR)
    wait_until(lambda: len(ss(lab, "state", "close-wait")) == 5, 20, "CLOSE_WAIT")
    lab.gateway.drop("input", f"tcp sport {cut[1].getsockname()[1]}")      # nobody connects any more
    cut[0].send(b"are you there?")
    wait_until(lambda: min(s["silent_s"] for s in of(lab).values()) > 5 and
               of(lab)[cookie(cut[0])]["unanswered"], 60, "a silence")
    total = summary(here, "--path-forgets", "4s")["total"]
    assert total["surely_dead"]["count"] == 1 and total["sockets"] == 5, total
    lines = of(lab, "--path-forgets", "4s")
    assert {key for key, s in lines.items() if s["dead_probability"] == 1} == {cookie(cut[0])}
    assert all("closed" in lines[cookie(sock)]["why"] for sock, _ in gone), lines
    r = halfopen("--check", "dead>1", "--path-forgets", "4s", here)
    assert r.returncode == 0, r
    r = halfopen("--check", "dead>0", "--path-forgets", "4s", here)
    assert r.returncode == 3 and r.stdout.startswith("FOUND dead 1 > 0\n") and len(r.stdout.splitlines()) == 3, r
    path = lab.path("history")
    with open(path, "w") as f:
        subprocess.run([HALFOPEN, "watch", "--json", "--all", "--for", "300ms", here], stdout=f, check=True)
    lines = of(lab, "--history", path)
    assert all(lines[cookie(sock)]["dead_probability"] is None and "closed" in lines[cookie(sock)]["why"]
               for sock, _ in gone), lines


def test_a_peer_that_only_sends_probes_is_not_silent(lab):
    """Its keepalive is answered (its own tcp_info says when), whatever this socket has; in ESTABLISHED and half closed.
    Who sends nothing is silent for as long as that."""
    pairs = {name: lab.connect(port=7000 + n) for n, name in enumerate(("open", "half", "cut", "quiet"))}
    for name in ("open", "half", "cut"):
        keepalive(pairs[name][1], 1, 1, 120)
    pairs["half"][0].shutdown(socket.SHUT_WR)
    here, keys = f"netns = {lab.gateway.name}", {name: cookie(g) for name, (g, _) in pairs.items()}
    lab.gateway.drop("input", "tcp dport 7002")
    wait_until(lambda: min(of(lab)[keys[name]]["silent_s"] for name in ("cut", "quiet")) > 9, 60, "a silence")

    def as_it_is():
        answered_ms = max(tcp_info(pairs[name][1])["last_ack_recv_ms"] for name in ("open", "half"))
        lines = of(lab, "--path-forgets", "8s")
        said = {name: lines[key] for name, key in keys.items()}
        return answered_ms < 3000 and all(said[name]["silent_s"] < 7 for name in ("open", "half")) and said
    said = wait_until(as_it_is, 20, "they are heard")
    assert {name: s["dead_probability"] for name, s in said.items()} == {
        "open": None, "half": None, "cut": 1, "quiet": 1}, said
    assert said["open"]["last_heard_is_lower_bound"] is True and "last_heard_is_lower_bound" not in said["quiet"]
    wait_until(lambda: summary(here, "--path-forgets", "8s", "--silent", "8s")["total"]["surely_dead"]["count"] == 2, 20,
               "the counts")
    r = halfopen("--check", "dead>1,silent>1", "--path-forgets", "8s", "--silent", "8s", here)
    assert r.returncode == 3 and r.stdout.startswith("FOUND dead 2 > 1\nFOUND silent 2 > 1\n"), r


def test_what_is_ours_to_mend(lab):
    lab.gateway.sysctl(tcp_keepalive_probes=0)
    unasked, _ = lab.connect(port=7003)
    unasked.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    lab.listen(port=7004).setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    reads_not, device = lab.connect(port=7004)
    device.setblocking(False)

    def is_full():
        try:
            while True:
                device.send(b"x" * 4096)
        except BlockingIOError:
            return one(lab, reads_not)["receive_window"] == 0
    wait_until(is_full, 30, "a closed window")
    said = summary(f"netns = {lab.gateway.name}")
    mend = {g["port"]: g["to_mend"] for g in said["groups"]}
    assert mend[7003]["probes_off"] == 1 and mend[7004]["window_closed"] == 1
    text = halfopen("--summary", f"netns = {lab.gateway.name}").stdout
    assert re.search(r"^to mend: \S+ :7004: 1 with a closed window: the program does not read$", text,
                     re.MULTILINE), text
    assert re.search(r"^to mend: \S+ :7003: 1 with keepalive and 0 probes", text, re.MULTILINE), text


def test_where_that_is(lab):
    """Of several namespaces the one, and of several processes one, that of the lowest pid, by ss."""
    for namespace in (lab.gateway, lab.device):
        namespace.sysctl(tcp_keepalive_probes=0)
    socks = [lab.connect(port=7003)[0], lab.connect(port=7003)[0], lab.connect(port=7004)[0]]
    there = lab.connect(port=7005)[1]
    for sock in [*socks, there]:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for sock in socks:
        program(lab, "broker", sock)
    one, other = lab.gateway.name, lab.device.name

    def mended(*names):
        text = halfopen("--summary", " or ".join(f"netns = {name}" for name in names)).stdout
        return [line for line in text.splitlines() if line.startswith("to mend: ")]

    def pids(port):
        out = run("ip", "netns", "exec", one, "ss", "-Htnp", "sport", "=", f":{port}").stdout
        return sorted(int(pid) for pid in re.findall(r"pid=(\d+)", out))
    lowest, higher = pids(7003)
    only, = pids(7004)
    what = "with keepalive and 0 probes: the kernel ends them without asking"
    more = "; some are of other processes of that name"
    assert sorted(mended(one)) == sorted([f"to mend: broker/{lowest} :7003: 2 {what}{more}",
                                          f"to mend: broker/{only} :7004: 1 {what}"]), (lowest, higher)
    lines = mended(one, other)
    assert f"to mend: broker/{lowest}@{one} :7003: 2 {what}{more}" in lines, lines
    assert f"to mend: broker/{only}@{one} :7004: 1 {what}" in lines, lines
    assert sum(line.endswith(f"/{os.getpid()}@{other}: 1 {what}") for line in lines) == 1 and len(lines) == 3, lines


def faults(lab, *arguments):
    """Of each socket with some, by cookie; what the summary counts is the same."""
    lines = of(lab, *arguments)
    found = {key: l["to_mend"] for key, l in lines.items() if "to_mend" in l}
    told = summary(f"netns = {lab.gateway.name}", *arguments)["total"]["to_mend"]
    counted = [name for names in found.values() for name in names]
    assert {name: n for name, n in told.items() if n} == {name: counted.count(name) for name in counted}
    return found


def test_an_address_that_is_gone(lab):
    """Whether this host takes segments to an address in says `ip route get`; who keeps it keeps quiet."""
    extra = {"10.77.0.9/16": "10.77.0.9", "fd77::9/64": "fd77::9"}
    for address in extra:
        lab.gateway.ip("addr", "add", address, "dev", "veth0", *(["nodad"] if ":" in address else []))
    lab.gateway.ip("route", "add", "local", "192.0.2.0/24", "dev", "lo")    # as anycast and balancers have it
    lab.device.ip("route", "add", "192.0.2.0/24", "via", "10.77.0.1")
    stays, _ = lab.connect()
    stays6, _ = lab.connect(socket.AF_INET6)
    anycast, _ = lab.connect(address="192.0.2.77")
    gone, _ = lab.connect(address="10.77.0.9", port=7001)
    gone6, _ = lab.connect(socket.AF_INET6, address="fd77::9", port=7001)
    with inside(lab.gateway.path):
        mapped = lab.keep(socket.socket(socket.AF_INET6))   # calls its addresses ::ffff:10.77.0.9
        local = lab.keep(socket.create_server(("127.9.9.9", 7100)))
        clients = [lab.keep(socket.create_connection(local.getsockname()))]
    clients.append(lab.keep(local.accept()[0]))
    mapped.bind(("::ffff:10.77.0.9", 0))
    with inside(lab.device.path):
        other = lab.keep(socket.create_server(("10.77.0.2", 7200)))
    mapped.connect(("::ffff:10.77.0.2", 7200))
    lab.keep(other.accept()[0])
    assert faults(lab) == {}

    def route(address):
        return run("ip", "-n", lab.gateway.name, "route", "get", address).stdout.split()[0]
    assert {route("10.77.0.9"), route("fd77::9"), route("192.0.2.77"), route("127.9.9.9")} == {"local"}
    for address in extra:
        lab.gateway.ip("addr", "del", address, "dev", "veth0")
    assert "local" not in {route("10.77.0.9"), route("fd77::9")} and route("10.77.0.1") == "local"
    expected = {cookie(s): ["address_gone"] for s in (gone, gone6, mapped)}
    assert faults(lab) == expected
    here = f"netns = {lab.gateway.name}"
    text = halfopen("--summary", here).stdout
    assert re.search(r"^to mend: \S+ :7001: 2 with a local address that this host no longer has", text,
                     re.MULTILINE), text
    r = halfopen("--check", "address_gone>2", here)
    assert r.returncode == 3 and r.stdout.startswith("FOUND address_gone 3 > 2\n") and len(r.stdout.splitlines()) == 1 + 1 + 3, r
    lines = halfopen(here).stdout.splitlines()
    at = lines[0].index("FAULT")
    assert sum(l[at:].startswith("address_gone ") for l in lines) == 3, lines
    assert sum(l[at:].startswith("  ") for l in lines) == len(lines) - 4 and not any(l.endswith(" ") for l in lines)
    assert faults(lab, "sport = :7001") == {key: expected[key] for key in map(cookie, (gone, gone6))}
    halfopen("--prom", lab.path("p"), here)
    with open(lab.path("p")) as f:
        values = re.findall(r'^halfopen_sockets_to_mend\{.*fault="address_gone"\} (\d+)$', f.read(), re.MULTILINE)
    assert sum(map(int, values)) == 3, values
    lab.gateway.ip("addr", "add", "10.77.0.9/16", "dev", "veth0")   # it is back, as after a failover
    assert faults(lab) == {cookie(gone6): ["address_gone"]}
    # A transparent proxy's rules: any address is taken in, of segments that it marked.
    for family, everything in (("-4", "0.0.0.0/0"), ("-6", "::/0")):
        run("ip", family, "-n", lab.gateway.name, "route", "add", "local", everything, "dev", "lo", "table", "100")
        run("ip", family, "-n", lab.gateway.name, "rule", "add", "fwmark", "1", "lookup", "100")
    assert route("fd77::9") != "local" and faults(lab) == {cookie(gone6): ["address_gone"]}
    run("ip", "-6", "-n", lab.gateway.name, "rule", "add", "to", "fd77::9", "lookup", "100")
    assert route("fd77::9") == "local" and faults(lab) == {}


def test_an_address_of_a_transparent_proxy(lab):
    """It need not be this host's, as is seen by what still arrives; others' that are gone are told beside it."""
    run("ip", "-n", lab.gateway.name, "rule", "add", "fwmark", "1", "lookup", "100")
    lab.gateway.ip("route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "100")
    lab.gateway.nft("table inet marking {\n chain pre { type filter hook prerouting priority mangle; "
                    "ip daddr 198.51.100.0/24 meta mark set 1; }\n}\n")
    lab.device.ip("route", "add", "198.51.100.0/24", "via", "10.77.0.1")
    lab.gateway.ip("addr", "add", "10.77.0.9/16", "dev", "veth0")
    gone, _ = lab.connect(address="10.77.0.9")
    with inside(lab.device.path):
        server = lab.keep(socket.create_server(("10.77.0.2", 7200)))
    with inside(lab.gateway.path):
        proxy = lab.keep(socket.socket())
        listener = lab.keep(socket.socket())
    for sock in (proxy, listener):
        sock.setsockopt(socket.IPPROTO_IP, 19, 1)       # IP_TRANSPARENT
    proxy.bind(("198.51.100.9", 0))
    proxy.connect(("10.77.0.2", 7200))
    listener.bind(("198.51.100.7", 7300))
    listener.listen()
    with inside(lab.device.path):
        lab.keep(socket.create_connection(("198.51.100.7", 7300)))
    accepted, (answering, _) = lab.keep(listener.accept()[0]), server.accept()
    lab.keep(answering)
    lab.gateway.ip("addr", "del", "10.77.0.9/16", "dev", "veth0")
    answering.send(b"here")
    proxy.settimeout(20)
    assert proxy.recv(4) == b"here"
    assert {cookie(s) for s in (proxy, accepted, gone)} <= set(of(lab))
    assert faults(lab) == {cookie(gone): ["address_gone"]}


def conntrack(lab, timeout, namespace=None):
    """Connection tracking in the gateway that forgets idle connections then."""
    namespace = namespace or lab.gateway
    namespace.nft("table inet track {\n chain in { type filter hook input priority 0; ct state new accept; }\n"
                  " chain forward { type filter hook forward priority 0; ct state new accept; }\n}\n")
    with inside(namespace.path), open("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established", "w") as f:
        f.write(str(timeout))


def test_connection_tracking_of_our_own_that_forgets_sooner(lab):
    """By conntrack(8): how long it keeps each. Asked in time, off, untracked or of this host: no fault."""
    conntrack(lab, 600)
    late, _ = lab.connect()
    keepalive(late, 7200, 75, 9)
    late6, _ = lab.connect(socket.AF_INET6)
    keepalive(late6, 601 + 30, 75, 9)
    in_time, _ = lab.connect(port=7001)
    keepalive(in_time, 500, 75, 9)
    by_interval, _ = lab.connect(port=7002)     # it is probed each max(idle, interval)
    keepalive(by_interval, 10, 900, 9)
    lab.connect(port=7003)                      # off: it is among those that never notice
    with inside(lab.gateway.path):
        listener = lab.keep(socket.create_server(("127.0.0.1", 7100)))
        keepalive(lab.keep(socket.create_connection(("127.0.0.1", 7100))), 7200, 75, 9)
    lab.keep(listener.accept()[0])
    lab.gateway.nft("table inet raw {\n chain in { type filter hook prerouting priority -300; tcp dport 7004 notrack; }"
                    "\n chain out { type filter hook output priority -300; tcp sport 7004 notrack; }\n}\n")
    untracked, _ = lab.connect(port=7004)
    keepalive(untracked, 7200, 75, 9)

    def entries():
        return run("ip", "netns", "exec", lab.gateway.name, "conntrack", "-L", "-p", "tcp", "--state",
                   "ESTABLISHED").stdout + run("ip", "netns", "exec", lab.gateway.name, "conntrack", "-L", "-f",
                                               "ipv6", "-p", "tcp").stdout
    seen = entries()
    assert all(f"dport={port} " in seen for port in (7000, 7001, 7002)) and "dport=7004 " not in seen, seen
    assert max(int(n) for n in re.findall(r"tcp +6 (\d+) ESTABLISHED", seen)) in range(500, 601), seen
    assert faults(lab) == {cookie(s): ["conntrack"] for s in (late, late6, by_interval)}
    here = f"netns = {lab.gateway.name}"
    text = halfopen("--summary", here).stdout
    assert re.search(r"^to mend: \S+ :7000: 2 whose next probe comes after .*tracking has forgotten them "
                     rf"\(nf_conntrack_tcp_timeout_established = 600 in namespace {lab.gateway.name}\): raise", text,
                     re.MULTILINE), text
    r = halfopen("--check", "conntrack>0", here)
    assert r.returncode == 3 and r.stdout.startswith("FOUND conntrack 3 > 0\n") and len(r.stdout.splitlines()) == 5, r
    with inside(lab.gateway.path), open("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established", "w") as f:
        f.write("432000")
    assert faults(lab) == {}    # the next segment starts the longer time


def test_connection_tracking_that_does_not_know_it(lab):
    """What conntrack(8) lists no more was forgotten; so it looks, too, where a connection is never tracked, or is older
    than the rules: that is not known, and no fault, however long it is silent."""
    conntrack(lab, 3)
    lab.gateway.nft("table inet raw {\n chain in { type filter hook prerouting priority -300; tcp dport 7002 notrack; }"
                    "\n chain out { type filter hook output priority -300; tcp sport 7002 notrack; }\n}\n")
    late, _ = lab.connect()
    keepalive(late, 7200, 75, 9)
    untracked, _ = lab.connect(port=7002)
    keepalive(untracked, 7200, 75, 9)
    lively, device = lab.connect(port=7001)
    keepalive(lively, 7200, 75, 9)

    def listed_ports():
        device.send(b"here")
        out = run("ip", "netns", "exec", lab.gateway.name, "conntrack", "-L", "-p", "tcp").stdout
        return {int(n) for n in re.findall(r"dport=(700\d)", out)}
    wait_until(lambda: listed_ports() == {7001}, 60, "the entry's end")
    wait_until(lambda: min(of(lab)[cookie(s)]["silent_s"] for s in (late, untracked)) > 4.5, 20, "a longer silence")
    lines = of(lab)
    assert "to_mend" not in lines[cookie(untracked)] and "to_mend" not in lines[cookie(late)], lines
    wait_until(lambda: device.send(b"here") and one(lab, lively).get("to_mend") == ["conntrack"], 60, "what is tracked")


def test_connection_tracking_that_a_user_makes_up(lab):
    """In a namespace of his own any user enters what he likes, for a connection of others too; nor does a namespace of
    ours count whose entries no segment of it can pass, as it forwards none."""
    victim, _ = lab.connect()
    keepalive(victim, 7200, 75, 9)
    victim6, _ = lab.connect(socket.AF_INET6)
    keepalive(victim6, 7200, 75, 9)

    def entry(sock):
        (local, port), (peer, peer_port) = sock.getsockname()[:2], sock.getpeername()[:2]
        return (f"conntrack -I -p tcp -s {peer} -d {local} --sport {peer_port} --dport {port} --state ESTABLISHED "
                "--timeout 3600 -u ASSURED")
    enter = " && ".join([
        "echo 20 > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established",
        "echo 1 > /proc/sys/net/ipv4/ip_forward", "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
        entry(victim), entry(victim6), "echo made", "exec sleep 600"])
    user = subprocess.Popen(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "unshare", "-Urn",
                             "sh", "-c", enter], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lab.end_process(user)
    lab.cleanup.callback(user.stdout.close)
    said = ""
    while "made\n" not in said:
        line = user.stdout.readline()
        assert line, f"he could not: {said}"
        said += line
    assert faults(lab) == {}, said
    other = lab.namespace("o")
    run("ip", "netns", "exec", other.name, "sh", "-c", enter.replace("echo 1 >", "echo 0 >").replace(" && exec sleep 600", ""))
    assert faults(lab) == {}
    other.sysctl(ip_forward=1)      # now it is the host's, and forwards; but no route leads there
    assert faults(lab) == {}


def entry_of(namespace, sock):
    """In that namespace, which forwards, as whoever administers a container can do."""
    (local, port), (peer, peer_port) = sock.getsockname()[:2], sock.getpeername()[:2]
    namespace.sysctl(ip_forward=1)
    run("ip", "netns", "exec", namespace.name, "sh", "-c",
        f"conntrack -I -p tcp -s {peer} -d {local} --sport {peer_port} --dport {port} --state ESTABLISHED --timeout 20 "
        "-u SEEN_REPLY,ASSURED && echo 20 > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established")
    assert f"dport={port} " in run("ip", "netns", "exec", namespace.name, "conntrack", "-L", "-p", "tcp").stdout


def join(one, other, link, network):
    """By a veth, with the addresses .1 and .2 of NETWORK/24 at its ends."""
    run("ip", "link", "add", link, "netns", one.name, "type", "veth", "peer", "name", link, "netns", other.name)
    for number, host in ((1, one), (2, other)):
        host.ip("addr", "add", f"{network}.{number}/24", "dev", link)
        host.ip("link", "set", link, "up")


def way(namespace, address):
    return re.search(r" dev (\S+)", run("ip", "-n", namespace.name, "route", "get", address).stdout)[1]


def test_connection_tracking_beside_the_way(lab):
    """A container's administrator enters a stranger's connection, and adds routes to both its ends: no segment of it
    passes there, by ip-route(8), until the host's own route leads there."""
    victim, _ = lab.connect()
    keepalive(victim, 300, 60, 5)
    other = lab.namespace("o")
    join(lab.gateway, other, "up0", "192.0.2")
    other.ip("route", "add", "10.77.0.0/16", "via", "192.0.2.1")
    entry_of(other, victim)
    assert way(lab.gateway, "10.77.0.2") == "veth0"
    assert faults(lab) == {}
    r = halfopen("--check", "conntrack>0", f"netns = {lab.gateway.name}")
    assert (r.returncode, r.stdout) == (0, "ok conntrack 0 <= 0\n"), r
    lab.gateway.ip("route", "add", "10.77.0.2/32", "via", "192.0.2.2")
    assert way(lab.gateway, "10.77.0.2") == "up0"
    assert faults(lab) == {cookie(victim): ["conntrack"]}


def test_connection_tracking_of_equal_addresses(lab):
    """Two pairs of pods have the same addresses and ports: the router of one pair says nothing of the other."""
    with Lab() as twin:
        port = 40123
        ours, _ = lab.connect(device_port=port)
        theirs, _ = twin.connect(device_port=port)
        assert (ours.getsockname(), ours.getpeername()) == (theirs.getsockname(), theirs.getpeername())
        conntrack(twin, 600, twin.device)
        entry_of(twin.device, theirs)
        for sock in (ours, theirs):
            keepalive(sock, 7200, 75, 9)
        assert faults(lab) == {}
        assert faults(twin) == {cookie(theirs): ["conntrack"]}


def test_connection_tracking_two_namespaces_away(lab):
    """Behind a bridge, as of containers, and behind one that forwards and tracks nothing."""
    router, far = lab.namespace("r"), lab.namespace("f")
    lab.device.ip("link", "add", "bridge0", "type", "bridge")
    lab.device.ip("addr", "del", "10.77.0.2/16", "dev", "veth0")
    lab.device.ip("link", "set", "veth0", "master", "bridge0")
    lab.device.ip("addr", "add", "10.77.0.2/16", "dev", "bridge0")
    lab.device.ip("link", "set", "bridge0", "up")
    join(lab.device, router, "up0", "192.0.2")
    join(router, far, "up1", "198.51.100")
    for host in (lab.device, router):
        host.sysctl(ip_forward=1)
    lab.gateway.ip("route", "add", "198.51.100.0/24", "via", "10.77.0.2")
    lab.device.ip("route", "add", "198.51.100.0/24", "via", "192.0.2.2")
    router.ip("route", "add", "10.77.0.0/16", "via", "192.0.2.1")
    far.ip("route", "add", "default", "via", "198.51.100.1")
    conntrack(lab, 600, router)
    listener = lab.listen()
    with inside(far.path):
        client = lab.keep(socket.create_connection(("10.77.0.1", 7000), timeout=60))
    server = lab.keep(listener.accept()[0])
    for sock in (client, server):
        keepalive(sock, 7200, 75, 9)
    assert "ESTABLISHED" in run("ip", "netns", "exec", router.name, "conntrack", "-L", "-p", "tcp").stdout
    assert one(lab, server)["to_mend"] == ["conntrack"]
    assert f"= 600 in namespace {router.name})" in halfopen("--summary", f"netns = {lab.gateway.name}").stdout
    assert listed(f"netns = {far.name}")[cookie(client)]["to_mend"] == ["conntrack"]


def test_connection_tracking_of_strangers_is_not_asked(lab):
    """Else 35 of them with 2,000 connections would use up what one look asks, and nothing were known of anybody."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    one_of_all = "conntrack -I -p tcp -s 1.2.3.4 -d 1.2.3.5 --sport 5 --dport 6 --state ESTABLISHED --timeout 3600"
    for number in range(35):
        other = lab.namespace(f"o{number}")
        other.sysctl(ip_forward=1)
        run("ip", "netns", "exec", other.name, "sh", "-c", one_of_all +
            " && echo 600 > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established")
    for _ in range(2000):
        keepalive(lab.connect()[0], 7200, 75, 9)
    r = halfopen("--check", "conntrack>0", f"netns = {lab.gateway.name}")
    assert (r.returncode, r.stdout, r.stderr) == (0, "ok conntrack 0 <= 0\n", ""), r


def test_connection_tracking_on_the_way(lab):
    """A namespace of this host that forwards (a container's host): by its entry of that very connection."""
    outside = lab.namespace("o")
    run("ip", "link", "add", "up0", "netns", lab.device.name, "type", "veth", "peer", "name", "up0", "netns",
        outside.name)
    for host, address in ((lab.device, "192.0.2.1/24"), (outside, "192.0.2.2/24")):
        host.ip("addr", "add", address, "dev", "up0")
        host.ip("link", "set", "up0", "up")
    lab.device.sysctl(ip_forward=1)
    outside.ip("route", "add", "10.77.0.0/16", "via", "192.0.2.1")
    lab.gateway.ip("route", "add", "192.0.2.0/24", "via", "10.77.0.2")
    conntrack(lab, 600, lab.device)
    lab.device.nft("table ip nat {\n chain post { type nat hook postrouting priority 100; oifname veth0 masquerade; }\n}\n")
    listener = lab.listen()
    with inside(outside.path):
        client = lab.keep(socket.create_connection(("10.77.0.1", 7000)))
    server = lab.keep(listener.accept()[0])
    assert server.getpeername()[0] == "10.77.0.2"   # translated on its way
    direct, _ = lab.connect(port=7001)
    for sock in (server, direct):
        keepalive(sock, 7200, 75, 9)
    assert one(lab, server)["to_mend"] == ["conntrack"]
    text = halfopen("--summary", f"netns = {lab.gateway.name}").stdout
    assert f"= 600 in namespace {lab.device.name})" in text, text
    keepalive(client, 7200, 75, 9)
    assert listed(f"netns = {outside.name}")[cookie(client)]["to_mend"] == ["conntrack"]


def test_what_is_held_of_a_connection_that_has_ended(lab):
    """By whose program, why and since when; ss shows none of them. Who was refused, and what was closed, is not told."""
    timed_out, _ = lab.connect()
    keepalive(timed_out, 1, 1, 2)
    reset, device = lab.connect(port=7001)
    orderly, other = lab.connect(port=7001)
    closed, its_peer = lab.connect(port=7001)
    alive, _ = lab.connect(port=7002)
    with inside(lab.gateway.path):
        refused = lab.keep(socket.socket())
    with pytest.raises(ConnectionRefusedError):
        refused.connect(("10.77.0.2", 9))
    _, cut = lab.gateway.drop("input", "tcp dport 7000")
    device.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    before_reset = time.time_ns()
    device.close()
    for peer, sock in ((other, orderly), (its_peer, closed)):
        peer.close()
        wait_until(lambda: tcp_info(sock)["state"] == 8, 20, "CLOSE_WAIT")
    orderly.shutdown(socket.SHUT_WR)
    closed.close()
    dead = died(timed_out, 60)
    dead_at = time.time_ns()
    here = f"netns = {lab.gateway.name}"
    keys = {cookie(timed_out): "ETIMEDOUT", cookie(reset): "ECONNRESET", cookie(orderly): None}
    wait_until(lambda: {l.split()[0] for l in ss(lab, "state", "connected").values()} == {"ESTAB"}, 20, "their ends")
    assert dead > cut and not set(ss(lab, "-a")) & set(keys)
    assert set(of(lab)) == {cookie(alive)}
    for lines in (of(lab, "-a"), listed(f"{here} and (state closed or sport = :7002)")):
        assert set(lines) == {*keys, cookie(alive)}
    assert set(listed(f"{here} and state closed")) == set(listed(f"{here} and state close")) == set(keys)
    assert set(listed(f"{here} and not state closed")) == {cookie(alive)}
    lines = of(lab, "--all")
    for key, error in keys.items():
        l = lines[key]
        assert (l["state"], l.get("error"), l["to_mend"]) == ("CLOSE", error, ["ended"]), l
        assert (l["suspect"], l["exposed"], l["dies_in_s"], l["next_probe_in_s"]) == (False, False, None, None), l
        assert l["socket"]["owner"]["pid"] == os.getpid() and l["ended_at_is_lower_bound"]
    at = {key: unix_ns(l["ended_at"]) for key, l in lines.items() if "ended_at" in l}
    # the kernel's clock of what it did last; ours is late by what this machine is
    assert dead_at - 60e9 < at[cookie(timed_out)] < dead_at + 1e7, (at, dead_at)
    assert at[cookie(reset)] > before_reset - 1e9, (at, before_reset)
    assert timed_out.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 110      # which asking takes away
    assert "error" not in of(lab, "-a")[cookie(timed_out)]
    said = summary(here)
    assert said["total"]["sockets"] == 1 and said["total"]["to_mend"]["ended"] == 3
    assert {g["port"]: g["to_mend"]["ended"] for g in said["groups"]} == {7000: 1, 7001: 2, 7002: 0}
    text = halfopen("--summary", here).stdout
    assert re.search(r"^to mend: \S+ :7001: 2 that the kernel has ended, and that it still holds, for up to ", text,
                     re.MULTILINE), text
    r = halfopen("--check", "ended>1,sockets>0", here)
    assert r.returncode == 3 and r.stdout.startswith("FOUND ended 3 > 1\nFOUND sockets 1 > 0\n"), r
    assert len(r.stdout.splitlines()) == 2 + 1 + 4 and r.stdout.count(" ended ") == 4, r
    halfopen("--prom", lab.path("p"), here)
    with open(lab.path("p")) as f:
        values = re.findall(r'^halfopen_sockets_to_mend\{.*fault="ended"\} (\d+)$', f.read(), re.MULTILINE)
    assert sum(map(int, values)) == 3, values
    for sock in (timed_out, reset, orderly):
        sock.close()
    assert set(of(lab, "-a")) == {cookie(alive)} and summary(here)["total"]["to_mend"]["ended"] == 0


def test_a_leak_is_no_slow_program(lab):
    """CLOSE_WAIT of a moment, or with data still on its way to a peer that has only finished sending, is none; nor is
    keepalive with 0 probes where a user timeout counts instead (by what the kernel then does)."""
    brief, device = lab.connect()
    device.shutdown(socket.SHUT_WR)
    lab.gateway.sysctl(tcp_keepalive_probes=0)
    timed, _ = lab.connect(port=7001)
    timed.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    timed.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    timed.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    timed.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 600000)
    wait_until(lambda: one(lab, brief)["state"] == "CLOSE_WAIT", 20, "CLOSE_WAIT")
    assert faults(lab) == {}
    lab.gateway.drop("input", "tcp dport 7001")
    wait_until(lambda: tcp_info(timed)["probes"] >= 2, 40, "probes")    # it is asked, and lives
    assert faults(lab) == {}


def test_a_leak_under_keepalive(lab):
    """Each answered probe ends a silence: none is as long as a minute, and the program leaks it all the same. Who still
    sends to a peer that has finished sending does not, nor whose peer has finished only now, after a long pause."""
    leaked, its_device = lab.connect()
    keepalive(leaked, 2, 2, 60)
    sends, reader = lab.connect(port=7001)
    keepalive(sends, 2, 2, 60)
    paused, other = lab.connect(port=7002)
    for device in (its_device, reader):
        device.shutdown(socket.SHUT_WR)
    here = f"netns = {lab.gateway.name}"

    def told():
        sends.send(b"x")
        return {key for key, l in of(lab).items() if "close_wait" in l.get("to_mend", [])}
    began = time.monotonic()
    assert told() == set()
    wait_until(lambda: told() == {cookie(leaked)}, 150, "it is told")
    assert time.monotonic() - began > 50
    wait_until(lambda: one(lab, paused)["silent_s"] > 61, 60, "the pause")
    other.shutdown(socket.SHUT_WR)
    wait_until(lambda: one(lab, paused)["state"] == "CLOSE_WAIT", 20, "CLOSE_WAIT")
    assert told() == {cookie(leaked)}
    assert tcp_info(leaked)["last_ack_recv_ms"] < 60000     # it is answered, as the kernel has it
    assert summary(here)["total"]["to_mend"]["close_wait"] == 1


def fill(device):
    device.setblocking(False)
    try:
        while True:
            device.send(b"x" * 4096)
    except BlockingIOError:
        pass


def test_who_reads_slowly_reads(lab):
    """Both windows are closed at that moment; one program reads 2 kB now and then, the other has stopped."""
    for port in (7004, 7005):
        lab.listen(port=port).setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    (slow, its_device), (stopped, device) = lab.connect(port=7004), lab.connect(port=7005)
    here, over = f"netns = {lab.gateway.name}", threading.Event()

    def read_slowly():
        while not over.wait(0.05):
            fill(its_device)
            slow.recv(2048)
            fill(device)
    thread = threading.Thread(target=read_slowly)
    thread.start()
    try:
        def told_apart():
            lines = of(lab)
            s = lines[cookie(slow)]
            return s["receive_window"] == 0 and "to_mend" not in s and lines[cookie(stopped)].get(
                "to_mend") == ["window_closed"]
        wait_until(told_apart, 120, "a closed window of each, and who reads")
        wait_until(lambda: {g["port"]: g["to_mend"]["window_closed"] for g in summary(here)["groups"]} ==
                   {7004: 0, 7005: 1}, 120, "the same counted")
    finally:
        over.set()
        thread.join()


def test_watch_and_sockets_agree(lab):
    """On who would never notice: with and without keepalive, closing, loopback, of several programs."""
    pairs = [lab.connect(port=7000 + n % 2) for n in range(6)]
    keepalive(pairs[0][0], 600, 75, 9)
    pairs[1][0].shutdown(socket.SHUT_WR)
    pairs[2][1].close()
    with inside(lab.gateway.path):
        listener = lab.keep(socket.create_server(("127.0.0.1", 7100)))
        lab.keep(socket.create_connection(("127.0.0.1", 7100)))
    lab.keep(listener.accept()[0])
    here = f"netns = {lab.gateway.name}"
    text = subprocess.run([HALFOPEN, "watch", "--for", "300ms", here], capture_output=True, text=True,
                          timeout=60).stdout
    by_watch = re.match(r"(\d+) sockets in 1 namespace; (\d+) would never notice", text)
    total = summary(here)["total"]
    assert [int(n) for n in by_watch.groups()] == [total["sockets"], total["never_notice"]] == [8, 6], text
    lines = of(lab).values()
    assert len(lines) == 8
    assert sum(not l["keepalive"]["enabled"] and l["exposed"] for l in lines) == 5      # the others: loopback
    timelines = subprocess.run([HALFOPEN, "watch", "--json", "--all", "--for", "300ms", here],
                               capture_output=True, text=True, timeout=60).stdout
    theirs = {t["socket"]["cookie"]: t for t in map(json.loads, timelines.splitlines()) if "outcome" in t}
    for line in lines:
        t = theirs[line["socket"]["cookie"]]
        assert t["keepalive"] == line["keepalive"]
        assert abs(unix_ns(t["last_heard_at"]) - unix_ns(line["last_heard_at"])) < 3e8, (t, line)
        assert (t["outcome"] == "suspect") == line["suspect"]


def test_both_ends_here_are_counted_once(lab):
    """A real proxy's loopback side: two sockets, one connection, in each number; both are listed, as not exposed, and
    the death of one end is told to the other at once (by what its socket then is)."""
    with inside(lab.gateway.path):
        backend = lab.keep(socket.create_server(("127.0.0.1", 7101)))
    lab.end_process(lab.gateway.spawn(shutil.which("socat"), "TCP-LISTEN:7100,fork,reuseaddr",
                                      "TCP:127.0.0.1:7101"))
    devices = [lab.device_dial(7100) for _ in range(3)]
    behind = [lab.keep(backend.accept()[0]) for _ in devices]
    here = f"netns = {lab.gateway.name}"
    said = wait_until(lambda: (lambda s: s["total"]["sockets"] == 9 and s)(summary(here, "--silent", "1ms")), 20,
                      "three connections of each kind")
    total = said["total"]
    assert (total["never_notice"], total["local"], total["silent"]["count"]) == (6, 6, 6), total
    assert len(ss(lab, "state", "established")) == 9
    of_port = {g.get("port"): g["never_notice"] for g in said["groups"]}
    assert of_port == {7100: 3, 7101: 3, None: 0}, said["groups"]
    assert sum(l["exposed"] for l in of(lab).values()) == 3
    r = halfopen("--check", "never>=6,silent>=6", "--silent", "1ms", here)
    assert r.returncode == 3 and len(r.stdout.splitlines()) == 2 + 1 + 6 and r.stdout.count(":7100 ") == 3, r
    lines = halfopen(here).stdout.splitlines()[1:]
    assert sorted(line.split()[-1] for line in lines) == ["local"] * 3 + ["never"] * 6, lines
    halfopen("--prom", lab.path("p"), here)
    with open(lab.path("p")) as f:
        never = re.findall(r"^halfopen_sockets_never_notice\{.*\} (\d+)$", f.read(), re.MULTILINE)
    assert sum(map(int, never)) == 6
    text = subprocess.run([HALFOPEN, "watch", "--for", "300ms", here], capture_output=True, text=True,
                          timeout=60).stdout
    assert text.startswith("9 sockets in 1 namespace; 6 would never notice a dead peer"), text
    text = halfopen("--summary", "--silent", "1ms", here).stdout
    said = re.search(r"^6 to peers on this host: both ends are in (.*); (.*) count one$", text, re.MULTILINE)
    head, *rows = (line.split() for line in text[text.index("PROGRAM"):].splitlines())
    sums = {name: sum(int(row[n]) for row in rows) for n, name in enumerate(head)
            if name in ("SOCKETS", "NEVER", "SILENT")}
    assert sums == {"SOCKETS": 9, "NEVER": 6, "SILENT": 6}, text      # ss has nine
    assert "SOCKETS" in said[1] and "NEVER" in said[2] and "SILENT" in said[2], text
    behind[0].close()       # what no keepalive was needed for
    wait_until(lambda: len(of(lab)) < 9, 20, "the other end")


@pytest.mark.alone
def test_doctor_and_sockets_agree(lab):
    """Of the whole host, in which others come and go: the same numbers, written alike, of connections and of the
    namespaces that have some (this lab has one that has none)."""
    for _ in range(20):
        lab.connect()
    keepalive(lab.connect()[0], 600, 75, 9)

    def agree():
        said = subprocess.run([HALFOPEN, "doctor", "--json"], capture_output=True, text=True).stdout
        what = next(f["what"] for f in json.loads(said)["findings"] if f["id"] == "sockets")
        found = re.match(r"([\d,]+ TCP connections? in \d+ network namespaces?); ([\d,]+) would never notice a dead "
                         r"peer$", what).groups()
        text = halfopen("--summary").stdout
        first, never = re.match(r"(?s)([\d,]+ sockets? in \d+ namespaces?): .*?^([\d,]+) would never", text,
                                re.MULTILINE).groups()
        assert int(first.split()[0].replace(",", "")) >= 42
        words = [s.replace("TCP connection", "socket").replace("network ", "") for s in found]
        return words == [first, never]
    wait_until(agree, 180, "the same counts")


def test_what_nobody_holds_is_one_row(lab):
    """Orphans of namespaces that are gone: a row each would bury the others. JSON has each."""
    def orphans_of_nowhere():
        with Lab() as gone:
            close = be_orphans(gone, 2, 7000)
            gone.gateway.drop("input", "tcp dport 7000")
            close()
            return next(iter(of(gone).values()))["socket"]["netns"]["inode"]
    inodes = {orphans_of_nowhere() for _ in range(3)}
    said = [g for g in summary()["groups"] if g["netns"]["inode"] in inodes]
    assert len(said) == 3 and {(g["program"], g["sockets"]) for g in said} == {(None, 2)}, said
    lines = [l.split() for l in halfopen("--summary").stdout.splitlines()]
    rows = [l for l in lines if l[0] == "-" and l[1] == "out"]
    unnamed = [l for l in rows if l[3] == "unnamed"]
    assert len(unnamed) == 1 and int(unnamed[0][2]) >= 3 and int(unnamed[0][4]) >= 6, lines
    assert not {str(i) for i in inodes} & {w for l in rows for w in l}, lines


# ---- for monitoring ----

def test_check(lab):
    """3 and the sockets that are counted, where a limit holds; 0 and what was counted where none does."""
    quiet = [lab.connect()[0] for _ in range(2)]
    suspect, _ = lab.connect(port=7001)
    keepalive(suspect, 1, 1, 120)
    here = f"netns = {lab.gateway.name}"
    r = halfopen("--check", "suspect>0,never>2,sockets<3", here)
    assert (r.returncode, r.stdout) == (0, "ok suspect 0 <= 0\nok never 2 <= 2\nok sockets 3 >= 3\n"), r
    lab.gateway.drop("input", "tcp dport 7001")
    wait_until(lambda: tcp_info(suspect)["probes"] >= 4, 40, "probes")
    r = halfopen("--check", "suspect>0,never>=3", here)
    lines = r.stdout.splitlines()
    assert r.returncode == 3 and lines[:2] == ["FOUND suspect 1 > 0", "ok never 2 < 3"], r
    assert lines[2].startswith("STATE") and len(lines) == 4 and ":7001" in lines[3], lines
    r = halfopen("--json", "--check", "never>=2", here)
    assert r.returncode == 3 and r.stderr == "halfopen: FOUND never 2 >= 2\n", r
    assert {json.loads(l)["socket"]["cookie"] for l in r.stdout.splitlines()} == {cookie(s) for s in quiet}
    r = halfopen("--check", "dead>0", "--path-forgets", "1d", here)
    assert (r.returncode, r.stdout) == (0, "ok dead 0 <= 0\n"), r
    for wrong in ("suspect", "suspect>", "suspects>0", "suspect>-1", "suspect=0", "", "suspect>0,"):
        r = halfopen("--check", wrong)
        assert r.returncode == 2 and "--check" in r.stderr and r.stdout == "", (wrong, r)
    r = halfopen("--check", "dead>0")
    assert r.returncode == 2 and "--path-forgets" in r.stderr


def test_check_with_blanks(lab):
    lab.connect()
    r = halfopen("--check", " never > 0 , suspect>= 1 ", f"netns = {lab.gateway.name}")
    assert r.returncode == 3 and r.stdout.startswith("FOUND never 1 > 0\nok suspect 0 < 1\n"), r
    for wrong in ("never > 1 0", "ne ver>0", "> 1", "never >", "never > = 1"):
        r = halfopen("--check", wrong)
        assert r.returncode == 2 and wrong in r.stderr, r


def test_check_of_what_nothing_can_match(lab):
    """A mistake in FILTER is no silent ok (1); where a connection may come at any time, none is (0)."""
    gateway, _ = lab.connect()
    gateway.shutdown(socket.SHUT_RDWR)
    here = f"netns = {lab.gateway.name}"
    sleeper = subprocess.Popen(["sleep", "600"])
    lab.cleanup.callback(sleeper.wait)
    lab.cleanup.callback(sleeper.kill)
    wait_until(lambda: open(f"/proc/{sleeper.pid}/comm").read() == "sleep\n", 20, "its name")
    for words, said in (("netns = nosuch", "no network namespace 'nosuch'"),
                        ("comm = mosqitto", "no process called 'mosqitto'"),
                        ("pid = 4194303", "no process with such an id"),
                        ("cgroup = /no/such.slice", "no process in '/no/such.slice'"),
                        ("container = 0123456789abcdef", "no process in '0123456789abcdef'"),
                        ("device = tracker-1", "no device is named"),
                        (f"{here} and comm = mosqitto", "no process called 'mosqitto'"),
                        (f"comm = sleep and pid = {os.getpid()}", "FILTER"),
                        ("netns = nosuch or comm = mosqitto", "no network namespace 'nosuch'")):
        r = halfopen("--check", "suspect>0,never>1000", words)
        assert (r.returncode, r.stdout) == (1, ""), (words, r)
        assert said in r.stderr and "not checked" in r.stderr, (words, r)
        assert "not checked" in halfopen("-q", "--check", "suspect>0", words).stderr
    for words in (f"{here} and sport = :9", f"pid = {sleeper.pid}", f"comm = sleep and pid = {sleeper.pid}",
                  f"{here} and (comm = sleep or comm = mosqitto)", f"{here} and comm = mosqitto or sport = :9",
                  f"{here} and sport = :9 and not comm = mosqitto"):
        r = halfopen("--check", "suspect>0", words)
        assert (r.returncode, r.stdout) == (0, "ok suspect 0 <= 0\n"), (words, r)
    r = halfopen("--check", "sockets<1", "comm = mosqitto")     # there are none: that is what was asked
    assert r.returncode == 3 and r.stdout.startswith("FOUND sockets 0 < 1\n"), r


def test_list_and_counts_agree_on_never(lab):
    """Who closes asks by its FIN, which the kernel gives up: a time, as ss has a timer, and no `never`."""
    quiet, _ = lab.connect(port=7000)
    last_ack, device = lab.connect(port=7001)
    fin_wait, _ = lab.connect(port=7002)
    orphan, _ = lab.connect(port=7003)
    fin_wait_2, _ = lab.connect(port=7004)
    device.close()
    fin_wait_2.shutdown(socket.SHUT_WR)
    wait_until(lambda: {"CLOSE-WAIT", "FIN-WAIT-2"} <= {l.split()[0] for l in ss(lab).values()}, 20, "their states")
    lab.gateway.drop("input", "tcp dport 7001-7003")
    for sock in (last_ack, fin_wait):
        sock.shutdown(socket.SHUT_WR)
    orphan.close()
    here = f"netns = {lab.gateway.name}"
    states = wait_until(lambda: (lambda s: s.count("FIN-WAIT-1") == 2 and "LAST-ACK" in s and s)(
        [l.split()[0] for l in ss(lab).values()]), 20, "their states")
    assert len(states) == 5
    lines = [l.split() for l in halfopen("--sort", "notices", here).stdout.splitlines()[1:]]
    notices = {re.search(r":(700\d)$", l[2])[1]: l[-1] for l in lines}
    assert {port for port, word in notices.items() if word == "never"} == {"7000", "7004"}, lines
    assert all(re.match(r"\d+[smhd]|-$", notices[port]) for port in ("7001", "7002", "7003")), lines
    assert {re.search(r":(700\d)$", l[2])[1] for l in lines[:2]} == {"7000", "7004"}, lines
    assert summary(here)["total"]["never_notice"] == 2
    r = halfopen("--check", "never>=2", here)
    assert r.returncode == 3 and len(r.stdout.splitlines()) == 1 + 1 + 2, r
    assert all(l.endswith("never") for l in r.stdout.splitlines()[2:]), r


def test_gauges_for_prometheus(lab):
    """Whole, in the text format, replaced in one step, with the numbers of --summary."""
    pairs = [lab.connect(port=7000 + n % 2)[0] for n in range(5)]
    keepalive(pairs[0], 600, 75, 9)
    program(lab, 'a"b\\c', *pairs[1::2])
    here, path = f"netns = {lab.gateway.name}", lab.path("halfopen.prom")
    with open(path, "w") as f:
        f.write("what was there")
    before = os.stat(path).st_ino
    r = halfopen("--prom", path, here)
    assert (r.returncode, r.stdout, r.stderr) == (0, "", ""), r
    assert os.stat(path).st_ino != before and os.stat(path).st_mode & 0o777 == 0o644
    assert [n for n in os.listdir(lab.directory) if "prom" in n] == ["halfopen.prom"]
    with open(path) as f:
        page = f.read()
    if shutil.which("promtool"):
        run("promtool", "check", "metrics", input=page)
    sample = re.compile(r'([a-z_]+)\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)+)\} (\d+)')
    values, typed = {}, set()
    for line in page.splitlines():
        if line.startswith("# TYPE"):
            typed.add(line.split()[2])
        elif not line.startswith("#"):
            name, labels, value = sample.fullmatch(line).groups()
            assert name in typed, line
            assert (name, labels) not in values
            values[name, labels] = int(value)
    never = {labels: n for (name, labels), n in values.items() if name == "halfopen_sockets_never_notice"}
    assert never['group="a\\"b\\\\c:7001"'] == 2 and sum(never.values()) == 4, never
    total = summary(here)["total"]
    assert sum(n for (name, _), n in values.items() if name == "halfopen_sockets") == total["sockets"] == 5
    assert sum(n for (name, labels), n in values.items() if name == "halfopen_sockets" and
               'keepalive="on"' in labels) == total["with_keepalive"] == 1
    assert not any(name == "halfopen_sockets_estimated_dead" for name, _ in values)
    r = halfopen("--prom", lab.path("nowhere/x.prom"))
    assert r.returncode == 1 and "nowhere/x.prom" in r.stderr, r


def test_gauges_where_nothing_matches(lab):
    """Zeros: a sum over no series is not 0."""
    path = lab.path("none.prom")
    r = halfopen("--prom", path, f"netns = {lab.gateway.name} and sport = :9")
    assert r.returncode == 0 and "address, port or state" in r.stderr, r
    with open(path) as f:
        page = f.read()
    for name in ("halfopen_sockets_suspect", "halfopen_sockets_never_notice"):
        assert re.findall(rf"^{name}\{{.*\}} (\d+)$", page, re.MULTILINE) == ["0"], page
    of_states = re.findall(r"^halfopen_sockets\{.*\} (\d+)$", page, re.MULTILINE)
    assert of_states and set(of_states) == {"0"}, page


@pytest.mark.parametrize("words, said", [
    ("netns = nosuch", "no network namespace 'nosuch'"), ("comm = mosqitto", "no process called 'mosqitto'"),
    ("pid = 4194303", "no process with such an id"), ("device = tracker-1", "no device is named"),
    ("netns = {} and comm = mosqitto", "no process called 'mosqitto'")])
@pytest.mark.parametrize("beside", [[], ["--summary"], ["--summary", "--json"]], ids=["alone", "summary", "json"])
def test_gauges_of_what_nothing_can_match(lab, words, said, beside):
    """A mistake in FILTER writes no zeros, which stay green for ever: exit 1, and the file stays as it was."""
    lab.connect()
    path = lab.path("kept.prom")
    with open(path, "w") as f:
        f.write("what was there")
    before = os.stat(path)
    r = halfopen("--prom", path, *beside, words.format(lab.gateway.name))
    assert (r.returncode, r.stdout) == (1, ""), r
    assert said in r.stderr and "--prom: not written, as nothing can match FILTER" in r.stderr, r.stderr
    after = os.stat(path)
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (before.st_ino, before.st_mtime_ns, before.st_size)
    new = lab.path("new.prom")
    assert halfopen("--prom", new, words.format(lab.gateway.name)).returncode == 1 and not os.path.exists(new)


@pytest.mark.parametrize("kind", ["device", "fifo", "directory", "socket", "link", "dangling", "", "-", "new/"])
def test_gauges_replace_plain_files_alone(lab, kind):
    """Whatever else is there stays, and so does what a link names: exit 2 before anything is done."""
    inside_it = lab.path("prom")
    os.mkdir(inside_it)
    path = os.path.join(inside_it, "x.prom")
    if kind == "device":
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 7))      # as /dev/full, which it is not
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        os.mkdir(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
    elif kind in ("link", "dangling"):
        os.symlink(os.path.join(inside_it, "other"), path)
        if kind == "link":
            with open(os.path.join(inside_it, "other"), "w") as f:
                f.write("another's")
    else:
        path = os.path.join(inside_it, kind) if kind == "new/" else kind
    before = {n: (os.lstat(os.path.join(inside_it, n)).st_ino, os.lstat(os.path.join(inside_it, n)).st_mode)
              for n in os.listdir(inside_it)}
    r = halfopen("--prom", path, cwd=inside_it)
    assert r.returncode == 2 and f"--prom: '{path}' " in r.stderr and "plain file" in r.stderr, r
    assert r.stdout == ""
    assert {n: (os.lstat(os.path.join(inside_it, n)).st_ino, os.lstat(os.path.join(inside_it, n)).st_mode)
            for n in os.listdir(inside_it)} == before
    if kind == "link":
        with open(os.path.join(inside_it, "other")) as f:
            assert f.read() == "another's"


def test_gauges_of_parallel_runs(lab):
    """Each succeeds, the file is always whole, and a neighbour's file of a similar name stays."""
    lab.connect()
    directory = lab.path("many")
    os.mkdir(directory)
    path = os.path.join(directory, "h" * 250 + ".prom")     # as long as a name may be
    with open(os.path.join(directory, "somebody.new"), "w") as f:
        f.write("theirs")
    short = os.path.join(directory, "somebody")
    here = f"netns = {lab.gateway.name}"
    assert halfopen("--prom", path, here).returncode == 0
    with open(path) as f:
        first = f.read()
    runs = [subprocess.Popen([HALFOPEN, "sockets", "--prom", name, here], stderr=subprocess.PIPE, text=True)
            for name in [path, short] * 4]
    seen = set()
    while any(r.poll() is None for r in runs):
        with open(path) as f:
            seen.add(f.read())
        assert not [n for n in os.listdir(directory) if n.endswith(".prom") and n != os.path.basename(path)]
        time.sleep(0.005)
    assert [(r.returncode, r.stderr.read()) for r in runs] == [(0, "")] * 8
    assert {page.count("\n") for page in seen} == {first.count("\n")} and all(p.startswith("# HELP") for p in seen)
    assert sorted(os.listdir(directory)) == sorted([os.path.basename(path), "somebody", "somebody.new"])
    with open(short + ".new") as f:
        assert f.read() == "theirs"


@pytest.mark.parametrize("option", [["--json"], ["-n", "3"], ["--sort", "peer"], ["--check", "suspect>0"],
                                    ["--gateway", "gw"]])
def test_gauges_refuse_what_would_be_ignored(tmp_path, option):
    r = halfopen("--prom", str(tmp_path / "x.prom"), *option)
    assert r.returncode == 2 and option[0] in r.stderr.replace("--limit", "-n") and r.stdout == "", r
    assert os.listdir(tmp_path) == []


def test_gauges_and_counts_in_one_run(lab):
    here = f"netns = {lab.gateway.name}"
    lab.connect()
    said = summary(here, "--prom", lab.path("x.prom"))
    assert said["total"]["sockets"] == 1 and os.path.getsize(lab.path("x.prom"))


# ---- devices by name ----

def identities(lab, *entries, end="\n", name="devices"):
    with open(lab.path(name), "w") as f:
        f.write("\n".join(e if isinstance(e, str) else json.dumps(e) for e in entries) + end)
    return lab.path(name)


def test_names_of_devices(lab):
    """Those of the file, by the device's own address and port; each way of FILTER; as wide as it is."""
    pairs = [lab.connect(port=7000 + n % 2) for n in range(4)] + [lab.connect(socket.AF_INET6)]
    ends = [d.getsockname()[:2] for _, d in pairs]
    path = identities(lab, {"peer": f"{ends[0][0]}:{ends[0][1]}", "device": "before"},
                      {"peer": f"{ends[0][0]}:{ends[0][1]}", "local": 7000, "device": "scooter-17"},
                      {"peer": f"{ends[1][0]}:{ends[1][1]}", "local": 7000, "device": "of-another-port"},
                      {"peer": f"{ends[2][0]}:{ends[2][1]}", "device": "Straßenlaterne\u202e"},
                      {"peer": "203.0.113.9", "device": "absent"},
                      {"peer": f"[{ends[4][0]}]:{ends[4][1]}", "device": "valve-6"}, end="")
    names = {cookie(pairs[0][0]): "scooter-17", cookie(pairs[2][0]): "Straßenlaterne\u202e",
             cookie(pairs[4][0]): "valve-6"}
    lines = of(lab, "--identities", path)
    assert {key: l["socket"].get("device") for key, l in lines.items()} == {
        cookie(g): names.get(cookie(g)) for g, _ in pairs}
    here = f"netns = {lab.gateway.name}"

    def passing(words, *arguments):
        return set(listed(f"{here} and ({words})", "--identities", path, *arguments))
    assert passing("device = scooter-17") == {cookie(pairs[0][0])}
    assert passing("device = scooter-* or device = valve-6") == {cookie(pairs[0][0]), cookie(pairs[4][0])}
    assert passing("device = s* and sport = :7001") == set()
    assert summary(f"{here} and device = *", "--identities", path)["total"]["sockets"] == 3
    r = halfopen("--check", "never>2", "--identities", path, f"{here} and device = *")
    assert r.returncode == 3 and len(r.stdout.splitlines()) == 5, r
    text = halfopen(here, "--identities", path).stdout
    assert "DEVICE" in text and "scooter-17" in text and "Straßenlaterne\\u202e" in text, text
    narrow = on_terminal(80, here, "--identities", path)
    assert "DEVICE" in narrow[0] and max(map(len, narrow)) <= 80, narrow
    assert "DEVICE" not in halfopen(here).stdout
    for words, said in (("device = nobody", "names no device 'nobody'"),
                        ("device = absent", "no TCP connection now is of device 'absent'")):
        r = halfopen("--identities", path, words)
        assert (r.returncode, said in r.stderr) == (0, True), r
        r = halfopen("--identities", path, "--check", "suspect>0", words)
        assert r.returncode == (1 if words.endswith("nobody") else 0), r


def test_names_that_cannot_be_read(lab):
    """Exit 2 before anything is looked at: what is wrong, where, what was expected; no half list."""
    lab.connect()
    os.mkfifo(lab.path("fifo"))
    good = {"peer": "10.77.0.2", "device": "d"}
    for path, said in ((lab.path("fifo"), "a FIFO or unix:PATH tells them as time goes by"),
                       (f"unix:{lab.path('socket')}", "a FIFO or unix:PATH tells them as time goes by"),
                       (lab.path("nowhere"), "No such file"), (lab.directory, "is a directory"),
                       ("/dev/zero", "is a device"),
                       (identities(lab, good, '{"peer": "10.77.0.2"}', name="a"), "line 2, column 1: \"device\""),
                       (identities(lab, good, "{not json", name="b"), "line 2, column"),
                       (identities(lab, good, {"peer": "10.77.0.2:0", "device": "d"}, name="c"), "line 2"),
                       (identities(lab, good, {"peer": "10.77.0.2", "device": ""}, name="d", end=""), "line 2"),
                       (identities(lab, good, '{"peer": "10.77.0.2", "device": "a\\u0000b"}', name="e"),
                        "no name has a zero byte"),
                       (identities(lab, good, '{"peer": "10.77.0.2", "a\\u0000": "b"}', name="f"),
                        "no name has a zero byte")):
        r = halfopen("--identities", path)
        assert (r.returncode, r.stdout) == (2, "") and said in r.stderr and path.removeprefix("unix:") in r.stderr, r
        assert "JSON_ALLOW_NUL" not in r.stderr
    assert not os.path.exists(lab.path("socket"))
    # whose writer is in the middle of a line
    half = identities(lab, good, '{"peer": "10.77.0.2", "devi', end="", name="half")
    r = halfopen("--identities", half, f"netns = {lab.gateway.name}")
    assert r.returncode == 0 and "line 2: has no end yet" in r.stderr and " d " in r.stdout, r
    # what is read is not written
    r = halfopen("--prom", half, "--identities", half)
    assert r.returncode == 2 and "--identities" in r.stderr and os.path.getsize(half) > 30, r
