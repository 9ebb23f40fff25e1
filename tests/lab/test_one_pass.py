# SPDX-License-Identifier: GPL-2.0
"""One pass over the open sockets: whose each is, and counts that are those of the list, by each of the
ways that kernels allow. Witnesses are ss, getsockopt, and what the test did."""
import ctypes
import fcntl
import ipaddress
import json
import os
import re
import resource
import socket
import subprocess
import threading
import time

import pytest

from lab import (TCP_USER_TIMEOUT, HALFOPEN, Lab, cookie, hold_only, inside, keepalive, run, tcp_info, wait_until)
from lesser_kernel import without

CLONE_FILES = 0x400


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def sockets(lab, *arguments, wrapper=()):
    r = subprocess.run([*wrapper, HALFOPEN, "sockets", f"netns = {lab.gateway.name}", *arguments],
                       capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    return [json.loads(line) for line in r.stdout.splitlines()]


def owners(lab, *arguments, **keywords):
    """Of each peer's port: who holds it."""
    return {l["socket"]["peer"]["port"]: l["socket"].get("owner", {}).get("pid")
            for l in sockets(lab, "--json", *arguments, **keywords)}


def held_by_another(lab, prepare, *held):
    """The id of a child that holds these alone, once it has done what `prepare` does; they are closed here."""
    pid = os.fork()
    if pid == 0:
        try:
            hold_only("holder", *held)
            prepare()
            with open("/proc/self/comm", "w") as f:
                f.write("prepared")
            time.sleep(600)
        finally:
            os._exit(1)

    def end():
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    lab.cleanup.callback(end)
    for sock in held:
        sock.close()
    wait_until(lambda: open(f"/proc/{pid}/comm").read() == "prepared\n", 30, "the child")
    return pid


# Kernels without one of these take other ways (bpf/files.bpf.h, bpf/table.bpf.h).
WAYS = {"as it is": [], "no cast": ["bpf_rdonly_cast"], "no loop": ["bpf_loop"]}
each_way = pytest.mark.parametrize("missing", WAYS.values(), ids=WAYS.keys())


def wrapper_of(lab, missing):
    return without(lab, *missing) if missing else []


@each_way
def test_owner_of_any_descriptor(lab, missing):
    """More descriptors than one run looks at, with holes; the files behind them are of several kinds."""
    pairs = [lab.connect() for _ in range(12)]
    ports = [device.getsockname()[1] for _, device in pairs]
    held = [gateway for gateway, _ in pairs]

    def spread():
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        null, (read, _), (one, _) = os.open("/dev/null", os.O_RDONLY), os.pipe(), socket.socketpair()
        for number, sock in enumerate(held):
            fcntl.fcntl(sock, fcntl.F_DUPFD, 100 + 1700 * number)
            sock.close()
        for number in range(9000):
            fcntl.fcntl((null, read, one)[number % 3], fcntl.F_DUPFD, 2000)
    pid = held_by_another(lab, spread, *held)
    found = owners(lab, wrapper=wrapper_of(lab, missing))
    assert {port: found[port] for port in ports} == dict.fromkeys(ports, pid)


@each_way
def test_owner_of_what_nobody_asked_for_its_cookie(lab, missing):
    """... beside sockets that have one, of the same process."""
    asked, _ = lab.connect()
    assert cookie(asked)
    pairs = [lab.connect(port=7001) for _ in range(5)]
    found = owners(lab, wrapper=wrapper_of(lab, missing))
    assert len(found) == 6 and set(found.values()) == {os.getpid()}, found
    assert {device.getsockname()[1] for _, device in pairs} <= set(found)


def test_owner_is_a_thread_with_descriptors_of_its_own(lab):
    """unshare(CLONE_FILES): what it opens stands in no other thread's table."""
    gateway, device = lab.connect()
    opened, end = threading.Event(), threading.Event()

    def hold_a_copy():
        assert not ctypes.CDLL(None, use_errno=True).unshare(CLONE_FILES)
        copy = gateway.dup()
        opened.set()
        end.wait()
        copy.close()
    thread = threading.Thread(target=hold_a_copy)
    thread.start()
    try:
        assert opened.wait(60)
        gateway.close()
        assert owners(lab) == {device.getsockname()[1]: os.getpid()}
    finally:
        end.set()
        thread.join()


def test_owner_of_what_is_handed_on(lab):
    """Nobody's while it is under way between two processes; then the receiver's."""
    gateway, device = lab.connect()
    port = device.getsockname()[1]
    one, other = socket.socketpair()
    socket.send_fds(one, [b"x"], [gateway.fileno()])
    gateway.close()
    assert owners(lab) == {port: None}
    _, (fd,), _, _ = socket.recv_fds(other, 1, 1)
    received = socket.socket(fileno=fd)
    assert owners(lab) == {port: os.getpid()}
    for sock in (one, other, received):
        sock.close()


def a_mixture(lab):
    """Sockets of all kinds that counts tell apart; the kernel's view of what takes time is waited for."""
    lab.gateway.sysctl(tcp_keepalive_time=600, tcp_keepalive_intvl=11, tcp_keepalive_probes=4)
    names = ("plain", "sysctl", "own", "one loss", "two of three", "close wait", "fin wait 2", "suspect",
             "unacknowledged", "fin wait 1", "last ack", "orphan", "not read")
    pairs = {name: lab.connect(port=7000 + n) for n, name in enumerate(names)}
    ours = {name: gateway for name, (gateway, _) in pairs.items()}
    pairs["six"] = lab.connect(socket.AF_INET6, port=7050)
    for name in ("sysctl", "close wait", "fin wait 2"):
        ours[name].setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    keepalive(ours["own"], 50, 7, 3)
    keepalive(ours["one loss"], 60, 20, 9, user_timeout_ms=61000)
    ours["two of three"].setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    ours["two of three"].setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 90)
    ours["two of three"].setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 120000)
    keepalive(ours["suspect"], 1, 1, 120)
    pairs["close wait"][1].close()
    pairs["last ack"][1].close()
    ours["fin wait 2"].shutdown(socket.SHUT_WR)
    wait_until(lambda: states(lab).count("CLOSE-WAIT") == 2, 20, "the devices' FINs")
    fill(*pairs["not read"])
    lab.gateway.drop("input", "tcp dport { 7007-7011 }")
    ours["unacknowledged"].send(b"into the silence")
    for name in ("fin wait 1", "last ack"):
        ours[name].shutdown(socket.SHUT_WR)
    ours["orphan"].close()
    wait_until(lambda: tcp_info(ours["suspect"])["probes"] >= 4, 60, "probes")
    wait_until(lambda: tcp_info(ours["unacknowledged"])["retransmits"] >= 3, 60, "retransmissions")
    wait_until(lambda: states(lab).count("FIN-WAIT-1") == 2 and "LAST-ACK" in states(lab), 20, "FINs")


