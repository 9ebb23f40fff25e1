# SPDX-License-Identifier: GPL-2.0
"""Who is there is what the kernel's own table says, whoever holds the sockets and whether or not a
process that we can see does."""
import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from lab import HALFOPEN, Lab, Namespace, inside, run, unix_ns, wait_until
from lesser_kernel import without

# They fill a ring of their own, beside which little else should.
pytestmark = pytest.mark.quiet

IPPROTO_MPTCP = 262


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def held(lab):
    gateway, device = lab.connect()
    return device.getsockname()[1]


def never_accepted(lab):
    """In the backlog: it has no file yet."""
    lab.listen(port=7001)
    with inside(lab.device.path):
        device = lab.keep(socket.create_connection(("10.77.0.1", 7001)))
    return device.getsockname()[1]


def in_flight(lab):
    """Its only file lies in the queue of a Unix socket."""
    gateway, device = lab.connect()
    ends = [lab.keep(s) for s in socket.socketpair(socket.AF_UNIX)]
    socket.send_fds(ends[0], [b"x"], [gateway.fileno()])
    gateway.close()
    return device.getsockname()[1]


def subflow(lab):
    """Of an MPTCP connection: the file is the connection's."""
    for namespace in (lab.gateway, lab.device):
        run("ip", "netns", "exec", namespace.name, "sysctl", "-qw", "net.mptcp.enabled=1")
    with inside(lab.gateway.path):
        listener = lab.keep(socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP))
    listener.bind(("10.77.0.1", 7002))
    listener.listen(8)
    with inside(lab.device.path):
        device = lab.keep(socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP))
    device.connect(("10.77.0.1", 7002))
    lab.keep(listener.accept()[0])
    return device.getsockname()[1]


IO_URING_SETUP, IO_URING_REGISTER, IORING_REGISTER_FILES = 425, 427, 2


def syscall(number, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def registered(lab):
    """Its only file is one of an io_uring's."""
    try:
        ring = syscall(IO_URING_SETUP, 1, ctypes.create_string_buffer(120))
    except OSError as e:
        pytest.skip(f"io_uring_setup(2): {e.strerror}")
    lab.cleanup.callback(os.close, ring)
    gateway, device = lab.connect()
    syscall(IO_URING_REGISTER, ring, IORING_REGISTER_FILES,
            ctypes.byref(ctypes.c_int(gateway.fileno())), 1)
    gateway.close()
    return device.getsockname()[1]


def established(lab, *expression):
    """Ports of the peers, as ss sees them."""
    said = run("ip", "netns", "exec", lab.gateway.name, "ss", "-Htn", "state", "established",
               *expression).stdout
    return {int(line.split()[-1].rsplit(":", 1)[1]) for line in said.splitlines()}


def overflow(lab, process):
    """The ring fills up while its reader stands still, and something is lost."""
    process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(60):
            for s in lab.connect(port=7300):
                s.close()
    finally:
        process.send_signal(signal.SIGCONT)


class InsidePidNamespace:
    """The watch as a container has it: of the host's processes it sees none but its own."""
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]

    def __init__(self, watch):
        with open(f"/proc/{watch.process.pid}/task/{watch.process.pid}/children") as f:
            self.pid = int(f.read().split()[0])

    def send_signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


# What this kernel is without, and how walks are then made.
OVER_THE_TABLE, BY_PROBE_READ, BY_NAMESPACE = (), ("bpf_rdonly_cast",), ("bpf_loop",)
OF_ALL_KINDS = (held, never_accepted, in_flight, subflow)


@pytest.mark.parametrize("kinds, contained, missing",
                         [(OF_ALL_KINDS, False, OVER_THE_TABLE), (OF_ALL_KINDS, True, OVER_THE_TABLE),
                          (OF_ALL_KINDS, True, BY_PROBE_READ), (OF_ALL_KINDS, True, BY_NAMESPACE),
                          ([registered], False, OVER_THE_TABLE)],
                         ids=["on the host", "in a pid namespace", "there by probe_read",
                              "there by namespace", "in an io_uring"])
