# SPDX-License-Identifier: GPL-2.0
"""How a namespace is addressed: by a name of `ip netns`, a process id, a path, or inode and cookie. A
host name is its tenant's choice: it is shown, and never chooses."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from lab import HALFOPEN, Lab, cookie, inside, wait_until
from test_apply import halfopen, values

SO_NETNS_COOKIE = 71
# A plain user in namespaces of his own, with a connection to himself.
TENANT = r"""
import socket, subprocess, sys
socket.sethostname(bytes.fromhex(sys.argv[1]))
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
listener = socket.create_server(("127.0.0.1", 7000))
client = socket.create_connection(("127.0.0.1", 7000))
server, _ = listener.accept()
print("ready", flush=True)
for line in sys.stdin:
    client.close()
    client = socket.create_connection(("127.0.0.1", 7000))
    server, _ = listener.accept()
    print(int.from_bytes(client.getsockopt(socket.SOL_SOCKET, 57, 8), "little"), flush=True)
"""
AS_STRANGER = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "unshare",
               "--user", "--map-root-user", "--net", "--uts"]


class Tenant:
    def __init__(self, lab, host_name):
        if subprocess.run([*AS_STRANGER, "true"]).returncode:
            pytest.skip("no user namespaces for plain users here")
        self.process = lab.end_process(subprocess.Popen(
            [*AS_STRANGER, sys.executable, "-c", TENANT, host_name.hex()], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True), signal.SIGKILL)
        assert self.process.stdout.readline() == "ready\n"
        self.path = f"/proc/{self.process.pid}/ns/net"
        self.inode = os.stat(self.path).st_ino

    def connects(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def values(self):
        with inside(self.path):
            return tuple(int(open(f"/proc/sys/net/ipv4/tcp_keepalive_{k}").read())
                         for k in ("time", "intvl", "probes"))


def netns_cookie(path):
    with inside(path), socket.socket() as s:
        try:
            return int.from_bytes(s.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8), "little")
        except OSError:
            pytest.skip("this kernel tells no cookie of a namespace")


def address(path):
    return f"inode:{os.stat(path).st_ino},cookie:{netns_cookie(path)}"


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def test_a_tenants_host_name_is_no_address(lab):
    """Two tenants took the name of somebody's namespace, and then one that nobody has."""
    name = lab.gateway.name
    tenants = [Tenant(lab, name.encode()) for _ in range(2)]
    before = [t.values() for t in tenants]
    r = halfopen(lab, "apply", "--netns", name, "--idle", "120", "--yes")
    assert r.returncode == 0, r.stderr
    assert values(lab.gateway)[0] == 120

    nobodys = name + "-none"
    tenants += [Tenant(lab, nobodys.encode()) for _ in range(2)]
    before += [t.values() for t in tenants[2:]]
    for command in (["apply", "--idle", "130", "--yes"], ["revert"]):
        r = halfopen(lab, *command, "--netns", nobodys)
        assert r.returncode == 2, (command, r)
        for t in tenants[2:]:   # how they are addressed, if they are meant
            assert f"--netns {address(t.path)}" in r.stderr, r.stderr
    assert [t.values() for t in tenants] == before


def test_what_is_printed_is_taken(lab):
    """Inode and cookie, as getsockopt() gives it; the way back is a whole command."""
    tenant = Tenant(lab, b"pod-7")
    there = address(tenant.path)
    for wrong in (there + "0", re.sub(r"inode:\d+", f"inode:{lab.gateway.inode}", there)):
        r = halfopen(lab, "apply", "--netns", wrong, "--idle", "120", "--yes")
        assert r.returncode == 2, (wrong, r)
    assert tenant.values() == (7200, 75, 9) and values(lab.gateway)[0] == 7200
    for spelled in (there, str(tenant.process.pid), tenant.path):
        r = halfopen(lab, "apply", "--netns", spelled, "--idle", "120", "--yes")
        assert r.returncode == 0, r.stderr
        assert tenant.values() == (120, 75, 9)
        undo = re.search(r"'(halfopen revert .*)' takes it back", r.stdout)[1]
        assert f"--netns {there}" in undo
        r = subprocess.run(["sh", "-c", f'halfopen() {{ "{HALFOPEN}" "$@"; }}; {undo}'],
                           capture_output=True, text=True, timeout=60)
        assert r.returncode == 0, r
        assert tenant.values() == (7200, 75, 9)


@pytest.mark.parametrize("no_address", ["", ".", "-x", "a/b", "/etc/passwd", "inode:1", "999999999"])
def test_what_is_no_address(lab, no_address):
    r = halfopen(lab, "apply", f"--netns={no_address}", "--idle", "120", "--dry-run")
    assert r.returncode == 2 and "inode:N,cookie:N" in r.stderr, r


