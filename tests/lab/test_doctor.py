# SPDX-License-Identifier: GPL-2.0
"""halfopen doctor: what it finds on this host, and on hosts made worse."""
import json
import os
import re
import socket
import subprocess

import pytest

import schema
from lab import HALFOPEN, TCP_USER_TIMEOUT, Lab, cookie, inside, keepalive, run


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def doctor(*wrapper):
    """(exit code, what it said) of `halfopen doctor --json`, run by `wrapper`."""
    done = subprocess.run([*wrapper, HALFOPEN, "doctor", "--json"], capture_output=True, text=True,
                          timeout=60)
    line, = done.stdout.splitlines()
    said = json.loads(line)
    errors = list(schema.validator("doctor").iter_errors(said))
    assert not errors, errors[0].message
    assert said["impaired"] == (done.returncode == 3)
    return done.returncode, said


def findings(said, name):
    return [f for f in said["findings"] if f["id"] == name]


def finding(said, name):
    found, = findings(said, name)
    return found


def test_sockets_that_die_of_a_single_lost_probe(lab):
    """15/15 beside a user timeout of 20 s, and one probe alone; those of 10/1/3 do not."""
    for idle, interval, probes, user_timeout in ((15, 15, 9, 20000), (600, 10, 1, 0), (10, 1, 3, 0)):
        gateway, _ = lab.connect()
        keepalive(gateway, idle, interval, probes, user_timeout)
    _, said = doctor()
    what = finding(said, "single_loss")["what"]
    # Of the whole host: others may have some, too.
    assert int(re.search(r"ends (\d+) of them", what).group(1)) >= 2, what


def in_mount_namespace(script, *arguments):
    return ["unshare", "-m", "sh", "-ec", script + ' && exec "$@"', "sh", *arguments]


def test_this_host(lab):
    lab.gateway.sysctl(tcp_keepalive_time=61, tcp_keepalive_intvl=7, tcp_keepalive_probes=5)
    code, said = doctor()
    assert code == 0, said
    assert said["kernel"] == os.uname().release
    assert said["machine"] == os.uname().machine
    assert {p["hook"] for p in said["programs"]} >= {
        "tcp_probe", "timer_expire_entry", "timer_expire_exit", "inet_sock_set_state", "task_file",
        "tcp"}
    assert all(p["loaded"] and p["attached"] for p in said["programs"])
    assert finding(said, "programs")["level"] == "ok"
    of = {s["netns"]["inode"]: s for s in said["sysctl"]}
    assert (of[lab.gateway.inode]["idle_s"], of[lab.gateway.inode]["interval_s"],
            of[lab.gateway.inode]["probes"]) == (61, 7, 5)
    assert of[lab.gateway.inode]["netns"]["name"] == lab.gateway.name
    with open("/proc/sys/net/ipv4/tcp_keepalive_time") as f:
        assert said["sysctl"][0]["idle_s"] == int(f.read())
    assert any(f"61/7/5 in network namespace {lab.gateway.name}" in f["what"]
               for f in findings(said, "sysctl"))
    # HZ as the kernel gives it to user space elsewhere: a 100 s timer is 100 * HZ jiffies
    assert said["hz"] in (100, 250, 300, 1000)


