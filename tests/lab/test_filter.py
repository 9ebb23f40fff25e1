# SPDX-License-Identifier: GPL-2.0
"""FILTER on real sockets: ss, whose language it is, must choose the same ones."""
import os
import re
import signal
import socket
import struct
import subprocess
import time

import pytest

import records
from lab import HALFOPEN, Lab, Namespace, cookie, hold_only, inside, keepalive, run, wait_until


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


SAME_AS_SS = [
    "sport = :7000", "dport = :40001", "sport != :7000", "sport gt :7000", "sport <= :7001",
    "dst 10.77.0.0/16", "dst 10.77.0.2", "dst 10.77/16 and sport = :7001",
    "dst [fd77::2]", "dst fd77::/64", "src 10.77.0.1:7000", "dst 10.77.0.2:40001",
    "not dst 10.77.0.0/16", "( sport = :7000 or sport = :7002 ) and dport ge :40002",
    "sport = :7000 dport = :40001", "sport = :7000 and dport = :40001 or sport = :7001",
    "! ( sport = :7000 | sport = :7001 )", "dport != :40001 and dport != :40002",
    "sport = :http-alt", "sport != :http-alt", "sport > :http-alt", "src 10.77.0.1:http-alt",
]


def test_the_same_sockets_as_ss(lab):
    """Sixteen connections, v4, v6 and v4-mapped, and what ss -e says of their cookies."""
    pairs = [lab.connect(port=port, device_port=40000 + n)
             for port in (7000, 7001, 7002) for n in range(1, 4)]
    pairs.append(lab.connect(port=8080))        # "http-alt" of /etc/services
    pairs += [lab.connect(socket.AF_INET6, port=port, device_port=40000 + n)
              for port in (7003, 7000) for n in range(1, 3)]
    with inside(lab.gateway.path):
        both = lab.keep(socket.create_server(("::", 7010), family=socket.AF_INET6,
                                             dualstack_ipv6=True))
    with inside(lab.device.path):
        device = lab.keep(socket.create_connection(("10.77.0.1", 7010)))
    pairs.append((lab.keep(both.accept()[0]), device))
    ours = {cookie(g) for g, _ in pairs}

    def by_ss(expression):
        """Its cookies are hexadecimal; those of the gateway's side."""
        out = run("ip", "netns", "exec", lab.gateway.name, "ss", "-Htneo", "state", "established",
                  expression).stdout
        return {str(int(word[3:], 16)) for word in out.split() if word.startswith("sk:")}

    def by_us(expression):
        out = subprocess.run([HALFOPEN, "watch", "--json", "--all", "--for", "200ms",
                              f"netns = {lab.gateway.name} and ({expression})"],
                             capture_output=True, text=True, check=True).stdout
        return {line.split('"socket":{"cookie":"')[1].split('"')[0] for line in out.splitlines()
                if '"socket"' in line}

    assert by_ss("dst *") == ours == by_us("dst *")
    for expression in SAME_AS_SS:
        assert by_us(expression) == by_ss(expression), expression


def test_words_of_our_own(lab):
    """Owner and namespace: unknown at first, and then right, in the totals as well."""
    sockets = [lab.connect() for _ in range(3)]
    me = os.getpid()

    def told(*words):
        r = subprocess.run([HALFOPEN, "watch", "--utc", "--all", "--for", "300ms", *words],
                           capture_output=True, text=True, check=True)
        return r.stdout
    name = lab.gateway.name
    comm = open("/proc/self/comm").read().strip()
    assert told(f"pid = {me} and netns = {name}").startswith("3 sockets")
    assert told(f"comm = {comm} and netns {lab.gateway.inode} and pid {me}").startswith("3 sockets")
    assert told(f"netns = {name} and not pid = {me}").startswith("0 sockets")
    assert told(f"netns = {name} and container = *").startswith("0 sockets")
    assert told(f"netns = {name} and state close-wait").startswith("0 sockets")
    sockets[0][1].close()
    wait_until(lambda: not sockets[0][0].recv(1), 5, "the FIN")
    assert told(f"netns = {name} and state close-wait").startswith("1 socket ")
    assert told(f"netns = {name} exclude close-wait").startswith("2 sockets")