def test_the_living_are_never_declared_ended(lab, kinds, contained, missing):
    """Opened before the watch, silent, and after losses nobody tells of them but walks, the last of
    which is made as the watch ends."""
    ports = {kind.__name__: kind(lab) for kind in kinds}
    wrapper = [*(without(lab, *missing) if missing else ()),
               *(InsidePidNamespace.command if contained else ())]
    watch = lab.watch("--all", "--every", "1s", "--ring", "4KiB", f"netns = {lab.gateway.inode}",
                      wrapper=wrapper)
    process = InsidePidNamespace(watch) if contained else watch.process
    lab.cleanup.callback(process.send_signal, signal.SIGKILL)   # its own signals do not go through
    told = lambda: {t["socket"]["peer"]["port"]: t for t in watch.lines("timeline")
                    if t["socket"]["local"]["port"] != 7300}
    wait_until(lambda: set(ports.values()) <= set(told()), 5, "all of them")
    overflow(lab, process)
    wait_until(lambda: watch.lines("loss"), 20, "a loss")
    time.sleep(8)       # two whole walks, a second apart
    assert set(ports.values()) <= established(lab)
    asked_ns = time.time_ns()
    process.send_signal(signal.SIGINT)
    assert watch.process.wait(60) == 0
    for kind, port in ports.items():
        t = told()[port]
        assert unix_ns(t["verified_at"]) > asked_ns - 2_000_000_000, (kind, t)
        assert t["outcome"] == "open" and not t["final"] and t["partial"], (kind, t)


class Inhabited:
    """A namespace with two connections to itself: one is held, the other waits for its accept()."""
    held, backlog = 7400, 7401      # ports

    def __init__(self, lab, namespace):
        self.inode = namespace.inode
        with inside(namespace.path):
            listeners = [lab.keep(socket.create_server(("127.0.0.1", port)))
                         for port in (self.held, self.backlog)]
            self.peers = [lab.keep(socket.create_connection(l.getsockname())) for l in listeners]
            self.path = f"/proc/self/fd/{lab.keep(open('/proc/thread-self/ns/net')).fileno()}"
        lab.keep(listeners[0].accept()[0])

    def expected(self):
        """Its servers' ends."""
        return {(self.inode, port, peer.getsockname()[1])
                for port, peer in zip((self.held, self.backlog), self.peers)}

    def by_ss(self):
        with inside(self.path):
            said = run("ss", "-Htn", "state", "established", "sport", f">= :{self.held}", "and",
                       "sport", f"<= :{self.backlog}").stdout
        ends = [[int(end.rsplit(":", 1)[1]) for end in line.split()[-2:]]
                for line in said.splitlines()]
        return {(self.inode, *ports) for ports in ends}


def inhabit(lab, count):
    return [Inhabited(lab, lab.namespace(f"n{i}")) for i in range(count)]


# Since 6.1.
TABLES_OF_THEIR_OWN = os.path.exists("/proc/sys/net/ipv4/tcp_child_ehash_entries")


def with_a_table_of_its_own(lab):
    lab.gateway.sysctl(tcp_child_ehash_entries=64)
    with inside(lab.gateway.path):      # whose children are born with one
        inhabited = Inhabited(lab, lab.namespace("own"))
        entries = open("/proc/sys/net/ipv4/tcp_ehash_entries").read()
    with inside(inhabited.path):
        assert open("/proc/sys/net/ipv4/tcp_ehash_entries").read() == "64\n" != entries
    return inhabited


@pytest.mark.parametrize("missing, over_the_table",
                         [(OVER_THE_TABLE, True), (BY_PROBE_READ, True), (BY_NAMESPACE, False)])
def test_doctor_tells_how_walks_are_made(lab, missing, over_the_table):
    assert walks_by_doctor(without(lab, *missing) if missing else ()) == over_the_table


def walks_by_doctor(wrapper):
    """Does it read the table of connections?"""
    said = subprocess.run([*wrapper, HALFOPEN, "doctor", "--json"], capture_output=True, text=True).stdout
    walks, = [f for f in json.loads(said)["findings"] if f["id"] == "walks"]
    return "one walk over the kernel's table" in walks["what"]


@pytest.mark.skipif(not TABLES_OF_THEIR_OWN, reason="this kernel has no tcp_child_ehash_entries")
def test_from_within_a_table_of_its_own(lab):
    """The host's is not to be found from there: every namespace is walked through by itself."""
    own, (other,) = with_a_table_of_its_own(lab), inhabit(lab, 1)
    there = ["nsenter", f"--net={own.path.replace('self', str(os.getpid()))}"]
    assert not walks_by_doctor(there)
    watch = lab.watch("--all", "--every", "1s", f"netns = {own.inode} or netns = {other.inode}",
                      wrapper=there)
    expected = own.expected() | other.expected()
    wait_until(lambda: expected <= set(told_of(watch)), 60, "both")
    assert expected == own.by_ss() | other.by_ss()