def states(lab):
    return [l.split()[0] for l in run("ip", "netns", "exec", lab.gateway.name, "ss", "-Htn").stdout.splitlines()]


def fill(reader, device):
    """Until the window that the reader offers is closed."""
    device.setblocking(False)

    def is_full():
        try:
            while True:
                device.send(b"x" * 65536)
        except BlockingIOError:
            return tcp_info(reader)["rcv_wnd"] == 0
    wait_until(is_full, 60, "a closed window")


@each_way
def test_counts_are_those_of_the_list(lab, missing):
    """Each count of --summary, of whole and lean rows, beside what the list has of each socket, and ss's
    number of sockets."""
    a_mixture(lab)
    lines = sockets(lab, "--json", wrapper=wrapper_of(lab, missing))
    assert len(lines) == len(states(lab)) == 14
    said, = sockets(lab, "--json", "--summary", "--silent", "1d", "--path-forgets", "1d",
                    wrapper=wrapper_of(lab, missing))
    total = said["total"]
    assert total["sockets"] == len(lines)
    assert total["with_keepalive"] == sum(l["keepalive"]["enabled"] for l in lines) == 7
    assert total["suspect"] == sum(l["suspect"] for l in lines) >= 2
    assert total["surely_dead"]["count"] == total["silent"]["count"] == 0
    assert total["to_mend"]["window_closed"] == sum(l["receive_window"] == 0 for l in lines) == 1
    never = [l for l in subprocess.run([HALFOPEN, "sockets", f"netns = {lab.gateway.name}"], check=True,
                                       capture_output=True, text=True).stdout.splitlines()
             if re.search(r" never( +[a-z_,]+)?$", l)]     # faults may stand behind it
    assert total["never_notice"] == len(never)
    of_ports = {l["socket"]["local"]["port"]: l for l in lines}
    for group in said["groups"]:
        line = of_ports[group["port"]]
        assert (group["sockets"], group["with_keepalive"]) == (1, line["keepalive"]["enabled"]), group
        assert group["suspect"] == line["suspect"], group
        assert group["program"] == line["socket"].get("owner", {}).get("comm"), group
        assert group["oldest_silence_s"] == pytest.approx(line["silent_s"], abs=30), group
    r = subprocess.run([*wrapper_of(lab, missing), HALFOPEN, "sockets", f"netns = {lab.gateway.name}", "--check",
                        f"suspect>{total['suspect']},never>{len(never)},window_closed>1,sockets>14"],
                       capture_output=True, text=True, timeout=60)
    assert (r.returncode, r.stdout.splitlines()) == (0, [
        f"ok suspect {total['suspect']} <= {total['suspect']}", f"ok never {len(never)} <= {len(never)}",
        "ok window_closed 1 <= 1", "ok sockets 14 <= 14"]), r


def test_peers_in_the_order_of_their_addresses(lab):
    """As 16 bytes, an IPv4 one mapped, then the port: both families, and an IPv6 socket to an IPv4 peer."""
    for port in (40002, 40001, 50000):
        lab.connect(device_port=port)
    for port in (40003, 50001):
        lab.connect(socket.AF_INET6, port=7001, device_port=port)
    with inside(lab.gateway.path):
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"),
                                (socket.AF_INET6, "::ffff:127.0.0.2"), (socket.AF_INET, "127.0.0.255")):
            listening = socket.AF_INET if "." in address else family
            listener = lab.keep(socket.create_server((address.removeprefix("::ffff:"), 0), family=listening))
            peer = lab.keep(socket.socket(family))
            peer.connect((address, listener.getsockname()[1]))
            lab.keep(listener.accept()[0])

    def key(line):
        peer = line["socket"]["peer"]
        address = ipaddress.ip_address(peer["address"])
        mapped = address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed
        return mapped, peer["port"]
    found = [key(line) for line in sockets(lab, "--json", "--sort", "peer")]
    assert len(found) == 13 and found == sorted(found)
    for most in range(1, 15):
        assert [key(line) for line in sockets(lab, "--json", "--sort", "peer", "-n", str(most))] == found[:most]
