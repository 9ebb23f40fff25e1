# SPDX-License-Identifier: GPL-2.0
"""What advise says, against what the lab knows: a carrier's timer, and settings that were tried."""
import heapq
import json
import math
import os
import random
import resource
import select
import socket
import statistics
import subprocess
import time

import pytest

import schema
from lab import (HALFOPEN, Lab, TCP_USER_TIMEOUT, cookie, inside, keepalive, run, tcp_info, unix_ns,
                 wait_until)
from nat import NatLab

# Many sockets at exact times: the load of many others would be seen.
pytestmark = pytest.mark.quiet

CARRIERS = 20
DEVICES = 64
PORT = 7411


def advise(*arguments):
    r = subprocess.run([HALFOPEN, "advise", "--json", *arguments], capture_output=True, text=True)
    assert r.returncode in (0, 3), (r.returncode, r.stderr)
    lines = [json.loads(l) for l in r.stdout.splitlines()]
    for number, line in enumerate(lines):
        errors = list(schema.validator("advice").iter_errors(line))
        assert not errors and line["seq"] == number, (errors, line)
    return lines


def of_namespace(lines, netns):
    return next(l for l in lines if l["scope"].get("netns") == netns)


class Carrier:
    """A NAT with a timer, devices behind it, and when each of them is asked, or vanishes."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.timeout = self.rng.randint(4, 9)
        self.lab = NatLab(shared=1, timeout=self.timeout)

    def begin(self):
        self.lab.device.nft("table inet gone { set vanished { type ipv4_addr; }\n"
                            " chain out { type filter hook output priority 0;\n"
                            "  ip saddr @vanished drop; }\n"
                            " chain in { type filter hook input priority 0; ip daddr @vanished drop; }\n}\n")
        self.sockets = []
        for number in range(DEVICES):
            gateway, _ = self.lab.dial(number, port=PORT)
            gateway.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 1500)
            self.sockets.append(gateway)

    def plan(self, start):
        """(when, what, whom): each is asked after idle times around the timer's."""
        rng, span = self.rng, self.timeout
        for number in range(DEVICES):
            at = start
            for _ in range(4):
                at += span * math.exp(rng.uniform(math.log(0.4), math.log(1.7)))
                yield at, "ask", number
            if rng.random() < 0.1:
                yield start + rng.uniform(0, 3 * span), "vanish", number

    def do(self, what, number):
        if what == "vanish":
            run("ip", "netns", "exec", self.lab.device.name, "nft", "add element inet gone vanished "
                f"{{ {self.lab.address(number)} }}")
            return
        try:
            self.sockets[number].send(b"?")
        except OSError:
            pass        # it has been found dead


