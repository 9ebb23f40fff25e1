# SPDX-License-Identifier: GPL-2.0
"""Whose peer is of this host: at whatever address, and whatever NAT makes of that. Witnesses: the kernel's routes,
its connection tracking, and the interface that tcpdump sees the segments on."""
import json
import os
import re
import signal
import socket
import subprocess

import pytest

import schema
from lab import HALFOPEN, Lab, cookie, inside, run, wait_until

V4, V6 = socket.AF_INET, socket.AF_INET6


@pytest.fixture
def lab():
    with Lab() as lab:
        for address in ("10.78.0.5/32", "10.78.0.6/32", "fd78::5/128", "fd78::6/128"):
            lab.gateway.ip("addr", "add", address, "dev", "lo")
        yield lab


def server(lab, family, address, port):
    with inside(lab.gateway.path):
        listener = lab.keep(socket.socket(family))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen()
    return listener


def dial(lab, family, source, to, port=0):
    """From the gateway."""
    with inside(lab.gateway.path):
        sock = lab.keep(socket.socket(family))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((source, port))
    sock.settimeout(20)
    sock.connect(to)
    return sock


def both_ends(lab, family, source, address, port, source_port=0):
    listener = server(lab, family, address, port)
    client = dial(lab, family, source, (address, port), source_port)
    return lab.keep(listener.accept()[0]), client


def here(lab):
    return f"netns = {lab.gateway.name}"


def exposed(lab):
    """By cookie."""
    out = run(HALFOPEN, "sockets", "--json", here(lab)).stdout
    lines = [json.loads(line) for line in out.splitlines()]
    assert not [e.message for l in lines for e in schema.validator("socket").iter_errors(l)]
    return {l["socket"]["cookie"]: l["exposed"] for l in lines}


def total(lab):
    return json.loads(run(HALFOPEN, "sockets", "--summary", "--json", here(lab)).stdout)["total"]


def by_watch(lab, *arguments):
    """(sockets, of these would never notice), by the first line of a watch in text."""
    text = run(HALFOPEN, "watch", "--for", "300ms", *arguments).stdout
    first = re.match(r"(\d+) sockets? in 1 namespace; (\d+) would never notice", text)
    assert first, text
    return tuple(map(int, first.groups()))


def is_local(lab, source, to):
    """Does the kernel route it to itself?"""
    out = run("ip", "-n", lab.gateway.name, "route", "get", to, "from", source).stdout
    return out.startswith("local ")


def test_two_addresses_of_one_host(lab):
    """Not exposed, and counted once, whichever end has the higher port; a peer in another namespace is."""
    pairs = [both_ends(lab, V4, "10.78.0.5", "10.78.0.6", 7000),
             both_ends(lab, V6, "fd78::5", "fd78::6", 7001),
             both_ends(lab, V4, "10.77.0.1", "10.78.0.6", 61001, 7002),    # the server has the higher port
             both_ends(lab, V4, "127.0.0.1", "10.78.0.6", 7003)]
    remote, theirs = lab.connect(port=7010)
    remote6, _ = lab.connect(V6, port=7011)
    assert is_local(lab, "10.78.0.5", "10.78.0.6") and is_local(lab, "fd78::5", "fd78::6")
    assert not is_local(lab, "10.77.0.1", "10.77.0.2")
    said = exposed(lab)
    assert len(said) == 10
    for ends in pairs:
        assert [said[cookie(end)] for end in ends] == [False, False], ends
    assert said[cookie(remote)] and said[cookie(remote6)]
    counts = total(lab)
    assert (counts["sockets"], counts["local"], counts["never_notice"]) == (10, 8, 6), counts
    assert by_watch(lab, here(lab)) == (10, 6)
    # and for the device's namespace the gateway is not of this host
    theirs_said = json.loads(run(HALFOPEN, "sockets", "--json", f"netns = {lab.device.name}").stdout.splitlines()[0])
    assert theirs_said["exposed"], theirs.getsockname()
    listed = run(HALFOPEN, "sockets", here(lab)).stdout.splitlines()[1:]
    assert sorted(line.split()[-1] for line in listed) == ["local"] * 4 + ["never"] * 6, listed