def without_a_name(lab):
    """Nobody can enter it: a name it has not, no process lives in it, and yet it goes on. Who waits in its
    backlog has a cookie, as ss asked for it; one that comes later has none, and cannot be told."""
    namespace = Namespace(lab.tag + "x")
    try:
        lab.namespaces.append(namespace)
        inhabited = Inhabited(lab, namespace)
        inhabited.by_ss()
        with inside(namespace.path):
            lab.keep(socket.create_connection(inhabited.peers[1].getpeername()))
        return inhabited
    finally:
        namespace.delete()


def told_of(watch, final=None):
    return {(s["netns"]["inode"], s["local"]["port"], s["peer"]["port"]): t
            for t in watch.lines("timeline") for s in [t["socket"]]
            if final is None or t["final"] == final}


@pytest.mark.parametrize("missing", [OVER_THE_TABLE, BY_PROBE_READ, BY_NAMESPACE],
                         ids=["over the table", "there by probe_read", "by namespace"])
def test_every_namespace(lab, missing):
    """Tens of them with sockets, in which no process lives: each socket that ss shows in one is told,
    stays open through losses, and is verified at the end."""
    all_of_them = inhabit(lab, 40)
    if TABLES_OF_THEIR_OWN:
        all_of_them.append(with_a_table_of_its_own(lab))
    if missing != BY_NAMESPACE:     # a walk in a namespace needs somebody to enter it
        all_of_them.append(without_a_name(lab))
    expected = set().union(*(n.expected() for n in all_of_them))
    watch = lab.watch("--all", "--every", "1s", "--ring", "4KiB",
                      " or ".join(f"netns = {n.inode}" for n in lab.namespaces),
                      wrapper=without(lab, *missing) if missing else ())
    wait_until(lambda: expected <= set(told_of(watch)), 60, "all of them")
    overflow(lab, watch.process)
    wait_until(lambda: watch.lines("loss"), 20, "a loss")
    time.sleep(8)       # two walks over all, a second apart
    by_ss = set().union(*(n.by_ss() for n in all_of_them))
    assert expected <= by_ss
    asked_ns = time.time_ns()
    watch.process.send_signal(signal.SIGINT)
    assert watch.process.wait(60) == 0
    assert not expected & set(told_of(watch, final=True))
    for socket_, t in told_of(watch).items():
        if socket_ in expected:
            assert t["outcome"] == "open" and t["partial"], t
            assert unix_ns(t["verified_at"]) > asked_ns - 2_000_000_000, t


COME_AND_GO = """
import socket, struct
listener = socket.create_server(("127.0.0.1", 7500))
while True:
    for end in socket.create_connection(listener.getsockname()), listener.accept()[0]:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()
"""


@pytest.mark.parametrize("missing", [OVER_THE_TABLE, BY_PROBE_READ, BY_NAMESPACE],
                         ids=["over the table", "there by probe_read", "by namespace"])
def test_while_others_come_and_go(lab, missing):
    """Hundreds are silent throughout, and events are lost all the time, so that walk follows walk:
    none of them is declared ended, whatever moves in their chains."""
    for _ in range(300):
        lab.connect()
    silent = established(lab, "sport = :7000")
    watch = lab.watch("--all", "--ring", "4KiB", f"netns = {lab.gateway.inode} and sport = :7000",
                      wrapper=without(lab, *missing) if missing else ())

    def lost():
        watch.process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        watch.process.send_signal(signal.SIGCONT)
        time.sleep(0.5)
        return sum(l["reason"] == "ring_full" for l in watch.lines("loss"))
    others = lab.end_process(lab.gateway.spawn(sys.executable, "-c", COME_AND_GO))
    wait_until(lambda: lost() >= 5, 60, "loss upon loss")
    assert others.poll() is None and lab.gateway.nstat("TcpActiveOpens") > 1000
    watch.process.send_signal(signal.SIGINT)
    assert watch.process.wait(60) == 0
    others.kill()
    assert established(lab, "sport = :7000") == silent
    outcomes = {port: t["outcome"] for (_, _, port), t in told_of(watch).items()}
    assert outcomes == dict.fromkeys(silent, "open")
