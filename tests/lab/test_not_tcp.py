# SPDX-License-Identifier: GPL-2.0
"""Sockets that look like TCP's by their protocol number or their state, and have no struct tcp_sock:
any local user makes them, in a user namespace of his own."""
import json
import signal
import subprocess
import sys

import pytest

from lab import Lab, cookie, keepalive, wait_until
from test_lesser_kernels import CAST, COOKIE, SOCKET, without

AS_STRANGER = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
               "unshare", "--user", "--map-root-user", "--net"]

# Raw sockets of protocol 6 and a netlink socket of NETLINK_XFRM, which is protocol 6 too: connected,
# so that their state reads as ESTABLISHED, written to, and told that a host is unreachable.
STRANGER = r"""
import json, os, socket, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["nft", "-f", "-"], check=True, text=True, input='''
table inet stranger {
  chain output { type filter hook output priority 0;
    ip daddr 127.0.0.2 reject with icmp type host-unreachable
    ip daddr 127.0.0.3 drop
    ip6 daddr ::1 reject with icmpv6 type admin-prohibited
  }
}''')
def connected(family, kind, protocol, address):
    sock = socket.socket(family, kind, protocol)
    sock.connect(address)
    return sock
v4 = [connected(socket.AF_INET, socket.SOCK_RAW, 6, (f"127.0.0.{n}", 0)) for n in (1, 2, 3)]
v6 = [connected(socket.AF_INET6, socket.SOCK_RAW, 6, ("::1", 0))]
xfrm = [connected(socket.AF_NETLINK, socket.SOCK_RAW, 6, (0, 0))]
for sock in v4:
    sock.setsockopt(socket.IPPROTO_IP, 11, 1)       # IP_RECVERR
for sock in v6:
    sock.setsockopt(socket.IPPROTO_IPV6, 25, 1)     # IPV6_RECVERR
def write():
    refused = 0
    for sock in v4 + v6:
        try:
            sock.send(bytes(20))
        except OSError:
            refused += 1
    return refused
write()
cookies = [str(int.from_bytes(s.getsockopt(socket.SOL_SOCKET, 57, 8), "little"))
           for s in v4 + v6 + xfrm]
print(json.dumps({"cookies": cookies, "netns": os.stat("/proc/self/ns/net").st_ino}), flush=True)
for line in sys.stdin:
    if line == "write\n":
        print(json.dumps(write()), flush=True)
    else:
        for sock in v4 + v6 + xfrm:
            sock.close()
        print("closed", flush=True)
"""


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


class Stranger:
    """A plain user in namespaces of his own."""

    def __init__(self, lab):
        if subprocess.run([*AS_STRANGER, "true"]).returncode:
            pytest.skip("no user namespaces for plain users here")
        self.process = lab.end_process(subprocess.Popen(
            [*AS_STRANGER, sys.executable, "-c", STRANGER], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True), signal.SIGKILL)
        self.__dict__.update(json.loads(self.process.stdout.readline()))

    def does(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@pytest.mark.parametrize("missing", [[], [CAST], [CAST, COOKIE, SOCKET]],
                         ids=["this kernel", "6.1", "5.10"])
def test_no_tcp_sock_is_read(lab, missing):
    """Beside a real connection, which is told; of the others nothing is, and none is missed."""
    before = Stranger(lab)
    wanted = " or ".join(f"netns = {i}" for i in (before.netns, lab.gateway.inode))
    watch = lab.watch("--all", "--events", "--every", "1s", wanted,
                      wrapper=without(lab, *missing) if missing else ())
    gateway, _ = lab.connect()
    keepalive(gateway, 1, 1, 3)
    key = cookie(gateway)
    assert int(before.does("write")) >= 1, "no error was reported to a raw socket"
    with open(f"/proc/{before.process.pid}/net/raw") as f:
        assert sum(":0006 " in line for line in f) == 3     # local "port" 6: they are there

    wait_until(lambda: [t for t in watch.of(key) if "owner" in t["socket"]], 15, "its owner")
    wait_until(lambda: [e for e in watch.events(key, "probe_sent")], 10, "its probe")
    assert before.does("close") == "closed"
    assert watch.stop() == 0
    with open(watch.output) as f:
        lines = [json.loads(line) for line in f]
    sockets = [l["socket"] for l in lines if "socket" in l]
    assert key in {s["cookie"] for s in sockets}
    assert not [s for s in sockets if s["cookie"] in before.cookies or
                s["netns"]["inode"] == before.netns]
    assert not [l for l in lines if l["schema"] == "halfopen.loss/1"]
