# SPDX-License-Identifier: GPL-2.0
"""What of a stranger's segments is life: random ones against live sockets in each of their states,
judged by the kernel's own word after each.

What the kernel accepts moves tcpi_last_ack_recv, tcpi_last_data_recv, bytes_received or
rcv_ooopack. What we took for life is an event in a recording. The contract adds to the kernel's
word: bytes already taken and the peer's probe, at most one window below the next byte, are life
though the kernel refuses them; a SYN never is. What no clock and no segment tells is left open."""
import collections
import contextlib
import heapq
import itertools
import socket
import struct
import time

import records
from forge import (ACK, FIN, PSH, RST, SYN, Forger, raw_socket, receive_window, tells_window,
                   vanish)
from lab import cookie, keepalive, mono_ns, tcp_info, wait_until

# Pauses between segments on one socket: more than the 100 ms in which nobody looks again; on
# patient ones more than the half second in which life that moves no clock of the kernel's need not
# be told again; and after life that does, more than the shortest idle gap, whose end is told.
HASTY_S, PATIENT_S, IDLE_S, UNTOLD_NS = 0.125, 0.65, 1.05, 600_000_000
TCP_ESTABLISHED = 1
LINGER_0 = struct.pack("ii", 1, 0)
PEER_WINDOW = 64    # as in the header, scaled by the connection's own factor
FIRST_PORT = 7000   # the gateway's: each state has its own


def signed(number):
    return (number + 2**31) % 2**32 - 2**31


class Target:
    """A connection in one of STATES whose device has vanished: only forged segments come in.
    Numbers are counted from where the connection began, in both directions."""

    def __init__(self, lab, raw, name, device_port, pause_s, rng):
        self.prepare, timestamps, receive_buffer = STATES[name]
        port = FIRST_PORT + list(STATES).index(name)
        lab.device.sysctl(tcp_timestamps=timestamps)
        if receive_buffer:
            lab.listen(port=port).setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        gateway, device = lab.connect(port=port, device_port=device_port)
        self.gateway, self.key, self.name = gateway, cookie(gateway), name
        self.pause_s, self.tells_window = pause_s, tells_window(gateway)
        gateway.setblocking(False)
        self.forger = Forger(lab, gateway, device, raw)
        vanish(device)
        # The kernel's ts_recent lies between: it keeps the newest timestamp of what it accepts.
        self.ts_highest = self.forger.theirs_ms
        self.ts_recent = self.ts_highest - 100      # the handshake's may be older than that read
        self.written = 0
        self.refused_ns = 0
        self.widest = 0
        self.info()
        if rng.random() < 0.3:      # so that the peer's window limits how old an ACK may be
            while (info := self.info())["bytes_acked"] < 100_000:
                self.write(min(20_000, info["snd_wnd"]))
                self.acknowledge()
        self.prepare(self)

    def info(self):
        info = tcp_info(self.gateway)
        if not self.tells_window:
            info["rcv_wnd"] = receive_window(self.gateway)
        info["sent"] = self.written - info["notsent"]
        info["flight"] = info["sent"] - info["bytes_acked"]
        self.widest = max(self.widest, info["rcv_wnd"])
        return info

    def write(self, size):
        """As much of it as there is room for."""
        with contextlib.suppress(BlockingIOError):
            self.written += self.gateway.send(b"x" * size)

    def say(self, info, payload=b""):
        """A segment as the device's own kernel would send it."""
        self.ts_highest = max(self.ts_highest, self.forger.clocks()[0])
        self.forger.send(info["bytes_received"], info["sent"], payload=payload,
                         window=PEER_WINDOW, value=self.ts_highest)

    def acknowledge(self):
        self.say(self.info())

    def read(self):
        try:
            self.gateway.recv(1 << 20)
        except BlockingIOError:
            pass

    def abort(self):
        self.gateway.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        self.gateway.close()


# ---- states ----

def idle(target):
    target.read()
    if tcp_info(target.gateway)["unacked"]:
        target.acknowledge()


def in_flight(target):
    target.read()
    if tcp_info(target.gateway)["unacked"] < 2:
        target.write(3000)


def unread(target):
    info = target.info()
    if not info["bytes_received"]:
        target.say(info, b"x" * 1400)
    elif info["bytes_received"] > 40_000:
        target.read()
        target.say(info, b"x" * 1400)


def closed_window(target):
    """Fills the window to the last byte, and that is acknowledged."""
    for _ in range(40):
        info = target.info()
        if not info["rcv_wnd"]:
            return
        target.say(info, b"x" * min(1400, info["rcv_wnd"]))


def asked(target):
    """The keepalive timer asks; the device answers nothing."""
    idle(target)
    keepalive(target.gateway, 1, 1, 100)


# name: (what brings a target into it, tcp_timestamps, SO_RCVBUF)
STATES = {
    "idle": (idle, 1, None),
    "without timestamps": (idle, 0, None),
    "data in flight": (in_flight, 1, None),
    "unread data": (unread, 1, None),
    "asked by keepalive": (asked, 1, None),
    "closed window": (closed_window, 1, 8192),
}


