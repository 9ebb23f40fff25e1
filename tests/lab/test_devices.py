# SPDX-License-Identifier: GPL-2.0
"""Devices that come back: on whose word, how sure, and never a client with two connections."""
import json
import os
import random
import socket
import stat
import struct
import subprocess
import time

import pytest

from lab import (HALFOPEN, Lab, ROOT, cookie, inside, keepalive, mono_ns, run, unix_ns,
                 wait_until)
from nat import NatLab


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def peer_of(sock):
    return "%s:%d" % sock.getpeername()[:2]


def cut(lab, device):
    """The device's connection is gone, quietly, in both directions."""
    port = device.getsockname()[1]
    lab.gateway.drop("input", f"tcp sport {port}")


def forget(device):
    """The device loses power."""
    device.setsockopt(socket.IPPROTO_TCP, 19, 1)
    device.close()


class Identities:
    """A FIFO as an operator's script feeds it."""

    def __init__(self, lab):
        self.path = lab.path("identities")
        os.mkfifo(self.path)

    def say(self, peer, device, **more):
        with open(self.path, "w") as f:
            f.write(json.dumps({"peer": peer, "device": device, **more}) + "\n")


def test_certain_by_identities(lab):
    """Keepalive is off. That the device is here again is certain by the operator's log, and told at once;
    that the old connection is dead is not: nobody asked. The broker's FIN does, when it takes over: from
    its silence follows that the old one was half-open since the device came back."""
    identities = Identities(lab)
    watch = lab.watch("--events", "--identities", identities.path)
    old, device = lab.connect()
    identities.say(peer_of(old), "scooter-17")
    other, _ = lab.connect()
    identities.say(peer_of(other), "scooter-18")
    time.sleep(3)
    before = mono_ns()
    cut(lab, device)
    time.sleep(0.5)
    new, _ = lab.connect()
    identities.say(peer_of(new), "scooter-17")
    key = cookie(old)
    suspicion = wait_until(lambda: [e for e in watch.events(key, "superseded")
                                    if e["confidence"] == 1], 5, "the operator's word")[0]
    assert suspicion["by"]["cookie"] == cookie(new)
    time.sleep(16)      # a pass over all sockets and more, that find it silent
    assert not [t for t in watch.of(key) if "half_open" in t]
    old.close()
    t = wait_until(lambda: [t for t in watch.of(key) if "half_open" in t], 30,
                   "the FIN that nobody answers")[0]
    h = t["half_open"]
    assert not t["final"] and t["socket"]["device"] == "scooter-17"
    assert h["found_by"] == "superseded" and h["superseded_by"]["cookie"] == cookie(new)
    assert h["superseded_by"]["confidence"] == 1 and h["declared_at"] == h["superseded_by"]["at"]
    truth = unix_ns(h["declared_at"]) - (time.time_ns() - mono_ns()) - before
    assert h["latency_ms"]["min"] <= truth / 1e6 <= h["latency_ms"]["max"]
    watch.stop()
    assert [t for t in watch.of(key)][-1]["half_open"]["found_by"] == "superseded"
    assert not [t for t in watch.of(cookie(other)) if "half_open" in t]


def test_an_idle_connection_beside_another(lab):
    """One device, two connections, both alive, the first idle and without keepalive: nobody asked, so
    nothing is known but that there are two. Nor is it half-open when its program drops it."""
    identities = Identities(lab)
    watch = lab.watch("--all", "--every", "1s", "--identities", identities.path)
    old, device = lab.connect()
    identities.say(peer_of(old), "two-at-once")
    time.sleep(2.5)
    new, _ = lab.connect()
    keepalive(new, 1, 1, 3)
    identities.say(peer_of(new), "two-at-once")
    time.sleep(22)      # two passes over all sockets
    device.send(b"still here")
    assert old.recv(64) == b"still here"
    time.sleep(6)       # idle again
    key = cookie(old)
    old.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    old.close()
    assert watch.ending(key)["socket"]["device"] == "two-at-once"
    assert not [t for t in watch.lines("timeline") if "half_open" in t]


