# SPDX-License-Identifier: GPL-2.0
"""A proxy's two sides of one device, by what the test dialled and the backend was told."""
import os
import shutil
import socket
import time

import pytest

from lab import Lab, inside, wait_until
from test_sockets import halfopen, listed, on_terminal

HAPROXY = """global
 maxconn 300
defaults
 mode tcp
 timeout connect 5s
 timeout client 10m
 timeout server 10m
listen devices
 bind 10.77.0.1:7100
 server one 127.0.0.1:7101
"""
NGINX = """load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; pid {0}/nginx.pid; error_log {0}/nginx.log; worker_processes 1;
events {{ worker_connections 512; }}
stream {{ server {{ listen 10.77.0.1:7100; proxy_pass 127.0.0.1:7101; proxy_timeout 10m; }} }}
"""


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def start_haproxy(lab):
    with open(lab.path("haproxy.cfg"), "w") as f:
        f.write(HAPROXY)
    return lab.gateway.spawn(shutil.which("haproxy", path="/usr/sbin:/usr/bin"), "-db", "-f", lab.path("haproxy.cfg"))


def start_nginx(lab):
    with open(lab.path("nginx.conf"), "w") as f:
        f.write(NGINX.format(lab.directory))
    return lab.gateway.spawn("/usr/sbin/nginx", "-c", lab.path("nginx.conf"))


def start_socat(lab):
    return lab.gateway.spawn(shutil.which("socat"), "TCP-LISTEN:7100,bind=10.77.0.1,fork,reuseaddr",
                             "TCP:127.0.0.1:7101")


PROXIES = {"haproxy": start_haproxy, "nginx": start_nginx, "socat": start_socat}
NEEDS = {"haproxy": "/usr/sbin/haproxy", "nginx": "/usr/lib/nginx/modules/ngx_stream_module.so",
         "socat": "/usr/bin/socat"}


class Proxied:
    """Devices at a real proxy, and the program behind it, which is the test."""

    def __init__(self, lab, proxy):
        if not os.path.exists(NEEDS[proxy]):
            pytest.skip(f"{NEEDS[proxy]} is not installed")
        self.lab = lab
        with inside(lab.gateway.path):
            self.backend = lab.keep(socket.create_server(("127.0.0.1", 7101)))
        lab.end_process(PROXIES[proxy](lab))
        self.devices = []

    def dial(self):
        """One device more; the backend's end of its connection, of which no other is dialled meanwhile."""
        device = self.lab.device_dial(7100)
        behind = self.lab.keep(self.backend.accept()[0])
        self.devices.append((device, behind))
        return device, behind

    def truth(self):
        """(the device's end, what the proxy dialled for it) by their addresses."""
        return {device.getsockname(): behind.getpeername() for device, behind in self.devices}

    def lines(self, *arguments):
        return listed(f"netns = {self.lab.gateway.name}", *arguments)

    def speak_until_told(self):
        """On a busy machine a proxy may be so late that it cannot be told: then they speak once more. What is told is
        right at any time."""
        def all_told():
            told = self.told()
            assert told.items() <= self.truth().items(), (told, self.truth())
            for number, (device, behind) in enumerate(self.devices):
                if device.getsockname() not in told:
                    talk(device, behind, 2000 + 31 * number, 17 + number)
            return len(told) == len(self.devices)
        wait_until(all_told, 120, "all pairs")

    def told(self):
        """The same as it is told from both sides, which agree; and no other socket has another side."""
        lines, told = self.lines(), {}
        for key, l in lines.items():
            if "pair" not in l:
                continue
            other = lines[l["pair"]["cookie"]]
            assert other["pair"]["cookie"] == key, (l, other)
            assert all(l["pair"][end] == other["socket"][end] for end in ("local", "peer"))
            assert other["socket"]["owner"] == l["socket"]["owner"]
            if l["socket"]["local"]["port"] == 7100:
                told[tuple(l["socket"]["peer"].values())] = tuple(other["socket"]["local"].values())
        return told


