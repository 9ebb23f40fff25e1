#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A reference model of a Linux socket's timers, written apart from halfopen's core: random lives
of connections (keepalive options, data both ways, cuts of either direction, single losses, peers
that forget) are played by the kernel's rules. What the kernel side would tell becomes a recording,
what a timeline has to say follows from the segments themselves by the words of the contract;
`halfopen watch -r` must agree, for every one.

    reference.py PROGRAM RESULTS [HISTORIES [SEED]]     writes RESULTS/model.xml (JUnit)

The rules are those of tcp_keepalive_timer(), tcp_retransmit_timer(), tcp_write_timeout(),
tcp_ack() and tcp_rcv_established() as of Linux 6.1 to 6.18.
"""
import heapq
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
from xml.sax.saxutils import quoteattr

HZ = 250
MS, S = 10**6, 10**9
JIFFY = S // HZ
BOOT_JIFFIES = -75_000 % 2**32      # the kernel's own start: they wrap after five minutes
ESTABLISHED, FIN_WAIT2, CLOSE, SYN_RECV = 1, 5, 7, 3
ETIMEDOUT, ECONNRESET = 110, 104
RETRIES2 = 4
QUIET, UNHEARD, IDLE = HZ // 10, HZ, 10 * HZ     # the gate's thresholds
STATE, PROBE_SENT, PROBE_FAILED, HEARD, RETRANSMIT, RESET_SENT, RESET_RECEIVED = 2, 3, 4, 5, 6, 7, 8
ZERO_WINDOW_PROBE, DROPPED = 11, 1
KEEPALIVE, IN_KEEPALIVE, SEGMENT, ZERO_WINDOW = 1, 8, 32, 128
RST, ACK = 4, 16
LIFE = 100 * S

EVENT = struct.Struct("<QQBBBBI16s16sHHHHIIIIIIIIIBBBB" "QQQIIIIIIIIIiIIBBBBBxxx")
assert EVENT.size == 184


def jiffies(at):
    return at // JIFFY


def wheel_lateness(delta):
    """The granule of the level at which the timer wheel keeps a timer of this length."""
    level = 0
    while level < 8 and delta >= 63 << (3 * level):
        level += 1
    return 1 << (3 * level)


class Life:
    """One connection, from its opening to its end."""

    def __init__(self, cookie, rng, start):
        self.cookie, self.rng, self.start, self.now = cookie, rng, start, start
        self.idle, self.interval = rng.randint(1, 15) * HZ, rng.randint(1, 4) * HZ
        self.probes = rng.randint(1, 6)
        self.user_timeout_ms = rng.choice([0, 0, 0, rng.randint(500, 20000)])
        self.delay = rng.randint(5, 300) * MS       # there and back
        self.agenda, self.order, self.records = [], 0, []
        # the socket
        self.rcv_tstamp = self.lrcvtime = jiffies(start)
        self.probes_out = self.retransmits = self.total_retrans = self.backoff = 0
        self.packets_out, self.chrono_start, self.retrans_stamp = 0, 0, 0
        self.rto = HZ // 5 + jiffies(self.delay) + 1
        self.rto_deadline = None
        self.last_tx = start
        self.unsent, self.probes_since = 0, None    # data that waits behind a closed window
        # the world
        self.cuts = self.random_cuts()
        self.theme = rng.choices(["data", "kept in", "window"], [8, 1, 1])[0]
        self.forgets_at = start + rng.randint(5, 90) * S if rng.random() < 0.15 else None
        # what was on the wire, for what must be said
        self.asks, self.kinds, self.heard_at, self.told_of_silence = [], set(), start, False
        self.written = None         # an unacknowledged write: its first transmission
        self.answers, self.sent, self.answered, self.peer_probes = [], 0, 0, 0
        self.failed = self.window_probes = 0
        self.episodes, self.ending = [], None

    # ---- the world ----

    def random_cuts(self):
        rng, cuts = self.rng, []
        for _ in range(rng.choice([0, 1, 1, 2])):
            begin = self.start + rng.randint(1, 80) * S + rng.randint(0, 999) * MS
            cuts.append((begin, begin + rng.randint(200, 20000) * MS,
                         rng.choice(["both", "in", "out"])))
        if rng.random() < 0.6:
            begin = self.start + rng.randint(1, 60) * S
            cuts.append((begin, self.start + 10 * LIFE, rng.choice(["both", "in", "out"])))
        return cuts

    def passes(self, way, at):
        return self.rng.random() > 0.03 and not any(
            begin <= at < end and which in (way, "both") for begin, end, which in self.cuts)

    def at(self, when, what, *arguments):
        self.order += 1
        heapq.heappush(self.agenda, (when, self.order, what, arguments))

    def live(self):
        rng, start = self.rng, self.start
        self.tell(STATE, state=ESTABLISHED, old_state=SYN_RECV, small=True)
        self.arm_keepalive(self.idle)
        if self.theme == "data":
            for _ in range(rng.choice([0, 0, 1, 3])):
                self.at(start + rng.randint(500, 90000) * MS, self.write)
        elif self.theme == "window":
            self.at(start + rng.randint(500, 60000) * MS, self.window_closes)
        else:   # this host's own filter, for a while
            begin = start + rng.randint(1, 60) * S
            self.kept_in = (begin, begin + rng.choice([5 * S, 20 * S, 10 * LIFE]))
        for _ in range(rng.choice([0, 1, 4])):
            self.at(start + rng.randint(500, 90000) * MS, self.peer_writes)
        if rng.random() < 0.2:
            self.at(start + rng.randint(3, 10) * S, self.peer_probes_us, rng.randint(3, 10) * S)
        if rng.random() < 0.2:
            self.at(start + rng.randint(5, 90) * S, self.close)
        while self.agenda and not self.ending:
            self.now, _, what, arguments = heapq.heappop(self.agenda)
            if self.now > start + LIFE:
                break
            what(*arguments)
        return self

    # ---- what the kernel side tells ----

    def unheard(self):
        now = jiffies(self.now)
        return min(now - self.rcv_tstamp, now - self.lrcvtime)

    def tell(self, kind, state=ESTABLISHED, old_state=0, flags=0, error=0, tcp_flags=0,
             seq_offset=0, payload=0, reason=0, small=False):
        wrap = 2**32
        flags |= ZERO_WINDOW if self.unsent else 0
        now = jiffies(self.now)
        event = EVENT.pack(
            self.now, self.cookie, kind, 2, state, old_state, 1, bytes([10, 0, 0, 1]),
            bytes([10, 0, 0, 2]), 7000, 1024 + self.cookie % 60000, flags | KEEPALIVE, error,
            (now + BOOT_JIFFIES) % wrap, (self.rcv_tstamp + BOOT_JIFFIES) % wrap,
            (self.lrcvtime + BOOT_JIFFIES) % wrap, self.delay // 1000, self.idle, self.interval,
            7200 * HZ, 75 * HZ, self.user_timeout_ms, self.probes, 9, self.probes_out,
            4 if self.retransmits else 0,
            self.last_tx, 0, 0, 0, (self.chrono_start + BOOT_JIFFIES) % wrap, self.rto,
            self.packets_out, self.unsent, 0, 0, self.total_retrans, self.delay // 4000, seq_offset,
            payload, reason, tcp_flags, self.backoff, self.retransmits, 0, 1 if self.packets_out else 0)
        self.records.append((self.now, event[:104] if small else event))

    def end(self, outcome, found_by, error, flags=0, old_state=ESTABLISHED):
        packets, self.packets_out = self.packets_out, 0     # purged before the state changes
        self.tell(STATE, CLOSE, old_state, flags, error,
                  small=not error and not packets and old_state != ESTABLISHED)
        self.ending = (outcome, found_by, self.now)
        if error == ETIMEDOUT and not self.told_of_silence:
            # a retransmission within the gate's 100 ms of a sign of life, and none after it
            self.asks, self.kinds = [], set()
        if self.asks:
            self.episode("closed" if found_by is None and not error else "died")

    # ---- what was on the wire ----

    def ask(self, at, kind):
        self.asks.append(at)
        self.kinds.add(kind)

    def episode(self, end):
        if len(self.asks) >= 2 or (self.asks and end == "died"):
            kind, = self.kinds if len(self.kinds) == 1 else ("mixed",)
            self.episodes.append((kind, len(self.asks), end))

    def hear(self, is_answer):
        """A segment of the peer's: whatever was asked, it is there."""
        if self.asks:
            if is_answer:
                self.answers.append(self.now - self.asks[0])
                self.answered += "keepalive" in self.kinds
            self.episode("recovered")
        self.asks, self.kinds, self.heard_at = [], set(), self.now
        self.told_of_silence = False

    # ---- the keepalive timer ----

    def arm_keepalive(self, delta):
        due = jiffies(self.now) + delta + self.rng.randint(0, wheel_lateness(delta))
        self.at(due * JIFFY + self.rng.randint(1, 900) * 1000, self.keepalive_timer)

    def keepalive_timer(self):
        self.last_tx = self.now
        if self.packets_out or self.unsent:
            self.arm_keepalive(self.idle)
            return
        elapsed = self.unheard()
        if elapsed < self.idle:
            self.arm_keepalive(self.idle - elapsed)
            return
        limit = -(-self.user_timeout_ms * HZ // 1000)
        if (limit and elapsed >= limit and self.probes_out) or \
                (not limit and self.probes_out >= self.probes):
            self.tell(RESET_SENT)
            name = "user_timeout" if limit else "keepalive"
            self.end("user_timeout" if limit else "keepalive_timeout", name, ETIMEDOUT,
                     IN_KEEPALIVE)
            return
        self.probes_out += 1
        self.told_of_silence = True
        if self.theme == "kept in" and self.kept_in[0] <= self.now < self.kept_in[1]:
            self.failed += 1        # the kernel counts it; nobody was asked
            self.tell(PROBE_FAILED, reason=DROPPED)
            self.arm_keepalive(self.interval)
            return
        self.sent += 1
        self.tell(PROBE_SENT)
        self.ask(self.now, "keepalive")
        self.asked()
        self.arm_keepalive(self.interval)

    # ---- data ----

    def write(self):
        if self.packets_out:
            return
        self.packets_out, self.chrono_start = 1, jiffies(self.now)
        self.last_tx = self.written = self.now
        self.rto = HZ // 5 + jiffies(self.delay) + 1
        self.arm_rto(self.rto)
        self.asked()

    def arm_rto(self, delta):
        self.rto_deadline = jiffies(self.now) + delta
        self.at(self.rto_deadline * JIFFY + self.rng.randint(1, 900) * 1000, self.rto_timer,
                self.rto_deadline)

    def rto_timer(self, deadline):
        if not self.packets_out or deadline != self.rto_deadline:
            return
        since = (self.now - self.retrans_stamp) // MS
        limit = self.user_timeout_ms or ((2 << RETRIES2) - 1) * 200
        if self.retransmits and since >= limit:
            name = "user_timeout" if self.user_timeout_ms else "retransmit"
            self.end("user_timeout" if self.user_timeout_ms else "retransmit_timeout", name,
                     ETIMEDOUT)
            return
        first = not self.retransmits
        if first:
            self.retrans_stamp = self.now
        self.total_retrans += 1
        self.last_tx = self.now
        if self.unheard() >= QUIET:
            self.tell(RETRANSMIT)
            self.told_of_silence = True
        # If the peer spoke since it was written, its first transmission is no ask of this silence.
        if self.written > self.heard_at and "retransmit" not in self.kinds:
            self.ask(self.written, "retransmit")
        self.ask(self.now, "retransmit")
        self.retransmits += 1
        self.backoff += 1
        self.rto = min(self.rto * 2, 120 * HZ)
        delta = self.rto
        if self.user_timeout_ms:
            left = self.user_timeout_ms - (self.now - self.retrans_stamp) // MS
            delta = max(1, min(delta, -(-left * HZ // 1000)))
        self.arm_rto(delta)
        self.asked()

    # ---- a closed window ----

    def window_closes(self):
        self.unsent, self.backoff = 1000, 0
        self.at(self.now + self.rng.randint(1, 40) * S, self.window_opens)
        self.arm_persist()

    def window_opens(self):
        if self.unsent and not self.forgot() and self.passes("in", self.now):
            self.segment(True)
            self.unsent, self.backoff, self.probes_since = 0, 0, None

    def arm_persist(self):
        due = jiffies(self.now) + min(self.rto << self.backoff, 120 * HZ)
        self.at(due * JIFFY + self.rng.randint(1, 900) * 1000, self.persist_timer)

    def persist_timer(self):
        if not self.unsent:
            return
        limit = -(-self.user_timeout_ms * HZ // 1000)
        if self.probes_since is None:
            self.probes_since = jiffies(self.now)
        elif limit and jiffies(self.now) - self.probes_since >= limit:
            self.end("user_timeout", "user_timeout", ETIMEDOUT)
            return
        if self.probes_out >= RETRIES2:
            by_user = ("user_timeout", "user_timeout")
            self.end(*(by_user if limit else ("zero_window_timeout", "zero_window")), ETIMEDOUT)
            return
        self.last_tx = self.now
        self.probes_out += 1
        self.window_probes += 1
        self.told_of_silence = True
        self.tell(ZERO_WINDOW_PROBE)
        self.ask(self.now, "zero_window")
        self.backoff += 1
        self.asked()
        self.arm_persist()

    # ---- the peer ----

    def forgot(self):
        return self.forgets_at is not None and self.now >= self.forgets_at

    def asked(self):
        """A segment of ours that a live peer must answer has just left."""
        if self.passes("out", self.now):
            arrives = self.now + self.delay
            self.at(arrives, self.reset if self.forgot() else self.acknowledged, self.now)

    def acknowledged(self, of):
        if not self.passes("in", self.now):
            return
        self.segment(True)
        if self.packets_out and self.written <= of:
            self.packets_out = self.retransmits = self.backoff = 0
            self.written = None

    def segment(self, acceptable_ack, is_answer=True, payload=0, seq_offset=0):
        """The gate, the event, and what the kernel makes of the segment."""
        if self.unheard() >= QUIET and (self.probes_out or self.retransmits or
                                        self.unheard() >= IDLE or seq_offset == -1):
            self.tell(HEARD, flags=SEGMENT, tcp_flags=ACK, payload=payload, seq_offset=seq_offset)
        self.hear(is_answer)
        if acceptable_ack:
            self.rcv_tstamp, self.probes_out, self.probes_since = jiffies(self.now), 0, None
        if payload:
            self.lrcvtime = jiffies(self.now)

    def peer_writes(self):
        if not self.forgot() and self.passes("in", self.now):
            # On the fast path, data that acknowledges nothing new leaves the count of probes.
            self.segment(self.rng.random() < 0.5, payload=10)

    def peer_probes_us(self, period):
        if self.forgot():
            return
        # One within the gate's time of another segment is not told; then it was none here.
        if self.passes("in", self.now) and self.unheard() >= QUIET and \
                self.now - self.heard_at >= 100 * MS:
            self.peer_probes += 1
            self.segment(False, is_answer=False, seq_offset=-1)
        self.at(self.now + period, self.peer_probes_us, period)

    def reset(self, _):
        if not self.passes("in", self.now) or self.unheard() < QUIET:
            return
        if self.packets_out and "retransmit" not in self.kinds:
            self.ask(max(self.written, self.heard_at), "retransmit")
        self.tell(HEARD, flags=SEGMENT, tcp_flags=RST)
        self.tell(RESET_RECEIVED)
        self.probes_out = self.retransmits = 0
        self.end("reset_by_peer", "reset", ECONNRESET)

    def close(self):
        """While nothing is amiss: the FIN is acknowledged and the peer closes, too."""
        if self.asks or self.packets_out or self.unsent or self.probes_out or self.forgot() or \
                self.unheard() < QUIET or not (self.passes("in", self.now) and
                                               self.passes("out", self.now)):
            return
        self.end("closed_locally", None, 0, old_state=FIN_WAIT2)

    # ---- what a timeline must say ----

    def bounds(self):
        """The latency's interval in nanoseconds: (min, likely_min, max)."""
        declared = self.ending[2]
        if not self.asks:
            return None, None, declared - self.heard_at
        slack = max(self.delay // 1000 * 1000 + self.delay // 4000 * 1000,
                    max(self.answers, default=0))
        return (max(0, declared - self.asks[-1] - slack),
                max(0, declared - self.asks[0] - slack), declared - self.heard_at)


def record(kind, mono_ns, payload):
    payload += bytes(-len(payload) % 8)
    return struct.pack("<IHHQ", 16 + len(payload), kind, 0, mono_ns) + payload


def write_recording(path, lives):
    text = lambda *words: b"".join(w.encode() + b"\0" for w in words)   # noqa: E731
    events = sorted((r for life in lives for r in life.records), key=lambda r: r[0])
    with open(path, "wb") as f:
        f.write(b"HALFOPEN" + struct.pack("<II", 1, 0x01020304))
        f.write(record(1, 0, struct.pack("<I", HZ) + text("1", "model", "b", "r", "model")))
        f.write(record(5, 0, struct.pack("<Q", 1_700_000_000 * S)))
        f.write(record(2, 0, text("tcp_probe timer_expire_exit")))
        tick = 0
        for at, event in events:
            if at > tick:
                f.write(record(4, at, b""))
                tick = at + S
            f.write(record(3, at, event))
        f.write(record(11, events[-1][0] + 10 * S, b""))


def disagreement(life, t):
    """What the timeline says otherwise, None if it agrees."""
    counts = t["counts"]
    said = [counts[k] for k in ("probes_sent", "probes_answered", "probes_failed", "peer_probes",
                                "zero_window_probes")]
    made = [life.sent, life.answered, life.failed, life.peer_probes, life.window_probes]
    if said != made:
        return f"counts {said}, not {made}"
    if counts["retransmits"] != life.total_retrans:
        return f"{counts['retransmits']} retransmissions, not {life.total_retrans}"
    if counts["events_lost"]:
        return "events lost"
    episodes = [(e["kind"], e["asks"], e["end"]) for e in t["episodes"] if e["end"] != "open"]
    if episodes != life.episodes:
        return f"episodes {episodes}, not {life.episodes}"
    if not life.ending:
        unanswered = max(0, len(life.asks) - 1)
        expected = "suspect" if unanswered >= 2 else "open"
        return None if t["outcome"] == expected else f"{t['outcome']}, not {expected}"
    outcome, found_by, _ = life.ending
    half = t.get("half_open", {})
    if (t["outcome"], half.get("found_by")) != (outcome, found_by):
        return f"{t['outcome']} by {half.get('found_by')}, not {outcome} by {found_by}"
    if not found_by:
        return None
    # The kernel's clocks are jiffies: what rests on them is known to two of them.
    for name, expected in zip(("min", "likely_min", "max"), life.bounds()):
        got = half["latency_ms"][name]
        if got is None or expected is None:
            if got is not expected:
                return f"{name} {got}, not {expected}"
        elif abs(got - expected / MS) > 2 * JIFFY / MS + 1:
            return f"{name} {got} ms, not {expected / MS}"
    return None


def main(program, results, histories="10000", seed="1"):
    rng = random.Random(int(seed))
    lives = [Life(cookie, random.Random(rng.random()), rng.randint(1000, 9999) * MS * 10).live()
             for cookie in range(1, int(histories) + 1)]
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "model.ho")
        write_recording(path, lives)
        out = subprocess.run([program, "watch", "--json", "--all", "-r", path], check=True,
                             capture_output=True, text=True).stdout
    timelines = {}
    for line in out.splitlines():
        line = json.loads(line)
        if line["schema"] == "halfopen.timeline/1":
            timelines[int(line["socket"]["cookie"])] = line
    wrong, outcomes = [], {}
    for life in lives:
        t = timelines.get(life.cookie)
        why = "no timeline" if t is None else disagreement(life, t)
        if why:
            wrong.append((life, f"history {life.cookie}: {why}"))
        name = life.ending[0] if life.ending else "open"
        outcomes[name] = outcomes.get(name, 0) + 1
    print(f"model: {len(lives)} histories, {len(wrong)} disagree; {outcomes}")
    for _, why in wrong[:10]:
        print("  " + why)
    if os.environ.get("MODEL_SHOW") and wrong:
        print(json.dumps(timelines.get(wrong[0][0].cookie), indent=1))
    inside = "" if not wrong else f"<failure message={quoteattr(wrong[0][1])}/>"
    with open(os.path.join(results, "model.xml"), "w") as f:
        f.write(f'<?xml version="1.0"?>\n<testsuites><testsuite name="model" tests="1"><testcase '
                f'name="{len(lives)} random histories">{inside}</testcase></testsuite>'
                '</testsuites>\n')
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
