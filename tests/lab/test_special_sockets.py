# SPDX-License-Identifier: GPL-2.0
"""Ends of sockets that few programs make: Fast Open, TCP_REPAIR, linger 0, disconnect(), MPTCP."""
import contextlib
import ctypes
import errno
import os
import signal
import socket
import struct
import subprocess
import time

import pytest

from ends import (CLOSE, DEVICE, ESTABLISHED, FAMILIES, FIN_WAIT2, GATEWAY, SYN_RECV, TCP_REPAIR, Text,
                  error_of, forget, says_gone, state_of, tcp_socket, wait_for_state)
from lab import Lab, cookie, inside, keepalive, mono_ns, run, tcp_info, unix_ns, wait_until

TCP_FASTOPEN, MSG_FASTOPEN, IPPROTO_MPTCP = 23, 0x20000000, 262
LINGER_0 = struct.pack("ii", 1, 0)


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


# ---- Fast Open ----

def fast_open(lab, family, every_listener=False):
    """A connection that our program has while it is still in SYN_RECV; of what the device sends, only
    SYNs arrive from the start. (gateway's socket, device's socket)"""
    lab.device.sysctl(tcp_fastopen=0x5)             # as a client, without a cookie
    lab.gateway.sysctl(tcp_fastopen=0x202 | (0x400 if every_listener else 0), tcp_synack_retries=1)
    listener = lab.listen(family)
    if not every_listener:
        listener.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
    else:
        listener.listen(1024)
    lab.gateway.drop("input", "tcp dport 7000 tcp flags & (syn | ack) != syn")
    device = tcp_socket(lab, lab.device, family)
    device.sendto(b"hello", MSG_FASTOPEN, (GATEWAY[family], 7000))
    listener.settimeout(5)
    gateway = lab.keep(listener.accept()[0])
    if state_of(gateway) != SYN_RECV:
        pytest.skip("this kernel opened no connection in SYN_RECV")
    assert gateway.recv(64) == b"hello"
    return gateway, device


@FAMILIES
@pytest.mark.parametrize("wrote, every_listener", [(False, False), (True, False), (True, True)],
                         ids=["listens", "wrote", "wrote, any listener"])
def test_fast_open_never_acknowledged(lab, family, wrote, every_listener):
    """The program has the connection already; our SYN-ACK asks, and nobody acknowledges it."""
    lab.gateway.sysctl(tcp_retries2=3)
    watch, capture, text = lab.watch(), lab.capture(), Text(lab)
    gateway, device = fast_open(lab, family, every_listener)
    key, port = cookie(gateway), device.getsockname()[1]
    if wrote:
        gateway.send(b"unlock")
    assert error_of(gateway, 40) == errno.ETIMEDOUT
    ended = mono_ns()
    t = watch.ending(key, 5)
    assert capture.count("tcp.flags.syn == 1 and tcp.flags.ack == 1") >= 2
    assert (t["outcome"], t["outcome_detail"]) == ("retransmit_timeout", "ETIMEDOUT")
    assert t["half_open"]["found_by"] == "retransmit"
    assert abs(unix_ns(t["ended_at"]) - (time.time_ns() - mono_ns()) - ended) < 200 * 10**6
    text.line(port, "retransmit_timeout")


@FAMILIES
def test_fast_open_reset_in_syn_recv(lab, family):
    """The device's kernel knows nothing of it any more, and resets our SYN-ACK."""
    watch = lab.watch()
    gateway, device = fast_open(lab, family)
    key, port = cookie(gateway), device.getsockname()[1]
    device.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    device.close()
    lab.gateway.mend()
    wait_for_state(gateway, CLOSE, 20)
    t = watch.ending(key, 5)
    assert t["outcome"] == "reset_by_peer"


@FAMILIES
def test_fast_open_that_completes(lab, family):
    """A late acknowledgement opens it as any other; then it ends as any other."""
    watch = lab.watch("--all")
    gateway, device = fast_open(lab, family)
    key = cookie(gateway)
    lab.gateway.mend()
    wait_for_state(gateway, ESTABLISHED, 20)
    device.close()
    assert gateway.recv(1) == b""
    gateway.close()
    t = watch.ending(key)
    assert t["outcome"] == "closed_by_peer" and "half_open" not in t and not t["partial"]


# ---- TCP_REPAIR, linger 0, disconnect() ----