def test_a_network_of_this_host(lab):
    """Addresses that no interface has: a route makes a whole network local."""
    lab.gateway.ip("route", "add", "local", "10.79.0.0/24", "dev", "lo")
    ends = both_ends(lab, V4, "10.79.0.9", "10.79.0.8", 7000)
    assert is_local(lab, "10.79.0.9", "10.79.0.8")
    assert [exposed(lab)[cookie(end)] for end in ends] == [False, False]
    assert total(lab)["never_notice"] == 1


def conntrack(lab):
    return run("ip", "netns", "exec", lab.gateway.name, "conntrack", "-L", "-p", "tcp").stdout


def test_a_foreign_address_that_is_redirected_here(lab):
    """A transparent proxy: to the client its peer is somewhere else, and both ends are here."""
    lab.gateway.nft("table ip lab {\n chain o { type nat hook output priority -100;\n"
                    "  ip daddr 203.0.113.9 tcp dport 443 redirect to :7105;\n }\n}\n")
    lab.gateway.ip("route", "add", "203.0.113.0/24", "via", "10.77.0.2")
    listener = server(lab, V4, "0.0.0.0", 7105)
    client = dial(lab, V4, "10.77.0.1", ("203.0.113.9", 443))
    accepted = lab.keep(listener.accept()[0])
    assert not is_local(lab, "10.77.0.1", "203.0.113.9")
    accepted.sendall(b"x")      # the handshake alone may leave no trace of how it arrived
    assert client.recv(1) == b"x"
    assert re.search(r"dst=203\.0\.113\.9 .*dport=443 .*sport=7105", conntrack(lab))
    said = exposed(lab)
    assert not said[cookie(client)] and not said[cookie(accepted)]
    assert total(lab)["never_notice"] == 1


def test_an_own_address_that_leads_away(lab):
    """A published port: to the client its peer is this host, and it is another one, which may vanish."""
    lab.gateway.nft("table ip lab {\n chain o { type nat hook output priority -100;\n"
                    "  ip daddr 10.78.0.5 tcp dport 8080 dnat to 10.77.0.2:7200;\n }\n"
                    " chain p { type nat hook postrouting priority 100;\n  oifname veth0 masquerade;\n }\n}\n")
    with inside(lab.device.path):
        listener = lab.keep(socket.create_server(("10.77.0.2", 7200)))
    for source in ("10.78.0.5", "10.78.0.6"):      # by address, the first is its own peer
        client = dial(lab, V4, source, ("10.78.0.5", 8080))
        accepted = lab.keep(listener.accept()[0])
        assert accepted.getpeername()[0] == "10.77.0.1"
        assert is_local(lab, source, "10.78.0.5")
        assert re.search(r"dst=10\.78\.0\.5 .*dport=8080 src=10\.77\.0\.2 ", conntrack(lab))
        assert exposed(lab)[cookie(client)], source
    assert total(lab)["never_notice"] == 2
    assert by_watch(lab, here(lab)) == (2, 2)


def test_opened_under_the_watch_and_replayed(lab):
    """The fact is in each event, and in the recording, however that disguises peers."""
    for peers in ("full", "pseudonym"):
        recording, text = lab.path(peers + ".ho"), lab.path(peers + ".txt")
        with open(text, "w") as out:
            watch = subprocess.Popen([HALFOPEN, "watch", "-w", recording, "--peers", peers, here(lab)], stdout=out)
        lab.end_process(watch)
        wait_until(lambda: os.path.getsize(text) > 0, 60, "the first line of the watch")
        before = len(exposed(lab))
        n = 100 * (peers == "full")
        kept = [both_ends(lab, V4, "10.78.0.5", "10.78.0.6", 7000 + n), both_ends(lab, V6, "fd78::6", "fd78::5", 7001 + n),
                lab.connect(port=7002 + n)]
        assert len(exposed(lab)) == before + 5
        watch.send_signal(signal.SIGINT)
        assert watch.wait(60) == 0
        with open(text) as f:
            live = f.read()
        head, *table, _ = live[live.rindex("PROGRAM"):].splitlines()    # as it ended
        assert head.split()[:4] == ["PROGRAM", "PORT", "SOCKETS", "NEVER"]
        never = total(lab)["never_notice"]
        assert sum(int(row.split()[3]) for row in table) == never == (3 if before == 0 else 6), live
        replayed = run(HALFOPEN, "watch", "-r", recording).stdout
        assert replayed[replayed.rindex("PROGRAM"):].splitlines()[1:-1] == table, replayed
        del kept
