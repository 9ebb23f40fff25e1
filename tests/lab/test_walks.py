# SPDX-License-Identifier: GPL-2.0
"""Who is there is what the kernel's own table says, whoever holds the sockets and whether or not a
process that we can see does."""
import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest

from lab import Lab, inside, run, unix_ns, wait_until

# They fill a ring of their own, beside which nothing else should.
pytestmark = pytest.mark.alone

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


def established(lab):
    """Ports of the peers, as ss sees them."""
    said = subprocess.run(["ip", "netns", "exec", lab.gateway.name, "ss", "-Htn", "state", "established"],
                          capture_output=True, text=True, check=True).stdout
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


@pytest.mark.parametrize("contained", [False, True], ids=["on the host", "in a pid namespace"])
def test_the_living_are_never_declared_ended(lab, contained):
    """Opened before the watch, silent, and after losses nobody tells of them but walks, the last of
    which is made as the watch ends."""
    ports = {kind.__name__: kind(lab) for kind in (held, never_accepted, in_flight, subflow)}
    watch = lab.watch("--all", "--every", "1s", "--ring", "4KiB", f"netns = {lab.gateway.inode}",
                      wrapper=InsidePidNamespace.command if contained else ())
    process = InsidePidNamespace(watch) if contained else watch.process
    lab.cleanup.callback(process.send_signal, signal.SIGKILL)   # its own signals do not go through
    told = lambda: {t["socket"]["peer"]["port"]: t for t in watch.lines("timeline")
                    if t["socket"]["local"]["port"] != 7300}
    wait_until(lambda: set(ports.values()) <= set(told()), 5, "all of them")
    overflow(lab, process)
    wait_until(lambda: watch.lines("loss"), 20, "a loss")
    time.sleep(8)       # two whole walks, a second apart
    assert set(ports.values()) <= established(lab)
    process.send_signal(signal.SIGINT)
    assert watch.process.wait(20) == 0
    stopped_ns = time.time_ns()
    for kind, port in ports.items():
        t = told()[port]
        assert stopped_ns - unix_ns(t["verified_at"]) < 3_000_000_000, (kind, t)
        assert t["outcome"] == "open" and not t["final"] and t["partial"], (kind, t)