@FAMILIES
@pytest.mark.parametrize("half_closed", [False, True])
def test_moved_elsewhere(lab, family, half_closed):
    """As CRIU does when it moves a container: close() in TCP_REPAIR sends nothing, and the connection
    lives on elsewhere."""
    watch, capture, text = lab.watch("--all"), lab.capture(), Text(lab, "--all")
    gateway, device = lab.connect(family)
    key, port = cookie(gateway), device.getsockname()[1]
    if half_closed:
        device.shutdown(socket.SHUT_WR)
        assert gateway.recv(1) == b""
        wait_for_state(device, FIN_WAIT2)   # else it sends its FIN again, to nobody
    gateway.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    gateway.close()
    t = watch.ending(key)
    assert (t["outcome"], t["outcome_detail"]) == ("closed_locally", "moved")
    assert "half_open" not in t
    assert not [e for e in t["events"] if e["event"] == "reset_sent"]
    assert capture.count("tcp.flags.reset == 1 or (tcp.flags.fin == 1 and tcp.srcport == 7000)") == 0
    assert state_of(device) != CLOSE
    assert not says_gone(text.line(port, "closed_locally"))


@FAMILIES
@pytest.mark.parametrize("killed", [False, True], ids=["close", "kill -9"])
def test_linger_0(lab, family, killed):
    """By close(), or by the end of the program that had asked for it."""
    watch, capture = lab.watch(), lab.capture()
    gateway, device = lab.connect(family)
    key = cookie(gateway)
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
    if killed:
        pid = os.fork()
        if not pid:
            time.sleep(60)
            os._exit(0)
    gateway.close()
    if killed:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert error_of(device) == errno.ECONNRESET
    t = watch.ending(key)
    assert (t["outcome"], t["outcome_detail"]) == ("aborted_locally", "linger_0")
    assert "half_open" not in t
    assert capture.count("tcp.flags.reset == 1 and tcp.srcport == 7000") == 1


@FAMILIES
@pytest.mark.parametrize("how", ["disconnect", "unread data"])
def test_aborts_that_are_not_linger_0(lab, family, how):
    """connect(AF_UNSPEC) and a close() over unread data reset as well, and nobody lingers."""
    watch = lab.watch()
    gateway, device = lab.connect(family)
    key = cookie(gateway)
    if how == "disconnect":
        ctypes.CDLL(None).connect(gateway.fileno(), b"\0" * 16, 16)
    else:
        device.send(b"report")
        wait_until(lambda: gateway.recv(1, socket.MSG_PEEK), 5, "data")
        gateway.close()
    assert error_of(device) == errno.ECONNRESET
    t = watch.ending(key)
    assert t["outcome"] == "aborted_locally" and "half_open" not in t
    assert t.get("outcome_detail") != "linger_0"


# ---- one socket, several connections ----

def end_in_ss(lab, key):
    """(local, peer) of the connection with this cookie, as ss has them."""
    told = run("ip", "netns", "exec", lab.gateway.name, "ss", "-Htne", "state", "established")
    line, = [l for l in told.stdout.splitlines() if f"sk:{int(key):x} " in l + " "]
    return tuple(line.split()[2:4])


@FAMILIES
@pytest.mark.parametrize("pause_s", [0, 1], ids=["at once", "later"])
def test_connected_again(lab, family, pause_s):
    """connect(AF_UNSPEC) and connect() once more leave the socket its cookie: each connection is a
    row of its own, under its own number, with its own ends."""
    watch = lab.watch("--all")
    with inside(lab.device.path):
        listener = lab.keep(socket.socket(family, socket.SOCK_STREAM))
    listener.bind(("", 7100))
    listener.listen()
    with inside(lab.gateway.path):
        client = lab.keep(socket.socket(family, socket.SOCK_STREAM))
    key, expected, accepted = cookie(client), [], []
    for number in range(1, 4):
        client.connect((DEVICE[family], 7100))
        accepted.append(lab.keep(listener.accept()[0]))
        ends = end_in_ss(lab, key)      # ss says that it is the same socket
        host, port = client.getsockname()[:2]
        assert ends[0].replace("[", "").replace("]", "") == f"{host}:{port}"
        expected.append((number, host, port, "aborted_locally" if number < 3 else "closed_locally"))
        if number < 3:
            ctypes.CDLL(None).connect(client.fileno(), b"\0" * 16, 16)
            time.sleep(pause_s)
    client.close()
    accepted[-1].close()
    told = wait_until(lambda: len(f := [t for t in watch.of(key) if t["final"]]) == 3 and f, 15,
                      "three final timelines")
    assert [(t["socket"].get("connection", 1), t["socket"]["local"]["address"],
             t["socket"]["local"]["port"], t["outcome"]) for t in told] == expected
    assert "connection" not in told[0]["socket"] and not any(t["partial"] for t in told)
    assert [t["revision"] for t in told] == [1, 1, 1]
    assert watch.stop() == 0