def test_an_unanswered_probe_confirms_it(lab):
    """The same, and the first is dead: its first probe, after the device came back, is not answered. No
    timer of the kernel's is needed for that."""
    identities = Identities(lab)
    watch = lab.watch("--identities", identities.path)
    old, device = lab.connect()
    keepalive(old, 6, 1, 60)    # it would last a minute
    identities.say(peer_of(old), "scooter-17")
    time.sleep(0.5)
    cut(lab, device)
    new, _ = lab.connect()
    identities.say(peer_of(new), "scooter-17")
    key = cookie(old)
    t = wait_until(lambda: [t for t in watch.of(key) if "half_open" in t], 30, "the finding")[0]
    assert not t["final"] and t["half_open"]["found_by"] == "superseded"
    assert t["counts"]["probes_sent"] in range(5, 9)    # within five seconds, as the timer wheel is late


def test_two_connections_of_one_device(lab):
    """The same device, both connections alive: never half-open, by address or by name."""
    identities = Identities(lab)
    watch = lab.watch("--events", "--all", "--identities", identities.path)
    pairs = [lab.connect() for _ in range(2)]
    for gateway, _ in pairs:
        keepalive(gateway, 2, 1, 3)
        identities.say(peer_of(gateway), "two-at-once")
    time.sleep(16)      # a pass over all sockets and more
    keys = [cookie(gateway) for gateway, _ in pairs]
    for gateway, device in pairs:
        device.close()
        gateway.close()
    for key in keys:
        assert watch.ending(key)["socket"]["device"] == "two-at-once"
        assert not [t for t in watch.of(key) if "half_open" in t]


def of_this_lab(lab):
    """What a watch learns of the ports and twins of other tests' devices would change how sure it is."""
    return [f"netns = {lab.gateway.inode} or netns = {lab.device.inode}"]


def test_a_suspicion_is_no_outcome(lab):
    """A second connection from the same address: suspected, and refuted by the first sign."""
    watch = lab.watch("--events", "--all", *of_this_lab(lab))
    old, device = lab.connect()
    time.sleep(2.5)
    new, _ = lab.connect()
    key = cookie(old)
    suspicion = wait_until(lambda: watch.events(key, "superseded"), 5, "the suspicion")[0]
    assert suspicion["by"]["cookie"] == cookie(new) and 0.3 <= suspicion["confidence"] < 0.99
    device.send(b"still here")
    old.recv(64)
    time.sleep(0.3)
    device.close()
    old.close()
    t = watch.ending(key)
    assert t["outcome"] in ("closed_by_peer", "closed_locally") and "half_open" not in t


# From where the device comes back: (another address of its own, is it suspected)
NEIGHBOURS = {
    "the same address": ("fd77::2", True),
    "a privacy address of the same /64": ("fd77::a1b2:c3d4:e5f6:1", True),
    "another /64": ("fd78::2", False),
}


@pytest.mark.parametrize("where", NEIGHBOURS)
def test_back_from_another_address_of_its_network(lab, where):
    """A device with IPv6 has a /64 of its own and takes new addresses in it, at each attach or each day:
    it raises the suspicion that the same address would. Another network's device does not."""
    address, suspected = NEIGHBOURS[where]
    for number, namespace in ((1, lab.gateway), (2, lab.device)):
        namespace.ip("addr", "add", f"fd78::{number}/64", "dev", "veth0", "nodad")
    if address.startswith("fd77::a"):
        lab.device.ip("addr", "add", address + "/64", "dev", "veth0", "nodad")
    watch = lab.watch("--events", "--all", *of_this_lab(lab))

    def dial(source):
        listener = lab.listen(socket.AF_INET6)
        with inside(lab.device.path):
            device = lab.keep(socket.create_connection(
                ("fd78::1" if source.startswith("fd78") else "fd77::1", 7000), source_address=(source, 0)))
        return lab.keep(listener.accept()[0]), device
    old, device = dial("fd77::2")
    time.sleep(2.5)
    new, _ = dial(address)
    key = cookie(old)
    if suspected:
        suspicion = wait_until(lambda: watch.events(key, "superseded"), 5, "the suspicion")[0]
        assert suspicion["by"]["cookie"] == cookie(new) and 0.3 <= suspicion["confidence"] < 0.99
    device.send(b"still here")
    assert old.recv(64) == b"still here"
    time.sleep(2.5 if not suspected else 0.3)   # arrivals are looked at each second
    assert bool(watch.events(key, "superseded")) == suspected
    device.close()
    old.close()
    t = watch.ending(key)
    assert t["outcome"] in ("closed_by_peer", "closed_locally") and "half_open" not in t


