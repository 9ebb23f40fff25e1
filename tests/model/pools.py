# SPDX-License-Identifier: GPL-2.0
"""Pools of devices behind one address, and the truth about who came back as whom.

A pool lives through its devices' plans: each dials, speaks, dies, and dials again, at once, after
minutes or hours, or never; some move to or from another address, hold several connections, or replace a living
one. Its NAT chooses ports in one of several ways. What a watch on their server would be told becomes a
recording. Nothing in here knows how halfopen links connections."""
import heapq
import math
import random
import struct

from recording import EVENT, MS, S, SMALL, record

HZ = 250
BEGIN = 100_000 * S             # of the watch, since boot
ESTABLISHED, SYN_RECV, FIN_WAIT1, FIN_WAIT2, CLOSE, LAST_ACK = 1, 3, 4, 5, 7, 9
SEEN, STATE, PROBE, HEARD, RETRANSMIT = 1, 2, 3, 5, 6
KEEPALIVE, ORPHAN, IN_KEEPALIVE, SEGMENT, FIN_QUEUED = 1, 2, 8, 32, 64
DATA_IDLE, ALL_ACKED, TIMESTAMP, UNDELIVERED = 256, 4096, 1 << 14, 1 << 15
ETIMEDOUT, ACK, TAKEN = 110, 16, 1
TOLD_AFTER = 10 * S             # a segment that ends a shorter silence is not told
LOW, HIGH = 1024, 65536


# ---- how ports come about ----

class Counting:
    """Each device counts its ports up; the NAT keeps them."""

    def __init__(self, rng):
        self.rng, self.last = rng, {}

    def port(self, device, at):
        step = self.rng.choice((1, 1, 1, 2)) if device in self.last else self.rng.randrange(LOW, HIGH)
        self.last[device] = (self.last.get(device, 0) + step) % HIGH or LOW
        return self.last[device]


class Numbering:
    """The NAT numbers its mappings one after the other, those to other servers too."""

    def __init__(self, rng):
        self.rng, self.next, self.at = rng, rng.randrange(LOW, HIGH), None
        self.others = rng.choice((0, 0, 0.01, 0.2))     # mappings to elsewhere, a second

    def port(self, device, at):
        passed = (at - self.at) / S if self.at else 0
        others = int(self.rng.expovariate(1) * passed * self.others) if self.others else 0
        self.next, self.at = LOW + (self.next + 1 + others - LOW) % (HIGH - LOW), at
        return self.next


class Random:
    def __init__(self, rng):
        self.rng = rng

    def port(self, device, at):
        return self.rng.randrange(LOW, HIGH)


class Preserving:
    """The NAT keeps the ports of devices that run Linux: near each other within ten seconds, then elsewhere."""

    def __init__(self, rng):
        self.rng, self.last = rng, {}

    def port(self, device, at):
        port, when = self.last.get(device, (0, 0))
        if when and at - when < 10 * S:
            port += self.rng.randrange(2, 17, 2)
        else:
            port = self.rng.randrange(32768, 61000)
        self.last[device] = port, at
        return port


