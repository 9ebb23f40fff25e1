# SPDX-License-Identifier: GPL-2.0
"""What peers send of themselves: their own keepalive probes, heartbeats of applications; and idle
gaps that a path survived or not."""
import contextlib
import os
import shutil
import socket
import struct
import threading
import time

import pytest

from forge import sequence_numbers
from lab import Lab, cookie, inside, keepalive, unix_ns, wait_until


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def answer_each_byte(lab, sock):
    """A server's program: a byte for a byte (PING-PONG)."""
    def serve():
        try:
            while sock.recv(1):
                sock.send(b"!")
        except OSError:
            pass
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    def end():
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    lab.cleanup.callback(end)


def ping(device, times, period, size=1):
    """Sends of itself, `period` seconds apart, in the way of Astra's $TCPT."""
    for _ in range(times):
        time.sleep(period)
        device.send(b"?" * size)


# ---- the peer's own probes ----

def test_probes_of_a_linux_peer(lab):
    """The device's kernel probes us: each of its probes is told, and counts as life."""
    watch, capture = lab.watch("--events"), lab.capture()
    gateway, device = lab.connect()
    keepalive(device, 1, 1, 5)
    key = cookie(gateway)
    wait_until(lambda: len(watch.events(key, "peer_probe")) >= 4, 10, "four probes of the peer's")
    device.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
    time.sleep(0.5)
    port = device.getsockname()[1]
    device.close()
    gateway.close()
    t = watch.ending(key)
    wire = capture.frames(f"tcp.analysis.keep_alive && tcp.srcport == {port}")
    assert t["counts"]["peer_probes"] == len(wire)
    assert {e["garbage_bytes"] for e in watch.events(key, "peer_probe")} == {0}
    # Each ended an idle gap of a second.
    survived = t["gaps"]["survived"]
    assert sum(g["count"] for g in survived if g["ended_by"] == "peer") >= len(wire) - 1
    assert all(0.9 <= g["from_s"] <= g["to_s"] <= 1.3 for g in survived), survived


@pytest.mark.parametrize("garbage", [0, 1], ids=["BSD", "Windows"])
def test_probes_of_other_stacks(lab, garbage):
    """seq - 1 with and without a byte of garbage, by scapy."""
    scapy = pytest.importorskip("scapy.all")
    watch, capture = lab.watch("--events"), lab.capture()
    gateway, device = lab.connect()
    key, port = cookie(gateway), device.getsockname()[1]
    snd_nxt, rcv_nxt = sequence_numbers(device)
    probe = scapy.IP(src="10.77.0.2", dst="10.77.0.1") / scapy.TCP(
        sport=port, dport=7000, flags="A", seq=snd_nxt - 1, ack=rcv_nxt, window=512)
    if garbage:
        probe = probe / scapy.Raw(b"\0")
    with inside(lab.device.path):
        raw = lab.keep(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW))
    for _ in range(3):
        time.sleep(1.1)
        raw.sendto(bytes(probe), ("10.77.0.1", 0))
    told = wait_until(lambda: len(watch.events(key, "peer_probe")) == 3 and
                      watch.events(key, "peer_probe"), 5, "three probes")
    assert {e["garbage_bytes"] for e in told} == {garbage}
    gateway.close()
    device.close()
    t = watch.ending(key)
    assert t["counts"]["peer_probes"] == 3 and t["counts"]["heartbeats"] == 0
    assert capture.count(f"tcp.analysis.keep_alive && tcp.srcport == {port}") == 3


# ---- heartbeats ----