def test_confirmed_by_unanswered_asks(lab):
    """No identities: the same address, the next port, and then silence on the old one."""
    watch = lab.watch("--events")
    old, device = lab.connect(device_port=50000)
    keepalive(old, 4, 1, 2)
    key = cookie(old)
    wait_until(lambda: watch.of(key, "event"), 5, "anything of it")
    before = mono_ns()
    cut(lab, device)
    time.sleep(2.5)
    new, _ = lab.connect(device_port=50002)
    keepalive(new, 1, 1, 5)
    arrived = mono_ns()
    t = watch.ending(key, 20)
    h = t["half_open"]
    assert t["outcome"] == "keepalive_timeout" and h["found_by"] == "superseded"
    assert h["superseded_by"]["cookie"] == cookie(new)
    assert 0.99 <= h["superseded_by"]["confidence"] < 1
    offset = time.time_ns() - mono_ns()
    assert abs(unix_ns(h["declared_at"]) - offset - arrived) < 1e9
    truth = unix_ns(h["declared_at"]) - offset - before
    assert h["latency_ms"]["min"] <= truth / 1e6 <= h["latency_ms"]["max"]


# ---- many devices behind few addresses ----

DEVICES, SECONDS = 1000, 40


def test_a_thousand_devices_behind_eight_addresses():
    """Nobody names them. Most live; some are cut off and come back, some are cut off and stay
    away, some hold two connections, some are new. Whoever is called superseded was."""
    rng = random.Random(7)
    with NatLab(shared=8) as lab:
        with inside(lab.gateway.path):
            listener = lab.keep(socket.create_server(("0.0.0.0", 7000), backlog=4096))
        watch = lab.watch("--all")
        sockets, truth, ports = {}, {}, {}

        def dial(number):
            """Every second device counts its ports up, as lwIP does; the rest is Linux, which
            starts elsewhere every ten seconds."""
            port = 0
            if number % 2:
                port = ports[number] = ports.get(number, rng.randrange(33000, 60000)) + 1
            gateway, device = lab.dial(number, listener=listener, device_port=port)
            keepalive(gateway, 5, 1, 3)
            sockets.setdefault(number, []).append((gateway, device))
            return gateway, device
        for number in range(1, DEVICES + 1):
            dial(number)
        chosen = rng.sample(range(1, DEVICES + 1), 200)
        returning, gone, double = chosen[:80], chosen[80:120], chosen[120:160]
        plan = [(rng.uniform(6, SECONDS - 15), "cut", n) for n in returning + gone]
        plan += [(rng.uniform(6, SECONDS - 10), "dial", n) for n in double]
        plan += [(rng.uniform(6, SECONDS - 10), "dial", n)
                 for n in range(DEVICES + 1, DEVICES + 31)]
        plan += [(when + rng.uniform(0.5, 4), "return", n) for when, what, n in plan
                 if what == "cut" and n in returning]
        start = time.monotonic()
        for when, what, number in sorted(plan):
            time.sleep(max(0, start + when - time.monotonic()))
            if what == "cut":
                gateway, device = sockets[number][0]
                lab.forget(number)  # the carrier, before the device: no probe reaches that, ...
                forget(device)      # ... which has lost power, and would answer with a reset
            elif what == "return":
                truth[cookie(sockets[number][0][0])] = cookie(dial(number)[0])
            else:
                dial(number)
        time.sleep(max(0, start + SECONDS - time.monotonic()))
        dead = [cookie(sockets[n][0][0]) for n in returning + gone]
        endings = {key: watch.ending(key, 20) for key in dead}
        assert watch.stop() == 0
        called = {t["socket"]["cookie"]: t["half_open"] for t in watch.lines("timeline")
                  if "half_open" in t}
        # Nobody but those who were cut off was ever called half-open.
        assert set(called) == set(dead)
        assert {t["outcome"] for t in endings.values()} == {"keepalive_timeout"}
        claims = {key: h["superseded_by"]["cookie"] for key, h in called.items()
                  if h["found_by"] == "superseded"}
        right = [key for key, by in claims.items() if truth.get(key) == by]
        print(f"superseded: {len(claims)} claims, {len(right)} right; "
              f"recall {len(right)} of {len(truth)}")
        assert len(right) >= 0.99 * len(claims), (len(right), len(claims))
        # Of those whose ports tell, most are found; of the others nobody can be sure.
        telling = [cookie(sockets[n][0][0]) for n in returning if n % 2]
        assert len(set(right) & set(telling)) >= 0.6 * len(telling), (len(right), len(telling))


# ---- identities ----