# ---- MPTCP ----

def mptcp_sockets(lab, namespace):
    return [l for l in run("ip", "netns", "exec", namespace.name, "ss", "-Htn", "state",
                           "established").stdout.splitlines() if ":7000" in l]


@pytest.mark.parametrize("asked_by", ["keepalive", "retransmission"])
def test_one_subflows_death(lab, asked_by):
    """An MPTCP connection over two paths, one of which is cut: a subflow has died, the peer has not."""
    lab.gateway.sysctl(tcp_retries2=3)
    lab.device.ip("addr", "add", "10.77.0.3/16", "dev", "veth0")
    try:
        for namespace in (lab.gateway, lab.device):
            run("ip", "-n", namespace.name, "mptcp", "limits", "set", "subflows", "2")
        run("ip", "-n", lab.device.name, "mptcp", "endpoint", "add", "10.77.0.3", "dev", "veth0", "subflow")
        # They take in the limits and endpoints when they are made.
        with inside(lab.gateway.path):
            listener = lab.keep(socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP))
        with inside(lab.device.path):
            device = lab.keep(socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this kernel has no MPTCP: {error}")
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", 7000))
    listener.listen()
    watch, text = lab.watch("--events"), Text(lab)
    device.connect(("10.77.0.1", 7000))
    gateway = lab.keep(listener.accept()[0])
    device.send(b"hello")
    assert gateway.recv(64) == b"hello"
    gateway.send(b"hello")     # the second subflow is made once both have been heard
    assert device.recv(64) == b"hello"
    wait_until(lambda: len(mptcp_sockets(lab, lab.gateway)) == 2, 10, "two subflows, by ss")
    if asked_by == "keepalive":
        keepalive(gateway, 1, 1, 2)
    lab.gateway.drop("input", "ip saddr 10.77.0.2 tcp dport 7000")
    deadline = time.monotonic() + 20
    while len(mptcp_sockets(lab, lab.gateway)) == 2 and time.monotonic() < deadline:
        if asked_by == "retransmission":
            with contextlib.suppress(OSError):
                gateway.send(b"x" * 4096)   # by whichever path
            time.sleep(0.1)
    assert len(mptcp_sockets(lab, lab.gateway)) == 1

    def ended():
        return [t for t in watch.lines("timeline") if t["final"] and
                t["socket"]["netns"]["inode"] == lab.gateway.inode]
    t = wait_until(ended, 10, "the end of the subflow")[0]
    assert t["socket"]["peer"]["address"] == "10.77.0.2" and t["socket"]["mptcp"] is True
    assert t["outcome"] == ("keepalive_timeout" if asked_by == "keepalive" else "retransmit_timeout")
    # The witness: the connection works.
    device.send(b"still here")
    assert gateway.recv(64) == b"still here"
    line = text.line(t["socket"]["peer"]["port"], t["outcome"])
    assert "subflow" in line and "peer gone" not in line, line


@pytest.mark.parametrize("data", [b"", b"x" * 100], ids=["nothing", "data"])
@pytest.mark.parametrize("how", ["repair", "disconnect"])
def test_what_a_disconnected_socket_carried(lab, how, data):
    """tcp_disconnect() sets the kernel's counts to 0 before the socket is destroyed."""
    watch = lab.watch("--all", f"netns = {lab.device.inode}")
    gateway, device = lab.connect()
    key = cookie(device)
    if data:
        device.send(data)
        gateway.send(gateway.recv(len(data)))
        assert device.recv(len(data)) == data
    wait_until(lambda: not tcp_info(device)["unacked"], 10, "what we sent is acknowledged")
    if how == "repair":
        forget(device)
    else:
        with inside(lab.device.path):
            ctypes.CDLL(None).connect(device.fileno(), b"\0" * 16, 16)      # AF_UNSPEC
        device.close()
    t = watch.ending(key)
    assert (t["traffic"]["acked_bytes"], t["traffic"]["received_bytes"]) == (len(data), len(data)), t