def test_a_byte_for_a_byte(lab):
    """Astra's third outcome: verified. Size, period and that we replied, from sizes and times."""
    watch, capture = lab.watch("--events", "--idle-gap", "1s"), lab.capture()
    gateway, device = lab.connect()
    key, port = cookie(gateway), device.getsockname()[1]
    answer_each_byte(lab, gateway)
    ping(device, 4, 1.5)
    time.sleep(1.2)
    report = b"a report of more than sixty-four bytes is no heartbeat, however regular it is"
    device.send(report)
    time.sleep(0.2)
    device.send(report)
    time.sleep(0.2)
    info = gateway.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    device.close()
    t = watch.ending(key)
    bytes_acked, bytes_received = struct.unpack_from("QQ", info, 120)
    data_segs_in, data_segs_out = struct.unpack_from("II", info, 152)
    over_s = t["traffic"]["over_s"]
    assert bytes_received == 4 + 2 * len(report) and 7 < over_s < 8
    assert t["traffic"] == {"received_bytes": bytes_received, "received_segments": data_segs_in,
                            "acked_bytes": bytes_acked, "sent_segments": data_segs_out, "over_s": over_s}
    pings = capture.frames(f"tcp.len == 1 && tcp.srcport == {port}")
    assert len(pings) == 4 == t["counts"]["heartbeats"] == len(watch.events(key, "heartbeat"))
    assert t["heartbeat"]["bytes"] == 1 and t["heartbeat"]["replied"] is True
    assert 1.4 <= t["heartbeat"]["period_s"] <= 1.6
    assert all(e["bytes"] == 1 and 1.4 <= e["gap_s"] <= 1.6
               for e in watch.events(key, "heartbeat"))
    survived = [g for g in t["gaps"]["survived"] if g["ended_by"] == "peer"]
    assert sum(g["count"] for g in survived) == 5
    apart = [(b[0] - a[0]) / 1e9 for a, b in zip(pings, pings[1:])]
    assert survived[-1]["from_s"] <= min(apart[1:]) + 0.05
    assert max(apart) - 0.05 <= survived[-1]["to_s"]


def test_a_heartbeat_whose_reply_is_lost(lab):
    """The second outcome: it came in, our reply never arrived; retransmission takes over."""
    lab.gateway.sysctl(tcp_retries2=4)
    watch = lab.watch("--events", "--idle-gap", "1s")
    gateway, device = lab.connect()
    key = cookie(gateway)
    answer_each_byte(lab, gateway)
    ping(device, 2, 1.3)
    wait_until(lambda: len(watch.events(key, "heartbeat")) == 2, 5, "two heartbeats")
    lab.device.drop("input", f"tcp sport 7000")     # what we send does not arrive
    ping(device, 1, 1.3)
    t = watch.ending(key, 30)
    assert t["counts"]["heartbeats"] == 3 and t["heartbeat"]["replied"] is False
    assert t["outcome"] == "retransmit_timeout" and t["half_open"]["found_by"] == "retransmit"
    # It repeats its byte, which is no probe, as it got no acknowledgement: it lives, deaf.
    assert t["counts"]["peer_probes"] == 0 and t["half_open"]["latency_ms"]["max"] < 20000


def test_a_server_that_does_not_reply(lab):
    watch = lab.watch("--idle-gap", "1s")
    gateway, device = lab.connect()
    key = cookie(gateway)
    ping(device, 3, 1.2, size=2)
    gateway.close()
    device.close()
    t = watch.ending(key)
    assert t["heartbeat"]["bytes"] == 2 and t["heartbeat"]["replied"] is False


def test_a_modem_that_knew(lab):
    """The first outcome: the modem closes; we see a reset, and that it had been alive."""
    watch = lab.watch("--idle-gap", "1s")
    gateway, device = lab.connect()
    key = cookie(gateway)
    answer_each_byte(lab, gateway)
    ping(device, 2, 1.2)
    time.sleep(0.1)
    device.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    device.close()
    t = watch.ending(key)
    assert t["outcome"] == "reset_by_peer" and "half_open" not in t
    assert t["counts"]["heartbeats"] == 2


def test_traffic_is_no_heartbeat(lab):
    """Small requests that the server's own data provoked, or that follow one another quickly."""
    watch = lab.watch("--events", "--all", "--idle-gap", "1s")
    gateway, device = lab.connect()
    key = cookie(gateway)
    for _ in range(3):
        time.sleep(1.2)
        gateway.send(b"poll")
        device.recv(16)
        time.sleep(0.15)
        device.send(b"ok")
        time.sleep(0.15)
        device.send(b"ok")
    gateway.recv(64)
    time.sleep(0.2)
    device.close()
    gateway.close()
    t = watch.ending(key)
    assert t["counts"]["heartbeats"] == 0 and "heartbeat" not in t
    ours = [g for g in t["gaps"]["survived"] if g["ended_by"] == "us"]
    assert sum(g["count"] for g in ours) == 3 and all(1.1 <= g["from_s"] <= 1.3 for g in ours)