def test_what_is_kept_out_leaves_no_trace(lab):
    """Neither lines nor recordings know of a socket that the filter does not want."""
    recording = lab.path("some.ho")
    watch = lab.watch("--events", "--all", "-w", recording,
                      f"netns = {lab.gateway.inode} and sport = :7001")
    unwanted, wanted = lab.connect(port=7000), lab.connect(port=7001)
    for gateway, _ in (unwanted, wanted):
        keepalive(gateway, 1, 1, 2)
    wait_until(lambda: watch.events(cookie(wanted[0]), "answered"), 10, "an answered probe")
    key = cookie(wanted[0])
    for pair in (unwanted, wanted):
        pair[1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        pair[1].close()
    watch.ending(key)
    time.sleep(0.5)
    assert watch.stop() == 0
    assert not [l for l in watch.lines() if l.get("socket", {}).get("cookie") not in (None, key)]
    assert records.sockets(recording) == {key}
    replayed = subprocess.run([HALFOPEN, "watch", "--json", "--events", "--all", "-r", recording],
                              capture_output=True, text=True, check=True).stdout
    assert replayed == open(watch.output).read()
    narrowed = subprocess.run([HALFOPEN, "watch", "--json", "--all", "-r", recording,
                               "sport", "!=", ":7001"], capture_output=True, text=True, check=True)
    assert '"socket"' not in narrowed.stdout


def other_program(lab, name, port):
    """A process of another name that accepts connections on this port, and holds them."""
    with inside(lab.gateway.path):
        listener = socket.create_server(("10.77.0.1", port), backlog=64)
    pid = os.fork()
    if not pid:
        hold_only(name, listener)
        held = []
        while True:
            held.append(listener.accept()[0])
            keepalive(held[-1], 1, 1, 9)
    listener.close()
    lab.cleanup.callback(os.waitpid, pid, 0)
    lab.cleanup.callback(os.kill, pid, signal.SIGKILL)


STORM = """
import socket, time
server = socket.create_server(("127.0.0.1", 9), backlog=64)
end, count = time.monotonic() + 4, 0
while time.monotonic() < end:
    client = socket.create_connection(("127.0.0.1", 9))
    accepted = server.accept()[0]
    client.send(b"x")
    accepted.recv(1)
    client.close()
    accepted.close()
    count += 1
print(count)
"""


@pytest.mark.parametrize("by", ["comm", "netns", "dst"])
def test_a_storm_of_others_leaves_nothing_in_the_recording(lab, by):
    """Beside one wanted connection, thousands of somebody else's in a namespace that is born later: no
    record of any type names a socket of theirs, whatever the filter goes by; and what was recorded tells
    the same as the watch did."""
    name, address = f"w{os.getpid()}", "10.78.%d.%d" % divmod(os.getpid() & 0xffff, 256)
    lab.device.ip("addr", "add", address + "/32", "dev", "veth0")
    lab.gateway.ip("route", "add", address, "dev", "veth0")
    recording = lab.path("wanted.ho")
    watch = lab.watch("--events", "--all", "-w", recording,
                      {"comm": f"comm = {name}", "netns": f"netns = {lab.gateway.name}",
                       "dst": f"dst {address}"}[by])
    storm = Namespace(lab.gateway.name[:-1] + "s")
    lab.cleanup.callback(storm.delete)
    others = lab.end_process(storm.spawn("/usr/bin/python3", "-c", STORM, stdout=subprocess.PIPE,
                                         text=True))
    other_program(lab, name, 7001)
    with inside(lab.device.path):
        device = lab.keep(socket.create_connection(("10.77.0.1", 7001), source_address=(address, 0)))

    def key():
        return next((t["socket"]["cookie"] for t in watch.lines("event")
                     if t["socket"]["peer"]["port"] == device.getsockname()[1]), None)
    assert int(others.communicate(timeout=60)[0]) > 1000
    wanted = wait_until(key, 20, "anything of the wanted connection")
    wait_until(lambda: len(watch.events(wanted, "answered")) > 2, 20, "answered probes")
    assert watch.stop() == 0
    assert records.sockets(recording) == {wanted}
    assert os.path.getsize(recording) < 1 << 16
    replayed = subprocess.run([HALFOPEN, "watch", "--json", "--events", "--all", "-r", recording],
                              capture_output=True, text=True, check=True).stdout
    assert replayed == open(watch.output).read()


def test_what_is_kept_out_is_not_counted(lab):
    """By port or by owner (who is known later): an opening each, and the probes, which nstat counts,
    with their answers."""
    other_program(lab, "wanted", 7001)
    watches = {words: lab.end_process(subprocess.Popen(
        [HALFOPEN, "watch", f"netns = {lab.gateway.inode} and {words}"], stdout=subprocess.PIPE,
        text=True)) for words in ("sport = :7001", "comm = wanted", "dport = :7009")}
    for watch in watches.values():
        watch.stdout.readline()
    with inside(lab.device.path):
        wanted = [lab.keep(socket.create_connection(("10.77.0.1", 7001))) for _ in range(6)]
    for _ in range(20):     # others, whose owner is known only later, too
        for s in lab.connect(port=7000):
            s.close()
    kept = [lab.connect(port=7000) for _ in range(20)]
    time.sleep(4)
    probes = [lab.gateway.nstat("TcpExtTCPKeepAlive")]
    events = {}
    for words, watch in watches.items():
        watch.send_signal(signal.SIGINT)
        said = watch.communicate(timeout=60)[0]
        events[words] = int(re.search(r"([\d,]+) events?, 0 lost", said)[1].replace(",", ""))
    probes.append(lab.gateway.nstat("TcpExtTCPKeepAlive"))
    assert events.pop("dport = :7009") == 0 and kept
    for count in events.values():
        assert len(wanted) + 2 * probes[0] <= count <= len(wanted) + 2 * probes[1], (events, probes)
    assert probes[0] >= 3 * len(wanted)


@pytest.mark.parametrize("words, column", [(["sport", "=", "no-such-service"], 9), (["(sport = 1"], 11)])
def test_errors(words, column):
    r = subprocess.run([HALFOPEN, "watch", *words], capture_output=True, text=True)
    assert r.returncode == 2 and f"column {column}:" in r.stderr
    lines = r.stderr.splitlines()
    assert lines[2].index("^") - 4 == column - 1


@pytest.mark.parametrize("words, said", [("comm = mosqitto", "no process called 'mosqitto' holds a TCP connection"),
                                         ("netns = nosuch", "no network namespace 'nosuch'")])
def test_a_watch_says_that_nothing_can_match(lab, words, said):
    """A mistake would keep a watch silent all night; what may come at any time is none."""
    watch = subprocess.Popen([HALFOPEN, "watch", words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    line = watch.stderr.readline()
    watch.send_signal(signal.SIGINT)
    assert said in line and not watch.communicate(timeout=60)[1]
    patient = lab.watch(f"netns = {lab.gateway.name} and sport = :7999")
    assert patient.stop() == 0 and not patient.stderr()
    asked = subprocess.run([HALFOPEN, "reach", "10.77.0.2", "--filter", words], capture_output=True, text=True)
    assert asked.returncode == 5 and said in asked.stderr
