# SPDX-License-Identifier: GPL-2.0
"""Whose sockets they are: accepted, inherited, handed on; in which cgroup, of which container."""
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

import records
from lab import HALFOPEN, Lab, cookie, hold_only, inside, keepalive, wait_until


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def comm_of(pid):
    with open(f"/proc/{pid}/comm") as f:
        return f.read().strip()


class Child:
    """A process of this test's that holds what it is given, and is called `name`."""

    def __init__(self, lab, name, sockets=(), receive=False):
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if not self.pid:
            try:
                hold_only(name, theirs, *sockets)
                if receive:
                    socket.recv_fds(theirs, 1, 1)
                theirs.send(b"r")
                signal.pause()
            finally:
                os._exit(0)
        theirs.close()
        self.control = ours
        lab.cleanup.callback(self.end)

    def ready(self):
        assert self.control.recv(1) == b"r"
        return self

    def hand(self, sock):
        socket.send_fds(self.control, [b"s"], [sock.fileno()])

    def end(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.control.close()
        self.pid = 0


def owner(watch, key):
    told = watch.of(key)
    return told[-1]["socket"].get("owner") if told else None


def wait_for_owner(watch, key, pid, comm, timeout=10):
    def right():
        o = owner(watch, key)
        return o if o and o["pid"] == pid and o["comm"] == comm else None
    return wait_until(right, timeout, f"{comm}/{pid} as owner, not {owner(watch, key)}")


def hand_on(lab, sock, names):
    """Holders of these names, in the order in which processes are looked through: by pid. The first
    inherits the socket; the others are handed it. Again where pids began anew between them."""
    while True:
        holders = [Child(lab, names[0], [sock]).ready()]
        for name in names[1:]:
            holders.append(Child(lab, name, receive=True))
            holders[-1].hand(sock)
            holders[-1].ready()
        if [h.pid for h in holders] == sorted(h.pid for h in holders):
            return holders
        for holder in holders:
            holder.end()


def test_inherited_and_handed_on(lab):
    """A socket goes from one process to the next; its owner follows, and is never a third."""
    watch = lab.watch("--all", "--every", "1s")
    gateway, _ = lab.connect()
    key = cookie(gateway)
    first, second = hand_on(lab, gateway, ["inheritor", "receiver"])
    gateway.close()
    holders = {os.getpid(), first.pid, second.pid}
    wait_for_owner(watch, key, first.pid, "inheritor", 45)
    first.end()
    wait_for_owner(watch, key, second.pid, "receiver", 75)
    pids = {t["socket"]["owner"]["pid"] for t in watch.of(key) if "owner" in t["socket"]}
    assert pids <= holders


def test_a_filter_follows_the_owner(lab):
    """A socket goes from alpha to bravo to charlie, by inheritance and by SCM_RIGHTS. Who looks at bravo's
    sees it come in, `partial`, and keeps it to its end, whoever holds it then; a recording tells the
    same."""
    names = [f"{name}{os.getpid()}" for name in ("alpha", "bravo", "charlie")]
    everything = lab.watch("--all", "--every", "1s", f"netns = {lab.gateway.inode}")
    recording = lab.path("bravo.ho")
    watch = lab.watch("--all", "--every", "1s", "-w", recording, f"comm = {names[1]}")
    gateway, device = lab.connect()
    key = cookie(gateway)
    holders = hand_on(lab, gateway, names)
    gateway.close()
    wait_for_owner(everything, key, holders[0].pid, names[0], 45)
    # One of bravo's from the beginning: who looks at bravo's has looked through all processes then.
    marker, _ = lab.connect()
    first = Child(lab, names[1], [marker]).ready()
    marker_key = cookie(marker)
    marker.close()
    wait_for_owner(watch, marker_key, first.pid, names[1], 45)
    assert not watch.of(key)
    holders[0].end()
    wait_for_owner(watch, key, holders[1].pid, names[1], 75)
    assert all(t["partial"] for t in watch.of(key)) and not everything.of(key)[-1]["partial"]
    holders[1].end()
    wait_for_owner(watch, key, holders[2].pid, names[2], 75)
    device.close()
    holders[2].end()
    t = watch.ending(key)
    assert t["partial"] and t["socket"]["owner"]["comm"] == names[2]
    assert watch.stop() == 0 and everything.stop() == 0
    replayed = subprocess.run([HALFOPEN, "watch", "--json", "--all", "--every", "1s", "-r", recording],
                              capture_output=True, text=True, check=True).stdout
    assert replayed == open(watch.output).read()


def test_what_is_known_is_recorded_once(lab):
    """Each walk over the processes tells all that they hold; a recording names each holder once."""
    recording = lab.path("once.ho")
    watch = lab.watch("-v", "-w", recording, f"netns = {lab.gateway.inode}")
    walks = lambda: watch.stderr().count("a walk over all processes took")   # noqa: E731
    keys, made = [], walks()
    for _ in range(3):
        keys.append(cookie(lab.connect(port=7000 + len(keys))[0]))
        wait_until(lambda: walks() > made, 120, "a walk over all processes")
        made = walks()
    wait_until(lambda: walks() > made, 120, "a walk in which nothing is new")
    assert watch.stop() == 0
    held = list(records.holders(recording))
    assert sorted(held) == sorted((os.getpid(), key) for key in keys), held


def test_accepted_by_a_worker(lab):
    """The listener is its parent's, the connection the worker's alone."""
    listener = lab.listen()
    watch = lab.watch("--all", "--every", "1s")
    worker = os.fork()
    if not worker:
        with open("/proc/self/comm", "w") as f:
            f.write("worker")
        connection, _ = listener.accept()
        signal.pause()
        os._exit(0)
    lab.cleanup.callback(os.waitpid, worker, 0)
    lab.cleanup.callback(os.kill, worker, signal.SIGKILL)
    with inside(lab.device.path):
        device = lab.keep(socket.create_connection(("10.77.0.1", 7000)))
    port = device.getsockname()[1]

    def told():
        return [t for t in watch.lines("timeline") if t["socket"]["peer"]["port"] == port and
                t["socket"]["netns"]["inode"] == lab.gateway.inode and "owner" in t["socket"]]
    t = wait_until(told, 10, "the worker's connection")[-1]
    assert t["socket"]["owner"]["pid"] == worker and t["socket"]["owner"]["comm"] == "worker"


def test_nobody_rather_than_somebody(lab):
    """A connection that waits to be accepted, and one that lived too shortly to be looked at."""
    watch = lab.watch("--all")
    listener = lab.listen()
    with inside(lab.device.path):
        waiting = socket.create_connection(("10.77.0.1", 7000))
    time.sleep(3)
    waiting.close()
    gateway, _ = listener.accept()
    gateway.close()
    port = waiting.fileno()
    assert port == -1
    assert watch.stop() == 0
    of_gateway = [t for t in watch.lines("timeline")
                  if t["socket"]["netns"]["inode"] == lab.gateway.inode]
    assert len(of_gateway) == 1 and "owner" not in of_gateway[0]["socket"], of_gateway


HIERARCHIES = {"v2": ("/sys/fs/cgroup/unified", "/sys/fs/cgroup"), "v1": ("/sys/fs/cgroup/systemd",)}
CONTAINER = "4f5a" * 16


@pytest.mark.parametrize("version", HIERARCHIES)
def test_cgroups_and_containers(lab, version):
    """A real cgroup named as a container runtime names them, on whichever hierarchies are here."""
    roots = [r for r in HIERARCHIES[version] if
             os.path.exists(os.path.join(r, "cgroup.procs")) and
             os.path.exists(os.path.join(r, "cgroup.controllers")) == (version == "v2")]
    if not roots:
        pytest.skip(f"no cgroup {version} hierarchy is mounted here")
    group = f"/halfopen-lab-{os.getpid()}/docker-{CONTAINER}.scope"
    path = roots[0] + group
    os.makedirs(path)

    def remove():
        for p in (path, os.path.dirname(path)):
            os.rmdir(p)
    watch = lab.watch("--all", "--every", "1s", f"container = {CONTAINER[:12]}")
    gateway, _ = lab.connect()
    other, _ = lab.connect()
    child = Child(lab, "contained", [gateway])
    # The child's group goes after the child.
    lab.cleanup.callback(remove)
    lab.cleanup.callback(child.end)
    with open(path + "/cgroup.procs", "w") as f:
        f.write(str(child.pid))
    child.ready()
    key, other_key = cookie(gateway), cookie(other)
    gateway.close()
    o = wait_for_owner(watch, key, child.pid, "contained", 45)
    assert o["cgroup"] == group and o["container_id"] == CONTAINER
    assert not watch.of(other_key)