class Blocks:
    """A carrier gives each subscriber, of one to three devices, a block of ports (RFC 7422)."""
    size = 512

    def __init__(self, rng):
        self.rng, self.blocks, self.free = rng, {}, list(range(LOW // self.size, HIGH // self.size))
        rng.shuffle(self.free)
        self.subscriber_of, self.room = {}, 0

    def port(self, device, at):
        if device not in self.subscriber_of:
            if not self.room:
                self.room = self.rng.choice((1, 1, 2, 3))
                self.block = self.rng.choice(self.free) if len(self.blocks) > 100 else self.free.pop()
            self.room -= 1
            self.subscriber_of[device] = self.block
            self.blocks[self.block] = True
        return self.subscriber_of[device] * self.size + self.rng.randrange(self.size)


class Parity:
    """Random ports of the same parity as the device's own, which counts up by two (RFC 4787)."""

    def __init__(self, rng):
        self.rng = rng

    def port(self, device, at):
        return self.rng.randrange(LOW, HIGH, 2) + device % 2


PORTS = {"counting": Counting, "numbering": Numbering, "random": Random, "preserving": Preserving,
         "blocks": Blocks, "parity": Parity}


# ---- connections and devices ----

class Connection:
    def __init__(self, cookie, device, opened, port, session):
        self.cookie, self.device, self.opened, self.port = cookie, device, opened, port
        self.session = session          # how often its device had dialled before
        self.gone = None                # the device knows it no more
        self.twin = False               # one of several of its device
        self.early = opened             # when it was last heard before the watch


class Pool:
    """`devices` behind one address for `hours`. The server's keepalive and what its program does of
    itself are drawn: nothing, an end after one and a half periods (at once, or when it looks, as brokers do),
    a takeover by name (of all clients, or of those who keep their name; as soon as the new one has logged
    in), or both."""

    def __init__(self, ports, devices, hours, seed, number=0):
        self.rng = rng = random.Random(f"{ports} {devices} {seed}")
        self.ports = PORTS[ports](rng)
        self.number, self.end = number, BEGIN + int(hours * 3600) * S
        self.connections, self.records, self.dials = [], [], []
        self.idle, self.interval, self.probes = rng.choice(((60, 10, 3), (300, 30, 4), (1800, 75, 9), (0, 0, 0)))
        program = rng.choice(("waits", "waits", "ends", "takes over", "both"))
        self.ends, self.takes_over = program in ("ends", "both"), program in ("takes over", "both")
        self.looks_every = rng.choice((0, 5, 60))       # seconds
        self.named = rng.choice((0.3, 0.7, 1, 1))       # share of devices that keep their name
        self.log_in = rng.choice((self.log_in_at_once, self.log_in_cellular, self.log_in_slowly))
        self.life = hours * 3600 * rng.choice((0.3, 0.6, 1.5))
        self.returns = rng.choice((0.3, 0.7, 0.95))     # of those that died
        self.newcomers = rng.choice((0, 0.1, 0.5))      # a device that is new, for each that dials again
        self.doubles = rng.choice((0, 0.1, 0.3))
        self.replaces = rng.choice((0, 0.05))           # a living connection, instead of dying
        self.periods = rng.choice(((20, 60), (60, 300), (300, 1200)))
        self.quick = rng.choice((0.2, 0.5, 0.8))
        self.period_of, self.dialled, self.used = {}, {}, set()
        self.devices = devices
        for device in range(devices):
            self.dial_at(BEGIN - int(rng.random() * 3600 * S), device)
        while self.dials:
            at, _, device = heapq.heappop(self.dials)
            if at < self.end:
                self.dial(at, device)

    def dial_at(self, at, device):
        heapq.heappush(self.dials, (at, len(self.dials) + self.rng.random(), device))

    def back_after(self):
        """Seconds until a device that died dials again."""
        rng = self.rng
        if rng.random() < self.quick:
            return rng.uniform(0.3, 20)
        return rng.expovariate(1 / rng.choice((60, 900, 7200)))

    # milliseconds from an open connection to the client's name, as it is seen by the program
    def log_in_at_once(self):
        return self.rng.uniform(30, 400)

    def log_in_cellular(self):
        return min(8000, self.rng.lognormvariate(math.log(250), 0.8))

    def log_in_slowly(self):
        return self.rng.uniform(500, 2500)

    def dial(self, at, device):
        rng = self.rng
        if device not in self.period_of:
            self.period_of[device] = rng.uniform(*self.periods)
        session = self.dialled[device] = self.dialled.get(device, 0) + 1
        lives = rng.expovariate(1 / self.life) + 1
        double = random.Random(device * 7919).random() < self.doubles
        back = at + int((lives + self.back_after()) * S)
        returns = rng.random() < self.returns
        replaces = rng.random() < self.replaces
        if replaces:
            back, returns = at + int(lives * S), True
        for n in range(1 + double):
            self.connect(at + n * rng.randrange(50_000, 900_000), device, session, at + int(lives * S), double,
                         back if returns else None, replaces)
        if returns:
            self.dial_at(back, device)
        if rng.random() < self.newcomers:
            self.devices += 1
            self.dial_at(at + int(rng.expovariate(1 / self.life) * S), self.devices)

    def connect(self, at, device, session, gone, twin, back, replaces):
        port = self.ports.port(device, at)
        while port in self.used:
            port = (port + 1) % HIGH or LOW
        self.used.add(port)
        c = Connection((self.number << 32) + len(self.connections) + 1, device, at, port, session)
        c.twin, c.gone = twin, gone
        self.connections.append(c)
        self.tell_life(c, back, replaces)

    # ---- what the kernel side tells of one ----

    def tell(self, c, at, kind, heard, small=False, **more):
        now = lambda ns: ns // (S // HZ) % 2**32    # noqa: E731
        f = dict.fromkeys(("error", "out", "packets", "seq", "size", "tcp", "retransmits", "verdict", "delivered",
                           "old", "flags", "ttl"), 0) | {"state": ESTABLISHED} | more
        flags = f["flags"] | (KEEPALIVE if self.idle else 0) | (0 if f["packets"] else ALL_ACKED)
        event = EVENT.pack(
            at, c.cookie, kind, 2, f["state"], f["old"], 1, bytes([192, 0, 2, 1]), struct.pack(">I", 0x0a000000 + self.number),
            1883, c.port, flags, f["error"], now(at), now(heard), now(heard), 40000, self.idle * HZ, self.interval * HZ,
            7200 * HZ, 75 * HZ, 0, self.probes, 9, f["out"], 0, f.get("sent", heard), 100, 100, now(heard), 0,
            HZ // 5, f["packets"], 0, 5, 5, f["retransmits"], 20000, f["seq"], f["size"], 0, f["tcp"],
            f["retransmits"], f["retransmits"], 1 if f["packets"] else 0, 1 if f["packets"] else 0, f["verdict"], f["ttl"],
            0, 1, f["delivered"], 0, 9, 0, 0, 0, at // S, 0)
        if BEGIN <= at < self.end:
            self.records.append((at, event[:SMALL] if small else event))

    def hear(self, c, at, before, size):
        """A segment of the device's."""
        if at < BEGIN:
            c.early = at
        if at - before >= TOLD_AFTER or not size:
            self.tell(c, at, HEARD, before, flags=SEGMENT | TIMESTAMP | (DATA_IDLE if size and at - before >= TOLD_AFTER else 0),
                      size=size, tcp=ACK, verdict=TAKEN, ttl=52, out=0 if size else 1)
        return at

    def probe_living(self, c, heard, until):
        """Keepalive asks in a silence, and is answered."""
        while self.idle and heard + self.idle * S < until:
            asked = heard + self.idle * S
            self.tell(c, asked, PROBE, heard, out=1, sent=asked)
            heard = self.hear(c, asked + 40 * MS, heard, 0)
        return heard

    def tell_life(self, c, back, replaces):
        rng, period = self.rng, self.period_of[c.device]
        if c.opened >= BEGIN:
            self.tell(c, c.opened, STATE, c.opened, small=True, old=SYN_RECV)
        heard, told = c.opened, c.opened >= BEGIN
        speaks = c.opened + int(rng.random() * period * S)
        while speaks < c.gone:
            heard = self.probe_living(c, heard, speaks)
            if not told and speaks >= BEGIN:
                self.tell(c, BEGIN, SEEN, c.early)
                told = True
            heard = self.hear(c, speaks, heard, rng.choice((2, 100, 400)))
            speaks += int(period * rng.uniform(0.9, 1.1) * S)
        heard = self.probe_living(c, heard, c.gone)
        if not told and c.gone >= BEGIN:
            self.tell(c, BEGIN, SEEN, c.early)
        if replaces:
            self.close_living(c, heard, c.gone + 50 * MS + int(rng.random() * 900 * MS))
        else:
            self.die(c, heard, back)

    def close_living(self, c, heard, at):
        c.gone = at
        self.used.discard(c.port)
        self.tell(c, at, STATE, heard, small=True, state=CLOSE, old=self.rng.choice((FIN_WAIT2, LAST_ACK)),
                  flags=ORPHAN)

    def die(self, c, heard, back):
        """The device hears nothing more; keepalive asks, or the program ends it first."""
        ends = self.ended_by_program(c, heard, back)
        asked, out = heard + self.idle * S, 1
        while self.idle:
            if ends and asked >= ends:
                break
            if out > self.probes:
                self.tell(c, asked, STATE, heard, state=CLOSE, old=ESTABLISHED, error=ETIMEDOUT, out=self.probes,
                          flags=IN_KEEPALIVE, sent=asked - self.interval * S)
                self.used.discard(c.port)
                return
            self.tell(c, asked, PROBE, heard, out=out, sent=asked)
            asked, out = asked + self.interval * S, out + 1
        if ends:
            self.end_in_vain(c, heard, ends, out - 1)

    def ended_by_program(self, c, heard, back):
        """When it closes a connection whose device is gone; None: never."""
        ends = None
        if self.ends:
            ends = heard + int(1.5 * self.period_of[c.device] * S)
            ends += -ends % (self.looks_every * S) if self.looks_every else 0
        if self.takes_over and back and not c.twin and random.Random(c.device * 104729).random() < self.named:
            taken = back + int(self.log_in() * MS)
            ends = min(ends or taken, taken)
        return ends

    def end_in_vain(self, c, heard, at, out):
        wait, when = 250 * MS, at
        for n in range(1, 9):
            when += wait
            wait *= 2
            self.tell(c, when, RETRANSMIT, heard, state=FIN_WAIT1, packets=1, retransmits=n, sent=when, delivered=at,
                      flags=FIN_QUEUED | ORPHAN | UNDELIVERED, out=out)
        self.tell(c, when + wait, STATE, heard, state=CLOSE, old=FIN_WAIT1, error=ETIMEDOUT, packets=1, retransmits=8,
                  sent=when, delivered=at, flags=FIN_QUEUED | ORPHAN | UNDELIVERED)

    # ---- the truth ----

    def successors(self):
        """By the cookie of each connection that its device left: the cookies on which it came back."""
        sessions = {}
        for c in self.connections:
            sessions.setdefault((c.device, c.session), []).append(c)
        return {c.cookie: {n.cookie for n in sessions.get((c.device, c.session + 1), [])} for c in self.connections}


def write(path, pools):
    """A recording: time passes in it once a second, as in a live one, where anything happened lately."""
    text = lambda *words: b"".join(w.encode() + b"\0" for w in words)   # noqa: E731
    events = sorted((e for pool in pools for e in pool.records), key=lambda e: e[0])
    with open(path, "wb") as f:
        f.write(b"HALFOPEN" + struct.pack("<II", 3, 0x01020304))
        f.write(record(1, BEGIN - S, struct.pack("<I", HZ) + text("1", "pools", "b", "r", "6.18")))
        f.write(record(5, BEGIN - S, struct.pack("<Q", 1_700_000_000 * S)))
        f.write(record(2, BEGIN, text("tcp_probe timer_expire_exit")))
        tick = BEGIN
        for at, event in events:
            for _ in range(3):
                if tick < at:
                    f.write(record(4, tick, b""))
                    tick += S
            tick = max(tick, at - at % S)
            f.write(record(3, at, event))
        f.write(record(4, events[-1][0] + 5 * S, b""))
        f.write(record(11, events[-1][0] + 10 * S, b""))
