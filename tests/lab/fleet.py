# SPDX-License-Identifier: GPL-2.0
"""A fleet of tests/model/fleets.c with real sockets behind a real NAT: devices that speak, die and come
back, a server that asks, and a middlebox whose timer is the kernel's (conntrack's, or a set of nft's)."""
import contextlib
import errno
import heapq
import itertools
import json
import math
import os
import random
import select
import socket
import subprocess
import time

from lab import HALFOPEN, inside, keepalive, run, tcp_info
from nat import SHARED, NatLab

FLEETS = os.path.join(os.path.dirname(HALFOPEN), "bench", "fleets")
SCALE = 150         # an hour of the model's is 24 s here
PORT = 7412
WORD = b"a word of a device's, or of ours" * 4
TIMES = ("duration_s", "says_every_s", "says_mean_s", "dies_mean_s", "lemon_mean_s", "back_mean_s", "idle_s",
         "command_mean_s", "poll_s", "ask_low_s", "ask_high_s")
TCP_CLOSE, TCP_REPAIR = 7, 19
NEVER = math.inf


def cases():
    return run(FLEETS, "--list").stdout.split() if os.path.exists(FLEETS) else []


def parameters(case):
    """What the model says that the case is made of, in the lab's seconds."""
    said = json.loads(run(FLEETS, "--parameters", case).stdout)
    said.update({name: said[name] / SCALE for name in TIMES})
    said["timer_s"] = [t / SCALE for t in said["timer_s"] if t]
    return said


class Middlebox:
    """The router of a NatLab: mappings that are not refreshed for `timer_s` are forgotten."""

    def __init__(self, p):
        self.p = p
        timers = p["timer_s"]
        kept_by_set = p["data_only"] or len(timers) > 1 and not p["changes_after"]
        # Where sets of nft's keep the timers, conntrack's own is out of the way.
        self.lab = NatLab(without_mapping="reset" if p["resets_late_ask"] else "quiet", shared=1,
                          timeout=3600 if kept_by_set or not timers else int(timers[0]))
        self.sets = [f"of_{n}" for n in range(len(timers))] if kept_by_set else []

    def begin(self):
        """Once the lab stands."""
        # Who vanishes says nothing more: its kernel's resets go nowhere.
        self.lab.device.nft("table inet mute { chain out { type filter hook output priority 0;\n"
                            " tcp flags & rst == rst drop; }\n}\n")
        self.lab.gateway.sysctl(tcp_retries2=4)
        if not self.p["from_one_address"]:
            each = ", ".join(f"{self.lab.address(n)} : {SHARED}{n + 1}" for n in range(self.p["devices"]))
            self.lab.router.nft("flush chain ip carrier nat\n"
                                f"add rule ip carrier nat oifname up0 snat to ip saddr map {{ {each} }}")
        if self.sets:
            self.lab.router.nft(self.by_sets())

    def by_sets(self):
        """Whoever is in no set any more is dropped. Where empty segments do not count, they pass, and put
        nobody back; a device of an odd number is behind the second timer."""
        counts = "ip length > 100" if self.p["data_only"] else ""
        sets, rules = "", ""
        for name, timer, odd in zip(self.sets, self.p["timer_s"], range(len(self.sets))):
            sets += (f" set {name} {{ type ipv4_addr . inet_service; flags dynamic,timeout; size 65536;"
                     f" timeout {timer:g}s; }}\n")
            for address, port in (("ip saddr", "tcp sport"), ("ip daddr", "tcp dport")):
                of = f"iifname {'down0' if address == 'ip saddr' else 'up0'} " + \
                    (f"{address} & 0.0.0.1 == 0.0.0.{odd} " if len(self.sets) > 1 else "")
                key = f"{{ {address} . {port} }}"
                rules += (f"  {of}tcp flags syn update @{name} {key} accept\n"
                          f"  {of}{address} . {port} != @{name} drop\n"
                          f"  {of}{counts} update @{name} {key}\n")
        return f"table ip timers {{\n{sets} chain forward {{ type filter hook forward priority 10;\n{rules} }}\n}}\n"

    def change(self):
        """To the second timer, for what is refreshed from now on."""
        with inside(self.lab.router.path), open(
                "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established", "w") as f:
            f.write(str(int(self.p["timer_s"][1])))

    def timers(self):
        """As the kernel tells them."""
        def ours(name):
            said = run("ip", "netns", "exec", self.lab.router.name, "nft", "-j", "list", "set", "ip", "timers",
                       name).stdout
            return next(o["set"]["timeout"] for o in json.loads(said)["nftables"] if "set" in o)
        if self.sets:
            return sorted(map(ours, self.sets))
        with inside(self.lab.router.path), open(
                "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established") as f:
            return [int(f.read())]

    def mappings(self):
        """Seconds left of each established connection's, as conntrack -L tells them."""
        said = run("ip", "netns", "exec", self.lab.router.name, "conntrack", "-L", "-p", "tcp", "--state",
                   "ESTABLISHED").stdout
        return [int(line.split()[2]) for line in said.splitlines()]