# ---- segments ----

Shot = collections.namedtuple("Shot", "seq ack flags payload value")


def draw(rng, target, info):
    """A segment whose numbers are distances from what is expected next, from the first byte that
    is unacknowledged, and from ts_recent; often on a border."""
    window, length = info["rcv_wnd"], rng.choice([0] * 8 + [1] * 3 + [8, 100, 1400])
    near = rng.choice([-1, 0, 0, 1])
    seq = rng.choice([0] * 9 + [-1] * 5 + [1, -2, -length, -length + near, window + near,
                                           window - length + near, -window + near,
                                           rng.randint(-3000, 3000), rng.randint(-2**31, 2**31),
                                           -10**9, 10**9])
    flight = info["flight"]
    ack = rng.choice([0] * 12 + [flight] * 5 + [flight + 1] * 2 +
                     [-1, 1, flight - 1, near - info["bytes_acked"], near - info["snd_wnd"],
                      flight + 1000, rng.randint(-3000, 3000), rng.randint(-2**31, 2**31),
                      -10**9, 10**9])
    flags = rng.choice([ACK] * 24 + [ACK | PSH] * 6 + [0, PSH, SYN, SYN, SYN | ACK, FIN, ACK | FIN,
                                                       RST, RST | ACK])
    value = None
    if target.forger.timestamps:
        now = signed(target.forger.clocks()[0] - target.ts_recent)
        value = rng.choice([now] * 14 + [None] * 2 + [0, -1, -2, now + 50, -100, -10_000,
                                                      -864_000_000, rng.randint(-2**31, -10**9)])
    return Shot(seq, ack, flags, length, value)


def is_old(shot):
    """Does it fail PAWS? (tcp_paws_check() has a window of one)"""
    return shot.value is not None and shot.value < -1


def is_overtaken(shot):
    """An old duplicate that the kernel may let pass all the same (tcp_disordered_ack())."""
    return is_old(shot) and shot.flags in (ACK, ACK | PSH) and \
        not shot.payload and not shot.seq and not shot.ack


def may_be_life(shot, target, info):
    """Of a segment that moved none of the kernel's clocks: may it have been called life?"""
    if shot.flags & (SYN | RST) or not shot.flags & ACK or shot.ack > info["flight"]:
        return False
    if is_old(shot):
        return is_overtaken(shot)
    # Below the next byte: one window is what is offered, or once was. Within the window an old ACK
    # leaves no trace.
    return -2 * target.widest <= shot.seq < 0 or shot.ack < 0 <= shot.seq <= info["rcv_wnd"]


def must_be_life(shot, info):
    """Of a segment that moved none of the kernel's clocks: bytes already taken, or a probe."""
    repeats = shot.seq + shot.payload <= 0 and shot.seq >= -info["rcv_wnd"] if shot.payload else \
        shot.seq == -1
    return repeats and shot.flags in (ACK, ACK | PSH) and 0 <= shot.ack <= info["flight"] and \
        not is_old(shot)


def need_not_be_life(shot, info):
    """Of a segment that moved a clock of the kernel's: what cannot be known when it arrives."""
    too_old = shot.ack < -min(info["snd_wnd"], info["bytes_acked"])
    # Some kernels that refuse what ends above the window take a FIN there: its state shows it.
    last = shot.flags & FIN and shot.seq + shot.payload + 1 > info["rcv_wnd"]
    return is_overtaken(shot) or last or shot.payload and not shot.seq and too_old


Judged = collections.namedtuple("Judged", "key name begun ended shot state accepted must may info")
SHOT = Judged._fields.index("shot")


def moved(before, after):
    return after["last_ack_recv_ms"] + 40 < before["last_ack_recv_ms"] or \
        after["last_data_recv_ms"] + 40 < before["last_data_recv_ms"] or \
        any(after[name] > before[name] for name in ("bytes_received", "rcv_ooopack"))


def fire(target, shot):
    """Sends it, and takes the kernel's word."""
    info, forger = target.info(), target.forger
    value = None if shot.value is None else target.ts_recent + shot.value
    made = forger.segment(info["bytes_received"] + shot.seq, info["bytes_acked"] + shot.ack,
                          shot.flags, b"x" * shot.payload, window=PEER_WINDOW, value=value,
                          timestamps=value is not None)
    begun = mono_ns()
    forger.send_made(made)
    after = wait_until(lambda: (i := tcp_info(target.gateway))["segs_in"] != info["segs_in"] and i,
                       5, "the segment")
    ended = mono_ns()
    accepted = moved(info, after)
    if accepted:
        # Old ACKs share half a second, whether the kernel's clocks notice them or not.
        hidden = shot.ack < 0 and not shot.seq <= 0 < shot.seq + shot.payload and \
            begun - target.refused_ns <= UNTOLD_NS
        must, may = not (hidden or need_not_be_life(shot, info)), True
    else:
        must = must_be_life(shot, info) and begun - target.refused_ns > UNTOLD_NS
        may = may_be_life(shot, target, info)
        target.refused_ns = ended
    if shot.flags & RST and after["state"] != TCP_ESTABLISHED:
        must, may = False, True     # an ending, whatever it is called
    if value is not None:
        if target.ts_recent - value <= 1 < target.ts_highest - value:
            must, may = False, True     # nobody but the kernel knows whether it is old
        if not is_old(shot):
            target.ts_highest = max(target.ts_highest, value)
        if accepted and shot.seq <= 0 <= shot.ack:
            target.ts_recent = max(target.ts_recent, value)
    return Judged(target.key, target.name, begun, ended, shot, after["state"], accepted, must, may,
                  info)


