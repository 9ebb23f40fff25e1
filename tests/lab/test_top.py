# SPDX-License-Identifier: GPL-2.0
"""halfopen top in a terminal of tmux: what it says against ss, the kernel's counts and the sockets' own
clocks; its keys; and the terminal afterwards, however it ends."""
import contextlib
import fcntl
import itertools
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time

import pytest

from lab import HALFOPEN, Lab, hold_only, keepalive, mono_ns, run, tcp_info, wait_or_kill, wait_until

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="no tmux (scripts/setup test installs it)")
_terminals = itertools.count()


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


class Terminal:
    """One of tmux, with a shell that has job control."""

    def __init__(self, lab, columns=80, rows=24, **environment):
        self.lab, self.server = lab, lab.path(f"tmux{next(_terminals)}")
        self.pid_file, self.code_file = self.server + ".pid", self.server + ".code"
        environment = {"HISTFILE": "", "LANG": "C.UTF-8", **environment}
        # A server is of the directory that it was begun in, and of this environment.
        self.environment = {**{k: v for k, v in os.environ.items() if k not in ("TMUX", "NO_COLOR")}, **environment}
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  "bash --norc --noprofile -i")
        lab.cleanup.callback(self.close)
        self.tmux("set-option", "-g", "status", "off")
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))
        self.wait_for(r"^\S*[#$]", "a prompt")

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-S", self.server, *arguments], check=True, capture_output=True, text=True,
                              env=self.environment).stdout

    def close(self):
        subprocess.run(["tmux", "-S", self.server, "kill-server"], capture_output=True)

    def shown(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def lines(self):
        return self.shown().split("\n")

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", "--", text)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def wait_for(self, pattern, what=None, timeout=60):
        try:
            return wait_until(lambda: re.search(pattern, self.shown(), re.MULTILINE), timeout, what or pattern)
        except AssertionError:
            raise AssertionError(f"not shown: {what or pattern}\n{self.shown()}") from None

    def wait_until_gone(self, pattern, timeout=60):
        wait_until(lambda: not re.search(pattern, self.shown(), re.MULTILINE), timeout, f"no more {pattern}")

    def modes(self):
        """All of the terminal's modes, by stty."""
        tty = self.tmux("display-message", "-p", "#{pane_tty}").strip()
        return run("stty", "-a", "-F", tty).stdout

    def is_alternate(self):
        return self.tmux("display-message", "-p", "#{alternate_on}").strip() == "1"

    def begin(self, *arguments, attached=True, said="sockets?, "):
        """halfopen top, of the lab's gateway."""
        words = arguments or (f"netns = {self.lab.gateway.name}",)
        quoted = " ".join("'" + w.replace("'", "'\\''") + "'" for w in words)
        for path in (self.pid_file, self.code_file):
            if os.path.exists(path):
                os.unlink(path)
        with open(self.server + ".sh", "w") as f:
            f.write(f"echo $$ > {self.pid_file}\nexec {HALFOPEN} top {quoted}\n")
        self.type(f"sh {self.server}.sh; echo $? > {self.code_file}")
        self.keys("Enter")
        self.wait_for(said, "the header")
        if attached:
            self.wait_for(r"^\d\S*: \d[\d,]* died", "that it is attached")
        return self

    def pid(self):
        with open(self.pid_file) as f:
            return int(f.read())

    def code(self):
        """Its exit code, once it has ended."""
        def read():
            with open(self.code_file) as f:
                return f.read().strip()
        return int(wait_until(lambda: os.path.exists(self.code_file) and read(), 60, "its end"))


def rows(terminal):
    """The list's lines as words, between its head and the last line; the marks of suspects apart."""
    lines = terminal.lines()
    head = next(i for i, line in enumerate(lines) if line.startswith("  STATE "))
    return [line for line in lines[head + 1:-2] if line.strip()]


def peers(terminal):
    return [re.search(r"10\.77\.0\.2:(\d+)", row)[1] for row in rows(terminal) if "10.77.0.2:" in row]


def cut(lab, count=1, port=7000, idle=2):
    """Connections whose peers are cut off, and have left three probes unanswered."""
    pairs = [lab.connect(port=port) for _ in range(count)]
    for gateway, _ in pairs:
        keepalive(gateway, idle, idle, 100)
    lab.gateway.drop("input", f"tcp dport {port}")
    for gateway, _ in pairs:
        wait_until(lambda: tcp_info(gateway)["probes"] >= 3, 60, "three probes")
    return pairs


def test_it_says_what_ss_says(lab):
    """How many there are, by ss; the suspects, by the kernel's counts, come first and are marked."""
    healthy = [lab.connect(port=7001) for _ in range(12)]
    suspects = cut(lab, 2)
    terminal = Terminal(lab).begin()
    theirs = run("ip", "netns", "exec", lab.gateway.name, "ss", "-Htn", "state", "connected").stdout
    assert len(theirs.splitlines()) == len(healthy) + len(suspects) == 14
    terminal.wait_for(r"^14 sockets, 2 suspect, 12 never notice")
    shown = rows(terminal)
    assert len(shown) == 14
    ports = {str(device.getsockname()[1]) for _, device in suspects}
    assert {re.search(r":(\d+)", row)[1] for row in shown[:2]} == ports
    assert all(row.startswith("!") == (n < 2) for n, row in enumerate(shown))
    head = next(line for line in terminal.lines() if line.startswith("  STATE "))
    for gateway, device in suspects:
        row = next(r for r in rows(terminal) if f":{device.getsockname()[1]} " in r)
        asks = int(row[head.index("ASKS"):].split()[0])
        assert 2 <= asks <= tcp_info(gateway)["probes"], row
    terminal.keys("q")
    assert terminal.code() == 0


def test_the_same_rows_as_sockets(lab):
    """One definition of a row, and of each order."""
    for n in range(6):
        gateway, device = lab.connect(port=7000 + n)
        if n % 2:
            keepalive(gateway, 600 + n, 7, 3)
        device.send(b"x")
        time.sleep(0.01)
    terminal = Terminal(lab, columns=160).begin()

    def by_sockets(key):
        out = run(HALFOPEN, "sockets", "--sort", key, f"netns = {lab.gateway.name}").stdout.splitlines()
        return [re.search(r"10\.77\.0\.2:(\d+)", line)[1] for line in out[1:]]

    for letter, name in (("s", "suspect"), ("i", "silent"), ("a", "unanswered"), ("d", "dies"), ("n", "next"),
                         ("t", "notices"), ("r", "peer"), ("l", "local"), ("o", "owner"), ("e", "state")):
        terminal.keys(letter)
        terminal.wait_for(f"by {name}$")
        wait_until(lambda: peers(terminal) == by_sockets(name), 30, f"the order of {name}")
    terminal.keys("<")
    terminal.wait_for("by owner$")
    terminal.keys(">")
    terminal.wait_for("by state$")
    cells = [re.split(r"\s+", row.strip())[:5] for row in rows(terminal)]
    out = run(HALFOPEN, "sockets", "--sort", "state", f"netns = {lab.gateway.name}").stdout.splitlines()
    assert cells == [re.split(r"\s+", line.strip())[:5] for line in out[1:]]
    terminal.keys("q")
    assert terminal.code() == 0


def test_five_suspects_among_many(lab):
    """They stand on the first screen."""
    many = [lab.connect(port=7001) for _ in range(400)]
    suspects = cut(lab, 5)
    terminal = Terminal(lab).begin(attached=False)
    first = rows(terminal)
    assert len(many) + 5 == 405 and terminal.wait_for(r"^405 sockets, 5 suspect")
    assert {re.search(r":(\d+)", row)[1] for row in first[:5]} == \
        {str(device.getsockname()[1]) for _, device in suspects}
    terminal.keys("q")
    assert terminal.code() == 0


def test_a_suspicion_arises_while_it_is_watched(lab):
    gateway, device = lab.connect()
    keepalive(gateway, 1, 1, 100)
    terminal = Terminal(lab).begin()
    terminal.wait_for("^1 socket, 0 suspect")
    lab.gateway.drop("input", "tcp dport 7000")
    terminal.wait_for("^1 socket, 1 suspect")
    terminal.wait_for(rf"^! ESTAB .*:{device.getsockname()[1]} ")
    lab.gateway.mend()
    terminal.wait_for("^1 socket, 0 suspect")
    terminal.keys("q")
    assert terminal.code() == 0


def test_a_death_is_counted_and_its_timeline_shown(lab):
    """By outcome; for how long it went unnoticed, by the lab's clock; its lane from the list of deaths."""
    gateway, device = lab.connect()
    keepalive(gateway, 1, 1, 3)
    healthy, _ = lab.connect(port=7001)
    port = device.getsockname()[1]
    terminal = Terminal(lab, columns=120, rows=40).begin()
    before, after = lab.gateway.drop("input", "tcp dport 7000")
    poll = select.poll()
    poll.register(gateway, 0)
    assert poll.poll(60000)
    died = mono_ns()
    terminal.wait_for(r": 1 died, unnoticed p50 \S+ p95 \S+ \(keepalive_timeout 1\)")
    terminal.wait_for("^1 socket, 0 suspect")
    p50, p95 = (float(s) for s in re.search(r"p50 ([\d.]+)s p95 ([\d.]+)s", terminal.shown()).groups())
    # the upper bound: heard at the cut at the latest, and at most an idle time before
    assert p50 == p95 and (died - after) / 1e9 - 1 <= p50 <= (died - before) / 1e9 + 3, (p50, died - before)
    terminal.keys("x")
    terminal.wait_for(rf"10\.77\.0\.2:{port} +keepalive_timeout +\S+ +:7000 \S+/{os.getpid()}")
    terminal.keys("Enter")
    terminal.wait_for(r"keepalive_timeout \(ETIMEDOUT\), found by keepalive, unnoticed for \S+ to \S+")
    shown = terminal.shown()
    assert re.search(r"^silence .*#.*X$", shown, re.MULTILINE), shown
    asked = int(re.search(r"probes (\d+) sent", shown)[1])
    assert asked >= 3 and shown.count("probe sent #") >= 3, shown
    terminal.keys("Escape")
    terminal.wait_for("UNNOTICED")
    terminal.keys("x")
    terminal.wait_for("^  STATE ")
    terminal.keys("q")
    assert terminal.code() == 0


def test_the_lane_of_an_open_socket(lab):
    """Its events as the kernel counts them, while they happen; what is chosen is followed."""
    others = [lab.connect(port=7001) for _ in range(3)]
    gateway, device = lab.connect()
    keepalive(gateway, 1, 1, 100)
    terminal = Terminal(lab, columns=100, rows=40).begin(f"netns = {lab.gateway.name}", "--sort", "peer")
    port = str(device.getsockname()[1])
    for _ in range(peers(terminal).index(port)):
        terminal.keys("Down")
    terminal.keys("Enter")
    terminal.wait_for(rf"^10\.77\.0\.2:{port} at 10\.77\.0\.1:7000 of \S+/{os.getpid()} in {lab.gateway.name}")
    terminal.wait_for(r"keepalive 1 s idle \(socket\), 1 s interval \(socket\), 100 probes \(socket\)")
    terminal.wait_for(r"answered [2-9]\d* times")
    lab.gateway.drop("input", "tcp dport 7000")
    terminal.wait_for(r"^suspect: ESTABLISHED, silent for \S+, \d+ unanswered; asks next in \S+, gives up in \S+")
    terminal.wait_for(r"^silence .*#.*!")

    def counted():      # the kernel began earlier
        return int(terminal.wait_for(r"probes (\d+) sent")[1]), lab.gateway.nstat("TcpExtTCPKeepAlive")
    shown, kernel = counted()
    wait_until(lambda: counted()[0] >= shown + 4, 60, "more probes")
    wait_until(lambda: (lambda s, k: abs((s - shown) - (k - kernel)) <= 2)(*counted()), 60, "the kernel's count")
    assert "Silences" in terminal.shown() and "probe sent #" in terminal.shown()
    terminal.resize(40, 12)
    terminal.wait_for("^silence ")
    terminal.keys("End")
    terminal.wait_for("probe sent #")
    terminal.wait_until_gone("^silence ")
    terminal.keys("Home")
    terminal.wait_for("^silence ")
    terminal.keys("q")
    terminal.wait_for("STATE ")
    assert others and terminal.keys("q") is None and terminal.code() == 0


def test_filter_as_it_is_typed(lab):
    """A mistake is shown, and the former one stays; Escape goes back, Enter keeps."""
    for n in range(9):
        lab.connect(port=7000 + n % 3)
    terminal = Terminal(lab).begin()
    terminal.wait_for("^9 sockets")
    terminal.keys("/")
    terminal.type("sport = :7000")
    terminal.wait_for("^3 sockets")
    assert all(":7000" in row for row in rows(terminal))
    terminal.type(" and nonsense")
    terminal.wait_for(r"^/sport = :7000 and nonsense.*column \d+:")
    terminal.wait_for("^3 sockets")
    terminal.keys("Enter")      # there is something to mend
    terminal.wait_for("column")
    terminal.keys(*["BSpace"] * len(" and nonsense"))
    terminal.wait_until_gone("column")
    terminal.keys("Enter")
    terminal.wait_for(r"^/sport = :7000  \(/ change")
    terminal.wait_for("^3 sockets")
    terminal.keys("/", "C-u")
    terminal.type("sport = :7001 or sport = :7002")
    terminal.wait_for("^6 sockets")
    terminal.keys("Escape")
    terminal.wait_for("^3 sockets")
    terminal.keys("/", "C-u", "Enter")
    terminal.wait_for("^9 sockets")
    terminal.keys("/")
    terminal.type("sport = :9")
    terminal.wait_for("no socket matches")
    terminal.keys("Escape", "q")
    assert terminal.code() == 0


def test_pause(lab):
    """The list stands still, counting goes on and says so."""
    gateway, device = lab.connect()
    keepalive(gateway, 1, 1, 2)
    terminal = Terminal(lab).begin()
    terminal.wait_for("^1 socket,")
    terminal.keys("p")
    terminal.wait_for("PAUSED since")
    lab.connect(port=7001)
    lab.gateway.drop("input", "tcp dport 7000")
    terminal.wait_for(r"PAUSED since \S+; counted meanwhile: [1-9]\d* events?, 1 died")
    terminal.wait_for("^1 socket,")
    assert ": 0 died" in terminal.shown() and peers(terminal) == [str(device.getsockname()[1])]
    terminal.keys("Space")
    terminal.wait_for(": 1 died")
    wait_until(lambda: "PAUSED" not in terminal.shown(), 30, "that it goes on")
    wait_until(lambda: peers(terminal) not in ([], [str(device.getsockname()[1])]), 30, "the list as it is now")
    terminal.keys("q")
    assert terminal.code() == 0


def test_a_socket_that_ends_during_a_pause(lab):
    """What is shown of it stands still, and its end is shown afterwards, also where nobody was found dead."""
    gateway, device = lab.connect()
    keepalive(gateway, 1, 1, 100)
    terminal = Terminal(lab, columns=100, rows=40).begin()
    terminal.keys("Enter")
    terminal.wait_for(r"answered [2-9]\d* times")
    terminal.keys("p")
    terminal.wait_for("PAUSED")
    device.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    device.close()      # a reset
    time.sleep(2)
    assert "ESTABLISHED, silent for" in terminal.shown() and "reset_by_peer" not in terminal.shown()
    terminal.keys("p")
    terminal.wait_for("^reset_by_peer")
    terminal.wait_for("^silence .*X$")
    terminal.keys("q", "q")
    assert terminal.code() == 0


def test_the_terminal_knows_its_size(lab):
    """... better than the environment."""
    lab.connect()
    terminal = Terminal(lab, columns=120, rows=30)
    terminal.type("export COLUMNS=40 LINES=10")
    terminal.keys("Enter")
    terminal.begin()
    wait_until(lambda: "by suspect" in terminal.lines()[29], 30, "the last line")
    terminal.wait_for("NOTICES")
    terminal.keys("q")
    assert terminal.code() == 0


def test_help(lab):
    terminal = Terminal(lab, rows=60).begin()
    terminal.keys("?")
    terminal.wait_for("^Orders")
    shown = terminal.shown()
    for word in ("Enter", "FILTER", "pause", "ASKS", "p95", "lost"):
        assert word in shown, shown
    terminal.keys("h")
    terminal.wait_for("^  STATE ")
    terminal.keys("h", "q")
    terminal.wait_for("^  STATE ")
    terminal.keys("q")
    assert terminal.code() == 0


def test_any_size(lab):
    cut(lab)
    for n in range(40):
        lab.connect(port=7001)
    terminal = Terminal(lab, 200, 50).begin()
    terminal.wait_for(r"^41 sockets, 1 suspect")
    assert len(rows(terminal)) == 41
    for columns, height in ((20, 5), (80, 24), (3, 2), (10, 3), (200, 50), (1, 1), (132, 10)):
        terminal.resize(columns, height)
        for key in ("Down", "Enter", "End", "q", "x", "Enter", "q", "h", "PPage", "h", "/", "Escape", "End", "Home"):
            terminal.keys(key)
    terminal.resize(20, 5)
    terminal.wait_for("^! ")
    terminal.resize(80, 24)
    terminal.wait_for(r"^41 sockets, 1 suspect")
    shown = terminal.lines()
    assert shown[22].strip() or shown[23].strip(), shown
    terminal.keys("End")
    last = terminal.wait_for(r"^  ESTAB")
    assert last
    terminal.keys("q")
    assert terminal.code() == 0


ENDINGS = [("key", "q"), ("key", "C-c"), ("key", "C-\\")] + [
    ("signal", s) for s in ("TERM", "INT", "HUP", "SEGV", "ABRT", "BUS", "KILL", "USR1")]


@pytest.mark.parametrize("way, what", ENDINGS, ids=[what for _, what in ENDINGS])
def test_the_terminal_is_as_before(lab, way, what):
    """By stty, and by what is on it: the shell's own lines, and no screen of ours."""
    lab.connect()
    terminal = Terminal(lab)
    terminal.type("echo a line from before; ulimit -c 0")
    terminal.keys("Enter")
    # bash changes the modes while it reads a line: they are compared as programs find them
    terminal.type(f"stty -a > {terminal.server}.before")
    terminal.keys("Enter")
    terminal.begin()
    assert terminal.is_alternate() and "-icanon" in terminal.modes()
    if way == "key":
        terminal.keys(what)
    else:
        os.kill(terminal.pid(), getattr(signal, "SIG" + what))
    code = terminal.code()
    expected = {"SEGV": 139, "ABRT": 134, "BUS": 135, "KILL": 137, "USR1": 138, "C-\\": 131}.get(what, 0)
    assert code == expected
    wait_until(lambda: not terminal.is_alternate(), 30, "the shell's own screen")
    terminal.wait_for("^a line from before$")
    terminal.type(f"stty -a > {terminal.server}.after; echo still echoed")
    terminal.keys("Enter")
    terminal.wait_for("^still echoed$")
    before, after = (open(terminal.server + suffix).read() for suffix in (".before", ".after"))
    assert before == after
    assert "STATE" not in terminal.shown()
    assert terminal.tmux("display-message", "-p", "#{cursor_flag}").strip() == "1"


def test_the_terminal_goes_away(lab):
    """It ends, and so does whoever waited for its death."""
    terminal = Terminal(lab).begin()
    pid = terminal.pid()
    helpers = children(pid)
    assert helpers
    terminal.close()
    wait_until(lambda: not any(os.path.exists(f"/proc/{p}") for p in [pid, *helpers]), 60, "their end")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return f.read().split()


def test_stop_and_go_on(lab):
    """^Z gives the terminal back, fg takes it again; SIGSTOP, which nobody can take, and SIGCONT too."""
    lab.connect()
    terminal = Terminal(lab).begin()
    terminal.keys("C-z")
    terminal.wait_for("Stopped")
    assert not terminal.is_alternate()
    wait_until(lambda: " T " in open(f"/proc/{terminal.pid()}/stat").read(), 20, "that it stands")
    terminal.type("echo between")
    terminal.keys("Enter")
    terminal.wait_for("^between$")
    for _, _ in [lab.connect(port=7001), lab.connect(port=7001)]:
        pass
    terminal.type("fg")
    terminal.keys("Enter")
    terminal.wait_for("^3 sockets")
    assert terminal.is_alternate()
    os.kill(terminal.pid(), signal.SIGSTOP)
    terminal.wait_for("Stopped", timeout=60)
    terminal.type("fg")
    terminal.keys("Enter")
    terminal.wait_for("^3 sockets")
    terminal.keys("q")
    terminal.wait_for("^between$")
    assert not terminal.is_alternate()


def test_nobody_could_let_it_go_on(lab):
    """^Z without a shell that has job control (ssh -t HOST halfopen top): it does not stop for good."""
    lab.connect()
    pid, fd = pty.fork()
    if not pid:
        os.execve(HALFOPEN, [HALFOPEN, "top", f"netns = {lab.gateway.name}"], {**os.environ, "TERM": "xterm"})
    said = b""

    def hears(what, count=1):
        nonlocal said
        while select.select([fd], [], [], 0)[0]:
            said += os.read(fd, 65536)
        return said.count(what) >= count
    wait_until(lambda: hears(b"died"), 60, "that it is attached")
    os.write(fd, b"\x1a")
    wait_until(lambda: hears(b"1 socket", 2), 60, "the page drawn anew")
    os.write(fd, b"q")

    def ended():
        with contextlib.suppress(OSError):
            hears(b"")
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    wait_until(ended, 60, "its end")
    os.close(fd)


def test_why_nothing_matches(lab):
    """As `sockets` says it, on the last line; no earlier look is told."""
    lab.connect()
    terminal = Terminal(lab, columns=160).begin()
    terminal.keys("/")
    terminal.type("comm = mosqitto")
    terminal.wait_for("no socket matches")
    terminal.keys("Enter")
    terminal.wait_for("FILTER, comm: no process called 'mosqitto' holds a TCP connection now")
    terminal.keys("/", "C-u", "Enter")
    terminal.wait_for("^1 socket,")
    terminal.keys("q")
    assert terminal.code() == 0
    terminal.wait_for("^halfopen: FILTER, comm: no process called 'mosqitto'")
    assert terminal.shown().count("halfopen: FILTER") == 1       # nothing of what was half typed


def test_why_the_command_line_matches_nothing(lab):
    """For as long as nothing matches, and not for a moment: here for longer than a message stands."""
    terminal = Terminal(lab).begin("netns = nosuch")
    begun = time.monotonic()
    wait_until(lambda: time.monotonic() - begun > 13, 30, "that messages are gone")
    for _ in range(3):
        terminal.wait_for("^  FILTER, netns: there is no network namespace 'nosuch' that can be entered")
    assert "  no socket matches" in terminal.lines()
    terminal.keys("q")
    assert terminal.code() == 0


def test_the_watch_counts_all_whatever_is_typed(lab):
    """The deaths are not of the sockets that / narrows to, and the header says so."""
    cut(lab, 2, port=7001)
    lab.connect(port=7000)
    terminal = Terminal(lab).begin()
    terminal.keys("/")
    terminal.type("sport = :7000")
    terminal.wait_for("^1 socket,")
    terminal.wait_for(r"^\d\S*, of FILTER: \d+ died")
    terminal.wait_for(r"^of FILTER: \S+ events/s")
    terminal.keys("C-u", "Enter")
    terminal.wait_for(r"^\d\S*: \d+ died")
    terminal.keys("q")
    assert terminal.code() == 0


@pytest.mark.parametrize("environment, said", [
    ({"TERM": "dumb"}, "cursor"), ({"TERM": "no-such-terminal"}, "no terminfo entry"), ({"TERM": ""}, "TERM is not set"),
    (None, "TERM is not set")], ids=["dumb", "unknown", "empty", "unset"])
def test_a_terminal_that_cannot_show_it(environment, said):
    pid, fd = pty.fork()
    if not pid:
        names = {k: v for k, v in os.environ.items() if k != "TERM"}
        os.execve(HALFOPEN, [HALFOPEN, "top"], {**names, **(environment or {})})
    out = b""
    try:
        while chunk := os.read(fd, 65536):
            out += chunk
    except OSError:
        pass
    os.close(fd)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2
    assert said in out.decode() and "halfopen sockets" in out.decode() and b"\x1b" not in out, out


def test_without_a_terminal():
    r = subprocess.run([HALFOPEN, "top"], capture_output=True, text=True, timeout=60)
    assert (r.returncode, r.stdout) == (2, "")
    assert "halfopen sockets" in r.stderr and "halfopen watch" in r.stderr


@pytest.mark.parametrize("arguments, said", [
    (["sport ="], "FILTER, column"), (["--sort", "beauty"], "beauty"), (["--sort", "dead"], "--path-forgets"), (["--delay", "0s"], "0s"),
    (["--path-forgets", "soon"], "soon"), (["--color", "red"], "red"), (["--suspect-after", "0"], "0")])
def test_bad_arguments(arguments, said):
    r = subprocess.run([HALFOPEN, "top", *arguments], capture_output=True, text=True, timeout=60)
    assert (r.returncode, r.stdout) == (2, "") and said in r.stderr, r.stderr


def test_not_permitted(lab):
    """The message stands on the terminal, which was not taken."""
    terminal = Terminal(lab)
    terminal.type(f"setpriv --reuid 65534 --clear-groups --bounding-set -all --inh-caps -all {HALFOPEN} top; "
                  f"echo code $?")
    terminal.keys("Enter")
    terminal.wait_for("^code 77$")
    terminal.wait_for("not permitted: .*CAP_")


def test_keys_come_from_the_terminal_where_standard_input_is_none(lab):
    lab.connect()
    terminal = Terminal(lab)
    terminal.type(f"{HALFOPEN} top 'netns = {lab.gateway.name}' < /dev/null; echo code $?")
    terminal.keys("Enter")
    terminal.wait_for("^1 socket,")
    terminal.keys("q")
    terminal.wait_for("^code 0$")


def coloured(terminal):
    return re.findall(r"\x1b\[[\d;]*3[1-7][\d;]*m", terminal.shown("-e"))


def test_colours(lab):
    """Red suspects; none with NO_COLOR, where the mark says the same, nor on a terminal without."""
    cut(lab)
    here = f"netns = {lab.gateway.name}"
    plain = Terminal(lab, NO_COLOR="1").begin()
    plain.wait_for("^! ")
    plain.keys("Down")
    assert not coloured(plain)
    for arguments, environment, any_colour in (
            ((here,), {}, True), ((here, "--color", "never"), {}, False),
            ((here, "--color", "always"), {"NO_COLOR": "1"}, True)):
        terminal = Terminal(lab, **environment).begin(*arguments)
        terminal.wait_for("^! ")
        assert bool(coloured(terminal)) == any_colour
        terminal.keys("q")
        assert terminal.code() == 0
    terminal = Terminal(lab)
    terminal.type("export TERM=vt100")
    terminal.keys("Enter")
    terminal.begin()
    terminal.wait_for("^! ")
    assert not coloured(terminal)
    plain.keys("q")
    terminal.keys("q")
    assert plain.code() == terminal.code() == 0


def test_names_of_strangers(lab):
    """Escapes in the name of a program and of a device reach the terminal as text, wide characters as they
    are."""
    gateway, device = lab.connect()
    port = device.getsockname()[1]
    with open(lab.path("devices"), "w") as f:
        f.write(json.dumps({"peer": f"10.77.0.2:{port}", "device": "\x1b[2Jevil\u202e東京", "at": now_text()}) + "\n")
    pid = os.fork()
    if not pid:
        hold_only("\x1b]0;x\x07", gateway)
        signal.pause()
        os._exit(0)
    try:
        gateway.close()
        terminal = Terminal(lab, columns=160).begin(f"netns = {lab.gateway.name}", "--identities",
                                                    lab.path("devices"))
        terminal.wait_for(r"\\x1b\[2Jevil\\u202e東京")
        terminal.wait_for(r"\\x1b\]0;x\\x07")
        terminal.keys("Enter")
        terminal.wait_for(r"\(\\x1b\[2Jevil\\u202e東京\)")
        terminal.keys("q", "/")
        terminal.type("device = '*東京'")
        terminal.wait_for("^1 socket,")
        terminal.keys("Enter")
        terminal.wait_for("^/device = '\\*東京'")
        terminal.keys("q")
        assert terminal.code() == 0
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def now_text():
    s, ns = divmod(time.time_ns(), 10 ** 9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(s)) + f".{ns:09d}Z"


def test_messages_wait_for_the_end(lab):
    """A line of the identities that is none: said on the last line, and on standard error afterwards."""
    os.mkfifo(lab.path("devices"))
    lab.connect()
    terminal = Terminal(lab, columns=120).begin(f"netns = {lab.gateway.name}", "--identities", lab.path("devices"))
    with open(lab.path("devices"), "w") as f:
        def shown():    # for some seconds, unless another message comes after it
            f.write("no JSON at all\n")
            f.flush()
            time.sleep(1)
            return re.search(r"devices.*line \d", terminal.shown())
        wait_until(shown, 60, "the message on the last line")
    terminal.keys("q")
    assert terminal.code() == 0
    terminal.wait_for(r"^halfopen: .*devices.*line 1", "the message afterwards")


def test_for(lab):
    terminal = Terminal(lab).begin(f"netns = {lab.gateway.name}", "--for", "3s")
    assert terminal.code() == 0
    wait_until(lambda: not terminal.is_alternate(), 30, "the shell's own screen")


def test_the_path_forgets(lab):
    """Whoever is silent for longer is surely dead: the same number as `sockets --summary` has."""
    for _ in range(4):
        lab.connect()
    fresh, device = lab.connect(port=7001)
    here = f"netns = {lab.gateway.name}"
    terminal = Terminal(lab).begin(here, "--path-forgets", "3s")
    terminal.wait_for("^5 surely dead: silent for over 3s")

    def of_sockets():
        device.send(b"x")
        out = run(HALFOPEN, "sockets", "--summary", "--json", "--path-forgets", "3s", here).stdout
        return json.loads(out)["total"]["surely_dead"]["count"]
    wait_until(lambda: device.send(b"x") and "4 surely dead" in terminal.shown(), 60, "that one is alive")
    wait_until(lambda: of_sockets() == 4, 60, "the same of sockets")
    assert fresh
    terminal.keys("q")
    assert terminal.code() == 0
    terminal = Terminal(lab).begin(here)
    terminal.wait_for("how many are dead is not known")
    terminal.keys("q")
    assert terminal.code() == 0


def test_the_dead_by_a_history(lab):
    """The same estimate as that of `sockets --summary --history`."""
    watch = lab.watch("--all")
    dying = [lab.connect() for _ in range(12)]
    living = [lab.connect(port=7001) for _ in range(12)]
    for gateway, _ in dying + living:
        keepalive(gateway, 1, 1, 2)
    lab.gateway.drop("input", "tcp dport 7000")
    wait_until(lambda: all(tcp_info(g)["state"] == 7 for g, _ in dying), 60, "their deaths")
    watch.stop()
    terminal = Terminal(lab).begin(f"netns = {lab.gateway.name}", "--history", watch.output, "--sort", "dead")

    def by_sockets():
        out = run(HALFOPEN, "sockets", "--summary", "--json", "--history", watch.output,
                  f"netns = {lab.gateway.name}").stdout
        return json.loads(out)["total"]["estimated_dead"]

    def agrees():
        dead, shown = by_sockets(), terminal.shown()
        found = re.search(r"about (\d+) dead by the history \((\d+) to (\d+)\), of (\d+)", shown)
        if dead is None or dead.get("estimate") is None:
            return "dead: nothing is known: " in shown
        return found and abs(int(found[1]) - dead["estimate"]) <= 1 and int(found[2]) <= dead["estimate"] + 1 <= \
            int(found[3]) + 2
    wait_until(agrees, 60, "the same estimate")
    terminal.wait_for("by dead$")
    terminal.keys("q")
    assert terminal.code() == 0
    r = subprocess.run(["script", "-qec", f"{HALFOPEN} top --history {lab.path('none')}", "/dev/null"],
                       capture_output=True, text=True, env={**os.environ, "TERM": "xterm"}, stdin=subprocess.DEVNULL)
    assert r.returncode == 2 and "none" in r.stdout, r


@pytest.mark.parametrize("how", ["stopped", "unread"])
def test_a_terminal_that_stands_still(how):
    """^S, or an ssh whose line hangs: it waits for nobody, is ended all the same, and the modes are as before."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    before = termios.tcgetattr(slave)

    def own_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    process = subprocess.Popen([HALFOPEN, "top"], stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal,
                               env={**os.environ, "TERM": "xterm"})
    said = b""
    try:
        while b"died" not in said:
            assert select.select([master], [], [], 60)[0], said
            said += os.read(master, 65536)
        assert termios.tcgetattr(slave) != before
        if how == "stopped":
            os.write(master, b"\x13")
        for _ in range(100):    # each draws the whole page, until no more is taken
            os.write(master, b"hh\x0c")
            time.sleep(0.02)
        spent = cpu_ticks(process.pid)
        time.sleep(2)
        assert cpu_ticks(process.pid) - spent < 100      # it does not turn in circles
        process.send_signal(signal.SIGTERM)
        assert wait_or_kill(process, 60) == 0
        assert termios.tcgetattr(slave) == before
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)
        os.close(slave)


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as f:
        return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))