def test_as_text(lab):
    done = subprocess.run([HALFOPEN, "doctor"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("watching works")
    assert done.stderr == ""
    levels = {line.split()[0] for line in done.stdout.splitlines()[:-1] if line[0] != " "}
    assert levels <= {"ok", "note", "warning"}


def test_which_file_sets_the_sysctl(lab):
    """In a namespace with values of its own; the files are the test's."""
    lab.gateway.sysctl(tcp_keepalive_time=600, tcp_keepalive_intvl=30, tcp_keepalive_probes=4)
    os.mkdir(lab.path("d"))
    with open(lab.path("d/50-keepalive.conf"), "w") as f:
        f.write("# by the vendor\nnet.ipv4.tcp_keepalive_time = 600\n"
                "net.ipv4.tcp_keepalive_intvl = 75\n")
    with inside(lab.gateway.path):
        code, said = doctor(*in_mount_namespace(
            'mkdir -p /etc/sysctl.d && mount --bind "$1" /etc/sysctl.d && shift', lab.path("d")))
    assert code == 0
    told = [f["what"] for f in findings(said, "sysctl")]
    assert "net.ipv4.tcp_keepalive_time = 600 is set by /etc/sysctl.d/50-keepalive.conf:2" in told
    assert any(t.startswith("net.ipv4.tcp_keepalive_intvl = 30, but /etc/sysctl.d/50-keepalive"
                            ".conf:3 says 75") for t in told)
    assert any(t.startswith("net.ipv4.tcp_keepalive_probes = 4 was set by hand") for t in told)


def test_a_proxy_before_the_devices(lab):
    """1,200 connections from two addresses, as a load balancer makes them. Half of them have a cookie
    already, and each is counted once."""
    listener = lab.listen(port=7001)
    pairs = []
    with inside(lab.device.path):
        run("ip", "addr", "add", "10.77.0.3/16", "dev", "veth0")
    for number in range(1200):
        with inside(lab.device.path):
            device = lab.keep(socket.socket())
        device.bind((f"10.77.0.{2 + number % 2}", 0))
        device.connect(("10.77.0.1", 7001))
        pairs.append((lab.keep(listener.accept()[0]), device))
    for gateway, _ in pairs[::2]:
        cookie(gateway)
    code, said = doctor()
    assert code == 0
    mine = [f for f in findings(said, "proxy") if lab.gateway.name in f["what"]]
    assert [f["what"] for f in mine] == [
        f"1200 sockets from 2 peers on port 7001 in network namespace {lab.gateway.name}: a proxy "
        "or load balancer; you see its life, not the devices'"]
    assert mine[0]["level"] == "warning" and mine[0]["effect"] and mine[0]["advice"]


def test_without_btf():
    code, said = doctor(*in_mount_namespace("mount --bind /dev/null /sys/kernel/btf/vmlinux"))
    assert code == 3
    assert finding(said, "btf")["level"] == "problem"
    assert "CONFIG_DEBUG_INFO_BTF" in finding(said, "btf")["advice"]


@pytest.mark.parametrize("hook, level, code", [
    ("inet_sk_error_report", "warning", 0), ("timer_expire_exit", "problem", 3),
    ("tcp_probe", "problem", 3)])
def test_a_kernel_without_a_tracepoint(lab, hook, level, code):
    with open("/sys/kernel/btf/vmlinux", "rb") as f:
        btf = f.read()
    name = b"\0btf_trace_" + hook.encode() + b"\0"
    with open(lab.path("btf"), "wb") as f:
        f.write(btf.replace(name, name.replace(b"trace", b"xxxxx")))
    got, said = doctor(*in_mount_namespace('mount --bind "$1" /sys/kernel/btf/vmlinux && shift',
                                           lab.path("btf")))
    assert got == code
    f = finding(said, "program")
    assert f["level"] == level and f["what"] == f"this kernel has no tracepoint {hook}"
    refused, = [p for p in said["programs"] if not p["attached"]]
    assert refused["hook"] == hook and refused["error"] == "ENOENT"


def test_without_capabilities():
    """It says what is missing, and of the rest what it can."""
    code, said = doctor("setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--reuid",
                        "65534", "--regid", "65534", "--clear-groups")
    assert code == 3
    assert "CAP_BPF and CAP_PERFMON" in finding(said, "capabilities")["what"]
    assert said["programs"] == []
    assert findings(said, "ring") and findings(said, "clock")


def test_in_a_pid_namespace_of_its_own():
    code, said = doctor("unshare", "--pid", "--fork", "--mount-proc")
    assert code == 0
    f = finding(said, "pid_namespace")
    assert f["level"] == "warning" and "hostPID" in f["advice"]


def test_it_changes_nothing(lab):
    """No option and no sysctl is other than before."""
    def options(sock):
        return [sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)] + [
            sock.getsockopt(socket.IPPROTO_TCP, option) for option in
            (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, TCP_USER_TIMEOUT)]

    def state():
        with inside(lab.gateway.path):
            sysctls = [open(f"/proc/sys/net/ipv4/tcp_keepalive_{name}").read()
                       for name in ("time", "intvl", "probes")]
        return options(gateway), sysctls
    gateway, _ = lab.connect()
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    before = state()
    doctor()
    assert state() == before


def test_bad_usage():
    done = subprocess.run([HALFOPEN, "doctor", "everything"], capture_output=True, text=True)
    assert done.returncode == 2 and "everything" in done.stderr