def test_mqtt_pings(lab):
    """mosquitto and its own client, keep alive 5 s: PINGREQ and PINGRESP are a heartbeat."""
    for program in ("mosquitto", "mosquitto_sub"):
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
            pytest.skip(f"{program} is not installed")
    with open(lab.path("mosquitto.conf"), "w") as f:
        f.write("listener 1883 10.77.0.1\nallow_anonymous true\n")
    os.chmod(lab.directory, 0o755)
    os.chmod(lab.path("mosquitto.conf"), 0o644)
    lab.end_process(lab.gateway.spawn("mosquitto", "-c", lab.path("mosquitto.conf")))
    lab.device_dial(1883).close()
    watch, capture = lab.watch("--events", "--idle-gap", "2s"), lab.capture()
    client = lab.end_process(lab.device.spawn("mosquitto_sub", "-h", "10.77.0.1", "-k", "5",
                                              "-t", "commands"))
    heard = wait_until(lambda: [e for e in watch.lines("event") if e["event"] == "heartbeat" and
                                e["socket"]["netns"]["inode"] == lab.gateway.inode][2:], 25,
                       "three heartbeats")
    client.terminate()
    client.wait(60)
    t = watch.ending(heard[0]["socket"]["cookie"])
    assert t["heartbeat"]["bytes"] == 2 and t["heartbeat"]["replied"] is True
    assert 4 <= t["heartbeat"]["period_s"] <= 6
    assert t["counts"]["heartbeats"] == capture.count(
        "mqtt.msgtype == 12 && tcp.dstport == 1883")


# ---- gaps ----

def test_gaps_end_in_loss(lab):
    """Idle gaps that we end: survived ones, and the one in which the device went."""
    watch = lab.watch("--all")
    gateway, device = lab.connect()
    key = cookie(gateway)
    keepalive(gateway, 2, 1, 2)
    time.sleep(6.5)
    lab.gateway.drop("input", f"tcp sport {device.getsockname()[1]}")
    t = watch.ending(key, 15)
    survived, lost = t["gaps"]["survived"], t["gaps"]["lost"]
    assert all(g["ended_by"] == "us" for g in survived)
    assert sum(g["count"] for g in survived) == t["counts"]["probes_answered"]
    assert all(1.9 <= g["from_s"] <= g["to_s"] <= 2.4 for g in survived), survived
    assert lost["after_s"] == max(g["from_s"] for g in survived)
    assert 1.9 <= lost["within_s"] <= 2.5


def test_counts_of_a_lossy_transfer(lab):
    """One segment in twenty is lost, and the device closes first: the kernel's retransmissions are told
    to the last, and of the bytes neither end's FIN is one."""
    # Single segments, some 1,700: large ones that the link would cut are so few that often none is lost.
    lab.gateway.ip("link", "set", "veth0", "gso_max_segs", "1")
    lab.device.nft("table inet lossy {\n chain input { type filter hook input priority 0;\n"
                   "  tcp sport 7000 numgen random mod 20 0 drop; }\n}\n")
    watch = lab.watch("--all")
    pairs = [lab.connect() for _ in range(6)]
    keys = [(cookie(gateway), cookie(device)) for gateway, device in pairs]
    sent = 400_000

    def receive(device):
        left = sent
        while left:
            left -= len(device.recv(65536))
        device.send(b"thanks")
        device.close()
    threads = [threading.Thread(target=receive, args=(device,)) for _, device in pairs]
    for thread in threads:
        thread.start()
    for gateway, _ in pairs:
        gateway.sendall(b"x" * sent)
    for thread in threads:
        thread.join(60)
    for gateway, _ in pairs:
        assert gateway.recv(64) == b"thanks" and gateway.recv(64) == b""
        gateway.close()
    told = [watch.ending(ours) for ours, _ in keys]
    counted = lab.gateway.nstat("TcpRetransSegs")
    assert sum(t["counts"]["retransmits"] for t in told) == counted > 20
    for t in told:
        assert t["outcome"] == "closed_by_peer" and "half_open" not in t
        if t["counts"]["retransmits"]:  # else an orderly end tells no counts
            assert (t["traffic"]["acked_bytes"], t["traffic"]["received_bytes"]) == (sent, 6), t
    for _, theirs in keys:      # which opened the connection: its SYN is no byte, either
        t = watch.ending(theirs)
        traffic = t.get("traffic", {"over_s": 0})
        # Else the last fact with counts came before the last byte: an orderly end has none.
        if traffic["over_s"] * 1e9 > unix_ns(t["ended_at"]) - unix_ns(t["first_seen_at"]) - 1e6:
            assert (traffic["received_bytes"], traffic["acked_bytes"]) == (sent, 6), t
        elif "traffic" in t:
            assert 0 <= traffic["received_bytes"] <= sent and 0 <= traffic["acked_bytes"] <= 6, t