def speak(p):
    """Both at once, so that nothing tells them apart."""
    for device, _ in p.devices[:2]:
        device.sendall(b"z" * 10)
    for _, behind in p.devices[:2]:
        passed_on(behind, 10)


def passed_on(sock, size):
    """All of it has arrived."""
    got = b""
    while len(got) < size:
        got += sock.recv(size - len(got))


def talk(device, behind, there, back):
    device.sendall(b"x" * there)
    passed_on(behind, there)
    behind.sendall(b"y" * back)
    passed_on(device, back)


@pytest.mark.parametrize("proxy", PROXIES)
def test_sides_of_a_proxy(lab, proxy):
    """Different bytes, or the same ones at different times: each is told, from both sides, as it is."""
    p = Proxied(lab, proxy)
    for n in range(6):
        talk(*p.dial(), 100 + 7 * n, 40 + n)
    for _ in range(2):
        talk(*p.dial(), 1000, 20)
        time.sleep(2)       # these two differ by when they spoke alone
    p.speak_until_told()
    front = next(l for l in p.lines().values() if l["socket"]["local"]["port"] == 7100)
    assert 0.9 <= front["pair"]["confidence"] < 1 and "one program" in front["pair"]["because"]
    assert front["pair"]["peer"] == {"address": "127.0.0.1", "port": 7101}
    # What FILTER leaves out is told as the other side all the same.
    fronts = p.lines("sport = :7100")
    assert len(fronts) == 8 and all(l["pair"]["local"]["port"] in {b[1] for b in p.truth().values()}
                                    for l in fronts.values())
    here = f"netns = {lab.gateway.name}"
    text = halfopen(here).stdout
    assert "PAIR" in text.splitlines()[0] and text.count(" 127.0.0.1:7101") >= 8, text
    for device, _ in p.devices:
        assert text.count(":%d" % device.getsockname()[1]) == 2, text  # its own line, and the other side's
    assert all(len(line) <= 80 for line in on_terminal(80, here))


def test_who_hangs_on_a_suspect_device(lab):
    """Data that a dead device does not acknowledge: the program's connection behind the proxy is told."""
    p = Proxied(lab, "haproxy")
    for n in range(3):
        talk(*p.dial(), 50 + n, 60 + n)
    device, behind = p.devices[1]
    p.speak_until_told()
    lab.gateway.drop("input", f"tcp sport {device.getsockname()[1]}")
    behind.sendall(b"command")

    def hangs():
        lines = p.lines()
        return [l for l in lines.values() if l.get("pair", {}).get("suspect")]
    back, = wait_until(hangs, 60, "a suspect")
    assert back["socket"]["local"]["port"] == behind.getpeername()[1]
    assert back["pair"]["peer"]["port"] == device.getsockname()[1]
    text = halfopen(f"netns = {lab.gateway.name}").stdout
    assert f"suspect 10.77.0.2:{device.getsockname()[1]}" in text, text


def test_what_cannot_be_told(lab):
    """Two devices with the same bytes at the same time, nothing said yet, another program's, or what a program makes
    of what it takes: none is a pair, and no wrong one ever is."""
    p = Proxied(lab, "haproxy")
    for _ in range(3):      # two are twins, and the third says nothing
        p.dial()
    with inside(lab.gateway.path):
        listener = lab.keep(socket.create_server(("10.77.0.1", 7200)))
        other = lab.keep(socket.create_connection(("127.0.0.1", 7101)))
    asked = lab.device_dial(7200)
    asking = lab.keep(listener.accept()[0])
    far = lab.keep(p.backend.accept()[0])
    asked.sendall(b"q" * 30)
    passed_on(asking, 30)
    other.sendall(b"r" * 31)     # not what it took
    passed_on(far, 31)

    def nothing_told():     # where this machine stood still between the two, they differ
        speak(p)
        told = p.told()
        assert told.items() <= p.truth().items(), (told, p.truth())
        return not told
    for _ in range(5):
        wait_until(nothing_told, 60, "no pair")
