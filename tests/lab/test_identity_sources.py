# SPDX-License-Identifier: GPL-2.0
"""Where names of devices come from: mosquitto's log through the recipe, and lines that are hostile. Who
names himself after a line of the log is nobody else."""
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from lab import HALFOPEN, Lab, cookie, inside, run, wait_until
from test_devices import peer_of

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
RECIPE = os.path.join(ROOT, "scripts", "identities-from-mosquitto")


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def recipe(log, *arguments):
    r = subprocess.run([RECIPE, *arguments], input=log, capture_output=True)
    assert r.returncode == 0, r
    return [(l["peer"], l["device"]) for l in map(json.loads, r.stdout.decode(errors="replace").splitlines())], \
        r.stderr.decode()


VICTIM = "203.0.113.7:46786"
LIKE_A_LINE = f"New client connected from {VICTIM} as scooter-17"


@pytest.mark.parametrize("line, named", [
    (f"1763716968: New client connected from {VICTIM} as scooter-17 (p2, c1, k60).", (VICTIM, "scooter-17")),
    (f"New client connected from {VICTIM} as scooter-17 (p2, c1, k60).", (VICTIM, "scooter-17")),
    (f"2026-11-21T09:42:48: New client connected from {VICTIM} as a (p5, c0, k0, u'x y').", (VICTIM, "a")),
    (f"1: New client connected from {VICTIM} as of old (c1, k60).", (VICTIM, "of old")),
    ("1: New client connected from fd77::2:45 as a \"b\" \\c (p2, c1, k60).", ("[fd77::2]:45", "a \"b\" \\c")),
    ("1: New client connected from 192.0.2.1:1 as a\tb\x01\x7f (p2, c1, k60).", ("192.0.2.1:1", "a\tb\x01\x7f")),
    (f"1: New client connected from 192.0.2.1:1 as {LIKE_A_LINE} (p2, c1, k60).", ("192.0.2.1:1", LIKE_A_LINE)),
    (f"1: New client connected from 192.0.2.1:1 as {LIKE_A_LINE} (p2, c1, k60) (p2, c1, k60).", None),
    ("1: New client connected from 192.0.2.1:1 as scooter-17 (p2, c1, k60) (p2, c1, k60, u'x').", None),
    ("1: New client connected from 192.0.2.1:1 as x (p2, c1, k60, u'scooter (p2, c1, k60, u').", None),
    (f"1: Client {LIKE_A_LINE} (p2, c1, k60). disconnected.", None),
    (f"1: Sending CONNACK to {LIKE_A_LINE} (p2, c1, k60).", None),
    (f"1: Client x: {LIKE_A_LINE} (p2, c1, k60).", None),
    ("1: New client connected from 192.0.2.1:1\"x as y (p2, c1, k60).", None),
])
def test_a_line_of_mosquittos(line, named):
    told, said = recipe(line.encode() + b"\n1: another line\n")
    assert told == ([named] if named else [])
    assert ("not certain where the client id ends" in said) == (line.count("(p2, c1, k60") > 1)


def connect(lab, client_id):
    """An MQTT client's socket, and the broker's answer."""
    with inside(lab.device.path):
        s = lab.keep(socket.create_connection(("10.77.0.1", 1899)))
    size = 12 + len(client_id)
    s.send(bytes([0x10, size & 0x7f | (0x80 if size > 127 else 0), *([size >> 7] if size > 127 else []),
                  0, 4]) + b"MQTT" + bytes([4, 2, 0, 60, 0, len(client_id)]) + client_id)
    s.settimeout(20)
    return s, s.recv(4)


def test_a_client_named_after_a_line_of_the_log(lab):
    """A real broker. Its victim was connected before anybody looked, and lives."""
    log, ids = lab.path("mosquitto.log"), lab.path("ids")
    with open(lab.path("mosquitto.conf"), "w") as f:
        f.write(f"listener 1899 10.77.0.1\nallow_anonymous true\nlog_type all\nlog_dest file {log}\n")
    os.chmod(lab.directory, 0o777)  # it runs as nobody
    os.chmod(lab.path("mosquitto.conf"), 0o644)
    lab.end_process(lab.gateway.spawn("mosquitto", "-c", lab.path("mosquitto.conf")))
    wait_until(lambda: ":1899" in run("ip", "netns", "exec", lab.gateway.name, "ss", "-Htln").stdout,
               20, "mosquitto")
    victim, answer = connect(lab, b"scooter-17")
    assert answer == bytes([0x20, 2, 0, 0])
    peer = f"10.77.0.2:{victim.getsockname()[1]}"
    tail = lab.end_process(subprocess.Popen(["tail", "-q", "-n", "+1", "-F", log], stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL))
    os.mkfifo(ids)
    watch = lab.watch("--all", "--events", "--every", "1s", "--identities", ids,
                      f"netns = {lab.gateway.inode} and sport = :1899")
    out = open(ids, "wb")
    lab.cleanup.callback(out.close)
    lab.end_process(subprocess.Popen([RECIPE, "1899"], stdin=tail.stdout, stdout=out))

    def names():
        return {f"{t['socket']['peer']['address']}:{t['socket']['peer']['port']}": t["socket"].get("device")
                for t in watch.lines("timeline")}
    wait_until(lambda: names().get(peer) == "scooter-17", 20, "the name of who was there before")
    told = [f"New client connected from {peer} as {n}" for n in ("other", "tracker-2")]
    hostile = [told[0].encode(), f"a\n1763716968: {told[0]} (p2, c1, k60).".encode(),
               f"{told[1]} (p2, c1, k60)".encode(), b"scooter-17 (p2, c1, k60", b"\x1b[2J\xff",
               b'"\\ x"']
    clients = [connect(lab, h) for h in hostile]
    last = f"10.77.0.2:{clients[-1][0].getsockname()[1]}"
    wait_until(lambda: names().get(last) == '"\\ x"', 20, "the last one's name")
    assert clients[-1][1] == bytes([0x20, 2, 0, 0])
    assert names()[peer] == "scooter-17"
    of_first = f"10.77.0.2:{clients[0][0].getsockname()[1]}"
    assert names()[of_first] == told[0]
    assert list(names().values()).count("scooter-17") == 1
    key = next(t["socket"]["cookie"] for t in watch.lines("timeline")
               if t["socket"].get("device") == "scooter-17")
    # that ports of one address are near each other may be suspicious; names make it certain
    assert not [e for e in watch.events(key, "superseded") if e["confidence"] == 1]
    victim.send(bytes([0xc0, 0]))
    assert victim.recv(2) == bytes([0xd0, 0])   # PINGRESP: it was there all the time
    assert watch.stop() == 0


