# SPDX-License-Identifier: GPL-2.0
"""Real programs with their real settings, watched."""
import os
import shutil
import time

import pytest

from lab import Lab, wait_until


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def need(program):
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
    if not path:
        pytest.skip(f"{program} is not installed")
    return path


def socket_of(watch, port, comm):
    """Cookie of the program's socket on this port, from what was told of it."""
    def found():
        for l in watch.lines("event"):
            s = l.get("socket", {})
            if s.get("netns", {}).get("inode") == watch.lab.gateway.inode and \
                    s["local"]["port"] == port and s.get("owner", {}).get("comm") == comm:
                return s["cookie"]
    return wait_until(found, 15, f"a socket of {comm} on port {port}")


def cut_and_check(lab, watch, port, comm, expected):
    """Healthy first, then cut: the outcome, the owner and the options as configured."""
    key = socket_of(watch, port, comm)
    wait_until(lambda: watch.events(key, "answered"), 15, "an answered probe")
    lab.gateway.drop("input", f"tcp dport {port}")
    t = watch.ending(key, 20)
    k = t["keepalive"]
    assert (k["idle_s"], k["interval_s"], k["probes"]) == expected
    assert k["from"] == {"idle": "socket", "interval": "socket", "probes": "socket"}
    assert t["outcome"] == "keepalive_timeout"
    assert t["episodes"][-1]["asks"] == expected[2]
    assert t["socket"]["owner"]["comm"] == comm
    assert t["socket"]["owner"]["pid"] > 1
    assert t["counts"]["probes_sent"] == t["counts"]["probes_answered"] + expected[2]


def test_redis(lab):
    """redis-server --tcp-keepalive 3 means 3 s idle, a third of it between 3 probes."""
    redis = need("redis-server")
    watch = lab.watch("--events")
    lab.end_process(lab.gateway.spawn(redis, "--port", "6399", "--bind", "10.77.0.1",
                                      "--tcp-keepalive", "3", "--save", "", "--protected-mode",
                                      "no", "--dir", lab.directory))
    client = lab.device_dial(6399)
    client.send(b"PING\r\n")
    assert client.recv(64) == b"+PONG\r\n"
    cut_and_check(lab, watch, 6399, "redis-server", (3, 1, 3))


def test_nginx(lab):
    """listen ... so_keepalive=2s:1s:2; the connection is an idle keep-alive one of HTTP."""
    nginx = need("nginx")
    with open(lab.path("nginx.conf"), "w") as f:
        f.write(f"""daemon off; pid {lab.path("nginx.pid")}; error_log stderr; worker_processes 1;
            events {{ }}
            http {{ access_log off; keepalive_timeout 100;
              client_body_temp_path {lab.directory}; proxy_temp_path {lab.directory};
              fastcgi_temp_path {lab.directory}; uwsgi_temp_path {lab.directory};
              scgi_temp_path {lab.directory};
              server {{ listen 10.77.0.1:8088 so_keepalive=2s:1s:2; return 200 ok; }} }}""")
    os.chmod(lab.directory, 0o755)
    watch = lab.watch("--events")
    lab.end_process(lab.gateway.spawn(nginx, "-c", lab.path("nginx.conf")))
    client = lab.device_dial(8088)
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.recv(1024).startswith(b"HTTP/1.1 200")
    cut_and_check(lab, watch, 8088, "nginx", (2, 1, 2))


def test_socat(lab):
    socat = need("socat")
    watch = lab.watch("--events")
    lab.end_process(lab.gateway.spawn(
        socat, "-u", "TCP-LISTEN:7099,reuseaddr,keepalive,keepidle=2,keepintvl=1,keepcnt=3",
        "OPEN:/dev/null"))
    lab.device_dial(7099)
    cut_and_check(lab, watch, 7099, "socat", (2, 1, 3))


def test_mosquitto_sets_no_keepalive(lab):
    """The IoT broker that would never notice: the monitor says so."""
    mosquitto = need("mosquitto")
    with open(lab.path("mosquitto.conf"), "w") as f:
        f.write("listener 1899 10.77.0.1\nallow_anonymous true\n")
    os.chmod(lab.directory, 0o755)
    os.chmod(lab.path("mosquitto.conf"), 0o644)
    watch = lab.watch("--events", "--all")
    lab.end_process(lab.gateway.spawn(mosquitto, "-c", lab.path("mosquitto.conf")))
    client = lab.device_dial(1899)
    # CONNECT, client id "s17", keep alive 60 s
    client.send(bytes([0x10, 15, 0, 4]) + b"MQTT" + bytes([4, 2, 0, 60, 0, 3]) + b"s17")
    assert client.recv(4) == bytes([0x20, 2, 0, 0])
    time.sleep(1.5)
    client.send(bytes([0xe0, 0]))   # DISCONNECT
    client.close()

    def ended():
        return [t for t in watch.lines("timeline") if t["final"] and
                t["socket"]["netns"]["inode"] == lab.gateway.inode and
                t["socket"]["local"]["port"] == 1899 and "owner" in t["socket"]]
    t = wait_until(ended, 15, "the end of mosquitto's socket")[0]
    assert t["socket"]["owner"]["comm"] == "mosquitto"
    assert not t["keepalive"]["enabled"] and t["keepalive"]["detects_within_s"] is None