@pytest.fixture(scope="module")
def carriers():
    """Twenty of them at once, in half a minute: (carriers, the file of timelines)."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
    with Lab() as lab:
        all_of_them = [Carrier(seed) for seed in range(CARRIERS)]
        for carrier in all_of_them:
            carrier.lab.__enter__()
        try:
            watch = lab.watch("--all", "--idle-gap", "1s", f"sport = :{PORT}")
            for carrier in all_of_them:
                carrier.begin()
            start = time.monotonic() + 0.2
            events = [(at, n, what, whom) for n, carrier in enumerate(all_of_them)
                      for at, what, whom in carrier.plan(start)]
            heapq.heapify(events)
            while events:
                at, n, what, whom = heapq.heappop(events)
                time.sleep(max(0, at - time.monotonic()))
                all_of_them[n].do(what, whom)
            time.sleep(4)
            watch.validate = False      # by others
            assert watch.stop() == 0
            yield all_of_them, watch.output
        finally:
            for carrier in all_of_them:
                carrier.lab.__exit__(None, None, None)


def test_the_carriers_timer(carriers):
    all_of_them, path = carriers
    lines = advise("--hold-open", path)
    near, held = [], 0
    for carrier in all_of_them:
        advice = of_namespace(lines, carrier.lab.gateway.name)
        found = advice["idle_timeout"]
        assert found["estimate_s"] and len(found["steps"]) == 1, found
        near.append(found["estimate_s"] / carrier.timeout - 1)
        held += found["low_s"] <= carrier.timeout <= found["high_s"]
    print(f"{CARRIERS} carriers: furthest off {max(map(abs, near)):.3f}, the interval holds in {held}")
    assert max(map(abs, near)) < 0.1, near
    assert held >= 17


def test_two_carriers_in_one_prefix(carriers):
    """Their devices come from one network to one port: more than one timer must be seen."""
    all_of_them, path = carriers
    quick = min(all_of_them, key=lambda c: c.timeout)
    slow = max(all_of_them, key=lambda c: c.timeout)
    mixed = quick.lab.path("mixed.jsonl")
    with open(path) as f, open(mixed, "w") as to:
        for line in f:
            l = json.loads(line)
            if l["schema"] == "halfopen.meta/1" or l.get("socket", {}).get("netns", {}).get("name") in \
                    (quick.lab.gateway.name, slow.lab.gateway.name):
                to.write(line)
    group = next(l for l in advise(mixed) if l["scope"]["kind"] == "group")
    assert group["scope"]["text"] == f"198.51.100.0/24 on port {PORT}"
    steps = group["idle_timeout"]["steps"]
    print(f"timers of {quick.timeout} s and {slow.timeout} s: {steps}")
    assert len(steps) == 2
    assert abs(steps[0]["at_s"] / quick.timeout - 1) < 0.15
    assert abs(steps[1]["at_s"] / slow.timeout - 1) < 0.15
    r = subprocess.run([HALFOPEN, "advise", "--policy", mixed], capture_output=True, text=True)
    assert not r.stdout and "no policy for 1 group" in r.stderr and "no socket has keepalive on" in r.stderr


def test_our_own_probes_hide_the_timer():
    """Asked every two seconds, nobody is idle for longer."""
    with NatLab(shared=1, timeout=60) as lab:
        watch = lab.watch("--all", "--idle-gap", "1s", f"netns = {lab.gateway.inode}")
        pairs = [lab.dial(number) for number in range(40)]
        for gateway, _ in pairs:
            keepalive(gateway, 2, 1, 2)
        time.sleep(7)
        addresses = ", ".join(lab.address(n) for n in range(8))
        lab.device.drop("output", f"ip saddr {{ {addresses} }}")
        time.sleep(6.5)
        assert watch.stop() == 0
        found = of_namespace(advise(watch.output), lab.gateway.name)
        assert found["verdict"] == "none" and "censored_by_keepalive" in found["why"], found
        timeout = found["idle_timeout"]
        assert timeout["estimate_s"] is None and timeout["reason"] == "censored_by_keepalive"
        assert 1.9 < timeout["low_s"] < 2.3


def test_talkers_that_die_are_no_timer():
    """60 devices say a word every two seconds on a path that forgets nothing, ten of them vanish, and a
    keepalive that only the dead ever get finds them 12 s later."""
    rng, pause, talks = random.Random(9), 2, 26
    with Lab() as lab:
        watch = lab.watch("--all", "--idle-gap", "1s", f"netns = {lab.gateway.inode}")
        lab.device.nft("table inet gone { set ports { type inet_service; }\n"
                       " chain out { type filter hook output priority 0; tcp sport @ports drop; }\n"
                       " chain in { type filter hook input priority 0; tcp dport @ports drop; }\n}\n")
        pairs = [lab.connect() for _ in range(60)]
        for gateway, _ in pairs:
            keepalive(gateway, 12, 1, 3)
        begin = time.monotonic() + 0.5
        plan = [(begin + pause * (word + rng.random() * 0.1) + n * pause / 60, n) for n in range(60)
                for word in range(talks // pause)]
        gone = {n: begin + rng.uniform(5, talks - 16) for n in range(10)}
        vanished = set()
        for at, n in sorted(plan):
            time.sleep(max(0, at - time.monotonic()))
            if n in vanished:
                continue
            if at > gone.get(n, math.inf):
                vanished.add(n)
                run("ip", "netns", "exec", lab.device.name, "nft", "add", "element", "inet", "gone", "ports",
                    f"{{ {pairs[n][1].getsockname()[1]} }}")
                continue
            pairs[n][1].send(b".")
        for n in vanished:
            wait_until(lambda: pairs[n][0].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 7, 30,
                       "state CLOSE")
        # The witness: all others are there, after whatever silence.
        for n, (gateway, device) in enumerate(pairs):
            if n not in vanished:
                device.send(b"!")
                assert gateway.recv(4096).endswith(b"!")
        assert watch.stop() == 0
        timeout = of_namespace(advise("--hold-open", watch.output), lab.gateway.name)["idle_timeout"]
        assert timeout["lost"] == len(vanished) == 10
        assert timeout["estimate_s"] is None and timeout["reason"] == "no_telling_asks", timeout
        assert pause * 0.9 < timeout["low_s"] < 12, timeout


def percentile(values, share):
    return sorted(values)[math.ceil(share * len(values)) - 1]


def die_with_data_under_way(lab, pairs, rng, meanwhile=None):
    """Each is cut off, then written to; the lab's clock says how long after the device's last word the
    kernel ended it. `meanwhile` is called when all have been sent again at least three times."""
    for gateway, device in pairs:
        device.send(b"here")
        gateway.recv(4)
    heard, ends = time.monotonic(), select.epoll()
    lab.gateway.drop("input", "tcp sport { " + ", ".join(str(d.getsockname()[1]) for _, d in pairs) + " }")
    for at, gateway in sorted((heard + rng.uniform(0.3, 1.5), g) for g, _ in pairs):
        time.sleep(max(0, at - time.monotonic()))
        gateway.send(b"are you there?")
        ends.register(gateway, select.EPOLLERR)
    if meanwhile:
        wait_until(lambda: all(tcp_info(g)["retransmits"] >= 3 for g, _ in pairs), 60, "retransmissions")
        meanwhile()
    took = []
    while len(took) < len(pairs):
        for descriptor, _ in ends.poll(30):
            took.append(time.monotonic() - heard)
            ends.unregister(descriptor)
    lab.gateway.mend()
    return took


def test_what_is_predicted_of_unacknowledged_data_comes_true():
    """40 deaths under one tcp_retries2 are the evidence; then what is proposed is set, and 40 die of
    either proposal as soon as was predicted."""
    rng = random.Random(11)
    with Lab() as lab:
        # With an RTO of 0.3 s no retransmission falls near the kernel's limits.
        lab.gateway.ip("route", "change", "10.77.0.0/16", "dev", "veth0", "rto_min", "300ms")
        lab.gateway.sysctl(tcp_retries2=4)
        watch = lab.watch("--all", f"netns = {lab.gateway.inode}")
        die_with_data_under_way(lab, [lab.connect() for _ in range(40)], rng)
        assert watch.stop() == 0
        found = of_namespace(advise("--detect-within", "6s", watch.output), lab.gateway.name)["unacknowledged"]
        assert found["deaths"] == 40 and found["detection_s"]["p50"] > 9
        assert found["user_timeout"]["ms"] == 5000 and found["retries2"]["value"] == 3
        pairs = [lab.connect() for _ in range(80)]
        for gateway, _ in pairs[:40]:
            gateway.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, int(found["user_timeout"]["ms"]))
        for name, some in (("user_timeout", pairs[:40]), ("retries2", pairs[40:])):
            lab.gateway.sysctl(tcp_retries2=found["retries2"]["value"])
            took, predicted = die_with_data_under_way(lab, some, rng), found[name]["detection_s"]
            print(f"{name}: p50 {statistics.median(took):.3f} s (predicted {predicted['p50']}), p95 "
                  f"{percentile(took, 0.95):.3f} s ({predicted['p95']})")
            assert abs(percentile(took, 0.5) / predicted["p50"] - 1) < 0.1
            assert abs(percentile(took, 0.95) / predicted["p95"] - 1) < 0.1
            assert max(took) <= predicted["max"] * 1.1


def test_a_watch_that_begins_amid_retransmissions():
    """20 are being retransmitted when the watch begins: when their data was first sent nobody saw, so they
    are no evidence of what TCP_USER_TIMEOUT would do. 20 more are seen whole; then it is set, and 20 die by
    it as soon as was predicted."""
    rng, watches = random.Random(13), []
    with Lab() as lab:
        lab.gateway.ip("route", "change", "10.77.0.0/16", "dev", "veth0", "rto_min", "300ms")
        lab.gateway.sysctl(tcp_retries2=6)     # 38 s, time enough to attach on a busy host
        die_with_data_under_way(lab, [lab.connect() for _ in range(20)], rng, lambda: watches.append(
            lab.watch("--all", f"netns = {lab.gateway.inode}")))
        watch, = watches
        seen = die_with_data_under_way(lab, [lab.connect() for _ in range(20)], rng)
        assert watch.stop() == 0
        ends = [t for t in watch.lines("timeline") if t["outcome"] == "retransmit_timeout"]
        assert len(ends) == 40 and sum(t["partial"] for t in ends) == 20
        found = of_namespace(advise("--detect-within", "8s", watch.output), lab.gateway.name)["unacknowledged"]
        assert found["deaths"] == 20 and found["fits_retries2"] == 6, found
        assert abs(found["detection_s"]["p50"] / statistics.median(seen) - 1) < 0.1
        pairs = [lab.connect() for _ in range(20)]
        for gateway, _ in pairs:
            gateway.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, int(found["user_timeout"]["ms"]))
        took, said = die_with_data_under_way(lab, pairs, rng), found["user_timeout"]["detection_s"]
        print(f"TCP_USER_TIMEOUT={found['user_timeout']['ms']}: p50 {statistics.median(took):.3f} s, "
              f"predicted {said['p50']}")
        assert abs(percentile(took, 0.5) / said["p50"] - 1) < 0.1
        assert max(took) <= said["max"] * 1.1


def test_a_pipe_is_not_kept(tmp_path):
    """Many megabytes of timelines come through a pipe: /proc shows that no file in memory grows with them,
    and the advice is that of the file."""
    seen = 1790035200
    lines = [{"schema": "halfopen.timeline/1", "gateway": "gw", "boot_id": "b", "run_id": "r", "seq": n,
              "revision": 1, "final": False, "outcome": "open", "partial": False,
              "socket": {"cookie": str(n % 50 + 1), "netns": {"inode": 4026531840},
                         "local": {"address": "198.51.100.1", "port": 1883},
                         "peer": {"address": f"203.0.113.{n % 50 + 1}", "port": 1024}},
              "keepalive": {"enabled": True, "idle_s": 60, "interval_s": 10, "probes": 3,
                            "user_timeout_ms": 0, "from": {}},
              "first_seen_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seen)),
              "last_heard_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seen + 3600)),
              "gaps": {"survived": []}, "counts": {"probes_sent": 60, "probes_answered": 60}}
             for n in range(20000)]
    text = "".join(json.dumps(l) + "\n" for l in lines).encode()
    assert len(text) > 8 << 20
    told = tmp_path / "told.jsonl"
    told.write_bytes(text)
    from_file = subprocess.run([HALFOPEN, "advise", str(told)], capture_output=True)
    p = subprocess.Popen([HALFOPEN, "advise", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    p.stdin.write(text)
    p.stdin.flush()     # all of it, but for what a pipe holds, is read
    held = [os.stat(f"/proc/{p.pid}/fd/{n}").st_size for n in os.listdir(f"/proc/{p.pid}/fd")
            if os.readlink(f"/proc/{p.pid}/fd/{n}").startswith("/memfd:")]
    out, _ = p.communicate()
    assert sum(held) <= 1 << 20
    assert p.returncode == from_file.returncode and out == from_file.stdout and out


TCP_RTO_MAX_MS = 44


@pytest.mark.parametrize("whose", ["sysctl", "socket"])
def test_the_longest_rto_is_told_and_predicted_with(whose):
    """Retransmissions no more than a second apart, by net.ipv4.tcp_rto_max_ms or by TCP_RTO_MAX_MS: the
    timeline tells it as getsockopt() does, and tcp_retries2=8 takes a few seconds where it would take
    100: as was predicted."""
    rng = random.Random(12)
    with Lab() as lab:
        if not os.path.exists("/proc/sys/net/ipv4/tcp_rto_max_ms"):
            pytest.skip("this kernel has no tcp_rto_max_ms (6.15)")
        lab.gateway.sysctl(tcp_retries2=15)
        if whose == "sysctl":
            lab.gateway.sysctl(tcp_rto_max_ms=1000)
        watch = lab.watch("--all", f"netns = {lab.gateway.inode}")

        def connected(count):
            pairs = [lab.connect() for _ in range(count)]
            for gateway, _ in pairs:
                if whose == "socket":
                    gateway.setsockopt(socket.IPPROTO_TCP, TCP_RTO_MAX_MS, 1000)
                assert gateway.getsockopt(socket.IPPROTO_TCP, TCP_RTO_MAX_MS) == 1000
            return pairs
        before = die_with_data_under_way(lab, connected(20), rng)
        assert watch.stop() == 0
        told = [t["keepalive"]["rto_max_ms"] for t in watch.lines("timeline")
                if t["final"] and t["outcome"] == "retransmit_timeout"]
        assert told == [1000] * 20
        predicted = of_namespace(advise("--detect-within", "8s", watch.output), lab.gateway.name)["unacknowledged"]
        assert predicted["deaths"] == 20 and "retries2" in predicted
        lab.gateway.sysctl(tcp_retries2=predicted["retries2"]["value"])
        took = die_with_data_under_way(lab, connected(20), rng)
        said = predicted["retries2"]["detection_s"]
        print(f"15: {statistics.median(before):.2f} s; {predicted['retries2']['value']}: "
              f"{statistics.median(took):.2f} s (predicted {said['p50']})")
        assert statistics.median(before) < 30
        assert abs(statistics.median(took) / said["p50"] - 1) < 0.1
        assert max(took) <= said["max"] * 1.1


@pytest.mark.parametrize("setting", [(4, 1, 3), (2, 2, 2)], ids=["4/1/3", "2/2/2"])
def test_what_is_predicted_comes_true(setting):
    """The values are set for real, devices vanish at random, and the lab's clock says how long it
    took: half of them and 95 % within 10 % of what was predicted."""
    idle, interval, probes = setting
    rng = random.Random(5)
    with Lab() as lab:
        r = subprocess.run([HALFOPEN, "apply", "--netns", lab.gateway.name, "--idle", str(idle),
                            "--interval", str(interval), "--probes", str(probes), "--yes", "--state",
                            lab.path("state")], capture_output=True, text=True)
        assert r.returncode == 0, r.stderr
        watch = lab.watch("--all", f"netns = {lab.gateway.inode}")
        lab.gateway.nft("table inet cut { set cut_off { type inet_service; }\n"
                        " chain in { type filter hook input priority 0; tcp sport @cut_off drop; }\n}\n")
        pairs, cut = [lab.connect() for _ in range(150)], {}
        for gateway, _ in pairs:
            gateway.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        start = time.monotonic() + 2 * idle
        for at, (gateway, device) in sorted((start + rng.uniform(0, 16), pair) for pair in pairs):
            time.sleep(max(0, at - time.monotonic()))
            before = time.time_ns()
            run("ip", "netns", "exec", lab.gateway.name, "nft",
                f"add element inet cut cut_off {{ {device.getsockname()[1]} }}")
            cut[cookie(gateway)] = (before + time.time_ns()) // 2
        time.sleep(idle + interval * (probes + 1) + 1)
        assert watch.stop() == 0
        took = [(unix_ns(t["ended_at"]) - cut[t["socket"]["cookie"]]) / 1e9 for t in watch.lines("timeline")
                if t["final"] and t["outcome"] == "keepalive_timeout" and t["socket"]["cookie"] in cut]
        assert len(took) == len(pairs)
        advice = of_namespace(advise("--evaluate", "/".join(map(str, setting)), watch.output),
                              lab.gateway.name)
        predicted = advice["predicted"]["proposed"]["detection_s"]
        print(f"p50 {statistics.median(took):.3f} s (predicted {predicted['p50']}), p95 "
              f"{percentile(took, 0.95):.3f} s ({predicted['p95']})")
        assert abs(percentile(took, 0.5) / predicted["p50"] - 1) < 0.1
        assert abs(percentile(took, 0.95) / predicted["p95"] - 1) < 0.1
        assert max(took) <= predicted["max"] * 1.1


def test_a_program_that_leaks_is_no_path_that_forgets():
    """150 clients on a path that loses nothing. Half of them say goodbye, our program leaks their
    sockets, and probes meet silence or an RST after an idle time that the others' never reach: of
    the path that says nothing at all."""
    rng = random.Random(3)
    with Lab() as lab:
        lab.device.ip("route", "add", "local", "10.77.100.0/24", "dev", "lo")
        lab.device.nft("table inet off { set gone { type ipv4_addr; }\n"
                       " chain in { type filter hook input priority 0; ip daddr @gone drop; }\n}\n")
        watch = lab.watch("--all", "--idle-gap", "1s", f"netns = {lab.gateway.inode}")
        listener, pairs = lab.listen(), []
        with inside(lab.device.path):
            for number in range(150):
                device = lab.keep(socket.create_connection(("10.77.0.1", 7000), source_address=(
                    f"10.77.100.{number + 1}", 0)))
                pairs.append((lab.keep(listener.accept()[0]), device))
        staying, leaving = pairs[:75], pairs[75:]
        for gateway, _ in staying:
            keepalive(gateway, rng.randint(1, 4), 1, 3)
        for gateway, _ in leaving:
            keepalive(gateway, 6, 1, 2)
        for number, (gateway, device) in enumerate(leaving):
            time.sleep(rng.uniform(0, 0.05))
            address = device.getsockname()[0]
            device.shutdown(socket.SHUT_WR)
            wait_until(lambda: device.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 5, 5,
                       "FIN_WAIT2: our kernel has acknowledged it")
            if number % 2:
                device.setsockopt(socket.IPPROTO_TCP, 19, 1)    # its kernel forgets: RST
                device.close()
            else:
                run("ip", "netns", "exec", lab.device.name, "nft", "add", "element", "inet", "off",
                    "gone", f"{{ {address} }}")
        for gateway, _ in leaving:
            wait_until(lambda: gateway.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 7, 20,
                       "state CLOSE")
        # The witness: of those who stay, all are there.
        for gateway, device in staying:
            device.send(b"here")
            assert gateway.recv(4) == b"here"
        assert watch.stop() == 0
        for advice in advise("--hold-open", watch.output):
            timeout = advice.get("idle_timeout")
            assert not timeout or timeout["estimate_s"] is None, advice["scope"]
        said = subprocess.run([HALFOPEN, "advise", "--hold-open", watch.output], capture_output=True,
                              text=True).stdout
        assert "forgets after" not in said, said