def test_identities_of_every_kind(lab):
    """A file that is there and grows, a unix socket, and mosquitto's log through the recipe."""
    old, _ = lab.connect()
    path = lab.path("devices.jsonl")
    with open(path, "w") as f:
        f.write(json.dumps({"peer": peer_of(old), "device": "meter-1",
                            "at": "2026-11-21T00:00:00.5+01:00"}) + "\n\n")
    watch = lab.watch("--all", "--every", "1s", "--identities", path)

    def device_of(watch, sock):
        told = watch.of(cookie(sock))
        return told and told[-1]["socket"].get("device")
    wait_until(lambda: device_of(watch, old) == "meter-1", 5, "a name from the file")
    new, _ = lab.connect()
    log = f"1763716968: New client connected from {peer_of(new)} as meter 2 (p2, c1, k60).\n"
    with open(path, "a") as f:
        f.write(subprocess.run([os.path.join(ROOT, "scripts", "identities-from-mosquitto")],
                               input=log, capture_output=True, text=True, check=True).stdout)
    wait_until(lambda: device_of(watch, new) == "meter 2", 5, "a name that was appended")

    door = lab.path("door")
    other = lab.watch("--all", "--every", "1s", "--identities", "unix:" + door)
    assert stat.S_IMODE(os.stat(door).st_mode) == 0o600
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(door)
        s.send(b'{"peer": "%s", "dev' % "10.77.0.2".encode())
        s.send(b'ice": "any of 10.77.0.2"}\n{"peer": 1}\n')
    wait_until(lambda: device_of(other, old) == "any of 10.77.0.2", 5, "a name for an address")
    assert other.stop() == 0 and not os.path.exists(door)
    assert 'line 2, column 1: "peer" was expected' in other.stderr()
    assert watch.stop() == 0