class Device:
    """One of a fleet: its connection, and what stands on its clock."""

    def __init__(self, fleet, number):
        self.fleet, self.number = fleet, number
        self.asks_left = fleet.p["asks"] or NEVER
        self.lemon = fleet.rng.random() < fleet.p["lemons"]
        self.life = 0       # counts connections: what was planned for another is void
        self.gone = False   # the device's end; the server does not know
        self.server = self.device = None


class Fleet:
    """Its clock runs in play()."""

    def __init__(self, case, seed):
        self.case, self.p, self.rng = case, parameters(case), random.Random(f"{case} {seed}")
        self.middlebox = Middlebox(self.p)
        self.lab = self.middlebox.lab
        self.plan, self.order = [], itertools.count()
        self.epoll, self.by_descriptor = select.epoll(), {}
        self.devices = [Device(self, n) for n in range(self.p["devices"])]

    def begin(self, start):
        self.middlebox.begin()
        self.end = start + self.p["duration_s"]
        for d in self.devices:
            self.at(start + self.rng.uniform(0, 600 / SCALE), self.connect, d)
        if self.p["changes_after"]:
            self.at(start + self.p["changes_after"] * self.p["duration_s"],
                    lambda _: self.middlebox.change(), Device(self, None))

    # ---- the clock ----

    def at(self, when, what, device):
        if when < self.end:
            heapq.heappush(self.plan, (when, next(self.order), what, device, device.life))

    def next_at(self):
        return self.plan[0][0] if self.plan else NEVER

    def do_next(self):
        _, _, what, device, life = heapq.heappop(self.plan)
        if life == device.life:
            what(device)

    def after(self, mean):
        return self.rng.expovariate(1 / mean) if mean else NEVER

    # ---- what happens to a device ----

    def connect(self, d):
        d.life += 1
        d.gone = False
        d.server, d.device = self.dial(d.number)
        now, p = time.monotonic(), self.p
        if p["idle_s"]:
            keepalive(d.server, int(p["idle_s"]), 1, 4)
        for sock in (d.server, d.device):
            sock.setblocking(False)
        self.epoll.register(d.server, 0)        # errors alone
        self.by_descriptor[d.server.fileno()] = d, d.server
        self.at(now + self.after(p["lemon_mean_s"] if d.lemon else p["dies_mean_s"]), self.die, d)
        self.at(self.says_at(now), self.say, d)
        self.at(now + self.after(p["command_mean_s"]), self.command, d)
        self.at(now + p["poll_s"] if p["poll_s"] else NEVER, self.poll, d)
        self.plan_ask(d, now)

    def dial(self, number, tries=5):
        """A port whose last connection the server still holds is answered by a challenge ACK, and the mute
        rule drops the RST that would end it: another port, then."""
        for _ in range(tries):
            socket.setdefaulttimeout(1)
            try:
                return self.lab.dial(number, port=PORT)
            except TimeoutError:
                self.lab.listen(port=PORT).settimeout(0.1)
                with contextlib.suppress(TimeoutError):
                    self.lab.keep(self.lab.listen(port=PORT).accept()[0])
                self.lab.listen(port=PORT).settimeout(1)
            finally:
                socket.setdefaulttimeout(None)
        raise AssertionError(f"device {number} cannot connect")

    def says_at(self, now):
        p = self.p
        if p["says_of_timer"]:
            return now + p["says_of_timer"] * p["timer_s"][0]
        return now + (p["says_every_s"] or self.after(p["says_mean_s"]))

    def plan_ask(self, d, heard):
        p = self.p
        d.asks_at = NEVER
        if p["ask_low_s"] and d.asks_left:
            d.asks_at = heard + p["ask_low_s"] * (p["ask_high_s"] / p["ask_low_s"]) ** self.rng.random()
            self.at(d.asks_at, self.ask, d)

    def vanish(self, d):
        """Without a word."""
        d.gone = True
        d.device.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        d.device.close()

    def die(self, d):
        if d.gone:
            return
        self.vanish(d)
        self.at(time.monotonic() + self.after(self.p["back_mean_s"]), self.connect, d)

    def say(self, d):
        if d.gone:
            return
        with_answer = self.send(d.device)
        now = time.monotonic()
        self.at(self.says_at(now), self.say, d)
        self.plan_ask(d, now)
        if with_answer:
            self.at(now + 1, self.look, d)

    def look(self, d):
        """A device that gets no ACK gives its connection up, and dials anew."""
        if not d.gone and tcp_info(d.device)["unacked"]:
            self.vanish(d)
            self.at(time.monotonic() + self.rng.uniform(0.05, 0.5), self.connect, d)

    def command(self, d):
        if self.send(d.server):
            self.at(time.monotonic() + self.after(self.p["command_mean_s"]), self.command, d)

    def poll(self, d):
        """Now and then one is left out, or two."""
        skipped = 1
        while self.rng.random() < 0.3:
            skipped += 1
        if self.send(d.server):
            self.at(time.monotonic() + skipped * self.p["poll_s"], self.poll, d)

    def ask(self, d):
        if time.monotonic() < d.asks_at:
            return      # the device spoke meanwhile
        d.asks_left -= 1
        if self.send(d.server):
            self.at(time.monotonic() + 0.3, self.ask_again, d)

    def ask_again(self, d):
        """Once the last was answered."""
        if not tcp_info(d.server)["unacked"]:
            self.plan_ask(d, time.monotonic() - 0.3)

    @staticmethod
    def send(sock):
        try:
            return sock.send(WORD)
        except OSError as e:
            if e.errno == errno.EAGAIN:
                raise
            return 0        # it has been found dead

    def find_dead(self):
        """Whom the kernel has given up; a device that never speaks learns of it late."""
        for descriptor, _ in self.epoll.poll(0):
            d, server = self.by_descriptor.pop(descriptor)
            self.epoll.unregister(descriptor)
            if server is d.server and not d.gone and not self.p["says_mean_s"]:
                self.vanish(d)
                self.at(time.monotonic() + self.after(self.p["back_mean_s"]), self.connect, d)


def play(fleets):
    """All of them at once, in this thread, until the last one's time is over."""
    while True:
        fleet = min(fleets, key=Fleet.next_at)
        now = time.monotonic()
        if fleet.next_at() <= now:
            fleet.do_next()
            continue
        if fleet.next_at() == NEVER and now > max(f.end for f in fleets):
            return
        for f in fleets:
            f.find_dead()
        time.sleep(min(0.05, max(0, fleet.next_at() - time.monotonic())))


def of_model(case, seed):
    """What advise estimates of the same fleet as the model plays it, in the lab's seconds."""
    made = subprocess.run([FLEETS, "--scale", str(SCALE), case, str(seed)], stdout=subprocess.PIPE, check=True)
    return estimate(made.stdout, lambda scope: scope["kind"] == "namespace")


def estimate(timelines, is_it):
    """idle_timeout of the scope that is_it() chooses."""
    r = subprocess.run([HALFOPEN, "advise", "--json", "-"], input=timelines, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
    assert r.returncode in (0, 3), r.stderr
    return next(l for l in map(json.loads, r.stdout.splitlines()) if is_it(l["scope"]))["idle_timeout"]