def bombard(lab, crew, count, rng):
    """Fires `count` segments in turn at many sockets, whose states and pauses `crew` lists; what
    the kernel made of each."""
    # The device's kernel makes connections and is deaf to all else.
    lab.device.drop("input", f"tcp sport {FIRST_PORT}-{FIRST_PORT + len(STATES)} "
                             "tcp flags & syn == 0x0")
    raw, judged, agenda = raw_socket(lab), [], []
    ports = itertools.count(2000)   # each once: the device has forgotten where it is connected
    for n, (name, pause_s) in enumerate(crew):
        target = Target(lab, raw, name, next(ports), pause_s, rng)
        heapq.heappush(agenda, (time.monotonic() + IDLE_S * rng.uniform(1, 2), n, target))
    while len(judged) < count:
        due, n, target = heapq.heappop(agenda)
        time.sleep(max(0, due - time.monotonic()))
        info = target.info()
        silent_s = min(info["last_ack_recv_ms"], info["last_data_recv_ms"]) / 1000
        if silent_s >= IDLE_S - 0.02:
            verdict = fire(target, draw(rng, target, info))
            judged.append(verdict)
            if verdict.state != TCP_ESTABLISHED:
                target.abort()
                target = Target(lab, raw, target.name, next(ports), target.pause_s, rng)
            else:
                target.prepare(target)
            pause_s = target.pause_s if not verdict.accepted else IDLE_S
        else:       # something in between came from prepare()
            pause_s = IDLE_S - silent_s
        heapq.heappush(agenda, (time.monotonic() + pause_s, n, target))
    for _, _, target in agenda:     # nobody is left who would acknowledge a FIN
        target.abort()
    return judged


# ---- the judgement ----

def place(number, borders):
    """Where a number lies among named borders, the first of them the one that matters most."""
    for name, border in borders:
        if abs(number - border) <= 1:
            return name + ("", "+1", "-1")[number - border]
    return "below" if number < borders[0][1] else "above"


def describe(j):
    """Of which kind a segment was, for people."""
    info, shot = j.info, j.shot
    names = [name for name, bit in (("FIN", FIN), ("SYN", SYN), ("RST", RST), ("PSH", PSH),
                                    ("ACK", ACK)) if shot.flags & bit]
    seq = place(shot.seq, [("next", 0), ("window", info["rcv_wnd"]), ("-window", -info["rcv_wnd"])])
    ack = place(shot.ack, [("una", 0), ("sent", info["flight"]), ("-acked", -info["bytes_acked"])])
    old = "without timestamp" if shot.value is None else \
        f"timestamp {'old' if is_old(shot) else 'good'}"
    return f"{j.name}: {'|'.join(names) or 'no flag'} {'data' if shot.payload else 'empty'}, seq {seq}, " \
        f"ack {ack}, {old}"


def heard_in(recording):
    """Cookie -> instants of what was taken for life."""
    heard = collections.defaultdict(list)
    for e in records.events(recording):
        if e.kind == records.HO_HEARD and e.segment != records.SEGMENT_REFUSED:
            heard[e.cookie].append(e.mono_ns)
    return heard


def disagreements(judged, heard, sees_timestamps=True):
    """(what is wrong, which kind of segment) -> examples. Who sees no timestamps may take old
    segments for life, and then need not tell what follows at once."""
    wrong = collections.defaultdict(list)
    old_ns = collections.defaultdict(lambda: -UNTOLD_NS)
    for j in judged:
        if not sees_timestamps:
            if is_old(j.shot):
                old_ns[j.key] = j.ended
                continue
            if j.begun - old_ns[j.key] <= UNTOLD_NS:
                continue
        life = any(j.begun <= at <= j.ended for at in heard[j.key])
        if life and not j.may:
            wrong["refused, and called life", describe(j)].append(j)
        elif not life and j.must:
            wrong["accepted, and not heard" if j.accepted else
                  "taken already, and not heard", describe(j)].append(j)
    return wrong


def report(wrong):
    kinds = sorted(wrong.items(), key=lambda item: -len(item[1]))
    totals = collections.Counter()
    for (what, _), all in kinds:
        totals[what] += len(all)
    return "\n".join([f"{count} {what}" for what, count in totals.items()] +
                     [f"  {len(all)} {what}: {kind}; {all[0].shot}" for (what, kind), all in
                      kinds[:30]])