def test_who_took_the_name_is_not_watched(lab):
    """By name: the real one alone. His own has its cookie and a host name, and no name."""
    name = lab.gateway.name
    tenant = Tenant(lab, name.encode())
    watch, everybody = lab.watch("--all", "--events", f"netns = {name}"), lab.watch("--all")
    his = lab.watch("--all", f"netns = {address(tenant.path)}")
    keys = [tenant.connects() for _ in range(2)]
    gateway, _ = lab.connect()
    wait_until(lambda: watch.events(cookie(gateway), "established"), 10, "the real one's connection")

    def known():
        everybody.read()
        with open(everybody.output) as f:
            return [l for l in map(json.loads, f) if l["schema"] == "halfopen.timeline/1" and
                    l["socket"]["cookie"] == keys[0]]
    keys += [tenant.connects()]     # which ends the one before
    time.sleep(1)
    assert (watch.stop(), everybody.stop(), his.stop()) == (0, 0, 0)
    with open(his.output) as f:
        told = [l["socket"] for l in map(json.loads, f) if "socket" in l]
    assert {s["netns"]["inode"] for s in told} == {tenant.inode}
    assert set(keys) <= {s["cookie"] for s in told}
    with open(watch.output) as f:
        inodes = {l["socket"]["netns"]["inode"] for l in map(json.loads, f) if "socket" in l}
    assert inodes == {lab.gateway.inode}
    assert {"inode": tenant.inode, "cookie": str(netns_cookie(tenant.path)), "host_name": name} in \
        [t["socket"]["netns"] for t in known()]
    real = everybody.of(cookie(gateway))[-1]["socket"]["netns"]
    assert real == {"inode": lab.gateway.inode, "cookie": str(netns_cookie(lab.gateway.path)),
                    "name": name}


def test_a_host_name_writes_nothing_else(lab):
    """Whatever bytes it has: neither a terminal nor a reader of JSON takes them for anything."""
    tenant = Tenant(lab, b"a\x1b[2J\n@" + lab.gateway.name.encode()[:8] + b"\xff")
    with open(lab.path("text"), "wb") as out:
        text = lab.end_process(subprocess.Popen(
            [HALFOPEN, "watch", "--all", "--utc", f"netns = {tenant.inode}"], stdout=out),
            signal.SIGINT)
        wait_until(lambda: os.path.getsize(lab.path("text")), 10, "the summary")
        for _ in range(2):
            tenant.connects()
            time.sleep(0.5)
        text.send_signal(signal.SIGINT)
        assert text.wait(60) == 0
    with open(lab.path("text"), "rb") as f:
        said = f.read()
    assert rb" (host a\x1b\x5b2J\x0a\x40" in said, said
    assert b"\x1b" not in said and b"@" + lab.gateway.name.encode()[:8] not in said
    r = subprocess.run([HALFOPEN, "doctor", "--json"], capture_output=True, text=True)
    told = [n["netns"] for n in json.loads(r.stdout)["sysctl"]]
    mine = next(n for n in told if n["inode"] == tenant.inode)
    assert mine["host_name"].startswith("a\x1b[2J\n@") and "name" not in mine
    assert "\x1b" not in r.stdout


def test_advice_is_for_the_namespace_itself(lab):
    """Of two with one host name, each has its advice, and a command that addresses it."""
    lines = []
    meta = {"schema": "halfopen.meta/1", "gateway": "gw", "boot_id": "b", "run_id": "r",
            "started_at": "2026-11-21T00:00:00.000000000Z", "all": True, "hz": 250, "sysctl": [
                {"netns": {"inode": n, "cookie": str(n), "host_name": "pod-7"}, "idle_s": 7200,
                 "interval_s": 75, "probes": 9} for n in (11, 12)]}
    lines.append(meta)
    for n in range(40):
        inode = 11 + n % 2
        lines.append({
            "schema": "halfopen.timeline/1", "gateway": "gw", "boot_id": "b", "run_id": "r",
            "revision": 1, "final": True, "partial": False, "outcome": "closed_by_peer",
            "socket": {"cookie": str(100 + n),
                       "netns": {"inode": inode, "cookie": str(inode), "host_name": "pod-7"},
                       "local": {"address": "192.0.2.1", "port": 1883},
                       "peer": {"address": f"203.0.113.{n}", "port": 5000 + n}},
            "keepalive": {"enabled": True, "idle_s": 7200, "interval_s": 75, "probes": 9,
                          "user_timeout_ms": 0, "from": {"idle": "sysctl", "interval": "sysctl",
                                                         "probes": "sysctl"}},
            "first_seen_at": "2026-11-21T00:00:00.000000000Z",
            "last_heard_at": "2026-11-21T05:00:00.000000000Z",
            "ended_at": "2026-11-21T05:00:00.000000000Z", "counts": {}})
    path = lab.path("day.jsonl")
    with open(path, "w") as f:
        f.writelines(json.dumps(l) + "\n" for l in lines)
    r = subprocess.run([HALFOPEN, "advise", "--detect-within", "5m", path], capture_output=True,
                       text=True)
    for inode in (11, 12):
        assert f"namespace inode:{inode},cookie:{inode} (host pod-7): 20 sockets" in r.stdout, r
        assert f"--netns inode:{inode},cookie:{inode} --trial 1h" in r.stdout
        assert f"undo: halfopen revert --netns inode:{inode},cookie:{inode}\n" in r.stdout