def test_hostile_lines_cost_themselves_alone(lab):
    """Whatever comes by the FIFO; no line of it is repeated on the terminal."""
    gateway, _ = lab.connect()
    ids = lab.path("ids")
    os.mkfifo(ids)
    watch = lab.watch("--all", "--every", "1s", "--identities", ids, f"netns = {lab.gateway.inode}")
    good = {"peer": peer_of(gateway), "device": "\x1b[2J\u202e\u009b\n x"}
    with open(ids, "wb") as f:
        for line in (b"[" * 4000, b"\xff\xfe", b"{\"peer\": \"\x1b[2J", b"\x1b[31m", b"x" * 300000, b"\0" * 10,
                     b'{"peer": "10.0.0.1:1", "peer": "10.0.0.2:1", "device": "a"}',
                     b'{"peer": "10.0.0.1:1", "device": "a\\u0000b"}', b'{"peer": "10.0.0.1:1", "device": "\xed\xa0\x80"}',
                     b'{"peer": "10.0.0.1\x1b:1", "device": "a"}', b'{"peer": {}, "device": []}',
                     b'{"peer": "10.0.0.1:1", "device": "' + b"y" * 256 + b'"}', b"1e999", b"null",
                     json.dumps(good).encode()):
            f.write(line + b"\n")
    t = wait_until(lambda: [t for t in watch.of(cookie(gateway)) if "device" in t["socket"]], 20, "the name")
    assert t[-1]["socket"]["device"] == good["device"]
    assert watch.stop() == 0
    said = watch.stderr()
    assert said.count("column") == 10 and "without a word" in said, said
    assert said.replace("\n", "").isprintable() and "2J" not in said


def names(lab, watch):
    return {t["socket"].get("device") for t in watch.lines("timeline")}


@pytest.mark.parametrize("planted", ["fifo", "link"])
def test_what_the_owner_of_the_directory_puts_there_later(lab, planted):
    """In the place of the file that is followed: a FIFO that nobody writes to, a device without an end. The
    watch goes on, hears signals, and follows the next file that comes."""
    log = lab.path("log.jsonl")
    open(log, "w").close()
    watch = lab.watch("--all", "--every", "1s", "--identities", log)
    os.rename(log, log + ".1")
    if planted == "fifo":
        os.mkfifo(log)
    else:
        os.symlink("/dev/zero", log)
    gateway, device = lab.connect()
    wait_until(lambda: watch.of(cookie(gateway)), 20, "the connection")
    os.unlink(log)
    with open(log, "w") as f:
        print(json.dumps({"peer": peer_of(device), "device": "scooter-17"}), file=f)
    later, other = lab.connect(port=7001)
    with open(log, "a") as f:
        print(json.dumps({"peer": peer_of(other), "device": "scooter-18"}), file=f)
    wait_until(lambda: "scooter-18" in names(lab, watch), 20, "a name of the file that came then")
    assert watch.stop() == 0


FLOOD = """
import sys
line = b'{"peer":"192.0.2.1:1","device":"flood"}\\n' * 1000
print("ready", flush=True)
with open(sys.argv[1], "wb", buffering=0) as f:
    while True:
        f.write(line)
"""


def test_a_writer_that_is_faster_than_we_are(lab):
    """It holds up neither the start, nor what is told of others, nor the end."""
    fifo = lab.path("fifo")
    os.mkfifo(fifo)
    writer = lab.end_process(subprocess.Popen([sys.executable, "-c", FLOOD, fifo], stdout=subprocess.PIPE))
    assert writer.stdout.readline() == b"ready\n"
    watch = lab.watch("--all", "--every", "1s", "--identities", fifo)
    gateway, _ = lab.connect()
    wait_until(lambda: watch.of(cookie(gateway)), 20, "the connection")
    watch.process.send_signal(signal.SIGTERM)
    assert watch.process.wait(60) == 0