def test_mosquitto_and_a_proxy_behind_one_public_port(lab):
    """A NAT uses one public port for connections to two ports of ours: mosquitto names the one that it
    serves, and with `local` nobody calls the proxy's by that name. The filter by device knows it at once."""
    with open(lab.path("mosquitto.conf"), "w") as f:
        f.write(f"listener 1899 10.77.0.1\nallow_anonymous true\nlog_type notice\n"
                f"log_dest file {lab.path('mosquitto.log')}\n")
    os.chmod(lab.directory, 0o777)  # it runs as nobody
    os.chmod(lab.path("mosquitto.conf"), 0o644)
    identities, name = Identities(lab), f"s17-{os.getpid()}"
    watch = lab.watch("--all", "--every", "1s", "--identities", identities.path,
                      f"device = {name}")
    lab.end_process(lab.gateway.spawn("mosquitto", "-c", lab.path("mosquitto.conf")))
    tail = lab.end_process(subprocess.Popen(["tail", "-q", "-F", lab.path("mosquitto.log")],
                                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
    recipe = lab.end_process(subprocess.Popen(
        [os.path.join(ROOT, "scripts", "identities-from-mosquitto"), "1899"], stdin=tail.stdout,
        stdout=open(identities.path, "w")))
    wait_until(lambda: ":1899" in run("ip", "netns", "exec", lab.gateway.name, "ss", "-Htln").stdout,
               10, "mosquitto")
    proxy, _ = lab.connect(port=7000, device_port=45000)
    with inside(lab.device.path):
        client = lab.keep(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind(("10.77.0.2", 45000))
    client.connect(("10.77.0.1", 1899))
    assert not watch.lines("timeline")
    said = mono_ns()
    client.send(bytes([0x10, 12 + len(name), 0, 4]) + b"MQTT" + bytes([4, 2, 0, 60, 0, len(name)]) +
                name.encode())
    assert client.recv(4) == bytes([0x20, 2, 0, 0])
    t = wait_until(lambda: watch.lines("timeline"), 10, "the name")[0]
    assert t["socket"]["device"] == name and t["socket"]["local"]["port"] == 1899
    print(f"named after {(mono_ns() - said) / 1e9:.1f} s")
    assert mono_ns() - said < 5e9
    assert recipe.poll() is None and watch.stop() == 0
    assert not watch.of(cookie(proxy))


@pytest.mark.parametrize("text, says", [
    ("{\"peer\": \"10.0.0.1:1\", \"device\": \"a\"}\n{\"peer\"\n", "line 2, column "),
    ("[]\n", "an object"),
    ("{\"peer\": \"10.0.0.1:1\"}\n", "\"device\" was expected"),
    ("{\"peer\": \"10.0.0:1\", \"device\": \"a\"}\n", "ADDRESS:PORT"),
    ("{\"peer\": \"10.0.0.1:70000\", \"device\": \"a\"}\n", "ADDRESS:PORT"),
    ("{\"peer\": \"::1\", \"device\": \"\"}\n", "1 to 255 bytes"),
    ("{\"peer\": \"::1\", \"device\": \"a\", \"at\": \"yesterday\"}\n", "RFC 3339"),
    ("{\"peer\": \"::1\", \"device\": \"a\", \"local\": 70000}\n", "our port"),
])
def test_bad_identities(lab, text, says):
    with open(lab.path("ids"), "w") as f:
        f.write(text)
    r = subprocess.run([HALFOPEN, "watch", "--for", "1s", "--identities", lab.path("ids")],
                       capture_output=True, text=True)
    assert r.returncode == 2 and says in r.stderr and lab.path("ids") in r.stderr, r.stderr


def test_no_identities_there(lab):
    r = subprocess.run([HALFOPEN, "watch", "--for", "1s", "--identities", lab.path("nowhere")],
                       capture_output=True, text=True)
    assert r.returncode == 2 and "nowhere: No such file" in r.stderr


# ---- privacy ----

@pytest.mark.parametrize("how", ["prefix", "pseudonym"])
def test_a_planted_address_appears_nowhere(how):
    """Not in JSON, text, recordings or what a recording replays to; a mapped one neither."""
    with Lab() as lab:
        lab.device.ip("addr", "add", "203.0.113.77/32", "dev", "veth0")
        lab.gateway.ip("route", "add", "203.0.113.77", "dev", "veth0")
        with open(lab.path("key"), "w") as f:
            f.write("a key of sixteen bytes at least")
        with open(lab.path("ids"), "w") as f:
            f.write('{"peer": "203.0.113.77", "device": "planted"}\n')
        # The device's own end of a connection is watched, too, on one host: not of interest.
        options = ["--peers", how, "--peers-key", lab.path("key"), "--all",
                   f"netns = {lab.gateway.inode}"]
        watch = lab.watch(*options, "--events", "-w", lab.path("x.ho"), "-v",
                          "--identities", lab.path("ids"))
        text = lab.end_process(subprocess.Popen([HALFOPEN, "watch", "--utc", "--events", *options],
                                                stdout=open(lab.path("text"), "w")))
        wait_until(lambda: os.path.getsize(lab.path("text")), 10, "the text")
        with inside(lab.gateway.path):
            both = lab.keep(socket.create_server(("::", 7010), family=socket.AF_INET6,
                                                 dualstack_ipv6=True))
        keys = []
        for listener, port in ((lab.listen(), 7000), (both, 7010)):
            with inside(lab.device.path):
                device = lab.keep(socket.socket())
            device.bind(("203.0.113.77", 0))
            device.connect(("10.77.0.1", port))
            gateway = lab.keep(listener.accept()[0])
            keys.append(cookie(gateway))
            keepalive(gateway, 1, 1, 2)
        time.sleep(1.5)
        lab.gateway.drop("input", "ip saddr 203.0.113.77")
        endings = [watch.ending(key) for key in keys]
        assert watch.stop() == 0
        text.send_signal(2)
        text.wait(60)
        replayed = subprocess.run([HALFOPEN, "watch", "--json", "--events", "--all", "-r",
                                   lab.path("x.ho")], capture_output=True, check=True).stdout
        shown = {t["socket"]["peer"]["address"] for t in endings}
        assert shown == {"203.0.113.0/24"} if how == "prefix" else len(shown) == 1
        assert {t["socket"]["device"] for t in endings} == {"planted"}
        planted = [b"203.0.113.77", socket.inet_aton("203.0.113.77"), b"cb00714d"]
        said = open(watch.output, "rb").read()
        for where in (said, open(lab.path("text"), "rb").read(), watch.stderr().encode(),
                      open(lab.path("x.ho"), "rb").read(), replayed):
            assert not [p for p in planted if p in where]
        assert next(iter(shown)) in open(lab.path("text")).read()
        if how == "pseudonym":
            assert replayed == said


def test_bad_keys(lab):
    with open(lab.path("short"), "w") as f:
        f.write("short")
    r = subprocess.run([HALFOPEN, "watch", "--for", "1s", "--peers", "pseudonym", "--peers-key",
                        lab.path("short")], capture_output=True, text=True)
    assert r.returncode == 2 and "16 bytes" in r.stderr
    r = subprocess.run([HALFOPEN, "watch", "--peers", "none"], capture_output=True, text=True)
    assert r.returncode == 2 and "full, prefix, pseudonym" in r.stderr
